#pragma once

#include "connectors/rest/recording.hpp"
#include "connectors/rest/rest_connector.hpp"
#include "daemon/net/curl_client.hpp"
#include "tests/connectors/fake_http.hpp"
#include "tests/support/ledger_folder.hpp"

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace rollbook::test {

// What a server was asked.
struct seen_request {
    std::string method;
    std::string path;                           // without the query, decoded
    std::map<std::string, std::string> query;   // decoded
    std::map<std::string, std::string> headers; // names in lower case
    std::string body;

    std::string header(const std::string& name) const;
    std::string param(const std::string& name) const;
};

struct reply {
    int status = 200;
    std::string body;
    std::string type = "application/json";
    std::vector<std::pair<std::string, std::string>> headers;

    reply() = default;
    explicit reply(std::string text, int code = 200) : status(code), body(std::move(text)) {}
};

// A real HTTP server on a port of this machine, in a thread of its own: what a system's emulator answers with.
class loopback_server {
public:
    using handler = std::function<reply(const seen_request&)>;
    explicit loopback_server(handler answers);
    ~loopback_server();
    loopback_server(const loopback_server&) = delete;
    loopback_server& operator=(const loopback_server&) = delete;

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    std::vector<seen_request> seen() const;

private:
    void serve();
    void converse(int connection);

    handler answers_;
    int listener_ = -1;
    int port_ = 0;
    std::atomic<bool> stopping_{false};
    mutable std::mutex mutex_;
    std::vector<seen_request> seen_;
    std::thread thread_;
};

// All that a stream gave.
struct read_in_full {
    std::vector<std::string> lines; // "pupil 1 [1] {…}", and for a mark "mark 1 [2] 2026-09-07 AM raw=/ code=/ late=-1"
    std::vector<std::string> rejected;
    std::vector<std::string> gone;
    std::size_t pages = 0;
};

// A shipped manifest, run against a server over the real client. Records are held against their schemas. What the
// server answered is recorded, and a stream that was read in full is read again from the recording, off line: the same
// pages, the same kinds of record in the same order, the same rows put aside.
class live_source {
public:
    live_source(const manifest& m, setting_table settings, const std::string& now = "2026-09-09T12:00:00Z");

    result<void> begin();
    // Reads stream `name` from its first page to its last.
    result<read_in_full> read(const std::string& name, std::optional<civil_day> from = {}, std::string bookmark = {});
    // The number of the stream of that name.
    std::size_t number_of(const std::string& name) const;

    bool answers_the_same = true; // false: a recording of this server is not to be read again

    boost::asio::io_context io{1};
    std::unique_ptr<http_client> client;
    std::unique_ptr<connector> source;

private:
    template <class T> T run(boost::asio::awaitable<T> work);
    result<read_in_full> pages_of(connector& from, std::size_t number, std::optional<civil_day> day);
    result<void> read_off_line(const std::string& name, std::optional<civil_day> from, const read_in_full& live);

    manifest manifest_;
    support::temporary_folder folder_;
    std::shared_ptr<recording> kept_;
};

setting_table emulated(const loopback_server& server);
setting secret_setting(const std::string& name);

} // namespace rollbook::test
