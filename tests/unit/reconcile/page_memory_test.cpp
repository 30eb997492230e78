#include "tests/unit/reconcile/reads.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace rollbook;
using namespace rollbook::support;

namespace {

const civil_day first_day = ymd(2026, 9, 14);

// Reads pages of marks as the cycle does, with or without a memory of earlier pages.
class paged_book {
public:
    explicit paged_book(bool with_memory) : with_memory_(with_memory)
    {
        book.held.read_payloads_by([this](entry_index entry) {
            ++payloads_read;
            return payloads_.at(entry);
        });
        stream_.name = "marks";
        stream_.makes = {what::session_mark};
        stream_.by_day = stream_.lists_all = true;
    }

    // `breaks_after`: pages after which the read stops, as when the source fails.
    statement_row read(const std::vector<mark_row>& rows, std::size_t page_size, std::size_t breaks_after = 999)
    {
        ++number_;
        source_reading reading(book.held, "mis", plain_digest, number_, minute(static_cast<int>(number_)));
        reading.begin_stream(stream_, windows_, std::nullopt, with_memory_ ? &memory : nullptr);
        parsed = 0;
        for (std::size_t at = 0, number = 1; number == 1 || at < rows.size(); ++number) {
            page got;
            std::string bytes;
            for (std::size_t i = 0; i < page_size && at < rows.size(); ++i, ++at) {
                reported_mark mark;
                mark.source_id = rows[at].id;
                mark.pupil_id = rows[at].pupil;
                mark.session = rows[at].session;
                mark.raw = mark.statutory = rows[at].code;
                mark.comment = rows[at].comment;
                got.marks.push_back(mark);
                bytes +=
                    rows[at].id + rows[at].comment + read_book::line(rows[at].pupil, rows[at].session, rows[at].code);
            }
            got.rows = got.marks.size();
            got.place = std::to_string(number);
            got.digest = plain_digest(bytes) | 1;
            if (auto known = reading.known(got.place, got.digest)) {
                CHECK(known->rows == got.rows);
                reading.take(*known, static_cast<std::uint32_t>(number));
            } else {
                ++parsed;
                reading.take(got, static_cast<std::uint32_t>(number));
            }
            if (number == breaks_after && leaves_undone_) return {};
            drain(reading);
            if (number == breaks_after) return {};
        }
        const retirement_limit lifted{0, 0, true};
        REQUIRE(reading.end_stream(lifted, missing_means::vanished).has_value());
        drain(reading);
        conflicts = reading.conflicts().size();
        windows_.insert(windows_.begin(), {std::nullopt, reading.started()});
        silent_connector none;
        return reading.statement(none).at(0);
    }

    // Takes the first page, and ends before anything of it is kept.
    void leave_undone(const std::vector<mark_row>& rows, std::size_t page_size)
    {
        leaves_undone_ = true;
        read(rows, page_size, 1);
        leaves_undone_ = false;
    }

    read_book book;
    remembered_pages memory;
    std::size_t parsed = 0; // pages of the last read
    std::size_t conflicts = 0;
    std::size_t payloads_read = 0;

private:
    void drain(source_reading& reading)
    {
        transaction t;
        reading.drain(t, book.size);
        const entry_index base = book.size;
        book.size += t.entries.size();
        for (const draft& each : t.entries)
            payloads_.push_back(each.payload);
        reading.apply(t, base);
    }
    bool with_memory_;
    bool leaves_undone_ = false;
    stream_info stream_;
    std::vector<stream_state::window> windows_;
    std::uint32_t number_ = 0;
    std::vector<std::string> payloads_; // of all entries
};

std::vector<mark_row> some_days(int pupils, int days)
{
    std::vector<mark_row> rows;
    for (int day = 0; day < days; ++day)
        for (const half_day half : {half_day::am, half_day::pm})
            for (int pupil = 0; pupil < pupils; ++pupil)
                rows.push_back(
                    {"M" + std::to_string(rows.size()),
                     "A" + std::to_string(pupil),
                     {first_day + std::chrono::days(day), half},
                     "/"}
                );
    return rows;
}

} // namespace

TEST_CASE("a page that comes byte for byte again is counted and not parsed", "[reconcile]")
{
    paged_book book(true);
    const auto rows = some_days(5, 4);
    book.read(rows, 10);
    CHECK(book.parsed == 4);
    book.read(rows, 10); // the first read that changes nothing is the one to remember
    CHECK(book.parsed == 4);
    const statement_row third = book.read(rows, 10);
    CHECK(book.parsed == 0);
    CHECK(third.read == 40);
    CHECK(third.unchanged == 40);
    CHECK(third.held == 40);
    CHECK(third.adds_up());
}

TEST_CASE("what vanished between known pages is noticed, and what changed is read", "[reconcile]")
{
    paged_book book(true);
    auto rows = some_days(5, 4);
    book.read(rows, 10);
    book.read(rows, 10);
    rows[12].code = "N";
    rows.erase(rows.begin() + 35);
    const statement_row third = book.read(rows, 10);
    CHECK(book.parsed == 2); // the page with N, and the last one
    CHECK(third.changed == 1);
    CHECK(third.vanished == 1);
    CHECK(third.unchanged == 38);
    CHECK(third.held == 39);
}

TEST_CASE("a page is not known once what is held is no longer what it said", "[reconcile]")
{
    paged_book book(true);
    auto rows = some_days(2, 2);
    book.read(rows, 2);
    book.read(rows, 2);
    const auto first = rows;
    rows[0].code = "N";
    book.read(rows, 99); // another way of paging reads the change; places 2 and on are forgotten
    book.read(first, 2);
    CHECK(book.parsed == 4);
    CHECK(book.book.held_marks().count(read_book::line("A0", {first_day, half_day::am}, "/")) == 1);
}

TEST_CASE("a mark that moved onto a known page's neighbour counts once", "[reconcile]")
{
    paged_book book(true);
    auto rows = some_days(2, 2);
    book.read(rows, 2);
    book.read(rows, 2);
    // A row of the third page is on the first as well now.
    auto twice = rows;
    twice[1] = rows[4];
    const statement_row third = book.read(twice, 2);
    CHECK(third.duplicate == 1);
    CHECK(third.vanished == 1);
    CHECK(third.read == 8);
    CHECK(third.adds_up());
    CHECK(book.conflicts == 0);
}

TEST_CASE("with and without a memory of pages every read comes out the same", "[reconcile]")
{
    const unsigned seed = GENERATE(range(1u, 61u));
    CAPTURE(seed);
    std::mt19937 dice(seed);
    const auto one_in = [&](unsigned n) { return dice() % n == 0; };
    const std::vector<std::string> codes = {"/", "L", "N", "I", "Q9", ""};
    paged_book with(true);
    paged_book without(false);
    auto listed = some_days(4, 5);
    std::size_t spared = 0;
    for (int read = 0; read < 12; ++read) {
        // Sometimes nothing changes, mostly little, and what changed may change back.
        const auto before = listed;
        if (!one_in(3)) {
            for (mark_row& row : listed) {
                if (one_in(25)) row.code = codes[dice() % codes.size()];
                if (one_in(40)) row.id += "x";
                if (one_in(60)) row.comment = "c";
            }
            if (one_in(3)) listed.erase(listed.begin() + static_cast<std::ptrdiff_t>(dice() % listed.size()));
            if (one_in(3)) listed.push_back(listed[dice() % listed.size()]); // twice
            if (one_in(4)) std::swap(listed[dice() % listed.size()], listed[dice() % listed.size()]);
        }
        const std::size_t page_size = one_in(6) ? 7 : 5;
        const std::size_t breaks_after = one_in(5) ? 2 : 999;
        const statement_row a = with.read(listed, page_size, breaks_after);
        const statement_row b = without.read(listed, page_size, breaks_after);
        CAPTURE(read, page_size, breaks_after);
        CHECK(a.read == b.read);
        CHECK(a.fresh == b.fresh);
        CHECK(a.changed == b.changed);
        CHECK(a.unchanged == b.unchanged);
        CHECK(a.duplicate == b.duplicate);
        CHECK(a.vanished == b.vanished);
        CHECK(a.restored == b.restored);
        CHECK(a.held == b.held);
        CHECK(a.adds_up());
        CHECK(with.conflicts == without.conflicts);
        CHECK(with.book.held_marks() == without.book.held_marks());
        spared += without.parsed - with.parsed;
        if (one_in(4)) listed = before;
    }
    CHECK(spared > 0);
}

TEST_CASE("slots come out of their packing as they went in, whatever lies between two of them", "[reconcile]")
{
    std::mt19937 chance(11);
    for (int round = 0; round < 200; ++round) {
        remembered_pages::packed_slots::writer writer;
        std::vector<std::uint32_t> slots = {0u, ~0u, 0u, 0x7fffffffu, 0x80000000u, 1u};
        std::uint32_t slot = chance();
        for (int i = 0; i < 50; ++i) {
            slot += chance() >> (chance() % 32);
            slots.push_back(chance() % 2 == 0 ? slot : slot - (chance() >> (chance() % 32)));
            for (auto more = chance() % 4 == 0 ? chance() % 300 : 0; more > 0; --more)
                slots.push_back(slots.back() + 1);
        }
        for (const std::uint32_t each : slots)
            writer.add(each);
        const remembered_pages::packed_slots packed = writer.written();
        REQUIRE(packed.size() == slots.size());
        std::vector<std::uint32_t> read;
        std::uint32_t each = 0;
        for (remembered_pages::packed_slots::reader reader(packed); reader.next(each);)
            read.push_back(each);
        REQUIRE(read == slots);
    }
}

TEST_CASE("the place after a page is told as it was, whatever it has in common with the page's own", "[reconcile]")
{
    const std::string own = "rows https://mis.example/marks?per_page=200&page=9";
    const auto next = GENERATE(values<std::optional<std::string>>(
        {std::nullopt,
         "",
         "rows https://mis.example/marks?per_page=200&page=10",
         "rows https://mis.example/marks?per_page=200&page=9",
         "rows https://mis.example/marks?per_page=200&page=91",
         "rows https://mis.example/marks",
         "gone 2026-11-21"}
    ));
    CAPTURE(next.value_or("none"));
    CHECK(remembered_pages::next_place(own, next).after(own) == next);
}

TEST_CASE("an id that a read met and did not keep is not that of the mark that is held", "[reconcile]")
{
    paged_book book(true);
    const auto rows = some_days(4, 1);
    book.read(rows, 4);
    book.read(rows, 4);
    // The source fails after a page in which another mark stands for one of the first page's.
    auto others = rows;
    others[0].id = "X0";
    book.leave_undone(others, 4);
    const auto twice = [&](const std::string& id) {
        auto listed = rows;
        listed.push_back(listed[0]);
        listed.back().id = id;
        book.read(listed, 4);
        return book.conflicts;
    };
    CHECK(twice("X0") == 1);
    CHECK(book.parsed == 1); // the one that is new
}

TEST_CASE("a second mark of a session is told from the first by what the ledger says of that", "[reconcile]")
{
    paged_book book(true);
    const auto rows = some_days(4, 1);
    auto listed = rows;
    listed.push_back(rows[0]);
    auto& twice = listed.back();
    const auto conflicts_with = [&](const std::string& id, const std::string& code) {
        twice.id = id;
        twice.code = code;
        CHECK(book.read(listed, 4).duplicate == 1);
        return book.conflicts;
    };
    // The first is a change that waits, then one that was just taken in, then what is held.
    twice.id = "X0";
    CHECK(book.read(listed, 99).duplicate == 1);
    CHECK(book.conflicts == 1);
    CHECK(book.payloads_read == 0);
    for (mark_row& row : listed)
        row.comment = "now with a comment";
    CHECK(conflicts_with("X0", "/") == 1);
    CHECK(conflicts_with("X0", "/") == 1);
    CHECK(conflicts_with(rows[0].id, "N") == 0);
    CHECK(conflicts_with("X0", "N") == 1);
    const std::size_t asked = rows.size() + 4; // each mark that changed, whether it is the row that is held
    CHECK(book.payloads_read == asked);
    // The same in all needs no look, and a page that is known is still known.
    CHECK(conflicts_with(rows[0].id, "/") == 0);
    CHECK(conflicts_with(rows[0].id, "/") == 0);
    CHECK(book.payloads_read == asked);
    CHECK(book.parsed == 1);
    CHECK(conflicts_with("X0", "/") == 1);
    CHECK(book.parsed == 1);
}
