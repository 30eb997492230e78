#pragma once

#include "daemon/ports/configuration.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace rollbook {

// One thing wrong with a configuration file. Never holds the value of a setting that may be a secret.
struct configuration_problem {
    std::filesystem::path file;
    int line = 0;         // from 1; 0: the file as a whole
    int column = 0;       // from 1, where the text is not TOML at all; else 0
    std::string key;      // "source[1].settings.token", counted from 1; empty: the file as a whole
    std::string what;     // what is wrong
    std::string expected; // what would be right

    std::string where_and_what() const; // "FILE:LINE: KEY: what"
    std::string to_do() const;          // "Expected: ..."
};

// Everything that is wrong, in the order of the files and their lines; never empty.
struct configuration_errors {
    std::vector<configuration_problem> problems;

    // Two lines for each problem, without line ends: what and where, and what to do.
    std::vector<std::string> lines() const;
};

[[noreturn]] void throw_exception_from_error(const configuration_errors& errors, const boost::source_location&);

using loaded_configuration = boost::system::result<configuration, configuration_errors>;

// Reads and checks the configuration in `file`, the calendar it names and the rule packs it asks for
// (`packs`/NAME.toml). Reads no secret and reaches no source. Fails with every problem found, not only the first.
loaded_configuration load_configuration(const std::filesystem::path& file, const std::filesystem::path& packs);
// The same of a text that is not where it will be: `draft` holds what is to stand in `file`.
loaded_configuration
load_draft(const std::filesystem::path& draft, const std::filesystem::path& file, const std::filesystem::path& packs);
// Reads and checks the rules of a school's file or of a pack, and nothing else in it.
loaded_configuration load_rules(const std::filesystem::path& file, const std::filesystem::path& packs);

} // namespace rollbook
