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
