#pragma once

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/time.hpp"
#include "daemon/base/utf8.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rollbook {

// "1,204"
std::string grouped(std::int64_t number);
// "2026-11-23 08:55" at the school.
std::string clock_text(instant at, const time_zone& zone);
// The same, or "-" when there is none.
std::string clock_text(const std::optional<instant>& at, const time_zone& zone);
// "23 November 2026 at 08:55" at the school.
std::string long_clock_text(instant at, const time_zone& zone);
// "5 min", "3 h", "2 days": how long ago, in one unit, cut.
std::string age_text(std::chrono::milliseconds age);

// key: null or the value's text.
void write_instant(json_writer& out, std::string_view key, const std::optional<instant>& at);
void write_day(json_writer& out, std::string_view key, const std::optional<civil_day>& day);
// null when empty.
void write_text_or_null(json_writer& out, std::string_view key, std::string_view text);

} // namespace rollbook
