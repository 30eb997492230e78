#include "daemon/views/entries.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"

#include <algorithm>
#include <ostream>
#include <set>

namespace rollbook {
namespace {

// What `ledger list` was asked to leave out.
class entry_filter {
public:
    entry_filter(const command_options& options, const people& everyone) : kind_(options.kind)
    {
        if (options.pupil.empty()) return;
        const std::vector<entry_index> records = everyone.records_of(everyone.find(options.pupil).value());
        records_.emplace(records.begin(), records.end());
    }

    bool wants(const opened_entry& each) const
    {
        if (!kind_.empty() && to_text(each.entry.kind) != kind_ && each.text("what") != kind_) return false;
        return !records_ || records_->contains(each.pupil()) || records_->contains(each.index("other"));
    }

private:
    std::string kind_;
    std::optional<std::set<entry_index>> records_;
};

struct span {
    entry_index from = 0;
    entry_index to = 0; // exclusive
};

span asked_for(const workplace& at, const command_options& options)
{
    span entries{0, at.n};
    if (options.from) entries.from = at.reader.size_at(*options.from - std::chrono::milliseconds(1));
    if (options.to) entries.to = std::min(entries.to, at.reader.size_at(*options.to));
    if (options.after) entries.from = std::max(entries.from, *options.after + 1);
    return entries;
}

bool is_entry_word(std::string_view word)
{
    return word.empty() || parse_what(word) || parse_entry_kind(word);
}

// A payload for people: what a source said of a pupil stays hidden, only the names of its fields are shown.
void print_payload(std::ostream& out, json_view root)
{
    root.for_each([&](std::string_view key, json_view value) {
        std::string text;
        if (key == "fields") {
            value.for_each([&](std::string_view name, json_view) { text.append(text.empty() ? "" : ", ").append(name); }
            );
            text += " (values with --json)";
        } else if (key == "comment") {
            text = "(hidden; with --json)";
        } else {
            json_writer writer(text);
            value.write_canonical(writer);
        }
        out << "  " << plain(key) << ": " << plain(text) << '\n';
    });
}

void print_entry(std::ostream& out, const opened_entry& each, const time_zone& zone)
{
    const entry_view& entry = each.entry;
    out << "Entry " << entry.index << ", " << to_text(entry.kind) << ", recorded "
        << clock_text(entry.recorded_at, zone) << " (" << format_instant(entry.recorded_at) << ")\n";
    out << "Commitment: " << to_hex(entry.commitment) << '\n';
    if (!each.payload) {
        out << "Erased: neither its key nor its payload is kept.\n";
        return;
    }
    out << "Commit key: " << to_hex(entry.commit_key) << "\nPayload:\n";
    print_payload(out, each.root());
}

} // namespace

int run_ledger_list(const command_io& io, const command_options& options)
{
    if (!is_entry_word(options.kind)) {
        throw failure_error({
            errc::usage,
            "--kind names no kind of entry",
            "Give what an entry is about (session-mark, finding, alert, ...) or record, erasure, key, fork or note.",
        });
    }
    return with_ledger(io, options, [&](const workplace& at) {
        const people everyone(at);
        const entry_filter filter(options, everyone);
        const span entries = asked_for(at, options);
        text_table table(io.out, {">Entry", "Recorded", "Kind", "What", "Source", "Pupil"});
        json_list list(io.out);
        std::uint64_t shown = 0;
        entry_index last = 0;
        bool is_cut = false;
        const auto show = [&](const entry_view& entry) {
            const opened_entry each = open_entry(entry);
            if (!filter.wants(each)) return true;
            if (options.limit != 0 && shown == options.limit) {
                is_cut = true;
                return false;
            }
            if (options.json)
                list.item([&](json_writer& out) { write_entry(out, each, everyone, false); });
            else
                table.row(entry_cells(each, at, everyone));
            ++shown;
            last = entry.index;
            return true;
        };
        if (entries.from < entries.to) at.reader.entries(entries.from, entries.to, show);
        if (options.json)
            list.end();
        else
            table.end();
        if (!options.json && shown == 0) io.out << "No entries.\n";
        if (is_cut) print_cut(io.err, shown, last);
        return exit_done;
    });
}

int run_ledger_show(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        if (options.index >= at.n) {
            throw failure_error({
                errc::not_found,
                "the ledger has no entry " + std::to_string(options.index) + "; its size is " + std::to_string(at.n),
                "`rollbook ledger list` lists its entries.",
            });
        }
        const people everyone(at);
        at.reader.entries(options.index, options.index + 1, [&](const entry_view& entry) {
            const opened_entry each = open_entry(entry);
            if (options.json)
                print_json(io.out, [&](json_writer& out) { write_entry(out, each, everyone, true); });
            else
                print_entry(io.out, each, at.zone);
            return false;
        });
        return exit_done;
    });
}

} // namespace rollbook
