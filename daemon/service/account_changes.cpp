#include "daemon/service/account_changes.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/cases/action.hpp"
#include "daemon/cases/opened_pupil.hpp"
#include "daemon/reconcile/payload.hpp"
#include "daemon/service/commit.hpp"

#include <fmt/format.h>

namespace rollbook {
namespace {

constexpr std::size_t owner_bytes_max = 100;

civil_day today_of(const configuration& settings, instant now)
{
    const time_zone zone = time_zone::named(settings.school.timezone).value_or(time_zone::utc());
    return day_of(zone.to_local(now));
}

// Nothing of the person whose account it is: that would outlast the account.
std::string value_of(const account& of, bool is_gone, const std::string& user, instant now)
{
    std::string text;
    json_writer out(text);
    out.begin_object().member("at", format_instant(now));
    if (!of.body.empty()) out.member("body", of.body);
    if (of.first_day) out.member("from", format_day(*of.first_day));
    if (!of.purpose.empty()) out.member("purpose", of.purpose);
    out.member("role", name_of(of.role));
    out.member("scope", to_text(of.scope));
    out.member("state", is_gone ? "removed" : "standing");
    if (of.last_day) out.member("to", format_day(*of.last_day));
    out.member("user", user).end_object();
    return text;
}

bool is_same_purpose(const account& a, const account& b)
{
    return a.role == b.role && a.scope == b.scope && a.body == b.body && a.purpose == b.purpose &&
           a.first_day == b.first_day && a.last_day == b.last_day;
}

// What the account's user was to do goes to the successor; without one nothing of it may be lost.
result<void> hand_over(transaction& t, ledger& book, const account_request& asked, instant now)
{
    std::vector<case_action> open = actions_in(book.state());
    std::erase_if(open, [&](const case_action& each) { return each.is_done || each.owner != asked.name; });
    if (open.empty()) return {};
    if (asked.successor.empty() || asked.successor == asked.name || asked.successor.size() > owner_bytes_max)
        return failure(
            errc::usage,
            fmt::format("{} open actions are to be done by {}", open.size(), asked.name),
            "Name who takes them over, with --hand-over NAME."
        );
    for (case_action& each : open) {
        each.owner = asked.successor;
        each.user = asked.user;
        each.by.clear();
        each.at = now;
        t.entries.push_back(action_entry(each));
    }
    return {};
}

} // namespace

result<void> change_account(
    ledger& book, account_book& accounts, const configuration& settings, const account_request& asked, instant now
)
{
    const std::optional<account> held = accounts.find(asked.name);
    auto changed = changed_account(accounts, asked, today_of(settings, now), now);
    if (!changed) return changed.error();
    const bool is_gone = !changed->has_value();
    transaction t;
    if (is_gone)
        if (const auto done = hand_over(t, book, asked, now); !done) return done.error();
    if (!held || is_gone || !is_same_purpose(*held, **changed)) {
        const std::string name = "account/" + asked.name;
        t.entries.push_back(setting_entry(
            name,
            value_of(is_gone ? *held : **changed, is_gone, asked.user, now),
            book.state().things(what::settings).find("", name)
        ));
    }
    const bool is_another =
        is_gone || asked.command == account_request::kind::reset ||
        (held && (held->first_day != (*changed)->first_day || held->last_day != (*changed)->last_day));
    if (is_another)
        for (auto& [opened, thing] : opened_in(book.state(), asked.name)) {
            opened.ended = true;
            opened.at = now;
            opened.by.clear();
            opened.user = asked.user;
            t.entries.push_back(opened_entry_of(opened, thing));
        }
    if (!t.entries.empty()) {
        commit_and_apply(book, t, now);
        book.sign_checkpoint(now);
    }
    if (is_gone)
        accounts.remove(asked.name);
    else
        accounts.put(**changed);
    return {};
}

result<void>
check_opening(const account_book& accounts, const configuration& settings, const decision_request& request, instant now)
{
    if (request.kind != decision_kind::open_pupil) return {};
    const std::optional<account> held = accounts.find(request.owner);
    if (!held || held->role != role::auditor)
        return failure(errc::not_found, "no auditor's account has that name", "`rollbook user list` lists accounts.");
    const civil_day today = today_of(settings, now);
    if (held->last_day && *held->last_day < today)
        return failure(
            errc::forbidden, "the engagement of that account is over", "`rollbook user alter` can extend it."
        );
    return {};
}

} // namespace rollbook
