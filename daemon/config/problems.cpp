#include "daemon/config/problems.hpp"

#include "daemon/base/error.hpp"
#include "daemon/base/utf8.hpp"

namespace rollbook {

namespace {

std::string place(const std::filesystem::path& file, int line, int column, std::string_view key)
{
    std::string out = file.string();
    if (line > 0) out += ":" + std::to_string(line);
    if (column > 0) out += ":" + std::to_string(column);
    out += ": ";
    if (!key.empty()) out.append(key).append(": ");
    return out;
}

} // namespace

std::string configuration_problem::where_and_what() const
{
    // A key in quotes may hold anything.
    return plain(place(file, line, column, key) + what);
}

std::string configuration_problem::to_do() const
{
    return plain("Expected: " + expected);
}

std::vector<std::string> configuration_errors::lines() const
{
    std::vector<std::string> out;
    for (const configuration_problem& problem : problems) {
        out.push_back(problem.where_and_what());
        out.push_back("  " + problem.to_do());
    }
    return out;
}

void throw_exception_from_error(const configuration_errors& errors, const boost::source_location&)
{
    const configuration_problem& first = errors.problems.at(0);
    throw failure_error(failure(errc::configuration_invalid, first.where_and_what(), first.to_do()));
}

void problem_list::add(int line, std::string key, std::string what, std::string expected, int column)
{
    into_.problems.push_back({file_, line, column, std::move(key), std::move(what), std::move(expected)});
}

void problem_list::warn(int line, std::string_view key, std::string_view what)
{
    into_.warnings.push_back(plain(place(file_, line, 0, key).append(what)));
}

std::string in_quotes(std::string_view text)
{
    constexpr std::size_t bytes_max = 60;
    std::string out = "\"";
    std::size_t end = std::min(text.size(), bytes_max);
    // A character of several bytes is left whole.
    while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
        --end;
    out += plain(text.substr(0, end));
    return out + (end < text.size() ? "...\"" : "\"");
}

std::string one_of(const std::vector<std::string_view>& words)
{
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
        out += words[i];
    }
    return out;
}

} // namespace rollbook
