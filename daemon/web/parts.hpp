#pragma once

#include "daemon/base/canonical_json.hpp"
#include "daemon/views/alerts.hpp"
#include "daemon/views/entries.hpp"
#include "daemon/views/findings.hpp"
#include "daemon/views/pupil.hpp"
#include "daemon/views/reads.hpp"
#include "daemon/views/text.hpp"
#include "daemon/web/page.hpp"

// What several pages show alike. JSON members are written in ascending order of key.
namespace rollbook {

// Starts and ends the model of a page.
template <class F> std::string model_json(F&& write)
{
    std::string text;
    json_writer out(text);
    out.begin_object();
    write(out);
    out.end_object();
    return text;
}

// {"form","name","ref","year"}; the name only for a reader who works with pupils.
void write_person(json_writer& out, const page_request& of, entry_index record);

// One alert as lists show it.
void write_alert_row(json_writer& out, const page_request& of, const alert& each);
const rule* find_rule(const page_request& of, std::string_view id);
// The alerts that the reader may see and `wanted` holds for, the most pressing first.
std::vector<alert> alerts_of(const page_request& of, bool (*wanted)(const alert&));
// A child's safety first, then what nobody has acknowledged, then the higher stage of its rule; else as they were.
void sort_by_urgency(const page_request& of, std::vector<alert>& all);
std::vector<csv_column> alert_columns();

// Whether the reader is told who the pupil is, and what they may see of the pupil: of one that was opened to an auditor
// everything.
bool sees_name(const page_request& of, entry_index pupil);
visibility allowed_to(const page_request& of, entry_index pupil);

// What the reader may see. What is derived carries the labels of all its evidence.
bool sees_alert(const page_request& of, const alert& each);
bool sees_record(const page_request& of, what kind, std::string_view source, entry_index pupil = no_entry);
// The finding's version that the entry is, where the reader sees it and it is not erased.
std::optional<finding_outline> seen_finding(const page_request& of, entry_index version);
bool sees_entry(const page_request& of, const opened_entry& each);

// {"absent_percent", ...} of figures.
void write_figures(json_writer& out, const figures& sums);

day_range academic_year(const page_request& of);
civil_day today(const page_request& of);

failure no_such_page();

} // namespace rollbook
