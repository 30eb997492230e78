#include "daemon/cases/marker.hpp"
#include "daemon/views/backtest.hpp"

#include <algorithm>

namespace rollbook {
namespace {

using namespace std::chrono_literals;

// Outside these hours of a school day nothing by the clock opens, and what is learned waits for the next morning.
constexpr std::chrono::minutes looked_at_from = 7h;
constexpr std::chrono::minutes looked_at_to = 18h;

// When marks were read to their end, ascending.
std::vector<instant> complete_reads(const ledger_reader& book, const std::string& mis)
{
    std::vector<instant> found;
    book.statements(std::nullopt, std::nullopt, book.size(), [&](const statement_row& row) {
        if (row.source == mis && row.record == what::session_mark && row.not_read.empty()) found.push_back(row.at);
        return true;
    });
    std::ranges::sort(found);
    return found;
}

class clock_backtest {
public:
    clock_backtest(
        const ledger_reader& book,
        const time_zone& zone,
        const backtest_order& order,
        const std::function<void(const backtest_day&)>& each,
        std::map<std::string, backtest_counts>& counts
    )
        : book_(book), zone_(zone), order_(order), each_(each), counts_(counts), past_(book, order.pause),
          pupils_(order.rules, order.watched), reads_(complete_reads(book, order.mis))
    {
        for (const rule& by : order.rules)
            if (find_measure(by.measure)->by_clock) rules_.push_back(&by);
    }

    void run()
    {
        if (reads_.empty()) return;
        const local_instant first = zone_.to_local(reads_.front());
        for (const civil_day day : order_.calendar.school_days()) {
            if (day < order_.days.first || day > order_.days.last || day < day_of(first)) continue;
            if (order_.pause) order_.pause();
            local_instant due = day;
            for (local_instant at = day + looked_at_from; at <= day + looked_at_to; at += 1min) {
                if (at < first) continue;
                const entry_index known = std::min(book_.size_at(zone_.to_instant(at)), order_.known);
                if (at < due && known == known_) continue;
                known_ = known;
                judge(day, at);
                due = next_clock_change(order_.calendar, order_.rules, at).value_or(local_instant::max());
            }
        }
    }

private:
    void judge(civil_day day, local_instant at)
    {
        const held_state& held = past_.at(known_);
        const attendance_register* marks = held.find_register(order_.mis);
        if (!marks) return;
        pupils_.find_contacts(held, zone_);
        pupils_.set_priorities(marked_in(held, marker_kind::priority));
        if (watched_on_ != day) pupils_.find_watched(held, order_.mis);
        watched_on_ = day;

        register_gate gate(*marks, order_.calendar);
        for (pupil_no number = 0; number < marks->pupils(); ++number) {
            const pupil_facts& facts = pupils_.of(held, marks->ref_of(number));
            if (facts.is_on_roll(day))
                gate.put_pupil(number, facts.group.empty() ? facts.year : facts.group, facts.year);
        }
        rule_facts facts{*marks, order_.calendar, &held.cases(), nullptr, std::nullopt, &gate};
        const auto read = std::ranges::upper_bound(reads_, zone_.to_instant(at));
        if (read != reads_.begin()) {
            facts.last_read = zone_.to_local(*std::prev(read));
            gate.know_read({facts.last_read, held_back::nothing});
        }
        for (pupil_no number = 0; number < marks->pupils(); ++number) {
            const judged_pupil who = pupils_.judged(held, marks->ref_of(number), number);
            const pupil_history history(facts, who, {day, at});
            for (const rule* by : rules_)
                judge_by(*by, history, pupils_.of(held, who.ref).is_on_roll(day));
        }
    }

    void judge_by(const rule& by, const pupil_history& history, bool is_on_roll)
    {
        const judged_pupil& who = history.pupil();
        const judged_day& judged = history.judged();
        alert* const known = [&]() -> alert* {
            const auto at = alerts_.find({&by, who.ref});
            return at == alerts_.end() || is_ended(at->second.state) ? nullptr : &at->second;
        }();
        if (!known && !is_on_roll) return;
        const verdict now = evaluate(by, history);
        if (!known && now.stage < 0) return;
        // What was seen was so at that minute: a later mark ends it and does not unsay it.
        verdict then;
        if (known) then = evaluate(by, pupil_history(history.facts(), who, known->opened_for));
        then.stage = std::max(then.stage, 0);
        const auto change = next_alert(
            by, "backtest", who, known, now, known ? &then : nullptr, judged, false, zone_.to_instant(judged.read_at)
        );
        if (!change) return;
        counts_[by.id].note(judged.as_of, *change);
        if (each_ && change->tell != telling::nothing) each_({judged.as_of, who.ref, &by, &now, judged.read_at});
        alerts_[{&by, who.ref}] = change->next;
    }

    const ledger_reader& book_;
    const time_zone& zone_;
    const backtest_order& order_;
    const std::function<void(const backtest_day&)>& each_;
    std::map<std::string, backtest_counts>& counts_;
    past_state past_;
    known_pupils pupils_;
    std::vector<instant> reads_;
    std::vector<const rule*> rules_;
    std::map<std::pair<const rule*, entry_index>, alert> alerts_;
    entry_index known_ = no_entry;
    std::optional<civil_day> watched_on_;
};

} // namespace

void backtest_by_the_clock(
    const ledger_reader& book,
    const time_zone& zone,
    const backtest_order& order,
    const std::function<void(const backtest_day&)>& each,
    std::map<std::string, backtest_counts>& counts
)
{
    clock_backtest(book, zone, order, each, counts).run();
}

} // namespace rollbook
