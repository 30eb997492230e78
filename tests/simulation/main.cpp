// Lives through simulated fortnights or a school year and says what did not hold. See tests/simulation/README.md.

#include "tests/simulation/simulation.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <type_traits>
#include <unistd.h>
#include <utility>

using namespace rollbook::simulation;

namespace {

int usage()
{
    std::puts(
        "usage: rollbook-simulate [--seeds FIRST-LAST] [--jobs N] [--plant NAME] [--tell]\n"
        "       rollbook-simulate --year [PUPILS]\n"
        "NAME: cursor, outbox, tombstone, day or again.\n"
        "Prints a line for each seed in which something did not hold, and a summary. Exit code 1 when any did not."
    );
    return 2;
}

void print_problems(const findings& found, std::uint64_t seed)
{
    for (const std::string& each : found.problems)
        std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), each.c_str());
}

double seconds_since(std::chrono::steady_clock::time_point began)
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

int live_a_year(int pupils)
{
    const auto began = std::chrono::steady_clock::now();
    const findings found = simulate(school_year(pupils));
    print_problems(found, 1);
    std::printf(
        "%d pupils, a school year: %d polls, %llu entries, %d alerts, %d messages, %.1f s, trace %016llx\n",
        pupils,
        found.polls,
        static_cast<unsigned long long>(found.entries),
        found.alerts,
        found.deliveries,
        seconds_since(began),
        static_cast<unsigned long long>(found.trace)
    );
    return found.problems.empty() ? 0 : 1;
}

// What is found in some seeds by a process of its own, which lives through every `step`th of them.
class worker {
public:
    worker(std::uint64_t first, std::uint64_t last, std::uint64_t step, plant bug)
    {
        int ends[2];
        if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
        std::fflush(nullptr);
        process_ = ::fork();
        if (process_ < 0) throw std::runtime_error("no process");
        if (process_ > 0) {
            ::close(ends[1]);
            found_ = ::fdopen(ends[0], "r");
            return;
        }
        ::close(ends[0]);
        std::FILE* out = ::fdopen(ends[1], "w");
        for (std::uint64_t seed = first; seed <= last; seed += step)
            write(out, simulate(fortnight(seed, bug)));
        std::fclose(out);
        std::_Exit(0);
    }
    ~worker()
    {
        std::fclose(found_);
        ::waitpid(process_, nullptr, 0);
    }
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;

    // Of its next seed.
    findings next()
    {
        findings found;
        counts of{};
        if (std::fread(&of, sizeof of, 1, found_) != 1) {
            found.problems.emplace_back("the process that lived through it died");
            return found;
        }
        for_each_count(found, of, [](auto& to, std::uint64_t from) {
            to = static_cast<std::decay_t<decltype(to)>>(from);
        });
        for (std::uint64_t i = 0; i < of.problems; ++i) {
            std::uint64_t size = 0;
            if (std::fread(&size, sizeof size, 1, found_) != 1) break;
            std::string text(size, ' ');
            if (std::fread(text.data(), 1, size, found_) != size) break;
            found.problems.push_back(std::move(text));
        }
        return found;
    }

private:
    struct counts {
        std::uint64_t each[9] = {};
        std::uint64_t problems = 0;
    };
    template <class Found, class Counts, class F> static void for_each_count(Found& found, Counts& of, F&& use)
    {
        use(found.polls, of.each[0]);
        use(found.deaths, of.each[1]);
        use(found.power_cuts, of.each[2]);
        use(found.failed_reads, of.each[3]);
        use(found.entries, of.each[4]);
        use(found.alerts, of.each[5]);
        use(found.deliveries, of.each[6]);
        use(found.repeats, of.each[7]);
        use(found.trace, of.each[8]);
    }
    static void write(std::FILE* out, const findings& found)
    {
        counts of;
        for_each_count(found, of, [](const auto& from, std::uint64_t& to) { to = static_cast<std::uint64_t>(from); });
        of.problems = found.problems.size();
        std::fwrite(&of, sizeof of, 1, out);
        for (const std::string& each : found.problems) {
            const std::uint64_t size = each.size();
            std::fwrite(&size, sizeof size, 1, out);
            std::fwrite(each.data(), 1, each.size(), out);
        }
    }

    ::pid_t process_ = 0;
    std::FILE* found_ = nullptr;
};

int live_fortnights(std::uint64_t first, std::uint64_t last, std::uint64_t jobs, plant bug, bool tells)
{
    const auto began = std::chrono::steady_clock::now();
    findings all;
    std::uint64_t broken = 0;
    std::uint64_t first_broken = 0;
    std::deque<worker> workers;
    for (std::uint64_t i = 0; jobs > 1 && i < jobs; ++i)
        workers.emplace_back(first + i, last, jobs, bug);
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        plan lived = fortnight(seed, bug);
        lived.tells = tells;
        const findings found = workers.empty() ? simulate(lived) : workers[(seed - first) % jobs].next();
        print_problems(found, seed);
        if (!found.problems.empty() && broken++ == 0) first_broken = seed;
        all.trace = all.trace * 1'099'511'628'211u + found.trace;
        all.polls += found.polls;
        all.deaths += found.deaths;
        all.power_cuts += found.power_cuts;
        all.failed_reads += found.failed_reads;
        all.entries += found.entries;
        all.alerts += found.alerts;
        all.deliveries += found.deliveries;
        all.repeats += found.repeats;
    }
    const double seconds = seconds_since(began);
    std::printf(
        "%llu seeds, %llu broken (first %llu): %d polls, %d failed reads, %d deaths of the process, %d of them power "
        "cuts, "
        "%llu entries, %d alerts, %d messages, %d repeats; %.1f s, %.1f ms a seed, trace %016llx\n",
        static_cast<unsigned long long>(last - first + 1),
        static_cast<unsigned long long>(broken),
        static_cast<unsigned long long>(first_broken),
        all.polls,
        all.failed_reads,
        all.deaths,
        all.power_cuts,
        static_cast<unsigned long long>(all.entries),
        all.alerts,
        all.deliveries,
        all.repeats,
        seconds,
        seconds * 1'000 / static_cast<double>(last - first + 1),
        static_cast<unsigned long long>(all.trace)
    );
    return broken == 0 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv)
{
    std::uint64_t first = 1;
    std::uint64_t last = 100;
    plant bug = plant::none;
    bool tells = false;
    std::uint64_t jobs = 1;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const std::string value = i + 1 < argc ? argv[i + 1] : "";
        if (word == "--year") return live_a_year(value.empty() ? 1'200 : std::stoi(value));
        if (word == "--tell") {
            tells = true;
            continue;
        }
        if (value.empty()) return usage();
        ++i;
        if (word == "--seeds") {
            const std::size_t dash = value.find('-');
            first = std::stoull(value.substr(0, dash));
            last = dash == value.npos ? first : std::stoull(value.substr(dash + 1));
        } else if (word == "--jobs") {
            jobs = std::max<std::uint64_t>(1, std::stoull(value));
        } else if (word == "--plant") {
            if (value == "cursor")
                bug = plant::cursor_early;
            else if (value == "outbox")
                bug = plant::split_outbox;
            else if (value == "tombstone")
                bug = plant::lost_tombstone;
            else if (value == "day")
                bug = plant::forgotten_day;
            else if (value == "again")
                bug = plant::untold_day;
            else
                return usage();
        } else {
            return usage();
        }
    }
    return live_fortnights(first, last, tells ? 1 : jobs, bug, tells);
}
