#include "daemon/domain/case_facts.hpp"

#include "daemon/base/json.hpp"
#include "daemon/domain/held.hpp"

#include <algorithm>

namespace rollbook {
namespace {

std::string record_key(std::string_view source, what kind, std::string_view id)
{
    std::string key(source);
    key.append(1, '\0').append(name_of(kind)).append(1, '\0').append(id);
    return key;
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

std::span<const std::uint32_t>
found_in(const std::unordered_map<entry_index, std::vector<std::uint32_t>>& all, entry_index pupil)
{
    const auto at = all.find(pupil);
    return at == all.end() ? std::span<const std::uint32_t>() : std::span<const std::uint32_t>(at->second);
}

} // namespace

void case_facts::apply(entry_index index, const thing_version& version, std::string_view payload)
{
    switch (version.kind) {
    case what::incident:
    case what::concern: return apply_record(index, version, payload);
    case what::involvement: return apply_part(index, version, payload);
    case what::suspension: return apply_suspension(index, version, payload);
    default: return;
    }
}

void case_facts::apply_record(entry_index index, const thing_version& version, std::string_view payload)
{
    const entry_index subject = version.subject == no_entry ? index : version.subject;
    const auto [at, is_new] = place_of_.try_emplace(subject, static_cast<std::uint32_t>(records_.size()));
    if (is_new) records_.emplace_back();
    case_record& record = records_[at->second];
    record.subject = subject;
    record.entry = index;
    record.kind = version.kind;
    record.source = texts_->intern(version.source);
    record.gone = version.gone;
    const std::string key = record_key(version.source, version.kind, version.key);
    record_by_key_[key] = at->second;
    if (const auto waited = waiting_.find(key); waited != waiting_.end()) {
        for (const std::uint32_t part : waited->second)
            parts_[part].record = at->second;
        record.parts = std::move(waited->second);
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
    record.points = small(fields["points"], 0);
    record.is_achievement = text_or_empty(fields["nature"]) == "achievement";
    const std::string_view type =
        version.kind == what::concern ? text_or_empty(fields["categories"].at(0)) : text_or_empty(fields["type"]);
    record.type = texts_->intern(type);
    record.subtype = texts_->intern(text_or_empty(fields["subcategory"]));
    record.action = texts_->intern(text_or_empty(fields["action"]));
    record.more_types.clear();
    for (std::size_t i = 1; version.kind == what::concern && i < fields["categories"].size(); ++i)
        record.more_types.push_back(texts_->intern(text_or_empty(fields["categories"].at(i))));
    record.location = texts_->intern(text_or_empty(fields["location"]));
    record.status = texts_->intern(text_or_empty(fields["status"]));
    record.parents_told = texts_->intern(text_or_empty(fields["parents_told"]));
    record.elsewhere.clear();
    fields["external_ids"].for_each_element([&](json_view id) {
        record.elsewhere.push_back(texts_->intern(text_or_empty(id)));
    });
}

void case_facts::apply_part(entry_index index, const thing_version& version, std::string_view payload)
{
    const entry_index subject = version.subject == no_entry ? index : version.subject;
    const auto [at, is_new] = place_of_.try_emplace(subject, static_cast<std::uint32_t>(parts_.size()));
    if (is_new) {
        parts_.emplace_back();
        parts_of_[version.pupil].push_back(at->second);
    }
    case_part& part = parts_[at->second];
    part.subject = subject;
    part.entry = index;
    part.pupil = version.pupil;
    part.gone = version.gone;
    const auto parsed = json_document::parse(std::string(payload));
    if (!parsed) return;
    const json_view fields = parsed->root()["fields"];
    if (!fields.is_object()) return;
    part.points = small(fields["points"], 0);
    part.role = texts_->intern(text_or_empty(fields["role"]));
    if (part.record != case_part::nothing) return;
    const what of = text_or_empty(fields["of"]) == "concern" ? what::concern : what::incident;
    const std::string key = record_key(version.source, of, text_or_empty(fields["record"]));
    if (const auto known = record_by_key_.find(key); known != record_by_key_.end()) {
        part.record = known->second;
        records_[known->second].parts.push_back(at->second);
    } else if (is_new) {
        waiting_[key].push_back(at->second);
    }
}

void case_facts::apply_suspension(entry_index index, const thing_version& version, std::string_view payload)
{
    const entry_index subject = version.subject == no_entry ? index : version.subject;
    const auto [at, is_new] = place_of_.try_emplace(subject, static_cast<std::uint32_t>(suspensions_.size()));
    if (is_new) {
        suspensions_.emplace_back();
        suspensions_of_[version.pupil].push_back(at->second);
    }
    suspension_fact& fact = suspensions_[at->second];
    fact.subject = subject;
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

const case_record* case_facts::find_record(entry_index subject) const
{
    const auto at = place_of_.find(subject);
    if (at == place_of_.end() || at->second >= records_.size()) return nullptr;
    const case_record& record = records_[at->second];
    return record.subject == subject ? &record : nullptr;
}

std::span<const std::uint32_t> case_facts::parts_of(entry_index pupil) const
{
    return found_in(parts_of_, pupil);
}

std::span<const std::uint32_t> case_facts::suspensions_of(entry_index pupil) const
{
    return found_in(suspensions_of_, pupil);
}

} // namespace rollbook
