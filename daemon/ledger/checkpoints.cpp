#include "daemon/ledger/checkpoints.hpp"

#include "daemon/base/json.hpp"
#include "daemon/domain/what.hpp"
#include "daemon/ledger/database.hpp"
#include "daemon/ledger/rows.hpp"

#include <map>

namespace rollbook {
namespace {

std::int64_t as_stored(std::uint64_t size)
{
    return static_cast<std::int64_t>(std::min(size, tree_size_max));
}

failure no_checkpoint(std::uint64_t size)
{
    return failure(
        errc::not_found,
        "no checkpoint of size " + std::to_string(size) + " is stored",
        "Name one that `rollbook ledger checkpoint` or an export gave."
    );
}

class proofs_in final : public ledger_proofs {
public:
    explicit proofs_in(SQLite::Database& database) : database_(database) {}
    explicit proofs_in(std::unique_ptr<SQLite::Database> own) : own_(std::move(own)), database_(*own_) {}

    std::optional<kept_checkpoint> newest() const override
    {
        const asking row = ask("SELECT size, at, note FROM checkpoint ORDER BY size DESC LIMIT 1");
        return first_of(*row);
    }

    std::optional<kept_checkpoint> newest_cosigned(std::uint64_t index) const override
    {
        SQLite::Statement row(
            database_,
            "SELECT size, at, note FROM checkpoint WHERE size > ? AND EXISTS (SELECT 1 FROM cosignature AS c WHERE "
            "c.size = checkpoint.size AND c.signed_at IS NOT NULL) ORDER BY size DESC LIMIT 1"
        );
        row.bind(1, as_stored(index));
        return first_of(row);
    }

    std::optional<kept_checkpoint> checkpoint(std::uint64_t size) const override
    {
        SQLite::Statement row(database_, "SELECT size, at, note FROM checkpoint WHERE size = ?");
        row.bind(1, as_stored(size));
        return first_of(row);
    }

    void each_checkpoint(const std::function<bool(const kept_checkpoint&)>& use) const override
    {
        SQLite::Statement rows(database_, "SELECT size, at, note FROM checkpoint ORDER BY size DESC");
        while (rows.executeStep())
            if (!use(read(rows))) return;
    }

    std::optional<kept> last_kept(keep_reason why) const override
    {
        const asking row = ask("SELECT size, at FROM checkpoint_kept WHERE why = ? ORDER BY size DESC LIMIT 1");
        row->bind(1, std::string(name_of(why)));
        if (!row->executeStep()) return std::nullopt;
        return kept{
            static_cast<std::uint64_t>(row->getColumn(0).getInt64()), from_milliseconds(row->getColumn(1).getInt64())};
    }

    std::optional<witnessed> last_of(const verifier_key& witness) const override
    {
        SQLite::Statement row(
            database_,
            "SELECT size, signed_at FROM cosignature WHERE name = ? AND key_id = ? AND signed_at IS NOT NULL "
            "ORDER BY size DESC, signed_at DESC LIMIT 1"
        );
        row.bind(1, witness.name);
        row.bind(2, static_cast<std::int64_t>(witness.id));
        if (!row.executeStep()) return std::nullopt;
        return witnessed{
            static_cast<std::uint64_t>(row.getColumn(0).getInt64()),
            instant(std::chrono::seconds(row.getColumn(1).getInt64()))};
    }

    hash root(std::uint64_t size) const override
    {
        stored_hashes stored(database_);
        return merkle_reader(size, stored).root(size);
    }

    result<std::vector<hash>> consistency(std::uint64_t old_size, std::uint64_t size) const override
    {
        stored_hashes stored(database_);
        merkle_reader tree(entries(), stored);
        return consistency_proof(old_size, size, tree);
    }

    result<key_chain> chain(const verifier_key& pinned) const override
    {
        try {
            return chain_of(pinned, key_changes(database_));
        } catch (const failure_error& e) {
            return e.why();
        }
    }

    std::optional<instant> last_recorded() const override
    {
        return recorded("SELECT recorded_at FROM entry ORDER BY idx DESC LIMIT 1");
    }

    std::optional<instant> began() const override { return recorded("SELECT recorded_at FROM entry WHERE idx = 0"); }

private:
    std::uint64_t entries() const
    {
        return static_cast<std::uint64_t>(
            database_.execAndGet("SELECT coalesce(max(idx), -1) + 1 FROM entry").getInt64()
        );
    }

    std::optional<instant> recorded(const char* sql) const
    {
        const asking row = ask(sql);
        if (!row->executeStep()) return std::nullopt;
        return instant_of(row->getColumn(0));
    }

    // Prepared once: each read asks again.
    asking ask(const char* sql) const { return asking(asked_.try_emplace(sql, database_, sql).first->second); }

    // With the lines that witnesses added to the note: what is handed out.
    kept_checkpoint read(SQLite::Statement& row) const
    {
        kept_checkpoint found{
            static_cast<std::uint64_t>(row.getColumn(0).getInt64()),
            from_milliseconds(row.getColumn(1).getInt64()),
            std::string(text_of(row.getColumn(2)))};
        const asking lines = ask("SELECT line FROM cosignature WHERE size = ? ORDER BY accepted_at, line");
        lines->bind(1, as_stored(found.size));
        while (lines->executeStep())
            found.note += text_of(lines->getColumn(0));
        return found;
    }

    std::optional<kept_checkpoint> first_of(SQLite::Statement& row) const
    {
        if (!row.executeStep()) return std::nullopt;
        return read(row);
    }

    std::unique_ptr<SQLite::Database> own_;
    SQLite::Database& database_;
    mutable std::map<std::string_view, SQLite::Statement> asked_;
};

void keep_row(SQLite::Database& database, std::uint64_t size, keep_reason why, instant now)
{
    SQLite::Statement row(database, "INSERT OR IGNORE INTO checkpoint_kept (size, why, at) VALUES (?, ?, ?)");
    row.bind(1, as_stored(size));
    row.bind(2, std::string(name_of(why)));
    row.bind(3, to_milliseconds(now));
    run(row);
}

class checkpoints_of_writer final : public checkpoint_book {
public:
    explicit checkpoints_of_writer(SQLite::Database& database) : database_(database), proofs_(database) {}

    const ledger_proofs& proofs() const override { return proofs_; }

    result<void> keep(std::uint64_t size, keep_reason why, instant now) override
    {
        if (!proofs_.checkpoint(size)) return no_checkpoint(size);
        keep_row(database_, size, why, now);
        return {};
    }

    result<void> cosign(std::uint64_t size, const std::vector<cosignature>& lines, instant now) override
    {
        if (!proofs_.checkpoint(size)) return no_checkpoint(size);
        SQLite::Transaction all(database_, SQLite::TransactionBehavior::IMMEDIATE);
        SQLite::Statement row(
            database_,
            "INSERT OR IGNORE INTO cosignature (size, line, name, key_id, signed_at, accepted_at) "
            "VALUES (?, ?, ?, ?, ?, ?)"
        );
        for (const cosignature& each : lines) {
            row.bind(1, as_stored(size));
            row.bind(2, each.line);
            row.bind(3, each.name);
            row.bind(4, static_cast<std::int64_t>(each.key_id));
            if (each.posix_seconds)
                row.bind(5, static_cast<std::int64_t>(*each.posix_seconds));
            else
                row.bind(5);
            row.bind(6, to_milliseconds(now));
            run(row);
        }
        keep_row(database_, size, keep_reason::cosigned, now);
        all.commit();
        return {};
    }

private:
    SQLite::Database& database_;
    proofs_in proofs_;
};

} // namespace

result<std::unique_ptr<ledger_proofs>> open_proofs(const std::filesystem::path& path)
{
    auto database = open_database(path, access_mode::read);
    if (!database) return database.error();
    return std::unique_ptr<ledger_proofs>(std::make_unique<proofs_in>(std::move(*database)));
}

std::unique_ptr<ledger_proofs> make_proofs(SQLite::Database& database)
{
    return std::make_unique<proofs_in>(database);
}

std::unique_ptr<checkpoint_book> make_checkpoint_book(SQLite::Database& database)
{
    return std::make_unique<checkpoints_of_writer>(database);
}

std::vector<std::pair<std::uint64_t, key_change>> key_changes(SQLite::Database& database)
{
    std::vector<std::pair<std::uint64_t, key_change>> changes;
    SQLite::Statement rows(
        database, "SELECT entry, payload FROM thing LEFT JOIN opening ON idx = entry WHERE what = ? ORDER BY entry"
    );
    rows.bind(1, static_cast<int>(what::key));
    while (rows.executeStep()) {
        const auto payload = json_document::parse(std::string(text_of(rows.getColumn(1))));
        const auto change = payload ? open_key_change(payload->root()["note"].string_if().value_or(""))
                                    : result<key_change>(payload.error());
        if (!change) throw failure_error(change.error());
        changes.emplace_back(static_cast<std::uint64_t>(rows.getColumn(0).getInt64()), *change);
    }
    return changes;
}

} // namespace rollbook
