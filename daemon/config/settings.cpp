#include "daemon/config/addresses.hpp"
#include "daemon/config/sections.hpp"

#include <algorithm>

namespace rollbook {
namespace {

bool is_secret_shape(const toml_value::table& table)
{
    const auto is_form = [](const auto& entry) {
        return entry.first == "file" || entry.first == "env" || entry.first == "credential" || entry.first == "expires";
    };
    return !table.empty() && std::ranges::all_of(table, is_form);
}

std::string clock_text(std::chrono::nanoseconds after_midnight)
{
    const auto seconds = std::chrono::floor<std::chrono::seconds>(after_midnight).count();
    const auto two = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
    return two(seconds / 3600) + ":" + two(seconds / 60 % 60) + ":" + two(seconds % 60);
}

setting read_setting(std::string_view key, const toml_value& value, const std::string& path, problem_list& problems);

setting_list
read_list(std::string_view key, const toml_value::list& list, const std::string& path, problem_list& problems)
{
    setting_list out;
    for (std::size_t i = 0; i < list.size(); ++i)
        out.push_back(read_setting(key, list[i], path + "[" + std::to_string(i + 1) + "]", problems));
    return out;
}

setting read_setting(std::string_view key, const toml_value& value, const std::string& path, problem_list& problems)
{
    setting out;
    out.line = value.line;
    const auto* table = std::get_if<toml_value::table>(&value.value);
    const auto* list = std::get_if<toml_value::list>(&value.value);
    if (list != nullptr) {
        out.value = read_list(key, *list, path, problems);
    } else if (is_secret_name(key) || (table != nullptr && is_secret_shape(*table))) {
        if (std::optional<secret_reference> secret = read_secret_reference(value, path, problems))
            out.value = *std::move(secret);
    } else if (table != nullptr) {
        out.value = read_settings(value, path, problems);
    } else if (const auto* text = std::get_if<std::string>(&value.value)) {
        check_url(key, *text, value.line, path, problems);
        out.value = *text;
    } else if (const auto* truth = std::get_if<bool>(&value.value)) {
        out.value = *truth;
    } else if (const auto* whole = std::get_if<std::int64_t>(&value.value)) {
        out.value = *whole;
    } else if (const auto* number = std::get_if<double>(&value.value)) {
        out.value = *number;
    } else if (const auto* day = std::get_if<civil_day>(&value.value)) {
        out.value = format_day(*day);
    } else if (const auto* time = std::get_if<toml_value::clock_time>(&value.value)) {
        out.value = clock_text(time->after_midnight);
    } else if (const auto* moment = std::get_if<toml_value::date_and_time>(&value.value)) {
        out.value = moment->text;
    }
    return out;
}

} // namespace

setting_table read_settings(const toml_value& table, const std::string& path, problem_list& problems)
{
    setting_table out;
    for (const auto& [key, value] : std::get<toml_value::table>(table.value))
        out.emplace(key, read_setting(key, value, path + "." + (is_name(key) ? key : in_quotes(key)), problems));
    return out;
}

void check_url(std::string_view key, const std::string& url, int line, const std::string& path, problem_list& problems)
{
    if (key != "url" && !key.ends_with("_url")) return;
    // Mail is protected by STARTTLS too, which its clients ask for beyond this machine.
    const std::string plain = key == "smtp_url" ? "smtp" : key == "imap_url" ? "imap" : "http";
    const bool mail = plain != "http";
    const std::string expected = mail ? plain + "s://HOST or " + plain + "://HOST, with \":PORT\" if need be"
                                      : "https://HOST/...; http:// only to 127.0.0.1, ::1 or localhost";
    // The address itself is not printed: its path or query may hold a secret.
    const std::optional<address> parsed = parse_url(url);
    if (!parsed) {
        problems.add(line, path, "is not an address", expected);
    } else if (parsed->has_user) {
        problems.add(line, path, "holds a user name or password", expected + "; give credentials in keys of their own");
    } else if (parsed->scheme != plain && parsed->scheme != plain + "s") {
        problems.add(line, path, "is of a kind that is not used here", expected);
    } else if (parsed->scheme == "http" && !parsed->is_loopback()) {
        problems.add(line, path, "would send data in clear: http:// beyond this machine", expected);
    }
}

} // namespace rollbook
