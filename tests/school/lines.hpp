#pragma once

#include "tests/school/conversation.hpp"

namespace rollbook::school {

// A conversation of lines that end in CRLF, as mail servers hold it.
class line_conversation : public conversation {
public:
    std::vector<output> take(std::string_view bytes) override
    {
        heard_ += bytes;
        std::vector<output> said;
        for (;;) {
            const std::size_t end = heard_.find("\r\n");
            if (end == heard_.npos || is_over_) break;
            const std::string line = heard_.substr(0, end);
            heard_.erase(0, end + 2);
            output reply = answer(line);
            is_over_ = reply.then != afterwards::keep;
            if (!reply.bytes.empty() || is_over_) said.push_back(std::move(reply));
        }
        return said;
    }

private:
    // To one line, without its end. Empty bytes: nothing is said to it.
    virtual output answer(std::string_view line) = 0;

    std::string heard_;
    bool is_over_ = false;
};

} // namespace rollbook::school
