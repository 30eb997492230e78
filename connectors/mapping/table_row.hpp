#pragma once

#include <string>
#include <vector>

namespace rollbook {

// One value of a row, as UTF-8 text.
struct table_cell {
    std::string text;
    // A number or a date that the source itself holds as such; a date's text is YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS.
    enum class kind { text, number, date } is = kind::text;
    std::string wrong; // why it cannot be read; empty: it can
};

// The values of one row that a mapping names, one for each of its columns and in their order. What a mapping does not
// name never gets here.
struct table_row {
    std::vector<table_cell> cells;
    std::string wrong; // why the row as a whole cannot be read; empty: it can

    void clear(std::size_t columns)
    {
        cells.assign(columns, {});
        wrong.clear();
    }
};

} // namespace rollbook
