#include "daemon/reconcile/links.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/domain/upn.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>

namespace rollbook {
namespace {

struct keys {
    std::string mis_id;
    std::string upn;
    std::string former_upn;
};

std::string checked_upn(json_view value)
{
    const auto text = value.string_if();
    if (!text) return {};
    const result<upn> parsed = upn::parse(*text);
    return parsed ? parsed->text() : std::string();
}

keys keys_of(const held_thing& pupil)
{
    keys found;
    const auto payload = json_document::parse(pupil.payload);
    if (!payload) return found;
    const json_view fields = payload->root()["fields"];
    found.mis_id = fields["mis_id"].string_if().value_or("");
    found.upn = checked_upn(fields["upn"]);
    found.former_upn = checked_upn(fields["former_upn"]);
    return found;
}

// Candidates under one key; pupils on roll first.
class key_index {
public:
    void add(const std::string& key, entry_index pupil, bool gone)
    {
        if (key.empty()) return;
        auto& list = gone ? gone_[key] : held_[key];
        if (std::find(list.begin(), list.end(), pupil) == list.end()) list.push_back(pupil);
    }
    std::vector<entry_index> find(const std::string& key) const
    {
        if (key.empty()) return {};
        if (const auto at = held_.find(key); at != held_.end()) return at->second;
        if (const auto at = gone_.find(key); at != gone_.end()) return at->second;
        return {};
    }

private:
    std::unordered_map<std::string, std::vector<entry_index>> held_;
    std::unordered_map<std::string, std::vector<entry_index>> gone_;
};

std::string link_key(const std::string& other, entry_index record)
{
    return other + "/" + std::to_string(record);
}

draft link_entry(const std::string& other, const person_link& link, const held_thing* before)
{
    thing_version row;
    row.kind = what::link;
    row.pupil = link.pupil;
    row.key = link_key(other, link.other);
    if (before) {
        row.subject = before->subject;
        row.replaces = before->entry;
    }
    std::string text;
    json_writer out(text);
    out.begin_object();
    out.member("by", link.by);
    out.member("key", row.key);
    out.member("other", link.other);
    out.member("pupil", link.pupil);
    if (before) out.member("replaces", before->entry);
    out.member("state", "linked");
    if (before) out.member("subject", before->subject);
    out.member("what", name_of(what::link));
    out.end_object();
    return draft(entry_kind::record, std::move(text), std::move(row));
}

draft unlink_entry(const held_thing& before)
{
    thing_version row;
    row.kind = what::link;
    row.pupil = before.pupil;
    row.key = before.key;
    row.subject = before.subject;
    row.replaces = before.entry;
    row.gone = true;
    std::string text;
    json_writer out(text);
    out.begin_object();
    out.member("gone", "unlinked");
    out.member("key", row.key);
    out.member("pupil", before.pupil);
    out.member("replaces", before.entry);
    out.member("state", "unlinked");
    out.member("subject", before.subject);
    out.member("what", name_of(what::link));
    out.end_object();
    return draft(entry_kind::record, std::move(text), std::move(row));
}

bool says_the_same(const held_thing& held, const person_link& link)
{
    if (held.gone || held.pupil != link.pupil) return false;
    const auto payload = json_document::parse(held.payload);
    return payload && payload->root()["by"].string_if() == std::string_view(link.by);
}

// The entry that says a pupil left has no fields, so no UPN to match by: a leaver keeps the link made before.
std::optional<person_link> link_to_leaver(const held_state& held, const std::string& other, entry_index record)
{
    const held_thing* link = held.things(what::link).find("", link_key(other, record));
    if (!link || link->gone) return std::nullopt;
    const held_thing* pupil = held.things(what::pupil).find_subject(link->pupil);
    const auto payload = json_document::parse(link->payload);
    if (!pupil || !pupil->gone || !payload) return std::nullopt;
    return person_link{link->pupil, record, std::string(payload->root()["by"].string_if().value_or(""))};
}

} // namespace

link_outcome match_people(const held_state& held, const std::string& mis, const std::string& other)
{
    key_index by_id, by_upn, by_former;
    for (const held_thing& pupil : held.things(what::pupil).all()) {
        if (pupil.source != mis) continue;
        const keys own = keys_of(pupil);
        by_id.add(pupil.key, pupil.subject, pupil.gone);
        by_id.add(own.mis_id, pupil.subject, pupil.gone);
        by_upn.add(own.upn, pupil.subject, pupil.gone);
        by_former.add(own.former_upn, pupil.subject, pupil.gone);
    }

    link_outcome outcome;
    for (const held_thing& record : held.things(what::pupil).all()) {
        if (record.source != other || record.gone) continue;
        const keys own = keys_of(record);
        const std::pair<std::string_view, std::vector<entry_index>> ways[] = {
            {"source-id", by_id.find(own.mis_id)},
            {"upn", by_upn.find(own.upn)},
            {"former-upn", by_former.find(own.upn)},
        };
        std::vector<entry_index> candidates;
        std::string_view by;
        for (const auto& [way, found] : ways) {
            if (found.empty()) continue;
            if (by.empty()) by = way;
            for (const entry_index pupil : found)
                if (std::find(candidates.begin(), candidates.end(), pupil) == candidates.end())
                    candidates.push_back(pupil);
        }
        if (candidates.empty()) {
            if (auto kept = link_to_leaver(held, other, record.subject))
                outcome.links.push_back(std::move(*kept));
            else
                outcome.unmatched.push_back(record.subject);
        } else if (candidates.size() > 1)
            outcome.ambiguous.push_back(record.subject);
        else
            outcome.links.push_back({candidates.front(), record.subject, std::string(by)});
    }
    return outcome;
}

std::vector<draft> link_entries(const held_state& held, const std::string& other, const link_outcome& outcome)
{
    std::vector<draft> drafts;
    std::unordered_map<std::string, bool> wanted;
    for (const person_link& link : outcome.links) {
        const std::string key = link_key(other, link.other);
        wanted[key] = true;
        const held_thing* before = held.things(what::link).find("", key);
        if (before && says_the_same(*before, link)) continue;
        drafts.push_back(link_entry(other, link, before));
    }
    for (const held_thing& link : held.things(what::link).all())
        if (!link.gone && link.key.starts_with(other + "/") && !wanted.contains(link.key))
            drafts.push_back(unlink_entry(link));
    return drafts;
}

entry_index person_of(const held_state& held, entry_index pupil)
{
    const held_thing* record = held.things(what::pupil).find_subject(pupil);
    if (!record) return pupil;
    const held_thing* link = held.things(what::link).find("", link_key(record->source, pupil));
    return link && !link->gone ? link->pupil : pupil;
}

bool is_known_person(const held_state& held, const std::string& mis, entry_index pupil)
{
    const held_thing* record = held.things(what::pupil).find_subject(pupil);
    if (!record) return false;
    return record->source == mis || person_of(held, pupil) != pupil;
}

} // namespace rollbook
