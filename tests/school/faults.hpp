#pragma once

#include "tests/school/http.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace rollbook::school {

// How one endpoint misbehaves. The kinds are listed in README.md.
struct fault {
    std::string endpoint; // "attendance/session", "safeguarding/incidents", "hook/NAME", or "*"
    std::string kind;
    std::optional<int> page; // left out: every page
    int times = -1;          // answers it still spoils; -1 for ever
    int status = 503;
    std::string retry_after; // seconds or an HTTP date; empty for no header
    bool html = true;
    int ms = 1000;
    int percent = 50;
    int megabytes = 64;
    int depth = 100000;
};

class fault_board {
public:
    void add(fault f) { faults_.push_back(std::move(f)); }
    void clear() { faults_.clear(); }
    // The faults that this answer shall have, each counted down.
    std::vector<fault> take(std::string_view endpoint, int page);

private:
    std::vector<fault> faults_;
};

// One list that is served in pages.
struct listing {
    std::size_t size = 0;
    std::function<void(std::size_t, std::string&)> row; // appends one JSON object
};

// What a list looks like through `empty` and `vanish`.
listing through(const std::vector<fault>& faults, listing list);

// The whole answer that `status`, `wrong_type`, `huge`, `deep` and `reset` give instead of the real one.
std::optional<http_response> instead(const std::vector<fault>& faults);

// Applies `slow`, `truncated` and `invalid_utf8` to a real answer.
void spoil(const std::vector<fault>& faults, http_response& response);

bool has(const std::vector<fault>& faults, std::string_view kind);

} // namespace rollbook::school
