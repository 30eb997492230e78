#include "connectors/singer/singer_connector.hpp"

#include "connectors/mapping/row_mapper.hpp"
#include "connectors/singer/messages.hpp"
#include "connectors/singer/tap_process.hpp"
#include "daemon/base/canonical_json.hpp"
#include "daemon/ports/record_mapping.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <deque>

namespace rollbook {

namespace {

namespace asio = boost::asio;

constexpr std::size_t records_a_page = 500;
constexpr std::size_t lines_a_page = 5'000; // of a tap that sends what is not mapped
constexpr std::size_t records_max = 2'000'000;
constexpr std::size_t state_bytes_max = 1 << 20;

class singer_connector final : public connector {
public:
    singer_connector(
        const source_configuration& source, tap_settings settings, const time_zone& zone, tap_secret_reader secrets
    )
        : source_(source.name), settings_(std::move(settings)), mapping_(source.mapping), secrets_(std::move(secrets))
    {
        // A tap that lists pupils says more about them than its other streams do.
        const auto lists_pupils =
            std::ranges::any_of(mapping_->records, [](const record_mapping& r) { return r.record == what::pupil; });
        stream_info info;
        info.name = "tap";
        info.lists_all = !mapping_->records.empty();
        info.path_template = "the tap";
        for (const record_mapping& record : mapping_->records) {
            streams_.emplace_back(record, zone, !lists_pupils || record.record == what::pupil);
            for (const what kind : kinds_made(record))
                if (std::ranges::find(info.makes, kind) == info.makes.end()) info.makes.push_back(kind);
            info.lists_all = info.lists_all && record.lists_all;
        }
        infos_.push_back(std::move(info));
    }

    const std::string& source() const override { return source_; }
    const std::vector<stream_info>& streams() const override { return infos_; }

    void resume(std::size_t, const std::string& bookmark) override { state_ = bookmark; }
    std::string bookmark(std::size_t) const override
    {
        if (!settings_.keeps_state) return {};
        return new_state_.empty() ? state_ : new_state_;
    }

    asio::awaitable<result<void>> begin_run() override
    {
        tap_.reset();
        new_state_.clear();
        records_ = 0;
        lines_ = 0;
        for (tap_stream& stream : streams_) {
            stream.described = false;
            stream.mapper.forget();
        }
        const result<std::string> config = config_json(settings_.config, secrets_);
        if (!config) co_return config.error();
        tap_start how;
        how.command = settings_.command;
        how.config = *config;
        how.catalog = settings_.catalog.string();
        if (settings_.keeps_state) how.state = state_;
        how.timeout = settings_.timeout;
        how.memory_bytes = settings_.memory_bytes;
        const auto executor = co_await asio::this_coro::executor;
        auto started = tap_process::start(executor, how);
        if (!started) co_return started.error();
        tap_ = std::move(*started);
        co_return result<void>();
    }

    std::vector<source_fact> facts() const override
    {
        std::string mapping;
        json_writer json(mapping);
        json.begin_object().member("shape", mapping_->shape).end_object();
        return {source_fact("mapping", std::move(mapping))};
    }

    asio::awaitable<result<page>>
    fetch_page(std::size_t, std::optional<civil_day>, std::optional<std::string> at) override
    {
        // A tap's output goes by once. `at` is the line that comes next.
        if (!tap_ || (at && *at != std::to_string(lines_)))
            co_return failure(errc::page_malformed, "the tap was asked twice for one place", "Report this.");
        result<page> got = co_await read_page();
        if (!got) {
            tap_.reset();
            const failure why = at_line(got.error());
            co_return why;
        }
        co_return got;
    }

    std::optional<std::int64_t> total(what) const override { return std::nullopt; }
    std::string fingerprint(std::size_t) const override { return "singer-1 " + mapping_->shape; }
    result<void> closed() override
    {
        tap_.reset();
        return {};
    }

private:
    struct tap_stream {
        tap_stream(const record_mapping& m, const time_zone& zone, bool tells_pupils)
            : mapping(m), mapper(m, zone, tells_pupils)
        {
        }
        const record_mapping& mapping;
        row_mapper mapper;
        bool described = false; // its SCHEMA came
    };

    failure at_line(failure why) const
    {
        why.what = "the tap, line " + std::to_string(lines_) + ": " + why.what;
        return why;
    }

    asio::awaitable<result<page>> read_page()
    {
        page out;
        const auto texts = std::make_shared<std::deque<std::string>>();
        out.storage = texts;
        for (std::size_t lines = 0; lines < lines_a_page && out.rows < records_a_page; ++lines) {
            result<std::optional<std::string>> line = co_await tap_->line();
            if (!line) co_return line.error();
            if (!*line) {
                const result<void> ended = co_await tap_->finished();
                if (!ended) co_return ended.error();
                co_return out;
            }
            ++lines_;
            if (line->value().find_first_not_of(" \t\r") == std::string::npos) continue;
            const result<void> taken = take(std::move(**line), *texts, out);
            if (!taken) co_return taken.error();
        }
        out.next = std::to_string(lines_);
        co_return out;
    }

    result<void> take(std::string line, std::deque<std::string>& texts, page& out)
    {
        auto message = parse_singer_message(std::move(line));
        if (!message) return message.error();
        using kind = singer_message::kind;
        if (message->is == kind::state) return take_state(message->value());
        const auto stream =
            std::ranges::find_if(streams_, [&](const tap_stream& s) { return s.mapping.stream == message->stream; });
        // Of what is not mapped nothing is kept.
        if (stream == streams_.end() || message->is == kind::activate_version) return {};
        if (message->is == kind::schema) {
            stream->described = true;
            const mapped_column* missing = missing_in_schema(message->value(), stream->mapping);
            if (!missing) return {};
            return failure(
                errc::source_misconfigured,
                "the stream \"" + stream->mapping.stream + "\" has no property \"" + missing->from + "\"",
                "Correct [stream.columns] in the mapping, or the tap's catalog."
            );
        }
        if (!stream->described)
            return failure(
                errc::page_malformed,
                "a RECORD comes before its stream's SCHEMA",
                "The tap breaks the Singer specification: use another version of it."
            );
        if (++records_ > records_max)
            return failure(errc::page_malformed, "the tap sends too many records", "Let it send less at a time.");
        read_singer_record(message->value(), stream->mapping, row_);
        if (!stream->mapper.learn(row_))
            return failure(
                errc::page_malformed,
                "the tap names more pupils than any school has",
                "Check the mapping's pupil columns."
            );
        stream->mapper.map(row_, static_cast<std::uint32_t>(out.rows), texts, out);
        return {};
    }

    result<void> take_state(json_view value)
    {
        new_state_.clear();
        json_writer json(new_state_);
        value.write_canonical(json);
        if (new_state_.size() <= state_bytes_max) return {};
        return failure(errc::page_malformed, "the tap's state is longer than 1 MiB", "Use another version of the tap.");
    }

    const std::string source_;
    const tap_settings settings_;
    const std::shared_ptr<const mapping_file> mapping_;
    const tap_secret_reader secrets_;
    std::vector<stream_info> infos_;
    std::deque<tap_stream> streams_;

    std::string state_;     // of the last run that closed
    std::string new_state_; // of this one
    std::unique_ptr<tap_process> tap_;
    std::uint64_t lines_ = 0;
    std::size_t records_ = 0;
    table_row row_;
};

} // namespace

result<std::unique_ptr<connector>> make_singer_connector(
    const source_configuration& source,
    const std::filesystem::path& base,
    const time_zone& zone,
    tap_secret_reader secrets
)
{
    ROLLBOOK_ENSURE(source.mapping != nullptr); // loading the configuration read it
    auto settings = read_tap_settings(source, base);
    if (!settings) return settings.error();
    return std::unique_ptr<connector>(
        std::make_unique<singer_connector>(source, std::move(*settings), zone, std::move(secrets))
    );
}

} // namespace rollbook
