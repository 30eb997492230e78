#include "daemon/base/json.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/views/labels.hpp"

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

void print_findings(
    const command_io& io, const workplace& at, const people& everyone, const id_page<finding_view>& page
)
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
                list.item([&](json_writer& out) { write_finding(out, each, everyone, labels_of(at, each)); });
            list.end();
        } else {
            print_findings(io, at, everyone, page);
        }
        if (page.is_cut()) print_cut(io.err, page.rows().size(), page.rows().rbegin()->first);
        return exit_done;
    });
}

} // namespace rollbook
