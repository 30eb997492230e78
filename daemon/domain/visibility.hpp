#pragma once

#include "daemon/domain/what.hpp"

#include <cstdint>

namespace rollbook {

// What kinds of fact something rests on; who may not see one of them sees nothing of it, not a masked row. Whatever is
// derived (link, finding, alert, count, message, page) carries the union of its evidence's labels.
class visibility {
public:
    enum label : std::uint8_t {
        attendance = 1,   // registers, and who is on roll
        behaviour = 2,    // incidents and suspensions
        safeguarding = 4, // concerns, and all else that a safeguarding system says
        priority = 8,     // that flags or the watch list put a child first, and not why
        flags = 16,       // whom they put into the cohort of any other rule
    };

    constexpr visibility() = default;
    constexpr visibility(label one) : bits_(one) {}

    constexpr visibility operator|(visibility other) const { return visibility(bits_ | other.bits_); }
    constexpr visibility& operator|=(visibility other) { return *this = *this | other; }
    constexpr bool has(label one) const { return (bits_ & one) != 0; }
    // Whether somebody who may see `allowed` may see this.
    constexpr bool is_within(visibility allowed) const { return (bits_ & ~allowed.bits_) == 0; }
    static constexpr visibility everything()
    {
        return visibility(attendance | behaviour | safeguarding | priority | flags);
    }
    constexpr bool operator==(const visibility&) const = default;

private:
    constexpr explicit visibility(unsigned bits) : bits_(static_cast<std::uint8_t>(bits)) {}
    std::uint8_t bits_ = 0;
};

// The label of a record of a source by its kind and by whether the source is a safeguarding system. Links, findings and
// alerts have no label of their own: theirs is the union of their evidence's, and a statement's that of the kinds which
// it counts. What else is about no pupil (settings, keys) is open to all who may open the ledger, and has none. Of
// actions, those that a source lists.
constexpr visibility visibility_of(what kind, bool is_safeguarding_source)
{
    switch (kind) {
    case what::pupil:
    case what::session_mark:
    case what::lesson_mark:
    case what::adult:
    case what::incident:
    case what::involvement:
    case what::suspension:
    case what::concern:
    case what::action:
        if (is_safeguarding_source || kind == what::concern) return visibility::safeguarding;
        if (kind == what::incident || kind == what::involvement || kind == what::suspension)
            return visibility::behaviour;
        return visibility::attendance;
    default: return {};
    }
}

// A link says that a pupil of the register has a record in another source.
constexpr visibility visibility_of_link(bool is_safeguarding_source)
{
    return visibility_of(what::pupil, is_safeguarding_source) | visibility::attendance;
}

} // namespace rollbook
