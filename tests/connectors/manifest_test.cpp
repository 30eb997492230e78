#include "tests/connectors/fake_http.hpp"

#include "connectors/rest/json_check.hpp"
#include "connectors/rest/settings.hpp"
#include "daemon/base/json.hpp"

#include "tests/connectors/printing.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

#include <unistd.h>

using namespace rollbook;
using namespace rollbook::test;
using Catch::Matchers::Contains;

namespace {

// A folder of its own that goes away.
struct scratch_folder {
    scratch_folder() : path(std::filesystem::temp_directory_path() / ("rollbook-manifests-" + std::to_string(getpid())))
    {
        std::filesystem::create_directories(path);
    }
    ~scratch_folder() { std::filesystem::remove_all(path); }
    std::filesystem::path path;
};

// Wonde's manifest with one thing changed, loaded.
result<manifest> changed(const std::string& from, const std::string& to, int& line)
{
    std::string text = file_text(root() / "connectors/manifests/wonde.json");
    const auto at = text.find(from);
    REQUIRE(at != text.npos);
    line = 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<long>(at), '\n'));
    text.replace(at, from.size(), to);
    const scratch_folder folder;
    std::ofstream(folder.path / "wonde.json") << text;
    return load_manifest(folder.path / "wonde.json", root() / "schemas");
}

std::vector<std::pair<std::string, json_view>> members_of(json_view object)
{
    std::vector<std::pair<std::string, json_view>> out;
    if (object.is_object())
        object.for_each([&](std::string_view name, json_view value) { out.emplace_back(name, value); });
    return out;
}

struct mistake {
    const char* keyword; // of the schema; empty: what the schema cannot say
    const char* from;
    const char* to;
    const char* message;
};

const char* const whole_paging =
    R"("type": "next_url", "next": "meta.pagination.next", "more": "meta.pagination.more", "size_param": "per_page", "size": "{per_page}", "absent": "last")";

const mistake mistakes[] = {
    {"type", R"("manifest": 1)", R"("manifest": "1")", "breaks \"type\""},
    {"enum", R"("manifest": 1)", R"("manifest": 2)", "breaks \"enum\""},
    {"enum", R"("type": "bearer")", R"("type": "oauth9")", "breaks \"enum\""},
    {"pattern", R"("name": "wonde")", R"("name": "Won de")", "breaks \"pattern\""},
    {"pattern", R"("records": "data")", R"("records": "a..b")", "breaks \"pattern\""},
    {"minLength", R"("version": "1")", R"("version": "")", "breaks \"minLength\""},
    {"maxLength",
     R"("from": "points", "type": "integer")",
     R"("from": "points", "type": "list", "split": ";;")",
     "breaks \"maxLength\""},
    {"minItems",
     R"("formats": ["%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"])",
     R"("formats": [])",
     "breaks \"minItems\""},
    {"maxItems",
     R"(["government_code", "code"])",
     R"(["a","b","c","d","e","f","g","h","i","j","k"])",
     "breaks \"maxItems\""},
    {"minimum", R"("timeout_s": 60)", R"("timeout_s": 0)", "breaks \"minimum\""},
    {"maximum", R"("depth_max": 64)", R"("depth_max": 65)", "breaks \"maximum\""},
    {"required", R"("authenticator": { "type": "bearer", "token": "token" },)", "", "\"authenticator\" is missing"},
    {"additionalProperties", R"("timeout_s": 60)", R"("timeout": 60)", "unknown key \"timeout\" in /limits"},
    {"additionalProperties", R"("lists_all": true)", R"("list_all": true)", "unknown key \"list_all\" in /streams/0"},
    {"items", R"(["education_details.data.current_nc_year", "year.data.name"])", R"([7])", "breaks \"type\""},
    {"$ref", R"("type": "next_url")", R"("type": "next")", "breaks \"enum\""},
    {"minProperties", R"("where": { "type": "REGISTRATION" })", R"("where": {})", "breaks \"minProperties\""},
    {"maxProperties",
     R"("data_as_of": { "row": "updated_at" })",
     R"("data_as_of": { "row": "a", "page": "b" })",
     "breaks \"maxProperties\""},
    {"properties", R"("optional": true)", R"("optional": 1)", "breaks \"type\""},

    {"", R"("title": "Wonde")", R"("title": "Wonde", "title": "Again")", "is there twice"},
    {"", R"("requester": {)", R"("requester" {)", "not JSON"},
    {"",
     R"("path": "/schools/{school_id}/students")",
     R"("path": "/schools/{school}/students")",
     "\"spec\" does not have"},
    {"",
     R"("path": "/schools/{school_id}/students")",
     R"("path": "/schools/{token}/students")",
     "secret into an address"},
    {"",
     R"("path": "/schools/{school_id}/students")",
     R"("path": "/schools/{school_id/students")",
     "without the other"},
    {"", R"("token": "token")", R"("token": "school_id")", "does not name a secret setting"},
    {"", R"("kind": "pupil",)", R"("kind": "incident",)", "has no pupil of its own"},
    {"", R"("pupil": "student",)", "", "\"pupil\" is missing"},
    {"", R"("session": "session",)", "", "\"session\" is missing"},
    {"", R"("upn": "education)", R"("unique_pupil_number": "education)", "is no field of a pupil"},
    {"", R"("lookup": "codes")", R"("lookup": "nothing")", "names no lookup"},
    {"", R"("mis_id": "mis_id",)", R"("mis_id": {"from": "mis_id", "constant": "x"},)", "needs one of"},
    {"", R"("upn": "education_details.data.upn")", R"("upn": {"from": "upn", "formats": ["%Y"]})", "is for dates"},
    {"", R"(, "take": "name")", "", "go together"},
    {"", R"("of": "incident")", R"("of": "concern")", "is not the kind of the record"},
    {"", R"("role": "meta.role")", R"("record": "meta.role")", "is filled in by the engine"},
    {"", R"("name": "session-marks")", R"("name": "students")", "is there twice"},
    {"", R"("default": 100)", R"("default": "many")", "of another type"},
    {"", R"("secret": true,)", R"("secret": true, "default": "x",)", "never used"},
    {"", R"("next": "meta.pagination.next", )", "", "\"next\" is missing"},
    {"",
     R"("size_param": "per_page", "size": "{per_page}", "absent")",
     R"("size_param": "per_page", "absent")",
     "go together"},
    {"",
     R"("size_param": "per_page", "size": "{per_page}", "absent")",
     R"("pages": "p", "absent")",
     "is not for this type"},
    {"", whole_paging, R"("type": "page", "more": "m")", "\"param\" is missing"},
    {"", whole_paging, R"("type": "offset", "param": "o")", "where the list ends"},
    {"", whole_paging, R"("type": "cursor", "param": "c")", "\"next_header\" is missing"},
    {"", R"("lists_all": true)", R"("slices": {"days": 1}, "lists_all": true)", "need \"window\""},
    {"", R"("lists_all": true)", R"("slices": {"lookup": "nothing"}, "lists_all": true)", "names no lookup"},
    {"", R"("lists_all": true)", R"("slices": {"lookup": "codes", "days": 1}, "lists_all": true)", "needs one of days"},
    {"",
     R"("window": { "day": "date")",
     R"("incremental": {"kind": "number", "send_as": "number"}, "window": { "day": "date")",
     "neither cursor nor signpost"},
    {"",
     R"("window": { "day": "date")",
     R"("incremental": {"kind": "time", "send_as": "number"}, "window": { "day": "date")",
     "is of another kind"},
    {"",
     R"("window": { "day": "date")",
     R"("history_day": "date", "window": { "day": "date")",
     "is for a list without \"window\""},
    {"properties", R"("lists_all": true)", R"("beyond_total": "yes", "lists_all": true)", "breaks \"type\""},
    {"", R"("lists_all": true)", R"("only": [{"at": "x"}], "lists_all": true)", "needs one of in and not_in"},
    {"", R"("lists_all": true)", R"("body": {}, "lists_all": true)", "a GET does not send"},
    {"",
     R"("window": { "day": "date")",
     R"("deletes": {"request": {"path": "/d"}, "paginator": {"type": "none"}, "records": "", "key": "id"}, "window": { "day": "date")",
     "is for a stream with"},
    {"",
     R"("path": "/schools/{school_id}/students")",
     R"("path": "/schools/{@part}/students")",
     "variable that is not known"},
    {"",
     R"("authenticator": { "type": "bearer", "token": "token" })",
     R"("authenticator": { "type": "api_key" })",
     "where the key goes"},
    {"",
     R"("authenticator": { "type": "bearer", "token": "token" })",
     R"("authenticator": { "type": "session_token" })",
     "\"login\" is missing"},
    {"",
     R"("authenticator": { "type": "bearer", "token": "token" })",
     R"("authenticator": { "type": "session_token", "login": {"url": "{school_id}/x", "values": {}} })",
     "setting of type url"},
    {"", R"("dates": {)", R"("errors": [{"action": "retry"}], "dates": {)", "fits every answer"},
    {"",
     R"("streams": [)",
     R"("write": [{"name": "note", "request": {"path": "/n", "method": "POST", "body": {}}}], "streams": [)",
     "does not send {@reference}"},
    {"", R"("mis_id": "mis_id",)", R"("mis_id": {"from": "mis_id", "unknown": "reject"},)", "is for a translation"},
    {"",
     R"("mis_id": "mis_id",)",
     R"("mis_id": {"from": "mis_id", "type": "integer", "after_last": "/"},)",
     "make a text"},
    {"", R"("when": "lesson_marks")", R"("when": "per_page")", "true or false"},
    {"", R"("when": "pupil_changes")", R"("when": "pupils")", "true or false"},
    {"", R"("when": "pupil_flags")", R"("when": "per_page")", "true or false"},
    {"", R"(groups{pupil_flags?,)", R"(groups{per_page?,)", "is not true or false"},
    {"", R"("ehcp": { "at")", R"("statement": { "at")", "is no flag"},
    {"", R"("type": "flags",)", R"("type": "list",)", "flags go with the type flags"},
    {"", R"("source_id": "id",)", R"("source_id": { "from": "id", "when": "pupil_flags" },)", "is always needed"},
    {"", R"("lesson_marks": {)", R"("proxy": {)", "is there for every source"},
    {"", R"("text_member": "date",)", R"("zone": "Mars/Olympus",)", "is no time zone"},
    {"", R"("school_id": {)", R"("School": {)", "is no name for a setting"},
    {"", R"("name": "wonde")", R"("name": "other")", "is not the file's name"},
};

// The keywords that say something in a schema, from anywhere in it.
void collect(json_view schema, std::set<std::string>& into)
{
    static const std::set<std::string> words = {"$schema", "title", "description", "definitions", "uniqueItems"};
    schema.for_each([&](std::string_view key, json_view value) {
        if (words.count(std::string(key)) == 0) into.emplace(key);
        if (key == "properties" || key == "definitions")
            value.for_each([&](std::string_view, json_view inner) { collect(inner, into); });
        if (key == "items" || key == "additionalProperties") collect(value, into);
    });
}

// Every subschema has words for a person.
void check_words(json_view schema, const std::string& at)
{
    if (!schema["$ref"].is_absent()) return;
    INFO(at);
    CHECK(schema["title"].is_string());
    CHECK(schema["description"].is_string());
    for (const char* group : {"properties", "definitions"})
        schema[group].for_each([&](std::string_view key, json_view inner) {
            check_words(inner, at + "/" + std::string(key));
        });
    for (const char* one : {"items", "additionalProperties"})
        if (schema[one].is_object()) check_words(schema[one], at + "/" + one);
}

} // namespace

TEST_CASE("the shipped manifests keep their schema", "[connectors]")
{
    CHECK(shipped("wonde").streams.size() == 9);
    CHECK(shipped("safeguarding").streams.size() == 3);
    const manifest_places places{{root() / "connectors/manifests"}, root() / "schemas"};
    const auto files = manifest_files(places);
    CHECK(files.size() >= 12);
    for (const auto& file : files) {
        INFO(file);
        CHECK(load_manifest(file, places.schemas));
    }
}

TEST_CASE("each shipped manifest has a page that says what it rests on, as the manifest does", "[connectors]")
{
    const auto folder = root() / "connectors/manifests";
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".json") continue;
        std::string name = entry.path().stem().string();
        CAPTURE(name);
        const manifest m = shipped(name);
        // A family of manifests has one page.
        while (!std::filesystem::exists(folder / (name + ".md")) && name.find('-') != name.npos)
            name.resize(name.rfind('-'));
        const std::string page = file_text(folder / (name + ".md"));
        CHECK_THAT(page, Contains("**" + m.basis + "**"));
        // Where it is from: a page, a program or a document that has a name with a dot or a slash in it.
        CHECK(page.find_first_of("/.", page.find("tate: **")) != page.npos);
    }
}

TEST_CASE("a manifest with one mistake is refused with the line of the mistake", "[connectors]")
{
    for (const mistake& m : mistakes) {
        DYNAMIC_SECTION(m.keyword << " " << m.to)
        {
            int line = 0;
            const auto loaded = changed(m.from, m.to, line);
            REQUIRE_FALSE(loaded);
            CHECK(loaded.error().code == errc::configuration_invalid);
            CHECK_THAT(loaded.error().what, Contains(m.message));
            CHECK_FALSE(loaded.error().to_do.empty());
            // A missing key is told where its object begins or ends; anything else on its own line.
            if (*m.to != '\0' && std::string(m.message).find("missing") == std::string::npos &&
                std::string(m.message).find("no pupil of its own") == std::string::npos)
                CHECK_THAT(loaded.error().what, Contains("wonde.json:" + std::to_string(line) + ":"));
        }
    }
}

TEST_CASE("each keyword of the manifest's schema has a manifest that it refuses", "[connectors]")
{
    const auto schema = json_document::parse(file_text(root() / "schemas/manifest.schema.json"));
    REQUIRE(schema);
    std::set<std::string> used;
    collect(schema->root(), used);
    std::set<std::string> tried;
    for (const mistake& m : mistakes)
        tried.insert(m.keyword);
    for (const std::string& keyword : used) {
        INFO(keyword);
        CHECK(tried.count(keyword) == 1);
    }
    check_words(schema->root(), "");
}

namespace {

// Every key of a schema that says not in words what it is.
void find_unexplained(json_view schema, const std::string& at, std::vector<std::string>& found)
{
    for (const auto& [name, value] : members_of(schema)) {
        if (name == "properties") {
            for (const auto& [key, of] : members_of(value))
                if (of["$ref"].is_absent() && (of["title"].string_if().value_or("").empty() ||
                                               of["description"].string_if().value_or("").empty()))
                    found.push_back(at + "/" + key);
        }
        if (name == "definitions")
            for (const auto& [key, of] : members_of(value))
                if (of["title"].is_absent() || of["description"].is_absent()) found.push_back("definition " + key);
        find_unexplained(value, at + "/" + name, found);
        std::size_t i = 0;
        value.for_each_element([&](json_view item) { find_unexplained(item, at + "/" + std::to_string(i++), found); });
    }
}

} // namespace

TEST_CASE("every key of a manifest has a title and a description, for an editor to show", "[connectors]")
{
    const auto schema = json_document::parse(file_text(root() / "schemas/manifest.schema.json"));
    REQUIRE(schema);
    std::vector<std::string> found;
    find_unexplained(schema->root(), "", found);
    CHECK(found == std::vector<std::string>());
    for (const auto& entry : std::filesystem::directory_iterator(root() / "schemas/canonical")) {
        CAPTURE(entry.path());
        const auto canonical = json_document::parse(file_text(entry.path()));
        REQUIRE(canonical);
        find_unexplained(canonical->root(), entry.path().stem().string(), found);
    }
    CHECK(found == std::vector<std::string>());
}

TEST_CASE("each keyword of the canonical schemas refuses a wrong record", "[connectors]")
{
    const auto [kind, fields, keyword] = GENERATE(table<std::string, std::string, std::string>({
        {"pupil", R"({"upn":""})", "minLength"},
        {"pupil", R"({"upn":7})", "type"},
        {"pupil", R"({"gender":"x"})", "unknown key \"gender\""},
        {"pupil", R"({"date_of_birth":"09/01/2011"})", "pattern"},
        {"session-mark", R"({"day":"2025-10-06","session":"EVE","raw":"/","statutory":"/"})", "enum"},
        {"session-mark",
         R"({"day":"2025-10-06","session":"AM","raw":"L","statutory":"L","minutes_late":-1})",
         "minimum"},
        {"session-mark",
         R"({"day":"2025-10-06","session":"AM","raw":"L","statutory":"L","minutes_late":2000})",
         "maximum"},
        {"session-mark", R"({"day":"2025-10-06"})", "\"session\", \"raw\", \"statutory\" is missing"},
        {"incident", R"({"day":"2025-10-06","external_ids":[]})", "minItems"},
        {"incident", R"({"day":"2025-10-06","external_ids":["a","a"]})", "uniqueItems"},
        {"incident", R"({"day":"2025-10-06","external_ids":[7]})", "type"},
        {"involvement", R"({"of":"pupil","record":"1"})", "enum"},
        {"suspension", R"({})", "\"from\" is missing"},
        {"concern", R"({"incident_at":"yesterday"})", "pattern"},
        {"lesson-mark", R"({"raw":"N"})", "\"day\" is missing"},
        {"lesson-mark", R"({"day":"2025-10-06","minutes_late":-1})", "minimum"},
        {"adult", R"({"surname":"A"})", "\"adult\" is missing"},
        {"adult", R"({"adult":"A1","priority":1001})", "maximum"},
        {"adult", R"({"adult":"A1","telephone":"01632 960000"})", "unknown key \"telephone\""},
    }));
    CAPTURE(kind, fields);
    const auto file = root() / "schemas/canonical" / (kind + ".schema.json");
    const auto checked = check_json(fields, file_text(file), "record");
    REQUIRE_FALSE(checked);
    const std::string& what = checked.error().what;
    CHECK_THAT(what, Contains(keyword) || Contains("breaks \"" + keyword + "\""));
    const auto schema = json_document::parse(file_text(file));
    REQUIRE(schema);
    check_words(schema->root(), kind);
}

TEST_CASE("a manifest is found by name in the given folders, or by its path", "[connectors]")
{
    const manifest_places places{{root() / "nowhere", root() / "connectors/manifests"}, root() / "schemas"};
    CHECK(find_manifest("wonde", places)->name == "wonde");
    CHECK(find_manifest((root() / "connectors/manifests/wonde.json").string(), places)->name == "wonde");
    const auto none = find_manifest("wando", places);
    REQUIRE_FALSE(none);
    CHECK_THAT(none.error().what, Contains("wando"));
    CHECK_THAT(none.error().to_do, Contains("connectors/manifests"));
}

TEST_CASE("settings that the manifest does not want are refused with key and line", "[connectors]")
{
    using edit = void (*)(setting_table&);
    const auto [name, change, message] = GENERATE(table<std::string, edit, std::string>({
        {"unknown",
         [](setting_table& t) { t["tokn"] = given(std::string("x"), 12); },
         "line 12: settings.tokn is not known"},
        {"missing", [](setting_table& t) { t.erase("school_id"); }, "line 3: settings.school_id is missing"},
        {"empty",
         [](setting_table& t) { t["school_id"] = given(std::string(), 9); },
         "line 9: settings.school_id is empty"},
        {"plain secret",
         [](setting_table& t) { t["token"] = given(std::string("abc"), 9); },
         "settings.token is not a reference"},
        {"type",
         [](setting_table& t) { t["per_page"] = given(std::string("100"), 9); },
         "settings.per_page is not a whole number"},
        {"small",
         [](setting_table& t) { t["per_page"] = given(std::int64_t(0), 9); },
         "settings.per_page is out of range"},
        {"large",
         [](setting_table& t) { t["per_page"] = given(std::int64_t(501), 9); },
         "settings.per_page is out of range"},
        {"number",
         [](setting_table& t) { t["school_id"] = given(std::int64_t(7), 9); },
         "settings.school_id is not a text"},
        {"http",
         [](setting_table& t) { t["base_url"] = given(std::string("http://api.example.test/v1.0"), 9); },
         "is not encrypted"},
        {"user",
         [](setting_table& t) { t["base_url"] = given(std::string("https://a:b@api.example.test"), 9); },
         "is not an address"},
        {"query",
         [](setting_table& t) { t["base_url"] = given(std::string("https://api.example.test/?x=1"), 9); },
         "is not an address"},
    }));
    CAPTURE(name);
    auto source = wonde_source();
    change(source.settings);
    const auto failures = check_settings(shipped("wonde"), source);
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].code == errc::configuration_invalid);
    CHECK_THAT(failures[0].what, Contains("source \"mis\"") && Contains(message) && !Contains("abc"));
    CHECK_FALSE(failures[0].to_do.empty());
}

TEST_CASE("settings left out take their defaults, and http to this machine is allowed", "[connectors]")
{
    auto source = wonde_source();
    source.settings.erase("per_page");
    source.settings["base_url"] = given(std::string("http://127.0.0.1:8080/v1.0/"));
    const auto settings = resolve_settings(shipped("wonde"), source);
    REQUIRE(settings);
    CHECK(settings->values.at("per_page") == "100");
    CHECK(settings->values.at("base_url") == "http://127.0.0.1:8080/v1.0");
    CHECK(settings->expand("/a/{school_id}", true) == "/a/A1000900001");
}
