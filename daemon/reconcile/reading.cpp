#include "daemon/reconcile/reading.hpp"

#include "daemon/base/json.hpp"
#include "daemon/reconcile/person_match.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rollbook {
namespace {

constexpr std::size_t slots_max = 2'000'000; // four years of a large school

constexpr unsigned pupil_bits = 16;
constexpr civil_day slots_from = civil_day(std::chrono::year(2000) / 1 / 1);
constexpr int slot_days_max = 1 << 15;

// Empty for what a slot cannot hold.
std::optional<std::uint32_t> slot_of(session_id session, pupil_no pupil)
{
    const auto days = (session.day - slots_from).count();
    if (days < 0 || days >= slot_days_max || pupil >> pupil_bits != 0) return std::nullopt;
    return (static_cast<std::uint32_t>(days) << 1 | static_cast<std::uint32_t>(session.half)) << pupil_bits | pupil;
}

void put_varint(std::vector<std::uint8_t>& bytes, std::uint32_t left)
{
    for (; left >= 0x80; left >>= 7)
        bytes.push_back(static_cast<std::uint8_t>(left | 0x80));
    bytes.push_back(static_cast<std::uint8_t>(left));
}

std::uint32_t take_varint(const std::uint8_t*& at)
{
    std::uint32_t value = 0;
    for (int shift = 0;; shift += 7) {
        const std::uint8_t byte = *at++;
        value |= static_cast<std::uint32_t>(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
    }
}

std::uint64_t mixed(std::uint64_t so_far, entry_index entry)
{
    return (so_far ^ entry) * 0x9e3779b97f4a7c15u + (so_far >> 29);
}

} // namespace

void remembered_pages::packed_slots::writer::add(std::uint32_t slot)
{
    if (size_ > 0 && slot == last_slot_ + 1) {
        bytes_.resize(following_at_);
        put_varint(bytes_, ++following_);
    } else {
        const std::uint32_t apart = slot - last_slot_;
        // The sign goes to the lowest bit, so that a small step back is a small number too.
        put_varint(bytes_, apart << 1 ^ (apart >> 31 ? ~std::uint32_t{0} : 0));
        following_at_ = bytes_.size();
        following_ = 0;
        put_varint(bytes_, following_);
    }
    last_slot_ = slot;
    ++size_;
}

remembered_pages::packed_slots remembered_pages::packed_slots::writer::written() const
{
    packed_slots all;
    all.bytes_ = std::make_unique<std::uint8_t[]>(bytes_.size());
    std::ranges::copy(bytes_, all.bytes_.get());
    all.size_ = size_;
    return all;
}

bool remembered_pages::packed_slots::reader::next(std::uint32_t& slot)
{
    if (left_ == 0) return false;
    --left_;
    if (left_of_run_ > 0) {
        --left_of_run_;
        ++slot_;
    } else {
        const std::uint32_t apart = take_varint(at_);
        slot_ += apart >> 1 ^ (apart & 1 ? ~std::uint32_t{0} : 0);
        left_of_run_ = take_varint(at_);
    }
    slot = slot_;
    return true;
}

remembered_pages::next_place::next_place(std::string_view own, const std::optional<std::string>& next)
    : is_any_(next.has_value())
{
    if (!next) return;
    shared_ = static_cast<std::uint32_t>(std::ranges::mismatch(own, *next).in1 - own.begin());
    rest_ = next->substr(shared_);
}

std::optional<std::string> remembered_pages::next_place::after(std::string_view own) const
{
    if (!is_any_) return std::nullopt;
    return std::string(own.substr(0, shared_)) + rest_;
}

source_reading::source_reading(
    held_state& held,
    std::string source,
    digester digest,
    std::uint32_t read_number,
    instant started,
    narrative_seal seal
)
    : held_(held), source_(std::move(source)), digest_(std::move(digest)), read_number_(read_number), started_(started),
      seal_(std::move(seal)), unlisted_digest_(digest_("{}"))
{
    const attendance_register* marks = std::as_const(held_).find_register(source_);
    marks_changed_before_ = marks ? marks->changes() : 0;
    held_.see_none_of(source_);
}

void source_reading::end_streams()
{
    seen_.clear();
    seen_bits_ = nullptr;
}

void source_reading::know_streams(const std::vector<stream_info>& streams)
{
    for (const stream_info& stream : streams)
        for (const what kind : std::set<what>(stream.makes.begin(), stream.makes.end()))
            ++shared_[kind].streams_left;
    std::erase_if(shared_, [](const auto& kind) { return kind.second.streams_left == 1; });
}

void source_reading::begin_stream(
    const stream_info& stream,
    std::vector<stream_state::window> windows,
    std::optional<civil_day> from,
    remembered_pages* remembered
)
{
    remembered_ = remembered;
    stream_ = &stream;
    windows_ = std::move(windows);
    from_ = from;
    rows_ = 0;
    named_gone_.clear();
    for (const what kind : stream.makes)
        row(kind);
    if (rows_by_kind_.contains(what::session_mark)) register_ = &held_.register_of(source_);
}

statement_row& source_reading::row(what kind)
{
    statement_row& counts = rows_by_kind_[kind];
    counts.source = source_;
    counts.record = kind;
    counts.at = started_;
    return counts;
}

void source_reading::take(const page& got, std::uint32_t page_number)
{
    rows_ += got.rows;
    if (got.data_as_of) data_as_of_ = std::max(data_as_of_.value_or(*got.data_as_of), *got.data_as_of);
    if (got.newest_day) newest_day_ = std::max(newest_day_.value_or(*got.newest_day), *got.newest_day);
    if (got.again) return take_again(got);
    const statement_row before = register_ ? row(what::session_mark) : statement_row();
    for (const reported_mark& mark : got.marks)
        take_mark(mark);
    // Every row was read and is held as it came, or is older than the window.
    const bool is_whole = got.records.empty() && got.gone.empty() && got.rejected.empty();
    if (remembered_ && got.digest != 0 && is_whole && register_ && got.rows > 0 &&
        row(what::session_mark).unchanged == before.unchanged + static_cast<std::int64_t>(got.marks.size()))
        remember(got);
    for (const reported_record& record : got.records)
        take_record(record);
    named_gone_.insert(named_gone_.end(), got.gone.begin(), got.gone.end());
    for (const rejected_row& rejected : got.rejected) {
        statement_row& counts = row(rejected.kind);
        ++counts.read;
        ++counts.quarantined;
        quarantined_row kept;
        kept.at = started_;
        kept.source = source_;
        kept.record = rejected.kind;
        kept.stream = stream_->name;
        kept.page = page_number;
        kept.position = rejected.position;
        kept.reason = rejected.reason;
        kept.row = seal_.quarantined(rejected.kind, rejected.row);
        rejected_.push_back(std::move(kept));
        note_unread(rejected.kind, rejected.whose);
    }
}

void source_reading::note_unread(what kind, const row_identity& whose)
{
    unread_rows& unread = unread_[kind];
    if (kind == what::session_mark ? whose.pupil_id.empty() : whose.is_empty()) {
        ++unread.of_anybody;
        return;
    }
    if (!whose.source_id.empty())
        unread.ids.insert(whose.source_id);
    else
        unread.of_pupils[local(whose.pupil_id)].push_back({whose.day, whose.half});
}

bool source_reading::may_be_unread(std::size_t pupil, session_id session) const
{
    const auto kind = unread_.find(what::session_mark);
    if (kind == unread_.end()) return false;
    const auto rows = kind->second.of_pupils.find(pupil);
    return rows != kind->second.of_pupils.end() &&
           std::ranges::any_of(rows->second, [&](const unread_rows::of_day& row) {
               return (!row.day || *row.day == session.day) && (!row.half || *row.half == session.half);
           });
}

bool source_reading::may_be_unread(what of, const held_thing& thing) const
{
    const std::string_view key = thing.key;
    for (const auto& [kind, unread] : unread_) {
        if (kind == of) {
            if (unread.ids.contains(key)) return true;
            const auto is_theirs = [&](const auto& rows) { return pupils_[rows.first].ref == thing.pupil; };
            if (thing.pupil != no_entry && std::ranges::any_of(unread.of_pupils, is_theirs)) return true;
        } else if (of == what::involvement) {
            // Parts are listed in the row of what they are parts of, and named after it.
            for (std::size_t at = key.find('/'); at != std::string_view::npos; at = key.find('/', at + 1))
                if (unread.ids.contains(key.substr(0, at))) return true;
        }
    }
    return false;
}

bool source_reading::may_be_unread(what kind, std::size_t missing) const
{
    const auto unread = unread_.find(kind);
    return unread != unread_.end() && missing <= unread->second.of_anybody;
}

void source_reading::remember(const page& got)
{
    remembered_pages::known_page known;
    known.digest = got.digest;
    remembered_pages::packed_slots::writer slots;
    for (const reported_mark& mark : got.marks) {
        const pupil_no pupil = *pupils_[local(mark.pupil_id)].number;
        const auto slot = slot_of(mark.session, pupil);
        if (!slot) return;
        known.held = mixed(known.held, register_->find_but_digest(mark.session, pupil).entry);
        slots.add(*slot);
    }
    known.slots = slots.written();
    known.rows = static_cast<std::uint32_t>(got.rows);
    known.skipped = static_cast<std::uint32_t>(got.skipped);
    known.data_as_of = got.data_as_of;
    known.newest_day = got.newest_day;
    known.next = {got.place, got.next};
    known.seen_in = read_number_;
    remembered_pages::known_page& to = remembered_->by_place[digest_(got.place)];
    remembered_->slots -= to.slots.size();
    to = remembered_pages::known_page();
    if (remembered_->slots + known.slots.size() > slots_max) return;
    remembered_->slots += known.slots.size();
    to = std::move(known);
}

std::optional<std::size_t> source_reading::local_of(pupil_no pupil)
{
    constexpr auto not_asked = static_cast<std::size_t>(-1);
    if (pupil >= register_->pupils()) return std::nullopt;
    if (local_of_number_.size() < register_->pupils()) local_of_number_.resize(register_->pupils(), not_asked);
    std::size_t& at = local_of_number_[pupil];
    if (at == not_asked) {
        const held_thing* known = std::as_const(held_).things(what::pupil).find_subject(register_->ref_of(pupil));
        if (!known) return std::nullopt;
        at = local(known->key);
    }
    if (pupils_[at].number != pupil) return std::nullopt; // the id is another pupil's by now
    return at;
}

template <class F> bool source_reading::each_slot(const remembered_pages::known_page& known, F&& use)
{
    std::uint32_t slot = 0;
    for (remembered_pages::packed_slots::reader slots(known.slots); slots.next(slot);) {
        const std::uint32_t session = slot >> pupil_bits;
        const session_id at{
            slots_from + std::chrono::days(static_cast<int>(session >> 1)), static_cast<half_day>(session & 1)};
        const pupil_no pupil = slot & ((1u << pupil_bits) - 1);
        const auto here = local_of(pupil);
        if (!here || !use(at, *here, pupil)) return false;
    }
    return true;
}

std::optional<page> source_reading::known(const std::string& place, std::uint64_t digest)
{
    if (!remembered_ || !register_) return std::nullopt;
    const auto found = remembered_->by_place.find(digest_(place));
    if (found == remembered_->by_place.end() || found->second.digest != digest) return std::nullopt;
    const remembered_pages::known_page& known = found->second;
    std::uint64_t held = 0;
    const bool is_so = each_slot(known, [&](session_id at, std::size_t pupil, pupil_no number) {
        const held_mark mark = register_->find_but_digest(at, number);
        held = mixed(held, mark.entry);
        return mark.is_held() && !pupils_[pupil].erased && !is_seen(at, pupil);
    });
    if (!is_so || held != known.held) return std::nullopt;
    page out;
    out.place = place;
    out.again = true;
    out.rows = known.rows;
    out.skipped = known.skipped;
    out.data_as_of = known.data_as_of;
    out.newest_day = known.newest_day;
    out.next = known.next.after(place);
    return out;
}

std::optional<std::string> source_reading::next_of(const std::string& place) const
{
    if (!remembered_) return std::nullopt;
    const auto found = remembered_->by_place.find(digest_(place));
    return found == remembered_->by_place.end() ? std::nullopt : found->second.next.after(place);
}

void source_reading::take_again(const page& got)
{
    remembered_pages::known_page& known = remembered_->by_place.at(digest_(got.place));
    known.seen_in = read_number_;
    each_slot(known, [&](session_id at, std::size_t pupil, pupil_no) {
        see(at, pupil); // the id is as it was then, or not known
        return true;
    });
    statement_row& counts = row(what::session_mark);
    counts.read += static_cast<std::int64_t>(known.slots.size());
    counts.unchanged += static_cast<std::int64_t>(known.slots.size());
}

std::size_t source_reading::local(std::string_view pupil_id)
{
    // Sources list a session's pupils in the same order every time.
    if (const std::size_t next = last_local_ + 1; next < pupils_.size() && pupils_[next].id == pupil_id)
        return last_local_ = next;
    const auto at = pupil_by_id_.find(pupil_id);
    if (at != pupil_by_id_.end()) return last_local_ = at->second;
    local_pupil pupil;
    pupil.id = pupil_id;
    if (const held_thing* known = std::as_const(held_).things(what::pupil).find(source_, pupil_id)) {
        pupil.ref = known->subject;
        pupil.number = held_.register_of(source_).number_of(pupil.ref);
    } else {
        pupil.erased = was_erased(what::pupil, pupil_id);
    }
    pupils_.push_back(std::move(pupil));
    last_local_ = pupils_.size() - 1;
    pupil_by_id_.emplace(std::string(pupil_id), last_local_);
    return last_local_;
}

std::vector<std::uint64_t>& source_reading::seen_on(civil_day day)
{
    if (!seen_bits_ || seen_day_ != day) {
        seen_bits_ = &seen_[day];
        seen_day_ = day;
    }
    return *seen_bits_;
}

bool source_reading::is_seen(session_id session, std::size_t pupil)
{
    const std::vector<std::uint64_t>& bits = seen_on(session.day);
    const std::size_t at = pupil * 2 + static_cast<std::size_t>(session.half);
    return at / 64 < bits.size() && (bits[at / 64] >> at % 64 & 1) != 0;
}

void source_reading::see(session_id session, std::size_t pupil)
{
    std::vector<std::uint64_t>& bits = seen_on(session.day);
    const std::size_t at = pupil * 2 + static_cast<std::size_t>(session.half);
    if (at / 64 >= bits.size()) {
        bits.reserve(std::max(pupils_.size() * 2, at) / 64 + 1);
        bits.resize(at / 64 + 1);
    }
    bits[at / 64] |= std::uint64_t{1} << at % 64;
}

// The mark met first is a change that waits, or by now what is held: of that the ledger tells the id. Years of ids
// would take 10 MB, and a mark that comes twice is rare.
bool source_reading::is_other_mark(const reported_mark& mark, std::size_t pupil, bool is_same) const
{
    const auto waiting = std::find_if(marks_.rbegin(), marks_.rend(), [&](const mark_change& each) {
        return each.pupil == pupil && each.mark.session == mark.session;
    });
    if (waiting != marks_.rend()) return waiting->mark.source_id != mark.source_id;
    if (is_same || !held_.can_read_payloads()) return false;
    const held_mark first = register_->find_but_digest(mark.session, pupils_[pupil].number.value());
    return id_of(first) != mark.source_id;
}

// The source's id of a mark that is held; empty where it has none, or the ledger cannot be asked.
std::string source_reading::id_of(const held_mark& held) const
{
    if (!held_.can_read_payloads()) return {};
    const auto payload = json_document::parse(held_.read_payload(held.entry));
    return payload ? std::string(payload->root()["id"].string_if().value_or("")) : std::string();
}

bool source_reading::same(const reported_mark& mark, const held_mark& held) const
{
    const code_book& codes = register_->codes();
    // The register holds statutory codes as the law writes them; a source may not.
    const std::string_view statutory = codes.statutory(held.code);
    return codes.raw(held.code) == mark.raw &&
           (statutory == mark.statutory || statutory == normalised_code(mark.statutory)) &&
           held.minutes == minutes_byte(mark.minutes_late) &&
           held.digest == mark_digest(digest_, mark.source_id, mark.comment, mark.taken_by, mark.amendment);
}

bool source_reading::was_erased(what kind, std::string_view key) const
{
    return !held_.erased().empty() && held_.erased().contains(digest_(erased_key(kind, source_, key)));
}

void source_reading::take_mark(const reported_mark& mark)
{
    statement_row& counts = rows_by_kind_.find(what::session_mark)->second;
    const std::size_t pupil = local(mark.pupil_id);
    if (pupils_[pupil].erased) return; // the source still has marks of a pupil it no longer lists: not read
    ++counts.read;
    const held_mark none;
    const held_mark& held = pupils_[pupil].number ? register_->find(mark.session, *pupils_[pupil].number) : none;
    const bool is_same = held.is_held() && same(mark, held);

    if (!parked_.empty()) {
        const auto parked = parked_.find({mark.session, pupil});
        if (parked != parked_.end()) {
            // A second row of the session: the one that is held stays, as it is or as it is now.
            parked_mark& first = parked->second;
            const bool is_held = first.is_of_held ? false : is_same || mark.source_id == first.held_id;
            ++counts.duplicate;
            conflicts_.push_back({pupils_[pupil].ref, mark.session, std::string(is_held ? first.mark.raw : mark.raw)});
            if (!is_held) return;
            first.keep(mark, pupils_[pupil].id);
            first.is_of_held = true;
            first.is_same = is_same;
            return;
        }
    }
    if (is_seen(mark.session, pupil)) {
        ++counts.duplicate;
        if (is_other_mark(mark, pupil, is_same))
            conflicts_.push_back({pupils_[pupil].ref, mark.session, std::string(mark.raw)});
        return;
    }
    see(mark.session, pupil);
    if (is_same) {
        ++counts.unchanged;
        return;
    }
    if (held.is_held() && parked_.size() < parked_max) {
        std::string held_id = id_of(held);
        if (!held_id.empty() && !mark.source_id.empty() && held_id != mark.source_id) {
            parked_mark& first = parked_[{mark.session, pupil}];
            first.pupil = pupil;
            first.held_id = std::move(held_id);
            first.keep(mark, pupils_[pupil].id);
            return;
        }
    }
    if (!held.met())
        ++counts.fresh;
    else
        ++counts.changed;
    if (held.gone) ++counts.restored;
    marks_.push_back({mark, pupil, held});
}

// Whose a record is stands beside its fields, and may be corrected alone.
bool source_reading::is_of_pupil(const held_thing& known, const reported_record& record)
{
    if (record.kind == what::pupil) return true;
    return known.pupil == (record.pupil_id.empty() ? no_entry : pupils_[local(record.pupil_id)].ref);
}

void source_reading::take_record(const reported_record& record)
{
    statement_row& counts = row(record.kind);
    held_things& things = held_.things(record.kind);
    held_thing* known = things.find(source_, record.source_id);
    if (record.kind == what::pupil) {
        // Listed again: a new pupil to us, whose marks are read.
        if (!known) pupils_[local(record.pupil_id)].erased = false;
    } else if (!known && (was_erased(record.kind, record.source_id) ||
                          (!record.pupil_id.empty() && pupils_[local(record.pupil_id)].erased))) {
        return;
    }
    ++counts.read;
    if (!known) {
        std::string key;
        key.append(name_of(record.kind)).append(1, '/').append(record.source_id);
        if (!seen_new_.insert(std::move(key)).second) {
            ++counts.duplicate;
            return;
        }
        ++counts.fresh;
    } else {
        if (known->is_seen) {
            ++counts.duplicate;
            return;
        }
        known->is_seen = true;
        if (!known->gone && is_of_pupil(*known, record) && known->digest == digest_(seal_.compared(record))) {
            ++counts.unchanged;
            return;
        }
        ++counts.changed;
        if (known->gone) ++counts.restored;
    }
    if (record.kind == what::pupil) {
        pupils_changed_ = true;
        if (known) watch_identity(*known, record);
    }
    records_.push_back(record);
}

void source_reading::parked_mark::keep(const reported_mark& from, std::string_view pupil_id)
{
    mark = from;
    mark.pupil_id = pupil_id;
    storage.clear();
    const auto texts = {&mark.source_id, &mark.raw, &mark.statutory, &mark.comment, &mark.taken_by, &mark.amendment};
    std::size_t size = 0;
    for (const std::string_view* text : texts)
        size += text->size();
    storage.reserve(size);
    for (std::string_view* text : texts) {
        const std::size_t start = storage.size();
        storage.append(*text);
        *text = std::string_view(storage).substr(start, text->size());
    }
}

// A row of another id than the one that is held is taken only when that one did not come.
void source_reading::settle_parked()
{
    statement_row& counts = row(what::session_mark);
    for (auto& [slot, parked] : parked_) {
        if (parked.is_of_held && parked.is_same) {
            ++counts.unchanged;
            continue;
        }
        ++counts.changed;
        const held_mark& held = held_.find_register(source_)->find(parked.mark.session, *pupils_[parked.pupil].number);
        marks_.push_back({parked.mark, parked.pupil, held});
    }
    settled_.merge(parked_);
    parked_.clear();
}

result<void> source_reading::end_stream(const retirement_limit& limit, missing_means missing)
{
    if (remembered_)
        std::erase_if(remembered_->by_place, [&](const auto& known) {
            if (known.second.seen_in == read_number_) return false;
            remembered_->slots -= known.second.slots.size();
            return true;
        });
    const bool makes_marks =
        std::find(stream_->makes.begin(), stream_->makes.end(), what::session_mark) != stream_->makes.end();
    if (makes_marks) {
        settle_parked();
        marks_read_from_ = from_;
    }
    if (const result<void> retired = retire_named(limit); !retired) return retired;
    for (const what kind : stream_->makes) {
        scope looked_at{from_, rows_, stream_->lists_all ? missing : missing_means::nothing, 0, {}};
        if (const auto shared = shared_.find(kind); shared != shared_.end()) {
            scope& all = shared->second;
            all.from = std::max(all.from, from_); // an empty one is the earliest
            all.rows += rows_;
            all.missing = std::min(all.missing, looked_at.missing);
            if (emptied()) all.emptied = stream_->name;
            if (--all.streams_left > 0) continue; // what is missing here may stand in another list
            looked_at = all;
        }
        if (looked_at.missing == missing_means::nothing) continue;
        const result<void> retired =
            kind == what::session_mark ? retire_marks(limit, looked_at) : retire_things(kind, limit, looked_at);
        if (!retired) return retired;
    }
    return {};
}

bool source_reading::emptied() const
{
    return rows_ == 0 && std::ranges::any_of(windows_, [&](const stream_state::window& before) {
               return before.listed && (!from_ || (before.from && *before.from >= *from_));
           });
}

namespace {

failure too_many(
    const std::string& source,
    what kind,
    std::size_t missing,
    std::size_t held,
    missing_means means = missing_means::vanished,
    const std::string& emptied = {}
)
{
    const bool asked_otherwise = means == missing_means::out_of_scope;
    return failure(
        errc::mass_change,
        fmt::format(
            "{}: {} of {} {} records held are missing from the answer{}{}; none was retired",
            source,
            missing,
            held,
            name_of(kind),
            asked_otherwise ? " now that the source is asked otherwise than before" : "",
            emptied.empty() ? "" : ", and the list " + emptied + " is empty, which it was not"
        ),
        fmt::format(
            "{} rollbook poll --allow-vanished {}",
            asked_otherwise ? "Look at the source's settings and permissions first. If less is to be read from now on:"
                            : "Look at the source first. If they are really gone:",
            source
        )
    );
}

bool passes(const retirement_limit& limit, std::size_t missing, std::size_t held, bool empty)
{
    if (limit.lifted || missing == 0) return false;
    if (empty) return true;
    return missing * 100 > held * static_cast<std::size_t>(limit.percent) &&
           missing > static_cast<std::size_t>(limit.at_least);
}

} // namespace

result<void> source_reading::retire_marks(const retirement_limit& limit, const scope& of)
{
    const attendance_register* held = held_.find_register(source_);
    const auto extent = held ? held->extent() : std::nullopt;
    if (!extent) return {};
    day_range days = *extent;
    if (of.from) days.first = std::max(days.first, *of.from);

    // The register's numbers against this read's own.
    std::vector<std::size_t> local_of(held->pupils(), pupils_.size());
    for (std::size_t i = 0; i < pupils_.size(); ++i)
        if (pupils_[i].number) local_of[*pupils_[i].number] = i;

    std::vector<mark_version> missing;
    std::size_t in_window = 0;
    held->for_each_mark(days, [&](session_id session, pupil_no number, const held_mark& mark) {
        ++in_window;
        if (mark.entry == held_mark::nothing) return;
        const std::size_t pupil = local_of[number];
        if (pupil < pupils_.size() && (is_seen(session, pupil) || may_be_unread(pupil, session))) return;
        mark_version gone;
        gone.session = session;
        gone.pupil = held->ref_of(number);
        gone.source = source_;
        gone.replaces = mark.entry;
        if (of.missing == missing_means::out_of_scope) gone.digest = held_mark::out_of_scope_digest;
        missing.push_back(std::move(gone));
    });
    if (passes(limit, missing.size(), in_window, of.rows == 0 || !of.emptied.empty()))
        return too_many(source_, what::session_mark, missing.size(), in_window, of.missing, of.emptied);
    if (may_be_unread(what::session_mark, missing.size())) missing.clear();
    statement_row& counts = row(what::session_mark);
    (of.missing == missing_means::vanished ? counts.vanished : counts.out_of_scope) +=
        static_cast<std::int64_t>(missing.size());
    counts.outside_window += static_cast<std::int64_t>(held->held() - in_window);
    gone_marks_ = std::move(missing);
    return {};
}

result<void> source_reading::retire_things(what kind, const retirement_limit& limit, const scope& of)
{
    std::set<entry_index> named; // what the source itself has just named as gone does not go twice
    for (const gone_thing& each : gone_things_)
        if (each.kind == kind) named.insert(each.subject);
    std::vector<std::pair<what, entry_index>> missing;
    std::size_t in_scope = 0;
    std::size_t expected = 0; // pupils who left
    std::int64_t outside = 0;
    for (const held_thing& thing : held_.things(kind).all()) {
        if (thing.gone || thing.source != source_ || thing.digest == unlisted_digest_) continue;
        if (of.from && (!thing.day || *thing.day < *of.from)) {
            ++outside;
            continue;
        }
        if (named.contains(thing.subject)) continue;
        ++in_scope;
        if (thing.is_seen || seen_new_.contains(std::string(name_of(kind)) + "/" + thing.key)) continue;
        if (may_be_unread(kind, thing)) continue;
        missing.emplace_back(kind, thing.subject);
        expected += has_left(kind, thing.subject) ? 1 : 0;
    }
    const bool is_empty = of.rows == 0 || !of.emptied.empty();
    const std::size_t unexpected = missing.size() - (is_empty ? 0 : expected);
    if (passes(limit, unexpected, in_scope, is_empty))
        return too_many(source_, kind, unexpected, in_scope, of.missing, of.emptied);
    statement_row& counts = row(kind);
    counts.outside_window += outside;
    if (may_be_unread(kind, unexpected))
        std::erase_if(missing, [&](const auto& each) { return !has_left(each.first, each.second); });
    pupils_changed_ = pupils_changed_ || (kind == what::pupil && !missing.empty());
    for (const auto& [gone_kind, subject] : missing) {
        const std::string_view word = way_of_going(gone_kind, subject, of.missing);
        ++(word == out_of_scope ? counts.out_of_scope : counts.vanished);
        counts.leavers += word == "leaver" ? 1 : 0;
        gone_things_.push_back({gone_kind, subject, word});
    }
    return {};
}

std::string_view source_reading::way_of_going(what kind, entry_index subject, missing_means missing) const
{
    if (has_left(kind, subject)) return "leaver";
    return missing == missing_means::out_of_scope ? out_of_scope : "vanished";
}

// Whether the pupil's last record gave a last day on roll that has come.
bool source_reading::has_left(what kind, entry_index subject) const
{
    const held_thing* pupil = std::as_const(held_).things(kind).find_subject(subject);
    if (kind != what::pupil || !pupil) return false;
    const auto parsed = json_document::parse(pupil->payload);
    if (!parsed) return false;
    const auto last = parse_day(parsed->root()["fields"]["on_roll_to"].string_if().value_or(""));
    return last && last->time_since_epoch() <= started_.time_since_epoch();
}

void source_reading::watch_identity(const held_thing& known, const reported_record& record)
{
    const auto before = json_document::parse(known.payload);
    const auto after = json_document::parse(record.fields);
    if (!before || !after) return;
    const auto is_other = [&](std::string_view field) {
        const auto was = before->root()["fields"][field].string_if();
        const auto is = after->root()[field].string_if();
        return was && is && *was != *is;
    };
    const auto is_same = [&](std::string_view field) {
        const auto was = before->root()["fields"][field].string_if();
        return was && was == after->root()[field].string_if();
    };
    if (is_other("date_of_birth") && is_other("surname") && is_other("forename") && !is_same("upn"))
        identity_events_.push_back({known.subject, known.entry, no_entry});
}

entry_index source_reading::watch_merge(const held_thing& gone)
{
    const auto last = json_document::parse(gone.payload);
    const auto upn = last ? last->root()["fields"]["upn"].string_if() : std::nullopt;
    if (!upn || upn->empty()) return no_entry;
    const auto who = person_facts_of(gone.subject, gone.payload);
    for (const held_thing& other : std::as_const(held_).things(what::pupil).all()) {
        if (other.gone || other.source != source_ || other.subject == gone.subject) continue;
        const auto parsed = json_document::parse(other.payload);
        if (!parsed) continue;
        const json_view fields = parsed->root()["fields"];
        if (fields["upn"].string_if() != upn && fields["former_upn"].string_if() != upn) continue;
        // A UPN may be mistyped: twins of whom one leaves stay two.
        const auto is = person_facts_of(other.subject, other.payload);
        if (who && is && are_two(score_match(*who, *is))) continue;
        identity_events_.push_back({gone.subject, gone.entry, other.subject});
        return other.subject;
    }
    return no_entry;
}

// A record that is named as gone and was read in the same stream all the same is there: it came back. One we never had
// is nothing to us.
result<void> source_reading::retire_named(const retirement_limit& limit)
{
    std::map<what, std::set<entry_index>> named;
    for (const gone_record& gone : named_gone_) {
        const held_thing* thing = std::as_const(held_).things(gone.kind).find(source_, gone.source_id);
        if (thing && !thing->gone && !thing->is_seen && !may_be_unread(gone.kind, *thing))
            named[gone.kind].insert(thing->subject);
    }
    for (const auto& [kind, subjects] : named) {
        std::size_t held = 0;
        for (const held_thing& thing : std::as_const(held_).things(kind).all())
            held += !thing.gone && thing.source == source_ ? 1 : 0;
        if (passes(limit, subjects.size(), held, false)) return too_many(source_, kind, subjects.size(), held);
    }
    for (const auto& [kind, subjects] : named) {
        row(kind).vanished += static_cast<std::int64_t>(subjects.size());
        row(kind).tombstoned += static_cast<std::int64_t>(subjects.size());
        pupils_changed_ = pupils_changed_ || kind == what::pupil;
        for (const entry_index subject : subjects)
            gone_things_.push_back({kind, subject, "tombstoned"});
    }
    return {};
}

learned source_reading::when(std::optional<civil_day> day) const
{
    learned known;
    known.by = started_;
    known.backfill = windows_.empty();
    // The newest earlier read whose window held the day.
    for (const stream_state::window& window : windows_)
        if (!window.from || (day && *window.from <= *day))
            known.after = std::max(known.after.value_or(window.read_at), window.read_at);
    return known;
}

entry_index source_reading::ref_of(std::size_t pupil, transaction& t, entry_index base)
{
    local_pupil& known = pupils_[pupil];
    if (known.ref != no_entry) return known.ref;
    // In the marks but not in the pupil list: a leaver, or a permission that is missing. Kept, and filled in when
    // listed.
    known.ref = base + t.entries.size();
    thing_version row;
    row.kind = what::pupil;
    row.source = source_;
    row.key = known.id;
    row.pupil = known.ref;
    row.digest = unlisted_digest_;
    t.entries.push_back(record_entry(reported_record(what::pupil, known.id, known.id, "{}"), std::move(row), when({})));
    pupils_changed_ = true;
    return known.ref;
}

void source_reading::drain(transaction& t, entry_index base)
{
    t.entries.reserve(t.entries.size() + changes());
    for (const reported_record& record : records_) {
        const held_thing* known = std::as_const(held_).things(record.kind).find(source_, record.source_id);
        thing_version row;
        row.kind = record.kind;
        row.source = source_;
        row.key = record.source_id;
        row.digest = digest_(seal_.compared(record));
        if (known) {
            row.subject = known->subject;
            row.replaces = known->entry;
        }
        if (record.kind == what::pupil) {
            const std::size_t pupil = local(record.pupil_id);
            if (pupils_[pupil].ref == no_entry) pupils_[pupil].ref = base + t.entries.size();
            row.pupil = pupils_[pupil].ref;
            // A pupil that marks of this same drain brought in is a version of that one.
            if (!known && row.pupil != base + t.entries.size()) {
                row.subject = row.pupil;
                row.replaces = row.pupil;
            }
        } else if (!record.pupil_id.empty()) {
            row.pupil = ref_of(local(record.pupil_id), t, base);
        }
        touched_records_.insert(row.subject == no_entry ? base + t.entries.size() : row.subject);
        if (record.kind != what::pupil && row.pupil != no_entry) touched_.insert(row.pupil);
        if (record.kind != what::pupil && known && known->pupil != row.pupil) note_moved(known->pupil);
        const reported_record told(record.kind, record.source_id, record.pupil_id, seal_.stored(record));
        t.entries.push_back(record_entry(told, std::move(row), when(std::nullopt)));
    }
    for (const mark_change& change : marks_) {
        mark_version row;
        row.session = change.mark.session;
        row.pupil = ref_of(change.pupil, t, base);
        row.source = source_;
        row.raw = change.mark.raw;
        row.statutory = normalised_code(change.mark.statutory);
        row.minutes = change.mark.minutes_late;
        row.digest = mark_digest(
            digest_, change.mark.source_id, change.mark.comment, change.mark.taken_by, change.mark.amendment
        );
        if (change.before.met()) row.replaces = change.before.entry;
        if (!std::exchange(pupils_[change.pupil].touched, true)) touched_.insert(row.pupil);
        touched_sessions_.insert(row.session);
        const std::string_view was =
            change.before.is_held() ? register_->codes().raw(change.before.code) : std::string_view();
        if (was != row.raw && change.before.is_held())
            amendments_.push_back({row.pupil, row.session, std::string(was), change.before.entry});
        t.entries.push_back(mark_entry(change.mark, std::move(row), when(change.mark.session.day)));
    }
    for (const mark_version& gone : gone_marks_) {
        touched_.insert(gone.pupil);
        touched_sessions_.insert(gone.session);
        const bool is_vanished = gone.digest != held_mark::out_of_scope_digest;
        t.entries.push_back(mark_gone_entry(gone, when(gone.session.day), is_vanished ? "vanished" : out_of_scope));
    }
    for (const auto& [kind, subject, word] : gone_things_) {
        const held_thing* thing = std::as_const(held_).things(kind).find_subject(subject);
        thing_version row;
        row.kind = kind;
        row.subject = subject;
        row.pupil = thing->pupil;
        row.source = source_;
        row.key = thing->key;
        row.replaces = thing->entry;
        touched_records_.insert(subject);
        if (kind != what::pupil && row.pupil != no_entry) touched_.insert(row.pupil);
        const entry_index left =
            kind == what::pupil && word != out_of_scope ? watch_merge(*thing) : entry_index{no_entry};
        t.entries.push_back(
            record_gone_entry(std::move(row), when(std::nullopt), left == no_entry ? word : merged, left)
        );
    }
    std::move(rejected_.begin(), rejected_.end(), std::back_inserter(t.quarantined));
    marks_.clear();
    settled_.clear();
    records_.clear();
    gone_marks_.clear();
    gone_things_.clear();
    rejected_.clear();
    seen_new_.clear();
}

// What was written down of the wrong pupil is corrected under its id: it is no longer anything of that pupil.
void source_reading::note_moved(entry_index earlier)
{
    records_moved_ = true;
    if (earlier == no_entry) return;
    touched_.insert(earlier);
    touched_cases_.insert(earlier);
}

// An incident that changed concerns everybody who had a part in it.
void source_reading::note_case(const thing_version& changed, entry_index index)
{
    const entry_index subject = changed.subject == no_entry ? index : changed.subject;
    if (changed.kind == what::involvement || changed.kind == what::suspension) touched_cases_.insert(changed.pupil);
    // A lesson that was attended, as nearly every one is, changes no measure.
    if (changed.kind == what::lesson_mark && held_.cases().has_lesson(subject)) touched_cases_.insert(changed.pupil);
    if (changed.kind != what::incident) return;
    const case_facts& cases = held_.cases();
    const case_record* record = cases.find_record(subject);
    if (record == nullptr) return;
    cases.for_each_part(*record, [&](const case_part& part) { touched_cases_.insert(part.pupil); });
}

void source_reading::apply(const transaction& t, entry_index base)
{
    for (std::size_t i = 0; i < t.entries.size(); ++i) {
        const draft& d = t.entries[i];
        const auto* changed = std::get_if<thing_version>(&d.row);
        const case_part* part =
            changed && changed->kind == what::involvement ? held_.cases().find_part(changed->subject) : nullptr;
        const std::uint32_t was_in = part ? part->record : case_part::nothing;
        held_.apply(base + i, d.row, d.payload);
        if (part && part->record != was_in) note_moved(part->pupil);
        if (!changed) continue;
        note_case(*changed, base + i);
        if (changed->source != source_ || changed->gone) continue;
        // A pupil known only from marks was not seen: the list of pupils may still name them in this read.
        if (changed->kind == what::pupil && changed->digest == unlisted_digest_) continue;
        if (held_thing* now = held_.things(changed->kind).find(source_, changed->key)) now->is_seen = true;
    }
    for (local_pupil& pupil : pupils_)
        if (pupil.ref != no_entry && !pupil.number) pupil.number = held_.register_of(source_).number_of(pupil.ref);
}

bool source_reading::has_vanished(what kind) const
{
    const auto counted = rows_by_kind_.find(kind);
    return counted != rows_by_kind_.end() && counted->second.vanished > counted->second.tombstoned;
}

std::vector<statement_row>
source_reading::statement(const connector& from, const std::map<what, std::string_view>& not_read) const
{
    std::vector<statement_row> rows;
    std::map<what, statement_row> counted = rows_by_kind_;
    for (const auto& [kind, word] : not_read) {
        statement_row& row = counted[kind];
        row.at = started_;
        row.source = source_;
        row.record = kind;
        row.not_read = word;
    }
    for (auto& [kind, row] : counted) {
        if (kind == what::session_mark) {
            const attendance_register* held = held_.find_register(source_);
            row.held = held ? static_cast<std::int64_t>(held->held()) : 0;
        } else {
            for (const held_thing& thing : std::as_const(held_).things(kind).all())
                row.held += !thing.gone && thing.source == source_ && thing.digest != unlisted_digest_ ? 1 : 0;
        }
        if (row.not_read == not_read_switched_off && row.held == 0) continue;
        row.source_total = from.total(kind);
        row.balanced = row.not_read.empty() && row.adds_up() && (!row.source_total || *row.source_total == row.held);
        rows.push_back(std::move(row));
    }
    return rows;
}

} // namespace rollbook
