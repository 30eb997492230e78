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
