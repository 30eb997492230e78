#pragma once

#include "daemon/base/json.hpp"
#include "daemon/views/people.hpp"

#include <optional>
#include <string>
#include <vector>

namespace rollbook {

// An entry with its payload looked into. The view is valid as long as the entry's.
struct opened_entry {
    entry_view entry;
    std::optional<json_document> payload; // empty once erased

    json_view root() const { return payload ? payload->root() : json_view(); }
    std::string_view text(std::string_view key) const { return root()[key].string_if().value_or(std::string_view()); }
    entry_index index(std::string_view key) const
    {
        const auto number = root()[key].int_if();
        return number && *number >= 0 ? static_cast<entry_index>(*number) : no_entry;
    }
    // The pupil record it is about; no_entry: none.
    entry_index pupil() const
    {
        if (text("what") != name_of(what::pupil)) return index("pupil");
        return index("subject") == no_entry ? entry.index : index("subject");
    }
};

// Throws failure_error (ledger_in_doubt) when the payload is not JSON.
opened_entry open_entry(const entry_view& entry);

// The members of `ledger list --json`, and with the opening those that an auditor checks the leaf with.
void write_entry(json_writer& out, const opened_entry& each, const people& everyone, bool with_opening);

// For a table: index, recorded, kind, what, source, pupil.
std::vector<std::string> entry_cells(const opened_entry& each, const workplace& at, const people& everyone);

} // namespace rollbook
