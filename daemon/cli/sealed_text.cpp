#include "daemon/cli/sealed_text.hpp"

#include "daemon/base/bytes.hpp"
#include "daemon/base/sealed_file.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/cli/proof_files.hpp"
#include "daemon/reconcile/narrative.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <sys/stat.h>

namespace rollbook {
namespace {

// A sealed text as it was found in what was handed in, and the entry it stands in.
struct found_text {
    std::optional<entry_index> entry;
    std::string proof; // empty: of a row in quarantine
    std::vector<std::string> boxes;
};

void collect(json_view in, std::optional<entry_index> entry, std::vector<found_text>& into)
{
    in.for_each_element([&](json_view each) { collect(each, entry, into); });
    if (!in.is_object()) return;
    if (const auto index = in["index"].int_if(); index && *index >= 0) entry = static_cast<entry_index>(*index);
    if (in["sealed"].is_array()) {
        found_text found{entry, std::string(in["proof"].string_if().value_or("")), {}};
        in["sealed"].for_each_element([&](json_view each) {
            found.boxes.emplace_back(each["box"].string_if().value_or(""));
        });
        into.push_back(std::move(found));
        return;
    }
    in.for_each([&](std::string_view key, json_view value) {
        const auto packed = key == "payload" ? value.string_if() : std::nullopt;
        if (!packed) return collect(value, entry, into);
        // The exact bytes of an opening.
        const auto bytes = from_base64(*packed);
        if (!bytes) return;
        if (const auto inside = json_document::parse(std::string(bytes->begin(), bytes->end())))
            collect(inside->root(), entry, into);
    });
}

// The sealed texts in what `ledger show --json`, `ledger list --json`, an export's openings or `quarantine show` gave.
std::vector<found_text> sealed_texts_in(const std::string& text)
{
    std::vector<found_text> found;
    if (const auto whole = json_document::parse(text)) {
        collect(whole->root(), std::nullopt, found);
    } else {
        for (std::size_t from = 0; from < text.size();) {
            const std::size_t end = std::min(text.find('\n', from), text.size());
            if (const auto line = json_document::parse(text.substr(from, end - from)))
                collect(line->root(), std::nullopt, found);
            from = end + 1;
        }
    }
    if (found.empty())
        throw failure_error(failure(
            errc::not_found,
            "there is no sealed text in what was given",
            "Give what `rollbook ledger show N --json` or `rollbook ledger export --openings --concerns` wrote."
        ));
    return found;
}

recipient_keys read_key(const std::filesystem::path& file)
{
    struct stat about {};
    if (::stat(file.c_str(), &about) == 0 && (about.st_mode & 077) != 0)
        throw failure_error(failure(
            errc::usage, "the key file " + file.string() + " is open to others", "Make it its owner's alone: chmod 600."
        ));
    std::string text = read_given_file(file);
    const auto keys = parse_recipient_secret(text);
    if (keys) return *keys;
    throw failure_error(failure(
        errc::usage,
        "the file " + file.string() + " holds no recipient's key",
        "Give what `rollbook unseal keygen` made."
    ));
}

std::optional<unsealed> open_text(const found_text& found, const recipient_keys& keys)
{
    for (const std::string& box : found.boxes) {
        const auto opened = open_sealed(box, keys);
        if (!opened) continue;
        // A row in quarantine has no token: nobody proves anything with it.
        if (found.proof.empty()) return unsealed{*opened, {}};
        auto inside = read_unsealed(*opened);
        if (inside && proof_of(inside->token) == found.proof) return inside;
    }
    return std::nullopt;
}

failure not_for_this_key(std::size_t closed, std::size_t all)
{
    return failure(
        errc::not_found,
        fmt::format("{} of {} sealed texts do not open with this key", closed, all),
        "Use the key of a person or escrow that they were sealed to; `rollbook reseal` adds others."
    );
}

std::string name_of_entry(const found_text& found)
{
    return found.entry ? "Entry " + std::to_string(*found.entry) : std::string("Sealed text");
}

int take_receipt(const command_io& io, const command_options& options)
{
    const std::size_t colon = options.receipt.find(':');
    const auto index = parse_decimal(std::string_view(options.receipt).substr(0, colon));
    if (colon == std::string::npos || !index)
        throw failure_error(failure(
            errc::usage,
            "that is no receipt",
            "Give the line that `rollbook unseal FILE --key FILE` ended with: N:TOKEN."
        ));
    const std::string proof = proof_of(std::string_view(options.receipt).substr(colon + 1));
    return with_ledger(io, options, [&](const workplace& at) {
        bool fits = false;
        at.reader.entries(*index, *index + 1, [&](const entry_view& entry) {
            const auto payload = json_document::parse(std::string(entry.payload));
            fits = payload && payload->root()["fields"]["narrative"]["proof"].string_if() == proof;
            return false;
        });
        if (!fits)
            throw failure_error(failure(
                errc::not_found,
                "the receipt fits no narrative of this ledger",
                "Give the receipt of the text that was opened, and of this school's ledger."
            ));
        access_record seen;
        seen.pupil = no_entry;
        seen.view = std::string(unseal_view);
        seen.reason = fmt::format("by {}: the narrative of entry {} was opened", options.by, *index);
        io.context.record_access(at.config, seen).value();
        io.out << "Proved: the narrative of entry " << *index << " was opened with a recipient's key.\n";
        return exit_done;
    });
}

} // namespace

std::optional<instant> last_unseal(const workplace& at)
{
    std::optional<instant> last;
    at.reader.things(what::access, at.n, [&](const thing_view& each) {
        // Views are short: the few that matter are looked into.
        if (each.payload.find(unseal_view) == std::string_view::npos) return true;
        const auto payload = json_document::parse(std::string(each.payload));
        if (payload && payload->root()["view"].string_if() == unseal_view)
            last = parse_instant(payload->root()["at"].string_if().value_or(""));
        return true;
    });
    return last;
}

int run_unseal(const command_io& io, const command_options& options)
{
    if (!options.receipt.empty()) return take_receipt(io, options);
    if (options.file.empty() || options.key_file.empty())
        throw failure_error(
            failure(errc::usage, "FILE or --key is missing", "rollbook unseal FILE --key FILE; - reads standard input.")
        );
    const recipient_keys keys = read_key(options.key_file);
    const auto found = sealed_texts_in(read_given_file(options.file));
    std::size_t closed = 0;
    std::string receipt;
    for (const found_text& each : found) {
        const auto inside = open_text(each, keys);
        if (!inside) {
            ++closed;
            continue;
        }
        io.out << name_of_entry(each) << ":\n" << inside->text << "\n\n";
        if (each.entry && !inside->token.empty()) receipt = std::to_string(*each.entry) + ":" + inside->token;
    }
    if (!receipt.empty())
        io.out << "That this key opens them is proved on the school's server by:\n"
               << "rollbook unseal --by NAME --receipt " << receipt << '\n';
    if (closed == 0) return exit_done;
    print_failure(io.err, not_for_this_key(closed, found.size()));
    return exit_wrong;
}

int run_unseal_keygen(const command_io& io, const command_options& options)
{
    const std::string recipient = io.context.make_recipient(options.file).value();
    io.out << "Made " << plain(options.file.string())
           << ". Keep it on this machine, and a copy where it cannot be lost.\n"
           << "Put this public key into [sealed_text] on the school's server:\n"
           << recipient << '\n';
    return exit_done;
}

int run_reseal(const command_io& io, const command_options& options)
{
    if (options.key_file.empty()) {
        return with_configuration(io, options, [&](const configuration& config) {
            upkeep_request request;
            request.command = upkeep_request::kind::reseal;
            request.file = std::filesystem::absolute(options.file);
            request.by = options.by;
            const upkeep_report report = io.context.upkeep(config, request, {}).value();
            for (const std::string& line : report.lines)
                io.out << plain(line) << '\n';
            return report.ok ? exit_done : exit_wrong;
        });
    }
    std::vector<hash> recipients;
    for (const std::string& text : options.recipients) {
        const auto key = parse_recipient(text);
        if (!key)
            throw failure_error(failure(
                errc::usage, "--recipient is no recipient's public key", "Give each that [sealed_text] will name."
            ));
        recipients.push_back(*key);
    }
    if (recipients.size() < 3 || options.out.empty())
        throw failure_error(failure(
            errc::usage,
            "a narrative needs two people and an escrow, and --out a file",
            "Give --recipient three times or more, for each key that [sealed_text] will name, and --out FILE."
        ));
    const recipient_keys keys = read_key(options.key_file);
    const auto found = sealed_texts_in(read_given_file(options.file));
    std::ranges::sort(recipients, {}, [](const hash& key) { return format_recipient(key); });
    std::string lines;
    std::size_t closed = 0, done = 0;
    for (const found_text& each : found) {
        if (!each.entry || each.proof.empty()) continue;
        const auto inside = open_text(each, keys);
        if (!inside) {
            ++closed;
            continue;
        }
        json_writer out(lines);
        out.begin_object().member("index", *each.entry).member("proof", each.proof).key("sealed").begin_array();
        for (const hash& recipient : recipients)
            out.begin_object()
                .member("box", seal(unsealed_text(*inside), recipient))
                .member("recipient", format_recipient(recipient))
                .end_object();
        out.end_array().end_object();
        lines += '\n';
        ++done;
    }
    write_proof_file(options.out, lines);
    io.out << done << " narratives sealed anew. Take " << plain(options.out.string())
           << " to the school's server: rollbook reseal FILE --by NAME\n";
    if (closed == 0) return exit_done;
    print_failure(io.err, not_for_this_key(closed, found.size()));
    return exit_wrong;
}

} // namespace rollbook
