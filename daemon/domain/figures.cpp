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

figures& figures::operator+=(const figures& other)
{
    possible += other.possible;
    present += other.present;
    authorised += other.authorised;
    unauthorised += other.unauthorised;
    late += other.late;
    unmapped += other.unmapped;
    not_recorded += other.not_recorded;
    return *this;
}

bool figures::absence_at_least(std::int64_t numerator, std::int64_t denominator) const
{
    return possible > 0 && absent() * denominator >= numerator * possible;
}

} // namespace rollbook
