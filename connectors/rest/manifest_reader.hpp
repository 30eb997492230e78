#pragma once

#include "connectors/rest/json_check.hpp"
#include "connectors/rest/manifest.hpp"
#include "daemon/base/json.hpp"

#include <set>

namespace rollbook {

// Turns a manifest that keeps its schema into its structures, and checks what a schema cannot say. Its parts stand in
// manifest_reader.cpp, manifest_requests.cpp, manifest_fields.cpp and manifest_streams.cpp.
class manifest_reader {
public:
    manifest_reader(const std::filesystem::path& file, const std::filesystem::path& schemas, const json_lines& lines);
    result<manifest> read(json_view root);

private:
    using names = std::set<std::string, std::less<>>;

    void wrong(const std::string& pointer, std::string_view what, std::string_view to_do);

    // manifest_reader.cpp
    void read_setting(std::string_view name, json_view v);
    void add_network_settings();
    std::string read_switch(json_view v, const std::string& at);
    void read_limits(json_view v);
    void read_dates(json_view v);
    void read_lookup(json_view v, const std::string& at);
    void read_total(json_view v, const std::string& at);
    void read_write(json_view v, const std::string& at);

    // manifest_requests.cpp
    // Every {name} must be a setting that is no secret, unless `secrets`; every {@name} one of `variables`.
    std::string templated(json_view v, const std::string& at, const names& variables = {}, bool secrets = false);
    query_template read_query(json_view v, const std::string& at, const names& variables = {}, bool secrets = false);
    void read_requester(json_view v);
    void read_authenticator(json_view v);
    void read_login(json_view v, bool is_oauth2);
    request_spec read_request(json_view v, const std::string& at, const names& variables);
    paginator_spec read_paginator(json_view v, const std::string& where);
    // Without `param` the request itself must name the variable of the way of paging.
    void check_paging(const paginator_spec& p, const request_spec& r, const std::string& at);
    decoder_spec read_decoder(json_view v);
    condition_spec read_condition(json_view v, const std::string& at);
    std::vector<condition_spec> read_conditions(json_view v, const std::string& at);
    selector_spec read_selector(json_view v, const std::string& at);
    void read_errors(json_view v);

    // manifest_fields.cpp
    field_spec read_field(std::string_view name, json_view v, const std::string& at);
    void needs_no_switch(const field_spec& f, const std::string& at);
    void read_type(field_spec& f, const std::string& type);
    void check_lookup(const field_spec& f, const std::string& at);
    std::vector<field_spec> read_fields(json_view v, const std::string& at);
    // The fields that records of this kind have, from their schema.
    names canonical_fields(what kind);
    void check_names(what kind, const std::vector<field_spec>& fields, const std::string& at);

    // manifest_streams.cpp
    what read_kind(json_view v, const std::string& at);
    void read_stream(json_view v, const std::string& at);
    void read_window(stream_spec& s, json_view v, const std::string& at);
    void read_slices(stream_spec& s, json_view v, const std::string& at);
    void read_incremental(stream_spec& s, json_view v, const std::string& at);
    void read_changelog(stream_spec& s, json_view v, const std::string& at);
    void read_record(stream_spec& s, json_view v, const std::string& at);
    void read_expand(stream_spec& s, json_view v, const std::string& at);

    manifest m_;
    const std::filesystem::path& schemas_;
    const json_lines& lines_;
    std::optional<failure> first_;
};

// "meta.pagination.next" as its parts.
json_path parts_of(std::string_view dotted);
std::string text_or(json_view v, std::string_view otherwise = {});
// The members of an object in ascending order of their names.
std::vector<std::pair<std::string, json_view>> sorted_members(json_view object);

} // namespace rollbook
