#include "daemon/reconcile/payload.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/base/json_index.hpp"
#include "daemon/reconcile/narrative.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

constexpr std::size_t usual_payload_bytes = 224;

void write_index(json_writer& out, std::string_view name, entry_index index)
{
    if (index != no_entry) out.member(name, index);
}

void write_text(json_writer& out, std::string_view name, std::string_view text)
{
    if (!text.empty()) out.member(name, text);
}

void write_learned(json_writer& out, const learned& when)
{
    if (when.after) out.member("learned_after", format_instant(*when.after));
    out.member("learned_by", format_instant(when.by));
}

// Keys in ascending order; what is not known is left out.
std::string mark_payload(
    const mark_version& row,
    const learned& when,
    std::string_view id,
    std::string_view comment,
    std::string_view taken_by,
    std::string_view gone,
    std::string_view amendment = {}
)
{
    std::string text;
    text.reserve(usual_payload_bytes);
    json_writer out(text);
    out.begin_object();
    if (!amendment.empty()) {
        out.key("amendment");
        const result<json_document> parsed = json_document::parse(std::string(amendment));
        ROLLBOOK_ENSURE(parsed.has_value());
        parsed->root().write_canonical(out);
    }
    if (when.backfill) out.member("backfill", true);
    write_text(out, "code", row.statutory);
    write_text(out, "comment", comment);
    std::string day;
    append_day(day, row.session.day);
    out.member("date", day);
    write_text(out, "gone", gone);
    write_text(out, "id", id);
    write_learned(out, when);
    if (row.minutes >= 0) out.member("minutes", row.minutes);
    out.member("pupil", row.pupil);
    out.member("raw", std::string_view(row.raw));
    write_index(out, "replaces", row.replaces);
    out.member("session", name_of(row.session.half));
    out.member("source", std::string_view(row.source));
    write_text(out, "taken_by", taken_by);
    out.member("what", name_of(what::session_mark));
    out.end_object();
    return text;
}

std::string thing_payload(
    const thing_version& row,
    const learned& when,
    std::string_view fields,
    std::string_view gone,
    entry_index merged_into = no_entry
)
{
    std::string text;
    text.reserve(usual_payload_bytes + fields.size());
    json_writer out(text);
    out.begin_object();
    if (when.backfill) out.member("backfill", true);
    if (!fields.empty()) {
        out.key("fields");
        const result<json_document> parsed = json_document::parse(std::string(fields));
        ROLLBOOK_ENSURE(parsed.has_value());
        parsed->root().write_canonical(out);
    }
    write_text(out, "gone", gone);
    out.member("id", std::string_view(row.key));
    write_learned(out, when);
    write_index(out, "merged_into", merged_into);
    if (row.kind != what::pupil) write_index(out, "pupil", row.pupil);
    write_index(out, "replaces", row.replaces);
    out.member("source", std::string_view(row.source));
    write_index(out, "subject", row.subject);
    out.member("what", name_of(row.kind));
    out.end_object();
    return text;
}

void write_statement_row(json_writer& out, const statement_row& row)
{
    out.begin_object();
    out.member("balanced", row.balanced);
    out.member("changed", row.changed);
    out.member("duplicate", row.duplicate);
    out.member("held", row.held);
    if (row.leavers > 0) out.member("leavers", row.leavers);
    out.member("new", row.fresh);
    write_text(out, "not_read", row.not_read);
    if (row.out_of_scope > 0) out.member("out_of_scope", row.out_of_scope);
    if (row.outside_window > 0) out.member("outside_window", row.outside_window);
    out.member("quarantined", row.quarantined);
    out.member("read", row.read);
    out.member("record", name_of(row.record));
    out.member("restored", row.restored);
    if (row.source_total) out.member("source_total", *row.source_total);
    if (row.tombstoned > 0) out.member("tombstoned", row.tombstoned);
    out.member("unchanged", row.unchanged);
    out.member("vanished", row.vanished);
    out.end_object();
}

failure unknown_form(std::string_view field)
{
    return failure(
        errc::ledger_in_doubt,
        "a payload has no readable \"" + std::string(field) + "\"",
        "Check which version of Rollbook wrote this ledger."
    );
}

entry_index index_or_none(json_view value)
{
    return index_in(value).value_or(no_entry);
}

std::string text_or_empty(json_view value)
{
    return std::string(value.string_if().value_or(std::string_view()));
}

// In place of a digest: how a mark went.
std::uint32_t gone_digest(std::string_view word)
{
    return word == out_of_scope ? held_mark::out_of_scope_digest : 0;
}

result<version> project_mark(json_view payload, const digester& digest)
{
    mark_version row;
    const auto day = parse_day(payload["date"].string_if().value_or(""));
    const auto half = parse_half_day(payload["session"].string_if().value_or(""));
    if (!day) return unknown_form("date");
    if (!half) return unknown_form("session");
    row.session = {*day, *half};
    row.pupil = index_or_none(payload["pupil"]);
    if (row.pupil == no_entry) return unknown_form("pupil");
    row.source = text_or_empty(payload["source"]);
    row.raw = text_or_empty(payload["raw"]);
    row.statutory = text_or_empty(payload["code"]);
    row.minutes = static_cast<std::int16_t>(payload["minutes"].int_if().value_or(-1));
    row.replaces = index_or_none(payload["replaces"]);
    row.gone = payload["gone"].is_string();
    if (row.gone) {
        row.digest = gone_digest(text_or_empty(payload["gone"]));
        return version(row);
    }
    std::string amendment;
    if (payload["amendment"].is_object()) {
        json_writer out(amendment);
        payload["amendment"].write_canonical(out);
    }
    row.digest = mark_digest(
        digest,
        payload["id"].string_if().value_or(""),
        payload["comment"].string_if().value_or(""),
        payload["taken_by"].string_if().value_or(""),
        amendment
    );
    return version(row);
}

} // namespace

std::uint32_t mark_digest(
    const digester& digest,
    std::string_view id,
    std::string_view comment,
    std::string_view by,
    std::string_view amendment
)
{
    std::array<char, 256> joined;
    const std::size_t size = id.size() + comment.size() + by.size() + 2;
    if (size <= joined.size() && amendment.empty()) {
        char* end = std::copy(id.begin(), id.end(), joined.data());
        *end++ = '\0';
        end = std::copy(comment.begin(), comment.end(), end);
        *end++ = '\0';
        end = std::copy(by.begin(), by.end(), end);
        return static_cast<std::uint32_t>(digest({joined.data(), size}));
    }
    std::string longer;
    longer.append(id).append(1, '\0').append(comment).append(1, '\0').append(by);
    if (!amendment.empty()) longer.append(1, '\0').append(amendment);
    return static_cast<std::uint32_t>(digest(longer));
}

draft mark_entry(const reported_mark& mark, mark_version row, const learned& when)
{
    std::string payload = mark_payload(row, when, mark.source_id, mark.comment, mark.taken_by, {}, mark.amendment);
    return draft(entry_kind::record, std::move(payload), std::move(row));
}

draft mark_gone_entry(mark_version row, const learned& when, std::string_view word)
{
    row.gone = true;
    row.raw.clear();
    row.statutory.clear();
    row.minutes = -1;
    row.digest = gone_digest(word);
    std::string payload = mark_payload(row, when, {}, {}, {}, word);
    return draft(entry_kind::record, std::move(payload), std::move(row));
}

draft record_entry(const reported_record& record, thing_version row, const learned& when)
{
    std::string payload = thing_payload(row, when, record.fields, {});
    return draft(entry_kind::record, std::move(payload), std::move(row));
}

draft record_gone_entry(thing_version row, const learned& when, std::string_view word, entry_index merged_into)
{
    row.gone = true;
    row.digest = 0;
    std::string payload = thing_payload(row, when, {}, word, merged_into);
    return draft(entry_kind::record, std::move(payload), std::move(row));
}

draft setting_entry(std::string_view name, std::string_view value, const held_thing* last)
{
    return pupil_setting_entry(name, value, no_entry, last);
}

draft pupil_setting_entry(std::string_view name, std::string_view value, entry_index pupil, const held_thing* last)
{
    thing_version row;
    row.kind = what::settings;
    row.key = name;
    row.pupil = pupil;
    if (last) {
        row.subject = last->subject;
        row.replaces = last->entry;
    }
    std::string text;
    text.reserve(value.size() + 96);
    json_writer out(text);
    out.begin_object();
    out.member("name", name);
    write_index(out, "pupil", row.pupil);
    write_index(out, "replaces", row.replaces);
    write_index(out, "subject", row.subject);
    out.key("value");
    const result<json_document> parsed = json_document::parse(std::string(value));
    ROLLBOOK_ENSURE(parsed.has_value());
    parsed->root().write_canonical(out);
    out.member("what", name_of(what::settings));
    out.end_object();
    return draft(entry_kind::note, std::move(text), std::move(row));
}

draft statement_entry(
    const std::string& source,
    instant at,
    std::span<const statement_row> rows,
    bool first,
    std::string_view failed,
    entry_index own_index
)
{
    thing_version row;
    row.kind = what::statement;
    row.source = source;
    row.key = std::to_string(own_index);
    std::string text;
    json_writer out(text);
    out.begin_object();
    out.member("at", format_instant(at));
    write_text(out, "failed", failed);
    if (first) out.member("first", true);
    out.key("rows").begin_array();
    for (const statement_row& each : rows)
        write_statement_row(out, each);
    out.end_array();
    out.member("source", source);
    out.member("what", name_of(what::statement));
    out.end_object();
    return draft(entry_kind::note, std::move(text), std::move(row));
}

namespace {

constexpr std::string_view returned_suffix = " returned";

draft entry_of_message(const outbox_message& m, std::string_view returned, instant at)
{
    thing_version row;
    row.kind = what::delivery;
    row.key = m.content.id;
    if (!returned.empty()) row.key += returned_suffix;
    row.pupil = m.pupil;
    std::string text;
    json_writer out(text);
    out.begin_object();
    write_index(out, "alert", m.alert);
    out.member("at", format_instant(at));
    out.member("attempt", m.attempts);
    out.member("message_id", std::string_view(m.content.id));
    write_index(out, "pupil", m.pupil);
    write_text(out, "returned", returned);
    out.member("route", std::string_view(m.route));
    write_text(out, "stage", m.stage);
    out.member("type", std::string_view(m.content.type));
    out.member("what", name_of(what::delivery));
    out.end_object();
    return draft(entry_kind::note, std::move(text), std::move(row));
}

} // namespace

std::string contact_key(entry_index pupil)
{
    return "pupil/" + std::to_string(pupil);
}

draft delivery_entry(const outbox_message& m, instant at)
{
    return entry_of_message(m, {}, at);
}

draft returned_entry(const outbox_message& m, std::string_view status, instant at)
{
    return entry_of_message(m, status, at);
}

draft access_entry(
    std::string_view user,
    entry_index pupil,
    std::string_view view,
    std::string_view reason,
    instant at,
    entry_index own_index
)
{
    thing_version row;
    row.kind = what::access;
    row.pupil = pupil;
    row.key = std::to_string(own_index);
    std::string text;
    json_writer out(text);
    out.begin_object();
    out.member("at", format_instant(at));
    write_index(out, "pupil", pupil);
    out.member("reason", reason);
    out.member("user", user);
    out.member("view", view);
    out.member("what", name_of(what::access));
    out.end_object();
    return draft(entry_kind::note, std::move(text), std::move(row));
}

result<version> project(std::string_view payload, entry_index own_index, const digester& digest)
{
    const result<json_document> parsed = json_document::parse(std::string(payload));
    if (!parsed) return unknown_form("JSON");
    const json_view root = parsed->root();
    const auto kind = parse_what(root["what"].string_if().value_or(""));
    if (!kind) return unknown_form("what");
    if (*kind == what::session_mark) return project_mark(root, digest);

    thing_version row;
    row.kind = *kind;
    row.pupil = index_or_none(root["pupil"]);
    row.source = text_or_empty(root["source"]);
    row.replaces = index_or_none(root["replaces"]);
    row.subject = index_or_none(root["subject"]);
    switch (*kind) {
    case what::settings: row.key = text_or_empty(root["name"]); break;
    case what::statement:
    case what::heartbeat:
    case what::key:
    case what::access: row.key = std::to_string(own_index); break;
    case what::delivery:
        row.key = text_or_empty(root["message_id"]);
        if (root["returned"].string_if()) row.key += returned_suffix;
        break;
    case what::alert: {
        row.subject = index_or_none(root["alert"]);
        row.key = text_or_empty(root["rule"]);
        if (row.source.empty()) row.key += "/" + std::to_string(row.pupil);
        const std::string state = text_or_empty(root["state"]);
        row.gone = state == "resolved" || state == "withdrawn";
        break;
    }
    case what::finding:
        row.subject = index_or_none(root["finding"]);
        row.key = text_or_empty(root["key"]);
        row.gone = text_or_empty(root["state"]) == "closed";
        break;
    case what::link:
        row.key = text_or_empty(root["key"]);
        row.gone = root["gone"].is_string();
        break;
    case what::action:
        if (root["alert"].is_int()) { // ours; any other is a source's record
            row.key = std::to_string(index_or_none(root["alert"]));
            break;
        }
        if (root["kind"].is_string()) { // a contact of ours, about no alert
            row.key = contact_key(row.pupil);
            break;
        }
        [[fallthrough]];
    default:
        row.key = text_or_empty(root["id"]);
        row.gone = root["gone"].is_string();
        if (root["fields"].is_object()) {
            std::string fields;
            json_writer out(fields);
            if (root["fields"]["narrative"].is_object())
                fields = compared_fields(root["fields"]);
            else
                root["fields"].write_canonical(out);
            row.digest = digest(fields);
        }
        if (*kind == what::pupil) row.pupil = row.subject == no_entry ? own_index : row.subject;
        break;
    }
    return version(row);
}

} // namespace rollbook
