#pragma once

#include <array>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// Every kind of finding, in the order in which people meet them: those of marks, of suspensions, of incidents, of
// people, of sources.
inline constexpr std::array<std::string_view, 31> finding_kind_names = {
    "mark-unmapped",
    "mark-missing",
    "mark-duplicate",
    "mark-off-roll",
    "mark-on-closed-day",
    "mark-amended-late",
    "reason-overdue",
    "reason-due",
    "code-wrong-for-pupil",
    "code-wrong-for-time",
    "code-withdrawn",
    "code-needs-evidence",
    "suspension-without-e",
    "e-without-suspension",
    "incident-contradicts-mark",
    "incident-in-one-system",
    "incident-duplicate",
    "restraint-not-reported",
    "action-not-in-safeguarding",
    "pupil-only-in-mis",
    "pupil-only-in-safeguarding",
    "pupil-ambiguous",
    "pupil-conflict",
    "id-reissued",
    "pupil-merged",
    "leaver-still-active",
    "flag-differs",
    "record-vanished",
    "totals-differ",
    "source-stale",
    "source-incomplete",
};

// What a school says of its findings: which kinds are looked for, how long a difference may stand before it is one, and
// what its own words for types and places mean. Words are compared without regard to case.
struct finding_settings {
    using names = std::set<std::string, std::less<>>;
    names off; // kinds that are not looked for
    names on;  // kinds that are looked for only when asked

    // School days after its own day from which something counts as missing or wrong. Later is not missing.
    std::map<std::string, int, std::less<>> settle = {
        {"mark-missing", 1},
        {"suspension-without-e", 1},
        {"e-without-suspension", 3},
        {"incident-contradicts-mark", 1},
        {"incident-in-one-system", 5},
        {"pupil-only-in-mis", 5},
        {"leaver-still-active", 10},
        {"action-not-in-safeguarding", 5},
    };
    // Calendar days after the session from which a changed mark is said to be late.
    int amended_late_days = 40;

    // Parts of the names of places inside the school, and of places that are not; the second wins.
    std::vector<std::string> on_site = {
        "assembly", "block",       "canteen", "changing room", "class",  "corridor", "courtyard",  "dining",
        "drama",    "entrance",    "field",   "form room",     "gym",    "hall",     "isolation",  "lab",
        "library",  "lesson",      "lunch",   "music",         "office", "on site",  "playground", "reception",
        "room",     "school site", "stairs",  "studio",        "toilet", "workshop", "yard",
    };
    std::vector<std::string> off_site = {
        "bus",      "coach",  "community", "external", "home",    "internet",       "journey", "off site",
        "off-site", "online", "public",    "shop",     "social",  "street",         "taxi",    "transport",
        "trip",     "visit",  "way to",    "remote",   "walk to", "outside school", "virtual",
    };
    // Parts of types and categories that say a pupil was not where the pupil should have been.
    std::vector<std::string> missing = {"missing from", "missing lesson", "left the site", "left site", "absconded"};
    // Parts of types, categories and actions that say force, restraint or seclusion was used.
    std::vector<std::string> restraint = {
        "restraint",
        "restrictive intervention",
        "physical intervention",
        "positive handling",
        "reasonable force",
        "seclusion",
    };
    // Types of incident that belong in the safeguarding system too, with the category they have there.
    struct in_both {
        std::string mis;
        std::string safeguarding;
        bool operator==(const in_both&) const = default;
    };
    std::vector<in_both> both;
    // Codes for which the school wants its evidence looked at, mark by mark.
    names ask_evidence;

    bool operator==(const finding_settings&) const = default;

    int settle_days(std::string_view kind) const
    {
        const auto at = settle.find(kind);
        return at == settle.end() ? 0 : at->second;
    }
    // Canonical JSON (RFC 8785): the value of their settings entry.
    std::string to_json() const;
};

// Whether `text` has one of `parts` in it, without regard to case (ASCII).
bool has_part(std::string_view text, const std::vector<std::string>& parts);

} // namespace rollbook
