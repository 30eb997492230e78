#pragma once

#include "daemon/ports/ledger_proofs.hpp"
#include "tests/support/ledger_folder.hpp"
#include "tests/support/school.hpp"

namespace rollbook::support {

inline digester digest_of(const ledger& book)
{
    return [&book](std::string_view text) { return book.digest(text); };
}

// A draft whose row is what its payload says, as every writer's must be.
inline draft
written(const ledger& book, const std::string& payload, entry_index index, entry_kind kind = entry_kind::record)
{
    return draft(kind, payload, project(payload, index, digest_of(book)).value());
}

inline draft
pupil_draft(const ledger& book, const std::string& source, const std::string& id, const std::string& fields)
{
    const reported_record record(what::pupil, id, id, fields);
    thing_version row;
    row.kind = what::pupil;
    row.source = source;
    row.key = id;
    row.digest = book.digest(fields);
    return record_entry(record, std::move(row), learned{std::nullopt, noon(), true});
}

inline draft mark_draft(
    const ledger& book,
    session_id session,
    entry_index pupil,
    std::string_view code,
    const std::string& id,
    entry_index replaces = no_entry
)
{
    reported_mark mark;
    mark.source_id = id;
    mark.session = session;
    mark.raw = code;
    mark.statutory = code;
    mark_version row;
    row.session = session;
    row.pupil = pupil;
    row.source = "mis";
    row.raw = code;
    row.statutory = code;
    row.digest = mark_digest(digest_of(book), id, {}, {});
    row.replaces = replaces;
    return mark_entry(mark, std::move(row), learned{std::nullopt, noon(), true});
}

inline draft gone_draft(session_id session, entry_index pupil, entry_index replaces)
{
    mark_version row;
    row.session = session;
    row.pupil = pupil;
    row.source = "mis";
    row.replaces = replaces;
    return mark_gone_entry(std::move(row), learned{noon(), noon(5), false}, "vanished");
}

// The least an entry can say: a setting of its own name.
inline draft tiny_draft(entry_index number)
{
    return setting_entry(std::to_string(number), "0", nullptr);
}

inline outbox_message message_to(const std::string& route, const std::string& id, entry_index alert = no_entry)
{
    outbox_message m;
    m.content.id = id;
    m.content.subject = "subject of " + id;
    m.content.text = "text\n";
    m.content.json = "{}";
    m.content.type = "alert.opened";
    m.content.made_at = noon();
    m.alert = alert;
    m.stage = "letter";
    m.route = route;
    return m;
}

// Some of everything: entries 1 and 2 are pupils, 3 to 6 marks, 7 the second version of 3, 8 the end of 4, 9 a finding,
// 10 its end, 11 a setting; with a statement, a quarantined row, two messages and how source and stream stand.
inline void fill(ledger& book)
{
    const civil_day day = ymd(2026, 9, 14);
    transaction t;
    t.entries.push_back(pupil_draft(book, "mis", "A1", R"({"forename":"Ada","upn":"G990000126001"})"));
    t.entries.push_back(pupil_draft(book, "mis", "A2", R"({"forename":"Bo"})"));
    t.entries.push_back(mark_draft(book, am(day), 1, "N", "M1"));
    t.entries.push_back(mark_draft(book, pm(day), 1, "/", "M2"));
    t.entries.push_back(mark_draft(book, am(day), 2, "\\", "M3"));
    t.entries.push_back(mark_draft(book, pm(day), 2, "Q9", "M4"));
    statement_row row;
    row.at = noon(1);
    row.source = "mis";
    row.record = what::session_mark;
    row.read = 4;
    row.fresh = 4;
    row.held = 4;
    row.source_total = 4;
    t.statements.push_back(row);
    quarantined_row bad;
    bad.at = noon(1);
    bad.source = "mis";
    bad.record = what::session_mark;
    bad.stream = "marks";
    bad.page = 2;
    bad.position = 17;
    bad.reason = "no pupil";
    bad.row = "{}";
    t.quarantined.push_back(bad);
    source_state source;
    source.source = "mis";
    source.first_closed_at = noon(1);
    source.last_attempt = noon(2);
    source.last_success = noon(1);
    source.data_as_of = noon(-5);
    source.newest_day = day;
    source.statement_day = day;
    source.error = "the source did not answer";
    source.error_to_do = "wait";
    source.error_class = "unreachable";
    t.sources.push_back(source);
    stream_state stream;
    stream.source = "mis";
    stream.stream = "marks";
    stream.fingerprint = "f1";
    stream.windows = {{day, noon(2)}, {std::nullopt, noon(1)}};
    t.streams.push_back(stream);
    commit_and_apply(book, t, noon(1));
    // All three checkpoints stay, although they are of one day.
    book.checkpoints().keep(book.checkpoints().proofs().newest()->size, keep_reason::exported, noon(1)).value();
    book.sign_checkpoint(noon(1));
    book.checkpoints().keep(book.size(), keep_reason::exported, noon(1)).value();

    transaction changes;
    changes.entries.push_back(mark_draft(book, am(day), 1, "I", "M1", 3));
    changes.entries.push_back(gone_draft(pm(day), 1, 4));
    changes.entries.push_back(written(
        book,
        R"({"evidence":[6],"explanation":"e","key":"mark-unmapped/mis/2026-09-14/PM/2","kind":"mark-unmapped",)"
        R"("opened_at":"2026-09-14T12:00:00.000Z","pupil":2,"sources":["mis"],"state":"open",)"
        R"("subject":{"id":"A2","source":"mis"},"what":"finding"})",
        9
    ));
    changes.entries.push_back(written(
        book,
        R"({"closed_at":"2026-09-14T12:05:00.000Z","evidence":[6],"explanation":"e","finding":9,)"
        R"("key":"mark-unmapped/mis/2026-09-14/PM/2","kind":"mark-unmapped","opened_at":"2026-09-14T12:00:00.000Z",)"
        R"("pupil":2,"replaces":9,"sources":["mis"],"state":"closed","subject":{"id":"A2","source":"mis"},)"
        R"("what":"finding"})",
        10
    ));
    changes.entries.push_back(setting_entry("rules", "[]", nullptr));
    changes.messages.push_back(message_to("lead", "<a@example>", 9));
    changes.messages.push_back(message_to("lead", "<b@example>", 9));
    commit_and_apply(book, changes, noon(5));
    book.sign_checkpoint(noon(5));
}

inline signing_key example_witness()
{
    return signing_key("auditor.example/w", key_kind::witness, seed_of(9));
}

// The newest checkpoint signed by the example's witness too.
inline void cosign_newest(ledger& book)
{
    const kept_checkpoint newest = book.checkpoints().proofs().newest().value();
    const signing_key witness = example_witness();
    constexpr std::uint64_t at = 1'789'000'000;
    const std::string line = witness.cosign(parse_note(newest.note).value().text, at);
    const cosignature kept{line, witness.verifier().name, witness.verifier().id, at};
    book.checkpoints().cosign(newest.size, {kept}, noon(6)).value();
}

} // namespace rollbook::support
