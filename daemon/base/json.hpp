#pragma once

#include "daemon/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace rollbook {

class json_writer;

// One value of a parsed document: a pointer that is cheap to copy and valid as long as its json_document lives.
//
// A view of what is not there (an absent key, an index past the end) is null and is_absent(). Looking into a value of
// another kind gives the same, so that a path can be followed without a check at every step. The as_...() functions
// want the right kind and stop the program otherwise; the ..._if() functions give nothing instead, and are what a
// reader of outside data uses.
class json_view {
public:
    json_view() noexcept = default;

    bool is_absent() const noexcept { return node_ == nullptr; }
    bool is_null() const noexcept; // null, or absent
    bool is_object() const noexcept;
    bool is_array() const noexcept;
    bool is_string() const noexcept;
    bool is_bool() const noexcept;
    bool is_int() const noexcept;    // written without fraction or exponent, and fits 64 bits with sign
    bool is_number() const noexcept; // any number

    // The member of that name; the first one where a name is there twice.
    json_view operator[](std::string_view key) const noexcept;
    // The element of an array.
    json_view at(std::size_t index) const noexcept;
    // Members of an object or elements of an array; 0 for any other kind.
    std::size_t size() const noexcept;
    // Follows member names, and positions in arrays, parted by dots: "data.pupil.name", "data.0.id".
    json_view path(std::string_view dotted) const noexcept;

    std::string_view as_string() const;
    std::int64_t as_int() const;
    bool as_bool() const;
    double as_double() const; // any number

    std::optional<std::string_view> string_if() const noexcept;
    std::optional<std::int64_t> int_if() const noexcept;
    std::optional<bool> bool_if() const noexcept;

    // Calls callback(std::string_view key, json_view value) for each member, in the text's order.
    template <class Callback> void for_each(Callback&& callback) const
    {
        for (std::size_t i = 0, n = is_object() ? size() : 0; i < n; ++i) {
            callback(key_at(i), value_at(i));
        }
    }
    // Calls callback(json_view element) for each element of an array.
    template <class Callback> void for_each_element(Callback&& callback) const
    {
        for (std::size_t i = 0, n = is_array() ? size() : 0; i < n; ++i)
            callback(at(i));
    }

    // Writes the value as RFC 8785 wants it, keys sorted. Of a name that is there twice the first is written; a number
    // that is no integer within +-(2^53 - 1) is written as the nearest double, which is that standard's rule.
    void write_canonical(json_writer& out) const;

private:
    friend class json_document;
    explicit json_view(const void* node) noexcept : node_(node) {}
    std::string_view key_at(std::size_t member) const noexcept;
    json_view value_at(std::size_t member) const noexcept;

    const void* node_ = nullptr;
};

// What a text may cost us.
struct json_limits {
    std::size_t bytes_max = std::size_t{16} << 20;
    unsigned depth_max = 64; // never more than json_writer::depth_max
    bool strict = false;     // refuse a name that is there twice in one object
};

// A parsed JSON text (RFC 8259), read-only.
class json_document {
public:
    // Fails with page_malformed and the byte offset: not JSON, not UTF-8, over a limit, or text after the value. The
    // parser keeps its stack on the heap, so that nesting cannot break the program. The error shows nothing of the
    // text.
    static result<json_document> parse(std::string text, const json_limits& limits = {});

    json_document(json_document&&) noexcept;
    json_document& operator=(json_document&&) noexcept;
    ~json_document();

    json_view root() const noexcept;

private:
    struct impl;
    explicit json_document(std::unique_ptr<impl> p) noexcept;
    std::unique_ptr<impl> impl_;
};

} // namespace rollbook
