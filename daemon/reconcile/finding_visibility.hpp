#pragma once

#include "daemon/domain/visibility.hpp"

#include <string_view>
#include <vector>

namespace rollbook {

// What a kind of finding speaks of, whatever its evidence: one about marks speaks of the register, one about incidents
// or suspensions of behaviour. `key` tells of what kind a vanished record was. A kind that is not known may be seen
// only by who may see everything.
visibility visibility_of_finding(std::string_view kind, std::string_view key);

// "attendance", "behaviour", "safeguarding": those of the labels, in this order.
std::vector<std::string_view> names_of(visibility labels);

} // namespace rollbook
