#include "daemon/base/bytes.hpp"
#include "daemon/base/saved_checkpoint.hpp"
#include "daemon/base/signed_note.hpp"
#include "tests/unit/base/worked_example.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;

namespace {

std::string with_crlf(std::string_view text)
{
    std::string out;
    for (const char c : text)
        out += c == '\n' ? std::string("\r\n") : std::string(1, c);
    return out;
}

// As a strict encoder writes it: lines of 76 with soft breaks.
std::string as_quoted_printable(std::string_view text)
{
    std::string out;
    std::size_t column = 0;
    for (const char c : text) {
        std::string one(1, c);
        if (static_cast<unsigned char>(c) >= 0x80 || c == '=') one = "=" + to_hex(as_bytes(std::string_view(&c, 1)));
        if (one.size() == 3)
            for (char& digit : one)
                if (digit >= 'a' && digit <= 'f') digit = static_cast<char>(digit - 32);
        if (c == '\n') {
            column = 0;
        } else if (column + one.size() > 75) {
            out += "=\n";
            column = 0;
        }
        column += one.size();
        out += one;
    }
    return out;
}

std::string as_folded_base64(std::string_view text)
{
    const std::string all = to_base64(as_bytes(text));
    std::string out;
    for (std::size_t at = 0; at < all.size(); at += 76)
        out += all.substr(at, 76) + "\n";
    return out;
}

const std::string saved_note(worked_example::checkpoint_at_3);
const std::string saved_body =
    "The newest checkpoint of the ledger of a school.\nKeep this mail.\n\n" + saved_note + "\nRollbook\n";
const std::string saved_headers =
    "Received: from a by b\n\tfor c; Tue, 1 Sep 2026 20:00:00 +0000\nSubject: Checkpoint\n"
    "Mime-Version: 1.0\n";

} // namespace

TEST_CASE("a checkpoint is found in whatever it was kept in", "[base][note]")
{
    const std::string text = "Content-Type: text/plain; charset=utf-8\n";
    const auto [why, saved] = GENERATE_COPY(table<std::string, std::string>({
        {"itself", saved_note},
        {"with line ends of another system", with_crlf(saved_note)},
        {"with empty lines behind it", saved_note + "\n\n"},
        {"text around it", saved_body},
        {"a mail of eight bits", saved_headers + text + "Content-Transfer-Encoding: 8bit\n\n" + saved_body},
        {"a quoted-printable mail",
         saved_headers + text + "Content-Transfer-Encoding: quoted-printable\n\n" + as_quoted_printable(saved_body)},
        {"the same with CRLF",
         with_crlf(
             saved_headers + text + "Content-Transfer-Encoding: Quoted-Printable\n\n" + as_quoted_printable(saved_body)
         )},
        {"a base64 mail",
         saved_headers + text + "Content-Transfer-Encoding: base64\n\n" + as_folded_base64(saved_body)},
        {"a mail from an mbox",
         "From rollbook Tue Sep  1 20:00:00 2026\n" + saved_headers + text + "Content-Transfer-Encoding: base64\n\n" +
             as_folded_base64(with_crlf(saved_body))},
        {"a part of a mail",
         saved_headers + "Content-Type: multipart/mixed;\n boundary=\"=_b 1\"\n\nFor old programs.\n--=_b 1\n" + text +
             "\nHello\n--=_b 1\n" + text + "Content-Transfer-Encoding: base64\n\n" + as_folded_base64(saved_body) +
             "--=_b 1--\n"},
        {"a part of a part",
         saved_headers + "Content-Type: multipart/mixed; boundary=outer\n\n--outer\n" +
             "Content-Type: multipart/alternative; boundary=inner\n\n--inner\n" + text +
             "Content-Transfer-Encoding: quoted-printable\n\n" + as_quoted_printable(saved_body) +
             "--inner--\n--outer--\n"},
    }));
    CAPTURE(why, saved);
    const auto found = checkpoints_in(saved);
    REQUIRE(found.has_value());
    REQUIRE(found->size() == 1);
    CHECK(open_checkpoint(found->front(), worked_example::log_key().verifier()).has_value());
    if (why != "itself") CHECK(found->front() == saved_note);
}

TEST_CASE("a witness request, a proof file and a mail with two checkpoints hold theirs", "[base][note]")
{
    const std::string request(worked_example::witness_request);
    const std::string proof(worked_example::proof_file);
    const verifier_key log = worked_example::log_key().verifier();
    CHECK(open_checkpoint(checkpoints_in(request)->front(), log)->point.size == 5);
    const auto cosigned = checkpoints_in(proof)->front();
    CHECK(parse_note(cosigned)->signatures.size() == 2);
    CHECK(checkpoints_in(saved_body + "\n" + cosigned)->size() == 2);
}

TEST_CASE("what holds no checkpoint is refused, and nothing is invented", "[base][note]")
{
    const auto saved = GENERATE_COPY(
        as<std::string>(),
        "",
        "no checkpoint",
        saved_headers,
        saved_headers + "\n",
        saved_headers + "Content-Transfer-Encoding: base64\n\n!!!!\n",
        saved_headers + "Content-Type: multipart/mixed; boundary=x\n\n--x",
        saved_headers + "Content-Type: multipart/mixed; boundary=\"\n\n" + saved_note,
        saved_note.substr(0, saved_note.find("\n\n") + 2)
    );
    CAPTURE(saved);
    const auto found = checkpoints_in(saved);
    if (found)
        for (const std::string& each : *found)
            CHECK(open_checkpoint(each, worked_example::log_key().verifier()).has_value());
    else
        CHECK(found.error().code == errc::page_malformed);
    CHECK_FALSE(checkpoints_in(std::string(saved_bytes_max + 1, 'x')).has_value());
}

TEST_CASE("any changed letter of a saved mail gives the signed checkpoint or none that verifies", "[base][note]")
{
    const std::string mail =
        saved_headers + "Content-Transfer-Encoding: quoted-printable\n\n" + as_quoted_printable(saved_body);
    const verifier_key log = worked_example::log_key().verifier();
    for (std::size_t at = 0; at < mail.size(); ++at) {
        std::string changed = mail;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        CAPTURE(at);
        const auto found = checkpoints_in(changed);
        if (!found) continue;
        for (const std::string& each : *found)
            if (const auto opened = open_checkpoint(each, log)) REQUIRE(each == saved_note);
    }
}
