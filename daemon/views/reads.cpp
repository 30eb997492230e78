#include "daemon/views/reads.hpp"

#include "daemon/base/json.hpp"
#include "daemon/views/text.hpp"

#include <algorithm>

namespace rollbook {

void write_statement(json_writer& out, const statement_row& row)
{
    out.begin_object();
    out.member("at", format_instant(row.at));
    out.member("balanced", row.balanced);
    out.member("changed", row.changed);
    out.member("duplicate", row.duplicate);
    if (row.leavers > 0) out.member("leavers", row.leavers);
    out.member("new", row.fresh);
    if (!row.not_read.empty()) out.member("not_read", row.not_read);
    if (row.out_of_scope > 0) out.member("out_of_scope", row.out_of_scope);
    if (row.outside_window > 0) out.member("outside_window", row.outside_window);
    out.member("quarantined", row.quarantined);
    out.member("read", row.read);
    out.member("record", name_of(row.record));
    out.member("restored", row.restored);
    out.member("source", row.source).key("source_total");
    if (row.source_total)
        out.value(*row.source_total);
    else
        out.null();
    if (row.tombstoned > 0) out.member("tombstoned", row.tombstoned);
    out.member("unchanged", row.unchanged);
    out.member("vanished", row.vanished);
    out.end_object();
}

bool is_ok(const source_state& state)
{
    return state.error.empty() && state.last_success;
}

std::vector<std::pair<const source_configuration*, source_state>> states_of(const workplace& at)
{
    const std::vector<source_state> known = at.reader.sources();
    std::vector<std::pair<const source_configuration*, source_state>> states;
    for (const source_configuration& each : at.config.sources) {
        const auto found = std::ranges::find(known, each.name, &source_state::source);
        source_state state;
        if (found != known.end()) state = *found;
        state.source = each.name;
        states.emplace_back(&each, std::move(state));
    }
    return states;
}

std::int64_t alerts_open(const workplace& at)
{
    std::int64_t count = 0;
    at.reader.things(what::alert, at.n, [&](const thing_view& each) {
        count += !each.gone && !each.payload.empty();
        return true;
    });
    return count;
}

std::optional<budget_passed> budget_passed_on(const workplace& at, civil_day day)
{
    std::optional<budget_passed> found;
    at.reader.things(what::settings, at.n, [&](const thing_view& each) {
        if (each.key != alert_budget_setting) return true;
        const auto parsed = json_document::parse(std::string(each.payload));
        const json_view value = parsed ? parsed->root()["value"] : json_view();
        if (value["day"].string_if() == format_day(day))
            found = budget_passed{
                value["budget"].int_if().value_or(0),
                value["opened"].int_if().value_or(0),
                std::string(value["advice"].string_if().value_or(""))};
        return true;
    });
    return found;
}

void write_over_budget(json_writer& out, const std::optional<budget_passed>& passed)
{
    if (!passed) {
        out.null();
        return;
    }
    out.begin_object().member("advice", passed->advice).member("budget", passed->budget);
    out.member("opened", passed->opened).end_object();
}

void write_source(json_writer& out, const source_state& state, instant now)
{
    out.begin_object();
    write_day(out, "cursor", state.newest_day);
    out.key("data_age_s");
    if (state.data_as_of)
        out.value(std::chrono::duration_cast<std::chrono::seconds>(std::max(now, *state.data_as_of) - *state.data_as_of)
                      .count());
    else
        out.null();
    write_instant(out, "data_as_of", state.data_as_of);
    write_text_or_null(out, "error", state.error);
    write_instant(out, "last_success", state.last_success);
    out.member("name", state.source);
    out.member("ok", is_ok(state));
    out.end_object();
}

std::string balance_text(const statement_row& row)
{
    if (row.not_read.empty()) return row.balanced ? "yes" : "NO";
    std::string text = "not read: " + row.not_read;
    std::ranges::replace(text, '-', ' ');
    return text;
}

} // namespace rollbook
