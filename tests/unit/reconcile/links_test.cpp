#include "tests/unit/reconcile/reads.hpp"

#include "daemon/domain/upn.hpp"

#include <catch2/catch.hpp>

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

// An MIS and a safeguarding system, as entries of one ledger.
class two_systems {
public:
    entry_index pupil(const std::string& source, const std::string& id, const std::string& text)
    {
        const held_thing* known = std::as_const(held).things(what::pupil).find(source, id);
        thing_version row;
        row.kind = what::pupil;
        row.source = source;
        row.key = id;
        row.digest = plain_digest(text);
        if (known) {
            row.subject = row.pupil = known->subject;
            row.replaces = known->entry;
        }
        return add(record_entry(pupil_record(id, text), row, learned{}));
    }
    void leave(const std::string& source, const std::string& id)
    {
        const held_thing* known = std::as_const(held).things(what::pupil).find(source, id);
        thing_version row;
        row.kind = what::pupil;
        row.source = source;
        row.key = id;
        row.subject = row.pupil = known->subject;
        row.replaces = known->entry;
        add(record_gone_entry(row, learned{}, "vanished"));
    }
    link_outcome link()
    {
        link_outcome outcome = match_people(held, "mis", "cpoms");
        written = link_entries(held, "cpoms", outcome);
        for (const draft& d : written)
            add(d);
        return outcome;
    }

    held_state held;
    std::vector<draft> written; // by the last link()

private:
    entry_index add(draft d)
    {
        held.apply(size_, d.row, d.payload);
        return size_++;
    }
    entry_index size_ = 0;
};

} // namespace

TEST_CASE("a pupil of another system is linked by id, then UPN, then former UPN", "[reconcile]")
{
    const auto [why, mis, other, by] = GENERATE(table<std::string, std::string, std::string, std::string>({
        {"the MIS's own id", fields(upn_of(1)), fields("", "A1"), "source-id"},
        {"the id before the UPN", fields(upn_of(1)), fields(upn_of(1), "A1"), "source-id"},
        {"the UPN", fields(upn_of(1)), fields(upn_of(1)), "upn"},
        {"the former UPN", fields(upn_of(1), "", upn_of(2)), fields(upn_of(2)), "former-upn"},
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
    CHECK(outcome.ambiguous == std::vector<entry_index>{record});
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
