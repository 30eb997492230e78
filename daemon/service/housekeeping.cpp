#include "daemon/service/housekeeping.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/events.hpp"
#include "daemon/base/json.hpp"
#include "daemon/reconcile/housekeeping_entries.hpp"
#include "daemon/reconcile/payload.hpp"
#include "daemon/service/closing.hpp"
#include "daemon/service/commit.hpp"
#include "daemon/service/messages.hpp"

#include <fmt/format.h>

namespace rollbook {
namespace {

constexpr std::chrono::days between_drills{30};
constexpr std::chrono::days drill_late_after{45};

std::optional<instant> past(const std::optional<instant>& at, instant now)
{
    return at && *at <= now ? at : std::nullopt;
}

time_zone zone_of(const configuration& settings)
{
    return time_zone::named(settings.school.timezone).value_or(time_zone::utc());
}

civil_day local_day(const time_zone& zone, instant at)
{
    return day_of(zone.to_local(at));
}

// The newest checkpoint, and the proof that it extends the one mailed before: together what a witness is sent.
witness_request to_be_mailed(const ledger_proofs& proofs, const kept_checkpoint& newest)
{
    witness_request body;
    body.checkpoint_note = newest.note;
    const auto before = proofs.last_kept(keep_reason::mailed);
    if (!before) return body;
    body.old_size = before->size;
    body.proof = proofs.consistency(before->size, newest.size).value();
    return body;
}

outbox_message checkpoint_mail(
    const configuration& settings,
    const message_setting& shared,
    const kept_checkpoint& newest,
    const witness_request& body
)
{
    outbox_message m;
    m.route = checkpoint_route;
    m.stage = std::to_string(newest.size);
    m.content.type = "checkpoint";
    m.content.id = fmt::format("<checkpoint-{}@{}>", newest.size, shared.domain);
    m.content.subject = fmt::format("Checkpoint {} of {}", newest.size, settings.ledger.origin);
    m.content.text = fmt::format(
        "{}This is the newest signed checkpoint of the ledger {}, with the proof that it\n"
        "extends the one mailed before it (size {}; 0: this is the first).\n\n"
        "Keep this mail as it is. It holds nothing about any pupil. Whoever checks the ledger\n"
        "later gives it to `rollbook ledger verify --checkpoint FILE`: a ledger that was cut\n"
        "back or changed since cannot pass.\n\n",
        shared.simulated ? "SIMULATION.\n" : "",
        settings.ledger.origin,
        body.old_size
    );
    m.content.text += format_witness_request(body);
    json_writer out(m.content.json);
    out.begin_object().member("checkpoint", newest.note).member("type", "checkpoint").end_object();
    m.content.made_at = newest.at;
    return m;
}

void mail_newest(const configuration& settings, ledger& book, instant now)
{
    book.sign_checkpoint(now);
    checkpoint_book& checkpoints = book.checkpoints();
    const auto newest = checkpoints.proofs().newest();
    if (!newest) return;
    const message_setting shared = message_setting_of(settings, is_simulated(book.state()));
    transaction t;
    t.messages.push_back(checkpoint_mail(settings, shared, *newest, to_be_mailed(checkpoints.proofs(), *newest)));
    t.messages.back().content.made_at = now;
    // The message first: stopped in between, the next evening finds it there under the same id.
    book.commit(t, now);
    checkpoints.keep(newest->size, keep_reason::mailed, now).value();
}

} // namespace

result<void> change_checkpoint(ledger& book, const checkpoint_request& asked, instant now)
{
    checkpoint_book& checkpoints = book.checkpoints();
    if (!asked.keep) return checkpoints.cosign(asked.size, asked.lines, now);
    book.sign_checkpoint(now);
    const auto newest = checkpoints.proofs().newest();
    return checkpoints.keep(newest ? newest->size : 0, *asked.keep, now);
}

witness_standing standing_of(const configuration& settings, const ledger_proofs& proofs, instant now)
{
    witness_standing standing;
    if (!settings.witness) return standing;
    for (const std::string& text : settings.witness->vkeys) {
        const auto key = parse_vkey(text);
        const auto last = key ? proofs.last_of(*key) : std::nullopt;
        if (!last || (standing.signed_at && *standing.signed_at >= last->signed_at)) continue;
        standing.signed_at = last->signed_at;
        standing.size = last->size;
    }
    const auto since = standing.signed_at ? standing.signed_at : proofs.began();
    const auto limit = settings.witness->max_age;
    standing.overdue = limit.count() > 0 && since && now - *since > limit;
    return standing;
}

evening_work due_this_evening(
    const time_zone& zone,
    instant now,
    const std::optional<instant>& last_recorded,
    bool mails,
    const std::optional<instant>& last_mailed
)
{
    const local_instant local = zone.to_local(now);
    const civil_day today = day_of(local);
    if (local - local_instant(today) < evening_begins) return {};
    evening_work due;
    due.heartbeat = !last_recorded || local_day(zone, *last_recorded) < today;
    const auto mailed = past(last_mailed, now);
    due.mail = mails && (!mailed || local_day(zone, *mailed) < today);
    return due;
}

bool drill_is_due(const backup_standing& standing, instant now)
{
    if (const auto stopped = past(standing.drill_began, now)) return *stopped + between_drills <= now;
    const auto last = past(standing.drilled_at, now);
    return standing.drill_failed || !last || *last + between_drills <= now;
}

bool drill_is_overdue(const backup_standing& standing, instant now)
{
    const auto last = past(standing.drilled_at, now);
    const auto since = last ? last : past(standing.first_at, now);
    return since && *since + drill_late_after < now;
}

instant next_evening(const time_zone& zone, instant now)
{
    const civil_day today = local_day(zone, now);
    const instant tonight = zone.to_instant(local_instant(today) + evening_begins);
    return tonight > now ? tonight : zone.to_instant(local_instant(today + std::chrono::days(1)) + evening_begins);
}

void keep_house(const configuration& settings, ledger& book, instant now)
{
    note_clock(book, now);
    const bool mails = settings.witness && !settings.witness->mail_to.empty();
    const auto mailed = mails ? book.checkpoints().proofs().last_kept(keep_reason::mailed) : std::nullopt;
    const evening_work due = due_this_evening(
        zone_of(settings), now, book.last_recorded(), mails, mailed ? std::optional(mailed->at) : std::nullopt
    );
    if (due.heartbeat) {
        transaction t;
        t.entries.push_back(heartbeat_entry(now, book.size()));
        commit_and_apply(book, t, now);
        book.sign_checkpoint(now);
    }
    if (due.mail) mail_newest(settings, book, now);
}

void note_clock(ledger& book, instant now)
{
    constexpr std::chrono::seconds tolerance{2};
    const auto recorded = book.last_recorded();
    if (!recorded || now >= *recorded - tolerance) return;
    const held_thing* last = std::as_const(book.state()).things(what::settings).find("", "clock");
    if (last) {
        const auto told = json_document::parse(last->payload);
        const json_view value = told ? told->root()["value"] : json_view();
        const auto said = parse_instant(value["said"].string_if().value_or(""));
        const auto at = parse_instant(value["recorded"].string_if().value_or(""));
        // The clock goes on from where it jumped to: the same jump.
        if (said && at && *at == *recorded && now >= *said) return;
    }
    std::string value;
    json_writer out(value);
    out.begin_object().member("recorded", format_instant(*recorded)).member("said", format_instant(now)).end_object();
    transaction t;
    t.entries.push_back(setting_entry("clock", value, last));
    commit_and_apply(book, t, now);
    log_event(event::clock_went_back, std::chrono::duration_cast<std::chrono::seconds>(*recorded - now).count());
}

std::string witness_overdue_text(const configuration& settings, const witness_standing& standing)
{
    const auto days = settings.witness ? std::chrono::floor<std::chrono::days>(settings.witness->max_age).count() : 0;
    return event_text(event::witness_overdue, days, standing.size);
}

void log_missing_witness(const configuration& settings, ledger& book, instant now)
{
    const witness_standing standing = standing_of(settings, book.checkpoints().proofs(), now);
    if (standing.overdue) write_event(event::witness_overdue, witness_overdue_text(settings, standing));
}

} // namespace rollbook
