#include "daemon/service/timeliness.hpp"

#include <algorithm>

namespace rollbook {

using std::chrono::minutes;

what needed_by(const rule& of)
{
    if (of.measure == "missed_lessons") return what::lesson_mark;
    if (of.measure.find("incident") != std::string::npos) return what::incident;
    if (of.measure.find("suspen") != std::string::npos) return what::suspension;
    return what::session_mark;
}

rule_support support_of(const rule& of, const std::vector<source_timeliness>& sources)
{
    const what needed = needed_by(of);
    const source_timeliness* best = nullptr;
    minutes least = minutes::max();
    bool any_unknown = false;
    for (const source_timeliness& source : sources) {
        if (std::find(source.makes.begin(), source.makes.end(), needed) == source.makes.end()) continue;
        any_unknown = any_unknown || !source.behind;
        const minutes behind = source.behind.value_or(minutes(24 * 60)) + std::chrono::ceil<minutes>(source.poll_every);
        if (!best || behind < least) {
            best = &source;
            least = behind;
        }
    }
    rule_support out;
    if (!best) {
        out.text = "not possible: no source gives a " + std::string(name_of(needed));
        return out;
    }
    out.possible = true;
    out.text = least <= minutes(60) ? "same hour" : least <= minutes(8 * 60) ? "same day" : "next day";
    const auto hours = std::to_string(least.count() / 60);
    out.text += ": " + best->name + " is up to " +
                (least < minutes(120) ? std::to_string(least.count()) + " minutes" : hours + " hours") +
                " behind the school";
    if (!best->behind && any_unknown) out.text += " (how far is not documented; a day is taken)";
    return out;
}

} // namespace rollbook
