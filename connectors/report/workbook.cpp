#include "connectors/report/workbook.hpp"

#include "connectors/report/row_source.hpp"
#include "connectors/report/xml_reader.hpp"
#include "daemon/base/bytes.hpp"
#include "daemon/base/time.hpp"

#include <cmath>
#include <map>
#include <unistd.h>
#include <zip.h>

namespace rollbook {

namespace {

constexpr std::size_t workbook_piece_bytes = 16 * 1024;
constexpr zip_int64_t parts_max = 10'000;
constexpr std::size_t texts_max = 5'000'000;
constexpr std::size_t styles_max = 100'000;

failure no_workbook(std::string what)
{
    return failure(
        errc::page_malformed,
        std::move(what),
        "Save it as an ordinary workbook (.xlsx) without a password, or export CSV."
    );
}

std::string_view attribute(const xml_events::attributes& with, std::string_view name)
{
    for (const auto& [key, value] : with)
        if (key == name) return value;
    return {};
}

// Number formats that the standard defines as dates (ECMA-376 part 1, 18.8.30), and the ones of East Asia.
bool is_built_in_date(std::uint64_t id)
{
    return (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) || (id >= 50 && id <= 58);
}

// Whether a format code shows a date or time: one of y, m, d, h, s outside quotes, brackets and escapes.
bool shows_a_date(std::string_view code)
{
    for (std::size_t i = 0; i < code.size() && code[i] != ';'; ++i) {
        const char c = code[i];
        if (c == '\\' || c == '_' || c == '*') {
            ++i;
        } else if (c == '"' || c == '[') {
            const auto closes = code.find(c == '"' ? '"' : ']', i + 1);
            if (closes == code.npos) return false;
            i = closes;
        } else if (std::string_view("ymdhsYMDHS").find(c) != std::string_view::npos) {
            return true;
        }
    }
    return false;
}

struct sheet_list final : xml_events {
    void start(std::string_view name, const attributes& with) override
    {
        if (name == "workbookPr") {
            const std::string_view value = attribute(with, "date1904");
            from_1904 = value == "1" || value == "true";
        }
        // The relation's id is "r:id"; the sheet's own number is "sheetId".
        if (name == "sheet") sheets.emplace_back(attribute(with, "name"), attribute(with, "id"));
    }
    void text(std::string_view) override {}
    void end(std::string_view) override {}

    bool from_1904 = false;
    std::vector<std::pair<std::string, std::string>> sheets;
};

struct relation_list final : xml_events {
    void start(std::string_view name, const attributes& with) override
    {
        if (name == "Relationship") targets[std::string(attribute(with, "Id"))] = attribute(with, "Target");
    }
    void text(std::string_view) override {}
    void end(std::string_view) override {}

    std::map<std::string, std::string> targets;
};

struct style_list final : xml_events {
    void start(std::string_view name, const attributes& with) override
    {
        if (name == "cellXfs") in_cells = true;
        if (name == "numFmt") {
            const auto id = parse_decimal(attribute(with, "numFmtId"));
            if (id) own[*id] = shows_a_date(attribute(with, "formatCode"));
        }
        if (name != "xf" || !in_cells) return;
        if (dates.size() == styles_max) {
            stop = "the workbook has more styles than any report";
            return;
        }
        const auto id = parse_decimal(attribute(with, "numFmtId")).value_or(0);
        const auto known = own.find(id);
        dates.push_back(known != own.end() ? known->second : is_built_in_date(id));
    }
    void text(std::string_view) override {}
    void end(std::string_view name) override
    {
        if (name == "cellXfs") in_cells = false;
    }

    bool in_cells = false;
    std::map<std::uint64_t, bool> own;
    std::vector<bool> dates;
};

struct text_list final : xml_events {
    void start(std::string_view name, const attributes&) override
    {
        if (name == "si") current.clear();
        if (name == "rPh") ++spoken; // how the text is pronounced, not what it says
        in_text = name == "t" && spoken == 0;
    }
    void text(std::string_view text) override
    {
        if (in_text && current.size() <= cell_bytes_max) current.append(text);
    }
    void end(std::string_view name) override
    {
        in_text = false;
        if (name == "rPh" && spoken > 0) --spoken;
        if (name != "si") return;
        texts.push_back(std::move(current));
        current.clear();
        if (texts.size() > texts_max) stop = "the workbook has more texts than any report";
    }

    std::vector<std::string> texts;
    std::string current;
    int spoken = 0;
    bool in_text = false;
};

result<void> read_whole(const std::string& xml, xml_events& into)
{
    xml_reader reader(into);
    return reader.feed(xml, true);
}

// "worksheets/sheet1.xml" is meant from xl/, "/xl/worksheets/sheet1.xml" from the top.
std::string part_name(std::string_view target)
{
    if (target.starts_with('/')) return std::string(target.substr(1));
    return "xl/" + std::string(target);
}

} // namespace

result<std::unique_ptr<workbook>> workbook::open(int file)
{
    std::unique_ptr<workbook> made(new workbook);
    const int own = ::dup(file);
    if (own >= 0) ::lseek(own, 0, SEEK_SET);
    int why = 0;
    made->archive_ = own < 0 ? nullptr : zip_fdopen(own, 0, &why);
    if (!made->archive_) {
        if (own >= 0) ::close(own);
        return no_workbook("the file is not a workbook, or not whole");
    }
    if (zip_get_num_entries(made->archive_, 0) > parts_max)
        return no_workbook("the workbook has more parts than any report");
    return made;
}

workbook::~workbook()
{
    if (sheet_) zip_fclose(sheet_);
    if (archive_) zip_discard(archive_);
}

result<std::string> workbook::read_part(const std::string& name, bool is_optional)
{
    zip_stat_t known;
    zip_stat_init(&known);
    if (zip_stat(archive_, name.c_str(), 0, &known) != 0) {
        if (is_optional) return std::string();
        return no_workbook("the file is not a workbook: it lacks a part");
    }
    if ((known.valid & ZIP_STAT_SIZE) != 0 && known.size > part_bytes_max)
        return no_workbook("a part of the workbook is larger than 64 MiB");
    const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> part(zip_fopen(archive_, name.c_str(), 0), zip_fclose);
    if (!part) return no_workbook("a part of the workbook cannot be unpacked");
    std::string out;
    std::string piece(workbook_piece_bytes, '\0');
    for (;;) {
        const zip_int64_t got = zip_fread(part.get(), piece.data(), piece.size());
        if (got < 0) return no_workbook("a part of the workbook cannot be unpacked");
        if (got == 0) return out;
        out.append(piece, 0, static_cast<std::size_t>(got));
        if (out.size() > part_bytes_max) return no_workbook("a part of the workbook is larger than 64 MiB");
    }
}

result<void> workbook::load(const std::string& sheet)
{
    const auto book = read_part("xl/workbook.xml", false);
    if (!book) return book.error();
    sheet_list list;
    if (auto read = read_whole(*book, list); !read) return read;
    from_1904_ = list.from_1904;
    const auto relations = read_part("xl/_rels/workbook.xml.rels", false);
    if (!relations) return relations.error();
    relation_list targets;
    if (auto read = read_whole(*relations, targets); !read) return read;

    std::string part;
    for (const auto& [name, id] : list.sheets)
        if (part.empty() && (sheet.empty() || name == sheet))
            if (const auto target = targets.targets.find(id); target != targets.targets.end())
                part = part_name(target->second);
    if (part.empty())
        return failure(
            errc::source_misconfigured,
            sheet.empty() ? "the workbook has no sheet" : "the workbook has no sheet \"" + sheet + "\"",
            "Correct format.sheet in the mapping, or the report."
        );
    if (auto read = read_styles(); !read) return read;
    if (auto read = read_shared_texts(); !read) return read;
    sheet_ = zip_fopen(archive_, part.c_str(), 0);
    if (!sheet_) return no_workbook("the workbook's sheet cannot be unpacked");
    return {};
}

result<void> workbook::read_styles()
{
    const auto xml = read_part("xl/styles.xml", true);
    if (!xml) return xml.error();
    if (xml->empty()) return {};
    style_list styles;
    if (auto read = read_whole(*xml, styles); !read) return read;
    date_styles_ = std::move(styles.dates);
    return {};
}

result<void> workbook::read_shared_texts()
{
    const auto xml = read_part("xl/sharedStrings.xml", true);
    if (!xml) return xml.error();
    if (xml->empty()) return {};
    text_list texts;
    if (auto read = read_whole(*xml, texts); !read) return read;
    texts_ = std::move(texts.texts);
    return {};
}

result<std::string_view> workbook::read_sheet()
{
    piece_.resize(workbook_piece_bytes);
    const zip_int64_t got = zip_fread(sheet_, piece_.data(), piece_.size());
    if (got < 0) return no_workbook("the workbook's sheet cannot be unpacked");
    sheet_bytes_ += static_cast<std::uint64_t>(got);
    if (sheet_bytes_ > sheet_bytes_max) return no_workbook("the workbook's sheet is larger than 1 GiB");
    return std::string_view(piece_.data(), static_cast<std::size_t>(got));
}

const std::string* workbook::shared_text(std::uint64_t number) const
{
    return number < texts_.size() ? &texts_[number] : nullptr;
}

bool workbook::is_date_style(std::uint64_t style) const
{
    return style < date_styles_.size() && date_styles_[style];
}

std::optional<std::string> workbook::date_text(double serial) const
{
    using namespace std::chrono;
    constexpr double after_the_mistake = 61; // 1 March 1900
    constexpr double last = 2'958'466;       // 1 January 10000
    if (!(serial >= (from_1904_ ? 0 : after_the_mistake)) || !(serial < last)) return std::nullopt;
    const civil_day first =
        from_1904_ ? civil_day(local_days(year(1904) / 1 / 1)) : civil_day(local_days(year(1899) / 12 / 30));
    const auto moment = seconds(static_cast<std::int64_t>(std::llround(serial * 86'400)));
    const civil_day day = first + floor<days>(moment);
    const auto time = moment - floor<days>(moment);
    std::string out = format_day(day);
    if (time.count() == 0) return out;
    const auto two = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
    return out + "T" + two(time.count() / 3600) + ":" + two(time.count() / 60 % 60) + ":" + two(time.count() % 60);
}

} // namespace rollbook
