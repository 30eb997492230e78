#pragma once

#include "tests/school/faults.hpp"
#include "tests/school/http.hpp"
#include "tests/school/school.hpp"

#include <map>
#include <string>
#include <vector>

namespace rollbook::school {

struct wonde_settings {
    std::string school_id;
    std::string token;
    std::string authority;         // "127.0.0.1:8080", what links are built with
    std::string foreign_authority; // "localhost:9090", where the fault foreign_next sends the client
    int per_page_max = 500;
};

// The read side of Wonde's v1.0 API over one simulated school. Source: source-systems.md section 1.
class wonde_api {
public:
    wonde_api(const simulated_school& school, fault_board& faults, wonde_settings settings);

    // The endpoint that a path below /v1.0 names, as faults and counts call it.
    std::string endpoint_of(const std::string& path) const;
    http_response answer(const http_request& request);

    // Adds a raw row at the end of one endpoint's list.
    void append(const std::string& endpoint, std::string row) { appended_[endpoint].push_back(std::move(row)); }
    void drop_appended() { appended_.clear(); }
    // Takes the added row of this id away.
    void withdraw(const std::string& endpoint, const std::string& id)
    {
        std::erase_if(appended_[endpoint], [&](const std::string& row) {
            return row.starts_with("{\"id\":\"" + id + '"');
        });
    }

    // The id under which the code list gives this position of code_list().
    const std::string& code_id(std::uint8_t code) const { return code_ids_[code]; }

    // The lessons of that half of a day, whose place among the school's marks is `mark`, from now on bear this code of
    // code_list(), whatever the session's is.
    void mark_lessons(std::uint32_t mark, std::uint8_t code) { lesson_codes_[mark] = code; }

private:
    http_response page_of(const http_request&, const std::string& endpoint, listing, std::string_view includes);
    // The address of another page of the same list, with the same filters, as a JSON string.
    std::string link(const std::string& authority, const http_request&, const std::string& endpoint, int to_page) const;
    listing with_appended(const std::string& endpoint, listing list) const;
    listing students(const http_request&) const;
    listing leavers() const;
    listing coming() const;
    listing session_marks() const;
    listing behaviours(const http_request&) const;
    listing exclusions() const;
    listing achievements(const http_request&) const;
    listing lesson_marks() const;
    listing summaries() const;
    listing contacts() const;
    listing employees() const;
    listing forms(std::string_view type) const;
    listing timetable(const std::string& endpoint) const;
    static int contacts_of(int pupil);
    std::string contact(int pupil, int number, bool with_relationship) const;
    static std::string attributes();
    static std::string permissions();
    std::string student(int pupil, const named_values& query) const;
    std::string counts(const http_request&, bool is_wrong) const;
    std::string school_object() const;
    int page_number(const http_request&) const;

    const simulated_school& school_;
    fault_board& faults_;
    wonde_settings settings_;
    std::map<std::string, std::vector<std::string>> appended_;
    std::vector<std::string> code_ids_;
    std::map<std::uint32_t, std::uint8_t> lesson_codes_; // by place of the session's mark, where they differ
    std::string code_list_;
    // The middle of a mark's row, which its day and session fix; made as days are first listed.
    mutable std::vector<std::string> day_parts_;
};

} // namespace rollbook::school
