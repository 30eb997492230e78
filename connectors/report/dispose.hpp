#pragma once

#include "connectors/report/report_file.hpp"
#include "connectors/report/settings.hpp"
#include "daemon/ports/record_mapping.hpp"

namespace rollbook {

// Does with a file that was read what the mapping says: removes it, archives it sealed and then removes it, or leaves
// it. Does nothing when another file has taken its place, and may be done again after a crash. Fails with
// source_misconfigured, and the file is still there.
//
// A sealed file is libsodium's crypto_box_seal() of the file's bytes: only who has the private key can read it.
result<void>
dispose_of(const listed_file& file, const hash& digest, after_import then, const report_settings& settings);

} // namespace rollbook
