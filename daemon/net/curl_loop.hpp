#pragma once

// Inside daemon/net only: the face of this folder is curl_client.hpp.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace rollbook::net {

// Makes libcurl ready, once for the program.
void curl_begin();

struct list_freer {
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using curl_list = std::unique_ptr<curl_slist, list_freer>;
void append(curl_list& list, const std::string& line);

class curl_loop;

// One easy handle under way in a loop. Destroying it cancels it.
class transfer {
public:
    explicit transfer(std::shared_ptr<curl_loop> loop);
    ~transfer();
    transfer(const transfer&) = delete;
    transfer& operator=(const transfer&) = delete;

    CURL* easy() const noexcept { return easy_; }
    // Hands the prepared handle to libcurl, which connects or sends before this returns where it can without waiting.
    void start();
    // Waits for the end; false when the wait was cancelled first.
    boost::asio::awaitable<bool> finished();
    CURLcode code() const noexcept { return code_; }
    // What libcurl says beyond the code; may be empty.
    std::string detail() const { return error_.data(); }

private:
    friend class curl_loop;
    void finish(CURLcode code);

    std::shared_ptr<curl_loop> loop_;
    CURL* easy_;
    std::array<char, CURL_ERROR_SIZE> error_{};
    CURLcode code_ = CURLE_OK;
    bool under_way_ = false;
    bool done_ = false;
    boost::asio::steady_timer ended_; // never fires by itself: its cancellation is the news
};

// libcurl's multi interface, driven by Asio: libcurl says which socket it waits for and until when, we tell it what
// came. One thread; handles and connections are kept for the next transfer.
class curl_loop : public std::enable_shared_from_this<curl_loop> {
public:
    explicit curl_loop(boost::asio::any_io_executor executor);
    ~curl_loop();
    curl_loop(const curl_loop&) = delete;
    curl_loop& operator=(const curl_loop&) = delete;

    const boost::asio::any_io_executor& executor() const noexcept { return executor_; }

private:
    friend class transfer;
    struct watch;
    using clock = std::chrono::steady_clock;

    CURL* take_handle();
    void give_back(CURL* easy) noexcept;
    void add(transfer& t);
    void remove(transfer& t) noexcept;
    clock::time_point due() const; // when libcurl wants to be called, whatever comes
    void act(curl_socket_t socket, int events);
    void collect();
    void arm_timer();
    void arm(const std::shared_ptr<watch>& w);
    void forget(curl_socket_t socket) noexcept;

    static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) noexcept;
    static curl_socket_t on_open(void* self, curlsocktype, curl_sockaddr* address) noexcept;
    static int on_close(void* self, curl_socket_t socket) noexcept;

    boost::asio::any_io_executor executor_;
    CURLM* multi_;
    std::vector<CURL*> idle_; // handles ready for use
    std::unordered_map<curl_socket_t, std::shared_ptr<watch>> watches_;
    boost::asio::steady_timer timer_;
    clock::time_point armed_ = clock::time_point::max(); // when the timer will call us
    unsigned armings_ = 0;
};

} // namespace rollbook::net
