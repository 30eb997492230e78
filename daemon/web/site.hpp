#pragma once

#include "daemon/web/exports.hpp"
#include "daemon/web/identity.hpp"
#include "daemon/web/press.hpp"
#include "daemon/web/sessions.hpp"
#include "daemon/web/surroundings.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace rollbook {

// A request's body, as it arrives.
class web_body {
public:
    virtual ~web_body() = default;
    // The next bytes; none at the end. Fails where they do not come, or are more than may come.
    virtual boost::asio::awaitable<result<std::string>> more() = 0;
};

// Who may see what of the pages: sessions, roles, forms, rates, and the entries that say who saw whom. On the loop's
// thread; pages and passwords are made on one worker, a verification on another, and what takes long on a third.
class site {
public:
    site(boost::asio::any_io_executor executor, web_surroundings surroundings);
    ~site();

    // Stops the workers and waits for what they have under way; nothing is answered after it.
    void close();
    void take(const configuration& settings) { around_.settings = std::make_shared<const configuration>(settings); }
    const configuration& settings() const { return *around_.settings; }
    // Never throws for what a client sent; what the ledger throws becomes a plain 500.
    boost::asio::awaitable<web_answer> answer(web_request request);
    // An answer in plain words, for what never becomes a request.
    web_answer plain_answer(int status, const std::string& title, const std::string& what) const;
    // The header whose values a request's `identities` are; empty: none.
    const std::string& identity_header() const { return around_.settings->web.identity_header; }
    bool believes(std::string_view peer) const { return is_believed(*around_.settings, peer); }

private:
    // Whose request it is, or why it is not answered.
    struct entrance {
        std::optional<account> reader;
        std::optional<web_answer> refused;
        std::string set_cookie; // of a session that the request opened
    };
    struct pending_setup {
        account fresh;
        instant of_account_changed_at{};
        steady_moment until{};
    };
    struct check_state;

    boost::asio::awaitable<web_answer> routed_answer(web_request request);
    boost::asio::awaitable<web_answer> reader_answer(const routed& to, const account& reader, web_request request);
    boost::asio::awaitable<web_answer> open_answer(const routed& to, web_request request);
    boost::asio::awaitable<web_answer> log_in(web_request request);
    // Keeps a new hash of `password` in the stead of `hash`, while the account of that name still has that one.
    boost::asio::awaitable<void> hash_anew(std::string name, std::string hash, std::string password);
    boost::asio::awaitable<web_answer> set_up(web_request request);
    boost::asio::awaitable<web_answer> begin_set_up(web_request request);
    web_answer end_set_up(const web_request& request);
    boost::asio::awaitable<web_answer> page(const routed& to, const account& reader, web_request request);
    boost::asio::awaitable<made_page> make(const routed& to, const account& reader, web_request request);
    boost::asio::awaitable<made_page> make_long(std::shared_ptr<page_order> order);
    boost::asio::awaitable<web_answer> decide(const routed& to, const account& reader, web_request request);
    web_answer log_in_page(const web_request& request, const std::string& wrong, int status = 200);
    web_answer set_up_page(const web_request& request, std::map<std::string, std::string> words, int status = 200);
    web_answer change_scope(const web_request& sent, const std::string& user);
    boost::asio::awaitable<web_answer> bundle(const account& reader, web_request request);
    boost::asio::awaitable<web_answer> look_through_export(const account& reader, web_request request);
    boost::asio::awaitable<result<std::shared_ptr<waiting_export>>>
    receive_export(const std::string& user, web_request request);
    boost::asio::awaitable<web_answer> end_export(const account& reader, web_request request);
    void forget_exports();
    void let_press_rest();
    std::shared_ptr<page_order> order_of(const routed& to, const account& reader, const web_request& request);
    web_answer start_verification();
    web_answer busy_answer() const;
    verify_standing verification() const;
    void record(const account& reader, const made_page& made, const web_request& request);
    civil_day today() const; // at the school
    // By a believed proxy's word or by the session. A session that is opened becomes the request's own.
    entrance enter(const claimed_identity& who, web_request& request);
    web_answer identity_refused(const account* held);
    // The account whose session the request carries.
    std::optional<account> reader_of(const web_request& request);
    page_frame frame_of(const std::string& form_token) const;
    std::string form_token_of(const web_request& request) const;
    bool is_own_form(const web_request& request, std::string_view token) const;
    std::string cookie(std::string_view name, const std::string& value, const web_request& request) const;

    // Runs `work` on a worker and goes on here with what it gave.
    template <class T, class F> boost::asio::awaitable<T> elsewhere(boost::asio::thread_pool& pool, F work);

    boost::asio::any_io_executor executor_;
    web_surroundings around_;
    session_book sessions_;
    lock_out failures_;
    std::uint64_t bundles_made_ = 0;
    waiting_exports exports_;
    boost::asio::steady_timer exports_end_;
    boost::asio::steady_timer pages_end_; // when nobody has asked for one for a while
    bool is_receiving_ = false;
    rate_limit requests_{120, 30};
    rate_limit tries_{20, 0.5};
    hourly_count not_believed_;
    hourly_count not_known_;
    std::map<std::string, pending_setup, std::less<>> pending_;
    // Who saw whom on which day, as the ledger was told.
    std::map<std::pair<std::string, std::string>, civil_day> told_;
    std::shared_ptr<check_state> check_;
    std::shared_ptr<std::atomic<bool>> is_long_made_ = std::make_shared<std::atomic<bool>>(false);
    bool simulated_ = false;
    std::unique_ptr<press> press_; // the pages' worker's
    boost::asio::thread_pool pages_{1};
    boost::asio::thread_pool checks_{1};
    boost::asio::thread_pool trials_{1}; // pages that take long
};

} // namespace rollbook
