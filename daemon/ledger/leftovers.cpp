#include "daemon/ledger/leftovers.hpp"

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

namespace rollbook {
namespace {

constexpr std::size_t files_max = 10'000;
constexpr std::size_t bytes_at_once = std::size_t{8} << 20;

// A digit or a space: no single ordinary word.
bool is_telling(const std::string& word)
{
    return std::ranges::any_of(word, [](char c) { return c == ' ' || (c >= '0' && c <= '9'); });
}

// Which of the searches find something in the file.
struct file_hits {
    std::size_t secrets = 0;
    std::size_t words = 0;
    bool unreadable = false;
};

file_hits search_file(const std::filesystem::path& path, const std::vector<std::pair<const needle_search*, bool>>& all)
{
    file_hits hits;
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) {
        hits.unreadable = true;
        return hits;
    }
    std::string buffer;
    for (;;) {
        // The end of what was searched is searched again with what follows: a needle may lie across.
        const std::size_t kept = std::min(buffer.size(), needle_search::bytes_max);
        buffer.erase(0, buffer.size() - kept);
        buffer.resize(kept + bytes_at_once);
        const ssize_t got = ::read(file, buffer.data() + kept, bytes_at_once);
        if (got <= 0) {
            hits.unreadable = got < 0;
            break;
        }
        buffer.resize(kept + static_cast<std::size_t>(got));
        for (const auto& [search, is_secret] : all)
            (is_secret ? hits.secrets : hits.words) += search->find_in(buffer).size();
    }
    ::close(file);
    return hits;
}

void drop_found(needle_search& search, std::string_view text, std::size_t& shared)
{
    for (const std::size_t number : search.find_in(text)) {
        search.drop(number);
        ++shared;
    }
}

} // namespace

leftovers::leftovers(const erasure_plan& plan) : plan_(plan)
{
    for (const std::string& word : plan.words) {
        needle_search& into = is_telling(word) ? telling_ : names_;
        into.add(word);
        // As it stands in a payload; long enough also where the word is short.
        if (!into.add("\"" + word + "\"")) ++too_short_;
    }
}

void leftovers::learn_secrets(SQLite::Database& database)
{
    SQLite::Statement row(database, "SELECT commit_key, payload FROM opening WHERE idx >= ? AND idx <= ?");
    for (const auto& [first, last] : ranges_of(plan_.entries)) {
        row.reset();
        row.bind(1, static_cast<std::int64_t>(first));
        row.bind(2, static_cast<std::int64_t>(last));
        while (row.executeStep()) {
            secrets_.add(text_of(row.getColumn(0)));
            secrets_.add(text_of(row.getColumn(1)));
        }
    }
}

void leftovers::forget_what_others_say(SQLite::Database& database)
{
    for (const char* sql :
         {"SELECT payload FROM opening", "SELECT key FROM thing", "SELECT subject || text || json FROM outbox"}) {
        SQLite::Statement rows(database, sql);
        while (rows.executeStep()) {
            const std::string_view text = text_of(rows.getColumn(0));
            drop_found(names_, text, shared_);
            drop_found(telling_, text, shared_);
        }
    }
}

std::vector<std::string> leftovers::find(const std::filesystem::path& ledger)
{
    namespace fs = std::filesystem;
    in_ledger_ = false;
    std::vector<std::string> found;
    std::error_code failed;
    const fs::path folder = ledger.has_parent_path() ? ledger.parent_path() : fs::path(".");
    std::size_t files = 0;
    for (fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, failed), end;
         !failed && at != end;
         at.increment(failed)) {
        if (at->is_symlink(failed) || !at->is_regular_file(failed)) continue;
        if (++files > files_max) {
            found.push_back("more than " + std::to_string(files_max) + " files: not all were searched");
            break;
        }
        const bool own = at->path().parent_path() == folder &&
                         at->path().filename().string().starts_with(ledger.filename().string());
        std::vector<std::pair<const needle_search*, bool>> all = {{&secrets_, true}, {&telling_, false}};
        if (own) all.emplace_back(&names_, false);
        const file_hits hits = search_file(at->path(), all);
        const std::string name = fs::relative(at->path(), folder, failed).string();
        if (hits.unreadable) found.push_back(name + " cannot be searched");
        if (hits.secrets > 0) found.push_back(name + " holds content of erased entries");
        if (hits.words > 0) found.push_back(name + " holds a name, UPN or id of the pupil");
        in_ledger_ = in_ledger_ || (own && hits.secrets + hits.words > 0);
    }
    return found;
}

} // namespace rollbook
