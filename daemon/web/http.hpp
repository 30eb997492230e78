#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What the pages know of HTTP: requests taken apart and answers not yet put together. No library's types.
namespace rollbook {

// Pairs of a query or a form; of a name that is there twice the first counts.
using web_fields = std::map<std::string, std::string, std::less<>>;

enum class page_form { html, json, csv, xlsx };

// The path and query of a request, taken apart.
struct web_target {
    std::string path;                 // decoded, without the ending; "/" or "/a/b", never "//", "." or ".."
    page_form form = page_form::html; // by the ending .json, .csv or .xlsx
    web_fields query;
};

// Empty for anything but an absolute path with sound escapes and UTF-8, or one that steps out of its folder.
std::optional<web_target> parse_target(std::string_view text);

// UTF-8 without the control characters that no text of a form has; line ends and tabs are such a text's own.
bool is_form_text(std::string_view text);

// application/x-www-form-urlencoded. Empty when an escape is broken, a text is no UTF-8, or there are too many fields.
std::optional<web_fields> parse_form(std::string_view body);

// The cookies of a Cookie header.
web_fields parse_cookies(std::string_view header);

class web_body;

struct web_request {
    std::string method; // GET, HEAD or POST
    web_target target;
    web_fields form; // of a POST
    web_fields cookies;
    std::string peer;                    // the address that asks, without its port
    std::string host;                    // as the Host header says
    std::string origin;                  // Origin header; empty: none
    std::string fetch_site;              // Sec-Fetch-Site header; empty: none
    std::vector<std::string> identities; // each value of [web] identity_header, whoever sent it
    bool forwarded = false;              // a proxy stands between
    std::string client;                  // who asks, by the proxy's word where one stands between; empty: not known
    bool over_tls = false;

    std::string content_type;
    web_body* body = nullptr; // of a form with a file: it is yet to be read; outlives the answering

    bool is_post() const { return method == "POST"; }
    std::string_view query(std::string_view name) const;
    std::string_view field(std::string_view name) const;
    std::string_view cookie(std::string_view name) const;
};

// A body that is too large to be held at once.
class web_stream {
public:
    virtual ~web_stream() = default;
    virtual std::uint64_t size() const = 0;
    // The next bytes, some 64 KiB; none at the end. Read within a moment. Throws when they cannot be had.
    virtual std::string next() = 0;
};

struct web_answer {
    int status = 200;
    std::string type = "text/html; charset=utf-8";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers; // beside those that every answer has
    std::shared_ptr<web_stream> stream;                       // where it is there, the body
    bool may_be_kept = false;                                 // by the browser's cache: style sheet and icon only

    web_answer() = default;
    web_answer(int code, std::string kind, std::string text)
        : status(code), type(std::move(kind)), body(std::move(text))
    {
    }
};

// 303 to another page of ours.
web_answer see_other(std::string path);

// The headers that every answer has, beside type and length. `keep`: it may be kept by a browser.
std::vector<std::pair<std::string, std::string>> security_headers(bool over_tls, bool keep);

} // namespace rollbook
