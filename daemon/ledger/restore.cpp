#include "daemon/ledger/restore.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/durable.hpp"
#include "daemon/base/sha256.hpp"
#include "daemon/ledger/backup_rows.hpp"
#include "daemon/ledger/decisions.hpp"
#include "daemon/ledger/entry_writer.hpp"
#include "daemon/ledger/erase_again.hpp"
#include "daemon/ledger/rebuild.hpp"
#include "daemon/ledger/signed_file.hpp"
#include "daemon/ledger/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <unistd.h>

namespace rollbook {
namespace {

namespace fs = std::filesystem;

constexpr const char* checkpoint_file = "checkpoint";

failure stopped(std::string what)
{
    return failure(errc::ledger_in_doubt, std::move(what), "Nothing was replaced. Use another copy of the backup.");
}

bool is_name_of_column(std::string_view text)
{
    return !text.empty() && std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

class restoring {
public:
    restoring(
        const restore_place& place, const recipient_keys& keys, const verifier_key& signer, const signing_key& key
    )
        : place_(place), keys_(keys), signer_(signer), key_(key), fresh_(place.ledger.string() + ".restoring")
    {
    }
    ~restoring()
    {
        std::error_code ignored;
        for (const char* suffix : {"", "-wal", "-shm", "-journal"})
            fs::remove(fresh_.string() + suffix, ignored);
    }

    result<upkeep_report> run()
    {
        const auto facts = check_backup(place_.backup, signer_, &keys_);
        if (!facts) return facts.error();
        facts_ = *facts;
        for (const fs::path& folder : folders())
            if (const result<void> known = read_beside(folder); !known) return known.error();
        if (const result<void> known = find_known_sizes(); !known) return known.error();
        const std::string& origin = key_.verifier().name;
        const bool forks = origin != facts_.origin;
        if (known_sizes_[origin] > (forks ? 0 : facts_.size))
            return failure(
                errc::forbidden,
                fmt::format(
                    "{} entries were signed under {}, and the backup has {} of {}: to sign others in their place would "
                    "be a second history",
                    known_sizes_[origin],
                    origin,
                    facts_.size,
                    facts_.origin
                ),
                "Set [ledger] origin to a new name, remove [ledger] vkey if it is set, restore again, and give the "
                "auditor the new public key."
            );

        auto opened = open_database(fresh_, access_mode::create);
        if (!opened) return opened.error();
        fs::permissions(fresh_, fs::perms::owner_read | fs::perms::owner_write);
        database_ = std::move(*opened);
        create_tables(*database_);
        if (const result<void> filled = fill(forks); !filled) return filled.error();
        if (const result<void> whole = verify(); !whole) return whole.error();
        database_.reset();
        if (const result<void> replaced = replace(); !replaced) return replaced.error();
        return report(forks);
    }

private:
    // What lies beside the backup was brought with it; a target that is another folder, or one that is not mounted, may
    // know less, or more.
    std::vector<fs::path> folders() const
    {
        std::vector<fs::path> found = {place_.backup.parent_path()};
        std::error_code ignored;
        if (!place_.target.empty() && !fs::equivalent(found.front(), place_.target, ignored))
            found.push_back(place_.target);
        return found;
    }

    result<void> read_beside(const fs::path& folder)
    {
        auto journal = read_journal(folder);
        if (!journal) return journal.error();
        for (journal_line& line : *journal)
            if (std::ranges::find(journal_, line) == journal_.end()) journal_.push_back(std::move(line));
        const auto note = read_if_there(folder / checkpoint_file);
        if (!note) return note.error();
        know_checkpoint(*note);
        auto lost = decisions_after(folder, facts_.origin, facts_.size, keys_);
        if (!lost) return lost.error();
        for (std::string& each : *lost)
            if (std::ranges::find(lost_, each) == lost_.end()) lost_.push_back(std::move(each));
        return {};
    }

    void know(const std::string& origin, std::uint64_t size)
    {
        std::uint64_t& known = known_sizes_[origin];
        known = std::max(known, size);
    }

    void know_checkpoint(const std::string& note)
    {
        for (const verifier_key* key : {&signer_, &key_.verifier()})
            if (const auto opened = open_checkpoint(note, *key)) know(opened->point.origin, opened->point.size);
    }

    // How many entries are known to have been signed, under the backup's origin and the one it is to go on under.
    result<void> find_known_sizes()
    {
        for (const journal_line& line : journal_)
            know(line.origin, line.entry + 1);
        for (const std::string& note : place_.later_checkpoints)
            know_checkpoint(note);
        // It may be all that is left of a ledger that is gone.
        const auto note = read_if_there(signed_file(place_.ledger));
        if (!note) return note.error();
        know_checkpoint(*note);
        if (!fs::exists(place_.ledger)) return {};
        try {
            auto held = open_database(place_.ledger, access_mode::read);
            if (!held) return {};
            SQLite::Statement newest(**held, "SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1");
            if (newest.executeStep()) know_checkpoint(newest.getColumn(0).getString());
        } catch (const SQLite::Exception&) {
            // The reason for restoring, perhaps; what the target and the auditor kept must do.
        }
        return {};
    }

    result<void> fill(bool forks)
    {
        auto body = sealed_reader::open(place_.backup);
        if (!body) return body.error();
        if (!(*body)->unlock(keys_))
            return failure(errc::ledger_in_doubt, "the backup was not made for this key", not_for_this_key);
        SQLite::Transaction all(*database_, SQLite::TransactionBehavior::IMMEDIATE);
        insert_rows(**body, forks);
        if (tree_.size() != facts_.size || tree_.root() != facts_.root)
            return stopped("the backup's entries are not those that it was signed for");
        // What was erased since the copy was made goes before anybody can read it.
        auto erased = erase_again(*database_, facts_, journal_);
        if (!erased) return erased.error();
        erased_ = std::move(*erased);
        append_own(forks);
        rebuild_tables(*database_, false);
        all.commit();
        if (tree_.size() > facts_.size || forks) sign();
        edge_writer(*database_).write(tree_);
        return {};
    }

    void insert_rows(sealed_reader& body, bool forks)
    {
        row_stream_reader rows(body);
        std::unique_ptr<SQLite::Statement> insert;
        SQLite::Statement tile(*database_, "INSERT INTO tile (level, n, hashes) VALUES (?, ?, ?)");
        const tile_sink sink = [&](unsigned level, std::uint64_t n, std::span<const hash, tile_width> hashes) {
            tile.bind(1, static_cast<std::int64_t>(level));
            tile.bind(2, static_cast<std::int64_t>(n));
            tile.bindNoCopy(3, hashes.data(), static_cast<int>(hashes.size_bytes()));
            rollbook::run(tile);
        };
        std::string leaf;
        for (;;) {
            const auto part = rows.next();
            if (part == row_stream_reader::part::end) return;
            if (part == row_stream_reader::part::table) {
                insert = prepare(rows, forks);
                continue;
            }
            if (!insert) continue;
            rows.bind(*insert);
            rollbook::run(*insert);
            if (rows.table() != "entry") continue;
            // idx, kind, recorded_at, commitment: the columns of the leaf, in the order of the table.
            const hash committed = to_hash(as_bytes(rows.bytes(3))).value_or(hash{});
            leaf.clear();
            const auto index = static_cast<std::uint64_t>(rows.number(0));
            last_ = time_of_entry(index, rows.number(2));
            append_leaf(leaf, index, kind_of_entry(index, rows.number(1)), last_, committed);
            tree_.append(leaf_hash(leaf), sink);
        }
    }

    // Checkpoints of the old origin are no checkpoints of a ledger that goes on under a new one.
    std::unique_ptr<SQLite::Statement> prepare(const row_stream_reader& rows, bool forks)
    {
        const std::string& table = rows.table();
        if (!is_name_of_column(table) || !std::ranges::all_of(rows.columns(), is_name_of_column) ||
            (table == "entry" && rows.columns().size() != 4))
            throw failure_error(stopped("the backup holds what is no table of a ledger"));
        if (forks && (table.starts_with("checkpoint") || table == "cosignature")) return nullptr;
        std::string names, places;
        for (const std::string& each : rows.columns()) {
            names += (names.empty() ? "" : ", ") + each;
            places += places.empty() ? "?" : ", ?";
        }
        return std::make_unique<SQLite::Statement>(
            *database_, "INSERT INTO " + table + " (" + names + ") VALUES (" + places + ")"
        );
    }

    void append_own(bool forks)
    {
        entry_writer entries(*database_);
        const instant at = std::max(place_.now, last_);
        if (forks) {
            thing_version row;
            row.kind = what::fork;
            entries.append(draft(entry_kind::fork, fork_payload(), row), at, tree_);
        }
        for (const auto& [basis, ranges] : erased_.erasures) {
            std::string text;
            json_writer out(text);
            out.begin_object().member("basis", basis).key("entries").begin_array();
            for (const auto& [first, last] : ranges)
                out.begin_array().value(first).value(last).end_array();
            out.end_array().member("restored", true).member("what", name_of(what::erasure)).end_object();
            thing_version row;
            row.kind = what::erasure;
            entries.append(draft(entry_kind::erasure, text, row), at, tree_);
        }
    }

    std::string fork_payload() const
    {
        std::string text;
        json_writer out(text);
        out.begin_object();
        out.member("new_origin", key_.verifier().name);
        out.member("old_key", format_vkey(signer_));
        out.member("old_origin", facts_.origin);
        out.member("root", to_base64(facts_.root));
        out.member("size", facts_.size);
        out.member("what", name_of(what::fork));
        out.end_object();
        return text;
    }

    void sign()
    {
        const std::string note = sign_checkpoint({key_.verifier().name, tree_.size(), tree_.root()}, key_);
        SQLite::Statement sql(*database_, "INSERT OR IGNORE INTO checkpoint (size, at, note) VALUES (?, ?, ?)");
        sql.bind(1, static_cast<std::int64_t>(tree_.size()));
        sql.bind(2, to_milliseconds(std::max(place_.now, last_)));
        sql.bindNoCopy(3, note);
        rollbook::run(sql);
    }

    result<void> verify()
    {
        verify_options options;
        options.key = key_.verifier();
        const verify_report report = verify_ledger(*database_, options);
        if (report.ok()) return {};
        return stopped("the restored ledger does not verify: " + report.problems.front().what);
    }

    result<void> replace()
    {
        std::string stamp;
        for (const char c : format_instant(place_.now))
            if (c != '-' && c != ':' && c != '.') stamp += c;
        const auto move = [&](const std::string& from, const std::string& to) {
            return !fs::exists(from) || std::rename(from.c_str(), to.c_str()) == 0;
        };
        kept_ = place_.ledger.string() + ".replaced-" + stamp;
        // What belongs to a ledger that is gone itself would be taken for the restored one's.
        bool moved = true;
        for (const char* suffix : {"", "-wal", "-shm", ".signed"})
            moved = moved && move(place_.ledger.string() + suffix, kept_ + suffix);
        if (!fs::exists(kept_)) kept_.clear();
        moved = moved && move(fresh_.string(), place_.ledger.string());
        if (!moved)
            return failure(
                errc::ledger_in_doubt,
                "the restored ledger cannot be put in place: " + std::string(std::strerror(errno)),
                "The old one is there as it was, or beside it with the ending .replaced-" + stamp + "."
            );
        sync_folder(place_.ledger.parent_path());
        return {};
    }

    result<upkeep_report> report(bool forks)
    {
        upkeep_report made;
        made.lines.push_back(fmt::format(
            "Restored {} entries, as of {}. Everything was verified first.", facts_.size, format_instant(facts_.made_at)
        ));
        if (!kept_.empty()) made.lines.push_back("The ledger that was there is now " + kept_ + ".");
        if (erased_.entries > 0)
            made.lines.push_back(fmt::format("{} entries that were erased since were erased again.", erased_.entries));
        if (forks)
            made.lines.push_back(fmt::format(
                "A new history begins: {} goes on as {} after entry {}. Give the auditor the new public key: {}",
                facts_.origin,
                key_.verifier().name,
                facts_.size,
                format_vkey(key_.verifier())
            ));
        if (!lost_.empty())
            made.lines.push_back(
                fmt::format("{} decisions of people came after the backup. Enter them again:", lost_.size())
            );
        made.lines.insert(made.lines.end(), lost_.begin(), lost_.end());
        json_writer out(made.json);
        out.begin_object();
        out.key("decisions").begin_array();
        for (const std::string& each : lost_)
            out.value(each);
        out.end_array();
        out.member("erased", erased_.entries).member("forked", forks).member("origin", key_.verifier().name);
        out.member("size", facts_.size);
        out.end_object();
        return made;
    }

    const restore_place& place_;
    const recipient_keys& keys_;
    const verifier_key& signer_;
    const signing_key& key_;
    fs::path fresh_;
    backup_facts facts_;
    std::vector<journal_line> journal_;
    std::map<std::string, std::uint64_t> known_sizes_;
    std::vector<std::string> lost_; // decisions that came after the backup
    std::unique_ptr<SQLite::Database> database_;
    merkle_frontier tree_;
    instant last_{};
    erased_again erased_;
    std::string kept_;
};

} // namespace

result<upkeep_report>
restore(const restore_place& place, const recipient_keys& keys, const verifier_key& signer, const signing_key& key)
{
    try {
        return restoring(place, keys, signer, key).run();
    } catch (const failure_error& e) {
        return e.why();
    } catch (const SQLite::Exception& e) {
        // Another copy of the backup would meet the same disk.
        if (e.getErrorCode() == SQLITE_FULL) return store_failure(place.ledger, e);
        return stopped(std::string("the backup cannot be restored: ") + e.what());
    }
}

namespace {

result<void>
check_owner(const fs::path& file, const std::string& note, const fs::path& ledger, const std::string& origin)
{
    const auto read = parse_note(note);
    const auto point = read ? parse_checkpoint(read->text) : result<checkpoint>(read.error());
    if (!point || point->origin == origin) return {};
    const auto origins = origins_of(ledger, origin);
    if (!origins) return origins.error();
    if (std::ranges::count(*origins, point->origin) > 0) return {};
    return failure(
        errc::forbidden,
        fmt::format(
            "the backup target {} is that of {}: one folder for each school", file.parent_path().string(), point->origin
        ),
        fmt::format(
            "Give [backup] target a folder of its own. Where that ledger is no more, move its backups and {} away.",
            file.string()
        )
    );
}

} // namespace

result<void> note_in_target(const fs::path& ledger, const fs::path& target, const std::string& origin)
{
    try {
        auto database = open_database(ledger, access_mode::read);
        if (!database) return database.error();
        const fs::path file = target / checkpoint_file;
        const auto there = read_if_there(file);
        if (!there) return there.error();
        if (const result<void> own = check_owner(file, *there, ledger, origin); !own) return own;
        if (const result<void> noted = sync_journal(**database, target, origin); !noted) return noted;
        SQLite::Statement newest(**database, "SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1");
        if (!newest.executeStep()) return {};
        const std::string note = newest.getColumn(0).getString();
        if (*there == note || replace_durably(file, note)) return {};
        return cannot_write(file, errno);
    } catch (const SQLite::Exception& e) {
        return failure(errc::ledger_in_doubt, std::string("the ledger cannot be read: ") + e.what(), "Check the disk.");
    }
}

} // namespace rollbook
