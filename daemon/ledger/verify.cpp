#include "daemon/ledger/verify.hpp"

#include "daemon/base/json.hpp"
#include "daemon/base/key_chain.hpp"
#include "daemon/base/keyed_digest.hpp"
#include "daemon/base/sha256.hpp"
#include "daemon/ledger/signed_file.hpp"
#include "daemon/reconcile/payload.hpp"

#include <SQLiteCpp/Savepoint.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

namespace rollbook {
namespace {

// Entries read in one go: a long reader would hold the write-ahead log.
constexpr std::int64_t chunk = 20'000;
constexpr std::size_t problems_max = 100;
constexpr std::uint64_t erased_range_max = std::uint64_t{1} << 40;

// Thrown where what was read so far, or is gone on from, is of another state of the ledger.
struct begin_anew {};

class verification {
public:
    verification(SQLite::Database& database, const verify_options& options) : database_(database), options_(options) {}

    verify_report run()
    {
        // What is appended while we read belongs to the next verification. Size and checkpoints are of one moment: a
        // writer beside us signs and forgets older ones.
        {
            SQLite::Savepoint moment(database_, "moment");
            report_.size = static_cast<std::uint64_t>(
                database_.execAndGet("SELECT coalesce(max(idx), -1) + 1 FROM entry").getInt64()
            );
            read_checkpoints();
            read_edge();
            moment.release();
        }
        take_signed_file();
        check_file();
        read_digest_key();
        walk_entries();
        check_erasures();
        check_signatures();
        check_cosignatures();
        check_tiles();
        if (!options_.quick) check_projection_counts();
        finish_checkpoints();
        report_.root = tree_.root();
        std::stable_sort(report_.problems.begin(), report_.problems.end(), [](const auto& a, const auto& b) {
            return a.index.value_or(0) < b.index.value_or(0) && a.index && b.index;
        });
        remove_repeated();
        return report_;
    }

private:
    // What was gone on from may name a problem that was met again.
    void remove_repeated()
    {
        std::set<std::pair<std::optional<entry_index>, std::string>> met;
        std::erase_if(report_.problems, [&](const verify_problem& each) {
            return !met.emplace(each.index, each.what).second;
        });
    }

    void problem(std::optional<entry_index> index, std::string what)
    {
        if (report_.problems.size() < problems_max) report_.problems.push_back({index, std::move(what)});
    }

    void check_file()
    {
        SQLite::Statement check(database_, "PRAGMA integrity_check(5)");
        while (check.executeStep()) {
            const std::string said = check.getColumn(0).getString();
            if (said != "ok") problem(std::nullopt, "the file is damaged: " + said);
        }
        for (std::string& different : schema_differences(database_))
            problem(std::nullopt, std::move(different));
    }

    void read_checkpoints()
    {
        if (!options_.key) problem(std::nullopt, "no key to check signatures with was given");
        row_scan rows(database_, "SELECT size, note FROM checkpoint ORDER BY size");
        while (rows.next()) {
            const auto size = static_cast<std::uint64_t>(rows.number(0));
            // Signed after we began: part of the next verification.
            if (size > report_.size && newer_entries_exist(size)) continue;
            if (!rows.has_types("it")) problem(std::nullopt, fmt::format("the checkpoint of size {} is no text", size));
            take_checkpoint(rows.bytes(1), size, "stored");
        }
        if (points_.empty() && report_.size > 0)
            problem(std::nullopt, "no checkpoint is stored: nothing was ever signed");
        for (const std::string& note : options_.earlier_checkpoints)
            take_checkpoint(note, std::nullopt, "given");
    }

    void read_edge()
    {
        row_scan newest(database_, "SELECT coalesce(max(size), 0) FROM checkpoint");
        if (newest.next()) edge_size_ = static_cast<std::uint64_t>(newest.number(0));
        row_scan rows(database_, "SELECT level, n, hashes FROM edge");
        while (rows.next())
            edge_.emplace(
                rows.has_types("iib") ? std::pair(rows.number(0), rows.number(1))
                                      : std::pair<std::int64_t, std::int64_t>(),
                rows.bytes(2)
            );
    }

    // What is kept of the tiles that are not full, against the hashes below them at the newest checkpoint.
    void compare_edge()
    {
        if (tree_.size() != edge_size_) return;
        decltype(edge_) made;
        for_each_edge_tile(tree_, [&](std::int64_t level, std::int64_t n, std::span<const hash> hashes) {
            made.emplace(
                std::pair(level, n), std::string(reinterpret_cast<const char*>(hashes.data()), hashes.size_bytes())
            );
        });
        if (edge_ != made)
            problem(
                std::nullopt,
                fmt::format("what is kept of the tree's edge at size {} differs from the hashes below it", edge_size_)
            );
    }

    // The copy of the newest checkpoint beside the ledger, where this file has one of its own. A writer beside us may have
    // signed more since our moment: whether what it signed is there is only seen after that.
    void take_signed_file()
    {
        const std::string file = database_.getFilename();
        const auto note = file.empty() ? std::nullopt : read_signed(file);
        if (!note) return;
        const auto parsed = parse_note(*note);
        const auto point = parsed ? parse_checkpoint(parsed->text) : parsed.error();
        const std::uint64_t size = point ? point->size : 0;
        if (size > report_.size && newer_entries_exist(size)) return; // signed after we began
        --report_.checkpoints;                                        // it is the newest stored one again
        take_checkpoint(*note, std::nullopt, "kept beside the ledger");
    }

    bool newer_entries_exist(std::uint64_t size)
    {
        SQLite::Statement last(database_, "SELECT coalesce(max(idx), -1) + 1 FROM entry");
        return last.executeStep() && static_cast<std::uint64_t>(last.getColumn(0).getInt64()) >= size;
    }

    void take_checkpoint(std::string_view note, std::optional<std::uint64_t> filed_under, std::string_view origin)
    {
        ++report_.checkpoints;
        const std::string name = filed_under         ? fmt::format("the {} checkpoint of size {}", origin, *filed_under)
                                 : origin == "given" ? std::string("the given checkpoint")
                                                     : fmt::format("the checkpoint {}", origin);
        if (!options_.key) return;
        const auto parsed = parse_note(note);
        const auto point = parsed ? parse_checkpoint(parsed->text) : parsed.error();
        if (!point) {
            problem(std::nullopt, name + ": " + point.error().what);
            return;
        }
        if (filed_under && point->size != *filed_under) {
            problem(std::nullopt, fmt::format("{} names size {}", name, point->size));
            return;
        }
        // Whose signature it must have is known when every change of key was read.
        signed_.push_back({std::string(note), name, filed_under.has_value()});
        points_.emplace(point->size, std::pair(point->root, name));
    }

    void check_signatures()
    {
        if (!options_.key) return;
        const auto chain = chain_of(*options_.key, changes_);
        if (!chain) return problem(std::nullopt, chain.error().what);
        for (const signed_point& each : signed_) {
            const auto opened = chain->open(each.note);
            if (!opened) {
                problem(std::nullopt, each.name + ": " + opened.error().what);
            } else if (opened->point.size > report_.size) {
                problem(
                    report_.size,
                    fmt::format(
                        "{} covers {} entries, the ledger holds {}: entries have been removed",
                        each.name,
                        opened->point.size,
                        report_.size
                    )
                );
            } else if (each.is_stored) {
                newest_signed_ = std::max(newest_signed_, opened->point.size);
            }
        }
    }

    // Of a witness whose key is not given only the form can be judged.
    void check_cosignatures()
    {
        row_scan rows(
            database_,
            "SELECT c.size, line, name, key_id, signed_at, note FROM cosignature AS c "
            "LEFT JOIN checkpoint ON checkpoint.size = c.size ORDER BY c.size, line"
        );
        while (rows.next()) {
            const auto size = static_cast<std::uint64_t>(rows.number(0));
            if (size > report_.size && newer_entries_exist(size)) continue;
            const auto wrong = [&](std::string_view what) {
                problem(
                    std::nullopt, fmt::format("a witness's signature under the checkpoint of size {} {}", size, what)
                );
            };
            const bool is_row = rows.has_types("ittint");
            std::string text(rows.bytes(5));
            const auto plain = parse_note(text);
            const auto note = parse_note(text.append(rows.bytes(1)));
            if (!is_row || !plain || !note || note->signatures.size() != plain->signatures.size() + 1) {
                wrong("cannot be read");
                continue;
            }
            const note_signature& line = note->signatures.back();
            if (line.name != rows.text(2) || std::int64_t{line.key_id} != rows.number(3))
                wrong("is filed under another name");
            for (const verifier_key& witness : options_.witnesses) {
                if (witness.name != line.name || witness.id != line.key_id) continue;
                const auto verified = verify_note(*note, std::span(&witness, 1));
                if (!verified)
                    wrong("does not verify");
                else if (static_cast<std::int64_t>(verified->front().posix_seconds) != rows.number(4))
                    wrong("is filed under another time");
            }
        }
    }

    void read_digest_key()
    {
        row_scan row(database_, "SELECT value FROM meta WHERE name = 'digest_key'");
        const bool is_there = row.next() && row.has_types("b");
        const std::string_view secret = is_there ? row.bytes(0) : std::string_view();
        if (secret.size() != digest_key_.size()) {
            problem(std::nullopt, "the ledger's digest key is missing");
            return;
        }
        std::memcpy(digest_key_.data(), secret.data(), secret.size());
    }

    void walk_entries()
    {
        if (options_.go_on && options_.go_on->index <= report_.size) go_on_from(*options_.go_on);
        compare_roots();
        compare_edge();
        for (std::uint64_t from = 0; from < report_.size;) {
            const std::uint64_t before = from;
            from = walk_chunk(from);
            if (options_.progress) options_.progress(from, report_.size);
            if (from == before) return; // the gap was reported
            if (options_.keep && from >= report_.taken_over)
                options_.keep({from, tree_.root(), marks_, things_, ends_marks_, ends_things_, report_.problems});
        }
    }

    void go_on_from(const verify_progress& earlier)
    {
        report_.taken_over = earlier.index;
        report_.problems.insert(report_.problems.end(), earlier.problems.begin(), earlier.problems.end());
        marks_ = earlier.marks;
        things_ = earlier.things;
        ends_marks_ = earlier.ended_marks;
        ends_things_ = earlier.ended_things;
    }

    // One short read transaction: whoever holds a longer one keeps the write-ahead log from being emptied.
    std::uint64_t walk_chunk(std::uint64_t from)
    {
        entries_.restart({static_cast<std::int64_t>(from), static_cast<std::int64_t>(report_.size), chunk});
        std::uint64_t expected = from;
        while (entries_.next()) {
            const auto index = static_cast<std::uint64_t>(entries_.number(0));
            if (index != expected) break;
            take_entry(index);
            ++expected;
        }
        if (expected < report_.size && expected < from + chunk) {
            problem(expected, fmt::format("entry {} is missing", expected));
            expected = from;
        }
        let_go();
        return expected;
    }

    void let_go()
    {
        entries_.reset();
        for (row_scan* each : {&tile_row_, &mark_row_, &thing_row_, &end_of_mark_, &end_of_thing_})
            each->reset();
    }

    void take_entry(std::uint64_t index)
    {
        const bool is_open = !entries_.is_null(4);
        if (!entries_.has_types(is_open ? "iiibbb" : "iiib"))
            problem(
                index,
                entries_.has_types("iiib") ? "its opening has values that are none of an opening's"
                                           : "its row has values that are none of an entry's"
            );
        const std::int64_t kind_number = entries_.number(1);
        const instant recorded = from_milliseconds(entries_.number(2));
        const std::string_view committed = entries_.bytes(3);
        if (kind_number < 0 || kind_number > static_cast<int>(entry_kind::note)) {
            problem(index, "its kind is not one of the five");
            return append(index, hash{});
        }
        if (!has_leaf_form(recorded)) {
            problem(index, "the time it was recorded is none that an entry can have");
            return append(index, hash{});
        }
        if (recorded < last_recorded_) problem(index, "it is recorded before the entry in front of it");
        if (committed.size() != sizeof(hash)) problem(index, "its commitment is not 32 bytes");
        last_recorded_ = std::max(last_recorded_, recorded);

        const auto kind = static_cast<entry_kind>(kind_number);
        leaf_.clear();
        append_leaf(leaf_, index, kind, recorded, hash_of(committed));
        append(index, leaf_hash(leaf_));
        if (is_open)
            check_opening(index, kind, committed);
        else
            unopened_.push_back(index);
    }

    void append(std::uint64_t, const hash& leaf)
    {
        tree_.append(leaf, [this](unsigned level, std::uint64_t n, std::span<const hash, tile_width> hashes) {
            compare_tile(level, n, hashes);
        });
        if (tree_.size() == report_.taken_over && tree_.root() != options_.go_on->root) throw begin_anew();
        compare_roots();
        compare_edge();
    }

    void check_opening(std::uint64_t index, entry_kind kind, std::string_view committed)
    {
        ++report_.openings;
        const bool is_known = index < report_.taken_over;
        // What others are judged by is read again; of the rest the earlier verification's word is taken.
        if (is_known && kind != entry_kind::erasure && kind != entry_kind::key) return;
        const std::string_view key = entries_.bytes(4);
        const std::string_view payload = entries_.bytes(5);
        if (key.size() != sizeof(hash)) return problem(index, "its commit key is not 32 bytes");
        const hash made = commitment(hash_of(key), payload);
        if (std::memcmp(made.data(), committed.data(), std::min(made.size(), committed.size())) != 0)
            return problem(index, "its content does not match its commitment");
        if (kind == entry_kind::erasure) take_erasure(index, payload);
        if (kind == entry_kind::key) take_key_change(index, payload);
        if (!options_.quick && !is_known) check_projection(index, payload);
    }

    void take_erasure(std::uint64_t index, std::string_view payload)
    {
        const auto parsed = json_document::parse(std::string(payload));
        if (!parsed) return problem(index, "an erasure entry cannot be read");
        parsed->root()["entries"].for_each_element([&](json_view range) {
            const auto first = range.at(0).int_if();
            const auto last = range.at(1).int_if();
            if (!first || !last || *first < 0 || *last < *first ||
                static_cast<std::uint64_t>(*last - *first) > erased_range_max)
                return problem(index, "an erasure entry names a range that is none");
            erased_.emplace_back(static_cast<std::uint64_t>(*first), static_cast<std::uint64_t>(*last));
        });
    }

    void take_key_change(std::uint64_t index, std::string_view payload)
    {
        const auto parsed = json_document::parse(std::string(payload));
        const auto change = parsed ? open_key_change(parsed->root()["note"].string_if().value_or("")) : parsed.error();
        if (!change) return problem(index, change.error().what);
        changes_.emplace_back(index, *change);
    }

    // The set of entries without an opening must equal the set that erasure entries name.
    void check_erasures()
    {
        row_scan later(database_, "SELECT 1 FROM entry WHERE idx >= ? AND kind = 1 LIMIT 1");
        later.restart({static_cast<std::int64_t>(report_.size)});
        if (later.next()) throw begin_anew(); // erased while we read: some of it was met open, some no longer
        std::sort(erased_.begin(), erased_.end());
        report_.erased = unopened_.size();
        const auto is_erased = [&](std::uint64_t index) {
            auto after = std::upper_bound(
                erased_.begin(), erased_.end(), std::pair(index, std::numeric_limits<std::uint64_t>::max())
            );
            while (after != erased_.begin()) {
                --after;
                if (after->second >= index) return true;
                if (after->first + longest_range() < index) break;
            }
            return false;
        };
        for (const std::uint64_t index : unopened_)
            if (!is_erased(index)) problem(index, "its content is missing and no erasure entry names it");

        SQLite::Statement opened(database_, "SELECT idx FROM opening WHERE idx >= ? AND idx <= ? LIMIT 1");
        for (const auto& [first, last] : erased_) {
            opened.reset();
            opened.bind(1, static_cast<std::int64_t>(first));
            opened.bind(2, static_cast<std::int64_t>(last));
            if (opened.executeStep())
                problem(
                    static_cast<entry_index>(opened.getColumn(0).getInt64()),
                    "an erasure entry names it, and its content is still there"
                );
        }
        // Entries have no gaps, or that was reported: an opening of none lies in front of them or behind.
        const auto surplus = static_cast<std::uint64_t>(
            database_
                .execAndGet("SELECT (SELECT count(*) FROM opening WHERE idx < 0) + "
                            "(SELECT count(*) FROM opening WHERE idx > (SELECT coalesce(max(idx), -1) FROM entry))")
                .getInt64()
        );
        if (surplus > 0) problem(std::nullopt, fmt::format("{} openings belong to no entry", surplus));
    }

    std::uint64_t longest_range() const
    {
        std::uint64_t longest = 0;
        for (const auto& [first, last] : erased_)
            longest = std::max(longest, last - first);
        return longest;
    }

    void compare_tile(unsigned level, std::uint64_t n, std::span<const hash, tile_width> hashes)
    {
        ++tiles_;
        tile_row_.restart({static_cast<std::int64_t>(level), static_cast<std::int64_t>(n)});
        if (!tile_row_.next()) {
            problem(std::nullopt, fmt::format("tile {} of level {} is missing", n, level));
            return;
        }
        const std::string_view bytes = tile_row_.bytes(0);
        if (!tile_row_.has_types("b") || bytes.size() != hashes.size_bytes() ||
            std::memcmp(bytes.data(), hashes.data(), bytes.size()) != 0)
            problem(std::nullopt, fmt::format("tile {} of level {} differs from the hashes below it", n, level));
        tile_row_.reset();
    }

    void check_tiles()
    {
        SQLite::Statement held(database_, "SELECT level, n FROM tile");
        std::uint64_t count = 0;
        while (held.executeStep()) {
            const auto level = held.getColumn(0).getInt64();
            const auto n = static_cast<std::uint64_t>(held.getColumn(1).getInt64());
            // A tile that became full after we began is not ours to judge.
            const bool later = level >= 1 && level < 7 &&
                               (n + 1) << (8 * (static_cast<unsigned>(level) + 1)) > report_.size &&
                               newer_entries_exist((n + 1) << (8 * (static_cast<unsigned>(level) + 1)));
            count += later ? 0 : 1;
        }
        if (count > tiles_)
            problem(std::nullopt, fmt::format("{} tiles belong to no part of the tree", count - tiles_));
    }

    void compare_roots()
    {
        const auto [first, last] = points_.equal_range(tree_.size());
        for (auto at = first; at != last; ++at)
            if (at->second.first != tree_.root())
                problem(
                    tree_.size() == 0 ? std::optional<entry_index>() : tree_.size() - 1,
                    at->second.second + " has another root than the entries: something up to this entry was changed"
                );
    }

    void finish_checkpoints() { report_.unsigned_entries = report_.size - std::min(newest_signed_, report_.size); }

    // The stored projection row of an entry must be what its payload says, and end what it replaces.
    void check_projection(std::uint64_t index, std::string_view payload)
    {
        const auto expected =
            project(payload, index, [this](std::string_view text) { return keyed_digest(digest_key_, text); });
        if (!expected) return problem(index, expected.error().what);
        if (const auto* mark = std::get_if<mark_version>(&*expected))
            check_mark_row(index, *mark);
        else if (const auto* thing = std::get_if<thing_version>(&*expected))
            check_thing_row(index, *thing);
    }

    void check_mark_row(std::uint64_t index, const mark_version& mark)
    {
        ++marks_;
        mark_row_.restart({static_cast<std::int64_t>(index)});
        const bool equal = mark_row_.next() && mark_row_.has_types("iiitttiiin") &&
                           mark_row_.number(0) == to_day_number(mark.session.day) &&
                           mark_row_.number(1) == static_cast<int>(mark.session.half) &&
                           static_cast<entry_index>(mark_row_.number(2)) == mark.pupil &&
                           mark_row_.text(3) == mark.source && mark_row_.text(4) == mark.raw &&
                           mark_row_.text(5) == mark.statutory && mark_row_.number(6) == mark.minutes &&
                           mark_row_.number(7) == std::int64_t{mark.digest} &&
                           mark_row_.number(8) == (mark.gone ? 1 : 0);
        if (!equal) problem(index, "the register differs from the entry");
        if (!ends_a_row(mark.replaces)) return;
        ++ends_marks_;
        check_end(index, end_of_mark_, mark.replaces);
    }

    void check_thing_row(std::uint64_t index, const thing_version& thing)
    {
        ++things_;
        const entry_index subject = thing.subject == no_entry ? index : thing.subject;
        thing_row_.restart({static_cast<std::int64_t>(index)});
        const bool equal =
            thing_row_.next() && thing_row_.has_types("iinttiin") &&
            thing_row_.number(0) == static_cast<int>(thing.kind) &&
            static_cast<entry_index>(thing_row_.number(1)) == subject &&
            (thing_row_.is_null(2) ? no_entry : static_cast<entry_index>(thing_row_.number(2))) == thing.pupil &&
            thing_row_.text(3) == thing.source && thing_row_.text(4) == thing.key &&
            static_cast<std::uint64_t>(thing_row_.number(5)) == thing.digest &&
            thing_row_.number(6) == (thing.gone ? 1 : 0);
        if (!equal) problem(index, "the projection differs from the entry");
        if (!ends_a_row(thing.replaces)) return;
        ++ends_things_;
        check_end(index, end_of_thing_, thing.replaces);
    }

    // What was erased has no row that could end. Entries replace earlier ones only, so those are known already.
    bool ends_a_row(entry_index replaced) const
    {
        return replaced != no_entry && !std::binary_search(unopened_.begin(), unopened_.end(), replaced);
    }

    void check_end(std::uint64_t index, row_scan& row, entry_index replaced)
    {
        row.restart({static_cast<std::int64_t>(replaced)});
        if (!row.next() || row.is_null(0) || static_cast<std::uint64_t>(row.number(0)) != index)
            problem(index, fmt::format("entry {} is not ended by the entry that replaces it", replaced));
    }

    void check_projection_counts()
    {
        count_rows("mark", "the register", marks_, ends_marks_);
        count_rows("thing", "the projection", things_, ends_things_);
    }

    // Rows beyond the size that was verified may be a writer's, but none may be beyond the newest entry.
    void count_rows(std::string_view table, std::string_view name, std::uint64_t made, std::uint64_t ended)
    {
        row_scan all(
            database_,
            fmt::format(
                "SELECT count(*) FILTER (WHERE entry < ?1), count(*) FILTER (WHERE to_entry < ?1), "
                "count(*) FILTER (WHERE entry > newest OR to_entry > newest) "
                "FROM {}, (SELECT coalesce(max(idx), -1) AS newest FROM entry)",
                table
            )
                .c_str()
        );
        all.restart({static_cast<std::int64_t>(report_.size)});
        all.next();
        if (static_cast<std::uint64_t>(all.number(0)) != made)
            problem(std::nullopt, fmt::format("{} holds rows that no entry gave", name));
        if (static_cast<std::uint64_t>(all.number(1)) != ended)
            problem(std::nullopt, fmt::format("{} ends rows that no entry replaced", name));
        if (all.number(2) != 0) problem(std::nullopt, fmt::format("{} names entries that do not exist", name));
    }

    SQLite::Database& database_;
    const verify_options& options_;
    verify_report report_;
    merkle_frontier tree_;
    digest_key digest_key_{};
    std::multimap<std::uint64_t, std::pair<hash, std::string>> points_; // by size: root and name
    struct signed_point {
        std::string note;
        std::string name;
        bool is_stored = false; // in the ledger; otherwise given
    };
    std::vector<signed_point> signed_;
    std::vector<std::pair<std::uint64_t, key_change>> changes_;
    std::uint64_t newest_signed_ = 0;
    std::uint64_t edge_size_ = 0;                                       // the newest stored checkpoint's
    std::map<std::pair<std::int64_t, std::int64_t>, std::string> edge_; // by level and n: the hashes as they are kept
    instant last_recorded_{};
    std::vector<std::uint64_t> unopened_;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> erased_;
    std::uint64_t tiles_ = 0, marks_ = 0, things_ = 0, ends_marks_ = 0, ends_things_ = 0;
    std::string leaf_;
    row_scan entries_{
        database_,
        "SELECT entry.idx, kind, recorded_at, commitment, commit_key, payload FROM entry "
        "LEFT JOIN opening ON opening.idx = entry.idx WHERE entry.idx >= ? AND entry.idx < ? "
        "ORDER BY entry.idx LIMIT ?"};
    row_scan tile_row_{database_, "SELECT hashes FROM tile WHERE level = ? AND n = ?"};
    row_scan mark_row_{
        database_,
        "SELECT day, session, pupil, source, raw, code, minutes, digest, gone, to_entry FROM mark WHERE entry = ?"};
    row_scan thing_row_{
        database_, "SELECT what, subject, pupil, source, key, digest, gone, to_entry FROM thing WHERE entry = ?"};
    row_scan end_of_mark_{database_, "SELECT to_entry FROM mark WHERE entry = ?"};
    row_scan end_of_thing_{database_, "SELECT to_entry FROM thing WHERE entry = ?"};
};

} // namespace

verify_report verify_ledger(SQLite::Database& database, const verify_options& options)
{
    try {
        return verification(database, options).run();
    } catch (const begin_anew&) {
        verify_options anew = options;
        anew.go_on.reset();
        return verify_ledger(database, anew);
    } catch (const SQLite::Exception& e) {
        verify_report report;
        report.problems.push_back({std::nullopt, std::string("the file cannot be read: ") + e.what()});
        return report;
    } catch (const failure_error& e) {
        verify_report report;
        report.problems.push_back({std::nullopt, e.why().what});
        return report;
    }
}

} // namespace rollbook
