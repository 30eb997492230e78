#include "daemon/reconcile/links.hpp"
#include "daemon/base/json.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/domain/held.hpp"
#include "daemon/views/labels.hpp"

#include <ostream>

namespace rollbook {
namespace {

struct link_row {
    entry_index pupil = no_entry;
    entry_index other = no_entry;
    std::string other_source;
    std::string by;
    std::string state;
};

link_row read_link(const thing_view& version)
{
    const json_document document = payload_of(version);
    const json_view root = document.root();
    link_row row;
    row.pupil = version.pupil;
    if (const auto other = root["other"].int_if(); other && *other >= 0) row.other = static_cast<entry_index>(*other);
    row.other_source = version.key.substr(0, version.key.find('/'));
    row.by = root["by"].string_if().value_or("");
    row.state = root["state"].string_if().value_or(version.gone ? "split" : "linked");
    return row;
}

// Pupils and links as the ledger holds them at that size.
void hold_people(const workplace& at, held_state& held)
{
    for (const what kind : {what::pupil, what::link})
        at.reader.things(kind, at.n, [&](const thing_view& each) {
            thing_version row;
            row.kind = kind;
            row.subject = each.subject;
            row.pupil = each.pupil;
            row.source = each.source;
            row.key = each.key;
            row.gone = each.gone;
            held.apply(each.entry, row, each.payload);
            return true;
        });
}

std::string verdict_of(const match_score& score, std::string_view field)
{
    for (const match_part& part : score.parts)
        if (part.field == field) return std::string(part.verdict);
    return "-";
}

std::string spoken_numbers(const link_answer::near_pupil& each)
{
    std::string text;
    for (const std::string_view number : each.numbers)
        text += (text.empty() ? "" : ", ") + std::string(number);
    return text.empty() ? "-" : text;
}

void print_answer(const command_io& io, const people& everyone, const link_answer& answer)
{
    io.out << (answer.state == "linked"   ? "Linked: "
               : answer.state == "review" ? "Not linked yet: "
                                          : "Not linked: ")
           << answer.why << '\n';
    if (answer.near.empty()) return;
    text_table table(io.out, {"Pupil", ">Points", "Numbers", "Surname", "Forename", "Date of birth", "Year", "Form"});
    for (const link_answer::near_pupil& each : answer.near)
        table.row(
            {reference_of(everyone.person_of(each.pupil)) + (each.refused ? " (a person said no)" : ""),
             std::to_string(each.score.points),
             spoken_numbers(each),
             verdict_of(each.score, "surname"),
             verdict_of(each.score, "forename"),
             verdict_of(each.score, "date-of-birth"),
             verdict_of(each.score, "year"),
             verdict_of(each.score, "form")}
        );
    table.end();
}

void write_near(json_writer& out, const people& everyone, const link_answer::near_pupil& each)
{
    out.begin_object().key("numbers").begin_array();
    for (const std::string_view number : each.numbers)
        out.value(number);
    out.end_array().key("parts").begin_array();
    for (const match_part& part : each.score.parts)
        out.begin_object()
            .member("field", part.field)
            .member("points", part.points)
            .member("verdict", part.verdict)
            .end_object();
    out.end_array().member("points", each.score.points).key("pupil");
    everyone.write(out, each.pupil);
    out.member("refused", each.refused).end_object();
}

} // namespace

int run_links_list(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        const people everyone(at);
        id_page<link_row> page(options.after, options.limit);
        at.reader.things(what::link, at.n, [&](const thing_view& each) {
            if (!each.payload.empty() && !each.gone) page.put(each.subject, read_link(each));
            return true;
        });
        if (options.json) {
            json_list list(io.out);
            for (const auto& [id, each] : page.rows())
                list.item([&, id = id, &row = each](json_writer& out) {
                    out.begin_object();
                    write_text_or_null(out, "by", row.by);
                    out.member("id", id);
                    write_labels(out, visibility_of_link(at.config.is_safeguarding(row.other_source)));
                    out.key("other").begin_object();
                    out.member("entry", row.other).member("source", row.other_source).end_object();
                    out.key("pupil");
                    everyone.write(out, row.pupil);
                    out.member("state", row.state).end_object();
                });
            list.end();
        } else {
            text_table table(io.out, {">Link", "Pupil", "Other system", ">Its entry", "Matched by", "State"});
            for (const auto& [id, row] : page.rows())
                table.row(
                    {std::to_string(id),
                     reference_of(everyone.person_of(row.pupil)),
                     row.other_source,
                     std::to_string(row.other),
                     row.by,
                     row.state}
                );
            table.end();
            if (table.rows() == 0) io.out << "No links.\n";
        }
        if (page.is_cut()) print_cut(io.err, page.rows().size(), page.rows().rbegin()->first);
        return exit_done;
    });
}

int run_links_why(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        const people everyone(at);
        const entry_index record = everyone.find_record(options.record).value();
        const entry_index asked = options.pupil.empty() ? no_entry : everyone.find(options.pupil).value();
        held_state held;
        hold_people(at, held);
        const link_answer answer = why_linked(held, at.config.mis_name(), record, asked).value();
        if (!options.json) {
            print_answer(io, everyone, answer);
            return exit_done;
        }
        print_json(io.out, [&](json_writer& out) {
            out.begin_object();
            write_text_or_null(out, "by", answer.by);
            out.key("near").begin_array();
            for (const link_answer::near_pupil& each : answer.near)
                write_near(out, everyone, each);
            out.end_array();
            out.member("needed", linked_from).member("record", record).member("state", answer.state);
            out.member("why", answer.why).end_object();
        });
        return exit_done;
    });
}

} // namespace rollbook
