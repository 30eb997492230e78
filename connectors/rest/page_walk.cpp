#include "connectors/rest/page_walk.hpp"

#include "connectors/rest/dom.hpp"
#include "daemon/base/bytes.hpp"

namespace rollbook {

namespace {

using next_place = result<std::optional<std::string>>;

failure broken(std::string what)
{
    return failure(
        errc::page_malformed,
        std::move(what),
        "Report this line to the source's support: its paging is broken. Nothing was retired, and it is read again."
    );
}

} // namespace

page_walk::page_walk(
    const paginator_spec& spec, const resolved_settings& settings, url_origin home, std::size_t pages_max
)
    : spec_(spec), size_(settings.expand(spec.size, false)), home_(std::move(home)), pages_max_(pages_max),
      next_(spec.next), more_(spec.more), page_(spec.page), pages_(spec.pages)
{
}

result<std::string> page_walk::url_of(const std::optional<std::string>& place, const std::string& first_url) const
{
    if (place && spec_.type == paginator_spec::kind::next_url) {
        // The guard that keeps our credentials at home; whoever made up the place.
        if (origin_of(*place) != home_)
            return broken("the next page is said to be at another server; it was not asked");
        return *place;
    }
    std::string url = first_url;
    if (spec_.type == paginator_spec::kind::page) {
        const auto number = place ? parse_decimal(*place) : std::optional<std::uint64_t>(1);
        if (!number || *number == 0) return broken("the place to read from is no page number");
        add_query(url, spec_.param, std::to_string(*number));
    } else if (place) {
        return broken("the list has one page only");
    }
    if (!spec_.size_param.empty()) add_query(url, spec_.size_param, size_);
    return url;
}

std::size_t page_walk::enter(const std::optional<std::string>& place)
{
    place_ = place.value_or(spec_.type == paginator_spec::kind::page ? "1" : "");
    if (!place) met_.clear();
    const auto [at, is_new] = met_.try_emplace(place_, met_.size() + 1);
    number_ = at->second;
    if (!is_new) std::erase_if(met_, [&](const auto& other) { return other.second > number_; });
    return number_;
}

next_place page_walk::next(const dom_value& root)
{
    switch (spec_.type) {
    case paginator_spec::kind::none: return std::optional<std::string>();
    case paginator_spec::kind::next_url: return next_url(root);
    case paginator_spec::kind::page: return next_page(root);
    }
    return std::optional<std::string>();
}

next_place page_walk::next_url(const dom_value& root)
{
    const dom_value* more = spec_.more.empty() ? nullptr : more_.find(root);
    const dom_value* next = next_.find(root);
    const bool says_more = more && more->IsBool() && more->GetBool();
    const bool says_last = more && more->IsBool() && !more->GetBool();
    if (more && !more->IsBool() && !more->IsNull()) return broken("\"" + more_.name() + "\" is not true or false");
    if (says_last) return std::optional<std::string>();
    if (!next || next->IsNull()) {
        if (says_more) return broken("the page says that more follow, and not where");
        if (next || spec_.absent_is_last) return std::optional<std::string>();
        return broken("the page says nothing about a next page (\"" + next_.name() + "\")");
    }
    if (!next->IsString()) return broken("\"" + next_.name() + "\" is not an address");
    const std::string_view url = text_of(*next);
    const auto origin = origin_of(url);
    if (!origin) return broken("\"" + next_.name() + "\" is not an absolute address that can be used");
    if (*origin != home_) return broken("the next page is said to be at another server; it was not asked");
    return accept(std::string(url));
}

next_place page_walk::next_page(const dom_value& root)
{
    const auto here = parse_decimal(place_);
    if (!spec_.page.empty()) {
        const auto said = find_count(root, page_);
        if (!here || !said || static_cast<std::uint64_t>(*said) != *here)
            return broken("the page says that it is another page than was asked for");
    }
    const auto pages = find_count(root, pages_);
    if (!pages) return broken("\"" + pages_.name() + "\" does not say how many pages there are");
    if (!here || *here >= static_cast<std::uint64_t>(*pages)) return std::optional<std::string>();
    return accept(std::to_string(*here + 1));
}

next_place page_walk::accept(std::string place)
{
    if (met_.count(place) != 0) return broken("the next page is one that this read already had");
    if (number_ >= pages_max_) return broken("the list has more than " + std::to_string(pages_max_) + " pages");
    return std::optional(std::move(place));
}

} // namespace rollbook
