// Writes the texts that a target begins from into a folder: seeds TARGET FOLDER.
#include "tests/fuzz/readers.hpp"

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>

int main(int argc, char** argv)
{
    using namespace rollbook::fuzz;
    if (argc != 3) return 2;
    const std::map<std::string, std::function<std::vector<std::string>()>> by_target = {
        {"answer", answer_seeds},
        {"backup", backup_seeds},
        {"checkpoint", checkpoint_seeds},
        {"configuration", configuration_seeds},
        {"control", control_seeds},
        {"csv", csv_seeds},
        {"ical", ical_seeds},
        {"json", json_seeds},
        {"letter", letter_seeds},
        {"log", log_seeds},
        {"mail", mail_seeds},
        {"manifest", manifest_seeds},
        {"multipart", multipart_seeds},
        {"payload", payload_seeds},
        {"pem", pem_seeds},
        {"proof", proof_seeds},
        {"request", request_seeds},
        {"sealed", sealed_seeds},
        {"sheet", sheet_seeds},
        {"singer", singer_seeds},
        {"token", token_seeds},
        {"xlsx", [] { return std::vector{workbook_of(sheet_seeds().front())}; }},
        {"xml", xml_seeds}};
    const auto known = by_target.find(argv[1]);
    if (known == by_target.end()) return 2;
    const std::vector<std::string> seeds = known->second();
    for (std::size_t i = 0; i < seeds.size(); ++i)
        std::ofstream(std::filesystem::path(argv[2]) / ("seed-" + std::to_string(i)), std::ios::binary) << seeds[i];
}
