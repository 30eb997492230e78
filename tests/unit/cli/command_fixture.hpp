#pragma once

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/cli/context.hpp"
#include "daemon/domain/upn.hpp"
#include "daemon/reconcile/payload.hpp"
#include "daemon/rules/alert.hpp"
#include "daemon/views/workplace.hpp"
#include "tests/support/school.hpp"
#include "tests/unit/cli/written_ledger.hpp"

#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace rollbook {

inline instant at(const char* text)
{
    return parse_instant(text).value();
}

inline civil_day on(const char* text)
{
    return parse_day(text).value();
}

// The entries of a small school: what was read at first, at 08:55 on 23 November 2026, and what the next read, at
// 12:00, changed. Members name the entries that tests speak of.
struct small_school {
    const instant first_read = at("2026-11-23T08:55:00Z");
    const instant second_read = at("2026-11-23T12:00:00Z");
    const std::string upn_text = std::string(1, upn::check_letter("801200001001")) + "801200001001";

    std::shared_ptr<written_ledger> ledger = std::make_shared<written_ledger>();
    entry_index ana = 0, ben = 0, ana_in_cpoms = 0, stranger = 0, link = 0;
    entry_index late_mark = 0, no_reason = 0, recoded = 0;
    entry_index unmapped = 0, unknown_pupil = 0, closed_finding = 0;
    entry_index open_alert = 0, ended_alert = 0, erased = 0;

    small_school()
    {
        write_first_read();
        write_second_read();
        write_findings();
        write_alerts();
        erased = ledger->append(entry_kind::record, second_read, "");
        write_working_state();
    }

    entry_index pupil(const char* source, const char* id, const std::string& fields)
    {
        thing_version row;
        row.kind = what::pupil;
        row.source = source;
        row.key = id;
        return ledger->append(
            first_read, record_entry(reported_record(what::pupil, id, id, fields), row, {{}, first_read, true})
        );
    }

    entry_index record(what kind, const char* source, const char* id, entry_index about, const std::string& fields)
    {
        thing_version row;
        row.kind = kind;
        row.source = source;
        row.key = id;
        row.pupil = about;
        return ledger->append(
            second_read, record_entry(reported_record(kind, id, "", fields), row, {first_read, second_read, false})
        );
    }

    entry_index mark(
        const char* day,
        half_day half,
        const char* raw,
        const char* statutory,
        int minutes,
        const learned& when,
        entry_index replaces = no_entry,
        const char* source = "mis"
    )
    {
        reported_mark reported;
        reported.source_id = "m";
        mark_version row;
        row.session = {on(day), half};
        row.pupil = ana;
        row.source = source;
        row.raw = raw;
        row.statutory = statutory;
        row.minutes = static_cast<std::int16_t>(minutes);
        row.replaces = replaces;
        return ledger->append(when.by, mark_entry(reported, row, when));
    }

    void write_first_read()
    {
        const learned first{{}, first_read, true};
        ledger->append(first_read, setting_entry("rules", "[]", nullptr));
        ana = pupil("mis", "A1", R"({"forename":"Ana","surname":"Ahmed","upn":")" + upn_text + "\"}");
        ben = pupil("mis", "B2", R"({"forename":"Ben","surname":"Brown"})");
        ana_in_cpoms = pupil("cpoms", "c:1", R"({"forename":"Ana","surname":"Ahmed"})");
        stranger = pupil("cpoms", "c9", R"({"forename":"Zoe","surname":"Zenith"})");
        link = ledger->append(
            entry_kind::record,
            first_read,
            R"({"by":"upn","key":"cpoms/)" + std::to_string(ana_in_cpoms) + R"(","other":)" +
                std::to_string(ana_in_cpoms) + R"(,"pupil":)" + std::to_string(ana) +
                R"(,"state":"linked","what":"link"})"
        );
        mark("2026-07-10", half_day::am, "/", "/", -1, first);
        mark("2026-11-20", half_day::am, "/", "/", -1, first);
        late_mark = mark("2026-11-20", half_day::pm, "L", "L", 12, first);
        no_reason = mark("2026-11-23", half_day::am, "N", "N", -1, first);
        ledger->append(first_read, statement_entry("mis", first_read, ledger->rows, true, {}, ledger->size()));
        ledger->first_closed = ledger_reader::beginning{first_read, ledger->size()};
    }

    void write_second_read()
    {
        const learned then{first_read, second_read, false};
        recoded = mark("2026-11-23", half_day::am, "U", "U", 40, then, no_reason);
        mark("2026-11-23", half_day::pm, "-", "", -1, then);
        mark("2026-11-19", half_day::am, "Q9", "", -1, then);
        record(what::incident, "mis", "i1", no_entry, R"({"day":"2026-11-18","type":"Disruption"})");
        record(what::involvement, "mis", "i1/A1", ana, R"({"of":"incident","record":"i1","role":"aggressor"})");
        record(what::incident, "mis", "i2", no_entry, R"({"day":"2026-11-18","type":"Other"})");
        record(what::involvement, "mis", "i2/B2", ben, R"({"of":"incident","record":"i2"})");
        record(
            what::concern,
            "cpoms",
            "k1",
            no_entry,
            R"({"categories":["Attendance","Home"],"incident_at":"2026-11-19T12:35:00"})"
        );
        record(what::involvement, "cpoms", "k1/c:1", ana_in_cpoms, R"({"of":"concern","record":"k1"})");
    }

    void write_findings()
    {
        const std::string ref = std::to_string(ana);
        unmapped = ledger->append(
            entry_kind::record,
            second_read,
            R"({"evidence":[13],"explanation":"The code Q9 is in no list.","key":"u","kind":"mark-unmapped","opened_at":)"
            R"("2026-11-23T12:00:00.000Z","pupil":)" +
                ref + R"(,"sources":["mis"],"state":"open","subject":{"id":"A1","source":"mis"},"what":"finding"})"
        );
        unknown_pupil = ledger->append(
            entry_kind::record,
            second_read,
            R"({"evidence":[4],"explanation":"One pupil is not in the MIS.","key":"s","kind":"pupil-only-in-safeguarding",)"
            R"("opened_at":"2026-11-23T12:00:00.000Z","sources":["cpoms"],"state":"open","subject":{"id":"c9","source":)"
            R"("cpoms"},"what":"finding"})"
        );
        const std::string start =
            R"("evidence":[9],"explanation":"N.","key":"r","kind":"reason-overdue","opened_at":"2026-11-23T12:00:00.000Z",)"
            R"("pupil":)" +
            ref;
        const std::string end = R"("sources":["mis"],)";
        closed_finding = ledger->append(
            entry_kind::record,
            second_read,
            "{" + start + "," + end + R"("state":"open","subject":{"id":"A1","source":"mis"},"what":"finding"})"
        );
        const std::string first = std::to_string(closed_finding);
        thing_version row;
        row.kind = what::finding;
        row.subject = closed_finding;
        row.replaces = closed_finding;
        row.pupil = ana;
        row.gone = true;
        std::string payload = R"({"closed_at":"2026-11-23T12:00:00.000Z","finding":)" + first + "," + start +
                              R"(,"replaces":)" + first + "," + end +
                              R"("state":"closed","subject":{"id":"A1","source":"mis"},"what":"finding"})";
        ledger->append(second_read, draft(entry_kind::record, std::move(payload), std::move(row)));
    }

    void write_alerts()
    {
        alert one;
        one.pupil = ana;
        one.rule = "repeated-lateness";
        one.rule_version = "0011223344556677";
        one.stage = "tutor";
        one.state = alert_state::open;
        one.value = 2;
        one.threshold = 2;
        one.window = {on("2026-11-09"), on("2026-11-23")};
        one.opened_for = {on("2026-11-23"), local_instant(second_read.time_since_epoch())};
        one.opened_at = second_read;
        one.changed_at = second_read;
        one.evidence = {late_mark, recoded};
        one.reason = "Late twice in 10 school days.";
        open_alert = ledger->append(entry_kind::record, second_read, alert_payload(one, ledger->size()));

        one.pupil = ben;
        one.evidence = {};
        ended_alert = ledger->append(entry_kind::record, second_read, alert_payload(one, ledger->size()));
        one.id = ended_alert;
        one.latest = ended_alert;
        one.state = alert_state::resolved;
        one.value = 1;
        ledger->append(entry_kind::record, second_read, alert_payload(one, ledger->size()));
    }

    void write_working_state()
    {
        statement_row row;
        row.at = first_read;
        row.source = "mis";
        row.record = what::session_mark;
        row.read = 4;
        row.fresh = 4;
        row.held = 4;
        row.source_total = 4;
        ledger->rows.push_back(row);
        row.at = second_read;
        row.fresh = 2;
        row.changed = 1;
        row.unchanged = 1;
        row.source_total.reset();
        ledger->rows.push_back(row);

        source_state mis;
        mis.source = "mis";
        mis.last_attempt = second_read;
        mis.last_success = second_read;
        mis.data_as_of = second_read - std::chrono::minutes(10);
        mis.newest_day = on("2026-11-23");
        source_state cpoms;
        cpoms.source = "cpoms";
        cpoms.last_attempt = second_read;
        cpoms.error = "source cpoms: GET /students answered 503";
        cpoms.error_to_do = "Wait, or ask the supplier.";
        ledger->states = {mis, cpoms};
        ledger->checkpoint = stored_checkpoint{20, second_read, "ledger.example.sch.uk/900001\n20\n"};
        ledger->messages = {3, 1};
    }
};

// A ledger that nobody outside has seen anything of.
class no_proofs : public ledger_proofs {
public:
    std::optional<kept_checkpoint> newest() const override { return std::nullopt; }
    std::optional<kept_checkpoint> newest_cosigned(std::uint64_t) const override { return std::nullopt; }
    std::optional<kept_checkpoint> checkpoint(std::uint64_t) const override { return std::nullopt; }
    void each_checkpoint(const std::function<bool(const kept_checkpoint&)>&) const override {}
    std::optional<kept> last_kept(keep_reason) const override { return std::nullopt; }
    std::optional<witnessed> last_of(const verifier_key&) const override { return std::nullopt; }
    result<key_chain> chain(const verifier_key& pinned) const override { return key_chain(pinned); }
    hash root(std::uint64_t) const override { return hash{}; }
    result<std::vector<hash>> consistency(std::uint64_t, std::uint64_t) const override { return std::vector<hash>(); }
    std::optional<instant> last_recorded() const override { return std::nullopt; }
    std::optional<instant> began() const override { return std::nullopt; }
};

// The ledger a command is handed: it may not own the test's.
class lent_reader : public ledger_reader {
public:
    explicit lent_reader(std::shared_ptr<written_ledger> ledger) : l(std::move(ledger)) {}
    entry_index size() const override { return l->size(); }
    entry_index size_at(instant t) const override { return l->size_at(t); }
    std::optional<beginning> began() const override { return l->began(); }
    bool is_simulated() const override { return l->is_simulated(); }
    std::string origin() const override { return l->origin(); }
    void entries(entry_index a, entry_index b, const std::function<bool(const entry_view&)>& use) const override
    {
        l->entries(a, b, use);
    }
    void things(what kind, entry_index n, const std::function<bool(const thing_view&)>& use) const override
    {
        l->things(kind, n, use);
    }
    void history(entry_index s, entry_index n, const std::function<bool(const thing_view&)>& use) const override
    {
        l->history(s, n, use);
    }
    void marks(entry_index p, entry_index n, bool with_payload, const std::function<bool(const mark_view&)>& use)
        const override
    {
        l->marks(p, n, with_payload, use);
    }
    void
    mark_changes(entry_index from, entry_index to, const std::function<bool(const mark_change&)>& use) const override
    {
        l->mark_changes(from, to, use);
    }
    void statements(
        std::optional<instant> from,
        std::optional<instant> to,
        entry_index n,
        const std::function<bool(const statement_row&)>& use
    ) const override
    {
        l->statements(from, to, n, use);
    }
    std::vector<source_state> sources() const override { return l->sources(); }
    std::vector<alert_value> alert_values(entry_index n) const override { return l->alert_values(n); }
    std::vector<stream_state> streams(const std::string& source) const override { return l->streams(source); }
    outbox_counts outbox() const override { return l->outbox(); }
    std::int64_t quarantined() const override { return l->quarantined(); }
    void quarantine(const std::function<bool(const quarantined_view&)>& use) const override { l->quarantine(use); }
    std::optional<stored_checkpoint> newest_checkpoint() const override { return l->newest_checkpoint(); }
    result<std::string> prove(entry_index i) const override { return l->prove(i); }
    verify_report verify(const verify_options& options) const override { return l->verify(options); }

private:
    std::shared_ptr<written_ledger> l;
};

// The command line over the small school. Every part can be replaced before run().
struct command_fixture : small_school {
    configuration config;
    cli_context context;
    std::vector<std::string> accesses; // what was recorded, in order
    std::vector<decision_request> decisions;
    std::filesystem::path asked_for; // the configuration file that was loaded
    std::string out;
    std::string err;

    command_fixture()
    {
        config.file = "/etc/rollbook/rollbook.toml";
        config.school.name = "St Example's";
        source_configuration mis;
        mis.name = "mis";
        source_configuration cpoms;
        cpoms.name = "cpoms";
        cpoms.role = source_role::safeguarding;
        config.sources = {mis, cpoms};
        rule lateness;
        lateness.id = "repeated-lateness";
        lateness.title = "Repeated lateness";
        lateness.measure = "late_sessions";
        lateness.window = {rule_window::unit::school_days, 10};
        lateness.stages = {{"tutor", 2, {}}, {"panel", 10, rule_window{rule_window::unit::half_term, 0}}};
        lateness.source = "school policy 2026";
        lateness.pack = "england";
        config.rules = {lateness};

        context.load_configuration = [this](const std::filesystem::path& file) {
            asked_for = file;
            return cli_context::loaded_configuration{config, {}};
        };
        context.open_reader = [this](const configuration&) -> result<std::unique_ptr<ledger_reader>> {
            return std::unique_ptr<ledger_reader>(std::make_unique<lent_reader>(ledger));
        };
        context.open_proofs = [](const configuration&) -> result<std::unique_ptr<ledger_proofs>> {
            return std::unique_ptr<ledger_proofs>(std::make_unique<no_proofs>());
        };
        context.now = [this](const configuration&) { return second_read + std::chrono::minutes(30); };
        context.record_access = [this](const configuration&, const access_record& seen) -> result<void> {
            accesses.push_back("P-" + std::to_string(seen.pupil) + " " + seen.view + ": " + seen.reason);
            return {};
        };
        context.decide = [this](const configuration&, const decision_request& asked) -> result<upkeep_report> {
            decisions.push_back(asked);
            upkeep_report report;
            report.lines = {"Done."};
            report.json = R"({"done":"it"})";
            return report;
        };
        context.pinned_vkey = [](const configuration&) -> result<std::string> {
            return format_vkey(make_verifier_key("ledger.example.sch.uk/900001", key_kind::log, hash{}));
        };
    }

    // Words are separated by blanks.
    int run(const std::string& words)
    {
        std::istringstream split(words);
        std::vector<std::string> arguments{"rollbook"};
        for (std::string word; split >> word;)
            arguments.push_back(word);
        std::vector<const char*> pointers;
        for (const std::string& each : arguments)
            pointers.push_back(each.c_str());
        std::ostringstream to_out;
        std::ostringstream to_err;
        const int code = run_cli(static_cast<int>(pointers.size()), pointers.data(), context, to_out, to_err);
        out = to_out.str();
        err = to_err.str();
        return code;
    }

    json_document json() const { return json_document::parse(out).value(); }
};

// "a,b,c": the names of an object's members, in their order.
inline std::string keys_of(json_view object)
{
    std::string keys;
    object.for_each([&](std::string_view key, json_view) { keys.append(keys.empty() ? "" : ",").append(key); });
    return keys;
}

inline std::string text_of(json_view value)
{
    std::string text;
    json_writer out(text);
    value.write_canonical(out);
    return text;
}

} // namespace rollbook
