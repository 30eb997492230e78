#include "tests/fuzz/readers.hpp"

#include "connectors/mapping/row_mapper.hpp"
#include "connectors/singer/messages.hpp"
#include "daemon/base/utf8.hpp"

#include <sys/mman.h>
#include <unistd.h>
#include <zip.h>

namespace rollbook::fuzz {

namespace {

mapped_column column(std::string_view field, std::string from)
{
    mapped_column out;
    out.field = find_mappable(what::concern, field);
    out.from = std::move(from);
    return out;
}

// What every page must be: its counts add up, its texts are JSON of valid UTF-8, its ids are there.
void check(const page& got)
{
    for (const reported_record& record : got.records) {
        ROLLBOOK_ENSURE(!record.source_id.empty());
        ROLLBOOK_ENSURE(json_document::parse(record.fields).has_value());
        ROLLBOOK_ENSURE(record.kind == what::concern || !record.pupil_id.empty());
    }
    for (const reported_mark& mark : got.marks)
        ROLLBOOK_ENSURE(!mark.pupil_id.empty() && is_register_day(mark.session.day));
    for (const rejected_row& row : got.rejected) {
        ROLLBOOK_ENSURE(!row.reason.empty() && is_valid_utf8(row.reason));
        ROLLBOOK_ENSURE(json_document::parse(row.row).has_value());
        ROLLBOOK_ENSURE(row.position < got.rows);
    }
}

void read_rows(row_source& rows)
{
    row_mapper mapper(example_mapping(), time_zone::utc());
    std::deque<std::string> texts;
    page got;
    table_row row;
    for (;;) {
        const result<bool> more = rows.next(row);
        if (!more) {
            ROLLBOOK_ENSURE(!more.error().what.empty() && !more.error().to_do.empty());
            break;
        }
        if (!*more) break;
        ROLLBOOK_ENSURE(row.cells.size() == example_mapping().columns.size());
        if (!mapper.learn(row)) break;
        mapper.map(row, static_cast<std::uint32_t>(got.rows), texts, got);
    }
    check(got);
}

} // namespace

const record_mapping& example_mapping()
{
    static const record_mapping mapping = [] {
        record_mapping out;
        for (const char* name :
             {"incident_ref",
              "incident_at",
              "entered_at",
              "pupil_upn",
              "pupil_mis_id",
              "linked_pupils",
              "category",
              "status"})
            out.columns.push_back(column(name, name));
        out.columns[1].formats = {"%Y-%m-%dT%H:%M", "%d/%m/%Y %H:%M"};
        out.columns[4].digits = 4;
        out.columns[5].split = ';';
        out.columns[6].split = ';';
        for (std::size_t i : {2, 4, 5, 7})
            out.columns[i].is_optional = true;
        out.key = {out.columns[0].field};
        return out;
    }();
    return mapping;
}

void read_csv(std::string_view bytes)
{
    for (const auto encoding : {report_form::encoding::utf_8, report_form::encoding::windows_1252}) {
        report_form form;
        form.text = encoding;
        memory_bytes source(bytes);
        read_rows(*make_csv_rows(source, form, example_mapping()));
    }
}

void read_xml(std::string_view bytes)
{
    report_form form;
    form.is = report_form::kind::xml;
    form.row = "Report/Record";
    memory_bytes source(bytes, 64);
    read_rows(*make_xml_rows(source, form, example_mapping()));
}

void read_xlsx(std::string_view bytes)
{
    const int file = ::memfd_create("workbook", MFD_CLOEXEC);
    ROLLBOOK_ENSURE(file >= 0 && ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    report_form form;
    form.is = report_form::kind::xlsx;
    auto rows = make_xlsx_rows(file, form, example_mapping());
    if (rows) read_rows(**rows);
    rows = std::unique_ptr<row_source>();
    ::close(file);
}

void read_sheet(std::string_view bytes)
{
    read_xlsx(workbook_of(bytes));
}

void read_singer(std::string_view bytes)
{
    row_mapper mapper(example_mapping(), time_zone::utc());
    std::deque<std::string> texts;
    page got;
    table_row row;
    while (!bytes.empty()) {
        const std::string_view line = bytes.substr(0, bytes.find('\n'));
        bytes.remove_prefix(std::min(bytes.size(), line.size() + 1));
        const auto message = parse_singer_message(std::string(line));
        if (!message) continue;
        if (message->is == singer_message::kind::schema) (void)missing_in_schema(message->value(), example_mapping());
        if (message->is != singer_message::kind::record) continue;
        read_singer_record(message->value(), example_mapping(), row);
        if (!mapper.learn(row)) break;
        mapper.map(row, static_cast<std::uint32_t>(got.rows), texts, got);
    }
    check(got);
}

std::vector<std::string> csv_seeds()
{
    const std::string head =
        "incident_ref,incident_at,entered_at,pupil_upn,pupil_mis_id,linked_pupils,category,status,text\n";
    const std::string row = "INC-1,2025-11-10T11:20,2025-11-11,H123456789012,4321,H123456789013;0099,\"A; "
                            "B\",Open,\"said \"\"no\"\",\r\ntwice\"\n";
    std::string wide = "\xFF\xFE";
    for (const char c : head + row)
        wide.append({c, '\0'});
    return {
        head + row + row,
        "\xEF\xBB\xBF" + head + "INC-2,10/11/2025 11:20,,H123456789012,,,,,\n\n",
        wide,
        head + "1.2E+5,45971,,1.23457E+12,,,,,\xFF\n"};
}

std::vector<std::string> xml_seeds()
{
    const std::string record =
        "<Record><incident_ref>INC-1</incident_ref><incident_at>2025-11-10T11:20</incident_at>"
        "<pupil_upn>H123456789012</pupil_upn><category>A &amp; B</category><category>C</category></Record>";
    return {
        "<?xml version=\"1.0\" encoding=\"utf-16\"?><Report>" + record + record + "</Report>",
        "<?xml version=\"1.0\" encoding=\"windows-1252\"?><r:Report xmlns:r='u'>" + record +
            "<![CDATA[\x80]]></r:Report>",
        "<!DOCTYPE Report [<!ENTITY a 'b'>]><Report>&a;</Report>"};
}

std::vector<std::string> sheet_seeds()
{
    std::string row = "<row r=\"1\">";
    for (const mapped_column& c : example_mapping().columns)
        row += "<c t=\"inlineStr\"><is><t>" + c.from + "</t></is></c>";
    return {
        "<worksheet><sheetData>" + row +
        "</row><row r=\"2\"><c r=\"A2\" t=\"s\"><v>0</v></c><c r=\"B2\" s=\"1\"><v>45971.4722</v></c><c r=\"D2\" "
        "t=\"inlineStr\"><is><t>"
        "H123456789012</t></is></c><c r=\"E2\"><v>4321</v></c><c r=\"G2\" "
        "t=\"e\"><v>#N/A</v></c></row></sheetData></worksheet>"};
}

std::vector<std::string> singer_seeds()
{
    return {
        R"({"type":"SCHEMA","stream":"s","key_properties":["id"],"schema":{"properties":{"id":{}},"additionalProperties":false}})"
        "\n"
        R"({"type":"RECORD","stream":"s","record":{"incident_ref":1,"incident_at":"2025-11-10T11:20","pupil_upn":"H123456789012","linked_pupils":["H123456789013",99],"category":["A"],"status":null}})"
        "\n"
        R"({"type":"ACTIVATE_VERSION","stream":"s","version":1})"
        "\n"
        R"({"type":"STATE","value":{"s":1.5}})"
        "\n"};
}

std::string workbook_of(std::string_view sheet)
{
    const std::string_view book = "<workbook xmlns:r='r'><sheets><sheet name='Data' r:id='rId1'/></sheets></workbook>";
    const std::string_view relations =
        "<Relationships><Relationship Id='rId1' Target='worksheets/sheet1.xml'/></Relationships>";
    const std::string_view styles =
        "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='dd/mm/yyyy hh:mm'/></numFmts>"
        "<cellXfs><xf numFmtId='0'/><xf numFmtId='164'/></cellXfs></styleSheet>";
    const std::string_view texts = "<sst><si><t>INC-1</t></si></sst>";
    zip_error_t why;
    zip_error_init(&why);
    zip_source_t* memory = zip_source_buffer_create(nullptr, 0, 0, &why);
    zip_t* archive = zip_open_from_source(memory, ZIP_TRUNCATE, &why);
    zip_source_keep(memory);
    const auto add = [&](const char* name, std::string_view content) {
        zip_source_t* part = zip_source_buffer(archive, content.data(), content.size(), 0);
        const zip_int64_t at = zip_file_add(archive, name, part, 0);
        zip_set_file_compression(archive, static_cast<zip_uint64_t>(at), ZIP_CM_STORE, 0);
    };
    add("xl/workbook.xml", book);
    add("xl/_rels/workbook.xml.rels", relations);
    add("xl/styles.xml", styles);
    add("xl/sharedStrings.xml", texts);
    add("xl/worksheets/sheet1.xml", sheet);
    ROLLBOOK_ENSURE(zip_close(archive) == 0);
    std::string out;
    zip_source_open(memory);
    std::string piece(4096, '\0');
    for (zip_int64_t got = 0; (got = zip_source_read(memory, piece.data(), piece.size())) > 0;)
        out.append(piece, 0, static_cast<std::size_t>(got));
    zip_source_close(memory);
    zip_source_free(memory);
    return out;
}

} // namespace rollbook::fuzz
