#pragma once

#include "daemon/domain/register.hpp"
#include "daemon/domain/text_pool.hpp"
#include "daemon/domain/what.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace rollbook {

struct thing_version;

// An incident of an MIS or a concern of a safeguarding system, without its pupils, as its newest entry says. Texts are
// the source's own words. Nothing may rest on what is here of a record that is gone but its identity: the entry that
// says so has no more.
struct case_record {
    entry_index subject = no_entry; // its first entry
    entry_index entry = no_entry;   // its newest
    what kind = what::incident;     // incident or concern
    text_id source = 0;
    bool gone = false;
    std::optional<civil_day> day;
    std::int16_t minute = -1; // school time, minutes after midnight; -1: the source gives no time
    std::int16_t points = 0;
    bool is_achievement = false;
    text_id type = 0; // of a concern: its first category
    text_id subtype = 0;
    text_id action = 0; // of an incident: what was done
    text_id location = 0;
    text_id status = 0;
    text_id parents_told = 0;
    std::vector<text_id> more_types;  // of a concern: its other categories
    std::vector<text_id> elsewhere;   // the same incident in other systems, as SYSTEM:ID
    std::vector<std::uint32_t> parts; // places in case_facts::parts(), in order of meeting
};

// One pupil's part in an incident or a concern.
struct case_part {
    entry_index subject = no_entry;
    entry_index entry = no_entry;
    entry_index pupil = no_entry; // the pupil's first entry in the same source
    std::uint32_t record = nothing;
    bool gone = false;
    std::int16_t points = 0;
    text_id role = 0;
    static constexpr std::uint32_t nothing = ~std::uint32_t{0};
};

// One suspension or permanent exclusion of one pupil.
struct suspension_fact {
    entry_index subject = no_entry;
    entry_index entry = no_entry;
    entry_index pupil = no_entry;
    text_id source = 0;
    bool gone = false;
    std::optional<civil_day> from;
    half_day from_half = half_day::am;
    bool is_from_half_given = false;
    std::optional<civil_day> to; // empty: open, or not given
    half_day to_half = half_day::pm;
    std::int16_t sessions = -1; // lost, as the source says; -1: not given
    text_id kind = 0;           // the source's own words
    text_id kind_code = 0;
    text_id reason = 0;
};

// What is held of incidents, concerns and suspensions, small enough to stay in memory, for rules and findings. Made
// from entries by held_state::apply() and by nothing else.
class case_facts {
public:
    void apply(entry_index index, const thing_version& version, std::string_view payload);

    const text_pool& texts() const { return *texts_; }
    std::string_view text(text_id id) const { return texts_->text(id); }

    // In order of meeting; gone ones are among them.
    const std::deque<case_record>& records() const { return records_; }
    const std::deque<case_part>& parts() const { return parts_; }
    const std::deque<suspension_fact>& suspensions() const { return suspensions_; }

    const case_record* find_record(entry_index subject) const;
    // Places in parts() and suspensions() of one pupil of one source, by the pupil's first entry.
    std::span<const std::uint32_t> parts_of(entry_index pupil) const;
    std::span<const std::uint32_t> suspensions_of(entry_index pupil) const;

private:
    using places = std::unordered_map<entry_index, std::vector<std::uint32_t>>;

    void apply_record(entry_index index, const thing_version& version, std::string_view payload);
    void apply_part(entry_index index, const thing_version& version, std::string_view payload);
    void apply_suspension(entry_index index, const thing_version& version, std::string_view payload);

    std::unique_ptr<text_pool> texts_ = std::make_unique<text_pool>();
    std::deque<case_record> records_;
    std::deque<case_part> parts_;
    std::deque<suspension_fact> suspensions_;
    std::unordered_map<entry_index, std::uint32_t> place_of_;             // by first entry, of all three
    std::unordered_map<std::string, std::uint32_t> record_by_key_;        // by source, kind and the source's id
    std::unordered_map<std::string, std::vector<std::uint32_t>> waiting_; // parts that came before that record
    places parts_of_;
    places suspensions_of_;
};

} // namespace rollbook
