#include "connectors/mapping/row_mapper.hpp"
#include "connectors/report/report_file.hpp"
#include "connectors/rest/json_check.hpp"
#include "daemon/base/json.hpp"
#include "tests/connectors/printing.hpp"
#include "tests/fuzz/readers.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>

using namespace rollbook;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

record_mapping mapping_of(what kind, const std::vector<std::string>& fields)
{
    record_mapping out;
    out.record = kind;
    for (const std::string& name : fields) {
        mapped_column column;
        column.field = find_mappable(kind, name);
        REQUIRE(column.field != nullptr);
        column.from = name;
        if (column.field->is == mappable_field::kind::list || column.field->is == mappable_field::kind::pupils)
            column.split = ';';
        out.columns.push_back(std::move(column));
    }
    return out;
}

// The page that a CSV text becomes, and what it says line by line: kind, id, [pupil], fields; or "no", kind, reason.
struct read_text {
    explicit read_text(const record_mapping& mapping, const std::string& csv)
        : mapper(mapping, *time_zone::named("Europe/London"))
    {
        const report_form form;
        table_row row;
        for (const bool learns : {true, false}) {
            fuzz::memory_bytes bytes(csv);
            const auto rows = make_csv_rows(bytes, form, mapping);
            for (;;) {
                const result<bool> more = rows->next(row);
                if (!more) {
                    why = more.error();
                    return;
                }
                if (!*more) break;
                if (learns)
                    REQUIRE(mapper.learn(row));
                else
                    mapper.map(row, static_cast<std::uint32_t>(got.rows), texts, got);
            }
        }
        for (const reported_record& record : got.records) {
            lines.push_back(
                std::string(name_of(record.kind)) + " " + record.source_id + " [" + record.pupil_id + "] " +
                record.fields
            );
            const auto root = std::filesystem::path(ROLLBOOK_SOURCE_DIR);
            const auto schema = root / "schemas/canonical" / (std::string(name_of(record.kind)) + ".schema.json");
            std::ifstream in(schema, std::ios::binary);
            const auto checked = check_json(record.fields, std::string(std::istreambuf_iterator<char>(in), {}), schema);
            INFO(record.fields);
            if (!checked) FAIL_CHECK(checked.error().what);
        }
        for (const rejected_row& row_put_aside : got.rejected)
            lines.push_back("no " + std::string(name_of(row_put_aside.kind)) + ": " + row_put_aside.reason);
    }

    row_mapper mapper;
    std::deque<std::string> texts;
    page got;
    failure why;
    std::vector<std::string> lines;
};

using lines = std::vector<std::string>;

constexpr instant at(std::int64_t seconds)
{
    return instant(std::chrono::seconds(seconds));
}

} // namespace

TEST_CASE("each kind of record has its fields and fits its schema", "[connectors]")
{
    const auto [why, kind, fields, csv, wanted] = GENERATE(table<
                                                           std::string,
                                                           what,
                                                           std::vector<std::string>,
                                                           std::string,
                                                           lines>({
        {"a concern with everything",
         what::concern,
         {"incident_ref",
          "incident_at",
          "entered_at",
          "category",
          "subcategory",
          "status",
          "assigned_to",
          "pupil_upn",
          "role"},
         "2,2025-07-01T11:20,2025-07-02,A;B;A,s,Open,L,H123456789012,target\n",
         {R"(concern derived-K [] {"assigned_to":"L","categories":["A","B"],"entered_at":"2025-07-01T23:00:00.000Z","incident_at":"2025-07-01T11:20:00","status":"Open","subcategory":"s"})",
          R"(pupil H123456789012 [H123456789012] {"upn":"H123456789012"})",
          R"(involvement derived-K/H123456789012 [H123456789012] {"day":"2025-07-01","of":"concern","record":"derived-K","role":"target"})"}},
        {"an incident has a day, and a time if one is known",
         what::incident,
         {"incident_at", "type", "points", "pupil_points", "pupil_mis_id"},
         "2025-07-01T09:05,Fight,4,-2,77\n",
         {R"(incident derived-K [] {"day":"2025-07-01","points":4,"time":"09:05","type":"Fight"})",
          R"(pupil 77 [77] {"mis_id":"77"})",
          R"(involvement derived-K/77 [77] {"day":"2025-07-01","of":"incident","points":-2,"record":"derived-K"})"}},
        {"a suspension is about one pupil",
         what::suspension,
         {"from", "to", "sessions", "days", "pupil_id"},
         "2025-07-01,2025-07-03,5,2.5,9\n",
         {R"(pupil 9 [9] {})",
          R"(suspension derived-K [9] {"days":"2.5","from":"2025-07-01","sessions":5,"to":"2025-07-03"})"}},
        {"an action may belong to a concern",
         what::action,
         {"at", "kind", "by", "action_of", "pupil_id"},
         "2025-07-01,Call home,JO,INC-1,9\n",
         {R"(pupil 9 [9] {})",
          R"(action derived-K [9] {"at":"2025-07-01","by":"JO","kind":"Call home","record":"INC-1"})"}},
        {"a pupil is what the row says",
         what::pupil,
         {"pupil_id", "pupil_upn", "pupil_surname", "pupil_date_of_birth"},
         "9, h123456789012 ,O'Brien,2011-01-09\n",
         {R"(pupil 9 [9] {"date_of_birth":"2011-01-09","surname":"O'Brien","upn":"H123456789012"})"}},
    }));
    CAPTURE(why);
    std::string head;
    for (const std::string& field : fields)
        head += (head.empty() ? "" : ",") + field;
    const record_mapping mapping = mapping_of(kind, fields);
    read_text read(mapping, head + "\n" + csv);
    REQUIRE(read.why.what.empty());
    for (std::string& line : read.lines)
        for (auto at = line.find("derived-"); at != line.npos; at = line.find("derived-", at + 8))
            line.replace(at + 8, 32, "K");
    CHECK(read.lines == wanted);
}

TEST_CASE("marks keep the school's code and the statutory one it stands for", "[connectors]")
{
    record_mapping mapping =
        mapping_of(what::session_mark, {"pupil_upn", "day", "session", "code", "minutes_late", "comment"});
    mapping.codes = {{"X01", "X"}};
    const read_text read(
        mapping,
        "pupil_upn,day,session,code,minutes_late,comment\n"
        "H123456789012,2025-11-10,AM,L,12,\"Bus late, \"\"again\"\"\"\n"
        "H123456789012,2025-11-10,PM,X01 ,,\n"
        "H123456789012,2025-11-11,am,-,,\n"
        "H123456789012,2025-11-11,PM,,,\n"
        "H123456789012,2025-11-12,Noon,/,,\n"
        "H123456789012,2025-11-12,AM,/,1441,\n"
        "H123456789012,9999-12-31,AM,/,,\n"
        "H123456789012,0202-11-12,AM,/,,\n"
    );
    std::vector<std::string> marks;
    for (const reported_mark& mark : read.got.marks)
        marks.push_back(
            format_day(mark.session.day) + " " + std::string(name_of(mark.session.half)) + " " + std::string(mark.raw) +
            ">" + std::string(mark.statutory) + " " + std::to_string(mark.minutes_late) + " " +
            std::string(mark.comment)
        );
    CHECK(
        marks ==
        lines{
            "2025-11-10 AM L>L 12 Bus late, \"again\"",
            "2025-11-10 PM X01>X -1 ",
            "2025-11-11 AM -> -1 ",
            "2025-11-11 PM > -1 "}
    );
    CHECK(
        read.lines ==
        lines{
            R"(pupil H123456789012 [H123456789012] {"upn":"H123456789012"})",
            "no session-mark: session is neither AM nor PM",
            "no session-mark: minutes_late is out of range",
            "no session-mark: day is outside the years that a register can hold",
            "no session-mark: day is outside the years that a register can hold"}
    );
}

TEST_CASE("a pupil has one id in all rows of a file, however a row names the child", "[connectors]")
{
    const record_mapping mapping =
        mapping_of(what::concern, {"incident_at", "pupil_upn", "pupil_mis_id", "linked_pupils"});
    const read_text read(
        mapping,
        "incident_at,pupil_upn,pupil_mis_id,linked_pupils\n"
        "2025-11-10,,77,\n"
        "2025-11-11,H123456789012,77,88\n"
        "2025-11-12,K123456789012,88,77;h123456789012\n"
        // One MIS id on two pupils names neither.
        "2025-11-13,M123456789012,99,\n"
        "2025-11-14,N123456789012,99,\n"
        "2025-11-15,,99,\n"
    );
    std::map<std::string, std::string> involved;
    for (const reported_record& record : read.got.records)
        if (record.kind == what::involvement)
            involved[record.fields.substr(8, 10)] +=
                (involved[record.fields.substr(8, 10)].empty() ? "" : " ") + record.pupil_id;
    CHECK(
        involved ==
        std::map<std::string, std::string>{
            {"2025-11-10", "H123456789012"},
            {"2025-11-11", "H123456789012 K123456789012"},
            {"2025-11-12", "K123456789012 H123456789012"},
            {"2025-11-13", "M123456789012"},
            {"2025-11-14", "N123456789012"},
            {"2025-11-15", "99"}}
    );
}

TEST_CASE("a second row of one key that says otherwise is put aside, and its pupil is not lost", "[connectors]")
{
    record_mapping mapping = mapping_of(what::concern, {"incident_ref", "incident_at", "status", "pupil_id"});
    mapping.key = {mapping.columns[0].field};
    const read_text read(
        mapping, "incident_ref,incident_at,status,pupil_id\nI,2025-11-10,Open,1\nI,2025-11-10,Closed,2\n"
    );
    REQUIRE(read.got.rejected.size() == 1);
    CHECK(read.got.rejected[0].reason == "another row has the same key and says otherwise");
    CHECK(
        read.got.rejected[0].row ==
        R"({"incident_at":"2025-11-10","incident_ref":"I","pupil_id":"2","status":"Closed"})"
    );
    const auto& last = read.got.records.back();
    CHECK((last.kind == what::involvement && last.pupil_id == "2"));
}

TEST_CASE("a row that cannot be read says whose it is as far as it can be told", "[connectors]")
{
    const std::string columns = "incident_ref,incident_at,status,pupil_id\n";
    const auto [why, key, row, whose] = GENERATE(table<std::string, std::string, std::string, std::string>({
        {"by the key", "incident_ref", "I,tomorrow,Open,1\n", "I"},
        {"without a whole key", "incident_ref", ",2025-11-10,Open,1\n", ""},
        {"by a key that is what is wrong", "incident_at", "I,tomorrow,Open,1\n", ""},
        {"without the day from which the key is made", "", "I,tomorrow,Open,1\n", ""},
    }));
    CAPTURE(why);
    record_mapping mapping = mapping_of(what::concern, {"incident_ref", "incident_at", "status", "pupil_id"});
    for (const mapped_column& column : mapping.columns)
        if (column.field->name == key) mapping.key = {column.field};
    const read_text read(mapping, columns + row);
    REQUIRE(read.got.rejected.size() == 1);
    CHECK(read.got.rejected[0].whose.source_id == whose);
    // Nor is the pupil gone for it.
    REQUIRE(read.got.records.size() == 1);
    CHECK((read.got.records[0].kind == what::pupil && read.got.records[0].source_id == "1"));
}

TEST_CASE("CSV is read as programs write it", "[connectors]")
{
    const record_mapping mapping = mapping_of(what::pupil, {"pupil_id", "pupil_surname"});
    const auto [why, csv, surnames] = GENERATE(table<std::string, std::string, std::string>({
        {"LF", "pupil_id,pupil_surname\n1,A\n2,B\n", "A|B"},
        {"CRLF and no end", "pupil_id,pupil_surname\r\n1,A\r\n2,B", "A|B"},
        {"CR alone", "pupil_id,pupil_surname\r1,A\r2,B\r", "A|B"},
        {"other order and columns between", "x,pupil_surname,y,pupil_id\n,A,,1\n\"\n\",B,\"\"\"\",2\n", "A|B"},
        {"empty lines", "pupil_id,pupil_surname\n\n1,A\n\r\n2,B\n\n", "A|B"},
        {"empty cells at the end", "pupil_id,pupil_surname\n1,A,,\n2,B,\n", "A|B"},
        {"quotes inside", "pupil_id,pupil_surname\n1,\"A\"\"a\"\n2,B\"b\n", "A\"a|B\"b"},
        {"words after a quote", "pupil_id,pupil_surname\n1,\"A\"a\n", "Aa"},
        {"spaces around headings and values", " pupil_id , pupil_surname \n 1 , A \n", "A"},
        {"no rows", "pupil_id,pupil_surname\n", ""},
    }));
    CAPTURE(why);
    const read_text read(mapping, csv);
    CHECK(read.why.what.empty());
    std::string found;
    for (const reported_record& record : read.got.records) {
        found += (found.empty() ? "" : "|") +
                 std::string(*json_document::parse(record.fields)->root()["surname"].string_if());
    }
    CHECK(found == surnames);
}

TEST_CASE("CSV that is not whole, or not the report that is meant, is refused", "[connectors]")
{
    const record_mapping mapping = mapping_of(what::pupil, {"pupil_id", "pupil_surname"});
    const auto [csv, told, code] = GENERATE(table<std::string, std::string, errc>({
        {"", "no heading row", errc::page_malformed},
        {"pupil_id;pupil_surname\n1;A\n", "no column \"pupil_id\"", errc::source_misconfigured},
        {"pupil_id,pupil_surname,pupil_id\n1,A,1\n", "two columns \"pupil_id\"", errc::source_misconfigured},
        {"pupil_id,pupil_surname\n1,A\n2", "ends inside a row", errc::page_malformed},
        {"pupil_id,pupil_surname\n1,A\n2,\"B", "ends inside a row", errc::page_malformed},
        {"pupil_id,pupil_surname\n1,\"A\n2,B\n", "ends inside a row", errc::page_malformed},
    }));
    CAPTURE(csv);
    const read_text read(mapping, csv);
    CHECK_THAT(read.why.what, Contains(told));
    CHECK(read.why.code == code);
}

TEST_CASE("a row with fewer or more cells than headings is put aside", "[connectors]")
{
    const record_mapping mapping = mapping_of(what::pupil, {"pupil_id", "pupil_surname"});
    const read_text read(mapping, "pupil_id,pupil_surname\n1\n2,B\n3,C,D\n");
    CHECK(
        read.lines ==
        lines{
            R"(pupil 2 [2] {"surname":"B"})",
            "no pupil: the row has fewer cells than the heading row",
            "no pupil: the row has more cells than the heading row"}
    );
}

TEST_CASE("a file is still when its time lies far enough behind the clock it fits", "[connectors]")
{
    const auto [why, time, now, machine, seen, still] = GENERATE(table<std::string, int, int, int, int, bool>({
        {"a second too early", 1000, 1059, 1059, 1059, false},
        {"just long enough", 1000, 1060, 1060, 1060, true},
        {"a simulation long ago, and a file of today", 9000, 100, 9059, 9059, false},
        {"the same a second later", 9000, 100, 9060, 9060, true},
        {"a stamp from the future, first seen now", 9999, 100, 200, 200, false},
        {"a stamp from the future, as it was a minute ago", 9999, 100, 260, 200, true},
    }));
    CAPTURE(why);
    listed_file file;
    file.time = at(time);
    CHECK(is_still(file, 60s, at(now), at(machine), at(seen)) == still);
    CHECK(is_still(file, 0s, at(now), at(machine), at(seen)));
}
