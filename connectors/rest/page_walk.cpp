#include "connectors/rest/page_walk.hpp"

#include "connectors/mapping/values.hpp"
#include "connectors/rest/dom.hpp"
#include "daemon/base/bytes.hpp"

#include <algorithm>
#include <numeric>

namespace rollbook {

namespace {

using paging_kind = paginator_spec::kind;

failure broken(std::string what)
{
    return failure(
        errc::page_malformed,
        std::move(what),
        "Report this line to the source's support: its paging is broken. Nothing was retired, and it is read again."
    );
}

// The address of rel="next" among the links of a header (RFC 8288); empty when there is none.
std::string_view next_of_links(std::string_view header)
{
    while (!header.empty()) {
        const auto open = header.find('<');
        const auto close = header.find('>', open == header.npos ? 0 : open);
        if (open == header.npos || close == header.npos) return {};
        const std::string_view url = header.substr(open + 1, close - open - 1);
        // The parameters end at the comma before the next link; a comma in quotes is a word's own.
        std::size_t end = close + 1;
        for (bool quoted = false; end < header.size() && (quoted || header[end] != ','); ++end)
            if (header[end] == '"') quoted = !quoted;
        for (const std::string& parameter : split_list(header.substr(close + 1, end - close - 1), ';'))
            if (parameter == "rel=next" || parameter == "rel=\"next\"") return url;
        header.remove_prefix(std::min(header.size(), end + 1));
    }
    return {};
}

// Knows a place again. A list has tens of thousands, whose addresses are long.
std::uint64_t digest_of(std::string_view place)
{
    return std::hash<std::string_view>()(place);
}

} // namespace

page_walk::page_walk(
    const paginator_spec& spec, const resolved_settings& settings, url_origin home, std::size_t pages_max
)
    : spec_(spec), size_(settings.expand(spec.size, false)), home_(std::move(home)), pages_max_(pages_max),
      next_(spec.next), more_(spec.more), page_(spec.page), pages_(spec.pages), total_(spec.total)
{
}

result<std::string> page_walk::url_of(const std::optional<std::string>& place, const std::string& first_url) const
{
    if (place && (spec_.type == paging_kind::next_url || spec_.type == paging_kind::link_header)) {
        // The guard that keeps our credentials at home; whoever made up the place.
        if (origin_of(*place) != home_)
            return broken("the next page is said to be at another server; it was not asked");
        return *place;
    }
    std::string url = first_url;
    if (spec_.type == paging_kind::page || spec_.type == paging_kind::offset) {
        const std::uint64_t first = spec_.type == paging_kind::page ? spec_.first : 0;
        const auto number = place ? parse_decimal(*place) : std::optional(first);
        if (!number || *number < first) return broken("the place to read from is no page number");
        if (!spec_.param.empty()) add_query(url, spec_.param, std::to_string(*number));
    } else if (spec_.type == paging_kind::cursor) {
        if (place && !spec_.param.empty()) add_query(url, spec_.param, *place);
    } else if (place) {
        return broken("the list has one page only");
    }
    if (!spec_.size_param.empty()) add_query(url, spec_.size_param, size_);
    return url;
}

void page_walk::add_variables(const std::optional<std::string>& place, run_values& to) const
{
    if (spec_.type == paging_kind::page) to["@page"] = place.value_or(std::to_string(spec_.first));
    if (spec_.type == paging_kind::offset) to["@offset"] = place.value_or("0");
    if (spec_.type == paging_kind::cursor) to["@cursor"] = place.value_or("");
}

std::size_t page_walk::enter(const std::string& slice, const std::optional<std::string>& place)
{
    const std::string first = spec_.type == paging_kind::page     ? std::to_string(spec_.first)
                              : spec_.type == paging_kind::offset ? "0"
                                                                  : "";
    place_ = place.value_or(first);
    if (!place || slice != slice_) {
        met_.clear();
        end_ = 0;
    }
    slice_ = slice;
    const auto [at, is_new] = met_.try_emplace(digest_of(place_), static_cast<std::uint32_t>(met_.size() + 1));
    number_ = at->second;
    if (!is_new) std::erase_if(met_, [&](const auto& other) { return other.second > number_; });
    rows_.resize(number_);
    return number_;
}

page_walk::next_place page_walk::next(const dom_value& root, const http_response& answer, std::size_t rows)
{
    rows_[number_ - 1] = rows;
    switch (spec_.type) {
    case paging_kind::none: return std::optional<std::string>();
    case paging_kind::next_url: return next_url(root);
    case paging_kind::link_header: return next_link(answer);
    case paging_kind::page: return next_page(root, answer, rows);
    case paging_kind::offset: return next_offset(root, answer, rows);
    case paging_kind::cursor: return next_cursor(root, answer, rows);
    }
    return std::optional<std::string>();
}

page_walk::next_place page_walk::next_again(std::optional<std::string> place, std::size_t rows)
{
    rows_[number_ - 1] = rows;
    if (!place) return std::optional<std::string>();
    return accept(std::move(*place));
}

std::optional<std::string> page_walk::surely_after(const std::string& place) const
{
    const auto here = parse_decimal(place);
    if (!here || step_ == 0 || *here + step_ >= end_) return std::nullopt;
    return std::to_string(*here + step_);
}

bool page_walk::body_says_next() const
{
    return spec_.type != paging_kind::link_header && spec_.next_header.empty() && spec_.total_header.empty() &&
           !spec_.check_total;
}

std::size_t page_walk::rows_so_far() const
{
    return std::accumulate(rows_.begin(), rows_.end(), std::size_t{0});
}

result<std::optional<bool>> page_walk::says_more(const dom_value& root)
{
    if (spec_.more.empty()) return std::optional<bool>();
    const dom_value* more = more_.find(root);
    if (!more || more->IsNull()) return std::optional<bool>();
    if (!more->IsBool()) return broken("\"" + more_.name() + "\" is not true or false");
    return std::optional(more->GetBool());
}

result<std::optional<std::int64_t>> page_walk::total_of(const dom_value& root, const http_response& answer)
{
    std::optional<std::int64_t> total;
    if (!spec_.total.empty()) total = find_count(root, total_);
    if (!spec_.total_header.empty()) {
        const auto number = parse_decimal(trimmed(answer.header(spec_.total_header)));
        if (number && *number < std::uint64_t{1} << 53) total = static_cast<std::int64_t>(*number);
    }
    if (!total && (!spec_.total.empty() || !spec_.total_header.empty()))
        return broken("the answer does not say how many rows the list has");
    return total;
}

page_walk::next_place page_walk::last(std::optional<std::int64_t> total) const
{
    if (spec_.check_total && total && static_cast<std::int64_t>(rows_so_far()) != *total)
        return broken(
            "the list has " + std::to_string(*total) + " rows by its own count, and " + std::to_string(rows_so_far()) +
            " came: rows moved while it was read"
        );
    return std::optional<std::string>();
}

page_walk::next_place page_walk::next_url(const dom_value& root)
{
    const auto more = says_more(root);
    if (!more) return more.error();
    const dom_value* next = next_.find(root);
    if (*more && !**more) return std::optional<std::string>();
    if (!next || next->IsNull()) {
        if (*more) return broken("the page says that more follow, and not where");
        if (next || spec_.absent_is_last) return std::optional<std::string>();
        return broken("the page says nothing about a next page (\"" + next_.name() + "\")");
    }
    if (!next->IsString()) return broken("\"" + next_.name() + "\" is not an address");
    return accept_address(text_of(*next), "\"" + next_.name() + "\"");
}

page_walk::next_place page_walk::next_link(const http_response& answer)
{
    for (const auto& [name, value] : answer.headers) {
        if (name != "link") continue;
        if (const std::string_view url = next_of_links(value); !url.empty()) return accept_address(url, "the Link");
    }
    return std::optional<std::string>();
}

page_walk::next_place page_walk::next_page(const dom_value& root, const http_response& answer, std::size_t rows)
{
    const auto here = parse_decimal(place_);
    if (!here) return broken("the place to read from is no page number");
    if (!spec_.page.empty()) {
        const auto said = find_count(root, page_);
        if (!said || static_cast<std::uint64_t>(*said) != *here)
            return broken("the page says that it is another page than was asked for");
    }
    const auto more = says_more(root);
    if (!more) return more.error();
    const auto total = total_of(root, answer);
    if (!total) return total.error();
    if (!spec_.pages.empty()) {
        const auto pages = find_count(root, pages_);
        if (!pages) return broken("\"" + pages_.name() + "\" does not say how many pages there are");
        end_ = static_cast<std::uint64_t>(*pages) + spec_.first;
        if (*here + 1 >= end_) return last(*total);
    } else if (!spec_.more.empty()) {
        if (!*more) return broken("the page does not say whether more follow (\"" + more_.name() + "\")");
        if (!**more) return last(*total);
    } else if (*total) {
        if (static_cast<std::int64_t>(rows_so_far()) >= **total) return last(*total);
        if (rows == 0) return broken("the list ends before the number of rows it says it has");
    } else if (const auto size = parse_decimal(size_); !size || rows < *size) {
        return last(*total);
    }
    return accept(std::to_string(*here + 1));
}

page_walk::next_place page_walk::next_offset(const dom_value& root, const http_response& answer, std::size_t rows)
{
    const auto here = parse_decimal(place_);
    if (!here) return broken("the place to read from is no page number");
    const auto more = says_more(root);
    if (!more) return more.error();
    const auto total = total_of(root, answer);
    if (!total) return total.error();
    if (*more) {
        if (!**more) return last(*total);
        if (rows == 0) return broken("a page without rows says that more follow");
    } else if (*total) {
        end_ = static_cast<std::uint64_t>(**total);
        step_ = rows;
        if (*here + rows >= end_) return last(*total);
        if (rows == 0) return broken("the list ends before the number of rows it says it has");
    } else if (const auto size = parse_decimal(size_); !size || rows < *size) {
        return last(*total);
    }
    return accept(std::to_string(*here + rows));
}

page_walk::next_place page_walk::next_cursor(const dom_value& root, const http_response& answer, std::size_t rows)
{
    const auto more = says_more(root);
    if (!more) return more.error();
    if (*more && !**more) return std::optional<std::string>();
    std::string text;
    if (!spec_.next_header.empty()) {
        text = trimmed(answer.header(spec_.next_header));
    } else if (const dom_value* next = next_.find(root)) {
        if (next->IsString())
            text = text_of(*next);
        else if (next->IsUint64())
            text = std::to_string(next->GetUint64());
        else if (!next->IsNull())
            return broken("\"" + next_.name() + "\" is neither a text nor a number");
    }
    if (text.empty() && *more) return broken("the page says that more follow, and not where");
    if (text.empty() || (rows == 0 && !*more)) return std::optional<std::string>();
    return accept(std::move(text));
}

page_walk::next_place page_walk::accept_address(std::string_view url, std::string_view where)
{
    const auto origin = origin_of(url);
    if (!origin) return broken(std::string(where) + " is not an absolute address that can be used");
    if (*origin != home_) return broken("the next page is said to be at another server; it was not asked");
    return accept(std::string(url));
}

page_walk::next_place page_walk::accept(std::string place)
{
    if (met_.count(digest_of(place)) != 0) return broken("the next page is one that this read already had");
    if (number_ >= pages_max_) return broken("the list has more than " + std::to_string(pages_max_) + " pages");
    return std::optional(std::move(place));
}

} // namespace rollbook
