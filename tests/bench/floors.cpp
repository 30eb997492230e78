#include "tests/bench/floors.hpp"

#include "daemon/net/curl_client.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string_view>

namespace rollbook::bench {
namespace {

namespace asio = boost::asio;

constexpr std::size_t batch = 1'000; // as many as one transaction of a read

// Where the next page is, found by the member's name alone.
std::string next_in(const std::string& body)
{
    constexpr std::string_view member = "\"next\":\"";
    const std::size_t at = body.rfind(member);
    if (at == body.npos) return {};
    std::string url;
    for (std::size_t i = at + member.size(); i < body.size() && body[i] != '"'; ++i)
        if (body[i] != '\\') url += body[i];
    return url;
}

asio::awaitable<void> follow(http_client& client, std::string url, std::string token, fetched& into)
{
    while (!url.empty()) {
        http_request request(std::move(url));
        request.headers.push_back("Accept: application/json");
        request.headers.push_back("Authorization: Bearer " + token);
        const std::unique_ptr<http_call> call = client.start(std::move(request));
        const result<http_response> answer = co_await call->answer();
        if (!answer || answer->status != 200) throw std::runtime_error("the simulated school does not serve its marks");
        ++into.pages;
        into.megabytes += static_cast<double>(answer->body.size()) / 1e6;
        url = next_in(answer->body);
    }
}

} // namespace

long count_marks(const std::filesystem::path& ledger)
{
    SQLite::Database database(ledger.string(), SQLite::OPEN_READONLY);
    return static_cast<long>(database.execAndGet("SELECT count(*) FROM mark").getInt64());
}

std::vector<std::string> mark_texts(const std::filesystem::path& ledger)
{
    SQLite::Database database(ledger.string(), SQLite::OPEN_READONLY);
    SQLite::Statement all(database, "SELECT payload FROM mark JOIN opening ON idx = entry ORDER BY entry");
    std::vector<std::string> texts;
    while (all.executeStep()) {
        const SQLite::Column payload = all.getColumn(0);
        const auto* bytes = static_cast<const char*>(payload.getBlob());
        texts.emplace_back(bytes, static_cast<std::size_t>(payload.getBytes()));
    }
    return texts;
}

cost store_raw(const std::filesystem::path& database, const std::vector<std::string>& texts)
{
    SQLite::Database db(database.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    db.exec("PRAGMA journal_mode = WAL");
    db.exec("PRAGMA synchronous = FULL");
    db.exec("PRAGMA wal_autocheckpoint = 4000");
    db.exec("PRAGMA cache_size = -4096");
    db.exec("CREATE TABLE mark (id TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID");
    SQLite::Statement insert(db, "INSERT INTO mark (id, text) VALUES (?, ?)");
    const stopwatch watch;
    char id[16];
    for (std::size_t i = 0; i < texts.size();) {
        SQLite::Transaction some(db);
        for (const std::size_t end = std::min(texts.size(), i + batch); i < end; ++i) {
            std::snprintf(id, sizeof id, "A%010zu", i);
            insert.bindNoCopy(1, id);
            insert.bindNoCopy(2, texts[i]);
            insert.exec();
            insert.reset();
        }
        some.commit();
    }
    return watch.so_far();
}

fetched fetch_alone(const std::string& url, const std::string& token)
{
    asio::io_context loop;
    const std::unique_ptr<http_client> client = make_http_client(loop.get_executor());
    fetched all;
    std::exception_ptr failed;
    const stopwatch watch;
    asio::co_spawn(loop, follow(*client, url, token, all), [&failed](std::exception_ptr why) { failed = why; });
    loop.run();
    all.spent = watch.so_far();
    if (failed) std::rethrow_exception(failed);
    return all;
}

} // namespace rollbook::bench
