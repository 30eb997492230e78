// What the simulated school says over HTTP and SMTP, and what its admin pages do to it. Source of the shapes:
// source-systems.md section 1 (Wonde) and schemas/safeguarding-api.openapi.json.

#include "tests/school/configuration.hpp"
#include "tests/school/site.hpp"

#include <catch2/catch.hpp>
#include <rapidjson/document.h>
#include <rapidjson/error/en.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace rollbook::school;

namespace {

const std::string base = "/v1.0/schools/A1000900001/";

school_options small_school(std::uint64_t seed = 1)
{
    date today;
    REQUIRE(parse_date("2026-11-20", today));
    return {seed, 60, 20, today};
}

// A site and one client of it that speaks raw HTTP, so that the parser is in every test.
class client {
public:
    explicit client(const school_options& options = small_school())
        : settings(settings_for(options.seed)), school(options, settings)
    {
        connect();
    }

    struct reply {
        int status = 0;
        std::string head, body;
        std::chrono::milliseconds delay{0};
        afterwards then = afterwards::keep;

        rapidjson::Document json() const
        {
            rapidjson::Document d;
            d.Parse(body.c_str());
            CAPTURE(body.substr(0, 300));
            REQUIRE_FALSE(d.HasParseError());
            return d;
        }
    };

    reply
    send(const std::string& method, const std::string& target, const std::string& headers, const std::string& body = "")
    {
        const auto said = talk_->take(
            method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers +
            (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") + "\r\n" + body
        );
        REQUIRE(said.size() == 1);
        reply r;
        const std::string all = said[0].bytes + said[0].more;
        r.delay = said[0].delay;
        r.then = said[0].then;
        if (r.then != afterwards::keep) connect();
        if (all.empty()) return r;
        r.status = std::stoi(all.substr(9, 3));
        const std::size_t end = all.find("\r\n\r\n");
        r.head = all.substr(0, end);
        r.body = all.substr(end + 4);
        CHECK(r.head.find("Content-Length: " + std::to_string(r.body.size())) != std::string::npos);
        return r;
    }

    reply wonde(const std::string& path)
    {
        return send("GET", base + path, "Authorization: Bearer " + settings.wonde_token + "\r\n");
    }

    reply safeguarding(const std::string& path, const std::string& method = "GET", const std::string& body = "")
    {
        return send(method, "/safeguarding/v1" + path, "Authorization: Basic " + basic() + "\r\n", body);
    }

    reply admin(const std::string& method, const std::string& what, const std::string& body = "")
    {
        return send(method, "/admin/" + what, "", body);
    }

    // Every row of a Wonde list, by following the links.
    std::vector<std::string> ids(const std::string& path)
    {
        std::vector<std::string> found;
        std::string at = path;
        for (int pages = 0; pages < 1000; ++pages) {
            const rapidjson::Document page = wonde(at).json();
            for (const auto& row : page["data"].GetArray())
                found.emplace_back(row["id"].GetString());
            const auto& links = page["meta"]["pagination"];
            CHECK(links["more"].GetBool() == links["next"].IsString());
            if (!links["more"].GetBool()) break;
            const std::string next = links["next"].GetString();
            REQUIRE(next.starts_with("http://127.0.0.1" + base));
            at = next.substr(16 + base.size());
        }
        return found;
    }

    site_settings settings;
    site school;

private:
    void connect()
    {
        talk_ = make_http_conversation([this](const http_request& r) { return school.answer(r); });
    }

    std::string basic() const
    {
        const std::string text = settings.safeguarding_user + ":" + settings.safeguarding_password;
        constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        std::string made;
        unsigned bits = 0, held = 0;
        for (const char c : text) {
            bits = bits << 8 | static_cast<unsigned char>(c);
            for (held += 8; held >= 6; held -= 6)
                made += letters[bits >> (held - 6) & 63];
        }
        if (held) made += letters[bits << (6 - held) & 63];
        while (made.size() % 4)
            made += '=';
        return made;
    }

    std::unique_ptr<conversation> talk_;
};

std::set<std::string> names_in(const rapidjson::Value& object)
{
    std::set<std::string> found;
    for (const auto& m : object.GetObject())
        found.insert(m.name.GetString());
    return found;
}

std::string file(const std::filesystem::path& path)
{
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

} // namespace

// --- Wonde ---

TEST_CASE("Wonde answers only to the token, as Bearer or as the user name of Basic", "[school]")
{
    client c;
    const std::string token = c.settings.wonde_token;
    CHECK(c.send("GET", base + "students", "").status == 401);
    CHECK(c.send("GET", base + "students", "Authorization: Bearer wrong\r\n").status == 401);
    CHECK(c.wonde("students").status == 200);
    CHECK(c.wonde("students/").status == 200);
    CHECK(c.wonde("results/").status == 404);
    CHECK(c.send("POST", base + "students", "Authorization: Bearer " + token + "\r\n", "{}").status == 405);
}

TEST_CASE("a session mark has the fields of the live model and no others", "[school]")
{
    client c;
    const auto page = c.wonde("attendance/session/?per_page=1").json();
    const auto& mark = page["data"][0];
    CHECK(
        names_in(mark) ==
        std::set<std::string>{"id", "date", "comment", "session", "employee", "attendance_code", "student"}
    );
    CHECK(std::string(mark["date"]["timezone"].GetString()) == "Europe/London");
    CHECK(std::string(mark["date"]["date"].GetString()).ends_with(" 00:00:00.000000"));
}

TEST_CASE("all marks are listed once, in ascending order of id, whatever the page size", "[school]")
{
    const auto how = GENERATE(std::string("per_page=500"), "per_page=97", "per_page=200&cursor=true", "page=1");
    CAPTURE(how);
    client c;
    const auto ids = c.ids("attendance/session?" + how);
    CHECK(ids.size() == 60 * 20 * 2);
    CHECK(std::is_sorted(ids.begin(), ids.end()));
    CHECK(std::set<std::string>(ids.begin(), ids.end()).size() == ids.size());
}

TEST_CASE("a page says where it is, and its link keeps the filters", "[school]")
{
    client c;
    const auto first = c.wonde("behaviours?include=students&incident_date_after=2026-10-20&per_page=2").json();
    const auto& links = first["meta"]["pagination"];
    CHECK(links["previous"].IsNull());
    CHECK(links["per_page"].GetInt() == 2);
    CHECK(links["current_page"].GetInt() == 1);
    CHECK(
        std::string(links["next"].GetString()) ==
        "http://127.0.0.1" + base + "behaviours?include=students&incident_date_after=2026-10-20&per_page=2&page=2"
    );
    CHECK(first["meta"]["includes"].IsArray());
    CHECK(c.wonde("attendance/session").json()["meta"]["pagination"]["per_page"].GetInt() == 50);
    CHECK(c.wonde("attendance/session?per_page=9999").json()["meta"]["pagination"]["per_page"].GetInt() == 500);
    CHECK_FALSE(c.wonde("attendance-codes").json().HasMember("meta"));
    CHECK_FALSE(c.wonde("counts?include=students").json().HasMember("meta"));
}

TEST_CASE("marks cannot be filtered by date, because nobody documents that they can", "[school]")
{
    client c;
    CHECK(
        c.ids("attendance/session?per_page=500&updated_after=2030-01-01%2000:00:00&date_from=2030-01-01").size() == 2400
    );
}

TEST_CASE("every mark's code is an opaque id that the code list explains", "[school]")
{
    client c;
    std::map<std::string, std::string> codes;
    const auto list = c.wonde("attendance-codes/").json();
    for (const auto& row : list["data"].GetArray()) {
        CHECK(
            names_in(row) ==
            std::set<std::string>{"id", "code", "description", "type", "parent_code", "government_code"}
        );
        codes[row["id"].GetString()] = row["code"].GetString();
    }
    CHECK(codes.size() >= 35);
    const auto page = c.wonde("attendance/session?per_page=500").json();
    std::set<std::string> morning, afternoon;
    for (const auto& row : page["data"].GetArray()) {
        REQUIRE(codes.contains(row["attendance_code"].GetString()));
        (row["session"] == "AM" ? morning : afternoon).insert(codes[row["attendance_code"].GetString()]);
    }
    CHECK(morning.contains("/"));
    CHECK_FALSE(morning.contains("\\"));
    CHECK(afternoon.contains("\\"));
    CHECK_FALSE(afternoon.contains("/"));
}

TEST_CASE("a UPN is shown only with education_details", "[school]")
{
    client c;
    const auto plain = c.wonde("students?per_page=1");
    CHECK(plain.body.find("upn") == std::string::npos);
    const auto page = c.wonde("students?per_page=1&include=education_details,groups").json();
    const auto& row = page["data"][0];
    CHECK(row["upi"].IsNull());
    const std::string upn = row["education_details"]["data"]["upn"].GetString();
    CHECK(upn[0] == upn_check_letter(std::string_view(upn).substr(1)));
    std::set<std::string> types;
    for (const auto& g : row["groups"]["data"].GetArray())
        types.insert(g["type"].GetString());
    CHECK(types == std::set<std::string>{"REGISTRATION", "YEAR"});
    CHECK(c.wonde(std::string("students/") + row["id"].GetString()).json()["data"]["id"] == row["id"]);
}

TEST_CASE("updated_after leaves out pupils that did not change", "[school]")
{
    client c;
    CHECK(c.ids("students").size() == 60);
    CHECK(c.ids("students?updated_after=2026-11-20%2015:30:00").empty());
    c.admin("POST", "delete", R"({"students":["A1000000003"]})");
    c.admin("POST", "restore", R"({"students":["A1000000003"]})");
    CHECK(c.ids("students?updated_after=2026-11-20%2015:30:00") == std::vector<std::string>{"A1000000003"});
}

TEST_CASE("some pupils are touched on a day that passes, and a reader since then gets only those", "[school]")
{
    client c({1, 1200, 2, small_school().today});
    c.admin("POST", "advance", R"({"days":1})");
    const auto touched = c.ids("students?updated_after=2026-11-21%2000:00:00").size();
    CHECK(touched > 0);
    CHECK(touched < 30);
}

TEST_CASE("incident_date_after leaves out incidents of that day and before", "[school]")
{
    client c;
    const auto all = c.wonde("behaviours?per_page=500").json();
    std::string middle = all["data"][all["data"].Size() / 2]["incident_date"]["date"].GetString();
    middle.resize(10);
    const auto later = c.wonde("behaviours?per_page=500&incident_date_after=" + middle).json();
    CHECK(later["data"].Size() > 0);
    CHECK(later["data"].Size() < all["data"].Size());
    for (const auto& row : later["data"].GetArray()) {
        CHECK(std::string(row["incident_date"]["date"].GetString()).substr(0, 10) > middle);
        CHECK_FALSE(row.HasMember("students"));
    }
}

TEST_CASE("suspensions give their sessions and days as strings", "[school]")
{
    client c({1, 1200, 60, small_school().today});
    const auto page = c.wonde("exclusions").json();
    REQUIRE(page["data"].Size() > 0);
    for (const auto& row : page["data"].GetArray()) {
        CHECK(row["sessions"].IsString());
        CHECK(row["days"].IsString());
        CHECK(row["student"].IsString());
    }
}

TEST_CASE("the counts are those of the list", "[school]")
{
    client c;
    CHECK(c.wonde("counts/?include=students,contacts").json()["students"]["data"]["count"].GetInt() == 60);
    CHECK_FALSE(c.wonde("counts/?include=students").json().HasMember("contacts"));
}

TEST_CASE("the same seed gives the same pages", "[school]")
{
    client a, b, other(small_school(2));
    for (const std::string path : {"students?include=education_details", "attendance/session?page=9", "behaviours"}) {
        CHECK(a.wonde(path).body == b.wonde(path).body);
        CHECK(a.wonde(path).body != other.wonde(path).body);
    }
}

// --- the admin pages ---

TEST_CASE("advancing a day adds two marks a pupil after all the others, and keeps their ids", "[school]")
{
    client c;
    const auto before = c.ids("attendance/session?per_page=500");
    const auto told = c.admin("POST", "advance", R"({"days":1})").json();
    CHECK(told["marks"].GetInt() == 2400 + 120);
    CHECK(std::string(told["last_day"].GetString()) == "2026-11-23");
    auto after = c.ids("attendance/session?per_page=500");
    REQUIRE(after.size() == 2520);
    after.resize(2400);
    CHECK(after == before);
}

TEST_CASE("an amended mark keeps its id and shows the new code, today and after", "[school]")
{
    client c;
    const auto done =
        c.admin(
             "POST", "amend", R"({"marks":[{"student":"A1000000004","date":"2026-11-20","session":"PM","code":"I"}]})"
        )
            .json();
    REQUIRE(done["changed"].Size() == 1);
    CHECK(done["changed"][0]["to"] == "I");
    c.admin("POST", "advance", R"({"days":20})");
    const auto truth = c.admin("GET", "marks?student=A1000000004&date=2026-11-20&code=I");
    CHECK(truth.body.find(done["changed"][0]["id"].GetString()) != std::string::npos);
    const std::string nobody = R"({"marks":[{"student":"A1","date":"2026-11-20","session":"PM","code":"I"}]})";
    CHECK(c.admin("POST", "amend", nobody).status == 422);
    const std::string no_code =
        R"({"marks":[{"student":"A1000000004","date":"2026-11-20","session":"PM","code":"?"}]})";
    CHECK(c.admin("POST", "amend", no_code).status == 422);
}

TEST_CASE("amend-n changes as many N as asked, and present by session", "[school]")
{
    client c({1, 1200, 30, small_school().today});
    const auto done = c.admin("POST", "amend-n", R"({"count":12,"to":"/"})").json();
    REQUIRE(done["changed"].Size() == 12);
    for (const auto& m : done["changed"].GetArray()) {
        CHECK(m["from"] == "N");
        CHECK((m["to"] == "/") == (m["session"] == "AM"));
    }
    const auto old = c.admin("POST", "amend-n", R"({"count":1000,"to":"I","older_than_days":3})").json();
    REQUIRE(old["changed"].Size() > 0);
    for (const auto& m : old["changed"].GetArray())
        CHECK(std::string(m["date"].GetString()) <= "2026-11-17");
    const std::string left = c.admin("GET", "marks?code=N").body;
    CHECK_FALSE(left.empty());
    CHECK(left.find("2026-11-16") == std::string::npos);
}

TEST_CASE("a deleted pupil moves to the leavers and the deletions, and a restored one says so", "[school]")
{
    client c;
    c.admin("POST", "delete", R"({"students":["A1000000007"]})");
    CHECK(c.ids("students").size() == 59);
    CHECK(c.ids("deletions") == std::vector<std::string>{"A1000000007"});
    CHECK(c.wonde("students-leaver").body.find("A1000000007") != std::string::npos);
    CHECK(c.wonde("students/A1000000007").status == 404);
    CHECK(c.ids("attendance/session?per_page=500").size() == 2400);
    c.admin("POST", "advance", R"({"days":1})");
    CHECK(c.ids("attendance/session?per_page=500").size() == 2400 + 118);
    c.admin("POST", "restore", R"({"students":["A1000000007"]})");
    CHECK(c.ids("deletions").empty());
    CHECK(c.wonde("students/A1000000007").json()["data"]["restored_at"].IsObject());
}

TEST_CASE("a deleted mark leaves the list and comes back at its place", "[school]")
{
    client c;
    const auto before = c.ids("attendance/session?per_page=500");
    const std::string body = R"({"marks":[")" + before[100] + R"("]})";
    c.admin("POST", "delete", body);
    CHECK(c.ids("attendance/session?per_page=500").size() == 2399);
    CHECK(c.ids("deletions") == std::vector<std::string>{before[100]});
    c.admin("POST", "restore", body);
    CHECK(c.ids("attendance/session?per_page=500") == before);
}

TEST_CASE("a raw row is listed after the real ones until rows are dropped", "[school]")
{
    client c;
    const auto at = GENERATE(std::string("attendance/session"), "students", "behaviours", "deletions");
    CAPTURE(at);
    const auto before = c.ids(at + "?per_page=500").size();
    c.admin("POST", "row", R"({"endpoint":")" + at + R"(","row":{"id":"A77","strange":[1,null]}})");
    const auto after = c.ids(at + "?per_page=500");
    CHECK(after.size() == before + 1);
    CHECK(after.back() == "A77");
    c.admin("DELETE", "row");
    CHECK(c.ids(at + "?per_page=500").size() == before);
}

TEST_CASE("figures are the sums of the marks", "[school]")
{
    client c;
    const auto told = c.admin("GET", "figures?from=2026-11-02&to=2026-11-06").json();
    REQUIRE(told["pupils"].Size() == 60);
    for (const auto& p : told["pupils"].GetArray()) {
        CHECK(p["possible"].GetInt() == 10);
        CHECK(p["present"].GetInt() + p["authorised"].GetInt() + p["unauthorised"].GetInt() == 10);
    }
    c.admin("POST", "amend", R"({"marks":[{"student":"A1000000001","date":"2026-11-03","session":"AM","code":"Q9"}]})");
    const auto then = c.admin("GET", "figures?from=2026-11-02&to=2026-11-06").json();
    CHECK(then["pupils"][0]["possible"].GetInt() == 9);
}

TEST_CASE("requests are counted by endpoint, status and whether they carried a token", "[school]")
{
    client c;
    c.wonde("students");
    c.wonde("students");
    c.send("GET", base + "students", "");
    const auto told = c.admin("GET", "requests").json();
    REQUIRE(told.Size() == 2);
    CHECK(told[0]["status"].GetInt() == 200);
    CHECK(told[0]["count"].GetInt() == 2);
    CHECK(told[0]["authorization"].GetBool());
    CHECK(told[1]["status"].GetInt() == 401);
    CHECK_FALSE(told[1]["authorization"].GetBool());
}

// --- faults ---

TEST_CASE("a status fault answers so often and then stops", "[school]")
{
    client c;
    c.admin("POST", "fault", R"({"endpoint":"students","kind":"status","status":429,"retry_after":7,"times":2})");
    for (int i = 0; i < 2; ++i) {
        const auto r = c.wonde("students");
        CHECK(r.status == 429);
        CHECK(r.head.find("Retry-After: 7\r\n") != std::string::npos);
        CHECK(r.body.find("<html>") != std::string::npos);
    }
    CHECK(c.wonde("students").status == 200);
    c.admin("POST", "fault", R"({"endpoint":"students","kind":"status","retry_after":"date:60"})");
    CHECK(c.wonde("students").head.find(" GMT\r\n") != std::string::npos);
    c.admin("DELETE", "fault");
    CHECK(c.wonde("students").status == 200);
}

TEST_CASE("a fault of one page and endpoint spares the others", "[school]")
{
    client c;
    c.admin("POST", "fault", R"({"endpoint":"attendance/session","kind":"status","status":500,"page":2})");
    CHECK(c.wonde("attendance/session?page=1").status == 200);
    CHECK(c.wonde("attendance/session?page=2").status == 500);
    CHECK(c.wonde("attendance/session?page=3").status == 200);
    CHECK(c.wonde("students?page=2").status == 200);
}

TEST_CASE("faults of the body spoil it as they say", "[school]")
{
    client c;
    const auto with = [&](const std::string& kind, const std::string& more = "") {
        c.admin("POST", "fault", R"({"endpoint":"attendance/session","kind":")" + kind + "\"" + more + "}");
        auto r = c.wonde("attendance/session?per_page=10");
        c.admin("DELETE", "fault");
        return r;
    };
    rapidjson::Document d;
    CHECK(d.Parse(with("truncated").body.c_str()).HasParseError());
    CHECK(with("wrong_type").head.find("Content-Type: text/html") != std::string::npos);
    CHECK(with("empty").json()["data"].Size() == 0);
    CHECK(with("slow", R"(,"ms":250)").delay == std::chrono::milliseconds(250));
    CHECK(with("reset").then == afterwards::reset);
    CHECK(with("huge", R"(,"megabytes":3)").body.size() > 2900000);
    CHECK(with("deep", R"(,"depth":5000)").body.find(std::string(5000, '[')) != std::string::npos);
    CHECK(with("invalid_utf8").body.find("\xc3\x28") != std::string::npos);
    CHECK(c.wonde("attendance/session?per_page=10").json()["data"].Size() == 10);
    CHECK(c.admin("POST", "fault", R"({"endpoint":"students","kind":"sulk"})").status == 422);
}

TEST_CASE("faults of the link change only the link", "[school]")
{
    client c;
    c.school.set_addresses("127.0.0.1", "localhost:9999");
    const auto link = [&](const std::string& kind) {
        c.admin("POST", "fault", R"({"endpoint":"attendance/session","kind":")" + kind + R"(","page":2})");
        const auto r = c.wonde("attendance/session?per_page=10&page=2").json();
        c.admin("DELETE", "fault");
        CHECK(r["data"].Size() == 10);
        CHECK(r["meta"]["pagination"]["more"].GetBool());
        const auto& next = r["meta"]["pagination"]["next"];
        return next.IsNull() ? std::string("null") : std::string(next.GetString());
    };
    CHECK(link("more_without_next") == "null");
    CHECK(link("same_page") == "http://127.0.0.1" + base + "attendance/session?per_page=10&page=2");
    CHECK(link("foreign_next").starts_with("http://localhost:9999/"));
}

TEST_CASE("vanish leaves out the same part of a list on every read", "[school]")
{
    client c;
    c.admin("POST", "fault", R"({"endpoint":"attendance/session","kind":"vanish","percent":30})");
    const auto once = c.ids("attendance/session?per_page=500");
    CHECK(once.size() > 2400 * 65 / 100);
    CHECK(once.size() < 2400 * 75 / 100);
    CHECK(c.ids("attendance/session?per_page=200") == once);
}

TEST_CASE("the foreign host remembers who asked it and with what", "[school]")
{
    client c;
    http_request r;
    r.method = "GET";
    r.path = "/v1.0/stolen";
    r.headers = {{"authorization", "Bearer x"}};
    c.school.answer_as_foreign_host(r);
    const auto told = c.admin("GET", "foreign").json();
    REQUIRE(told.Size() == 1);
    CHECK(std::string(told[0]["headers"]["authorization"].GetString()) == "Bearer x");
}

TEST_CASE("the webhook sink keeps what it was sent, and fails when told to", "[school]")
{
    client c;
    c.admin("POST", "fault", R"({"endpoint":"hook/teams","kind":"status","status":503,"times":1})");
    CHECK(c.send("POST", "/hook/teams", "Webhook-Id: m1\r\n", "{\"a\":1}").status == 503);
    CHECK(c.send("POST", "/hook/teams", "Webhook-Id: m1\r\n", "{\"a\":1}").status == 200);
    const auto told = c.admin("GET", "hooks").json();
    REQUIRE(told.Size() == 2);
    CHECK(told[0]["status"].GetInt() == 503);
    CHECK(std::string(told[1]["headers"]["webhook-id"].GetString()) == "m1");
    CHECK(std::string(told[1]["body"].GetString()) == "{\"a\":1}");
}

// --- the safeguarding system ---

TEST_CASE("the safeguarding system answers only with its user and password", "[school]")
{
    client c;
    CHECK(c.send("GET", "/safeguarding/v1/students", "").status == 401);
    CHECK(c.safeguarding("/students").status == 200);
}

TEST_CASE("the safeguarding system knows every pupil by MIS id, and three strangers", "[school]")
{
    client c({1, 1200, 5, small_school().today});
    std::map<std::string, std::string> mis;
    const auto& pupils = c.school.school().people().pupils;
    for (const pupil& p : pupils)
        mis[p.mis_id] = p.upn;
    int strangers = 0, without = 0, total = 0;
    for (int page = 1; page <= 13; ++page) {
        const auto got = c.safeguarding("/students?page=" + std::to_string(page)).json();
        CHECK(got["total"].GetInt() == 1203);
        CHECK(got["pages"].GetInt() == 13);
        CHECK(got["per_page"].GetInt() == 100);
        for (const auto& row : got["data"].GetArray()) {
            ++total;
            const auto known = mis.find(row["mis_id"].GetString());
            strangers += known == mis.end();
            without += row["upn"].IsNull();
            if (known != mis.end() && row["upn"].IsString()) CHECK(row["upn"].GetString() == known->second);
        }
    }
    CHECK(total == 1203);
    CHECK(strangers == 3);
    CHECK(without >= 2);
    CHECK(without <= 8);
}

TEST_CASE("incidents name pupils that the safeguarding system lists, and come in the order of entry", "[school]")
{
    client c({1, 300, 60, small_school().today});
    const auto got = c.safeguarding("/incidents?per_page=500").json();
    REQUIRE(got["data"].Size() > 20);
    std::string last;
    bool several = false;
    for (const auto& row : got["data"].GetArray()) {
        REQUIRE(row["student_ids"].Size() >= 1);
        several = several || row["student_ids"].Size() > 1;
        for (const auto& id : row["student_ids"].GetArray())
            CHECK(std::string(id.GetString()).starts_with("C-"));
        CHECK(std::string(row["incident_at"].GetString()).size() == 19);
        CHECK(std::string(row["entered_at"].GetString()) >= last);
        last = row["entered_at"].GetString();
    }
    CHECK(several);
    const auto later = c.safeguarding("/incidents?per_page=500&updated_after=2026-11-10T00:00:00Z").json();
    CHECK(later["total"].GetInt() > 0);
    CHECK(later["total"].GetInt() < got["total"].GetInt());
    for (const auto& row : later["data"].GetArray()) {
        CHECK(std::string(row["updated_at"].GetString()) > "2026-11-10T00:00:00Z");
    }
    CHECK(c.safeguarding("/incidents?updated_after=yesterday").status == 422);
}

TEST_CASE("an action is recorded once however often it is sent", "[school]")
{
    client c({1, 300, 60, small_school().today});
    const std::string body = R"({"client_reference":"a-1","text":"Telephoned home","author":"Lead"})";
    const auto first = c.safeguarding("/incidents/INC-1/actions", "POST", body);
    CHECK(first.status == 201);
    const auto again = c.safeguarding("/incidents/INC-1/actions", "POST", body);
    CHECK(again.status == 200);
    CHECK(again.body == first.body);
    CHECK(c.safeguarding("/incidents/INC-2/actions", "POST", body).status == 409);
    CHECK(c.safeguarding("/incidents/INC-1/actions", "POST", R"({"text":"x"})").status == 422);
    CHECK(c.safeguarding("/incidents/INC-99999/actions", "POST", body).status == 404);
    CHECK(c.safeguarding("/incidents/INC-1/actions").json()["data"].Size() == 1);
    CHECK(c.safeguarding("/incidents/INC-1/actions/ACT-1").body == first.body);
    CHECK(c.admin("GET", "actions").json().Size() == 1);
}

TEST_CASE("the age of the data can be set and given back", "[school]")
{
    client c;
    const auto as_of = [&] { return std::string(c.safeguarding("/students").json()["data_as_of"].GetString()); };
    CHECK(as_of() == "2026-11-20T15:30:00Z");
    c.admin("POST", "clock", R"({"data_as_of":"2026-11-18T06:00:00Z"})");
    CHECK(as_of() == "2026-11-18T06:00:00Z");
    c.admin("POST", "clock", "{}");
    CHECK(as_of() == "2026-11-20T15:30:00Z");
}

// --- the mail server ---

namespace {

// One SMTP connection; gives what the server said to each line.
class mail_client {
public:
    explicit mail_client(std::shared_ptr<mailbox> box) : talk_(make_smtp_conversation(std::move(box)))
    {
        CHECK(talk_->greeting().starts_with("220 "));
    }
    std::string say(const std::string& lines)
    {
        std::string heard;
        for (const output& o : talk_->take(lines + "\r\n")) {
            heard += o.bytes;
            if (o.then != afterwards::keep) heard += "<closed>";
        }
        return heard;
    }
    std::string send(const std::string& message)
    {
        say("EHLO x");
        say("MAIL FROM:<a@example.sch.uk> BODY=8BITMIME SIZE=10");
        const std::string rcpt = say("RCPT TO:<lead@example.sch.uk>");
        if (!rcpt.starts_with("250")) return rcpt;
        CHECK(say("DATA").starts_with("354"));
        return say(message + "\r\n.");
    }

private:
    std::unique_ptr<conversation> talk_;
};

const std::string message =
    "Message-ID: <1@x>\r\nSubject: Long\r\n subject\r\nX-Rollbook-Attempt: 2\r\n\r\nHello\r\n..dot";

} // namespace

TEST_CASE("a mail that was taken is shown with its headers unfolded and its dots taken out", "[school]")
{
    client c;
    mail_client m(c.school.mail());
    CHECK(m.say("EHLO x").find("250-8BITMIME\r\n") != std::string::npos);
    CHECK(m.send(message).starts_with("250"));
    CHECK(m.say("QUIT").ends_with("<closed>"));
    const auto told = c.admin("GET", "mail").json();
    REQUIRE(told.Size() == 1);
    CHECK(told[0]["from"] == "a@example.sch.uk");
    CHECK(told[0]["to"][0] == "lead@example.sch.uk");
    CHECK(told[0]["message_id"] == "<1@x>");
    CHECK(told[0]["headers"]["Subject"] == "Long subject");
    CHECK(told[0]["headers"]["X-Rollbook-Attempt"] == "2");
    CHECK(told[0]["body"] == "Hello\r\n.dot\r\n");
}

TEST_CASE("commands out of order are refused and RSET starts again", "[school]")
{
    client c;
    mail_client m(c.school.mail());
    CHECK(m.say("RCPT TO:<b@x>").starts_with("503"));
    CHECK(m.say("DATA").starts_with("503"));
    CHECK(m.say("MAIL FROM:<a@x>").starts_with("250"));
    CHECK(m.say("MAIL FROM:<a@x>").starts_with("503"));
    CHECK(m.say("RSET").starts_with("250"));
    CHECK(m.say("RCPT TO:<b@x>").starts_with("503"));
    CHECK(m.say("NOOP").starts_with("250"));
    CHECK(m.say("HELP").starts_with("500"));
    CHECK(m.say("MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA").find("354") != std::string::npos);
}

TEST_CASE("the mail server misbehaves as told", "[school]")
{
    const auto [kind, answer, taken] = GENERATE(table<std::string, std::string, unsigned>(
        {{"greylist", "451", 0}, {"reject", "550", 0}, {"drop_before", "<closed>", 0}, {"drop_after", "<closed>", 1}}
    ));
    CAPTURE(kind);
    client c;
    c.admin("POST", "fault", R"({"endpoint":"smtp","kind":")" + kind + R"(","times":1})");
    CHECK(mail_client(c.school.mail()).send(message).starts_with(answer));
    CHECK(c.admin("GET", "mail").json().Size() == taken);
    CHECK(mail_client(c.school.mail()).send(message).starts_with("250"));
    CHECK(c.admin("GET", "mail").json().Size() == taken + 1);
}

// --- HTTP itself ---

TEST_CASE("a request may come in pieces, and two may come at once", "[school]")
{
    client c;
    int asked = 0;
    const auto talk = make_http_conversation([&](const http_request& r) {
        ++asked;
        CHECK(r.path == "/a b");
        CHECK(*r.parameter("q") == "1 2");
        return http_response{};
    });
    const std::string one = "POST /a%20b?q=1+2 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
    for (const char byte : one.substr(0, one.size() - 1))
        CHECK(talk->take({&byte, 1}).empty());
    CHECK(talk->take("c").size() == 1);
    CHECK(talk->take(one + one).size() == 2);
    CHECK(asked == 3);
    const auto go_on = talk->take("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    REQUIRE(go_on.size() == 1);
    CHECK(go_on[0].bytes.starts_with("HTTP/1.1 100"));
    const auto refused = make_http_conversation({})->take("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].bytes.starts_with("HTTP/1.1 411"));
}

// --- the configuration ---

TEST_CASE("the written configuration names every term the marks need and keeps the secrets to the owner", "[school]")
{
    const std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("school-" + std::to_string(::getpid()));
    const school_options options{1, 20, 70, small_school().today};
    const simulated_school school(options);
    const site_settings settings = settings_for(1);
    write_configuration(folder, school, settings, 8001, 8002);

    struct stat info {};
    for (const char* secret : {"wonde.token", "safeguarding.password"}) {
        REQUIRE(::stat((folder / secret).c_str(), &info) == 0);
        CHECK((info.st_mode & 0777) == 0600);
    }
    CHECK(file(folder / "wonde.token") == settings.wonde_token + "\n");
    const std::string rollbook = file(folder / "rollbook.toml");
    CHECK(rollbook.find("base_url = \"http://127.0.0.1:8001/v1.0\"") != std::string::npos);
    CHECK(rollbook.find("smtp_url = \"smtp://127.0.0.1:8002\"") != std::string::npos);
    CHECK(rollbook.find(settings.wonde_token) == std::string::npos);
    const std::string calendar = file(folder / "calendar.toml");
    CHECK(calendar.find("Summer 2026") != std::string::npos);
    CHECK(calendar.find("Summer 2027") != std::string::npos);
    CHECK(calendar.find("{ first_day = 2026-09-03, last_day = 2026-10-23 }") != std::string::npos);
    CHECK(calendar.find("kind = \"inset\"") != std::string::npos);
    std::filesystem::remove_all(folder);
}
