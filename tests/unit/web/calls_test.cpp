#include "daemon/cases/action.hpp"
#include "tests/unit/web/site_fixture.hpp"

namespace rollbook {
namespace {

// The small school on a school day at 13:00, its morning's register closed at 09:15, with a household of two.
struct calls_fixture : site_fixture {
    entry_index cid = 0, dee = 0, eve = 0, fay = 0, gus = 0;

    calls_fixture()
    {
        config.calendar = school_calendar(
            {{"Autumn", {{on("2026-09-03"), on("2026-12-18")}}}},
            {},
            {{half_day::am, std::chrono::minutes(525), std::chrono::minutes(555), {}, on("2026-09-01")},
             {half_day::pm, std::chrono::minutes(800), std::chrono::minutes(830), {}, on("2026-09-01")}}
        );
        cid = child("C3", R"({"forename":"Cid","registration_group":"9A","surname":"<b>Clay</b>","year":"9"})", "N");
        dee = child("D4", R"({"forename":"Dee","registration_group":"9A","surname":"Clay","year":"9"})", "");
        eve = child("E5", R"({"forename":"Eve","registration_group":"9A","surname":"Earl","year":"9"})", "/");
        fay = child("F6", R"({"forename":"Fay","registration_group":"9A","surname":"Fox","year":"9"})", "N");
        gus = child("G7", R"({"forename":"Gus","registration_group":"8B","surname":"Gale","year":"8"})", "");
        for (const auto& [id, pupil] : {std::pair("a1", cid), {"a2", dee}})
            record(
                what::adult,
                "mis",
                id,
                pupil,
                R"({"adult":"M1","forename":"Mo","lives_with_pupil":true,"priority":1,"relation":"Mother","surname":"<i>Clay"})"
            );
        account pastoral = desk.book.find("pastoral").value();
        pastoral.scope.years = {"8", "9"};
        desk.book.put(pastoral);
        watched_pupil listed;
        listed.pupil = "P-" + std::to_string(fay);
        listed.reason = "a-class-of-reason";
        config.watch_list = {listed};
        ledger->append(
            first_read, pupil_setting_entry("watch/" + std::to_string(fay), R"({"state":"standing"})", fay, nullptr)
        );
        open();
    }

    entry_index child(const char* id, const std::string& fields, const char* raw)
    {
        const entry_index made = pupil("mis", id, fields);
        mark_version row;
        row.session = {on("2026-11-23"), half_day::am};
        row.pupil = made;
        row.source = "mis";
        row.raw = raw;
        row.statutory = raw;
        if (*raw != '\0') ledger->append(first_read, mark_entry(reported_mark{}, row, {{}, first_read, true}));
        return made;
    }

    entry_index call(entry_index about, const char* outcome, const char* when)
    {
        case_action made;
        made.pupil = about;
        made.kind = "call";
        made.is_done = true;
        made.on = on("2026-11-23");
        made.outcome = outcome;
        made.text = "<u>said</u>";
        made.user = made.by = "office";
        made.at = at(when);
        return ledger->append(at(when), action_entry(made));
    }

    std::string rows() // "NAME standing", in order
    {
        std::string said;
        const json_document document = json_document::parse(get("/calls.json").body).value();
        document.root()["calls"].for_each_element([&](json_view each) {
            const std::string name(each["pupil"]["name"].string_if().value_or("-"));
            said += name.substr(0, 3) + " " + std::string(each["standing"].string_if().value_or("")) + "; ";
        });
        return said;
    }
};

TEST_CASE_METHOD(
    calls_fixture,
    "calls begin with the safeguarding lead's own, and one row is a household of whom nothing is known",
    "[web]"
)
{
    log_in(role::office);
    CHECK(rows() == "Fay to-call; Cid to-call; Dee to-call; ");
    const json_document document = json_document::parse(get("/calls.json").body).value();
    const json_view list = document.root()["calls"];
    CHECK(list.at(1)["household"].int_if() == list.at(2)["household"].int_if());
    CHECK(list.at(2)["state"].string_if() == "no mark, and the register is in");
    CHECK(list.at(1)["state"].string_if() == "absent, no reason yet (N)");
    // Of 8B, and of the two of no form, no register is in: they are on no list, and told of.
    CHECK(document.root()["not_in"].size() == 2);
    CHECK_THAT(get("/calls.csv").body, Catch::Contains("Fay Fox,9,9A,true,AM"));
}

TEST_CASE_METHOD(calls_fixture, "nobody is called whose year's register has not closed yet", "[web]")
{
    const auto times = [&](const char* year, int closes) {
        std::vector<session_time> all = config.calendar.sessions();
        all.push_back(
            {half_day::am, std::chrono::minutes(525), std::chrono::minutes(closes), {}, on("2026-09-01"), {year}, {}}
        );
        config.calendar = school_calendar(config.calendar.terms(), config.calendar.closed(), all);
        open();
        log_in(role::office);
    };
    times("9", 785); // 13:05, and it is 13:00
    CHECK(rows().empty());
    times("9", 775);
    CHECK(rows() == "Fay to-call; Cid to-call; Dee to-call; ");
}

TEST_CASE_METHOD(calls_fixture, "why a child comes first is for the designated lead alone", "[web]")
{
    for (const role as : {role::office, role::lead, role::pastoral, role::senior}) {
        log_in(as);
        for (const char* path : {"/calls", "/calls.json", "/calls.csv"})
            CHECK_THAT(get(path).body, !Catch::Contains("a-class-of-reason"));
        CHECK_THAT(get("/calls").body, Catch::Contains("DSL priority"));
    }
    log_in(role::dsl);
    CHECK_THAT(get("/calls").body, Catch::Contains("a-class-of-reason"));
    for (const role as : {role::auditor, role::governor, role::admin}) {
        log_in(as);
        CHECK(get("/calls").status == 404);
        CHECK(get("/calls.json").status == 404);
    }
}

TEST_CASE_METHOD(calls_fixture, "names of pupils and adults, and what was said, are text on the page of calls", "[web]")
{
    call(cid, "no-answer", "2026-11-23T12:50:00Z");
    log_in(role::lead);
    const std::string page = get("/calls").body;
    CHECK_THAT(page, Catch::Contains("&lt;b&gt;Clay") && Catch::Contains("Mother, Mo &lt;i&gt;Clay"));
    CHECK_THAT(page, Catch::Contains("&lt;u&gt;said") && !Catch::Contains("<b>Clay") && !Catch::Contains("<u>said"));
}

TEST_CASE_METHOD(
    calls_fixture,
    "a pupil waits after an attempt until the second contact is due, and is found out by one that explained",
    "[web]"
)
{
    log_in(role::office);
    call(fay, "message-left", "2026-11-23T12:31:00Z");
    CHECK(rows() == "Cid to-call; Dee to-call; Fay waiting; ");
    call(fay, "no-answer", "2026-11-23T12:20:00Z");
    call(dee, "no-answer", "2026-11-23T12:30:00Z");
    CHECK(rows() == "Cid to-call; Dee second-contact-due; Fay waiting; ");
    call(cid, "reached-explained", "2026-11-23T09:14:59Z"); // before the register closed
    CHECK(rows() == "Cid second-contact-due; Dee second-contact-due; Fay waiting; ");
    call(cid, "reached-explained", "2026-11-23T09:15:00Z");
    call(dee, "reached-not-explained", "2026-11-23T12:40:00Z");
    CHECK(rows() == "Fay waiting; Dee waiting; Cid known; ");
}

TEST_CASE_METHOD(
    calls_fixture, "one press is a call about each pupil that is ticked, and comes back at the next row", "[web]"
)
{
    log_in(role::office);
    const std::string page = get("/calls").body;
    CHECK_THAT(page, Catch::Contains("id=\"next\"") && Catch::Contains("accesskey=\"1\""));
    const std::string token = token_in(get("/calls"));
    const web_fields two = {
        {"form_token", token},
        {"outcome", "no-answer"},
        {"text", "rang twice"},
        {"pupil_" + std::to_string(cid), "on"},
        {"pupil_" + std::to_string(dee), "on"}};
    const web_answer done = post("/calls", two);
    CHECK(done.status == 303);
    CHECK(header_of(done, "Location") == "/calls#next");
    REQUIRE(desk.decided.size() == 2);
    for (const decision_request& each : desk.decided) {
        CHECK(each.kind == decision_kind::act);
        CHECK(each.action == "call");
        CHECK(each.about == no_entry);
        CHECK(each.outcome == "no-answer");
        CHECK(each.text == "rang twice");
        CHECK(each.user == "office");
    }
    CHECK(desk.decided[0].pupil == cid);
    CHECK(desk.decided[1].pupil == dee);
}

TEST_CASE_METHOD(
    calls_fixture, "a call about who is not on the list, or about nobody, or without an outcome is refused", "[web]"
)
{
    log_in(role::office);
    const std::string token = token_in(get("/calls"));
    const std::string cids = "pupil_" + std::to_string(cid);
    CHECK(
        post(
            "/calls", {{"form_token", token}, {"outcome", "no-answer"}, {"pupil_" + std::to_string(eve), "on"}}
        ).status == 404
    );
    CHECK(post("/calls", {{"form_token", token}, {"outcome", "no-answer"}, {"pupil_x", "on"}}).status == 404);
    CHECK(post("/calls", {{"form_token", token}, {"outcome", "no-answer"}}).status == 400);
    CHECK(post("/calls", {{"form_token", token}, {cids, "on"}}).status == 400);
    CHECK(post("/calls", {{"form_token", std::string(64, '0')}, {"outcome", "no-answer"}, {cids, "on"}}).status == 403);
    for (const role as : {role::auditor, role::governor, role::admin}) {
        log_in(as);
        const std::string other = token_in(get("/rules"));
        CHECK(post("/calls", {{"form_token", other}, {"outcome", "no-answer"}, {cids, "on"}}).status == 404);
    }
    CHECK(desk.decided.empty());
}

TEST_CASE_METHOD(calls_fixture, "calls as known in the past have no buttons", "[web]")
{
    log_in(role::office);
    CHECK_THAT(get("/calls?known_at=2026-11-23T12:30:00Z").body, !Catch::Contains("name=\"outcome\""));
    CHECK_THAT(get("/calls?known_at=2026-11-23T09:00:00Z").body, Catch::Contains("has not closed yet"));
}

TEST_CASE_METHOD(
    calls_fixture,
    "a report shows names as text, to whom names are shown, and each opening is told to the ledger",
    "[web]"
)
{
    log_in(role::lead);
    CHECK_THAT(get("/reports/no-reason").body, Catch::Contains("Cid &lt;b&gt;Clay") && !Catch::Contains("<b>Clay"));
    CHECK_THAT(get("/reports/no-reason.csv").body, Catch::Contains("Cid <b>Clay"));
    CHECK(get("/reports/no-reason.xlsx").body.substr(0, 2) == "PK");
    CHECK(
        desk.told ==
        std::vector<std::string>{
            "lead - report no-reason", "lead - report no-reason.csv", "lead - report no-reason.xlsx"}
    );
    log_in(role::auditor);
    const std::string page = get("/reports/no-reason").body;
    CHECK_THAT(
        page, Catch::Contains("P-" + std::to_string(cid)) && !Catch::Contains("Cid") && !Catch::Contains("Clay")
    );
}

TEST_CASE_METHOD(calls_fixture, "each role is offered its own reports, and the others are not there", "[web]")
{
    const auto [as, open, closed] = GENERATE(table<role, std::vector<std::string>, std::vector<std::string>>({
        {role::lead, {"no-reason", "suspensions", "governors", "processing"}, {"who-saw-what", "what-was-sent"}},
        {role::office,
         {"no-reason", "attendance-return"},
         {"suspensions", "restrictive-interventions", "who-saw-what"}},
        {role::dsl, {"suspensions", "who-saw-what"}, {}},
        {role::auditor, {"no-reason", "who-saw-what", "reconciliation"}, {}},
        {role::governor, {"governors"}, {"no-reason", "reconciliation", "targeting-support", "processing"}},
        {role::admin, {"reconciliation", "processing"}, {"governors", "no-reason", "case-file", "who-saw-what"}},
    }));
    CAPTURE(name_of(as));
    log_in(as);
    const std::string list = get("/reports").body;
    for (const std::string& name : open) {
        CAPTURE(name);
        CHECK_THAT(list, Catch::Contains("/reports/" + name));
        for (const char* ending : {"", ".json", ".csv", ".xlsx"})
            CHECK(get("/reports/" + name + ending).status == 200);
    }
    for (const std::string& name : closed) {
        CAPTURE(name);
        CHECK_THAT(list, !Catch::Contains("/reports/" + name));
        for (const char* ending : {"", ".json", ".csv", ".xlsx"})
            CHECK(get("/reports/" + name + ending).status == 404);
    }
}

// Two alerts of one rule and one of another that had crossed before the first read.
struct baseline_fixture : calls_fixture {
    entry_index first = 0, second = 0, other = 0;

    baseline_fixture()
    {
        rule absence = config.rules.front();
        absence.id = "persistent-absence";
        absence.title = "Persistent absence";
        config.rules.push_back(absence);
        first = baseline("repeated-lateness", cid);
        second = baseline("repeated-lateness", dee);
        other = baseline("persistent-absence", cid);
        open();
    }

    entry_index baseline(const char* rule_id, entry_index about)
    {
        alert one;
        one.pupil = about;
        one.rule = rule_id;
        one.rule_version = "0011223344556677";
        one.stage = "tutor";
        one.state = alert_state::baseline;
        one.value = 3;
        one.threshold = 2;
        one.window = {on("2026-11-09"), on("2026-11-23")};
        one.opened_for = {on("2026-11-23"), local_instant(second_read.time_since_epoch())};
        one.opened_at = one.changed_at = second_read;
        one.reason = "Late <three> times.";
        return ledger->append(entry_kind::record, second_read, alert_payload(one, ledger->size()));
    }
};

TEST_CASE_METHOD(
    baseline_fixture, "baseline alerts are grouped by rule, and several are decided about at once", "[web]"
)
{
    log_in(role::lead);
    const std::string page = get("/baseline").body;
    CHECK_THAT(page, Catch::Contains("Persistent absence") && Catch::Contains("Late &lt;three&gt; times."));
    CHECK(json_document::parse(get("/baseline.json").body).value().root()["alerts"].size() == 3);
    const std::string token = token_in(get("/baseline"));
    const std::string ticked = "alert_" + std::to_string(first);
    CHECK(post("/baseline", {{"form_token", token}, {"do", "park"}, {ticked, "on"}}).status == 303);
    REQUIRE(desk.decided.size() == 1);
    CHECK(desk.decided[0].kind == decision_kind::park);
    CHECK(desk.decided[0].about == first);

    desk.decided.clear();
    const web_fields all = {
        {"form_token", token}, {"do", "close"}, {"all", "on"}, {"rule", "repeated-lateness"}, {"text", "old cases"}};
    CHECK(post("/baseline", all).status == 303);
    REQUIRE(desk.decided.size() == 2);
    CHECK(desk.decided[0].about == first);
    CHECK(desk.decided[1].about == second);
    CHECK(desk.decided[1].text == "old cases");
}

TEST_CASE_METHOD(
    baseline_fixture,
    "a triage of nothing, of what is not listed, without a reason or by who may not is refused",
    "[web]"
)
{
    log_in(role::lead);
    const std::string token = token_in(get("/baseline"));
    const std::string ticked = "alert_" + std::to_string(first);
    CHECK(post("/baseline", {{"form_token", token}, {"do", "take-up"}}).status == 400);
    CHECK(post("/baseline", {{"form_token", token}, {"do", "close"}, {ticked, "on"}}).status == 400);
    CHECK(post("/baseline", {{"form_token", token}, {"do", "note"}, {"text", "x"}, {ticked, "on"}}).status == 400);
    CHECK(
        post(
            "/baseline", {{"form_token", token}, {"do", "park"}, {"alert_" + std::to_string(open_alert), "on"}}
        ).status == 404
    );
    for (const role as : {role::office, role::auditor}) {
        log_in(as);
        CHECK_THAT(get("/baseline").body, !Catch::Contains("name=\"do\""));
        CHECK(
            post("/baseline", {{"form_token", token_in(get("/baseline"))}, {"do", "park"}, {ticked, "on"}}).status ==
            403
        );
    }
    CHECK(desk.decided.empty());
}

} // namespace
} // namespace rollbook
