#pragma once

#include "daemon/config/load.hpp"

#include <string_view>

namespace rollbook {

// What reading found, over all files.
struct findings_of_load {
    std::vector<configuration_problem> problems;
    std::vector<std::string> warnings;
};

// Notes what is wrong in one file.
class problem_list {
public:
    problem_list(std::filesystem::path file, findings_of_load& into) : file_(std::move(file)), into_(into) {}

    void add(int line, std::string key, std::string what, std::string expected, int column = 0);
    void warn(int line, std::string_view key, std::string_view what);

    std::size_t size() const { return into_.problems.size(); }
    const std::filesystem::path& file() const { return file_; }
    findings_of_load& all() { return into_; }

private:
    std::filesystem::path file_;
    findings_of_load& into_;
};

// A word from the file, in quotes, cut to 60 bytes and without control characters.
std::string in_quotes(std::string_view text);

// "a, b or c"
std::string one_of(const std::vector<std::string_view>& words);

} // namespace rollbook
