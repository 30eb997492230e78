#include "tests/unit/ledger/small_ledger.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::support;

namespace {

std::string marks_at(const ledger_reader& reader, entry_index n, entry_index pupil = no_entry)
{
    std::string text;
    reader.marks(pupil, n, false, [&](const mark_view& mark) {
        text += std::to_string(mark.entry) + std::string(mark.raw) + " ";
        return true;
    });
    return text;
}

std::string findings_at(const ledger_reader& reader, entry_index n)
{
    std::string text;
    reader.things(what::finding, n, [&](const thing_view& thing) {
        text += std::to_string(thing.entry) + (thing.gone ? " closed" : " open");
        return true;
    });
    return text;
}

} // namespace

TEST_CASE("what is known at a size is what stood when the ledger had that size", "[ledger]")
{
    const ledger_folder folder;
    fill(*folder.open());
    const auto reader = folder.reader();
    const auto [n, marks, finding] = GENERATE(table<entry_index, std::string, std::string>({
        {0, "", ""},
        {3, "", ""},
        {4, "3N ", ""},
        {7, "3N 4/ 5\\ 6Q9 ", ""},
        {8, "4/ 5\\ 6Q9 7I ", ""},
        {9, "5\\ 6Q9 7I ", ""}, // entry 8 says that the mark of entry 4 is gone
        {10, "5\\ 6Q9 7I ", "9 open"},
        {11, "5\\ 6Q9 7I ", "10 closed"},
        {12, "5\\ 6Q9 7I ", "10 closed"},
        {no_entry, "5\\ 6Q9 7I ", "10 closed"},
    }));
    CAPTURE(n);
    CHECK(marks_at(*reader, n) == marks);
    CHECK(findings_at(*reader, n) == finding);
}

TEST_CASE("the marks of one pupil are that pupil's alone", "[ledger]")
{
    const ledger_folder folder;
    fill(*folder.open());
    CHECK(marks_at(*folder.reader(), no_entry, 1) == "7I ");
    CHECK(marks_at(*folder.reader(), no_entry, 2) == "5\\ 6Q9 ");
    CHECK(marks_at(*folder.reader(), no_entry, 3).empty());
}

TEST_CASE("a thing's history is all its versions below the size, oldest first", "[ledger]")
{
    const ledger_folder folder;
    fill(*folder.open());
    const auto versions = [&](entry_index n) {
        std::vector<entry_index> found;
        folder.reader()->history(9, n, [&](const thing_view& thing) {
            CHECK(thing.subject == 9);
            CHECK(thing.pupil == 2);
            found.push_back(thing.entry);
            return true;
        });
        return found;
    };
    CHECK(versions(9).empty());
    CHECK(versions(10) == std::vector<entry_index>{9});
    CHECK(versions(no_entry) == std::vector<entry_index>{9, 10});
}

TEST_CASE("an instant is turned into the number of entries recorded at or before it", "[ledger]")
{
    const ledger_folder folder;
    {
        auto book = folder.open();
        for (int i = 0; i < 20; ++i) {
            transaction t;
            for (int k = 0; k <= i % 3; ++k)
                t.entries.push_back(tiny_draft(book->size() + static_cast<entry_index>(k)));
            book->commit(t, noon(i / 2));
        }
    }
    const auto reader = folder.reader();
    std::vector<instant> recorded;
    reader->entries(0, no_entry, [&](const entry_view& entry) {
        recorded.push_back(entry.recorded_at);
        return true;
    });
    for (int minute = -61; minute < 12; ++minute)
        for (const int ms : {-1, 0, 1}) {
            const instant at = noon(minute) + std::chrono::milliseconds(ms);
            const auto counted = std::count_if(recorded.begin(), recorded.end(), [&](instant r) { return r <= at; });
            CHECK(reader->size_at(at) == static_cast<entry_index>(counted));
        }
}

TEST_CASE("the beginning is the close of the first read, and there is none before it", "[ledger]")
{
    const ledger_folder folder;
    auto book = folder.open();
    CHECK_FALSE(folder.reader()->began());
    fill(*book);
    CHECK_FALSE(folder.reader()->began());
    transaction t;
    t.entries.push_back(statement_entry("mis", noon(20), {}, true, {}, book->size()));
    book->commit(t, noon(20));
    t.entries = {statement_entry("safeguarding", noon(30), {}, true, {}, book->size())};
    book->commit(t, noon(30));
    const auto began = folder.reader()->began().value();
    CHECK(began.at == noon(20));
    CHECK(began.size == 13);
}

TEST_CASE("entry 0 says whose ledger it is and whether it is a simulation", "[ledger]")
{
    const bool simulated = GENERATE(false, true);
    const ledger_folder folder(simulated);
    CHECK(folder.reader()->is_simulated() == simulated);
    CHECK(folder.reader()->origin() == "ledger.example.sch.uk/900001");
    CHECK(folder.reader()->size() == 1);
}

TEST_CASE("a reader sees the writer's commits and stops when it is told", "[ledger]")
{
    const ledger_folder folder;
    auto book = folder.open();
    const auto reader = folder.reader();
    CHECK(reader->size() == 1);
    fill(*book);
    CHECK(reader->size() == 12);
    int calls = 0;
    reader->entries(0, no_entry, [&](const entry_view&) { return ++calls < 3; });
    CHECK(calls == 3);
    int statements = 0;
    reader->statements(noon(1), noon(1), no_entry, [&](const statement_row& row) {
        ++statements;
        CHECK(row.fresh == 4);
        CHECK(row.source_total == 4);
        CHECK(row.held == 4);
        return true;
    });
    CHECK(statements == 1);
    reader->statements(noon(2), std::nullopt, no_entry, [&](const statement_row&) { return ++statements > 0; });
    reader->statements({}, {}, 6, [&](const statement_row&) { return ++statements > 0; });
    CHECK(statements == 1);
}

namespace {

std::string marks_of_days_in(const ledger_reader& reader, entry_index pupil, const day_range& days, entry_index n)
{
    std::string text;
    reader.marks_of_days(pupil, days, n, true, [&](const mark_view& mark) {
        text += std::to_string(mark.entry) + " " + format_day(mark.session.day) +
                (mark.session.half == half_day::am ? "A " : "P ") + std::to_string(mark.pupil) +
                std::string(mark.source) + std::string(mark.raw) + std::string(mark.statutory) +
                std::to_string(mark.minutes) + std::string(mark.payload) + "\n";
        return true;
    });
    return text;
}

void check_same_marks(const ledger_folder& folder, const ledger_reader& open)
{
    const auto fresh = folder.reader();
    const civil_day day = ymd(2026, 9, 14);
    const std::chrono::days one(1);
    for (entry_index n = 0; n <= fresh->size() + 1; ++n)
        for (const entry_index pupil : {no_entry, entry_index(1), entry_index(2), entry_index(3)})
            for (const day_range& days :
                 {day_range{day - one, day - one}, day_range{day, day}, day_range{day, day + one}}) {
                CAPTURE(n, pupil, format_day(days.first), format_day(days.last));
                CHECK(marks_of_days_in(open, pupil, days, n) == marks_of_days_in(*fresh, pupil, days, n));
            }
}

} // namespace

TEST_CASE(
    "a reader that stays open gives the marks of days as one that is opened anew, while the ledger grows", "[ledger]"
)
{
    const ledger_folder folder;
    const auto open = open_reader(folder.file(), true).value();
    check_same_marks(folder, *open);
    const auto book = folder.open();
    fill(*book);
    CHECK_FALSE(marks_of_days_in(*open, no_entry, {ymd(2026, 9, 14), ymd(2026, 9, 14)}, no_entry).empty());
    check_same_marks(folder, *open);
    transaction t;
    t.entries.push_back(mark_draft(*book, am(ymd(2026, 9, 14)), 1, "I", "M1", 7));
    t.entries.push_back(mark_draft(*book, am(ymd(2026, 9, 15)), 2, "L", "M9"));
    commit_and_apply(*book, t, noon(30));
    check_same_marks(folder, *open);
}

namespace {

// Incidents, their parts and a suspension of the pupils of fill(), from two sources, with later versions of some.
void fill_cases(ledger& book)
{
    const auto add = [&](const std::string& payload) {
        transaction t;
        t.entries.push_back(written(book, payload, book.size()));
        commit_and_apply(book, t, noon(20));
        return std::to_string(book.size() - 1);
    };
    const auto incident = [&](const char* id, const char* source, const char* day, const std::string& was = "") {
        const std::string version = was.empty() ? "" : R"("replaces":)" + was + R"(,)";
        const std::string of = was.empty() ? "" : R"("subject":)" + was + R"(,)";
        return add(
            R"({"fields":{"day":")" + std::string(day) + R"("},"id":")" + id + R"(",)" + version + R"("source":")" +
            source + R"(",)" + of + R"("what":"incident"})"
        );
    };
    const auto part = [&](const char* id, const char* record, const char* source, int pupil) {
        return add(
            R"({"fields":{"of":"incident","record":")" + std::string(record) + R"(","role":"harmed"},"id":")" + id +
            R"(","pupil":)" + std::to_string(pupil) + R"(,"source":")" + source + R"(","what":"involvement"})"
        );
    };
    const std::string first = incident("I1", "mis", "2026-09-14");
    incident("I1", "cpoms", "2026-09-15");
    part("I1/A1", "I1", "mis", 1);
    part("I1/A2", "I1", "mis", 2);
    part("I1/A1", "I1", "cpoms", 1);
    incident("I1", "mis", "2026-09-16", first);
    const std::string second = incident("I2", "mis", "2026-09-17");
    add(R"({"gone":"vanished","id":"I2","replaces":)" + second + R"(,"source":"mis","subject":)" + second +
        R"(,"what":"incident"})");
    add(R"({"fields":{"from":"2026-09-16"},"id":"S1","pupil":2,"source":"mis","what":"suspension"})");
}

std::string told(const thing_view& each)
{
    return std::to_string(each.entry) + " of " + std::to_string(each.subject) + (each.gone ? " gone " : " ") +
           std::string(each.source) + " " + std::string(each.key) + " " + std::string(each.payload) + "\n";
}

std::string told(const case_facts& all)
{
    std::string text;
    for (const case_record& each : all.records()) {
        text += std::to_string(each.subject) + " " + std::to_string(each.entry) + (each.gone ? " gone" : " ");
        if (!each.gone && each.day) text += format_day(*each.day);
        all.for_each_part(each, [&](const case_part& part) {
            text += " " + std::to_string(part.entry) + " " + std::to_string(part.pupil);
        });
        text += "\n";
    }
    for (const suspension_fact& each : all.suspensions())
        text += "suspension " + std::to_string(each.entry) + "\n";
    return text;
}

std::string sums_in(const std::map<entry_index, figures>& all)
{
    std::string text;
    for (const auto& [pupil, sums] : all)
        text += std::to_string(pupil) + ": " + std::to_string(sums.possible) + " " + std::to_string(sums.present) +
                " " + std::to_string(sums.absent()) + " " + std::to_string(sums.unmapped) + "\n";
    return text;
}

// What a reader is quick about, against the same looked for in everything: ledger_reader's own words for it.
void check_same_answers(const ledger_reader& quick, entry_index n)
{
    CAPTURE(n);
    std::string found, expected;
    const auto into = [](std::string& text) {
        return [&text](const thing_view& each) {
            text += told(each);
            return true;
        };
    };
    for (const what kind : {what::pupil, what::incident, what::involvement, what::suspension, what::finding}) {
        CAPTURE(name_of(kind));
        quick.things_unread(kind, n, into(found));
        quick.ledger_reader::things_unread(kind, n, into(expected));
        for (const entry_index pupil : {entry_index(1), entry_index(2), entry_index(3)}) {
            quick.things_of(kind, pupil, n, into(found));
            quick.ledger_reader::things_of(kind, pupil, n, into(expected));
        }
        for (const entry_index from : {entry_index(0), n / 2, n}) {
            quick.things_since(kind, from, n, into(found));
            quick.ledger_reader::things_since(kind, from, n, into(expected));
        }
        for (const char* source : {"mis", "cpoms", "none"})
            for (const char* id : {"I1", "I2", "I3", "S1", "A1"}) {
                quick.things_by_id(kind, source, id, n, into(found));
                quick.ledger_reader::things_by_id(kind, source, id, n, into(expected));
            }
        CHECK(found == expected);
        CHECK(quick.sources_of(kind, n) == quick.ledger_reader::sources_of(kind, n));
    }
    const civil_day day = ymd(2026, 9, 14);
    for (const day_range& days : {day_range{day, day}, {day, day + std::chrono::days(1)}})
        CHECK(
            sums_in(quick.sums_of_days("mis", days, n)) == sums_in(quick.ledger_reader::sums_of_days("mis", days, n))
        );
    CHECK(told(*quick.cases(n)) == told(*quick.ledger_reader::cases(n)));
}

} // namespace

TEST_CASE("what is found by an index is what looking through everything finds, while the ledger grows", "[ledger]")
{
    const bool stays_open = GENERATE(false, true);
    CAPTURE(stays_open);
    const ledger_folder folder;
    const auto book = folder.open();
    const auto reader = open_reader(folder.file(), stays_open).value();
    check_same_answers(*reader, reader->size());
    fill(*book);
    for (entry_index n = 0; n <= reader->size(); ++n)
        check_same_answers(*reader, n);
    fill_cases(*book);
    for (entry_index n = 0; n <= reader->size(); ++n)
        check_same_answers(*reader, n);
    REQUIRE(reader->sources_of(what::incident, no_entry) == std::set<std::string>{"cpoms", "mis"});
    REQUIRE(reader->cases(no_entry)->records().size() == 3);
}

TEST_CASE("what is asked at once is answered from one state, whatever is written meanwhile", "[ledger]")
{
    const ledger_folder folder;
    const auto book = folder.open();
    const auto reader = open_reader(folder.file(), true).value();
    const auto pupils = [&] {
        int count = 0;
        reader->things_unread(what::pupil, no_entry, [&](const thing_view&) { return ++count > 0; });
        return count;
    };
    entry_index before = 0;
    reader->at_once([&] {
        before = reader->size();
        fill(*book);
        CHECK(reader->size() == before);
        CHECK(pupils() == 0);
    });
    CHECK(reader->size() > before);
    CHECK(pupils() > 0);
    CHECK_THROWS_AS(reader->at_once([] { throw std::runtime_error("broken off"); }), std::runtime_error);
    reader->at_once([&] { CHECK(pupils() > 0); });
}

TEST_CASE("a reader that stays open finds the marks of any days and moment that one without memory finds", "[ledger]")
{
    const ledger_folder folder;
    const auto book = folder.open();
    fill(*book);
    const auto open = open_reader(folder.file(), true).value();
    const civil_day newest = ymd(2026, 9, 14);
    const auto list =
        [](const ledger_reader& reader, entry_index pupil, const day_range& days, entry_index n, bool with_payload) {
            std::string text;
            reader.marks_of_days(pupil, days, n, with_payload, [&](const mark_view& each) {
                text += std::to_string(each.entry) + " " + format_day(each.session.day) +
                        std::string(name_of(each.session.half)) + " " + std::to_string(each.pupil) +
                        std::string(each.raw) + std::string(each.source) + std::string(each.payload) + "\n";
                return true;
            });
            return text;
        };
    const auto check_all = [&] {
        const auto now_and_then = folder.reader();
        for (const entry_index n : {book->size() - 1, book->size()})
            for (const int from : {3'000, 1'200, 461, 400, 20})
                for (const int to : {700, 0, -20}) {
                    CAPTURE(n, from, to);
                    const day_range days{newest - std::chrono::days(from), newest - std::chrono::days(to)};
                    for (const entry_index pupil : {no_entry, entry_index{1}, entry_index{2}, entry_index{3}})
                        for (const bool with_payload : {false, true})
                            CHECK(
                                list(*open, pupil, days, n, with_payload) ==
                                list(*now_and_then, pupil, days, n, with_payload)
                            );
                    const auto sums = [&](const ledger_reader& reader) {
                        std::string text;
                        for (const auto& [pupil, of] : reader.sums_of_days("mis", days, n))
                            text += std::to_string(pupil) + " " + std::to_string(of.possible) + " " +
                                    std::to_string(of.present) + "\n";
                        return text;
                    };
                    CHECK(sums(*open) == sums(*now_and_then));
                }
    };
    check_all();
    transaction t;
    for (const int back : {2'000, 1'000, 465, 455, 300, 1})
        t.entries.push_back(
            mark_draft(*book, am(newest - std::chrono::days(back)), 1 + back % 2, "/", "X" + std::to_string(back))
        );
    const entry_index first = commit_and_apply(*book, t, noon(7));
    check_all();
    transaction changes; // of an early mark, and a newer day than any, which puts others among the early ones
    changes.entries.push_back(mark_draft(*book, am(newest - std::chrono::days(1'000)), 1, "I", "X1000", first + 1));
    changes.entries.push_back(mark_draft(*book, am(newest + std::chrono::days(60)), 1, "/", "Y"));
    commit_and_apply(*book, changes, noon(8));
    check_all();
    CHECK_THAT(
        list(*open, 1, {newest - std::chrono::days(1'000), newest - std::chrono::days(1'000)}, no_entry, false),
        Catch::Contains("1I")
    );
}

TEST_CASE("a reader that stays open finds marks of days before those that were asked for first", "[ledger]")
{
    const ledger_folder folder;
    const auto book = folder.open();
    fill(*book);
    const civil_day newest = ymd(2026, 9, 14);
    transaction t;
    for (const int back : {900, 400, 2})
        t.entries.push_back(mark_draft(*book, am(newest - std::chrono::days(back)), 1, "/", "X" + std::to_string(back))
        );
    const entry_index first = commit_and_apply(*book, t, noon(7));
    const auto open = open_reader(folder.file(), true).value();
    const auto check_from = [&](int back) {
        CAPTURE(back);
        const day_range days{newest - std::chrono::days(back), newest + std::chrono::days(9)};
        const auto found = marks_of_days_in(*open, no_entry, days, no_entry);
        CHECK(found == marks_of_days_in(*folder.reader(), no_entry, days, no_entry));
        return found;
    };
    const auto of_week = check_from(7);
    CHECK(check_from(500) != of_week);
    transaction change; // of a day that was not asked for yet
    change.entries.push_back(mark_draft(*book, am(newest - std::chrono::days(900)), 1, "I", "X900", first));
    commit_and_apply(*book, change, noon(8));
    for (const int back : {7, 500, 1'000, 7})
        check_from(back);
}

TEST_CASE("marks that were changed are listed by the entry that changed them, and no others", "[ledger]")
{
    const ledger_folder folder;
    fill(*folder.open());
    const auto reader = folder.reader();
    const auto changes = [&](entry_index from, entry_index to) {
        std::string text;
        reader->mark_changes(from, to, [&](const mark_change& each) {
            text += std::to_string(each.before) + ">" + std::to_string(each.after) + " ";
            return true;
        });
        return text;
    };
    CHECK(changes(0, no_entry) == "3>7 4>8 ");
    CHECK(changes(0, 8) == "3>7 ");
    CHECK(changes(8, 9) == "4>8 ");
    CHECK(changes(9, no_entry).empty());
}
