#pragma once

#include "connectors/rest/authenticator.hpp"
#include "connectors/rest/condition.hpp"
#include "connectors/rest/dom_fwd.hpp"
#include "connectors/rest/request_maker.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace rollbook {

// Sees each answer, and the request without its credentials that it is to.
using answer_observer = std::function<void(const http_request&, const http_response&)>;

// A request under way, and what it takes to send it once more with another token.
struct asked {
    http_request request; // without credentials
    std::unique_ptr<http_call> call;

    asked() = default;
    asked(http_request r, std::unique_ptr<http_call> c) : request(std::move(r)), call(std::move(c)) {}
};

// An answer that may be read. `root` is null where the manifest says that this part of the list is not there; the
// headers stay in `answer`.
struct read_answer {
    const dom_value* root = nullptr;
    http_response answer;
};

// The first rule that fits an answer by its status and its words alone; null when none does.
const error_rule* rule_by_words(const std::vector<error_rule>& rules, const http_response& answer);

// Asks one source: credentials, the meaning of its answers, their decoding.
class asker {
public:
    // What is referred to must outlive it.
    asker(
        const manifest& m,
        const resolved_settings& settings,
        const std::string& source,
        secret_reader secrets,
        http_client& client
    );

    void observe(answer_observer observer) { observer_ = std::move(observer); }
    authenticator& credentials() { return credentials_; }
    const request_maker& requests() const { return requests_; }

    // Sends a request with the credentials of now; call authenticator::prepare() before.
    asked start(http_request request);
    // The answer; after a 401 the token is exchanged once, and the request sent again.
    boost::asio::awaitable<result<http_response>> answer(asked of);
    // What the answer says. Its texts stand in `body`, which must outlive what is done with them; its values live until
    // the next one is read. `first` is false for an address that the source itself gave. `missing_is_empty`: 404 is a
    // part that is not there.
    result<read_answer> read(
        result<http_response> answer,
        const std::string& where,
        bool first,
        bool missing_is_empty,
        const decoder_spec& decoder,
        std::string& body
    );
    // Lets go of what only reading needs, the newest answer's values with it.
    void rest() { parser_.rest(); }

private:
    const manifest& manifest_;
    http_client& client_;
    authenticator credentials_;
    request_maker requests_;
    page_parser parser_;
    answer_observer observer_;
    std::vector<std::optional<condition_list>> conditions_; // of the error rules, in their order
};

failure at_place(failure f, std::string_view where);

} // namespace rollbook
