#pragma once

#include "daemon/config/toml_value.hpp"
#include "daemon/ports/configuration.hpp"

#include <initializer_list>
#include <set>
#include <span>

namespace rollbook {

// Hands out the keys of one table by name and type, notes what is of another type, and at the end names the keys that
// nobody asked for.
//
// A value that is wrong is noted once and then reads as absent, so that one mistake makes one problem. Every reader of
// a table ends with refuse_unknown().
class table_reader {
public:
    // `value` must hold a table and outlive the reader.
    table_reader(const toml_value& value, std::string path, problem_list& problems);

    int line() const { return table_.line; }
    const std::string& path() const { return path_; }
    std::string path_of(std::string_view key) const;
    problem_list& problems() { return problems_; }

    // The value under the key, whatever its type; null when absent. Counts as asked for.
    const toml_value* find(std::string_view key);
    bool has(std::string_view key) const;
    // Notes the key as missing, with what it should be.
    void missing(std::string_view key, std::string_view expected);
    // Notes something wrong with the key, at its line.
    void wrong(std::string_view key, std::string what, std::string expected);
    void warn(std::string_view key, std::string_view what);

    std::optional<std::string> text(std::string_view key, std::string_view expected = "a text"); // never empty
    std::string required_text(std::string_view key, std::string_view expected = "a text");       // empty: noted
    std::optional<bool> truth(std::string_view key);
    std::optional<std::int64_t> whole_number(std::string_view key, std::int64_t min, std::int64_t max);
    // "30s", "10m", "2h", "1d"; more than nothing unless `zero_allowed`, at most ten years.
    std::optional<std::chrono::milliseconds> duration(std::string_view key, bool zero_allowed = false);
    std::optional<civil_day> day(std::string_view key);
    std::optional<std::chrono::minutes> time_of_day(std::string_view key);
    // At least one, unless `none_allowed`.
    std::optional<std::vector<std::string>>
    texts(std::string_view key, std::string_view expected, bool none_allowed = false);
    std::optional<secret_reference> secret(std::string_view key);
    // One of `words`: its place in the list.
    std::optional<std::size_t> choice(std::string_view key, std::span<const std::string_view> words);
    std::optional<table_reader> table(std::string_view key);
    // One reader for each table of a list; counted from 1 in their paths. Empty when absent.
    std::vector<table_reader> tables(std::string_view key);

    void refuse_unknown();

private:
    template <class T> const T* get(std::string_view key, std::string_view expected);

    const toml_value& table_;
    const toml_value::table& keys_;
    std::string path_;
    problem_list& problems_;
    std::set<std::string, std::less<>> asked_;
};

inline constexpr std::string_view secret_forms =
    R"({ file = "PATH" }, { env = "VARIABLE" } or { credential = "NAME" } (systemd))";

// Whether a setting of this name holds a secret wherever it stands: token, password, secret, signing_key and the like.
bool is_secret_name(std::string_view key);

// A table with exactly one of file, env and credential. Notes what is wrong with it; never prints a value.
std::optional<secret_reference>
read_secret_reference(const toml_value& value, const std::string& path, problem_list& problems);

// Small letters, digits, '-' and '_', beginning with a letter or digit, at most 40: what names of sources, routes and
// rules look like, so that they fit into commands, addresses and file names.
bool is_name(std::string_view text);
inline constexpr std::string_view name_form = "small letters, digits, '-' and '_', at most 40 of them";

} // namespace rollbook
