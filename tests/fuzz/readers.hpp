#pragma once

#include "connectors/report/row_source.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rollbook::fuzz {

// Each takes any bytes for a file or an output of its kind, reads it to its end or to its failure and makes records of
// what it says. What must hold of every input is checked with ROLLBOOK_ENSURE.
void read_csv(std::string_view bytes);
void read_xml(std::string_view bytes);
void read_xlsx(std::string_view bytes);   // the whole file
void read_sheet(std::string_view bytes);  // the XML of the sheet in a workbook that is sound but for it
void read_singer(std::string_view bytes); // lines
void read_manifest(std::string_view bytes);
// An answer of a REST source. Its first byte chooses the stream that it is read as, or the decoder that it goes through
// before; the rest is the body.
void read_json(std::string_view bytes);
// A request to the pages: a line with its target, a line with its cookies, and a form.
void read_request(std::string_view bytes);
// A form with a file. Its first byte says in how large pieces the rest arrives.
void read_multipart(std::string_view bytes);

// What a mapping in the tests names: every kind of field.
const record_mapping& example_mapping();

// Texts to begin from.
std::vector<std::string> csv_seeds();
std::vector<std::string> xml_seeds();
std::vector<std::string> sheet_seeds();
std::vector<std::string> singer_seeds();
std::vector<std::string> manifest_seeds();
std::vector<std::string> json_seeds();
std::vector<std::string> request_seeds();
std::vector<std::string> multipart_seeds();
// A workbook with this sheet.
std::string workbook_of(std::string_view sheet);

// Bytes that are handed out in pieces of a size.
class memory_bytes final : public byte_source {
public:
    explicit memory_bytes(std::string_view all, std::size_t piece = 7) : all_(all), piece_(piece) {}
    result<std::size_t> read(std::span<char> into) override
    {
        const std::size_t size = std::min({all_.size(), piece_, into.size()});
        all_.copy(into.data(), size);
        all_.remove_prefix(size);
        return size;
    }

private:
    std::string_view all_;
    std::size_t piece_;
};

} // namespace rollbook::fuzz
