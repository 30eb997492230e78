#include "tests/school/site.hpp"

#include "tests/school/dice.hpp"
#include "tests/school/faults.hpp"
#include "tests/school/json_text.hpp"
#include "tests/school/plants.hpp"
#include "tests/school/safeguarding.hpp"
#include "tests/school/systems.hpp"
#include "tests/school/wonde.hpp"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <map>
#include <set>
#include <stdexcept>
#include <tuple>

namespace rollbook::school {

namespace {

// What an admin request asks for cannot be done; answered as 422 with the text.
struct cannot : std::runtime_error {
    using std::runtime_error::runtime_error;
};

http_response json(std::string body, int status = 200)
{
    http_response made;
    made.status = status;
    made.body = std::move(body);
    return made;
}

http_response problem(int status, std::string_view what)
{
    return json(R"({"error":)" + json_string(what) + "}", status);
}

std::string text_of(const rapidjson::Value& from, const char* name, std::string otherwise = {})
{
    if (!from.HasMember(name) || from[name].IsNull()) return otherwise;
    if (!from[name].IsString()) throw cannot(std::string(name) + " must be a string");
    return {from[name].GetString(), from[name].GetStringLength()};
}

int int_of(const rapidjson::Value& from, const char* name, int otherwise)
{
    if (!from.HasMember(name) || from[name].IsNull()) return otherwise;
    if (!from[name].IsInt()) throw cannot(std::string(name) + " must be a whole number");
    return from[name].GetInt();
}

std::vector<std::string> texts_of(const rapidjson::Value& from, const char* name)
{
    std::vector<std::string> found;
    if (!from.HasMember(name)) return found;
    if (!from[name].IsArray()) throw cannot(std::string(name) + " must be a list of strings");
    for (const auto& one : from[name].GetArray()) {
        if (!one.IsString()) throw cannot(std::string(name) + " must be a list of strings");
        found.emplace_back(one.GetString(), one.GetStringLength());
    }
    return found;
}

date date_of(const std::string& text)
{
    date day;
    if (!parse_date(text, day)) throw cannot("a date is YYYY-MM-DD");
    return day;
}

std::string headers_json(const named_values& headers)
{
    std::string out = "{";
    std::set<std::string, std::less<>> seen;
    for (const auto& [name, value] : headers) {
        if (!seen.insert(name).second) continue;
        out += (out.size() > 1 ? "," : "") + json_string(name) + ":" + json_string(value);
    }
    return out + "}";
}

std::string list_json(const std::vector<std::string>& texts)
{
    std::string out = "[";
    for (const std::string& t : texts)
        out += (out.size() > 1 ? "," : "") + json_string(t);
    return out + "]";
}

std::string http_date(std::time_t at)
{
    std::tm utc{};
    gmtime_r(&at, &utc);
    char text[40];
    // The names are English whatever the locale, because the program never sets one.
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    return text;
}

struct heard {
    std::string name, method, path, body;
    named_values headers;
    int status;
};

std::string heard_json(const std::vector<heard>& list)
{
    std::string out = "[";
    for (const heard& h : list) {
        out += (out.size() > 1 ? ",{\"name\":" : "{\"name\":") + json_string(h.name) +
               ",\"method\":" + json_string(h.method) + ",\"path\":" + json_string(h.path) +
               ",\"status\":" + std::to_string(h.status) + ",\"headers\":" + headers_json(h.headers) +
               ",\"body\":" + json_string(h.body) + "}";
    }
    return out + "]";
}

} // namespace

struct site::state {
    site_settings settings;
    simulated_school school;
    fault_board faults;
    std::unique_ptr<wonde_api> wonde;
    std::unique_ptr<safeguarding_api> safeguarding;
    std::unique_ptr<other_systems> systems;
    std::shared_ptr<mailbox> mail = std::make_shared<mailbox>();
    std::vector<heard> hooks, foreign;
    std::map<std::tuple<std::string, int, bool>, int> requests; // endpoint, status, carried Authorization
    std::optional<long long> data_as_of;
    std::unique_ptr<planter> mistakes; // from the first time that some are asked for

    state(const school_options& options, site_settings s) : settings(std::move(s)), school(options) {}

    long long as_of() const;
    http_response admin(const http_request& request);
    http_response get(const std::string& what, const http_request& request);
    http_response post(const std::string& what, const rapidjson::Value& body);
    http_response drop(const std::string& what);
    http_response plant_some(const rapidjson::Value& body);
    std::string plants() const;
    http_response hook(const http_request& request);

    std::uint32_t mark_named(const rapidjson::Value& from) const;
    int pupil_named(const std::string& id) const;
    std::string amend(const std::vector<std::uint32_t>& marks, const std::vector<std::uint8_t>& codes);
    http_response remove(const rapidjson::Value& body, bool restore);
    void add_fault(const rapidjson::Value& body);
    std::string mails() const;
    std::string request_counts() const;
    std::string marks(const http_request& request) const;
    std::string truth(const http_request& request) const;
    std::string summary() const;
};

// A school whose last day is today gives the computer's own time, so that a daemon running now sees fresh data.
long long site::state::as_of() const
{
    if (data_as_of) return *data_as_of;
    if (school.calendar().day(school.calendar().last()) == settings.system_day) return std::time(nullptr);
    return school.now();
}

std::uint32_t site::state::mark_named(const rapidjson::Value& from) const
{
    if (!from.IsObject()) throw cannot("marks must be a list of objects");
    const int pupil = pupil_named(text_of(from, "student"));
    const std::string session = text_of(from, "session");
    if (session != "AM" && session != "PM") throw cannot("session must be AM or PM");
    const auto found = school.find_mark(pupil, date_of(text_of(from, "date")), session == "PM");
    if (!found) throw cannot("no mark of that pupil, date and session");
    return *found;
}

int site::state::pupil_named(const std::string& id) const
{
    const auto found = school.find_pupil(id);
    if (!found) throw cannot("no such student");
    return *found;
}

std::string site::state::amend(const std::vector<std::uint32_t>& marks, const std::vector<std::uint8_t>& codes)
{
    std::string out = "{\"changed\":[";
    for (std::size_t i = 0; i < marks.size(); ++i) {
        const mark& m = school.marks()[marks[i]];
        const std::string_view before = code_list()[m.code].text;
        school.amend(marks[i], codes[i]);
        out += (i ? ",{\"id\":\"" : "{\"id\":\"") + simulated_school::mark_id(marks[i]) + "\",\"student\":\"" +
               school.people().pupils[m.pupil].id + "\",\"date\":\"" + format_date(school.calendar().day(m.ordinal)) +
               "\",\"session\":\"" + (m.session ? "PM" : "AM") + "\",\"from\":" + json_string(before) +
               ",\"to\":" + json_string(code_list()[m.code].text) + "}";
    }
    return out + "]}";
}

http_response site::state::remove(const rapidjson::Value& body, bool restore)
{
    std::vector<std::uint32_t> marks;
    std::vector<int> pupils;
    for (const std::string& id : texts_of(body, "marks")) {
        const auto found = school.find_mark(id);
        if (!found) throw cannot("no such mark");
        marks.push_back(*found);
    }
    for (const std::string& id : texts_of(body, "students"))
        pupils.push_back(pupil_named(id));
    for (const std::uint32_t at : marks)
        restore ? school.restore_mark(at) : school.delete_mark(at);
    for (const int i : pupils)
        restore ? school.restore_pupil(i) : school.delete_pupil(i);
    return json("{\"marks\":" + std::to_string(marks.size()) + ",\"students\":" + std::to_string(pupils.size()) + "}");
}

void site::state::add_fault(const rapidjson::Value& body)
{
    static const std::set<std::string> kinds{
        "status",
        "truncated",
        "wrong_type",
        "more_without_next",
        "same_page",
        "foreign_next",
        "empty",
        "vanish",
        "slow",
        "reset",
        "huge",
        "deep",
        "invalid_utf8",
        "miscount"};
    fault f;
    f.endpoint = text_of(body, "endpoint");
    f.kind = text_of(body, "kind");
    f.times = int_of(body, "times", -1);
    if (f.endpoint == "smtp") {
        int* const which = f.kind == "greylist"      ? &mail->faults.greylist
                           : f.kind == "reject"      ? &mail->faults.reject
                           : f.kind == "drop_before" ? &mail->faults.drop_before
                           : f.kind == "drop_after"  ? &mail->faults.drop_after
                           : f.kind == "bounce"      ? &mail->faults.bounce
                                                     : nullptr;
        if (!which) throw cannot("the mail server's faults are greylist, reject, drop_before, drop_after and bounce");
        *which = f.times;
        return;
    }
    if (f.endpoint.empty() || !kinds.contains(f.kind)) throw cannot("no such endpoint or kind of fault");
    if (body.HasMember("page")) f.page = int_of(body, "page", 1);
    f.status = int_of(body, "status", f.status);
    if (body.HasMember("retry_after")) {
        f.retry_after =
            body["retry_after"].IsInt() ? std::to_string(body["retry_after"].GetInt()) : text_of(body, "retry_after");
        int seconds = 0;
        if (f.retry_after.starts_with("date:")) {
            std::from_chars(f.retry_after.data() + 5, f.retry_after.data() + f.retry_after.size(), seconds);
            f.retry_after = http_date(std::time(nullptr) + seconds);
        }
    }
    if (body.HasMember("html")) f.html = body["html"].IsBool() && body["html"].GetBool();
    f.ms = int_of(body, "ms", f.ms);
    f.percent = int_of(body, "percent", f.percent);
    f.megabytes = int_of(body, "megabytes", f.megabytes);
    f.depth = int_of(body, "depth", f.depth);
    faults.add(std::move(f));
}

std::string site::state::mails() const
{
    std::string out = "[";
    for (const struct mail& m : mail->received) {
        out += (out.size() > 1 ? ",{\"at\":\"" : "{\"at\":\"") + rfc3339(m.at) + "\",\"from\":" + json_string(m.from) +
               ",\"to\":" + list_json(m.to) + ",\"message_id\":" + json_string(m.header("Message-ID")) +
               ",\"headers\":" + headers_json(m.headers) + ",\"raw\":" + json_string(m.raw) +
               ",\"body\":" + json_string(m.body) + "}";
    }
    return out + "]";
}

std::string site::state::request_counts() const
{
    std::string out = "[";
    for (const auto& [key, count] : requests) {
        const auto& [endpoint, status, authorized] = key;
        out += (out.size() > 1 ? ",{\"endpoint\":" : "{\"endpoint\":") + json_string(endpoint) +
               ",\"status\":" + std::to_string(status) + ",\"authorization\":" + (authorized ? "true" : "false") +
               ",\"count\":" + std::to_string(count) + "}";
    }
    return out + "]";
}

std::string site::state::marks(const http_request& request) const
{
    const std::string* only_code = request.parameter("code");
    const std::string* only_pupil = request.parameter("student");
    const std::string* only_day = request.parameter("date");
    std::string out;
    for (const std::uint32_t at : school.listed()) {
        const mark& m = school.marks()[at];
        const std::string& student = school.people().pupils[m.pupil].id;
        if (only_code && code_list()[m.code].text != *only_code) continue;
        if (only_pupil && student != *only_pupil) continue;
        const std::string day = format_date(school.calendar().day(m.ordinal));
        if (only_day && day != *only_day) continue;
        out += "{\"id\":\"" + simulated_school::mark_id(at) + "\",\"student\":\"" + student + "\",\"date\":\"" + day +
               "\",\"session\":\"" + (m.session ? "PM" : "AM") +
               "\",\"code\":" + json_string(code_list()[m.code].text) + "}\n";
    }
    return out;
}

std::string site::state::truth(const http_request& request) const
{
    const school_calendar& calendar = school.calendar();
    date from = calendar.day(calendar.first()), to = calendar.day(calendar.last());
    if (const std::string* text = request.parameter("from")) from = date_of(*text);
    if (const std::string* text = request.parameter("to")) to = date_of(*text);
    const std::vector<figures> sums = school.truth(from, to);
    std::string out = "{\"from\":\"" + format_date(from) + "\",\"to\":\"" + format_date(to) + "\",\"pupils\":[";
    for (std::size_t i = 0; i < sums.size(); ++i) {
        const pupil& p = school.people().pupils[i];
        const figures& f = sums[i];
        out += (i ? ",{\"student\":\"" : "{\"student\":\"") + p.id + "\",\"upn\":\"" + p.upn +
               "\",\"on_roll\":" + (p.on_roll ? "true" : "false") + ",\"possible\":" + std::to_string(f.possible) +
               ",\"present\":" + std::to_string(f.present) + ",\"authorised\":" + std::to_string(f.authorised) +
               ",\"unauthorised\":" + std::to_string(f.unauthorised) + ",\"late\":" + std::to_string(f.late) + "}";
    }
    return out + "]}";
}

std::string site::state::summary() const
{
    const school_calendar& calendar = school.calendar();
    return "{\"first_day\":\"" + format_date(calendar.day(calendar.first())) + "\",\"last_day\":\"" +
           format_date(calendar.day(calendar.last())) + "\",\"marks\":" + std::to_string(school.listed().size()) +
           ",\"pupils\":" + std::to_string(school.people().pupils.size()) + ",\"now\":\"" + rfc3339(school.now()) +
           "\",\"data_as_of\":\"" + rfc3339(as_of()) +
           "\",\"behaviours\":" + std::to_string(school.incidents().size()) +
           ",\"exclusions\":" + std::to_string(school.suspensions().size()) +
           ",\"safeguarding_incidents\":" + std::to_string(school.concerns().size()) + "}";
}

http_response site::state::get(const std::string& what, const http_request& request)
{
    if (what == "school") return json(summary());
    if (what == "mail") return json(mails());
    if (what == "hooks") return json(heard_json(hooks));
    if (what == "foreign") return json(heard_json(foreign));
    if (what == "requests") return json(request_counts());
    if (what == "actions") return json(safeguarding->actions());
    if (what == "tray") return json(safeguarding->tray_items());
    if (what == "figures") return json(truth(request));
    if (what == "plants") return json(plants());
    if (what == "marks") {
        http_response made = json(marks(request));
        made.type = "application/x-ndjson";
        return made;
    }
    return problem(404, "no such admin page");
}

http_response site::state::post(const std::string& what, const rapidjson::Value& body)
{
    if (what == "advance") {
        const int days = int_of(body, "days", 1);
        if (days < 1 || days > 400) throw cannot("days must be 1 to 400");
        for (int i = 0; i < days; ++i)
            school.advance();
        return json(summary());
    }
    if (what == "amend") {
        if (!body.HasMember("marks") || !body["marks"].IsArray()) throw cannot("marks must be a list");
        std::vector<std::uint32_t> which;
        std::vector<std::uint8_t> codes;
        for (const auto& one : body["marks"].GetArray()) {
            which.push_back(mark_named(one));
            const int to = find_code(text_of(one, "code"));
            if (to < 0) throw cannot("no such code in the school's list");
            codes.push_back(static_cast<std::uint8_t>(to));
        }
        return json(amend(which, codes));
    }
    if (what == "amend-n") {
        const int to = find_code(text_of(body, "to", "I"));
        if (to < 0) throw cannot("no such code in the school's list");
        std::optional<int> pupil;
        if (body.HasMember("student")) pupil = pupil_named(text_of(body, "student"));
        const auto which =
            school.pick_unexplained(int_of(body, "count", 10), int_of(body, "older_than_days", 0), pupil);
        std::vector<std::uint8_t> codes;
        for (const std::uint32_t at : which) {
            // Present is a different code in each session.
            const bool is_present = to == code("/") || to == code("\\");
            codes.push_back(is_present ? code(school.marks()[at].session ? "\\" : "/") : static_cast<std::uint8_t>(to));
        }
        return json(amend(which, codes));
    }
    if (what == "delete") return remove(body, false);
    if (what == "restore") return remove(body, true);
    if (what == "archive") {
        for (const std::string& id : texts_of(body, "students"))
            safeguarding->archive(school.people().pupils[static_cast<std::size_t>(pupil_named(id))].safeguarding_id);
        return json("{}");
    }
    if (what == "plant") return plant_some(body);
    if (what == "row") {
        const std::string endpoint = text_of(body, "endpoint");
        std::string row = text_of(body, "raw");
        if (row.empty()) {
            if (!body.HasMember("row") || !body["row"].IsObject())
                throw cannot("row must be an object, or raw a string");
            rapidjson::StringBuffer text;
            rapidjson::Writer<rapidjson::StringBuffer> writer(text);
            body["row"].Accept(writer);
            row.assign(text.GetString(), text.GetSize());
        }
        endpoint.starts_with("safeguarding/") ? safeguarding->append(endpoint, row) : wonde->append(endpoint, row);
        return json("{}");
    }
    if (what == "fault") {
        add_fault(body);
        return json("{}");
    }
    if (what == "clock") {
        const std::string text = text_of(body, "data_as_of");
        data_as_of.reset();
        int h = 0, m = 0, s = 0;
        if (!text.empty()) {
            if (text.size() != 20 || std::sscanf(text.c_str() + 10, "T%2d:%2d:%2dZ", &h, &m, &s) != 3) {
                throw cannot("data_as_of is YYYY-MM-DDTHH:MM:SSZ");
            }
            data_as_of = date_of(text.substr(0, 10)).time_since_epoch().count() * 86400LL + h * 3600 + m * 60 + s;
        }
        return json(summary());
    }
    return problem(404, "no such admin page");
}

http_response site::state::plant_some(const rapidjson::Value& body)
{
    if (!mistakes) mistakes = std::make_unique<planter>(school, *wonde, *safeguarding);
    try {
        mistakes->at_rest(int_of(body, "at_rest", 0));
        mistakes->ordinary(int_of(body, "ordinary", 0));
        mistakes->in_motion(int_of(body, "in_motion", 0));
        mistakes->missed_lessons(int_of(body, "missed_lessons", 0));
    } catch (const std::runtime_error& e) {
        throw cannot(e.what());
    }
    return json("{\"planted\":" + std::to_string(mistakes->planted().size()) + "}");
}

std::string site::state::plants() const
{
    std::string out = "[";
    if (mistakes)
        for (const plant& each : mistakes->planted())
            out += (out.size() > 1 ? ",{\"fault\":" : "{\"fault\":") + json_string(each.fault) +
                   ",\"subject\":" + json_string(each.subject) + "}";
    return out + "]";
}

http_response site::state::drop(const std::string& what)
{
    if (what == "fault") {
        faults.clear();
        mail->faults = {};
    } else if (what == "row") {
        wonde->drop_appended();
        safeguarding->drop_appended();
    } else if (what == "mail") {
        mail->received.clear();
    } else if (what == "hooks") {
        hooks.clear();
    } else if (what == "foreign") {
        foreign.clear();
    } else if (what == "requests") {
        requests.clear();
    } else {
        return problem(404, "no such admin page");
    }
    return json("{}");
}

http_response site::state::admin(const http_request& request)
{
    const std::string what = request.path.substr(7); // after "/admin/"
    try {
        if (request.method == "GET") return get(what, request);
        if (request.method == "DELETE") return drop(what);
        rapidjson::Document body;
        body.Parse(request.body.empty() ? "{}" : request.body.c_str());
        if (body.HasParseError() || !body.IsObject()) return problem(400, "the body is not a JSON object");
        return post(what, body);
    } catch (const cannot& e) {
        return problem(422, e.what());
    }
}

http_response site::state::hook(const http_request& request)
{
    const std::string name = request.path.substr(6); // after "/hook/"
    http_response made = json("{}");
    if (auto spoilt = instead(faults.take("hook/" + name, 1))) made = std::move(*spoilt);
    hooks.push_back({name, request.method, request.path, request.body, request.headers, made.reset ? 0 : made.status});
    return made;
}

site_settings settings_for(std::uint64_t seed)
{
    dice d(seed, "secrets");
    const auto secret = [&] {
        std::string made;
        while (made.size() < 32)
            made += "abcdefghijklmnopqrstuvwxyz0123456789"[d.below(36)];
        return made;
    };
    site_settings made;
    made.school_id = "A1000900001";
    made.wonde_token = secret();
    made.safeguarding_user = "rollbook";
    made.safeguarding_password = secret();
    made.systems_secret = secret();
    return made;
}

site::site(const school_options& options, site_settings settings)
    : state_(std::make_unique<state>(options, std::move(settings)))
{
    state& s = *state_;
    s.mail->clock = [&s] { return s.as_of(); };
    s.safeguarding = std::make_unique<safeguarding_api>(
        s.school,
        s.faults,
        safeguarding_settings{
            s.settings.safeguarding_user, s.settings.safeguarding_password, [&s] { return s.as_of(); }}
    );
    s.systems = std::make_unique<other_systems>(s.school, s.faults, s.settings.systems_secret);
    set_addresses("127.0.0.1", "localhost");
}

site::~site() = default;

void site::set_addresses(const std::string& authority, const std::string& foreign_authority)
{
    state& s = *state_;
    s.wonde = std::make_unique<wonde_api>(
        s.school,
        s.faults,
        wonde_settings{
            s.settings.school_id, s.settings.wonde_token, authority, foreign_authority, s.settings.per_page_max}
    );
}

http_response site::answer(const http_request& request)
{
    state& s = *state_;
    if (request.path.starts_with("/admin/")) return s.admin(request);
    if (request.path.starts_with("/hook/")) return s.hook(request);
    std::string endpoint = "unknown";
    http_response made = problem(404, "not found");
    if (request.path.starts_with("/v1.0/")) {
        endpoint = s.wonde->endpoint_of(request.path);
        made = s.wonde->answer(request);
    } else if (request.path.starts_with("/safeguarding/v1/")) {
        endpoint = safeguarding_api::endpoint_of(request.path);
        made = s.safeguarding->answer(request);
    } else if (s.systems->has(request.path)) {
        endpoint = other_systems::endpoint_of(request.path);
        made = s.systems->answer(request, s.as_of());
    }
    ++s.requests[{endpoint, made.reset ? 0 : made.status, request.header("authorization") != nullptr}];
    return made;
}

http_response site::answer_as_foreign_host(const http_request& request)
{
    state_->foreign.push_back({"foreign", request.method, request.path, request.body, request.headers, 200});
    return json(R"({"data":[],"meta":{"pagination":{"next":null,"previous":null,"more":false,"per_page":50,)"
                R"("current_page":1}}})");
}

const simulated_school& site::school() const
{
    return state_->school;
}

std::shared_ptr<mailbox> site::mail()
{
    return state_->mail;
}

} // namespace rollbook::school
