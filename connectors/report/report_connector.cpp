#include "connectors/report/report_connector.hpp"

#include "connectors/mapping/row_mapper.hpp"
#include "connectors/report/dispose.hpp"
#include "connectors/report/import_memory.hpp"
#include "connectors/report/row_source.hpp"
#include "daemon/base/canonical_json.hpp"
#include "daemon/ports/export_preview.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <map>

namespace rollbook {

namespace {

namespace asio = boost::asio;

constexpr std::size_t rows_a_page = 500;
constexpr std::size_t rows_a_slice = 2'000; // looked through without a pause for other work
constexpr std::size_t marks_max = 2'000'000;
constexpr std::size_t rows_max = 500'000; // of anything else: a key is kept of each

// The file that a run reads.
struct chosen_file {
    listed_file listed;
    hash digest{};
    std::unique_ptr<report_file> file;
    std::unique_ptr<row_mapper> mapper;
    std::unique_ptr<row_source> rows;
    std::size_t at = 0; // rows taken
    std::optional<instant> newest_entered;
};

class report_connector final : public connector {
public:
    report_connector(
        const source_configuration& source,
        report_settings settings,
        const time_zone& zone,
        std::function<instant()> now,
        std::function<instant()> machine_now
    )
        : source_(source.name), settings_(std::move(settings)), mapping_(source.mapping), zone_(zone),
          now_(std::move(now)), machine_now_(std::move(machine_now))
    {
        stream_info info;
        info.name = files_stream;
        info.makes = kinds_made(record());
        info.lists_all = record().lists_all;
        info.path_template = mapping_->files;
        infos_.push_back(std::move(info));
    }

    const std::string& source() const override { return source_; }
    const std::vector<stream_info>& streams() const override { return infos_; }

    void resume(std::size_t, const std::string& bookmark) override { memory_ = import_memory::parse(bookmark); }
    std::string bookmark(std::size_t) const override
    {
        import_memory with_this = memory_;
        if (chosen_) with_this.add(chosen_->listed, chosen_->digest);
        return with_this.text();
    }
    bool has_news(std::size_t) const override { return chosen_.has_value(); }
    bool has_more() const override { return has_more_; }

    asio::awaitable<result<void>> begin_run() override
    {
        chosen_.reset();
        if (!std::exchange(has_more_, false)) tried_.clear();
        auto listed = list_files(settings_.folder, mapping_->files);
        if (!listed) co_return in_folder(listed.error());
        memory_.forget_others(*listed);
        std::vector<listed_file> waiting = files_waiting(*listed);
        for (std::size_t i = 0; i < waiting.size() && !chosen_; ++i) {
            tried_.push_back(waiting[i]);
            has_more_ = i + 1 < waiting.size();
            const result<bool> meant = look_at(waiting[i]);
            if (!meant) co_return of_file(waiting[i], meant.error());
        }
        if (!chosen_) {
            has_more_ = false;
            co_return result<void>();
        }
        const result<void> whole = co_await look_through();
        if (!whole) {
            const failure why = of_file(chosen_->listed, whole.error());
            chosen_.reset();
            co_return why;
        }
        co_return result<void>();
    }

    std::vector<source_fact> facts() const override
    {
        std::string mapping;
        json_writer json(mapping);
        json.begin_object();
        if (!mapping_->exported_by.empty()) json.member("exported_by", mapping_->exported_by);
        json.member("record", name_of(record().record)).member("shape", mapping_->shape).end_object();
        return {source_fact("mapping", std::move(mapping))};
    }

    asio::awaitable<result<page>>
    fetch_page(std::size_t, std::optional<civil_day>, std::optional<std::string> at) override
    {
        if (!chosen_) co_return page();
        const auto wanted = at ? parse_decimal(*at) : std::optional<std::uint64_t>(0);
        ROLLBOOK_ENSURE(wanted.has_value());
        result<page> got = page();
        const result<void> there = go_to(*wanted);
        if (there)
            got = take_page();
        else
            got = there.error();
        if (!got) co_return of_file(chosen_->listed, got.error());
        co_return got;
    }

    std::optional<std::int64_t> total(what) const override { return std::nullopt; }
    std::string fingerprint(std::size_t) const override { return "report-1 " + mapping_->shape; }

    result<void> closed() override
    {
        if (!chosen_) return {};
        const auto file = std::exchange(chosen_, std::nullopt);
        const result<void> gone = dispose_of(file->listed, file->digest, mapping_->then, settings_);
        if (!gone) return in_folder(gone.error());
        return {};
    }

private:
    const record_mapping& record() const { return mapping_->records.front(); }

    failure in_folder(failure why) const
    {
        why.what.insert(0, "report folder: ");
        return why;
    }

    // A file's name may hold a pupil's; its time tells a technician which one it is.
    failure of_file(const listed_file& file, failure why) const
    {
        const local_instant at = zone_.to_local(file.time);
        const auto minutes = std::chrono::floor<std::chrono::minutes>(at - day_of(at)).count();
        const auto two = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
        why.what.insert(
            0,
            mapping_->files + " of " + format_day(day_of(at)) + " " + two(minutes / 60) + ":" + two(minutes % 60) + ": "
        );
        return why;
    }

    // Files that are still, not tried in this sweep, and do not merely stand where they were read.
    std::vector<listed_file> files_waiting(const std::vector<listed_file>& listed)
    {
        const instant now = now_();
        const instant machine_now = machine_now_();
        std::map<std::string, std::pair<listed_file, instant>> seen;
        std::vector<listed_file> waiting;
        for (const listed_file& file : listed) {
            const auto before = seen_.find(file.name);
            const bool same = before != seen_.end() && before->second.first == file;
            const instant first_seen = same ? before->second.second : machine_now;
            seen.emplace(file.name, std::pair(file, first_seen));
            if (!is_still(file, mapping_->settle, now, machine_now, first_seen)) continue;
            if (mapping_->then == after_import::leave && memory_.knows(file)) continue;
            if (std::find(tried_.begin(), tried_.end(), file) == tried_.end()) waiting.push_back(file);
        }
        seen_ = std::move(seen);
        return waiting;
    }

    // Opens the file, and says whether it is to be read: what was read already is only disposed of.
    result<bool> look_at(const listed_file& listed)
    {
        auto file = report_file::open(settings_.folder, listed);
        if (!file) {
            if (file.error().code == errc::source_unreachable) return false; // it moves: not yet
            return file.error();
        }
        const result<hash> digest = (*file)->digest();
        if (!digest) return digest.error();
        if (memory_.has_read(*digest, record().lists_all)) {
            const result<void> gone = dispose_of(listed, *digest, mapping_->then, settings_);
            if (!gone) return gone.error();
            return false;
        }
        if (const auto newest = memory_.newest(); record().lists_all && newest && listed.time < *newest)
            return failure(
                errc::source_misconfigured,
                "the export is older than the one read last, and lists what held then",
                "Remove it."
            );
        chosen_file chosen;
        chosen.listed = listed;
        chosen.digest = *digest;
        chosen.file = std::move(*file);
        chosen.mapper = std::make_unique<row_mapper>(record(), zone_);
        chosen_ = std::move(chosen);
        return true;
    }

    result<void> open_rows()
    {
        chosen_file& c = *chosen_;
        c.rows.reset();
        c.file->rewind();
        c.at = 0;
        c.newest_entered.reset();
        c.mapper->rewind();
        switch (mapping_->form.is) {
        case report_form::kind::csv: c.rows = make_csv_rows(*c.file, mapping_->form, record()); return {};
        case report_form::kind::xml: c.rows = make_xml_rows(*c.file, mapping_->form, record()); return {};
        case report_form::kind::xlsx: {
            auto made = make_xlsx_rows(c.file->descriptor(), mapping_->form, record());
            if (!made) return made.error();
            c.rows = std::move(*made);
            return {};
        }
        }
        return {};
    }

    // Once to the end before anything is taken: a file that is not whole leaves no trace, and who the pupils are is
    // known from all rows.
    asio::awaitable<result<void>> look_through()
    {
        if (result<void> opened = open_rows(); !opened) co_return opened;
        const std::size_t most = record().record == what::session_mark ? marks_max : rows_max;
        table_row row;
        for (std::size_t rows = 0;; ++rows) {
            if (rows % rows_a_slice == rows_a_slice - 1) {
                const auto here = co_await asio::this_coro::executor;
                co_await asio::post(here, asio::use_awaitable);
            }
            const result<bool> more = chosen_->rows->next(row);
            if (!more) co_return more.error();
            if (!*more) break;
            if (rows == most)
                co_return failure(errc::page_malformed, "the file has too many rows", "Export less at a time.");
            if (!chosen_->mapper->learn(row))
                co_return failure(
                    errc::page_malformed,
                    "the file names more pupils than any school has",
                    "Check the mapping's pupil columns."
                );
        }
        co_return open_rows();
    }

    // To the row; from the beginning again, when it lies behind.
    result<void> go_to(std::uint64_t row)
    {
        if (row < chosen_->at)
            if (result<void> opened = open_rows(); !opened) return opened;
        while (chosen_->at < row) {
            const result<page> passed = take_page();
            if (!passed) return passed.error();
        }
        return {};
    }

    result<page> take_page()
    {
        chosen_file& c = *chosen_;
        const auto texts = std::make_shared<std::deque<std::string>>();
        page out;
        table_row row;
        bool last = false;
        while (out.rows < rows_a_page && !last) {
            const result<bool> more = c.rows->next(row);
            if (!more) return more.error();
            if (*more)
                c.mapper->map(row, static_cast<std::uint32_t>(out.rows), *texts, out);
            else
                last = true;
        }
        c.at += out.rows;
        if (out.data_as_of) c.newest_entered = std::max(c.newest_entered.value_or(*out.data_as_of), *out.data_as_of);
        out.data_as_of.reset();
        if (last) {
            if (!c.file->is_unchanged()) {
                // Trying again at once would meet it still growing.
                constexpr std::chrono::hours later{24};
                return failure(
                    errc::source_unreachable, "the file changed while it was read", "Nothing; it is read again.", later
                );
            }
            out.data_as_of = data_as_of();
        } else {
            out.next = std::to_string(c.at);
        }
        out.storage = texts;
        return out;
    }

    // An export says how things stood when it was made. A stamp ahead of the clock says nothing; then it is as old as
    // the newest record in it.
    instant data_as_of() const
    {
        const instant now = now_();
        const auto entered =
            chosen_->newest_entered && *chosen_->newest_entered <= now ? chosen_->newest_entered : std::nullopt;
        if (chosen_->listed.time <= now) return std::max(chosen_->listed.time, entered.value_or(chosen_->listed.time));
        return entered.value_or(now);
    }

    const std::string source_;
    const report_settings settings_;
    const std::shared_ptr<const mapping_file> mapping_;
    const time_zone zone_;
    const std::function<instant()> now_;
    const std::function<instant()> machine_now_;
    std::vector<stream_info> infos_;

    import_memory memory_;
    std::map<std::string, std::pair<listed_file, instant>> seen_; // by name: as it was, and since when
    std::vector<listed_file> tried_;                              // in this sweep over the folder
    bool has_more_ = false;
    std::optional<chosen_file> chosen_;
};

} // namespace

result<std::unique_ptr<connector>> make_report_connector(
    const source_configuration& source,
    const std::filesystem::path& base,
    const time_zone& zone,
    std::function<instant()> now,
    std::function<instant()> machine_now
)
{
    ROLLBOOK_ENSURE(source.mapping != nullptr); // loading the configuration read it
    auto settings = read_report_settings(source, base);
    if (!settings) return settings.error();
    return std::unique_ptr<connector>(
        std::make_unique<report_connector>(source, std::move(*settings), zone, std::move(now), std::move(machine_now))
    );
}

} // namespace rollbook
