#pragma once

#include "daemon/config/table_reader.hpp"

namespace rollbook {

// Each reads one part of the configuration into `into` and notes what is wrong with it.

void read_sources(table_reader& root, configuration& into);
// Needs the sources and the rules.
void read_routes(table_reader& root, configuration& into);
// The packs the file asks for, from `packs`, and the school's own tables over them.
void read_rules(table_reader& root, const std::filesystem::path& packs, configuration& into);
// The same of a file of which only the rules are asked about, or of a pack.
void read_rules_alone(table_reader& root, const std::filesystem::path& packs, configuration& into);
// The safeguarding lead's list, in a CSV file of its own with the headings pupil, reason, tell and review.
std::vector<watched_pupil> read_watch_list(const std::filesystem::path& file, findings_of_load& into);
// [web] and [backup].
void read_web(table_reader& root, configuration& into);
void read_backup(table_reader& root, configuration& into);
// What rules and routes say about reminders, into what an override leaves.
void read_reminding(table_reader& table, reminding& into);
// [casework], and whether the routes that others escalate to are there. Needs the rules and the routes.
void read_casework(table_reader& root, configuration& into);
// [witness]. Needs the routes.
void read_witness(table_reader& root, configuration& into);
// [sealed_text]. Needs the sources, whose mappings may name a narrative.
void read_sealed_text(table_reader& root, configuration& into);

// [findings]: which kinds are looked for, when, and the school's own words.
void read_findings(table_reader& root, configuration& into);

// [operator] and [log]. Needs the routes.
void read_operations(table_reader& root, configuration& into);

// How long entries are kept.
void read_retention(table_reader& root, configuration& into);

// The calendar in its own file.
school_calendar read_calendar(const std::filesystem::path& file, findings_of_load& into);

// The mapping of a report folder, or of a tap's streams, in its own file. Null when something is wrong with it.
std::shared_ptr<const mapping_file>
read_mapping_file(const std::filesystem::path& file, bool of_tap, findings_of_load& into);

// Settings of a source or route as they are, with secrets as references. Refuses a secret that is written out and an
// address that would carry data in clear beyond this machine.
setting_table read_settings(const toml_value& table, const std::string& path, problem_list& problems);

// Checks the address under a key: https, or http on loopback (smtps and smtp for "smtp_url", whose channel insists on
// STARTTLS beyond loopback), and no user name or password in it.
void check_url(std::string_view key, const std::string& url, int line, const std::string& path, problem_list& problems);

} // namespace rollbook
