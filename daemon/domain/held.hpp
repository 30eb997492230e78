#pragma once

#include "daemon/domain/case_facts.hpp"
#include "daemon/domain/compact.hpp"
#include "daemon/domain/place_index.hpp"
#include "daemon/domain/register.hpp"
#include "daemon/domain/what.hpp"

#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

namespace rollbook {

// One version of a session mark, as an entry gives it.
struct mark_version {
    session_id session{};
    entry_index pupil = no_entry; // the pupil's first entry
    std::string source;
    std::string raw;
    std::string statutory;
    std::int16_t minutes = -1; // -1: not given
    std::uint32_t digest = 0;  // keyed digest of source id, comment and taken-by; of one gone how it went
    entry_index replaces = no_entry;
    bool gone = false; // the source no longer has it
};

// One version of anything else that entries tell of: a record from a source, a finding, an alert, a link, a setting.
struct thing_version {
    what kind = what::pupil;
    entry_index subject = no_entry; // the first entry of the same thing; no_entry: this one
    entry_index pupil = no_entry;   // the first entry of the pupil it is about; no_entry: none. A pupil's own is itself
    std::string source;             // empty where it is ours
    std::string key;                // the source's id, or what makes it one of its kind
    std::uint64_t digest = 0;       // keyed digest of the source's fields
    entry_index replaces = no_entry;
    bool gone = false; // vanished, ended, closed
};

using version = std::variant<std::monostate, mark_version, thing_version>;

// What is digested of a record of a source to know it again once it was erased.
std::string erased_key(what kind, std::string_view source, std::string_view key);

struct held_thing {
    std::uint64_t digest = 0;
    compact_text key; // lives as long as what holds the thing
    // Kept for pupils, actions, links, alerts, settings and what is gone, and for findings where held_state cannot read
    // it; else empty.
    rare<std::string> payload;
    compact_index subject;
    compact_index entry; // of its newest version
    compact_index pupil;
    rough_day day; // of an incident and who took part in it, where the source gives one
    few_text source;
    bool gone : 1 = false;
    bool is_seen : 1 = false; // by the read of its source that is under way, or was the last
};

// What a finding is about, from its key "KIND/.../NUMBER": the first entry of the pupil or record whose judging decides
// about it; no_entry where the key ends with no number.
entry_index subject_in(std::string_view finding_key);

// Of a finding whose payload is not kept: the digest of how the payload begins, up to its explanation's end. In memory
// only.
std::uint64_t words_digest(std::string_view beginning);

// Everything of one kind that was ever held, by source and key and by its first entry.
class held_things {
public:
    held_thing* find(std::string_view source, std::string_view key);
    const held_thing* find(std::string_view source, std::string_view key) const;
    const held_thing* find_subject(entry_index subject) const;
    held_thing& put(entry_index index, const thing_version& version, std::string payload);

    long_list<held_thing>& all() { return things_; }
    const long_list<held_thing>& all() const { return things_; }

private:
    text_store texts_;
    long_list<held_thing> things_;
    place_index by_key_; // the newest thing of each source and key
    rising_index by_subject_;
};

// What the ledger's newest entries say, in memory: the current register and everything else that is compared against.
// Changed only through apply(), once the entry is committed or in the closing step of a read that is about to be.
class held_state {
public:
    held_state();

    // Which held state this is: another number for each one of the process. What somebody worked out from one must not
    // be used with another.
    std::uint64_t number() const { return number_; }

    attendance_register& register_of(const std::string& source);
    // As registers do.
    void read_digests_by(attendance_register::digest_reader read) { read_digests_ = std::move(read); }
    void rest();
    // Reads the payload of an entry where the ledger keeps it; empty: it was erased. Findings are the most of what has
    // one, and are rarely asked for it: from rest() on theirs is not kept.
    using payload_reader = std::function<std::string(entry_index)>;
    void read_payloads_by(payload_reader read) { read_payload_ = std::move(read); }
    std::string payload_of(const held_thing& thing) const;
    bool can_read_payloads() const { return static_cast<bool>(read_payload_); }
    // Of a committed entry; only where they can be read.
    std::string read_payload(entry_index entry) const { return read_payload_(entry); }
    const attendance_register* find_register(const std::string& source) const;

    held_things& things(what kind) { return things_[static_cast<std::size_t>(kind)]; }
    const held_things& things(what kind) const { return things_[static_cast<std::size_t>(kind)]; }

    // Makes nothing of the source is_seen.
    void see_none_of(std::string_view source);

    // Incidents, concerns and suspensions, in a form that rules and findings can read.
    const case_facts& cases() const { return cases_; }

    // `is_stored`: the ledger can be asked for the payload already.
    void apply(entry_index index, const version& v, std::string_view payload, bool is_stored = false);

    // The findings that are open, by kind: what each is about (the number its key ends with; no_entry: none) and its
    // first entry.
    using open_ones = std::set<std::pair<entry_index, entry_index>>;
    const std::map<std::string, open_ones, std::less<>>& open_findings() const { return open_findings_; }

    // Keyed digests (erased_key) of what was erased. A source that still has it must not bring it back; a pupil whom
    // it lists again is a new one.
    std::unordered_set<std::uint64_t>& erased() { return erased_; }
    const std::unordered_set<std::uint64_t>& erased() const { return erased_; }

private:
    std::uint64_t number_;
    std::unordered_set<std::uint64_t> erased_;
    std::shared_ptr<code_book> codes_;
    attendance_register::digest_reader read_digests_; // of registers that are made from now on
    payload_reader read_payload_;                     // none: payloads of findings are kept
    std::vector<held_thing*> findings_kept_;          // whose payload is kept until rest()
    std::map<std::string, attendance_register> registers_;
    std::array<held_things, 22> things_;
    std::map<std::string, open_ones, std::less<>> open_findings_;
    case_facts cases_;
};

} // namespace rollbook
