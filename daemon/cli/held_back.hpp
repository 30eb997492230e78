#pragma once

#include "daemon/cli/commands.hpp"

#include <optional>
#include <string>
#include <vector>

namespace rollbook {

// Something that figures and findings wait for, because it is not known yet, and whom that concerns.
struct waiting_item {
    std::string reason; // register-untaken, read-incomplete, source-refused, never-read
    std::string source;
    std::optional<session_id> session;
    std::string form; // registration group; empty: not about one
    int pupils = 0;   // 0: not counted
};

// What is held back now: untaken registers of the last school days whose time has come, and sources of which the newest
// read failed.
std::vector<waiting_item> held_back_items(const workplace& at);

} // namespace rollbook
