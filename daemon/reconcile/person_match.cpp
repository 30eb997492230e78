#include "daemon/reconcile/person_match.hpp"

#include "daemon/base/json.hpp"
#include "daemon/domain/person_name.hpp"

#include <algorithm>
#include <set>

namespace rollbook {
namespace {

// Days and months up to 12 can stand in each other's place.
std::optional<civil_day> day_and_month_swapped(civil_day day)
{
    const std::chrono::year_month_day parts{day};
    const std::chrono::year_month_day other{
        parts.year(),
        std::chrono::month(static_cast<unsigned>(parts.day())),
        std::chrono::day(static_cast<unsigned>(parts.month()))};
    if (!other.ok()) return std::nullopt;
    return civil_day(other);
}

bool differ_in_one_figure(civil_day a, civil_day b)
{
    const std::string left = format_day(a);
    const std::string right = format_day(b);
    int differing = 0;
    for (std::size_t i = 0; i < left.size() && i < right.size(); ++i)
        differing += left[i] != right[i];
    return left.size() == right.size() && differing == 1;
}

match_part birth_part(const std::optional<civil_day>& a, const std::optional<civil_day>& b)
{
    if (!a || !b) return {"date-of-birth", "unknown", 0};
    if (*a == *b) return {"date-of-birth", "equal", 40};
    if (day_and_month_swapped(*a) == b) return {"date-of-birth", "day-and-month-swapped", 28};
    if (differ_in_one_figure(*a, *b)) return {"date-of-birth", "one-figure", 20};
    return {"date-of-birth", "differs", -40};
}

struct name_points {
    int part;
    int short_form;
    int close;
    int different;
};
// Surnames change, forenames hardly do. A forename that is only near is never enough for a link by itself: twins share
// all the rest, and one of them may have left.
constexpr name_points for_surname{20, -10, 20, -10};
constexpr name_points for_forename{22, 12, 12, -40};

match_part best_name(
    std::string_view field,
    const std::vector<std::string>& a,
    const std::vector<std::string>& b,
    const name_points& points
)
{
    match_part best{field, "unknown", 0};
    bool compared = false;
    for (const std::string& left : a)
        for (const std::string& right : b) {
            match_part made{field, "differs", points.different};
            switch (likeness_of(left, right)) {
            case name_likeness::unknown: continue;
            case name_likeness::equal: made = {field, "equal", 30}; break;
            case name_likeness::part: made = {field, "part", points.part}; break;
            case name_likeness::short_form: made = {field, "short-form", points.short_form}; break;
            case name_likeness::close: made = {field, "close", points.close}; break;
            case name_likeness::different: break;
            }
            if (!compared || made.points > best.points) best = made;
            compared = true;
        }
    return best;
}

bool share_one(const std::vector<std::string>& a, const std::vector<std::string>& b)
{
    return std::any_of(a.begin(), a.end(), [&](const std::string& each) {
        return !each.empty() && std::find(b.begin(), b.end(), each) != b.end();
    });
}

match_part group_part(std::string_view field, const std::string& a, const std::string& b, int equal, int differs)
{
    if (a.empty() || b.empty()) return {field, "unknown", 0};
    return a == b ? match_part{field, "equal", equal} : match_part{field, "differs", differs};
}

} // namespace

std::optional<person_facts> person_facts_of(entry_index pupil, std::string_view payload)
{
    const auto parsed = json_document::parse(std::string(payload));
    if (!parsed) return std::nullopt;
    return person_facts_of(pupil, parsed->root()["fields"]);
}

std::optional<person_facts> person_facts_of(entry_index pupil, json_view fields)
{
    person_facts facts;
    facts.pupil = pupil;
    const auto add = [&](std::vector<std::string>& to, std::string_view key) {
        std::string name = comparable_name(fields[key].string_if().value_or(""));
        if (!name.empty() && std::find(to.begin(), to.end(), name) == to.end()) to.push_back(std::move(name));
    };
    add(facts.surnames, "surname");
    add(facts.surnames, "legal_surname");
    add(facts.forenames, "forename");
    add(facts.forenames, "legal_forename");
    if (const auto born = fields["date_of_birth"].string_if())
        if (const auto day = parse_day(*born)) facts.date_of_birth = *day;
    facts.year = fields["year"].string_if().value_or("");
    facts.form = comparable_name(fields["registration_group"].string_if().value_or(""));
    if (facts.surnames.empty() && facts.forenames.empty()) return std::nullopt;
    return facts;
}

match_score score_match(const person_facts& a, const person_facts& b)
{
    match_score score;
    match_part surname = best_name("surname", a.surnames, b.surnames, for_surname);
    match_part forename = best_name("forename", a.forenames, b.forenames, for_forename);
    // Who fills in a form may put the names in each other's place.
    if (surname.verdict == "differs" && forename.verdict == "differs" && share_one(a.surnames, b.forenames) &&
        share_one(a.forenames, b.surnames)) {
        surname = {"surname", "swapped", 25};
        forename = {"forename", "swapped", 25};
    }
    score.parts = {
        surname,
        forename,
        birth_part(a.date_of_birth, b.date_of_birth),
        group_part("year", a.year, b.year, 3, -10),
        group_part("form", a.form, b.form, 3, 0)};
    for (const match_part& part : score.parts)
        score.points += part.points;
    return score;
}

bool are_two(const match_score& score)
{
    return std::ranges::any_of(score.parts, [](const match_part& part) {
        return part.verdict == "differs" && (part.field == "forename" || part.field == "date-of-birth");
    });
}

std::string_view one_slip(const match_score& score)
{
    std::map<std::string_view, std::string_view> verdict;
    for (const match_part& part : score.parts)
        verdict[part.field] = part.verdict;
    const auto is = [&](std::string_view field, std::string_view what) { return verdict[field] == what; };
    if (!is("forename", "equal") || is("year", "differs") || is("form", "differs")) return {};
    const bool is_slip = is("date-of-birth", "day-and-month-swapped") || is("date-of-birth", "one-figure");
    if (is_slip && is("surname", "equal") && (is("year", "equal") || is("form", "equal"))) return "date-of-birth";
    const bool is_other = is("surname", "differs") || is("surname", "short-form");
    return is_other && is("date-of-birth", "equal") && is("form", "equal") ? "surname" : "";
}

person_finder::person_finder(std::vector<person_facts> people) : people_(std::move(people))
{
    for (std::size_t i = 0; i < people_.size(); ++i) {
        if (people_[i].date_of_birth) by_birth_[*people_[i].date_of_birth].push_back(i);
        for (const auto* names : {&people_[i].surnames, &people_[i].forenames})
            for (const std::string& name : *names)
                by_name_[name].push_back(i);
    }
}

std::vector<person_finder::candidate> person_finder::candidates(const person_facts& who) const
{
    std::set<std::size_t> near;
    const auto add_born = [&](std::optional<civil_day> day) {
        if (!day) return;
        if (const auto at = by_birth_.find(*day); at != by_birth_.end())
            near.insert(at->second.begin(), at->second.end());
    };
    add_born(who.date_of_birth);
    if (who.date_of_birth) add_born(day_and_month_swapped(*who.date_of_birth));
    for (const auto* names : {&who.surnames, &who.forenames})
        for (const std::string& name : *names)
            if (const auto at = by_name_.find(name); at != by_name_.end())
                near.insert(at->second.begin(), at->second.end());

    std::vector<candidate> found;
    for (const std::size_t i : near) {
        if (people_[i].pupil == who.pupil) continue;
        match_score score = score_match(people_[i], who);
        if (score.points >= review_from) found.push_back({people_[i].pupil, std::move(score)});
    }
    std::stable_sort(found.begin(), found.end(), [](const candidate& a, const candidate& b) {
        return a.score.points != b.score.points ? a.score.points > b.score.points : a.pupil < b.pupil;
    });
    return found;
}

const person_facts* person_finder::find(entry_index pupil) const
{
    const auto at =
        std::find_if(people_.begin(), people_.end(), [&](const person_facts& each) { return each.pupil == pupil; });
    return at == people_.end() ? nullptr : &*at;
}

} // namespace rollbook
