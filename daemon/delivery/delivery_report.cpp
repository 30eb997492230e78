#include "daemon/delivery/delivery_report.hpp"

#include "daemon/base/ascii.hpp"

#include <algorithm>
#include <string>

namespace rollbook::delivery {
namespace {

constexpr std::size_t id_bytes_max = 200;
constexpr int parts_max = 20;

std::string_view trimmed(std::string_view text)
{
    return rollbook::trimmed(text, " \t\r\n");
}

// Takes the next line off `rest`, without its end.
std::string_view take_line(std::string_view& rest)
{
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

// The first field of that name in the header at the front of `text`, with its folded lines; empty where there is none.
std::string field(std::string_view text, std::string_view name)
{
    std::string value;
    bool inside = false;
    while (!text.empty()) {
        const std::string_view line = take_line(text);
        if (trimmed(line).empty()) break;
        if (line.front() == ' ' || line.front() == '\t') {
            if (inside) value.append(value.empty() ? "" : " ").append(trimmed(line));
            continue;
        }
        if (inside) break;
        const std::size_t colon = line.find(':');
        inside = colon != line.npos && is_same_word(trimmed(line.substr(0, colon)), name);
        if (inside) value = trimmed(line.substr(colon + 1));
    }
    return value;
}

// What follows the header at the front of `text`.
std::string_view body_of(std::string_view text)
{
    while (!text.empty() && !trimmed(take_line(text)).empty()) {
    }
    return text;
}

// `boundary` of a Content-Type (RFC 2046), quoted or not; empty where it has none.
std::string boundary_of(std::string_view type)
{
    constexpr std::string_view name = "boundary=";
    const auto at = std::ranges::search(type, name, {}, lower, lower);
    if (at.begin() == type.end()) return {};
    std::string_view value = type.substr(static_cast<std::size_t>(at.end() - type.begin()));
    if (value.starts_with('"')) {
        value.remove_prefix(1);
        return std::string(value.substr(0, value.find('"')));
    }
    return std::string(value.substr(0, value.find_first_of("; \t")));
}

bool is_type(std::string_view type, std::string_view wanted)
{
    return is_same_word(trimmed(type.substr(0, type.find(';'))), wanted);
}

// The parts between the lines of the boundary. A report that was cut off ends where it ends.
std::vector<std::string_view> parts_of(std::string_view body, const std::string& boundary)
{
    std::vector<std::string_view> parts;
    const std::string limit = "--" + boundary;
    std::string_view rest = body;
    const char* begin = nullptr;
    while (!rest.empty() && parts.size() < parts_max) {
        const std::string_view line = take_line(rest);
        if (!line.starts_with(limit)) continue;
        if (begin != nullptr) parts.emplace_back(begin, static_cast<std::size_t>(line.data() - begin));
        if (trimmed(line.substr(limit.size())) == "--") return parts;
        begin = rest.data();
    }
    if (begin != nullptr && parts.size() < parts_max)
        parts.emplace_back(begin, static_cast<std::size_t>(body.data() + body.size() - begin));
    return parts;
}

// RFC 3463: three numbers.
bool is_status(std::string_view text)
{
    return !text.empty() && text.size() <= 11 && std::ranges::count(text, '.') == 2 &&
           std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

// Of the recipients' fields, one block each, those of the first for whom it failed; a status that is none is "5.0.0".
std::optional<std::string> failed_status(std::string_view blocks)
{
    while (!blocks.empty()) {
        if (is_same_word(field(blocks, "Action"), "failed")) {
            std::string status = field(blocks, "Status");
            status.erase(std::min(status.find_first_of(" \t("), status.size()));
            return is_status(status) ? status : "5.0.0";
        }
        blocks = body_of(blocks);
    }
    return std::nullopt;
}

bool is_message_id(std::string_view text)
{
    return text.size() > 2 && text.size() <= id_bytes_max && text.starts_with('<') && text.ends_with('>') &&
           std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7F; });
}

} // namespace

std::optional<returned_message> parse_delivery_report(std::string_view raw)
{
    const std::string type = field(raw, "Content-Type");
    const std::string boundary = boundary_of(type);
    if (!is_type(type, "multipart/report") || boundary.empty()) return std::nullopt;
    std::optional<std::string> status;
    std::string id;
    for (const std::string_view part : parts_of(body_of(raw), boundary)) {
        // A part without a header begins with its empty line.
        const std::string part_type = field(part, "Content-Type");
        if (is_type(part_type, "message/delivery-status") && !status)
            status = failed_status(body_of(part));
        else if ((is_type(part_type, "message/rfc822") || is_type(part_type, "text/rfc822-headers")) && id.empty())
            id = field(body_of(part), "Message-ID");
    }
    if (!status || !is_message_id(id)) return std::nullopt;
    return returned_message{std::move(id), std::move(*status)};
}

} // namespace rollbook::delivery
