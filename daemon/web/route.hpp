#pragma once

#include "daemon/web/page.hpp"

#include <optional>
#include <string_view>

namespace rollbook {

// What answers a path.
enum class handler {
    home,
    login,
    logout,
    setup,
    page,       // a page of its own model
    verify,     // asks for a verification
    bundle,     // the whole ledger as files that others can check
    exports,    // an export file added by hand
    proof,      // one entry's proof file
    checkpoint, // the newest signed checkpoint
    style,
    icon,
    healthz,
    readyz,
    metrics,
};

struct route {
    handler does = handler::page;
    std::string_view name;        // of the page, as in the navigation
    page_maker make = nullptr;    // of a page
    bool by_id = false;           // the path ends with a number
    std::string_view id_prefix{}; // before that number
    bool by_report = false;       // or with a report's name: its place in report_kinds() is the number
    bool gets = true;
    bool posts = false;
    bool takes_files = false; // a form with a file is read as it arrives
    bool is_open = false;     // without a session
    bool is_kept = false;     // asked for all day by everybody: answered from memory while nothing was written
    bool is_long = false;     // made beside the other pages, one at a time, where its query asks for something
    bool counts_all = false;  // of the whole school: not for staff who are kept to some pupils
    bool (*may)(role) = nullptr;
    bool (*may_decide)(role) = nullptr; // of a page whose forms are decisions
};

struct routed {
    const route* to = nullptr; // null: no such page
    entry_index id = no_entry;
};
routed find_route(std::string_view path);

// The page a role begins with.
std::string_view home_of(role of);
// `is_scoped`: kept to some pupils of the school.
bool may_open(const route& to, role of, bool is_scoped);

// The pages that a role may open, in the order of the navigation.
struct nav_item {
    std::string_view path;
    std::string_view title;
    std::string_view page;
};
std::vector<nav_item> navigation_of(role of, bool is_scoped = false);

} // namespace rollbook
