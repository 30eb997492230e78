#pragma once

// For page_mapper.cpp only: it includes the whole of RapidJSON's document.
#include "connectors/mapping/values.hpp"
#include "connectors/rest/dom.hpp"
#include "connectors/rest/page_mapper.hpp"
#include "daemon/base/canonical_json.hpp"

#include <algorithm>

namespace rollbook {

inline void write_field(json_writer& out, const field_reader& field, const field_value& value)
{
    out.key(field.name());
    switch (value.is) {
    case field_value::kind::text: out.value(value.text); return;
    case field_value::kind::integer: out.value(value.integer); return;
    case field_value::kind::boolean: out.value(value.truth); return;
    case field_value::kind::list:
        out.begin_array();
        for (const std::string& item : value.list)
            out.value(item);
        out.end_array();
        return;
    case field_value::kind::none:
    case field_value::kind::wrong: break;
    }
    out.null();
}

inline bool is_unrecorded(std::string_view code)
{
    return code.empty() || code == "-";
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

    // `parent` is the record that an item stands in, where rows are the items of a list in each record.
    void read(const dom_value& row, const dom_value* parent, std::uint32_t position, std::optional<civil_day> from)
    {
        position_ = position;
        parent_ = parent;
        if (!row.IsObject()) return reject(m_.stream_.record.kind, "the row is not an object", row, m_.kept_);
        if (!parent && !m_.only_.empty() && !m_.only_.hold(row)) {
            ++out_.skipped;
            return;
        }
        if (m_.cursor_) note_cursor(row);
        for (condition_list& gone : m_.gone_when_)
            if (gone.hold(row)) return read_gone(row);
        if (m_.row_as_of_)
            if (const auto at = m_.row_as_of_->read_instant(row); at && (!out_.data_as_of || *at > *out_.data_as_of))
                out_.data_as_of = at;
        if (m_.window_day_) {
            civil_day day;
            const dom_value& of = base(*m_.window_day_, row);
            if (!m_.window_day_->quick_day(of, day))
                if (field_value why = m_.window_day_->read_day(of, day); why.is == field_value::kind::wrong)
                    return reject(m_.stream_.record.kind, std::move(why.reason), row, m_.kept_);
            if (!out_.newest_day || day > *out_.newest_day) out_.newest_day = day;
            if (from && day < *from) {
                ++out_.skipped;
                return;
            }
        }
        if (m_.history_day_ && is_before(from, row)) return;
        if (m_.stream_.record.kind == what::session_mark)
            read_mark(row);
        else
            read_record(row);
    }

    // A record whose items cannot be told apart. Of whom they are it may say itself.
    void reject_record(const dom_value& row, std::uint32_t position, std::string why)
    {
        position_ = position;
        parent_ = &row;
        put_aside(m_.stream_.record.kind, std::move(why), row, m_.kept_);
        if (row.IsObject() && m_.pupil_ && m_.pupil_->spec().of_parent)
            out_.rejected.back().whose.pupil_id = text_in(*m_.pupil_, row);
    }

private:
    const dom_value& base(const field_reader& field, const dom_value& row) const
    {
        return field.spec().of_parent && parent_ ? *parent_ : row;
    }

    // Whether the row belongs to days before the history, or cannot be told; it is then counted as skipped or rejected.
    bool is_before(std::optional<civil_day> history, const dom_value& row)
    {
        civil_day day;
        const field_value why = m_.history_day_->read_day(base(*m_.history_day_, row), day);
        if (why.is == field_value::kind::wrong) {
            reject(m_.stream_.record.kind, why.reason, row, m_.kept_);
            return true;
        }
        if (!history || day >= *history) return false;
        ++out_.skipped;
        return true;
    }

    // The newest cursor of the read, and whether the rows keep the order that the source promises.
    void note_cursor(const dom_value& row)
    {
        std::optional<std::int64_t> at;
        if (m_.stream_.incremental->is_time) {
            if (const auto moment = m_.cursor_->read_instant(row)) at = moment->time_since_epoch().count();
        } else {
            const field_value number = m_.cursor_->read(row, parent_, tables_, pool_);
            if (number.is == field_value::kind::integer) at = number.integer;
        }
        if (!at) return;
        if (m_.last_cursor_ && *at < *m_.last_cursor_) m_.disorder_ = true;
        m_.last_cursor_ = at;
        m_.newest_cursor_ = std::max(m_.newest_cursor_.value_or(*at), *at);
    }

    void read_gone(const dom_value& row)
    {
        field_value id = m_.source_id_.read(row, parent_, tables_, pool_);
        if (id.is != field_value::kind::text)
            return reject(m_.stream_.record.kind, std::move(id.reason), row, m_.kept_);
        out_.gone.emplace_back(m_.stream_.record.kind, std::string(id.text));
    }

    void put_aside(what kind, std::string why, const dom_value& row, const read_tree& kept)
    {
        out_.rejected.emplace_back(kind, std::move(why), kept_text(row, kept), position_);
    }

    void reject(what kind, std::string why, const dom_value& row, const read_tree& kept)
    {
        put_aside(kind, std::move(why), row, kept);
        if (row.IsObject()) identify(row, out_.rejected.back().whose);
    }

    // Empty where it cannot be read.
    std::string text_in(field_reader& field, const dom_value& row)
    {
        const field_value value = field.read(row, parent_, tables_, pool_);
        return value.is == field_value::kind::text ? std::string(value.text) : std::string();
    }

    void identify(const dom_value& row, row_identity& whose)
    {
        if (m_.stream_.record.kind != what::session_mark) {
            whose.source_id = text_in(m_.source_id_, row);
            return;
        }
        whose.pupil_id = text_in(*m_.pupil_, row);
        civil_day day;
        if (m_.mark_.day->read_day(base(*m_.mark_.day, row), day).is != field_value::kind::wrong &&
            is_register_day(day))
            whose.day = day;
        whose.half = parse_half_day(text_in(*m_.mark_.session, row));
    }

    // The text of a field; false after it rejected the row.
    bool text_of_field(field_reader* field, const dom_value& row, std::string_view& text)
    {
        if (!field || field->quick_text(row, text)) return true;
        field_value value = field->read(row, parent_, tables_, pool_);
        if (value.is == field_value::kind::wrong) {
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
        const dom_value& of = base(*m_.mark_.day, row);
        if (!m_.mark_.day->quick_day(of, mark.session.day))
            if (field_value why = m_.mark_.day->read_day(of, mark.session.day); why.is == field_value::kind::wrong)
                return no(std::move(why.reason));
        if (!is_register_day(mark.session.day)) return no("day is outside the years that a register can hold");
        std::string_view half;
        if (!text_of_field(m_.mark_.session, row, half)) return;
        // Some sources keep one event for the whole day.
        const bool whole_day = half == "AM+PM";
        const auto which = whole_day ? std::optional(half_day::am) : parse_half_day(half);
        if (!which) return no("session is neither AM nor PM");
        mark.session.half = *which;
        if (!read_code(row, mark)) return;
        if (m_.mark_.minutes_late) {
            field_value minutes = m_.mark_.minutes_late->read(row, parent_, tables_, pool_);
            if (minutes.is == field_value::kind::wrong) return no(std::move(minutes.reason));
            constexpr std::int64_t day_minutes = 24 * 60;
            if (minutes.is == field_value::kind::integer) {
                if (minutes.integer < 0 || minutes.integer > day_minutes) return no("minutes_late is out of range");
                mark.minutes_late = static_cast<std::int16_t>(minutes.integer);
            }
        }
        if (!text_of_field(m_.mark_.comment, row, mark.comment)) return;
        if (!text_of_field(m_.mark_.taken_by, row, mark.taken_by)) return;
        if (!read_amendment(row, mark)) return;
        out_.marks.push_back(mark);
        if (!whole_day) return;
        mark.session.half = half_day::pm;
        out_.marks.push_back(mark);
    }

    bool read_amendment(const dom_value& row, reported_mark& mark)
    {
        std::array<std::string_view, 4> said;
        for (std::size_t i = 0; i < said.size(); ++i)
            if (!text_of_field(m_.mark_.amended[i], row, said[i])) return false;
        std::string text = amendment_in(said[0], said[1], said[2], said[3]);
        if (!text.empty()) mark.amendment = pool_.keep(std::move(text));
        return true;
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
            if (value.is == field_value::kind::wrong) {
                why = std::move(value.reason);
                return false;
            }
            if (value.is != field_value::kind::none) write_field(out, field, value);
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
        field_value id = m_.source_id_.read(row, parent_, tables_, pool_);
        if (id.is != field_value::kind::text) return no(std::move(id.reason));
        field_value pupil;
        if (m_.pupil_) {
            pupil = m_.pupil_->read(row, parent_, tables_, pool_);
            if (pupil.is != field_value::kind::text) return no(std::move(pupil.reason));
        }
        // The lists first: a record whose pupils cannot be read is not taken without them.
        std::vector<const dom_value*> lists;
        for (nested& e : m_.expand_) {
            const dom_value* list = e.list.find(row);
            if (!list || !(list->IsArray() || list->IsObject()))
                return no(e.list.name() + (!list ? " is missing" : list->IsNull() ? " is null" : " is not a list"));
            lists.push_back(list);
        }
        std::string fields;
        std::string why;
        if (!write_fields(m_.fields_, row, parent_, {}, fields, why)) return no(std::move(why));
        out_.records.emplace_back(kind, std::string(id.text), std::string(pupil.text), std::move(fields));
        for (std::size_t i = 0; i < lists.size(); ++i) {
            // A relation to one is the object itself.
            if (lists[i]->IsObject()) {
                read_nested(m_.expand_[i], *lists[i], row, id.text);
                continue;
            }
            for (const dom_value& item : lists[i]->GetArray())
                read_nested(m_.expand_[i], item, row, id.text);
        }
    }

    void read_nested(nested& e, const dom_value& item, const dom_value& row, std::string_view record)
    {
        field_value pupil = e.pupil.read(item, &row, tables_, pool_);
        std::string why = std::move(pupil.reason);
        std::string fields;
        const bool good = pupil.is == field_value::kind::text &&
                          write_fields(e.fields, item, &row, {{"of", e.spec.of}, {"record", record}}, fields, why);
        std::string id(record);
        id += '/';
        id += pupil.text;
        if (!good) {
            put_aside(e.spec.kind, std::move(why), item, e.kept);
            if (pupil.is == field_value::kind::text) out_.rejected.back().whose.source_id = std::move(id);
            return;
        }
        out_.records.emplace_back(e.spec.kind, std::move(id), std::string(pupil.text), std::move(fields));
    }

    page_mapper& m_;
    const lookup_tables& tables_;
    page_texts& pool_;
    page& out_;
    const dom_value* parent_ = nullptr;
    std::uint32_t position_ = 0;
    const lookup_table* codes_ = nullptr;
    std::size_t raw_ = 0;
    std::size_t statutory_ = 0;
    std::string_view last_id_;
    std::string_view last_raw_;
    std::string_view last_statutory_;
};

} // namespace rollbook
