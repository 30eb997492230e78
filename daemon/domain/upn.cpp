#include "daemon/domain/upn.hpp"

#include "daemon/domain/attendance_code.hpp"

namespace rollbook {
namespace {

constexpr std::string_view letters = "ABCDEFGHJKLMNPQRTUVWXYZ"; // no I, O or S: they look like figures
constexpr std::size_t rest_size = 12;                           // what follows the check letter

bool is_figure(char c)
{
    return c >= '0' && c <= '9';
}

failure unreadable(std::string what)
{
    return {errc::record_unreadable, std::move(what), "Correct the pupil's UPN in the source system."};
}

} // namespace

char upn::check_letter(std::string_view rest)
{
    if (rest.size() != rest_size) return 0;
    std::size_t sum = 0;
    for (std::size_t i = 0; i < rest_size; ++i) {
        const bool is_last = i == rest_size - 1;
        std::size_t value = 0;
        if (is_figure(rest[i])) {
            value = static_cast<std::size_t>(rest[i] - '0');
        } else if (const auto place = letters.find(rest[i]); is_last && place != std::string_view::npos) {
            value = place;
        } else {
            return 0;
        }
        sum += value * (i + 2); // weighted by its place in the whole number, from 2 to 13
    }
    return letters[sum % letters.size()];
}

result<upn> upn::parse(std::string_view text)
{
    std::string value = normalised_code(text);
    if (value.size() != rest_size + 1) return unreadable("a UPN does not have 13 characters");
    if (letters.find(value[0]) == std::string_view::npos) {
        return unreadable("a UPN does not begin with one of the 23 check letters");
    }
    const char expected = check_letter(std::string_view(value).substr(1));
    if (expected == 0) return unreadable("a UPN is not a letter, eleven figures and a figure or letter");
    if (value[0] != expected) return unreadable("a UPN's check letter does not fit its figures");
    return upn(std::move(value));
}

bool upn::is_temporary() const noexcept
{
    return !is_figure(text_.back());
}

} // namespace rollbook
