#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rollbook {

// The parts of this file mirror schemas/manifest.schema.json, which says what each key means.

// Member names from the outside in: "meta.pagination.next". Empty stands for the value itself.
using json_path = std::vector<std::string>;

// A text with settings and run variables in it: "/schools/{school_id}/marks/{@from}". `{{` and `}}` stand for braces.
using setting_template = std::string;
using query_template = std::vector<std::pair<std::string, setting_template>>; // in the order of the manifest

// Who we are. What a request carries may hold secrets, so that it is filled in last and never kept with an address.
struct authenticator_spec {
    enum class kind { none, bearer, basic, api_key, token } type = kind::none;
    std::string user;       // setting's name; basic only
    std::string secret;     // setting's name; bearer and basic
    query_template headers; // api_key; `{name}` may be a secret. token: `{@token}` is the token
    query_template query;   // api_key
    // token (session_token, oauth2_client_credentials): the call that gives one
    setting_template login_url;
    query_template login_values; // of the form or of the JSON object; `{name}` may be a secret
    bool login_is_json = false;
    json_path token;
    json_path expires_in; // seconds; empty: `lifetime` holds
    std::chrono::seconds lifetime{3'600};
};

// What to ask. The texts hold settings and the run's variables.
struct request_spec {
    std::string method = "GET";
    setting_template path;
    query_template query;
    query_template headers;
    std::string body; // of a POST: JSON as it stands in the manifest, or a template where `content_type` is set
    struct body_value {
        json_path at;
        setting_template text;
        bool is_number = false; // one whole number and nothing else
    };
    std::vector<body_value> body_values;
    std::string content_type; // empty: JSON
};

struct paginator_spec {
    enum class kind { none, next_url, link_header, page, offset, cursor } type = kind::none;
    json_path next;              // next_url: the address; cursor: its value
    std::string next_header;     // cursor: the header that holds it, lower case
    json_path more;              // empty: the source has no such flag
    bool absent_is_last = false; // next_url: a page that says nothing of paging is the last one
    std::string param;           // query parameter of page, offset or cursor; empty: the request names the variable
    std::string size_param;      // query parameter of the page's size; empty: none
    setting_template size;
    std::uint64_t first = 1;    // page: the first one's number
    json_path page;             // page: where the answer repeats the number; empty: it does not
    json_path pages;            // page: where the answer says how many pages there are
    json_path total;            // rows of the whole list
    std::string total_header;   // the same as a header, lower case
    bool check_total = false;   // another number of rows than the total fails the read
    bool short_is_last = false; // fewer rows than `size` end the list
};

// How the bytes of an answer become values.
struct decoder_spec {
    enum class kind { json, json_lines, csv, xml } type = kind::json;
    bool gzip = false; // the body is a gzip file (a content encoding is undone by the client)
    char delimiter = ',';
    std::vector<json_path> lists; // xml: elements that are lists even when there is one or none
};

// A value at a path, as text, is one of these; or, negated, none of them. What is missing or null is the empty text.
struct condition_spec {
    json_path at;
    std::vector<std::string> values;
    bool negated = false;
};

// What an answer of the source means, where it differs from the usual.
struct error_rule {
    enum class action { use, skip, retry, wait, refused, misconfigured, malformed } act = action::malformed;
    std::vector<int> statuses;          // empty: any
    std::string text;                   // somewhere in the body; empty: any
    std::optional<condition_spec> when; // of the parsed answer
    std::string says;                   // what it means
    std::string to_do;
};

} // namespace rollbook
