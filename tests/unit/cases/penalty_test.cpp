#include "daemon/cases/penalty.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;

namespace {

civil_day on(const char* text)
{
    return parse_day(text).value();
}

case_action notice(const char* day, const char* adult = "A-1", const char* outcome = "", entry_index pupil = 7)
{
    case_action made;
    made.kind = "penalty-notice";
    made.rule = "penalty-notice";
    made.pupil = pupil;
    made.adult = adult;
    made.on = on(day);
    made.outcome = outcome;
    made.is_done = !made.outcome.empty();
    return made;
}

case_action done(const char* kind, const char* outcome, const char* text = "")
{
    case_action made;
    made.kind = kind;
    made.rule = "penalty-notice";
    made.is_done = *outcome != '\0';
    made.outcome = outcome;
    made.text = text;
    return made;
}

} // namespace

TEST_CASE("a third penalty notice within three years of the first is refused", "[cases][statutory]")
{
    const auto [why, first, second, third, allowed] =
        GENERATE(table<std::string, const char*, const char*, const char*, bool>({
            {"the day before the anniversary", "2024-09-10", "2025-01-15", "2027-09-09", false},
            {"the anniversary itself", "2024-09-10", "2025-01-15", "2027-09-10", true},
            {"the same day as the second", "2024-09-10", "2025-01-15", "2025-01-15", false},
            {"29 February ends on 28 February", "2024-02-29", "2025-01-15", "2027-02-28", false},
            {"29 February: from 1 March on", "2024-02-29", "2025-01-15", "2027-03-01", true},
        }));
    CAPTURE(why);
    const std::vector<case_action> all = {notice(first), notice(second)};
    const notice_answer answer = may_issue(notices_in(all, 7, "A-1"), on(third));
    CHECK(answer.allowed == allowed);
    CHECK(answer.reason.empty() == allowed);
    CHECK(answer.counted == (allowed ? 1 : 2));
}

TEST_CASE("a notice that is recorded late is held against those issued after it too", "[cases][statutory]")
{
    const auto [why, first, second, day, counted, allowed] =
        GENERATE(table<std::string, const char*, const char*, const char*, int, bool>({
            {"before both", "2026-03-01", "2026-05-01", "2026-02-01", 2, false},
            {"between both", "2026-03-01", "2026-05-01", "2026-04-01", 2, false},
            {"three years before the second", "2026-03-01", "2026-05-01", "2023-05-01", 1, true},
            {"a day less", "2026-03-01", "2026-05-01", "2023-05-02", 2, false},
            {"three years before both", "2026-03-01", "2026-05-01", "2023-03-01", 0, true},
            {"between two that are three years apart", "2023-03-01", "2026-03-01", "2024-09-01", 1, true},
            {"between two that are a day less apart", "2023-03-02", "2026-03-01", "2024-09-01", 2, false},
        }));
    CAPTURE(why);
    const std::vector<case_action> all = {notice(second), notice(first)};
    const notice_answer answer = may_issue(notices_in(all, 7, "A-1"), on(day));
    CHECK(answer.counted == counted);
    CHECK(answer.allowed == allowed);
    CHECK(answer.reason.empty() == allowed);
}

TEST_CASE(
    "notices are counted for one adult and one child, unpaid ones too, withdrawn ones never", "[cases][statutory]"
)
{
    const std::vector<case_action> all = {
        notice("2025-01-10"),
        notice("2025-02-10", "A-2"),
        notice("2025-03-10", "A-1", "withdrawn"),
        notice("2025-04-10", "A-1", "", 8),
        notice("2025-05-10", "A-1", "unpaid"),
    };
    CHECK(may_issue(notices_in(all, 7, "A-1"), on("2025-06-01")).counted == 2);
    CHECK_FALSE(may_issue(notices_in(all, 7, "A-1"), on("2025-06-01")).allowed);
    CHECK(may_issue(notices_in(all, 7, "A-2"), on("2025-06-01")).allowed);
    CHECK(may_issue(notices_in(all, 8, "A-1"), on("2025-06-01")).allowed);
    CHECK(may_issue({}, on("2025-06-01")).allowed);
}

TEST_CASE("a case is ready to refer when nothing is unexplained, a warning went out, and support was given", "[cases]")
{
    const auto [why, actions, unexplained, ready] =
        GENERATE(table<std::string, std::vector<case_action>, std::int64_t, bool>({
            {"all there", {done("warning", "sent"), done("support", "given")}, 0, true},
            {"one session still N", {done("warning", "sent"), done("support", "given")}, 1, false},
            {"no warning", {done("support", "given")}, 0, false},
            {"the warning is still to be sent", {done("warning", ""), done("support", "given")}, 0, false},
            {"the warning was withdrawn", {done("warning", "withdrawn"), done("support", "given")}, 0, false},
            {"no support", {done("warning", "sent")}, 0, false},
            {"why not, in words", {done("warning", "sent"), done("support", "not-appropriate", "holiday")}, 0, true},
            {"why not, without words", {done("warning", "sent"), done("support", "not-appropriate")}, 0, false},
        }));
    CAPTURE(why);
    const referral_check found = check_referral(actions, unexplained);
    CHECK(found.is_ready() == ready);
    CHECK(found.lacking().empty() == ready);
}

TEST_CASE("what a completed letter rests on is not counted for the next letter of the rule", "[cases]")
{
    const evidence_count count =
        count_fresh({"2026-11-02 AM", "2026-11-03 AM", "2026-11-04 AM"}, {"2026-11-02 AM", "2026-10-01 AM"});
    CHECK(count.all == 3);
    CHECK(count.fresh == 2);

    case_action letter = done("letter", "sent");
    CHECK(has_used_evidence(letter, "penalty-notice", "letter"));
    CHECK_FALSE(has_used_evidence(letter, "penalty-notice", "penalty-notice"));
    CHECK_FALSE(has_used_evidence(letter, "repeated-lateness", "letter"));
    letter.outcome = "cancelled";
    CHECK_FALSE(has_used_evidence(letter, "penalty-notice", "letter"));
    letter.is_done = false;
    CHECK_FALSE(has_used_evidence(letter, "penalty-notice", "letter"));
}
