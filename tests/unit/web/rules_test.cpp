#include "daemon/base/json.hpp"
#include "tests/unit/web/site_fixture.hpp"

#include <future>

namespace rollbook {
namespace {

// The fixture's school has a calendar, a rule on incidents and one on who is on the watch list.
struct rules_fixture : site_fixture {
    rules_fixture()
    {
        config.calendar = school_calendar(
            {{"Autumn", {{on("2026-09-03"), on("2026-12-18")}}}},
            {},
            {{half_day::am, std::chrono::minutes(525), std::chrono::minutes(555), {}, on("2026-09-01")},
             {half_day::pm, std::chrono::minutes(800), std::chrono::minutes(830), {}, on("2026-09-01")}}
        );
        config.rules.front().stages.front().at_least = 3;
        rule incidents = config.rules.front();
        incidents.id = "incidents";
        incidents.title = "Incidents <b>";
        incidents.measure = "incidents";
        rule watched = config.rules.front();
        watched.id = "watched";
        watched.title = "On the list";
        watched.cohort.watch_list = true;
        config.rules.push_back(incidents);
        config.rules.push_back(watched);
        open();
    }

    std::string of(entry_index pupil, const std::string& more = "", const std::string& ending = ".json") const
    {
        return "/rules/why" + ending + "?pupil=P-" + std::to_string(pupil) + more;
    }

    std::set<std::string> rules_told(entry_index pupil)
    {
        std::set<std::string> ids;
        const web_answer got = get(of(pupil));
        REQUIRE(got.status == 200);
        json_document::parse(got.body).value().root()["standings"].for_each_element([&](json_view each) {
            ids.emplace(each["rule"].as_string());
        });
        return ids;
    }
};

TEST_CASE_METHOD(rules_fixture, "why not says what is there, what is needed and what counts", "[web]")
{
    log_in(role::lead);
    const web_answer got = get(of(ana, "&rule=repeated-lateness"));
    REQUIRE(got.status == 200);
    const json_document page = json_document::parse(got.body).value();
    const json_view one = page.root()["standings"].at(0);
    CHECK(!one["met"].as_bool());
    CHECK(one["value"].as_int() == 2);
    CHECK(one["next_stage"]["needed"].as_int() == 1);
    CHECK(one["evidence"].at(0).as_int() == static_cast<std::int64_t>(late_mark));
    CHECK(one["evidence"].at(1).as_int() == static_cast<std::int64_t>(recoded));
    CHECK(!one["falls_on"].is_null());
    CHECK(desk.told == std::vector<std::string>{"lead P-" + std::to_string(ana) + " page"});
    const web_answer html = get(of(ana, "", ""));
    CHECK_THAT(html.body, Catch::Contains("1 more until the stage tutor") && !Catch::Contains("Incidents <b>"));
    CHECK_THAT(get(of(ana, "", ".csv")).body, Catch::Contains("repeated-lateness"));
}

TEST_CASE_METHOD(rules_fixture, "a rule shows to whoever may see all that it counts, met or not", "[web]")
{
    const auto [as, told] = GENERATE(table<role, std::set<std::string>>({
        {role::lead, {"repeated-lateness", "incidents"}},
        {role::office, {"repeated-lateness"}},
        {role::pastoral, {"repeated-lateness", "incidents"}},
        {role::auditor, {"repeated-lateness", "incidents"}},
        {role::dsl, {"repeated-lateness", "incidents", "watched"}},
    }));
    CAPTURE(name_of(as));
    log_in(as);
    CHECK(rules_told(ana) == told);
    for (const char* id : {"repeated-lateness", "incidents", "watched", "no-such-rule"}) {
        CAPTURE(id);
        const int status = told.contains(id) ? 200 : 404;
        CHECK(get(of(ana, std::string("&rule=") + id)).status == status);
        CHECK(get(std::string("/rules/backtest.json?go=1&rule=") + id).status == status);
    }
}

TEST_CASE_METHOD(
    rules_fixture, "where a safeguarding system gives incidents, rules on them are the lead's for safeguarding", "[web]"
)
{
    record(what::incident, "cpoms", "i9", no_entry, R"({"day":"2026-11-18","type":"Disruption"})");
    open();
    log_in(role::lead);
    CHECK(rules_told(ana) == std::set<std::string>{"repeated-lateness"});
    log_in(role::dsl);
    CHECK(rules_told(ana).contains("incidents"));
}

TEST_CASE_METHOD(
    rules_fixture, "a pupil whom the reader does not see is not there, nor are roles without pupils", "[web]"
)
{
    log_in(role::pastoral);
    CHECK(get(of(ben)).status == 404);
    CHECK(get("/rules/why?pupil=mis:B2").status == 404);
    log_in(role::lead);
    CHECK(get(of(ben)).status == 200);
    CHECK(get(of(stranger)).status == 404);
    CHECK(get("/rules/why?pupil=mis:A1").status == 404);
    for (const role as : {role::governor, role::admin}) {
        log_in(as);
        CHECK(get(of(ana)).status == 404);
        CHECK(get("/rules/backtest").status == 404);
    }
    log_in(role::auditor);
    CHECK_THAT(get(of(ana, "", "")).body, !Catch::Contains("Ahmed"));
}

TEST_CASE_METHOD(rules_fixture, "a backtest counts by week and stage, beside what another threshold gives", "[web]")
{
    log_in(role::lead);
    const std::string asked = "/rules/backtest.json?rule=repeated-lateness&go=1&from=2026-11-16&to=2026-11-23";
    const json_document now = json_document::parse(get(asked).body).value();
    CHECK(now.root()["counts"].size() == 0);
    CHECK(now.root()["is_changed"].is_bool());
    CHECK(now.root()["already_changed"].is_null());
    const web_answer got = get(asked + "&stage_tutor=1");
    REQUIRE(got.status == 200);
    const json_document lower = json_document::parse(got.body).value();
    CHECK(lower.root()["already"].as_int() == 0);
    CHECK(lower.root()["counts"].at(0)["alerts"].as_int() == 0);
    CHECK(lower.root()["counts"].at(0)["alerts_changed"].as_int() == 1);
    CHECK(lower.root()["counts"].at(0)["week_of"].as_string() == "2026-11-16");
    CHECK_THAT(
        get("/rules/backtest.csv?rule=repeated-lateness&go=1&from=2026-11-16&stage_tutor=1").body,
        Catch::Contains("2026-11-16,tutor,0,1")
    );
    for (const char* wrong :
         {"&stage_tutor=x", "&stage_nobody=3", "&from=2024-01-01", "&from=soon", "&from=2026-12-01"}) {
        CAPTURE(wrong);
        CHECK(get("/rules/backtest?rule=repeated-lateness&go=1" + std::string(wrong)).status == 400);
    }
}

TEST_CASE_METHOD(
    rules_fixture, "one page that takes long is made at a time, others go on, and the next is free after it", "[web]"
)
{
    log_in(role::lead);
    const auto asked = [&](const std::string& target) {
        web_request request;
        request.method = "GET";
        request.target = parse_target(target).value();
        request.peer = "192.0.2.7";
        request.host = "rollbook.example";
        request.cookies = cookies;
        return request;
    };
    // The other pages' worker has its reader by now; who opens one next waits.
    REQUIRE(get("/rules").status == 200);
    std::promise<void> go_on;
    before_reading = [gate = go_on.get_future().share()] { gate.wait(); };
    std::vector<int> statuses;
    const std::string takes_long = "/rules/backtest.json?rule=repeated-lateness&go=1";
    for (const std::string& each : {takes_long, takes_long, of(ana), std::string("/rules/backtest")})
        boost::asio::co_spawn(loop, pages->answer(asked(each)), [&](std::exception_ptr, web_answer got) {
            statuses.push_back(got.status);
        });
    loop.restart();
    while (statuses.size() < 3)
        loop.run_one();
    CHECK(std::ranges::count(statuses, 503) == 1);
    go_on.set_value();
    while (statuses.size() < 4) // and not until the loop has no more to wait for
        loop.run_one();
    std::ranges::sort(statuses);
    CHECK(statuses == std::vector<int>{200, 200, 200, 503});
    CHECK(get(takes_long).status == 200);
}

} // namespace
} // namespace rollbook
