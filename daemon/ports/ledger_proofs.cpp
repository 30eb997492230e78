#include "daemon/ports/ledger_proofs.hpp"

namespace rollbook {

std::string_view name_of(keep_reason why)
{
    switch (why) {
    case keep_reason::exported: return "exported";
    case keep_reason::mailed: return "mailed";
    case keep_reason::requested: return "requested";
    case keep_reason::cosigned: return "cosigned";
    }
    return {};
}

std::optional<keep_reason> parse_keep_reason(std::string_view text)
{
    for (const keep_reason why :
         {keep_reason::exported, keep_reason::mailed, keep_reason::requested, keep_reason::cosigned})
        if (name_of(why) == text) return why;
    return std::nullopt;
}

} // namespace rollbook
