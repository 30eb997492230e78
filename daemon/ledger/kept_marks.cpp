#include "daemon/ledger/kept_marks.hpp"

#include "daemon/domain/code_book.hpp"

#include <algorithm>
#include <span>

namespace rollbook {
namespace {

// The number of a value that may be new.
template <class T> std::uint16_t number_in(std::vector<T>& all, std::map<T, std::uint16_t>& numbers, const T& value)
{
    if (const auto known = numbers.find(value); known != numbers.end()) return known->second;
    if (all.size() > 0xFFFF)
        throw failure_error(failure(
            errc::page_malformed,
            "the ledger has marks of more than 65,536 pupils or kinds",
            "Check that the source's mapping reads the code and the pupil, and not a text that is always another."
        ));
    const auto number = static_cast<std::uint16_t>(all.size());
    all.push_back(value);
    numbers.emplace(value, number);
    return number;
}

} // namespace

void kept_marks::add(const row& one)
{
    ROLLBOOK_ENSURE(one.entry <= 0xFFFFFFFF);
    const std::uint16_t pupil = number_in(pupils_, numbers_, one.pupil);
    word_row shared;
    shared.half = one.session.half;
    shared.source = one.source;
    shared.raw = one.raw;
    shared.statutory = one.statutory;
    shared.minutes = one.minutes;
    shared.gone = one.gone;
    kept fresh{static_cast<std::uint32_t>(one.entry), pupil, number_in(words_, word_numbers_, shared)};
    if (one.to_entry != no_entry) end(fresh, one.to_entry);
    std::vector<kept>& day = days_[one.session.day];
    const auto place = [this](const kept& each) { return std::pair(words_[each.words].half, pupils_[each.pupil]); };
    auto at = std::ranges::upper_bound(day, std::pair(one.session.half, one.pupil), {}, place);
    for (auto before = at; before != day.begin();) {
        --before;
        if (words_[before->words].half != one.session.half || before->pupil != pupil) break;
        if (!words_[before->words].is_ended && words_[before->words].source == one.source) end(*before, one.entry);
    }
    day.insert(at, fresh);
}

void kept_marks::end(kept& one, entry_index to_entry)
{
    word_row ended = words_[one.words];
    ended.is_ended = true;
    one.words = number_in(words_, word_numbers_, ended);
    ends_[one.entry] = to_entry;
}

void kept_marks::fit()
{
    for (auto& [day, marks] : days_)
        marks.shrink_to_fit();
}

void kept_marks::each(
    const day_range& days, entry_index pupil, entry_index n, const std::function<bool(const mark_view&)>& use
) const
{
    if (pupil != no_entry && !numbers_.contains(pupil)) return;
    mark_view view;
    const auto hand_over = [&](civil_day day, std::span<const kept> some) {
        for (const kept& each : some) {
            if (!is_held(each, n)) continue;
            const word_row& words = words_[each.words];
            view.entry = each.entry;
            view.session = {day, words.half};
            view.pupil = pupils_[each.pupil];
            view.source = words.source;
            view.raw = words.raw;
            view.statutory = words.statutory;
            view.minutes = words.minutes;
            view.alike = each.words + 1u;
            if (!use(view)) return false;
        }
        return true;
    };
    const auto place = [this](const kept& each) { return std::pair(words_[each.words].half, pupils_[each.pupil]); };
    for (auto day = days_.lower_bound(days.first); day != days_.end() && day->first <= days.last; ++day) {
        if (pupil == no_entry) {
            if (!hand_over(day->first, day->second)) return;
            continue;
        }
        for (const half_day half : {half_day::am, half_day::pm})
            if (!hand_over(day->first, std::ranges::equal_range(day->second, std::pair(half, pupil), {}, place)))
                return;
    }
}

std::map<entry_index, figures> kept_marks::sums(const day_range& days, entry_index n) const
{
    struct meaning {
        bool is_known = false;
        bool is_late = false;
        code_class klass = code_class::none;
    };
    code_book codes;
    std::vector<code_id> code_of;
    for (const word_row& each : words_)
        code_of.push_back(codes.intern(each.raw, each.statutory));
    std::vector<meaning> meanings;
    std::vector<std::pair<figures, bool>> by_pupil(pupils_.size()); // and whether there is a mark
    for (auto day = days_.lower_bound(days.first); day != days_.end() && day->first <= days.last; ++day) {
        meanings.assign(words_.size(), {}); // what a code means is the day's
        for (const kept& each : day->second) {
            if (!is_held(each, n)) continue;
            meaning& of = meanings[each.words];
            if (!of.is_known) {
                const statutory_code* row = codes.row_on(code_of[each.words], day->first);
                of = {true, row && row->late, codes.class_on(code_of[each.words], day->first)};
            }
            auto& [sums, has_mark] = by_pupil[each.pupil];
            sums.add(of.klass, of.is_late);
            has_mark = true;
        }
    }
    std::map<entry_index, figures> sums;
    for (std::size_t i = 0; i < by_pupil.size(); ++i)
        if (by_pupil[i].second) sums.emplace(pupils_[i], by_pupil[i].first);
    return sums;
}

} // namespace rollbook
