#include "daemon/ports/accounts.hpp"

#include "daemon/base/bytes.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

constexpr std::array<std::string_view, 8> role_names = {
    "lead", "office", "pastoral", "senior", "dsl", "governor", "auditor", "admin"};

constexpr std::size_t name_length_max = 40;

bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

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
    const auto fits = [](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_'; };
    return !name.empty() && name.size() <= name_length_max && is_letter(name.front()) &&
           std::ranges::all_of(name, fits);
}

result<void> change_account(account_book& book, const account_request& asked, instant now)
{
    if (!is_account_name(asked.name))
        return failure(
            errc::usage,
            "that is no name for an account",
            "Use up to 40 letters, digits, dots, hyphens and underscores, with a letter first."
        );
    std::optional<account> held = book.find(asked.name);
    if (asked.command == account_request::kind::add && held)
        return failure(
            errc::usage, "there is an account of that name already", "Use another name, or `rollbook user reset`."
        );
    if (asked.command != account_request::kind::add && !held)
        return failure(errc::not_found, "no account has that name", "`rollbook user list` lists them.");
    if (asked.command == account_request::kind::remove) {
        book.remove(asked.name);
        return {};
    }
    const auto setup = hash_from_hex(asked.setup_hash);
    if (!setup || (!held && !asked.role))
        return failure(errc::usage, "the account cannot be made as asked", "Use the command of the daemon's version.");
    account fresh;
    fresh.name = asked.name;
    fresh.role = held ? held->role : *asked.role;
    fresh.setup_hash = as_text(*setup);
    fresh.setup_until = now + setup_code_life;
    fresh.changed_at = now;
    // Two changes within a millisecond are two all the same.
    if (held) fresh.changed_at = std::max(now, held->changed_at + std::chrono::milliseconds(1));
    book.put(fresh);
    return {};
}

} // namespace rollbook
