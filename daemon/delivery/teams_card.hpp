#pragma once

#include "daemon/ports/channel.hpp"

#include <string>

namespace rollbook::delivery {

// Beyond 28 KB Teams drops a card without a word.
inline constexpr std::size_t card_bytes_max = 20'000;

// The message as a Teams workflow takes it: one Adaptive Card 1.4 that says what the text says, in at most
// card_bytes_max bytes. A longer text ends early, and says so. Nothing in it is read as markup.
std::string teams_card(const message& m);
// Whether the card says the whole of the text, however often it has been tried.
bool is_whole_in_card(message m);

} // namespace rollbook::delivery
