#include "daemon/views/verification.hpp"

namespace rollbook {

std::vector<verifier_key> witness_keys(const configuration& settings)
{
    std::vector<verifier_key> keys;
    if (!settings.witness) return keys;
    for (const std::string& text : settings.witness->vkeys)
        if (auto witness = parse_vkey(text)) keys.push_back(std::move(*witness));
    return keys;
}

void write_problems(json_writer& out, const std::vector<verify_problem>& problems)
{
    out.key("problems").begin_array();
    for (const verify_problem& each : problems) {
        out.begin_object().key("index");
        if (each.index)
            out.value(*each.index);
        else
            out.null();
        out.member("what", each.what).end_object();
    }
    out.end_array();
}

} // namespace rollbook
