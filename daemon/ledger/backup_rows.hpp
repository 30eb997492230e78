#pragma once

#include "daemon/base/sealed_file.hpp"
#include "daemon/ledger/database.hpp"

// Rows of tables as a stream of bytes, and back: the body of a backup. Format: schemas/backup.md. Private to this
// layer.
namespace rollbook {

class row_stream_writer {
public:
    explicit row_stream_writer(sealed_writer& out) : out_(out) {}
    // Starts the rows of a table.
    void table(const std::string& name, const std::vector<std::string>& columns);
    // The row that the statement stands on.
    void row(SQLite::Statement& at);
    void end();

private:
    void put(std::string_view bytes); // throws failure_error
    void text(std::string_view bytes);

    sealed_writer& out_;
    std::string buffer_;
};

class row_stream_reader {
public:
    explicit row_stream_reader(sealed_reader& in) : in_(in) {}
    enum class part { table, row, end };
    // Reads the next part. Throws failure_error for what is no such stream.
    part next();
    const std::string& table() const { return table_; }
    const std::vector<std::string>& columns() const { return columns_; }
    // Binds the row's values to the parameters of a statement, from 1.
    void bind(SQLite::Statement& to) const;
    // The row's value of that column: a number, or bytes.
    std::int64_t number(std::size_t column) const { return values_[column].number; }
    const std::string& bytes(std::size_t column) const { return values_[column].bytes; }
    std::size_t size() const { return values_.size(); }

private:
    struct value {
        char kind = 'N';
        std::int64_t number = 0;
        std::string bytes;
    };
    void need(std::size_t bytes);
    std::uint64_t whole(std::size_t bytes);
    std::string text();

    sealed_reader& in_;
    std::string buffer_;
    std::size_t at_ = 0;
    std::string table_;
    std::vector<std::string> columns_;
    std::vector<value> values_;
};

} // namespace rollbook
