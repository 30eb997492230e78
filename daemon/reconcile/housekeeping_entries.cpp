#include "daemon/reconcile/housekeeping_entries.hpp"

#include "daemon/base/canonical_json.hpp"

namespace rollbook {

draft heartbeat_entry(instant at, entry_index own_index)
{
    thing_version row;
    row.kind = what::heartbeat;
    row.key = std::to_string(own_index);
    std::string text;
    json_writer out(text);
    out.begin_object().member("at", format_instant(at)).member("what", name_of(what::heartbeat)).end_object();
    return draft(entry_kind::note, std::move(text), std::move(row));
}

} // namespace rollbook
