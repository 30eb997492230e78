#include "tests/unit/web/site_fixture.hpp"

namespace rollbook {
namespace {

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

} // namespace rollbook
