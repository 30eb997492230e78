#pragma once

#include "daemon/domain/held.hpp"
#include "daemon/ledger/database.hpp"
#include "daemon/ports/ledger.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// Projection rows on their way in and out of SQL. Private to this layer.
namespace rollbook {

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

// New rows of one table, many by one statement where there are as many: beginning and ending a statement costs as much
// as half a row. A row that cannot be there ends the transaction at once, so that SQLite need not remember how a part
// of a statement is taken back.
class row_inserter {
public:
    static constexpr std::size_t at_once = 16;

    // `into`: the table and its columns, of which there are `columns`.
    row_inserter(SQLite::Database& database, const std::string& into, int columns);
    // Calls bind(statement, first, row) for each row from 0 to `rows` - 1: its columns are the parameters from `first`
    // on. What is bound without a copy lasts until the end of the call.
    template <class F> void insert(std::size_t rows, F&& bind)
    {
        std::size_t row = 0;
        for (; rows - row >= at_once; row += at_once) {
            SQLite::Statement& all = many();
            for (std::size_t i = 0; i < at_once; ++i)
                bind(all, static_cast<int>(i) * columns_ + 1, row + i);
            run(all);
        }
        for (; row < rows; ++row) {
            bind(one_, 1, row);
            run(one_);
        }
    }

private:
    SQLite::Statement& many();

    SQLite::Database& database_;
    std::string into_;
    int columns_;
    SQLite::Statement one_;
    std::optional<SQLite::Statement> many_; // prepared when first used
};

// Writes the projection rows of entries, and ends the rows they replace.
class row_writer {
public:
    // `mark` and `thing` name the tables: the real ones, or those a rebuild fills.
    row_writer(SQLite::Database& database, const std::string& mark, const std::string& thing);
    // The rows of the entries from `first` on, as `row_of` gives each by its number.
    template <class F> void write(entry_index first, std::size_t rows, F&& row_of)
    {
        marks_.clear();
        for (std::size_t i = 0; i < rows; ++i) {
            const version& row = row_of(i);
            if (const auto* mark = std::get_if<mark_version>(&row))
                marks_.emplace_back(first + i, mark);
            else if (const auto* thing = std::get_if<thing_version>(&row))
                write_thing(first + i, *thing);
        }
        write_marks();
    }

private:
    void write_marks();
    void write_thing(entry_index index, const thing_version& thing);
    void end(SQLite::Statement& statement, entry_index replaced, entry_index by);

    row_inserter mark_;
    std::vector<std::pair<entry_index, const mark_version*>> marks_;
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

} // namespace rollbook
