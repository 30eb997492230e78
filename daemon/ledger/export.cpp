#include "daemon/ledger/export.hpp"

#include "daemon/base/sha256.hpp"
#include "daemon/ledger/checkpoints.hpp"
#include "daemon/ledger/database.hpp"
#include "daemon/ledger/export_folder.hpp"

#include <array>
#include <cstring>

namespace rollbook {
namespace {

// Entries read in one go: a long reader would hold the write-ahead log.
constexpr std::uint64_t read_at_once = 64 * tile_width;
constexpr std::string_view checkpoint_name = "checkpoint";
constexpr std::string_view openings_name = "openings.ndjson";

failure in_doubt(std::string what, std::string to_do)
{
    return failure(errc::ledger_in_doubt, std::move(what), std::move(to_do));
}

std::string bytes_of(std::span<const hash> hashes)
{
    return std::string(reinterpret_cast<const char*>(hashes.data()), hashes.size_bytes());
}

class ledger_export {
public:
    ledger_export(SQLite::Database& database, const export_request& request, export_folder& folder)
        : database_(database), request_(request), folder_(folder),
          keys_(make_proofs(database)->chain(request.log).value())
    {
    }

    export_report run()
    {
        find_checkpoint();
        check_earlier();
        for (std::uint64_t from = 0; from < point_.size; from += read_at_once) {
            walk(from, std::min(point_.size, from + read_at_once));
            if (request_.progress) request_.progress(std::min(point_.size, from + read_at_once), point_.size);
        }
        if (tree_.root() != point_.root)
            throw failure_error(in_doubt(
                "the entries do not give the root that was signed at size " + std::to_string(point_.size),
                "Run `rollbook ledger verify`, and restore from a backup. The export's checkpoint is as it was."
            ));
        put_right_edge();
        if (request_.openings) put_openings();
        folder_.settle();
        folder_.put(std::string(checkpoint_name), note_);
        folder_.settle();
        ++report_.files_written;
        report_.size = point_.size;
        report_.root = point_.root;
        return report_;
    }

private:
    void find_checkpoint()
    {
        const auto proofs = make_proofs(database_);
        const auto kept = proofs->last_kept(keep_reason::exported);
        const auto stored = kept ? proofs->checkpoint(kept->size) : std::nullopt;
        if (!stored)
            throw failure_error(failure(
                errc::not_found, "no checkpoint was signed for an export", "`rollbook poll` signs one when it is done."
            ));
        const auto opened = keys_.open(stored->note);
        if (!opened) throw failure_error(opened.error());
        note_ = stored->note;
        point_ = opened->point;
    }

    // What is there must be the beginning of what we have: a log never shows two histories.
    void check_earlier() const
    {
        const auto held = folder_.read(std::string(checkpoint_name), note_bytes_max);
        if (!held) return;
        const auto opened = keys_.open(*held);
        if (!opened)
            throw failure_error(in_doubt(
                "the folder holds a checkpoint that is not of this ledger: " + opened.error().what,
                "Export to a folder of its own."
            ));
        const auto proofs = make_proofs(database_);
        if (opened->point.size > point_.size || proofs->root(opened->point.size) != opened->point.root)
            throw failure_error(in_doubt(
                "the folder holds a checkpoint of size " + std::to_string(opened->point.size) +
                    " that this ledger does not extend",
                "Keep both as they are: one of the two was changed, or this ledger is an older copy."
            ));
    }

    void count(bool written) { ++(written ? report_.files_written : report_.files_kept); }

    void put_tile(unsigned level, std::uint64_t n, std::span<const hash> hashes)
    {
        count(folder_.put_tile(tile_path(std::to_string(level), n, hashes.size()), bytes_of(hashes)));
    }

    void walk(std::uint64_t from, std::uint64_t to)
    {
        entries_.reset();
        entries_.bind(1, static_cast<std::int64_t>(from));
        entries_.bind(2, static_cast<std::int64_t>(to));
        std::uint64_t expected = from;
        while (entries_.executeStep()) {
            const auto index = static_cast<std::uint64_t>(entries_.getColumn(0).getInt64());
            if (index != expected) break;
            take(index);
            ++expected;
        }
        entries_.reset();
        if (expected != to)
            throw failure_error(in_doubt(
                "entry " + std::to_string(expected) + " is missing from the ledger",
                "Run `rollbook ledger verify`, and restore from a backup."
            ));
    }

    void take(std::uint64_t index)
    {
        leaf_.clear();
        append_leaf(
            leaf_,
            index,
            kind_of_entry(index, entries_.getColumn(1).getInt64()),
            time_of_entry(index, entries_.getColumn(2).getInt64()),
            hash_of(entries_.getColumn(3))
        );
        bundle_.push_back(static_cast<char>(leaf_.size() >> 8));
        bundle_.push_back(static_cast<char>(leaf_.size() & 0xff));
        bundle_ += leaf_;
        const hash leaf = leaf_hash(leaf_);
        leaves_[index % tile_width] = leaf;
        tree_.append(leaf, [this](unsigned level, std::uint64_t n, std::span<const hash, tile_width> hashes) {
            put_tile(level, n, hashes);
        });
        if ((index + 1) % tile_width == 0) put_bottom(index / tile_width, tile_width);
    }

    // A tile of leaf hashes and the leaves themselves.
    void put_bottom(std::uint64_t n, std::size_t width)
    {
        put_tile(0, n, std::span(leaves_).first(width));
        count(folder_.put_tile(tile_path("entries", n, width), bundle_));
        bundle_.clear();
    }

    void put_right_edge()
    {
        if (const std::size_t width = point_.size % tile_width) put_bottom(point_.size / tile_width, width);
        for (unsigned level = 1; level * 8 < 64 && point_.size >> (level * 8) != 0; ++level)
            if (const auto edge = tree_.edge(level); !edge.empty())
                put_tile(level, (point_.size >> (level * 8)) / tile_width, edge);
    }

    // Always made anew: what was erased since the earlier export must not stay in it.
    void put_openings()
    {
        folder_.put(std::string(openings_name), [this](const export_folder::sink& write) {
            for (std::uint64_t from = 0; from < point_.size; from += read_at_once)
                walk_openings(from, std::min(point_.size, from + read_at_once), write);
        });
        ++report_.files_written;
        report_.erased = point_.size - report_.openings - report_.left_out;
    }

    void walk_openings(std::uint64_t from, std::uint64_t to, const export_folder::sink& write)
    {
        openings_.reset();
        openings_.bind(1, static_cast<std::int64_t>(from));
        openings_.bind(2, static_cast<std::int64_t>(to));
        while (openings_.executeStep()) {
            const auto index = static_cast<std::uint64_t>(openings_.getColumn(0).getInt64());
            const std::string_view payload = text_of(openings_.getColumn(2));
            if (request_.wants && !request_.wants(index, payload)) {
                ++report_.left_out;
                continue;
            }
            ++report_.openings;
            line_ = "{\"index\":" + std::to_string(index) + ",\"commit_key\":\"";
            append_hex(line_, as_bytes(text_of(openings_.getColumn(1))));
            line_ += "\",\"payload\":\"";
            append_base64(line_, as_bytes(payload));
            line_ += "\"}\n";
            write(line_);
        }
        openings_.reset();
    }

    SQLite::Database& database_;
    const export_request& request_;
    export_folder& folder_;
    key_chain keys_;
    export_report report_;
    std::string note_;
    checkpoint point_;
    merkle_frontier tree_;
    std::array<hash, tile_width> leaves_{};
    std::string bundle_, leaf_, line_;
    SQLite::Statement entries_{
        database_, "SELECT idx, kind, recorded_at, commitment FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx"};
    SQLite::Statement openings_{
        database_, "SELECT idx, commit_key, payload FROM opening WHERE idx >= ? AND idx < ? ORDER BY idx"};
};

} // namespace

result<export_report> export_ledger(const std::filesystem::path& ledger, const export_request& request)
{
    auto database = open_database(ledger, access_mode::read);
    if (!database) return database.error();
    auto folder = export_folder::open(request.folder);
    if (!folder) return folder.error();
    try {
        return ledger_export(**database, request, *folder).run();
    } catch (const failure_error& e) {
        return e.why();
    }
}

} // namespace rollbook
