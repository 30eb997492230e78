#include "daemon/reports/school_facts.hpp"

#include "daemon/domain/held.hpp"

#include <algorithm>

namespace rollbook {

school_facts::school_facts(const report_question& asked) : asked_(asked), marks_(std::make_shared<code_book>())
{
    const workplace& at = asked.at;
    const std::string mis = at.config.mis_name();
    // A ledger holds six years; nothing asked about looks back further than this.
    constexpr std::chrono::days looked_back{430};
    const day_range days{std::min(asked.from.value_or(asked.today()), asked.today()) - looked_back, asked.today()};
    at.reader.marks_of_days(no_entry, days, at.n, false, [&](const mark_view& view) {
        if (view.source != mis) return true;
        held_mark mark;
        mark.entry = static_cast<std::uint32_t>(view.entry);
        mark.code = marks_.codes().intern(view.raw, view.statutory);
        mark.minutes = minutes_byte(view.minutes);
        marks_.put(view.session, marks_.number_of(view.pupil), mark);
        return true;
    });
    for (const what kind : {what::incident, what::concern, what::involvement, what::suspension})
        at.reader.things(kind, at.n, [&](const thing_view& each) {
            thing_version version;
            version.kind = each.kind;
            version.subject = each.subject;
            version.pupil = each.pupil;
            version.source = each.source;
            version.key = each.key;
            version.gone = each.gone;
            cases_.apply(each.entry, version, each.payload);
            return true;
        });
    at.reader.things(what::pupil, at.n, [&](const thing_view& each) {
        marks_.number_of(each.subject); // who has no mark may have been suspended all the same
        const auto document = each.source == mis ? json_document::parse(std::string(each.payload))
                                                 : result<json_document>(failure(errc::not_found, "", ""));
        if (!document) return true;
        const json_view fields = document->root()["fields"];
        pupil& of = pupils_[each.subject];
        of.year = fields["year"].string_if().value_or("");
        of.group = fields["registration_group"].string_if().value_or("");
        of.born = parse_day(fields["date_of_birth"].string_if().value_or(""));
        return true;
    });
}

std::optional<judged_day> school_facts::judged(civil_day last) const
{
    const local_instant now = asked_.at.zone.to_local(asked_.at.now);
    const local_instant end = local_instant(last + std::chrono::days(1)) - std::chrono::milliseconds(1);
    return judge_at(asked_.at.config.calendar, std::min(now, end));
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
    const rule_facts facts{marks_, asked_.at.config.calendar, &cases_};
    return evaluate(by, pupil_history(facts, who(person, *number), when));
}

measured school_facts::measure(
    std::string_view name, const rule_window& window, entry_index person, const judged_day& when
) const
{
    const auto number = marks_.find_pupil(person);
    if (!number) return {};
    const rule_facts facts{marks_, asked_.at.config.calendar, &cases_};
    return take_measure(name, window, pupil_history(facts, who(person, *number), when));
}

std::optional<civil_day> school_facts::born(entry_index person) const
{
    const auto known = pupils_.find(person);
    return known == pupils_.end() ? std::nullopt : known->second.born;
}

void school_facts::each_mark(entry_index person, const day_range& days, const std::function<void(const mark&)>& use)
    const
{
    const auto number = marks_.find_pupil(person);
    if (!number) return;
    const local_instant now = asked_.at.zone.to_local(asked_.at.now);
    marks_.for_each(*number, days, [&](session_id session, const held_mark& held) {
        if (asked_.at.config.calendar.counts_from(session) > now) return;
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
