#pragma once

#include "connectors/rest/manifest.hpp"
#include "daemon/ports/configuration.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace rollbook {

// What a request's variables stand for, by name: "@page" and "2".
using run_values = std::map<std::string, std::string, std::less<>>;

// `text` with every {name} replaced by what `find(name)` gives; `{{` and `}}` become braces. load_manifest() has
// checked that each is known.
std::string filled_in(std::string_view text, const std::function<std::string(std::string_view name)>& find);

// A source's settings as its manifest wants them.
struct resolved_settings {
    std::map<std::string, std::string, std::less<>> values; // all but secrets, as text, defaults filled in
    std::map<std::string, secret_reference, std::less<>> secrets;

    // `text` with every {setting} and {@variable} replaced, percent-encoded where `encode`, and every {setting?words}
    // by the words where the setting is true, by nothing where it is not.
    std::string expand(std::string_view text, bool encode, const run_values& run = {}) const;
    // Whether a setting of type boolean is true.
    bool is_on(std::string_view name) const;
};

// The manifest as these settings make it: without the streams, fields and ways of reading that they switch off.
manifest switched(manifest m, const resolved_settings& settings);

// Holds the settings of `source` against the manifest: unknown, missing, of the wrong kind or out of range, a secret
// not given by reference, an address that is not https (http is for loopback only). Reads no secret and no network.
// Fails with configuration_invalid: the source, the key, its line, and what is expected.
result<resolved_settings> resolve_settings(const manifest& m, const source_configuration& source);

// The same, for a check of the configuration: every failure, not only the first.
std::vector<failure> check_settings(const manifest& m, const source_configuration& source);

} // namespace rollbook
