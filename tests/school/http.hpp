#pragma once

#include "tests/school/conversation.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rollbook::school {

using named_values = std::vector<std::pair<std::string, std::string>>;

struct http_request {
    std::string method;
    std::string path;     // decoded, as sent otherwise
    named_values query;   // decoded, in order
    named_values headers; // names in lower case
    std::string body;

    // The first value, or null.
    const std::string* header(std::string_view name) const;
    const std::string* parameter(std::string_view name) const;
};

struct http_response {
    int status = 200;
    std::string type = "application/json";
    named_values headers;
    std::string body;
    std::chrono::milliseconds delay{0};
    bool reset = false; // drop the connection without an answer
};

using http_handler = std::function<http_response(const http_request&)>;

// HTTP/1.1 with keep-alive, pipelining, Content-Length and Expect: 100-continue; no chunked bodies (411).
std::unique_ptr<conversation> make_http_conversation(http_handler handler);

std::string url_encode(std::string_view text);

// Whether the Authorization header is `Bearer <token>`, or Basic with this user and password.
bool is_bearer(const http_request& request, std::string_view token);
bool is_basic(const http_request& request, std::string_view user, std::string_view password);

} // namespace rollbook::school
