#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <string>

namespace rollbook::support {

// Runs SQL on a ledger's file as an intruder with the file in hand would: the triggers that stop the program stop
// nobody who drops them, and puts them back.
inline void tamper(const std::filesystem::path& file, const std::string& sql)
{
    SQLite::Database database(file.string(), SQLite::OPEN_READWRITE);
    std::string drops, makes;
    {
        SQLite::Statement triggers(database, "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'");
        while (triggers.executeStep()) {
            drops += "DROP TRIGGER " + triggers.getColumn(0).getString() + ";";
            makes += triggers.getColumn(1).getString() + ";";
        }
    }
    database.exec(drops);
    database.exec(sql);
    database.exec(makes);
}

inline std::int64_t number_of(const std::filesystem::path& file, const std::string& sql)
{
    SQLite::Database database(file.string(), SQLite::OPEN_READONLY);
    return database.execAndGet(sql).getInt64();
}

inline std::string text_at(const std::filesystem::path& file, const std::string& sql)
{
    SQLite::Database database(file.string(), SQLite::OPEN_READONLY);
    return database.execAndGet(sql).getString();
}

} // namespace rollbook::support
