#include "daemon/web/today.hpp"

#include "daemon/base/spoken.hpp"
#include "daemon/cases/silence.hpp"
#include "daemon/domain/code_book.hpp"
#include "daemon/views/actions.hpp"
#include "daemon/views/labels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace rollbook {
namespace {

std::chrono::minutes time_of_day(local_instant at)
{
    return std::chrono::floor<std::chrono::minutes>(at - local_instant(day_of(at)));
}

std::string clock_of(local_instant at)
{
    const auto minutes = time_of_day(at).count();
    return fmt::format("{:02}:{:02}", minutes / 60, minutes % 60);
}

// Up to the whole minute that it takes at least.
std::string countdown(local_instant until, local_instant now)
{
    const auto minutes = std::chrono::ceil<std::chrono::minutes>(until - now).count();
    return minutes < 60 ? fmt::format("{} min", minutes) : fmt::format("{} h {} min", minutes / 60, minutes % 60);
}

} // namespace

std::array<session_register, 2> registers_today(const page_request& of)
{
    const civil_day day = today(of);
    std::array<session_register, 2> both;
    for (const half_day half : {half_day::am, half_day::pm}) {
        session_register& each = both[static_cast<std::size_t>(half)];
        const auto times = of.at.config.calendar.times_of({day, half});
        each.half = half;
        each.closes = times ? local_instant(day) + times->closes : of.at.config.calendar.counts_from({day, half});
        for (const auto& [person, who] : of.pupils.all())
            if (who.on_roll) ++each.forms[who.form].pupils;
    }
    std::set<std::pair<half_day, entry_index>> counted;
    const std::string mis = of.at.config.mis_name();
    of.at.reader.marks_of_days(no_entry, {day, day}, of.at.n, false, [&](const mark_view& held) {
        if (held.source != mis) return true;
        if (is_not_recorded(held.raw)) return true;
        session_register& each = both[static_cast<std::size_t>(held.session.half)];
        ++each.marks;
        const entry_index person = of.everyone.person_of(held.pupil);
        const profile* who = of.pupils.find(person);
        if (who && who->on_roll && counted.emplace(held.session.half, person).second) ++each.forms[who->form].marks;
        return true;
    });
    return both;
}

namespace {

bool may_know_of(const page_request& of, const case_action& each)
{
    return each.alert == no_entry || labels_at(of.at, each.alert).is_within(allowed_to(of.reader));
}

void write_held(json_writer& out, std::string_view reason, const std::string& says)
{
    out.begin_object().member("reason", reason).member("says", says).end_object();
}

std::string counted(std::int64_t number, std::string_view one, std::string_view many)
{
    return fmt::format("{} {}", number, number == 1 ? one : many);
}

} // namespace

void write_registers(json_writer& out, const page_request& of, std::span<const session_register> registers)
{
    out.key("registers").begin_array();
    const local_instant now = of.at.zone.to_local(of.at.now);
    const auto on_roll = std::ranges::count_if(of.pupils.all(), [](const auto& each) { return each.second.on_roll; });
    if (of.at.config.calendar.is_school_day(today(of)))
        for (const session_register& each : registers) {
            out.begin_object();
            out.member("closed", now >= each.closes);
            out.member("closes", clock_of(each.closes));
            write_text_or_null(out, "closes_in", now >= each.closes ? "" : countdown(each.closes, now));
            out.member("forms", each.forms.size());
            out.member("forms_in", std::ranges::count_if(each.forms, [](const auto& form) {
                           return form.second.is_in();
                       }));
            out.member("marks", each.marks);
            out.member("on_roll", on_roll);
            out.member("session", each.half == half_day::am ? "Morning" : "Afternoon");
            out.end_object();
        }
    out.end_array();
}

void write_held_back(
    json_writer& out,
    const page_request& of,
    std::span<const session_register> registers,
    const std::vector<alert>& seen
)
{
    const local_instant now = of.at.zone.to_local(of.at.now);
    out.key("held_back").begin_array();
    if (of.at.config.calendar.is_school_day(today(of)))
        for (const session_register& each : registers) {
            std::string names;
            if (each.closes <= now)
                for (const auto& [form, counts] : each.forms)
                    if (!counts.is_in())
                        names += (names.empty() ? "" : ", ") + (form.empty() ? "no form" : plain(form));
            if (!names.empty())
                write_held(
                    out,
                    "register-untaken",
                    fmt::format(
                        "{} registers that are not in: {}. Nothing is concluded of their pupils until they are.",
                        each.half == half_day::am ? "Morning" : "Afternoon",
                        names
                    )
                );
        }
    std::vector<silence> silences;
    of.at.reader.things(what::settings, of.at.n, [&](const thing_view& each) {
        if (auto one = each.key.starts_with(silence_prefix) ? parse_silence(each.payload, each.entry) : std::nullopt)
            silences.push_back(std::move(*one));
        return true;
    });
    std::int64_t silenced = 0, pending = 0;
    for (const alert& each : seen) {
        const rule* by = find_rule(of, each.rule);
        pending += each.state == alert_state::pending;
        const bool stands = each.state == alert_state::open || each.state == alert_state::acknowledged;
        silenced += stands && by && is_silenced(silences, *by, each.pupil, today(of));
    }
    if (silenced > 0)
        write_held(
            out,
            "silenced",
            counted(silenced, "alert sends", "alerts send") +
                " no message: the pupil or the rule is silenced. They are on the list below all the same."
        );
    if (pending > 0)
        write_held(
            out,
            "pending",
            counted(pending, "alert waits", "alerts wait") + " until what was seen has lasted as long as its rule asks."
        );
    // Only to who may see whatever a message is about.
    const std::int64_t waiting = allowed_to(of.reader) == visibility::everything() && !of.is_scoped && !of.is_past
                                     ? of.at.reader.outbox().waiting
                                     : 0;
    if (waiting > 0)
        write_held(
            out,
            "messages-waiting",
            counted(waiting, "message waits", "messages wait") + " for school hours, for a digest, or for its receiver."
        );
    out.end_array();
}

void write_yesterday(json_writer& out, const page_request& of)
{
    const school_calendar& calendar = of.at.config.calendar;
    const civil_day day = today(of);
    const auto before = calendar.school_day_back(day, 1);
    const auto times = calendar.all_times_of({day, half_day::am});
    const local_instant closes =
        times.empty() ? calendar.counts_from({day, half_day::am}) : local_instant(day) + times.front().closes;
    out.key("yesterday");
    if (!calendar.is_school_day(day) || !before || *before == day || of.at.zone.to_local(of.at.now) >= closes) {
        out.null();
        return;
    }
    std::int64_t calls = 0, explained = 0, done = 0, overdue = 0;
    for (const case_action& each : contacts_on(of.at, *before)) {
        if (!may_know_of(of, each)) continue;
        ++calls;
        explained += each.outcome == reached_explained;
    }
    for (const case_action& each : actions_at(of.at)) {
        if (each.alert == no_entry || !may_know_of(of, each)) continue;
        done += each.is_done && each.kind != "note" && day_of(of.at.zone.to_local(each.at)) == *before;
        overdue += !each.is_done && each.due && *each.due < day;
    }
    out.begin_object();
    out.member("actions_done", done);
    out.member("actions_overdue", overdue);
    out.member("calls", calls);
    out.member("calls_explained", explained);
    out.member("date", format_day(*before));
    out.end_object();
}

} // namespace rollbook
