#include "daemon/base/error.hpp"
#include "daemon/base/json.hpp"
#include "daemon/base/utf8.hpp"
#include "daemon/cases/action.hpp"
#include "daemon/cases/marker.hpp"
#include "daemon/cases/meeting.hpp"
#include "daemon/cases/opened_pupil.hpp"
#include "daemon/cases/silence.hpp"
#include "daemon/delivery/delivery_report.hpp"
#include "daemon/domain/calendar.hpp"
#include "daemon/domain/case_facts.hpp"
#include "daemon/reconcile/narrative.hpp"
#include "daemon/reconcile/payload.hpp"
#include "daemon/rules/alert.hpp"
#include "daemon/service/control.hpp"
#include "tests/fuzz/readers.hpp"
#include "tests/support/hashes.hpp"

#include <algorithm>

namespace rollbook::fuzz {
namespace {

// An entry that is made of what was read can be stored, and stands for the row that it was drafted with.
void check_draft(const draft& made, entry_index own)
{
    ROLLBOOK_ENSURE(is_valid_utf8(made.payload));
    const auto row = project(made.payload, own, support::plain_digest);
    ROLLBOOK_ENSURE(row.has_value());
    const auto& is = std::get<thing_version>(*row);
    const auto& drafted = std::get<thing_version>(made.row);
    ROLLBOOK_ENSURE(is.kind == drafted.kind && is.key == drafted.key && is.source == drafted.source);
    ROLLBOOK_ENSURE(is.subject == drafted.subject && is.pupil == drafted.pupil && is.gone == drafted.gone);
    ROLLBOOK_ENSURE(is.replaces == drafted.replaces);
}

// What is read of an entry, written as the next version of the same thing, and read again, says the same. `write` gives
// an entry that replaces the one before `own`.
template <class Read, class Write>
void check_versions(std::string_view payload, entry_index own, Read read, Write write)
{
    const auto first = read(payload, own);
    if (!first) return;
    const draft made = write(*first);
    check_draft(made, own);
    const auto second = read(made.payload, own);
    ROLLBOOK_ENSURE(second.has_value());
    ROLLBOOK_ENSURE(write(*second).payload == made.payload);
}

void check_cases(std::string_view payload, entry_index own)
{
    // Whatever an entry says, it cannot come before the entry that it replaces.
    const auto replacing = [own](auto value) {
        value.latest = own - 1;
        if (value.id >= own) value.id = no_entry;
        return value;
    };
    check_versions(payload, own, parse_action_payload, [&](const auto& v) { return action_entry(replacing(v)); });
    check_versions(payload, own, parse_marker, [&](const auto& v) { return marker_entry(replacing(v), own); });
    check_versions(payload, own, parse_silence, [&](const auto& v) { return silence_entry(replacing(v), own); });
    const auto meeting = [](std::string_view text, entry_index) { return parse_meeting(text); };
    check_versions(payload, own, meeting, [](const auto& v) { return meeting_entry(v, nullptr); });
    const auto opened = [](std::string_view text, entry_index) { return parse_opened(text); };
    check_versions(payload, own, opened, [](const auto& v) { return opened_entry_of(v, nullptr); });
    check_versions(payload, own, parse_alert_payload, [&](const alert& value) {
        const alert next = replacing(value);
        held_thing before;
        before.subject = next.id;
        before.entry = next.latest;
        return alert_entry(next, own, next.id == no_entry ? nullptr : &before);
    });
}

} // namespace

void read_control(std::string_view bytes)
{
    const auto request = parse_request(bytes);
    if (!request) return;
    const std::string line = to_line(*request);
    ROLLBOOK_ENSURE(is_valid_utf8(line) && line.find('\n') == line.size() - 1);
    const auto again = parse_request(line);
    ROLLBOOK_ENSURE(again && again->command == request->command && to_line(*again) == line);
    if (request->command == control_request::kind::access) {
        const access_record& seen = request->access;
        check_draft(access_entry(seen.user, seen.pupil, seen.view, seen.reason, instant(), 7), 7);
    }
}

void read_mail(std::string_view bytes)
{
    const auto found = delivery::parse_delivery_report(bytes);
    if (!found) return;
    // It is compared with what was sent, and shown: nothing in it but what an id and a status are made of.
    const auto printable = [](char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7F; };
    ROLLBOOK_ENSURE(found->id.size() <= 200 && found->id.starts_with('<') && found->id.ends_with('>'));
    ROLLBOOK_ENSURE(std::ranges::all_of(found->id, printable));
    ROLLBOOK_ENSURE(found->status.size() <= 11 && std::ranges::count(found->status, '.') == 2);
    ROLLBOOK_ENSURE(found->status.find_first_not_of("0123456789.") == std::string::npos);
    outbox_message sent;
    sent.content.id = "<alert-12.letter.lead@example.sch.uk>";
    check_draft(returned_entry(sent, found->status, instant()), 7);
    // A relay in between may put fields of its own on top.
    const auto passed_on =
        delivery::parse_delivery_report("Received: by relay\r\n\twith ESMTP\r\n" + std::string(bytes));
    ROLLBOOK_ENSURE(passed_on && passed_on->id == found->id && passed_on->status == found->status);
}

void read_payload(std::string_view bytes)
{
    case_facts facts;
    for (entry_index own = 1; !bytes.empty(); ++own) {
        const std::string_view payload = bytes.substr(0, bytes.find('\n'));
        bytes.remove_prefix(std::min(bytes.size(), payload.size() + 1));
        check_cases(payload, own);
        if (const auto calendar = school_calendar::from_json(payload)) {
            const std::string text = calendar->to_json();
            ROLLBOOK_ENSURE(school_calendar::from_json(text)->to_json() == text);
        }
        if (const auto words = read_unsealed(payload)) {
            const auto again = read_unsealed(unsealed_text(*words));
            ROLLBOOK_ENSURE(again && again->text == words->text && again->token == words->token);
        }
        const auto row = project(payload, own, support::plain_digest);
        if (!row) {
            ROLLBOOK_ENSURE(row.error().code == errc::ledger_in_doubt);
            continue;
        }
        if (const auto* thing = std::get_if<thing_version>(&*row)) facts.apply(own, *thing, payload);
    }
    for (const case_record& record : facts.records()) {
        std::size_t parts = 0;
        facts.for_each_part(record, [&](const case_part&) { ROLLBOOK_ENSURE(++parts <= facts.parts().size()); });
        for (const text_id id :
             {record.is->source, record.is->type, record.is->subtype, record.is->action, record.is->location})
            (void)facts.text(id);
    }
}

std::vector<std::string> control_seeds()
{
    return {
        R"({"allow_vanished":"mis","command":"poll","source":"mis"})",
        R"({"command":"access","pupil":12,"reason":"a call","user":"root","view":"pupil"})",
        R"({"command":"access","pupil":9007199254740993,"reason":"","user":"root","view":"pupil"})",
        R"({"command":"checkpoint","keep":"export"})",
        R"({"command":"checkpoint","lines":[{"key_id":1,"line":"l\n","name":"w","signed_at":1790000000}],"size":12})",
        R"({"basis":"request","by":"A","command":"erase","dry_run":false,"file":"","override":true,"pupil":3,"reason":"r","user":"u"})",
        R"({"body":"b","change":"add","command":"account","first_day":"2026-11-23","name":"ann","role":"auditor","scope":"year=8, form=9B","setup_hash":"00","successor":"x","user":"root"})",
        R"({"about":4711,"action":"call","command":"decide","decision":"act","due":"2026-11-23","on":"2026-11-23","outcome":"met","owner":"O","pupil":12,"text":"first\nsecond","user":"root"})"};
}

std::vector<std::string> mail_seeds()
{
    const std::string head =
        "From: MAILER-DAEMON\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n"
        "\tboundary=\"XX/9 b\"\r\n\r\nFor old readers.\r\n--XX/9 b\r\n\r\nYour mail...\r\n--XX/9 b\r\n"
        "content-type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay\r\n\r\n";
    const std::string failed =
        "Final-Recipient: rfc822;lead@example.sch.uk\r\nAction: failed\r\nStatus: 5.1.1 (no)\r\n";
    const std::string back = "\r\n--XX/9 b\r\nContent-Type: text/rfc822-headers\r\n\r\nmessage-id:\r\n"
                             " <alert-12.letter.lead@example.sch.uk>\r\nSubject: x\r\n\r\n--XX/9 b--\r\n";
    return {head + failed + back, head + "Action: delayed\n\n" + failed + back, "Content-Type: text/plain\n\nx"};
}

std::vector<std::string> payload_seeds()
{
    const std::string alert_text =
        R"("changed_at":"2026-11-20T14:05:00.250Z","evidence":[40,51],"opened_at":"2026-11-20T14:05:00.250Z","opened_for":{"as_of":"2026-11-20","read_at":"2026-11-20T14:05:00.000"},"pupil":12,"reason":"10 sessions.",)";
    const std::string alert_rest =
        R"("rule":"penalty-notice","rule_version":"a1b2","stage":"met","state":"open","threshold":10,"value":10,"what":"alert","window":{"from":"2026-09-14","to":"2026-11-20"}})";
    return {
        "{" + alert_text + alert_rest,
        "\n\n\n{\"alert\":1," + alert_text + R"("parts":{"absent":3,"possible":9},"replaces":2,)" + alert_rest,
        R"({"alert":3,"at":"2026-11-20T14:05:00.250Z","evidence":[1],"kind":"call","on":"2026-11-20","outcome":"no-answer","pupil":1,"state":"done","text":"t","user":"u","what":"action"})",
        R"({"at":"2026-11-20T14:05:00.250Z","evidence":[-1,9007199254740993],"kind":"note","on":"2026-11-20","pupil":1,"state":"done","user":"u","what":"action"})",
        R"({"name":"marker/1","pupil":0,"value":{"at":"2026-11-20T14:05:00.250Z","begun_at":"2026-11-20T14:05:00.250Z","by":"L","kind":"priority","reason":"plan","review":"2026-12-18","state":"standing","tell":"T","user":"u"},"what":"settings"})",
        R"({"name":"silence/1","pupil":0,"value":{"at":"2026-11-20T14:05:00.250Z","begun_at":"2026-11-20T14:05:00.250Z","by":"L","reason":"r","rule":"x","state":"standing","until":"2026-12-18","user":"u"},"what":"settings"})",
        R"({"name":"weekly-meeting","value":{"at":"2026-11-20T14:05:00.250Z","before":"2026-11-13","by":"L","on":"2026-11-20","user":"u"},"what":"settings"})"
        "\n"
        R"({"name":"opened/ann/12","pupil":12,"value":{"account":"ann","at":"2026-11-20T14:05:00.250Z","by":"L","reason":"r","state":"standing","user":"u"},"what":"settings"})",
        R"({"fields":{"categories":["A","B"],"external_ids":["1"],"incident_at":"2026-11-20T11:20","status":"open"},"id":"C1","source":"cpoms","what":"concern"})"
        "\n"
        R"({"fields":{"of":"concern","record":"C1","role":"victim"},"id":"C1/1","pupil":0,"source":"cpoms","what":"involvement"})"
        "\n"
        R"({"fields":{"from":"2026-11-20","from_session":"PM","kind":"suspension","sessions":3,"to":"2026-11-24"},"id":"S","pupil":0,"source":"mis","what":"suspension"})",
        R"({"code":"/","day":"2026-11-20","id":"m","minutes_late":3,"pupil":0,"raw":"/","session":"AM","source":"mis","statutory":"/","what":"session-mark"})",
        R"({"closed":[{"day":"2026-11-27","kind":"inset"}],"sessions":[{"closes":"09:15","from":"2026-09-01","name":"AM","opens":"08:45","settle":5}],"terms":[{"half_terms":[{"first_day":"2026-09-03","last_day":"2026-10-23"}],"name":"Autumn"}]})",
        R"({"text":"what was said","token":"t"})"};
}

} // namespace rollbook::fuzz
