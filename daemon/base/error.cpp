#include "daemon/base/error.hpp"

#include <cstdio>
#include <cstdlib>

namespace rollbook {

remedy remedy_for(errc code) noexcept
{
    switch (code) {
    case errc::source_unreachable:
    case errc::delivery_unreachable:
    case errc::stopped: return remedy::retry_soon;
    case errc::source_throttled: return remedy::wait;
    case errc::source_refused:
    case errc::source_misconfigured:
    case errc::mass_change:
    case errc::configuration_invalid:
    case errc::ledger_in_doubt:
    case errc::not_found:
    case errc::usage:
    case errc::forbidden:
    case errc::delivery_refused: return remedy::ask_a_person;
    case errc::page_malformed:
    case errc::record_unreadable: return remedy::report;
    }
    return remedy::report;
}

std::string_view error_class(errc code) noexcept
{
    switch (remedy_for(code)) {
    case remedy::retry_soon:
    case remedy::wait: return "transient";
    case remedy::ask_a_person: return "configuration";
    case remedy::report: return "system";
    }
    return "system";
}

void broken_invariant(const char* expression, const char* file, int line) noexcept
{
    std::fprintf(stderr, "rollbook: internal error: %s does not hold (%s:%d)\n", expression, file, line);
    std::fputs("Rollbook stopped to protect the ledger. Start it again, and report this line.\n", stderr);
    std::abort();
}

} // namespace rollbook
