#include "tests/unit/reconcile/reads.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace rollbook;
using namespace rollbook::support;

namespace {

// A source that changes its mind at random: marks come, change, go, come twice; rows cannot be read; reads break off,
// ask for the last days alone, or ask otherwise than before.
class moody_source {
public:
    explicit moody_source(unsigned seed) : dice_(seed) {}

    void step()
    {
        for (int n = below(12); n >= 0; --n)
            change();
        const int how = below(6);
        if (how == 0) return broken_read();
        read_choice choice;
        if (has_read_ && below(3) == 0) choice.from = ymd(2026, 9, static_cast<unsigned>(14 + below(5)));
        choice.missing = static_cast<missing_means>(has_read_ ? below(3) : 0);
        std::vector<mark_row> rows;
        std::int64_t twice = 0;
        for (const auto& [slot, code] : marks_) {
            if (choice.from && slot.second.day < *choice.from) continue;
            rows.push_back(
                {slot.first + format_day(slot.second.day) + std::string(name_of(slot.second.half)),
                 slot.first,
                 slot.second,
                 code}
            );
            if (below(20) != 0) continue;
            rows.push_back(rows.back());
            ++twice;
        }
        std::shuffle(rows.begin(), rows.end(), dice_);
        choice.page_size = static_cast<std::size_t>(1 + below(9));
        choice.drain_every = static_cast<std::size_t>(1 + below(3));
        const auto held_before = static_cast<std::int64_t>(book_.held_marks().size());
        const read_result read = book_.marks(rows, choice);
        has_read_ = true;
        const statement_row& row = read.marks();
        CHECK(row.adds_up());
        CHECK(row.balanced);
        CHECK(row.read == static_cast<std::int64_t>(rows.size()));
        CHECK(row.duplicate == twice);
        // What was held and what came, less what went, is what is held; of it what was listed and what was not asked
        // for.
        CHECK(row.held == held_before + row.fresh + row.restored - row.vanished - row.out_of_scope);
        CHECK(row.held == static_cast<std::int64_t>(book_.held_marks().size()));
        if (choice.missing == missing_means::nothing) return;
        CHECK((choice.missing == missing_means::vanished ? row.out_of_scope : row.vanished) == 0);
        CHECK(row.held == row.fresh + row.changed + row.unchanged + row.outside_window);
        if (!choice.from) CHECK(row.outside_window == 0);
    }

private:
    int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(dice_); }

    void change()
    {
        static const char* const codes[] = {"/", "\\", "I", "N", "Q9", "", "L"};
        const std::string pupil = "A" + std::to_string(below(6));
        const session_id session{
            ymd(2026, 9, static_cast<unsigned>(14 + below(5))), below(2) ? half_day::am : half_day::pm};
        if (below(4) == 0 && marks_.size() > 2)
            marks_.erase({pupil, session});
        else
            marks_[{pupil, session}] = codes[below(7)];
    }

    // Some pages come, and then no more: what came is taken, and nothing is retired.
    void broken_read()
    {
        stream_info stream;
        stream.name = "marks";
        stream.makes = {what::session_mark};
        source_reading reading = book_.begin();
        reading.begin_stream(stream, {}, std::nullopt);
        page got;
        std::vector<std::string> ids;
        ids.reserve(marks_.size());
        for (const auto& [slot, code] : marks_) {
            if (below(2) == 0) continue;
            reported_mark mark;
            mark.source_id =
                ids.emplace_back(slot.first + format_day(slot.second.day) + std::string(name_of(slot.second.half)));
            mark.pupil_id = slot.first;
            mark.session = slot.second;
            mark.raw = mark.statutory = code;
            got.marks.push_back(mark);
        }
        got.rejected.emplace_back(what::session_mark, "no date", "{}", 0);
        got.rows = got.marks.size() + 1;
        reading.take(got, 1);
        transaction t;
        reading.drain(t, book_.size);
        const entry_index base = book_.size;
        book_.size += t.entries.size();
        reading.apply(t, base);
        const read_result read = book_.end(reading);
        CHECK(read.marks().adds_up());
        CHECK(read.marks().quarantined == 1);
        CHECK(read.marks().vanished == 0);
    }

    std::mt19937 dice_;
    std::map<std::pair<std::string, session_id>, std::string> marks_;
    read_book book_;
    bool has_read_ = false;
};

} // namespace

TEST_CASE("a statement balances after any sequence of changes and broken reads", "[reconcile]")
{
    const unsigned seed = GENERATE(range(1U, 41U));
    CAPTURE(seed);
    moody_source source(seed);
    for (int n = 0; n < 25; ++n) {
        CAPTURE(n);
        source.step();
    }
}
