#pragma once

#include "connectors/rest/manifest.hpp"
#include "daemon/ports/configuration.hpp"
#include "daemon/ports/connector.hpp"
#include "daemon/ports/http.hpp"

#include <functional>
#include <memory>

namespace rollbook {

// The connector that a source's configuration names. Secrets are read from beside the configuration file. `now` is the
// daemon's clock. Fails with configuration_invalid: no such connector, or settings that it does not take.
result<std::unique_ptr<connector>> make_connector(
    const configuration& settings,
    const source_configuration& source,
    const manifest_places& manifests,
    http_client& client,
    std::function<instant()> now
);

// Everything wrong with a source's connector and its settings. Reads no secret and reaches nothing.
std::vector<failure>
check_connector(const configuration& settings, const source_configuration& source, const manifest_places& manifests);

// Every secret of a source that cannot be read.
std::vector<failure> check_secrets(const configuration& settings, const source_configuration& source);

} // namespace rollbook
