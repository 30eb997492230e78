#pragma once

#include "daemon/domain/held.hpp"
#include "daemon/domain/register_gate.hpp"
#include "daemon/views/workplace.hpp"

#include <optional>
#include <string>
#include <vector>

namespace rollbook {

// Something that figures and findings wait for, because it is not known yet, and whom that concerns.
struct waiting_item {
    std::string reason; // register-untaken, read-incomplete, source-refused, never-read, switched-off
    std::string source;
    std::optional<session_id> session;
    std::string form;                       // registration group; empty: not about one
    int pupils = 0;                         // 0: not counted
    std::string record;                     // kind of record that was not read; empty: not about one
    std::vector<std::string_view> findings; // kinds of finding that rest on it, and open and close nothing till then
};

// What is held back now: untaken registers of the last school days whose time has come, and sources of which the newest
// read failed.
std::vector<waiting_item> held_back_items(const workplace& at);

// The gate over the MIS's marks of `held`, as the newest read left it. `marks` and the calendar must outlive it.
register_gate gate_of(const workplace& at, const held_state& held, const attendance_register& marks);

} // namespace rollbook
