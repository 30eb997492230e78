#include "tests/support/planted_ledger.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

using namespace rollbook;
using namespace rollbook::support;

namespace {

std::multiset<std::string> payloads(const std::vector<draft>& drafts)
{
    std::multiset<std::string> all;
    for (const draft& each : drafts)
        all.insert(each.payload);
    return all;
}

// What a judge that has kept all along does not say of a read as one that begins anew.
std::string difference(
    planted_ledger& book,
    const school_calendar& calendar,
    const finding_settings& settings,
    const source_reading& reading,
    civil_day today,
    const std::vector<draft>& drafts
)
{
    finding_judge another(settings, calendar, "mis");
    const std::multiset<std::string> wanted = payloads(book.drafts_of(another, reading, today));
    const std::multiset<std::string> found = payloads(drafts);
    std::string differ;
    for (const std::string& each : wanted)
        if (!found.contains(each)) differ += "\nmissed: " + each;
    for (const std::string& each : found)
        if (!wanted.contains(each)) differ += "\nbeyond: " + each;
    return differ;
}

// A few pupils in ordinary weeks, judged after each read by one judge, and each time by one that begins anew.
class followed_school {
public:
    explicit followed_school(planted_school school = planted_school(1, 40))
        : school_(std::move(school)), book_(school_), kept_(settings_, school_.calendar, "mis")
    {
        for (auto& [kind, days] : settings_.settle)
            days = 1;
    }

    // The place of the Tuesday of two whole weeks without a day off.
    static std::size_t tuesday(const planted_school& school)
    {
        for (std::size_t at = 60;; ++at)
            if (school.days.at(at) == monday_of(school.days.at(at)) + std::chrono::days(1) &&
                school.days.at(at + 8) == school.days.at(at) + std::chrono::days(10) &&
                school.days.at(at - 1) == school.days.at(at) - std::chrono::days(1))
                return at;
    }

    // The kinds of what opened (+) and closed (-).
    std::multiset<std::string> judge(const source_reading& reading, std::size_t day)
    {
        const std::vector<draft> drafts = book_.drafts_of(kept_, reading, school_.days.at(day));
        CHECK(difference(book_, school_.calendar, settings_, reading, school_.days.at(day), drafts) == "");
        book_.take(drafts);
        std::multiset<std::string> kinds;
        for (const draft& each : drafts) {
            const auto& row = std::get<thing_version>(each.row);
            kinds.insert((row.gone ? "-" : "+") + row.key.substr(0, row.key.find('/')));
        }
        return kinds;
    }
    const std::string& id(std::size_t pupil) const { return school_.pupils[pupil].id; }
    source_reading incident(const std::string& name, std::size_t day)
    {
        return book_.read_records(
            {{what::incident,
              name,
              {},
              R"({"day":")" + format_day(school_.days.at(day)) +
                  R"(","location":"Classroom","time":"10:00","type":"Vandalism"})"}}
        );
    }
    source_reading part(const std::string& name, std::size_t pupil, const std::string& incident)
    {
        return book_.read_records(
            {{what::involvement, name, id(pupil), R"({"of":"incident","record":")" + incident + "\"}"}}
        );
    }
    source_reading mark(int pupil, std::size_t day, const std::string& code)
    {
        return book_.read_mark(pupil, {school_.days.at(day), half_day::am}, code);
    }
    source_reading nothing() { return book_.begin(); }

private:
    const planted_school school_;
    planted_ledger book_;
    finding_settings settings_ = planted_ledger::settings();
    finding_judge kept_;
};

// A school year of a few pupils with gaps, wrong codes and all that is planted, lived through by chance.
class lived_year {
public:
    explicit lived_year(std::uint32_t seed)
        : dice_(seed), school_(made(seed)), book_(school_), settings_(settings(seed)),
          kept_(settings_, school_.calendar, "mis")
    {
        day_ = 40;
    }

    // One read and its judging; what the judge that has kept all along does not say as one that begins anew.
    std::string step()
    {
        if (below(10) == 0) {
            (void)next_reading(); // broke off when its pages were taken in
            kept_.judge_anew();
        }
        const source_reading reading = next_reading();
        const civil_day today = school_.days[day_];
        const std::vector<draft> drafts = book_.drafts_of(kept_, reading, today);
        std::string differ = difference(book_, school_.calendar, settings_, reading, today, drafts);
        made_ += drafts.size();
        book_.take(drafts);
        return differ;
    }
    std::size_t made() const { return made_; }

private:
    static planted_school made(std::uint32_t seed)
    {
        planted_school school(seed, 40);
        (void)school.plant(25);
        std::mt19937 dice(seed);
        for (planted_pupil& each : school.pupils)
            for (std::string& code : each.codes)
                if (dice() % 60 == 0) code.clear();
        return school;
    }
    // Every second school waits for nothing to settle, so that nothing but the kinds' own days hides what is not looked
    // at.
    static finding_settings settings(std::uint32_t seed)
    {
        finding_settings made = planted_ledger::settings();
        if (seed % 2 == 0)
            for (auto& [kind, days] : made.settle)
                days = 1;
        return made;
    }
    std::size_t below(std::size_t many) { return dice_() % many; }

    source_reading next_reading()
    {
        const int pupil = static_cast<int>(below(school_.pupils.size()));
        const planted_pupil& who = school_.pupils[static_cast<std::size_t>(pupil)];
        switch (below(12)) {
        case 0:
        case 1:
        case 2:
        case 3: day_ = std::min(day_ + 1 + below(3), school_.days.size() - 1); return book_.begin();
        case 4: day_ -= std::min(day_, below(4) > 0 ? below(3) : below(15)); return book_.begin();
        case 5: return book_.read_records({incident()});
        case 6: {
            const reported_record of = incident();
            return book_.read_records(
                {of,
                 {what::involvement,
                  "J" + std::to_string(below(40)), // often one that was somebody else's, or of another incident
                  school_.pupils[below(3)].id,
                  R"({"of":"incident","record":")" + std::string(of.source_id) + "\"}"}}
            );
        }
        case 7:
            if (below(4) > 0) break;
            return book_.read_records(
                {{what::pupil,
                  who.id,
                  who.id,
                  R"({"date_of_birth":"2012-02-03","forename":"F","on_roll_from":")" +
                      format_day(school_.days[below(60)]) + R"(","registration_group":")" +
                      school_.pupils[below(40)].form + R"(","surname":"S"})"}}
            );
        case 8: {
            const std::size_t first = below(day_ + 1);
            return book_.read_records(
                {{what::suspension,
                  "T" + std::to_string(below(60)),
                  who.id,
                  R"({"from":")" + format_day(school_.days[first]) +
                      R"(","from_session":"AM","kind":"Suspension","to":")" +
                      format_day(school_.days[std::min(first + below(4), school_.days.size() - 1)]) +
                      R"(","to_session":"PM"})"}}
            );
        }
        default: break;
        }
        const char* const codes[] = {"/", "\\", "N", "I", "L", "E", "C2", "X", "Q9", "-", "G", "#"};
        const std::size_t back = below(3) > 0 ? below(3) : below(day_ + 1);
        const session_id session{
            school_.days[day_ - std::min(day_, back)], below(2) == 0 ? half_day::am : half_day::pm};
        return book_.read_mark(pupil, session, codes[below(std::size(codes))]);
    }

    reported_record incident()
    {
        const char* const types[] = {"Bullying", "Restraint", "Truancy", "Missing"};
        const std::string time =
            below(3) == 0 ? std::string() : "\"time\":\"" + std::to_string(10 + below(2)) + ":00\",";
        const std::size_t back = below(4) > 0 ? below(3) : below(day_ + 1);
        return {
            what::incident,
            "B" + std::to_string(below(4) > 0 ? 900 + below(20) : below(60)),
            {},
            R"({"day":")" + format_day(school_.days[day_ - std::min(day_, back)]) + R"(","location":"Classroom",)" +
                time + R"("type":")" + types[below(4)] + "\"}"};
    }

    std::mt19937 dice_;
    planted_school school_;
    planted_ledger book_;
    const finding_settings settings_;
    finding_judge kept_;
    std::size_t day_ = 0;
    std::size_t made_ = 0;
};

} // namespace

TEST_CASE("judged read by read, findings are at each read those that a judging of everybody makes", "[reconcile]")
{
    const auto seed = GENERATE(range(1u, 5u));
    CAPTURE(seed);
    lived_year year(seed);
    std::string differ;
    for (int step = 0; step < 250 && differ.empty(); ++step) {
        INFO("step " << step);
        differ = year.step();
        REQUIRE(differ == "");
    }
    CHECK(year.made() > 200);
}

TEST_CASE(
    "of two incidents that were one and the same, what happens to either ends the finding at that read", "[reconcile]"
)
{
    followed_school school;
    const std::size_t day = 60;
    (void)school.judge(school.nothing(), day);
    (void)school.judge(school.incident("I1", day), day);
    (void)school.judge(school.part("J1", 0, "I1"), day);
    (void)school.judge(school.incident("I2", day), day);
    CHECK(school.judge(school.part("J2", 0, "I2"), day).contains("+incident-duplicate"));

    SECTION("the pupil of the first is corrected")
    {
        CHECK(school.judge(school.part("J1", 1, "I1"), day).contains("-incident-duplicate"));
    }
    SECTION("the pupil of the second is corrected")
    {
        CHECK(school.judge(school.part("J2", 1, "I2"), day).contains("-incident-duplicate"));
    }
    SECTION("the pupil's part turns out to be in another incident")
    {
        (void)school.judge(school.incident("I3", day - 5), day);
        CHECK(school.judge(school.part("J1", 0, "I3"), day).contains("-incident-duplicate"));
    }
    SECTION("the first was on another day")
    {
        CHECK(school.judge(school.incident("I1", day - 5), day).contains("-incident-duplicate"));
    }
    SECTION("the second was on another day")
    {
        CHECK(school.judge(school.incident("I2", day - 5), day).contains("-incident-duplicate"));
    }
    SECTION("the first was on another day, and that was another day yet")
    {
        (void)school.judge(school.incident("I1", day - 5), day);
        (void)school.judge(school.incident("I2", day - 5), day);
        CHECK(school.judge(school.incident("I1", day - 9), day).contains("-incident-duplicate"));
    }
}

TEST_CASE(
    "a reason becomes due and overdue on its day, in the middle of a week too, and no longer is when the clock goes "
    "back",
    "[reconcile]"
)
{
    const planted_school plain(1, 40);
    const std::size_t tuesday = followed_school::tuesday(plain);
    followed_school school(plain);
    (void)school.judge(school.nothing(), tuesday);
    (void)school.judge(school.mark(0, tuesday, "N"), tuesday);
    std::multiset<std::string> last;
    for (std::size_t day = tuesday + 1; day <= tuesday + 5; ++day)
        last = school.judge(school.nothing(), day);
    CHECK_FALSE(last.contains("+reason-overdue"));
    CHECK(school.judge(school.nothing(), tuesday + 6).contains("+reason-overdue"));
    (void)school.judge(school.nothing(), tuesday + 8);
    CHECK(school.judge(school.nothing(), tuesday + 5).contains("-reason-overdue"));
}

TEST_CASE("a register of weeks ago that is taken by now says at once whose marks it lacks", "[reconcile]")
{
    planted_school plain(1, 40);
    const std::size_t tuesday = followed_school::tuesday(plain);
    const std::string form = plain.pupils[0].form;
    // It counts as taken with the marks of more than half: one is missing to that.
    const auto of_form = std::ranges::count(plain.pupils, form, &planted_pupil::form);
    auto left = of_form - of_form / 2;
    for (planted_pupil& each : plain.pupils)
        if (each.form == form && left-- > 0) each.codes[(tuesday - 30) * 2].clear();
    followed_school school(plain);
    (void)school.judge(school.nothing(), tuesday);
    const std::size_t day = tuesday + GENERATE(std::size_t{0}, std::size_t{1});
    CHECK(school.judge(school.mark(0, tuesday - 30, "/"), day).contains("+mark-missing"));
}

TEST_CASE(
    "that an incident of weeks ago contradicts a mark stands while days go by, and ends at the read that mends either",
    "[reconcile]"
)
{
    const planted_school plain(1, 40);
    const std::size_t tuesday = followed_school::tuesday(plain);
    const std::size_t then = tuesday - 30;
    followed_school school(plain);
    (void)school.judge(school.nothing(), tuesday - 1);
    (void)school.judge(school.incident("I1", then), tuesday - 1);
    (void)school.judge(school.part("J1", 0, "I1"), tuesday - 1);
    const bool is_later_marked = GENERATE(false, true);
    if (is_later_marked) (void)school.judge(school.mark(0, then, "/"), tuesday);
    CHECK(school.judge(school.mark(0, then, "I"), tuesday).contains("+incident-contradicts-mark"));
    // Of a day in the middle of a week only what is young is judged again.
    const std::size_t day = tuesday + 1;
    CHECK_FALSE(school.judge(school.nothing(), day).contains("-incident-contradicts-mark"));

    SECTION("the mark is corrected")
    {
        CHECK(school.judge(school.mark(0, then, "/"), day).contains("-incident-contradicts-mark"));
    }
    SECTION("the mark is corrected on a day when everybody is judged")
    {
        CHECK(school.judge(school.mark(0, then, "/"), day + 1).contains("-incident-contradicts-mark"));
    }
    SECTION("the incident was on another day")
    {
        CHECK(school.judge(school.incident("I1", then - 3), day).contains("-incident-contradicts-mark"));
    }
    SECTION("somebody else was in it")
    {
        CHECK(school.judge(school.part("J1", 1, "I1"), day).contains("-incident-contradicts-mark"));
    }
}
