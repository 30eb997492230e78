// Whole requests to the pages, by an account of each role: addresses, queries and forms put together from good parts
// and bytes at random. Two seconds, or as many as SITE_FUZZ_SECONDS says; SITE_FUZZ_SEED repeats a run.

#include "daemon/base/url_encoding.hpp"
#include "daemon/ports/record_mapping.hpp"
#include "daemon/reports/report.hpp"
#include "tests/unit/web/site_fixture.hpp"

#include <cstdlib>
#include <iostream>
#include <random>

namespace rollbook {
namespace {

class request_maker {
public:
    explicit request_maker(std::uint64_t seed) : random_(seed) {}

    std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }
    bool once_in(std::size_t n) { return below(n) == 0; }
    const std::string& one_of(const std::vector<std::string>& all) { return all[below(all.size())]; }

    std::string value()
    {
        static const std::vector<std::string> good = {
            "",
            "0",
            "1",
            "17",
            "18446744073709551615",
            "-1",
            "P-1",
            "P-2",
            "P-99999",
            "mis:A1",
            "cpoms:c9",
            "8",
            "9Z",
            "form",
            "year",
            "absence",
            "all",
            "ended",
            "show",
            "yes",
            "session-mark",
            "access",
            "settings",
            "2026-11-23",
            "2026-11-23T12:30",
            "2026-11-23T12:30:00Z",
            "0000-00-00",
            "9999-12-31",
            "2026-13-45",
            "acknowledge",
            "take-up",
            "park",
            "close",
            "note",
            "act",
            "finish",
            "hold-meeting",
            "silence",
            "marker",
            "end-marker",
            "open-pupil",
            "close-pupil",
            "call",
            "penalty-notice",
            "reached-explained",
            "auditor",
            "pastoral",
            "year=8, form=9B",
            "house=red",
            "<script>alert(1)</script>",
            "=1+1",
            "\xC3\xA9\xF0\x9F\x98\x80",
            "on"};
        std::string text = one_of(good);
        while (once_in(3))
            mutate(text);
        return text;
    }

    std::string path()
    {
        static const std::vector<std::string> good = [] {
            std::vector<std::string> all = {"/",         "/login",    "/setup",     "/logout",
                                            "/today",    "/calls",    "/alerts",    "/baseline",
                                            "/pupils",   "/findings", "/groups",    "/statements",
                                            "/sources",  "/rules",    "/ledger",    "/ledger/checkpoint",
                                            "/reports",  "/accounts", "/style.css", "/healthz",
                                            "/readyz",   "/metrics",  "/alerts/",   "/pupils/P-",
                                            "/entries/", "/proofs/",  "/rules/why", "/rules/backtest",
                                            "/exports"};
            for (const report_kind& each : report_kinds())
                all.push_back("/reports/" + std::string(each.name));
            return all;
        }();
        std::string text = one_of(good);
        if (text.ends_with('/') || text.ends_with('-')) text += once_in(8) ? value() : std::to_string(below(50));
        static const std::vector<std::string> endings = {"", "", "", ".json", ".csv", ".xlsx", ".exe"};
        text += one_of(endings);
        if (once_in(8)) mutate(text);
        return text;
    }

    // As a browser would send them, or something like it.
    std::string fields()
    {
        static const std::vector<std::string> names = {
            "known_at", "pupil",    "from",    "to",         "year",  "form",    "order",  "state",   "kind",
            "what",     "before",   "by",      "names",      "rule",  "all",     "do",     "action",  "action_id",
            "owner",    "adult",    "outcome", "text",       "on",    "due",     "review", "account", "name",
            "scope",    "password", "code",    "setup_code", "again", "pending", "next",   "pupil_1", "pupil_2",
            "alert_34", "marker_7", "tell",    "key",        "added", "go",      "rows",   "source",  "stage_tutor"};
        std::string all;
        while (!once_in(4))
            all += (all.empty() ? "" : "&") + url_encoded(once_in(20) ? value() : one_of(names)) + "=" +
                   (once_in(10) ? value() : url_encoded(value()));
        return all;
    }

    // A form with a file, as a browser sends it or spoilt on the way.
    std::string file_form(const std::string& token)
    {
        const auto part = [](const std::string& headers, const std::string& value) {
            return "--edge\r\nContent-Disposition: form-data; " + headers + "\r\n\r\n" + value + "\r\n";
        };
        std::string all = part("name=\"form_token\"", once_in(4) ? value() : token) +
                          part("name=\"source\"", once_in(4) ? value() : "cpoms") +
                          part("name=\"file\"; filename=\"a.csv\"", std::string(below(5'000), 'r')) + "--edge--\r\n";
        while (once_in(3))
            mutate(all);
        return all;
    }

private:
    void mutate(std::string& text)
    {
        const std::size_t at = below(text.size() + 1);
        switch (below(4)) {
        case 0: text.insert(at, 1, static_cast<char>(below(256))); break;
        case 1:
            if (at < text.size()) text.erase(at, 1 + below(4));
            break;
        case 2:
            if (at < text.size()) text[at] = static_cast<char>(below(256));
            break;
        default: text += std::string(below(40), 'x');
        }
    }
    std::mt19937_64 random_;
};

// What nobody of the role may ever be sent.
std::vector<std::string> forbidden_to(role who)
{
    switch (who) {
    case role::auditor: return {"Ahmed", "Brown", "Zenith", "Attendance; Home"};
    case role::governor:
    case role::admin: return {"Ahmed", "Brown", "Zenith", "Attendance; Home", "Disruption"};
    case role::office: return {"Zenith", "Attendance; Home", "Disruption"};
    case role::pastoral: return {"Brown", "Zenith", "Attendance; Home"};
    case role::dsl: return {};
    default: return {"Zenith", "Attendance; Home"};
    }
}

TEST_CASE_METHOD(
    site_fixture,
    "whatever is asked, a page is an answer in plain words that tells a role no more than it may know",
    "[web]"
)
{
    pupil(
        "mis",
        "X9",
        R"({"forename":"<script>alert(1)</script>","registration_group":"8B","surname":"O'Hara","year":"8"})"
    );
    support::temporary_folder uploads;
    std::uint64_t added = 0;
    auto mapping = std::make_shared<mapping_file>();
    mapping->records.emplace_back();
    config.sources[1].connector = "report";
    config.sources[1].mapping = mapping;
    surround = [&](web_surroundings& around) {
        around.uploads = uploads.path;
        around.try_export = [](const configuration&, auto&&...) -> result<export_preview> {
            export_preview found;
            found.rows = 2;
            found.aside.push_back({1, "<script>alert(1)</script>", {{"pupil_upn", "X999999999999"}}});
            found.rows_aside = 1;
            return found;
        };
        around.add_export = [&](const configuration&, auto&&...) -> result<void> {
            ++added;
            return {};
        };
    };
    open();
    const char* seconds = std::getenv("SITE_FUZZ_SECONDS");
    const char* seeded = std::getenv("SITE_FUZZ_SEED");
    const std::uint64_t seed = seeded ? std::strtoull(seeded, nullptr, 10) : std::random_device()();
    request_maker make(seed);
    std::vector<web_fields> sessions;
    std::vector<std::string> tokens;
    for (const account& each : desk.book.all()) {
        log_in(each.role);
        sessions.push_back(cookies);
        tokens.push_back(token_in(get("/rules")));
    }
    const std::vector<account> people = desk.book.all();
    std::uint64_t asked = 0;
    // From after the log-ins, which take their time on a busy machine.
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(seconds ? std::atoi(seconds) : 2);
    for (; std::chrono::steady_clock::now() < until; ++asked) {
        const std::size_t who = make.below(people.size());
        const std::string path = make.path();
        web_request request;
        request.method = make.once_in(4) ? "POST" : "GET";
        const auto target = parse_target(request.is_post() ? path : path + "?" + make.fields());
        const auto form = parse_form(request.is_post() ? make.fields() : "");
        if (!target || !form) continue; // as the server refuses it
        request.target = *target;
        request.form = *form;
        if (!make.once_in(4)) request.form["form_token"] = tokens[who];
        // Nobody logs out, and no account of theirs changes.
        if (request.is_post() && (path.starts_with("/logout") || path.starts_with("/accounts"))) continue;
        if (request.is_post() && path.starts_with("/ledger")) continue;
        if (!make.once_in(20)) request.cookies = sessions[who];
        request.host = "rollbook.example";
        request.peer = "198.51." + std::to_string(asked / 250 % 250) + "." + std::to_string(asked % 250);
        const bool is_logged_in = !request.cookies.empty();
        std::optional<body_in_pieces> file;
        if (request.is_post() && request.target.path == "/exports" && make.once_in(2)) {
            request.content_type = "multipart/form-data; boundary=edge";
            request.form.clear();
            file.emplace(make.file_form(tokens[who]), 1 + make.below(700));
            if (make.once_in(4)) file->breaks_after = make.below(5);
            request.body = &*file;
        }
        const web_answer got = test::run(loop, pages->answer(std::move(request)));
        CAPTURE(seed, asked, name_of(people[who].role), path, got.status);
        const std::vector<int> known = {200, 303, 400, 401, 403, 404, 405, 429, 503};
        if (std::ranges::count(known, got.status) == 0) FAIL(got.body);
        if (got.body.find("<script") != std::string::npos && got.type.starts_with("text/html")) FAIL(got.body);
        for (const std::string& word : forbidden_to(people[who].role))
            if (got.body.find(word) != std::string::npos) FAIL(word << " in " << got.body);
        if (!is_logged_in && got.body.find("Ahmed") != std::string::npos) FAIL(got.body);
        desk.decided.clear();
        desk.told.clear();
    }
    if (seconds) std::cout << asked << " requests, seed " << seed << '\n';
    CHECK(asked > 0);
    // Nobody asks for a file by its key at random.
    CHECK(added == 0);
}

} // namespace
} // namespace rollbook
