#include "daemon/reports/amendments.hpp"

#include "daemon/base/json.hpp"
#include "daemon/domain/session.hpp"
#include "daemon/reports/pupil_cells.hpp"

namespace rollbook {
namespace {

constexpr std::string_view not_supplied = "not supplied by source";

std::string_view text_in(json_view object, std::string_view key)
{
    return object[key].string_if().value_or(std::string_view());
}

std::string supplied(std::string_view text)
{
    return std::string(text.empty() ? not_supplied : text);
}

// One version of a mark, as its payload tells it.
struct mark_said {
    json_document payload;

    json_view root() const { return payload.root(); }
    bool is_gone() const { return root()["gone"].is_string(); }
    bool is_first() const { return root()["replaces"].is_null(); }
    bool is_unrecorded() const
    {
        const std::string_view raw = text_in(root(), "raw");
        return !is_gone() && (raw.empty() || raw == "-");
    }
    bool says_the_same(const mark_said& other) const
    {
        return is_gone() == other.is_gone() && text_in(root(), "raw") == text_in(other.root(), "raw") &&
               text_in(root(), "code") == text_in(other.root(), "code") &&
               root()["minutes"].int_if() == other.root()["minutes"].int_if();
    }
    std::string text() const
    {
        if (is_gone()) return "removed";
        if (is_unrecorded()) return "none recorded";
        const std::string_view raw = text_in(root(), "raw");
        const std::string_view code = text_in(root(), "code");
        std::string out(raw);
        if (!code.empty() && code != raw) out.append(" (").append(code).append(")");
        if (const auto minutes = root()["minutes"].int_if())
            out.append(", ").append(std::to_string(*minutes)).append(" min");
        return out;
    }
};

std::optional<mark_said> read_mark(std::string_view payload)
{
    auto parsed = json_document::parse(std::string(payload));
    if (!parsed || text_in(parsed->root(), "what") != name_of(what::session_mark)) return std::nullopt;
    return mark_said{std::move(*parsed)};
}

// Nothing once it was erased.
std::optional<mark_said> mark_at(const ledger_reader& reader, entry_index index)
{
    std::optional<mark_said> found;
    reader.entries(index, index + 1, [&](const entry_view& entry) {
        if (entry.is_open) found = read_mark(entry.payload);
        return false;
    });
    return found;
}

std::string clock(std::string_view instant_text, const time_zone& zone)
{
    const auto at = parse_instant(instant_text);
    if (!at) return {};
    const local_instant local = zone.to_local(*at);
    const auto minutes = std::chrono::floor<std::chrono::minutes>(local - day_of(local)).count();
    const auto two = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
    return format_day(day_of(local)) + " " + two(minutes / 60) + ":" + two(minutes % 60);
}

// The entries recorded on the days asked about.
std::pair<entry_index, entry_index> entries_of(const report_question& asked)
{
    const auto before = [&](civil_day day) {
        return asked.at.reader.size_at(asked.at.zone.to_instant(local_instant(day)) - std::chrono::milliseconds(1));
    };
    const entry_index first = asked.from ? before(*asked.from) : 0;
    const entry_index end = asked.to ? before(*asked.to + std::chrono::days(1)) : asked.at.n;
    return {first, std::min(end, asked.at.n)};
}

} // namespace

report amendments(const report_question& asked)
{
    report made;
    made.title = "Register amendments";
    made.columns = {
        {"pupil", "Pupil"},
        {"date", "Date"},
        {"session", "Session"},
        {"original", "Original"},
        {"amended", "Amended"},
        {"learned_after", "Last read without it"},
        {"learned_by", "First read with it"},
        {"reason", "Reason"},
        {"amended_on", "Amended on"},
        {"name", "By"},
        {"position", "Position"},
        {"original_entry", "Original entry", true},
        {"amended_entry", "Amended entry", true},
    };
    made.notes = {
        "The register is the school's own, in its management system; this lists what Rollbook saw change in it.",
        "A mark was changed between the last read without the change and the first read with it.",
    };
    const auto [first, end] = entries_of(asked);
    if (first >= end) return made;
    asked.at.reader.mark_changes(first, end, [&](const mark_change& change) {
        const auto amended = mark_at(asked.at.reader, change.after);
        if (!amended) return true;
        const auto original = mark_at(asked.at.reader, change.before);
        if (original && (original->says_the_same(*amended) || (original->is_first() && original->is_unrecorded())))
            return true;
        const json_view root = amended->root();
        const json_view told = root["amendment"];
        made.rows.push_back(
            {asked.reference(static_cast<entry_index>(root["pupil"].int_if().value_or(0))),
             std::string(text_in(root, "date")),
             std::string(text_in(root, "session")),
             original ? original->text() : "erased",
             amended->text(),
             clock(text_in(root, "learned_after"), asked.at.zone),
             clock(text_in(root, "learned_by"), asked.at.zone),
             supplied(words_told(asked, std::string(text_in(told, "reason")))),
             supplied(text_in(told, "on")),
             supplied(text_in(told, "name")),
             supplied(text_in(told, "position")),
             std::to_string(change.before),
             std::to_string(change.after)}
        );
        return true;
    });
    return made;
}

} // namespace rollbook
