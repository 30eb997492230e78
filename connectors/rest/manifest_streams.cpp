#include "connectors/rest/manifest_reader.hpp"
#include "daemon/base/canonical_json.hpp"

#include <algorithm>

namespace rollbook {

namespace {

// How a page is cut does not shape the answer as a whole, and words for people do not at all.
void write_shape(json_view v, json_writer& out, bool is_stream)
{
    if (!v.is_object()) return v.write_canonical(out);
    out.begin_object();
    for (const auto& [name, value] : sorted_members(v)) {
        if (name == "$comment" || (is_stream && (name == "description" || name == "paginator"))) continue;
        out.key(name);
        write_shape(value, out, false);
    }
    out.end_object();
}

} // namespace

void manifest_reader::read_stream(json_view v, const std::string& at)
{
    stream_spec s;
    s.name = text_or(v["name"]);
    for (const stream_spec& other : m_.streams)
        if (other.name == s.name) wrong(at + "/name", "is there twice", "Give each stream its own name.");
    s.when = read_switch(v["when"], at + "/when");
    s.lists_all = v["lists_all"].bool_if().value_or(false);
    read_window(s, v, at);
    names variables{"@page", "@offset", "@cursor", "@today"};
    read_slices(s, v["slices"], at + "/slices");
    if (s.window_day) variables.insert({"@from", "@to", "@last"});
    if (s.slices.type == slice_spec::kind::values || s.slices.type == slice_spec::kind::lookup)
        variables.insert("@part");
    read_incremental(s, v["incremental"], at + "/incremental");
    if (s.incremental) variables.insert("@since");
    if (s.incremental && s.incremental->signpost) variables.insert("@until");
    s.request = read_request(v, at, variables);
    s.paginator = read_paginator(v["paginator"], at);
    check_paging(s.paginator, s.request, at);
    s.decoder = read_decoder(v["decoder"]);
    s.select = read_selector(v, at);
    s.gone_when = read_conditions(v["gone_when"], at + "/gone_when");
    for (const char* name : {"key_changes", "deletes"}) {
        const json_view d = v[name];
        if (d.is_absent()) continue;
        const std::string here = at + "/" + name;
        deletes_spec deletes;
        deletes.request = read_request(d["request"], here + "/request", variables);
        deletes.paginator = read_paginator(d["paginator"], here);
        check_paging(deletes.paginator, deletes.request, here);
        deletes.records = parts_of(text_or(d["records"]));
        deletes.key = read_field("key", d["key"], here + "/key");
        deletes.key.required = true;
        if (!d["when"].is_absent()) deletes.when = read_condition(d["when"], here + "/when");
        s.deletes.push_back(std::move(deletes));
        if (!s.incremental) wrong(here, "is for a stream with \"incremental\"", "A full read finds what is missing.");
    }
    read_changelog(s, v["changelog"], at + "/changelog");
    read_record(s, v["record"], at + "/record");
    const bool names_gone = !s.deletes.empty() || s.changelog || !s.gone_when.empty();
    if (names_gone && s.record.kind == what::session_mark)
        wrong(
            at,
            "a mark is not deleted by its id",
            "Read the marks' window again and compare: leave out deletes, changelog and gone_when."
        );
    std::size_t i = 0;
    v["expand"].for_each_element([&](json_view e) { read_expand(s, e, at + "/expand/" + std::to_string(i++)); });
    json_writer out(s.shape);
    write_shape(v, out, true);
    m_.streams.push_back(std::move(s));
}

void manifest_reader::read_window(stream_spec& s, json_view v, const std::string& at)
{
    const auto date_field = [&](json_view path, const char* name, const char* type, const std::string& where) {
        field_spec f = read_field(name, path, where);
        read_type(f, type);
        return f;
    };
    if (const json_view w = v["window"]; !w.is_absent()) {
        s.window_day = date_field(w["day"], "day", "day", at + "/window/day");
        s.window_day->required = true;
        s.window_param = templated(w["param"], at + "/window/param");
        s.window_margin_days = static_cast<int>(w["margin_days"].int_if().value_or(0));
    }
    if (const json_view day = v["history_day"]; !day.is_absent()) {
        s.history_day = date_field(day, "history_day", "day", at + "/history_day");
        s.history_day->required = true;
        if (s.window_day) wrong(at + "/history_day", "is for a list without \"window\"", "Leave out one of them.");
    }
    s.beyond_total = v["beyond_total"].bool_if().value_or(false);
    const json_view as_of = v["data_as_of"];
    if (!as_of["row"].is_absent())
        s.row_as_of = date_field(as_of["row"], "data_as_of", "instant", at + "/data_as_of/row");
    if (!as_of["page"].is_absent())
        s.page_as_of = date_field(as_of["page"], "data_as_of", "instant", at + "/data_as_of/page");
}

void manifest_reader::read_slices(stream_spec& s, json_view v, const std::string& at)
{
    using kind = slice_spec::kind;
    if (v.is_absent()) return;
    slice_spec& to = s.slices;
    const int ways =
        (v["days"].is_absent() ? 0 : 1) + (v["values"].is_absent() ? 0 : 1) + (v["lookup"].is_absent() ? 0 : 1);
    if (ways != 1) wrong(at, "needs one of days, values and lookup", "Say what the parts are.");
    to.days = static_cast<int>(v["days"].int_if().value_or(1));
    v["values"].for_each_element([&](json_view text) { to.values.push_back(text_or(text)); });
    to.lookup = text_or(v["lookup"]);
    to.type = !v["days"].is_absent() ? kind::days : !v["values"].is_absent() ? kind::values : kind::lookup;
    to.missing_is_empty = text_or(v["missing"]) == "skip";
    if (to.type == kind::days && !s.window_day) wrong(at, "days need \"window\"", "Say which day a row belongs to.");
    const auto is_named = [&](const lookup_spec& l) { return l.name == to.lookup; };
    if (to.type == kind::lookup && std::none_of(m_.lookups.begin(), m_.lookups.end(), is_named))
        wrong(at + "/lookup", "names no lookup of this manifest", "Declare it in \"lookups\".");
}

void manifest_reader::read_incremental(stream_spec& s, json_view v, const std::string& at)
{
    if (v.is_absent()) return;
    incremental_spec to;
    to.when = read_switch(v["when"], at + "/when");
    to.is_time = text_or(v["kind"]) == "time";
    if (!v["cursor"].is_absent()) {
        to.cursor = read_field("cursor", v["cursor"], at + "/cursor");
        read_type(*to.cursor, to.is_time ? "instant" : "integer");
    }
    to.ascending = text_or(v["order"]) == "ascending";
    to.lookback = v["lookback"].int_if().value_or(0);
    to.send_as = text_or(v["send_as"]);
    to.full_every = std::chrono::hours(24 * v["full_days"].int_if().value_or(7));
    to.retention = std::chrono::hours(24 * v["retention_days"].int_if().value_or(30));
    if (!v["signpost"].is_absent()) to.signpost = read_request(v["signpost"], at + "/signpost", {});
    to.signpost_value = parts_of(text_or(v["signpost_value"]));
    if (to.signpost.has_value() == to.signpost_value.empty())
        wrong(at, "signpost and signpost_value go together", "Give both or neither.");
    if (to.is_time == (to.send_as == "number"))
        wrong(at + "/send_as", "is of another kind", "A time is sent as rfc3339 or utc-space, a number as number.");
    if (!to.cursor && !to.signpost && !to.is_time)
        wrong(at, "has neither cursor nor signpost", "Say where the newest number stands.");
    if (to.ascending && !to.cursor) wrong(at + "/order", "is the order of a cursor", "Add \"cursor\".");
    s.incremental = std::move(to);
}

void manifest_reader::read_changelog(stream_spec& s, json_view v, const std::string& at)
{
    if (v.is_absent()) return;
    changelog_spec c;
    const names variables{"@page", "@offset", "@cursor", "@since"};
    c.request = read_request(v["request"], at + "/request", variables);
    c.paginator = read_paginator(v["paginator"], at);
    check_paging(c.paginator, c.request, at);
    c.records = parts_of(text_or(v["records"]));
    c.key = read_field("key", v["key"], at + "/key");
    c.key.required = true;
    c.revision = parts_of(text_or(v["revision"]));
    c.gone = read_condition(v["gone"], at + "/gone");
    c.one = read_request(v["one"], at + "/one", {"@part"});
    c.record = parts_of(text_or(v["record"]));
    if (!s.incremental || s.incremental->is_time)
        wrong(
            at, "needs \"incremental\" of numbers", "Its cursor or signpost says which revision a full read reached."
        );
    if (s.slices.type != slice_spec::kind::none) wrong(at, "is not for a list in parts", "Leave out slices.");
    s.changelog = std::move(c);
}

what manifest_reader::read_kind(json_view v, const std::string& at)
{
    const auto kind = parse_what(text_or(v));
    if (!kind)
        wrong(
            at,
            "is no kind of record",
            "Use pupil, session-mark, lesson-mark, incident, involvement, suspension, concern, adult or action."
        );
    return kind.value_or(what::pupil);
}

void manifest_reader::read_record(stream_spec& s, json_view v, const std::string& at)
{
    record_spec& r = s.record;
    r.kind = read_kind(v["kind"], at + "/kind");
    r.source_id = read_field("source_id", v["source_id"], at + "/source_id");
    r.source_id.required = true;
    needs_no_switch(r.source_id, at + "/source_id");
    if (const json_view pupil = v["pupil"]; !pupil.is_absent()) {
        r.pupil = read_field("pupil", pupil, at + "/pupil");
        r.pupil->required = true;
        needs_no_switch(*r.pupil, at + "/pupil");
    }
    const bool without_pupil = r.kind == what::incident || r.kind == what::concern;
    if (without_pupil == r.pupil.has_value())
        wrong(
            at,
            without_pupil ? "this kind has no pupil of its own" : "\"pupil\" is missing",
            "An incident or a concern has its pupils in \"expand\"; every other record is about one pupil."
        );
    r.fields = read_fields(v["fields"], at + "/fields");
    check_names(r.kind, r.fields, at + "/fields");
    if (r.kind != what::session_mark) return;
    for (const char* needed : {"day", "session", "code"}) {
        const auto field =
            std::find_if(r.fields.begin(), r.fields.end(), [&](const auto& f) { return f.name == needed; });
        if (field == r.fields.end()) {
            wrong(
                at + "/fields",
                std::string("\"") + needed + "\" is missing",
                "A session mark needs day, session and code."
            );
            continue;
        }
        // A code may be null, which means that none is recorded; a code that is not even there is another page.
        field->required = field->name != "code";
        field->present = true;
    }
}

void manifest_reader::read_expand(stream_spec& s, json_view v, const std::string& at)
{
    expand_spec e;
    e.list = parts_of(text_or(v["list"]));
    e.kind = read_kind(v["kind"], at + "/kind");
    e.of = text_or(v["of"]);
    if (e.of != name_of(s.record.kind))
        wrong(at + "/of", "is not the kind of the record", "Name the stream's own kind.");
    e.pupil = read_field("pupil", v["pupil"], at + "/pupil");
    e.pupil.required = true;
    if (e.pupil.from.empty()) e.pupil.from.emplace_back();
    e.fields = read_fields(v["fields"], at + "/fields");
    check_names(e.kind, e.fields, at + "/fields");
    for (const field_spec& f : e.fields)
        if (f.name == "of" || f.name == "record")
            wrong(at + "/fields/" + f.name, "is filled in by the engine", "Leave it out.");
    s.expand.push_back(std::move(e));
}

} // namespace rollbook
