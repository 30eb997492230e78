#include "daemon/cli/alerts.hpp"

#include "daemon/base/json.hpp"

#include <algorithm>
#include <ostream>

namespace rollbook {
namespace {

std::string window_text(const day_range& window)
{
    return format_day(window.first) + " to " + format_day(window.last);
}

std::vector<alert> versions_of(const workplace& at, entry_index id)
{
    std::vector<alert> versions;
    at.reader.history(id, at.n, [&](const thing_view& each) {
        if (each.kind == what::alert && each.subject == id) {
            if (auto version = read_alert(each)) versions.push_back(std::move(*version));
        }
        return true;
    });
    return versions;
}

void write_history(json_writer& out, const std::vector<alert>& versions)
{
    out.begin_array();
    for (const alert& each : versions) {
        out.begin_object();
        out.member("changed_at", format_instant(each.changed_at));
        out.member("entry", each.latest);
        out.member("reason", each.reason);
        out.member("stage", each.stage);
        out.member("state", name_of(each.state));
        out.member("value", each.value);
        out.end_object();
    }
    out.end_array();
}

// The marks among the evidence, as the register shows them.
void print_evidence(std::ostream& out, const workplace& at, const std::vector<entry_index>& evidence)
{
    text_table table(out, {">Entry", "Date", "Session", "Mark"});
    for (const entry_index index : evidence) {
        std::vector<std::string> cells{std::to_string(index), "-", "-", "-"};
        if (index < at.n) {
            at.reader.entries(index, index + 1, [&](const entry_view& entry) {
                const result<json_document> document = json_document::parse(std::string(entry.payload));
                if (!document || document->root()["what"].string_if() != name_of(what::session_mark)) return false;
                const json_view root = document->root();
                cells[1] = root["date"].string_if().value_or("-");
                cells[2] = root["session"].string_if().value_or("-");
                cells[3] = root["raw"].string_if().value_or("-");
                return false;
            });
        }
        table.row(std::move(cells));
    }
    table.end();
}

void print_alert(const command_io& io, const workplace& at, const people& everyone, const std::vector<alert>& versions)
{
    const alert& now = versions.back();
    const auto judged_by = std::ranges::find(at.config.rules, now.rule, &rule::id);
    io.out << "Alert " << now.id << ": " << (judged_by == at.config.rules.end() ? now.rule : plain(judged_by->title))
           << " (" << now.rule << "), " << now.stage << ", " << name_of(now.state) << '\n'
           << "Pupil " << reference_of(everyone.person_of(now.pupil)) << ": " << now.value << " where " << now.threshold
           << " is the threshold, " << window_text(now.window) << '\n'
           << plain(now.reason) << '\n';
    if (judged_by != at.config.rules.end()) io.out << "Source of the rule: " << plain(judged_by->source) << '\n';
    io.out << '\n';

    text_table history(io.out, {">Entry", "When", "State", "Stage", ">Value"});
    for (const alert& each : versions)
        history.row(
            {std::to_string(each.latest),
             clock_text(each.changed_at, at.zone),
             std::string(name_of(each.state)),
             each.stage,
             grouped(each.value)}
        );
    history.end();
    io.out << '\n';
    print_evidence(io.out, at, now.evidence);
}

} // namespace

std::optional<alert> read_alert(const thing_view& version)
{
    if (version.payload.empty()) return std::nullopt;
    std::optional<alert> read = parse_alert_payload(version.payload, version.entry);
    if (read) return read;
    throw failure_error({
        errc::ledger_in_doubt,
        "entry " + std::to_string(version.entry) + " of the ledger is no readable alert",
        "Run `rollbook ledger verify`; if it passes, a newer Rollbook wrote the entry.",
    });
}

void write_alert(
    json_writer& out, const alert& value, const people& everyone, const std::function<void(json_writer&)>& write_history
)
{
    out.begin_object();
    out.member("changed_at", format_instant(value.changed_at));
    out.key("evidence").begin_array();
    for (const entry_index each : value.evidence)
        out.value(each);
    out.end_array();
    if (write_history) {
        out.key("history");
        write_history(out);
    }
    out.member("id", value.id);
    out.member("opened_at", format_instant(value.opened_at));
    out.key("pupil");
    everyone.write(out, value.pupil);
    out.member("reason", value.reason);
    out.member("rule", value.rule);
    out.member("stage", value.stage);
    out.member("state", name_of(value.state));
    out.member("threshold", value.threshold);
    out.member("value", value.value);
    out.key("window").begin_object();
    out.member("from", format_day(value.window.first));
    out.member("to", format_day(value.window.last));
    out.end_object().end_object();
}

alert_table::alert_table(std::ostream& out, const time_zone& zone, const people& everyone)
    : table_(out, {">Alert", "Rule", "Stage", "State", "Pupil", ">Value", ">Threshold", "Opened", "Changed"}),
      zone_(zone), everyone_(everyone)
{
}

void alert_table::row(const alert& value)
{
    table_.row(
        {std::to_string(value.id),
         value.rule,
         value.stage,
         std::string(name_of(value.state)),
         reference_of(everyone_.person_of(value.pupil)),
         grouped(value.value),
         grouped(value.threshold),
         clock_text(value.opened_at, zone_),
         clock_text(value.changed_at, zone_)}
    );
}

int run_alerts_list(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        const people everyone(at);
        id_page<alert> page(options.after, options.limit);
        at.reader.things(what::alert, at.n, [&](const thing_view& each) {
            std::optional<alert> read = read_alert(each);
            if (read && (options.state == "all" || !is_ended(read->state))) page.put(read->id, std::move(*read));
            return true;
        });
        if (options.json) {
            json_list list(io.out);
            for (const auto& [id, each] : page.rows())
                list.item([&](json_writer& out) { write_alert(out, each, everyone); });
            list.end();
        } else {
            alert_table table(io.out, at.zone, everyone);
            for (const auto& [id, each] : page.rows())
                table.row(each);
            table.end();
            if (table.rows() == 0) io.out << "No alerts.\n";
        }
        if (page.is_cut()) print_cut(io.err, page.rows().size(), page.rows().rbegin()->first);
        return exit_done;
    });
}

int run_alerts_show(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        const std::vector<alert> versions = versions_of(at, options.index);
        if (versions.empty()) {
            throw failure_error({
                errc::not_found,
                "no alert has the id " + std::to_string(options.index),
                "`rollbook alerts list --state all` lists every alert with its id.",
            });
        }
        const people everyone(at);
        if (!options.json) {
            print_alert(io, at, everyone, versions);
            return exit_done;
        }
        print_json(io.out, [&](json_writer& out) {
            write_alert(out, versions.back(), everyone, [&](json_writer& into) { write_history(into, versions); });
        });
        return exit_done;
    });
}

} // namespace rollbook
