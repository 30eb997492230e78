#include "daemon/ports/http.hpp"

namespace rollbook {

std::string_view http_response::header(std::string_view name) const
{
    for (const auto& [key, value] : headers)
        if (key == name) return value;
    return {};
}

} // namespace rollbook
