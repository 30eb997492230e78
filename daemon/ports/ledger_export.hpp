#pragma once

#include "daemon/base/error.hpp"
#include "daemon/base/ledger_entry.hpp"
#include "daemon/base/signed_note.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

namespace rollbook {

struct export_request {
    std::filesystem::path folder; // new, empty, or an earlier export of the same ledger
    verifier_key log;             // whose signature the checkpoint must have
    bool openings = false;
    // Which openings go out; empty: all. What comes in is one entry's payload.
    std::function<bool(std::uint64_t index, std::string_view payload)> wants;
    // Called now and then with entries done and in all.
    std::function<void(std::uint64_t done, std::uint64_t all)> progress;
};

struct export_report {
    std::uint64_t size = 0;
    hash root{};
    std::uint64_t files_written = 0;
    std::uint64_t files_kept = 0; // of an earlier export, found equal
    std::uint64_t openings = 0;
    std::uint64_t left_out = 0; // openings that were not wanted
    std::uint64_t erased = 0;
};

} // namespace rollbook
