#include "daemon/service/probe.hpp"

#include "daemon/base/json.hpp"

#include <algorithm>

namespace rollbook {

namespace asio = boost::asio;

namespace {

std::string masked(std::string_view value)
{
    std::string out;
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (c >= '0' && c <= '9')
            out += '9';
        else if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z')
            out += byte < 'a' ? 'X' : 'x';
        else if (byte >= 0x80)
            out += (byte & 0xc0) == 0x80 ? "" : "x"; // one x for a character, however many bytes it has
        else
            out += c;
    }
    return out;
}

} // namespace

std::string masked_shape(std::string_view value)
{
    constexpr std::size_t longest = 24;
    return masked(value.substr(0, longest)) + (value.size() > longest ? "..." : "");
}

std::string masked_row(std::string_view json)
{
    constexpr std::size_t longest = 400;
    std::string out;
    for (std::size_t at = 0; at < json.size() && out.size() < longest;) {
        if (json[at] != '"') {
            out += json[at] >= '0' && json[at] <= '9' ? '9' : json[at];
            ++at;
            continue;
        }
        std::size_t end = at + 1;
        while (end < json.size() && json[end] != '"')
            end += json[end] == '\\' ? 2 : 1;
        end = std::min(end, json.size() - 1);
        const std::string_view text = json.substr(at + 1, end - at - 1);
        const bool is_name = end + 1 < json.size() && json[end + 1] == ':';
        out.append("\"").append(is_name ? std::string(text) : masked(text)).append("\"");
        at = end + 1;
    }
    if (out.size() >= longest) out += "...";
    return out;
}

std::vector<std::string> doubts(const stream_probe& found)
{
    std::vector<std::string> out;
    if (found.why) return out;
    if (found.records == 0 && found.gone == 0 && found.rejections.empty())
        out.emplace_back("the list is empty: nothing to list, a permission that is missing, or another region's address"
        );
    std::string never;
    for (const auto& [name, field] : found.fields)
        if (field.filled == 0) never.append(never.empty() ? "" : ", ").append(name);
    if (!never.empty()) out.push_back("never filled, perhaps for want of a permission: " + never);
    return out;
}

namespace {

void note(stream_probe& to, const std::string& name, std::string_view value)
{
    stream_probe::field& field = to.fields[name];
    if (value.empty()) return;
    if (++field.filled == 1) field.shape = masked_shape(value);
}

void note_mark(stream_probe& to, const reported_mark& mark)
{
    ++to.records;
    ++to.kinds["session-mark"];
    note(to, "session-mark.source_id", mark.source_id);
    note(to, "session-mark.pupil", mark.pupil_id);
    // Codes are the school's, and say nothing of one pupil by themselves.
    stream_probe::field& raw = to.fields["session-mark.raw"];
    if (!mark.raw.empty() && ++raw.filled == 1) raw.shape = mark.raw;
    note(to, "session-mark.statutory", mark.statutory);
    note(to, "session-mark.minutes_late", mark.minutes_late < 0 ? "" : "9");
    note(to, "session-mark.comment", mark.comment);
    note(to, "session-mark.taken_by", mark.taken_by);
}

void note_record(stream_probe& to, const reported_record& record)
{
    ++to.records;
    const std::string kind(name_of(record.kind));
    ++to.kinds[kind];
    note(to, kind + ".source_id", record.source_id);
    if (!record.pupil_id.empty()) note(to, kind + ".pupil", record.pupil_id);
    const auto fields = json_document::parse(record.fields);
    if (!fields) return;
    fields->root().for_each([&](std::string_view name, json_view value) {
        const std::string at = kind + "." + std::string(name);
        if (const auto text = value.string_if())
            note(to, at, *text);
        else
            note(to, at, value.is_array() ? "[...]" : value.is_bool() ? "true/false" : "9");
    });
}

} // namespace

asio::awaitable<result<std::vector<stream_probe>>>
probe(connector& from, std::optional<civil_day> from_day, std::size_t pages_max)
{
    if (const result<void> begun = co_await from.begin_run(); !begun) co_return begun.error();
    std::vector<stream_probe> out;
    for (std::size_t stream = 0; stream < from.streams().size(); ++stream) {
        stream_probe found;
        found.stream = from.streams()[stream].name;
        for (const std::string& field : from.streams()[stream].fields)
            found.fields[field]; // one that is never filled is shown, too
        from.gives_changes(stream, false);
        const std::optional<civil_day> day = from.streams()[stream].by_day ? from_day : std::nullopt;
        std::optional<std::string> at;
        do {
            std::optional<std::string> place = at;
            const result<page> got = co_await from.fetch_page(stream, day, std::move(place));
            if (!got) {
                found.why = got.error();
                break;
            }
            found.page_rows.push_back(got->rows);
            found.gone += got->gone.size();
            if (got->data_as_of && (!found.data_as_of || *found.data_as_of < *got->data_as_of))
                found.data_as_of = got->data_as_of;
            for (const reported_mark& mark : got->marks)
                note_mark(found, mark);
            for (const reported_record& record : got->records)
                note_record(found, record);
            for (const rejected_row& row : got->rejected)
                if (++found.rejections[row.reason] == 1) found.rejected[row.reason] = masked_row(row.row);
            at = got->next;
        } while (at && found.page_rows.size() < pages_max);
        found.has_more = at.has_value();
        out.push_back(std::move(found));
    }
    co_return out;
}

} // namespace rollbook
