#pragma once

#include "daemon/cases/decide.hpp"
#include "daemon/cases/silence.hpp"
#include "daemon/reconcile/payload.hpp"
#include "tests/support/england_rules.hpp"

#include <utility>

namespace rollbook::support {

// A ledger in memory with one pupil of each of two systems and one alert, and what a person decides there.
class desk {
public:
    desk()
    {
        settings.school.timezone = "Europe/London";
        source_configuration mis;
        mis.name = "mis";
        source_configuration other;
        other.name = "cpoms";
        other.role = source_role::safeguarding;
        settings.sources = {mis, other};
        rule safety = reason_overdue();
        safety.id = "missing-child";
        safety.safety = true;
        settings.rules = {repeated_lateness(), penalty_notice(), safety};
        pupil = person("mis", "A1");
        record = person("cpoms", "c1");
        alert_id = open("repeated-lateness", "letter", 5, alert_state::open);
    }

    entry_index person(const std::string& source, const std::string& id)
    {
        thing_version row;
        row.kind = what::pupil;
        row.source = source;
        row.key = id;
        return add(record_entry(
            reported_record(what::pupil, id, id, R"({"forename":"Ana","surname":"Ahmed"})"),
            row,
            learned{{}, now, false}
        ));
    }

    entry_index open(const std::string& rule, const std::string& stage, std::int64_t value, alert_state state)
    {
        alert made;
        made.pupil = pupil;
        made.rule = rule;
        made.rule_version = "1";
        made.stage = stage;
        made.state = state;
        made.value = value;
        made.threshold = value;
        made.window = {today, today};
        made.opened_at = now;
        made.changed_at = now;
        made.opened_for = {today, local_instant(now.time_since_epoch())};
        made.evidence = {pupil};
        made.reason = "So it is.";
        return add(alert_entry(made, size, nullptr));
    }

    decision_request ask(decision_kind kind, entry_index about) const
    {
        decision_request asked;
        asked.kind = kind;
        asked.about = about;
        asked.user = "root";
        asked.by = "A Lead";
        return asked;
    }

    // Decides, and takes the entry. Gives how many entries it made, or the failure.
    result<int> take(const decision_request& asked)
    {
        now += std::chrono::minutes(1);
        auto decided = decide(held, settings, asked, size, today, now);
        if (!decided) return decided.error();
        last = std::move(decided->report);
        if (!decided->entry) return 0;
        // The row that was drafted is the one its payload stands for.
        const auto row = project(decided->entry->payload, size, [](std::string_view) { return 0; });
        const auto& made = std::get<thing_version>(decided->entry->row);
        const auto& read = std::get<thing_version>(row.value());
        same_row = made.key == read.key && made.pupil == read.pupil && made.subject == read.subject &&
                   made.replaces == read.replaces && made.gone == read.gone && made.kind == read.kind;
        add(std::move(*decided->entry));
        return 1;
    }

    alert the_alert(entry_index id) const
    {
        const held_thing* thing = held.things(what::alert).find_subject(id);
        return parse_alert_payload(thing->payload, thing->entry).value();
    }

    entry_index add(draft d)
    {
        held.apply(size, d.row, d.payload);
        return size++;
    }

    held_state held;
    configuration settings;
    civil_day today = parse_day("2026-11-23").value();
    instant now = parse_instant("2026-11-23T09:00:00Z").value();
    entry_index size = 1;
    entry_index pupil = no_entry, record = no_entry, alert_id = no_entry;
    upkeep_report last;
    bool same_row = true;
};

} // namespace rollbook::support
