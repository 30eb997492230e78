#include "daemon/cli/cases.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/views/markers.hpp"
#include "daemon/views/people.hpp"

#include <algorithm>
#include <ostream>

namespace rollbook {

int run_marker_add(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        decision_request request;
        request.kind = decision_kind::marker;
        request.action = options.action;
        request.pupil = people(at).find(words_in(options.pupil)).value();
        request.text = words_in(options.reason);
        request.owner = options.owner;
        request.review = options.review;
        return carry_out(io, options, at.config, std::move(request));
    });
}

int run_marker_end(const command_io& io, const command_options& options)
{
    return decide_about(io, options, decision_kind::end_marker);
}

int run_marker_list(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        std::vector<pupil_marker> all = markers_at(at);
        if (options.state != "all") std::erase_if(all, &pupil_marker::ended);
        if (options.unmask) {
            for (const pupil_marker& each : all) {
                access_record seen;
                seen.pupil = each.pupil;
                seen.view = "marker";
                seen.reason = options.reason;
                io.context.record_access(at.config, seen).value();
            }
        } else {
            for (pupil_marker& each : all) {
                each.reason.clear();
                each.tell.clear();
            }
        }
        if (options.json) {
            json_list list(io.out);
            for (const pupil_marker& each : all)
                list.item([&](json_writer& out) { write_marker(out, each); });
            list.end();
            return exit_done;
        }
        const civil_day today = day_of(at.zone.to_local(at.now));
        text_table table(io.out, {">Marker", "Pupil", "Kind", "State", "Review", "By", "Tell", "Reason"});
        for (const pupil_marker& each : all)
            table.row(
                {std::to_string(each.id),
                 reference_of(each.pupil),
                 std::string(marker_kinds[static_cast<std::size_t>(each.kind)]),
                 each.ended ? "ended" : "standing",
                 each.review ? format_day(*each.review) + (!each.ended && *each.review <= today ? " due" : "") : "",
                 plain(each.by.empty() ? each.user : each.by + " (" + each.user + ")"),
                 plain(each.tell),
                 plain(each.reason)}
            );
        table.end();
        if (all.empty()) io.out << "No markers.\n";
        return exit_done;
    });
}

} // namespace rollbook
