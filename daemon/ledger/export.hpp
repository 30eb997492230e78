#pragma once

#include "daemon/ports/ledger_export.hpp"

namespace rollbook {

// Writes the ledger as a static log (C2SP tlog-tiles): `checkpoint`, `tile/L/N`, `tile/entries/N`; with openings,
// `openings.ndjson`. The checkpoint is the newest that is kept as exported (keep_reason), and comes last: until it is
// there the folder is the earlier export.
//
// Every hash is made again from the entries; the folder gets the checkpoint only when they give its root. Memory does
// not grow with the ledger, and no read of it is long. Fails with ledger_in_doubt when the ledger is not what was
// signed or does not extend the export that is there, with not_found when nothing was signed for export, and with
// usage when the folder cannot be written.
result<export_report> export_ledger(const std::filesystem::path& ledger, const export_request& request);

} // namespace rollbook
