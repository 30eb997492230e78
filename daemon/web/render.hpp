#pragma once

#include "daemon/web/route.hpp"

#include <map>
#include <string>
#include <string_view>

namespace rollbook {

// What stands around a page.
struct page_frame {
    std::string school;
    bool simulated = false;
    std::string user; // empty: nobody is logged in
    role reader = role::lead;
    std::string form_token;
    std::string path;     // of the page, without ending or query
    std::string known_at; // as the query gave it; empty: now
    std::string known_at_text;
    std::string known_at_local; // as the field for it wants it
    std::string now_text;
    std::uint64_t size = 0;   // of the ledger; 0: not told
    std::string scope;        // the pupils that the user is kept to; empty: none to tell of
    bool sees_nobody = false; // no scope was given yet to an account that needs one
    bool is_scoped() const { return sees_nobody || !scope.empty(); }
    int again_seconds = 0; // the page asks for itself again; 0: never
};

// What the page says, as HTML. Every value is escaped by the template engine; times and numbers of the model stand
// beside themselves as text: `opened_at_text`, `size_text`. A list has `..._any` beside it.
std::string render_body(const page_model& of, const page_frame& frame, const time_zone& zone);
// The body in its frame: the whole document.
std::string render_page(const page_model& of, const std::string& body, const page_frame& frame);

// A page of its own words: log-in, set-up, a refusal.
std::string render_words(
    std::string_view page,
    const std::string& title,
    const std::map<std::string, std::string>& words,
    const page_frame& frame
);

// A file of daemon/web/assets, as it was when the program was built. Empty for a name that is none.
std::string_view asset(std::string_view name);

} // namespace rollbook
