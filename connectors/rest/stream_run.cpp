#include "connectors/rest/stream_run.hpp"

#include "daemon/base/bytes.hpp"

#include <algorithm>
#include <charconv>

namespace rollbook {

namespace {

constexpr char composed = '\x1e'; // stands in no address, number or text of a source
constexpr char between = '\x1f';

std::optional<std::int64_t> signed_number(std::string_view text)
{
    std::int64_t number = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (wrong != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

instant from_number(std::int64_t milliseconds)
{
    return instant(instant::duration(milliseconds));
}

} // namespace

std::string stream_place::text(bool is_sliced) const
{
    if (of == phase::rows && !is_sliced) return page.value_or("");
    const char letter = of == phase::rows ? 'r' : of == phase::changed ? 'c' : 'd';
    std::string out{composed, letter};
    out += slice;
    out += between;
    // An empty page is the first one.
    out += page.value_or("");
    return out;
}

stream_place stream_place::parsed(const std::string& text)
{
    stream_place out;
    if (text.size() < 2 || text[0] != composed) {
        out.page = text;
        return out;
    }
    out.of = text[1] == 'c' ? phase::changed : text[1] == 'd' ? phase::deleted : phase::rows;
    const auto at = text.find(between);
    out.slice = text.substr(2, at == text.npos ? at : at - 2);
    if (at != text.npos && at + 1 < text.size()) out.page = text.substr(at + 1);
    return out;
}

stream_run::stream_run(
    const stream_spec& spec, const manifest& m, const resolved_settings& settings, const url_origin& home
)
    : mapper(spec, m.dates), walk(spec.paginator, settings, home, m.pages_max),
      changes_walk(spec.changelog ? spec.changelog->paginator : paginator_spec(), settings, home, m.pages_max),
      spec_(spec)
{
    for (const deletes_spec& list : spec.deletes)
        deletes_walks.emplace_back(list.paginator, settings, home, m.pages_max);
}

void stream_run::begin(civil_day first_day, civil_day today, std::vector<std::string> parts)
{
    first_day_ = first_day;
    today_ = today;
    follows_memory = true;
    parts_ = spec_.slices.type == slice_spec::kind::values ? spec_.slices.values : std::move(parts);
    until.reset();
    newest_revision.reset();
    changed.clear();
    shown.clear();
    mapper.begin_read();
}

std::optional<std::string> stream_run::first_slice() const
{
    switch (spec_.slices.type) {
    case slice_spec::kind::none: return std::string();
    case slice_spec::kind::days: return first_day_ > today_ ? std::nullopt : std::optional(format_day(first_day_));
    default: return parts_.empty() ? std::nullopt : std::optional<std::string>("0");
    }
}

std::optional<std::string> stream_run::slice_after(const std::string& slice) const
{
    if (spec_.slices.type == slice_spec::kind::none) return std::nullopt;
    if (spec_.slices.type == slice_spec::kind::days) {
        const auto day = parse_day(slice);
        if (!day || *day + std::chrono::days(spec_.slices.days) > today_) return std::nullopt;
        return format_day(*day + std::chrono::days(spec_.slices.days));
    }
    const auto number = parse_decimal(slice);
    if (!number || *number + 1 >= parts_.size()) return std::nullopt;
    return std::to_string(*number + 1);
}

void stream_run::resume(std::string_view bookmark, instant now)
{
    started_ = now;
    changes_only_ = false;
    value_.reset();
    full_at_ = now;
    if (!spec_.incremental || bookmark.empty()) return;
    const auto first = bookmark.find(',');
    const auto second = bookmark.find(',', first == bookmark.npos ? first : first + 1);
    if (second == bookmark.npos) return;
    const auto value = signed_number(bookmark.substr(0, first));
    const auto full = signed_number(bookmark.substr(first + 1, second - first - 1));
    const auto read = signed_number(bookmark.substr(second + 1));
    if (!value || !full || !read) return;
    if (now - from_number(*full) >= spec_.incremental->full_every) return;
    if (now - from_number(*read) >= spec_.incremental->retention) return;
    value_ = value;
    full_at_ = from_number(*full);
    changes_only_ = true;
}

std::string stream_run::bookmark() const
{
    if (!spec_.incremental) return {};
    const std::int64_t started = started_.time_since_epoch().count();
    std::optional<std::int64_t> value = value_;
    if (newest_revision)
        value = std::max(value.value_or(*newest_revision), *newest_revision);
    else if (until)
        value = until;
    else if (const auto newest = mapper.newest_cursor())
        value = std::max(value.value_or(*newest), *newest);
    else if (!value && spec_.incremental->is_time && !spec_.incremental->cursor)
        value = started;
    if (!value) return {};
    // What was committed while we read may carry an earlier time than what we saw.
    if (spec_.incremental->is_time) value = std::min(*value, started);
    return std::to_string(*value) + "," + std::to_string(full_at_.time_since_epoch().count()) + "," +
           std::to_string(started);
}

std::string stream_run::since_text() const
{
    if (!changes_only_ || !value_) return {};
    const incremental_spec& i = *spec_.incremental;
    if (!i.is_time) return std::to_string(std::max<std::int64_t>(0, *value_ - i.lookback));
    std::string text = format_instant(from_number(*value_ - i.lookback * 1000));
    text.resize(19); // to the second
    if (i.send_as == "utc-space")
        text[10] = ' ';
    else
        text += 'Z';
    return text;
}

run_values stream_run::variables(const std::string& slice, std::optional<civil_day> from) const
{
    run_values out;
    out["@today"] = format_day(today_);
    const auto days = [&](civil_day first, civil_day end) {
        out["@from"] = format_day(first);
        out["@to"] = format_day(end);
        out["@last"] = format_day(end - std::chrono::days(1));
    };
    const civil_day tomorrow = today_ + std::chrono::days(1);
    if (spec_.slices.type == slice_spec::kind::days) {
        const civil_day first = parse_day(slice).value_or(first_day_);
        days(first, std::min(first + std::chrono::days(spec_.slices.days), tomorrow));
    } else if (spec_.window_day) {
        days(from.value_or(first_day_) - std::chrono::days(spec_.window_margin_days), tomorrow);
    }
    if (is_sliced() && spec_.slices.type != slice_spec::kind::days)
        if (const auto number = parse_decimal(slice); number && *number < parts_.size()) out["@part"] = parts_[*number];
    out["@since"] = since_text();
    if (until) out["@until"] = std::to_string(*until);
    return out;
}

} // namespace rollbook
