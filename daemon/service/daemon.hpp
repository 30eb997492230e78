#pragma once

#include "daemon/ports/page_server.hpp"
#include "daemon/service/control.hpp"
#include "daemon/service/cycle.hpp"
#include "daemon/service/troubles.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>
#include <optional>

namespace rollbook {

// What the daemon is given: how to make the parts of a configuration, and how to read the configuration again.
struct daemon_surroundings {
    std::function<result<cycle_parts>(const configuration&, boost::asio::any_io_executor)> make_parts;
    // The configuration read again for SIGHUP; a failure keeps the old one in force.
    std::function<result<configuration>()> reload;
    std::function<instant(const configuration&)> now;
    // Erasure, holds, backup: done while nothing else is under way. What is in memory is made anew after it.
    std::function<result<upkeep_report>(const configuration&, const upkeep_request&, const upkeep_progress&)> upkeep;
    // Who may open the pages; null: they have no accounts.
    account_book* accounts = nullptr;
    // The pages, served beside everything else; empty: none are served.
    std::function<std::unique_ptr<page_server>(const configuration&, page_desk&, boost::asio::any_io_executor)>
        make_pages;
    // Does what is due on the ledger as a whole (a backup, copies of decisions), and says after how long to be asked
    // again; empty: never.
    std::function<std::optional<std::chrono::milliseconds>(const configuration&)> tend;
    // What is wrong with the machine or the ledger's keeping, or soon will be. May be empty.
    std::function<std::vector<trouble>(const configuration&, const ledger_proofs&, const running_facts&)> look;
};

// Runs until SIGTERM or SIGINT: reads each source when it is due, delivers what waits, answers the socket beside the
// ledger, and takes a new configuration on SIGHUP when it is good. Fails with ledger_in_doubt or configuration_invalid
// before the first read; a ledger that cannot be written later is an exception.
result<void> run_daemon(configuration settings, ledger& book, const daemon_surroundings& surroundings);

// One complete cycle, without a daemon: every source (or one) read in full, and one try of each message that waits.
result<poll_report> run_once(
    const configuration& settings,
    ledger& book,
    const daemon_surroundings& surroundings,
    const poll_request& request,
    const std::function<void(const std::string&)>& progress
);

} // namespace rollbook
