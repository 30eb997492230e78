#include "daemon/web/multipart.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <vector>

namespace rollbook {
namespace {

using namespace std::string_literals;

constexpr const char* content_type = "multipart/form-data; boundary=----edge";

struct read_form_file {
    bool is_understood = true;
    bool is_done = false;
    web_fields fields;
    web_fields fields_before_file;
    std::string file;
};

// The body in pieces that end where `cuts` says.
read_form_file read_in_pieces(const std::string& body, const std::vector<std::size_t>& cuts)
{
    multipart_reader reader(multipart_reader::boundary_of(content_type).value());
    read_form_file out;
    bool seen = false;
    std::size_t from = 0;
    for (std::size_t i = 0; i <= cuts.size() && out.is_understood; ++i) {
        const std::size_t to = i == cuts.size() ? body.size() : cuts[i];
        out.is_understood = reader.take(std::string_view(body).substr(from, to - from));
        from = to;
        if (reader.has_file() && !std::exchange(seen, true)) out.fields_before_file = reader.fields();
        out.file += reader.take_file_bytes();
    }
    out.is_done = reader.is_done();
    out.fields = reader.fields();
    return out;
}

std::string part(const std::string& headers, const std::string& content)
{
    return "------edge\r\n" + headers + "\r\n\r\n" + content + "\r\n";
}

std::string field(const std::string& name, const std::string& value)
{
    return part("Content-Disposition: form-data; name=\"" + name + "\"", value);
}

std::string file_part(const std::string& content)
{
    return part(
        "Content-Disposition: form-data; name=\"file\"; filename=\"Ana %22A%22.csv\"\r\nContent-Type: text/csv", content
    );
}

const std::string end = "------edge--\r\n";

TEST_CASE("a form with a file says the same wherever its bytes were parted on the way", "[web]")
{
    // With what looks like the delimiter, and is not.
    const std::string content = "a,b\r\n--\r\n------edg\r\n------edg e\r\n\r\n-- ----edge\r\r\n\0x"s + "\r\n";
    const std::string body =
        field("form_token", "abc") + field("source", "cpoms") + file_part(content) + field("after", "") + end;
    const auto check = [&](const read_form_file& read) {
        CHECK(read.is_understood);
        CHECK(read.is_done);
        CHECK(read.file == content);
        CHECK(read.fields == web_fields{{"after", ""}, {"form_token", "abc"}, {"source", "cpoms"}});
        CHECK(read.fields_before_file.at("form_token") == "abc");
    };
    check(read_in_pieces(body, {}));
    for (std::size_t at = 1; at < body.size(); ++at) {
        CAPTURE(at);
        check(read_in_pieces(body, {at}));
    }
    std::vector<std::size_t> all;
    for (std::size_t at = 1; at < body.size(); ++at)
        all.push_back(at);
    check(read_in_pieces(body, all));
    std::mt19937 dice(20261127);
    for (int i = 0; i < 300; ++i) {
        std::vector<std::size_t> some;
        for (const std::size_t at : all)
            if (dice() % 9 == 0) some.push_back(at);
        check(read_in_pieces(body, some));
    }
}

TEST_CASE("an empty file, and a form without one, are what they are", "[web]")
{
    const auto empty = read_in_pieces(file_part("") + end, {});
    CHECK(empty.is_done);
    CHECK(empty.file.empty());
    const auto none = read_in_pieces(field("source", "cpoms") + end, {});
    CHECK(none.is_done);
    CHECK(none.fields.at("source") == "cpoms");
}

TEST_CASE("what is no form with one file is refused, and stays refused", "[web]")
{
    const std::string disposition = "Content-Disposition: form-data; name=\"a\"";
    const std::vector<std::pair<const char*, std::string>> wrong = {
        {"something before the first part", "x\r\n" + field("a", "b") + end},
        {"two files", file_part("a") + file_part("b") + end},
        {"a field twice", field("a", "b") + field("a", "c") + end},
        {"a field without a name", part("Content-Disposition: form-data", "b") + end},
        {"an empty name", field("", "b") + end},
        {"no disposition", part("Content-Type: text/plain", "b") + end},
        {"two dispositions", part(disposition + "\r\n" + disposition, "b") + end},
        {"another disposition", part("Content-Disposition: attachment; name=\"a\"", "b") + end},
        {"another encoding", part(disposition + "\r\nContent-Transfer-Encoding: base64", "b") + end},
        {"a quote that does not end", part("Content-Disposition: form-data; name=\"a", "b") + end},
        {"a header that is none", part(disposition + "\r\nnothing", "b") + end},
        {"a field too long", field("a", std::string(5'000, 'b')) + end},
        {"headers too long", part(disposition + "\r\nX: " + std::string(5'000, 'b'), "c") + end},
        {"a field that is no text", field("a", "\xFF") + end},
        {"a field with a NUL", field("a", "b\0"s) + end},
        {"something behind a boundary", "------edge \r\n" + disposition + "\r\n\r\nb\r\n" + end},
        {"eleven parts",
         [] {
             std::string all;
             for (char name = 'a'; name < 'l'; ++name)
                 all += field(std::string(1, name), "");
             return all + end;
         }()},
    };
    for (const auto& [what, body] : wrong) {
        CAPTURE(what);
        multipart_reader reader(multipart_reader::boundary_of(content_type).value());
        CHECK(!(reader.take(body) && reader.is_done()));
        CHECK_FALSE(reader.take(end));
        CHECK_FALSE(reader.is_done());
    }
    CHECK_FALSE(read_in_pieces(field("a", "b"), {}).is_done);
    CHECK_FALSE(read_in_pieces("", {}).is_done);
}

TEST_CASE("a boundary is taken as RFC 2046 allows it, and from no other type", "[web]")
{
    const auto of = [](const char* text) { return multipart_reader::boundary_of(text).value_or("-"); };
    CHECK(of("multipart/form-data; boundary=abc") == "abc");
    CHECK(of("Multipart/Form-Data; charset=utf-8; Boundary=\"a b?c\"") == "a b?c");
    CHECK(of("multipart/form-data") == "-");
    CHECK(of("multipart/form-data; boundary=") == "-");
    CHECK(of("multipart/form-data; boundary=\"abc \"") == "-");
    CHECK(of("multipart/form-data; boundary=\"abc") == "-");
    CHECK(of("multipart/form-data; boundary=a; boundary=b") == "-");
    CHECK(of("multipart/form-data; boundary=a\xC3\xA9") == "-");
    CHECK(of("multipart/mixed; boundary=abc") == "-");
    CHECK(of("application/x-www-form-urlencoded") == "-");
    CHECK(of(("multipart/form-data; boundary=" + std::string(70, 'a')).c_str()) == std::string(70, 'a'));
    CHECK(of(("multipart/form-data; boundary=" + std::string(71, 'a')).c_str()) == "-");
}

} // namespace
} // namespace rollbook
