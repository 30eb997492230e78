#pragma once

#include "daemon/base/json.hpp"
#include "daemon/domain/visibility.hpp"
#include "daemon/views/people.hpp"

#include <optional>

namespace rollbook {

// A finding as it stands at one size of the ledger.
struct finding_view {
    entry_index id = no_entry;
    json_document payload;

    json_view root() const { return payload.root(); }
    std::string_view text(std::string_view key) const { return root()[key].string_if().value_or(std::string_view()); }
    std::optional<entry_index> pupil() const
    {
        const auto index = root()["pupil"].int_if();
        return index && *index >= 0 ? std::optional(static_cast<entry_index>(*index)) : std::nullopt;
    }
};

// The payload of a version that is not erased. Throws failure_error (ledger_in_doubt) when it is not JSON.
json_document payload_of(const thing_view& version);

// "labels":["attendance",...]: who may see it.
void write_labels(json_writer& out, visibility labels);
// The members of `findings list --json`.
void write_finding(json_writer& out, const finding_view& each, const people& everyone, visibility labels);

} // namespace rollbook
