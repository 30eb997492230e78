#pragma once

#include "tests/school/calendar.hpp"

#include <cstdio>
#include <string>
#include <string_view>

namespace rollbook::school {

// Appends `text` as a JSON string.
inline void put_json(std::string& out, std::string_view text)
{
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
            out += escaped;
        } else {
            out += c;
        }
    }
    out += '"';
}

inline std::string json_string(std::string_view text)
{
    std::string made;
    put_json(made, text);
    return made;
}

// Null for an empty text.
inline std::string json_or_null(std::string_view text)
{
    return text.empty() ? "null" : json_string(text);
}

// "2026-11-23 15:30:00" or with another letter between day and time.
inline std::string format_utc(long long seconds, char between)
{
    const long long day = seconds / 86400, rest = seconds % 86400;
    char text[16];
    std::snprintf(
        text, sizeof text, "%c%02d:%02d:%02d", between, int(rest / 3600), int(rest / 60 % 60), int(rest % 60)
    );
    return format_date(date(std::chrono::days(day))) + text;
}

inline std::string rfc3339(long long seconds)
{
    return format_utc(seconds, 'T') + "Z";
}

} // namespace rollbook::school
