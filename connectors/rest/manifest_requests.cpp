#include "connectors/rest/manifest_reader.hpp"
#include "daemon/base/ascii.hpp"
#include "daemon/base/canonical_json.hpp"

#include <algorithm>

namespace rollbook {

namespace {

bool stands_alone(std::string_view text)
{
    return text.size() > 2 && text.starts_with('{') && text.find('}') == text.size() - 1;
}

} // namespace

std::string manifest_reader::templated(json_view v, const std::string& at, const names& variables, bool secrets)
{
    const std::string text = text_or(v);
    for (std::size_t open = text.find_first_of("{}"); open != text.npos; open = text.find_first_of("{}", open)) {
        if (open + 1 < text.size() && text[open + 1] == text[open]) {
            open += 2;
            continue;
        }
        const auto close = text.find('}', open);
        if (text[open] == '}' || close == text.npos) {
            wrong(at, "has a { or } without the other", "Write a setting as {name}, and a brace as {{ or }}.");
            return text;
        }
        std::string_view name = std::string_view(text).substr(open + 1, close - open - 1);
        open = close + 1;
        const auto mark = name.find('?');
        const bool is_choice = mark != name.npos;
        name = name.substr(0, mark);
        if (name.starts_with('@')) {
            if (variables.count(name) == 0)
                wrong(at, "names a variable that is not known here", "connectors/README.md says which there are.");
            continue;
        }
        const setting_spec* named = m_.setting(name);
        if (!named)
            wrong(at, "names a setting that \"spec\" does not have", "Declare the setting in \"spec\".");
        else if (is_choice && (named->type != setting_spec::kind::boolean || secrets))
            wrong(at, "asks of a setting that is not true or false", "{name?words} takes a setting of type boolean.");
        else if (named->secret && !secrets)
            wrong(at, "puts a secret into an address", "Secrets are for the authenticator only.");
    }
    return text;
}

query_template manifest_reader::read_query(json_view v, const std::string& at, const names& variables, bool secrets)
{
    query_template out;
    v.for_each([&](std::string_view name, json_view value) {
        out.emplace_back(name, templated(value, at + "/" + std::string(name), variables, secrets));
    });
    return out;
}

void manifest_reader::read_requester(json_view v)
{
    m_.base_url = templated(v["base_url"], "/requester/base_url");
    m_.headers = read_query(v["headers"], "/requester/headers");
    const setting_spec* base = m_.setting(std::string_view(m_.base_url).substr(1, m_.base_url.size() - 2));
    if (!base || base->type != setting_spec::kind::url)
        wrong(
            "/requester/base_url", "is not one setting of type url", "Write \"{base_url}\" and declare it in \"spec\"."
        );
}

void manifest_reader::read_authenticator(json_view v)
{
    using kind = authenticator_spec::kind;
    const std::string type = text_or(v["type"]);
    authenticator_spec& to = m_.authenticator;
    const auto named = [&](const char* key, bool secret) {
        const std::string name = text_or(v[key]);
        const setting_spec* found = m_.setting(name);
        if (!found || found->secret != secret)
            wrong(
                std::string("/authenticator/") + key,
                secret ? "does not name a secret setting" : "does not name a plain setting",
                "Declare it in \"spec\"."
            );
        return name;
    };
    const bool is_login = type == "session_token" || type == "oauth2_client_credentials";
    if (type == "bearer") {
        to.type = kind::bearer;
        to.secret = named("token", true);
    } else if (type == "basic") {
        to.type = kind::basic;
        to.user = named("user", false);
        to.secret = named("password", true);
    } else if (type == "api_key") {
        to.type = kind::api_key;
        if (v["headers"].is_absent() && v["query"].is_absent())
            wrong("/authenticator", "says not where the key goes", "Add \"headers\" or \"query\".");
    } else if (is_login) {
        to.type = kind::token;
        read_login(v, type == "oauth2_client_credentials");
    }
    const names variables = is_login ? names{"@token"} : names{};
    to.headers = read_query(v["headers"], "/authenticator/headers", variables, true);
    to.query = read_query(v["query"], "/authenticator/query", variables, true);
    if (is_login && to.headers.empty() && to.query.empty()) to.headers.emplace_back("Authorization", "Bearer {@token}");
    if (type != "api_key" && !is_login && !(to.headers.empty() && to.query.empty()))
        wrong("/authenticator", "headers and query are for api_key and tokens", "Leave them out.");
    if (!is_login && !v["login"].is_absent())
        wrong("/authenticator/login", "is for session_token and oauth2_client_credentials", "Leave it out.");
}

void manifest_reader::read_login(json_view v, bool is_oauth2)
{
    authenticator_spec& to = m_.authenticator;
    const json_view login = v["login"];
    if (login.is_absent()) return wrong("/authenticator", "\"login\" is missing", "Say which call gives the token.");
    to.login_url = templated(login["url"], "/authenticator/login/url");
    const auto close = to.login_url.find('}');
    const setting_spec* base =
        close == std::string::npos ? nullptr : m_.setting(std::string_view(to.login_url).substr(1, close - 1));
    if (!base || base->type != setting_spec::kind::url)
        wrong("/authenticator/login/url", "does not begin with a setting of type url", "Write \"{base_url}/path\".");
    to.login_values = read_query(login["values"], "/authenticator/login/values", {}, true);
    to.login_is_json = text_or(login["as"]) == "json";
    if (is_oauth2) to.login_values.insert(to.login_values.begin(), {"grant_type", "client_credentials"});
    to.token = parts_of(text_or(v["token"], "access_token"));
    to.expires_in = parts_of(text_or(v["expires_in"], "expires_in"));
    to.lifetime = std::chrono::seconds(v["lifetime_s"].int_if().value_or(3'600));
}

request_spec manifest_reader::read_request(json_view v, const std::string& at, const names& variables)
{
    request_spec r;
    r.method = text_or(v["method"], "GET");
    r.path = templated(v["path"], at + "/path", variables);
    r.query = read_query(v["query"], at + "/query", variables);
    r.headers = read_query(v["headers"], at + "/headers", variables);
    const json_view body = v["body"];
    if (!body.is_absent()) {
        json_writer out(r.body);
        body.write_canonical(out);
    }
    for (const auto& [path, value] : sorted_members(v["body_values"])) {
        request_spec::body_value to;
        to.at = parts_of(path);
        to.text = templated(value, at + "/body_values/" + path, variables);
        if (stands_alone(to.text)) {
            const std::string_view name = std::string_view(to.text).substr(1, to.text.size() - 2);
            const setting_spec* named = m_.setting(name);
            to.is_number =
                name == "@page" || name == "@offset" || (named && named->type == setting_spec::kind::integer);
        }
        r.body_values.push_back(std::move(to));
    }
    const json_view text = v["body_text"];
    if (!text.is_absent()) r.body = templated(text, at + "/body_text", variables);
    r.content_type = text_or(v["content_type"]);
    const bool has_body = !body.is_absent() || !text.is_absent();
    if (has_body && r.method != "POST")
        wrong(
            at + (body.is_absent() ? "/body_text" : "/body"),
            "has a body that a GET does not send",
            "Set \"method\": \"POST\"."
        );
    if (!body.is_absent() && !text.is_absent()) wrong(at, "has two bodies", "Give body or body_text.");
    if (body.is_absent() && !r.body_values.empty())
        wrong(at + "/body_values", "has no body to go into", "Add \"body\".");
    if (text.is_absent() != r.content_type.empty())
        wrong(at, "body_text and content_type go together", "Give both or neither.");
    return r;
}

paginator_spec manifest_reader::read_paginator(json_view v, const std::string& where)
{
    using kind = paginator_spec::kind;
    const std::string at = where + "/paginator";
    paginator_spec p;
    const std::string type = text_or(v["type"]);
    const std::pair<const char*, kind> kinds[] = {
        {"next_url", kind::next_url},
        {"link_header", kind::link_header},
        {"page", kind::page},
        {"offset", kind::offset},
        {"cursor", kind::cursor},
    };
    for (const auto& [name, value] : kinds)
        if (type == name) p.type = value;
    p.next = parts_of(text_or(v["next"]));
    p.next_header = lowered(text_or(v["next_header"]));
    p.more = parts_of(text_or(v["more"]));
    p.absent_is_last = text_or(v["absent"]) == "last";
    p.param = text_or(v["param"]);
    p.size_param = text_or(v["size_param"]);
    p.size = templated(v["size"], at + "/size");
    p.first = static_cast<std::uint64_t>(v["first"].int_if().value_or(1));
    p.page = parts_of(text_or(v["page"]));
    p.pages = parts_of(text_or(v["pages"]));
    p.total = parts_of(text_or(v["total"]));
    p.total_header = lowered(text_or(v["total_header"]));
    p.check_total = v["check_total"].bool_if().value_or(false);
    p.short_is_last = v["short_is_last"].bool_if().value_or(false);

    const auto only_for = [&](const char* key, std::initializer_list<kind> types) {
        if (!v[key].is_absent() && std::find(types.begin(), types.end(), p.type) == types.end())
            wrong(at, std::string("\"") + key + "\" is not for this type", "Leave it out, or name the right type.");
    };
    only_for("next", {kind::next_url, kind::cursor});
    only_for("next_header", {kind::cursor});
    only_for("more", {kind::next_url, kind::cursor, kind::page, kind::offset});
    only_for("absent", {kind::next_url});
    only_for("param", {kind::page, kind::offset, kind::cursor});
    for (const char* key : {"first", "page", "pages"})
        only_for(key, {kind::page});
    for (const char* key : {"total", "total_header", "check_total", "short_is_last"})
        only_for(key, {kind::page, kind::offset});
    if (p.type == kind::next_url && p.next.empty())
        wrong(at, "\"next\" is missing", "Say where the next page's address stands.");
    if (p.type == kind::cursor && p.next.empty() == p.next_header.empty())
        wrong(at, "\"next\" or \"next_header\" is missing", "Say where the text for the next page stands, once.");
    const bool has_total = !p.total.empty() || !p.total_header.empty();
    const bool has_end = !p.pages.empty() || has_total || !p.more.empty() || p.short_is_last;
    if ((p.type == kind::page || p.type == kind::offset) && !has_end)
        wrong(at, "says not where the list ends", "Give pages, total, total_header, more or short_is_last.");
    if (p.check_total && !has_total) wrong(at, "check_total needs a total", "Give total or total_header.");
    if (p.short_is_last && p.size.empty()) wrong(at, "short_is_last needs a size", "Give \"size\".");
    // The size may stand in the request itself.
    if (p.size.empty() && !p.size_param.empty()) wrong(at, "size_param and size go together", "Give both or neither.");
    if (!p.size.empty() && p.size_param.empty() && !p.short_is_last)
        wrong(at, "size_param and size go together", "Give both or neither.");
    return p;
}

void manifest_reader::check_paging(const paginator_spec& p, const request_spec& r, const std::string& at)
{
    using kind = paginator_spec::kind;
    if (p.type != kind::page && p.type != kind::offset && p.type != kind::cursor) return;
    const std::string variable = p.type == kind::page ? "{@page}" : p.type == kind::offset ? "{@offset}" : "{@cursor}";
    const auto has = [&](const std::string& text) { return text.find(variable) != text.npos; };
    bool named = has(r.path) || (!r.content_type.empty() && has(r.body));
    for (const auto& [name, value] : r.query)
        named = named || has(value);
    for (const auto& value : r.body_values)
        named = named || has(value.text);
    if (named == !p.param.empty())
        wrong(
            at + "/paginator",
            named ? "\"param\" is there and the request names " + variable + " as well"
                  : "\"param\" is missing, and the request does not name " + variable,
            "Say once where it goes."
        );
}

decoder_spec manifest_reader::read_decoder(json_view v)
{
    decoder_spec d;
    const std::string type = text_or(v["type"]);
    d.type = type == "json_lines" ? decoder_spec::kind::json_lines
             : type == "csv"      ? decoder_spec::kind::csv
             : type == "xml"      ? decoder_spec::kind::xml
                                  : decoder_spec::kind::json;
    d.gzip = v["gzip"].bool_if().value_or(false);
    d.delimiter = text_or(v["delimiter"], ",")[0];
    v["lists"].for_each_element([&](json_view path) { d.lists.push_back(parts_of(text_or(path))); });
    return d;
}

condition_spec manifest_reader::read_condition(json_view v, const std::string& at)
{
    condition_spec c;
    c.at = parts_of(text_or(v["at"]));
    c.negated = !v["not_in"].is_absent();
    if (c.negated == !v["in"].is_absent()) wrong(at, "needs one of in and not_in", "Say which texts count.");
    v[c.negated ? "not_in" : "in"].for_each_element([&](json_view text) { c.values.push_back(text_or(text)); });
    return c;
}

std::vector<condition_spec> manifest_reader::read_conditions(json_view v, const std::string& at)
{
    std::vector<condition_spec> out;
    v.for_each_element([&](json_view c) { out.push_back(read_condition(c, at + "/" + std::to_string(out.size()))); });
    return out;
}

selector_spec manifest_reader::read_selector(json_view v, const std::string& at)
{
    selector_spec s;
    s.records = parts_of(text_or(v["records"]));
    s.only = read_conditions(v["only"], at + "/only");
    s.items = parts_of(text_or(v["items"]));
    return s;
}

void manifest_reader::read_errors(json_view v)
{
    using action = error_rule::action;
    const std::pair<const char*, action> actions[] = {
        {"use", action::use},
        {"skip", action::skip},
        {"retry", action::retry},
        {"wait", action::wait},
        {"refused", action::refused},
        {"misconfigured", action::misconfigured},
        {"malformed", action::malformed},
    };
    v.for_each_element([&](json_view e) {
        const std::string at = "/errors/" + std::to_string(m_.errors.size());
        error_rule r;
        e["status"].for_each_element([&](json_view s) {
            r.statuses.push_back(static_cast<int>(s.int_if().value_or(0)));
        });
        r.text = text_or(e["text"]);
        if (!e["when"].is_absent()) r.when = read_condition(e["when"], at + "/when");
        for (const auto& [name, value] : actions)
            if (text_or(e["action"]) == name) r.act = value;
        r.says = text_or(e["says"]);
        r.to_do = text_or(e["to_do"]);
        if (r.statuses.empty() && r.text.empty() && !r.when)
            wrong(at, "fits every answer", "Give status, text or when.");
        m_.errors.push_back(std::move(r));
    });
}

} // namespace rollbook
