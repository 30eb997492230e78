#pragma once

#include "daemon/base/error.hpp"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace rollbook::support {

// A folder of its own for a test, gone with this object.
class temporary_folder {
public:
    temporary_folder()
    {
        std::string name = (std::filesystem::temp_directory_path() / "rollbook-XXXXXX").string();
        ROLLBOOK_ENSURE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~temporary_folder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;

    std::filesystem::path path;
};

} // namespace rollbook::support
