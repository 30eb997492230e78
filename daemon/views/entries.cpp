#include "daemon/views/entries.hpp"

#include "daemon/base/ledger_entry.hpp"
#include "daemon/views/text.hpp"

namespace rollbook {

opened_entry open_entry(const entry_view& entry)
{
    opened_entry opened{entry, std::nullopt};
    if (!entry.is_open) return opened;
    result<json_document> parsed = json_document::parse(std::string(entry.payload));
    if (!parsed) {
        throw failure_error({
            errc::ledger_in_doubt,
            "entry " + std::to_string(entry.index) + " of the ledger has a payload that is not JSON",
            "Run `rollbook ledger verify`.",
        });
    }
    opened.payload.emplace(std::move(parsed).value());
    return opened;
}

void write_entry(json_writer& out, const opened_entry& each, const people& everyone, bool with_opening)
{
    const entry_view& entry = each.entry;
    out.begin_object();
    if (with_opening) out.member("commitment", to_hex(entry.commitment));
    out.member("index", entry.index).member("kind", to_text(entry.kind));
    if (with_opening) {
        std::string leaf;
        append_leaf(leaf, entry.index, entry.kind, entry.recorded_at, entry.commitment);
        out.member("leaf", leaf).key("opening");
        if (entry.is_open) {
            out.begin_object().member("commit_key", to_hex(entry.commit_key)).member("index", entry.index);
            out.member("payload", to_base64(as_bytes(entry.payload))).end_object();
        } else {
            out.null();
        }
    }
    out.key("payload");
    if (each.payload)
        each.root().write_canonical(out);
    else
        out.null();
    const entry_index pupil = each.pupil();
    write_text_or_null(out, "pupil", pupil == no_entry ? "" : reference_of(everyone.person_of(pupil)));
    out.member("recorded_at", format_instant(entry.recorded_at));
    write_text_or_null(out, "source", each.text("source"));
    write_text_or_null(out, "what", each.text("what"));
    out.end_object();
}

std::vector<std::string> entry_cells(const opened_entry& each, const workplace& at, const people& everyone)
{
    const entry_index pupil = each.pupil();
    return {
        std::to_string(each.entry.index),
        clock_text(each.entry.recorded_at, at.zone),
        std::string(to_text(each.entry.kind)),
        each.payload ? std::string(each.text("what")) : "(erased)",
        std::string(each.text("source")),
        pupil == no_entry ? "" : reference_of(everyone.person_of(pupil)),
    };
}

} // namespace rollbook
