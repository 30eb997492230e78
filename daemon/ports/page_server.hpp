#pragma once

#include "daemon/base/error.hpp"
#include "daemon/ports/accounts.hpp"
#include "daemon/ports/configuration.hpp"
#include "daemon/ports/decision.hpp"
#include "daemon/ports/ledger.hpp"
#include "daemon/ports/upkeep.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace rollbook {

// How the pages stand, as the daemon noted it.
struct page_standing {
    std::string failed;               // why none are served; empty: they are, or none are wanted
    std::optional<instant> opened_at; // when another machine first opened their address
    bool operator==(const page_standing&) const = default;
};

// What the pages ask of the daemon. Called on the daemon's thread.
class page_desk {
public:
    virtual ~page_desk() = default;
    virtual account_book& accounts() = 0;
    // Fails as changed_account() does; an entry of the ledger where it changes what an account is for.
    virtual result<void> change_account(const account_request& request) = 0;
    // Somebody saw a pupil (no_entry: a list of them): an entry of the ledger, durable when this returns.
    virtual void record_access(const std::string& user, entry_index pupil, const std::string& view) = 0;
    // Signs a checkpoint now and keeps it for good, for an export that begins.
    virtual result<void> keep_for_export() = 0;
    // Carries out what a person decided on a page: committed and signed when this returns. Fails as
    // service/decisions.hpp says.
    virtual result<upkeep_report> decide(const decision_request& request) = 0;
    // What a source's stream keeps of what it read already; empty before its first read.
    virtual std::string bookmark(const std::string& source, const std::string& stream) = 0;
    // Has the source read again after so long, or sooner.
    virtual void read_within(const std::string& source, std::chrono::milliseconds wait) = 0;
    virtual instant now() = 0;
    // Another number once anything is written but the pages of a read under way, as ledger::commits() says it.
    virtual std::uint64_t commits() = 0;
};

// The pages, served on the daemon's own thread.
class page_server {
public:
    virtual ~page_server() = default;
    // A new configuration is in force. Where it listens, and whether by TLS, stays as it was until the daemon starts
    // again.
    virtual void take(const configuration& settings) = 0;
    // Reads the certificate of [web.tls] and its key again, for connections that are new. Where they cannot be used the
    // ones before stay, and the log says so. When the certificate that is served ends; empty: there is none.
    virtual std::optional<instant> renew_certificate() = 0;
    // Serves until cancelled; what is under way then may end within a second.
    virtual boost::asio::awaitable<void> serve() = 0;
};

} // namespace rollbook
