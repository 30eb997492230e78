#pragma once

#include "daemon/base/time.hpp"
#include "daemon/domain/what.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// A field that a column of a report or of a tap's stream may be mapped to.
struct mappable_field {
    enum class kind { text, list, number, day, wall_clock, moment, id, upn, pupils, half, code, narrative, flag };
    // Where the value goes: the record itself, each pupil's part in it, the pupil's own record, or only into what makes
    // a record's key.
    enum class part { record, involvement, pupil, key };

    std::string_view name;   // as a mapping file writes it
    std::string_view target; // the canonical field of schemas/canonical; empty: none
    kind is = kind::text;
    part of = part::record;
    bool is_required = false; // a mapping without it is refused, and a row
};

// The fields for records of `kind`, in no order; empty for a kind that cannot be mapped.
std::span<const mappable_field> mappable_fields(what kind);
// Fields about the pupil, which every kind of record has.
std::span<const mappable_field> pupil_fields();
const mappable_field* find_mappable(what kind, std::string_view name);

struct mapped_column {
    const mappable_field* field = nullptr;
    std::string from;                 // heading, path of an XML element, or path in a tap's record
    std::vector<std::string> formats; // of a date, tried in order; see parse_time()
    char split = 0;                   // what parts the values of a list; 0: one value
    int digits = 0;                   // an id of figures has at least so many; fewer: leading zeros were lost
    std::vector<std::string> yes;     // of a flag: the texts that say it, in either case; empty: yes and no in words
    bool is_optional = false;         // a file without the heading is read all the same
};

// A value that is called otherwise since a day. Records entered before it (or, where that is not known, that happened
// before it) may carry either name and are held under the new one.
struct value_rename {
    const mappable_field* field = nullptr;
    std::string from;
    std::string to;
    civil_day since{};
};

// How rows become records of one kind.
struct record_mapping {
    what record = what::concern;
    std::string stream; // of a tap; empty for a report
    std::vector<mapped_column> columns;
    std::vector<const mappable_field*> key; // empty: derived from pupils, time and author
    std::vector<value_rename> renames;
    std::map<std::string, std::string, std::less<>> codes; // a school's code -> the statutory code it stands for
    bool lists_all = false; // each file, or each run of the tap, names every record: what is missing is gone

    const mapped_column* column_of(std::string_view field) const;
};

struct report_form {
    enum class kind { csv, xml, xlsx } is = kind::csv;
    enum class encoding { utf_8, windows_1252 } text = encoding::utf_8; // UTF-16 is told by its byte order mark
    char delimiter = ',';
    int heading_row = 1; // from 1; what stands above is not read
    std::string row;     // XML: the elements that are rows, such as "Report/Record"
    std::string sheet;   // XLSX: the sheet's name; empty: the first
};

enum class after_import { remove, archive, leave };

// A mapping in a file of its own: of a report folder, or of a tap's streams.
struct mapping_file {
    std::filesystem::path file;
    std::vector<record_mapping> records; // one for a report
    report_form form;
    std::string files = "*"; // which names in the folder are meant
    std::chrono::milliseconds settle{std::chrono::seconds(60)};
    after_import then = after_import::remove;
    std::chrono::milliseconds expect_every{std::chrono::days(7)};
    std::string accept_clear_text; // why files may stay as they are
    std::string exported_by;       // whose account or group makes the files, and so sees what is in them; may be empty
    std::string shape;             // changes whenever a row would be read otherwise
};

} // namespace rollbook
