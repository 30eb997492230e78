#include "daemon/ledger/rows.hpp"

namespace rollbook {

namespace {

std::string values_of(int columns, std::size_t rows)
{
    std::string row = "(?";
    for (int column = 1; column < columns; ++column)
        row += ",?";
    row += ')';
    std::string all = row;
    for (std::size_t i = 1; i < rows; ++i)
        all.append(1, ',').append(row);
    return all;
}

} // namespace

row_inserter::row_inserter(SQLite::Database& database, const std::string& into, int columns)
    : database_(database), into_("INSERT OR ROLLBACK INTO " + into + " VALUES "), columns_(columns),
      one_(database, into_ + values_of(columns, 1))
{
}

SQLite::Statement& row_inserter::many()
{
    if (!many_) many_.emplace(database_, into_ + values_of(columns_, at_once));
    return *many_;
}

row_writer::row_writer(SQLite::Database& database, const std::string& mark, const std::string& thing)
    : mark_(database, mark + " (entry, day, session, pupil, source, raw, code, minutes, digest, gone)", 10),
      end_mark_(database, "UPDATE " + mark + " SET to_entry = ? WHERE entry = ?"),
      thing_(
          database,
          "INSERT INTO " + thing +
              " (entry, what, subject, pupil, source, key, digest, gone) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
      ),
      end_thing_(database, "UPDATE " + thing + " SET to_entry = ? WHERE entry = ?")
{
}

void row_writer::write_marks()
{
    mark_.insert(marks_.size(), [this](SQLite::Statement& row, int first, std::size_t at) {
        const auto& [index, mark] = marks_[at];
        row.bind(first, static_cast<std::int64_t>(index));
        row.bind(first + 1, to_day_number(mark->session.day));
        row.bind(first + 2, static_cast<int>(mark->session.half));
        row.bind(first + 3, static_cast<std::int64_t>(mark->pupil));
        row.bindNoCopy(first + 4, mark->source);
        row.bindNoCopy(first + 5, mark->raw);
        row.bindNoCopy(first + 6, mark->statutory);
        row.bind(first + 7, static_cast<int>(mark->minutes));
        row.bind(first + 8, static_cast<std::int64_t>(mark->digest));
        row.bind(first + 9, mark->gone ? 1 : 0);
    });
    for (const auto& [index, mark] : marks_)
        end(end_mark_, mark->replaces, index);
}

void row_writer::write_thing(entry_index index, const thing_version& thing)
{
    const entry_index pupil = thing.pupil == no_entry && thing.kind == what::pupil ? index : thing.pupil;
    thing_.bind(1, static_cast<std::int64_t>(index));
    thing_.bind(2, static_cast<int>(thing.kind));
    thing_.bind(3, static_cast<std::int64_t>(thing.subject == no_entry ? index : thing.subject));
    if (pupil == no_entry)
        thing_.bind(4);
    else
        thing_.bind(4, static_cast<std::int64_t>(pupil));
    thing_.bindNoCopy(5, thing.source);
    thing_.bindNoCopy(6, thing.key);
    thing_.bind(7, static_cast<std::int64_t>(thing.digest));
    thing_.bind(8, thing.gone ? 1 : 0);
    run(thing_);
    end(end_thing_, thing.replaces, index);
}

void row_writer::end(SQLite::Statement& statement, entry_index replaced, entry_index by)
{
    if (replaced == no_entry) return;
    statement.bind(1, static_cast<std::int64_t>(by));
    statement.bind(2, static_cast<std::int64_t>(replaced));
    run(statement);
}

alert_value alert_value_of(SQLite::Statement& row)
{
    const auto number_of = [&](int column) {
        const SQLite::Column read = row.getColumn(column);
        return read.isNull() ? std::nullopt : std::optional<std::int64_t>(read.getInt64());
    };
    alert_value found;
    found.alert = static_cast<entry_index>(row.getColumn(0).getInt64());
    found.size = static_cast<entry_index>(row.getColumn(1).getInt64());
    found.value = row.getColumn(2).getInt64();
    found.absent = number_of(3);
    found.possible = number_of(4);
    found.window = {from_day_number(row.getColumn(5).getInt64()), from_day_number(row.getColumn(6).getInt64())};
    found.reason = text_of(row.getColumn(7));
    return found;
}

} // namespace rollbook
