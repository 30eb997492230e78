#include "daemon/base/error.hpp"
#include "daemon/base/utf8.hpp"
#include "daemon/web/http.hpp"
#include "daemon/web/multipart.hpp"
#include "tests/fuzz/readers.hpp"

namespace rollbook::fuzz {
namespace {

void check_fields(const web_fields& fields)
{
    for (const auto& [name, value] : fields)
        ROLLBOOK_ENSURE(is_valid_utf8(name) && is_valid_utf8(value));
}

std::string_view line_of(std::string_view& bytes)
{
    const std::string_view line = bytes.substr(0, bytes.find('\n'));
    bytes.remove_prefix(std::min(line.size() + 1, bytes.size()));
    return line;
}

} // namespace

void read_request(std::string_view bytes)
{
    const std::string_view target_text = line_of(bytes);
    const std::string_view cookies = line_of(bytes);
    if (const auto target = parse_target(target_text)) {
        const std::string& path = target->path;
        ROLLBOOK_ENSURE(is_valid_utf8(path) && path.starts_with('/') && path.find("//") == std::string::npos);
        for (const char c : path)
            ROLLBOOK_ENSURE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F && c != '\\');
        for (const char* step : {"/./", "/../"})
            ROLLBOOK_ENSURE((path + "/").find(step) == std::string::npos);
        check_fields(target->query);
    }
    (void)parse_cookies(cookies);
    if (const auto form = parse_form(bytes)) check_fields(*form);
}

void read_multipart(std::string_view bytes)
{
    if (bytes.empty()) return;
    const std::size_t piece = static_cast<unsigned char>(bytes[0]) + 1;
    bytes.remove_prefix(1);
    struct outcome {
        bool is_understood = true;
        bool is_done = false;
        web_fields fields;
        std::string file;
        bool operator==(const outcome&) const = default;
    };
    const auto read = [bytes](std::size_t size) {
        multipart_reader reader("edge");
        outcome out;
        for (std::size_t at = 0; at < bytes.size() && out.is_understood && !out.is_done; at += size) {
            out.is_understood = reader.take(bytes.substr(at, size));
            out.is_done = reader.is_done();
            out.file += reader.take_file_bytes();
        }
        if (out.is_understood) out.fields = reader.fields();
        return out;
    };
    outcome in_pieces = read(piece);
    outcome at_once = read(bytes.size() + 1);
    ROLLBOOK_ENSURE(in_pieces.file.size() <= bytes.size());
    check_fields(in_pieces.fields);
    // What is refused is refused however it arrives, and nothing of it is used.
    if (!in_pieces.is_understood || !at_once.is_understood) {
        in_pieces.file.clear();
        at_once.file.clear();
    }
    ROLLBOOK_ENSURE(in_pieces == at_once);
}

std::vector<std::string> multipart_seeds()
{
    const auto part = [](const std::string& headers, const std::string& content) {
        return "--edge\r\nContent-Disposition: form-data; " + headers + "\r\n\r\n" + content + "\r\n";
    };
    const std::string body =
        part("name=\"form_token\"", "abc") + part("name=source", "cpoms") +
        part("name=\"file\"; filename=\"a %22b.csv\"\r\nContent-Type: text/csv", "a,b\r\n--edg\r\n") + "--edge--\r\n";
    return {"\x01" + body, "\x40" + body, "\xFF--edge--\r\n", "\x07" + part("name=\"a\"", "") + "--edge"};
}

std::vector<std::string> request_seeds()
{
    return {
        "/alerts.json?state=all&known_at=2026-11-23T09%3A00%3A00Z\n__Host-rollbook_session=abc; "
        "x=1\nform_token=0&do=close&text=a+b%0D%0Ac",
        "/pupils/P-12\nrollbook_form=\npupil_12=on&outcome=no-answer&text=%C3%A9",
        "/reports/no-reason.xlsx?from=2026-09-01&to=2026-11-30\n\n",
        "/...json\n;;=;\n&&=&a=&=b&%zz",
        "/entries/18446744073709551616\na=\xFF\n%ff=%00",
    };
}

} // namespace rollbook::fuzz
