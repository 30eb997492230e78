#pragma once

#include "daemon/ports/configuration.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace rollbook {

// What reading an export file would give, before anything of it is taken. Holds no value of a pupil: letters are x and
// digits 9.
struct export_preview {
    using cells = std::vector<std::pair<std::string, std::string>>; // field, and the shape of what stands in it
    struct field {
        std::string name;       // "concern.category"
        std::size_t filled = 0; // in so many records
        std::string shape;      // of the first value
    };
    struct put_aside {
        std::size_t row = 0; // of the file, from 1; headings do not count
        std::string reason;
        cells row_cells; // of what the mapping names
    };
    struct sample {
        std::string kind;
        cells fields;
    };
    std::size_t rows = 0;
    std::size_t rows_aside = 0;
    std::map<std::string, std::size_t> kinds;   // records by kind
    std::map<std::string, std::size_t> reasons; // why rows are put aside, and how many
    std::vector<field> fields;
    std::vector<sample> samples;  // the first few records of each kind
    std::vector<put_aside> aside; // the first of them
    std::string first_day;        // of the records that say a day, YYYY-MM-DD; empty: none does
    std::string last_day;
    bool was_read_before = false; // the same bytes: nothing would be taken
};

// A source whose records come as files that a person may add.
inline constexpr std::string_view report_connector_name = "report";
inline bool takes_exports(const source_configuration& source)
{
    return source.connector == report_connector_name && source.mapping != nullptr;
}
inline constexpr std::string_view files_stream = "files"; // the one stream of such a source
// What a file is called while it waits, in a folder of its own.
inline constexpr const char* export_file_name = "export";

inline constexpr std::size_t samples_max = 3; // of each kind
inline constexpr std::size_t put_aside_shown_max = 200;

} // namespace rollbook
