#include "connectors/rest/dom.hpp"

#include "connectors/mapping/values.hpp"
#include "daemon/base/utf8.hpp"

#include <rapidjson/error/en.h>

#include <cstring>
#include <vector>

namespace rollbook {

namespace {

using document = dom::GenericDocument<dom::UTF8<char>, dom::MemoryPoolAllocator<dom::CrtAllocator>>;

// Stops the parser before it goes deeper than allowed: it calls itself for each level.
class depth_guard {
public:
    depth_guard(document& to, unsigned depth_max) : to_(to), left_(depth_max) {}
    bool too_deep() const { return too_deep_; }

    bool Null() { return to_.Null(); }
    bool Bool(bool v) { return to_.Bool(v); }
    bool Int(int v) { return to_.Int(v); }
    bool Uint(unsigned v) { return to_.Uint(v); }
    bool Int64(std::int64_t v) { return to_.Int64(v); }
    bool Uint64(std::uint64_t v) { return to_.Uint64(v); }
    bool Double(double v) { return to_.Double(v); }
    bool RawNumber(const char* s, dom::SizeType n, bool copy) { return to_.RawNumber(s, n, copy); }
    bool String(const char* s, dom::SizeType n, bool copy) { return to_.String(s, n, copy); }
    bool Key(const char* s, dom::SizeType n, bool copy) { return to_.Key(s, n, copy); }
    bool StartObject() { return enter() && to_.StartObject(); }
    bool StartArray() { return enter() && to_.StartArray(); }
    bool EndObject(dom::SizeType n)
    {
        ++left_;
        return to_.EndObject(n);
    }
    bool EndArray(dom::SizeType n)
    {
        ++left_;
        return to_.EndArray(n);
    }

private:
    bool enter()
    {
        too_deep_ = left_ == 0;
        if (!too_deep_) --left_;
        return !too_deep_;
    }

    document& to_;
    unsigned left_;
    bool too_deep_ = false;
};

failure malformed(std::string_view why, std::size_t offset)
{
    return failure(
        errc::page_malformed,
        "the answer " + std::string(why) + " (byte " + std::to_string(offset) + ")",
        "It is read again; if it stays so, report this line to the source's support."
    );
}

std::size_t first_invalid(std::string_view text)
{
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t length = utf8_length(text.substr(at));
        if (length == 0) break;
        at += length;
    }
    return at;
}

// The parser turns "\udc00" without its first half into bytes that are not UTF-8. Returns where one stands, or npos.
std::size_t lone_low_surrogate(std::string_view text)
{
    const auto unit_at = [&](std::size_t at) {
        unsigned unit = 0;
        for (std::size_t i = at; i < at + 4; ++i) {
            const char c = i < text.size() ? text[i] : 'x';
            const char lower = static_cast<char>(c | 0x20);
            if (c >= '0' && c <= '9')
                unit = unit * 16 + static_cast<unsigned>(c - '0');
            else if (lower >= 'a' && lower <= 'f')
                unit = unit * 16 + static_cast<unsigned>(lower - 'a' + 10);
            else
                return 0u; // the parser will say so
        }
        return unit;
    };
    for (auto at = text.find('\\'); at != text.npos; at = text.find('\\', at)) {
        if (at + 1 >= text.size() || text[at + 1] != 'u') {
            at += 2;
            continue;
        }
        const unsigned unit = unit_at(at + 2);
        if (unit >= 0xdc00 && unit <= 0xdfff) return at;
        // After a first half the parser itself insists on the second.
        at += unit >= 0xd800 && unit <= 0xdbff ? 12 : 6;
        if (at > text.size()) break;
    }
    return text.npos;
}

constexpr std::size_t pool_bytes = std::size_t{1} << 20;
constexpr std::size_t stack_bytes = std::size_t{256} << 10;

} // namespace

struct page_parser::memory {
    memory() : buffer(new char[pool_bytes]), pool(buffer.get(), pool_bytes, pool_bytes) {}
    std::unique_ptr<char[]> buffer; // not filled: what no page needs is never touched
    dom::MemoryPoolAllocator<dom::CrtAllocator> pool;
    document root{&pool, stack_bytes};
};

page_parser::page_parser() = default;
page_parser::~page_parser() = default;

void page_parser::rest()
{
    memory_.reset();
}

result<const dom_value*> page_parser::parse(std::string& body, unsigned depth_max)
{
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    const std::size_t skip = body.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
    if (trimmed(body).size() == skip) return malformed("is empty", 0);
    if (!is_valid_utf8(body)) return malformed("is not valid UTF-8", first_invalid(body));
    if (const auto at = lone_low_surrogate(body); at != body.npos)
        return malformed("holds half a character, which is not valid text", at);
    // The parser ends at a NUL; one before the end would hide what follows.
    if (const void* nul = std::memchr(body.data(), 0, body.size()))
        return malformed("is not JSON", static_cast<std::size_t>(static_cast<const char*>(nul) - body.data()));
    body.reserve(body.size() + 16); // the scanner reads 16 bytes at a time

    if (!memory_) memory_ = std::make_unique<memory>();
    memory_->root.SetNull();
    memory_->pool.Clear();
    dom::ParseResult parsed;
    bool too_deep = false;
    const auto fill = [&](document& to) {
        depth_guard guard(to, depth_max);
        dom::InsituStringStream stream(body.data() + skip);
        dom::GenericReader<dom::UTF8<char>, dom::UTF8<char>> reader;
        parsed = reader.Parse<dom::kParseInsituFlag>(stream, guard);
        too_deep = guard.too_deep();
        return !parsed.IsError();
    };
    memory_->root.Populate(fill);
    if (too_deep) return malformed("is nested too deep", parsed.Offset() + skip);
    if (parsed.IsError()) {
        const bool cut = parsed.Offset() + skip >= body.size();
        return malformed(
            cut ? std::string("is cut short") : std::string("is not JSON: ") + dom::GetParseError_En(parsed.Code()),
            parsed.Offset() + skip
        );
    }
    return &memory_->root;
}

} // namespace rollbook
