#include "daemon/base/json.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/views/findings.hpp"

#include <ostream>

namespace rollbook {
namespace {

std::string who(const finding_view& each, const people& everyone)
{
    if (const auto pupil = each.pupil()) return reference_of(everyone.person_of(*pupil));
    return "-";
}

std::string opened_text(const finding_view& each, const time_zone& zone)
{
    return clock_text(parse_instant(each.text("opened_at")), zone);
}

void print_findings(const command_io& io, const workplace& at, const people& everyone, const id_page<finding_view>& page)
{
    text_table table(io.out, {">Finding", "Kind", "State", "Pupil", "Opened", "What"});
    for (const auto& [id, each] : page.rows())
        table.row(
            {std::to_string(id),
             std::string(each.text("kind")),
             std::string(each.text("state")),
             who(each, everyone),
             opened_text(each, at.zone),
             std::string(each.text("explanation"))}
        );
    table.end();
    if (table.rows() == 0) io.out << "No findings.\n";
}

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

} // namespace

int run_findings_list(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        const people everyone(at);
        id_page<finding_view> page(options.after, options.limit);
        at.reader.things(what::finding, at.n, [&](const thing_view& each) {
            if (each.payload.empty() || (each.gone && options.state != "all")) return true;
            finding_view read{each.subject, payload_of(each)};
            if (options.kind.empty() || read.text("kind") == options.kind) page.put(each.subject, std::move(read));
            return true;
        });
        if (options.json) {
            json_list list(io.out);
            for (const auto& [id, each] : page.rows())
                list.item([&](json_writer& out) { write_finding(out, each, everyone); });
            list.end();
        } else {
            print_findings(io, at, everyone, page);
        }
        if (page.is_cut()) print_cut(io.err, page.rows().size(), page.rows().rbegin()->first);
        return exit_done;
    });
}

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
                    out.member("id", id).key("other").begin_object();
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

} // namespace rollbook
