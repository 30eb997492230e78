#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace rollbook {

// What went wrong, in the words an operator acts on. The three classes of connector errors (configuration, transient,
// system) follow from remedy_for().
enum class errc {
    source_unreachable = 1, // no answer before the deadline: network, DNS, HTTP 5xx
    source_throttled,       // the source asked us to slow down: HTTP 429 or its own way of saying so
    source_refused,         // credentials or scope rejected (401, 403); trying again cannot help
    source_misconfigured,   // address, TLS or settings are wrong; trying again cannot help
    page_malformed,         // the page broke its contract; the position is not moved
    record_unreadable,      // no identity or no readable shape; quarantined with its reason
    mass_change,            // more vanished at once than the limit allows; nothing was retired
    configuration_invalid,  // a file we were given does not say what it must
    ledger_in_doubt,        // the ledger cannot be opened, is locked, or does not verify
    not_found,              // what was asked for is not there
    usage,                  // the command was called wrongly
    forbidden,              // understood, and not allowed as things stand: a hold, a minimum period, a reader
    delivery_refused,       // the receiver said no; a person must act
    delivery_unreachable,   // the receiver could not be reached; it will be tried again
    stopped,                // we are shutting down
};

// Who can mend it. `retry_soon` and `wait` are transient, `ask_a_person` is configuration, `report` is a defect.
enum class remedy { retry_soon, wait, ask_a_person, report };

remedy remedy_for(errc code) noexcept;

// The connector error class of a failure: "configuration", "transient" or "system".
std::string_view error_class(errc code) noexcept;

// One failure: what and where in one line, what to do in another. Neither holds a pupil's data, a source's id or a
// secret; paths are templates, positions are page numbers and ledger indexes.
struct failure {
    errc code = errc::page_malformed;
    std::string what;
    std::string to_do;
    // How long the source asked us to wait (Retry-After), where it did.
    std::optional<std::chrono::seconds> retry_after{};

    failure() = default;
    failure(errc c, std::string w, std::string t = {}, std::optional<std::chrono::seconds> after = {})
        : code(c), what(std::move(w)), to_do(std::move(t)), retry_after(after)
    {
    }
};

// A failure as an exception: what value() throws, and what the outermost layer turns into an exit code.
class failure_error : public std::runtime_error {
public:
    explicit failure_error(failure f) : std::runtime_error(f.what), failure_(std::move(f)) {}
    const failure& why() const noexcept { return failure_; }

private:
    failure failure_;
};

[[noreturn]] inline void throw_exception_from_error(const failure& f, const boost::source_location&)
{
    throw failure_error(f);
}

template <class T> using result = boost::system::result<T, failure>;

[[noreturn]] void broken_invariant(const char* expression, const char* file, int line) noexcept;

} // namespace rollbook

// A broken invariant is a bug: stop, and let the supervisor start us again. On in every build, because a wrong ledger
// is worse than a stopped one.
#define ROLLBOOK_ENSURE(expression)                                                                                    \
    (static_cast<bool>(expression) ? void(0) : ::rollbook::broken_invariant(#expression, __FILE__, __LINE__))
