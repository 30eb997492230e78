#include "tests/bench/programs.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <pty.h>
#include <stdexcept>
#include <string_view>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rollbook::bench {
namespace {

using clock = std::chrono::steady_clock;

double seconds(const timeval& time)
{
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double seconds_since(clock::time_point start)
{
    return std::chrono::duration<double>(clock::now() - start).count();
}

double own_cpu_s()
{
    rusage use{};
    getrusage(RUSAGE_SELF, &use);
    return seconds(use.ru_utime) + seconds(use.ru_stime);
}

[[noreturn]] void become(const std::vector<std::string>& words)
{
    std::vector<char*> argv;
    for (const std::string& word : words)
        argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
}

long number_after(std::string_view text, std::string_view key)
{
    const std::size_t at = text.find(key);
    if (at == text.npos) throw std::runtime_error("the simulated school does not say its " + std::string(key));
    return std::atol(std::string(text.substr(at + key.size(), 20)).c_str());
}

double cpu_s_of(pid_t process)
{
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    std::string text;
    std::getline(file, text);
    // The fields after the name in brackets, which may hold blanks: the 12th and 13th are user and system time.
    const char* at = text.c_str() + text.rfind(')') + 2;
    for (int field = 0; field < 11; ++field)
        at = std::strchr(at, ' ') + 1;
    char* end = nullptr;
    const long user = std::strtol(at, &end, 10);
    const long system = std::strtol(end, nullptr, 10);
    return static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// Times the stream of session marks by the progress lines: from the last line of what comes before to its own last.
// What it cost is that of the process that reads.
class progress_watch {
public:
    explicit progress_watch(pid_t reads) : reads_(reads) {}

    void take(std::string_view text)
    {
        const moment now{clock::now(), cpu_s_of(reads_)};
        const std::size_t marks = text.rfind("session-marks: ");
        if (marks == text.npos) {
            if (!met_ && text.find(" rows") != text.npos) before_ = now;
            return;
        }
        met_ = true;
        last_ = now;
    }
    cost marks() const
    {
        if (!met_) return {};
        return {std::chrono::duration<double>(last_.wall - before_.wall).count(), last_.cpu_s - before_.cpu_s};
    }

private:
    struct moment {
        clock::time_point wall = clock::now();
        double cpu_s = 0;
    };

    pid_t reads_;
    moment before_;
    moment last_;
    bool met_ = false;
};

} // namespace

stopwatch::stopwatch() : wall_(clock::now()), cpu_s_(own_cpu_s()) {}

cost stopwatch::so_far() const
{
    return {seconds_since(wall_), own_cpu_s() - cpu_s_};
}

school_process::school_process(
    const std::filesystem::path& program, const std::filesystem::path& folder, int pupils, int days
)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe can be made");
    const std::vector<std::string> words = {
        program.string(),
        "--pupils",
        std::to_string(pupils),
        "--school-days",
        std::to_string(days),
        "--today",
        "2026-07-31",
        "--write-config",
        folder.string()};
    process_ = ::fork();
    if (process_ == 0) {
        ::dup2(ends[1], STDOUT_FILENO);
        become(words);
    }
    ::close(ends[1]);
    output_ = ends[0];
    std::string line;
    char got = 0;
    while (::read(output_, &got, 1) == 1 && got != '\n')
        line += got;
    http_port_ = static_cast<int>(number_after(line, "\"http\":"));
    marks_ = number_after(line, "\"marks\":");
}

school_process::~school_process()
{
    ::kill(process_, SIGTERM);
    ::waitpid(process_, nullptr, 0);
    ::close(output_);
}

double school_process::cpu_s() const
{
    return cpu_s_of(process_);
}

daemon_process::daemon_process(
    const std::vector<std::string>& words, const std::string& now, const std::filesystem::path& socket
)
{
    process_ = ::fork();
    if (process_ == 0) {
        ::setenv("ROLLBOOK_NOW", now.c_str(), 1);
        const int nowhere = ::open("/dev/null", O_RDWR);
        ::dup2(nowhere, STDOUT_FILENO);
        ::dup2(nowhere, STDERR_FILENO);
        become(words);
    }
    const auto start = clock::now();
    while (!std::filesystem::exists(socket)) {
        if (seconds_since(start) > 60) throw std::runtime_error("the daemon does not come up");
        ::poll(nullptr, 0, 20);
    }
}

daemon_process::~daemon_process()
{
    ::kill(process_, SIGTERM);
    ::waitpid(process_, nullptr, 0);
}

double daemon_process::cpu_s() const
{
    return cpu_s_of(process_);
}

double daemon_process::peak_memory_mb() const
{
    std::ifstream file("/proc/" + std::to_string(process_) + "/status");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("VmHWM:")) return std::atof(line.c_str() + 6) * 1024 / 1e6;
    return 0;
}

program_run run_program(const std::vector<std::string>& words, const std::string& now, pid_t reads)
{
    int terminal = -1;
    int its_terminal = -1;
    int ends[2];
    if (::openpty(&terminal, &its_terminal, nullptr, nullptr, nullptr) != 0 || ::pipe2(ends, O_CLOEXEC) != 0)
        throw std::runtime_error("no terminal or pipe can be made");
    program_run run;
    const auto start = clock::now();
    const pid_t process = ::fork();
    if (process == 0) {
        ::setenv("ROLLBOOK_NOW", now.c_str(), 1);
        ::dup2(ends[1], STDOUT_FILENO);
        ::dup2(its_terminal, STDERR_FILENO);
        ::close(terminal);
        ::close(its_terminal);
        become(words);
    }
    ::close(its_terminal);
    ::close(ends[1]);
    progress_watch progress(reads ? reads : process);

    std::string output;
    std::string said;
    pollfd from[2] = {{terminal, POLLIN, 0}, {ends[0], POLLIN, 0}};
    char buffer[4096];
    while (from[0].fd >= 0 || from[1].fd >= 0) {
        if (::poll(from, 2, -1) < 0 && errno != EINTR) break;
        for (pollfd& each : from) {
            if (each.fd < 0 || each.revents == 0) continue;
            const ssize_t got = ::read(each.fd, buffer, sizeof buffer);
            if (got <= 0) { // a terminal whose other end is closed says so with an error
                each.fd = -1;
                continue;
            }
            const std::string_view text(buffer, static_cast<std::size_t>(got));
            if (each.fd == terminal) {
                progress.take(text);
                said = text;
            } else {
                output += text;
            }
        }
    }
    int status = 0;
    rusage use{};
    ::wait4(process, &status, 0, &use);
    run.whole = {seconds_since(start), seconds(use.ru_utime) + seconds(use.ru_stime)};
    run.marks = progress.marks();
    run.peak_memory_mb = static_cast<double>(use.ru_maxrss) * 1024 / 1e6;
    ::close(terminal);
    ::close(ends[0]);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        throw std::runtime_error(words[0] + " " + words[1] + " failed: " + said + output);
    while (!output.empty() && output.back() == '\n')
        output.pop_back();
    run.last_line = output.substr(output.rfind('\n') + 1);
    return run;
}

} // namespace rollbook::bench
