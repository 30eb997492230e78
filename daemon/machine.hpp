#pragma once

#include "daemon/ports/configuration.hpp"
#include "daemon/service/troubles.hpp"

#include <filesystem>
#include <functional>

// What can be learned of the machine. Beside main.cpp, with the same rights.
namespace rollbook {

// `newest_entry` and `now` as they stand. Asks the system only, and never fails.
machine_facts facts_of_machine(const configuration& settings, std::optional<instant> newest_entry, instant now);

// Run by root, the rest of this command works as the user who owns the ledger's folder, so that nothing beside the
// ledger becomes root's and the daemon can go on with it. Fails with usage when the system refuses.
result<void> work_as_owner(const std::filesystem::path& ledger);
// Does only `work` so, as the owner of `folder`.
result<void> as_owner_of(const std::filesystem::path& folder, const std::function<void()>& work);

} // namespace rollbook
