#include "tests/unit/reconcile/two_systems.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>

using namespace rollbook;
using namespace rollbook::support;
using Catch::Matchers::Contains;

namespace {

const school_calendar calendar = example_calendar();

std::vector<draft> judge(read_book& book, civil_day today)
{
    return book.judge(today, calendar);
}

std::string kinds(const std::vector<draft>& drafts)
{
    std::string text;
    for (const draft& d : drafts) {
        const auto& row = std::get<thing_version>(d.row);
        text += row.key.substr(0, row.key.find('/')) + (row.gone                  ? " closed;"
                                                        : row.subject == no_entry ? " new;"
                                                                                  : " changed;");
    }
    return text;
}

} // namespace

TEST_CASE(
    "a finding opens once, stays while the fault does, closes with it and opens anew when it returns", "[reconcile]"
)
{
    read_book book;
    const civil_day day = ymd(2026, 9, 14);
    book.records(what::pupil, {pupil_record("A1")});
    book.marks({{"M1", "A1", am(day), "Q9"}});
    const auto opened = judge(book, day);
    REQUIRE(kinds(opened) == "mark-unmapped new;");
    CHECK_THAT(opened[0].payload, Contains("Monday 14 September 2026, morning") && Contains(R"(\"Q9\")"));
    CHECK(judge(book, day).empty());
    book.marks({{"M1", "A1", am(day), "Q8"}});
    CHECK(kinds(judge(book, day)) == "mark-unmapped changed;");
    book.marks({{"M1", "A1", am(day), "/"}});
    CHECK(kinds(judge(book, day)) == "mark-unmapped closed;");
    CHECK(judge(book, day).empty());
    book.marks({{"M1", "A1", am(day), "Q9"}});
    CHECK(kinds(judge(book, day)) == "mark-unmapped new;");
    CHECK(judge(book, day).empty());
}

TEST_CASE("a finding that this run did not look at stays as it is", "[reconcile]")
{
    read_book book;
    book.records(what::pupil, {pupil_record("A1")});
    book.marks({{"M1", "A1", am(ymd(2026, 9, 14)), "Q9"}});
    judge(book, ymd(2026, 9, 14));
    const auto all = [](std::string_view, std::string_view) { return true; };
    CHECK(finding_entries(book.held, {}, {}, minute(1)).empty());
    CHECK(finding_entries(book.held, {}, open_findings(book.held, all), minute(1)).size() == 1);
}

TEST_CASE("of two findings with one key the first counts, whether or not it is held so", "[reconcile]")
{
    read_book book;
    book.records(what::pupil, {pupil_record("A1")});
    book.marks({{"M1", "A1", am(ymd(2026, 9, 14)), "Q9"}});
    judge(book, ymd(2026, 9, 14));
    const auto all = [](std::string_view, std::string_view) { return true; };
    const std::vector<entry_index> judged = open_findings(book.held, all);
    REQUIRE(judged.size() == 1);
    const finding held = held_finding(book.held, *book.held.things(what::finding).find_subject(judged[0]))->first;
    finding other = held;
    other.explanation = "Something else.";

    wanted_findings held_first;
    held_first.take(book.held, {held});
    held_first.take(book.held, {other});
    CHECK(finding_entries(book.held, held_first, judged, minute(1)).empty());
    wanted_findings other_first;
    other_first.take(book.held, {other, held});
    const auto changed = finding_entries(book.held, other_first, judged, minute(1));
    REQUIRE(kinds(changed) == "mark-unmapped changed;");
    CHECK_THAT(changed[0].payload, Contains("Something else."));
}

TEST_CASE("findings are judged alike whether their text is held or in the ledger alone", "[reconcile]")
{
    read_book with;
    with.held.read_payloads_by({});
    read_book without;
    std::map<entry_index, std::string> kept; // of findings, as a ledger has them
    int asked = 0;
    without.held.read_payloads_by([&](entry_index entry) {
        const auto finding = kept.find(entry);
        if (finding == kept.end()) return std::string();
        ++asked;
        return finding->second;
    });
    for (read_book* book : {&with, &without})
        book->records(what::pupil, {pupil_record("A1")});
    const civil_day day = ymd(2026, 9, 14);
    const auto judged_alike = [&](const std::string& code) {
        for (read_book* book : {&with, &without})
            book->marks({{"M1", "A1", am(day), code}});
        const std::vector<draft> expected = judge(with, day);
        const entry_index from = without.size;
        const std::vector<draft> made = judge(without, day);
        REQUIRE(made.size() == expected.size());
        for (std::size_t i = 0; i < made.size(); ++i) {
            CHECK(made[i].payload == expected[i].payload);
            kept[from + i] = made[i].payload;
        }
        without.held.rest();
        return kinds(made);
    };
    CHECK(judged_alike("Q9") == "mark-unmapped new;"); // its explanation holds quotes
    CHECK(std::as_const(without.held).things(what::finding).all().front().payload->empty());
    CHECK(judged_alike("Q9").empty());
    CHECK(asked == 0);
    CHECK(judged_alike("Q8") == "mark-unmapped changed;");
    CHECK(judged_alike("/") == "mark-unmapped closed;");
    CHECK(asked == 2);
    CHECK(judged_alike("Q8") == "mark-unmapped new;");
}

TEST_CASE("an E without a suspension stays open while the list of suspensions is switched off", "[reconcile]")
{
    read_book book;
    book.records(what::pupil, {pupil_record("A1")});
    book.marks({{"M1", "A1", am(ymd(2026, 9, 14)), "E"}});
    book.knows_suspensions = false;
    CHECK(judge(book, ymd(2026, 9, 21)).empty());
    book.knows_suspensions = true;
    CHECK(kinds(judge(book, ymd(2026, 9, 21))) == "e-without-suspension new;");
    book.knows_suspensions = false;
    CHECK(judge(book, ymd(2026, 9, 22)).empty());
    book.knows_suspensions = true;
    book.marks({{"M1", "A1", am(ymd(2026, 9, 14)), "/"}});
    CHECK(kinds(judge(book, ymd(2026, 9, 22))) == "e-without-suspension closed;");
}

TEST_CASE("a reason is overdue after the fifth school day, across half term and INSET days", "[reconcile][statutory]")
{
    const auto [why, session, last_day] = GENERATE(table<std::string, civil_day, civil_day>({
        {"within one week and the next", ymd(2026, 9, 14), ymd(2026, 9, 21)},
        {"across half term (24 October to 1 November)", ymd(2026, 10, 21), ymd(2026, 11, 4)},
        {"across the INSET day of 27 November", ymd(2026, 11, 24), ymd(2026, 12, 2)},
        {"across Christmas", ymd(2026, 12, 17), ymd(2027, 1, 7)},
    }));
    CAPTURE(why);
    read_book book;
    book.records(what::pupil, {pupil_record("A1")});
    book.marks({{"M1", "A1", am(session), "N"}});
    CHECK(judge(book, last_day).empty());
    const auto opened = judge(book, last_day + std::chrono::days(1));
    CHECK(kinds(opened) == "reason-overdue new;");
    book.marks({{"M1", "A1", am(session), "I"}});
    CHECK(kinds(judge(book, last_day + std::chrono::days(1))) == "reason-overdue closed;");
}

TEST_CASE("what a source no longer lists is a finding until it lists it again", "[reconcile]")
{
    read_book book;
    const civil_day day = ymd(2026, 9, 14);
    book.records(what::pupil, {pupil_record("A1"), pupil_record("A2")});
    book.marks({{"M1", "A1", am(day), "/"}, {"M2", "A1", pm(day), "/"}});
    book.marks({{"M1", "A1", am(day), "/"}});
    CHECK(kinds(judge(book, day)) == "record-vanished new;");
    book.records(what::pupil, {pupil_record("A1")});
    CHECK(kinds(judge(book, day)) == "record-vanished new;");
    book.records(what::pupil, {pupil_record("A1"), pupil_record("A2")});
    CHECK(kinds(judge(book, day)) == "record-vanished closed;");
    book.marks({{"M1", "A1", am(day), "/"}, {"M2", "A1", pm(day), "/"}});
    CHECK(kinds(judge(book, day)) == "record-vanished closed;");
}

TEST_CASE("every finding's payload projects to its row and names the pupil's own id as subject", "[reconcile]")
{
    read_book book;
    const civil_day day = ymd(2026, 9, 14);
    book.records(what::pupil, {pupil_record("A1")});
    book.marks({{"M1", "A1", am(day), "Q9"}, {"M2", "A1", pm(day), "N"}});
    for (const draft& d : judge(book, ymd(2026, 10, 1))) {
        CHECK_THAT(d.payload, Contains(R"("subject":{"id":"A1","source":"mis"})"));
        const auto row = std::get<thing_version>(d.row);
        const auto made = std::get<thing_version>(project(d.payload, 50, plain_digest).value());
        CHECK(made.key == row.key);
        CHECK(made.pupil == row.pupil);
        CHECK(made.subject == row.subject);
        CHECK(made.gone == row.gone);
    }
}

TEST_CASE("a source is stale after its limit, and the MIS when it lacks the last school day that ended", "[reconcile]")
{
    using namespace std::chrono_literals;
    const time_zone london = time_zone::named("Europe/London").value();
    const auto stale = [&](std::string_view now_text, auto change) {
        const instant now = parse_instant(now_text).value();
        freshness state;
        state.source = "mis";
        state.is_mis = true;
        state.stale_after = 26h;
        state.last_success = now;
        state.newest_day = ymd(2026, 9, 21);
        change(state, now);
        return stale_finding(state, calendar, london.to_local(now), now, london).has_value();
    };
    const auto keep = [](freshness&, instant) {};
    // 2026-09-21 is a Monday.
    CHECK_FALSE(stale("2026-09-22T08:00:00Z", keep));
    CHECK_FALSE(stale("2026-09-22T20:00:00Z", keep));
    CHECK(stale("2026-09-23T00:00:00Z", keep));       // Tuesday has ended
    CHECK_FALSE(stale("2026-09-22T22:59:59Z", keep)); // in London it has not: British Summer Time
    CHECK(stale("2026-09-22T23:00:00Z", keep));
    CHECK_FALSE(stale("2026-09-22T08:00:00Z", [](freshness& f, instant now) { f.last_success = now - 26h; }));
    CHECK(stale("2026-09-22T08:00:00Z", [](freshness& f, instant now) { f.last_success = now - 26h - 1ms; }));
    CHECK(stale("2026-09-22T08:00:00Z", [](freshness& f, instant) { f.last_success.reset(); }));
    CHECK(stale("2026-09-22T08:00:00Z", [](freshness& f, instant) { f.newest_day.reset(); }));
    CHECK_FALSE(stale("2026-09-25T08:00:00Z", [](freshness& f, instant) { f.is_mis = false; }));
    // Its own word: as of Friday 18 September. A weekend is no age; a second school day is.
    const auto as_of_friday = [](freshness& f, instant) {
        f.is_mis = false;
        f.data_as_of = *parse_instant("2026-09-18T15:00:00Z");
    };
    CHECK_FALSE(stale("2026-09-21T22:59:00Z", as_of_friday));
    CHECK(stale("2026-09-22T08:00:00Z", as_of_friday));
    CHECK_FALSE(stale("2026-09-22T08:00:00Z", [](freshness& f, instant) {
        f.is_mis = false;
        f.stale_after = std::chrono::hours(24 * 8);
        f.data_as_of = *parse_instant("2026-09-18T15:00:00Z");
    }));
    // Half term: the last school day is Friday 23 October.
    CHECK_FALSE(stale("2026-11-02T08:00:00Z", [](freshness& f, instant) { f.newest_day = ymd(2026, 10, 23); }));
    CHECK(stale("2026-11-02T08:00:00Z", [](freshness& f, instant) { f.newest_day = ymd(2026, 10, 22); }));
}

TEST_CASE(
    "a source that counts possible sessions otherwise than the marks is told how many pupils differ", "[reconcile]"
)
{
    CHECK_FALSE(differing_possible("mis", {120, 120, 0}));
    const auto one = differing_possible("mis", {120, 119, 1});
    REQUIRE(one);
    CHECK(one->key == "totals-differ/mis/possible-sessions");
    CHECK_THAT(
        one->explanation, Catch::Contains("120") && Catch::Contains("119") && Catch::Contains("1 pupil's counts")
    );
    // Sums that happen to be equal hide nothing.
    CHECK(differing_possible("mis", {120, 120, 2}));
}

TEST_CASE("a pupil of another system whom the MIS lacks is a finding about a stranger", "[reconcile]")
{
    read_book book("cpoms");
    book.records(what::pupil, {pupil_record("C1", "{\"forename\":\"Bo\"}")});
    const link_outcome links = match_people(book.held, "mis", "cpoms", true);
    CHECK(kinds(book.judge(ymd(2026, 9, 14), calendar)).empty());
    const auto found = book.judge(ymd(2026, 9, 14), calendar, {}, {{"cpoms", &links}});
    REQUIRE(kinds(found) == "pupil-only-in-safeguarding new;");
    CHECK(std::get<thing_version>(found[0].row).pupil == no_entry);
    CHECK_THAT(found[0].payload, Contains(R"("id":"C1")") && !Contains("Bo"));
}

TEST_CASE("an action that the safeguarding system lacks is a finding until it is there", "[reconcile]")
{
    two_systems school;
    const entry_index pupil = school.pupil("mis", "A1", R"({"mis_id":"A1"})");
    const entry_index record = school.pupil("cpoms", "C1", R"({"mis_id":"A1"})");
    school.link();
    const recorded_action visit{100, pupil, ymd(2026, 9, 14), "visit"};
    const auto found_on = [&](civil_day today) {
        static const time_zone london = *time_zone::named("Europe/London");
        static const finding_settings usual;
        finding_judge judge(usual, calendar, "mis");
        source_reading reading(school.held, "cpoms", plain_digest, 1, instant{});
        closing_read read{
            reading,
            evening(today),
            london.to_instant(evening(today)),
            {},
            false,
            true,
            false,
            {},
            {},
            {},
            {},
            london,
            std::span(&visit, 1),
            true};
        const std::vector<draft> drafts = judge.judge(school.held, read);
        for (const draft& d : drafts)
            school.add(d);
        return kinds(drafts);
    };
    CHECK(found_on(ymd(2026, 9, 18)).empty()); // four school days later
    CHECK(found_on(ymd(2026, 9, 21)) == "action-not-in-safeguarding new;");

    thing_version row;
    row.kind = what::action;
    row.source = "cpoms";
    row.key = "X1";
    row.pupil = record;
    school.add(record_entry(
        reported_record(what::action, "X1", "C1", R"({"at":"2026-09-15T10:00:00","kind":"Home visit"})"), row, learned{}
    ));
    CHECK(found_on(ymd(2026, 9, 21)) == "action-not-in-safeguarding closed;");
}

TEST_CASE("the kinds that a school may name are those that are looked for", "[reconcile]")
{
    for (const finding_kind& kind : finding_kinds()) {
        CAPTURE(kind.name);
        CHECK(std::ranges::count(finding_kind_names, kind.name) == 1);
    }
    for (const std::string_view name : finding_kind_names) {
        CAPTURE(name);
        CHECK(find_finding_kind(name) != nullptr);
    }
}

TEST_CASE("the table of kinds for people lists each kind once", "[reconcile]")
{
    std::ifstream file(std::string(ROLLBOOK_SOURCE_DIR) + "/schemas/findings.md");
    std::vector<std::string> listed;
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("| `")) listed.push_back(line.substr(3, line.find('`', 3) - 3));
    std::ranges::sort(listed);
    std::vector<std::string> known(finding_kind_names.begin(), finding_kind_names.end());
    std::ranges::sort(known);
    CHECK(listed == known);
}
