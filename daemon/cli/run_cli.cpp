#include "daemon/base/bytes.hpp"
#include "daemon/cli/commands.hpp"

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <iostream>

namespace rollbook {
namespace {

constexpr const char* version_text = "rollbook 0.1.0";

using command = int (*)(const command_io&, const command_options&);

// The subcommands with what runs each, and what their options are read into.
class command_line {
public:
    command_line();
    command_line(const command_line&) = delete;
    command_line& operator=(const command_line&) = delete;

    void parse(int argc, const char* const* argv) { app_.parse(argc, argv); }
    // The command that was named, after parse().
    command chosen() const;
    command_options& options() { return options_; }
    std::string help() const { return app_.help(); }
    std::string usage() const;

private:
    CLI::App* add(CLI::App& to, const std::string& name, const std::string& says, command runs);
    CLI::App* group(const std::string& name, const std::string& says);
    void json(CLI::App* to) { to->add_flag("--json", options_.json, "JSON for programs"); }
    void paging(CLI::App* to);
    void known_at(CLI::App* to);
    void days(CLI::App* to);
    void state(CLI::App* to);
    void add_set_up();
    void add_reading();
    void add_alerts();
    void add_casework();
    void by_whom(CLI::App* to);
    void add_reports();
    void add_ledger();
    void add_proofs(CLI::App& ledger);
    void add_witness();
    void add_upkeep();
    void add_users();
    void add_sealed_text();

    command_options options_;
    CLI::App app_{
        "Reads a school's attendance and incident records into a ledger that can be checked, and tells the\n"
        "attendance lead when a threshold is crossed.",
        "rollbook"};
    std::vector<std::pair<const CLI::App*, command>> commands_;
};

template <class T, class Parse>
void add_parsed(
    CLI::App* to,
    const std::string& name,
    std::optional<T>& into,
    const std::string& says,
    const std::string& type,
    const std::string& expected,
    Parse parse
)
{
    to->add_option_function<std::string>(
          name,
          [name, &into, expected, parse](const std::string& text) {
              into = parse(text);
              if (!into) throw CLI::ValidationError(name, "must be " + expected);
          },
          says
    )
        ->type_name(type);
}

constexpr const char* day_form = "a date, YYYY-MM-DD";
constexpr const char* instant_form = "an instant as RFC 3339 writes it, 2026-11-23T08:55:00Z";
constexpr const char* number_form = "a whole number";

std::optional<entry_index> entry_in(std::string_view text)
{
    return parse_decimal(text);
}

void add_index(CLI::App* to, const std::string& name, entry_index& into, const std::string& says)
{
    to->add_option_function<std::string>(
          name,
          [name, &into](const std::string& text) {
              const auto number = entry_in(text);
              if (!number) throw CLI::ValidationError(name, std::string("must be ") + number_form);
              into = *number;
          },
          says
    )
        ->required()
        ->type_name("N");
}

command_line::command_line()
{
    app_.footer("Every command takes --config FILE and --help. Exit codes: 0 done, 1 done and something is wrong,\n"
                "2 wrong usage, 3 configuration invalid, 4 the ledger cannot be opened or is in doubt.");
    app_.fallthrough();
    app_.require_subcommand(1);
    app_.set_version_flag("--version", version_text, "Print the version and exit");
    app_.add_option("--config", options_.config, "The configuration")->type_name("FILE");
    add_set_up();
    add_reading();
    add_alerts();
    add_casework();
    add_ledger();
    add_witness();
    add_upkeep();
    add_users();
    add_sealed_text();
}

CLI::App* command_line::add(CLI::App& to, const std::string& name, const std::string& says, command runs)
{
    CLI::App* made = to.add_subcommand(name, says);
    commands_.emplace_back(made, runs);
    return made;
}

CLI::App* command_line::group(const std::string& name, const std::string& says)
{
    CLI::App* made = app_.add_subcommand(name, says);
    made->require_subcommand(1);
    return made;
}

void command_line::paging(CLI::App* to)
{
    to->add_option_function<std::string>(
          "--limit",
          [this](const std::string& text) {
              const auto number = parse_decimal(text);
              if (!number) throw CLI::ValidationError("--limit", std::string("must be ") + number_form);
              options_.limit = *number;
          },
          "At most this many; 0 for all (1000)"
    )
        ->type_name("N");
    add_parsed(to, "--after", options_.after, "Go on after this index or id", "N", number_form, entry_in);
}

void command_line::known_at(CLI::App* to)
{
    add_parsed(to, "--known-at", options_.known_at, "As known then", "T", instant_form, parse_instant);
}

void command_line::days(CLI::App* to)
{
    add_parsed(to, "--from", options_.from_day, "From this day", "D", day_form, parse_day);
    add_parsed(to, "--to", options_.to_day, "To this day, inclusive", "D", day_form, parse_day);
}

void command_line::state(CLI::App* to)
{
    to->add_option("--state", options_.state, "open (what has not ended) or all")
        ->check(CLI::IsMember({"open", "all"}))
        ->type_name("open|all");
}

void command_line::add_set_up()
{
    CLI::App* init = add(app_, "init", "Make the ledger and its signing key", run_init);
    init->add_flag("--simulated", options_.simulated, "Mark the ledger as a simulation, with a time of its own");
    init->add_flag(
        "--wizard", options_.wizard, "Ask for all that is needed, try each source and route, write the files"
    );
    CLI::App* check = add(app_, "check", "Check the configuration, calendar and rules", run_check);
    check->add_flag("--online", options_.online, "Also reach each source and route");
    add(app_, "run", "The daemon", run_daemon);
    CLI::App* poll = add(app_, "poll", "One complete cycle: read, reconcile, judge, deliver", run_poll);
    poll->add_option("--source", options_.source, "Read this source only")->type_name("NAME");
    poll->add_option("--allow-vanished", options_.allow_vanished, "Lift the mass-change limit once for this source")
        ->type_name("SOURCE");
    CLI::App* connectors = group("connectors", "What systems can be read");
    json(add(*connectors, "list", "Every system, with what its reading rests on", run_connectors_list));
    CLI::App* probe =
        add(*connectors, "probe", "A trial read of a source: values masked, nothing written", run_connectors_probe);
    probe->add_option("NAME", options_.source, "The source's name in the configuration")->required()->type_name("");
    probe->add_option("--record", options_.folder, "Keep what it answers there, with other people in it")
        ->type_name("DIR");
    add(*connectors, "new", "Begin a manifest in this folder", run_connectors_new)
        ->add_option("NAME", options_.source, "The new manifest's name")
        ->required()
        ->type_name("");
    add(*group("net", "What leaves this machine"), "allow-list", "Hosts and ports for the firewall", run_net_allow_list
    );
    CLI::App* propose =
        add(*group("calendar", "The school's year"),
            "propose",
            "Draft a calendar file from the marks held",
            run_calendar_propose);
    propose->add_option("--ical", options_.file, "The school's published calendar, as .ics")->type_name("FILE");
    CLI::App* route = group("route", "Where messages go");
    for (CLI::App* each :
         {add(*route, "test", "Send a test message over one route, and what it did not take", run_route_test),
          add(*route, "settle", "Its reader knows: send no more what it did not take", run_route_settle)})
        each->add_option("NAME", options_.source, "The route's name in the configuration")->required()->type_name("");
    CLI::App* rules = group("rules", "The rules in force");
    json(add(*rules, "list", "Rules with their stages and source", run_rules_list));
    add(*rules, "check", "Check the rules of a file or a pack", run_rules_check)
        ->add_option("FILE", options_.file, "A configuration, or a pack of rules")
        ->required()
        ->type_name("");
    CLI::App* why = add(*rules, "why", "Why a rule is met for a pupil, or not yet", run_rules_why);
    why->add_option("--rule", options_.rule, "The rule's id")->required()->type_name("ID");
    why->add_option("--pupil", options_.pupil, "P-N, a UPN or SOURCE:ID")->required()->type_name("REF");
    known_at(why);
    json(why);
    CLI::App* backtest = add(*rules, "backtest", "What rules would have raised, as known then", run_rules_backtest);
    backtest->add_option("--rule", options_.rule, "One rule, switched on or not; left out: all in force")
        ->type_name("ID");
    backtest->add_option("--set", options_.set, "Another threshold: at_least=N for the lowest stage, or NAME=N")
        ->type_name("STAGE=N");
    backtest->add_flag("--each", options_.each, "Every pupil and school day with its value, as JSON");
    days(backtest);
    json(backtest);
}

void command_line::add_reading()
{
    json(add(app_, "status", "How the sources, the ledger and the outbox stand", run_status));

    CLI::App* statement = add(app_, "statement", "What each read found, and whether it balanced", run_statement);
    days(statement);
    statement->add_option("--by", options_.by_period, "Added up by day or by term, with what came late")
        ->check(CLI::IsMember({"day", "term"}))
        ->type_name("PERIOD");
    known_at(statement);
    paging(statement);
    json(statement);

    CLI::App* findings = add(*group("findings", "Where facts do not agree"), "list", "Findings", run_findings_list);
    state(findings);
    findings->add_option("--kind", options_.kind, "Findings of this kind only")->type_name("K");
    known_at(findings);
    paging(findings);
    json(findings);

    CLI::App* pupil = add(app_, "pupil", "Timeline of one pupil", run_pupil);
    pupil->add_option("REF", options_.pupil, "P-N, a UPN, or SOURCE:ID")->required()->type_name("");
    days(pupil);
    known_at(pupil);
    json(pupil);
    CLI::Option* reason = pupil->add_option("--reason", options_.reason, "Why the name is needed; becomes an entry");
    reason->type_name("TEXT");
    reason->needs(pupil->add_flag("--unmask", options_.unmask, "Show the pupil's name"));
    add_reports();
}

void command_line::add_reports()
{
    CLI::App* changed =
        add(app_, "what-changed", "Entries and figures that differ between two instants", run_what_changed);
    add_parsed(changed, "--from", options_.from, "As known then", "T", instant_form, parse_instant);
    add_parsed(changed, "--to", options_.to, "And as known then; left out: now", "T", instant_form, parse_instant);
    changed->get_option("--from")->required();
    changed->add_option("--pupil", options_.pupil, "About this pupil only")->type_name("REF");
    paging(changed);
    json(changed);

    CLI::App* report = add(app_, "report", "A report, as a table or a file", run_report);
    report->add_option("NAME", options_.report, "Which; without a name they are listed")->type_name("");
    report->add_option("--pupil", options_.pupil, "Of a report about one pupil: P-N, a UPN or SOURCE:ID")
        ->type_name("REF");
    report->add_option("--reason", options_.reason, "Of a report that names somebody: who asked; becomes an entry")
        ->type_name("TEXT");
    days(report);
    known_at(report);
    report->add_option("--format", options_.format, "What to write; left out: as the file's name says, or a table")
        ->check(CLI::IsMember({"csv", "html", "xlsx"}))
        ->type_name("csv|html|xlsx");
    report->add_option("--out", options_.out, "Write it there")->type_name("FILE");
    json(report);
}

void command_line::by_whom(CLI::App* to)
{
    to->add_option("--by", options_.by, "Who decided, where it is not you")->type_name("NAME");
    json(to);
}

void command_line::add_alerts()
{
    CLI::App* alerts = group("alerts", "The lead's inbox");
    CLI::App* list = add(*alerts, "list", "Alerts", run_alerts_list);
    state(list);
    known_at(list);
    paging(list);
    json(list);
    CLI::App* show = add(*alerts, "show", "One alert with its history, actions and evidence", run_alerts_show);
    add_index(show, "ID", options_.index, "The alert's id");
    known_at(show);
    json(show);

    const auto text = [&](CLI::App* to, const std::string& says) {
        return to->add_option("--text", options_.text, says + "; kept in the ledger only; - reads it from input")
            ->type_name("TEXT");
    };
    const auto decision = [&](const std::string& name, const std::string& says, command runs) {
        CLI::App* made = add(*alerts, name, says, runs);
        add_index(made, "ID", options_.index, "The alert's id");
        by_whom(made);
        return made;
    };
    text(decision("ack", "Acknowledge an alert: it is in hand, and reminders end", run_alerts_ack), "Why or how");
    text(decision("take-up", "Open what was crossed before Rollbook began", run_alerts_take_up), "Why");
    text(decision("park", "Put that aside until its stage rises", run_alerts_park), "Why");
    CLI::App* close = decision("close", "Close an alert by a decision", run_alerts_close);
    close->add_option("--outcome", options_.outcome, "One word for what came of it (closed)")->type_name("WORD");
    text(close, "The reason; needed where the rule asks for a decision");
    text(decision("note", "Add a note to an alert", run_alerts_note), "The note")->required();

    CLI::App* act = decision("act", "Record what was done about an alert, or is to be done", run_alerts_act);
    act->add_option(
           "--kind",
           options_.action,
           "call, letter, visit, meeting, panel, plan, support, warning,\n"
           "penalty-notice, referral or decision"
    )
        ->required()
        ->type_name("KIND");
    act->add_option("--owner", options_.owner, "Who does it; a route's name is reminded")->type_name("NAME");
    act->add_option("--adult", options_.adult, "Of a warning or notice: the parent, by your reference")
        ->type_name("REF");
    act->add_option("--outcome", options_.outcome, "One word, where it is done already")->type_name("WORD");
    add_parsed(act, "--on", options_.on, "The day it was done or issued, if not today", "D", day_form, parse_day);
    add_parsed(act, "--due", options_.due, "The day it is due", "D", day_form, parse_day);
    add_parsed(act, "--review", options_.review, "The day to look at it again", "D", day_form, parse_day);
    text(act, "What and why");

    CLI::App* letter = decision("letter", "Fill a letter's template, and record the letter", run_alerts_letter);
    letter->add_option("--template", options_.letter, "A file in [casework] letters, without .txt")
        ->required()
        ->type_name("NAME");
    letter->add_option("--out", options_.out, "The new file")->required()->type_name("FILE");
    letter->add_option("--owner", options_.owner, "Who sends it")->type_name("NAME");
    add_parsed(letter, "--due", options_.due, "The day it is to be sent", "D", day_form, parse_day);

    CLI::App* done = add(*alerts, "done", "Record how an action ended", run_alerts_done);
    add_index(done, "ACTION", options_.index, "The action's number, as `alerts show` has it");
    done->add_option("--outcome", options_.outcome, "One word; withdrawn or cancelled: it does not count")
        ->required()
        ->type_name("WORD");
    text(done, "How it came to it");
    by_whom(done);
}

void command_line::add_casework()
{
    CLI::App* links = group("links", "Pupils matched across systems");
    CLI::App* list = add(*links, "list", "Links", run_links_list);
    known_at(list);
    paging(list);
    json(list);
    CLI::App* why =
        add(*links, "why", "Why a record is linked, or is not, and how near pupils come to it", run_links_why);
    known_at(why);
    json(why);
    CLI::App* confirm = add(*links, "confirm", "Say that two records are one pupil", run_links_confirm);
    CLI::App* split = add(*links, "split", "Say that two records are not one pupil", run_links_split);
    for (CLI::App* each : {why, confirm, split}) {
        each->add_option("RECORD", options_.record, "The other system's pupil record: P-N or SOURCE:ID")
            ->required()
            ->type_name("");
        CLI::Option* pupil = each->add_option("PUPIL", options_.pupil, "The pupil of the MIS: P-N, a UPN or SOURCE:ID");
        pupil->type_name("");
        if (each == confirm) pupil->required();
        if (each == why) continue;
        each->add_option("--reason", options_.reason, "Why; becomes an entry")->required()->type_name("TEXT");
        by_whom(each);
    }
    split->footer("Without PUPIL it is parted from the pupil that it is linked to now.");

    CLI::App* marker = group("marker", "What the safeguarding lead wants to be known of a pupil");
    CLI::App* put = add(*marker, "add", "Mark a pupil, or change what a marker says", run_marker_add);
    put->add_option("--pupil", options_.pupil, "P-N, a UPN, or SOURCE:ID; - reads it from input")
        ->required()
        ->type_name("REF");
    put->add_option("--kind", options_.action, "handle-with-care: no letter and no digest; priority: the watch list")
        ->required()
        ->type_name("KIND");
    put->add_option("--reason", options_.reason, "The class of reason; - reads it from input")->type_name("TEXT");
    put->add_option("--tell", options_.owner, "Who is to be told")->type_name("NAME");
    add_parsed(put, "--review", options_.review, "To be looked at again on", "D", day_form, parse_day);
    by_whom(put);
    CLI::App* marked = add(*marker, "list", "Markers; without reasons unless they are asked for", run_marker_list);
    state(marked);
    known_at(marked);
    json(marked);
    CLI::Option* shown =
        marked->add_option("--reason", options_.reason, "Why the reasons are needed; becomes an entry");
    shown->type_name("TEXT");
    shown->needs(marked->add_flag("--unmask", options_.unmask, "Show why, and who is to be told"));
    CLI::App* lift = add(*marker, "end", "End a marker", run_marker_end);
    add_index(lift, "ID", options_.index, "The marker's id");
    by_whom(lift);

    CLI::App* silence = group("silence", "Messages held back about a pupil or a rule");
    CLI::App* begin = add(*silence, "add", "Send no message about a pupil or a rule for a while", run_silence_add);
    begin->add_option("--pupil", options_.pupil, "P-N, a UPN, or SOURCE:ID; - reads it from input")->type_name("REF");
    begin->add_option("--rule", options_.rule, "A rule's id; left out: every rule but safety rules")->type_name("ID");
    add_parsed(begin, "--until", options_.until, "Its last day", "D", day_form, parse_day);
    begin->add_option("--reason", options_.reason, "Why; becomes an entry")->required()->type_name("TEXT");
    by_whom(begin);
    CLI::App* all = add(*silence, "list", "Silences", run_silence_list);
    state(all);
    known_at(all);
    json(all);
    CLI::App* end = add(*silence, "end", "End a silence before its time", run_silence_end);
    add_index(end, "ID", options_.index, "The silence's id");
    by_whom(end);

    CLI::App* quarantine = group("quarantine", "Rows of sources that could not be read");
    json(add(*quarantine, "list", "Each bad row with its reason", run_quarantine_list));
    CLI::App* show = add(*quarantine, "show", "One row, its values masked", run_quarantine_show);
    CLI::App* retry =
        add(*quarantine, "retry", "Read the whole list again that held the row, at the next read", run_quarantine_retry
        );
    for (CLI::App* each : {show, retry}) {
        add_index(each, "ID", options_.index, "The row's id");
        json(each);
    }
}

void command_line::add_ledger()
{
    CLI::App* ledger = group("ledger", "The ledger itself");

    CLI::App* verify = add(*ledger, "verify", "Prove that nothing was changed", run_ledger_verify);
    verify->add_option("--checkpoint", options_.checkpoints, "A checkpoint kept elsewhere; may be given again")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name("FILE");
    verify->add_option("--key", options_.key, "The public key to accept, instead of the pinned one")->type_name("VKEY");
    verify->add_flag("--quick", options_.quick, "Leave out the comparison of the projections");
    verify->add_option("--state", options_.state_file, "Keep there how far it came, and go on from there if stopped")
        ->type_name("FILE");
    json(verify);

    CLI::App* list = add(*ledger, "list", "Entries", run_ledger_list);
    list->add_option("--pupil", options_.pupil, "About this pupil only")->type_name("REF");
    list->add_option("--kind", options_.kind, "What an entry is about, or its kind")->type_name("K");
    add_parsed(list, "--from", options_.from, "Recorded from then", "T", instant_form, parse_instant);
    add_parsed(list, "--to", options_.to, "Recorded up to then", "T", instant_form, parse_instant);
    known_at(list);
    paging(list);
    json(list);

    CLI::App* show = add(*ledger, "show", "One entry with its opening", run_ledger_show);
    add_index(show, "N", options_.index, "The entry's index");
    json(show);
    CLI::App* prove = add(*ledger, "prove", "The .tlog-proof of one entry", run_ledger_prove);
    add_index(prove, "N", options_.index, "The entry's index");
    CLI::App* checkpoint = add(*ledger, "checkpoint", "The newest signed checkpoint", run_ledger_checkpoint);
    checkpoint->add_flag("--cosigned", options_.cosigned, "The newest that a witness signed as well");
    add_proofs(*ledger);
    add(*ledger, "rebuild", "Make every projection again from the entries", run_ledger_rebuild);
}

void command_line::add_proofs(CLI::App& ledger)
{
    CLI::App* between =
        add(ledger, "consistency", "The proof that one checkpoint begins another", run_ledger_consistency);
    between->add_option("FROM", options_.old_point, "A size, or a file that holds a checkpoint")
        ->required()
        ->type_name("");
    between->add_option("TO", options_.newer_point, "The same; left out: the newest checkpoint")->type_name("");
    between->add_option("--key", options_.key, "The public key to accept, instead of the pinned one")
        ->type_name("VKEY");
    between->footer("Prints what a C2SP witness reads (tlog-witness, add-checkpoint): `old FROM`, the proof's hashes,\n"
                    "an empty line, and the checkpoint TO.");

    CLI::App* rotate = add(ledger, "rotate-key", "Change the signing key", run_ledger_rotate_key);
    add_parsed(
        rotate,
        "--overlap",
        options_.overlap,
        "So long both keys sign (30d)",
        "D",
        "a duration such as 30d",
        parse_duration
    );
    rotate->footer("Stop the daemon first. The change is an entry that both keys sign, so that whoever holds the old\n"
                   "public key can check what the new one signs.");

    CLI::App* out = add(ledger, "export", "Write the ledger as files that other programs check", run_ledger_export);
    out->add_option("DIR", options_.folder, "A new folder, or that of an earlier export")->required()->type_name("");
    out->add_flag("--openings", options_.openings, "Also what the entries say, as openings.ndjson: personal data");
    out->add_option("--what", options_.kind, "Openings of this kind only")->type_name("KIND");
    out->add_option("--pupil", options_.pupil, "Openings about this pupil only")->type_name("REF");
    out->add_flag(
        "--pseudonymous",
        options_.pseudonymous,
        "Openings only that name nobody: pupils by their reference, no person's words"
    );
    out->add_flag("--concerns", options_.concerns, "Also openings from safeguarding; a safeguarding lead decides that");
    out->add_option("--by", options_.by, "Who decided")->type_name("NAME");
    out->add_option("--reason", options_.reason, "Why; becomes an entry")->type_name("TEXT");
    out->add_option("--key", options_.key, "The public key to accept, instead of the pinned one")->type_name("VKEY");
    out->footer(
        "Writes a C2SP tlog-tiles log: checkpoint, tile/L/N, tile/entries/N. It holds no personal data and can be\n"
        "handed to anyone. No proof ever needs the content: give openings only to who may read it. An earlier\n"
        "export is brought up to date, and refused when this ledger does not extend it. Each export is an entry."
    );
}

void command_line::add_witness()
{
    CLI::App* witness = group("witness", "Signatures of others under the ledger's checkpoints");
    CLI::App* request = add(*witness, "request", "What a witness is sent: checkpoint and proof", run_witness_request);
    request->add_option("--out", options_.out, "Write it there")->type_name("FILE");
    request->add_option("--witness", options_.witness, "Which witness, where there are more")->type_name("NAME");
    add_parsed(
        request,
        "--old",
        options_.old_size,
        "The size the witness holds, if not as known here",
        "N",
        number_form,
        entry_in
    );
    request->footer("Send it to the auditor by mail or file; `rollbook-witness answer` checks it and answers with a\n"
                    "signature, which `rollbook witness accept` stores. It holds no personal data.");
    CLI::App* accept = add(*witness, "accept", "Store the signature that came back", run_witness_accept);
    accept->add_option("FILE", options_.folder, "The answer, or the mail it came in; - for standard input")
        ->required()
        ->type_name("");
}

void command_line::add_upkeep()
{
    const auto pupil = [&](CLI::App* to) {
        to->add_option("--pupil", options_.pupil, "P-N, a UPN, or SOURCE:ID; - reads it from standard input")
            ->required()
            ->type_name("REF");
    };
    const auto by = [&](CLI::App* to) { return to->add_option("--by", options_.by, "Who asks")->type_name("NAME"); };
    const auto dry_run = [&](CLI::App* to) {
        to->add_flag("--dry-run", options_.dry_run, "Say what would go, and change nothing");
    };

    CLI::App* erase = add(app_, "erase", "Erase everything about one pupil, for good", run_erase);
    pupil(erase);
    erase->add_option("--basis", options_.basis, "The legal basis; stays in the ledger, so no name in it")
        ->required()
        ->type_name("TEXT");
    erase->add_flag("--override", options_.override_minimum, "Erase before the minimum period has ended; needs --by");
    by(erase);
    dry_run(erase);
    json(erase);

    CLI::App* retention = add(app_, "retention", "Erase what is past its maximum period", run_retention);
    dry_run(retention);
    json(retention);

    // A command with commands of its own: they are looked at first.
    CLI::App* hold = app_.add_subcommand("hold", "Legal holds: while one stands, nothing about the pupil is erased");
    CLI::App* list = add(*hold, "list", "Holds that stand", run_hold_list);
    known_at(list);
    json(list);
    CLI::App* end = add(*hold, "end", "End a hold", run_hold_end);
    for (CLI::App* each : {hold, end}) {
        each->add_option("--pupil", options_.pupil, "P-N, a UPN, or SOURCE:ID; - reads it from standard input")
            ->type_name("REF");
        each->add_option("--reason", options_.reason, "Why; becomes an entry")->type_name("TEXT");
        by(each);
        json(each);
    }
    commands_.emplace_back(hold, run_hold);

    CLI::App* backup = app_.add_subcommand("backup", "A sealed, verified copy of the ledger");
    CLI::App* verify =
        add(*backup, "verify", "Check a backup: its signature, and with --key its content", run_backup_verify);
    CLI::App* keygen = add(*backup, "keygen", "Make a recipient's keys; prints the public one", run_backup_keygen);
    verify->add_option("FILE", options_.file, "The backup")->required()->type_name("");
    keygen->add_option("FILE", options_.file, "The new key file")->required()->type_name("");
    backup->add_option("FILE", options_.file, "The copy; left out: a new one in [backup] target")->type_name("");
    verify->add_option("--key", options_.key_file, "A recipient's key file")->type_name("FILE");
    json(verify);
    json(backup);
    commands_.emplace_back(backup, run_backup);

    CLI::App* restore =
        add(app_, "restore", "Put a backup in the ledger's place, after verifying all of it", run_restore);
    restore->add_option("FILE", options_.file, "The backup")->required()->type_name("");
    restore->add_option("--key", options_.key_file, "A recipient's key file")->required()->type_name("FILE");
    restore->add_option("--checkpoint", options_.checkpoints, "A checkpoint kept elsewhere; may be given again")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name("FILE");
    json(restore);
}

void command_line::add_users()
{
    CLI::App& user = *group("user", "Who may open the pages");
    const auto named = [&](const std::string& name, const std::string& says, command runs) {
        CLI::App* to = add(user, name, says, runs);
        to->add_option("NAME", options_.user, "The account's name")->required()->type_name("");
        return to;
    };
    CLI::App* made = named("add", "Make an account, and print the code that sets it up", run_user_add);
    made->add_option("--role", options_.role, std::string(role_words))->required()->type_name("ROLE");
    CLI::App* altered = named("alter", "Change what an account is for; its sessions end", run_user_alter);
    for (CLI::App* each : {made, altered}) {
        each->add_option("--scope", options_.scope, "year=NAME or form=NAME: its pupils alone; may be given again")
            ->expected(1)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
            ->type_name("WHO");
        each->add_option("--person", options_.person, "Of an auditor: who it is")->type_name("NAME");
        each->add_option("--body", options_.body, "Of an auditor: whom they come from")->type_name("NAME");
        each->add_option("--purpose", options_.purpose, "Of an auditor: what is looked at, and why")->type_name("TEXT");
        add_parsed(each, "--from", options_.from_day, "Of an auditor: the first day", "D", day_form, parse_day);
        add_parsed(each, "--to", options_.to_day, "Of an auditor: the last day", "D", day_form, parse_day);
    }
    altered->footer("A scope replaces the one before; --scope \"\" takes it away.");
    CLI::App* opened = named("open", "Open a pupil's name and safeguarding metadata to an auditor", run_user_open);
    CLI::App* closed = named("close", "Close a pupil to an auditor again", run_user_close);
    for (CLI::App* each : {opened, closed}) {
        each->add_option("--pupil", options_.pupil, "P-N, a UPN, or SOURCE:ID; - reads it from input")
            ->required()
            ->type_name("REF");
        each->add_option("--by", options_.by, "Who decided: the safeguarding lead")->required()->type_name("NAME");
        json(each);
    }
    opened->add_option("--reason", options_.reason, "Why; becomes an entry")->required()->type_name("TEXT");
    json(add(user, "list", "The accounts", run_user_list));
    named("remove", "End an account and its sessions", run_user_remove)
        ->add_option("--hand-over", options_.successor, "Who takes over the open actions of its user")
        ->type_name("NAME");
    named("reset", "Forget an account's password and authenticator, and print a new set-up code", run_user_reset);
}

void command_line::add_sealed_text()
{
    CLI::App* unseal = app_.add_subcommand("unseal", "Read sealed narratives, on the machine of who holds a key");
    CLI::App* keygen = add(*unseal, "keygen", "Make a person's keys; prints the public one", run_unseal_keygen);
    keygen->add_option("FILE", options_.file, "The new key file")->required()->type_name("");
    unseal->add_option("FILE", options_.file, "Entries as JSON, or an export's openings; - for standard input")
        ->type_name("");
    unseal->add_option("--key", options_.key_file, "The person's key file")->type_name("FILE");
    CLI::Option* receipt =
        unseal->add_option("--receipt", options_.receipt, "On the server: the proof that a narrative was opened");
    receipt->type_name("N:TOKEN");
    receipt->needs(unseal->add_option("--by", options_.by, "Who opened it")->type_name("NAME"));
    commands_.emplace_back(unseal, run_unseal);

    CLI::App* reseal = add(app_, "reseal", "Seal narratives for other people, when staff change", run_reseal);
    reseal->add_option("FILE", options_.file, "With --key: an export's openings. Without: what reseal wrote elsewhere")
        ->required()
        ->type_name("");
    reseal->add_option("--key", options_.key_file, "The key file of a person they are sealed to")->type_name("FILE");
    reseal->add_option("--recipient", options_.recipients, "A public key to seal to; may be given again")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name("KEY");
    reseal->add_option("--out", options_.out, "With --key: write it there")->type_name("FILE");
    reseal->add_option("--by", options_.by, "Without --key: who decided it")->type_name("NAME");
    reseal->footer("On the machine of who holds a key, with --key, --recipient for everyone and --out; then on the\n"
                   "server, without --key, where each narrative becomes a new version. [sealed_text] comes first.");
}

command command_line::chosen() const
{
    for (const auto& [app, runs] : commands_) {
        if (app->parsed()) return runs;
    }
    return nullptr;
}

// The line of the help that says how the command is called.
std::string command_line::usage() const
{
    const std::string text = help();
    const std::size_t from = text.find("Usage:");
    if (from == std::string::npos) return "Usage: rollbook COMMAND [OPTIONS]";
    return text.substr(from, text.find('\n', from) - from);
}

// What holds between options. An empty text: all is well.
std::string wrong_together(const command_options& options)
{
    if (options.unmask && options.reason.empty()) return "--unmask needs --reason, and a reason that says something";
    if (options.override_minimum && options.by.empty()) return "--override needs --by, the name of who decided it";
    if (options.from_day && options.to_day && *options.to_day < *options.from_day) return "--to lies before --from";
    if (options.from && options.to && *options.to < *options.from) return "--to lies before --from";
    return {};
}

int say_usage(std::ostream& err, std::string_view what, const command_line& line)
{
    err << "rollbook: " << what.substr(0, what.find('\n')) << '\n' << line.usage() << '\n';
    return exit_usage;
}

int run_command(command runs, const command_io& io, const command_options& options)
{
    try {
        const int code = runs(io, options);
        io.out.flush();
        if (io.out.good()) return code;
        io.err << "rollbook: the output could not be written\n  Check where it goes, and the space there.\n";
        return exit_wrong;
    } catch (const failure_error& e) {
        print_failure(io.err, e.why());
        return exit_code_for(e.why().code);
    } catch (const std::exception& e) {
        print_failure(
            io.err, failure(errc::ledger_in_doubt, std::string("stopped by an unexpected failure: ") + e.what())
        );
        return exit_ledger;
    }
}

} // namespace

int run_cli(int argc, const char* const* argv, const cli_context& context, std::ostream& out, std::ostream& err)
{
    command_line line;
    try {
        line.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        out << line.help();
        return exit_done;
    } catch (const CLI::CallForVersion&) {
        out << version_text << '\n';
        return exit_done;
    } catch (const CLI::ParseError& e) {
        return say_usage(err, e.what(), line);
    }
    if (const std::string wrong = wrong_together(line.options()); !wrong.empty()) return say_usage(err, wrong, line);

    const bool at_terminal = &err == &std::cerr && isatty(STDERR_FILENO) == 1;
    return run_command(line.chosen(), {context, out, err, at_terminal}, line.options());
}

} // namespace rollbook
