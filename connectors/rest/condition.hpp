#pragma once

#include "connectors/rest/field_reader.hpp"

#include <vector>

namespace rollbook {

// Conditions on values, which must all hold. Keeps what the last value taught it; not for two threads.
class condition_list {
public:
    explicit condition_list(const std::vector<condition_spec>& specs);
    explicit condition_list(const condition_spec& spec);
    bool empty() const { return conditions_.empty(); }
    bool hold(const dom_value& in);

private:
    struct condition {
        path_finder at;
        std::vector<std::string> values;
        bool negated = false;
    };
    std::vector<condition> conditions_;
};

} // namespace rollbook
