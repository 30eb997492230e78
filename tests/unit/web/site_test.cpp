#include "daemon/base/sha256.hpp"
#include "tests/unit/web/site_fixture.hpp"

#include <filesystem>
#include <fstream>
#include <thread>

namespace rollbook {
namespace {

TEST_CASE_METHOD(site_fixture, "who is not logged in is shown nothing but the log-in", "[web]")
{
    CHECK(header_of(get("/today"), "Location") == "/login?next=%2Ftoday");
    CHECK(get("/today.json").status == 401);
    CHECK(get("/alerts.csv").status == 401);
    CHECK(get("/login").status == 200);
    CHECK(get("/healthz").body == "ok\n");
    CHECK(get("/style.css").type == "text/css; charset=utf-8");
    CHECK(get("/metrics").status == 404); // not from another machine
    CHECK(get("/nothing").status == 404);
}

TEST_CASE_METHOD(site_fixture, "a log-in takes name, password and code, and the code only once", "[web]")
{
    CHECK(try_log_in("lead", "wrong password").status == 403);
    CHECK(try_log_in("nobody", std::string(password)).status == 403);
    const web_answer in = try_log_in("lead", std::string(password));
    CHECK(in.status == 303);
    CHECK_THAT(header_of(in, "Set-Cookie"), Catch::Contains("HttpOnly") && Catch::Contains("SameSite=Strict"));
    CHECK(try_log_in("lead", std::string(password)).status == 403);
}

TEST_CASE_METHOD(
    site_fixture, "a password's hash of another cost is made anew by a log-in that is right in all", "[web]"
)
{
    const std::string earlier =
        "$argon2id$v=19$m=19456,t=2,p=1$9dKqN+YNll8NGKSnIZ3oTg$rPVjFybQlMmTvUCAxA5UxjB4F7/GCNjAka4RBkaKJUY";
    account held = desk.book.find("lead").value();
    held.password = earlier;
    desk.book.put(held);

    const web_answer form = get("/login");
    keep_cookies(form);
    const web_fields wrong_code{
        {"form_token", token_in(form)}, {"name", "lead"}, {"password", std::string(password)}, {"code", "no code"}};
    CHECK(post("/login", wrong_code).status == 403);
    CHECK(try_log_in("lead", "wrong password").status == 403);
    CHECK(desk.book.find("lead")->password == earlier);

    const web_answer in = try_log_in("lead", std::string(password));
    REQUIRE(in.status == 303);
    const std::string made = desk.book.find("lead")->password;
    CHECK(made != earlier);
    CHECK_FALSE(is_of_other_cost(made));
    CHECK(is_password(made, password));
    keep_cookies(in);
    CHECK(get("/alerts").status == 200); // the session stays good

    log_in(role::lead);
    CHECK(desk.book.find("lead")->password == made);
}

TEST_CASE_METHOD(site_fixture, "five wrong tries lock the name, the right password too", "[web]")
{
    stands_still = std::chrono::steady_clock::now();
    for (int i = 0; i < 5; ++i)
        CHECK(try_log_in("lead", "wrong password").status == 403);
    CHECK(try_log_in("lead", std::string(password)).status == 429);
}

TEST_CASE_METHOD(site_fixture, "a page's verification is given the keys of the school's witnesses", "[web]")
{
    const verifier_key witness = make_verifier_key("auditor.example/w", key_kind::witness, rollbook::hash{});
    config.witness.emplace();
    config.witness->vkeys = {format_vkey(witness)};
    key = make_verifier_key("ledger.example.sch.uk/900001", key_kind::log, rollbook::hash{});
    open();
    log_in(role::auditor);
    const std::string token = token_in(get("/ledger"));
    REQUIRE(post("/ledger/verify", {{"form_token", token}}, "http://rollbook.example").status == 303);
    while (get("/ledger.json").body.find("\"running\":true") != std::string::npos)
        std::this_thread::yield();
    REQUIRE(ledger->asked.witnesses.size() == 1);
    CHECK(ledger->asked.witnesses.front() == witness);
}

// What a program of others reads: names and bytes of the files of a tar archive.
std::map<std::string, std::string> files_in(web_stream& archive)
{
    std::string bytes;
    for (std::string part = archive.next(); !part.empty(); part = archive.next())
        bytes += part;
    CHECK(bytes.size() == archive.size());
    std::map<std::string, std::string> files;
    for (std::size_t at = 0; at + 512 <= bytes.size() && bytes[at] != '\0';) {
        const std::size_t size = std::stoull(bytes.substr(at + 124, 11), nullptr, 8);
        files[bytes.data() + at] = bytes.substr(at + 512, size);
        at += 512 + (size + 511) / 512 * 512;
    }
    return files;
}

TEST_CASE_METHOD(
    site_fixture,
    "the bundle is an entry before it is made, and its openings are an auditor's by what the account may see",
    "[web]"
)
{
    key = make_verifier_key("ledger.example.sch.uk/900001", key_kind::log, rollbook::hash{});
    std::vector<std::uint64_t> went;
    bool had_openings = false;
    exported = [&](const export_request& wanted) {
        CHECK(desk.told.back() == "checkpoint kept");
        had_openings = wanted.openings;
        went.clear();
        for (entry_index i = 0; i < ledger->size(); ++i)
            ledger->entries(i, i + 1, [&](const entry_view& each) {
                if (!each.payload.empty() && wanted.wants(i, each.payload)) went.push_back(i);
                return true;
            });
        std::filesystem::create_directories(wanted.folder / "tile" / "0");
        std::ofstream(wanted.folder / "checkpoint") << "a note\n";
        std::ofstream(wanted.folder / "tile" / "0" / "000.p") << std::string(100'000, 'x');
    };
    open();
    for (const auto& [as, view, openings] :
         {std::tuple(role::lead, "export", false),
          {role::admin, "export", false},
          {role::auditor, "export-openings", true}}) {
        CAPTURE(name_of(as));
        log_in(as);
        const std::string token = token_in(get("/ledger"));
        desk.told.clear();
        CHECK(post("/ledger/bundle", {}).status == 403);
        CHECK(desk.told.empty());
        const web_answer got = post("/ledger/bundle", {{"form_token", token}});
        REQUIRE(got.status == 200);
        REQUIRE(got.stream);
        CHECK(desk.told.front() == std::string(name_of(as)) + " - " + view);
        CHECK(had_openings == openings);
        const auto files = files_in(*got.stream);
        CHECK(files.size() == 2);
        CHECK(files.at("rollbook-ledger/checkpoint") == "a note\n");
        CHECK(files.at("rollbook-ledger/tile/0/000.p") == std::string(100'000, 'x'));
    }
    CHECK(std::ranges::count(went, late_mark) == 1);
    CHECK(std::ranges::count(went, open_alert) == 1);
    for (const entry_index kept_back : {ana, ana_in_cpoms, stranger, link})
        CHECK(std::ranges::count(went, kept_back) == 0);
    CHECK(std::filesystem::is_empty(bundles.path));
    log_in(role::governor);
    CHECK(post("/ledger/bundle", {}).status == 404);
    log_in(role::pastoral);
    CHECK(post("/ledger/bundle", {}).status == 404);
}

TEST_CASE_METHOD(site_fixture, "the openings of a bundle are within the scope of the auditor's account", "[web]")
{
    key = make_verifier_key("ledger.example.sch.uk/900001", key_kind::log, rollbook::hash{});
    std::set<entry_index> went;
    exported = [&](const export_request& wanted) {
        went.clear();
        for (entry_index i = 0; i < ledger->size(); ++i)
            ledger->entries(i, i + 1, [&](const entry_view& each) {
                if (!each.payload.empty() && wanted.wants(i, each.payload)) went.insert(i);
                return true;
            });
        std::filesystem::create_directories(wanted.folder);
        std::ofstream(wanted.folder / "checkpoint") << "a note\n";
    };
    open();
    const entry_index eve =
        pupil("mis", "E5", R"({"forename":"Eve","registration_group":"9Z","surname":"Evans","year":"9"})");
    const entry_index of_ana = std::exchange(ana, eve); // whose marks the fixture writes
    const entry_index own = mark("2026-11-20", half_day::pm, "L", "L", 50, {first_read, second_read, false});
    ana = of_ana;
    const auto ask = [&] {
        log_in(role::auditor);
        CHECK(post("/ledger/bundle", {{"form_token", token_in(get("/ledger"))}}).status == 200);
    };
    ask();
    for (const entry_index each : {own, late_mark, open_alert})
        CHECK(went.contains(each));

    account narrowed = desk.book.find("auditor").value();
    narrowed.scope.years = {"9"};
    desk.book.put(narrowed);
    ask();
    CHECK(went.contains(own));
    for (const entry_index each : {late_mark, open_alert, ana, eve})
        CHECK_FALSE(went.contains(each));
}

TEST_CASE_METHOD(
    site_fixture,
    "a bundle that cannot be made leaves nothing behind and says why, and the next can be asked for",
    "[web]"
)
{
    exported = {};
    open();
    log_in(role::auditor);
    for (int i = 0; i < 2; ++i) {
        const web_answer got = post("/ledger/bundle", {{"form_token", token_in(get("/ledger"))}});
        CHECK(got.status == 500);
        CHECK_THAT(got.body, Catch::Contains("There is no key"));
    }
}

TEST_CASE_METHOD(site_fixture, "a form without its token, or from elsewhere, does nothing", "[web]")
{
    log_in(role::lead);
    const std::string token = token_in(get("/today"));
    CHECK(post("/ledger/verify", {}).status == 403);
    CHECK(post("/ledger/verify", {{"form_token", std::string(64, '0')}}).status == 403);
    CHECK(post("/ledger/verify", {{"form_token", token}}, "https://elsewhere.example").status == 403);
    CHECK(post("/ledger/verify", {{"form_token", token}}, "http://rollbook.example").status == 303);
    CHECK(get("/logout").status == 405);
    CHECK(post("/today", {{"form_token", token}}).status == 405);
    CHECK(post("/logout", {{"form_token", token}}).status == 303);
    CHECK(get("/today").status == 303);
}

TEST_CASE_METHOD(site_fixture, "a decision on an alert's page is carried out under the account's name", "[web]")
{
    log_in(role::lead);
    const std::string page = "/alerts/" + std::to_string(open_alert);
    const std::string token = token_in(get(page));
    const web_answer done = post(
        page,
        {{"form_token", token},
         {"do", "act"},
         {"action", "meeting"},
         {"owner", "tutor"},
         {"due", "2026-11-30"},
         {"text", "with the family\r\nat nine"}}
    );
    CHECK(done.status == 303);
    CHECK(header_of(done, "Location") == page);
    REQUIRE(desk.decided.size() == 1);
    const decision_request& asked = desk.decided[0];
    CHECK(asked.kind == decision_kind::act);
    CHECK(asked.about == open_alert);
    CHECK(asked.action == "meeting");
    CHECK(asked.owner == "tutor");
    CHECK(asked.due == on("2026-11-30"));
    CHECK(asked.text == "with the family\nat nine");
    CHECK(asked.by == "lead");
    CHECK(asked.user == "lead");

    CHECK(post(page, {{"form_token", token}, {"do", "finish"}, {"action_id", "7"}, {"outcome", "held"}}).status == 303);
    CHECK(desk.decided.back().about == 7);
    CHECK(desk.decided.back().alert == open_alert); // and no action of another alert

    desk.refuses = true;
    const web_answer refused = post(page, {{"form_token", token}, {"do", "acknowledge"}});
    CHECK(refused.status == 400);
    CHECK_THAT(refused.body, Catch::Contains("The third notice in three years is not allowed."));
}

TEST_CASE_METHOD(site_fixture, "a form that says too little, or what no page can do, decides nothing", "[web]")
{
    log_in(role::lead);
    const std::string page = "/alerts/" + std::to_string(open_alert);
    const std::string token = token_in(get(page));
    for (const web_fields& form : std::vector<web_fields>{
             {{"do", "note"}},
             {{"do", "close"}, {"outcome", "closed"}},
             {{"do", "act"}},
             {{"do", "act"}, {"action", "decision"}},
             {{"do", "act"}, {"action", "penalty-notice"}},
             {{"do", "act"}, {"action", "call"}, {"due", "tomorrow"}},
             {{"do", "act"}, {"action", "plan"}, {"due", "2026-11-30"}, {"review", "2026-11-29"}},
             {{"do", "finish"}, {"action_id", "7"}},
             {{"do", "finish"}, {"outcome", "done"}},
             {{"do", "finish"}, {"action_id", "7"}, {"outcome", "done at last"}},
             {{"do", "note"}, {"text", "a \x01"}},
             {{"do", "silence"}, {"text", "a word"}},
             {{"do", "erase"}},
         }) {
        web_fields with_token = form;
        with_token["form_token"] = token;
        CAPTURE(form.begin()->second, form.size());
        CHECK(post(page, with_token).status == 400);
    }
    CHECK(post(page, {{"form_token", std::string(64, '0')}, {"do", "acknowledge"}}).status == 403);
    CHECK(desk.decided.empty());
}

TEST_CASE_METHOD(
    site_fixture, "only who answers for pupils decides, about alerts that they see, and not in the past", "[web]"
)
{
    const std::string page = "/alerts/" + std::to_string(open_alert);
    for (const role each : {role::office, role::auditor, role::governor, role::admin}) {
        CAPTURE(name_of(each));
        log_in(each);
        CHECK_THAT(get(page).body, !Catch::Contains("name=\"do\""));
        const std::string token = token_in(get("/rules"));
        const int status = post(page, {{"form_token", token}, {"do", "acknowledge"}}).status;
        CHECK((status == 403 || status == 404));
    }
    CHECK(desk.decided.empty());
    for (const role each : {role::lead, role::pastoral, role::senior, role::dsl}) {
        CAPTURE(name_of(each));
        log_in(each);
        const std::string token = token_in(get(page));
        CHECK(post(page, {{"form_token", token}, {"do", "acknowledge"}}).status == 303);
        CHECK_THAT(get(page + "?known_at=2026-11-23T12:30:00Z").body, !Catch::Contains("name=\"do\""));
        CHECK(post("/alerts/999999", {{"form_token", token}, {"do", "acknowledge"}}).status == 404);
    }
    CHECK(desk.decided.size() == 4);
}

TEST_CASE_METHOD(site_fixture, "an account that is reset or removed has no session any more", "[web]")
{
    log_in(role::lead);
    CHECK(get("/today").status == 200);
    account_request asked;
    asked.name = "lead";
    asked.command = account_request::kind::reset;
    asked.setup_hash = std::string(64, 'a');
    REQUIRE(change_account(desk.book, asked, on("2026-11-23"), at("2026-11-23T13:00:00Z")).has_value());
    CHECK(get("/today").status == 303);
}

TEST_CASE_METHOD(site_fixture, "each role may open its own pages, and the others are not there", "[web]")
{
    const auto [as, open, closed] = GENERATE(table<role, std::vector<std::string>, std::vector<std::string>>({
        {role::lead,
         {"/today", "/alerts", "/pupils", "/findings", "/groups", "/statements", "/ledger", "/rules"},
         {"/accounts"}},
        {role::office, {"/today", "/pupils"}, {"/accounts"}},
        {role::pastoral, {"/today", "/pupils"}, {"/accounts"}},
        {role::senior, {"/today", "/groups"}, {"/accounts"}},
        {role::dsl, {"/today", "/findings"}, {"/accounts"}},
        {role::governor,
         {"/groups", "/rules"},
         {"/today", "/alerts", "/pupils", "/findings", "/ledger", "/statements", "/sources", "/accounts"}},
        {role::auditor, {"/alerts", "/ledger", "/statements", "/pupils"}, {"/today", "/accounts"}},
        {role::admin,
         {"/sources", "/accounts", "/statements", "/ledger"},
         {"/today", "/alerts", "/pupils", "/findings", "/groups"}},
    }));
    CAPTURE(name_of(as));
    log_in(as);
    for (const std::string& path : open)
        for (const char* ending : {"", ".json", ".csv"}) {
            CAPTURE(path, ending);
            CHECK(get(path + ending).status == 200);
        }
    for (const std::string& path : closed) {
        CAPTURE(path);
        CHECK(get(path).status == 404);
        CHECK(get(path + ".json").status == 404);
    }
    const std::string entry = "/entries/" + std::to_string(late_mark);
    CHECK(get(entry).status == (as == role::governor || as == role::admin ? 404 : 200));
    const std::string pupil = "/pupils/P-" + std::to_string(ana);
    CHECK(get(pupil).status == (as == role::governor || as == role::admin ? 404 : 200));
}

TEST_CASE_METHOD(site_fixture, "names are for those who work with pupils, the auditor has references", "[web]")
{
    log_in(role::lead);
    CHECK_THAT(get("/alerts").body, Catch::Contains("Ana Ahmed"));
    log_in(role::auditor);
    const std::vector<std::string> paths = {
        "/alerts",
        "/pupils",
        "/findings",
        "/pupils/P-" + std::to_string(ana),
        "/entries/" + std::to_string(ana),
        "/alerts/" + std::to_string(open_alert)};
    for (const std::string& path : paths) {
        for (const char* ending : {"", ".json", ".csv"}) {
            CAPTURE(path, ending);
            const web_answer page = get(path + ending);
            REQUIRE(page.status == 200);
            CHECK_THAT(page.body, !Catch::Contains("Ana") && !Catch::Contains("Ahmed") && !Catch::Contains(upn_text));
        }
    }
}

TEST_CASE_METHOD(site_fixture, "what a safeguarding system says is the designated lead's alone", "[web]")
{
    const std::string pupil = "/pupils/P-" + std::to_string(ana);
    const std::string unknown = "/pupils/P-" + std::to_string(stranger);
    log_in(role::dsl);
    CHECK_THAT(get(pupil).body, Catch::Contains("Attendance; Home") && Catch::Contains("Disruption"));
    CHECK_THAT(get("/findings").body, Catch::Contains("pupil-only-in-safeguarding"));
    CHECK(get(unknown).status == 200);
    for (const role as : {role::lead, role::pastoral, role::senior, role::auditor}) {
        log_in(as);
        CHECK_THAT(
            get(pupil).body, !Catch::Contains("Home") && Catch::Contains("Disruption") && !Catch::Contains("cpoms")
        );
        CHECK_THAT(get("/findings").body, !Catch::Contains("pupil-only-in-safeguarding"));
        CHECK(get(unknown).status == 404);
        CHECK(get("/entries/" + std::to_string(ana_in_cpoms)).status == 404);
        CHECK(get("/proofs/" + std::to_string(ana_in_cpoms)).status == 404);
    }
    log_in(role::office);
    CHECK_THAT(get(pupil).body, !Catch::Contains("Home") && !Catch::Contains("Disruption"));
}

TEST_CASE_METHOD(site_fixture, "a pupil called by a tag is shown as text", "[web]")
{
    const entry_index cuckoo =
        pupil("mis", "X9", R"({"forename":"<script>alert(1)</script>","surname":"O'Hara & \"Co\""})");
    log_in(role::lead);
    const std::string page = get("/pupils/P-" + std::to_string(cuckoo)).body;
    CHECK_THAT(page, !Catch::Contains("<script") && Catch::Contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    CHECK_THAT(get("/pupils").body, !Catch::Contains("<script"));
}

TEST_CASE_METHOD(
    site_fixture, "the first view of a pupil on a day is told to the ledger, and each file of a list", "[web]"
)
{
    log_in(role::lead);
    const std::string ref = "P-" + std::to_string(ana);
    get("/pupils/" + ref);
    get("/pupils/" + ref);
    get("/alerts/" + std::to_string(open_alert)); // of the same pupil
    get("/alerts");
    get("/pupils/P-" + std::to_string(ben));
    get("/alerts.csv");
    get("/alerts.csv");
    CHECK(
        desk.told ==
        std::vector<std::string>{
            "lead " + ref + " page",
            "lead P-" + std::to_string(ben) + " page",
            "lead - file /alerts.csv",
        }
    );
}

TEST_CASE_METHOD(site_fixture, "a page as known in the past shows what was known then, and links stay there", "[web]")
{
    log_in(role::lead);
    const std::string then = "?known_at=2026-11-23T09:00:00Z";
    const std::string pupil = "/pupils/P-" + std::to_string(ana);
    CHECK_THAT(get(pupil + ".csv").body, Catch::Contains("2026-11-23,AM,U"));
    CHECK_THAT(get(pupil + ".csv" + then).body, Catch::Contains("2026-11-23,AM,N"));
    const std::string page = get("/alerts" + then).body;
    CHECK_THAT(
        page, Catch::Contains("As known at 23 November 2026 at 09:00") && Catch::Contains("No alert of this kind")
    );
    CHECK_THAT(page, Catch::Contains("/today?known_at=2026-11-23T09%3A00%3A00.000Z"));
    CHECK_THAT(get("/alerts?known_at=2020-01-01").body, Catch::Contains("Rollbook began on 23 November 2026"));
    CHECK(get("/alerts?known_at=yesterday").status == 400);
    CHECK_THAT(get("/alerts?known_at=2100-01-01").body, Catch::Contains("has not come yet"));
}

TEST_CASE_METHOD(site_fixture, "an address that asks too often is told to wait", "[web]")
{
    stands_still = std::chrono::steady_clock::now();
    int refused = 0;
    for (int i = 0; i < 200; ++i)
        refused += get("/healthz").status == 429;
    CHECK(refused == 80);
}

TEST_CASE_METHOD(site_fixture, "a simulation says so on every page", "[web]")
{
    ledger->simulated = true;
    open();
    CHECK_THAT(get("/login").body, Catch::Contains("SIMULATION"));
    log_in(role::lead);
    for (const nav_item& each : navigation_of(role::lead)) {
        CAPTURE(each.path);
        CHECK_THAT(get(std::string(each.path)).body, Catch::Contains("SIMULATION"));
    }
}

TEST_CASE_METHOD(site_fixture, "an account is set up once, with its code, a password and an authenticator", "[web]")
{
    account_request asked;
    asked.name = "new";
    asked.role = role::lead;
    asked.setup_hash = to_hex(sha256(as_bytes("ABCD-EFGH-JKMN-PQRS-TVWX-YZ01")));
    REQUIRE(change_account(desk.book, asked, on("2026-11-23"), desk.now()).has_value());
    const web_answer form = get("/setup");
    keep_cookies(form);
    web_fields fields = {
        {"form_token", token_in(form)},
        {"name", "new"},
        {"setup_code", "abcd efgh jkmn pqrs tvwx yz01"},
        {"password", "a new long password"},
        {"again", "a new long password"}};
    SECTION("a wrong code, a short or blank password and two that differ are refused")
    {
        web_fields wrong = fields;
        wrong["setup_code"] = "ABCD-EFGH-JKMN-PQRS-TVWX-YZ02";
        CHECK(post("/setup", wrong).status == 403);
        wrong = fields;
        for (const char* each : {"", "short", "            "}) {
            wrong["password"] = wrong["again"] = each;
            CHECK(post("/setup", wrong).status == 400);
        }
        wrong = fields;
        wrong["again"] = "another long password";
        CHECK(post("/setup", wrong).status == 400);
        CHECK_FALSE(desk.book.find("new")->is_set_up());
    }
    SECTION("with all of them it can log in, and the code is of no more use")
    {
        const web_answer key = post("/setup", fields);
        REQUIRE(key.status == 200);
        const std::string start = "name=\"pending\" value=\"";
        const std::string pending = key.body.substr(key.body.find(start) + start.size(), 64);
        CHECK(post("/setup", {{"form_token", token_in(key)}, {"pending", pending}, {"code", "000000"}}).status == 403);
        CHECK_FALSE(desk.book.find("new")->is_set_up());
        std::string letters = key.body.substr(key.body.find("class=\"secret\">") + 15, 39);
        char* bytes = nullptr;
        std::size_t size = 0;
        REQUIRE(oath_base32_decode(letters.data(), letters.size(), &bytes, &size) == OATH_OK);
        std::array<char, 7> code{};
        oath_totp_generate(bytes, size, std::time(nullptr), 30, 0, 6, code.data());
        free(bytes);
        CHECK(
            post("/setup", {{"form_token", token_in(key)}, {"pending", pending}, {"code", code.data()}}).status == 303
        );
        CHECK(desk.book.find("new")->is_set_up());
        CHECK(post("/setup", fields).status == 403);
    }
}

} // namespace
} // namespace rollbook
