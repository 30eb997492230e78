#include "daemon/reconcile/findings.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/base/spoken.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace rollbook {
namespace {

// School days after its session until which the reason for an absence may stay open. SI 2024/208 reg. 10(7)-(9).
constexpr int reason_days = 5;

std::string spoken(session_id session)
{
    return fmt::format(
        "{}, {}", spoken_weekday_date(session.day), session.half == half_day::am ? "morning" : "afternoon"
    );
}

std::string mark_key(std::string_view kind, const std::string& source, session_id session, entry_index pupil)
{
    return fmt::format("{}/{}/{}/{}/{}", kind, source, format_day(session.day), name_of(session.half), pupil);
}

// A finding about one mark of the register.
finding about_mark(
    std::string_view kind, const finding_context& context, const attendance_register& held, const register_slot& slot
)
{
    finding made;
    made.kind = kind;
    made.pupil = held.ref_of(slot.pupil);
    made.key = mark_key(kind, context.mis, slot.session, made.pupil);
    const held_thing* pupil = context.held.things(what::pupil).find_subject(made.pupil);
    made.subject_source = context.mis;
    made.subject_id = pupil ? pupil->key : std::string();
    made.sources = {context.mis};
    made.evidence = {held.find(slot.session, slot.pupil).entry};
    return made;
}

void add_mark_findings(const finding_context& context, std::vector<finding>& all)
{
    const attendance_register* held = context.held.find_register(context.mis);
    if (!held) return;
    for (const register_slot& slot : held->unmapped()) {
        finding made = about_mark("mark-unmapped", context, *held, slot);
        const held_mark& mark = held->find(slot.session, slot.pupil);
        made.explanation = fmt::format(
            "The mark for {} has the code \"{}\", which is no attendance code on that day; it counts in no figure. "
            "Correct it in the MIS.",
            spoken(slot.session),
            held->codes().raw(mark.code)
        );
        all.push_back(std::move(made));
    }
    for (const register_slot& slot : held->unexplained()) {
        const int age = context.calendar.school_days_between(slot.session.day, context.today);
        if (age <= reason_days) continue;
        finding made = about_mark("reason-overdue", context, *held, slot);
        const auto due = context.calendar.school_day_after(slot.session.day, reason_days);
        made.explanation = fmt::format(
            "The absence on {} is still N (no reason yet). A reason was due by the end of {}, the fifth school day "
            "after it; enter it in the MIS, or O where none can be found.",
            spoken(slot.session),
            due ? spoken_weekday_date(*due) : std::string("the fifth school day")
        );
        all.push_back(std::move(made));
    }
    for (const register_slot& slot : held->gone()) {
        finding made = about_mark("record-vanished", context, *held, slot);
        made.explanation = fmt::format(
            "The MIS no longer has a mark for {} that it had before; the last known mark is kept in the ledger.",
            spoken(slot.session)
        );
        all.push_back(std::move(made));
    }
}

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

// An involvement goes with its incident, and would only say the same again.
void add_vanished_things(const finding_context& context, std::vector<finding>& all)
{
    for (const what kind : {what::pupil, what::incident, what::suspension, what::concern}) {
        for (const held_thing& thing : context.held.things(kind).all()) {
            if (!thing.gone) continue;
            finding made;
            made.kind = "record-vanished";
            made.key = fmt::format("record-vanished/{}/{}/{}", thing.source, name_of(kind), thing.subject);
            if (thing.pupil != no_entry) {
                const entry_index person = person_of(context.held, thing.pupil);
                if (is_known_person(context.held, context.mis, thing.pupil)) made.pupil = person;
            }
            made.subject_source = thing.source;
            made.subject_id = thing.key;
            made.sources = {thing.source};
            made.explanation = fmt::format(
                "{} no longer lists a {} that it listed before; what was last known is kept in the ledger.",
                thing.source,
                plain_name(kind)
            );
            made.evidence = {thing.entry};
            all.push_back(std::move(made));
        }
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

std::string spoken_score(const match_score& score)
{
    std::string text;
    for (const match_part& part : score.parts) {
        if (part.verdict == "unknown") continue;
        if (!text.empty()) text += ", ";
        text += spoken_part(part);
    }
    return text;
}

std::string spoken_likely(const finding_context& context, const std::string& source, const person_review& review)
{
    if (review.candidates.size() > 1)
        return fmt::format(
            "{} has a pupil who may be any of {} pupils of {} by name and date of birth, so none was chosen. Give the "
            "record its UPN.",
            source,
            review.candidates.size(),
            context.mis
        );
    return fmt::format(
        "{} has a pupil who may be P-{} of {}: {}. If they are one, give the record the UPN that {} has.",
        source,
        review.candidates.front().pupil,
        context.mis,
        spoken_score(review.candidates.front().score),
        context.mis
    );
}

// Pupil records of other systems that are not, or not surely, a pupil of the MIS.
void add_strangers(
    const finding_context& context, const std::string& source, const link_outcome& links, std::vector<finding>& all
)
{
    const auto add = [&](std::string_view kind, entry_index record, std::string explanation) {
        const held_thing* pupil = context.held.things(what::pupil).find_subject(record);
        finding made;
        made.kind = kind;
        made.key = fmt::format("{}/{}/{}", kind, source, record);
        made.subject_source = source;
        made.subject_id = pupil->key;
        made.sources = {source, context.mis};
        made.explanation = std::move(explanation);
        made.evidence = {pupil->entry};
        all.push_back(std::move(made));
    };
    for (const entry_index record : links.unmatched)
        add("pupil-only-in-safeguarding",
            record,
            fmt::format(
                "{} has a pupil whom {} does not have: no pupil there has the same id, UPN or admission number, and "
                "none "
                "is near by name and date of birth. They may have left, or the record needs its UPN corrected.",
                source,
                context.mis
            ));
    for (const person_review& review : links.ambiguous)
        add("pupil-ambiguous",
            review.other,
            fmt::format(
                "{} has a pupil whose numbers point to {} pupils of {}, so none was chosen. Correct the id or the UPN.",
                source,
                review.candidates.size(),
                context.mis
            ));
    for (const person_review& review : links.likely)
        add("pupil-ambiguous", review.other, spoken_likely(context, source, review));
    for (const person_review& review : links.conflicts)
        add("pupil-conflict",
            review.other,
            fmt::format(
                "{} has a pupil with a number of P-{} of {}, but the names and the date of birth do not fit, so they "
                "were not linked. Correct the number, or the names and the date of birth.",
                source,
                review.candidates.front().pupil,
                context.mis
            ));
}

std::string finding_payload(const finding& f, const held_thing* before, instant opened_at, bool closed, instant at)
{
    std::string text;
    json_writer out(text);
    out.begin_object();
    if (closed) out.member("closed_at", format_instant(at));
    out.key("evidence").begin_array();
    for (const entry_index index : f.evidence)
        out.value(index);
    out.end_array();
    out.member("explanation", f.explanation);
    if (before) out.member("finding", before->subject);
    out.member("key", f.key);
    out.member("kind", f.kind);
    out.member("opened_at", format_instant(opened_at));
    if (f.pupil != no_entry) out.member("pupil", f.pupil);
    if (before) out.member("replaces", before->entry);
    out.key("sources").begin_array();
    for (const std::string& source : f.sources)
        out.value(source);
    out.end_array();
    out.member("state", closed ? "closed" : "open");
    out.key("subject").begin_object();
    out.member("id", f.subject_id);
    out.member("source", f.subject_source);
    out.end_object();
    out.member("what", name_of(what::finding));
    out.end_object();
    return text;
}

// Reads back what is needed to close a finding or to tell whether it changed.
std::optional<std::pair<finding, instant>> held_finding(const held_thing& thing)
{
    const auto parsed = json_document::parse(thing.payload);
    if (!parsed) return std::nullopt;
    const json_view root = parsed->root();
    finding f;
    f.kind = root["kind"].string_if().value_or("");
    f.key = thing.key;
    f.pupil = thing.pupil;
    f.subject_source = root["subject"]["source"].string_if().value_or("");
    f.subject_id = root["subject"]["id"].string_if().value_or("");
    root["sources"].for_each_element([&](json_view source) { f.sources.emplace_back(source.string_if().value_or("")); }
    );
    f.explanation = root["explanation"].string_if().value_or("");
    root["evidence"].for_each_element([&](json_view index) {
        if (const auto number = index.int_if()) f.evidence.push_back(static_cast<entry_index>(*number));
    });
    const auto opened = parse_instant(root["opened_at"].string_if().value_or(""));
    if (!opened) return std::nullopt;
    return std::pair(std::move(f), *opened);
}

draft finding_entry(const finding& f, const held_thing* before, instant opened_at, bool closed, instant at)
{
    thing_version row;
    row.kind = what::finding;
    row.key = f.key;
    row.pupil = f.pupil;
    row.gone = closed;
    if (before) {
        row.subject = before->subject;
        row.replaces = before->entry;
    }
    return draft(entry_kind::record, finding_payload(f, before, opened_at, closed, at), std::move(row));
}

} // namespace

bool is_about_people(std::string_view kind)
{
    return kind == "pupil-only-in-safeguarding" || kind == "pupil-ambiguous" || kind == "pupil-conflict";
}

std::vector<finding>
standing_findings(const finding_context& context, const std::vector<std::pair<std::string, link_outcome>>& links)
{
    std::vector<finding> all;
    add_mark_findings(context, all);
    add_vanished_things(context, all);
    for (const auto& [source, outcome] : links)
        add_strangers(context, source, outcome, all);
    return all;
}

std::vector<finding> duplicate_findings(const finding_context& context, const source_reading& reading)
{
    std::vector<finding> all;
    const attendance_register* held = context.held.find_register(reading.source());
    if (!held) return all;
    for (const source_reading::conflict& two : reading.conflicts()) {
        if (two.pupil == no_entry) continue;
        const auto number = held->find_pupil(two.pupil);
        if (!number) continue;
        finding made = about_mark("mark-duplicate", context, *held, {two.session, *number});
        const std::string_view kept = held->codes().raw(held->find(two.session, *number).code);
        made.explanation = fmt::format(
            "The MIS has two marks for {}: \"{}\", which is the one counted, and \"{}\". Remove one of them in the "
            "MIS.",
            spoken(two.session),
            kept,
            two.other_raw
        );
        all.push_back(std::move(made));
    }
    return all;
}

std::optional<finding> stale_finding(
    const freshness& state, const school_calendar& calendar, local_instant now_local, instant now, const time_zone& zone
)
{
    finding made;
    made.kind = "source-stale";
    made.key = "source-stale/" + state.source;
    made.subject_source = state.source;
    made.subject_id = state.source;
    made.sources = {state.source};
    if (!state.last_success) {
        made.explanation = state.source + " has never been read. Nothing is known from it.";
        return made;
    }
    if (now - *state.last_success > state.stale_after) {
        const local_instant at = zone.to_local(*state.last_success);
        made.explanation = fmt::format(
            "{} was last read in full on {} at {:02}:{:02}; what rests on it may be out of date.",
            state.source,
            spoken_weekday_date(day_of(at)),
            std::chrono::duration_cast<std::chrono::hours>(at - day_of(at)).count(),
            std::chrono::duration_cast<std::chrono::minutes>(at - day_of(at)).count() % 60
        );
        return made;
    }
    if (state.data_as_of && now - *state.data_as_of > state.stale_after &&
        calendar.school_days_between(day_of(zone.to_local(*state.data_as_of)), day_of(now_local)) > 1) {
        made.explanation = fmt::format(
            "{} answers, but its own data is as of {}; what rests on it may be out of date.",
            state.source,
            spoken_weekday_date(day_of(zone.to_local(*state.data_as_of)))
        );
        return made;
    }
    if (!state.is_mis || calendar.empty()) return std::nullopt;
    const auto last_day = calendar.school_day_back(day_of(now_local) - std::chrono::days(1), 0);
    if (!last_day || (state.newest_day && *state.newest_day >= *last_day)) return std::nullopt;
    if (calendar.ordinal_at_or_before(day_of(now_local) - std::chrono::days(1)) < 0) return std::nullopt;
    made.explanation = fmt::format(
        "{} has no mark for {} or later: its newest is of {}. Its own data is behind.",
        state.source,
        spoken_weekday_date(*last_day),
        state.newest_day ? spoken_weekday_date(*state.newest_day) : std::string("no day at all")
    );
    return made;
}

std::vector<draft> finding_entries(
    const held_state& held,
    const std::vector<finding>& wanted,
    const std::function<bool(std::string_view kind, std::string_view key)>& judged,
    instant at,
    entry_index
)
{
    std::vector<draft> drafts;
    std::unordered_map<std::string_view, bool> still_there;
    for (const finding& f : wanted) {
        if (!still_there.emplace(f.key, true).second) continue;
        const held_thing* before = held.things(what::finding).find("", f.key);
        if (before && before->gone) before = nullptr; // it closed once: this is a new one
        if (!before) {
            drafts.push_back(finding_entry(f, nullptr, at, false, at));
            continue;
        }
        const auto known = held_finding(*before);
        if (known && known->first.explanation == f.explanation && known->first.evidence == f.evidence &&
            known->first.pupil == f.pupil)
            continue;
        drafts.push_back(finding_entry(f, before, known ? known->second : at, false, at));
    }
    for (const held_thing& open : held.things(what::finding).all()) {
        if (open.gone || still_there.contains(open.key)) continue;
        const auto known = held_finding(open);
        if (!known || !judged(known->first.kind, open.key)) continue;
        drafts.push_back(finding_entry(known->first, &open, known->second, true, at));
    }
    return drafts;
}

} // namespace rollbook
