#include "daemon/domain/case_facts.hpp"

#include "daemon/base/json.hpp"
#include "daemon/domain/attendance_code.hpp"
#include "daemon/domain/held.hpp"

#include <algorithm>

namespace rollbook {
namespace {

static_assert(sizeof(case_record) <= 40); // six years of a school have sixty thousand

std::string waiting_key(std::string_view source, what kind, std::string_view id)
{
    std::string key(source);
    key.append(1, '\0').append(name_of(kind)).append(1, '\0').append(id);
    return key;
}

std::size_t record_hash(text_id source, what kind, std::string_view id)
{
    return std::hash<std::string_view>()(id) + source * 31u + static_cast<std::size_t>(kind);
}

entry_index subject_of(entry_index index, const thing_version& version)
{
    return version.subject == no_entry ? index : version.subject;
}

// The place in `all` of what began with the entry `subject`; of a new one at its end when nothing did yet.
template <class T> std::uint32_t place_in(long_list<T>& all, rising_index& known, entry_index subject)
{
    if (const auto at = known.find(subject, [&](std::uint32_t place) { return all[place].subject; })) return *at;
    all.emplace_back().subject = subject;
    known.add(subject);
    return static_cast<std::uint32_t>(all.size() - 1);
}

std::string_view text_or_empty(json_view value)
{
    return value.string_if().value_or(std::string_view());
}

std::int16_t small(json_view value, std::int16_t otherwise)
{
    const auto number = value.int_if();
    return number ? static_cast<std::int16_t>(std::clamp<std::int64_t>(*number, -32'768, 32'767)) : otherwise;
}

// "10:40" or the time of "2026-11-02T10:40:00".
std::int16_t minute_of(std::string_view text)
{
    if (const std::size_t t = text.find('T'); t != std::string_view::npos) text.remove_prefix(t + 1);
    const auto digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9' ? text[at] - '0' : -1; };
    if (text.size() < 5 || text[2] != ':') return -1;
    for (const std::size_t at : {0u, 1u, 3u, 4u})
        if (digit(at) < 0) return -1;
    const int minute = (digit(0) * 10 + digit(1)) * 60 + digit(3) * 10 + digit(4);
    return minute < 24 * 60 ? static_cast<std::int16_t>(minute) : std::int16_t{-1};
}

// A text member of canonical JSON, in which a quote inside a text is escaped, so that no text can look like one. There
// are a million lesson marks a year: reading each as JSON would take seconds.
std::string_view member_in(std::string_view payload, std::string_view name_and_quote)
{
    const std::size_t at = payload.find(name_and_quote);
    if (at == std::string_view::npos) return {};
    payload.remove_prefix(at + name_and_quote.size());
    return payload.substr(0, payload.find('"'));
}

std::span<const std::uint32_t>
found_in(const std::unordered_map<entry_index, std::vector<std::uint32_t>>& all, entry_index pupil)
{
    const auto at = all.find(pupil);
    return at == all.end() ? std::span<const std::uint32_t>() : std::span<const std::uint32_t>(at->second);
}

// Lists `place` with the pupil of its newest version: a school that wrote something down of the wrong child corrects it
// under the same id. `before`: the pupil it is listed with, no_entry where it is new.
void list_with(
    std::unordered_map<entry_index, std::vector<std::uint32_t>>& all,
    std::uint32_t place,
    entry_index before,
    entry_index pupil
)
{
    if (before == pupil) return;
    if (before != no_entry) std::erase(all[before], place);
    all[pupil].push_back(place);
}

} // namespace

void case_facts::apply(entry_index index, const thing_version& version, std::string_view payload, compact_text key)
{
    switch (version.kind) {
    case what::incident:
    case what::concern: return apply_record(index, version, payload, key);
    case what::involvement: return apply_part(index, version, payload);
    case what::suspension: return apply_suspension(index, version, payload);
    case what::lesson_mark: return apply_lesson(index, version, payload);
    default: return;
    }
}

void case_facts::apply_record(
    entry_index index, const thing_version& version, std::string_view payload, compact_text key
)
{
    const std::uint32_t place = place_in(records_, records_by_subject_, subject_of(index, version));
    case_record& record = records_[place];
    record.entry = index;
    case_description told = record.is ? *record.is : case_description();
    told.kind = version.kind;
    told.source = texts_->intern(version.source);
    record.is = &*descriptions_.insert(told).first;
    if (record.id != version.key) record.id = key.empty() ? ids_->add(version.key) : key;
    record.gone = version.gone;
    records_by_id_.put(record_hash(told.source, told.kind, record.id), place, [&](std::uint32_t other) {
        const case_record& each = records_[other];
        return each.is->source == told.source && each.is->kind == told.kind && each.id == record.id;
    });
    if (const auto waited = waiting_.find(waiting_key(version.source, version.kind, version.key));
        waited != waiting_.end()) {
        for (const std::uint32_t part : waited->second)
            join(place, part);
        waiting_.erase(waited);
    }
    const auto parsed = json_document::parse(std::string(payload));
    if (!parsed) return;
    const json_view fields = parsed->root()["fields"];
    if (!fields.is_object()) return;
    const std::string_view when =
        version.kind == what::concern ? text_or_empty(fields["incident_at"]) : text_or_empty(fields["day"]);
    record.day = parse_day(when.substr(0, 10));
    record.minute = minute_of(version.kind == what::concern ? when : text_or_empty(fields["time"]));
    told.points = small(fields["points"], 0);
    told.is_achievement = text_or_empty(fields["nature"]) == "achievement";
    const std::string_view type =
        version.kind == what::concern ? text_or_empty(fields["categories"].at(0)) : text_or_empty(fields["type"]);
    told.type = texts_->intern(type);
    told.subtype = texts_->intern(text_or_empty(fields["subcategory"]));
    told.action = texts_->intern(text_or_empty(fields["action"]));
    told.location = texts_->intern(text_or_empty(fields["location"]));
    told.parents_told = texts_->intern(text_or_empty(fields["parents_told"]));
    record.is = &*descriptions_.insert(told).first;
    case_record::more_of more;
    for (std::size_t i = 1; version.kind == what::concern && i < fields["categories"].size() && i < 256; ++i)
        more.types.push_back(texts_->intern(text_or_empty(fields["categories"].at(i))));
    fields["external_ids"].for_each_element([&](json_view id) {
        more.elsewhere.push_back(texts_->intern(text_or_empty(id)));
    });
    record.more = std::move(more);
}

void case_facts::apply_part(entry_index index, const thing_version& version, std::string_view payload)
{
    const std::uint32_t place = place_in(parts_, parts_by_subject_, subject_of(index, version));
    case_part& part = parts_[place];
    const bool is_new = part.entry == no_entry;
    list_with(parts_of_, place, is_new ? no_entry : part.pupil, version.pupil);
    part.entry = index;
    part.pupil = version.pupil;
    part.gone = version.gone;
    const auto parsed = json_document::parse(std::string(payload));
    if (!parsed) return;
    const json_view fields = parsed->root()["fields"];
    if (!fields.is_object()) return;
    part.points = small(fields["points"], 0);
    part.role = texts_->intern(text_or_empty(fields["role"]));
    const what of = text_or_empty(fields["of"]) == "concern" ? what::concern : what::incident;
    const std::string_view id = text_or_empty(fields["record"]);
    const auto known = find_record(texts_->intern(version.source), of, id);
    if (known && *known == part.record) return;
    if (part.record != case_part::nothing)
        leave(place);
    else if (!is_new)
        for (auto& [key, parts] : waiting_)
            std::erase(parts, place);
    if (known)
        join(*known, place);
    else
        waiting_[waiting_key(version.source, of, id)].push_back(place);
}

void case_facts::join(std::uint32_t record, std::uint32_t part)
{
    // Few took part in an incident: the last of them is looked for.
    std::uint32_t* last = &records_[record].first_part;
    while (*last != case_part::nothing)
        last = &parts_[*last].next;
    *last = part;
    parts_[part].record = record;
}

void case_facts::leave(std::uint32_t part)
{
    std::uint32_t* at = &records_[parts_[part].record].first_part;
    while (*at != part)
        at = &parts_[*at].next;
    *at = parts_[part].next;
    parts_[part].next = case_part::nothing;
    parts_[part].record = case_part::nothing;
}

void case_facts::apply_suspension(entry_index index, const thing_version& version, std::string_view payload)
{
    const std::uint32_t place = place_in(suspensions_, suspensions_by_subject_, subject_of(index, version));
    suspension_fact& fact = suspensions_[place];
    list_with(suspensions_of_, place, fact.entry == no_entry ? no_entry : fact.pupil, version.pupil);
    fact.entry = index;
    fact.pupil = version.pupil;
    fact.source = texts_->intern(version.source);
    fact.gone = version.gone;
    const auto parsed = json_document::parse(std::string(payload));
    if (!parsed) return;
    const json_view fields = parsed->root()["fields"];
    if (!fields.is_object()) return;
    fact.from = parse_day(text_or_empty(fields["from"]));
    const auto from_half = parse_half_day(text_or_empty(fields["from_session"]));
    fact.is_from_half_given = from_half.has_value();
    fact.from_half = from_half.value_or(half_day::am);
    fact.to = parse_day(text_or_empty(fields["to"]));
    fact.to_half = parse_half_day(text_or_empty(fields["to_session"])).value_or(half_day::pm);
    fact.sessions = small(fields["sessions"], -1);
    fact.kind = texts_->intern(text_or_empty(fields["kind"]));
    fact.kind_code = texts_->intern(text_or_empty(fields["kind_code"]));
    fact.reason = texts_->intern(text_or_empty(fields["reason"]));
}

void case_facts::apply_lesson(entry_index index, const thing_version& version, std::string_view payload)
{
    const auto day = version.gone ? std::nullopt : parse_day(member_in(payload, R"("day":")"));
    const statutory_code* row = day ? find_statutory_code(member_in(payload, R"("statutory":")"), *day) : nullptr;
    const bool stands = row && row->klass == code_class::unauthorised && !row->late;
    const entry_index subject = subject_of(index, version);
    const bool is_known = has_lesson(subject);
    if (!is_known && !stands) return;
    const std::uint32_t place = place_in(lessons_, lessons_by_subject_, subject);
    lesson_absence& lesson = lessons_[place];
    list_with(lessons_of_, place, is_known ? lesson.pupil : no_entry, version.pupil);
    lesson.entry = index;
    lesson.pupil = version.pupil;
    lesson.stands = stands;
    if (day) lesson.day = *day;
}

const case_record* case_facts::find_record(entry_index subject) const
{
    const auto at = records_by_subject_.find(subject, [&](std::uint32_t place) { return records_[place].subject; });
    return at ? &records_[*at] : nullptr;
}

const case_part* case_facts::find_part(entry_index subject) const
{
    const auto at = parts_by_subject_.find(subject, [&](std::uint32_t place) { return parts_[place].subject; });
    return at ? &parts_[*at] : nullptr;
}

std::optional<std::uint32_t> case_facts::find_record(text_id source, what kind, std::string_view id) const
{
    return records_by_id_.find(record_hash(source, kind, id), [&](std::uint32_t place) {
        const case_record& each = records_[place];
        return each.is->source == source && each.is->kind == kind && each.id == id;
    });
}

std::span<const std::uint32_t> case_facts::parts_of(entry_index pupil) const
{
    return found_in(parts_of_, pupil);
}

std::span<const std::uint32_t> case_facts::suspensions_of(entry_index pupil) const
{
    return found_in(suspensions_of_, pupil);
}

bool case_facts::has_lesson(entry_index subject) const
{
    const auto subject_at = [&](std::uint32_t place) { return lessons_[place].subject; };
    return lessons_by_subject_.find(subject, subject_at).has_value();
}

std::span<const std::uint32_t> case_facts::lessons_of(entry_index pupil) const
{
    return found_in(lessons_of_, pupil);
}

} // namespace rollbook
