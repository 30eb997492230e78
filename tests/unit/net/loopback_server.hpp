#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

// Real servers on loopback for the tests: blocking sockets on threads of their own, on ports the system picks. Nothing
// waits longer than ten seconds.
namespace rollbook::test {

class connection {
public:
    explicit connection(int socket) : socket_(socket)
    {
        const timeval limit{10, 0};
        setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        const int on = 1;
        setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    ~connection() { close(socket_); }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    // One line without its CRLF; empty optional at the end of the stream.
    std::optional<std::string> line()
    {
        for (;;) {
            if (const auto end = held_.find("\r\n"); end != held_.npos) {
                std::string text = held_.substr(0, end);
                held_.erase(0, end + 2);
                return text;
            }
            if (!more()) return {};
        }
    }
    std::string bytes(std::size_t count)
    {
        while (held_.size() < count && more()) {
        }
        std::string text = held_.substr(0, count);
        held_.erase(0, count);
        return text;
    }
    void write(std::string_view text)
    {
        while (!text.empty()) {
            const auto sent = send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                is_open_ = false;
                return;
            }
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    // Until a write failed.
    bool is_open() const { return is_open_; }
    // Waits until the client closes.
    void drain()
    {
        while (more())
            held_.clear();
    }
    void stop() { shutdown(socket_, SHUT_RDWR); }

private:
    bool more()
    {
        char buffer[65536];
        const auto got = recv(socket_, buffer, sizeof buffer, 0);
        if (got <= 0) return false;
        held_.append(buffer, static_cast<std::size_t>(got));
        return true;
    }
    int socket_;
    bool is_open_ = true;
    std::string held_;
};

// Serves every connection with `serve`, each on a thread.
class loopback_server {
public:
    explicit loopback_server(std::function<void(connection&)> serve) : serve_(std::move(serve))
    {
        listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 16) != 0 ||
            getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            throw std::runtime_error("no port on loopback");
        port_ = ntohs(address.sin_port);
        acceptor_ = std::thread([this] { accept_all(); });
    }
    ~loopback_server()
    {
        shutdown(listener_, SHUT_RDWR);
        acceptor_.join();
        close(listener_);
        for (auto& open : connections_)
            open.stop();
        for (auto& thread : threads_)
            thread.join();
    }
    int port() const { return port_; }
    std::string origin() const { return "http://127.0.0.1:" + std::to_string(port_); }
    int connections() const { return count_; }

private:
    void accept_all()
    {
        for (;;) {
            const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (socket < 0) return;
            ++count_;
            connection& open = connections_.emplace_back(socket);
            threads_.emplace_back([this, &open] {
                serve_(open);
                open.stop();
            });
        }
    }
    std::function<void(connection&)> serve_;
    int listener_ = -1;
    int port_ = 0;
    std::atomic<int> count_{0};
    std::list<connection> connections_; // touched by the acceptor, and by the destructor once it has ended
    std::list<std::thread> threads_;
    std::thread acceptor_;
};

struct seen_request {
    std::string method;
    std::string target;
    std::map<std::string, std::string> headers; // names in lower case
    std::string body;
};

inline std::optional<seen_request> read_request(connection& from)
{
    const auto first = from.line();
    if (!first) return {};
    seen_request seen;
    seen.method = first->substr(0, first->find(' '));
    const auto target = first->find(' ') + 1;
    seen.target = first->substr(target, first->rfind(' ') - target);
    for (;;) {
        const auto line = from.line();
        if (!line) return {};
        if (line->empty()) break;
        std::string name = line->substr(0, line->find(':'));
        for (char& c : name)
            c = static_cast<char>(tolower(c));
        const auto value = line->find_first_not_of(' ', name.size() + 1);
        seen.headers[name] = value == line->npos ? "" : line->substr(value);
    }
    if (const auto length = seen.headers.find("content-length"); length != seen.headers.end())
        seen.body = from.bytes(std::stoul(length->second));
    return seen;
}

inline std::string http_answer(std::string_view status, std::string_view headers, std::string_view body)
{
    std::string text = "HTTP/1.1 ";
    text.append(status).append("\r\n").append(headers);
    text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
    return text;
}

// Answers every request with what `answer` makes of it, connections kept open, and remembers the requests.
class loopback_http {
public:
    explicit loopback_http(std::function<std::string(const seen_request&)> answer)
        : server_([this, answer = std::move(answer)](connection& open) {
              while (auto request = read_request(open)) {
                  const std::string text = answer(*request);
                  {
                      const std::lock_guard lock(mutex_);
                      seen_.push_back(std::move(*request));
                  }
                  arrived_.notify_all();
                  open.write(text);
              }
          })
    {
    }
    std::string origin() const { return server_.origin(); }
    int port() const { return server_.port(); }
    int connections() const { return server_.connections(); }
    std::vector<seen_request> seen() const
    {
        const std::lock_guard lock(mutex_);
        return seen_;
    }
    // True when `count` requests have come within ten seconds.
    bool arrived(std::size_t count)
    {
        std::unique_lock lock(mutex_);
        return arrived_.wait_for(lock, std::chrono::seconds(10), [&] { return seen_.size() >= count; });
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable arrived_;
    std::vector<seen_request> seen_;
    loopback_server server_; // last: its threads end first
};

} // namespace rollbook::test
