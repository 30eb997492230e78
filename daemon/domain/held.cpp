#include "daemon/domain/held.hpp"

#include "daemon/base/bytes.hpp"
#include "daemon/base/error.hpp"
#include "daemon/base/sha256.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace rollbook {
namespace {

static_assert(sizeof(held_thing) <= 40); // six years of a school have 140,000

std::string key_of(std::string_view source, std::string_view key)
{
    std::string joined;
    joined.reserve(source.size() + 1 + key.size());
    joined.append(source).push_back('\0');
    return joined.append(key);
}

std::size_t hash_of(std::string_view source, std::string_view key)
{
    return std::hash<std::string_view>()(key) ^ (std::hash<std::string_view>()(source) << 1);
}

bool keeps_payload(const thing_version& version)
{
    if (version.gone) return true; // it says how it went
    switch (version.kind) {
    case what::pupil:
    case what::action:
    case what::link:
    case what::finding:
    case what::alert:
    case what::settings: return true;
    default: return false;
    }
}

// The day of an incident or a lesson, from the one member of that name that its payload can hold. A payload is
// canonical JSON, in which a quote inside a text is escaped, so that no text can look like this.
std::optional<civil_day> day_in(what kind, std::string_view payload)
{
    if (kind != what::incident && kind != what::involvement && kind != what::lesson_mark) return std::nullopt;
    constexpr std::string_view member = "\"day\":\"";
    const std::size_t at = payload.find(member);
    if (at == std::string_view::npos || payload.size() < at + member.size() + 10) return std::nullopt;
    return parse_day(payload.substr(at + member.size(), 10));
}

// What a finding's payload says before its key: "evidence", an array of numbers, and then "explanation". Canonical
// JSON, as above.
std::string_view words_in(std::string_view finding_payload)
{
    constexpr std::string_view explanation = "\"explanation\":\"";
    std::size_t at = finding_payload.find(explanation);
    if (at == std::string_view::npos) return {};
    for (at += explanation.size(); at < finding_payload.size() && finding_payload[at] != '"'; ++at)
        if (finding_payload[at] == '\\') ++at;
    return finding_payload.substr(0, at + 1);
}

void let_go_of_payload(held_thing& finding)
{
    finding.digest = words_digest(words_in(*finding.payload));
    finding.payload = std::string();
}

std::string_view kind_in(std::string_view finding_key)
{
    return finding_key.substr(0, finding_key.find('/'));
}

} // namespace

entry_index subject_in(std::string_view finding_key)
{
    const std::size_t slash = finding_key.rfind('/');
    if (slash == std::string_view::npos) return no_entry;
    return parse_decimal(finding_key.substr(slash + 1)).value_or(no_entry);
}

std::string erased_key(what kind, std::string_view source, std::string_view key)
{
    return "erased" + std::string(1, '\0') + std::string(name_of(kind)) + std::string(1, '\0') + key_of(source, key);
}

std::uint64_t words_digest(std::string_view beginning)
{
    const hash whole = sha256(as_bytes(beginning));
    std::uint64_t digest = 0;
    std::memcpy(&digest, whole.data(), sizeof digest);
    return digest;
}

const held_thing* held_things::find(std::string_view source, std::string_view key) const
{
    const auto at = by_key_.find(hash_of(source, key), [&](std::uint32_t place) {
        return things_[place].key == key && things_[place].source == source;
    });
    return at ? &things_[*at] : nullptr;
}

held_thing* held_things::find(std::string_view source, std::string_view key)
{
    return const_cast<held_thing*>(std::as_const(*this).find(source, key));
}

const held_thing* held_things::find_subject(entry_index subject) const
{
    const auto at = by_subject_.find(subject, [&](std::uint32_t place) { return things_[place].subject; });
    return at ? &things_[*at] : nullptr;
}

held_thing& held_things::put(entry_index index, const thing_version& version, std::string payload)
{
    const entry_index subject = version.subject == no_entry ? index : version.subject;
    auto* known = const_cast<held_thing*>(find_subject(subject));
    held_thing& thing = known ? *known : things_.emplace_back();
    thing.subject = subject;
    thing.entry = index;
    thing.pupil = version.pupil == no_entry && version.kind == what::pupil ? subject : version.pupil;
    if (thing.source != version.source) thing.source = few_text(version.source);
    if (!known || thing.key != version.key) thing.key = texts_.add(version.key);
    thing.digest = version.digest;
    thing.gone = version.gone;
    thing.payload = std::move(payload);
    if (!known) {
        const auto place = static_cast<std::uint32_t>(things_.size() - 1);
        by_subject_.add(subject);
        by_key_.put(hash_of(version.source, version.key), place, [&](std::uint32_t other) {
            return things_[other].key == version.key && things_[other].source == version.source;
        });
    }
    return thing;
}

held_state::held_state() : codes_(std::make_shared<code_book>())
{
    static std::atomic<std::uint64_t> last = 0;
    number_ = ++last;
}

attendance_register& held_state::register_of(const std::string& source)
{
    const auto [at, is_new] = registers_.try_emplace(source, codes_);
    if (is_new && read_digests_) at->second.read_digests_by(read_digests_);
    return at->second;
}

void held_state::rest()
{
    for (auto& [source, marks] : registers_)
        marks.rest();
    for (held_thing* finding : findings_kept_)
        if (!finding->payload->empty()) let_go_of_payload(*finding);
    findings_kept_ = {};
}

std::string held_state::payload_of(const held_thing& thing) const
{
    return thing.payload->empty() && read_payload_ ? read_payload_(thing.entry) : *thing.payload;
}

const attendance_register* held_state::find_register(const std::string& source) const
{
    const auto at = registers_.find(source);
    return at == registers_.end() ? nullptr : &at->second;
}

void held_state::see_none_of(std::string_view source)
{
    for (held_things& kind : things_)
        for (held_thing& thing : kind.all())
            if (thing.source == source) thing.is_seen = false;
}

void held_state::apply(entry_index index, const version& v, std::string_view payload, bool is_stored)
{
    if (const auto* mark = std::get_if<mark_version>(&v)) {
        ROLLBOOK_ENSURE(index < held_mark::nothing);
        attendance_register& held = register_of(mark->source);
        held_mark now;
        now.entry = static_cast<std::uint32_t>(index);
        now.digest = mark->digest;
        now.code = held.codes().intern(mark->raw, mark->statutory);
        now.minutes = minutes_byte(mark->minutes);
        now.gone = mark->gone;
        held.put(mark->session, held.number_of(mark->pupil), now);
    } else if (const auto* thing = std::get_if<thing_version>(&v)) {
        held_thing& now =
            things(thing->kind).put(index, *thing, keeps_payload(*thing) ? std::string(payload) : std::string());
        if (thing->kind == what::finding) {
            open_ones& open = open_findings_[std::string(kind_in(thing->key))];
            if (thing->gone)
                open.erase({subject_in(thing->key), now.subject});
            else
                open.insert({subject_in(thing->key), now.subject});
            if (read_payload_ && !is_stored)
                findings_kept_.push_back(&now);
            else if (read_payload_)
                let_go_of_payload(now);
        }
        // An entry that says a record is gone has no fields: the last known day stays.
        if (const auto day = day_in(thing->kind, payload)) now.day = *day;
        cases_.apply(index, *thing, payload, now.key);
    }
}

} // namespace rollbook
