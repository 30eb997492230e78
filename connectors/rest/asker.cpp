#include "connectors/rest/asker.hpp"

#include "connectors/rest/decode.hpp"
#include "connectors/rest/response.hpp"

#include <algorithm>

namespace rollbook {

namespace asio = boost::asio;

failure at_place(failure f, std::string_view where)
{
    f.what = std::string(where) + ": " + f.what;
    return f;
}

asker::asker(
    const manifest& m,
    const resolved_settings& settings,
    const std::string& source,
    secret_reader secrets,
    http_client& client
)
    : manifest_(m), client_(client), credentials_(m, settings, source, std::move(secrets), client),
      requests_(m, settings)
{
    for (const error_rule& rule : m.errors) {
        conditions_.emplace_back();
        if (rule.when) conditions_.back().emplace(*rule.when);
    }
}

asked asker::start(http_request request)
{
    http_request sent = request;
    credentials_.sign(sent);
    std::unique_ptr<http_call> call = client_.start(std::move(sent));
    return asked(std::move(request), std::move(call));
}

asio::awaitable<result<http_response>> asker::answer(asked of)
{
    result<http_response> first = co_await of.call->answer();
    if (!first) co_return first;
    if (first->status != 401) {
        if (first->status < 400) credentials_.accepted();
        if (observer_) observer_(of.request, *first);
        co_return first;
    }
    if (!credentials_.renew()) co_return first;
    const result<void> ready = co_await credentials_.prepare();
    if (!ready) co_return ready.error();
    asked again = start(std::move(of.request));
    result<http_response> second = co_await again.call->answer();
    co_return second;
}

const error_rule* rule_by_words(const std::vector<error_rule>& rules, const http_response& answer)
{
    constexpr std::size_t looked_at = 64u << 10;
    for (const error_rule& rule : rules) {
        if (rule.when) continue;
        const bool status_fits =
            rule.statuses.empty() ||
            std::find(rule.statuses.begin(), rule.statuses.end(), answer.status) != rule.statuses.end();
        const bool text_fits = rule.text.empty() ||
                               std::string_view(answer.body).substr(0, looked_at).find(rule.text) != std::string::npos;
        if (status_fits && text_fits) return &rule;
    }
    return nullptr;
}

result<read_answer> asker::read(
    result<http_response> answer,
    const std::string& where,
    bool first,
    bool missing_is_empty,
    const decoder_spec& decoder,
    std::string& body
)
{
    using action = error_rule::action;
    if (!answer) return at_place(answer.error(), where);
    read_answer out;
    const error_rule* rule = rule_by_words(manifest_.errors, *answer);
    if (rule && rule->act == action::skip) return out;
    if (!rule && missing_is_empty && answer->status == 404) return out;
    if (rule && rule->act != action::use) return ruled_failure(*rule, *answer, where);
    const result<void> good =
        rule ? check_body(*answer, where, decoder) : check_response(*answer, where, first, decoder);
    if (!good) return good.error();
    body = std::move(answer->body);
    out.answer = std::move(*answer);
    if (body.size() > manifest_.body_bytes_max)
        return failure(
            errc::page_malformed,
            where + ": the answer is longer than this source may send",
            "Ask for fewer rows a page (per_page)."
        );
    if (auto decoded = decode(body, decoder, manifest_.body_bytes_max, manifest_.depth_max); !decoded)
        return at_place(decoded.error(), where);
    const auto root = parser_.parse(body, manifest_.depth_max);
    if (!root) return at_place(root.error(), where);
    for (std::size_t i = 0; i < manifest_.errors.size(); ++i) {
        const error_rule& fits = manifest_.errors[i];
        if (!conditions_[i] || !conditions_[i]->hold(**root)) continue;
        if (!fits.statuses.empty() &&
            std::find(fits.statuses.begin(), fits.statuses.end(), out.answer.status) == fits.statuses.end())
            continue;
        if (fits.act == action::skip) return read_answer();
        if (fits.act != action::use) return ruled_failure(fits, out.answer, where);
        break;
    }
    out.root = *root;
    return out;
}

} // namespace rollbook
