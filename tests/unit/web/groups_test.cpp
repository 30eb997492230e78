#include "tests/unit/web/site_fixture.hpp"

namespace rollbook {
namespace {

// With Ana five: that year is then hidden with Ben's, which nobody knows, and no other.
void four_of_year_eight(site_fixture& school)
{
    for (int n = 0; n < 4; ++n)
        school.pupil("mis", ("E" + std::to_string(n)).c_str(), R"({"forename":"Eve","surname":"Earl","year":"8"})");
}

// Six pupils of the MIS who are looked after, six who are not, and as many with another flag as asked.
struct flags_fixture : site_fixture {
    explicit flags_fixture(int with_plan = 2)
    {
        for (int n = 0; n < 12; ++n) {
            const std::string flags = std::string(n < 6 ? R"("looked_after")" : "") +
                                      (n < 6 && n < with_plan ? "," : "") + (n < with_plan ? R"("ehcp")" : "");
            pupil(
                "mis",
                ("F" + std::to_string(n)).c_str(),
                R"({"flags":[)" + flags + R"(],"forename":"Fay","registration_group":"9A","surname":"Fox","year":"9"})"
            );
        }
        four_of_year_eight(*this);
        open();
    }

    // "NAME pupils" or "NAME hidden", in order
    std::string rows(const std::string& by)
    {
        std::string said;
        const json_document document = json_document::parse(get("/groups.json?by=" + by).body).value();
        document.root()["groups"].for_each_element([&](json_view each) {
            said += std::string(each["name"].string_if().value_or("?")) + " ";
            said += each["hidden"].bool_if().value_or(false)
                        ? "hidden; "
                        : std::to_string(each["pupils"].int_if().value_or(-1)) + "; ";
        });
        return said;
    }
};

} // namespace

TEST_CASE_METHOD(flags_fixture, "pupils with a flag stand beside those without, and a few hide both", "[web]")
{
    log_in(role::dsl);
    const std::string shown = rows("flag");
    CHECK_THAT(shown, Catch::Contains("looked after 6; not looked after "));
    CHECK_THAT(shown, Catch::Contains("ehcp hidden; not ehcp hidden; "));
    CHECK_THAT(shown, !Catch::Contains("fsm")); // nobody has it, or no rule asks for it
    CHECK_THAT(get("/groups?by=flag").body, Catch::Contains("By flag") && Catch::Contains("looked after"));
    CHECK_THAT(get("/groups.csv?by=flag").body, Catch::Contains("looked after,6"));
}

TEST_CASE_METHOD(flags_fixture, "a form that is too small is hidden with another of its own year", "[web]")
{
    const auto add = [&](int count, const std::string& form) {
        for (int n = 0; n < count; ++n)
            pupil(
                "mis",
                (form + std::to_string(n)).c_str(),
                R"({"forename":"Fay","registration_group":")" + form + R"(","surname":"Fox","year":"9"})"
            );
    };
    add(4, "9B");
    add(13, "9C");
    open();
    log_in(role::dsl);
    // Year 9 is told, so that the two forms that are shown would give the third away.
    CHECK_THAT(rows("year"), Catch::Contains("9 29; "));
    CHECK_THAT(rows("form"), Catch::Contains("9A hidden; 9B hidden; 9C 13; "));
}

TEST_CASE("five with a flag are shown, and four are not", "[web]")
{
    const int with_plan = GENERATE(4, 5);
    flags_fixture school(with_plan);
    school.log_in(role::dsl);
    CHECK((school.rows("flag").find("ehcp 5; ") != std::string::npos) == (with_plan == 5));
    CHECK((school.rows("flag").find("ehcp hidden; not ehcp hidden; ") != std::string::npos) == (with_plan == 4));
}

TEST_CASE_METHOD(flags_fixture, "totals by flag are for who may see safeguarding alone", "[web]")
{
    for (const role as : {role::lead, role::senior, role::governor}) {
        CAPTURE(name_of(as));
        log_in(as);
        CHECK(rows("flag") == rows("year"));
        for (const char* path : {"/groups?by=flag", "/groups.json?by=flag", "/groups.csv?by=flag"}) {
            CHECK(get(path).status == 200);
            CHECK_THAT(get(path).body, !Catch::Contains("looked after"));
        }
        CHECK_THAT(get("/groups").body, !Catch::Contains("By flag"));
    }
}

TEST_CASE_METHOD(
    flags_fixture, "who may not know single pupils is told no count of a form, which its year would give away", "[web]"
)
{
    const auto [who, in_forms] =
        GENERATE(table<role, std::string>({{role::lead, R"("persistent":0)"}, {role::governor, "not shown"}}));
    CAPTURE(name_of(who));
    log_in(who);
    CHECK_THAT(get("/groups.json?by=form").body, Catch::Contains(in_forms));
    CHECK_THAT(get("/groups.json").body, Catch::Contains(R"("persistent":0)") && !Catch::Contains("not shown"));
}

TEST_CASE("a count that is too small to tell takes the smallest others with it", "[web]")
{
    using counts = std::vector<std::int64_t>;
    using texts = std::vector<std::string>;
    const auto [why, all, hidden, told] = GENERATE(table<std::string, counts, std::set<std::size_t>, texts>({
        {"none is small", {7, 12, 0}, {}, {"7", "12", "0"}},
        {"one alone", {7, 4, 12}, {}, {"not shown", "not shown", "12"}},
        {"five may be told", {7, 5, 12}, {}, {"7", "5", "12"}},
        {"two that are five together", {7, 4, 1}, {}, {"7", "fewer than 5", "fewer than 5"}},
        {"two that are three together", {9, 2, 1, 12}, {}, {"not shown", "not shown", "not shown", "12"}},
        {"nobody hides no count", {0, 4, 12}, {}, {"0", "not shown", "not shown"}},
        {"one beside a hidden group of enough", {7, 4, 12}, {2}, {"7", "fewer than 5", ""}},
        {"one beside a hidden group of none", {7, 4, 0, 12}, {2}, {"not shown", "not shown", "", "12"}},
        {"hidden groups of a few", {7, 1, 2, 12}, {1, 2}, {"not shown", "", "", "12"}},
    }));
    CAPTURE(why);
    std::vector<group_row> rows(all.size());
    for (const std::size_t each : hidden)
        rows[each].is_hidden = true;
    CHECK(counts_told(rows, all) == told);
}

TEST_CASE("groups that are fewer than five together hide the smallest other, and five do not", "[web]")
{
    const auto [of_c, told] = GENERATE(table<int, std::string>(
        {{2, "7A hidden; 7B hidden; 7C hidden; 7D 9; "}, {3, "7A 6; 7B hidden; 7C hidden; 7D 9; "}}
    ));
    flags_fixture school;
    for (const auto& [form, count] : {std::pair("7A", 6), {"7B", 2}, {"7C", of_c}, {"7D", 9}})
        for (int n = 0; n < count; ++n)
            school.pupil(
                "mis",
                (form + std::to_string(n)).c_str(),
                R"({"forename":"Fay","registration_group":")" + std::string(form) + R"(","surname":"Fox","year":"7"})"
            );
    school.open();
    school.log_in(role::governor);
    CHECK_THAT(school.rows("form"), Catch::Contains(told));
}

// Six of year 7. In the first week all have sessions, in the second as many as asked, in the third and fourth all
// again.
struct weeks_fixture : site_fixture {
    explicit weeks_fixture(int in_second)
    {
        for (int n = 0; n < 6; ++n) {
            const entry_index one = pupil(
                "mis",
                ("W" + std::to_string(n)).c_str(),
                R"({"forename":"<b>Wyn","registration_group":"7A","year":"7"})"
            );
            for (const auto& [day, raw] :
                 {std::pair("2026-11-02", "/"), {"2026-11-09", "O"}, {"2026-11-16", "/"}, {"2026-11-17", "/"}}) {
                if (raw[0] == 'O' && n >= in_second) continue;
                mark_version row;
                row.session = {on(day), half_day::am};
                row.pupil = one;
                row.source = "mis";
                row.raw = row.statutory = raw;
                ledger->append(first_read, mark_entry(reported_mark{}, row, {{}, first_read, true}));
            }
        }
        four_of_year_eight(*this);
        open();
    }
};

TEST_CASE("a week of fewer than five pupils is in no table, file or picture, and neither is another", "[web]")
{
    const auto [in_second, weeks] = GENERATE(table<int, std::string>(
        {{5, "7,2026-11-02,0.0,false\r\n7,2026-11-09,100.0,false\r\n7,2026-11-16,0.0,false\r\n"},
         {4, "7,2026-11-02,,true\r\n7,2026-11-09,,true\r\n7,2026-11-16,0.0,false\r\n"}}
    ));
    CAPTURE(in_second);
    weeks_fixture school(in_second);
    for (const role as : {role::lead, role::governor, role::auditor}) {
        school.log_in(as);
        CHECK_THAT(school.get("/groups.csv?rows=weeks").body, Catch::Contains(weeks));
        CHECK_THAT(school.get("/groups.csv?rows=weekdays").body, Catch::Contains("7,monday,AM"));
        const std::string page = school.get("/groups").body;
        const bool is_told = in_second == 5;
        CHECK((page.find("highest 100 % (9 Nov)") != std::string::npos) == is_told);
        CHECK_THAT(page, Catch::Contains("id=\"trend-1-title\">7: absent by week") && !Catch::Contains("Wyn"));
        // The picture has a point for each week that the table tells of, and the scale is of those alone.
        const std::string trend =
            page.substr(page.find("id=\"trend-1-title\""), page.find("</svg>") - page.find("id=\"trend-1-title\""));
        std::size_t points = 0;
        for (std::size_t at = 0; (at = trend.find("<circle", at)) != trend.npos; ++at)
            ++points;
        CHECK(points == (is_told ? 3U : 1U));
        CHECK((trend.find(">200<") != std::string::npos || trend.find(">100<") != std::string::npos) == is_told);
    }
    school.log_in(role::admin);
    CHECK(school.get("/groups.json").status == 404);
}

TEST_CASE("a group's name is text in its pictures", "[web]")
{
    site_fixture school;
    for (int n = 0; n < 10; ++n) {
        const entry_index one =
            school.pupil("mis", ("X" + std::to_string(n)).c_str(), R"({"registration_group":"<i>7\"A","year":"7"})");
        mark_version row;
        row.session = {on("2026-11-02"), half_day::am};
        row.pupil = one;
        row.source = "mis";
        row.raw = row.statutory = "/";
        school.ledger->append(school.first_read, mark_entry(reported_mark{}, row, {{}, school.first_read, true}));
    }
    four_of_year_eight(school);
    school.open();
    school.log_in(role::lead);
    const std::string page = school.get("/groups?by=form").body;
    CHECK_THAT(page, Catch::Contains("&lt;i&gt;7&quot;A: absent by week") && !Catch::Contains("<i>7"));
}

} // namespace rollbook
