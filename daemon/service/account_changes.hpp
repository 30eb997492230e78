#pragma once

#include "daemon/ports/accounts.hpp"
#include "daemon/ports/configuration.hpp"
#include "daemon/ports/decision.hpp"
#include "daemon/ports/ledger.hpp"

namespace rollbook {

// Changes who may open the pages, and says in the ledger what the account is for, before it may be used. What was
// opened to an auditor closes when the account goes, is set up anew, or has other days. Open
// actions of a user who goes are handed to the successor: an entry each. Fails with usage where there are any and
// nobody takes them, and as changed_account() does.
result<void> change_account(
    ledger& book, account_book& accounts, const configuration& settings, const account_request& asked, instant now
);

// Whether a pupil may be opened to the account that the decision names: only to an auditor's, while it is good.
result<void> check_opening(
    const account_book& accounts, const configuration& settings, const decision_request& request, instant now
);

} // namespace rollbook
