#pragma once

#include "connectors/mapping/dates.hpp"
#include "connectors/rest/dom_fwd.hpp"
#include "connectors/rest/manifest.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace rollbook {

// Holds texts that do not stand in a page's bytes, such as an id that came as a number. Views into it stay good.
class page_texts {
public:
    std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

private:
    std::deque<std::string> texts_;
};

// A table that a run looked up: the school's code list.
struct lookup_table {
    struct view_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
    };
    std::vector<std::string> columns; // sorted
    std::unordered_map<std::string, std::vector<std::string>, view_hash, std::equal_to<>> rows;

    // The column's place, or npos.
    std::size_t column(std::string_view name) const;
};

using lookup_tables = std::map<std::string, std::shared_ptr<const lookup_table>, std::less<>>;

// Follows member names into a value. Rows of a page look alike, so it tries the place of last time first.
class path_finder {
public:
    path_finder() = default;
    explicit path_finder(const json_path& path);
    // What is there (perhaps a JSON null); null pointer when nothing is. A null on the way is what is found.
    const dom_value* find(const dom_value& in);
    std::string name() const; // with dots

private:
    struct step {
        std::string name;
        unsigned at = 0;
    };
    std::vector<step> steps_;
};

// Whether a path of field_spec::join begins at the outer row.
bool is_of_parent(const json_path& joined);

class condition_list;

// What a field of a row is.
struct field_value {
    enum class kind { none, text, integer, boolean, list, wrong } is = kind::none;
    std::string_view text;
    std::int64_t integer = 0;
    bool truth = false;
    std::vector<std::string> list;
    std::string reason; // of `wrong`: names the field and never the value
};

// The count that stands there, as a number or as digits. Nothing for anything else.
std::optional<std::int64_t> find_count(const dom_value& root, path_finder& path);

// Reads one field of rows by its specification. Keeps what the last row taught it; not for two threads.
class field_reader {
public:
    field_reader(const field_spec& spec, const date_form& dates);

    // `parent` is the row that a nested item stands in, and is only asked where the field is the parent's.
    field_value read(const dom_value& row, const dom_value* parent, const lookup_tables& tables, page_texts& pool);
    // The two quick ways for the rows of a register, of which there are many: they take what is as it should be and
    // say false to everything else, which read() and read_day() then explain. An empty text is a null.
    bool quick_text(const dom_value& row, std::string_view& text);
    bool quick_day(const dom_value& row, civil_day& day);
    // The day of a field of type `day`: none with a reason, or without one where the value is null.
    field_value read_day(const dom_value& row, civil_day& day);
    std::optional<instant> read_instant(const dom_value& row);

    const std::string& name() const { return spec_.name; }
    const field_spec& spec() const { return spec_; }

private:
    field_value convert(const dom_value& value, const lookup_tables& tables, page_texts& pool);
    field_value convert_list(const dom_value& value, page_texts& pool) const;
    field_value pick(const dom_value& list, page_texts& pool);
    field_value flags_in(const dom_value& object);
    field_value date_text(const dom_value& value, std::string_view& text, std::string_view& zone);
    field_value absent(const dom_value* found, page_texts& pool) const;
    field_value wrong(std::string_view why) const;
    field_value text_value(const dom_value& value, page_texts& pool) const;
    bool is_blank(std::string_view text) const;
    field_value shaped(field_value value) const;
    field_value joined(const dom_value& row, const dom_value& outer, page_texts& pool);

    field_spec spec_;
    std::vector<path_finder> from_;
    std::vector<path_finder> join_;
    std::vector<bool> join_of_parent_;
    std::vector<std::pair<std::string, std::shared_ptr<condition_list>>> flags_;
    path_finder take_;
    std::vector<path_finder> where_;
    path_finder date_member_;
    path_finder zone_member_;
    bool dated_ = false;
    bool quick_ = false; // one plain text
    bool may_be_none_ = false;
    date_reader dates_;
    std::size_t used_ = 0; // which of from_ was used last
};

} // namespace rollbook
