#include "connectors/mapping/as_json.hpp"

#include "connectors/mapping/values.hpp"
#include "daemon/base/utf8.hpp"

#include <algorithm>

namespace rollbook {

namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

failure not_a_table(const std::string& why)
{
    return failure(
        errc::page_malformed,
        "the answer " + why,
        "It is read again; if it stays so, report this line to the source's support."
    );
}

// One row of a CSV text at a time.
class csv_rows {
public:
    csv_rows(std::string_view text, char delimiter) : text_(text), delimiter_(delimiter) {}

    bool at_end() const { return at_ >= text_.size(); }
    // False where a quote does not end, or where something follows one that does.
    bool next(std::vector<std::string>& values)
    {
        values.clear();
        for (;;) {
            std::string value;
            if (at_ < text_.size() && text_[at_] == '"') {
                if (!quoted(value)) return false;
            } else {
                while (at_ < text_.size() && text_[at_] != delimiter_ && text_[at_] != '\n' && text_[at_] != '\r')
                    value += text_[at_++];
            }
            values.push_back(std::move(value));
            if (at_ < text_.size() && text_[at_] == delimiter_) {
                ++at_;
                continue;
            }
            if (at_ < text_.size() && text_[at_] == '\r') ++at_;
            if (at_ < text_.size() && text_[at_] == '\n') ++at_;
            return true;
        }
    }

private:
    bool quoted(std::string& value)
    {
        for (++at_; at_ < text_.size(); ++at_) {
            if (text_[at_] != '"') {
                value += text_[at_];
                continue;
            }
            ++at_;
            if (at_ >= text_.size() || text_[at_] != '"')
                return at_ >= text_.size() || text_[at_] == delimiter_ || text_[at_] == '\n' || text_[at_] == '\r';
            value += '"';
        }
        return false;
    }

    std::string_view text_;
    char delimiter_;
    std::size_t at_ = 0;
};

} // namespace

void append_json_text(std::string& out, std::string_view text)
{
    constexpr char digits[] = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\')
            out += {'\\', c};
        else if (static_cast<unsigned char>(c) < 0x20)
            out.append("\\u00").append({digits[(c >> 4) & 15], digits[c & 15]});
        else
            out += c;
    }
    out += '"';
}

result<std::string> json_of_lines(std::string_view text)
{
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    std::string out = "[";
    while (!text.empty()) {
        const auto end = text.find('\n');
        const std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
        if (line.empty()) continue;
        if (out.size() > 1) out += ',';
        out += line;
    }
    out += ']';
    return out;
}

result<std::string> json_of_csv(std::string_view text, char delimiter)
{
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    if (!is_valid_utf8(text)) return not_a_table("is not valid UTF-8");
    csv_rows rows(text, delimiter);
    std::vector<std::string> names;
    if (trimmed(text).empty()) return not_a_table("has no line of headings");
    if (!rows.next(names)) return not_a_table("has a quote without its end in row 1");
    for (std::string& name : names) {
        name = trimmed(name);
        if (std::count(names.begin(), names.end(), name) > 1) return not_a_table("has one heading twice");
    }
    std::string out = "[";
    std::vector<std::string> values;
    for (std::size_t number = 2; !rows.at_end(); ++number) {
        if (!rows.next(values)) return not_a_table("has a quote without its end in row " + std::to_string(number));
        if (values.size() == 1 && trimmed(values[0]).empty()) continue;
        if (values.size() != names.size())
            return not_a_table(
                "has " + std::to_string(values.size()) + " values in row " + std::to_string(number) + " and " +
                std::to_string(names.size()) + " headings"
            );
        out += out.size() > 1 ? ",{" : "{";
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (i > 0) out += ',';
            append_json_text(out, names[i]);
            out += ':';
            append_json_text(out, values[i]);
        }
        out += '}';
    }
    out += ']';
    return out;
}

} // namespace rollbook
