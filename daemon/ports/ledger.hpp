#pragma once

#include "daemon/base/error.hpp"
#include "daemon/base/ledger_entry.hpp"
#include "daemon/domain/alert_value.hpp"
#include "daemon/domain/held.hpp"
#include "daemon/ports/channel.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace rollbook {

class checkpoint_book; // ports/ledger_proofs.hpp

// One entry to be: its payload (canonical JSON) and the projection row that the payload stands for.
struct draft {
    entry_kind kind = entry_kind::record;
    std::string payload;
    version row;

    draft(entry_kind k, std::string p, version r) : kind(k), payload(std::move(p)), row(std::move(r)) {}
};

// What one read found of one kind of record. balanced: read = fresh + changed + unchanged + duplicate + quarantined,
// and the source's own total, where it gives one, equals what is held.
inline constexpr std::string_view not_read_switched_off = "switched-off";
inline constexpr std::string_view not_read_refused = "refused";
inline constexpr std::string_view not_read_broke_off = "broke-off";

struct statement_row {
    instant at{};
    std::string source;
    what record = what::pupil;
    std::int64_t read = 0;
    std::int64_t fresh = 0;   // "new"
    std::int64_t changed = 0; // includes restored
    std::int64_t unchanged = 0;
    std::int64_t duplicate = 0;
    std::int64_t quarantined = 0;
    std::int64_t vanished = 0;       // held before and gone now: missing, tombstoned and leavers together
    std::int64_t tombstoned = 0;     // of them: the source itself says that it deleted them
    std::int64_t leavers = 0;        // of them: pupils whose last day on roll had come
    std::int64_t out_of_scope = 0;   // not vanished: listed as the source was asked before, not as it is asked now
    std::int64_t restored = 0;       // of those changed: they were gone or out of scope
    std::int64_t outside_window = 0; // held, of days that were not asked for: as they were last known
    std::optional<std::int64_t> source_total;
    std::int64_t held = 0; // of that source and kind after the read
    bool balanced = true;
    std::string not_read; // one of the words above: what is held is of earlier reads; mostly empty

    bool adds_up() const { return read == fresh + changed + unchanged + duplicate + quarantined; }
    bool nothing_new() const { return fresh + changed + quarantined + vanished + out_of_scope + restored == 0; }
};

struct quarantined_row {
    instant at{};
    std::string source;
    what record = what::pupil;
    std::string stream;
    std::uint32_t page = 0;
    std::uint32_t position = 0;
    std::string reason;
    std::string row;
};

// A message that waits for delivery, and what became of it.
struct outbox_message {
    std::int64_t number = 0; // given by the ledger
    message content;
    entry_index alert = no_entry; // no_entry: about no single alert
    entry_index pupil = no_entry;
    std::string stage;
    std::string route;
    int attempts = 0;
    instant next_at{}; // of a new one: not before then
    std::string last_error;
};

// How a source stands; kept beside the ledger, not in it.
struct source_state {
    std::string source;
    std::optional<instant> first_closed_at; // the first read that closed: the end of backfill
    std::optional<instant> last_attempt;
    std::optional<instant> last_success;
    std::optional<instant> data_as_of;
    std::optional<civil_day> newest_day;    // newest session day it has marks for
    std::optional<civil_day> statement_day; // school day of its last statement entry
    std::string error;                      // of the last attempt; empty: none
    std::string error_to_do;
    std::string error_class;
    // Entries before it are in what the rules on marks last went by; empty: not known.
    std::optional<entry_index> marks_judged_to;
};

// In place of a fingerprint: all of the stream is read again as it was asked before, and retires nothing.
inline constexpr std::string_view to_be_read_again = "to be read again";

// How a stream of a source stands.
struct stream_state {
    std::string source;
    std::string stream;
    std::string fingerprint;
    // When each window was last read to its end: from that day on; empty: everything. Newest first.
    struct window {
        std::optional<civil_day> from;
        instant read_at{};
        bool listed = false; // there were rows in it then
    };
    std::vector<window> windows;
};

// Everything that becomes true at once.
struct transaction {
    std::vector<draft> entries;
    std::vector<statement_row> statements;
    std::vector<quarantined_row> quarantined;
    std::vector<outbox_message> messages;
    std::vector<source_state> sources;
    std::vector<stream_state> streams;
    std::vector<alert_value> values; // their size is that after the entries of this transaction
    // Delivery: outbox numbers received (their receipts are among the entries), tried again later, given up, or made
    // needless: by a later message before anybody tried to send them, or by a person's word.
    struct attempt_result {
        std::int64_t number = 0;
        enum class end { delivered, again, failed, replaced } as = end::delivered;
        instant next_at{};
        std::string error;
    };
    std::vector<attempt_result> attempts;

    bool empty() const
    {
        return entries.empty() && statements.empty() && quarantined.empty() && messages.empty() && sources.empty() &&
               streams.empty() && values.empty() && attempts.empty();
    }
};

// The one writer of the ledger. Failures of the store are exceptions, commit() and sign_checkpoint() say as
// failure_error what and where, and leave nothing half done; after one, what is in memory may be ahead of the file:
// reload() or stop.
class ledger {
public:
    virtual ~ledger() = default;

    // All of it: what is not yet in memory is read now, which takes seconds where years are held.
    virtual held_state& state() = 0;
    // Reads a part of state(), for about that long. True once all of it is in memory: then it does nothing.
    virtual bool load_some(std::chrono::milliseconds at_most) = 0;
    // Takes committed entries, the first of which is `base`, into state(). What is not yet in memory gets there when it
    // is read.
    virtual void apply(const transaction& t, entry_index base) = 0;
    // A read has ended: lets go of what only reading needs, in state() and beside it. Not while changes of state() are
    // uncommitted.
    virtual void rest() { state().rest(); }
    // Keyed digest for comparing what a source says with what it said; stable for the life of the ledger.
    virtual std::uint64_t digest(std::string_view text) const = 0;
    virtual entry_index size() const = 0;
    // When the newest entry was recorded; nothing before there is one.
    virtual std::optional<instant> last_recorded() const = 0;

    // Appends the entries and stores the rest in one durable transaction (WAL, FULL). Entry i becomes size() + i. Does
    // not touch state(). Recorded times never go back: the later of `now` and the last entry's is used.
    virtual void commit(const transaction& t, instant now) = 0;
    // The same, and may return before it is done: what the caller does next goes beside the disk. It counts in size()
    // at once. Every other call but state() and digest() waits for it first, and throws what it failed with, until
    // reload(); what was begun after one that failed is not done. Two may be under way; a third waits for them.
    virtual void begin_commit(std::shared_ptr<const transaction> t, instant now) { commit(*t, now); }
    // Whether begin_commit() would wait.
    virtual bool is_busy() const { return false; }
    // Waits for what was begun. Throws what it failed with.
    virtual void settle() {}
    // Another number after each commit(); the same after a begin_commit().
    virtual std::uint64_t commits() const { return size(); }
    // Signs and stores a checkpoint for all committed entries; nothing when the newest already covers them.
    virtual void sign_checkpoint(instant now) = 0;
    // What was signed, and what becomes of it.
    virtual checkpoint_book& checkpoints() = 0;
    virtual void reload() = 0;

    virtual std::optional<source_state> source(const std::string& name) const = 0;
    virtual std::optional<stream_state> stream(const std::string& source, const std::string& stream) const = 0;

    // By pupil (first entry), the earliest day, `from` or later, of the marks of `source` that entry `first` or a later
    // one tells of: another code than before, one that is new, or that one was taken back.
    virtual std::vector<std::pair<entry_index, civil_day>>
    days_of_marks_since(const std::string& source, entry_index first, civil_day from) const = 0;

    // The newest value of an alert beside its versions; empty when there is none.
    virtual std::optional<alert_value> value_of(entry_index alert) const = 0;

    // Messages due at `now`, oldest first.
    virtual std::vector<outbox_message> due_messages(instant now, std::size_t max) const = 0;
    virtual std::optional<instant> next_message_at() const = 0;
    // Counts a try before it is made, durably, so that a repeat after a crash is marked as one. Returns its number.
    virtual int begin_attempt(std::int64_t number, instant now) = 0;
    // The id of the first message of the alert on the route, to thread the later ones; empty when there is none.
    virtual std::string first_message_id(entry_index alert, const std::string& route) const = 0;
    // Those that went out under that id and did not come back: a message, or all that a digest gathered.
    virtual std::vector<outbox_message> delivered_messages(const std::string& id) const = 0;
    // Whether a message of that id was ever made.
    virtual bool has_message(const std::string& id) const = 0;
    // Messages about the alert on the route that nobody has tried to send yet, oldest first.
    virtual std::vector<outbox_message> untried_messages(entry_index alert, const std::string& route) const = 0;
    // Messages for the route that no try has delivered, to be tried again or given up, oldest first.
    virtual std::vector<outbox_message> undelivered_messages(const std::string& route) const = 0;
};

} // namespace rollbook
