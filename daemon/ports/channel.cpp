#include "daemon/ports/channel.hpp"

#include <charconv>

namespace rollbook {
namespace {

constexpr std::string_view digest_start = "<digest-";

}

std::string digest_id(std::int64_t first, std::string_view route, std::string_view domain)
{
    return std::string(digest_start)
               .append(std::to_string(first))
               .append(".")
               .append(route)
               .append("@")
               .append(domain) +
           ">";
}

std::optional<std::int64_t> first_of_digest(std::string_view id)
{
    if (!id.starts_with(digest_start)) return std::nullopt;
    id.remove_prefix(digest_start.size());
    std::int64_t number = 0;
    const auto read = std::from_chars(id.data(), id.data() + id.size(), number);
    if (read.ec != std::errc() || read.ptr == id.data() + id.size() || *read.ptr != '.') return std::nullopt;
    return number;
}

} // namespace rollbook
