#pragma once

#include "daemon/base/error.hpp"
#include "daemon/base/ledger_entry.hpp"
#include "daemon/base/merkle.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <sqlite3.h>
#include <string>
#include <vector>

// What the writer and the reader of the ledger share. Private to this layer.
namespace rollbook {

// The newest schema this program knows; stored as the file's user_version.
inline constexpr int schema_version = 12;
// "Rbk1" in the file's header, so that another program's file is not mistaken for a ledger.
inline constexpr int application_id = 0x52626b31;

enum class access_mode { create, write, read };

// Opens the file and refuses what is not a ledger of a version this program knows: ledger_in_doubt. A writer brings an
// older file up to date; a reader refuses it, because the tables it needs may not be there.
result<std::unique_ptr<SQLite::Database>> open_database(const std::filesystem::path& path, access_mode mode);

// What SQLite's failure on the ledger's file means, and what a person does about it: no space, no permission, locked,
// damaged, a failing disk. ledger_in_doubt.
failure store_failure(const std::filesystem::path& path, const SQLite::Exception& why);

// Runs the numbered schema files on an empty file.
void create_tables(SQLite::Database& database);

// Runs those that a file of an earlier schema has not had, in one transaction. The caller holds the writer's lock.
void upgrade_tables(SQLite::Database& database);

inline std::int64_t to_milliseconds(instant at)
{
    return at.time_since_epoch().count();
}
inline instant from_milliseconds(std::int64_t ms)
{
    return instant(std::chrono::milliseconds(ms));
}
inline std::int64_t to_day_number(civil_day day)
{
    return day.time_since_epoch().count();
}
inline civil_day from_day_number(std::int64_t days)
{
    return civil_day(std::chrono::days(days));
}

// Kind and time of an entry as its row has them. Throw failure_error (ledger_in_doubt) at a value that no entry can
// have: the file is damaged.
entry_kind kind_of_entry(std::uint64_t index, std::int64_t stored);
instant time_of_entry(std::uint64_t index, std::int64_t stored);

// In what the file's tables, indexes and triggers differ from those that the numbered schema files make, a sentence
// each; and its header from a ledger's.
std::vector<std::string> schema_differences(SQLite::Database& database);

std::string_view text_of(const SQLite::Column& column);
hash hash_of(const SQLite::Column& column);
hash hash_of(std::string_view bytes); // zeros where they are not as many as a hash has
std::optional<instant> instant_of(const SQLite::Column& column);

// The rows of a query, read by SQLite's own calls. For scans over all marks or entries: SQLiteCpp counts references to
// the statement for each value, which costs more than the value.
class row_scan {
public:
    row_scan(SQLite::Database& database, const char* sql);
    // From the query's beginning, with numbers for its parameters in their order.
    void restart(std::initializer_list<std::int64_t> parameters);
    void reset() { sqlite3_reset(statement_.get()); } // lets go of what the query read, until restart()
    bool next();                                      // throws SQLite::Exception
    // Whether the row's first values are of these types: i integer, t text, b blob, n integer or nothing.
    bool has_types(std::string_view letters) const;
    bool is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }
    std::int64_t number(int column) const { return sqlite3_column_int64(statement_.get(), column); }
    std::string_view text(int column) const;  // valid until next()
    std::string_view bytes(int column) const; // of a blob; likewise

private:
    struct finalizer {
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };
    SQLite::Database& database_;
    std::unique_ptr<sqlite3_stmt, finalizer> statement_;
};

// The tree's stored hashes.
class stored_hashes : public hash_reader {
public:
    explicit stored_hashes(SQLite::Database& database);
    void leaves(std::uint64_t from, std::span<hash> out) override;
    bool tile(unsigned level, std::uint64_t n, tile_hashes& out) override;
    bool edge(unsigned level, std::uint64_t n, std::span<hash> out) override;

private:
    bool read(SQLite::Statement& row, unsigned level, std::uint64_t n, std::span<hash> out);

    row_scan leaves_; // up to 65,535 of them each time a ledger is opened to be written
    SQLite::Statement tile_;
    SQLite::Statement edge_;
};

// Calls use(level, n, hashes) for each tile of level 1 and up that is not full and not empty.
template <class F> void for_each_edge_tile(const merkle_frontier& tree, F&& use)
{
    for (unsigned level = 1; level * 8 < 64 && tree.size() >> (level * 8) != 0; ++level) {
        const std::span<const hash> hashes = tree.edge(level);
        const auto n = static_cast<std::int64_t>((tree.size() >> (level * 8)) / tile_width);
        if (!hashes.empty()) use(std::int64_t{level}, n, hashes);
    }
}

// Keeps what the tree's tiles of level 1 and up that are not full hold at the newest checkpoint, whose tree this is: up
// to 65,535 entries would have to be read to make it again for a proof. Part of the transaction that stores the
// checkpoint.
class edge_writer {
public:
    explicit edge_writer(SQLite::Database& database);
    void write(const merkle_frontier& tree);

private:
    SQLite::Statement clear_;
    SQLite::Statement row_;
};

} // namespace rollbook
