#include "daemon/net/curl_loop.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <new>
#include <stdexcept>

namespace rollbook::net {

namespace asio = boost::asio;

namespace {

constexpr std::size_t idle_handles_max = 16;
constexpr long connections_max = 32;
// libcurl may ask to be called again at once; more often than this in a row waits for the loop, so that nothing
// starves.
constexpr int calls_in_a_row_max = 16;

} // namespace

void curl_begin()
{
    static const CURLcode begun = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (begun != CURLE_OK) throw std::runtime_error("libcurl does not start");
}

void append(curl_list& list, const std::string& line)
{
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (!longer) throw std::bad_alloc();
    (void)list.release();
    list.reset(longer);
}

transfer::transfer(std::shared_ptr<curl_loop> loop)
    : loop_(std::move(loop)), easy_(loop_->take_handle()), ended_(loop_->executor())
{
}

transfer::~transfer()
{
    if (under_way_) loop_->remove(*this);
    loop_->give_back(easy_);
}

void transfer::start()
{
    curl_easy_setopt(easy_, CURLOPT_PRIVATE, this);
    curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, error_.data());
    loop_->add(*this);
}

asio::awaitable<bool> transfer::finished()
{
    if (!done_) {
        ended_.expires_at(asio::steady_timer::time_point::max());
        (void)co_await ended_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    co_return done_;
}

void transfer::finish(CURLcode code)
{
    code_ = code;
    under_way_ = false;
    done_ = true;
    ended_.cancel();
}

// One socket and what libcurl waits for on it. Sockets that libcurl opened through us stay registered with Asio while
// their connection is idle; those it made by itself (its resolver's) are let go as soon as it stops watching them.
struct curl_loop::watch {
    watch(const asio::any_io_executor& executor, curl_socket_t socket, bool opened_by_us)
        : descriptor(executor, socket), ours(opened_by_us)
    {
    }
    asio::posix::stream_descriptor descriptor;
    bool ours;
    int wanted = 0;
    bool waiting_in = false;
    bool waiting_out = false;
    bool gone = false;
};

curl_loop::curl_loop(asio::any_io_executor executor) : executor_(std::move(executor)), timer_(executor_)
{
    curl_begin();
    idle_.reserve(idle_handles_max);
    multi_ = curl_multi_init();
    if (!multi_) throw std::bad_alloc();
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &curl_loop::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, connections_max);
}

curl_loop::~curl_loop()
{
    for (CURL* easy : idle_)
        curl_easy_cleanup(easy);
    curl_multi_cleanup(multi_);
    while (!watches_.empty())
        forget(watches_.begin()->first);
}

CURL* curl_loop::take_handle()
{
    if (!idle_.empty()) {
        CURL* easy = idle_.back();
        idle_.pop_back();
        return easy;
    }
    CURL* easy = curl_easy_init();
    if (!easy) throw std::bad_alloc();
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &curl_loop::on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &curl_loop::on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
    return easy;
}

void curl_loop::give_back(CURL* easy) noexcept
{
    // What the next transfer does not set must not be read: it points into the transfer that ends here.
    curl_easy_setopt(easy, CURLOPT_PRIVATE, nullptr);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, nullptr);
    if (idle_.size() < idle_handles_max)
        idle_.push_back(easy);
    else
        curl_easy_cleanup(easy);
}

void curl_loop::add(transfer& t)
{
    if (curl_multi_add_handle(multi_, t.easy()) != CURLM_OK) throw std::runtime_error("libcurl takes no transfer");
    t.under_way_ = true;
    act(CURL_SOCKET_TIMEOUT, 0);
}

void curl_loop::remove(transfer& t) noexcept
{
    t.under_way_ = false;
    curl_multi_remove_handle(multi_, t.easy());
    arm_timer();
}

curl_loop::clock::time_point curl_loop::due() const
{
    long wait_ms = -1;
    curl_multi_timeout(multi_, &wait_ms);
    return wait_ms < 0 ? clock::time_point::max() : clock::now() + std::chrono::milliseconds(wait_ms);
}

void curl_loop::act(curl_socket_t socket, int events)
{
    int running = 0;
    curl_multi_socket_action(multi_, socket, events, &running);
    for (int calls = 1; calls < calls_in_a_row_max && due() <= clock::now(); ++calls)
        curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
    collect();
    arm_timer();
}

void curl_loop::collect()
{
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        CURL* easy = message->easy_handle;
        const CURLcode code = message->data.result;
        transfer* t = nullptr;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
        // Removed now and not when the caller looks, so that its connection is free for the caller's next request.
        curl_multi_remove_handle(multi_, easy);
        t->finish(code);
    }
}

void curl_loop::arm_timer()
{
    const clock::time_point at = due();
    if (at == clock::time_point::max()) { // nothing to wait for: nothing may keep the executor busy
        if (armed_ == at) return;
        armed_ = at;
        ++armings_;
        timer_.cancel();
        return;
    }
    // One that calls early enough is left alone, and armed again then; libcurl counts in whole milliseconds.
    if (armed_ <= at + std::chrono::milliseconds(1)) return;
    armed_ = at;
    timer_.expires_at(at);
    timer_.async_wait([weak = weak_from_this(), arming = ++armings_](boost::system::error_code) {
        const auto self = weak.lock();
        if (!self || arming != self->armings_) return;
        self->armed_ = clock::time_point::max();
        self->act(CURL_SOCKET_TIMEOUT, 0);
    });
}

void curl_loop::arm(const std::shared_ptr<watch>& w)
{
    const auto wait = [this, &w](int direction, bool watch::*waiting, auto type, int event) {
        if (!(w->wanted & direction) || (*w).*waiting) return;
        (*w).*waiting = true;
        w->descriptor.async_wait(type, [weak = weak_from_this(), w, waiting, direction, event](auto failed) {
            (*w).*waiting = false;
            const auto self = weak.lock();
            if (!self || w->gone) return;
            if (failed != asio::error::operation_aborted && (w->wanted & direction))
                self->act(w->descriptor.native_handle(), failed ? CURL_CSELECT_ERR : event);
            if (!w->gone) self->arm(w);
        });
    };
    wait(CURL_POLL_IN, &watch::waiting_in, asio::posix::stream_descriptor::wait_read, CURL_CSELECT_IN);
    wait(CURL_POLL_OUT, &watch::waiting_out, asio::posix::stream_descriptor::wait_write, CURL_CSELECT_OUT);
}

void curl_loop::forget(curl_socket_t socket) noexcept
{
    const auto found = watches_.find(socket);
    if (found == watches_.end()) return;
    const std::shared_ptr<watch> w = found->second; // keeps it while its waits are handed back
    watches_.erase(found);
    w->gone = true;
    w->wanted = 0;
    w->descriptor.release();
}

int curl_loop::on_socket(CURL*, curl_socket_t socket, int what, void* self_, void*) noexcept
{
    curl_loop& self = *static_cast<curl_loop*>(self_);
    auto found = self.watches_.find(socket);
    if (what == CURL_POLL_REMOVE) {
        if (found == self.watches_.end()) return 0;
        watch& w = *found->second;
        if (!w.ours) {
            self.forget(socket);
            return 0;
        }
        w.wanted = 0;
        if (w.waiting_in || w.waiting_out) w.descriptor.cancel();
        return 0;
    }
    if (found == self.watches_.end())
        found = self.watches_.emplace(socket, std::make_shared<watch>(self.executor_, socket, false)).first;
    found->second->wanted = what;
    self.arm(found->second);
    return 0;
}

curl_socket_t curl_loop::on_open(void* self_, curlsocktype, curl_sockaddr* address) noexcept
{
    curl_loop& self = *static_cast<curl_loop*>(self_);
    const int socket = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (socket < 0) return CURL_SOCKET_BAD;
    self.watches_.emplace(socket, std::make_shared<watch>(self.executor_, socket, true));
    return socket;
}

int curl_loop::on_close(void* self_, curl_socket_t socket) noexcept
{
    static_cast<curl_loop*>(self_)->forget(socket);
    return ::close(socket);
}

} // namespace rollbook::net
