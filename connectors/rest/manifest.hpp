#pragma once

#include "connectors/mapping/values.hpp"
#include "connectors/rest/request_spec.hpp"
#include "daemon/base/error.hpp"
#include "daemon/domain/what.hpp"

#include <chrono>
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

struct setting_spec {
    enum class kind { text, integer, boolean, url } type = kind::text;
    std::string name;
    std::string title;
    std::string description;
    bool secret = false;
    bool required = false;
    bool asked = false;                                                     // the wizard asks though there is a default
    std::optional<std::variant<bool, std::int64_t, std::string>> otherwise; // the default
    std::optional<std::int64_t> minimum;
    std::optional<std::int64_t> maximum;
};

struct date_form {
    std::string text_member; // a date is an object with these two members; empty: a date is a text
    std::string zone_member;
    std::vector<std::string> formats;
    std::string zone; // of values that name none; empty: such values have no instant
};

struct field_spec {
    enum class kind { text, integer, boolean, day, instant, local_time, list, flags } type = kind::text;
    std::string name;
    std::string when;                                     // the setting that switches it on; empty: always
    std::vector<json_path> from;                          // tried in order; the first that is there and not null counts
    bool of_parent = false;                               // `from` begins at the row a nested item stands in
    std::vector<std::pair<json_path, std::string>> where; // `from` is a list; the items that have these values count
    json_path take;                                       // what to take of such an item
    std::string constant;
    bool is_constant = false;
    std::string lookup; // the value is a key of this table
    std::string column; // what to take from it; empty for a mark's code, which takes `raw` and `statutory`
    std::vector<std::pair<std::string, std::string>> translate; // sorted; the source's text and ours
    bool translate_all = false;                                 // a text that is not among them rejects the row
    bool unknown_is_none = false;                               // a text that is not among them, or no key: no value
    std::vector<std::string> blank;                             // texts that mean none
    std::string after_last;                                     // only what follows the last one of these counts
    std::vector<json_path> join; // all of them, with a slash between; one that begins with ^ begins at the outer row
    std::optional<std::string> otherwise;                      // the default
    std::vector<std::pair<std::string, condition_spec>> flags; // by name; on the object at `from`
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

// The rows of an answer: a list, of which some count, and perhaps a list in each of them instead.
struct selector_spec {
    json_path records;
    std::vector<condition_spec> only; // all must hold
    json_path items;                  // the rows are the items of this list in each record; empty: the records are
};

struct lookup_spec {
    std::string name;
    std::string when;      // the setting that switches it on; empty: always
    bool is_total = false; // its column `possible` is what the source says of each pupil; no field looks into it
    std::string fact;      // the name under which facts() gives the table; empty: it does not
    request_spec request;
    paginator_spec paginator;
    decoder_spec decoder;
    selector_spec select;
    field_spec key;
    std::vector<field_spec> columns; // by name
};

struct total_spec {
    request_spec request;
    std::vector<std::pair<what, json_path>> counts;
    bool optional = false; // refused or not there: no total, and no failure
};

// The parts a stream is asked for one after the other.
struct slice_spec {
    enum class kind { none, days, values, lookup } type = kind::none;
    int days = 1;                    // days: so many at once, from {@from} to before {@to}
    std::vector<std::string> values; // values: {@part}
    std::string lookup;              // lookup: {@part} is each key of this table
    bool missing_is_empty = false;   // 404 on one part is skipped and counted
};

// Reads of what changed since the last one.
struct incremental_spec {
    std::string when;                 // the setting that switches it on; empty: always
    bool is_time = true;              // the cursor is a moment; otherwise a whole number
    std::optional<field_spec> cursor; // of each row
    bool ascending = false;           // the source promises the order; disorder fails the read
    std::int64_t lookback = 0;        // seconds, or as much of the number: read again on purpose
    std::string send_as;              // how {@since} is written: "rfc3339", "utc-space" or "number"
    std::chrono::hours full_every{24 * 7};
    std::chrono::hours retention{24 * 30};
    std::optional<request_spec> signpost; // asked before: the newest value there is, {@until}
    json_path signpost_value;
};

// Where a source names what it deleted, or keys that it changed: the old ones.
struct deletes_spec {
    request_spec request;
    paginator_spec paginator;
    json_path records;
    field_spec key;
    std::optional<condition_spec> when; // only these rows; of a list that names every kind of change
};

// A list of changes: the ids of what to ask for one by one.
struct changelog_spec {
    request_spec request;
    paginator_spec paginator;
    json_path records;
    field_spec key;
    json_path revision;
    condition_spec gone; // rows that say that the record was deleted
    request_spec one;    // {@part} is the id
    json_path record;    // where the record is in that answer
};

struct stream_spec {
    std::string name;
    std::string when; // the setting that switches it on; empty: always
    request_spec request;
    paginator_spec paginator;
    decoder_spec decoder;
    selector_spec select;
    slice_spec slices;
    std::optional<incremental_spec> incremental;
    std::vector<deletes_spec> deletes; // read one after the other, after the rows
    std::optional<changelog_spec> changelog;
    std::vector<condition_spec> gone_when; // a row for which one holds says that the record was deleted
    bool lists_all = false;
    std::optional<field_spec> window_day;  // rows of earlier days may be skipped
    setting_template window_param;         // query parameter of the first day; empty: none
    int window_margin_days = 0;            // ask for so many days more
    std::optional<field_spec> history_day; // rows whose day lies before the history are not read; never with window_day
    bool beyond_total = false;             // the source's own count leaves its records out
    std::optional<field_spec> row_as_of;
    std::optional<field_spec> page_as_of;
    record_spec record;
    std::vector<expand_spec> expand;
    std::string shape; // the stream as canonical JSON without its words for people
};

// One way to put something into the source: a note that tells its own people of an alert.
struct write_spec {
    std::string name;
    request_spec request;                  // {@reference}, {@pupil}, {@text}, {@at}
    std::vector<condition_spec> success;   // of the answer; all must hold
    json_path id;                          // where the answer names what was made; empty: it does not
    std::optional<request_spec> read_back; // {@id} as well
    std::vector<condition_spec> found;     // of that answer; all must hold. A value may hold {@reference}
};

// A list that the source has and nobody here asks for.
struct unread_list {
    std::string list;
    std::string why;
};

// How much the source may be asked; for all its streams together.
struct rate_spec {
    std::size_t requests = 0; // 0: as many as there are
    std::chrono::milliseconds per{60'000};
    std::size_t concurrency = 2;
    std::string remaining_header; // lower case; empty: none
    std::string reset_header;     // seconds until the budget is whole again
};

// A source as data: where it is, how to ask, how to page, what the rows mean.
struct manifest {
    std::filesystem::path file;
    std::string name;
    std::string version;
    std::string title;
    std::string role;                              // "mis", "safeguarding" or "roster"
    std::string basis;                             // "documented" or "assembled": what the manifest was written from
    std::string sha256;                            // of the file, in hexadecimal
    std::optional<std::chrono::minutes> freshness; // how old its data usually is; nothing: not known
    std::vector<setting_spec> spec;
    setting_template base_url;
    query_template headers; // sent with every request
    authenticator_spec authenticator;
    std::chrono::milliseconds timeout{30'000};
    std::size_t pages_max = 20'000; // pages of one read
    std::size_t body_bytes_max = 32u << 20;
    unsigned depth_max = 64;
    rate_spec rate;
    std::vector<error_rule> errors; // in order; the first that fits counts
    date_form dates;
    std::vector<lookup_spec> lookups;
    std::vector<total_spec> totals;
    std::vector<stream_spec> streams;
    std::vector<unread_list> not_read;
    std::vector<write_spec> writes;

    const setting_spec* setting(std::string_view name) const;
};

// Where manifests and the schemas that they must keep are.
struct manifest_places {
    std::vector<std::filesystem::path> folders; // searched in order
    std::filesystem::path schemas;              // holds manifest.schema.json and canonical/
};

// Reads and checks one manifest. Fails with configuration_invalid, naming file, line and key.
result<manifest> load_manifest(const std::filesystem::path& file, const std::filesystem::path& schemas);
// The same of a text; `file` is what failures call it.
result<manifest>
read_manifest(const std::string& text, const std::filesystem::path& file, const std::filesystem::path& schemas);

// The manifest of that name (the file NAME.json in one of the folders), or the one at that path when it holds a slash.
// Fails as load_manifest() does, and with configuration_invalid when no folder has it.
result<manifest> find_manifest(std::string_view name_or_path, const manifest_places& places);

// The files of every manifest in the folders, by name; the first folder's where two have one of a name.
std::vector<std::filesystem::path> manifest_files(const manifest_places& places);

} // namespace rollbook
