#pragma once

#include "daemon/ports/ledger_reader.hpp"
#include "daemon/reconcile/payload.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace rollbook {

inline std::uint64_t test_digest(std::string_view text)
{
    return std::hash<std::string_view>()(text);
}

// A ledger that is only a list of entries: what the reader answers is worked out from their payloads each time.
class written_ledger : public ledger_reader {
public:
    struct entry {
        entry_kind kind = entry_kind::record;
        instant recorded_at{};
        std::string payload; // empty: erased
        version row;
    };

    entry_index append(entry_kind kind, instant at, const std::string& payload)
    {
        entry added{kind, at, payload, std::monostate()};
        if (!payload.empty()) added.row = project(payload, all.size(), test_digest).value();
        all.push_back(std::move(added));
        return all.size() - 1;
    }
    entry_index append(instant at, const draft& d)
    {
        all.push_back({d.kind, at, d.payload, d.row});
        return all.size() - 1;
    }

    std::vector<entry> all;
    std::vector<statement_row> rows;
    std::vector<source_state> states;
    std::optional<beginning> first_closed;
    bool simulated = false;
    std::optional<stored_checkpoint> checkpoint;
    outbox_counts messages;
    verify_report verdict;
    mutable verify_options asked; // of the last verify()

    entry_index size() const override { return all.size(); }
    entry_index size_at(instant at) const override
    {
        return static_cast<entry_index>(std::ranges::count_if(all, [&](const entry& e) { return e.recorded_at <= at; })
        );
    }
    std::optional<beginning> began() const override { return first_closed; }
    bool is_simulated() const override { return simulated; }
    std::string origin() const override { return "ledger.example.sch.uk/900001"; }

    void entries(entry_index from, entry_index to, const std::function<bool(const entry_view&)>& use) const override
    {
        for (entry_index i = from; i < std::min<entry_index>(to, all.size()); ++i) {
            entry_view view;
            view.index = i;
            view.kind = all[i].kind;
            view.recorded_at = all[i].recorded_at;
            view.is_open = !all[i].payload.empty();
            view.commitment.fill(7);
            view.commit_key.fill(9);
            view.payload = all[i].payload;
            if (!use(view)) return;
        }
    }

    void things(what kind, entry_index n, const std::function<bool(const thing_view&)>& use) const override
    {
        for (entry_index i = 0; i < n; ++i) {
            const auto* row = std::get_if<thing_version>(&all[i].row);
            if (!row || row->kind != kind || is_replaced(i, n)) continue;
            if (!use(view_of(i, *row))) return;
        }
    }

    void history(entry_index subject, entry_index n, const std::function<bool(const thing_view&)>& use) const override
    {
        for (entry_index i = 0; i < n; ++i) {
            const auto* row = std::get_if<thing_version>(&all[i].row);
            if (!row || view_of(i, *row).subject != subject) continue;
            if (!use(view_of(i, *row))) return;
        }
    }

    void marks(entry_index pupil, entry_index n, bool with_payload, const std::function<bool(const mark_view&)>& use)
        const override
    {
        for (entry_index i = 0; i < n; ++i) {
            const auto* row = std::get_if<mark_version>(&all[i].row);
            if (!row || row->gone || is_replaced(i, n) || (pupil != no_entry && row->pupil != pupil)) continue;
            mark_view view{i, row->session, row->pupil, row->source, row->raw, row->statutory, row->minutes, {}};
            if (with_payload) view.payload = all[i].payload;
            if (!use(view)) return;
        }
    }

    void
    mark_changes(entry_index from, entry_index to, const std::function<bool(const mark_change&)>& use) const override
    {
        for (entry_index i = from; i < std::min<entry_index>(to, all.size()); ++i) {
            const auto* mark = std::get_if<mark_version>(&all[i].row);
            if (mark && mark->replaces != no_entry && !use({mark->replaces, i})) return;
        }
    }

    void statements(
        std::optional<instant> from,
        std::optional<instant> to,
        entry_index n,
        const std::function<bool(const statement_row&)>& use
    ) const override
    {
        for (const statement_row& row : rows) {
            if ((from && row.at < *from) || (to && *to < row.at) || size_at(row.at) > n) continue;
            if (!use(row)) return;
        }
    }

    std::vector<source_state> sources() const override { return states; }
    std::vector<stream_state> streams(const std::string&) const override { return {}; }
    outbox_counts outbox() const override { return messages; }
    void quarantine(const std::function<bool(const quarantined_view&)>& use) const override
    {
        for (const quarantined_view& each : bad_rows)
            if (!use(each)) return;
    }
    std::vector<quarantined_view> bad_rows;
    std::int64_t quarantined() const override { return 0; }
    std::optional<stored_checkpoint> newest_checkpoint() const override { return checkpoint; }
    result<std::string> prove(entry_index index) const override
    {
        if (checkpoint && index < checkpoint->size) return "c2sp.org/tlog-proof@v1\n";
        return failure(errc::not_found, "no checkpoint covers the entry", "Wait for the next one.");
    }
    verify_report verify(const verify_options& options) const override
    {
        asked = options;
        return verdict;
    }

private:
    thing_view view_of(entry_index i, const thing_version& row) const
    {
        thing_view view;
        view.entry = i;
        view.subject = row.subject == no_entry ? i : row.subject;
        view.pupil = row.pupil == no_entry && row.kind == what::pupil ? view.subject : row.pupil;
        view.kind = row.kind;
        view.source = row.source;
        view.key = row.key;
        view.gone = row.gone;
        view.payload = all[i].payload;
        return view;
    }

    bool is_replaced(entry_index index, entry_index n) const
    {
        for (entry_index i = index + 1; i < n; ++i) {
            const auto* thing = std::get_if<thing_version>(&all[i].row);
            const auto* mark = std::get_if<mark_version>(&all[i].row);
            if ((thing && thing->replaces == index) || (mark && mark->replaces == index)) return true;
        }
        return false;
    }
};

} // namespace rollbook
