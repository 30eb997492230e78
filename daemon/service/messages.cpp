#include "daemon/service/messages.hpp"

#include "daemon/base/canonical_json.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rollbook {
namespace {

// Message ids hold only what RFC 5322 lets an id hold without quoting.
std::string id_part(std::string_view text)
{
    std::string out;
    for (const char c : text)
        out += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ? c : '-';
    return out;
}

std::string subject_start(const message_setting& setting)
{
    return setting.simulated ? "[Rollbook SIMULATION] " : "[Rollbook] ";
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

std::string alert_json(const alert& about, const std::string& type, const std::string& shown_pupil)
{
    std::string text;
    json_writer out(text);
    out.begin_object();
    out.key("data").begin_object();
    out.member("alert", about.id);
    out.member("pupil", shown_pupil);
    out.member("reason", about.reason);
    out.member("rule", about.rule);
    out.member("stage", about.stage);
    out.member("state", name_of(about.state));
    out.member("threshold", about.threshold);
    out.member("value", about.value);
    out.end_object();
    out.member("timestamp", format_instant(about.changed_at));
    out.member("type", type);
    out.end_object();
    return text;
}

} // namespace

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
    m.content.id = fmt::format("<alert-{}.{}.{}@{}>", about.id, id_part(m.stage), id_part(route.name), setting.domain);
    m.content.references = std::move(first_message_id);
    m.content.type = type_of(about, tell);
    m.content.made_at = at;
    const std::string what_happened = tell == telling::ended ? std::string(name_of(about.state)) : about.stage;
    m.content.subject =
        fmt::format("{}{}: {} ({})", subject_start(setting), judged_by.title, pupil.reference, what_happened);
    const std::string who = shown(pupil, route.disclose);
    std::string& text = m.content.text;
    text = fmt::format("{}\nPupil: {}\n\n{}\n", judged_by.title, who, about.reason);
    if (tell == telling::ended)
        text += "\nNothing more is needed for this alert.\n";
    else
        text += fmt::format(
            "\nStage: {} (from {}).\nWhy this counts: {}\n", about.stage, about.threshold, judged_by.source
        );
    text += link_line(setting, fmt::format("/alerts/{}", about.id));
    if (tell != telling::ended)
        text += fmt::format("\nTo see the marks behind it: rollbook alerts show {}\n", about.id);
    text += fmt::format("\n{}\n", setting.school);
    m.content.json = alert_json(about, m.content.type, who);
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
    m.content.id = fmt::format("<baseline-{}.{}@{}>", number, id_part(route.name), setting.domain);
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

} // namespace rollbook
