#pragma once

#include "connectors/rest/manifest.hpp"
#include "daemon/cli/connector_tools.hpp"
#include "daemon/ports/configuration.hpp"
#include "daemon/ports/connector.hpp"
#include "daemon/ports/export_preview.hpp"
#include "daemon/ports/http.hpp"
#include "daemon/ports/note_writer.hpp"
#include "daemon/service/timeliness.hpp"

#include <atomic>
#include <functional>
#include <memory>

namespace rollbook {

// The connector that a source's configuration names. Secrets are read from beside the configuration file. `now` is the
// daemon's clock. What a REST source answers is kept in the folder `record_to`, masked, where one is named
// (connectors/rest/recording.hpp). Fails with configuration_invalid: no such connector, or settings that it does not
// take; and with usage for a folder that cannot be recorded to.
result<std::unique_ptr<connector>> make_connector(
    const configuration& settings,
    const source_configuration& source,
    const manifest_places& manifests,
    http_client& client,
    std::function<instant()> now,
    const std::filesystem::path& record_to = {}
);

// What `source`, whose exports come as files, would read from the one file in `folder`, an absolute path. Takes
// nothing. `bookmark`: what the source keeps of its reads. Fails with configuration_invalid: no such source; else as
// reading does.
result<export_preview> try_export(
    const configuration& settings,
    const std::string& source,
    const std::filesystem::path& folder,
    const std::string& bookmark,
    instant now,
    const std::atomic<bool>* is_ending
);

// Puts a copy of the file where `source` reads its exports, under a name that its mapping means. Fails with
// configuration_invalid: no such source; with source_misconfigured: its folder cannot be written to.
result<void>
add_export(const configuration& settings, const std::string& source, const std::filesystem::path& file, instant now);

// What writes notes into a source, by an operation of its manifest; empty: the only one. Fails with
// configuration_invalid: the source cannot be written to, or the operation is not there.
result<std::unique_ptr<note_writer>> make_note_writer(
    const configuration& settings,
    const std::string& source,
    const std::string& operation,
    const manifest_places& manifests,
    http_client& client
);

// Everything wrong with a source's connector and its settings. Reads no secret and reaches nothing.
std::vector<failure>
check_connector(const configuration& settings, const source_configuration& source, const manifest_places& manifests);

// A system that can be read, and what its reading rests on.
struct known_connector {
    std::string name;
    std::string title;
    std::string role;  // mis, safeguarding or roster
    std::string state; // documented, assembled or files only
};

// Every system that can be read, by name: the manifests, and the mappings of export files in `mappings`. Fails with
// configuration_invalid when a manifest is wrong.
result<std::vector<known_connector>>
known_connectors(const manifest_places& manifests, const std::filesystem::path& mappings);

// What a person is asked when a system is set up: what its manifest requires and where it is, or the folder of its
// export files. Fails with configuration_invalid where there is no such system.
result<std::vector<connector_tools::question>>
questions_of(const std::string& system, const manifest_places& manifests, const std::filesystem::path& mappings);

// What the manifest of a source says of lists that it does not ask for. Empty where it has none.
std::vector<connector_tools::unread>
not_read(const configuration& settings, const std::string& source, const manifest_places& manifests);

// What a source can tell, and how late by its manifest's word.
source_timeliness
timeliness_of(const source_configuration& source, const connector& reads, const manifest_places& manifests);

// Whom a configuration's sources and routes reach over the network: "host:port  what for", each once, sorted.
std::vector<std::string> allow_list(const configuration& settings, const manifest_places& manifests);

// Every secret of a source that cannot be read.
std::vector<failure> check_secrets(const configuration& settings, const source_configuration& source);

} // namespace rollbook
