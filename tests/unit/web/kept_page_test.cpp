#include "daemon/web/press.hpp"
#include "tests/unit/web/site_fixture.hpp"

namespace rollbook {
namespace {

// Counts the lists that pages are made from, and the entries that are looked up one by one.
class counting_reader final : public lent_reader {
public:
    counting_reader(std::shared_ptr<written_ledger> from, std::shared_ptr<int> count, std::shared_ptr<int> entries)
        : lent_reader(std::move(from)), count_(std::move(count)), entries_(std::move(entries))
    {
    }
    void entries(entry_index from, entry_index to, const std::function<bool(const entry_view&)>& use) const override
    {
        *entries_ += to - from == 1;
        lent_reader::entries(from, to, use);
    }
    void things(what kind, entry_index n, const std::function<bool(const thing_view&)>& use) const override
    {
        ++*count_;
        lent_reader::things(kind, n, use);
    }

private:
    std::shared_ptr<int> count_, entries_;
};

struct watched_site : site_fixture {
    std::shared_ptr<int> lists = std::make_shared<int>(0), looked_up = std::make_shared<int>(0);

    watched_site()
    {
        web_surroundings around;
        around.settings = std::make_shared<const configuration>(config);
        around.desk = &desk;
        around.open_reader =
            [l = ledger, count = lists, entries = looked_up]() -> result<std::unique_ptr<ledger_reader>> {
            return std::unique_ptr<ledger_reader>(std::make_unique<counting_reader>(l, count, entries));
        };
        around.log_key = [this] { return key; };
        pages = std::make_unique<site>(loop.get_executor(), std::move(around));
    }

    // Whether Today was read from the ledger for it.
    bool is_read(const std::string& target = "/today")
    {
        const int before = *lists;
        CHECK(get(target).status == 200);
        return *lists > before;
    }
};

} // namespace

TEST_CASE_METHOD(watched_site, "Today is read once and answered from memory until something is written", "[web]")
{
    log_in(role::lead);
    CHECK(is_read());
    CHECK_FALSE(is_read());
    // Every form by itself, and what was asked for with a query not at all.
    CHECK(is_read("/today.json"));
    CHECK_FALSE(is_read("/today.json"));
    CHECK(is_read("/today?known_at=2026-11-23T12:30:00Z"));
    CHECK(is_read("/today?known_at=2026-11-23T12:30:00Z"));

    ledger->append(entry_kind::note, second_read, R"({"user":"lead","view":"pupil","what":"access"})");
    CHECK(is_read());
    CHECK_FALSE(is_read());
    desk.time = "2026-11-23T13:00:59Z";
    CHECK_FALSE(is_read());
    desk.time = "2026-11-23T13:01:00Z";
    CHECK(is_read());
}

TEST_CASE_METHOD(
    watched_site, "behind a read that has not ended Today is five seconds at most, and never behind a decision", "[web]"
)
{
    log_in(role::lead);
    std::uint64_t commits = 1;
    desk.count_commits = [&] { return commits; };
    const auto page_of_read = [&] {
        ledger->append(entry_kind::note, second_read, R"({"user":"lead","view":"pupil","what":"access"})");
    };
    CHECK(is_read());
    page_of_read();
    desk.time = "2026-11-23T13:00:04.999Z";
    CHECK_FALSE(is_read());
    desk.time = "2026-11-23T13:00:05Z";
    CHECK(is_read());
    page_of_read();
    CHECK_FALSE(is_read());
    ++commits; // somebody decided, or the read ended
    CHECK(is_read());
    CHECK_FALSE(is_read());
    // A clock that was put back makes nothing young.
    page_of_read();
    desk.time = "2026-11-23T13:00:01Z";
    CHECK(is_read());
}

TEST_CASE_METHOD(watched_site, "what pages rest on is let go of, and made again for the next page", "[web]")
{
    int opened = 0;
    press worker([&]() -> result<std::unique_ptr<ledger_reader>> {
        ++opened;
        return std::unique_ptr<ledger_reader>(std::make_unique<counting_reader>(ledger, lists, looked_up));
    });
    page_order order;
    order.settings = std::make_shared<const configuration>(config);
    order.to = find_route("/pupils").to;
    order.target = parse_target("/pupils").value();
    order.now = desk.now();
    const std::string page = worker.make(order).answer.body;
    CHECK_THAT(page, Catch::Contains("/pupils/"));
    const int lists_before = *lists;
    CHECK(worker.make(order).answer.body == page);
    CHECK(opened == 1);
    const int lists_each = *lists - lists_before;
    worker.rest();
    CHECK(worker.make(order).answer.body == page);
    CHECK(opened == 2);
    CHECK(*lists - lists_before > 2 * lists_each);
}

TEST_CASE_METHOD(watched_site, "what one role or scope was shown of Today is not kept for another", "[web]")
{
    log_in(role::lead);
    CHECK(is_read());
    log_in(role::office);
    CHECK(is_read());
    log_in(role::pastoral);
    CHECK(is_read());
    account moved = desk.book.find("pastoral").value();
    moved.scope.years = {"9"};
    desk.book.put(moved);
    log_in(role::pastoral);
    CHECK(is_read());
    // The frame is the reader's own.
    log_in(role::office);
    const std::string page = get("/today").body;
    CHECK_THAT(page, Catch::Contains("office"));
    CHECK_THAT(page, !Catch::Contains(">lead<"));
}

TEST_CASE_METHOD(watched_site, "what an alert rests on is looked up once, and anew when something was erased", "[web]")
{
    const entry_index concern = record(what::concern, "cpoms", "k9", no_entry, R"({"category":"Home"})");
    alert one;
    one.pupil = ana;
    one.rule = "home-made"; // not one that rests on the register alone
    one.stage = "tutor";
    one.state = alert_state::open;
    one.evidence = {late_mark, concern};
    one.window = {on("2026-11-09"), on("2026-11-23")};
    one.opened_for = {on("2026-11-23"), local_instant(second_read.time_since_epoch())};
    one.opened_at = second_read;
    one.changed_at = second_read;
    const entry_index id = ledger->append(entry_kind::record, second_read, alert_payload(one, ledger->size()));
    const std::string listed = "\"id\":" + std::to_string(id) + ",";
    const auto is_listed = [&] { return get("/alerts.json").body.find(listed) != std::string::npos; };

    log_in(role::lead);
    CHECK_FALSE(is_listed());
    CHECK(*looked_up == 2);
    CHECK_FALSE(is_listed());
    CHECK(*looked_up == 2);
    log_in(role::dsl);
    CHECK(is_listed());

    ledger->all[concern].payload.clear();
    ledger->all[concern].row = std::monostate();
    const std::string gone = std::to_string(concern);
    ledger->append(
        entry_kind::erasure,
        second_read,
        R"({"basis":"request","entries":[[)" + gone + "," + gone + R"(]],"what":"erasure"})"
    );
    log_in(role::lead);
    CHECK(is_listed());
    // Nor do they outlive the settings that say which system is which.
    config.sources.front().role = source_role::safeguarding;
    pages->take(config);
    CHECK_FALSE(is_listed());
}

TEST_CASE_METHOD(
    watched_site, "which findings a reader sees is looked up once, and an erased one is listed no more", "[web]"
)
{
    const auto found = [this](const std::string& kind, entry_index evidence) {
        const std::string number = std::to_string(ledger->size());
        return ledger->append(
            entry_kind::record,
            second_read,
            R"({"closed_at":null,"evidence":[)" + std::to_string(evidence) + R"(],"explanation":"e","finding":)" +
                number + R"(,"key":"k","kind":")" + kind + R"(","opened_at":"2026-11-23T08:50:00.000Z","pupil":)" +
                std::to_string(ana) +
                R"(,"sources":["mis"],"state":"open","subject":{"id":"E5","source":"mis"},"what":"finding"})"
        );
    };
    const entry_index concern = record(what::concern, "cpoms", "k9", no_entry, R"({"category":"Home"})");
    const entry_index plain = found("mark-missing", late_mark);
    const entry_index guarded = found("pupil-conflict", concern);
    const auto is_listed = [this](entry_index id) {
        return get("/findings.json").body.find("\"id\":" + std::to_string(id) + ",") != std::string::npos;
    };

    const auto entries_for = [&] {
        const int before = *looked_up;
        CHECK(is_listed(plain));
        return *looked_up - before;
    };
    log_in(role::dsl);
    const int first = entries_for();
    CHECK(entries_for() < first);
    CHECK(is_listed(guarded));
    // The same lookups give the lead no more and no less, whoever asked before.
    log_in(role::lead);
    CHECK(is_listed(plain));
    CHECK_FALSE(is_listed(guarded));

    ledger->all[plain].payload.clear();
    const std::string gone = std::to_string(plain);
    ledger->append(
        entry_kind::erasure,
        second_read,
        R"({"basis":"request","entries":[[)" + gone + "," + gone + R"(]],"what":"erasure"})"
    );
    CHECK_FALSE(is_listed(plain));
}

} // namespace rollbook
