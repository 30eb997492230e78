#pragma once

#include "daemon/web/http.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace rollbook {

// Takes apart a form that carries one file (RFC 7578), piece by piece as it arrives. Holds little more than a piece.
// What the browser calls the file is not kept: the name may be a pupil's.
class multipart_reader {
public:
    // The boundary that a Content-Type names; empty for another type, or for a boundary that RFC 2046 does not allow.
    static std::optional<std::string> boundary_of(std::string_view content_type);

    explicit multipart_reader(std::string_view boundary) : delimiter_("\r\n--" + std::string(boundary)) {}

    // Takes the next bytes. False, from then on, when they are no such form or pass a limit.
    bool take(std::string_view bytes);
    // The form has ended as it should.
    bool is_done() const { return now_ == state::ended; }
    // The fields that are whole so far.
    const web_fields& fields() const { return fields_; }
    // The file's part has begun.
    bool has_file() const { return has_file_; }
    // The bytes of the file that came since this was asked last.
    std::string take_file_bytes() { return std::exchange(file_bytes_, {}); }

private:
    enum class state { between, headers, content, ended, broken };

    bool step();
    bool fail();
    bool read_headers(std::string_view lines);
    bool hand_over(std::string_view content);
    bool end_part();

    const std::string delimiter_;
    state now_ = state::content; // what stands before the first delimiter belongs to no part
    std::string held_ = "\r\n";  // the first delimiter has no line before it
    std::size_t parts_ = 0;
    std::string name_; // of the part under way; empty: of none
    std::string value_;
    bool is_file_ = false;
    bool has_file_ = false;
    web_fields fields_;
    std::string file_bytes_;
};

} // namespace rollbook
