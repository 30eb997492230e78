#pragma once

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/time.hpp"
#include "daemon/ports/ledger_reader.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Reports: tables made from the ledger as known at one size, for the command line, the pages and files alike.
namespace rollbook {

struct report_column {
    std::string key;     // the member's name in JSON, [a-z0-9_]
    std::string heading; // for people
    bool is_number = false;
};

struct report {
    std::string title;
    std::vector<std::string> notes; // what a reader must know to read it rightly
    std::vector<report_column> columns;
    std::vector<std::vector<std::string>> rows; // a cell for each column; an empty one is not known
};

// What a report is asked about. References must outlive the call.
struct report_question {
    const ledger_reader& reader;
    const time_zone& zone;
    instant at{};                                      // the moment it is made for: known-at, or now
    entry_index n = 0;                                 // known at this size
    std::optional<civil_day> from, to;                 // days at the school, both inclusive
    std::function<std::string(entry_index)> reference; // of the person a pupil record belongs to: "P-12"
};

struct report_kind {
    std::string_view name;
    std::string_view says; // one line for lists
    report (*make)(const report_question&);
};

// Every report there is, by name. A new one is a function and a line in registry.cpp.
std::span<const report_kind> report_kinds();
const report_kind* find_report(std::string_view name);

// RFC 4180, UTF-8. A text that a spreadsheet would take for a formula gets an apostrophe in front.
std::string as_csv(const report& of);
// One whole page that needs nothing else: readable, printable, every text escaped. `made_for`: a line under the title.
std::string as_html(const report& of, std::string_view made_for);
// An Office Open XML workbook: a sheet of the table, to be sorted and filtered, and one with title, `made_for` and
// notes. Numbers are numbers, and no text is ever a formula. `at`: when it was made. Fails (failure_error, usage) where
// a sheet cannot hold the report: more than 1,048,575 rows, a cell of more than 32,767 characters.
std::string as_xlsx(const report& of, std::string_view made_for, instant at);
// {"columns":[...],"notes":[...],"rows":[{key:text or null}],"title":...}
void write_report(json_writer& out, const report& of);

} // namespace rollbook
