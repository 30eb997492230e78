#include "daemon/connectors.hpp"

#include "connectors/report/report_connector.hpp"
#include "connectors/rest/rest_connector.hpp"
#include "connectors/singer/singer_connector.hpp"
#include "daemon/ports/secrets.hpp"

namespace rollbook {
namespace {

constexpr std::string_view report_connector_name = "report";
constexpr std::string_view singer_connector_name = "singer";

instant machine_now()
{
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

// A tap's config is a table in the settings.
void check_secrets_in(const setting_table& table, const std::filesystem::path& folder, std::vector<failure>& wrong)
{
    for (const auto& [key, value] : table) {
        if (const auto* inner = std::get_if<setting_table>(&value.value)) check_secrets_in(*inner, folder, wrong);
        const auto* reference = std::get_if<secret_reference>(&value.value);
        if (!reference) continue;
        const result<std::string> secret = read_secret(*reference, folder);
        if (!secret) wrong.push_back(secret.error());
    }
}

} // namespace

result<std::unique_ptr<connector>> make_connector(
    const configuration& settings,
    const source_configuration& source,
    const manifest_places& manifests,
    http_client& client,
    std::function<instant()> now
)
{
    const std::filesystem::path folder = settings.file.parent_path();
    if (source.connector == report_connector_name)
        return make_report_connector(
            source, folder, *time_zone::named(settings.school.timezone), std::move(now), machine_now
        );
    const auto secrets = [folder](const secret_reference& reference) { return read_secret(reference, folder); };
    if (source.connector == singer_connector_name)
        return make_singer_connector(source, folder, *time_zone::named(settings.school.timezone), secrets);
    result<manifest> found = find_manifest(source.connector, manifests);
    if (!found) return found.error();
    return make_rest_connector(std::move(*found), source, secrets, client);
}

std::vector<failure>
check_connector(const configuration& settings, const source_configuration& source, const manifest_places& manifests)
{
    if (source.connector == report_connector_name) return check_report(source, settings.file.parent_path());
    if (source.connector == singer_connector_name) return check_tap(source, settings.file.parent_path());
    const result<manifest> found = find_manifest(source.connector, manifests);
    if (!found) return {found.error()};
    return check_settings(*found, source);
}

std::vector<failure> check_secrets(const configuration& settings, const source_configuration& source)
{
    std::vector<failure> wrong;
    check_secrets_in(source.settings, settings.file.parent_path(), wrong);
    return wrong;
}

} // namespace rollbook
