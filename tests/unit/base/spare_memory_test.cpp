#include "daemon/base/spare_memory.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <string>
#include <vector>

using namespace rollbook;

namespace {

// Kilobytes, of a line of /proc/self/status.
long memory_of(const std::string& name)
{
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(name + ":")) return std::stol(line.substr(name.size() + 1));
    return -1;
}

} // namespace

TEST_CASE("the program goes on as it was after it let go of the memory that it does not use", "[base]")
{
    const std::vector<std::string> kept(1'000, std::string(100, 'k'));
    const long before = memory_of("RssFile");
    let_go_of_spare_memory();
    const long after = memory_of("RssFile");
    CHECK(before > 0);
    CHECK(after > 0);
    CHECK(after < before * 3 / 4);
    CHECK(kept == std::vector<std::string>(1'000, std::string(100, 'k')));
}
