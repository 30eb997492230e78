#include "daemon/cli/held_back.hpp"

#include "daemon/base/json.hpp"
#include "daemon/domain/register_gate.hpp"

#include <algorithm>

namespace rollbook {
namespace {

constexpr int days_shown = 5; // school days before today

// The marks of some days and the forms of who is on roll, as one register.
void fill(
    const workplace& at, const std::string& mis, const day_range& days, attendance_register& marks, register_gate& gate
)
{
    at.reader.marks_of_days(days, at.n, false, [&](const mark_view& view) {
        if (view.source != mis) return true;
        held_mark mark;
        mark.entry = 0;
        mark.code = marks.codes().intern(view.raw, view.statutory);
        marks.put(view.session, marks.number_of(view.pupil), mark);
        return true;
    });
    at.reader.things(what::pupil, at.n, [&](const thing_view& pupil) {
        if (pupil.source != mis || pupil.gone) return true;
        const auto payload = json_document::parse(std::string(pupil.payload));
        if (!payload) return true;
        const json_view fields = payload->root()["fields"];
        const auto form = fields["registration_group"].string_if();
        const auto year = fields["year"].string_if();
        // Of one who is in no list of pupils nothing is known.
        if (fields.size() > 0) gate.put_pupil(marks.number_of(pupil.subject), form.value_or(year.value_or("")));
        return true;
    });
}

} // namespace

std::vector<waiting_item> held_back_items(const workplace& at)
{
    std::vector<waiting_item> items;
    for (const source_state& state : at.reader.sources()) {
        if (!state.last_success) items.push_back({"never-read", state.source, {}, {}, 0});
        if (state.error.empty()) continue;
        const bool refused = state.error_class == error_class(errc::source_refused);
        items.push_back({refused ? "source-refused" : "read-incomplete", state.source, {}, {}, 0});
    }
    const std::string mis = at.config.mis_name();
    const local_instant now = at.zone.to_local(at.now);
    const auto first = at.config.calendar.school_day_back(day_of(now), days_shown);
    if (!first) return items;
    attendance_register marks(std::make_shared<code_book>());
    register_gate gate(marks, at.config.calendar);
    fill(at, mis, {*first, day_of(now)}, marks, gate);
    for (civil_day day = *first; day <= day_of(now); day += std::chrono::days(1))
        for (const half_day half : {half_day::am, half_day::pm}) {
            if (at.config.calendar.counts_from({day, half}) > now) continue;
            for (const auto& each : gate.untaken({day, half}))
                items.push_back({"register-untaken", mis, session_id{day, half}, each.form, each.pupils});
        }
    return items;
}

} // namespace rollbook
