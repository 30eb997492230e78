#include "daemon/ledger/store.hpp"

#include "daemon/base/json.hpp"
#include "daemon/base/key_chain.hpp"
#include "daemon/base/keyed_digest.hpp"
#include "daemon/base/random.hpp"
#include "daemon/base/sha256.hpp"
#include "daemon/ledger/checkpoints.hpp"
#include "daemon/ledger/database.hpp"
#include "daemon/ledger/entry_writer.hpp"
#include "daemon/ledger/erase.hpp"
#include "daemon/ledger/erase_rows.hpp"
#include "daemon/ledger/rebuild.hpp"
#include "daemon/ledger/rows.hpp"
#include "daemon/ledger/signed_file.hpp"
#include "daemon/ledger/windows.hpp"
#include "daemon/reconcile/payload.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <map>
#include <sys/file.h>
#include <unistd.h>

namespace rollbook {
namespace {

using steady = std::chrono::steady_clock;

constexpr std::size_t begun_max = 2; // transactions beside

enum class outbox_state { waiting = 0, delivered = 1, failed = 2, replaced = 3 };

constexpr const char* outbox_columns =
    "SELECT id, message_id, alert, pupil, stage, route, type, subject, text, json, thread, made_at, attempts, next_at, "
    "last_error FROM outbox ";

void bind_index(SQLite::Statement& statement, int at, entry_index index)
{
    if (index == no_entry)
        statement.bind(at);
    else
        statement.bind(at, static_cast<std::int64_t>(index));
}

void bind_instant(SQLite::Statement& statement, int at, const std::optional<instant>& value)
{
    if (value)
        statement.bind(at, to_milliseconds(*value));
    else
        statement.bind(at);
}

// A process that was killed inside a commit may leave a whole transaction in the write-ahead log that was never synced.
// SQLite reads it, and a power cut could still take it away: nobody is shown it before the disk has it. A checkpoint
// syncs the log first; the room that it may want in the ledger's own file can wait.
void make_durable(SQLite::Database& database)
{
    const int ended =
        sqlite3_wal_checkpoint_v2(database.getHandle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    if (ended != SQLITE_OK && ended != SQLITE_FULL && ended != SQLITE_BUSY)
        throw SQLite::Exception(database.getHandle(), ended);
}

// A commit that failed may have left a whole transaction in the log too, beyond what SQLite counts. Whoever reads the
// log anew finds it, also where the log was deleted at the end of a process and a power cut brings it back. A commit
// over it, which changes nothing and is synced, lets it never come back. Of a disk that takes nothing nobody can say
// more; what is committed next lies over it then.
void write_over_failed(SQLite::Database& database)
{
    (void)database.tryExec("PRAGMA user_version = " + std::to_string(schema_version));
}

// What was read of the file lies in the system's cache, too. The few pages that each poll wants are kept.
void let_pages_go(SQLite::Database& database)
{
    constexpr int kept_max = 1 << 20;
    int held = 0;
    int most = 0;
    sqlite3_db_status(database.getHandle(), SQLITE_DBSTATUS_CACHE_USED, &held, &most, 0);
    if (held > kept_max) sqlite3_db_release_memory(database.getHandle());
}

// A statement that is prepared when it is first used, and once.
class late_statement {
public:
    late_statement(SQLite::Database& database, std::string sql) : database_(database), sql_(std::move(sql)) {}
    operator SQLite::Statement&()
    {
        if (!made_) made_.emplace(database_, sql_);
        return *made_;
    }

private:
    SQLite::Database& database_;
    std::string sql_;
    std::optional<SQLite::Statement> made_;
};

// A transaction that begins and ends by statements that are kept: a poll makes several, and preparing their few words
// costs as much as writing a row. Takes all back unless it was committed.
class kept_transaction {
public:
    kept_transaction(SQLite::Database& database, SQLite::Statement& begin, SQLite::Statement& commit)
        : database_(database), commit_(commit)
    {
        run(begin);
    }
    ~kept_transaction()
    {
        if (!is_done_) (void)database_.tryExec("ROLLBACK");
    }
    kept_transaction(const kept_transaction&) = delete;
    kept_transaction& operator=(const kept_transaction&) = delete;
    void commit()
    {
        run(commit_);
        is_done_ = true;
    }

private:
    SQLite::Database& database_;
    SQLite::Statement& commit_;
    bool is_done_ = false;
};

// Every statement the writer uses, prepared once: preparing costs six times an insert. Most are not wanted before there
// is something to say, and a start need not wait for them.
struct statements {
    explicit statements(SQLite::Database& db)
        : begin(db, "BEGIN IMMEDIATE"), commit(db, "COMMIT"), entries(db),
          statement(
              db,
              "INSERT INTO statement (at, size, source, record, read, fresh, changed, unchanged, duplicate, "
              "quarantined, vanished, tombstoned, leavers, out_of_scope, restored, outside_window, source_total, held, "
              "balanced, not_read) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
          ),
          quarantine(
              db,
              "INSERT INTO quarantine (digest, first_seen, last_seen, times, source, record, stream, page, position, "
              "reason, row) VALUES (?1, ?2, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
              "ON CONFLICT (digest) DO UPDATE SET last_seen = ?2, times = times + 1, page = ?6, position = ?7"
          ),
          source(
              db,
              "INSERT OR REPLACE INTO source_state (source, first_closed_at, last_attempt, last_success, data_as_of, "
              "newest_day, statement_day, error, error_to_do, error_class, marks_judged_to) "
              "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
          ),
          stream(db, "INSERT OR REPLACE INTO stream_state (source, stream, fingerprint, windows) VALUES (?, ?, ?, ?)"),
          outbox(
              db,
              "INSERT OR IGNORE INTO outbox (message_id, alert, pupil, stage, route, type, subject, text, json, "
              "thread, made_at, state, attempts, next_at, last_error) "
              "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?, '')"
          ),
          attempted(db, "UPDATE outbox SET state = ?, next_at = ?, last_error = ? WHERE id = ?"),
          checkpoint(db, "INSERT OR IGNORE INTO checkpoint (size, at, note) VALUES (?, ?, ?)"),
          prune(db, prune_checkpoint), edge(db),
          value(
              db,
              "INSERT OR REPLACE INTO alert_value (alert, size, value, absent, possible, first_day, last_day, reason) "
              "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
          ),
          ask_source(
              db,
              "SELECT first_closed_at, last_attempt, last_success, data_as_of, newest_day, statement_day, error, "
              "error_to_do, error_class, marks_judged_to FROM source_state WHERE source = ?"
          ),
          ask_days(
              db,
              "SELECT pupil, min(day) FROM mark WHERE entry >= ? AND source = ? AND day >= ? AND NOT EXISTS (SELECT 1 "
              "FROM mark AS was WHERE was.to_entry = mark.entry AND was.raw = mark.raw AND was.gone = mark.gone) "
              "GROUP BY pupil"
          ),
          ask_stream(db, "SELECT fingerprint, windows FROM stream_state WHERE source = ? AND stream = ?"),
          ask_due(db, std::string(outbox_columns) + "WHERE state = 0 AND next_at <= ? ORDER BY next_at, id LIMIT ?"),
          ask_next(db, "SELECT min(next_at) FROM outbox WHERE state = 0"),
          ask_untried(
              db,
              std::string(outbox_columns) +
                  "WHERE state = 0 AND attempts = 0 AND last_error = '' AND alert = ? AND route = ? ORDER BY id"
          ),
          ask_first(
              db, "SELECT message_id FROM outbox WHERE alert = ? AND route = ? AND state <> 3 ORDER BY id LIMIT 1"
          ),
          attempt(db, "UPDATE outbox SET attempts = attempts + 1 WHERE id = ? RETURNING attempts"),
          ask_message(db, "SELECT 1 FROM outbox WHERE message_id = ?"),
          ask_value(db, std::string(alert_value_columns) + "WHERE alert = ? ORDER BY size DESC LIMIT 1"),
          ask_payload(db, "SELECT payload FROM opening WHERE idx = ?"),
          digests(db, "SELECT entry, digest FROM mark WHERE entry BETWEEN ? AND ?")
    {
    }

    late_statement begin, commit;
    entry_writer entries;
    late_statement statement, quarantine, source, stream, outbox, attempted, checkpoint, prune;
    edge_writer edge;
    late_statement value;
    late_statement ask_source, ask_days, ask_stream, ask_due, ask_next, ask_untried, ask_first, attempt, ask_message,
        ask_value;
    late_statement ask_payload;
    row_scan digests;
};

class sqlite_ledger final : public ledger {
public:
    sqlite_ledger(
        std::unique_ptr<SQLite::Database> database,
        std::vector<const signing_key*> keys,
        std::unique_ptr<side_work> beside = nullptr
    )
        : database_(std::move(database)), keys_at_hand_(std::move(keys)), beside_(std::move(beside)),
          sql_(std::make_unique<statements>(*database_)), checkpoints_(make_checkpoint_book(*database_))
    {
        load();
    }
    ~sqlite_ledger() override
    {
        end_side_work();
        if (has_failed_) write_over_failed(*database_);
    }

    held_state& state() override
    {
        load_some(std::chrono::hours(24));
        return *state_;
    }
    bool load_some(std::chrono::milliseconds at_most) override;
    void apply(const transaction& t, entry_index base) override;
    std::uint64_t digest(std::string_view text) const override { return keyed_digest(digest_key_, text); }
    entry_index size() const override { return size_; }
    std::optional<instant> last_recorded() const override
    {
        settled();
        return size_ > 0 ? std::optional(last_recorded_) : std::nullopt;
    }

    void commit(const transaction& t, instant now) override;
    void begin_commit(std::shared_ptr<const transaction> t, instant now) override;
    bool is_busy() const override { return is_under_way_ && beside_->pending() >= begun_max; }
    void settle() override { settled(); }
    void rest() override
    {
        settled();
        state().rest();
        let_pages_go(*database_);
    }
    std::uint64_t commits() const override { return commits_; }
    void sign_checkpoint(instant now) override;
    checkpoint_book& checkpoints() override
    {
        settled();
        return *checkpoints_;
    }
    void reload() override
    {
        end_side_work();
        on_disk([this] {
            if (has_failed_) write_over_failed(*database_);
            load();
        });
        failed_ = nullptr;
        has_failed_ = false;
    }

    std::optional<source_state> source(const std::string& name) const override;
    std::optional<stream_state> stream(const std::string& source, const std::string& stream) const override;
    std::optional<alert_value> value_of(entry_index alert) const override;
    std::vector<outbox_message> due_messages(instant now, std::size_t max) const override;
    std::optional<instant> next_message_at() const override;
    int begin_attempt(std::int64_t number, instant now) override;
    std::string first_message_id(entry_index alert, const std::string& route) const override;
    std::vector<outbox_message> delivered_messages(const std::string& id) const override;
    bool has_message(const std::string& id) const override;
    std::vector<outbox_message> untried_messages(entry_index alert, const std::string& route) const override;
    std::vector<outbox_message> undelivered_messages(const std::string& route) const override;
    std::vector<std::pair<entry_index, civil_day>>
    days_of_marks_since(const std::string& source, entry_index first, civil_day from) const override;

private:
    // SQLite's own words become what a person can act on.
    template <class F> void on_disk(F&& work)
    {
        try {
            work();
        } catch (const SQLite::Exception& e) {
            has_failed_ = true;
            throw failure_error(store_failure(database_->getFilename(), e));
        }
    }
    void end_side_work() const
    {
        if (std::exchange(is_under_way_, false)) beside_->wait(0);
    }
    // Before anything but size_, state_, the digest's key and what sealing uses is touched.
    void settled() const
    {
        end_side_work();
        if (failed_) std::rethrow_exception(failed_);
    }
    sealed_entries seal(const transaction& t, instant now);
    void append(const transaction& t, const sealed_entries& sealed, instant now);
    void sign(instant now);
    std::optional<source_state> read_source(const std::string& name) const;
    std::optional<stream_state> read_stream(const std::string& source, const std::string& stream) const;
    static std::vector<outbox_message> read_outbox(SQLite::Statement& sql);
    void load();
    void load_erased();
    bool load_things(steady::time_point until);
    bool load_marks(steady::time_point until);
    key_chain choose_signers();
    void check_newest_checkpoint(stored_hashes& stored);
    void check_signed_file(const std::string& note, const key_chain& chain, stored_hashes& stored);

    void insert(const statement_row& row, entry_index size);
    void insert(const quarantined_row& row);
    void insert(const source_state& row);
    void insert(const stream_state& row);
    void insert(const alert_value& row, entry_index size);
    void insert(const outbox_message& row, instant now);

    std::unique_ptr<SQLite::Database> database_;
    std::vector<const signing_key*> keys_at_hand_;
    const signing_key* signer_ = nullptr;
    const signing_key* former_ = nullptr; // signs as well, until then
    instant former_until_{};
    std::unique_ptr<side_work> beside_;
    std::uint64_t commits_ = 0;
    mutable bool is_under_way_ = false; // transactions, beside; all that append() uses is theirs until then
    std::exception_ptr failed_;         // one of them did
    bool has_failed_ = false;           // something did, beside or not, since all was loaded
    std::unique_ptr<statements> sql_;
    std::unique_ptr<checkpoint_book> checkpoints_;
    const rollbook::digest_key digest_key_ = read_digest_key(*database_);
    merkle_frontier tree_;
    entry_index size_ = 0;    // of the tree, with what is under way
    instant last_recorded_{}; // of what is under way, too
    std::uint64_t signed_size_ = 0;
    // What was asked for or stored, so that a poll does not read its own words again.
    mutable instant none_due_before_ = instant::min(); // of the messages that wait
    mutable std::map<std::string, std::optional<source_state>> sources_;
    mutable std::map<std::pair<std::string, std::string>, std::optional<stream_state>> streams_; // by source and name
    std::unique_ptr<held_state> state_;
    // While state_ is being read: of entries below, the things and the marks are there.
    entry_index things_below_ = 0;
    entry_index marks_below_ = 0;
    int marks_since_rest_ = 0;
    bool has_all_ = false; // it was read to the end
};

void sqlite_ledger::load()
{
    state_ = std::make_unique<held_state>();
    state_->read_digests_by([this](entry_index first, entry_index last, const attendance_register::digest_use& use) {
        settled();
        row_scan& rows = sql_->digests;
        rows.restart({static_cast<std::int64_t>(first), static_cast<std::int64_t>(last)});
        while (rows.next())
            use(static_cast<entry_index>(rows.number(0)), static_cast<std::uint32_t>(rows.number(1)));
        rows.reset();
        let_pages_go(*database_);
    });
    state_->read_payloads_by([this](entry_index entry) {
        settled();
        SQLite::Statement& row = sql_->ask_payload;
        row.bind(1, static_cast<std::int64_t>(entry));
        std::string payload(row.executeStep() ? text_of(row.getColumn(0)) : std::string_view());
        row.reset();
        return payload;
    });
    const SQLite::Column newest = database_->execAndGet("SELECT coalesce(max(idx), -1) FROM entry");
    const auto size = static_cast<std::uint64_t>(newest.getInt64() + 1);
    stored_hashes stored(*database_);
    result<merkle_frontier> tree = merkle_frontier::restore(size, stored);
    if (!tree) throw failure_error(tree.error());
    tree_ = std::move(*tree);
    size_ = size;
    sources_.clear();
    streams_.clear();
    none_due_before_ = instant::min();
    last_recorded_ = time_of_entry(
        size - 1,
        database_->execAndGet("SELECT coalesce((SELECT recorded_at FROM entry ORDER BY idx DESC LIMIT 1), 0)")
            .getInt64()
    );
    load_erased();
    things_below_ = marks_below_ = 0;
    has_all_ = false;
    check_newest_checkpoint(stored);
}

// The newest key of the ledger's own chain, which must be at hand, and the one before it while both sign.
key_chain sqlite_ledger::choose_signers()
{
    const auto at_hand = [this](const verifier_key& key) {
        const auto found = std::find_if(keys_at_hand_.begin(), keys_at_hand_.end(), [&](const signing_key* each) {
            return each->verifier() == key;
        });
        return found == keys_at_hand_.end() ? nullptr : *found;
    };
    const auto changes = key_changes(*database_);
    former_ = nullptr;
    if (changes.empty()) {
        // A new key may lie ready before its entry is written; it stands in front of the one that signs.
        signer_ = keys_at_hand_.back();
        return key_chain(signer_->verifier());
    }
    key_chain chain = chain_of(changes.front().second.old_key, changes).value();
    signer_ = at_hand(chain.newest());
    if (!signer_)
        throw failure_error(failure(
            errc::ledger_in_doubt,
            "the signing key is not the one that the ledger last changed to",
            "Put the key file back that `rollbook ledger rotate-key` wrote."
        ));
    former_ = at_hand(changes.back().second.old_key);
    former_until_ = changes.back().second.until;
    return chain;
}

void sqlite_ledger::load_erased()
{
    for (const std::uint64_t digest : read_erased(*database_))
        state_->erased().insert(digest);
}

// A ledger whose tree no longer has the root that was signed must never be signed again.
void sqlite_ledger::check_newest_checkpoint(stored_hashes& stored)
{
    signed_size_ = 0;
    const key_chain chain = choose_signers();
    SQLite::Statement newest(*database_, "SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1");
    const bool is_any = newest.executeStep();
    const auto beside = read_signed(database_->getFilename());
    // As a rule the two are the same: looked at once.
    if (beside && (!is_any || *beside != text_of(newest.getColumn(1)))) check_signed_file(*beside, chain, stored);
    if (!is_any) return;
    const auto size = static_cast<std::uint64_t>(newest.getColumn(0).getInt64());
    const auto opened = chain.open(text_of(newest.getColumn(1)));
    const auto refuse = [&](std::string_view why, std::string_view to_do) {
        throw failure_error(failure(
            errc::ledger_in_doubt, fmt::format("the newest checkpoint (size {}) {}", size, why), std::string(to_do)
        ));
    };
    constexpr std::string_view explain =
        "Run `rollbook ledger verify`; nothing more is signed until this is explained.";
    if (!opened)
        refuse(
            "was not signed with the key in [ledger] signing_key",
            "Put back the key file that this ledger was made with (the recovery sheet has it). Where that is the one, "
            "run "
            "`rollbook ledger verify`."
        );
    if (opened->point.size != size) refuse("is filed under another size than it names", explain);
    if (size > tree_.size()) refuse("covers more entries than the ledger holds", explain);
    merkle_reader reader(tree_.size(), stored, &tree_);
    if (reader.root(size) != opened->point.root) refuse("has another root than the entries", explain);
    signed_size_ = size;
}

// What was signed last lies beside the ledger too: one that lost it must not go on as if it had never been.
void sqlite_ledger::check_signed_file(const std::string& note, const key_chain& chain, stored_hashes& stored)
{
    const auto opened = chain.open(note);
    if (!opened) return; // another origin's, or nobody's: no word of ours
    const checkpoint& kept = opened->point;
    const std::string file = signed_file(database_->getFilename()).string();
    if (kept.size > tree_.size())
        throw failure_error(failure(
            errc::ledger_in_doubt,
            fmt::format(
                "the ledger holds {} entries, and the checkpoint beside it ({}) says that {} were signed: entries are "
                "lost, by a damaged file or an older copy put in its place",
                tree_.size(),
                file,
                kept.size
            ),
            "Nothing more is signed. Put the right file back, or run `rollbook restore` with the newest backup."
        ));
    merkle_reader reader(tree_.size(), stored, &tree_);
    if (reader.root(kept.size) != kept.root)
        throw failure_error(failure(
            errc::ledger_in_doubt,
            fmt::format(
                "the checkpoint beside the ledger ({}, size {}) has another root than the entries", file, kept.size
            ),
            "Nothing more is signed. Run `rollbook ledger verify`, and restore from a backup."
        ));
}

bool sqlite_ledger::load_some(std::chrono::milliseconds at_most)
{
    if (has_all_) return true;
    settled();
    on_disk([&] {
        const steady::time_point until = steady::now() + at_most;
        // Things first each time: some may have been committed since they were read to their end.
        has_all_ = load_things(until) && load_marks(until);
        if (!has_all_) return;
        state_->rest();
        let_pages_go(*database_);
    });
    return has_all_;
}

// Entries committed meanwhile come last, so that each thing and mark ends as its newest version has it. Gives whether
// there was time for all.
bool sqlite_ledger::load_things(steady::time_point until)
{
    row_scan all(
        *database_,
        "SELECT entry, what, subject, pupil, source, key, digest, gone, payload FROM thing "
        "LEFT JOIN opening ON idx = entry WHERE entry >= ? AND to_entry IS NULL ORDER BY entry"
    );
    all.restart({static_cast<std::int64_t>(things_below_)});
    thing_version row;
    while (all.next()) {
        const auto index = static_cast<entry_index>(all.number(0));
        row.kind = static_cast<what>(all.number(1));
        row.subject = static_cast<entry_index>(all.number(2));
        row.pupil = all.is_null(3) ? no_entry : static_cast<entry_index>(all.number(3));
        row.source = all.text(4);
        row.key = all.text(5);
        row.digest = static_cast<std::uint64_t>(all.number(6));
        row.gone = all.number(7) != 0;
        state_->apply(index, row, all.bytes(8), true);
        things_below_ = index + 1;
        if (steady::now() >= until) return false;
    }
    things_below_ = size();
    return true;
}

bool sqlite_ledger::load_marks(steady::time_point until)
{
    row_scan all(
        *database_,
        (std::string(mark_columns) + ", digest, gone FROM mark WHERE entry >= ? AND to_entry IS NULL ORDER BY entry")
            .c_str()
    );
    all.restart({static_cast<std::int64_t>(marks_below_)});
    constexpr int rows_between_looks = 256;
    constexpr int marks_between_rests = 1 << 17;
    mark_version row;
    for (int rows = 0; all.next(); ++rows) {
        const auto index = static_cast<entry_index>(all.number(0));
        read_mark(all, row);
        row.digest = static_cast<std::uint32_t>(all.number(8));
        row.gone = all.number(9) != 0;
        state_->apply(index, row, {});
        marks_below_ = index + 1;
        // Years of marks would take 20 MB until the last of them is read: most days are whole by now.
        if (++marks_since_rest_ == marks_between_rests) {
            state_->rest();
            marks_since_rest_ = 0;
        }
        if (rows % rows_between_looks == 0 && steady::now() >= until) return false;
    }
    marks_below_ = size();
    return true;
}

void sqlite_ledger::apply(const transaction& t, entry_index base)
{
    if (!has_all_) return;
    for (std::size_t i = 0; i < t.entries.size(); ++i)
        state_->apply(base + i, t.entries[i].row, t.entries[i].payload);
}

void sqlite_ledger::commit(const transaction& t, instant now)
{
    settled();
    if (t.empty()) return;
    const sealed_entries sealed = seal(t, now);
    on_disk([&] { append(t, sealed, now); });
    size_ = tree_.size();
    ++commits_;
}

void sqlite_ledger::begin_commit(std::shared_ptr<const transaction> t, instant now)
{
    if (!beside_) return commit(*t, now);
    if (beside_->pending() == 0) settled();
    const std::size_t entries = t->entries.size();
    auto work = [this, sealed = seal(*t, now), t = std::move(t), now] {
        if (failed_) return;
        try {
            on_disk([&] { append(*t, sealed, now); });
        } catch (...) {
            failed_ = std::current_exception();
        }
    };
    // While one is written, the next one waits ready: the disk is never idle for want of drafts.
    beside_->wait(begun_max - 1);
    beside_->start(std::move(work));
    is_under_way_ = true;
    size_ += entries;
}

// By whoever calls, beside what is being written: all that needs neither the file nor the tree.
sealed_entries sqlite_ledger::seal(const transaction& t, instant now)
{
    const instant at = std::max(now, last_recorded_);
    if (!t.entries.empty()) last_recorded_ = at;
    return sql_->entries.seal(t.entries, at, size_);
}

void sqlite_ledger::append(const transaction& t, const sealed_entries& sealed, instant now)
{
    merkle_frontier tree = tree_;
    for (const source_state& row : t.sources)
        sources_.erase(row.source);
    for (const stream_state& row : t.streams)
        streams_.erase({row.source, row.stream});
    if (!t.messages.empty() || !t.attempts.empty()) none_due_before_ = instant::min();

    kept_transaction all(*database_, sql_->begin, sql_->commit);
    sql_->entries.write(t.entries, sealed, tree);
    for (const statement_row& row : t.statements)
        insert(row, tree.size());
    for (const quarantined_row& row : t.quarantined)
        insert(row);
    for (const source_state& row : t.sources)
        insert(row);
    for (const stream_state& row : t.streams)
        insert(row);
    for (const alert_value& row : t.values)
        insert(row, tree.size());
    // By the clock as it is: once it was put back, a message must not wait until it is again where it wrongly was.
    for (const outbox_message& row : t.messages)
        insert(row, now);
    for (const transaction::attempt_result& result : t.attempts) {
        const auto state = result.as == transaction::attempt_result::end::delivered  ? outbox_state::delivered
                           : result.as == transaction::attempt_result::end::failed   ? outbox_state::failed
                           : result.as == transaction::attempt_result::end::replaced ? outbox_state::replaced
                                                                                     : outbox_state::waiting;
        SQLite::Statement& attempted = sql_->attempted;
        attempted.bind(1, static_cast<int>(state));
        attempted.bind(2, to_milliseconds(result.next_at));
        attempted.bind(3, result.error);
        attempted.bind(4, result.number);
        run(attempted);
    }
    all.commit();

    tree_ = std::move(tree);
    for (const source_state& row : t.sources)
        sources_[row.source] = row;
    for (const stream_state& row : t.streams)
        streams_[{row.source, row.stream}] = row;
}

void sqlite_ledger::insert(const statement_row& row, entry_index size)
{
    SQLite::Statement& sql = sql_->statement;
    sql.bind(1, to_milliseconds(row.at));
    sql.bind(2, static_cast<std::int64_t>(size));
    sql.bindNoCopy(3, row.source);
    sql.bind(4, static_cast<int>(row.record));
    const std::int64_t counts[] = {
        row.read,
        row.fresh,
        row.changed,
        row.unchanged,
        row.duplicate,
        row.quarantined,
        row.vanished,
        row.tombstoned,
        row.leavers,
        row.out_of_scope,
        row.restored,
        row.outside_window};
    int at = 5;
    for (const std::int64_t count : counts)
        sql.bind(at++, count);
    if (row.source_total)
        sql.bind(17, *row.source_total);
    else
        sql.bind(17);
    sql.bind(18, row.held);
    sql.bind(19, row.balanced ? 1 : 0);
    sql.bindNoCopy(20, row.not_read);
    run(sql);
}

void sqlite_ledger::insert(const quarantined_row& row)
{
    SQLite::Statement& sql = sql_->quarantine;
    // The same bad row comes with every read; one line tells of it and counts.
    sql.bind(1, static_cast<std::int64_t>(digest(row.source + '\0' + row.stream + '\0' + row.reason + '\0' + row.row)));
    sql.bind(2, to_milliseconds(row.at));
    sql.bindNoCopy(3, row.source);
    sql.bind(4, static_cast<int>(row.record));
    sql.bindNoCopy(5, row.stream);
    sql.bind(6, static_cast<std::int64_t>(row.page));
    sql.bind(7, static_cast<std::int64_t>(row.position));
    sql.bindNoCopy(8, row.reason);
    sql.bindNoCopy(9, row.row);
    run(sql);
}

void sqlite_ledger::insert(const source_state& row)
{
    SQLite::Statement& sql = sql_->source;
    sql.bindNoCopy(1, row.source);
    bind_instant(sql, 2, row.first_closed_at);
    bind_instant(sql, 3, row.last_attempt);
    bind_instant(sql, 4, row.last_success);
    bind_instant(sql, 5, row.data_as_of);
    if (row.newest_day)
        sql.bind(6, to_day_number(*row.newest_day));
    else
        sql.bind(6);
    if (row.statement_day)
        sql.bind(7, to_day_number(*row.statement_day));
    else
        sql.bind(7);
    sql.bindNoCopy(8, row.error);
    sql.bindNoCopy(9, row.error_to_do);
    sql.bindNoCopy(10, row.error_class);
    if (row.marks_judged_to)
        sql.bind(11, static_cast<std::int64_t>(*row.marks_judged_to));
    else
        sql.bind(11);
    run(sql);
}

void sqlite_ledger::insert(const stream_state& row)
{
    SQLite::Statement& sql = sql_->stream;
    sql.bindNoCopy(1, row.source);
    sql.bindNoCopy(2, row.stream);
    sql.bindNoCopy(3, row.fingerprint);
    sql.bind(4, windows_text(row.windows));
    run(sql);
}

void sqlite_ledger::insert(const alert_value& row, entry_index size)
{
    SQLite::Statement& sql = sql_->value;
    sql.bind(1, static_cast<std::int64_t>(row.alert));
    sql.bind(2, static_cast<std::int64_t>(size));
    sql.bind(3, row.value);
    for (const auto& [column, part] : {std::pair(4, row.absent), std::pair(5, row.possible)})
        if (part)
            sql.bind(column, *part);
        else
            sql.bind(column);
    sql.bind(6, to_day_number(row.window.first));
    sql.bind(7, to_day_number(row.window.last));
    sql.bindNoCopy(8, row.reason);
    run(sql);
}

std::optional<alert_value> sqlite_ledger::value_of(entry_index alert) const
{
    settled();
    const asking sql(sql_->ask_value);
    sql->bind(1, static_cast<std::int64_t>(alert));
    if (!sql->executeStep()) return std::nullopt;
    return alert_value_of(*sql);
}

void sqlite_ledger::insert(const outbox_message& row, instant now)
{
    SQLite::Statement& sql = sql_->outbox;
    sql.bindNoCopy(1, row.content.id);
    bind_index(sql, 2, row.alert);
    bind_index(sql, 3, row.pupil);
    sql.bindNoCopy(4, row.stage);
    sql.bindNoCopy(5, row.route);
    sql.bindNoCopy(6, row.content.type);
    sql.bindNoCopy(7, row.content.subject);
    sql.bindNoCopy(8, row.content.text);
    sql.bindNoCopy(9, row.content.json);
    sql.bindNoCopy(10, row.content.references);
    sql.bind(11, to_milliseconds(row.content.made_at));
    sql.bind(12, to_milliseconds(std::max(now, row.next_at)));
    run(sql);
}

void sqlite_ledger::sign_checkpoint(instant now)
{
    settled();
    if (tree_.size() != signed_size_) on_disk([&] { sign(now); });
}

void sqlite_ledger::sign(instant now)
{
    const checkpoint point{signer_->verifier().name, tree_.size(), tree_.root()};
    const std::string text = checkpoint_text(point);
    std::vector<std::string> lines{signer_->sign(text)};
    if (former_ && now < former_until_) lines.push_back(former_->sign(text));
    const std::string note = format_note(text, lines);
    kept_transaction all(*database_, sql_->begin, sql_->commit);
    SQLite::Statement& sql = sql_->checkpoint;
    sql.bind(1, static_cast<std::int64_t>(point.size));
    sql.bind(2, to_milliseconds(std::max(now, last_recorded_)));
    sql.bindNoCopy(3, note);
    run(sql);
    SQLite::Statement& prune = sql_->prune;
    prune.bind(1, static_cast<std::int64_t>(point.size));
    run(prune);
    sql_->edge.write(tree_);
    all.commit();
    signed_size_ = point.size;
    write_signed(database_->getFilename(), note);
}

std::optional<source_state> sqlite_ledger::source(const std::string& name) const
{
    settled();
    if (const auto known = sources_.find(name); known != sources_.end()) return known->second;
    return sources_[name] = read_source(name);
}

std::optional<source_state> sqlite_ledger::read_source(const std::string& name) const
{
    const asking sql(sql_->ask_source);
    sql->bind(1, name);
    if (!sql->executeStep()) return std::nullopt;
    source_state state;
    state.source = name;
    state.first_closed_at = instant_of(sql->getColumn(0));
    state.last_attempt = instant_of(sql->getColumn(1));
    state.last_success = instant_of(sql->getColumn(2));
    state.data_as_of = instant_of(sql->getColumn(3));
    if (!sql->getColumn(4).isNull()) state.newest_day = from_day_number(sql->getColumn(4).getInt64());
    if (!sql->getColumn(5).isNull()) state.statement_day = from_day_number(sql->getColumn(5).getInt64());
    state.error = text_of(sql->getColumn(6));
    state.error_to_do = text_of(sql->getColumn(7));
    state.error_class = text_of(sql->getColumn(8));
    if (!sql->getColumn(9).isNull()) state.marks_judged_to = static_cast<entry_index>(sql->getColumn(9).getInt64());
    return state;
}

std::vector<std::pair<entry_index, civil_day>>
sqlite_ledger::days_of_marks_since(const std::string& source, entry_index first, civil_day from) const
{
    settled();
    if (first >= size_) return {};
    const asking sql(sql_->ask_days);
    sql->bind(1, static_cast<std::int64_t>(first));
    sql->bind(2, source);
    sql->bind(3, to_day_number(from));
    std::vector<std::pair<entry_index, civil_day>> found;
    while (sql->executeStep())
        found.emplace_back(
            static_cast<entry_index>(sql->getColumn(0).getInt64()), from_day_number(sql->getColumn(1).getInt64())
        );
    return found;
}

std::optional<stream_state> sqlite_ledger::stream(const std::string& source, const std::string& stream) const
{
    settled();
    const std::pair key(source, stream);
    if (const auto known = streams_.find(key); known != streams_.end()) return known->second;
    return streams_[key] = read_stream(source, stream);
}

std::optional<stream_state> sqlite_ledger::read_stream(const std::string& source, const std::string& stream) const
{
    const asking sql(sql_->ask_stream);
    sql->bind(1, source);
    sql->bind(2, stream);
    if (!sql->executeStep()) return std::nullopt;
    stream_state state;
    state.source = source;
    state.stream = stream;
    state.fingerprint = text_of(sql->getColumn(0));
    state.windows = parse_windows(text_of(sql->getColumn(1)));
    return state;
}

std::vector<outbox_message> sqlite_ledger::due_messages(instant now, std::size_t max) const
{
    settled();
    if (now < none_due_before_) return {};
    const asking sql(sql_->ask_due);
    sql->bind(1, to_milliseconds(now));
    sql->bind(2, static_cast<std::int64_t>(max));
    std::vector<outbox_message> due = read_outbox(*sql);
    if (due.empty()) none_due_before_ = next_message_at().value_or(instant::max());
    return due;
}

std::vector<outbox_message> sqlite_ledger::untried_messages(entry_index alert, const std::string& route) const
{
    settled();
    const asking sql(sql_->ask_untried);
    sql->bind(1, static_cast<std::int64_t>(alert));
    sql->bind(2, route);
    return read_outbox(*sql);
}

std::vector<outbox_message> sqlite_ledger::undelivered_messages(const std::string& route) const
{
    settled();
    SQLite::Statement sql(
        *database_,
        std::string(outbox_columns) +
            "WHERE (state = 2 OR (state = 0 AND (attempts > 0 OR last_error <> ''))) AND route = ? ORDER BY id"
    );
    sql.bind(1, route);
    return read_outbox(sql);
}

std::vector<outbox_message> sqlite_ledger::delivered_messages(const std::string& id) const
{
    settled();
    SQLite::Statement one(*database_, std::string(outbox_columns) + "WHERE state = 1 AND message_id = ?");
    one.bind(1, id);
    std::vector<outbox_message> found = read_outbox(one);
    const auto members = members_of_digest(id);
    if (!found.empty() || !members) return found;
    SQLite::Statement gathered(
        *database_,
        std::string(outbox_columns) +
            "WHERE state = 1 AND id BETWEEN ?1 AND ?2 "
            "AND (route, made_at) = (SELECT route, made_at FROM outbox WHERE id = ?1) ORDER BY id"
    );
    gathered.bind(1, members->first);
    gathered.bind(2, members->last);
    return read_outbox(gathered);
}

bool sqlite_ledger::has_message(const std::string& id) const
{
    settled();
    const asking sql(sql_->ask_message);
    sql->bind(1, id);
    return sql->executeStep();
}

std::vector<outbox_message> sqlite_ledger::read_outbox(SQLite::Statement& sql)
{
    std::vector<outbox_message> due;
    while (sql.executeStep()) {
        outbox_message m;
        m.number = sql.getColumn(0).getInt64();
        m.content.id = text_of(sql.getColumn(1));
        if (!sql.getColumn(2).isNull()) m.alert = static_cast<entry_index>(sql.getColumn(2).getInt64());
        if (!sql.getColumn(3).isNull()) m.pupil = static_cast<entry_index>(sql.getColumn(3).getInt64());
        m.stage = text_of(sql.getColumn(4));
        m.route = text_of(sql.getColumn(5));
        m.content.type = text_of(sql.getColumn(6));
        m.content.subject = text_of(sql.getColumn(7));
        m.content.text = text_of(sql.getColumn(8));
        m.content.json = text_of(sql.getColumn(9));
        m.content.references = text_of(sql.getColumn(10));
        m.content.made_at = from_milliseconds(sql.getColumn(11).getInt64());
        m.attempts = sql.getColumn(12).getInt();
        m.next_at = from_milliseconds(sql.getColumn(13).getInt64());
        m.last_error = text_of(sql.getColumn(14));
        due.push_back(std::move(m));
    }
    return due;
}

std::optional<instant> sqlite_ledger::next_message_at() const
{
    settled();
    const asking sql(sql_->ask_next);
    if (!sql->executeStep()) return std::nullopt;
    return instant_of(sql->getColumn(0));
}

int sqlite_ledger::begin_attempt(std::int64_t number, instant)
{
    settled();
    const asking sql(sql_->attempt);
    sql->bind(1, number);
    ROLLBOOK_ENSURE(sql->executeStep());
    const int attempt = sql->getColumn(0).getInt();
    // The update is only done once the statement has run to its end.
    while (sql->executeStep()) {
    }
    return attempt;
}

std::string sqlite_ledger::first_message_id(entry_index alert, const std::string& route) const
{
    settled();
    const asking sql(sql_->ask_first);
    sql->bind(1, static_cast<std::int64_t>(alert));
    sql->bind(2, route);
    return sql->executeStep() ? sql->getColumn(0).getString() : std::string();
}

void store_digest_key(SQLite::Database& database)
{
    digest_key secret{};
    random_bytes(secret);
    SQLite::Statement meta(database, "INSERT INTO meta (name, value) VALUES ('digest_key', ?)");
    meta.bindNoCopy(1, secret.data(), static_cast<int>(secret.size()));
    meta.exec();
}

} // namespace

result<void> check_no_ledger(const std::filesystem::path& path)
{
    if (std::filesystem::exists(path))
        return failure(
            errc::ledger_in_doubt,
            "the ledger " + path.string() + " is there already",
            "Rollbook never overwrites a ledger; move it away first if it is not wanted."
        );
    if (std::filesystem::exists(signed_file(path)))
        return failure(
            errc::ledger_in_doubt,
            "the ledger " + path.string() + " is gone, and what was signed of it is still beside it (" +
                signed_file(path).string() + ")",
            "Run `rollbook restore` with the newest backup; move that file away only if the ledger is not wanted."
        );
    return {};
}

result<void> create_ledger(const std::filesystem::path& path, const ledger_birth& birth, const signing_key& key)
{
    if (const result<void> none = check_no_ledger(path); !none) return none;
    auto opened = open_database(path, access_mode::create);
    if (!opened) return opened.error();
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    try {
        create_tables(**opened);
        store_digest_key(**opened);
        sqlite_ledger book(std::move(*opened), {&key});
        transaction first;
        first.entries.push_back(setting_entry(
            "ledger",
            fmt::format(
                R"({{"format":"rollbook-ledger/1","origin":"{}","simulated":{}}})",
                birth.origin,
                birth.simulated ? "true" : "false"
            ),
            nullptr
        ));
        book.commit(first, birth.at);
        book.sign_checkpoint(birth.at);
    } catch (const failure_error& e) {
        return e.why();
    } catch (const SQLite::Exception& e) {
        return failure(
            errc::ledger_in_doubt,
            "the ledger " + path.string() + " cannot be made: " + e.what(),
            "Check the folder's permissions and free space."
        );
    }
    return {};
}

result<std::unique_ptr<ledger>> open_ledger(const std::filesystem::path& path, const signing_key& key)
{
    return open_ledger(path, std::vector<const signing_key*>{&key});
}

result<std::unique_ptr<ledger>> open_ledger(
    const std::filesystem::path& path, const std::vector<const signing_key*>& keys, std::unique_ptr<side_work> beside
)
{
    ROLLBOOK_ENSURE(!keys.empty());
    auto database = open_database(path, access_mode::write);
    if (!database) return database.error();
    try {
        finish_erasure(path, **database);
        make_durable(**database);
        return std::unique_ptr<ledger>(std::make_unique<sqlite_ledger>(std::move(*database), keys, std::move(beside)));
    } catch (const failure_error& e) {
        return e.why();
    } catch (const SQLite::Exception& e) {
        return store_failure(path, e);
    }
}

result<std::unique_ptr<ledger_lock>> ledger_lock::take(const std::filesystem::path& ledger)
{
    const std::string path = ledger.string() + ".lock";
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return failure(
            errc::ledger_in_doubt,
            "the lock " + path + " cannot be opened: " + std::strerror(errno),
            "Check the folder's owner and permissions."
        );
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        char holder[32] = {};
        const ssize_t got = ::pread(descriptor, holder, sizeof holder - 1, 0);
        ::close(descriptor);
        std::string process(holder, got > 0 ? static_cast<std::size_t>(got) : 0);
        while (!process.empty() && process.back() == '\n')
            process.pop_back();
        return failure(
            errc::ledger_in_doubt,
            "the ledger is in use by process " + (process.empty() ? std::string("(not known)") : process),
            "Stop that process, or let it do the work: only one may write."
        );
    }
    const std::string own = std::to_string(::getpid()) + "\n";
    if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, own.data(), own.size(), 0) < 0) {
        // The name of the holder is a courtesy; the lock itself holds.
    }
    return std::unique_ptr<ledger_lock>(new ledger_lock(descriptor));
}

ledger_lock::~ledger_lock()
{
    ::close(descriptor_);
}

} // namespace rollbook
