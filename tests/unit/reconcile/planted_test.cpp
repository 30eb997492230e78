#include "daemon/base/json.hpp"

#include "tests/support/planted_ledger.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::support;

namespace {

constexpr int pupils = 1'200;
constexpr std::uint32_t seed = 20'261'126;

using found_findings = std::multiset<std::pair<std::string, std::string>>;

found_findings kinds_and_subjects(const std::vector<draft>& drafts)
{
    found_findings found;
    for (const draft& d : drafts) {
        const auto payload = json_document::parse(d.payload);
        const json_view root = payload->root();
        found.emplace(root["kind"].as_string(), root["subject"]["id"].as_string());
    }
    return found;
}

std::string text_of(const found_findings& findings)
{
    std::string text;
    for (const auto& [kind, subject] : findings)
        text += kind + " " + subject + "; ";
    return text;
}

} // namespace

TEST_CASE("a clean year of 1,200 pupils with all that is ordinary gives no finding", "[reconcile]")
{
    const planted_school school(seed, pupils);
    planted_ledger book(school);
    finding_judge judge(book.what_is_wanted(), school.calendar, "mis");
    CHECK(text_of(kinds_and_subjects(book.judge(judge, book.begin()))) == "");
}

TEST_CASE("of 300 planted discrepancies every one is found, of the right kind, once, and nothing else", "[reconcile]")
{
    planted_school school(seed + 1, pupils);
    const found_findings wanted = school.plant(300);
    planted_ledger book(school);
    finding_judge judge(book.what_is_wanted(), school.calendar, "mis");
    const found_findings found = kinds_and_subjects(book.judge(judge, book.begin()));
    found_findings missed, beyond;
    std::ranges::set_difference(wanted, found, std::inserter(missed, missed.end()));
    std::ranges::set_difference(found, wanted, std::inserter(beyond, beyond.end()));
    CHECK(text_of(missed) == "");
    CHECK(text_of(beyond) == "");
    CHECK(book.judge(judge, book.begin()).empty());
    // Nor does a daemon that starts find anything anew.
    finding_judge another(book.what_is_wanted(), school.calendar, "mis");
    CHECK(book.judge(another, book.begin()).empty());
}

TEST_CASE("one changed mark opens and closes what it concerns, without a look at anybody else", "[reconcile]")
{
    const planted_school school(seed + 2, 120);
    planted_ledger book(school);
    finding_judge judge(book.what_is_wanted(), school.calendar, "mis");
    book.judge(judge, book.begin());
    CHECK(book.change_one(judge, 7, "Q9") == 1);
    CHECK(book.change_one(judge, 7, "Q8") == 1);
    CHECK(book.change_one(judge, 8, "Q8") == 1);
    CHECK(book.change_one(judge, 7, "/") == 1);
    CHECK(book.change_one(judge, 7, "/") == 0);
}
