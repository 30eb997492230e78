#include "daemon/config/sections.hpp"

#include <algorithm>

namespace rollbook {
namespace {

bool is_route(const configuration& known, const std::string& name)
{
    return std::ranges::find(known.routes, name, &route_configuration::name) != known.routes.end();
}

// A route that is told when another was not heard may stand below what names it: looked at once all are read.
void check_escalation(
    table_reader& root, std::string_view key, const std::string& of, const reminding& set, const configuration& known
)
{
    if (set.escalate_to.empty() || is_route(known, set.escalate_to)) return;
    root.wrong(
        key,
        "escalate_to of " + in_quotes(of) + " names " + in_quotes(set.escalate_to) + ", which is no route",
        "the name of a [[route]]"
    );
}

bool reaches_record(const configuration& known, const std::string& route)
{
    const auto at = std::ranges::find(known.routes, route, &route_configuration::name);
    return at != known.routes.end() && at->channel == "note";
}

} // namespace

void read_reminding(table_reader& table, reminding& into)
{
    into.remind_after = table.duration("remind_after").value_or(into.remind_after);
    into.escalate_after = table.duration("escalate_after").value_or(into.escalate_after);
    into.escalate_to = table.text("escalate_to", "the name of a route").value_or(into.escalate_to);
    if (into.escalate_after.count() > 0 && into.escalate_to.empty())
        table.missing("escalate_to", "the name of the route that is told then");
    if (into.escalate_after.count() == 0 && !into.escalate_to.empty())
        table.missing("escalate_after", R"(school time without an answer, such as "6h")");
}

void read_casework(table_reader& root, configuration& into)
{
    for (const rule& each : into.rules)
        check_escalation(root, "rule", each.id, each.reminders, into);
    for (const route_configuration& each : into.routes)
        check_escalation(root, "route", each.name, each.reminders, into);
    std::optional<table_reader> table = root.table("casework");
    if (!table) return;
    into.casework.lead = table->text("lead", "the name of a route").value_or("");
    if (!into.casework.lead.empty() && !is_route(into, into.casework.lead))
        table->wrong("lead", in_quotes(into.casework.lead) + " is no route", "the name of a [[route]]");
    into.casework.dsl = table->text("dsl", "the name of a route").value_or("");
    if (!into.casework.dsl.empty() && !is_route(into, into.casework.dsl))
        table->wrong("dsl", in_quotes(into.casework.dsl) + " is no route", "the name of a [[route]]");
    else if (reaches_record(into, into.casework.dsl))
        table->wrong("dsl", "is a route that writes into pupils' records", "a route that reaches a person");
    if (const auto letters = table->text("letters", "the path of a folder of templates"))
        into.casework.letters = (into.file.parent_path() / *letters).lexically_normal();
    if (auto hours = table->table("school_hours")) {
        into.casework.hours_from = hours->time_of_day("from").value_or(into.casework.hours_from);
        into.casework.hours_to = hours->time_of_day("to").value_or(into.casework.hours_to);
        if (into.casework.hours_to <= into.casework.hours_from)
            hours->wrong("to", "is not after \"from\"", "a time of day such as 16:00:00");
        hours->refuse_unknown();
    }
    table->refuse_unknown();
}

} // namespace rollbook
