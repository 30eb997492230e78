#include "connectors/rest/authenticator.hpp"

#include "connectors/rest/dom.hpp"
#include "connectors/rest/field_reader.hpp"
#include "connectors/rest/response.hpp"
#include "connectors/rest/url.hpp"
#include "daemon/base/canonical_json.hpp"
#include "daemon/base/url_encoding.hpp"

#include <algorithm>

namespace rollbook {

namespace asio = boost::asio;
using scheme_kind = authenticator_spec::kind;

authenticator::authenticator(
    const manifest& m,
    const resolved_settings& settings,
    const std::string& source,
    secret_reader secrets,
    http_client& client
)
    : manifest_(m), spec_(m.authenticator), settings_(settings), source_(source), read_(std::move(secrets)),
      client_(client)
{
}

result<void> authenticator::read_secrets()
{
    has_secrets_ = false;
    for (const auto& [name, reference] : settings_.secrets) {
        auto text = read_(reference);
        if (!text) return text.error();
        // A line end inside would add a header of its own to every request.
        if (text->empty() || text->find_first_of("\r\n") != text->npos || text->find('\0') != text->npos)
            return failure(
                errc::configuration_invalid,
                "source \"" + source_ + "\": the secret " + name + " is empty or longer than one line",
                "Write the " + name + " alone on one line."
            );
        std::string& known = secrets_[name];
        if (known != *text) token_.clear(); // it was for the old one
        known = std::move(*text);
    }
    has_secrets_ = true;
    return {};
}

// A template of the manifest with settings, secrets and the token in it.
std::string authenticator::secret(std::string_view template_text) const
{
    return filled_in(template_text, [&](std::string_view name) -> std::string {
        if (name == "@token") return token_;
        const auto known = secrets_.find(name);
        if (known != secrets_.end()) return known->second;
        const auto plain = settings_.values.find(name);
        return plain == settings_.values.end() ? std::string() : plain->second;
    });
}

std::string authenticator::known(std::string_view secret) const
{
    const auto at = secrets_.find(secret);
    return at == secrets_.end() ? std::string() : at->second;
}

void authenticator::reach(http_request& request) const
{
    request.ca_file = settings_.expand("{ca_file}", false);
    request.proxy = settings_.expand("{proxy}", false);
    request.proxy_user = settings_.expand("{proxy_user}", false);
    request.proxy_password = known("proxy_password");
    if (settings_.is_on("proxy_negotiate")) request.proxy_sign_in = http_request::sign_in::negotiate;
}

void authenticator::sign(http_request& request) const
{
    reach(request);
    if (spec_.type == scheme_kind::bearer) request.headers.push_back("Authorization: Bearer " + known(spec_.secret));
    if (spec_.type == scheme_kind::basic) {
        request.user = settings_.values.find(spec_.user)->second;
        request.password = known(spec_.secret);
    }
    for (const auto& [name, value] : spec_.headers)
        request.headers.push_back(name + ": " + secret(value));
    for (const auto& [name, value] : spec_.query)
        add_query(request.url, name, secret(value));
}

http_request authenticator::login_request() const
{
    http_request request(settings_.expand(spec_.login_url, false));
    request.method = "POST";
    request.headers.emplace_back("Accept: application/json");
    if (spec_.login_is_json) {
        request.headers.emplace_back("Content-Type: application/json");
        auto values = spec_.login_values;
        std::sort(values.begin(), values.end(), [](const auto& a, const auto& b) {
            return json_key_less(a.first, b.first);
        });
        json_writer out(request.body);
        out.begin_object();
        for (const auto& [name, value] : values)
            out.member(name, secret(value));
        out.end_object();
    } else {
        request.headers.emplace_back("Content-Type: application/x-www-form-urlencoded");
        for (const auto& [name, value] : spec_.login_values)
            request.body.append(request.body.empty() ? "" : "&")
                .append(url_encoded(name))
                .append("=")
                .append(url_encoded(secret(value)));
    }
    reach(request);
    request.timeout = manifest_.timeout;
    request.body_bytes_max = 64u << 10;
    return request;
}

asio::awaitable<result<void>> authenticator::prepare()
{
    if (spec_.type != scheme_kind::token) co_return result<void>();
    if (!token_.empty() && clock::now() < token_ends_) co_return result<void>();
    const std::string where = "POST " + spec_.login_url.substr(spec_.login_url.find('}') + 1) + " (log-in)";
    const std::unique_ptr<http_call> call = client_.start(login_request());
    result<http_response> answer = co_await call->answer();
    if (!answer) {
        failure why = answer.error();
        why.what = where + ": " + why.what;
        co_return why;
    }
    co_return take_token(std::move(*answer), where);
}

result<void> authenticator::take_token(http_response answer, const std::string& where)
{
    if (answer.status == 400 || answer.status == 401 || answer.status == 403)
        return failure(
            errc::source_refused,
            where + ": the source answered with status " + std::to_string(answer.status) +
                ": it does not accept our credentials",
            "Check the id and the secret of this source; they may have been changed or withdrawn."
        );
    if (auto good = check_response(answer, where, true, decoder_spec{}); !good) return good;
    page_parser parser;
    const auto root = parser.parse(answer.body, 16);
    const auto no = [&](std::string_view what) {
        return failure(
            errc::page_malformed,
            where + ": " + std::string(what),
            "Check the address of the log-in; if it is right, the source changed its answers."
        );
    };
    if (!root) return no("the answer is not JSON");
    path_finder token(spec_.token);
    const dom_value* found = token.find(**root);
    if (!found || !found->IsString() || found->GetStringLength() == 0 ||
        text_of(*found).find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
        return no("there is no token at \"" + token.name() + "\"");
    path_finder expires(spec_.expires_in);
    const auto said = find_count(**root, expires);
    // A token is changed a little early, so that it does not run out in the middle of a list; and once a day, however
    // long it is said to be good: no clock reaches as far as a source may say.
    constexpr std::int64_t longest = 24 * 60 * 60;
    const std::chrono::seconds life = said ? std::chrono::seconds(std::min(*said, longest)) : spec_.lifetime;
    token_ = text_of(*found);
    token_ends_ = clock::now() + life - std::min(std::chrono::seconds(60), life / 5);
    token_worked_ = false;
    return {};
}

bool authenticator::renew()
{
    const bool may_help = spec_.type == scheme_kind::token && !token_.empty() && token_worked_;
    token_.clear();
    token_worked_ = false;
    return may_help;
}

} // namespace rollbook
