#include "daemon/base/ascii.hpp"
#include "daemon/base/spoken.hpp"
#include "daemon/reconcile/finding_kinds.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rollbook {
namespace {

constexpr int noon = 12 * 60;
constexpr int school_ends = 16 * 60;
constexpr int same_time_minutes = 15;
// Source: Schools (Recording and Reporting of Seclusion and Restraint) (No. 2) (England) Regulations 2025, in force
// 2026-04-01: parents are told in writing no later than the same day.
constexpr civil_day reports_from = civil_day(std::chrono::year(2026) / 4 / 1);

std::string clock(int minute)
{
    return fmt::format("{:02}:{:02}", minute / 60, minute % 60);
}

std::string_view source_of(const finding_context& in, const case_record& record)
{
    return in.text(record.is->source);
}

std::string_view plain_name(const case_record& record)
{
    return record.is->kind == what::concern ? "A safeguarding record" : "An incident";
}

bool has_type(const finding_context& in, const case_record& record, const std::vector<std::string>& words)
{
    const auto has = [&](text_id id) { return has_part(in.text(id), words); };
    return has(record.is->type) || has(record.is->subtype) || has(record.is->action) ||
           std::ranges::any_of(record.more_types(), has);
}

bool is_on_site(const finding_context& in, const case_record& record)
{
    const std::string_view place = in.text(record.is->location);
    return !place.empty() && !has_part(place, in.settings.off_site) && has_part(place, in.settings.on_site);
}

// Not in school by the register. Late is in school, and so is a session of which nothing is known.
enum class presence { unknown, in_school, elsewhere, absent };

struct half_presence {
    presence is = presence::unknown;
    held_mark mark;
};

half_presence presence_in(const pupil_case& c, session_id session)
{
    const held_mark mark = c.marks->find_but_digest(session, *c.number);
    if (!mark.is_held()) return {};
    const statutory_code* row = c.marks->codes().row_on(mark.code, session.day);
    if (!row) return {presence::unknown, mark};
    if (row->klass == code_class::present || row->late) return {presence::in_school, mark};
    if (row->klass == code_class::authorised || row->klass == code_class::unauthorised) return {presence::absent, mark};
    return {presence::elsewhere, mark};
}

// The sessions a time of day can belong to: one, or around midday either.
std::vector<half_day> halves_at(int minute)
{
    if (minute < 0) return {half_day::am, half_day::pm};
    if (minute < 8 * 60 || minute >= school_ends) return {};
    if (minute < noon) return {half_day::am};
    if (minute < 14 * 60) return {half_day::am, half_day::pm};
    return {half_day::pm};
}

std::string spoken_marks(const pupil_case& c, civil_day day, const std::vector<half_day>& halves)
{
    std::string said;
    for (const half_day half : halves)
        said += fmt::format(
            "{}\"{}\" in the {}",
            said.empty() ? "" : " and ",
            c.marks->codes().raw(c.marks->find({day, half}, *c.number).code),
            half == half_day::am ? "morning" : "afternoon"
        );
    return said;
}

void contradict(const pupil_case& c, const case_part& part, const case_record& record, findings& all)
{
    const finding_context& in = c.in;
    const bool says_missing = has_type(in, record, in.settings.missing);
    if (!says_missing && !is_on_site(in, record)) return;
    const std::vector<half_day> halves = halves_at(record.minute);
    if (halves.empty()) return;
    std::vector<entry_index> marks;
    bool is_appointment = false;
    for (const half_day half : halves) {
        const half_presence found = presence_in(c, {*record.day, half});
        if (found.is != (says_missing ? presence::in_school : presence::absent)) return;
        is_appointment = is_appointment || c.marks->codes().statutory(found.mark.code) == "M";
        marks.push_back(found.mark.entry);
    }
    // Back from the dentist before midday is no contradiction.
    if (is_appointment && halves.size() == 1) return;

    finding made = about_pupil("incident-contradicts-mark", in, c.ref);
    const std::string_view source = source_of(in, record);
    made.key = fmt::format("incident-contradicts-mark/{}/{}/{}", source, record.subject, c.ref);
    made.subject_source = source;
    made.subject_id = record.id;
    if (source != in.mis) made.sources.insert(made.sources.begin(), std::string(source));
    made.evidence = {part.entry, record.entry};
    made.evidence.insert(made.evidence.end(), marks.begin(), marks.end());
    const bool asks = record.minute < 0;
    const std::string when = asks ? spoken_weekday_date(*record.day)
                                  : fmt::format("{} on {}", clock(record.minute), spoken_weekday_date(*record.day));
    const std::string said = spoken_marks(c, *record.day, halves);
    const std::string where = record.is->location == 0 || says_missing
                                  ? std::string()
                                  : fmt::format(" (place: {})", in.text(record.is->location));
    if (asks)
        made.explanation = fmt::format(
            "{} of {}{} gives no time; it {} while the register says {}. Was the pupil in school? Then correct one of "
            "them.",
            plain_name(record),
            when,
            where,
            says_missing ? "says the pupil was missing" : "has the pupil in school",
            said
        );
    else if (says_missing)
        made.explanation = fmt::format(
            "{} says the pupil was missing at {}, but the register says {}. Find out where the pupil was; the mark "
            "stands "
            "only if the pupil was there when the register was taken.",
            plain_name(record),
            when,
            said
        );
    else
        made.explanation = fmt::format(
            "{} has the pupil in school at {}{}, but the register says {}. One of the two is wrong.",
            plain_name(record),
            when,
            where,
            said
        );
    all.push_back(std::move(made));
}

// The people of a record, as the MIS knows them.
std::set<entry_index> people_of(const finding_context& in, const case_record& record)
{
    std::set<entry_index> people;
    in.held.cases().for_each_part(record, [&](const case_part& part) {
        if (!part.gone) people.insert(person_of(in.held, part.pupil));
    });
    return people;
}

template <class F> void for_each_part_of(const case_facts& cases, entry_index pupil, F&& use)
{
    for (const std::uint32_t place : cases.parts_of(pupil)) {
        const case_part& part = cases.parts()[place];
        if (part.gone || part.record == case_part::nothing) continue;
        const case_record& record = cases.records()[part.record];
        if (!record.gone && record.day) use(part, record);
    }
}

template <class F> void for_each_part_of_person(const finding_context& in, entry_index person, F&& use)
{
    for_each_part_of(in.held.cases(), person, use);
    for (const entry_index other : in.elsewhere_of(person))
        for_each_part_of(in.held.cases(), other, use);
}

// Calls use(const case_record&) for those of one pupil of one source within a day of `day`.
template <class F> void for_each_about(const finding_context& in, entry_index pupil, civil_day day, F&& use)
{
    using dated = std::pair<civil_day, std::uint32_t>;
    const auto [at, is_new] = in.by_day.try_emplace(pupil);
    std::vector<dated>& all = at->second;
    if (is_new) {
        all.reserve(in.held.cases().parts_of(pupil).size());
        for_each_part_of(in.held.cases(), pupil, [&](const case_part& part, const case_record& record) {
            all.emplace_back(*record.day, part.record);
        });
        std::ranges::stable_sort(all, {}, &dated::first);
    }
    const auto first = std::ranges::lower_bound(all, day - std::chrono::days(1), {}, &dated::first);
    const auto last = std::ranges::upper_bound(all, day + std::chrono::days(1), {}, &dated::first);
    for (auto each = first; each != last; ++each)
        use(in.held.cases().records()[each->second]);
}

// Whether one says that it is the other, by a marker SYSTEM:ID that both carry or that names the other's own id.
bool names_the_other(const finding_context& in, const case_record& a, const case_record& b)
{
    const auto names = [&](const case_record& from, const case_record& to) {
        return std::ranges::any_of(from.elsewhere(), [&](text_id marker) {
            const std::string_view text = in.text(marker);
            const std::size_t colon = text.find(':');
            return colon != text.npos && !to.id.empty() && text.substr(colon + 1) == to.id;
        });
    };
    const bool share = std::ranges::any_of(a.elsewhere(), [&](text_id marker) {
        return std::ranges::count(b.elsewhere(), marker) > 0;
    });
    return share || names(a, b) || names(b, a);
}

bool is_same_incident(const finding_context& in, const case_record& a, const case_record& b)
{
    if (a.is->is_achievement || b.is->is_achievement) return false;
    if (names_the_other(in, a, b)) return true;
    if (std::optional<civil_day>(a.day) != std::optional<civil_day>(b.day) || a.minute < 0 || b.minute < 0)
        return false;
    const int apart = a.minute < b.minute ? b.minute - a.minute : a.minute - b.minute;
    if (apart > same_time_minutes) return false;
    if (a.is->source == b.is->source && a.is->type != b.is->type) return false;
    return people_of(in, a) == people_of(in, b);
}

bool is_none_told(std::string_view told)
{
    static const std::vector<std::string> words = {"no", "n", "false", "0", "none", "not told", "not yet"};
    return told.empty() ||
           std::ranges::any_of(words, [&](const std::string& word) { return is_same_word(word, told); });
}

finding about_record(std::string_view kind, const finding_context& in, const case_record& record)
{
    finding made;
    made.kind = kind;
    made.key = fmt::format("{}/{}/{}", kind, source_of(in, record), record.subject);
    made.subject_source = source_of(in, record);
    made.subject_id = record.id;
    made.sources = {made.subject_source};
    made.evidence = {record.entry};
    return made;
}

} // namespace

std::vector<const case_record*> records_beside(const finding_context& in, const case_record& record)
{
    std::vector<const case_record*> beside;
    if (!record.day) return beside;
    const auto add = [&](entry_index pupil) {
        for_each_about(in, pupil, *record.day, [&](const case_record& other) {
            if (&other != &record && std::ranges::find(beside, &other) == beside.end()) beside.push_back(&other);
        });
    };
    for (const entry_index person : people_of(in, record)) {
        add(person);
        for (const entry_index other : in.elsewhere_of(person))
            add(other);
    }
    return beside;
}

std::vector<const case_record*> records_near(const finding_context& in, entry_index person, civil_day day)
{
    std::vector<const case_record*> near;
    const auto add = [&](entry_index pupil) {
        for_each_about(in, pupil, day, [&](const case_record& record) { near.push_back(&record); });
    };
    add(person);
    for (const entry_index other : in.elsewhere_of(person))
        add(other);
    return near;
}

void incident_contradicts_mark(const pupil_case& c, findings& all)
{
    if (!c.marks || !c.number) return;
    for_each_part_of_person(c.in, c.ref, [&](const case_part& part, const case_record& record) {
        if (c.settled && *record.day <= *c.settled) return;
        if (record.is->is_achievement || c.in.days.of(*record.day) != day_kind::school) return;
        if (!c.in.is_settled("incident-contradicts-mark", *record.day)) return;
        contradict(c, part, record, all);
    });
}

void restraint_not_reported(const finding_context& in, const case_record& record, findings& all)
{
    // A safeguarding record does not say whether parents were told; nothing can be said of it.
    if (record.is->kind != what::incident || !record.day || *record.day < reports_from || *record.day >= in.today)
        return;
    if (!has_type(in, record, in.settings.restraint)) return;
    const std::string_view told = in.text(record.is->parents_told);
    const auto told_on = parse_day(told.substr(0, 10));
    if (!is_none_told(told) && !(told_on && *told_on > *record.day)) return;
    finding made = about_record("restraint-not-reported", in, record);
    made.explanation = fmt::format(
        "An incident of {} with force, restraint or seclusion {}. Parents are to be told in writing no later than the "
        "same day, unless that would put the pupil at risk of significant harm; record when they were told.",
        spoken_weekday_date(*record.day),
        told_on ? "was reported to parents only on " + spoken_weekday_date(*told_on)
                : std::string("has no report to parents")
    );
    all.push_back(std::move(made));
}

void incident_duplicate(const finding_context& in, const case_record& record, findings& all)
{
    // Of two the later one carries the finding.
    for (const case_record* other : records_beside(in, record)) {
        if (other->subject > record.subject || !is_same_incident(in, *other, record)) continue;
        finding made = about_record("incident-duplicate", in, record);
        made.key = fmt::format("incident-duplicate/{}/{}", other->subject, record.subject);
        if (other->is->source != record.is->source) made.sources.push_back(std::string(source_of(in, *other)));
        made.evidence.insert(made.evidence.begin(), other->entry);
        made.explanation = fmt::format(
            "{} of {} and another of {} look like one and the same, with {} {}. Count it once; if they are two, "
            "nothing "
            "needs doing.",
            plain_name(record),
            source_of(in, record),
            source_of(in, *other),
            people_of(in, record).size(),
            people_of(in, record).size() == 1 ? "pupil" : "pupils"
        );
        all.push_back(std::move(made));
    }
}

void incident_in_one_system(const finding_context& in, const case_record& record, findings& all)
{
    if (!record.day || record.is->is_achievement || !in.is_settled("incident-in-one-system", *record.day)) return;
    const bool is_mis = source_of(in, record) == in.mis;
    const auto is_type = [&](const case_record& of, const std::string& word) {
        const auto same = [&](text_id id) { return is_same_word(in.text(id), word); };
        return same(of.is->type) || same(of.is->subtype) || std::ranges::any_of(of.more_types(), same);
    };
    for (const finding_settings::in_both& pair : in.settings.both) {
        const std::string& own = is_mis ? pair.mis : pair.safeguarding;
        const std::string& wanted = is_mis ? pair.safeguarding : pair.mis;
        if (!is_type(record, own)) continue;
        const auto beside = records_beside(in, record);
        const bool is_there = std::ranges::any_of(beside, [&](const case_record* other) {
            const bool crosses = (source_of(in, *other) == in.mis) != is_mis;
            return crosses && (is_type(*other, wanted) || names_the_other(in, record, *other));
        });
        if (is_there) return;
        finding made = about_record("incident-in-one-system", in, record);
        made.explanation = fmt::format(
            "{} of {} (\"{}\") should also be in the {} as \"{}\", but for its pupils there is none within a day of "
            "it. "
            "Enter it there, or correct the type.",
            plain_name(record),
            spoken_weekday_date(*record.day),
            own,
            is_mis ? "safeguarding system" : "MIS",
            wanted
        );
        all.push_back(std::move(made));
        return;
    }
}

} // namespace rollbook
