#pragma once

#include "daemon/ports/ledger.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace rollbook {

// Something that does not agree: across systems, within one, or with the law. Explained in one sentence that a teacher
// understands, with the entries it rests on.
struct finding {
    std::string kind;
    // What makes it one of its kind; the same fault gives the same key on every read. "KIND/.../NUMBER" ends with the
    // first entry of what it is about (subject_in), "KIND/SOURCE..." where that is a source.
    std::string key;
    entry_index pupil = no_entry; // the person; no_entry: none or a stranger
    std::string subject_source;
    std::string subject_id;
    std::vector<std::string> sources;
    std::string explanation;
    std::vector<entry_index> evidence;
};

// The first entries of the open findings for which `is_judged(kind, key)` says that this run looked.
std::vector<entry_index> open_findings(
    const held_state& held, const std::function<bool(std::string_view kind, std::string_view key)>& is_judged
);

// A finding as it is held, and when it opened; nothing for a payload that is none.
std::optional<std::pair<finding, instant>> held_finding(const held_state& held, const held_thing& thing);

// The findings that a judging wants open. Most of them are held so already: of these no more is kept than that they
// are wanted, for a judging of everybody makes thousands.
class wanted_findings {
public:
    // Takes what was found; of two with the same key the first counts. `held` is to be the same each time, unchanged.
    void take(const held_state& held, std::vector<finding>&& found);
    // New ones, and those that are held with another explanation, pupil or other evidence, in order.
    const std::vector<finding>& not_held_so() const { return not_held_so_; }
    // Whether the open finding with this first entry is among them all.
    bool contains(entry_index open) const { return open_.contains(open); }

private:
    std::vector<finding> not_held_so_;
    std::unordered_set<entry_index> open_; // first entries of those that are open
};

// The entries that make the open findings among `judged` equal to `wanted`: new ones open, those no longer wanted
// close, changed explanations or evidence are new versions.
std::vector<draft> finding_entries(
    const held_state& held, const wanted_findings& wanted, const std::vector<entry_index>& judged, instant at
);

} // namespace rollbook
