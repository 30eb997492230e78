#include "daemon/cases/action.hpp"
#include "daemon/cases/silence.hpp"
#include "tests/unit/web/site_fixture.hpp"

namespace rollbook {
namespace {

// A school day at 08:40: the morning's register closes at 09:15. Of 9A and 8B all are marked, of no form nobody is.
struct today_fixture : site_fixture {
    today_fixture()
    {
        config.calendar = school_calendar(
            {{"Autumn", {{on("2026-09-03"), on("2026-12-18")}}}},
            {},
            {{half_day::am, std::chrono::minutes(525), std::chrono::minutes(555), {}, on("2026-09-01")},
             {half_day::pm, std::chrono::minutes(800), std::chrono::minutes(830), {}, on("2026-09-01")}}
        );
        for (const char* id : {"C3", "D4"}) {
            const entry_index made =
                pupil("mis", id, R"({"forename":"Cid","registration_group":"9A","surname":"Clay","year":"9"})");
            mark_version row;
            row.session = {on("2026-11-23"), half_day::am};
            row.pupil = made;
            row.source = "mis";
            row.raw = row.statutory = "/";
            ledger->append(first_read, mark_entry(reported_mark{}, row, {{}, first_read, true}));
        }
        account pastoral = desk.book.find("pastoral").value();
        pastoral.scope.years = {"9"};
        desk.book.put(pastoral);
        desk.time = "2026-11-23T08:40:00Z";
        open();
    }

    void call(entry_index about, const char* outcome, const char* when)
    {
        case_action made;
        made.pupil = about;
        made.kind = "call";
        made.is_done = true;
        made.on = day_of(time_zone::utc().to_local(at(when)));
        made.outcome = outcome;
        made.user = made.by = "office";
        made.at = at(when);
        ledger->append(at(when), action_entry(made));
    }

    json_document today() { return json_document::parse(get("/today.json").body).value(); }
};

} // namespace

TEST_CASE_METHOD(
    today_fixture, "until a register closes today says how long that is and how many registers are in", "[web]"
)
{
    const auto [time, left, closed] = GENERATE(table<std::string, std::string, bool>(
        {{"2026-11-23T08:14:00Z", "1 h 1 min", false},
         {"2026-11-23T08:40:00Z", "35 min", false},
         {"2026-11-23T09:14:01Z", "1 min", false},
         {"2026-11-23T09:15:00Z", "", true}}
    ));
    CAPTURE(time);
    desk.time = time;
    log_in(role::office);
    const json_document document = today();
    const json_view morning = document.root()["registers"].at(0);
    CHECK(morning["closes_in"].string_if().value_or("") == left);
    CHECK(morning["closed"].bool_if() == closed);
    CHECK(morning["forms_in"].int_if() == 2);
    CHECK(morning["forms"].int_if() == 3);
    CHECK((get("/today").body.find("in <b>" + left + "</b>") != std::string::npos) == !closed);
    // Whoever sees one year counts the registers of that year.
    log_in(role::pastoral);
    CHECK(today().root()["registers"].at(0)["forms"].int_if() == 1);
}

TEST_CASE_METHOD(today_fixture, "before registers close today says what was done on the school day before", "[web]")
{
    call(ana, "no-answer", "2026-11-20T10:00:00Z");
    call(ben, "reached-explained", "2026-11-20T10:05:00Z");
    call(ana, "no-answer", "2026-11-23T08:30:00Z"); // of today
    log_in(role::lead);
    const json_document early = today();
    CHECK(early.root()["yesterday"]["date"].string_if() == "2026-11-20");
    CHECK(early.root()["yesterday"]["calls"].int_if() == 2);
    CHECK(early.root()["yesterday"]["calls_explained"].int_if() == 1);
    CHECK_THAT(get("/today").body, Catch::Contains("2 calls made, 1 of them"));
    log_in(role::pastoral); // neither is in year 9
    CHECK(today().root()["yesterday"]["calls"].int_if() == 0);
    desk.time = "2026-11-23T09:15:00Z";
    log_in(role::lead);
    CHECK(!today().root()["yesterday"].is_object());
    CHECK_THAT(get("/today").body, !Catch::Contains("calls made"));
}

TEST_CASE_METHOD(today_fixture, "what is held back is told with its reason, to who may see what it is about", "[web]")
{
    desk.time = "2026-11-23T09:20:00Z";
    silence quiet;
    quiet.pupil = ana;
    quiet.until = on("2026-12-01");
    quiet.reason = "a-private-reason";
    quiet.by = quiet.user = "lead";
    quiet.begun_at = quiet.at = second_read;
    ledger->append(second_read, silence_entry(quiet, ledger->size()));
    log_in(role::lead);
    const std::string page = get("/today").body;
    CHECK_THAT(page, Catch::Contains("Morning registers that are not in: no form."));
    CHECK_THAT(page, Catch::Contains("1 alert sends no message") && !Catch::Contains("a-private-reason"));
    log_in(role::pastoral);
    const std::string theirs = get("/today").body;
    CHECK_THAT(theirs, !Catch::Contains("not in:") && !Catch::Contains("sends no message"));
    for (const role as : {role::auditor, role::governor, role::admin}) {
        log_in(as);
        CHECK(get("/today.json").status == 404);
    }
}

TEST_CASE_METHOD(
    today_fixture,
    "today lists a child's safety first, then what nobody acknowledged, the highest stage before others",
    "[web]"
)
{
    rule missing = config.rules.front();
    missing.id = "missing-child";
    missing.safety = true;
    config.rules.front().stages.push_back({"head", 6, {}});
    config.rules.push_back(missing);
    open();
    const auto add = [this](const char* of, const char* stage, alert_state state, const char* when) {
        alert one;
        one.pupil = ben;
        one.rule = of;
        one.stage = stage;
        one.state = state;
        one.value = one.threshold = 2;
        one.window = {on("2026-11-09"), on("2026-11-23")};
        one.opened_at = one.changed_at = at(when);
        one.evidence = {late_mark};
        one.reason = std::string(of) + " " + stage + " " + when;
        ledger->append(entry_kind::record, at(when), alert_payload(one, ledger->size()));
    };
    add("missing-child", "tutor", alert_state::acknowledged, "2026-11-23T08:10:00Z");
    add("missing-child", "tutor", alert_state::open, "2026-11-23T08:11:00Z");
    add("repeated-lateness", "head", alert_state::open, "2026-11-23T08:12:00Z");
    add("repeated-lateness", "head", alert_state::acknowledged, "2026-11-23T08:13:00Z");
    for (int i = 0; i < 40; ++i)
        add("repeated-lateness", "tutor", alert_state::open, "2026-11-23T08:14:00Z");
    log_in(role::lead);
    const json_document document = today();
    const json_view rows = document.root()["alerts"];
    const auto at_row = [&](std::size_t i) {
        return std::string(*rows.at(i)["rule"].string_if()) + " " + std::string(*rows.at(i)["stage"].string_if()) +
               " " + std::string(*rows.at(i)["state"].string_if());
    };
    CHECK(at_row(0) == "missing-child tutor open");
    CHECK(at_row(1) == "missing-child tutor acknowledged");
    CHECK(at_row(2) == "repeated-lateness head open");
    CHECK(at_row(3) == "repeated-lateness tutor open");
    CHECK(rows.at(1)["safety"].bool_if() == true);
    CHECK(rows.at(2)["safety"].bool_if() == false);
    CHECK_THAT(get("/today").body, Catch::Contains("class=\"tag acknowledged red\""));
}

TEST_CASE_METHOD(today_fixture, "the page of today shows thirty alerts, and its files have them all", "[web]")
{
    const auto reached = [this](const char* of) {
        alert one;
        one.pupil = ben;
        one.rule = of;
        one.stage = "tutor";
        one.value = one.threshold = 2;
        one.window = {on("2026-11-09"), on("2026-11-23")};
        one.opened_at = one.changed_at = at("2026-11-23T08:14:00Z");
        one.evidence = {late_mark};
        one.reason = "one-more";
        ledger->append(entry_kind::record, one.opened_at, alert_payload(one, ledger->size()));
    };
    for (int i = 0; i < 40; ++i) {
        reached("repeated-lateness");
        reached("reason-overdue");
    }
    log_in(role::lead);
    const auto rows_of = [](const std::string& body) {
        std::size_t count = 0;
        for (std::size_t from = 0; (from = body.find("one-more", from)) != std::string::npos; ++from)
            ++count;
        return count;
    };
    CHECK(rows_of(get("/today").body) <= 60);
    CHECK_THAT(get("/today").body, Catch::Contains("All open alerts"));
    CHECK(rows_of(get("/today.csv").body) == 80);
    CHECK(rows_of(get("/today.json").body) == 80);
}

} // namespace rollbook
