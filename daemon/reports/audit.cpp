#include "daemon/reports/audit.hpp"

#include "daemon/base/spoken.hpp"
#include "daemon/reports/pupil_cells.hpp"
#include "daemon/views/entries.hpp"
#include "daemon/views/labels.hpp"
#include "daemon/views/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

namespace rollbook {
namespace {

struct kind_total {
    statement_row sum;
    std::int64_t reads = 0;
    std::int64_t unbalanced = 0;
    std::int64_t unread = 0;
    instant newest{};
};

std::string of_years(const retention_clock& clock, std::string_view from)
{
    return fmt::format(
        "at least {} years{} from {}",
        clock.at_least_years,
        clock.at_most_years ? fmt::format(", at most {}", *clock.at_most_years)
                            : std::string(", then until it is erased"),
        from
    );
}

std::string cohort_text(const rule_cohort& of)
{
    const std::string years = of.years.empty() ? "" : fmt::format("years {}", fmt::join(of.years, ", "));
    const std::string groups = of.groups.empty() ? "" : fmt::format("groups {}", fmt::join(of.groups, ", "));
    if (years.empty() && groups.empty()) return "all";
    return years + (years.empty() || groups.empty() ? "" : "; ") + groups;
}

std::string disclosure_text(disclosure of)
{
    return of == disclosure::name ? "names" : of == disclosure::initials ? "initials" : "a reference";
}

// The entries recorded on the days asked about.
std::pair<entry_index, entry_index> recorded_on(const report_question& asked, const day_range& days)
{
    const auto before = [&](civil_day day) {
        return asked.at.reader.size_at(asked.at.zone.to_instant(local_instant(day)) - std::chrono::milliseconds(1));
    };
    return {before(days.first), std::min(before(days.last + std::chrono::days(1)), asked.at.n)};
}

// The entries of one kind within [first, end), without those between them; erased ones are left out.
void each_entry(
    const report_question& asked,
    what kind,
    entry_index first,
    entry_index end,
    const std::function<bool(const entry_view&)>& use
)
{
    const ledger_reader& reader = asked.at.reader;
    reader.things_since(kind, first, end, [&](const thing_view& each) {
        bool goes_on = true;
        reader.entries(each.entry, each.entry + 1, [&](const entry_view& entry) {
            goes_on = !entry.is_open || use(entry);
            return false;
        });
        return goes_on;
    });
}

} // namespace

report reconciliation(const report_question& asked)
{
    report made;
    made.title = "Reconciliation summary";
    made.columns = {
        {"source", "Source"},
        {"record", "Record"},
        {"reads", "Reads", true},
        {"rows", "Rows read", true},
        {"new", "New", true},
        {"changed", "Changed", true},
        {"unchanged", "Unchanged", true},
        {"duplicate", "Duplicate", true},
        {"quarantined", "Quarantined", true},
        {"vanished", "Vanished", true},
        {"restored", "Restored", true},
        {"unbalanced", "Reads that did not balance", true},
        {"unread", "Not read", true},
        {"held", "Held at the newest", true},
        {"newest", "Newest read"}};
    const day_range days = asked.days(school_calendar::academic_year_start(asked.today()));
    made.notes = {
        fmt::format("Reads closed from {} to {}.", spoken_date(days.first), spoken_date(days.last)),
        "Rows read = new + changed + unchanged + duplicate + quarantined, of every read; changed includes restored. "
        "Each "
        "read's own statement is on the page of statements.",
    };
    const instant from = asked.at.zone.to_instant(local_instant(days.first));
    const instant to =
        asked.at.zone.to_instant(local_instant(days.last + std::chrono::days(1))) - std::chrono::milliseconds(1);
    std::map<std::pair<std::string, std::string>, kind_total> totals;
    // Who sees no pupil keeps the systems running, and needs every count; anybody else has those of what they may see.
    const auto may_see = [&](const statement_row& row) {
        return asked.allowed == visibility() ||
               visibility_of(row.record, asked.at.config.is_safeguarding(row.source)).is_within(asked.allowed);
    };
    asked.at.reader.statements(from, to, asked.at.n, [&](const statement_row& row) {
        if (!may_see(row)) return true;
        kind_total& of = totals[{row.source, std::string(name_of(row.record))}];
        ++of.reads;
        of.unread += !row.not_read.empty();
        of.unbalanced += row.not_read.empty() && !row.balanced;
        of.sum.read += row.read;
        of.sum.fresh += row.fresh;
        of.sum.changed += row.changed;
        of.sum.unchanged += row.unchanged;
        of.sum.duplicate += row.duplicate;
        of.sum.quarantined += row.quarantined;
        of.sum.vanished += row.vanished;
        of.sum.restored += row.restored;
        of.sum.held = row.held;
        of.newest = std::max(of.newest, row.at);
        return true;
    });
    for (const auto& [key, of] : totals)
        made.rows.push_back(
            {key.first,
             key.second,
             std::to_string(of.reads),
             std::to_string(of.sum.read),
             std::to_string(of.sum.fresh),
             std::to_string(of.sum.changed),
             std::to_string(of.sum.unchanged),
             std::to_string(of.sum.duplicate),
             std::to_string(of.sum.quarantined),
             std::to_string(of.sum.vanished),
             std::to_string(of.sum.restored),
             std::to_string(of.unbalanced),
             std::to_string(of.unread),
             std::to_string(of.sum.held),
             clock_text(of.newest, asked.at.zone)}
        );
    return made;
}

report processing(const report_question& asked)
{
    const configuration& config = asked.at.config;
    report made;
    made.title = "Record of processing";
    made.notes = {
        "From the configuration in force. Controller, lawful basis and the contact of the data protection officer are "
        "for "
        "the school to add.",
        "Telephone numbers and addresses are not read. Passwords are kept as Argon2id; who was shown which pupil is an "
        "entry of the ledger.",
    };
    made.columns = {
        {"source", "Read from"}, {"role", "What it is"}, {"every", "Read every"}, {"held", "Kinds of record held"}};
    std::map<std::string, std::set<std::string>> held;
    for (const what kind :
         {what::pupil,
          what::adult,
          what::lesson_mark,
          what::incident,
          what::involvement,
          what::suspension,
          what::concern,
          what::action})
        for (const std::string& source : asked.at.reader.sources_of(kind, asked.at.n))
            held[source].emplace(name_of(kind));
    asked.at.reader.marks(no_entry, asked.at.n, false, [&](const mark_view& mark) {
        held[std::string(mark.source)].emplace(name_of(what::session_mark));
        return held[std::string(mark.source)].empty(); // one says it
    });
    for (const source_configuration& each : config.sources)
        made.rows.push_back(
            {each.name,
             each.role == source_role::mis ? "management information system" : "safeguarding records",
             age_text(each.poll_every),
             fmt::format("{}", fmt::join(held[each.name], ", "))}
        );
    report_table kept{"How long it is kept", {{"what", "What"}, {"time", "How long"}}, {}};
    kept.rows.push_back(
        {"session marks and first-day calls", of_years(config.retention.attendance, "the day of the entry")}
    );
    kept.rows.push_back({"concerns", of_years(config.retention.safeguarding, "the date of birth")});
    kept.rows.push_back({"incidents and suspensions", of_years(config.retention.behaviour, "the day")});
    if (config.backup) kept.rows.push_back({"encrypted backups", age_text(config.backup->keep)});
    report_table told{
        "Who is told",
        {{"route", "Route"},
         {"channel", "Channel"},
         {"about", "Of rules"},
         {"pupils", "Of pupils"},
         {"discloses", "A pupil is"}},
        {}};
    for (const route_configuration& each : config.routes)
        told.rows.push_back(
            {each.name,
             each.channel,
             fmt::format(
                 "{}{}",
                 fmt::join(each.rules, ", "),
                 each.stages.empty() ? "" : fmt::format(" from {}", fmt::join(each.stages, ", "))
             ),
             cohort_text(each.cohort),
             disclosure_text(each.disclose)}
        );
    report_table judged{
        "What it is used for", {{"rule", "Rule"}, {"flags", "Flags of pupils it reads"}, {"source", "Why"}}, {}};
    for (const rule& each : config.rules)
        if (each.enabled)
            judged.rows.push_back(
                {each.title,
                 fmt::format("{}{}", fmt::join(each.cohort.flags, ", "), each.cohort.watch_list ? ", watch list" : ""),
                 each.source}
            );
    made.more = {std::move(judged), std::move(told), std::move(kept)};
    return made;
}

report who_saw_what(const report_question& asked)
{
    report made;
    made.title = "Who saw what";
    made.columns = {
        {"at", "When"},
        {"user", "Who"},
        {"view", "What"},
        {"pupil", "Pupil"},
        {"reason", "Why"},
        {"entry", "Entry", true}};
    const day_range days = asked.days(asked.today() - std::chrono::days(30));
    made.notes = {
        fmt::format("Recorded from {} to {}.", spoken_date(days.first), spoken_date(days.last)),
        "A page about a pupil is one entry for each person, pupil and day; a list that was taken away as a file is an "
        "entry without a pupil.",
    };
    const auto [first, end] = recorded_on(asked, days);
    if (first >= end) return made;
    each_entry(asked, what::access, first, end, [&](const entry_view& entry) {
        const opened_entry each = open_entry(entry);
        const entry_index pupil = each.pupil();
        if (asked.pupil != no_entry && (pupil == no_entry || asked.everyone.person_of(pupil) != asked.pupil))
            return true;
        // Of a stranger, whom only a safeguarding system knows, nobody else is told.
        if (pupil != no_entry && !labels_at(asked.at, pupil).is_within(asked.allowed) &&
            asked.everyone.is_stranger(asked.everyone.person_of(pupil)))
            return true;
        made.rows.push_back(
            {clock_text(entry.recorded_at, asked.at.zone),
             std::string(each.text("user")),
             std::string(each.text("view")),
             pupil == no_entry ? "" : asked.reference(pupil),
             std::string(each.text("reason")),
             std::to_string(entry.index)}
        );
        return true;
    });
    return made;
}

report what_was_sent(const report_question& asked)
{
    report made;
    made.title = "What was sent to whom";
    made.columns = {
        {"at", "When"},
        {"route", "Route"},
        {"type", "Message"},
        {"pupil", "Pupil"},
        {"stage", "Stage"},
        {"attempt", "Try", true},
        {"alert", "Alert", true},
        {"entry", "Entry", true}};
    const day_range days = asked.days(asked.today() - std::chrono::days(30));
    made.notes = {fmt::format(
        "Receipts recorded from {} to {}. The messages' text is in no entry.",
        spoken_date(days.first),
        spoken_date(days.last)
    )};
    const auto [first, end] = recorded_on(asked, days);
    if (first >= end) return made;
    each_entry(asked, what::delivery, first, end, [&](const entry_view& entry) {
        const opened_entry each = open_entry(entry);
        const entry_index pupil = each.pupil();
        if (asked.pupil != no_entry && (pupil == no_entry || asked.everyone.person_of(pupil) != asked.pupil))
            return true;
        if (!labels_of(asked.at, each).is_within(asked.allowed)) return true;
        const auto attempt = each.root()["attempt"].int_if();
        const entry_index about = each.index("alert");
        made.rows.push_back(
            {clock_text(entry.recorded_at, asked.at.zone),
             std::string(each.text("route")),
             std::string(each.text("type")),
             pupil == no_entry ? "" : asked.reference(pupil),
             std::string(each.text("stage")),
             attempt ? std::to_string(*attempt) : "",
             about == no_entry ? "" : std::to_string(about),
             std::to_string(entry.index)}
        );
        return true;
    });
    return made;
}

} // namespace rollbook
