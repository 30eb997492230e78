#pragma once

#include "daemon/base/error.hpp"
#include "daemon/cli/connector_tools.hpp"
#include "daemon/ports/accounts.hpp"
#include "daemon/ports/configuration.hpp"
#include "daemon/ports/decision.hpp"
#include "daemon/ports/ledger_export.hpp"
#include "daemon/ports/ledger_proofs.hpp"
#include "daemon/ports/ledger_reader.hpp"
#include "daemon/ports/page_server.hpp"
#include "daemon/ports/upkeep.hpp"
#include "daemon/service/poll.hpp"
#include "daemon/service/troubles.hpp"

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rollbook {

// What the commands call; main.cpp puts the real parts in, tests put others.
struct cli_context {
    // A problem in the configuration, for people: file, line, key and what is wrong; and what is expected.
    struct configuration_problem {
        std::string line;
        std::string to_do;
    };
    struct loaded_configuration {
        std::optional<configuration> good;
        std::vector<configuration_problem> problems;
    };
    std::function<loaded_configuration(const std::filesystem::path&)> load_configuration;
    // The same of what is to stand in `file` one day, and is in `draft` until then.
    std::function<loaded_configuration(const std::filesystem::path& draft, const std::filesystem::path& file)>
        load_draft;
    // Only the rules of one file, a school's or a pack; of the rest of the configuration nothing is filled.
    std::function<loaded_configuration(const std::filesystem::path&)> load_rules;
    // Opens for reading; fails with ledger_in_doubt (missing, newer, unreadable).
    std::function<result<std::unique_ptr<ledger_reader>>(const configuration&)> open_reader;
    // The time: the system's, or ROLLBOOK_NOW where the ledger is a simulation.
    std::function<instant(const configuration&)> now;
    // The same where the ledger is still to be made.
    std::function<instant(bool simulated)> time_of_new;

    // Run by root, goes on as the owner of the ledger's folder. May be empty.
    std::function<result<void>(const configuration&)> work_as_owner;
    // Does `work` as the owner of a folder when root runs it, and is root again. May be empty.
    std::function<result<void>(const std::filesystem::path& folder, const std::function<void()>& work)> as_owner_of;
    // A secret, found from a folder on (daemon/ports/secrets.hpp).
    std::function<result<std::string>(const secret_reference&, const std::filesystem::path& base)> read_secret;
    // Shows a question on standard output and reads the next line of standard input, without its end; empty at the end.
    // A terminal does not show what is typed where `hidden`, from before the question is seen.
    std::function<std::optional<std::string>(std::string_view question, bool hidden)> read_line;
    // Waits for a fact. False: a line of standard input, or its end, came first.
    std::function<bool(const std::function<bool()>& fact)> wait_for;

    // Makes ledger, key and ledger.vkey; returns the vkey. Refuses to overwrite (ledger_in_doubt).
    std::function<result<std::string>(const configuration&, bool simulated)> init;
    // Further checks: manifests and their settings, secrets readable, and with `online` each source and route reached.
    // One line each; `bad` lines make the exit code 1.
    struct check_line {
        bool bad = false;
        std::string text;
        std::string to_do;
    };
    std::function<std::vector<check_line>(const configuration&, bool online)> check;
    // Sends itself to the running daemon, or takes the lock and does it here.
    std::function<result<poll_report>(
        const configuration&, const poll_request&, const std::function<void(const std::string&)>& progress
    )>
        poll;
    connector_tools connectors;
    // The daemon: returns when told to stop. `reload` loads the configuration anew.
    std::function<result<void>(const configuration&)> run;
    // Every projection made again; needs the lock.
    std::function<result<rebuild_report>(const configuration&)> rebuild;
    // Appends an access entry (who unmasked what, and why) through the daemon or the lock.
    std::function<result<void>(const configuration&, const access_record&)> record_access;
    // Gives the ledger a new signing key, and returns its public one. Needs the lock.
    std::function<result<std::string>(const configuration&, std::chrono::milliseconds overlap)> rotate_key;
    // The ledger's checkpoints and proofs; fails with ledger_in_doubt.
    std::function<result<std::unique_ptr<ledger_proofs>>(const configuration&)> open_proofs;
    // Done by the daemon or under the lock.
    std::function<result<void>(const configuration&, const checkpoint_request&)> change_checkpoint;
    // Writes the ledger as static files.
    std::function<result<export_report>(const configuration&, const export_request&)> export_ledger;
    // Erasure, retention, holds, backup: through the daemon or the lock.
    std::function<result<upkeep_report>(const configuration&, const upkeep_request&, const upkeep_progress&)> upkeep;
    // A person's decision: through the daemon or the lock. Who it is by the operating system is filled in here.
    std::function<result<upkeep_report>(const configuration&, const decision_request&)> decide;
    std::function<backup_standing(const configuration&)> backups;
    // What is wrong with the machine or the ledger's keeping, or soon will be.
    std::function<std::vector<trouble>(const configuration&, const ledger_proofs&)> troubles;
    // What the daemon noted of its pages.
    std::function<page_standing(const configuration&)> pages;
    // Sends a test message over one route, and says how that went.
    std::function<result<void>(const configuration&, const std::string& route)> test_route;
    // A recipient's key pair into a new file; returns the public key.
    std::function<result<std::string>(const std::filesystem::path&)> make_recipient;
    // A backup's signature, and with a recipient's key file its content.
    std::function<result<upkeep_report>(
        const configuration&, const std::filesystem::path& file, const std::filesystem::path& key_file
    )>
        verify_backup;
    // Puts a backup in the ledger's place; needs the lock.
    std::function<result<upkeep_report>(const configuration&, const restore_request&)> restore;
    // Who may open the pages; fails with ledger_in_doubt.
    std::function<result<std::vector<account>>(const configuration&)> accounts;
    // Done by the daemon or under the lock.
    std::function<result<void>(const configuration&, const account_request&)> change_account;
    // The pinned public key: [ledger] vkey, or ledger.vkey beside the ledger.
    std::function<result<std::string>(const configuration&)> pinned_vkey;
};

// The whole command line; returns the exit code of the outside contract.
int run_cli(int argc, const char* const* argv, const cli_context& context, std::ostream& out, std::ostream& err);

} // namespace rollbook
