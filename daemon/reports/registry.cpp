#include "daemon/reports/amendments.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

constexpr std::array kinds = {
    report_kind{"amendments", "Marks that were changed: original, amended, when learned, why and by whom", amendments},
};

} // namespace

std::span<const report_kind> report_kinds()
{
    return kinds;
}

const report_kind* find_report(std::string_view name)
{
    const auto found = std::ranges::find(kinds, name, &report_kind::name);
    return found == kinds.end() ? nullptr : &*found;
}

} // namespace rollbook
