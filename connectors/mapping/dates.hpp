#pragma once

#include "daemon/base/time.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// A wall-clock reading of a source. Where its form has no time of day only the day is known.
struct read_time {
    local_instant local;
    bool has_time = false;
};

// Reads the dates of one field: the forms are tried in order. Most values of a page are alike, so the last one is
// remembered; an object is therefore not for two threads.
class date_reader {
public:
    // `formats` as parse_time() takes them; without any, a day is YYYY-MM-DD, a wall-clock reading that with `T` and
    // HH:MM or HH:MM:SS after it, and an instant RFC 3339. `zone` holds for values that name none of their own.
    explicit date_reader(std::vector<std::string> formats = {}, std::optional<time_zone> zone = {});

    // The day as written: never moved by a zone or an offset.
    std::optional<civil_day> day(std::string_view text);
    std::optional<read_time> local(std::string_view text);
    // `zone` is what the value itself says: a name of the tz database or an offset such as "+01:00"; may be empty.
    // Nothing when no zone is known at all or the named one does not exist.
    std::optional<instant> moment(std::string_view text, std::string_view zone);
    const std::optional<time_zone>& zone() const { return zone_; }

private:
    struct parsed {
        read_time time;
        std::optional<std::chrono::minutes> offset;
    };
    std::optional<parsed> parse(std::string_view text) const;
    std::optional<time_zone> zone_named(std::string_view name);

    std::vector<std::string> formats_;
    std::optional<time_zone> zone_;
    std::string last_text_;
    std::optional<civil_day> last_day_;
    std::map<std::string, std::optional<time_zone>, std::less<>> zones_;
};

} // namespace rollbook
