#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

namespace rollbook::bench {

// What some work cost.
struct cost {
    double wall_s = 0;
    double cpu_s = 0; // user and system

    void operator+=(const cost& more)
    {
        wall_s += more.wall_s;
        cpu_s += more.cpu_s;
    }
};

// Measures this process from its making on.
class stopwatch {
public:
    stopwatch();
    cost so_far() const;

private:
    std::chrono::steady_clock::time_point wall_;
    double cpu_s_;
};

// The simulated school as a process of its own, ended with this object.
class school_process {
public:
    // Waits until it serves; its configuration for Rollbook goes to `folder`.
    school_process(const std::filesystem::path& program, const std::filesystem::path& folder, int pupils, int days);
    ~school_process();
    school_process(const school_process&) = delete;
    school_process& operator=(const school_process&) = delete;

    int http_port() const { return http_port_; }
    long marks() const { return marks_; }
    double cpu_s() const; // spent so far

private:
    pid_t process_ = -1;
    int output_ = -1;
    int http_port_ = 0;
    long marks_ = 0;
};

// The daemon as a process of its own, ended with this object.
class daemon_process {
public:
    // Returns once it takes requests of other commands.
    daemon_process(const std::vector<std::string>& words, const std::string& now, const std::filesystem::path& socket);
    ~daemon_process();
    daemon_process(const daemon_process&) = delete;
    daemon_process& operator=(const daemon_process&) = delete;

    double cpu_s() const; // spent so far
    double peak_memory_mb() const;
    pid_t process() const { return process_; }

private:
    pid_t process_ = -1;
};

// One run of a program to its end.
struct program_run {
    cost whole;
    cost marks;                // from the first page of session marks to the last, as the progress line tells
    double peak_memory_mb = 0; // of 1,000,000 bytes
    std::string last_line;     // of its standard output
};

// Throws when it does not exit with 0. Its standard error is a terminal, so that it says how far it is. `reads`: the
// process that reads for it; 0: it does so itself.
program_run run_program(const std::vector<std::string>& words, const std::string& now, pid_t reads = 0);

} // namespace rollbook::bench
