#include "daemon/base/durable.hpp"

#include <catch2/catch.hpp>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sys/resource.h>

using namespace rollbook;

TEST_CASE("a file that cannot be replaced as a whole stays as it was", "[base]")
{
    std::string name = (std::filesystem::temp_directory_path() / "rollbook-durable-XXXXXX").string();
    const std::filesystem::path folder = ::mkdtemp(name.data());
    const std::filesystem::path file = folder / "record";
    const auto text = [&] {
        std::ifstream in(file);
        return std::string(std::istreambuf_iterator<char>(in), {});
    };
    REQUIRE(replace_durably(file, "old"));
    CHECK(text() == "old");

    // A disk with room for ten bytes.
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit ten{10, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &ten);
    const bool replaced = replace_durably(file, "longer than that");
    const int why = errno;
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);

    CHECK_FALSE(replaced);
    CHECK(why == EFBIG);
    CHECK(text() == "old");
    CHECK_FALSE(replace_durably(folder / "nowhere" / "record", "new"));
    CHECK(replace_durably(file, "new"));
    CHECK(text() == "new");
    CHECK(std::filesystem::remove_all(folder) == 2);
}
