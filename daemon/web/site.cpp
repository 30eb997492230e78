#include "daemon/web/site.hpp"

#include "daemon/base/events.hpp"
#include "daemon/base/sha256.hpp"
#include "daemon/base/spare_memory.hpp"
#include "daemon/base/url_encoding.hpp"
#include "daemon/ports/record_mapping.hpp"
#include "daemon/reports/report.hpp"
#include "daemon/views/reads.hpp"
#include "daemon/views/text.hpp"
#include "daemon/views/verification.hpp"
#include "daemon/web/decision_form.hpp"
#include "daemon/web/multipart.hpp"
#include "daemon/web/passwords.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <fstream>

namespace rollbook {
namespace {

namespace asio = boost::asio;
using steady = std::chrono::steady_clock;

constexpr std::string_view session_cookie = "rollbook_session";
constexpr std::string_view form_cookie = "rollbook_form";
constexpr std::chrono::minutes setup_wait_max{15};
constexpr std::size_t pending_max = 100;
constexpr std::chrono::minutes press_kept{15}; // after the last page
constexpr const char* html = "text/html; charset=utf-8";

// Of a cookie over TLS: it is this host's, and came by TLS.
std::string cookie_name(std::string_view name, const web_request& request)
{
    return (request.over_tls ? "__Host-" : "") + std::string(name);
}

// One-time codes are by the clock of the world, whatever time a simulation has.
instant world_time()
{
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

// A page of ours to go on to; never another site's.
std::string next_page(std::string_view text)
{
    const auto target = parse_target(text);
    const bool is_plain = std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
    if (!target || !is_plain || find_route(target->path).to == nullptr) return "/";
    return std::string(text);
}

std::string sentence(std::string what)
{
    if (!what.empty() && what[0] >= 'a' && what[0] <= 'z') what[0] = static_cast<char>(what[0] - 'a' + 'A');
    return what + ". Go back to change it.";
}

bool is_loopback(std::string_view peer)
{
    return peer.starts_with("127.") || peer == "::1" || peer.starts_with("::ffff:127.");
}

std::string days_of(const account& of)
{
    return "This account is good from " + (of.first_day ? format_day(*of.first_day) : "any day") + " to " +
           (of.last_day ? format_day(*of.last_day) : "any day") + ". Ask the school to change that.";
}

std::string setup_code_in(std::string_view text)
{
    std::string code;
    for (const char c : text) {
        if (c == ' ' || c == '-') continue;
        if (!code.empty() && code.size() % 5 == 4) code += '-';
        code += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    return code;
}

} // namespace

// What the worker that verifies and the loop's thread both know.
struct site::check_state {
    mutable std::mutex guard;
    verify_standing now;
    std::atomic<bool> stop = false;
};

site::site(asio::any_io_executor executor, web_surroundings surroundings)
    : executor_(std::move(executor)), around_(std::move(surroundings)), exports_(around_.uploads),
      exports_end_(executor_), pages_end_(executor_), check_(std::make_shared<check_state>()),
      press_(std::make_unique<press>(around_.open_reader))
{
    std::error_code ignored;
    if (!around_.bundles.empty()) std::filesystem::remove_all(around_.bundles, ignored);
    if (const auto reader = around_.open_reader()) simulated_ = (*reader)->is_simulated();
}

site::~site()
{
    close();
}

void site::close()
{
    check_->stop = true;
    pages_.stop();
    checks_.stop();
    trials_.stop();
    pages_.join();
    checks_.join();
    trials_.join();
}

template <class T, class F> asio::awaitable<T> site::elsewhere(asio::thread_pool& pool, F work)
{
    struct exchange {
        std::optional<T> value;
        std::exception_ptr broken;
        asio::steady_timer done;
        exchange(asio::any_io_executor e) : done(e) { done.expires_at(steady::time_point::max()); }
    };
    auto shared = std::make_shared<exchange>(executor_);
    asio::post(pool, [shared, work = std::move(work), back = executor_]() mutable {
        try {
            shared->value.emplace(work());
        } catch (...) {
            shared->broken = std::current_exception();
        }
        // On the loop's thread, which is waiting by then.
        asio::post(back, [shared = std::move(shared)] { shared->done.cancel(); });
    });
    co_await shared->done.async_wait(asio::as_tuple(asio::use_awaitable));
    if (shared->broken) std::rethrow_exception(shared->broken);
    ROLLBOOK_ENSURE(shared->value.has_value());
    co_return std::move(*shared->value);
}

page_frame site::frame_of(const std::string& form_token) const
{
    page_frame frame;
    frame.school = around_.settings->school.name;
    frame.simulated = simulated_;
    frame.form_token = form_token;
    return frame;
}

web_answer site::plain_answer(int status, const std::string& title, const std::string& what) const
{
    return {status, html, render_words("problem", title, {{"what", what}}, frame_of(""))};
}

std::string site::cookie(std::string_view name, const std::string& value, const web_request& request) const
{
    std::string text = cookie_name(name, request) + "=" + value + "; Path=/; HttpOnly; SameSite=Strict";
    if (request.over_tls) text += "; Secure";
    if (value.empty()) text += "; Max-Age=0";
    return text;
}

std::string site::form_token_of(const web_request& request) const
{
    const std::string_view held = request.cookie(cookie_name(form_cookie, request));
    return held.size() == 64 && from_hex(held) ? std::string(held) : random_token();
}

bool site::is_own_form(const web_request& request, std::string_view token) const
{
    // A browser says where a form stood; a form of another site is refused by that alone.
    if (!request.fetch_site.empty() && request.fetch_site != "same-origin" && request.fetch_site != "none")
        return false;
    // Without a referrer, which our pages forbid, a browser gives the origin as "null".
    if (!request.origin.empty() && request.origin != "null" &&
        request.origin != (request.over_tls ? "https://" : "http://") + request.host &&
        request.origin != origin_of(around_.settings->web.public_url))
        return false;
    return !token.empty() && is_same_secret(request.field("form_token"), token);
}

civil_day site::today() const
{
    const time_zone zone = time_zone::named(around_.settings->school.timezone).value_or(time_zone::utc());
    return day_of(zone.to_local(around_.desk->now()));
}

std::optional<account> site::reader_of(const web_request& request)
{
    const std::string_view id = request.cookie(cookie_name(session_cookie, request));
    web_session* session = sessions_.find(id, around_.steady_now());
    if (!session) return std::nullopt;
    std::optional<account> held = around_.desk->accounts().find(session->user);
    if (held && !session->by_identity && held->is_set_up() && held->changed_at == session->account_changed_at &&
        held->is_in_force(today()))
        return held;
    sessions_.close(id);
    return std::nullopt;
}

web_answer site::identity_refused(const account* held)
{
    if (const auto times = not_known_.one_more(around_.steady_now())) log_event(event::identity_not_known, *times);
    // The account is the asker's own: the days are told as the log-in tells them.
    return plain_answer(
        403,
        "Not let in",
        held ? days_of(*held) : "Your account at the school is not known to Rollbook. Ask for an account."
    );
}

site::entrance site::enter(const claimed_identity& who, web_request& request)
{
    using kind = claimed_identity::kind;
    entrance in;
    if (who.is == kind::none || who.is == kind::not_believed) {
        in.reader = reader_of(request);
        return in;
    }
    const std::string name = cookie_name(session_cookie, request);
    std::optional<account> held =
        who.is == kind::named ? around_.desk->accounts().find(who.name) : std::optional<account>();
    const bool may_enter = held && held->is_in_force(today());
    if (const web_session* session = sessions_.find(request.cookie(name), around_.steady_now())) {
        if (may_enter && session->user == held->name && session->account_changed_at == held->changed_at) {
            in.reader = std::move(held);
            return in;
        }
        sessions_.close(request.cookie(name));
    }
    if (!may_enter) {
        in.refused = identity_refused(held ? &*held : nullptr);
        return in;
    }
    // From a link of another site the browser keeps the session's cookie back; a new one would make forms that are open
    // in another window too old.
    if (request.fetch_site == "cross-site") return in;
    const std::string id = sessions_.open(*held, around_.steady_now(), true);
    request.cookies[name] = id;
    in.set_cookie = cookie(session_cookie, id, request);
    in.reader = std::move(held);
    return in;
}

asio::awaitable<web_answer> site::answer(web_request request)
{
    std::string why;
    try {
        co_return co_await routed_answer(std::move(request));
    } catch (const boost::system::system_error& e) {
        if (e.code() == asio::error::operation_aborted) throw;
        why = e.what();
    } catch (const std::exception& e) {
        why = e.what();
    }
    log_event(event::page_failed, why);
    co_return plain_answer(500, "Something went wrong", "The page could not be made. Try again; the log says why.");
}

asio::awaitable<web_answer> site::routed_answer(web_request request)
{
    request.over_tls = comes_by_tls(*around_.settings, request);
    const claimed_identity who = identity_of(*around_.settings, request);
    if (!requests_.allows(counted_as(who, request), around_.steady_now())) {
        web_answer slow = plain_answer(429, "Too many requests", "Wait a few seconds, then try again.");
        slow.headers.emplace_back("Retry-After", "5");
        co_return slow;
    }
    if (who.is == claimed_identity::kind::not_believed)
        if (const auto times = not_believed_.one_more(around_.steady_now()))
            log_event(event::identity_not_believed, *times);
    const routed to = find_route(request.target.path);
    if (!to.to) co_return plain_answer(404, "Not found", "There is nothing at this address.");
    if (request.is_post() ? !to.to->posts : !to.to->gets) {
        web_answer no = plain_answer(405, "Not done this way", "Go back, and use the page's own buttons.");
        no.headers.emplace_back("Allow", to.to->gets ? (to.to->posts ? "GET, HEAD, POST" : "GET, HEAD") : "POST");
        co_return no;
    }
    const bool is_page = !to.to->is_open || to.to->does == handler::login;
    const auto& web = around_.settings->web;
    // Some proxies do not pass on by which name they were called.
    const bool is_ours =
        origin_of(web.public_url) == origin_of("https://" + request.host) || request.host == web.listen;
    if (around_.opened && is_page && is_ours && !request.client.empty())
        around_.opened(*around_.settings, request.client);
    // Password and code are the proxy's business.
    const bool is_by_proxy = who.is == claimed_identity::kind::named || who.is == claimed_identity::kind::unreadable;
    if (to.to->does == handler::login && is_by_proxy) co_return see_other(next_page(request.query("next")));
    if (to.to->is_open) co_return co_await open_answer(to, std::move(request));

    entrance in = enter(who, request);
    if (in.refused) co_return std::move(*in.refused);
    if (!in.reader) {
        if (request.target.form != page_form::html || request.is_post())
            co_return plain_answer(401, "Not logged in", "Log in, then try again.");
        // A link in a message is followed without the cookie, which another site may not make a browser send. The page
        // asks for itself once more, and then it is sent.
        if (request.fetch_site == "cross-site") {
            page_frame frame = frame_of("");
            frame.again_seconds = 0;
            web_answer again(200, html, render_words("problem", "One moment", {{"what", "Opening the page."}}, frame));
            again.headers.emplace_back("Refresh", "0");
            co_return again;
        }
        std::string next = request.target.path;
        for (const auto& [name, value] : request.target.query)
            next += (next.find('?') == std::string::npos ? "?" : "&") + url_encoded(name) + "=" + url_encoded(value);
        co_return see_other(next == "/" ? "/login" : "/login?next=" + url_encoded(next));
    }
    web_answer answer = co_await reader_answer(to, *in.reader, std::move(request));
    if (!in.set_cookie.empty()) answer.headers.emplace_back("Set-Cookie", std::move(in.set_cookie));
    co_return answer;
}

asio::awaitable<web_answer> site::reader_answer(const routed& to, const account& reader, web_request request)
{
    // What a role may not open is not there.
    if (!may_open(*to.to, reader.role, reader.kept_to().has_value()))
        co_return plain_answer(404, "Not found", "There is nothing at this address.");
    const std::string id(request.cookie(cookie_name(session_cookie, request)));
    // Of a form with a file the fields come with its body.
    if (request.body) {
        if (to.to->does != handler::exports)
            co_return plain_answer(415, "Not understood", "Forms are sent as the pages send them.");
        co_return co_await look_through_export(reader, std::move(request));
    }
    if (request.is_post() && !is_own_form(request, sessions_.find(id, around_.steady_now())->form_token))
        co_return plain_answer(
            403, "Not done", "The form was too old. Go back, load the page again, and send it once more."
        );
    switch (to.to->does) {
    case handler::home: co_return see_other(std::string(home_of(reader.role)));
    case handler::logout: {
        sessions_.close(id);
        exports_.drop(reader.name);
        const bool is_by_proxy = identity_of(*around_.settings, request).is == claimed_identity::kind::named;
        web_answer gone =
            is_by_proxy ? plain_answer(
                              200,
                              "Logged out",
                              "You are logged out of Rollbook. Log out at the school's sign-on too: until you do, "
                              "Rollbook opens again without asking."
                          )
                        : see_other("/login");
        gone.headers.emplace_back("Set-Cookie", cookie(session_cookie, "", request));
        co_return gone;
    }
    case handler::verify: co_return start_verification();
    case handler::bundle: co_return co_await bundle(reader, std::move(request));
    case handler::exports:
        if (request.is_post()) co_return co_await end_export(reader, std::move(request));
        co_return co_await page(to, reader, std::move(request));
    default:
        if (request.is_post()) co_return co_await decide(to, reader, std::move(request));
        co_return co_await page(to, reader, std::move(request));
    }
}

asio::awaitable<web_answer> site::open_answer(const routed& to, web_request request)
{
    switch (to.to->does) {
    case handler::login: co_return co_await log_in(std::move(request));
    case handler::setup: co_return co_await set_up(std::move(request));
    case handler::style:
    case handler::icon: {
        const bool is_style = to.to->does == handler::style;
        web_answer file(
            200,
            is_style ? "text/css; charset=utf-8" : "image/svg+xml",
            std::string(asset(is_style ? "style.css" : "icon.svg"))
        );
        file.may_be_kept = true;
        co_return file;
    }
    case handler::healthz: co_return web_answer(200, "text/plain; charset=utf-8", "ok\n");
    default: break;
    }
    // Counts are for who runs the machine: they are asked for on it, and not through a proxy.
    if (to.to->does == handler::metrics &&
        (!is_loopback(request.peer) || request.forwarded || !request.identities.empty()))
        co_return plain_answer(404, "Not found", "There is nothing at this address.");
    press* const worker = press_.get();
    auto count = [worker] { return worker->numbers(); };
    const ledger_numbers numbers = co_await elsewhere<ledger_numbers>(pages_, std::move(count));
    const configuration& settings = *around_.settings;
    if (to.to->does == handler::metrics)
        co_return web_answer(
            200,
            "text/plain; version=0.0.4; charset=utf-8",
            metrics_text(numbers, settings, around_.desk->now(), sessions_.size())
        );
    for (const source_configuration& each : settings.sources) {
        const auto state = std::ranges::find(numbers.sources, each.name, &source_state::source);
        if (state == numbers.sources.end() || !state->last_success)
            co_return web_answer(503, "text/plain; charset=utf-8", "a source was not yet read to its end\n");
    }
    co_return web_answer(200, "text/plain; charset=utf-8", "ready\n");
}

web_answer site::log_in_page(const web_request& request, const std::string& wrong, int status)
{
    const std::string token = form_token_of(request);
    const std::string_view next = request.is_post() ? request.field("next") : request.query("next");
    web_answer page(
        status, html, render_words("login", "Log in", {{"wrong", wrong}, {"next", next_page(next)}}, frame_of(token))
    );
    page.headers.emplace_back("Set-Cookie", cookie(form_cookie, token, request));
    return page;
}

asio::awaitable<web_answer> site::log_in(web_request request)
{
    if (!request.is_post()) co_return log_in_page(request, "");
    const std::string token(request.cookie(cookie_name(form_cookie, request)));
    if (!is_own_form(request, token)) co_return log_in_page(request, "The form was too old. Please try again.", 403);
    const std::string name(request.field("name"));
    const auto wait = failures_.wait(name, around_.steady_now());
    if (wait.count() > 0 || !tries_.allows(request.peer, around_.steady_now()))
        co_return log_in_page(
            request,
            "Too many tries. Wait " + std::to_string(std::max<std::int64_t>(wait.count(), 5)) +
                " seconds, then try again.",
            429
        );
    const std::optional<account> held = around_.desk->accounts().find(name);
    const std::string hash = held && held->is_set_up() ? held->password : "";
    const std::string password(request.field("password"));
    auto compare = [hash, password] { return is_password(hash, password); };
    const bool is_right = co_await elsewhere<bool>(pages_, std::move(compare));
    // Asked for again: another log-in may have used the code while this one waited.
    std::optional<account> now_held = around_.desk->accounts().find(name);
    const auto step = is_right && now_held && now_held->changed_at == held->changed_at
                          ? totp_step(now_held->totp_secret, request.field("code"), world_time(), now_held->totp_step)
                          : std::nullopt;
    if (!step) {
        failures_.failed(name, around_.steady_now());
        log_event(event::log_in_failed);
        co_return log_in_page(request, "The name, the password or the code is not right.", 403);
    }
    failures_.succeeded(name);
    if (!now_held->is_in_force(today())) co_return log_in_page(request, days_of(*now_held), 403);
    now_held->totp_step = *step;
    around_.desk->accounts().put(*now_held);
    // Not before the code was right: by the longer answer a guesser would know the password.
    if (is_of_other_cost(hash)) co_await hash_anew(name, hash, password);
    web_answer in = see_other(next_page(request.field("next")));
    in.headers.emplace_back(
        "Set-Cookie", cookie(session_cookie, sessions_.open(*now_held, around_.steady_now()), request)
    );
    co_return in;
}

asio::awaitable<void> site::hash_anew(std::string name, std::string hash, std::string password)
{
    auto work = [password] { return hash_password(password); };
    const std::string fresh = co_await elsewhere<std::string>(pages_, std::move(work));
    std::optional<account> held = around_.desk->accounts().find(name);
    if (!held || held->password != hash) co_return; // it was changed or taken away meanwhile
    held->password = fresh;
    around_.desk->accounts().put(*held);
}

web_answer site::set_up_page(const web_request& request, std::map<std::string, std::string> words, int status)
{
    const std::string token = form_token_of(request);
    web_answer page(status, html, render_words("setup", "Set up your account", words, frame_of(token)));
    page.headers.emplace_back("Set-Cookie", cookie(form_cookie, token, request));
    return page;
}

asio::awaitable<web_answer> site::set_up(web_request request)
{
    if (!request.is_post()) co_return set_up_page(request, {});
    const std::string token(request.cookie(cookie_name(form_cookie, request)));
    std::map<std::string, std::string> words;
    if (!is_own_form(request, token)) {
        words["wrong"] = "The form was too old. Please try again.";
        co_return set_up_page(request, std::move(words), 403);
    }
    if (!tries_.allows(request.peer, around_.steady_now())) {
        words["wrong"] = "Too many tries. Wait a few seconds, then try again.";
        co_return set_up_page(request, std::move(words), 429);
    }
    if (!request.field("pending").empty()) co_return end_set_up(request);
    co_return co_await begin_set_up(std::move(request));
}

asio::awaitable<web_answer> site::begin_set_up(web_request request)
{
    std::map<std::string, std::string> words;
    const std::string password(request.field("password"));
    if (const auto against = against_password(password); !against.empty())
        words["wrong"] = against;
    else if (password != request.field("again"))
        words["wrong"] = "The two passwords differ.";
    if (!words.empty()) co_return set_up_page(request, std::move(words), 400);

    std::optional<account> held = around_.desk->accounts().find(request.field("name"));
    const std::string code = setup_code_in(request.field("setup_code"));
    const bool is_right = held && !held->setup_hash.empty() && held->setup_until > around_.desk->now() &&
                          is_same_secret(held->setup_hash, as_text(sha256(as_bytes(code))));
    if (!is_right) {
        log_event(event::log_in_failed);
        words["wrong"] = "The name or the set-up code is not right, or the code is older than seven days.";
        co_return set_up_page(request, std::move(words), 403);
    }
    pending_setup fresh;
    fresh.of_account_changed_at = held->changed_at;
    fresh.fresh = std::move(*held);
    auto work = [password] { return hash_password(password); };
    fresh.fresh.password = co_await elsewhere<std::string>(pages_, std::move(work));
    fresh.fresh.totp_secret = make_totp_secret();
    fresh.fresh.setup_hash.clear();
    fresh.until = around_.steady_now() + setup_wait_max;
    std::erase_if(pending_, [this](const auto& each) { return each.second.until < around_.steady_now(); });
    if (pending_.size() >= pending_max) pending_.clear();
    const std::string key = random_token();
    words["pending"] = key;
    words["secret"] = base32_groups(fresh.fresh.totp_secret);
    words["uri"] = totp_uri(fresh.fresh.totp_secret, fresh.fresh.name, around_.settings->school.name);
    pending_.emplace(key, std::move(fresh));
    co_return set_up_page(request, std::move(words));
}

web_answer site::end_set_up(const web_request& request)
{
    const auto found = pending_.find(request.field("pending"));
    const std::optional<account> held =
        found == pending_.end() ? std::optional<account>() : around_.desk->accounts().find(found->second.fresh.name);
    if (!held || found->second.until < around_.steady_now() || held->changed_at != found->second.of_account_changed_at)
        return set_up_page(request, {{"wrong", "That took too long. Please begin again."}}, 400);
    account& fresh = found->second.fresh;
    const auto step = totp_step(fresh.totp_secret, request.field("code"), world_time(), 0);
    if (!step)
        return set_up_page(
            request,
            {{"wrong", "That is not the code of this key. Check the time on the phone."},
             {"pending", found->first},
             {"secret", base32_groups(fresh.totp_secret)},
             {"uri", totp_uri(fresh.totp_secret, fresh.name, around_.settings->school.name)}},
            403
        );
    fresh.totp_step = *step;
    fresh.changed_at = std::max(around_.desk->now(), held->changed_at + std::chrono::milliseconds(1));
    around_.desk->accounts().put(fresh);
    pending_.erase(found);
    return see_other("/login");
}

verify_standing site::verification() const
{
    const std::lock_guard hold(check_->guard);
    return check_->now;
}

web_answer site::busy_answer() const
{
    web_answer busy = plain_answer(
        503, "Not now", "Something else that takes long is being worked out. Wait a minute, then try again."
    );
    busy.headers.emplace_back("Retry-After", "60");
    return busy;
}

// Who took what is an entry before anything is taken, and the checkpoint that covers it is kept for good.
asio::awaitable<web_answer> site::bundle(const account& reader, web_request request)
{
    if (is_long_made_->exchange(true)) co_return busy_answer();
    const std::shared_ptr<std::atomic<bool>> is_made = is_long_made_;
    const std::shared_ptr<void> done(nullptr, [is_made](void*) { *is_made = false; });
    around_.desk->record_access(reader.name, no_entry, reader.role == role::auditor ? "export-openings" : "export");
    const result<void> kept = around_.desk->keep_for_export();
    if (!kept) co_return plain_answer(500, "Not done", sentence(kept.error().what));
    const std::shared_ptr<page_order> order = order_of(routed{}, reader, request);
    order->is_ending = &check_->stop;
    const std::filesystem::path folder = around_.bundles / std::to_string(++bundles_made_);
    auto work = [order, folder, open = around_.open_reader, key = around_.log_key, write = around_.export_ledger] {
        const result<verifier_key> pinned = key();
        result<web_answer> made =
            pinned ? press(open).bundle(*order, *pinned, write, folder) : result<web_answer>(pinned.error());
        std::error_code ignored;
        if (!made) std::filesystem::remove_all(folder, ignored);
        return made;
    };
    const result<web_answer> made = co_await elsewhere<result<web_answer>>(trials_, std::move(work));
    if (!made) co_return plain_answer(500, "Not done", sentence(made.error().what) + " " + made.error().to_do);
    co_return *made;
}

void site::forget_exports()
{
    const auto next = exports_.forget(around_.steady_now());
    if (!next) return;
    exports_end_.expires_at(*next);
    exports_end_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled) forget_exports();
    });
}

// What pages rest on is many times what the daemon needs otherwise; most of the day nobody asks for one.
void site::let_press_rest()
{
    pages_end_.expires_after(press_kept);
    pages_end_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled) asio::post(pages_, [worker = press_.get()] { worker->rest(); });
    });
}

// Into a folder of its own, piece by piece. Nothing is written before the form is known to be ours.
asio::awaitable<result<std::shared_ptr<waiting_export>>>
site::receive_export(const std::string& user, web_request request)
{
    using failed = result<std::shared_ptr<waiting_export>>;
    const auto not_understood = [] {
        return failed(failure(errc::usage, "the form could not be read", "Send it as the page sends it."));
    };
    const auto boundary = multipart_reader::boundary_of(request.content_type);
    if (!boundary) co_return not_understood();
    multipart_reader form(*boundary);
    std::shared_ptr<waiting_export> made;
    auto file = std::make_shared<std::ofstream>();
    for (;;) {
        const result<std::string> piece = co_await request.body->more();
        if (!piece) co_return piece.error();
        if (piece->empty() || !form.take(*piece)) co_return not_understood();
        if (form.has_file() && !made) {
            request.form = form.fields();
            const std::string id(request.cookie(cookie_name(session_cookie, request)));
            const web_session* const session = sessions_.find(id, around_.steady_now());
            if (!session || !is_own_form(request, session->form_token))
                co_return failed(
                    failure(errc::forbidden, "the form was too old", "Load the page again, and send it once more.")
                );
            const auto& sources = around_.settings->sources;
            const auto source = std::ranges::find(sources, request.field("source"), &source_configuration::name);
            if (source == sources.end() || !takes_exports(*source))
                co_return failed(failure(errc::not_found, "there is no such source of export files", ""));
            auto begun = exports_.begin(user);
            if (!begun) co_return begun.error();
            made = std::move(*begun);
            made->source = source->name;
            made->shape = source->mapping->shape;
            file->open(made->file(), std::ios::binary | std::ios::trunc);
        }
        if (std::string bytes = form.take_file_bytes(); !bytes.empty()) {
            made->bytes += bytes.size();
            auto write = [file, bytes = std::move(bytes)] {
                file->write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
                return file->good();
            };
            if (!co_await elsewhere<bool>(pages_, std::move(write)))
                co_return failed(
                    failure(errc::usage, "the file cannot be kept", "Tell whoever looks after this machine.")
                );
        }
        if (form.is_done()) break;
    }
    if (!made) co_return not_understood();
    if (made->bytes == 0)
        co_return failed(failure(errc::usage, "no file was chosen, or it is empty", "Choose one, then send it."));
    file->close();
    if (!file->good())
        co_return failed(failure(errc::usage, "the file cannot be kept", "Tell whoever looks after this machine."));
    co_return made;
}

asio::awaitable<web_answer> site::look_through_export(const account& reader, web_request request)
{
    if (is_receiving_) co_return busy_answer();
    is_receiving_ = true;
    const std::shared_ptr<void> done(nullptr, [this](void*) { is_receiving_ = false; });
    const std::string user = reader.name;
    auto received = co_await receive_export(user, std::move(request));
    if (!received)
        co_return plain_answer(
            received.error().code == errc::forbidden ? 403 : 400,
            "Not done",
            sentence(received.error().what) + " " + received.error().to_do
        );
    std::shared_ptr<waiting_export> made = std::move(*received);
    const std::string bookmark = around_.desk->bookmark(made->source, std::string(files_stream));
    auto look = [made,
                 bookmark,
                 now = around_.desk->now(),
                 settings = around_.settings,
                 state = check_,
                 look_through = around_.try_export] {
        return look_through(*settings, made->source, made->folder, bookmark, now, &state->stop);
    };
    result<export_preview> found = co_await elsewhere<result<export_preview>>(trials_, std::move(look));
    if (found)
        made->found = std::move(*found);
    else
        made->why = found.error();
    made->key = random_token();
    made->until = around_.desk->now() + export_wait_max;
    made->until_steady = around_.steady_now() + export_wait_max;
    exports_.keep(user, std::move(made));
    forget_exports();
    co_return see_other("/exports");
}

// What was looked through is added as it is, or thrown away.
asio::awaitable<web_answer> site::end_export(const account& reader, web_request request)
{
    const std::shared_ptr<const waiting_export> held = exports_.of(reader.name);
    if (!held || !is_same_secret(request.field("key"), held->key))
        co_return plain_answer(404, "Not done", "That file does not wait any more. Go back, and send it again.");
    if (request.field("do") == "discard") {
        exports_.drop(reader.name);
        co_return see_other("/exports");
    }
    const std::shared_ptr<const configuration> settings = around_.settings;
    const auto source = std::ranges::find(settings->sources, held->source, &source_configuration::name);
    const bool is_as_shown =
        source != settings->sources.end() && takes_exports(*source) && source->mapping->shape == held->shape;
    if (request.field("do") != "add" || !held->can_be_added() || !is_as_shown)
        co_return plain_answer(400, "Not done", "It cannot be added as it is. Go back, and send the file again.");
    const std::string user = reader.name;
    exports_.take(user); // not twice
    around_.desk->record_access(user, no_entry, "add-export " + held->source);
    auto add = [held, settings, now = around_.desk->now(), put = around_.add_export] {
        return put(*settings, held->source, held->file(), now);
    };
    const result<void> added = co_await elsewhere<result<void>>(checks_, std::move(add));
    held->remove();
    if (!added) co_return plain_answer(500, "Not done", sentence(added.error().what) + " " + added.error().to_do);
    // As soon as the file counts as still.
    constexpr std::chrono::seconds moment{1};
    around_.desk->read_within(held->source, source->mapping->settle + moment);
    co_return see_other("/exports?added=" + url_encoded(held->source));
}

web_answer site::start_verification()
{
    {
        const std::lock_guard hold(check_->guard);
        if (check_->now.is_running) return see_other("/ledger");
        check_->now = {};
        check_->now.is_running = true;
    }
    asio::post(
        checks_,
        [state = check_,
         open = around_.open_reader,
         key = around_.log_key,
         witnesses = witness_keys(*around_.settings),
         desk_now = around_.desk->now()] {
            const steady_moment began = steady::now();
            verify_standing end;
            try {
                const auto reader = open().value();
                verify_options options;
                options.key = key().value();
                options.witnesses = witnesses;
                options.progress = [&](std::uint64_t done, std::uint64_t all) {
                    if (state->stop) throw failure_error(failure(errc::stopped, "the daemon is stopping", ""));
                    const std::lock_guard hold(state->guard);
                    state->now.done = done;
                    state->now.all = all;
                };
                end.report = reader->verify(options);
            } catch (const std::exception& e) {
                end.failed = e.what();
            }
            end.ended_at = desk_now + std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - began);
            const std::lock_guard hold(state->guard);
            state->now = std::move(end);
        }
    );
    return see_other("/ledger");
}

void site::record(const account& reader, const made_page& made, const web_request& request)
{
    const time_zone zone = time_zone::named(around_.settings->school.timezone).value_or(time_zone::utc());
    const civil_day today = day_of(zone.to_local(around_.desk->now()));
    const auto tell = [&](entry_index pupil, const std::string& view) {
        const auto [at, is_new] = told_.try_emplace({reader.name, pupil == no_entry ? view : std::to_string(pupil)});
        if (!is_new && at->second == today) return;
        around_.desk->record_access(reader.name, pupil, view);
        at->second = today;
    };
    constexpr std::size_t told_max = 100'000;
    if (told_.size() > told_max) std::erase_if(told_, [&](const auto& each) { return each.second != today; });
    for (const entry_index person : made.shown)
        tell(person, "page");
    constexpr std::array<std::string_view, 4> endings = {"", ".json", ".csv", ".xlsx"};
    const std::string_view ending = endings[static_cast<std::size_t>(request.target.form)];
    if (!made.view.empty())
        tell(no_entry, made.view + std::string(ending));
    else if (made.lists_pupils)
        tell(no_entry, "file " + request.target.path + std::string(ending));
}

// A decision is about what the decider may see: the page is made first, and what it refuses is refused.
asio::awaitable<web_answer> site::decide(const routed& to, const account& reader, web_request request)
{
    if (!to.to->may_decide || !to.to->may_decide(reader.role))
        co_return plain_answer(403, "Not done", "Your account may look at this page, and not decide about it.");
    web_request sent = request;
    // A report lists what lies between the days it was asked for, and comes back with them.
    const bool is_report = to.to->name == "report";
    std::string back = sent.target.path;
    if (is_report) {
        request.target.query.erase("known_at");
        for (const auto& [name, value] : request.target.query)
            back += (back == sent.target.path ? "?" : "&") + url_encoded(name) + "=" + url_encoded(value);
        back += "#decide";
    } else {
        request.target.query.clear();
        if (to.to->name == "calls") back += "#next"; // the next row, where the page comes back
    }
    request.target.form = page_form::html;
    made_page seen = co_await make(to, reader, std::move(request));
    if (seen.answer.status != 200) co_return std::move(seen.answer);
    if (to.to->name == "accounts") co_return change_scope(sent, reader.name);
    if (is_report && !report_kinds()[static_cast<std::size_t>(to.id)].takes_decisions)
        co_return plain_answer(404, "Not done", "This report takes no decisions.");
    if (is_report && reader.kept_to() && sent.field("do") == "hold-meeting")
        co_return plain_answer(403, "Not done", "The day of the meeting is the whole school's.");
    result<std::vector<decision_request>> asked = std::vector<decision_request>();
    if (to.to->name == "calls") {
        asked = read_calls(sent, seen.offered, reader.name);
    } else if (to.to->name == "baseline") {
        asked = read_triage(sent, seen.offered, reader.name);
    } else if (auto one = is_report                ? read_meeting(sent, seen.offered, reader.name)
                          : to.to->name == "pupil" ? read_pupil_form(sent, to.id, seen.offered, reader.name)
                                                   : read_decision(sent, to.id, reader.name)) {
        asked->push_back(std::move(*one));
    } else {
        asked = one.error();
    }
    if (!asked)
        co_return plain_answer(
            asked.error().code == errc::not_found ? 404 : 400, "Not done", sentence(asked.error().what)
        );
    std::size_t carried_out = 0;
    for (const decision_request& each : *asked) {
        const result<upkeep_report> done = around_.desk->decide(each);
        if (!done) {
            std::string what = sentence(done.error().what);
            if (carried_out > 0) what += " " + std::to_string(carried_out) + " before it were done.";
            co_return plain_answer(400, "Not done", what);
        }
        ++carried_out;
        // Others' requests and the reading go on between many.
        co_await asio::post(executor_, asio::use_awaitable);
    }
    co_return see_other(back);
}

// Whose pupils an account sees, as the page of accounts asks for it.
web_answer site::change_scope(const web_request& sent, const std::string& user)
{
    account_request asked;
    asked.command = account_request::kind::alter;
    asked.name = sent.field("name");
    asked.user = user;
    const auto scope = parse_scope(sent.field("scope"));
    if (scope) asked.scope = *scope;
    const result<void> done = scope ? around_.desk->change_account(asked) : result<void>(scope.error());
    if (done) return see_other(sent.target.path);
    return plain_answer(400, "Not done", sentence(done.error().what) + " " + done.error().to_do);
}

asio::awaitable<web_answer> site::page(const routed& to, const account& reader, web_request request)
{
    made_page made = co_await make(to, reader, std::move(request));
    co_return std::move(made.answer);
}

std::shared_ptr<page_order> site::order_of(const routed& to, const account& reader, const web_request& request)
{
    auto order = std::make_shared<page_order>();
    order->settings = around_.settings;
    order->to = to.to;
    order->target = request.target;
    order->id = to.id;
    order->reader = reader.role;
    order->user = reader.name;
    if (const web_session* session =
            sessions_.find(request.cookie(cookie_name(session_cookie, request)), around_.steady_now()))
        order->form_token = session->form_token;
    order->now = around_.desk->now();
    order->commits = around_.desk->commits();
    order->verification = verification();
    order->scope = reader.kept_to();
    order->waiting = exports_.of(reader.name);
    if (reader.role == role::admin || opens_pupils(reader.role)) {
        order->accounts = around_.desk->accounts().all();
        // Whom a pupil can be opened to.
        if (reader.role != role::admin)
            std::erase_if(order->accounts, [this](const account& each) {
                return each.role != role::auditor || !each.is_in_force(today());
            });
    }
    return order;
}

// From a reader of its own, on a worker of its own: other pages and the daemon's loops go on meanwhile.
asio::awaitable<made_page> site::make_long(std::shared_ptr<page_order> order)
{
    if (is_long_made_->exchange(true)) {
        made_page busy;
        busy.answer = busy_answer();
        co_return busy;
    }
    const std::shared_ptr<std::atomic<bool>> is_made = is_long_made_;
    const std::shared_ptr<check_state> state = check_;
    auto work = [order, is_made, state, open = around_.open_reader] {
        const std::shared_ptr<void> done(nullptr, [&](void*) { *is_made = false; });
        order->is_ending = &state->stop;
        return press(open).make(*order);
    };
    co_return co_await elsewhere<made_page>(trials_, std::move(work));
}

asio::awaitable<made_page> site::make(const routed& to, const account& reader, web_request request)
{
    const std::shared_ptr<page_order> order = order_of(to, reader, request);
    if (to.to->is_long && !request.target.query.empty()) {
        made_page alone = co_await make_long(order);
        if (alone.answer.status == 200) record(reader, alone, request);
        co_return alone;
    }
    press* const worker = press_.get();
    auto work = [worker, order, does = to.to->does] {
        constexpr std::chrono::milliseconds kept_page(5); // one that takes longer took memory to be drawn
        const auto began = steady::now();
        made_page made;
        if (does == handler::proof)
            made.answer = worker->proof(order->id, *order);
        else if (does == handler::checkpoint)
            made.answer = worker->checkpoint();
        else
            made = worker->make(*order);
        if (steady::now() - began >= kept_page) let_go_of_spare_memory_above(much_memory);
        return made;
    };
    made_page made = co_await elsewhere<made_page>(pages_, std::move(work));
    let_press_rest();
    // Told before it is shown: who saw whom is never less than what was seen.
    if (made.answer.status == 200) record(reader, made, request);
    co_return made;
}

} // namespace rollbook
