#pragma once

#include "daemon/domain/case_facts.hpp"

namespace rollbook {

// What a source's own words say of a suspension: sources have no codes in common.
struct suspension_nature {
    bool is_cancelled = false; // also withdrawn or rescinded
    bool is_permanent = false;
    bool is_from_lunch = false; // of lunchtimes only, each half a day. Source: statutory guidance on suspensions
    bool operator==(const suspension_nature&) const = default;
};

suspension_nature nature_of(const case_facts& cases, const suspension_fact& fact);

} // namespace rollbook
