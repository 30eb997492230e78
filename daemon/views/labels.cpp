#include "daemon/views/labels.hpp"

#include "daemon/cases/marker.hpp"
#include "daemon/cases/opened_pupil.hpp"
#include "daemon/reconcile/finding_visibility.hpp"

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
        const visibility now = labels_of_evidence(at, each.root(), depth + 1);
        return first == no_entry ? now : now | labels_at(at, first, std::max(depth, first_depth));
    }
    case what::finding: return labels_of_finding(at, each.root(), depth + 1);
    case what::delivery:
    case what::action: {
        const entry_index about = each.index("alert");
        if (about != no_entry) return labels_at(at, about, depth + 1);
        // A contact about a pupil's absence, of no alert.
        if (*kind == what::action && source.empty()) return visibility::attendance;
        return source.empty() ? visibility() : visibility_of(*kind, at.config.is_safeguarding(source));
    }
    case what::pupil: {
        // In care, at risk, in need: nobody sees that by the way, wherever it comes from.
        const visibility own = visibility_of(*kind, at.config.is_safeguarding(source));
        return each.root()["fields"]["flags"].is_absent() ? own : own | visibility::safeguarding;
    }
    case what::settings: {
        // Why somebody is marked, watched, held or opened to an auditor is the safeguarding lead's to say.
        constexpr std::array<std::string_view, 4> of_safeguarding = {marker_prefix, opened_prefix, "watch/", "hold/"};
        const std::string_view name = each.text("name");
        const bool is_told_why =
            std::ranges::any_of(of_safeguarding, [&](std::string_view prefix) { return name.starts_with(prefix); });
        return is_told_why ? visibility::safeguarding : visibility();
    }
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
        outline.kind = each.text("kind");
        if (const entry_index pupil = each.index("pupil"); pupil != no_entry) outline.pupil = pupil;
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
    const rule* judged_by = at.config.find_rule(each.rule);
    if (judged_by && is_by_register(judged_by->measure)) return true;
    if (allowed == visibility::everything()) return true;
    visibility labels;
    if (each.latest != each.id) labels = labels_at(at, each.id); // what it opened on
    for (const entry_index index : each.evidence)
        labels |= labels_at(at, index);
    return labels.is_within(allowed);
}

} // namespace rollbook
