#pragma once

#include "daemon/domain/visibility.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// Who may see a finding: the union of the labels of what it rests on. By kind and sources, so that it can be told from
// the finding alone: a kind about marks rests on the register, one about incidents or suspensions on behaviour, and
// whatever names a safeguarding source rests on that as well. `key` tells of what kind a vanished record was. A kind
// that is not known may be seen only by who may see everything.
visibility visibility_of_finding(
    std::string_view kind,
    std::string_view key,
    const std::vector<std::string>& sources,
    const std::function<bool(std::string_view source)>& is_safeguarding
);

// A link says that a pupil has a record in a safeguarding system.
constexpr visibility visibility_of_link()
{
    return visibility(visibility::attendance) | visibility::safeguarding;
}

// "attendance", "behaviour", "safeguarding": those of the labels, in this order.
std::vector<std::string_view> names_of(visibility labels);

} // namespace rollbook
