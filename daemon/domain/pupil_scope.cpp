#include "daemon/domain/pupil_scope.hpp"

#include <algorithm>

namespace rollbook {
namespace {

constexpr std::size_t scope_names_max = 60;
constexpr std::size_t scope_bytes_max = 40;

std::string_view without_blanks(std::string_view text)
{
    const std::size_t first = text.find_first_not_of(' ');
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

} // namespace

std::string to_text(const pupil_scope& scope)
{
    std::string text;
    const auto add = [&](std::string_view what, const std::set<std::string>& names) {
        for (const std::string& each : names)
            text.append(text.empty() ? "" : ", ").append(what).append(each);
    };
    add("form=", scope.forms);
    add("year=", scope.years);
    return text;
}

result<pupil_scope> parse_scope(std::string_view text)
{
    pupil_scope scope;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(','), text.size());
        const std::string_view word = without_blanks(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (word.empty()) continue;
        const std::size_t equals = std::min(word.find('='), word.size());
        const std::string_view kind = without_blanks(word.substr(0, equals));
        const std::string_view name = without_blanks(word.substr(std::min(equals + 1, word.size())));
        const bool is_plain = std::ranges::all_of(name, [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
        if (name.empty() || name.size() > scope_bytes_max || !is_plain || (kind != "year" && kind != "form"))
            return failure(
                errc::usage,
                "that is no scope",
                "Give year groups and forms so: year=8, or form=9B, with commas between."
            );
        (kind == "year" ? scope.years : scope.forms).emplace(name);
    }
    if (scope.years.size() + scope.forms.size() > scope_names_max)
        return failure(errc::usage, "the scope names more than 60 year groups and forms", "Name fewer of them.");
    return scope;
}

} // namespace rollbook
