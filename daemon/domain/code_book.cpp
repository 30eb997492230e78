#include "daemon/domain/code_book.hpp"

#include "daemon/base/error.hpp"

#include <algorithm>

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

// Where a pair may be found again without its text being put together: a session's marks have few codes.
std::size_t recent_place(std::string_view raw, std::string_view statutory)
{
    const auto first = [](std::string_view text) { return text.empty() ? 0U : static_cast<unsigned char>(text[0]); };
    return (first(raw) + 7 * first(statutory) + raw.size()) % 16;
}

bool holds(const statutory_code& row, civil_day day)
{
    return row.from <= day && (!row.to || day <= *row.to);
}

} // namespace

code_id code_book::intern(std::string_view raw, std::string_view statutory)
{
    code_id& recent = recent_[recent_place(raw, statutory)];
    if (recent < entries_.size() && entries_[recent].raw == raw && entries_[recent].statutory == statutory)
        return recent;
    std::string named = normalised_code(statutory);
    std::string key = text_of_both(raw, named);
    if (const auto found = by_text_.find(key); found != by_text_.end()) return recent = found->second;
    if (entries_.size() >= entries_max) {
        throw failure_error({
            errc::page_malformed,
            "a source uses more than 65,000 different attendance codes",
            "Check that the mapping reads the code itself and not a comment or a time.",
        });
    }

    const bool not_recorded = named == "-" || (named.empty() && is_not_recorded(raw));
    const auto rows = std::ranges::equal_range(statutory_codes(), std::string_view(named), {}, &statutory_code::code);
    const auto id = static_cast<code_id>(entries_.size());
    entries_.push_back({std::string(raw), std::move(named), not_recorded, rows});
    by_text_.emplace(std::move(key), id);
    return recent = id;
}

const statutory_code* code_book::row_on(code_id id, civil_day day) const
{
    const std::span<const statutory_code> rows = entries_[id].rows;
    const auto found =
        std::find_if(rows.rbegin(), rows.rend(), [&](const statutory_code& row) { return holds(row, day); });
    return found == rows.rend() ? nullptr : &*found;
}

code_class code_book::class_on(code_id id, civil_day day) const
{
    const statutory_code* row = row_on(id, day);
    if (row != nullptr) return row->klass;
    return entries_[id].not_recorded ? code_class::none : code_class::unmapped;
}

} // namespace rollbook
