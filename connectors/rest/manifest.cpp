#include "connectors/rest/manifest.hpp"

#include "connectors/rest/json_check.hpp"
#include "connectors/rest/manifest_reader.hpp"
#include "daemon/base/json.hpp"
#include "daemon/base/sha256.hpp"

#include <map>

namespace rollbook {

namespace fs = std::filesystem;

const setting_spec* manifest::setting(std::string_view name) const
{
    for (const setting_spec& s : spec)
        if (s.name == name) return &s;
    return nullptr;
}

result<manifest> read_manifest(const std::string& text, const fs::path& file, const fs::path& schemas)
{
    const auto schema = read_text_file(schemas / "manifest.schema.json");
    if (!schema) return schema.error();
    const auto lines = check_json(text, *schema, file);
    if (!lines) return lines.error();
    const auto document = json_document::parse(text);
    if (!document)
        return failure(errc::configuration_invalid, file.string() + ": " + document.error().what, "Correct the file.");
    auto read = manifest_reader(file, schemas, *lines).read(document->root());
    if (read) read->sha256 = to_hex(sha256(as_bytes(text)));
    return read;
}

result<manifest> load_manifest(const fs::path& file, const fs::path& schemas)
{
    const auto text = read_text_file(file);
    if (!text) return text.error();
    return read_manifest(*text, file, schemas);
}

result<manifest> find_manifest(std::string_view name_or_path, const manifest_places& places)
{
    if (name_or_path.find('/') != name_or_path.npos) return load_manifest(fs::path(name_or_path), places.schemas);
    std::string searched;
    for (const fs::path& folder : places.folders) {
        const fs::path file = folder / (std::string(name_or_path) + ".json");
        std::error_code none;
        if (fs::exists(file, none)) return load_manifest(file, places.schemas);
        searched += (searched.empty() ? "" : ", ") + folder.string();
    }
    return failure(
        errc::configuration_invalid,
        "connector \"" + std::string(name_or_path) + "\": there is no such manifest",
        "Name a manifest in " + searched + ", or give the path of one."
    );
}

std::vector<fs::path> manifest_files(const manifest_places& places)
{
    std::map<std::string, fs::path> found;
    for (const fs::path& folder : places.folders) {
        std::error_code none;
        for (const fs::directory_entry& entry : fs::directory_iterator(folder, none))
            if (entry.path().extension() == ".json") found.emplace(entry.path().stem().string(), entry.path());
    }
    std::vector<fs::path> out;
    for (const auto& [name, file] : found)
        out.push_back(file);
    return out;
}

} // namespace rollbook
