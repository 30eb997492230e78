#include "daemon/config/table_reader.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace rollbook {
namespace {

constexpr std::string_view duration_form = R"(a length of time such as "30s", "10m", "2h" or "1d")";
constexpr std::string_view day_form = "a date such as 2026-09-01";

bool is_blank(std::string_view text)
{
    return text.find_first_not_of(" \t\r\n") == text.npos;
}

} // namespace

bool is_secret_name(std::string_view key)
{
    constexpr std::array<std::string_view, 6> whole = {
        "token", "password", "secret", "signing_key", "private_key", "api_key"};
    constexpr std::array<std::string_view, 4> ends = {"_token", "_password", "_secret", "_api_key"};
    return std::ranges::find(whole, key) != whole.end() ||
           std::ranges::any_of(ends, [&](std::string_view end) { return key.ends_with(end); });
}

bool is_name(std::string_view text)
{
    const auto small = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    return !text.empty() && text.size() <= 40 && small(text.front()) &&
           std::ranges::all_of(text, [&](char c) { return small(c) || c == '-' || c == '_'; });
}

std::optional<secret_reference>
read_secret_reference(const toml_value& value, const std::string& path, problem_list& problems)
{
    const auto* table = std::get_if<toml_value::table>(&value.value);
    if (table == nullptr) {
        const bool written_out = std::holds_alternative<std::string>(value.value);
        problems.add(
            value.line,
            path,
            written_out ? "a secret is written out in the configuration"
                        : "is " + std::string(kind_of(value)) + ", not a reference to a secret",
            (written_out ? "put it into a file of its own and write " : "") + std::string(secret_forms)
        );
        return std::nullopt;
    }
    using from = secret_reference::from;
    constexpr std::array<std::pair<std::string_view, from>, 3> forms = {
        {{"file", from::file}, {"env", from::environment}, {"credential", from::credential}}};
    std::optional<secret_reference> found;
    const auto ends = table->find("expires");
    const auto* expires = ends == table->end() ? nullptr : std::get_if<civil_day>(&ends->second.value);
    if (table->size() == (expires ? 2u : 1u)) {
        for (const auto& [word, kind] : forms) {
            const auto at = table->find(word);
            const auto* name = at == table->end() ? nullptr : std::get_if<std::string>(&at->second.value);
            if (name != nullptr && !is_blank(*name))
                found = secret_reference{kind, *name, expires ? std::optional(*expires) : std::nullopt};
        }
    }
    if (!found)
        problems.add(
            value.line, path, "does not say where the secret is", "exactly one of " + std::string(secret_forms)
        );
    return found;
}

table_reader::table_reader(const toml_value& value, std::string path, problem_list& problems)
    : table_(value), keys_(std::get<toml_value::table>(value.value)), path_(std::move(path)), problems_(problems)
{
}

std::string table_reader::path_of(std::string_view key) const
{
    return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

const toml_value* table_reader::find(std::string_view key)
{
    asked_.emplace(key);
    const auto at = keys_.find(key);
    return at == keys_.end() ? nullptr : &at->second;
}

bool table_reader::has(std::string_view key) const
{
    return keys_.find(key) != keys_.end();
}

void table_reader::missing(std::string_view key, std::string_view expected)
{
    asked_.emplace(key);
    problems_.add(line(), path_of(key), "is missing", std::string(expected));
}

void table_reader::wrong(std::string_view key, std::string what, std::string expected)
{
    const auto at = keys_.find(key);
    problems_.add(at == keys_.end() ? line() : at->second.line, path_of(key), std::move(what), std::move(expected));
}

void table_reader::warn(std::string_view key, std::string_view what)
{
    const auto at = keys_.find(key);
    problems_.warn(at == keys_.end() ? line() : at->second.line, path_of(key), what);
}

template <class T> const T* table_reader::get(std::string_view key, std::string_view expected)
{
    const toml_value* value = find(key);
    if (value == nullptr) return nullptr;
    const T* held = std::get_if<T>(&value->value);
    if (held == nullptr) wrong(key, "is " + std::string(kind_of(*value)), std::string(expected));
    return held;
}

std::optional<std::string> table_reader::text(std::string_view key, std::string_view expected)
{
    const auto* held = get<std::string>(key, expected);
    if (held == nullptr) return std::nullopt;
    if (is_blank(*held)) {
        wrong(key, "is empty", std::string(expected));
        return std::nullopt;
    }
    return *held;
}

std::string table_reader::required_text(std::string_view key, std::string_view expected)
{
    if (!has(key)) missing(key, expected);
    return text(key, expected).value_or("");
}

std::optional<bool> table_reader::truth(std::string_view key)
{
    const auto* held = get<bool>(key, "true or false");
    return held == nullptr ? std::nullopt : std::optional<bool>(*held);
}

std::optional<std::int64_t> table_reader::whole_number(std::string_view key, std::int64_t min, std::int64_t max)
{
    const std::string expected = "a whole number from " + std::to_string(min) + " to " + std::to_string(max);
    const auto* held = get<std::int64_t>(key, expected);
    if (held == nullptr) return std::nullopt;
    if (*held < min || *held > max) {
        wrong(key, "is out of range", expected);
        return std::nullopt;
    }
    return *held;
}

std::optional<std::chrono::milliseconds> table_reader::duration(std::string_view key, bool zero_allowed)
{
    constexpr std::chrono::milliseconds longest = std::chrono::days(3660);
    const auto* held = get<std::string>(key, duration_form);
    if (held == nullptr) return std::nullopt;
    const std::optional<std::chrono::milliseconds> parsed = parse_duration(*held);
    if (!parsed || parsed->count() < 0 || *parsed > longest) {
        wrong(key, in_quotes(*held) + " is not a length of time", std::string(duration_form));
        return std::nullopt;
    }
    if (parsed->count() == 0 && !zero_allowed) {
        wrong(key, "is nothing at all", std::string(duration_form));
        return std::nullopt;
    }
    return parsed;
}

std::optional<civil_day> table_reader::day(std::string_view key)
{
    const toml_value* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (const auto* date = std::get_if<civil_day>(&value->value)) return *date;
    if (const auto* written = std::get_if<std::string>(&value->value)) {
        if (const std::optional<civil_day> parsed = parse_day(*written)) return parsed;
        wrong(key, in_quotes(*written) + " is not a date", std::string(day_form));
    } else {
        wrong(key, "is " + std::string(kind_of(*value)), std::string(day_form));
    }
    return std::nullopt;
}

std::optional<std::chrono::minutes> table_reader::time_of_day(std::string_view key)
{
    constexpr std::string_view expected = "a time in whole minutes such as 08:45:00";
    const auto* held = get<toml_value::clock_time>(key, expected);
    if (held == nullptr) return std::nullopt;
    const auto minutes = std::chrono::floor<std::chrono::minutes>(held->after_midnight);
    if (minutes != held->after_midnight) {
        wrong(key, "has seconds", std::string(expected));
        return std::nullopt;
    }
    return minutes;
}

std::optional<std::vector<std::string>>
table_reader::texts(std::string_view key, std::string_view expected, bool none_allowed)
{
    const auto* held = get<toml_value::list>(key, expected);
    if (held == nullptr) return std::nullopt;
    if (held->empty() && !none_allowed) {
        wrong(key, "is empty", std::string(expected));
        return std::nullopt;
    }
    std::vector<std::string> out;
    for (std::size_t i = 0; i < held->size(); ++i) {
        const toml_value& item = (*held)[i];
        const auto* written = std::get_if<std::string>(&item.value);
        if (written != nullptr && !is_blank(*written)) {
            out.push_back(*written);
            continue;
        }
        problems_.add(
            item.line,
            path_of(key) + "[" + std::to_string(i + 1) + "]",
            written == nullptr ? "is " + std::string(kind_of(item)) : "is empty",
            std::string(expected)
        );
    }
    if (out.size() != held->size()) return std::nullopt;
    return out;
}

std::optional<secret_reference> table_reader::secret(std::string_view key)
{
    const toml_value* value = find(key);
    return value == nullptr ? std::nullopt : read_secret_reference(*value, path_of(key), problems_);
}

std::optional<std::size_t> table_reader::choice(std::string_view key, std::span<const std::string_view> words)
{
    const std::string expected = one_of({words.begin(), words.end()});
    const auto* held = get<std::string>(key, expected);
    if (held == nullptr) return std::nullopt;
    const auto at = std::ranges::find(words, std::string_view(*held));
    if (at != words.end()) return static_cast<std::size_t>(at - words.begin());
    wrong(key, in_quotes(*held) + " is not known", expected);
    return std::nullopt;
}

std::optional<table_reader> table_reader::table(std::string_view key)
{
    if (get<toml_value::table>(key, "a table") == nullptr) return std::nullopt;
    return table_reader(*find(key), path_of(key), problems_);
}

std::vector<table_reader> table_reader::tables(std::string_view key)
{
    std::vector<table_reader> out;
    const auto* held = get<toml_value::list>(key, "a list of tables");
    if (held == nullptr) return out;
    for (std::size_t i = 0; i < held->size(); ++i) {
        const toml_value& item = (*held)[i];
        std::string path = path_of(key) + "[" + std::to_string(i + 1) + "]";
        if (std::holds_alternative<toml_value::table>(item.value)) {
            out.emplace_back(item, std::move(path), problems_);
        } else {
            problems_.add(item.line, std::move(path), "is " + std::string(kind_of(item)), "a table");
        }
    }
    return out;
}

void table_reader::refuse_unknown()
{
    std::vector<std::string_view> known(asked_.begin(), asked_.end());
    for (const auto& [key, value] : keys_) {
        if (asked_.contains(key)) continue;
        const std::string shown = is_name(key) ? key : in_quotes(key);
        problems_.add(value.line, path_of(shown), "is not a key that is known here", one_of(known));
    }
}

} // namespace rollbook
