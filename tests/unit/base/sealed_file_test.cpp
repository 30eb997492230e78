#include "daemon/base/sealed_file.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>

using namespace rollbook;

namespace {

namespace fs = std::filesystem;

class sealed_folder {
public:
    fs::path file() const { return folder_.path / "sealed"; }
    void write(const std::string& text, const std::vector<hash>& recipients) const
    {
        const auto out = sealed_writer::create(file(), "test/1\n", recipients).value();
        out->write(text).value();
        out->finish().value();
        out->trailer("the end\n").value();
    }

private:
    support::temporary_folder folder_;
};

result<std::string> read_all(const fs::path& file, const recipient_keys& keys)
{
    auto in = sealed_reader::open(file);
    if (!in) return in.error();
    if (!(*in)->unlock(keys)) return failure(errc::ledger_in_doubt, "not for this key");
    std::string text;
    for (;;) {
        const auto some = (*in)->next();
        if (!some) return some.error();
        if (some->empty()) break;
        text += *some;
    }
    const auto trailer = (*in)->trailer();
    if (!trailer) return trailer.error();
    if (trailer->second != "the end\n") return failure(errc::ledger_in_doubt, "another trailer");
    return text;
}

} // namespace

TEST_CASE("a sealed file is read back by each recipient and by nobody else", "[base]")
{
    const std::size_t size = GENERATE(0u, 1u, 65'535u, 65'536u, 65'537u, 200'000u);
    CAPTURE(size);
    const recipient_keys a = make_recipient(), b = make_recipient(), stranger = make_recipient();
    const std::string text(size, 'x');
    sealed_folder folder;
    folder.write(text, {a.public_key, b.public_key});
    CHECK(read_all(folder.file(), a).value() == text);
    CHECK(read_all(folder.file(), b).value() == text);
    CHECK_FALSE(read_all(folder.file(), stranger).has_value());
    CHECK(sealed_reader::open(folder.file()).value()->header() == "test/1\n");
}

TEST_CASE("a sealed file that was changed or cut anywhere is not read", "[base]")
{
    const recipient_keys a = make_recipient();
    sealed_folder folder;
    folder.write(std::string(100, 'x'), {a.public_key});
    std::ifstream in(folder.file(), std::ios::binary);
    const std::string good{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const auto write = [&](const std::string& bytes) { std::ofstream(folder.file(), std::ios::binary) << bytes; };
    for (std::size_t at = 0; at < good.size(); ++at) {
        CAPTURE(at);
        std::string bad = good;
        bad[at] ^= 4;
        write(bad);
        CHECK_FALSE(read_all(folder.file(), a).has_value());
        write(good.substr(0, at));
        CHECK_FALSE(read_all(folder.file(), a).has_value());
    }
    write(good);
    CHECK(read_all(folder.file(), a).has_value());
}

TEST_CASE("keys are read back from their text, and nothing else is a key", "[base]")
{
    const recipient_keys keys = make_recipient();
    CHECK(parse_recipient(format_recipient(keys.public_key)) == keys.public_key);
    const auto again = parse_recipient_secret(format_recipient_secret(keys) + "\n");
    REQUIRE(again);
    CHECK(again->public_key == keys.public_key);
    CHECK_FALSE(parse_recipient(format_recipient_secret(keys)));
    CHECK_FALSE(parse_recipient("rollbook-recipient:AAAA"));
    CHECK_FALSE(parse_recipient_secret(format_recipient(keys.public_key)));
}

TEST_CASE("a sealed text opens for its recipient only", "[base]")
{
    const recipient_keys a = make_recipient(), b = make_recipient();
    const std::string sealed = seal("a decision", a.public_key);
    CHECK(open_sealed(sealed, a) == "a decision");
    CHECK_FALSE(open_sealed(sealed, b));
    CHECK_FALSE(open_sealed("", a));
    CHECK_FALSE(open_sealed("AAAA", a));
}
