#pragma once

#include <string>

namespace rollbook {

// A manifest to begin with: it keeps the schema, and its comments say what to put where.
std::string manifest_skeleton(const std::string& name);

} // namespace rollbook
