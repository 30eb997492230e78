// Each stage of the road by itself, on a page of 200 marks, beside the floor it stands on.

#include "connectors/rest/dom.hpp"
#include "connectors/rest/manifest.hpp"
#include "connectors/rest/page_mapper.hpp"
#include "daemon/base/keyed_digest.hpp"
#include "daemon/base/ledger_entry.hpp"
#include "daemon/base/merkle.hpp"
#include "daemon/base/sha256.hpp"
#include "daemon/reconcile/reading.hpp"
#include "tests/bench/mark_drafts.hpp"
#include "tests/bench/year_of_marks.hpp"
#include "tests/support/ledger_folder.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <map>
#include <optional>

namespace rollbook::bench {

constexpr entry_index page_rows = 200;
constexpr int held_pages = 60; // five school days of 1,200 pupils

std::uint64_t siphash(std::string_view text)
{
    return keyed_digest(digest_key{}, text);
}

// A page as Wonde sends it.
std::string marks_page(entry_index number)
{
    std::string text = R"({"data":[)";
    for (entry_index row = 0; row < page_rows; ++row) {
        const entry_index n = number * page_rows + row;
        text += fmt::format(
            R"({}{{"id":"A1{:09}","date":{{"date":"2026-09-{:02} 00:00:00.000000","timezone_type":3,)"
            R"("timezone":"Europe/London"}},"comment":null,"session":"{}","employee":"A2{:09}",)"
            R"("attendance_code":"A3{:09}","student":"A4{:09}"}})",
            row == 0 ? "" : ",",
            n,
            7 + n / (2 * pupils),
            n / pupils % 2 == 0 ? "AM" : "PM",
            n / 30 % 40,
            n % 19 == 0 ? 2 : 1,
            n % pupils
        );
    }
    return text + R"(],"meta":{"pagination":{"next":null,"previous":null,"more":false,"per_page":200}}})";
}

// The shipped manifest's stream of session marks.
class marks_stream {
public:
    marks_stream()
    {
        auto codes = std::make_shared<lookup_table>();
        codes->columns = {"description", "raw", "statutory"};
        codes->rows["A3000000001"] = {"Present", "/", "/"};
        codes->rows["A3000000002"] = {"Illness", "I", "I"};
        tables_["codes"] = std::move(codes);
    }

    page map(const std::string& text)
    {
        auto storage = std::make_shared<page_storage>();
        storage->body = text;
        storage->tables = tables_;
        const dom_value& root = *parser_.parse(storage->body, 64).value();
        page got;
        mapper_.begin_read();
        mapper_.map(root, *mapper_.rows(root).value(), std::nullopt, tables_, *storage, got);
        got.storage = std::move(storage);
        ROLLBOOK_ENSURE(got.marks.size() == page_rows);
        return got;
    }

private:
    static constexpr const char* root = ROLLBOOK_SOURCE_DIR;
    manifest manifest_ =
        load_manifest(std::string(root) + "/connectors/manifests/wonde.json", std::string(root) + "/schemas").value();
    const stream_spec& stream_ = *std::ranges::find(manifest_.streams, "session-marks", &stream_spec::name);
    page_mapper mapper_{stream_, manifest_.dates};
    page_parser parser_;
    lookup_tables tables_;
};

void map_page(benchmark::State& state)
{
    marks_stream stream;
    const std::string text = marks_page(0);
    for (auto _ : state)
        benchmark::DoNotOptimize(stream.map(text));
}

void rapidjson_alone(benchmark::State& state)
{
    const std::string text = marks_page(0);
    for (auto _ : state) {
        std::string body = text;
        dom::Document parsed;
        parsed.ParseInsitu(body.data());
        ROLLBOOK_ENSURE(!parsed.HasParseError());
    }
}

// Pages that say what is held already: as nearly all do.
void reconcile_page(benchmark::State& state)
{
    marks_stream mapped;
    std::vector<page> pages;
    for (int number = 0; number < held_pages; ++number)
        pages.push_back(mapped.map(marks_page(static_cast<entry_index>(number))));
    stream_info stream;
    stream.name = "session-marks";
    stream.makes = {what::session_mark};
    stream.by_day = true;
    held_state held;
    std::uint32_t reads = 0;
    std::optional<source_reading> reading;
    const auto begin = [&] {
        reading.reset();
        reading.emplace(held, "mis", siphash, ++reads, noon());
        reading->begin_stream(stream, {}, std::nullopt);
    };
    begin();
    for (std::size_t at = 0; at < pages.size(); ++at)
        reading->take(pages[at], static_cast<std::uint32_t>(at + 1));
    transaction all;
    reading->drain(all, 1);
    reading->apply(all, 1);
    std::size_t at = pages.size();
    for (auto _ : state) {
        if (at == pages.size()) {
            state.PauseTiming();
            begin();
            at = 0;
            state.ResumeTiming();
        }
        reading->take(pages[at], static_cast<std::uint32_t>(at + 1));
        ++at;
    }
    ROLLBOOK_ENSURE(reading->changes() == 0);
}

// The entries of a page, all of them new.
transaction entries_of(entry_index page, const digester& digest)
{
    transaction t;
    for (entry_index row = 0; row < page_rows; ++row)
        t.entries.push_back(mark_number(page * page_rows + row, digest));
    return t;
}

void commit_page(benchmark::State& state)
{
    const ledger_folder folder;
    const auto book = folder.open();
    book->state(); // in memory, as a daemon has it
    const digester digest = [&](std::string_view text) { return book->digest(text); };
    entry_index number = 0;
    for (auto _ : state) {
        state.PauseTiming();
        const transaction t = entries_of(number++, digest);
        state.ResumeTiming();
        const entry_index base = book->size();
        book->commit(t, noon());
        book->apply(t, base);
    }
}

void raw_sqlite(benchmark::State& state)
{
    const temporary_folder folder;
    SQLite::Database db((folder.path / "raw.db").string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    db.exec(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE mark (id INTEGER PRIMARY KEY, text BLOB)"
    );
    SQLite::Statement insert(db, "INSERT INTO mark (text) VALUES (?)");
    entry_index number = 0;
    for (auto _ : state) {
        state.PauseTiming();
        const transaction t = entries_of(number++, siphash);
        state.ResumeTiming();
        SQLite::Transaction some(db, SQLite::TransactionBehavior::IMMEDIATE);
        for (const draft& each : t.entries) {
            insert.bindNoCopy(1, each.payload.data(), static_cast<int>(each.payload.size()));
            insert.exec();
            insert.reset();
        }
        some.commit();
    }
}

// What binds the entries of a page: commitments, leaves and the tree over them.
void hash_page(benchmark::State& state)
{
    const transaction t = entries_of(0, siphash);
    const hash key = seed_of(7);
    merkle_frontier tree;
    std::string leaf;
    for (auto _ : state) {
        for (const draft& each : t.entries) {
            leaf.clear();
            append_leaf(leaf, tree.size(), each.kind, noon(), commitment(key, each.payload));
            tree.append(leaf_hash(leaf), {});
        }
        benchmark::DoNotOptimize(tree.root());
    }
}

void sha256_alone(benchmark::State& state)
{
    const transaction t = entries_of(0, siphash);
    for (auto _ : state)
        for (const draft& each : t.entries)
            benchmark::DoNotOptimize(sha256(as_bytes(each.payload)));
}

void judge_pupil(benchmark::State& state)
{
    const year_of_marks school;
    const std::vector<rule> rules = whole_england_pack();
    const judged_day judged = judge_at(school.calendar, evening(ymd(2026, 7, 22))).value();
    const school_rates rates(school.book.held, school.calendar, judged);
    (void)rates.over(school.calendar.term_to(judged.as_of).value());
    const rule_facts facts{school.book.held, school.calendar, &school.cases.held, &rates, std::nullopt};
    for (auto _ : state)
        benchmark::DoNotOptimize(stages_met(rules, facts, 600, judged));
}

// One walk over that pupil's marks of the year, which no rule can do without.
void walk_marks(benchmark::State& state)
{
    const year_of_marks school;
    const auto extent = school.book.held.extent().value();
    for (auto _ : state)
        school.book.held.for_each(600, extent, [](session_id, const held_mark& mark) {
            benchmark::DoNotOptimize(mark.code);
        });
}

struct stage {
    const char* name;
    void (*run)(benchmark::State&);
    const char* floor_name;
    void (*floor)(benchmark::State&);
};
constexpr stage stages[] = {
    {"map a page of 200 marks", map_page, "RapidJSON alone", rapidjson_alone},
    {"reconcile it, unchanged", reconcile_page, "RapidJSON alone", nullptr},
    {"commit its 200 entries", commit_page, "raw SQLite, FULL", raw_sqlite},
    {"hash them into the tree", hash_page, "SHA-256 alone", sha256_alone},
    {"judge a pupil's year by the pack", judge_pupil, "a walk over the marks", walk_marks},
};

// Prints as ever, and keeps the seconds an iteration took: the median where there are several repetitions.
class keeping_reporter : public benchmark::ConsoleReporter {
public:
    struct spent {
        double wall_s = 0;
        double cpu_s = 0;
    };
    std::map<std::string, spent> taken;

    void ReportRuns(const std::vector<Run>& runs) override
    {
        ConsoleReporter::ReportRuns(runs);
        for (const Run& run : runs) {
            if (run.run_type == Run::RT_Aggregate && run.aggregate_name != "median") continue;
            const auto times = static_cast<double>(run.iterations);
            taken[run.run_name.function_name] = {run.real_accumulated_time / times, run.cpu_accumulated_time / times};
        }
    }
};

} // namespace rollbook::bench

int main(int argc, char** argv)
{
    using namespace rollbook::bench;
    benchmark::Initialize(&argc, argv);
    for (int i = 1; i + 1 < argc; ++i)
        if (std::string_view(argv[i]) == "--folder") ::setenv("TMPDIR", argv[i + 1], 1); // on the disk to be measured
    for (const stage& each : stages) {
        benchmark::RegisterBenchmark(each.name, each.run)->Unit(benchmark::kMicrosecond);
        if (each.floor) benchmark::RegisterBenchmark(each.floor_name, each.floor)->Unit(benchmark::kMicrosecond);
    }
    keeping_reporter reporter;
    benchmark::RunSpecifiedBenchmarks(&reporter);
    fmt::print("\n");
    for (const stage& each : stages) {
        const auto took = reporter.taken[each.name];
        const auto floor = reporter.taken[each.floor_name];
        fmt::print(
            "{:<34} / {:<22} {:>7.2f} (by CPU {:.2f})\n",
            each.name,
            each.floor_name,
            took.wall_s / floor.wall_s,
            took.cpu_s / floor.cpu_s
        );
    }
}
