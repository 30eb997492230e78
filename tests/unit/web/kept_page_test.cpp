#include "tests/unit/web/site_fixture.hpp"

namespace rollbook {
namespace {

// Counts the lists that pages are made from.
class counting_reader final : public lent_reader {
public:
    counting_reader(std::shared_ptr<written_ledger> from, std::shared_ptr<int> count)
        : lent_reader(std::move(from)), count_(std::move(count))
    {
    }
    void things(what kind, entry_index n, const std::function<bool(const thing_view&)>& use) const override
    {
        ++*count_;
        lent_reader::things(kind, n, use);
    }

private:
    std::shared_ptr<int> count_;
};

struct watched_site : site_fixture {
    std::shared_ptr<int> lists = std::make_shared<int>(0);

    watched_site()
    {
        web_surroundings around;
        around.settings = std::make_shared<const configuration>(config);
        around.desk = &desk;
        around.open_reader = [l = ledger, count = lists]() -> result<std::unique_ptr<ledger_reader>> {
            return std::unique_ptr<ledger_reader>(std::make_unique<counting_reader>(l, count));
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

} // namespace rollbook
