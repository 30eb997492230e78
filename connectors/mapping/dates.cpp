#include "connectors/mapping/dates.hpp"

#include "connectors/mapping/values.hpp"

namespace rollbook {

namespace {

// "+01:00" or "-0330". PHP calls this time zone type 1.
std::optional<std::chrono::minutes> offset_named(std::string_view text)
{
    if (text.size() < 5 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
    const int sign = text[0] == '-' ? -1 : 1;
    std::string digits(text.substr(1));
    if (digits.size() == 5 && digits[2] == ':') digits.erase(2, 1);
    if (digits.size() != 4 || digits.find_first_not_of("0123456789") != digits.npos) return std::nullopt;
    const int hours = (digits[0] - '0') * 10 + (digits[1] - '0');
    const int minutes = (digits[2] - '0') * 10 + (digits[3] - '0');
    if (hours > 14 || minutes > 59) return std::nullopt;
    return std::chrono::minutes(sign * (hours * 60 + minutes));
}

instant with_offset(local_instant local, std::chrono::minutes offset)
{
    return instant(local.time_since_epoch() - offset);
}

} // namespace

date_reader::date_reader(std::vector<std::string> formats, std::optional<time_zone> zone)
    : formats_(std::move(formats)), zone_(std::move(zone))
{
}

std::optional<date_reader::parsed> date_reader::parse(std::string_view text) const
{
    for (const std::string& format : formats_) {
        const auto found = parse_time(text, format);
        if (found) return parsed{{found->local, format.find("%H") != format.npos}, found->offset};
    }
    if (!formats_.empty()) return std::nullopt;
    if (const auto day = parse_day(text)) return parsed{{local_instant(*day), false}, std::nullopt};
    for (const char* format : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"})
        if (const auto found = parse_time(text, format)) return parsed{{found->local, true}, found->offset};
    return std::nullopt;
}

std::optional<civil_day> date_reader::day(std::string_view text)
{
    if (text == last_text_ && last_day_) return last_day_;
    const auto found = parse(trimmed(text));
    last_text_.assign(text);
    last_day_ = found ? std::optional(day_of(found->time.local)) : std::nullopt;
    return last_day_;
}

std::optional<read_time> date_reader::local(std::string_view text)
{
    const auto found = parse(trimmed(text));
    if (!found) return std::nullopt;
    return found->time;
}

std::optional<instant> date_reader::moment(std::string_view text, std::string_view zone)
{
    text = trimmed(text);
    if (formats_.empty())
        if (const auto at = parse_instant(text)) return at;
    const auto found = parse(text);
    if (!found) return std::nullopt;
    if (found->offset) return with_offset(found->time.local, *found->offset);
    if (const auto offset = offset_named(zone)) return with_offset(found->time.local, *offset);
    const auto here = zone.empty() ? zone_ : zone_named(zone);
    if (!here) return std::nullopt;
    return here->to_instant(found->time.local);
}

std::optional<time_zone> date_reader::zone_named(std::string_view name)
{
    auto at = zones_.find(name);
    // A source that sends rubbish for zones must not fill the memory.
    constexpr std::size_t zones_max = 64;
    if (at == zones_.end() && zones_.size() < zones_max)
        at = zones_.emplace(std::string(name), time_zone::named(name)).first;
    return at == zones_.end() ? std::nullopt : at->second;
}

} // namespace rollbook
