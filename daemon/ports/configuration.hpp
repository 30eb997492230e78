#pragma once

#include "daemon/base/address_range.hpp"
#include "daemon/base/error.hpp"
#include "daemon/domain/calendar.hpp"
#include "daemon/domain/finding_settings.hpp"
#include "daemon/domain/retention.hpp"
#include "daemon/domain/rule.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rollbook {

// A secret by reference. It is read when needed and never printed, logged or stored.
struct secret_reference {
    enum class from { file, environment, credential } kind = from::file;
    std::string name;                 // path (relative to the configuration file), variable, or systemd credential
    std::optional<civil_day> expires; // the day it stops working, where the school knows it
};

// A value in [source.settings] or [route.settings]: what the manifest or channel declares.
struct setting;
using setting_list = std::vector<setting>;
using setting_table = std::map<std::string, setting>;
struct setting {
    std::variant<bool, std::int64_t, double, std::string, secret_reference, setting_list, setting_table> value;
    int line = 0;
};

// Re-reading of a window: rows of the last `school_days` (or of the whole academic year), every so often.
struct reread_tier {
    std::optional<int> school_days; // empty: from the start of the academic year
    std::chrono::milliseconds every{};
};

struct vanish_limit {
    int percent = 10;
    int at_least = 25; // both must be passed
};

enum class source_role { mis, safeguarding };

struct mapping_file; // record_mapping.hpp

struct source_configuration {
    std::string name;
    source_role role = source_role::mis;
    std::string connector; // a manifest's name or path, "report" or "singer"
    std::chrono::milliseconds poll_every{std::chrono::minutes(10)};
    std::vector<reread_tier> reread; // empty: everything, each time
    std::optional<civil_day> history_from;
    rollbook::vanish_limit vanish_limit;
    std::chrono::milliseconds stale_after{std::chrono::hours(26)};
    setting_table settings;                      // what is left for the connector
    std::shared_ptr<const mapping_file> mapping; // of a report folder or a tap; null for all others
    int line = 0;
};

enum class disclosure { reference, initials, name };

struct route_configuration {
    std::string name;
    std::string channel;            // email | teams | webhook | file | note
    std::vector<std::string> rules; // "*" or rule ids
    rule_cohort cohort; // told only of these pupils, by year and group; names nobody: of all, and of sources
    std::vector<std::string> stages; // told only when an alert reaches or passes one of these; empty: every stage
    disclosure disclose = disclosure::reference;
    reminding reminders;                        // where the rule has none of its own
    std::optional<std::chrono::minutes> digest; // a time of day: what is no safety message goes then, as one
    bool only_in_school_hours = false;          // what is no safety message waits until school hours begin
    bool decisions = false;                     // a note route: what people decide about an alert is written back too
    std::vector<std::string> fields;            // what else of an alert may be said; empty: all
    setting_table settings;
    int line = 0;

    bool wants(std::string_view rule) const;
    // Whether an alert of `of` that rose from the stage at `before` (-1: it opened) to that at `reached` is told here.
    // A stage that was passed over counts: what it would have called for has become no less urgent.
    bool wants_rise(const rule& of, int before, int reached) const;
    bool is_for_all() const { return cohort == rule_cohort(); }
    // Whether an alert of `of` that stands at `stage` was told here, in whatever steps it came there.
    bool wants_alert(const rule& of, std::string_view stage) const;
    bool may_say(std::string_view field) const; // of `fields`
};

// "10 school days", "1 school week", "half-term", "term", "academic-year",
// "suspension-term"; nothing else.
std::optional<rule_window> parse_rule_window(std::string_view text);
std::string text_of(const rule_window& window);

// Which text of a rule it is: the first eight bytes, in hexadecimal, of the SHA-256 of its canonical JSON as it stands
// in configuration::rules_json(). Every change to the rule changes it.
std::string rule_version(const rule& of);
std::string rule_version(std::string_view canonical);
// The setting of the ledger that is rules_json().
inline constexpr std::string_view alert_rules_setting = "rules";
// And the one that is school_calendar::to_json().
inline constexpr std::string_view calendar_setting = "calendar";
// And the one that says on which day more alerts opened than the budget allows.
inline constexpr std::string_view alert_budget_setting = "alert-budget";

// A pupil on the safeguarding lead's list: the cohort `watch_list = true` of a rule.
struct watched_pupil {
    std::string pupil;  // P-N, a UPN or SOURCE:ID
    std::string reason; // the safeguarding lead's own class of reason; shown to nobody else, and never in a message
    std::string tell;   // who is to be told
    std::optional<civil_day> review;
};

// The whole configuration, checked.
struct configuration {
    std::filesystem::path file;
    struct {
        std::string name;
        std::string urn;
        std::string timezone = "Europe/London";
        std::string targeting_label = "Targeting support meeting"; // what the school calls that meeting
    } school;
    school_calendar calendar;
    struct {
        std::filesystem::path path; // absolute
        std::string origin;
        secret_reference signing_key;
        std::string vkey; // empty: the file ledger.vkey beside the ledger
    } ledger;
    std::vector<source_configuration> sources;
    std::vector<rule> rules; // packs with the school's overrides applied
    std::vector<watched_pupil> watch_list;
    std::int64_t alert_budget = 0; // alerts a school day beyond which there is a warning; 0: any number
    struct pack {
        std::string name;
        civil_day dated; // last checked against its sources
    };
    std::vector<pack> packs;
    std::vector<route_configuration> routes;
    struct {
        std::string listen;
        std::string public_url;
        std::filesystem::path certificate; // [web.tls]; empty: no TLS
        std::optional<secret_reference> private_key;
        bool links_to_loopback = false; // links in messages would open on this machine only
        std::string identity_header;    // in which a proxy names the account that asks; empty: no proxy is believed
        std::vector<address_range> identity_from; // the proxies that are believed; there with the header, and only then
    } web;
    struct backup_section {
        std::filesystem::path target; // absolute
        std::vector<std::string> recipients;
        std::chrono::milliseconds every{std::chrono::days(1)};
        std::chrono::milliseconds keep{std::chrono::days(30)};
    };
    std::optional<backup_section> backup;
    struct {
        std::string lead; // the route that is told what an owner leaves undone
        std::string dsl; // the route that is told when a marker or the watch list is to be looked at again; empty: none
        std::filesystem::path letters;                           // absolute: a folder of templates; empty: none
        std::chrono::minutes hours_from = std::chrono::hours(8); // school hours of a school day
        std::chrono::minutes hours_to = std::chrono::hours(16);
    } casework;
    // Who signs the ledger's checkpoints besides us, and whom they are mailed to.
    struct witness_section {
        std::vector<std::string> vkeys;      // C2SP keys of type 0x04, each with its witness's name
        std::chrono::milliseconds max_age{}; // without a cosignature for longer, the operator is told; 0: never
        std::vector<std::string> mail_to;    // the newest checkpoint goes there each day; empty: to nobody
        std::string mail_route;              // the email route whose relay takes it
    };
    std::optional<witness_section> witness;
    // Who can read the narratives of concerns, which are sealed to each of them: at least two people and an escrow.
    // Without it no narrative is read.
    struct sealed_text_section {
        std::vector<std::string> recipients; // as `rollbook backup keygen` prints them; the escrow is the last
    };
    std::optional<sealed_text_section> sealed_text;
    retention_clocks retention;
    finding_settings findings;
    // The rule of that id, in force or not; null when there is none.
    const rule* find_rule(std::string_view id) const;
    // The name of the source whose role is the MIS; empty: none.
    std::string mis_name() const;
    // Also of a source that is configured no longer: it may have been one.
    bool is_safeguarding(std::string_view source) const;
    // Who is told of Rollbook itself: of troubles, of another route that takes nothing more.
    struct operator_section {
        std::string route;
        bool weekly = false;      // each Monday, that all is well or what is not
        bool monthly_test = true; // each month, a test message on every route
    };
    std::optional<operator_section> operations;
    bool json_logs = false; // a line of the log is a JSON object
    // Canonical JSON (RFC 8785) of the rules, sorted by id: the value of their settings entry.
    std::string rules_json() const;
    std::vector<std::string> warnings; // one line each; `check` prints them
};

} // namespace rollbook
