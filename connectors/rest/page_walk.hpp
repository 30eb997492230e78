#pragma once

#include "connectors/rest/field_reader.hpp"
#include "connectors/rest/settings.hpp"
#include "connectors/rest/url.hpp"
#include "daemon/ports/http.hpp"

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace rollbook {

// Where a paged list goes on, and the guards against a list that never ends, ends early or leads elsewhere.
//
// A place is where a page begins: for next_url and link_header its address, for `page` its number, for `offset` the
// number of rows before it, for `cursor` the source's own text. All failures are page_malformed, without the words of
// where they happened.
class page_walk {
public:
    page_walk(const paginator_spec& spec, const resolved_settings& settings, url_origin home, std::size_t pages_max);

    // The address to ask for `place`, or for the first page; `first_url` is the list's address with its query, without
    // page number and size. Fails for an address beyond the source, and for a place that is none.
    result<std::string> url_of(const std::optional<std::string>& place, const std::string& first_url) const;
    // Adds @page, @offset or @cursor of `place`, for a request that names it itself.
    void add_variables(const std::optional<std::string>& place, run_values& to) const;

    // Notes that `place` of the part `slice` is read now, and gives its number in this part, from 1. A first page or
    // another part begins anew; a place met before is a second try, and what was met after it is forgotten.
    std::size_t enter(const std::string& slice, const std::optional<std::string>& place);

    // The place after the page just parsed, nothing on the last one. `rows` is how many rows it had. Call after
    // enter().
    result<std::optional<std::string>> next(const dom_value& root, const http_response& answer, std::size_t rows);
    // The same for a page known from an earlier read by its bytes, after which `place` came then.
    result<std::optional<std::string>> next_again(std::optional<std::string> place, std::size_t rows);
    // The place after `place`, a later one, where the source has said how long the list is; nothing where it has not.
    std::optional<std::string> surely_after(const std::string& place) const;
    // Whether the bytes of a page and its place alone say where the list goes on.
    bool body_says_next() const;

private:
    using next_place = result<std::optional<std::string>>;

    next_place next_url(const dom_value& root);
    next_place next_link(const http_response& answer);
    next_place next_page(const dom_value& root, const http_response& answer, std::size_t rows);
    next_place next_offset(const dom_value& root, const http_response& answer, std::size_t rows);
    next_place next_cursor(const dom_value& root, const http_response& answer, std::size_t rows);
    next_place accept_address(std::string_view url, std::string_view where);
    next_place accept(std::string place);
    // The end of the list, held against the total where the manifest wants it.
    next_place last(std::optional<std::int64_t> total) const;
    // What the flag `more` says; nothing where there is none.
    result<std::optional<bool>> says_more(const dom_value& root);
    result<std::optional<std::int64_t>> total_of(const dom_value& root, const http_response& answer);
    std::size_t rows_so_far() const;

    paginator_spec spec_;
    std::string size_;
    url_origin home_;
    std::size_t pages_max_;
    path_finder next_;
    path_finder more_;
    path_finder page_;
    path_finder pages_;
    path_finder total_;
    std::string slice_;
    std::unordered_map<std::uint64_t, std::uint32_t> met_; // digest of a place -> its number in this part
    std::vector<std::size_t> rows_;                        // of the pages so far, by number - 1
    std::size_t number_ = 0;                               // of the page entered last
    std::string place_;
    std::uint64_t end_ = 0;  // by the source's word, the first page number or offset behind the list; 0: not known
    std::uint64_t step_ = 1; // from one place to the next
};

} // namespace rollbook
