#include "connectors/rest/json_check.hpp"

#include "daemon/base/utf8.hpp"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/pointer.h>
#include <rapidjson/reader.h>
#include <rapidjson/schema.h>
#include <rapidjson/stringbuffer.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

namespace rollbook {

namespace {

namespace rj = rapidjson;

class line_counter {
public:
    explicit line_counter(std::string_view text) : text_(text) {}
    // Offsets must not go back.
    int line_at(std::size_t offset)
    {
        offset = std::min(offset, text_.size());
        line_ += static_cast<int>(std::count(text_.begin() + done_, text_.begin() + static_cast<long>(offset), '\n'));
        done_ = static_cast<long>(offset);
        return line_;
    }

private:
    std::string_view text_;
    long done_ = 0;
    int line_ = 1;
};

std::string text_of(const rj::Pointer& pointer)
{
    rj::StringBuffer out;
    pointer.Stringify(out);
    return std::string(out.GetString(), out.GetSize());
}

// Passes every event on to the validator and remembers where it is.
class watched_validator {
public:
    watched_validator(rj::SchemaValidator& to, const rj::MemoryStream& stream, std::string_view text)
        : to_(to), stream_(stream), counter_(text)
    {
    }

    bool Null() { return value() && to_.Null(); }
    bool Bool(bool v) { return value() && to_.Bool(v); }
    bool Int(int v) { return value() && to_.Int(v); }
    bool Uint(unsigned v) { return value() && to_.Uint(v); }
    bool Int64(std::int64_t v) { return value() && to_.Int64(v); }
    bool Uint64(std::uint64_t v) { return value() && to_.Uint64(v); }
    bool Double(double v) { return value() && to_.Double(v); }
    bool RawNumber(const char* s, rj::SizeType n, bool copy) { return value() && to_.RawNumber(s, n, copy); }
    bool String(const char* s, rj::SizeType n, bool copy) { return value() && to_.String(s, n, copy); }

    bool StartObject()
    {
        value();
        levels_.push_back({});
        return to_.StartObject();
    }
    bool Key(const char* s, rj::SizeType n, bool copy)
    {
        const std::string key(s, n);
        twice_ = !levels_.back().keys.insert(key).second;
        levels_.back().key = key;
        note();
        return !twice_ && to_.Key(s, n, copy);
    }
    bool EndObject(rj::SizeType n)
    {
        ended_ = std::move(levels_.back());
        levels_.pop_back();
        return to_.EndObject(n);
    }
    bool StartArray()
    {
        value();
        levels_.push_back({.is_array = true});
        return to_.StartArray();
    }
    bool EndArray(rj::SizeType n)
    {
        levels_.pop_back();
        return to_.EndArray(n);
    }

    json_lines lines;
    const std::string& key() const { return levels_.empty() ? ended_.key : levels_.back().key; }
    bool twice() const { return twice_; }
    const std::set<std::string>& ended_keys() const { return ended_.keys; }
    std::string pointer() const
    {
        std::string out;
        for (const level& l : levels_) {
            out += '/';
            if (l.is_array) {
                out += std::to_string(l.index);
                continue;
            }
            for (const char c : l.key)
                out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
        }
        return out;
    }

private:
    struct level {
        bool is_array = false;
        long index = -1;
        std::string key{};
        std::set<std::string> keys{};
    };

    void note() { lines.emplace(pointer(), counter_.line_at(stream_.Tell())); }
    bool value()
    {
        if (!levels_.empty() && levels_.back().is_array) {
            ++levels_.back().index;
            note();
        }
        return true;
    }

    rj::SchemaValidator& to_;
    const rj::MemoryStream& stream_;
    line_counter counter_;
    std::vector<level> levels_;
    level ended_;
    bool twice_ = false;
};

failure wrong(const std::filesystem::path& file, int line, std::string what, std::string to_do)
{
    return failure(
        errc::configuration_invalid,
        file.string() + ":" + std::to_string(line) + ": " + std::move(what),
        std::move(to_do)
    );
}

std::string text_member(const rj::Value* node, const char* name)
{
    if (!node || !node->IsObject() || !node->HasMember(name) || !(*node)[name].IsString()) return {};
    return (*node)[name].GetString();
}

std::string keys_of(const rj::Value* node)
{
    std::string out;
    if (!node || !node->IsObject() || !node->HasMember("properties")) return out;
    for (const auto& member : (*node)["properties"].GetObject())
        out += (out.empty() ? "" : ", ") + std::string(member.name.GetString());
    return out;
}

failure refusal(
    const std::filesystem::path& file,
    int line,
    const watched_validator& watched,
    const rj::SchemaValidator& validator,
    const rj::Document& schema
)
{
    const std::string keyword = validator.GetInvalidSchemaKeyword() ? validator.GetInvalidSchemaKeyword() : "";
    const rj::Value* node = validator.GetInvalidSchemaPointer().Get(schema);
    const std::string said = text_member(node, "description");
    const std::string at = text_of(validator.GetInvalidDocumentPointer());
    const std::string place = at.empty() ? "the top level" : at;
    if (keyword == "additionalProperties") {
        const std::string known = keys_of(node);
        return wrong(file, line, "unknown key \"" + watched.key() + "\" in " + place, "Known: " + known + ".");
    }
    if (keyword == "required") {
        std::string missing;
        if (node && node->HasMember("required"))
            for (const auto& name : (*node)["required"].GetArray())
                if (watched.ended_keys().count(name.GetString()) == 0)
                    missing += (missing.empty() ? "\"" : ", \"") + std::string(name.GetString()) + "\"";
        return wrong(file, line, missing + " is missing from " + place, said.empty() ? "Add it." : said);
    }
    return wrong(file, line, place + " breaks \"" + keyword + "\" of the schema", said.empty() ? "Correct it." : said);
}

struct compiled_schema {
    rj::Document json;
    rj::SchemaDocument document;

    explicit compiled_schema(std::string_view text) : json(parsed(text)), document(json) {}

private:
    static rj::Document parsed(std::string_view text)
    {
        rj::Document out;
        out.Parse(text.data(), text.size());
        ROLLBOOK_ENSURE(!out.HasParseError());
        return out;
    }
};

// Compiling takes longer than checking, and many files are held against few schemas: each is compiled once.
const compiled_schema& compiled(std::string_view schema)
{
    thread_local std::map<std::string, compiled_schema, std::less<>> kept;
    const auto at = kept.find(schema);
    return at == kept.end() ? kept.try_emplace(std::string(schema), schema).first->second : at->second;
}

} // namespace

result<json_lines> check_json(std::string_view text, std::string_view schema, const std::filesystem::path& file)
{
    if (!is_valid_utf8(text)) return wrong(file, 1, "the file is not UTF-8", "Save it as UTF-8.");
    const compiled_schema& held_against = compiled(schema);
    rj::SchemaValidator validator(held_against.document);
    rj::MemoryStream stream(text.data(), text.size());
    watched_validator watched(validator, stream, text);
    rj::Reader reader;
    const rj::ParseResult parsed = reader.Parse<rj::kParseIterativeFlag>(stream, watched);
    if (parsed) return std::move(watched.lines);

    const int line = line_counter(text).line_at(parsed.Offset());
    if (parsed.Code() != rj::kParseErrorTermination)
        return wrong(file, line, std::string("not JSON: ") + rj::GetParseError_En(parsed.Code()), "Correct the file.");
    if (watched.twice())
        return wrong(file, line, "the key \"" + watched.key() + "\" is there twice", "Keep one of the two.");
    return refusal(file, line, watched, validator, held_against.json);
}

failure wrong_key(
    const std::filesystem::path& file,
    const json_lines& lines,
    std::string_view pointer,
    std::string_view what,
    std::string_view to_do
)
{
    // A key that is not there is told at the object that should have it.
    auto at = lines.find(pointer);
    for (std::string_view up = pointer; at == lines.end() && !up.empty(); at = lines.find(up))
        up = up.substr(0, up.rfind('/'));
    const int line = at == lines.end() ? 1 : at->second;
    return wrong(file, line, std::string(pointer) + ": " + std::string(what), std::string(to_do));
}

result<std::string> read_text_file(const std::filesystem::path& file)
{
    std::ifstream in(file, std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(in), {});
    if (!in.is_open() || in.bad())
        return failure(
            errc::configuration_invalid,
            file.string() + ": cannot be read",
            "Check that the file is there and readable."
        );
    return text;
}

} // namespace rollbook
