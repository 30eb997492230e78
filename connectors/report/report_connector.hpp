#pragma once

#include "connectors/report/settings.hpp"
#include "daemon/ports/connector.hpp"

#include <functional>
#include <memory>

namespace rollbook {

// A connector that reads the files put into a folder, one file a run and the oldest first. `base`: what the paths in
// the settings are relative to. `now` is the daemon's clock, `machine_now` the one files are stamped by. Reaches
// nothing yet. Fails with configuration_invalid.
result<std::unique_ptr<connector>> make_report_connector(
    const source_configuration& source,
    const std::filesystem::path& base,
    const time_zone& zone,
    std::function<instant()> now,
    std::function<instant()> machine_now
);

} // namespace rollbook
