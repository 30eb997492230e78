#include "daemon/ledger/erase.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/ledger/entry_writer.hpp"
#include "daemon/ledger/erase_plan.hpp"
#include "daemon/ledger/journal.hpp"
#include "daemon/ledger/leftovers.hpp"
#include "daemon/ledger/rebuild.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rollbook {
namespace {

constexpr std::size_t ranges_max = 10'000; // an entry
constexpr const char* unfinished = "erasure_unfinished";

// Empties the write-ahead log. False when somebody still reads from it.
bool empty_log(SQLite::Database& database, std::chrono::milliseconds wait)
{
    database.setBusyTimeout(static_cast<int>(wait.count()));
    SQLite::Statement checkpoint(database, "PRAGMA wal_checkpoint(TRUNCATE)");
    return checkpoint.executeStep() && checkpoint.getColumn(0).getInt() == 0;
}

bool is_unfinished(SQLite::Database& database)
{
    SQLite::Statement row(database, "SELECT 1 FROM meta WHERE name = ?");
    row.bind(1, unfinished);
    return row.executeStep();
}

void set_unfinished(SQLite::Database& database, bool is)
{
    SQLite::Statement row(
        database, is ? "INSERT OR REPLACE INTO meta (name, value) VALUES (?, x'')" : "DELETE FROM meta WHERE name = ?"
    );
    row.bind(1, unfinished);
    row.exec();
}

std::string erasure_payload(const upkeep_request& request, std::span<const entry_range> ranges)
{
    std::string text;
    json_writer out(text);
    out.begin_object();
    out.member("basis", request.basis);
    if (!request.by.empty()) out.member("by", request.by);
    out.key("entries").begin_array();
    for (const auto& [first, last] : ranges)
        out.begin_array().value(first).value(last).end_array();
    out.end_array();
    if (request.override_minimum) out.member("override", true);
    if (!request.user.empty()) out.member("user", request.user);
    out.member("what", name_of(what::erasure));
    out.end_object();
    return text;
}

void append_erasures(SQLite::Database& database, const erasure_plan& plan, const upkeep_request& request, instant now)
{
    const auto size =
        static_cast<std::uint64_t>(database.execAndGet("SELECT coalesce(max(idx), -1) + 1 FROM entry").getInt64());
    stored_hashes stored(database);
    merkle_frontier tree = merkle_frontier::restore(size, stored).value();
    const instant last = time_of_entry(
        size - 1, database.execAndGet("SELECT recorded_at FROM entry ORDER BY idx DESC LIMIT 1").getInt64()
    );
    entry_writer entries(database);
    const std::vector<entry_range> ranges = ranges_of(plan.entries);
    for (std::size_t from = 0; from < ranges.size(); from += ranges_max) {
        const auto some = std::span(ranges).subspan(from, std::min(ranges_max, ranges.size() - from));
        thing_version row;
        row.kind = what::erasure;
        entries.append(
            draft(entry_kind::erasure, erasure_payload(request, some), std::move(row)), std::max(now, last), tree
        );
    }
}

void remove_openings(SQLite::Database& database, const erasure_plan& plan)
{
    SQLite::Statement remove(database, "DELETE FROM opening WHERE idx >= ? AND idx <= ?");
    for (const auto& [first, last] : ranges_of(plan.entries)) {
        remove.bind(1, static_cast<std::int64_t>(first));
        remove.bind(2, static_cast<std::int64_t>(last));
        run(remove);
    }
}

// The table made again without the rows that `keep` does not want: rows removed from the middle could leave copies in
// pages that live on.
void remake_table(SQLite::Database& database, const std::string& table, const std::string& keep)
{
    std::vector<std::string> indexes;
    SQLite::Statement made(
        database, "SELECT type, sql FROM sqlite_schema WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY type DESC"
    );
    made.bind(1, table);
    std::string sql;
    while (made.executeStep()) {
        if (made.getColumn(0).getString() == "table")
            sql = made.getColumn(1).getString();
        else
            indexes.push_back(made.getColumn(1).getString());
    }
    made.reset();
    sql.replace(sql.find(table), table.size(), table + "_kept");
    database.exec("DROP TABLE IF EXISTS " + table + "_kept");
    database.exec(sql);
    database.exec("INSERT INTO " + table + "_kept SELECT * FROM " + table + " WHERE " + keep + " ORDER BY id");
    database.exec("DROP TABLE " + table);
    database.exec("ALTER TABLE " + table + "_kept RENAME TO " + table);
    for (const std::string& index : indexes)
        database.exec(index);
}

std::string joined(const std::vector<std::int64_t>& numbers)
{
    std::string text;
    for (const std::int64_t number : numbers)
        text += (text.empty() ? "" : ",") + std::to_string(number);
    return text;
}

std::vector<std::int64_t> numbers_of(const std::set<entry_index>& entries)
{
    return {entries.begin(), entries.end()};
}

// Rows of the working tables that tell of what goes: messages about the pupils or the alerts, and rows that could not
// be read.
void remove_working_rows(SQLite::Database& database, const erasure_plan& plan)
{
    const std::string entries = joined({plan.entries.begin(), plan.entries.end()});
    remake_table(
        database,
        "outbox",
        "(pupil IS NULL OR pupil NOT IN (" + joined(numbers_of(plan.records)) +
            ")) AND (alert IS NULL OR alert NOT IN (" + entries + "))"
    );
    database.exec("DELETE FROM alert_value WHERE alert IN (" + entries + ")");
    if (!plan.quarantined.empty())
        remake_table(
            database, "quarantine", "id NOT IN (" + joined({plan.quarantined.begin(), plan.quarantined.end()}) + ")"
        );
}

// Keyed digests by which a later read knows what must not come back.
void remember_erased(SQLite::Database& database, const erasure_plan& plan)
{
    const digest_key key = read_digest_key(database);
    erased_memory memory(database);
    for (const auto& [kind, of] : plan.source_records)
        memory.add(keyed_digest(key, erased_key(kind, of.first, of.second)));
}

void change_file(SQLite::Database& database, const erasure_plan& plan, const upkeep_request& request, instant now)
{
    SQLite::Transaction all(database, SQLite::TransactionBehavior::IMMEDIATE);
    remove_openings(database, plan);
    append_erasures(database, plan, request, now);
    rebuild_tables(database, false);
    remove_working_rows(database, plan);
    remember_erased(database, plan);
    set_unfinished(database, true);
    all.commit();
}

std::optional<failure> refused(const erasure_plan& plan, const upkeep_request& request)
{
    const erasure_refusal* found = nullptr;
    for (const erasure_refusal& each : plan.refusals) {
        if (each.is_minimum && request.override_minimum) continue;
        if (!found || (found->is_minimum && !each.is_minimum)) found = &each;
    }
    return found ? std::optional(found->why) : std::nullopt;
}

result<void> check_words(const erasure_plan& plan, const upkeep_request& request)
{
    for (const std::string& word : plan.words)
        if (word.size() >= telling_word_min && (request.basis + "\n" + request.by).find(word) != std::string::npos)
            return failure(
                errc::usage,
                "the basis names the pupil, and it would stay in the ledger for good",
                "Give the legal basis without a name, a UPN or an id."
            );
    return {};
}

void write_plan(json_writer& out, const erasure_plan& plan)
{
    out.key("by_kind").begin_object();
    for (const auto& [kind, count] : plan.by_kind)
        out.member(kind, count);
    out.end_object();
}

class erasure {
public:
    erasure(const erasure_place& place, const upkeep_request& request, const upkeep_progress& progress)
        : place_(place), request_(request), progress_(progress)
    {
    }

    result<upkeep_report> run()
    {
        auto opened = open_database(place_.ledger, access_mode::write);
        if (!opened) return opened.error();
        database_ = std::move(*opened);
        tell("working out what goes");
        if (request_.command == upkeep_request::kind::retention) {
            plan_ = plan_retention(*database_, place_.clocks, place_.today);
        } else {
            auto plan = plan_person(*database_, request_.pupil, place_.clocks, place_.today);
            if (!plan) return plan.error();
            plan_ = std::move(*plan);
            if (const result<void> clean = check_words(plan_, request_); !clean) return clean.error();
        }
        if (request_.dry_run) return tell_plan();
        if (const auto why = refused(plan_, request_)) return *why;
        if (plan_.entries.empty() && plan_.quarantined.empty()) return nothing();
        return carry_out();
    }

private:
    void tell(const std::string& text) const
    {
        if (progress_) progress_(text);
    }

    std::string counts_line() const
    {
        std::string text = fmt::format("{} entries", plan_.entries.size());
        for (const char* before = ": "; const auto& [kind, count] : plan_.by_kind)
            text += fmt::format("{}{} {}", std::exchange(before, ", "), count, kind);
        if (!plan_.quarantined.empty())
            text += fmt::format(
                "; and {} rows in quarantine that may tell of them or are past their period", plan_.quarantined.size()
            );
        return text + ".";
    }

    upkeep_report report_of(const std::vector<std::string>& left, const std::vector<std::string>& problems)
    {
        upkeep_report report;
        const auto last = last_copy_gone();
        json_writer out(report.json);
        out.begin_object();
        write_plan(out, plan_);
        out.member("dry_run", request_.dry_run);
        out.member("entries", plan_.entries.size());
        out.key("kept_until");
        if (plan_.kept_until)
            out.value(format_day(*plan_.kept_until));
        else
            out.null();
        out.key("last_copy_gone");
        if (last)
            out.value(format_instant(*last));
        else
            out.null();
        out.key("left").begin_array();
        for (const std::string& each : left)
            out.value(each);
        out.end_array();
        out.key("problems").begin_array();
        for (const std::string& each : problems)
            out.value(each);
        out.end_array();
        out.member("quarantined", plan_.quarantined.size());
        out.key("refused").begin_array();
        if (request_.dry_run)
            for (const erasure_refusal& each : plan_.refusals)
                out.value(each.why.what);
        out.end_array();
        out.end_object();
        report.ok = left.empty() && problems.empty();
        return report;
    }

    // A backup made a moment ago may hold it as long as backups stay.
    std::optional<instant> last_copy_gone() const
    {
        if (!place_.copies_kept || place_.journal_folder.empty()) return std::nullopt;
        return place_.now + *place_.copies_kept;
    }

    std::string copies_line() const
    {
        const auto last = last_copy_gone();
        if (!last) return "No backups are configured; copies made by other means are not known to Rollbook.";
        return "The last backup that holds it will be gone by " + format_instant(*last).substr(0, 10) +
               ", as long as backups go on being made; a restore applies the erasure.";
    }

    upkeep_report tell_plan()
    {
        upkeep_report report = report_of({}, {});
        report.lines.push_back("Nothing was changed. These would be erased: " + counts_line());
        if (plan_.kept_until)
            report.lines.push_back(
                "The last period for which they must be kept ends on " + format_day(*plan_.kept_until)
            );
        for (const erasure_refusal& each : plan_.refusals)
            report.lines.push_back(
                fmt::format("{}: {}", each.is_minimum ? "Refused without --override" : "Refused", each.why.what)
            );
        report.lines.push_back(copies_line());
        return report;
    }

    upkeep_report nothing()
    {
        upkeep_report report = report_of({}, {});
        report.lines.push_back("Nothing is past its period; nothing was erased.");
        return report;
    }

    result<upkeep_report> carry_out()
    {
        if (!place_.journal_folder.empty() && !std::filesystem::is_directory(place_.journal_folder))
            return failure(
                errc::forbidden,
                "the backup target " + place_.journal_folder.string() +
                    " is not there, so the erasure cannot be noted "
                    "for a restore",
                "Mount it, then erase again."
            );
        tell("waiting for readers");
        if (!empty_log(*database_, place_.reader_wait))
            return failure(
                errc::forbidden,
                "the ledger is being read, and what is read cannot be erased",
                "Stop long commands on the ledger (verify, export, lists), then erase again."
            );
        leftovers search(plan_);
        search.learn_secrets(*database_);
        tell("erasing");
        change_file(*database_, plan_, request_, place_.now);

        std::vector<std::string> problems;
        tell("emptying the write-ahead log");
        bool emptied = empty_log(*database_, place_.reader_wait);
        tell("searching for what is left");
        search.forget_what_others_say(*database_);
        std::vector<std::string> left = search.find(place_.ledger);
        if (emptied && !left.empty() && search.is_in_ledger()) {
            // Copies in pages that live on: the whole file is written anew.
            tell("writing the file anew");
            database_->exec("VACUUM");
            emptied = empty_log(*database_, place_.reader_wait);
            left = search.find(place_.ledger);
        }
        if (emptied)
            set_unfinished(*database_, false);
        else
            problems.push_back("a reader keeps the write-ahead log in use; it is emptied when the ledger is next opened"
            );
        if (!place_.journal_folder.empty())
            if (const result<void> noted = sync_journal(*database_, place_.journal_folder, place_.origin); !noted)
                problems.push_back(noted.error().what + "; it is tried again with the next backup");

        upkeep_report report = report_of(left, problems);
        report.lines.push_back("Erased " + counts_line());
        if (search.shared() > 0)
            report.lines.push_back(fmt::format(
                "{} names or ids of the pupil are also in entries about others, which stay.", search.shared()
            ));
        if (search.too_short() > 0)
            report.lines.push_back(fmt::format(
                "{} names or ids of the pupil are too short to be searched for in files.", search.too_short()
            ));
        for (const std::string& each : left)
            report.lines.push_back("STILL THERE: " + each);
        if (left.empty()) report.lines.push_back("A search of every file beside the ledger found nothing left.");
        for (const std::string& each : problems)
            report.lines.push_back("Not yet: " + each);
        report.lines.push_back(copies_line());
        return report;
    }

    const erasure_place& place_;
    const upkeep_request& request_;
    const upkeep_progress& progress_;
    std::unique_ptr<SQLite::Database> database_;
    erasure_plan plan_;
};

} // namespace

result<upkeep_report> erase(const erasure_place& place, const upkeep_request& request, const upkeep_progress& progress)
{
    try {
        return erasure(place, request, progress).run();
    } catch (const failure_error& e) {
        return e.why();
    } catch (const SQLite::Exception& e) {
        return failure(
            errc::ledger_in_doubt,
            "the erasure stopped, and nothing or all of it was done: " + std::string(e.what()),
            "Check the disk and its free space, then run the same command again."
        );
    }
}

void finish_erasure(const std::filesystem::path& ledger, SQLite::Database& database)
{
    if (!is_unfinished(database)) return;
    auto opened = open_database(ledger, access_mode::write);
    if (!opened) return;
    constexpr std::chrono::seconds wait(5);
    if (empty_log(**opened, wait)) set_unfinished(**opened, false);
}

} // namespace rollbook
