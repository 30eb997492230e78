#include "tests/school/systems.hpp"

#include "tests/school/json_text.hpp"

#include <algorithm>
#include <charconv>

namespace rollbook::school {

namespace {

struct named_system {
    std::string_view folder;
    http_response (*answer)(const system_call&);
};
constexpr named_system systems[] = {
    {"arbor", arbor},
    {"bromcom", bromcom},
    {"isams", isams},
    {"isams-batch", isams_batch},
    {"go4schools", go4schools},
    {"scholarpack", scholarpack},
    {"xporter", xporter},
    {"ed-fi", ed_fi},
    {"oneroster", one_roster},
    {"export", export_files},
};

const named_system* named(std::string_view path)
{
    const std::string_view folder = path.substr(1, path.find('/', 1) - 1);
    const auto found = std::ranges::find(systems, folder, &named_system::folder);
    return found == std::end(systems) ? nullptr : found;
}

constexpr std::string_view behaviours[] = {
    "Disruption", "Defiance", "No homework", "Equipment", "Uniform", "Mobile phone", "Verbal abuse", "Truancy"};

int hex_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

std::string form_decoded(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_byte =
            text[i] == '%' && i + 2 < text.size() && hex_of(text[i + 1]) >= 0 && hex_of(text[i + 2]) >= 0;
        out += is_byte          ? static_cast<char>(hex_of(text[i + 1]) * 16 + hex_of(text[i + 2]))
               : text[i] == '+' ? ' '
                                : text[i];
        if (is_byte) i += 2;
    }
    return out;
}

} // namespace

other_systems::other_systems(const simulated_school& school, fault_board& faults, std::string secret)
    : school_(school), faults_(faults), secret_(std::move(secret))
{
}

bool other_systems::has(std::string_view path) const
{
    return path.size() > 1 && named(path);
}

std::string other_systems::endpoint_of(const std::string& path)
{
    std::string out;
    for (std::size_t at = 1; at < path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string part = path.substr(at, end - at);
        const bool names_one = part.empty() || part.find_first_not_of("0123456789-") == part.npos;
        if (!names_one) out += (out.empty() ? "" : "/") + part;
        at = end + 1;
    }
    return out;
}

http_response other_systems::answer(const http_request& request, long long data_as_of)
{
    const named_system* system = named(request.path);
    const int page = static_cast<int>(number_in(parameter_of(request, "page"), 1));
    const std::vector<fault> spoilt = faults_.take(endpoint_of(request.path), page);
    if (auto other = instead(spoilt)) return std::move(*other);
    int& tokens_given = tokens_given_[std::string(system->folder)];
    const system_call call{
        school_, request, request.path.substr(1 + system->folder.size()), secret_, tokens_given, data_as_of};
    http_response made = system->answer(call);
    spoil(spoilt, made);
    return made;
}

http_response json_answer(std::string body, int status)
{
    http_response made;
    made.status = status;
    made.body = std::move(body);
    return made;
}

std::string parameter_of(const http_request& request, std::string_view name, std::string_view otherwise)
{
    const std::string* found = request.parameter(name);
    return found ? *found : std::string(otherwise);
}

std::size_t number_in(std::string_view text, std::size_t otherwise)
{
    std::size_t n = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
    return ec == std::errc() && end == text.data() + text.size() ? n : otherwise;
}

named_values form_values(std::string_view body)
{
    named_values out;
    while (!body.empty()) {
        const std::string_view one = body.substr(0, body.find('&'));
        body.remove_prefix(std::min(body.size(), one.size() + 1));
        const auto equals = std::min(one.find('='), one.size());
        out.emplace_back(
            form_decoded(one.substr(0, equals)), form_decoded(one.substr(std::min(one.size(), equals + 1)))
        );
    }
    return out;
}

std::string value_in(const named_values& values, std::string_view name)
{
    const auto found = std::ranges::find(values, name, [](const auto& v) { return std::string_view(v.first); });
    return found == values.end() ? std::string() : found->second;
}

std::string
joined_rows(std::size_t size, std::size_t from, std::size_t count, const std::function<std::string(std::size_t)>& row)
{
    std::string out;
    for (std::size_t i = from; i < size && i - from < count; ++i)
        out += (i == from ? "" : ",") + row(i);
    return out;
}

std::string start_of(date day)
{
    return format_date(day) + "T00:00:00";
}

http_response give_token(const system_call& call, int tokens_max)
{
    const named_values form = form_values(call.request.body);
    if (call.request.method != "POST" || value_in(form, "grant_type") != "client_credentials" ||
        value_in(form, "client_id") != "rollbook" || value_in(form, "client_secret") != call.secret)
        return json_answer(R"({"error":"invalid_client"})", 400);
    if (call.tokens_given >= tokens_max) return json_answer(R"({"error":"Too many access tokens"})", 429);
    return json_answer(
        R"({"access_token":"token-)" + std::to_string(++call.tokens_given) +
        R"(","token_type":"bearer","expires_in":3600})"
    );
}

bool has_token(const system_call& call, std::string_view scheme)
{
    const std::string* sent = call.request.header("authorization");
    const std::string begins = std::string(scheme) + " token-";
    if (!sent || !sent->starts_with(begins)) return false;
    const std::size_t number = number_in(std::string_view(*sent).substr(begins.size()), 0);
    return number > 0 && number <= static_cast<std::size_t>(call.tokens_given);
}

std::vector<int> pupils_on_roll(const simulated_school& school)
{
    std::vector<int> out;
    const auto& pupils = school.people().pupils;
    for (std::size_t i = 0; i < pupils.size(); ++i)
        if (pupils[i].on_roll) out.push_back(static_cast<int>(i));
    return out;
}

std::vector<std::uint32_t> marks_of(const simulated_school& school, date from, date to)
{
    std::vector<std::uint32_t> out;
    for (const std::uint32_t at : school.listed()) {
        const date day = school.calendar().day(school.marks()[at].ordinal);
        if (day >= from && day <= to) out.push_back(at);
    }
    return out;
}

const pupil& pupil_of(const simulated_school& school, const mark& m)
{
    return school.people().pupils[m.pupil];
}

std::string form_of(const simulated_school& school, const pupil& p)
{
    return school.people().forms[static_cast<std::size_t>(p.form)].name;
}

long long written_at(const simulated_school& school, const incident& x)
{
    return utc_of_local(school.calendar().day(x.ordinal), 0, 0) + x.plan.minute * 60;
}

std::string_view behaviour_name(const incident& x)
{
    return behaviours[static_cast<std::size_t>(x.plan.kind) % std::size(behaviours)];
}

} // namespace rollbook::school
