#include "daemon/config/sections.hpp"

namespace rollbook {
namespace {

constexpr std::int64_t years_max = 150;

void read_clock(
    table_reader& table,
    std::string_view key,
    std::string_view least,
    std::string_view most,
    int lawful_min,
    retention_clock& into
)
{
    std::optional<table_reader> clock = table.table(key);
    if (!clock) return;
    if (const auto years = clock->whole_number(least, lawful_min, years_max))
        into.at_least_years = static_cast<int>(*years);
    if (const auto years = clock->whole_number(most, into.at_least_years, years_max))
        into.at_most_years = static_cast<int>(*years);
    clock->refuse_unknown();
}

} // namespace

void read_retention(table_reader& root, configuration& into)
{
    std::optional<table_reader> table = root.table("retention");
    if (!table) return;
    retention_clocks& clocks = into.retention;
    read_clock(
        *table,
        "attendance",
        "at_least_years",
        "at_most_years",
        retention_clocks::attendance_years_min,
        clocks.attendance
    );
    read_clock(*table, "safeguarding", "until_age", "at_most_age", 0, clocks.safeguarding);
    read_clock(*table, "behaviour", "at_least_years", "at_most_years", 0, clocks.behaviour);
    table->refuse_unknown();
}

} // namespace rollbook
