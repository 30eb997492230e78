#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

namespace rollbook::net {

// Who issued the certificate that a server showed, as RFC 2253 writes a name; empty until one was shown. A web filter
// that opens TLS gives itself away by it.
using issuer_note = std::shared_ptr<std::string>;

// Has `easy` write the issuer of the certificate that decides into `to` while it connects. Verification stays as it is:
// what is refused stays refused.
void note_issuer(CURL* easy, const issuer_note& to);

} // namespace rollbook::net
