#pragma once

#include "daemon/base/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

inline constexpr std::size_t saved_bytes_max = 4 * 1024 * 1024;

// The checkpoint notes in what somebody kept: a note as it is, the body of a witness request, a proof file, or a whole
// mail as a mail program saves it (headers, line ends of any system, quoted-printable or base64, parts of a multipart).
// Form only; nothing is verified. Fails with page_malformed when there is none, or the file is larger than 4 MiB.
result<std::vector<std::string>> checkpoints_in(std::string_view saved);

// The signature lines in such a file, each with its LF: those of checkpoints, and lines that stand alone, as a witness
// answers. Form only.
std::vector<std::string> signature_lines_in(std::string_view saved);

} // namespace rollbook
