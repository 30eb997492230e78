#include "daemon/ledger/erase_plan.hpp"

#include "daemon/base/canonical_json.hpp"

#include <algorithm>

namespace rollbook {
namespace {

void add_words(const thing_row& pupil, std::set<std::string>& words)
{
    words.insert(pupil.key);
    const auto document = parsed(pupil);
    if (!document) return;
    const json_view fields = document->root()["fields"];
    for (const std::string_view name : {"upn", "former_upn", "mis_id", "admission_number"})
        words.insert(std::string(fields[name].string_if().value_or("")));
    for (const auto& [first, last] : {std::pair("forename", "surname"), std::pair("legal_forename", "legal_surname")}) {
        const std::string forename(fields[first].string_if().value_or(""));
        const std::string surname(fields[last].string_if().value_or(""));
        words.insert(forename);
        words.insert(surname);
        if (forename.empty() || surname.empty()) continue;
        words.insert(forename + " " + surname);
        words.insert(surname + ", " + forename);
    }
}

// What rests on erased entries and names nobody: a finding about a record that goes, or about a source's own id.
bool rests_on(const thing_row& finding, const std::set<entry_index>& taken, const std::set<std::string>& ids)
{
    const auto document = parsed(finding);
    if (!document) return false;
    const json_view subject = document->root()["subject"];
    std::string id(subject["source"].string_if().value_or(""));
    id.append(1, '\0').append(subject["id"].string_if().value_or(""));
    if (ids.contains(id)) return true;
    bool any = false;
    document->root()["evidence"].for_each_element([&](json_view each) {
        const auto index = each.int_if();
        any = any || (index && taken.contains(static_cast<entry_index>(*index)));
    });
    return any;
}

void later(std::optional<civil_day>& of, civil_day day)
{
    of = std::max(of.value_or(day), day);
}

void refuse(erasure_plan& plan, bool is_minimum, std::string what, std::string to_do)
{
    plan.refusals.push_back({is_minimum, failure(errc::forbidden, std::move(what), std::move(to_do))});
}

// Whatever forbids erasing a person, other than its age.
void check_standing(erasure_plan& plan, const std::vector<thing_row>& things, const std::set<entry_index>& held)
{
    std::set<std::string> listing;
    for (const thing_row& row : things)
        if (row.kind == what::pupil && row.newest && !row.gone && row.is_listed && plan.records.contains(row.subject))
            listing.insert(row.source);
    for (const std::string& source : listing)
        refuse(
            plan,
            false,
            "the source " + source + " still lists the pupil",
            "Remove the pupil there first; what a source lists would be read again."
        );
    if (std::ranges::any_of(plan.records, [&](entry_index each) { return held.contains(each); }))
        refuse(
            plan,
            false,
            "a legal hold stands on the pupil",
            "`rollbook hold list` says why; `rollbook hold end` ends it."
        );
}

class person_clocks {
public:
    person_clocks(const retention_clocks& clocks, std::optional<civil_day> born) : clocks_(clocks), born_(born) {}

    void mark(civil_day session, json_view payload)
    {
        later(until_, may_go_on(clocks_.attendance, day_of_mark(session, payload)));
    }
    void concern()
    {
        if (born_)
            later(until_, may_go_on(clocks_.safeguarding, *born_));
        else
            birth_unknown_ = clocks_.safeguarding.at_least_years > 0;
    }
    void behaviour(json_view payload) { later(until_, may_go_on(clocks_.behaviour, day_of_record(payload))); }

    void judge(erasure_plan& plan, civil_day today) const
    {
        plan.kept_until = until_;
        if (until_ && today < *until_)
            refuse(
                plan,
                true,
                "entries about the pupil must be kept until " + format_day(*until_),
                "Wait, or give --override and --by NAME with the legal basis for erasing them now."
            );
        if (birth_unknown_)
            refuse(
                plan,
                true,
                "there are safeguarding entries, and no source gives the pupil's date of birth to count from",
                "Give --override and --by NAME with the legal basis for erasing them now."
            );
    }

private:
    const retention_clocks& clocks_;
    std::optional<civil_day> born_;
    std::optional<civil_day> until_;
    bool birth_unknown_ = false;
};

// Incidents and concerns of which everyone who ever took part is among `records`.
std::set<involved_in> records_of_nobody_else(const participation& all, const std::set<entry_index>& records)
{
    std::set<involved_in> alone;
    for (const auto& [record, pupils] : all.pupils)
        if (std::ranges::all_of(pupils, [&](entry_index each) { return records.contains(each); })) alone.insert(record);
    return alone;
}

using word_set = std::set<std::string_view>;

// One of the words as the whole of a value, or of a part of a list in one.
bool holds_word(std::string_view value, const word_set& words)
{
    if (words.contains(value)) return true;
    constexpr std::string_view separators = " \t\r\n,;|";
    for (std::size_t at = 0; (at = value.find_first_not_of(separators, at)) != value.npos;) {
        const std::size_t end = std::min(value.find_first_of(separators, at), value.size());
        if (words.contains(value.substr(at, end - at))) return true;
        at = end;
    }
    return false;
}

bool holds_word(json_view value, const word_set& words)
{
    if (const auto text = value.string_if()) return holds_word(*text, words);
    bool found = false;
    if (value.is_number()) {
        std::string text;
        json_writer out(text);
        value.write_canonical(out);
        found = words.contains(text);
    }
    value.for_each([&](std::string_view, json_view each) { found = found || holds_word(each, words); });
    value.for_each_element([&](json_view each) { found = found || holds_word(each, words); });
    return found;
}

} // namespace

std::vector<entry_range> ranges_of(const std::vector<entry_index>& sorted)
{
    std::vector<entry_range> ranges;
    for (const entry_index index : sorted) {
        if (!ranges.empty() && ranges.back().second + 1 == index)
            ranges.back().second = index;
        else
            ranges.emplace_back(index, index);
    }
    return ranges;
}

void take_quarantined(SQLite::Database& database, erasure_plan& plan)
{
    const word_set words(plan.words.begin(), plan.words.end());
    const bool of_person = !plan.records.empty();
    SQLite::Statement rows(database, "SELECT id, row, record, reason FROM quarantine");
    while (rows.executeStep()) {
        const std::string text(text_of(rows.getColumn(1)));
        const std::string_view reason = text_of(rows.getColumn(3));
        bool tells = std::ranges::any_of(words, [&](std::string_view word) {
            return word.size() >= telling_word_min && (text.find(word) != text.npos || reason.find(word) != text.npos);
        });
        if (const auto row = json_document::parse(text)) {
            const bool is_sealed =
                rows.getColumn(2).getInt() == static_cast<int>(what::concern) && row->root()["sealed"].is_array();
            tells = tells || (of_person && is_sealed) || holds_word(row->root(), words);
        } else {
            tells = tells || of_person;
        }
        if (tells) plan.quarantined.insert(rows.getColumn(0).getInt64());
    }
}

void take(erasure_plan& plan, const thing_row& row)
{
    plan.entries.push_back(row.entry);
    ++plan.by_kind[std::string(name_of(row.kind))];
    if (row.newest && is_source_record(row.kind)) plan.source_records.push_back({row.kind, {row.source, row.key}});
}

void finish(erasure_plan& plan)
{
    std::ranges::sort(plan.entries);
    plan.entries.erase(std::unique(plan.entries.begin(), plan.entries.end()), plan.entries.end());
}

erasure_plan plan_person_of(
    SQLite::Database& database,
    const std::vector<thing_row>& things,
    const participation& involved,
    const std::set<entry_index>& held,
    entry_index person,
    const retention_clocks& clocks,
    civil_day today
)
{
    erasure_plan plan;
    plan.records = records_of(things, person);
    check_standing(plan, things, held);
    person_clocks minimum(clocks, birth_of(things, plan.records));
    const std::set<involved_in> alone = records_of_nobody_else(involved, plan.records);

    std::set<std::string> words;
    std::set<std::string> ids; // source, NUL, id
    std::set<entry_index> taken;
    const auto take_row = [&](const thing_row& row) {
        if (!taken.insert(row.entry).second) return;
        take(plan, row);
        if (is_source_record(row.kind)) {
            words.insert(row.key);
            ids.insert(row.source + std::string(1, '\0') + row.key);
        }
        const auto document = parsed(row);
        if (!document) return;
        if (row.kind == what::pupil) add_words(row, words);
        if (row.kind == what::concern || (row.kind == what::involvement && involved.of_concerns.contains(row.subject)))
            minimum.concern();
        else if (row.kind == what::incident || row.kind == what::involvement || row.kind == what::suspension)
            minimum.behaviour(document->root());
    };
    for (const thing_row& row : things) {
        const bool about = row.pupil != no_entry && plan.records.contains(row.pupil);
        const bool named = row.kind == what::link && plan.records.contains(other_of(row).value_or(no_entry));
        const bool own = (row.kind == what::incident || row.kind == what::concern) &&
                         alone.contains({row.kind, row.source, row.key});
        if (about || named || own) take_row(row);
    }
    for (const thing_row& row : things)
        if (row.kind == what::finding && row.pupil == no_entry && rests_on(row, taken, ids)) take_row(row);

    opening_reader openings(database);
    for (const mark_row& row :
         read_marks(database, [&](const mark_row& each) { return plan.records.contains(each.pupil); })) {
        plan.entries.push_back(row.entry);
        ++plan.by_kind[std::string(name_of(what::session_mark))];
        if (const auto document = json_document::parse(openings.payload(row.entry)))
            minimum.mark(row.day, document->root());
    }
    minimum.judge(plan, today);
    plan.words.assign(words.begin(), words.end());
    std::erase(plan.words, "");
    finish(plan);
    return plan;
}

result<erasure_plan>
plan_person(SQLite::Database& database, entry_index person, const retention_clocks& clocks, civil_day today)
{
    const std::vector<thing_row> things = read_things(database);
    const bool known = std::ranges::any_of(things, [&](const thing_row& row) {
        return row.kind == what::pupil && row.subject == person;
    });
    if (!known)
        return failure(
            errc::not_found, "no pupil is known by that reference", "`rollbook links list` lists references."
        );
    erasure_plan plan =
        plan_person_of(database, things, read_participation(things), holds_in(things), person, clocks, today);
    take_quarantined(database, plan);
    return plan;
}

} // namespace rollbook
