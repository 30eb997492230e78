#pragma once

#include "daemon/ports/ledger.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// A stream's windows in one text column, as they are few and small: "2026-09-01 1790000000000;* 1790000000000;".
std::string windows_text(const std::vector<stream_state::window>& windows);
// Of a text that was not written so there are none: the stream counts as never read, and its next read asks for all.
std::vector<stream_state::window> parse_windows(std::string_view text);

} // namespace rollbook
