#pragma once

#include "daemon/domain/rule.hpp"

namespace rollbook {

// Whether the rule's values are shares, in hundredths of a per cent, which people read with two decimals.
inline bool in_hundredths(const rule& of)
{
    return find_measure(of.measure)->unit == measure_unit::hundredths;
}

} // namespace rollbook
