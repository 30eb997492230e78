#include "daemon/config/sections.hpp"

#include <algorithm>

namespace rollbook {
namespace {

constexpr std::int64_t settle_days_max = 190;
constexpr std::int64_t amended_days_max = 400;
constexpr std::string_view kinds_form = "kinds of finding, such as \"mark-missing\"; schemas/findings.md lists them";

void read_words(table_reader& table, std::string_view key, std::vector<std::string>& into)
{
    if (auto words = table.texts(key, "words, such as [\"corridor\", \"canteen\"]")) into = std::move(*words);
}

void read_kinds(table_reader& table, std::string_view key, finding_settings::names& into)
{
    const auto kinds = table.texts(key, kinds_form);
    for (const std::string& kind : kinds.value_or(std::vector<std::string>())) {
        if (std::ranges::find(finding_kind_names, kind) == finding_kind_names.end())
            table.wrong(key, in_quotes(kind) + " is no kind of finding", std::string(kinds_form));
        into.insert(kind);
    }
}

} // namespace

void read_findings(table_reader& root, configuration& into)
{
    std::optional<table_reader> table = root.table("findings");
    if (!table) return;
    finding_settings& findings = into.findings;
    read_kinds(*table, "off", findings.off);
    read_kinds(*table, "on", findings.on);
    if (std::optional<table_reader> settle = table->table("settle")) {
        for (auto& [kind, days] : findings.settle)
            days = static_cast<int>(settle->whole_number(kind, 0, settle_days_max).value_or(days));
        settle->refuse_unknown();
    }
    if (const auto days = table->whole_number("amended_late_days", 1, amended_days_max))
        findings.amended_late_days = static_cast<int>(*days);
    read_words(*table, "on_site", findings.on_site);
    read_words(*table, "off_site", findings.off_site);
    read_words(*table, "missing", findings.missing);
    read_words(*table, "restraint", findings.restraint);
    for (const std::string& code :
         table->texts("ask_evidence", "attendance codes, such as [\"B\"]").value_or(std::vector<std::string>()))
        findings.ask_evidence.insert(code);
    for (table_reader& pair : table->tables("both")) {
        const std::string mis = pair.required_text("mis", "a type of incident in the MIS");
        const std::string safeguarding = pair.required_text("safeguarding", "a category of the safeguarding system");
        findings.both.push_back({mis, safeguarding});
        pair.refuse_unknown();
    }
    table->refuse_unknown();
}

} // namespace rollbook
