#pragma once

#include "daemon/cli/context.hpp"
#include "daemon/cli/options.hpp"
#include "daemon/views/workplace.hpp"

#include <functional>
#include <iosfwd>

namespace rollbook {

// The exit codes of the outside contract.
enum exit_code : int { exit_done = 0, exit_wrong = 1, exit_usage = 2, exit_configuration = 3, exit_ledger = 4 };

exit_code exit_code_for(errc code);

// What every command is given.
struct command_io {
    const cli_context& context;
    std::ostream& out;
    std::ostream& err;
    bool shows_progress = false; // the errors go to a terminal
};

// One line of what and where, one of what to do.
void print_failure(std::ostream& err, const failure& why);
void print_problem(std::ostream& err, const cli_context::configuration_problem& problem);

// Calls `use` with the checked configuration; prints its problems and gives exit_configuration when it has any.
int with_configuration(
    const command_io& io, const command_options& options, const std::function<int(const configuration&)>& use
);

// The same with the ledger open. When known-at lies before the first closed read, says when Rollbook began instead, and
// gives exit_wrong. What cannot be opened is a failure_error.
int with_ledger(const command_io& io, const command_options& options, const std::function<int(const workplace&)>& use);

// `statement --by day|term`: what the reads of each period found, and what came for it after it ended.
exit_code print_period_statements(const command_io& io, const command_options& options, const workplace& at);

// The public key to check with: --key, or the pinned one. Throws failure_error.
verifier_key log_key_of(const command_io& io, const command_options& options, const configuration& config);

// One function for each subcommand; each gives the exit code.
int run_init(const command_io& io, const command_options& options);
int run_wizard(const command_io& io, const command_options& options);
int run_calendar_propose(const command_io& io, const command_options& options);
int run_check(const command_io& io, const command_options& options);
int run_connectors_list(const command_io& io, const command_options& options);
int run_connectors_probe(const command_io& io, const command_options& options);
int run_connectors_new(const command_io& io, const command_options& options);
int run_net_allow_list(const command_io& io, const command_options& options);
int run_daemon(const command_io& io, const command_options& options);
int run_rules_check(const command_io& io, const command_options& options);
int run_rules_why(const command_io& io, const command_options& options);
int run_rules_backtest(const command_io& io, const command_options& options);
// How many alerts a week each rule in force would have raised in this academic year so far; for the wizard.
int run_rules_weekly(const command_io& io, const command_options& options);
int run_rules_list(const command_io& io, const command_options& options);
int run_route_test(const command_io& io, const command_options& options);
int run_route_settle(const command_io& io, const command_options& options);
int run_poll(const command_io& io, const command_options& options);
int run_status(const command_io& io, const command_options& options);
int run_statement(const command_io& io, const command_options& options);
int run_findings_list(const command_io& io, const command_options& options);
int run_links_list(const command_io& io, const command_options& options);
int run_links_why(const command_io& io, const command_options& options);
int run_alerts_list(const command_io& io, const command_options& options);
int run_alerts_show(const command_io& io, const command_options& options);
int run_alerts_ack(const command_io& io, const command_options& options);
int run_alerts_take_up(const command_io& io, const command_options& options);
int run_alerts_park(const command_io& io, const command_options& options);
int run_alerts_close(const command_io& io, const command_options& options);
int run_alerts_note(const command_io& io, const command_options& options);
int run_alerts_act(const command_io& io, const command_options& options);
int run_alerts_done(const command_io& io, const command_options& options);
int run_alerts_letter(const command_io& io, const command_options& options);
int run_links_confirm(const command_io& io, const command_options& options);
int run_links_split(const command_io& io, const command_options& options);
int run_marker_add(const command_io& io, const command_options& options);
int run_marker_list(const command_io& io, const command_options& options);
int run_marker_end(const command_io& io, const command_options& options);
int run_silence_add(const command_io& io, const command_options& options);
int run_silence_list(const command_io& io, const command_options& options);
int run_silence_end(const command_io& io, const command_options& options);
int run_quarantine_list(const command_io& io, const command_options& options);
int run_quarantine_show(const command_io& io, const command_options& options);
int run_quarantine_retry(const command_io& io, const command_options& options);
int run_pupil(const command_io& io, const command_options& options);
int run_user_add(const command_io& io, const command_options& options);
int run_user_list(const command_io& io, const command_options& options);
int run_user_remove(const command_io& io, const command_options& options);
int run_user_alter(const command_io& io, const command_options& options);
int run_user_open(const command_io& io, const command_options& options);
int run_user_close(const command_io& io, const command_options& options);
int run_user_reset(const command_io& io, const command_options& options);
int run_what_changed(const command_io& io, const command_options& options);
int run_report(const command_io& io, const command_options& options);
int run_erase(const command_io& io, const command_options& options);
int run_retention(const command_io& io, const command_options& options);
int run_hold(const command_io& io, const command_options& options);
int run_hold_list(const command_io& io, const command_options& options);
int run_hold_end(const command_io& io, const command_options& options);
int run_backup(const command_io& io, const command_options& options);
int run_backup_verify(const command_io& io, const command_options& options);
int run_backup_keygen(const command_io& io, const command_options& options);
int run_unseal(const command_io& io, const command_options& options);
int run_unseal_keygen(const command_io& io, const command_options& options);
int run_reseal(const command_io& io, const command_options& options);
int run_restore(const command_io& io, const command_options& options);
int run_ledger_verify(const command_io& io, const command_options& options);
int run_ledger_list(const command_io& io, const command_options& options);
int run_ledger_show(const command_io& io, const command_options& options);
int run_ledger_prove(const command_io& io, const command_options& options);
int run_ledger_consistency(const command_io& io, const command_options& options);
int run_ledger_export(const command_io& io, const command_options& options);
int run_witness_request(const command_io& io, const command_options& options);
int run_witness_accept(const command_io& io, const command_options& options);
int run_ledger_rotate_key(const command_io& io, const command_options& options);
int run_ledger_checkpoint(const command_io& io, const command_options& options);
int run_ledger_rebuild(const command_io& io, const command_options& options);

} // namespace rollbook
