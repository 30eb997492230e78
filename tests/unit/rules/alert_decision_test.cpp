#include "daemon/rules/alert.hpp"

#include "tests/support/england_rules.hpp"
#include "tests/support/school.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <set>
#include <tuple>

using namespace rollbook;
using namespace rollbook::support;

namespace {

constexpr instant at{std::chrono::milliseconds(1'764'000'000'000)};

alert standing(alert_state state)
{
    alert value;
    value.id = 100;
    value.latest = 100;
    value.pupil = 1;
    value.rule = "repeated-lateness";
    value.rule_version = "1";
    value.stage = "letter";
    value.state = state;
    value.value = 5;
    value.threshold = 5;
    value.evidence = {10, 11, 12, 13, 14};
    value.reason = "5 late sessions.";
    return value;
}

alert_decision decision(alert_verb verb)
{
    return {verb, "root", "A Lead", verb == alert_verb::close ? "met" : "", "spoke to the parents"};
}

// What the table in alert.hpp says: a state's name, "stands" or "refused".
std::string outcome_of(alert_state from, alert_verb verb)
{
    const auto next = decide_alert(standing(from), decision(verb), false, at);
    if (!next) return "refused";
    if (!*next) return "stands";
    return std::string(name_of((*next)->state)) + ((*next)->parked ? ", parked" : "");
}

} // namespace

TEST_CASE("a person's decision moves an alert as the table says, and no other way", "[rules]")
{
    using enum alert_state;
    using enum alert_verb;
    const std::vector<std::tuple<alert_state, alert_verb, std::string>> rows = {
        {baseline, acknowledge, "acknowledged"},
        {baseline, take_up, "open"},
        {baseline, park, "baseline, parked"},
        {baseline, close, "resolved"},
        {pending, acknowledge, "refused"},
        {pending, take_up, "refused"},
        {pending, park, "refused"},
        {pending, close, "refused"},
        {open, acknowledge, "acknowledged"},
        {open, take_up, "stands"},
        {open, park, "refused"},
        {open, close, "resolved"},
        {acknowledged, acknowledge, "stands"},
        {acknowledged, take_up, "stands"},
        {acknowledged, park, "refused"},
        {acknowledged, close, "resolved"},
        {resolved, acknowledge, "refused"},
        {resolved, take_up, "refused"},
        {resolved, park, "refused"},
        {resolved, close, "refused"},
        {withdrawn, acknowledge, "refused"},
        {withdrawn, take_up, "refused"},
        {withdrawn, park, "refused"},
        {withdrawn, close, "refused"},
    };
    REQUIRE(rows.size() == 6 * 4);
    for (const auto& [from, verb, expected] : rows) {
        CAPTURE(name_of(from), name_of(verb));
        CHECK(outcome_of(from, verb) == expected);
    }
}

TEST_CASE("a decision keeps what was measured and says who made it", "[rules]")
{
    const alert before = standing(alert_state::open);
    const auto closed = decide_alert(before, decision(alert_verb::close), false, at).value();
    REQUIRE(closed);
    CHECK(closed->value == before.value);
    CHECK(closed->stage == before.stage);
    CHECK(closed->evidence == before.evidence);
    CHECK(closed->changed_at == at);
    CHECK(closed->decided == decision(alert_verb::close));
    // Words are the ledger's; the reason goes into messages.
    CHECK(closed->reason.find("parents") == std::string::npos);
    CHECK(is_decided(repeated_lateness(), *closed));
    const auto read = parse_alert_payload(alert_payload(*closed, 200), 200);
    REQUIRE(read);
    CHECK(read->decided == closed->decided);
    CHECK(read->state == alert_state::resolved);
}

TEST_CASE("the same close given again changes nothing, another one is refused", "[rules]")
{
    alert closed = *decide_alert(standing(alert_state::open), decision(alert_verb::close), false, at).value();
    CHECK_FALSE(decide_alert(closed, decision(alert_verb::close), false, at).value());
    alert_decision other = decision(alert_verb::close);
    other.outcome = "moved";
    CHECK(decide_alert(closed, other, false, at).error().code == errc::forbidden);
}

TEST_CASE("a close needs its outcome, and where the rule asks for a decision words as well", "[rules]")
{
    const auto [outcome, text, needs_words, allowed] = GENERATE(table<std::string, std::string, bool, bool>({
        {"met", "", false, true},
        {"", "why", false, false},
        {"met", "", true, false},
        {"met", "why", true, true},
    }));
    CAPTURE(outcome, text, needs_words);
    const alert_decision decided{alert_verb::close, "root", "", outcome, text};
    const auto next = decide_alert(standing(alert_state::open), decided, needs_words, at);
    CHECK(next.has_value() == allowed);
    if (!allowed) CHECK(next.error().code == errc::usage);
}

TEST_CASE("by a rule that does not reuse evidence each stage counts only what no decision was made on", "[rules]")
{
    // Late on the first mornings of November 2026; closed at once; then late on so many more.
    const auto [why, before, after, reuses, stage, value, in_all] =
        GENERATE(table<const char*, int, int, bool, const char*, int, int>({
            {"nothing new", 3, 0, false, "", 0, 0},
            {"one short, though with the old ones it would be a letter", 3, 2, false, "", 0, 0},
            {"as many as the first stage asks", 3, 3, false, "tutor", 3, 6},
            {"the letter needs five that are new, and not five in all", 3, 4, false, "tutor", 4, 7},
            {"five that are new", 3, 5, false, "letter", 5, 8},
            {"a rule that counts all again opens at the higher stage", 3, 2, true, "letter", 5, 0},
            {"and not before", 3, 1, true, "", 0, 0},
        }));
    CAPTURE(why);
    rule by = repeated_lateness();
    by.reuse_evidence = reuses;
    for (rule_stage& stage : by.stages)
        stage.window = rule_window{rule_window::unit::half_term};
    const school_calendar calendar = example_calendar();
    register_builder book;
    const civil_day first = ymd(2026, 11, 2);
    book.mornings(calendar, first, std::string(static_cast<std::size_t>(before), 'L'));
    const judged_pupil pupil{.number = book.number(), .ref = 1, .year = "9"};
    const rule_facts facts{book.held, calendar};
    const auto judge = [&](const alert* last, civil_day day) {
        const judged_day judged{day, evening(day)};
        const pupil_history history(facts, pupil, judged);
        const bool stands = last && !is_ended(last->state);
        std::vector<entry_index> used = used_before(by, last);
        const verdict then = evaluate(by, history);
        return next_alert(
            by,
            "1",
            pupil,
            last,
            evaluate_fresh(by, history, std::move(used)),
            stands ? &then : nullptr,
            judged,
            false,
            at
        );
    };
    alert opened = judge(nullptr, ymd(2026, 11, 6)).value().next;
    opened.id = opened.latest = 100;
    REQUIRE(opened.stage == "tutor");
    const alert closed = *decide_alert(opened, decision(alert_verb::close), false, at).value();
    const civil_day later = ymd(2026, 11, 20);
    book.mornings(calendar, ymd(2026, 11, 9), std::string(static_cast<std::size_t>(after), 'L'));
    const auto change = judge(&closed, later);
    REQUIRE(change.has_value() == (*stage != '\0'));
    if (!change) return;
    alert again = change->next;
    CHECK(again.id == no_entry);
    CHECK(again.stage == stage);
    CHECK(again.value == value);
    CHECK(again.value_in_all == (reuses ? std::nullopt : std::optional<std::int64_t>(in_all)));
    CHECK(std::ssize(again.evidence) == value);
    CHECK(again.used == (reuses ? std::vector<entry_index>() : closed.evidence));
    CHECK((again.reason.find("with it " + std::to_string(in_all) + " late sessions") != std::string::npos) == !reuses);

    // Both counts are in its entry, and while it stands nothing of the old evidence comes back.
    again.id = again.latest = 200;
    const auto read = parse_alert_payload(alert_payload(again, 200), 200);
    REQUIRE(read);
    CHECK(read->used == again.used);
    CHECK(read->value_in_all == again.value_in_all);
    CHECK_FALSE(judge(&again, later));
}

TEST_CASE("what a decision was made on is used though its value had fallen below the stage again", "[rules]")
{
    rule by = repeated_lateness();
    by.reuse_evidence = GENERATE(false, true);
    alert fallen = standing(alert_state::open);
    fallen.value = by.stages.front().at_least - 1;
    fallen.evidence = {12, 10};
    fallen.used = {3};
    const alert closed = *decide_alert(fallen, decision(alert_verb::close), false, at).value();
    CHECK_FALSE(is_decided(by, closed));
    using entries = std::vector<entry_index>;
    CHECK(used_before(by, &closed) == (by.reuse_evidence ? entries{} : entries{3, 10, 12}));
    alert over_by_itself = fallen;
    over_by_itself.state = alert_state::resolved;
    CHECK(used_before(by, &over_by_itself) == (by.reuse_evidence ? entries{} : entries{3}));
}

TEST_CASE("what met an alert is used by a decision that is taken when it meets it no more", "[rules]")
{
    rule by = repeated_lateness();
    by.reuse_evidence = false;
    by.needs_decision = true;
    const school_calendar calendar = example_calendar();
    register_builder book;
    book.mornings(calendar, ymd(2026, 11, 2), "LLL");
    const judged_pupil pupil{.number = book.number(), .ref = 1, .year = "9"};
    const rule_facts facts{book.held, calendar};
    const auto judge = [&](const alert* last, civil_day day) {
        const judged_day judged{day, evening(day)};
        const verdict now = evaluate_fresh(by, pupil_history(facts, pupil, judged), used_before(by, last));
        const bool stands = last && !is_ended(last->state);
        const verdict then = stands ? evaluate(by, pupil_history(facts, pupil, last->opened_for)) : verdict();
        const alert* const current = stands ? last : nullptr;
        return next_alert(by, "1", pupil, current, now, stands ? &then : nullptr, judged, false, at);
    };
    alert opened = judge(nullptr, ymd(2026, 11, 6)).value().next;
    opened.id = opened.latest = 100;
    REQUIRE(opened.evidence.size() == 3);
    alert fallen = judge(&opened, ymd(2026, 11, 25)).value().next;
    CHECK(fallen.state == alert_state::open);
    CHECK(fallen.evidence.empty());
    const auto kept = parse_alert_payload(alert_payload(fallen, 120), 120);
    REQUIRE(kept);
    const alert closed = *decide_alert(*kept, decision(alert_verb::close), false, at).value();
    CHECK(used_before(by, &closed) == opened.evidence);
    CHECK_FALSE(judge(&closed, ymd(2026, 11, 6)).has_value());

    // Met again before it is closed, it is met by what it says.
    CHECK(judge(&fallen, ymd(2026, 11, 6)).value().next.was_met_by.empty());
}

TEST_CASE("what a decision was made on stays used once its episode is over", "[rules]")
{
    rule by = repeated_lateness();
    by.reuse_evidence = false;
    alert closed = *decide_alert(standing(alert_state::open), decision(alert_verb::close), false, at).value();
    REQUIRE_FALSE(closed.evidence.empty());
    REQUIRE(used_before(by, &closed) == closed.evidence);
    verdict now; // nothing counts any more
    now.left_out = closed.evidence;
    now.in_all = verdict::whole_count{};
    const auto over = next_alert(by, "1", {.ref = 1}, &closed, now, nullptr, {}, false, at);
    REQUIRE(over);
    CHECK(over->tell == telling::nothing);
    CHECK_FALSE(is_decided(by, over->next));
    CHECK(used_before(by, &over->next) == closed.evidence);
    by.reuse_evidence = true;
    CHECK(used_before(by, &over->next).empty());
}

TEST_CASE("what was decided about a child's safety speaks of its day, and a later day is told anew", "[rules]")
{
    struct row {
        std::string measure;
        bool is_safety;
        int days_later;
        std::vector<entry_index> evidence;
        bool opens;
    };
    const row r = GENERATE(
        row{"unexplained_sessions", true, 0, {10}, false},
        row{"unexplained_sessions", true, 0, {11}, false}, // the same session, written again
        row{"unexplained_sessions", true, 1, {11}, true},
        row{"unexplained_sessions", true, 1, {10}, false}, // only the window moved on
        row{"unexplained_minutes", true, 1, {10}, true},   // by the clock: a later register without a mark
        row{"unexplained_minutes", true, 0, {10}, false},
        row{"unexplained_sessions", false, 1, {11}, false}
    );
    CAPTURE(r.measure, r.is_safety, r.days_later, r.evidence);
    rule by;
    by.id = "safety";
    by.measure = r.measure;
    by.stages = {{"met", 1, std::nullopt}};
    by.safety = r.is_safety;
    const civil_day day = ymd(2026, 11, 19);
    alert open = standing(alert_state::open);
    open.rule = by.id;
    open.stage = "met";
    open.value = open.threshold = 1;
    open.evidence = {10};
    open.window = {day, day};
    const alert closed = *decide_alert(open, decision(alert_verb::close), false, at).value();

    verdict now;
    now.stage = 0;
    now.value = now.threshold = 1;
    now.above_clearing = true;
    now.evidence = r.evidence;
    now.window = {day, day + std::chrono::days(r.days_later)};
    const auto change = next_alert(by, "1", {.ref = 1}, &closed, now, nullptr, {}, false, at);
    REQUIRE(change.has_value() == r.opens);
    if (!change) return;
    CHECK(change->tell == telling::opened);
    CHECK(change->next.id == no_entry);
}

TEST_CASE("an alert about a child's safety that stands is told again when a later day meets its rule", "[rules]")
{
    struct row {
        std::string why;
        alert_state before;
        bool is_safety;
        int days_later;
        int stage;
        std::vector<entry_index> evidence;
        telling told;
        alert_state after;
    };
    const row r = GENERATE(
        row{"later", alert_state::open, true, 3, 0, {10, 11}, telling::later_day, alert_state::open},
        row{"later, noted", alert_state::acknowledged, true, 3, 0, {10, 11}, telling::later_day, alert_state::open},
        row{"later, from the first read",
            alert_state::baseline,
            true,
            3,
            0,
            {11},
            telling::later_day,
            alert_state::open},
        row{"nothing of safety waits", alert_state::pending, true, 3, 0, {11}, telling::opened, alert_state::open},
        row{"the same day", alert_state::acknowledged, true, 0, 0, {11}, telling::nothing, alert_state::acknowledged},
        row{"the same marks", alert_state::acknowledged, true, 3, 0, {10}, telling::nothing, alert_state::acknowledged},
        row{"no longer met", alert_state::acknowledged, true, 3, -1, {}, telling::nothing, alert_state::acknowledged},
        row{"not safety", alert_state::acknowledged, false, 3, 0, {11}, telling::nothing, alert_state::acknowledged}
    );
    CAPTURE(r.why);
    rule by;
    by.id = "safety";
    by.measure = "unexplained_sessions";
    by.stages = {{"met", 1, std::nullopt}};
    by.safety = r.is_safety;
    by.needs_decision = true;
    by.hold = std::chrono::hours(100);
    const civil_day day = ymd(2026, 11, 20);
    alert current = standing(r.before);
    current.rule = by.id;
    current.stage = "met";
    current.value = current.threshold = 1;
    current.evidence = {10};
    current.window = {day, day};
    current.opened_at = at;

    verdict now;
    now.stage = r.stage;
    now.value = r.stage < 0 ? 0 : 1;
    now.threshold = 1;
    now.above_clearing = r.stage >= 0;
    now.evidence = r.evidence;
    now.window = {day, day + std::chrono::days(r.days_later)};
    verdict then;
    then.stage = 0;
    const auto change = next_alert(by, "1", {.ref = 1}, &current, now, &then, {}, false, at);
    CHECK((change ? change->tell : telling::nothing) == r.told);
    const alert next = change ? change->next : current;
    CHECK(next.state == r.after);
    CHECK(next.id == current.id);

    // A day that was looked at before it met the rule is told of once it does.
    if (r.why != "no longer met") return;
    now.stage = 0;
    now.value = 1;
    now.evidence = {11};
    const auto later = next_alert(by, "1", {.ref = 1}, &next, now, &then, {}, false, at);
    REQUIRE(later);
    CHECK(later->tell == telling::later_day);
}

TEST_CASE("a parked baseline alert opens when its stage rises, and is parked no more", "[rules]")
{
    const school_calendar calendar = example_calendar();
    register_builder book;
    const rule by = repeated_lateness();
    const judged_pupil pupil{.number = book.number(), .ref = 1, .year = "9"};
    alert parked = standing(alert_state::baseline);
    parked.stage = "tutor";
    parked.threshold = 3;
    parked = *decide_alert(parked, decision(alert_verb::park), false, at).value();
    REQUIRE(parked.parked);

    verdict now;
    now.value = 3;
    now.stage = 0;
    now.threshold = 3;
    now.above_clearing = true;
    now.evidence = {10, 11, 12};
    const judged_day judged{ymd(2026, 11, 20), local_instant{}};
    auto change = next_alert(by, "1", pupil, &parked, now, &now, judged, false, at);
    REQUIRE(change);
    CHECK(change->next.parked);
    CHECK(change->tell == telling::nothing);
    CHECK_FALSE(change->next.decided); // that version is no person's

    now.value = 5;
    now.stage = 1;
    change = next_alert(by, "1", pupil, &parked, now, &now, judged, false, at);
    REQUIRE(change);
    CHECK(change->next.state == alert_state::open);
    CHECK_FALSE(change->next.parked);
    CHECK(change->tell == telling::stage_up);
}

// Random marks and random decisions, read by read: what is told and what states follow each other.
TEST_CASE(
    "whatever happens and whatever is decided, an alert keeps to its table and is told of once a stage", "[rules]"
)
{
    using enum alert_state;
    const std::set<std::pair<alert_state, alert_state>> allowed = {
        {baseline, baseline},
        {baseline, open},
        {baseline, acknowledged},
        {baseline, resolved},
        {baseline, withdrawn},
        {open, open},
        {open, acknowledged},
        {open, resolved},
        {open, withdrawn},
        {acknowledged, acknowledged},
        {acknowledged, resolved},
        {acknowledged, withdrawn},
        {resolved, resolved},
    };
    const unsigned seed = GENERATE(range(1U, 41U));
    CAPTURE(seed);
    std::mt19937 dice(seed);
    const auto roll = [&](unsigned sides) { return dice() % sides; };
    const rule by = repeated_lateness();
    const judged_pupil pupil{.number = 0, .ref = 1, .year = "9"};
    const auto verdict_of = [&](int late) {
        verdict v;
        v.value = late;
        for (std::size_t i = 0; i < by.stages.size(); ++i)
            if (late >= by.stages[i].at_least) v.stage = static_cast<int>(i);
        v.threshold = by.stages[static_cast<std::size_t>(std::max(v.stage, 0))].at_least;
        v.above_clearing = late >= by.clearing_level();
        for (int i = 0; i < late; ++i)
            v.evidence.push_back(static_cast<entry_index>(10 + i));
        return v;
    };

    std::optional<alert> last;
    std::set<std::tuple<entry_index, std::string, telling>> told;
    entry_index next_entry = 100;
    std::int64_t clock = 0;
    const auto take = [&](alert next, telling tell) {
        const entry_index own = next_entry++;
        const bool opens = next.id == no_entry;
        if (!opens && last) CHECK(allowed.contains({last->state, next.state}));
        last = parse_alert_payload(alert_payload(next, own), own);
        REQUIRE(last);
        if (opens) CHECK((last->state == open || last->state == baseline));
        if (tell == telling::nothing) return;
        CHECK(told.emplace(last->id, tell == telling::ended ? std::string("ended") : last->stage, tell).second);
        // A stage that was told of at the opening is not told of as a rise.
        if (tell == telling::stage_up) CHECK_FALSE(told.contains({last->id, last->stage, telling::opened}));
    };
    int late = static_cast<int>(roll(8));
    for (int step = 0; step < 60; ++step) {
        const instant now = at + std::chrono::minutes(++clock);
        if (roll(3) == 0 && last) {
            alert_decision decided = decision(static_cast<alert_verb>(roll(4)));
            const auto next = decide_alert(*last, decided, roll(2) == 0, now);
            if (next && *next) take(**next, telling::nothing);
            continue;
        }
        const int before = late;
        late = std::max(0, late + static_cast<int>(roll(5)) - 2);
        const bool goes_on = last && (!is_ended(last->state) || is_decided(by, *last));
        const verdict then = verdict_of(roll(4) == 0 ? late : std::max(before, 3)); // now and then the past is amended
        const judged_day judged{ymd(2026, 11, 20), local_instant{}};
        auto change =
            next_alert(by, "1", pupil, goes_on ? &*last : nullptr, verdict_of(late), &then, judged, step == 0, now);
        if (change) take(std::move(change->next), change->tell);
    }
}
