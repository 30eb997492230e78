#pragma once

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"
#include "daemon/domain/pupil_scope.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// What a person does with the pages. What each role may see: daemon/web/README.md.
enum class role : std::uint8_t { lead, office, pastoral, senior, dsl, governor, auditor, admin };
std::string_view name_of(role value);
std::optional<role> parse_role(std::string_view text);
inline constexpr std::string_view role_words = "lead, office, pastoral, senior, dsl, governor, auditor or admin";

// Somebody who may open the pages.
struct account {
    std::string name;
    rollbook::role role = rollbook::role::lead;
    std::string password;       // Argon2id, as libsodium writes it; empty until it is set up
    std::string totp_secret;    // bytes; empty until it is set up
    std::int64_t totp_step = 0; // the newest time step whose code was used: none is taken twice
    std::string setup_hash;     // SHA-256 of the set-up code; empty once it was used
    instant setup_until{};      // until when the set-up code is good
    instant changed_at{};       // sessions that began under another value are over
    pupil_scope scope;          // empty: the whole school, or of the role pastoral nobody
    // Of an auditor: the engagement.
    std::string person;  // who it is
    std::string body;    // whom they come from
    std::string purpose; // what they look at, and why
    std::optional<civil_day> first_day;
    std::optional<civil_day> last_day; // inclusive; nobody is let in outside

    bool is_set_up() const { return !password.empty() && !totp_secret.empty(); }
    bool is_in_force(civil_day today) const
    {
        return (!first_day || *first_day <= today) && (!last_day || today <= *last_day);
    }
    // The pupils that the account is kept to; empty: it is kept to none, and sees the whole school.
    std::optional<pupil_scope> kept_to() const
    {
        if (scope.is_empty() && role != role::pastoral) return std::nullopt;
        return scope;
    }
};

// A name that an account can have: 1 to 40 letters, digits, dots, hyphens and underscores, beginning with a letter.
bool is_account_name(std::string_view name);

// The accounts, for the ledger's one writer. Failures of the store are exceptions.
class account_book {
public:
    virtual ~account_book() = default;
    virtual std::optional<account> find(std::string_view name) const = 0;
    virtual std::vector<account> all() const = 0; // by name
    virtual void put(const account& value) = 0;
    virtual bool remove(std::string_view name) = 0; // false: there was none
};

// What `rollbook user` asks for.
struct account_request {
    enum class kind { add, remove, reset, alter } command = kind::add;
    std::string name;
    std::optional<rollbook::role> role; // of `add`
    std::string setup_hash;             // hexadecimal SHA-256 of the set-up code, which only its user ever sees
    // Of `add` and `alter`; what is left out stays as it is.
    std::optional<pupil_scope> scope;
    std::optional<std::string> person, body, purpose;
    std::optional<civil_day> first_day, last_day;
    std::string successor; // of `remove`: who takes over the open actions that the account's user owns
    std::string user;      // who asks: the operating system's user, or an account of the pages

    // Whether it says anything of an auditor's engagement.
    bool has_engagement() const { return person || body || purpose || first_day || last_day; }
};

// How long an engagement lasts where nobody says, in days.
inline constexpr int engagement_days_usual = 90;

inline constexpr std::chrono::hours setup_code_life{7 * 24};

// The account as it is to be; empty where it is to go. An auditor's without days is good from `today` for
// engagement_days_usual. Fails with usage: a name that is taken, that is none, or that no account has; a scope of
// somebody who sees no pupil, an engagement of somebody who is no auditor, or one that ends before it begins.
result<std::optional<account>>
changed_account(const account_book& book, const account_request& asked, civil_day today, instant now);
// And puts it there, or takes it away.
result<void> change_account(account_book& book, const account_request& asked, civil_day today, instant now);

} // namespace rollbook
