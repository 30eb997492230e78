#pragma once

#include "connectors/rest/rest_connector.hpp"
#include "daemon/ports/http.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <deque>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace rollbook::test {

// Answers by address from a script, at once and without a network. The last answer to an address stays.
class fake_http final : public http_client {
public:
    std::unique_ptr<http_call> start(http_request request) override
    {
        ++open;
        requests.push_back(std::move(request));
        return std::make_unique<call>(*this, requests.back().url);
    }

    void answer(const std::string& url, std::string body, int status = 200, std::string type = "application/json")
    {
        http_response r;
        r.status = status;
        r.content_type = std::move(type);
        r.body = std::move(body);
        answers[url].emplace_back(std::move(r));
    }

    std::vector<std::string> urls() const
    {
        std::vector<std::string> out;
        for (const http_request& r : requests)
            out.push_back(r.url);
        return out;
    }

    std::map<std::string, std::deque<result<http_response>>> answers;
    std::vector<http_request> requests;
    int open = 0; // calls started and not yet destroyed

private:
    class call final : public http_call {
    public:
        call(fake_http& owner, std::string url) : owner_(owner), url_(std::move(url)) {}
        ~call() override { --owner_.open; }
        boost::asio::awaitable<result<http_response>> answer() override
        {
            const auto at = owner_.answers.find(url_);
            if (at == owner_.answers.end()) throw std::runtime_error("the script has no answer for " + url_);
            result<http_response> out = at->second.front();
            if (at->second.size() > 1) at->second.pop_front();
            co_return out;
        }

    private:
        fake_http& owner_;
        std::string url_;
    };
};

template <class T> T run(boost::asio::awaitable<T> work)
{
    boost::asio::io_context context(1);
    std::optional<T> out;
    std::exception_ptr wrong;
    boost::asio::co_spawn(context, std::move(work), [&](std::exception_ptr e, T value) {
        wrong = e;
        if (!e) out.emplace(std::move(value));
    });
    context.run();
    if (wrong) std::rethrow_exception(wrong);
    return std::move(*out);
}

inline std::filesystem::path root()
{
    return ROLLBOOK_SOURCE_DIR;
}

inline std::string file_text(const std::filesystem::path& file)
{
    std::ifstream in(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
}

inline std::string fixture(const std::string& name)
{
    return file_text(root() / "tests/connectors" / name);
}

inline manifest shipped(const std::string& name)
{
    return load_manifest(root() / "connectors/manifests" / (name + ".json"), root() / "schemas").value();
}

template <class T> setting given(T value, int line = 7)
{
    setting s;
    s.value = std::move(value);
    s.line = line;
    return s;
}

inline const std::string wonde_base = "https://api.example.test/v1.0";
inline const std::string wonde_school = wonde_base + "/schools/A1000900001";

inline source_configuration wonde_source()
{
    source_configuration source;
    source.name = "mis";
    source.connector = "wonde";
    source.line = 3;
    source.settings["base_url"] = given(wonde_base);
    source.settings["school_id"] = given(std::string("A1000900001"));
    source.settings["token"] = given(secret_reference{secret_reference::from::file, "wonde.token"});
    source.settings["per_page"] = given(std::int64_t(2));
    return source;
}

inline source_configuration safeguarding_source()
{
    source_configuration source;
    source.name = "cpoms";
    source.settings["base_url"] = given(std::string("https://cpoms.example.test/v1/"));
    source.settings["user"] = given(std::string("reader"));
    source.settings["password"] = given(secret_reference{secret_reference::from::file, "cpoms.password"});
    return source;
}

inline std::unique_ptr<connector> connect(const std::string& name, const source_configuration& source, fake_http& http)
{
    const secret_reader secrets = [](const secret_reference&) -> result<std::string> { return std::string("s3cret"); };
    return std::move(make_rest_connector(shipped(name), source, secrets, http).value());
}

} // namespace rollbook::test
