#pragma once

#include "daemon/base/time.hpp"
#include "daemon/config/problems.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace rollbook {

// A value of a TOML file and the line it stands on: for a value with a key, the line of the key.
//
// Our own small tree, so that the TOML library is compiled once and its types stay in one file.
struct toml_value {
    struct date_and_time {
        std::string text;
    };
    struct clock_time {
        std::chrono::nanoseconds after_midnight{};
    };
    using list = std::vector<toml_value>;
    using table = std::map<std::string, toml_value, std::less<>>;

    std::variant<bool, std::int64_t, double, std::string, civil_day, clock_time, date_and_time, list, table> value;
    int line = 0;
};

// "a text", "a list" and so on.
std::string_view kind_of(const toml_value& value);

// Reads a file of at most 1 MiB; the result is always a table. Notes what is wrong and returns nothing when the file
// cannot be read or is no TOML.
std::optional<toml_value> read_toml_file(problem_list& problems);

} // namespace rollbook
