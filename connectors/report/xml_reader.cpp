#include "connectors/report/xml_reader.hpp"

#include "connectors/report/text_decoder.hpp"
#include "daemon/base/ascii.hpp"

#include <algorithm>
#include <expat.h>

namespace rollbook {

namespace {

constexpr std::size_t depth_max = 64;
constexpr std::size_t declaration_bytes_max = 512;
constexpr std::size_t piece_bytes_max = 1 << 20; // expat counts in int

std::string_view local_name(const char* name)
{
    const std::string_view whole(name);
    const auto colon = whole.rfind(':');
    return colon == whole.npos ? whole : whole.substr(colon + 1);
}

// Whether a document that begins so is 8-bit text that calls itself UTF-16.
bool lies_about_utf16(std::string_view beginning)
{
    if (beginning.starts_with("\xEF\xBB\xBF")) beginning.remove_prefix(3);
    if (!beginning.starts_with("<?xml")) return false;
    const std::string declaration = lowered(beginning.substr(0, beginning.find("?>")));
    const auto at = declaration.find("encoding");
    if (at == declaration.npos) return false;
    const auto quote = declaration.find_first_of("\"'", at);
    if (quote == declaration.npos) return false;
    const std::string_view named = std::string_view(declaration).substr(quote + 1);
    return named.starts_with("utf-16") || named.starts_with("utf16") || named.starts_with("ucs-2") ||
           named.starts_with("unicode");
}

int XMLCALL map_windows_1252(void*, const XML_Char* name, XML_Encoding* into)
{
    const std::string wanted = lowered(name);
    if (wanted != "windows-1252" && wanted != "cp1252") return XML_STATUS_ERROR;
    for (int byte = 0; byte < 256; ++byte) {
        const char32_t character = windows_1252_character(static_cast<unsigned char>(byte));
        into->map[byte] = character == 0xFFFF ? -1 : static_cast<int>(character);
    }
    into->data = nullptr;
    into->convert = nullptr;
    into->release = nullptr;
    return XML_STATUS_OK;
}

} // namespace

struct xml_reader::parser {
    parser(xml_events& events, const char* encoding) : to(events), made(XML_ParserCreate(encoding))
    {
        if (!made) throw std::bad_alloc();
        XML_SetUserData(made, this);
        XML_SetElementHandler(made, on_start, on_end);
        XML_SetCharacterDataHandler(made, on_text);
        XML_SetStartDoctypeDeclHandler(made, on_doctype);
        XML_SetUnknownEncodingHandler(made, map_windows_1252, nullptr);
    }
    ~parser() { XML_ParserFree(made); }
    parser(const parser&) = delete;
    parser& operator=(const parser&) = delete;

    void check()
    {
        if (!to.stop.empty()) XML_StopParser(made, XML_FALSE);
    }

    static void XMLCALL on_start(void* data, const XML_Char* name, const XML_Char** given)
    {
        auto& self = *static_cast<parser*>(data);
        if (++self.depth > depth_max) self.to.stop = "the file is nested deeper than any report";
        self.with.clear();
        for (; self.to.stop.empty() && *given; given += 2)
            self.with.emplace_back(local_name(given[0]), given[1]);
        if (self.to.stop.empty()) self.to.start(local_name(name), self.with);
        self.check();
    }
    static void XMLCALL on_end(void* data, const XML_Char* name)
    {
        auto& self = *static_cast<parser*>(data);
        --self.depth;
        if (self.to.stop.empty()) self.to.end(local_name(name));
        self.check();
    }
    static void XMLCALL on_text(void* data, const XML_Char* text, int size)
    {
        auto& self = *static_cast<parser*>(data);
        if (self.to.stop.empty()) self.to.text(std::string_view(text, static_cast<std::size_t>(size)));
        self.check();
    }
    static void XMLCALL on_doctype(void* data, const XML_Char*, const XML_Char*, const XML_Char*, int)
    {
        auto& self = *static_cast<parser*>(data);
        self.to.stop = "the file has a document type (DOCTYPE), which no report needs";
        self.check();
    }

    xml_events& to;
    XML_Parser made;
    xml_events::attributes with;
    std::size_t depth = 0;
};

xml_reader::xml_reader(xml_events& to) : to_(to) {}
xml_reader::~xml_reader() = default;

result<void> xml_reader::feed(std::string_view piece, bool last)
{
    if (parser_) return parse(piece, last);
    beginning_.append(piece);
    if (beginning_.size() < declaration_bytes_max && !last) return {};
    parser_ = std::make_unique<parser>(to_, lies_about_utf16(beginning_) ? "UTF-8" : nullptr);
    const std::string beginning = std::move(beginning_);
    return parse(beginning, last);
}

result<void> xml_reader::parse(std::string_view piece, bool last)
{
    do {
        const std::string_view part = piece.substr(0, piece_bytes_max);
        piece.remove_prefix(part.size());
        const bool is_last = last && piece.empty();
        if (XML_Parse(parser_->made, part.data(), static_cast<int>(part.size()), is_last) == XML_STATUS_OK) continue;
        if (!to_.stop.empty())
            return failure(
                errc::page_malformed, to_.stop, "Export it again; if it stays so, it is no report that can be read."
            );
        const XML_Error why = XML_GetErrorCode(parser_->made);
        const bool cut = is_last && (why == XML_ERROR_NO_ELEMENTS || why == XML_ERROR_UNCLOSED_TOKEN ||
                                     why == XML_ERROR_PARTIAL_CHAR || why == XML_ERROR_UNCLOSED_CDATA_SECTION);
        if (cut)
            return failure(
                errc::page_malformed,
                "the file ends inside a row",
                "The export is not whole: export it again, or wait until it is copied."
            );
        return failure(
            errc::page_malformed,
            "the file is not XML at byte " + std::to_string(XML_GetCurrentByteIndex(parser_->made)) + ": " +
                XML_ErrorString(why),
            "Export it again; if it stays so, the system writes broken files."
        );
    } while (!piece.empty());
    return {};
}

} // namespace rollbook
