#include "daemon/views/actions.hpp"

#include "daemon/views/text.hpp"

#include <algorithm>
#include <tuple>

namespace rollbook {

std::vector<case_action> actions_at(const workplace& at)
{
    std::vector<case_action> all;
    at.reader.things(what::action, at.n, [&](const thing_view& each) {
        if (auto action = parse_action_payload(each.payload, each.entry)) all.push_back(std::move(*action));
        return true;
    });
    std::ranges::sort(all, {}, &case_action::id);
    return all;
}

std::vector<case_action> actions_of(const workplace& at, entry_index pupil)
{
    std::vector<case_action> all;
    at.reader.things_of(what::action, pupil, at.n, [&](const thing_view& each) {
        if (auto action = parse_action_payload(each.payload, each.entry)) all.push_back(std::move(*action));
        return true;
    });
    return all;
}

std::vector<case_action> contacts_on(const workplace& at, civil_day day)
{
    std::vector<case_action> all;
    // Six years of actions are looked through for one day's: its text is found sooner than every payload is read.
    const std::string is_on = "\"on\":\"" + format_day(day) + "\"";
    at.reader.things(what::action, at.n, [&](const thing_view& each) {
        if (each.payload.find(is_on) == std::string_view::npos) return true;
        auto action = parse_action_payload(each.payload, each.entry);
        if (action && (action->kind == "call" || action->kind == "visit") && action->is_done && action->on == day)
            all.push_back(std::move(*action));
        return true;
    });
    std::ranges::sort(all, {}, [](const case_action& each) { return std::tuple(each.at, each.id); });
    return all;
}

void write_action(json_writer& out, const case_action& action, bool with_words)
{
    out.begin_object();
    write_text_or_null(out, "adult", action.adult);
    out.key("alert");
    if (action.alert == no_entry)
        out.null();
    else
        out.value(action.alert);
    out.member("at", format_instant(action.at));
    out.member("by", action.by);
    write_day(out, "due", action.due);
    out.key("evidence").begin_array();
    for (const entry_index each : action.evidence)
        out.value(each);
    out.end_array();
    out.member("id", action.id);
    out.member("kind", action.kind);
    write_day(out, "on", action.on);
    out.member("open", !action.is_done);
    write_text_or_null(out, "outcome", action.outcome);
    write_text_or_null(out, "outcome_text", with_words ? action.outcome_text : "");
    out.member("owner", action.owner);
    write_day(out, "review", action.review);
    out.member("rule", action.rule);
    out.member("state", action.is_done ? "done" : "open");
    out.member("text", with_words ? action.text : "");
    out.member("user", action.user);
    out.end_object();
}

} // namespace rollbook
