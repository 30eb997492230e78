#pragma once

#include "daemon/base/canonical_json.hpp"
#include "daemon/cases/marker.hpp"
#include "daemon/views/workplace.hpp"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// Every marker at the size asked about, ended ones included, in order of id.
std::vector<pupil_marker> markers_at(const workplace& at);

// What all who may see a pupil may know of the safeguarding lead's lists, and nothing of why.
class marked_pupils {
public:
    explicit marked_pupils(const workplace& at);

    bool is_with_care(entry_index pupil) const { return with_care_.contains(pupil); }
    // Marked here, or on the list that [rules] watch_list names.
    bool is_priority(entry_index pupil) const { return priority_.contains(pupil); }
    const std::set<entry_index>& priorities() const { return priority_; }
    // "Handle with care", "DSL priority".
    std::vector<std::string_view> words_of(entry_index pupil) const;

private:
    std::set<entry_index> with_care_;
    std::set<entry_index> priority_;
};

// A marker with all that it says: for who may see safeguarding.
void write_marker(json_writer& out, const pupil_marker& value);

} // namespace rollbook
