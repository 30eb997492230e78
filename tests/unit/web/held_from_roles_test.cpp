#include "daemon/cases/silence.hpp"
#include "tests/unit/web/site_fixture.hpp"

namespace rollbook {

TEST_CASE_METHOD(site_fixture, "who has left a scope is outside it in the past as well", "[web]")
{
    const entry_index eve = pupil("mis", "E5", R"({"forename":"Eve","registration_group":"8B","year":"8"})");
    thing_version moved;
    moved.kind = what::pupil;
    moved.source = "mis";
    moved.key = "E5";
    moved.subject = moved.replaces = eve;
    const instant later = at("2026-11-23T12:50:00Z");
    const reported_record now(what::pupil, "E5", "E5", R"({"forename":"Eve","registration_group":"9A","year":"9"})");
    ledger->append(later, record_entry(now, moved, {second_read, later, false}));
    account one = desk.book.find(std::string(name_of(role::pastoral))).value();
    one.scope = parse_scope("year=8").value();
    desk.book.put(one);
    open();
    const std::string past = "?known_at=2026-11-23T12:30:00Z";
    for (const role who : {role::lead, role::pastoral}) {
        CAPTURE(name_of(who));
        log_in(who);
        const bool sees = who == role::lead;
        for (const std::string& when : {std::string(), past}) {
            CHECK(get("/pupils/P-" + std::to_string(eve) + ".json" + when).status == (sees ? 200 : 404));
            CHECK((get("/pupils.csv" + when).body.find("Eve") != std::string::npos) == sees);
        }
        CHECK_THAT(get("/pupils.csv" + past).body, Catch::Contains("Ana"));
    }
}

TEST_CASE_METHOD(
    site_fixture, "a suspension that a safeguarding system lists is the safeguarding lead's to see", "[web]"
)
{
    record(what::suspension, "cpoms", "s9", ana_in_cpoms, R"({"from":"2026-11-18","reason":"Held back"})");
    record(what::suspension, "mis", "s8", ana, R"({"from":"2026-11-18","reason":"Told to all"})");
    open();
    const auto [who, sees] = GENERATE(table<role, bool>({{role::dsl, true}, {role::lead, false}}));
    CAPTURE(name_of(who));
    log_in(who);
    const std::string told = get("/reports/suspensions.json").body;
    CHECK_THAT(told, Catch::Contains("Told to all"));
    CHECK((told.find("Held back") != std::string::npos) == sees);
}

TEST_CASE_METHOD(
    site_fixture, "what counts safeguarding rows too is told to who may know, and to who mends it", "[web]"
)
{
    const auto [who, sees] = GENERATE(table<role, bool>(
        {{role::dsl, true}, {role::admin, true}, {role::lead, false}, {role::office, false}, {role::auditor, false}}
    ));
    CAPTURE(name_of(who));
    log_in(who);
    for (const char* word : {R"("quarantined":)", R"("outbox":)"})
        CHECK((get("/sources.json").body.find(word) != std::string::npos) == sees);
    CHECK((get("/sources").body.find("messages wait to be sent") != std::string::npos) == sees);
}

TEST_CASE_METHOD(site_fixture, "what staff wrote of a pupil is for those who work with pupils", "[web]")
{
    const std::string about = std::to_string(open_alert);
    const entry_index note = ledger->append(
        entry_kind::record,
        second_read,
        R"({"alert":)" + about + R"(,"at":"2026-11-23T12:00:00.000Z","kind":"note","on":"2026-11-23","outcome":"",)" +
            R"("outcome_text":"Ending words","pupil":)" + std::to_string(ana) +
            R"(,"rule":"repeated-lateness","text":"Beginning words","user":"lead","what":"action"})"
    );
    open();
    const auto [who, sees] = GENERATE(table<role, bool>({{role::lead, true}, {role::auditor, false}}));
    CAPTURE(name_of(who));
    log_in(who);
    const web_answer told = get("/entries/" + std::to_string(note));
    REQUIRE(told.status == 200);
    for (const char* words : {"Ending words", "Beginning words"})
        CHECK((told.body.find(words) != std::string::npos) == sees);
    CHECK((told.body.find("held, not shown") != std::string::npos) == !sees);
    CHECK((get("/alerts/" + about + ".json").body.find("Beginning words") != std::string::npos) == sees);
    const std::string file = get("/reports/case-file.csv?pupil=P-" + std::to_string(ana)).body;
    CHECK((file.find("Beginning words / Ending words") != std::string::npos) == sees);
    CHECK((file.find("held, not shown") != std::string::npos) == !sees);
}

namespace {

// Alerts about Ben: of a missing child whom flags or the watch list put first, of a rule on one flag, of that rule as
// it is no longer configured, of one that asked of a flag once and of nobody's now, and of lateness. All rest on one
// mark.
struct flagged_fixture : site_fixture {
    entry_index missing = 0, on_flag = 0, gone = 0, once = 0, of_all = 0;

    flagged_fixture()
    {
        const rule of_everybody = config.rules.front();
        rule safety = of_everybody;
        safety.id = "missing-child";
        safety.safety = true;
        safety.cohort.watch_list = true;
        rule care = of_everybody;
        care.id = "late-in-care";
        care.cohort.flags = {"looked_after"};
        rule ended = care;
        ended.id = "no-longer-configured";
        rule changed = of_everybody;
        changed.id = "changed-since";
        rule before = changed;
        before.cohort.flags = {"looked_after"};
        config.rules = {of_everybody, safety, before, ended};
        held_thing rules;
        rules.subject = rules.entry = 0;
        ledger->append(first_read, setting_entry("rules", config.rules_json(), &rules));
        config.rules = {of_everybody, safety, care, changed};
        missing = add(safety);
        on_flag = add(care);
        gone = add(ended);
        once = add(before);
        of_all = add(changed);
        open();
    }

    entry_index add(const rule& by)
    {
        alert one;
        one.pupil = ben;
        one.rule = by.id;
        one.rule_version = rule_version(by);
        one.stage = "tutor";
        one.value = one.threshold = 2;
        one.window = {on("2026-11-09"), on("2026-11-23")};
        one.opened_at = one.changed_at = second_read;
        one.evidence = {late_mark};
        one.reason = by.id + " has a reason.";
        return ledger->append(entry_kind::record, second_read, alert_payload(one, ledger->size()));
    }

    // What of them the page tells, by rule.
    std::set<std::string> told_on(const std::string& path)
    {
        std::set<std::string> told;
        const web_answer got = get(path);
        CAPTURE(path);
        REQUIRE(got.status == 200);
        for (const char* id : {"missing-child", "late-in-care", "no-longer-configured", "changed-since has a reason"})
            if (got.body.find(id) != std::string::npos) told.insert(id);
        return told;
    }
};

} // namespace

TEST_CASE_METHOD(
    flagged_fixture,
    "an alert of a rule on flags is for who works with pupils, of a child's safety for the office too, and for no "
    "auditor",
    "[web]"
)
{
    const auto [who, sees_missing, sees_flagged] = GENERATE(table<role, bool, bool>(
        {{role::lead, true, true},
         {role::senior, true, true},
         {role::dsl, true, true},
         {role::office, true, false},
         {role::auditor, false, false}}
    ));
    CAPTURE(name_of(who));
    log_in(who);
    const entry_index sent = ledger->append(
        entry_kind::record,
        second_read,
        R"({"alert":)" + std::to_string(missing) +
            R"(,"at":"2026-11-23T12:00:00.000Z","attempt":1,"message_id":"<m>","pupil":)" + std::to_string(ben) +
            R"(,"route":"lead","stage":"tutor","type":"alert.opened","what":"delivery"})"
    );
    for (const auto& [id, sees] :
         {std::pair(missing, sees_missing),
          {sent, sees_missing},
          {on_flag, sees_flagged},
          {gone, sees_flagged},
          {once, sees_flagged},
          {of_all, true}}) {
        CAPTURE(id);
        CHECK(get("/entries/" + std::to_string(id)).status == (sees ? 200 : 404));
        if (id != sent) CHECK(get("/alerts/" + std::to_string(id)).status == (sees ? 200 : 404));
    }
    std::set<std::string> told = {"changed-since has a reason"};
    if (sees_missing) told.insert("missing-child");
    if (sees_flagged) told.insert({"late-in-care", "no-longer-configured"});
    const std::string bens = "P-" + std::to_string(ben);
    for (const std::string& path :
         {std::string("/alerts.json?state=all"),
          std::string("/alerts.csv?state=all"),
          "/pupils/" + bens + ".json",
          "/reports/case-file.json?pupil=" + bens,
          std::string("/reports/weekly-meeting.json?from=2026-11-16")})
        CHECK(told_on(path) == told);
}

TEST_CASE_METHOD(flagged_fixture, "an auditor's bundle has no opening that tells who is flagged", "[web]")
{
    key = make_verifier_key("ledger.example.sch.uk/900001", key_kind::log, rollbook::hash{});
    std::set<std::uint64_t> went;
    exported = [&](const export_request& wanted) {
        for (const entry_index each : {missing, on_flag, gone, once, of_all})
            if (wanted.wants(each, ledger->all[each].payload)) went.insert(each);
        std::filesystem::create_directories(wanted.folder);
    };
    open();
    log_in(role::auditor);
    REQUIRE(post("/ledger/bundle", {{"form_token", token_in(get("/ledger"))}}).status == 200);
    CHECK(went == std::set<std::uint64_t>{of_all});
}

TEST_CASE_METHOD(
    flagged_fixture, "that the safeguarding lead was to look again at a pupil is told to nobody else", "[web]"
)
{
    const entry_index sent = ledger->append(
        entry_kind::record,
        second_read,
        R"({"at":"2026-11-23T12:00:00.000Z","attempt":1,"message_id":"<r>","pupil":)" + std::to_string(ben) +
            R"(,"route":"dsl","type":"marker.review","what":"delivery"})"
    );
    const auto [who, sees] =
        GENERATE(table<role, bool>({{role::dsl, true}, {role::lead, false}, {role::auditor, false}}));
    CAPTURE(name_of(who));
    log_in(who);
    CHECK(get("/entries/" + std::to_string(sent)).status == (sees ? 200 : 404));
    if (who != role::lead)
        CHECK(
            (get("/reports/what-was-sent.csv?from=2026-11-01").body.find("marker.review") != std::string::npos) == sees
        );
}

TEST_CASE_METHOD(
    flagged_fixture, "why nobody is told of a pupil is for who works with pupils and may see what it is about", "[web]"
)
{
    silence quiet;
    quiet.pupil = ben;
    quiet.until = on("2026-12-01");
    quiet.reason = "a-private-reason";
    quiet.by = quiet.user = "lead";
    quiet.begun_at = quiet.at = second_read;
    const entry_index of_every_rule = ledger->append(second_read, silence_entry(quiet, ledger->size()));
    quiet.rule = "late-in-care";
    const entry_index of_flag = ledger->append(second_read, silence_entry(quiet, ledger->size()));
    open();
    const auto [who, sees_flagged, is_told_why] = GENERATE(
        table<role, bool, bool>({{role::lead, true, true}, {role::office, false, true}, {role::auditor, false, false}})
    );
    CAPTURE(name_of(who));
    log_in(who);
    const web_answer told = get("/entries/" + std::to_string(of_every_rule));
    REQUIRE(told.status == 200);
    CHECK_THAT(told.body, Catch::Contains("2026-12-01"));
    CHECK((told.body.find("a-private-reason") != std::string::npos) == is_told_why);
    CHECK((told.body.find("held, not shown") != std::string::npos) == !is_told_why);
    CHECK(get("/entries/" + std::to_string(of_flag)).status == (sees_flagged ? 200 : 404));
}

} // namespace rollbook
