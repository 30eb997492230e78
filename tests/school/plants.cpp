#include "tests/school/plants.hpp"

#include "tests/school/json_text.hpp"

#include <array>
#include <stdexcept>
#include <utility>

namespace rollbook::school {

using namespace std::chrono;

namespace {

constexpr int settled_for = 12; // school days: what came of a mistake is long due by then

std::string midnight_of(date day)
{
    return R"({"date":")" + format_date(day) + R"( 00:00:00.000000","timezone_type":3,"timezone":"Europe/London"})";
}

} // namespace

planter::planter(simulated_school& school, wonde_api& wonde, safeguarding_api& safeguarding)
    : school_(school), wonde_(wonde), safeguarding_(safeguarding), dice_(school.options().seed, "mistakes")
{
    for (const incident& x : school.incidents()) {
        busy_[x.plan.pupil].insert(x.ordinal);
        if (x.plan.second_pupil >= 0) busy_[x.plan.second_pupil].insert(x.ordinal);
    }
    for (const concern& x : school.concerns()) {
        for (const int who : {x.plan.pupil, x.plan.second_pupil}) {
            if (who < 0) continue;
            busy_[who].insert(x.happened);
            concerned_.insert(who);
        }
    }
    for (const suspension& x : school.suspensions())
        suspended_.insert(x.pupil);
    const auto& pupils = school.people().pupils;
    for (int i = 0; i < static_cast<int>(pupils.size()); ++i)
        if (pupils[std::size_t(i)].on_roll && pupils[std::size_t(i)].year < 11 && !suspended_.contains(i))
            pupils_.push_back(i);
    dice_.shuffle(pupils_);
}

int planter::pick_pupil()
{
    if (pupils_.empty()) throw std::runtime_error("no pupil is left to whom nothing has happened");
    const int picked = pupils_.back();
    pupils_.pop_back();
    return picked;
}

std::uint32_t planter::mark_at(int pupil, int ordinal, int session) const
{
    return school_.find_mark(pupil, school_.calendar().day(ordinal), session).value();
}

bool planter::is_plain(int pupil, int ordinal) const
{
    static const std::uint8_t am = code("/"), pm = code("\\");
    const auto at = school_.find_mark(pupil, school_.calendar().day(ordinal), 0);
    if (!at) return false;
    const mark& morning = school_.marks()[*at];
    const mark& afternoon = school_.marks()[mark_at(pupil, ordinal, 1)];
    if (morning.deleted || afternoon.deleted || morning.code != am || afternoon.code != pm) return false;
    const auto busy = busy_.find(pupil);
    if (busy == busy_.end()) return true;
    for (int day = ordinal - 1; day <= ordinal + 1; ++day)
        if (busy->second.contains(day)) return false;
    return true;
}

// A pupil, and one of the days from `from` to `to` on which they were present, and no more.
planter::choice planter::choose(int from, int to)
{
    const int days = to - from + 1;
    if (days < 1) throw std::runtime_error("the school has too few days for it");
    for (;;) {
        const int who = pick_pupil();
        const int start = dice_.below(days);
        for (int i = 0; i < days; ++i) {
            const int day = from + (start + i) % days;
            if (!is_plain(who, day)) continue;
            busy_[who].insert(day);
            return {who, day};
        }
    }
}

void planter::set(int pupil, int ordinal, int session, std::string_view to)
{
    school_.amend(mark_at(pupil, ordinal, session), code(to));
}

void planter::extra_mark(int pupil, date day, int session, const std::string& code_id)
{
    wonde_.append(
        "attendance/session",
        "{\"id\":\"A29" + std::to_string(10000000u + ++number_) + "\",\"date\":" + midnight_of(day) +
            ",\"comment\":null,\"session\":\"" + (session ? "PM" : "AM") +
            "\",\"employee\":null,\"attendance_code\":\"" + code_id + "\",\"student\":\"" +
            school_.people().pupils[std::size_t(pupil)].id + "\"}"
    );
}

std::string
planter::behaviour(int pupil, date day, std::string_view type, std::string_view location, std::string_view comment)
{
    const std::string id = "A77" + std::to_string(10000000u + ++number_);
    const auto& who = school_.people().pupils[std::size_t(pupil)];
    const std::string at = R"({"date":")" + format_date(day) + R"( 16:00:00","timezone_type":3,"timezone":"UTC"})";
    wonde_.append(
        "behaviours",
        "{\"id\":\"" + id + "\",\"mis_id\":\"" + std::to_string(90000u + number_) + "\",\"type\":" + json_string(type) +
            ",\"action\":null,\"points\":2,\"total_points\":null,\"comment\":" + json_string(comment) +
            ",\"parents_notified\":null,\"location\":" + json_or_null(location) +
            ",\"class\":null,\"subject\":null,\"status\":\"Resolved\",\"incident_date\":" + midnight_of(day) +
            ",\"action_date\":null,\"bullying_type\":null,\"recorded_date\":" + midnight_of(day) +
            ",\"sensitivity\":null,\"created_at\":" + at + ",\"updated_at\":" + at +
            ",\"students\":{\"data\":[{\"id\":\"" + who.id + "\",\"mis_id\":\"" + who.mis_id +
            "\",\"meta\":{\"role\":\"Aggressor\",\"action\":null,\"points\":2}}]}}"
    );
    return id;
}

std::string planter::concern_row(int pupil, date day, int minute, std::string_view category)
{
    const std::string id = "INC-" + std::to_string(800000u + ++number_);
    char clock[32];
    std::snprintf(clock, sizeof clock, "T%02d:%02d:00", minute / 60, minute % 60);
    const std::string at = rfc3339(utc_of_local(day, 15, 45));
    safeguarding_.append(
        "safeguarding/incidents",
        "{\"id\":\"" + id + "\",\"student_ids\":[\"" + school_.people().pupils[std::size_t(pupil)].safeguarding_id +
            "\"],\"incident_at\":\"" + format_date(day) + clock + "\",\"entered_at\":\"" + at + "\",\"categories\":[" +
            json_string(category) +
            "],\"subcategory\":null,\"text\":\"Invented text.\",\"status\":\"Open\",\"assigned_to\":null,"
            "\"updated_at\":\"" +
            at + "\"}"
    );
    return id;
}

void planter::suspend(int pupil, int first_day, int sessions)
{
    const std::string number = std::to_string(10000000u + ++number_);
    const date from = school_.calendar().day(first_day), to = school_.calendar().day(first_day + (sessions - 1) / 2);
    wonde_.append(
        "exclusions",
        "{\"id\":\"A85" + number + "\",\"mis_id\":\"" + number +
            "\",\"type\":\"Suspension\",\"type_code\":\"SUSP\",\"reason\":\"Damage\",\"reason_code\":\"DM\","
            "\"start_date\":" +
            midnight_of(from) + ",\"start_session\":\"AM\",\"end_date\":" + midnight_of(to) + ",\"end_session\":\"" +
            (sessions % 2 ? "AM" : "PM") + "\",\"sessions\":\"" + std::to_string(sessions) +
            "\",\"days\":null,\"student\":\"" + school_.people().pupils[std::size_t(pupil)].id + "\"}"
    );
}

void planter::safeguarding_pupil(
    const std::string& id,
    const std::string& upn,
    const std::string& mis_id,
    const std::string& forename,
    const std::string& surname,
    date born
)
{
    safeguarding_.append(
        "safeguarding/students",
        "{\"id\":\"" + id + "\",\"upn\":" + json_or_null(upn) + ",\"mis_id\":" + json_or_null(mis_id) +
            ",\"forename\":" + json_string(forename) + ",\"surname\":" + json_string(surname) +
            ",\"date_of_birth\":\"" + format_date(born) + "\",\"updated_at\":\"" + rfc3339(school_.now()) + "\"}"
    );
}

// --- at rest: marks ---

void planter::code_that_no_law_lists()
{
    const auto [who, day] = choose(first(), last() - 1);
    set(who, day, 0, "Q9");
    add("code that no law lists", school_.people().pupils[std::size_t(who)].id);
}

// H was withdrawn on 19 August 2024; this school's list still has it.
void planter::code_of_another_year()
{
    static const std::string id = "A1599999999";
    if (!std::exchange(has_old_code_, true))
        wonde_.append(
            "attendance-codes",
            "{\"id\":\"" + id +
                R"(","code":"H","description":"Holiday","type":"OTHER","parent_code":null,"government_code":"H"})"
        );
    const auto [who, day] = choose(first(), last() - 1);
    school_.delete_mark(mark_at(who, day, 0));
    extra_mark(who, school_.calendar().day(day), 0, id);
    add("code of another year", school_.people().pupils[std::size_t(who)].id);
}

void planter::marked_before_joining()
{
    const int first = school_.calendar().first();
    int who = pick_pupil();
    while (!is_plain(who, first))
        who = pick_pupil();
    school_.delete_mark(mark_at(who, first, 1));
    person(who).admitted = school_.calendar().day(first + 1);
    add("marked before joining", school_.people().pupils[std::size_t(who)].id);
}

void planter::marked_on_a_closed_day()
{
    std::vector<date> closed;
    const school_calendar& calendar = school_.calendar();
    for (const academic_year& year : calendar.years())
        for (const closed_day& each : year.closed)
            if (calendar.day(calendar.first()) < each.day && each.day < calendar.day(last()))
                closed.push_back(each.day);
    if (closed.empty()) throw std::runtime_error("the period has no closed day");
    const int who = pick_pupil();
    extra_mark(who, dice_.one_of(closed), 0, wonde_.code_id(code("/")));
    add("marked on a closed day", school_.people().pupils[std::size_t(who)].id);
}

void planter::reason_never_entered()
{
    const auto [who, day] = choose(first(), last() - 6);
    set(who, day, 0, "N");
    add("reason never entered", school_.people().pupils[std::size_t(who)].id);
}

void planter::reason_due_soon()
{
    const auto [who, day] = choose(last() - 5, last() - 3);
    set(who, day, 0, "N");
    add("reason due soon", school_.people().pupils[std::size_t(who)].id);
}

void planter::sign_of_the_other_half()
{
    const auto [who, day] = choose(first(), last() - 1);
    set(who, day, 1, "/");
    add("sign of the other half", school_.people().pupils[std::size_t(who)].id);
}

void planter::not_required_at_school_age()
{
    const auto [who, day] = choose(first(), last() - 1);
    set(who, day, 0, "X");
    add("not required at school age", school_.people().pupils[std::size_t(who)].id);
}

// Education elsewhere is owed from the sixth school day on.
void planter::long_suspension_without_provision()
{
    const auto [who, from] = choose(first() + 1, last() - settled_for);
    for (int session = 0; session < 11; ++session)
        set(who, from + session / 2, session % 2, "E");
    suspend(who, from, 11);
    add("long suspension without provision", school_.people().pupils[std::size_t(who)].id);
}

void planter::suspended_and_ill()
{
    const auto [who, day] = choose(first(), last() - settled_for);
    set(who, day, 0, "E");
    set(who, day, 1, "I");
    suspend(who, day, 2);
    add("suspended and ill", school_.people().pupils[std::size_t(who)].id);
}

void planter::suspended_nowhere()
{
    const auto [who, day] = choose(first(), last() - settled_for);
    set(who, day, 0, "E");
    add("suspended nowhere", school_.people().pupils[std::size_t(who)].id);
}

void planter::left_out_of_the_register()
{
    const auto [who, day] = choose(first(), last() - 2);
    school_.delete_mark(mark_at(who, day, 1));
    add("left out of the register", school_.people().pupils[std::size_t(who)].id);
}

void planter::marked_twice()
{
    const auto [who, day] = choose(first(), last() - 1);
    extra_mark(who, school_.calendar().day(day), 0, wonde_.code_id(code("I")));
    add("marked twice", school_.people().pupils[std::size_t(who)].id);
}

// --- at rest: incidents ---

void planter::ill_and_in_the_canteen()
{
    const auto [who, day] = choose(first(), last() - settled_for);
    set(who, day, 0, "I");
    set(who, day, 1, "I");
    add("ill and in the canteen", behaviour(who, school_.calendar().day(day), "Defiance", "Canteen", ""));
}

void planter::missing_from_a_lesson_they_were_at()
{
    const auto [who, day] = choose(first(), last() - settled_for);
    add("missing from a lesson they were at",
        concern_row(who, school_.calendar().day(day), 10 * 60 + 40, "Missing from lesson"));
}

void planter::written_down_twice()
{
    const auto [who, ordinal] = choose(first(), last() - settled_for);
    const date day = school_.calendar().day(ordinal);
    const std::string marker = "Seen. (added in ClassCharts, " + std::to_string(1500000000u + ++number_) + ")";
    behaviour(who, day, "Defiance", "", marker);
    add("written down twice", behaviour(who, day, "Defiance", "", marker));
}

void planter::held_and_parents_not_told()
{
    const date duty(year(2026) / April / 1);
    int from = first();
    while (from < last() && school_.calendar().day(from) < duty)
        ++from;
    const auto [who, day] = choose(from, last() - 2);
    add("held and parents not told", behaviour(who, school_.calendar().day(day), "Physical intervention", "", ""));
}

void planter::bullied_in_one_system()
{
    const auto [who, day] = choose(first(), last() - settled_for);
    add("bullied in one system", behaviour(who, school_.calendar().day(day), "Racist incident", "", ""));
}

// --- at rest: people ---

void planter::unknown_to_safeguarding()
{
    int picked = pick_pupil();
    while (concerned_.contains(picked)) // what was entered about a pupil stays
        picked = pick_pupil();
    const auto& who = school_.people().pupils[std::size_t(picked)];
    safeguarding_.archive(who.safeguarding_id);
    add("unknown to safeguarding", who.id);
}

void planter::known_to_safeguarding_alone()
{
    const std::string id = "C-" + std::to_string(8000u + ++number_);
    safeguarding_pupil(id, "", "", "Zebedee", "Vraskol", date(year(2009) / February / 3) + days(number_));
    add("known to safeguarding alone", id);
}

void planter::numbers_of_two_pupils()
{
    const auto& who = school_.people().pupils[std::size_t(pick_pupil())];
    const auto& other = school_.people().pupils[std::size_t(pick_pupil())];
    safeguarding_.archive(who.safeguarding_id);
    safeguarding_pupil(who.safeguarding_id, other.upn, who.mis_id, who.forename, who.surname, who.born);
    add("numbers of two pupils", who.safeguarding_id);
}

void planter::number_of_another_person()
{
    const auto& who = school_.people().pupils[std::size_t(pick_pupil())];
    safeguarding_.archive(who.safeguarding_id);
    safeguarding_pupil(who.safeguarding_id, "", who.mis_id, "Zebedee", "Vraskol", who.born + days(5000));
    add("number of another person", who.safeguarding_id);
}

void planter::left_and_still_listed()
{
    const int who = pick_pupil();
    const int left = last() - settled_for;
    if (left <= school_.calendar().first()) throw std::runtime_error("the school has too few days for it");
    for (int day = left + 1; day <= last(); ++day)
        for (int session = 0; session < 2; ++session)
            school_.delete_mark(mark_at(who, day, session));
    person(who).leaves = school_.calendar().day(left);
    add("left and still listed", school_.people().pupils[std::size_t(who)].id);
}

void planter::plan_known_to_safeguarding_alone()
{
    const int who = pick_pupil();
    person(who).plan_in_safeguarding = !person(who).plan_in_mis;
    add("plan known to safeguarding alone", school_.people().pupils[std::size_t(who)].id);
}

// --- in motion ---

void planter::mark_taken_away()
{
    const auto [who, day] = choose(first(), last() - 1);
    school_.delete_mark(mark_at(who, day, 0));
    add("mark taken away", school_.people().pupils[std::size_t(who)].id);
}

void planter::incident_taken_away()
{
    if (ordinary_.empty()) throw std::runtime_error("there is no ordinary incident to take away");
    const std::string id = ordinary_.back();
    ordinary_.pop_back();
    wonde_.withdraw("behaviours", id);
    add("incident taken away", id);
}

void planter::mark_changed_long_after()
{
    int oldest = school_.calendar().first();
    const date before = school_.calendar().day(last()) - days(42);
    while (oldest < last() && school_.calendar().day(oldest + 1) <= before)
        ++oldest;
    const auto [who, day] = choose(first(), oldest);
    set(who, day, 0, "C");
    add("mark changed long after", school_.people().pupils[std::size_t(who)].id);
}

// The safeguarding system takes its pupils from the MIS, and so has the other person under its own id, too.
void planter::id_given_to_another()
{
    pupil& who = person(pick_pupil());
    const std::string serial = std::to_string(100u + ++number_ % 900);
    const std::string rest = "990290121" + serial;
    who.upn = upn_check_letter(rest) + rest;
    who.forename = "Ptolemy";
    who.surname = "Wexcombe";
    who.born -= days(400 + number_ % 300);
    add("id given to another", who.id);
    add("id given to another", who.safeguarding_id);
}

// In the MIS: the child was enrolled twice, and the record that stays takes the other's names, which were right. The
// one that is left over is archived in the safeguarding system at once.
void planter::two_records_made_one()
{
    int old = pick_pupil();
    while (concerned_.contains(old))
        old = pick_pupil();
    const auto& who = school_.people().pupils[std::size_t(old)];
    int kept = pick_pupil();
    while (school_.people().pupils[std::size_t(kept)].upn_missing_in_safeguarding)
        kept = pick_pupil();
    pupil& stays = person(kept);
    stays.former_upn = who.upn;
    stays.forename = who.forename;
    stays.surname = who.surname;
    stays.born = who.born;
    school_.delete_pupil(old);
    safeguarding_.archive(who.safeguarding_id);
    add("two records made one", who.id);
    add("record left over", who.safeguarding_id);
}

// --- all of them ---

void planter::at_rest(int count)
{
    static constexpr std::array<mistake, 24> mistakes = {
        &planter::marked_before_joining, // needs the first day, so it chooses first
        &planter::code_that_no_law_lists,
        &planter::code_of_another_year,
        &planter::marked_on_a_closed_day,
        &planter::reason_never_entered,
        &planter::reason_due_soon,
        &planter::sign_of_the_other_half,
        &planter::not_required_at_school_age,
        &planter::long_suspension_without_provision,
        &planter::suspended_and_ill,
        &planter::suspended_nowhere,
        &planter::left_out_of_the_register,
        &planter::marked_twice,
        &planter::ill_and_in_the_canteen,
        &planter::missing_from_a_lesson_they_were_at,
        &planter::written_down_twice,
        &planter::held_and_parents_not_told,
        &planter::bullied_in_one_system,
        &planter::unknown_to_safeguarding,
        &planter::known_to_safeguarding_alone,
        &planter::numbers_of_two_pupils,
        &planter::number_of_another_person,
        &planter::left_and_still_listed,
        &planter::plan_known_to_safeguarding_alone,
    };
    for (int i = 0; i < count; ++i)
        (this->*mistakes[next_at_rest_++ % mistakes.size()])();
}

void planter::in_motion(int count)
{
    static constexpr std::array<mistake, 5> mistakes = {
        &planter::mark_taken_away,
        &planter::incident_taken_away,
        &planter::mark_changed_long_after,
        &planter::id_given_to_another,
        &planter::two_records_made_one,
    };
    for (int i = 0; i < count; ++i)
        (this->*mistakes[next_in_motion_++ % mistakes.size()])();
}

void planter::missed_lessons(int count)
{
    constexpr int recent_days = 8; // within any window of ten
    for (int i = 0; i < count; ++i) {
        const auto [who, day] = choose(last() - recent_days, last() - 1);
        for (const int session : {0, 1})
            wonde_.mark_lessons(mark_at(who, day, session), code("N"));
        add("in school and in no lesson", school_.people().pupils[std::size_t(who)].id);
    }
}

void planter::ordinary(int count)
{
    static constexpr std::string_view inside[] = {"Science corridor", "Canteen", "Room 12", "Playground", ""};
    static constexpr std::string_view outside[] = {"School bus", "Online", "Off site", "Walk to school", ""};
    static constexpr std::string_view types[] = {"Disruption (Stage 1)", "Uniform", "Mobile phone", "Verbal abuse"};
    static const std::uint8_t late = code("L"), am = code("/"), pm = code("\\");
    const auto in_school = [&](int who, int day) {
        for (int session = 0; session < 2; ++session) {
            const std::uint8_t is = school_.marks()[mark_at(who, day, session)].code;
            if (is != am && is != pm && is != late) return false;
        }
        return true;
    };
    if (pupils_.empty()) throw std::runtime_error("no pupil is left to whom nothing has happened");
    for (int i = 0, tries = 0; i < count && tries < count * 50; ++tries) {
        const int who = dice_.one_of(pupils_);
        const int day = school_.calendar().first() + dice_.below(last() - school_.calendar().first() + 1);
        if (!busy_[who].insert(day).second) continue;
        const std::string_view place = in_school(who, day) ? dice_.one_of(inside) : dice_.one_of(outside);
        ordinary_.push_back(behaviour(who, school_.calendar().day(day), dice_.one_of(types), place, ""));
        ++i;
    }
}

} // namespace rollbook::school
