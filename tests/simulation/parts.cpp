#include "tests/simulation/parts.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>

namespace rollbook::simulation {
namespace {

constexpr std::size_t pupils_list = 0;
constexpr std::size_t marks_list = 1;
constexpr std::size_t incidents_list = 2;

std::size_t number_in(const std::string& text)
{
    std::size_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// The text of a code, which stays where it is.
std::string_view written(char code)
{
    static const auto all = [] {
        std::array<char, 128> codes{};
        std::iota(codes.begin(), codes.end(), '\0');
        return codes;
    }();
    return {&all[static_cast<std::size_t>(code)], 1};
}

std::uint64_t mixed(std::uint64_t so_far, std::uint64_t next)
{
    return (so_far ^ next) * 0x9e3779b97f4a7c15u + (so_far >> 29);
}

template <class T> void disturb(std::vector<T>& rows, dice& chance)
{
    for (std::size_t i = rows.size(); i > 1; --i)
        std::swap(rows[i - 1], rows[chance.below(i)]);
    const std::size_t twice = rows.empty() ? 0 : chance.below(std::min<std::size_t>(rows.size(), 5) + 1);
    for (std::size_t i = 0; i < twice; ++i) {
        T again = rows[chance.below(rows.size())];
        rows.push_back(std::move(again));
    }
}

stream_info stream_of(std::string name, std::vector<what> makes)
{
    stream_info made;
    made.name = std::move(name);
    made.path_template = "/" + made.name;
    made.makes = std::move(makes);
    made.lists_all = true;
    return made;
}

} // namespace

school_system::school_system(std::string name, bool is_mis, surroundings& around)
    : name_(std::move(name)), around_(around)
{
    streams_.push_back(stream_of("pupils", {what::pupil}));
    if (!is_mis) return;
    streams_.push_back(stream_of("marks", {what::session_mark}));
    streams_.back().by_day = true;
    streams_.push_back(stream_of("incidents", {what::incident, what::involvement}));
}

boost::asio::awaitable<result<void>> school_system::begin_run()
{
    around_.at_await();
    told_so_far_ = told_ = std::make_shared<told_by_source>();
    told_->was_empty = around_.now.source_empty;
    failed_once_.clear();
    if (around_.now.source_refuses) {
        const failure refused(errc::source_refused, name_ + ": the key is refused", "Ask for a new one.");
        co_return refused;
    }
    co_return result<void>();
}

std::optional<std::int64_t> school_system::total(what kind) const
{
    if (kind != what::pupil || !told_->pupils_whole || told_->was_empty) return std::nullopt;
    return std::ssize(told_->pupils) - std::ranges::count(told_->pupils, nullptr);
}

bool school_system::gives_changes(std::size_t stream, bool allowed)
{
    changes_only_ = stream == incidents_list && allowed;
    return changes_only_;
}

void school_system::resume(std::size_t stream, const std::string& bookmark)
{
    if (stream == incidents_list) resumed_at_ = number_in(bookmark);
}

std::string school_system::bookmark(std::size_t stream) const
{
    return stream == incidents_list ? std::to_string(listed_to_) : std::string();
}

std::optional<failure> school_system::trouble(std::size_t stream, const std::optional<std::string>& at)
{
    const std::string where = name_ + ": /" + streams_[stream].name + ", page " + at.value_or("1");
    if (around_.now.source_down)
        return failure(errc::source_unreachable, where + " gave no answer", "It is tried again.");
    if (!around_.chance.per_mille(around_.now.source_drops)) return std::nullopt;
    failed_once_.insert(at.value_or("0"));
    switch (around_.chance.below(3)) {
    case 0: return failure(errc::source_unreachable, where + " was cut off", "It is tried again.");
    case 1:
        return failure(
            errc::source_throttled, where + " is asked for too often", "It is tried again.", std::chrono::seconds(0)
        );
    default: return failure(errc::page_malformed, where + " is no JSON", "Report this.");
    }
}

boost::asio::awaitable<result<page>>
school_system::fetch_page(std::size_t stream, std::optional<civil_day> from, std::optional<std::string> at)
{
    around_.at_await();
    const bool is_slow = around_.chance.per_mille(around_.now.slow);
    around_.clock.true_time += std::chrono::milliseconds(is_slow ? around_.chance.between(10'000, 400'000) : 50);
    around_.truth.advance(around_.clock.true_time);
    if (const auto why = trouble(stream, at)) co_return *why;
    if (!at) begin_list(stream, from);
    const std::size_t begin = at ? number_in(*at) : 0;
    const std::size_t size = stream == marks_list ? rows_.size() : lines_.size();
    page got = stream == marks_list ? marks_page(begin, page_size_)
                                    : lines_page(begin, page_size_, failed_once_.contains(at.value_or("0")));
    if (begin + page_size_ < size) {
        if (!got.again) got.next = std::to_string(begin + page_size_);
    } else {
        if (stream == pupils_list) told_->pupils_whole = true;
        if (stream == marks_list) told_->marks_whole = true;
        if (stream == incidents_list) {
            told_->incidents_whole = true;
            reached_ = std::max(reached_, listed_to_);
        }
    }
    around_.at_await();
    co_return got;
}

void school_system::begin_list(std::size_t stream, std::optional<civil_day> from)
{
    rows_.clear();
    lines_.clear();
    if (stream == pupils_list) list_pupils();
    if (stream == marks_list) list_marks(from);
    if (stream == incidents_list) list_incidents();
    // The size follows from the length, so that an unchanged list comes in the same pages.
    page_size_ = std::max<std::size_t>(20, std::max(rows_.size(), lines_.size()) / 4 + 1);
    if (!around_.chance.per_mille(around_.now.disorder)) return;
    page_size_ = static_cast<std::size_t>(around_.chance.between(7, 150));
    disturb(rows_, around_.chance);
    if (stream == pupils_list) disturb(lines_, around_.chance);
}

void school_system::list_pupils()
{
    told_->pupils_begun = true;
    told_->pupils.resize(around_.truth.pupils().size());
    if (told_->was_empty) return;
    for (int i = 0; i < static_cast<int>(told_->pupils.size()); ++i) {
        if (!around_.truth.pupils()[static_cast<std::size_t>(i)].listed) continue;
        const std::string id(around_.truth.id_of_pupil(i));
        const auto& fields = told_->pupils[static_cast<std::size_t>(i)] = around_.truth.pupil_fields(i);
        lines_.push_back({what::pupil, id, id, fields, false});
    }
}

void school_system::list_marks(std::optional<civil_day> from)
{
    const school& truth = around_.truth;
    const auto& days = truth.school_days();
    told_->marks_begun = true;
    const int first = from ? from->time_since_epoch().count() : days.front();
    told_->first_day = static_cast<std::size_t>(std::lower_bound(days.begin(), days.end(), first) - days.begin());
    const std::size_t pupils = truth.pupils().size();
    if (told_->was_empty) {
        told_->marks.clear();
        return;
    }
    told_->marks.assign(
        truth.marks().begin() + static_cast<std::ptrdiff_t>(told_->first_day * 2 * pupils), truth.marks().end()
    );
    rows_.reserve(told_->marks.size());
    for (std::size_t i = 0; i < told_->marks.size(); ++i) {
        if (told_->marks[i].code == 0) continue;
        const std::size_t session = i / pupils;
        rows_.push_back(
            {static_cast<int>(i % pupils),
             told_->first_day + session / 2,
             static_cast<int>(session % 2),
             told_->marks[i]}
        );
    }
}

void school_system::list_incidents()
{
    told_->incidents_begun = true;
    told_->incidents = around_.truth.incidents();
    const std::vector<int>& changes = around_.truth.changes();
    listed_to_ = told_->was_empty ? (changes_only_ ? resumed_at_ : 0) : changes.size();
    if (told_->was_empty) return;
    std::set<int> wanted;
    for (std::size_t i = changes_only_ ? std::min(resumed_at_, changes.size()) : 0; i < changes.size(); ++i)
        wanted.insert(changes[i]);
    for (const int number : wanted)
        add_incident(number);
}

void school_system::add_incident(int number)
{
    const school::incident& what_happened = *told_->incidents[static_cast<std::size_t>(number)];
    const auto kept = [](std::string fields) { return std::make_shared<const std::string>(std::move(fields)); };
    if (what_happened.exists)
        lines_.push_back(
            {what::incident, school::incident_id(number), {}, kept(school::incident_fields(what_happened)), false}
        );
    else if (changes_only_)
        lines_.push_back({what::incident, school::incident_id(number), {}, {}, true});
    for (const int pupil : around_.truth.everyone_in(number)) {
        const bool has_part = what_happened.exists && std::ranges::count(what_happened.pupils, pupil) > 0;
        const auto fields = has_part ? kept(school::part_fields(number, what_happened)) : nullptr;
        if (has_part || changes_only_)
            lines_.push_back(
                {what::involvement, school::part_id(number, pupil), school::pupil_id(pupil), fields, !has_part}
            );
    }
}

page school_system::marks_page(std::size_t begin, std::size_t size)
{
    const std::size_t end = std::min(rows_.size(), begin + size);
    page got;
    got.place = "marks/" + std::to_string(told_->first_day) + "/" + std::to_string(begin);
    got.digest = mixed(1, page_size_);
    for (std::size_t i = begin; i < end; ++i) {
        const row& each = rows_[i];
        got.digest = mixed(
            got.digest, static_cast<std::uint64_t>(each.pupil) << 32 | each.day << 8 | static_cast<unsigned>(each.half)
        );
        got.digest = mixed(
            got.digest,
            static_cast<std::uint64_t>(static_cast<unsigned char>(each.mark.code)) << 8 |
                static_cast<unsigned char>(each.mark.minutes)
        );
    }
    got.digest = mixed(got.digest, end < rows_.size() ? 1 : 2) | 1;
    told_->rows[what::session_mark] += static_cast<std::int64_t>(end - begin);
    if (memory_ && around_.with_page_memory)
        if (auto known = memory_->known(got.place, got.digest)) return std::move(*known);

    // The texts that a page looks into are the school's, and stay.
    got.marks.reserve(end - begin);
    for (std::size_t i = begin; i < end; ++i) {
        const row& each = rows_[i];
        reported_mark mark;
        mark.source_id = around_.truth.id_of_mark(around_.truth.slot(each.day, each.half, each.pupil));
        mark.pupil_id = around_.truth.id_of_pupil(each.pupil);
        const civil_day day{std::chrono::days(around_.truth.school_days()[each.day])};
        mark.session = {day, static_cast<half_day>(each.half)};
        mark.raw = mark.statutory = written(each.mark.code);
        mark.minutes_late = each.mark.minutes;
        got.newest_day = std::max(got.newest_day.value_or(day), day);
        got.marks.push_back(mark);
    }
    got.rows = got.marks.size();
    return got;
}

page school_system::lines_page(std::size_t begin, std::size_t size, bool asked_again)
{
    page got;
    got.records.reserve(std::min(size, lines_.size() - begin));
    for (std::size_t i = begin; i < std::min(lines_.size(), begin + size); ++i) {
        const line& each = lines_[i];
        if (each.gone) {
            if (around_.bug == plant::lost_tombstone && asked_again) continue;
            got.gone.emplace_back(each.kind, each.id);
            continue;
        }
        got.records.emplace_back(each.kind, each.id, each.pupil, *each.fields);
        ++told_->rows[each.kind];
    }
    got.rows = got.records.size() + got.gone.size();
    return got;
}

boost::asio::awaitable<result<void>> receiver::send(message m)
{
    around_.at_await();
    around_.clock.true_time += std::chrono::milliseconds(20);
    if (around_.now.route_refuses[route_] ||
        (around_.now.refusals > 0 && around_.chance.per_mille(around_.now.refusals))) {
        ++around_.refusals;
        const failure why(errc::delivery_refused, route_ + " refuses the message", "Look at the route.");
        co_return why;
    }
    if (around_.now.route_down[route_] || around_.chance.per_mille(around_.now.route_drops)) {
        const failure why(errc::delivery_unreachable, route_ + " does not answer", "It is tried again.");
        co_return why;
    }
    taken_.push_back({route_, m.id, m.type, m.json, m.subject + "\n" + m.text, m.attempt});
    around_.at_await(); // taken, and the receipt not yet stored
    if (around_.chance.per_mille(around_.now.answer_lost)) {
        const failure why(errc::delivery_unreachable, route_ + " was cut off", "It is tried again.");
        co_return why;
    }
    co_return result<void>();
}

} // namespace rollbook::simulation
