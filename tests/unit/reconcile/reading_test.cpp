#include "tests/unit/reconcile/reads.hpp"

#include "daemon/base/json.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace rollbook;
using namespace rollbook::support;
using Catch::Matchers::Contains;

namespace {

const civil_day monday = ymd(2026, 9, 14);

std::vector<mark_row> full_days(int pupils, int days, const std::string& code = "/")
{
    std::vector<mark_row> rows;
    for (int day = 0; day < days; ++day)
        for (const half_day half : {half_day::am, half_day::pm})
            for (int pupil = 0; pupil < pupils; ++pupil)
                rows.push_back(
                    {"M" + std::to_string(rows.size()),
                     "A" + std::to_string(pupil),
                     {monday + std::chrono::days(day), half},
                     code}
                );
    return rows;
}

std::set<std::string> lines_of(const std::vector<mark_row>& rows)
{
    std::set<std::string> lines;
    for (const mark_row& row : rows)
        lines.insert(read_book::line(row.pupil, row.session, row.code));
    return lines;
}

void check_quiet(const read_result& read)
{
    CHECK(read.entries.empty());
    for (const auto& [kind, row] : read.statement) {
        CHECK(row.nothing_new());
        CHECK(row.adds_up());
    }
}

} // namespace

TEST_CASE("whatever a source lists, the counts add up and the register becomes what it lists", "[reconcile]")
{
    const unsigned seed = GENERATE(range(1u, 41u));
    CAPTURE(seed);
    std::mt19937 dice(seed);
    const auto one_in = [&](unsigned n) { return dice() % n == 0; };
    const std::vector<std::string> codes = {"/", "\\", "L", "N", "I", "Q9", ""};
    read_book book;
    std::vector<mark_row> listed; // each session once
    for (int read = 0; read < 5; ++read) {
        std::erase_if(listed, [&](const mark_row&) { return one_in(8); });
        for (mark_row& row : listed) {
            if (one_in(6)) row.code = codes[dice() % codes.size()];
            if (one_in(9)) row.comment = "comment " + std::to_string(dice() % 3);
        }
        for (mark_row& row : full_days(5, 4)) {
            row.id += "x" + std::to_string(dice() % 2);
            row.code = codes[dice() % codes.size()];
            const bool known = std::any_of(listed.begin(), listed.end(), [&](const mark_row& other) {
                return other.pupil == row.pupil && other.session == row.session;
            });
            if (!known && one_in(2)) listed.push_back(row);
        }
        std::vector<mark_row> sent = listed;
        for (const mark_row& row : listed)
            if (one_in(10)) sent.push_back(row); // the same row on a later page again
        read_choice how;
        how.page_size = 1 + dice() % 9;
        how.drain_every = 1 + dice() % 4;

        const std::size_t held_before = book.held_marks().size();
        const read_result result = book.marks(sent, how);
        REQUIRE_FALSE(result.refused);
        const statement_row& row = result.marks();
        CHECK(row.read == static_cast<std::int64_t>(sent.size()));
        CHECK(row.adds_up());
        CHECK(row.balanced);
        CHECK(row.duplicate == static_cast<std::int64_t>(sent.size() - listed.size()));
        CHECK(row.restored <= row.changed);
        CHECK(row.held == static_cast<std::int64_t>(listed.size()));
        CHECK(static_cast<std::int64_t>(held_before) + row.fresh + row.restored - row.vanished == row.held);
        CHECK(book.held_marks() == lines_of(listed));
        check_quiet(book.marks(sent, how));
    }
}

TEST_CASE("every mark entry says the version that it replaces, and every pupil is met once", "[reconcile]")
{
    read_book book;
    book.marks(full_days(3, 2));
    const auto before = book.size;
    auto rows = full_days(3, 2);
    rows[4].code = "L";
    const read_result changed = book.marks(rows);
    REQUIRE(changed.entries.size() == 1);
    const auto row = std::get<mark_version>(changed.entries[0].row);
    CHECK(row.replaces != no_entry);
    CHECK(row.replaces < before);
    CHECK(row.raw == "L");
    CHECK(changed.touched == std::set<entry_index>{row.pupil});
    CHECK(book.held.things(what::pupil).all().size() == 3);
    const auto back = book.marks(full_days(3, 2));
    REQUIRE(back.entries.size() == 1);
    CHECK(std::get<mark_version>(back.entries[0].row).replaces == before);
}

TEST_CASE("a row met twice with one id is a duplicate and no conflict, with two ids it is both", "[reconcile]")
{
    read_book book;
    const bool other_id = GENERATE(false, true);
    auto rows = full_days(1, 1);
    rows.push_back(rows[0]);
    if (other_id) rows.back().id = "other";
    rows.back().code = "N";
    const read_result read = book.marks(rows);
    CHECK(read.marks().duplicate == 1);
    CHECK(read.marks().adds_up());
    CHECK(read.conflicts.size() == (other_id ? 1 : 0));
    CHECK(book.held_marks() == lines_of(full_days(1, 1)));
}

TEST_CASE("of two marks for one session the held one stays, in whichever order they come", "[reconcile]")
{
    read_book book;
    const stream_info stream = [] {
        stream_info s;
        s.name = "marks";
        s.makes = {what::session_mark};
        s.by_day = true;
        s.lists_all = true;
        return s;
    }();
    const mark_row first{"M1", "A1", am(monday), "/"};
    const mark_row second{"M2", "A1", am(monday), "N"};
    book.records(what::pupil, {pupil_record("A1")});
    const auto read = [&](const std::vector<mark_row>& rows) {
        source_reading reading = book.begin();
        book.read_marks(reading, stream, rows, {});
        auto findings = book.judge_duplicates(reading);
        read_result result = book.end(reading);
        CHECK(result.marks().adds_up());
        return std::pair(std::move(result), std::move(findings));
    };
    const auto [opening, opened] = read({first, second});
    REQUIRE(opened.size() == 1);
    CHECK_THAT(opened[0].payload, Contains("two marks") && Contains(R"(\"/\")") && Contains(R"(\"N\")"));

    for (const auto& rows : {std::vector{second, first}, std::vector{first, second}, std::vector{second, first}}) {
        const auto [again, findings] = read(rows);
        check_quiet(again);
        CHECK(again.conflicts.size() == 1);
        CHECK(findings.empty());
        CHECK(book.held_marks() == lines_of({first}));
    }
    // The held one stays the held one when it changes itself.
    const mark_row amended{"M1", "A1", am(monday), "L"};
    const auto [changed, open] = read({second, amended});
    CHECK(changed.marks().changed == 1);
    CHECK(changed.marks().duplicate == 1);
    CHECK(book.held_marks() == lines_of({amended}));
    check_quiet(read({second, amended}).first);
    // Once the held one is gone the other is taken, and the finding closes.
    const auto [taken, closed] = read({second});
    CHECK(taken.marks().changed == 1);
    CHECK(taken.marks().vanished == 0);
    CHECK(book.held_marks() == lines_of({second}));
    REQUIRE(closed.size() == 1);
    CHECK_THAT(closed[0].payload, Contains(R"("state":"closed")"));
}

TEST_CASE("a row that nobody knew for a session that has one does not take its place", "[reconcile]")
{
    read_book book;
    const mark_row held{"M1", "A1", am(monday), "/"};
    const mark_row stray{"M2", "A1", am(monday), "N"};
    book.marks({held});
    read_choice how;
    how.page_size = GENERATE(1, 2);
    const read_result read = book.marks({stray, held}, how);
    check_quiet(read);
    CHECK(read.conflicts.size() == 1);
    CHECK(book.held_marks() == lines_of({held}));
    // Alone it is the session's: the source gave it another id.
    CHECK(book.marks({stray}).marks().changed == 1);
    CHECK(book.held_marks() == lines_of({stray}));
}

TEST_CASE("a source that gives every row another id is read all the same", "[reconcile]")
{
    read_book book;
    auto rows = full_days(60, 40);
    book.marks(rows);
    for (mark_row& row : rows) {
        row.id += "x";
        row.code = "L";
    }
    const read_result read = book.marks(rows);
    CHECK(read.marks().changed == static_cast<std::int64_t>(rows.size()));
    CHECK(read.marks().adds_up());
    CHECK(book.held_marks() == lines_of(rows));
}

TEST_CASE("what waited in one list of marks is not taken again with the next", "[reconcile]")
{
    read_book book;
    stream_info stream;
    stream.makes = {what::session_mark};
    stream.name = "mornings";
    const mark_row held{"M1", "A1", am(monday), "/"};
    const mark_row other{"M2", "A1", am(monday), "N"};
    const mark_row afternoon{"M3", "A1", pm(monday), "/"};
    book.marks({held, afternoon});
    source_reading reading = book.begin();
    book.read_marks(reading, stream, {other}, {});
    stream.name = "afternoons";
    book.read_marks(reading, stream, {afternoon}, {});
    const read_result read = book.end(reading);
    CHECK(read.marks().changed == 1);
    CHECK(read.marks().adds_up());
    CHECK(read.entries.size() == 1);
}

TEST_CASE("what is missing from a complete read has vanished, and comes back as restored", "[reconcile]")
{
    read_book book;
    const auto all = full_days(2, 2);
    book.marks(all);
    auto fewer = all;
    fewer.erase(fewer.begin() + 3);
    const read_result gone = book.marks(fewer);
    CHECK(gone.marks().vanished == 1);
    REQUIRE(gone.entries.size() == 1);
    CHECK_THAT(gone.entries[0].payload, Contains(R"("gone":"vanished")"));
    CHECK(book.held_marks() == lines_of(fewer));
    check_quiet(book.marks(fewer));

    const read_result back = book.marks(all);
    CHECK(back.marks().restored == 1);
    CHECK(back.marks().changed == 1);
    CHECK(back.marks().fresh == 0);
    CHECK(book.held_marks() == lines_of(all));
}

TEST_CASE("how a record went is one of four words, and the last record stays whatever the word", "[reconcile]")
{
    struct expected {
        const char* why;
        const char* on_roll_to; // of the pupil who is missing
        missing_means missing;
        bool is_named; // as gone, by the source
        std::string_view word;
        std::vector<std::int64_t> counts; // vanished, tombstoned, leavers, out of scope
    };
    const auto at = GENERATE(values<expected>({
        {"asked as before, and not named", "", missing_means::vanished, false, "vanished", {1, 0, 0, 0}},
        {"a last day to come is none yet", "2026-09-22", missing_means::vanished, false, "vanished", {1, 0, 0, 0}},
        {"a last day that has come", "2026-09-21", missing_means::vanished, false, "leaver", {1, 0, 1, 0}},
        {"asked otherwise than before", "", missing_means::out_of_scope, false, "out-of-scope", {0, 0, 0, 1}},
        {"who has left did so however it is asked",
         "2026-09-21",
         missing_means::out_of_scope,
         false,
         "leaver",
         {1, 0, 1, 0}},
        {"named by the source, however it is asked", "", missing_means::out_of_scope, true, "tombstoned", {1, 1, 0, 0}},
        {"named by the source where only changes are read",
         "",
         missing_means::nothing,
         true,
         "tombstoned",
         {1, 1, 0, 0}},
        {"nothing is concluded", "2026-09-21", missing_means::nothing, false, "", {0, 0, 0, 0}},
    }));
    CAPTURE(at.why);
    read_book book;
    const std::string last = *at.on_roll_to ? R"(,"on_roll_to":")" + std::string(at.on_roll_to) + '"' : std::string();
    book.records(what::pupil, {pupil_record("A1", R"({"forename":"Ada")" + last + "}"), pupil_record("A2")});
    read_choice how;
    how.missing = at.missing;
    if (at.is_named) how.gone.emplace_back(what::pupil, "A1");
    const read_result read = book.records(what::pupil, {pupil_record("A2")}, how);
    const statement_row& row = read.of(what::pupil);
    CHECK(std::vector{row.vanished, row.tombstoned, row.leavers, row.out_of_scope} == at.counts);
    CHECK(row.held == 2 - row.vanished - row.out_of_scope);
    REQUIRE(read.entries.size() == (at.word.empty() ? 0 : 1));
    if (!at.word.empty()) CHECK_THAT(read.entries[0].payload, Contains("\"gone\":\"" + std::string(at.word) + '"'));
    const held_thing* gone = std::as_const(book.held).things(what::pupil).find("mis", "A1");
    CHECK(gone->gone == !at.word.empty());
    if (!at.word.empty()) check_quiet(book.records(what::pupil, {pupil_record("A2")}));
}

TEST_CASE("nothing is retired where the caller says that a read may not", "[reconcile]")
{
    read_book book;
    const auto all = full_days(2, 2);
    book.marks(all);
    read_choice how;
    how.missing = missing_means::nothing; // the first read of another shape: its fingerprint changed
    CHECK(book.marks({all[0]}, how).marks().vanished == 0);
    CHECK(book.held_marks() == lines_of(all));
}

TEST_CASE("a window retires only what is inside it", "[reconcile]")
{
    read_book book;
    const auto all = full_days(2, 3);
    book.marks(all);
    read_choice how;
    how.from = monday + std::chrono::days(1);
    std::vector<mark_row> later;
    for (const mark_row& row : all)
        if (row.session.day > monday) later.push_back(row);
    check_quiet(book.marks(later, how));
    CHECK(book.held_marks() == lines_of(all));

    later.erase(later.begin()); // of the window's first day
    CHECK(book.marks(later, how).marks().vanished == 1);
    CHECK(book.held_marks().size() == all.size() - 1);
}

TEST_CASE("more missing than both limits allow stops the read and retires nothing", "[reconcile]")
{
    const auto [why, held, missing, percent, at_least, stops] = GENERATE(table<std::string, int, int, int, int, bool>({
        {"both at their limit", 100, 10, 10, 10, false},
        {"both one beyond", 100, 11, 10, 10, true},
        {"percent beyond, count at its limit", 100, 11, 10, 11, false},
        {"count beyond, percent at its limit", 200, 20, 10, 5, false},
        {"a few of a few are within the count", 20, 19, 10, 25, false},
        {"one more than the usual count", 100, 26, 10, 25, true},
        {"the usual count", 100, 25, 10, 25, false},
        {"everything, however little", 2, 2, 10, 25, true},
    }));
    CAPTURE(why);
    read_book book;
    const auto all = full_days(held / 2, 1);
    book.marks(all);
    read_choice how;
    how.limit = {percent, at_least, false};
    const std::vector<mark_row> fewer(all.begin() + missing, all.end());
    const read_result read = book.marks(fewer, how);
    CHECK(read.refused.has_value() == stops);
    CHECK(book.held_marks().size() == static_cast<std::size_t>(stops ? held : held - missing));
    if (!stops) return;
    CHECK(read.refused->code == errc::mass_change);
    CHECK_THAT(read.refused->to_do, Contains("--allow-vanished mis"));
    how.limit.lifted = true;
    CHECK(book.marks(fewer, how).marks().vanished == missing);
    CHECK(book.held_marks().size() == fewer.size());
}

TEST_CASE("a pupil whose row cannot be read has not gone", "[reconcile]")
{
    read_book book;
    const std::vector<reported_record> both{pupil_record("A0"), pupil_record("A1")};
    CHECK(book.records(what::pupil, both).of(what::pupil).fresh == 2);
    read_choice how;
    how.rejected.emplace_back(what::pupil, "admission_date is no date", "{}", 1);
    const read_result put_aside = book.records(what::pupil, {both[0]}, how);
    CHECK(put_aside.of(what::pupil).vanished == 0);
    CHECK(put_aside.of(what::pupil).quarantined == 1);
    CHECK(put_aside.of(what::pupil).held == 2);
    CHECK(put_aside.entries.empty());
    CHECK(book.records(what::pupil, {}, how).of(what::pupil).vanished == 2); // of two, one row may be but one
    book.records(what::pupil, both);
    how.rejected[0].whose.source_id = "A1";
    const read_result named = book.records(what::pupil, {}, how);
    CHECK(named.of(what::pupil).vanished == 1);
    CHECK(named.of(what::pupil).adds_up());
    how.rejected.clear();
    CHECK(book.records(what::pupil, both, how).of(what::pupil).restored == 1);
    CHECK(book.records(what::pupil, {both[0]}, how).of(what::pupil).vanished == 1);
}

TEST_CASE("a row that can be read counts though another of the same record cannot", "[reconcile]")
{
    read_book book;
    book.records(what::pupil, {pupil_record("A0")});
    read_choice how;
    how.rejected.emplace_back(what::pupil, "admission_date is no date", "{}", 1);
    how.rejected[0].whose.source_id = "A0";
    const reported_record renamed(what::pupil, "A0", "A0", R"({"forename":"Eve"})");
    CHECK(book.records(what::pupil, {renamed}, how).of(what::pupil).changed == 1);
}

TEST_CASE("who was in an incident whose row cannot be read is still in it", "[reconcile]")
{
    read_book book;
    book.records(what::pupil, {pupil_record("A0"), pupil_record("A1")});
    stream_info stream;
    stream.name = "incidents";
    stream.makes = {what::incident, what::involvement};
    stream.lists_all = true;
    const auto rows_of = [](const std::string& id) {
        const std::string part = R"({"of":"incident","record":")" + id + R"("})";
        return std::vector{
            reported_record(what::incident, id, "", R"({"day":"2026-09-14"})"),
            reported_record(what::involvement, id + "/A0", "A0", part),
            reported_record(what::involvement, id + "/A1", "A1", part),
        };
    };
    std::vector<reported_record> both = rows_of("I/1");
    const auto other = rows_of("I");
    both.insert(both.end(), other.begin(), other.end());
    const auto read = [&](const std::vector<reported_record>& rows, const read_choice& how) {
        source_reading reading = book.begin();
        book.read_records(reading, stream, rows, how);
        return book.end(reading);
    };
    CHECK(read(both, {}).of(what::involvement).fresh == 4);
    read_choice how;
    how.rejected.emplace_back(what::incident, "day is no date", "{}", 1);
    how.rejected[0].whose.source_id = "I/1";
    const read_result put_aside = read(other, how);
    CHECK(put_aside.of(what::incident).vanished == 0);
    CHECK(put_aside.of(what::involvement).vanished == 0);
    how.rejected.clear();
    CHECK(read(other, how).of(what::involvement).vanished == 2);
}

TEST_CASE("a mark whose row cannot be read stays, as far as the row says whose it is", "[reconcile]")
{
    read_book book;
    const auto rows = full_days(2, 2);
    book.marks(rows);
    read_choice how;
    how.rejected.emplace_back(what::session_mark, "session is neither AM nor PM", "{}", 1);
    row_identity& whose = how.rejected[0].whose;
    struct example {
        std::optional<civil_day> day;
        std::optional<half_day> half;
        int stay = 0;
    };
    const example each = GENERATE(
        example{monday, half_day::pm, 1},
        example{monday, std::nullopt, 2},
        example{std::nullopt, half_day::am, 2},
        example{std::nullopt, std::nullopt, 4}
    );
    whose.pupil_id = "A1";
    whose.day = each.day;
    whose.half = each.half;
    std::vector<mark_row> readable; // the other pupil's
    std::ranges::copy_if(rows, std::back_inserter(readable), [](const mark_row& row) { return row.pupil == "A0"; });
    const read_result read = book.marks(readable, how);
    CHECK(read.marks().vanished == 4 - each.stay);
    CHECK(read.marks().quarantined == 1);
    CHECK(read.marks().adds_up());
}

TEST_CASE("of marks whose rows do not say whose they are as many stay as there are such rows", "[reconcile]")
{
    read_book book;
    auto rows = full_days(2, 1);
    book.marks(rows);
    read_choice how;
    how.rejected.emplace_back(what::session_mark, "the row is not an object", "1", 1);
    rows.pop_back();
    CHECK(book.marks(rows, how).marks().vanished == 0);
    rows.pop_back();
    CHECK(book.marks(rows, how).marks().vanished == 2);
}

TEST_CASE("records vanish by the same limits as marks", "[reconcile]")
{
    read_book book;
    std::vector<reported_record> pupils;
    for (int i = 0; i < 60; ++i)
        pupils.push_back(pupil_record("A" + std::to_string(i)));
    CHECK(book.records(what::pupil, pupils).of(what::pupil).fresh == 60);
    check_quiet(book.records(what::pupil, pupils));
    read_choice how;
    how.limit = {10, 25, false};
    const int missing = GENERATE(1, 25, 26, 60);
    const std::vector<reported_record> fewer(pupils.begin() + missing, pupils.end());
    const read_result read = book.records(what::pupil, fewer, how);
    CHECK(read.refused.has_value() == (missing > 25));
    CHECK(read.of(what::pupil).vanished == (missing > 25 ? 0 : missing));
    if (read.refused) return;
    const read_result back = book.records(what::pupil, pupils, how);
    CHECK(back.of(what::pupil).restored == missing);
    CHECK(back.of(what::pupil).changed == missing);
    CHECK(back.of(what::pupil).held == 60);
}

TEST_CASE("what a source names as gone is withdrawn by the same limits, and what it does not name stays", "[reconcile]")
{
    read_book book;
    std::vector<reported_record> pupils;
    for (int i = 0; i < 60; ++i)
        pupils.push_back(pupil_record("A" + std::to_string(i)));
    book.records(what::pupil, pupils);
    read_choice how;
    how.limit = {10, 25, false};
    how.missing = missing_means::nothing; // only changes are read
    const int named = GENERATE(1, 26);
    for (int i = 0; i < named; ++i)
        how.gone.emplace_back(what::pupil, "A" + std::to_string(i));
    how.gone.emplace_back(what::pupil, "unknown");
    how.gone.emplace_back(what::pupil, "A59"); // named as gone, and listed in the same read: it came back
    const read_result read = book.records(what::pupil, {pupils[59]}, how);
    CHECK(read.refused.has_value() == (named == 26));
    CHECK(read.of(what::pupil).vanished == (named == 26 ? 0 : 1));
    CHECK(read.of(what::pupil).held == (named == 26 ? 60 : 59));
}

TEST_CASE("a source's own total that is not what is held makes the statement unbalanced", "[reconcile]")
{
    read_book book;
    const std::int64_t total = GENERATE(3, 4, 5);
    book.connector.totals[what::session_mark] = total;
    CHECK(book.marks(full_days(2, 1)).marks().balanced == (total == 4));
}

TEST_CASE("a pupil met in the marks first becomes the listed pupil later, with one reference", "[reconcile]")
{
    read_book book;
    const bool same_read = GENERATE(false, true);
    CAPTURE(same_read);
    stream_info marks, pupils;
    marks.name = "marks";
    marks.makes = {what::session_mark};
    marks.lists_all = marks.by_day = true;
    pupils.name = "pupils";
    pupils.makes = {what::pupil};
    pupils.lists_all = true;

    source_reading first = book.begin();
    book.read_marks(first, marks, {{"M1", "A1", am(monday), "/"}}, {});
    if (!same_read) {
        CHECK(first.statement(book.connector).front().held == 1);
        book.end(first);
    }
    source_reading second = book.begin();
    source_reading& reading = same_read ? first : second;
    book.read_records(reading, pupils, {pupil_record("A1")}, {});
    const read_result read = book.end(reading);
    CHECK(read.of(what::pupil).adds_up());
    CHECK(read.of(what::pupil).duplicate == 0);
    CHECK(read.of(what::pupil).held == 1);

    const auto& known = std::as_const(book.held).things(what::pupil).all();
    REQUIRE(known.size() == 1);
    CHECK(known[0].subject == 0);
    CHECK(known[0].entry == 2);
    CHECK_THAT(known[0].payload, Contains("Ada"));
    check_quiet(book.marks({{"M1", "A1", am(monday), "/"}}));
}

TEST_CASE("an unlisted pupil is not retired by a list that never named them", "[reconcile]")
{
    read_book book;
    book.records(what::pupil, {pupil_record("A1")});
    book.marks({{"M1", "A2", am(monday), "/"}});
    const read_result read = book.records(what::pupil, {pupil_record("A1")});
    CHECK(read.of(what::pupil).vanished == 0);
    CHECK(read.of(what::pupil).held == 1);
}

TEST_CASE("when a fact was learned is the interval between two reads of its window", "[reconcile]")
{
    read_book book;
    const auto payload = [](const draft& d) { return json_document::parse(d.payload).value(); };
    auto rows = full_days(1, 2);
    const read_result first = book.marks(rows);
    CHECK(payload(first.entries.back()).root()["backfill"].bool_if() == true);
    CHECK_FALSE(payload(first.entries.back()).root()["learned_after"].string_if());

    rows[0].code = "L"; // the day before the window
    rows[2].code = "L"; // inside it
    read_choice window;
    window.from = monday + std::chrono::days(1);
    const read_result second = book.marks({rows[2], rows[3]}, window);
    REQUIRE(second.entries.size() == 1);
    CHECK(
        payload(second.entries[0]).root()["learned_after"].string_if() == std::string_view("2026-09-21T16:10:00.000Z")
    );
    CHECK(payload(second.entries[0]).root()["learned_by"].string_if() == std::string_view("2026-09-21T16:20:00.000Z"));
    CHECK_FALSE(payload(second.entries[0]).root()["backfill"].bool_if());

    rows[3].code = "L";
    const read_result third = book.marks(rows);
    REQUIRE(third.entries.size() == 2);
    // The first day was last read by the first read, the second day by the second.
    CHECK(
        payload(third.entries[0]).root()["learned_after"].string_if() == std::string_view("2026-09-21T16:10:00.000Z")
    );
    CHECK(
        payload(third.entries[1]).root()["learned_after"].string_if() == std::string_view("2026-09-21T16:20:00.000Z")
    );
}

TEST_CASE(
    "what stands in another list of the same kind is not missing, and a list that failed retires nothing", "[reconcile]"
)
{
    read_book book("cpoms");
    std::vector<stream_info> lists(2);
    for (stream_info& list : lists) {
        list.makes = {what::concern};
        list.lists_all = true;
    }
    lists[0].name = "notes";
    lists[1].name = "protection-notes";
    const reported_record note(what::concern, "1", "", R"({"status":"Open"})");
    const reported_record other(what::concern, "2", "", R"({"status":"Open"})");
    const auto read = [&](const std::vector<reported_record>& first,
                          std::optional<std::vector<reported_record>> second) {
        source_reading reading = book.begin();
        reading.know_streams(lists);
        book.read_records(reading, lists[0], first, {});
        if (second) book.read_records(reading, lists[1], *second, {});
        return book.end(reading).of(what::concern).vanished;
    };
    CHECK(read({note}, {{other}}) == 0);
    CHECK(read({note}, {{other}}) == 0);
    CHECK(read({note}, std::nullopt) == 0); // the second list could not be read
    CHECK(read({note}, {{other}}) == 0);
    CHECK(read({note}, std::vector<reported_record>()) == 1);
}

TEST_CASE(
    "a list that is empty and was not stops what is missing, however much another list of its kind has", "[reconcile]"
)
{
    read_book book;
    std::vector<stream_info> lists(2);
    for (stream_info& list : lists) {
        list.makes = {what::incident};
        list.lists_all = true;
    }
    lists[0].name = "behaviours";
    lists[1].name = "achievements";
    std::vector<reported_record> behaviours;
    for (int i = 0; i < 50; ++i)
        behaviours.emplace_back(what::incident, "B" + std::to_string(i), "", R"({"day":"2026-09-21"})");
    const reported_record praise(what::incident, "P1", "", R"({"day":"2026-09-21"})");
    read_choice limited;
    limited.limit.lifted = false;
    const auto read = [&](const std::vector<reported_record>& first, const std::vector<reported_record>& second) {
        source_reading reading = book.begin();
        reading.know_streams(lists);
        book.read_records(reading, lists[0], first, limited);
        book.read_records(reading, lists[1], second, limited);
        return book.end(reading);
    };
    CHECK_FALSE(read(behaviours, {praise}).refused);
    const read_result emptied = read(behaviours, {});
    REQUIRE(emptied.refused);
    CHECK(emptied.refused->code == errc::mass_change);
    CHECK_THAT(emptied.refused->what, Contains("1 of 51 incident records") && Contains("list achievements is empty"));
    CHECK(emptied.of(what::incident).vanished == 0);

    // One of fifty that goes while both lists have rows is no more than what happens every day.
    CHECK_FALSE(read(behaviours, {praise}).refused);
    behaviours.pop_back();
    const read_result one_less = read(behaviours, {praise});
    CHECK_FALSE(one_less.refused);
    CHECK(one_less.of(what::incident).vanished == 1);
    // A list that empties because its records went to the other leaves nothing missing.
    behaviours.push_back(praise);
    CHECK_FALSE(read(behaviours, {}).refused);
}

TEST_CASE("pupils whose last day has come go without a question, and nobody else with them", "[reconcile]")
{
    const auto year_11 = [](int n, const std::string& fields) {
        std::vector<reported_record> all;
        for (int i = 0; i < n; ++i)
            all.push_back(pupil_record("L" + std::to_string(i), fields));
        return all;
    };
    const auto [on_roll_to, refused] =
        GENERATE(table<std::string, bool>({{"2026-09-20", false}, {"2026-09-22", true}}));
    CAPTURE(on_roll_to);
    read_book book;
    read_choice limited;
    limited.limit.lifted = false;
    std::vector<reported_record> all = year_11(40, R"({"on_roll_to":")" + on_roll_to + R"("})");
    all.push_back(pupil_record("A1"));
    CHECK_FALSE(book.records(what::pupil, all, limited).refused);
    CHECK(book.records(what::pupil, {pupil_record("A1")}, limited).refused.has_value() == refused);
    // An empty list is never a year that left.
    CHECK(book.records(what::pupil, {}, limited).refused);
}

TEST_CASE("what is corrected to another pupil under its id concerns the pupil whose it was, too", "[reconcile]")
{
    const auto [kind, is_other_record] =
        GENERATE(table<what, bool>({{what::suspension, false}, {what::involvement, false}, {what::involvement, true}}));
    CAPTURE(name_of(kind), is_other_record);
    read_book book;
    book.records(what::pupil, {pupil_record("A0"), pupil_record("A1")});
    book.records(
        what::incident,
        {{what::incident, "I1", {}, R"({"day":"2026-09-14"})"}, {what::incident, "I2", {}, R"({"day":"2026-09-14"})"}}
    );
    const auto read = [&](const std::string& pupil, const std::string& record) {
        stream_info stream;
        stream.name = std::string(name_of(kind));
        stream.makes = {kind};
        source_reading reading = book.begin();
        const std::string fields =
            kind == what::suspension ? R"({"from":"2026-09-14"})" : R"({"of":"incident","record":")" + record + "\"}";
        book.read_records(reading, stream, {{kind, "R1", pupil, fields}}, {});
        return reading;
    };
    const source_reading first = read("A0", "I1");
    CHECK_FALSE(first.records_moved());
    const entry_index before = book.held.things(what::pupil).find("mis", "A0")->subject;
    const entry_index after = book.held.things(what::pupil).find("mis", "A1")->subject;
    CHECK(first.touched_pupils() == std::set{before});

    const source_reading second = is_other_record ? read("A0", "I2") : read("A1", "I1");
    CHECK(second.records_moved());
    const std::set<entry_index> both = is_other_record ? std::set{before} : std::set{before, after};
    CHECK(second.touched_pupils() == both);
    CHECK(second.touched_cases() == both);
    const source_reading third = is_other_record ? read("A0", "I2") : read("A1", "I1");
    CHECK(third.touched_records().empty());
}

TEST_CASE("what could not be read is counted and kept with its place", "[reconcile]")
{
    read_book book;
    stream_info stream;
    stream.name = "marks";
    stream.makes = {what::session_mark};
    source_reading reading = book.begin();
    reading.begin_stream(stream, {}, std::nullopt);
    page got;
    got.rows = 1;
    got.rejected.emplace_back(what::session_mark, "no pupil", "{}", 4);
    reading.take(got, 3);
    CHECK(reading.has_rejected());
    transaction t;
    reading.drain(t, 0);
    CHECK_FALSE(reading.has_rejected());
    REQUIRE(t.quarantined.size() == 1);
    CHECK(t.quarantined[0].page == 3);
    CHECK(t.quarantined[0].position == 4);
    CHECK(t.quarantined[0].reason == "no pupil");
    const auto rows = reading.statement(book.connector);
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].quarantined == 1);
    CHECK(rows[0].read == 1);
    CHECK(rows[0].adds_up());
}
