#pragma once

#include "tests/school/http.hpp"
#include "tests/school/school.hpp"
#include "tests/school/smtp.hpp"

#include <memory>
#include <string>

namespace rollbook::school {

struct site_settings {
    std::string school_id;
    std::string wonde_token;
    std::string safeguarding_user;
    std::string safeguarding_password;
    std::string systems_secret; // of every other system: password, key, client secret
    int per_page_max = 500;
    date system_day; // the day of the computer's clock at the start
};

// The settings that follow from a seed: the same ones for the program and its tests.
site_settings settings_for(std::uint64_t seed);

// Everything that the program serves over HTTP: Wonde, the safeguarding API, the webhook sink and the admin pages.
class site {
public:
    site(const school_options& options, site_settings settings);
    ~site();

    // Before the first request: where this site and its foreign host can be reached ("127.0.0.1:8080").
    void set_addresses(const std::string& authority, const std::string& foreign_authority);
    http_response answer(const http_request& request);
    // A host that no client should ask: it notes who did.
    http_response answer_as_foreign_host(const http_request& request);

    const simulated_school& school() const;
    std::shared_ptr<mailbox> mail();

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace rollbook::school
