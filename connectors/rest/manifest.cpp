#include "connectors/rest/manifest.hpp"

#include "connectors/rest/json_check.hpp"
#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/base/sha256.hpp"
#include "daemon/base/time.hpp"

#include <algorithm>
#include <set>

namespace rollbook {

namespace {

namespace fs = std::filesystem;

json_path parts_of(std::string_view dotted)
{
    json_path out;
    while (!dotted.empty()) {
        const auto dot = dotted.find('.');
        out.emplace_back(dotted.substr(0, dot));
        dotted.remove_prefix(dot == dotted.npos ? dotted.size() : dot + 1);
    }
    return out;
}

std::string text_or(json_view v, std::string_view otherwise = {})
{
    return std::string(v.string_if().value_or(otherwise));
}

// The members of an object in ascending order of their names.
std::vector<std::pair<std::string, json_view>> sorted_members(json_view object)
{
    std::vector<std::pair<std::string, json_view>> out;
    object.for_each([&](std::string_view name, json_view value) { out.emplace_back(name, value); });
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return json_key_less(a.first, b.first); });
    return out;
}

// Turns a manifest that keeps its schema into its structures, and checks what a schema cannot say.
class manifest_reader {
public:
    manifest_reader(const fs::path& file, const fs::path& schemas, const json_lines& lines)
        : schemas_(schemas), lines_(lines)
    {
        m_.file = file;
    }

    result<manifest> read(json_view root)
    {
        m_.name = text_or(root["name"]);
        m_.version = text_or(root["version"]);
        m_.title = text_or(root["title"]);
        root["spec"].for_each([&](std::string_view name, json_view v) { read_setting(name, v); });
        read_requester(root);
        read_limits(root["limits"]);
        read_dates(root["dates"]);
        std::size_t i = 0;
        root["lookups"].for_each_element([&](json_view v) { read_lookup(v, "/lookups/" + std::to_string(i++)); });
        i = 0;
        root["totals"].for_each_element([&](json_view v) { read_total(v, "/totals/" + std::to_string(i++)); });
        i = 0;
        root["streams"].for_each_element([&](json_view v) { read_stream(v, "/streams/" + std::to_string(i++)); });
        if (m_.name != m_.file.stem().string()) wrong("/name", "is not the file's name", "Name the file NAME.json.");
        if (first_) return *first_;
        return std::move(m_);
    }

private:
    void wrong(const std::string& pointer, std::string_view what, std::string_view to_do)
    {
        if (!first_) first_ = wrong_key(m_.file, lines_, pointer, what, to_do);
    }

    // Every {name} must be a setting that is no secret.
    std::string templated(json_view v, const std::string& at)
    {
        const std::string text = text_or(v);
        for (std::size_t open = text.find_first_of("{}"); open != text.npos; open = text.find_first_of("{}", open)) {
            const auto close = text.find('}', open);
            if (text[open] == '}' || close == text.npos) {
                wrong(at, "has a { or } without the other", "Write a setting as {name}.");
                return text;
            }
            const setting_spec* named = m_.setting(std::string_view(text).substr(open + 1, close - open - 1));
            if (!named)
                wrong(at, "names a setting that \"spec\" does not have", "Declare the setting in \"spec\".");
            else if (named->secret)
                wrong(at, "puts a secret into an address", "Secrets are for the authenticator only.");
            open = close + 1;
        }
        return text;
    }

    void read_setting(std::string_view name, json_view v)
    {
        const std::string at = "/spec/" + std::string(name);
        setting_spec s;
        s.name = name;
        if (name.empty() || name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != name.npos)
            wrong(at, "is no name for a setting", "Use small letters, digits and _.");
        const std::string type = text_or(v["type"]);
        s.type = type == "integer"   ? setting_spec::kind::integer
                 : type == "boolean" ? setting_spec::kind::boolean
                 : type == "url"     ? setting_spec::kind::url
                                     : setting_spec::kind::text;
        s.title = text_or(v["title"]);
        s.description = text_or(v["description"]);
        s.secret = v["secret"].bool_if().value_or(false);
        s.required = v["required"].bool_if().value_or(false);
        s.minimum = v["minimum"].int_if();
        s.maximum = v["maximum"].int_if();
        const json_view otherwise = v["default"];
        if (const auto number = otherwise.int_if()) s.otherwise = *number;
        if (const auto truth = otherwise.bool_if()) s.otherwise = *truth;
        if (const auto text = otherwise.string_if()) s.otherwise = std::string(*text);
        if (s.otherwise && s.required) wrong(at + "/default", "is never used", "A required setting has no default.");
        if (s.otherwise && s.secret) wrong(at + "/default", "is a secret in a file", "A secret has no default.");
        const bool fits = !s.otherwise || (s.type == setting_spec::kind::integer   ? otherwise.is_int()
                                           : s.type == setting_spec::kind::boolean ? otherwise.is_bool()
                                                                                   : otherwise.is_string());
        if (!fits) wrong(at + "/default", "is of another type than the setting", "Give a default of that type.");
        if (s.secret && s.type != setting_spec::kind::text)
            wrong(at + "/type", "a secret is a text", "Use \"string\".");
        m_.spec.push_back(std::move(s));
    }

    void read_requester(json_view root)
    {
        m_.base_url = templated(root["requester"]["base_url"], "/requester/base_url");
        m_.ca_file = templated(root["requester"]["ca_file"], "/requester/ca_file");
        m_.proxy = templated(root["requester"]["proxy"], "/requester/proxy");
        const setting_spec* base = m_.setting(std::string_view(m_.base_url).substr(1, m_.base_url.size() - 2));
        if (!base || base->type != setting_spec::kind::url)
            wrong(
                "/requester/base_url",
                "is not one setting of type url",
                "Write \"{base_url}\" and declare it in \"spec\"."
            );

        const json_view a = root["authenticator"];
        const std::string type = text_or(a["type"]);
        authenticator_spec& to = m_.authenticator;
        const auto named = [&](const char* key, bool secret) {
            const std::string at = std::string("/authenticator/") + key;
            const std::string name = text_or(a[key]);
            const setting_spec* found = m_.setting(name);
            if (!found || found->secret != secret)
                wrong(
                    at,
                    secret ? "does not name a secret setting" : "does not name a plain setting",
                    "Declare it in \"spec\"."
                );
            return name;
        };
        if (type == "bearer") {
            to.type = authenticator_spec::kind::bearer;
            to.secret = named("token", true);
        } else if (type == "basic") {
            to.type = authenticator_spec::kind::basic;
            to.user = named("user", false);
            to.secret = named("password", true);
        }
    }

    void read_limits(json_view v)
    {
        m_.timeout = std::chrono::seconds(v["timeout_s"].int_if().value_or(30));
        m_.pages_max = static_cast<std::size_t>(v["pages_max"].int_if().value_or(20'000));
        m_.body_bytes_max = static_cast<std::size_t>(v["body_bytes_max"].int_if().value_or(32 << 20));
        m_.depth_max = static_cast<unsigned>(v["depth_max"].int_if().value_or(64));
    }

    void read_dates(json_view v)
    {
        m_.dates.text_member = text_or(v["text_member"]);
        m_.dates.zone_member = text_or(v["zone_member"]);
        m_.dates.zone = text_or(v["zone"]);
        v["formats"].for_each_element([&](json_view f) { m_.dates.formats.push_back(text_or(f)); });
        if (!m_.dates.zone.empty() && !time_zone::named(m_.dates.zone))
            wrong("/dates/zone", "is no time zone", "Use a name of the tz database, such as Europe/London.");
    }

    query_template read_query(json_view v, const std::string& at)
    {
        query_template out;
        v.for_each([&](std::string_view name, json_view value) {
            out.emplace_back(name, templated(value, at + "/query/" + std::string(name)));
        });
        return out;
    }

    paginator_spec read_paginator(json_view v, const std::string& where)
    {
        const std::string at = where + "/paginator";
        paginator_spec p;
        const std::string type = text_or(v["type"]);
        p.type = type == "next_url" ? paginator_spec::kind::next_url
                 : type == "page"   ? paginator_spec::kind::page
                                    : paginator_spec::kind::none;
        p.next = parts_of(text_or(v["next"]));
        p.more = parts_of(text_or(v["more"]));
        p.absent_is_last = text_or(v["absent"]) == "last";
        p.param = text_or(v["param"]);
        p.size_param = text_or(v["size_param"]);
        p.size = templated(v["size"], at + "/size");
        p.page = parts_of(text_or(v["page"]));
        p.pages = parts_of(text_or(v["pages"]));
        using kind = paginator_spec::kind;
        const auto needs = [&](kind type, const char* key) {
            if ((p.type == type) == v[key].is_absent())
                wrong(
                    at,
                    std::string("\"") + key + "\"" + (p.type == type ? " is missing" : " is not for this type"),
                    "next_url takes next, more and absent; page takes param, page and pages; both take size_param and "
                    "size."
                );
        };
        needs(kind::next_url, "next");
        needs(kind::page, "param");
        needs(kind::page, "pages");
        if (p.type != kind::next_url && !(v["more"].is_absent() && v["absent"].is_absent()))
            wrong(at, "\"more\" and \"absent\" are for next_url", "Leave them out.");
        if (p.size_param.empty() != p.size.empty())
            wrong(at, "size_param and size go together", "Give both or neither.");
        return p;
    }

    field_spec read_field(std::string_view name, json_view v, const std::string& at)
    {
        field_spec f;
        f.name = name;
        const json_view from = v.is_object() ? (v["parent"].is_absent() ? v["from"] : v["parent"]) : v;
        f.of_parent = !v["parent"].is_absent();
        if (const auto text = from.string_if()) f.from.push_back(parts_of(*text));
        from.for_each_element([&](json_view path) { f.from.push_back(parts_of(text_or(path))); });
        f.is_constant = !v["constant"].is_absent();
        f.constant = text_or(v["constant"]);
        const int ways = (f.is_constant ? 1 : 0) + (v["from"].is_absent() ? 0 : 1) + (f.of_parent ? 1 : 0);
        if (v.is_object() && ways != 1)
            wrong(at, "needs one of from, parent and constant", "Say where the value comes from, once.");
        read_type(f, text_or(v["type"], "string"));
        v["where"].for_each([&](std::string_view path, json_view value) {
            f.where.emplace_back(parts_of(path), text_or(value));
        });
        f.take = parts_of(text_or(v["take"]));
        if (f.where.empty() != v["take"].is_absent()) wrong(at, "where and take go together", "Give both or neither.");
        f.lookup = text_or(v["lookup"]);
        f.column = text_or(v["column"]);
        if (const auto text = v["default"].string_if()) f.otherwise = std::string(*text);
        const std::string split = text_or(v["split"]);
        f.split = split.empty() ? '\0' : split[0];
        v["markers"].for_each_element([&](json_view m) {
            f.markers.push_back({text_or(m["begins"]), text_or(m["ends"]), text_or(m["prefix"])});
        });
        v["formats"].for_each_element([&](json_view format) { f.formats.push_back(text_or(format)); });
        f.required = v["required"].bool_if().value_or(false);
        using kind = field_spec::kind;
        const bool is_date = f.type == kind::day || f.type == kind::instant || f.type == kind::local_time;
        if (!f.formats.empty() && !is_date) wrong(at + "/formats", "is for dates", "Leave it out, or set the type.");
        if ((f.split != 0 || !f.markers.empty()) && f.type != kind::list)
            wrong(at, "split and markers make a list", "Set \"type\": \"list\".");
        if (!f.lookup.empty()) check_lookup(f, at);
        return f;
    }

    void read_type(field_spec& f, const std::string& type)
    {
        using kind = field_spec::kind;
        const std::pair<const char*, kind> kinds[] = {
            {"string", kind::text},
            {"integer", kind::integer},
            {"boolean", kind::boolean},
            {"day", kind::day},
            {"instant", kind::instant},
            {"local_time", kind::local_time},
            {"list", kind::list},
        };
        for (const auto& [name, value] : kinds)
            if (type == name) f.type = value;
    }

    void check_lookup(const field_spec& f, const std::string& at)
    {
        const auto table =
            std::find_if(m_.lookups.begin(), m_.lookups.end(), [&](const auto& l) { return l.name == f.lookup; });
        if (table == m_.lookups.end())
            return wrong(at + "/lookup", "names no lookup of this manifest", "Declare it in \"lookups\".");
        const auto has = [&](std::string_view column) {
            return std::any_of(table->columns.begin(), table->columns.end(), [&](const auto& c) {
                return c.name == column;
            });
        };
        if (!f.column.empty() && !has(f.column))
            wrong(at + "/column", "is no column of the lookup", "Name one it has.");
        if (f.column.empty() && !(f.name == "code" && has("raw") && has("statutory")))
            wrong(
                at, "says not which column it takes", "Add \"column\". Only a mark's code takes raw and statutory both."
            );
    }

    std::vector<field_spec> read_fields(json_view v, const std::string& at)
    {
        std::vector<field_spec> out;
        for (const auto& [name, value] : sorted_members(v))
            out.push_back(read_field(name, value, at + "/" + name));
        return out;
    }

    // The fields that records of this kind have, from their schema.
    std::set<std::string> canonical_fields(what kind)
    {
        std::set<std::string> names;
        const auto text = read_text_file(schemas_ / "canonical" / (std::string(name_of(kind)) + ".schema.json"));
        if (!text) {
            if (!first_) first_ = text.error();
            return names;
        }
        const auto schema = json_document::parse(*text);
        if (!schema) return names;
        schema->root()["properties"].for_each([&](std::string_view name, json_view) { names.emplace(name); });
        return names;
    }

    void check_names(what kind, const std::vector<field_spec>& fields, const std::string& at)
    {
        const auto known = canonical_fields(kind);
        for (const field_spec& f : fields) {
            const bool is_mark_code = kind == what::session_mark && f.name == "code";
            if (known.count(f.name) != 0 || is_mark_code) continue;
            wrong(
                at + "/" + f.name,
                "is no field of a " + std::string(name_of(kind)),
                "schemas/canonical/" + std::string(name_of(kind)) + ".schema.json lists the fields."
            );
        }
    }

    what read_kind(json_view v, const std::string& at)
    {
        const auto kind = parse_what(text_or(v));
        if (!kind)
            wrong(at, "is no kind of record", "Use pupil, session-mark, incident, involvement, suspension or concern.");
        return kind.value_or(what::pupil);
    }

    void read_lookup(json_view v, const std::string& at)
    {
        lookup_spec l;
        l.name = text_or(v["name"]);
        l.fact = text_or(v["fact"]);
        l.path = templated(v["path"], at + "/path");
        l.query = read_query(v["query"], at);
        l.paginator = read_paginator(v["paginator"], at);
        l.records = parts_of(text_or(v["records"]));
        l.key = read_field("key", v["key"], at + "/key");
        l.key.required = true;
        l.columns = read_fields(v["columns"], at + "/columns");
        m_.lookups.push_back(std::move(l));
    }

    void read_total(json_view v, const std::string& at)
    {
        total_spec t;
        t.path = templated(v["path"], at + "/path");
        t.query = read_query(v["query"], at);
        v["counts"].for_each([&](std::string_view name, json_view path) {
            const auto kind = parse_what(name);
            if (kind)
                t.counts.emplace_back(*kind, parts_of(text_or(path)));
            else
                wrong(at + "/counts/" + std::string(name), "is no kind of record", "Name a kind, such as pupil.");
        });
        t.optional = v["optional"].bool_if().value_or(false);
        m_.totals.push_back(std::move(t));
    }

    void read_stream(json_view v, const std::string& at)
    {
        stream_spec s;
        s.name = text_or(v["name"]);
        for (const stream_spec& other : m_.streams)
            if (other.name == s.name) wrong(at + "/name", "is there twice", "Give each stream its own name.");
        s.path = templated(v["path"], at + "/path");
        s.query = read_query(v["query"], at);
        s.paginator = read_paginator(v["paginator"], at);
        s.records = parts_of(text_or(v["records"]));
        s.lists_all = v["lists_all"].bool_if().value_or(false);
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
        const json_view as_of = v["data_as_of"];
        if (!as_of["row"].is_absent())
            s.row_as_of = date_field(as_of["row"], "data_as_of", "instant", at + "/data_as_of/row");
        if (!as_of["page"].is_absent())
            s.page_as_of = date_field(as_of["page"], "data_as_of", "instant", at + "/data_as_of/page");
        read_record(s, v["record"], at + "/record");
        std::size_t i = 0;
        v["expand"].for_each_element([&](json_view e) { read_expand(s, e, at + "/expand/" + std::to_string(i++)); });
        write_shape(s, v);
        m_.streams.push_back(std::move(s));
    }

    void read_record(stream_spec& s, json_view v, const std::string& at)
    {
        record_spec& r = s.record;
        r.kind = read_kind(v["kind"], at + "/kind");
        r.source_id = read_field("source_id", v["source_id"], at + "/source_id");
        r.source_id.required = true;
        if (const json_view pupil = v["pupil"]; !pupil.is_absent()) {
            r.pupil = read_field("pupil", pupil, at + "/pupil");
            r.pupil->required = true;
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

    void read_expand(stream_spec& s, json_view v, const std::string& at)
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

    static void write_shape(stream_spec& s, json_view v)
    {
        json_writer out(s.shape);
        out.begin_object();
        for (const auto& [name, value] : sorted_members(v)) {
            // How a page is cut does not shape the answer as a whole.
            if (name == "description" || name == "paginator") continue;
            out.key(name);
            value.write_canonical(out);
        }
        out.end_object();
    }

    manifest m_;
    const fs::path& schemas_;
    const json_lines& lines_;
    std::optional<failure> first_;
};

} // namespace

const setting_spec* manifest::setting(std::string_view name) const
{
    for (const setting_spec& s : spec)
        if (s.name == name) return &s;
    return nullptr;
}

result<manifest> load_manifest(const fs::path& file, const fs::path& schemas)
{
    const auto text = read_text_file(file);
    if (!text) return text.error();
    const auto schema = read_text_file(schemas / "manifest.schema.json");
    if (!schema) return schema.error();
    const auto lines = check_json(*text, *schema, file);
    if (!lines) return lines.error();
    const auto document = json_document::parse(*text);
    if (!document)
        return failure(errc::configuration_invalid, file.string() + ": " + document.error().what, "Correct the file.");
    auto read = manifest_reader(file, schemas, *lines).read(document->root());
    if (read) read->sha256 = to_hex(sha256(as_bytes(*text)));
    return read;
}

result<manifest> find_manifest(std::string_view name_or_path, const manifest_places& places)
{
    if (name_or_path.find('/') != name_or_path.npos) return load_manifest(fs::path(name_or_path), places.schemas);
    std::string searched;
    for (const fs::path& folder : places.folders) {
        const fs::path file = folder / (std::string(name_or_path) + ".json");
        std::error_code none;
        if (fs::exists(file, none)) return load_manifest(file, places.schemas);
        searched += (searched.empty() ? "" : ", ") + folder.string();
    }
    return failure(
        errc::configuration_invalid,
        "connector \"" + std::string(name_or_path) + "\": there is no such manifest",
        "Name a manifest in " + searched + ", or give the path of one."
    );
}

} // namespace rollbook
