#pragma once

#include "daemon/base/error.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rollbook {

// What an XML document says, piece by piece. Names come without a namespace's prefix.
class xml_events {
public:
    using attributes = std::vector<std::pair<std::string_view, std::string_view>>;

    virtual ~xml_events() = default;
    virtual void start(std::string_view name, const attributes& with) = 0;
    virtual void text(std::string_view text) = 0;
    virtual void end(std::string_view name) = 0;
    // Why the document is not taken further; empty: it is.
    std::string stop;
};

// Parses XML as it comes, without ever holding the document. One with a document type is refused, so that there are no
// entities to blow up; so is nesting deeper than 64. UTF-8, UTF-16, ISO-8859-1 and windows-1252 are read, and a
// declaration of UTF-16 over bytes that are not is ignored.
class xml_reader {
public:
    explicit xml_reader(xml_events& to);
    ~xml_reader();
    xml_reader(const xml_reader&) = delete;
    xml_reader& operator=(const xml_reader&) = delete;

    // `last`: the document ends with this piece. Fails with page_malformed.
    result<void> feed(std::string_view piece, bool last);

private:
    struct parser;
    result<void> parse(std::string_view piece, bool last);

    xml_events& to_;
    std::string beginning_; // until the encoding is known
    std::unique_ptr<parser> parser_;
};

} // namespace rollbook
