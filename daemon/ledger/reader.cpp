#include "daemon/ledger/reader.hpp"

#include "daemon/base/json.hpp"
#include "daemon/base/sha256.hpp"
#include "daemon/ledger/checkpoints.hpp"
#include "daemon/ledger/database.hpp"
#include "daemon/ledger/kept_marks.hpp"
#include "daemon/ledger/rows.hpp"
#include "daemon/ledger/verify.hpp"
#include "daemon/ledger/windows.hpp"

#include <cstring>

namespace rollbook {
namespace {

std::int64_t signed_index(entry_index index)
{
    // no_entry and sizes beyond the table mean "all": SQLite's integers end at 2^63 - 1.
    return index > tree_size_max ? static_cast<std::int64_t>(tree_size_max) : static_cast<std::int64_t>(index);
}

entry_index index_of(const SQLite::Column& column)
{
    return column.isNull() ? no_entry : static_cast<entry_index>(column.getInt64());
}

thing_view thing_of(SQLite::Statement& row)
{
    thing_view view;
    view.entry = index_of(row.getColumn(0));
    view.subject = index_of(row.getColumn(1));
    view.pupil = index_of(row.getColumn(2));
    view.kind = static_cast<what>(row.getColumn(3).getInt());
    view.source = text_of(row.getColumn(4));
    view.key = text_of(row.getColumn(5));
    view.gone = row.getColumn(6).getInt() != 0;
    view.payload = text_of(row.getColumn(7));
    return view;
}

constexpr const char* thing_columns =
    "SELECT entry, subject, pupil, what, source, key, gone, payload FROM thing LEFT JOIN opening ON idx = entry ";

// A question that is asked often is prepared once. While it is being answered, as when what it hands over is looked up
// further, the same question is prepared anew.
class kept_statement {
public:
    template <class F> void with(const SQLite::Database& database, const char* select, const char* where, F&& use)
    {
        std::unique_ptr<SQLite::Statement> rows = std::move(kept_);
        if (!rows) rows = std::make_unique<SQLite::Statement>(database, std::string(select) + where);
        use(*rows);
        rows->reset(); // or it would hold the state of the ledger that it began with
        kept_ = std::move(rows);
    }

private:
    std::unique_ptr<SQLite::Statement> kept_;
};

class sqlite_reader final : public ledger_reader {
public:
    sqlite_reader(std::unique_ptr<SQLite::Database> database, bool stays_open)
        : database_(std::move(database)), stays_open_(stays_open)
    {
    }

    void at_once(const std::function<void()>& questions) const override
    {
        SQLite::Transaction one_state(*database_); // deferred: it begins with the first question, and only reads
        questions();
    }

    entry_index size() const override
    {
        return static_cast<entry_index>(database_->execAndGet("SELECT coalesce(max(idx), -1) + 1 FROM entry").getInt64()
        );
    }

    std::int64_t revision() const override { return database_->execAndGet("PRAGMA data_version").getInt64(); }

    entry_index size_at(instant at) const override
    {
        // Recorded times never go back, so the entries known at an instant are a prefix: halve the range.
        SQLite::Statement recorded(*database_, "SELECT recorded_at FROM entry WHERE idx = ?");
        entry_index low = 0;
        entry_index high = size();
        while (low < high) {
            const entry_index middle = low + (high - low) / 2;
            recorded.reset();
            recorded.bind(1, signed_index(middle));
            if (recorded.executeStep() && from_milliseconds(recorded.getColumn(0).getInt64()) <= at)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    std::optional<beginning> began() const override
    {
        SQLite::Statement first(
            *database_,
            "SELECT entry.idx, recorded_at, payload FROM thing JOIN entry ON entry.idx = thing.entry "
            "JOIN opening ON opening.idx = thing.entry WHERE what = ? ORDER BY thing.entry"
        );
        first.bind(1, static_cast<int>(what::statement));
        while (first.executeStep()) {
            const auto payload = json_document::parse(std::string(text_of(first.getColumn(2))));
            if (!payload || !payload->root()["first"].bool_if().value_or(false)) continue;
            return beginning{from_milliseconds(first.getColumn(1).getInt64()), index_of(first.getColumn(0)) + 1};
        }
        return std::nullopt;
    }

    bool is_simulated() const override { return birth_value("simulated") == "true"; }
    std::string origin() const override { return birth_value("origin"); }

    void entries(entry_index from, entry_index to, const std::function<bool(const entry_view&)>& use) const override
    {
        // Evidence is read entry by entry, thousands for a list of alerts.
        entry_rows_.with(
            *database_,
            "SELECT entry.idx, kind, recorded_at, commitment, commit_key, payload FROM entry ",
            "LEFT JOIN opening ON opening.idx = entry.idx WHERE entry.idx >= ? AND entry.idx < ? ORDER BY entry.idx",
            [&](SQLite::Statement& rows) {
                rows.bind(1, signed_index(from));
                rows.bind(2, signed_index(to));
                while (rows.executeStep()) {
                    entry_view view;
                    view.index = index_of(rows.getColumn(0));
                    view.kind = kind_of_entry(view.index, rows.getColumn(1).getInt64());
                    view.recorded_at = time_of_entry(view.index, rows.getColumn(2).getInt64());
                    view.commitment = hash_of(rows.getColumn(3));
                    view.is_open = !rows.getColumn(4).isNull();
                    if (view.is_open) {
                        view.commit_key = hash_of(rows.getColumn(4));
                        view.payload = text_of(rows.getColumn(5));
                    }
                    if (!use(view)) break;
                }
            }
        );
    }

    void things(what kind, entry_index n, const std::function<bool(const thing_view&)>& use) const override
    {
        standing(thing_columns, kind, n, use);
    }

    void things_unread(what kind, entry_index n, const std::function<bool(const thing_view&)>& use) const override
    {
        standing("SELECT entry, subject, pupil, what, source, key, gone, NULL FROM thing ", kind, n, use);
    }

    void things_of(what kind, entry_index pupil, entry_index n, const std::function<bool(const thing_view&)>& use)
        const override
    {
        SQLite::Statement rows(
            *database_,
            std::string(thing_columns) +
                "WHERE what = ?1 AND pupil = ?3 AND entry < ?2 AND (to_entry IS NULL OR to_entry >= ?2) ORDER BY entry"
        );
        rows.bind(1, static_cast<int>(kind));
        rows.bind(2, signed_index(n));
        rows.bind(3, signed_index(pupil));
        while (rows.executeStep())
            if (!use(thing_of(rows))) return;
    }

    void things_since(what kind, entry_index from, entry_index n, const std::function<bool(const thing_view&)>& use)
        const override
    {
        SQLite::Statement rows(
            *database_,
            std::string(thing_columns) +
                "WHERE what = ?1 AND entry >= ?3 AND entry < ?2 AND (to_entry IS NULL OR to_entry >= ?2) ORDER BY entry"
        );
        rows.bind(1, static_cast<int>(kind));
        rows.bind(2, signed_index(n));
        rows.bind(3, signed_index(from));
        while (rows.executeStep())
            if (!use(thing_of(rows))) return;
    }

    void things_by_id(
        what kind,
        std::string_view source,
        std::string_view id,
        entry_index n,
        const std::function<bool(const thing_view&)>& use
    ) const override
    {
        if (!is_found_by_id(kind)) return ledger_reader::things_by_id(kind, source, id, n, use);
        // Asked once for each incident of a pupil. Kinds as thing_by_id lists them.
        rows_by_id_.with(
            *database_,
            thing_columns,
            "WHERE what = ?1 AND what IN (3, 5, 6) AND source = ?3 AND key = ?4 AND entry < ?2 "
            "AND (to_entry IS NULL OR to_entry >= ?2) ORDER BY entry",
            [&](SQLite::Statement& rows) {
                rows.bind(1, static_cast<int>(kind));
                rows.bind(2, signed_index(n));
                rows.bind(3, std::string(source));
                rows.bind(4, std::string(id));
                while (rows.executeStep())
                    if (!use(thing_of(rows))) break;
            }
        );
    }

    std::set<std::string> sources_of(what kind, entry_index n) const override
    {
        std::set<std::string> found;
        if (!is_found_by_id(kind)) {
            for (const auto& [source, first] : first_by_source(kind))
                if (first < n) found.insert(source);
            return found;
        }
        // From one source to the next, past all that each has.
        SQLite::Statement next(
            *database_,
            "SELECT source FROM thing WHERE what = ?1 AND what IN (3, 5, 6) AND source > ?2 AND entry < ?3 "
            "ORDER BY source LIMIT 1"
        );
        next.bind(1, static_cast<int>(kind));
        next.bind(2, "");
        next.bind(3, signed_index(n));
        while (next.executeStep()) {
            const auto at = found.emplace(text_of(next.getColumn(0))).first;
            next.reset();
            next.bind(2, *at);
        }
        return found;
    }

    std::shared_ptr<const case_facts> cases(entry_index n) const override
    {
        if (!stays_open_) return ledger_reader::cases(n);
        const entry_index now = size();
        if (!cases_ || is_erased_within(cases_to_, now)) {
            cases_ = std::make_shared<case_facts>();
            cases_to_ = 0;
        }
        take_cases(*this, cases_to_, now, *cases_);
        cases_to_ = std::max(cases_to_, now);
        SQLite::Statement later(*database_, "SELECT 1 FROM thing WHERE entry >= ? AND what IN (3, 4, 5, 6) LIMIT 1");
        later.bind(1, signed_index(n));
        return later.executeStep() ? ledger_reader::cases(n) : cases_;
    }

    void history(entry_index subject, entry_index n, const std::function<bool(const thing_view&)>& use) const override
    {
        // Asked once for each pupil by who lists what became of them.
        history_.with(
            *database_,
            thing_columns,
            "WHERE subject = ?1 AND entry < ?2 ORDER BY entry",
            [&](SQLite::Statement& rows) {
                rows.bind(1, signed_index(subject));
                rows.bind(2, signed_index(n));
                while (rows.executeStep())
                    if (!use(thing_of(rows))) break;
            }
        );
    }

    void marks(entry_index pupil, entry_index n, bool with_payload, const std::function<bool(const mark_view&)>& use)
        const override
    {
        std::string sql(mark_columns);
        sql += with_payload ? ", payload FROM mark LEFT JOIN opening ON idx = entry " : " FROM mark ";
        sql += "WHERE entry < ?1 AND (to_entry IS NULL OR to_entry >= ?1) AND gone = 0";
        if (pupil != no_entry) sql += " AND pupil = ?2";
        row_scan rows(*database_, (sql + " ORDER BY entry").c_str());
        if (pupil == no_entry)
            rows.restart({signed_index(n)});
        else
            rows.restart({signed_index(n), signed_index(pupil)});
        hand_over(rows, with_payload, use);
    }

    void marks_of_days(
        entry_index pupil,
        const day_range& days,
        entry_index n,
        bool with_payload,
        const std::function<bool(const mark_view&)>& use
    ) const override
    {
        if (stays_open_) return kept_of_days(pupil, days, n, with_payload, use);
        std::string sql(mark_columns);
        sql += with_payload ? ", payload FROM mark LEFT JOIN opening ON idx = entry " : " FROM mark ";
        sql += "WHERE day BETWEEN ?2 AND ?3 AND entry < ?1 AND (to_entry IS NULL OR to_entry >= ?1) AND gone = 0 ";
        if (pupil != no_entry) sql += "AND pupil = ?4 ";
        row_scan rows(*database_, (sql + "ORDER BY day, session, pupil").c_str());
        const std::int64_t first = to_day_number(days.first), last = to_day_number(days.last);
        if (pupil == no_entry)
            rows.restart({signed_index(n), first, last});
        else
            rows.restart({signed_index(n), first, last, signed_index(pupil)});
        hand_over(rows, with_payload, use);
    }

    std::map<entry_index, figures>
    sums_of_days(std::string_view source, const day_range& days, entry_index n) const override
    {
        if (!stays_open_) return ledger_reader::sums_of_days(source, days, n);
        keep_up(days.first);
        return kept_.sums(source, days, n);
    }

    void
    mark_changes(entry_index from, entry_index to, const std::function<bool(const mark_change&)>& use) const override
    {
        SQLite::Statement rows(
            *database_,
            "SELECT entry, to_entry FROM mark WHERE to_entry IS NOT NULL AND to_entry >= ? AND to_entry < ? "
            "ORDER BY to_entry"
        );
        rows.bind(1, signed_index(from));
        rows.bind(2, signed_index(to));
        while (rows.executeStep())
            if (!use({index_of(rows.getColumn(0)), index_of(rows.getColumn(1))})) return;
    }

    static void hand_over(row_scan& rows, bool with_payload, const std::function<bool(const mark_view&)>& use)
    {
        mark_view view;
        while (rows.next()) {
            view.entry = static_cast<entry_index>(rows.number(0));
            read_mark(rows, view);
            if (with_payload) view.payload = rows.text(8);
            if (!use(view)) return;
        }
    }

    void statements(
        std::optional<instant> from,
        std::optional<instant> to,
        entry_index n,
        const std::function<bool(const statement_row&)>& use
    ) const override
    {
        SQLite::Statement rows(
            *database_,
            "SELECT at, source, record, read, fresh, changed, unchanged, duplicate, quarantined, vanished, tombstoned, "
            "leavers, out_of_scope, restored, outside_window, source_total, held, balanced, not_read FROM statement "
            "WHERE at >= "
            "? AND at <= ? AND size <= ? ORDER BY id"
        );
        rows.bind(1, from ? to_milliseconds(*from) : std::numeric_limits<std::int64_t>::min());
        rows.bind(2, to ? to_milliseconds(*to) : std::numeric_limits<std::int64_t>::max());
        rows.bind(3, signed_index(n));
        while (rows.executeStep()) {
            statement_row row;
            row.at = from_milliseconds(rows.getColumn(0).getInt64());
            row.source = text_of(rows.getColumn(1));
            row.record = static_cast<what>(rows.getColumn(2).getInt());
            std::int64_t* const counts[] = {
                &row.read,
                &row.fresh,
                &row.changed,
                &row.unchanged,
                &row.duplicate,
                &row.quarantined,
                &row.vanished,
                &row.tombstoned,
                &row.leavers,
                &row.out_of_scope,
                &row.restored,
                &row.outside_window};
            int column = 3;
            for (std::int64_t* count : counts)
                *count = rows.getColumn(column++).getInt64();
            if (!rows.getColumn(15).isNull()) row.source_total = rows.getColumn(15).getInt64();
            row.held = rows.getColumn(16).getInt64();
            row.balanced = rows.getColumn(17).getInt() != 0;
            row.not_read = text_of(rows.getColumn(18));
            if (!use(row)) return;
        }
    }

    std::vector<alert_value> alert_values(entry_index n) const override
    {
        SQLite::Statement rows(
            *database_,
            "SELECT alert, max(size), value, absent, possible, first_day, last_day, reason FROM alert_value "
            "WHERE size <= ? GROUP BY alert ORDER BY alert"
        );
        rows.bind(1, static_cast<std::int64_t>(std::min<entry_index>(n, std::numeric_limits<std::int64_t>::max())));
        std::vector<alert_value> all;
        while (rows.executeStep())
            all.push_back(alert_value_of(rows));
        return all;
    }

    std::vector<source_state> sources() const override
    {
        SQLite::Statement rows(
            *database_,
            "SELECT source, first_closed_at, last_attempt, last_success, data_as_of, newest_day, error, error_to_do, "
            "error_class FROM source_state ORDER BY source"
        );
        std::vector<source_state> all;
        while (rows.executeStep()) {
            source_state state;
            state.source = text_of(rows.getColumn(0));
            state.first_closed_at = instant_of(rows.getColumn(1));
            state.last_attempt = instant_of(rows.getColumn(2));
            state.last_success = instant_of(rows.getColumn(3));
            state.data_as_of = instant_of(rows.getColumn(4));
            if (!rows.getColumn(5).isNull()) state.newest_day = from_day_number(rows.getColumn(5).getInt64());
            state.error = text_of(rows.getColumn(6));
            state.error_to_do = text_of(rows.getColumn(7));
            state.error_class = text_of(rows.getColumn(8));
            all.push_back(std::move(state));
        }
        return all;
    }

    std::vector<stream_state> streams(const std::string& source) const override
    {
        SQLite::Statement rows(
            *database_, "SELECT stream, fingerprint, windows FROM stream_state WHERE source = ? ORDER BY stream"
        );
        rows.bind(1, source);
        std::vector<stream_state> all;
        while (rows.executeStep()) {
            stream_state state;
            state.source = source;
            state.stream = text_of(rows.getColumn(0));
            state.fingerprint = text_of(rows.getColumn(1));
            state.windows = parse_windows(text_of(rows.getColumn(2)));
            all.push_back(std::move(state));
        }
        return all;
    }

    outbox_counts outbox() const override
    {
        outbox_counts all;
        all.waiting = count("SELECT count(*) FROM outbox WHERE state = 0");
        // Together: for each the whole outbox is looked through.
        SQLite::Statement rows(
            *database_,
            "SELECT route, sum(state = 2), count(*) FROM outbox WHERE state = 2 OR (state = 0 AND "
            "(attempts > 0 OR last_error <> '') AND next_at - made_at >= 3600000) GROUP BY route"
        );
        while (rows.executeStep()) {
            all.failed += rows.getColumn(1).getInt64();
            all.undelivered[rows.getColumn(0).getString()] = rows.getColumn(2).getInt64();
        }
        return all;
    }

    std::int64_t quarantined() const override { return count("SELECT count(*) FROM quarantine"); }

    void quarantine(const std::function<bool(const quarantined_view&)>& use) const override
    {
        SQLite::Statement rows(
            *database_,
            "SELECT id, first_seen, last_seen, times, record, source, stream, page, position, reason, row "
            "FROM quarantine ORDER BY id"
        );
        while (rows.executeStep()) {
            quarantined_view row;
            row.id = rows.getColumn(0).getInt64();
            row.first_seen = from_milliseconds(rows.getColumn(1).getInt64());
            row.last_seen = from_milliseconds(rows.getColumn(2).getInt64());
            row.times = rows.getColumn(3).getInt64();
            row.record = static_cast<what>(rows.getColumn(4).getInt());
            row.source = text_of(rows.getColumn(5));
            row.stream = text_of(rows.getColumn(6));
            row.page = static_cast<std::uint32_t>(rows.getColumn(7).getInt64());
            row.position = static_cast<std::uint32_t>(rows.getColumn(8).getInt64());
            row.reason = text_of(rows.getColumn(9));
            row.row = text_of(rows.getColumn(10));
            if (!use(row)) return;
        }
    }

    std::optional<stored_checkpoint> newest_checkpoint() const override
    {
        auto newest = make_proofs(*database_)->newest();
        if (!newest) return std::nullopt;
        return stored_checkpoint{newest->size, newest->at, std::move(newest->note)};
    }

    result<std::string> prove(entry_index index) const override
    {
        const auto newest = newest_checkpoint();
        if (!newest || index >= newest->size)
            return failure(
                errc::not_found,
                "entry " + std::to_string(index) + " is not covered by a signed checkpoint",
                "Name an entry below " + std::to_string(newest ? newest->size : 0) +
                    ", or wait for the next checkpoint."
            );
        // One that a witness signed as well is worth more to whoever checks the proof.
        const auto cosigned = make_proofs(*database_)->newest_cosigned(index);
        const std::uint64_t size = cosigned ? cosigned->size : newest->size;
        stored_hashes stored(*database_);
        merkle_reader tree(size, stored);
        const auto proof = inclusion_proof(index, size, tree);
        if (!proof) return proof.error();
        offline_proof file;
        file.index = index;
        file.proof = *proof;
        file.checkpoint_note = cosigned ? cosigned->note : newest->note;
        // A proof that proves nothing would look as if the entry had been changed.
        const auto note = parse_note(file.checkpoint_note);
        const auto point = note ? parse_checkpoint(note->text) : note.error();
        hash leaf{};
        stored.leaves(index, std::span(&leaf, 1));
        if (!point || !verify_inclusion(index, size, leaf, file.proof, point->root))
            return failure(
                errc::ledger_in_doubt,
                "what the ledger holds of its tree does not lead from entry " + std::to_string(index) +
                    " to the root that was signed",
                "Run `rollbook ledger verify`: it says what was changed."
            );
        return format_offline_proof(file);
    }

    verify_report verify(const verify_options& options) const override { return verify_ledger(*database_, options); }

private:
    std::int64_t count(const char* sql) const { return database_->execAndGet(sql).getInt64(); }

    // A value of entry 0, which says what ledger this is.
    std::string birth_value(std::string_view name) const
    {
        SQLite::Statement row(*database_, "SELECT payload FROM opening WHERE idx = 0");
        if (!row.executeStep()) return {};
        const auto payload = json_document::parse(std::string(text_of(row.getColumn(0))));
        if (!payload) return {};
        const json_view value = payload->root()["value"][name];
        if (const auto truth = value.bool_if()) return *truth ? "true" : "false";
        return std::string(value.string_if().value_or(""));
    }

    void kept_of_days(
        entry_index pupil,
        const day_range& days,
        entry_index n,
        bool with_payload,
        const std::function<bool(const mark_view&)>& use
    ) const
    {
        keep_up(days.first);
        if (!with_payload) return kept_.each(days, pupil, n, use);
        SQLite::Statement payload(*database_, "SELECT payload FROM opening WHERE idx = ?");
        kept_.each(days, pupil, n, [&](const mark_view& held) {
            payload.reset();
            payload.bind(1, signed_index(held.entry));
            mark_view view = held;
            view.payload = payload.executeStep() ? text_of(payload.getColumn(0)) : std::string_view();
            return use(view);
        });
    }

    void standing(const char* select, what kind, entry_index n, const std::function<bool(const thing_view&)>& use) const
    {
        SQLite::Statement rows(
            *database_,
            std::string(select) +
                "WHERE what = ?1 AND entry < ?2 AND (to_entry IS NULL OR to_entry >= ?2) ORDER BY entry"
        );
        rows.bind(1, static_cast<int>(kind));
        rows.bind(2, signed_index(n));
        while (rows.executeStep())
            if (!use(thing_of(rows))) return;
    }

    // The first entry of the kind from each source. There is no index by source: what was looked through once is known.
    const std::map<std::string, entry_index>& first_by_source(what kind) const
    {
        const entry_index now = size();
        seen_sources& seen = sources_[kind];
        if (!stays_open_ || (seen.to > 0 && is_erased_within(seen.to, now))) seen = {};
        if (seen.to == now) return seen.first;
        SQLite::Statement rows(
            *database_,
            "SELECT source, min(entry) FROM thing WHERE what = ? AND entry >= ? AND entry < ? GROUP BY source"
        );
        rows.bind(1, static_cast<int>(kind));
        rows.bind(2, signed_index(seen.to));
        rows.bind(3, signed_index(now));
        while (rows.executeStep())
            seen.first.emplace(text_of(rows.getColumn(0)), index_of(rows.getColumn(1)));
        seen.to = now;
        return seen.first;
    }

    // Kinds that the index thing_by_id has.
    static bool is_found_by_id(what kind)
    {
        return kind == what::incident || kind == what::suspension || kind == what::concern;
    }

    bool is_erased_within(entry_index from, entry_index to) const
    {
        SQLite::Statement erased(*database_, "SELECT 1 FROM entry WHERE idx >= ? AND idx < ? AND kind = ? LIMIT 1");
        erased.bind(1, signed_index(from));
        erased.bind(2, signed_index(to));
        erased.bind(3, static_cast<int>(entry_kind::erasure));
        return erased.executeStep();
    }

    // Takes in what came since; after an erasure all of it anew, for nothing of the erased may stay in memory. `from`:
    // the first day asked for. Nearly all pages ask for this school year: of earlier ones a page or two is asked for,
    // and none are kept until then.
    void keep_up(civil_day from) const
    {
        const entry_index now = size();
        if (kept_to_ > 0 && is_erased_within(kept_to_, now)) forget_marks();
        try {
            if (from < kept_from_) take_marks(0, kept_to_, from, kept_from_);
            kept_from_ = std::min(from, kept_from_);
            take_marks(kept_to_, now, kept_from_, civil_day::max());
            kept_to_ = now;
        } catch (...) {
            forget_marks(); // some of it would be taken in twice
            throw;
        }
    }

    void forget_marks() const
    {
        kept_.clear();
        kept_to_ = 0;
    }

    // Of entries from `first` to before `end`, those of days from `from` to before `until`.
    void take_marks(entry_index first, entry_index end, civil_day from, civil_day until) const
    {
        if (first == end) return;
        constexpr int many = 100'000;
        row_scan rows(
            *database_,
            (std::string(mark_columns) +
             ", to_entry, gone FROM mark WHERE entry >= ? AND entry < ? AND day >= ? AND day < ? ORDER BY entry")
                .c_str()
        );
        rows.restart({signed_index(first), signed_index(end), to_day_number(from), to_day_number(until)});
        int taken = 0;
        for (; rows.next(); ++taken) {
            kept_marks::row row;
            row.entry = static_cast<entry_index>(rows.number(0));
            read_mark(rows, row);
            if (!rows.is_null(8)) row.to_entry = static_cast<entry_index>(rows.number(8));
            row.gone = rows.number(9) != 0;
            kept_.add(row);
        }
        if (taken > many) kept_.fit();
    }

    std::unique_ptr<SQLite::Database> database_;
    mutable kept_statement entry_rows_, rows_by_id_, history_; // end before the database
    bool stays_open_ = false;
    mutable kept_marks kept_; // of entries below kept_to_, where it stays open
    mutable entry_index kept_to_ = 0;
    mutable civil_day kept_from_ = civil_day::max(); // and of days from this one on
    mutable std::shared_ptr<case_facts> cases_;      // the same, of entries below cases_to_
    mutable entry_index cases_to_ = 0;
    struct seen_sources {
        entry_index to = 0; // of entries below it
        std::map<std::string, entry_index> first;
    };
    mutable std::map<what, seen_sources> sources_;
};

} // namespace

result<std::unique_ptr<ledger_reader>> open_reader(const std::filesystem::path& path, bool stays_open)
{
    auto database = open_database(path, access_mode::read);
    if (!database) return database.error();
    // One that stays open reads the same payloads again and again; the system keeps the file too.
    if (stays_open) (*database)->exec("PRAGMA cache_size = -512");
    return std::unique_ptr<ledger_reader>(std::make_unique<sqlite_reader>(std::move(*database), stays_open));
}

} // namespace rollbook
