#include "connectors/mapping/row_mapper.hpp"

#include "connectors/mapping/values.hpp"
#include "daemon/base/canonical_json.hpp"
#include "daemon/base/sha256.hpp"

#include <algorithm>
#include <array>
#include <variant>

namespace rollbook {

namespace {

using field_kind = mappable_field::kind;
using field_part = mappable_field::part;

constexpr std::size_t text_bytes_max = 2'000; // of a field that is kept
constexpr std::size_t narrative_bytes_max = 20'000;
constexpr std::size_t list_items_max = 200; // linked pupils, categories
constexpr std::size_t kept_bytes_max = 500; // of a cell in quarantine
constexpr std::int64_t minutes_of_a_day = 24 * 60;

bool is_figures(std::string_view text)
{
    return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

// "1.23457E+12": what a spreadsheet makes of a long number.
bool is_scientific(std::string_view text)
{
    const auto e = text.find_first_of("Ee");
    if (e == text.npos || e == 0 || text[0] < '0' || text[0] > '9') return false;
    std::string_view power = text.substr(e + 1);
    if (!power.empty() && (power[0] == '+' || power[0] == '-')) power.remove_prefix(1);
    const std::string_view mantissa = text.substr(0, e);
    const bool plain = mantissa.find_first_not_of("0123456789.,") == mantissa.npos;
    return plain && is_figures(power) && (mantissa.find('.') != mantissa.npos || text.find_first_of("+-") != text.npos);
}

// "45936" or "45936.47": a spreadsheet's count of days since 1900, in this century.
bool is_day_number(std::string_view text)
{
    const std::string_view whole = text.substr(0, text.find('.'));
    return is_figures(whole) && whole.size() == 5;
}

// Whether a flag holds. Empty for a text that is neither yes nor no, where the mapping names no text of its own.
std::optional<bool> says_yes(const mapped_column& column, std::string_view value)
{
    const auto is_one_of = [&](const auto& texts) {
        return std::ranges::any_of(texts, [&](std::string_view text) { return same_text(value, text); });
    };
    if (!column.yes.empty()) return is_one_of(column.yes);
    if (is_one_of(std::array<std::string_view, 4>{"true", "yes", "y", "1"})) return true;
    if (value.empty() || is_one_of(std::array<std::string_view, 4>{"false", "no", "n", "0"})) return false;
    return std::nullopt;
}

std::uint64_t short_digest(std::initializer_list<std::string_view> parts)
{
    sha256_stream sum;
    for (const std::string_view part : parts)
        sum.add(std::to_string(part.size())).add(":").add(part);
    const hash all = sum.finish();
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < 8; ++i)
        out = out << 8 | all[i];
    return out;
}

std::string clock_time(local_instant at)
{
    const auto minutes = std::chrono::floor<std::chrono::minutes>(at - day_of(at)).count();
    const auto two = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
    return two(minutes / 60) + ":" + two(minutes % 60);
}

std::string wall_clock_text(const read_time& at)
{
    std::string out = format_day(day_of(at.local));
    if (!at.has_time) return out;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(at.local - day_of(at.local)).count() % 60;
    return out + "T" + clock_time(at.local) + (seconds < 10 ? ":0" : ":") + std::to_string(seconds);
}

bool is_unrecorded(std::string_view code)
{
    return code.empty() || code == "-";
}

bool is_shared(what kind)
{
    return kind == what::concern || kind == what::incident;
}

} // namespace

// What one row says, field by field.
struct row_mapper::read_row {
    using value = std::variant<std::string, std::int64_t, std::vector<std::string>>;
    std::map<std::string_view, value> record;           // by canonical field
    std::map<std::string_view, value> involvement;      // likewise
    std::map<const mappable_field*, std::string> words; // every field as it counts in a key
    std::vector<std::string> linked;
    pupil_words pupil;
    std::string pupil_id;
    std::string author;
    std::string when; // of the record, canonical text
    std::optional<civil_day> day;
    std::optional<civil_day> entered_on;
    std::optional<instant> entered;
    half_day half = half_day::am;
};

row_mapper::row_mapper(const record_mapping& mapping, const time_zone& zone, bool tells_pupils)
    : mapping_(mapping), tells_pupils_(tells_pupils)
{
    dates_.reserve(mapping.columns.size());
    for (const mapped_column& column : mapping.columns)
        dates_.emplace_back(column.formats, zone);
}

void row_mapper::rewind()
{
    told_.clear();
    keyed_.clear();
}

void row_mapper::forget()
{
    rewind();
    pupils_ = {};
}

bool row_mapper::read_pupil(const table_row& row, pupil_words& into, std::string& why)
{
    for (std::size_t i = 0; i < mapping_.columns.size(); ++i) {
        const mapped_column& column = mapping_.columns[i];
        const mappable_field& field = *column.field;
        if (field.of != field_part::pupil) continue;
        const table_cell& cell = row.cells[i];
        const auto no = [&](std::string_view what) {
            why.assign(field.name).append(1, ' ').append(what);
            return false;
        };
        if (!cell.wrong.empty()) return no(cell.wrong);
        std::string value(trimmed(cell.text));
        if (value.size() > text_bytes_max) return no("is longer than any such value");
        if (field.is == field_kind::flag) {
            if (value.empty() && column.is_optional) continue; // not said
            const auto holds = says_yes(column, value);
            if (!holds) return no("is neither yes nor no: say in the mapping which texts mean yes, with \"in\"");
            std::string& list = into.fields[std::string(flags_field)];
            if (*holds) list.append(list.empty() ? "" : " ").append(field.target);
            continue;
        }
        if (value.empty()) continue;
        if (field.is == field_kind::upn) {
            if (is_scientific(value)) return no("was turned into a number by a spreadsheet");
            value = upn_form(value);
            if (value.empty()) return no("does not have the form of a UPN");
        } else if (field.is == field_kind::id) {
            if (is_scientific(value)) return no("was turned into a number by a spreadsheet");
            if (column.digits > 0 && is_figures(value) && value.size() < static_cast<std::size_t>(column.digits))
                return no("has lost its leading zeros");
        } else if (field.is == field_kind::day) {
            const auto day = cell.is == table_cell::kind::date ? parse_day(value.substr(0, 10)) : dates_[i].day(value);
            if (!day)
                return no(
                    is_day_number(value) ? "is a spreadsheet's day number, not a date"
                                         : "is a date in none of its forms"
                );
            value = format_day(*day);
        }
        if (field.target.empty())
            into.own_id = std::move(value);
        else
            into.fields.emplace(field.target, std::move(value));
    }
    return true;
}

bool row_mapper::learn(const table_row& row)
{
    pupil_words said;
    std::string ignored;
    if (!row.wrong.empty() || !read_pupil(row, said, ignored)) return true;
    return pupils_.learn(said);
}

bool row_mapper::read_value(std::size_t at, const table_row& row, read_row& into, std::string& why)
{
    const mapped_column& column = mapping_.columns[at];
    const mappable_field& field = *column.field;
    const table_cell& cell = row.cells[at];
    const auto no = [&](std::string_view what) {
        why.assign(field.name).append(1, ' ').append(what);
        return false;
    };
    if (!cell.wrong.empty()) return no(cell.wrong);
    const std::string text(trimmed(cell.text));
    if (text.empty() && field.is != field_kind::code) return field.is_required ? no("is empty") : true;
    if (text.size() > (field.is == field_kind::narrative ? narrative_bytes_max : text_bytes_max))
        return no("is longer than any such value");
    auto& values = field.of == field_part::involvement ? into.involvement : into.record;
    into.words[&field] = text;
    const auto not_a_date = [&] {
        return no(is_day_number(text) ? "is a spreadsheet's day number, not a date" : "is a date in none of its forms");
    };
    switch (field.is) {
    case field_kind::text:
        if (field.of == field_part::key)
            into.author = text;
        else
            values[field.target] = text;
        return true;
    case field_kind::id:
        if (is_scientific(text)) return no("was turned into a number by a spreadsheet");
        if (column.digits > 0 && is_figures(text) && text.size() < static_cast<std::size_t>(column.digits))
            return no("has lost its leading zeros");
        if (!field.target.empty()) values[field.target] = text;
        return true;
    case field_kind::list: {
        std::vector<std::string> list = column.split ? split_list(text, column.split) : std::vector<std::string>{text};
        drop_repeats(list);
        if (list.size() > list_items_max) return no("has too many values");
        if (!list.empty()) values[field.target] = std::move(list);
        return true;
    }
    case field_kind::pupils:
        into.linked = column.split ? split_list(text, column.split) : std::vector<std::string>{text};
        if (into.linked.size() > list_items_max) return no("has too many values");
        if (std::any_of(into.linked.begin(), into.linked.end(), is_scientific))
            return no("was turned into a number by a spreadsheet");
        return true;
    case field_kind::number: {
        const auto number = whole_number(text);
        if (!number || std::abs(*number) > 1'000'000) return no("is not a whole number");
        values[field.target] = *number;
        return true;
    }
    case field_kind::day: {
        const auto day = cell.is == table_cell::kind::date ? parse_day(text.substr(0, 10)) : dates_[at].day(text);
        if (!day) return not_a_date();
        if (mapping_.record == what::session_mark && !is_register_day(*day))
            return no("is outside the years that a register can hold");
        const std::string as_text = format_day(*day);
        into.words[&field] = as_text;
        if (field.is_required) {
            into.day = day;
            into.when = as_text;
        }
        values[field.target] = as_text;
        return true;
    }
    case field_kind::wall_clock: {
        std::optional<read_time> time =
            cell.is == table_cell::kind::date ? date_reader().local(text) : dates_[at].local(text);
        if (!time) return not_a_date();
        into.day = day_of(time->local);
        into.when = wall_clock_text(*time);
        into.words[&field] = into.when;
        if (mapping_.record == what::incident) {
            values["day"] = format_day(*into.day);
            if (time->has_time) values["time"] = clock_time(time->local);
        } else {
            values[field.target] = into.when;
        }
        return true;
    }
    case field_kind::moment: {
        // A spreadsheet's own date is the school's wall clock, as that of a form without a zone.
        date_reader plain({"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"}, dates_[at].zone());
        const auto moment = (cell.is == table_cell::kind::date ? plain : dates_[at]).moment(text, {});
        if (!moment) return not_a_date();
        into.entered = moment;
        const auto zone = dates_[at].zone();
        into.entered_on = day_of(zone ? zone->to_local(*moment) : time_zone::utc().to_local(*moment));
        values[field.target] = format_instant(*moment);
        into.words[&field] = format_instant(*moment);
        return true;
    }
    case field_kind::half: {
        const auto half = parse_half_day(text);
        if (!half) return no("is neither AM nor PM");
        into.half = *half;
        return true;
    }
    case field_kind::code:
    case field_kind::narrative: values[field.target] = text; return true;
    case field_kind::upn:
    case field_kind::flag: return true;
    }
    return true;
}

bool row_mapper::read(const table_row& row, read_row& into, std::string& why)
{
    if (!row.wrong.empty()) {
        why = row.wrong;
        return false;
    }
    if (!read_pupil(row, into.pupil, why)) return false;
    into.pupil_id = pupils_.id_of(into.pupil);
    for (std::size_t i = 0; i < mapping_.columns.size(); ++i)
        if (mapping_.columns[i].field->of != field_part::pupil && !read_value(i, row, into, why)) return false;
    if (into.pupil_id.empty() && into.linked.empty()) {
        why = "the row names no pupil";
        return false;
    }
    if (const mappable_field* field = missing_of_key(into)) {
        why = std::string(field->name) + " is empty, and is part of the key";
        return false;
    }
    rename(into);
    return true;
}

// The first field of the key that the row does not give.
const mappable_field* row_mapper::missing_of_key(const read_row& row) const
{
    const auto missing = std::ranges::find_if(mapping_.key, [&](const mappable_field* field) {
        const auto word = row.words.find(field);
        return field->of != field_part::pupil && (word == row.words.end() || word->second.empty());
    });
    return missing == mapping_.key.end() ? nullptr : *missing;
}

void row_mapper::rename(read_row& row) const
{
    const auto dated = row.entered_on ? row.entered_on : row.day;
    for (const value_rename& change : mapping_.renames) {
        if (dated && *dated >= change.since) continue;
        const auto at = row.record.find(change.field->target);
        if (at == row.record.end()) continue;
        if (auto* text = std::get_if<std::string>(&at->second)) {
            if (*text == change.from) *text = change.to;
        } else if (auto* list = std::get_if<std::vector<std::string>>(&at->second)) {
            std::replace(list->begin(), list->end(), change.from, change.to);
            drop_repeats(*list);
        }
    }
}

std::vector<std::string> row_mapper::pupils_of(const read_row& row) const
{
    std::vector<std::string> all;
    if (!row.pupil_id.empty()) all.push_back(row.pupil_id);
    for (const std::string& named : row.linked)
        all.push_back(pupils_.id_of(named));
    drop_repeats(all);
    return all;
}

std::string row_mapper::key_of(const read_row& row, const std::vector<std::string>& pupils) const
{
    std::string out;
    for (const mappable_field* field : mapping_.key) {
        const auto word = row.words.find(field);
        if (!out.empty()) out += '/';
        out += word != row.words.end() ? word->second : row.pupil_id;
    }
    if (!out.empty() || mapping_.record == what::session_mark) return out;
    // The pupils in one order, so that each pupil's own row of a shared incident gives the same key.
    std::vector<std::string> sorted = pupils;
    std::sort(sorted.begin(), sorted.end());
    sha256_stream sum;
    const auto add = [&](std::string_view part) { sum.add(std::to_string(part.size())).add(":").add(part); };
    add(name_of(mapping_.record));
    add(row.when);
    add(row.author);
    for (const std::string& pupil : sorted)
        add(pupil);
    return "derived-" + to_hex(sum.finish()).substr(0, 32);
}

namespace {

void write_value(json_writer& out, const std::variant<std::string, std::int64_t, std::vector<std::string>>& value)
{
    if (const auto* text = std::get_if<std::string>(&value)) {
        out.value(*text);
    } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
        out.value(*number);
    } else {
        out.begin_array();
        for (const std::string& item : std::get<std::vector<std::string>>(value))
            out.value(item);
        out.end_array();
    }
}

template <class Values> std::string fields_json(const Values& values)
{
    std::string text;
    json_writer out(text);
    out.begin_object();
    for (const auto& [name, value] : values) {
        out.key(name);
        write_value(out, value);
    }
    out.end_object();
    return text;
}

} // namespace

void row_mapper::tell_pupil(const std::string& id, page& out)
{
    if (tells_pupils_ && told_.insert(id).second) out.records.emplace_back(what::pupil, id, id, pupils_.fields_of(id));
}

void row_mapper::add_mark(const read_row& row, const std::string& pupil, std::deque<std::string>& texts, page& out)
{
    const auto kept = [&](const std::string& text) -> std::string_view {
        return text.empty() ? std::string_view() : std::string_view(texts.emplace_back(text));
    };
    const auto text_of = [&](std::string_view field) {
        const auto at = row.record.find(field);
        return at == row.record.end() ? std::string() : std::get<std::string>(at->second);
    };
    reported_mark mark;
    mark.source_id = kept(key_of(row, {pupil}));
    mark.pupil_id = kept(pupil);
    mark.session = {*row.day, row.half};
    const std::string raw = text_of("raw");
    const auto code = mapping_.codes.find(raw);
    mark.raw = kept(raw);
    if (!is_unrecorded(raw)) mark.statutory = kept(code == mapping_.codes.end() ? raw : code->second);
    if (const auto minutes = row.record.find("minutes_late"); minutes != row.record.end())
        mark.minutes_late = static_cast<std::int16_t>(std::get<std::int64_t>(minutes->second));
    mark.comment = kept(text_of("comment"));
    mark.taken_by = kept(text_of("taken_by"));
    mark.amendment = kept(amendment_in(
        text_of("amended_by"), text_of("amended_on"), text_of("amended_by_position"), text_of("amendment_reason")
    ));
    out.newest_day = std::max(out.newest_day.value_or(*row.day), *row.day);
    out.marks.push_back(mark);
}

// A concern or an incident: the record once, and each pupil's part in it.
void row_mapper::add_shared(const read_row& row, const table_row& from, std::uint32_t position, page& out)
{
    const std::vector<std::string> pupils = pupils_of(row);
    const std::string key = key_of(row, pupils);
    std::string fields = fields_json(row.record);
    const auto [first, is_new] = keyed_.emplace(short_digest({key}), short_digest({fields}));
    if (is_new || first->second == short_digest({fields}))
        out.records.emplace_back(mapping_.record, key, std::string(), std::move(fields));
    else
        reject(mapping_.record, "another row has the same key and says otherwise", from, position, out);
    for (const std::string& pupil : pupils) {
        tell_pupil(pupil, out);
        auto part = pupil == row.pupil_id ? row.involvement : decltype(row.involvement)();
        part["day"] = format_day(*row.day);
        part["of"] = std::string(name_of(mapping_.record));
        part["record"] = key;
        out.records.emplace_back(what::involvement, key + "/" + pupil, pupil, fields_json(part));
    }
}

void row_mapper::map(const table_row& from, std::uint32_t position, std::deque<std::string>& texts, page& out)
{
    ++out.rows;
    read_row row;
    std::string why;
    if (!read(from, row, why)) {
        reject(mapping_.record, std::move(why), from, position, out);
        identify(from, out);
        return;
    }
    if (mapping_.record == what::session_mark) {
        const auto minutes = row.record.find("minutes_late");
        if (minutes != row.record.end()) {
            const std::int64_t late = std::get<std::int64_t>(minutes->second);
            if (late < 0 || late > minutes_of_a_day)
                return reject(mapping_.record, "minutes_late is out of range", from, position, out);
        }
    }
    if (row.entered) out.data_as_of = std::max(out.data_as_of.value_or(*row.entered), *row.entered);
    if (is_shared(mapping_.record)) return add_shared(row, from, position, out);
    if (row.pupil_id.empty()) return reject(mapping_.record, "the row names no pupil", from, position, out);
    tell_pupil(row.pupil_id, out);
    if (mapping_.record == what::pupil) return;
    if (mapping_.record == what::session_mark) return add_mark(row, row.pupil_id, texts, out);
    const std::string key = key_of(row, {row.pupil_id});
    std::string fields = fields_json(row.record);
    const auto [first, is_new] = keyed_.emplace(short_digest({key}), short_digest({row.pupil_id, fields}));
    if (!is_new && first->second != short_digest({row.pupil_id, fields}))
        return reject(mapping_.record, "another row has the same key and says otherwise", from, position, out);
    out.records.emplace_back(mapping_.record, key, row.pupil_id, std::move(fields));
}

// A row that cannot be read says all the same which pupils there are, and as a rule which record it is.
void row_mapper::identify(const table_row& from, page& out)
{
    read_row row;
    std::string ignored;
    if (!from.wrong.empty() || !read_pupil(from, row.pupil, ignored)) return;
    row.pupil_id = pupils_.id_of(row.pupil);
    bool is_derivable = true; // where the mapping names no key
    for (std::size_t i = 0; i < mapping_.columns.size(); ++i) {
        const mappable_field& field = *mapping_.columns[i].field;
        if (field.of == field_part::pupil || read_value(i, from, row, ignored)) continue;
        row.words.erase(&field);
        if (field.is == field_kind::pupils) row.linked.clear();
        is_derivable =
            is_derivable && !field.is_required && field.of != field_part::key && field.is != field_kind::pupils;
    }
    const std::vector<std::string> pupils = pupils_of(row);
    for (const std::string& pupil : pupils)
        tell_pupil(pupil, out);
    row_identity& whose = out.rejected.back().whose;
    const bool has_key = mapping_.key.empty() ? is_derivable : missing_of_key(row) == nullptr;
    if (mapping_.record == what::pupil)
        whose.source_id = row.pupil_id;
    else if (has_key && mapping_.record != what::session_mark && !pupils.empty())
        whose.source_id = key_of(row, pupils);
    else if (!is_shared(mapping_.record))
        whose.pupil_id = row.pupil_id;
}

// Keeps of the row what the mapping names, so that a person can see what was wrong with it.
void row_mapper::reject(what kind, std::string why, const table_row& row, std::uint32_t position, page& out) const
{
    std::map<std::string_view, std::string_view> kept;
    for (std::size_t i = 0; i < row.cells.size() && i < mapping_.columns.size(); ++i)
        if (!row.cells[i].text.empty()) kept[mapping_.columns[i].field->name] = row.cells[i].text;
    std::string text;
    json_writer json(text);
    json.begin_object();
    for (const auto& [name, value] : kept) {
        std::string_view cut = value.substr(0, kept_bytes_max);
        while (!cut.empty() && !is_valid_utf8(cut))
            cut.remove_suffix(1);
        json.member(name, cut);
    }
    json.end_object();
    out.rejected.emplace_back(kind, std::move(why), std::move(text), position);
}

std::vector<what> kinds_made(const record_mapping& mapping)
{
    std::vector<what> kinds;
    if (mapping.record != what::pupil) kinds.push_back(mapping.record);
    if (is_shared(mapping.record)) kinds.push_back(what::involvement);
    kinds.push_back(what::pupil);
    return kinds;
}

} // namespace rollbook
