#pragma once

#include "daemon/domain/visibility.hpp"
#include "daemon/ports/accounts.hpp"
#include "daemon/views/roster.hpp"
#include "daemon/web/http.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// What a role may do beside what its labels let it see.
bool works_with_pupils(role of); // sees names
bool sees_pupils(role of);       // by name or by reference
bool decides(role of);           // acts on alerts
bool calls(role of);             // records first-day calls
bool marks_pupils(role of);      // says who is to be handled with care, or comes first
bool opens_pupils(role of);      // to an auditor
bool adds_exports(role of);      // of a safeguarding system, say
visibility allowed_to(role of);

// How a verification that was asked for on the pages stands. Written by the worker that does it, read by pages.
struct verify_standing {
    bool is_running = false;
    std::uint64_t done = 0;
    std::uint64_t all = 0;
    std::optional<instant> ended_at;
    std::optional<verify_report> report;
    std::string failed; // why it could not be done; empty: it could
};

struct waiting_export;

// What a page is made from. Lives for one rendering, on the worker's thread.
struct page_request {
    const workplace& at;
    const people& everyone;
    const roster& pupils;
    const std::map<entry_index, figures>& year_sums; // of each person, in the academic year to `at.now`
    role reader = role::lead;
    const web_target& target;
    entry_index id = no_entry; // of the alert, entry or person that the path names
    const verify_standing& verification;
    const std::vector<account>& accounts; // for the page of accounts; else empty
    bool is_past = false;                 // known-at was asked for
    bool is_scoped = false;               // the reader sees some pupils of the school only
    const std::set<entry_index>& opened;  // pupil records whose names and safeguarding metadata an auditor may see
    const std::atomic<bool>* is_ending = nullptr; // set when the daemon stops: long work ends
    const waiting_export* waiting = nullptr;      // the reader's; null: none

    std::string_view query(std::string_view name) const;
    // The number a query gives, where it does.
    std::optional<std::uint64_t> number(std::string_view name) const;
};

struct csv_column {
    std::string_view heading;
    std::string_view path; // within a row of the model
};

// What a form of a page may decide about: nothing that was not offered on it is decided. `group` parts what is offered,
// where a form may say "all of these".
struct offered_thing {
    entry_index id = no_entry;
    std::string group;
    entry_index alert = no_entry; // of an action: what it is about
};

// A page before it has a form: one model, from which HTML, JSON and CSV are all made.
struct page_model {
    int status = 200;
    std::string title;
    std::string_view page; // the template, and the place in the navigation
    std::string json;      // canonical; the whole answer of the .json form
    std::string_view rows; // the member of the model that is the list of the .csv form
    std::vector<csv_column> columns;
    std::map<std::string, std::string> pictures; // ready-made SVG, by name
    std::vector<entry_index> shown;              // persons looked at by themselves: an access entry each
    std::vector<offered_thing> offered;
    // Of a report: what its opening is recorded as, and its file where it is asked for as one.
    std::string view;
    struct {
        std::string type;
        std::string body;
    } file;
    std::string file_name;                                   // without its ending; empty: the page's
    bool has_workbook = false;                               // it can be had as .xlsx
    std::vector<std::pair<std::string, std::string>> kept{}; // of the query: what links to other forms carry on
};

// Each fails with not_found, in words for the reader, or forbidden where the reader's role may not see it.
using page_maker = result<page_model> (*)(const page_request&);
result<page_model> make_today(const page_request& of);
result<page_model> make_calls(const page_request& of);
result<page_model> make_alerts(const page_request& of);
result<page_model> make_baseline(const page_request& of);
result<page_model> make_alert(const page_request& of);
result<page_model> make_pupils(const page_request& of);
result<page_model> make_pupil(const page_request& of);
result<page_model> make_findings(const page_request& of);
result<page_model> make_statements(const page_request& of);
result<page_model> make_ledger(const page_request& of);
result<page_model> make_entry(const page_request& of);
result<page_model> make_sources(const page_request& of);
result<page_model> make_rules(const page_request& of);
result<page_model> make_why(const page_request& of);      // of a pupil: how they stand to the rules
result<page_model> make_backtest(const page_request& of); // of a rule: what it would have raised
result<page_model> make_groups(const page_request& of);
result<page_model> make_reports(const page_request& of);
result<page_model> make_report(const page_request& of); // of.id: its place in report_kinds()
result<page_model> make_accounts(const page_request& of);
result<page_model> make_exports(const page_request& of);

// Rows as RFC 4180 wants them; a cell that a spreadsheet would take for a formula gets an apostrophe before it.
std::string to_csv(const page_model& of);
std::string csv_cell(std::string_view text);

} // namespace rollbook
