#include "daemon/ledger/erase_plan.hpp"

#include "daemon/base/bytes.hpp"

#include <algorithm>

namespace rollbook {
namespace {

void merge(erasure_plan& into, erasure_plan&& other)
{
    into.entries.insert(into.entries.end(), other.entries.begin(), other.entries.end());
    into.records.insert(other.records.begin(), other.records.end());
    for (const auto& [kind, count] : other.by_kind)
        into.by_kind[kind] += count;
    into.words.insert(into.words.end(), other.words.begin(), other.words.end());
    into.source_records.insert(into.source_records.end(), other.source_records.begin(), other.source_records.end());
}

// Marks of sessions whose newest version is past its maximum. All versions of a session go together.
void add_old_marks(
    SQLite::Database& database,
    const retention_clock& clock,
    civil_day today,
    const std::set<entry_index>& held,
    erasure_plan& plan
)
{
    if (!clock.at_most_years) return;
    opening_reader openings(database);
    std::map<std::tuple<civil_day, int, entry_index, std::string>, std::pair<bool, std::vector<entry_index>>> slots;
    const auto maybe = [&](const mark_row& row) {
        return !held.contains(row.pupil) && *must_go_on(clock, row.day) <= today;
    };
    for (const mark_row& row : read_marks(database, maybe)) {
        auto& [stays, entries] = slots[{row.day, row.session, row.pupil, row.source}];
        const auto document = json_document::parse(openings.payload(row.entry));
        if (document && *must_go_on(clock, day_of_mark(row.day, document->root())) > today) stays = true;
        entries.push_back(row.entry);
    }
    for (const auto& [slot, found] : slots) {
        if (found.first) continue;
        plan.entries.insert(plan.entries.end(), found.second.begin(), found.second.end());
        plan.by_kind[std::string(name_of(what::session_mark))] += static_cast<std::int64_t>(found.second.size());
    }
}

// Records of a source, involvements, and contacts about an absence, past their maximum. All versions of a thing go
// together; a record that several took part in goes when it may go for each of them.
void add_old_records(
    const std::vector<thing_row>& things,
    const participation& involved,
    const retention_clocks& clocks,
    civil_day today,
    const std::set<entry_index>& held,
    erasure_plan& plan
)
{
    std::map<entry_index, bool> past; // by pupil record: past the safeguarding clock
    const auto is_past = [&](entry_index pupil) {
        const auto [at, is_new] = past.try_emplace(pupil, false);
        if (is_new) {
            const auto born = birth_of(things, records_of(things, pupil));
            const auto day = born ? must_go_on(clocks.safeguarding, *born) : std::nullopt;
            at->second = day && *day <= today && !held.contains(pupil);
        }
        return at->second;
    };
    std::map<entry_index, bool> goes; // by subject
    for (const thing_row& row : things) {
        bool old = false;
        const bool of_concern =
            row.kind == what::concern || (row.kind == what::involvement && involved.of_concerns.contains(row.subject));
        if (of_concern) {
            if (row.kind == what::involvement) {
                old = is_past(row.pupil);
            } else {
                const auto pupils = involved.pupils.find({row.kind, row.source, row.key});
                old = pupils != involved.pupils.end() && std::ranges::all_of(pupils->second, is_past);
            }
        } else if (row.kind == what::incident || row.kind == what::involvement || row.kind == what::suspension) {
            const auto document = parsed(row);
            const auto day = document ? must_go_on(clocks.behaviour, day_of_record(document->root())) : std::nullopt;
            old = day && *day <= today && !held.contains(row.pupil);
            if (row.kind == what::incident) {
                const auto pupils = involved.pupils.find({row.kind, row.source, row.key});
                if (pupils != involved.pupils.end())
                    old = old && std::ranges::none_of(pupils->second, [&](entry_index p) { return held.contains(p); });
            }
        } else if (row.kind == what::action && row.source.empty() && row.key.starts_with("pupil/")) {
            const auto document = parsed(row);
            const auto on = document ? parse_day(document->root()["on"].string_if().value_or("")) : std::nullopt;
            const auto day = on ? must_go_on(clocks.attendance, *on) : std::nullopt;
            old = day && *day <= today && !held.contains(row.pupil);
        } else {
            continue;
        }
        const auto [at, is_new] = goes.try_emplace(row.subject, old);
        if (!is_new) at->second = at->second && old;
    }
    for (const thing_row& row : things)
        if (const auto at = goes.find(row.subject); at != goes.end() && at->second) {
            take(plan, row);
            if (row.key.size() >= telling_word_min && row.kind != what::action) plan.words.push_back(row.key);
        }
}

// Findings and alerts that have ended and rest on nothing that stays, and what was done about such alerts.
void add_ended(SQLite::Database& database, const std::vector<thing_row>& things, erasure_plan& plan)
{
    const std::set<entry_index> taken(plan.entries.begin(), plan.entries.end());
    if (taken.empty()) return;
    opening_reader openings(database);
    std::set<entry_index> ended;
    for (const thing_row& row : things) {
        if ((row.kind != what::finding && row.kind != what::alert) || !row.newest || !row.gone) continue;
        const auto document = parsed(row);
        if (!document || document->root()["evidence"].size() == 0) continue;
        bool all = true;
        document->root()["evidence"].for_each_element([&](json_view each) {
            const auto index = static_cast<entry_index>(each.int_if().value_or(0));
            all = all && (taken.contains(index) || openings.payload(index).empty());
        });
        if (all) ended.insert(row.subject);
    }
    const auto is_about_ended = [&](const thing_row& row) {
        const auto alert = row.kind == what::action && row.source.empty() ? parse_decimal(row.key) : std::nullopt;
        return alert && ended.contains(*alert);
    };
    for (const thing_row& row : things) {
        const bool is_ended = (row.kind == what::finding || row.kind == what::alert) && ended.contains(row.subject);
        if (is_ended || is_about_ended(row)) take(plan, row);
    }
}

// Persons whom no source lists and of whom only the name and what hangs on it is left.
void add_empty_persons(
    SQLite::Database& database,
    const std::vector<thing_row>& things,
    const participation& involved,
    const std::set<entry_index>& held,
    const retention_clocks& clocks,
    civil_day today,
    erasure_plan& plan
)
{
    const std::set<entry_index> taken(plan.entries.begin(), plan.entries.end());
    std::set<entry_index> busy; // pupil records with something left
    for (const mark_row& row : read_marks(database, [&](const mark_row& each) { return !taken.contains(each.entry); }))
        busy.insert(row.pupil);
    std::map<entry_index, civil_day> newest;
    std::set<entry_index> linked;
    for (const thing_row& row : things) {
        if (row.kind == what::link && row.newest && !row.gone) linked.insert(other_of(row).value_or(no_entry));
        if (is_source_record(row.kind) && row.kind != what::pupil && !taken.contains(row.entry)) busy.insert(row.pupil);
        if (row.kind != what::pupil) continue;
        if (row.newest && !row.gone) busy.insert(row.subject);
        const auto document = parsed(row);
        if (document) newest[row.subject] = std::max(newest[row.subject], day_learned(document->root()));
    }
    for (const auto& [subject, day] : newest) {
        if (linked.contains(subject) || must_go_on(clocks.attendance, day) > today) continue;
        const std::set<entry_index> records = records_of(things, subject);
        if (std::ranges::any_of(records, [&](entry_index each) { return busy.contains(each) || held.contains(each); }))
            continue;
        erasure_plan person = plan_person_of(database, things, involved, held, subject, clocks, today);
        std::erase_if(person.entries, [&](entry_index each) { return taken.contains(each); });
        merge(plan, std::move(person));
    }
}

const retention_clock* clock_of(what record, const retention_clocks& clocks)
{
    switch (record) {
    case what::pupil:
    case what::session_mark:
    case what::lesson_mark: return &clocks.attendance;
    case what::incident:
    case what::involvement:
    case what::suspension: return &clocks.behaviour;
    // Counted from a birth that the row does not give, and that was before it came.
    case what::concern: return &clocks.safeguarding;
    default: return nullptr;
    }
}

// Rows that could not be read, by the clock of what they are about, from when they last came. Whose they are is not
// known, and so none of them goes while a hold stands.
void add_old_quarantined(
    SQLite::Database& database,
    const retention_clocks& clocks,
    civil_day today,
    const std::set<entry_index>& held,
    erasure_plan& plan
)
{
    if (!held.empty()) return;
    const time_zone utc = time_zone::utc();
    SQLite::Statement rows(database, "SELECT id, record, last_seen FROM quarantine");
    while (rows.executeStep()) {
        const retention_clock* clock = clock_of(static_cast<what>(rows.getColumn(1).getInt()), clocks);
        if (!clock) continue;
        const auto day = must_go_on(*clock, day_of(utc.to_local(instant_of(rows.getColumn(2)).value())));
        if (day && *day <= today) plan.quarantined.insert(rows.getColumn(0).getInt64());
    }
}

} // namespace

erasure_plan plan_retention(SQLite::Database& database, const retention_clocks& clocks, civil_day today)
{
    const std::vector<thing_row> things = read_things(database);
    const participation involved = read_participation(things);
    const std::set<entry_index> held = holds_in(things);
    erasure_plan plan;
    add_old_marks(database, clocks.attendance, today, held, plan);
    add_old_records(things, involved, clocks, today, held, plan);
    add_ended(database, things, plan);
    if (clocks.attendance.at_most_years) add_empty_persons(database, things, involved, held, clocks, today, plan);
    add_old_quarantined(database, clocks, today, held, plan);
    take_quarantined(database, plan);
    finish(plan);
    return plan;
}

} // namespace rollbook
