#pragma once

#include "daemon/rules/alert.hpp"

namespace rollbook {

// A verdict and the moment it is of.
struct judged_verdict {
    judged_day judged{};
    verdict found;
};

// The rule and pupil judged at the end of an earlier day, by what is known `now`, without the evidence `used`.
judged_verdict
judged_at_end_of(civil_day day, const rule& judged_by, const pupil_history& now, const std::vector<entry_index>& used);

// What the next alert or version of one rule and pupil goes by.
struct late_duty : judged_verdict {
    bool opens_anew = false; // beside the `last` alert, which a person decided: that says nothing of this
};

// A duty does not fade with its window: what was met on a day of which the marks came, or were put right, after that
// day is told of all the same. `earlier`: such days, ascending, as judged by what is known now; `last`: the newest
// alert of the rule and pupil, ended or not, or null; `decided`: the days of the episodes that a person decided, none
// where the rule does not reuse evidence.
//
// The verdict is today's, or that of the earlier day which met the highest stage first, where that is higher than what
// is met today and than what the alert has reached, or nothing is met today. Other episodes stand in its `met_before`,
// one each, at the day that met it best. Not told of: the days that `last` stands for (as long as it was not decided,
// or goes on after it was), those of an episode that goes on today, and those decided: neither the days of that episode
// nor those before it on which, by what is known now, it had begun already.
late_duty with_late_duties(
    const rule& judged_by,
    const alert* last,
    judged_verdict today,
    std::vector<judged_verdict> earlier,
    std::span<const day_range> decided
);

// What makes an earlier day news: that it was not judged before (it lies on `silent_from` or later), or that something
// behind it was recorded by now and not then (an entry from `recorded_from` on).
struct news_since {
    std::optional<civil_day> silent_from;
    entry_index recorded_from = no_entry;
};

// The same by a rule about a child's safety, where each day stands for itself: what is known of one says nothing of the
// next. `before`: the verdict of the school day before the `earlier` ones; `told`: what alerts of the rule and pupil
// told of. Told of is each of the earlier days that is news, is met by what did not meet the day before, and is not in
// `told` with a threshold as high.
//
// The verdict is that of the highest of their stages, the newest day of those, where it is higher than what is met
// today and, while an alert stands, than what that has reached, or where nothing of today is to be told; else today's.
// The others stand in its `met_before`, and all in its `told_besides`.
late_duty with_late_days(
    const rule& judged_by,
    const alert* last,
    judged_verdict today,
    const verdict& before,
    const std::vector<judged_verdict>& earlier,
    std::span<const told_day> told,
    const news_since& since
);

// The verdict, by what is known now, of a day that `standing` stands for: `opening`, of the moment it was opened for,
// or where that met no stage the first that did of the whole of that day, of the school days since and of those it
// tells of besides. Where none did for sure, one that what is held back may yet meet; else `opening`. `now`: the
// pupil's marks as known now.
verdict verdict_stood_for(const rule& judged_by, const alert& standing, verdict opening, const pupil_history& now);

} // namespace rollbook
