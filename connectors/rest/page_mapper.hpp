#pragma once

#include "connectors/rest/condition.hpp"
#include "connectors/rest/field_reader.hpp"
#include "connectors/rest/kept_row.hpp"
#include "daemon/ports/connector.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>

namespace rollbook {

// What the views of a page look into.
struct page_storage {
    std::string body;
    page_texts texts;
    lookup_tables tables; // codes that marks point to
};

// Turns the rows of one stream's pages into canonical records.
class page_mapper {
public:
    // `stream` must outlive the mapper.
    page_mapper(const stream_spec& stream, const date_form& dates);

    // The list of rows in a page. Fails with page_malformed when there is none.
    result<const dom_value*> rows(const dom_value& root);

    // Forgets the cursors of the read before.
    void begin_read();
    // The newest cursor of the rows so far: milliseconds since 1970, or the number.
    std::optional<std::int64_t> newest_cursor() const { return newest_cursor_; }
    // A row was older than the one before it.
    bool saw_disorder() const { return disorder_; }

    // Adds the rows to `out`. `storage` holds the bytes that `root` was parsed from.
    void
    map(const dom_value& root,
        const dom_value& rows,
        std::optional<civil_day> from,
        const lookup_tables& tables,
        page_storage& storage,
        page& out);

    // The same for the one record of an answer.
    void map_one(const dom_value& row, const lookup_tables& tables, page_storage& storage, page& out);

private:
    struct nested {
        nested(const expand_spec& e, const date_form& dates);
        const expand_spec& spec;
        path_finder list;
        field_reader pupil;
        std::vector<field_reader> fields;
        read_tree kept;
    };
    struct mark_fields {
        field_reader* day = nullptr;
        field_reader* session = nullptr;
        field_reader* code = nullptr;
        field_reader* minutes_late = nullptr;
        field_reader* comment = nullptr;
        field_reader* taken_by = nullptr;
        std::array<field_reader*, 4> amended{}; // name, on, position, reason of a correction
    };
    class row_reader;

    const stream_spec& stream_;
    path_finder records_;
    condition_list only_;
    path_finder items_;
    std::vector<condition_list> gone_when_;
    std::optional<field_reader> cursor_;
    std::optional<std::int64_t> newest_cursor_;
    std::optional<std::int64_t> last_cursor_;
    bool disorder_ = false;
    std::optional<field_reader> window_day_;
    std::optional<field_reader> history_day_;
    std::optional<field_reader> row_as_of_;
    std::optional<field_reader> page_as_of_;
    field_reader source_id_;
    std::optional<field_reader> pupil_;
    std::vector<field_reader> fields_;
    mark_fields mark_;
    std::vector<nested> expand_;
    read_tree kept_;
};

} // namespace rollbook
