#pragma once

#include "connectors/mapping/dates.hpp"
#include "connectors/mapping/pupil_directory.hpp"
#include "connectors/mapping/table_row.hpp"
#include "daemon/ports/connector.hpp"
#include "daemon/ports/record_mapping.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace rollbook {

// Turns rows into canonical records as a mapping says. One row of a concern or an incident becomes the record itself,
// without pupils, and an involvement for each pupil in it; rows that share a key are one record.
//
// A value that a spreadsheet has spoilt (a UPN or an id as 1.2E+12, a date as a day number, an id without its leading
// zeros) rejects its row with the field's name; nothing is put right by guessing.
//
// The rows of a file go by twice: learn() first, so that a pupil has one id in all of them, then map().
class row_mapper {
public:
    // The mapping must outlive it. `zone`: of dates that name none. `tells_pupils`: whether the pupils that rows name
    // become records of their own; without, another list tells of them.
    row_mapper(const record_mapping& mapping, const time_zone& zone, bool tells_pupils = true);

    // The mapping's columns, in the order in which a row's cells stand.
    const std::vector<mapped_column>& columns() const { return mapping_.columns; }

    // False when the file names more pupils than any school has.
    bool learn(const table_row& row);
    // Adds what row number `position` of its page says. Texts of marks are kept in `texts`, which must live as long as
    // the page.
    void map(const table_row& row, std::uint32_t position, std::deque<std::string>& texts, page& out);

    // Forgets what map() told already, but not who the pupils are: for reading the file again from its beginning.
    void rewind();
    // Forgets everything: for another file, or another run of a tap.
    void forget();

private:
    struct read_row;

    bool read_pupil(const table_row& row, pupil_words& into, std::string& why);
    bool read_value(std::size_t column, const table_row& row, read_row& into, std::string& why);
    bool read(const table_row& row, read_row& into, std::string& why);
    const mappable_field* missing_of_key(const read_row& row) const;
    void rename(read_row& row) const;
    std::string key_of(const read_row& row, const std::vector<std::string>& pupils) const;
    std::vector<std::string> pupils_of(const read_row& row) const;
    void tell_pupil(const std::string& id, page& out);
    void add_mark(const read_row& row, const std::string& pupil, std::deque<std::string>& texts, page& out);
    void add_shared(const read_row& row, const table_row& from, std::uint32_t position, page& out);
    void identify(const table_row& from, page& out);
    void reject(what kind, std::string why, const table_row& row, std::uint32_t position, page& out) const;

    const record_mapping& mapping_;
    const bool tells_pupils_;
    std::vector<date_reader> dates_; // one for each column
    pupil_directory pupils_;
    std::unordered_set<std::string> told_;                   // pupils whose record is out
    std::unordered_map<std::uint64_t, std::uint64_t> keyed_; // digests: key -> what the first row of it said
};

// The kinds of record a mapping makes.
std::vector<what> kinds_made(const record_mapping& mapping);

} // namespace rollbook
