#include "connectors/report/settings.hpp"

#include "daemon/ports/record_mapping.hpp"

namespace rollbook {

namespace {

class settings_reader {
public:
    settings_reader(const source_configuration& source, std::filesystem::path base)
        : source_(source), base_(std::move(base))
    {
    }

    report_settings read()
    {
        for (const auto& [key, value] : source_.settings)
            if (key != "folder" && key != "archive_folder" && key != "archive_public_key")
                wrong(
                    key,
                    value.line,
                    "is not a setting of a report folder",
                    "Settings are folder, mapping, archive_folder and archive_public_key."
                );
        report_settings out;
        out.folder = path("folder");
        if (!source_.settings.contains("folder")) missing("folder", "the folder that the exports are put into");
        const bool archives = source_.mapping && source_.mapping->then == after_import::archive;
        out.archive_folder = path("archive_folder");
        if (const auto text = this->text("archive_public_key")) {
            const auto key = from_base64(*text);
            out.archive_key = key ? to_hash(*key) : std::nullopt;
            if (!out.archive_key)
                wrong(
                    "archive_public_key",
                    line_of("archive_public_key"),
                    "is not a public key",
                    "Give 32 bytes in base64; connectors/report/README.md says how to make a pair."
                );
        }
        if (archives && !source_.settings.contains("archive_folder"))
            missing("archive_folder", "where sealed files are kept (after_import = \"archive\")");
        if (archives && !source_.settings.contains("archive_public_key"))
            missing("archive_public_key", "the key that files are sealed to (after_import = \"archive\")");
        return out;
    }

    std::vector<failure> problems;

private:
    int line_of(const std::string& key) const
    {
        const auto at = source_.settings.find(key);
        return at == source_.settings.end() ? source_.line : at->second.line;
    }

    void wrong(const std::string& key, int line, const std::string& what, const std::string& to_do)
    {
        problems.emplace_back(
            errc::configuration_invalid,
            "source \"" + source_.name + "\": line " + std::to_string(line) + ": settings." + key + " " + what,
            to_do
        );
    }

    void missing(const std::string& key, const std::string& what)
    {
        wrong(key, source_.line, "is missing", "Give " + what + ".");
    }

    std::optional<std::string> text(const std::string& key)
    {
        const auto at = source_.settings.find(key);
        if (at == source_.settings.end()) return std::nullopt;
        const auto* text = std::get_if<std::string>(&at->second.value);
        if (text && !text->empty()) return *text;
        wrong(key, at->second.line, "is not a text", "Write it in quotes.");
        return std::nullopt;
    }

    std::filesystem::path path(const std::string& key)
    {
        const auto written = text(key);
        return written ? (base_ / *written).lexically_normal() : std::filesystem::path();
    }

    const source_configuration& source_;
    const std::filesystem::path base_;
};

} // namespace

result<report_settings> read_report_settings(const source_configuration& source, const std::filesystem::path& base)
{
    settings_reader reader(source, base);
    report_settings out = reader.read();
    if (!reader.problems.empty()) return reader.problems.front();
    return out;
}

std::vector<failure> check_report(const source_configuration& source, const std::filesystem::path& base)
{
    settings_reader reader(source, base);
    (void)reader.read();
    return reader.problems;
}

} // namespace rollbook
