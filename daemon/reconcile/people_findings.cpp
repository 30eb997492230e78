#include "daemon/base/json.hpp"
#include "daemon/base/spoken.hpp"
#include "daemon/reconcile/finding_kinds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

namespace rollbook {
namespace {

std::string_view plain_name(what kind)
{
    switch (kind) {
    case what::pupil: return "pupil";
    case what::incident: return "behaviour incident";
    case what::suspension: return "suspension";
    case what::concern: return "safeguarding record";
    default: return "record";
    }
}

std::string spoken_part(const match_part& part)
{
    std::string text = part.field == "date-of-birth" ? "date of birth" : std::string(part.field);
    if (part.verdict == "equal") return text + " the same";
    if (part.verdict == "part") return text + " one part of the other";
    if (part.verdict == "short-form") return text + " a short form";
    if (part.verdict == "close") return text + " one letter out";
    if (part.verdict == "swapped") return text + " in the other's place";
    if (part.verdict == "day-and-month-swapped") return text + " with day and month swapped";
    if (part.verdict == "one-figure") return text + " one figure out";
    return text + " different";
}

std::string spoken_parts(const match_score& score)
{
    std::string text;
    for (const match_part& part : score.parts) {
        if (part.verdict == "unknown") continue;
        if (!text.empty()) text += ", ";
        text += spoken_part(part);
    }
    return text;
}

std::string spoken_likely(const finding_context& in, const std::string& source, const person_review& review)
{
    if (review.candidates.size() > 1)
        return fmt::format(
            "{} has a pupil who may be any of {} pupils of {} by name and date of birth, so none was chosen. Give the "
            "record its UPN.",
            source,
            review.candidates.size(),
            in.mis
        );
    return fmt::format(
        "{} has a pupil who may be P-{} of {}: {}. If they are one, give the record the UPN that {} has.",
        source,
        review.candidates.front().pupil,
        in.mis,
        spoken_parts(review.candidates.front().score),
        in.mis
    );
}

// How a record went, as its last entry says.
std::string gone_word(const held_thing& thing)
{
    const auto parsed = json_document::parse(thing.payload);
    return parsed ? std::string(parsed->root()["gone"].string_if().value_or("")) : std::string();
}

void add_record(finding& made, const held_thing& record)
{
    made.sources.emplace(made.sources.begin(), record.source);
    made.evidence.push_back(record.entry);
}

} // namespace

void record_vanished(const finding_context& in, what kind, const held_thing& thing, findings& all)
{
    if (!thing.gone) return;
    // The source gave a last day before it took the pupil from its list, or is no longer asked for the record: nothing
    // went missing. Of two records made one another kind speaks.
    const std::string word = gone_word(thing);
    if (word == "leaver" || word == out_of_scope || word == merged) return;
    finding made;
    made.kind = "record-vanished";
    made.key = fmt::format("record-vanished/{}/{}/{}", thing.source, name_of(kind), thing.subject);
    if (thing.pupil != no_entry && is_known_person(in.held, in.mis, thing.pupil))
        made.pupil = person_of(in.held, thing.pupil);
    made.subject_source = thing.source;
    made.subject_id = thing.key;
    made.sources = {std::string(thing.source)};
    made.explanation = fmt::format(
        "{} {} a {} that it listed before; what was last known is kept in the ledger.",
        thing.source,
        word == "tombstoned" ? "says that it deleted" : "no longer lists",
        plain_name(kind)
    );
    made.evidence = {thing.entry};
    all.push_back(std::move(made));
}

void strangers(const finding_context& in, const full_list& list, findings& all)
{
    const auto add = [&](std::string_view kind, entry_index record, std::string explanation) {
        const held_thing* pupil = in.held.things(what::pupil).find_subject(record);
        finding made;
        made.kind = kind;
        made.key = fmt::format("{}/{}/{}", kind, list.source, record);
        made.subject_source = list.source;
        made.subject_id = pupil->key;
        made.sources = {list.source, in.mis};
        made.explanation = std::move(explanation);
        made.evidence = {pupil->entry};
        all.push_back(std::move(made));
    };
    for (const entry_index record : list.links->unmatched)
        add("pupil-only-in-safeguarding",
            record,
            fmt::format(
                "{} has a pupil whom {} does not have: no pupil there has the same id, UPN or admission number, and "
                "none is near by name and date of birth. They may have left, or the record needs its UPN corrected.",
                list.source,
                in.mis
            ));
    for (const person_review& review : list.links->ambiguous)
        add("pupil-ambiguous",
            review.other,
            fmt::format(
                "{} has a pupil whose numbers point to {} pupils of {}, so none was chosen. Correct the id or the UPN.",
                list.source,
                review.candidates.size(),
                in.mis
            ));
    for (const person_review& review : list.links->likely)
        add("pupil-ambiguous", review.other, spoken_likely(in, list.source, review));
    for (const person_review& review : list.links->conflicts)
        add("pupil-conflict",
            review.other,
            fmt::format(
                "{} has a pupil with a number of P-{} of {}, but the names and the date of birth do not fit, so they "
                "were not linked. Correct the number, or the names and the date of birth.",
                list.source,
                review.candidates.front().pupil,
                in.mis
            ));
    for (const person_review& review : list.links->misnumbered)
        add("pupil-conflict",
            review.other,
            fmt::format(
                "{} gives a pupil a number of P-{} of {}, who has another record there. By names and date of birth it "
                "is P-{}, and was linked so. Correct the number.",
                list.source,
                review.candidates.front().pupil,
                in.mis,
                review.candidates[1].pupil
            ));
}

void leaver_still_active(const pupil_case& c, findings& all)
{
    const finding_context& in = c.in;
    const std::optional<civil_day> left = c.facts.gone ? c.facts.gone_on : c.facts.on_roll_to;
    if (!left || *left >= in.today || !in.is_settled("leaver-still-active", *left)) return;
    for (const full_list& list : in.lists)
        for (const entry_index ref : in.elsewhere_of(c.ref)) {
            const held_thing* record = in.held.things(what::pupil).find_subject(ref);
            if (!record || record->gone || record->source != list.source) continue;
            finding made = about_pupil("leaver-still-active", in, c.ref);
            made.key = fmt::format("leaver-still-active/{}/{}", list.source, c.ref);
            made.evidence = {in.held.things(what::pupil).find_subject(c.ref)->entry};
            add_record(made, *record);
            made.explanation = fmt::format(
                "The pupil left {} {}, but {} still lists them as a pupil of the school. Send the file to the new "
                "school "
                "and archive the record.",
                c.facts.gone ? "the roll, which was seen on" : "on",
                spoken_date(*left),
                list.source
            );
            all.push_back(std::move(made));
        }
}

void flag_differs(const pupil_case& c, findings& all)
{
    const finding_context& in = c.in;
    if (!c.facts.flags) return;
    for (const entry_index ref : in.elsewhere_of(c.ref)) {
        const held_thing* record = in.held.things(what::pupil).find_subject(ref);
        if (!record || record->gone) continue;
        const pupil_record_facts theirs = facts_of(*record);
        if (!theirs.flags) continue;
        std::string differ;
        // What the other system has no word for it does not deny.
        const auto only_in = [&](const auto& here, const auto& there, std::string_view source, std::string_view other) {
            for (const std::string& flag : here)
                if (!there.contains(flag) && in.can_say(other, flag))
                    differ += fmt::format("{}{} only in {}", differ.empty() ? "" : ", ", flag, source);
        };
        only_in(*c.facts.flags, *theirs.flags, in.mis, record->source);
        only_in(*theirs.flags, *c.facts.flags, record->source, in.mis);
        if (differ.empty()) continue;
        finding made = about_pupil("flag-differs", in, c.ref);
        made.key = fmt::format("flag-differs/{}/{}", record->source, c.ref);
        made.evidence = {c.facts.entry};
        add_record(made, *record);
        made.explanation = fmt::format(
            "The two systems do not say the same of what the pupil needs: {}. Correct the one that is out of date.",
            differ
        );
        all.push_back(std::move(made));
    }
}

findings identity_changes(const finding_context& in, const source_reading& reading)
{
    findings all;
    for (const source_reading::identity_event& each : reading.identity_events()) {
        const held_thing* record = in.held.things(what::pupil).find_subject(each.pupil);
        if (!record) continue;
        const bool merged = each.merged_into != no_entry;
        finding made;
        made.kind = merged ? "pupil-merged" : "id-reissued";
        made.key = fmt::format("{}/{}/{}", made.kind, reading.source(), each.pupil);
        if (is_known_person(in.held, in.mis, each.pupil)) made.pupil = person_of(in.held, each.pupil);
        made.subject_source = record->source;
        made.subject_id = record->key;
        made.evidence = {each.before};
        add_record(made, *record);
        made.explanation =
            merged
                ? fmt::format(
                      "{} no longer lists this pupil, and P-{} there has the same UPN: the two records were made one. "
                      "What was recorded under the old one stays under it here.",
                      reading.source(),
                      each.merged_into
                  )
                : fmt::format(
                      "The id of this pupil in {} now belongs to somebody else: names, date of birth and UPN are all "
                      "different. What was recorded before is about the earlier pupil; ask {} for a new id.",
                      reading.source(),
                      reading.source()
                  );
        all.push_back(std::move(made));
    }
    return all;
}

std::vector<reported_action>
reported_actions(const finding_context& in, std::string_view source, std::span<const recorded_action> ours)
{
    std::unordered_set<entry_index> concerned;
    for (const recorded_action& each : ours)
        concerned.insert(each.pupil);
    std::vector<reported_action> theirs;
    if (concerned.empty()) return theirs;
    for (const held_thing& action : in.held.things(what::action).all()) {
        if (action.gone || action.source != source || action.pupil == no_entry) continue;
        const entry_index pupil = person_of(in.held, action.pupil);
        if (!concerned.contains(pupil)) continue;
        const auto parsed = json_document::parse(action.payload);
        if (!parsed) continue;
        const std::string_view at = parsed->root()["fields"]["at"].string_if().value_or("");
        if (const auto day = parse_day(at.substr(0, 10))) theirs.push_back({pupil, *day});
    }
    return theirs;
}

findings actions_not_held(
    const finding_context& in,
    const std::string& source,
    std::span<const recorded_action> ours,
    std::span<const reported_action> theirs
)
{
    findings all;
    for (const recorded_action& each : ours) {
        if (!in.is_settled("action-not-in-safeguarding", each.on)) continue;
        const bool is_there = std::any_of(theirs.begin(), theirs.end(), [&](const reported_action& other) {
            const auto apart = (other.on - each.on).count();
            return other.pupil == each.pupil && apart >= -1 && apart <= 1;
        });
        if (is_there) continue;
        finding made = about_pupil("action-not-in-safeguarding", in, each.pupil);
        made.key = fmt::format("action-not-in-safeguarding/{}/{}", source, each.entry);
        made.sources.push_back(source);
        made.evidence = {each.entry};
        made.explanation = fmt::format(
            "An action ({}) of {} is recorded here, but {} has none for this pupil within a day of it. Enter it there.",
            each.kind,
            spoken_weekday_date(each.on),
            source
        );
        all.push_back(std::move(made));
    }
    return all;
}

void pupil_only_in_mis(const pupil_case& c, findings& all)
{
    const finding_context& in = c.in;
    // A pupil known from marks alone may have left long ago.
    if (c.facts.gone || (c.facts.form.empty() && !c.facts.date_of_birth && !c.facts.on_roll_from)) return;
    if (c.facts.on_roll_to && *c.facts.on_roll_to < in.today) return;
    if (c.facts.on_roll_from && !in.is_settled("pupil-only-in-mis", *c.facts.on_roll_from)) return;
    if (in.in_review && in.in_review->contains(c.ref)) return;
    for (const full_list& list : in.lists) {
        if (!list.covers_roll) continue;
        const auto linked = in.elsewhere_of(c.ref);
        const bool is_there = std::any_of(linked.begin(), linked.end(), [&](entry_index ref) {
            const held_thing* record = in.held.things(what::pupil).find_subject(ref);
            return record && record->source == list.source;
        });
        if (is_there) continue;
        finding made = about_pupil("pupil-only-in-mis", in, c.ref);
        made.key = fmt::format("pupil-only-in-mis/{}/{}", list.source, c.ref);
        made.sources.push_back(list.source);
        made.evidence = {c.facts.entry};
        made.explanation = fmt::format(
            "{} has a pupil on roll whom {} does not have, by no number and by no name and date of birth. Add the "
            "pupil "
            "there.",
            in.mis,
            list.source
        );
        all.push_back(std::move(made));
    }
}

} // namespace rollbook
