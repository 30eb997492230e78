#include "tests/simulation/simulation.hpp"

#include "daemon/base/json.hpp"
#include "daemon/base/spoken.hpp"
#include "daemon/ledger/reader.hpp"
#include "daemon/ledger/signed_file.hpp"
#include "daemon/ledger/store.hpp"
#include "daemon/service/cycle.hpp"
#include "daemon/service/decisions.hpp"
#include "daemon/service/housekeeping.hpp"

#include "tests/simulation/expected.hpp"
#include "tests/simulation/memory_disk.hpp"
#include "tests/simulation/randomness.hpp"
#include "tests/simulation/safety.hpp"
#include "tests/simulation/watched_ledger.hpp"
#include "tests/support/ledger_folder.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <SQLiteCpp/SQLiteCpp.h>

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <malloc.h>
#include <map>
#include <set>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace rollbook::simulation {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t mis = 0;
constexpr std::size_t safeguarding = 1;

const char* const routes[] = {"lead", "second"};

// A moment as the daemon has it, and back.
instant instant_of(moment at)
{
    return instant(at.time_since_epoch());
}
moment moment_of(instant at)
{
    return moment(at.time_since_epoch());
}

rule rule_of(const plain_rule& plain)
{
    rule made;
    made.id = plain.id;
    made.title = "Rule " + plain.id;
    made.measure = plain.of == plain_rule::counts::late           ? "late_sessions"
                   : plain.of == plain_rule::counts::unauthorised ? "unauthorised_sessions"
                                                                  : "incidents";
    made.window = plain.school_days > 0 ? rule_window{rule_window::unit::school_days, plain.school_days}
                                        : rule_window{rule_window::unit::school_weeks, 10};
    for (const auto& [name, at_least] : plain.stages)
        made.stages.push_back({name, at_least, std::nullopt});
    made.needs_decision = plain.needs_decision;
    made.source = "the school";
    return made;
}

rule rule_of(const safety_rule& plain)
{
    rule made;
    made.id = plain.id;
    made.title = "Rule " + plain.id;
    made.measure = plain.of == safety_rule::looks_at::by_day    ? "unexplained_sessions"
                   : plain.of == safety_rule::looks_at::missing ? "unexplained_minutes"
                                                                : "left_unexplained_minutes";
    made.window = {rule_window::unit::school_days, 1};
    for (const auto& [name, at_least] : plain.stages)
        made.stages.push_back({name, at_least, std::nullopt});
    if (plain.of == safety_rule::looks_at::missing) made.when_unknown = rule::unknown::tell;
    made.cohort.watch_list = plain.only_marked;
    made.safety = true;
    made.source = "the school";
    return made;
}

configuration settings_of(const plan& of)
{
    configuration settings;
    settings.school.name = "St Example's";
    settings.ledger.origin = "ledger.example.sch.uk/900001";
    std::vector<term> terms;
    for (const auto& [first, last] : half_terms())
        terms.push_back({"Half term", {{civil_day(std::chrono::days(first)), civil_day(std::chrono::days(last))}}});
    const civil_day since{std::chrono::days(0)};
    settings.calendar = {
        terms,
        {},
        {{half_day::am, 8h + 45min, 9h + 15min, 30min, since}, {half_day::pm, 13h, 13h + 30min, 30min, since}}};
    for (const auto& [name, role] :
         {std::pair("mis", source_role::mis), std::pair("cpoms", source_role::safeguarding)}) {
        source_configuration source;
        source.name = name;
        source.role = role;
        if (role == source_role::mis) {
            source.reread = {
                {2, 0min}, {std::nullopt, of.minutes.empty() ? std::chrono::hours(24) : std::chrono::hours(24 * 7)}};
            source.vanish_limit = {50, 200};
        }
        settings.sources.push_back(source);
    }
    for (const plain_rule& each : plain_rules())
        settings.rules.push_back(rule_of(each));
    for (const safety_rule& each : safety_rules())
        settings.rules.push_back(rule_of(each));
    for (const char* name : routes) {
        route_configuration route;
        route.name = name;
        route.channel = "file";
        route.rules = {"*"};
        settings.routes.push_back(route);
    }
    return settings;
}

// What the program says on standard error, while it lives.
class heard_words {
public:
    heard_words() : before_(stderr) { stderr = open_memstream(&text_, &size_); }
    ~heard_words()
    {
        std::fclose(stderr);
        stderr = before_;
        std::free(text_);
    }
    std::string all()
    {
        std::fflush(stderr);
        return std::string(text_, size_);
    }

private:
    FILE* before_;
    char* text_ = nullptr;
    std::size_t size_ = 0;
};

// A ledger that was just made, and is the same for every seed: making one costs more than a day of the simulation.
// The one file that is written besides it, the checkpoint's, goes where a sync costs nothing.
struct new_ledger {
    support::ledger_folder made = (prepare(), support::ledger_folder());
    std::string as_made;
    std::string in_small_pages;
    static void prepare()
    {
        // Files in memory grow and go all the time: their pages are kept.
        ::mallopt(M_MMAP_THRESHOLD, 64 << 20);
        ::mallopt(M_TRIM_THRESHOLD, 256 << 20);
        if (std::filesystem::is_directory("/dev/shm")) ::setenv("TMPDIR", "/dev/shm", 1);
        seed_randomness(0);
    }
    new_ledger()
    {
        as_made = read();
        SQLite::Database database(made.file().string(), SQLite::OPEN_READWRITE);
        for (const char* step : {"journal_mode = DELETE", "page_size = 4096"})
            database.exec(std::string("PRAGMA ") + step);
        database.exec("VACUUM");
        database.exec("PRAGMA journal_mode = WAL");
        in_small_pages = read();
    }
    std::string read() const
    {
        std::ifstream in(made.file(), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    }
};

const std::shared_ptr<const told_by_source>& nothing_told()
{
    static const auto nothing = std::make_shared<const told_by_source>();
    return nothing;
}

// What became of one message that somebody must get.
struct owed {
    bool optional = false;
    moment made_at{};
};

class life {
public:
    life(const plan& of, const new_ledger& fresh)
        : plan_(of), settings_(settings_of(of)), chance_(of.seed * 7 + 3),
          truth_(of.seed, of.size), around_{truth_, clock_, chance_, {}, of.bug, true}, expected_(truth_),
          safety_(truth_, expected_, [this](const std::string& what) { wrong(what); })
    {
        key_ = &fresh.made.key;
        file_ = fresh.made.file();
        disk_.add(file_.string(), of.with_small_pages ? fresh.in_small_pages : fresh.as_made);
        std::filesystem::remove(signed_file(file_));
        seed_randomness(of.seed);
        for (std::size_t i = 0; i < truth_.pupils().size(); ++i)
            pupil_ids_.push_back(school::pupil_id(static_cast<int>(i)));
        for (int i = 0; i < static_cast<int>(truth_.incidents().size()); ++i) {
            std::vector<std::string>& ids = ids_of_incidents_.emplace_back(1, school::incident_id(i));
            for (const int pupil : truth_.everyone_in(i))
                ids.push_back(school::part_id(i, pupil));
        }
        around_.with_page_memory = chance_.below(4) != 0;
    }

    findings live();

private:
    // The program while it runs.
    struct process {
        boost::asio::io_context loop;
        std::unique_ptr<watched_ledger> book;
        cycle_parts parts;
        school_system* systems[2] = {};
        std::unique_ptr<cycle> work;
    };

    template <class T> T run(boost::asio::awaitable<T> work);
    void wrong(std::string what);
    void tell(const std::string& what) const;
    void start();
    void end_process(bool power);
    void sit_through(const std::function<void()>& work);
    void poll(std::size_t source, read_options options = {});
    void change_weather(moment at);
    void calm_down();

    void committed(const commit_made& made);
    void take_statements(const commit_made& made);
    void take_alerts(const commit_made& made);
    void take_safety(const commit_made& made);
    char code_held(std::size_t day, int half, int pupil) const;
    void decide_as_lead();
    void put_on_list(int pupil);
    void owe(const alert_step& step, entry_index id, moment now);
    void compare();
    void compare_pupils(bool closed);
    void compare_marks(bool closed);
    std::vector<cell> marks_held(std::size_t from) const;
    void compare_incidents(bool closed);
    void trust_incidents();
    bool looks_closely() const;
    void remember_point();
    void check_points(const ledger_reader& reader);
    void check_deliveries();
    // What each route got, by alert and word: the ids, and all their texts.
    struct heard {
        std::set<std::string> ids;
        std::string text;
    };
    using all_heard = std::map<std::tuple<std::string, entry_index, std::string>, heard>;
    std::int64_t check_safety(all_heard& got, const std::set<std::string>& told_dead);
    void check_words();
    void verify();

    plan plan_;
    configuration settings_;
    dice chance_;
    virtual_clock clock_;
    school truth_;
    surroundings around_;
    memory_disk disk_;
    const signing_key* key_ = nullptr;
    std::filesystem::path file_;
    heard_words words_;
    std::unique_ptr<process> running_;
    moment down_until_{};

    expectation expected_;
    safety_watch safety_;
    std::vector<int> to_list_; // pupils whom the lead puts on the list as soon as the ledger has them
    std::shared_ptr<const told_by_source> told_ = nothing_told(); // by the read under way or the last one
    std::vector<std::string> closed_;                             // lists that it closed
    bool compared_ = true;
    bool reading_ = false;
    std::vector<commit_made> unknown_; // after a death: begun, and nobody knows
    bool first_of_marks_ = true;
    bool first_of_incidents_ = true;
    bool lead_began_ = false;
    std::map<entry_index, int> pupil_of_; // by first entry
    std::map<int, entry_index> entry_of_;
    std::vector<std::string> pupil_ids_;
    std::vector<std::vector<std::string>> ids_of_incidents_;       // its own, then those of the parts in it
    std::vector<std::pair<entry_index, std::string>> pupils_seen_; // in this process: the entry, and fields in it
    std::map<std::pair<std::string, entry_index>, std::pair<std::string, std::string>> alert_now_; // rule and pupil
    std::map<std::pair<std::string, entry_index>, entry_index> alert_id_;
    std::map<std::tuple<std::string, entry_index, std::string>, owed> owed_; // route, alert, stage or end
    std::map<entry_index, std::size_t> also_met_;                            // of how many earlier days an alert told
    std::map<entry_index, std::size_t> told_again_;                          // how often that was something new
    int baselines_owed_ = 0;
    std::vector<delivery> delivered_;
    std::map<std::string, moment> broke_at_;  // by route: when it last took none, or nobody was there to send any
    std::map<std::string, moment> worked_at_; // by route: when it last took messages for so long that each was tried
    std::set<std::string> gone_;              // routes that did not for two days on end
    std::vector<std::string> notes_;
    std::size_t committed_size_ = 1;
    entry_index signed_size_ = 0;
    struct point {
        entry_index size = 0;
        std::vector<cell> marks;
    };
    std::vector<point> points_;
    bool is_last_poll_ = false;
    findings found_;
    std::size_t told_of_ = 0; // deliveries printed
    std::size_t reached_ = 0; // of the change feed, by any read of any process
};

template <class T> T life::run(boost::asio::awaitable<T> work)
{
    std::optional<T> value;
    std::exception_ptr thrown;
    const auto ended = [&](std::exception_ptr e, T v) {
        thrown = e;
        value.emplace(std::move(v));
    };
    boost::asio::co_spawn(running_->loop, std::move(work), ended);
    running_->loop.restart();
    running_->loop.run();
    if (thrown) std::rethrow_exception(thrown);
    return std::move(*value);
}

void life::wrong(std::string what)
{
    tell("WRONG: " + what);
    if (found_.problems.size() < 10)
        found_.problems.push_back(fmt::format("{}: {}", format_instant(instant_of(clock_.true_time)), what));
}

void life::tell(const std::string& what) const
{
    if (plan_.tells)
        std::printf(
            "%s (%+lld min) %s\n",
            format_instant(instant_of(clock_.true_time)).c_str(),
            static_cast<long long>(clock_.skew / 1min),
            what.c_str()
        );
}

void life::start()
{
    auto opened = open_ledger(file_, {key_}, std::make_unique<late_work>(around_));
    if (!opened) {
        if (!disk_.is_dying() && !disk_.has_failed()) wrong("the ledger does not open: " + opened.error().what);
        throw process_died();
    }
    running_ = std::make_unique<process>();
    pupils_seen_.assign(truth_.pupils().size(), {no_entry, {}});
    running_->book = std::make_unique<watched_ledger>(std::move(*opened), around_);
    watched_ledger& book = *running_->book;
    book.committed = [this](const commit_made& made) { committed(made); };
    book.is_dead = [this] { return disk_.is_dying(); };
    book.signed_one = [this] {
        if (std::exchange(signed_size_, running_->book->size()) == running_->book->size()) return;
        auto newest = running_->book->checkpoints().proofs().newest();
        if (newest && (notes_.empty() || notes_.back() != newest->note)) notes_.push_back(std::move(newest->note));
    };
    std::vector<commit_made> durable = std::exchange(unknown_, {});
    const auto edge_of = [](const commit_made& each) { return each.base + each.entries; };
    if (!durable.empty() && book.size() != durable.front().base &&
        std::ranges::count(durable, book.size(), edge_of) == 0)
        wrong("half a transaction is there");
    std::erase_if(durable, [&](const commit_made& each) { return edge_of(each) > book.size(); });
    if (book.size() < committed_size_)
        wrong(fmt::format("{} entries were committed, and {} are left", committed_size_, book.size()));
    for (const std::size_t source : {mis, safeguarding}) {
        auto made = std::make_unique<school_system>(settings_.sources[source].name, source == mis, around_);
        running_->systems[source] = made.get();
        running_->parts.connectors.push_back(std::move(made));
    }
    book.reached = [this] { return std::max(reached_, running_->systems[mis]->reached()); };
    for (const char* name : routes)
        running_->parts.channels.emplace(name, std::make_unique<receiver>(name, around_, delivered_));
    retry_pace pace;
    pace.first = 0ms;
    running_->work = std::make_unique<cycle>(
        settings_, running_->parts, book, [this] { return instant_of(clock_.read()); }, pace
    );
    // Whatever it was doing when it died, the ledger stands at a transaction's edge.
    for (const commit_made& made : durable) {
        closed_ = made.closed_streams;
        committed(made);
    }
    if (compared_) { // nothing was under way: all must be as it was
        told_ = nothing_told();
        closed_.clear();
        compared_ = false;
    }
    compare();
}

void life::end_process(bool power)
{
    tell(power ? "the power is cut" : "the process dies");
    ++found_.deaths;
    found_.power_cuts += power ? 1 : 0;
    if (running_) {
        unknown_ = running_->book->under_way;
        if (reading_) told_ = running_->systems[mis]->told();
        reached_ = std::max(reached_, running_->systems[mis]->reached());
    }
    reading_ = false;
    running_.reset();
    disk_.recover(power, chance_);
    around_.now.dies_at_await = 0;
    around_.is_dead = false;
    // The file beside the ledger was renamed into place, and the folder not synced: the one before may be there again.
    if (power && notes_.size() > 1 && chance_.one_in(3)) write_signed(file_, notes_[notes_.size() - 2]);
    std::erase_if(unknown_, [](const commit_made& each) { return each.entries == 0; });
    // Whoever only reads may come before the program is there again.
    if (unknown_.empty() || found_.deaths % 4 != 0) return;
    if (const auto reader = open_reader(file_); !reader)
        wrong("the ledger does not open to be read: " + reader.error().what);
}

// A death ends the process and no more; the service manager starts it again.
void life::sit_through(const std::function<void()>& work)
{
    try {
        if (!running_) start();
        work();
        return;
    } catch (const process_died&) {
    } catch (const std::exception& e) {
        if (!disk_.is_dying() && !disk_.has_failed()) wrong(std::string("an exception: ") + e.what());
    }
    end_process(chance_.one_in(2));
    down_until_ = clock_.true_time + (chance_.one_in(3) ? std::chrono::minutes(chance_.between(1, 900)) : 0min);
}

void life::poll(std::size_t source, read_options options)
{
    ++found_.polls;
    if (source == mis) {
        told_ = nothing_told();
        closed_.clear();
        compared_ = false;
        reading_ = true;
        clock_.forget();
    }
    const read_report report = run(running_->work->read(source, options, {}));
    found_.failed_reads += report.failures.empty() ? 0 : 1;
    for (const failure& why : report.failures)
        tell(why.what);
    if (source == mis) {
        told_ = running_->systems[mis]->told();
        compare();
        reading_ = false;
    }
    (void)running_->work->judge_clock();
    if (!first_of_marks_) safety_.must_stand(clock_.last());
    (void)run(running_->work->deliver());
    keep_house(settings_, *running_->book, instant_of(clock_.read()));
}

// --- what was committed, and what it must be ---

void life::committed(const commit_made& made)
{
    committed_size_ = made.base + made.entries;
    for (const auto& each : made.pupils) {
        const int number = std::stoi(each.id.substr(2)) - 1'000;
        pupil_of_[each.subject] = number;
        entry_of_[number] = each.subject;
    }
    for (const entry_index each : made.marked)
        safety_.mark(pupil_of_.at(each));
    if (!made.closes && !made.alerts.empty()) take_safety(made);
    if (!made.closes || made.statements.empty() || made.statements.front().source != "mis") return;
    closed_ = made.closed_streams;
    if (reading_) told_ = running_->systems[mis]->told();
    take_statements(made);
    take_alerts(made);
    take_safety(made);
}

void life::take_statements(const commit_made& made)
{
    for (const statement_row& row : made.statements) {
        if (!row.adds_up()) wrong("a statement does not add up");
        if (!row.balanced && row.not_read.empty())
            wrong(fmt::format("a statement of {} does not balance", name_of(row.record)));
        const auto sent = told_->rows.find(row.record);
        if (row.read != (sent == told_->rows.end() ? 0 : sent->second))
            wrong(fmt::format(
                "{} rows of {} were sent, and {} are stated",
                sent == told_->rows.end() ? 0 : sent->second,
                name_of(row.record),
                row.read
            ));
    }
}

void life::take_alerts(const commit_made& made)
{
    // Alerts are judged by what is held when the read closes: its drafts are taken in as they are made.
    compare();
    const bool marks_closed = std::ranges::count(closed_, "marks") > 0;
    const bool any_closed = !closed_.empty();
    std::vector<alert_step> steps;
    if (any_closed) {
        steps =
            expected_.judge(*clock_.first(), moment_of(made.now), marks_closed, first_of_marks_, first_of_incidents_);
        if (marks_closed) first_of_marks_ = false;
        if (std::ranges::count(closed_, "incidents") > 0) first_of_incidents_ = false;
    }
    std::multimap<std::tuple<std::string, int, std::string, std::string>, entry_index> written;
    std::map<entry_index, day_number> opened_for;
    for (const auto& each : made.alerts) {
        if (find_safety_rule(each.rule)) continue;
        auto& known = alert_now_[{each.rule, each.pupil}];
        const std::pair now(each.state, each.stage);
        auto& id = alert_id_[{each.rule, each.pupil}];
        if (known == now && id == each.id) continue; // only its value or evidence changed
        known = now;
        id = each.id;
        written.insert({{each.rule, pupil_of_[each.pupil], each.state, each.stage}, each.id});
        if (each.opened_for) opened_for[each.id] = static_cast<day_number>(each.opened_for->time_since_epoch().count());
    }
    bool any_baseline = false;
    for (const alert_step& step : steps) {
        const auto found = written.find({plain_rules()[step.rule].id, step.pupil, step.state, step.stage});
        if (found == written.end()) {
            wrong(fmt::format(
                "no alert {} of pupil {} became {} ({})",
                plain_rules()[step.rule].id,
                step.pupil,
                step.state,
                step.stage
            ));
            continue;
        }
        any_baseline = any_baseline || step.of == alert_step::kind::baseline;
        owe(step, found->second, moment_of(made.now));
        written.erase(found);
    }
    for (const auto& [key, id] : written) {
        const auto& [rule, pupil, state, stage] = key;
        if (state == "open" && any_closed && opened_for.contains(id)) {
            const auto late = expected_.take_late(rule, pupil, stage, opened_for[id], *clock_.first());
            if (late) owe(*late, id, moment_of(made.now));
            if (late) continue;
        }
        wrong(fmt::format("alert {} of pupil {} became {} ({}), and should not", rule, pupil, state, stage));
    }
    for (const auto& each : made.alerts) {
        if (find_safety_rule(each.rule)) continue;
        std::size_t& said = also_met_[each.id];
        if (each.also_met.size() <= said) continue;
        said = each.also_met.size();
        ++told_again_[each.id];
        std::vector<day_number> days;
        for (const day_range& other : each.also_met)
            days.push_back(static_cast<day_number>(other.first.time_since_epoch().count()));
        if (!expected_.also_stands_for(each.rule, pupil_of_[each.pupil], days, *clock_.first()))
            wrong(fmt::format("alert {} tells of another time that its rule was met, and there is none", each.id));
    }
    baselines_owed_ += any_baseline ? 1 : 0;
}

// What is held of one session of one pupil at this moment, also within a read.
char life::code_held(std::size_t day, int half, int pupil) const
{
    const attendance_register* held = running_->book->state().find_register("mis");
    const auto entry = entry_of_.find(pupil);
    const auto number = held && entry != entry_of_.end() ? held->find_pupil(entry->second) : std::nullopt;
    if (!number) return 0;
    const civil_day date{std::chrono::days(truth_.school_days()[day])};
    const held_mark& mark = held->find({date, static_cast<half_day>(half)}, *number);
    return mark.is_held() ? held->codes().raw(mark.code).front() : '\0';
}

void life::take_safety(const commit_made& made)
{
    std::vector<safety_version> versions;
    for (const auto& each : made.alerts) {
        if (!find_safety_rule(each.rule)) continue;
        safety_version version{
            each.id, each.rule, pupil_of_.at(each.pupil), each.state, each.stage, {}, 0, each.is_decision};
        const auto number = [](civil_day day) { return static_cast<day_number>(day.time_since_epoch().count()); };
        for (const civil_day day : each.told)
            version.told.push_back(number(day));
        if (each.last_day) version.last_day = number(*each.last_day);
        const bool is_first = each.state == "open" && each.id >= made.base;
        found_.alerts += is_first ? 1 : 0;
        tell(fmt::format(
            "alert {}: {} of pupil {} is {} ({}), for {}{}",
            each.id,
            each.rule,
            version.pupil,
            each.state,
            each.stage,
            text_of(version.last_day),
            is_first ? ", new" : ""
        ));
        if (each.is_decision)
            safety_.acknowledged(version);
        else
            versions.push_back(std::move(version));
    }
    const moment now = moment_of(made.now);
    if (!made.closes && versions.empty()) return;
    if (!made.closes)
        safety_.judged_by_clock(now, versions, [&](std::size_t day, int half, int pupil) {
            return code_held(day, half, pupil);
        });
    else if (std::ranges::count(closed_, "marks") > 0)
        safety_.read_closed(*clock_.first(), now, versions);
    else if (!versions.empty())
        wrong("a rule about a child's safety was judged by marks that were not read to their end");
}

// The lead puts two pupils on the list of whom most sessions are not explained, and at some time another one; and
// one who is new to the school. Now and then the lead takes note of an alert.
void life::decide_as_lead()
{
    if (first_of_marks_) return;
    const auto pupils = static_cast<int>(truth_.pupils().size());
    if (!lead_began_) {
        lead_began_ = true;
        std::vector<std::pair<int, int>> unexplained(truth_.pupils().size());
        for (int i = 0; i < pupils; ++i)
            unexplained[static_cast<std::size_t>(i)].second = i;
        for (std::size_t slot = 0; slot < expected_.marks.size(); ++slot)
            unexplained[slot % truth_.pupils().size()].first -= expected_.marks[slot].code == 'N' ? 1 : 0;
        std::ranges::sort(unexplained);
        to_list_ = {unexplained[0].second, unexplained[1].second};
        if (plan_.size.pupils < pupils) to_list_.push_back(plan_.size.pupils);
    }
    if (chance_.per_mille(1)) to_list_.push_back(static_cast<int>(chance_.below(truth_.pupils().size())));
    for (const int pupil : to_list_)
        if (expected_.listed[static_cast<std::size_t>(pupil)] && !safety_.is_marked(pupil)) put_on_list(pupil);
    const std::vector<std::uint64_t> open = safety_.open_alerts();
    if (open.empty() || !chance_.per_mille(50)) return;
    decision_request asked;
    asked.kind = decision_kind::acknowledge;
    asked.about = open[chance_.below(open.size())];
    asked.by = asked.user = "lead";
    if (!take_decision(*running_->book, settings_, asked, instant_of(clock_.read())))
        wrong(fmt::format("alert {} cannot be acknowledged", asked.about));
}

void life::put_on_list(int pupil)
{
    decision_request asked;
    asked.kind = decision_kind::marker;
    asked.pupil = entry_of_.at(pupil);
    asked.action = "priority";
    asked.text = "Qreason";
    asked.owner = "Qworker";
    asked.by = asked.user = "lead";
    const auto done = take_decision(*running_->book, settings_, asked, instant_of(clock_.read()));
    if (!done || !safety_.is_marked(pupil)) wrong(fmt::format("pupil {} cannot be put on the list", pupil));
    tell(fmt::format("pupil {} is on the list", pupil));
}

void life::owe(const alert_step& step, entry_index id, moment now)
{
    tell(fmt::format(
        "alert {}: {} of pupil {} becomes {} ({}){}",
        id,
        plain_rules()[step.rule].id,
        step.pupil,
        step.state,
        step.stage,
        step.flapped ? ", flapping" : ""
    ));
    const bool opens = step.of == alert_step::kind::opened || step.of == alert_step::kind::baseline;
    found_.alerts += opens ? 1 : 0;
    if (step.of == alert_step::kind::baseline || (step.of == alert_step::kind::ended && step.was_baseline)) return;
    for (const char* route : routes) {
        owed made{step.flapped, now};
        if (!opens)
            for (auto at = owed_.lower_bound({route, id, ""}); at != owed_.end(); ++at) {
                const auto& [to, alert, stage] = at->first;
                owed& earlier = at->second;
                if (to != route || alert != id) break;
                if (!earlier.optional && earlier.made_at <= now) continue;
                const std::string begin = fmt::format("<alert-{}.{}.", id, stage);
                const bool was_told = std::ranges::any_of(delivered_, [&](const delivery& each) {
                    return each.route == route && each.id.starts_with(begin);
                });
                if (was_told) continue;
                // It still waited, for the next morning or because the clock went back: the newer word replaces it.
                earlier.optional = true;
                made.optional = made.optional || step.of == alert_step::kind::ended;
            }
        owed_[{route, id, step.of == alert_step::kind::ended ? step.state : step.stage}] = made;
    }
}

// --- what is held, against the school ---

// Once for each read: what a closed list said is held, and of an unclosed one any of it or what was before.
void life::compare()
{
    if (std::exchange(compared_, true)) return;
    const auto is_closed = [&](const char* list) { return std::ranges::count(closed_, list) > 0; };
    compare_pupils(is_closed("pupils"));
    compare_marks(is_closed("marks"));
    if (!looks_closely() && is_closed("incidents"))
        trust_incidents();
    else
        compare_incidents(is_closed("incidents"));
}

void life::compare_pupils(bool closed)
{
    const held_things& held = std::as_const(running_->book->state()).things(what::pupil);
    for (std::size_t i = 0; i < expected_.pupils.size(); ++i) {
        const held_thing* thing = held.find("mis", pupil_ids_[i]);
        const bool is_there = thing && !thing->gone;
        auto& [entry, seen] = pupils_seen_[i];
        const auto says = [&](const std::string& fields) {
            if (!is_there) return false;
            if (thing->entry == entry && fields == seen) return true;
            if (thing->payload->find(fields) == std::string::npos) return false;
            entry = thing->entry;
            seen = fields;
            return true;
        };
        if ((expected_.pupils[i].empty() || expected_.pupils[i] == "{}") && says("\"fields\":{}")) {
            expected_.pupils[i] = "{}"; // met in the marks, and listed in no read so far
            expected_.listed[i] = true;
            continue;
        }
        static const std::string not_there;
        const std::string& before = expected_.listed[i] ? expected_.pupils[i] : not_there;
        const bool is_told = told_->pupils_begun && !told_->was_empty;
        const std::string& listed = is_told && told_->pupils[i] ? *told_->pupils[i] : not_there;
        const std::string& told = is_told ? listed : before;
        const bool as_told = told.empty() ? !is_there : says(told);
        const bool as_before = before.empty() ? !is_there : (as_told && before == told) || says(before);
        if (!as_told && (closed || !as_before)) wrong(fmt::format("pupil {} is not held as listed", i));
        if (is_there && as_told && is_told && expected_.pupils[i] != told) expected_.pupils[i] = told;
        expected_.listed[i] = is_there;
    }
}

bool life::looks_closely() const
{
    return is_last_poll_ || found_.polls % plan_.look_closely_every == 0;
}

// Every mark that is held, once; a session in which all is as told needs no further look.
void life::compare_marks(bool closed)
{
    const std::size_t pupils = truth_.pupils().size();
    const std::size_t session = pupils * 2; // marks of a day
    const std::size_t first = told_->marks_begun ? told_->first_day : truth_.school_days().size();
    const std::size_t looked_at = looks_closely() ? 0 : first;
    const std::vector<cell> held = marks_held(looked_at);
    for (std::size_t day = looked_at; day < truth_.school_days().size(); ++day) {
        const bool in_window = day >= first && !told_->was_empty;
        const cell* now = held.data() + day * session;
        cell* was = expected_.marks.data() + day * session;
        const cell* told = in_window ? told_->marks.data() + (day - first) * session : was;
        static_assert(std::has_unique_object_representations_v<cell>);
        if ((closed || told_->marks_whole || !in_window) && std::memcmp(now, told, session * sizeof(cell)) == 0) {
            if (in_window) std::copy(now, now + session, was);
            continue;
        }
        for (std::size_t i = 0; i < session; ++i) {
            const bool as_told = now[i] == told[i] && (closed || told[i].code != 0 || told_->marks_whole);
            if (closed ? !as_told : !as_told && now[i] != was[i])
                wrong(fmt::format(
                    "pupil {} on {} {} is held as '{}', told as '{}', was '{}'",
                    i % pupils,
                    text_of(truth_.school_days()[day]),
                    i / pupils,
                    now[i].code ? now[i].code : ' ',
                    told[i].code ? told[i].code : ' ',
                    was[i].code ? was[i].code : ' '
                ));
            was[i] = now[i];
        }
    }
}

// The register from a school day on, in the school's own order.
std::vector<cell> life::marks_held(std::size_t from) const
{
    std::vector<cell> all(truth_.slots());
    const attendance_register* held = running_->book->state().find_register("mis");
    auto days = held ? held->extent() : std::nullopt;
    if (!days || from >= truth_.school_days().size()) return all;
    days->first = std::max(days->first, civil_day(std::chrono::days(truth_.school_days()[from])));
    constexpr int nobody = -1;
    std::vector<int> pupil_at(held->pupils(), nobody);
    for (const auto& [pupil, entry] : entry_of_)
        if (const auto number = held->find_pupil(entry)) pupil_at[*number] = pupil;
    std::optional<session_id> last;
    cell* row = nullptr; // of that session; none: it is no school day
    std::array<char, 64> letters{};
    const auto letter_of = [&](code_id code) {
        if (code >= letters.size()) return held->codes().raw(code).front();
        char& letter = letters[code];
        return letter != 0 ? letter : letter = held->codes().raw(code).front();
    };
    held->for_each_mark(*days, [&](session_id session, pupil_no number, const held_mark& mark) {
        if (last != session) {
            last = session;
            const auto place = truth_.place_of(session.day.time_since_epoch().count());
            row = place ? &all[truth_.slot(*place, static_cast<int>(session.half), 0)] : nullptr;
        }
        if (!row || pupil_at[number] == nobody) return;
        row[pupil_at[number]] = {
            letter_of(mark.code), static_cast<std::int8_t>(mark.minutes == 255 ? -1 : mark.minutes)};
    });
    return all;
}

// In a long life not every record is looked for after every poll.
void life::trust_incidents()
{
    for (std::size_t i = 0; i < told_->incidents.size(); ++i) {
        const school::incident& told = *told_->incidents[i];
        if (expected_.incidents[i] == told) continue;
        expected_.incidents[i] = told;
        const std::vector<int>& all = truth_.everyone_in(static_cast<int>(i));
        for (std::size_t n = 0; n < all.size(); ++n)
            expected_.parts_held[i][n] = told.exists && std::ranges::count(told.pupils, all[n]) > 0;
    }
}

void life::compare_incidents(bool closed)
{
    const held_state& held = running_->book->state();
    const held_things& records = held.things(what::incident);
    const held_things& parts = held.things(what::involvement);
    for (std::size_t i = 0; i < expected_.incidents.size(); ++i) {
        const int number = static_cast<int>(i);
        const held_thing* record = records.find("mis", ids_of_incidents_[i].front());
        school::incident& before = expected_.incidents[i];
        const bool is_told = told_->incidents_begun && !told_->was_empty;
        const school::incident& told = is_told ? *told_->incidents[i] : before;
        const bool is_there = record && !record->gone;
        if (is_there != told.exists && (closed || is_there != before.exists))
            wrong(fmt::format(
                "incident {} is {}, and should be {}", i, is_there ? "held" : "not held", told.exists ? "held" : "gone"
            ));
        if (is_there && told.exists && before != told) before = told;
        before.exists = is_there;
        const std::vector<int>& all = truth_.everyone_in(number);
        for (std::size_t n = 0; n < all.size(); ++n) {
            const held_thing* part = parts.find("mis", ids_of_incidents_[i][n + 1]);
            const bool has_part = part && !part->gone;
            const bool should =
                is_told ? told.exists && std::ranges::count(told.pupils, all[n]) > 0 : expected_.parts_held[i][n];
            if (has_part != should && (closed || has_part != expected_.parts_held[i][n]))
                wrong(
                    fmt::format("the part of pupil {} in incident {} is {}", all[n], i, has_part ? "held" : "not held")
                );
            expected_.parts_held[i][n] = has_part;
        }
    }
}

// --- what was known when ---

void life::remember_point()
{
    if (!running_) return;
    points_.push_back({running_->book->size(), expected_.marks});
}

void life::check_points(const ledger_reader& reader)
{
    std::map<civil_day, std::size_t> place;
    for (std::size_t i = 0; i < truth_.school_days().size(); ++i)
        place[civil_day(std::chrono::days(truth_.school_days()[i]))] = i;
    const std::unordered_map<entry_index, int> pupils(pupil_of_.begin(), pupil_of_.end());
    for (const point& then : points_) {
        std::vector<cell> marks(truth_.slots());
        civil_day last{};
        std::size_t place_of_last = 0;
        reader.marks(no_entry, then.size, false, [&](const mark_view& mark) {
            if (mark.session.day != last) place_of_last = place.at(last = mark.session.day);
            const std::size_t slot =
                truth_.slot(place_of_last, static_cast<int>(mark.session.half), pupils.at(mark.pupil));
            marks[slot] = {mark.raw.front(), static_cast<std::int8_t>(mark.minutes)};
            return true;
        });
        if (marks != then.marks) wrong(fmt::format("what was known at {} entries is not what it was then", then.size));
    }
}

// --- what people got ---

void life::check_deliveries()
{
    std::map<std::pair<std::string, std::string>, const delivery*> first;
    all_heard got_of_alerts;
    std::map<std::string, std::set<std::string>> baselines;
    std::set<std::string> told_dead; // routes that took nothing, as another one was told
    std::int64_t missed = 0;         // on those that were gone for days
    for (const delivery& each : delivered_) {
        if (each.text.find('Q') != std::string::npos || each.json.find('Q') != std::string::npos)
            wrong("a message says what is private: " + each.text);
        const auto [known, is_new] = first.try_emplace({each.route, each.id}, &each);
        found_.repeats += is_new ? 0 : 1;
        if (!is_new && (known->second->text != each.text || known->second->json != each.json))
            wrong("a message came again with other words");
        if (!is_new && each.attempt == 1) wrong("a repeat does not say that it is one");
        const auto dead = std::ranges::find_if(routes, [&](const std::string& route) {
            return each.route != route && each.id.find("dead-route-" + route + "-") != std::string::npos;
        });
        if (dead != std::end(routes)) {
            told_dead.insert(*dead);
            continue;
        }
        const auto parsed = json_document::parse(each.json);
        const json_view data = parsed->root()["data"];
        if (each.type == "alert.baseline") {
            baselines[each.route].insert(each.id);
            continue;
        }
        const bool ended = each.type == "alert.resolved" || each.type == "alert.withdrawn";
        const auto id = static_cast<entry_index>(data["alert"].int_if().value_or(0));
        heard& all = got_of_alerts[{each.route, id, std::string(*data[ended ? "state" : "stage"].string_if())}];
        if (all.ids.insert(each.id).second) all.text += each.text;
    }
    missed += check_safety(got_of_alerts, told_dead);
    found_.deliveries = static_cast<int>(delivered_.size());
    for (const auto& [key, due] : owed_) {
        const auto got = got_of_alerts.find(key);
        const std::size_t many = got == got_of_alerts.end() ? 0 : got->second.ids.size();
        const std::string& route = std::get<0>(key);
        if (many == 0 && !due.optional && told_dead.contains(route) && gone_.contains(route)) {
            ++missed;
            continue;
        }
        const auto again = told_again_.find(std::get<1>(key));
        const std::size_t most = again == told_again_.end() ? 1 : 1 + again->second;
        if (many > most || (many == 0 && !due.optional))
            wrong(fmt::format(
                "alert {} ({}) reached route {} by {} ids", std::get<1>(key), std::get<2>(key), std::get<0>(key), many
            ));
        if (got != got_of_alerts.end()) got_of_alerts.erase(got);
    }
    for (const auto& [key, all] : got_of_alerts)
        wrong(fmt::format(
            "route {} was told of alert {} ({}), and nothing was to be told",
            std::get<0>(key),
            std::get<1>(key),
            std::get<2>(key)
        ));
    // What was given up is told elsewhere, and not forgotten: the ledger has it as failed.
    const std::int64_t failed = open_reader(file_).value()->outbox().failed;
    if (missed > failed) wrong(fmt::format("{} messages reached nobody, and {} are held as given up", missed, failed));
    for (const char* route : routes)
        if (static_cast<int>(baselines[route].size()) != baselines_owed_)
            wrong(fmt::format(
                "route {} got {} baselines, and {} were made", route, baselines[route].size(), baselines_owed_
            ));
}

// Of each day by a message of its own alert that names it. Takes out what it looked at; says how many messages may have
// been given up.
std::int64_t life::check_safety(all_heard& got, const std::set<std::string>& told_dead)
{
    std::int64_t missed = 0;
    for (const auto& [of, owed] : safety_.tellings())
        for (const char* route : routes) {
            heard all;
            if (const auto at = got.find({route, owed.alert, owed.word}); at != got.end()) {
                all = std::move(at->second);
                got.erase(at);
            }
            const auto many = static_cast<int>(all.ids.size());
            const int least = owed.times - owed.optional;
            if (many < least && told_dead.contains(route) && gone_.contains(route)) {
                missed += least - many;
                continue;
            }
            if (many > owed.times || many < least)
                wrong(fmt::format(
                    "alert {} ({}) reached route {} by {} ids, and {} were owed",
                    owed.alert,
                    owed.word,
                    route,
                    many,
                    owed.times
                ));
            for (const day_number day : owed.days) {
                const std::string named = fmt::format("({})", spoken_date(civil_day(std::chrono::days(day))));
                if (owed.optional == 0 && all.text.find(named) == std::string::npos)
                    wrong(fmt::format("alert {} tells route {} not of {}", owed.alert, route, text_of(day)));
            }
        }
    return missed;
}

void life::check_words()
{
    if (words_.all().find('Q') != std::string::npos) wrong("the log says what is private");
}

void life::verify()
{
    const auto reader = open_reader(file_);
    if (!reader) return wrong("the ledger does not open to be read: " + reader.error().what);
    verify_options options;
    options.key = key_->verifier();
    // The last one before each death may be all that somebody outside has.
    const std::size_t step = notes_.size() / 12 + 1;
    for (std::size_t i = 0; i < notes_.size(); i += step)
        options.earlier_checkpoints.push_back(notes_[i]);
    if (!notes_.empty()) options.earlier_checkpoints.push_back(notes_.back());
    const verify_report report = (*reader)->verify(options);
    for (const verify_problem& each : report.problems)
        wrong("verify: " + each.what);
    found_.entries = report.size;
    found_.trace = 0;
    for (const std::uint8_t byte : report.root)
        found_.trace = found_.trace * 257 + byte;
    for (const delivery& each : delivered_)
        for (const char c : each.id)
            found_.trace = found_.trace * 31 + static_cast<unsigned char>(c);
    check_points(**reader);
}

// --- what goes wrong ---

void life::change_weather(moment at)
{
    weather& now = around_.now;
    dice& chance = chance_;
    const auto toggles = [&](bool& broken, std::size_t begins, std::size_t ends) {
        broken = broken ? !chance.per_mille(ends) : chance.per_mille(begins);
    };
    toggles(now.source_down, 12, 150);
    toggles(now.source_refuses, 3, 150);
    toggles(now.source_empty, 4, 300);
    for (const char* route : routes)
        toggles(now.route_down[route], 10, 60);
    if (plan_.receivers_refuse) {
        for (const char* route : routes)
            toggles(now.route_refuses[route], 8, 60);
        now.refusals = 30;
    }
    for (const char* route : routes) {
        // What was refused is tried again after 90 minutes at most, and one try may be lost.
        constexpr std::chrono::hours tried_within(3);
        moment& broke = broke_at_.try_emplace(route, at - tried_within).first->second;
        if (now.route_down[route] || now.route_refuses[route] || at < down_until_) broke = at;
        moment& worked = worked_at_.try_emplace(route, at).first->second;
        if (at - broke >= tried_within) worked = at;
        if (at - worked > std::chrono::hours(48)) gone_.insert(route);
    }
    now.source_drops = chance.one_in(4) ? 120 : 5;
    now.disorder = chance.one_in(5) ? 500 : 0;
    now.slow = chance.one_in(8) ? 200 : 0;
    now.route_drops = chance.one_in(5) ? 200 : 0;
    now.answer_lost = chance.one_in(5) ? 150 : 0;
    now.dies_at_await = chance.per_mille(15) ? 1 + chance.below(14) : 0;
    if (chance.per_mille(20))
        disk_.die_at(1 + chance.below(60));
    else if (chance.per_mille(6))
        disk_.fail_at(1 + chance.below(40), chance.one_in(2) ? SQLITE_FULL : SQLITE_IOERR_WRITE);
    if (clock_.skew != 0ms) {
        if (chance.per_mille(80)) clock_.skew = 0ms;
    } else if (chance.per_mille(4)) {
        clock_.skew = std::chrono::minutes(chance.between(-600, 600));
    }
}

void life::calm_down()
{
    around_.now = {};
    clock_.skew = 0ms;
    down_until_ = {};
}

findings life::live()
{
    const day_number last = plan_.size.begins + plan_.size.days;
    for (day_number day = plan_.size.begins; day < last; ++day) {
        const bool is_school_day = truth_.place_of(day).has_value();
        std::vector<int> minutes = plan_.minutes;
        if (minutes.empty())
            for (int minute = 0; minute < 24 * 60; minute += 30)
                minutes.push_back(minute);
        else if (!is_school_day)
            continue;
        const int look = chance_.between(0, static_cast<int>(minutes.size()) - 1);
        for (int slot = 0; slot < static_cast<int>(minutes.size()); ++slot) {
            const moment at = at_school(day, 0) + std::chrono::minutes(minutes[static_cast<std::size_t>(slot)]);
            clock_.true_time = std::max(clock_.true_time, at);
            if (plan_.with_faults) change_weather(at);
            if (clock_.true_time < down_until_) continue;
            truth_.advance(clock_.true_time);
            sit_through([&] { decide_as_lead(); });
            sit_through([&] { poll(mis); });
            for (std::size_t i = told_of_; plan_.tells && i < delivered_.size(); ++i)
                tell(fmt::format(
                    "route {} has {} (attempt {})", delivered_[i].route, delivered_[i].id, delivered_[i].attempt
                ));
            told_of_ = delivered_.size();
            if (slot % 12 == 3) sit_through([&] { poll(safeguarding); });
            if (slot == look && chance_.one_in(plan_.one_point_in)) remember_point();
        }
    }
    // Everything works again: what is owed goes out, and the ledger catches up.
    calm_down();
    constexpr int polls_to_catch_up = 40;
    for (int i = 0; i < polls_to_catch_up; ++i) {
        clock_.true_time += 2h;
        truth_.advance(clock_.true_time);
        read_options everything;
        everything.everything = i == 0;
        is_last_poll_ = i + 1 == polls_to_catch_up;
        sit_through([&] { poll(mis, everything); });
    }
    found_.refusals = around_.refusals;
    verify();
    check_deliveries();
    check_words();
    running_.reset();
    return found_;
}

} // namespace

plan fortnight(std::uint64_t seed, plant bug)
{
    using std::chrono::year;
    plan made;
    made.seed = seed;
    made.bug = bug;
    static const day_number mondays[] = {
        number_of(year(2026) / 9 / 14),
        number_of(year(2026) / 10 / 12),
        number_of(year(2026) / 11 / 16),
        number_of(year(2027) / 3 / 15)};
    made.size.begins = mondays[seed % 4];
    made.with_small_pages = seed % 8 != 0;
    made.receivers_refuse = seed % 5 > 2;
    return made;
}

plan school_year(int pupils)
{
    using std::chrono::year;
    plan made;
    made.size.pupils = pupils;
    made.size.begins = number_of(year(2026) / 9 / 3);
    made.size.days = number_of(year(2027) / 7 / 21) - made.size.begins + 1;
    made.size.history_days = 0;
    made.with_faults = false;
    made.minutes = {9 * 60 + 50, 11 * 60, 14 * 60 + 5, 16 * 60};
    made.look_closely_every = 100;
    made.one_point_in = 12;
    return made;
}

findings simulate(const plan& of)
{
    static const new_ledger fresh; // made on the real disk, before the one in memory takes its place
    return life(of, fresh).live();
}

} // namespace rollbook::simulation
