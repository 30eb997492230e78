#include "daemon/base/ledger_entry.hpp"

#include "daemon/base/error.hpp"
#include "daemon/base/sha256.hpp"

#include <array>

namespace rollbook {

namespace {

constexpr std::array<std::string_view, 5> kind_texts = {"record", "erasure", "key", "fork", "note"};

} // namespace

std::string_view to_text(entry_kind kind) noexcept
{
    const auto position = static_cast<std::size_t>(kind);
    ROLLBOOK_ENSURE(position < kind_texts.size());
    return kind_texts[position];
}

std::optional<entry_kind> parse_entry_kind(std::string_view text) noexcept
{
    for (std::size_t i = 0; i < kind_texts.size(); ++i) {
        if (kind_texts[i] == text) return static_cast<entry_kind>(i);
    }
    return std::nullopt;
}

hash commitment(const hash& commit_key, bytes_view payload) noexcept
{
    return hmac_sha256(commit_key, {as_bytes("ledger-payload/v1\n"), payload});
}

bool has_leaf_form(instant recorded_at) noexcept
{
    using namespace std::chrono;
    constexpr instant first = sys_days(year(0) / January / 1);
    constexpr instant end = sys_days(year(10'000) / January / 1);
    return recorded_at >= first && recorded_at < end;
}

void append_leaf(std::string& out, std::uint64_t index, entry_kind kind, instant recorded_at, const hash& committed)
{
    ROLLBOOK_ENSURE(index >> 63 == 0);
    ROLLBOOK_ENSURE(has_leaf_form(recorded_at));
    out += "ledger-entry/v1\n";
    append_decimal(out, index);
    out += '\n';
    out += to_text(kind);
    out += '\n';
    append_instant(out, recorded_at);
    out += '\n';
    append_base64(out, committed);
    out += '\n';
}

} // namespace rollbook
