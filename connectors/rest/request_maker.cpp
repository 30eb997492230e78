#include "connectors/rest/request_maker.hpp"

#include "connectors/rest/dom.hpp"
#include "connectors/rest/url.hpp"
#include "daemon/base/bytes.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>

namespace rollbook {

namespace {

using document = dom::GenericDocument<dom::UTF8<char>, dom::MemoryPoolAllocator<dom::CrtAllocator>>;

std::string xml_escaped(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        switch (c) {
        case '&': out += "&amp;"; break;
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        case '"': out += "&quot;"; break;
        case '\'': out += "&apos;"; break;
        default: out += c;
        }
    }
    return out;
}

// Puts `text` at `path`, making the objects on the way.
void put(document& into, const json_path& path, const std::string& text, bool is_number)
{
    auto& memory = into.GetAllocator();
    dom_value* here = &into;
    for (const std::string& name : path) {
        if (!here->IsObject()) here->SetObject();
        auto at = here->FindMember(name.c_str());
        if (at == here->MemberEnd()) {
            here->AddMember(dom_value(name.c_str(), memory), dom_value(), memory);
            at = here->FindMember(name.c_str());
        }
        here = &at->value;
    }
    const auto number = is_number ? parse_decimal(text) : std::nullopt;
    if (text.empty())
        here->SetNull();
    else if (number)
        here->SetUint64(*number);
    else
        here->SetString(text.data(), static_cast<dom::SizeType>(text.size()), memory);
}

} // namespace

request_maker::request_maker(const manifest& m, const resolved_settings& settings)
    : manifest_(m), settings_(settings), base_url_(settings.expand(m.base_url, false))
{
}

std::string request_maker::address(const request_spec& spec, const run_values& run) const
{
    std::string url = base_url_ + settings_.expand(spec.path, true, run);
    const auto since = run.find("@since");
    const bool has_since = since != run.end() && !since->second.empty();
    for (const auto& [name, value] : spec.query) {
        // A filter on what changed has no meaning in a full read: what changes while it lasts would not be listed.
        const auto names = [&value](const char* variable) { return value.find(variable) != value.npos; };
        if (!has_since && (names("{@since}") || names("{@until}"))) continue;
        if (const std::string text = settings_.expand(value, false, run); !text.empty()) add_query(url, name, text);
    }
    return url;
}

std::string request_maker::body(const request_spec& spec, const run_values& run) const
{
    if (!spec.content_type.empty()) {
        const bool is_xml = spec.content_type.find("xml") != std::string::npos;
        return filled_in(spec.body, [&](std::string_view name) {
            const std::string value = settings_.expand("{" + std::string(name) + "}", false, run);
            return is_xml ? xml_escaped(value) : value;
        });
    }
    if (spec.body_values.empty()) return spec.body;
    document whole;
    whole.Parse(spec.body.data(), spec.body.size());
    for (const auto& value : spec.body_values)
        put(whole, value.at, settings_.expand(value.text, false, run), value.is_number);
    dom::GenericStringBuffer<dom::UTF8<char>> out;
    dom::Writer<dom::GenericStringBuffer<dom::UTF8<char>>> writer(out);
    whole.Accept(writer);
    return std::string(out.GetString(), out.GetSize());
}

http_request request_maker::request(const request_spec& spec, std::string url, const run_values& run) const
{
    http_request out(std::move(url));
    out.method = spec.method;
    const auto add = [&](const query_template& headers) {
        for (const auto& [name, value] : headers)
            if (const std::string text = settings_.expand(value, false, run); !text.empty())
                out.headers.push_back(name + ": " + text);
    };
    const auto names_accept = [](const auto& header) { return header.first == "Accept"; };
    if (std::none_of(manifest_.headers.begin(), manifest_.headers.end(), names_accept) &&
        std::none_of(spec.headers.begin(), spec.headers.end(), names_accept))
        out.headers.emplace_back("Accept: application/json");
    add(manifest_.headers);
    add(spec.headers);
    if (spec.method == "POST") {
        out.headers.push_back(
            "Content-Type: " + (spec.content_type.empty() ? std::string("application/json") : spec.content_type)
        );
        out.body = body(spec, run);
    }
    out.timeout = manifest_.timeout;
    out.body_bytes_max = manifest_.body_bytes_max;
    return out;
}

std::string place_name(const request_spec& spec, std::size_t page_number)
{
    return spec.method + " " + spec.path + ", page " + std::to_string(page_number);
}

} // namespace rollbook
