#include "daemon/views/held_back.hpp"

#include "daemon/base/json.hpp"
#include "daemon/reconcile/finding_kinds.hpp"
#include "daemon/views/roster.hpp"

#include <algorithm>
#include <map>

namespace rollbook {
namespace {

constexpr int days_shown = 5; // school days before today

bool was_refused(const source_state& state)
{
    return state.error_class == error_class(errc::source_refused);
}

// Puts the pupil of a record, while on roll, into the form that it names.
void put_pupil(register_gate& gate, pupil_no number, std::string_view record, civil_day today)
{
    const auto payload = json_document::parse(std::string(record));
    if (!payload) return;
    const json_view fields = payload->root()["fields"];
    if (!is_on_roll(fields, today)) return;
    const auto form = fields["registration_group"].string_if();
    const auto year = fields["year"].string_if();
    // Of one who is in no list of pupils nothing is known.
    if (fields.size() > 0) gate.put_pupil(number, form.value_or(year.value_or("")), year.value_or(""));
}

// Kinds of record that the newest read of their source did not read.
void add_not_read(const workplace& at, std::vector<waiting_item>& items)
{
    for (const source_state& state : at.reader.sources()) {
        std::map<what, std::string> words;
        if (state.last_attempt)
            at.reader.statements(*state.last_attempt, std::nullopt, at.n, [&](const statement_row& row) {
                if (row.source == state.source && !row.not_read.empty()) words[row.record] = row.not_read;
                return true;
            });
        for (const auto& [kind, word] : words) {
            const std::string reason = word == not_read_refused     ? "source-refused"
                                       : word == not_read_broke_off ? "read-incomplete"
                                                                    : std::string(word);
            items.push_back({reason, state.source, {}, {}, 0, std::string(name_of(kind)), findings_resting_on(kind)});
        }
    }
}

// The marks of some days and the forms of who is on roll, as one register.
void fill(
    const workplace& at, const std::string& mis, const day_range& days, attendance_register& marks, register_gate& gate
)
{
    at.reader.marks_of_days(no_entry, days, at.n, false, [&](const mark_view& view) {
        if (view.source != mis) return true;
        held_mark mark;
        mark.entry = 0;
        mark.code = marks.codes().intern(view.raw, view.statutory);
        marks.put(view.session, marks.number_of(view.pupil), mark);
        return true;
    });
    at.reader.things(what::pupil, at.n, [&](const thing_view& pupil) {
        if (pupil.source == mis && !pupil.gone)
            put_pupil(gate, marks.number_of(pupil.subject), pupil.payload, days.last);
        return true;
    });
}

} // namespace

std::vector<waiting_item> held_back_items(const workplace& at)
{
    std::vector<waiting_item> items;
    for (const source_state& state : at.reader.sources()) {
        if (!state.last_success) items.push_back({"never-read", state.source, {}, {}, 0, {}, {}});
        if (state.error.empty()) continue;
        items.push_back({was_refused(state) ? "source-refused" : "read-incomplete", state.source, {}, {}, 0, {}, {}});
    }
    add_not_read(at, items);
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
                items.push_back({"register-untaken", mis, session_id{day, half}, each.form, each.pupils, {}, {}});
        }
    return items;
}

register_gate gate_of(const workplace& at, const held_state& held, const attendance_register& marks)
{
    const std::string mis = at.config.mis_name();
    register_gate gate(marks, at.config.calendar);
    for (const held_thing& pupil : held.things(what::pupil).all())
        if (const auto number = marks.find_pupil(pupil.subject); number && pupil.source == mis && !pupil.gone)
            put_pupil(gate, *number, pupil.payload, day_of(at.zone.to_local(at.now)));
    for (const source_state& state : at.reader.sources()) {
        if (state.source != mis || !state.last_success) continue;
        marks_read read{at.zone.to_local(std::min(*state.last_success, at.now)), held_back::nothing};
        if (!state.error.empty())
            read.trouble = was_refused(state) ? held_back::source_refused : held_back::read_incomplete;
        gate.know_read(read);
    }
    return gate;
}

} // namespace rollbook
