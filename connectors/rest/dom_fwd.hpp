#pragma once

// RapidJSON with its SSE2 scanner, in a namespace of its own: other layers compile it without.
#define RAPIDJSON_NAMESPACE rollbook::dom
#define RAPIDJSON_NAMESPACE_BEGIN namespace rollbook::dom {
#define RAPIDJSON_NAMESPACE_END }
#ifdef __SSE2__
#define RAPIDJSON_SSE2
#endif
#include <rapidjson/fwd.h>

#include "daemon/base/error.hpp"

#include <cstddef>
#include <memory>
#include <string>

namespace rollbook {

using dom_value = dom::GenericValue<dom::UTF8<char>, dom::MemoryPoolAllocator<dom::CrtAllocator>>;

// Parses pages, one after the other, into the same memory. The texts of the values stand in the page's own bytes, so
// they live as long as those; the values themselves live until the next parse().
class page_parser {
public:
    page_parser();
    ~page_parser();

    // Parses `body` where it stands; its bytes are changed. Fails with page_malformed and the byte offset: not JSON,
    // cut short, text after the value, not UTF-8, or nested deeper than `depth_max`.
    result<const dom_value*> parse(std::string& body, unsigned depth_max);
    // Lets go of the memory, and the values with it, until the next parse().
    void rest();

private:
    struct memory;
    std::unique_ptr<memory> memory_; // none at rest
};

} // namespace rollbook
