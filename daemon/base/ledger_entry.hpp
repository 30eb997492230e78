#pragma once

#include "daemon/base/bytes.hpp"
#include "daemon/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rollbook {

// The coarse kind a leaf shows to everybody. What an entry is about stays inside its payload.
enum class entry_kind : std::uint8_t { record, erasure, key, fork, note };

std::string_view to_text(entry_kind kind) noexcept;
std::optional<entry_kind> parse_entry_kind(std::string_view text) noexcept;

// HMAC-SHA256(commit_key, "ledger-payload/v1" || LF || payload): binds the entry to its payload, and says nothing of it
// once the key is gone.
hash commitment(const hash& commit_key, bytes_view payload) noexcept;
inline hash commitment(const hash& commit_key, std::string_view payload) noexcept
{
    return commitment(commit_key, as_bytes(payload));
}

// Whether a leaf has a form for the time: the years 0 to 9999.
bool has_leaf_form(instant recorded_at) noexcept;

// Appends the leaf's five lines. No personal data. has_leaf_form(recorded_at) must hold.
void append_leaf(std::string& out, std::uint64_t index, entry_kind kind, instant recorded_at, const hash& committed);

} // namespace rollbook
