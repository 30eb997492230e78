#include "daemon/ledger/erase_again.hpp"

#include "daemon/ledger/erase_rows.hpp"
#include "daemon/ledger/rebuild.hpp"
#include "daemon/ledger/rows.hpp"
#include "daemon/reconcile/payload.hpp"

#include <algorithm>
#include <limits>
#include <map>

namespace rollbook {
namespace {

class erasing_again {
public:
    erasing_again(SQLite::Database& database, const backup_facts& of)
        : database_(database), origin_(of.origin), size_(of.size), key_(read_digest_key(database)), stored_(database),
          memory_(database), openings_(database, "SELECT idx, payload FROM opening WHERE idx >= ? AND idx <= ?"),
          remove_(database, "DELETE FROM opening WHERE idx >= ? AND idx <= ?")
    {
    }

    result<erased_again> run(const std::vector<journal_line>& journal)
    {
        relations_[origin_].shared = std::numeric_limits<entry_index>::max();
        for (const journal_line& line : journal)
            if (line.forked_from == origin_) relations_.try_emplace(line.origin, relation{line.entry});
        for (const journal_line& line : journal)
            if (const auto at = relations_.find(line.origin); at != relations_.end() && !line.erased.empty())
                at->second.told_to = std::max(at->second.told_to, line.entry + 1);
        bool any = false;
        for (const journal_line& line : journal) {
            if (line.origin == origin_ && line.entry < size_) continue; // the copy was made after it
            const auto at = relations_.find(line.origin);
            any = any || at != relations_.end();
            if (const result<void> erased = erase(line, at == relations_.end() ? relation() : at->second); !erased)
                return erased.error();
        }
        if (any || done_.entries > 0) remove_working_rows();
        return std::move(done_);
    }

private:
    // What a line's origin has to do with the backup.
    struct relation {
        entry_index shared = 0;  // its entries before are the backup's, as far as the backup has them
        entry_index told_to = 0; // the journal says what is to be known again of its erasures before
    };

    result<void> erase(const journal_line& line, const relation& is)
    {
        if (is.shared > 0)
            for (const std::uint64_t digest : line.erased)
                memory_.add(digest);
        std::vector<entry_range> erased;
        for (std::size_t i = 0; i < line.ranges.size(); ++i) {
            auto [first, last] = line.ranges[i];
            if (first >= size_) continue;
            if (last >= size_ ? last >= is.shared : range_digest(stored_, line.ranges[i]) != line.digests[i]) {
                if (line.origin != origin_) continue; // its own entries, in another history
                return failure(
                    errc::ledger_in_doubt,
                    "the erasure journal speaks of other entries than the backup has",
                    "Nothing was replaced. Use another copy of the backup."
                );
            }
            last = std::min(last, size_ - 1);
            // A journal of an earlier version names the entries alone.
            if (line.entry >= is.told_to) remember_records(first, last);
            const std::uint64_t removed = remove_openings(first, last);
            if (removed == 0) continue; // by another name's erasure, or before the copy was made
            erased.emplace_back(first, last);
            done_.entries += removed;
        }
        if (!erased.empty()) done_.erasures.emplace_back(line.basis, std::move(erased));
        return {};
    }

    std::uint64_t remove_openings(entry_index first, entry_index last)
    {
        bind(remove_, first, last);
        rollbook::run(remove_);
        return static_cast<std::uint64_t>(database_.getChanges());
    }

    static void bind(SQLite::Statement& sql, entry_index first, entry_index last)
    {
        sql.bind(1, static_cast<std::int64_t>(first));
        sql.bind(2, static_cast<std::int64_t>(last));
    }

    void remember_records(entry_index first, entry_index last)
    {
        const digester digest = [this](std::string_view text) { return keyed_digest(key_, text); };
        openings_.reset();
        bind(openings_, first, last);
        while (openings_.executeStep()) {
            const auto index = static_cast<entry_index>(openings_.getColumn(0).getInt64());
            const auto row = project(text_of(openings_.getColumn(1)), index, digest);
            const thing_version* thing = row ? std::get_if<thing_version>(&*row) : nullptr;
            if (thing && is_source_record(thing->kind))
                memory_.add(digest(erased_key(thing->kind, thing->source, thing->key)));
        }
        openings_.reset();
    }

    // Those about a pupil without a name are not to be told apart, nor are rows that could not be read: none stays.
    void remove_working_rows()
    {
        database_.exec("DELETE FROM quarantine");
        database_.exec("DELETE FROM outbox WHERE pupil IS NOT NULL AND pupil NOT IN (SELECT idx FROM opening)");
        database_.exec("DELETE FROM outbox WHERE alert IS NOT NULL AND alert NOT IN (SELECT idx FROM opening)");
        database_.exec("DELETE FROM alert_value WHERE alert NOT IN (SELECT idx FROM opening)");
    }

    SQLite::Database& database_;
    const std::string origin_;
    const std::uint64_t size_;
    const digest_key key_;
    stored_hashes stored_;
    erased_memory memory_;
    SQLite::Statement openings_;
    SQLite::Statement remove_;
    std::map<std::string, relation> relations_; // by origin
    erased_again done_;
};

} // namespace

result<erased_again>
erase_again(SQLite::Database& database, const backup_facts& of, const std::vector<journal_line>& journal)
{
    return erasing_again(database, of).run(journal);
}

} // namespace rollbook
