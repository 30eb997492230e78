#include "daemon/base/ascii.hpp"
#include "daemon/config/sections.hpp"
#include "daemon/config/vocabulary.hpp"

#include <algorithm>

namespace rollbook {
namespace {

constexpr std::string_view mail_form = "an e-mail address such as lead@example.sch.uk";

// Control characters and a missing part would be read as something else by a mail server.
bool is_mail_address(std::string_view text)
{
    const std::size_t at = text.rfind('@');
    return std::ranges::none_of(text, is_control) && at != text.npos && at > 0 && at + 1 < text.size();
}

void read_oauth(table_reader table)
{
    (void)table.required_text("tenant");
    (void)table.required_text("client_id");
    if (!table.has("client_secret")) table.missing("client_secret", secret_forms);
    (void)table.find("client_secret"); // read with the other settings
    if (table.find("token_url") != nullptr) (void)table.text("token_url", "https://HOST/...");
    table.refuse_unknown();
}

// An address that is a text, however wrong, was judged with the other settings.
void require_address(table_reader& settings, std::string_view key, std::string_view expected)
{
    const toml_value* value = settings.find(key);
    if (value == nullptr)
        settings.missing(key, expected);
    else if (!std::holds_alternative<std::string>(value->value))
        (void)settings.text(key, expected);
}

void check_bounces(table_reader& settings, bool route_logs_on)
{
    auto table = settings.table("bounces");
    if (!table) return;
    require_address(*table, "imap_url", "imaps://HOST or imap://HOST");
    const bool has_password = table->find("password") != nullptr;
    const bool has_user = table->text("user").has_value();
    if (has_password && !has_user) table->missing("user", "the name that goes with the password");
    if (!has_password && !route_logs_on) table->missing("password", secret_forms);
    table->refuse_unknown();
}

void check_email(table_reader& settings)
{
    require_address(settings, "smtp_url", "smtps://HOST or smtp://HOST");
    const std::string from = settings.required_text("from", mail_form);
    if (!from.empty() && !is_mail_address(from))
        settings.wrong("from", in_quotes(from) + " is not an e-mail address", std::string(mail_form));
    if (!settings.has("to")) settings.missing("to", "a list of e-mail addresses");
    for (const std::string& to :
         settings.texts("to", "a list of e-mail addresses").value_or(std::vector<std::string>()))
        if (!is_mail_address(to))
            settings.wrong("to", in_quotes(to) + " is not an e-mail address", std::string(mail_form));
    const bool has_password = settings.find("password") != nullptr;
    const bool has_user = settings.text("user").has_value();
    if (has_password && !has_user) settings.missing("user", "the name that goes with the password");
    if (const auto oauth = settings.table("oauth")) {
        read_oauth(*oauth);
        if (has_password) settings.wrong("oauth", "is given beside a password", "one of password and oauth");
    }
    (void)settings.text("ca_file", "the path of a file of certificates");
    if (settings.has("bounces")) check_bounces(settings, has_password || settings.has("oauth"));
}

void check_note(table_reader& settings, const configuration& known)
{
    const std::string source = settings.required_text("source", "the name of a source with role safeguarding");
    if (source.empty()) return;
    const auto at = std::ranges::find(known.sources, source, &source_configuration::name);
    if (at == known.sources.end() || at->role != source_role::safeguarding)
        settings.wrong(
            "source",
            in_quotes(source) + " is not a source with role safeguarding",
            "the name of a source with role safeguarding"
        );
    if (settings.find("operation") != nullptr) (void)settings.text("operation", "a write operation of its manifest");
}

// A path of a file or folder is meant from the configuration file.
void make_absolute(setting_table& settings, const std::string& key, const std::filesystem::path& base)
{
    const auto at = settings.find(key);
    if (at == settings.end()) return;
    if (auto* path = std::get_if<std::string>(&at->second.value)) *path = (base / *path).lexically_normal().string();
}

void read_route_settings(table_reader& route, const configuration& known, route_configuration& into)
{
    std::optional<table_reader> settings = route.table("settings");
    if (!settings) {
        if (!route.has("settings")) route.missing("settings", "a table [route.settings]");
        return;
    }
    into.settings = read_settings(*route.find("settings"), settings->path(), route.problems());
    if (into.channel == "email") {
        check_email(*settings);
        make_absolute(into.settings, "ca_file", known.file.parent_path());
    } else if (into.channel == "webhook") {
        require_address(*settings, "url", "https://HOST/...");
        if (settings->find("secret") == nullptr) settings->missing("secret", secret_forms);
        (void)settings->text("ca_file", "the path of a file of certificates");
        make_absolute(into.settings, "ca_file", known.file.parent_path());
    } else if (into.channel == "teams") {
        if (settings->find("url") == nullptr)
            settings->missing("url", secret_forms);
        else if (!settings->secret("url"))
            return;
        (void)settings->text("ca_file", "the path of a file of certificates");
        make_absolute(into.settings, "ca_file", known.file.parent_path());
    } else if (into.channel == "file") {
        (void)settings->required_text("folder", "the path of a folder");
        make_absolute(into.settings, "folder", known.file.parent_path());
    } else if (into.channel == "note") {
        check_note(*settings, known);
    } else {
        return; // the channel itself is wrong: what its settings may be is not known
    }
    settings->refuse_unknown();
}

void check_rules_known(table_reader& table, const configuration& known, const route_configuration& route)
{
    for (const std::string& id : route.rules) {
        const auto at = std::ranges::find(known.rules, id, &rule::id);
        if (id == "*" || at != known.rules.end()) continue;
        if (std::ranges::find(published_rules, std::string_view(id)) == published_rules.end())
            table.wrong(
                "rules", in_quotes(id) + " is not the id of a rule", "\"*\" or ids of rules: `rollbook rules list`"
            );
        else
            table.warn(
                "rules", in_quotes(id) + " is not in force: no pack in use has it, so nothing will be sent for it"
            );
    }
}

// A stage is known when some rule that the route takes has it.
void check_stages_known(table_reader& table, const configuration& known, const route_configuration& route)
{
    for (const std::string& name : route.stages) {
        const bool is_known = std::ranges::any_of(known.rules, [&](const rule& of) {
            return route.wants(of.id) && place_of_stage(of, name) >= 0;
        });
        if (!is_known)
            table.wrong(
                "stages",
                in_quotes(name) + " is not a stage of a rule that this route takes",
                "names of stages: `rollbook rules list`"
            );
    }
}

// By flag a route would tell, by what it tells of, who has the flag.
void read_route_cohort(table_reader& table, route_configuration& into)
{
    auto cohort = table.table("cohort");
    if (!cohort) return;
    into.cohort.years =
        cohort->texts("years", R"(a list of years such as ["7", "8"])").value_or(std::vector<std::string>());
    into.cohort.groups =
        cohort->texts("groups", R"(a list of registration groups such as ["9A"])").value_or(std::vector<std::string>());
    cohort->refuse_unknown();
    if (into.is_for_all())
        table.wrong("cohort", "names no year and no group", R"({ years = ["7"] } or { groups = ["9A"] })");
    if (into.channel == "note")
        table.wrong("cohort", "on a route that writes into each pupil's own record", "no cohort: it tells nobody else");
}

// Of what is about a child's safety every stage must reach somebody.
void warn_of_unheard_stages(table_reader& root, const configuration& known)
{
    for (const rule& of : known.rules) {
        const auto takes = [&](const route_configuration& each) { return each.wants(of.id); };
        if (!of.enabled || !of.safety || std::ranges::none_of(known.routes, takes)) continue;
        for (int stage = 0; stage < std::ssize(of.stages); ++stage) {
            const auto hears = [&](const route_configuration& each) {
                return each.is_for_all() && each.wants_rise(of, stage - 1, stage);
            };
            if (std::ranges::none_of(known.routes, hears))
                root.warn(
                    "route",
                    "nobody is told, or not of every pupil, when the safety rule " + in_quotes(of.id) +
                        " reaches its stage " + in_quotes(of.stages[static_cast<std::size_t>(stage)].name)
                );
        }
    }
}

// Who is told of Rollbook itself; what is wrong with that is said where it is read.
std::string operator_route(table_reader& root)
{
    const toml_value* section = root.find("operator");
    const auto* keys = section ? std::get_if<toml_value::table>(&section->value) : nullptr;
    const auto route = keys ? keys->find("route") : toml_value::table::const_iterator();
    const auto* name = keys && route != keys->end() ? std::get_if<std::string>(&route->second.value) : nullptr;
    return name ? *name : std::string();
}

route_configuration read_route(table_reader& table, const configuration& known, const std::string& operators)
{
    constexpr std::array<std::string_view, 3> disclosures = {"reference", "initials", "name"};
    route_configuration out;
    out.line = table.line();
    out.name = table.required_text("name", name_form);
    if (!out.name.empty() && !is_name(out.name))
        table.wrong("name", in_quotes(out.name) + " is not a name", std::string(name_form));
    if (!table.has("channel")) table.missing("channel", "email, teams, webhook, file or note");
    if (const auto at = table.choice("channel", channels)) out.channel = channels[*at];
    constexpr std::string_view rules_form = R"(["*"], a list of rule ids, or [] of the route of [operator])";
    if (!table.has("rules")) table.missing("rules", rules_form);
    out.rules = table.texts("rules", rules_form, out.name == operators).value_or(std::vector<std::string>());
    check_rules_known(table, known, out);
    out.stages = table.texts("stages", R"(a list such as ["dsl", "visit"]; left out: every stage)")
                     .value_or(std::vector<std::string>());
    check_stages_known(table, known, out);
    read_route_cohort(table, out);
    if (table.has("fields")) {
        const std::string form = "a list of " + one_of({alert_fields.begin(), alert_fields.end()});
        out.fields = table.texts("fields", form).value_or(std::vector<std::string>());
        for (const std::string& field : out.fields)
            if (std::ranges::find(alert_fields, std::string_view(field)) == alert_fields.end())
                table.wrong("fields", in_quotes(field) + " is not a field of an alert", form);
    }
    out.disclose = static_cast<disclosure>(table.choice("disclose", disclosures).value_or(0));
    read_reminding(table, out.reminders);
    if (table.has("digest")) out.digest = table.time_of_day("digest");
    if (out.digest && out.channel == "note")
        table.wrong(
            "digest", "gathers what is about several pupils", "no digest where messages go into one pupil's record"
        );
    out.decisions = table.truth("decisions").value_or(false);
    if (out.decisions && out.channel != "note")
        table.wrong(
            "decisions",
            "would send on what people wrote about a pupil",
            "decisions only where messages go into the pupil's own record: channel = \"note\""
        );
    out.only_in_school_hours = table.truth("only_in_school_hours").value_or(false);
    read_route_settings(table, known, out);
    table.refuse_unknown();
    return out;
}

} // namespace

void read_routes(table_reader& root, configuration& into)
{
    const std::string operators = operator_route(root);
    for (table_reader& table : root.tables("route")) {
        route_configuration one = read_route(table, into, operators);
        const auto same = std::ranges::find(into.routes, one.name, &route_configuration::name);
        if (!one.name.empty() && same != into.routes.end())
            table.wrong(
                "name",
                in_quotes(one.name) + " is the name of the route in line " + std::to_string(same->line) + " too",
                "a name of its own"
            );
        into.routes.push_back(std::move(one));
    }
    warn_of_unheard_stages(root, into);
}

} // namespace rollbook
