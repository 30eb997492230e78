#pragma once

#include "daemon/base/error.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// The line of each value of a JSON text, by its JSON pointer (RFC 6901).
using json_lines = std::map<std::string, int, std::less<>>;

// Holds a JSON text against a draft-04 schema. Fails with configuration_invalid, naming `file`, the line and the key.
// The schema itself is trusted: it comes with the program.
result<json_lines> check_json(std::string_view text, std::string_view schema, const std::filesystem::path& file);

// The failure of one key of `file`, as check_json() words it.
failure wrong_key(
    const std::filesystem::path& file,
    const json_lines& lines,
    std::string_view pointer,
    std::string_view what,
    std::string_view to_do
);

// The whole file. Fails with configuration_invalid.
result<std::string> read_text_file(const std::filesystem::path& file);

} // namespace rollbook
