#include "daemon/service/cycle.hpp"

#include "daemon/base/events.hpp"
#include "daemon/base/random.hpp"
#include "daemon/base/sealed_file.hpp"
#include "daemon/base/spare_memory.hpp"
#include "daemon/cases/marker.hpp"
#include "daemon/reconcile/links.hpp"
#include "daemon/service/commit.hpp"
#include "daemon/service/housekeeping.hpp"
#include "daemon/service/messages.hpp"
#include "daemon/service/operator_messages.hpp"
#include "daemon/service/reminders.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <memory>

namespace rollbook {
namespace {

namespace asio = boost::asio;

// One page transaction: so many changes, or so long since the first of them. Memory grows with the second number.
constexpr std::size_t changes_max = 1'000;
constexpr std::size_t gathered_max = 3'000; // while those before are being written
constexpr std::chrono::milliseconds changes_wait_max{250};
constexpr std::uint32_t pages_max = 100'000;
constexpr std::uint32_t runs_max = 10'000; // of one source in a row
constexpr std::size_t messages_at_once = 64;

std::uint64_t dice()
{
    std::array<std::uint8_t, 8> bytes{};
    random_bytes(bytes);
    std::uint64_t value = 0;
    for (const std::uint8_t byte : bytes)
        value = value << 8 | byte;
    return value;
}

// Two sources may well have the same path: whose it is goes first.
failure of_source(const std::string& source, failure why)
{
    if (!why.what.starts_with(source + ": ")) why.what.insert(0, source + ": ");
    return why;
}

// Whom narratives are sealed to; nobody while they are off. The keys were checked with the configuration.
std::vector<hash> recipients_of(const configuration& settings)
{
    std::vector<hash> keys;
    if (settings.sealed_text)
        for (const std::string& text : settings.sealed_text->recipients)
            if (const auto key = parse_recipient(text)) keys.push_back(*key);
    return keys;
}

// A stream's bookmark is kept behind its fingerprint, on a line of its own.
std::string with_bookmark(std::string fingerprint, const std::string& bookmark)
{
    if (!bookmark.empty()) fingerprint.append(1, '\n').append(bookmark);
    return fingerprint;
}

std::string without_bookmark(const std::string& kept)
{
    return kept.substr(0, kept.find('\n'));
}

std::string bookmark_in(const std::string& kept)
{
    const auto end = kept.find('\n');
    return end == kept.npos ? std::string() : kept.substr(end + 1);
}

} // namespace

std::string kept_bookmark(const ledger& book, const std::string& source, const std::string& stream)
{
    const auto kept = book.stream(source, stream);
    return kept ? bookmark_in(kept->fingerprint) : std::string();
}

// The pages of earlier reads, which the connector may ask while one stream is read. Not in the unnamed namespace: it
// is part of a coroutine's frame, a type of the whole program.
class memory_in_use {
public:
    memory_in_use(connector& from, page_memory& memory) : from_(from) { from.use_memory(&memory); }
    ~memory_in_use() { from_.use_memory(nullptr); }
    memory_in_use(const memory_in_use&) = delete;
    memory_in_use& operator=(const memory_in_use&) = delete;

private:
    connector& from_;
};

// The transaction of pages that a read has begun and not waited for, whatever ends the read: when it fails, what is in
// memory is made what the file says. In a frame too.
class pages_under_way {
public:
    explicit pages_under_way(ledger& book) : book_(book) {}
    ~pages_under_way()
    {
        try {
            book_.settle();
        } catch (...) {
            try {
                book_.reload();
            } catch (...) {
                return; // the ledger itself says so to whoever asks next
            }
        }
    }
    pages_under_way(const pages_under_way&) = delete;
    pages_under_way& operator=(const pages_under_way&) = delete;

private:
    ledger& book_;
};

cycle::cycle(
    const configuration& settings,
    cycle_parts& parts,
    ledger& book,
    clock_function now,
    retry_pace pace,
    turn_function turned
)
    : settings_(settings), parts_(parts), book_(book), now_(std::move(now)), pace_(pace), turned_(std::move(turned)),
      closer_(settings, book)
{
    for (const auto& source : parts.connectors)
        closer_.know_streams(*source);
}

asio::awaitable<read_report> cycle::read(std::size_t source, read_options options, const progress_function& progress)
{
    read_report all = co_await read_once(source, options, progress);
    for (std::uint32_t runs = 1; runs < runs_max && parts_.connectors[source]->has_more(); ++runs) {
        read_report next = co_await read_once(source, options, progress);
        all.entries += next.entries;
        all.closing.entries += next.closing.entries;
        all.closing.alerts_opened += next.closing.alerts_opened;
        all.closing.alerts_ended += next.closing.alerts_ended;
        all.closing.messages += next.closing.messages;
        std::move(next.failures.begin(), next.failures.end(), std::back_inserter(all.failures));
        auto& statements = all.closing.statements;
        std::move(next.closing.statements.begin(), next.closing.statements.end(), std::back_inserter(statements));
    }
    co_return all;
}

asio::awaitable<read_report>
cycle::read_once(std::size_t source, read_options options, const progress_function& progress)
{
    read_report report;
    connector& from = *parts_.connectors[source];
    const source_configuration& known = settings_.sources[source];
    const instant started = now_();
    digester digest = [this](std::string_view text) { return book_.digest(text); };
    source_reading reading(
        book_.state(), known.name, digest, ++read_number_, started, narrative_seal(recipients_of(settings_), digest)
    );
    reading.know_streams(from.streams());
    const pages_under_way pages(book_);
    read_outcome outcome;
    note_clock(book_, started);
    signed_at_ = last_meanwhile_ = started;
    rows_read_ = 0;
    const auto state = book_.source(known.name);
    outcome.any_first = !state || !state->first_closed_at;

    // The read before may have broken off with pages taken in that nobody judged.
    if (std::exchange(is_unjudged_, true)) closer_.judge_anew();

    for (std::size_t stream = 0; stream < from.streams().size(); ++stream)
        from.resume(stream, kept_bookmark(book_, known.name, from.streams()[stream].name));
    const result<void> begun = co_await begin(from);
    if (!begun) {
        outcome.failures.push_back(of_source(known.name, begun.error()));
        for (const stream_info& stream : from.streams())
            outcome.unread.emplace_back(stream.name, begun.error().code);
    } else {
        closer_.record_settings(from.facts(), known.name, started);
        for (std::size_t stream = 0; stream < from.streams().size(); ++stream) {
            if (!from.has_news(stream)) continue;
            const result<void> read_in_full =
                co_await read_stream(stream, source, options, reading, outcome, report, progress);
            if (read_in_full) continue;
            outcome.failures.push_back(of_source(known.name, read_in_full.error()));
            outcome.unread.emplace_back(from.streams()[stream].name, read_in_full.error().code);
        }
    }
    reading.end_streams();
    // What an empty list no longer names was let go: from now on it may be empty.
    if (outcome.failures.empty())
        for (const std::size_t at : outcome.emptied)
            outcome.closed[at].windows.front().listed = false;
    // A row may have slid from one page to another while they were read, and no later change would name it: what seems
    // to have vanished is looked for once more.
    for (const auto& [at, stream] : outcome.read_in_full)
        if (std::ranges::any_of(from.streams()[stream].makes, [&](what kind) { return reading.has_vanished(kind); }))
            outcome.closed[at].fingerprint = without_bookmark(outcome.closed[at].fingerprint);
    // Told to stop in the middle: the read stays unclosed, and starts again from its first page.
    for (const failure& why : outcome.failures)
        if (why.code == errc::stopped) throw boost::system::system_error(asio::error::operation_aborted);

    try {
        book_.settle();
        constexpr std::int64_t many_rows = 50'000;
        // What a long read took is not to stay beside what judging takes.
        if (rows_read_ > many_rows) let_go_of_spare_memory();
        note_clock(book_, now_());
        report.closing = closer_.close(known, from, reading, outcome, now_());
        is_unjudged_ = false;
    } catch (...) {
        book_.reload();
        throw;
    }
    book_.rest();
    report.entries += report.closing.entries;
    if (!report.closing.over_budget.empty()) log_event(event::alert_budget_passed, report.closing.over_budget);
    report.failures = outcome.failures;
    if (report.failures.empty())
        if (const result<void> gone = from.closed(); !gone)
            report.failures.push_back(of_source(known.name, gone.error()));
    for (const failure& why : report.failures)
        log_event(event::source_failed, why.what, why.to_do);
    co_return report;
}

asio::awaitable<result<void>> cycle::begin(connector& from)
{
    for (int failed = 0;;) {
        result<void> begun = co_await from.begin_run();
        turned_();
        if (begun) co_return begun;
        const failure why = begun.error();
        if (!co_await wait_after(why, ++failed, from.source())) co_return why;
    }
}

asio::awaitable<result<void>> cycle::read_stream(
    std::size_t number,
    std::size_t source,
    read_options options,
    source_reading& reading,
    read_outcome& outcome,
    read_report& report,
    const progress_function& progress
)
{
    connector& from = *parts_.connectors[source];
    const source_configuration& known = settings_.sources[source];
    const stream_info& stream = from.streams()[number];
    const instant started = reading.started();
    const bool makes_marks = std::ranges::find(stream.makes, what::session_mark) != stream.makes.end();

    const std::string fingerprint = from.fingerprint(number);
    const auto begun = book_.stream(known.name, stream.name);
    stream_state state = begun.value_or(stream_state{known.name, stream.name, fingerprint, {}});
    const bool first = state.windows.empty();
    // Where what shapes the answer has changed, what is missing now is out of scope, and no deletion. A first read that
    // dies may leave records behind, and the source may drop some of them before the next: so the shape is kept from
    // its first page on.
    const bool same_shape = begun && without_bookmark(state.fingerprint) == fingerprint;
    if (!begun) {
        transaction t;
        t.streams.push_back(state);
        book_.commit(t, started);
    }
    std::optional<civil_day> day;
    if (stream.by_day) {
        std::vector<std::pair<std::optional<civil_day>, std::chrono::milliseconds>> ages;
        if (same_shape)
            for (const auto& window : state.windows)
                ages.emplace_back(window.from, started - window.read_at);
        const local_instant local = time_zone::named(settings_.school.timezone)->to_local(started);
        const civil_day today = day_of(local);
        day =
            read_from(known, settings_.calendar, today, is_in_school_hours(settings_, local), ages, options.everything);
        if (!day) day = from.first_day(number);
        // Marks past their maximum were erased by age, and are not read again.
        if (const auto years = settings_.retention.attendance.at_most_years; years && makes_marks) {
            const civil_day oldest = add_years(today, -*years) + std::chrono::days(1);
            day = std::max(day.value_or(oldest), oldest);
        }
    }
    // Only what changed is read when the connector takes the bookmark; what it does not name then is not missing.
    const bool changes_only = from.gives_changes(number, same_shape && !first && !options.everything);
    reading.begin_stream(stream, state.windows, day, options.is_last ? nullptr : &remembered_[{source, number}]);
    const memory_in_use memory(from, reading);

    std::vector<page> kept; // pages that undrained changes look into
    instant first_change = started;
    std::int64_t rows = 0;
    std::optional<std::string> at;
    for (std::uint32_t number_of_page = 1;; ++number_of_page) {
        if (number_of_page > pages_max) {
            const failure endless(
                errc::page_malformed,
                fmt::format("{}: {} has more than {} pages", known.name, stream.path_template, pages_max),
                "Report this: the source's paging does not end."
            );
            co_return endless;
        }
        if (makes_marks && number_of_page > 1) half_read_at_ = now_();
        result<page> got = co_await fetch(from, number, day, std::move(at));
        half_read_at_.reset();
        if (!got) {
            flush(reading, report);
            co_return got.error();
        }
        const std::size_t before = reading.changes();
        reading.take(*got, number_of_page);
        rows += static_cast<std::int64_t>(got->rows);
        const instant now = now_();
        if (before == 0) first_change = now;
        at = got->next;
        const bool last = !at.has_value();
        if (reading.changes() > before) kept.push_back(std::move(*got));
        if (is_time_to_flush(reading.changes(), now - first_change, last)) {
            flush(reading, report);
            kept.clear();
        }
        sign_if_due();
        if (progress) progress({known.name, stream.name, rows, last});
        if (last) break;
    }

    rows_read_ += rows;
    missing_means missing = same_shape ? missing_means::vanished : missing_means::out_of_scope;
    if (!begun || changes_only || without_bookmark(state.fingerprint) == to_be_read_again)
        missing = missing_means::nothing;
    const retirement_limit limit{known.vanish_limit.percent, known.vanish_limit.at_least, options.lift_vanish_limit};
    const result<void> ended = reading.end_stream(limit, missing);
    flush(reading, report); // a mark that was parked may look into pages that go now
    if (!ended) co_return ended.error();

    // This window replaces those it covers.
    bool had_rows = false;
    std::erase_if(state.windows, [&](const auto& window) {
        const bool is_covered = !day || (window.from && *window.from >= *day);
        had_rows = had_rows || (is_covered && window.listed);
        return is_covered;
    });
    state.windows.insert(state.windows.begin(), {day, started, rows > 0 || had_rows});
    if (rows == 0 && had_rows && !changes_only) outcome.emptied.push_back(outcome.closed.size());
    if (stream.by_changes && !changes_only) outcome.read_in_full.emplace(outcome.closed.size(), number);
    state.fingerprint = with_bookmark(fingerprint, from.bookmark(number));
    outcome.closed.push_back(std::move(state));
    if (makes_marks) {
        outcome.marks_closed = true;
        outcome.marks_first = first;
    }
    co_return result<void>();
}

// While the changes before are still being written, a few more are gathered instead of waiting for the disk.
bool cycle::is_time_to_flush(std::size_t changes, std::chrono::milliseconds waited, bool last) const
{
    if (changes == 0) return false;
    if (last || changes >= gathered_max) return true;
    return (changes >= changes_max || waited > changes_wait_max) && !book_.is_busy();
}

// Entries are drafted, handed over to be committed and taken into memory in one go, without a wait in between: no other
// work can come between the places they count on and the commit. The next pages are read while the disk writes.
void cycle::flush(source_reading& reading, read_report& report)
{
    if (reading.changes() == 0 && !reading.has_rejected()) return;
    const auto t = std::make_shared<transaction>();
    const entry_index base = book_.size();
    reading.drain(*t, base);
    try {
        book_.begin_commit(t, now_());
    } catch (...) {
        book_.reload();
        throw;
    }
    reading.apply(*t, base);
    report.entries += static_cast<std::int64_t>(t->entries.size());
}

// A long read must not leave what it learned unsigned until its end, however slow the source.
void cycle::sign_if_due()
{
    const instant now = now_();
    if (!checkpoint_is_due(signed_at_, now)) return;
    book_.sign_checkpoint(now);
    signed_at_ = now;
}

asio::awaitable<result<page>>
cycle::fetch(connector& from, std::size_t stream, std::optional<civil_day> day, std::optional<std::string> at)
{
    co_await meanwhile();
    for (int failed = 0;;) {
        std::optional<std::string> place = at;
        result<page> got = co_await from.fetch_page(stream, day, std::move(place));
        turned_();
        if (got) co_return got;
        const failure why = got.error();
        if (!co_await wait_after(why, ++failed, from.source())) co_return why;
    }
}

asio::awaitable<bool> cycle::wait_after(const failure& why, int failed, const std::string& source)
{
    const auto wait = next_wait(pace_, why, failed, dice());
    if (!wait) co_return false;
    log_event(event::source_retried, source, wait->count(), why.what);
    sign_if_due();
    co_await meanwhile();
    if (wait->count() <= 0) co_return true;
    asio::steady_timer pause(co_await asio::this_coro::executor);
    pause.expires_after(*wait);
    const auto [cancelled] = co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
    co_return !cancelled;
}

asio::awaitable<void> cycle::meanwhile()
{
    constexpr std::chrono::minutes between(1);
    // A source that is silent for so long in the middle of its marks is like one that is not read at all.
    constexpr std::chrono::minutes half_read_max(5);
    const instant now = now_();
    if (!is_due_again(last_meanwhile_, now, between)) co_return;
    last_meanwhile_ = now;
    closer_.judge_clock(now, half_read_at_ && now - *half_read_at_ < half_read_max);
    if (const auto next = book_.next_message_at(); next && *next <= now) co_await deliver();
}

// How the source of a note route knows the pupil of the message; empty for other routes, and where it knows none or
// more than one.
std::string cycle::pupil_in_source_of(const outbox_message& m) const
{
    const auto route = std::ranges::find(settings_.routes, m.route, &route_configuration::name);
    if (route == settings_.routes.end() || route->channel != "note" || m.pupil == no_entry) return {};
    const auto* source = std::get_if<std::string>(&route->settings.at("source").value);
    std::string found;
    for (const held_thing& record : book_.state().things(what::pupil).all()) {
        if (record.gone || !source || record.source != *source) continue;
        if (person_of(book_.state(), record.subject) != m.pupil) continue;
        if (!found.empty()) return {};
        found = record.key;
    }
    return found;
}

// Nothing gathers a message about a child's safety, nor one about a pupil who is to be handled with care: such a child
// stands in no list with others.
bool cycle::goes_alone(const outbox_message& m, const std::vector<pupil_marker>& markers) const
{
    if (is_marked(markers, marker_kind::handle_with_care, m.pupil)) return true;
    const held_thing* thing =
        m.alert == no_entry ? nullptr : std::as_const(book_.state()).things(what::alert).find_subject(m.alert);
    if (!thing) return false;
    const std::string_view key = thing->key;
    const rule* by = settings_.find_rule(key.substr(0, key.find('/')));
    return by && by->safety;
}

// Whether one message of the route can say what those of the group do and `m` as well.
bool cycle::fits_with(const std::vector<outbox_message>& group, const outbox_message& m) const
{
    if (group.size() >= messages_at_once) return false;
    const auto to = parts_.channels.find(m.route);
    if (to == parts_.channels.end()) return true;
    std::vector<outbox_message> both = group;
    both.push_back(m);
    return to->second->fits(digest_message(message_setting_of(settings_, is_simulated(book_.state())), both));
}

// Messages by what is sent at once: one by one, and of a route with a digest those that wait for the same moment, as
// many as it can show in one. What goes at a moment was all there before it, so that a digest tried again is mostly the
// same.
std::vector<std::vector<outbox_message>> cycle::in_digests(std::vector<outbox_message> due) const
{
    std::vector<std::vector<outbox_message>> groups;
    std::map<std::pair<std::string, instant>, std::size_t> open; // route and moment -> the group that still takes some
    const std::vector<pupil_marker> markers = markers_in(book_.state());
    for (outbox_message& m : due) {
        const auto route = std::ranges::find(settings_.routes, m.route, &route_configuration::name);
        const bool gathers = route != settings_.routes.end() && route->digest && !goes_alone(m, markers);
        if (gathers) {
            const auto [at, is_new] = open.try_emplace({m.route, m.content.made_at}, groups.size());
            if (!is_new && fits_with(groups[at->second], m)) {
                groups[at->second].push_back(std::move(m));
                continue;
            }
            at->second = groups.size();
        }
        groups.emplace_back().push_back(std::move(m));
    }
    return groups;
}

// What a route will not take is said over another one, without a word of the pupil; of each day's messages once.
void cycle::tell_elsewhere(
    std::span<const outbox_message> not_taken, const failure& why, instant made_at, instant now, transaction& t
) const
{
    if (not_taken.empty()) return;
    const std::string other = route_instead_of(settings_, not_taken.front().route);
    if (other.empty()) return;
    const civil_day day = day_of(time_zone::named(settings_.school.timezone)->to_local(made_at));
    const message_setting shared = message_setting_of(settings_, is_simulated(book_.state()));
    outbox_message told = dead_route_message(shared, other, not_taken, why, day, now);
    if (book_.has_message(told.content.id)) return;
    t.messages.push_back(std::move(told));
    log_event(event::route_dead, not_taken.front().route, other);
}

// One try of what is sent at once, and what is to be stored of it. The try itself is counted before it is made.
asio::awaitable<transaction>
cycle::attempt(std::vector<outbox_message>& group, delivery_report& report, dead_routes& dead)
{
    const instant now = now_();
    transaction t;
    std::optional<failure> why;
    const outbox_message& first = group.front();
    const auto to = parts_.channels.find(first.route);
    if (to == parts_.channels.end()) {
        why.emplace(
            errc::delivery_refused, "the configuration has no route \"" + first.route + "\" any more", "Add it back."
        );
    } else {
        for (outbox_message& m : group)
            m.attempts = m.content.attempt = book_.begin_attempt(m.number, now);
        message copy = first.content;
        if (group.size() > 1)
            copy = digest_message(message_setting_of(settings_, is_simulated(book_.state())), group);
        else
            copy.pupil_in_source = pupil_in_source_of(first);
        copy.attempt = first.attempts;
        const result<void> sent = co_await to->second->send(std::move(copy));
        turned_();
        if (!sent) why = sent.error();
    }
    if (why && why->code == errc::stopped) throw boost::system::system_error(asio::error::operation_aborted);
    const auto wait = why ? next_delivery(*why, first.attempts, now - first.content.made_at, dice()) : std::nullopt;
    for (const outbox_message& m : group) {
        transaction::attempt_result ended;
        ended.number = m.number;
        if (wait)
            tried_at_[m.number] = now;
        else
            tried_at_.erase(m.number);
        if (!why) {
            ++report.delivered;
            ended.as = transaction::attempt_result::end::delivered;
            t.entries.push_back(delivery_entry(m, now_()));
            log_event(event::message_delivered, m.route, m.attempts);
        } else {
            ++report.waiting;
            ended.error = why->what;
            if (wait) {
                ended.as = transaction::attempt_result::end::again;
                // At least a moment later, so that one pass over the outbox ends.
                ended.next_at = now + std::max<std::chrono::milliseconds>(*wait, std::chrono::milliseconds(1));
                log_event(event::message_waits, m.route, m.attempts, why->what, why->to_do);
            } else {
                ended.as = transaction::attempt_result::end::failed;
                log_event(event::message_failed, m.route, m.attempts, why->what, why->to_do);
            }
        }
        t.attempts.push_back(std::move(ended));
    }
    // A refusal is about one message, and those behind it must not wait for it: of a route that could not be reached
    // they do.
    const bool is_refused = why && why->code == errc::delivery_refused;
    constexpr std::chrono::minutes after_giving_up(15);
    if (why && !is_refused)
        dead.insert_or_assign(first.route, dead_route{*why, wait ? t.attempts.front().next_at : now + after_giving_up});
    if (why && (is_refused || !wait)) tell_elsewhere(group, *why, first.content.made_at, now, t);
    co_return t;
}

asio::awaitable<void> cycle::look_for_returned()
{
    constexpr std::chrono::hours between_looks(1);
    // A report may be late, and one that was seen is no news: looking again costs nothing but the reading.
    constexpr std::chrono::days looked_at(7);
    const instant now = now_();
    const bool is_due = !looked_back_at_ || is_due_again(*looked_back_at_, now, between_looks);
    if (parts_.returned.empty() || !is_due) co_return;
    looked_back_at_ = now;
    const civil_day since = day_of(time_zone::named(settings_.school.timezone)->to_local(now)) - looked_at;
    for (const auto& [route, box] : parts_.returned) {
        const auto found = co_await box->since(since);
        turned_();
        if (found) {
            for (const returned_message& back : *found)
                take_back(back, route);
        } else {
            log_event(event::bounces_unread, route, found.error().what, found.error().to_do);
        }
    }
    book_.sign_checkpoint(now_());
}

void cycle::take_back(const returned_message& back, const std::string& route)
{
    const instant now = now_();
    transaction t;
    const failure why(
        errc::delivery_refused,
        fmt::format("{} (status {})", came_back, back.status),
        "Ask its reader, and correct the address in the route's settings."
    );
    std::vector<outbox_message> gone = book_.delivered_messages(back.id);
    // What went alone, as far as that can still be told, was in no digest of the same moment.
    if (const auto members = members_of_digest(back.id); members && gone.size() != members->count) {
        const std::vector<pupil_marker> markers = markers_in(book_.state());
        std::erase_if(gone, [&](const outbox_message& m) {
            // An older program's digests, of no count, had what is about safety in them.
            return members->count > 0 ? goes_alone(m, markers)
                                      : is_marked(markers, marker_kind::handle_with_care, m.pupil);
        });
    }
    for (const outbox_message& m : gone) {
        transaction::attempt_result ended;
        ended.number = m.number;
        ended.as = transaction::attempt_result::end::failed;
        ended.error = why.what;
        t.attempts.push_back(std::move(ended));
        t.entries.push_back(returned_entry(m, back.status, now));
        log_event(event::message_returned, route, back.status);
    }
    tell_elsewhere(gone, why, now, now, t);
    if (!t.empty()) commit_and_apply(book_, t, now);
}

// What is due, the oldest first. What waits for its next try goes before what is newer about the same alert: nobody is
// told of the end of what they never heard of. It goes, too, once its route has just taken another one, and may refuse
// again before long; at most each quarter of an hour, for a refusal may be about that one message.
std::vector<outbox_message> cycle::due_in_order(instant now, const std::set<std::string>& back) const
{
    constexpr std::size_t waiting_max = 10'000;
    constexpr std::chrono::minutes between_tries(15);
    std::vector<outbox_message> due = book_.due_messages(now, messages_at_once);
    // A digest is made of all that wait for its moment, so that it is the same one when it is tried again.
    if (due.size() == messages_at_once &&
        std::ranges::any_of(settings_.routes, [](const route_configuration& each) { return each.digest.has_value(); }))
        due = book_.due_messages(now, waiting_max);
    std::map<std::pair<entry_index, std::string_view>, std::int64_t> newest;
    for (const outbox_message& m : due)
        if (m.alert != no_entry) newest[{m.alert, m.route}] = std::max(newest[{m.alert, m.route}], m.number);
    if (newest.empty() && back.empty()) return due;
    std::vector<outbox_message> first = book_.due_messages(instant::max(), waiting_max);
    std::erase_if(first, [&](const outbox_message& m) {
        const bool was_tried = m.attempts > 0 || !m.last_error.empty();
        if (m.next_at <= now || !was_tried) return true;
        const auto tried = tried_at_.find(m.number);
        const bool rested = tried == tried_at_.end() || is_due_again(tried->second, now, between_tries);
        if (rested && back.contains(m.route)) return false;
        const auto at = newest.find({m.alert, m.route});
        return at == newest.end() || at->second < m.number;
    });
    newest.clear(); // it looks into what moves
    std::ranges::move(first, std::back_inserter(due));
    std::ranges::sort(due, {}, &outbox_message::number);
    return due;
}

asio::awaitable<cycle::delivery_report> cycle::deliver()
{
    delivery_report report;
    dead_routes unreachable;
    std::set<std::string> back; // routes that took something in the pass before
    for (;;) {
        const instant now = now_();
        auto groups = in_digests(due_in_order(now, back));
        if (groups.empty()) break;
        back.clear();
        for (std::vector<outbox_message>& group : groups) {
            // One dead receiver must not hold up the reads by a time-out a message.
            const std::string& route = group.front().route;
            const auto dead = unreachable.find(route);
            transaction t;
            if (dead == unreachable.end()) {
                t = co_await attempt(group, report, unreachable);
                if (!t.entries.empty()) back.insert(route);
            } else {
                const auto& [why, again] = dead->second;
                const outbox_message& first = group.front();
                const bool is_over = !next_delivery(why, 1, now - first.content.made_at, 0);
                for (const outbox_message& m : group) {
                    ++report.waiting;
                    transaction::attempt_result later;
                    later.number = m.number;
                    later.as =
                        is_over ? transaction::attempt_result::end::failed : transaction::attempt_result::end::again;
                    later.next_at = again;
                    later.error = is_over ? why.what : "the route could not be reached";
                    if (is_over) log_event(event::message_failed, m.route, m.attempts, why.what, why.to_do);
                    t.attempts.push_back(std::move(later));
                }
                if (is_over) tell_elsewhere(group, why, first.content.made_at, now, t);
            }
            commit_and_apply(book_, t, now_());
        }
        if (back.empty()) break;
    }
    book_.sign_checkpoint(now_());
    co_return report;
}

} // namespace rollbook
