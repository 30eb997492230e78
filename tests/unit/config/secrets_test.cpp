#include "daemon/ports/secrets.hpp"
#include "tests/unit/config/school_folder.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <sys/stat.h>

using namespace rollbook;
using Catch::Matchers::Contains;
using from = secret_reference::from;

namespace {

void write_with_mode(const school_folder& folder, const std::string& name, const std::string& text, mode_t mode)
{
    folder.write(name, text);
    REQUIRE(::chmod((folder.path() / name).c_str(), mode) == 0);
}

// Sets a variable for the length of a test.
class variable {
public:
    variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
    ~variable() { ::unsetenv(name_); }
    variable(const variable&) = delete;
    variable& operator=(const variable&) = delete;

private:
    const char* name_;
};

} // namespace

TEST_CASE("a secret's file is read without its line end", "[config]")
{
    const school_folder folder;
    const auto [text, secret] = GENERATE(table<std::string, std::string>(
        {{"hunter2\n", "hunter2"}, {"hunter2", "hunter2"}, {"hunter2\r\n", "hunter2"}, {" a b\n\n", " a b\n"}}
    ));
    write_with_mode(folder, "key", text, 0600);
    const result<std::string> got = read_secret({from::file, "key"}, folder.path());
    REQUIRE(got.has_value());
    CHECK(*got == secret);
    CHECK(read_secret({from::file, (folder.path() / "key").string()}, "/nowhere").value() == secret);
}

TEST_CASE("a secret's file that others may read or write is refused with what to do", "[config]")
{
    const school_folder folder;
    const mode_t mode = GENERATE(0640, 0604, 0620, 0602, 0644);
    write_with_mode(folder, "key", "hunter2\n", mode);
    const result<std::string> got = read_secret({from::file, "key"}, folder.path());
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().code == errc::configuration_invalid);
    CHECK_THAT(got.error().to_do, Contains("chmod 600 ") && Contains("key"));
    CHECK_THAT(got.error().what + got.error().to_do, !Contains("hunter2"));
}

TEST_CASE("a secret's file that is missing, empty, too large or no file is refused", "[config]")
{
    const school_folder folder;
    CHECK_THAT(read_secret({from::file, "none"}, folder.path()).error().what, Contains("cannot be opened"));
    CHECK_THAT(read_secret({from::file, "."}, folder.path()).error().what, Contains("not a file"));
    write_with_mode(folder, "empty", "\n", 0600);
    CHECK_THAT(read_secret({from::file, "empty"}, folder.path()).error().what, Contains("is empty"));
    write_with_mode(folder, "blank", " \t \n", 0600);
    CHECK_THAT(read_secret({from::file, "blank"}, folder.path()).error().what, Contains("is empty"));
    write_with_mode(folder, "large", std::string(64 * 1024, 'x'), 0600);
    CHECK(read_secret({from::file, "large"}, folder.path()).has_value());
    write_with_mode(folder, "larger", std::string(64 * 1024 + 1, 'x'), 0600);
    CHECK_THAT(read_secret({from::file, "larger"}, folder.path()).error().what, Contains("64 KiB"));
    REQUIRE(::mkfifo((folder.path() / "pipe").c_str(), 0600) == 0);
    CHECK_THAT(read_secret({from::file, "pipe"}, folder.path()).error().what, Contains("not a file"));
}

TEST_CASE("a secret is read from the environment", "[config]")
{
    CHECK_THAT(read_secret({from::environment, "ROLLBOOK_TEST_SECRET"}, "/").error().what, Contains("is not set"));
    const variable set("ROLLBOOK_TEST_SECRET", "hunter2");
    CHECK(read_secret({from::environment, "ROLLBOOK_TEST_SECRET"}, "/").value() == "hunter2");
}

TEST_CASE("a systemd credential is read from its folder and from nowhere else", "[config]")
{
    const school_folder folder;
    write_with_mode(folder, "web-key", "hunter2", 0440);
    ::unsetenv("CREDENTIALS_DIRECTORY");
    CHECK_THAT(read_secret({from::credential, "web-key"}, "/").error().to_do, Contains("LoadCredential=web-key"));
    const variable set("CREDENTIALS_DIRECTORY", folder.path().string());
    CHECK(read_secret({from::credential, "web-key"}, "/").value() == "hunter2");
    CHECK_FALSE(read_secret({from::credential, "../web-key"}, "/").has_value());
    CHECK_FALSE(read_secret({from::credential, ".."}, "/").has_value());
}
