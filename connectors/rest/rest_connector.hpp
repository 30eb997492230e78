#pragma once

#include "connectors/rest/asker.hpp"
#include "connectors/rest/manifest.hpp"
#include "connectors/rest/settings.hpp"
#include "daemon/ports/configuration.hpp"
#include "daemon/ports/connector.hpp"
#include "daemon/ports/http.hpp"

#include <functional>
#include <memory>

namespace rollbook {

// The time, for what is asked for by day and for bookmarks.
using time_reader = std::function<instant()>;

// A connector that runs a manifest against one source. `client` must outlive it. Secrets are read at each begin_run(),
// so that one that was exchanged is picked up without a restart. Fails with configuration_invalid as
// resolve_settings() does. Reaches nothing yet.
result<std::unique_ptr<connector>> make_rest_connector(
    manifest m,
    const source_configuration& source,
    secret_reader secrets,
    http_client& client,
    time_reader now = {},
    answer_observer observer = {} // sees what the source answers, log-ins left out
);

} // namespace rollbook
