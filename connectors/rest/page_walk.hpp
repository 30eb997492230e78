#pragma once

#include "connectors/rest/field_reader.hpp"
#include "connectors/rest/settings.hpp"
#include "connectors/rest/url.hpp"

#include <optional>
#include <string>
#include <unordered_map>

namespace rollbook {

// Where a paged list goes on, and the guards against a list that never ends or leads elsewhere.
//
// A place is what connector::fetch_page() takes: for next_url the address of the page, for `page` its number. All
// failures are page_malformed, without the words of where they happened.
class page_walk {
public:
    page_walk(const paginator_spec& spec, const resolved_settings& settings, url_origin home, std::size_t pages_max);

    // The address to ask for `place`, or for the first page; `first_url` is the list's address with its query, without
    // page number and size. Fails for an address beyond the source, and for a place
    // that is none.
    result<std::string> url_of(const std::optional<std::string>& place, const std::string& first_url) const;

    // Notes that `place` is read now, and gives its number in this read, from 1. A first page begins a new read; a
    // place met before is a second try, and what was met after it is forgotten.
    std::size_t enter(const std::optional<std::string>& place);

    // The place after the page just parsed, nothing on the last one. Call after enter().
    result<std::optional<std::string>> next(const dom_value& root);

private:
    result<std::optional<std::string>> next_url(const dom_value& root);
    result<std::optional<std::string>> next_page(const dom_value& root);
    result<std::optional<std::string>> accept(std::string place);

    paginator_spec spec_;
    std::string size_;
    url_origin home_;
    std::size_t pages_max_;
    path_finder next_;
    path_finder more_;
    path_finder page_;
    path_finder pages_;
    std::unordered_map<std::string, std::size_t> met_; // place -> its number in this read
    std::size_t number_ = 0;                           // of the page entered last
    std::string place_;
};

} // namespace rollbook
