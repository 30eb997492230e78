#pragma once

#include "daemon/ports/configuration.hpp"
#include "daemon/ports/page_server.hpp"

#include <string_view>

// How the pages stand, noted beside the ledger for the commands. Beside main.cpp, with the same rights.
namespace rollbook {

// Of other pages than the configuration's, by their address, nothing is known.
page_standing standing_of_pages(const configuration& settings);
// A note that cannot be written is none: the log has its words.
void note_pages(const configuration& settings, const page_standing& now);

// Whether an address is one of this machine's own.
bool is_this_machine(std::string_view address);

} // namespace rollbook
