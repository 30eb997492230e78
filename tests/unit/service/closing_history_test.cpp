#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/rules/measures.hpp"

#include "tests/support/england_pack.hpp"
#include "tests/unit/service/small_school.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <set>

using namespace rollbook;
using namespace rollbook::support;

namespace {

#ifdef NDEBUG
constexpr unsigned histories = 12;
#else
constexpr unsigned histories = 4; // not optimised, a history takes some times as long
#endif
constexpr int history_pupils = 12;

// An alert that stands, in the words of the sources: entries have other numbers in another ledger.
struct alert_seen {
    std::string stage;
    std::int64_t value = 0;
    std::vector<std::string> evidence;
    std::string kept_open;
};
using alerts_seen = std::map<std::pair<std::string, std::string>, alert_seen>; // by rule and pupil

std::string fact_in(std::string_view payload)
{
    const auto parsed = json_document::parse(std::string(payload));
    if (!parsed) return "unreadable";
    std::string text;
    json_writer out(text);
    if (parsed->root()["what"].string_if() != "session-mark") {
        parsed->root()["fields"].write_canonical(out);
        return text;
    }
    return std::string(*parsed->root()["date"].string_if()) + " " +
           std::string(*parsed->root()["session"].string_if()) + " " + std::string(*parsed->root()["raw"].string_if());
}

alerts_seen alerts_in(const ledger_folder& folder)
{
    std::map<entry_index, std::string> facts;
    folder.reader()->entries(0, no_entry, [&](const entry_view& entry) {
        facts[entry.index] = fact_in(entry.payload);
        return true;
    });
    alerts_seen found;
    const auto book = folder.open();
    const held_state& held = book->state();
    for (const held_thing& thing : held.things(what::alert).all()) {
        if (thing.gone) continue;
        auto each = parse_alert_payload(thing.payload, thing.entry);
        if (!each || each->pupil == no_entry) continue;
        if (const auto kept = book->value_of(each->id)) follow_value(*each, *kept);
        alert_seen seen{each->stage, each->value, {}, each->kept_open};
        for (const entry_index entry : each->evidence)
            seen.evidence.push_back(facts.at(entry));
        std::ranges::sort(seen.evidence);
        found[{each->rule, std::string(held.things(what::pupil).find_subject(each->pupil)->key)}] = seen;
    }
    return found;
}

// Registers, incidents and a roll that change at random, and a daemon that reads them and dies now and then.
class moving_history {
public:
    explicit moving_history(unsigned seed) : dice_(seed)
    {
        school.mis->page_size = 1'000;
        school.mis->pupils.clear();
        school.mis->marks.clear();
        school.settings.rules.clear();
        for (rule& each : england_pack()) {
            const measure_kind& kind = *find_measure(each.measure);
            each.enabled = !kind.by_clock && !kind.by_source;
            if (each.enabled) school.settings.rules.push_back(std::move(each));
        }
        for (int pupil = 0; pupil < history_pupils; ++pupil)
            write_pupil(pupil);
    }

    void live(int days)
    {
        civil_day day = ymd(2026, 9, 3);
        for (int n = 0; n < days; ++n) {
            if (n > 0) day = school.settings.calendar.school_day_after(day, 1).value();
            for (const int hour : {10, 14, 17}) {
                if (hour == 10) take_register({day, half_day::am});
                if (hour == 14) take_register({day, half_day::pm});
                amend();
                school.now = instant((day + std::chrono::hours(hour)).time_since_epoch());
                if (one_in(4)) end(); // the next read is a new process's
                if (!one_in(5)) read_into(school.folder, writer_);
            }
        }
        school.now += std::chrono::minutes(30);
        read_into(school.folder, writer_);
        end();
    }

    // The last state of everything, to a ledger that never saw another.
    void read_anew(const ledger_folder& into)
    {
        std::optional<running> once;
        read_into(into, once);
    }

    void read_again()
    {
        school.now += std::chrono::minutes(1);
        read_into(school.folder, writer_);
        end();
    }

    bool is_listed(const std::string& pupil) const
    {
        return std::ranges::any_of(school.mis->pupils, [&](const auto& each) { return each.first == pupil; });
    }

    small_school school;

private:
    struct running {
        running(small_school& of, const ledger_folder& folder)
            : book(folder.open()), work(
                                       of.settings, of.parts, *book, [&of] { return of.now; }, retry_pace{1, {}, {}}
                                   )
        {
        }
        std::unique_ptr<ledger> book;
        cycle work;
    };

    std::size_t below(std::size_t many) { return dice_() % many; }
    bool one_in(std::size_t many) { return below(many) == 0; }
    static std::string id_of(int pupil) { return "A" + std::to_string(pupil); }

    void end() { writer_.reset(); }

    void read_into(const ledger_folder& folder, std::optional<running>& by)
    {
        if (!by) by.emplace(school, folder);
        boost::asio::io_context loop(1);
        read_options options;
        options.everything = true;
        options.lift_vanish_limit = true; // in so small a school the last incident is all of them
        const read_report report = test::run(loop, by->work.read(0, options, {}));
        REQUIRE(report.failures.empty());
    }

    // Born so that one or the other leaves compulsory school age, which their cohort goes by.
    void write_pupil(int pupil)
    {
        const std::string born = one_in(6) ? "2009-10-0" : "2013-01-0";
        const std::string fields = R"({"date_of_birth":")" + born + std::to_string(1 + pupil % 9) +
                                   R"(","forename":"Zo","registration_group":"9)" + (pupil % 2 ? "A" : "B") +
                                   R"(","surname":"Quillfeather","year":"9"})";
        const auto at =
            std::ranges::find(school.mis->pupils, id_of(pupil), &std::pair<std::string, std::string>::first);
        if (at == school.mis->pupils.end())
            school.mis->pupils.emplace_back(id_of(pupil), fields);
        else
            at->second = fields;
    }

    std::string some_code() { return std::string(1, "/////////LLUNNOIGECD"[below(20)]); }

    void take_register(session_id session)
    {
        const bool late_form = one_in(6); // taken hours later, or never
        for (int pupil = 0; pupil < history_pupils; ++pupil) {
            if (!is_listed(id_of(pupil))) continue;
            row mark{"M" + std::to_string(++marks_), id_of(pupil), session, some_code()};
            (late_form && pupil % 2 ? waiting_ : school.mis->marks).push_back(std::move(mark));
        }
        for (std::size_t many = below(3); many > 0; --many) {
            const std::string number = "I" + std::to_string(++incidents_);
            const std::string pupil = id_of(static_cast<int>(below(history_pupils)));
            const std::string day = format_day(session.day);
            auto& all = school.mis->incidents;
            all.emplace_back(what::incident, number, "", R"({"day":")" + day + R"(","nature":"behaviour","type":"x"})");
            all.emplace_back(
                what::involvement,
                number + "/" + pupil,
                pupil,
                R"({"day":")" + day + R"(","of":"incident","record":")" + number + R"("})"
            );
        }
    }

    void amend()
    {
        auto& marks = school.mis->marks;
        for (std::size_t many = below(5); many > 0 && !marks.empty(); --many) {
            const std::size_t at = below(marks.size());
            if (one_in(6)) {
                waiting_.push_back(marks[at]); // lost, and found again one day
                marks.erase(marks.begin() + static_cast<std::ptrdiff_t>(at));
            } else {
                marks[at].code = some_code();
            }
        }
        if (!waiting_.empty() && one_in(3)) {
            marks.insert(marks.end(), waiting_.begin(), waiting_.end());
            waiting_.clear();
        }
        if (!school.mis->incidents.empty() && one_in(6)) {
            const auto at = static_cast<std::ptrdiff_t>(below(school.mis->incidents.size() / 2)) * 2;
            school.mis->incidents.erase(school.mis->incidents.begin() + at, school.mis->incidents.begin() + at + 2);
        }
        if (!one_in(8)) return;
        const int pupil = static_cast<int>(below(history_pupils));
        if (is_listed(id_of(pupil)) && one_in(3))
            std::erase_if(school.mis->pupils, [&](const auto& each) { return each.first == id_of(pupil); });
        else
            write_pupil(pupil); // changed, or back again
    }

    std::mt19937 dice_;
    std::optional<running> writer_;
    std::vector<row> waiting_;
    int marks_ = 0;
    int incidents_ = 0;
};

std::size_t place_of(const rule& by, const std::string& stage)
{
    return static_cast<std::size_t>(std::ranges::find(by.stages, stage, &rule_stage::name) - by.stages.begin());
}

} // namespace

TEST_CASE("what stands after many closings is what a ledger that was told it all at once says", "[service][long]")
{
    const unsigned seed = GENERATE(range(1u, histories + 1));
    CAPTURE(seed);
    moving_history lived(seed);
    lived.live(18 + static_cast<int>(seed % 5) * 4);
    const alerts_seen grown = alerts_in(lived.school.folder);

    // A new process that judges everybody anew changes nothing, and the projections are those of the entries.
    const auto before = lived.school.content();
    lived.read_again();
    CHECK(lived.school.content() == before);
    CHECK(lived.school.folder.verify().problems.empty());

    const ledger_folder at_once;
    lived.read_anew(at_once);
    const alerts_seen fresh = alerts_in(at_once);
    CHECK(fresh.size() > 5);
    for (const auto& [key, now] : fresh) {
        // Of one who left it knows marks and nothing else: whether there was such a pupil it cannot say.
        if (!lived.is_listed(key.second)) continue;
        CAPTURE(key.first, key.second);
        const auto at = grown.find(key);
        REQUIRE(at != grown.end());
        CHECK(at->second.value == now.value);
        CHECK(at->second.evidence == now.evidence);
        // A stage only goes up: one that was reached stays, though less than it asks is left.
        const rule& by = *std::ranges::find(lived.school.settings.rules, key.first, &rule::id);
        CHECK(place_of(by, at->second.stage) >= place_of(by, now.stage));
    }
    // What stands besides: until a person decides, down to the clearing level, or for what is not known yet; and of one
    // who left, what stood then.
    for (const auto& [key, then] : grown) {
        if (fresh.contains(key) || !lived.is_listed(key.second)) continue;
        CAPTURE(key.first, key.second, then.stage, then.value);
        const rule& by = *std::ranges::find(lived.school.settings.rules, key.first, &rule::id);
        CHECK((by.needs_decision || then.value >= by.clearing_level() || !then.kept_open.empty()));
    }
}
