#pragma once

#include "connectors/rest/page_mapper.hpp"
#include "connectors/rest/page_walk.hpp"

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rollbook {

// Where a page of a stream begins, of all that is asked for one read of it.
struct stream_place {
    enum class phase { rows, changed, deleted } of = phase::rows;
    std::string slice;               // rows: the first day of a part, or its number; changed: the number of the record
    std::optional<std::string> page; // what page_walk takes

    // The text that connector::fetch_page() takes; nothing for the first page of all.
    std::string text(bool is_sliced) const;
    static stream_place parsed(const std::string& text);
};

// One stream as this run reads it: in which parts, from which bookmark, and where it goes on.
class stream_run {
public:
    // What is referred to must outlive it.
    stream_run(const stream_spec& spec, const manifest& m, const resolved_settings& settings, const url_origin& home);

    const stream_spec& spec() const { return spec_; }
    page_mapper mapper;
    page_walk walk;
    std::vector<page_walk> deletes_walks; // one for each list of what is gone
    page_walk changes_walk;

    // Begins a read. `parts`: the keys of the lookup that the parts are.
    void begin(civil_day first_day, civil_day today, std::vector<std::string> parts);
    bool is_sliced() const { return spec_.slices.type != slice_spec::kind::none; }
    // The part that the read begins with; nothing when there is none.
    std::optional<std::string> first_slice() const;
    std::optional<std::string> slice_after(const std::string& slice) const;

    // Takes the bookmark of the last closed read, where it is still good. See connector::resume() and bookmark().
    void resume(std::string_view bookmark, instant now);
    std::string bookmark() const;
    bool changes_only() const { return changes_only_; }
    // Pages are asked for ahead where they began when they were read last: until one is not wanted.
    bool follows_memory = true;
    // Digest of what all pages of this read are made from beside their own bytes.
    std::uint64_t shape = 0;
    // The newest value there is by the source's own word.
    std::optional<std::int64_t> until;
    // The highest revision of a list of changes.
    std::optional<std::int64_t> newest_revision;
    // The ids of the rows so far, of a read of changes after which a list of what is gone is read.
    std::set<std::string, std::less<>> shown;
    // What the list of changes named: the records to ask for.
    std::vector<std::string> changed;

    // The variables of a request for `slice`. `from`: the first day that rows count from.
    run_values variables(const std::string& slice, std::optional<civil_day> from) const;

private:
    std::string since_text() const;

    const stream_spec& spec_;
    civil_day first_day_{};
    civil_day today_{};
    std::vector<std::string> parts_;
    instant started_{};
    bool changes_only_ = false;
    std::optional<std::int64_t> value_; // of the last bookmark
    instant full_at_{};
};

} // namespace rollbook
