#pragma once

#include "tests/school/faults.hpp"
#include "tests/school/http.hpp"
#include "tests/school/school.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace rollbook::school {

struct safeguarding_settings {
    std::string user;
    std::string password;
    std::function<long long()> data_as_of; // UTC seconds
};

// A safeguarding system with a REST API of our own making: schemas/safeguarding-api.openapi.json describes it. No real
// product publishes one.
class safeguarding_api {
public:
    safeguarding_api(const simulated_school& school, fault_board& faults, safeguarding_settings settings);

    // The endpoint that a path below /safeguarding/v1 names, as faults and counts call it.
    static std::string endpoint_of(const std::string& path);
    http_response answer(const http_request& request);

    // Adds a raw row at the end of "safeguarding/students", "safeguarding/incidents" or "safeguarding/all-actions".
    void append(const std::string& endpoint, std::string row) { appended_[endpoint].push_back(std::move(row)); }
    void drop_appended() { appended_.clear(); }
    // A pupil who left: their record leaves the list of students. What was entered about them stays.
    void archive(const std::string& safeguarding_id) { archived_.insert(safeguarding_id); }
    // The actions that clients recorded, as one JSON array.
    std::string actions() const;
    // What clients put into the tray, in order, as the API shows it.
    std::string tray_items() const;

private:
    struct action {
        int number;
        int incident;
        std::string client_reference, kind, text, author;
        long long recorded_at;
    };

    struct tray_item {
        std::string client_reference, student, text, written_at;
        bool operator==(const tray_item&) const = default;
    };

    http_response page_of(const http_request&, const listing&) const;
    listing students(const http_request&) const;
    listing incidents(const http_request&) const;
    listing all_actions(const http_request&) const;
    std::string incident_row(const concern&) const;
    long long changed_at(const concern&) const;
    http_response post_action(int incident, const http_request&);
    std::string action_row(const action&) const;
    http_response tray(const http_request&);
    std::string tray_row(std::size_t place) const;

    const simulated_school& school_;
    fault_board& faults_;
    safeguarding_settings settings_;
    std::map<std::string, std::vector<std::string>> appended_;
    std::set<std::string> archived_;
    std::vector<action> actions_;
    std::vector<tray_item> tray_;
    std::map<int, long long> touched_; // incident number: when an action last changed it
};

} // namespace rollbook::school
