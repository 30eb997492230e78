#include "daemon/reports/subject_access.hpp"

#include "daemon/base/ascii.hpp"
#include "daemon/base/spoken.hpp"
#include "daemon/base/utf8.hpp"
#include "daemon/domain/code_book.hpp"
#include "daemon/reports/pupil_cells.hpp"
#include "daemon/views/entries.hpp"
#include "daemon/views/pupil.hpp"
#include "daemon/views/text.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace rollbook {
namespace {

constexpr std::string_view name_withheld = "[name withheld]";

// The character that `text` begins with, and how many bytes it is; a byte that begins none is one by itself.
struct character {
    char32_t code = U'\uFFFD';
    std::size_t size = 1;
};

character first_of(std::string_view text)
{
    const std::size_t size = utf8_length(text);
    if (size == 0) return {};
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    constexpr std::array<unsigned, 5> own_bits = {0, 0x7F, 0x1F, 0x0F, 0x07};
    char32_t code = byte(0) & own_bits[size];
    for (std::size_t at = 1; at < size; ++at)
        code = code << 6 | (byte(at) & 0x3Fu);
    return {code, size};
}

bool is_letter_of(char32_t code)
{
    if (code < 0x80) return is_letter(static_cast<char>(code));
    const bool is_sign = code < 0xC0 || code == 0xD7 || code == 0xF7 || (code >= 0x2000 && code <= 0x2BFF) ||
                         (code >= 0x3000 && code <= 0x303F) || code >= 0xFE00;
    return !is_sign;
}

// What may stand within a name: an apostrophe as ', a hyphen as -; 0 for all else.
char joins(char32_t code)
{
    if (code == U'\'' || code == U'\u2018' || code == U'\u2019' || code == U'\u02BC') return '\'';
    return code == U'-' || code == U'\u2010' || code == U'\u2011' ? '-' : '\0';
}

// The small letter of the alphabets that names in England are written in: Latin, Greek and Cyrillic.
char32_t small(char32_t code)
{
    const auto is_in = [&](char32_t first, char32_t last) { return code >= first && code <= last; };
    if (is_in(U'A', U'Z') || (is_in(0xC0, 0xDE) && code != 0xD7) || is_in(0x391, 0x3A9) || is_in(0x410, 0x42F))
        return code + 0x20;
    if (is_in(0x400, 0x40F)) return code + 0x50;
    if (code == 0x178) return 0xFF;
    const bool has_even_capitals = is_in(0x100, 0x137) || is_in(0x14A, 0x177) || is_in(0x218, 0x21B);
    const bool has_odd_capitals = is_in(0x139, 0x148) || is_in(0x179, 0x17E);
    if ((has_even_capitals && code % 2 == 0) || (has_odd_capitals && code % 2 == 1)) return code + 1;
    return code;
}

void append(std::string& to, char32_t code)
{
    const auto last = [&](int shift) { return static_cast<char>(0x80 | (code >> shift & 0x3F)); };
    if (code < 0x80)
        to += static_cast<char>(code);
    else if (code < 0x800)
        (to += static_cast<char>(0xC0 | code >> 6)) += last(0);
    else if (code < 0x10000)
        ((to += static_cast<char>(0xE0 | code >> 12)) += last(6)) += last(0);
    else
        (((to += static_cast<char>(0xF0 | code >> 18)) += last(12)) += last(6)) += last(0);
}

// Calls use(at, length, word) for each word, as small letters with plain apostrophes and hyphens within it, and without
// the s that says whose something is.
template <class F> void each_word(std::string_view text, F&& use)
{
    for (std::size_t at = 0; at < text.size();) {
        std::string word;
        std::size_t end = at;
        while (end < text.size()) {
            const character here = first_of(text.substr(end));
            const char join = joins(here.code);
            const bool is_within = join != 0 && end > at && end + here.size < text.size() &&
                                   is_letter_of(first_of(text.substr(end + here.size)).code);
            if (is_within)
                word += join;
            else if (is_letter_of(here.code))
                append(word, small(here.code));
            else
                break;
            end += here.size;
        }
        if (end == at) {
            at += first_of(text.substr(at)).size;
            continue;
        }
        if (word.ends_with("'s")) word.resize(word.size() - 2);
        use(at, end - at, word);
        at = end;
    }
}

// Takes other people's names out of texts: every word that is part of a name that another pupil or an adult has, or
// had, in a record, and of no name of who the file is about. Rather one word too many than one too few.
class redactor {
public:
    explicit redactor(const report_question& asked)
    {
        std::set<std::string> own;
        const auto take_all = [&](std::set<std::string>& into, const thing_view& record) {
            // Who has left has no name in the version that stands.
            asked.at.reader.history(record.subject, asked.at.n, [&](const thing_view& version) {
                const auto document = json_document::parse(std::string(version.payload));
                if (!document) return true;
                for (const char* part : {"forename", "surname", "legal_forename", "legal_surname"})
                    take(into, document->root()["fields"][part].string_if().value_or(""));
                return true;
            });
        };
        asked.at.reader.things_unread(what::pupil, asked.at.n, [&](const thing_view& each) {
            take_all(asked.everyone.person_of(each.subject) == asked.pupil ? own : others_, each);
            return true;
        });
        asked.at.reader.things_unread(what::adult, asked.at.n, [&](const thing_view& each) {
            take_all(others_, each);
            return true;
        });
        for (const std::string& each : own)
            others_.erase(each);
    }

    std::string operator()(std::string_view text)
    {
        std::string out;
        std::size_t done = 0;
        each_word(text, [&](std::size_t at, std::size_t length, const std::string& word) {
            if (!others_.contains(word)) return;
            // Forename and surname in a row are one name.
            if (done == 0 || text.substr(done, at - done) != " ") {
                out.append(text.substr(done, at - done)).append(name_withheld);
                ++names;
            }
            done = at + length;
        });
        return out.append(text.substr(done));
    }

    std::int64_t names = 0;

private:
    static void take(std::set<std::string>& into, std::string_view name)
    {
        each_word(name, [&](std::size_t, std::size_t length, const std::string& word) {
            if (length > 1) into.insert(word);
        });
    }
    std::set<std::string> others_;
};

struct withheld {
    std::int64_t adults = 0;     // names of parents and carers
    std::int64_t narratives = 0; // sealed to the safeguarding lead
    std::int64_t reasons = 0;    // why a marker stands, or a pupil was opened to an auditor
};

// What stands of one kind about the pupil records.
template <class F>
void each_of(const report_question& asked, what kind, const std::vector<entry_index>& records, F&& use)
{
    for (const entry_index record : records)
        asked.at.reader.things_of(kind, record, asked.at.n, [&](const thing_view& each) {
            use(each);
            return true;
        });
}

// One row for each field of a source's record.
void add_fields(
    std::vector<std::vector<std::string>>& rows,
    const report_question& asked,
    const thing_view& each,
    redactor& redact,
    withheld& kept_back
)
{
    const auto document = json_document::parse(std::string(each.payload));
    if (!document) return;
    const std::string learned(document->root()["learned_by"].string_if().value_or(""));
    const auto at = parse_instant(learned);
    document->root()["fields"].for_each([&](std::string_view key, json_view value) {
        std::string text;
        if (const auto words = value.string_if()) {
            text = *words;
        } else {
            json_writer out(text);
            value.write_canonical(out);
        }
        if (key == "narrative") {
            ++kept_back.narratives;
            text = "[sealed]";
        } else if (each.kind == what::adult && (key == "forename" || key == "surname")) {
            ++kept_back.adults;
            text = name_withheld;
        } else if (each.kind != what::pupil) {
            text = redact(text);
        }
        rows.push_back(
            {std::string(name_of(each.kind)),
             std::string(key),
             plain(text),
             std::string(each.source),
             at ? clock_text(*at, asked.at.zone) : "",
             std::to_string(each.entry)}
        );
    });
}

// Few marks have one, and the others need no reading to say so.
std::string comment_in(std::string_view payload)
{
    if (payload.find("\"comment\"") == payload.npos) return {};
    const auto document = json_document::parse(std::string(payload));
    return std::string(document ? document->root()["comment"].string_if().value_or("") : "");
}

report_table marks_of(const report_question& asked, const std::vector<entry_index>& records, redactor& redact)
{
    report_table table{
        "Marks",
        {{"date", "Date"},
         {"session", "Session"},
         {"mark", "Mark"},
         {"meaning", "Meaning"},
         {"minutes", "Minutes late", true},
         {"comment", "Comment"},
         {"source", "Source"},
         {"entry", "Entry", true}},
        {}};
    const day_range days{
        asked.from.value_or(civil_day(std::chrono::days(-1'000'000))),
        asked.to.value_or(civil_day(std::chrono::days(1'000'000)))};
    code_book codes;
    for (const entry_index record : records)
        asked.at.reader.marks_of_days(record, days, asked.at.n, true, [&](const mark_view& held) {
            const statutory_code* code = codes.row_on(codes.intern(held.raw, held.statutory), held.session.day);
            table.rows.push_back(
                {format_day(held.session.day),
                 std::string(name_of(held.session.half)),
                 plain(held.raw),
                 code ? std::string(code->meaning) : "not a code of the statutory list",
                 held.minutes >= 0 ? std::to_string(held.minutes) : "",
                 plain(redact(comment_in(held.payload))),
                 std::string(held.source),
                 std::to_string(held.entry)}
            );
            return true;
        });
    return table;
}

report_table alerts_and_actions(const report_question& asked, const timeline& all, redactor& redact)
{
    report_table table{
        "Alerts, and what was done",
        {{"at", "When"},
         {"kind", "What"},
         {"state", "State"},
         {"said", "In words"},
         {"by", "By"},
         {"entry", "Entry", true}},
        {}};
    for (const alert& each : all.alerts)
        table.rows.push_back(
            {clock_text(each.opened_at, asked.at.zone),
             "alert: " + each.rule + ", " + each.stage,
             std::string(name_of(each.state)),
             redact(each.reason),
             "",
             std::to_string(each.latest)}
        );
    for (const case_action& each : all.actions)
        table.rows.push_back(
            {clock_text(each.at, asked.at.zone),
             each.kind,
             each.is_done ? (each.outcome.empty() ? "done" : each.outcome) : "open",
             plain(redact(each.outcome_text.empty() ? each.text : each.text + " / " + each.outcome_text)),
             each.by.empty() ? each.user : each.by,
             std::to_string(each.latest)}
        );
    return table;
}

// Markers, holds and the like: that they were put there, and not why.
report_table settings_of(const report_question& asked, const std::vector<entry_index>& records, withheld& kept_back)
{
    report_table table{"Markers and holds", {{"name", "What"}, {"state", "State"}, {"entry", "Entry", true}}, {}};
    each_of(asked, what::settings, records, [&](const thing_view& each) {
        const auto document = json_document::parse(std::string(each.payload));
        if (!document) return;
        const json_view value = document->root()["value"];
        kept_back.reasons += !value["reason"].string_if().value_or("").empty();
        table.rows.push_back(
            {std::string(each.key.substr(0, each.key.find('/'))),
             std::string(value["state"].string_if().value_or("")),
             std::to_string(each.entry)}
        );
    });
    return table;
}

// Messages and views, as receipts and access entries tell them.
report_table told_and_seen(const report_question& asked, const std::vector<entry_index>& records)
{
    report_table table{
        "Who was told, and who looked",
        {{"at", "When"}, {"kind", "What"}, {"who", "Route or person"}, {"entry", "Entry", true}},
        {}};
    for (const what kind : {what::delivery, what::access})
        each_of(asked, kind, records, [&](const thing_view& each) {
            const auto document = json_document::parse(std::string(each.payload));
            if (!document) return;
            const json_view root = document->root();
            const auto text = [&](std::string_view key) { return std::string(root[key].string_if().value_or("")); };
            const auto at = parse_instant(text("at"));
            const bool is_message = kind == what::delivery;
            table.rows.push_back(
                {at ? clock_text(*at, asked.at.zone) : "",
                 is_message ? "message " + text("type") : "looked: " + text("view"),
                 text(is_message ? "route" : "user"),
                 std::to_string(each.entry)}
            );
        });
    return table;
}

report_table what_is_withheld(const withheld& kept_back, std::int64_t names)
{
    report_table table{
        "What is withheld, and why", {{"what", "What"}, {"count", "How often", true}, {"why", "Why"}}, {}};
    const auto add = [&](std::string what, std::int64_t count, std::string why) {
        table.rows.push_back({std::move(what), std::to_string(count), std::move(why)});
    };
    const std::string others = "They tell of other people (UK GDPR art. 15(4); Data Protection Act 2018, Schedule 2 "
                               "paragraph 16).";
    add("Other people's names in texts", names, others);
    add("Names of parents and carers", kept_back.adults, others);
    add("Narratives of concerns",
        kept_back.narratives,
        "They are sealed to the safeguarding lead, and Rollbook cannot read them. Whether they are given is the "
        "lead's decision (Data Protection Act 2018, Schedule 3: serious harm).");
    add("Reasons of markers, holds and openings",
        kept_back.reasons,
        "They may tell of a protection plan or of other people. Whether they are given is the lead's decision (Data "
        "Protection Act 2018, Schedules 2 and 3).");
    return table;
}

} // namespace

report subject_access(const report_question& asked)
{
    const std::vector<entry_index> own = asked.everyone.records_of(asked.pupil);
    redactor redact(asked);
    withheld kept_back;
    report made;
    made.title = "What is held about one person";
    made.columns = {
        {"kind", "Record"},
        {"field", "Field"},
        {"said", "Says"},
        {"source", "Source"},
        {"learned", "Known since"},
        {"entry", "Entry", true}};
    // Incidents and concerns are told by what the person's part in them names.
    std::set<std::array<std::string, 3>> parts;
    for (const what kind :
         {what::pupil, what::adult, what::involvement, what::suspension, what::lesson_mark, what::action})
        each_of(asked, kind, own, [&](const thing_view& each) {
            if (each.gone) return;
            // What is no source's record is an action of the school's, and told below.
            if (kind == what::action && each.source.empty()) return;
            add_fields(made.rows, asked, each, redact, kept_back);
            const auto document = json_document::parse(std::string(each.payload));
            if (kind != what::involvement || !document) return;
            const json_view fields = document->root()["fields"];
            parts.insert(
                {std::string(fields["of"].string_if().value_or("")),
                 std::string(each.source),
                 std::string(fields["record"].string_if().value_or(""))}
            );
        });
    for (const what kind : {what::incident, what::concern})
        for (const auto& [of, source, id] : parts) {
            if (of != name_of(kind)) continue;
            asked.at.reader.things_by_id(kind, source, id, asked.at.n, [&](const thing_view& each) {
                add_fields(made.rows, asked, each, redact, kept_back);
                return true;
            });
        }
    timeline all;
    all.person = asked.pupil;
    all.days = asked.days(school_calendar::academic_year_start(asked.today()));
    read_timeline(asked.at, asked.everyone, {all.days.first, all.days.last}, all);
    made.more = {
        marks_of(asked, own, redact),
        alerts_and_actions(asked, all, redact),
        settings_of(asked, own, kept_back),
        told_and_seen(asked, own)};
    made.more.push_back(what_is_withheld(kept_back, redact.names));
    made.notes = {
        "About " + asked.reference(asked.pupil) + ", as known on " + spoken_date(asked.today()) +
            ". Earlier versions of a record are in the ledger under the same number.",
        "Read it before it is handed over: people who are spoken of without their name, and staff, are not found by a "
        "program.",
        "Why it is held, for how long and for whom: the report \"What Rollbook reads, and why\". Who asks for it may "
        "have "
        "it corrected or erased, and may complain to the Information Commissioner.",
    };
    return made;
}

} // namespace rollbook
