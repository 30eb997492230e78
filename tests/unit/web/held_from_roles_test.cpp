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
}

} // namespace rollbook
