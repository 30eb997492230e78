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
// The files that a school writes. The first byte says which of them the rest is, the others being sound: the
// configuration, the calendar, the mapping of a report folder or of a tap, the watch list, a pack of rules.
void read_configuration(std::string_view bytes);
void read_ical(std::string_view bytes); // a published calendar
// A signed note or key, or a file in which somebody kept such: a mail, a witness's answer.
void read_checkpoint(std::string_view bytes);
void read_proof(std::string_view bytes);   // a proof file, or what a witness is asked
void read_sealed(std::string_view bytes);  // a backup, or a recipient's key
void read_control(std::string_view bytes); // a request to the socket beside the ledger
void read_mail(std::string_view bytes);    // a mail in the mailbox of what came back
// The payloads of a ledger's entries, one a line, as a ledger file or a backup brings them.
void read_payload(std::string_view bytes);
// A head and a body that a source answered with. Two bytes before choose how the source pages, and what was asked.
void read_answer(std::string_view bytes);
void read_token(std::string_view bytes);  // the same of a log-in, of a source or of a mailbox
void read_letter(std::string_view bytes); // a school's template
void read_pem(std::string_view bytes);    // the file of a certificate, or a name to ask for one
// A text that is to become a line of the log. Its first byte chooses the event.
void read_log(std::string_view bytes);
// What a restore reads. The first byte says which: a change to the content of a backup before it was signed, or to a
// backup's file; the journal of erasures beside it; what people decided.
void read_backup(std::string_view bytes);

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
std::vector<std::string> configuration_seeds();
std::vector<std::string> ical_seeds();
std::vector<std::string> checkpoint_seeds();
std::vector<std::string> proof_seeds();
std::vector<std::string> sealed_seeds();
std::vector<std::string> control_seeds();
std::vector<std::string> mail_seeds();
std::vector<std::string> payload_seeds();
std::vector<std::string> answer_seeds();
std::vector<std::string> token_seeds();
std::vector<std::string> letter_seeds();
std::vector<std::string> pem_seeds();
std::vector<std::string> log_seeds();
std::vector<std::string> backup_seeds();
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
