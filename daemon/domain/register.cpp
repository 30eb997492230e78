#include "daemon/domain/register.hpp"

#include "daemon/base/error.hpp"

#include <algorithm>

namespace rollbook {

std::uint16_t half_day_marks::kinds::intern(const held_mark& mark)
{
    const std::uint32_t key = std::uint32_t{mark.code} << 10 | std::uint32_t{mark.minutes} << 2 |
                              (mark.gone ? 2u : 0u) | (mark.is_out_of_scope() ? 1u : 0u);
    if (key == last_key_) return last_;
    constexpr std::size_t kinds_max = 65'000;
    const auto known = numbers_.find(key);
    if (known == numbers_.end() && marks_.size() >= kinds_max)
        throw failure_error({
            errc::page_malformed,
            "a source uses more than 65,000 different attendance codes and minutes late",
            "Check that the mapping reads the code itself and not a comment or a time.",
        });
    if (known == numbers_.end()) {
        held_mark kind;
        kind.code = mark.code;
        kind.minutes = mark.minutes;
        kind.gone = mark.gone;
        if (mark.is_out_of_scope()) kind.digest = held_mark::out_of_scope_digest;
        marks_.push_back(kind);
        last_ = numbers_.emplace(key, static_cast<std::uint16_t>(marks_.size() - 1)).first->second;
    } else {
        last_ = known->second;
    }
    last_key_ = key;
    return last_;
}

void half_day_marks::put(pupil_no pupil, const held_mark& mark, kinds& known, std::size_t pupils)
{
    const std::uint16_t kind = known.intern(mark);
    // A little below the first that comes: the pages of a source need not come in the order of their marks.
    constexpr std::uint32_t room_below = 16'384;
    unpack();
    is_as_packed_ = false;
    if (cells_.empty()) first_ = mark.entry - std::min(mark.entry, room_below);
    // Exact growth to the pupils known: doubling would waste a third of the register.
    const std::size_t room = std::max<std::size_t>(pupils, pupil + 1);
    if (pupil >= cells_.size()) {
        cells_.reserve(room);
        cells_.resize(room);
    }
    if (mark.digest != 0 || !digests_.empty()) {
        digests_.reserve(cells_.capacity());
        digests_.resize(cells_.size());
        digests_[pupil] = mark.digest;
    }
    cells_[pupil].kind = kind;
    set_entry(pupil, mark.entry);
}

void half_day_marks::set_entry(pupil_no pupil, std::uint32_t entry)
{
    cell& to = cells_[pupil];
    if (entry == held_mark::nothing) {
        to.distance = unmet;
        return;
    }
    if (entry >= first_ && entry - first_ < far) {
        to.distance = static_cast<std::uint16_t>(entry - first_);
        return;
    }
    to.distance = far;
    put_far(pupil, entry);
}

void half_day_marks::pack()
{
    if (is_as_packed_ || cells_.empty()) return;
    is_as_packed_ = true;
    constexpr std::uint8_t unmet_kind = 0xff;
    std::vector<std::uint8_t> packed(cells_.size(), unmet_kind);
    std::vector<std::uint16_t> kinds_here;
    std::vector<run> runs;
    for (pupil_no pupil = 0; pupil < cells_.size(); ++pupil) {
        const auto [entry, kind] = cell_at(pupil);
        if (entry == held_mark::nothing) continue;
        if (runs.empty() || entry != runs.back().entry + (pupil - runs.back().pupil)) runs.push_back({pupil, entry});
        const auto known = std::ranges::find(kinds_here, kind);
        if (known == kinds_here.end() && kinds_here.size() == unmet_kind) return;
        packed[pupil] = static_cast<std::uint8_t>(known - kinds_here.begin());
        if (known == kinds_here.end()) kinds_here.push_back(kind);
    }
    std::ranges::replace(packed, unmet_kind, static_cast<std::uint8_t>(kinds_here.size()));
    if (packed.size() + runs.size() * sizeof(run) >= cells_.size() * sizeof(cell)) return;
    runs.shrink_to_fit();
    kinds_here.shrink_to_fit();
    packed_ = small_numbers(std::move(packed));
    kinds_here_ = std::move(kinds_here);
    runs_ = std::move(runs);
    // Assigning {} would keep their room.
    cells_ = std::vector<cell>();
    far_entries_ = decltype(far_entries_)();
    entries_ = std::vector<std::uint32_t>();
}

void half_day_marks::unpack()
{
    if (!is_packed()) return;
    cells_.resize(packed_.size());
    for (pupil_no pupil = 0; pupil < cells_.size(); ++pupil) {
        const auto [entry, kind] = packed_at(pupil);
        cells_[pupil].kind = kind;
        set_entry(pupil, entry);
    }
    packed_ = small_numbers();
    kinds_here_ = std::vector<std::uint16_t>();
    runs_ = std::vector<run>();
}

void half_day_marks::forget_digests()
{
    if (digests_.empty()) return;
    digests_ = std::vector<std::uint32_t>(); // assigning {} would keep the room
    is_forgetful_ = true;
}

void half_day_marks::take_digests(std::vector<std::uint32_t> by_pupil)
{
    digests_ = std::move(by_pupil);
    is_forgetful_ = false;
}

void half_day_marks::put_far(pupil_no pupil, std::uint32_t entry)
{
    if (entries_.empty()) {
        const auto at = std::ranges::lower_bound(far_entries_, pupil, {}, &std::pair<pupil_no, std::uint32_t>::first);
        if (at != far_entries_.end() && at->first == pupil) {
            at->second = entry;
            return;
        }
        if (far_entries_.size() * 4 < cells_.size()) {
            far_entries_.insert(at, {pupil, entry});
            return;
        }
        entries_.resize(cells_.size());
        for (const auto& [each, its_entry] : far_entries_)
            entries_[each] = its_entry;
        far_entries_ = decltype(far_entries_)();
    }
    if (pupil >= entries_.size()) {
        entries_.reserve(cells_.capacity());
        entries_.resize(cells_.size());
    }
    entries_[pupil] = entry;
}

std::uint32_t half_day_marks::entry_of_far(pupil_no pupil) const
{
    if (!entries_.empty()) return entries_[pupil];
    return std::ranges::lower_bound(far_entries_, pupil, {}, &std::pair<pupil_no, std::uint32_t>::first)->second;
}

std::vector<std::pair<std::uint32_t, pupil_no>> half_day_marks::entries() const
{
    std::vector<std::pair<std::uint32_t, pupil_no>> found;
    for (pupil_no pupil = 0; pupil < size(); ++pupil) {
        const std::uint32_t entry = (is_packed() ? packed_at(pupil) : cell_at(pupil)).entry;
        if (entry != held_mark::nothing) found.emplace_back(entry, pupil);
    }
    std::ranges::sort(found);
    return found;
}

pupil_no attendance_register::number_of(entry_index ref)
{
    const auto [at, is_new] = numbers_.try_emplace(ref, static_cast<pupil_no>(refs_.size()));
    if (is_new) refs_.push_back(ref);
    return at->second;
}

std::optional<pupil_no> attendance_register::find_pupil(entry_index ref) const
{
    const auto at = numbers_.find(ref);
    if (at == numbers_.end()) return std::nullopt;
    return at->second;
}

std::size_t attendance_register::index_of(civil_day day, bool clamp) const
{
    if (days_.empty()) return 0;
    if (day < first_) return clamp ? 0 : days_.size();
    return static_cast<std::size_t>((day - first_).count());
}

const half_day_marks* attendance_register::marks_of(session_id session) const
{
    const std::size_t at = index_of(session.day, false);
    if (at >= days_.size() || !days_[at]) return nullptr;
    return &days_[at]->halves[static_cast<int>(session.half)];
}

held_mark attendance_register::find(session_id session, pupil_no pupil) const
{
    const half_day_marks* marks = marks_of(session);
    if (!marks) return {};
    // Digests are of what is held all the same, wherever they are.
    if (!marks->has_digests()) {
        fetch_digests(const_cast<half_day_marks&>(*marks));
        note_fetched(const_cast<half_day_marks&>(*marks));
    }
    return marks->at(pupil, kinds_);
}

held_mark attendance_register::find_but_digest(session_id session, pupil_no pupil) const
{
    const half_day_marks* marks = marks_of(session);
    return marks ? marks->at(pupil, kinds_) : held_mark();
}

// In runs of neighbouring entries: a session came in one piece, or its pupils one by one from all over.
void attendance_register::fetch_digests(half_day_marks& marks) const
{
    constexpr std::uint32_t gap_max = 1'000;
    const auto entries = marks.entries();
    std::vector<std::uint32_t> digests(marks.size());
    for (auto first = entries.begin(); first != entries.end();) {
        auto end = std::next(first);
        while (end != entries.end() && end->first - std::prev(end)->first <= gap_max)
            ++end;
        auto at = first;
        read_digests_(first->first, std::prev(end)->first, [&](entry_index entry, std::uint32_t digest) {
            while (at != end && at->first < entry)
                ++at;
            if (at != end && at->first == entry) digests[at->second] = digest;
        });
        first = end;
    }
    marks.take_digests(std::move(digests));
}

// Sources list their marks by day, as a rule: of old days, few are wanted at a time.
void attendance_register::note_fetched(half_day_marks& marks) const
{
    constexpr std::size_t wanted_max = 64;
    fetched_.push_back(&marks);
    goes_back_ = goes_back_ || let_go_.contains(&marks);
    if (goes_back_ || fetched_.size() <= wanted_max) return;
    fetched_.front()->forget_digests();
    let_go_.insert(fetched_.front());
    fetched_.pop_front();
}

void attendance_register::rest()
{
    if (!read_digests_ || days_.empty()) return;
    fetched_ = decltype(fetched_)();
    let_go_ = decltype(let_go_)();
    goes_back_ = false;
    const civil_day newest = first_ + std::chrono::days(static_cast<int>(days_.size()) - 1);
    constexpr std::chrono::days kept{400}; // a whole year is read again now and then
    for (std::size_t i = 0; i < days_.size(); ++i) {
        if (!days_[i]) continue;
        for (half_day_marks& marks : days_[i]->halves) {
            marks.pack();
            if (first_ + std::chrono::days(static_cast<int>(i)) < newest - kept) marks.forget_digests();
        }
    }
}

void attendance_register::put(session_id session, pupil_no pupil, const held_mark& mark)
{
    if (days_.empty()) {
        first_ = session.day;
    } else if (session.day < first_) {
        const auto missing = static_cast<std::size_t>((first_ - session.day).count());
        std::vector<std::unique_ptr<one_day>> longer(missing + days_.size());
        std::move(days_.begin(), days_.end(), longer.begin() + static_cast<std::ptrdiff_t>(missing));
        days_ = std::move(longer);
        first_ = session.day;
    }
    const auto at = static_cast<std::size_t>((session.day - first_).count());
    // A date far outside any school's history would make the table huge; connectors refuse such rows.
    ROLLBOOK_ENSURE(at < 366 * 200);
    if (at >= days_.size()) days_.resize(at + 1);
    if (!days_[at]) days_[at] = std::make_unique<one_day>();

    half_day_marks& marks = days_[at]->halves[static_cast<int>(session.half)];
    if (!marks.has_digests()) fetch_digests(marks);
    std::erase(fetched_, &marks); // what comes now may not be in the ledger yet
    const held_mark was = marks.at(pupil, kinds_);
    marks.put(pupil, mark, kinds_, refs_.size());
    held_ -= was.is_held() ? 1 : 0;
    held_ += mark.is_held() ? 1 : 0;
    ++changes_;
    const auto is_unexplained = [&](const held_mark& each) {
        return each.is_held() && codes_->statutory(each.code) == "N";
    };
    if (is_unexplained(mark))
        unexplained_.insert({pupil, session});
    else if (is_unexplained(was))
        unexplained_.erase({pupil, session});
}

std::optional<session_id> attendance_register::first_unexplained(pupil_no pupil) const
{
    const auto first = unexplained_.lower_bound({pupil, {civil_day::min(), half_day::am}});
    if (first == unexplained_.end() || first->first != pupil) return std::nullopt;
    return first->second;
}

std::optional<day_range> attendance_register::extent() const
{
    if (days_.empty()) return std::nullopt;
    return day_range{first_, first_ + std::chrono::days(static_cast<int>(days_.size()) - 1)};
}

figures attendance_register::figures_of(pupil_no pupil, const day_range& days) const
{
    figures sum;
    for_each(pupil, days, [&](session_id session, const held_mark& mark) {
        const statutory_code* row = codes_->row_on(mark.code, session.day);
        sum.add(row ? row->klass : codes_->class_on(mark.code, session.day), row && row->late);
    });
    return sum;
}

} // namespace rollbook
