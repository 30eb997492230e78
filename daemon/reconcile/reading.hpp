#pragma once

#include "daemon/ports/connector.hpp"
#include "daemon/ports/ledger.hpp"
#include "daemon/reconcile/narrative.hpp"
#include "daemon/reconcile/payload.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace rollbook {

// How much may vanish at once before a person is asked.
struct retirement_limit {
    int percent = 10;
    int at_least = 25; // both must be passed
    bool lifted = false;
};

// What a complete read may make of records that are held and that it did not name.
enum class missing_means {
    nothing,      // it asked for less than all, or nothing is known yet
    out_of_scope, // the source is asked otherwise than when they were listed: whether it still has them nobody knows
    vanished,     // it was asked as before, and named them then
};

// Pages of one stream that a read found unchanged, for the next one. In memory only.
struct remembered_pages {
    // Slots (day, half and pupil in one number) one after the other. A source lists a session's pupils side by side:
    // those that rise by one are a run, written as the distance from the slot before and how many follow.
    class packed_slots {
    public:
        class writer {
        public:
            void add(std::uint32_t slot);
            packed_slots written() const;

        private:
            std::vector<std::uint8_t> bytes_;
            std::uint32_t size_ = 0;
            std::size_t following_at_ = 0; // where how many follow is written, of the last run
            std::uint32_t following_ = 0;
            std::uint32_t last_slot_ = 0;
        };
        class reader {
        public:
            explicit reader(const packed_slots& all) : at_(all.bytes_.get()), left_(all.size_) {}
            bool next(std::uint32_t& slot); // false: there is none
        private:
            const std::uint8_t* at_;
            std::size_t left_;
            std::uint32_t slot_ = 0;
            std::uint32_t left_of_run_ = 0;
        };

        std::size_t size() const { return size_; }

    private:
        std::unique_ptr<std::uint8_t[]> bytes_;
        std::uint32_t size_ = 0;
    };
    // The place after a page's own. As a rule the two differ in a page's number alone: what they begin with is not
    // held.
    class next_place {
    public:
        next_place() = default;
        next_place(std::string_view own, const std::optional<std::string>& next);
        std::optional<std::string> after(std::string_view own) const;

    private:
        bool is_any_ = false;
        std::uint32_t shared_ = 0; // so many characters
        std::string rest_;
    };
    struct known_page {
        std::uint64_t digest = 0;
        std::uint64_t held = 0; // digest of the entries that its marks stand in
        packed_slots slots;
        rare<std::optional<instant>> data_as_of;
        next_place next;
        std::uint32_t rows = 0;
        std::uint32_t skipped = 0;
        compact_day newest_day;
        std::uint32_t seen_in = 0; // number of the read that met it last
    };
    std::unordered_map<std::uint64_t, known_page> by_place; // by the keyed digest of the place
    std::size_t slots = 0;
};

// One read of one source: version against version. What each page says is compared with what is held; what differs
// becomes changes, which the caller turns into entries a thousand at a time.
//
// Outcomes are exhaustive and exclusive, so that the counts of a statement add up. Pure but for the held state's own
// marker of what this read has seen. Nothing that is compared is guessed: a row met twice is a duplicate, and of two
// rows for one session the one held stays.
class source_reading : public page_memory {
public:
    // `read_number` must differ from that of every earlier read of the process. `seal`: what becomes of narratives.
    source_reading(
        held_state& held,
        std::string source,
        digester digest,
        std::uint32_t read_number,
        instant started,
        narrative_seal seal = {}
    );

    // No stream follows: lets go of what only reading needs.
    void end_streams();
    // All streams of the source, before the first of them begins. A kind that several of them give is looked through
    // for what is missing once the last of them ends, and only if each was read to its end and may retire.
    void know_streams(const std::vector<stream_info>& streams);
    // Starts a stream. `windows`: when its windows were last read to their end, for the learned interval; without any,
    // what is read is backfill. `from`: rows of earlier days are not read.
    // `remembered`, where given, holds pages of earlier reads and takes those of this one.
    void begin_stream(
        const stream_info& stream,
        std::vector<stream_state::window> windows,
        std::optional<civil_day> from,
        remembered_pages* remembered = nullptr
    );
    // A remembered page, while each of its marks is held by the entry that held it then, and was not met in this read.
    std::optional<page> known(const std::string& place, std::uint64_t digest) override;
    std::optional<std::string> next_of(const std::string& place) const override;
    // Compares one page. Views into the page must stay valid until the changes are drained.
    void take(const page& got, std::uint32_t page_number);
    // Ends a stream that was read to its last page. Retires what the source itself named as gone and what is missing,
    // by the word that `missing` allows; refuses with mass_change, and retires nothing, when either is more than the
    // limit allows, when everything is missing, or when something is and one of the lists it may have stood in is
    // empty that was not. A pupil whose last day on roll has come may go. What lies outside the window is never
    // retired.
    result<void> end_stream(const retirement_limit& limit, missing_means missing);

    std::size_t changes() const { return marks_.size() + records_.size() + gone_marks_.size() + gone_things_.size(); }
    bool has_rejected() const { return !rejected_.empty(); }
    // Turns the changes so far into entries of `t`, whose first entry will be `base`, and the rejected rows into
    // quarantine. Does not touch the held state: commit `t`, then apply() it.
    void drain(transaction& t, entry_index base);
    // Takes the committed entries into the held state.
    void apply(const transaction& t, entry_index base);

    // Statement rows of the streams ended so far, with what is held now. A kind that was not read, or not to its end,
    // has a row too, which says so and never balances: nothing new came, and what is held is of earlier reads. A kind
    // that is switched off has one while anything of it is held.
    std::vector<statement_row>
    statement(const connector& from, const std::map<what, std::string_view>& not_read = {}) const;
    const std::string& source() const { return source_; }
    instant started() const { return started_; }

    // Pupils (first entries, in this source) whose marks, incidents, concerns or suspensions changed in this read.
    const std::set<entry_index>& touched_pupils() const { return touched_; }
    // Pupils (first entries) whose incidents, suspensions or lessons changed in this read.
    const std::set<entry_index>& touched_cases() const { return touched_cases_; }
    bool pupils_changed() const { return pupils_changed_; }
    // A record names another pupil under its id, or somebody's part another record. The earlier pupil is among the
    // touched.
    bool records_moved() const { return records_moved_; }
    // First entries of whatever else changed: incidents, concerns, suspensions, pupils.
    const std::set<entry_index>& touched_records() const { return touched_records_; }
    const std::set<session_id>& touched_sessions() const { return touched_sessions_; }
    // How often the register of the source had changed when the read began; between then and its end nothing else
    // changes it.
    std::uint64_t marks_changed_before() const { return marks_changed_before_; }
    // Marks that this read found with another code than the one held.
    struct amendment {
        entry_index pupil = no_entry;
        session_id session{};
        std::string was; // the school's code
        entry_index was_entry = no_entry;
    };
    const std::vector<amendment>& amendments() const { return amendments_; }
    // A pupil's id that now means somebody else (other names, date of birth and UPN), or whose pupil went while another
    // of the same source has the UPN and may be the same by names and date of birth. `before`: the entry that stood
    // until then.
    struct identity_event {
        entry_index pupil = no_entry;
        entry_index before = no_entry;
        entry_index merged_into = no_entry; // no_entry: reissued
    };
    const std::vector<identity_event>& identity_events() const { return identity_events_; }
    // Sessions for which this read met two marks of different ids, and what the second one was.
    struct conflict {
        entry_index pupil = no_entry;
        session_id session{};
        std::string other_raw;
    };
    const std::vector<conflict>& conflicts() const { return conflicts_; }
    // Whether lists that were read to their end did not name something of the kind that was held.
    bool has_vanished(what kind) const;
    // The days from which marks were read in full; empty optional: none were.
    std::optional<std::optional<civil_day>> marks_read_from() const { return marks_read_from_; }

    std::optional<instant> data_as_of() const { return data_as_of_; }
    std::optional<civil_day> newest_day() const { return newest_day_; }

private:
    struct local_pupil {
        std::string id;
        entry_index ref = no_entry; // no_entry until an entry gives it one
        std::optional<pupil_no> number;
        bool touched = false; // is among touched_
        bool erased = false;  // was erased, and is not listed again
    };
    struct mark_change {
        reported_mark mark;
        std::size_t pupil = 0; // into pupils_
        held_mark before;
    };
    struct string_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
    };

    void take_again(const page& got);
    void remember(const page& got);
    std::optional<std::size_t> local_of(pupil_no pupil);
    // Calls use(session, local pupil, pupil_no) for each slot until it says false; false then.
    template <class F> bool each_slot(const remembered_pages::known_page& known, F&& use);
    std::size_t local(std::string_view pupil_id);
    bool was_erased(what kind, std::string_view key) const;
    bool is_seen(session_id session, std::size_t pupil);
    void see(session_id session, std::size_t pupil);
    std::string id_of(const held_mark& held) const;
    // Whether the mark of the session that this read met first has another id. `is_same`: `mark` is as what is held.
    bool is_other_mark(const reported_mark& mark, std::size_t pupil, bool is_same) const;
    std::vector<std::uint64_t>& seen_on(civil_day day);
    void take_mark(const reported_mark& mark);
    void note_unread(what kind, const row_identity& whose);
    // Whether a row of what is held may be among those that could not be read.
    bool may_be_unread(std::size_t pupil, session_id session) const;
    bool may_be_unread(what of, const held_thing& thing) const;
    // Whether all that are `missing` may be: so many rows say nothing of whose they are.
    bool may_be_unread(what kind, std::size_t missing) const;
    bool is_of_pupil(const held_thing& known, const reported_record& record);
    void take_record(const reported_record& record);
    bool same(const reported_mark& mark, const held_mark& held) const;
    entry_index ref_of(std::size_t pupil, transaction& t, entry_index base);
    learned when(std::optional<civil_day> day) const;
    void settle_parked();
    void note_case(const thing_version& changed, entry_index index);
    void note_moved(entry_index earlier);
    // What was looked at, and whether it was nothing.
    struct scope {
        std::optional<civil_day> from;
        std::size_t rows = 0;
        missing_means missing = missing_means::vanished;
        std::size_t streams_left = 0; // of a kind that several give: those that have not ended
        std::string emptied;          // one of them that had rows when it was last asked for as much, and has none now
    };
    result<void> retire_marks(const retirement_limit& limit, const scope& of);
    result<void> retire_things(what kind, const retirement_limit& limit, const scope& of);
    result<void> retire_named(const retirement_limit& limit);
    std::string_view way_of_going(what kind, entry_index subject, missing_means missing) const;
    bool has_left(what kind, entry_index subject) const;
    void watch_identity(const held_thing& known, const reported_record& record);
    // The record of this source that a pupil's record, which goes, was made one with; no_entry where there is none.
    entry_index watch_merge(const held_thing& gone);
    statement_row& row(what kind);

    remembered_pages* remembered_ = nullptr;
    std::vector<std::size_t> local_of_number_; // by pupil_no; -1: not yet asked

    held_state& held_;
    std::string source_;
    digester digest_;
    std::uint32_t read_number_;
    instant started_;
    narrative_seal seal_;
    std::uint64_t unlisted_digest_; // of a pupil known only from marks

    const stream_info* stream_ = nullptr;
    std::vector<stream_state::window> windows_;
    std::optional<civil_day> from_;
    std::size_t rows_ = 0;
    bool emptied() const;

    std::deque<local_pupil> pupils_;
    std::unordered_map<std::string, std::size_t, string_hash, std::equal_to<>> pupil_by_id_;
    std::size_t last_local_ = 0;
    attendance_register* register_ = nullptr;              // the source's, once a stream of it makes marks
    std::map<civil_day, std::vector<std::uint64_t>> seen_; // by day: two bits a local pupil
    civil_day seen_day_{};
    std::vector<std::uint64_t>* seen_bits_ = nullptr;
    std::vector<gone_record> named_gone_;      // of this stream, in the source's words
    std::unordered_set<std::string> seen_new_; // keys of the new ones among records_
    // A row that differs from what is held, and has another id. A source that gives all its rows new ones has not two
    // for each session: of more than parked_max none waits.
    struct parked_mark {
        reported_mark mark;
        std::string storage; // the mark's own texts
        std::string held_id;
        std::size_t pupil = 0;
        bool is_of_held = false;                                         // the row is by now that of what is held
        bool is_same = false;                                            // and says the same
        void keep(const reported_mark& from, std::string_view pupil_id); // which lives longer
    };
    static constexpr std::size_t parked_max = 4096;
    using parked_marks = std::map<std::pair<session_id, std::size_t>, parked_mark>;
    parked_marks parked_;
    parked_marks settled_; // texts of marks_ until these are entries: nodes do not move

    std::vector<mark_change> marks_;
    std::vector<reported_record> records_;
    std::vector<mark_version> gone_marks_;
    struct gone_thing {
        what kind = what::pupil;
        entry_index subject = no_entry;
        std::string_view word; // how it went: as in the payload
    };
    std::vector<gone_thing> gone_things_;
    std::vector<quarantined_row> rejected_;
    // Rows of this read that could not be read.
    struct unread_rows {
        struct of_day {
            std::optional<civil_day> day;
            std::optional<half_day> half;
        };
        std::set<std::string, std::less<>> ids;
        std::map<std::size_t, std::vector<of_day>> of_pupils; // into pupils_
        std::size_t of_anybody = 0;
    };
    std::map<what, unread_rows> unread_;
    std::map<what, statement_row> rows_by_kind_;
    std::map<what, scope> shared_; // the kinds that several streams give
    std::set<entry_index> touched_;
    std::set<entry_index> touched_records_;
    std::set<session_id> touched_sessions_;
    std::uint64_t marks_changed_before_ = 0;
    std::vector<amendment> amendments_;
    std::vector<identity_event> identity_events_;
    std::set<entry_index> touched_cases_;
    bool pupils_changed_ = false;
    bool records_moved_ = false;
    std::vector<conflict> conflicts_;
    std::optional<std::optional<civil_day>> marks_read_from_;
    std::optional<instant> data_as_of_;
    std::optional<civil_day> newest_day_;
};

} // namespace rollbook
