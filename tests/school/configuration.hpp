#pragma once

#include "tests/school/school.hpp"
#include "tests/school/site.hpp"

#include <string>

namespace rollbook::school {

// Writes rollbook.toml, calendar.toml and the secret files (mode 0600) for a Rollbook that reads this school, into
// `folder`, which is made if missing. Source of the form: contract.md, "Configuration". Throws when a file cannot be
// written.
void write_configuration(
    const std::string& folder,
    const simulated_school& school,
    const site_settings& settings,
    unsigned short http_port,
    unsigned short smtp_port
);

} // namespace rollbook::school
