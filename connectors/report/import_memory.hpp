#pragma once

#include "connectors/report/report_file.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// Which files were read: what the stream's bookmark holds. A file counts as read once its read is closed, whether or
// not it could be removed since.
class import_memory {
public:
    // From a bookmark; one that is empty or of another form gives an empty memory, and files are compared again.
    static import_memory parse(std::string_view bookmark);
    std::string text() const;

    // The file stands there as it did when it was read.
    bool knows(const listed_file& file) const;
    // The same bytes were read before: of whole lists only as the newest, because A, B, A says that A holds again.
    bool has_read(const hash& digest, bool lists_all) const;
    // When the newest export that was read was made.
    std::optional<instant> newest() const;

    void add(const listed_file& file, const hash& digest);
    // Forgets files that are neither in the folder any more nor among the newest.
    void forget_others(const std::vector<listed_file>& listed);

private:
    struct entry {
        std::string name;
        std::uint64_t bytes = 0;
        instant time{};
        std::string digest;
    };
    std::vector<entry> read_; // oldest first
};

} // namespace rollbook
