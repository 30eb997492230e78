#include "daemon/service/decisions.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/events.hpp"
#include "daemon/cases/decide.hpp"
#include "daemon/service/commit.hpp"
#include "daemon/service/decision_notes.hpp"
#include "daemon/service/operator_messages.hpp"

#include <fmt/format.h>

namespace rollbook {
namespace {

result<upkeep_report> read_again(ledger& book, const decision_request& request, instant now)
{
    std::optional<stream_state> stream = book.stream(request.source, request.stream);
    if (!stream)
        return failure(
            errc::not_found, "the ledger knows no such stream of a source", "`rollbook quarantine list` names them."
        );
    stream->fingerprint = to_be_read_again;
    transaction t;
    t.streams.push_back(std::move(*stream));
    book.commit(t, now);

    upkeep_report report;
    report.lines.emplace_back("The next read of " + request.source + " reads all of it again.");
    json_writer out(report.json);
    out.begin_object().member("done", "retry").member("source", request.source).member("stream", request.stream);
    out.end_object();
    return report;
}

// What its route did not take goes out again, or no more. A mail that came back was taken, and stays what it is: its
// report still lies in the mailbox, and would be taken for news.
result<upkeep_report>
see_to_undelivered(ledger& book, const configuration& settings, const decision_request& request, instant now)
{
    using end = transaction::attempt_result::end;
    const bool again = request.kind == decision_kind::send_again;
    const std::vector<outbox_message> undelivered = book.undelivered_messages(request.source);
    // One that was taken out of the configuration may have left some.
    if (undelivered.empty() &&
        std::ranges::find(settings.routes, request.source, &route_configuration::name) == settings.routes.end())
        return no_route(request.source);
    transaction t;
    for (const outbox_message& m : undelivered)
        if (!again || !m.last_error.starts_with(came_back))
            t.attempts.push_back({m.number, again ? end::again : end::replaced, now, m.last_error});
    book.commit(t, now);
    const std::size_t messages = t.attempts.size();
    if (!again) log_event(event::messages_settled, request.source, messages, request.user);

    upkeep_report report;
    report.lines.push_back(fmt::format(
        "Messages that the route {} had not taken, and that {}: {}.",
        request.source,
        again ? "go out again" : "are sent no more",
        messages
    ));
    json_writer out(report.json);
    out.begin_object().member("done", decision_words[static_cast<std::size_t>(request.kind)]);
    out.member("messages", messages).member("route", request.source).end_object();
    return report;
}

} // namespace

failure no_route(const std::string& name)
{
    return failure(errc::usage, "the configuration has no route \"" + name + "\"", "Name a [[route]] by its name.");
}

result<upkeep_report>
take_decision(ledger& book, const configuration& settings, const decision_request& request, instant now)
{
    if (request.kind == decision_kind::retry_quarantine) return read_again(book, request, now);
    if (request.kind == decision_kind::send_again || request.kind == decision_kind::settle_route)
        return see_to_undelivered(book, settings, request, now);
    const time_zone zone = time_zone::named(settings.school.timezone).value_or(time_zone::utc());
    auto decided = decide(book.state(), settings, request, book.size(), day_of(zone.to_local(now)), now);
    if (!decided) return decided.error();
    if (decided->entry) {
        transaction t;
        // A decision says who and why, of an alert as it stands: what its value has become since its last version stays
        // with it.
        const auto* version = std::get_if<thing_version>(&decided->entry->row);
        if (version && version->kind == what::alert)
            if (auto kept = book.value_of(version->subject); kept && kept->size > version->replaces)
                t.values.push_back(std::move(*kept));
        t.messages = decision_notes(settings, book.state(), *decided->entry, book.size(), now);
        t.entries.push_back(std::move(*decided->entry));
        commit_and_apply(book, t, now);
        book.sign_checkpoint(now);
    }
    return std::move(decided->report);
}

} // namespace rollbook
