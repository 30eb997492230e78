#pragma once

#include "tests/school/smtp.hpp"

namespace rollbook::school {

// What the mailbox of `from` holds, by IMAP4rev1 (RFC 3501): as much of it as a reader of delivery reports asks for.
// The user is any, the password "imap-secret".
std::unique_ptr<conversation> make_imap_conversation(std::shared_ptr<mailbox> box);

} // namespace rollbook::school
