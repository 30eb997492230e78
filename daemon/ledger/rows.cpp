#include "daemon/ledger/rows.hpp"

namespace rollbook {

row_writer::row_writer(SQLite::Database& database, const std::string& mark, const std::string& thing)
    : mark_(
          database,
          "INSERT INTO " + mark +
              " (entry, day, session, pupil, source, raw, code, minutes, digest, gone) "
              "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
      ),
      end_mark_(database, "UPDATE " + mark + " SET to_entry = ? WHERE entry = ?"),
      thing_(
          database,
          "INSERT INTO " + thing +
              " (entry, what, subject, pupil, source, key, digest, gone) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
      ),
      end_thing_(database, "UPDATE " + thing + " SET to_entry = ? WHERE entry = ?")
{
}

void row_writer::write(entry_index index, const version& row)
{
    const auto own = static_cast<std::int64_t>(index);
    if (const auto* mark = std::get_if<mark_version>(&row)) {
        mark_.bind(1, own);
        mark_.bind(2, to_day_number(mark->session.day));
        mark_.bind(3, static_cast<int>(mark->session.half));
        mark_.bind(4, static_cast<std::int64_t>(mark->pupil));
        mark_.bindNoCopy(5, mark->source);
        mark_.bindNoCopy(6, mark->raw);
        mark_.bindNoCopy(7, mark->statutory);
        mark_.bind(8, static_cast<int>(mark->minutes));
        mark_.bind(9, static_cast<std::int64_t>(mark->digest));
        mark_.bind(10, mark->gone ? 1 : 0);
        run(mark_);
        end(end_mark_, mark->replaces, index);
    } else if (const auto* thing = std::get_if<thing_version>(&row)) {
        const entry_index pupil = thing->pupil == no_entry && thing->kind == what::pupil ? index : thing->pupil;
        thing_.bind(1, own);
        thing_.bind(2, static_cast<int>(thing->kind));
        thing_.bind(3, static_cast<std::int64_t>(thing->subject == no_entry ? index : thing->subject));
        if (pupil == no_entry)
            thing_.bind(4);
        else
            thing_.bind(4, static_cast<std::int64_t>(pupil));
        thing_.bindNoCopy(5, thing->source);
        thing_.bindNoCopy(6, thing->key);
        thing_.bind(7, static_cast<std::int64_t>(thing->digest));
        thing_.bind(8, thing->gone ? 1 : 0);
        run(thing_);
        end(end_thing_, thing->replaces, index);
    }
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
