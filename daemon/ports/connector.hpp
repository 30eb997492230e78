#pragma once

#include "daemon/base/error.hpp"
#include "daemon/domain/session.hpp"
#include "daemon/domain/what.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rollbook {

// One session mark as a source reports it. The views look into the page's storage.
struct reported_mark {
    std::string_view source_id; // the source's id of the mark; may be empty
    std::string_view pupil_id;  // the source's id of the pupil; never empty
    session_id session{};
    std::string_view raw; // the school's code as read, trimmed; empty where none is recorded
    std::string_view
        statutory; // the code that the school's own code list says it stands for; empty where it names none
    std::int16_t minutes_late = -1; // -1: not given
    std::string_view comment;       // empty: none
    std::string_view taken_by;      // the source's id of the member of staff; empty: not given
    // What the source itself says of a correction: canonical JSON {name, on, position, reason}, each only where given.
    std::string_view amendment; // empty: nothing
};

// Any other canonical record.
struct reported_record {
    what kind = what::pupil;
    std::string source_id; // never empty
    // The source's id of the one pupil it is about, for a pupil record its own id; empty for an incident or a concern,
    // whose pupils follow as involvement records, one each.
    std::string pupil_id;
    std::string fields; // canonical JSON object (RFC 8785): the fields of schemas/canonical/<what>.schema.json

    reported_record() = default;
    reported_record(what k, std::string id, std::string pupil, std::string f)
        : kind(k), source_id(std::move(id)), pupil_id(std::move(pupil)), fields(std::move(f))
    {
    }
};

// What a row that could not be read may be of, as far as that itself could be read. What is held of it is still listed:
// a row is not gone because it cannot be understood.
struct row_identity {
    std::string source_id; // of the record; of a mark empty
    // Empty: not read. Of a mark, or where there is no source id: any record of this kind of the pupil's.
    std::string pupil_id;
    std::optional<civil_day> day; // of a mark; empty: any day
    std::optional<half_day> half; // of a mark; empty: the whole day

    bool is_empty() const { return source_id.empty() && pupil_id.empty(); }
};

// One row that could not be read: no identity, or no readable shape. Kept with its reason, never guessed at.
struct rejected_row {
    what kind = what::pupil;
    row_identity whose;
    std::string reason;         // names the field, never the value
    std::string row;            // the row as it came (JSON text), for quarantine only
    std::uint32_t position = 0; // row number on its page, from 0

    rejected_row() = default;
    rejected_row(what k, std::string why, std::string text, std::uint32_t at)
        : kind(k), reason(std::move(why)), row(std::move(text)), position(at)
    {
    }
};

// The source's own word that a record is gone. Never a mark: those are found missing when their window is read again.
struct gone_record {
    what kind = what::pupil;
    std::string source_id;

    gone_record() = default;
    gone_record(what k, std::string id) : kind(k), source_id(std::move(id)) {}
};

struct page {
    std::shared_ptr<const void> storage; // keeps what the views look into
    std::vector<reported_mark> marks;
    std::vector<reported_record> records;
    std::vector<gone_record> gone;
    std::vector<rejected_row> rejected;
    std::size_t rows = 0;                // rows the source sent on this page
    std::size_t skipped = 0;             // of them, rows older than the window that was asked for: not read
    std::optional<instant> data_as_of;   // the newest time of its own that the source named on this page
    std::optional<civil_day> newest_day; // the newest session day on this page
    std::optional<std::string> next;     // where the next page starts; empty on the last page

    // For a page_memory: where the page began, and a digest of its bytes and of all else that made its rows; 0 where it
    // is not one to remember.
    std::string place;
    std::uint64_t digest = 0;
    bool again = false; // came as the memory has it: no rows in it, only their number

    page() = default;
    page(page&&) = default;
    page& operator=(page&&) = default;
};

struct stream_info {
    std::string name;
    std::vector<what> makes;         // the kinds of record it yields
    bool by_day = false;             // rows belong to school days, and a window may be asked for
    bool lists_all = false;          // a complete read names every record in its window: what is missing has vanished
    bool by_changes = false;         // its bookmark says from where changes are asked for; without, it is read in full
    std::string path_template;       // for errors: the path without values
    std::vector<std::string> fields; // that its records may have, "pupil.upn"; empty: not known before
    std::vector<std::string> flags;  // of pupils, that it can say at all; empty: any, or none
};

// A fact about the source that shapes what is read: its code list, our mapping. Appended to the ledger when it differs
// from the last one.
struct source_fact {
    std::string name;  // "code-list" or "mapping"
    std::string value; // canonical JSON

    source_fact() = default;
    source_fact(std::string n, std::string v) : name(std::move(n)), value(std::move(v)) {}
};

// Pages of marks that changed nothing when they were read last. One that comes again byte for byte need not be parsed.
class page_memory {
public:
    virtual ~page_memory() = default;
    // The page at `place` with its `again` set, if it had this digest then, and what is held is still what it said. Ask
    // just before handing it out: what it says holds until the next page is taken.
    virtual std::optional<page> known(const std::string& place, std::uint64_t digest) = 0;
    // Where the page after the one at `place` began when that was read last, and may begin again; nothing if it is not
    // remembered or was the last. Good for asking ahead: what the page itself says counts.
    virtual std::optional<std::string> next_of(const std::string& place) const = 0;
};

// One MIS or safeguarding system, as configured at one school.
class connector {
public:
    virtual ~connector() = default;
    virtual const std::string& source() const = 0;
    virtual const std::vector<stream_info>& streams() const = 0;

    // Starts a run: forgets what the last run looked up (the code list, tokens, totals) and looks it up again.
    // Fails with source_* or page_malformed.
    virtual boost::asio::awaitable<result<void>> begin_run() = 0;
    // What the run looked up, for the settings entries. Valid after begin_run().
    virtual std::vector<source_fact> facts() const = 0;

    // Fetches the page of stream number `stream` at `at`, or its first page when `at` is empty. Rows of days before
    // `from` are skipped. Does not retry, sleep, log or touch the ledger: the loop that calls it owns pacing. Asking
    // twice for the same place is safe. It may start fetching the page after, which it then has ready.
    // Fails with source_* or page_malformed; the failure names the stream's path template and the page's number.
    virtual boost::asio::awaitable<result<page>>
    fetch_page(std::size_t stream, std::optional<civil_day> from, std::optional<std::string> at) = 0;

    // The day from which a stream by days is asked for when nothing else says so; empty: it lists every day it has.
    virtual std::optional<civil_day> first_day(std::size_t /*stream*/) const { return std::nullopt; }

    // Asked before a stream's first page. True: this read gives only what changed since the bookmark, and says itself
    // what is gone; what it does not name stays as it is. Without `allowed` the stream must be read in full.
    virtual bool gives_changes(std::size_t /*stream*/, bool /*allowed*/) { return false; }

    // What fetch_page() may ask instead of parsing, until the next call; null: nothing, and no page is read for now.
    virtual void use_memory(page_memory*) {}

    // The source's own count of the records of `kind` that it lists, where the run looked one up.
    virtual std::optional<std::int64_t> total(what kind) const = 0;

    // What the source itself counts of each pupil, by the source's id: possible sessions in the academic year to date,
    // where the run looked them up. Empty where it gives none.
    virtual std::vector<std::pair<std::string, std::int64_t>> possible_sessions() const { return {}; }

    // A text of one line that changes whenever what shapes the stream's answer changes: path, filters, includes,
    // mapping version.
    virtual std::string fingerprint(std::size_t stream) const = 0;

    // For sources that hand a thing over once instead of being asked for all of it: files in a folder, a tap with a
    // state. The loop calls resume() before begin_run() with what bookmark() gave at the stream's last closed read
    // (empty before the first), and stores bookmark() in the closing transaction of this one.
    virtual void resume(std::size_t, const std::string&) {}
    virtual std::string bookmark(std::size_t) const { return {}; }
    // Whether there is something to read in this run; without, the stream stays as its last read left it. Valid after
    // begin_run().
    virtual bool has_news(std::size_t) const { return true; }
    // Every stream of the run was read and its closing transaction is durable: what was handed over may now go. It may
    // also never be called after a read that closed, because the machine stopped in between.
    virtual result<void> closed() { return {}; }
    // Whether another run should follow at once, after a run that failed too.
    virtual bool has_more() const { return false; }
};

} // namespace rollbook
