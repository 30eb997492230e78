#pragma once

#include "daemon/cli/commands.hpp"

namespace rollbook {

// What the access entry says of a narrative that somebody proved to have opened.
inline constexpr std::string_view unseal_view = "unseal";

// When a recipient last proved that a narrative opens; empty: nobody ever did.
std::optional<instant> last_unseal(const workplace& at);

} // namespace rollbook
