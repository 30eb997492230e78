#include "daemon/views/labels.hpp"

#include "daemon/cases/marker.hpp"
#include "daemon/cases/opened_pupil.hpp"
#include "daemon/cases/silence.hpp"
#include "daemon/reconcile/finding_visibility.hpp"
#include "daemon/views/standing.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

visibility labels_of(const workplace& at, const opened_entry& each, int depth);

constexpr int first_depth = 1;
constexpr std::size_t labels_kept_max = 500'000;  // some 20 MB
constexpr std::size_t findings_kept_max = 50'000; // some 8 MB

visibility labels_at(const workplace& at, entry_index index, int depth)
{
    visibility labels;
    if (index >= at.n) return labels;
    // From further down less is followed.
    auto* const kept = depth == first_depth && at.known ? &at.known->labels : nullptr;
    if (kept)
        if (const auto known = kept->find(index); known != kept->end()) return known->second;
    at.reader.entries(index, index + 1, [&](const entry_view& entry) {
        labels = labels_of(at, open_entry(entry), depth);
        return false;
    });
    if (kept) {
        if (kept->size() >= labels_kept_max) kept->clear();
        kept->emplace(index, labels);
    }
    return labels;
}

visibility labels_of_evidence(const workplace& at, json_view root, int depth)
{
    visibility labels;
    root["evidence"].for_each_element([&](json_view each) {
        if (const auto index = each.int_if(); index && *index >= 0)
            labels |= labels_at(at, static_cast<entry_index>(*index), depth);
    });
    root["sources"].for_each_element([&](json_view name) {
        if (at.config.is_safeguarding(name.string_if().value_or(""))) labels |= visibility::safeguarding;
    });
    return labels;
}

visibility labels_of_finding(const workplace& at, json_view root, int depth)
{
    const auto text = [&](std::string_view name) { return root[name].string_if().value_or(std::string_view()); };
    const std::string_view kind = text("kind");
    if (is_about_a_source(kind)) return {};
    const visibility seen = labels_of_evidence(at, root, depth);
    return visibility_beyond_evidence(kind) | (seen == visibility() ? visibility_of_finding(kind, text("key")) : seen);
}

// It counts records: that there are more of a kind is told to who may see that kind.
visibility labels_of_statement(const workplace& at, json_view root, std::string_view source)
{
    visibility labels;
    root["rows"].for_each_element([&](json_view row) {
        const auto kind = parse_what(row["record"].string_if().value_or(std::string_view()));
        if (kind) labels |= visibility_of(*kind, at.config.is_safeguarding(source));
    });
    return labels;
}

// Rules on these rest on the register alone: their evidence need not be read to say so.
bool is_by_register(std::string_view measure)
{
    constexpr std::array<std::string_view, 3> known = {"late_sessions", "unauthorised_sessions", "reason_age"};
    return std::ranges::count(known, measure) > 0;
}

// Whom flags or the watch list set apart is the safeguarding lead's to know. Of a child's safety all who work with
// pupils are told who comes first, as on the list of calls; by any other rule, who decides about alerts.
visibility labels_of_cohort(bool asks_of_flags, bool is_safety)
{
    if (!asks_of_flags) return {};
    return is_safety ? visibility::priority : visibility::flags;
}

visibility labels_of_cohort(const rule& by)
{
    return labels_of_cohort(by.cohort.asks_of_flags(), by.safety);
}

// Of the rule as that version of it was, by the configuration or by what the ledger says was in force; of a version
// that neither knows, of all that they know of it.
visibility find_labels_of_cohort(const workplace& at, std::string_view id, std::string_view version)
{
    std::optional<visibility> any;
    if (const rule* now = at.config.find_rule(id)) {
        any = labels_of_cohort(*now);
        if (rule_version(*now) == version) return *any;
    }
    std::optional<visibility> exact;
    const auto take = [&](json_view each) {
        if (each["id"].string_if() != id) return;
        const json_view cohort = each["cohort"];
        const bool asks_of_flags = cohort["flags"].is_array() || cohort["watch_list"].bool_if().value_or(false);
        const visibility labels = labels_of_cohort(asks_of_flags, each["safety"].bool_if().value_or(false));
        std::string text;
        json_writer canonical(text);
        each.write_canonical(canonical);
        if (rule_version(text) == version) exact = labels;
        any = any.value_or(visibility()) | labels;
    };
    const entry_index n = at.reader.size(); // what is kept of it holds at whatever size the ledger is asked about
    entry_index texts = no_entry;
    at.reader.things_by_id(what::settings, "", alert_rules_setting, n, [&](const thing_view& newest) {
        texts = newest.subject;
        return false;
    });
    if (texts != no_entry)
        at.reader.history(texts, n, [&](const thing_view& each) {
            if (const auto document = json_document::parse(std::string(each.payload)))
                document->root()["value"].for_each_element(take);
            return !exact;
        });
    return exact.value_or(any.value_or(visibility::flags));
}

visibility labels_of_cohort(const workplace& at, std::string_view id, std::string_view version)
{
    if (!at.known) return find_labels_of_cohort(at, id, version);
    const std::string key = std::string(id).append("/").append(version);
    if (const auto kept = at.known->cohorts.find(key); kept != at.known->cohorts.end()) return kept->second;
    return at.known->cohorts.emplace(key, find_labels_of_cohort(at, id, version)).first->second;
}

// That alerts of a rule are silenced, or how many there are, says what they would.
visibility labels_of_alerts(const workplace& at, std::string_view id)
{
    const rule* by = at.config.find_rule(id);
    return labels_of_cohort(at, id, {}) | (by ? labels_of_measure(*by, labels_of_cases(at)) : visibility());
}

visibility labels_of_setting(const workplace& at, std::string_view name, json_view root)
{
    // Why somebody is marked, watched, held or opened to an auditor is the safeguarding lead's to say.
    constexpr std::array<std::string_view, 4> of_safeguarding = {marker_prefix, opened_prefix, "watch/", "hold/"};
    if (std::ranges::any_of(of_safeguarding, [&](std::string_view prefix) { return name.starts_with(prefix); }))
        return visibility::safeguarding;
    const json_view value = root["value"];
    visibility labels;
    if (name.starts_with(silence_prefix)) {
        if (!root["pupil"].is_absent()) labels |= visibility::attendance;
        if (const auto id = value["rule"].string_if()) labels |= labels_of_alerts(at, *id);
    } else if (name == alert_budget_setting) {
        value["rules"].for_each([&](std::string_view id, json_view) { labels |= labels_of_alerts(at, id); });
    }
    return labels;
}

// Evidence is never derived from evidence more than twice: a message tells of an alert, an alert of marks.
visibility labels_of(const workplace& at, const opened_entry& each, int depth)
{
    constexpr int depth_max = 3;
    const auto kind = parse_what(each.text("what"));
    if (!each.payload || !kind || depth > depth_max) return {};
    const std::string_view source = each.text("source");
    switch (*kind) {
    case what::link: {
        const std::string_view key = each.text("key");
        return visibility_of_link(at.config.is_safeguarding(key.substr(0, key.find('/'))));
    }
    case what::alert: {
        // One that has ended may rest on nothing any more, and its end tells of what it opened on.
        const entry_index first = each.index("alert");
        visibility now = labels_of_evidence(at, each.root(), depth + 1);
        // About a source, and so about nobody in a cohort.
        if (source.empty()) now |= labels_of_cohort(at, each.text("rule"), each.text("rule_version"));
        return first == no_entry ? now : now | labels_at(at, first, std::max(depth, first_depth));
    }
    case what::finding: return labels_of_finding(at, each.root(), depth + 1);
    case what::delivery:
    case what::action: {
        const entry_index about = each.index("alert");
        if (about != no_entry) return labels_at(at, about, depth + 1);
        // That the safeguarding lead was to look again at somebody.
        if (each.text("type") == "marker.review") return visibility::safeguarding;
        // A contact about a pupil's absence, of no alert.
        if (*kind == what::action && source.empty()) return visibility::attendance;
        return source.empty() ? visibility() : visibility_of(*kind, at.config.is_safeguarding(source));
    }
    case what::pupil: {
        // In care, at risk, in need: nobody sees that by the way, wherever it comes from.
        const visibility own = visibility_of(*kind, at.config.is_safeguarding(source));
        return each.root()["fields"]["flags"].is_absent() ? own : own | visibility::safeguarding;
    }
    case what::settings: return labels_of_setting(at, each.text("name"), each.root());
    case what::statement: return labels_of_statement(at, each.root(), source);
    default: return source.empty() ? visibility() : visibility_of(*kind, at.config.is_safeguarding(source));
    }
}

} // namespace

visibility labels_of(const workplace& at, const opened_entry& each)
{
    return labels_of(at, each, 0);
}

visibility labels_of(const workplace& at, const finding_view& each)
{
    return labels_of_finding(at, each.root(), first_depth);
}

finding_outline outline_of(const workplace& at, entry_index version, bool with_labels)
{
    if (at.known)
        if (const auto kept = at.known->findings.find(version); kept != at.known->findings.end())
            if (!with_labels || kept->second.labels) return kept->second;
    finding_outline outline;
    at.reader.entries(version, version + 1, [&](const entry_view& entry) {
        const opened_entry each = open_entry(entry);
        outline.is_erased = !each.payload;
        outline.kind = few_text(each.text("kind"));
        outline.pupil = each.index("pupil");
        if (with_labels) outline.labels = labels_of_finding(at, each.root(), first_depth);
        return false;
    });
    if (at.known) {
        if (at.known->findings.size() >= findings_kept_max) at.known->findings.clear();
        at.known->findings.insert_or_assign(version, outline);
    }
    return outline;
}

visibility labels_at(const workplace& at, entry_index index)
{
    return labels_at(at, index, first_depth);
}

bool is_within(const workplace& at, const alert& each, visibility allowed)
{
    if (!allowed.has(visibility::attendance)) return false;
    if (allowed == visibility::everything()) return true;
    // Of a rule that never asked of flags, in whatever version.
    const rule* judged_by = at.config.find_rule(each.rule);
    if (judged_by && is_by_register(judged_by->measure) && labels_of_cohort(at, each.rule, {}) == visibility())
        return true;
    visibility labels;
    if (!is_about_source(each)) labels |= labels_of_cohort(at, each.rule, each.rule_version);
    if (each.latest != each.id) labels |= labels_at(at, each.id); // what it opened on
    for (const entry_index index : each.evidence)
        labels |= labels_at(at, index);
    return labels.is_within(allowed);
}

} // namespace rollbook
