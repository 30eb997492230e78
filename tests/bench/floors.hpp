#pragma once

#include "tests/bench/programs.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace rollbook::bench {

long count_marks(const std::filesystem::path& ledger);
// The payloads of all session marks in a ledger, in the order of their entries.
std::vector<std::string> mark_texts(const std::filesystem::path& ledger);

// Floor 1: the texts into one table of SQLite with rising text ids, 1,000 in a transaction, as durable as the ledger.
cost store_raw(const std::filesystem::path& database, const std::vector<std::string>& texts);

// Floor 2: all pages from `url` on over Rollbook's own HTTP client, one after the other, their bodies thrown away.
struct fetched {
    cost spent;
    long pages = 0;
    double megabytes = 0;
};
fetched fetch_alone(const std::string& url, const std::string& token);

} // namespace rollbook::bench
