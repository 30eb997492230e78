#include "daemon/domain/figures.hpp"

namespace rollbook {

void figures::add(code_class klass, bool is_late)
{
    switch (klass) {
    case code_class::present:
    case code_class::approved_educational: ++present; break;
    case code_class::authorised: ++authorised; break;
    case code_class::unauthorised: ++unauthorised; break;
    case code_class::unmapped: ++unmapped; return;
    case code_class::none: ++not_recorded; return;
    case code_class::not_required:
    case code_class::administrative: return;
    }
    ++possible;
    if (is_late) ++late;
}

bool figures::absence_at_least(std::int64_t numerator, std::int64_t denominator) const
{
    return possible > 0 && absent() * denominator >= numerator * possible;
}

} // namespace rollbook
