#include "daemon/reconcile/links.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/domain/upn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>

namespace rollbook {

std::string link_key(std::string_view other, entry_index record)
{
    return std::string(other) + "/" + std::to_string(record);
}

namespace {

// Points that names and date of birth must bring for a number to be believed. Another surname leaves 60, a date of
// birth that is all wrong 20.
constexpr int number_needs = 20;

struct keys {
    std::string mis_id;
    std::string upn;
    std::string former_upn;
    std::string admission_number;
};

std::string checked_upn(json_view value)
{
    const auto text = value.string_if();
    if (!text) return {};
    const result<upn> parsed = upn::parse(*text);
    return parsed ? parsed->text() : std::string();
}

keys keys_in(json_view fields)
{
    keys found;
    found.mis_id = fields["mis_id"].string_if().value_or("");
    found.upn = checked_upn(fields["upn"]);
    found.former_upn = checked_upn(fields["former_upn"]);
    found.admission_number = fields["admission_number"].string_if().value_or("");
    return found;
}

keys keys_of(const held_thing& pupil)
{
    const auto payload = json_document::parse(pupil.payload);
    return payload ? keys_in(payload->root()["fields"]) : keys();
}

// All that a record says of who it is, read once.
struct told_person {
    keys own;
    std::optional<person_facts> facts;
};
told_person person_in(const held_thing& pupil)
{
    const auto payload = json_document::parse(pupil.payload);
    if (!payload) return {};
    const json_view fields = payload->root()["fields"];
    return {keys_in(fields), person_facts_of(pupil.subject, fields)};
}

// Candidates under one key; pupils on roll first.
class key_index {
public:
    void add(const std::string& key, entry_index pupil, bool gone)
    {
        if (key.empty()) return;
        auto& list = gone ? gone_[key] : held_[key];
        if (std::find(list.begin(), list.end(), pupil) == list.end()) list.push_back(pupil);
    }
    std::vector<entry_index> find(const std::string& key) const
    {
        if (key.empty()) return {};
        if (const auto at = held_.find(key); at != held_.end()) return at->second;
        if (const auto at = gone_.find(key); at != gone_.end()) return at->second;
        return {};
    }

private:
    std::unordered_map<std::string, std::vector<entry_index>> held_;
    std::unordered_map<std::string, std::vector<entry_index>> gone_;
};

// What the newest entry of a link says.
struct held_link {
    const held_thing* thing = nullptr;
    std::string by;
    std::vector<entry_index> never; // pupils that a person said it is not

    bool stands() const { return thing && !thing->gone; }
};

held_link read_link(const held_thing* thing)
{
    held_link link{thing, {}, {}};
    if (!thing) return link;
    // Nearly all say first how they were made, and name nobody whom it is not: the text is canonical.
    constexpr std::string_view made_by = R"({"by":")";
    const std::string_view text = *thing->payload;
    if (text.starts_with(made_by) && text.find(R"("never":)") == std::string_view::npos) {
        link.by = text.substr(made_by.size(), text.find('"', made_by.size()) - made_by.size());
        return link;
    }
    const auto payload = json_document::parse(thing->payload);
    if (!payload) return link;
    link.by = payload->root()["by"].string_if().value_or("");
    payload->root()["never"].for_each_element([&](json_view pupil) {
        if (const auto index = pupil.int_if(); index && *index >= 0)
            link.never.push_back(static_cast<entry_index>(*index));
    });
    return link;
}

held_link find_link(const held_state& held, std::string_view other, entry_index record)
{
    return read_link(held.things(what::link).find("", link_key(other, record)));
}

bool is_among(const std::vector<entry_index>& pupils, entry_index pupil)
{
    return std::find(pupils.begin(), pupils.end(), pupil) != pupils.end();
}

void write_never(json_writer& out, const std::vector<entry_index>& never)
{
    if (never.empty()) return;
    out.key("never").begin_array();
    for (const entry_index pupil : never)
        out.value(pupil);
    out.end_array();
}

void write_parts(json_writer& out, const match_score& score)
{
    if (score.parts.empty()) return;
    out.key("parts").begin_array();
    for (const match_part& part : score.parts)
        out.begin_object()
            .member("field", part.field)
            .member("points", part.points)
            .member("verdict", part.verdict)
            .end_object();
    out.end_array();
}

thing_version link_row(const std::string& key, entry_index pupil, const held_thing* before)
{
    thing_version row;
    row.kind = what::link;
    row.pupil = pupil;
    row.key = key;
    if (before) {
        row.subject = before->subject;
        row.replaces = before->entry;
    }
    return row;
}

draft link_entry(const std::string& other, const person_link& link, const held_link& before)
{
    thing_version row = link_row(link_key(other, link.other), link.pupil, before.thing);
    std::string text;
    json_writer out(text);
    out.begin_object();
    out.member("by", link.by);
    out.member("key", row.key);
    write_never(out, before.never);
    out.member("other", link.other);
    write_parts(out, link.score);
    if (!link.score.parts.empty()) out.member("points", link.score.points);
    out.member("pupil", link.pupil);
    if (before.thing) out.member("replaces", entry_index(before.thing->entry));
    out.member("state", "linked");
    if (before.thing) out.member("subject", entry_index(before.thing->subject));
    out.member("what", name_of(what::link));
    out.end_object();
    return draft(entry_kind::record, std::move(text), std::move(row));
}

draft unlink_entry(const held_thing& before)
{
    thing_version row = link_row(std::string(before.key), before.pupil, &before);
    row.gone = true;
    std::string text;
    json_writer out(text);
    out.begin_object();
    out.member("gone", "unlinked");
    out.member("key", row.key);
    write_never(out, read_link(&before).never);
    out.member("pupil", entry_index(before.pupil));
    out.member("replaces", entry_index(before.entry));
    out.member("state", "unlinked");
    out.member("subject", entry_index(before.subject));
    out.member("what", name_of(what::link));
    out.end_object();
    return draft(entry_kind::record, std::move(text), std::move(row));
}

bool says_the_same(const held_link& held, const person_link& link)
{
    return held.stands() && held.thing->pupil == link.pupil && held.by == link.by;
}

// The record that a pupil's was made one with, or else the pupil's own. A record is never made one with itself, but two
// may have been with one another, one after the other: then where that ends decides nothing.
entry_index survivor_of(const held_state& held, entry_index pupil)
{
    for (int steps = 0; steps < 8; ++steps) {
        const held_thing* record = held.things(what::pupil).find_subject(pupil);
        if (!record || !record->gone) break;
        const auto payload = json_document::parse(record->payload);
        const auto into = payload ? payload->root()["merged_into"].int_if() : std::nullopt;
        if (!into || *into < 0) break;
        pupil = static_cast<entry_index>(*into);
    }
    return pupil;
}

// The entry that says a pupil left has no fields, so nothing to match by: a leaver keeps the link made before, and
// whose record was made one with another goes over to that one.
std::optional<person_link> link_to_leaver(const held_state& held, const held_link& link, entry_index record)
{
    if (!link.stands()) return std::nullopt;
    const held_thing* pupil = held.things(what::pupil).find_subject(link.thing->pupil);
    if (!pupil || !pupil->gone) return std::nullopt;
    return person_link{survivor_of(held, pupil->subject), record, link.by, {}};
}

// The pupils of the MIS by all that a record may name them by.
class mis_roll {
public:
    mis_roll(const held_state& held, const std::string& mis)
    {
        std::vector<person_facts> people;
        for (const held_thing& pupil : held.things(what::pupil).all()) {
            if (pupil.source != mis) continue;
            auto [own, facts] = person_in(pupil);
            by_id_.add(
                std::string(pupil.key), pupil.gone ? survivor_of(held, pupil.subject) : pupil.subject, pupil.gone
            );
            by_id_.add(own.mis_id, pupil.subject, pupil.gone);
            by_upn_.add(own.upn, pupil.subject, pupil.gone);
            by_former_.add(own.former_upn, pupil.subject, pupil.gone);
            by_admission_.add(own.admission_number, pupil.subject, pupil.gone);
            if (facts && !pupil.gone) people.push_back(std::move(*facts));
        }
        people_.emplace(std::move(people));
    }

    struct numbered {
        std::vector<entry_index> pupils;
        std::string_view by; // the first way that found one
    };
    // Who each number of a record names, the surest number first.
    std::array<std::pair<std::string_view, std::vector<entry_index>>, 4> ways(const keys& own) const
    {
        return {
            {{"source-id", by_id_.find(own.mis_id)},
             {"upn", by_upn_.find(own.upn)},
             {"former-upn", by_former_.find(own.upn)},
             {"admission-number", by_admission_.find(own.admission_number)}}};
    }
    numbered by_number(const keys& own, const std::vector<entry_index>& never) const
    {
        numbered found;
        for (const auto& [way, pupils] : ways(own))
            for (const entry_index pupil : pupils) {
                if (is_among(never, pupil) || is_among(found.pupils, pupil)) continue;
                if (found.by.empty()) found.by = way;
                found.pupils.push_back(pupil);
            }
        return found;
    }
    const person_finder& people() const { return *people_; }

private:
    key_index by_id_, by_upn_, by_former_, by_admission_;
    std::optional<person_finder> people_;
};

// A number may be mistyped, or be somebody else's: who has it hardly agrees in anything else, or another agrees far
// better. Gives who else comes near, best first.
struct doubt {
    bool is_reasonable = false;
    std::vector<person_finder::candidate> others;
};
doubt doubt_number(
    const mis_roll& roll,
    entry_index pupil,
    const std::optional<person_facts>& record,
    const std::vector<entry_index>& never
)
{
    const person_facts* holder = roll.people().find(pupil);
    if (!holder || !record) return {};
    const match_score score = score_match(*holder, *record);
    if (score.points > points_max - lead_min) return {}; // nobody can be that far ahead
    doubt found{are_two(score) && score.points < number_needs, roll.people().candidates(*record)};
    std::erase_if(found.others, [&](const auto& each) { return each.pupil == pupil || is_among(never, each.pupil); });
    if (!found.others.empty() && found.others.front().score.points >= linked_from &&
        found.others.front().score.points - score.points >= lead_min)
        found.is_reasonable = true;
    return found;
}

person_review review_of(entry_index record, const std::vector<entry_index>& pupils)
{
    person_review review{record, {}};
    for (const entry_index pupil : pupils)
        review.candidates.push_back({pupil, {}});
    return review;
}

// Sure enough, and nobody near; or linked so before, and still the first.
bool is_surely_first(const std::vector<person_finder::candidate>& found, const held_link& before)
{
    const int lead = found.size() == 1 ? lead_min : found[0].score.points - found[1].score.points;
    if (found.front().score.points >= linked_from && lead >= lead_min) return true;
    return lead > 0 && before.stands() && before.by == "name" && before.thing->pupil == found.front().pupil;
}

void match_by_name(
    const mis_roll& roll,
    const std::optional<person_facts>& facts,
    const held_link& before,
    entry_index record,
    link_outcome& outcome
)
{
    std::vector<person_finder::candidate> found;
    if (facts) found = roll.people().candidates(*facts);
    std::erase_if(found, [&](const auto& each) { return is_among(before.never, each.pupil); });
    if (found.empty())
        outcome.unmatched.push_back(record);
    else if (is_surely_first(found, before))
        outcome.links.push_back({found.front().pupil, record, "name", std::move(found.front().score)});
    else
        outcome.likely.push_back({record, std::move(found)});
}

// Two records that are one pupil by name, or one by name and one by number, are a person's to decide.
void part_shared(link_outcome& outcome)
{
    std::map<entry_index, int> records;
    for (const person_link& link : outcome.links)
        ++records[link.pupil];
    const auto is_shared = [&](const person_link& link) { return link.by == "name" && records[link.pupil] > 1; };
    for (const person_link& link : outcome.links)
        if (is_shared(link)) outcome.likely.push_back({link.other, {{link.pupil, link.score}}});
    std::erase_if(outcome.links, is_shared);
}

// A number that both have, and that is not the same.
bool numbers_differ(const held_state& held, entry_index pupil, entry_index record)
{
    const auto own = [&](entry_index each) {
        const held_thing* known = held.things(what::pupil).find_subject(each);
        return known ? keys_of(*known) : keys();
    };
    const keys a = own(pupil), b = own(record);
    const auto differ = [](const std::string& left, const std::string& right) {
        return !left.empty() && !right.empty() && left != right;
    };
    return differ(a.upn, b.upn) || differ(a.mis_id, b.mis_id) || differ(a.admission_number, b.admission_number);
}

// A second look at those who were left to a person, now that it is known who has a record. One list names a child once:
// a pupil who has a record is no rival for another one, unless they fit it as well or better; and who is left must be
// near no other record. Then these make a link:
//  - the points of one, with the lead over whoever has no record yet;
//  - one slip, which `one_slip` names. A date of birth is mistyped, and two children of one name, year and nearly one
//    birthday would both be listed. A surname changes at home; forename, birthday and form together are one child's.
//  - the points of a link and a wrong number, where the pupil whose number it is has a record that fits, and no other
//    number says so: in this record it is a slip. The finding about it stays.
// A forename that is only near is never enough, whoever has a record: a twin may have left, or joined today. Neither is
// another surname without the form, which a leaver and a joiner may share by chance.
class second_look {
public:
    second_look(const mis_roll& roll, const held_state& held, link_outcome& outcome)
        : roll_(roll), held_(held), outcome_(outcome)
    {
        for (const person_link& link : outcome.links)
            have_record_.insert(link.pupil);
        for (const auto* reviews : {&outcome.likely, &outcome.ambiguous, &outcome.conflicts})
            for (const person_review& review : *reviews)
                for (const auto& candidate : review.candidates)
                    ++asked_for_[candidate.pupil];
    }

    void take()
    {
        std::vector<person_link> found;
        std::erase_if(outcome_.likely, [&](const person_review& review) {
            const person_finder::candidate& best = review.candidates.front();
            const bool is_sure = best.score.points >= linked_from || !one_slip(best.score).empty();
            if (!is_sure || !is_left(review.candidates) || numbers_differ(held_, best.pupil, review.other))
                return false;
            found.push_back({best.pupil, review.other, "name", best.score});
            return true;
        });
        std::erase_if(outcome_.conflicts, [&](const person_review& review) {
            const std::span near = std::span(review.candidates).subspan(1); // the first is who has the number
            if (near.empty() || near.front().score.points < linked_from || !is_left(near)) return false;
            if (!is_slip_of_a_number(review)) return false;
            found.push_back({near.front().pupil, review.other, "name", near.front().score});
            outcome_.misnumbered.push_back({review.other, review.candidates});
            return true;
        });
        std::ranges::move(found, std::back_inserter(outcome_.links));
    }

private:
    bool is_left(std::span<const person_finder::candidate> near) const
    {
        const person_finder::candidate& best = near.front();
        if (have_record_.contains(best.pupil) || asked_for_.at(best.pupil) > 1) return false;
        return std::ranges::none_of(near.subspan(1), [&](const person_finder::candidate& each) {
            const int lead = best.score.points - each.score.points;
            return lead == 0 || (lead < lead_min && !have_record_.contains(each.pupil));
        });
    }
    bool is_slip_of_a_number(const person_review& review) const
    {
        const held_thing* record = held_.things(what::pupil).find_subject(review.other);
        const entry_index holder = review.candidates.front().pupil;
        const auto ways = roll_.ways(keys_of(*record));
        return have_record_.contains(holder) &&
               std::ranges::count_if(ways, [&](const auto& way) { return is_among(way.second, holder); }) == 1;
    }

    const mis_roll& roll_;
    const held_state& held_;
    link_outcome& outcome_;
    std::set<entry_index> have_record_;
    std::map<entry_index, int> asked_for_; // how many open questions name the pupil
};

link_outcome match_to(const mis_roll& roll, const held_state& held, const std::string& other, bool knows_all_of_mis)
{
    link_outcome outcome;
    for (const held_thing& record : held.things(what::pupil).all()) {
        if (record.source != other || record.gone) continue;
        const held_link before = find_link(held, other, record.subject);
        if (before.stands() && before.by == "person") {
            outcome.links.push_back({before.thing->pupil, record.subject, before.by, {}});
            continue;
        }
        const auto [own, facts] = person_in(record);
        const mis_roll::numbered numbered = roll.by_number(own, before.never);
        doubt about;
        if (numbered.pupils.size() == 1) about = doubt_number(roll, numbered.pupils.front(), facts, before.never);
        if (numbered.pupils.size() > 1)
            outcome.ambiguous.push_back(review_of(record.subject, numbered.pupils));
        else if (about.is_reasonable) {
            outcome.conflicts.push_back(review_of(record.subject, numbered.pupils));
            std::ranges::move(about.others, std::back_inserter(outcome.conflicts.back().candidates));
        } else if (numbered.pupils.size() == 1)
            outcome.links.push_back({numbered.pupils.front(), record.subject, std::string(numbered.by), {}});
        else if (auto kept = link_to_leaver(held, before, record.subject))
            outcome.links.push_back(std::move(*kept));
        else if (knows_all_of_mis)
            match_by_name(roll, facts, before, record.subject, outcome);
        else if (before.stands() && before.by == "name")
            outcome.links.push_back({before.thing->pupil, record.subject, before.by, {}});
        else
            outcome.unmatched.push_back(record.subject);
    }
    part_shared(outcome);
    if (knows_all_of_mis) second_look(roll, held, outcome).take();
    return outcome;
}

} // namespace

link_outcome
match_people(const held_state& held, const std::string& mis, const std::string& other, bool knows_all_of_mis)
{
    return match_to(mis_roll(held, mis), held, other, knows_all_of_mis);
}

std::vector<draft> link_entries(const held_state& held, const std::string& other, const link_outcome& outcome)
{
    std::vector<draft> drafts;
    std::unordered_map<std::string, bool> wanted;
    for (const person_link& link : outcome.links) {
        wanted[link_key(other, link.other)] = true;
        const held_link before = find_link(held, other, link.other);
        if (says_the_same(before, link)) continue;
        drafts.push_back(link_entry(other, link, before));
    }
    for (const held_thing& link : held.things(what::link).all())
        if (!link.gone && link.key.starts_with(other + "/") && !wanted.contains(std::string(link.key)))
            drafts.push_back(unlink_entry(link));
    return drafts;
}

namespace {

std::string spoken_way(std::string_view way)
{
    if (way == "source-id") return "the MIS's own id";
    if (way == "upn") return "UPN";
    if (way == "former-upn") return "former UPN";
    return "admission number";
}

std::string spoken_score(const match_score& score)
{
    std::string text = fmt::format("{} points of the {} needed", score.points, linked_from);
    for (const match_part& part : score.parts) {
        std::string verdict(part.verdict);
        std::ranges::replace(verdict, '-', ' ');
        std::string field(part.field);
        std::ranges::replace(field, '-', ' ');
        text += fmt::format("{} {} {}", &part == &score.parts.front() ? ":" : ",", field, verdict);
    }
    return text;
}

// Everybody who has a number of the record or comes near by names.
std::vector<link_answer::near_pupil>
near_pupils(const mis_roll& roll, const held_thing& record, const std::vector<entry_index>& never, entry_index asked)
{
    std::map<entry_index, link_answer::near_pupil> near;
    for (const auto& [way, pupils] : roll.ways(keys_of(record)))
        for (const entry_index pupil : pupils)
            near[pupil].numbers.push_back(way);
    if (asked != no_entry) near[asked];
    const auto facts = person_facts_of(record.subject, record.payload);
    if (facts)
        for (person_finder::candidate& each : roll.people().candidates(*facts))
            near[each.pupil].score = std::move(each.score);
    std::vector<link_answer::near_pupil> all;
    for (auto& [pupil, each] : near) {
        each.pupil = pupil;
        each.refused = is_among(never, pupil);
        const person_facts* known = roll.people().find(pupil);
        if (each.score.parts.empty() && facts && known) each.score = score_match(*known, *facts);
        all.push_back(std::move(each));
    }
    std::ranges::stable_sort(all, [](const auto& a, const auto& b) {
        return std::pair(a.numbers.size(), a.score.points) > std::pair(b.numbers.size(), b.score.points);
    });
    return all;
}

const person_review* find_review(const std::vector<person_review>& reviews, entry_index record)
{
    const auto found = std::ranges::find(reviews, record, &person_review::other);
    return found == reviews.end() ? nullptr : &*found;
}

std::string why_asked(const link_answer::near_pupil& asked, bool has_left)
{
    if (asked.refused) return "A person said that the two are not one.";
    if (has_left) return "The pupil has left the MIS, and a leaver is linked by a number only.";
    if (asked.score.parts.empty()) return "One of the two records gives no names.";
    return fmt::format("The two have {}.", spoken_score(asked.score));
}

} // namespace

result<link_answer> why_linked(const held_state& held, const std::string& mis, entry_index record, entry_index asked)
{
    const held_thing* of = held.things(what::pupil).find_subject(record);
    if (!of || of->source == mis)
        return failure(
            errc::not_found,
            "the record is no pupil record of another source",
            "Name it as SOURCE:ID; rollbook links list shows those that are linked."
        );
    const held_thing* pupil = asked == no_entry ? nullptr : held.things(what::pupil).find_subject(asked);
    if (asked != no_entry && (!pupil || pupil->source != mis))
        return failure(errc::not_found, "the other one is no pupil of the MIS", "Name it as P-N, a UPN or SOURCE:ID.");

    const std::string source(of->source);
    const held_link before = find_link(held, source, record);
    const mis_roll roll(held, mis);
    const link_outcome outcome = match_to(roll, held, source, true);
    link_answer answer;
    answer.near = near_pupils(roll, *of, before.never, asked);

    const auto link = std::ranges::find(outcome.links, record, &person_link::other);
    if (of->gone) {
        answer.state = "not-linked";
        answer.why = fmt::format("{} no longer has this record.", source);
    } else if (link != outcome.links.end()) {
        answer.state = "linked";
        answer.by = link->by;
        if (link->by == "person")
            answer.why = "A person said so.";
        else if (link->by == "name" && link->score.points < linked_from && !one_slip(link->score).empty())
            answer.why = fmt::format(
                "All that both know is the same but for the {}; no other record may be this pupil, and this record may "
                "be no other.",
                one_slip(link->score) == "surname" ? "surname" : "date of birth, by a slip of the pen"
            );
        else if (link->by == "name")
            answer.why = fmt::format(
                "Names and date of birth have at least {} points, and nobody who has no record of their own comes "
                "within "
                "{} of them.",
                linked_from,
                lead_min
            );
        else
            answer.why = fmt::format("Both have the same {}.", spoken_way(link->by));
    } else if (find_review(outcome.ambiguous, record)) {
        answer.state = "review";
        answer.why = "Its numbers name more than one pupil of the MIS. A person decides: rollbook links confirm.";
    } else if (find_review(outcome.conflicts, record)) {
        answer.state = "review";
        answer.why = "A number names a pupil of other names or another date of birth. A person decides: rollbook links "
                     "confirm or split.";
    } else if (const person_review* review = find_review(outcome.likely, record)) {
        answer.state = "review";
        const match_score& best = review->candidates.front().score;
        answer.why = best.points >= linked_from
                         ? fmt::format("More than one pupil is as near, within {} points.", lead_min)
                         : fmt::format("The nearest has {}.", spoken_score(best));
        answer.why += " A person decides: rollbook links confirm or split.";
    } else {
        answer.state = "not-linked";
        answer.why = fmt::format("No number fits, and nobody has the {} points that are worth a look.", review_from);
    }
    const bool is_other = link == outcome.links.end() || link->pupil != asked;
    if (pupil && is_other && answer.state != "review") {
        const auto with = std::ranges::find(answer.near, asked, &link_answer::near_pupil::pupil);
        answer.why += " " + why_asked(*with, pupil->gone);
    }
    return answer;
}

result<draft> decision_entry(const held_state& held, const std::string& mis, const link_decision& decided, instant at)
{
    const held_thing* record = held.things(what::pupil).find_subject(decided.other);
    if (!record || record->source == mis)
        return failure(
            errc::not_found,
            "the record to link is no pupil record of another source",
            "rollbook links list shows both."
        );
    const held_thing* pupil = held.things(what::pupil).find_subject(decided.pupil);
    if (!pupil || pupil->source != mis)
        return failure(
            errc::not_found, "the pupil to link it with is not one of the MIS", "rollbook links list shows both."
        );

    held_link before = find_link(held, record->source, decided.other);
    std::erase(before.never, decided.pupil);
    if (!decided.is_one_person) before.never.push_back(decided.pupil);
    thing_version row = link_row(link_key(record->source, decided.other), decided.pupil, before.thing);
    row.gone = !decided.is_one_person;
    std::string text;
    json_writer out(text);
    out.begin_object();
    out.member("at", format_instant(at));
    out.member("by", "person");
    if (!decided.by.empty()) out.member("claimed_by", decided.by);
    if (row.gone) out.member("gone", "split");
    out.member("key", row.key);
    write_never(out, before.never);
    out.member("other", decided.other);
    out.member("pupil", decided.pupil);
    if (before.thing) out.member("replaces", entry_index(before.thing->entry));
    out.member("state", decided.is_one_person ? "linked" : "split");
    if (before.thing) out.member("subject", entry_index(before.thing->subject));
    if (!decided.text.empty()) out.member("text", decided.text);
    out.member("user", decided.user);
    out.member("what", name_of(what::link));
    out.end_object();
    return draft(entry_kind::record, std::move(text), std::move(row));
}

entry_index person_of(const held_state& held, entry_index pupil)
{
    const held_thing* record = held.things(what::pupil).find_subject(pupil);
    if (!record) return pupil;
    const held_thing* link = held.things(what::link).find("", link_key(record->source, pupil));
    return link && !link->gone ? link->pupil : pupil;
}

entry_index standing_person_of(const held_state& held, entry_index pupil)
{
    return survivor_of(held, person_of(held, pupil));
}

bool is_known_person(const held_state& held, const std::string& mis, entry_index pupil)
{
    const held_thing* record = held.things(what::pupil).find_subject(pupil);
    if (!record) return false;
    return record->source == mis || person_of(held, pupil) != pupil;
}

} // namespace rollbook
