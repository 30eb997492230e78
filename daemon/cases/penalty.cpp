#include "daemon/cases/penalty.hpp"

#include "daemon/base/spoken.hpp"
#include "daemon/domain/retention.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace rollbook {
namespace {

constexpr int notices_max = 2;
constexpr int period_years = 3;

bool is_completed(const case_action& action)
{
    return action.is_done && !is_called_off(action);
}

} // namespace

bool rests_on_evidence(std::string_view kind)
{
    return kind == "letter" || kind == "warning" || kind == "penalty-notice" || kind == "referral";
}

evidence_count count_fresh(const std::vector<std::string>& keys, const std::vector<std::string>& used)
{
    const std::set<std::string> gone(used.begin(), used.end());
    evidence_count count;
    for (const std::string& key : keys) {
        ++count.all;
        count.fresh += gone.contains(key) ? 0 : 1;
    }
    return count;
}

bool has_used_evidence(const case_action& action, std::string_view rule, std::string_view kind)
{
    return action.rule == rule && action.kind == kind && is_completed(action);
}

std::vector<penalty_notice> notices_in(const std::vector<case_action>& all, entry_index pupil, std::string_view adult)
{
    std::vector<penalty_notice> notices;
    for (const case_action& each : all)
        if (each.kind == "penalty-notice" && each.pupil == pupil && each.adult == adult)
            notices.push_back({each.on, is_called_off(each)});
    std::ranges::sort(notices, {}, &penalty_notice::issued);
    return notices;
}

notice_answer may_issue(const std::vector<penalty_notice>& notices, civil_day on)
{
    std::vector<civil_day> days;
    for (const penalty_notice& each : notices)
        if (!each.withdrawn) days.push_back(each.issued);
    std::vector<civil_day> starts = days;
    starts.push_back(on);
    notice_answer answer;
    civil_day first{};
    for (const civil_day start : starts) {
        const day_range period{start, add_years(start, period_years) - std::chrono::days(1)};
        if (!period.contains(on)) continue;
        const auto is_within = [&](civil_day day) { return period.contains(day); };
        const int counted = static_cast<int>(std::ranges::count_if(days, is_within));
        if (counted <= answer.counted) continue;
        answer.counted = counted;
        first = *std::ranges::find_if(days, is_within);
    }
    answer.allowed = answer.counted < notices_max;
    if (answer.allowed) return answer;
    answer.reason = fmt::format(
        "this adult has had {} penalty notices for this child since {}; a third is not issued within three years",
        answer.counted,
        spoken_date(first)
    );
    answer.to_do = fmt::format(
        "Consider another action, prosecution included; from {} the first no longer counts.",
        spoken_date(add_years(first, period_years))
    );
    return answer;
}

std::vector<std::string> referral_check::lacking() const
{
    std::vector<std::string> lines;
    if (unexplained > 0)
        lines.push_back(fmt::format(
            "{} {} still without a reason (N): find out, and correct the mark.",
            unexplained,
            unexplained == 1 ? "session is" : "sessions are"
        ));
    if (!warned) lines.emplace_back("No warning (Notice to Improve) is recorded as sent.");
    if (!supported)
        lines.emplace_back("No support is recorded; record it, or why it is not appropriate "
                           "(--kind support --outcome not-appropriate --text TEXT).");
    return lines;
}

referral_check check_referral(const std::vector<case_action>& of_the_alert, std::int64_t unexplained)
{
    referral_check found;
    found.unexplained = unexplained;
    for (const case_action& each : of_the_alert) {
        if (!is_completed(each)) continue;
        found.warned = found.warned || each.kind == "warning";
        const bool is_refusal = each.outcome == "not-appropriate";
        const bool has_words = !each.text.empty() || !each.outcome_text.empty();
        found.supported = found.supported || (each.kind == "support" && (!is_refusal || has_words));
    }
    return found;
}

} // namespace rollbook
