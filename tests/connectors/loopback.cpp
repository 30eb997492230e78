#include "tests/connectors/loopback.hpp"

#include "connectors/rest/json_check.hpp"

#include <boost/asio/co_spawn.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace rollbook::test {

namespace {

std::string decoded(const std::string& text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
            i += 2;
        } else {
            out += text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

std::string lower(std::string text)
{
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return text;
}

seen_request parsed(const std::string& head, std::string body)
{
    seen_request out;
    const auto line_end = head.find("\r\n");
    const std::string line = head.substr(0, line_end);
    const auto first = line.find(' ');
    const auto second = line.find(' ', first + 1);
    out.method = line.substr(0, first);
    const std::string target = line.substr(first + 1, second - first - 1);
    const auto question = target.find('?');
    out.path = decoded(target.substr(0, question));
    std::string query = question == target.npos ? "" : target.substr(question + 1);
    while (!query.empty()) {
        const auto end = query.find('&');
        const std::string one = query.substr(0, end);
        query = end == query.npos ? "" : query.substr(end + 1);
        const auto equals = one.find('=');
        out.query[decoded(one.substr(0, equals))] = equals == one.npos ? "" : decoded(one.substr(equals + 1));
    }
    for (std::size_t at = line_end + 2; at < head.size();) {
        const auto end = std::min(head.find("\r\n", at), head.size());
        const std::string header = head.substr(at, end - at);
        if (const auto colon = header.find(':'); colon != header.npos)
            out.headers[lower(header.substr(0, colon))] = header.substr(std::min(colon + 2, header.size()));
        at = end + 2;
    }
    out.body = std::move(body);
    return out;
}

} // namespace

std::string seen_request::header(const std::string& name) const
{
    const auto at = headers.find(name);
    return at == headers.end() ? "" : at->second;
}

std::string seen_request::param(const std::string& name) const
{
    const auto at = query.find(name);
    return at == query.end() ? "" : at->second;
}

loopback_server::loopback_server(handler answers) : answers_(std::move(answers))
{
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0)
        throw std::runtime_error("no port to listen on");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
}

loopback_server::~loopback_server()
{
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
}

std::vector<seen_request> loopback_server::seen() const
{
    const std::lock_guard lock(mutex_);
    return seen_;
}

void loopback_server::serve()
{
    while (!stopping_) {
        const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (connection < 0) continue;
        converse(connection);
        ::close(connection);
    }
}

void loopback_server::converse(int connection)
{
    std::string all;
    std::size_t head_end = all.npos;
    std::size_t length = 0;
    for (char buffer[4096]; head_end == all.npos || all.size() < head_end + 4 + length;) {
        const auto got = ::read(connection, buffer, sizeof buffer);
        if (got <= 0) return;
        all.append(buffer, static_cast<std::size_t>(got));
        if (head_end != all.npos) continue;
        head_end = all.find("\r\n\r\n");
        if (head_end == all.npos) continue;
        const std::string head = lower(all.substr(0, head_end));
        if (const auto at = head.find("content-length:"); at != head.npos)
            length = std::stoul(head.substr(at + std::string("content-length:").size()));
    }
    const seen_request request = parsed(all.substr(0, head_end), all.substr(head_end + 4));
    {
        const std::lock_guard lock(mutex_);
        seen_.push_back(request);
    }
    const reply r = answers_(request);
    std::string out = "HTTP/1.1 " + std::to_string(r.status) + " X\r\nConnection: close\r\nContent-Type: " + r.type +
                      "\r\nContent-Length: " + std::to_string(r.body.size()) + "\r\n";
    for (const auto& [name, value] : r.headers)
        out += name + ": " + value + "\r\n";
    out += "\r\n" + r.body;
    for (std::size_t sent = 0; sent < out.size();) {
        const auto did = ::send(connection, out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
        if (did <= 0) return;
        sent += static_cast<std::size_t>(did);
    }
}

live_source::live_source(const manifest& m, setting_table settings, const std::string& now)
    : client(make_http_client(io.get_executor())), manifest_(m)
{
    source_configuration configured;
    configured.name = "mis";
    configured.connector = m.name;
    configured.settings = std::move(settings);
    const secret_reader secrets = [](const secret_reference& r) -> result<std::string> { return "s3cret-" + r.name; };
    const instant at = parse_instant(now).value();
    answers_the_same = std::filesystem::exists(m.file); // a manifest of the test's own is not recorded
    if (answers_the_same) kept_ = recording::begin(folder_.path / "recorded", m, configured, at).value();
    const auto keep = [this](const http_request& request, const http_response& response) {
        if (kept_) kept_->add(request, response);
    };
    source = std::move(make_rest_connector(
                           m, configured, secrets, *client, [at] { return at; }, keep
    )
                           .value());
}

template <class T> T live_source::run(boost::asio::awaitable<T> work)
{
    std::optional<T> out;
    std::exception_ptr wrong;
    boost::asio::co_spawn(io, std::move(work), [&](std::exception_ptr e, T value) {
        wrong = e;
        if (!e) out.emplace(std::move(value));
        io.stop();
    });
    io.restart();
    io.run();
    if (wrong) std::rethrow_exception(wrong);
    return std::move(*out);
}

result<void> live_source::begin()
{
    return run(source->begin_run());
}

std::size_t live_source::number_of(const std::string& name) const
{
    const auto& streams = source->streams();
    const auto at = std::find_if(streams.begin(), streams.end(), [&](const auto& s) { return s.name == name; });
    if (at == streams.end()) throw std::runtime_error("no stream " + name);
    return static_cast<std::size_t>(at - streams.begin());
}

result<read_in_full> live_source::read(const std::string& name, std::optional<civil_day> from, std::string bookmark)
{
    const std::size_t number = number_of(name);
    source->resume(number, bookmark);
    source->gives_changes(number, true);
    result<read_in_full> live = pages_of(*source, number, from);
    if (!live || !bookmark.empty() || !answers_the_same) return live;
    const result<void> again = read_off_line(name, from, *live);
    if (!again) return again.error();
    return live;
}

result<void>
live_source::read_off_line(const std::string& name, std::optional<civil_day> from, const read_in_full& live)
{
    const auto different = [&](const std::string& what) {
        return failure(errc::page_malformed, name + " read again from its recording differs: " + what, "");
    };
    if (kept_->left_out() != 0) return different("an answer could not be masked");
    auto recorded = replay(folder_.path / "recorded");
    if (!recorded) return recorded.error();
    const instant then = recorded->now;
    auto off_line =
        make_rest_connector(manifest_, recorded->source, recorded->secrets, *recorded->client, [then] { return then; });
    if (!off_line) return off_line.error();
    if (const result<void> begun = run((*off_line)->begin_run()); !begun) return begun;
    const std::size_t number = number_of(name);
    (*off_line)->resume(number, {});
    (*off_line)->gives_changes(number, true);
    const result<read_in_full> again = pages_of(**off_line, number, from);
    if (!again) return different(again.error().what);
    const auto kinds = [](const read_in_full& of) {
        std::vector<std::string> all;
        for (const std::string& line : of.lines)
            all.push_back(line.substr(0, line.find(' ')));
        return all;
    };
    if (again->pages != live.pages) return different("pages");
    if (kinds(*again) != kinds(live)) return different("records");
    if (again->rejected != live.rejected) return different("rows put aside");
    if (again->gone.size() != live.gone.size()) return different("what is gone");
    return {};
}

result<read_in_full> live_source::pages_of(connector& from, std::size_t number, std::optional<civil_day> day)
{
    read_in_full out;
    std::optional<std::string> at;
    do {
        std::optional<std::string> place = at;
        auto got = run(from.fetch_page(number, day, std::move(place)));
        if (!got) return got.error();
        ++out.pages;
        for (const reported_mark& m : got->marks) {
            std::string line = "mark ";
            line.append(m.source_id).append(" [").append(m.pupil_id).append("] ").append(format_day(m.session.day));
            line.append(" ").append(name_of(m.session.half)).append(" raw=").append(m.raw);
            line.append(" code=").append(m.statutory).append(" late=").append(std::to_string(m.minutes_late));
            out.lines.push_back(std::move(line));
        }
        for (const reported_record& r : got->records) {
            const std::string kind(name_of(r.kind));
            const auto file = root() / "schemas/canonical" / (kind + ".schema.json");
            const auto checked = check_json(r.fields, file_text(file), file);
            if (!checked) return checked.error();
            out.lines.push_back(kind + " " + r.source_id + " [" + r.pupil_id + "] " + r.fields);
        }
        for (const gone_record& g : got->gone)
            out.gone.push_back(std::string(name_of(g.kind)) + " " + g.source_id);
        for (const rejected_row& r : got->rejected)
            out.rejected.push_back(std::string(name_of(r.kind)) + ": " + r.reason);
        at = std::move(got->next);
    } while (at);
    return out;
}

setting secret_setting(const std::string& name)
{
    return given(secret_reference{secret_reference::from::file, name});
}

setting_table emulated(const loopback_server& server)
{
    setting_table out;
    out["base_url"] = given(server.url());
    return out;
}

} // namespace rollbook::test
