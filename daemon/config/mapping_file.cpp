#include "daemon/base/bytes.hpp"
#include "daemon/base/sha256.hpp"
#include "daemon/config/sections.hpp"
#include "daemon/ports/record_mapping.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

constexpr std::array<std::string_view, 6> record_words = {
    "concern", "incident", "session-mark", "pupil", "suspension", "action"};
constexpr std::size_t columns_max = 200;

// The name as the mapping file writes it; for records that are pupils themselves "upn" is "pupil_upn".
const mappable_field* field_named(what record, const std::string& name)
{
    const mappable_field* found = find_mappable(record, name);
    if (found == nullptr && record == what::pupil) found = find_mappable(record, "pupil_" + name);
    return found;
}

std::string fields_text(what record)
{
    std::vector<std::string_view> names;
    for (const auto fields : {mappable_fields(record), pupil_fields()})
        for (const mappable_field& field : fields)
            if (std::ranges::find(names, field.name) == names.end()) names.push_back(field.name);
    return "one of the fields of a " + std::string(name_of(record)) + ": " + one_of(names);
}

bool is_dated(const mappable_field& field)
{
    using is = mappable_field::kind;
    return field.is == is::day || field.is == is::wall_clock || field.is == is::moment;
}

bool is_plural(const mappable_field& field)
{
    return field.is == mappable_field::kind::list || field.is == mappable_field::kind::pupils;
}

void read_column(table_reader& columns, const std::string& key, const mappable_field& field, mapped_column& into)
{
    into.field = &field;
    const toml_value& value = *columns.find(key);
    if (!std::holds_alternative<toml_value::table>(value.value)) {
        into.from = columns.text(key, R"(a heading, or { from = "heading", ... })").value_or("");
        return;
    }
    table_reader own = *columns.table(key);
    into.from = own.required_text("from", "the heading in the file");
    if (own.has("formats")) {
        into.formats = own.texts("formats", R"(forms of a date, such as ["%d/%m/%Y %H:%M"])").value_or(into.formats);
        if (!is_dated(field)) own.wrong("formats", "is only for dates and times", "no such key here");
        for (const std::string& format : into.formats)
            if (format.find("%d") == format.npos || format.find("%m") == format.npos ||
                format.find("%Y") == format.npos)
                own.wrong("formats", in_quotes(format) + " leaves out the day, month or year", "%d, %m and %Y in each");
    }
    if (const auto split = own.text("split", "one character, such as \";\"")) {
        if (split->size() != 1)
            own.wrong("split", "is not one character", "one character, such as \";\"");
        else if (!is_plural(field))
            own.wrong("split", "is only for fields of several values", "no such key here");
        else
            into.split = split->front();
    }
    if (const auto digits = own.whole_number("digits", 1, 20)) {
        into.digits = static_cast<int>(*digits);
        if (field.is != mappable_field::kind::id)
            own.wrong("digits", "is only for numbers of people and records", "no such key here");
    }
    if (own.has("in")) {
        into.yes = own.texts("in", R"(the texts that say it, such as ["K"])").value_or(into.yes);
        if (field.is != mappable_field::kind::flag) own.wrong("in", "is only for flags", "no such key here");
    }
    into.is_optional = own.truth("optional").value_or(false);
    own.refuse_unknown();
}

void read_columns(table_reader& record, record_mapping& into)
{
    auto columns = record.table("columns");
    if (!columns) {
        if (!record.has("columns"))
            record.missing("columns", "a table [columns]: canonical field = heading in the file");
        return;
    }
    const auto& keys = std::get<toml_value::table>(record.find("columns")->value);
    if (keys.size() > columns_max) columns->wrong(keys.begin()->first, "is one of too many columns", "at most 200");
    for (const auto& [key, value] : keys) {
        (void)columns->find(key);
        const mappable_field* field = field_named(into.record, key);
        if (field == nullptr) {
            columns->wrong(key, "is no field of a " + std::string(name_of(into.record)), fields_text(into.record));
            continue;
        }
        mapped_column column;
        read_column(*columns, key, *field, column);
        if (into.column_of(field->name))
            columns->wrong(key, "is mapped twice", "each field once");
        else
            into.columns.push_back(std::move(column));
    }
    for (const mappable_field& field : mappable_fields(into.record))
        if (field.is_required && !into.column_of(field.name))
            columns->missing(field.name, "the heading of it: a row without it says nothing");
    const bool names_pupil =
        into.column_of("pupil_id") || into.column_of("pupil_upn") || into.column_of("pupil_mis_id");
    if (!names_pupil)
        columns->missing("pupil_upn", "the heading of pupil_upn, pupil_mis_id or pupil_id: whom a row is about");
    columns->refuse_unknown();
}

void read_key(table_reader& record, record_mapping& into)
{
    if (!record.has("key")) return;
    for (const std::string& name :
         record.texts("key", "a list of fields that are mapped").value_or(std::vector<std::string>()))
        if (const mappable_field* field = field_named(into.record, name); field && into.column_of(field->name))
            into.key.push_back(field);
        else
            record.wrong("key", in_quotes(name) + " is not mapped in [columns]", "fields that are");
    if (into.record == what::pupil)
        record.wrong(
            "key", "is not for pupils: they are known by pupil_id, pupil_upn or pupil_mis_id", "no such key here"
        );
}

void read_renames(table_reader& record, record_mapping& into)
{
    for (table_reader& table : record.tables("rename")) {
        value_rename out;
        const std::string name = table.required_text("field", "the field whose value is called otherwise");
        out.field = field_named(into.record, name);
        const bool takes_text =
            out.field && (out.field->is == mappable_field::kind::text || out.field->is == mappable_field::kind::list);
        if (!name.empty() && (!takes_text || !into.column_of(out.field->name)))
            table.wrong(
                "field", in_quotes(name) + " is not a text that is mapped in [columns]", "a field such as category"
            );
        out.from = table.required_text("from", "the old name");
        out.to = table.required_text("to", "the new name");
        if (!table.has("since")) table.missing("since", "the day of the change, such as 2026-09-01");
        out.since = table.day("since").value_or(civil_day{});
        table.refuse_unknown();
        into.renames.push_back(std::move(out));
    }
}

void read_codes(table_reader& record, record_mapping& into)
{
    auto codes = record.table("codes");
    if (!codes) return;
    if (into.record != what::session_mark) record.wrong("codes", "is only for session marks", "no such table here");
    for (const auto& [key, value] : std::get<toml_value::table>(record.find("codes")->value))
        if (const auto code = codes->text(key, "the statutory code it stands for")) into.codes.emplace(key, *code);
    codes->refuse_unknown();
}

record_mapping read_record(table_reader& table)
{
    record_mapping out;
    if (!table.has("record")) table.missing("record", one_of({record_words.begin(), record_words.end()}));
    const auto word = table.choice("record", record_words);
    out.record = word ? *parse_what(record_words[*word]) : what::concern;
    read_columns(table, out);
    read_key(table, out);
    read_renames(table, out);
    read_codes(table, out);
    out.lists_all = table.truth("lists_all").value_or(false);
    if (out.lists_all && out.record == what::session_mark)
        table.wrong(
            "lists_all", "is not for marks: a file of them covers some days only, and the others are not gone", "false"
        );
    return out;
}

void read_form(table_reader& root, report_form& into)
{
    auto form = root.table("format");
    if (!form) return;
    constexpr std::array<std::string_view, 3> kinds = {"csv", "xml", "xlsx"};
    constexpr std::array<std::string_view, 3> encodings = {"utf-8", "utf-16", "windows-1252"};
    into.is = static_cast<report_form::kind>(form->choice("kind", kinds).value_or(0));
    // A byte order mark says that a file is UTF-16, whatever is written here.
    if (form->choice("encoding", encodings).value_or(0) == 2) into.text = report_form::encoding::windows_1252;
    if (const auto delimiter = form->text("delimiter", "one character, such as \",\"")) {
        if (delimiter->size() != 1 || delimiter->front() == '"' || delimiter->front() == '\n' ||
            delimiter->front() == '\r')
            form->wrong(
                "delimiter", "is not one character that can part cells", "one character, such as \",\" or \"\\t\""
            );
        else
            into.delimiter = delimiter->front();
    }
    into.heading_row = static_cast<int>(form->whole_number("heading_row", 1, 100).value_or(1));
    into.row = form->text("row", "the elements that are rows, such as \"Report/Record\"").value_or("");
    into.sheet = form->text("sheet", "the name of a sheet").value_or("");
    if (into.is == report_form::kind::xml && into.row.empty())
        form->missing("row", "the elements that are rows, such as \"Report/Record\"");
    form->refuse_unknown();
}

void read_report(table_reader& root, mapping_file& into)
{
    (void)root.text("title");
    into.files = root.text("files", "a pattern of file names, such as \"*.csv\"").value_or(into.files);
    if (into.files.find('/') != into.files.npos)
        root.wrong("files", "names a folder", "a pattern of file names, such as \"*.csv\"");
    read_form(root, into.form);
    into.settle = root.duration("settle", true).value_or(into.settle);
    constexpr std::array<std::string_view, 3> words = {"remove", "archive", "leave"};
    into.then = static_cast<after_import>(root.choice("after_import", words).value_or(0));
    into.accept_clear_text =
        root.text("accept_clear_text", "why it is in order that the files stay readable").value_or("");
    if (into.then == after_import::leave && into.accept_clear_text.empty())
        root.wrong(
            "after_import",
            "would leave pupils' data in the folder as clear text",
            "remove or archive; or accept_clear_text = \"who accepts that, and why\" beside it"
        );
    into.expect_every = root.duration("expect_every").value_or(into.expect_every);
    into.exported_by = root.text("exported_by", "the account or group that makes the export").value_or("");
    into.records.push_back(read_record(root));
}

void read_streams(table_reader& root, mapping_file& into)
{
    (void)root.text("title");
    into.expect_every = root.duration("expect_every").value_or(into.expect_every);
    for (table_reader& table : root.tables("stream")) {
        const std::string name = table.required_text("name", "the stream as the tap calls it");
        record_mapping one = read_record(table);
        one.stream = name;
        // The values of a JSON list are put together with what stands in no text.
        for (mapped_column& column : one.columns)
            if (is_plural(*column.field) && column.split == 0) column.split = '\x1F';
        table.refuse_unknown();
        if (std::ranges::find(into.records, name, &record_mapping::stream) != into.records.end())
            table.wrong("name", in_quotes(name) + " is mapped twice", "each stream once");
        into.records.push_back(std::move(one));
    }
    if (into.records.empty() && !root.has("stream")) root.missing("stream", "at least one [[stream]] table");
}

// What a row is read by, each part behind its length.
std::string shape_of(const mapping_file& of)
{
    sha256_stream sum;
    const auto add = [&](std::string_view part) { sum.add(std::to_string(part.size())).add(":").add(part); };
    add(std::to_string(static_cast<int>(of.form.is)));
    add(of.form.row);
    add(of.form.sheet);
    for (const record_mapping& record : of.records) {
        add(name_of(record.record));
        add(record.stream);
        add(record.lists_all ? "all" : "some");
        for (const mapped_column& column : record.columns) {
            add(column.field->name);
            add(column.from);
            add(std::string(1, column.split));
            for (const auto* texts : {&column.formats, &column.yes})
                for (const std::string& text : *texts)
                    add(text);
        }
        for (const mappable_field* field : record.key)
            add(field->name);
        for (const value_rename& rename : record.renames)
            for (const std::string& part : {rename.from, rename.to, format_day(rename.since)})
                add(part);
        for (const auto& [raw, statutory] : record.codes)
            for (const std::string& part : {raw, statutory})
                add(part);
    }
    if (!of.exported_by.empty()) add(of.exported_by); // another account sees other records
    return to_hex(sum.finish()).substr(0, 32);
}

} // namespace

std::shared_ptr<const mapping_file>
read_mapping_file(const std::filesystem::path& file, bool of_tap, findings_of_load& into)
{
    auto out = std::make_shared<mapping_file>();
    out->file = file;
    problem_list problems(file, into);
    const auto document = read_toml_file(problems);
    if (!document) return nullptr;
    table_reader root(*document, {}, problems);
    if (of_tap)
        read_streams(root, *out);
    else
        read_report(root, *out);
    root.refuse_unknown();
    if (problems.size() > 0) return nullptr;
    out->shape = shape_of(*out);
    return out;
}

} // namespace rollbook
