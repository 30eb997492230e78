// First-day calling: whom nothing is known of today, household by household, and what came of each call.

#include "daemon/base/json.hpp"
#include "daemon/domain/code_book.hpp"
#include "daemon/views/actions.hpp"
#include "daemon/views/labels.hpp"
#include "daemon/views/markers.hpp"
#include "daemon/web/parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace rollbook {
namespace {

constexpr std::chrono::minutes second_contact_after{30}; // where no rule says when

// How a pupil stands on the list, in the order in which it is worked through.
enum class call_standing { to_call, second_contact_due, waiting, known };

std::string_view name_of(call_standing standing)
{
    switch (standing) {
    case call_standing::to_call: return "to-call";
    case call_standing::second_contact_due: return "second-contact-due";
    case call_standing::waiting: return "waiting";
    case call_standing::known: break;
    }
    return "known";
}

struct called_pupil {
    const profile* who = nullptr;
    session_id session{};
    std::string state; // in words
    bool is_priority = false;
    std::string why_priority; // for the designated safeguarding lead alone
    std::vector<case_action> contacts;
    call_standing standing = call_standing::to_call;
    std::optional<local_instant> second_due;
};

struct adult_line {
    std::int64_t order = 0; // 0: not given
    std::string text;
};

struct called_household {
    std::vector<called_pupil> pupils;
    std::vector<adult_line> adults;
};

struct held_register {
    session_id session{};
    std::string form; // empty: of no form
    std::int64_t pupils = 0;
};

// A register of today that has closed, with what is in it by person.
struct closed_register {
    session_id session{};
    local_instant closes{};
    struct mark {
        std::string raw;
        code_class klass = code_class::none;
        bool is_unexplained = false;
    };
    std::map<entry_index, mark> marks;
    std::map<std::string, std::pair<int, int>> forms; // pupils on roll, and those with a mark

    // As the completeness gate counts it: more than half of a form have a mark.
    bool is_taken(const std::string& form) const
    {
        const auto found = forms.find(form);
        return found != forms.end() && found->second.second * 2 > found->second.first;
    }
};

local_instant closing_of(const page_request& of, session_id session, std::string_view year)
{
    const auto times = of.at.config.calendar.times_of(session, year);
    return times ? local_instant(session.day) + times->closes : of.at.config.calendar.counts_from(session, year);
}

// Where years have registers of their own, when the first of them closes.
local_instant first_closing_of(const page_request& of, session_id session)
{
    const auto all = of.at.config.calendar.all_times_of(session);
    return all.empty() ? closing_of(of, session, {}) : local_instant(session.day) + all.front().closes;
}

// Today's registers that have closed for some year at least, the newest first.
std::vector<closed_register> closed_registers(const page_request& of)
{
    std::vector<closed_register> closed;
    const civil_day day = today(of);
    if (!of.at.config.calendar.is_school_day(day)) return closed;
    for (const half_day half : {half_day::pm, half_day::am}) {
        const session_id session{day, half};
        const local_instant closes = first_closing_of(of, session);
        if (closes <= of.at.zone.to_local(of.at.now)) closed.push_back({session, closes, {}, {}});
    }
    code_book codes;
    const std::string mis = of.at.config.mis_name();
    of.at.reader.marks_of_days(no_entry, {day, day}, of.at.n, false, [&](const mark_view& held) {
        if (held.source != mis) return true;
        const auto into = std::ranges::find(closed, held.session, &closed_register::session);
        if (into == closed.end()) return true;
        const code_id code = codes.intern(held.raw, held.statutory);
        closed_register::mark mark{std::string(held.raw), codes.class_on(code, day), codes.statutory(code) == "N"};
        if (mark.klass != code_class::none) into->marks[of.everyone.person_of(held.pupil)] = std::move(mark);
        return true;
    });
    for (closed_register& each : closed)
        for (const auto& [person, who] : of.pupils.all()) {
            if (!who.on_roll) continue;
            auto& [all, recorded] = each.forms[who.form];
            ++all;
            recorded += each.marks.contains(person);
        }
    return closed;
}

// What is not known of a pupil, if anything, by the newest register that says something of them. Of a form whose
// register was not taken nothing is said of anybody; of a child who comes first that is the alarm.
std::optional<std::pair<session_id, std::string>>
unknown_of(const page_request& of, const std::vector<closed_register>& closed, const profile& who, bool is_priority)
{
    const local_instant now = of.at.zone.to_local(of.at.now);
    for (const closed_register& each : closed) {
        if (closing_of(of, each.session, who.year) > now) continue;
        const auto mark = each.marks.find(who.person);
        if (mark == each.marks.end()) {
            if (each.is_taken(who.form)) return std::pair(each.session, std::string("no mark, and the register is in"));
            if (is_priority) return std::pair(each.session, std::string("no mark, and the register is not in"));
            continue;
        }
        if (mark->second.is_unexplained) return std::pair(each.session, std::string("absent, no reason yet (N)"));
        if (mark->second.klass == code_class::unmapped)
            return std::pair(each.session, "the mark " + plain(mark->second.raw) + " is no code that is known");
        return std::nullopt;
    }
    return std::nullopt;
}

// Who is to be called first: on the safeguarding lead's list, or with a flag that a rule about a missing child asks
// for. With the reason, which nobody but that lead is shown.
std::map<entry_index, std::string> priority_of(const page_request& of)
{
    std::map<entry_index, std::string> found;
    const auto add = [&](entry_index person, const std::string& why) {
        std::string& all = found[person];
        if (!why.empty()) all += (all.empty() ? "" : "; ") + why;
    };
    const auto reason_of = [](const auto& each) {
        return each.reason + (each.tell.empty() ? "" : ", tell " + each.tell);
    };
    const marked_pupils marked(of.at);
    for (const entry_index pupil : marked.priorities())
        add(of.everyone.person_of(pupil), "");
    for (const pupil_marker& each : markers_at(of.at))
        if (!each.ended && each.kind == marker_kind::priority) add(of.everyone.person_of(each.pupil), reason_of(each));
    for (const watched_pupil& each : of.at.config.watch_list) {
        const auto person = of.everyone.find(each.pupil);
        if (person && found.contains(*person)) add(*person, reason_of(each));
    }
    std::set<std::string> asked;
    for (const rule& by : of.at.config.rules)
        if (by.enabled && by.measure == "unexplained_minutes")
            asked.insert(by.cohort.flags.begin(), by.cohort.flags.end());
    if (asked.empty()) return found;
    of.at.reader.things(what::pupil, of.at.n, [&](const thing_view& each) {
        if (each.gone || each.payload.find("\"flags\"") == std::string_view::npos) return true;
        const auto document = json_document::parse(std::string(each.payload));
        if (!document) return true;
        document->root()["fields"]["flags"].for_each_element([&](json_view flag) {
            std::string word(flag.string_if().value_or(""));
            if (!asked.contains(word)) return;
            std::ranges::replace(word, '_', ' ');
            add(of.everyone.person_of(each.subject), word);
        });
        return true;
    });
    return found;
}

// Minutes after an attempt that explained nothing until the next is due: as far as the stages of the rule about a
// missing child are apart.
std::chrono::minutes second_contact_wait(const page_request& of)
{
    for (const rule& by : of.at.config.rules) {
        if (!by.enabled || by.measure != "unexplained_minutes") continue;
        const auto second = std::ranges::find(by.stages, "second-contact", &rule_stage::name);
        if (second != by.stages.end() && second != by.stages.begin())
            return std::chrono::minutes(second->at_least - by.stages.front().at_least);
    }
    return second_contact_after;
}

void set_standing(called_pupil& pupil, const page_request& of, local_instant closes, std::chrono::minutes wait)
{
    for (const case_action& each : pupil.contacts) {
        const auto accounted = accounts_at(each, of.at.zone);
        if (accounted && *accounted >= closes) {
            pupil.standing = call_standing::known;
            pupil.second_due.reset();
            return;
        }
        pupil.second_due = of.at.zone.to_local(each.at) + wait;
    }
    if (!pupil.second_due) return;
    const bool is_due = *pupil.second_due <= of.at.zone.to_local(of.at.now);
    pupil.standing = is_due ? call_standing::second_contact_due : call_standing::waiting;
}

std::vector<called_pupil> unknown_today(const page_request& of, const std::vector<closed_register>& closed)
{
    std::vector<called_pupil> list;
    if (closed.empty()) return list;
    const std::map<entry_index, std::string> priority = priority_of(of);
    std::map<entry_index, std::vector<case_action>> contacts;
    for (case_action& each : contacts_on(of.at, today(of)))
        if (each.alert == no_entry || labels_at(of.at, each.alert).is_within(allowed_to(of.reader)))
            contacts[of.everyone.person_of(each.pupil)].push_back(std::move(each));
    const std::chrono::minutes wait = second_contact_wait(of);
    for (const auto& [person, who] : of.pupils.all()) {
        if (!who.on_roll) continue;
        const auto first = priority.find(person);
        const auto unknown = unknown_of(of, closed, who, first != priority.end());
        if (!unknown) continue;
        called_pupil pupil;
        pupil.who = &who;
        pupil.session = unknown->first;
        pupil.state = unknown->second;
        pupil.is_priority = first != priority.end();
        if (pupil.is_priority && allowed_to(of.reader).has(visibility::safeguarding))
            pupil.why_priority = first->second;
        if (const auto made = contacts.find(person); made != contacts.end()) pupil.contacts = made->second;
        set_standing(pupil, of, closing_of(of, pupil.session, who.year), wait);
        list.push_back(std::move(pupil));
    }
    return list;
}

std::string adult_text(json_view fields)
{
    std::string name;
    for (const char* part : {"title", "forename", "surname"})
        if (const auto text = fields[part].string_if(); text && !text->empty())
            name += (name.empty() ? "" : " ") + std::string(*text);
    const std::string relation(fields["relation"].string_if().value_or(""));
    return relation.empty() || name.empty() ? relation + name : relation + ", " + name;
}

// Pupils who share a household of the MIS's, or an adult they live with, are one row: one call asks for all of them.
std::vector<called_household> by_household(const page_request& of, std::vector<called_pupil> pupils)
{
    std::vector<std::size_t> joined(pupils.size());
    std::map<entry_index, std::size_t> place;
    for (std::size_t i = 0; i < pupils.size(); ++i)
        place[pupils[i].who->person] = joined[i] = i;
    const auto head = [&](std::size_t i) {
        while (joined[i] != i)
            i = joined[i];
        return i;
    };
    std::map<std::string, std::size_t> keys;
    std::map<std::size_t, std::map<std::string, adult_line>> adults; // by the source's id of the adult
    of.at.reader.things(what::adult, of.at.n, [&](const thing_view& each) {
        const auto at = each.gone ? place.end() : place.find(of.everyone.person_of(each.pupil));
        if (at == place.end() || !sees_record(of, what::adult, each.source)) return true;
        const auto document = json_document::parse(std::string(each.payload));
        if (!document) return true;
        const json_view fields = document->root()["fields"];
        const std::string adult(fields["adult"].string_if().value_or(""));
        const std::string household(fields["household"].string_if().value_or(""));
        const bool lives_there = fields["lives_with_pupil"].bool_if().value_or(false);
        for (const std::string& key :
             {household.empty() ? "" : fmt::format("{}/household/{}", each.source, household),
              lives_there && !adult.empty() ? fmt::format("{}/adult/{}", each.source, adult) : ""}) {
            if (key.empty()) continue;
            const auto [known, is_new] = keys.try_emplace(key, at->second);
            if (!is_new) joined[head(at->second)] = head(known->second);
        }
        adults[at->second][adult] = {fields["priority"].int_if().value_or(0), adult_text(fields)};
        return true;
    });
    std::map<std::size_t, called_household> households;
    std::map<std::size_t, std::map<std::string, adult_line>> all_adults;
    for (std::size_t i = 0; i < pupils.size(); ++i) {
        households[head(i)].pupils.push_back(std::move(pupils[i]));
        all_adults[head(i)].insert(adults[i].begin(), adults[i].end());
    }
    std::vector<called_household> rows;
    for (auto& [at, each] : households) {
        for (auto& [id, adult] : all_adults[at])
            if (!adult.text.empty()) each.adults.push_back(std::move(adult));
        std::ranges::stable_sort(each.adults, {}, [](const adult_line& a) { return std::pair(a.order == 0, a.order); });
        std::ranges::stable_sort(each.pupils, {}, [](const called_pupil& p) {
            return std::tie(p.standing, p.who->sort_name);
        });
        rows.push_back(std::move(each));
    }
    // Whom to call now before those just tried, and among them whom the safeguarding lead puts first.
    std::ranges::stable_sort(rows, {}, [](const called_household& each) {
        const auto first = std::ranges::any_of(each.pupils, &called_pupil::is_priority);
        const called_pupil& lead = each.pupils.front();
        return std::tuple(
            lead.standing == call_standing::known,
            lead.standing == call_standing::waiting,
            !first,
            lead.standing,
            lead.who->year.size(),
            lead.who->year,
            lead.who->form,
            lead.who->sort_name
        );
    });
    return rows;
}

std::string time_text(local_instant at)
{
    const auto minutes = std::chrono::floor<std::chrono::minutes>(at - local_instant(day_of(at))).count();
    return fmt::format("{:02}:{:02}", minutes / 60, minutes % 60);
}

std::string words_of_outcome(std::string_view outcome)
{
    if (outcome == reached_explained) return "reached, explained";
    if (outcome == "reached-not-explained") return "reached, not explained";
    std::string words(outcome);
    std::ranges::replace(words, '-', ' ');
    return words;
}

void write_call(
    json_writer& out, const page_request& of, const called_pupil& pupil, std::size_t household, bool is_several
)
{
    const case_action* last = pupil.contacts.empty() ? nullptr : &pupil.contacts.back();
    out.begin_object();
    out.member("attempts", pupil.contacts.size());
    out.member("household", household);
    out.key("last_at");
    if (last)
        out.value(time_text(of.at.zone.to_local(last->at)));
    else
        out.null();
    write_text_or_null(out, "last_by", last ? last->by : "");
    write_text_or_null(out, "last_outcome", last ? words_of_outcome(last->outcome) : "");
    write_text_or_null(out, "last_text", last ? last->text : "");
    out.member("priority", pupil.is_priority);
    write_text_or_null(out, "priority_reason", pupil.why_priority);
    out.key("pupil");
    write_person(out, of, pupil.who->person);
    out.member("record", pupil.who->person);
    out.key("second_due");
    if (pupil.second_due)
        out.value(time_text(*pupil.second_due));
    else
        out.null();
    out.member("session", name_of(pupil.session.half));
    out.member("several", is_several);
    out.member("standing", name_of(pupil.standing));
    out.member("state", pupil.state);
    out.end_object();
}

bool is_settled(const called_household& each)
{
    return each.pupils.front().standing == call_standing::known; // and then all of them: pupils are in that order
}

void write_households(json_writer& out, const page_request& of, const std::vector<called_household>& rows, bool settled)
{
    bool is_first = true;
    out.begin_array();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (is_settled(rows[i]) != settled) continue;
        out.begin_object().key("adults").begin_array();
        for (const adult_line& each : rows[i].adults)
            out.value(plain(each.text));
        out.end_array();
        out.member("label", fmt::format("Row {}", i + 1));
        const bool is_now = rows[i].pupils.front().standing < call_standing::waiting;
        out.member("next", !settled && is_now && is_first);
        is_first = is_first && !is_now;
        out.key("pupils").begin_array();
        for (const called_pupil& each : rows[i].pupils)
            write_call(out, of, each, i + 1, rows[i].pupils.size() > 1);
        out.end_array().end_object();
    }
    out.end_array();
}

// Forms whose register is not in: their pupils are on no list of calls, and here instead.
std::vector<held_register> not_in(const std::vector<closed_register>& closed)
{
    std::vector<held_register> rows;
    for (const closed_register& each : closed)
        for (const auto& [form, counts] : each.forms)
            if (!each.is_taken(form)) rows.push_back({each.session, form, counts.first - counts.second});
    std::ranges::stable_sort(rows, {}, [](const held_register& row) { return std::pair(row.form.size(), row.form); });
    return rows;
}

// What has to be known before the list is trusted.
std::string staleness(const page_request& of, const std::vector<closed_register>& closed)
{
    if (closed.empty() || of.is_past) return {};
    for (const auto& [source, state] : states_of(of.at)) {
        if (source->role != source_role::mis) continue;
        const auto read = state.last_success ? std::optional(of.at.zone.to_local(*state.last_success)) : std::nullopt;
        if (!read) return "The registers have not been read yet. Call from the school's own system.";
        if (*read < closed.front().closes)
            return fmt::format(
                "The registers were last read at {}{}, before the newest closed at {}. Call from the school's own "
                "system "
                "where this list may be behind.",
                time_text(*read),
                day_of(*read) == today(of) ? "" : " on " + format_day(day_of(*read)),
                time_text(closed.front().closes)
            );
    }
    return {};
}

void write_call_counts(json_writer& out, const std::vector<called_household>& rows)
{
    std::array<std::int64_t, 4> pupils{};
    std::int64_t attempts = 0;
    for (const called_household& row : rows)
        for (const called_pupil& each : row.pupils) {
            ++pupils[static_cast<std::size_t>(each.standing)];
            attempts += static_cast<std::int64_t>(each.contacts.size());
        }
    out.key("counts").begin_object();
    out.member("attempts", attempts);
    out.member("known", pupils[3]);
    out.member("second_contact_due", pupils[1]);
    out.member("to_call", pupils[0]);
    out.member("waiting", pupils[2]);
    out.end_object();
}

void write_closing_times(json_writer& out, const page_request& of)
{
    out.key("registers").begin_array();
    const civil_day day = today(of);
    for (const half_day half : {half_day::am, half_day::pm}) {
        if (!of.at.config.calendar.is_school_day(day)) break;
        const local_instant closes = first_closing_of(of, {day, half});
        out.begin_object();
        out.member("closed", closes <= of.at.zone.to_local(of.at.now));
        out.member("closes", time_text(closes));
        out.member("session", half == half_day::am ? "morning" : "afternoon");
        out.end_object();
    }
    out.end_array();
}

} // namespace

result<page_model> make_calls(const page_request& of)
{
    const std::vector<closed_register> closed = closed_registers(of);
    const std::vector<called_household> rows = by_household(of, unknown_today(of, closed));
    page_model page;
    page.page = "calls";
    page.title = "Calls";
    for (const called_household& row : rows)
        for (const called_pupil& each : row.pupils)
            page.offered.push_back({each.who->person, ""});
    page.json = model_json([&](json_writer& out) {
        if (of.target.form != page_form::html) {
            out.key("calls").begin_array();
            for (std::size_t i = 0; i < rows.size(); ++i)
                for (const called_pupil& each : rows[i].pupils)
                    write_call(out, of, each, i + 1, rows[i].pupils.size() > 1);
            out.end_array();
        }
        out.member("can_call", calls(of.reader) && !of.is_past);
        out.member("closed", !closed.empty());
        write_call_counts(out, rows);
        out.member("date", format_day(today(of)));
        if (of.target.form == page_form::html) {
            out.key("households");
            write_households(out, of, rows, false);
            out.key("known");
            write_households(out, of, rows, true);
        }
        out.key("not_in").begin_array();
        for (const held_register& each : not_in(closed)) {
            out.begin_object();
            write_text_or_null(out, "form", each.form);
            out.member("pupils", each.pupils).member("session", name_of(each.session.half)).end_object();
        }
        out.end_array();
        write_closing_times(out, of);
        out.member("school_day", of.at.config.calendar.is_school_day(today(of)));
        write_text_or_null(out, "stale", staleness(of, closed));
    });
    page.rows = "calls";
    page.columns = {
        {"Row", "household"},
        {"Pupil", "pupil.ref"},
        {"Name", "pupil.name"},
        {"Year", "pupil.year"},
        {"Form", "pupil.form"},
        {"DSL priority", "priority"},
        {"Session", "session"},
        {"What is known", "state"},
        {"Standing", "standing"},
        {"Attempts", "attempts"},
        {"Last attempt", "last_at"},
        {"Outcome", "last_outcome"},
        {"Second contact due", "second_due"},
    };
    return page;
}

} // namespace rollbook
