#include "tests/school/wonde.hpp"

#include "tests/school/dice.hpp"
#include "tests/school/json_text.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace rollbook::school {

using namespace std::chrono;

namespace {

constexpr int per_page_default = 50;

constexpr std::string_view behaviour_types[] = {
    "Disruption (Stage 1)",
    "Disruption (Stage 2)",
    "No homework",
    "Equipment",
    "Defiance",
    "Uniform",
    "Mobile phone",
    "Late to lesson",
    "Truancy (internal)",
    "Verbal abuse",
    "Physical (Stage 3)",
    "Damage to property",
};
constexpr std::string_view period_names[] = {"Period 1", "Period 2", "Period 3", "Period 4"};
constexpr std::string_view behaviour_comments[] = {
    "Spoken to after the lesson.",
    "Moved seat.",
    "Removed.",
    "Detention set.",
    "Telephoned home.",
};
struct exclusion_reason {
    std::string_view code, text;
};
// Half are for persistent disruption. Source: statutory.md section 8d.
constexpr exclusion_reason exclusion_reasons[] = {
    {"DB", "Persistent disruptive behaviour"},
    {"DB", "Persistent disruptive behaviour"},
    {"DB", "Persistent disruptive behaviour"},
    {"DB", "Persistent disruptive behaviour"},
    {"VA", "Verbal abuse or threatening behaviour against an adult"},
    {"PP", "Physical assault against a pupil"},
    {"VP", "Verbal abuse or threatening behaviour against a pupil"},
    {"DM", "Damage"},
};

std::string local_day(date day)
{
    return R"({"date":")" + format_date(day) + R"( 00:00:00.000000","timezone_type":3,"timezone":"Europe/London"})";
}

// About one in eight comes without its fraction, as some of the real ones do.
std::string utc_time(long long seconds)
{
    return R"({"date":")" + format_utc(seconds, ' ') + (seconds * 2654435761u % 8 ? ".000000" : "") +
           R"(","timezone_type":3,"timezone":"UTC"})";
}

std::string opaque_id(unsigned long long first, int n)
{
    return "A" + std::to_string(first + static_cast<unsigned>(n));
}

std::set<std::string, std::less<>> includes_of(const named_values& query)
{
    std::set<std::string, std::less<>> found;
    for (const auto& [name, value] : query) {
        if (name != "include") continue;
        for (std::size_t from = 0; from <= value.size();) {
            const std::size_t comma = std::min(value.find(',', from), value.size());
            found.insert(value.substr(from, comma - from));
            from = comma + 1;
        }
    }
    return found;
}

// "2026-11-23 10:00:00" or "2026-11-23", read as UTC; nothing for anything else.
std::optional<long long> time_parameter(const http_request& request, std::string_view name)
{
    const std::string* text = request.parameter(name);
    date day;
    if (!text || !parse_date(std::string_view(*text).substr(0, 10), day)) return {};
    int h = 0, m = 0, s = 0;
    if (text->size() >= 19) std::sscanf(text->c_str() + 11, "%2d:%2d:%2d", &h, &m, &s);
    return day.time_since_epoch().count() * 86400LL + h * 3600 + m * 60 + s;
}

int int_parameter(const http_request& request, std::string_view name, int otherwise)
{
    const std::string* text = request.parameter(name);
    int n = 0;
    if (!text) return otherwise;
    const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), n);
    return ec == std::errc() && end == text->data() + text->size() && n > 0 ? n : otherwise;
}

http_response json(std::string body)
{
    http_response made;
    made.body = std::move(body);
    return made;
}

http_response refuse(int status, std::string_view error)
{
    http_response made = json(R"({"error":)" + json_string(error) + "}");
    made.status = status;
    return made;
}

// The cursor is the page number, disguised so that nobody can count on it.
std::string cursor_of(int page)
{
    char text[24];
    std::snprintf(text, sizeof text, "c%llx", static_cast<unsigned long long>(page) * 2654435761u + 977);
    return text;
}

std::optional<int> page_of_cursor(const std::string& text)
{
    unsigned long long n = 0;
    if (text.empty() || text[0] != 'c') return {};
    const auto [end, ec] = std::from_chars(text.data() + 1, text.data() + text.size(), n, 16);
    if (ec != std::errc() || end != text.data() + text.size() || n < 977 || (n - 977) % 2654435761u) return {};
    return static_cast<int>((n - 977) / 2654435761u);
}

} // namespace

wonde_api::wonde_api(const simulated_school& school, fault_board& faults, wonde_settings settings)
    : school_(school), faults_(faults), settings_(std::move(settings))
{
    std::vector<int> numbers(code_list().size());
    for (std::size_t i = 0; i < numbers.size(); ++i)
        numbers[i] = static_cast<int>(i) * 37;
    dice(school.options().seed, "code ids").shuffle(numbers);
    code_list_ = "{\"data\":[";
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const code_row& row = code_list()[i];
        code_ids_.push_back(opaque_id(1504839201u, numbers[i]));
        code_list_ += (i ? ",{\"id\":\"" : "{\"id\":\"") + code_ids_[i] + "\",\"code\":" + json_string(row.text) +
                      ",\"description\":" + json_string(row.description) + ",\"type\":" + json_string(row.type) +
                      ",\"parent_code\":null,\"government_code\":" + json_or_null(row.government) + "}";
    }
}

std::string wonde_api::endpoint_of(const std::string& path) const
{
    std::string rest = path.substr(std::min<std::size_t>(path.size(), 6)); // after "/v1.0/"
    while (rest.ends_with('/'))
        rest.pop_back();
    if (rest.starts_with("meta/")) return "meta";
    const std::string school = "schools/" + settings_.school_id;
    if (rest == school) return "school";
    if (!rest.starts_with(school + "/")) return rest == "schools" || rest == "attendance-codes" ? rest : "unknown";
    rest.erase(0, school.size() + 1);
    if (rest.starts_with("students/")) return "students/id";
    static const std::set<std::string> known{
        "students",
        "students-leaver",
        "students-pre-admission",
        "attendance/session",
        "attendance/lesson",
        "attendance-codes",
        "attendance-summaries",
        "behaviours",
        "behaviours/attributes",
        "achievements",
        "achievements/attributes",
        "contacts",
        "employees",
        "employee-absences",
        "groups",
        "classes",
        "lessons",
        "periods",
        "subjects",
        "rooms",
        "exclusions",
        "deletions",
        "counts"};
    return known.contains(rest) ? rest : "unknown";
}

int wonde_api::page_number(const http_request& request) const
{
    if (const std::string* cursor = request.parameter("cursor")) {
        return std::max(1, page_of_cursor(*cursor).value_or(1));
    }
    return int_parameter(request, "page", 1);
}

http_response wonde_api::answer(const http_request& request)
{
    const std::string endpoint = endpoint_of(request.path);
    if (!is_bearer(request, settings_.token) && !is_basic(request, settings_.token, "")) {
        return refuse(401, "invalid_token");
    }
    const std::vector<fault> faults = faults_.take(endpoint, page_number(request));
    if (auto spoilt = instead(faults)) return std::move(*spoilt);
    if (request.method != "GET") return refuse(405, "method_not_allowed");

    http_response made;
    const auto paged = [&](listing list, std::string_view includes) {
        const listing seen = through(faults, with_appended(endpoint, std::move(list)));
        made = page_of(request, endpoint, seen, includes);
    };
    if (endpoint == "students") {
        paged(students(request), R"("contact_details","education_details","extended_details","groups","year")");
    } else if (endpoint == "students-leaver") {
        paged(leavers(), R"("education_details")");
    } else if (endpoint == "attendance/session") {
        paged(session_marks(), R"("attendance_code","employee","student")");
    } else if (endpoint == "behaviours") {
        paged(behaviours(request), R"("employees","students")");
    } else if (endpoint == "achievements") {
        paged(achievements(request), R"("employees","students")");
    } else if (endpoint == "attendance/lesson") {
        paged(lesson_marks(), R"("attendance_code","employee","lesson","student")");
    } else if (endpoint == "attendance-summaries") {
        paged(summaries(), R"("student")");
    } else if (endpoint == "contacts") {
        paged(contacts(), "");
    } else if (endpoint == "employees") {
        paged(employees(), "");
    } else if (endpoint == "groups" || endpoint == "classes") {
        paged(forms(endpoint == "groups" ? "REGISTRATION" : "CLASS"), R"("students")");
    } else if (endpoint == "periods" || endpoint == "lessons" || endpoint == "subjects" || endpoint == "rooms") {
        paged(timetable(endpoint), "");
    } else if (endpoint == "students-pre-admission") {
        paged(coming(), R"("education_details")");
    } else if (endpoint == "employee-absences") {
        paged({}, "");
    } else if (endpoint == "behaviours/attributes" || endpoint == "achievements/attributes") {
        made = json(attributes());
    } else if (endpoint == "exclusions") {
        paged(exclusions(), R"("student")");
    } else if (endpoint == "deletions") {
        const auto& gone = school_.deletions();
        paged({gone.size(), [&](std::size_t i, std::string& out) { out += "{\"id\":\"" + gone[i] + "\"}"; }}, "");
    } else if (endpoint == "attendance-codes") {
        std::string body = has(faults, "empty") ? "{\"data\":[" : code_list_;
        for (const std::string& row : appended_[endpoint])
            body += (body.back() == '}' ? "," : "") + row;
        made = json(body + "]}");
    } else if (endpoint == "counts") {
        made = json(counts(request, has(faults, "miscount")));
    } else if (endpoint == "students/id") {
        std::string id = request.path.substr(request.path.find("/students/") + 10);
        if (id.ends_with('/')) id.pop_back();
        const auto found = school_.find_pupil(id);
        if (!found || !school_.people().pupils[std::size_t(*found)].on_roll) return refuse(404, "resource_not_found");
        made = json("{\"data\":" + student(*found, request.query) + "}");
    } else if (endpoint == "school") {
        made = json("{\"data\":" + school_object() + "}");
    } else if (endpoint == "schools") {
        made = json("{\"data\":[" + school_object() + "]}");
    } else if (endpoint == "meta" && request.path.find("/permissions") != std::string::npos) {
        made = json(permissions());
    } else if (endpoint == "meta") {
        made = json(
            R"({"data":{"id":")" + settings_.school_id +
            R"(","online":true,"approved":true,"audited":true,"custom_attendance_codes":true}})"
        );
    } else {
        return refuse(404, "resource_not_found");
    }
    // The one fault that changes what a link says is applied where the link is made.
    if (has(faults, "more_without_next") || has(faults, "same_page") || has(faults, "foreign_next")) {
        const std::size_t from = made.body.rfind("\"next\":"), to = made.body.find(",\"previous\"", from);
        if (from != std::string::npos && to != std::string::npos) {
            std::string next = "null";
            const int here = page_number(request);
            if (has(faults, "same_page")) next = link(settings_.authority, request, endpoint, here);
            if (has(faults, "foreign_next")) next = link(settings_.foreign_authority, request, endpoint, here + 1);
            made.body.replace(from, to - from, "\"next\":" + next);
            const std::size_t more = made.body.find("\"more\":false", from);
            if (more != std::string::npos) made.body.replace(more, 12, "\"more\":true");
        }
    }
    spoil(faults, made);
    return made;
}

std::string wonde_api::link(
    const std::string& authority, const http_request& request, const std::string& endpoint, int to_page
) const
{
    std::string url = "http://" + authority + "/v1.0/schools/" + settings_.school_id + "/" + endpoint + "?";
    for (const auto& [name, value] : request.query) {
        if (name == "page" || name == "cursor") continue;
        url += url_encode(name) + "=" + url_encode(value) + "&";
    }
    const bool by_cursor = request.parameter("cursor") != nullptr;
    return json_string(url + (by_cursor ? "cursor=" + cursor_of(to_page) : "page=" + std::to_string(to_page)));
}

http_response
wonde_api::page_of(const http_request& request, const std::string& endpoint, listing list, std::string_view includes)
{
    const int page = page_number(request);
    const int per_page = std::min(int_parameter(request, "per_page", per_page_default), settings_.per_page_max);
    const std::size_t from = std::min(static_cast<std::size_t>(page - 1) * std::size_t(per_page), list.size);
    const std::size_t to = std::min(from + std::size_t(per_page), list.size);

    http_response made;
    made.body.reserve((to - from) * 256 + 512);
    made.body += "{\"data\":[";
    for (std::size_t i = from; i < to; ++i) {
        if (i != from) made.body += ',';
        list.row(i, made.body);
    }
    const auto page_link = [&](int to_page) { return link(settings_.authority, request, endpoint, to_page); };
    const bool more = to < list.size;
    made.body += "],\"meta\":{\"pagination\":{\"next\":" + (more ? page_link(page + 1) : "null") +
                 ",\"previous\":" + (page > 1 ? page_link(page - 1) : "null") +
                 ",\"more\":" + (more ? "true" : "false") + ",\"per_page\":" + std::to_string(per_page) +
                 ",\"current_page\":" + std::to_string(page) + "}";
    if (page == 1 && !includes.empty()) made.body.append(",\"includes\":[").append(includes).append("]");
    made.body += "}}";
    return made;
}

listing wonde_api::with_appended(const std::string& endpoint, listing list) const
{
    const auto found = appended_.find(endpoint);
    if (found == appended_.end()) return list;
    const std::vector<std::string>& extra = found->second;
    return {list.size + extra.size(), [list, &extra](std::size_t i, std::string& out) {
                if (i < list.size) return list.row(i, out);
                out += extra[i - list.size];
            }};
}

listing wonde_api::session_marks() const
{
    for (int at = static_cast<int>(day_parts_.size()); at < school_.calendar().size() * 2; ++at) {
        day_parts_.push_back(
            "\",\"date\":" + local_day(school_.calendar().day(at / 2)) + ",\"comment\":null,\"session\":\"" +
            (at % 2 ? "PM" : "AM") + "\",\"employee\":\""
        );
    }
    const std::vector<std::uint32_t>& listed = school_.listed();
    // No page is kept: making one costs less than sending it, and what is not kept is never out of date.
    return {listed.size(), [this, &listed](std::size_t i, std::string& out) {
                const std::uint32_t at = listed[i];
                const mark& m = school_.marks()[at];
                const pupil& p = school_.people().pupils[m.pupil];
                char id[24] = "{\"id\":\"A";
                const auto end = std::to_chars(id + 8, id + sizeof id, 2000000001u + at).ptr;
                out.append(id, end);
                out.append(day_parts_[std::size_t(m.ordinal) * 2 + m.session]);
                out.append(school_.people().forms[std::size_t(p.form)].tutor_id);
                out.append("\",\"attendance_code\":\"").append(code_ids_[m.code]);
                out.append("\",\"student\":\"").append(p.id).append("\"}");
            }};
}

std::string wonde_api::student(int i, const named_values& query) const
{
    const pupil& p = school_.people().pupils[std::size_t(i)];
    const form& f = school_.people().forms[std::size_t(p.form)];
    const academic_year& now =
        school_.calendar().years()[std::size_t(school_.calendar().place(school_.calendar().last()).first)];
    const date first = school_.calendar().day(school_.calendar().first());
    const date joined = p.admitted.value_or(std::min(date(year(now.begins - (p.year - 7)) / September / 1), first));
    const std::string names = ",\"surname\":" + json_string(p.surname) + ",\"forename\":" + json_string(p.forename) +
                              ",\"middle_names\":null,\"legal_surname\":" + json_string(p.surname) +
                              ",\"legal_forename\":" + json_string(p.forename);
    std::string out = "{\"id\":\"" + p.id + "\",\"upi\":null,\"mis_id\":\"" + p.mis_id + "\",\"initials\":null" +
                      ",\"title\":null" + names + ",\"gender\":\"" + (p.girl ? "FEMALE" : "MALE") +
                      "\",\"gender_identity\":null,\"date_of_birth\":" + local_day(p.born) +
                      ",\"restored_at\":" + (p.restored_at ? utc_time(p.restored_at) : "null") +
                      ",\"created_at\":" + utc_time(p.created_at) + ",\"updated_at\":" + utc_time(p.updated_at);
    const auto includes = includes_of(query);
    if (includes.contains("education_details")) {
        out += R"(,"education_details":{"data":{"admission_number":")" + p.admission_number + R"(","upn":")" + p.upn +
               R"(","local_upn":null,"former_upn":)" + json_or_null(p.former_upn) +
               R"(,"learner_number":null,"current_nc_year":")" + std::to_string(p.year) +
               R"(","part_time":null,"part_time_rate":null,"admission_date":)" + local_day(joined) +
               ",\"leaving_date\":" + (p.leaves ? local_day(*p.leaves) : "null") + "}}";
    }
    if (includes.contains("extended_details")) {
        out += R"(,"extended_details":{"data":{"sen_status":)" + json_or_null(p.sen_status) +
               R"(,"in_lea_care":false,"premium_pupil_indicator":)" + (p.pupil_premium ? "true" : "false") +
               R"(,"child_protection_plan":)" + (p.plan_in_mis ? "true" : "null") +
               R"(,"child_in_need":null,"enrolment_status":"Current"}})";
    }
    const auto group = [&](std::string_view name, std::string_view id, std::string_view type) {
        const date since = std::max(joined, date(year(now.begins) / September / 1));
        return "{\"id\":\"" + std::string(id) + "\",\"mis_id\":\"" + std::string(id.substr(id.size() - 3)) +
               "\",\"name\":" + json_string(name) + ",\"code\":" + json_string(name) + ",\"type\":\"" +
               std::string(type) + "\",\"meta\":{\"start_date\":" + local_day(since) + ",\"end_date\":null}}";
    };
    const std::string year_name = "Year " + std::to_string(p.year);
    const std::string year_group = group(year_name, opaque_id(4000000900u, p.year), "YEAR");
    if (includes.contains("groups")) {
        out += ",\"groups\":{\"data\":[" + group(f.name, f.id, "REGISTRATION") + "," + year_group + "]}";
    }
    if (includes.contains("registration")) {
        out += ",\"registration\":{\"data\":" + group(f.name, f.id, "REGISTRATION") + "}";
    }
    if (includes.contains("year")) out += ",\"year\":{\"data\":" + year_group + "}";
    if (includes.contains("contacts")) {
        std::string list;
        for (int n = 0; n < contacts_of(i); ++n)
            list += (n ? "," : "") + contact(i, n, true);
        out += ",\"contacts\":{\"data\":[" + list + "]}";
    }
    return out + "}";
}

// One pupil in four has one adult on record, the others two.
int wonde_api::contacts_of(int i)
{
    return i % 4 ? 2 : 1;
}

// With the pupil's own words on the adult where it stands in the pupil's list. Nobody's address or telephone: they are
// includes of their own.
std::string wonde_api::contact(int i, int n, bool with_relationship) const
{
    const auto& pupils = school_.people().pupils;
    const pupil& p = pupils[std::size_t(i)];
    const pupil& namesake = pupils[(std::size_t(i) * 7 + std::size_t(n) + 1) % pupils.size()];
    std::string out = "{\"id\":\"" + opaque_id(6000000000u, i * 2 + n) + "\",\"mis_id\":\"" +
                      std::to_string(70000 + i * 2 + n) + "\",\"title\":" + (n ? "\"Mr\"" : "\"Ms\"") +
                      ",\"surname\":" + json_string(p.surname) + ",\"forename\":" + json_string(namesake.forename);
    if (with_relationship)
        out += ",\"relationship\":{\"relationship\":\"" + std::string(n ? "Father" : "Mother") +
               "\",\"parental_responsibility\":" + (n && i % 3 == 0 ? "false" : "true") +
               ",\"lives_with_pupil\":" + (n && i % 5 == 0 ? "false" : "true") +
               ",\"priority\":" + std::to_string(n + 1) + "}";
    return out + "}";
}

listing wonde_api::contacts() const
{
    auto shown = std::make_shared<std::vector<std::pair<int, int>>>();
    for (int i = 0; i < static_cast<int>(school_.people().pupils.size()); ++i)
        for (int n = 0; n < contacts_of(i) && school_.people().pupils[std::size_t(i)].on_roll; ++n)
            shown->emplace_back(i, n);
    return {shown->size(), [this, shown](std::size_t at, std::string& out) {
                out += contact((*shown)[at].first, (*shown)[at].second, false);
            }};
}

listing wonde_api::employees() const
{
    return {school_.people().forms.size(), [this](std::size_t i, std::string& out) {
                const form& f = school_.people().forms[i];
                out += "{\"id\":\"" + f.tutor_id + "\",\"mis_id\":\"" + std::to_string(900 + i) +
                       "\",\"title\":\"Mx\",\"surname\":\"Tutor\",\"forename\":" + json_string(f.name) + "}";
            }};
}

listing wonde_api::forms(std::string_view type) const
{
    return {school_.people().forms.size(), [this, type = std::string(type)](std::size_t i, std::string& out) {
                const form& f = school_.people().forms[i];
                out += "{\"id\":\"" + f.id + "\",\"mis_id\":\"" + f.id.substr(f.id.size() - 3) +
                       "\",\"name\":" + json_string(f.name) + ",\"code\":" + json_string(f.name) + ",\"type\":\"" +
                       type + "\",\"subject\":null}";
            }};
}

// Four periods a day, each of one subject in one room.
listing wonde_api::timetable(const std::string& endpoint) const
{
    return {std::size(period_names), [endpoint](std::size_t i, std::string& out) {
                out += "{\"id\":\"" + opaque_id(9100000000u, static_cast<int>(i)) + "\",\"mis_id\":\"" +
                       std::to_string(i + 1) + "\",\"name\":\"" +
                       (endpoint == "subjects" ? "Subject "
                        : endpoint == "rooms"  ? "Room "
                                               : "") +
                       std::string(period_names[i]) + "\"}";
            }};
}

// Two lessons in each half of a day; a pupil who is there is there for both.
listing wonde_api::lesson_marks() const
{
    const std::vector<std::uint32_t>& listed = school_.listed();
    return {listed.size() * 2, [this, &listed](std::size_t i, std::string& out) {
                const std::uint32_t at = listed[i / 2];
                const mark& m = school_.marks()[at];
                const pupil& p = school_.people().pupils[m.pupil];
                const int period = m.session * 2 + static_cast<int>(i % 2);
                const auto other = lesson_codes_.find(at);
                const std::uint8_t code = other == lesson_codes_.end() ? m.code : other->second;
                out += "{\"id\":\"A" + std::to_string(3000000001u + at * 2 + i % 2) +
                       "\",\"date\":" + local_day(school_.calendar().day(m.ordinal)) +
                       ",\"comment\":null,\"lesson\":\"" + opaque_id(9200000000u, m.ordinal * 4 + period) +
                       "\",\"period\":\"" + opaque_id(9100000000u, period) + "\",\"class\":\"" +
                       school_.people().forms[std::size_t(p.form)].id + "\",\"employee\":\"" +
                       school_.people().forms[std::size_t(p.form)].tutor_id + "\",\"attendance_code\":\"" +
                       code_ids_[code] + "\",\"student\":\"" + p.id + "\"}";
            }};
}

// Of each pupil on the roll, this academic year to date. Only possible_marks is a name that is known.
listing wonde_api::summaries() const
{
    const school_calendar& calendar = school_.calendar();
    const academic_year& year = calendar.years()[std::size_t(calendar.place(calendar.last()).first)];
    const date from = std::max(year.school_days.front(), calendar.day(calendar.first()));
    auto sums = std::make_shared<std::vector<figures>>(school_.truth(from, calendar.day(calendar.last())));
    auto shown = std::make_shared<std::vector<std::size_t>>();
    for (std::size_t i = 0; i < sums->size(); ++i)
        if (school_.people().pupils[i].on_roll) shown->push_back(i);
    return {shown->size(), [this, sums, shown](std::size_t at, std::string& out) {
                const std::size_t i = (*shown)[at];
                out += "{\"id\":\"" + opaque_id(9300000000u, static_cast<int>(i)) + "\",\"student\":\"" +
                       school_.people().pupils[i].id + "\",\"possible_marks\":" + std::to_string((*sums)[i].possible) +
                       "}";
            }};
}

// For every second incident somebody else was praised on the same day.
listing wonde_api::achievements(const http_request& request) const
{
    const auto dated_after = time_parameter(request, "achievement_date_after");
    const bool with_students = includes_of(request.query).contains("students");
    auto shown = std::make_shared<std::vector<std::size_t>>();
    for (std::size_t i = 0; i < school_.incidents().size(); i += 2) {
        const date day = school_.calendar().day(school_.incidents()[i].ordinal);
        if (!dated_after || day.time_since_epoch().count() * 86400LL > *dated_after) shown->push_back(i);
    }
    return {shown->size(), [this, shown, with_students](std::size_t at, std::string& out) {
                const incident& x = school_.incidents()[(*shown)[at]];
                const auto& pupils = school_.people().pupils;
                const pupil& p = pupils[(std::size_t(x.plan.pupil) * 5 + 3) % pupils.size()];
                const std::string day = local_day(school_.calendar().day(x.ordinal));
                const std::string time = utc_time(utc_of_local(school_.calendar().day(x.ordinal), 12, 0));
                out +=
                    "{\"id\":\"" + opaque_id(7500000000u, x.number) + "\",\"mis_id\":\"" +
                    std::to_string(60000 + x.number) +
                    "\",\"type\":\"Good work\",\"points\":1,\"comment\":\"Well done.\",\"class\":null,\"subject\":null,"
                    "\"action\":null,\"parents_notified\":null,\"achievement_date\":" +
                    day +
                    ",\"action_date\":null,"
                    "\"recorded_date\":" +
                    day + ",\"created_at\":" + time + ",\"updated_at\":" + time;
                if (with_students)
                    out += ",\"students\":{\"data\":[{\"id\":\"" + p.id + "\",\"mis_id\":\"" + p.mis_id +
                           "\",\"meta\":{\"role\":null,\"action\":null,\"points\":1}}]}";
                out += "}";
            }};
}

// Lookup codes for writing.
std::string wonde_api::attributes()
{
    std::string types;
    for (const std::string_view type : behaviour_types)
        types += (types.empty() ? "" : ",") +
                 ("{\"code\":" + json_string(type) + ",\"description\":" + json_string(type) + "}");
    return "{\"data\":{\"types\":[" + types + "]}}";
}

std::string wonde_api::permissions()
{
    std::string list;
    for (const std::string_view name :
         {"students.read",
          "education_details.read",
          "groups.read",
          "attendance.read",
          "behaviours.read",
          "exclusions.read",
          "contacts.read"})
        list += (list.empty() ? "" : ",") +
                ("{\"identity\":" + json_string(name) + ",\"name\":" + json_string(name) +
                 ",\"description\":null,\"parent\":null,\"group\":null,\"active_from\":null,\"optional\":false,"
                 "\"approved\":true,\"audited\":true}");
    return "{\"data\":[" + list + "]}";
}

listing wonde_api::students(const http_request& request) const
{
    const auto after = time_parameter(request, "updated_after");
    auto shown = std::make_shared<std::vector<int>>();
    for (int i = 0; i < static_cast<int>(school_.people().pupils.size()); ++i) {
        const pupil& p = school_.people().pupils[std::size_t(i)];
        if (p.on_roll && (!after || p.updated_at > *after)) shown->push_back(i);
    }
    return {shown->size(), [this, shown, query = request.query](std::size_t i, std::string& out) {
                out += student((*shown)[i], query);
            }};
}

listing wonde_api::leavers() const
{
    struct leaver {
        std::string id, mis_id, surname, forename, upn;
        date born, left;
    };
    auto rows = std::make_shared<std::vector<leaver>>();
    for (const former_pupil& f : school_.people().left) {
        rows->push_back({f.id, f.mis_id, f.surname, f.forename, f.upn, f.born, f.left});
    }
    for (const pupil& p : school_.people().pupils) {
        if (p.on_roll) continue;
        rows->push_back(
            {p.id,
             p.mis_id,
             p.surname,
             p.forename,
             p.upn,
             p.born,
             date(floor<days>(sys_seconds(seconds(p.updated_at))))}
        );
    }
    return {rows->size(), [rows](std::size_t i, std::string& out) {
                const leaver& l = (*rows)[i];
                out += "{\"id\":\"" + l.id + "\",\"upi\":null,\"mis_id\":\"" + l.mis_id +
                       "\",\"surname\":" + json_string(l.surname) + ",\"forename\":" + json_string(l.forename) +
                       ",\"date_of_birth\":" + local_day(l.born) + ",\"education_details\":{\"data\":{\"upn\":\"" +
                       l.upn + "\",\"leaving_date\":" + local_day(l.left) + "}}}";
            }};
}

listing wonde_api::coming() const
{
    const std::vector<coming_pupil>& all = school_.people().coming;
    return {all.size(), [&all](std::size_t i, std::string& out) {
                const coming_pupil& c = all[i];
                out += "{\"id\":\"" + c.id + "\",\"upi\":null,\"mis_id\":\"" + c.mis_id +
                       "\",\"surname\":" + json_string(c.surname) + ",\"forename\":" + json_string(c.forename) +
                       ",\"date_of_birth\":" + local_day(c.born) + ",\"education_details\":{\"data\":{\"upn\":\"" +
                       c.upn + "\",\"admission_date\":" + (c.joins ? local_day(*c.joins) : "null") +
                       ",\"leaving_date\":null}}}";
            }};
}

listing wonde_api::behaviours(const http_request& request) const
{
    const auto updated_after = time_parameter(request, "updated_after");
    const auto dated_after = time_parameter(request, "incident_date_after");
    const bool with_students = includes_of(request.query).contains("students");
    const school_calendar& calendar = school_.calendar();
    // When the school last touched the incident: as it was written, or as it was settled some school days later.
    const auto resolved_on = [&](const incident& x) { return x.ordinal + x.plan.resolved_after; };
    const auto written_at = [&](const incident& x) {
        return utc_of_local(calendar.day(x.ordinal), 0, 0) + x.plan.minute * 60 + 1200;
    };
    const auto changed_at = [=, &calendar](const incident& x) {
        return resolved_on(x) <= calendar.last() ? utc_of_local(calendar.day(resolved_on(x)), 15, 20) : written_at(x);
    };
    auto shown = std::make_shared<std::vector<std::size_t>>();
    for (std::size_t i = 0; i < school_.incidents().size(); ++i) {
        const incident& x = school_.incidents()[i];
        if (updated_after && changed_at(x) <= *updated_after) continue;
        if (dated_after && calendar.day(x.ordinal).time_since_epoch().count() * 86400LL <= *dated_after) continue;
        shown->push_back(i);
    }
    return {
        shown->size(), [=, this, &calendar](std::size_t at, std::string& out) {
            const incident& x = school_.incidents()[(*shown)[at]];
            std::string comment(behaviour_comments[std::size_t(x.plan.kind) % std::size(behaviour_comments)]);
            // Some came through another product and were written back, which leaves its mark in the text.
            if (x.plan.kind % 10 == 3) {
                comment += " (added in ClassCharts, " + std::to_string(1400000000 + x.number) + ") [Wonde:A" +
                           std::to_string(7900000000u + static_cast<unsigned>(x.number)) + "]";
            }
            const std::string points = std::to_string(x.plan.points);
            out +=
                "{\"id\":\"" + opaque_id(7000000000u, x.number) + "\",\"mis_id\":\"" +
                std::to_string(30000 + x.number) +
                "\",\"type\":" + json_string(behaviour_types[std::size_t(x.plan.kind) % std::size(behaviour_types)]) +
                ",\"action\":null,\"points\":" + points + ",\"total_points\":null,\"comment\":" + json_string(comment) +
                ",\"parents_notified\":null,\"location\":null,\"class\":null,\"subject\":null,\"status\":\"" +
                (resolved_on(x) <= calendar.last() ? "Resolved" : "Open") +
                "\",\"incident_date\":" + local_day(calendar.day(x.ordinal)) +
                ",\"action_date\":null,\"bullying_type\":null,\"recorded_date\":" + local_day(calendar.day(x.ordinal)) +
                ",\"sensitivity\":null,\"created_at\":" + utc_time(written_at(x)) +
                ",\"updated_at\":" + utc_time(changed_at(x));
            if (with_students) {
                const auto& pupils = school_.people().pupils;
                const auto involved = [&](int who, std::string_view role) {
                    const pupil& p = pupils[std::size_t(who)];
                    return "{\"id\":\"" + p.id + "\",\"mis_id\":\"" + p.mis_id + "\",\"meta\":{\"role\":\"" +
                           std::string(role) + "\",\"action\":null,\"points\":" + points + "}}";
                };
                out += ",\"students\":{\"data\":[" + involved(x.plan.pupil, "Aggressor");
                if (x.plan.second_pupil >= 0) {
                    out += "," + involved(x.plan.second_pupil, x.plan.kind % 2 ? "Target" : "Participant");
                }
                out += "]}";
            }
            out += "}";
        }};
}

listing wonde_api::exclusions() const
{
    return {school_.suspensions().size(), [this](std::size_t i, std::string& out) {
                const suspension& x = school_.suspensions()[i];
                const pupil& who = school_.people().pupils[std::size_t(x.pupil)];
                const school_calendar& calendar = school_.calendar();
                const int last = x.first + x.sessions - 1;
                const exclusion_reason& why = exclusion_reasons[std::size_t(x.reason) % std::size(exclusion_reasons)];
                const date start = calendar.day(x.first / 2);
                const int begins = calendar.years()[std::size_t(calendar.place(x.first / 2).first)].begins;
                const unsigned month(year_month_day(start).month());
                const std::string half_day = x.sessions % 2 ? ".5" : "";
                const long long at = utc_of_local(start, x.first % 2 ? 12 : 8, 50);
                out +=
                    "{\"id\":\"" + opaque_id(8000000000u, x.number) + "\",\"mis_id\":\"" +
                    std::to_string(500 + x.number) +
                    "\",\"type\":\"Suspension\",\"type_code\":\"SUSP\",\"reason\":" + json_string(why.text) +
                    ",\"reason_code\":\"" + std::string(why.code) + "\",\"start_date\":" + local_day(start) +
                    ",\"start_session\":\"" + (x.first % 2 ? "PM" : "AM") +
                    "\",\"end_date\":" + local_day(calendar.day(last / 2)) + ",\"end_session\":\"" +
                    (last % 2 ? "PM" : "AM") + "\",\"sessions\":\"" + std::to_string(x.sessions) + "\",\"days\":\"" +
                    std::to_string(x.sessions / 2) + half_day + "\",\"academic_year\":\"" + std::to_string(begins) +
                    "/" + std::to_string(begins + 1) + "\",\"term\":\"" +
                    (month >= 9   ? "Autumn"
                     : month <= 3 ? "Spring"
                                  : "Summer") +
                    "\",\"comments\":null,\"agencies_involved\":null,\"discipline_committee_date\":null,"
                    "\"discipline_committee_result\":null,\"discipline_committee_reinstatement_date\":null,"
                    "\"discipline_committee_representation_made\":null,\"appeal_received\":null,\"appeal_result\":null,"
                    "\"appeal_result_date\":null,\"appeal_reinstatement_date\":null,\"created_at\":" +
                    utc_time(at) + ",\"updated_at\":" + utc_time(at) +
                    (who.on_roll ? ",\"student\":\"" : ",\"student-leaver\":\"") + who.id + "\"}";
            }};
}

std::string wonde_api::counts(const http_request& request, bool is_wrong) const
{
    const auto includes = includes_of(request.query);
    const auto on_roll =
        std::count_if(school_.people().pupils.begin(), school_.people().pupils.end(), [](const pupil& p) {
            return p.on_roll;
        });
    std::string body;
    const auto add = [&](std::string_view name, long count) {
        if (!includes.contains(name)) return;
        body +=
            (body.empty() ? "\"" : ",\"") + std::string(name) + R"(":{"data":{"count":)" + std::to_string(count) + "}}";
    };
    add("students", on_roll + (is_wrong ? 3 : 0));
    add("contacts", static_cast<long>(contacts().size));
    return "{" + body + "}";
}

std::string wonde_api::school_object() const
{
    return R"({"id":")" + settings_.school_id +
           R"(","name":"St Example's High School","establishment_number":"4001","urn":900001,"la_code":"990",)"
           R"("phase_of_education":"SECONDARY","timezone":"Europe/London","mis":"Simulated MIS",)"
           R"("region":{"code":"GBR","domain":")" +
           settings_.authority +
           R"("},"extended":{"allows_writeback":false,"has_timetables":false,"has_lesson_attendance":true}})";
}

} // namespace rollbook::school
