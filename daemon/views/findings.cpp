#include "daemon/views/findings.hpp"

#include "daemon/reconcile/finding_visibility.hpp"

namespace rollbook {
namespace {

// The value as it stands in the payload; null, or an empty list, where it is not there.
void write_value(json_writer& out, std::string_view key, json_view value, bool is_list = false)
{
    out.key(key);
    if (!value.is_null())
        value.write_canonical(out);
    else if (is_list)
        out.begin_array().end_array();
    else
        out.null();
}

} // namespace

json_document payload_of(const thing_view& version)
{
    result<json_document> parsed = json_document::parse(std::string(version.payload));
    if (parsed) return std::move(parsed).value();
    throw failure_error({
        errc::ledger_in_doubt,
        "entry " + std::to_string(version.entry) + " of the ledger has a payload that is not JSON",
        "Run `rollbook ledger verify`.",
    });
}

void write_labels(json_writer& out, visibility labels)
{
    out.key("labels").begin_array();
    for (const std::string_view name : names_of(labels))
        out.value(name);
    out.end_array();
}

void write_finding(json_writer& out, const finding_view& each, const people& everyone, visibility labels)
{
    const json_view root = each.root();
    out.begin_object();
    write_value(out, "closed_at", root["closed_at"]);
    write_value(out, "evidence", root["evidence"], true);
    write_value(out, "explanation", root["explanation"]);
    out.member("id", each.id);
    write_value(out, "kind", root["kind"]);
    write_labels(out, labels);
    write_value(out, "opened_at", root["opened_at"]);
    out.key("pupil");
    const auto pupil = each.pupil();
    if (pupil && !everyone.is_stranger(*pupil))
        everyone.write(out, *pupil);
    else
        out.null();
    write_value(out, "sources", root["sources"], true);
    write_value(out, "state", root["state"]);
    write_value(out, "subject", root["subject"]);
    out.end_object();
}

} // namespace rollbook
