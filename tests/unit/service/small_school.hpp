#pragma once

#include "daemon/service/cycle.hpp"

#include "tests/support/england_rules.hpp"
#include "tests/support/ledger_folder.hpp"
#include "tests/support/school.hpp"
#include "tests/unit/net/run.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

// A school whose sources and receivers a test writes, over the real cycle and the real ledger.
namespace rollbook::support {

inline const instant evening_of_monday = parse_instant("2026-09-21T17:00:00Z").value();

struct row {
    std::string id;
    std::string pupil;
    session_id session{};
    std::string code;
};

// A source whose pages a test writes. What each says is kept until the connector goes.
class scripted_connector : public connector {
public:
    scripted_connector(std::string name, bool is_mis) : name_(std::move(name))
    {
        stream_info pupils;
        pupils.name = "pupils";
        pupils.makes = {what::pupil};
        pupils.lists_all = true;
        streams_.push_back(pupils);
        if (!is_mis) return;
        stream_info marks;
        marks.name = "marks";
        marks.makes = {what::session_mark};
        marks.by_day = marks.lists_all = true;
        streams_.push_back(marks);
        stream_info incidents;
        incidents.name = "behaviours";
        incidents.makes = {what::incident, what::involvement};
        incidents.lists_all = true;
        streams_.push_back(incidents);
    }
    const std::string& source() const override { return name_; }
    const std::vector<stream_info>& streams() const override { return streams_; }
    boost::asio::awaitable<result<void>> begin_run() override { co_return result<void>(); }
    std::vector<source_fact> facts() const override { return {}; }
    std::optional<std::int64_t> total(what) const override { return std::nullopt; }
    std::string fingerprint(std::size_t) const override { return shape; }

    boost::asio::awaitable<result<page>>
    fetch_page(std::size_t stream, std::optional<civil_day>, std::optional<std::string> at) override
    {
        const std::size_t number = at ? std::stoul(*at) : 0;
        if (on_fetch) on_fetch(stream, number);
        if (const auto broken = failures.find({stream, number}); broken != failures.end()) {
            const failure why = broken->second;
            co_return why;
        }
        page got;
        if (stream == 0) {
            for (std::size_t i = number * page_size; i < std::min(pupils.size(), (number + 1) * page_size); ++i)
                got.records.emplace_back(what::pupil, pupils[i].first, pupils[i].first, pupils[i].second);
            if ((number + 1) * page_size < pupils.size()) got.next = std::to_string(number + 1);
        } else if (stream == 1) {
            for (std::size_t i = number * page_size; i < std::min(marks.size(), (number + 1) * page_size); ++i) {
                reported_mark mark;
                mark.source_id = marks[i].id;
                mark.pupil_id = marks[i].pupil;
                mark.session = marks[i].session;
                mark.raw = mark.statutory = marks[i].code;
                got.newest_day = std::max(got.newest_day.value_or(mark.session.day), mark.session.day);
                got.marks.push_back(mark);
            }
            if ((number + 1) * page_size < marks.size()) got.next = std::to_string(number + 1);
        } else if (stream == 2) {
            got.records = incidents;
        }
        got.rows = got.records.size() + got.marks.size();
        co_return got;
    }

    // One more list, which is empty.
    void add_stream(const std::string& name, what makes)
    {
        stream_info more;
        more.name = name;
        more.makes = {makes};
        streams_.push_back(more);
    }

    void let_changes_be_asked_for()
    {
        for (stream_info& each : streams_)
            each.by_changes = true;
    }

    std::vector<std::pair<std::string, std::string>> pupils; // id and fields
    std::vector<row> marks;
    std::vector<reported_record> incidents;                             // and who took part in them
    std::map<std::pair<std::size_t, std::size_t>, failure> failures;    // by stream and page
    std::function<void(std::size_t stream, std::size_t page)> on_fetch; // before each page
    std::string shape = "1";
    std::size_t page_size = 7;

private:
    std::string name_;
    std::vector<stream_info> streams_;
};

class scripted_channel : public channel {
public:
    explicit scripted_channel(std::vector<message>& taken) : taken_(taken) {}
    boost::asio::awaitable<result<void>> send(message m) override
    {
        if (on_send) on_send();
        if (answer) {
            const failure why = *answer;
            co_return why;
        }
        taken_.push_back(std::move(m));
        co_return result<void>();
    }
    boost::asio::awaitable<result<void>> check() override { co_return result<void>(); }
    std::optional<failure> answer;
    std::function<void()> on_send; // before each message

private:
    std::vector<message>& taken_;
};

// A receiver that never answers.
class hanging_channel : public channel {
public:
    boost::asio::awaitable<result<void>> send(message) override
    {
        boost::asio::steady_timer never(
            co_await boost::asio::this_coro::executor, std::chrono::steady_clock::time_point::max()
        );
        co_await never.async_wait(boost::asio::use_awaitable);
        co_return result<void>();
    }
    boost::asio::awaitable<result<void>> check() override { co_return result<void>(); }
};

// The real ledger, which breaks at its n-th write: before it, or when it is done.
class breaking_ledger : public ledger {
public:
    breaking_ledger(std::unique_ptr<ledger> real, int& writes_left, bool after)
        : real_(std::move(real)), writes_left_(writes_left), after_(after)
    {
    }
    held_state& state() override { return real_->state(); }
    bool load_some(std::chrono::milliseconds at_most) override { return real_->load_some(at_most); }
    void apply(const transaction& t, entry_index base) override { real_->apply(t, base); }
    std::uint64_t digest(std::string_view text) const override { return real_->digest(text); }
    entry_index size() const override { return real_->size(); }
    std::optional<instant> last_recorded() const override { return real_->last_recorded(); }
    void commit(const transaction& t, instant now) override
    {
        if (t.empty()) return;
        write([&] { real_->commit(t, now); });
    }
    void sign_checkpoint(instant now) override
    {
        write([&] { real_->sign_checkpoint(now); });
    }
    checkpoint_book& checkpoints() override { return real_->checkpoints(); }
    void reload() override { real_->reload(); }
    std::optional<source_state> source(const std::string& name) const override { return real_->source(name); }
    std::optional<stream_state> stream(const std::string& source, const std::string& stream) const override
    {
        return real_->stream(source, stream);
    }
    std::vector<outbox_message> due_messages(instant now, std::size_t max) const override
    {
        return real_->due_messages(now, max);
    }
    std::optional<instant> next_message_at() const override { return real_->next_message_at(); }
    int begin_attempt(std::int64_t number, instant now) override
    {
        int attempt = 0;
        write([&] { attempt = real_->begin_attempt(number, now); });
        return attempt;
    }
    std::string first_message_id(entry_index alert, const std::string& route) const override
    {
        return real_->first_message_id(alert, route);
    }
    std::vector<outbox_message> delivered_messages(const std::string& id) const override
    {
        return real_->delivered_messages(id);
    }
    bool has_message(const std::string& id) const override { return real_->has_message(id); }
    std::optional<alert_value> value_of(entry_index alert) const override { return real_->value_of(alert); }
    std::vector<std::pair<entry_index, civil_day>>
    days_of_marks_since(const std::string& source, entry_index first, civil_day from) const override
    {
        return real_->days_of_marks_since(source, first, from);
    }
    std::vector<outbox_message> untried_messages(entry_index alert, const std::string& route) const override
    {
        return real_->untried_messages(alert, route);
    }
    std::vector<outbox_message> undelivered_messages(const std::string& route) const override
    {
        return real_->undelivered_messages(route);
    }

private:
    template <class F> void write(F&& work)
    {
        const bool breaks = --writes_left_ == 0;
        if (breaks && !after_) throw std::runtime_error("broken");
        work();
        if (breaks) throw std::runtime_error("broken");
    }
    std::unique_ptr<ledger> real_;
    int& writes_left_;
    bool after_;
};

// A school with an MIS and a safeguarding system. Each cycle opens the ledger anew, as a process that starts does.
class small_school {
public:
    small_school()
    {
        settings.school.name = "St Example's";
        settings.calendar = example_calendar();
        settings.ledger.origin = folder.key.verifier().name;
        settings.rules = {repeated_lateness(), reason_overdue()};
        for (const auto& [name, role] :
             {std::pair("mis", source_role::mis), std::pair("cpoms", source_role::safeguarding)}) {
            source_configuration source;
            source.name = name;
            source.role = role;
            settings.sources.push_back(source);
        }
        for (const char* name : {"lead", "second"}) {
            route_configuration route;
            route.name = name;
            route.rules = {"*"};
            settings.routes.push_back(route);
        }
        auto first = std::make_unique<scripted_connector>("mis", true);
        auto second = std::make_unique<scripted_connector>("cpoms", false);
        mis = first.get();
        cpoms = second.get();
        parts.connectors.push_back(std::move(first));
        parts.connectors.push_back(std::move(second));
        for (const char* name : {"lead", "second"}) {
            auto made = std::make_unique<scripted_channel>(mails);
            channels[name] = made.get();
            parts.channels[name] = std::move(made);
        }
        for (int pupil = 0; pupil < 10; ++pupil) {
            const std::string id = "A" + std::to_string(pupil);
            mis->pupils.emplace_back(id, R"({"forename":"Zo","surname":"Quillfeather"})");
            cpoms->pupils.emplace_back("C" + id, R"({"mis_id":")" + id + R"("})");
        }
        cpoms->pupils.emplace_back("C99", R"({"mis_id":"A99"})"); // a stranger
        for (int day = 14; day <= 21; ++day) {
            if (day == 19 || day == 20) continue; // a weekend
            for (const half_day half : {half_day::am, half_day::pm})
                for (int pupil = 0; pupil < 10; ++pupil)
                    mis->marks.push_back(
                        {"M" + std::to_string(mis->marks.size()),
                         "A" + std::to_string(pupil),
                         {ymd(2026, 9, static_cast<unsigned>(day)), half},
                         pupil < 2 && half == half_day::am ? "L" : "/"}
                    );
        }
    }

    void set(int pupil, const std::string& code)
    {
        for (row& mark : mis->marks)
            if (mark.pupil == "A" + std::to_string(pupil) && mark.session.half == half_day::am) mark.code = code;
    }

    // Reads both sources, or one, and delivers. Gives the failures of the reads.
    std::vector<failure> poll(std::optional<std::size_t> only = {}, int breaks_at = 0, bool after = false)
    {
        int left = breaks_at;
        breaking_ledger book(folder.open(), left, after);
        book.sign_checkpoint(now);
        cycle work(
            settings, parts, book, [this] { return now; }, retry_pace{1, {}, {}}, [this] { turned(); }
        );
        boost::asio::io_context loop(1);
        std::vector<failure> failures;
        statements.clear();
        for (std::size_t i = 0; i < 2; ++i) {
            if (only && *only != i) continue;
            read_options options;
            options.everything = true;
            read_report report = test::run(loop, work.read(i, options, {}));
            std::move(report.failures.begin(), report.failures.end(), std::back_inserter(failures));
            std::move(
                report.closing.statements.begin(), report.closing.statements.end(), std::back_inserter(statements)
            );
        }
        work.judge_clock();
        test::run(loop, work.deliver());
        return failures;
    }

    // All payloads but those of statements, which count what one read found.
    std::vector<std::string> content() const
    {
        std::vector<std::string> payloads;
        folder.reader()->entries(0, no_entry, [&](const entry_view& entry) {
            std::string payload(entry.payload);
            // Which try brought a message is no part of what it said.
            if (const auto at = payload.find(R"("attempt":)"); at != std::string::npos) payload.erase(at, 12);
            if (payload.find(R"("what":"statement")") == std::string::npos) payloads.push_back(payload);
            return true;
        });
        return payloads;
    }
    std::size_t count(const std::string& part) const
    {
        const auto all = content();
        return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const std::string& payload) {
            return payload.find(part) != std::string::npos;
        }));
    }

    ledger_folder folder;
    configuration settings;
    cycle_parts parts;
    scripted_connector* mis = nullptr;
    scripted_connector* cpoms = nullptr;
    std::map<std::string, scripted_channel*> channels;
    std::vector<message> mails;
    std::vector<statement_row> statements;
    instant now = evening_of_monday;
    std::function<void()> turned = [] {}; // what the cycle calls
};

inline const std::string alert_word = R"("what":"alert")";
inline const std::string finding_word = R"("what":"finding")";

} // namespace rollbook::support
