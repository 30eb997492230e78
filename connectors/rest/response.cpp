#include "connectors/rest/response.hpp"

#include "connectors/mapping/values.hpp"
#include "daemon/base/bytes.hpp"
#include "daemon/base/time.hpp"

#include <algorithm>

namespace rollbook {

namespace {

using std::chrono::seconds;

// RFC 9110 section 5.6.7, the one form that may be sent: "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<instant> http_date(std::string_view text)
{
    constexpr std::string_view months[] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") return std::nullopt;
    const auto month = std::find(std::begin(months), std::end(months), text.substr(8, 3));
    if (month == std::end(months)) return std::nullopt;
    const auto number = month - std::begin(months) + 1;
    std::string plain(text.substr(12, 4));
    plain += number < 10 ? "-0" : "-";
    plain +=
        std::to_string(number) + "-" + std::string(text.substr(5, 2)) + "T" + std::string(text.substr(17, 8)) + "Z";
    return parse_instant(plain);
}

failure fail(errc code, std::string_view where, std::string_view what, std::string to_do)
{
    return failure(code, std::string(where) + ": " + std::string(what), std::move(to_do));
}

bool looks_like_web_page(const http_response& response)
{
    const std::string_view body = trimmed(std::string_view(response.body).substr(0, 512));
    return response.content_type == "text/html" || response.content_type == "application/xhtml+xml" ||
           body.starts_with('<');
}

// An answer that should be XML begins like a web page, too.
bool is_html(const http_response& response)
{
    std::string begin(trimmed(std::string_view(response.body).substr(0, 512)).substr(0, 14));
    std::transform(begin.begin(), begin.end(), begin.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return response.content_type == "text/html" || response.content_type == "application/xhtml+xml" ||
           begin.starts_with("<!doctype html") || begin.starts_with("<html");
}

bool is_json(std::string_view type)
{
    return type.empty() || type == "application/json" || type == "text/json" || type.ends_with("+json");
}

result<void> check_status(const http_response& response, std::string_view where, bool first)
{
    const int status = response.status;
    const std::string said = "the source answered with status " + std::to_string(status);
    if (status == 200) return {};
    if (status == 401)
        return fail(
            errc::source_refused,
            where,
            said + ": it does not accept our credentials",
            "Check the token or password of this source; it may have been changed or withdrawn."
        );
    if (status == 403)
        return fail(
            errc::source_refused,
            where,
            said + ": it does not let us read this list",
            "Ask the school or the source to approve the permission for this list; the manifest's page names it."
        );
    if (status == 429) {
        failure f = fail(
            errc::source_throttled,
            where,
            said + ": too many requests",
            "Nothing to do: the read goes on later. If it stays so, poll less often."
        );
        f.retry_after = retry_after(response);
        return f;
    }
    if (status == 408 || status >= 500) {
        failure f = fail(
            errc::source_unreachable,
            where,
            said + (looks_like_web_page(response) ? " and a web page" : ""),
            "Nothing to do: it is tried again. If it stays so, ask the source's support."
        );
        f.retry_after = retry_after(response);
        return f;
    }
    if (status >= 200 && status < 300)
        return fail(
            errc::page_malformed,
            where,
            said + " instead of a page",
            "Report this with the source's name and this line."
        );
    if (status >= 300 && status < 400)
        return fail(
            errc::source_misconfigured,
            where,
            said + ": it sends us to another address, and we do not follow",
            "Put the right address in base_url. A web filter that asks for a log-in answers so, too."
        );
    if (!first)
        return fail(
            errc::page_malformed,
            where,
            said + " to an address it gave itself",
            "Report this to the source's support: its paging is broken."
        );
    if (status == 404)
        return fail(
            errc::source_misconfigured,
            where,
            said + ": there is nothing at this address",
            "Check base_url and the other settings that make the address, such as the school's id."
        );
    return fail(
        errc::source_misconfigured,
        where,
        said + ": it does not understand the request",
        "Check base_url and the settings that go into the request, such as per_page and the date parameter."
    );
}

} // namespace

std::optional<seconds> retry_after(const http_response& response)
{
    const std::string_view text = trimmed(response.header("retry-after"));
    if (text.empty()) return std::nullopt;
    constexpr seconds longest = std::chrono::hours(24);
    // A number too long for parse_decimal is more than a day in any case.
    if (text.find_first_not_of("0123456789") == text.npos) {
        const auto first = std::min(text.find_first_not_of('0'), text.size() - 1);
        const auto number = parse_decimal(text.substr(first));
        if (!number || *number > static_cast<std::uint64_t>(longest.count())) return longest;
        return seconds(static_cast<std::int64_t>(*number));
    }
    const auto until = http_date(text);
    const auto now = http_date(trimmed(response.header("date")));
    if (!until || !now) return std::nullopt;
    return std::clamp(std::chrono::ceil<seconds>(*until - *now), seconds(0), longest);
}

result<void>
check_response(const http_response& response, std::string_view where, bool first, const decoder_spec& decoder)
{
    if (auto good = check_status(response, where, first); !good) return good;
    return check_body(response, where, decoder);
}

failure ruled_failure(const error_rule& rule, const http_response& response, std::string_view where)
{
    using action = error_rule::action;
    const errc code = rule.act == action::retry           ? errc::source_unreachable
                      : rule.act == action::wait          ? errc::source_throttled
                      : rule.act == action::refused       ? errc::source_refused
                      : rule.act == action::misconfigured ? errc::source_misconfigured
                                                          : errc::page_malformed;
    failure f = fail(
        code,
        where,
        "the source answered with status " + std::to_string(response.status) + ": " +
            (rule.says.empty() ? "its manifest takes this for a failure" : rule.says),
        rule.to_do.empty() ? "See the page of this source in connectors/manifests." : rule.to_do
    );
    if (code == errc::source_throttled || code == errc::source_unreachable) f.retry_after = retry_after(response);
    return f;
}

result<void> check_body(const http_response& response, std::string_view where, const decoder_spec& decoder)
{
    const bool is_json_wanted = decoder.type == decoder_spec::kind::json && !decoder.gzip;
    if (is_json_wanted ? looks_like_web_page(response) : is_html(response))
        return fail(
            errc::page_malformed,
            where,
            "the answer is a web page, not data: it looks like a filter or a log-in page",
            "Let the school's web filter pass this address, and check base_url."
        );
    if (is_json_wanted && !is_json(response.content_type))
        return fail(
            errc::page_malformed,
            where,
            "the answer's content type is not JSON",
            "Check base_url; if it is right, report this to the source's support."
        );
    return {};
}

} // namespace rollbook
