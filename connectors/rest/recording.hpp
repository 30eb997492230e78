#pragma once

#include "connectors/rest/asker.hpp"
#include "connectors/rest/masker.hpp"
#include "connectors/rest/rest_connector.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rollbook {

// What a source answered, with other people in it (masker.hpp): a folder that may leave the school, to be read again
// without the source. `recording.json` says which manifest, which settings and when; `answers.ndjson` has a line for
// each answer. No credentials, and no answer of a log-in.
class recording {
public:
    // Makes the folder. Fails with usage when it is there already and holds something, or cannot be written.
    static result<std::shared_ptr<recording>>
    begin(const std::filesystem::path& folder, const manifest& m, const source_configuration& source, instant now);

    // Adds an answer to a request without its credentials. What cannot be masked is left out and counted.
    void add(const http_request& request, const http_response& response);
    std::size_t answers() const { return answers_; }
    std::size_t left_out() const { return left_out_; }

private:
    recording(std::filesystem::path folder, manifest m, masker mask);
    decoder_spec decoder_of(const http_response& response) const;
    std::optional<std::string> refusal_of(const http_response& response) const;
    std::string masked_links(std::string_view text);

    std::filesystem::path folder_;
    manifest manifest_;
    masker mask_;
    std::size_t answers_ = 0;
    std::size_t left_out_ = 0;
};

// A recording as a source to read: its settings, its time, and a client that answers from it. A request that was not
// recorded is answered with 404.
struct replayed_source {
    std::string manifest_name;
    source_configuration source;
    instant now{};
    std::unique_ptr<http_client> client;
    secret_reader secrets;
};
// Fails with usage when it is no recording.
result<replayed_source> replay(const std::filesystem::path& folder);

} // namespace rollbook
