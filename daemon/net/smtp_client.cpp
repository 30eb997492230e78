#include "daemon/net/address.hpp"
#include "daemon/net/curl_client.hpp"
#include "daemon/net/curl_loop.hpp"
#include "daemon/net/imap_client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <new>
#include <optional>

namespace rollbook {

namespace asio = boost::asio;

namespace {

// Work of the mail thread. Made and destroyed on the executor's thread; the mail thread touches it in between.
template <class Outcome> struct mail_work {
    mail_work(const asio::any_io_executor& executor, std::shared_ptr<const std::atomic<bool>> s)
        : stopping(std::move(s)), ended(executor)
    {
    }
    bool is_given_up() const { return *stopping || given_up; }

    std::shared_ptr<const std::atomic<bool>> stopping; // the client is being destroyed
    std::atomic<bool> given_up{false};                 // nobody waits any more
    Outcome outcome = failure(errc::delivery_unreachable, "the mail server was given up before it answered");
    bool done = false;
    asio::steady_timer ended; // never fires by itself: its cancellation is the news
};

struct mail_job : mail_work<result<void>> {
    using mail_work::mail_work;
    mail_submission mail;
    std::size_t sent = 0;
    std::chrono::steady_clock::time_point deadline{};
};

struct report_job : mail_work<result<std::vector<std::string>>> {
    using mail_work::mail_work;
    mailbox_query query;
};

failure refused(std::string what, std::string to_do)
{
    return failure(errc::delivery_refused, std::move(what), std::move(to_do));
}

bool is_safe(const std::string& address)
{
    return !address.empty() && std::none_of(address.begin(), address.end(), [](unsigned char c) {
        return c <= ' ' || c == 0x7f || c == '<' || c == '>';
    });
}

std::optional<failure> refusal_of(const mail_submission& mail, const std::optional<net::address>& to)
{
    if (!to || (to->scheme != "smtp" && to->scheme != "smtps"))
        return refused(
            "the relay's address is not an smtp or smtps address", "Correct smtp_url in the route's settings."
        );
    if (!is_safe(mail.from) || !std::all_of(mail.to.begin(), mail.to.end(), is_safe))
        return refused(
            to->origin + ": an address is not a plain mail address", "Correct from and to in the route's settings."
        );
    return {};
}

failure why(const mail_job& job, CURL* easy, CURLcode code, const std::string& origin, const std::string& detail)
{
    const auto unreachable = [&](const std::string& what) {
        return failure(
            errc::delivery_unreachable,
            origin + ": " + what,
            "It is tried again by itself. If it stays so, look at the relay."
        );
    };
    if (job.is_given_up()) return failure(errc::delivery_unreachable, origin + ": given up while stopping");
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
        return refused(
            origin + ": the relay's certificate is not trusted: " + detail,
            "Name the authority that signed it in the route's ca_file, or use the name the certificate is for."
        );
    case CURLE_SSL_CACERT_BADFILE:
        return refused(origin + ": the file in ca_file cannot be read", "Name a readable PEM file in ca_file.");
    case CURLE_USE_SSL_FAILED:
        return refused(
            origin + ": the relay offers no STARTTLS, and mail is not sent unprotected",
            "Switch TLS on at the relay, or use its smtps address."
        );
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return refused(origin + ": not an smtp address", "Correct smtp_url in the route's settings.");
    case CURLE_COULDNT_RESOLVE_HOST: return unreachable("the host name is not known");
    case CURLE_COULDNT_CONNECT: return unreachable("nothing accepts the connection");
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_ABORTED_BY_CALLBACK:
        return unreachable(fmt::format("not accepted within {} ms", job.mail.timeout.count()));
    default: break;
    }
    long reply = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply);
    if (reply >= 400 && reply < 500)
        return unreachable(fmt::format("the relay asks to come back later (reply {})", reply));
    if (code == CURLE_LOGIN_DENIED)
        return refused(
            fmt::format("{}: the relay refuses the user, password or token (reply {})", origin, reply),
            job.mail.token.empty()
                ? "Correct user and password in the route's settings."
                : "See that the application may send as this mailbox (SMTP.SendAsApp), and correct user."
        );
    if (reply >= 500)
        return refused(
            fmt::format("{}: the relay refuses the mail (reply {})", origin, reply),
            "Check from and to in the route's settings, and that the relay takes mail from this machine."
        );
    return unreachable(curl_easy_strerror(code));
}

std::size_t on_read(char* to, std::size_t, std::size_t room, void* job_) noexcept
{
    mail_job& job = *static_cast<mail_job*>(job_);
    const std::size_t bytes = std::min(room, job.mail.message.size() - job.sent);
    std::memcpy(to, job.mail.message.data() + job.sent, bytes);
    job.sent += bytes;
    return bytes;
}

// Called at least once a second, also while libcurl waits for the answers to the message and to QUIT.
int on_progress(void* job_, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept
{
    const mail_job& job = *static_cast<const mail_job*>(job_);
    return job.is_given_up() || std::chrono::steady_clock::now() >= job.deadline;
}

result<void> perform(mail_job& job)
{
    const mail_submission& mail = job.mail;
    const auto to = net::read_address(mail.smtp_url);
    if (auto refusal = refusal_of(mail, to)) return *refusal;

    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle(curl_easy_init(), &curl_easy_cleanup);
    if (!handle) throw std::bad_alloc();
    CURL* easy = handle.get();
    const auto set = [easy](CURLoption option, auto value) { curl_easy_setopt(easy, option, value); };
    const curl_version_info_data* built = curl_version_info(CURLVERSION_NOW);
    std::array<char, CURL_ERROR_SIZE> error{};
    net::curl_list recipients;
    for (const std::string& recipient : mail.to)
        net::append(recipients, "<" + recipient + ">");
    const std::string sender = "<" + mail.from + ">";

    set(CURLOPT_URL, mail.smtp_url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_ERRORBUFFER, error.data());
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NETRC, long(CURL_NETRC_IGNORED));
    set(CURLOPT_USE_SSL, long(net::is_loopback(to->host) ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, long(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_CAINFO, mail.ca_file.empty() ? built->cainfo : mail.ca_file.c_str());
    set(CURLOPT_CAPATH, built->capath ? built->capath : "/etc/ssl/certs");
    if (!mail.user.empty()) {
        set(CURLOPT_USERNAME, mail.user.c_str());
        if (mail.token.empty()) {
            set(CURLOPT_PASSWORD, mail.password.c_str());
        } else {
            set(CURLOPT_XOAUTH2_BEARER, mail.token.c_str());
            set(CURLOPT_LOGIN_OPTIONS, "AUTH=XOAUTH2");
        }
    }
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(mail.timeout.count()));
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(mail.timeout.count()));
    set(CURLOPT_FORBID_REUSE, 1L);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &on_progress);
    set(CURLOPT_XFERINFODATA, &job);
    set(
        CURLOPT_WRITEFUNCTION, +[](char*, std::size_t, std::size_t bytes, void*) noexcept { return bytes; }
    );
    if (mail.to.empty()) {
        set(CURLOPT_CUSTOMREQUEST, "NOOP");
    } else {
        set(CURLOPT_MAIL_FROM, sender.c_str());
        set(CURLOPT_MAIL_RCPT, recipients.get());
        set(CURLOPT_MAIL_RCPT_ALLLOWFAILS, 0L);
        set(CURLOPT_UPLOAD, 1L);
        set(CURLOPT_READFUNCTION, &on_read);
        set(CURLOPT_READDATA, &job);
        set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(mail.message.size()));
    }
    job.deadline = std::chrono::steady_clock::now() + mail.timeout;
    const CURLcode code = curl_easy_perform(easy);
    if (code == CURLE_OK) return {};
    return why(job, easy, code, to->origin, error.data());
}

result<std::vector<std::string>> perform(report_job& job)
{
    const auto deadline = std::chrono::steady_clock::now() + job.query.timeout;
    return net::read_delivery_reports(job.query, [&job, deadline] {
        return job.is_given_up() || std::chrono::steady_clock::now() >= deadline;
    });
}

class curl_mail_client final : public mail_client {
public:
    explicit curl_mail_client(asio::any_io_executor executor) : executor_(std::move(executor)) { net::curl_begin(); }
    ~curl_mail_client() override
    {
        *stopping_ = true;
        sender_.join();
    }

    asio::awaitable<result<void>> submit(mail_submission mail) override
    {
        auto job = std::make_shared<mail_job>(executor_, stopping_);
        job->mail = std::move(mail);
        co_await carry_out(job);
        co_return std::move(job->outcome);
    }

    asio::awaitable<result<std::vector<std::string>>> delivery_reports(mailbox_query query) override
    {
        auto job = std::make_shared<report_job>(executor_, stopping_);
        job->query = std::move(query);
        co_await carry_out(job);
        co_return std::move(job->outcome);
    }

private:
    // Until the thread has done it, or nobody waits any more.
    template <class Job> asio::awaitable<void> carry_out(std::shared_ptr<Job> job)
    {
        asio::post(sender_, [job, executor = executor_]() mutable {
            auto outcome = perform(*job);
            // The last reference leaves this thread with the news.
            asio::post(executor, [job = std::move(job), outcome = std::move(outcome)]() mutable {
                job->outcome = std::move(outcome);
                job->done = true;
                job->ended.cancel();
            });
        });
        job->ended.expires_at(asio::steady_timer::time_point::max());
        (void)co_await job->ended.async_wait(asio::as_tuple(asio::use_awaitable));
        if (!job->done) job->given_up = true;
    }

    asio::any_io_executor executor_;
    std::shared_ptr<std::atomic<bool>> stopping_ = std::make_shared<std::atomic<bool>>(false);
    asio::thread_pool sender_{1};
};

} // namespace

std::unique_ptr<mail_client> make_mail_client(asio::any_io_executor executor)
{
    return std::make_unique<curl_mail_client>(std::move(executor));
}

} // namespace rollbook
