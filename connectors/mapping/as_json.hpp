#pragma once

#include "daemon/base/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// Other forms of an answer as JSON text, so that one mapper reads them all. Each fails with page_malformed and the line
// or row number, never with a value.

// One JSON value a line: a list of them. Blank lines are left out.
result<std::string> json_of_lines(std::string_view text);

// A CSV file (RFC 4180; any of the three line ends; a byte order mark): a list of objects with the names of the first
// line, every value a text. A row with another number of values than the first line, or a quote that does not end,
// fails the whole file: it was cut or is another file.
result<std::string> json_of_csv(std::string_view text, char delimiter);

// An XML document: an element is a member; one with neither attributes nor elements inside is its text, or null where
// that is empty. Attributes are members whose names begin with "@", and the text beside either is "#text". An element
// that comes twice is a list; one whose path is in `lists` is a list even where it comes once or not at all. Namespace
// prefixes stay. A document type is refused, so that there are no entities but the five; the encoding declared counts
// only where the bytes do not say otherwise: what is valid UTF-8 is read as that.
result<std::string>
json_of_xml(std::string_view text, const std::vector<std::vector<std::string>>& lists, unsigned depth_max);

// `text` as a JSON string with its quotes, added to `out`. `text` must be valid UTF-8.
void append_json_text(std::string& out, std::string_view text);

} // namespace rollbook
