// Arbor: GraphQL, and the changelog and objects of REST v2. Source: source-systems.md section 2.
#include "tests/school/json_text.hpp"
#include "tests/school/systems.hpp"

#include <rapidjson/document.h>

#include <algorithm>

namespace rollbook::school {

namespace {

// A value of the graph: a scalar as JSON text, an object, or a list of objects.
struct graph_value {
    std::string scalar;
    std::vector<std::pair<std::string, graph_value>> members;
    std::vector<graph_value> items;
    bool is_list = false;

    graph_value() = default;
    graph_value(std::string json) : scalar(std::move(json)) {}
    graph_value(std::vector<std::pair<std::string, graph_value>> m) : members(std::move(m)) {}
};

using fields = std::vector<std::pair<std::string, graph_value>>;

graph_value text(std::string_view t)
{
    return json_string(t);
}

graph_value one(std::string_view entity_id)
{
    return fields{{"id", text(entity_id)}};
}

// What is wrong with a query: GraphQL answers it as 200 with `errors`.
struct no_query {
    std::string why;
};

// The part of a query between its first brace and the last: names, arguments and selections.
class query_reader {
public:
    explicit query_reader(std::string_view text) : text_(text) {}

    struct selection {
        std::string name;
        std::vector<std::pair<std::string, std::string>> arguments; // a value or a variable's name with its dollar
        std::vector<selection> below;
    };

    std::vector<selection> read()
    {
        const auto brace = text_.find('{');
        if (brace == text_.npos) throw no_query{"Syntax Error: no selection"};
        at_ = brace;
        return selections();
    }

private:
    void skip()
    {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == ',' || text_[at_] == '\n'))
            ++at_;
    }
    bool take(char c)
    {
        skip();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    std::string word()
    {
        skip();
        const std::size_t from = at_;
        while (at_ < text_.size() && std::string_view(" ,\n(){}:").find(text_[at_]) == std::string_view::npos)
            ++at_;
        if (from == at_) throw no_query{"Syntax Error: a name is missing"};
        return std::string(text_.substr(from, at_ - from));
    }
    std::vector<selection> selections()
    {
        if (!take('{')) throw no_query{"Syntax Error: a selection is missing"};
        std::vector<selection> out;
        while (!take('}')) {
            selection made;
            made.name = word();
            if (take('('))
                while (!take(')')) {
                    const std::string name = word();
                    if (!take(':')) throw no_query{"Syntax Error: an argument has no value"};
                    made.arguments.emplace_back(name, word());
                }
            skip();
            if (at_ < text_.size() && text_[at_] == '{') made.below = selections();
            out.push_back(std::move(made));
        }
        return out;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

std::string projected(const graph_value& v, const std::vector<query_reader::selection>& wanted, const std::string& type)
{
    if (v.is_list) {
        std::string out;
        for (const graph_value& item : v.items)
            out += (out.empty() ? "" : ",") + projected(item, wanted, type);
        return "[" + out + "]";
    }
    if (v.members.empty()) return v.scalar;
    std::string out;
    for (const auto& field : wanted) {
        const auto found = std::ranges::find(v.members, field.name, &fields::value_type::first);
        if (found == v.members.end())
            throw no_query{"Cannot query field \\\"" + field.name + "\\\" on type \\\"" + type + "\\\"."};
        out += (out.empty() ? "" : ",") + json_string(field.name) + ":" +
               projected(found->second, field.below, field.name);
    }
    return "{" + out + "}";
}

// A mark's own code in Arbor: a word, where the register has a letter.
std::string mark_code(std::uint8_t code)
{
    const code_row& row = code_list()[code];
    if (row.text == "/") return "PRESENT";
    if (row.text == "L") return "LATE";
    std::string out;
    for (const char c : row.description)
        out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c >= 'A' && c <= 'Z' ? c : '_';
    return out;
}

class arbor_school {
public:
    explicit arbor_school(const system_call& call) : call_(call), school_(call.school) {}

    http_response answer()
    {
        if (!is_basic(call_.request, "rollbook", call_.secret)) return json_answer("{}", 401);
        if (call_.path == "/graphql/query") return graphql();
        if (call_.path == "/rest-v2/students/changelog") return changelog();
        if (call_.path.starts_with("/rest-v2/students/")) return student_object(call_.path.substr(18));
        return json_answer(R"({"response":{"success":false,"code":404,"reason":"No such resource"}})", 404);
    }

private:
    http_response graphql()
    {
        rapidjson::Document body;
        body.Parse(call_.request.body.c_str());
        if (call_.request.method != "POST" || body.HasParseError() || !body.IsObject() || !body.HasMember("query"))
            return json_answer(R"({"errors":[{"message":"Must provide query string."}]})", 400);
        try {
            std::string out;
            for (const auto& asked : query_reader(body["query"].GetString()).read())
                out += (out.empty() ? "" : ",") + json_string(asked.name) + ":" + list(asked, body);
            return json_answer("{\"data\":{" + out + "}}");
        } catch (const no_query& wrong) {
            return json_answer(R"({"data":null,"errors":[{"message":")" + wrong.why + "\"}]}");
        }
    }

    std::string list(const query_reader::selection& asked, const rapidjson::Document& body)
    {
        std::size_t size = 3000;
        std::size_t number = 1;
        std::vector<std::pair<std::string, std::string>> filters;
        for (const auto& [name, given] : asked.arguments) {
            std::string value = given;
            if (given.starts_with('$')) {
                const std::string variable = given.substr(1);
                if (!body.HasMember("variables") || !body["variables"].HasMember(variable.c_str())) continue;
                const rapidjson::Value& v = body["variables"][variable.c_str()];
                value = v.IsString() ? v.GetString() : v.IsInt() ? std::to_string(v.GetInt()) : "";
            }
            if (name == "page_size") {
                size = number_in(value, size);
            } else if (name == "page_num") {
                number = number_in(value, number);
            } else {
                filters.emplace_back(name, value);
            }
        }
        std::vector<graph_value> all = entity(asked.name);
        for (const auto& [name, value] : filters)
            std::erase_if(all, [&](const graph_value& v) { return !passes(v, name, value); });
        graph_value page;
        page.is_list = true;
        const std::size_t from = number == 0 ? all.size() : (number - 1) * size;
        for (std::size_t i = from; i < all.size() && i < from + size; ++i)
            page.items.push_back(std::move(all[i]));
        return projected(page, asked.below, asked.name);
    }

    // `recordDate__from`: a property and an operator; dates as text are in order.
    static bool passes(const graph_value& v, const std::string& filter, const std::string& value)
    {
        const auto parts = filter.find("__");
        const std::string property = filter.substr(0, parts);
        const std::string by = parts == filter.npos ? "equals" : filter.substr(parts + 2);
        const auto found = std::ranges::find(v.members, property, &fields::value_type::first);
        if (found == v.members.end()) throw no_query{"Unknown argument \\\"" + filter + "\\\"."};
        std::string held = found->second.scalar;
        if (held.starts_with('"')) held = held.substr(1, held.size() - 2);
        if (by == "equals") return held == value;
        if (by == "from") return held >= value;
        if (by == "to") return held <= value;
        if (by == "after") return held > value;
        if (by == "before") return held < value;
        throw no_query{"Unknown argument \\\"" + filter + "\\\"."};
    }

    std::vector<graph_value> entity(const std::string& name)
    {
        std::vector<graph_value> out;
        if (name == "Student") {
            for (const int i : pupils_on_roll(school_))
                out.push_back(student(school_.people().pupils[static_cast<std::size_t>(i)]));
        } else if (name == "AttendanceMark") {
            for (std::size_t i = 0; i < code_list().size(); ++i)
                out.push_back(fields{
                    {"id", text(std::to_string(i + 1))},
                    {"code", text(mark_code(static_cast<std::uint8_t>(i)))},
                    {"attendanceMark", text(code_list()[i].text)},
                    {"markDescription", text(code_list()[i].description)},
                    {"active", graph_value("true")}});
        } else if (name == "AttendanceRollCallRecord") {
            for (const std::uint32_t at : school_.listed())
                out.push_back(roll_call(at));
        } else if (name == "BehaviouralIncident") {
            for (const incident& x : school_.incidents())
                out.push_back(behaviour(x));
        } else if (name == "SafeguardingNote") {
            for (const concern& x : school_.concerns())
                out.push_back(note(x, "dateLogged"));
        } else if (name != "ChildProtectionNote") {
            throw no_query{"Cannot query field \\\"" + name + "\\\" on type \\\"Query\\\"."};
        }
        return out;
    }

    static graph_value student(const pupil& p)
    {
        return fields{
            {"id", text(p.mis_id)},
            {"revisionId", graph_value(std::to_string(p.updated_at))},
            {"studentNumber", text(p.admission_number)},
            {"person",
             fields{
                 {"legalLastName", text(p.surname)},
                 {"legalFirstName", text(p.forename)},
                 {"preferredLastName", graph_value("null")},
                 {"preferredFirstName", graph_value("null")},
                 {"dateOfBirth", text(format_date(p.born))}}}};
    }

    graph_value roll_call(std::uint32_t at) const
    {
        const mark& m = school_.marks()[at];
        const bool is_morning = m.session == 0;
        return fields{
            {"id", text(std::to_string(at + 1))},
            {"recordDate", text(format_date(school_.calendar().day(m.ordinal)))},
            {"student", one(pupil_of(school_, m).mis_id)},
            {"attendanceMark", fields{{"code", text(mark_code(m.code))}}},
            {"minutesLate", graph_value("null")},
            {"attendanceRollCall",
             fields{
                 {"attendanceRegisterType",
                  fields{
                      {"code", text(is_morning ? "AM" : "PM")},
                      {"isMorning", graph_value(is_morning ? "true" : "false")},
                      {"isAfternoon", graph_value(is_morning ? "false" : "true")}}}}},
            {"source", graph_value("null")}};
    }

    graph_value behaviour(const incident& x) const
    {
        graph_value parts;
        parts.is_list = true;
        const auto involve = [&](int who, std::string_view severity) {
            parts.items.push_back(fields{
                {"id", text(std::to_string(x.number) + (parts.items.empty() ? "1" : "2"))},
                {"severity", text(severity)},
                {"student", one(school_.people().pupils[static_cast<std::size_t>(who)].mis_id)}});
        };
        involve(x.plan.pupil, "High");
        if (x.plan.second_pupil >= 0) involve(x.plan.second_pupil, "Low");
        const std::string time = format_date(school_.calendar().day(x.ordinal)) + " " +
                                 (x.plan.minute / 60 < 10 ? "0" : "") + std::to_string(x.plan.minute / 60) + ":" +
                                 (x.plan.minute % 60 < 10 ? "0" : "") + std::to_string(x.plan.minute % 60) + ":00";
        return fields{
            {"id", text(std::to_string(x.number))},
            {"incidentName", text(behaviour_name(x))},
            {"narrative", text("Words that nobody needs.")},
            {"incidentDatetime", text(time)},
            {"severity", text(std::to_string(x.plan.points))},
            {"behaviour", one("1")},
            {"location", one("1")},
            {"loggedByStaff", one("1")},
            {"involvements", std::move(parts)}};
    }

    graph_value note(const concern& x, const char* when) const
    {
        const std::string day = format_date(school_.calendar().day(x.entered));
        return fields{
            {"id", text(std::to_string(x.number))},
            {when, text(day + " 09:00:00")},
            {"summary", text("Words that nobody needs.")},
            {"content", text("Words that nobody needs.")},
            {"student", one(school_.people().pupils[static_cast<std::size_t>(x.plan.pupil)].mis_id)}};
    }

    http_response changelog()
    {
        const long long from = static_cast<long long>(number_in(parameter_of(call_.request, "from-revision"), 0));
        std::string out;
        for (const pupil& p : school_.people().pupils) {
            if (p.updated_at <= from) continue;
            out += (out.empty() ? "{\"changeType\":\"" : ",{\"changeType\":\"") +
                   std::string(p.on_roll ? "update" : "delete") +
                   "\",\"changedObject\":{\"entityType\":\"Student\",\"href\":\"/rest-v2/students/" + p.mis_id +
                   "\"},\"fromRevision\":" + std::to_string(from) + ",\"toRevision\":" + std::to_string(p.updated_at) +
                   "}";
        }
        return json_answer(R"({"response":{"success":true},"changes":[)" + out + "]}");
    }

    // A REST object names what belongs to it by address only.
    http_response student_object(const std::string& id)
    {
        const auto& pupils = school_.people().pupils;
        const auto found = std::ranges::find(pupils, id, &pupil::mis_id);
        if (found == pupils.end())
            return json_answer(R"({"status":{"success":false,"code":404,"reason":"Not found","errors":[]}})", 404);
        return json_answer(
            R"({"response":{"success":true},"student":{"entityType":"Student","href":"/rest-v2/students/)" + id +
            R"(","revisionId":)" + std::to_string(found->updated_at) + R"(,"studentNumber":)" +
            json_string(found->admission_number) + R"(,"person":{"entityType":"Person","href":"/rest-v2/persons/)" +
            id + R"("}}})"
        );
    }

    const system_call& call_;
    const simulated_school& school_;
};

} // namespace

http_response arbor(const system_call& call)
{
    return arbor_school(call).answer();
}

} // namespace rollbook::school
