#include "daemon/views/alerts.hpp"

namespace rollbook {

std::vector<alert> alert_versions(const workplace& at, entry_index id)
{
    std::vector<alert> versions;
    at.reader.history(id, at.n, [&](const thing_view& each) {
        if (each.kind == what::alert && each.subject == id) {
            if (auto version = read_alert(each)) versions.push_back(std::move(*version));
        }
        return true;
    });
    return versions;
}

void write_alert_history(json_writer& out, const std::vector<alert>& versions)
{
    out.begin_array();
    for (const alert& each : versions) {
        out.begin_object();
        out.member("changed_at", format_instant(each.changed_at));
        out.member("entry", each.latest);
        out.member("reason", each.reason);
        out.member("stage", each.stage);
        out.member("state", name_of(each.state));
        out.member("value", each.value);
        out.end_object();
    }
    out.end_array();
}

std::optional<alert> read_alert(const thing_view& version)
{
    if (version.payload.empty()) return std::nullopt;
    std::optional<alert> read = parse_alert_payload(version.payload, version.entry);
    if (read) return read;
    throw failure_error({
        errc::ledger_in_doubt,
        "entry " + std::to_string(version.entry) + " of the ledger is no readable alert",
        "Run `rollbook ledger verify`; if it passes, a newer Rollbook wrote the entry.",
    });
}

void write_alert(
    json_writer& out, const alert& value, const people& everyone, const std::function<void(json_writer&)>& write_history
)
{
    out.begin_object();
    out.member("changed_at", format_instant(value.changed_at));
    out.key("evidence").begin_array();
    for (const entry_index each : value.evidence)
        out.value(each);
    out.end_array();
    if (write_history) {
        out.key("history");
        write_history(out);
    }
    out.member("id", value.id);
    out.member("opened_at", format_instant(value.opened_at));
    out.key("pupil");
    everyone.write(out, value.pupil);
    out.member("reason", value.reason);
    out.member("rule", value.rule);
    out.member("stage", value.stage);
    out.member("state", name_of(value.state));
    out.member("threshold", value.threshold);
    out.member("value", value.value);
    out.key("window").begin_object();
    out.member("from", format_day(value.window.first));
    out.member("to", format_day(value.window.last));
    out.end_object().end_object();
}

} // namespace rollbook
