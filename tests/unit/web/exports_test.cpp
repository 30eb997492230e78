#include "daemon/ports/record_mapping.hpp"
#include "tests/unit/web/site_fixture.hpp"

#include <fstream>

namespace rollbook {
namespace {

namespace fs = std::filesystem;

std::string text_in(const fs::path& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

struct exports_fixture : site_fixture {
    support::temporary_folder uploads;
    export_preview found;
    std::optional<failure> why;
    std::string looked_at;  // what the file said when it was looked through
    std::string remembered; // the bookmark it was looked through with
    std::vector<std::string> added;
    std::optional<failure> not_added;

    exports_fixture()
    {
        auto mapping = std::make_shared<mapping_file>();
        mapping->records.emplace_back();
        mapping->shape = "shape-1";
        config.sources[1].connector = "report";
        config.sources[1].mapping = mapping;
        found.rows = 3;
        found.rows_aside = 1;
        found.kinds = {{"concern", 2}};
        found.reasons = {{"pupil_upn was turned into a number by a spreadsheet", 1}};
        found.aside.push_back({2, "pupil_upn was turned into a number by a spreadsheet", {{"pupil_upn", "9.99E+99"}}});
        desk.bookmarks["cpoms"] = "read so far";
        begin();
    }

    void begin()
    {
        surround = [this](web_surroundings& around) {
            around.uploads = uploads.path;
            around.try_export =
                [this](const configuration&, const std::string& source, const fs::path& folder, const std::string& bookmark, instant, const std::atomic<bool>*)
                -> result<export_preview> {
                CHECK(source == "cpoms");
                looked_at = text_in(folder / "export");
                remembered = bookmark;
                CHECK((fs::status(folder).permissions() & ~fs::perms::owner_all) == fs::perms::none);
                if (why) return *why;
                return found;
            };
            around.add_export =
                [this](const configuration&, const std::string& source, const fs::path& file, instant) -> result<void> {
                CHECK(desk.told.back() == "dsl - add-export cpoms");
                if (not_added) return *not_added;
                added.push_back(source + " " + text_in(file));
                return {};
            };
        };
        open();
    }

    std::string form(const std::string& token, const std::string& content, const std::string& source = "cpoms")
    {
        const auto part = [](const std::string& headers, const std::string& value) {
            return "--edge\r\nContent-Disposition: form-data; " + headers + "\r\n\r\n" + value + "\r\n";
        };
        return part("name=\"form_token\"", token) + part("name=\"source\"", source) +
               part("name=\"file\"; filename=\"Ana Ahmed.csv\"", content) + "--edge--\r\n";
    }

    web_answer send(body_in_pieces& body, const std::string& type = "multipart/form-data; boundary=edge")
    {
        web_request request;
        request.method = "POST";
        request.target = parse_target("/exports").value();
        request.content_type = type;
        request.peer = "192.0.2.7";
        request.host = "rollbook.example";
        request.cookies = cookies;
        request.body = &body;
        return test::run(loop, pages->answer(std::move(request)));
    }
    web_answer send(const std::string& body, std::size_t piece = 50)
    {
        body_in_pieces pieces(body, piece);
        return send(pieces);
    }

    std::string key()
    {
        const std::string body = get("/exports.json").body;
        const std::size_t at = body.find("\"key\":\"");
        return at == body.npos ? "" : body.substr(at + 7, 64);
    }
    std::size_t files_held() const
    {
        if (!fs::exists(uploads.path)) return 0;
        std::size_t count = 0;
        for (const auto& each : fs::recursive_directory_iterator(uploads.path))
            count += each.is_regular_file();
        return count;
    }
    web_answer decide(const std::string& what)
    {
        return post("/exports", {{"form_token", token_in(get("/exports"))}, {"key", key()}, {"do", what}});
    }
};

TEST_CASE_METHOD(
    exports_fixture, "an export is looked through, shown masked and kept from its source until the dsl adds it", "[web]"
)
{
    log_in(role::dsl);
    const std::string content(5'000, 'r');
    REQUIRE(send(form(token_in(get("/exports")), content)).status == 303);
    CHECK(looked_at == content);
    CHECK(remembered == "read so far");
    CHECK(added.empty());
    desk.told.clear();
    const web_answer shown = get("/exports");
    CHECK_THAT(shown.body, Catch::Contains("9.99E+99") && Catch::Contains("was turned into a number"));
    CHECK(shown.body.find("Ana Ahmed") == std::string::npos);
    CHECK_THAT(get("/exports.csv").body, Catch::Contains("2,pupil_upn was turned into a number"));
    CHECK(header_of(decide("add"), "Location") == "/exports?added=cpoms");
    CHECK(added == std::vector<std::string>{"cpoms " + content});
    CHECK(desk.read_soon == std::vector<std::string>{"cpoms"});
    CHECK(files_held() == 0);
    CHECK_THAT(get("/exports?added=cpoms").body, Catch::Contains("Added for cpoms"));
    CHECK(get("/exports?added=nothing").body.find("Added for") == std::string::npos);
}

TEST_CASE_METHOD(exports_fixture, "nobody but the dsl adds an export, and no byte of theirs is read", "[web]")
{
    for (const role each :
         {role::lead, role::office, role::pastoral, role::senior, role::governor, role::auditor, role::admin}) {
        CAPTURE(name_of(each));
        log_in(each);
        CHECK(get("/exports").status == 404);
        body_in_pieces body(form("x", "y"), 10);
        CHECK(send(body).status == 404);
        CHECK(body.asked == 0);
        CHECK(post("/exports", {{"do", "add"}}).status == 404);
    }
    cookies = {{"rollbook_session", "none"}};
    body_in_pieces body(form("x", "y"), 10);
    CHECK(send(body).status == 401);
    CHECK(body.asked == 0);
}

TEST_CASE_METHOD(exports_fixture, "a file is written down only once its form is known to be ours", "[web]")
{
    log_in(role::dsl);
    const std::string token = token_in(get("/exports"));
    CHECK(send(form(std::string(64, '0'), "rows")).status == 403);
    CHECK(send(form("", "rows")).status == 403);
    CHECK(send(form(token, "rows", "mis")).status == 400);
    CHECK(send(form(token, "rows", "nothing")).status == 400);
    CHECK(send(form(token, "")).status == 400);
    CHECK(send("no form at all").status == 400);
    CHECK(send("").status == 400);
    body_in_pieces broken(form(token, std::string(1'000, 'r')), 50);
    broken.breaks_after = 10;
    CHECK(send(broken).status == 400);
    body_in_pieces other(form(token, "rows"), 50);
    CHECK(send(other, "multipart/mixed; boundary=edge").status == 400);
    CHECK(looked_at.empty());
    CHECK(files_held() == 0);
    CHECK_THAT(get("/exports.json").body, Catch::Contains("\"waiting\":null"));
    REQUIRE(send(form(token, "rows")).status == 303); // and the next one is taken
}

TEST_CASE_METHOD(exports_fixture, "what cannot be read, or was read before, is said and cannot be added", "[web]")
{
    log_in(role::dsl);
    const std::string token = token_in(get("/exports"));
    SECTION("cannot be read")
    {
        why = failure(errc::source_misconfigured, "the file lacks the heading \"UPN\"", "Export it with that column.");
        REQUIRE(send(form(token, "rows")).status == 303);
        CHECK_THAT(
            get("/exports").body, Catch::Contains("lacks the heading") && Catch::Contains("Export it with that column")
        );
    }
    SECTION("was read before")
    {
        found = {};
        found.was_read_before = true;
        REQUIRE(send(form(token, "rows")).status == 303);
        CHECK_THAT(get("/exports").body, Catch::Contains("This file was read already"));
    }
    SECTION("no row can be taken")
    {
        found.rows_aside = found.rows;
        REQUIRE(send(form(token, "rows")).status == 303);
    }
    CHECK(get("/exports").body.find("value=\"add\"") == std::string::npos);
    CHECK(decide("add").status == 400);
    CHECK(added.empty());
    CHECK(decide("discard").status == 303);
    CHECK(files_held() == 0);
}

TEST_CASE_METHOD(
    exports_fixture,
    "a file that waits goes when another takes its place, with the log-out, and with the next start",
    "[web]"
)
{
    log_in(role::dsl);
    std::string token = token_in(get("/exports"));
    REQUIRE(send(form(token, "first")).status == 303);
    const std::string first = key();
    REQUIRE(send(form(token, "second")).status == 303);
    CHECK(files_held() == 1);
    CHECK(post("/exports", {{"form_token", token}, {"key", first}, {"do", "add"}}).status == 404);
    CHECK(added.empty());
    REQUIRE(post("/logout", {{"form_token", token}}).status == 303);
    CHECK(files_held() == 0);

    log_in(role::dsl);
    token = token_in(get("/exports"));
    fs::create_directories(uploads.path / "7");
    std::ofstream(uploads.path / "7" / "export") << "of an earlier run";
    CHECK(files_held() == 1);
    begin();
    CHECK(files_held() == 0);
}

TEST_CASE_METHOD(exports_fixture, "a file that was looked through by another mapping is not added", "[web]")
{
    log_in(role::dsl);
    REQUIRE(send(form(token_in(get("/exports")), "rows")).status == 303);
    const std::string held = key();
    const std::string token = token_in(get("/exports"));
    auto changed = std::make_shared<mapping_file>(*config.sources[1].mapping);
    changed->shape = "shape-2";
    config.sources[1].mapping = changed;
    pages->take(config);
    CHECK_THAT(get("/exports.json").body, Catch::Contains("\"waiting\":null"));
    CHECK(post("/exports", {{"form_token", token}, {"key", held}, {"do", "add"}}).status == 400);
    CHECK(added.empty());
}

TEST_CASE_METHOD(
    exports_fixture, "a folder that cannot be written to is said, and the file is asked for again", "[web]"
)
{
    log_in(role::dsl);
    not_added = failure(errc::source_misconfigured, "the folder of the exports cannot be written to", "Let it.");
    REQUIRE(send(form(token_in(get("/exports")), "rows")).status == 303);
    const web_answer no = decide("add");
    CHECK(no.status == 500);
    CHECK_THAT(no.body, Catch::Contains("cannot be written to"));
    CHECK(desk.read_soon.empty());
    CHECK(files_held() == 0);
}

TEST_CASE("exports are forgotten after half an hour, and too many do not wait", "[web]")
{
    support::temporary_folder root;
    waiting_exports waiting(root.path);
    const steady_moment now{};
    for (int i = 0; i < 8; ++i) {
        auto made = waiting.begin("user " + std::to_string(i)).value();
        made->until_steady = now + std::chrono::minutes(30 + i);
        std::ofstream(made->file()) << "rows";
        waiting.keep("user " + std::to_string(i), made);
    }
    CHECK_FALSE(waiting.begin("another").has_value());
    CHECK(waiting.begin("user 3").has_value());
    CHECK(waiting.forget(now + std::chrono::minutes(29)) == now + std::chrono::minutes(30));
    CHECK(waiting.of("user 0") != nullptr);
    const fs::path gone = waiting.of("user 0")->file();
    CHECK(waiting.forget(now + std::chrono::minutes(30)) == now + std::chrono::minutes(31));
    CHECK(waiting.of("user 0") == nullptr);
    CHECK_FALSE(fs::exists(gone));
    CHECK(waiting.begin("another").has_value());
    CHECK(waiting.forget(now + std::chrono::hours(1)) == std::nullopt);
}

} // namespace
} // namespace rollbook
