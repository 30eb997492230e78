#include "daemon/delivery/http_outcome.hpp"

#include "daemon/base/bytes.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rollbook::delivery {

namespace {

// Retry-After in seconds; its form as a date is left to the caller's own pace.
std::optional<std::chrono::seconds> retry_after(const http_response& answer)
{
    const auto seconds = parse_decimal(answer.header("retry-after"));
    if (!seconds) return {};
    return std::chrono::seconds(std::min<std::uint64_t>(*seconds, 86'400));
}

} // namespace

result<void> reached_answer(const result<http_response>& answer)
{
    if (answer) return {};
    const failure why = answer.error();
    const bool final = why.code == errc::source_misconfigured || why.code == errc::source_refused;
    return failure(final ? errc::delivery_refused : errc::delivery_unreachable, why.what, why.to_do);
}

result<void> judged_answer(const result<http_response>& answer, std::string_view who, std::string_view to_do)
{
    if (!answer) return reached_answer(answer);
    const int status = answer->status;
    if (status >= 200 && status < 300) return {};
    const std::string what = fmt::format("{} answered with status {}", who, status);
    const bool may_heal = status == 408 || status == 429;
    if (status >= 400 && status < 500 && !may_heal) return failure(errc::delivery_refused, what, std::string(to_do));
    return failure(errc::delivery_unreachable, what, "It is tried again by itself.", retry_after(*answer));
}

} // namespace rollbook::delivery
