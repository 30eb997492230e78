#include "daemon/delivery/mail_message.hpp"

#include "daemon/base/ascii.hpp"
#include "daemon/base/bytes.hpp"
#include "daemon/base/html.hpp"
#include "daemon/base/sha256.hpp"
#include "daemon/base/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace rollbook::delivery {

namespace {

constexpr std::size_t line_max = 76;   // RFC 2045 and RFC 2047; RFC 5322 asks for 78
constexpr std::size_t word_frame = 12; // =?UTF-8?B? and ?=

std::string without_controls(std::string_view text)
{
    std::string clean(text);
    std::replace_if(clean.begin(), clean.end(), is_control, ' ');
    return clean;
}

// "Tue, 01 Sep 2026 08:50:00 +0000": English, whatever the locale.
std::string mail_date(instant at)
{
    constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(at - day));
    return fmt::format(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} +0000",
        days[std::chrono::weekday(day).c_encoding()],
        unsigned(date.day()),
        months[unsigned(date.month()) - 1],
        int(date.year()),
        time.hours().count(),
        time.minutes().count(),
        time.seconds().count()
    );
}

// What may stand in a List-Id: letters, digits and hyphens.
std::string label(std::string_view text)
{
    std::string kept;
    for (const char c : text)
        if (is_digit(c) || is_letter(c) || c == '-') kept += c;
    return kept.empty() ? "school" : kept;
}

// RFC 2047 words after `used` columns, each on a line of its own; no character is split between words.
std::string encoded_words(std::string_view text, std::size_t used)
{
    std::string words;
    while (!text.empty()) {
        const std::size_t room = (line_max - word_frame - std::min(used, line_max / 2)) / 4 * 3;
        std::size_t bytes = 0;
        while (bytes < text.size()) {
            const std::size_t next = std::max<std::size_t>(utf8_length(text.substr(bytes)), 1);
            if (bytes + next > room) break;
            bytes += next;
        }
        if (!words.empty()) words += "\r\n ";
        words += "=?UTF-8?B?" + to_base64(as_bytes(text.substr(0, bytes))) + "?=";
        text.remove_prefix(bytes);
        used = 1;
    }
    return words;
}

// One line, with the addresses of web pages in it as links.
std::string with_links(std::string_view line)
{
    std::string out;
    for (;;) {
        const std::size_t at = std::min(line.find("https://"), line.find("http://"));
        out += html_escaped(line.substr(0, at));
        if (at >= line.size()) return out;
        line.remove_prefix(at);
        const std::string url = html_escaped(line.substr(0, line.find_first_of(" \t)")));
        out += "<a href=\"" + url + "\">" + url + "</a>";
        line.remove_prefix(std::min(line.size(), line.find_first_of(" \t)")));
    }
}

} // namespace

std::string header_text(std::string_view text, std::size_t used)
{
    const std::string clean = without_controls(text);
    const bool ascii = std::all_of(clean.begin(), clean.end(), [](unsigned char c) { return c < 0x80; });
    if (ascii && used + clean.size() <= line_max && clean.find("=?") == clean.npos) return clean;
    return encoded_words(clean, used);
}

std::string quoted_printable(std::string_view text)
{
    std::string out;
    std::size_t column = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const unsigned char c = static_cast<unsigned char>(text[at]);
        if (c == '\n') {
            out += "\r\n";
            column = 0;
            continue;
        }
        // Blanks at a line's end may be cut on the way.
        const bool ends_line = at + 1 == text.size() || text[at + 1] == '\n';
        const bool plain = (c > ' ' && c < 0x7f && c != '=') || ((c == ' ' || c == '\t') && !ends_line);
        const std::size_t width = plain ? 1 : 3;
        if (column + width > line_max - 1) {
            out += "=\r\n";
            column = 0;
        }
        if (plain)
            out += static_cast<char>(c);
        else
            out += fmt::format("={:02X}", c);
        column += width;
    }
    if (column > 0) out += "\r\n";
    return out;
}

std::string html_of(std::string_view title, std::string_view text)
{
    std::string html = "<!DOCTYPE html>\n<html lang=\"en-GB\"><head><meta charset=\"utf-8\"><title>" +
                       html_escaped(title) + "</title></head>\n<body>\n";
    while (!text.empty()) {
        const std::size_t end = std::min(text.find("\n\n"), text.size());
        std::string_view lines = text.substr(0, end);
        text.remove_prefix(std::min(text.size(), end + 2));
        std::string paragraph;
        while (!lines.empty()) {
            const std::size_t line_end = std::min(lines.find('\n'), lines.size());
            if (line_end > 0) paragraph += (paragraph.empty() ? "" : "<br>\n") + with_links(lines.substr(0, line_end));
            lines.remove_prefix(std::min(lines.size(), line_end + 1));
        }
        if (!paragraph.empty()) html += "<p>" + paragraph + "</p>\n";
    }
    return html + "</body></html>\n";
}

std::string compose_mail(const message& m, const mail_envelope& envelope)
{
    std::string mail;
    const auto header = [&mail](std::string_view name, std::string_view value) {
        mail.append(name).append(": ").append(value).append("\r\n");
    };
    std::string to;
    for (const std::string& one : envelope.to)
        to += (to.empty() ? "" : ",\r\n ") + without_controls(one);
    const std::string domain = without_controls(envelope.from.substr(envelope.from.find('@') + 1));
    // A phrase, whatever is in the name.
    const std::string school =
        encoded_words(without_controls(envelope.school_name), std::string_view("List-Id: ").size());

    header("Message-ID", without_controls(m.id));
    if (!m.references.empty()) {
        header("In-Reply-To", without_controls(m.references));
        header("References", without_controls(m.references));
    }
    header("Date", mail_date(m.made_at));
    header("From", "Rollbook <" + without_controls(envelope.from) + ">");
    header("To", to);
    header("Subject", header_text(m.subject, std::string_view("Subject: ").size()));
    header(
        "List-Id",
        school + (school.empty() ? "" : "\r\n ") + "<" + label(envelope.school_urn) + ".rollbook." + domain + ">"
    );
    header("Auto-Submitted", "auto-generated");
    header("X-Auto-Response-Suppress", "All");
    if (m.attempt > 1) header("X-Rollbook-Attempt", std::to_string(m.attempt));
    header("MIME-Version", "1.0");
    const auto part = [&](std::string_view kind, std::string_view text) {
        header("Content-Type", fmt::format("text/{}; charset=utf-8", kind));
        header("Content-Transfer-Encoding", "quoted-printable");
        mail += "\r\n";
        mail += quoted_printable(text);
    };
    if (m.type == "checkpoint") {
        part("plain", m.text);
        return mail;
    }
    // "=_" never stands in quoted-printable text, and the same message gets the same boundary.
    const std::string boundary = "=_" + to_hex(sha256(as_bytes(m.id))).substr(0, 32);
    header("Content-Type", "multipart/alternative;\r\n boundary=\"" + boundary + "\"");
    mail += "\r\n--" + boundary + "\r\n";
    part("plain", m.text);
    mail += "--" + boundary + "\r\n";
    part("html", html_of(m.subject, m.text));
    mail += "--" + boundary + "--\r\n";
    return mail;
}

} // namespace rollbook::delivery
