#include "daemon/config/sections.hpp"
#include "daemon/ports/record_mapping.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

constexpr std::size_t sources_max = 32; // with the rules' ids, fewer than few_text knows
constexpr std::array<std::string_view, 4> reserved = {"reread", "history_from", "vanish_limit", "stale_after"};

reread_tier read_tier(table_reader& table)
{
    reread_tier out;
    constexpr std::array<std::string_view, 1> from_words = {"year"};
    const bool by_days = table.has("school_days");
    const bool from_year = table.has("from");
    if (by_days == from_year)
        table.problems().add(
            table.line(),
            table.path(),
            by_days ? "names two windows" : "names no window",
            R"({ school_days = N, every = "10m" } or { from = "year", every = "7d" })"
        );
    if (const auto days = table.whole_number("school_days", 1, 400)) out.school_days = static_cast<int>(*days);
    (void)table.choice("from", from_words);
    if (!table.has("every")) table.missing("every", R"(a length of time such as "10m")");
    out.every = table.duration("every").value_or(out.every);
    table.refuse_unknown();
    return out;
}

void read_vanish_limit(table_reader table, vanish_limit& into)
{
    if (const auto percent = table.whole_number("percent", 0, 100)) into.percent = static_cast<int>(*percent);
    if (const auto count = table.whole_number("at_least", 0, 1'000'000)) into.at_least = static_cast<int>(*count);
    table.refuse_unknown();
}

bool takes_mapping(const source_configuration& source)
{
    return source.connector == "report" || source.connector == "singer";
}

// A source of files is stale when the next file is overdue, unless the source's own settings say otherwise.
void read_mapping(table_reader& own, const std::filesystem::path& base, source_configuration& into)
{
    const std::string named = own.required_text("mapping", "the path of the mapping file, from this file's folder");
    if (named.empty()) return;
    const std::filesystem::path file = (base / named).lexically_normal();
    into.mapping = read_mapping_file(file, into.connector == "singer", own.problems().all());
    if (into.mapping && !own.has("stale_after")) into.stale_after = into.mapping->expect_every;
}

// Takes out the settings that every source has; the connector knows and checks the rest.
void read_source_settings(table_reader& source, const std::filesystem::path& base, source_configuration& into)
{
    std::optional<table_reader> own = source.table("settings");
    if (!own) {
        if (takes_mapping(into)) source.missing("settings", "a table [source.settings] with the mapping's path");
        return;
    }
    for (table_reader& tier : own->tables("reread"))
        into.reread.push_back(read_tier(tier));
    into.history_from = own->day("history_from");
    if (const auto limit = own->table("vanish_limit")) read_vanish_limit(*limit, into.vanish_limit);
    into.stale_after = own->duration("stale_after").value_or(into.stale_after);

    toml_value rest = *source.find("settings");
    auto& keys = std::get<toml_value::table>(rest.value);
    if (takes_mapping(into)) {
        read_mapping(*own, base, into);
        keys.erase("mapping");
    }
    for (const std::string_view key : reserved) {
        if (const auto at = keys.find(key); at != keys.end()) keys.erase(at);
    }
    into.settings = read_settings(rest, own->path(), source.problems());
}

// A path is meant from the configuration file; a plain word is the name of a manifest.
std::string connector_from(std::string written, const std::filesystem::path& base)
{
    const bool is_path = written.find('/') != written.npos || written.ends_with(".json");
    return is_path ? (base / written).lexically_normal().string() : written;
}

source_configuration read_source(table_reader& table, const std::filesystem::path& base)
{
    constexpr std::array<std::string_view, 2> roles = {"mis", "safeguarding"};
    source_configuration out;
    out.line = table.line();
    out.name = table.required_text("name", name_form);
    if (!out.name.empty() && !is_name(out.name))
        table.wrong("name", in_quotes(out.name) + " is not a name", std::string(name_form));
    if (!table.has("role")) table.missing("role", "mis or safeguarding");
    if (table.choice("role", roles).value_or(0) == 1) out.role = source_role::safeguarding;
    out.connector = connector_from(
        table.required_text("connector", R"(the name of a manifest, a path to one, "report" or "singer")"), base
    );
    out.poll_every = table.duration("poll_every").value_or(out.poll_every);
    read_source_settings(table, base, out);
    table.refuse_unknown();
    return out;
}

} // namespace

void read_sources(table_reader& root, configuration& into)
{
    int mis_line = 0;
    std::vector<table_reader> tables = root.tables("source");
    if (tables.empty() && !root.has("source")) root.missing("source", "at least one [[source]] table");
    if (tables.size() > sources_max)
        root.wrong("source", "has too many tables", "at most " + std::to_string(sources_max) + " [[source]] tables");
    for (table_reader& table : tables) {
        source_configuration one = read_source(table, into.file.parent_path());
        const auto same = std::ranges::find(into.sources, one.name, &source_configuration::name);
        if (!one.name.empty() && same != into.sources.end())
            table.wrong(
                "name",
                in_quotes(one.name) + " is the name of the source in line " + std::to_string(same->line) + " too",
                "a name of its own"
            );
        // Only a role that was read counts: one that is wrong is a problem already.
        const toml_value* role = table.find("role");
        const auto* word = role == nullptr ? nullptr : std::get_if<std::string>(&role->value);
        if (word != nullptr && *word == "mis") {
            if (mis_line > 0)
                table.wrong(
                    "role",
                    "is mis, as that of the source in line " + std::to_string(mis_line),
                    "one source with role mis: the register of attendance"
                );
            else
                mis_line = one.line;
        }
        into.sources.push_back(std::move(one));
    }
}

} // namespace rollbook
