#include "daemon/base/error.hpp"
#include "daemon/base/signed_note.hpp"
#include "daemon/base/utf8.hpp"
#include "daemon/config/addresses.hpp"
#include "daemon/config/load.hpp"
#include "daemon/config/sections.hpp"
#include "daemon/domain/calendar_proposal.hpp"
#include "daemon/ports/record_mapping.hpp"
#include "tests/fuzz/readers.hpp"
#include "tests/support/temporary_folder.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

namespace rollbook::fuzz {
namespace {

namespace fs = std::filesystem;

struct school_file {
    const char* name;
    std::string sound;
};

constexpr std::string_view main_text = R"([school]
name = "St Example's"
urn = "900001"
calendar = "calendar.toml"
[ledger]
path = "ledger.db"
origin = "ledger.example.sch.uk/900001"
signing_key = { file = "ledger.key", expires = 2027-03-01 }
[[source]]
name = "mis"
role = "mis"
connector = "wonde"
poll_every = "10m"
[source.settings]
base_url = "https://api.example.net/v1.0"
token = { env = "TOKEN" }
reread = [ { school_days = 2, every = "10m" }, { from = "year", every = "7d" } ]
vanish_limit = { percent = 5, at_least = 10 }
history_from = 2026-09-01
[[source]]
name = "cpoms"
role = "safeguarding"
connector = "report"
[source.settings]
folder = "/srv/exports"
mapping = "report.toml"
[[source]]
name = "tap"
role = "safeguarding"
connector = "singer"
[source.settings]
mapping = "tap.toml"
command = ["tap", "--all"]
password = { credential = "tap" }
[rules]
packs = ["county"]
watch_list = "watchlist.csv"
alert_budget = 20
[[rule]]
id = "repeated-lateness"
clear_below = 2
[[rule]]
id = "own"
measure = "late_sessions"
window = "3 school weeks"
stages = [ { name = "one", at_least = 3, window = "half-term" } ]
cohort = { years = ["7"], groups = ["9A"], flags = ["looked_after"], watch_list = true }
hold = "2h"
remind_after = "1d"
escalate_after = "6h"
escalate_to = "lead"
[[route]]
name = "lead"
channel = "email"
rules = ["*"]
stages = ["one"]
digest = 07:30:00
[route.settings]
smtp_url = "smtps://mail.example.net"
from = "rollbook@example.net"
to = ["lead@example.net"]
user = "u"
oauth = { tenant = "t", client_id = "c", client_secret = { file = "s" } }
bounces = { imap_url = "imaps://mail.example.net" }
[[route]]
name = "hook"
channel = "webhook"
rules = ["own"]
cohort = { years = ["7"] }
fields = ["stage"]
disclose = "initials"
[route.settings]
url = "http://127.0.0.1:8000/hook"
secret = { file = "webhook.secret" }
[casework]
lead = "lead"
dsl = "lead"
letters = "letters"
school_hours = { from = 08:00:00, to = 16:00:00 }
[web]
listen = "127.0.0.1:8480"
public_url = "https://rollbook.example.net"
identity_header = "Remote-User"
identity_from = ["10.1.0.0/16", "fd00::/48"]
[backup]
target = "/mnt/backup"
recipients = ["rollbook-recipient:a", "rollbook-recipient:b"]
every = "1d"
[witness]
vkeys = ["auditor.example/witness-1+607331dd+BPL7kdxuY10iktOqIOP5CBMUX3G6ljjol0tGG8xv/fIC"]
max_age = "8d"
mail = { to = ["archive@example.net"] }
[findings]
off = ["mark-missing"]
missing = ["missing"]
both = [ { mis = "Fight", safeguarding = "Violence" } ]
[retention]
attendance = { at_least_years = 6, at_most_years = 7 }
[operator]
route = "lead"
weekly = true
[log]
format = "json"
)";

constexpr std::string_view calendar_file = R"([[term]]
name = "Autumn 2026"
half_terms = [ { first_day = 2026-09-03, last_day = 2026-10-23 }, { first_day = 2026-11-02, last_day = 2026-12-18 } ]
[[closed]]
day = 2026-11-27
last_day = 2026-11-30
kind = "inset"
[[session]]
name = "AM"
register_opens = 08:45:00
register_closes = 09:15:00
from = 2026-09-01
years = ["7", "Year 8"]
weekdays = ["monday"]
settle = "10m"
)";

constexpr std::string_view report_text = R"(record = "concern"
files = "*.csv"
format = { kind = "csv", delimiter = ";", encoding = "windows-1252", heading_row = 2 }
settle = "60s"
after_import = "leave"
accept_clear_text = "the lead, until March"
expect_every = "7d"
key = ["incident_ref"]
[columns]
incident_ref = "Ref"
incident_at = { from = "When", formats = ["%d/%m/%Y %H:%M"] }
pupil_upn = "UPN"
pupil_mis_id = { from = "No", digits = 4, optional = true }
category = { from = "Category", split = ";" }
[[rename]]
field = "category"
from = "Behaviour"
to = "Behaviour and relationships"
since = 2026-09-01
)";

constexpr std::string_view tap_text = R"([[stream]]
name = "marks"
record = "session-mark"
[stream.columns]
day = "date"
session = "half"
raw = "mark"
pupil_id = "pupil"
[stream.codes]
"#" = "Y"
)";

constexpr std::string_view pack_text = R"([pack]
name = "county"
title = "A county's rules"
dated = 2026-11-27
[[rule]]
id = "repeated-lateness"
title = "Repeated lateness"
measure = "late_sessions"
window = "10 school days"
stages = [ { name = "tutor", at_least = 3 }, { name = "letter", at_least = 5 } ]
clear_below = 3
source = "customary"
)";

constexpr std::string_view watched =
    "pupil,reason,tell,review\nH123456789012,plan,Ms Fry,2026-12-18\nmis:77,,,\nP-4,a,,\n";

// The school's folder, and what is sound in it. It goes with the program.
struct school {
    support::temporary_folder kept;
    fs::path folder = kept.path;
    std::array<school_file, 6> files{
        {{"rollbook.toml", std::string(main_text)},
         {"calendar.toml", std::string(calendar_file)},
         {"report.toml", std::string(report_text)},
         {"tap.toml", std::string(tap_text)},
         {"watchlist.csv", std::string(watched)},
         {"packs/county.toml", std::string(pack_text)}}};

    school()
    {
        fs::create_directory(folder / "packs");
        for (const school_file& each : files)
            write(each, each.sound);
        // Beside the pack, so that a rule of it is overridden.
        write(
            {"rules.toml", ""}, "[rules]\npacks = [\"county\"]\n[[rule]]\nid = \"repeated-lateness\"\nclear_below = 2\n"
        );
    }

    void write(const school_file& file, std::string_view text) const
    {
        std::ofstream(folder / file.name, std::ios::binary | std::ios::trunc) << text;
    }
};

std::vector<std::string> said_in(const findings_of_load& found)
{
    std::vector<std::string> lines = configuration_errors{found.problems}.lines();
    lines.insert(lines.end(), found.warnings.begin(), found.warnings.end());
    return lines;
}

// One line that a terminal, a log and a page can show.
void check_line(std::string_view line)
{
    ROLLBOOK_ENSURE(is_valid_utf8(line));
    for (const char c : line)
        ROLLBOOK_ENSURE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
}

// The values that stand under the name of a secret, longer than a word that the program could say of its own.
void find_secrets(const toml_value& value, bool is_secret, std::vector<std::string>& found)
{
    if (const auto* table = std::get_if<toml_value::table>(&value.value)) {
        for (const auto& [key, each] : *table)
            find_secrets(each, is_secret_name(key), found);
    } else if (const auto* list = std::get_if<toml_value::list>(&value.value)) {
        for (const toml_value& each : *list)
            find_secrets(each, is_secret, found);
    } else if (const auto* text = std::get_if<std::string>(&value.value); text && is_secret && text->size() >= 8) {
        found.push_back(*text);
    }
}

// What is written out under the name of a secret, and nowhere else in the file, is repeated nowhere.
void check_nothing_told(const fs::path& file, std::string_view bytes, const std::vector<std::string>& lines)
{
    findings_of_load ignored;
    problem_list problems(file, ignored);
    const auto document = read_toml_file(problems);
    std::vector<std::string> secrets;
    if (document) find_secrets(*document, false, secrets);
    for (const std::string& secret : secrets) {
        const std::size_t at = bytes.find(secret);
        if (at == bytes.npos || bytes.find(secret, at + 1) != bytes.npos) continue;
        for (const std::string& line : lines)
            ROLLBOOK_ENSURE(line.find(secret) == line.npos);
    }
}

void check_settings(const setting_table& settings)
{
    for (const auto& [key, each] : settings) {
        if (is_secret_name(key)) ROLLBOOK_ENSURE(!std::holds_alternative<std::string>(each.value));
        const auto* text = std::get_if<std::string>(&each.value);
        if (text && (key == "url" || key.ends_with("_url"))) {
            const auto at = parse_url(*text);
            ROLLBOOK_ENSURE(at && !at->has_user && (at->scheme != "http" || at->is_loopback()));
        }
        if (const auto* below = std::get_if<setting_table>(&each.value)) check_settings(*below);
    }
}

// It is a setting in the ledger, and read back from there.
void check_calendar(const school_calendar& calendar)
{
    const auto again = school_calendar::from_json(calendar.to_json());
    ROLLBOOK_ENSURE(again && again->to_json() == calendar.to_json());
}

void check_rules(const configuration& config)
{
    (void)config.rules_json();
    for (const rule& each : config.rules) {
        ROLLBOOK_ENSURE(is_name(each.id) && !each.stages.empty() && find_measure(each.measure));
        ROLLBOOK_ENSURE(each.clear_below <= each.stages.front().at_least);
        ROLLBOOK_ENSURE(parse_rule_window(text_of(each.window)) == each.window);
    }
}

// What everything behind the configuration relies on.
void check_loaded(const configuration& config)
{
    // Whatever else is wrong with a name, the ledger can be signed under it.
    ROLLBOOK_ENSURE(is_valid_key_name(config.ledger.origin) && config.ledger.path.is_absolute());
    check_calendar(config.calendar);
    check_rules(config);
    for (const source_configuration& each : config.sources) {
        ROLLBOOK_ENSURE(is_name(each.name) && each.poll_every.count() > 0);
        check_settings(each.settings);
        const bool mapped = each.connector == "report" || each.connector == "singer";
        ROLLBOOK_ENSURE(mapped == (each.mapping != nullptr));
    }
    for (const route_configuration& each : config.routes) {
        ROLLBOOK_ENSURE(is_name(each.name));
        check_settings(each.settings);
    }
    ROLLBOOK_ENSURE(config.web.identity_header.empty() == config.web.identity_from.empty());
    if (!config.web.listen.empty()) ROLLBOOK_ENSURE(parse_listen(config.web.listen).has_value());
    if (config.witness)
        for (const std::string& key : config.witness->vkeys)
            ROLLBOOK_ENSURE(parse_vkey(key).value().kind == key_kind::witness);
}

} // namespace

void read_configuration(std::string_view bytes)
{
    static const school at;
    if (bytes.empty()) return;
    const std::size_t choice = static_cast<unsigned char>(bytes[0]) % at.files.size();
    const fs::path file = at.folder / at.files[choice].name;
    bytes.remove_prefix(1);
    at.write(at.files[choice], bytes);
    findings_of_load found;
    switch (choice) {
    case 0: {
        const loaded_configuration loaded = load_configuration(file, at.folder / "packs");
        if (loaded)
            check_loaded(*loaded);
        else
            found.problems = loaded.error().problems;
        if (loaded) found.warnings = loaded->warnings;
        ROLLBOOK_ENSURE(loaded || !found.problems.empty());
        check_nothing_told(file, bytes, said_in(found));
        break;
    }
    case 1: {
        const school_calendar calendar = read_calendar(file, found);
        if (found.problems.empty()) check_calendar(calendar);
        break;
    }
    case 2:
    case 3: {
        const auto mapping = read_mapping_file(file, choice == 3, found);
        ROLLBOOK_ENSURE((mapping == nullptr) == !found.problems.empty());
        break;
    }
    case 4: {
        for (const watched_pupil& each : read_watch_list(file, found))
            for (const std::string& text : {each.pupil, each.reason, each.tell})
                ROLLBOOK_ENSURE(is_valid_utf8(text)); // it becomes payload
        break;
    }
    default: {
        const loaded_configuration loaded = load_rules(at.folder / "rules.toml", at.folder / "packs");
        if (loaded)
            check_rules(*loaded);
        else
            found.problems = loaded.error().problems;
        if (loaded) found.warnings = loaded->warnings;
    }
    }
    at.write(at.files[choice], at.files[choice].sound);
    for (const std::string& line : said_in(found))
        check_line(line);
    const std::int64_t rows = 1 + std::ranges::count(bytes, '\n');
    for (const configuration_problem& each : found.problems) {
        ROLLBOOK_ENSURE(!each.what.empty() && !each.expected.empty());
        if (each.file == file) ROLLBOOK_ENSURE(each.line >= 0 && each.line <= rows);
    }
}

void read_ical(std::string_view bytes)
{
    using std::chrono::days;
    const published_calendar published = read_published_calendar(bytes);
    for (const calendar_event& each : published.events)
        ROLLBOOK_ENSURE(each.days.first <= each.days.last);
    // Marks of one autumn, and every twentieth day none.
    static const std::map<civil_day, std::int64_t> marks = [] {
        std::map<civil_day, std::int64_t> out;
        const civil_day first = *parse_day("2026-09-03");
        for (int i = 0; i < 60; ++i)
            if (std::chrono::weekday(first + days(i)).iso_encoding() <= 5)
                out[first + days(i)] = i % 20 == 19 ? 1 : 100;
        return out;
    }();
    const std::string text = calendar_text(propose_calendar(marks, published.events));

    // The draft is a calendar: a person is to judge what it says, not how it is written.
    static const fs::path file = fs::temp_directory_path() / ("rollbook-fuzz-" + std::to_string(::getpid()) + ".toml");
    std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
    findings_of_load found;
    const school_calendar calendar = read_calendar(file, found);
    fs::remove(file);
    ROLLBOOK_ENSURE(found.problems.empty());
    ROLLBOOK_ENSURE(calendar.is_school_day(marks.begin()->first));
}

std::vector<std::string> configuration_seeds()
{
    std::vector<std::string> out;
    const std::array<std::string_view, 6> texts = {main_text, calendar_file, report_text, tap_text, watched, pack_text};
    for (std::size_t i = 0; i < texts.size(); ++i)
        out.push_back(static_cast<char>(i) + std::string(texts[i]));
    // Small ones are tried much oftener than large ones.
    const std::string head(main_text.substr(0, main_text.find("[[source]]")));
    for (const std::string_view begin : {"[[source]]", "[[route]]", "[casework]", "[backup]", "[findings]"}) {
        const std::size_t at = main_text.find(begin);
        out.push_back('\0' + head + std::string(main_text.substr(at, 400)));
    }
    out.push_back('\0' + head);
    out.push_back('\3' + std::string(tap_text) + "\"a\\nb\" = 1\n");
    return out;
}

std::vector<std::string> ical_seeds()
{
    const std::string begin = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", end = "END:VEVENT\r\nEND:VCALENDAR\r\n";
    return {
        begin + "DTSTART;VALUE=DATE:20261219\r\nDTEND;VALUE=DATE:20270104\r\nSUMMARY:Christmas holi\r\n day\r\n" + end,
        begin + "DTSTART:20261127T090000Z\r\nDTEND:20261127T160000Z\r\nSUMMARY:INSET\r\n" + end,
        begin + "DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:Bank holiday\r\n" + end,
        begin +
            "DTSTART:20261026\nDTEND:20261031\nSUMMARY:Half term\nEND:VEVENT\nBEGIN:VEVENT\nDTSTART:20270401\n"
            "SUMMARY:School closed\n" +
            end};
}

} // namespace rollbook::fuzz
