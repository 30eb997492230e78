#include "daemon/cli/proof_files.hpp"

#include "daemon/base/saved_checkpoint.hpp"

#include <fstream>
#include <iostream>

namespace rollbook {
namespace {

failure wrong_file(const std::filesystem::path& file, std::string_view what, std::string to_do)
{
    return failure(errc::usage, "the file " + file.string() + " " + std::string(what), std::move(to_do));
}

} // namespace

std::string read_given_file(const std::filesystem::path& file)
{
    std::ifstream opened;
    if (file != "-") opened.open(file, std::ios::binary);
    std::istream& in = file == "-" ? std::cin : opened;
    std::string text(saved_bytes_max + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad() || (file != "-" && !opened.is_open()))
        throw failure_error(wrong_file(file, "cannot be read", "Give a file that this user may read."));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.size() > saved_bytes_max)
        throw failure_error(wrong_file(file, "is larger than any that holds a proof", "Give the file itself."));
    return text;
}

std::string read_proof_file(const std::filesystem::path& file)
{
    const auto found = checkpoints_in(read_given_file(file));
    if (!found) throw failure_error(wrong_file(file, "cannot be used: " + found.error().what, found.error().to_do));
    if (found->size() > 1)
        throw failure_error(wrong_file(file, "holds more than one checkpoint", "Give a file with one of them."));
    return found->front();
}

void write_proof_file(const std::filesystem::path& file, std::string_view text)
{
    const std::filesystem::path scratch = file.string() + ".writing";
    {
        std::ofstream out(scratch, std::ios::binary | std::ios::trunc);
        out << text;
        out.close();
        if (!out.good())
            throw failure_error(wrong_file(file, "cannot be written", "Check the folder's permissions and free space.")
            );
    }
    std::error_code failed;
    std::filesystem::rename(scratch, file, failed);
    if (failed) throw failure_error(wrong_file(file, "cannot be written: " + failed.message(), "Check the folder."));
}

failure no_checkpoint_yet()
{
    return failure(
        errc::not_found, "the ledger has no signed checkpoint yet", "`rollbook poll` signs one when it is done."
    );
}

} // namespace rollbook
