#pragma once

#include "daemon/base/json.hpp"
#include "daemon/ports/configuration.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace rollbook {

// Which openings of an export are asked for.
struct opening_choice {
    bool concerns = false;                        // those of safeguarding too: only when a safeguarding lead said so
    bool pseudonymous = false;                    // none with a source's own fields, or words that a person wrote
    std::string kind;                             // of that kind alone; empty: of all
    std::optional<std::set<entry_index>> records; // about these pupil records alone
    // Asked last, of those that are wanted by all of this; empty: all of them are.
    std::function<bool(entry_index index, std::string_view kind)> may_go;
};

// Which openings go out. Those of concerns do only when a safeguarding lead said so: no proof needs them. A payload is
// handed out whole or not at all.
class opening_filter {
public:
    // `config` must outlive it.
    opening_filter(const configuration& config, opening_choice choice) : config_(config), choice_(std::move(choice)) {}

    bool wants(entry_index index, std::string_view payload);
    // How many were wanted but for being of safeguarding.
    std::uint64_t withheld() const { return withheld_; }

private:
    bool is_about(json_view root, std::string_view kind, entry_index index) const;
    bool is_mis(std::string_view source) const;
    bool is_of_safeguarding(json_view root, std::string_view kind) const;

    const configuration& config_;
    opening_choice choice_;
    std::uint64_t withheld_ = 0;
};

} // namespace rollbook
