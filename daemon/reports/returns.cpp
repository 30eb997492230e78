#include "daemon/reports/returns.hpp"

#include "daemon/base/spoken.hpp"
#include "daemon/domain/school_age.hpp"
#include "daemon/reports/pupil_cells.hpp"
#include "daemon/reports/school_facts.hpp"
#include "daemon/rules/measures.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rollbook {
namespace {

constexpr std::size_t run_sessions_min = 20; // ten school days

struct absence_run {
    session_id first{};
    session_id last{};
    std::map<std::string_view, int> codes;
    std::vector<std::uint32_t> entries;
    bool is_over = false;
};

// Of sessions outside `age`, where that is known, no return is asked: they are as if they were not there.
std::vector<absence_run> runs_of(
    const school_facts& facts,
    entry_index person,
    const std::optional<day_range>& age,
    const day_range& until,
    civil_day from
)
{
    std::vector<absence_run> found;
    absence_run now;
    const auto end = [&](bool is_over) {
        now.is_over = is_over;
        if (now.entries.size() >= run_sessions_min && now.last.day >= from) found.push_back(now);
        now = {};
    };
    facts.each_mark(person, until, [&](const school_facts::mark& mark) {
        if (!mark.row || (age && !age->contains(mark.session.day))) return;
        if (mark.row->penalty_notice) {
            if (now.entries.empty()) now.first = mark.session;
            now.last = mark.session;
            ++now.codes[mark.row->code];
            now.entries.push_back(mark.entry);
        } else if (mark.row->klass != code_class::not_required && mark.row->klass != code_class::administrative) {
            end(true);
        }
    });
    end(false);
    return found;
}

// Whose runs that touch `days` need to be looked for. The last session of such a run lies in them. Either all of it
// lies in them and the two months before, or it goes on through all of those two months.
std::unordered_set<entry_index> may_have_run(const report_question& asked, const day_range& days)
{
    const day_range months{days.first - std::chrono::days(60), days.first - std::chrono::days(1)};
    const std::string mis = asked.at.config.mis_name();
    const auto before = asked.at.reader.sums_of_days(mis, months, asked.at.n);
    std::unordered_set<entry_index> found;
    for (const auto& [record, sums] : asked.at.reader.sums_of_days(mis, days, asked.at.n)) {
        if (sums.unauthorised == 0) continue;
        const auto known = before.find(record);
        const figures earlier = known == before.end() ? figures() : known->second;
        const bool lies_within = earlier.unauthorised + sums.unauthorised >= std::int64_t{run_sessions_min};
        if (lies_within || earlier.possible == earlier.unauthorised) found.insert(record);
    }
    return found;
}

std::string session_text(session_id session)
{
    return format_day(session.day) + (session.half == half_day::am ? " AM" : " PM");
}

std::string count_text(const absence_run& run, std::string_view code)
{
    const auto found = run.codes.find(code);
    return std::to_string(found == run.codes.end() ? 0 : found->second);
}

std::optional<day_range> age_of(const school_facts& facts, entry_index person)
{
    const auto born = facts.born(person);
    return born ? std::optional(compulsory_school_age(*born)) : std::nullopt;
}

std::string age_text(const std::optional<day_range>& age, civil_day last)
{
    if (!age) return "date of birth not read";
    return "of compulsory school age" + (age->last < last ? " until " + format_day(age->last) : std::string());
}

std::string standing_text(const absence_run& run, bool is_on_roll)
{
    if (is_on_roll) return run.is_over ? "ended" : "still absent";
    return run.is_over ? "ended; no longer on roll" : "no longer on roll";
}

// Illness is counted within its window alone. The last day judged may lie some days before the last asked about, and
// with it the window's beginning.
civil_day illness_from(const report_question& asked, const rule& by, civil_day last)
{
    constexpr std::chrono::days judged_before{60};
    const civil_day year_began = school_calendar::academic_year_start(last - judged_before);
    const auto window_began = first_day_of_windows(by, asked.at.config.calendar, last - judged_before);
    return std::min(year_began, window_began.value_or(year_began));
}

// Whether the mark can be N: what N is, the day's table says.
bool may_be_n(const mark_view& mark)
{
    return mark.statutory.find_first_of("Nn") != std::string_view::npos;
}

} // namespace

report attendance_return(const report_question& asked)
{
    report made;
    made.title = "Attendance return";
    made.columns = joined<report_column>(
        pupil_columns(asked),
        {{"age", "Age"},
         {"first", "From"},
         {"last", "To"},
         {"standing", "Standing"},
         {"days", "School days", true},
         {"sessions", "Sessions", true},
         {"g", "G", true},
         {"n", "N", true},
         {"o", "O", true},
         {"u", "U", true},
         {"first_entry", "First entry", true},
         {"last_entry", "Last entry", true}}
    );
    const day_range days = asked.days(asked.today() - std::chrono::days(30));
    made.notes = {
        fmt::format(
            "Runs of absence that reach ten school days and touch {} to {}. SI 2024/208 reg. 13.",
            spoken_date(days.first),
            spoken_date(days.last)
        ),
        "Who otherwise fails to attend regularly is for the school to judge and is not in this list.",
        "Sessions of compulsory school age count, where the date of birth is read. Who is no longer on roll is listed "
        "too: the run was while they were.",
        "Names, addresses and reasons are added from the school's own system; N counts, and becomes O when no reason "
        "is "
        "found.",
    };
    // A run may have begun long before.
    const day_range until{days.last - std::chrono::days(400), days.last};
    const std::unordered_set<entry_index> absent_enough = may_have_run(asked, days);
    const school_facts facts(asked, {.earliest = until.first, .pupils = absent_enough});
    for (const profile* who : in_order(asked, absent_enough)) {
        const std::optional<day_range> age = age_of(facts, who->person);
        for (const absence_run& run : runs_of(facts, who->person, age, until, days.first)) {
            made.rows.push_back(joined<std::string>(
                pupil_cells(asked, who->person),
                {age_text(age, days.last),
                 session_text(run.first),
                 session_text(run.last),
                 standing_text(run, who->on_roll),
                 std::to_string(run.entries.size() / 2),
                 std::to_string(run.entries.size()),
                 count_text(run, "G"),
                 count_text(run, "N"),
                 count_text(run, "O"),
                 count_text(run, "U"),
                 std::to_string(run.entries.front()),
                 std::to_string(run.entries.back())}
            ));
        }
    }
    return made;
}

report sickness_return(const report_question& asked)
{
    report made;
    made.title = "Sickness return";
    made.columns = joined<report_column>(
        pupil_columns(asked),
        {{"stage", "Standing"},
         {"days", "School days (I)", true},
         {"sessions", "Sessions (I)", true},
         {"first", "First"},
         {"last", "Newest"}}
    );
    const rule* by = rule_in_force(asked.at.config, "illness");
    const civil_day last = asked.days(asked.today()).last;
    const school_facts facts(
        asked,
        {.earliest = by && by->measure == "illness_days" ? illness_from(asked, *by, last) : looked_back_to(asked),
         .cases = by && find_measure(by->measure)->reads_cases ? asked.at.reader.cases(asked.at.n) : nullptr}
    );
    const auto when = facts.judged(last);
    if (!by || !when) {
        made.notes = {
            by ? "No session had closed by then." : "The rule \"illness\" is switched off: nobody is judged."};
        return made;
    }
    made.notes = {
        "Illness in the school year up to " + spoken_date(when->as_of) +
            ". A return is due as soon as there are reasonable grounds to believe that fifteen school days will be "
            "missed, "
            "in a row or not. SI 2024/208 reg. 13.",
        "\"review\" is ten days, a customary point; \"return\" is fifteen, or the pace that comes to fifteen by the "
        "end of "
        "the year. Whether there are grounds is for the school to say. One return for each continuous illness.",
    };
    const civil_day year_began = school_calendar::academic_year_start(when->as_of);
    for (const profile* who : in_order(asked)) {
        const auto of_age = facts.judged(facts.last_day_of_age(*by, who->person, when->as_of));
        if (!of_age || of_age->as_of < year_began) continue;
        const auto found = facts.judge(*by, who->person, *of_age);
        if (!found || found->stage < 0) continue;
        std::vector<session_id> sessions;
        const day_range year{year_began, of_age->as_of};
        facts.each_mark(who->person, year, [&](const school_facts::mark& mark) {
            if (mark.row && mark.row->code == "I") sessions.push_back(mark.session);
        });
        if (sessions.empty()) continue;
        made.rows.push_back(joined<std::string>(
            pupil_cells(asked, who->person),
            {by->stages[static_cast<std::size_t>(found->stage)].name,
             std::to_string(found->value),
             std::to_string(sessions.size()),
             session_text(sessions.front()),
             session_text(sessions.back())}
        ));
    }
    return made;
}

report no_reason(const report_question& asked)
{
    constexpr int due_after = 5; // school days
    report made;
    made.title = "Absences with no reason yet (N)";
    made.columns = joined<report_column>(
        pupil_columns(asked),
        {{"date", "Date"},
         {"session", "Session"},
         {"age", "School days old", true},
         {"due", "Reason due by the end of"},
         {"standing", "Standing"},
         {"entry", "Entry", true}}
    );
    made.notes = {
        "The reason is due by the end of the fifth school day after the session; N must not stay, and becomes O "
        "where no reason is found. SI 2024/208 reg. 10(7) to (9)."};
    const civil_day today = asked.today();
    const day_range days = asked.days(today - std::chrono::days(400));
    const school_facts facts(asked, {.earliest = days.first, .wanted = may_be_n});
    const school_calendar& calendar = asked.at.config.calendar;
    for (const profile* who : in_order(asked))
        facts.each_mark(who->person, days, [&](const school_facts::mark& mark) {
            if (!mark.row || mark.row->code != "N") return;
            const auto due = calendar.school_day_after(mark.session.day, due_after);
            const int age = calendar.school_days_between(mark.session.day, today);
            made.rows.push_back(joined<std::string>(
                pupil_cells(asked, who->person),
                {format_day(mark.session.day),
                 mark.session.half == half_day::am ? "AM" : "PM",
                 std::to_string(age),
                 due ? format_day(*due) : "",
                 age > due_after    ? "overdue"
                 : age == due_after ? "due today"
                                    : "in time",
                 std::to_string(mark.entry)}
            ));
        });
    return made;
}

report joiners_and_leavers(const report_question& asked)
{
    constexpr std::chrono::days due_after{5}; // calendar days: the regulation says "day"
    report made;
    made.title = "New and deleted pupils";
    made.columns = joined<report_column>(
        pupil_columns(asked),
        {{"change", "Change"},
         {"day", "Day"},
         {"first_read", "Rollbook read of it"},
         {"due", "Return due by the end of"},
         {"entry", "Entry", true}}
    );
    const day_range days = asked.days(school_calendar::academic_year_start(asked.today()));
    made.notes = {
        fmt::format("{} to {}. SI 2024/208 reg. 13(1) to (3).", spoken_date(days.first), spoken_date(days.last)),
        "A new pupil's return is due five days after the name was entered. The source does not say when that was: the "
        "day is counted from when Rollbook first read of the pupil, or from the first day on roll where that came "
        "later, and left empty where the pupil was on roll at the first read. Exempt: the school's most junior class "
        "on the first day of the school year.",
        "A deletion is returned when it is made. Its ground is in the school's own system; the source does not supply "
        "it.",
    };
    const std::string mis = asked.at.config.mis_name();
    struct change {
        civil_day day{};
        std::vector<std::string> cells;
    };
    std::vector<change> changes;
    asked.at.reader.things(what::pupil, asked.at.n, [&](const thing_view& each) {
        if (each.source != mis) return true;
        std::optional<civil_day> from, to, first_read, gone_on;
        bool backfill = false, is_gone = false;
        asked.at.reader.history(each.subject, asked.at.n, [&](const thing_view& version) {
            const auto document = json_document::parse(std::string(version.payload));
            if (!document) return true;
            const json_view root = document->root();
            const auto by = parse_instant(root["learned_by"].string_if().value_or(""));
            const auto day = by ? std::optional(day_of(asked.at.zone.to_local(*by))) : std::nullopt;
            const auto begins = parse_day(root["fields"]["on_roll_from"].string_if().value_or(""));
            const bool comes_back = from && begins && *begins > *from && (is_gone || (to && *to < *begins));
            if (version.entry == each.subject || comes_back) {
                first_read = day;
                backfill = root["backfill"].bool_if().value_or(false);
            }
            is_gone = version.gone;
            if (is_gone) {
                gone_on = day; // what is gone has no fields: the last known days on roll stay
                return true;
            }
            from = begins;
            to = parse_day(root["fields"]["on_roll_to"].string_if().value_or(""));
            return true;
        });
        const auto add = [&](civil_day day, const char* what, std::string read, std::string due) {
            if (!days.contains(day)) return;
            changes.push_back(
                {day,
                 joined<std::string>(
                     pupil_cells(asked, each.subject),
                     {what, format_day(day), std::move(read), std::move(due), std::to_string(each.entry)}
                 )}
            );
        };
        const std::string read = backfill ? "at the first read" : first_read ? format_day(*first_read) : std::string();
        // Who was listed before the first day on roll is entered by that day.
        const bool is_known = from && first_read && (!backfill || *first_read < *from);
        const std::string due = is_known ? format_day(std::max(*first_read, *from) + due_after) : std::string();
        if (from) add(*from, "new", read, due);
        const auto left = to ? to : is_gone ? gone_on : std::nullopt;
        if (left && *left <= asked.today())
            add(*left, to ? "last day on roll" : "no longer listed", gone_on ? format_day(*gone_on) : "", "");
        return true;
    });
    std::ranges::stable_sort(changes, {}, &change::day);
    for (change& each : changes)
        made.rows.push_back(std::move(each.cells));
    return made;
}

} // namespace rollbook
