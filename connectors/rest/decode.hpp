#pragma once

#include "connectors/rest/request_spec.hpp"
#include "daemon/base/error.hpp"

#include <cstddef>
#include <string>

namespace rollbook {

// Turns the bytes of an answer into JSON text where they are something else. JSON stays as it is, untouched. Fails with
// page_malformed; never makes more than a few times `bytes_max`.
result<void> decode(std::string& body, const decoder_spec& decoder, std::size_t bytes_max, unsigned depth_max);

} // namespace rollbook
