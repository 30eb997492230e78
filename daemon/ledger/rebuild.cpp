#include "daemon/ledger/rebuild.hpp"

#include "daemon/ledger/reader.hpp"
#include "daemon/ledger/rows.hpp"
#include "daemon/reconcile/payload.hpp"

#include <cstring>

namespace rollbook {
namespace {

std::uint64_t count(SQLite::Database& database, const std::string& sql)
{
    return static_cast<std::uint64_t>(database.execAndGet(sql).getInt64());
}

// Rows that are in one of the tables only, in either direction; a changed row counts once.
std::uint64_t differences(SQLite::Database& database, const std::string& held, const std::string& made)
{
    return count(
        database,
        "SELECT count(DISTINCT entry) FROM (SELECT * FROM (SELECT * FROM " + held + " EXCEPT SELECT * FROM " + made +
            ") UNION ALL SELECT * FROM (SELECT * FROM " + made + " EXCEPT SELECT * FROM " + held + "))"
    );
}

// What made the table's indexes.
std::vector<std::string> indexes_of(SQLite::Database& database, const std::string& table)
{
    std::vector<std::string> made;
    SQLite::Statement rows(
        database, "SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL"
    );
    rows.bind(1, table);
    while (rows.executeStep())
        made.emplace_back(text_of(rows.getColumn(0)));
    return made;
}

} // namespace

digest_key read_digest_key(SQLite::Database& database)
{
    digest_key key{};
    const std::string secret = database.execAndGet("SELECT value FROM meta WHERE name = 'digest_key'").getString();
    ROLLBOOK_ENSURE(secret.size() == key.size());
    std::memcpy(key.data(), secret.data(), secret.size());
    return key;
}

rebuild_report rebuild_tables(SQLite::Database& database, bool compare)
{
    rebuild_report report;
    const digest_key key = read_digest_key(database);
    const digester digest = [&](std::string_view text) { return keyed_digest(key, text); };
    for (const std::string table : {"mark", "thing"}) {
        database.exec("DROP TABLE IF EXISTS " + table + "_made");
        std::string sql =
            database.execAndGet("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = '" + table + "'")
                .getString();
        sql.replace(sql.find(table), table.size(), table + "_made");
        database.exec(sql);
    }
    {
        row_writer rows(database, "mark_made", "thing_made");
        SQLite::Statement openings(database, "SELECT idx, payload FROM opening ORDER BY idx");
        while (openings.executeStep()) {
            const auto index = static_cast<entry_index>(openings.getColumn(0).getInt64());
            const auto row = project(text_of(openings.getColumn(1)), index, digest);
            if (!row) {
                failure why = row.error();
                why.what = "entry " + std::to_string(index) + ": " + why.what;
                throw failure_error(why);
            }
            rows.write(index, 1, [&](std::size_t) -> const version& { return *row; });
            ++report.entries;
        }
    }
    if (compare) {
        report.rows =
            count(database, "SELECT count(*) FROM mark_made") + count(database, "SELECT count(*) FROM thing_made");
        report.differed = differences(database, "mark", "mark_made") + differences(database, "thing", "thing_made");
    }
    for (const std::string table : {"mark", "thing"}) {
        const std::vector<std::string> indexes = indexes_of(database, table); // they go with the table
        database.exec("DROP TABLE " + table);
        database.exec("ALTER TABLE " + table + "_made RENAME TO " + table);
        for (const std::string& index : indexes)
            database.exec(index);
    }
    return report;
}

result<rebuild_report> rebuild_projections(const std::filesystem::path& path)
{
    auto opened = open_database(path, access_mode::write);
    if (!opened) return opened.error();
    try {
        SQLite::Transaction all(**opened, SQLite::TransactionBehavior::IMMEDIATE);
        rebuild_report report = rebuild_tables(**opened, true);
        all.commit();
        return report;
    } catch (const failure_error& e) {
        return e.why();
    } catch (const SQLite::Exception& e) {
        return failure(
            errc::ledger_in_doubt,
            "the projections cannot be rebuilt: " + std::string(e.what()),
            "Run `rollbook ledger verify`, and restore from a backup if the file is damaged."
        );
    }
}

} // namespace rollbook
