#include "daemon/domain/register.hpp"

#include "daemon/base/error.hpp"

namespace rollbook {

pupil_no attendance_register::number_of(entry_index ref)
{
    const auto [at, is_new] = numbers_.try_emplace(ref, static_cast<pupil_no>(refs_.size()));
    if (is_new) refs_.push_back(ref);
    return at->second;
}

std::optional<pupil_no> attendance_register::find_pupil(entry_index ref) const
{
    const auto at = numbers_.find(ref);
    if (at == numbers_.end()) return std::nullopt;
    return at->second;
}

std::size_t attendance_register::index_of(civil_day day, bool clamp) const
{
    if (days_.empty()) return 0;
    if (day < first_) return clamp ? 0 : days_.size();
    return static_cast<std::size_t>((day - first_).count());
}

const held_mark& attendance_register::find(session_id session, pupil_no pupil) const
{
    static const held_mark none;
    const std::size_t at = index_of(session.day, false);
    if (at >= days_.size() || !days_[at]) return none;
    const auto& marks = days_[at]->halves[static_cast<int>(session.half)];
    return pupil < marks.size() ? marks[pupil] : none;
}

void attendance_register::put(session_id session, pupil_no pupil, const held_mark& mark)
{
    if (days_.empty()) {
        first_ = session.day;
    } else if (session.day < first_) {
        const auto missing = static_cast<std::size_t>((first_ - session.day).count());
        std::vector<std::unique_ptr<one_day>> longer(missing + days_.size());
        std::move(days_.begin(), days_.end(), longer.begin() + static_cast<std::ptrdiff_t>(missing));
        days_ = std::move(longer);
        first_ = session.day;
    }
    const auto at = static_cast<std::size_t>((session.day - first_).count());
    // A date far outside any school's history would make the table huge; connectors refuse such rows.
    ROLLBOOK_ENSURE(at < 366 * 200);
    if (at >= days_.size()) days_.resize(at + 1);
    if (!days_[at]) days_[at] = std::make_unique<one_day>();

    auto& marks = days_[at]->halves[static_cast<int>(session.half)];
    if (pupil >= marks.size()) {
        // Exact growth to the pupils known: doubling would waste a third of the register.
        const std::size_t known = std::max<std::size_t>(refs_.size(), pupil + 1);
        marks.reserve(known);
        marks.resize(known);
    }
    held_mark& held = marks[pupil];
    const held_mark was = held;
    held_ -= held.is_held() ? 1 : 0;
    held = mark;
    held_ += held.is_held() ? 1 : 0;
    watch(was, {session, pupil}, held);
}

void attendance_register::watch(const held_mark& was, const register_slot& slot, const held_mark& is)
{
    const auto follow = [&](std::set<register_slot>& set, auto&& belongs) {
        const bool before = was.met() && belongs(was);
        const bool after = belongs(is);
        if (before && !after) set.erase(slot);
        if (after && !before) set.insert(slot);
    };
    follow(gone_, [](const held_mark& mark) { return mark.gone; });
    follow(unexplained_, [&](const held_mark& mark) { return !mark.gone && codes_->statutory(mark.code) == "N"; });
    follow(unmapped_, [&](const held_mark& mark) {
        return !mark.gone && codes_->class_on(mark.code, slot.session.day) == code_class::unmapped;
    });
}

std::optional<day_range> attendance_register::extent() const
{
    if (days_.empty()) return std::nullopt;
    return day_range{first_, first_ + std::chrono::days(static_cast<int>(days_.size()) - 1)};
}

figures attendance_register::figures_of(pupil_no pupil, const day_range& days) const
{
    figures sum;
    for_each(pupil, days, [&](session_id session, const held_mark& mark) {
        const statutory_code* row = codes_->row_on(mark.code, session.day);
        sum.add(row ? row->klass : codes_->class_on(mark.code, session.day), row && row->late);
    });
    return sum;
}

} // namespace rollbook
