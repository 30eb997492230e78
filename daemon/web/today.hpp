#pragma once

#include "daemon/web/parts.hpp"

#include <array>
#include <span>

// What the page of today says besides its alerts. Each counts what the reader may see and nothing else.
namespace rollbook {

struct form_register {
    std::int64_t pupils = 0; // on roll
    std::int64_t marks = 0;  // of them
    // As the completeness gate counts it.
    bool is_in() const { return marks * 2 > pupils; }
};

// The registers of one session of today. `closes`: of those of every year.
struct session_register {
    half_day half{};
    local_instant closes{};
    std::int64_t marks = 0;
    std::map<std::string, form_register> forms;
};

std::array<session_register, 2> registers_today(const page_request& of);

// "registers": of each session of a school day when its registers close, how long that is from now, and how many are
// in.
void write_registers(json_writer& out, const page_request& of, std::span<const session_register> registers);

// "held_back": what is known and not told, or not known yet, and why. `seen`: the alerts that the reader may see,
// pending ones among them.
void write_held_back(
    json_writer& out,
    const page_request& of,
    std::span<const session_register> registers,
    const std::vector<alert>& seen
);

// "yesterday": what was done on the school day before; null once the first register of today has closed.
void write_yesterday(json_writer& out, const page_request& of);

} // namespace rollbook
