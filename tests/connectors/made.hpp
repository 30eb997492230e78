#pragma once

#include "tests/connectors/fake_http.hpp"

#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

namespace rollbook::test {

// A manifest of one stream of pupils at /list, with `stream` and `more` as further members of the stream and of the
// manifest.
inline result<manifest> made_manifest(const std::string& stream, const std::string& more = "")
{
    const std::string text =
        R"({"manifest":1,"name":"made","version":"1","title":"Made","role":"mis","basis":"documented",)"
        R"("spec":{"base_url":{"type":"url","title":"A","description":"B","required":true},)"
        R"("key":{"type":"string","title":"K","description":"B","secret":true,"required":true}},)" +
        std::string(R"("requester":{"base_url":"{base_url}"},)") +
        (more.find("authenticator") == more.npos ? R"("authenticator":{"type":"none"},)" : "") + more +
        R"("streams":[{"name":"pupils","path":"/list",)" + stream +
        (stream.find("\"records\"") == stream.npos ? R"("records":"rows",)" : "") +
        (stream.find("\"paginator\"") == stream.npos ? R"("paginator":{"type":"none"},)" : "") +
        R"("lists_all":true,"record":{"kind":"pupil","source_id":"id","pupil":"id","fields":{"surname":"name"}}}]})";
    const auto folder = std::filesystem::temp_directory_path() / ("rollbook-made-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "made.json") << text;
    auto m = load_manifest(folder / "made.json", root() / "schemas");
    std::filesystem::remove_all(folder);
    return m;
}

// That manifest over answers from a script, at a time that the test says.
struct made_source {
    explicit made_source(const std::string& stream, const std::string& more = "")
    {
        source_configuration configured;
        configured.name = "mis";
        configured.settings["base_url"] = given(base);
        configured.settings["key"] = given(secret_reference{secret_reference::from::file, "key"});
        const secret_reader secrets = [](const secret_reference&) -> result<std::string> {
            return std::string("s3cret");
        };
        source = std::move(make_rest_connector(made_manifest(stream, more).value(), configured, secrets, http, [this] {
                               return now;
                           }).value());
    }

    http_response& answer(const std::string& path, std::string body, int status = 200)
    {
        http_response r;
        r.status = status;
        r.content_type = "application/json";
        r.body = std::move(body);
        http.answers[base + path].emplace_back(std::move(r));
        return *http.answers[base + path].back();
    }

    struct outcome {
        std::string ids; // of the records, with spaces between
        std::string gone;
        std::size_t skipped = 0;
        std::optional<failure> why;
    };
    // Reads the stream to its end from a bookmark.
    outcome read(const std::string& bookmark = "", bool allowed = true)
    {
        outcome out;
        source->resume(0, bookmark);
        source->gives_changes(0, allowed);
        std::optional<std::string> at;
        do {
            std::optional<std::string> place = at;
            auto got = run(source->fetch_page(0, std::nullopt, std::move(place)));
            if (!got) {
                out.why = got.error();
                return out;
            }
            for (const auto& r : got->records)
                out.ids += (out.ids.empty() ? "" : " ") + r.source_id;
            for (const auto& g : got->gone)
                out.gone += (out.gone.empty() ? "" : " ") + g.source_id;
            out.skipped += got->skipped;
            at = std::move(got->next);
        } while (at);
        return out;
    }

    const std::string base = "https://made.example.test";
    instant now = parse_instant("2026-09-09T12:00:00Z").value();
    fake_http http;
    std::unique_ptr<connector> source;
};

inline std::string rows_of(const std::string& ids)
{
    std::string out;
    for (std::size_t at = 0; at < ids.size(); at += 2)
        out += (at ? "," : "") + std::string(R"({"id":")") + ids[at] + R"("})";
    return R"({"rows":[)" + out + "]}";
}

} // namespace rollbook::test
