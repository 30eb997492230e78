#include "daemon/domain/suspension.hpp"

#include "daemon/domain/finding_settings.hpp"

namespace rollbook {

suspension_nature nature_of(const case_facts& cases, const suspension_fact& fact)
{
    using words = std::vector<std::string>;
    static const words cancelled = {"cancel", "withdrawn", "rescinded"};
    static const words cancelled_code = {"canc", "withdr", "resc"};
    static const words permanent = {"permanent"};
    static const words permanent_code = {"perm"};
    static const words lunch = {"lunch"};
    static const words lunch_code = {"lunch", "lnch"};
    const std::string_view kind = cases.text(fact.kind);
    const std::string_view code = cases.text(fact.kind_code);
    return {
        has_part(kind, cancelled) || has_part(code, cancelled_code),
        has_part(kind, permanent) || has_part(code, permanent_code),
        has_part(kind, lunch) || has_part(code, lunch_code)};
}

} // namespace rollbook
