#pragma once

#include "daemon/domain/visibility.hpp"
#include "daemon/rules/alert.hpp"
#include "daemon/views/entries.hpp"
#include "daemon/views/findings.hpp"

namespace rollbook {

// What somebody must be allowed to see in order to see it: of a record, by its kind and source; of what is derived, the
// union of all that it rests on, and of a finding also of what its kind speaks of.
visibility labels_of(const workplace& at, const opened_entry& each);
visibility labels_of(const workplace& at, const finding_view& each);
// Of the version of a finding that the entry is; with its labels only where they are asked for, which takes reading all
// that it rests on.
finding_outline outline_of(const workplace& at, entry_index version, bool with_labels);
// Of the entry of that index; of one that is not there yet, or erased, none.
visibility labels_at(const workplace& at, entry_index index);
// Whether who is allowed that much may see the alert: all that it rests on.
bool is_within(const workplace& at, const alert& each, visibility allowed);

} // namespace rollbook
