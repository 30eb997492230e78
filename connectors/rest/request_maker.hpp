#pragma once

#include "connectors/rest/manifest.hpp"
#include "connectors/rest/settings.hpp"
#include "daemon/ports/http.hpp"

namespace rollbook {

// Makes requests from their templates. Without credentials: those go in last (authenticator::sign()).
class request_maker {
public:
    // What is referred to must outlive it.
    request_maker(const manifest& m, const resolved_settings& settings);

    // The list's address with its query, without what the paging adds. A parameter whose value comes out empty is left
    // out.
    std::string address(const request_spec& spec, const run_values& run) const;
    // A request of `url`, which address() or the source itself made.
    http_request request(const request_spec& spec, std::string url, const run_values& run) const;
    http_request request(const request_spec& spec, const run_values& run) const
    {
        return request(spec, address(spec, run), run);
    }

private:
    std::string body(const request_spec& spec, const run_values& run) const;

    const manifest& manifest_;
    const resolved_settings& settings_;
    const std::string base_url_;
};

// The words that name a request in a failure: "GET /students, page 3", without values.
std::string place_name(const request_spec& spec, std::size_t page_number);

} // namespace rollbook
