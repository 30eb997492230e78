#pragma once

#include "daemon/ports/accounts.hpp"
#include "daemon/ports/decision.hpp"
#include "daemon/ports/upkeep.hpp"
#include "daemon/service/poll.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

// What goes over the socket beside the ledger: one request a connection, lines of JSON back.
namespace rollbook {

// `<ledger>.sock`.
std::filesystem::path control_socket(const std::filesystem::path& ledger);

struct control_request {
    enum class kind { poll, access, checkpoint, upkeep, account, decide } command = kind::poll;
    poll_request poll;
    access_record access;
    checkpoint_request checkpoint;
    upkeep_request upkeep;
    account_request account;
    decision_request decision;
};

std::string to_line(const control_request& request);
std::optional<control_request> parse_request(std::string_view line);

std::string progress_line(std::string_view text);
std::string report_line(const poll_report& report);
std::string upkeep_line(const upkeep_report& report);
std::string failure_line(const failure& why);

// Sends a request to the running daemon and waits for its end. Empty when no daemon listens. `progress` may be empty.
std::optional<result<poll_report>> ask_daemon(
    const std::filesystem::path& ledger,
    const control_request& request,
    const std::function<void(const std::string&)>& progress
);

// The same for upkeep, and for a person's decision.
std::optional<result<upkeep_report>>
ask_upkeep(const std::filesystem::path& ledger, const control_request& request, const upkeep_progress& progress);

} // namespace rollbook
