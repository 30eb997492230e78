#pragma once

#include "daemon/reconcile/finding_judge.hpp"
#include "daemon/reconcile/reading.hpp"

#include "tests/support/hashes.hpp"
#include "tests/support/school.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

// Reads of a source by hand: what a test says the source lists is read as the service reads it.
namespace rollbook::support {

inline instant minute(int n)
{
    return parse_instant("2026-09-21T16:00:00Z").value() + std::chrono::minutes(n);
}

class silent_connector : public connector {
public:
    const std::string& source() const override { return name; }
    const std::vector<stream_info>& streams() const override { return none; }
    boost::asio::awaitable<result<void>> begin_run() override { co_return result<void>(); }
    std::vector<source_fact> facts() const override { return {}; }
    boost::asio::awaitable<result<page>>
    fetch_page(std::size_t, std::optional<civil_day>, std::optional<std::string>) override
    {
        co_return result<page>(page());
    }
    std::optional<std::int64_t> total(what kind) const override
    {
        const auto at = totals.find(kind);
        return at == totals.end() ? std::nullopt : std::optional(at->second);
    }
    std::string fingerprint(std::size_t) const override { return {}; }

    std::string name = "mis";
    std::vector<stream_info> none;
    std::map<what, std::int64_t> totals;
};

struct mark_row {
    std::string id;
    std::string pupil;
    session_id session{};
    std::string code;
    std::string comment = {};
};

struct read_result {
    std::map<what, statement_row> statement;
    std::vector<draft> entries;
    std::optional<failure> refused;
    std::vector<source_reading::conflict> conflicts;
    std::set<entry_index> touched;

    const statement_row& of(what kind) const { return statement.at(kind); }
    const statement_row& marks() const { return of(what::session_mark); }
};

struct read_choice {
    std::optional<civil_day> from;
    std::size_t page_size = 100;
    std::size_t drain_every = 1; // pages
    missing_means missing = missing_means::vanished;
    retirement_limit limit{10, 25, true};
    std::size_t skipped = 0;            // rows older than the window that the source sent all the same
    std::vector<gone_record> gone;      // what the source itself names as gone
    std::vector<rejected_row> rejected; // what cannot be read
};

// One source and what is held of it.
class read_book {
public:
    explicit read_book(std::string source = "mis") : source(std::move(source))
    {
        held.read_payloads_by([payloads = payloads_](entry_index entry) {
            const auto at = payloads->find(entry);
            return at == payloads->end() ? std::string() : at->second;
        });
    }

    read_result marks(const std::vector<mark_row>& rows, const read_choice& how = {})
    {
        stream_info stream;
        stream.name = "marks";
        stream.makes = {what::session_mark};
        stream.by_day = true;
        stream.lists_all = true;
        source_reading reading = begin();
        read_marks(reading, stream, rows, how);
        return end(reading);
    }

    read_result records(what kind, const std::vector<reported_record>& rows, const read_choice& how = {})
    {
        stream_info stream;
        stream.name = std::string(name_of(kind));
        stream.makes = {kind};
        stream.lists_all = true;
        source_reading reading = begin();
        read_records(reading, stream, rows, how);
        return end(reading);
    }

    source_reading begin()
    {
        last_ = read_result();
        ++number_;
        return source_reading(held, source, plain_digest, number_, minute(static_cast<int>(number_) * 10));
    }
    void read_marks(
        source_reading& reading, const stream_info& stream, const std::vector<mark_row>& rows, const read_choice& how
    )
    {
        reading.begin_stream(stream, windows_[stream.name], how.from);
        std::vector<page> kept;
        for (std::size_t at = 0, number = 1; number == 1 || at < rows.size(); ++number) {
            page got;
            got.skipped = number == 1 ? how.skipped : 0;
            if (number == 1) got.rejected = how.rejected;
            got.rows = got.skipped + got.rejected.size();
            for (std::size_t i = 0; i < how.page_size && at < rows.size(); ++i, ++at) {
                const mark_row& row = rows[at];
                reported_mark mark;
                mark.source_id = row.id;
                mark.pupil_id = row.pupil;
                mark.session = row.session;
                mark.raw = row.code;
                mark.statutory = row.code;
                mark.comment = row.comment;
                got.marks.push_back(mark);
                ++got.rows;
            }
            reading.take(got, static_cast<std::uint32_t>(number));
            if (number % how.drain_every == 0) drain(reading);
        }
        drain(reading);
        finish(reading, stream, how);
    }
    void read_records(
        source_reading& reading,
        const stream_info& stream,
        const std::vector<reported_record>& rows,
        const read_choice& how
    )
    {
        reading.begin_stream(stream, windows_[stream.name], how.from);
        page got;
        got.gone = how.gone;
        got.records = rows;
        got.rejected = how.rejected;
        got.rows = rows.size() + how.rejected.size();
        reading.take(got, 1);
        drain(reading);
        finish(reading, stream, how, !rows.empty());
    }
    read_result end(source_reading& reading)
    {
        for (const statement_row& row : reading.statement(connector))
            last_.statement[row.record] = row;
        last_.conflicts = reading.conflicts();
        last_.touched = reading.touched_pupils();
        return std::move(last_);
    }

    // Opens and closes findings about sessions with two marks, as the closing step does.
    std::vector<draft> judge_duplicates(source_reading& reading)
    {
        const school_calendar calendar = example_calendar();
        const day_kinds days(calendar);
        const finding_settings settings;
        finding_context context{held, calendar, days, settings};
        context.mis = "mis";
        context.today = ymd(2026, 9, 21);
        const auto is_duplicate = [](std::string_view kind, std::string_view) { return kind == "mark-duplicate"; };
        wanted_findings wanted;
        wanted.take(held, duplicate_marks(context, reading));
        return take(
            finding_entries(held, wanted, open_findings(held, is_duplicate), minute(static_cast<int>(number_) * 10 + 5))
        );
    }

    // Judges everybody's findings in the evening of a day, as a daemon that starts does.
    std::vector<draft> judge(
        civil_day today,
        const school_calendar& calendar = example_calendar(),
        const finding_settings& settings = {},
        std::vector<full_list> lists = {}
    )
    {
        static const time_zone london = *time_zone::named("Europe/London");
        finding_judge judge(settings, calendar, "mis");
        source_reading reading = begin();
        closing_read read{
            reading,
            evening(today),
            london.to_instant(evening(today)),
            {},
            false,
            knows_suspensions,
            false,
            std::move(lists),
            {},
            {},
            {},
            london};
        read.marks.through = evening(today);
        return take(judge.judge(held, read));
    }

    std::vector<draft> take(std::vector<draft> drafts)
    {
        for (const draft& d : drafts) {
            payloads_->emplace(size, d.payload);
            held.apply(size++, d.row, d.payload);
        }
        return drafts;
    }

    // What is held, as the rows it came from: pupil, session and code, in order.
    std::set<std::string> held_marks() const
    {
        std::set<std::string> lines;
        const attendance_register* marks = held.find_register(source);
        if (!marks || !marks->extent()) return lines;
        marks->for_each_mark(*marks->extent(), [&](session_id session, pupil_no pupil, const held_mark& mark) {
            lines.insert(line(
                std::string(held.things(what::pupil).find_subject(marks->ref_of(pupil))->key),
                session,
                std::string(marks->codes().raw(mark.code))
            ));
        });
        return lines;
    }
    static std::string line(const std::string& pupil, session_id session, const std::string& code)
    {
        return pupil + " " + format_day(session.day) + " " + std::string(name_of(session.half)) + " " + code;
    }

    held_state held;
    bool knows_suspensions = true; // the MIS's list of them was read to its end
    std::string source;
    entry_index size = 0;
    silent_connector connector;

private:
    void drain(source_reading& reading)
    {
        transaction t;
        reading.drain(t, size);
        const entry_index base = size;
        for (const draft& d : t.entries)
            payloads_->emplace(size++, d.payload);
        reading.apply(t, base);
        std::move(t.entries.begin(), t.entries.end(), std::back_inserter(last_.entries));
    }
    void finish(source_reading& reading, const stream_info& stream, const read_choice& how, bool listed = false)
    {
        const result<void> ended = reading.end_stream(how.limit, how.missing);
        if (!ended) {
            last_.refused = ended.error();
            return;
        }
        drain(reading);
        auto& windows = windows_[stream.name];
        windows.insert(windows.begin(), {how.from, reading.started(), listed});
    }

    std::shared_ptr<std::map<entry_index, std::string>> payloads_ =
        std::make_shared<std::map<entry_index, std::string>>(); // of all entries, as the ledger has them
    std::uint32_t number_ = 0;
    std::map<std::string, std::vector<stream_state::window>> windows_;
    read_result last_;
};

inline reported_record pupil_record(const std::string& id, const std::string& fields = R"({"forename":"Ada"})")
{
    return reported_record(what::pupil, id, id, fields);
}

} // namespace rollbook::support
