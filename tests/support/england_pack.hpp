#pragma once

#include "daemon/config/sections.hpp"

#include <filesystem>
#include <fstream>
#include <stdexcept>

// The rules of the shipped pack, read from the file that is shipped.
namespace rollbook::support {

inline std::vector<rule> england_pack()
{
    const std::filesystem::path packs = std::filesystem::path(ROLLBOOK_SOURCE_DIR) / "schemas" / "rules";
    const toml_value pack{toml_value::list{toml_value{std::string("england"), 1}}, 1};
    const toml_value section{toml_value::table{{"packs", pack}}, 1};
    const toml_value document{toml_value::table{{"rules", section}}, 1};
    findings_of_load found;
    problem_list problems("rollbook.toml", found);
    table_reader root(document, {}, problems);
    configuration made;
    read_rules(root, packs, made);
    if (!found.problems.empty())
        throw std::runtime_error(found.problems.front().key + " " + found.problems.front().what);
    return made.rules;
}

inline rule england_rule(std::string_view id)
{
    for (rule& each : england_pack())
        if (each.id == id) return std::move(each);
    throw std::runtime_error("the pack has no rule " + std::string(id));
}

} // namespace rollbook::support
