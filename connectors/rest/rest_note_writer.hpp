#pragma once

#include "connectors/rest/authenticator.hpp"
#include "connectors/rest/manifest.hpp"
#include "daemon/ports/configuration.hpp"
#include "daemon/ports/http.hpp"
#include "daemon/ports/note_writer.hpp"

#include <memory>

namespace rollbook {

// Writes notes by the operation `name` of a manifest. `client` must outlive it. Fails with configuration_invalid: the
// manifest has no such operation, or the settings are wrong.
result<std::unique_ptr<note_writer>> make_rest_note_writer(
    manifest m, std::string_view name, const source_configuration& source, secret_reader secrets, http_client& client
);

} // namespace rollbook
