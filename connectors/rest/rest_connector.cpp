#include "connectors/rest/rest_connector.hpp"

#include "connectors/rest/asker.hpp"
#include "connectors/rest/dom.hpp"
#include "connectors/rest/lookup_filler.hpp"
#include "connectors/rest/paced_client.hpp"
#include "connectors/rest/stream_run.hpp"
#include "daemon/base/canonical_json.hpp"
#include "daemon/base/keyed_digest.hpp"
#include "daemon/base/random.hpp"
#include "daemon/base/sha256.hpp"
#include "daemon/domain/calendar.hpp"

#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <deque>
#include <limits>

namespace rollbook {

namespace {

namespace asio = boost::asio;
using phase = stream_place::phase;

// The request for the page after the one handed out.
struct page_ahead {
    std::size_t stream = 0;
    std::optional<civil_day> from;
    std::string at;
    asked request;
};

digest_key random_key()
{
    digest_key key{};
    random_bytes(key);
    return key;
}

instant system_time()
{
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

class rest_connector final : public connector {
public:
    rest_connector(
        manifest m,
        resolved_settings settings,
        const url_origin& home,
        const source_configuration& source,
        secret_reader secrets,
        http_client& client,
        time_reader now,
        answer_observer observer
    )
        : manifest_(switched(std::move(m), settings)), settings_(std::move(settings)), home_(home),
          source_(source.name), history_from_(source.history_from), now_(now ? std::move(now) : system_time),
          zone_(time_zone::named(manifest_.dates.zone.empty() ? "Europe/London" : manifest_.dates.zone)),
          client_(client, manifest_.rate), asker_(manifest_, settings_, source_, std::move(secrets), client_)
    {
        asker_.observe(std::move(observer));
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
            info.by_changes = s.incremental.has_value();
            info.path_template = s.request.path;
            const auto name_fields = [&](what kind, const std::vector<field_spec>& fields) {
                if (kind == what::session_mark) return; // the probe knows a mark's
                for (const field_spec& f : fields)
                    info.fields.push_back(std::string(name_of(kind)) + "." + f.name);
            };
            name_fields(s.record.kind, s.record.fields);
            for (const expand_spec& e : s.expand)
                name_fields(e.kind, e.fields);
            for (const field_spec& f : s.record.fields)
                for (const auto& [flag, condition] : f.flags)
                    info.flags.push_back(flag);
            infos_.push_back(std::move(info));
            if (s.beyond_total) ++beyond_[s.record.kind].lists;
        }
    }

    const std::string& source() const override { return source_; }
    const std::vector<stream_info>& streams() const override { return infos_; }

    asio::awaitable<result<void>> begin_run() override
    {
        ahead_.clear();
        tables_.clear();
        lookups_failed_.clear();
        totals_.clear();
        possible_.clear();
        for (auto& [kind, of] : beyond_)
            of = {of.lists, {}, {}, {}};
        if (auto read = asker_.credentials().read_secrets(); !read) co_return read;
        if (auto ready = co_await asker_.credentials().prepare(); !ready) co_return ready;
        // Asked first and awaited last, so that the source counts while it lists its codes.
        std::vector<asked> counting;
        for (const total_spec& total : manifest_.totals)
            counting.push_back(asker_.start(asker_.requests().request(total.request, today_value())));
        for (const lookup_spec& lookup : manifest_.lookups) {
            result<void> looked_up = co_await look_up(lookup);
            if (looked_up || lookup.is_total) continue; // without its counts nothing is compared
            const failure why = looked_up.error();
            const remedy mend = remedy_for(why.code);
            if (mend == remedy::retry_soon || mend == remedy::wait) co_return looked_up;
            // Only the streams that need the table go without; pupils can be read without the code list.
            lookups_failed_.insert_or_assign(lookup.name, why);
        }
        for (std::size_t i = 0; i < counting.size(); ++i) {
            result<http_response> answer = co_await asker_.answer(std::move(counting[i]));
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
        stream_run& run = streams_[stream];
        if (const failure* why = failed_lookup(run.spec())) co_return *why;
        if (!asker_.credentials().has_secrets()) {
            if (auto read = asker_.credentials().read_secrets(); !read) co_return read.error();
        }
        if (auto ready = co_await asker_.credentials().prepare(); !ready) co_return ready.error();
        page out;
        std::optional<stream_place> place;
        if (at) {
            place = stream_place::parsed(*at);
        } else {
            ahead_.clear(); // of a read that was given up
            const result<void> begun = co_await begin_stream(run, from, out);
            if (!begun) co_return begun.error();
            place = first_place(run);
        }
        if (!place) co_return out; // a list without parts
        if (place->of == phase::rows) co_return co_await fetch_rows(stream, from, at, *place, std::move(out));
        if (place->of == phase::changed) co_return co_await fetch_changed(run, *place, std::move(out));
        co_return co_await fetch_deleted(run, *place, std::move(out));
    }

    std::optional<civil_day> first_day(std::size_t stream) const override
    {
        ROLLBOOK_ENSURE(stream < streams_.size());
        const stream_spec& s = streams_[stream].spec();
        if (!s.window_day) return std::nullopt;
        // A request that names the first day cannot be made without one.
        const auto names_it = [](const std::string& text) { return text.find("{@from}") != text.npos; };
        bool named = s.slices.type == slice_spec::kind::days || names_it(s.request.path) || names_it(s.request.body);
        for (const auto& [name, value] : s.request.query)
            named = named || names_it(value);
        for (const auto& value : s.request.body_values)
            named = named || names_it(value.text);
        return named ? std::optional(history_start()) : std::nullopt;
    }

    void resume(std::size_t stream, const std::string& bookmark) override
    {
        ROLLBOOK_ENSURE(stream < streams_.size());
        streams_[stream].resume(bookmark, now_());
    }
    bool gives_changes(std::size_t stream, bool allowed) override
    {
        ROLLBOOK_ENSURE(stream < streams_.size());
        if (!allowed) streams_[stream].resume({}, now_());
        return streams_[stream].changes_only();
    }
    std::string bookmark(std::size_t stream) const override
    {
        ROLLBOOK_ENSURE(stream < streams_.size());
        return streams_[stream].bookmark();
    }

    void use_memory(page_memory* memory) override
    {
        memory_ = memory;
        if (!memory) asker_.rest();
    }

    std::optional<std::int64_t> total(what kind) const override
    {
        const auto stated = std::ranges::find(totals_, kind, [](const auto& each) { return each.first; });
        if (stated == totals_.end()) return std::nullopt;
        const auto more = beyond_.find(kind);
        if (more == beyond_.end()) return stated->second;
        if (more->second.ended.size() < more->second.lists) return std::nullopt;
        return stated->second + std::ranges::count_if(more->second.ids, [&](const std::string& id) {
                   return !more->second.counted.contains(id);
               });
    }

    std::vector<std::pair<std::string, std::int64_t>> possible_sessions() const override { return possible_; }

    std::string fingerprint(std::size_t stream) const override
    {
        ROLLBOOK_ENSURE(stream < streams_.size());
        const stream_spec& s = streams_[stream].spec();
        sha256_stream sum;
        for (const std::string& part :
             {manifest_.name,
              manifest_.version,
              asker_.requests().address(s.request, {}),
              settings_.expand(s.window_param, false),
              s.shape})
            sum.add(std::to_string(part.size())).add(":").add(part);
        return "rest-1 " + to_hex(sum.finish());
    }

private:
    civil_day today() const { return day_of(zone_->to_local(now_())); }
    run_values today_value() const { return {{"@today", format_day(today())}}; }
    civil_day history_start() const { return history_from_.value_or(school_calendar::academic_year_start(today())); }

    // Why a table that the stream points into could not be had; null when none is missing.
    const failure* failed_lookup(const stream_spec& s) const
    {
        const auto named = [&](const std::string& lookup) -> const failure* {
            const auto failed = lookups_failed_.find(lookup);
            return failed == lookups_failed_.end() ? nullptr : &failed->second;
        };
        if (const failure* why = named(s.slices.lookup)) return why;
        for (const field_spec& field : s.record.fields)
            if (const failure* why = named(field.lookup)) return why;
        for (const expand_spec& nested : s.expand)
            for (const field_spec& field : nested.fields)
                if (const failure* why = named(field.lookup)) return why;
        return nullptr;
    }

    asio::awaitable<result<void>> begin_stream(stream_run& run, std::optional<civil_day> from, page& out)
    {
        std::vector<std::string> parts;
        if (const auto table = tables_.find(run.spec().slices.lookup); table != tables_.end())
            for (const auto& [key, row] : table->second->rows)
                parts.push_back(key);
        std::sort(parts.begin(), parts.end());
        run.begin(from.value_or(history_start()), today(), std::move(parts));
        run.shape = shape_of(run);
        const auto& incremental = run.spec().incremental;
        if (incremental && incremental->signpost) {
            const result<void> asked_for = co_await read_signpost(run);
            if (!asked_for) co_return asked_for;
        }
        if (run.changes_only() && run.spec().changelog) {
            const result<void> read = co_await read_changelog(run, out);
            if (!read) co_return read;
        }
        co_return result<void>();
    }

    // Of all but a page's own bytes and the first day asked for that its rows come from.
    std::uint64_t shape_of(const stream_run& run) const
    {
        std::string shape = fingerprint(static_cast<std::size_t>(&run - streams_.data()));
        for (const auto& [name, table] : tables_)
            shape += table_shapes_.find(name)->second;
        return keyed_digest(digest_key_, shape);
    }

    static std::optional<stream_place> first_place(const stream_run& run)
    {
        stream_place place;
        if (run.changes_only() && run.spec().changelog) {
            if (run.changed.empty()) return std::nullopt;
            place.of = phase::changed;
            place.slice = "0";
            return place;
        }
        const auto slice = run.first_slice();
        if (!slice) return std::nullopt;
        place.slice = *slice;
        return place;
    }

    result<std::string> rows_url(
        const stream_run& run, std::optional<civil_day> from, const stream_place& place, const run_values& values
    ) const
    {
        const stream_spec& s = run.spec();
        std::string first = asker_.requests().address(s.request, values);
        if (const std::string param = settings_.expand(s.window_param, false); from && !param.empty())
            add_query(first, param, format_day(*from - std::chrono::days(s.window_margin_days)));
        return run.walk.url_of(place.page, first);
    }

    result<asked> start_rows(const stream_run& run, std::optional<civil_day> from, const stream_place& place)
    {
        run_values values = run.variables(place.slice, from);
        run.walk.add_variables(place.page, values);
        auto url = rows_url(run, from, place, values);
        if (!url) return url.error();
        return asker_.start(asker_.requests().request(run.spec().request, std::move(*url), values));
    }

    // The request that is under way for this place, or a new one. Those for places before it are dropped.
    result<asked> request_for(
        std::size_t stream,
        std::optional<civil_day> from,
        const std::optional<std::string>& at,
        const stream_place& place
    )
    {
        while (!ahead_.empty()) {
            page_ahead ahead = std::move(ahead_.front());
            ahead_.pop_front();
            const bool is_it = ahead.stream == stream && ahead.from == from && at && ahead.at == *at;
            if (is_it) return std::move(ahead.request);
            // The list goes another way than last time: the source is not asked for nothing a second time.
            streams_[ahead.stream].follows_memory = false;
        }
        return start_rows(streams_[stream], from, place);
    }

    asio::awaitable<result<page>> fetch_rows(
        std::size_t stream, std::optional<civil_day> from, std::optional<std::string> at, stream_place place, page out
    )
    {
        stream_run& run = streams_[stream];
        const std::size_t number = run.walk.enter(place.slice, place.page);
        const std::string where = place_name(run.spec().request, number);
        result<asked> request = request_for(stream, from, at, place);
        if (!request) co_return at_place(request.error(), where);
        const bool remembers = memory_ && may_remember(run);
        if (remembers) {
            out.place = place.text(run.is_sliced());
            // The source makes the next page while this one is on its way and looked at.
            if (const auto next = place_after_by_memory(run, place)) start_ahead(stream, from, *next);
        }
        result<http_response> answer = co_await asker_.answer(std::move(*request));
        if (remembers && answer && answer->status == 200) {
            out.digest = digest_of(run, from, answer->body);
            if (auto known = memory_->known(out.place, out.digest))
                co_return hand_out_again(stream, from, place, std::move(*known), where);
        }
        auto storage = std::make_shared<page_storage>();
        storage->tables = tables_;
        const bool first = number == 1;
        auto read = asker_.read(
            std::move(answer), where, first, run.spec().slices.missing_is_empty, run.spec().decoder, storage->body
        );
        if (!read) co_return read.error();
        std::optional<std::string> next_page;
        const dom_value* rows = nullptr;
        if (read->root) {
            const auto list = run.mapper.rows(*read->root);
            if (!list) co_return at_place(list.error(), where);
            rows = *list;
            auto next = run.walk.next(*read->root, read->answer, row_count(*rows));
            if (!next) co_return at_place(next.error(), where);
            next_page = std::move(*next);
        }
        const std::optional<stream_place> next = place_after(run, place, std::move(next_page));
        if (next) out.next = next->text(run.is_sliced());
        // The source makes the next page while this one is mapped and stored.
        if (next && next->of == phase::rows) start_ahead(stream, from, *next);
        if (rows)
            run.mapper.map(
                *read->root,
                *rows,
                run.spec().history_day ? std::optional(history_start()) : from,
                tables_,
                *storage,
                out
            );
        else
            ++out.skipped;
        note_beyond_total(run.spec(), out);
        if (run.spec().incremental && run.spec().incremental->ascending && run.mapper.saw_disorder())
            co_return failure(
                errc::page_malformed,
                where + ": the rows do not come in the order that the manifest says the source promises",
                "Set \"order\" to \"unknown\" in the manifest, and tell the source's support."
            );
        if (run.changes_only() && !run.spec().deletes.empty())
            for (const reported_record& record : out.records)
                run.shown.insert(record.source_id);
        out.storage = std::move(storage);
        co_return out;
    }

    // What a list names that the source's own count leaves out is to be added to the count, once it was read to its
    // end.
    void note_beyond_total(const stream_spec& s, const page& got)
    {
        const auto at = beyond_.find(s.record.kind);
        if (at == beyond_.end()) return;
        for (const reported_record& record : got.records)
            if (record.kind == s.record.kind)
                (s.beyond_total ? at->second.ids : at->second.counted).insert(record.source_id);
        if (s.beyond_total && !got.next) at->second.ended.insert(s.name);
    }

    // Marks alone: they are many and rarely change.
    static bool may_remember(const stream_run& run)
    {
        const stream_spec& s = run.spec();
        return s.record.kind == what::session_mark && !s.incremental && run.walk.body_says_next();
    }

    // Of a page's bytes, and of all else that its rows come from. Never 0.
    std::uint64_t digest_of(const stream_run& run, std::optional<civil_day> from, const std::string& body) const
    {
        const std::int64_t first_day =
            from ? from->time_since_epoch().count() : std::numeric_limits<std::int64_t>::min();
        const std::uint64_t parts[] = {
            run.shape, static_cast<std::uint64_t>(first_day), keyed_digest(digest_key_, body)};
        return keyed_digest(digest_key_, bytes_view(reinterpret_cast<const std::uint8_t*>(parts), sizeof parts)) | 1;
    }

    result<page> hand_out_again(
        std::size_t stream,
        std::optional<civil_day> from,
        const stream_place& place,
        page known,
        const std::string& where
    )
    {
        stream_run& run = streams_[stream];
        std::optional<std::string> page_after;
        if (known.next)
            if (stream_place after = stream_place::parsed(*known.next); after.slice == place.slice)
                page_after = std::move(after.page);
        auto next_page = run.walk.next_again(std::move(page_after), known.rows);
        if (!next_page) return at_place(next_page.error(), where);
        const std::optional<stream_place> next = place_after(run, place, std::move(*next_page));
        known.next = next ? std::optional(next->text(run.is_sliced())) : std::nullopt;
        if (next && next->of == phase::rows) start_ahead(stream, from, *next);
        return known;
    }

    static std::size_t row_count(const dom_value& rows) { return rows.Size(); }

    static std::optional<stream_place>
    place_after(const stream_run& run, const stream_place& place, std::optional<std::string> page)
    {
        stream_place next = place;
        next.page = std::move(page);
        if (next.page) return next;
        if (const auto slice = run.slice_after(place.slice)) {
            next.slice = *slice;
            return next;
        }
        if (run.spec().deletes.empty() || !run.changes_only()) return std::nullopt;
        next.of = phase::deleted;
        next.slice = "0";
        return next;
    }

    // Starts what will be asked for next, as many requests at once as the source bears: the next place, and further
    // ones that are certain to come. Each waits for the source's rate as any other does.
    void start_ahead(std::size_t stream, std::optional<civil_day> from, stream_place place)
    {
        const stream_run& run = streams_[stream];
        for (std::size_t under_way = 1; under_way < manifest_.rate.concurrency; ++under_way) {
            const std::string at = place.text(run.is_sliced());
            const auto is_it = [&](const page_ahead& a) { return a.stream == stream && a.from == from && a.at == at; };
            if (std::none_of(ahead_.begin(), ahead_.end(), is_it)) {
                result<asked> request = start_rows(run, from, place);
                if (!request) return; // fetch_page() will say why
                page_ahead& ahead = ahead_.emplace_back();
                ahead.stream = stream;
                ahead.from = from;
                ahead.at = at;
                ahead.request = std::move(*request);
            }
            auto further = place_surely_after(run, place);
            if (!further) further = place_after_by_memory(run, place);
            if (!further) return;
            place = *further;
        }
    }

    // A part that begins will be asked for whatever the one before it says.
    static std::optional<stream_place> place_surely_after(const stream_run& run, const stream_place& place)
    {
        stream_place next = place;
        if (place.page) {
            next.page = run.walk.surely_after(*place.page);
            if (next.page) return next;
        }
        const auto slice = run.is_sliced() ? run.slice_after(place.slice) : std::nullopt;
        const bool is_one_page = !place.page && run.spec().paginator.type == paginator_spec::kind::none;
        if (!slice || !is_one_page) return std::nullopt;
        next.page.reset();
        next.slice = *slice;
        return next;
    }

    // Where the list went on after this place when it was read last.
    std::optional<stream_place> place_after_by_memory(const stream_run& run, const stream_place& place) const
    {
        if (!memory_ || !may_remember(run) || !run.follows_memory) return std::nullopt;
        const auto next = memory_->next_of(place.text(run.is_sliced()));
        if (!next) return std::nullopt;
        stream_place after = stream_place::parsed(*next);
        return after.of == phase::rows ? std::optional(std::move(after)) : std::nullopt;
    }

    // One record that the list of changes named.
    asio::awaitable<result<page>> fetch_changed(stream_run& run, stream_place place, page out)
    {
        const changelog_spec& log = *run.spec().changelog;
        const auto number = parse_decimal(place.slice);
        ROLLBOOK_ENSURE(number && *number < run.changed.size());
        const std::string& key = run.changed[*number];
        const std::string where = place_name(log.one, *number + 1);
        asked request = asker_.start(asker_.requests().request(log.one, {{"@part", key}}));
        result<http_response> answer = co_await asker_.answer(std::move(request));
        auto storage = std::make_shared<page_storage>();
        storage->tables = tables_;
        auto read = asker_.read(std::move(answer), where, true, true, run.spec().decoder, storage->body);
        if (!read) co_return read.error();
        if (read->root) {
            path_finder at(log.record);
            const dom_value* record = at.find(*read->root);
            if (!record)
                co_return failure(
                    errc::page_malformed,
                    where + ": the answer has another shape than expected: there is no \"" + at.name() + "\"",
                    "The source changed its answers, and the manifest must follow."
                );
            if (record->IsArray()) record = record->Empty() ? nullptr : &(*record)[0];
            // Named as changed, and not shown: it may be gone or hidden, which only the list of all can tell.
            if (record)
                run.mapper.map_one(*record, tables_, *storage, out);
            else
                ++out.skipped;
        } else {
            out.gone.emplace_back(run.spec().record.kind, key); // changed, and by now deleted
        }
        if (*number + 1 < run.changed.size()) {
            place.slice = std::to_string(*number + 1);
            out.next = place.text(true);
        }
        out.storage = std::move(storage);
        co_return out;
    }

    asio::awaitable<result<page>> fetch_deleted(stream_run& run, stream_place place, page out)
    {
        const auto list_number = parse_decimal(place.slice);
        ROLLBOOK_ENSURE(list_number && *list_number < run.spec().deletes.size());
        const deletes_spec& spec = run.spec().deletes[*list_number];
        page_walk& walk = run.deletes_walks[*list_number];
        const std::string where = place_name(spec.request, walk.enter("", place.page));
        run_values values = run.variables("", std::nullopt);
        walk.add_variables(place.page, values);
        auto url = walk.url_of(place.page, asker_.requests().address(spec.request, values));
        if (!url) co_return at_place(url.error(), where);
        asked request = asker_.start(asker_.requests().request(spec.request, std::move(*url), values));
        result<http_response> answer = co_await asker_.answer(std::move(request));
        std::string body;
        auto read = asker_.read(std::move(answer), where, !place.page, false, run.spec().decoder, body);
        if (!read) co_return read.error();
        if (!read->root) co_return out;
        path_finder records(spec.records);
        const auto list = list_at(*read->root, records);
        if (!list) co_return at_place(list.error(), where);
        field_reader key(spec.key, manifest_.dates);
        std::optional<condition_list> when;
        if (spec.when) when.emplace(*spec.when);
        page_texts texts;
        for (const dom_value& row : (*list)->GetArray()) {
            if (when && !when->hold(row)) continue;
            const field_value id = key.read(row, nullptr, {}, texts);
            if (id.is != field_value::kind::text) co_return unreadable(where, id.reason);
            // Deleted or called otherwise, and there again since: the rows are the newer word.
            if (run.shown.contains(id.text)) continue;
            out.gone.emplace_back(run.spec().record.kind, std::string(id.text));
        }
        auto next = walk.next(*read->root, read->answer, (*list)->Size());
        if (!next) co_return at_place(next.error(), where);
        place.page = std::move(*next);
        if (!place.page) {
            if (*list_number + 1 == run.spec().deletes.size()) co_return out;
            place.slice = std::to_string(*list_number + 1);
        }
        out.next = place.text(true);
        co_return out;
    }

    static failure unreadable(const std::string& where, const std::string& why)
    {
        return failure(
            errc::page_malformed,
            where + ": a row of the list of changes cannot be read: " + why,
            "The source changed its answers, and the manifest must follow."
        );
    }

    asio::awaitable<result<void>> read_signpost(stream_run& run)
    {
        const incremental_spec& i = *run.spec().incremental;
        const std::string where = place_name(*i.signpost, 1);
        asked request = asker_.start(asker_.requests().request(*i.signpost, today_value()));
        result<http_response> answer = co_await asker_.answer(std::move(request));
        std::string body;
        auto read = asker_.read(std::move(answer), where, true, false, decoder_spec(), body);
        if (!read) co_return read.error();
        path_finder at(i.signpost_value);
        if (read->root) run.until = find_count(*read->root, at);
        if (!run.until) co_return unreadable(where, "there is no number at \"" + at.name() + "\"");
        co_return result<void>();
    }

    asio::awaitable<result<void>> read_changelog(stream_run& run, page& out)
    {
        const changelog_spec& log = *run.spec().changelog;
        std::set<std::string> changed;
        std::set<std::string> gone;
        path_finder records(log.records);
        path_finder revision(log.revision);
        field_reader key(log.key, manifest_.dates);
        condition_list is_gone(log.gone);
        std::optional<std::string> at;
        do {
            const std::string where = place_name(log.request, run.changes_walk.enter("", at));
            run_values values = run.variables("", std::nullopt);
            run.changes_walk.add_variables(at, values);
            auto url = run.changes_walk.url_of(at, asker_.requests().address(log.request, values));
            if (!url) co_return at_place(url.error(), where);
            asked request = asker_.start(asker_.requests().request(log.request, std::move(*url), values));
            result<http_response> answer = co_await asker_.answer(std::move(request));
            std::string body;
            auto read = asker_.read(std::move(answer), where, !at, false, run.spec().decoder, body);
            if (!read) co_return read.error();
            if (!read->root) break;
            const auto list = list_at(*read->root, records);
            if (!list) co_return at_place(list.error(), where);
            page_texts texts;
            for (const dom_value& row : (*list)->GetArray()) {
                const field_value id = key.read(row, nullptr, {}, texts);
                if (id.is != field_value::kind::text) co_return unreadable(where, id.reason);
                const auto number = find_count(row, revision);
                if (!number) co_return unreadable(where, "there is no revision at \"" + revision.name() + "\"");
                run.newest_revision = std::max(run.newest_revision.value_or(*number), *number);
                const std::string name(id.text);
                if (is_gone.hold(row)) {
                    changed.erase(name);
                    gone.insert(name);
                } else {
                    gone.erase(name);
                    changed.insert(name);
                }
            }
            auto next = run.changes_walk.next(*read->root, read->answer, (*list)->Size());
            if (!next) co_return at_place(next.error(), where);
            at = std::move(*next);
        } while (at);
        run.changed.assign(changed.begin(), changed.end());
        for (const std::string& name : gone)
            out.gone.emplace_back(run.spec().record.kind, name);
        co_return result<void>();
    }

    asio::awaitable<result<void>> look_up(const lookup_spec& lookup)
    {
        auto table = std::make_shared<lookup_table>();
        for (const field_spec& column : lookup.columns)
            table->columns.push_back(column.name);
        lookup_filler filler(lookup, manifest_.dates);
        page_walk walk(lookup.paginator, settings_, home_, manifest_.pages_max);
        std::optional<std::string> at;
        do {
            const std::string where = place_name(lookup.request, walk.enter("", at));
            run_values values = today_value();
            walk.add_variables(at, values);
            result<std::string> url = walk.url_of(at, asker_.requests().address(lookup.request, values));
            if (!url) co_return at_place(url.error(), where);
            asked request = asker_.start(asker_.requests().request(lookup.request, std::move(*url), values));
            result<http_response> answer = co_await asker_.answer(std::move(request));
            std::string body;
            auto read = asker_.read(std::move(answer), where, !at, false, lookup.decoder, body);
            if (!read) co_return read.error();
            if (!read->root) break;
            const auto added = filler.add(*read->root, *table);
            if (!added) co_return at_place(added.error(), where);
            auto next = walk.next(*read->root, read->answer, *added);
            if (!next) co_return at_place(next.error(), where);
            at = std::move(*next);
        } while (at);
        if (lookup.is_total) {
            for (const auto& [pupil, row] : table->rows)
                if (const auto possible = parse_decimal(row[0]))
                    possible_.emplace_back(pupil, static_cast<std::int64_t>(*possible));
            co_return result<void>();
        }
        table_shapes_[lookup.name] = std::to_string(keyed_digest(digest_key_, table_json(*table))) + ";";
        tables_[lookup.name] = std::move(table);
        co_return result<void>();
    }

    result<void> take_totals(const total_spec& total, result<http_response> answer)
    {
        const std::string where = total.request.method + " " + total.request.path;
        if (total.optional && answer && (answer->status == 403 || answer->status == 404)) return {};
        std::string body;
        auto read = asker_.read(std::move(answer), where, true, false, decoder_spec(), body);
        if (!read) return read.error();
        if (!read->root) return {};
        for (const auto& [kind, path] : total.counts) {
            path_finder finder(path);
            const auto count = find_count(*read->root, finder);
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

    const manifest manifest_;
    const resolved_settings settings_;
    const url_origin home_;
    const std::string source_;
    const std::optional<civil_day> history_from_;
    const time_reader now_;
    const std::optional<time_zone> zone_;
    paced_client client_;
    asker asker_;

    std::vector<stream_run> streams_;
    std::vector<stream_info> infos_;
    lookup_tables tables_;
    std::map<std::string, failure> lookups_failed_; // by the lookup's name, of this run
    std::vector<std::pair<what, std::int64_t>> totals_;
    struct beyond_count {
        std::size_t lists = 0;       // that the source's own count leaves out
        std::set<std::string> ended; // of them, those read to their end
        std::set<std::string> ids;
        std::set<std::string> counted; // ids of the lists that it counts
    };
    std::map<what, beyond_count> beyond_;
    std::vector<std::pair<std::string, std::int64_t>> possible_; // by the pupil's id
    std::deque<page_ahead> ahead_;                               // in the order in which they will be asked for
    page_memory* memory_ = nullptr;
    digest_key digest_key_ = random_key();
    std::map<std::string, std::string, std::less<>> table_shapes_; // of tables_, as digests
};

} // namespace

result<std::unique_ptr<connector>> make_rest_connector(
    manifest m,
    const source_configuration& source,
    secret_reader secrets,
    http_client& client,
    time_reader now,
    answer_observer observer
)
{
    auto settings = resolve_settings(m, source);
    if (!settings) return settings.error();
    const auto home = origin_of(settings->expand(m.base_url, false));
    ROLLBOOK_ENSURE(home.has_value()); // resolve_settings() checked it
    return std::unique_ptr<connector>(std::make_unique<rest_connector>(
        std::move(m),
        std::move(*settings),
        *home,
        source,
        std::move(secrets),
        client,
        std::move(now),
        std::move(observer)
    ));
}

} // namespace rollbook
