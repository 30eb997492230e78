#include "daemon/reconcile/finding.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"

#include <unordered_set>

namespace rollbook {
namespace {

std::string finding_payload(const finding& f, const held_thing* before, instant opened_at, bool closed, instant at)
{
    std::string text;
    json_writer out(text);
    out.begin_object();
    if (closed) out.member("closed_at", format_instant(at));
    out.key("evidence").begin_array();
    for (const entry_index index : f.evidence)
        out.value(index);
    out.end_array();
    out.member("explanation", f.explanation);
    if (before) out.member("finding", entry_index(before->subject));
    out.member("key", f.key);
    out.member("kind", f.kind);
    out.member("opened_at", format_instant(opened_at));
    if (f.pupil != no_entry) out.member("pupil", f.pupil);
    if (before) out.member("replaces", entry_index(before->entry));
    out.key("sources").begin_array();
    for (const std::string& source : f.sources)
        out.value(source);
    out.end_array();
    out.member("state", closed ? "closed" : "open");
    out.key("subject").begin_object();
    out.member("id", f.subject_id);
    out.member("source", f.subject_source);
    out.end_object();
    out.member("what", name_of(what::finding));
    out.end_object();
    return text;
}

draft finding_entry(const finding& f, const held_thing* before, instant opened_at, bool closed, instant at)
{
    thing_version row;
    row.kind = what::finding;
    row.key = f.key;
    row.pupil = f.pupil;
    row.gone = closed;
    if (before) {
        row.subject = before->subject;
        row.replaces = before->entry;
    }
    return draft(entry_kind::record, finding_payload(f, before, opened_at, closed, at), std::move(row));
}

// The open finding with this key; null where there is none. One that closed stays so: what has its key now is new.
const held_thing* open_one(const held_state& held, std::string_view key)
{
    const held_thing* last = held.things(what::finding).find("", key);
    return last && !last->gone ? last : nullptr;
}

// Whether an open finding is held with this evidence and explanation. Its canonical text begins with them: to write the
// two costs a tenth of reading the whole.
bool is_held_so(const held_thing& before, const finding& f)
{
    std::string text;
    json_writer out(text);
    out.begin_object().key("evidence").begin_array();
    for (const entry_index index : f.evidence)
        out.value(index);
    out.end_array().member("explanation", f.explanation);
    if (before.pupil != f.pupil) return false;
    const std::string_view held = *before.payload;
    if (held.empty()) return before.digest == words_digest(text);
    return held.starts_with(text) && held.substr(text.size()).starts_with(',');
}

} // namespace

std::optional<std::pair<finding, instant>> held_finding(const held_state& held, const held_thing& thing)
{
    const auto parsed = json_document::parse(held.payload_of(thing));
    if (!parsed) return std::nullopt;
    const json_view root = parsed->root();
    finding f;
    f.kind = root["kind"].string_if().value_or("");
    f.key = thing.key;
    f.pupil = thing.pupil;
    f.subject_source = root["subject"]["source"].string_if().value_or("");
    f.subject_id = root["subject"]["id"].string_if().value_or("");
    root["sources"].for_each_element([&](json_view source) { f.sources.emplace_back(source.string_if().value_or("")); }
    );
    f.explanation = root["explanation"].string_if().value_or("");
    root["evidence"].for_each_element([&](json_view index) {
        if (const auto number = index.int_if()) f.evidence.push_back(static_cast<entry_index>(*number));
    });
    const auto opened = parse_instant(root["opened_at"].string_if().value_or(""));
    if (!opened) return std::nullopt;
    return std::pair(std::move(f), *opened);
}

std::vector<entry_index>
open_findings(const held_state& held, const std::function<bool(std::string_view kind, std::string_view key)>& is_judged)
{
    std::vector<entry_index> judged;
    for (const auto& [kind, open] : held.open_findings())
        for (const auto& [subject, id] : open)
            if (is_judged(kind, held.things(what::finding).find_subject(id)->key)) judged.push_back(id);
    return judged;
}

void wanted_findings::take(const held_state& held, std::vector<finding>&& found)
{
    for (finding& f : found) {
        const held_thing* before = open_one(held, f.key);
        const bool is_first = !before || open_.insert(before->subject).second;
        if (is_first && !(before && is_held_so(*before, f))) not_held_so_.push_back(std::move(f));
    }
    found.clear();
}

std::vector<draft> finding_entries(
    const held_state& held, const wanted_findings& wanted, const std::vector<entry_index>& judged, instant at
)
{
    std::vector<draft> drafts;
    std::unordered_set<std::string_view> opened;
    for (const finding& f : wanted.not_held_so()) {
        const held_thing* before = open_one(held, f.key);
        if (!before) {
            if (opened.insert(f.key).second) drafts.push_back(finding_entry(f, nullptr, at, false, at));
            continue;
        }
        const auto known = held_finding(held, *before);
        if (known && known->first.explanation == f.explanation && known->first.evidence == f.evidence &&
            known->first.pupil == f.pupil)
            continue;
        drafts.push_back(finding_entry(f, before, known ? known->second : at, false, at));
    }
    for (const entry_index id : judged) {
        const held_thing& open = *held.things(what::finding).find_subject(id);
        if (open.gone || wanted.contains(id)) continue;
        if (const auto known = held_finding(held, open))
            drafts.push_back(finding_entry(known->first, &open, known->second, true, at));
    }
    return drafts;
}

} // namespace rollbook
