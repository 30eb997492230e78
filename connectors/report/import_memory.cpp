#include "connectors/report/import_memory.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"

#include <algorithm>

namespace rollbook {

namespace {

constexpr std::size_t remembered_max = 64; // of files that are not in the folder any more

} // namespace

import_memory import_memory::parse(std::string_view bookmark)
{
    import_memory out;
    const auto document = json_document::parse(std::string(bookmark));
    if (!document) return out;
    document->root()["read"].for_each_element([&](json_view file) {
        entry one;
        one.name = file["name"].string_if().value_or("");
        one.bytes = static_cast<std::uint64_t>(file["bytes"].int_if().value_or(0));
        one.time = instant(std::chrono::milliseconds(file["time"].int_if().value_or(0)));
        one.digest = file["sha256"].string_if().value_or("");
        out.read_.push_back(std::move(one));
    });
    return out;
}

std::string import_memory::text() const
{
    std::string out;
    json_writer json(out);
    json.begin_object().key("read").begin_array();
    for (const entry& one : read_)
        json.begin_object()
            .member("bytes", one.bytes)
            .member("name", one.name)
            .member("sha256", one.digest)
            .member("time", one.time.time_since_epoch().count())
            .end_object();
    json.end_array().end_object();
    return out;
}

bool import_memory::knows(const listed_file& file) const
{
    return std::any_of(read_.begin(), read_.end(), [&](const entry& one) {
        return one.name == file.name && one.bytes == file.bytes && one.time == file.time;
    });
}

bool import_memory::has_read(const hash& digest, bool lists_all) const
{
    const std::string wanted = to_hex(digest);
    if (lists_all) return !read_.empty() && read_.back().digest == wanted;
    return std::any_of(read_.begin(), read_.end(), [&](const entry& one) { return one.digest == wanted; });
}

std::optional<instant> import_memory::newest() const
{
    std::optional<instant> out;
    for (const entry& one : read_)
        out = std::max(out.value_or(one.time), one.time);
    return out;
}

void import_memory::add(const listed_file& file, const hash& digest)
{
    read_.push_back({is_valid_utf8(file.name) ? file.name : std::string(), file.bytes, file.time, to_hex(digest)});
}

void import_memory::forget_others(const std::vector<listed_file>& listed)
{
    const auto is_listed = [&](const entry& one) {
        return std::any_of(listed.begin(), listed.end(), [&](const listed_file& file) {
            return file.name == one.name;
        });
    };
    std::size_t spare = read_.size() > remembered_max ? read_.size() - remembered_max : 0;
    std::erase_if(read_, [&](const entry& one) {
        if (spare == 0) return false;
        --spare;
        return !is_listed(one);
    });
}

} // namespace rollbook
