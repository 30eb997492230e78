#include "daemon/service/decisions.hpp"
#include "daemon/service/messages.hpp"
#include "daemon/service/reminders.hpp"

#include "tests/support/england_pack.hpp"
#include "tests/unit/service/small_school.hpp"

#include <catch2/catch.hpp>

#include <fmt/format.h>

#include <set>

using namespace rollbook;
using namespace rollbook::support;
using Catch::Matchers::Contains;

namespace rollbook::support {

// A receiver that takes what it is given though its answer may be lost, and shows so much at once and no more.
class forgetful_channel : public channel {
public:
    static constexpr std::size_t text_bytes_max = 9'000;
    enum class state { loses_its_answer, is_away, is_well };
    boost::asio::awaitable<result<void>> send(message m) override
    {
        if (now != state::is_away) taken.push_back(std::move(m));
        if (now == state::is_well) co_return result<void>();
        const failure lost(errc::delivery_unreachable, "no answer");
        co_return lost;
    }
    boost::asio::awaitable<result<void>> check() override { co_return result<void>(); }
    bool fits(const message& m) const override { return m.text.size() <= text_bytes_max; }
    state now = state::loses_its_answer;
    std::vector<message> taken;
};

} // namespace rollbook::support

TEST_CASE("the first read is a baseline: alerts without a message each, and one message a route", "[service]")
{
    small_school school;
    CHECK(school.poll().empty());
    CHECK(school.count(alert_word) == 2);
    CHECK(school.count(R"("state":"baseline")") == 2);
    REQUIRE(school.mails.size() == 2);
    for (const message& mail : school.mails) {
        CHECK(mail.type == "alert.baseline");
        CHECK_THAT(mail.text, Contains("Repeated lateness: 2 pupils"));
    }
    CHECK(school.mails[0].id != school.mails[1].id);
    CHECK(school.count(finding_word) == 1); // the stranger
    CHECK(school.count(R"("what":"link")") == 10);

    const auto before = school.content();
    CHECK(school.poll().empty());
    CHECK(school.content() == before);
    CHECK(school.mails.size() == 2);
    CHECK(school.folder.verify().problems.empty());
}

TEST_CASE("what is crossed after the first read is told, once for each route, without a name", "[service]")
{
    small_school school;
    school.poll();
    school.mails.clear();
    school.set(5, "L");
    school.now += std::chrono::minutes(10);
    school.poll();
    REQUIRE(school.mails.size() == 2);
    for (const message& mail : school.mails) {
        CHECK(mail.type == "alert.opened");
        CHECK_THAT(mail.subject + mail.text + mail.json, !Contains("Quillfeather"));
    }
    school.set(5, "/");
    school.now += std::chrono::minutes(10);
    school.poll();
    REQUIRE(school.mails.size() == 4);
    CHECK(school.mails[3].type == "alert.withdrawn");
    CHECK(school.mails[2].references == school.mails[0].id);
}

TEST_CASE("an alert waits for a register that was taken back, and goes by it once it is there again", "[service]")
{
    small_school school;
    for (auto& [id, fields] : school.mis->pupils)
        fields.insert(1, R"("registration_group":"9A",)");
    school.poll();
    school.set(5, "L");
    school.now += std::chrono::minutes(10);
    school.poll();
    const auto withdrawn = [&] { return school.count(R"("state":"withdrawn")"); };
    REQUIRE(withdrawn() == 0);
    // Late on two days after all, one below the stage; of the last day nobody has a mark any more.
    const civil_day last = ymd(2026, 9, 21);
    for (row& mark : school.mis->marks)
        if (mark.pupil == "A5" && mark.session.day > ymd(2026, 9, 15)) mark.code = "/";
    const std::vector<row> all = school.mis->marks;
    std::erase_if(school.mis->marks, [&](const row& mark) { return mark.session.day == last; });
    school.now += std::chrono::minutes(10);
    CHECK(school.poll().empty());
    CHECK(withdrawn() == 0);
    school.mis->marks = all;
    school.now += std::chrono::minutes(10);
    CHECK(school.poll().empty());
    CHECK(withdrawn() == 1);
}

TEST_CASE("a register that is handed in late is judged for those of its form who have no mark in it, too", "[service]")
{
    small_school school;
    for (auto& [id, fields] : school.mis->pupils)
        fields.insert(1, R"("registration_group":"9A",)");
    // One process lives through it all: it judges whom a read touched.
    const auto book = school.folder.open();
    cycle work(
        school.settings, school.parts, *book, [&school] { return school.now; }, retry_pace{1, {}, {}}
    );
    boost::asio::io_context loop(1);
    const auto poll = [&] {
        read_options options;
        options.everything = true;
        CHECK(test::run(loop, work.read(0, options, {})).failures.empty());
        school.now += std::chrono::minutes(10);
    };
    poll();
    school.set(5, "L");
    poll();
    const civil_day last = ymd(2026, 9, 21);
    for (row& mark : school.mis->marks)
        if (mark.pupil == "A5" && mark.session.day > ymd(2026, 9, 15)) mark.code = "/";
    const std::vector<row> all = school.mis->marks;
    std::erase_if(school.mis->marks, [&](const row& mark) { return mark.session.day == last; });
    poll();
    const auto withdrawn = [&] { return school.count(R"("state":"withdrawn")"); };
    CHECK(withdrawn() == 0); // the last day may still make up for the others
    school.mis->marks = all;
    std::erase_if(school.mis->marks, [&](const row& mark) { return mark.pupil == "A5" && mark.session.day == last; });
    poll();
    CHECK(withdrawn() == 1);
}

TEST_CASE("a read that stopped half way raises no alert and retires nothing", "[service]")
{
    small_school school;
    school.poll();
    school.mails.clear();
    const auto before = school.content();
    school.set(5, "L");
    const std::vector<row> all = school.mis->marks;
    school.mis->marks.resize(60); // and the rest does not come
    school.mis->failures[{1, 8}] = failure(errc::source_unreachable, "the source did not answer");
    school.mis->marks = all;
    const auto failures = school.poll();
    REQUIRE(failures.size() == 1);
    CHECK(school.mails.empty());
    CHECK(school.count(alert_word) == 2);
    CHECK(school.count(R"("gone":"vanished")") == 0);
    CHECK(school.content().size() > before.size()); // what was read is kept
    CHECK(school.folder.reader()->sources().size() == 2);

    school.mis->failures.clear();
    CHECK(school.poll().empty());
    CHECK(school.count(alert_word) == 3);
    CHECK(school.mails.size() == 2);
}

TEST_CASE("a source that is out of date is an alert about no pupil, which ends when it is read", "[service]")
{
    small_school school;
    school.settings.rules.push_back(england_rule("source-stale"));
    school.settings.sources[0].stale_after = std::chrono::hours(2);
    school.poll();
    school.mails.clear();
    school.mis->failures[{0, 0}] = failure(errc::source_unreachable, "the source did not answer");
    school.mis->failures[{1, 0}] = school.mis->failures[{0, 0}];
    school.now += std::chrono::hours(2);
    school.poll();
    CHECK(school.mails.empty());

    school.now += std::chrono::minutes(1);
    school.poll();
    REQUIRE(school.mails.size() == 2);
    CHECK(school.mails[0].type == "alert.opened");
    CHECK_THAT(school.mails[0].subject, Contains("No fresh data: mis"));
    CHECK_THAT(school.mails[0].text, Contains("Source: mis\n") && Contains("mis was last read in full on Monday"));
    CHECK_THAT(school.mails[0].json, Contains(R"("source":"mis")") && !Contains("pupil"));
    CHECK(school.count(R"("rule":"source-stale")") > 0);
    const auto before = school.content();
    school.now += std::chrono::hours(1);
    school.poll();
    CHECK(school.content() == before);
    CHECK(school.mails.size() == 2);

    school.mis->failures.clear();
    school.poll();
    REQUIRE(school.mails.size() == 4);
    CHECK(school.mails[2].type == "alert.resolved");
    CHECK_THAT(school.mails[2].text, Contains("The source is up to date again."));
    CHECK(school.folder.verify().problems.empty());
}

TEST_CASE("a source that was never read is being set up, until that has lasted as long as data may be old", "[service]")
{
    small_school school;
    school.settings.rules = {england_rule("source-stale")};
    school.settings.sources[1].stale_after = std::chrono::hours(2);
    school.cpoms->failures[{0, 0}] = failure(errc::source_unreachable, "the source did not answer");
    school.poll();
    school.now += std::chrono::hours(2);
    school.poll();
    CHECK(school.mails.empty());
    school.now += std::chrono::minutes(1);
    school.poll();
    REQUIRE(school.mails.size() == 2);
    CHECK_THAT(school.mails[0].text, Contains("cpoms has never been read."));
}

TEST_CASE("a rule that nothing is read for is one alert about no pupil, and the other rules go on", "[service]")
{
    small_school school;
    school.settings.rules.push_back(england_rule("rule-failed"));
    school.settings.rules.push_back(england_rule("suspension-days"));
    school.poll();
    school.mails.clear();
    // What was so at the first read is told once it is as old as data may be.
    const auto day = school.settings.sources[0].stale_after;
    school.now += day;
    school.poll();
    CHECK(school.mails.empty());
    school.now += std::chrono::minutes(1);
    school.set(5, "L");
    school.poll();
    REQUIRE(school.mails.size() == 4); // to two routes: the pupil, and the rule
    CHECK(school.count(R"("rule":"rule-failed")") == 1);
    const message& mail = school.mails[2];
    CHECK_THAT(mail.subject, Contains("A rule cannot be judged: suspension-days"));
    CHECK_THAT(mail.text, Contains("Rule: suspension-days\n") && Contains("the MIS is not read for what it counts"));
    CHECK_THAT(mail.text, Contains("rollbook check"));
    CHECK_THAT(mail.json, Contains(R"("source":"rule/suspension-days")") && !Contains("pupil"));
    const auto before = school.content();
    school.now += std::chrono::hours(1);
    school.poll();
    CHECK(school.content() == before);

    // Read from now on: the alert ends by itself.
    school.mails.clear();
    school.mis->add_stream("exclusions", what::suspension);
    school.poll();
    REQUIRE(school.mails.size() == 2);
    CHECK(school.mails[0].type == "alert.resolved");
    CHECK_THAT(school.mails[0].text, Contains("The rule is judged again."));
}

TEST_CASE("a rule whose window the calendar does not have is told of at once", "[service]")
{
    small_school school;
    school.settings.rules.push_back(england_rule("rule-failed"));
    rule broken = repeated_lateness();
    broken.id = "broken";
    broken.window.count = 0;
    school.settings.rules.push_back(broken);
    school.poll();
    REQUIRE(school.count(R"("rule":"rule-failed")") > 0);
    CHECK(school.count("The calendar has no days for the window of the rule broken.") == 1);
    CHECK(school.count(R"("state":"baseline")") == 2); // of the rule beside it
}

TEST_CASE("a child on the safeguarding lead's list is found by a UPN as typed, and by the one before", "[service]")
{
    const auto [listed, is_found] = GENERATE(table<std::string, bool>(
        {{"B801200005001", true},
         {"b801200005001", true},
         {"P207000016049", true}, // the UPN of before
         {"mis:A5", true},
         {"B801200005002", false}}
    ));
    CAPTURE(listed);
    small_school school;
    school.settings.rules = {england_rule("priority-child-absent"), england_rule("rule-failed")};
    school.settings.watch_list = {{"mis:A1", "a reason", "", {}}, {listed, "a reason", "", {}}};
    school.mis->pupils[5].second =
        R"({"forename":"Zo","former_upn":"P207000016049","surname":"Quillfeather","upn":"B801200005001"})";
    school.mis->marks.push_back({"N", "A5", {ymd(2026, 9, 21), half_day::pm}, "N"});
    std::erase_if(school.mis->marks, [](const row& mark) {
        return mark.pupil == "A5" && mark.session == session_id{ymd(2026, 9, 21), half_day::pm} && mark.code != "N";
    });
    school.poll();
    CHECK(school.count(R"("rule":"priority-child-absent")") == (is_found ? 1 : 0));
    // Who is on the list and not found is a fault that somebody hears of, and not by name.
    CHECK(school.count(R"("rule":"rule-failed")") == (is_found ? 0 : 1));
    if (is_found) return;
    REQUIRE(school.mails.size() == 2);
    CHECK_THAT(school.mails[0].text, Contains("in place 2 of it") && !Contains(listed) && !Contains("a reason"));
}

TEST_CASE(
    "more alerts on a school day than the budget are a warning that says what would have kept within it", "[service]"
)
{
    small_school school;
    school.settings.alert_budget = 2;
    school.poll();
    for (const int pupil : {3, 4, 5})
        school.set(pupil, "L");
    // The fourth was late three times, which a threshold of 4 would pass over.
    int left = 3;
    for (row& mark : school.mis->marks)
        if (mark.pupil == "A6" && mark.session.half == half_day::am && left-- > 0) mark.code = "L";
    school.now += std::chrono::minutes(10);
    school.poll();
    CHECK(school.count(R"("opened":4)") == 1);
    CHECK(school.count(R"("budget":2)") == 1);
    // All that was amended today was so yesterday, too: by what is known now nobody crossed 4 or 5 today.
    CHECK(school.count("With its stage \\\"tutor\\\" from 4 instead of 3 it would have opened 0 today") == 1);
    CHECK(school.count("--rule repeated-lateness --set tutor=4") == 1);
    const auto before = school.content();
    school.now += std::chrono::minutes(10);
    school.poll();
    CHECK(school.content() == before);
}

TEST_CASE("a day within the budget has no warning, nor has a school without one", "[service]")
{
    const std::int64_t budget = GENERATE(0, 1);
    small_school school;
    school.settings.alert_budget = budget;
    school.poll();
    school.set(3, "L");
    if (budget == 0) school.set(4, "L");
    school.now += std::chrono::minutes(10);
    school.poll();
    CHECK(school.count("alert-budget") == 0);
}

TEST_CASE("a share follows every read, and its alert has a new version only when what counts changed", "[service]")
{
    small_school school;
    school.settings.rules = {england_rule("persistent-absence")};
    school.settings.rules.front().min_possible = 1;
    const auto add_day = [&](unsigned day, const std::string& code) {
        for (const half_day half : {half_day::am, half_day::pm})
            for (int pupil = 0; pupil < 10; ++pupil)
                school.mis->marks.push_back(
                    {"M" + std::to_string(school.mis->marks.size()),
                     "A" + std::to_string(pupil),
                     {ymd(2026, 9, day), half},
                     pupil == 5 ? code : "/"}
                );
    };
    school.set(5, "I"); // six mornings of twelve sessions
    school.poll();
    const auto versions = [&] { return school.count(alert_word); };
    const auto kept = [&] { return school.folder.reader()->alert_values(no_entry); };
    REQUIRE(versions() == 1);
    CHECK(kept().empty());
    const entry_index first_size = school.folder.reader()->size();

    add_day(22, "/"); // six of fourteen: the stage stays severe
    school.now += std::chrono::hours(24);
    school.poll();
    CHECK(versions() == 1);
    REQUIRE(kept().size() == 1);
    CHECK(kept().front().value == 4285);
    CHECK(kept().front().absent == 6);
    CHECK(kept().front().possible == 14);
    CHECK_THAT(kept().front().reason, Contains("42.85 % absent") && Contains("6 of 14 possible sessions"));
    CHECK(school.folder.reader()->alert_values(first_size).empty()); // as known before
    const auto before = school.content();
    school.now += std::chrono::minutes(10);
    school.poll();
    CHECK(school.content() == before);
    CHECK(kept().size() == 1);

    // A decision says who and why, and the value stays what it has become.
    decision_request taken;
    taken.kind = decision_kind::take_up;
    taken.about = kept().front().alert;
    taken.user = "lead";
    REQUIRE(take_decision(*school.folder.open(), school.settings, taken, school.now).has_value());
    REQUIRE(versions() == 2);
    REQUIRE(kept().size() == 1);
    CHECK(kept().front().value == 4285);
    CHECK(kept().front().size == school.folder.reader()->size());
    add_day(23, "I"); // an absence more is one entry that counts more: a version
    school.now += std::chrono::hours(24);
    school.poll();
    CHECK(versions() == 3);
    CHECK(school.count(R"("parts":{"absent":8,"possible":16})") == 1);
    CHECK(school.folder.verify().problems.empty());
}

TEST_CASE("time alone brings on an alert whose rule asks its condition to last", "[service]")
{
    small_school school;
    for (rule& each : school.settings.rules)
        each.hold = std::chrono::hours(3);
    school.poll();
    school.mails.clear();
    school.set(5, "L");
    school.now += std::chrono::minutes(10);
    school.poll();
    CHECK(school.count(R"("state":"pending")") == 1);
    school.now += std::chrono::minutes(179);
    school.poll();
    CHECK(school.mails.empty());
    school.now += std::chrono::minutes(1);
    school.poll();
    REQUIRE(school.mails.size() == 2);
    CHECK(school.mails[0].type == "alert.opened");
}

namespace {

// One pupil's marks, one code a session, AM then PM, over the school days from `first` on. Gives the day after them.
civil_day write_marks(small_school& school, const std::string& pupil, civil_day first, std::string_view codes)
{
    civil_day day = first;
    for (std::size_t i = 0; i < codes.size(); ++i) {
        const half_day half = i % 2 == 0 ? half_day::am : half_day::pm;
        const std::string number = "M" + std::to_string(school.mis->marks.size());
        school.mis->marks.push_back({number, pupil, {day, half}, std::string(1, codes[i])});
        if (half == half_day::pm) day = school.settings.calendar.school_day_after(day, 1).value();
    }
    return day;
}

void poll_on_evening(small_school& school, civil_day day)
{
    school.now = instant((day + std::chrono::hours(17)).time_since_epoch());
    CHECK(school.poll(0).empty());
}

void close_newest_alert(small_school& school)
{
    const auto book = school.folder.open();
    decision_request close;
    close.kind = decision_kind::close;
    close.about = book->state().things(rollbook::what::alert).all().back().subject;
    close.text = "a notice was considered";
    close.user = "root";
    REQUIRE(take_decision(*book, school.settings, close, school.now).has_value());
}

// All marks of one code, to another.
void recode(small_school& school, const std::string& from, const std::string& to)
{
    for (row& mark : school.mis->marks)
        if (mark.code == from) mark.code = to;
}

// One pupil alone, under the rule of ten days' absence: ill for ten days from the 14th of September on, which is read.
void read_ten_days_of_illness(small_school& school)
{
    school.mis->marks.clear();
    school.settings.rules = {england_rule("continuous-absence")};
    write_marks(school, "A5", ymd(2026, 9, 14), "IIIIIIIIIIIIIIIIIIII//////");
    poll_on_evening(school, ymd(2026, 9, 30));
}

// The code of a pupil's mark of that morning.
std::string& code_on(small_school& school, civil_day day)
{
    const auto mark = std::ranges::find(school.mis->marks, am(day), &row::session);
    REQUIRE(mark != school.mis->marks.end());
    return mark->code;
}

} // namespace

TEST_CASE("a threshold that was crossed while the source was silent is told of though its window moved on", "[service]")
{
    small_school school;
    school.mis->marks.clear();
    school.settings.rules = {penalty_notice()};
    write_marks(school, "A5", ymd(2026, 9, 14), "OOOOO/////"); // the first of ten school weeks
    write_marks(school, "A5", ymd(2026, 11, 23), "OOOO");
    poll_on_evening(school, ymd(2026, 11, 24));
    REQUIRE(school.count(alert_word) == 0);
    school.mails.clear();

    // The tenth is of Wednesday. It is read on the Monday after, when the first week no longer counts.
    const civil_day thursday = write_marks(school, "A5", ymd(2026, 11, 25), "O/");
    write_marks(school, "A5", thursday, "////");
    poll_on_evening(school, ymd(2026, 11, 30));
    CHECK(school.count(R"("rule":"penalty-notice")") == 1);
    REQUIRE(school.mails.size() == 2);
    CHECK(school.mails[0].type == "alert.opened");
    CHECK_THAT(school.mails[0].text, Contains("10 unauthorised sessions"));

    // Nothing more is said of it, and it stays until somebody decides.
    poll_on_evening(school, ymd(2026, 12, 1));
    poll_on_evening(school, ymd(2026, 12, 2));
    CHECK(school.mails.size() == 2);
    CHECK(school.count(R"("state":"withdrawn")") == 0);
    CHECK(school.folder.verify().problems.empty());
}

TEST_CASE("ten days that turn out to have been without leave are told of though the pupil is back", "[service]")
{
    small_school school;
    read_ten_days_of_illness(school);
    REQUIRE(school.count(alert_word) == 0);
    school.mails.clear();
    recode(school, "I", "G");
    poll_on_evening(school, ymd(2026, 10, 1));
    CHECK(school.count(R"("rule":"continuous-absence")") == 1);
    REQUIRE(school.mails.size() == 2);
    CHECK(school.mails[0].type == "alert.opened");

    // And are withdrawn when that was wrong.
    recode(school, "G", "I");
    poll_on_evening(school, ymd(2026, 10, 2));
    CHECK(school.count(R"("state":"withdrawn")") == 1);
}

TEST_CASE("a duty of an earlier day is told of though the read that brought it died before it was closed", "[service]")
{
    for (int breaks_at = 1;; ++breaks_at) {
        CAPTURE(breaks_at);
        small_school school;
        read_ten_days_of_illness(school);
        recode(school, "I", "G");
        school.now += std::chrono::days(1);
        bool died = false;
        try {
            school.poll(0, breaks_at, true);
        } catch (const std::runtime_error&) {
            died = true;
        }
        poll_on_evening(school, ymd(2026, 10, 2));
        std::set<std::string> told; // by id: a message may come twice
        for (const message& mail : school.mails)
            if (mail.type == "alert.opened") told.insert(mail.id);
        REQUIRE(told.size() == 2); // one for each route
        if (!died) break;
    }
}

TEST_CASE("what was decided is not opened again by an amendment of its marks after its window", "[service]")
{
    small_school school;
    school.mis->marks.clear();
    school.settings.rules = {penalty_notice()};
    poll_on_evening(school, ymd(2026, 9, 23));
    write_marks(school, "A5", ymd(2026, 9, 24), "OOOOOOOOOO////");
    poll_on_evening(school, ymd(2026, 10, 2));
    REQUIRE(school.count(R"("rule":"penalty-notice")") == 1);
    close_newest_alert(school);
    // The window rolls on, and the episode is over.
    write_marks(school, "A5", ymd(2026, 12, 7), "////");
    poll_on_evening(school, ymd(2026, 12, 8));
    poll_on_evening(school, ymd(2026, 12, 9));
    const std::size_t before = school.count(alert_word);
    school.mails.clear();
    school.mis->marks.front().code = "G";
    poll_on_evening(school, ymd(2026, 12, 10));
    CHECK(school.count(alert_word) == before);
    CHECK(school.mails.empty());
}

TEST_CASE("a child left out of a register stays looked for while the first read of a new process waits", "[service]")
{
    small_school school;
    school.settings.rules = {england_rule("left-during-day")};
    for (auto& [id, fields] : school.mis->pupils)
        fields = R"({"registration_group":"9A"})"; // of one register
    school.poll();
    for (const session_id session : {am(ymd(2026, 9, 22)), pm(ymd(2026, 9, 22))})
        for (int pupil = 0; pupil < (session.half == half_day::am ? 10 : 9); ++pupil)
            school.mis->marks.push_back(
                {"T" + std::to_string(school.mis->marks.size()), "A" + std::to_string(pupil), session, "/"}
            );
    school.now = parse_instant("2026-09-22T13:15:00Z").value(); // the afternoon's register has settled
    school.poll();
    REQUIRE(school.count(R"("rule":"left-during-day")") == 1);
    school.mails.clear();
    school.mis->on_fetch = [&](std::size_t stream, std::size_t page) {
        if (stream == 0 && page == 0) school.now += std::chrono::minutes(5);
    };
    school.poll(0);
    CHECK(school.mails.empty());
    CHECK(school.count(R"("state":"resolved")") == 0);
}

TEST_CASE("beside what was decided, only a duty of other days is told of when old marks are amended", "[service]")
{
    const auto [why, amended, is_told] = GENERATE(table<std::string, civil_day, bool>({
        {"an autumn's tenth session without leave, before what was decided of February", ymd(2026, 9, 24), true},
        {"the day before February's first, by which its tenth was reached a day sooner", ymd(2027, 1, 29), false},
        {"a day within what was decided of February", ymd(2027, 2, 9), false},
    }));
    CAPTURE(why);
    small_school school;
    school.mis->marks.clear();
    school.settings.rules = {penalty_notice()};
    poll_on_evening(school, ymd(2026, 9, 23));
    write_marks(school, "A5", ymd(2026, 9, 24), "/OOOOOOOOO//");
    poll_on_evening(school, ymd(2026, 10, 2));
    REQUIRE(school.count(alert_word) == 0);
    write_marks(school, "A5", ymd(2027, 1, 29), "//OOOOOOOOOO////////");
    poll_on_evening(school, ymd(2027, 2, 12));
    REQUIRE(school.count(R"("rule":"penalty-notice")") == 1);
    close_newest_alert(school);
    // The window rolls on, and the episode is over.
    write_marks(school, "A5", ymd(2027, 6, 7), "////");
    poll_on_evening(school, ymd(2027, 6, 8));
    school.mails.clear();

    code_on(school, amended) = "G";
    poll_on_evening(school, ymd(2027, 6, 9));
    CHECK(std::ranges::count(school.mails, "alert.opened", &message::type) == (is_told ? 2 : 0)); // to each route
    if (!is_told) return;

    // Decided as well, neither is raised again by an amendment of the first.
    close_newest_alert(school);
    write_marks(school, "A5", ymd(2027, 6, 9), "//");
    poll_on_evening(school, ymd(2027, 6, 10));
    school.mails.clear();
    code_on(school, ymd(2026, 9, 25)) = "G";
    poll_on_evening(school, ymd(2027, 6, 11));
    CHECK(school.mails.empty());
}

TEST_CASE("beside an alert that stands, a duty of earlier days that marks show late is told of once", "[service]")
{
    const auto [why, standing_is_unsaid] =
        GENERATE(table<std::string, bool>({{"both are true", false}, {"the later one turns out to be none", true}}));
    CAPTURE(why);
    small_school school;
    read_ten_days_of_illness(school);
    write_marks(school, "A5", ymd(2026, 11, 9), "//GGGGGGGGGGGGGGGGGGGG");
    poll_on_evening(school, ymd(2026, 11, 23));
    REQUIRE(school.count(alert_word) == 1);
    school.mails.clear();

    for (row& mark : school.mis->marks)
        if (mark.code == "I" || (standing_is_unsaid && mark.code == "G")) mark.code = mark.code == "I" ? "G" : "I";
    poll_on_evening(school, ymd(2026, 11, 24));
    REQUIRE(school.mails.size() == 2); // to each route
    CHECK_THAT(
        school.mails[0].text,
        Contains("What came late shows that the stage \"met\" was met on 25 September 2026 as well: 10 school days")
    );
    const std::size_t versions = school.count(alert_word);
    CHECK(school.count(R"("state":"withdrawn")") == 0);

    // Nothing more is said of it, and it stays until somebody decides.
    write_marks(school, "A5", ymd(2026, 11, 24), "//");
    poll_on_evening(school, ymd(2026, 11, 25));
    poll_on_evening(school, ymd(2026, 11, 26));
    CHECK(school.mails.size() == 2);
    CHECK(school.count(R"("state":"withdrawn")") == 0);
    CHECK(school.count(alert_word) <= versions + 1);
    CHECK(school.count("was met on 25 September 2026 as well") == school.count(alert_word) - 1);
    CHECK(school.folder.verify().problems.empty());
}

TEST_CASE("an alert that opens tells of an earlier duty that the same read brings to light", "[service]")
{
    small_school school;
    read_ten_days_of_illness(school);
    const civil_day tenth = write_marks(school, "A5", ymd(2026, 11, 9), "//GGGGGGGGGGGGGGGGGG");
    poll_on_evening(school, ymd(2026, 11, 20));
    REQUIRE(school.count(alert_word) == 0);
    school.mails.clear();

    recode(school, "I", "G");
    const civil_day back = write_marks(school, "A5", tenth, "GG");
    poll_on_evening(school, tenth);
    REQUIRE(school.mails.size() == 2); // to each route
    CHECK_THAT(school.mails[0].text, Contains("was met on 25 September 2026 as well: 10 school days"));
    const civil_day after = write_marks(school, "A5", back, "//");
    poll_on_evening(school, back);

    // Decided, neither is raised again by an amendment that changes nothing of it.
    close_newest_alert(school);
    school.mails.clear();
    write_marks(school, "A5", after, "//");
    recode(school, "G", "O");
    poll_on_evening(school, after);
    CHECK(school.mails.empty());
    CHECK(school.folder.verify().problems.empty());
}

TEST_CASE("beside a decided alert whose condition goes on, a duty of earlier days is told of", "[service]")
{
    small_school school;
    read_ten_days_of_illness(school);
    const civil_day next = write_marks(school, "A5", ymd(2026, 11, 9), "//GGGGGGGGGGGGGGGGGGGG");
    poll_on_evening(school, ymd(2026, 11, 23));
    REQUIRE(school.count(alert_word) == 1);
    close_newest_alert(school);
    const civil_day after = write_marks(school, "A5", next, "GG");
    poll_on_evening(school, next);
    school.mails.clear();

    recode(school, "I", "G");
    const civil_day last = write_marks(school, "A5", after, "GG");
    poll_on_evening(school, after);
    CHECK(std::ranges::count(school.mails, "alert.opened", &message::type) == 2); // to each route
    REQUIRE(school.mails.size() == 2);
    CHECK_THAT(school.mails[0].text, Contains("was met on 25 September 2026 as well: 10 school days"));

    // Once it is decided as well, nothing more is said of either.
    close_newest_alert(school);
    school.mails.clear();
    recode(school, "G", "O");
    write_marks(school, "A5", last, "OO");
    poll_on_evening(school, last);
    CHECK(school.mails.empty());
}

TEST_CASE("an alert whose first day turns out to be none stands for a later one that met its rule", "[service]")
{
    const auto [needs_decision, state] =
        GENERATE(table<bool, std::string>({{true, R"("state":"open")"}, {false, R"("state":"resolved")"}}));
    CAPTURE(needs_decision);
    small_school school;
    school.mis->marks.clear();
    school.settings.rules = {penalty_notice()};
    school.settings.rules.front().needs_decision = needs_decision;
    poll_on_evening(school, ymd(2026, 9, 23));
    write_marks(school, "A5", ymd(2026, 9, 24), "OOOOOOOOOO////");
    poll_on_evening(school, ymd(2026, 10, 2));
    REQUIRE(school.count(alert_word) == 1);
    write_marks(school, "A5", ymd(2026, 10, 5), "OO//");
    poll_on_evening(school, ymd(2026, 10, 6));

    // Of twelve sessions two were with leave: the tenth was of the 5th of October.
    code_on(school, ymd(2026, 9, 24)) = "C";
    code_on(school, ymd(2026, 9, 25)) = "C";
    write_marks(school, "A5", ymd(2026, 12, 14), "////");
    poll_on_evening(school, ymd(2026, 12, 15));
    CHECK(school.count(R"("state":"withdrawn")") == 0);
    CHECK(school.count(state) > 0);
    if (!needs_decision) return;

    code_on(school, ymd(2026, 9, 28)) = "C";
    poll_on_evening(school, ymd(2026, 12, 16));
    CHECK(school.count(R"("state":"withdrawn")") == 1);
}

TEST_CASE("an alert that tells of an earlier duty stands for it when its own days turn out to be none", "[service]")
{
    small_school school;
    read_ten_days_of_illness(school);
    write_marks(school, "A5", ymd(2026, 11, 9), "//OOOOOOOOOOOOOOOOOOOO");
    poll_on_evening(school, ymd(2026, 11, 23));
    recode(school, "I", "G");
    const civil_day next = write_marks(school, "A5", ymd(2026, 11, 24), "//");
    poll_on_evening(school, ymd(2026, 11, 24));
    REQUIRE(school.count("was met on 25 September 2026 as well") == 1);

    recode(school, "O", "I");
    poll_on_evening(school, next);
    CHECK(school.count(R"("state":"withdrawn")") == 0);
    recode(school, "G", "I");
    poll_on_evening(school, ymd(2026, 11, 26));
    CHECK(school.count(R"("state":"withdrawn")") == 1);
}

TEST_CASE("an alert raised by earlier days stands for them when its own turn out to be none", "[service]")
{
    small_school school;
    school.mis->marks.clear();
    school.settings.rules = {england_rule("continuous-absence")};
    auto& stages = school.settings.rules.front().stages;
    stages.push_back(stages.front());
    stages.back().name = "three weeks";
    stages.back().at_least = 15;
    write_marks(school, "A5", ymd(2026, 9, 14), "IIIIIIIIIIIIIIIIIIIIIIIIIIIIII//////");
    poll_on_evening(school, ymd(2026, 10, 7));
    write_marks(school, "A5", ymd(2026, 11, 9), "//OOOOOOOOOOOOOOOOOOOO//");
    poll_on_evening(school, ymd(2026, 11, 24));
    REQUIRE(school.count(alert_word) == 1);
    school.mails.clear();

    recode(school, "I", "G");
    recode(school, "O", "I");
    poll_on_evening(school, ymd(2026, 11, 25));
    REQUIRE(school.mails.size() == 2);
    CHECK(school.mails[0].type == "alert.stage_up");
    // The next read judges it by its own days.
    code_on(school, ymd(2026, 11, 9)) = "I";
    poll_on_evening(school, ymd(2026, 11, 26));
    CHECK(school.count(R"("state":"withdrawn")") == 0);
    CHECK(school.mails.size() == 2);
}

TEST_CASE("marks by which an alert that stands had begun sooner are no other duty", "[service]")
{
    small_school school;
    school.mis->marks.clear();
    school.settings.rules = {england_rule("continuous-absence")};
    write_marks(school, "A5", ymd(2026, 11, 9), "//IIGGGGGGGGGGGGGGGGGGGG");
    poll_on_evening(school, ymd(2026, 11, 24));
    REQUIRE(school.count(alert_word) == 1);
    school.mails.clear();
    recode(school, "I", "G");
    poll_on_evening(school, ymd(2026, 11, 25));
    CHECK(school.mails.empty());
}

TEST_CASE("marks by which an alert that stands was met for longer are no other duty", "[service]")
{
    small_school school;
    school.mis->marks.clear();
    school.settings.rules = {penalty_notice()};
    poll_on_evening(school, ymd(2026, 9, 23));
    write_marks(school, "A5", ymd(2026, 9, 24), "OOOOOOOOOO////"); // until 30 September
    write_marks(school, "A5", ymd(2026, 12, 1), "IIII");
    poll_on_evening(school, ymd(2026, 12, 2));
    REQUIRE(school.count(R"("rule":"penalty-notice")") == 1);
    write_marks(school, "A5", ymd(2026, 12, 3), "////////");
    poll_on_evening(school, ymd(2026, 12, 8));
    REQUIRE(school.count(R"("met_until")") > 0);
    school.mails.clear();
    // Four sessions of December turn out to be without leave: the threshold was met until the 11th.
    recode(school, "I", "O");
    write_marks(school, "A5", ymd(2026, 12, 9), "////////////");
    poll_on_evening(school, ymd(2026, 12, 16));
    CHECK(school.mails.empty());
}

TEST_CASE("of a pupil whose year or form nobody knows every route is told, unless one hears of everybody", "[service]")
{
    using texts = std::vector<std::string>;
    const auto [why, fields, lead_years, second, told] =
        GENERATE(table<std::string, std::string, texts, rule_cohort, texts>({
            {"no year, and only routes by year", R"({})", {"7"}, {{"8"}}, {"lead", "second"}},
            {"a year that is one's", R"({"year":"8"})", {"7"}, {{"8"}}, {"second"}},
            {"a year that is nobody's is the school's wish", R"({"year":"9"})", {"7"}, {{"8"}}, {}},
            {"one route is for all", R"({})", {}, {{"8"}}, {"lead"}},
            {"no form, and another year", R"({"year":"7"})", {"7"}, {{"8"}, {"8A"}}, {"lead"}},
            {"no form, and the year", R"({"year":"8"})", {"7"}, {{"8"}, {"8A"}}, {"second"}},
            {"no year, and another form", R"({"registration_group":"9B"})", {"7"}, {{}, {"8A"}}, {"lead"}},
        }));
    CAPTURE(why);
    small_school school;
    school.settings.rules = {repeated_lateness()};
    school.settings.routes[0].cohort.years = lead_years;
    school.settings.routes[1].cohort = second;
    school.mis->pupils[5].second = fields;
    school.set(0, "/");
    school.set(1, "/");
    school.poll();
    school.mails.clear();
    school.set(5, "L");
    school.poll();
    texts routes;
    for (const message& mail : school.mails)
        routes.emplace_back(mail.id.find(".lead@") != std::string::npos ? "lead" : "second");
    std::ranges::sort(routes);
    CHECK(routes == told);
}

// A Tuesday morning on which a child's register says `code` ("": it has no mark of the child), read once and then by a
// read that lasts: `lasts_at` names the stream and page before which the source takes 50 minutes. Gives how many mails
// had gone by when it answered.
std::size_t mails_before_the_answer(std::size_t stream, std::size_t page, const std::string& code)
{
    small_school school;
    school.settings.rules = {england_rule("missing-child")};
    school.settings.rules.front().cohort = {};
    school.poll();
    for (int pupil = 0; pupil < (code.empty() ? 9 : 10); ++pupil)
        school.mis->marks.push_back(
            {"T" + std::to_string(pupil), "A" + std::to_string(pupil), am(ymd(2026, 9, 22)), pupil == 9 ? code : "/"}
        );
    school.now = parse_instant("2026-09-22T08:16:00Z").value(); // a minute after the register closed
    school.poll();
    school.mails.clear();
    std::optional<std::size_t> told;
    school.mis->on_fetch = [&](std::size_t of, std::size_t number) {
        if (told || std::pair(of, number) < std::pair(stream, page)) return;
        if (std::pair(of, number) == std::pair(stream, page))
            school.now += std::chrono::minutes(50);
        else
            told = school.mails.size();
    };
    school.poll(0);
    CHECK(school.count(R"("rule":"missing-child")") > 0);
    CHECK(school.mails.size() == 2); // to both routes, once
    REQUIRE(told);
    return *told;
}

TEST_CASE("a child of whom nothing is known is told of while a source keeps a read waiting", "[service]")
{
    const std::string code = GENERATE("N", "");
    CAPTURE(code);
    CHECK(mails_before_the_answer(0, 0, code) == 2);
    CHECK(mails_before_the_answer(0, 1, code) == 2);
}

TEST_CASE("a child whose mark says N is told of in time, however long the marks take to read", "[service]")
{
    CHECK(mails_before_the_answer(1, 0, "N") == 2);
    CHECK(mails_before_the_answer(1, 1, "N") == 2);
}

TEST_CASE("no child is missing by a register of which half was read", "[service]")
{
    CHECK(mails_before_the_answer(1, 0, "") == 0); // told once the marks are all in
    CHECK(mails_before_the_answer(1, 1, "") == 0);
}

TEST_CASE("what a list named before somebody was looked for in the midst of it is not gone", "[service]")
{
    small_school school;
    school.settings.rules = {england_rule("missing-child")};
    school.mis->page_size = 3;
    school.poll();
    school.mis->on_fetch = [&](std::size_t stream, std::size_t page) {
        if (stream == 0 && page == 1) school.now += std::chrono::minutes(2);
    };
    CHECK(school.poll(0).empty());
    for (const statement_row& row : school.statements)
        CHECK(row.vanished == 0);
}

TEST_CASE("a child who is new to the school is looked for though no mark of theirs was ever read", "[service]")
{
    small_school school;
    school.settings.rules = {england_rule("missing-child")};
    school.settings.rules.front().cohort = {};
    school.poll();
    school.mis->pupils.emplace_back("A10", R"({"forename":"Una","surname":"Quillfeather"})");
    for (int pupil = 0; pupil < 10; ++pupil)
        school.mis->marks.push_back(
            {"T" + std::to_string(pupil), "A" + std::to_string(pupil), am(ymd(2026, 9, 22)), "/"}
        );
    school.now = parse_instant("2026-09-22T08:24:00Z").value(); // nine minutes after the register closed
    school.poll();
    CHECK(school.count(alert_word) == 0);
    school.mis->failures[{0, 0}] = failure(errc::source_unreachable, "the list of pupils gave no answer");
    school.now += std::chrono::minutes(1);
    school.poll();
    CHECK(school.count(alert_word) == 1);
    school.now += std::chrono::hours(15); // the night
    school.poll();
    CHECK(school.count(R"("state":"resolved")") == 0);
    for (const half_day half : {half_day::am, half_day::pm})
        school.mis->marks.push_back({half == half_day::am ? "T10" : "T11", "A10", {ymd(2026, 9, 22), half}, "I"});
    school.poll();
    CHECK(school.count(R"("state":"resolved")") == 1);
}

TEST_CASE("what was decided of an alert stands, whatever its value was before its last version", "[service]")
{
    small_school school;
    school.settings.rules = {england_rule("missing-child")};
    school.settings.rules.front().cohort = {};
    school.poll();
    const auto poll_at = [&](const char* when) {
        school.now = parse_instant(when).value();
        school.poll();
    };
    const auto mark = [&](unsigned day) {
        for (const half_day half : {half_day::am, half_day::pm})
            school.mis->marks.push_back(
                {"T" + std::to_string(school.mis->marks.size()), "A9", {ymd(2026, 9, day), half}, "N"}
            );
    };
    for (int pupil = 0; pupil < 9; ++pupil)
        for (const unsigned day : {22u, 23u})
            for (const half_day half : {half_day::am, half_day::pm})
                school.mis->marks.push_back(
                    {"T" + std::to_string(school.mis->marks.size()),
                     "A" + std::to_string(pupil),
                     {ymd(2026, 9, day), half},
                     "/"}
                );
    mark(22);
    poll_at("2026-09-22T14:00:00Z");
    poll_at("2026-09-22T14:20:00Z"); // the minutes alone have changed
    mark(23);
    poll_at("2026-09-23T14:00:00Z");
    CHECK(school.count(alert_word) == 2);
    {
        const auto book = school.folder.open();
        decision_request ack;
        ack.kind = decision_kind::acknowledge;
        ack.about = std::as_const(book->state()).things(rollbook::what::alert).all().back().subject;
        ack.user = "root";
        REQUIRE(take_decision(*book, school.settings, ack, school.now).has_value());
    }
    poll_at("2026-09-23T14:10:00Z");
    CHECK(school.count(alert_word) == 3);
    CHECK(school.count(R"("state":"acknowledged")") == 1);
}

TEST_CASE("a stream that is refused does not hold back the marks", "[service]")
{
    small_school school;
    school.mis->failures[{2, 0}] = failure(errc::source_refused, "no permission");
    CHECK(school.poll().size() == 1);
    CHECK(school.count(R"("what":"session-mark")") == school.mis->marks.size());
    CHECK(school.count(alert_word) == 2);
    CHECK(school.folder.open()->source("mis")->error_class == error_class(errc::source_refused));
}

TEST_CASE("nobody is called a stranger while the MIS's own pupils were not read to the end", "[service]")
{
    small_school school;
    school.mis->failures[{0, 1}] = failure(errc::source_unreachable, "the source did not answer");
    CHECK(school.poll().size() == 1);
    CHECK(school.count("pupil-only-in-safeguarding") == 0);
    school.mis->failures.clear();
    school.poll();
    CHECK(school.count("pupil-only-in-safeguarding") == 1);
}

TEST_CASE("what is missing once the fingerprint changed is out of scope, and never vanished", "[service]")
{
    small_school school;
    school.poll();
    school.mis->marks.pop_back();
    school.mis->shape = "2";
    school.now += std::chrono::minutes(10);
    school.poll();
    CHECK(school.count(R"("gone":"out-of-scope")") == 1);
    CHECK(school.count("record-vanished") == 0);
    // Asked as it was the last time, what is missing did vanish.
    school.mis->marks.pop_back();
    school.now += std::chrono::minutes(10);
    school.poll();
    CHECK(school.count(R"("gone":"out-of-scope")") == 1);
    CHECK(school.count(R"("gone":"vanished")") == 1);
    // A person who wants all of it read again asks it no otherwise.
    decision_request again;
    again.kind = decision_kind::retry_quarantine;
    again.source = "mis";
    again.stream = "marks";
    REQUIRE(take_decision(*school.folder.open(), school.settings, again, school.now).has_value());
    school.mis->marks.pop_back();
    school.now += std::chrono::minutes(10);
    school.poll();
    CHECK(school.count(R"("gone":"out-of-scope")") == 1);
    CHECK(school.count(R"("gone":"vanished")") == 1);
}

TEST_CASE("more out of scope than the limit allows stops the read, and says what to look at", "[service]")
{
    small_school school;
    school.poll();
    school.mis->marks.resize(2);
    school.mis->shape = "2";
    const auto failures = school.poll();
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].code == errc::mass_change);
    CHECK_THAT(failures[0].what, Contains("asked otherwise than before"));
    CHECK_THAT(failures[0].to_do, Contains("settings and permissions") && Contains("--allow-vanished mis"));
    CHECK(school.count(R"("gone":"out-of-scope")") == 0);
}

TEST_CASE("an empty answer stops at the limit and says so", "[service]")
{
    small_school school;
    school.poll();
    school.mis->marks.clear();
    const auto failures = school.poll();
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].code == errc::mass_change);
    CHECK(school.count(R"("gone":"vanished")") == 0);
    CHECK_THAT(school.folder.open()->source("mis")->error, Contains("are missing from the answer"));
}

TEST_CASE("a message that could not be sent waits, keeps its id and says which try it is", "[service]")
{
    small_school school;
    school.channels["lead"]->answer = failure(errc::delivery_unreachable, "no answer");
    school.poll();
    REQUIRE(school.mails.size() == 1); // the other route's
    CHECK(school.folder.reader()->outbox().waiting == 1);
    const std::string id = school.folder.open()->due_messages(instant::max(), 9).at(0).content.id;
    school.channels["lead"]->answer.reset();
    school.poll();
    CHECK(school.mails.size() == 1); // not yet its time
    school.now += std::chrono::hours(2);
    school.poll();
    REQUIRE(school.mails.size() == 2);
    CHECK(school.mails[1].id == id);
    CHECK(school.mails[1].attempt == 2);
    CHECK(school.count(R"("what":"delivery")") == 2);

    school.channels["lead"]->answer = failure(errc::delivery_refused, "no such mailbox");
    school.set(5, "L");
    school.poll();
    CHECK(school.folder.reader()->outbox().failed == 0);
    CHECK(school.folder.reader()->outbox().waiting == 1);
}

namespace {

// What went over the route "lead", and how often the other one was told that it takes nothing.
std::pair<std::vector<message>, std::ptrdiff_t> heard_of_lead(const small_school& school)
{
    std::vector<message> heard;
    std::ranges::copy_if(school.mails, std::back_inserter(heard), [](const message& mail) {
        return mail.id.find(".lead@") != mail.id.npos;
    });
    return {heard, std::ranges::count(school.mails, "operator.dead-route", &message::type)};
}

// A pupil is late, and the lead's route will take no word of it.
void have_lead_refuse(small_school& school)
{
    school.poll();
    school.mails.clear();
    school.channels["lead"]->answer = failure(errc::delivery_refused, "the password has run out", "Renew it.");
    school.set(5, "L");
}

} // namespace

TEST_CASE("a message that was refused goes out once its receiver takes it, and is a trouble until then", "[service]")
{
    small_school school;
    have_lead_refuse(school);
    school.now += std::chrono::minutes(10);
    school.poll();
    CHECK(school.folder.reader()->outbox().undelivered == std::map<std::string, std::int64_t>{{"lead", 1}});
    // Refused again for a day and a half: the other route is told once.
    for (int hour = 0; hour < 36; ++hour) {
        school.now += std::chrono::hours(1);
        school.poll();
    }
    CHECK(heard_of_lead(school).first.empty());
    CHECK(heard_of_lead(school).second == 1);
    CHECK(school.folder.reader()->outbox().undelivered == std::map<std::string, std::int64_t>{{"lead", 1}});
    school.channels["lead"]->answer.reset();
    for (int hour = 0; hour < 2; ++hour) {
        school.now += std::chrono::hours(1);
        school.poll();
    }
    REQUIRE(heard_of_lead(school).first.size() == 1);
    CHECK(heard_of_lead(school).first[0].type == "alert.opened");
    CHECK(heard_of_lead(school).first[0].attempt > 10);
    CHECK(school.folder.reader()->outbox().undelivered.empty());
    CHECK(school.folder.verify().problems.empty());
}

TEST_CASE("a message that is refused holds up no other of its route", "[service]")
{
    small_school school;
    school.poll();
    school.mails.clear();
    scripted_channel& lead = *school.channels["lead"];
    int sent = 0;
    lead.on_send = [&] {
        lead.answer.reset();
        if (++sent == 1) lead.answer = failure(errc::delivery_refused, "the message is no good");
    };
    school.set(5, "L");
    school.set(6, "L");
    school.now += std::chrono::minutes(10);
    school.poll();
    CHECK(heard_of_lead(school).first.size() == 1);
    school.now += std::chrono::minutes(90);
    school.poll();
    CHECK(heard_of_lead(school).first.size() == 2);
}

TEST_CASE("what was refused goes as soon as its route takes another message", "[service]")
{
    small_school school;
    have_lead_refuse(school);
    school.now += std::chrono::minutes(10);
    school.poll();
    CHECK(heard_of_lead(school).first.empty());
    school.channels["lead"]->answer.reset();
    school.now += std::chrono::minutes(20);
    school.poll();
    CHECK(heard_of_lead(school).first.empty());
    school.set(6, "L");
    school.now += std::chrono::minutes(1);
    school.poll();
    CHECK(heard_of_lead(school).first.size() == 2);
}

TEST_CASE("what a route did not take in three days goes out when a person asks, or is settled by one", "[service]")
{
    small_school school;
    have_lead_refuse(school);
    for (int hour = 0; hour < 76; ++hour) {
        school.now += std::chrono::hours(1);
        school.poll();
    }
    CHECK(school.folder.reader()->outbox().failed == 1);
    CHECK(school.folder.reader()->outbox().undelivered == std::map<std::string, std::int64_t>{{"lead", 1}});
    CHECK(heard_of_lead(school).second == 1);
    school.channels["lead"]->answer.reset();
    school.now += std::chrono::hours(24);
    school.poll();
    CHECK(heard_of_lead(school).first.empty());

    decision_request asked;
    asked.kind = decision_kind::send_again;
    asked.source = "second";
    REQUIRE(take_decision(*school.folder.open(), school.settings, asked, school.now).has_value());
    CHECK(school.folder.reader()->outbox().failed == 1);
    asked.source = "lead";
    const bool settles = GENERATE(false, true);
    if (settles) asked.kind = decision_kind::settle_route;
    REQUIRE(take_decision(*school.folder.open(), school.settings, asked, school.now).has_value());
    school.poll();
    CHECK(heard_of_lead(school).first.size() == (settles ? 0 : 1));
    CHECK(school.folder.reader()->outbox().failed == 0);
    CHECK(school.folder.reader()->outbox().undelivered.empty());
    CHECK(school.folder.verify().problems.empty());
}

TEST_CASE("a cycle broken at any write ends in the same ledger when it is run again", "[service][crash]")
{
    const bool after = GENERATE(false, true);
    CAPTURE(after);
    small_school calm;
    calm.poll();
    calm.set(5, "L");
    calm.poll();
    auto wanted = calm.content();
    std::sort(wanted.begin(), wanted.end());
    std::set<std::string> mails;
    for (const message& mail : calm.mails)
        mails.insert(mail.id);
    REQUIRE(mails.size() == 4);

    int broken_writes = 0;
    for (int n = 2;; ++n) { // the first write signs what an earlier process left
        INFO("broken at write " << n);
        small_school school;
        bool broke = false;
        for (const bool later : {false, true}) {
            if (later) school.set(5, "L");
            try {
                school.poll({}, n, after);
            } catch (const std::runtime_error&) {
                broke = true;
            }
            CHECK(school.folder.verify().problems.empty());
            CHECK(school.poll().empty()); // started again, and nothing breaks
        }
        auto found = school.content();
        std::sort(found.begin(), found.end());
        CHECK(found == wanted);
        std::map<std::string, std::set<int>> tries;
        for (const message& mail : school.mails)
            CHECK(tries[mail.id].insert(mail.attempt).second); // a repeat says that it is one
        CHECK(tries.size() == mails.size());
        const auto report = school.folder.verify();
        CHECK(report.problems.empty());
        CHECK(report.unsigned_entries == 0);
        if (!broke) break; // past the last write: every one was tried
        ++broken_writes;
    }
    CHECK(broken_writes >= 10);
}

namespace {

// A source that hands over lists of pupils one after the other, as a folder does its files.
class handing_connector final : public scripted_connector {
public:
    handing_connector() : scripted_connector("cpoms", false) {}
    void resume(std::size_t, const std::string& bookmark) override { resumed.push_back(bookmark); }
    std::string bookmark(std::size_t) const override { return "read " + std::to_string(handed); }
    bool has_news(std::size_t) const override { return news; }
    bool has_more() const override { return !waiting.empty(); }
    result<void> closed() override
    {
        ++closings;
        return {};
    }
    boost::asio::awaitable<result<void>> begin_run() override
    {
        news = !waiting.empty();
        if (news) {
            pupils = waiting.front();
            waiting.pop_front();
            ++handed;
        }
        failures.clear();
        if (handed == fails_at) failures[{0, 0}] = failure(errc::page_malformed, "it is not whole", "");
        co_return result<void>();
    }

    std::deque<std::vector<std::pair<std::string, std::string>>> waiting;
    std::vector<std::string> resumed;
    bool news = false;
    int handed = 0;
    int fails_at = 0;
    int closings = 0;
};

handing_connector& hand_over(small_school& school)
{
    auto made = std::make_unique<handing_connector>();
    handing_connector& handing = *made;
    school.parts.connectors[1] = std::move(made);
    const auto pupil = [](const std::string& id) { return std::pair("C" + id, R"({"mis_id":"A)" + id + R"("})"); };
    handing.waiting = {{pupil("1"), pupil("2")}, {pupil("2")}, {pupil("3")}};
    return handing;
}

} // namespace

TEST_CASE("each thing a source hands over is a read of its own, and its bookmark comes back", "[service]")
{
    small_school school;
    handing_connector& handing = hand_over(school);
    CHECK(school.poll(1).empty());
    CHECK(handing.resumed == std::vector<std::string>{"", "read 1", "read 2"});
    CHECK(handing.closings == 3);
    REQUIRE(school.statements.size() == 3);
    CHECK(school.statements[0].fresh == 2);
    CHECK(school.statements[1].unchanged == 1);
    CHECK(school.statements[1].vanished == 1);
    CHECK(school.statements[2].fresh == 1);
}

TEST_CASE("what seems to have vanished from a list that can give changes is looked for once more", "[service]")
{
    small_school school;
    handing_connector& handing = hand_over(school);
    handing.let_changes_be_asked_for();
    handing.waiting[2] = handing.waiting[0];
    CHECK(school.poll(1).empty());
    CHECK(handing.resumed == std::vector<std::string>{"", "read 1", ""});
    CHECK(school.statements[1].vanished == 1);
    CHECK(school.statements[2].restored == 1);
    handing.waiting.push_back(handing.pupils);
    CHECK(school.poll(1).empty());
    CHECK(handing.resumed.back() == "read 3");
}

TEST_CASE("a source with nothing new keeps what it said, and is read all the same", "[service]")
{
    small_school school;
    handing_connector& handing = hand_over(school);
    school.poll(1);
    school.now += std::chrono::hours(1);
    CHECK(school.poll(1).empty());
    CHECK(school.statements.empty());
    CHECK(school.count(R"("gone":"vanished")") == 2);
    CHECK(handing.resumed.back() == "read 3");
    CHECK(school.folder.open()->source("cpoms")->last_success == school.now);
}

TEST_CASE("what could not be read is not closed, moves no bookmark, and does not hold up what follows", "[service]")
{
    small_school school;
    handing_connector& handing = hand_over(school);
    handing.fails_at = 2;
    const auto failures = school.poll(1);
    REQUIRE(failures.size() == 1);
    CHECK(handing.resumed == std::vector<std::string>{"", "read 1", "read 1"});
    CHECK(handing.closings == 2);
    CHECK(school.statements.back().fresh == 1);
}

TEST_CASE("outside school hours a message waits until they begin, and what is said later replaces it", "[service]")
{
    small_school school;
    school.settings.routes[0].only_in_school_hours = true;
    school.poll();
    school.mails.clear();
    const auto read_with = [&](const std::string& code) {
        school.set(5, code);
        school.now += std::chrono::minutes(10);
        school.poll();
    };
    read_with("L");
    CHECK(school.mails.size() == 1); // of the other route
    CHECK(school.folder.reader()->outbox().waiting == 1);
    read_with("/");
    CHECK(school.mails.size() == 2);
    CHECK(school.folder.reader()->outbox().waiting == 0); // opened and gone again over night: nobody need know

    read_with("L");
    school.mails.clear();
    school.now += std::chrono::hours(15);
    school.poll();
    REQUIRE(school.mails.size() == 1);
    CHECK(school.mails[0].type == "alert.opened");
    CHECK(school.mails[0].references.empty());
    school.poll();
    CHECK(school.mails.size() == 1);
}

TEST_CASE("a safety rule's message never waits", "[service]")
{
    small_school school;
    school.settings.routes[0].only_in_school_hours = true;
    school.settings.routes[1].digest = std::chrono::hours(8);
    for (rule& each : school.settings.rules)
        each.safety = true;
    school.poll();
    school.mails.clear();
    school.set(5, "L");
    school.now += std::chrono::minutes(10);
    school.poll();
    CHECK(school.mails.size() == 2);
}

TEST_CASE("incidents that the first read could not get are a baseline when they are first read", "[service]")
{
    const bool is_refused_at_first = GENERATE(false, true);
    CAPTURE(is_refused_at_first);
    small_school school;
    school.settings.routes.resize(1);
    rule by = england_rule("incidents");
    by.enabled = true;
    by.stages[0].at_least = 1;
    school.settings.rules = {by};
    const auto add = [&](int number, const std::string& day) {
        const std::string id = "I" + std::to_string(number), pupil = "A" + std::to_string(number);
        school.mis->incidents.emplace_back(
            what::incident, id, "", fmt::format(R"({{"day":"{}","nature":"behaviour","type":"x"}})", day)
        );
        school.mis->incidents.emplace_back(
            what::involvement,
            id + "/" + pupil,
            pupil,
            fmt::format(R"({{"day":"{}","of":"incident","record":"{}"}})", day, id)
        );
    };
    for (int number = 0; number < 5; ++number)
        add(number, "2026-09-18");
    if (is_refused_at_first)
        school.mis->failures.insert_or_assign({2, 0}, failure(errc::source_refused, "no permission"));
    school.poll(0);
    school.mis->failures.clear();
    school.now += std::chrono::minutes(10);
    school.poll(0);
    REQUIRE(school.mails.size() == 1);
    CHECK(school.mails[0].type == "alert.baseline");
    CHECK_THAT(school.mails[0].text, Contains("5 pupils"));
    add(5, "2026-09-21");
    school.now += std::chrono::minutes(10);
    school.poll(0);
    REQUIRE(school.mails.size() == 2);
    CHECK(school.mails[1].type == "alert.opened");
}

TEST_CASE("a safety rule's message goes alone, also where a digest is gathered", "[service]")
{
    small_school school;
    school.settings.routes[0].digest = std::chrono::hours(8);
    for (rule& each : school.settings.rules)
        each.safety = true;
    school.poll();
    school.mails.clear();
    school.set(5, "L");
    school.set(6, "L");
    school.now += std::chrono::minutes(10);
    school.poll();
    REQUIRE(school.mails.size() == 4);
    for (const message& each : school.mails)
        CHECK(each.type == "alert.opened");
}

TEST_CASE("who was told of an alert hears its end also when more about it waited for school hours", "[service]")
{
    small_school school;
    school.settings.routes[0].only_in_school_hours = true;
    rule by = repeated_lateness();
    by.needs_decision = true;
    by.stages.resize(1);
    school.settings.rules = {by};
    school.mis->page_size = 1'000;
    auto& marks = school.mis->marks;
    marks.clear();
    const auto days = [&](civil_day first, std::size_t count, const char* code) {
        for (std::size_t n = 0; n < count; ++n) {
            const civil_day day = school.settings.calendar.school_day_after(first - std::chrono::days(1), 1).value();
            marks.push_back({"M" + std::to_string(marks.size()), "A5", {day, half_day::am}, code});
            first = day + std::chrono::days(1);
        }
    };
    const auto recode = [&](const char* from, const char* to) {
        for (row& each : marks)
            if (each.code == from) each.code = to;
    };
    const auto read_at = [&](std::string_view moment) {
        school.mails.clear();
        school.now = parse_instant(moment).value();
        school.poll(0);
        std::string told;
        for (const message& each : school.mails)
            if (each.id.find(".lead@") != std::string::npos) told += each.type + ";";
        return told;
    };
    days(ymd(2026, 9, 14), 10, "V");
    days(ymd(2026, 9, 28), 30, "/");
    read_at("2026-11-09T08:30:00Z");
    days(ymd(2026, 11, 9), 10, "L");
    CHECK(read_at("2026-11-20T15:00:00Z") == "alert.opened;");
    recode("V", "L"); // an earlier episode comes to light in the evening
    CHECK(read_at("2026-11-20T20:00:00Z").empty());
    CHECK(school.count(R"("also_met")") == 1);
    recode("L", "/");
    const std::string evening = read_at("2026-11-20T21:00:00Z");
    CHECK(evening + "|" + read_at("2026-11-23T09:00:00Z") == "|alert.withdrawn;");
}

TEST_CASE(
    "a digest of more than one message may hold keeps for each id its contents, whatever is tried again", "[service]"
)
{
    small_school school;
    school.mis->page_size = 2'000;
    school.settings.routes.resize(1);
    school.settings.routes[0].digest = std::chrono::hours(8);
    school.mis->pupils.clear();
    school.mis->marks.clear();
    constexpr int pupils = 80;
    for (int pupil = 0; pupil < pupils; ++pupil) {
        school.mis->pupils.emplace_back("A" + std::to_string(pupil), R"({"forename":"Zo","surname":"Quillfeather"})");
        for (unsigned day = 14; day <= 18; ++day)
            school.mis->marks.push_back(
                {"M" + std::to_string(school.mis->marks.size()),
                 "A" + std::to_string(pupil),
                 {ymd(2026, 9, day), half_day::am},
                 "/"}
            );
    }
    school.poll(0);
    for (row& each : school.mis->marks)
        each.code = "L";
    school.now += std::chrono::minutes(10);
    school.poll(0);

    auto made = std::make_unique<forgetful_channel>();
    forgetful_channel& to = *made;
    school.parts.channels["lead"] = std::move(made);
    const auto book = school.folder.open();
    cycle one_process(
        school.settings, school.parts, *book, [&] { return school.now; }, retry_pace{1, {}, {}}
    );
    const auto deliver = [&] {
        boost::asio::io_context loop(1);
        test::run(loop, one_process.deliver());
    };
    school.now = parse_instant("2026-09-22T07:00:00Z").value(); // 08:00 in summer
    deliver();
    using enum forgetful_channel::state;
    for (const auto next : {is_away, loses_its_answer, is_well}) {
        to.now = next;
        for (int n = 0; n < 4; ++n) {
            school.now += std::chrono::hours(1);
            deliver();
        }
    }
    std::map<std::string, std::string> by_id;
    std::string told;
    for (const message& each : to.taken) {
        CHECK(each.text.size() <= forgetful_channel::text_bytes_max);
        const auto [known, is_new] = by_id.try_emplace(each.id, each.json);
        CHECK(known->second == each.json);
        if (is_new) told += each.json;
    }
    CHECK(by_id.size() > 2);
    for (const held_thing& thing : std::as_const(book->state()).things(rollbook::what::alert).all())
        CHECK_THAT(told, Contains(fmt::format(R"("alert":{},)", thing.subject)));
    std::size_t gone = 0;
    for (const auto& [id, json] : by_id)
        gone += book->delivered_messages(id).size();
    CHECK(gone == pupils);
}

TEST_CASE("an alert that comes and goes is told a third time only if it still stands the next morning", "[service]")
{
    small_school school;
    school.poll();
    for (const char* code : {"L", "/", "L", "/"}) {
        school.set(5, code);
        school.now += std::chrono::minutes(10);
        school.poll();
    }
    school.mails.clear();
    school.set(5, "L");
    school.now += std::chrono::minutes(10);
    school.poll();
    CHECK(school.mails.empty());
    school.now += std::chrono::hours(15);
    school.poll();
    CHECK(school.mails.size() == 2);
}

TEST_CASE("a route with a digest gets what waited as one message, with a receipt for each", "[service]")
{
    small_school school;
    school.settings.routes[0].digest = std::chrono::minutes(7 * 60 + 30);
    school.poll();
    school.mails.clear();
    school.set(5, "L");
    school.set(6, "L");
    school.now += std::chrono::minutes(10);
    school.poll();
    CHECK(school.mails.size() == 2); // of the other route
    school.mails.clear();
    const std::size_t receipts = school.count(R"("what":"delivery")");

    school.channels["lead"]->answer = failure(errc::delivery_unreachable, "no answer");
    school.now += std::chrono::hours(15);
    school.poll();
    CHECK(school.mails.empty());
    school.channels["lead"]->answer.reset();
    school.now += std::chrono::hours(2);
    school.poll();
    REQUIRE(school.mails.size() == 1);
    CHECK(school.mails[0].type == "alert.digest");
    CHECK_THAT(school.mails[0].id, Catch::StartsWith("<digest-"));
    CHECK(school.mails[0].attempt == 2);
    CHECK(school.count(R"("what":"delivery")") == receipts + 2);
    CHECK_THAT(school.mails[0].subject + school.mails[0].text + school.mails[0].json, !Contains("Quillfeather"));
    CHECK(school.folder.verify().problems.empty());
}

TEST_CASE("when a digest is refused, another route hears of every alert that was in it", "[service]")
{
    small_school school;
    school.poll();
    school.settings.routes[0].digest = std::chrono::hours(8);
    school.mails.clear();
    school.set(5, "L");
    school.set(6, "L");
    school.now += std::chrono::minutes(10);
    school.poll();
    school.mails.clear();
    school.channels["lead"]->answer = failure(errc::delivery_refused, "the relay refuses the mail", "Look at it.");
    school.now += std::chrono::hours(16); // the next morning
    school.poll();
    school.poll();
    REQUIRE(school.mails.size() == 1);
    CHECK(school.mails[0].type == "operator.dead-route");
    std::vector<entry_index> alerts;
    {
        const auto book = school.folder.open();
        for (const held_thing& thing : book->state().things(rollbook::what::alert).all())
            if (thing.payload->find(R"("state":"open")") != std::string::npos) alerts.push_back(thing.subject);
    }
    REQUIRE(alerts.size() == 2);
    for (const entry_index each : alerts)
        CHECK_THAT(school.mails[0].text, Contains(std::to_string(each)));
}

TEST_CASE("what nobody acknowledges is told again, once for each time, until somebody does", "[service]")
{
    small_school school;
    school.settings.routes[0].reminders = {std::chrono::hours(4), std::chrono::hours(0), ""};
    school.poll();
    school.set(5, "L");
    school.now += std::chrono::minutes(10);
    school.poll();
    const auto remind_now = [&] { return remind(school.settings, *school.folder.open(), school.now); };
    CHECK(remind_now() == 0);
    school.now += std::chrono::hours(24); // eight hours of school
    CHECK(remind_now() == 1);
    CHECK(remind_now() == 0);
    school.mails.clear();
    school.poll();
    REQUIRE(school.mails.size() == 1);
    CHECK(school.mails[0].type == "alert.reminder");
    CHECK_THAT(school.mails[0].id, Contains(".r2."));

    {
        const auto book = school.folder.open();
        entry_index open = no_entry;
        for (const held_thing& thing : book->state().things(rollbook::what::alert).all())
            if (thing.payload->find(R"("state":"open")") != std::string::npos) open = thing.subject;
        decision_request ack;
        ack.kind = decision_kind::acknowledge;
        ack.about = open;
        ack.user = "root";
        const entry_index size = book->size();
        CHECK(take_decision(*book, school.settings, ack, school.now).has_value());
        CHECK(book->size() == size + 1);
        CHECK(take_decision(*book, school.settings, ack, school.now).has_value());
        CHECK(book->size() == size + 1); // given again, it makes nothing
    }
    school.now += std::chrono::hours(24);
    CHECK(remind_now() == 0);
    CHECK(school.folder.verify().problems.empty());
}

TEST_CASE("the reminders of an alert that was told again are not those of before", "[service]")
{
    const rule by = repeated_lateness();
    const route_configuration route{.name = "lead"};
    alert about;
    about.id = 7;
    about.stage = "tutor";
    about.opened_at = about.staged_at = parse_instant("2026-11-20T10:00:00Z").value();
    const auto id = [&](int number) {
        const due_reminder due{due_reminder::kind::unacknowledged, "lead", number};
        return alert_reminder({.domain = "example"}, route, by, about, due, {}, {}).content.id;
    };
    const std::string first = id(1);
    CHECK(first == "<alert-7.tutor.r1.lead@example>");
    CHECK(id(2) != first);
    about.staged_at = parse_instant("2026-11-23T09:15:00Z").value();
    CHECK(id(1) == first);
    about.told_again_at = about.staged_at;
    CHECK(id(1) != first);
}

TEST_CASE("a silence holds back its pupil's messages, and its end is told with what stands", "[service]")
{
    small_school school;
    school.poll();
    {
        const auto book = school.folder.open();
        decision_request quiet;
        quiet.kind = decision_kind::silence;
        quiet.rule = "repeated-lateness";
        quiet.until = day_of(time_zone::named("Europe/London")->to_local(school.now));
        quiet.text = "the bus strike";
        quiet.user = "root";
        REQUIRE(take_decision(*book, school.settings, quiet, school.now).has_value());
    }
    school.mails.clear();
    school.set(5, "L");
    school.now += std::chrono::minutes(10);
    school.poll();
    CHECK(school.mails.empty());
    CHECK(school.count(R"("state":"open")") == 2); // the alert, and the stranger's finding
    CHECK(remind(school.settings, *school.folder.open(), school.now) == 0);
    school.now += std::chrono::hours(24);
    CHECK(remind(school.settings, *school.folder.open(), school.now) == 2);
    CHECK(remind(school.settings, *school.folder.open(), school.now) == 0);
    CHECK(school.count(R"("state":"expired")") == 1);
    school.poll();
    REQUIRE(school.mails.size() == 2);
    CHECK(school.mails[0].type == "silence.ended");
    CHECK_THAT(school.mails[0].text, Contains("Alerts that stand") && !Contains("bus strike"));
    CHECK(school.folder.verify().problems.empty());
}

TEST_CASE("each message of a slow relay's batch is a sign of life, whether it was taken or not", "[service]")
{
    small_school school;
    school.settings.rules = {repeated_lateness()};
    school.poll();
    const bool is_taken = GENERATE(true, false);
    CAPTURE(is_taken);
    for (int pupil = 4; pupil < 8; ++pupil)
        school.set(pupil, "L");
    for (const auto& [name, channel] : school.channels) {
        channel->on_send = [&] { school.now += std::chrono::minutes(10); };
        if (!is_taken) channel->answer = failure(errc::delivery_unreachable, "no answer");
    }
    const instant began = school.now;
    std::vector<instant> turns{began};
    school.turned = [&] { turns.push_back(school.now); };
    school.poll();
    CHECK(school.now - began == std::chrono::minutes(is_taken ? 80 : 20)); // a route that is dead is tried once
    CHECK(turns.back() == school.now);
    for (std::size_t i = 1; i < turns.size(); ++i)
        CHECK(turns[i] - turns[i - 1] <= std::chrono::minutes(10));
}

TEST_CASE("a message that hangs is no sign of life", "[service]")
{
    small_school school;
    school.channels["lead"]->answer = failure(errc::delivery_unreachable, "no answer");
    school.poll();
    school.now += std::chrono::hours(2);
    school.parts.channels["lead"] = std::make_unique<hanging_channel>();
    int turns = 0;
    int left = 0;
    breaking_ledger book(school.folder.open(), left, false);
    cycle work(
        school.settings, school.parts, book, [&] { return school.now; }, {}, [&] { ++turns; }
    );
    boost::asio::io_context loop(1);
    boost::asio::co_spawn(loop, work.deliver(), [](std::exception_ptr, const cycle::delivery_report&) {});
    loop.poll();
    CHECK(school.folder.reader()->outbox().waiting == 1);
    CHECK(turns == 0);
}

TEST_CASE("what a long read learned is signed every thirty seconds, while it goes on", "[service]")
{
    const auto [seconds, is_signed] = GENERATE(table<int, bool>({{4, false}, {31, true}}));
    CAPTURE(seconds);
    small_school school;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> seen; // entries and signed entries, before each page of marks
    school.mis->on_fetch = [&, step = std::chrono::seconds(seconds)](std::size_t stream, std::size_t) {
        if (stream != 1) return;
        const auto reader = school.folder.reader();
        seen.emplace_back(reader->size(), reader->newest_checkpoint()->size);
        school.now += step;
    };
    school.mis->page_size = 60;
    CHECK(school.poll(0).empty());
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].second < seen[0].first); // the pupils were committed, and nothing is signed yet
    CHECK((seen[1].second == seen[1].first) == is_signed);
}
