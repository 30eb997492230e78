#include "daemon/views/workplace.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"

namespace rollbook {

std::optional<school_calendar> other_calendar_at(const ledger_reader& reader, entry_index n, const school_calendar& now)
{
    std::string told;
    reader.things(what::settings, n, [&](const thing_view& setting) {
        if (!setting.source.empty() || setting.key != calendar_setting) return true;
        const auto payload = json_document::parse(std::string(setting.payload));
        if (!payload) return true;
        json_writer out(told);
        payload->root()["value"].write_canonical(out);
        return false;
    });
    if (told.empty() || told == now.to_json()) return std::nullopt;
    return school_calendar::from_json(told);
}

} // namespace rollbook
