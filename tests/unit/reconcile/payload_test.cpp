#include "daemon/base/canonical_json.hpp"

#include "tests/unit/reconcile/reads.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace rollbook;
using namespace rollbook::support;

namespace {

void check_equal(const version& made, const version& wanted, entry_index own)
{
    REQUIRE(made.index() == wanted.index());
    if (const auto* mark = std::get_if<mark_version>(&wanted)) {
        const auto& other = std::get<mark_version>(made);
        CHECK(other.session == mark->session);
        CHECK(other.pupil == mark->pupil);
        CHECK(other.source == mark->source);
        CHECK(other.raw == mark->raw);
        CHECK(other.statutory == mark->statutory);
        CHECK(other.minutes == mark->minutes);
        CHECK(other.digest == mark->digest);
        CHECK(other.replaces == mark->replaces);
        CHECK(other.gone == mark->gone);
    } else {
        const auto& thing = std::get<thing_version>(wanted);
        const auto& other = std::get<thing_version>(made);
        CHECK(other.kind == thing.kind);
        CHECK(other.subject == thing.subject);
        CHECK(other.pupil == (thing.kind == what::pupil && thing.pupil == no_entry ? own : thing.pupil));
        CHECK(other.source == thing.source);
        CHECK(other.key == thing.key);
        CHECK(other.digest == thing.digest);
        CHECK(other.replaces == thing.replaces);
        CHECK(other.gone == thing.gone);
    }
}

class random_words {
public:
    explicit random_words(unsigned seed) : dice_(seed) {}
    unsigned below(unsigned n) { return static_cast<unsigned>(dice_() % n); }
    bool coin() { return below(2) == 0; }
    // Among them what a JSON writer may get wrong: quotes, controls, other scripts, a NUL's neighbour, emptiness.
    std::string text()
    {
        static const std::vector<std::string> parts = {
            "a", "\"", "\\", "\n", "\x01", "\x1f", "/", "é", "日", "😀", "\x7f", "N", "0", " ", "{}", "\\u0041"};
        std::string made;
        for (unsigned i = below(6); i > 0; --i)
            made += parts[below(static_cast<unsigned>(parts.size()))];
        return made;
    }
    learned when()
    {
        learned known;
        if (coin()) known.after = minute(static_cast<int>(below(1000)));
        known.by = minute(static_cast<int>(1000 + below(1000)));
        known.backfill = coin();
        return known;
    }

private:
    std::mt19937 dice_;
};

} // namespace

TEST_CASE("a mark's payload projects to the row it was drafted with, whatever the texts", "[reconcile]")
{
    const unsigned seed = GENERATE(range(0u, 200u));
    CAPTURE(seed);
    random_words words(seed);
    const std::string id = words.text(), comment = words.text(), by = words.text(), raw = words.text();
    reported_mark mark;
    mark.source_id = id;
    mark.comment = comment;
    mark.taken_by = by;
    mark_version row;
    row.session = {
        ymd(2026, 9, 1) + std::chrono::days(static_cast<int>(words.below(300))),
        words.coin() ? half_day::am : half_day::pm};
    row.pupil = words.below(1'000'000);
    row.source = "mis";
    row.raw = raw;
    row.statutory = words.text();
    row.minutes = static_cast<std::int16_t>(static_cast<int>(words.below(500)) - 1);
    if (words.coin()) mark.amendment = R"({"name":"J. Smith","reason":"Note from home"})";
    row.digest = mark_digest(plain_digest, id, comment, by, mark.amendment);
    if (words.coin()) row.replaces = words.below(1'000'000);
    const draft made = mark_entry(mark, row, words.when());
    check_equal(project(made.payload, 7, plain_digest).value(), made.row, 7);

    row.replaces = 3;
    const draft gone = mark_gone_entry(row, words.when(), "vanished");
    check_equal(project(gone.payload, 7, plain_digest).value(), gone.row, 7);
    CHECK(std::get<mark_version>(gone.row).gone);
}

TEST_CASE("a record's payload projects to the row it was drafted with, whatever the fields", "[reconcile]")
{
    const unsigned seed = GENERATE(range(0u, 100u));
    const what kind = GENERATE(what::pupil, what::incident, what::involvement, what::suspension, what::concern);
    CAPTURE(seed);
    random_words words(seed);
    std::string fields;
    {
        json_writer out(fields);
        out.begin_object();
        out.member("a", words.text());
        out.key("list").begin_array();
        out.value(words.text());
        out.end_array();
        out.member("z", static_cast<std::int64_t>(words.below(1000)));
        out.end_object();
    }
    thing_version row;
    row.kind = kind;
    row.source = "safeguarding";
    row.key = "x" + words.text();
    row.digest = plain_digest(fields);
    if (words.coin()) {
        row.subject = words.below(1000);
        row.replaces = row.subject + words.below(1000);
    }
    if (kind == what::pupil)
        row.pupil = row.subject; // the service names it by its first entry
    else if (words.coin())
        row.pupil = words.below(1000);
    const draft made = record_entry(reported_record(kind, row.key, "p", fields), row, words.when());
    check_equal(project(made.payload, 7, plain_digest).value(), made.row, 7);
    const draft gone = record_gone_entry(row, words.when(), "vanished");
    check_equal(project(gone.payload, 7, plain_digest).value(), gone.row, 7);
}

TEST_CASE("settings, statements and deliveries project to their rows", "[reconcile]")
{
    held_thing last;
    last.subject = 3;
    last.entry = 9;
    statement_row counted;
    counted.source = "mis";
    counted.record = what::session_mark;
    outbox_message m;
    m.content.id = "<alert-5.open.lead@example>";
    m.content.type = "alert.opened";
    m.route = "lead";
    m.stage = "letter";
    m.alert = 5;
    m.pupil = 2;
    m.attempts = 1;
    const std::vector<draft> drafts = {
        setting_entry("rules", "[]", nullptr),
        setting_entry("mis/code-list", R"({"a":"é"})", &last),
        statement_entry("mis", minute(1), std::vector{counted}, true, "", 7),
        statement_entry("mis", minute(1), {}, false, "the source did not answer", 7),
        delivery_entry(m, minute(2)),
    };
    for (const draft& d : drafts) {
        CAPTURE(d.payload);
        check_equal(project(d.payload, 7, plain_digest).value(), d.row, 7);
    }
}

TEST_CASE("a payload of no known form is refused", "[reconcile]")
{
    const auto payload = GENERATE(
        as<std::string>(),
        "",
        "{}",
        "[]",
        R"({"what":"nothing-we-know"})",
        R"({"what":"session-mark"})",
        R"({"date":"2026-02-30","pupil":1,"session":"AM","what":"session-mark"})",
        R"({"date":"2026-02-03","pupil":1,"session":"XM","what":"session-mark"})",
        R"({"date":"2026-02-03","pupil":-1,"session":"AM","what":"session-mark"})"
    );
    CAPTURE(payload);
    const auto made = project(payload, 7, plain_digest);
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().code == errc::ledger_in_doubt);
}
