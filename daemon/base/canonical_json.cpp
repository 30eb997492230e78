#include "daemon/base/canonical_json.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace rollbook {

namespace {

enum class byte_class : std::uint8_t { plain, escaped, beyond_ascii };

constexpr auto byte_classes = [] {
    std::array<byte_class, 256> classes{};
    for (std::size_t i = 0; i < 0x20; ++i)
        classes[i] = byte_class::escaped;
    classes['"'] = classes['\\'] = byte_class::escaped;
    for (std::size_t i = 0x80; i < 256; ++i)
        classes[i] = byte_class::beyond_ascii;
    return classes;
}();

void append_escape(std::string& out, char c)
{
    switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\t': out += "\\t"; return;
    case '\n': out += "\\n"; return;
    case '\f': out += "\\f"; return;
    case '\r': out += "\\r"; return;
    default: break;
    }
    constexpr char digits[] = "0123456789abcdef";
    out += "\\u00";
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 0xf];
}

// Appends the text between quotation marks; true when some of it had to be escaped.
bool append_quoted(std::string& out, std::string_view text)
{
    bool escaped = false;
    out += '"';
    std::size_t run = 0;
    std::size_t i = 0;
    while (i < text.size()) {
        const byte_class kind = byte_classes[static_cast<unsigned char>(text[i])];
        if (kind == byte_class::plain) {
            ++i;
        } else if (kind == byte_class::beyond_ascii) {
            const std::size_t length = utf8_length(text.substr(i));
            ROLLBOOK_ENSURE(length != 0); // a text that is not UTF-8 must not reach a payload
            i += length;
        } else {
            out.append(text, run, i - run);
            append_escape(out, text[i]);
            run = ++i;
            escaped = true;
        }
    }
    out.append(text, run, i - run);
    out += '"';
    return escaped;
}

// Whether nothing in the text needs an escape or a look at its UTF-8; eight bytes at a time.
bool is_plain(std::string_view text)
{
    constexpr std::uint64_t ones = 0x0101010101010101u;
    constexpr std::uint64_t tops = ones * 0x80;
    // Not zero when some byte of `x` is below `limit`.
    const auto below = [](std::uint64_t x, unsigned limit) { return (x - ones * limit) & ~x & tops; };
    std::size_t i = 0;
    for (; i + 8 <= text.size(); i += 8) {
        std::uint64_t x;
        std::memcpy(&x, text.data() + i, 8);
        if ((x & tops) | below(x, 0x20) | below(x ^ ones * '"', 1) | below(x ^ ones * '\\', 1)) return false;
    }
    for (; i < text.size(); ++i) {
        if (byte_classes[static_cast<unsigned char>(text[i])] != byte_class::plain) return false;
    }
    return true;
}

// Undoes append_quoted().
std::string unescape(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            out += text[i];
            continue;
        }
        constexpr std::string_view letters = "btnfr\"\\";
        constexpr std::string_view meant = "\b\t\n\f\r\"\\";
        const char letter = text[++i];
        if (letter != 'u') {
            out += meant[letters.find(letter)];
            continue;
        }
        unsigned code = 0;
        std::from_chars(text.data() + i + 1, text.data() + i + 5, code, 16);
        out += static_cast<char>(code);
        i += 4;
    }
    return out;
}

} // namespace

bool json_key_less(std::string_view a, std::string_view b) noexcept
{
    const std::size_t common = std::min(a.size(), b.size());
    for (std::size_t i = 0; i < common; ++i) {
        const auto x = static_cast<unsigned char>(a[i]);
        const auto y = static_cast<unsigned char>(b[i]);
        if (x == y) continue;
        // UTF-16 writes what is above U+FFFF (lead byte F0 and up) with surrogates, which sort below U+E000 (lead
        // bytes EE and EF). Everywhere else its order is that of the bytes.
        if (x >= 0xf0 && (y == 0xee || y == 0xef)) return true;
        if (y >= 0xf0 && (x == 0xee || x == 0xef)) return false;
        return x < y;
    }
    return a.size() < b.size();
}

bool json_writer::follows_last_key(const frame& f, std::string_view name) const
{
    const std::string_view last(out_.data() + f.key_at, f.key_length);
    return f.key_escaped ? json_key_less(unescape(last), name) : json_key_less(last, name);
}

void json_writer::before_value()
{
    frame& f = frames_[depth_];
    if (f.where == place::object) {
        ROLLBOOK_ENSURE(f.key_pending); // a member needs its key
        f.key_pending = false;
        return;
    }
    if (f.where == place::array) {
        if (f.any) out_ += ',';
    } else {
        ROLLBOOK_ENSURE(!f.any); // one text holds one value
    }
    f.any = true;
}

void json_writer::open(place where, char bracket)
{
    before_value();
    ROLLBOOK_ENSURE(depth_ < depth_max);
    frames_[++depth_] = frame{.where = where};
    out_ += bracket;
}

void json_writer::close(place where, char bracket)
{
    ROLLBOOK_ENSURE(depth_ > 0 && frames_[depth_].where == where && !frames_[depth_].key_pending);
    --depth_;
    out_ += bracket;
}

json_writer& json_writer::begin_object()
{
    open(place::object, '{');
    return *this;
}

json_writer& json_writer::end_object()
{
    close(place::object, '}');
    return *this;
}

json_writer& json_writer::begin_array()
{
    open(place::array, '[');
    return *this;
}

json_writer& json_writer::end_array()
{
    close(place::array, ']');
    return *this;
}

json_writer& json_writer::key(std::string_view name)
{
    frame& f = frames_[depth_];
    ROLLBOOK_ENSURE(f.where == place::object && !f.key_pending);
    ROLLBOOK_ENSURE(!f.any || follows_last_key(f, name)); // ascending, and each once
    const std::size_t at = out_.size();
    f.key_at = at + (f.any ? 2 : 1);
    if (is_plain(name)) {
        // Grown once and filled with quotation marks; what lies between them is then put in place.
        out_.append(name.size() + (f.any ? 4 : 3), '"');
        if (f.any) out_[at] = ',';
        std::copy(name.begin(), name.end(), out_.begin() + static_cast<std::ptrdiff_t>(f.key_at));
        out_.back() = ':';
        f.key_escaped = false;
        f.key_length = static_cast<std::uint32_t>(name.size());
    } else {
        if (f.any) out_ += ',';
        f.key_escaped = append_quoted(out_, name);
        f.key_length = static_cast<std::uint32_t>(out_.size() - 1 - f.key_at);
        out_ += ':';
    }
    f.any = true;
    f.key_pending = true;
    return *this;
}

json_writer& json_writer::value(std::string_view text)
{
    before_value();
    if (is_plain(text)) {
        const std::size_t at = out_.size();
        out_.append(text.size() + 2, '"');
        std::copy(text.begin(), text.end(), out_.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    } else {
        append_quoted(out_, text);
    }
    return *this;
}

json_writer& json_writer::truth_value(bool truth)
{
    before_value();
    out_ += truth ? "true" : "false";
    return *this;
}

json_writer& json_writer::null()
{
    before_value();
    out_ += "null";
    return *this;
}

json_writer& json_writer::integer(std::int64_t number)
{
    ROLLBOOK_ENSURE(number >= -integer_max && number <= integer_max);
    before_value();
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out_.append(digits, end);
    return *this;
}

json_writer& json_writer::number(double value)
{
    ROLLBOOK_ENSURE(std::isfinite(value));
    before_value();
    if (value == 0) {
        out_ += '0'; // minus zero too
        return *this;
    }
    // The shortest digits that read back as the same value, "d.ddde+XX"; then laid out by ECMA-262, Number::toString.
    char text[40];
    const auto end = std::to_chars(text, text + sizeof text, std::fabs(value), std::chars_format::scientific).ptr;
    const std::string_view written(text, static_cast<std::size_t>(end - text));
    const std::size_t e = written.find('e');
    char digits[20];
    int k = 0;
    for (const char c : written.substr(0, e)) {
        if (c != '.') digits[k++] = c;
    }
    int exponent = 0;
    std::from_chars(written.data() + e + (written[e + 1] == '+' ? 2 : 1), end, exponent);
    const int n = exponent + 1; // the value is 0.digits times 10 to the n

    const auto append_digits = [&](int from, int to) {
        out_.append(digits + from, static_cast<std::size_t>(to - from));
    };
    if (value < 0) out_ += '-';
    if (k <= n && n <= 21) {
        append_digits(0, k);
        out_.append(static_cast<std::size_t>(n - k), '0');
    } else if (0 < n && n <= 21) {
        append_digits(0, n);
        out_ += '.';
        append_digits(n, k);
    } else if (-6 < n && n <= 0) {
        out_ += "0.";
        out_.append(static_cast<std::size_t>(-n), '0');
        append_digits(0, k);
    } else {
        append_digits(0, 1);
        if (k > 1) {
            out_ += '.';
            append_digits(1, k);
        }
        out_ += exponent < 0 ? "e-" : "e+";
        out_ += std::to_string(std::abs(exponent));
    }
    return *this;
}

} // namespace rollbook
