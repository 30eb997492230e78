#include "tests/fuzz/readers.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    rollbook::fuzz::read_log(std::string_view(reinterpret_cast<const char*>(data), size));
    return 0;
}
