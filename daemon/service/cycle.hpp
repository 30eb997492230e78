#pragma once

#include "daemon/cases/marker.hpp"
#include "daemon/ports/channel.hpp"
#include "daemon/ports/configuration.hpp"
#include "daemon/ports/connector.hpp"
#include "daemon/ports/ledger.hpp"
#include "daemon/ports/returned_mail.hpp"
#include "daemon/service/clocks_seen.hpp"
#include "daemon/service/closing.hpp"
#include "daemon/service/pace.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace rollbook {

// The parts a cycle works with, made from one configuration.
struct cycle_parts {
    std::shared_ptr<clocks_seen> clocks = std::make_shared<clocks_seen>(); // by what answered
    std::shared_ptr<void> clients;                      // what connectors and channels reach out through; goes last
    std::vector<std::unique_ptr<connector>> connectors; // in the order of the configuration's sources
    std::map<std::string, std::unique_ptr<channel>> channels;       // by route
    std::map<std::string, std::unique_ptr<returned_mail>> returned; // by route: where its mails come back to
};

struct read_options {
    bool everything = false; // every window, whatever its tier says
    bool is_last = false;    // no other read follows in this process: pages need not be remembered for it
    bool lift_vanish_limit = false;
};

struct read_report {
    std::vector<failure> failures;
    closing_report closing;
    std::int64_t entries = 0; // of the whole read
};

// How far the read of a stream is, after each page.
struct stream_progress {
    const std::string& source;
    const std::string& stream;
    std::int64_t rows = 0; // so far
    bool is_last = false;  // the stream is at its end
};

// What a stream's connector asked to be kept when its last read closed; empty before the first.
std::string kept_bookmark(const ledger& book, const std::string& source, const std::string& stream);

// Reads sources into the ledger and delivers what waits. The one user of connectors and channels; what it decides is in
// pure functions of their own.
class cycle {
public:
    using clock_function = std::function<instant()>;
    using progress_function = std::function<void(const stream_progress&)>;
    using turn_function = std::function<void()>;

    // All references must outlive it. `turned` is called whenever what is outside has answered or was given up: a page,
    // a message, a mailbox. Each of them has a time limit of its own.
    cycle(
        const configuration& settings,
        cycle_parts& parts,
        ledger& book,
        clock_function now,
        retry_pace pace = {},
        turn_function turned = [] {}
    );

    // One read of source number `source`: its streams page by page, then the closing step; and another for as long as
    // the connector has more to hand over, each file of a report folder being a read of its own. Failures of the source
    // are in the report; failures of the ledger are exceptions, after which the ledger was reloaded.
    boost::asio::awaitable<read_report>
    read(std::size_t source, read_options options, const progress_function& progress);

    // Judges the rules that go by the clock.
    closing_report judge_clock() { return closer_.judge_clock(now_()); }

    struct delivery_report {
        std::int64_t delivered = 0;
        std::int64_t waiting = 0; // tried and to be tried again, or given up
    };
    // Tries each message that is due once.
    boost::asio::awaitable<delivery_report> deliver();
    // Looks for messages that came back after their relay had taken them: each becomes an entry, and is told over
    // another route. Does nothing within an hour of the last look.
    boost::asio::awaitable<void> look_for_returned();

    const configuration& settings() const { return settings_; }

private:
    boost::asio::awaitable<read_report>
    read_once(std::size_t source, read_options options, const progress_function& progress);
    boost::asio::awaitable<result<void>> read_stream(
        std::size_t number,
        std::size_t source,
        read_options options,
        source_reading& reading,
        read_outcome& outcome,
        read_report& report,
        const progress_function& progress
    );
    boost::asio::awaitable<result<page>>
    fetch(connector& from, std::size_t stream, std::optional<civil_day> day, std::optional<std::string> at);
    boost::asio::awaitable<result<void>> begin(connector& from);
    boost::asio::awaitable<bool> wait_after(const failure& why, int failed, const std::string& source);
    // Each minute of a read that lasts: the rules by the clock, and what is due to be told, wait for no source.
    boost::asio::awaitable<void> meanwhile();
    std::string pupil_in_source_of(const outbox_message& m) const;
    std::vector<outbox_message> due_in_order(instant now, const std::set<std::string>& back) const;
    bool goes_alone(const outbox_message& m, const std::vector<pupil_marker>& markers) const;
    bool fits_with(const std::vector<outbox_message>& group, const outbox_message& m) const;
    std::vector<std::vector<outbox_message>> in_digests(std::vector<outbox_message> due) const;
    // One that could not be reached, and when it is tried again.
    struct dead_route {
        failure why;
        instant again{};
    };
    using dead_routes = std::map<std::string, dead_route>;
    boost::asio::awaitable<transaction>
    attempt(std::vector<outbox_message>& group, delivery_report& report, dead_routes& dead);
    void take_back(const returned_message& back, const std::string& route);
    void tell_elsewhere(
        std::span<const outbox_message> not_taken, const failure& why, instant made_at, instant now, transaction& t
    ) const;
    bool is_time_to_flush(std::size_t changes, std::chrono::milliseconds waited, bool last) const;
    void flush(source_reading& reading, read_report& report);
    void sign_if_due();

    const configuration& settings_;
    cycle_parts& parts_;
    ledger& book_;
    clock_function now_;
    retry_pace pace_;
    turn_function turned_;
    read_closer closer_;
    std::uint32_t read_number_ = 0;
    std::map<std::pair<std::size_t, std::size_t>, remembered_pages> remembered_; // by source and stream
    std::map<std::int64_t, instant> tried_at_; // messages that wait for their next try, by number
    std::optional<instant> looked_back_at_;
    std::int64_t rows_read_ = 0; // in this read
    bool is_unjudged_ = false;   // a read has begun, and was not closed
    // Since then a page of marks is waited for, and of some pupils the marks of a session are in, of others not.
    std::optional<instant> half_read_at_;
    instant last_meanwhile_{}; // or the beginning of the read
    instant signed_at_{};      // or the beginning of the read
};

} // namespace rollbook
