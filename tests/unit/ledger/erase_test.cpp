#include "daemon/ledger/erase.hpp"

#include "daemon/base/json.hpp"
#include "daemon/ledger/erase_plan.hpp"
#include "daemon/ledger/needles.hpp"
#include "tests/unit/ledger/small_ledger.hpp"
#include "tests/unit/ledger/sql.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <fstream>
#include <iterator>

using namespace rollbook;
using namespace rollbook::support;
using Catch::Matchers::Contains;

namespace {

std::string bytes_of(const std::filesystem::path& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

upkeep_request asked_for(entry_index pupil)
{
    upkeep_request request;
    request.pupil = pupil;
    request.basis = "retention-expired";
    return request;
}

quarantined_row put_aside(const std::string& row, what record = what::session_mark, instant at = noon(1))
{
    quarantined_row bad;
    bad.at = at;
    bad.source = "mis";
    bad.record = record;
    bad.stream = "marks";
    bad.reason = "no day";
    bad.row = row;
    return bad;
}

// A ledger whose pupil 1 has left, years ago.
struct left_school {
    ledger_folder folder;
    erasure_place place;

    left_school()
    {
        const auto book = folder.open();
        fill(*book);
        transaction t;
        thing_version row;
        row.kind = what::pupil;
        row.source = "mis";
        row.key = "A1";
        row.subject = 1;
        row.pupil = 1;
        row.replaces = 1;
        t.entries.push_back(record_gone_entry(std::move(row), learned{noon(), noon(9), false}, "vanished"));
        commit_and_apply(*book, t, noon(9));
        book->sign_checkpoint(noon(9));
        place.ledger = folder.file();
        place.origin = folder.key.verifier().name;
        place.today = ymd(2033, 1, 1);
        place.now = noon(10);
        place.reader_wait = std::chrono::milliseconds(50);
    }
    void put_aside(const std::vector<std::string>& rows) const
    {
        transaction t;
        for (const std::string& row : rows)
            t.quarantined.push_back(::put_aside(row, row.find("sealed") != row.npos ? what::concern : what::lesson_mark)
            );
        folder.open()->commit(t, noon(9));
    }
    std::string quarantine() const
    {
        return text_at(
            folder.file(), "SELECT coalesce(group_concat(row, ' '), '') FROM (SELECT row FROM quarantine ORDER BY id)"
        );
    }
    result<upkeep_report> erase_pupil(const upkeep_request& request)
    {
        const auto book = folder.open();
        auto done = erase(place, request, {});
        book->reload();
        book->sign_checkpoint(noon(11));
        return done;
    }
};

} // namespace

TEST_CASE("erasing a pupil takes every entry about the pupil and leaves the others", "[ledger]")
{
    left_school school;
    transaction values;
    for (const entry_index alert : {entry_index{7}, entry_index{5}}) {
        alert_value& row = values.values.emplace_back();
        row.alert = alert;
        row.reason = "10.5 % absent";
    }
    school.folder.open()->commit(values, noon(10));
    const upkeep_report done = school.erase_pupil(asked_for(1)).value();
    CHECK(number_of(school.folder.file(), "SELECT sum(alert) FROM alert_value") == 5);
    CHECK(done.ok);
    CHECK(number_of(school.folder.file(), "SELECT count(*) FROM opening WHERE idx IN (1, 3, 4, 7, 8, 12)") == 0);
    CHECK(number_of(school.folder.file(), "SELECT count(*) FROM opening WHERE idx IN (0, 2, 5, 6, 9, 10, 11)") == 7);
    CHECK(
        text_at(school.folder.file(), "SELECT payload FROM opening WHERE idx = 13") ==
        R"({"basis":"retention-expired","entries":[[1,1],[3,4],[7,8],[12,12]],"what":"erasure"})"
    );
    const verify_report report = school.folder.verify();
    CHECK(report.ok());
    CHECK(report.erased == 6);
    CHECK(rebuild_projections(school.folder.file()).value().differed == 0);
    CHECK(school.folder.open()->state().things(what::pupil).find("mis", "A1") == nullptr);
}

TEST_CASE("nothing of an erased pupil is left in the file", "[ledger]")
{
    left_school school;
    const std::string key = text_at(school.folder.file(), "SELECT lower(hex(commit_key)) FROM opening WHERE idx = 3");
    const auto raw = from_hex(key).value();
    const std::string secret(raw.begin(), raw.end());
    REQUIRE(bytes_of(school.folder.file()).find(secret) != std::string::npos);
    CHECK(school.erase_pupil(asked_for(1)).value().ok);
    const std::string file = bytes_of(school.folder.file()) + bytes_of(school.folder.file().string() + "-wal");
    for (const std::string& word : {secret, std::string("G990000126001")}) {
        CAPTURE(to_hex(as_bytes(word)));
        CHECK(file.find(word) == std::string::npos);
    }
}

TEST_CASE("a minimum period is kept to the day, and a person may override it", "[ledger][statutory]")
{
    left_school school;
    school.place.today = ymd(2032, 9, 13); // the marks are of 14 September 2026
    const auto refused = school.erase_pupil(asked_for(1));
    REQUIRE(!refused);
    CHECK(refused.error().code == errc::forbidden);
    CHECK_THAT(refused.error().what, Contains("2032-09-14"));
    SECTION("a day later")
    {
        school.place.today = ymd(2032, 9, 14);
        CHECK(school.erase_pupil(asked_for(1)).value().ok);
    }
    SECTION("by a person")
    {
        upkeep_request request = asked_for(1);
        request.override_minimum = true;
        request.by = "A. Officer";
        CHECK(school.erase_pupil(request).value().ok);
        CHECK_THAT(
            text_at(school.folder.file(), "SELECT payload FROM opening WHERE idx = 13"),
            Contains("\"override\":true") && Contains("A. Officer")
        );
    }
}

TEST_CASE("a pupil whom a source lists is not erased, whoever asks", "[ledger]")
{
    left_school school;
    upkeep_request request = asked_for(2);
    request.override_minimum = true;
    const auto refused = school.erase_pupil(request);
    REQUIRE(!refused);
    CHECK_THAT(refused.error().what, Contains("still lists"));
    CHECK(school.folder.verify().erased == 0);
}

TEST_CASE("an erasure is refused while somebody reads", "[ledger]")
{
    left_school school;
    SQLite::Database reader(school.folder.file().string(), SQLite::OPEN_READONLY);
    const auto book = school.folder.open();
    reader.exec("BEGIN");
    SQLite::Statement first(reader, "SELECT count(*) FROM entry");
    first.executeStep();
    transaction t;
    t.entries.push_back(tiny_draft(13));
    commit_and_apply(*book, t, noon(9));
    const auto refused = erase(school.place, asked_for(1), {});
    REQUIRE(!refused);
    CHECK(refused.error().code == errc::forbidden);
    CHECK(number_of(school.folder.file(), "SELECT count(*) FROM opening WHERE idx = 1") == 1);
}

TEST_CASE("an erasure that a kill cut short is finished when the ledger is next opened", "[ledger][crash]")
{
    left_school school;
    CHECK(school.erase_pupil(asked_for(1)).value().ok);
    tamper(school.folder.file(), "INSERT INTO meta (name, value) VALUES ('erasure_unfinished', x'')");
    school.folder.open();
    CHECK(number_of(school.folder.file(), "SELECT count(*) FROM meta WHERE name = 'erasure_unfinished'") == 0);
}

TEST_CASE("indexes become the fewest ranges", "[ledger]")
{
    CHECK(ranges_of({}).empty());
    CHECK(ranges_of({4}) == std::vector<entry_range>{{4, 4}});
    CHECK(ranges_of({1, 2, 3, 7, 9, 10}) == std::vector<entry_range>{{1, 3}, {7, 7}, {9, 10}});
}

TEST_CASE("the search finds each needle wherever it stands, and no other", "[ledger]")
{
    const std::string longest(700, 'y');
    needle_search search;
    for (const std::string& needle : {std::string("sixsix"), std::string("eightbyt"), std::string(32, 'k'), longest})
        CHECK(search.add(needle));
    CHECK_FALSE(search.add("five5"));
    const std::size_t at = GENERATE(0u, 1u, 63u, 64u, 500u);
    std::string text(1'500, '.');
    CHECK(search.find_in(text).empty());
    text.replace(at, 6, "sixsix");
    text.replace(at + 20, 32, std::string(32, 'k'));
    CHECK(search.find_in(text) == std::vector<std::size_t>{0, 2});
    text.replace(800, longest.size(), longest);
    CHECK(search.find_in(text) == std::vector<std::size_t>{0, 2, 3});
    search.drop(2);
    CHECK(search.find_in(text) == std::vector<std::size_t>{0, 3});
    CHECK(search.find_in(text.substr(0, 5)).empty());
}

TEST_CASE("a first-day call goes by the clock of attendance, to the day", "[ledger][statutory]")
{
    const auto [today, goes] = GENERATE(table<civil_day, bool>({{ymd(2033, 9, 13), false}, {ymd(2033, 9, 14), true}}));
    ledger_folder folder;
    const auto book = folder.open();
    fill(*book);
    const entry_index call = book->size();
    transaction t;
    t.entries.push_back(written(
        *book,
        R"({"at":"2026-09-14T08:30:00.000Z","kind":"call","on":"2026-09-14","outcome":"no-answer","pupil":2,)"
        R"("state":"done","user":"office","what":"action"})",
        call
    ));
    commit_and_apply(*book, t, noon(9));
    retention_clocks clocks;
    clocks.attendance.at_most_years = 7;
    SQLite::Database database(folder.file().string(), SQLite::OPEN_READWRITE);
    const erasure_plan plan = plan_retention(database, clocks, today);
    CHECK((std::ranges::count(plan.entries, call) == 1) == goes);
}

TEST_CASE("the messages about an alert go with the alert, though its pupil stays", "[ledger]")
{
    ledger_folder folder;
    const auto book = folder.open();
    fill(*book);
    const entry_index id = book->size();
    transaction t;
    t.entries.push_back(written(
        *book,
        R"({"changed_at":"2026-09-14T16:00:00.000Z","evidence":[5,6],"opened_at":"2026-09-14T16:00:00.000Z",)"
        R"("pupil":2,"reason":"late","rule":"repeated-lateness","stage":"letter","state":"resolved","what":"alert"})",
        id
    ));
    t.messages.push_back(message_to("lead", "<alert-1@x>", id));
    t.messages.back().pupil = 2;
    t.messages.back().content.text = "Bo Quillfeather was late on 14 September 2026";
    t.messages.push_back(message_to("lead", "<baseline-1@x>"));
    commit_and_apply(*book, t, noon(9));
    book->sign_checkpoint(noon(9));

    erasure_place place;
    place.ledger = folder.file();
    place.origin = folder.key.verifier().name;
    place.clocks.attendance.at_most_years = 7;
    place.today = ymd(2033, 9, 14);
    place.now = noon(10);
    place.reader_wait = std::chrono::milliseconds(50);
    upkeep_request request;
    request.command = upkeep_request::kind::retention;
    request.basis = "retention-expired";
    REQUIRE(number_of(folder.file(), "SELECT count(*) FROM outbox WHERE text LIKE '%Quillfeather%'") == 1);
    CHECK(erase(place, request, {}).value().ok);
    CHECK(number_of(folder.file(), fmt::format("SELECT count(*) FROM opening WHERE idx = {}", id)) == 0);
    CHECK(number_of(folder.file(), "SELECT count(*) FROM opening WHERE idx = 2") == 1);
    const std::string file = bytes_of(folder.file()) + bytes_of(folder.file().string() + "-wal");
    CHECK(file.find("Quillfeather") == std::string::npos);
    CHECK(file.find("<baseline-1@x>") != std::string::npos);
}

TEST_CASE("a reader that stays open lets go of the marks and incidents of who was erased", "[ledger]")
{
    left_school school;
    {
        const auto book = school.folder.open();
        transaction t;
        t.entries.push_back(written(
            *book,
            R"({"fields":{"day":"2026-09-14","type":"Truancy"},"id":"incident-of-ada","source":"mis","what":"incident"})",
            book->size()
        ));
        t.entries.push_back(written(
            *book,
            R"({"fields":{"of":"incident","record":"incident-of-ada","role":"harmed"},"id":"incident-of-ada/A1",)"
            R"("pupil":1,"source":"mis","what":"involvement"})",
            book->size() + 1
        ));
        commit_and_apply(*book, t, noon(9));
    }
    const auto open = open_reader(school.folder.file(), true).value();
    const auto parts = [&] { return open->cases(no_entry)->parts_of(1).size(); };
    const auto count = [&] {
        int marks = 0;
        open->marks_of_days(1, {ymd(2026, 9, 14), ymd(2026, 9, 14)}, no_entry, false, [&](const mark_view&) {
            ++marks;
            return true;
        });
        return marks;
    };
    REQUIRE(count() > 0);
    REQUIRE(parts() == 1);
    const upkeep_report done = school.erase_pupil(asked_for(1)).value();
    CHECK(done.ok);
    CHECK(count() == 0);
    CHECK(parts() == 0);
    // Nor is an id left in what finds things by it.
    const std::string file = bytes_of(school.folder.file()) + bytes_of(school.folder.file().string() + "-wal");
    CHECK(file.find("incident-of-ada") == std::string::npos);
}

TEST_CASE("rows that could not be read go with a pupil whose id is short", "[ledger]")
{
    left_school school;
    const std::string mine = GENERATE(
        R"({"pupil":"A1"})",
        R"({"data":[{"pupil":{"id":"A1"}}]})",
        R"({"pupils":"A2; A1"})",
        R"({"pupil":" A1 "})",
        R"({"pupil":"A1)",               // what cannot be read through may be theirs
        R"({"sealed":[{"box":"AA=="}]})" // as may what is sealed
    );
    CAPTURE(mine);
    const std::string others[] = {R"({"pupil":"A2","room":"XA1"})", R"({"pupil":"A11"})", R"({"A1":null})"};
    school.put_aside({others[0], mine, others[1], others[2]});
    const upkeep_report plan = [&] {
        upkeep_request request = asked_for(1);
        request.dry_run = true;
        return erase(school.place, request, {}).value();
    }();
    CHECK_THAT(plan.json, Contains("\"quarantined\":1"));
    CHECK_THAT(school.quarantine(), Contains(mine));
    const upkeep_report done = school.erase_pupil(asked_for(1)).value();
    CHECK(done.ok);
    CHECK(school.quarantine() == "{} " + others[0] + " " + others[1] + " " + others[2]);
    CHECK_THAT(done.json, Contains("\"quarantined\":1"));
    const auto says = [&](const char* text) {
        return std::ranges::any_of(done.lines, [&](const std::string& line) { return line.find(text) != line.npos; });
    };
    CHECK(says("1 rows in quarantine"));
    CHECK(says("too short to be searched for"));
}

TEST_CASE("a row that could not be read goes with a pupil whose id it gives as a number", "[ledger]")
{
    left_school school;
    {
        const auto book = school.folder.open();
        transaction t;
        t.entries.push_back(pupil_draft(*book, "mis", "17", R"({"forename":"Cy"})"));
        thing_version row;
        row.kind = what::pupil;
        row.source = "mis";
        row.key = "17";
        row.subject = row.pupil = row.replaces = book->size();
        t.entries.push_back(record_gone_entry(std::move(row), learned{noon(), noon(9), false}, "vanished"));
        commit_and_apply(*book, t, noon(9));
    }
    school.put_aside({R"({"pupil":17})", R"({"pupil":170,"day":"2026-09-17"})"});
    CHECK(school.erase_pupil(asked_for(13)).value().ok);
    CHECK(school.quarantine() == R"({} {"pupil":170,"day":"2026-09-17"})");
}

TEST_CASE("a row that could not be read goes by the clock of what it is about, from when it last came", "[ledger]")
{
    const auto [record, today, goes] = GENERATE(table<what, civil_day, bool>({
        {what::session_mark, ymd(2033, 9, 13), false},
        {what::session_mark, ymd(2033, 9, 14), true},
        {what::pupil, ymd(2033, 9, 14), true},
        {what::incident, ymd(2028, 9, 13), false},
        {what::incident, ymd(2028, 9, 14), true},
        {what::concern, ymd(2056, 9, 13), false}, // its clock begins at a birth, and nobody is born later
        {what::concern, ymd(2056, 9, 14), true},
        {what::adult, ymd(2090, 1, 1), false},
    }));
    CAPTURE(name_of(record), format_day(today));
    ledger_folder folder;
    {
        transaction t;
        t.quarantined.push_back(put_aside(R"({"row":"of nobody"})", record));
        folder.open()->commit(t, noon(9));
    }
    erasure_place place;
    place.ledger = folder.file();
    place.today = today;
    place.now = noon(10);
    place.reader_wait = std::chrono::milliseconds(50);
    upkeep_request request;
    request.command = upkeep_request::kind::retention;
    request.basis = "retention-expired";
    // Without a maximum nothing goes by age.
    CHECK(erase(place, request, {}).value().ok);
    REQUIRE(number_of(folder.file(), "SELECT count(*) FROM quarantine") == 1);
    place.clocks.attendance.at_most_years = 7;
    place.clocks.behaviour.at_most_years = 2;
    place.clocks.safeguarding.at_most_years = 30;
    const upkeep_report done = erase(place, request, {}).value();
    CHECK(done.ok);
    CHECK(number_of(folder.file(), "SELECT count(*) FROM quarantine") == (goes ? 0 : 1));
    CHECK_THAT(done.json, Contains(goes ? "\"quarantined\":1" : "\"quarantined\":0"));
    CHECK(folder.verify().ok());
}

TEST_CASE("no row that could not be read goes by its age while a hold stands, as it may be theirs", "[ledger]")
{
    ledger_folder folder;
    const auto book = folder.open();
    fill(*book);
    transaction t;
    t.quarantined.push_back(put_aside(R"({"row":"of somebody"})"));
    t.entries.push_back(pupil_setting_entry("hold/2", R"({"state":"standing"})", 2, nullptr));
    commit_and_apply(*book, t, noon(9));
    retention_clocks clocks;
    clocks.attendance.at_most_years = 7;
    SQLite::Database database(folder.file().string(), SQLite::OPEN_READWRITE);
    REQUIRE(number_of(folder.file(), "SELECT count(*) FROM quarantine") == 2);
    CHECK(plan_retention(database, clocks, ymd(2090, 1, 1)).quarantined.empty());
}
