#include "daemon/config/sections.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

void read_operator(table_reader table, configuration& into)
{
    configuration::operator_section out;
    out.route = table.required_text("route", "the name of a [[route]]");
    const auto known = std::ranges::find(into.routes, out.route, &route_configuration::name);
    if (!out.route.empty() && (known == into.routes.end() || known->channel == "note"))
        table.wrong("route", in_quotes(out.route) + " is no route to a person", "the name of a [[route]], not a note");
    out.weekly = table.truth("weekly").value_or(out.weekly);
    out.monthly_test = table.truth("monthly_test").value_or(out.monthly_test);
    table.refuse_unknown();
    into.operations = std::move(out);
}

} // namespace

void read_operations(table_reader& root, configuration& into)
{
    if (const auto table = root.table("operator")) read_operator(*table, into);
    if (auto table = root.table("log")) {
        constexpr std::array<std::string_view, 2> formats = {"text", "json"};
        into.json_logs = table->choice("format", formats).value_or(0) == 1;
        table->refuse_unknown();
    }
}

} // namespace rollbook
