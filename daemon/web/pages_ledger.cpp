// What the auditor and the technician look at: findings, statements, sources, the ledger, accounts.

#include "daemon/base/json.hpp"
#include "daemon/base/ledger_entry.hpp"
#include "daemon/cases/silence.hpp"
#include "daemon/views/verification.hpp"
#include "daemon/web/parts.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

constexpr std::size_t list_rows_max = 200;
constexpr std::size_t entries_shown = 50;
constexpr entry_index entries_looked_at_max = 5'000; // in search of those: a page is asked for the rest

struct finding_row {
    entry_index id = no_entry;
    entry_index version = no_entry;
    few_text kind;
};

// Those that the reader sees, the newest first. Which they are is told without reading each again: a page shows few.
std::vector<finding_row> findings_of(const page_request& of, bool with_closed)
{
    std::vector<finding_row> rows;
    of.at.reader.things_unread(what::finding, of.at.n, [&](const thing_view& each) {
        if (each.gone && !with_closed) return true;
        if (auto seen = seen_finding(of, each.entry)) rows.push_back({each.subject, each.entry, seen->kind});
        return true;
    });
    std::ranges::reverse(rows);
    return rows;
}

void write_finding_row(json_writer& out, const page_request& of, const finding_row& row)
{
    std::optional<opened_entry> opened;
    of.at.reader.entries(row.version, row.version + 1, [&](const entry_view& entry) {
        opened = open_entry(entry);
        return false;
    });
    if (!opened) return;
    const opened_entry& each = *opened;
    out.begin_object();
    write_text_or_null(out, "closed_at", each.text("closed_at"));
    out.key("evidence").begin_array();
    each.root()["evidence"].for_each_element([&](json_view index) {
        if (const auto number = index.int_if()) out.value(*number);
    });
    out.end_array();
    out.member("explanation", each.text("explanation"));
    out.member("id", row.id);
    out.member("kind", each.text("kind"));
    out.member("open", each.text("state") == "open");
    write_text_or_null(out, "opened_at", each.text("opened_at"));
    if (const entry_index pupil = each.index("pupil"); pupil != no_entry) {
        out.key("pupil");
        write_person(out, of, pupil);
    }
    out.member("state", each.text("state"));
    out.end_object();
}

void write_kinds(json_writer& out, const std::vector<finding_row>& all, std::string_view chosen)
{
    std::map<std::string_view, int> kinds;
    for (const finding_row& each : all)
        ++kinds[each.kind];
    out.key("kinds").begin_array();
    for (const auto& [kind, count] : kinds)
        out.begin_object().member("chosen", kind == chosen).member("count", count).member("name", kind).end_object();
    out.end_array();
}

// What a source, or a member of staff, wrote of a pupil in words of their own.
bool may_name_somebody(std::string_view key)
{
    constexpr std::array<std::string_view, 5> known = {"fields", "comment", "amendment", "outcome_text", "text"};
    return std::ranges::find(known, key) != known.end();
}

// What an entry's payload says, for people: one pair a member; the fields of a source's record one by one.
void write_payload(json_writer& out, const page_request& of, const opened_entry& each)
{
    const auto text_of_value = [](json_view value) {
        if (const auto text = value.string_if()) return plain(*text);
        std::string text;
        json_writer writer(text);
        value.write_canonical(writer);
        return text;
    };
    const auto pair = [&](std::string_view key, const std::string& value) {
        out.begin_object().member("key", key).member("value", value).end_object();
    };
    const bool is_silence = each.text("name").starts_with(silence_prefix);
    out.key("members").begin_array();
    each.root().for_each([&](std::string_view key, json_view value) {
        if (is_silence && key == "value")
            return value.for_each([&](std::string_view name, json_view field) {
                const bool is_told = name != "reason" || sees_name(of, each.pupil());
                pair(name, is_told ? text_of_value(field) : "held, not shown");
            });
        if (!may_name_somebody(key)) return pair(key, text_of_value(value));
        // What a source said of a pupil is for those who work with pupils.
        if (!sees_name(of, each.pupil())) {
            std::string names;
            value.for_each([&](std::string_view name, json_view) {
                names.append(names.empty() ? "" : ", ").append(name);
            });
            return pair(key, names.empty() ? "held, not shown" : names + " (held, not shown)");
        }
        if (!value.is_object()) return pair(key, text_of_value(value));
        value.for_each([&](std::string_view name, json_view field) { pair(name, text_of_value(field)); });
    });
    out.end_array();
}

void write_entry_row(json_writer& out, const page_request& of, const opened_entry& each)
{
    const entry_index pupil = each.pupil();
    out.begin_object();
    out.member("erased", !each.payload.has_value());
    out.member("index", each.entry.index);
    out.member("kind", to_text(each.entry.kind));
    write_text_or_null(out, "pupil", pupil == no_entry ? "" : reference_of(of.everyone.person_of(pupil)));
    out.member("recorded_at", format_instant(each.entry.recorded_at));
    write_text_or_null(out, "source", each.text("source"));
    write_text_or_null(out, "what", each.text("what"));
    out.end_object();
}

// False where the entry is not of the kind asked for; to say so takes no parsing.
bool may_be(const entry_view& entry, std::string_view kind)
{
    return kind.empty() || to_text(entry.kind) == kind || entry.payload.find(kind) != std::string_view::npos;
}

// Entries below `before`, the newest first, that the reader may see and that are of the kind asked for. Gives where to
// go on; empty: there are no more.
std::optional<entry_index>
write_entries(json_writer& out, const page_request& of, entry_index before, std::string_view kind)
{
    const entry_index lowest = before > entries_looked_at_max ? before - entries_looked_at_max : 0;
    std::size_t shown = 0;
    out.begin_array();
    while (before > lowest && shown < entries_shown) {
        const entry_index from = before - std::min<entry_index>(before - lowest, 200);
        std::vector<std::pair<entry_index, std::string>> rows;
        of.at.reader.entries(from, before, [&](const entry_view& entry) {
            if (!may_be(entry, kind)) return true;
            const opened_entry each = open_entry(entry);
            if ((kind.empty() || each.text("what") == kind || to_text(entry.kind) == kind) && sees_entry(of, each)) {
                std::string row;
                json_writer writer(row);
                write_entry_row(writer, of, each);
                rows.emplace_back(entry.index, std::move(row));
            }
            return true;
        });
        before = from;
        for (auto each = rows.rbegin(); each != rows.rend(); ++each) {
            if (shown == entries_shown) {
                before = each->first + 1;
                break;
            }
            const auto parsed = json_document::parse(each->second);
            parsed->root().write_canonical(out);
            ++shown;
        }
    }
    out.end_array();
    return before > 0 ? std::optional(before) : std::nullopt;
}

void write_verification(json_writer& out, const verify_standing& now)
{
    out.begin_object();
    out.member("all", now.all);
    out.member("done", now.done);
    write_instant(out, "ended_at", now.ended_at);
    write_text_or_null(out, "failed", now.failed);
    if (now.all > 0) out.member("percent", now.done * 100 / now.all);
    if (now.report) {
        out.member("ok", now.report->ok());
        write_problems(out, now.report->problems);
        out.member("root", to_hex(now.report->root));
    }
    out.member("running", now.is_running);
    if (now.report) out.member("size", now.report->size);
    out.end_object();
}

// The kinds of entry that a list can be cut down to.
constexpr what listed_kinds[] = {
    what::session_mark,
    what::pupil,
    what::incident,
    what::suspension,
    what::concern,
    what::link,
    what::finding,
    what::alert,
    what::delivery,
    what::settings,
    what::access,
    what::statement,
    what::erasure};

} // namespace

result<page_model> make_findings(const page_request& of)
{
    const bool all = of.query("state") == "all";
    const std::string_view kind = of.query("kind");
    const std::vector<finding_row> of_every_kind = findings_of(of, all);
    std::vector<const finding_row*> rows;
    for (const finding_row& each : of_every_kind)
        if (kind.empty() || each.kind == kind) rows.push_back(&each);
    const bool is_cut = of.target.form == page_form::html && rows.size() > list_rows_max;
    page_model page;
    page.page = "findings";
    page.title = "Findings";
    page.json = model_json([&](json_writer& out) {
        out.member("all", all);
        out.member("cut", is_cut);
        out.key("findings").begin_array();
        for (std::size_t i = 0; i < (is_cut ? list_rows_max : rows.size()); ++i)
            write_finding_row(out, of, *rows[i]);
        out.end_array();
        write_kinds(out, of_every_kind, kind);
        out.member("total", rows.size());
    });
    page.rows = "findings";
    page.columns = {
        {"Finding", "id"},
        {"Kind", "kind"},
        {"State", "state"},
        {"Pupil", "pupil.ref"},
        {"Name", "pupil.name"},
        {"Opened", "opened_at"},
        {"Closed", "closed_at"},
        {"What", "explanation"},
        {"Entries", "evidence"},
    };
    return page;
}

result<page_model> make_statements(const page_request& of)
{
    constexpr auto span = std::chrono::hours(24 * 7);
    std::vector<statement_row> rows;
    of.at.reader.statements(of.at.now - span, of.at.now, of.at.n, [&](const statement_row& row) {
        // Who sees no pupil keeps the systems running, and needs every count.
        if (!sees_pupils(of.reader) || sees_record(of, row.record, row.source)) rows.push_back(row);
        return true;
    });
    std::ranges::reverse(rows);
    const bool only_news = of.query("all").empty();
    if (only_news) std::erase_if(rows, [](const statement_row& row) { return row.nothing_new() && row.balanced; });
    const bool is_cut = of.target.form == page_form::html && rows.size() > list_rows_max;
    if (is_cut) rows.resize(list_rows_max);
    page_model page;
    page.page = "statements";
    page.title = "Statements";
    page.json = model_json([&](json_writer& out) {
        out.member("all", !only_news);
        out.member("cut", is_cut);
        out.key("statements").begin_array();
        for (const statement_row& each : rows)
            write_statement(out, each);
        out.end_array();
    });
    page.rows = "statements";
    page.columns = {
        {"Read at", "at"},
        {"Source", "source"},
        {"Record", "record"},
        {"Read", "read"},
        {"New", "new"},
        {"Changed", "changed"},
        {"Unchanged", "unchanged"},
        {"Duplicate", "duplicate"},
        {"Quarantined", "quarantined"},
        {"Vanished", "vanished"},
        {"Tombstoned", "tombstoned"},
        {"Leavers", "leavers"},
        {"Out of scope", "out_of_scope"},
        {"Restored", "restored"},
        {"Outside window", "outside_window"},
        {"Source total", "source_total"},
        {"Balanced", "balanced"},
        {"Not read", "not_read"},
    };
    return page;
}

result<page_model> make_ledger(const page_request& of)
{
    const std::string_view kind = of.query("what");
    const entry_index before = std::min<entry_index>(of.number("before").value_or(of.at.n), of.at.n);
    const auto checkpoint = of.at.reader.newest_checkpoint();
    page_model page;
    page.page = "ledger";
    page.title = "Ledger";
    page.json = model_json([&](json_writer& out) {
        if (checkpoint) {
            out.key("checkpoint").begin_object();
            out.member("at", format_instant(checkpoint->at));
            out.member("note", checkpoint->note).member("size", checkpoint->size).end_object();
        }
        std::optional<entry_index> next;
        if (sees_pupils(of.reader)) {
            out.key("entries");
            next = write_entries(out, of, before, kind);
        }
        out.key("kinds").begin_array();
        for (const what each : listed_kinds) {
            out.begin_object().member("chosen", name_of(each) == kind).member("name", name_of(each)).end_object();
        }
        out.end_array();
        if (next) out.member("next", *next);
        out.member("origin", of.at.reader.origin());
        out.member("size", of.at.n);
        out.member("takes_openings", of.reader == role::auditor);
        out.key("verification");
        write_verification(out, of.verification);
        write_text_or_null(out, "what", kind);
    });
    page.rows = "entries";
    page.columns = {
        {"Entry", "index"},
        {"Recorded", "recorded_at"},
        {"Kind", "kind"},
        {"What", "what"},
        {"Source", "source"},
        {"Pupil", "pupil"},
    };
    return page;
}

result<page_model> make_entry(const page_request& of)
{
    if (of.id >= of.at.n) return no_such_page();
    page_model page;
    bool found = false;
    of.at.reader.entries(of.id, of.id + 1, [&](const entry_view& entry) {
        const opened_entry each = open_entry(entry);
        if (!sees_entry(of, each)) return false;
        found = true;
        const entry_index pupil = each.pupil();
        if (pupil != no_entry) page.shown.push_back(of.everyone.person_of(pupil));
        const auto checkpoint = of.at.reader.newest_checkpoint();
        page.json = model_json([&](json_writer& out) {
            out.member("commitment", to_hex(entry.commitment));
            out.member("erased", !each.payload.has_value());
            out.member("index", entry.index);
            out.member("kind", to_text(entry.kind));
            std::string leaf;
            append_leaf(leaf, entry.index, entry.kind, entry.recorded_at, entry.commitment);
            out.member("leaf", leaf);
            write_payload(out, of, each);
            out.member("proven", checkpoint && entry.index < checkpoint->size);
            if (pupil != no_entry) {
                out.key("pupil");
                write_person(out, of, pupil);
            }
            out.member("recorded_at", format_instant(entry.recorded_at));
            if (const entry_index was = each.index("replaces"); was != no_entry) out.member("replaces", was);
            write_text_or_null(out, "source", each.text("source"));
            write_text_or_null(out, "what", each.text("what"));
        });
        return false;
    });
    if (!found) return no_such_page();
    page.page = "entry";
    page.title = "Entry " + std::to_string(of.id);
    page.rows = "members";
    page.columns = {{"Member", "key"}, {"Value", "value"}};
    return page;
}

result<page_model> make_sources(const page_request& of)
{
    page_model page;
    page.page = "sources";
    page.title = "Sources";
    page.json = model_json([&](json_writer& out) {
        // They count safeguarding, too.
        const bool counts_all = of.reader == role::admin || allowed_to(of.reader) == visibility::everything();
        if (counts_all) {
            const outbox_counts outbox = of.at.reader.outbox();
            out.key("outbox").begin_object().member("failed", outbox.failed).member("waiting", outbox.waiting);
            out.end_object().member("quarantined", of.at.reader.quarantined());
        }
        out.key("sources").begin_array();
        for (const auto& [source, state] : states_of(of.at)) {
            const bool is_stale = state.data_as_of && of.at.now - *state.data_as_of > source->stale_after;
            out.begin_object();
            if (state.data_as_of) out.member("age", age_text(of.at.now - *state.data_as_of));
            out.member("connector", source->connector);
            write_instant(out, "data_as_of", state.data_as_of);
            write_text_or_null(out, "error", state.error);
            write_text_or_null(out, "error_to_do", state.error_to_do);
            write_instant(out, "last_attempt", state.last_attempt);
            write_instant(out, "last_success", state.last_success);
            out.member("name", state.source);
            write_day(out, "newest_day", state.newest_day);
            out.member("ok", is_ok(state));
            out.member("role", source->role == source_role::mis ? "MIS" : "safeguarding");
            out.member("stale", is_stale);
            out.end_object();
        }
        out.end_array();
    });
    page.rows = "sources";
    page.columns = {
        {"Source", "name"},
        {"Role", "role"},
        {"Connector", "connector"},
        {"Well", "ok"},
        {"Last success", "last_success"},
        {"Data as of", "data_as_of"},
        {"Newest day", "newest_day"},
        {"Error", "error"},
    };
    return page;
}

result<page_model> make_accounts(const page_request& of)
{
    page_model page;
    page.page = "accounts";
    page.title = "Accounts";
    page.json = model_json([&](json_writer& out) {
        out.key("accounts").begin_array();
        for (const account& each : of.accounts) {
            out.begin_object();
            write_text_or_null(out, "body", each.body);
            out.member("by_sign_on", !of.at.config.web.identity_header.empty());
            write_day(out, "from", each.first_day);
            out.member("name", each.name);
            out.member("needs_scope", each.kept_to() && each.scope.is_empty());
            write_text_or_null(out, "person", each.person);
            write_text_or_null(out, "purpose", each.purpose);
            out.member("ready", each.is_set_up());
            out.member("role", name_of(each.role));
            out.member("scope", to_text(each.scope));
            out.member("sees_pupils", sees_pupils(each.role));
            write_day(out, "to", each.last_day);
            out.end_object();
        }
        out.end_array();
    });
    page.rows = "accounts";
    page.columns = {
        {"Account", "name"},
        {"Role", "role"},
        {"Set up", "ready"},
        {"Scope", "scope"},
        {"Person", "person"},
        {"Body", "body"},
        {"Purpose", "purpose"},
        {"From", "from"},
        {"To", "to"}};
    return page;
}

} // namespace rollbook
