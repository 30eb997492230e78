#include "daemon/service/hold.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/service/commit.hpp"

#include <fmt/format.h>

namespace rollbook {
namespace {

constexpr std::size_t words_max = 2'000;

bool stands(const held_thing* hold)
{
    if (!hold) return false;
    const auto parsed = json_document::parse(hold->payload);
    return parsed && parsed->root()["value"]["state"].string_if() == "standing";
}

// In the form of a settings entry that is about a pupil.
draft hold_entry(const upkeep_request& request, const std::string& name, const held_thing* last, instant at)
{
    thing_version row;
    row.kind = what::settings;
    row.key = name;
    row.pupil = request.pupil;
    if (last) {
        row.subject = last->subject;
        row.replaces = last->entry;
    }
    std::string text;
    json_writer out(text);
    out.begin_object();
    out.member("name", name);
    out.member("pupil", request.pupil);
    if (last) out.member("replaces", entry_index(last->entry));
    if (last) out.member("subject", entry_index(last->subject));
    out.key("value").begin_object();
    out.member("at", format_instant(at));
    out.member("by", request.by);
    out.member("reason", request.reason);
    out.member("state", request.command == upkeep_request::kind::hold ? "standing" : "ended");
    out.member("user", request.user);
    out.end_object();
    out.member("what", name_of(what::settings));
    out.end_object();
    return draft(entry_kind::note, std::move(text), std::move(row));
}

} // namespace

result<upkeep_report> change_hold(ledger& book, const upkeep_request& request, instant now)
{
    const bool begins = request.command == upkeep_request::kind::hold;
    const held_state& held = book.state();
    if (!held.things(what::pupil).find_subject(request.pupil))
        return failure(
            errc::not_found, "no pupil is known by that reference", "`rollbook links list` lists references."
        );
    if (request.by.empty() || request.reason.empty() || request.by.size() + request.reason.size() > words_max)
        return failure(errc::usage, "a hold needs a reason and who asks for it", "Give --reason TEXT and --by NAME.");
    const std::string name = fmt::format("hold/{}", request.pupil);
    const held_thing* last = held.things(what::settings).find("", name);
    if (stands(last) == begins)
        return failure(
            errc::forbidden,
            fmt::format("a hold on P-{} {}", request.pupil, begins ? "stands already" : "does not stand"),
            "`rollbook hold list` lists them."
        );
    const entry_index index = book.size();
    transaction t;
    t.entries.push_back(hold_entry(request, name, last, now));
    commit_and_apply(book, t, now);
    book.sign_checkpoint(now);

    upkeep_report report;
    report.lines.push_back(
        begins ? fmt::format("A hold stands on P-{}: nothing about the pupil is erased until it ends.", request.pupil)
               : fmt::format("The hold on P-{} has ended.", request.pupil)
    );
    json_writer out(report.json);
    out.begin_object().member("entry", index).member("pupil", fmt::format("P-{}", request.pupil));
    out.member("state", begins ? "standing" : "ended").end_object();
    return report;
}

} // namespace rollbook
