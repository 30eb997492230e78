#include "daemon/reconcile/finding_visibility.hpp"

#include "daemon/domain/finding_settings.hpp"

#include <algorithm>

namespace rollbook {
namespace {

bool is_one_of(std::string_view kind, std::initializer_list<std::string_view> kinds)
{
    return std::ranges::find(kinds, kind) != kinds.end();
}

} // namespace

visibility visibility_beyond_evidence(std::string_view kind)
{
    // That there is no suspension, or no mark of one, is said of both; that the other system has nothing is something
    // that the other system says. What comes there closes the finding.
    if (is_one_of(kind, {"suspension-without-e", "e-without-suspension"}))
        return visibility(visibility::attendance) | visibility::behaviour;
    if (kind == "incident-in-one-system") return visibility(visibility::behaviour) | visibility::safeguarding;
    if (is_one_of(
            kind,
            {"pupil-only-in-mis",
             "pupil-only-in-safeguarding",
             "pupil-ambiguous",
             "pupil-conflict",
             "flag-differs",
             "action-not-in-safeguarding"}
        ))
        return visibility(visibility::attendance) | visibility::safeguarding;
    if (kind == "mark-missing") return visibility::attendance;
    return std::ranges::count(finding_kind_names, kind) > 0 ? visibility() : visibility::everything();
}

bool is_about_a_source(std::string_view kind)
{
    return is_one_of(kind, {"source-stale", "source-incomplete", "totals-differ"});
}

visibility visibility_of_finding(std::string_view kind, std::string_view key)
{
    constexpr visibility marks_and_behaviour = visibility(visibility::attendance) | visibility::behaviour;
    if (is_about_a_source(kind)) return {};
    if (is_one_of(
            kind, {"suspension-without-e", "e-without-suspension", "incident-contradicts-mark", "code-needs-evidence"}
        ))
        return marks_and_behaviour;
    if (is_one_of(kind, {"incident-duplicate", "restraint-not-reported"})) return visibility::behaviour;
    if (kind == "incident-in-one-system") return visibility_beyond_evidence(kind);
    // Flags are the safeguarding lead's, whoever keeps them.
    if (kind == "flag-differs") return visibility(visibility::attendance) | visibility::safeguarding;
    if (kind == "action-not-in-safeguarding") return visibility(visibility::attendance) | visibility::safeguarding;
    if (kind == "record-vanished") {
        const bool is_behaviour = key.find("/incident/") != key.npos || key.find("/suspension/") != key.npos;
        if (key.find("/concern/") != key.npos) return visibility::safeguarding;
        return is_behaviour ? visibility::behaviour : visibility::attendance;
    }
    if (std::ranges::find(finding_kind_names, kind) == finding_kind_names.end()) return visibility::everything();
    return visibility::attendance;
}

std::vector<std::string_view> names_of(visibility labels)
{
    std::vector<std::string_view> names;
    if (labels.has(visibility::attendance)) names.push_back("attendance");
    if (labels.has(visibility::behaviour)) names.push_back("behaviour");
    if (labels.has(visibility::safeguarding)) names.push_back("safeguarding");
    if (labels.has(visibility::priority)) names.push_back("priority");
    if (labels.has(visibility::flags)) names.push_back("flags");
    return names;
}

} // namespace rollbook
