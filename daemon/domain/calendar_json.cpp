#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/domain/calendar.hpp"

#include <algorithm>

namespace rollbook {
namespace {

constexpr std::int64_t minutes_max = 7 * 24 * 60; // of a time of day or a wait; keeps nonsense out of sums

void write(json_writer& out, const term& each)
{
    out.begin_object().key("half_terms").begin_array();
    for (const day_range& half_term : each.half_terms) {
        out.begin_object();
        out.member("first_day", format_day(half_term.first)).member("last_day", format_day(half_term.last));
        out.end_object();
    }
    out.end_array().member("name", each.name).end_object();
}

void write(json_writer& out, const closed_day& each)
{
    out.begin_object().member("day", format_day(each.day)).member("kind", name_of(each.kind)).end_object();
}

void write(json_writer& out, const session_time& each)
{
    out.begin_object();
    out.member("closes_minutes", each.closes.count()).member("from", format_day(each.from));
    out.member("half", name_of(each.half)).member("opens_minutes", each.opens.count());
    out.member("settle_minutes", each.settle.count());
    if (each.weekdays.any()) {
        out.key("weekdays").begin_array();
        for (std::size_t i = 0; i < weekday_names.size(); ++i)
            if (each.weekdays.test(i)) out.value(weekday_names[i]);
        out.end_array();
    }
    if (!each.years.empty()) {
        out.key("years").begin_array();
        for (const std::string& year : each.years)
            out.value(year);
        out.end_array();
    }
    out.end_object();
}

template <class T> void write_list(json_writer& out, std::string_view name, const std::vector<T>& list)
{
    out.key(name).begin_array();
    for (const T& each : list)
        write(out, each);
    out.end_array();
}

std::optional<civil_day> read_day(json_view value)
{
    const auto text = value.string_if();
    return text ? parse_day(*text) : std::nullopt;
}

std::optional<std::chrono::minutes> read_minutes(json_view value)
{
    const auto count = value.int_if();
    if (!count || *count < 0 || *count > minutes_max) return std::nullopt;
    return std::chrono::minutes(*count);
}

// The list that `read` makes of each element; empty when one of them is unreadable.
template <class T> std::optional<std::vector<T>> read_list(json_view value, std::optional<T> (*read)(json_view))
{
    if (!value.is_array()) return std::nullopt;
    std::vector<T> list;
    for (std::size_t i = 0; i < value.size(); ++i) {
        std::optional<T> each = read(value.at(i));
        if (!each) return std::nullopt;
        list.push_back(std::move(*each));
    }
    return list;
}

std::optional<day_range> read_half_term(json_view value)
{
    const auto first = read_day(value["first_day"]);
    const auto last = read_day(value["last_day"]);
    if (!first || !last) return std::nullopt;
    return day_range{*first, *last};
}

std::optional<term> read_term(json_view value)
{
    const auto name = value["name"].string_if();
    auto half_terms = read_list<day_range>(value["half_terms"], read_half_term);
    if (!name || !half_terms) return std::nullopt;
    return term{std::string(*name), std::move(*half_terms)};
}

std::optional<closed_day> read_closed(json_view value)
{
    const auto day = read_day(value["day"]);
    const auto kind = value["kind"].string_if();
    const auto known = kind ? parse_closed_kind(*kind) : std::nullopt;
    if (!day || !known) return std::nullopt;
    return closed_day{*day, *known};
}

std::optional<session_time> read_session(json_view value)
{
    const auto name = value["half"].string_if();
    const auto half = name ? parse_half_day(*name) : std::nullopt;
    const auto opens = read_minutes(value["opens_minutes"]);
    const auto closes = read_minutes(value["closes_minutes"]);
    const auto settle = read_minutes(value["settle_minutes"]);
    const auto from = read_day(value["from"]);
    if (!half || !opens || !closes || !settle || !from) return std::nullopt;
    session_time read{*half, *opens, *closes, *settle, *from};
    bool is_readable = true;
    value["weekdays"].for_each_element([&](json_view each) {
        const auto* const at = std::ranges::find(weekday_names, each.string_if().value_or(""));
        is_readable = is_readable && at != weekday_names.end();
        if (at != weekday_names.end()) read.weekdays.set(static_cast<std::size_t>(at - weekday_names.begin()));
    });
    value["years"].for_each_element([&](json_view each) {
        is_readable = is_readable && each.string_if();
        read.years.emplace_back(each.string_if().value_or(""));
    });
    return is_readable ? std::optional(std::move(read)) : std::nullopt;
}

} // namespace

std::string school_calendar::to_json() const
{
    std::string text;
    json_writer out(text);
    out.begin_object();
    write_list(out, "closed", closed_);
    write_list(out, "sessions", sessions_);
    write_list(out, "terms", terms_);
    out.end_object();
    return text;
}

std::optional<school_calendar> school_calendar::from_json(std::string_view json)
{
    const auto document = json_document::parse(std::string(json), {.strict = true});
    if (!document) return std::nullopt;
    const json_view root = document->root();
    auto terms = read_list<term>(root["terms"], read_term);
    auto closed = read_list<closed_day>(root["closed"], read_closed);
    auto sessions = read_list<session_time>(root["sessions"], read_session);
    if (!terms || !closed || !sessions) return std::nullopt;
    return school_calendar(std::move(*terms), std::move(*closed), std::move(*sessions));
}

} // namespace rollbook
