#include "daemon/domain/register_gate.hpp"

#include <algorithm>

namespace rollbook {

std::string_view name_of(held_back reason)
{
    switch (reason) {
    case held_back::nothing: return "nothing";
    case held_back::register_untaken: return "register-untaken";
    case held_back::not_read_yet: return "not-read-yet";
    case held_back::read_incomplete: return "read-incomplete";
    case held_back::source_refused: return "source-refused";
    }
    return "nothing";
}

register_gate::register_gate(const attendance_register& marks, const school_calendar& calendar)
    : marks_(marks), calendar_(calendar)
{
}

void register_gate::put_pupil(pupil_no pupil, std::string_view form, std::string_view year)
{
    if (pupil >= year_of_.size()) year_of_.resize(pupil + 1, nullptr);
    year_of_[pupil] = year.empty() ? nullptr : &*years_.emplace(year).first;
    auto at = form_numbers_.find(form);
    if (at == form_numbers_.end()) {
        at = form_numbers_.emplace(std::string(form), static_cast<std::uint32_t>(forms_.size())).first;
        forms_.emplace_back(form);
    }
    if (pupil >= form_of_.size()) form_of_.resize(pupil + 1, no_form);
    if (form_of_[pupil] == at->second) return;
    form_of_[pupil] = at->second;
    counted_.clear();
}

void register_gate::drop_pupil(pupil_no pupil)
{
    if (pupil >= form_of_.size() || form_of_[pupil] == no_form) return;
    form_of_[pupil] = no_form;
    counted_.clear();
}

const std::vector<register_gate::form_count>& register_gate::count(session_id session) const
{
    const auto [at, is_new] = counted_.try_emplace(session);
    if (!is_new) return at->second;
    at->second.resize(forms_.size());
    for (pupil_no pupil = 0; pupil < form_of_.size(); ++pupil) {
        if (form_of_[pupil] == no_form) continue;
        form_count& of = at->second[form_of_[pupil]];
        ++of.pupils;
        const held_mark mark = marks_.find_but_digest(session, pupil);
        of.recorded += mark.is_held() && marks_.codes().class_on(mark.code, session.day) != code_class::none ? 1 : 0;
    }
    return at->second;
}

bool register_gate::is_taken(session_id session, pupil_no pupil) const
{
    if (!knows(pupil)) return false;
    return count(session)[form_of_[pupil]].is_taken();
}

std::string_view register_gate::year_of(pupil_no pupil) const
{
    return pupil < year_of_.size() && year_of_[pupil] ? std::string_view(*year_of_[pupil]) : std::string_view();
}

held_back register_gate::reason(session_id session, pupil_no pupil) const
{
    const held_mark mark = marks_.find_but_digest(session, pupil);
    const bool is_recorded = mark.is_held() && marks_.codes().class_on(mark.code, session.day) != code_class::none;
    if (is_recorded) return held_back::nothing;
    if (!read_.through || *read_.through < calendar_.counts_from(session, year_of(pupil)))
        return read_.trouble == held_back::nothing ? held_back::not_read_yet : read_.trouble;
    return is_taken(session, pupil) ? held_back::nothing : held_back::register_untaken;
}

bool register_gate::holds_back(session_id session, pupil_no pupil) const
{
    if (!knows(pupil) || reason(session, pupil) == held_back::nothing) return false;
    if (!read_.through) return true;
    // A school day counts from the moment on when its first register has settled, as rules are judged.
    civil_day newest = day_of(*read_.through);
    if (calendar_.counting_moments({newest, half_day::am}).front() > *read_.through) newest -= std::chrono::days(1);
    return calendar_.school_days_between(session.day, newest) <= held_back_days;
}

bool register_gate::any_taken(session_id session) const
{
    return std::ranges::any_of(count(session), [](const form_count& each) {
        return each.pupils > 0 && each.is_taken();
    });
}

std::vector<register_gate::untaken_form> register_gate::untaken(session_id session) const
{
    std::vector<untaken_form> found;
    if (!calendar_.is_school_day(session.day) || !any_taken(session)) return found;
    const std::vector<form_count>& counts = count(session);
    for (std::size_t form = 0; form < counts.size(); ++form)
        if (counts[form].pupils > 0 && !counts[form].is_taken())
            found.push_back({forms_[form], counts[form].pupils - counts[form].recorded});
    std::ranges::sort(found, {}, &untaken_form::form);
    return found;
}

} // namespace rollbook
