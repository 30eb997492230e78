#pragma once

#include "daemon/cli/commands.hpp"
#include "daemon/ports/decision.hpp"
#include "daemon/views/actions.hpp"

#include <iosfwd>
#include <string>
#include <vector>

namespace rollbook {

// `text`, or for "-" what stands on standard input: such words stay out of the shell's history and the process list.
std::string words_in(const std::string& text);

// Hands in the decision as whoever --by names, and shows what came of it.
int carry_out(
    const command_io& io, const command_options& options, const configuration& config, decision_request request
);
// A decision about what ID names, with all else as the options say.
int decide_about(const command_io& io, const command_options& options, decision_kind kind);

// A table of actions for people; nothing without any.
void print_actions(std::ostream& out, const workplace& at, const std::vector<case_action>& actions);

} // namespace rollbook
