#include "daemon/service/messages.hpp"

#include "daemon/base/ascii.hpp"
#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/base/spoken.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rollbook {
namespace {

// The reason without the forms whose registers it names: a message says nothing of a pupil but what its route
// discloses.
std::string told_reason(const alert& about)
{
    std::string said = about.reason;
    const std::size_t at = about.kept_open.empty() ? said.npos : said.find(about.kept_open);
    if (at != said.npos) said.replace(at, about.kept_open.size(), "a register has not been taken or read yet");
    return said;
}

std::string first_letter(std::string_view name)
{
    // A name may begin with more than one byte.
    std::size_t size = name.empty() ? 0 : 1;
    while (size < name.size() && (static_cast<unsigned char>(name[size]) & 0xC0) == 0x80)
        ++size;
    return std::string(name.substr(0, size));
}

std::string shown(const named_pupil& pupil, disclosure allowed)
{
    if (allowed == disclosure::name && !pupil.surname.empty())
        return fmt::format("{} {} ({})", pupil.forename, pupil.surname, pupil.reference);
    if (allowed == disclosure::initials && !pupil.surname.empty())
        return fmt::format("{}{} ({})", first_letter(pupil.forename), first_letter(pupil.surname), pupil.reference);
    return pupil.reference;
}

std::string_view stage_word(const alert& about, telling tell)
{
    return tell == telling::ended ? name_of(about.state) : std::string_view(about.stage);
}

std::string type_of(const alert& about, telling tell)
{
    switch (tell) {
    case telling::stage_up: return "alert.stage_up";
    case telling::ended: return "alert." + std::string(name_of(about.state));
    default: return "alert.opened";
    }
}

std::string link_line(const message_setting& setting, std::string_view path)
{
    if (setting.public_url.empty()) return {};
    return fmt::format("\nOpen it: {}{}\n", setting.public_url, path);
}

std::string subject_line(const alert& about, const std::string& shown_subject)
{
    return fmt::format("{}: {}\n", is_about_source(about) ? subject_without_pupil(about).kind : "Pupil", shown_subject);
}

std::string alert_json(
    const route_configuration& route, const alert& about, const std::string& type, const std::string& shown_pupil
)
{
    std::string text;
    json_writer out(text);
    out.begin_object();
    out.key("data").begin_object();
    out.member("alert", about.id);
    if (!is_about_source(about)) out.member("pupil", shown_pupil);
    if (route.may_say("reason")) out.member("reason", told_reason(about));
    out.member("rule", about.rule);
    if (is_about_source(about)) out.member("source", about.source);
    if (route.may_say("stage")) out.member("stage", about.stage);
    if (route.may_say("state")) out.member("state", name_of(about.state));
    if (route.may_say("threshold")) {
        out.key("threshold");
        write_value(out, about.threshold, about.parts.has_value());
    }
    if (route.may_say("value")) {
        out.key("value");
        write_value(out, about.value, about.parts.has_value());
    }
    out.end_object();
    out.member("timestamp", format_instant(about.changed_at));
    out.member("type", type);
    out.end_object();
    return text;
}

} // namespace

std::string subject_start(const message_setting& setting)
{
    return setting.simulated ? "[Rollbook SIMULATION] " : "[Rollbook] ";
}

std::string message_id_part(std::string_view text)
{
    std::string out;
    for (const char c : text)
        out += is_letter(c) || is_digit(c) || c == '.' ? c : '-';
    return out;
}

message_setting message_setting_of(const configuration& settings, bool simulated)
{
    message_setting shared;
    shared.school = settings.school.name;
    shared.domain = settings.ledger.origin.substr(0, settings.ledger.origin.find('/'));
    shared.public_url = settings.web.public_url;
    while (shared.public_url.ends_with('/'))
        shared.public_url.pop_back();
    shared.simulated = simulated;
    return shared;
}

outbox_message alert_message(
    const message_setting& setting,
    const route_configuration& route,
    const rule& judged_by,
    const alert& about,
    telling tell,
    const named_pupil& pupil,
    std::string first_message_id,
    instant at
)
{
    outbox_message m;
    m.alert = about.id;
    m.pupil = about.pupil;
    m.stage = stage_word(about, tell);
    m.route = route.name;
    m.content.id = fmt::format(
        "<alert-{}.{}{}.{}@{}>",
        about.id,
        message_id_part(m.stage),
        tell == telling::later_day     ? "-" + format_day(about.window.last)
        : tell == telling::earlier_day ? "-" + std::to_string(about.changed_at.time_since_epoch().count())
                                       : std::string(),
        message_id_part(route.name),
        setting.domain
    );
    m.content.references = std::move(first_message_id);
    m.content.type = type_of(about, tell);
    m.content.made_at = at;
    m.content.subject = fmt::format("{}{}: {}", subject_start(setting), judged_by.title, pupil.reference);
    if (tell == telling::ended ? route.may_say("state") : route.may_say("stage"))
        m.content.subject += fmt::format(" ({})", tell == telling::ended ? name_of(about.state) : about.stage);
    const std::string who = shown(pupil, route.disclose);
    std::string& text = m.content.text;
    text = fmt::format("{}\n{}", judged_by.title, subject_line(about, who));
    if (route.may_say("reason")) text += fmt::format("\n{}\n", told_reason(about));
    if (tell == telling::later_day && route.may_say("reason"))
        text += fmt::format("\nIt stood before. Now it is about {} too.\n", spoken_weekday_date(about.window.last));
    if (tell == telling::ended) {
        text += "\nNothing more is needed for this alert.\n";
    } else {
        text += '\n';
        if (route.may_say("stage")) {
            text += "Stage: " + about.stage;
            if (route.may_say("threshold"))
                text += fmt::format(" (from {})", shown_value(about.threshold, about.parts.has_value()));
            text += ".\n";
        }
        if (route.may_say("source")) text += fmt::format("Why this counts: {}\n", judged_by.source);
    }
    text += link_line(setting, fmt::format("/alerts/{}", about.id));
    if (tell != telling::ended)
        text += is_about_source(about)
                    ? fmt::format(
                          "\nTo see what is wrong: rollbook {}\n",
                          subject_without_pupil(about).kind == "Rule" ? "check" : "status"
                      )
                    : fmt::format("\nTo see the marks behind it: rollbook alerts show {}\n", about.id);
    text += fmt::format("\n{}\n", setting.school);
    m.content.json = alert_json(route, about, m.content.type, who);
    return m;
}

outbox_message baseline_message(
    const message_setting& setting,
    const route_configuration& route,
    const std::vector<rule>& rules,
    const baseline_counts& counts,
    entry_index number,
    instant at
)
{
    outbox_message m;
    m.stage = "baseline";
    m.route = route.name;
    m.content.id = fmt::format("<baseline-{}.{}@{}>", number, message_id_part(route.name), setting.domain);
    m.content.type = "alert.baseline";
    m.content.made_at = at;
    m.content.subject = subject_start(setting) + "What was already crossed when Rollbook began";
    std::string& text = m.content.text;
    text = "Rollbook has finished its first read. These pupils had already crossed a threshold.\n"
           "They are listed once, here, and not one by one. You will hear of each new crossing.\n\n";
    std::string json;
    json_writer out(json);
    out.begin_object();
    out.key("data").begin_object();
    for (const auto& [id, stages] : counts) {
        const auto known = std::find_if(rules.begin(), rules.end(), [&](const rule& r) { return r.id == id; });
        int all = 0;
        std::string parts;
        out.key(id).begin_object();
        for (const auto& [stage, pupils] : stages) {
            all += pupils;
            parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", stage, pupils);
            out.member(stage, pupils);
        }
        out.end_object();
        text += fmt::format(
            "  {}: {} {} ({})\n", known == rules.end() ? id : known->title, all, all == 1 ? "pupil" : "pupils", parts
        );
    }
    out.end_object();
    out.member("timestamp", format_instant(at));
    out.member("type", m.content.type);
    out.end_object();
    text += "\nNext: go through the list and decide which to take up.\n";
    text += link_line(setting, "/baseline");
    text += "\nFrom a terminal: rollbook alerts list\n";
    text += fmt::format("\n{}\n", setting.school);
    m.content.json = std::move(json);
    return m;
}

named_pupil pupil_named(const held_state& held, entry_index pupil)
{
    named_pupil named{fmt::format("P-{}", pupil), {}, {}};
    const held_thing* thing = held.things(what::pupil).find_subject(pupil);
    const auto payload = thing ? json_document::parse(thing->payload) : json_document::parse("{}");
    if (!payload) return named;
    const json_view fields = payload->root()["fields"];
    const auto name = [&](std::string_view preferred, std::string_view legal) {
        const auto first = fields[preferred].string_if().value_or("");
        return std::string(first.empty() ? fields[legal].string_if().value_or("") : first);
    };
    named.forename = name("forename", "legal_forename");
    named.surname = name("surname", "legal_surname");
    return named;
}

named_pupil named_subject(const held_state& held, const alert& about)
{
    if (!is_about_source(about)) return pupil_named(held, about.pupil);
    return {std::string(subject_without_pupil(about).name), {}, {}};
}

namespace {

std::string data_json(const std::string& type, std::initializer_list<std::pair<std::string_view, std::string>> data)
{
    std::string text;
    json_writer out(text);
    out.begin_object().key("data").begin_object();
    for (const auto& [key, value] : data)
        out.member(key, value);
    out.end_object().member("type", type).end_object();
    return text;
}

} // namespace

outbox_message alert_reminder(
    const message_setting& setting,
    const route_configuration& route,
    const rule& judged_by,
    const alert& about,
    const due_reminder& due,
    const named_pupil& pupil,
    std::string first_message_id
)
{
    const bool escalates = due.of == due_reminder::kind::escalated;
    outbox_message m;
    m.alert = about.id;
    m.pupil = about.pupil;
    m.stage = about.stage;
    m.route = route.name;
    m.content.id = fmt::format(
        "<alert-{}.{}.{}{}{}.{}@{}>",
        about.id,
        message_id_part(about.stage),
        escalates ? 'e' : 'r',
        due.number,
        // They begin anew where the alert was told of again, though its stage is the same.
        about.told_again_at ? fmt::format("-{}", about.told_again_at->time_since_epoch().count()) : std::string(),
        message_id_part(route.name),
        setting.domain
    );
    m.content.references = std::move(first_message_id);
    m.content.type = escalates ? "alert.escalated" : "alert.reminder";
    m.content.subject = fmt::format(
        "{}{}: {} ({}{})",
        subject_start(setting),
        judged_by.title,
        pupil.reference,
        route.may_say("stage") ? about.stage + ", " : std::string(),
        escalates ? std::string("nobody has answered") : fmt::format("reminder {}", due.number)
    );
    const std::string who = shown(pupil, route.disclose);
    m.content.text = fmt::format(
        "{}\n{}{}\n{}{}\n{}\nWhen it is in hand: rollbook alerts ack {}\n\n{}\n",
        judged_by.title,
        subject_line(about, who),
        route.may_say("reason") ? fmt::format("\n{}\n", told_reason(about)) : std::string(),
        route.may_say("stage") ? fmt::format("Stage: {}. ", about.stage) : std::string(),
        escalates ? "Nobody has acknowledged this alert, so you are told as well."
                  : "Nobody has acknowledged this alert.",
        link_line(setting, fmt::format("/alerts/{}", about.id)),
        about.id,
        setting.school
    );
    m.content.json = alert_json(route, about, m.content.type, who);
    return m;
}

outbox_message action_reminder(
    const message_setting& setting,
    const route_configuration& route,
    const rule& judged_by,
    const case_action& about,
    const due_reminder& due,
    const named_pupil& pupil,
    std::string first_message_id
)
{
    const bool reviews = due.of == due_reminder::kind::review;
    outbox_message m;
    m.alert = about.alert;
    m.pupil = about.pupil;
    m.stage = about.kind;
    m.route = route.name;
    m.content.id = fmt::format(
        "<action-{}.{}{}.{}@{}>",
        about.id,
        reviews                                 ? "review"
        : due.of == due_reminder::kind::overdue ? "due"
                                                : "lead",
        due.number,
        message_id_part(route.name),
        setting.domain
    );
    m.content.references = std::move(first_message_id);
    m.content.type = reviews ? "action.review" : "action.overdue";
    const std::string day = spoken_date(reviews ? *about.review : *about.due);
    m.content.subject = fmt::format(
        "{}{} {}: {}",
        subject_start(setting),
        about.kind,
        reviews ? "to be looked at again" : "overdue",
        pupil.reference
    );
    m.content.text = fmt::format(
        "{}\nPupil: {}\n\nAction {} ({}) {} {}.\n{}\n{}: rollbook alerts {} {}\n\n{}\n",
        judged_by.title,
        shown(pupil, route.disclose),
        about.id,
        about.kind,
        reviews ? "was to be looked at again on" : "was due on",
        day,
        link_line(setting, fmt::format("/alerts/{}", about.alert)),
        reviews ? "To see it" : "When it is done",
        reviews ? "show" : "done",
        reviews ? about.alert : about.id,
        setting.school
    );
    m.content.json = data_json(
        m.content.type,
        {{"action", std::to_string(about.id)},
         {"alert", std::to_string(about.alert)},
         {"day", format_day(reviews ? *about.review : *about.due)},
         {"kind", about.kind},
         {"pupil", shown(pupil, route.disclose)},
         {"rule", about.rule}}
    );
    return m;
}

message digest_message(const message_setting& setting, std::span<const outbox_message> gathered)
{
    const outbox_message& first = gathered.front();
    message m;
    const digest_members members{first.number, gathered.back().number, gathered.size()};
    m.id = digest_id(members, message_id_part(first.route), setting.domain);
    m.type = "alert.digest";
    m.made_at = first.content.made_at;
    m.subject = fmt::format("{}{} messages", subject_start(setting), gathered.size());
    json_writer out(m.json);
    out.begin_object().key("data").begin_object().key("messages").begin_array();
    for (const outbox_message& each : gathered) {
        const std::string_view subject = each.content.subject;
        const std::size_t start = subject.starts_with(subject_start(setting)) ? subject_start(setting).size() : 0;
        m.text += fmt::format("{}\n{}\n{}\n", subject.substr(start), std::string(72, '-'), each.content.text);
        const auto parsed = json_document::parse(each.content.json);
        if (parsed) parsed->root().write_canonical(out);
    }
    out.end_array().end_object().member("timestamp", format_instant(m.made_at)).member("type", m.type).end_object();
    return m;
}

outbox_message silence_message(
    const message_setting& setting,
    const route_configuration& route,
    const silence& ended,
    const std::vector<entry_index>& standing
)
{
    const std::string pupil = ended.pupil == no_entry ? "every pupil" : fmt::format("P-{}", ended.pupil);
    const std::string rule = ended.rule.empty() ? "every rule" : ended.rule;
    outbox_message m;
    m.pupil = ended.pupil;
    m.route = route.name;
    m.content.id = fmt::format("<silence-{}.{}@{}>", ended.id, message_id_part(route.name), setting.domain);
    m.content.type = "silence.ended";
    m.content.subject = fmt::format("{}A silence has ended: {}, {}", subject_start(setting), pupil, rule);
    m.content.text = fmt::format(
        "Messages about {} under {} were held back, and are sent again from now on.\n\n"
        "Alerts that stand: {}.\nTo see one: rollbook alerts show ID\n{}\n{}\n",
        pupil,
        rule,
        standing.empty() ? std::string("none") : fmt::format("{}", fmt::join(standing, ", ")),
        link_line(setting, "/alerts"),
        setting.school
    );
    m.content.json =
        data_json(m.content.type, {{"pupil", pupil}, {"rule", rule}, {"silence", std::to_string(ended.id)}});
    return m;
}

outbox_message review_message(
    const message_setting& setting,
    const route_configuration& route,
    const named_pupil& pupil,
    entry_index about,
    civil_day review,
    std::string_view id
)
{
    outbox_message m;
    m.pupil = about;
    m.route = route.name;
    m.content.id = fmt::format("<review-{}.{}@{}>", id, message_id_part(route.name), setting.domain);
    m.content.type = "marker.review";
    m.content.subject = fmt::format("{}To be looked at again: {}", subject_start(setting), pupil.reference);
    m.content.text = fmt::format(
        "The safeguarding lead's list says that this pupil was to be looked at again on {}.\nPupil: {}\n{}\n"
        "Change the day or end it: rollbook marker list, or the list's own file.\n\n{}\n",
        spoken_date(review),
        shown(pupil, route.disclose),
        link_line(setting, "/alerts"),
        setting.school
    );
    m.content.json = data_json(m.content.type, {{"day", format_day(review)}, {"pupil", shown(pupil, route.disclose)}});
    return m;
}

} // namespace rollbook
