#include "daemon/ledger/database.hpp"

#include "daemon/base/sha256.hpp"
#include "daemon/ledger/rows.hpp"
#include "daemon/ledger/schema_sql.hpp"

#include <cstring>
#include <map>

namespace rollbook {
namespace {

// SQLite counts the memory it holds, under one lock for the whole program: taken twice at each of the hundreds of small
// pieces that a poll wants, and nobody asks. Set before anything opens a file; refused after that, which harms nothing.
[[maybe_unused]] const int counts_no_memory = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);

constexpr int busy_timeout_ms = 5'000;
// A checkpoint of the WAL costs a sync of the whole file; every 16 MB is rare enough for a backfill and small enough
// for the disk.
constexpr int wal_bytes = 16'000'000;
// Of a new ledger. Whoever verifies reads every page three times, and asking the system for one costs more than its
// bytes: with SQLite's 4 KiB a third of the time went there.
constexpr int page_bytes = 16'384;

failure doubt(const std::filesystem::path& path, std::string_view why, std::string to_do)
{
    return failure(errc::ledger_in_doubt, "the ledger " + path.string() + " " + std::string(why), std::move(to_do));
}

void set_pragmas(SQLite::Database& database, access_mode mode)
{
    database.setBusyTimeout(busy_timeout_ms);
    database.exec("PRAGMA foreign_keys = ON");
    database.exec("PRAGMA trusted_schema = OFF");
    database.exec("PRAGMA temp_store = MEMORY");
    if (mode == access_mode::read) return;
    if (mode == access_mode::create) database.exec("PRAGMA page_size = " + std::to_string(page_bytes));
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = FULL");
    database.exec("PRAGMA secure_delete = ON");
    const int page = database.execAndGet("PRAGMA page_size").getInt();
    database.exec("PRAGMA wal_autocheckpoint = " + std::to_string(wal_bytes / page));
    database.exec("PRAGMA cache_size = -2048");
}

// What 0004_edge.sql cannot make: hashes.
constexpr int first_with_edge = 4;

void write_edge_of_newest(SQLite::Database& database)
{
    const auto size =
        static_cast<std::uint64_t>(database.execAndGet("SELECT coalesce(max(size), 0) FROM checkpoint").getInt64());
    stored_hashes stored(database);
    const result<merkle_frontier> tree = merkle_frontier::restore(size, stored);
    if (!tree) throw failure_error(tree.error());
    edge_writer(database).write(*tree);
}

// Runs the files above the database's version. All or none: a file that stops half-way leaves the version it had.
void run_schema_files(SQLite::Database& database)
{
    static_assert(schema_sql.size() == schema_version);
    SQLite::Transaction all(database, SQLite::TransactionBehavior::IMMEDIATE);
    // Asked for inside: another writer may have been here since the file was opened.
    const int version = database.execAndGet("PRAGMA user_version").getInt();
    for (auto number = static_cast<std::size_t>(version); number < schema_sql.size(); ++number)
        database.exec(std::string(schema_sql[number]));
    if (version > 0 && version < first_with_edge) write_edge_of_newest(database);
    database.exec("PRAGMA user_version = " + std::to_string(schema_version));
    all.commit();
}

failure damaged_entry(std::uint64_t index, std::string_view what)
{
    return failure(
        errc::ledger_in_doubt,
        "entry " + std::to_string(index) + " of the ledger has a " + std::string(what) + " that no entry can have",
        "Run `rollbook ledger verify`, and restore from a backup."
    );
}

// "table mark", "trigger ...": what it is on, and the text that made it.
std::map<std::string, std::string> schema_of(SQLite::Database& database)
{
    std::map<std::string, std::string> all;
    SQLite::Statement rows(database, "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema");
    while (rows.executeStep()) {
        const std::string type = rows.getColumn(0).getString();
        const std::string name = rows.getColumn(1).getString();
        std::string sql = rows.getColumn(3).getString();
        // SQLite quotes the name of a table that was made again and renamed.
        const std::string begin = "CREATE TABLE ", quoted = begin + '"' + name + '"';
        if (sql.starts_with(quoted)) sql.replace(0, quoted.size(), begin + name);
        all.emplace(type + " " + name, rows.getColumn(2).getString() + ": " + sql);
    }
    return all;
}

} // namespace

failure store_failure(const std::filesystem::path& path, const SQLite::Exception& why)
{
    const std::string said = std::string(": ") + why.what();
    switch (why.getErrorCode()) {
    case SQLITE_FULL:
        return doubt(path, "cannot be written: its disk is full" + said, "Make space on the disk, and start again.");
    case SQLITE_CANTOPEN:
        if (std::error_code failed;
            std::filesystem::status(path.parent_path(), failed).type() == std::filesystem::file_type::not_found)
            return doubt(
                path,
                "cannot be opened: its folder is not there" + said,
                "Make the folder, owned by the user that runs Rollbook, or mount its disk, or correct [ledger] path."
            );
        [[fallthrough]];
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return doubt(
            path,
            "cannot be opened and written here, for want of permission or because its disk only reads" + said,
            "Check who owns the file and its folder, and how the disk is mounted."
        );
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return doubt(
            path,
            "is locked by another program for longer than is waited" + said,
            "End the program that holds it (a copy, a scanner, a database tool), and try again."
        );
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return doubt(
            path,
            "is damaged" + said,
            "Keep the file as it is, run `rollbook ledger verify`, and restore the newest backup."
        );
    case SQLITE_IOERR:
        return doubt(
            path,
            "cannot be read or written: its disk fails, or a file may not grow further" + said,
            "Check the disk and its space, then run `rollbook ledger verify`."
        );
    default: return doubt(path, "cannot be used" + said, "Check the disk, then run `rollbook ledger verify`.");
    }
}

result<std::unique_ptr<SQLite::Database>> open_database(const std::filesystem::path& path, access_mode mode)
{
    if (mode != access_mode::create && !std::filesystem::exists(path))
        return doubt(path, "does not exist", "Run `rollbook init` to make it, or correct [ledger] path.");
    try {
        int flags = SQLite::OPEN_READONLY;
        if (mode == access_mode::write) flags = SQLite::OPEN_READWRITE;
        if (mode == access_mode::create) flags = SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE;
        // Used from one thread (daemon/decisions/0001), so SQLite need not lock around every value.
        flags |= SQLite::OPEN_NOMUTEX;
        auto database = std::make_unique<SQLite::Database>(path.string(), flags, busy_timeout_ms);
        set_pragmas(*database, mode);
        if (mode == access_mode::create) return database;

        if (database->execAndGet("PRAGMA application_id").getInt() != application_id)
            return doubt(path, "is not a Rollbook ledger", "Correct [ledger] path.");
        const int version = database->execAndGet("PRAGMA user_version").getInt();
        if (version > schema_version)
            return doubt(
                path,
                "was written by a newer Rollbook (schema " + std::to_string(version) + ", this one knows " +
                    std::to_string(schema_version) + ")",
                "Install the newer version; this one will not touch it."
            );
        if (version < schema_version && mode == access_mode::write) upgrade_tables(*database);
        if (version < schema_version && mode == access_mode::read)
            return doubt(
                path,
                "was written by an older Rollbook (schema " + std::to_string(version) + ", this one needs " +
                    std::to_string(schema_version) + ")",
                "Start the daemon, or run `rollbook poll`: either brings the ledger up to date."
            );
        return database;
    } catch (const SQLite::Exception& e) {
        return store_failure(path, e);
    }
}

void create_tables(SQLite::Database& database)
{
    database.exec("PRAGMA application_id = " + std::to_string(application_id));
    run_schema_files(database);
}

void upgrade_tables(SQLite::Database& database)
{
    run_schema_files(database);
}

entry_kind kind_of_entry(std::uint64_t index, std::int64_t stored)
{
    if (stored < 0 || stored > static_cast<int>(entry_kind::note)) throw failure_error(damaged_entry(index, "kind"));
    return static_cast<entry_kind>(stored);
}

instant time_of_entry(std::uint64_t index, std::int64_t stored)
{
    const instant at = from_milliseconds(stored);
    if (!has_leaf_form(at)) throw failure_error(damaged_entry(index, "time"));
    return at;
}

std::vector<std::string> schema_differences(SQLite::Database& database)
{
    static const auto wanted = [] {
        SQLite::Database fresh(":memory:", SQLite::OPEN_READWRITE);
        create_tables(fresh);
        return schema_of(fresh);
    }();
    std::vector<std::string> found;
    if (database.execAndGet("PRAGMA application_id").getInt() != application_id ||
        database.execAndGet("PRAGMA user_version").getInt() != schema_version)
        found.push_back("the file's header is not that of a ledger of this version");
    const auto held = schema_of(database);
    for (const auto& [name, sql] : wanted) {
        const auto there = held.find(name);
        if (there == held.end())
            found.push_back("the " + name + " is missing from the file");
        else if (there->second != sql)
            found.push_back("the " + name + " is not as Rollbook makes it");
    }
    for (const auto& [name, sql] : held)
        if (!wanted.contains(name)) found.push_back("the " + name + " is none of Rollbook's");
    return found;
}

std::string_view text_of(const SQLite::Column& column)
{
    // The bytes must be asked for before their number: SQLite may convert the value.
    const auto* bytes = static_cast<const char*>(column.getBlob());
    return {bytes ? bytes : "", static_cast<std::size_t>(column.getBytes())};
}

std::optional<instant> instant_of(const SQLite::Column& column)
{
    if (column.isNull()) return std::nullopt;
    return from_milliseconds(column.getInt64());
}

hash hash_of(const SQLite::Column& column)
{
    return hash_of(text_of(column));
}

hash hash_of(std::string_view bytes)
{
    hash out{};
    // A blob of another length cannot equal any hash; zeros make every check that follows fail.
    if (bytes.size() == out.size()) std::memcpy(out.data(), bytes.data(), out.size());
    return out;
}

row_scan::row_scan(SQLite::Database& database, const char* sql) : database_(database)
{
    sqlite3_stmt* made = nullptr;
    const int code = sqlite3_prepare_v2(database.getHandle(), sql, -1, &made, nullptr);
    statement_.reset(made);
    if (code != SQLITE_OK) throw SQLite::Exception(database.getHandle(), code);
}

void row_scan::restart(std::initializer_list<std::int64_t> parameters)
{
    reset();
    int at = 0;
    for (const std::int64_t value : parameters)
        if (sqlite3_bind_int64(statement_.get(), ++at, value) != SQLITE_OK)
            throw SQLite::Exception(database_.getHandle());
}

bool row_scan::next()
{
    const int code = sqlite3_step(statement_.get());
    if (code != SQLITE_ROW && code != SQLITE_DONE) throw SQLite::Exception(database_.getHandle(), code);
    return code == SQLITE_ROW;
}

bool row_scan::has_types(std::string_view letters) const
{
    for (std::size_t i = 0; i < letters.size(); ++i) {
        const int type = sqlite3_column_type(statement_.get(), static_cast<int>(i));
        const bool fits = letters[i] == 't'   ? type == SQLITE_TEXT
                          : letters[i] == 'b' ? type == SQLITE_BLOB
                                              : type == SQLITE_INTEGER || (letters[i] == 'n' && type == SQLITE_NULL);
        if (!fits) return false;
    }
    return true;
}

std::string_view row_scan::text(int column) const
{
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
    return {bytes ? bytes : "", static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::string_view row_scan::bytes(int column) const
{
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
    return {bytes ? bytes : "", static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

stored_hashes::stored_hashes(SQLite::Database& database)
    : leaves_(database, "SELECT idx, kind, recorded_at, commitment FROM entry WHERE idx >= ? ORDER BY idx LIMIT ?"),
      tile_(database, "SELECT hashes FROM tile WHERE level = ? AND n = ?"),
      edge_(database, "SELECT hashes FROM edge WHERE level = ? AND n = ?")
{
}

void stored_hashes::leaves(std::uint64_t from, std::span<hash> out)
{
    leaves_.restart({static_cast<std::int64_t>(from), static_cast<std::int64_t>(out.size())});
    std::string leaf;
    std::size_t at = 0;
    while (leaves_.next()) {
        const auto index = static_cast<std::uint64_t>(leaves_.number(0));
        if (index != from + at)
            throw failure_error(failure(
                errc::ledger_in_doubt,
                "entry " + std::to_string(from + at) + " is missing from the ledger",
                "Run `rollbook ledger verify`, and restore from a backup."
            ));
        leaf.clear();
        append_leaf(
            leaf,
            index,
            kind_of_entry(index, leaves_.number(1)),
            time_of_entry(index, leaves_.number(2)),
            hash_of(leaves_.bytes(3))
        );
        out[at++] = leaf_hash(leaf);
    }
    leaves_.reset();
    if (at != out.size())
        throw failure_error(failure(
            errc::ledger_in_doubt,
            "entry " + std::to_string(from + at) + " is missing from the ledger",
            "Run `rollbook ledger verify`, and restore from a backup."
        ));
}

bool stored_hashes::tile(unsigned level, std::uint64_t n, tile_hashes& out)
{
    return read(tile_, level, n, out);
}

bool stored_hashes::edge(unsigned level, std::uint64_t n, std::span<hash> out)
{
    return read(edge_, level, n, out);
}

bool stored_hashes::read(SQLite::Statement& row, unsigned level, std::uint64_t n, std::span<hash> out)
{
    row.reset();
    row.bind(1, static_cast<std::int64_t>(level));
    row.bind(2, static_cast<std::int64_t>(n));
    if (!row.executeStep()) return false;
    const std::string_view bytes = text_of(row.getColumn(0));
    const bool enough = bytes.size() >= out.size_bytes();
    if (enough) std::memcpy(out.data(), bytes.data(), out.size_bytes());
    row.reset();
    return enough;
}

edge_writer::edge_writer(SQLite::Database& database)
    : clear_(database, "DELETE FROM edge"), row_(database, "INSERT INTO edge (level, n, hashes) VALUES (?, ?, ?)")
{
}

void edge_writer::write(const merkle_frontier& tree)
{
    run(clear_);
    for_each_edge_tile(tree, [&](std::int64_t level, std::int64_t n, std::span<const hash> hashes) {
        row_.bind(1, level);
        row_.bind(2, n);
        row_.bindNoCopy(3, hashes.data(), static_cast<int>(hashes.size_bytes()));
        run(row_);
    });
}

} // namespace rollbook
