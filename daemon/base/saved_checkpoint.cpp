#include "daemon/base/saved_checkpoint.hpp"

#include "daemon/base/ascii.hpp"
#include "daemon/base/bytes.hpp"
#include "daemon/base/signed_note.hpp"

#include <algorithm>
#include <map>

namespace rollbook {
namespace {

constexpr std::size_t saved_notes_max = 64;
constexpr std::string_view signature_begin = "\xe2\x80\x94 "; // U+2014 and a space
constexpr int mail_depth_max = 8;                             // parts within parts

// Lines without their ends, whatever system wrote them, and without blanks that mail programs leave before one.
std::vector<std::string_view> lines_of(std::string_view text)
{
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t'))
            line.remove_suffix(1);
        lines.push_back(line);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

// RFC 2045 section 6.7. What is no code stays as it is: whether the result is a checkpoint is seen later.
std::string from_quoted_printable(std::string_view text)
{
    std::string out;
    for (std::string_view line : lines_of(text)) {
        const bool goes_on = line.ends_with('=');
        if (goes_on) line.remove_suffix(1);
        for (std::size_t at = 0; at < line.size(); ++at) {
            const auto byte = line[at] == '=' ? from_hex(line.substr(at + 1, 2)) : std::nullopt;
            if (byte && byte->size() == 1) {
                out += static_cast<char>(byte->front());
                at += 2;
            } else {
                out += line[at];
            }
        }
        if (!goes_on) out += '\n';
    }
    return out;
}

std::string from_folded_base64(std::string_view text)
{
    std::string folded;
    for (const std::string_view line : lines_of(text))
        folded += line;
    const auto bytes = from_base64(folded);
    return bytes ? std::string(as_text(*bytes)) : std::string();
}

struct mail_part {
    std::map<std::string, std::string> headers; // names in lower case
    std::string_view body;
};

// Headers, an empty line, the body; nothing when it does not begin with headers.
std::optional<mail_part> as_mail(std::string_view text)
{
    mail_part part;
    std::string last;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty()) {
            part.body = text;
            return part;
        }
        if ((line.front() == ' ' || line.front() == '\t') && !last.empty()) {
            part.headers[last] += line;
            continue;
        }
        if (last.empty() && line.starts_with("From ")) continue; // the first line of an mbox
        const std::size_t colon = line.find(':');
        const auto odd = [](unsigned char c) { return c <= ' ' || c > '~'; };
        if (colon == line.npos || colon == 0 || std::any_of(line.begin(), line.begin() + colon, odd))
            return std::nullopt;
        last = lowered(line.substr(0, colon));
        part.headers[last] = line.substr(colon + 1);
    }
    return std::nullopt;
}

std::string boundary_of(const std::string& content_type)
{
    const std::size_t at = lowered(content_type).find("boundary=");
    if (at == content_type.npos) return {};
    std::string_view value = std::string_view(content_type).substr(at + 9);
    if (value.starts_with('"')) return std::string(value.substr(1, std::min(value.find('"', 1), value.size()) - 1));
    return std::string(value.substr(0, value.find_first_of("; \t")));
}

void append_texts(std::string_view mail, int depth, std::string& out)
{
    const auto part = as_mail(mail);
    if (!part || depth > mail_depth_max) {
        out += mail;
        return;
    }
    const auto header = [&](const char* name) {
        const auto found = part->headers.find(name);
        return found == part->headers.end() ? std::string() : found->second;
    };
    if (const std::string boundary = boundary_of(header("content-type")); !boundary.empty()) {
        const std::string mark = "--" + boundary;
        for (std::size_t at = part->body.find(mark); at != mail.npos;) {
            const std::size_t begin = std::min(part->body.find('\n', at), part->body.size() - 1) + 1;
            const std::size_t next = part->body.find(mark, begin);
            if (next == mail.npos) break;
            append_texts(part->body.substr(begin, next - begin), depth + 1, out);
            at = next;
        }
        return;
    }
    const std::string encoding = lowered(header("content-transfer-encoding"));
    if (encoding.find("quoted-printable") != encoding.npos)
        out += from_quoted_printable(part->body);
    else if (encoding.find("base64") != encoding.npos)
        out += from_folded_base64(part->body);
    else
        out += part->body;
    out += '\n';
}

bool begins_checkpoint(const std::vector<std::string_view>& lines, std::size_t at)
{
    return at + 4 < lines.size() && is_valid_key_name(lines[at]) && parse_decimal(lines[at + 1]) &&
           hash_from_base64(lines[at + 2]);
}

// The note that begins at that line, or nothing.
std::optional<std::string> note_at(const std::vector<std::string_view>& lines, std::size_t at)
{
    if (!begins_checkpoint(lines, at)) return std::nullopt;
    std::string note;
    std::size_t line = at;
    for (; line < lines.size() && !lines[line].empty(); ++line)
        note.append(lines[line]).push_back('\n');
    note += '\n';
    for (++line; line < lines.size() && lines[line].starts_with(signature_begin); ++line)
        note.append(lines[line]).push_back('\n');
    const auto parsed = parse_note(note);
    if (!parsed || !parse_checkpoint(parsed->text)) return std::nullopt;
    return note;
}

} // namespace

result<std::vector<std::string>> checkpoints_in(std::string_view saved)
{
    const auto refuse = [](std::string what) {
        return failure(
            errc::page_malformed,
            "checkpoint: " + std::move(what),
            "Give the file as it was handed out, or the whole mail as the mail program saves it."
        );
    };
    if (saved.size() > saved_bytes_max) return refuse("the file is larger than any that holds one");
    if (const auto note = parse_note(saved); note && parse_checkpoint(note->text))
        return std::vector<std::string>{std::string(saved)};
    std::string text;
    append_texts(saved, 0, text);
    const std::vector<std::string_view> lines = lines_of(text);
    std::vector<std::string> found;
    for (std::size_t at = 0; at < lines.size(); ++at)
        if (auto note = note_at(lines, at)) {
            if (found.size() == saved_notes_max) return refuse("the file holds too many");
            found.push_back(std::move(*note));
        }
    if (found.empty()) return refuse("the file holds no signed checkpoint");
    return found;
}

std::vector<std::string> signature_lines_in(std::string_view saved)
{
    std::vector<std::string> found;
    if (saved.size() > saved_bytes_max) return found;
    std::string text;
    append_texts(saved, 0, text);
    for (const std::string_view line : lines_of(text)) {
        if (!line.starts_with(signature_begin) || found.size() == note_signatures_max) continue;
        std::string one = std::string(line) + "\n";
        // The form of a line is judged as part of a note.
        if (parse_note("-\n\n" + one)) found.push_back(std::move(one));
    }
    return found;
}

} // namespace rollbook
