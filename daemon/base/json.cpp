#include "daemon/base/json.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/utf8.hpp"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <string>
#include <vector>

namespace rollbook {

namespace {

namespace rj = rapidjson;

const rj::Value& value_of(const void* node)
{
    static const rj::Value absent;
    return node == nullptr ? absent : *static_cast<const rj::Value*>(node);
}

std::string_view text_of(const rj::Value& v)
{
    return {v.GetString(), v.GetStringLength()};
}

// Passes the parser's events on to the document, and stops at what the parser itself lets through: deep nesting, and
// text that is not UTF-8, including the lone surrogate of an escape such as "\udc00".
class guard {
public:
    enum class stop { none, depth, utf8 };

    guard(rj::Document& to, unsigned depth_max) : to_(to), depth_left_(depth_max) {}
    stop why() const { return why_; }

    bool Null() { return to_.Null(); }
    bool Bool(bool b) { return to_.Bool(b); }
    bool Int(int i) { return to_.Int(i); }
    bool Uint(unsigned u) { return to_.Uint(u); }
    bool Int64(std::int64_t i) { return to_.Int64(i); }
    bool Uint64(std::uint64_t u) { return to_.Uint64(u); }
    bool Double(double d) { return to_.Double(d); }
    bool RawNumber(const char* s, rj::SizeType n, bool copy) { return to_.RawNumber(s, n, copy); }
    bool String(const char* s, rj::SizeType n, bool copy) { return is_text(s, n) && to_.String(s, n, copy); }
    bool Key(const char* s, rj::SizeType n, bool copy) { return is_text(s, n) && to_.Key(s, n, copy); }
    bool StartObject() { return enter() && to_.StartObject(); }
    bool EndObject(rj::SizeType n)
    {
        ++depth_left_;
        return to_.EndObject(n);
    }
    bool StartArray() { return enter() && to_.StartArray(); }
    bool EndArray(rj::SizeType n)
    {
        ++depth_left_;
        return to_.EndArray(n);
    }

private:
    bool enter()
    {
        if (depth_left_ == 0) return refuse(stop::depth);
        --depth_left_;
        return true;
    }
    bool is_text(const char* s, rj::SizeType n) { return is_valid_utf8({s, n}) || refuse(stop::utf8); }
    bool refuse(stop why)
    {
        why_ = why;
        return false;
    }

    rj::Document& to_;
    unsigned depth_left_;
    stop why_ = stop::none;
};

// The first repeated name in any object below `root`, as a pointer into the parsed text.
std::optional<std::string_view> repeated_name(const rj::Value& root)
{
    std::vector<const rj::Value*> to_visit = {&root};
    std::vector<std::string_view> names;
    while (!to_visit.empty()) {
        const rj::Value& v = *to_visit.back();
        to_visit.pop_back();
        if (v.IsArray()) {
            for (const rj::Value& element : v.GetArray()) {
                if (element.IsObject() || element.IsArray()) to_visit.push_back(&element);
            }
        } else if (v.IsObject()) {
            names.clear();
            for (const auto& member : v.GetObject()) {
                names.push_back(text_of(member.name));
                if (member.value.IsObject() || member.value.IsArray()) to_visit.push_back(&member.value);
            }
            // By name, and by place among equals, so that the second of two is the one reported.
            std::sort(names.begin(), names.end(), [](std::string_view a, std::string_view b) {
                return a == b ? a.data() < b.data() : a < b;
            });
            const auto twice = std::adjacent_find(names.begin(), names.end());
            if (twice != names.end()) return *std::next(twice);
        }
    }
    return std::nullopt;
}

failure malformed(std::string_view why, std::size_t offset)
{
    return failure(
        errc::page_malformed,
        "JSON: " + std::string(why) + " at byte " + std::to_string(offset),
        "Keep the text and ask whoever sent it; nothing was taken from it."
    );
}

// Where the first number stands that is written to less than 10^-348, if any: in RapidJSON's conversion of full
// precision these reach beyond its table of powers. What a double can hold ends at 10^-324.
std::optional<std::size_t> place_of_tiny_number(std::string_view text)
{
    constexpr std::int64_t smallest = -348;
    const auto is_digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '"') {
            for (++i; i < text.size() && text[i] != '"'; ++i)
                if (text[i] == '\\') ++i;
            continue;
        }
        if (!is_digit(i)) continue;
        const std::size_t began = i;
        while (is_digit(i))
            ++i;
        std::int64_t exponent = 0;
        if (i < text.size() && text[i] == '.')
            for (++i; is_digit(i); ++i)
                --exponent;
        if (i + 1 < text.size() && (text[i] == 'e' || text[i] == 'E') && text[i + 1] == '-') {
            std::int64_t given = 0;
            for (i += 2; is_digit(i); ++i)
                given = std::min<std::int64_t>(given * 10 + (text[i] - '0'), 1'000'000);
            exponent -= given;
        }
        if (exponent < smallest) return began;
        --i;
    }
    return std::nullopt;
}

void write(const rj::Value& v, json_writer& out);

void write_object(const rj::Value& v, json_writer& out)
{
    // Most texts we read back are sorted already.
    const auto less = [](const rj::Value::Member* a, const rj::Value::Member* b) {
        return json_key_less(text_of(a->name), text_of(b->name));
    };
    constexpr std::size_t few = 64;
    std::array<const rj::Value::Member*, few> local;
    std::vector<const rj::Value::Member*> many;
    std::span<const rj::Value::Member*> members(local);
    if (v.MemberCount() > few) {
        many.resize(v.MemberCount());
        members = many;
    }
    members = members.first(v.MemberCount());
    std::size_t i = 0;
    for (const auto& member : v.GetObject())
        members[i++] = &member;
    if (!std::is_sorted(members.begin(), members.end(), less)) {
        // Members lie in the text's order, so their addresses settle which of two equal names came first.
        std::sort(members.begin(), members.end(), [&](const auto* a, const auto* b) {
            return less(a, b) || (!less(b, a) && a < b);
        });
    }

    out.begin_object();
    const rj::Value::Member* last = nullptr;
    for (const rj::Value::Member* member : members) {
        if (last != nullptr && !less(last, member)) continue; // a repeated name: the first one counts
        out.key(text_of(member->name));
        write(member->value, out);
        last = member;
    }
    out.end_object();
}

void write(const rj::Value& v, json_writer& out)
{
    switch (v.GetType()) {
    case rj::kNullType: out.null(); return;
    case rj::kFalseType: out.value(false); return;
    case rj::kTrueType: out.value(true); return;
    case rj::kStringType: out.value(text_of(v)); return;
    case rj::kNumberType:
        if (v.IsInt64() && v.GetInt64() >= -json_writer::integer_max && v.GetInt64() <= json_writer::integer_max) {
            out.value(v.GetInt64());
        } else {
            out.number(v.GetDouble());
        }
        return;
    case rj::kArrayType:
        out.begin_array();
        for (const rj::Value& element : v.GetArray())
            write(element, out);
        out.end_array();
        return;
    case rj::kObjectType: write_object(v, out); return;
    }
}

} // namespace

bool json_view::is_null() const noexcept
{
    return value_of(node_).IsNull();
}

bool json_view::is_object() const noexcept
{
    return value_of(node_).IsObject();
}

bool json_view::is_array() const noexcept
{
    return value_of(node_).IsArray();
}

bool json_view::is_string() const noexcept
{
    return value_of(node_).IsString();
}

bool json_view::is_bool() const noexcept
{
    return value_of(node_).IsBool();
}

bool json_view::is_int() const noexcept
{
    return value_of(node_).IsInt64();
}

bool json_view::is_number() const noexcept
{
    return value_of(node_).IsNumber();
}

json_view json_view::operator[](std::string_view key) const noexcept
{
    const rj::Value& v = value_of(node_);
    if (!v.IsObject()) return {};
    for (const auto& member : v.GetObject()) {
        if (text_of(member.name) == key) return json_view(&member.value);
    }
    return {};
}

json_view json_view::at(std::size_t index) const noexcept
{
    const rj::Value& v = value_of(node_);
    if (!v.IsArray() || index >= v.Size()) return {};
    return json_view(&v[static_cast<rj::SizeType>(index)]);
}

std::size_t json_view::size() const noexcept
{
    const rj::Value& v = value_of(node_);
    return v.IsObject() ? v.MemberCount() : v.IsArray() ? v.Size() : 0;
}

json_view json_view::path(std::string_view dotted) const noexcept
{
    json_view here = *this;
    for (;;) {
        const std::size_t dot = dotted.find('.');
        const std::string_view step = dotted.substr(0, dot);
        if (here.is_array()) {
            std::size_t index = 0;
            const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
            if (error != std::errc() || end != step.data() + step.size()) return {};
            here = here.at(index);
        } else {
            here = here[step];
        }
        if (dot == std::string_view::npos || here.is_absent()) return here;
        dotted.remove_prefix(dot + 1);
    }
}

std::string_view json_view::as_string() const
{
    ROLLBOOK_ENSURE(is_string());
    return text_of(value_of(node_));
}

std::int64_t json_view::as_int() const
{
    ROLLBOOK_ENSURE(is_int());
    return value_of(node_).GetInt64();
}

bool json_view::as_bool() const
{
    ROLLBOOK_ENSURE(is_bool());
    return value_of(node_).GetBool();
}

double json_view::as_double() const
{
    ROLLBOOK_ENSURE(is_number());
    return value_of(node_).GetDouble();
}

std::optional<std::string_view> json_view::string_if() const noexcept
{
    return is_string() ? std::optional(text_of(value_of(node_))) : std::nullopt;
}

std::optional<std::int64_t> json_view::int_if() const noexcept
{
    return is_int() ? std::optional(value_of(node_).GetInt64()) : std::nullopt;
}

std::optional<bool> json_view::bool_if() const noexcept
{
    return is_bool() ? std::optional(value_of(node_).GetBool()) : std::nullopt;
}

std::string_view json_view::key_at(std::size_t member) const noexcept
{
    return text_of((value_of(node_).MemberBegin() + static_cast<std::ptrdiff_t>(member))->name);
}

json_view json_view::value_at(std::size_t member) const noexcept
{
    return json_view(&(value_of(node_).MemberBegin() + static_cast<std::ptrdiff_t>(member))->value);
}

void json_view::write_canonical(json_writer& out) const
{
    write(value_of(node_), out);
}

// The parsed values point into `text`, so both live and move together.
struct json_document::impl {
    explicit impl(std::string t) : text(std::move(t)), pool(std::clamp(text.size() * 4, chunk_min, chunk_max)) {}

    static constexpr std::size_t chunk_min = 512;
    static constexpr std::size_t chunk_max = 64 * 1024;
    std::string text;
    rj::MemoryPoolAllocator<> pool;
    rj::Document document{&pool};
};

json_document::json_document(std::unique_ptr<impl> p) noexcept : impl_(std::move(p)) {}
json_document::json_document(json_document&&) noexcept = default;
json_document& json_document::operator=(json_document&&) noexcept = default;
json_document::~json_document() = default;

result<json_document> json_document::parse(std::string text, const json_limits& limits)
{
    if (text.size() > limits.bytes_max) {
        return failure(
            errc::page_malformed,
            "JSON: " + std::to_string(text.size()) + " bytes, more than the " + std::to_string(limits.bytes_max) +
                " allowed",
            "Ask the source for smaller pages, or raise the limit."
        );
    }
    if (const auto tiny = place_of_tiny_number(text)) return malformed("a number is too small", *tiny);
    auto held = std::make_unique<impl>(std::move(text));

    rj::InsituStringStream stream(held->text.data());
    guard::stop stopped = guard::stop::none;
    rj::ParseResult outcome;
    auto parse_into = [&](rj::Document& document) {
        constexpr unsigned flags = rj::kParseInsituFlag | rj::kParseIterativeFlag | rj::kParseFullPrecisionFlag;
        guard checked(document, std::min(limits.depth_max, json_writer::depth_max));
        rj::Reader reader;
        outcome = reader.Parse<flags>(stream, checked);
        stopped = checked.why();
        return !outcome.IsError();
    };
    held->document.Populate(parse_into);

    switch (stopped) {
    case guard::stop::depth: return malformed("nested too deeply", outcome.Offset());
    case guard::stop::utf8: return malformed("a text is not UTF-8", outcome.Offset());
    case guard::stop::none: break;
    }
    if (outcome.IsError()) return malformed(rj::GetParseError_En(outcome.Code()), outcome.Offset());
    // The parser takes a zero byte for the end of the text.
    if (stream.Tell() != held->text.size()) return malformed("a zero byte", stream.Tell());
    if (limits.strict) {
        if (const auto name = repeated_name(held->document)) {
            return malformed(
                "a name is there twice in one object", static_cast<std::size_t>(name->data() - held->text.data())
            );
        }
    }
    return json_document(std::move(held));
}

json_view json_document::root() const noexcept
{
    return json_view(&impl_->document);
}

} // namespace rollbook
