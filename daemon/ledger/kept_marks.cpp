#include "daemon/ledger/kept_marks.hpp"

#include "daemon/domain/code_book.hpp"

#include <algorithm>

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

constexpr std::size_t plain_max = 131'072; // a megabyte of marks that are not packed

} // namespace

std::vector<kept_marks::kept>& kept_marks::session_marks::plain()
{
    if (!is_packed()) return plain_;
    plain_.reserve(word_of_.size() + 1);
    each([this](const kept& one) {
        plain_.push_back(one);
        return true;
    });
    runs_.clear();
    words_.clear();
    word_of_ = small_numbers();
    return plain_;
}

void kept_marks::session_marks::pack()
{
    constexpr std::size_t words_max = 256;
    if (plain_.empty()) return;
    std::vector<run> runs;
    std::vector<std::uint16_t> words;
    std::vector<std::uint8_t> word_of;
    bool saves = plain_.size() <= 0xFFFF;
    for (std::size_t i = 0; i < plain_.size() && saves; ++i) {
        const kept& one = plain_[i];
        const kept* before = i == 0 ? nullptr : &plain_[i - 1];
        if (!before || one.pupil != before->pupil + 1 || one.entry != before->entry + 1)
            runs.push_back({one.entry, one.pupil, static_cast<std::uint16_t>(i)});
        const auto known = std::ranges::find(words, one.words);
        word_of.push_back(static_cast<std::uint8_t>(known - words.begin()));
        if (known == words.end()) words.push_back(one.words);
        saves = words.size() <= words_max && runs.size() * sizeof(run) < plain_.size() * (sizeof(kept) - 1);
    }
    if (!saves) return plain_.shrink_to_fit();
    runs.shrink_to_fit();
    words.shrink_to_fit();
    runs_ = std::move(runs);
    words_ = std::move(words);
    word_of_ = small_numbers(std::move(word_of));
    plain_ = std::vector<kept>(); // which gives the room back
}

template <class F> bool kept_marks::session_marks::each(F&& use) const
{
    for (const kept& one : plain_)
        if (!use(one)) return false;
    for (std::size_t at = 0; at < runs_.size(); ++at)
        for (std::size_t nth = 0; nth < length_of(at); ++nth)
            if (!use(mark_of(at, nth))) return false;
    return true;
}

template <class F> bool kept_marks::session_marks::each_at(entry_index at, std::uint16_t pupil, F&& use) const
{
    const auto by_place = [this](const kept& one) { return of_.place_of(one); };
    for (const kept& one : std::ranges::equal_range(plain_, at, {}, by_place))
        if (!use(one)) return false;
    const auto place_of_run = [&](const run& one) {
        return by_place({one.entry, one.pupil, words_[word_of_[one.first]]});
    };
    auto from = std::ranges::lower_bound(runs_, at, {}, place_of_run);
    if (from != runs_.begin()) --from; // it may be within that one
    for (; from != runs_.end(); ++from) {
        if (place_of_run(*from) > at) break;
        const auto run = static_cast<std::size_t>(from - runs_.begin());
        const std::size_t nth = static_cast<std::size_t>(pupil) - from->pupil; // large where it is before
        if (nth < length_of(run) && !use(mark_of(run, nth))) return false;
    }
    return true;
}

void kept_marks::clear()
{
    sessions_.clear();
    plain_ = 0;
    ends_.clear();
    pupils_.clear();
    numbers_.clear();
    words_.clear();
    word_numbers_.clear();
}

void kept_marks::add(const row& one)
{
    ROLLBOOK_ENSURE(one.entry <= 0xFFFFFFFF);
    const std::uint16_t pupil = number_in(pupils_, numbers_, one.pupil);
    word_row shared;
    shared.source = one.source;
    shared.raw = one.raw;
    shared.statutory = one.statutory;
    shared.minutes = one.minutes;
    shared.gone = one.gone;
    kept fresh{static_cast<std::uint32_t>(one.entry), pupil, number_in(words_, word_numbers_, shared)};
    if (one.to_entry != no_entry) end(fresh, one.to_entry);
    if (plain_ >= plain_max) fit();
    session_marks& marks = sessions_.try_emplace(one.session, *this).first->second;
    const bool was_packed = marks.is_packed();
    std::vector<kept>& all = marks.plain();
    plain_ += was_packed ? all.size() + 1 : 1;
    const auto by_place = [this](const kept& each) { return place_of(each); };
    auto at = std::ranges::upper_bound(all, one.pupil, {}, by_place);
    for (auto before = at; before != all.begin();) {
        --before;
        if (before->pupil != pupil) break;
        if (!words_[before->words].is_ended && words_[before->words].source == one.source) end(*before, one.entry);
    }
    all.insert(at, fresh);
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
    for (auto& [session, marks] : sessions_)
        marks.pack();
    plain_ = 0;
}

void kept_marks::each(
    const day_range& days, entry_index pupil, entry_index n, const std::function<bool(const mark_view&)>& use
) const
{
    const auto of = numbers_.find(pupil);
    if (pupil != no_entry && of == numbers_.end()) return;
    mark_view view;
    for (auto at = sessions_.lower_bound({days.first, half_day::am});
         at != sessions_.end() && at->first.day <= days.last;
         ++at) {
        const auto hand_over = [&](const kept& each) {
            if (!is_held(each, n)) return true;
            const word_row& words = words_[each.words];
            view.entry = each.entry;
            view.session = at->first;
            view.pupil = pupils_[each.pupil];
            view.source = words.source;
            view.raw = words.raw;
            view.statutory = words.statutory;
            view.minutes = words.minutes;
            view.alike = each.words + 1u;
            return use(view);
        };
        const session_marks& marks = at->second;
        if (!(pupil == no_entry ? marks.each(hand_over) : marks.each_at(pupil, of->second, hand_over))) return;
    }
}

std::map<entry_index, figures> kept_marks::sums(std::string_view source, const day_range& days, entry_index n) const
{
    struct meaning {
        bool is_known = false;
        bool is_asked_for = false;
        bool is_late = false;
        code_class klass = code_class::none;
    };
    code_book codes;
    std::vector<code_id> code_of;
    for (const word_row& each : words_)
        code_of.push_back(codes.intern(each.raw, each.statutory));
    std::vector<meaning> meanings;
    std::vector<std::pair<figures, bool>> by_pupil(pupils_.size()); // and whether there is a mark
    for (auto at = sessions_.lower_bound({days.first, half_day::am});
         at != sessions_.end() && at->first.day <= days.last;
         ++at) {
        meanings.assign(words_.size(), {}); // what a code means is the day's
        at->second.each([&](const kept& each) {
            if (!is_held(each, n)) return true;
            meaning& of = meanings[each.words];
            if (!of.is_known) {
                const statutory_code* row = codes.row_on(code_of[each.words], at->first.day);
                of.is_known = true;
                of.is_asked_for = words_[each.words].source == source;
                of.is_late = row && row->late;
                of.klass = codes.class_on(code_of[each.words], at->first.day);
            }
            if (!of.is_asked_for) return true;
            auto& [sums, has_mark] = by_pupil[each.pupil];
            sums.add(of.klass, of.is_late);
            has_mark = true;
            return true;
        });
    }
    std::map<entry_index, figures> sums;
    for (std::size_t i = 0; i < by_pupil.size(); ++i)
        if (by_pupil[i].second) sums.emplace(pupils_[i], by_pupil[i].first);
    return sums;
}

} // namespace rollbook
