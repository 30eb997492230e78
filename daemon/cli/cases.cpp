#include "daemon/cli/cases.hpp"

#include "daemon/base/json.hpp"
#include "daemon/cases/silence.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/service/probe.hpp"
#include "daemon/views/people.hpp"

#include <algorithm>
#include <iostream>
#include <iterator>
#include <ostream>

namespace rollbook {
namespace {

constexpr std::size_t input_bytes_max = 100'000;

int decide_link(const command_io& io, const command_options& options, decision_kind kind)
{
    return with_ledger(io, options, [&](const workplace& at) {
        const people everyone(at);
        decision_request request;
        request.kind = kind;
        request.about = everyone.find_record(options.record).value();
        request.pupil =
            options.pupil.empty() ? everyone.person_of(request.about) : everyone.find(options.pupil).value();
        request.text = options.reason;
        if (request.pupil == request.about)
            throw failure_error(failure(
                errc::usage,
                "that record is linked to nobody",
                "Name the pupil that it is not, or is: `rollbook links list`."
            ));
        return carry_out(io, options, at.config, std::move(request));
    });
}

std::vector<silence> silences_at(const workplace& at)
{
    std::vector<silence> all;
    at.reader.things(what::settings, at.n, [&](const thing_view& each) {
        if (auto one = parse_silence(each.payload, each.entry)) all.push_back(std::move(*one));
        return true;
    });
    std::ranges::sort(all, {}, &silence::id);
    return all;
}

std::string_view state_of(const silence& each, civil_day today)
{
    if (each.ended == silence::end::by_person) return "ended";
    return each.stands_on(today) ? "standing" : "expired";
}

void write_silence(json_writer& out, const silence& each, std::string_view state)
{
    out.begin_object();
    out.member("begun_at", format_instant(each.begun_at));
    out.member("by", each.by);
    out.member("id", each.id).key("pupil");
    if (each.pupil == no_entry)
        out.null();
    else
        out.value(reference_of(each.pupil));
    out.member("reason", each.reason);
    write_text_or_null(out, "rule", each.rule);
    out.member("state", state);
    out.member("until", format_day(each.until));
    out.member("user", each.user);
    out.end_object();
}

std::vector<quarantined_view> quarantine_at(const workplace& at)
{
    std::vector<quarantined_view> rows;
    at.reader.quarantine([&](const quarantined_view& each) {
        rows.push_back(each);
        return true;
    });
    return rows;
}

quarantined_view quarantined_row_of(const workplace& at, entry_index id)
{
    for (const quarantined_view& each : quarantine_at(at))
        if (each.id == static_cast<std::int64_t>(id)) return each;
    throw failure_error(failure(
        errc::not_found,
        "no quarantined row has the id " + std::to_string(id),
        "`rollbook quarantine list` lists them; one that is read well is still listed."
    ));
}

void describe(json_view value, const std::string& name, std::string& out)
{
    if (value.is_object()) {
        value.for_each([&](std::string_view key, json_view each) {
            describe(each, (name.empty() ? "" : name + ".") + std::string(key), out);
        });
        return;
    }
    std::string text;
    json_writer canonical(text);
    value.write_canonical(canonical);
    out += (out.empty() ? "" : "; ") + name + ": " + masked_shape(value.string_if().value_or(text));
}

// The row's shape and nothing of what it says: names of fields where it has any, else its cells one by one.
std::string masked(const std::string& row)
{
    std::string out;
    if (const auto document = json_document::parse(row); document && document->root().is_object()) {
        describe(document->root(), "", out);
        return out;
    }
    for (std::size_t at = 0; at <= row.size();) {
        const std::size_t end = std::min(row.find_first_of(",;\t", at), row.size());
        out += masked_shape(std::string_view(row).substr(at, end - at));
        if (end < row.size()) out += row[end];
        at = end + 1;
    }
    return out;
}

void write_quarantined(json_writer& out, const quarantined_view& each, bool with_row)
{
    out.begin_object();
    out.member("first_seen", format_instant(each.first_seen));
    out.member("id", each.id);
    out.member("last_seen", format_instant(each.last_seen));
    out.member("page", each.page);
    out.member("position", each.position);
    out.member("reason", each.reason);
    out.member("record", name_of(each.record));
    if (with_row) out.member("row", masked(each.row));
    out.member("source", each.source);
    out.member("stream", each.stream);
    out.member("times", each.times);
    out.end_object();
}

} // namespace

std::string words_in(const std::string& text)
{
    if (text != "-") return text;
    std::string read(std::istreambuf_iterator<char>(std::cin), {});
    while (!read.empty() && (read.back() == '\n' || read.back() == '\r' || read.back() == ' '))
        read.pop_back();
    return read.substr(0, input_bytes_max);
}

int carry_out(
    const command_io& io, const command_options& options, const configuration& config, decision_request request
)
{
    request.by = options.by;
    const upkeep_report report = io.context.decide(config, request).value();
    if (options.json) {
        io.out << report.json << '\n';
    } else {
        for (const std::string& line : report.lines)
            io.out << plain(line) << '\n';
    }
    return report.ok ? exit_done : exit_wrong;
}

int decide_about(const command_io& io, const command_options& options, decision_kind kind)
{
    return with_configuration(io, options, [&](const configuration& config) {
        decision_request request;
        request.kind = kind;
        request.about = options.index;
        request.action = options.action;
        request.owner = options.owner;
        request.adult = options.adult;
        request.outcome = options.outcome;
        request.on = options.on;
        request.due = options.due;
        request.review = options.review;
        request.text = words_in(options.text);
        return carry_out(io, options, config, std::move(request));
    });
}

void print_actions(std::ostream& out, const workplace& at, const std::vector<case_action>& actions)
{
    const auto day = [](const std::optional<civil_day>& each) { return each ? format_day(*each) : std::string(); };
    text_table table(out, {">Action", "On", "Kind", "Owner", "Due", "Review", "Outcome", "Last by", "Words"});
    for (const case_action& each : actions) {
        std::string words = each.text;
        if (!each.outcome_text.empty()) words += (words.empty() ? "" : " / ") + each.outcome_text;
        const bool is_overdue = !each.is_done && each.due && *each.due < day_of(at.zone.to_local(at.now));
        table.row(
            {std::to_string(each.id),
             format_day(each.on),
             each.kind,
             plain(each.owner),
             day(each.due) + (is_overdue ? " overdue" : ""),
             day(each.review),
             each.is_done ? plain(each.outcome.empty() ? "done" : each.outcome) : "open",
             plain(each.by.empty() ? each.user : each.by + " (" + each.user + ")"),
             plain(words)}
        );
    }
    table.end();
}

int run_alerts_ack(const command_io& io, const command_options& options)
{
    return decide_about(io, options, decision_kind::acknowledge);
}

int run_alerts_take_up(const command_io& io, const command_options& options)
{
    return decide_about(io, options, decision_kind::take_up);
}

int run_alerts_park(const command_io& io, const command_options& options)
{
    return decide_about(io, options, decision_kind::park);
}

int run_alerts_close(const command_io& io, const command_options& options)
{
    return decide_about(io, options, decision_kind::close);
}

int run_alerts_note(const command_io& io, const command_options& options)
{
    return decide_about(io, options, decision_kind::note);
}

int run_alerts_act(const command_io& io, const command_options& options)
{
    return decide_about(io, options, decision_kind::act);
}

int run_alerts_done(const command_io& io, const command_options& options)
{
    return decide_about(io, options, decision_kind::finish);
}

int run_links_confirm(const command_io& io, const command_options& options)
{
    return decide_link(io, options, decision_kind::confirm_link);
}

int run_links_split(const command_io& io, const command_options& options)
{
    return decide_link(io, options, decision_kind::split_link);
}

int run_silence_add(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        decision_request request;
        request.kind = decision_kind::silence;
        if (!options.pupil.empty()) request.pupil = people(at).find(words_in(options.pupil)).value();
        request.rule = options.rule;
        request.until = options.until;
        request.text = options.reason;
        return carry_out(io, options, at.config, std::move(request));
    });
}

int run_silence_end(const command_io& io, const command_options& options)
{
    return decide_about(io, options, decision_kind::end_silence);
}

int run_silence_list(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        const civil_day today = day_of(at.zone.to_local(at.now));
        std::vector<silence> all = silences_at(at);
        if (options.state != "all") std::erase_if(all, [&](const silence& each) { return !each.stands_on(today); });
        if (options.json) {
            json_list list(io.out);
            for (const silence& each : all)
                list.item([&](json_writer& out) { write_silence(out, each, state_of(each, today)); });
            list.end();
            return exit_done;
        }
        text_table table(io.out, {">Silence", "Pupil", "Rule", "Until", "State", "By", "Reason"});
        for (const silence& each : all)
            table.row(
                {std::to_string(each.id),
                 each.pupil == no_entry ? "every pupil" : reference_of(each.pupil),
                 each.rule.empty() ? "every rule but safety" : each.rule,
                 format_day(each.until),
                 std::string(state_of(each, today)),
                 plain(each.by.empty() ? each.user : each.by + " (" + each.user + ")"),
                 plain(each.reason)}
            );
        table.end();
        if (all.empty()) io.out << "No silences.\n";
        return exit_done;
    });
}

int run_quarantine_list(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        const std::vector<quarantined_view> rows = quarantine_at(at);
        if (options.json) {
            json_list list(io.out);
            for (const quarantined_view& each : rows)
                list.item([&](json_writer& out) { write_quarantined(out, each, false); });
            list.end();
            return exit_done;
        }
        text_table table(
            io.out, {">Row", "Source", "Stream", "Record", ">Page", ">Place", ">Times", "Last seen", "Reason"}
        );
        for (const quarantined_view& each : rows)
            table.row(
                {std::to_string(each.id),
                 each.source,
                 plain(each.stream),
                 std::string(name_of(each.record)),
                 std::to_string(each.page),
                 std::to_string(each.position),
                 grouped(each.times),
                 clock_text(each.last_seen, at.zone),
                 plain(each.reason)}
            );
        table.end();
        if (rows.empty()) io.out << "Nothing is in quarantine.\n";
        return exit_done;
    });
}

int run_quarantine_show(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        const quarantined_view row = quarantined_row_of(at, options.index);
        if (options.json) {
            print_json(io.out, [&](json_writer& out) { write_quarantined(out, row, true); });
            return exit_done;
        }
        io.out << "Row " << row.id << " of " << row.source << ", " << plain(row.stream) << ", page " << row.page
               << ", place " << row.position << "; first seen " << clock_text(row.first_seen, at.zone) << ", last "
               << clock_text(row.last_seen, at.zone) << '\n'
               << "Why it could not be read: " << plain(row.reason) << '\n'
               << "Its shape, every letter as x and every digit as 9:\n  " << plain(masked(row.row)) << '\n'
               << "Correct it at the source, then: rollbook quarantine retry " << row.id << '\n';
        return exit_done;
    });
}

int run_quarantine_retry(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        const quarantined_view row = quarantined_row_of(at, options.index);
        decision_request request;
        request.kind = decision_kind::retry_quarantine;
        request.source = row.source;
        request.stream = row.stream;
        return carry_out(io, options, at.config, std::move(request));
    });
}

} // namespace rollbook
