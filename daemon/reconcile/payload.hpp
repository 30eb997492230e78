#pragma once

#include "daemon/ports/connector.hpp"
#include "daemon/ports/ledger.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace rollbook {

// When Rollbook learned a fact, as an interval: the last read that did not have it, and the first that did.
struct learned {
    std::optional<instant> after; // empty: no earlier read covered it
    instant by{};
    bool backfill = false; // it was already there at the first read
};

// A keyed digest of text, from the ledger.
using digester = std::function<std::uint64_t(std::string_view)>;

// The digest of what a mark says besides its code and minutes.
std::uint32_t mark_digest(
    const digester& digest,
    std::string_view id,
    std::string_view comment,
    std::string_view by,
    std::string_view amendment = {}
);

// Entries in the form of schemas/ledger/payloads.md. Each draft's row is what project() makes of its payload.
draft mark_entry(const reported_mark& mark, mark_version row, const learned& when);
// The words of what is no longer asked for, and of a pupil's record that its source made one with another; all of them
// are in schemas/ledger/payloads.md.
inline constexpr std::string_view out_of_scope = "out-of-scope";
inline constexpr std::string_view merged = "merged";
// The source no longer has the mark: `word` is "vanished" or "out-of-scope".
draft mark_gone_entry(mark_version row, const learned& when, std::string_view word);
draft record_entry(const reported_record& record, thing_version row, const learned& when);
// `merged_into`: of the word "merged", the first entry of the record that is left.
draft record_gone_entry(
    thing_version row, const learned& when, std::string_view word, entry_index merged_into = no_entry
);
// A setting that differs from its last entry. `name` is "calendar", "rules", "mis/code-list" ...; value canonical JSON.
draft setting_entry(std::string_view name, std::string_view value, const held_thing* last);
// The same of a setting that is about one pupil.
draft pupil_setting_entry(std::string_view name, std::string_view value, entry_index pupil, const held_thing* last);

// The rows of one closed read, as one entry. `first`: the source's first closed read, which ends its backfill.
draft statement_entry(
    const std::string& source,
    instant at,
    std::span<const statement_row> rows,
    bool first,
    std::string_view failed,
    entry_index own_index
);

// A message that a receiver took.
draft delivery_entry(const outbox_message& m, instant at);
// That a mail which its relay had taken came back, with the status of its report.
draft returned_entry(const outbox_message& m, std::string_view status, instant at);

// The key of contacts about the pupil that are about no alert. Never a number, which is the key of an alert's actions.
std::string contact_key(entry_index pupil);

// Somebody saw what is not shown by itself. `user` is the operating system's, `view` what was seen.
draft access_entry(
    std::string_view user,
    entry_index pupil,
    std::string_view view,
    std::string_view reason,
    instant at,
    entry_index own_index
);

// The projection row of an entry, from its payload alone. Fails with ledger_in_doubt when the payload is not of a form
// this program writes.
result<version> project(std::string_view payload, entry_index own_index, const digester& digest);

// The figures and words of a mark's payload, for lists.
std::string_view class_text(code_class klass);

} // namespace rollbook
