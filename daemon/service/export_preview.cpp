#include "daemon/service/export_preview.hpp"

#include "daemon/base/json.hpp"
#include "daemon/service/probe.hpp"

#include <algorithm>

namespace rollbook {

namespace asio = boost::asio;

namespace {

std::string masked_text(json_view value)
{
    if (const auto text = value.string_if()) return masked_shape(*text);
    if (!value.is_array()) return value.is_bool() ? "yes or no" : "9";
    std::string all;
    value.for_each_element([&](json_view each) { all.append(all.empty() ? "" : ", ").append(masked_text(each)); });
    return masked_shape(all);
}

export_preview::cells masked_cells(const result<json_document>& read)
{
    export_preview::cells out;
    if (!read) return out;
    read->root().for_each([&](std::string_view name, json_view value) { out.emplace_back(name, masked_text(value)); });
    return out;
}

} // namespace

// Adds up what the pages of one file say. Not in the unnamed namespace: it is part of a coroutine's frame.
class export_tally {
public:
    void add(const page& got)
    {
        const std::size_t before = out_.rows;
        out_.rows += got.rows;
        for (const reported_mark& mark : got.marks)
            add(mark);
        for (const reported_record& record : got.records)
            add(record);
        for (const rejected_row& row : got.rejected) {
            ++out_.rows_aside;
            ++out_.reasons[row.reason];
            if (out_.aside.size() < put_aside_shown_max)
                out_.aside.push_back(
                    {before + row.position + 1, row.reason, masked_cells(json_document::parse(row.row))}
                );
        }
    }

    export_preview take()
    {
        for (auto& [name, field] : fields_) {
            field.name = name;
            out_.fields.push_back(std::move(field));
        }
        return std::move(out_);
    }

private:
    void add(const reported_mark& mark)
    {
        export_preview::cells cells;
        const auto cell = [&](const char* name, std::string_view value) {
            if (!value.empty()) cells.emplace_back(name, masked_shape(value));
        };
        cell("comment", mark.comment);
        cell("day", format_day(mark.session.day));
        cell("pupil", mark.pupil_id);
        cell("raw", mark.raw);
        cell("statutory", mark.statutory);
        cell("taken_by", mark.taken_by);
        note_day(format_day(mark.session.day));
        note(name_of(what::session_mark), std::move(cells));
    }

    void add(const reported_record& record)
    {
        const auto read = json_document::parse(record.fields);
        if (read)
            if (const auto day = read->root()["day"].string_if()) note_day(*day);
        note(name_of(record.kind), masked_cells(read));
    }

    void note_day(std::string_view day)
    {
        if (out_.first_day.empty() || day < out_.first_day) out_.first_day = day;
        if (day > out_.last_day) out_.last_day = day;
    }

    void note(std::string_view kind, export_preview::cells cells)
    {
        const std::size_t seen = ++out_.kinds[std::string(kind)];
        for (const auto& [name, shape] : cells) {
            if (shape.empty()) continue;
            export_preview::field& field = fields_[std::string(kind) + "." + name];
            if (++field.filled == 1) field.shape = shape;
        }
        if (seen <= samples_max) out_.samples.push_back({std::string(kind), std::move(cells)});
    }

    export_preview out_;
    std::map<std::string, export_preview::field> fields_;
};

asio::awaitable<result<export_preview>> preview(connector& from, const std::atomic<bool>* is_ending)
{
    if (const result<void> begun = co_await from.begin_run(); !begun) co_return begun.error();
    export_tally all;
    if (!from.has_news(0)) {
        export_preview known = all.take();
        known.was_read_before = true;
        co_return known;
    }
    std::optional<std::string> at;
    do {
        if (is_ending && *is_ending) co_return failure(errc::stopped, "the daemon is stopping", "Try again later.");
        std::optional<std::string> place = at;
        const result<page> got = co_await from.fetch_page(0, std::nullopt, std::move(place));
        if (!got) co_return got.error();
        all.add(*got);
        at = got->next;
    } while (at);
    co_return all.take();
}

} // namespace rollbook
