#pragma once

namespace rollbook {

// Sanitizers look for other faults than these tests, and make them ten times as long. Where a test tries everything
// there is, under sanitizers it tries every so-manieth; the plain build leaves nothing out.
#ifdef ROLLBOOK_SANITIZED
constexpr bool is_sanitized = true;
#else
constexpr bool is_sanitized = false;
#endif

} // namespace rollbook
