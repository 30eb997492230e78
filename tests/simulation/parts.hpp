#pragma once

#include "daemon/ports/channel.hpp"
#include "daemon/ports/connector.hpp"

#include "tests/simulation/dice.hpp"
#include "tests/simulation/school.hpp"

#include <map>
#include <memory>
#include <set>

// The network of the simulation: the school's systems and the receivers of messages, in memory, and what goes wrong on
// the way.
namespace rollbook::simulation {

// Bugs that can be planted, to see that the simulation would find them.
enum class plant {
    none,
    cursor_early,   // the position of a change feed moves before its changes are durable
    split_outbox,   // messages are stored in another transaction than the alerts they tell of
    lost_tombstone, // a deletion on a page that had to be asked for twice is dropped
    forgotten_day,  // on which earlier days marks were recorded since they were last judged is forgotten
    untold_day,     // the message that an alert which stands is about a later day as well is dropped
};

// The process ends here, without a word.
struct process_died {};

// Time as the machine's clock gives it. It never stands still, and may be wrong.
class virtual_clock {
public:
    moment true_time{};
    std::chrono::milliseconds skew{};
    moment read()
    {
        true_time += std::chrono::milliseconds(1);
        last_ = true_time + skew;
        if (!first_) first_ = last_;
        return last_;
    }
    // The first reading since forget().
    void forget() { first_.reset(); }
    std::optional<moment> first() const { return first_; }
    moment last() const { return last_; }

private:
    std::optional<moment> first_;
    moment last_{};
};

// What is broken at the moment. The driver changes it.
struct weather {
    bool source_down = false;
    bool source_refuses = false;
    bool source_empty = false;    // it lists nothing, as when a permission is taken away
    std::size_t source_drops = 0; // per mille of its pages that fail once
    std::size_t disorder = 0;     // per mille of its lists that come in another order, with rows twice
    std::size_t slow = 0;         // per mille of its pages that take minutes
    std::map<std::string, bool> route_down;
    std::map<std::string, bool> route_refuses; // as when a password has run out
    std::size_t refusals = 0;                  // per mille of messages that are refused for what they are
    std::size_t route_drops = 0;               // per mille of messages that are not taken
    std::size_t answer_lost = 0;               // per mille of messages that are taken, and nobody hears of it
    std::size_t dies_at_await = 0;             // the process dies at this await from here; 0: it does not
};

// What all parts share.
struct surroundings {
    school& truth;
    virtual_clock& clock;
    dice& chance;
    weather now;
    plant bug = plant::none;
    bool with_page_memory = true;
    bool is_dead = false; // the process, at an await
    int refusals = 0;

    void at_await()
    {
        if (now.dies_at_await == 0 || --now.dies_at_await > 0) return;
        is_dead = true;
        throw process_died();
    }
};

// What the school's system said in one read, as it stood when each list was begun.
struct told_by_source {
    bool pupils_begun = false, pupils_whole = false;
    std::vector<std::shared_ptr<const std::string>> pupils; // fields of those listed, by pupil; null: not listed
    bool marks_begun = false, marks_whole = false;
    std::size_t first_day = 0; // of the marks, among the school days
    std::vector<cell> marks;   // from that day on
    bool incidents_begun = false, incidents_whole = false;
    school::all_incidents incidents;
    bool was_empty = false;
    std::map<what, std::int64_t> rows; // sent of each kind
};

class school_system : public connector {
public:
    school_system(std::string name, bool is_mis, surroundings& around);

    const std::string& source() const override { return name_; }
    const std::vector<stream_info>& streams() const override { return streams_; }
    boost::asio::awaitable<result<void>> begin_run() override;
    std::vector<source_fact> facts() const override { return {}; }
    boost::asio::awaitable<result<page>>
    fetch_page(std::size_t stream, std::optional<civil_day> from, std::optional<std::string> at) override;
    bool gives_changes(std::size_t stream, bool allowed) override;
    void use_memory(page_memory* memory) override { memory_ = memory; }
    std::optional<std::int64_t> total(what kind) const override;
    std::string fingerprint(std::size_t) const override { return "1"; }
    void resume(std::size_t stream, const std::string& bookmark) override;
    std::string bookmark(std::size_t stream) const override;

    // Of the read under way or the last one; of another read it is another.
    const std::shared_ptr<const told_by_source>& told() const { return told_so_far_; }
    std::size_t reached() const { return reached_; } // changes handed out, by whichever read

private:
    struct row {
        int pupil = 0;
        std::size_t day = 0;
        int half = 0;
        cell mark;
    };
    struct line { // of any other list
        what kind = what::pupil;
        std::string id, pupil;
        std::shared_ptr<const std::string> fields;
        bool gone = false;
    };
    std::optional<failure> trouble(std::size_t stream, const std::optional<std::string>& at);
    void begin_list(std::size_t stream, std::optional<civil_day> from);
    void list_pupils();
    void list_marks(std::optional<civil_day> from);
    void list_incidents();
    void add_incident(int number);
    page marks_page(std::size_t begin, std::size_t size);
    page lines_page(std::size_t begin, std::size_t size, bool asked_again);

    std::string name_;
    surroundings& around_;
    std::vector<stream_info> streams_;
    page_memory* memory_ = nullptr;
    std::shared_ptr<told_by_source> told_ = std::make_shared<told_by_source>();
    std::shared_ptr<const told_by_source> told_so_far_ = told_;
    std::vector<row> rows_;
    std::vector<line> lines_;
    std::size_t page_size_ = 1;
    bool changes_only_ = false;
    std::size_t resumed_at_ = 0; // among the school's changes
    std::size_t listed_to_ = 0;  // what the list under way covers
    std::size_t reached_ = 0;
    std::set<std::string> failed_once_;
};

// What one route's receiver took.
struct delivery {
    std::string route;
    std::string id;
    std::string type;
    std::string json;
    std::string text; // subject and text
    int attempt = 0;
};

class receiver : public channel {
public:
    receiver(std::string route, surroundings& around, std::vector<delivery>& taken)
        : route_(std::move(route)), around_(around), taken_(taken)
    {
    }
    boost::asio::awaitable<result<void>> send(message m) override;
    boost::asio::awaitable<result<void>> check() override { co_return result<void>(); }

private:
    std::string route_;
    surroundings& around_;
    std::vector<delivery>& taken_;
};

} // namespace rollbook::simulation
