#include "daemon/cli/alerts.hpp"

#include "daemon/base/json.hpp"
#include "daemon/cli/cases.hpp"
#include "daemon/cli/commands.hpp"

#include <algorithm>
#include <ostream>

namespace rollbook {
namespace {

std::string window_text(const day_range& window)
{
    return format_day(window.first) + " to " + format_day(window.last);
}

std::string value_text(std::int64_t value, const alert& of)
{
    return of.parts ? shown_value(value, true) + " %" : grouped(value);
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

std::string done_by(const alert& version)
{
    if (!version.decided) return {};
    const alert_decision& decided = *version.decided;
    std::string said(name_of(decided.verb));
    if (!decided.outcome.empty()) said += ": " + decided.outcome;
    return plain(said + ", " + (decided.by.empty() ? decided.user : decided.by + " (" + decided.user + ")"));
}

void print_story(std::ostream& out, const workplace& at, const alert_story& story)
{
    text_table history(out, {">Entry", "When", "State", "Stage", ">Value", "Decided", "Words"});
    for (const alert& each : story.versions)
        history.row(
            {std::to_string(each.latest),
             clock_text(each.changed_at, at.zone),
             std::string(name_of(each.state)) + (each.parked ? ", parked" : ""),
             each.stage,
             value_text(each.value, each),
             done_by(each),
             plain(each.decided ? each.decided->text : "")}
        );
    history.end();
    if (!story.actions.empty()) out << "\nActions\n";
    print_actions(out, at, story.actions);
    if (story.for_letter.fresh != story.for_letter.all)
        out << "\nOf the " << story.for_letter.all << " that count, " << story.for_letter.fresh
            << " have not been in a letter under this rule yet.\n";
    if (!story.referral) return;
    out
        << (story.referral->is_ready() ? "\nReady to refer for a penalty notice.\n"
                                       : "\nNot ready to refer for a penalty notice:\n");
    for (const std::string& line : story.referral->lacking())
        out << "  " << line << '\n';
}

// What staff may paste where Rollbook cannot write: no name, for the record it goes into is the pupil's own.
void print_copy(std::ostream& out, const workplace& at, const std::string& title, const alert_story& story)
{
    const alert& now = story.now;
    out << "\nCopy for CPOMS\n--------------\n"
        << title << " (" << now.stage << "), opened " << long_clock_text(now.opened_at, at.zone) << ".\n"
        << plain(now.reason) << '\n';
    for (const case_action& each : story.actions) {
        out << format_day(each.on) << ": " << each.kind;
        if (!each.text.empty()) out << ". " << plain(each.text);
        if (!each.outcome.empty()) out << " Outcome: " << plain(each.outcome) << '.';
        if (!each.outcome_text.empty()) out << ' ' << plain(each.outcome_text);
        out << '\n';
    }
    out << "Rollbook alert " << now.id << ", " << at.config.school.name << "\n--------------\n";
}

void print_alert(const command_io& io, const workplace& at, const people& everyone, const alert_story& story)
{
    const alert& now = story.now;
    const rule* judged_by = at.config.find_rule(now.rule);
    io.out << "Alert " << now.id << ": " << (judged_by ? plain(judged_by->title) : now.rule) << " (" << now.rule
           << "), " << now.stage << ", " << name_of(now.state) << '\n'
           << (is_about_source(now) ? subject_without_pupil(now).kind : "Pupil") << ' ' << subject_of(now, everyone)
           << ": " << value_text(now.value, now) << " where " << value_text(now.threshold, now) << " is the threshold, "
           << window_text(now.window) << '\n'
           << plain(now.reason) << '\n';
    if (judged_by) io.out << "Source of the rule: " << plain(judged_by->source) << '\n';
    io.out << '\n';

    print_story(io.out, at, story);
    io.out << '\n';
    if (is_about_source(now)) return;
    print_evidence(io.out, at, now.evidence);
    print_copy(io.out, at, judged_by ? plain(judged_by->title) : now.rule, story);
}

} // namespace

alert_table::alert_table(std::ostream& out, const time_zone& zone, const people& everyone)
    : table_(out, {">Alert", "Rule", "Stage", "State", "About", ">Value", ">Threshold", "Opened", "Changed"}),
      zone_(zone), everyone_(everyone)
{
}

void alert_table::row(const alert& value)
{
    table_.row(
        {std::to_string(value.id),
         value.rule,
         value.stage,
         std::string(name_of(value.state)) + (value.parked ? ", parked" : ""),
         subject_of(value, everyone_),
         value_text(value.value, value),
         value_text(value.threshold, value),
         clock_text(value.opened_at, zone_),
         clock_text(value.changed_at, zone_)}
    );
}

int run_alerts_list(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        const people everyone(at);
        const newest_values values(at);
        id_page<alert> page(options.after, options.limit);
        at.reader.things(what::alert, at.n, [&](const thing_view& each) {
            std::optional<alert> read = read_alert(each);
            if (read) values.apply(*read);
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
        const alert_story story = story_of(at, options.index);
        const people everyone(at);
        if (options.json)
            print_json(io.out, [&](json_writer& out) { write_alert_story(out, story, everyone); });
        else
            print_alert(io, at, everyone, story);
        return exit_done;
    });
}

} // namespace rollbook
