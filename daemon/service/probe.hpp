#pragma once

#include "daemon/ports/connector.hpp"

#include <boost/asio/awaitable.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rollbook {

// What a trial read of one stream found. Holds no value of a pupil: of a field only how often it is filled, and the
// shape of one value.
struct stream_probe {
    struct field {
        std::size_t filled = 0;
        std::string shape; // of the first value: letters as x, digits as 9
    };
    std::string stream;
    std::vector<std::size_t> page_rows; // of each page that was read
    bool has_more = false;
    std::size_t records = 0;
    std::size_t gone = 0;
    std::map<std::string, field> fields;           // "pupil.upn"
    std::map<std::string, std::size_t> kinds;      // records by kind
    std::map<std::string, std::size_t> rejections; // reason -> rows
    std::map<std::string, std::string> rejected;   // reason -> the first of these rows, masked
    std::optional<instant> data_as_of;
    std::optional<failure> why; // it could not be read: a permission, a setting, a defect
};

// Reads a few pages of every stream, from `from_day` on where it goes by days. Writes nothing anywhere. Fails when the
// run cannot begin at all.
boost::asio::awaitable<result<std::vector<stream_probe>>>
probe(connector& from, std::optional<civil_day> from_day, std::size_t pages_max);

// A value with its letters as x and its digits as 9, cut to a few characters: "X999999999999" of a UPN.
std::string masked_shape(std::string_view value);

// A row of JSON with its members' names as they are and every value masked, cut to a line.
std::string masked_row(std::string_view json);

// What the trial suggests is missing: an empty list, a field that is never filled. Sentences; a source says a
// permission that was not given in these ways, too.
std::vector<std::string> doubts(const stream_probe& found);

} // namespace rollbook
