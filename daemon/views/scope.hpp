#pragma once

#include "daemon/domain/pupil_scope.hpp"
#include "daemon/views/people.hpp"
#include "daemon/views/roster.hpp"

#include <memory>
#include <set>
#include <string_view>

namespace rollbook {

// The pupil records of all persons whose year group or form, as known at the roster's size, is within the scope; those
// of other systems that are linked to them too. Whoever's year and form nobody knows is in none.
std::set<entry_index> records_within(const roster& pupils, const people& everyone, const pupil_scope& scope);

// `whole` as somebody reads it who may see these pupil records alone: what is about another pupil is not there, nor an
// incident or concern without one of them, nor what counts the whole school: statements, findings about no pupil,
// quarantine, erasures, the alert budget. Of what is about nobody only settings and alerts about a source are left.
// Adding pupils, marks, incidents or alerts of others changes nothing of what it gives but the size, the checkpoint and
// proofs, which are the whole ledger's by nature. `whole` must outlive it.
std::unique_ptr<ledger_reader> make_scoped_reader(const ledger_reader& whole, std::set<entry_index> records);

// The pupil records that are open to an auditor's account at the size asked about.
std::set<entry_index> opened_to(const workplace& at, std::string_view account);

} // namespace rollbook
