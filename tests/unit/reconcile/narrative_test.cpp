#include "daemon/reconcile/narrative.hpp"

#include "daemon/base/sealed_file.hpp"
#include "tests/unit/reconcile/reads.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::support;
using Catch::Matchers::Contains;

namespace {

const std::string spoken_words = "She said that nobody was at home.";
const std::string concern_fields =
    R"({"categories":["Home"],"incident_at":"2026-09-14","narrative":")" + spoken_words + R"("})";

reported_record concern()
{
    return reported_record(what::concern, "K1", "", concern_fields);
}

digester keyed(std::uint64_t key)
{
    return [key](std::string_view text) { return plain_digest(std::to_string(key) + std::string(text)); };
}

struct three_people {
    recipient_keys lead = make_recipient(), deputy = make_recipient(), escrow = make_recipient();
    std::vector<hash> all() const { return {lead.public_key, deputy.public_key, escrow.public_key}; }
};

} // namespace

TEST_CASE("a narrative is stored sealed to each recipient, and each of them alone reads it", "[reconcile]")
{
    const three_people people;
    const narrative_seal seal(people.all(), keyed(1));
    const std::string stored = seal.stored(concern());
    CHECK_THAT(stored, !Contains("nobody") && Contains("\"categories\":[\"Home\"]"));
    const json_document read = json_document::parse(stored).value();
    const json_view narrative = read.root()["narrative"];
    REQUIRE(narrative["sealed"].size() == 3);
    for (const recipient_keys& who : {people.lead, people.deputy, people.escrow}) {
        int opened = 0;
        narrative["sealed"].for_each_element([&](json_view each) {
            const auto text = open_sealed(each["box"].as_string(), who);
            if (!text) return;
            ++opened;
            CHECK(each["recipient"].as_string() == format_recipient(who.public_key));
            const unsealed inside = read_unsealed(*text).value();
            CHECK(inside.text == spoken_words);
            CHECK(proof_of(inside.token) == narrative["proof"].as_string());
        });
        CHECK(opened == 1);
    }
    CHECK_FALSE(open_sealed(narrative["sealed"].at(0)["box"].as_string(), make_recipient()));
}

TEST_CASE(
    "the same narrative compares equal although every box differs, another text or reader does not", "[reconcile]"
)
{
    const three_people people;
    const narrative_seal seal(people.all(), keyed(1));
    CHECK(seal.stored(concern()) != seal.stored(concern()));
    const std::string compared = seal.compared(concern());
    CHECK_THAT(compared, !Contains("nobody") && !Contains("box"));
    // What project() compares with, from the payload alone.
    CHECK(compared_fields(json_document::parse(seal.stored(concern())).value().root()) == compared);
    reported_record other = concern();
    other.fields.replace(other.fields.find("nobody"), 6, "somebody");
    CHECK(seal.compared(other) != compared);
    CHECK(narrative_seal({people.lead.public_key, people.escrow.public_key}, keyed(1)).compared(concern()) != compared);
    CHECK(
        narrative_seal(people.all(), keyed(2)).compared(concern()) != compared
    ); // guessable only with the ledger's key
}

TEST_CASE("without recipients a narrative is left out, and other records are as they were", "[reconcile]")
{
    const narrative_seal off;
    CHECK(off.stored(concern()) == R"({"categories":["Home"],"incident_at":"2026-09-14"})");
    CHECK(off.compared(concern()) == off.stored(concern()));
    const three_people people;
    const narrative_seal on(people.all(), keyed(1));
    const reported_record incident(what::incident, "I1", "", R"({"day":"2026-09-14"})");
    CHECK(on.stored(incident) == incident.fields);
    CHECK(on.compared(incident) == incident.fields);
    CHECK(off.quarantined(what::concern, "{}") == "{}");
    CHECK(on.quarantined(what::pupil, "{}") == "{}");
    CHECK_THAT(on.quarantined(what::concern, spoken_words), !Contains("nobody") && Contains("sealed"));
}

TEST_CASE("a read keeps no word of a narrative, and knows it again", "[reconcile]")
{
    const three_people people;
    held_state held;
    stream_info stream;
    stream.name = "concerns";
    stream.makes = {what::concern};
    const auto read = [&](std::uint32_t number, const std::string& said, entry_index base) {
        source_reading reading(held, "cpoms", keyed(1), number, minute(0), narrative_seal(people.all(), keyed(1)));
        reading.begin_stream(stream, {}, {});
        page got;
        got.records.emplace_back(what::concern, "K1", "", said);
        got.rejected.emplace_back(what::concern, "no time", spoken_words, 1);
        got.rows = 2;
        reading.take(got, 1);
        transaction t;
        reading.drain(t, base);
        reading.apply(t, base);
        REQUIRE(t.quarantined.size() == 1);
        CHECK_THAT(t.quarantined.front().row, !Contains("nobody"));
        for (const draft& each : t.entries) {
            CHECK_THAT(each.payload, !Contains("nobody"));
            CHECK(
                std::get<thing_version>(each.row).digest ==
                std::get<thing_version>(project(each.payload, base, keyed(1)).value()).digest
            );
        }
        return t.entries.size();
    };
    CHECK(read(1, concern_fields, 0) == 1);
    CHECK(read(2, concern_fields, 1) == 0);
    std::string changed = concern_fields;
    changed.replace(changed.find("nobody"), 6, "her aunt");
    CHECK(read(3, changed, 1) == 1);
}
