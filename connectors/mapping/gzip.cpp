#include "connectors/mapping/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <memory>

namespace rollbook {

namespace {

failure unpack_failure(std::string_view why)
{
    return failure(
        errc::page_malformed,
        "the packed answer " + std::string(why),
        "It is read again; if it stays so, report this line to the source's support."
    );
}

} // namespace

result<std::string> gunzipped(std::string_view packed, std::size_t bytes_max)
{
    z_stream stream{};
    constexpr int gzip_only = 16 + MAX_WBITS;
    if (inflateInit2(&stream, gzip_only) != Z_OK) return unpack_failure("cannot be unpacked");
    const std::unique_ptr<z_stream, int (*)(z_stream*)> ends(&stream, [](z_stream* s) { return inflateEnd(s); });
    std::string out;
    // zlib does not write to its input; its interface only predates const.
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    constexpr std::size_t step = std::size_t{256} << 10;
    for (;;) {
        const std::size_t had = out.size();
        const std::size_t room = std::min(step, bytes_max + 1 - had);
        out.resize(had + room);
        stream.next_out = reinterpret_cast<Bytef*>(out.data() + had);
        stream.avail_out = static_cast<uInt>(room);
        const int did = inflate(&stream, Z_NO_FLUSH);
        out.resize(had + room - stream.avail_out);
        if (out.size() > bytes_max) return unpack_failure("is longer than this source may send once it is unpacked");
        if (did == Z_STREAM_END) {
            if (stream.avail_in == 0) return out;
            if (inflateReset(&stream) != Z_OK) return unpack_failure("is damaged");
            continue;
        }
        if (did == Z_BUF_ERROR || (did == Z_OK && stream.avail_in == 0 && stream.avail_out != 0))
            return unpack_failure("is cut short");
        if (did != Z_OK) return unpack_failure(out.empty() ? "is not a gzip file" : "is damaged");
    }
}

} // namespace rollbook
