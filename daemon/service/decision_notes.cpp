#include "daemon/service/decision_notes.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/spoken.hpp"
#include "daemon/cases/action.hpp"
#include "daemon/service/closing.hpp"
#include "daemon/service/messages.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rollbook {
namespace {

// What was decided, ready to be read in the pupil's record.
struct told {
    entry_index alert = no_entry;
    entry_index pupil = no_entry;
    std::string rule;
    std::string word;
    std::string text;
};

std::string who(const std::string& by, const std::string& user)
{
    return by.empty() ? user : by;
}

std::string lines_of(std::string_view words)
{
    return words.empty() ? std::string() : fmt::format("\n{}\n", words);
}

told told_of(const alert& about)
{
    const alert_decision& decided = *about.decided;
    const std::string state = about.parked ? "put aside until its stage rises" : std::string(name_of(about.state));
    std::string text = fmt::format("The alert is {}, decided by {}.\n", state, who(decided.by, decided.user));
    if (!decided.outcome.empty()) text += fmt::format("Outcome: {}\n", decided.outcome);
    text += lines_of(decided.text);
    return {about.id, about.pupil, about.rule, std::string(name_of(decided.verb)), std::move(text)};
}

told told_of(const case_action& about)
{
    const std::string word = about.kind == "penalty-notice" ? "penalty notice" : about.kind;
    std::string text = fmt::format("Action: {}, {}, by {}.\n", word, spoken_date(about.on), who(about.by, about.user));
    if (!about.owner.empty()) text += fmt::format("To be done by: {}\n", about.owner);
    if (about.due) text += fmt::format("Due: {}\n", spoken_date(*about.due));
    if (about.review) text += fmt::format("To be looked at again: {}\n", spoken_date(*about.review));
    if (!about.outcome.empty()) text += fmt::format("Outcome: {}\n", about.outcome);
    text += lines_of(about.text) + lines_of(about.outcome_text);
    return {about.alert, about.pupil, about.rule, about.kind, std::move(text)};
}

std::optional<told> told_in(const draft& decided, entry_index index)
{
    const auto* row = std::get_if<thing_version>(&decided.row);
    if (row == nullptr || row->pupil == no_entry) return std::nullopt;
    if (row->kind == what::alert) {
        const auto about = parse_alert_payload(decided.payload, index);
        return about && about->decided ? std::optional(told_of(*about)) : std::nullopt;
    }
    if (row->kind != what::action) return std::nullopt;
    const auto about = parse_action_payload(decided.payload, index);
    return about ? std::optional(told_of(*about)) : std::nullopt;
}

} // namespace

std::vector<outbox_message> decision_notes(
    const configuration& settings, const held_state& held, const draft& decided, entry_index index, instant now
)
{
    std::vector<outbox_message> notes;
    const auto wants = [&](const route_configuration& each, std::string_view rule) {
        return each.decisions && each.wants(rule);
    };
    const auto said = told_in(decided, index);
    if (!said) return notes;
    const message_setting shared = message_setting_of(settings, is_simulated(held));
    const rule* of = settings.find_rule(said->rule);
    const std::string title = said->alert == no_entry ? "A contact about attendance" : of ? of->title : said->rule;
    for (const route_configuration& to : settings.routes) {
        if (!wants(to, said->rule)) continue;
        outbox_message m;
        m.alert = said->alert;
        m.pupil = said->pupil;
        m.stage = said->word;
        m.route = to.name;
        m.next_at = now;
        m.content.id = fmt::format("<decision-{}.{}@{}>", index, message_id_part(to.name), shared.domain);
        m.content.type = "alert.decision";
        m.content.made_at = now;
        m.content.subject = fmt::format("{}{}: {}", subject_start(shared), title, said->word);
        m.content.text = fmt::format(
            "{}{}\n\n{}\nRollbook {}entry {}\n{}\n",
            shared.simulated ? "SIMULATION. " : "",
            title,
            said->text,
            said->alert == no_entry ? "" : fmt::format("alert {}, ", said->alert),
            index,
            shared.school
        );
        json_writer out(m.content.json);
        out.begin_object().key("data").begin_object();
        if (said->alert != no_entry) out.member("alert", said->alert);
        out.member("decision", said->word).member("entry", index);
        if (!said->rule.empty()) out.member("rule", said->rule);
        out.end_object();
        out.member("timestamp", format_instant(now)).member("type", m.content.type).end_object();
        notes.push_back(std::move(m));
    }
    return notes;
}

} // namespace rollbook
