#pragma once

#include "daemon/base/error.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

namespace rollbook {

// A note for a source's own people: what an alert says, for the pupil as that source knows the child.
struct source_note {
    std::string reference; // ours; the same in every try, so that a repeat is recognised
    std::string pupil;     // the source's id
    std::string text;
    std::string at; // RFC 3339

    source_note() = default;
    source_note(std::string r, std::string p, std::string t, std::string when)
        : reference(std::move(r)), pupil(std::move(p)), text(std::move(t)), at(std::move(when))
    {
    }
};

// Puts notes into one source.
class note_writer {
public:
    virtual ~note_writer() = default;
    // Writes the note and, where the source lets us, reads it back. Gives the source's id of it; empty where it names
    // none. A note that the source already has by its reference is there, and is not written again. Fails with
    // delivery_refused or delivery_unreachable; after the second it may be there all the same, and a further try finds
    // it.
    virtual boost::asio::awaitable<result<std::string>> write(source_note note) = 0;
    // Whether the source can be asked for a note by our reference, so that a further try writes nothing twice.
    virtual bool knows_by_reference() const = 0;
};

} // namespace rollbook
