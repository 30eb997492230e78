#pragma once

#include "daemon/reconcile/payload.hpp"

#include <fmt/format.h>

#include <string>

namespace rollbook::bench {

// Mark number `n` of a school of 1,200: two sessions a day, pupil after pupil.
inline draft mark_number(entry_index n, const digester& digest)
{
    constexpr int pupils = 1'200;
    const auto session = static_cast<int>(n / pupils);
    const std::string id = fmt::format("A{:09}", n);
    reported_mark mark;
    mark.source_id = id;
    mark.session = {civil_day(std::chrono::days(19'000 + session / 2)), static_cast<half_day>(session % 2)};
    mark.raw = mark.statutory = n % 19 == 0 ? "I" : "/";
    mark_version row;
    row.session = mark.session;
    row.pupil = n % pupils + 1; // as if the pupils were entries 1 to 1,200
    row.source = "mis";
    row.raw = row.statutory = mark.raw;
    row.digest = mark_digest(digest, id, {}, {});
    const instant then = parse_instant("2026-09-01T12:00:00Z").value();
    return mark_entry(mark, std::move(row), learned{then - std::chrono::hours(1), then, false});
}

} // namespace rollbook::bench
