#pragma once

#include "tests/school/faults.hpp"
#include "tests/school/http.hpp"
#include "tests/school/school.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook::school {

// One request to one of the systems below.
struct system_call {
    const simulated_school& school;
    const http_request& request;
    std::string path;          // below the system's folder: "/graphql/query"
    const std::string& secret; // password, key, client secret: the same one for all systems
    int& tokens_given;         // by this system so far
    long long data_as_of;      // UTC seconds
};

// The same school as other systems than Wonde would serve it, each below a folder of its name. Where the reference
// leaves a name or a shape open, README.md says what is done here. Source: source-systems.md sections 2 to 6 and 8.
http_response arbor(const system_call& call);
http_response bromcom(const system_call& call);
http_response isams(const system_call& call);
http_response isams_batch(const system_call& call);
http_response go4schools(const system_call& call);
http_response scholarpack(const system_call& call);
http_response xporter(const system_call& call);
http_response ed_fi(const system_call& call);
http_response one_roster(const system_call& call);
// Export files, as a person at the school would put them into a folder.
http_response export_files(const system_call& call);

class other_systems {
public:
    other_systems(const simulated_school& school, fault_board& faults, std::string secret);

    // Whether the path begins with the folder of a system.
    bool has(std::string_view path) const;
    // What faults and counts call it: the path without the first slash, without anything that names a record or a day.
    static std::string endpoint_of(const std::string& path);
    http_response answer(const http_request& request, long long data_as_of);

private:
    const simulated_school& school_;
    fault_board& faults_;
    std::string secret_;
    std::map<std::string, int, std::less<>> tokens_given_;
};

// For the systems' own files.

http_response json_answer(std::string body, int status = 200);
// The value of a parameter, or what it is otherwise.
std::string parameter_of(const http_request& request, std::string_view name, std::string_view otherwise = "");
std::size_t number_in(std::string_view text, std::size_t otherwise);
// A body of a form.
named_values form_values(std::string_view body);
std::string value_in(const named_values& values, std::string_view name);
// The objects that `row` writes for the positions of one page, with commas between.
std::string
joined_rows(std::size_t size, std::size_t from, std::size_t count, const std::function<std::string(std::size_t)>& row);
std::string start_of(date day); // "2026-11-23T00:00:00"
// OAuth 2 client credentials for the client "rollbook": a token as JSON, or why there is none.
http_response give_token(const system_call& call, int tokens_max = 1'000'000);
bool has_token(const system_call& call, std::string_view scheme = "Bearer");
// Positions of the pupils on the roll, and of the marks listed of one day.
std::vector<int> pupils_on_roll(const simulated_school& school);
std::vector<std::uint32_t> marks_of(const simulated_school& school, date from, date to);
const pupil& pupil_of(const simulated_school& school, const mark& m);
std::string form_of(const simulated_school& school, const pupil& p);
// When an incident was written down, in seconds UTC.
long long written_at(const simulated_school& school, const incident& x);
std::string_view behaviour_name(const incident& x);

} // namespace rollbook::school
