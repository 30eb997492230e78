#pragma once

#include "daemon/ledger/erase_plan.hpp"
#include "daemon/ledger/needles.hpp"

// The search at the end of an erasure. Private to this layer.
namespace rollbook {

// Looks in the raw bytes of files for payloads, commit keys, names, UPNs and ids that were erased. What it finds is
// told by file name only.
class leftovers {
public:
    explicit leftovers(const erasure_plan& plan);

    // Before the erasure: payloads and commit keys of the entries that go.
    void learn_secrets(SQLite::Database& database);
    // After it: names and ids that entries about others hold too are not looked for.
    void forget_what_others_say(SQLite::Database& database);
    // Searches every file in the ledger's folder and below; one line for each that holds something.
    std::vector<std::string> find(const std::filesystem::path& ledger);

    bool is_in_ledger() const { return in_ledger_; }     // the last search found something in the ledger's own files
    std::size_t shared() const { return shared_; }       // names and ids that others' entries hold
    std::size_t too_short() const { return too_short_; } // names and ids that are not looked for in files

private:
    const erasure_plan& plan_;
    needle_search secrets_;
    needle_search names_;   // looked for in the ledger's own files only: a forename is also an ordinary word
    needle_search telling_; // UPNs, ids, full names: looked for everywhere
    bool in_ledger_ = false;
    std::size_t shared_ = 0;
    std::size_t too_short_ = 0;
};

} // namespace rollbook
