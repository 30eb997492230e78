#include "daemon/views/reads.hpp"
#include "daemon/cli/alerts.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/sealed_text.hpp"
#include "daemon/service/housekeeping.hpp"
#include "daemon/views/held_back.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

namespace rollbook {
namespace {

std::string total_text(const std::optional<std::int64_t>& total)
{
    return total ? grouped(*total) : "-";
}

class statement_table {
public:
    statement_table(std::ostream& out, const time_zone& zone)
        : zone_(zone), table_(
                           out,
                           {"Read at",
                            "Source",
                            "Record",
                            ">Read",
                            ">New",
                            ">Changed",
                            ">Unchanged",
                            ">Duplicate",
                            ">Quarantined",
                            ">Vanished",
                            ">Tombstoned",
                            ">Leavers",
                            ">Out of scope",
                            ">Restored",
                            ">Outside window",
                            ">Source total",
                            ">Held",
                            "Balanced"}
                       )
    {
    }
    void row(const statement_row& each)
    {
        table_.row(
            {clock_text(each.at, zone_),
             each.source,
             std::string(name_of(each.record)),
             grouped(each.read),
             grouped(each.fresh),
             grouped(each.changed),
             grouped(each.unchanged),
             grouped(each.duplicate),
             grouped(each.quarantined),
             grouped(each.vanished),
             grouped(each.tombstoned),
             grouped(each.leavers),
             grouped(each.out_of_scope),
             grouped(each.restored),
             grouped(each.outside_window),
             total_text(each.source_total),
             grouped(each.held),
             balance_text(each)}
        );
    }
    void end() { table_.end(); }

private:
    const time_zone& zone_;
    text_table table_;
};

// From the first moment of a day at the school to the last one of another.
std::optional<instant> start_of(const std::optional<civil_day>& day, const time_zone& zone)
{
    return day ? std::optional(zone.to_instant(local_instant(*day))) : std::nullopt;
}

std::optional<instant> end_of(const std::optional<civil_day>& day, const time_zone& zone)
{
    if (!day) return std::nullopt;
    return zone.to_instant(local_instant(*day + std::chrono::days(1))) - std::chrono::milliseconds(1);
}

void write_backups(json_writer& out, const backup_standing& backups)
{
    out.key("backup");
    if (!backups.configured) {
        out.null();
        return;
    }
    out.begin_object();
    write_instant(out, "at", backups.made_at);
    write_instant(out, "drilled_at", backups.drilled_at);
    write_text_or_null(out, "error", backups.backup_failed ? backups.backup_failed->what : "");
    write_text_or_null(out, "file", backups.file);
    out.member("overdue", backups.overdue);
    out.end_object();
}

void print_backups(std::ostream& out, const workplace& at, const backup_standing& backups)
{
    if (!backups.configured) {
        out << "Backups: NONE. Add [backup] to the configuration.\n";
        return;
    }
    out << "Backup: ";
    if (backups.made_at)
        out << "last made and verified " << clock_text(*backups.made_at, at.zone) << " ("
            << age_text(at.now - *backups.made_at) << " ago)";
    else
        out << "none yet";
    out << (backups.overdue ? ", OVERDUE" : "") << '\n';
    if (backups.drilled_at)
        out << "  Last restored on trial and verified " << clock_text(*backups.drilled_at, at.zone)
            << (backups.drill_overdue ? ", OVERDUE" : "") << '\n';
}

void write_held_back(json_writer& out, const workplace& at)
{
    out.key("held_back").begin_array();
    for (const waiting_item& each : held_back_items(at)) {
        out.begin_object();
        out.key("date");
        each.session ? out.value(format_day(each.session->day)) : out.null();
        out.key("findings").begin_array();
        for (const std::string_view name : each.findings)
            out.value(name);
        out.end_array();
        write_text_or_null(out, "form", each.form);
        out.member("pupils", each.pupils).member("reason", each.reason);
        write_text_or_null(out, "record", each.record);
        out.key("session");
        each.session ? out.value(name_of(each.session->half)) : out.null();
        out.member("source", each.source).end_object();
    }
    out.end_array();
}

// Untaken registers are counted, so that a training day does not fill the screen.
void print_held_back(std::ostream& out, const workplace& at)
{
    int registers = 0;
    int pupils = 0;
    for (const waiting_item& each : held_back_items(at)) {
        registers += each.session ? 1 : 0;
        pupils += each.pupils;
        if (each.session) continue;
        out << "Held back: what " << plain(each.source) << " says" << (each.record.empty() ? "" : " by its records ")
            << each.record << " (" << each.reason << ").";
        for (const std::string_view& name : each.findings)
            out << (&name == &each.findings.front() ? " Nothing new is said of " : ", ") << name;
        out << (each.findings.empty() ? "\n" : ".\n");
    }
    if (registers > 0)
        out << "Held back: " << registers << " registers not taken, " << pupils
            << " marks that nothing is said of yet. `rollbook status --json` lists them.\n";
}

// What only this machine holds: entries that are not in the newest backup. The sources give their records again; when
// Rollbook learned them is lost, and what a person decided where no copy of it is in the backup's target.
std::uint64_t entries_at_risk(const workplace& at, const backup_standing& backups)
{
    return at.n - std::min(at.n, backups.size);
}

void print_at_risk(std::ostream& out, const workplace& at, const backup_standing& backups)
{
    const std::uint64_t entries = entries_at_risk(at, backups);
    out << "If this machine died now: ";
    if (!backups.made_at)
        out << "everything would be lost, all " << grouped(static_cast<std::int64_t>(entries)) << " entries.\n";
    else if (entries == 0)
        out << "nothing would be lost.\n";
    else
        out << grouped(static_cast<std::int64_t>(entries))
            << " entries since the last backup would be lost. What the sources still have is read again; what people\n"
               "  decided is in the backup's target"
            << (backups.decisions == 0 ? "" : fmt::format(", except the last {}", backups.decisions)) << ".\n";
}

void write_troubles(json_writer& out, const std::vector<trouble>& troubles)
{
    out.key("troubles").begin_array();
    for (const trouble& each : troubles)
        out.begin_object()
            .member("event", describe(each.what).id)
            .member("text", each.text)
            .member("to_do", each.to_do())
            .end_object();
    out.end_array();
}

void print_troubles(std::ostream& out, const std::vector<trouble>& troubles)
{
    for (const trouble& each : troubles)
        out << (describe(each.what).level == event_level::error ? "TROUBLE: " : "Warning: ") << plain(each.text)
            << ".\n  " << each.to_do() << '\n';
}

// What status says beside the ledger itself.
struct surroundings_now {
    witness_standing witnesses;
    backup_standing backups;
    page_standing pages;
    std::vector<trouble> troubles;
};

void write_status(json_writer& out, const workplace& at, const surroundings_now& around)
{
    const auto& [witnesses, backups, pages, troubles] = around;
    const std::optional<stored_checkpoint> newest = at.reader.newest_checkpoint();
    const outbox_counts outbox = at.reader.outbox();
    out.begin_object();
    out.key("alerts").begin_object().member("open", alerts_open(at));
    if (at.config.alert_budget > 0) {
        out.key("over_budget");
        write_over_budget(out, budget_passed_on(at, day_of(at.zone.to_local(at.now))));
    }
    out.end_object();
    out.key("at_risk").begin_object().key("decisions");
    backups.configured ? out.value(backups.decisions) : out.null();
    out.member("entries", entries_at_risk(at, backups));
    write_instant(out, "since", backups.made_at);
    out.end_object();
    write_backups(out, backups);
    write_held_back(out, at);
    out.key("ledger").begin_object();
    write_instant(out, "checkpoint_at", newest ? std::optional(newest->at) : std::nullopt);
    write_instant(out, "cosigned_at", witnesses.signed_at);
    out.key("cosigned_size");
    if (witnesses.signed_at)
        out.value(witnesses.size);
    else
        out.null();
    out.member("size", at.n).member("witness_overdue", witnesses.overdue).end_object();
    out.key("outbox").begin_object().member("failed", outbox.failed).member("waiting", outbox.waiting).end_object();
    out.key("pages").begin_object();
    write_text_or_null(out, "failed", pages.failed);
    write_instant(out, "opened_at", pages.opened_at);
    out.end_object();
    out.member("quarantined", at.reader.quarantined());
    out.member("school", at.config.school.name).key("sealed_text");
    if (at.config.sealed_text) {
        out.begin_object();
        write_instant(out, "last_unseal", last_unseal(at));
        out.key("recipients").begin_array();
        for (const std::string& recipient : at.config.sealed_text->recipients)
            out.value(recipient);
        out.end_array().end_object();
    } else {
        out.null();
    }
    out.member("simulated", at.reader.is_simulated());
    out.key("sources").begin_array();
    for (const auto& [source, state] : states_of(at))
        write_source(out, state, at.now);
    out.end_array();
    write_troubles(out, troubles);
    out.end_object();
}

// What the source's newest statement says, over all kinds of record.
std::string last_statement(const workplace& at, const source_state& state)
{
    if (!state.last_success) return "-";
    statement_row sum;
    int not_read = 0;
    at.reader.statements(*state.last_success, std::nullopt, at.n, [&](const statement_row& row) {
        if (row.source != state.source) return true;
        sum.read += row.read;
        sum.fresh += row.fresh;
        sum.changed += row.changed;
        sum.vanished += row.vanished;
        sum.quarantined += row.quarantined;
        not_read += row.not_read.empty() ? 0 : 1;
        sum.balanced = sum.balanced && (row.balanced || !row.not_read.empty());
        return true;
    });
    return grouped(sum.read) + " read, " + grouped(sum.fresh) + " new, " + grouped(sum.changed) + " changed, " +
           grouped(sum.vanished) + " vanished, " + grouped(sum.quarantined) + " quarantined" +
           (sum.balanced ? "" : ", NOT BALANCED") +
           (not_read == 0 ? "" : fmt::format(", {} {} NOT READ", not_read, not_read == 1 ? "kind" : "kinds"));
}

void print_sources(const command_io& io, const workplace& at)
{
    const auto states = states_of(at);
    text_table table(
        io.out, {"Source", "State", "Last success", "Data as of", ">Age", "Newest day", "Next poll", "Last statement"}
    );
    for (const auto& [source, state] : states)
        table.row(
            {state.source,
             is_ok(state) ? "ok" : (state.error.empty() ? "not read" : "FAILED"),
             clock_text(state.last_success, at.zone),
             clock_text(state.data_as_of, at.zone),
             state.data_as_of ? age_text(at.now - *state.data_as_of) : "-",
             state.newest_day ? format_day(*state.newest_day) : "-",
             state.last_attempt ? clock_text(*state.last_attempt + source->poll_every, at.zone) : "-",
             last_statement(at, state)}
        );
    table.end();
    for (const auto& [source, state] : states) {
        if (state.error.empty()) continue;
        io.out << plain(state.source) << ": " << plain(state.error) << '\n';
        if (!state.error_to_do.empty()) io.out << "  " << plain(state.error_to_do) << '\n';
    }
}

// Nothing where the school has no witness.
void print_witnesses(std::ostream& out, const workplace& at, const witness_standing& witnesses)
{
    if (!at.config.witness || at.config.witness->vkeys.empty()) return;
    if (witnesses.signed_at)
        out << "Witness: signed " << grouped(static_cast<std::int64_t>(witnesses.size)) << " entries on "
            << clock_text(*witnesses.signed_at, at.zone);
    else
        out << "Witness: has signed nothing yet";
    out << (witnesses.overdue ? ". OVERDUE: send it what `rollbook witness request` makes.\n" : ".\n");
}

void print_status(const command_io& io, const workplace& at, const surroundings_now& around)
{
    const auto& [witnesses, backups, pages, troubles] = around;
    const std::optional<stored_checkpoint> newest = at.reader.newest_checkpoint();
    const outbox_counts outbox = at.reader.outbox();
    if (at.reader.is_simulated()) io.out << "SIMULATION: this ledger is not a real school's.\n";
    io.out << plain(at.config.school.name) << ", " << clock_text(at.now, at.zone) << '\n';
    print_sources(io, at);
    io.out << "Ledger: " << grouped(static_cast<std::int64_t>(at.n)) << " entries, last signed "
           << clock_text(newest ? std::optional(newest->at) : std::nullopt, at.zone) << '\n';
    print_held_back(io.out, at);
    print_witnesses(io.out, at, witnesses);
    io.out << "Alerts open: " << alerts_open(at) << ". Messages waiting: " << outbox.waiting
           << ", failed: " << outbox.failed << ". Rows in quarantine: " << at.reader.quarantined() << ".\n";
    if (const auto passed = budget_passed_on(at, day_of(at.zone.to_local(at.now))))
        io.out << "Warning: " << passed->opened << " alerts opened today, more than the budget of " << passed->budget
               << ".\n  " << plain(passed->advice) << '\n';
    if (!at.config.web.public_url.empty())
        io.out << "Pages: "
               << (pages.opened_at
                       ? "another machine opened them first on " + clock_text(*pages.opened_at, at.zone)
                       : "no other machine has opened them yet: open " + plain(at.config.web.public_url) + " on one")
               << ".\n";
    print_backups(io.out, at, backups);
    print_at_risk(io.out, at, backups);
    print_troubles(io.out, troubles);
    if (!at.config.operations)
        io.out << "Nobody is told of such things: name a route under [operator] in the configuration.\n";
    if (!at.config.sealed_text) return;
    const auto unsealed = last_unseal(at);
    io.out << "Narratives: sealed to " << at.config.sealed_text->recipients.size() << " keys; "
           << (unsealed ? "last proved to open " + clock_text(*unsealed, at.zone)
                        : std::string("nobody has proved yet that they open: `rollbook unseal`"))
           << ".\n";
}

std::string seconds_text(double seconds)
{
    const auto tenths = static_cast<std::int64_t>(seconds * 10 + 0.5);
    return grouped(tenths / 10) + "." + std::to_string(tenths % 10);
}

void print_poll(const command_io& io, const poll_report& report, const time_zone& zone)
{
    statement_table table(io.out, zone);
    for (const statement_row& each : report.statements)
        table.row(each);
    table.end();
    io.out << grouped(report.entries) << " entries; " << report.alerts_opened << " alerts opened, "
           << report.alerts_ended << " ended; " << report.messages_delivered << " messages delivered, "
           << report.messages_waiting << " waiting; " << seconds_text(report.seconds) << " s\n";
}

failure no_such_source(std::string_view option)
{
    return failure(
        errc::usage,
        std::string(option) + " names no source of the configuration",
        "`rollbook status` lists the sources by name."
    );
}

void require_source(const configuration& config, const std::string& name, std::string_view option)
{
    if (name.empty() || std::ranges::count(config.sources, name, &source_configuration::name) > 0) return;
    throw failure_error(no_such_source(option));
}

} // namespace

int run_status(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        const auto proofs = io.context.open_proofs(at.config).value();
        surroundings_now around;
        around.witnesses = standing_of(at.config, *proofs, at.now);
        if (io.context.backups) around.backups = io.context.backups(at.config);
        if (io.context.pages) around.pages = io.context.pages(at.config);
        if (io.context.troubles) around.troubles = io.context.troubles(at.config, *proofs);
        if (options.json)
            print_json(io.out, [&](json_writer& out) { write_status(out, at, around); });
        else
            print_status(io, at, around);
        return exit_done;
    });
}

int run_statement(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        if (!options.by_period.empty()) return print_period_statements(io, options, at);
        const auto from = start_of(options.from_day, at.zone);
        const auto to = end_of(options.to_day, at.zone);
        json_list list(io.out);
        statement_table table(io.out, at.zone);
        std::uint64_t passed = 0;
        const std::uint64_t begin = options.after.value_or(0);
        bool is_cut = false;
        at.reader.statements(from, to, at.n, [&](const statement_row& row) {
            if (options.limit != 0 && passed == begin + options.limit) {
                is_cut = true;
                return false;
            }
            if (++passed <= begin) return true;
            if (options.json)
                list.item([&](json_writer& out) { write_statement(out, row); });
            else
                table.row(row);
            return true;
        });
        if (options.json)
            list.end();
        else
            table.end();
        if (!options.json && passed <= begin) io.out << "No statements.\n";
        if (is_cut) print_cut(io.err, options.limit, passed);
        return exit_done;
    });
}

int run_poll(const command_io& io, const command_options& options)
{
    return with_configuration(io, options, [&](const configuration& config) {
        require_source(config, options.source, "--source");
        require_source(config, options.allow_vanished, "--allow-vanished");
        for (const std::string& warning : config.warnings)
            io.err << plain(warning) << '\n';
        poll_report report;
        {
            progress_line progress(io.err, io.shows_progress);
            const poll_request request{options.source, options.allow_vanished};
            report = io.context.poll(config, request, [&](const std::string& text) { progress.show(text); }).value();
        }
        print_poll(io, report, time_zone::named(config.school.timezone).value_or(time_zone::utc()));
        for (const failure& each : report.failures)
            print_failure(io.err, each);
        return report.failures.empty() ? exit_done : exit_wrong;
    });
}

} // namespace rollbook
