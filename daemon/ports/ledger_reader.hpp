#pragma once

#include "daemon/base/bytes.hpp"
#include "daemon/base/signed_note.hpp"
#include "daemon/domain/case_facts.hpp"
#include "daemon/domain/figures.hpp"
#include "daemon/ports/ledger.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// One entry as it stands. Views are valid during the call that hands it over.
struct entry_view {
    entry_index index = 0;
    entry_kind kind = entry_kind::record;
    instant recorded_at{};
    hash commitment{};
    bool is_open = true; // false once erased: no commit key, no payload
    hash commit_key{};
    std::string_view payload;
};

// One version of a thing with its payload.
struct thing_view {
    entry_index entry = 0;
    entry_index subject = 0;
    entry_index pupil = no_entry;
    what kind = what::pupil;
    std::string_view source;
    std::string_view key;
    bool gone = false;
    std::string_view payload; // empty once erased
};

struct mark_view {
    entry_index entry = 0;
    session_id session{};
    entry_index pupil = 0;
    std::string_view source;
    std::string_view raw;
    std::string_view statutory;
    std::int16_t minutes = -1;
    std::string_view payload; // only where it was asked for
    // Marks of one call with the same number say the same but for entry, session, pupil and payload, so that what
    // follows from their words is worked out once. 0: not told.
    std::uint32_t alike = 0;
};

// Two versions of one session's mark, the second in the first one's place.
struct mark_change {
    entry_index before = 0;
    entry_index after = 0;
};

struct stored_checkpoint {
    std::uint64_t size = 0;
    instant at{};
    std::string note;
};

struct outbox_counts {
    std::int64_t waiting = 0;
    std::int64_t failed = 0; // given up
    // By route, those that a person should see to: given up, or tried in vain and not delivered within an hour.
    std::map<std::string, std::int64_t> undelivered{};
};

struct quarantined_view {
    std::int64_t id = 0;
    instant first_seen{};
    instant last_seen{};
    std::int64_t times = 0;
    what record = what::pupil;
    std::string source;
    std::string stream;
    std::uint32_t page = 0; // where it stood when it came last
    std::uint32_t position = 0;
    std::string reason;
    std::string row; // as it came: personal data
};

struct verify_problem {
    std::optional<entry_index> index; // the first bad entry, where one is to blame
    std::string what;
};

struct verify_report {
    std::uint64_t size = 0;
    hash root{};
    std::uint64_t checkpoints = 0;
    std::uint64_t openings = 0;
    std::uint64_t erased = 0;
    std::uint64_t unsigned_entries = 0; // beyond the newest checkpoint; no failure
    std::uint64_t taken_over = 0;       // entries that an earlier verification had checked
    std::vector<verify_problem> problems;
    bool ok() const { return problems.empty(); }
};

// How far a verification came: what was found of the entries below `index`, of which the tree has `root`.
struct verify_progress {
    std::uint64_t index = 0;
    hash root{};
    std::uint64_t marks = 0, things = 0, ended_marks = 0, ended_things = 0; // rows that those entries stand for
    std::vector<verify_problem> problems;
};

struct verify_options {
    std::optional<verifier_key> key;              // the pinned key; missing is a failure
    std::vector<std::string> earlier_checkpoints; // notes kept elsewhere: each must be a prefix
    std::vector<verifier_key> witnesses;          // whose stored signatures must verify too
    bool quick = false;                           // leaves the rebuild of the projections out
    // Called now and then with entries done and in all.
    std::function<void(std::uint64_t done, std::uint64_t all)> progress;
    // Called as often, with all that it takes to go on from there.
    std::function<void(const verify_progress&)> keep;
    // Where an earlier verification stopped: openings and projections below it are taken as found then. The tree is
    // made again from the first entry all the same, and one that differs makes everything be checked again.
    std::optional<verify_progress> go_on;
};

struct rebuild_report {
    std::uint64_t entries = 0;
    std::uint64_t rows = 0;
    std::uint64_t differed = 0; // projection rows that were missing, surplus or not equal
};

// The ledger for everyone but its writer: read-only, usable while the daemon runs. Known-at is a tree size N: only
// entries below N are seen, and versions that none below N replaced. Failures of the store are exceptions.
class ledger_reader {
public:
    virtual ~ledger_reader() = default;

    // All that `questions` ask is answered from one state of the ledger, and sooner than each alone: for each, the
    // store would find out anew whether something was written. What waits to be cleared away waits for its end.
    virtual void at_once(const std::function<void()>& questions) const { questions(); }

    virtual entry_index size() const = 0;
    // Differs from what it was before once anything was written, entry or not; means nothing else.
    virtual std::int64_t revision() const { return static_cast<std::int64_t>(size()); }
    // The number of entries recorded at or before `at`.
    virtual entry_index size_at(instant at) const = 0;
    // When the first read of any source closed, and the size the ledger had then; empty before.
    struct beginning {
        instant at{};
        entry_index size = 0;
    };
    virtual std::optional<beginning> began() const = 0;
    // Whether what is known then is known already: `now` is no earlier, or the clock was put back since.
    bool has_come(instant then, instant now) const { return then <= now || size_at(now) < size(); }
    virtual bool is_simulated() const = 0; // from entry 0
    virtual std::string origin() const = 0;

    // Entries [from, to) in order, until `use` returns false.
    virtual void entries(entry_index from, entry_index to, const std::function<bool(const entry_view&)>& use) const = 0;
    // Versions of `kind` that stand at N, gone ones included, in order of entry, until `use` returns false.
    virtual void things(what kind, entry_index n, const std::function<bool(const thing_view&)>& use) const = 0;
    // The same without their payloads: what a list goes through before it knows which it shows.
    virtual void things_unread(what kind, entry_index n, const std::function<bool(const thing_view&)>& use) const
    {
        things(kind, n, [&](const thing_view& each) {
            thing_view unread = each;
            unread.payload = {};
            return use(unread);
        });
    }
    // As things(), of one pupil's record.
    virtual void
    things_of(what kind, entry_index pupil, entry_index n, const std::function<bool(const thing_view&)>& use) const
    {
        things(kind, n, [&](const thing_view& each) { return each.pupil != pupil || use(each); });
    }
    // As things(), of entries from `from` on.
    virtual void
    things_since(what kind, entry_index from, entry_index n, const std::function<bool(const thing_view&)>& use) const
    {
        things(kind, n, [&](const thing_view& each) { return each.entry < from || use(each); });
    }
    // As things(), of the source's record of that id: of an incident or a concern without looking through all others.
    virtual void things_by_id(
        what kind,
        std::string_view source,
        std::string_view id,
        entry_index n,
        const std::function<bool(const thing_view&)>& use
    ) const
    {
        things(kind, n, [&](const thing_view& each) { return each.source != source || each.key != id || use(each); });
    }
    // The sources that versions of `kind` below N are from.
    virtual std::set<std::string> sources_of(what kind, entry_index n) const
    {
        std::set<std::string> found;
        things(kind, n, [&](const thing_view& each) {
            found.emplace(each.source);
            return true;
        });
        return found;
    }
    // Incidents, concerns, their parts and suspensions as they stand at N.
    virtual std::shared_ptr<const case_facts> cases(entry_index n) const;
    // Every version below N of the thing whose first entry is `subject`, oldest first.
    virtual void
    history(entry_index subject, entry_index n, const std::function<bool(const thing_view&)>& use) const = 0;
    // Marks held at N, of one pupil or (no_entry) of all, by entry order; gone ones are left out.
    virtual void marks(
        entry_index pupil, entry_index n, bool with_payload, const std::function<bool(const mark_view&)>& use
    ) const = 0;

    // The same for sessions of these days, in order of session.
    virtual void marks_of_days(
        entry_index pupil,
        const day_range& days,
        entry_index n,
        bool with_payload,
        const std::function<bool(const mark_view&)>& use
    ) const
    {
        marks(pupil, n, with_payload, [&](const mark_view& view) {
            return !days.contains(view.session.day) || use(view);
        });
    }

    // The sums of one source's marks held at N of these days, by pupil record; of one without a mark there is nothing.
    virtual std::map<entry_index, figures>
    sums_of_days(std::string_view source, const day_range& days, entry_index n) const;

    // Marks of which the entry `after` is within [from, to), in order of it, until `use` returns false.
    virtual void
    mark_changes(entry_index from, entry_index to, const std::function<bool(const mark_change&)>& use) const = 0;

    // Statements of reads closed in [from, to], oldest first; those known at N.
    virtual void statements(
        std::optional<instant> from,
        std::optional<instant> to,
        entry_index n,
        const std::function<bool(const statement_row&)>& use
    ) const = 0;

    // The newest value of each alert beside its versions, as known at N, by alert.
    virtual std::vector<alert_value> alert_values(entry_index) const { return {}; }

    virtual std::vector<source_state> sources() const = 0;
    virtual std::vector<stream_state> streams(const std::string& source) const = 0;
    virtual outbox_counts outbox() const = 0;
    virtual std::int64_t quarantined() const = 0;
    // What could not be read, by id; each bad row once, however often it came.
    virtual void quarantine(const std::function<bool(const quarantined_view&)>& use) const = 0;
    virtual std::optional<stored_checkpoint> newest_checkpoint() const = 0;

    // The proof file (C2SP tlog-proof) of one entry in the newest checkpoint. Fails with not_found beyond it.
    virtual result<std::string> prove(entry_index index) const = 0;
    // Everything the outside contract's section "Verification" asks for; short read transactions.
    virtual verify_report verify(const verify_options& options) const = 0;
};

// Brings facts that have everything below `first` up to N.
void take_cases(const ledger_reader& from, entry_index first, entry_index n, case_facts& into);

} // namespace rollbook
