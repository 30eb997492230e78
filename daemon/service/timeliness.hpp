#pragma once

#include "daemon/domain/rule.hpp"
#include "daemon/domain/what.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace rollbook {

// What a source can tell, and how late.
struct source_timeliness {
    std::string name;
    std::vector<what> makes;
    std::optional<std::chrono::minutes> behind; // of the school's own system, as its manifest says; nothing: not known
    std::chrono::milliseconds poll_every{};
};

// Whether a rule can speak in time, and why: "same hour", "same day", "next day" or "not possible".
struct rule_support {
    bool possible = false;
    std::string text;
};

// The kind of record that a measure counts; of one that sets marks against another kind, the other.
what needed_by(const rule& of);

rule_support support_of(const rule& of, const std::vector<source_timeliness>& sources);

} // namespace rollbook
