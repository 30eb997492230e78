#include "connectors/rest/decode.hpp"

#include "connectors/mapping/as_json.hpp"
#include "connectors/mapping/gzip.hpp"

namespace rollbook {

result<void> decode(std::string& body, const decoder_spec& decoder, std::size_t bytes_max, unsigned depth_max)
{
    using kind = decoder_spec::kind;
    if (decoder.gzip) {
        auto unpacked = gunzipped(body, bytes_max);
        if (!unpacked) return unpacked.error();
        body = std::move(*unpacked);
    }
    if (decoder.type == kind::json) return {};
    result<std::string> json = decoder.type == kind::json_lines ? json_of_lines(body)
                               : decoder.type == kind::csv      ? json_of_csv(body, decoder.delimiter)
                                                                : json_of_xml(body, decoder.lists, depth_max);
    if (!json) return json.error();
    body = std::move(*json);
    return {};
}

} // namespace rollbook
