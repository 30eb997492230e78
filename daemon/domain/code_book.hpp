#pragma once

#include "daemon/domain/attendance_code.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

namespace rollbook {

// A school's code in one small number, so that the register holds two bytes for it.
using code_id = std::uint16_t;

// The codes met so far, each once: the school's own text as read, and the statutory code that its code list says it
// stands for (empty when it names none), trimmed and in upper case. Nothing is recorded when the code list says "-", or
// when it names none and the school's own text is blank or "-". Numbers are given in order of meeting, live as long as
// the book and are never stored.
class code_book {
public:
    // The number of (raw, statutory); adds it when new. At most 65,000 pairs: beyond that the source is inventing
    // codes, and the pair is refused by the exception failure_error.
    code_id intern(std::string_view raw, std::string_view statutory);

    std::string_view raw(code_id id) const { return entries_[id].raw; }
    // The statutory code it names, normalised; still to be looked up on the session's day.
    std::string_view statutory(code_id id) const { return entries_[id].statutory; }

    // The row of the statutory table on `day`, or null: unmapped, or nothing recorded.
    const statutory_code* row_on(code_id id, civil_day day) const;
    code_class class_on(code_id id, civil_day day) const;
    std::size_t size() const { return entries_.size(); }

private:
    struct known {
        std::string raw;
        std::string statutory;
        bool not_recorded = false;
        std::span<const statutory_code> rows; // of the statutory code, the newest last
    };
    std::deque<known> entries_;
    std::unordered_map<std::string, code_id> by_text_;
    std::array<code_id, 16> recent_{}; // those given last, by what the pair begins with
};

} // namespace rollbook
