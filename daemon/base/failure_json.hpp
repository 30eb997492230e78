#pragma once

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/error.hpp"
#include "daemon/base/json.hpp"

namespace rollbook {

// {"code","to_do","what"}, between programs of one version. What is missing reads as empty, a code as page_malformed.
void write_failure(json_writer& out, const failure& why);
failure read_failure(json_view value);

} // namespace rollbook
