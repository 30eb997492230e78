#include "tests/unit/cases/desk.hpp"

#include "daemon/base/json.hpp"
#include "daemon/cases/marker.hpp"
#include "daemon/cases/meeting.hpp"
#include "daemon/cases/opened_pupil.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::support;

namespace {

errc code_of(const result<int>& got)
{
    return got ? errc::stopped : got.error().code;
}

} // namespace

TEST_CASE("each decision is one entry, about the pupil, with who made it, the same again is none", "[cases]")
{
    desk at;
    decision_request close = at.ask(decision_kind::close, at.alert_id);
    close.outcome = "met";
    close.text = "spoke to the parents";
    decision_request note = at.ask(decision_kind::note, at.alert_id);
    note.text = "mother rang";
    decision_request act = at.ask(decision_kind::act, at.alert_id);
    act.action = "call";
    act.owner = "lead";
    act.due = at.today;
    decision_request silence = at.ask(decision_kind::silence, no_entry);
    silence.pupil = at.pupil;
    silence.until = at.today;
    silence.text = "in hospital";
    decision_request link = at.ask(decision_kind::confirm_link, at.record);
    link.pupil = at.pupil;
    link.text = "asked the family";
    decision_request split = link;
    split.kind = decision_kind::split_link;

    for (const decision_request& asked :
         {at.ask(decision_kind::acknowledge, at.alert_id), note, act, silence, link, split, close}) {
        CAPTURE(decision_words[static_cast<std::size_t>(asked.kind)]);
        REQUIRE(at.take(asked).value() == 1);
        CHECK(at.same_row);
        const auto entry = at.size - 1;
        CHECK(json_document::parse(at.last.json)->root()["entry"].int_if() == static_cast<std::int64_t>(entry));
        CHECK(at.take(asked).value() == 0);
        CHECK(json_document::parse(at.last.json)->root()["entry"].is_null());
    }
    CHECK(at.the_alert(at.alert_id).state == alert_state::resolved);
    for (const what kind : {what::alert, what::action, what::link, what::settings})
        for (const held_thing& thing : at.held.things(kind).all()) {
            CHECK(thing.pupil == at.pupil);
            const auto payload = json_document::parse(thing.payload);
            const json_view root = payload->root();
            CHECK((root["user"].string_if() == "root" || root["value"]["user"].string_if() == "root"));
        }
}

TEST_CASE("an action has an owner, days and an outcome, and is done once", "[cases]")
{
    desk at;
    decision_request act = at.ask(decision_kind::act, at.alert_id);
    act.action = "meeting";
    act.due = at.today + std::chrono::days(3);
    act.review = at.today + std::chrono::days(10);
    act.text = "parents invited";
    REQUIRE(at.take(act).value() == 1);
    const entry_index id = at.size - 1;

    decision_request done = at.ask(decision_kind::finish, id);
    CHECK(code_of(at.take(done)) == errc::usage); // without an outcome
    done.outcome = "held";
    done.text = "both came";
    done.alert = at.alert_id + 1;
    CHECK(code_of(at.take(done)) == errc::not_found); // it is another alert's
    done.alert = at.alert_id;
    REQUIRE(at.take(done).value() == 1);
    CHECK(at.same_row);
    const auto actions = actions_in(at.held);
    REQUIRE(actions.size() == 1);
    CHECK(actions[0].id == id);
    CHECK(actions[0].is_done);
    CHECK(actions[0].outcome == "held");
    CHECK(actions[0].outcome_text == "both came");
    CHECK(actions[0].text == "parents invited");
    CHECK(actions[0].review == act.review);
    // The same action may be needed again once it is done.
    CHECK(at.take(act).value() == 1);
}

TEST_CASE("only a letter and its like name the evidence they rest on", "[cases]")
{
    const auto [kind, names] = GENERATE(table<std::string, bool>({
        {"letter", true},
        {"warning", true},
        {"referral", true},
        {"call", false},
        {"visit", false},
    }));
    CAPTURE(kind);
    desk at;
    decision_request act = at.ask(decision_kind::act, at.alert_id);
    act.action = kind;
    REQUIRE(at.take(act).value() == 1);
    CHECK(actions_in(at.held)[0].evidence.empty() != names);
}

TEST_CASE("what cannot be decided is refused in words that say what to do, and makes no entry", "[cases]")
{
    desk at;
    const entry_index needs_words = at.open("penalty-notice", "met", 10, alert_state::open);
    const auto with = [&](decision_kind kind, entry_index about, auto&& change) {
        decision_request asked = at.ask(kind, about);
        change(asked);
        return asked;
    };
    using request = decision_request;
    const std::vector<std::pair<errc, request>> rows = {
        {errc::not_found, at.ask(decision_kind::acknowledge, 999)},
        {errc::not_found, at.ask(decision_kind::acknowledge, at.pupil)}, // an entry, and no alert
        {errc::forbidden, at.ask(decision_kind::park, at.alert_id)},
        {errc::usage, with(decision_kind::close, needs_words, [](request& r) { r.outcome = "met"; })},
        {errc::usage, at.ask(decision_kind::note, at.alert_id)},
        {errc::usage, with(decision_kind::act, at.alert_id, [](request& r) { r.action = "shout"; })},
        {errc::usage, with(decision_kind::act, at.alert_id, [](request& r) { r.action = "penalty-notice"; })},
        {errc::usage, with(decision_kind::act, at.alert_id, [](request& r) { r.action = "decision"; })},
        {errc::not_found, with(decision_kind::finish, 999, [](request& r) { r.outcome = "done"; })},
        {errc::usage,
         with(
             decision_kind::silence,
             no_entry,
             [&](request& r) {
                 r.until = at.today;
                 r.text = "why";
             }
         )},
        {errc::usage,
         with(
             decision_kind::silence,
             no_entry,
             [&](request& r) {
                 r.rule = "repeated-lateness";
                 r.until = at.today;
             }
         )},
        {errc::usage,
         with(
             decision_kind::silence,
             no_entry,
             [&](request& r) {
                 r.rule = "repeated-lateness";
                 r.until = at.today - std::chrono::days(1);
                 r.text = "why";
             }
         )},
        {errc::not_found,
         with(
             decision_kind::silence,
             no_entry,
             [&](request& r) {
                 r.rule = "no-such-rule";
                 r.until = at.today;
                 r.text = "why";
             }
         )},
        {errc::forbidden,
         with(
             decision_kind::silence,
             no_entry,
             [&](request& r) {
                 r.rule = "missing-child";
                 r.until = at.today;
                 r.text = "why";
             }
         )},
        {errc::not_found, at.ask(decision_kind::end_silence, 999)},
        {errc::not_found,
         with(
             decision_kind::confirm_link,
             at.pupil,
             [&](request& r) {
                 r.pupil = at.pupil;
                 r.text = "why";
             }
         )},
        {errc::usage, with(decision_kind::confirm_link, at.record, [&](request& r) { r.pupil = at.pupil; })},
        {errc::usage, with(decision_kind::note, at.alert_id, [](request& r) { r.text = std::string(4001, 'x'); })},
        {errc::usage, with(decision_kind::note, at.alert_id, [](request& r) { r.text = "\xFF"; })},
        {errc::usage, with(decision_kind::note, at.alert_id, [](request& r) { r.text = "\x1b[2J"; })},
    };
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CAPTURE(i);
        const result<int> got = at.take(rows[i].second);
        REQUIRE_FALSE(got.has_value());
        CHECK(got.error().code == rows[i].first);
        CHECK_FALSE(got.error().to_do.empty());
    }
}

TEST_CASE("a third penalty notice to one adult is refused with the reason, and one withdrawn makes room", "[cases]")
{
    desk at;
    decision_request act = at.ask(decision_kind::act, at.alert_id);
    act.action = "penalty-notice";
    act.adult = "A-1";
    act.on = at.today - std::chrono::days(400);
    REQUIRE(at.take(act).value() == 1);
    const entry_index first = at.size - 1;
    act.on = at.today - std::chrono::days(200);
    REQUIRE(at.take(act).value() == 1);
    act.on = at.today;
    const result<int> third = at.take(act);
    REQUIRE_FALSE(third.has_value());
    CHECK(third.error().code == errc::forbidden);
    CHECK(third.error().what.find("2 penalty notices") != std::string::npos);

    decision_request withdraw = at.ask(decision_kind::finish, first);
    withdraw.outcome = "withdrawn";
    REQUIRE(at.take(withdraw).value() == 1);
    CHECK(at.take(act).value() == 1);
}

TEST_CASE("a penalty notice that is done on another day, or stands again, is asked about again", "[cases][statutory]")
{
    desk at;
    decision_request act = at.ask(decision_kind::act, at.alert_id);
    act.action = "penalty-notice";
    act.adult = "A-1";
    const auto issue = [&](const char* day, const char* outcome = "") {
        act.on = parse_day(day).value();
        act.outcome = outcome;
        REQUIRE(at.take(act).value() == 1);
        return at.size - 1;
    };
    decision_request finish = at.ask(decision_kind::finish, no_entry);
    const auto end = [&](entry_index about, const char* outcome, const char* day) {
        finish.about = about;
        finish.outcome = outcome;
        finish.on = parse_day(day).value();
        const result<int> taken = at.take(finish);
        CHECK((taken || taken.error().code == errc::forbidden));
        return taken.has_value();
    };
    issue("2024-03-02", "sent");
    issue("2025-03-02", "sent");
    const entry_index planned = issue("2027-03-02"); // three years after the first
    CHECK_FALSE(end(planned, "sent", "2027-03-01"));
    CHECK(end(planned, "sent", "2027-03-02"));
    CHECK(end(planned, "paid", "2027-03-02")); // what stands is not asked about
    CHECK(end(planned, "withdrawn", "2027-03-02"));
    issue("2027-04-02", "sent");
    CHECK_FALSE(end(planned, "sent", "2027-03-02"));
}

TEST_CASE("a silence holds back its pupil and rule until its last day, and never a safety rule", "[cases]")
{
    desk at;
    decision_request asked = at.ask(decision_kind::silence, no_entry);
    asked.pupil = at.pupil;
    asked.rule = GENERATE(as<std::string>(), "", "repeated-lateness");
    asked.until = at.today + std::chrono::days(2);
    asked.text = "in hospital";
    REQUIRE(at.take(asked).value() == 1);
    const entry_index id = at.size - 1;
    const auto silenced = [&](std::size_t rule, entry_index pupil, int days) {
        return is_silenced(silences_in(at.held), at.settings.rules[rule], pupil, at.today + std::chrono::days(days));
    };
    CHECK(silenced(0, at.pupil, 0));
    CHECK(silenced(0, at.pupil, 2));
    CHECK_FALSE(silenced(0, at.pupil, 3));
    CHECK_FALSE(silenced(0, at.record, 0));
    CHECK(silenced(1, at.pupil, 0) == asked.rule.empty());
    CHECK_FALSE(silenced(2, at.pupil, 0));

    REQUIRE(at.take(at.ask(decision_kind::end_silence, id)).value() == 1);
    CHECK(at.same_row);
    CHECK_FALSE(silenced(0, at.pupil, 0));
    CHECK(at.take(at.ask(decision_kind::end_silence, id)).value() == 0);
    CHECK(silences_in(at.held).size() == 1);
    CHECK(silences_in(at.held)[0].reason == "in hospital");
}

TEST_CASE("a first-day call is about a pupil without an alert, and each attempt is an entry of its own", "[cases]")
{
    desk at;
    decision_request call = at.ask(decision_kind::act, no_entry);
    call.pupil = at.pupil;
    call.action = "call";
    call.outcome = "no-answer";
    REQUIRE(at.take(call).value() == 1);
    CHECK(at.same_row);
    REQUIRE(at.take(call).value() == 1); // a minute later: another attempt
    std::vector<case_action> made = actions_in(at.held);
    REQUIRE(made.size() == 2);
    CHECK(made[0].alert == no_entry);
    CHECK(made[0].pupil == at.pupil);
    CHECK(made[0].is_done);
    CHECK(made[0].outcome == "no-answer");

    at.now -= std::chrono::minutes(1) - std::chrono::seconds(1); // the next is decided a second after the last
    CHECK(at.take(call).value() == 0);                           // a button pressed twice

    decision_request wrong = call;
    wrong.outcome = "dreamt-of";
    CHECK(code_of(at.take(wrong)) == errc::usage);
    wrong = call;
    wrong.action = "letter";
    CHECK(code_of(at.take(wrong)) == errc::usage);
    wrong = call;
    wrong.pupil = 999;
    CHECK(code_of(at.take(wrong)) == errc::not_found);
}

TEST_CASE(
    "a contact says where a pupil is when it was reached and explained, at the minute it was written down", "[cases]"
)
{
    const time_zone zone = time_zone::named("Europe/London").value();
    case_action call;
    call.kind = "call";
    call.is_done = true;
    call.on = parse_day("2026-06-08").value();
    call.at = parse_instant("2026-06-08T08:20:00Z").value();
    call.outcome = "reached-explained";
    CHECK(accounts_at(call, zone) == local_instant(call.on) + std::chrono::hours(9) + std::chrono::minutes(20));
    for (const std::string_view outcome : contact_outcomes()) {
        case_action other = call;
        other.outcome = outcome;
        CHECK(accounts_at(other, zone).has_value() == (outcome == "reached-explained"));
    }
    case_action later = call; // written down the day after: nothing says that it came after the register closed
    later.at += std::chrono::hours(24);
    CHECK(accounts_at(later, zone) == local_instant(call.on));
    case_action letter = call;
    letter.kind = "letter";
    CHECK_FALSE(accounts_at(letter, zone));
    case_action planned = call;
    planned.is_done = false;
    CHECK_FALSE(accounts_at(planned, zone));
}

TEST_CASE("a meeting is recorded with the one before it, once, not ahead of time and in no other order", "[cases]")
{
    desk at;
    const auto standing = [&] {
        return parse_meeting(at.held.things(what::settings).find("", meeting_setting)->payload).value();
    };
    decision_request held = at.ask(decision_kind::hold_meeting, no_entry);
    held.on = at.today + std::chrono::days(1);
    CHECK(code_of(at.take(held)) == errc::usage);
    held.on = at.today - std::chrono::days(7);
    REQUIRE(at.take(held).value() == 1);
    CHECK(at.same_row);
    CHECK(standing().on == at.today - std::chrono::days(7));
    CHECK_FALSE(standing().before);
    CHECK(at.take(held).value() == 0);
    held.on.reset(); // today
    REQUIRE(at.take(held).value() == 1);
    CHECK(standing().on == at.today);
    CHECK(standing().before == at.today - std::chrono::days(7));
    CHECK(standing().by == "A Lead");
    CHECK(at.take(held).value() == 0);
    held.on = at.today - std::chrono::days(1);
    CHECK(code_of(at.take(held)) == errc::usage);
}

TEST_CASE("a pupil is open to one auditor for a reason until closed, and the same again is nothing", "[cases]")
{
    desk at;
    decision_request open = at.ask(decision_kind::open_pupil, no_entry);
    open.pupil = at.pupil;
    open.owner = "aud";
    CHECK(code_of(at.take(open)) == errc::usage); // without a reason
    open.text = "a plan";
    REQUIRE(at.take(open).value() == 1);
    CHECK(at.same_row);
    CHECK(at.take(open).value() == 0);
    decision_request other = open;
    other.owner = "other";
    REQUIRE(at.take(other).value() == 1);
    REQUIRE(opened_in(at.held, "aud").size() == 1);
    CHECK(opened_in(at.held, "aud")[0].first.reason == "a plan");

    decision_request close = at.ask(decision_kind::close_pupil, no_entry);
    close.pupil = at.pupil;
    close.owner = "aud";
    REQUIRE(at.take(close).value() == 1);
    CHECK(at.same_row);
    CHECK(code_of(at.take(close)) == errc::not_found);
    CHECK(opened_in(at.held, "aud").empty());
    CHECK(opened_in(at.held, "other").size() == 1);
    close.pupil = no_entry;
    CHECK(code_of(at.take(close)) == errc::not_found);
}

TEST_CASE("a marker stands until it is ended, changes in its place, and the same again is nothing", "[cases]")
{
    desk at;
    decision_request care = at.ask(decision_kind::marker, no_entry);
    care.action = "handle-with-care";
    care.pupil = at.pupil;
    REQUIRE(at.take(care).value() == 1);
    CHECK(at.same_row);
    const entry_index id = at.size - 1;
    CHECK(at.take(care).value() == 0);
    care.review = at.today;
    care.text = "police";
    REQUIRE(at.take(care).value() == 1);
    CHECK(at.same_row);
    auto all = markers_in(at.held);
    REQUIRE(all.size() == 1);
    CHECK(all[0].id == id);
    CHECK(all[0].reason == "police");
    CHECK(is_marked(all, marker_kind::handle_with_care, at.pupil));
    CHECK_FALSE(is_marked(all, marker_kind::priority, at.pupil));

    CHECK(at.take(at.ask(decision_kind::end_marker, id)).value() == 1);
    CHECK(at.take(at.ask(decision_kind::end_marker, id)).value() == 0);
    CHECK_FALSE(is_marked(markers_in(at.held), marker_kind::handle_with_care, at.pupil));
    CHECK(code_of(at.take(at.ask(decision_kind::end_marker, id + 1))) == errc::not_found);

    decision_request wrong = care;
    wrong.action = "gentle";
    CHECK(code_of(at.take(wrong)) == errc::usage);
    wrong = care;
    wrong.action = "priority";
    wrong.text.clear();
    CHECK(code_of(at.take(wrong)) == errc::usage);
    wrong = care;
    wrong.pupil = 999;
    CHECK(code_of(at.take(wrong)) == errc::not_found);
    wrong = care;
    wrong.review = at.today - std::chrono::days(1);
    CHECK(code_of(at.take(wrong)) == errc::usage);
}

TEST_CASE("nothing is written home about a pupil who is to be handled with care, from that moment", "[cases]")
{
    const std::string kind = GENERATE("letter", "warning", "penalty-notice");
    CAPTURE(kind);
    desk at;
    decision_request care = at.ask(decision_kind::marker, no_entry);
    care.action = "handle-with-care";
    care.pupil = at.pupil;
    REQUIRE(at.take(care).value() == 1);
    const entry_index marker = at.size - 1;
    decision_request letter = at.ask(decision_kind::act, at.alert_id);
    letter.action = kind;
    letter.adult = "A-1";
    const auto refused = at.take(letter);
    CHECK(code_of(refused) == errc::forbidden);
    decision_request call = letter;
    call.action = "call";
    CHECK(at.take(call).value() == 1);
    decision_request sent = letter; // what has left already is recorded all the same
    sent.outcome = "sent";
    if (kind != "penalty-notice") CHECK(at.take(sent).value() == 1);
    REQUIRE(at.take(at.ask(decision_kind::end_marker, marker)).value() == 1);
    CHECK(at.take(letter).value() == 1);
}
