#pragma once

#include "daemon/domain/code_book.hpp"
#include "daemon/domain/figures.hpp"
#include "daemon/views/alerts.hpp"

#include <optional>
#include <string>
#include <vector>

namespace rollbook {

struct mark_line {
    session_id session{};
    std::string raw;
    std::string code; // the statutory code in force that day; empty: none
    code_class klass = code_class::none;
    bool is_late = false;
    int minutes = -1;
    std::string learned_after;
    std::string learned_by;
    bool backfill = false;
    bool changed = false;
};

struct incident_line {
    std::string source;
    std::string id;
    std::string what;
    std::string date;
    std::string time;
    std::string type;
    std::string category;
    std::string role;
};

// Everything of one person at one size of the ledger.
struct timeline {
    entry_index person = no_entry;
    std::string name; // only where it was asked for, and recorded
    std::vector<mark_line> marks;
    std::vector<incident_line> incidents;
    std::vector<alert> alerts;
    std::vector<case_action> actions;
    std::vector<std::string_view> markers; // "Handle with care", "DSL priority"
    day_range days{};                      // of the figures
    figures sums;
};

// The days that marks and incidents are asked of; without a bound, all.
struct asked_days {
    std::optional<civil_day> from;
    std::optional<civil_day> to; // inclusive
};

// Fills in marks, figures (of `into.days`), incidents, concerns and alerts of `into.person`.
void read_timeline(const workplace& at, const people& everyone, const asked_days& asked, timeline& into);

// The members of `pupil REF --json`.
void write_timeline(json_writer& out, const timeline& of, const people& everyone);

} // namespace rollbook
