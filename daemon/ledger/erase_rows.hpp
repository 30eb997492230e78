#pragma once

#include "daemon/base/json.hpp"
#include "daemon/domain/what.hpp"
#include "daemon/ledger/database.hpp"
#include "daemon/ports/upkeep.hpp"

#include <functional>
#include <map>
#include <set>

// What an erasure reads of the projections and openings. Private to this layer.
namespace rollbook {

struct thing_row {
    entry_index entry = 0;
    what kind = what::pupil;
    entry_index subject = 0;
    entry_index pupil = no_entry;
    std::string source;
    std::string key;
    bool newest = false;
    bool gone = false;
    bool is_listed = false; // a pupil whom the source's own list names, not marks alone
    std::string payload;    // empty once erased
};

struct mark_row {
    entry_index entry = 0;
    civil_day day{};
    int session = 0;
    entry_index pupil = no_entry;
    std::string source;
};

// Every version of everything but statements, oldest first.
std::vector<thing_row> read_things(SQLite::Database& database);
std::vector<mark_row> read_marks(SQLite::Database& database, const std::function<bool(const mark_row&)>& wanted);

result<json_document> parsed(const thing_row& row);
// The record of another source that a link names.
std::optional<entry_index> other_of(const thing_row& link);
bool is_source_record(what kind);

// An involvement's record: its kind and the source's id of it. The id is also the key without the pupil's part.
struct involved_in {
    what kind = what::incident;
    std::string source;
    std::string record;
    auto operator<=>(const involved_in&) const = default;
};

// Who took part in what, ever, and which involvements (by subject) are of concerns.
struct participation {
    std::map<involved_in, std::set<entry_index>> pupils;
    std::set<entry_index> of_concerns;
};

participation read_participation(const std::vector<thing_row>& things);

// The person's own record and those of other systems that are linked to it.
std::set<entry_index> records_of(const std::vector<thing_row>& things, entry_index person);
// The date of birth that the newest of those records gives.
std::optional<civil_day> birth_of(const std::vector<thing_row>& things, const std::set<entry_index>& records);
// Pupil records on which a hold stands, linked ones included.
std::set<entry_index> holds_in(const std::vector<thing_row>& things);

civil_day day_learned(json_view payload);
// The day of what the entry tells of; the day it was learned where it names none.
civil_day day_of_record(json_view payload);
// An entry of the register is as old as its mark, or as the read that brought the change.
civil_day day_of_mark(civil_day session, json_view payload);

// What must not come back from a source: keyed digests (erased_key) in `meta`, as `erased/DIGEST`.
std::vector<std::uint64_t> read_erased(SQLite::Database& database);

class erased_memory {
public:
    explicit erased_memory(SQLite::Database& database)
        : insert_(database, "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)")
    {
    }
    void add(std::uint64_t digest);

private:
    SQLite::Statement insert_;
};

// Payloads one by one; empty where there is none.
class opening_reader {
public:
    explicit opening_reader(SQLite::Database& database) : row_(database, "SELECT payload FROM opening WHERE idx = ?") {}
    std::string payload(entry_index index)
    {
        row_.reset();
        row_.bind(1, static_cast<std::int64_t>(index));
        return row_.executeStep() ? std::string(text_of(row_.getColumn(0))) : std::string();
    }

private:
    SQLite::Statement row_;
};

} // namespace rollbook
