#pragma once

#include "daemon/base/json.hpp"
#include "daemon/domain/rule.hpp"

namespace rollbook {

// The flags that a pupil's record lists; those that no rule can name are passed over.
flag_set flags_in(json_view list);

} // namespace rollbook
