#pragma once

// For .cpp files only: the whole of RapidJSON's document.
#include "connectors/rest/dom_fwd.hpp"

#include <rapidjson/document.h>

#include <string_view>

namespace rollbook {

inline std::string_view text_of(const dom_value& v)
{
    return {v.GetString(), v.GetStringLength()};
}

} // namespace rollbook
