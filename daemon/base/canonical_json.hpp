#pragma once

#include "daemon/base/error.hpp"
#include "daemon/base/utf8.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace rollbook {

// Writes canonical JSON (RFC 8785) at the end of a string: the same fact always gives the same bytes.
//
// Keys of one object must come in ascending order, each once; texts and keys must be valid UTF-8; integers must lie
// within +-(2^53 - 1). Breaking one of these, or the nesting, is a bug and stops the program: check what comes from
// outside first. Allocates nothing beyond the string's own growth.
class json_writer {
public:
    static constexpr unsigned depth_max = 128;
    static constexpr std::int64_t integer_max = (std::int64_t{1} << 53) - 1;

    explicit json_writer(std::string& out) noexcept : out_(out) { frames_[0] = frame{}; }
    json_writer(const json_writer&) = delete;
    json_writer& operator=(const json_writer&) = delete;

    json_writer& begin_object();
    json_writer& end_object();
    json_writer& begin_array();
    json_writer& end_array();
    json_writer& key(std::string_view name);

    json_writer& value(std::string_view text);
    json_writer& value(const char* text) { return value(std::string_view(text)); }
    json_writer& value(const std::string& text) { return value(std::string_view(text)); }
    // Of bool alone: what only converts to it, an index or a pointer, is not written as a truth.
    template <std::same_as<bool> T> json_writer& value(T truth) { return truth_value(truth); }
    template <std::integral T>
    requires(!std::same_as<T, bool>) json_writer& value(T number)
    {
        ROLLBOOK_ENSURE(std::in_range<std::int64_t>(number));
        return integer(static_cast<std::int64_t>(number));
    }
    json_writer& null();

    // A number as ECMAScript prints it, which is what RFC 8785 asks for. Payloads hold integers only; this is for
    // writing back what a source sent. Must be finite.
    json_writer& number(double value);

    // key(name) and value(v) in one.
    template <class V> json_writer& member(std::string_view name, const V& v)
    {
        key(name);
        return value(v);
    }

    // Whether exactly one whole value has been written.
    bool is_complete() const noexcept { return depth_ == 0 && frames_[0].any; }

private:
    enum class place : std::uint8_t { top, array, object };
    // Nothing by itself: of as many as there may be, a writer begins the few that it needs.
    struct frame {
        std::size_t key_at; // where the last key's bytes stand in out_
        std::uint32_t key_length;
        place where;
        bool any;         // something was written here, so a comma comes next
        bool key_pending; // a key waits for its value
        bool key_escaped; // the last key's bytes in out_ are not the key itself
    };

    json_writer& truth_value(bool truth);
    json_writer& integer(std::int64_t number);
    void before_value();
    void open(place where, char bracket);
    void close(place where, char bracket);
    bool follows_last_key(const frame& f, std::string_view name) const;

    std::string& out_;
    unsigned depth_ = 0;
    std::array<frame, depth_max + 1> frames_;
};

// The order of keys RFC 8785 asks for: UTF-16 code units. For ASCII it is byte order. Both must be valid UTF-8.
bool json_key_less(std::string_view a, std::string_view b) noexcept;

} // namespace rollbook
