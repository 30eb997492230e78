#pragma once

#include "daemon/domain/compact.hpp"
#include "daemon/domain/place_index.hpp"
#include "daemon/domain/register.hpp"
#include "daemon/domain/text_pool.hpp"
#include "daemon/domain/what.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace rollbook {

struct thing_version;

// What many incidents have in common, held once. Texts are the source's own words.
struct case_description {
    text_id source = 0;
    text_id type = 0; // of a concern: its first category
    text_id subtype = 0;
    text_id action = 0; // of an incident: what was done
    text_id location = 0;
    text_id parents_told = 0;
    std::int16_t points = 0;
    what kind = what::incident; // incident or concern
    bool is_achievement = false;

    auto operator<=>(const case_description&) const = default;
};

// An incident of an MIS or a concern of a safeguarding system, without its pupils, as its newest entry says. Nothing
// may rest on what is here of a record that is gone but its identity: the entry that says so has no more.
struct case_record {
    static constexpr std::uint32_t no_part = ~std::uint32_t{0};

    const case_description* is = nullptr; // never null once it is among the facts; lives as long as they
    compact_text id;                      // the source's; lives as long, too
    compact_index subject;                // its first entry
    compact_index entry;                  // its newest
    std::uint32_t first_part = no_part;   // place in case_facts::parts()
    rough_day day;
    std::int16_t minute : 12 = -1; // school time, minutes after midnight; -1: the source gives no time
    bool gone : 1 = false;

    struct more_of {
        std::vector<text_id> types;
        std::vector<text_id> elsewhere;
        bool operator==(const more_of&) const = default;
    };
    rare<more_of> more; // what few have

    // A concern's other categories.
    const std::vector<text_id>& more_types() const { return more->types; }
    // The same incident in other systems, as SYSTEM:ID.
    const std::vector<text_id>& elsewhere() const { return more->elsewhere; }
};

// One pupil's part in an incident or a concern.
struct case_part {
    static constexpr std::uint32_t nothing = ~std::uint32_t{0};

    compact_index subject;
    compact_index entry;
    compact_index pupil;            // the pupil's first entry in the same source
    std::uint32_t record = nothing; // place in case_facts::records()
    std::uint32_t next = nothing;   // the record's next part
    text_id role = 0;
    std::int16_t points = 0;
    bool gone = false;
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

// A mark of a lesson that gives no reason for an absence (G, N or O) by its newest version or was such a one. No other
// is kept: a year of lessons has a million marks.
struct lesson_absence {
    compact_index subject;
    compact_index entry;
    compact_index pupil;
    civil_day day{};
    bool stands = false; // false: it gives a reason by now, or is gone
};

// What is held of incidents, concerns, suspensions and absences from lessons, small enough to stay in memory, for rules
// and findings. Made from entries by held_state::apply() and by nothing else.
class case_facts {
public:
    // `key`: the version's, where somebody keeps it as long as the facts live; else they do.
    void apply(entry_index index, const thing_version& version, std::string_view payload, compact_text key = {});

    const text_pool& texts() const { return *texts_; }
    std::string_view text(text_id id) const { return texts_->text(id); }

    // In order of meeting; gone ones are among them.
    const long_list<case_record>& records() const { return records_; }
    const long_list<case_part>& parts() const { return parts_; }
    const long_list<suspension_fact>& suspensions() const { return suspensions_; }

    const case_record* find_record(entry_index subject) const;
    const case_part* find_part(entry_index subject) const;
    // Calls use(const case_part&) for each part in `record`, gone ones too, in order of meeting.
    template <class F> void for_each_part(const case_record& record, F&& use) const
    {
        for (std::uint32_t place = record.first_part; place != case_part::nothing; place = parts_[place].next)
            use(parts_[place]);
    }
    // Places in parts() and suspensions() of one pupil of one source, by the pupil's first entry.
    std::span<const std::uint32_t> parts_of(entry_index pupil) const;
    std::span<const std::uint32_t> suspensions_of(entry_index pupil) const;
    const long_list<lesson_absence>& lessons() const { return lessons_; }
    bool has_lesson(entry_index subject) const;
    // Places in lessons() of one pupil.
    std::span<const std::uint32_t> lessons_of(entry_index pupil) const;

private:
    using places = std::unordered_map<entry_index, std::vector<std::uint32_t>>;

    void apply_record(entry_index index, const thing_version& version, std::string_view payload, compact_text key);
    void apply_part(entry_index index, const thing_version& version, std::string_view payload);
    void apply_suspension(entry_index index, const thing_version& version, std::string_view payload);
    void apply_lesson(entry_index index, const thing_version& version, std::string_view payload);
    std::optional<std::uint32_t> find_record(text_id source, what kind, std::string_view id) const;
    void join(std::uint32_t record, std::uint32_t part);
    void leave(std::uint32_t part);

    std::unique_ptr<text_pool> texts_ = std::make_unique<text_pool>();
    std::unique_ptr<text_store> ids_ = std::make_unique<text_store>();
    std::set<case_description> descriptions_;
    long_list<case_record> records_;
    long_list<case_part> parts_;
    long_list<suspension_fact> suspensions_;
    long_list<lesson_absence> lessons_;
    rising_index records_by_subject_;
    rising_index parts_by_subject_;
    rising_index suspensions_by_subject_;
    rising_index lessons_by_subject_;
    place_index records_by_id_;                                           // by source, kind and id
    std::unordered_map<std::string, std::vector<std::uint32_t>> waiting_; // parts that came before that record
    places parts_of_;
    places suspensions_of_;
    places lessons_of_;
};

} // namespace rollbook
