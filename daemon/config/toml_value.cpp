#include "daemon/config/toml_value.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

// What the library asserts it tells the compiler to take for true once NDEBUG stands, and asserts of a file what it
// only then checks: a table's name that begins with ";" would be anything. So its asserts are left out, not believed.
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(expr) static_assert(true)
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

namespace rollbook {
namespace {

constexpr std::size_t file_bytes_max = 1 << 20;

int line_of(const toml::source_region& region)
{
    return static_cast<int>(region.begin.line);
}

civil_day day_from(const toml::date& date)
{
    using namespace std::chrono;
    return local_days(year_month_day(year(date.year), month(date.month), day(date.day)));
}

template <class T> std::string written(const T& value)
{
    std::ostringstream out;
    out << value;
    return std::move(out).str();
}

// The parser bounds nesting, so this recursion is bounded too.
toml_value value_from(const toml::node& node, int line)
{
    toml_value out;
    out.line = line;
    if (const auto* table = node.as_table()) {
        toml_value::table keys;
        for (auto&& [key, value] : *table)
            keys.emplace(std::string(key.str()), value_from(value, line_of(key.source())));
        out.value = std::move(keys);
    } else if (const auto* array = node.as_array()) {
        toml_value::list items;
        for (const toml::node& item : *array)
            items.push_back(value_from(item, line_of(item.source())));
        out.value = std::move(items);
    } else if (const auto* text = node.as_string()) {
        out.value = text->get();
    } else if (const auto* whole = node.as_integer()) {
        out.value = whole->get();
    } else if (const auto* number = node.as_floating_point()) {
        out.value = number->get();
    } else if (const auto* truth = node.as_boolean()) {
        out.value = truth->get();
    } else if (const auto* date = node.as_date()) {
        out.value = day_from(date->get());
    } else if (const auto* time = node.as_time()) {
        const toml::time& t = time->get();
        out.value = toml_value::clock_time{
            std::chrono::hours(t.hour) + std::chrono::minutes(t.minute) + std::chrono::seconds(t.second) +
            std::chrono::nanoseconds(t.nanosecond)};
    } else if (const auto* moment = node.as_date_time()) {
        out.value = toml_value::date_and_time{written(moment->get())};
    }
    return out;
}

// The library's words without what it quotes from the file, because that may be a secret.
std::string harmless(std::string_view description)
{
    constexpr std::string_view begins = "Error while parsing ";
    if (!description.starts_with(begins)) return "the file is not valid TOML here";
    description.remove_prefix(begins.size());
    const std::size_t colon = description.find(": ");
    const std::string_view scope = description.substr(0, colon);
    std::string_view detail = colon == description.npos ? std::string_view() : description.substr(colon + 2);
    detail = detail.substr(0, detail.find(", saw"));
    if (detail.starts_with("cannot redefine") || detail.starts_with("cannot insert"))
        return "this key or table was given before, in another way";

    std::string out = "not valid TOML, in a " + std::string(scope);
    if (detail.starts_with("expected ") || detail.find('\'') == detail.npos) out.append(": ").append(detail);
    return out;
}

// TOML has no control characters but tabs and line ends. A file saved as UTF-16 is full of them.
bool refuse_control_characters(std::string_view text, problem_list& problems)
{
    int line = 1;
    std::size_t begin = 0; // of the line
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto c = static_cast<unsigned char>(text[at]);
        if (c == '\n') {
            ++line;
            begin = at + 1;
        }
        if (c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c != 0x7F)) continue;
        problems.add(
            line, {}, "holds a control character", "a text file, saved as UTF-8", static_cast<int>(at - begin + 1)
        );
        return true;
    }
    return false;
}

} // namespace

std::string_view kind_of(const toml_value& value)
{
    constexpr std::array<std::string_view, 9> names = {
        "true or false",
        "a whole number",
        "a number with a fraction",
        "a text",
        "a date",
        "a time",
        "a date and time",
        "a list",
        "a table",
    };
    return names[value.value.index()];
}

std::optional<toml_value> read_toml_file(problem_list& problems)
{
    errno = 0;
    std::ifstream in(problems.file(), std::ios::binary);
    std::string text(file_bytes_max + 1, '\0');
    if (in) in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad() || (in.fail() && !in.eof())) {
        const std::string why = errno != 0 ? std::strerror(errno) : "it is not a file";
        problems.add(0, {}, "cannot be read: " + why, "a TOML file that this user may read");
        return std::nullopt;
    }
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.size() > file_bytes_max) {
        problems.add(0, {}, "is larger than 1 MiB", "a configuration file");
        return std::nullopt;
    }

    if (refuse_control_characters(text, problems)) return std::nullopt;
    const toml::parse_result parsed = toml::parse(std::string_view(text), problems.file().string());
    if (!parsed) {
        const toml::parse_error& error = parsed.error();
        problems.add(
            line_of(error.source()),
            {},
            harmless(error.description()),
            "TOML 1.0 (https://toml.io/en/v1.0.0)",
            static_cast<int>(error.source().begin.column)
        );
        return std::nullopt;
    }
    return value_from(parsed.table(), 1);
}

} // namespace rollbook
