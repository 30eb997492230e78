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

draft key_entry(std::string_view note, instant at, entry_index own_index)
{
    thing_version row;
    row.kind = what::key;
    row.key = std::to_string(own_index);
    std::string text;
    json_writer out(text);
    out.begin_object().member("at", format_instant(at)).member("note", note).member("what", name_of(what::key));
    out.end_object();
    return draft(entry_kind::key, std::move(text), std::move(row));
}

} // namespace rollbook
