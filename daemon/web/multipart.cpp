#include "daemon/web/multipart.hpp"

#include "daemon/base/ascii.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace rollbook {

namespace {

constexpr std::size_t boundary_max = 70; // RFC 2046, 5.1.1
constexpr std::size_t parts_max = 10;
constexpr std::size_t headers_max = 4 * 1024; // of a part
constexpr std::size_t value_max = 4 * 1024;   // of a field that is no file

std::string_view stripped(std::string_view text)
{
    while (text.starts_with(' ') || text.starts_with('\t'))
        text.remove_prefix(1);
    while (text.ends_with(' ') || text.ends_with('\t'))
        text.remove_suffix(1);
    return text;
}

// A header's value and its parameters: `form-data; name="source"`.
struct parameters {
    std::string value;
    std::vector<std::pair<std::string, std::string>> named;

    const std::string* find(std::string_view name) const
    {
        const auto at = std::ranges::find_if(named, [&](const auto& each) { return is_same_word(each.first, name); });
        return at == named.end() ? nullptr : &at->second;
    }
};

// Empty where a quote does not end, or a name is there twice.
std::optional<parameters> read_parameters(std::string_view text)
{
    parameters out;
    out.value = stripped(text.substr(0, text.find(';')));
    text.remove_prefix(std::min(text.find(';'), text.size()));
    while (!text.empty()) {
        text.remove_prefix(1); // the semicolon
        const std::size_t equals = text.find('=');
        if (equals == text.npos) return stripped(text).empty() ? std::optional(out) : std::nullopt;
        std::string name(stripped(text.substr(0, equals)));
        text = stripped(text.substr(equals + 1));
        std::string value;
        if (text.starts_with('"')) {
            std::size_t at = 1;
            // Browsers write a quote in a name as %22, and a backslash as it is.
            while (at < text.size() && text[at] != '"')
                value += text[at++];
            if (at == text.size()) return std::nullopt;
            text = stripped(text.substr(at + 1));
            if (!text.empty() && text.front() != ';') return std::nullopt;
        } else {
            const std::size_t end = std::min(text.find(';'), text.size());
            value = stripped(text.substr(0, end));
            text.remove_prefix(end);
        }
        if (out.find(name)) return std::nullopt;
        out.named.emplace_back(std::move(name), std::move(value));
    }
    return out;
}

} // namespace

std::optional<std::string> multipart_reader::boundary_of(std::string_view content_type)
{
    const auto read = read_parameters(content_type);
    if (!read || !is_same_word(read->value, "multipart/form-data")) return std::nullopt;
    const std::string* boundary = read->find("boundary");
    const auto may_stand = [](char c) {
        return is_digit(c) || is_letter(c) || std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
    };
    if (!boundary || boundary->empty() || boundary->size() > boundary_max || boundary->back() == ' ' ||
        !std::ranges::all_of(*boundary, may_stand))
        return std::nullopt;
    return *boundary;
}

bool multipart_reader::fail()
{
    now_ = state::broken;
    held_.clear();
    return false;
}

bool multipart_reader::take(std::string_view bytes)
{
    if (now_ == state::broken) return false;
    if (now_ == state::ended) return true; // what follows the end means nothing (RFC 2046, 5.1.1)
    held_ += bytes;
    while (step()) {
    }
    return now_ != state::broken;
}

// Does what the held bytes allow; false when more are needed, or there is nothing more to do.
bool multipart_reader::step()
{
    switch (now_) {
    case state::content: {
        const std::size_t at = held_.find(delimiter_);
        // What may be the beginning of a delimiter waits for its end.
        const std::size_t known = at != held_.npos ? at : held_.size() - std::min(held_.size(), delimiter_.size() - 1);
        if (!hand_over(std::string_view(held_).substr(0, known))) return fail();
        if (at == held_.npos) {
            held_.erase(0, known);
            return false;
        }
        held_.erase(0, at + delimiter_.size());
        if (!end_part()) return fail();
        now_ = state::between;
        return true;
    }
    case state::between:
        if (held_.size() < 2) return false;
        if (held_.starts_with("--")) {
            now_ = state::ended;
            held_.clear();
            return false;
        }
        if (!held_.starts_with("\r\n") || ++parts_ > parts_max) return fail();
        held_.erase(0, 2);
        now_ = state::headers;
        return true;
    case state::headers: {
        const std::size_t end = held_.find("\r\n\r\n");
        if (end == held_.npos) return held_.size() >= headers_max + 4 ? fail() : false;
        if (end > headers_max || !read_headers(std::string_view(held_).substr(0, end))) return fail();
        held_.erase(0, end + 4);
        now_ = state::content;
        return true;
    }
    case state::ended:
    case state::broken: return false;
    }
    return false;
}

bool multipart_reader::read_headers(std::string_view lines)
{
    std::optional<parameters> disposition;
    while (!lines.empty()) {
        const std::string_view line = lines.substr(0, lines.find("\r\n"));
        lines.remove_prefix(std::min(line.size() + 2, lines.size()));
        const std::size_t colon = line.find(':');
        if (colon == line.npos) return false;
        const std::string_view name = line.substr(0, colon);
        // RFC 7578, 4.7: how a part would be written otherwise is not for a browser to choose.
        if (is_same_word(name, "Content-Transfer-Encoding")) return false;
        if (!is_same_word(name, "Content-Disposition")) continue;
        if (disposition) return false;
        disposition = read_parameters(line.substr(colon + 1));
        if (!disposition) return false;
    }
    if (!disposition || !is_same_word(disposition->value, "form-data")) return false;
    const std::string* name = disposition->find("name");
    if (!name || name->empty() || !is_form_text(*name)) return false;
    name_ = *name;
    is_file_ = disposition->find("filename") != nullptr;
    if (is_file_ && std::exchange(has_file_, true)) return false;
    return true;
}

bool multipart_reader::hand_over(std::string_view content)
{
    if (name_.empty()) return content.empty(); // before the first part
    if (is_file_)
        file_bytes_ += content;
    else
        value_ += content;
    return value_.size() <= value_max;
}

bool multipart_reader::end_part()
{
    if (!name_.empty() && !is_file_) {
        if (!is_form_text(value_)) return false;
        if (!fields_.emplace(std::move(name_), std::move(value_)).second) return false; // there twice
    }
    name_.clear();
    value_.clear();
    is_file_ = false;
    return true;
}

} // namespace rollbook
