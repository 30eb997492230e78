#pragma once

#include "daemon/base/time.hpp"
#include "daemon/domain/register.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace rollbook {

inline constexpr std::uint64_t list_limit_usual = 1000;

// What was asked for on the command line. Each command reads the fields that its own options fill.
struct command_options {
    std::filesystem::path config = "/etc/rollbook/rollbook.toml";
    bool json = false;

    // Lists: at most `limit` rows (0: all), those after the index or id `after`.
    std::uint64_t limit = list_limit_usual;
    std::optional<std::uint64_t> after;
    std::optional<instant> known_at;
    std::string state = "open"; // open | all
    std::string kind;           // empty: every kind

    std::optional<civil_day> from_day;
    std::optional<civil_day> to_day; // inclusive
    std::optional<instant> from;
    std::optional<instant> to; // inclusive

    std::string pupil;   // a REF; empty: none
    entry_index index{}; // an entry or alert
    bool unmask = false;
    std::string reason;

    bool simulated = false;
    bool online = false;
    std::string source;
    std::string allow_vanished;
    bool quick = false;
    std::string key;
    std::vector<std::filesystem::path> checkpoints;
};

} // namespace rollbook
