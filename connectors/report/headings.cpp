#include "connectors/report/headings.hpp"

#include "connectors/mapping/values.hpp"

#include <algorithm>

namespace rollbook {

result<headings> headings::find(const std::vector<std::string>& row, const record_mapping& mapping)
{
    headings found;
    found.columns_ = row.size();
    found.places_.resize(row.size());
    for (std::size_t place = 0; place < mapping.columns.size(); ++place) {
        const mapped_column& column = mapping.columns[place];
        const auto is_meant = [&](const std::string& heading) { return trimmed(heading) == column.from; };
        const auto at = std::find_if(row.begin(), row.end(), is_meant);
        if (at == row.end()) {
            if (column.is_optional) continue;
            return failure(
                errc::source_misconfigured,
                "the file has no column \"" + column.from + "\"",
                "The report was changed, or is another one: export it as before, or correct [columns] in the mapping."
            );
        }
        if (std::find_if(at + 1, row.end(), is_meant) != row.end())
            return failure(
                errc::source_misconfigured,
                "the file has two columns \"" + column.from + "\"",
                "Rename one of them in the report, so that it is plain which is meant."
            );
        found.places_[static_cast<std::size_t>(at - row.begin())].push_back(place);
    }
    return found;
}

const std::vector<std::size_t>& headings::places(std::size_t column) const
{
    static const std::vector<std::size_t> none;
    return column < places_.size() ? places_[column] : none;
}

} // namespace rollbook
