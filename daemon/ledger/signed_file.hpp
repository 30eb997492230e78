#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace rollbook {

// The newest signed checkpoint in a file of its own beside the ledger, `<ledger>.signed`.
//
// SQLite passes in silence over what it cannot read of a damaged write-ahead log, and a copied-back older file looks
// sound too: either way entries that were signed are gone, and signing on would begin a second history. The file is
// written after the checkpoint is durable in the ledger, so it never promises more than the ledger held.
std::filesystem::path signed_file(const std::filesystem::path& ledger);

// The note; empty when there is no such file.
std::optional<std::string> read_signed(const std::filesystem::path& ledger);

// Replaces the file as a whole. What cannot be written stays as it was: an older checkpoint is still a true one, and
// the next signature tries again.
void write_signed(const std::filesystem::path& ledger, std::string_view note) noexcept;

} // namespace rollbook
