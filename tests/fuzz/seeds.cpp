// Writes the texts that a target begins from into a folder: seeds TARGET FOLDER.
#include "tests/fuzz/readers.hpp"

#include <filesystem>
#include <fstream>

int main(int argc, char** argv)
{
    using namespace rollbook::fuzz;
    if (argc != 3) return 2;
    const std::string target = argv[1];
    const std::vector<std::string> seeds = target == "csv"         ? csv_seeds()
                                           : target == "xml"       ? xml_seeds()
                                           : target == "sheet"     ? sheet_seeds()
                                           : target == "singer"    ? singer_seeds()
                                           : target == "json"      ? json_seeds()
                                           : target == "manifest"  ? manifest_seeds()
                                           : target == "request"   ? request_seeds()
                                           : target == "multipart" ? multipart_seeds()
                                                                   : std::vector{workbook_of(sheet_seeds().front())};
    for (std::size_t i = 0; i < seeds.size(); ++i)
        std::ofstream(std::filesystem::path(argv[2]) / ("seed-" + std::to_string(i)), std::ios::binary) << seeds[i];
}
