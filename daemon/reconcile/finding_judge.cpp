#include "daemon/reconcile/finding_judge.hpp"

#include "daemon/base/bytes.hpp"
#include "daemon/base/json.hpp"
#include "daemon/reconcile/suspension_findings.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace rollbook {
namespace {

using how = finding_kind::judged;

// What happened once and nothing in the data ever ends, and the school days for which it is shown.
constexpr std::array<std::string_view, 3> events = {"mark-amended-late", "id-reissued", "pupil-merged"};
constexpr int event_shown_days = 20;

constexpr std::string_view contradiction = "incident-contradicts-mark";

constexpr std::array kinds_of_record = {what::incident, what::concern, what::suspension};

// School days after which no kind by mark or by record says anything else because time went by, whatever the settings.
constexpr int moves_days_max = 6; // reason-overdue

// The session's day in the key of a finding about a mark, "KIND/.../DAY/HALF/NUMBER"; none in any other.
std::optional<civil_day> day_in_key(std::string_view key)
{
    constexpr std::size_t day_size = 10;
    const std::size_t number = key.rfind('/');
    if (number == key.npos || number < day_size + 4) return std::nullopt;
    const std::string_view half = key.substr(number - 3, 3);
    if (half != "/AM" && half != "/PM") return std::nullopt;
    return parse_day(key.substr(number - 3 - day_size, day_size));
}

// The record in the key of an "incident-contradicts-mark/SOURCE/RECORD/PUPIL".
entry_index record_in_key(std::string_view key)
{
    const std::size_t pupil = key.rfind('/');
    return pupil == key.npos ? no_entry : subject_in(key.substr(0, pupil));
}

bool is_present(const attendance_register& marks, std::string_view sign)
{
    for (std::size_t id = 0; id < marks.codes().size(); ++id)
        if (marks.codes().statutory(static_cast<code_id>(id)) == sign) return true;
    return false;
}

} // namespace

struct finding_judge::run {
    const held_state& held;
    const closing_read& read;
    finding_context context;
    const attendance_register* marks = nullptr;
    findings found; // of what is looked at, until it is taken among those wanted
    wanted_findings wanted;
    std::vector<entry_index> judged; // open findings that were looked at

    // Marks and records up to this day were judged before, and time says nothing else of them; none: all are judged.
    std::optional<civil_day> settled;
    std::unordered_set<entry_index> whole; // pupils of whom all is judged all the same
    // The open ones of each kind about a mark, about a pupil, and about a record.
    std::vector<const held_state::open_ones*> open_of_marks;
    std::vector<const held_state::open_ones*> open_of_pupils;
    std::vector<const held_state::open_ones*> open_of_records;
    std::vector<const held_state::open_ones*> open_of_contradictions;

    std::vector<const held_state::open_ones*> open_of(std::span<const std::string_view> kinds) const
    {
        std::vector<const held_state::open_ones*> all;
        for (const std::string_view kind : kinds) {
            // Whether there is a suspension nobody knows while the list of them is not read: what is open stays.
            if (kind == "e-without-suspension" && !context.knows_suspensions) continue;
            const auto open = held.open_findings().find(kind);
            if (open != held.open_findings().end() && !open->second.empty()) all.push_back(&open->second);
        }
        return all;
    }
    // Those of these kinds about the subject of which `is_due(first entry)`.
    template <class F>
    void look_at_some(std::span<const held_state::open_ones* const> kinds, entry_index subject, F&& is_due)
    {
        for (const held_state::open_ones* open : kinds)
            for (auto at = open->lower_bound({subject, 0}); at != open->end() && at->first == subject; ++at)
                if (is_due(at->second)) judged.push_back(at->second);
    }
    void look_at(std::span<const held_state::open_ones* const> kinds, entry_index subject)
    {
        look_at_some(kinds, subject, [](entry_index) { return true; });
    }
    std::string_view key_of(entry_index finding) const { return held.things(what::finding).find_subject(finding)->key; }
    // Of marks, those of days after `since`; none: of all.
    void look_at_marks(entry_index subject, std::optional<civil_day> since)
    {
        look_at_some(open_of_marks, subject, [&](entry_index finding) {
            const auto day = since ? day_in_key(key_of(finding)) : std::nullopt;
            return !day || *day > *since;
        });
    }
    // Of incidents that contradict marks, those of days after `since`; none: of all.
    void look_at_contradictions(entry_index subject, std::optional<civil_day> since)
    {
        look_at_some(open_of_contradictions, subject, [&](entry_index finding) {
            const case_record* record = since ? held.cases().find_record(record_in_key(key_of(finding))) : nullptr;
            return !record || !record->day || *record->day > *since;
        });
    }
};

finding_judge::finding_judge(const finding_settings& settings, const school_calendar& calendar, std::string mis)
    : settings_(settings), calendar_(calendar), days_(calendar), unusual_(calendar, days_, settings),
      mis_(std::move(mis))
{
    for (const finding_kind& kind : finding_kinds()) {
        const bool is_by_session = kind.of_mark || kind.name == "mark-missing";
        if (is_by_session) about_marks_.push_back(kind.name);
        if (kind.of_pupil && !is_by_session && kind.name != contradiction) about_pupils_.push_back(kind.name);
        if (kind.of_record || kind.name == "record-vanished") about_records_.push_back(kind.name);
        if (!kind.is_wanted(settings)) continue;
        if (kind.of_mark) of_mark_.push_back(&kind);
        if (kind.of_pupil) of_pupil_.push_back(&kind);
        if (kind.of_record) of_record_.push_back(&kind);
    }
}

void finding_judge::look_at(const held_state& held)
{
    if (!std::exchange(is_broken_off_, false) && held_number_ == held.number()) return;
    held_number_ = held.number();
    judged_for_.clear();
    judged_to_.reset();
    days_of_records_.clear();
    gate_.reset();
    unusual_.forget();
    facts_.clear();
    elsewhere_.clear();
    in_review_.clear();
}

const pupil_record_facts& finding_judge::facts_of_pupil(const held_thing& pupil)
{
    pupil_record_facts& known = facts_[pupil.subject];
    if (known.entry != pupil.entry) known = facts_of(pupil);
    return known;
}

// Forms, links and open questions of everybody. Gives whether somebody came to or left a form, whose registers may be
// taken or untaken by that.
bool finding_judge::know_people(run& now)
{
    bool is_moved = false;
    for (const held_thing& pupil : now.held.things(what::pupil).all()) {
        if (pupil.source != mis_) continue;
        const pupil_record_facts& facts = facts_of_pupil(pupil);
        const auto number = now.marks ? now.marks->find_pupil(pupil.subject) : std::nullopt;
        if (!gate_ || !number) continue;
        // Of one who is in no list of pupils nothing is known, not even the form.
        const bool is_known = !facts.form.empty() || facts.date_of_birth || facts.on_roll_from;
        const bool is_on_roll = (!facts.on_roll_from || *facts.on_roll_from <= now.context.today) &&
                                (!facts.on_roll_to || now.context.today <= *facts.on_roll_to);
        const bool was_known = gate_->knows(*number);
        if (pupil.gone || !is_known || !is_on_roll)
            gate_->drop_pupil(*number);
        else
            gate_->put_pupil(*number, facts.form, facts.year);
        is_moved = is_moved || was_known != gate_->knows(*number);
    }
    elsewhere_.clear();
    for (const held_thing& link : now.held.things(what::link).all())
        if (!link.gone && link.pupil != no_entry)
            if (const entry_index other = subject_in(link.key); other != no_entry)
                elsewhere_[link.pupil].push_back(other);
    in_review_.clear();
    for (const full_list& list : now.read.lists)
        for (const auto* reviews : {&list.links->ambiguous, &list.links->likely, &list.links->conflicts})
            for (const person_review& review : *reviews)
                for (const auto& candidate : review.candidates)
                    in_review_.insert(candidate.pupil);
    return is_moved;
}

// The last day of which time alone says nothing else since everybody was judged; none: there is no such day.
std::optional<civil_day> finding_judge::settled_day() const
{
    if (!judged_to_) return std::nullopt;
    int days = moves_days_max;
    for (const finding_kind& kind : finding_kinds())
        days = std::max(days, settings_.settle_days(kind.name));
    const int at = calendar_.ordinal_at_or_before(*judged_to_) - days;
    if (at < 0) return std::nullopt;
    return calendar_.school_days()[static_cast<std::size_t>(at)];
}

// The forms whose register was handed in after its time, or taken back.
std::set<std::string> finding_judge::forms_changed(const closing_read& read)
{
    std::set<std::string> changed;
    if (!gate_) return changed;
    for (const session_id session : read.reading.touched_sessions()) {
        const bool matters = calendar_.counting_moments(session).front() <= read.now;
        const auto untaken = [&] {
            std::set<std::string> forms;
            if (gate_->any_taken(session))
                for (auto& each : gate_->untaken(session))
                    forms.insert(std::move(each.form));
            else // where none was, none is named
                for (const auto& [pupil, facts] : facts_)
                    forms.insert(facts.form);
            return forms;
        };
        const auto before = matters ? untaken() : std::set<std::string>();
        gate_->changed(session);
        if (!matters) continue;
        const auto after = untaken();
        std::ranges::set_symmetric_difference(before, after, std::inserter(changed, changed.end()));
    }
    return changed;
}

void finding_judge::find_concerned(const held_state& held, const std::set<std::string>& forms)
{
    concerned_.clear();
    if (forms.empty()) return;
    for (const held_thing& pupil : held.things(what::pupil).all())
        if (pupil.source == mis_ && forms.contains(facts_of_pupil(pupil).form)) concerned_.push_back(pupil.subject);
}

void finding_judge::judge_pupil(run& now, const held_thing& pupil)
{
    now.look_at(now.open_of_pupils, pupil.subject);
    pupil_case c{now.context, pupil.subject, {}, now.marks, facts_of_pupil(pupil), {}, {}, {}, {}};
    if (now.marks) c.number = now.marks->find_pupil(pupil.subject);
    c.suspensions = suspensions_of(now.context, pupil.subject);
    std::optional<civil_day> since;
    if (c.number) {
        const unusual_sessions::of_pupil unusual = unusual_.of(*now.marks, *c.number, c.facts);
        if (!unusual.is_made_anew && !now.whole.contains(pupil.subject)) since = now.settled;
        if (since && unusual.touched_from) since = std::min(*since, *unusual.touched_from - std::chrono::days(1));
        c.marked_from = unusual.marked_from;
        c.unusual = unusual.sessions;
        if (since) c.unusual = {std::ranges::upper_bound(c.unusual, *since, {}, &session_id::day), c.unusual.end()};
        judge_marks(now, c);
    }
    now.look_at_marks(pupil.subject, since);
    now.look_at_contradictions(pupil.subject, since);
    c.settled = since;
    for (const finding_kind* kind : of_pupil_)
        kind->of_pupil(c, now.found);
    if (!settings_.off.contains("record-vanished")) record_vanished(now.context, what::pupil, pupil, now.found);
    now.wanted.take(now.held, std::move(now.found));
}

void finding_judge::judge_marks(run& now, const pupil_case& pupil)
{
    const code_book& codes = now.marks->codes();
    for (const session_id session : pupil.unusual) {
        const held_mark mark = now.marks->find_but_digest(session, *pupil.number);
        if (!mark.met()) continue; // mark-missing may speak of it
        const statutory_code* row = codes.row_on(mark.code, session.day);
        const code_class klass = row ? row->klass : codes.class_on(mark.code, session.day);
        const mark_case c{pupil, session, mark, row, klass, days_.of(session.day)};
        for (const finding_kind* kind : of_mark_)
            kind->of_mark(c, now.found);
    }
}

void finding_judge::judge_record(run& now, what kind, const held_thing& thing)
{
    now.look_at(now.open_of_records, thing.subject);
    if (!settings_.off.contains("record-vanished")) record_vanished(now.context, kind, thing, now.found);
    const bool is_case = !thing.gone && (kind == what::incident || kind == what::concern);
    if (const case_record* record = is_case ? now.held.cases().find_record(thing.subject) : nullptr)
        for (const finding_kind* each : of_record_)
            each->of_record(now.context, *record, now.found);
    now.wanted.take(now.held, std::move(now.found));
}

// Whom and what the read touched: on_person(pupil), on_record(kind, thing). Some more than once.
template <class P, class R> void finding_judge::for_each_touched(run& now, P&& on_person, R&& on_record)
{
    const auto& things = std::as_const(now.held);
    const auto person = [&](entry_index ref) {
        const held_thing* pupil = things.things(what::pupil).find_subject(person_of(now.held, ref));
        if (pupil && pupil->source == mis_) on_person(*pupil);
    };
    for (const entry_index ref : now.read.reading.touched_pupils())
        person(ref);
    const auto record_itself = [&](const case_record& record) {
        if (const held_thing* thing = things.things(record.is->kind).find_subject(record.subject))
            on_record(record.is->kind, *thing);
    };
    const case_facts& cases = now.held.cases();
    // What stood beside it may stand alone now: those of its people on the day it has and on the day it had.
    const auto those_of = [&](const case_record& record, entry_index whose) {
        for (const std::optional<civil_day> day : {std::optional<civil_day>(record.day), day_before(now, record)})
            if (day)
                for (const case_record* near : records_near(now.context, whose, *day))
                    record_itself(*near);
    };
    for (const entry_index subject : now.read.reading.touched_records()) {
        for (const what kind : kinds_of_record)
            if (const held_thing* thing = things.things(kind).find_subject(subject)) on_record(kind, *thing);
        if (const case_record* record = cases.find_record(subject))
            cases.for_each_part(*record, [&](const case_part& part) {
                person(part.pupil);
                those_of(*record, person_of(now.held, part.pupil));
            });
        // Whoever came to a record or left it.
        const case_part* part = cases.find_part(subject);
        if (!part || part->pupil == no_entry || part->record == case_part::nothing) continue;
        const case_record& record = cases.records()[part->record];
        record_itself(record);
        those_of(record, person_of(now.held, part->pupil));
        for (const case_record* beside : records_beside(now.context, record))
            record_itself(*beside);
    }
}

namespace {

// The place of a record among all; none of one without anybody in it.
std::optional<std::size_t> place_of(const case_facts& cases, const case_record& record)
{
    if (record.first_part == case_record::no_part) return std::nullopt;
    return cases.parts()[record.first_part].record;
}

} // namespace

// The day that a record had when it was last judged; none of a new one.
std::optional<civil_day> finding_judge::day_before(const run& now, const case_record& record) const
{
    const auto place = place_of(now.held.cases(), record);
    if (!place || *place >= days_of_records_.size()) return std::nullopt;
    return days_of_records_[*place];
}

void finding_judge::know_days(const run& now, bool all)
{
    const case_facts& cases = now.held.cases();
    const auto known = all ? std::size_t{0} : days_of_records_.size();
    days_of_records_.resize(cases.records().size());
    for (std::size_t place = known; place < days_of_records_.size(); ++place)
        days_of_records_[place] = cases.records()[place].day;
    for (const entry_index subject : now.read.reading.touched_records())
        if (const case_record* record = cases.find_record(subject))
            if (const auto place = place_of(cases, *record)) days_of_records_[*place] = record->day;
}

void finding_judge::judge_touched(run& now)
{
    std::unordered_set<entry_index> people;
    std::unordered_set<entry_index> records;
    for_each_touched(
        now,
        [&](const held_thing& pupil) {
            if (people.insert(pupil.subject).second) judge_pupil(now, pupil);
        },
        [&](what kind, const held_thing& thing) {
            if (records.insert(thing.subject).second) judge_record(now, kind, thing);
        }
    );
}

// In the order in which everybody is judged: the entries are the same.
void finding_judge::judge_touched_and_concerned(run& now)
{
    std::unordered_set<entry_index> people(concerned_.begin(), concerned_.end());
    std::unordered_set<entry_index> records;
    for_each_touched(
        now,
        [&](const held_thing& pupil) { people.insert(pupil.subject); },
        [&](what, const held_thing& thing) { records.insert(thing.subject); }
    );
    for (const held_thing& pupil : now.held.things(what::pupil).all())
        if (people.contains(pupil.subject)) judge_pupil(now, pupil);
    for (const what kind : kinds_of_record)
        for (const held_thing& thing : now.held.things(kind).all())
            if (records.contains(thing.subject)) judge_record(now, kind, thing);
}

// Whether a record may be judged otherwise than before because time went by.
bool finding_judge::moves(const run& now, const held_thing& record) const
{
    if (!now.settled) return true;
    if (record.day) return *record.day > *now.settled;
    const case_record* known = now.held.cases().find_record(record.subject);
    return known && known->day && *known->day > *now.settled;
}

void finding_judge::judge_everybody(run& now)
{
    std::unordered_set<entry_index> touched = {
        now.read.reading.touched_records().begin(), now.read.reading.touched_records().end()};
    if (now.settled)
        for_each_touched(
            now, [](const held_thing&) {}, [&](what, const held_thing& thing) { touched.insert(thing.subject); }
        );
    const auto is_due = [&](const held_thing& thing) { return moves(now, thing) || touched.contains(thing.subject); };
    for (const held_thing& pupil : now.held.things(what::pupil).all()) {
        if (pupil.source == mis_)
            judge_pupil(now, pupil);
        else if (is_due(pupil))
            judge_record(now, what::pupil, pupil);
    }
    for (const what kind : kinds_of_record)
        for (const held_thing& thing : now.held.things(kind).all())
            if (is_due(thing)) judge_record(now, kind, thing);

    for (const std::string_view kind : events) {
        const auto open = now.held.open_findings().find(kind);
        if (open == now.held.open_findings().end()) continue;
        for (const auto& [pupil, id] : open->second) {
            const auto payload =
                json_document::parse(now.held.payload_of(*now.held.things(what::finding).find_subject(id)));
            const auto opened =
                payload ? parse_instant(payload->root()["opened_at"].string_if().value_or("")) : std::nullopt;
            if (!opened) continue;
            const civil_day opened_on = day_of(now.read.zone.to_local(*opened));
            if (calendar_.school_days_between(opened_on, now.context.today) > event_shown_days ||
                settings_.off.contains(kind))
                now.judged.push_back(id);
        }
    }
}

// What is about no pupil or record of its own: sources, people of other systems, and what this read saw.
void finding_judge::judge_rest(run& now)
{
    const closing_read& read = now.read;
    const auto want = [&](std::string_view kind, findings&& made) {
        if (!settings_.off.contains(kind)) std::move(made.begin(), made.end(), std::back_inserter(now.found));
    };
    const auto want_one = [&](std::string_view kind, std::optional<finding>&& made) {
        if (made && !settings_.off.contains(kind)) now.found.push_back(std::move(*made));
    };
    for (const freshness& each : read.sources)
        want_one("source-stale", stale_finding(each, calendar_, read.now, read.at, read.zone));
    want_one("source-incomplete", incomplete_finding(read.reading.source(), read.failures));
    want("totals-differ", differing_totals(read.statement));
    if (read.possible) want_one("totals-differ", differing_possible(read.reading.source(), *read.possible));
    want("mark-duplicate", duplicate_marks(now.context, read.reading));
    want("mark-amended-late", late_amendments(now.context, read.reading));
    findings identities = identity_changes(now.context, read.reading);
    std::erase_if(identities, [&](const finding& each) { return settings_.off.contains(each.kind); });
    std::move(identities.begin(), identities.end(), std::back_inserter(now.found));
    for (const full_list& list : read.lists) {
        findings made;
        strangers(now.context, list, made);
        for (finding& each : made)
            if (!settings_.off.contains(each.kind)) now.found.push_back(std::move(each));
    }

    const std::string& source = read.reading.source();
    if (read.lists_actions)
        want(
            "action-not-in-safeguarding",
            actions_not_held(now.context, source, read.actions, reported_actions(now.context, source, read.actions))
        );
    const auto marks_from = read.marks_closed ? read.reading.marks_read_from() : std::nullopt;
    const auto is_judged = [&](std::string_view kind, std::string_view key) {
        const std::string_view of = key.substr(kind.size() + 1);
        const finding_kind* known = find_finding_kind(kind);
        if (!known) return false;
        if (kind == "action-not-in-safeguarding") return read.lists_actions && of.starts_with(source + "/");
        if (known->how == how::by_list)
            return std::ranges::any_of(read.lists, [&](const full_list& list) {
                return of.starts_with(list.source + "/");
            });
        if (kind == "source-stale") return true;
        if (kind == "source-incomplete") return of == source;
        if (kind == "totals-differ" && of == source + "/possible-sessions") return read.possible.has_value();
        if (kind == "totals-differ")
            return std::ranges::any_of(read.statement, [&](const statement_row& row) {
                return row.not_read.empty() && of == row.source + "/" + std::string(name_of(row.record));
            });
        if (kind == "mark-duplicate") {
            // Only a read that covered the session can say that its second mark is gone.
            const std::size_t day_at = of.find('/');
            const auto day = day_at == of.npos ? std::nullopt : parse_day(of.substr(day_at + 1, 10));
            return marks_from && day && (!*marks_from || **marks_from <= *day);
        }
        return false;
    };
    for (const auto& [kind, open] : now.held.open_findings()) {
        const finding_kind* known = find_finding_kind(kind);
        if (!known || (known->how != how::by_list && known->how != how::by_source && known->how != how::by_read))
            continue;
        for (const auto& [subject, id] : open)
            if (is_judged(kind, now.held.things(what::finding).find_subject(id)->key)) now.judged.push_back(id);
    }
}

std::vector<draft> finding_judge::judge(const held_state& held, const closing_read& read)
{
    look_at(held);
    run now{
        held, read, {held, calendar_, days_, settings_}, held.find_register(mis_), {}, {}, {}, {}, {}, {}, {}, {}, {}};
    if (now.marks && !gate_) gate_.emplace(*now.marks, calendar_);
    if (gate_) gate_->know_read(read.marks);
    finding_context& context = now.context;
    context.gate = gate(held);
    context.mis = mis_;
    context.today = day_of(read.now);
    if (read.marks.through) context.marks_through = day_of(*read.marks.through);
    context.knows_suspensions = read.knows_suspensions;
    context.uses_pm_sign = now.marks && is_present(*now.marks, "\\");
    context.lists = read.lists;
    context.elsewhere = &elsewhere_;
    context.in_review = &in_review_;
    context.flags = read.flags;
    now.open_of_marks = now.open_of(about_marks_);
    now.open_of_pupils = now.open_of(about_pupils_);
    now.open_of_records = now.open_of(about_records_);
    now.open_of_contradictions = now.open_of(std::span(&contradiction, 1));

    std::string judged_at = format_day(context.today);
    for (const half_day half : {half_day::am, half_day::pm})
        for (const local_instant counts : calendar_.counting_moments({context.today, half}))
            judged_at += counts <= read.now ? '+' : '-';
    judged_at += context.marks_through ? format_day(*context.marks_through) : std::string();
    std::string judged_for = context.knows_suspensions ? "S" : "-";
    judged_for += context.uses_pm_sign ? 'P' : '-';
    judged_for += format_day(monday_of(context.today)); // whatever was missed stands no longer than a week
    for (const full_list& list : read.lists)
        judged_for += list.source + (list.covers_roll ? '+' : '-');
    const bool is_register_anew = now.marks && unusual_.follow(*now.marks, read.reading, mis_, context.marks_through);
    find_concerned(held, forms_changed(read));
    now.whole = {concerned_.begin(), concerned_.end()};
    for (const entry_index ref : read.reading.touched_cases())
        now.whole.insert(person_of(held, ref));
    const bool is_all_moved = judged_for != judged_for_ || read.reading.pupils_changed() ||
                              read.reading.records_moved() || read.links_changed || is_register_anew;
    if (is_all_moved || judged_at != judged_at_) {
        std::optional<civil_day> to = context.marks_through;
        if (to) to = std::min(*to, context.today);
        const bool is_moved = know_people(now);
        // A clock that was put back unsettles what had settled.
        const bool is_later = judged_to_ && to && *judged_to_ <= *to;
        if (!is_all_moved && !is_moved && is_later) now.settled = settled_day();
        judge_everybody(now);
        judged_for_ = std::move(judged_for);
        judged_at_ = std::move(judged_at);
        judged_to_ = to;
    } else {
        now.settled = settled_day();
        if (concerned_.empty())
            judge_touched(now);
        else
            judge_touched_and_concerned(now);
    }
    know_days(now, is_all_moved);
    judge_rest(now);
    now.wanted.take(held, std::move(now.found));
    return finding_entries(held, now.wanted, now.judged, read.at);
}

} // namespace rollbook
