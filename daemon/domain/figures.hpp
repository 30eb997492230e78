#pragma once

#include "daemon/domain/attendance_code.hpp"

#include <cstdint>

namespace rollbook {

// Session counts of one pupil or group. Unit: sessions. possible = present + authorised + unauthorised; `present`
// counts approved educational activity; `late` is L and U and overlaps the others.
// Source: DfE pupil absence methodology; statistical classes of "Working together to improve school attendance", 2024.
struct figures {
    std::int64_t possible = 0;
    std::int64_t present = 0;
    std::int64_t authorised = 0;
    std::int64_t unauthorised = 0;
    std::int64_t late = 0;
    std::int64_t unmapped = 0;     // in no other figure
    std::int64_t not_recorded = 0; // in no other figure

    // Adds one mark: its class on the session's day, and whether that row of the table says late. Lateness is read only
    // of a class that counts as possible; not_required and administrative change nothing.
    void add(code_class klass, bool is_late);
    figures& operator+=(const figures& other);
    std::int64_t absent() const { return authorised + unauthorised; }
    // True when absent / possible >= numerator / denominator, in integers; false when nothing was possible.
    bool absence_at_least(std::int64_t numerator, std::int64_t denominator) const;
    bool operator==(const figures&) const = default;
};

} // namespace rollbook
