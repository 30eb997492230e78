#include "daemon/ledger/backup_rows.hpp"

namespace rollbook {
namespace {

constexpr std::size_t flush_bytes = 64 * 1024;
constexpr std::uint64_t text_bytes_max = std::uint64_t{64} << 20;
constexpr std::uint64_t columns_max = 100;

void append_whole(std::string& out, std::uint64_t value, std::size_t bytes)
{
    for (std::size_t i = bytes; i-- > 0;)
        out += static_cast<char>(value >> (8 * i) & 0xFF);
}

failure_error unreadable()
{
    return failure_error(failure(
        errc::ledger_in_doubt,
        "the backup's content is not in the form of this program",
        "Use the version that wrote it."
    ));
}

} // namespace

void row_stream_writer::put(std::string_view bytes)
{
    if (const result<void> done = out_.write(bytes); !done) throw failure_error(done.error());
}

void row_stream_writer::text(std::string_view bytes)
{
    append_whole(buffer_, bytes.size(), 4);
    buffer_ += bytes;
}

void row_stream_writer::table(const std::string& name, const std::vector<std::string>& columns)
{
    buffer_ += 'T';
    text(name);
    append_whole(buffer_, columns.size(), 1);
    for (const std::string& each : columns)
        text(each);
}

void row_stream_writer::row(SQLite::Statement& at)
{
    buffer_ += 'R';
    for (int i = 0; i < at.getColumnCount(); ++i) {
        const SQLite::Column column = at.getColumn(i);
        if (column.isNull()) {
            buffer_ += 'N';
        } else if (column.isInteger()) {
            buffer_ += 'I';
            append_whole(buffer_, static_cast<std::uint64_t>(column.getInt64()), 8);
        } else {
            buffer_ += column.isText() ? 'S' : 'B';
            text(text_of(column));
        }
    }
    if (buffer_.size() < flush_bytes) return;
    put(buffer_);
    buffer_.clear();
}

void row_stream_writer::end()
{
    buffer_ += 'E';
    put(buffer_);
    buffer_.clear();
}

void row_stream_reader::need(std::size_t bytes)
{
    while (buffer_.size() - at_ < bytes) {
        buffer_.erase(0, at_);
        at_ = 0;
        const auto more = in_.next();
        if (!more) throw failure_error(more.error());
        if (more->empty()) throw unreadable();
        buffer_ += *more;
    }
}

std::uint64_t row_stream_reader::whole(std::size_t bytes)
{
    need(bytes);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i)
        value = value << 8 | static_cast<unsigned char>(buffer_[at_++]);
    return value;
}

std::string row_stream_reader::text()
{
    const std::uint64_t size = whole(4);
    if (size > text_bytes_max) throw unreadable();
    need(size);
    std::string bytes = buffer_.substr(at_, size);
    at_ += size;
    return bytes;
}

row_stream_reader::part row_stream_reader::next()
{
    switch (static_cast<char>(whole(1))) {
    case 'E': {
        const auto more = in_.next();
        if (!more) throw failure_error(more.error());
        if (!more->empty() || at_ != buffer_.size()) throw unreadable();
        return part::end;
    }
    case 'T': {
        table_ = text();
        const std::uint64_t count = whole(1);
        if (count == 0 || count > columns_max) throw unreadable();
        columns_.clear();
        for (std::uint64_t i = 0; i < count; ++i)
            columns_.push_back(text());
        return part::table;
    }
    case 'R':
        values_.resize(columns_.size());
        for (value& each : values_) {
            each.kind = static_cast<char>(whole(1));
            each.bytes.clear();
            if (each.kind == 'I')
                each.number = static_cast<std::int64_t>(whole(8));
            else if (each.kind == 'S' || each.kind == 'B')
                each.bytes = text();
            else if (each.kind != 'N')
                throw unreadable();
        }
        return part::row;
    default: throw unreadable();
    }
}

void row_stream_reader::bind(SQLite::Statement& to) const
{
    int at = 0;
    for (const value& each : values_) {
        ++at;
        if (each.kind == 'I')
            to.bind(at, each.number);
        else if (each.kind == 'S')
            to.bindNoCopy(at, each.bytes);
        else if (each.kind == 'B')
            to.bindNoCopy(at, each.bytes.data(), static_cast<int>(each.bytes.size()));
        else
            to.bind(at);
    }
}

} // namespace rollbook
