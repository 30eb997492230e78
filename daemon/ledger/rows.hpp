#pragma once

#include "daemon/domain/held.hpp"
#include "daemon/ledger/database.hpp"
#include "daemon/ports/ledger.hpp"

#include <string_view>

// Projection rows on their way in and out of SQL. Private to this layer.
namespace rollbook {

// Writes the projection row of an entry, and ends the row it replaces.
class row_writer {
public:
    // `mark` and `thing` name the tables: the real ones, or those a rebuild fills.
    row_writer(SQLite::Database& database, const std::string& mark, const std::string& thing);
    void write(entry_index index, const version& row);

private:
    void end(SQLite::Statement& statement, entry_index replaced, entry_index by);

    SQLite::Statement mark_;
    SQLite::Statement end_mark_;
    SQLite::Statement thing_;
    SQLite::Statement end_thing_;
};

// How a query for marks begins; what else it asks for comes after these eight.
inline constexpr std::string_view mark_columns = "SELECT entry, day, session, pupil, source, raw, code, minutes";
// All of them but the entry, into whichever record has members of these names. Texts last as long as the row where
// the record only looks at them.
template <class M> void read_mark(row_scan& row, M& to)
{
    to.session = {from_day_number(row.number(1)), static_cast<half_day>(row.number(2))};
    to.pupil = static_cast<entry_index>(row.number(3));
    to.source = row.text(4);
    to.raw = row.text(5);
    to.statutory = row.text(6);
    to.minutes = static_cast<std::int16_t>(row.number(7));
}

// A row of `alert_value_columns`.
inline constexpr std::string_view alert_value_columns =
    "SELECT alert, size, value, absent, possible, first_day, last_day, reason FROM alert_value ";
alert_value alert_value_of(SQLite::Statement& row);

// A kept query while it is asked. It lets go of what it read at the end: one left standing would keep the log from
// being emptied.
class asking {
public:
    explicit asking(SQLite::Statement& kept) : kept_(kept) {}
    ~asking() { (void)kept_.tryReset(); }
    asking(const asking&) = delete;
    asking& operator=(const asking&) = delete;
    SQLite::Statement* operator->() const { return &kept_; }
    SQLite::Statement& operator*() const { return kept_; }

private:
    SQLite::Statement& kept_;
};

// Runs a statement that gives no rows and makes it ready again, also when it fails: one left as it stopped would refuse
// every later use.
inline void run(SQLite::Statement& statement)
{
    try {
        statement.exec();
    } catch (...) {
        statement.tryReset();
        throw;
    }
    statement.reset();
}

} // namespace rollbook
