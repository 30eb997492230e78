#include "tests/unit/reconcile/two_systems.hpp"

#include "daemon/domain/upn.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <map>

using namespace rollbook;
using namespace rollbook::support;
using Catch::Matchers::Contains;

namespace {

// A UPN with the right check letter, of the authority that does not exist.
std::string upn_of(int number)
{
    const std::string digits = std::to_string(990'000'126'000 + number);
    for (char letter = 'A'; letter <= 'Z'; ++letter)
        if (upn::parse(letter + digits)) return letter + digits;
    FAIL("no letter fits");
    return {};
}

std::string fields(const std::string& upn, const std::string& mis_id = {}, const std::string& former = {})
{
    std::string text = "{";
    if (!former.empty()) text += R"("former_upn":")" + former + R"(",)";
    if (!mis_id.empty()) text += R"("mis_id":")" + mis_id + R"(",)";
    return text + R"("upn":")" + upn + R"("})";
}

std::string person(
    const std::string& forename,
    const std::string& surname,
    const std::string& born,
    const std::string& year = {},
    const std::string& more = {}
)
{
    std::string text =
        R"({"date_of_birth":")" + born + R"(","forename":")" + forename + R"(","surname":")" + surname + '"';
    if (!more.empty()) text += "," + more;
    if (!year.empty()) text += R"(,"year":")" + year + '"';
    return text + "}";
}

std::string form(const std::string& name)
{
    return R"("registration_group":")" + name + '"';
}

} // namespace

TEST_CASE("why a record is linked or not is said with the points of who comes near", "[reconcile]")
{
    struct row {
        const char* why;
        std::string first, second, other; // two pupils of the MIS, one record
        const char* state;
        const char* by;
        const char* says;
    };
    const std::string one = person("Zoe", "Thompson", "2012-05-03");
    const auto each = GENERATE_COPY(values<row>({
        {"the same UPN", fields(upn_of(1)), fields(upn_of(2)), fields(upn_of(1)), "linked", "upn", "the same UPN"},
        {"names", one, person("Max", "Field", "2011-01-01"), one, "linked", "name", "at least 90 points"},
        {"twins by name", one, one, one, "review", "", "More than one pupil is as near"},
        {"another surname",
         one,
         fields(upn_of(2)),
         person("Zoe", "Hill", "2012-05-03"),
         "review",
         "",
         "surname differs"},
        {"nobody", one, fields(upn_of(2)), person("Max", "Field", "2011-01-01"), "not-linked", "", "nobody has the 60"},
    }));
    CAPTURE(each.why);
    two_systems school;
    const entry_index pupil = school.pupil("mis", "A1", each.first);
    school.pupil("mis", "A2", each.second);
    const entry_index record = school.pupil("cpoms", "C1", each.other);
    school.link();
    const link_answer answer = why_linked(school.held, "mis", record).value();
    CHECK(answer.state == each.state);
    CHECK(answer.by == each.by);
    CHECK_THAT(answer.why, Contains(each.says));
    const link_answer asked = why_linked(school.held, "mis", record, pupil).value();
    CHECK(std::ranges::count(asked.near, pupil, &link_answer::near_pupil::pupil) == 1);
    CHECK(why_linked(school.held, "mis", pupil).error().code == errc::not_found);
    CHECK(why_linked(school.held, "mis", record, record).error().code == errc::not_found);
}

TEST_CASE("a pupil whom a person ruled out is shown so, and a leaver is said to be one", "[reconcile]")
{
    two_systems school;
    const entry_index pupil = school.pupil("mis", "A1", person("Zoe", "Thompson", "2012-05-03"));
    const entry_index record = school.pupil("cpoms", "C1", person("Zoe", "Thompson", "2012-05-03"));
    school.link();
    school.decide(record, pupil, false);
    const link_answer refused = why_linked(school.held, "mis", record, pupil).value();
    CHECK(refused.state == "not-linked");
    REQUIRE(refused.near.size() == 1);
    CHECK(refused.near[0].refused);
    CHECK_THAT(refused.why, Contains("A person said that the two are not one."));
    school.leave("mis", "A1");
    CHECK_THAT(why_linked(school.held, "mis", record, pupil).value().why, Contains("A person said"));
    const entry_index other = school.pupil("cpoms", "C2", person("Zoe", "Thompson", "2012-05-03"));
    CHECK_THAT(why_linked(school.held, "mis", other, pupil).value().why, Contains("has left the MIS"));
}

TEST_CASE("a pupil of another system is linked by id, then UPN, then former UPN", "[reconcile]")
{
    const auto [why, mis, other, by] = GENERATE(table<std::string, std::string, std::string, std::string>({
        {"the MIS's own id", fields(upn_of(1)), fields("", "A1"), "source-id"},
        {"the id before the UPN", fields(upn_of(1)), fields(upn_of(1), "A1"), "source-id"},
        {"the UPN", fields(upn_of(1)), fields(upn_of(1)), "upn"},
        {"the former UPN", fields(upn_of(1), "", upn_of(2)), fields(upn_of(2)), "former-upn"},
        {"the admission number",
         R"({"admission_number":"004711"})",
         R"({"admission_number":"004711"})",
         "admission-number"},
        {"names and date of birth",
         person("Zoë", "O'Hara", "2012-05-03"),
         person("ZOE", "O\u2019Hara", "2012-05-03"),
         "name"},
        {"day and month swapped, in the same year",
         person("Zoë", "O'Hara", "2012-05-03", "9"),
         person("Zoe", "OHara", "2012-03-05", "9"),
         "name"},
        {"one letter of a surname",
         person("Zoe", "Thompson", "2012-05-03"),
         person("Zoe", "Tompson", "2012-05-03"),
         "name"},
        {"one of two surnames", person("Zoe", "Khan-Lee", "2012-05-03"), person("Zoe", "Lee", "2012-05-03"), "name"},
    }));
    CAPTURE(why);
    two_systems school;
    const entry_index pupil = school.pupil("mis", "A1", mis);
    school.pupil("mis", "A9", fields(upn_of(9)));
    const entry_index record = school.pupil("cpoms", "C1", other);
    const link_outcome outcome = school.link();
    REQUIRE(outcome.links.size() == 1);
    CHECK(outcome.links[0].pupil == pupil);
    CHECK(outcome.links[0].other == record);
    CHECK(outcome.links[0].by == by);
    CHECK(person_of(school.held, record) == pupil);
    CHECK(is_known_person(school.held, "mis", record));
    school.link();
    CHECK(school.written.empty());
}

TEST_CASE("an ambiguous pupil is never given to one of the candidates", "[reconcile]")
{
    two_systems school;
    school.pupil("mis", "A1", fields(upn_of(1)));
    school.pupil("mis", "A2", fields(upn_of(2), "", upn_of(3)));
    school.pupil("mis", "A3", fields(upn_of(4), "", upn_of(3)));
    const auto [why, text] = GENERATE(table<std::string, std::string>({
        {"the id says one, the UPN another", fields(upn_of(2), "A1")},
        {"two had the UPN before", fields(upn_of(3))},
    }));
    CAPTURE(why);
    const entry_index record = school.pupil("cpoms", "C1", text);
    const link_outcome outcome = school.link();
    CHECK(outcome.links.empty());
    REQUIRE(outcome.ambiguous.size() == 1);
    CHECK(outcome.ambiguous[0].other == record);
    CHECK(outcome.ambiguous[0].candidates.size() == 2);
    CHECK(school.written.empty());
    CHECK(person_of(school.held, record) == record);
    CHECK_FALSE(is_known_person(school.held, "mis", record));
}

TEST_CASE("a UPN with a wrong check letter links nobody", "[reconcile]")
{
    two_systems school;
    std::string wrong = upn_of(1);
    wrong[0] = wrong[0] == 'A' ? 'B' : 'A';
    school.pupil("mis", "A1", fields(wrong));
    const entry_index record = school.pupil("cpoms", "C1", fields(wrong));
    CHECK(school.link().unmatched == std::vector<entry_index>{record});
}

TEST_CASE("a leaver stays the same person, however the link was made", "[reconcile]")
{
    const std::string other = GENERATE(fields("", "A1"), fields(upn_of(1)), fields(upn_of(2)));
    CAPTURE(other);
    two_systems school;
    const entry_index pupil = school.pupil("mis", "A1", fields(upn_of(1), "", upn_of(2)));
    const entry_index record = school.pupil("cpoms", "C1", other);
    school.link();
    school.leave("mis", "A1");
    const link_outcome after = school.link();
    CHECK(after.unmatched.empty());
    CHECK(school.written.empty());
    CHECK(person_of(school.held, record) == pupil);
}

TEST_CASE("a pupil on roll is taken before a leaver with the same UPN", "[reconcile]")
{
    two_systems school;
    school.pupil("mis", "A1", fields(upn_of(1)));
    const entry_index record = school.pupil("cpoms", "C1", fields(upn_of(1)));
    school.link();
    school.leave("mis", "A1");
    const entry_index back = school.pupil("mis", "A2", fields(upn_of(1))); // came back under a new id
    const link_outcome after = school.link();
    REQUIRE(after.links.size() == 1);
    CHECK(after.links[0].pupil == back);
    CHECK(person_of(school.held, record) == back);
}

TEST_CASE("a link ends with its record and is made again when it comes back", "[reconcile]")
{
    two_systems school;
    const entry_index pupil = school.pupil("mis", "A1", fields(upn_of(1)));
    const entry_index record = school.pupil("cpoms", "C1", fields(upn_of(1)));
    school.link();
    school.leave("cpoms", "C1");
    school.link();
    REQUIRE(school.written.size() == 1);
    CHECK_THAT(school.written[0].payload, Contains(R"("state":"unlinked")"));
    CHECK(person_of(school.held, record) == record);
    school.pupil("cpoms", "C1", fields(upn_of(1)));
    school.link();
    REQUIRE(school.written.size() == 1);
    CHECK(person_of(school.held, record) == pupil);
    const auto row = std::get<thing_version>(school.written[0].row);
    CHECK(row.subject != no_entry);
    CHECK(std::get<thing_version>(project(school.written[0].payload, 99, plain_digest).value()).key == row.key);
}

TEST_CASE("what is only near is left to a person", "[reconcile]")
{
    const auto [why, mis, other] = GENERATE(table<std::string, std::string, std::string>({
        {"another surname", person("Zoe", "Thompson", "2012-05-03", "9"), person("Zoe", "Baker", "2012-05-03", "9")},
        {"a twin's forename one letter out",
         person("Ellie", "Baker", "2012-05-03", "9"),
         person("Elsie", "Baker", "2012-05-03", "9")},
        {"a short form", person("Samuel", "Baker", "2012-05-03"), person("Sam", "Baker", "2012-05-03")},
        {"one figure of the date", person("Samuel", "Baker", "2012-05-03"), person("Samuel", "Baker", "2012-05-08")},
        {"no date of birth", person("Samuel", "Baker", "2012-05-03"), R"({"forename":"Samuel","surname":"Baker"})"},
    }));
    CAPTURE(why);
    two_systems school;
    const entry_index pupil = school.pupil("mis", "A1", mis);
    const entry_index record = school.pupil("cpoms", "C1", other);
    const link_outcome outcome = school.link();
    CHECK(outcome.links.empty());
    REQUIRE(outcome.likely.size() == 1);
    CHECK(outcome.likely[0].other == record);
    REQUIRE(outcome.likely[0].candidates.size() == 1);
    CHECK(outcome.likely[0].candidates[0].pupil == pupil);
    CHECK(outcome.likely[0].candidates[0].score.parts.size() == 5);
    CHECK(school.written.empty());
}

TEST_CASE("people who share a name or a birthday are not one", "[reconcile]")
{
    const auto [why, mis, other] = GENERATE(table<std::string, std::string, std::string>({
        {"twins", person("Amir", "Khan", "2012-05-03"), person("Bilal", "Khan", "2012-05-03")},
        {"siblings", person("Amir", "Khan", "2012-05-03"), person("Amina", "Khan", "2014-01-30")},
        {"namesakes", person("Amir", "Khan", "2012-05-03"), person("Amir", "Khan", "2013-11-21")},
        {"a birthday", person("Amir", "Khan", "2012-05-03"), person("Zoe", "Baker", "2012-05-03")},
    }));
    CAPTURE(why);
    two_systems school;
    school.pupil("mis", "A1", mis);
    const entry_index record = school.pupil("cpoms", "C1", other);
    const link_outcome outcome = school.link();
    CHECK(outcome.unmatched == std::vector<entry_index>{record});
    CHECK(outcome.likely.empty());
}

TEST_CASE("of twins each is linked to the right one, however near their names", "[reconcile]")
{
    two_systems school;
    const entry_index ellie = school.pupil("mis", "A1", person("Ellie", "Baker", "2012-05-03", "9"));
    const entry_index elsie = school.pupil("mis", "A2", person("Elsie", "Baker", "2012-05-03", "9"));
    const entry_index second = school.pupil("cpoms", "C2", person("Elsie", "Baker", "2012-05-03", "9"));
    const entry_index first = school.pupil("cpoms", "C1", person("Ellie", "Baker", "2012-05-03", "9"));
    const link_outcome outcome = school.link();
    CHECK(outcome.links.size() == 2);
    CHECK(person_of(school.held, first) == ellie);
    CHECK(person_of(school.held, second) == elsie);
}

TEST_CASE("two with one name and birthday, and two records of one pupil, are left to a person", "[reconcile]")
{
    const std::string same = person("Amir", "Khan", "2012-05-03");
    two_systems school;
    SECTION("two pupils")
    {
        school.pupil("mis", "A1", same);
        school.pupil("mis", "A2", same);
        school.pupil("cpoms", "C1", same);
        CHECK(school.link().likely.size() == 1);
    }
    SECTION("two records")
    {
        school.pupil("mis", "A1", same);
        school.pupil("cpoms", "C1", same);
        school.pupil("cpoms", "C2", same);
        CHECK(school.link().likely.size() == 2);
    }
    CHECK(school.written.empty());
}

TEST_CASE("a second look links who is left by one slip, and leaves to a person what may be two children", "[reconcile]")
{
    struct school_of {
        const char* why;
        std::vector<std::string> mis;   // A1, A2
        std::vector<std::string> cpoms; // C1, C2
        const char* links;
    };
    const auto upn_field = [](int n) { return R"("upn":")" + upn_of(n) + '"'; };
    const std::string born = "2012-05-03";
    const auto of = GENERATE_COPY(values<school_of>({
        {"a date one figure out, in the same year",
         {person("Amir", "Khan", born, "9")},
         {person("Amir", "Khan", "2012-05-08", "9")},
         "C1=A1"},
        {"day and month swapped, in the same form",
         {person("Amir", "Khan", born, "", form("9A"))},
         {person("Amir", "Khan", "2012-03-05", "", form("9A"))},
         "C1=A1"},
        {"the same, in another year",
         {person("Amir", "Khan", born, "9")},
         {person("Amir", "Khan", "2012-05-08", "8")},
         ""},
        {"the same, and the year is not known",
         {person("Amir", "Khan", born)},
         {person("Amir", "Khan", "2012-05-08")},
         ""},
        {"the same, with another UPN",
         {person("Amir", "Khan", born, "9", upn_field(1))},
         {person("Amir", "Khan", "2012-05-08", "9", upn_field(2))},
         ""},
        {"the same, of two records",
         {person("Amir", "Khan", born, "9")},
         {person("Amir", "Khan", "2012-05-08", "9"), person("Amir", "Khan", "2012-05-05", "9")},
         ""},
        {"the same, of two pupils",
         {person("Amir", "Khan", "2012-05-05", "9"), person("Amir", "Khan", "2012-05-08", "9")},
         {person("Amir", "Khan", born, "9")},
         ""},
        {"a new surname in the same form",
         {person("Zoe", "Thompson", born, "9", form("9A"))},
         {person("Zoe", "Baker", born, "9", form("9A"))},
         "C1=A1"},
        {"a new surname and a new form: or a leaver and a joiner",
         {person("Zoe", "Thompson", born, "9", form("9A"))},
         {person("Zoe", "Baker", born, "9", form("9B"))},
         ""},
        {"a new surname, and the form is not known",
         {person("Zoe", "Thompson", born, "9", form("9A"))},
         {person("Zoe", "Baker", born, "9")},
         ""},
        {"twins of whom one has left",
         {person("Ellie", "Baker", born, "9", form("9A"))},
         {person("Ellie", "Baker", born, "9", form("9A")), person("Elsie", "Baker", born, "9", form("9A"))},
         "C1=A1"},
        {"twins of whom one has left, and one joined today",
         {person("Ellie", "Baker", born, "9", form("9A"))},
         {person("Elsie", "Baker", born, "9", form("9A"))},
         ""},
        {"cousins with one surname and birthday",
         {person("Amir", "Khan", born, "9", form("9A"))},
         {person("Amina", "Khan", born, "9", form("9A"))},
         ""},
        {"two of one name and birthday",
         {person("John", "Smith", born, "9"), person("John", "Smith", born, "9")},
         {person("John", "Smith", born, "9"), person("John", "Smith", born, "9")},
         ""},
        {"two of one name and birthday, one of them with a number",
         {person("John", "Smith", born, "9", upn_field(1)), person("John", "Smith", born, "9")},
         {person("John", "Smith", born, "9", upn_field(1)), person("John", "Smith", born, "9")},
         "C1=A1"},
        {"a rival who has a record and fits less",
         {person("Ana", "Thompson", born, "9", upn_field(1)), person("Ana", "Thomson", born, "9")},
         {person("Ana", "Thompson", born, "9", upn_field(1)), person("Ana", "Thomson", born, "9")},
         "C1=A1 C2=A2"},
        {"the same without a number",
         {person("Ana", "Thompson", born, "9"), person("Ana", "Thomson", born, "9")},
         {person("Ana", "Thomson", born, "9")},
         ""},
        {"a number of somebody who has a record that fits",
         {person("Amir", "Khan", born, "9", upn_field(1)), person("Zoe", "Baker", "2013-01-30", "8", upn_field(2))},
         {person("Amir", "Khan", born, "9", upn_field(2)), person("Zoe", "Baker", "2013-01-30", "8", upn_field(2))},
         "C1=A1 C2=A2"},
        {"a number of somebody who has no record",
         {person("Amir", "Khan", born, "9", upn_field(1)), person("Zoe", "Baker", "2013-01-30", "8", upn_field(2))},
         {person("Amir", "Khan", born, "9", upn_field(2))},
         ""},
        {"a number of one who agrees in little, and all else of another",
         {person("Lily", "Thomas", born, "9", upn_field(1)), person("Lily", "Davies", "2012-05-13", "9", upn_field(2))},
         {person("Lily", "Thomas", born, "9", upn_field(2))},
         ""},
    }));
    CAPTURE(of.why);
    two_systems school;
    std::vector<entry_index> pupils;
    std::map<entry_index, std::string> made;
    for (const std::string& each : of.mis)
        pupils.push_back(school.pupil("mis", fmt::format("A{}", pupils.size() + 1), each));
    std::map<entry_index, std::size_t> records;
    for (const std::string& each : of.cpoms)
        records.emplace(school.pupil("cpoms", fmt::format("C{}", records.size() + 1), each), records.size() + 1);
    const link_outcome outcome = school.link();
    for (const person_link& link : outcome.links)
        made[link.other] =
            fmt::format("C{}=A{}", records.at(link.other), std::ranges::find(pupils, link.pupil) - pupils.begin() + 1);
    std::string links;
    for (const auto& [record, text] : made)
        links += (links.empty() ? "" : " ") + text;
    CHECK(links == of.links);
    // Nobody is lost: who is not linked waits for a person, or fits nobody.
    CHECK(
        outcome.links.size() + outcome.likely.size() + outcome.conflicts.size() + outcome.ambiguous.size() +
            outcome.unmatched.size() ==
        of.cpoms.size()
    );
    // What was made stays made, and needs no second entry.
    school.link();
    CHECK(school.written.empty());
}

TEST_CASE("a wrong number does not bring back a link that a person split", "[reconcile]")
{
    const auto with_upn = [](int n) { return R"("upn":")" + upn_of(n) + '"'; };
    two_systems school;
    const entry_index amir = school.pupil("mis", "A1", person("Amir", "Khan", "2012-05-03", "9", with_upn(1)));
    school.pupil("mis", "A2", person("Zoe", "Baker", "2013-01-30", "8", with_upn(2)));
    const entry_index record = school.pupil("cpoms", "C1", person("Amir", "Khan", "2012-05-03", "9", with_upn(2)));
    school.pupil("cpoms", "C2", person("Zoe", "Baker", "2013-01-30", "8", with_upn(2)));
    school.link();
    REQUIRE(person_of(school.held, record) == amir);
    school.decide(record, amir, false);
    CHECK(school.link().links.size() == 1);
    CHECK(person_of(school.held, record) == record);
}

TEST_CASE("a record whose pupil was made one with another goes over to that one", "[reconcile]")
{
    two_systems school;
    const entry_index old = school.pupil("mis", "A1", person("Amir", "Khan", "2012-05-03", "9"));
    const entry_index kept = school.pupil("mis", "A2", person("Amir", "Brown", "2012-05-03", "9"));
    const entry_index record = school.pupil("cpoms", "C1", person("Amir", "Khan", "2012-05-03", "9"));
    school.link();
    REQUIRE(person_of(school.held, record) == old);
    const held_thing* known = std::as_const(school.held).things(what::pupil).find("mis", "A1");
    thing_version row;
    row.kind = what::pupil;
    row.source = "mis";
    row.key = "A1";
    row.subject = row.pupil = known->subject;
    row.replaces = known->entry;
    school.add(record_gone_entry(row, learned{}, merged, kept));
    const link_outcome outcome = school.link();
    CHECK(person_of(school.held, record) == kept);
    CHECK(outcome.ambiguous.empty());
    school.link();
    CHECK(school.written.empty());
}

TEST_CASE("a number whose pupil has other names and another birthday links nobody", "[reconcile]")
{
    two_systems school;
    const std::string number = R"("upn":")" + upn_of(1) + '"';
    school.pupil("mis", "A1", R"({"date_of_birth":"2012-05-03","forename":"Amir","surname":"Khan",)" + number + "}");
    const entry_index record = school.pupil(
        "cpoms", "C1", R"({"date_of_birth":"2014-01-30","forename":"Zoe","surname":"Khan",)" + number + "}"
    );
    const link_outcome outcome = school.link();
    CHECK(outcome.links.empty());
    REQUIRE(outcome.conflicts.size() == 1);
    CHECK(outcome.conflicts[0].other == record);
}

TEST_CASE("what a person confirmed or split stays so on later reads", "[reconcile]")
{
    two_systems school;
    const entry_index zoe = school.pupil("mis", "A1", person("Zoe", "Thompson", "2012-05-03"));
    const entry_index amir = school.pupil("mis", "A2", person("Amir", "Khan", "2012-09-03"));
    const entry_index record = school.pupil("cpoms", "C1", person("Zoe", "Baker", "2012-05-03"));
    REQUIRE(school.link().likely.size() == 1);
    school.decide(record, zoe, true);
    CHECK(school.link().links.size() == 1);
    CHECK(school.written.empty());
    CHECK(person_of(school.held, record) == zoe);

    school.pupil("cpoms", "C1", person("Zoe", "Baker-Thompson", "2012-05-03"));
    school.decide(record, zoe, false);
    CHECK(person_of(school.held, record) == record);
    const link_outcome after = school.link();
    CHECK(after.links.empty());
    CHECK(after.unmatched == std::vector<entry_index>{record});
    CHECK(school.written.empty());

    // It may still be somebody else, and that it is not the first stays known.
    school.pupil("cpoms", "C1", person("Amir", "Khan", "2012-09-03"));
    CHECK(school.link().links.size() == 1);
    CHECK(person_of(school.held, record) == amir);
    school.pupil("cpoms", "C1", person("Zoe", "Thompson", "2012-05-03"));
    CHECK(school.link().links.empty());

    CHECK(
        decision_entry(school.held, "mis", {zoe, record, true, "", "", ""}, instant{}).error().code == errc::not_found
    );
    CHECK(
        decision_entry(school.held, "mis", {record, record, true, "", "", ""}, instant{}).error().code ==
        errc::not_found
    );
}

TEST_CASE("a link by name outlives a change of name that alone would not make it", "[reconcile]")
{
    two_systems school;
    const entry_index zoe = school.pupil("mis", "A1", person("Zoe", "Thompson", "2012-05-03"));
    const entry_index record = school.pupil("cpoms", "C1", person("Zoe", "Thompson", "2012-05-03"));
    school.link();
    school.pupil("mis", "A1", person("Zoe", "Baker", "2012-05-03"));
    CHECK(school.link().links.size() == 1);
    CHECK(school.written.empty());
    CHECK(person_of(school.held, record) == zoe);
}

TEST_CASE("nobody is linked by name while pupils of the MIS are still to come", "[reconcile]")
{
    two_systems school;
    school.pupil("mis", "A1", person("Zoe", "Thompson", "2012-05-03"));
    const entry_index record = school.pupil("cpoms", "C1", person("Zoe", "Thompson", "2012-05-03"));
    CHECK(school.link(false).unmatched == std::vector<entry_index>{record});
    CHECK(school.link(true).links.size() == 1);
    CHECK(school.link(false).links.size() == 1);
}

TEST_CASE("a link's entry is projected as it was made", "[reconcile]")
{
    two_systems school;
    const entry_index zoe = school.pupil("mis", "A1", person("Zoe", "Thompson", "2012-05-03"));
    const entry_index record = school.pupil("cpoms", "C1", person("Zoe", "Thompson", "2012-05-03"));
    school.link();
    REQUIRE(school.written.size() == 1);
    CHECK_THAT(school.written[0].payload, Contains(R"("points":100)"));
    CHECK_THAT(school.written[0].payload, !Contains("Thompson"));
    for (const draft& d :
         {school.written[0],
          decision_entry(school.held, "mis", {record, zoe, false, "root", "", ""}, instant{}).value()}) {
        const auto made = std::get<thing_version>(project(d.payload, 99, plain_digest).value());
        const auto row = std::get<thing_version>(d.row);
        CHECK(made.key == row.key);
        CHECK(made.gone == row.gone);
        CHECK(made.pupil == row.pupil);
        CHECK(made.subject == row.subject);
    }
}
