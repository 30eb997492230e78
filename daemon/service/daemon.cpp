#include "daemon/service/daemon.hpp"

#include "daemon/base/events.hpp"
#include "daemon/base/spare_memory.hpp"
#include "daemon/reconcile/payload.hpp"
#include "daemon/service/account_changes.hpp"
#include "daemon/service/commit.hpp"
#include "daemon/service/decisions.hpp"
#include "daemon/service/housekeeping.hpp"
#include "daemon/service/operator_messages.hpp"
#include "daemon/service/reminders.hpp"
#include "daemon/service/service_manager.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <sys/stat.h>

#include <csignal>
#include <deque>
#include <exception>
#include <set>

namespace rollbook {
namespace {

namespace asio = boost::asio;
using steady = std::chrono::steady_clock;
using local = asio::local::stream_protocol;
using namespace asio::experimental::awaitable_operators;

constexpr std::size_t request_bytes_max = 64 * 1024;
constexpr std::size_t jobs_max = 16;
constexpr std::chrono::seconds request_wait_max{5};
constexpr std::chrono::hours longest_nap{1};
constexpr std::chrono::hours between_looks{1};
// No page, message or mailbox takes as long by its own time limit, and each is a sign of life.
constexpr std::chrono::minutes longest_silence{15};
constexpr std::chrono::milliseconds between_words{100};
constexpr std::chrono::milliseconds load_step_max{5};

// Where the pages are served, and whether by TLS: what is settled once they are made.
std::pair<std::string, bool> listening_of(const configuration& settings)
{
    return {settings.web.listen, !settings.web.certificate.empty()};
}

// Says how far a read is: at the end of each stream, and in between as often as a person can see it move.
class paced_words {
public:
    using tell_function = std::function<void(const std::string&)>;
    explicit paced_words(const tell_function& tell) : tell_(tell) {} // which must outlive it

    void say(const stream_progress& at)
    {
        if (!tell_) return;
        const steady::time_point now = steady::now();
        if (!at.is_last && now - said_ < between_words) return;
        said_ = now;
        tell_(fmt::format("{} {}: {} rows", at.source, at.stream, at.rows));
    }

private:
    const tell_function& tell_;
    steady::time_point said_{};
};

// Reads the sources of a request one after the other, then delivers. `is_last`: the process ends with it.
asio::awaitable<poll_report> poll_all(
    cycle& work,
    ledger& book,
    const poll_request& request,
    const cycle::progress_function& progress,
    const std::function<instant()>& now,
    bool is_last
)
{
    const steady::time_point began = steady::now();
    poll_report report;
    const auto& sources = work.settings().sources;
    for (std::size_t i = 0; i < sources.size(); ++i) {
        if (!request.source.empty() && sources[i].name != request.source) continue;
        read_options options;
        options.everything = true;
        options.is_last = is_last;
        options.lift_vanish_limit = sources[i].name == request.allow_vanished;
        read_report read = co_await work.read(i, options, progress);
        report.entries += read.entries;
        report.alerts_opened += read.closing.alerts_opened;
        report.alerts_ended += read.closing.alerts_ended;
        std::move(read.failures.begin(), read.failures.end(), std::back_inserter(report.failures));
        std::move(
            read.closing.statements.begin(), read.closing.statements.end(), std::back_inserter(report.statements)
        );
    }
    const closing_report by_clock = work.judge_clock();
    report.entries += by_clock.entries;
    report.alerts_opened += by_clock.alerts_opened;
    report.alerts_ended += by_clock.alerts_ended;
    keep_house(work.settings(), book, now());
    remind(work.settings(), book, now());
    cycle::delivery_report delivery = co_await work.deliver();
    co_await work.look_for_returned();
    report.messages_delivered = delivery.delivered;
    report.messages_waiting = delivery.waiting;
    report.entries += delivery.delivered; // each receipt is an entry
    report.seconds = std::chrono::duration<double>(steady::now() - began).count();
    co_return report;
}

result<void> check_sources(const configuration& settings, const poll_request& request)
{
    for (const std::string& name : {request.source, request.allow_vanished}) {
        if (name.empty()) continue;
        const bool known = std::any_of(settings.sources.begin(), settings.sources.end(), [&](const auto& source) {
            return source.name == name;
        });
        if (!known)
            return failure(
                errc::usage, "the configuration has no source \"" + name + "\"", "Name one of its [[source]] tables."
            );
    }
    return {};
}

// A poll or upkeep that somebody asked for over the socket.
struct job {
    control_request request;
    std::function<void(const std::string&)> progress;
    std::string reply;       // empty: the daemon stopped first
    asio::steady_timer done; // cancelled when there is an answer

    job(asio::any_io_executor executor, control_request asked) : request(std::move(asked)), done(executor)
    {
        done.expires_at(steady::time_point::max());
    }
};

class running_daemon final : public page_desk {
public:
    running_daemon(configuration settings, ledger& book, const daemon_surroundings& surroundings)
        : book_(book), around_(surroundings), settings_(std::make_unique<configuration>(std::move(settings))), io_(1),
          wake_(io_), broken_off_(io_, steady::time_point::max()), acceptor_(io_)
    {
    }

    result<void> run()
    {
        const result<void> made = take_configuration(*settings_);
        if (!made) return made;
        const result<void> listening = listen();
        if (!listening) return listening;

        listens_ = listening_of(*settings_);
        if (around_.make_pages) pages_ = around_.make_pages(*settings_, *this, io_.get_executor());

        asio::co_spawn(io_, everything(), [&](std::exception_ptr e) {
            if (!broken_) broken_ = e;
            io_.stop();
        });
        log_event(event::daemon_ready, settings_->sources.size(), book_.size());
        tell_service_manager("READY=1");
        io_.run();
        tell_service_manager("STOPPING=1");
        acceptor_.close();
        std::filesystem::remove(control_socket(settings_->ledger.path));
        if (broken_) {
            try {
                std::rethrow_exception(broken_);
            } catch (const std::exception& e) {
                log_event(event::ledger_failed, e.what());
                throw;
            }
        }
        log_event(event::daemon_stopped);
        return {};
    }

private:
    result<void> take_configuration(const configuration& settings)
    {
        result<cycle_parts> parts = around_.make_parts(settings, io_.get_executor());
        if (!parts) return parts.error();
        auto fresh_parts = std::make_unique<cycle_parts>(std::move(*parts));
        auto fresh_cycle = make_cycle(settings, *fresh_parts);
        // The old cycle looks into the old parts: it goes first.
        work_ = std::move(fresh_cycle);
        parts_ = std::move(fresh_parts);
        due_.assign(settings.sources.size(), steady::now());
        return {};
    }

    std::unique_ptr<cycle> make_cycle(const configuration& settings, cycle_parts& parts)
    {
        return std::make_unique<cycle>(
            settings, parts, book_, [this] { return around_.now(*settings_); }, retry_pace(), [this] { moved_on(); }
        );
    }

    result<void> listen()
    {
        const std::filesystem::path path = control_socket(settings_->ledger.path);
        std::error_code ignored;
        std::filesystem::remove(path, ignored); // left by a daemon that died; we hold the lock
        boost::system::error_code failed;
        const mode_t before = ::umask(0177); // 0600 from the first moment
        acceptor_.open(local(), failed);
        if (!failed) acceptor_.bind(local::endpoint(path.string()), failed);
        if (!failed) acceptor_.listen(4, failed);
        ::umask(before);
        if (failed)
            return failure(
                errc::ledger_in_doubt,
                "the socket " + path.string() + " cannot be made: " + failed.message(),
                "Check the folder's permissions; the path may have at most 107 characters."
            );
        return {};
    }

    // Whichever part ends first ends the others: the signals, in the ordinary case, and any that breaks off. `||` alone
    // waits for one that ends well.
    asio::awaitable<void> everything()
    {
        using self = running_daemon;
        co_await (
            ending(&self::signals) || ending(&self::work) || ending(&self::answer) || ending(&self::serve_pages) ||
            ending(&self::feed_watchdog) || ending(&self::break_off)
        );
        for (const auto& each : jobs_)
            each->done.cancel();
        // Who waits for an answer gets it, if they are there to take it.
        constexpr int turns_max = 1'000;
        for (int turn = 0; served_ > 0 && turn < turns_max; ++turn)
            co_await asio::post(io_, asio::use_awaitable);
    }

    asio::awaitable<void> ending(asio::awaitable<void> (running_daemon::*part)())
    {
        try {
            co_await (this->*part)();
        } catch (...) {
            note_why();
        }
        is_over_ = true;
    }

    // The ledger could not be written for somebody who asked: what is held may not be what the file says.
    asio::awaitable<void> break_off() { co_await broken_off_.async_wait(asio::as_tuple(asio::use_awaitable)); }

    // The first reason counts: once one part is over, the others are cancelled and break off too.
    void note_why()
    {
        if (!is_over_ && !broken_) broken_ = std::current_exception();
    }

    template <class F> auto or_break_off(F work)
    {
        try {
            return work();
        } catch (...) {
            note_why();
            broken_off_.cancel();
            throw;
        }
    }

    asio::awaitable<void> serve_pages()
    {
        if (pages_) co_return co_await pages_->serve();
        asio::steady_timer never(io_, steady::time_point::max());
        co_await never.async_wait(asio::use_awaitable);
    }

    asio::awaitable<void> signals()
    {
        asio::signal_set told(io_, SIGTERM, SIGINT, SIGHUP);
        for (;;) {
            const int number = co_await told.async_wait(asio::use_awaitable);
            if (number != SIGHUP) co_return;
            reload_wanted_ = true;
            wake_.cancel();
        }
    }

    // The service manager hears from us only while this thread turns and the work moves on.
    asio::awaitable<void> feed_watchdog()
    {
        const auto limit = watchdog_limit();
        asio::steady_timer next(io_);
        for (;;) {
            next.expires_after(limit ? *limit / 3 : std::chrono::microseconds(std::chrono::hours(24)));
            co_await next.async_wait(asio::use_awaitable);
            if (!limit) continue;
            if (steady::now() <= moves_on_by_)
                tell_service_manager("WATCHDOG=1");
            else
                log_event(event::watchdog_hungry);
        }
    }

    void moved_on(steady::time_point at = steady::now()) { moves_on_by_ = at + longest_silence; }

    asio::awaitable<void> work()
    {
        let_go_of_spare_memory(); // what the start took beside what is read now would be the most there ever is
        // What is held of six years takes seconds to read; pages and commands are answered in between.
        do {
            co_await asio::post(io_, asio::use_awaitable);
        } while (!book_.load_some(load_step_max));
        let_go_of_spare_memory();
        for (;;) {
            moved_on();
            if (reload_wanted_) reload();
            if (!jobs_.empty()) {
                co_await do_job(jobs_.front());
                jobs_.pop_front();
                continue;
            }
            const auto next = std::min_element(due_.begin(), due_.end());
            const bool is_read_due = next != due_.end() && *next <= steady::now();
            tend(is_read_due);
            if (is_read_due) {
                const auto source = static_cast<std::size_t>(next - due_.begin());
                const std::size_t generation = generation_;
                let_go_of_spare_memory(); // what pages took is not to stay beside what the read takes
                const read_report report = co_await work_->read(source, {}, {});
                if (report.failures.empty()) log_read(source, report);
                if (generation == generation_) due_[source] = steady::now() + settings_->sources[source].poll_every;
                work_->judge_clock();
                co_await work_->deliver();
                co_await work_->look_for_returned();
                is_spare_ = true; // given back before the next read or the next rest, whichever comes first
                continue;
            }
            keep_house(*settings_, book_, around_.now(*settings_));
            remind(*settings_, book_, around_.now(*settings_));
            look_around();
            const steady::time_point until = std::min(
                {tend_at_,
                 look_again_,
                 evening(),
                 clock_change(),
                 next == due_.end() ? steady::now() + longest_nap : *next}
            );
            if (std::exchange(is_spare_, false)) let_go_of_spare_memory();
            co_await nap(until);
            work_->judge_clock();
            if (message_is_due()) co_await work_->deliver();
        }
    }

    // When a rule by the clock may say something new though nothing is read.
    steady::time_point clock_change() const
    {
        const instant now = around_.now(*settings_);
        const time_zone zone = time_zone::named(settings_->school.timezone).value_or(time_zone::utc());
        const auto next = next_clock_change(settings_->calendar, settings_->rules, zone.to_local(now));
        return next ? steady::now() + (zone.to_instant(*next) - now) : steady::time_point::max();
    }

    steady::time_point evening() const
    {
        const instant now = around_.now(*settings_);
        const time_zone zone = time_zone::named(settings_->school.timezone).value_or(time_zone::utc());
        return steady::now() + (next_evening(zone, now) - now);
    }

    // What is wrong with the machine is logged once a day, and told the operator with what else is due.
    void look_around()
    {
        if (!around_.look) {
            look_again_ = steady::now() + longest_nap;
            return;
        }
        const auto clock_ahead = parts_->clocks->ahead(steady::now());
        const bool clock_turned = clock_ahead.has_value() != is_clock_off_;
        if (steady::now() < look_again_ && !clock_turned) return;
        is_clock_off_ = clock_ahead.has_value();
        look_again_ = steady::now() + between_looks;
        const instant now = around_.now(*settings_);
        const time_zone zone = time_zone::named(settings_->school.timezone).value_or(time_zone::utc());
        running_facts running;
        running.clock_ahead = clock_ahead;
        if (pages_) running.certificate_ends = pages_->renew_certificate();
        const auto troubles = around_.look(*settings_, book_.checkpoints().proofs(), running);
        const std::string today = format_day(day_of(zone.to_local(now)));
        for (const trouble& each : troubles)
            if (told_.insert(today + std::string(describe(each.what).id) + each.text).second)
                write_event(each.what, each.text);
        transaction t;
        const message_setting shared = message_setting_of(*settings_, is_simulated(book_.state()));
        for (outbox_message& m : operator_messages_due(*settings_, shared, troubles, standing(zone), zone, now))
            if (told_.insert(m.content.id).second) t.messages.push_back(std::move(m));
        if (t.messages.empty()) return;
        book_.commit(t, now);
    }

    std::vector<std::string> standing(const time_zone& zone) const
    {
        std::vector<std::string> lines;
        lines.push_back(fmt::format("The ledger holds {} entries.", book_.size()));
        for (const source_configuration& source : settings_->sources) {
            const auto state = book_.source(source.name);
            const auto last = state ? state->last_success : std::nullopt;
            lines.push_back(fmt::format(
                "{}: last read {}.", source.name, last ? format_day(day_of(zone.to_local(*last))) : std::string("never")
            ));
        }
        return lines;
    }

    // Backups lie on another machine's disk, and may hang: who is absent is read and told first.
    void tend(bool is_read_due)
    {
        constexpr std::chrono::hours waits_for_reads(1);
        if (!around_.tend || steady::now() < tend_at_ + (is_read_due ? waits_for_reads : steady::duration())) return;
        const auto wait = around_.tend(*settings_);
        tend_at_ = steady::now() + wait.value_or(longest_nap);
    }

    void log_read(std::size_t source, const read_report& report)
    {
        std::int64_t rows = 0;
        for (const statement_row& row : report.closing.statements)
            rows += row.read;
        log_event(event::source_read, settings_->sources[source].name, rows, report.entries);
    }

    bool message_is_due() const
    {
        const auto at = book_.next_message_at();
        return at && *at <= around_.now(*settings_);
    }

    asio::awaitable<void> nap(steady::time_point until)
    {
        if (const auto message = book_.next_message_at()) {
            const auto wait = *message - around_.now(*settings_);
            until = std::min(
                until, steady::now() + std::max<std::chrono::milliseconds>(wait, std::chrono::milliseconds(10))
            );
        }
        wake_.expires_at(until);
        moved_on(until);
        co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none)
            throw boost::system::system_error(asio::error::operation_aborted);
    }

    void reload()
    {
        reload_wanted_ = false;
        look_again_ = {};
        result<configuration> fresh = around_.reload();
        if (fresh && (fresh->ledger.path != settings_->ledger.path || fresh->ledger.origin != settings_->ledger.origin))
            fresh =
                failure(errc::configuration_invalid, "[ledger] path and origin cannot change while Rollbook runs", "");
        if (!fresh) {
            log_event(event::configuration_kept, fresh.error().what);
            return;
        }
        auto next = std::make_unique<configuration>(std::move(*fresh));
        const result<void> taken = take_configuration(*next);
        if (!taken) {
            log_event(event::configuration_kept, taken.error().what);
            return;
        }
        settings_ = std::move(next);
        if (pages_ && listening_of(*settings_) != listens_) log_event(event::listening_kept);
        tend_at_ = steady::now();
        ++generation_;
        if (pages_) pages_->take(*settings_);
        look_around();
        log_event(event::configuration_reloaded);
    }

    asio::awaitable<void> do_job(std::shared_ptr<job> asked)
    {
        try {
            if (asked->request.command == control_request::kind::upkeep)
                asked->reply = do_upkeep(*asked);
            else
                co_await do_poll(*asked);
        } catch (const std::exception& e) {
            if (!is_over_) asked->reply = failure_line(not_written(e));
            throw;
        }
        asked->done.cancel();
    }

    asio::awaitable<void> do_poll(job& asked)
    {
        const std::function<instant()> now = [this] { return around_.now(*settings_); };
        if (const result<void> known = check_sources(*settings_, asked.request.poll); !known) {
            asked.reply = failure_line(known.error());
            co_return;
        }
        paced_words words(asked.progress);
        const cycle::progress_function on_progress = [&](const stream_progress& at) { words.say(at); };
        const poll_report report = co_await poll_all(*work_, book_, asked.request.poll, on_progress, now, false);
        asked.reply = report_line(report);
    }

    std::string do_upkeep(const job& asked)
    {
        if (!around_.upkeep) return failure_line(failure(errc::usage, "the daemon did not take the command", ""));
        // It keeps this thread to itself, and shows life by its progress.
        const auto on_progress = [&](const std::string& text) {
            tell_service_manager("WATCHDOG=1");
            if (asked.progress) asked.progress(text);
        };
        const result<upkeep_report> done = around_.upkeep(*settings_, asked.request.upkeep, on_progress);
        // What the cycle remembers of pupils may be of one who is no more.
        work_ = make_cycle(*settings_, *parts_);
        tend_at_ = steady::now();
        return done ? upkeep_line(*done) : failure_line(done.error());
    }

    asio::awaitable<void> answer()
    {
        asio::steady_timer pause(io_);
        for (;;) {
            auto [failed, peer] = co_await acceptor_.async_accept(asio::as_tuple(asio::use_awaitable));
            if (failed == asio::error::operation_aborted) co_return;
            if (failed) {
                // No descriptor is free, or the like: it passes.
                pause.expires_after(std::chrono::milliseconds(200));
                co_await pause.async_wait(asio::use_awaitable);
                continue;
            }
            ++served_;
            asio::co_spawn(io_, serve(std::move(peer)), [this](std::exception_ptr) { --served_; });
        }
    }

    static failure not_written(const std::exception& why)
    {
        return failure(
            errc::ledger_in_doubt,
            fmt::format("the ledger could not be written: {}", why.what()),
            "Rollbook ends, and begins again with what is written. Check the disk, then run `rollbook ledger verify`."
        );
    }

    asio::awaitable<void> serve(local::socket peer)
    {
        std::string line;
        asio::steady_timer patience(io_);
        patience.expires_after(request_wait_max);
        patience.async_wait([&](boost::system::error_code e) {
            if (!e) peer.cancel();
        });
        auto buffer = asio::dynamic_buffer(line, request_bytes_max);
        const auto [failed, size] =
            co_await asio::async_read_until(peer, buffer, '\n', asio::as_tuple(asio::use_awaitable));
        patience.cancel();
        if (failed) co_return;
        line.resize(size);
        const auto request = parse_request(line);
        std::string reply;
        if (!request || jobs_.size() >= jobs_max) {
            log_event(event::command_failed);
            reply = failure_line(
                failure(errc::usage, "the daemon did not take the command", "Try again, or use its version.")
            );
        } else if (request->command != control_request::kind::poll && request->command != control_request::kind::upkeep) {
            reply = do_at_once(*request);
        } else {
            auto asked = std::make_shared<job>(io_.get_executor(), *request);
            // Progress is a courtesy: what a slow reader has no room for is dropped.
            peer.non_blocking(true);
            asked->progress = [&peer](const std::string& text) {
                boost::system::error_code ignored;
                const std::string one = progress_line(text);
                peer.write_some(asio::buffer(one), ignored);
            };
            jobs_.push_back(asked);
            wake_.cancel();
            co_await asked->done.async_wait(asio::as_tuple(asio::use_awaitable));
            asked->progress = nullptr;
            reply = asked->reply;
            if (reply.empty()) reply = failure_line(failure(errc::stopped, "the daemon is stopping", ""));
        }
        co_await asio::async_write(peer, asio::buffer(reply), asio::as_tuple(asio::use_awaitable));
    }

    std::string do_at_once(const control_request& request)
    {
        using kind = control_request::kind;
        const auto answer = [](const result<void>& done) {
            return done ? report_line(poll_report{}) : failure_line(done.error());
        };
        try {
            if (request.command == kind::account) return answer(change_account(request.account));
            if (request.command == kind::checkpoint) return answer(keep_checkpoint(request.checkpoint));
            if (request.command == kind::decide) {
                const result<upkeep_report> done = decide(request.decision);
                return done ? upkeep_line(*done) : failure_line(done.error());
            }
            record_access(request.access);
            return report_line(poll_report{});
        } catch (const std::exception& e) {
            return failure_line(not_written(e));
        }
    }

    result<void> keep_checkpoint(const checkpoint_request& wanted)
    {
        return or_break_off([&] { return change_checkpoint(book_, wanted, around_.now(*settings_)); });
    }

    // What the pages ask for.
    account_book& accounts() override
    {
        ROLLBOOK_ENSURE(around_.accounts != nullptr);
        return *around_.accounts;
    }
    instant now() override { return around_.now(*settings_); }
    std::uint64_t commits() override { return book_.commits(); }
    void record_access(const std::string& user, entry_index pupil, const std::string& view) override
    {
        record_access(access_record{user, pupil, view, ""});
    }

    std::string bookmark(const std::string& source, const std::string& stream) override
    {
        return kept_bookmark(book_, source, stream);
    }

    void read_within(const std::string& source, std::chrono::milliseconds wait) override
    {
        const auto at = std::ranges::find(settings_->sources, source, &source_configuration::name);
        if (at == settings_->sources.end()) return;
        steady::time_point& due = due_[static_cast<std::size_t>(at - settings_->sources.begin())];
        due = std::min(due, steady::now() + wait);
        wake_.cancel();
    }

    result<void> keep_for_export() override
    {
        checkpoint_request wanted;
        wanted.keep = keep_reason::exported;
        return keep_checkpoint(wanted);
    }

    result<void> change_account(const account_request& request) override
    {
        return or_break_off([&] {
            return rollbook::change_account(book_, accounts(), *settings_, request, around_.now(*settings_));
        });
    }

    // At once, whatever is being read: a decision is one transaction, and a read that goes on sees it.
    result<upkeep_report> decide(const decision_request& request) override
    {
        if (request.kind == decision_kind::open_pupil)
            if (const auto good = check_opening(accounts(), *settings_, request, around_.now(*settings_)); !good)
                return good.error();
        result<upkeep_report> done =
            or_break_off([&] { return take_decision(book_, *settings_, request, around_.now(*settings_)); });
        tend_at_ = steady::now(); // its copy is wanted soon
        wake_.cancel();
        return done;
    }

    void record_access(const access_record& seen)
    {
        transaction t;
        const instant now = around_.now(*settings_);
        t.entries.push_back(access_entry(seen.user, seen.pupil, seen.view, seen.reason, now, book_.size()));
        or_break_off([&] {
            commit_and_apply(book_, t, now);
            book_.sign_checkpoint(now);
        });
        tend_at_ = steady::now(); // its copy is wanted soon
        wake_.cancel();
    }

    ledger& book_;
    const daemon_surroundings& around_;
    std::unique_ptr<configuration> settings_;
    asio::io_context io_;
    asio::steady_timer wake_;
    asio::steady_timer broken_off_; // cancelled when somebody's wish could not be written
    std::exception_ptr broken_;     // why the first part to end did
    bool is_over_ = false;
    bool is_spare_ = true; // since the last rest, memory was used that the next does not want
    int served_ = 0;       // on the socket, at the moment
    local::acceptor acceptor_;
    std::unique_ptr<cycle_parts> parts_;
    std::unique_ptr<cycle> work_;
    std::vector<steady::time_point> due_;
    std::size_t generation_ = 0;
    std::deque<std::shared_ptr<job>> jobs_;
    bool reload_wanted_ = false;
    std::unique_ptr<page_server> pages_;
    std::pair<std::string, bool> listens_; // as they were made
    steady::time_point look_again_{};
    bool is_clock_off_ = false;                                        // at the last look
    std::set<std::string> told_;                                       // what look_around() has said already
    steady::time_point moves_on_by_ = steady::now() + longest_silence; // the work shows life by then, or hangs
    steady::time_point tend_at_ = steady::now(); // when the ledger as a whole is looked after next
};

} // namespace

result<void> run_daemon(configuration settings, ledger& book, const daemon_surroundings& surroundings)
{
    return running_daemon(std::move(settings), book, surroundings).run();
}

result<poll_report> run_once(
    const configuration& settings,
    ledger& book,
    const daemon_surroundings& surroundings,
    const poll_request& request,
    const std::function<void(const std::string&)>& progress
)
{
    const result<void> known = check_sources(settings, request);
    if (!known) return known.error();
    asio::io_context io(1);
    result<cycle_parts> parts = surroundings.make_parts(settings, io.get_executor());
    if (!parts) return parts.error();
    const std::function<instant()> now = [&] { return surroundings.now(settings); };
    cycle work(settings, *parts, book, now);
    log_missing_witness(settings, book, now());
    std::exception_ptr broken;
    poll_report report;
    paced_words words(progress);
    const cycle::progress_function on_progress = [&](const stream_progress& at) { words.say(at); };
    asio::co_spawn(
        io,
        poll_all(work, book, request, on_progress, now, true),
        [&](std::exception_ptr e, poll_report got) {
            broken = e;
            report = std::move(got);
            io.stop();
        }
    );
    io.run();
    if (broken) std::rethrow_exception(broken);
    return report;
}

} // namespace rollbook
