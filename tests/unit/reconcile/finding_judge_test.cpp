#include "tests/support/planted_ledger.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace rollbook;
using namespace rollbook::support;

namespace {

// A school year of a few pupils with gaps, wrong codes and all that is planted, lived through by chance.
class lived_year {
public:
    explicit lived_year(std::uint32_t seed)
        : dice_(seed), school_(made(seed)), book_(school_), kept_(settings_, school_.calendar, "mis")
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
        finding_judge another(settings_, school_.calendar, "mis");
        const std::multiset<std::string> wanted = payloads(book_.drafts_of(another, reading, today));
        const std::multiset<std::string> found = payloads(drafts);
        made_ += drafts.size();
        book_.take(drafts);
        std::string differ;
        for (const std::string& each : wanted)
            if (!found.contains(each)) differ += "\nmissed: " + each;
        for (const std::string& each : found)
            if (!wanted.contains(each)) differ += "\nbeyond: " + each;
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
    static std::multiset<std::string> payloads(const std::vector<draft>& drafts)
    {
        std::multiset<std::string> all;
        for (const draft& each : drafts)
            all.insert(each.payload);
        return all;
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
        case 4: day_ -= std::min(day_, below(3)); return book_.begin();
        case 5: return book_.read_records({incident()});
        case 6: {
            const reported_record of = incident();
            return book_.read_records(
                {of,
                 {what::involvement,
                  std::string(of.source_id) + "/" + who.id,
                  who.id,
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
                  "T" + who.id + std::to_string(below(2)),
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
            below(3) == 0 ? std::string() : "\"time\":\"" + std::to_string(10 + below(3)) + ":00\",";
        return {
            what::incident,
            "B" + std::to_string(below(200)),
            {},
            R"({"day":")" + format_day(school_.days[below(day_ + 1)]) + R"(","location":"Classroom",)" + time +
                R"("type":")" + types[below(4)] + "\"}"};
    }

    std::mt19937 dice_;
    planted_school school_;
    planted_ledger book_;
    const finding_settings settings_ = planted_ledger::settings();
    finding_judge kept_;
    std::size_t day_ = 0;
    std::size_t made_ = 0;
};

} // namespace

TEST_CASE("judged read by read, findings are at each read those that a judging of everybody makes", "[reconcile]")
{
    const auto seed = GENERATE(range(1u, 7u));
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
