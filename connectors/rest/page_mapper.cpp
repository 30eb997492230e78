#include "connectors/rest/page_mapper.hpp"

#include "connectors/rest/dom.hpp"
#include "daemon/base/canonical_json.hpp"

#include <algorithm>

namespace rollbook {

namespace {

using is = field_value::kind;

void keep_path(read_tree& tree, const json_path& path)
{
    read_tree* here = &tree;
    for (const std::string& name : path)
        here = &here->below[name];
    here->is_read = true;
}

void keep_field(read_tree& tree, const field_spec& field, const date_form& dates, bool of_parent)
{
    if (field.of_parent != of_parent || !field.markers.empty()) return;
    for (json_path path : field.from) {
        for (const auto& [where, value] : field.where) {
            json_path whole = path;
            whole.insert(whole.end(), where.begin(), where.end());
            keep_path(tree, whole);
        }
        path.insert(path.end(), field.take.begin(), field.take.end());
        keep_path(tree, path);
        const bool dated = field.type == field_spec::kind::day || field.type == field_spec::kind::instant ||
                           field.type == field_spec::kind::local_time;
        if (!dated || dates.text_member.empty()) continue;
        path.push_back(dates.text_member);
        keep_path(tree, path);
        path.back() = dates.zone_member;
        if (!dates.zone_member.empty()) keep_path(tree, path);
    }
}

// Writes the parts of `v` that are read. A value of another shape than expected shows its shape only.
void write_kept(const dom_value& v, const read_tree& tree, json_writer& out)
{
    if (v.IsObject()) {
        out.begin_object();
        for (const auto& [name, below] : tree.below) {
            const auto at = v.FindMember(name.c_str());
            if (at == v.MemberEnd()) continue;
            out.key(name);
            write_kept(at->value, below, out);
        }
        out.end_object();
    } else if (v.IsArray()) {
        out.begin_array();
        for (const dom_value& item : v.GetArray())
            write_kept(item, tree, out);
        out.end_array();
    } else if (v.IsNull() || !tree.is_read) {
        out.null();
    } else if (v.IsBool()) {
        out.value(v.GetBool());
    } else if (v.IsString()) {
        out.value(text_of(v));
    } else if (v.IsInt64() && std::abs(v.GetInt64()) <= json_writer::integer_max) {
        out.value(v.GetInt64());
    } else {
        out.number(v.GetDouble());
    }
}

std::string kept_text(const dom_value& row, const read_tree& tree)
{
    std::string text;
    json_writer out(text);
    write_kept(row, tree, out);
    return text;
}

void write_field(json_writer& out, const field_reader& field, const field_value& value)
{
    out.key(field.name());
    switch (value.is) {
    case is::text: out.value(value.text); return;
    case is::integer: out.value(value.integer); return;
    case is::boolean: out.value(value.truth); return;
    case is::list:
        out.begin_array();
        for (const std::string& item : value.list)
            out.value(item);
        out.end_array();
        return;
    case is::none:
    case is::wrong: break;
    }
    out.null();
}

failure no_list(const path_finder& path, const dom_value* found)
{
    const std::string what = found ? "\"" + path.name() + "\" is not a list" : "there is no \"" + path.name() + "\"";
    return failure(
        errc::page_malformed,
        "the answer has another shape than expected: " + what,
        "Check base_url; if it is right, the source changed its answers and the manifest must follow."
    );
}

bool is_unrecorded(std::string_view code)
{
    return code.empty() || code == "-";
}

} // namespace

page_mapper::nested::nested(const expand_spec& e, const date_form& dates) : spec(e), list(e.list), pupil(e.pupil, dates)
{
    keep_field(kept, e.pupil, dates, false);
    for (const field_spec& field : e.fields) {
        fields.emplace_back(field, dates);
        keep_field(kept, field, dates, false);
    }
}

page_mapper::page_mapper(const stream_spec& stream, const date_form& dates)
    : stream_(stream), records_(stream.records), source_id_(stream.record.source_id, dates)
{
    const auto reader = [&](const std::optional<field_spec>& field, std::optional<field_reader>& to) {
        if (field) to.emplace(*field, dates);
    };
    reader(stream.window_day, window_day_);
    reader(stream.row_as_of, row_as_of_);
    reader(stream.page_as_of, page_as_of_);
    reader(stream.record.pupil, pupil_);
    fields_.reserve(stream.record.fields.size());
    for (const field_spec& field : stream.record.fields)
        fields_.emplace_back(field, dates);
    for (const expand_spec& e : stream.expand)
        expand_.emplace_back(e, dates);

    for (const auto& field : {stream.window_day, stream.row_as_of, stream.record.pupil})
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
    }
}

// Reads the rows of one page.
class page_mapper::row_reader {
public:
    row_reader(page_mapper& mapper, const lookup_tables& tables, page_storage& storage, page& out)
        : m_(mapper), tables_(tables), pool_(storage.texts), out_(out)
    {
        if (!m_.mark_.code || m_.mark_.code->spec().lookup.empty()) return;
        const auto table = tables.find(m_.mark_.code->spec().lookup);
        if (table == tables.end()) return;
        codes_ = table->second.get();
        raw_ = codes_->column("raw");
        statutory_ = codes_->column("statutory");
    }

    void read(const dom_value& row, std::uint32_t position, std::optional<civil_day> from)
    {
        position_ = position;
        if (!row.IsObject()) return reject(m_.stream_.record.kind, "the row is not an object", row, m_.kept_);
        if (m_.row_as_of_)
            if (const auto at = m_.row_as_of_->read_instant(row); at && (!out_.data_as_of || *at > *out_.data_as_of))
                out_.data_as_of = at;
        if (m_.window_day_) {
            civil_day day;
            if (!m_.window_day_->quick_day(row, day))
                if (field_value why = m_.window_day_->read_day(row, day); why.is == is::wrong)
                    return reject(m_.stream_.record.kind, std::move(why.reason), row, m_.kept_);
            if (!out_.newest_day || day > *out_.newest_day) out_.newest_day = day;
            if (from && day < *from) {
                ++out_.skipped;
                return;
            }
        }
        if (m_.stream_.record.kind == what::session_mark)
            read_mark(row);
        else
            read_record(row);
    }

private:
    void reject(what kind, std::string why, const dom_value& row, const read_tree& kept)
    {
        out_.rejected.emplace_back(kind, std::move(why), kept_text(row, kept), position_);
    }

    // The text of a field; false after it rejected the row.
    bool text_of_field(field_reader* field, const dom_value& row, std::string_view& text)
    {
        if (!field || field->quick_text(row, text)) return true;
        field_value value = field->read(row, nullptr, tables_, pool_);
        if (value.is == is::wrong) {
            reject(what::session_mark, std::move(value.reason), row, m_.kept_);
            return false;
        }
        text = value.text;
        return true;
    }

    void read_mark(const dom_value& row)
    {
        const auto no = [&](std::string why) { reject(what::session_mark, std::move(why), row, m_.kept_); };
        reported_mark mark;
        if (!text_of_field(&m_.source_id_, row, mark.source_id)) return;
        if (!text_of_field(&*m_.pupil_, row, mark.pupil_id)) return;
        if (!m_.mark_.day->quick_day(row, mark.session.day))
            if (field_value why = m_.mark_.day->read_day(row, mark.session.day); why.is == is::wrong)
                return no(std::move(why.reason));
        std::string_view half;
        if (!text_of_field(m_.mark_.session, row, half)) return;
        const auto which = parse_half_day(half);
        if (!which) return no("session is neither AM nor PM");
        mark.session.half = *which;
        if (!read_code(row, mark)) return;
        if (m_.mark_.minutes_late) {
            field_value minutes = m_.mark_.minutes_late->read(row, nullptr, tables_, pool_);
            if (minutes.is == is::wrong) return no(std::move(minutes.reason));
            constexpr std::int64_t day_minutes = 24 * 60;
            if (minutes.is == is::integer) {
                if (minutes.integer < 0 || minutes.integer > day_minutes) return no("minutes_late is out of range");
                mark.minutes_late = static_cast<std::int16_t>(minutes.integer);
            }
        }
        if (!text_of_field(m_.mark_.comment, row, mark.comment)) return;
        if (!text_of_field(m_.mark_.taken_by, row, mark.taken_by)) return;
        out_.marks.push_back(mark);
    }

    bool read_code(const dom_value& row, reported_mark& mark)
    {
        std::string_view id;
        if (!text_of_field(m_.mark_.code, row, id)) return false;
        if (is_unrecorded(id) || !codes_) {
            mark.raw = id;
            mark.statutory = is_unrecorded(id) ? std::string_view() : id;
            return true;
        }
        // Neighbours on a page mostly have the same code.
        if (id != last_id_) {
            const auto at = codes_->rows.find(id);
            last_id_ = id;
            last_raw_ = at == codes_->rows.end() ? id : std::string_view(at->second[raw_]);
            last_statutory_ = at == codes_->rows.end() ? std::string_view() : std::string_view(at->second[statutory_]);
            if (is_unrecorded(last_raw_)) last_statutory_ = {};
        }
        mark.raw = last_raw_;
        mark.statutory = last_statutory_;
        return true;
    }

    // Writes the fields as canonical JSON. `fixed` members come from the engine, in ascending order. False with a
    // reason.
    bool write_fields(
        std::vector<field_reader>& fields,
        const dom_value& row,
        const dom_value* parent,
        const std::vector<std::pair<std::string_view, std::string_view>>& fixed,
        std::string& to,
        std::string& why
    )
    {
        to.reserve(256);
        json_writer out(to);
        out.begin_object();
        auto next = fixed.begin();
        for (field_reader& field : fields) {
            for (; next != fixed.end() && next->first < field.name(); ++next)
                out.member(next->first, next->second);
            field_value value = field.read(row, parent, tables_, pool_);
            if (value.is == is::wrong) {
                why = std::move(value.reason);
                return false;
            }
            if (value.is != is::none) write_field(out, field, value);
        }
        for (; next != fixed.end(); ++next)
            out.member(next->first, next->second);
        out.end_object();
        return true;
    }

    void read_record(const dom_value& row)
    {
        const what kind = m_.stream_.record.kind;
        const auto no = [&](std::string why) { reject(kind, std::move(why), row, m_.kept_); };
        field_value id = m_.source_id_.read(row, nullptr, tables_, pool_);
        if (id.is != is::text) return no(std::move(id.reason));
        field_value pupil;
        if (m_.pupil_) {
            pupil = m_.pupil_->read(row, nullptr, tables_, pool_);
            if (pupil.is != is::text) return no(std::move(pupil.reason));
        }
        // The lists first: a record whose pupils cannot be read is not taken without them.
        std::vector<const dom_value*> lists;
        for (nested& e : m_.expand_) {
            const dom_value* list = e.list.find(row);
            if (!list || !list->IsArray())
                return no(e.list.name() + (!list ? " is missing" : list->IsNull() ? " is null" : " is not a list"));
            lists.push_back(list);
        }
        std::string fields;
        std::string why;
        if (!write_fields(m_.fields_, row, nullptr, {}, fields, why)) return no(std::move(why));
        out_.records.emplace_back(kind, std::string(id.text), std::string(pupil.text), std::move(fields));
        for (std::size_t i = 0; i < lists.size(); ++i)
            for (const dom_value& item : lists[i]->GetArray())
                read_nested(m_.expand_[i], item, row, id.text);
    }

    void read_nested(nested& e, const dom_value& item, const dom_value& row, std::string_view record)
    {
        field_value pupil = e.pupil.read(item, &row, tables_, pool_);
        std::string why = std::move(pupil.reason);
        std::string fields;
        const bool good = pupil.is == is::text &&
                          write_fields(e.fields, item, &row, {{"of", e.spec.of}, {"record", record}}, fields, why);
        if (!good) return reject(e.spec.kind, std::move(why), item, e.kept);
        std::string id(record);
        id += '/';
        id += pupil.text;
        out_.records.emplace_back(e.spec.kind, std::move(id), std::string(pupil.text), std::move(fields));
    }

    page_mapper& m_;
    const lookup_tables& tables_;
    text_pool& pool_;
    page& out_;
    std::uint32_t position_ = 0;
    const lookup_table* codes_ = nullptr;
    std::size_t raw_ = 0;
    std::size_t statutory_ = 0;
    std::string_view last_id_;
    std::string_view last_raw_;
    std::string_view last_statutory_;
};

result<const dom_value*> page_mapper::rows(const dom_value& root)
{
    const dom_value* list = records_.find(root);
    if (!list || !list->IsArray()) return no_list(records_, list);
    return list;
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
    out.rows = rows.Size();
    if (stream_.record.kind == what::session_mark) out.marks.reserve(rows.Size());
    row_reader reader(*this, tables, storage, out);
    std::uint32_t position = 0;
    for (const dom_value& row : rows.GetArray())
        reader.read(row, position++, from);
}

lookup_filler::lookup_filler(const lookup_spec& spec, const date_form& dates)
    : records_(spec.records), key_(spec.key, dates)
{
    for (const field_spec& column : spec.columns)
        columns_.emplace_back(column, dates);
}

result<void> lookup_filler::add(const dom_value& root, lookup_table& table)
{
    const dom_value* list = records_.find(root);
    if (!list || !list->IsArray()) return no_list(records_, list);
    text_pool pool;
    std::size_t position = 0;
    for (const dom_value& row : list->GetArray()) {
        field_value key = key_.read(row, nullptr, {}, pool);
        const auto no = [&](const std::string& why) {
            return failure(
                errc::page_malformed,
                "row " + std::to_string(position) + ": " + why,
                "Report this line to the source's support: without this table its rows have no meaning."
            );
        };
        if (key.is != is::text) return no(key.reason);
        std::vector<std::string> cells;
        for (field_reader& column : columns_) {
            const field_value cell = column.read(row, nullptr, {}, pool);
            if (cell.is == is::wrong) return no(cell.reason);
            cells.emplace_back(cell.text);
        }
        table.rows.try_emplace(std::string(key.text), std::move(cells));
        ++position;
    }
    return {};
}

} // namespace rollbook
