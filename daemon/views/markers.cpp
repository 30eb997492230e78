#include "daemon/views/markers.hpp"

#include "daemon/base/json.hpp"
#include "daemon/base/json_index.hpp"
#include "daemon/views/people.hpp"
#include "daemon/views/text.hpp"

#include <algorithm>
#include <map>

namespace rollbook {
namespace {

// The entry that a record's payload names; empty where it names none.
std::optional<entry_index> named_in(const thing_view& record, std::string_view member)
{
    const auto document = json_document::parse(std::string(record.payload));
    return document ? index_in(document->root()[member]) : std::nullopt;
}

} // namespace

std::vector<pupil_marker> markers_at(const workplace& at)
{
    std::vector<pupil_marker> all;
    at.reader.things(what::settings, at.n, [&](const thing_view& each) {
        if (!each.key.starts_with(marker_prefix)) return true;
        if (auto one = parse_marker(each.payload, each.entry)) all.push_back(std::move(*one));
        return true;
    });
    std::ranges::sort(all, {}, &pupil_marker::id);
    return all;
}

marked_pupils::marked_pupils(const workplace& at)
{
    constexpr std::string_view listed = "watch/";
    at.reader.things(what::settings, at.n, [&](const thing_view& each) {
        if (each.key.starts_with(marker_prefix)) {
            const auto one = parse_marker(each.payload, each.entry);
            if (one && !one->ended)
                (one->kind == marker_kind::handle_with_care ? with_care_ : priority_).insert(one->pupil);
        } else if (each.key.starts_with(listed)) {
            const auto document = json_document::parse(std::string(each.payload));
            if (document && document->root()["value"]["state"].string_if() == "standing") priority_.insert(each.pupil);
        }
        return true;
    });
    if (with_care_.empty() && priority_.empty()) return;
    // A marker stays with the child when the record that it was put on is linked, or made one with another.
    std::map<entry_index, entry_index> now;
    at.reader.things(what::link, at.n, [&](const thing_view& each) {
        const auto other = each.gone ? std::nullopt : named_in(each, "other");
        if (other) now.insert_or_assign(*other, each.pupil);
        return true;
    });
    at.reader.things(what::pupil, at.n, [&](const thing_view& each) {
        const auto into = each.gone ? named_in(each, "merged_into") : std::nullopt;
        if (into) now.insert_or_assign(each.subject, *into);
        return true;
    });
    for (std::set<entry_index>* marked : {&with_care_, &priority_})
        for (const entry_index first : std::set<entry_index>(*marked)) {
            constexpr int steps_max = 9; // two records may have been made one with another, one after the other
            auto at_now = now.find(first);
            for (int steps = 0; at_now != now.end() && steps < steps_max; ++steps, at_now = now.find(at_now->second))
                marked->insert(at_now->second);
        }
}

std::vector<std::string_view> marked_pupils::words_of(entry_index pupil) const
{
    std::vector<std::string_view> words;
    if (is_with_care(pupil)) words.emplace_back("Handle with care");
    if (is_priority(pupil)) words.emplace_back("DSL priority");
    return words;
}

void write_marker(json_writer& out, const pupil_marker& value)
{
    out.begin_object();
    out.member("begun_at", format_instant(value.begun_at));
    out.member("by", value.by);
    out.member("changed_at", format_instant(value.at));
    out.member("id", value.id);
    out.member("kind", marker_kinds[static_cast<std::size_t>(value.kind)]);
    out.member("pupil", reference_of(value.pupil));
    write_text_or_null(out, "reason", value.reason);
    write_day(out, "review", value.review);
    out.member("state", value.ended ? "ended" : "standing");
    write_text_or_null(out, "tell", value.tell);
    out.member("user", value.user);
    out.end_object();
}

} // namespace rollbook
