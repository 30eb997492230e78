#pragma once

#include "connectors/singer/settings.hpp"
#include "daemon/ports/connector.hpp"

#include <memory>

namespace rollbook {

// A connector that runs a Singer tap and reads what it prints. Each run of the connector is one run of the tap; what
// the tap's last STATE said is handed to the next one only after the read closed. Starts nothing yet. Fails with
// configuration_invalid.
result<std::unique_ptr<connector>> make_singer_connector(
    const source_configuration& source,
    const std::filesystem::path& base,
    const time_zone& zone,
    tap_secret_reader secrets
);

} // namespace rollbook
