#include "connectors/rest/manifest_reader.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/time.hpp"

#include <algorithm>

namespace rollbook {

json_path parts_of(std::string_view dotted)
{
    json_path out;
    while (!dotted.empty()) {
        const auto dot = dotted.find('.');
        out.emplace_back(dotted.substr(0, dot));
        dotted.remove_prefix(dot == dotted.npos ? dotted.size() : dot + 1);
    }
    return out;
}

std::string text_or(json_view v, std::string_view otherwise)
{
    return std::string(v.string_if().value_or(otherwise));
}

std::vector<std::pair<std::string, json_view>> sorted_members(json_view object)
{
    std::vector<std::pair<std::string, json_view>> out;
    object.for_each([&](std::string_view name, json_view value) { out.emplace_back(name, value); });
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return json_key_less(a.first, b.first); });
    return out;
}

manifest_reader::manifest_reader(
    const std::filesystem::path& file, const std::filesystem::path& schemas, const json_lines& lines
)
    : schemas_(schemas), lines_(lines)
{
    m_.file = file;
}

result<manifest> manifest_reader::read(json_view root)
{
    m_.name = text_or(root["name"]);
    m_.version = text_or(root["version"]);
    m_.title = text_or(root["title"]);
    m_.role = text_or(root["role"]);
    m_.basis = text_or(root["basis"]);
    if (const auto minutes = root["freshness_min"].int_if()) m_.freshness = std::chrono::minutes(*minutes);
    root["spec"].for_each([&](std::string_view name, json_view v) {
        if (name != "$comment") read_setting(name, v);
    });
    add_network_settings();
    read_requester(root["requester"]);
    read_authenticator(root["authenticator"]);
    read_limits(root["limits"]);
    read_errors(root["errors"]);
    read_dates(root["dates"]);
    const auto each = [&](const char* list, auto read_one) {
        std::size_t i = 0;
        root[list].for_each_element([&](json_view v) {
            (this->*read_one)(v, std::string("/") + list + "/" + std::to_string(i++));
        });
    };
    each("lookups", &manifest_reader::read_lookup);
    each("totals", &manifest_reader::read_total);
    each("streams", &manifest_reader::read_stream);
    root["not_read"].for_each_element([&](json_view v) {
        m_.not_read.push_back({text_or(v["list"]), text_or(v["why"])});
    });
    each("write", &manifest_reader::read_write);
    if (m_.name != m_.file.stem().string()) wrong("/name", "is not the file's name", "Name the file NAME.json.");
    if (first_) return *first_;
    return std::move(m_);
}

void manifest_reader::wrong(const std::string& pointer, std::string_view what, std::string_view to_do)
{
    if (!first_) first_ = wrong_key(m_.file, lines_, pointer, what, to_do);
}

void manifest_reader::read_setting(std::string_view name, json_view v)
{
    const std::string at = "/spec/" + std::string(name);
    setting_spec s;
    s.name = name;
    if (name.empty() || name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != name.npos)
        wrong(at, "is no name for a setting", "Use small letters, digits and _.");
    const std::string type = text_or(v["type"]);
    s.type = type == "integer"   ? setting_spec::kind::integer
             : type == "boolean" ? setting_spec::kind::boolean
             : type == "url"     ? setting_spec::kind::url
                                 : setting_spec::kind::text;
    s.title = text_or(v["title"]);
    s.description = text_or(v["description"]);
    s.secret = v["secret"].bool_if().value_or(false);
    s.required = v["required"].bool_if().value_or(false);
    s.asked = v["asked"].bool_if().value_or(false);
    s.minimum = v["minimum"].int_if();
    s.maximum = v["maximum"].int_if();
    const json_view otherwise = v["default"];
    if (const auto number = otherwise.int_if()) s.otherwise = *number;
    if (const auto truth = otherwise.bool_if()) s.otherwise = *truth;
    if (const auto text = otherwise.string_if()) s.otherwise = std::string(*text);
    if (s.otherwise && s.required) wrong(at + "/default", "is never used", "A required setting has no default.");
    if (s.otherwise && s.secret) wrong(at + "/default", "is a secret in a file", "A secret has no default.");
    const bool fits = !s.otherwise || (s.type == setting_spec::kind::integer   ? otherwise.is_int()
                                       : s.type == setting_spec::kind::boolean ? otherwise.is_bool()
                                                                               : otherwise.is_string());
    if (!fits) wrong(at + "/default", "is of another type than the setting", "Give a default of that type.");
    if (s.secret && s.type != setting_spec::kind::text) wrong(at + "/type", "a secret is a text", "Use \"string\".");
    m_.spec.push_back(std::move(s));
}

// How a source is reached is the school's affair and the same for all: no manifest need say it.
void manifest_reader::add_network_settings()
{
    using kind = setting_spec::kind;
    const auto add = [&](const char* name, kind type, const char* title, const char* description) {
        if (m_.setting(name)) return wrong(std::string("/spec/") + name, "is there for every source", "Leave it out.");
        setting_spec s;
        s.name = name;
        s.type = type;
        s.title = title;
        s.description = description;
        s.secret = std::string_view(name) == "proxy_password";
        m_.spec.push_back(std::move(s));
    };
    add("ca_file",
        kind::text,
        "Further trust anchors",
        "Absolute path of a PEM file, for a school whose web filter opens TLS. Left out: the system's anchors only.");
    add("proxy", kind::text, "HTTP proxy", "Address of the school's proxy, such as http://proxy:3128. Left out: none.");
    add("proxy_user", kind::text, "User at the proxy", "Left out: the proxy is told nothing.");
    add("proxy_password", kind::text, "Password at the proxy", "That user's, by reference.");
    add("proxy_negotiate",
        kind::boolean,
        "Sign in to the proxy with a ticket",
        "true: by Negotiate, with the Kerberos ticket of the account that Rollbook runs as.");
}

// Names a setting that is true or false.
std::string manifest_reader::read_switch(json_view v, const std::string& at)
{
    const std::string name = text_or(v);
    const setting_spec* known = name.empty() ? nullptr : m_.setting(name);
    if (!name.empty() && (!known || known->type != setting_spec::kind::boolean))
        wrong(at, "does not name a setting that is true or false", "Declare it in \"spec\" with type boolean.");
    return name;
}

void manifest_reader::read_limits(json_view v)
{
    const auto number = [&](const char* key, std::int64_t usual) { return v[key].int_if().value_or(usual); };
    m_.timeout = std::chrono::seconds(number("timeout_s", 30));
    m_.pages_max = static_cast<std::size_t>(number("pages_max", 20'000));
    m_.body_bytes_max = static_cast<std::size_t>(number("body_bytes_max", 32 << 20));
    m_.depth_max = static_cast<unsigned>(number("depth_max", 64));
    m_.rate.requests = static_cast<std::size_t>(number("requests", 0));
    m_.rate.per = std::chrono::seconds(number("per_s", 60));
    m_.rate.concurrency = static_cast<std::size_t>(number("concurrency", 2));
    const auto header = [&](const char* key) {
        std::string name = text_or(v[key]);
        std::transform(name.begin(), name.end(), name.begin(), [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        });
        return name;
    };
    m_.rate.remaining_header = header("remaining_header");
    m_.rate.reset_header = header("reset_header");
}

void manifest_reader::read_dates(json_view v)
{
    m_.dates.text_member = text_or(v["text_member"]);
    m_.dates.zone_member = text_or(v["zone_member"]);
    m_.dates.zone = text_or(v["zone"]);
    v["formats"].for_each_element([&](json_view f) { m_.dates.formats.push_back(text_or(f)); });
    if (!m_.dates.zone.empty() && !time_zone::named(m_.dates.zone))
        wrong("/dates/zone", "is no time zone", "Use a name of the tz database, such as Europe/London.");
}

void manifest_reader::read_lookup(json_view v, const std::string& at)
{
    lookup_spec l;
    l.name = text_or(v["name"]);
    l.fact = text_or(v["fact"]);
    l.when = read_switch(v["when"], at + "/when");
    l.is_total = text_or(v["total"]) == "possible-sessions";
    l.request = read_request(v, at, {"@page", "@offset", "@cursor", "@today"});
    l.paginator = read_paginator(v["paginator"], at);
    check_paging(l.paginator, l.request, at);
    l.decoder = read_decoder(v["decoder"]);
    l.select = read_selector(v, at);
    l.key = read_field("key", v["key"], at + "/key");
    l.key.required = true;
    l.columns = read_fields(v["columns"], at + "/columns");
    needs_no_switch(l.key, at + "/key");
    for (const field_spec& column : l.columns)
        needs_no_switch(column, at + "/columns/" + column.name);
    if (l.is_total && (l.columns.size() != 1 || l.columns[0].name != "possible"))
        wrong(at + "/columns", "has not the one column that a total needs", "Give it the column \"possible\" alone.");
    m_.lookups.push_back(std::move(l));
}

void manifest_reader::read_total(json_view v, const std::string& at)
{
    total_spec t;
    t.request = read_request(v, at, {"@today"});
    v["counts"].for_each([&](std::string_view name, json_view path) {
        const auto kind = parse_what(name);
        if (kind)
            t.counts.emplace_back(*kind, parts_of(text_or(path)));
        else
            wrong(at + "/counts/" + std::string(name), "is no kind of record", "Name a kind, such as pupil.");
    });
    t.optional = v["optional"].bool_if().value_or(false);
    m_.totals.push_back(std::move(t));
}

void manifest_reader::read_write(json_view v, const std::string& at)
{
    write_spec w;
    w.name = text_or(v["name"]);
    for (const write_spec& other : m_.writes)
        if (other.name == w.name) wrong(at + "/name", "is there twice", "Give each operation its own name.");
    const names said{"@reference", "@pupil", "@text", "@at"};
    w.request = read_request(v["request"], at + "/request", said);
    if (w.request.method != "POST") wrong(at + "/request", "does not write", "Set \"method\": \"POST\".");
    const auto names_reference = [](const request_spec& r) {
        bool found = r.body.find("{@reference}") != r.body.npos;
        for (const auto& value : r.body_values)
            found = found || value.text.find("{@reference}") != value.text.npos;
        for (const auto& [name, value] : r.headers)
            found = found || value.find("{@reference}") != value.npos;
        return found;
    };
    if (!names_reference(w.request))
        wrong(
            at + "/request",
            "does not send {@reference}, so that a repeat could not be recognised",
            "Put it into a field of the body, or a header that the source keeps."
        );
    w.success = read_conditions(v["success"], at + "/success");
    w.id = parts_of(text_or(v["id"]));
    if (!v["read_back"].is_absent()) {
        names known = said;
        known.insert("@id");
        w.read_back = read_request(v["read_back"], at + "/read_back", known);
    }
    w.found = read_conditions(v["found"], at + "/found");
    if (w.found.empty() == w.read_back.has_value())
        wrong(at, "read_back and found go together", "Give both or neither.");
    m_.writes.push_back(std::move(w));
}

} // namespace rollbook
