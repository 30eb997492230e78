#include "daemon/service/commit.hpp"

namespace rollbook {

void commit_and_apply(ledger& book, const transaction& t, instant now)
{
    const entry_index base = book.size();
    book.commit(t, now);
    book.apply(t, base);
}

} // namespace rollbook
