#include "daemon/ports/accounts.hpp"

#include "daemon/base/ascii.hpp"
#include "daemon/base/bytes.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

constexpr std::array<std::string_view, 8> role_names = {
    "lead", "office", "pastoral", "senior", "dsl", "governor", "auditor", "admin"};

constexpr std::size_t name_length_max = 40;

} // namespace

std::string_view name_of(role value)
{
    return role_names[static_cast<std::size_t>(value)];
}

std::optional<role> parse_role(std::string_view text)
{
    const auto found = std::ranges::find(role_names, text);
    if (found == role_names.end()) return std::nullopt;
    return static_cast<role>(found - role_names.begin());
}

bool is_account_name(std::string_view name)
{
    const auto fits = [](char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '_'; };
    return !name.empty() && name.size() <= name_length_max && is_letter(name.front()) &&
           std::ranges::all_of(name, fits);
}

namespace {

constexpr std::size_t purpose_bytes_max = 400;

bool is_purpose(const std::string& text)
{
    return text.size() <= purpose_bytes_max &&
           std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
}

// What the account is for, as asked; the rest of it stays.
result<void> take_purpose(account& into, const account_request& asked, civil_day today)
{
    const bool sees_pupils = into.role != role::governor && into.role != role::admin;
    if (asked.scope && !asked.scope->is_empty() && !sees_pupils)
        return failure(
            errc::usage, "a governor's or administrator's account sees no pupil, and has no scope", "Leave it out."
        );
    if (asked.has_engagement() && into.role != role::auditor)
        return failure(
            errc::usage,
            "only an auditor's account is an engagement",
            "Leave out the person, body, purpose and days, or use --role auditor."
        );
    if (asked.scope) into.scope = *asked.scope;
    for (const auto& [from, to] :
         {std::pair(&asked.person, &into.person),
          std::pair(&asked.body, &into.body),
          std::pair(&asked.purpose, &into.purpose)}) {
        if (!*from) continue;
        if (!is_purpose(**from))
            return failure(errc::usage, "the words are too long, or hold no plain text", "Use fewer.");
        *to = **from;
    }
    if (asked.first_day) into.first_day = asked.first_day;
    if (asked.last_day) into.last_day = asked.last_day;
    if (asked.command == account_request::kind::add && into.role == role::auditor) {
        if (!into.first_day) into.first_day = today;
        if (!into.last_day) into.last_day = *into.first_day + std::chrono::days(engagement_days_usual - 1);
    }
    if (into.first_day && into.last_day && *into.last_day < *into.first_day)
        return failure(errc::usage, "the engagement ends before it begins", "Change --from or --to.");
    return {};
}

} // namespace

result<std::optional<account>>
changed_account(const account_book& book, const account_request& asked, civil_day today, instant now)
{
    using kind = account_request::kind;
    if (!is_account_name(asked.name))
        return failure(
            errc::usage,
            "that is no name for an account",
            "Use up to 40 letters, digits, dots, hyphens and underscores, with a letter first."
        );
    const std::optional<account> held = book.find(asked.name);
    if (asked.command == kind::add && held)
        return failure(
            errc::usage, "there is an account of that name already", "Use another name, or `rollbook user reset`."
        );
    if (asked.command != kind::add && !held)
        return failure(errc::not_found, "no account has that name", "`rollbook user list` lists them.");
    if (asked.command == kind::remove) return std::optional<account>();
    account fresh = held.value_or(account());
    if (asked.command != kind::alter) {
        const auto setup = hash_from_hex(asked.setup_hash);
        if (!setup || (!held && !asked.role))
            return failure(
                errc::usage, "the account cannot be made as asked", "Use the command of the daemon's version."
            );
        fresh.name = asked.name;
        if (!held) fresh.role = *asked.role;
        fresh.password.clear();
        fresh.totp_secret.clear();
        fresh.totp_step = 0;
        fresh.setup_hash = as_text(*setup);
        fresh.setup_until = now + setup_code_life;
    }
    if (const auto sound = take_purpose(fresh, asked, today); !sound) return sound.error();
    // Two changes within a millisecond are two all the same.
    fresh.changed_at = held ? std::max(now, held->changed_at + std::chrono::milliseconds(1)) : now;
    return std::optional(std::move(fresh));
}

result<void> change_account(account_book& book, const account_request& asked, civil_day today, instant now)
{
    auto changed = changed_account(book, asked, today, now);
    if (!changed) return changed.error();
    if (*changed)
        book.put(**changed);
    else
        book.remove(asked.name);
    return {};
}

} // namespace rollbook
