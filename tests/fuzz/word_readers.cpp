#include "daemon/base/bytes.hpp"
#include "daemon/base/canonical_json.hpp"
#include "daemon/base/certificate.hpp"
#include "daemon/base/error.hpp"
#include "daemon/base/events.hpp"
#include "daemon/base/json.hpp"
#include "daemon/base/time.hpp"
#include "daemon/base/utf8.hpp"
#include "daemon/cases/letter.hpp"
#include "tests/fuzz/readers.hpp"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ui.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>

namespace rollbook::fuzz {
namespace {

constexpr std::size_t events = 0
#define ROLLBOOK_EVENT(id, level, text, to_do) +1
#include "daemon/base/events.def"
#undef ROLLBOOK_EVENT
    ;

bool is_control(char c)
{
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

// What a line of a log may be made of, wherever that is shown.
void check_log_line(std::string_view line)
{
    ROLLBOOK_ENSURE(is_valid_utf8(line) && std::ranges::none_of(line, is_control));
    for (std::size_t at = line.find('\xC2'); at != line.npos; at = line.find('\xC2', at + 1))
        ROLLBOOK_ENSURE(static_cast<unsigned char>(line[at + 1]) >= 0xA0);
}

const letter_words& example_words()
{
    static const letter_words words = {
        {"dates", "Monday\nTuesday"}, {"pupil", "Ana O'Neill"}, {"school", "St Example's"}, {"to", "20 November 2026"}};
    return words;
}

std::string without_spaces(std::string_view text)
{
    std::string out(text);
    std::erase(out, ' ');
    return out;
}

// Whoever reads a file of the school's has nobody to ask for a password.
int ask_nobody(UI*)
{
    ROLLBOOK_ENSURE(false);
    return 0;
}

UI_METHOD* asks_nobody()
{
    UI_METHOD* const method = UI_create_method("nobody");
    UI_method_set_opener(method, ask_nobody);
    return method;
}

// The names of the certificate that is asked for.
std::vector<std::string> names_in(const std::string& request)
{
    const std::unique_ptr<BIO, decltype(&BIO_free)> in(
        BIO_new_mem_buf(request.data(), static_cast<int>(request.size())), BIO_free
    );
    const std::unique_ptr<X509_REQ, decltype(&X509_REQ_free)> read(
        PEM_read_bio_X509_REQ(in.get(), nullptr, nullptr, nullptr), X509_REQ_free
    );
    ROLLBOOK_ENSURE(read != nullptr);
    STACK_OF(X509_EXTENSION)* extensions = X509_REQ_get_extensions(read.get());
    auto* found = static_cast<GENERAL_NAMES*>(X509V3_get_d2i(extensions, NID_subject_alt_name, nullptr, nullptr));
    ROLLBOOK_ENSURE(found != nullptr);
    std::vector<std::string> names;
    for (int i = 0; i < sk_GENERAL_NAME_num(found); ++i) {
        int type = 0;
        const auto* text =
            static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(found, i), &type));
        ROLLBOOK_ENSURE(type == GEN_DNS);
        names.emplace_back(
            reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
            static_cast<std::size_t>(ASN1_STRING_length(text))
        );
    }
    GENERAL_NAMES_free(found);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return names;
}

} // namespace

void read_log(std::string_view bytes)
{
    if (bytes.empty()) return;
    const auto e = static_cast<event>(static_cast<unsigned char>(bytes[0]) % events);
    bytes.remove_prefix(1);
    static const instant at = *parse_instant("2026-11-20T14:05:00.250Z");
    const std::string text = event_line(e, bytes, log_format::text, at);
    const std::string prefix = "rollbook: " + std::string(describe(e).id) + ": ";
    check_log_line(text);
    ROLLBOOK_ENSURE(text.starts_with(prefix));
    const std::string said = text.substr(prefix.size());
    // What can stand in a line stands in it, and nothing else does.
    if (is_valid_utf8(bytes) && std::ranges::none_of(bytes, is_control) && bytes.find("\xC2") == bytes.npos)
        ROLLBOOK_ENSURE(said == bytes);
    ROLLBOOK_ENSURE(said.size() <= bytes.size());

    const std::string json = event_line(e, bytes, log_format::json, at);
    check_log_line(json);
    const auto document = json_document::parse(json);
    ROLLBOOK_ENSURE(document.has_value());
    const json_view root = document->root();
    ROLLBOOK_ENSURE(root["event"].string_if() == describe(e).id && root["text"].string_if() == said);
    ROLLBOOK_ENSURE(root["at"].string_if() == "2026-11-20T14:05:00.250Z");
    ROLLBOOK_ENSURE(root["to_do"].is_string() == (describe(e).level != event_level::info));
}

void read_letter(std::string_view bytes)
{
    const auto letter = fill_letter(bytes, example_words());
    letter_words names;
    for (const auto& [word, value] : example_words())
        names[word] = "{{" + word + "}}";
    const auto same = fill_letter(bytes, names);
    ROLLBOOK_ENSURE(letter.has_value() == same.has_value());
    if (!letter) {
        const failure& why = letter.error();
        ROLLBOOK_ENSURE(why.code == errc::usage && why.what.starts_with("line "));
        const std::string_view number(why.what.data() + 5, why.what.find(' ', 5) - 5);
        const auto line = parse_decimal(number);
        const auto ends = static_cast<std::uint64_t>(std::ranges::count(bytes, '\n'));
        ROLLBOOK_ENSURE(line && *line >= 1 && *line <= ends + 1);
        for (const auto& [word, value] : example_words())
            ROLLBOOK_ENSURE(why.to_do.find(word) != std::string::npos);
        return;
    }
    // No gap is left in it, and nothing that the school wrote is lost.
    ROLLBOOK_ENSURE(letter->find("{{") == std::string::npos);
    ROLLBOOK_ENSURE(without_spaces(*same) == without_spaces(bytes));
}

void read_pem(std::string_view bytes)
{
    static const UI_METHOD* const nobody = asks_nobody();
    UI_set_default_method(nobody);
    const auto ends = certificate_ends(bytes);
    // It is written on a page and compared with today.
    if (ends) ROLLBOOK_ENSURE(parse_instant(format_instant(*ends)) == ends);
    if (ends) ROLLBOOK_ENSURE(bytes.find("-----BEGIN ") != bytes.npos);

    // Whatever somebody typed for a name, a certificate is asked for that name and for no other.
    constexpr std::size_t name_bytes_max = 100;
    const std::string name(bytes.substr(0, name_bytes_max));
    if (bytes.size() <= name_bytes_max)
        ROLLBOOK_ENSURE(names_in(make_certificate_request(name).request) == std::vector{name});
}

std::vector<std::string> log_seeds()
{
    return {
        "\1mis: the source answered with status 503",
        std::string("\2") + "a\n<3>rollbook: backup_failed: \x1b[2J\r\n\"quoted\"\\",
        "\3caf\xC3\xA9 \xC2\x9B"
        "2J \xE2\x80\xA8 \xFF\xC2",
        std::string("\4\0\x7F{}", 5)};
}

std::vector<std::string> letter_seeds()
{
    return {
        "Dear parents,\n{{pupil}} of {{ school }} missed:\n{{dates}}\nby {{to}}.\n",
        "a { brace } }} and {{  pupil  }}{{to}}\r\n",
        "one\ntwo {{upn}}\n",
        "{{pupil}} {{",
        "{{{pupil}}}"};
}

std::vector<std::string> pem_seeds()
{
    // Made with openssl req -x509 -newkey ed25519 -nodes -subj /CN=rollbook.example.sch.uk -days 397.
    const std::string certificate = R"(-----BEGIN CERTIFICATE-----
MIIBWTCCAQugAwIBAgIUdpUeKBH3mLJVgklunlYSHeSJ9Z4wBQYDK2VwMCIxIDAe
BgNVBAMMF3JvbGxib29rLmV4YW1wbGUuc2NoLnVrMB4XDTI2MTEyODA1MDQyOFoX
DTI3MTIzMDA1MDQyOFowIjEgMB4GA1UEAwwXcm9sbGJvb2suZXhhbXBsZS5zY2gu
dWswKjAFBgMrZXADIQAlrhsl/unVDw8LYTQ4vZfORF76W7KRQb0OP1Zh3pyS66NT
MFEwHQYDVR0OBBYEFB2gW9ZVj69tav9zoUspVhD2k3bEMB8GA1UdIwQYMBaAFB2g
W9ZVj69tav9zoUspVhD2k3bEMA8GA1UdEwEB/wQFMAMBAf8wBQYDK2VwA0EAykvL
dgZXyUECjN7xKv/3e2oPK2MyMGubAxWOwoEEEizOUTYi85/RiTx6o7zWmM8ZGilO
rHHTBgFTypQwLhKzAQ==
-----END CERTIFICATE-----
)";
    std::string encrypted = certificate;
    encrypted.insert(
        encrypted.find('\n') + 1, "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
    );
    return {
        certificate,
        "Subject: CN = x\r\n" + certificate + certificate,
        make_certificate_request("rollbook.example.sch.uk").request,
        encrypted,
        "rollbook.example.sch.uk",
        "rollbook.example.sch.uk,IP:10.0.0.1",
        "r\xC3\xB6"
        "ll.example, "};
}

} // namespace rollbook::fuzz
