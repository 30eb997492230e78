#pragma once

#include "connectors/rest/manifest.hpp"
#include "connectors/rest/settings.hpp"
#include "daemon/ports/configuration.hpp"
#include "daemon/ports/connector.hpp"
#include "daemon/ports/http.hpp"

#include <functional>
#include <memory>

namespace rollbook {

// Reads a secret by its reference; read_secret() with its folder bound.
using secret_reader = std::function<result<std::string>(const secret_reference&)>;

// A connector that runs a manifest against one source. `client` must outlive it. Secrets are read at each begin_run(),
// so that one that was exchanged is picked up without a restart. Fails with configuration_invalid as
// resolve_settings() does. Reaches nothing yet.
result<std::unique_ptr<connector>>
make_rest_connector(manifest m, const source_configuration& source, secret_reader secrets, http_client& client);

} // namespace rollbook
