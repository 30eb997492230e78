#include "daemon/service/commit.hpp"

namespace rollbook {

void commit_and_apply(ledger& book, const transaction& t, instant now)
{
    const entry_index base = book.size();
    book.commit(t, now);
    for (std::size_t i = 0; i < t.entries.size(); ++i)
        book.state().apply(base + i, t.entries[i].row, t.entries[i].payload);
}

} // namespace rollbook
