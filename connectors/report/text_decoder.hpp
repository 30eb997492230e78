#pragma once

#include "connectors/report/row_source.hpp"

#include <string>

namespace rollbook {

// A text file as UTF-8, without its byte order mark. A mark tells UTF-16 and UTF-8, whatever the form says; without
// one the form's encoding holds. What is no character of its encoding becomes bytes that are no UTF-8 either, so that
// whoever reads the value sees that it is spoilt.
class text_decoder {
public:
    text_decoder(byte_source& bytes, report_form::encoding encoding) : bytes_(bytes), encoding_(encoding) {}

    // Puts the next piece at the end of `into`; false when there is none.
    result<bool> read(std::string& into);

private:
    enum class kind { plain, windows_1252, utf_16_le, utf_16_be };

    void append(std::string_view bytes, std::string& into);
    void append_utf16(std::string_view bytes, std::string& into);

    byte_source& bytes_;
    report_form::encoding encoding_;
    kind is_ = kind::plain;
    bool begun_ = false;
    bool ended_ = false;
    std::string left_; // of a character that two pieces share
    char32_t high_ = 0;
};

// The character that windows-1252 means by the byte; 0xFFFF where it means none.
char32_t windows_1252_character(unsigned char byte);
void append_utf8(char32_t character, std::string& into);

} // namespace rollbook
