#include "tests/unit/base/printing.hpp"
#include "tests/unit/base/worked_example.hpp"

#include <catch2/catch.hpp>

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

// What an auditor can check with programs that are not ours: openssl and sha256sum.

using namespace rollbook;
namespace example = worked_example;

namespace {

class scratch_folder {
public:
    scratch_folder()
    {
        std::string name = (std::filesystem::temp_directory_path() / "rollbook-base-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~scratch_folder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    void put(const std::string& file, std::string_view bytes) const
    {
        std::ofstream out(path_ / file, std::ios::binary);
        out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        REQUIRE(out.flush());
    }
    struct outcome {
        int status;
        std::string output;
    };
    outcome run(const std::string& command) const
    {
        FILE* pipe = popen(("cd '" + path_.string() + "' && " + command + " 2>&1").c_str(), "r");
        REQUIRE(pipe != nullptr);
        std::string output;
        char part[256];
        while (std::fgets(part, sizeof part, pipe) != nullptr)
            output += part;
        const int status = pclose(pipe);
        return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
    }

private:
    std::filesystem::path path_;
};

// Flips one bit in the middle.
std::string mutated(std::string bytes)
{
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    return bytes;
}

scratch_folder::outcome verify_with_openssl(std::string_view text, std::string_view signature)
{
    const scratch_folder folder;
    folder.put("key.pem", public_key_pem(example::log_key().verifier()));
    folder.put("text", text);
    folder.put("sig", signature);
    return folder.run("openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in text -sigfile sig");
}

std::string hash_with_sha256sum(std::string_view leaf)
{
    const scratch_folder folder;
    folder.put("leaf", leaf);
    return folder.run("(printf '\\0'; cat leaf) | sha256sum").output.substr(0, 64);
}

std::string commit_with_openssl(std::string_view commit_key, std::string_view payload)
{
    const scratch_folder folder;
    folder.put("opening", "ledger-payload/v1\n" + std::string(payload));
    const auto [status, output] =
        folder.run("openssl dgst -sha256 -mac HMAC -macopt hexkey:" + std::string(commit_key) + " opening");
    REQUIRE(status == 0);
    return output.substr(output.rfind(' ') + 1, 64);
}

} // namespace

TEST_CASE("openssl accepts a checkpoint's signature and refuses a changed one", "[base][outside]")
{
    const auto note = parse_note(
        sign_checkpoint({"school.example/ledger-test", 3, *hash_from_hex(example::roots[2])}, example::log_key())
    );
    REQUIRE(note);
    const std::string signature(as_text(note->signatures.at(0).payload));
    REQUIRE(signature.size() == 64);
    CHECK(verify_with_openssl(note->text, signature).status == 0);
    CHECK(verify_with_openssl(mutated(note->text), signature).status == 1);
    CHECK(verify_with_openssl(note->text, mutated(signature)).status == 1);
}

TEST_CASE("sha256sum gives a leaf's hash, and another for a changed leaf", "[base][outside]")
{
    for (std::size_t i = 0; i < example::entries.size(); ++i) {
        const std::string leaf = example::leaf(i);
        CHECK(hash_with_sha256sum(leaf) == to_hex(leaf_hash(leaf)));
        CHECK(hash_with_sha256sum(mutated(leaf)) != to_hex(leaf_hash(leaf)));
    }
}

TEST_CASE("openssl opens a commitment, and not with a changed payload or key", "[base][outside]")
{
    for (const example::entry& e : example::entries) {
        const std::string committed = to_hex(commitment(*hash_from_hex(e.commit_key), e.payload));
        CHECK(commit_with_openssl(e.commit_key, e.payload) == committed);
        CHECK(commit_with_openssl(e.commit_key, mutated(std::string(e.payload))) != committed);
        std::string other_key(e.commit_key);
        other_key[10] = other_key[10] == '0' ? '1' : '0';
        CHECK(commit_with_openssl(other_key, e.payload) != committed);
    }
}
