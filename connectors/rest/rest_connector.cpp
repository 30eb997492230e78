#include "connectors/rest/rest_connector.hpp"

#include "connectors/rest/dom_fwd.hpp"
#include "connectors/rest/page_mapper.hpp"
#include "connectors/rest/page_walk.hpp"
#include "connectors/rest/response.hpp"
#include "connectors/rest/url.hpp"
#include "daemon/base/canonical_json.hpp"
#include "daemon/base/sha256.hpp"

#include <boost/asio/awaitable.hpp>

#include <algorithm>

namespace rollbook {

namespace {

namespace asio = boost::asio;

// What one stream needs beside its specification.
struct stream_state {
    stream_state(const stream_spec& s, const manifest& m, const resolved_settings& settings, const url_origin& home)
        : spec(s), mapper(s, m.dates), walk(s.paginator, settings, home, m.pages_max)
    {
    }
    const stream_spec& spec;
    page_mapper mapper;
    page_walk walk;
};

// The request for the page after the one handed out.
struct page_ahead {
    std::size_t stream = 0;
    std::optional<civil_day> from;
    std::string at;
    std::unique_ptr<http_call> call;
};

std::string place_name(std::string_view path, std::size_t page_number)
{
    return "GET " + std::string(path) + ", page " + std::to_string(page_number);
}

failure at_place(failure f, std::string_view where)
{
    f.what = std::string(where) + ": " + f.what;
    return f;
}

class rest_connector final : public connector {
public:
    rest_connector(
        manifest m,
        resolved_settings settings,
        url_origin home,
        std::string source,
        secret_reader secrets,
        http_client& client
    )
        : manifest_(std::move(m)), settings_(std::move(settings)), home_(std::move(home)), source_(std::move(source)),
          secrets_(std::move(secrets)), client_(client), base_url_(settings_.expand(manifest_.base_url, false))
    {
        streams_.reserve(manifest_.streams.size());
        for (const stream_spec& s : manifest_.streams) {
            streams_.emplace_back(s, manifest_, settings_, home_);
            stream_info info;
            info.name = s.name;
            info.makes.push_back(s.record.kind);
            for (const expand_spec& e : s.expand)
                info.makes.push_back(e.kind);
            info.by_day = s.window_day.has_value();
            info.lists_all = s.lists_all;
            info.path_template = s.path;
            infos_.push_back(std::move(info));
        }
    }

    const std::string& source() const override { return source_; }
    const std::vector<stream_info>& streams() const override { return infos_; }

    asio::awaitable<result<void>> begin_run() override
    {
        ahead_ = {};
        tables_.clear();
        lookups_failed_.clear();
        totals_.clear();
        if (auto read = read_credentials(); !read) co_return read;
        // Asked first and awaited last, so that the source counts while it lists its codes.
        std::vector<std::unique_ptr<http_call>> counting;
        for (const total_spec& total : manifest_.totals)
            counting.push_back(client_.start(request(list_url(total.path, total.query))));
        for (const lookup_spec& lookup : manifest_.lookups) {
            result<void> looked_up = co_await look_up(lookup);
            if (looked_up) continue;
            const failure why = looked_up.error();
            const remedy mend = remedy_for(why.code);
            if (mend == remedy::retry_soon || mend == remedy::wait) co_return looked_up;
            // Only the streams that need the table go without; pupils can be read without the code list.
            lookups_failed_.insert_or_assign(lookup.name, why);
        }
        for (std::size_t i = 0; i < counting.size(); ++i) {
            result<http_response> answer = co_await counting[i]->answer();
            result<void> counted = take_totals(manifest_.totals[i], std::move(answer));
            if (!counted) co_return counted;
        }
        co_return result<void>();
    }

    std::vector<source_fact> facts() const override
    {
        std::vector<source_fact> out;
        for (const lookup_spec& lookup : manifest_.lookups) {
            const auto table = tables_.find(lookup.name);
            if (!lookup.fact.empty() && table != tables_.end())
                out.emplace_back(lookup.fact, table_json(*table->second));
        }
        std::string mapping;
        json_writer json(mapping);
        json.begin_object()
            .member("manifest", manifest_.name)
            .member("sha256", manifest_.sha256)
            .member("version", manifest_.version)
            .end_object();
        out.emplace_back("mapping", std::move(mapping));
        return out;
    }

    asio::awaitable<result<page>>
    fetch_page(std::size_t stream, std::optional<civil_day> from, std::optional<std::string> at) override
    {
        ROLLBOOK_ENSURE(stream < streams_.size());
        if (const failure* why = failed_lookup(streams_[stream].spec)) co_return *why;
        if (!has_credentials_) {
            if (auto read = read_credentials(); !read) co_return read.error();
        }
        const std::size_t number = streams_[stream].walk.enter(at);
        result<std::unique_ptr<http_call>> call = call_for(stream, from, at);
        if (!call) co_return at_place(call.error(), place_name(streams_[stream].spec.path, number));
        result<http_response> answer = co_await (*call)->answer();
        co_return take_page(stream, from, number, std::move(answer));
    }

    std::optional<std::int64_t> total(what kind) const override
    {
        for (const auto& [of, count] : totals_)
            if (of == kind) return count;
        return std::nullopt;
    }

    std::string fingerprint(std::size_t stream) const override
    {
        ROLLBOOK_ENSURE(stream < streams_.size());
        const stream_spec& s = streams_[stream].spec;
        sha256_stream sum;
        for (const std::string& part :
             {manifest_.name,
              manifest_.version,
              list_url(s.path, s.query),
              settings_.expand(s.window_param, false),
              s.shape})
            sum.add(std::to_string(part.size())).add(":").add(part);
        return "rest-1 " + to_hex(sum.finish());
    }

private:
    // Why a table that the stream's fields point into could not be had; null when none is missing.
    const failure* failed_lookup(const stream_spec& s) const
    {
        const auto of = [&](const std::vector<field_spec>& fields) -> const failure* {
            for (const field_spec& field : fields) {
                const auto failed = lookups_failed_.find(field.lookup);
                if (failed != lookups_failed_.end()) return &failed->second;
            }
            return nullptr;
        };
        if (const failure* why = of(s.record.fields)) return why;
        for (const expand_spec& nested : s.expand)
            if (const failure* why = of(nested.fields)) return why;
        return nullptr;
    }

    result<void> read_credentials()
    {
        has_credentials_ = false;
        const authenticator_spec& a = manifest_.authenticator;
        if (a.type != authenticator_spec::kind::none) {
            auto secret = secrets_(settings_.secrets.find(a.secret)->second);
            if (!secret) return secret.error();
            // A line end inside would add a header of its own to every request.
            if (secret->empty() || secret->find_first_of("\r\n") != secret->npos || secret->find('\0') != secret->npos)
                return failure(
                    errc::configuration_invalid,
                    "source \"" + source_ + "\": the secret " + a.secret + " is empty or longer than one line",
                    "Write the " + a.secret + " alone on one line."
                );
            credential_ = std::move(*secret);
        }
        has_credentials_ = true;
        return {};
    }

    std::string list_url(const std::string& path, const query_template& query) const
    {
        std::string url = base_url_ + settings_.expand(path, true);
        for (const auto& [name, value] : query)
            if (const std::string text = settings_.expand(value, false); !text.empty()) add_query(url, name, text);
        return url;
    }

    http_request request(std::string url) const
    {
        http_request out(std::move(url));
        out.headers.emplace_back("Accept: application/json");
        if (manifest_.authenticator.type == authenticator_spec::kind::bearer)
            out.headers.push_back("Authorization: Bearer " + credential_);
        if (manifest_.authenticator.type == authenticator_spec::kind::basic) {
            out.user = settings_.values.find(manifest_.authenticator.user)->second;
            out.password = credential_;
        }
        out.ca_file = settings_.expand(manifest_.ca_file, false);
        out.proxy = settings_.expand(manifest_.proxy, false);
        out.timeout = manifest_.timeout;
        out.body_bytes_max = manifest_.body_bytes_max;
        return out;
    }

    result<std::string>
    page_url(std::size_t stream, std::optional<civil_day> from, const std::optional<std::string>& at) const
    {
        const stream_spec& s = streams_[stream].spec;
        std::string first = list_url(s.path, s.query);
        if (const std::string param = settings_.expand(s.window_param, false); from && !param.empty())
            add_query(first, param, format_day(*from - std::chrono::days(s.window_margin_days)));
        return streams_[stream].walk.url_of(at, first);
    }

    // The call that is under way for this place, or a new one. One for any other place is dropped.
    result<std::unique_ptr<http_call>>
    call_for(std::size_t stream, std::optional<civil_day> from, const std::optional<std::string>& at)
    {
        page_ahead ahead = std::exchange(ahead_, {});
        if (ahead.call && ahead.stream == stream && ahead.from == from && at && ahead.at == *at)
            return std::move(ahead.call);
        ahead.call.reset();
        auto url = page_url(stream, from, at);
        if (!url) return url.error();
        return client_.start(request(std::move(*url)));
    }

    // Parses an answer in `body`, which must outlive what is done with the values.
    result<const dom_value*>
    parse(result<http_response>& answer, const std::string& where, bool first, std::string& body)
    {
        if (!answer) return at_place(answer.error(), where);
        if (auto good = check_response(*answer, where, first); !good) return good.error();
        body = std::move(answer->body);
        if (body.size() > manifest_.body_bytes_max)
            return failure(
                errc::page_malformed,
                where + ": the answer is longer than this source may send",
                "Ask for fewer rows a page (per_page)."
            );
        auto root = parser_.parse(body, manifest_.depth_max);
        if (!root) return at_place(root.error(), where);
        return root;
    }

    result<page>
    take_page(std::size_t stream, std::optional<civil_day> from, std::size_t number, result<http_response> answer)
    {
        stream_state& state = streams_[stream];
        const std::string where = place_name(state.spec.path, number);
        auto storage = std::make_shared<page_storage>();
        storage->tables = tables_;
        const auto root = parse(answer, where, number == 1, storage->body);
        if (!root) return root.error();
        const auto rows = state.mapper.rows(**root);
        if (!rows) return at_place(rows.error(), where);
        auto next = state.walk.next(**root);
        if (!next) return at_place(next.error(), where);
        // The source makes the next page while this one is mapped and stored.
        if (*next) start_ahead(stream, from, **next);

        page out;
        state.mapper.map(**root, **rows, from, tables_, *storage, out);
        out.next = std::move(*next);
        out.storage = std::move(storage);
        return out;
    }

    void start_ahead(std::size_t stream, std::optional<civil_day> from, const std::string& at)
    {
        auto url = page_url(stream, from, at);
        if (!url) return; // fetch_page() will say why
        ahead_.stream = stream;
        ahead_.from = from;
        ahead_.at = at;
        ahead_.call = client_.start(request(std::move(*url)));
    }

    asio::awaitable<result<void>> look_up(const lookup_spec& lookup)
    {
        auto table = std::make_shared<lookup_table>();
        for (const field_spec& column : lookup.columns)
            table->columns.push_back(column.name);
        lookup_filler filler(lookup, manifest_.dates);
        page_walk walk(lookup.paginator, settings_, home_, manifest_.pages_max);
        const std::string first = list_url(lookup.path, lookup.query);
        std::optional<std::string> at;
        do {
            const std::string where = place_name(lookup.path, walk.enter(at));
            result<std::string> url = walk.url_of(at, first);
            if (!url) co_return at_place(url.error(), where);
            const std::unique_ptr<http_call> call = client_.start(request(std::move(*url)));
            result<http_response> answer = co_await call->answer();
            std::string body;
            const auto root = parse(answer, where, !at, body);
            if (!root) co_return root.error();
            if (auto added = filler.add(**root, *table); !added) co_return at_place(added.error(), where);
            auto next = walk.next(**root);
            if (!next) co_return at_place(next.error(), where);
            at = std::move(*next);
        } while (at);
        tables_[lookup.name] = std::move(table);
        co_return result<void>();
    }

    result<void> take_totals(const total_spec& total, result<http_response> answer)
    {
        const std::string where = "GET " + total.path;
        if (total.optional && answer && (answer->status == 403 || answer->status == 404)) return {};
        std::string body;
        const auto root = parse(answer, where, true, body);
        if (!root) return root.error();
        for (const auto& [kind, path] : total.counts) {
            path_finder finder(path);
            const auto count = find_count(**root, finder);
            if (!count)
                return failure(
                    errc::page_malformed,
                    where + ": there is no count at \"" + finder.name() + "\"",
                    "Check base_url; if it is right, the source changed its answers and the manifest must follow."
                );
            totals_.emplace_back(kind, *count);
        }
        return {};
    }

    static std::string table_json(const lookup_table& table)
    {
        std::vector<const std::pair<const std::string, std::vector<std::string>>*> rows;
        for (const auto& row : table.rows)
            rows.push_back(&row);
        std::sort(rows.begin(), rows.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
        std::string out;
        json_writer json(out);
        json.begin_array();
        for (const auto* row : rows) {
            json.begin_object();
            bool id_written = false;
            const auto write_id = [&] {
                json.member("id", row->first);
                id_written = true;
            };
            for (std::size_t i = 0; i < table.columns.size(); ++i) {
                if (!id_written && table.columns[i] > "id") write_id();
                if (!row->second[i].empty()) json.member(table.columns[i], row->second[i]);
            }
            if (!id_written) write_id();
            json.end_object();
        }
        json.end_array();
        return out;
    }

    const manifest manifest_;
    const resolved_settings settings_;
    const url_origin home_;
    const std::string source_;
    const secret_reader secrets_;
    http_client& client_;
    const std::string base_url_;

    std::vector<stream_state> streams_;
    std::vector<stream_info> infos_;
    page_parser parser_;
    std::string credential_;
    bool has_credentials_ = false;
    lookup_tables tables_;
    std::map<std::string, failure> lookups_failed_; // by the lookup's name, of this run
    std::vector<std::pair<what, std::int64_t>> totals_;
    page_ahead ahead_;
};

} // namespace

result<std::unique_ptr<connector>>
make_rest_connector(manifest m, const source_configuration& source, secret_reader secrets, http_client& client)
{
    auto settings = resolve_settings(m, source);
    if (!settings) return settings.error();
    const auto home = origin_of(settings->expand(m.base_url, false));
    ROLLBOOK_ENSURE(home.has_value()); // resolve_settings() checked it
    return std::unique_ptr<connector>(std::make_unique<rest_connector>(
        std::move(m), std::move(*settings), *home, source.name, std::move(secrets), client
    ));
}

} // namespace rollbook
