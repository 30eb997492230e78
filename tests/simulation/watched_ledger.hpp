#pragma once

#include "daemon/ledger/side_work.hpp"
#include "daemon/ports/ledger.hpp"

#include "tests/simulation/parts.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <utility>

namespace rollbook::simulation {

// What one commit was to make true, kept until it is known whether it did.
struct commit_made {
    entry_index base = 0;
    std::size_t entries = 0;
    instant now{};
    bool closes = false; // a read: source and statement are among it
    std::vector<std::string> closed_streams;
    std::vector<statement_row> statements;
    struct seen_pupil {
        entry_index subject = 0;
        std::string id;
    };
    std::vector<seen_pupil> pupils;
    struct seen_alert {
        entry_index id = 0; // the entry that opened it
        std::string rule;
        entry_index pupil = 0;
        std::string state;
        std::string stage;
        std::optional<civil_day> opened_for; // the day by which it was judged
        std::vector<day_range> also_met;     // the earlier days that it tells of besides
        std::vector<civil_day> told;         // by a rule about a child's safety: the days of which it told
        std::optional<civil_day> last_day;   // of its window
        bool is_decision = false;
    };
    std::vector<seen_alert> alerts;
    std::vector<entry_index> marked; // pupils whom the lead put on the list
};

// What the ledger does beside is done when somebody waits for it or looks how far it is: late, or as late as may be. Of
// a process that is dead by then a beginning of it may have been done.
class late_work : public side_work {
public:
    explicit late_work(surroundings& around) : around_(around) {}
    void start(std::function<void()> work) override { work_.push_back(std::move(work)); }
    void wait(std::size_t left) override
    {
        while (work_.size() > left) {
            is_over_ = is_over_ || (around_.is_dead && around_.chance.one_in(2));
            do_next();
        }
    }
    std::size_t pending() override
    {
        if (!work_.empty() && !around_.is_dead && around_.chance.one_in(2)) do_next();
        return work_.size();
    }

private:
    void do_next()
    {
        if (!is_over_) work_.front()();
        work_.pop_front();
    }

    surroundings& around_;
    std::deque<std::function<void()>> work_;
    bool is_over_ = false; // the process's, and what is left is not done
};

// The real ledger, watched: what is written, what is signed; and where bugs are planted.
class watched_ledger : public ledger {
public:
    watched_ledger(std::unique_ptr<ledger> real, surroundings& around) : real_(std::move(real)), around_(around) {}

    std::function<void(const commit_made&)> committed; // durable
    std::function<void()> signed_one;
    std::function<bool()> is_dead;
    std::function<std::size_t()> reached; // for plant::cursor_early
    std::vector<commit_made> under_way;   // begun, and nobody knows

    held_state& state() override { return real_->state(); }
    bool load_some(std::chrono::milliseconds at_most) override { return real_->load_some(at_most); }
    void apply(const transaction& t, entry_index base) override { real_->apply(t, base); }
    std::uint64_t digest(std::string_view text) const override { return real_->digest(text); }
    entry_index size() const override { return real_->size(); }
    std::optional<instant> last_recorded() const override { return real_->last_recorded(); }
    void commit(const transaction& t, instant now) override;
    void begin_commit(std::shared_ptr<const transaction> t, instant now) override;
    bool is_busy() const override { return real_->is_busy(); }
    void settle() override;
    void sign_checkpoint(instant now) override;
    checkpoint_book& checkpoints() override { return real_->checkpoints(); }
    void reload() override;
    std::optional<source_state> source(const std::string& name) const override { return real_->source(name); }
    std::optional<stream_state> stream(const std::string& source, const std::string& stream) const override;
    std::vector<outbox_message> due_messages(instant now, std::size_t max) const override
    {
        return real_->due_messages(now, max);
    }
    std::optional<instant> next_message_at() const override { return real_->next_message_at(); }
    int begin_attempt(std::int64_t number, instant now) override { return real_->begin_attempt(number, now); }
    std::string first_message_id(entry_index alert, const std::string& route) const override
    {
        return real_->first_message_id(alert, route);
    }
    std::vector<outbox_message> delivered_messages(const std::string& id) const override
    {
        return real_->delivered_messages(id);
    }
    bool has_message(const std::string& id) const override { return real_->has_message(id); }
    std::optional<alert_value> value_of(entry_index alert) const override { return real_->value_of(alert); }
    std::vector<std::pair<entry_index, civil_day>>
    days_of_marks_since(const std::string& source, entry_index first, civil_day from) const override
    {
        if (around_.bug == plant::forgotten_day) return {};
        return real_->days_of_marks_since(source, first, from);
    }
    std::vector<outbox_message> untried_messages(entry_index alert, const std::string& route) const override
    {
        return real_->untried_messages(alert, route);
    }
    std::vector<outbox_message> undelivered_messages(const std::string& route) const override
    {
        return real_->undelivered_messages(route);
    }

private:
    void tell();

    std::unique_ptr<ledger> real_;
    surroundings& around_;
    bool is_beside_ = false; // what is under way
};

} // namespace rollbook::simulation
