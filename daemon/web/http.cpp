#include "daemon/web/http.hpp"

#include "daemon/base/ascii.hpp"
#include "daemon/base/utf8.hpp"

#include <algorithm>

namespace rollbook {
namespace {

// A list of a whole school's baseline alerts can be ticked.
constexpr std::size_t fields_max = 512;

int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// With escapes undone; empty when one is broken, or what comes out is no UTF-8 or holds a control character that no
// text of a form has.
std::optional<std::string> unescaped(std::string_view text, bool is_form)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) return std::nullopt;
            out += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            out += is_form && text[i] == '+' ? ' ' : text[i];
        }
    }
    if (!is_form_text(out) || (!is_form && out.find_first_of("\n\r\t") != out.npos)) return std::nullopt;
    return out;
}

bool is_sound_path(std::string_view path)
{
    if (path.empty() || path.front() != '/' || path.find('\\') != std::string_view::npos) return false;
    if (path == "/") return true;
    for (std::size_t at = 1; at <= path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string_view part = path.substr(at, end - at);
        if (part.empty() || part == "." || part == "..") return false;
        at = end + 1;
    }
    return true;
}

std::string_view value_of(const web_fields& fields, std::string_view name)
{
    const auto found = fields.find(name);
    return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

} // namespace

bool is_form_text(std::string_view text)
{
    return is_valid_utf8(text) &&
           std::ranges::none_of(text, [](char c) { return is_control(c) && c != '\n' && c != '\r' && c != '\t'; });
}

std::optional<web_fields> parse_form(std::string_view body)
{
    web_fields fields;
    while (!body.empty()) {
        const std::string_view pair = body.substr(0, body.find('&'));
        body.remove_prefix(std::min(pair.size() + 1, body.size()));
        if (pair.empty()) continue;
        const std::size_t equals = std::min(pair.find('='), pair.size());
        auto name = unescaped(pair.substr(0, equals), true);
        auto value = unescaped(pair.substr(std::min(equals + 1, pair.size())), true);
        if (!name || !value || fields.size() == fields_max) return std::nullopt;
        fields.emplace(std::move(*name), std::move(*value));
    }
    return fields;
}

std::optional<web_target> parse_target(std::string_view text)
{
    text = text.substr(0, text.find('#'));
    const std::size_t mark = std::min(text.find('?'), text.size());
    auto path = unescaped(text.substr(0, mark), false);
    auto query = parse_form(text.substr(std::min(mark + 1, text.size())));
    if (!path || !query || !is_sound_path(*path)) return std::nullopt;
    web_target target;
    target.query = std::move(*query);
    for (const auto& [ending, form] :
         {std::pair<std::string_view, page_form>(".json", page_form::json),
          {".csv", page_form::csv},
          {".xlsx", page_form::xlsx}}) {
        if (!path->ends_with(ending)) continue;
        target.form = form;
        path->resize(path->size() - ending.size());
        break;
    }
    // "/...json" is a step out of the folder only once its ending is off.
    if (!is_sound_path(*path)) return std::nullopt;
    target.path = std::move(*path);
    return target;
}

web_fields parse_cookies(std::string_view header)
{
    web_fields cookies;
    while (!header.empty() && cookies.size() < fields_max) {
        std::string_view pair = header.substr(0, header.find(';'));
        header.remove_prefix(std::min(pair.size() + 1, header.size()));
        while (pair.starts_with(' '))
            pair.remove_prefix(1);
        const std::size_t equals = pair.find('=');
        if (equals == std::string_view::npos) continue;
        cookies.emplace(pair.substr(0, equals), pair.substr(equals + 1));
    }
    return cookies;
}

std::string_view web_request::query(std::string_view name) const
{
    return value_of(target.query, name);
}

std::string_view web_request::field(std::string_view name) const
{
    return value_of(form, name);
}

std::string_view web_request::cookie(std::string_view name) const
{
    return value_of(cookies, name);
}

web_answer see_other(std::string path)
{
    web_answer answer(303, "text/plain; charset=utf-8", "");
    answer.headers.emplace_back("Location", std::move(path));
    return answer;
}

std::vector<std::pair<std::string, std::string>> security_headers(bool over_tls, bool keep)
{
    std::vector<std::pair<std::string, std::string>> headers = {
        {"Content-Security-Policy",
         "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
         "frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
        {"Cache-Control", keep ? "private, max-age=3600" : "no-store"},
    };
    if (over_tls) headers.emplace_back("Strict-Transport-Security", "max-age=31536000");
    return headers;
}

} // namespace rollbook
