#pragma once

#include "daemon/base/canonical_json.hpp"
#include "daemon/domain/visibility.hpp"
#include "daemon/views/people.hpp"
#include "daemon/views/roster.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Reports: tables made from the ledger as known at one size, for the command line, the pages and files alike.
namespace rollbook {

struct report_column {
    std::string key;     // the member's name in JSON, [a-z0-9_]; of "pupil", "entry" and "alert" the pages make links
    std::string heading; // for people
    bool is_number = false;
};

struct report_table {
    std::string title; // empty: the report's own
    std::vector<report_column> columns;
    std::vector<std::vector<std::string>> rows; // a cell for each column; an empty one is not known
    std::vector<std::string> drawn{}; // columns that the page shows as a picture too, over the first one's cells
};

struct report {
    std::string title;
    std::vector<std::string> notes; // what a reader must know to read it rightly
    std::vector<report_column> columns;
    std::vector<std::vector<std::string>> rows; // a cell for each column; an empty one is not known
    std::vector<report_table> more;             // further tables, below the first

    // All of them, the first first, its title the report's.
    std::vector<report_table> tables() const;
};

// What a report is asked about. References must outlive the call.
struct report_question {
    const workplace& at;
    const people& everyone;
    const roster& pupils;
    std::optional<civil_day> from, to;             // days at the school, both inclusive
    visibility allowed = visibility::everything(); // what the reader may see
    bool names = false;                            // with pupils' names beside their references
    bool words = true;                             // with what staff wrote of pupils in words of their own
    entry_index pupil = no_entry;                  // the person, of a report about one

    std::string reference(entry_index record) const { return reference_of(everyone.person_of(record)); }
    civil_day today() const { return day_of(at.zone.to_local(at.now)); }
    // The days asked about, up to today; without a first day from `otherwise` on.
    day_range days(civil_day otherwise) const
    {
        return {from.value_or(otherwise), to ? std::min(*to, today()) : today()};
    }
};

// Who may open a report on the pages.
enum class audience {
    pupils,     // who may see pupils, and all that `needs` says
    colleagues, // who works with pupils, and so sees that a marker stands: who is left out of it has one
    totals,     // governors too: it tells of no pupil
    operations, // who runs or audits it: nothing of any pupil
    watchers,   // the auditor and the safeguarding lead: who saw what
    subject,    // the safeguarding lead, who answers whoever it is about
};

struct report_kind {
    std::string_view name;
    std::string_view title;
    std::string_view says; // what it is for, in one line for lists
    report (*make)(const report_question&);
    audience for_whom = audience::pupils;
    visibility needs = visibility::attendance;
    bool about_pupil = false;     // needs question.pupil
    bool hides_names = false;     // names only where they are asked for: it is read in company
    bool takes_decisions = false; // on its page, about the alerts and actions that it lists
};

// Every report there is, by name. A new one is a function and a line in registry.cpp.
std::span<const report_kind> report_kinds();
const report_kind* find_report(std::string_view name);

// RFC 4180, UTF-8; further tables follow after an empty line and a line with their title. A text that a spreadsheet
// would take for a formula gets an apostrophe in front.
std::string as_csv(const report& of);
// One whole page that needs nothing else: readable, printable, every text escaped. `made_for`: a line under the title.
std::string as_html(const report& of, std::string_view made_for);
// An Office Open XML workbook: a sheet of each table, to be sorted and filtered, and one with title, `made_for` and
// notes. Numbers are numbers, and no text is ever a formula. `at`: when it was made. Fails (failure_error, usage) where
// a sheet cannot hold the report: more than 1,048,575 rows, a cell of more than 32,767 characters.
std::string as_xlsx(const report& of, std::string_view made_for, instant at);
// {"columns":[...],"more":[{"columns","rows","title"}],"notes":[...],"rows":[{key:text or null}],"title":...}; "more"
// only where there is one.
void write_report(json_writer& out, const report& of);

} // namespace rollbook
