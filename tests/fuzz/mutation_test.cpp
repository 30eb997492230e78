#include "tests/fuzz/readers.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <random>

using namespace rollbook::fuzz;

namespace {

// Changes a text in one to eight places, as a bad disk, a bad program or a bad person would: always the same ways for
// the same dice.
std::string spoilt(std::string text, const std::vector<std::string>& others, std::mt19937& dice)
{
    const auto below = [&](std::size_t n) { return n == 0 ? 0 : dice() % n; };
    using namespace std::string_view_literals;
    constexpr std::string_view odd = "\0\xFF\"\"\r\n,;<>&/\\{}[]':="sv;
    for (std::size_t changes = 1 + below(8); changes > 0; --changes) {
        const std::size_t at = below(text.size() + 1);
        switch (below(7)) {
        case 0: text.resize(at); break;
        case 1: text.insert(at, 1, odd[below(odd.size())]); break;
        case 2:
            if (at < text.size()) text[at] = static_cast<char>(dice());
            break;
        case 3: text.erase(at, below(20)); break;
        case 4: text.insert(at, text.substr(below(text.size()), below(200))); break;
        case 5: {
            const std::string& other = others[below(others.size())];
            text.insert(at, other.substr(below(other.size()), below(100)));
            break;
        }
        default: text.insert(at, std::string(below(3'000), odd[below(odd.size())]));
        }
    }
    return text;
}

void spoil_and_read(const std::vector<std::string>& seeds, void (*read)(std::string_view), std::size_t times)
{
    for (const std::string& seed : seeds)
        read(seed);
    std::mt19937 dice(20251121); // NOLINT: the same every time
    for (std::size_t i = 0; i < times; ++i) {
        const std::string text = spoilt(seeds[dice() % seeds.size()], seeds, dice);
        CAPTURE(i);
        read(text);
    }
    SUCCEED(); // the program is still there
}

} // namespace

// A reader that breaks a promise stops the program (ROLLBOOK_ENSURE), or is stopped by a sanitizer.
TEST_CASE("no spoilt CSV breaks its reader", "[fuzz]")
{
    spoil_and_read(csv_seeds(), read_csv, 3'000);
}

TEST_CASE("no spoilt XML breaks its reader", "[fuzz]")
{
    spoil_and_read(xml_seeds(), read_xml, 5'000);
}

TEST_CASE("no spoilt sheet breaks its reader", "[fuzz]")
{
    spoil_and_read(sheet_seeds(), read_sheet, 2'000);
}

TEST_CASE("no spoilt workbook breaks its reader", "[fuzz]")
{
    spoil_and_read({workbook_of(sheet_seeds().front())}, read_xlsx, 2'000);
}

TEST_CASE("no spoilt output of a tap breaks its reader", "[fuzz]")
{
    spoil_and_read(singer_seeds(), read_singer, 5'000);
}

TEST_CASE("no spoilt manifest breaks its reader", "[fuzz]")
{
    spoil_and_read(manifest_seeds(), read_manifest, 200);
}

TEST_CASE("no spoilt answer of a REST source breaks its reader", "[fuzz]")
{
    spoil_and_read(json_seeds(), read_json, 5'000);
}

TEST_CASE("a spoilt form with a file says the same in pieces as at once, or is refused in both", "[fuzz]")
{
    spoil_and_read(multipart_seeds(), read_multipart, 20'000);
}

TEST_CASE("no spoilt request breaks its taking apart", "[fuzz]")
{
    spoil_and_read(request_seeds(), read_request, 20'000);
}

TEST_CASE(
    "no spoilt file of a school breaks the configuration's reader, has it repeat a secret or load what is not sound",
    "[fuzz]"
)
{
    spoil_and_read(configuration_seeds(), read_configuration, 1'000);
}

TEST_CASE("whatever calendar was published, what is drafted from it is a calendar", "[fuzz]")
{
    spoil_and_read(ical_seeds(), read_ical, 1'000);
}

TEST_CASE("no spoilt checkpoint is taken for what its log signed", "[fuzz]")
{
    spoil_and_read(checkpoint_seeds(), read_checkpoint, 5'000);
}

TEST_CASE("no spoilt proof proves anything, and no spoilt request has a witness sign two histories", "[fuzz]")
{
    spoil_and_read(proof_seeds(), read_proof, 3'000);
}

TEST_CASE("a spoilt backup says what was backed up, or nothing", "[fuzz]")
{
    spoil_and_read(sealed_seeds(), read_sealed, 3'000);
}

TEST_CASE("no spoilt request to the daemon says more than one thing", "[fuzz]")
{
    spoil_and_read(control_seeds(), read_control, 20'000);
}

TEST_CASE("of a spoilt mail that came back nothing is taken but an id and a status", "[fuzz]")
{
    spoil_and_read(mail_seeds(), read_mail, 10'000);
}

TEST_CASE("what is read of a spoilt payload can be written as the next version of the same thing", "[fuzz]")
{
    spoil_and_read(payload_seeds(), read_payload, 4'000);
}

TEST_CASE(
    "whatever a source answers, its credentials stay at home, its list ends and its wait is no longer than a day",
    "[fuzz]"
)
{
    spoil_and_read(answer_seeds(), read_answer, 10'000);
}

TEST_CASE("a token that was given is one line, and is asked for once", "[fuzz]")
{
    spoil_and_read(token_seeds(), read_token, 3'000);
}

TEST_CASE("a letter goes out without a gap and with every word of the school's, or not at all", "[fuzz]")
{
    spoil_and_read(letter_seeds(), read_letter, 20'000);
}

TEST_CASE(
    "no spoilt certificate is given a day on which it ends that cannot be shown, or asks for a password", "[fuzz]"
)
{
    spoil_and_read(pem_seeds(), read_pem, 10'000);
}

TEST_CASE("whatever text comes in, an event is one line of the log", "[fuzz]")
{
    spoil_and_read(log_seeds(), read_log, 20'000);
}

TEST_CASE("of a spoilt backup, or beside a spoilt journal, a ledger is restored that verifies, or none", "[fuzz]")
{
    spoil_and_read(backup_seeds(), read_backup, 300);
}
