#include "connectors/rest/masker.hpp"

#include "connectors/mapping/values.hpp"
#include "connectors/rest/dom.hpp"
#include "connectors/rest/settings.hpp"
#include "daemon/base/ascii.hpp"
#include "daemon/base/url_encoding.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <cmath>

namespace rollbook {

namespace {

using document = dom::GenericDocument<dom::UTF8<char>, dom::MemoryPoolAllocator<dom::CrtAllocator>>;
using buffer = dom::GenericStringBuffer<dom::UTF8<char>>;

// Where a date's year, month and day stand in a text of that form.
struct date_places {
    std::size_t year, month, day;
};

std::optional<date_places> date_in(std::string_view text)
{
    const auto fits = [&](std::string_view form) {
        if (text.size() < form.size()) return false;
        for (std::size_t i = 0; i < form.size(); ++i)
            if (form[i] == '9' ? !is_digit(text[i]) : form[i] != text[i]) return false;
        return text.size() == form.size() || !is_digit(text[form.size()]);
    };
    if (fits("9999-99-99")) return date_places{0, 5, 8};
    if (fits("99/99/9999")) return date_places{6, 3, 0};
    return std::nullopt;
}

bool is_time_of_day(std::string_view text)
{
    return text.size() >= 4 && text.size() <= 8 && text.find(':') != text.npos &&
           std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || c == ':'; });
}

// Every text of a manifest, and the parts of those that may be paths.
void collect(const dom_value& v, std::set<std::string, std::less<>>& words, std::set<std::string, std::less<>>& names)
{
    const auto take = [&](const dom_value& text) {
        const std::string word(text_of(text));
        words.insert(word);
        for (const std::string& part : split_list(word, '.'))
            names.insert(part.starts_with('^') ? part.substr(1) : part);
    };
    if (v.IsString()) take(v);
    if (v.IsArray())
        for (const dom_value& item : v.GetArray())
            collect(item, words, names);
    if (!v.IsObject()) return;
    for (const auto& member : v.GetObject()) {
        const std::string_view name = text_of(member.name);
        if (name == "description" || name == "title" || name == "$comment") continue;
        take(member.name); // of `translate`, `where` and `counts`
        collect(member.value, words, names);
    }
}

void add_last(const json_path& path, std::set<std::string, std::less<>>& to)
{
    if (!path.empty()) to.insert(path.back());
}

// A field's own and what it stands for: the last names of the paths that give it.
void add_sources(const field_spec& f, std::set<std::string, std::less<>>& to)
{
    for (const json_path& path : f.from)
        add_last(path, to);
}

bool is_code(const field_spec& f)
{
    return f.lookup.empty() && (f.name == "raw" || f.name == "statutory" || f.name == "code" || f.name == "session");
}

std::optional<char> hex_byte(std::string_view text)
{
    const auto digit = [](char c) {
        if (is_digit(c)) return c - '0';
        const char lower = static_cast<char>(c | 0x20);
        return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
    };
    if (text.size() < 2 || digit(text[0]) < 0 || digit(text[1]) < 0) return std::nullopt;
    return static_cast<char>(digit(text[0]) * 16 + digit(text[1]));
}

std::string url_decoded(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = text[i] == '%' ? hex_byte(text.substr(i + 1)) : std::nullopt;
        out += byte.value_or(text[i] == '+' ? ' ' : text[i]);
        if (byte) i += 2;
    }
    return out;
}

} // namespace

masker::masker(const manifest& m, const std::string& text, url_origin home, const digest_key& key, civil_day today)
    : words_{"AM", "PM", "true", "false", "yes", "no", "Yes", "No", "data"}, separators_("/#"), home_(std::move(home)),
      key_(key), year_(static_cast<int>(std::chrono::year_month_day(today).year()))
{
    document read;
    read.Parse(text.data(), text.size());
    if (!read.HasParseError()) collect(read, words_, names_);
    const auto paging = [&](const paginator_spec& p) {
        for (const json_path* path : {&p.next, &p.more, &p.page, &p.pages, &p.total})
            add_last(*path, paging_);
    };
    const auto field = [&](const field_spec& f) {
        if (is_code(f)) add_sources(f, codes_);
        for (const std::string& c : {std::string(f.split ? 1 : 0, f.split), f.after_last})
            separators_ += c;
        markers_.insert(markers_.end(), f.markers.begin(), f.markers.end());
    };
    // A parameter's value as an address has it, whatever is chosen of it.
    const auto query = [&](const request_spec& r) {
        for (const auto& [name, value] : r.query)
            for (const bool is_on : {false, true})
                names_.insert(filled_in(value, [&](std::string_view inside) {
                    const auto mark = inside.find('?');
                    return std::string(is_on && mark != inside.npos ? inside.substr(mark + 1) : std::string_view());
                }));
    };
    if (!m.dates.zone_member.empty()) zones_.insert(m.dates.zone_member);
    for (const lookup_spec& l : m.lookups) {
        query(l.request);
        paging(l.paginator);
        std::for_each(l.columns.begin(), l.columns.end(), field);
    }
    for (const stream_spec& s : m.streams) {
        query(s.request);
        paging(s.paginator);
        std::for_each(s.record.fields.begin(), s.record.fields.end(), field);
        for (const expand_spec& e : s.expand)
            std::for_each(e.fields.begin(), e.fields.end(), field);
        if (s.changelog) {
            paging(s.changelog->paginator);
            add_last(s.changelog->revision, paging_);
        }
        if (!s.incremental) continue;
        add_last(s.incremental->signpost_value, paging_);
        if (s.incremental->cursor && !s.incremental->is_time) add_sources(*s.incremental->cursor, paging_);
    }
    for (const total_spec& t : m.totals)
        for (const auto& [kind, path] : t.counts)
            add_last(path, paging_);
}

bool masker::stays(std::string_view text, std::string_view name) const
{
    constexpr std::size_t code_longest = 8;
    if (text.size() <= 1 || words_.contains(text)) return true;
    if (codes_.contains(name) && text.size() <= code_longest) return true;
    if (zones_.contains(name) && time_zone::named(std::string(text))) return true;
    if (is_time_of_day(text)) return true;
    if (const auto at = date_in(text)) {
        const auto year = parse_decimal(text.substr(at->year, 4));
        return year && static_cast<int>(*year) + 2 >= year_;
    }
    return false;
}

// Another text of the same shape; another `attempt`, another one.
std::string masker::made(std::string_view text, int attempt) const
{
    std::string out(text);
    std::uint64_t dice = 0;
    std::uint64_t block = 0;
    std::size_t left = 0;
    const auto below = [&](unsigned n) {
        if (left == 0) {
            dice =
                keyed_digest(key_, std::to_string(attempt) + "/" + std::to_string(block++) + "/" + std::string(text));
            left = 7;
        }
        --left;
        const auto drawn = static_cast<unsigned>(dice & 0xff);
        dice >>= 8;
        return drawn * n >> 8;
    };
    if (const auto at = date_in(text)) {
        const auto two = [&](std::size_t where, unsigned n) {
            out[where] = static_cast<char>('0' + n / 10);
            out[where + 1] = static_cast<char>('0' + n % 10);
        };
        two(at->month, 1 + below(12));
        two(at->day, 1 + below(28));
        return out;
    }
    for (char& c : out) {
        if (is_digit(c))
            c = static_cast<char>('0' + below(10));
        else if (is_letter(c))
            c = static_cast<char>((c >= 'a' ? 'a' : 'A') + static_cast<char>(below(26)));
        else if ((static_cast<unsigned char>(c) & 0x80) != 0)
            c = 'x';
    }
    if (is_digit(text[0]) && text[0] != '0' && out[0] == '0') out[0] = '1'; // as many digits when it is a number
    return out;
}

// The same text for the same piece, wherever it stands.
std::string masker::piece(std::string_view text)
{
    const std::string_view core = trimmed(text);
    if (core.empty() || stays(core, {})) return std::string(text);
    auto at = replaced_.find(core);
    if (at == replaced_.end()) {
        // Two ids may not become one; where there are hardly any texts of that shape, a longer one is taken.
        constexpr int attempts_max = 50;
        std::string other = made(core, 0);
        for (int attempt = 1; other == core || !taken_.insert(other).second; ++attempt)
            other = made(core, attempt) + (attempt < attempts_max ? "" : std::to_string(attempt));
        at = replaced_.emplace(std::string(core), other).first;
    }
    const auto begin = static_cast<std::size_t>(core.data() - text.data());
    return std::string(text.substr(0, begin)) + at->second + std::string(text.substr(begin + core.size()));
}

std::string masker::value(std::string_view text, std::string_view name)
{
    if (origin_of(text) == home_)
        return address(text, [this](std::string_view part, bool is_value) {
            return is_value && !names_.contains(part) && !is_page_number(part) ? piece(part) : known(part);
        });
    if (stays(text, name)) return std::string(text);
    if (date_in(text)) return piece(text);
    // A mark of another system's record stays one.
    for (const marker& m : markers_) {
        const auto begins = text.find(m.begins);
        const auto id = begins == text.npos ? begins : begins + m.begins.size();
        const auto ends = id == text.npos ? id : text.find(m.ends, id);
        if (ends == text.npos) continue;
        return value(text.substr(0, begins), {}) + m.begins + piece(text.substr(id, ends - id)) + m.ends +
               value(text.substr(ends + m.ends.size()), {});
    }
    std::string out;
    while (!text.empty()) {
        const auto end = text.find_first_of(separators_);
        out += piece(text.substr(0, end));
        if (end == text.npos) break;
        out += text[end];
        text.remove_prefix(end + 1);
    }
    return out;
}

std::string masker::known(std::string_view text) const
{
    const auto at = replaced_.find(text);
    return at == replaced_.end() ? std::string(text) : at->second;
}

bool masker::is_page_number(std::string_view text)
{
    constexpr std::size_t longest = 4;
    return text.size() <= longest && std::all_of(text.begin(), text.end(), is_digit);
}

std::string masker::address(std::string_view url) const
{
    return address(url, [this](std::string_view part, bool) { return known(part); });
}

std::string masker::address(
    std::string_view url, const std::function<std::string(std::string_view part, bool is_value)>& replaced
) const
{
    std::string_view rest = url.substr(std::min(url.size(), url.find('/', url.find("://") + 3)));
    std::string out(recorded_origin);
    // Between the characters that part an address, each piece is a name, a number or an id.
    constexpr std::string_view parts = "/?&=,";
    bool is_value = false;
    while (!rest.empty()) {
        const auto end = rest.find_first_of(parts);
        const std::string_view raw = rest.substr(0, end);
        const std::string part = url_decoded(raw);
        const std::string other = replaced(part, is_value);
        out += other == part ? std::string(raw) : url_encoded(other);
        if (end == rest.npos) break;
        out += rest[end];
        is_value = rest[end] == '=' || (is_value && rest[end] != '&');
        rest.remove_prefix(end + 1);
    }
    return out;
}

class masker::json_walk {
public:
    json_walk(masker& owner, document& to) : owner_(owner), memory_(to.GetAllocator()) {}

    void walk(dom_value& v, std::string_view name, unsigned depth = 0)
    {
        constexpr unsigned depth_max = 64; // no manifest reads deeper
        if (depth > depth_max) {
            v.SetNull();
        } else if (v.IsObject()) {
            for (auto& member : v.GetObject()) {
                const std::string_view below = text_of(member.name);
                if (owner_.is_read(below) || below == "data")
                    walk(member.value, below, depth + 1);
                else
                    member.value.SetNull();
            }
        } else if (v.IsArray()) {
            for (dom_value& item : v.GetArray())
                walk(item, name, depth + 1);
        } else if (v.IsString()) {
            set(v, owner_.value(text_of(v), name));
        } else if (v.IsNumber() && !owner_.paging_.contains(name)) {
            number(v);
        }
    }

private:
    void set(dom_value& v, const std::string& text)
    {
        v.SetString(text.data(), static_cast<dom::SizeType>(text.size()), memory_);
    }
    void number(dom_value& v)
    {
        constexpr double small = 1'000;
        constexpr double first_year = 1'900, last_year = 2'100;
        const double size = std::abs(v.GetDouble());
        if (size <= small || (size >= first_year && size <= last_year)) return;
        const std::string as_text = v.IsInt64() ? std::to_string(v.GetInt64()) : std::string();
        const auto other = parse_decimal(owner_.value(as_text, {}));
        if (other)
            v.SetUint64(*other);
        else
            v.SetInt(1);
    }

    masker& owner_;
    document::AllocatorType& memory_;
};

result<std::string> masker::body(std::string_view text, const decoder_spec& decoder)
{
    using kind = decoder_spec::kind;
    const auto unreadable = [](std::string_view what) {
        return failure(
            errc::page_malformed,
            "an answer cannot be recorded: " + std::string(what),
            "Look at what `rollbook connectors probe` says of it without --record."
        );
    };
    if (decoder.gzip) return unreadable("it is a packed file");
    if (decoder.type == kind::xml) return xml(text);
    if (decoder.type == kind::csv) return csv(text, decoder.delimiter);
    std::string out;
    while (!text.empty()) {
        const bool lines = decoder.type == kind::json_lines;
        const std::string_view one = lines ? text.substr(0, text.find('\n')) : text;
        text.remove_prefix(lines ? std::min(text.size(), one.size() + 1) : text.size());
        if (lines && trimmed(one).empty()) continue;
        document read;
        constexpr unsigned flags = dom::kParseIterativeFlag; // however deep it is nested
        read.Parse<flags>(one.data(), one.size());
        if (read.HasParseError()) return unreadable("it is not JSON");
        json_walk(*this, read).walk(read, "");
        buffer written;
        dom::Writer<buffer> writer(written);
        read.Accept(writer);
        out.append(written.GetString(), written.GetSize());
        if (lines) out += '\n';
    }
    return out;
}

std::string masker::request_body(std::string_view text) const
{
    std::string out;
    // A text in quotes is replaced where an answer held it; everything else stays.
    while (!text.empty()) {
        const auto quote = text.find('"');
        out += text.substr(0, quote);
        if (quote == text.npos) break;
        text.remove_prefix(quote + 1);
        const auto end = text.find('"');
        out.append("\"").append(known(text.substr(0, end)));
        if (end == text.npos) break;
        out += '"';
        text.remove_prefix(end + 1);
    }
    return out;
}

// A text of XML: what is masked may hold no reference, or it would become another one.
std::string masker::xml_value(std::string_view text, std::string_view name)
{
    std::string plain(text);
    for (const char c : {'&', '<', '>', '"', '\''})
        std::replace(plain.begin(), plain.end(), c, '+');
    return is_read(name) ? value(plain, name) : std::string();
}

// A tag as it is, but for the values of its attributes.
std::string masker::xml_tag(std::string_view tag)
{
    std::string out;
    while (!tag.empty()) {
        const auto quote = tag.find_first_of("\"'");
        out += tag.substr(0, quote);
        if (quote == tag.npos) break;
        const std::string_view before = trimmed(tag.substr(0, quote));
        const std::string_view upto = before.ends_with('=') ? trimmed(before.substr(0, before.size() - 1)) : before;
        const std::string name = "@" + std::string(upto.substr(upto.find_last_of(" \t\r\n") + 1));
        const char mark = tag[quote];
        tag.remove_prefix(quote + 1);
        const auto end = tag.find(mark);
        const std::string_view inside = tag.substr(0, end);
        out += mark;
        out += name.starts_with("@xmlns") ? std::string(inside) : xml_value(inside, name);
        out += mark;
        if (end == tag.npos) break;
        tag.remove_prefix(end + 1);
    }
    return out;
}

// Elements and attributes that the manifest reads keep a text of the same shape, others lose theirs. Comments go.
std::string masker::xml(std::string_view text)
{
    constexpr std::string_view data = "<![CDATA[";
    std::string out;
    std::string element;
    const auto take_to = [&](std::string_view end) {
        const auto at = text.find(end);
        const std::string_view taken = text.substr(0, at == text.npos ? at : at + end.size());
        text.remove_prefix(taken.size());
        return taken;
    };
    while (!text.empty()) {
        if (text.starts_with(data)) {
            const std::string_view inside = take_to("]]>").substr(data.size());
            out += xml_value(trimmed(inside.substr(0, inside.rfind("]]>"))), element);
        } else if (text.starts_with("<?")) {
            out += take_to("?>");
        } else if (text.starts_with("<!--")) {
            take_to("-->");
        } else if (text.starts_with("<!")) {
            take_to(">");
        } else if (text[0] == '<') {
            const std::string_view tag = take_to(">");
            element = tag.starts_with("</") ? "" : tag.substr(1, tag.find_first_of(" \t\r\n/>", 1) - 1);
            out += xml_tag(tag);
        } else {
            const std::string_view between = text.substr(0, text.find('<'));
            text.remove_prefix(between.size());
            const std::string_view word = trimmed(between);
            out += word.empty() ? std::string(between) : xml_value(word, element);
        }
    }
    return out;
}

std::string masker::csv(std::string_view text, char delimiter)
{
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    std::string out;
    std::vector<std::string> names; // of the columns
    bool is_heading = true;
    std::size_t column = 0;
    while (!text.empty()) {
        std::string cell;
        std::size_t at = 0;
        bool quoted = false;
        for (; at < text.size(); ++at) {
            const char c = text[at];
            if (c == '"') {
                quoted = !quoted;
                continue;
            }
            if (!quoted && (c == delimiter || c == '\n' || c == '\r')) break;
            cell += c;
        }
        if (is_heading)
            names.push_back(cell);
        else
            cell = column < names.size() && is_read(names[column]) ? value(cell, names[column]) : std::string();
        const bool needs_quotes = cell.find_first_of(std::string("\"\r\n") + delimiter) != cell.npos;
        out += needs_quotes ? "\"" + cell + "\"" : cell;
        if (at < text.size()) out += text[at];
        if (at < text.size() && text[at] == delimiter) {
            ++column;
        } else if (at < text.size() && text[at] == '\n') {
            is_heading = false;
            column = 0;
        }
        text.remove_prefix(std::min(text.size(), at + 1));
    }
    return out;
}

} // namespace rollbook
