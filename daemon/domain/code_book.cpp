#include "daemon/domain/code_book.hpp"

#include "daemon/base/error.hpp"

namespace rollbook {
namespace {

constexpr std::size_t entries_max = 65'000;

// One text for the two; the length in front keeps ("A", "BC") and ("AB", "C") apart.
std::string text_of_both(std::string_view raw, std::string_view statutory)
{
    std::string key;
    key.reserve(raw.size() + statutory.size() + 3);
    for (std::size_t left = raw.size();; left /= 128) {
        key.push_back(static_cast<char>(left < 128 ? left : 128 + left % 128));
        if (left < 128) break;
    }
    key.append(raw).append(statutory);
    return key;
}

// The row without an end, of which most sessions will be.
const statutory_code* newest_row(std::string_view code)
{
    const statutory_code* newest = nullptr;
    for (const statutory_code& row : statutory_codes()) {
        if (row.code == code) newest = &row;
    }
    return newest;
}

bool holds(const statutory_code& row, civil_day day)
{
    return row.from <= day && (!row.to || day <= *row.to);
}

} // namespace

code_id code_book::intern(std::string_view raw, std::string_view statutory)
{
    // Neighbours mostly have the same code.
    if (last_ < entries_.size() && entries_[last_].raw == raw && entries_[last_].statutory == statutory) return last_;
    std::string named = normalised_code(statutory);
    std::string key = text_of_both(raw, named);
    if (const auto found = by_text_.find(key); found != by_text_.end()) return last_ = found->second;
    if (entries_.size() >= entries_max) {
        throw failure_error({
            errc::page_malformed,
            "a source uses more than 65,000 different attendance codes",
            "Check that the mapping reads the code itself and not a comment or a time.",
        });
    }

    const bool not_recorded = named == "-" || (named.empty() && is_not_recorded(raw));
    const statutory_code* newest = newest_row(named);
    const auto id = static_cast<code_id>(entries_.size());
    entries_.push_back({std::string(raw), std::move(named), not_recorded, newest});
    by_text_.emplace(std::move(key), id);
    return last_ = id;
}

const statutory_code* code_book::row_on(code_id id, civil_day day) const
{
    const known& entry = entries_[id];
    if (entry.newest == nullptr) return nullptr;
    return holds(*entry.newest, day) ? entry.newest : find_statutory_code(entry.statutory, day);
}

code_class code_book::class_on(code_id id, civil_day day) const
{
    const statutory_code* row = row_on(id, day);
    if (row != nullptr) return row->klass;
    return entries_[id].not_recorded ? code_class::none : code_class::unmapped;
}

} // namespace rollbook
