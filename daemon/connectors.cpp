#include "daemon/connectors.hpp"

#include "connectors/rest/rest_connector.hpp"
#include "daemon/ports/secrets.hpp"

namespace rollbook {

result<std::unique_ptr<connector>> make_connector(
    const configuration& settings,
    const source_configuration& source,
    const manifest_places& manifests,
    http_client& client
)
{
    result<manifest> found = find_manifest(source.connector, manifests);
    if (!found) return found.error();
    const std::filesystem::path folder = settings.file.parent_path();
    return make_rest_connector(
        std::move(*found),
        source,
        [folder](const secret_reference& reference) { return read_secret(reference, folder); },
        client
    );
}

std::vector<failure> check_connector(const source_configuration& source, const manifest_places& manifests)
{
    const result<manifest> found = find_manifest(source.connector, manifests);
    if (!found) return {found.error()};
    return check_settings(*found, source);
}

std::vector<failure> check_secrets(const configuration& settings, const source_configuration& source)
{
    std::vector<failure> wrong;
    for (const auto& [key, value] : source.settings) {
        const auto* reference = std::get_if<secret_reference>(&value.value);
        if (!reference) continue;
        const result<std::string> secret = read_secret(*reference, settings.file.parent_path());
        if (!secret) wrong.push_back(secret.error());
    }
    return wrong;
}

} // namespace rollbook
