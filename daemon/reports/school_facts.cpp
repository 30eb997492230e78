#include "daemon/reports/school_facts.hpp"

#include "daemon/domain/held.hpp"

#include <algorithm>

namespace rollbook {
namespace {

std::optional<pupil_outline> outline_of_pupil(const workplace& at, const thing_view& version)
{
    if (at.known)
        if (const auto known = at.known->pupils.find(version.entry); known != at.known->pupils.end())
            return known->second;
    const auto document = json_document::parse(std::string(version.payload));
    if (!document) return std::nullopt; // erased
    const json_view fields = document->root()["fields"];
    pupil_outline outline;
    outline.year = fields["year"].string_if().value_or("");
    outline.group = fields["registration_group"].string_if().value_or("");
    outline.born = parse_day(fields["date_of_birth"].string_if().value_or(""));
    if (at.known) at.known->pupils.emplace(version.entry, outline);
    return outline;
}

// What follows from a mark's words.
struct mark_meaning {
    bool is_known = false;
    bool is_wanted = false;
    held_mark like;
};

} // namespace

civil_day looked_back_to(const report_question& asked)
{
    constexpr std::chrono::days looked_back{430};
    const civil_day today = asked.today();
    return std::min({asked.from.value_or(today), asked.to.value_or(today), today}) - looked_back;
}

school_facts::school_facts(const report_question& asked, facts_needed needed)
    : asked_(asked), marks_(std::make_shared<code_book>()), cases_(std::move(needed.cases)),
      now_(asked.at.zone.to_local(asked.at.now))
{
    const workplace& at = asked.at;
    const std::string mis = at.config.mis_name();
    // Within a session marks come by pupil: whether one is wanted is found without looking for it.
    std::vector<entry_index> wanted;
    if (needed.pupils) wanted.assign(needed.pupils->begin(), needed.pupils->end());
    std::ranges::sort(wanted);
    auto next = wanted.begin();
    entry_index before = no_entry;
    const auto is_wanted = [&](entry_index pupil) {
        if (pupil < before) next = wanted.begin();
        before = pupil;
        while (next != wanted.end() && *next < pupil)
            ++next;
        return next != wanted.end() && *next == pupil;
    };
    const auto take = [&](entry_index pupil) {
        std::vector<mark_meaning> meanings(1); // by `alike`; the first for marks of which it is not told
        at.reader.marks_of_days(pupil, {needed.earliest, asked.today()}, at.n, false, [&](const mark_view& view) {
            if (needed.pupils && !is_wanted(view.pupil)) return true;
            if (view.alike >= meanings.size()) meanings.resize(view.alike + 1);
            mark_meaning& meaning = meanings[view.alike];
            if (!meaning.is_known) {
                meaning.is_known = view.alike != 0;
                meaning.is_wanted = view.source == mis && (!needed.wanted || needed.wanted(view));
                if (meaning.is_wanted) {
                    meaning.like.code = marks_.codes().intern(view.raw, view.statutory);
                    meaning.like.minutes = minutes_byte(view.minutes);
                }
            }
            if (!meaning.is_wanted) return true;
            meaning.like.entry = static_cast<std::uint32_t>(view.entry);
            marks_.put(view.session, marks_.number_of(view.pupil), meaning.like);
            return true;
        });
    };
    // Of more pupils than these, everybody's marks are looked through sooner than each one's are found.
    constexpr std::size_t found_one_by_one_max = 40;
    if (!needed.pupils || needed.pupils->size() > found_one_by_one_max)
        take(no_entry);
    else
        for (const entry_index each : *needed.pupils)
            take(each);
    at.reader.things(what::pupil, at.n, [&](const thing_view& each) {
        marks_.number_of(each.subject); // who has no mark may have been suspended all the same
        if (each.source != mis) return true;
        if (auto outline = outline_of_pupil(at, each)) pupils_[each.subject] = std::move(*outline);
        return true;
    });
}

std::optional<judged_day> school_facts::judged(civil_day last) const
{
    const local_instant end = local_instant(last + std::chrono::days(1)) - std::chrono::milliseconds(1);
    return judge_at(asked_.at.config.calendar, std::min(now_, end));
}

judged_pupil school_facts::who(entry_index person, pupil_no number) const
{
    judged_pupil who;
    who.number = number;
    who.ref = person;
    if (const auto known = pupils_.find(person); known != pupils_.end()) {
        who.year = known->second.year;
        who.group = known->second.group;
        who.date_of_birth = known->second.born;
    }
    return who;
}

std::optional<verdict> school_facts::judge(const rule& by, entry_index person, const judged_day& when) const
{
    const auto number = marks_.find_pupil(person);
    if (!number) return std::nullopt;
    const rule_facts facts{marks_, asked_.at.config.calendar, cases_.get()};
    return evaluate(by, pupil_history(facts, who(person, *number), when));
}

measured school_facts::measure(
    std::string_view name, const rule_window& window, entry_index person, const judged_day& when
) const
{
    const auto number = marks_.find_pupil(person);
    if (!number) return {};
    const rule_facts facts{marks_, asked_.at.config.calendar, cases_.get()};
    return take_measure(name, window, pupil_history(facts, who(person, *number), when));
}

std::optional<civil_day> school_facts::born(entry_index person) const
{
    const auto known = pupils_.find(person);
    return known == pupils_.end() ? std::nullopt : known->second.born;
}

civil_day school_facts::last_day_of_age(const rule& by, entry_index person, civil_day last) const
{
    const auto birth = born(person);
    if (!birth || !by.cohort.compulsory_school_age) return last;
    const day_range age = compulsory_school_age(*birth);
    return age.first <= last ? std::min(last, age.last) : last;
}

bool school_facts::has_settled(session_id session) const
{
    // No register settles later than half a day after it closed.
    if (session.day < day_of(now_) - std::chrono::days(1)) return true;
    const auto [at, is_new] = settled_.try_emplace(session, false);
    if (is_new) at->second = asked_.at.config.calendar.counts_from(session) <= now_;
    return at->second;
}

void school_facts::each_mark(entry_index person, const day_range& days, const std::function<void(const mark&)>& use)
    const
{
    const auto number = marks_.find_pupil(person);
    if (!number) return;
    marks_.for_each(*number, days, [&](session_id session, const held_mark& held) {
        if (!has_settled(session)) return;
        mark each{
            session, marks_.codes().row_on(held.code, session.day), held.entry, -1, marks_.codes().raw(held.code)};
        if (held.minutes != 255) each.minutes = held.minutes;
        use(each);
    });
}

const rule* rule_in_force(const configuration& config, std::string_view id)
{
    const rule* known = config.find_rule(id);
    return known && known->enabled ? known : nullptr;
}

} // namespace rollbook
