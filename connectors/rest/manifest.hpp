#pragma once

#include "connectors/mapping/values.hpp"
#include "daemon/base/error.hpp"
#include "daemon/domain/what.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rollbook {

// The parts of this file mirror schemas/manifest.schema.json, which says what each key means.

// Member names from the outside in: "meta.pagination.next". Empty stands for the value itself.
using json_path = std::vector<std::string>;

// A text with settings in it: "/schools/{school_id}/students".
using setting_template = std::string;
using query_template = std::vector<std::pair<std::string, setting_template>>; // in the order of the manifest

struct setting_spec {
    enum class kind { text, integer, boolean, url } type = kind::text;
    std::string name;
    std::string title;
    std::string description;
    bool secret = false;
    bool required = false;
    std::optional<std::variant<bool, std::int64_t, std::string>> otherwise; // the default
    std::optional<std::int64_t> minimum;
    std::optional<std::int64_t> maximum;
};

struct authenticator_spec {
    enum class kind { none, bearer, basic } type = kind::none;
    std::string user;   // setting's name; basic only
    std::string secret; // setting's name
};

struct paginator_spec {
    enum class kind { none, next_url, page } type = kind::none;
    json_path next;              // next_url
    json_path more;              // next_url; empty: the source has no such flag
    bool absent_is_last = false; // next_url: a page that says nothing of paging is the last one
    std::string param;           // page: query parameter of the page's number, from 1
    std::string size_param;      // query parameter of the page's size; empty: none
    setting_template size;
    json_path page;  // page: where the answer repeats the number; empty: it does not
    json_path pages; // page: where the answer says how many pages there are
};

struct date_form {
    std::string text_member; // a date is an object with these two members; empty: a date is a text
    std::string zone_member;
    std::vector<std::string> formats;
    std::string zone; // of values that name none; empty: such values have no instant
};

struct field_spec {
    enum class kind { text, integer, boolean, day, instant, local_time, list } type = kind::text;
    std::string name;
    std::vector<json_path> from;                          // tried in order; the first that is there and not null counts
    bool of_parent = false;                               // `from` begins at the row a nested item stands in
    std::vector<std::pair<json_path, std::string>> where; // `from` is a list; the items that have these values count
    json_path take;                                       // what to take of such an item
    std::string constant;
    bool is_constant = false;
    std::string lookup; // the value is a key of this table
    std::string column; // what to take from it; empty for a mark's code, which takes `raw` and `statutory`
    std::optional<std::string> otherwise; // the default
    char split = 0;
    std::vector<marker> markers;
    std::vector<std::string> formats; // empty: the manifest's
    bool required = false;            // there, not null and not empty
    bool present = false;             // there, but perhaps null
};

struct record_spec {
    what kind = what::pupil;
    field_spec source_id;
    std::optional<field_spec> pupil;
    std::vector<field_spec> fields; // by name
};

struct expand_spec {
    json_path list;
    what kind = what::involvement;
    std::string of; // the name of the parent's kind
    field_spec pupil;
    std::vector<field_spec> fields; // by name
};

struct lookup_spec {
    std::string name;
    std::string fact; // the name under which facts() gives the table; empty: it does not
    std::string path;
    query_template query;
    paginator_spec paginator;
    json_path records;
    field_spec key;
    std::vector<field_spec> columns; // by name
};

struct total_spec {
    std::string path;
    query_template query;
    std::vector<std::pair<what, json_path>> counts;
    bool optional = false; // refused or not there: no total, and no failure
};

struct stream_spec {
    std::string name;
    std::string path;
    query_template query;
    paginator_spec paginator;
    json_path records;
    bool lists_all = false;
    std::optional<field_spec> window_day; // rows of earlier days may be skipped
    setting_template window_param;        // query parameter of the first day; empty: none
    int window_margin_days = 0;           // ask for so many days more
    std::optional<field_spec> row_as_of;
    std::optional<field_spec> page_as_of;
    record_spec record;
    std::vector<expand_spec> expand;
    std::string shape; // the stream as canonical JSON without its words for people
};

// A source as data: where it is, how to ask, how to page, what the rows mean.
struct manifest {
    std::filesystem::path file;
    std::string name;
    std::string version;
    std::string title;
    std::string sha256; // of the file, in hexadecimal
    std::vector<setting_spec> spec;
    setting_template base_url;
    setting_template ca_file;
    setting_template proxy;
    authenticator_spec authenticator;
    std::chrono::milliseconds timeout{30'000};
    std::size_t pages_max = 20'000; // pages of one read
    std::size_t body_bytes_max = 32u << 20;
    unsigned depth_max = 64;
    date_form dates;
    std::vector<lookup_spec> lookups;
    std::vector<total_spec> totals;
    std::vector<stream_spec> streams;

    const setting_spec* setting(std::string_view name) const;
};

// Where manifests and the schemas that they must keep are.
struct manifest_places {
    std::vector<std::filesystem::path> folders; // searched in order
    std::filesystem::path schemas;              // holds manifest.schema.json and canonical/
};

// Reads and checks one manifest. Fails with configuration_invalid, naming file, line and key.
result<manifest> load_manifest(const std::filesystem::path& file, const std::filesystem::path& schemas);

// The manifest of that name (the file NAME.json in one of the folders), or the one at that path when it holds a slash.
// Fails as load_manifest() does, and with configuration_invalid when no folder has it.
result<manifest> find_manifest(std::string_view name_or_path, const manifest_places& places);

} // namespace rollbook
