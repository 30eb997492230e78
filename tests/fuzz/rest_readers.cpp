#include "tests/fuzz/readers.hpp"

#include "connectors/rest/decode.hpp"
#include "connectors/rest/dom.hpp"
#include "connectors/rest/manifest.hpp"
#include "connectors/rest/page_mapper.hpp"
#include "daemon/base/json.hpp"
#include "daemon/base/utf8.hpp"

#include <deque>
#include <fstream>
#include <iterator>
#include <memory>

namespace rollbook::fuzz {

namespace {

namespace fs = std::filesystem;

const fs::path root = ROLLBOOK_SOURCE_DIR;

std::string text_in(const fs::path& file)
{
    std::ifstream in(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
}

// The streams of one shipped manifest, ready to map pages.
struct example_streams {
    manifest m;
    std::deque<page_mapper> mappers;
    lookup_tables tables;

    explicit example_streams(const std::string& name)
        : m(load_manifest(root / "connectors/manifests" / (name + ".json"), root / "schemas").value())
    {
        for (const stream_spec& s : m.streams)
            mappers.emplace_back(s, m.dates);
        for (const lookup_spec& lookup : m.lookups) {
            auto table = std::make_shared<lookup_table>();
            for (const field_spec& column : lookup.columns)
                table->columns.push_back(column.name);
            table->rows.emplace("A9001", std::vector<std::string>(table->columns.size(), "L"));
            tables[lookup.name] = std::move(table);
        }
    }
};

void check_answer(const page& got)
{
    ROLLBOOK_ENSURE(got.marks.size() + got.rejected.size() <= 2 * got.rows + got.records.size());
    for (const reported_mark& mark : got.marks) {
        ROLLBOOK_ENSURE(is_register_day(mark.session.day)); // or the register would end the program
        ROLLBOOK_ENSURE(!mark.pupil_id.empty() && is_valid_utf8(mark.raw) && is_valid_utf8(mark.comment));
    }
    for (const reported_record& record : got.records)
        ROLLBOOK_ENSURE(!record.source_id.empty() && json_document::parse(record.fields).has_value());
    for (const gone_record& gone : got.gone)
        ROLLBOOK_ENSURE(!gone.source_id.empty());
    for (const rejected_row& row : got.rejected) {
        ROLLBOOK_ENSURE(!row.reason.empty() && is_valid_utf8(row.reason));
        ROLLBOOK_ENSURE(json_document::parse(row.row).has_value());
    }
}

} // namespace

void read_manifest(std::string_view bytes)
{
    const auto read = rollbook::read_manifest(std::string(bytes), "wonde.json", root / "schemas");
    if (!read) ROLLBOOK_ENSURE(!read.error().what.empty() && !read.error().to_do.empty());
}

void read_json(std::string_view bytes)
{
    static example_streams sources[] = {example_streams("wonde"), example_streams("isams-batch")};
    static page_parser parser;
    if (bytes.empty()) return;
    constexpr std::size_t bytes_max = 1u << 20;
    constexpr unsigned depth_max = 64;
    const auto choice = static_cast<unsigned char>(bytes[0]);
    auto storage = std::make_shared<page_storage>();
    storage->body = bytes.substr(1);

    decoder_spec decoder;
    decoder.gzip = (choice & 0x40) != 0;
    decoder.type = static_cast<decoder_spec::kind>((choice >> 4) & 3);
    if (!decode(storage->body, decoder, bytes_max, depth_max)) return;
    const auto parsed = parser.parse(storage->body, depth_max);
    if (!parsed) return;

    example_streams& of = sources[(choice >> 3) & 1];
    page_mapper& mapper = of.mappers[(choice & 7) % of.mappers.size()];
    const auto rows = mapper.rows(**parsed);
    if (!rows) return;
    page got;
    storage->tables = of.tables;
    mapper.begin_read();
    mapper.map(**parsed, **rows, std::nullopt, of.tables, *storage, got);
    check_answer(got);
}

std::vector<std::string> manifest_seeds()
{
    // Small ones are tried much oftener than large ones.
    const std::string readme = text_in(root / "connectors/README.md");
    const auto begin = readme.find("```json\n") + 8;
    return {
        readme.substr(begin, readme.find("```", begin) - begin),
        text_in(root / "connectors/manifests/scholarpack.json"),
        text_in(root / "connectors/manifests/wonde.json")};
}

std::vector<std::string> json_seeds()
{
    std::vector<std::string> out;
    const fs::path pages = root / "tests/connectors/wonde";
    for (const auto& [choice, name] :
         {std::pair('\0', "students-1"), {'\1', "session-marks-1"}, {'\2', "behaviours"}, {'\3', "exclusions"}})
        out.push_back(choice + text_in(pages / (std::string(name) + ".json")));
    out.push_back("\x20id,date\n1,2026-09-01\n");
    out.push_back("\x38<?xml version=\"1.0\" encoding=\"utf-16\"?><iSAMS><PupilManager><CurrentPupils><Pupil Id=\"1\">"
                  "<UPN>H123456789012</UPN></Pupil></CurrentPupils></PupilManager></iSAMS>");
    return out;
}

} // namespace rollbook::fuzz
