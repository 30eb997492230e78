#include "daemon/service/decisions.hpp"

#include "tests/support/england_pack.hpp"
#include "tests/unit/service/small_school.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <new>
#include <set>

using namespace rollbook;
using namespace rollbook::support;
using Catch::Matchers::Contains;

namespace {

// Memory runs out for one piece of this size and for no other; 0: for none.
std::size_t piece_that_fails = 0;

} // namespace

void* operator new(std::size_t size)
{
    void* const got = operator new(size, std::nothrow);
    if (!got) throw std::bad_alloc();
    return got;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept
{
    return size == piece_that_fails ? nullptr : std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* at) noexcept
{
    std::free(at);
}
void operator delete(void* at, std::size_t) noexcept
{
    std::free(at);
}

TEST_CASE("a rule that breaks off is an alert of its own, and every other rule is judged", "[service]")
{
    small_school school;
    school.settings.rules.push_back(england_rule("rule-failed"));
    rule broken = repeated_lateness();
    broken.id = "broken";
    broken.stages[1].name.assign(5'000, 'x'); // the stage that is reached below
    school.settings.rules.insert(school.settings.rules.begin(), broken);
    school.set(0, "/");
    school.set(1, "/");
    school.poll();
    school.mails.clear();

    school.set(5, "L");
    school.set(6, "L");
    school.now += std::chrono::minutes(10);
    piece_that_fails = 5'001; // a copy of the stage's name, made as an alert opens
    CHECK(school.poll().empty());
    piece_that_fails = 0;
    CHECK(school.count(R"("rule":"broken")") == 0);
    CHECK(school.count(R"("rule":"repeated-lateness")") == 2);
    CHECK(school.count(R"("rule":"rule-failed")") == 1);
    CHECK(school.count("Judging the rule broken broke off for 2 pupils; every other rule was judged.") == 1);
    CHECK(school.mails.size() == 6); // to each route: both pupils, and the rule

    school.mails.clear();
    school.now += std::chrono::minutes(10);
    CHECK(school.poll().empty());
    CHECK(school.count(R"("rule":"broken")") == 2);
    CHECK(school.count("The rule is judged again.") > 0);
    CHECK(school.folder.verify().problems.empty());
}

TEST_CASE("three days without a mail server lose nothing, double nothing and change no order", "[service]")
{
    small_school school;
    school.settings.rules.front().clear_below = 0;
    school.poll();
    school.mails.clear();
    school.channels["lead"]->answer = failure(errc::delivery_unreachable, "no answer");
    // Six pupils cross, and three of them are taken back, while nobody can be told on that route.
    const instant began = school.now;
    for (int hour = 1; hour <= 72; ++hour) {
        if (hour % 12 == 3) school.set(2 + hour / 12, "L");
        if (hour % 24 == 22) school.set(2 + hour / 12, "/");
        school.now = began + std::chrono::hours(hour);
        school.poll();
    }
    const std::vector<message> told = school.mails; // over the other route
    REQUIRE(told.size() == 9);
    CHECK(school.folder.reader()->outbox().waiting == 9);
    CHECK(school.folder.reader()->outbox().failed == 0);
    school.mails.clear();

    // The last of them is about a pupil of whom nobody on that route ever heard: it must not come first.
    school.channels["lead"]->answer.reset();
    school.set(6, "/");
    for (int minute = 1; minute <= 90; minute += 1) {
        school.now = began + std::chrono::hours(72) + std::chrono::minutes(minute);
        if (minute < 4 || minute % 15 == 0) school.poll();
    }
    CHECK(school.folder.reader()->outbox().waiting == 0);
    CHECK(school.folder.reader()->outbox().failed == 0);
    std::erase_if(school.mails, [](const message& mail) { return mail.id.find(".second@") != mail.id.npos; });
    REQUIRE(school.mails.size() == 10);
    std::set<std::string> ids;
    std::vector<std::string> heard;
    for (const message& mail : school.mails) {
        ids.insert(mail.id);
        // What ends an alert refers to what opened it, which came before.
        if (!mail.references.empty()) CHECK(std::ranges::find(heard, mail.references) != heard.end());
        heard.push_back(mail.id);
    }
    CHECK(ids.size() == 10);
    for (std::size_t i = 0; i < told.size(); ++i) {
        std::string id = told[i].id;
        id.replace(id.find(".second@"), 8, ".lead@");
        CHECK(ids.contains(id));
    }
    CHECK(school.folder.verify().problems.empty());
}

TEST_CASE("a holiday mutes what may wait until the first school morning, and no safety rule", "[service]")
{
    const bool safety = GENERATE(false, true);
    CAPTURE(safety);
    small_school school;
    school.settings.rules.front().safety = safety;
    school.settings.routes[0].only_in_school_hours = true;
    school.settings.routes.resize(1);
    school.mis->marks.clear();
    for (const unsigned day : {19, 20, 21, 22, 23}) // the last week before half-term
        for (int pupil = 0; pupil < 10; ++pupil)
            school.mis->marks.push_back(
                {"M" + std::to_string(day * 10 + static_cast<unsigned>(pupil)),
                 "A" + std::to_string(pupil),
                 {ymd(2026, 10, day), half_day::am},
                 "/"}
            );
    school.now = parse_instant("2026-10-23T14:00:00Z").value();
    school.poll();
    school.mails.clear();
    school.set(5, "L");
    for (const char* at :
         {"2026-10-23T19:00:00Z", "2026-10-26T10:00:00Z", "2026-10-30T12:00:00Z", "2026-11-02T07:55:00Z"}) {
        school.now = parse_instant(at).value();
        school.poll();
        CHECK(school.mails.size() == (safety ? 1 : 0));
    }
    school.now = parse_instant("2026-11-02T09:00:00Z").value();
    school.poll();
    REQUIRE(school.mails.size() == 1);
    CHECK(school.mails[0].type == "alert.opened");
}

TEST_CASE("a rule met by a session that had not settled when it was last read is told with the next read", "[service]")
{
    small_school school;
    school.mis->page_size = 1'000;
    school.settings.rules = {england_rule("continuous-absence")};
    auto& marks = school.mis->marks;
    marks.clear();
    const auto add = [&](civil_day day, half_day half, const char* code) {
        marks.push_back({"M" + std::to_string(marks.size()), "A5", {day, half}, code});
    };
    const auto halves = {half_day::am, half_day::pm};
    civil_day day = ymd(2026, 9, 14);
    for (int n = 0; n < 7; ++n, day = school.settings.calendar.school_day_after(day, 1).value())
        for (const half_day half : halves)
            add(day, half, "/");

    const auto book = school.folder.open();
    cycle one_process(
        school.settings, school.parts, *book, [&] { return school.now; }, retry_pace{1, {}, {}}
    );
    const auto read_at = [&](std::string_view moment) {
        boost::asio::io_context loop(1);
        school.now = parse_instant(moment).value();
        read_options options;
        options.everything = true;
        const read_report report = test::run(loop, one_process.read(0, options, {}));
        test::run(loop, one_process.deliver());
        return report.failures.size();
    };
    REQUIRE(read_at("2026-11-24T17:00:00Z") == 0);
    school.mails.clear();

    day = ymd(2026, 11, 12);
    for (int n = 0; n < 9; ++n, day = school.settings.calendar.school_day_after(day, 1).value())
        for (const half_day half : halves)
            add(day, half, "O");
    const civil_day tenth = day;
    add(tenth, half_day::am, "O");
    add(tenth, half_day::pm, "O"); // closes at 13:30 and settles at 14:00
    const civil_day next = school.settings.calendar.school_day_after(tenth, 1).value();
    REQUIRE(read_at(format_day(tenth) + "T13:40:00Z") == 0);
    CHECK(school.mails.empty());
    add(next, half_day::am, "/"); // the run is over when the source answers again
    REQUIRE(read_at(format_day(next) + "T10:00:00Z") == 0);
    CHECK(school.mails.size() == 2); // two routes
    CHECK(school.count(R"("rule":"continuous-absence")") == 1);
    REQUIRE(read_at(format_day(next) + "T15:00:00Z") == 0);
    CHECK(school.mails.size() == 2);
}

namespace {

// A school with the rule of children to be looked out for, which is about everybody here, and the days of one of them.
struct watching_school {
    explicit watching_school(bool restarts_each_time) : restarts(restarts_each_time)
    {
        school.mis->page_size = 1'000;
        rule priority = england_rule("priority-child-absent");
        priority.cohort = {};
        school.settings.rules = {priority};
        school.mis->marks.clear();
    }
    void mark(unsigned day, half_day half, const char* code)
    {
        const session_id session{ymd(2026, 9, day), half};
        for (row& each : school.mis->marks)
            if (each.session == session) {
                each.code = code;
                return;
            }
        school.mis->marks.push_back({"M" + std::to_string(school.mis->marks.size()), "A5", session, code});
    }
    // What one route is told by a read at that moment.
    std::string read_at(std::string_view moment)
    {
        if (!process || restarts) {
            stop();
            book = school.folder.open();
            process = std::make_unique<cycle>(
                school.settings, school.parts, *book, [&] { return school.now; }, retry_pace{1, {}, {}}
            );
        }
        boost::asio::io_context loop(1);
        school.now = parse_instant(moment).value();
        read_options options;
        options.everything = true;
        const read_report report = test::run(loop, process->read(0, options, {}));
        test::run(loop, process->deliver());
        std::string told;
        for (const message& each : school.mails)
            if (each.id.find(".lead@") != std::string::npos) told += each.type + ";";
        school.mails.clear();
        return report.failures.empty() ? told : "failed";
    }
    void stop()
    {
        process.reset();
        book.reset();
    }

    bool restarts;
    small_school school;
    std::unique_ptr<ledger> book;
    std::unique_ptr<cycle> process;
};

} // namespace

TEST_CASE("that a child to be looked out for was absent is told also when it is first read on a later day", "[service]")
{
    const bool restarts = GENERATE(false, true);
    CAPTURE(restarts);
    watching_school at(restarts);
    using enum half_day;
    for (const unsigned day : {15, 16, 17, 18}) {
        at.mark(day, am, day < 17 ? "N" : "/"); // before Rollbook began
        at.mark(day, pm, "/");
    }
    CHECK(at.read_at("2026-09-18T17:00:00Z").empty());
    CHECK(at.read_at("2026-09-21T08:00:00Z").empty());
    at.mark(15, am, "I"); // the office puts one right, which says nothing of the others
    CHECK(at.read_at("2026-09-21T08:10:00Z").empty());
    at.mark(21, am, "N"); // the source gives Monday's marks on Tuesday, with some of Tuesday's
    at.mark(21, pm, "/");
    at.mark(22, am, "/");
    CHECK(at.read_at("2026-09-22T10:30:00Z") == "alert.opened;");
    CHECK(at.read_at("2026-09-22T11:00:00Z") == (restarts ? "alert.resolved;" : ""));
    CHECK(at.read_at("2026-09-22T17:00:00Z") == (restarts ? "" : "alert.resolved;"));
    at.mark(22, pm, "N"); // and what is missing of Tuesday on Wednesday
    at.mark(23, am, "/");
    at.mark(23, pm, "/");
    CHECK(at.read_at("2026-09-23T17:00:00Z") == "alert.opened;");
    CHECK(at.read_at("2026-09-24T17:00:00Z") == "alert.resolved;");
    at.mark(21, pm, "I");
    CHECK(at.read_at("2026-09-24T17:30:00Z").empty());
    at.stop();
    CHECK(at.school.folder.verify().problems.empty());
}

TEST_CASE("an alert stands for the afternoon of its first day when the morning turns out to be explained", "[service]")
{
    const bool restarts = GENERATE(false, true);
    CAPTURE(restarts);
    watching_school at(restarts);
    using enum half_day;
    at.mark(21, am, "/");
    at.mark(21, pm, "/");
    CHECK(at.read_at("2026-09-21T17:00:00Z").empty());
    at.mark(22, am, "N");
    CHECK(at.read_at("2026-09-22T10:30:00Z") == "alert.opened;");
    at.mark(22, am, "M");
    at.mark(22, pm, "N");
    CHECK(at.read_at("2026-09-22T17:00:00Z").empty());
    at.mark(23, am, "/");
    SECTION("it is over once another day is known")
    {
        CHECK(at.read_at("2026-09-23T10:30:00Z") == "alert.resolved;");
    }
    SECTION("it never was right when that is explained too")
    {
        at.mark(22, pm, "M");
        CHECK(at.read_at("2026-09-23T10:30:00Z") == "alert.withdrawn;");
    }
}

TEST_CASE("a child's absence that a person decided about is not told again with one of an earlier day", "[service]")
{
    const bool restarts = GENERATE(false, true);
    CAPTURE(restarts);
    watching_school at(restarts);
    using enum half_day;
    at.mark(17, am, "/");
    at.mark(17, pm, "/");
    CHECK(at.read_at("2026-09-18T17:00:00Z").empty());
    at.mark(22, am, "N");
    CHECK(at.read_at("2026-09-22T10:30:00Z") == "alert.opened;");
    {
        decision_request close;
        close.kind = decision_kind::close;
        close.about = std::as_const(at.book->state()).things(rollbook::what::alert).all().back().subject;
        close.outcome = "found";
        close.text = "seen";
        close.user = "root";
        REQUIRE(take_decision(*at.book, at.school.settings, close, at.school.now).has_value());
    }
    at.mark(21, am, "N");
    CHECK(at.read_at("2026-09-22T11:00:00Z") == "alert.opened;");
    CHECK(at.read_at("2026-09-22T11:30:00Z").empty());
    at.mark(22, pm, "/");
    CHECK(at.read_at("2026-09-22T17:00:00Z").empty());
    at.mark(23, am, "/");
    CHECK(at.read_at("2026-09-23T17:00:00Z") == "alert.resolved;");
    at.mark(23, pm, "N");
    CHECK(at.read_at("2026-09-23T17:30:00Z") == "alert.opened;");
}

TEST_CASE("what a dead route could not take in three days is given up without another try of each", "[service]")
{
    small_school school;
    school.settings.routes.resize(1);
    school.poll();
    for (const int pupil : {4, 5, 6, 7, 8})
        school.set(pupil, "L");
    int tries = 0;
    school.channels["lead"]->answer = failure(errc::delivery_unreachable, "no answer");
    school.channels["lead"]->on_send = [&] { ++tries; };
    school.now += std::chrono::minutes(10);
    school.poll();
    CHECK(tries == 1);
    CHECK(school.folder.reader()->outbox().waiting == 5);
    school.now += std::chrono::hours(73);
    school.poll();
    CHECK(tries == 2);
    CHECK(school.folder.reader()->outbox().waiting == 0);
    CHECK(school.folder.reader()->outbox().failed == 5);
}

TEST_CASE("an alert that a person closed does not begin anew for a pupil who has left", "[service]")
{
    const bool leaves = GENERATE(false, true);
    CAPTURE(leaves);
    small_school school;
    school.settings.routes.resize(1);
    rule missing = england_rule("missing-child");
    missing.cohort = {};
    school.settings.rules = {missing};
    std::erase_if(school.mis->pupils, [](const auto& each) { return each.first != "A5"; });
    school.mis->marks = {{"M0", "A5", am(ymd(2026, 9, 18)), "N"}};
    school.now = parse_instant("2026-09-18T08:45:00Z").value();
    school.poll(0);
    REQUIRE(school.mails.size() == 1);
    {
        const auto book = school.folder.open();
        decision_request close;
        close.kind = decision_kind::close;
        close.about = std::as_const(book->state()).things(rollbook::what::alert).all().back().subject;
        close.outcome = "moved";
        close.text = "moved school";
        close.user = "root";
        REQUIRE(take_decision(*book, school.settings, close, school.now).has_value());
    }
    if (leaves) school.mis->pupils.front().second = R"({"forename":"Zo","on_roll_to":"2026-09-18"})";
    school.mails.clear();
    for (const char* at : {"2026-09-21T07:00:00Z", "2026-09-21T08:45:00Z", "2026-09-22T08:45:00Z"}) {
        school.now = parse_instant(at).value();
        school.poll(0);
    }
    CHECK(school.mails.empty() == leaves);
}
