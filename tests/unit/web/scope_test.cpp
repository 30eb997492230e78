#include "daemon/cases/opened_pupil.hpp"
#include "daemon/reports/report.hpp"
#include "tests/unit/web/site_fixture.hpp"

namespace rollbook {
namespace {

// Ana is of form 8B; Ben's year nobody knows.
struct scope_fixture : site_fixture {
    void let_see(role who, const pupil_scope& scope)
    {
        account one = desk.book.find(std::string(name_of(who))).value();
        one.scope = scope;
        desk.book.put(one);
    }

    // Every page that somebody may reach, and each thing on it, in every form.
    std::vector<std::string> addresses() const
    {
        std::vector<std::string> all = {
            "/today",
            "/calls",
            "/alerts",
            "/alerts?state=all",
            "/baseline",
            "/pupils",
            "/pupils?order=absence",
            "/findings",
            "/findings?state=all",
            "/groups",
            "/groups?by=form",
            "/groups?by=flag",
            "/rules",
            "/rules/why?pupil=P-" + std::to_string(ana),
            "/rules/backtest?rule=repeated-lateness&go=1",
            "/reports",
            "/statements",
            "/sources",
            "/ledger",
            "/accounts"};
        for (entry_index i = 0; i < ledger->size(); ++i)
            for (const char* kind : {"/entries/", "/alerts/", "/pupils/P-"})
                all.push_back(kind + std::to_string(i));
        for (const report_kind& each : report_kinds())
            all.push_back(
                "/reports/" + std::string(each.name) + (each.about_pupil ? "?pupil=P-" + std::to_string(ana) : "")
            );
        std::vector<std::string> forms;
        for (const std::string& each : all)
            for (const char* ending : {"", ".json", ".csv"}) {
                const std::size_t query = std::min(each.find('?'), each.size());
                forms.push_back(each.substr(0, query) + ending + each.substr(query));
            }
        return forms;
    }

    web_answer slow_get(const std::string& target)
    {
        web_answer got = get(target);
        while (got.status == 429) {
            open_again();
            got = get(target);
        }
        return got;
    }
    // A site of its own has counted no request of this address yet; who is logged in logs in again.
    void open_again()
    {
        open();
        log_in(logged_in);
    }
    role logged_in = role::pastoral;

    // Pupils, marks, incidents, findings and alerts of year 9.
    void write_others()
    {
        const entry_index eve =
            pupil("mis", "E5", R"({"forename":"Eve","registration_group":"9Z","surname":"Evans","year":"9"})");
        in_year(ben, "B2", R"({"forename":"Ben","registration_group":"9Z","surname":"Brown","year":"9"})");
        const entry_index own = ana;
        ana = eve; // whose marks the fixture writes
        const learned then{first_read, second_read, false};
        for (const char* day : {"2026-11-18", "2026-11-19", "2026-11-20", "2026-11-23"})
            mark(day, half_day::am, "N", "N", -1, then);
        const entry_index late = mark("2026-11-20", half_day::pm, "L", "L", 50, then);
        ana = own;
        record(what::incident, "mis", "i7", no_entry, R"({"day":"2026-11-18","type":"Truancy"})");
        record(what::involvement, "mis", "i7/E5", eve, R"({"of":"incident","record":"i7"})");
        record(what::suspension, "mis", "s7", eve, R"({"from":"2026-11-18","kind":"fixed"})");
        ledger->append(
            entry_kind::record,
            second_read,
            R"({"evidence":[],"explanation":"A code of Eve's.","key":"e","kind":"mark-unmapped","opened_at":)"
            R"("2026-11-23T12:00:00.000Z","pupil":)" +
                std::to_string(eve) +
                R"(,"sources":["mis"],"state":"open","subject":{"id":"E5","source":"mis"},"what":"finding"})"
        );
        alert one;
        one.pupil = eve;
        one.rule = "repeated-lateness";
        one.stage = "tutor";
        one.state = alert_state::open;
        one.value = 9;
        one.threshold = 2;
        one.evidence = {late};
        one.opened_at = second_read;
        one.changed_at = second_read;
        one.window = {on("2026-11-09"), on("2026-11-23")};
        one.opened_for = {on("2026-11-23"), local_instant(second_read.time_since_epoch())};
        ledger->append(entry_kind::record, second_read, alert_payload(one, ledger->size()));
        ledger->append(second_read, statement_entry("mis", second_read, ledger->rows, false, {}, ledger->size()));
        ledger->messages.waiting = 7;
    }
};

TEST_CASE_METHOD(
    scope_fixture, "pupils, marks, incidents and alerts outside a scope change no byte of what its user gets", "[web]"
)
{
    logged_in = GENERATE(role::pastoral, role::office, role::senior);
    let_see(logged_in, {{"8"}, {}});
    log_in(logged_in);
    std::map<std::string, std::pair<int, std::string>> before;
    for (const std::string& each : addresses()) {
        const web_answer got = slow_get(each);
        before[each] = {got.status, got.body};
    }
    const auto token_less = [](std::string text) {
        const std::string start = "name=\"form_token\" value=\"";
        for (std::size_t at = text.find(start); at != std::string::npos; at = text.find(start, at + 1))
            text.erase(at + start.size(), 64);
        return text;
    };
    REQUIRE(before.at("/pupils.json").second.find("Ana Ahmed") != std::string::npos);
    REQUIRE(before.at("/alerts.json").second.find("Ana Ahmed") != std::string::npos);
    CHECK(before.at("/pupils.json").second.find("Ben") == std::string::npos);
    write_others();
    for (const auto& [address, was] : before) {
        CAPTURE(name_of(logged_in), address);
        const web_answer got = slow_get(address);
        CHECK(got.status == was.first);
        CHECK(token_less(got.body) == token_less(was.second));
    }
    for (entry_index i = 0; i < ledger->size(); ++i)
        for (const char* kind : {"/entries/", "/alerts/", "/pupils/P-", "/proofs/"}) {
            const std::string address = kind + std::to_string(i);
            if (before.contains(address)) continue;
            CAPTURE(address);
            const web_answer got = slow_get(address);
            CHECK((got.status == 404 || std::string(kind) == "/proofs/"));
            CHECK_THAT(got.body, !Catch::Contains("Eve"));
        }
}

TEST_CASE_METHOD(
    scope_fixture, "a pupil outside the scope is not there, and nothing about them can be decided", "[web]"
)
{
    write_others();
    const entry_index eves = ledger->size() - 2;
    log_in(role::lead);
    CHECK(get("/alerts/" + std::to_string(eves)).status == 200);
    log_in(role::pastoral);
    const std::string token = token_in(get("/today"));
    CHECK(post("/alerts/" + std::to_string(eves), {{"form_token", token}, {"do", "acknowledge"}}).status == 404);
    CHECK(
        post("/baseline", {{"form_token", token}, {"do", "park"}, {"alert_" + std::to_string(eves), "on"}}).status ==
        404
    );
    CHECK(
        post(
            "/calls", {{"form_token", token}, {"outcome", "no-answer"}, {"pupil_" + std::to_string(ben), "on"}}
        ).status == 404
    );
    CHECK(desk.decided.empty());
    CHECK(get("/pupils/P-" + std::to_string(ben)).status == 404);
    CHECK(get("/reports/case-file?pupil=P-" + std::to_string(ben)).status == 404);
    CHECK(get("/proofs/" + std::to_string(eves)).status == 404);
    for (const char* closed : {"/statements", "/sources", "/ledger", "/ledger/checkpoint", "/reports/reconciliation"}) {
        CAPTURE(closed);
        CHECK(get(closed).status == 404);
    }
}

TEST_CASE_METHOD(scope_fixture, "a pastoral account without a scope sees no pupil, and is told why", "[web]")
{
    let_see(role::pastoral, {});
    log_in(role::pastoral);
    for (const char* path : {"/today", "/pupils", "/alerts", "/findings", "/calls"}) {
        const std::string page = get(path).body;
        CAPTURE(path);
        CHECK_THAT(page, Catch::Contains("You see no pupil yet.") && !Catch::Contains("Ana"));
    }
    CHECK(get("/pupils/P-" + std::to_string(ana)).status == 404);
}

TEST_CASE_METHOD(
    scope_fixture, "a form in the scope is enough, and what is linked to its pupils goes with them", "[web]"
)
{
    let_see(role::dsl, {{}, {"8B"}});
    log_in(role::dsl);
    const std::string page = get("/pupils/P-" + std::to_string(ana)).body;
    CHECK_THAT(
        page,
        Catch::Contains("Attendance; Home") && Catch::Contains("Disruption") && Catch::Contains("Pupils of: form=8B.")
    );
    CHECK(get("/pupils/P-" + std::to_string(stranger)).status == 404);
}

TEST_CASE_METHOD(scope_fixture, "an administrator gives an account its scope, whose sessions then end", "[web]")
{
    log_in(role::pastoral);
    const web_fields as_pastoral = cookies;
    log_in(role::admin);
    const std::string token = token_in(get("/accounts"));
    CHECK(post("/accounts", {{"name", "pastoral"}, {"scope", "year=9"}}).status == 403);
    CHECK(post("/accounts", {{"form_token", token}, {"name", "pastoral"}, {"scope", "house=red"}}).status == 400);
    CHECK(post("/accounts", {{"form_token", token}, {"name", "governor"}, {"scope", "year=9"}}).status == 400);
    CHECK(post("/accounts", {{"form_token", token}, {"name", "nobody"}, {"scope", "year=9"}}).status == 400);
    CHECK(
        post("/accounts", {{"form_token", token}, {"name", "pastoral"}, {"scope", "year=9, form=<b>"}}).status == 303
    );
    CHECK(desk.book.find("pastoral")->scope == pupil_scope{{"9"}, {"<b>"}});
    CHECK_THAT(get("/accounts").body, Catch::Contains("form=&lt;b&gt;, year=9") && !Catch::Contains("<b>, year"));
    cookies = as_pastoral;
    CHECK(get("/today").status == 303);
    log_in(role::lead);
    CHECK(
        post("/accounts", {{"form_token", token_in(get("/today"))}, {"name", "pastoral"}, {"scope", ""}}).status == 404
    );
}

TEST_CASE_METHOD(scope_fixture, "an auditor is let in from the first day of the engagement to the last", "[web]")
{
    account auditor = desk.book.find("auditor").value();
    auditor.first_day = on("2026-11-20");
    auditor.last_day = on("2026-11-24");
    desk.book.put(auditor);
    const auto [when, is_in] = GENERATE(table<std::string, bool>({
        {"2026-11-19T23:59:00Z", false},
        {"2026-11-20T00:00:00Z", true},
        {"2026-11-24T23:59:00Z", true},
        {"2026-11-25T00:00:00Z", false},
    }));
    CAPTURE(when);
    desk.time = when;
    CHECK(try_log_in("auditor", std::string(password)).status == (is_in ? 303 : 403));
    desk.time = "2026-11-23T13:00:00Z";
    log_in(role::auditor);
    CHECK(get("/ledger").status == 200);
    desk.time = when;
    CHECK(get("/ledger").status == (is_in ? 200 : 303)); // and the session ends by itself
}

// A setting as a decision of the safeguarding lead leaves it.
void set_open(scope_fixture& in, bool stands, entry_index pupil)
{
    opened_pupil one;
    one.account = "auditor";
    one.pupil = pupil;
    one.reason = "check of a protection plan";
    one.by = "dsl";
    one.user = "dsl";
    one.at = in.second_read;
    one.ended = !stands;
    const std::string key = opened_name("auditor", pupil);
    held_thing last;
    bool is_first = true;
    for (entry_index i = 0; i < in.ledger->size(); ++i) {
        const auto* row = std::get_if<thing_version>(&in.ledger->all[i].row);
        if (!row || row->key != key) continue;
        if (is_first) last.subject = i;
        last.entry = i;
        is_first = false;
    }
    in.ledger->append(in.second_read, opened_entry_of(one, is_first ? nullptr : &last));
}

TEST_CASE_METHOD(
    scope_fixture, "a pupil who was opened to an auditor is seen whole by that account, until closed", "[web]"
)
{
    const std::string page = "/pupils/P-" + std::to_string(ana);
    const std::vector<std::string> named = {
        page,
        page + ".json",
        "/alerts",
        "/entries/" + std::to_string(ana),
        "/reports/case-file?pupil=P-" + std::to_string(ana)};
    const auto names = [&] {
        int told = 0;
        for (const std::string& each : named)
            told += get(each).body.find("Ahmed") != std::string::npos;
        return told;
    };
    log_in(role::auditor);
    CHECK(names() == 0);
    set_open(*this, true, ana);
    CHECK(names() == static_cast<int>(named.size()));
    CHECK_THAT(get(page).body, Catch::Contains("Attendance; Home") && Catch::Contains("cpoms"));
    CHECK(get("/entries/" + std::to_string(ana_in_cpoms)).status == 200);
    CHECK_THAT(get("/pupils").body, !Catch::Contains("Ben"));
    CHECK_THAT(get(page + "?known_at=2026-11-23T09:00:00Z").body, Catch::Contains("Ana Ahmed"));
    set_open(*this, false, ana);
    CHECK(names() == 0);
    CHECK_THAT(get(page).body, !Catch::Contains("cpoms"));
    CHECK(get("/entries/" + std::to_string(ana_in_cpoms)).status == 404);
}

TEST_CASE_METHOD(scope_fixture, "only the designated lead opens a pupil to an auditor, with a reason", "[web]")
{
    const std::string page = "/pupils/P-" + std::to_string(ana);
    for (const role each : {role::lead, role::pastoral, role::senior, role::office, role::auditor}) {
        log_in(each);
        CAPTURE(name_of(each));
        CHECK_THAT(get(page).body, !Catch::Contains("open-pupil"));
        const std::string token = token_in(get("/rules"));
        CHECK(
            post(page, {{"form_token", token}, {"do", "open-pupil"}, {"account", "auditor"}, {"text", "x"}}).status ==
            403
        );
    }
    log_in(role::dsl);
    const web_answer shown = get(page);
    CHECK_THAT(shown.body, Catch::Contains("<option value=\"auditor\">"));
    const std::string token = token_in(shown);
    CHECK(post(page, {{"form_token", token}, {"do", "open-pupil"}, {"account", "auditor"}}).status == 400);
    CHECK(desk.decided.empty());
    CHECK(
        post(page, {{"form_token", token}, {"do", "open-pupil"}, {"account", "auditor"}, {"text", "a plan"}}).status ==
        303
    );
    REQUIRE(desk.decided.size() == 1);
    CHECK(desk.decided[0].kind == decision_kind::open_pupil);
    CHECK(desk.decided[0].pupil == ana);
    CHECK(desk.decided[0].owner == "auditor");
    CHECK(desk.decided[0].by == "dsl");
    set_open(*this, true, ana);
    CHECK_THAT(
        get(page).body, Catch::Contains("Open to auditor since") && Catch::Contains("check of a protection plan")
    );
    CHECK(post(page, {{"form_token", token}, {"do", "close-pupil"}, {"account", "auditor"}}).status == 303);
    CHECK(desk.decided.back().kind == decision_kind::close_pupil);
}

TEST_CASE_METHOD(
    scope_fixture, "what is handed to whom it is about names nobody else, and says what is withheld and why", "[web]"
)
{
    record(what::adult, "mis", "a1", ana, R"({"adult":"M1","forename":"Mo","relation":"Mother","surname":"Clay"})");
    record(
        what::incident,
        "mis",
        "i8",
        no_entry,
        R"({"comment":"=1+1 Ben Brown's bag, said BEN to <b>Ana</b> and Mrs Clay; Benedict saw it","day":"2026-11-18"})"
    );
    record(what::involvement, "mis", "i8/A1", ana, R"({"of":"incident","record":"i8","role":"target"})");
    record(what::involvement, "mis", "i8/B2", ben, R"({"of":"incident","record":"i8","role":"aggressor"})");
    const entry_index josh = pupil("mis", "L9", R"({"forename":"Josh","legal_forename":"Joshua","surname":"Zoëson"})");
    thing_version left;
    left.kind = what::pupil;
    left.source = "mis";
    left.key = "L9";
    left.subject = left.replaces = josh;
    ledger->append(second_read, record_gone_entry(left, {first_read, second_read, false}, "vanished"));
    record(
        what::incident,
        "mis",
        "i9",
        no_entry,
        R"({"comment":"“Ben hit me”, 'Josh' said: Ben’s, Joshua' coat, ZOËSON—or who?","day":"2026-11-18"})"
    );
    record(what::involvement, "mis", "i9/A1", ana, R"({"of":"incident","record":"i9","role":"target"})");
    const std::string address = "/reports/subject-access";
    const std::string about = "?pupil=P-" + std::to_string(ana);
    log_in(role::dsl);
    for (const char* ending : {"", ".json", ".csv", ".xlsx"}) {
        CAPTURE(ending);
        const web_answer made = get(address + ending + about);
        CHECK(made.status == 200);
        CHECK_THAT(made.body, !Catch::Contains("Brown") && !Catch::Contains("Clay"));
    }
    CHECK_THAT(get(address + about).body, Catch::Contains("&lt;b&gt;Ana") && !Catch::Contains("<b>Ana"));
    const std::string csv = get(address + ".csv" + about).body;
    CHECK_THAT(
        csv,
        Catch::Contains(
            "'=1+1 [name withheld] bag, said [name withheld] to <b>Ana</b> and Mrs [name withheld]; Benedict"
        )
    );
    CHECK_THAT(
        csv,
        Catch::Contains("“[name withheld] hit me”, '[name withheld]' said: [name withheld], [name withheld]' coat, "
                        "[name withheld]—or who?")
    );
    CHECK_THAT(
        csv, Catch::Contains("Other people's names in texts,8,") && Catch::Contains("Names of parents and carers,2,")
    );
    CHECK_THAT(csv, Catch::Contains("Ahmed") && Catch::Contains(upn_text) && Catch::Contains("2026-11-20,PM,L"));
    CHECK(std::ranges::count(desk.told, "dsl - report subject-access.csv") == 1);
    for (const role each :
         {role::lead, role::office, role::pastoral, role::senior, role::auditor, role::governor, role::admin}) {
        log_in(each);
        CAPTURE(name_of(each));
        CHECK(get(address + about).status == 404);
        CHECK_THAT(get("/reports").body, !Catch::Contains("subject-access"));
    }
}

} // namespace
} // namespace rollbook
