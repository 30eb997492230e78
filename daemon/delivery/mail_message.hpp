#pragma once

#include "daemon/ports/channel.hpp"

#include <string>
#include <vector>

namespace rollbook::delivery {

struct mail_envelope {
    std::string from;
    std::vector<std::string> to;
    std::string school_name;
    std::string school_urn;
};

// The message as mail: RFC 5322 with CRLF line ends, quoted-printable, as text and as HTML that says the same; a
// checkpoint, which programs read, as text only. The same message gives the same bytes,
// but for X-Rollbook-Attempt. Control characters in any header become spaces, so that no text adds a header.
std::string compose_mail(const message& m, const mail_envelope& envelope);

// A text as a whole HTML document: paragraphs and links, everything else escaped. It loads nothing from anywhere.
std::string html_of(std::string_view title, std::string_view text);

// RFC 2047: the text as it is where it is plain ASCII and fits a line after `used` columns, else as encoded words,
// folded.
std::string header_text(std::string_view text, std::size_t used);

// RFC 2045 section 6.7; LF line ends become CRLF.
std::string quoted_printable(std::string_view text);

} // namespace rollbook::delivery
