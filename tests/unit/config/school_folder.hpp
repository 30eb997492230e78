#pragma once

#include "daemon/config/load.hpp"

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

namespace rollbook {

// All problems as one text; empty when the configuration loads.
inline std::string problems_of(const loaded_configuration& loaded)
{
    std::string out;
    if (!loaded)
        for (const std::string& line : loaded.error().lines())
            out += line + "\n";
    return out;
}

// The three example files of the outside contract, as they stand there, in a folder of their own that goes when the
// test ends. A test changes the texts and loads.
class school_folder {
public:
    school_folder()
        : main(read(fixtures() / "contract.toml")), calendar(read(fixtures() / "calendar.toml")),
          mapping(read(fixtures() / "cpoms-mapping.toml")),
          path_(std::filesystem::temp_directory_path() / ("rollbook-config-" + std::to_string(std::random_device{}())))
    {
        std::filesystem::create_directories(path_);
    }
    ~school_folder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    school_folder(const school_folder&) = delete;
    school_folder& operator=(const school_folder&) = delete;

    const std::filesystem::path& path() const { return path_; }

    static std::filesystem::path packs() { return std::filesystem::path(ROLLBOOK_SOURCE_DIR) / "schemas/rules"; }

    void write(const std::string& name, const std::string& text) const
    {
        std::ofstream(path_ / name, std::ios::binary | std::ios::trunc) << text;
    }

    loaded_configuration load(const std::filesystem::path& from = packs()) const
    {
        write("rollbook.toml", main);
        write("calendar.toml", calendar);
        write("cpoms-mapping.toml", mapping);
        return load_configuration(path_ / "rollbook.toml", from);
    }

    std::string main;
    std::string calendar;
    std::string mapping;

private:
    static std::filesystem::path fixtures()
    {
        return std::filesystem::path(ROLLBOOK_SOURCE_DIR) / "tests/unit/config/fixtures";
    }
    static std::string read(const std::filesystem::path& file)
    {
        std::ifstream in(file, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), {});
    }

    std::filesystem::path path_;
};

} // namespace rollbook
