#include "daemon/domain/case_facts.hpp"
#include "daemon/domain/held.hpp"
#include "daemon/domain/visibility.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace std::chrono_literals;

namespace {

thing_version version_of(what kind, std::string key, entry_index pupil = no_entry, entry_index subject = no_entry)
{
    thing_version row;
    row.kind = kind;
    row.source = "mis";
    row.key = std::move(key);
    row.pupil = pupil;
    row.subject = subject;
    return row;
}

} // namespace

TEST_CASE("an incident has its pupils' parts, whichever of them came first", "[domain]")
{
    const bool record_first = GENERATE(true, false);
    CAPTURE(record_first);
    case_facts facts;
    const auto record = [&] {
        facts.apply(
            5,
            version_of(what::incident, "I1"),
            R"({"fields":{"day":"2026-11-02","external_ids":["ClassCharts:14"],"location":"Hall","points":2,"time":"10:40","type":"Fight"}})"
        );
    };
    if (record_first) record();
    for (const entry_index pupil : {entry_index{1}, entry_index{2}})
        facts.apply(
            5 + pupil,
            version_of(what::involvement, "I1/" + std::to_string(pupil), pupil),
            R"({"fields":{"of":"incident","points":3,"record":"I1","role":"Aggressor"}})"
        );
    if (!record_first) record();

    const case_record* found = facts.find_record(5);
    REQUIRE(found);
    CHECK(*found->day == civil_day{std::chrono::year{2026} / 11 / 2});
    CHECK(found->minute == 10 * 60 + 40);
    CHECK(facts.text(found->is->type) == "Fight");
    CHECK(facts.text(found->is->location) == "Hall");
    CHECK(found->more_types().empty());
    REQUIRE(found->elsewhere().size() == 1);
    CHECK(facts.text(found->elsewhere()[0]) == "ClassCharts:14");
    std::vector<entry_index> pupils;
    facts.for_each_part(*found, [&](const case_part& part) { pupils.push_back(part.pupil); });
    CHECK(pupils == std::vector<entry_index>{1, 2});
    const case_part& part = facts.parts()[facts.parts_of(2)[0]];
    CHECK(part.pupil == 2);
    CHECK(part.points == 3);
    CHECK(facts.text(part.role) == "Aggressor");
    CHECK(facts.parts_of(1).size() == 1);
    CHECK(facts.parts_of(9).empty());
    CHECK(facts.find_record(6) == nullptr); // a part is no record
}

TEST_CASE("a concern's time is the one it was written with, or none", "[domain]")
{
    const auto [text, minute] = GENERATE(table<std::string, int>({
        {"2026-11-02T08:05:00", 485},
        {"2026-11-02", -1},
        {"2026-11-02T25:00:00", -1},
        {"2026-11-02T1:00", -1},
    }));
    CAPTURE(text);
    case_facts facts;
    facts.apply(
        3,
        version_of(what::concern, "C1"),
        R"({"fields":{"categories":["Attendance","Home"],"incident_at":")" + text + R"("}})"
    );
    const case_record* found = facts.find_record(3);
    REQUIRE(found);
    CHECK(*found->day == civil_day{std::chrono::year{2026} / 11 / 2});
    CHECK(found->minute == minute);
    CHECK(facts.text(found->is->type) == "Attendance");
    REQUIRE(found->more_types().size() == 1);
    CHECK(facts.text(found->more_types()[0]) == "Home");
    CHECK(found->elsewhere().empty());
}

TEST_CASE("a later version of a record replaces the earlier one, and one that is gone says so", "[domain]")
{
    case_facts facts;
    facts.apply(
        3, version_of(what::suspension, "S1", 1), R"({"fields":{"from":"2026-11-02","from_session":"PM","sessions":3}})"
    );
    facts.apply(
        8,
        version_of(what::suspension, "S1", 1, 3),
        R"({"fields":{"from":"2026-11-03","kind_code":"SUSP","to":"2026-11-04","to_session":"AM"}})"
    );
    REQUIRE(facts.suspensions_of(1).size() == 1);
    const suspension_fact& fact = facts.suspensions()[facts.suspensions_of(1)[0]];
    CHECK(fact.subject == 3);
    CHECK(fact.entry == 8);
    CHECK(fact.from == civil_day{std::chrono::year{2026} / 11 / 3});
    CHECK(fact.from_half == half_day::am);
    CHECK(fact.to_half == half_day::am);
    CHECK(fact.sessions == -1);
    CHECK_FALSE(fact.gone);

    thing_version gone = version_of(what::suspension, "S1", 1, 3);
    gone.gone = true;
    facts.apply(9, gone, R"({"gone":"vanished"})");
    CHECK(fact.gone);
    CHECK(fact.entry == 9);
}

TEST_CASE(
    "what was written down of the wrong pupil and is corrected under its id counts for the other alone", "[domain]"
)
{
    case_facts facts;
    const std::string suspension = R"({"fields":{"from":"2026-11-02"}})";
    facts.apply(1, version_of(what::suspension, "S1", 1), suspension);
    facts.apply(2, version_of(what::suspension, "S2", 2), suspension);
    facts.apply(3, version_of(what::suspension, "S1", 2, 1), suspension);
    CHECK(facts.suspensions_of(1).empty());
    REQUIRE(facts.suspensions_of(2).size() == 2);
    CHECK(facts.suspensions()[facts.suspensions_of(2)[1]].entry == 3);

    const std::string lesson = R"({"fields":{"day":"2026-11-02","statutory":"N"}})";
    facts.apply(4, version_of(what::lesson_mark, "L1", 1), lesson);
    facts.apply(5, version_of(what::lesson_mark, "L1", 2, 4), lesson);
    CHECK(facts.lessons_of(1).empty());
    CHECK(facts.lessons_of(2).size() == 1);

    facts.apply(6, version_of(what::incident, "I1"), R"({"fields":{"day":"2026-11-02"}})");
    const std::string part = R"({"fields":{"of":"incident","record":"I1"}})";
    facts.apply(7, version_of(what::involvement, "J1", 1), part);
    facts.apply(8, version_of(what::involvement, "J1", 2, 7), part);
    CHECK(facts.parts_of(1).empty());
    REQUIRE(facts.parts_of(2).size() == 1);
    std::vector<entry_index> pupils;
    facts.for_each_part(*facts.find_record(6), [&](const case_part& each) { pupils.push_back(each.pupil); });
    CHECK(pupils == std::vector<entry_index>{2});
}

TEST_CASE("a part that is corrected to another incident leaves the one it was in, wherever it stood there", "[domain]")
{
    const auto moved = GENERATE(range(std::size_t{0}, std::size_t{3}));
    const bool is_known = GENERATE(true, false); // whether the other incident came before the part
    CAPTURE(moved, is_known);
    case_facts facts;
    const auto part_in = [](const std::string& incident) {
        return R"({"fields":{"of":"incident","record":")" + incident + "\"}}";
    };
    const auto incident = [&](entry_index index, const std::string& id) {
        facts.apply(index, version_of(what::incident, id), R"({"fields":{"day":"2026-11-02"}})");
    };
    const auto parts_in = [&](entry_index record) {
        std::vector<entry_index> found;
        facts.for_each_part(*facts.find_record(record), [&](const case_part& each) { found.push_back(each.subject); });
        return found;
    };
    incident(1, "I1");
    if (is_known) incident(2, "I2");
    for (entry_index part = 10; part < 13; ++part)
        facts.apply(part, version_of(what::involvement, "J" + std::to_string(part), 5), part_in("I1"));
    facts.apply(20, version_of(what::involvement, "J" + std::to_string(10 + moved), 5, 10 + moved), part_in("I2"));
    if (!is_known) incident(2, "I2");

    std::vector<entry_index> stayed = {10, 11, 12};
    stayed.erase(stayed.begin() + static_cast<std::ptrdiff_t>(moved));
    CHECK(parts_in(1) == stayed);
    CHECK(parts_in(2) == std::vector<entry_index>{10 + moved});
    facts.apply(21, version_of(what::involvement, "J13", 5), part_in("I1"));
    stayed.push_back(21);
    CHECK(parts_in(1) == stayed);
    facts.apply(22, version_of(what::involvement, "J" + std::to_string(10 + moved), 5, 10 + moved), part_in("I3"));
    facts.apply(23, version_of(what::involvement, "J" + std::to_string(10 + moved), 5, 10 + moved), part_in("I1"));
    incident(3, "I3");
    stayed.push_back(10 + moved);
    CHECK(parts_in(1) == stayed);
    CHECK(parts_in(2).empty());
    CHECK(parts_in(3).empty());
}

TEST_CASE("what rests on several kinds of fact is seen only by who may see each of them", "[domain]")
{
    const visibility lead = visibility(visibility::attendance) | visibility::behaviour;
    CHECK(visibility_of(what::session_mark, false).is_within(lead));
    CHECK(visibility_of(what::incident, false).is_within(lead));
    CHECK_FALSE(visibility_of(what::concern, true).is_within(lead));
    CHECK_FALSE(visibility_of(what::incident, true).is_within(lead)); // kept in the safeguarding system
    CHECK_FALSE(visibility_of(what::incident, false).is_within(visibility::attendance));
    const visibility both = visibility_of(what::session_mark, false) | visibility_of(what::concern, true);
    CHECK_FALSE(both.is_within(lead));
    CHECK_FALSE(both.is_within(visibility::safeguarding));
    CHECK(both.is_within(visibility::everything()));
}
