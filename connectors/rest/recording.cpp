#include "connectors/rest/recording.hpp"

#include "connectors/rest/json_check.hpp"
#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/base/random.hpp"
#include "daemon/base/utf8.hpp"

#include <algorithm>
#include <fstream>
#include <map>

namespace rollbook {

namespace {

namespace fs = std::filesystem;
namespace asio = boost::asio;

constexpr const char* head_name = "recording.json";
constexpr const char* answers_name = "answers.ndjson";

// The headers that say how a list goes on or what a body is.
bool is_kept_header(std::string_view name)
{
    return name == "link" || name == "date" || name == "retry-after" || name.find("count") != name.npos ||
           name.find("token") != name.npos || name.find("page") != name.npos;
}

bool is_of_the_network(std::string_view setting)
{
    return setting == "ca_file" || setting.starts_with("proxy");
}

failure not_usable(const fs::path& where, const std::string& what, const std::string& to_do)
{
    return failure(errc::usage, where.string() + " " + what, to_do);
}

// An address as its path and its query, the parameters in order.
struct asked_for {
    std::string path;
    std::vector<std::string> parameters;

    explicit asked_for(std::string_view url)
    {
        url.remove_prefix(std::min(url.size(), url.find('/', url.find("://") + 3)));
        const auto question = url.find('?');
        path = url.substr(0, question);
        if (question == url.npos) return;
        url.remove_prefix(question + 1);
        while (!url.empty()) {
            const auto end = url.find('&');
            parameters.emplace_back(url.substr(0, end));
            url.remove_prefix(end == url.npos ? url.size() : end + 1);
        }
        std::sort(parameters.begin(), parameters.end());
    }
};

struct recorded_answer {
    std::string method;
    asked_for of;
    std::string body;
    http_response response;
};

// Answers each request as it was answered, and one that is asked again with the last answer it had. A request may carry
// more parameters than were recorded: its credentials.
class replay_client final : public http_client {
public:
    explicit replay_client(std::vector<recorded_answer> answers) : answers_(std::move(answers)) {}

    std::unique_ptr<http_call> start(http_request request) override
    {
        return std::make_unique<replayed>(find(request));
    }

private:
    class replayed final : public http_call {
    public:
        explicit replayed(http_response r) : response_(std::move(r)) {}
        asio::awaitable<result<http_response>> answer() override { co_return std::move(response_); }

    private:
        http_response response_;
    };

    http_response find(const http_request& request)
    {
        const asked_for of(request.url);
        const recorded_answer* best = nullptr;
        for (const recorded_answer& each : answers_) {
            const bool fits =
                each.method == request.method && each.of.path == of.path && each.body == request.body &&
                std::includes(
                    of.parameters.begin(), of.parameters.end(), each.of.parameters.begin(), each.of.parameters.end()
                );
            if (fits && (!best || best->of.parameters.size() <= each.of.parameters.size())) best = &each;
        }
        if (best) return best->response;
        http_response other;
        other.content_type = "application/json";
        // A log-in is not recorded: any token will do.
        other.status = request.method == "POST" ? 200 : 404;
        other.body = R"({"access_token":"replayed","token":"replayed","expires_in":3600})";
        return other;
    }

    std::vector<recorded_answer> answers_;
};

} // namespace

recording::recording(fs::path folder, manifest m, masker mask)
    : folder_(std::move(folder)), manifest_(std::move(m)), mask_(std::move(mask))
{
}

result<std::shared_ptr<recording>>
recording::begin(const fs::path& folder, const manifest& m, const source_configuration& source, instant now)
{
    std::error_code wrong;
    fs::create_directories(folder, wrong);
    if (!fs::is_directory(folder, wrong) || !fs::is_empty(folder, wrong))
        return not_usable(folder, "is not an empty folder", "Name a folder that is not there yet.");
    const auto settings = resolve_settings(m, source);
    if (!settings) return settings.error();
    const auto text = read_text_file(m.file);
    if (!text) return text.error();
    const auto home = origin_of(settings->expand(m.base_url, false));
    ROLLBOOK_ENSURE(home.has_value());
    digest_key key{};
    random_bytes(key);
    masker mask(m, *text, *home, key, day_of(time_zone::utc().to_local(now)));

    std::string head;
    json_writer out(head);
    out.begin_object().member("manifest", m.name).member("now", format_instant(now)).key("secrets").begin_array();
    for (const auto& [name, reference] : settings->secrets)
        out.value(name);
    out.end_array().key("settings").begin_object();
    for (const auto& [name, value] : settings->values) {
        if (value.empty() || is_of_the_network(name)) continue;
        const setting_spec& spec = *m.setting(name);
        // What stands in a path names the school.
        const bool names_school = text->find("/{" + name + "}") != text->npos;
        const std::string shown = spec.type == setting_spec::kind::url ? mask.address(value)
                                  : names_school                       ? mask.value(value)
                                                                       : value;
        const auto number = spec.type == setting_spec::kind::integer ? parse_decimal(shown) : std::nullopt;
        if (spec.type == setting_spec::kind::boolean)
            out.member(name, shown == "true");
        else if (number)
            out.member(name, static_cast<std::int64_t>(*number));
        else
            out.member(name, shown);
    }
    out.end_object().member("sha256", m.sha256).end_object();
    std::ofstream(folder / head_name, std::ios::binary) << head << '\n';
    if (!fs::exists(folder / head_name, wrong))
        return not_usable(folder, "cannot be written", "Name a folder that you may write to.");
    return std::shared_ptr<recording>(new recording(folder, m, std::move(mask)));
}

// JSON where the answer says so; otherwise whatever else the streams are read as.
decoder_spec recording::decoder_of(const http_response& response) const
{
    const auto is_other = [](const stream_spec& s) {
        return s.decoder.type != decoder_spec::kind::json || s.decoder.gzip;
    };
    const auto other = std::find_if(manifest_.streams.begin(), manifest_.streams.end(), is_other);
    const bool says_json = response.content_type.ends_with("/json");
    return other == manifest_.streams.end() || says_json ? decoder_spec() : other->decoder;
}

// Every address between angle brackets (RFC 8288).
std::string recording::masked_links(std::string_view text)
{
    std::string out;
    for (;;) {
        const auto begin = text.find('<');
        const auto end = begin == text.npos ? begin : text.find('>', begin);
        out += text.substr(0, begin);
        if (end == text.npos) return out;
        out += "<" + mask_.value(text.substr(begin + 1, end - begin - 1)) + ">";
        text.remove_prefix(end + 1);
    }
}

// Of an answer that the manifest knows by its words, those words: they tell what it means, and nothing of a person.
std::optional<std::string> recording::refusal_of(const http_response& response) const
{
    const error_rule* rule = rule_by_words(manifest_.errors, response);
    if (!rule || rule->text.empty() || rule->act == error_rule::action::use) return std::nullopt;
    std::string words;
    json_writer(words).begin_array().value(rule->text).end_array();
    return words;
}

void recording::add(const http_request& request, const http_response& response)
{
    const auto refusal = refusal_of(response);
    const auto body = refusal ? result<std::string>(*refusal) : mask_.body(response.body, decoder_of(response));
    if (!body || !is_valid_utf8(*body) || !is_valid_utf8(request.body)) {
        ++left_out_;
        return;
    }
    std::string line;
    json_writer out(line);
    out.begin_object()
        .member("asked", mask_.request_body(request.body))
        .member("body", *body)
        .key("headers")
        .begin_object();
    std::map<std::string, std::string> headers;
    for (const auto& [name, value] : response.headers) {
        if (!is_kept_header(name) || !is_valid_utf8(value)) continue;
        headers[name] = name == "link"                    ? masked_links(value)
                        : name.find("token") == name.npos ? value
                                                          : mask_.value(value);
    }
    for (const auto& [name, value] : headers)
        out.member(name, value);
    out.end_object()
        .member("method", request.method)
        .member("status", response.status)
        .member("type", response.content_type)
        .member("url", mask_.address(request.url))
        .end_object();
    std::ofstream(folder_ / answers_name, std::ios::binary | std::ios::app) << line << '\n';
    ++answers_;
}

result<replayed_source> replay(const fs::path& folder)
{
    const auto no = [&] {
        return not_usable(folder, "is no recording", "Make one with `rollbook connectors probe NAME --record DIR`.");
    };
    const auto head_text = read_text_file(folder / head_name);
    const auto lines = read_text_file(folder / answers_name);
    if (!head_text || !lines) return no();
    const auto head = json_document::parse(*head_text);
    if (!head) return no();
    replayed_source out;
    out.manifest_name = head->root()["manifest"].string_if().value_or("");
    out.now = parse_instant(head->root()["now"].string_if().value_or("")).value_or(instant());
    out.source.name = "recorded";
    head->root()["settings"].for_each([&](std::string_view name, json_view value) {
        setting& to = out.source.settings[std::string(name)];
        if (const auto number = value.int_if())
            to.value = *number;
        else if (const auto truth = value.bool_if())
            to.value = *truth;
        else
            to.value = std::string(value.string_if().value_or(""));
    });
    head->root()["secrets"].for_each_element([&](json_view name) {
        out.source.settings[std::string(name.string_if().value_or(""))].value = secret_reference();
    });
    out.secrets = [](const secret_reference&) -> result<std::string> { return std::string("replayed"); };

    std::vector<recorded_answer> answers;
    std::string_view left = *lines;
    while (!left.empty()) {
        const std::string line(left.substr(0, left.find('\n')));
        left.remove_prefix(std::min(left.size(), line.size() + 1));
        const auto read = json_document::parse(line);
        if (!read) return no();
        const json_view v = read->root();
        const auto text = [&](const char* name) { return std::string(v[name].string_if().value_or("")); };
        recorded_answer answer{text("method"), asked_for(text("url")), text("asked"), {}};
        answer.response.status = static_cast<int>(v["status"].int_if().value_or(0));
        answer.response.content_type = text("type");
        answer.response.body = text("body");
        v["headers"].for_each([&](std::string_view name, json_view value) {
            answer.response.headers.emplace_back(name, value.string_if().value_or(""));
        });
        answers.push_back(std::move(answer));
    }
    out.client = std::make_unique<replay_client>(std::move(answers));
    return out;
}

} // namespace rollbook
