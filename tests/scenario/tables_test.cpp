#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/service/closing.hpp"

#include "tests/support/ledger_folder.hpp"
#include "tests/support/school.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

// Runs the text tables of tests/scenario/tables: what sources list day by day, and what is to be seen then. Every read
// goes the real road: compared, committed to a ledger of its own and closed. README.md says how a table is written.

using namespace rollbook;
using namespace rollbook::support;

namespace {

std::string trimmed(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t");
    if (first == text.npos) return {};
    return std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

std::vector<std::string> split(std::string_view text, char by)
{
    std::vector<std::string> parts;
    for (std::size_t from = 0; from <= text.size();) {
        const std::size_t to = std::min(text.find(by, from), text.size());
        parts.push_back(trimmed(text.substr(from, to - from)));
        from = to + 1;
    }
    return parts;
}

std::pair<std::string, std::string> word_and_rest(std::string_view text)
{
    const std::string whole = trimmed(text);
    const auto space = whole.find(' ');
    if (space == whole.npos) return {whole, {}};
    return {whole.substr(0, space), trimmed(whole.substr(space))};
}

// "day 2026-09-14", "categories Attendance, Missing from lesson": fields of a canonical record.
std::string json_of(const std::map<std::string, std::string>& fields)
{
    const auto is_list = [](std::string_view name) {
        return name == "categories" || name == "external_ids" || name == "flags";
    };
    std::string text;
    json_writer out(text);
    out.begin_object();
    for (const auto& [name, value] : fields) {
        out.key(name);
        if (is_list(name)) {
            out.begin_array();
            for (const std::string& each : split(value, ','))
                if (!each.empty()) out.value(each);
            out.end_array();
        } else if (name == "points" || name == "sessions") {
            out.value(std::stoi(value));
        } else {
            out.value(value);
        }
    }
    out.end_object();
    return text;
}

struct listed_record {
    what kind = what::pupil;
    std::string id;
    std::string pupil;
    std::map<std::string, std::string> fields;
};

struct listed_mark {
    std::string id;
    std::string pupil;
    session_id session{};
    std::string code;
    int minutes = -1;
};

// One source as the table writes it.
class table_source : public connector {
public:
    table_source(std::string name, bool is_mis) : name_(std::move(name))
    {
        const auto add = [&](const char* stream, std::vector<what> makes, bool by_day) {
            stream_info info;
            info.name = stream;
            info.makes = std::move(makes);
            info.by_day = by_day;
            info.lists_all = true;
            streams_.push_back(std::move(info));
        };
        add("pupils", {what::pupil}, false);
        if (is_mis) {
            add("marks", {what::session_mark}, true);
            add("incidents", {what::incident, what::involvement}, false);
            add("suspensions", {what::suspension}, false);
        } else {
            add("concerns", {what::concern, what::involvement}, false);
        }
    }
    const std::string& source() const override { return name_; }
    const std::vector<stream_info>& streams() const override { return streams_; }
    boost::asio::awaitable<result<void>> begin_run() override { co_return result<void>(); }
    std::vector<source_fact> facts() const override { return {}; }
    boost::asio::awaitable<result<page>>
    fetch_page(std::size_t, std::optional<civil_day>, std::optional<std::string>) override
    {
        co_return result<page>(page());
    }
    std::optional<std::int64_t> total(what kind) const override
    {
        const auto at = totals.find(kind);
        return at == totals.end() ? std::nullopt : std::optional(at->second);
    }
    std::string fingerprint(std::size_t) const override { return {}; }

    page page_of(const stream_info& stream, std::optional<civil_day> from) const
    {
        page got;
        for (const what kind : stream.makes) {
            if (kind == what::session_mark) {
                for (const listed_mark& each : marks) {
                    if (from && each.session.day < *from) continue;
                    reported_mark mark;
                    mark.source_id = each.id;
                    mark.pupil_id = each.pupil;
                    mark.session = each.session;
                    mark.raw = mark.statutory = each.code == "-" ? std::string_view() : std::string_view(each.code);
                    mark.minutes_late = static_cast<std::int16_t>(each.minutes);
                    got.newest_day = std::max(got.newest_day.value_or(mark.session.day), mark.session.day);
                    got.marks.push_back(mark);
                }
                continue;
            }
            for (const listed_record& each : records)
                if (each.kind == kind) got.records.emplace_back(kind, each.id, each.pupil, json_of(each.fields));
            for (const gone_record& each : gone)
                if (each.kind == kind) got.gone.push_back(each);
            for (const auto& [of, reason] : unreadable)
                if (of == kind) got.rejected.emplace_back(kind, reason, "{}", 0);
        }
        got.rows = got.marks.size() + got.records.size() + got.rejected.size();
        return got;
    }

    std::vector<listed_record> records;
    std::vector<listed_mark> marks;
    std::vector<gone_record> gone;                        // named as gone by the source, in the next read only
    std::vector<std::pair<what, std::string>> unreadable; // in the next read only
    std::map<std::string, errc> failing;                  // streams, in the next read only
    std::map<what, std::int64_t> totals;

private:
    std::string name_;
    std::vector<stream_info> streams_;
};

class table {
public:
    explicit table(const std::filesystem::path& file)
    {
        settings_.school.name = "St Example's";
        settings_.ledger.origin = folder_.key.verifier().name;
        settings_.calendar = example_calendar();
        for (const auto& [name, role] :
             {std::pair("mis", source_role::mis), std::pair("cpoms", source_role::safeguarding)}) {
            source_configuration source;
            source.name = name;
            source.role = role;
            settings_.sources.push_back(source);
        }
        std::ifstream in(file);
        for (std::string line; std::getline(in, line);)
            lines_.push_back(line);
    }

    void run()
    {
        book_ = folder_.open();
        for (number_ = 1; number_ <= lines_.size(); ++number_) {
            const std::string line = lines_[number_ - 1];
            if (trimmed(line).empty() || line.front() == '#') continue;
            INFO("line " << number_ << ": " << line);
            if (line.front() != ' ')
                begin_block(line);
            else
                take(trimmed(line));
        }
        end_block();
        CHECK(folder_.verify().ok());
    }

private:
    void begin_block(const std::string& line)
    {
        end_block();
        const auto words = split(line, ' ');
        if (words[0] == "on") {
            REQUIRE(words.size() == 6);
            block_ = block::read;
            source_ = words[4];
            // The school's clock; every table stays in one offset from UTC a day.
            const auto day = parse_day(words[1]);
            REQUIRE(day);
            now_ = zone_.to_instant(
                *day + std::chrono::hours(std::stoi(words[3].substr(0, 2))) +
                std::chrono::minutes(std::stoi(words[3].substr(3, 2)))
            );
        } else if (words[0] == "then") {
            block_ = block::then;
            wanted_.clear();
            names_open_ = false;
        } else if (words[0] == "settings") {
            block_ = block::settings;
        } else {
            FAIL("a block begins with \"settings\", \"on DAY at TIME SOURCE lists\" or \"then\"");
        }
    }

    void end_block()
    {
        if (block_ == block::read) read();
        if (block_ == block::then && names_open_) check_open();
        block_ = block::none;
    }

    void take(const std::string& line)
    {
        if (block_ == block::settings) return take_setting(line);
        if (block_ == block::read) return take_listed(line);
        take_wanted(line);
    }

    void take_setting(const std::string& line)
    {
        const auto [word, rest] = word_and_rest(line);
        finding_settings& findings = settings_.findings;
        if (word == "on_site")
            findings.on_site = split(rest, ',');
        else if (word == "missing")
            findings.missing = split(rest, ',');
        else if (word == "off")
            findings.off.insert(rest);
        else if (word == "look_for")
            findings.on.insert(rest);
        else if (word == "ask_evidence")
            findings.ask_evidence.insert(rest);
        else if (word == "both")
            findings.both.push_back({split(rest, '=')[0], split(rest, '=')[1]});
        else if (word == "settle")
            findings.settle[word_and_rest(rest).first] = std::stoi(word_and_rest(rest).second);
        else
            FAIL("no such setting");
    }

    table_source& source() { return source_ == "mis" ? mis_ : cpoms_; }

    void take_listed(const std::string& line)
    {
        const auto [word, rest] = word_and_rest(line);
        const auto cells = split(rest, '|');
        if (word == "marks") return take_marks(cells);
        if (word == "two") {
            source().marks.push_back({"second-" + cells[0], cells[0], session_of(cells[1]), cells[2]});
            return;
        }
        if (word == "total") {
            source().totals[*parse_what(word_and_rest(rest).first)] = std::stoi(word_and_rest(rest).second);
            return;
        }
        if (word == "refuses" || word == "breaks") {
            source().failing[rest] = word == "refuses" ? errc::source_refused : errc::source_unreachable;
            return;
        }
        if (word == "from") {
            from_ = *parse_day(rest);
            return;
        }
        if (word == "asks") {
            REQUIRE(rest == "otherwise");
            asks_otherwise_ = true;
            return;
        }
        if (word == "unreadable") {
            source().unreadable.emplace_back(*parse_what(word_and_rest(rest).first), word_and_rest(rest).second);
            return;
        }
        if (word == "without" || word == "deletes") {
            const auto [kind, id] = word_and_rest(rest);
            if (word == "deletes") source().gone.emplace_back(*parse_what(kind), id);
            drop(*parse_what(kind), id);
            return;
        }
        const auto kind = parse_what(word);
        REQUIRE(kind);
        listed_record made;
        made.kind = *kind;
        made.id = cells[0];
        std::vector<std::string> people;
        for (std::size_t i = 1; i < cells.size(); ++i) {
            const auto [name, value] = word_and_rest(cells[i]);
            if (name == "pupils" || name == "pupil")
                people = split(value, ',');
            else
                made.fields[name] = value;
        }
        drop(made.kind, made.id);
        if (made.kind == what::pupil) made.pupil = made.id;
        if (made.kind == what::suspension) made.pupil = people.at(0);
        if (made.kind == what::incident || made.kind == what::concern) {
            for (const std::string& pupil : people) {
                listed_record part;
                part.kind = what::involvement;
                part.id = made.id + "/" + pupil;
                part.pupil = pupil;
                part.fields = {{"of", std::string(name_of(made.kind))}, {"record", made.id}};
                source().records.push_back(part);
            }
        }
        source().records.push_back(std::move(made));
    }

    void drop(what kind, const std::string& id)
    {
        std::erase_if(source().records, [&](const listed_record& each) {
            return (each.kind == kind && each.id == id) ||
                   (each.kind == what::involvement && each.fields.at("record") == id);
        });
    }

    session_id session_of(const std::string& text)
    {
        const auto [day, half] = word_and_rest(text);
        return {*parse_day(day), *parse_half_day(half)};
    }

    // "A1, A2 | 2026-09-14 | / \ I I": morning and afternoon of each school day from that on; "." is no row, "L25" is
    // 25 minutes late. "2026-09-19 alone" does not skip days that are no school days.
    void take_marks(const std::vector<std::string>& cells)
    {
        const auto [day, alone] = word_and_rest(cells.at(1));
        const auto codes = split(cells.at(2), ' ');
        for (const std::string& pupil : split(cells.at(0), ',')) {
            const civil_day first = *parse_day(day);
            std::size_t at = 0;
            for (civil_day on = first; at < codes.size(); on += std::chrono::days(1)) {
                if (alone.empty() && !settings_.calendar.is_school_day(on)) continue;
                for (const half_day half : {half_day::am, half_day::pm})
                    if (at < codes.size()) put_mark(pupil, {on, half}, codes[at++]);
            }
        }
    }

    void put_mark(const std::string& pupil, session_id session, std::string code)
    {
        std::erase_if(source().marks, [&](const listed_mark& each) {
            return each.pupil == pupil && each.session == session;
        });
        if (code == ".") return;
        listed_mark made;
        made.id = pupil + format_day(session.day) + std::string(name_of(session.half));
        made.pupil = pupil;
        made.session = session;
        if (code.size() > 1 && code[0] == 'L') {
            made.minutes = std::stoi(code.substr(1));
            code = "L";
        }
        made.code = code;
        source().marks.push_back(made);
    }

    // As service/cycle.cpp does, without the waiting.
    void read()
    {
        table_source& from = source();
        if (!closer_) {
            closer_ = std::make_unique<read_closer>(settings_, *book_);
            closer_->know_streams(mis_);
            closer_->know_streams(cpoms_);
        }
        const source_configuration& known = settings_.sources[source_ == "mis" ? 0 : 1];
        closer_->record_settings({}, source_, now_);
        source_reading reading(
            book_->state(), source_, [this](std::string_view text) { return book_->digest(text); }, ++read_number_, now_
        );
        read_outcome outcome;
        std::vector<page> pages; // changes look into them
        for (const stream_info& stream : from.streams()) {
            stream_state state = book_->stream(source_, stream.name).value_or(stream_state{});
            if (const auto broken = from.failing.find(stream.name); broken != from.failing.end()) {
                outcome.failures.emplace_back(
                    broken->second, source_ + ": " + stream.name + " cannot be read", "Try again."
                );
                outcome.unread.emplace_back(stream.name, broken->second);
                continue;
            }
            reading.begin_stream(stream, state.windows, stream.by_day ? from_ : std::nullopt);
            pages.push_back(from.page_of(stream, from_));
            reading.take(pages.back(), 1);
            flush(reading);
            const result<void> ended = reading.end_stream({10, 25, true}, meaning_of_missing(state));
            flush(reading);
            REQUIRE(ended.has_value());
            const bool first = state.windows.empty();
            state.windows = {{stream.by_day ? from_ : std::nullopt, now_}};
            state.source = source_;
            state.stream = stream.name;
            outcome.closed.push_back(std::move(state));
            if (stream.name != "marks") continue;
            outcome.marks_closed = true;
            outcome.marks_first = first;
        }
        statement_.clear();
        for (const statement_row& row : closer_->close(known, from, reading, outcome, now_).statements) {
            CHECK(row.adds_up());
            CHECK((row.not_read.empty() || !row.balanced));
            statement_[row.record] = row;
        }
        from.gone.clear();
        from.unreadable.clear();
        from.failing.clear();
        from_.reset();
        asks_otherwise_ = false;
    }

    missing_means meaning_of_missing(const stream_state& state) const
    {
        if (state.windows.empty()) return missing_means::nothing;
        return asks_otherwise_ ? missing_means::out_of_scope : missing_means::vanished;
    }

    void flush(source_reading& reading)
    {
        transaction t;
        const entry_index base = book_->size();
        reading.drain(t, base);
        book_->commit(t, now_);
        reading.apply(t, base);
    }

    void take_wanted(const std::string& line)
    {
        const auto [word, rest] = word_and_rest(line);
        if (word == "open") {
            names_open_ = true;
            if (rest != "nothing") wanted_.push_back(rest);
        } else if (word == "statement") {
            const auto [record, counts] = word_and_rest(rest);
            for (const std::string& each : split(counts, ','))
                CHECK(
                    each == word_and_rest(each).first + " " + count_of(*parse_what(record), word_and_rest(each).first)
                );
        } else if (word == "figures") {
            const auto [pupil, counts] = word_and_rest(rest);
            CHECK(counts == figures_of(pupil));
        } else if (word == "linked" || word == "unlinked") {
            const auto [mine, theirs] = word_and_rest(rest);
            const auto& things = std::as_const(book_->state()).things(what::pupil);
            const bool is_linked =
                person_of(book_->state(), things.find("cpoms", theirs)->subject) == things.find("mis", mine)->subject;
            CHECK(is_linked == (word == "linked"));
        } else {
            FAIL("no such word after \"then\"");
        }
    }

    std::string count_of(what record, const std::string& name) const
    {
        const statement_row& row = statement_.at(record);
        if (name == "not_read") return row.not_read.empty() ? "no" : row.not_read;
        const std::map<std::string, std::int64_t> counts = {
            {"read", row.read},
            {"new", row.fresh},
            {"changed", row.changed},
            {"unchanged", row.unchanged},
            {"duplicate", row.duplicate},
            {"quarantined", row.quarantined},
            {"vanished", row.vanished},
            {"tombstoned", row.tombstoned},
            {"leavers", row.leavers},
            {"out_of_scope", row.out_of_scope},
            {"outside_window", row.outside_window},
            {"restored", row.restored},
            {"held", row.held},
            {"balanced", row.balanced ? 1 : 0}};
        return std::to_string(counts.at(name));
    }

    std::string figures_of(const std::string& id) const
    {
        const held_state& held = std::as_const(book_->state());
        const attendance_register& marks = *held.find_register("mis");
        const figures sum =
            marks.figures_of(*marks.find_pupil(held.things(what::pupil).find("mis", id)->subject), *marks.extent());
        return "possible " + std::to_string(sum.possible) + ", present " + std::to_string(sum.present) +
               ", authorised " + std::to_string(sum.authorised) + ", unauthorised " + std::to_string(sum.unauthorised) +
               ", late " + std::to_string(sum.late);
    }

    // Every open finding is to be named, "KIND ID" and, where it matters, ": words of its explanation".
    void check_open()
    {
        std::vector<std::string> open;
        for (const auto& [kind, ones] : book_->state().open_findings()) {
            if (kind == "source-stale") continue; // a table need not reach to the last school day
            for (const auto& [subject, id] : ones) {
                const auto parsed = json_document::parse(
                    book_->state().payload_of(*std::as_const(book_->state()).things(what::finding).find_subject(id))
                );
                const json_view root = parsed->root();
                open.push_back(
                    kind + " " + std::string(root["subject"]["id"].as_string()) + ": " +
                    std::string(root["explanation"].as_string())
                );
            }
        }
        std::string all;
        for (const std::string& each : open)
            all += "\n  " + each;
        INFO("open findings:" << all);
        for (const std::string& want : wanted_) {
            INFO("wanted: " << want);
            const auto colon = want.find(": ");
            const std::string head = want.substr(0, colon) + ": ";
            const std::string words = colon == want.npos ? std::string() : want.substr(colon + 2);
            const auto found = std::ranges::find_if(open, [&](const std::string& each) {
                return each.starts_with(head) && each.find(words) != each.npos;
            });
            CHECK(found != open.end());
            if (found != open.end()) open.erase(found);
        }
        INFO("beyond those wanted: " << (open.empty() ? std::string() : open.front()));
        CHECK(open.empty());
    }

    enum class block { none, settings, read, then } block_ = block::none;
    std::vector<std::string> lines_;
    std::size_t number_ = 0;
    ledger_folder folder_;
    configuration settings_;
    time_zone zone_ = *time_zone::named("Europe/London");
    std::unique_ptr<ledger> book_;
    std::unique_ptr<read_closer> closer_;
    table_source mis_{"mis", true};
    table_source cpoms_{"cpoms", false};
    std::string source_;
    instant now_{};
    std::optional<civil_day> from_; // in this read only
    bool asks_otherwise_ = false;   // in this read only
    std::uint32_t read_number_ = 0;
    std::map<what, statement_row> statement_;
    std::vector<std::string> wanted_;
    bool names_open_ = false;
};

} // namespace

TEST_CASE("every table of tests/scenario/tables comes out as it says", "[scenario]")
{
    std::vector<std::filesystem::path> files;
    for (const auto& each : std::filesystem::directory_iterator(ROLLBOOK_SOURCE_DIR "/tests/scenario/tables"))
        if (each.path().extension() == ".txt") files.push_back(each.path());
    std::ranges::sort(files);
    REQUIRE(files.size() >= 40);
    for (const auto& file : files)
        DYNAMIC_SECTION(file.stem().string())
        {
            table(file).run();
        }
}
