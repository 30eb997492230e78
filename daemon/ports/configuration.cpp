#include "daemon/ports/configuration.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/sha256.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

using unit = rule_window::unit;

constexpr int window_count_max = 1000;
constexpr std::array<std::pair<std::string_view, unit>, 4> named_windows = {
    {{"half-term", unit::half_term},
     {"term", unit::term},
     {"academic-year", unit::academic_year},
     {"suspension-term", unit::suspension_term}}};
constexpr std::array<std::pair<std::string_view, unit>, 2> counted_windows = {
    {{"school day", unit::school_days}, {"school week", unit::school_weeks}}};

void write_texts(json_writer& out, std::string_view key, const std::vector<std::string>& texts)
{
    out.key(key).begin_array();
    for (const std::string& text : texts)
        out.value(text);
    out.end_array();
}

// What a rule does not use is left out where it came later, so that the version of a rule is not changed by a key that
// it has not.
void write_cohort(json_writer& out, const rule_cohort& cohort)
{
    out.begin_object().member("compulsory_school_age", cohort.compulsory_school_age);
    if (!cohort.flags.empty()) write_texts(out, "flags", cohort.flags);
    if (!cohort.groups.empty()) write_texts(out, "groups", cohort.groups);
    if (cohort.watch_list) out.member("watch_list", true);
    write_texts(out, "years", cohort.years);
    out.end_object();
}

void write_stages(json_writer& out, const std::vector<rule_stage>& stages)
{
    out.begin_array();
    for (const rule_stage& stage : stages) {
        out.begin_object().member("at_least", stage.at_least).member("name", stage.name);
        if (stage.predict) out.member("predict", true);
        if (stage.window) out.member("window", text_of(*stage.window));
        out.end_object();
    }
    out.end_array();
}

void write_rule(json_writer& out, const rule& of)
{
    out.begin_object().member("clear_below", of.clear_below).key("cohort");
    write_cohort(out, of.cohort);
    out.member("enabled", of.enabled);
    if (of.hold.count() != 0) out.member("hold", of.hold.count());
    out.member("id", of.id).member("measure", of.measure);
    if (of.min_possible != 0) out.member("min_possible", of.min_possible);
    out.member("needs_decision", of.needs_decision).member("pack", of.pack);
    if (!of.reuse_evidence) out.member("reuse_evidence", false);
    if (of.safety) out.member("safety", true);
    out.member("source", of.source).key("stages");
    write_stages(out, of.stages);
    out.member("title", of.title)
        .member("when_unknown", of.when_unknown == rule::unknown::tell ? "tell" : "wait")
        .member("window", text_of(of.window))
        .end_object();
}

} // namespace

bool route_configuration::may_say(std::string_view field) const
{
    return fields.empty() || std::find(fields.begin(), fields.end(), field) != fields.end();
}

bool route_configuration::wants(std::string_view rule) const
{
    return std::ranges::any_of(rules, [&](const std::string& each) { return each == "*" || each == rule; });
}

bool route_configuration::wants_rise(const rule& of, int before, int reached) const
{
    if (!wants(of.id)) return false;
    bool is_one = stages.empty();
    for (int at = before + 1; at <= reached && !is_one; ++at)
        is_one = std::ranges::find(stages, of.stages[static_cast<std::size_t>(at)].name) != stages.end();
    return is_one;
}

bool route_configuration::wants_alert(const rule& of, std::string_view stage) const
{
    const int place = place_of_stage(of, stage);
    // Of a rule that was changed since: better told than missed.
    return wants_rise(of, -1, place < 0 ? static_cast<int>(of.stages.size()) - 1 : place);
}

std::optional<rule_window> parse_rule_window(std::string_view text)
{
    for (const auto& [name, of] : named_windows)
        if (text == name) return rule_window{of, 0};
    const std::size_t space = std::min(text.find(' '), text.size());
    const std::optional<std::uint64_t> count = parse_decimal(text.substr(0, space));
    if (!count || *count < 1 || *count > window_count_max || space == text.size()) return std::nullopt;
    std::string_view words = text.substr(space + 1);
    if (words.ends_with('s')) words.remove_suffix(1);
    for (const auto& [name, of] : counted_windows)
        if (words == name) return rule_window{of, static_cast<int>(*count)};
    return std::nullopt;
}

std::string text_of(const rule_window& window)
{
    for (const auto& [name, of] : named_windows)
        if (window.of == of) return std::string(name);
    const std::string_view name = window.of == unit::school_weeks ? "school week" : "school day";
    return std::to_string(window.count) + " " + std::string(name) + (window.count == 1 ? "" : "s");
}

std::string rule_version(const rule& of)
{
    std::string json;
    json_writer out(json);
    write_rule(out, of);
    return rule_version(json);
}

std::string rule_version(std::string_view canonical)
{
    const hash digest = sha256(as_bytes(canonical));
    return to_hex(bytes_view(digest).first(8));
}

const rule* configuration::find_rule(std::string_view id) const
{
    const auto at = std::ranges::find(rules, id, &rule::id);
    return at == rules.end() ? nullptr : &*at;
}

std::string configuration::mis_name() const
{
    const auto found = std::ranges::find(sources, source_role::mis, &source_configuration::role);
    return found == sources.end() ? std::string() : found->name;
}

bool configuration::is_safeguarding(std::string_view source) const
{
    const auto found = std::ranges::find(sources, source, &source_configuration::name);
    return found == sources.end() || found->role == source_role::safeguarding;
}

std::string configuration::rules_json() const
{
    std::vector<const rule*> sorted;
    for (const rule& each : rules)
        sorted.push_back(&each);
    std::ranges::sort(sorted, {}, [](const rule* each) { return std::string_view(each->id); });
    std::string json;
    json_writer out(json);
    out.begin_array();
    for (const rule* each : sorted)
        write_rule(out, *each);
    out.end_array();
    return json;
}

} // namespace rollbook
