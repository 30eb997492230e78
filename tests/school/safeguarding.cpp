#include "tests/school/safeguarding.hpp"

#include "tests/school/json_text.hpp"

#include <rapidjson/document.h>

#include <algorithm>
#include <charconv>

namespace rollbook::school {

namespace {

constexpr int per_page_default = 100;
constexpr int per_page_max = 500;

struct category {
    std::string_view name, subcategory;
};
constexpr category categories[] = {
    {"Attendance", "Persistent absence"},
    {"Cause for concern", ""},
    {"Mental health", "Low mood"},
    {"Peer relationships", "Bullying"},
    {"Contact with parents", ""},
    {"Home circumstances", "Neglect"},
    {"Online safety", ""},
    {"Mental health", "Self-harm"},
    {"Cause for concern", "Hunger"},
    {"Young carer", ""},
    {"Home circumstances", "Housing"},
    {"Multi-agency", "Meeting"},
};
constexpr std::string_view owners[] = {"DSL", "Deputy DSL", "Head of Year 7", "Head of Year 9", "Pastoral team"};

std::string local_minute(date day, int minute)
{
    char text[32];
    std::snprintf(text, sizeof text, "T%02d:%02d:00", minute / 60, minute % 60);
    return format_date(day) + text;
}

http_response json(int status, std::string body)
{
    http_response made;
    made.status = status;
    made.body = std::move(body);
    return made;
}

http_response problem(int status, std::string_view what)
{
    return json(status, R"({"error":)" + json_string(what) + "}");
}

std::optional<long long> updated_after(const http_request& request, bool& is_wrong)
{
    const std::string* text = request.parameter("updated_after");
    if (!text) return {};
    date day;
    int h = 0, m = 0, s = 0, zh = 0, zm = 0;
    char sign = '+';
    is_wrong = text->size() < 20 || !parse_date(std::string_view(*text).substr(0, 10), day) ||
               std::sscanf(text->c_str() + 11, "%2d:%2d:%2d", &h, &m, &s) != 3;
    if (is_wrong) return {};
    const std::size_t zone = text->find_first_of("Z+-", 19);
    if (zone == text->npos) {
        is_wrong = true;
        return {};
    }
    if ((*text)[zone] != 'Z') std::sscanf(text->c_str() + zone, "%c%2d:%2d", &sign, &zh, &zm);
    const int offset = (zh * 3600 + zm * 60) * (sign == '-' ? -1 : 1);
    return day.time_since_epoch().count() * 86400LL + h * 3600 + m * 60 + s - offset;
}

int number_parameter(const http_request& request, std::string_view name, int otherwise)
{
    const std::string* text = request.parameter(name);
    int n = 0;
    if (!text) return otherwise;
    const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), n);
    return ec == std::errc() && end == text->data() + text->size() && n > 0 ? n : otherwise;
}

// What follows "/safeguarding/v1/", in parts.
std::vector<std::string> parts_of(const std::string& path)
{
    std::vector<std::string> parts;
    for (std::size_t from = std::min<std::size_t>(path.size(), 17); from < path.size();) {
        const std::size_t slash = std::min(path.find('/', from), path.size());
        if (slash > from) parts.push_back(path.substr(from, slash - from));
        from = slash + 1;
    }
    return parts;
}

} // namespace

safeguarding_api::safeguarding_api(const simulated_school& school, fault_board& faults, safeguarding_settings settings)
    : school_(school), faults_(faults), settings_(std::move(settings))
{
}

std::string safeguarding_api::endpoint_of(const std::string& path)
{
    const std::vector<std::string> parts = parts_of(path);
    if (parts.size() == 1 && (parts[0] == "students" || parts[0] == "incidents")) return "safeguarding/" + parts[0];
    if (parts.size() == 1 && parts[0] == "actions") return "safeguarding/all-actions";
    if (parts.size() == 1 && parts[0] == "tray") return "safeguarding/tray";
    if (parts.size() == 2 && parts[0] == "incidents") return "safeguarding/incidents/id";
    if (parts.size() >= 3 && parts[0] == "incidents" && parts[2] == "actions") return "safeguarding/actions";
    return "unknown";
}

http_response safeguarding_api::answer(const http_request& request)
{
    const std::string endpoint =
        endpoint_of(request.path) + (request.method == "POST" && request.path.ends_with("/tray") ? "/new" : "");
    if (!is_basic(request, settings_.user, settings_.password)) {
        http_response refused = problem(401, "Unknown user or password");
        refused.headers.emplace_back("WWW-Authenticate", "Basic realm=\"safeguarding\"");
        return refused;
    }
    const std::vector<fault> faults = faults_.take(endpoint, number_parameter(request, "page", 1));
    if (auto spoilt = instead(faults)) return std::move(*spoilt);

    const std::vector<std::string> parts = parts_of(request.path);
    bool is_wrong = false;
    (void)updated_after(request, is_wrong);
    if (is_wrong) return problem(422, "updated_after must be an RFC 3339 instant");

    http_response made = problem(404, "Not found");
    if (endpoint.starts_with("safeguarding/tray")) {
        made = tray(request);
    } else if (parts.size() == 1 && endpoint != "unknown") {
        if (request.method != "GET") return problem(405, "Only GET");
        listing list = parts[0] == "students"    ? students(request)
                       : parts[0] == "incidents" ? incidents(request)
                                                 : all_actions(request);
        if (const auto extra = appended_.find(endpoint); extra != appended_.end()) {
            const std::vector<std::string>& rows = extra->second;
            list = {list.size + rows.size(), [list, &rows](std::size_t i, std::string& out) {
                        if (i < list.size) return list.row(i, out);
                        out += rows[i - list.size];
                    }};
        }
        made = page_of(request, through(faults, list));
    } else if (endpoint == "safeguarding/incidents/id" || endpoint == "safeguarding/actions") {
        int number = 0;
        if (parts[1].starts_with("INC-")) {
            std::from_chars(parts[1].data() + 4, parts[1].data() + parts[1].size(), number);
        }
        const bool is_known = number >= 1 && number <= static_cast<int>(school_.concerns().size());
        if (is_known && parts.size() == 2) {
            made = json(200, incident_row(school_.concerns()[std::size_t(number - 1)]));
        } else if (is_known && parts.size() == 3 && request.method == "POST") {
            made = post_action(number, request);
        } else if (is_known) {
            std::string rows;
            for (const action& a : actions_) {
                if (a.incident != number) continue;
                if (parts.size() == 4 && parts[3] == "ACT-" + std::to_string(a.number)) made = json(200, action_row(a));
                rows += (rows.empty() ? "" : ",") + action_row(a);
            }
            if (parts.size() == 3) made = json(200, "{\"data\":[" + rows + "]}");
        }
    }
    spoil(faults, made);
    return made;
}

http_response safeguarding_api::page_of(const http_request& request, const listing& list) const
{
    const int page = number_parameter(request, "page", 1);
    const int per_page = std::min(number_parameter(request, "per_page", per_page_default), per_page_max);
    const std::size_t from = std::min(std::size_t(page - 1) * std::size_t(per_page), list.size);
    const std::size_t to = std::min(from + std::size_t(per_page), list.size);
    std::string body = "{\"data\":[";
    for (std::size_t i = from; i < to; ++i) {
        if (i != from) body += ',';
        list.row(i, body);
    }
    const std::size_t pages = (list.size + std::size_t(per_page) - 1) / std::size_t(per_page);
    body += "],\"page\":" + std::to_string(page) + ",\"per_page\":" + std::to_string(per_page) +
            ",\"pages\":" + std::to_string(pages) + ",\"total\":" + std::to_string(list.size) + ",\"data_as_of\":\"" +
            rfc3339(settings_.data_as_of()) + "\"}";
    return json(200, std::move(body));
}

listing safeguarding_api::students(const http_request& request) const
{
    bool is_wrong = false;
    const auto after = updated_after(request, is_wrong);
    struct row {
        std::string id, upn, mis_id, forename, surname;
        date born;
        long long updated_at;
        bool has_plan;
    };
    auto rows = std::make_shared<std::vector<row>>();
    for (const former_pupil& f : school_.people().strangers) {
        rows->push_back(
            {f.safeguarding_id, f.upn, f.mis_id, f.forename, f.surname, f.born, utc_of_local(f.left, 16, 0), false}
        );
    }
    // A pupil who leaves the MIS stays here, as in the real systems, until somebody archives the record.
    for (const pupil& p : school_.people().pupils) {
        if (archived_.contains(p.safeguarding_id)) continue;
        rows->push_back(
            {p.safeguarding_id,
             p.upn_missing_in_safeguarding ? "" : p.upn,
             p.mis_id,
             p.forename,
             p.surname,
             p.born,
             p.created_at + 5400,
             p.plan_in_safeguarding}
        );
    }
    if (after) std::erase_if(*rows, [&](const row& r) { return r.updated_at <= *after; });
    return {rows->size(), [rows](std::size_t i, std::string& out) {
                const row& r = (*rows)[i];
                out += "{\"id\":\"" + r.id + "\",\"upn\":" + json_or_null(r.upn) + ",\"mis_id\":\"" + r.mis_id +
                       "\",\"forename\":" + json_string(r.forename) + ",\"surname\":" + json_string(r.surname) +
                       ",\"date_of_birth\":\"" + format_date(r.born) +
                       "\",\"flags\":{\"child_in_need\":false,\"child_protection\":" + (r.has_plan ? "true" : "false") +
                       ",\"looked_after\":false,\"social_worker\":" + (r.has_plan ? "true" : "false") +
                       "},\"updated_at\":\"" + rfc3339(r.updated_at) + "\"}";
            }};
}

long long safeguarding_api::changed_at(const concern& c) const
{
    const school_calendar& calendar = school_.calendar();
    const int closed = c.entered + c.plan.closed_after;
    const long long own = closed <= calendar.last()
                              ? utc_of_local(calendar.day(closed), 14, 40)
                              : utc_of_local(calendar.day(c.entered), 0, 0) + c.plan.entered_minute * 60;
    const auto touched = touched_.find(c.number);
    return touched == touched_.end() ? own : std::max(own, touched->second);
}

listing safeguarding_api::incidents(const http_request& request) const
{
    bool is_wrong = false;
    const auto after = updated_after(request, is_wrong);
    auto shown = std::make_shared<std::vector<std::size_t>>();
    for (std::size_t i = 0; i < school_.concerns().size(); ++i) {
        if (!after || changed_at(school_.concerns()[i]) > *after) shown->push_back(i);
    }
    return {shown->size(), [this, shown](std::size_t i, std::string& out) {
                out += incident_row(school_.concerns()[(*shown)[i]]);
            }};
}

std::string safeguarding_api::incident_row(const concern& c) const
{
    const school_calendar& calendar = school_.calendar();
    const auto& pupils = school_.people().pupils;
    const category& first = categories[std::size_t(c.plan.category) % std::size(categories)];
    std::string who = "\"" + pupils[std::size_t(c.plan.pupil)].safeguarding_id + "\"";
    if (c.plan.second_pupil >= 0) who += ",\"" + pupils[std::size_t(c.plan.second_pupil)].safeguarding_id + "\"";
    std::string named = json_string(first.name);
    if (c.plan.second_category) {
        const category& other = categories[std::size_t(c.plan.category + 5) % std::size(categories)];
        if (other.name != first.name) named += "," + json_string(other.name);
    }
    const long long entered = utc_of_local(calendar.day(c.entered), 0, 0) + c.plan.entered_minute * 60;
    const bool is_closed = c.entered + c.plan.closed_after <= calendar.last();
    return "{\"id\":\"INC-" + std::to_string(c.number) + "\",\"student_ids\":[" + who + "],\"incident_at\":\"" +
           local_minute(calendar.day(c.happened), c.plan.happened_minute) + "\",\"entered_at\":\"" + rfc3339(entered) +
           "\",\"categories\":[" + named + "],\"subcategory\":" + json_or_null(first.subcategory) +
           ",\"text\":\"Invented text of a concern. Nothing in it is about anybody.\",\"status\":\"" +
           (is_closed ? "Closed" : "Open") +
           "\",\"assigned_to\":" + json_string(owners[std::size_t(c.plan.category) % std::size(owners)]) +
           ",\"updated_at\":\"" + rfc3339(changed_at(c)) + "\"}";
}

http_response safeguarding_api::post_action(int incident, const http_request& request)
{
    rapidjson::Document body;
    body.Parse(request.body.data(), request.body.size());
    const auto text_of = [&](const char* name) -> std::string {
        if (!body.HasMember(name) || !body[name].IsString()) return {};
        return {body[name].GetString(), body[name].GetStringLength()};
    };
    if (body.HasParseError() || !body.IsObject()) return problem(400, "The body is not a JSON object");
    action wanted{
        static_cast<int>(actions_.size()) + 1,
        incident,
        text_of("client_reference"),
        text_of("kind"),
        text_of("text"),
        text_of("author"),
        settings_.data_as_of()};
    if (wanted.client_reference.empty() || wanted.text.empty()) {
        return problem(422, "client_reference and text are required");
    }
    for (const action& a : actions_) {
        if (a.client_reference != wanted.client_reference) continue;
        const bool same =
            a.incident == incident && a.text == wanted.text && a.kind == wanted.kind && a.author == wanted.author;
        return same ? json(200, action_row(a)) : problem(409, "client_reference was used for another action");
    }
    actions_.push_back(wanted);
    touched_[incident] = wanted.recorded_at;
    return json(201, action_row(wanted));
}

http_response safeguarding_api::tray(const http_request& request)
{
    if (request.method == "GET") {
        const std::string* reference = request.parameter("client_reference");
        for (std::size_t i = 0; i < tray_.size(); ++i)
            if (reference && tray_[i].client_reference == *reference) return json(200, tray_row(i));
        return problem(404, "Nothing has that reference");
    }
    if (request.method != "POST") return problem(405, "Only GET and POST");
    rapidjson::Document body;
    body.Parse(request.body.data(), request.body.size());
    if (body.HasParseError() || !body.IsObject()) return problem(400, "The body is not a JSON object");
    const auto text_of = [&](const char* name) -> std::string {
        if (!body.HasMember(name) || !body[name].IsString()) return {};
        return {body[name].GetString(), body[name].GetStringLength()};
    };
    tray_item wanted{text_of("client_reference"), text_of("student_id"), text_of("text"), text_of("written_at")};
    const bool is_known = std::ranges::any_of(school_.people().pupils, [&](const auto& each) {
        return each.safeguarding_id == wanted.student;
    });
    if (wanted.client_reference.empty() || wanted.text.empty() || wanted.student.empty() || !is_known)
        return problem(422, "client_reference and text are required, and student_id must name a pupil");
    for (std::size_t i = 0; i < tray_.size(); ++i)
        if (tray_[i].client_reference == wanted.client_reference)
            return tray_[i] == wanted ? json(200, tray_row(i))
                                      : problem(409, "client_reference was used for another item");
    tray_.push_back(std::move(wanted));
    return json(201, tray_row(tray_.size() - 1));
}

std::string safeguarding_api::tray_row(std::size_t place) const
{
    const tray_item& each = tray_[place];
    return "{\"id\":\"TRAY-" + std::to_string(place + 1) +
           "\",\"client_reference\":" + json_string(each.client_reference) +
           ",\"student_id\":" + json_string(each.student) + ",\"text\":" + json_string(each.text) +
           ",\"written_at\":" + json_or_null(each.written_at) + "}";
}

std::string safeguarding_api::tray_items() const
{
    std::string rows;
    for (std::size_t i = 0; i < tray_.size(); ++i)
        rows += (rows.empty() ? "" : ",") + tray_row(i);
    return "[" + rows + "]";
}

listing safeguarding_api::all_actions(const http_request& request) const
{
    bool is_wrong = false;
    const auto after = updated_after(request, is_wrong);
    auto shown = std::make_shared<std::vector<std::size_t>>();
    for (std::size_t i = 0; i < actions_.size(); ++i)
        if (!after || actions_[i].recorded_at > *after) shown->push_back(i);
    return {
        shown->size(), [this, shown](std::size_t i, std::string& out) { out += action_row(actions_[(*shown)[i]]); }};
}

std::string safeguarding_api::action_row(const action& a) const
{
    const concern& about = school_.concerns()[std::size_t(a.incident - 1)];
    std::string who;
    for (const int pupil : {about.plan.pupil, about.plan.second_pupil})
        if (pupil >= 0)
            who += (who.empty() ? "{\"id\":\"" : ",{\"id\":\"") +
                   school_.people().pupils[std::size_t(pupil)].safeguarding_id + "\"}";
    return "{\"id\":\"ACT-" + std::to_string(a.number) + "\",\"incident_id\":\"INC-" + std::to_string(a.incident) +
           "\",\"client_reference\":" + json_string(a.client_reference) + ",\"kind\":" + json_or_null(a.kind) +
           ",\"text\":" + json_string(a.text) + ",\"author\":" + json_or_null(a.author) + ",\"students\":[" + who +
           "],\"done_on\":\"" + rfc3339(a.recorded_at).substr(0, 10) + "\",\"recorded_at\":\"" +
           rfc3339(a.recorded_at) + "\"}";
}

std::string safeguarding_api::actions() const
{
    std::string rows;
    for (const action& a : actions_)
        rows += (rows.empty() ? "" : ",") + action_row(a);
    return "[" + rows + "]";
}

} // namespace rollbook::school
