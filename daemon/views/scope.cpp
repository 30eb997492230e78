#include "daemon/views/scope.hpp"

#include "daemon/base/json.hpp"
#include "daemon/cases/opened_pupil.hpp"
#include "daemon/views/entries.hpp"

#include <tuple>

namespace rollbook {
namespace {

class scoped_reader final : public ledger_reader {
public:
    scoped_reader(const ledger_reader& whole, std::set<entry_index> records)
        : whole_(whole), records_(std::move(records))
    {
    }

    std::int64_t revision() const override { return whole_.revision(); }
    entry_index size() const override { return whole_.size(); }
    entry_index size_at(instant at) const override { return whole_.size_at(at); }
    std::optional<beginning> began() const override { return whole_.began(); }
    bool is_simulated() const override { return whole_.is_simulated(); }
    std::string origin() const override { return whole_.origin(); }

    void entries(entry_index from, entry_index to, const std::function<bool(const entry_view&)>& use) const override
    {
        whole_.entries(from, to, [&](const entry_view& entry) {
            const opened_entry each = open_entry(entry);
            const auto kind = parse_what(each.text("what"));
            if (!kind) return true;
            // Who took part in an incident is told after it.
            const std::string_view key = each.text(*kind == what::settings ? "name" : "id");
            return !is_within(*kind, each.pupil(), each.text("source"), key, whole_.size()) || use(entry);
        });
    }

    void things(what kind, entry_index n, const std::function<bool(const thing_view&)>& use) const override
    {
        whole_.things(kind, n, [&](const thing_view& each) { return !is_within(each, n) || use(each); });
    }

    void things_unread(what kind, entry_index n, const std::function<bool(const thing_view&)>& use) const override
    {
        whole_.things_unread(kind, n, [&](const thing_view& each) { return !is_within(each, n) || use(each); });
    }

    void things_of(what kind, entry_index pupil, entry_index n, const std::function<bool(const thing_view&)>& use)
        const override
    {
        whole_.things_of(kind, pupil, n, [&](const thing_view& each) { return !is_within(each, n) || use(each); });
    }

    void things_since(what kind, entry_index from, entry_index n, const std::function<bool(const thing_view&)>& use)
        const override
    {
        whole_.things_since(kind, from, n, [&](const thing_view& each) { return !is_within(each, n) || use(each); });
    }

    void things_by_id(
        what kind,
        std::string_view source,
        std::string_view id,
        entry_index n,
        const std::function<bool(const thing_view&)>& use
    ) const override
    {
        whole_.things_by_id(kind, source, id, n, [&](const thing_view& each) {
            return !is_within(each, n) || use(each);
        });
    }

    void history(entry_index subject, entry_index n, const std::function<bool(const thing_view&)>& use) const override
    {
        whole_.history(subject, n, [&](const thing_view& each) { return !is_within(each, n) || use(each); });
    }

    void marks(entry_index pupil, entry_index n, bool with_payload, const std::function<bool(const mark_view&)>& use)
        const override
    {
        if (pupil != no_entry && !records_.contains(pupil)) return;
        whole_.marks(pupil, n, with_payload, [&](const mark_view& each) {
            return !records_.contains(each.pupil) || use(each);
        });
    }

    void marks_of_days(
        entry_index pupil,
        const day_range& days,
        entry_index n,
        bool with_payload,
        const std::function<bool(const mark_view&)>& use
    ) const override
    {
        if (pupil != no_entry && !records_.contains(pupil)) return;
        whole_.marks_of_days(pupil, days, n, with_payload, [&](const mark_view& each) {
            return !records_.contains(each.pupil) || use(each);
        });
    }

    std::map<entry_index, figures>
    sums_of_days(std::string_view source, const day_range& days, entry_index n) const override
    {
        std::map<entry_index, figures> sums = whole_.sums_of_days(source, days, n);
        std::erase_if(sums, [&](const auto& each) { return !records_.contains(each.first); });
        return sums;
    }

    void
    mark_changes(entry_index from, entry_index to, const std::function<bool(const mark_change&)>& use) const override
    {
        whole_.mark_changes(from, to, [&](const mark_change& each) {
            bool is_within = false;
            entries(each.after, each.after + 1, [&](const entry_view&) { return is_within = true; });
            return !is_within || use(each);
        });
    }

    void
    statements(std::optional<instant>, std::optional<instant>, entry_index, const std::function<bool(const statement_row&)>&)
        const override
    {
    }

    // By alert, for alerts that are read elsewhere.
    std::vector<alert_value> alert_values(entry_index n) const override { return whole_.alert_values(n); }
    std::vector<source_state> sources() const override { return whole_.sources(); }
    std::vector<stream_state> streams(const std::string& source) const override { return whole_.streams(source); }
    outbox_counts outbox() const override { return {}; }
    std::int64_t quarantined() const override { return 0; }
    void quarantine(const std::function<bool(const quarantined_view&)>&) const override {}
    std::optional<stored_checkpoint> newest_checkpoint() const override { return whole_.newest_checkpoint(); }
    result<std::string> prove(entry_index index) const override { return whole_.prove(index); }
    verify_report verify(const verify_options& options) const override { return whole_.verify(options); }

private:
    using record_key = std::tuple<std::string, std::string, std::string>; // kind, source, the source's id

    bool is_within(const thing_view& each, entry_index n) const
    {
        const entry_index pupil = each.kind == what::pupil ? each.subject : each.pupil;
        return is_within(each.kind, pupil, each.source, each.key, n);
    }

    bool is_within(what kind, entry_index pupil, std::string_view source, std::string_view key, entry_index n) const
    {
        if (pupil != no_entry) return records_.contains(pupil);
        switch (kind) {
        case what::settings: return key != alert_budget_setting;
        case what::alert: return true; // about a source
        case what::incident:
        case what::concern:
            return involved(n).contains({std::string(name_of(kind)), std::string(source), std::string(key)});
        default: return false;
        }
    }

    // The incidents and concerns that one of the pupils takes part in. Kept while no part is added: notes of who looked
    // make the ledger grow with each page.
    const std::set<record_key>& involved(entry_index n) const
    {
        if (involved_at_ == n) return involved_;
        bool is_same = involved_at_ < n;
        if (is_same)
            whole_.things_since(what::involvement, involved_at_, n, [&](const thing_view&) { return is_same = false; });
        if (is_same) {
            involved_at_ = n;
            return involved_;
        }
        involved_.clear();
        whole_.things(what::involvement, n, [&](const thing_view& each) {
            if (each.gone || !records_.contains(each.pupil)) return true;
            const auto document = json_document::parse(std::string(each.payload));
            if (!document) return true;
            const json_view fields = document->root()["fields"];
            involved_.emplace(
                fields["of"].string_if().value_or(""), each.source, fields["record"].string_if().value_or("")
            );
            return true;
        });
        involved_at_ = n;
        return involved_;
    }

    const ledger_reader& whole_;
    std::set<entry_index> records_;
    mutable std::set<record_key> involved_;
    mutable entry_index involved_at_ = no_entry;
};

} // namespace

std::set<entry_index> records_within(const roster& pupils, const people& everyone, const pupil_scope& scope)
{
    std::set<entry_index> records;
    for (const auto& [person, who] : pupils.all()) {
        if (!scope.contains(who.year, who.form)) continue;
        const std::vector<entry_index> own = everyone.records_of(person);
        records.insert(own.begin(), own.end());
    }
    return records;
}

std::unique_ptr<ledger_reader> make_scoped_reader(const ledger_reader& whole, std::set<entry_index> records)
{
    return std::make_unique<scoped_reader>(whole, std::move(records));
}

std::set<entry_index> opened_to(const workplace& at, std::string_view account)
{
    std::set<entry_index> records;
    at.reader.things(what::settings, at.n, [&](const thing_view& each) {
        if (!each.key.starts_with(opened_prefix)) return true;
        const auto one = parse_opened(each.payload);
        if (one && !one->ended && one->account == account) records.insert(one->pupil);
        return true;
    });
    return records;
}

} // namespace rollbook
