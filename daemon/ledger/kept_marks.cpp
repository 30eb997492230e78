#include "daemon/ledger/kept_marks.hpp"

#include <algorithm>
#include <tuple>

namespace rollbook {
namespace {

// The number of a value that may be new.
template <class T> std::uint32_t number_in(std::vector<T>& all, std::map<T, std::uint32_t>& numbers, const T& value)
{
    const auto [at, is_new] = numbers.try_emplace(value, static_cast<std::uint32_t>(all.size()));
    if (is_new) all.push_back(value);
    return at->second;
}

} // namespace

void kept_marks::add(const row& one)
{
    ROLLBOOK_ENSURE(one.entry < open_end);
    const std::uint32_t pupil = number_in(pupils_, numbers_, one.pupil);
    const std::uint32_t words =
        number_in(words_, word_numbers_, {std::string(one.source), std::string(one.raw), std::string(one.statutory)});
    const auto half = static_cast<std::uint8_t>(one.session.half);
    std::vector<kept>& day = days_[one.session.day];
    const auto place = [this](const kept& each) { return std::pair(each.half, pupils_[each.pupil]); };
    auto at = std::ranges::upper_bound(day, std::pair(half, one.pupil), {}, place);
    for (auto before = at; before != day.begin();) {
        --before;
        if (before->half != half || before->pupil != pupil) break;
        if (before->to_entry == open_end && words_[before->words].source == one.source)
            before->to_entry = static_cast<std::uint32_t>(one.entry);
    }
    const std::uint32_t end = one.to_entry == no_entry ? open_end : static_cast<std::uint32_t>(one.to_entry);
    day.insert(at, {static_cast<std::uint32_t>(one.entry), end, pupil, words, one.minutes, half, one.gone});
}

void kept_marks::each(
    const day_range& days, entry_index pupil, entry_index n, const std::function<bool(const mark_view&)>& use
) const
{
    std::uint32_t wanted = 0;
    if (pupil != no_entry) {
        const auto known = numbers_.find(pupil);
        if (known == numbers_.end()) return;
        wanted = known->second;
    }
    mark_view view;
    for (auto day = days_.lower_bound(days.first); day != days_.end() && day->first <= days.last; ++day)
        for (const kept& each : day->second) {
            if (each.gone || each.entry >= n || (each.to_entry != open_end && each.to_entry < n) ||
                (pupil != no_entry && each.pupil != wanted))
                continue;
            const word_row& words = words_[each.words];
            view.entry = each.entry;
            view.session = {day->first, static_cast<half_day>(each.half)};
            view.pupil = pupils_[each.pupil];
            view.source = words.source;
            view.raw = words.raw;
            view.statutory = words.statutory;
            view.minutes = each.minutes;
            if (!use(view)) return;
        }
}

} // namespace rollbook
