// The whole road from a school's pages to the ledger, against the two floors it stands on: SQLite and the fetch.

#include "tests/bench/floors.hpp"
#include "tests/bench/programs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <malloc.h>
#include <stdexcept>
#include <string_view>

namespace rollbook::bench {
namespace {

namespace fs = std::filesystem;

struct options {
    int pupils = 1'200;
    int days = 190;
    int runs = 3;
    fs::path folder = fs::temp_directory_path(); // on the disk that is to be measured
};

options read_options(int argc, char** argv)
{
    options read;
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--smoke") {
            read.pupils = 5;
            read.days = 10;
            read.runs = 1;
            continue;
        }
        if (i + 1 == argc) throw std::runtime_error(fmt::format("{}: not known, or without its value", name));
        const char* value = argv[++i];
        if (name == "--pupils")
            read.pupils = std::atoi(value);
        else if (name == "--school-days")
            read.days = std::atoi(value);
        else if (name == "--runs")
            read.runs = std::max(1, std::atoi(value));
        else if (name == "--folder")
            read.folder = value;
        else
            throw std::runtime_error(fmt::format("{} is not known", name));
    }
    return read;
}

// A folder of this run's own, removed at its end.
class scratch_folder {
public:
    explicit scratch_folder(const fs::path& below)
    {
        std::string name = (below / "rollbook-bench-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("no folder can be made below " + below.string());
        path_ = name;
    }
    ~scratch_folder()
    {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

// What each run measured of one thing; the median counts.
struct series {
    std::vector<double> wall_s, cpu_s, marks_wall_s, marks_cpu_s, memory_mb;

    void add(const cost& spent)
    {
        wall_s.push_back(spent.wall_s);
        cpu_s.push_back(spent.cpu_s);
    }
    void add(const program_run& run)
    {
        add(run.whole);
        marks_wall_s.push_back(run.marks.wall_s);
        marks_cpu_s.push_back(run.marks.cpu_s);
        memory_mb.push_back(run.peak_memory_mb);
    }
};

double median(std::vector<double> values)
{
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

std::string token_in(const fs::path& folder)
{
    std::ifstream file(folder / "wonde.token");
    std::string token;
    std::getline(file, token);
    return token;
}

void print_row(std::string_view name, const series& s, long marks)
{
    const auto rate = [marks](const std::vector<double>& times) {
        const double time = median(times);
        return time > 0 ? fmt::format("{:.0f}", static_cast<double>(marks) / time) : std::string("-");
    };
    fmt::print(
        "{:<34} {:>8.2f} {:>8.2f} {:>10} {:>10} {:>12} {:>8}\n",
        name,
        median(s.wall_s),
        median(s.cpu_s),
        rate(s.wall_s),
        rate(s.cpu_s),
        rate(s.marks_wall_s),
        s.memory_mb.empty() ? "-" : fmt::format("{:.1f}", median(s.memory_mb))
    );
    std::fflush(stdout);
}

double ratio(const std::vector<double>& floor, const std::vector<double>& road)
{
    return median(road) > 0 ? median(floor) / median(road) : 0;
}

// Floor 1 with the text that the ledger holds. The text is given back before the next program starts: what a process
// holds when it starts another counts as the other's peak.
cost store_marks_of(const fs::path& ledger, const fs::path& plain, std::size_t expected)
{
    cost spent;
    {
        const std::vector<std::string> texts = mark_texts(ledger);
        if (texts.size() != expected) throw std::runtime_error("the ledger does not hold the school's marks");
        spent = store_raw(plain, texts);
    }
    fs::remove(plain);
    ::malloc_trim(0);
    return spent;
}

void measure(const options& wanted, const fs::path& programs)
{
    const std::string rollbook = (programs / "rollbook").string();
    const scratch_folder scratch(wanted.folder);
    const school_process school(programs / "simulated-school", scratch.path(), wanted.pupils, wanted.days);
    const std::string config = (scratch.path() / "rollbook.toml").string();
    const fs::path ledger = scratch.path() / "ledger.db";
    const std::string url =
        fmt::format("http://127.0.0.1:{}/v1.0/schools/A1000900001/attendance/session?per_page=200", school.http_port());
    const std::string token = token_in(scratch.path());

    series raw, alone, fill, again, known, peer;
    const std::string script = std::string(ROLLBOOK_SOURCE_DIR) + "/tests/bench/peers/plain_python.py";
    const std::string token_file = (scratch.path() / "wonde.token").string();
    fetched pages;
    double school_cpu_s = 0;
    for (int run = 0; run < wanted.runs; ++run) {
        for (const fs::directory_entry& file : fs::directory_iterator(scratch.path()))
            if (file.path().filename().string().starts_with("ledger.")) fs::remove(file.path());
        run_program({rollbook, "init", "--simulated", "--config", config}, "2026-07-31T15:50:00Z");
        fill.add(run_program({rollbook, "poll", "--config", config}, "2026-07-31T16:00:00Z"));
        // The ledger just filled holds the text for the floor.
        raw.add(store_marks_of(ledger, scratch.path() / "raw.db", static_cast<std::size_t>(school.marks())));
        const double school_before_s = school.cpu_s();
        again.add(run_program({rollbook, "poll", "--config", config}, "2026-07-31T16:10:00Z"));
        school_cpu_s = school.cpu_s() - school_before_s;
        pages = fetch_alone(url, token);
        alone.add(pages.spent);
        {
            // The daemon reads everything once, and then knows the pages by their bytes.
            const daemon_process daemon(
                {rollbook, "run", "--config", config}, "2026-07-31T16:20:00Z", ledger.string() + ".sock"
            );
            run_program({rollbook, "poll", "--config", config}, "2026-07-31T16:20:00Z");
            run_program({rollbook, "poll", "--config", config}, "2026-07-31T16:20:00Z");
            const double before_s = daemon.cpu_s();
            program_run third =
                run_program({rollbook, "poll", "--config", config}, "2026-07-31T16:20:00Z", daemon.process());
            third.whole.cpu_s = daemon.cpu_s() - before_s;
            third.peak_memory_mb = daemon.peak_memory_mb();
            known.add(third);
        }
        for (const char* file : {"peer.db", "peer.db-wal", "peer.db-shm"})
            fs::remove(scratch.path() / file);
        peer.add(run_program({"/usr/bin/python3", script, url, token_file, (scratch.path() / "peer.db").string()}, ""));
        if (count_marks(ledger) != school.marks()) throw std::runtime_error("a poll without news wrote marks");
    }

    const long marks = school.marks();
    fmt::print(
        "{} marks of {} pupils, {} pages, {:.0f} MB; {} runs, medians\n\n",
        marks,
        wanted.pupils,
        pages.pages,
        pages.megabytes,
        wanted.runs
    );
    fmt::print(
        "{:<34} {:>8} {:>8} {:>10} {:>10} {:>12} {:>8}\n",
        "",
        "wall s",
        "CPU s",
        "marks/s",
        "a CPU s",
        "marks alone",
        "peak MB"
    );
    print_row("a  raw SQLite, 1,000 a batch", raw, marks);
    print_row("b  fetch alone", alone, marks);
    print_row("c  first poll, empty ledger", fill, marks);
    print_row("d  poll again, nothing changed", again, marks);
    print_row("e  the same by a running daemon", known, marks);
    print_row("f  a plain Python script, first", peer, marks);
    fmt::print("\nf / c {:.2f} (by CPU {:.2f})   ", ratio(peer.wall_s, fill.wall_s), ratio(peer.cpu_s, fill.cpu_s));
    fmt::print("c / a {:.2f} (by CPU {:.2f})   ", ratio(raw.wall_s, fill.wall_s), ratio(raw.cpu_s, fill.cpu_s));
    fmt::print("d / b {:.2f} (by CPU {:.2f})   ", ratio(alone.wall_s, again.wall_s), ratio(alone.cpu_s, again.cpu_s));
    fmt::print("e / b {:.2f} (by CPU {:.2f})\n", ratio(alone.wall_s, known.wall_s), ratio(alone.cpu_s, known.cpu_s));
    // On a busy machine each wait for the other process is longer, so that what it costs says more than what it takes.
    fmt::print(
        "Marks alone, in fetches alone: d {:.2f} (by CPU {:.2f}), e {:.2f} (by CPU {:.2f})\n",
        ratio(again.marks_wall_s, alone.wall_s),
        ratio(again.marks_cpu_s, alone.cpu_s),
        ratio(known.marks_wall_s, alone.wall_s),
        ratio(known.marks_cpu_s, alone.cpu_s)
    );
    fmt::print("The school itself spent {:.2f} s of CPU on serving d.\n", school_cpu_s);
}

} // namespace
} // namespace rollbook::bench

int main(int argc, char** argv)
{
    try {
        const auto wanted = rollbook::bench::read_options(argc, argv);
        rollbook::bench::measure(wanted, std::filesystem::read_symlink("/proc/self/exe").parent_path());
        return 0;
    } catch (const std::exception& e) {
        fmt::print(stderr, "rollbook-bench: {}\n", e.what());
        return 1;
    }
}
