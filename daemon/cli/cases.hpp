#pragma once

#include "daemon/cli/output.hpp"
#include "daemon/views/actions.hpp"

#include <iosfwd>
#include <vector>

namespace rollbook {

// A table of actions for people; nothing without any.
void print_actions(std::ostream& out, const workplace& at, const std::vector<case_action>& actions);

} // namespace rollbook
