#pragma once

#include "daemon/domain/visibility.hpp"

#include <string_view>
#include <vector>

namespace rollbook {

// What a kind of finding says beside its evidence: that something is not there says as much as that it is.
visibility visibility_beyond_evidence(std::string_view kind);
// One that is about a source and nobody in it may be seen by all.
bool is_about_a_source(std::string_view kind);

// What a kind of finding speaks of where its evidence cannot be asked any more: one about marks speaks of the register,
// one about incidents or suspensions of behaviour. `key` tells of what kind a vanished record was. A kind that is not
// known may be seen only by who may see everything.
visibility visibility_of_finding(std::string_view kind, std::string_view key);

// "attendance", "behaviour", "safeguarding": those of the labels, in this order.
std::vector<std::string_view> names_of(visibility labels);

} // namespace rollbook
