#include "connectors/rest/condition.hpp"

#include "connectors/mapping/values.hpp"
#include "connectors/rest/dom.hpp"

#include <algorithm>

namespace rollbook {

condition_list::condition_list(const std::vector<condition_spec>& specs)
{
    for (const condition_spec& c : specs)
        conditions_.push_back({path_finder(c.at), c.values, c.negated});
}

condition_list::condition_list(const condition_spec& spec) : condition_list(std::vector<condition_spec>{spec}) {}

bool condition_list::hold(const dom_value& in)
{
    return std::all_of(conditions_.begin(), conditions_.end(), [&](condition& c) {
        const dom_value* found = c.at.find(in);
        std::string number;
        std::string_view text;
        if (found && found->IsString()) {
            text = trimmed(text_of(*found));
        } else if (found && found->IsBool()) {
            text = found->GetBool() ? "true" : "false";
        } else if (found && found->IsInt64()) {
            number = std::to_string(found->GetInt64());
            text = number;
        } else if (found && !found->IsNull()) {
            text = "(a list or an object)"; // there, and no text of a condition
        }
        return (std::find(c.values.begin(), c.values.end(), text) != c.values.end()) != c.negated;
    });
}

} // namespace rollbook
