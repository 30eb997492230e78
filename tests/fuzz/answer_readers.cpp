#include "connectors/rest/asker.hpp"
#include "connectors/rest/authenticator.hpp"
#include "connectors/rest/dom.hpp"
#include "connectors/rest/field_reader.hpp"
#include "connectors/rest/paced_client.hpp"
#include "connectors/rest/page_walk.hpp"
#include "connectors/rest/response.hpp"
#include "daemon/base/ascii.hpp"
#include "daemon/base/bytes.hpp"
#include "daemon/base/error.hpp"
#include "daemon/base/utf8.hpp"
#include "daemon/delivery/channels.hpp"
#include "daemon/delivery/http_outcome.hpp"
#include "daemon/net/address.hpp"
#include "tests/fuzz/readers.hpp"
#include "tests/unit/net/run.hpp"

#include <algorithm>
#include <filesystem>
#include <initializer_list>

namespace rollbook::fuzz {
namespace {

namespace asio = boost::asio;

constexpr std::string_view our_secret = "s3cret-of-ours";
const std::string asked_of = "mis";

// An answer as it came: the lines of its head, an empty one, the body; as our client takes it apart.
http_response answer_of(std::string_view bytes)
{
    http_response out;
    out.status = 200;
    while (!bytes.empty()) {
        std::string_view line = bytes.substr(0, bytes.find('\n'));
        bytes.remove_prefix(std::min(bytes.size(), line.size() + 1));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty()) break;
        if (line.starts_with("HTTP/")) {
            const std::size_t at = std::min(line.find(' '), line.size() - 1);
            if (const auto status = parse_decimal(line.substr(at + 1, 3))) out.status = static_cast<int>(*status);
        }
        out.take_head_line(line);
    }
    out.end_head();
    out.body = bytes;
    return out;
}

// Says the same to every request.
class one_answer final : public http_client {
public:
    explicit one_answer(http_response answer) : answer_(std::move(answer)) {}
    std::unique_ptr<http_call> start(http_request) override
    {
        ++asked;
        return std::make_unique<call>(answer_);
    }
    int asked = 0;

private:
    class call final : public http_call {
    public:
        explicit call(const http_response& answer) : answer_(answer) {}
        asio::awaitable<result<http_response>> answer() override { co_return answer_; }

    private:
        const http_response& answer_;
    };
    http_response answer_;
};

class no_mail final : public mail_client {
public:
    asio::awaitable<result<std::vector<std::string>>> delivery_reports(mailbox_query) override
    {
        co_return std::vector<std::string>();
    }
    asio::awaitable<result<void>> submit(mail_submission) override { co_return result<void>(); }
};

template <class T> T run_once(asio::awaitable<T> work)
{
    asio::io_context loop(1);
    return test::run(loop, std::move(work));
}

bool is_line(std::string_view text)
{
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
    return is_valid_utf8(text) && std::ranges::none_of(text, is_control);
}

// A failure of one of these kinds, in words that a log can hold: nothing of what the answer said, no secret.
void check_answered_failure(const failure& why, std::initializer_list<errc> kinds)
{
    ROLLBOOK_ENSURE(std::ranges::find(kinds, why.code) != kinds.end());
    ROLLBOOK_ENSURE(!why.what.empty() && !why.to_do.empty() && is_line(why.what) && is_line(why.to_do));
    ROLLBOOK_ENSURE(why.what.find(our_secret) == std::string::npos);
    const bool may_wait = why.code == errc::source_throttled || why.code == errc::source_unreachable ||
                          why.code == errc::delivery_unreachable;
    if (!why.retry_after) return;
    ROLLBOOK_ENSURE(may_wait && why.retry_after->count() >= 0 && *why.retry_after <= std::chrono::hours(24));
}

constexpr std::initializer_list<errc> source_failures = {
    errc::source_refused,
    errc::source_throttled,
    errc::source_unreachable,
    errc::source_misconfigured,
    errc::page_malformed};

// For how long an answer says that its token is good, as the manifests' default has it.
std::optional<std::int64_t> life_in(std::string body)
{
    page_parser parser;
    const auto root = parser.parse(body, 16);
    path_finder path({"expires_in"});
    return root ? find_count(**root, path) : std::nullopt;
}

// A source that gives a token for our credentials.
struct log_in {
    manifest of;
    resolved_settings settings;

    explicit log_in(const std::string& name, std::initializer_list<std::pair<const char*, const char*>> texts)
        : of(load_manifest(
                 std::filesystem::path(ROLLBOOK_SOURCE_DIR) / "connectors/manifests" / (name + ".json"),
                 std::filesystem::path(ROLLBOOK_SOURCE_DIR) / "schemas"
          )
                 .value())
    {
        source_configuration source;
        source.name = asked_of;
        for (const setting_spec& each : of.spec) {
            if (!each.secret) continue;
            secret_reference by;
            by.name = each.name;
            source.settings[each.name].value = by;
        }
        for (const auto& [key, text] : texts)
            source.settings[key].value = std::string(text);
        settings = resolve_settings(of, source).value();
    }
};

result<std::string> the_secret(const secret_reference&)
{
    return std::string(our_secret);
}

void check_log_in(const log_in& at, const http_response& answer)
{
    one_answer client(answer);
    authenticator who(at.of, at.settings, asked_of, the_secret, client);
    who.read_secrets().value();
    const result<void> ready = run_once(who.prepare());
    if (!ready) return check_answered_failure(ready.error(), source_failures);
    http_request request("https://api.example.net/v1/pupils");
    who.sign(request);
    for (const std::string& header : request.headers)
        ROLLBOOK_ENSURE(header.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    // However long it is said to be good: it is not asked for with every page.
    const auto life = life_in(answer.body);
    const result<void> again = run_once(who.prepare());
    ROLLBOOK_ENSURE(again.has_value());
    if (!life || *life >= 60) ROLLBOOK_ENSURE(client.asked == 1);
}

void check_mail_token(const http_response& answer)
{
    one_answer client(answer);
    no_mail mail;
    channel_surroundings around(client, mail);
    around.read_secret = the_secret;
    around.now = [] { return instant(std::chrono::hours(500'000)); };
    delivery::oauth_settings settings;
    settings.token_url = "https://login.example.net/token";
    settings.client_id = "id";
    const auto source = delivery::make_token_source(settings, around);
    const result<std::string> token = run_once(source->token());
    if (!token) return check_answered_failure(token.error(), {errc::delivery_refused, errc::delivery_unreachable});
    // It becomes part of a line that we say to a mail server.
    ROLLBOOK_ENSURE(!token->empty() && is_line(*token));
    const auto life = life_in(answer.body);
    const result<std::string> again = run_once(source->token());
    ROLLBOOK_ENSURE(again && *again == *token);
    if (!life || *life >= 180) ROLLBOOK_ENSURE(client.asked == 1);
}

const url_origin& home()
{
    static const url_origin at = origin_of("https://api.example.net/v1").value();
    return at;
}

// Whatever a source says, our credentials go to it and to nobody else, as the client that sends them reads an address.
void check_is_home(const std::string& url)
{
    ROLLBOOK_ENSURE(origin_of(url) == home());
    const auto read = net::read_address(url);
    ROLLBOOK_ENSURE(read && lowered(read->origin) == "https://api.example.net:443");
}

paginator_spec paging_of(unsigned choice)
{
    paginator_spec spec;
    spec.type = static_cast<paginator_spec::kind>(choice % 6);
    choice /= 6;
    const bool by_header = (choice & 1) != 0;
    spec.next = {"meta", "next"};
    spec.absent_is_last = (choice & 2) != 0;
    spec.param = "place";
    spec.size_param = "size";
    spec.size = "2";
    if (by_header) {
        spec.next_header = "x-next";
        spec.total_header = "x-total";
    } else if ((choice & 4) != 0) {
        spec.total = {"meta", "total"};
    }
    if ((choice & 8) != 0) spec.more = {"meta", "more"};
    if ((choice & 16) != 0) spec.pages = {"meta", "pages"};
    spec.check_total = (choice & 4) != 0;
    return spec;
}

// A list whose every page is this answer.
void check_walk(const paginator_spec& spec, const http_response& answer, std::size_t rows)
{
    constexpr std::size_t pages_max = 20;
    const std::string first = "https://api.example.net/v1/pupils?a=1";
    std::string body = answer.body;
    page_parser parser;
    const auto root = parser.parse(body, 64);
    page_walk walk(spec, resolved_settings(), home(), pages_max);
    // A place that a ledger kept.
    if (const auto kept = walk.url_of(answer.body, first)) check_is_home(*kept);
    if (!root) return check_answered_failure(root.error(), {errc::page_malformed});
    std::optional<std::string> place;
    for (std::size_t pages = 1;; ++pages) {
        ROLLBOOK_ENSURE(pages <= pages_max);
        const auto url = walk.url_of(place, first);
        ROLLBOOK_ENSURE(url.has_value()); // what was taken for a place can be asked
        check_is_home(*url);
        walk.enter("", place);
        auto next = walk.next(**root, answer, rows);
        if (!next) return check_answered_failure(next.error(), {errc::page_malformed});
        if (!*next) return;
        place = std::move(**next);
    }
}

void check_pace(const http_response& answer)
{
    rate_spec spec;
    spec.requests = 3;
    spec.remaining_header = "x-left";
    spec.reset_header = "x-reset";
    rate_budget budget(spec);
    const rate_budget::clock::time_point now{};
    budget.note(answer, now);
    const auto at = budget.take(now);
    ROLLBOOK_ENSURE(at >= now && at <= now + std::chrono::minutes(15));
}

void check_asked(const http_response& answer, unsigned choice)
{
    static const log_in at("ed-fi", {{"base_url", "https://api.example.net"}, {"client_id", "id"}});
    const std::string where = "GET /pupils, page 1";
    const bool first = (choice & 1) != 0;
    decoder_spec decoder;
    decoder.type = static_cast<decoder_spec::kind>((choice >> 1) & 3);
    const auto may_be_read = check_response(answer, where, first, decoder);
    if (!may_be_read) check_answered_failure(may_be_read.error(), source_failures);
    if (const auto wait = retry_after(answer)) ROLLBOOK_ENSURE(wait->count() >= 0 && *wait <= std::chrono::hours(24));

    one_answer client(answer);
    asker ask(at.of, at.settings, asked_of, the_secret, client);
    std::string body;
    const auto read = ask.read(answer, where, first, (choice & 8) != 0, decoder, body);
    if (!read) check_answered_failure(read.error(), source_failures);
    // Only what may be read is read, but for what the manifest says of itself.
    if (read && read->root && !rule_by_words(at.of.errors, answer)) ROLLBOOK_ENSURE(may_be_read.has_value());

    const auto posted = delivery::judged_answer(answer, "the receiver", "Look at the receiver.");
    if (!posted) check_answered_failure(posted.error(), {errc::delivery_refused, errc::delivery_unreachable});
}

} // namespace

void read_token(std::string_view bytes)
{
    static const log_in isams("isams", {{"base_url", "https://school.example.net"}, {"client_id", "id"}});
    static const log_in xporter("xporter", {{"estab", "9001234"}, {"relying_party", "rollbook"}});
    const http_response answer = answer_of(bytes);
    check_log_in(isams, answer);
    check_log_in(xporter, answer);
    check_mail_token(answer);
}

void read_answer(std::string_view bytes)
{
    if (bytes.size() < 2) return;
    const auto paging = static_cast<unsigned char>(bytes[0]);
    const auto choice = static_cast<unsigned char>(bytes[1]);
    const http_response answer = answer_of(bytes.substr(2));
    check_walk(paging_of(paging), answer, choice % 4);
    check_pace(answer);
    check_asked(answer, choice / 4u);
}

std::vector<std::string> token_seeds()
{
    const std::string good = "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n\r\n";
    return {
        good + R"({"access_token":"eyJh.eyJz.c2ln","token":"eyJh","token_type":"Bearer","expires_in":3599})",
        good + R"({"access_token":"a","token":"a\u000Ab","expires_in":9007199254740991})",
        good + R"({"access_token":"a b","token":"a","expires_in":0})",
        good + R"({"access_token":"a\u0001\u0001b"})",
        // Of as many nanoseconds a clock says that they are over.
        good + R"({"access_token":"a","token":"a","expires_in":18446744073})",
        "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n\r\n{\"error\":\"invalid_client\"}",
        "HTTP/1.1 429 Too Many Requests\nRetry-After: 120\n\n",
        "HTTP/1.1 200 OK\nContent-Type: text/html\n\n<html>A filter</html>"};
}

std::vector<std::string> answer_seeds()
{
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    const std::string at_home = "https://api.example.net/v1/pupils?page=2";
    const std::string limited = "HTTP/1.1 429 Too Many Requests\r\nDate: Fri, 20 Nov 2026 08:49:37 GMT\r\n";
    return {
        std::string("\1\2") + head + "\r\n{\"meta\":{\"next\":\"" + at_home + "\",\"more\":true}}",
        std::string("\2\2") + head + "Link: <" + at_home + ">; rel=\"prev\", <" + at_home +
            ">; title=\"a, b\"; rel=\"next\"\r\n\r\n{}",
        std::string("\3\2") + head + "\r\n{\"meta\":{\"pages\":3,\"total\":9,\"more\":false}}",
        std::string("\11\2") + head + "X-Total: 9\r\n\r\n[1,2]",
        std::string("\64\2") + head + "\r\n{\"meta\":{\"more\":true,\"total\":60}}",
        std::string("\13\2") + head + "X-Next: abc/+=&\r\nX-Left: 0\r\nX-Reset: 60\r\n\r\n{}",
        std::string("\5\2") + head + "\r\n{\"meta\":{\"next\":18446744073709551615}}",
        std::string("\0\4", 2) + limited + "Retry-After: Fri, 20 Nov 2026 08:51:37 GMT\r\n\r\n{\"token\":1}",
        std::string("\0\4", 2) + limited + "Retry-After: 18446744073709551616\r\n\r\n",
        std::string("\0\14", 2) + "HTTP/1.1 503 Busy\r\nContent-Type: text/html\r\nRetry-After: 7\r\n\r\n<html>"};
}

} // namespace rollbook::fuzz
