// The incremental rules of the connector vocabulary, each by its name.
#include "tests/connectors/made.hpp"

#include "tests/connectors/printing.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::test;
using Catch::Matchers::Contains;

namespace {

const std::string by_time =
    R"("query":{"since":"{@since}"},"incremental":{"kind":"time","cursor":"at","send_as":"utc-space","lookback":60},)";

std::string row_at(const std::string& id, const std::string& at)
{
    return R"({"rows":[{"id":")" + id + R"(","at":")" + at + R"("}]})";
}

} // namespace

TEST_CASE("a bookmark is read from with its lookback, so that equal times are never lost", "[connectors][bookmarks]")
{
    made_source s(by_time);
    s.answer("/list", row_at("a", "2026-09-09T10:00:30Z"));
    CHECK(s.read().ids == "a");
    const std::string bookmark = s.source->bookmark(0);
    s.answer("/list?since=2026-09-09%2009%3A59%3A30", row_at("b", "2026-09-09T10:00:30Z"));
    s.source->resume(0, bookmark);
    CHECK(s.source->gives_changes(0, true));
    CHECK(s.read(bookmark).ids == "b");
    CHECK(s.source->bookmark(0).substr(0, 13) == bookmark.substr(0, 13));
}

TEST_CASE("a bookmark never passes the moment the read began", "[connectors][bookmarks]")
{
    made_source s(by_time);
    s.answer("/list", row_at("a", "2026-09-09T23:00:00Z")); // dated in the future
    s.read();
    s.answer("/list?since=2026-09-09%2011%3A59%3A00", row_at("b", "2026-09-09T12:00:01Z"));
    CHECK(s.read(s.source->bookmark(0)).ids == "b");
}

TEST_CASE("an order that the source promises is verified, and disorder fails the read", "[connectors][bookmarks]")
{
    const std::string promised =
        R"("incremental":{"kind":"number","cursor":"at","send_as":"number","order":"ascending"},)";
    made_source s(promised);
    s.answer("/list", R"({"rows":[{"id":"a","at":5},{"id":"b","at":5},{"id":"c","at":7}]})");
    CHECK(s.read().ids == "a b c");
    made_source wrong(promised);
    wrong.answer("/list", R"({"rows":[{"id":"a","at":5},{"id":"b","at":4}]})");
    CHECK_THAT(wrong.read().why.value().what, Contains("do not come in the order"));
}

TEST_CASE(
    "a bookmark older than the source's retention, or than a full read is wanted, is not used",
    "[connectors][bookmarks]"
)
{
    made_source s(
        R"("query":{"since":"{@since}"},"incremental":{"kind":"number","cursor":"at","send_as":"number","full_days":7,"retention_days":3},)"
    );
    s.answer("/list", R"({"rows":[{"id":"a","at":5}]})");
    s.answer("/list?since=5", R"({"rows":[]})");
    s.read();
    const std::string bookmark = s.source->bookmark(0);
    const auto is_used = [&](int days) {
        s.now += std::chrono::hours(24 * days);
        s.source->resume(0, bookmark);
        return s.source->gives_changes(0, true);
    };
    CHECK(is_used(2));
    CHECK_FALSE(is_used(1));
    s.now = parse_instant("2026-09-09T12:00:00Z").value();
    std::string kept = bookmark;
    for (int i = 0; i < 3; ++i) { // read every second day: kept alive, until a full read is due
        s.now += std::chrono::hours(48);
        s.read(kept);
        kept = s.source->bookmark(0);
    }
    s.now += std::chrono::hours(48);
    s.source->resume(0, kept);
    CHECK_FALSE(s.source->gives_changes(0, true));
}

TEST_CASE(
    "what shapes the answer has changed: the bookmark is not used, and everything is read", "[connectors][bookmarks]"
)
{
    made_source s(by_time);
    s.answer("/list", row_at("a", "2026-09-09T10:00:30Z"));
    s.read();
    CHECK(s.read(s.source->bookmark(0), false).ids == "a");
    CHECK(s.http.requests.back().url == s.base + "/list");
}

TEST_CASE("neighbouring windows of days neither overlap nor leave a gap, and end today", "[connectors][bookmarks]")
{
    made_source s(
        R"("window":{"day":"day"},"slices":{"days":3},"query":{"from":"{@from}","to":"{@to}","last":"{@last}"},)"
    );
    s.now = parse_instant("2026-08-09T12:00:00Z").value();
    s.answer("/list?from=2026-08-01&to=2026-08-04&last=2026-08-03", R"({"rows":[{"id":"a","day":"2026-08-03"}]})");
    s.answer("/list?from=2026-08-04&to=2026-08-07&last=2026-08-06", R"({"rows":[{"id":"b","day":"2026-08-04"}]})");
    s.answer("/list?from=2026-08-07&to=2026-08-10&last=2026-08-09", R"({"rows":[{"id":"c","day":"2026-08-09"}]})");
    CHECK(s.read().ids == "a b c"); // from the start of the academic year
    CHECK(s.source->first_day(0) == parse_day("2026-08-01"));
}

TEST_CASE("a status in the row, or a list of its own, names what is gone", "[connectors][bookmarks]")
{
    made_source s(R"("gone_when":[{"at":"status","in":["deleted"]}],)");
    s.answer("/list", R"({"rows":[{"id":"a"},{"id":"b","status":"deleted"}]})");
    const auto got = s.read();
    CHECK(got.ids == "a");
    CHECK(got.gone == "b");

    made_source listed(
        R"("paginator":{"type":"none"},"records":"rows",)"
        R"("query":{"since":"{@since}"},"incremental":{"kind":"number","cursor":"at","send_as":"number"},)"
        R"("deletes":{"request":{"path":"/deletions","query":{"since":"{@since}"}},"paginator":{"type":"none"},"records":"gone","key":"id","when":{"at":"kind","in":["pupil"]}},)"
    );
    listed.answer("/list", R"({"rows":[{"id":"a","at":5}]})");
    const auto full = listed.read();
    CHECK(full.gone.empty()); // a full read finds what is missing by itself
    listed.answer("/list?since=5", R"({"rows":[]})");
    listed.answer("/deletions?since=5", R"({"gone":[{"id":"x","kind":"pupil"},{"id":"y","kind":"staff"}]})");
    CHECK(listed.read(listed.source->bookmark(0)).gone == "x");
}
