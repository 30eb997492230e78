#pragma once

#include "daemon/cases/pupil_facts.hpp"
#include "daemon/domain/held.hpp"
#include "daemon/ports/ledger_reader.hpp"
#include "daemon/rules/alert.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace rollbook {

// What the ledger knew at a size, made by taking its entries in order; erased ones are passed over.
class past_state {
public:
    // Calls `pause` now and then; what it throws ends the reading.
    explicit past_state(const ledger_reader& book, std::function<void()> pause = {})
        : book_(book), pause_(std::move(pause))
    {
    }
    // Sizes only go up.
    const held_state& at(entry_index n);

private:
    const ledger_reader& book_;
    std::function<void()> pause_;
    held_state held_;
    entry_index taken_ = 0;
};

// Rules over past school days. Each is judged in the evening by what was known then; days before the first read closed,
// by what that read showed, as a school would have that begins with its history.
//
// A rule by the clock is judged at every minute at which something was learned or the clock alone could change its
// verdict, by what was known at that minute; so only of days on which marks were read.
struct backtest_order {
    std::vector<rule> rules; // those that cannot be tried are passed over
    std::string mis;         // the source whose register is judged
    school_calendar calendar;
    day_range days;
    std::vector<watched_pupil> watched; // the safeguarding lead's list, as it stands now
    entry_index known = no_entry;       // later entries are left out, where it is a size
    std::function<void()> pause{};      // called now and then; what it throws ends the backtest
};

// Not a rule about sources or other rules: what they were like then is kept for nobody to judge.
bool can_be_tried(const rule& by);

struct backtest_counts {
    std::int64_t already = 0;                                       // met on the first day: no alert, a baseline
    std::map<civil_day, std::map<std::string, std::int64_t>> weeks; // Monday -> stage -> alerts opened or risen to it
    std::int64_t ended = 0;                                         // resolved or withdrawn by themselves
    void note(civil_day day, const alert_change& change);
};

struct backtest_day {
    civil_day day{};
    entry_index pupil = no_entry;
    const rule* by = nullptr;
    const verdict* found = nullptr;
    std::optional<local_instant> minute; // of a rule by the clock
};

// By rule id. Calls `each`, unless it is empty, for every verdict of a pupil inside the rule's cohort: of a rule by the
// clock, for those that open an alert, raise its stage or end it.
std::map<std::string, backtest_counts> backtest(
    const ledger_reader& book,
    const time_zone& zone,
    const backtest_order& order,
    const std::function<void(const backtest_day&)>& each
);

// The members of `rules backtest --json` about one rule.
void write_counts(json_writer& out, const rule& by, const backtest_counts& counts);

// Of the order's rules by the clock alone; backtest() calls it.
void backtest_by_the_clock(
    const ledger_reader& book,
    const time_zone& zone,
    const backtest_order& order,
    const std::function<void(const backtest_day&)>& each,
    std::map<std::string, backtest_counts>& counts
);

} // namespace rollbook
