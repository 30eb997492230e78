// rollbook-witness: the small program on the auditor's own machine.

#include "daemon/base/saved_checkpoint.hpp"
#include "daemon/witness/memory.hpp"

#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <span>

namespace rollbook::witness {
namespace {

constexpr std::string_view help = R"(NAME
       rollbook-witness - sign a school's ledger checkpoints, once each, for one history only

SYNOPSIS
       rollbook-witness init DIR --name NAME
       rollbook-witness add LOGVKEY [--dir DIR]
       rollbook-witness answer FILE|- [--dir DIR]
       rollbook-witness list [--dir DIR]

DESCRIPTION
       A witness remembers the largest checkpoint it has signed of each log it watches, and signs a
       newer one only with a proof that it extends what was signed before. A ledger that was cut
       back, changed or replaced has no such proof. The witness never sees what the entries say.

       init    Makes the folder DIR with a new key, and prints the public key: give it to the
               school, for [witness] vkeys in its configuration. NAME is like
               auditor.example/witness-1, and is never used for a second key.
       add     Watches the log with this public key, which `rollbook init` printed at the school.
               Given a further key of a log that is watched, takes that one as well.
       answer  Reads a request that `rollbook witness request` made (C2SP tlog-witness,
               add-checkpoint), checks it, stores what it is about to sign, signs, and writes the
               signature line to standard output: send it back for `rollbook witness accept`.
       list    Says which logs are watched, and the size last signed of each.

OPTIONS
       --dir DIR    The witness's folder; the one this is run in when left out.
       --help       This text.

FILES
       witness.key  The name and the secret key; readable by its owner only, or it is refused.
       witness.vkey The public key.
       log-*        One for each log: its keys, the size and the root last signed. Keep copies: a
                    witness that forgets can be shown another history.

EXIT STATUS
       0  done. 1  the request was refused; standard error says why, with the status number of
       tlog-witness: 400 unreadable, 403 not signed by the log, 404 log not known, 409 another size
       was signed last (that size is written to standard output), 422 the proof does not hold.
       2  wrong usage. 4  the folder or the disk is in doubt; nothing was signed.
)";

struct words {
    std::string command;
    std::string argument;
    std::string name;
    std::filesystem::path folder = ".";
};

std::optional<words> parse(std::span<char*> given)
{
    words out;
    for (std::size_t i = 0; i < given.size(); ++i) {
        const std::string_view word = given[i];
        const bool has_value = i + 1 < given.size();
        if (word == "--name" && has_value)
            out.name = given[++i];
        else if (word == "--dir" && has_value)
            out.folder = given[++i];
        else if (word.starts_with("-") && word != "-")
            return std::nullopt;
        else if (out.command.empty())
            out.command = word;
        else if (out.argument.empty())
            out.argument = word;
        else
            return std::nullopt;
    }
    const bool wants_argument = out.command == "init" || out.command == "add" || out.command == "answer";
    const bool known = wants_argument || out.command == "list";
    if (!known || wants_argument == out.argument.empty() || (out.command == "init") == out.name.empty())
        return std::nullopt;
    return out;
}

int fail(const failure& why)
{
    std::cerr << "rollbook-witness: " << why.what << "\n  " << why.to_do << '\n';
    return why.code == errc::usage ? 2 : 4;
}

// A request as it came by mail: line ends of another system are put right.
result<std::string> read_request(const std::string& file)
{
    std::ifstream opened;
    if (file != "-") opened.open(file, std::ios::binary);
    std::istream& in = file == "-" ? std::cin : opened;
    std::string text(saved_bytes_max + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (in.bad() || (file != "-" && !opened.is_open()) || text.size() > saved_bytes_max)
        return failure(errc::usage, "the file " + file + " cannot be read", "Give the request as it came.");
    std::string lines;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') lines += text[i];
    return lines;
}

int answer(memory& own, const std::string& file)
{
    const auto request = read_request(file);
    if (!request) return fail(request.error());
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto said = own.answer_to(
        *request, static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count())
    );
    if (!said) return fail(said.error());
    std::cout << said->body << std::flush;
    if (said->code == status::signs) return std::cout.good() ? 0 : 4;
    std::cerr << "rollbook-witness: " << static_cast<int>(said->code) << ": " << said->why << '\n';
    return 1;
}

int list(const memory& own)
{
    std::cout << "witness " << format_vkey(own.own_key()) << '\n';
    for (const seen_log& log : own.logs())
        std::cout << "log " << log.origin() << " size " << log.size << '\n';
    return 0;
}

int run(std::span<char*> given)
{
    for (const std::string_view word : given)
        if (word == "--help" || word == "-h") {
            std::cout << help;
            return 0;
        }
    const auto asked = parse(given);
    if (!asked) {
        std::cerr << "Usage: rollbook-witness init DIR --name NAME | add LOGVKEY | answer FILE|- | list  [--dir DIR]\n";
        return 2;
    }
    if (asked->command == "init") {
        const auto vkey = memory::make(asked->argument, asked->name);
        if (!vkey) return fail(vkey.error());
        std::cout << *vkey << '\n';
        return 0;
    }
    const auto own = memory::open(asked->folder);
    if (!own) return fail(own.error());
    if (asked->command == "list") return list(**own);
    if (asked->command == "answer") return answer(**own, asked->argument);
    const auto added = (*own)->add(asked->argument);
    return added ? 0 : fail(added.error());
}

} // namespace
} // namespace rollbook::witness

int main(int argc, char** argv)
{
    ::umask(0077);
    try {
        return rollbook::witness::run(std::span(argv + 1, argv + argc));
    } catch (const std::exception& e) {
        std::cerr << "rollbook-witness: stopped by an unexpected failure: " << e.what() << '\n';
        return 4;
    }
}
