#include "daemon/domain/session.hpp"

namespace rollbook {

std::optional<half_day> parse_half_day(std::string_view text)
{
    if (text.size() != 2 || (text[1] != 'M' && text[1] != 'm')) return std::nullopt;
    if (text[0] == 'A' || text[0] == 'a') return half_day::am;
    if (text[0] == 'P' || text[0] == 'p') return half_day::pm;
    return std::nullopt;
}

bool is_register_day(civil_day day)
{
    using namespace std::chrono;
    return day >= civil_day(year(1950) / January / 1) && day < civil_day(year(2100) / January / 1);
}

} // namespace rollbook
