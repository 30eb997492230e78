#include "tests/school/http.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace rollbook::school {

namespace {

constexpr std::size_t head_max = 64 * 1024;
constexpr std::size_t body_max = 64 * 1024 * 1024;

std::string lower(std::string_view text)
{
    std::string made(text);
    for (char& c : made)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return made;
}

int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

std::string url_decode(std::string_view text, bool plus_is_space)
{
    std::string made;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
            made += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
            i += 2;
        } else {
            made += text[i] == '+' && plus_is_space ? ' ' : text[i];
        }
    }
    return made;
}

std::string_view trim(std::string_view text)
{
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
        text.remove_suffix(1);
    return text;
}

std::string_view reason(int status)
{
    switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 500: return "Internal Server Error";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    default: return "Status";
    }
}

std::string base64(std::string_view text)
{
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string made;
    for (std::size_t i = 0; i < text.size(); i += 3) {
        unsigned n = 0;
        for (std::size_t k = 0; k < 3; ++k)
            n = n << 8 | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0);
        for (std::size_t k = 0; k < 4; ++k)
            made += i + k <= text.size() ? letters[n >> (18 - 6 * k) & 63] : '=';
    }
    return made;
}

bool parse_head(std::string_view head, http_request& to)
{
    std::size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    const std::size_t a = line.find(' '), b = line.rfind(' ');
    if (a == line.npos || b <= a) return false;
    to.method = line.substr(0, a);
    std::string_view target = line.substr(a + 1, b - a - 1);
    const std::size_t mark = target.find('?');
    to.path = url_decode(target.substr(0, mark), false);
    for (std::string_view rest = mark == target.npos ? "" : target.substr(mark + 1); !rest.empty();) {
        const std::size_t amp = rest.find('&');
        const std::string_view one = rest.substr(0, amp);
        const std::size_t is = one.find('=');
        to.query.emplace_back(
            url_decode(one.substr(0, is), true), is == one.npos ? "" : url_decode(one.substr(is + 1), true)
        );
        rest = amp == rest.npos ? "" : rest.substr(amp + 1);
    }
    while (end != head.npos && end + 2 < head.size()) {
        const std::size_t from = end + 2;
        end = head.find("\r\n", from);
        const std::string_view field = head.substr(from, end == head.npos ? end : end - from);
        const std::size_t colon = field.find(':');
        if (colon == field.npos) return false;
        to.headers.emplace_back(lower(field.substr(0, colon)), trim(field.substr(colon + 1)));
    }
    return true;
}

class http_conversation : public conversation {
public:
    explicit http_conversation(http_handler handler) : handler_(std::move(handler)) {}

    std::vector<output> take(std::string_view bytes) override
    {
        heard_ += bytes;
        std::vector<output> said;
        while (step(said)) {
        }
        return said;
    }

private:
    static output refuse(int status)
    {
        return {
            "HTTP/1.1 " + std::to_string(status) + " " + std::string(reason(status)) +
                "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            {},
            {},
            afterwards::close};
    }

    // Answers one request if it has arrived whole; false when there is nothing more to do yet.
    bool step(std::vector<output>& said)
    {
        if (is_over_) return false;
        const std::size_t end = heard_.find("\r\n\r\n");
        if (end == heard_.npos) {
            if (heard_.size() <= head_max) return false;
            return give_up(said, 400);
        }
        http_request request;
        if (!parse_head(std::string_view(heard_).substr(0, end), request)) return give_up(said, 400);
        if (request.header("transfer-encoding")) return give_up(said, 411);
        std::size_t length = 0;
        if (const std::string* text = request.header("content-length")) {
            const auto [at, ec] = std::from_chars(text->data(), text->data() + text->size(), length);
            if (ec != std::errc() || at != text->data() + text->size()) return give_up(said, 400);
        }
        if (length > body_max) return give_up(said, 413);
        if (heard_.size() < end + 4 + length) {
            const std::string* expect = request.header("expect");
            if (expect && !has_continued_) {
                has_continued_ = true;
                said.push_back({"HTTP/1.1 100 Continue\r\n\r\n", {}});
            }
            return false;
        }
        request.body = heard_.substr(end + 4, length);
        heard_.erase(0, end + 4 + length);
        has_continued_ = false;
        answer(request, said);
        return !heard_.empty();
    }

    bool give_up(std::vector<output>& said, int status)
    {
        is_over_ = true;
        said.push_back(refuse(status));
        return false;
    }

    void answer(const http_request& request, std::vector<output>& said)
    {
        http_response response = handler_(request);
        if (response.reset) {
            is_over_ = true;
            said.push_back({"", "", response.delay, afterwards::reset});
            return;
        }
        const std::string* wish = request.header("connection");
        is_over_ = wish && lower(*wish) == "close";
        std::string bytes;
        bytes.reserve(512);
        bytes += "HTTP/1.1 " + std::to_string(response.status) + " ";
        bytes += reason(response.status);
        bytes += "\r\nServer: simulated-school\r\nContent-Type: " + response.type;
        for (const auto& [name, value] : response.headers)
            bytes += "\r\n" + name + ": " + value;
        bytes += "\r\nContent-Length: " + std::to_string(response.body.size());
        if (is_over_) bytes += "\r\nConnection: close";
        bytes += "\r\n\r\n";
        if (request.method == "HEAD") response.body.clear();
        said.push_back(
            {std::move(bytes),
             std::move(response.body),
             response.delay,
             is_over_ ? afterwards::close : afterwards::keep}
        );
    }

    http_handler handler_;
    std::string heard_;
    bool has_continued_ = false;
    bool is_over_ = false;
};

const std::string* first_of(const named_values& values, std::string_view name)
{
    const auto at = std::find_if(values.begin(), values.end(), [&](const auto& v) { return v.first == name; });
    return at == values.end() ? nullptr : &at->second;
}

} // namespace

const std::string* http_request::header(std::string_view name) const
{
    return first_of(headers, name);
}

const std::string* http_request::parameter(std::string_view name) const
{
    return first_of(query, name);
}

std::unique_ptr<conversation> make_http_conversation(http_handler handler)
{
    return std::make_unique<http_conversation>(std::move(handler));
}

std::string url_encode(std::string_view text)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string made;
    for (const char c : text) {
        const auto u = static_cast<unsigned char>(c);
        if (std::isalnum(u) || std::string_view("-._~,").find(c) != std::string_view::npos) {
            made += c;
        } else {
            made += {'%', digits[u >> 4], digits[u & 15]};
        }
    }
    return made;
}

bool is_bearer(const http_request& request, std::string_view token)
{
    const std::string* sent = request.header("authorization");
    return sent && *sent == "Bearer " + std::string(token);
}

bool is_basic(const http_request& request, std::string_view user, std::string_view password)
{
    const std::string* sent = request.header("authorization");
    return sent && *sent == "Basic " + base64(std::string(user) + ":" + std::string(password));
}

} // namespace rollbook::school
