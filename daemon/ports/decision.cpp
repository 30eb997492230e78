#include "daemon/ports/decision.hpp"

#include "daemon/base/ascii.hpp"
#include "daemon/base/utf8.hpp"

#include <algorithm>
#include <utility>

namespace rollbook {
namespace {

constexpr std::size_t word_bytes_max = 100;
constexpr std::size_t text_bytes_max = 4'000;

bool is_steering(char c)
{
    return is_control(c) && c != '\n';
}

} // namespace

result<void> check_texts(const decision_request& request)
{
    const std::pair<std::string_view, const std::string*> words[] = {
        {"rule", &request.rule},
        {"kind", &request.action},
        {"owner", &request.owner},
        {"outcome", &request.outcome},
        {"adult", &request.adult},
        {"source", &request.source},
        {"stream", &request.stream},
        {"by", &request.by},
        {"user", &request.user},
        {"text", &request.text}};
    for (const auto& [name, value] : words) {
        const std::size_t bytes_max = name == "text" ? text_bytes_max : word_bytes_max;
        const bool is_one_line = name == "text" || value->find('\n') == std::string::npos;
        if (value->size() <= bytes_max && is_valid_utf8(*value) && is_one_line &&
            std::ranges::none_of(*value, is_steering))
            continue;
        return failure(
            errc::usage,
            "--" + std::string(name) + " cannot be kept as it is",
            "Give plain text in UTF-8, at most " + std::to_string(bytes_max) + " bytes."
        );
    }
    return {};
}

} // namespace rollbook
