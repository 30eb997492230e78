#include "daemon/service/pace.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

using std::chrono::milliseconds;

milliseconds jittered(milliseconds wait, std::uint64_t dice)
{
    const auto fifth = wait.count() / 5;
    if (fifth == 0) return wait;
    return wait - milliseconds(fifth) +
           milliseconds(static_cast<std::int64_t>(dice % static_cast<std::uint64_t>(2 * fifth + 1)));
}

} // namespace

std::optional<milliseconds> next_wait(const retry_pace& pace, const failure& why, int failed, std::uint64_t dice)
{
    const remedy mend = remedy_for(why.code);
    if (mend != remedy::retry_soon && mend != remedy::wait) return std::nullopt;
    if (why.code == errc::stopped || failed >= pace.tries_max) return std::nullopt;
    if (why.retry_after) {
        const milliseconds asked = *why.retry_after;
        if (asked > pace.longest) return std::nullopt;
        return asked;
    }
    milliseconds wait = pace.first;
    for (int i = 1; i < failed && wait < pace.longest; ++i)
        wait *= 2;
    return jittered(std::min(wait, pace.longest), dice);
}

std::optional<milliseconds> next_delivery(const failure& why, int attempt, milliseconds age, std::uint64_t dice)
{
    using namespace std::chrono_literals;
    static constexpr std::array<milliseconds, 6> waits = {30s, 2min, 5min, 15min, 30min, 1h};
    // Somebody must mend it first, and a receiver that refused does not want to be asked all the time: an hour at
    // least.
    static constexpr milliseconds after_refusal = 75min;
    if (age > std::chrono::days(3)) return std::nullopt;
    const auto step = static_cast<std::size_t>(std::clamp(attempt - 1, 0, static_cast<int>(waits.size()) - 1));
    milliseconds wait = jittered(why.code == errc::delivery_refused ? after_refusal : waits[step], dice);
    if (why.retry_after) wait = std::max<milliseconds>(wait, *why.retry_after);
    return wait;
}

std::optional<civil_day> read_from(
    const source_configuration& source,
    const school_calendar& calendar,
    civil_day today,
    bool in_school_hours,
    const std::vector<std::pair<std::optional<civil_day>, milliseconds>>& window_ages,
    bool everything
)
{
    const auto at_least_history = [&](std::optional<civil_day> day) {
        if (!source.history_from) return day;
        return std::optional(day ? std::max(*day, *source.history_from) : *source.history_from);
    };
    // The first read, and one that a person asked for, take all there is.
    if (everything || source.reread.empty() || window_ages.empty()) return at_least_history(std::nullopt);

    const auto start_of = [&](const reread_tier& tier) {
        if (!tier.school_days) return school_calendar::academic_year_start(today);
        const auto back = calendar.school_day_back(today, *tier.school_days - 1);
        return back.value_or(today - std::chrono::days(*tier.school_days));
    };
    const auto age_of = [&](civil_day start) {
        std::optional<milliseconds> youngest;
        for (const auto& [from, age] : window_ages)
            if (!from || *from <= start) youngest = std::min(youngest.value_or(age), age);
        return youngest;
    };
    std::optional<civil_day> from;
    std::optional<civil_day> nearest;
    for (const reread_tier& tier : source.reread) {
        const civil_day start = start_of(tier);
        nearest = std::max(nearest.value_or(start), start);
        const auto age = age_of(start);
        constexpr std::chrono::days waits_max(1);
        const milliseconds waits = in_school_hours && tier.every >= waits_max ? waits_max : std::chrono::days(0);
        // Read in the future: by a clock that has been put right since.
        const bool is_sound = age && *age >= milliseconds::zero();
        if (!is_sound || *age >= tier.every + waits) from = std::min(from.value_or(start), start);
    }
    return at_least_history(from ? from : nearest);
}

bool is_due_again(instant last, instant now, std::chrono::milliseconds every)
{
    return now < last || now - last >= every;
}

bool checkpoint_is_due(instant last, instant now)
{
    constexpr std::chrono::seconds between_checkpoints{30};
    return is_due_again(last, now, between_checkpoints);
}

} // namespace rollbook
