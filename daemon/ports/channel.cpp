#include "daemon/ports/channel.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>

namespace rollbook {
namespace {

constexpr std::string_view digest_start = "<digest-";

// The number that `text` begins with and the sign behind it, both taken from it.
template <class Number> std::optional<Number> take_number(std::string_view& text, char behind)
{
    Number number = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec != std::errc() || read.ptr == end || *read.ptr != behind) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()) + 1);
    return number;
}

} // namespace

std::string digest_id(const digest_members& of, std::string_view route, std::string_view domain)
{
    return fmt::format("{}{}-{}-{}.{}@{}>", digest_start, of.first, of.last, of.count, route, domain);
}

std::optional<digest_members> members_of_digest(std::string_view id)
{
    if (!id.starts_with(digest_start)) return std::nullopt;
    id.remove_prefix(digest_start.size());
    // Of an older program: whatever went at the first one's moment.
    std::string_view older = id;
    if (const auto alone = take_number<std::int64_t>(older, '.'))
        return digest_members{*alone, std::numeric_limits<std::int64_t>::max(), 0};
    const auto first = take_number<std::int64_t>(id, '-');
    const auto last = first ? take_number<std::int64_t>(id, '-') : std::nullopt;
    const auto count = last ? take_number<std::size_t>(id, '.') : std::nullopt;
    if (!count) return std::nullopt;
    return digest_members{*first, *last, *count};
}

} // namespace rollbook
