#include "daemon/config/sections.hpp"
#include "daemon/config/vocabulary.hpp"

#include <algorithm>

namespace rollbook {
namespace {

constexpr std::string_view window_form =
    R"("10 school days", "N school weeks", "half-term", "term", "academic-year" or "suspension-term")";
constexpr std::int64_t threshold_max = 1'000'000;
constexpr std::size_t rules_max = 128; // with the names of sources fewer than few_text knows

std::optional<rule_window> read_window(table_reader& table)
{
    const std::optional<std::string> text = table.text("window", window_form);
    if (!text) return std::nullopt;
    const std::optional<rule_window> window = parse_rule_window(*text);
    if (!window) table.wrong("window", in_quotes(*text) + " is not a window", std::string(window_form));
    return window;
}

// Per cent in the file are hundredths of one in the rule.
std::int64_t in_units(const measure_kind* measured, std::int64_t given)
{
    return measured && measured->unit == measure_unit::hundredths ? given * 100 : given;
}

rule_stage read_stage(table_reader& table, const measure_kind* measured)
{
    rule_stage out;
    out.name = table.required_text("name", name_form);
    if (!out.name.empty() && !is_name(out.name))
        table.wrong("name", in_quotes(out.name) + " is not a name", std::string(name_form));
    const std::int64_t least = measured && measured->by_clock ? 0 : 1;
    if (!table.has("at_least")) table.missing("at_least", "a whole number from " + std::to_string(least));
    out.at_least = in_units(measured, table.whole_number("at_least", least, threshold_max).value_or(0));
    out.window = read_window(table);
    out.predict = table.truth("predict").value_or(false);
    table.refuse_unknown();
    return out;
}

std::vector<rule_stage> read_stages(table_reader& table, const measure_kind* measured)
{
    std::vector<rule_stage> out;
    std::vector<table_reader> rows = table.tables("stages");
    if (rows.empty()) {
        const toml_value* value = table.find("stages");
        if (value != nullptr && std::holds_alternative<toml_value::list>(value->value))
            table.wrong("stages", "is empty", R"(a list such as [ { name = "letter", at_least = 5 } ])");
    }
    for (table_reader& row : rows) {
        rule_stage stage = read_stage(row, measured);
        if (std::ranges::find(out, stage.name, &rule_stage::name) != out.end() && !stage.name.empty())
            row.wrong("name", in_quotes(stage.name) + " is the name of another stage too", "a name of its own");
        if (!out.empty() && row.has("at_least") && stage.at_least <= out.back().at_least)
            row.wrong("at_least", "is not above the stage before it", "stages in ascending order");
        out.push_back(std::move(stage));
    }
    return out;
}

std::vector<std::string> read_flags(table_reader& table)
{
    std::vector<std::string> out = table.texts("flags", R"(a list such as ["social_worker", "looked_after"])")
                                       .value_or(std::vector<std::string>());
    for (const std::string& flag : out)
        if (std::ranges::find(known_flags, flag) == known_flags.end())
            table.wrong("flags", in_quotes(flag) + " is not a flag", one_of({known_flags.begin(), known_flags.end()}));
    return out;
}

rule_cohort read_cohort(table_reader table)
{
    rule_cohort out;
    out.years = table.texts("years", R"(a list of years such as ["7", "8"]; left out: every year)")
                    .value_or(std::vector<std::string>());
    out.groups = table.texts("groups", R"(a list of registration groups such as ["9A"]; left out: every group)")
                     .value_or(std::vector<std::string>());
    out.flags = read_flags(table);
    out.watch_list = table.truth("watch_list").value_or(false);
    out.compulsory_school_age = table.truth("compulsory_school_age").value_or(false);
    table.refuse_unknown();
    return out;
}

std::vector<std::string_view> measure_names()
{
    std::vector<std::string_view> names;
    for (const measure_kind& each : measures())
        names.push_back(each.name);
    return names;
}

void read_measure(table_reader& table, rule& into)
{
    const auto at = table.choice("measure", measure_names());
    if (!at) return;
    const measure_kind* before = find_measure(into.measure);
    into.measure = measures()[*at].name;
    if (before && before->unit != measures()[*at].unit && !table.has("stages"))
        table.wrong("measure", "counts in another unit than the stages", "stages that go with it");
}

// Replaces what the table names and leaves the rest.
void apply(table_reader& table, rule& into)
{
    constexpr std::array<std::string_view, 2> unknowns = {"wait", "tell"};
    into.title = table.text("title").value_or(into.title);
    read_measure(table, into);
    into.window = read_window(table).value_or(into.window);
    const measure_kind* measured = find_measure(into.measure);
    if (table.has("stages")) into.stages = read_stages(table, measured);
    if (const auto level = table.whole_number("clear_below", 1, threshold_max))
        into.clear_below = in_units(measured, *level);
    into.min_possible = table.whole_number("min_possible", 0, threshold_max).value_or(into.min_possible);
    into.hold = table.duration("hold", true).value_or(into.hold);
    into.reuse_evidence = table.truth("reuse_evidence").value_or(into.reuse_evidence);
    into.safety = table.truth("safety").value_or(into.safety);
    if (const auto at = table.choice("when_unknown", unknowns)) into.when_unknown = static_cast<rule::unknown>(*at);
    into.needs_decision = table.truth("needs_decision").value_or(into.needs_decision);
    read_reminding(table, into.reminders);
    into.safety = table.truth("safety").value_or(into.safety);
    if (const auto cohort = table.table("cohort")) into.cohort = read_cohort(*cohort);
    into.enabled = table.truth("enabled").value_or(into.enabled);
    into.source = table.text("source", "the instrument and date, or the school's own policy").value_or(into.source);
    // Named here so that refuse_unknown() knows them whether or not the table has them.
    (void)table.find("stages");
    table.refuse_unknown();
}

void require_whole(table_reader& table)
{
    if (!table.has("measure")) table.missing("measure", one_of(measure_names()));
    if (!table.has("window")) table.missing("window", window_form);
    if (!table.has("stages")) table.missing("stages", R"(a list such as [ { name = "letter", at_least = 5 } ])");
}

// The rule as it stands once it is put together.
void check_whole(table_reader& table, const rule& made)
{
    if (made.stages.empty()) return; // of a pack's rule that could not be read: one problem, not two
    if (made.clear_below <= made.stages.front().at_least) return;
    table.wrong(
        table.has("clear_below") ? "clear_below" : "stages",
        "an alert would close while its first stage is still met: clear_below is " + std::to_string(made.clear_below) +
            ", the first stage " + std::to_string(made.stages.front().at_least),
        "clear_below at most the lowest at_least"
    );
}

void read_rule(table_reader& table, const std::string& id, const std::string& pack, std::vector<rule>& into)
{
    const std::size_t problems_before = table.problems().size();
    const auto at = std::ranges::find(into, id, &rule::id);
    rule made = at == into.end() ? rule{} : *at;
    if (at == into.end()) {
        made.id = id;
        made.title = id;
        made.pack = pack;
        if (pack.empty()) made.source = "school policy";
        require_whole(table);
    }
    apply(table, made);
    if (table.problems().size() != problems_before) {
        // A route may still name it: that it is wrong is one problem, not two.
        if (at == into.end()) into.push_back(std::move(made));
        return;
    }
    check_whole(table, made);
    if (at == into.end())
        into.push_back(std::move(made));
    else
        *at = std::move(made);
}

// Reads every [[rule]] of one file; in a pack each id must be new, in the school's file it may override.
void read_rule_tables(table_reader& root, const std::string& pack, std::vector<rule>& into)
{
    std::map<std::string, int> seen;
    for (table_reader& table : root.tables("rule")) {
        const std::string id = table.required_text("id", name_form);
        if (!id.empty() && !is_name(id)) table.wrong("id", in_quotes(id) + " is not a name", std::string(name_form));
        const auto [first, is_new] = seen.emplace(id, table.line());
        const bool in_other_pack = !pack.empty() && std::ranges::find(into, id, &rule::id) != into.end();
        if (!id.empty() && !is_new)
            table.wrong(
                "id",
                in_quotes(id) + " is the id of the rule in line " + std::to_string(first->second) + " too",
                "one table for each rule"
            );
        else if (!id.empty() && in_other_pack)
            table.wrong("id", in_quotes(id) + " is in another pack too", "packs that do not share rules");
        else
            read_rule(table, id, pack, into);
    }
}

void read_pack(table_reader& root, const std::string& name, configuration& into)
{
    if (std::optional<table_reader> about = root.table("pack")) {
        const std::string own_name = about->required_text("name");
        if (!own_name.empty() && own_name != name)
            about->wrong("name", "differs from the file's name", in_quotes(name));
        (void)about->required_text("title");
        if (!about->has("dated")) about->missing("dated", "the day the pack was last checked against its sources");
        if (const auto dated = about->day("dated")) into.packs.push_back({name, *dated});
        about->refuse_unknown();
    } else if (!root.has("pack")) {
        root.missing("pack", "a table [pack] with name, title and dated");
    }
    read_rule_tables(root, name, into.rules);
    root.refuse_unknown();
}

void read_pack_file(
    const std::filesystem::path& file, const std::string& name, configuration& into, findings_of_load& all
)
{
    problem_list problems(file, all);
    const std::optional<toml_value> document = read_toml_file(problems);
    if (!document) return;
    table_reader root(*document, {}, problems);
    read_pack(root, name, into);
}

std::string packs_in(const std::filesystem::path& folder)
{
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
        if (entry.path().extension() == ".toml") names.push_back(entry.path().stem().string());
    std::ranges::sort(names);
    if (names.empty()) return "a pack in " + folder.string() + ", which has none";
    return "one of the packs in " + folder.string() + ": " + one_of({names.begin(), names.end()});
}

} // namespace

void read_rules(table_reader& root, const std::filesystem::path& packs, configuration& into)
{
    if (std::optional<table_reader> section = root.table("rules")) {
        const std::vector<std::string> names =
            section->has("packs")
                ? section->texts("packs", R"(a list such as ["england"])").value_or(std::vector<std::string>())
                : std::vector<std::string>();
        (void)section->find("packs");
        for (auto name = names.begin(); name != names.end(); ++name) {
            std::error_code ignored;
            const std::filesystem::path file = packs / (*name + ".toml");
            if (std::find(names.begin(), name, *name) != name)
                section->wrong("packs", in_quotes(*name) + " is named twice", "each pack once");
            else if (!is_name(*name) || !std::filesystem::is_regular_file(file, ignored))
                section->wrong("packs", in_quotes(*name) + " is not a pack", packs_in(packs));
            else
                read_pack_file(file, *name, into, root.problems().all());
        }
        if (const auto list = section->text("watch_list", "a CSV file such as \"watchlist.csv\""))
            into.watch_list = read_watch_list(root.problems().file().parent_path() / *list, root.problems().all());
        into.alert_budget = section->whole_number("alert_budget", 1, threshold_max).value_or(0);
        section->refuse_unknown();
    }
    read_rule_tables(root, {}, into.rules);
    if (into.rules.size() > rules_max)
        root.wrong("rule", "and the packs hold too many rules", "at most " + std::to_string(rules_max) + " in all");
    const auto asks = [](const rule& each) { return each.enabled && each.cohort.watch_list; };
    if (!into.watch_list.empty() && std::ranges::none_of(into.rules, asks))
        root.warn("rules", "no rule in force asks for the watch list");
    if (into.rules.empty())
        root.warn("rules", R"(no rule is in force; [rules] packs = ["england"] brings the usual ones)");
    std::ranges::sort(into.rules, {}, &rule::id);
}

void read_rules_alone(table_reader& root, const std::filesystem::path& packs, configuration& into)
{
    if (root.has("pack"))
        read_pack(root, root.problems().file().stem().string(), into);
    else
        read_rules(root, packs, into);
}

} // namespace rollbook
