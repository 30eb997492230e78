#include "connectors/rest/page_mapper.hpp"

#include "connectors/rest/lookup_filler.hpp"
#include "connectors/rest/row_reader.hpp"

namespace rollbook {

page_mapper::nested::nested(const expand_spec& e, const date_form& dates) : spec(e), list(e.list), pupil(e.pupil, dates)
{
    keep_field(kept, e.pupil, dates, false);
    for (const field_spec& field : e.fields) {
        fields.emplace_back(field, dates);
        keep_field(kept, field, dates, false);
    }
}

page_mapper::page_mapper(const stream_spec& stream, const date_form& dates)
    : stream_(stream), records_(stream.select.records), only_(stream.select.only), items_(stream.select.items),
      source_id_(stream.record.source_id, dates)
{
    const auto reader = [&](const std::optional<field_spec>& field, std::optional<field_reader>& to) {
        if (field) to.emplace(*field, dates);
    };
    reader(stream.window_day, window_day_);
    reader(stream.history_day, history_day_);
    reader(stream.row_as_of, row_as_of_);
    reader(stream.page_as_of, page_as_of_);
    reader(stream.record.pupil, pupil_);
    if (stream.incremental) reader(stream.incremental->cursor, cursor_);
    for (const condition_spec& gone : stream.gone_when)
        gone_when_.emplace_back(gone);
    fields_.reserve(stream.record.fields.size());
    for (const field_spec& field : stream.record.fields)
        fields_.emplace_back(field, dates);
    for (const expand_spec& e : stream.expand)
        expand_.emplace_back(e, dates);

    for (const auto& field : {stream.window_day, stream.history_day, stream.row_as_of, stream.record.pupil})
        if (field) keep_field(kept_, *field, dates, false);
    keep_field(kept_, stream.record.source_id, dates, false);
    for (const field_spec& field : stream.record.fields)
        keep_field(kept_, field, dates, false);
    for (const expand_spec& e : stream.expand) {
        read_tree* list = &kept_;
        for (const std::string& name : e.list)
            list = &list->below[name];
        keep_field(*list, e.pupil, dates, false);
        for (const field_spec& field : e.fields)
            keep_field(*list, field, dates, false);
    }
    for (field_reader& field : fields_) {
        if (field.name() == "day") mark_.day = &field;
        if (field.name() == "session") mark_.session = &field;
        if (field.name() == "code") mark_.code = &field;
        if (field.name() == "minutes_late") mark_.minutes_late = &field;
        if (field.name() == "comment") mark_.comment = &field;
        if (field.name() == "taken_by") mark_.taken_by = &field;
        constexpr const char* amended[] = {"amended_by", "amended_on", "amended_by_position", "amendment_reason"};
        for (std::size_t i = 0; i < mark_.amended.size(); ++i)
            if (field.name() == amended[i]) mark_.amended[i] = &field;
    }
}

result<const dom_value*> page_mapper::rows(const dom_value& root)
{
    return list_at(root, records_);
}

void page_mapper::begin_read()
{
    newest_cursor_.reset();
    last_cursor_.reset();
    disorder_ = false;
}

void page_mapper::map(
    const dom_value& root,
    const dom_value& rows,
    std::optional<civil_day> from,
    const lookup_tables& tables,
    page_storage& storage,
    page& out
)
{
    if (page_as_of_) out.data_as_of = page_as_of_->read_instant(root);
    if (stream_.record.kind == what::session_mark) out.marks.reserve(rows.Size());
    row_reader reader(*this, tables, storage, out);
    std::uint32_t position = 0;
    for (const dom_value& row : rows.GetArray()) {
        if (stream_.select.items.empty()) {
            reader.read(row, nullptr, position++, from);
            continue;
        }
        if (!only_.empty() && !only_.hold(row)) continue;
        const dom_value* items = row.IsObject() ? items_.find(row) : nullptr;
        if (!items || !items->IsArray()) {
            reader.reject_record(row, position++, items_.name() + (items ? " is not a list" : " is missing"));
            continue;
        }
        for (const dom_value& item : items->GetArray())
            reader.read(item, &row, position++, from);
    }
    out.rows = position;
}

void page_mapper::map_one(const dom_value& row, const lookup_tables& tables, page_storage& storage, page& out)
{
    out.rows = 1;
    row_reader(*this, tables, storage, out).read(row, nullptr, 0, std::nullopt);
}

} // namespace rollbook
