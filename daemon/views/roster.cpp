#include "daemon/views/roster.hpp"

#include "daemon/domain/pupil_flags.hpp"

#include <algorithm>
#include <iterator>
#include <set>

namespace rollbook {
namespace {

void take(std::string& into, json_view fields, std::string_view name)
{
    if (!into.empty()) return;
    into = fields[name].string_if().value_or("");
}

struct named {
    std::string forename;
    std::string surname;
};

named name_of(json_view fields)
{
    named name;
    take(name.forename, fields, "forename");
    take(name.forename, fields, "legal_forename");
    take(name.surname, fields, "surname");
    take(name.surname, fields, "legal_surname");
    return name;
}

std::string joined(const std::string& a, const std::string& b, std::string_view between)
{
    return a.empty() || b.empty() ? a + b : a + std::string(between) + b;
}

// Years in the order of a school: R before 1, 9 before 10, words last.
bool is_before(const std::string& a, const std::string& b)
{
    const auto number = [](const std::string& text) {
        int value = 0;
        std::size_t digits = 0;
        while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9' && digits < 6)
            value = value * 10 + (text[digits++] - '0');
        return digits > 0 ? value : text == "R" ? 0 : 1'000'000;
    };
    const int left = number(a);
    const int right = number(b);
    return left != right ? left < right : a < b;
}

// Where a sum is told, what is hidden is known together: no single count then, nor several that are few in all. Hides
// the smallest of the others with it until it is not so.
void hide_more(const std::vector<std::int64_t>& counts, std::vector<bool>& hidden)
{
    for (;;) {
        std::int64_t sum = 0;
        int number = 0;
        std::size_t least = counts.size();
        for (std::size_t i = 0; i < counts.size(); ++i) {
            if (hidden[i]) {
                sum += counts[i];
                ++number;
            } else if (counts[i] > 0 && (least == counts.size() || counts[i] < counts[least])) {
                least = i;
            }
        }
        if (number == 0 || (number > 1 && sum >= suppress_below) || least == counts.size()) return;
        hidden[least] = true;
    }
}

// Of rows whose sum is known, or can be.
void hide_small(const std::vector<group_row*>& rows)
{
    std::vector<std::int64_t> pupils;
    std::vector<bool> hidden;
    for (const group_row* each : rows) {
        pupils.push_back(each->pupils);
        hidden.push_back(each->pupils < suppress_below);
    }
    hide_more(pupils, hidden);
    for (std::size_t i = 0; i < rows.size(); ++i)
        rows[i]->is_hidden = hidden[i];
}

} // namespace

std::string count_told(std::int64_t pupils)
{
    return pupils > 0 && pupils < suppress_below ? "fewer than 5" : std::to_string(pupils);
}

std::vector<std::string> counts_told(const std::vector<group_row>& rows, const std::vector<std::int64_t>& counts)
{
    std::vector<bool> hidden;
    for (std::size_t i = 0; i < rows.size(); ++i)
        hidden.push_back(rows[i].is_hidden || (counts[i] > 0 && counts[i] < suppress_below));
    const std::vector<bool> few = hidden;
    hide_more(counts, hidden);
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < rows.size(); ++i)
        texts.push_back(rows[i].is_hidden ? "" : hidden[i] && hidden != few ? "not shown" : count_told(counts[i]));
    return texts;
}

bool is_on_roll(json_view fields, civil_day day)
{
    const auto from = parse_day(fields["on_roll_from"].string_if().value_or(""));
    const auto to = parse_day(fields["on_roll_to"].string_if().value_or(""));
    return (!from || *from <= day) && (!to || day <= *to);
}

roster::roster(const workplace& at, const people& everyone)
{
    const civil_day today = day_of(at.zone.to_local(at.now));
    at.reader.things(what::pupil, at.n, [&](const thing_view& each) {
        const entry_index person = everyone.person_of(each.subject);
        profile& of = all_[person];
        of.person = person;
        // The person's own record is the MIS's, where there is one.
        const bool is_own = each.subject == person;
        if (is_own) of.on_roll = !each.gone && !everyone.is_stranger(person);
        const result<json_document> document = json_document::parse(std::string(each.payload));
        if (!document) return true;
        const json_view fields = document->root()["fields"];
        const named name = name_of(fields);
        if (const std::string whole = joined(name.forename, name.surname, " "); is_own || of.name.empty()) {
            if (!whole.empty()) {
                of.name = whole;
                of.sort_name = joined(name.surname, name.forename, ", ");
            }
        }
        if (is_own) {
            of.year = fields["year"].string_if().value_or("");
            of.form = fields["registration_group"].string_if().value_or("");
            of.flags = flags_in(fields["flags"]);
            if (!is_on_roll(fields, today)) of.on_roll = false;
        }
        return true;
    });
}

const profile* roster::find(entry_index person) const
{
    const auto found = all_.find(person);
    return found == all_.end() ? nullptr : &found->second;
}

std::map<entry_index, figures> figures_of_all(const workplace& at, const people& everyone, const day_range& days)
{
    std::map<entry_index, figures> by_person;
    for (const auto& [record, sums] : at.reader.sums_of_days(at.config.mis_name(), days, at.n))
        by_person[everyone.person_of(record)] += sums;
    return by_person;
}

bool is_larger_share(const share& a, const share& b)
{
    if (a.whole <= 0 || b.whole <= 0) return a.whole > 0 && b.whole <= 0;
    return a.part * b.whole > b.part * a.whole;
}

std::string percent_text(std::int64_t part, std::int64_t whole)
{
    if (whole <= 0) return "-";
    const std::int64_t tenths = part * 1000 / whole;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

namespace {

void count_in(group_row& row, const std::map<entry_index, figures>& sums, entry_index person)
{
    ++row.pupils;
    const auto found = sums.find(person);
    if (found == sums.end()) return;
    row.persistent += found->second.absence_at_least(1, 10);
    row.sums += found->second;
}

} // namespace

std::vector<group_row>
group_rows(const roster& pupils, const std::map<entry_index, figures>& sums, std::string profile::*by)
{
    struct group {
        group_row row;
        std::set<std::string> years;
    };
    std::map<std::string, group, bool (*)(const std::string&, const std::string&)> groups(is_before);
    for (const auto& [person, of] : pupils.all()) {
        if (!of.on_roll) continue;
        const std::string name = (of.*by).empty() ? "not known" : of.*by;
        group& into = groups[name];
        into.row.name = name;
        into.years.insert(of.year.empty() ? "not known" : of.year);
        count_in(into.row, sums, person);
    }
    // The forms of a year sum up to what is told of the year; years, and forms across them, to the whole school.
    std::map<std::string, std::vector<group_row*>> told_together;
    const bool is_by_year = by == &profile::year;
    for (auto& [name, each] : groups)
        told_together[is_by_year || each.years.size() > 1 ? "" : *each.years.begin()].push_back(&each.row);
    for (auto& [sum, each] : told_together)
        hide_small(each);
    if (!is_by_year)
        for (const group_row& year : group_rows(pupils, sums, &profile::year))
            if (year.is_hidden)
                for (group_row* each : told_together[year.name])
                    each->is_hidden = true;
    std::vector<group_row> rows;
    for (auto& [name, each] : groups)
        rows.push_back(std::move(each.row));
    return rows;
}

bool is_in_flag_row(const profile& who, const group_row& row)
{
    for (std::size_t flag = 0; flag < known_flags.size(); ++flag) {
        std::string word(known_flags[flag]);
        std::ranges::replace(word, '_', ' ');
        if (row.name == word) return who.flags.test(flag);
        if (row.name == "not " + word) return !who.flags.test(flag);
    }
    return false;
}

std::vector<group_row> flag_rows(const roster& pupils, const std::map<entry_index, figures>& sums)
{
    std::vector<group_row> rows;
    for (std::size_t flag = 0; flag < known_flags.size(); ++flag) {
        std::string word(known_flags[flag]);
        std::ranges::replace(word, '_', ' ');
        group_row with, without;
        with.name = word;
        without.name = "not " + word;
        for (const auto& [person, of] : pupils.all())
            if (of.on_roll) count_in(of.flags.test(flag) ? with : without, sums, person);
        if (with.pupils == 0) continue;
        with.is_hidden = without.is_hidden = with.pupils < suppress_below || without.pupils < suppress_below;
        rows.push_back(std::move(with));
        rows.push_back(std::move(without));
    }
    return rows;
}

} // namespace rollbook
