#include "daemon/reconcile/narrative.hpp"

#include "daemon/base/bytes.hpp"
#include "daemon/base/canonical_json.hpp"
#include "daemon/base/sealed_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace rollbook {
namespace {

constexpr std::string_view narrative_key = "narrative";

// Members in ascending order, with one of them written by `write_narrative`.
template <class F> std::string with_narrative(json_view fields, F&& write_narrative)
{
    std::map<std::string, json_view, std::less<>> members;
    fields.for_each([&](std::string_view key, json_view value) { members.emplace(key, value); });
    std::string text;
    json_writer out(text);
    out.begin_object();
    for (const auto& [key, value] : members) {
        if (key == narrative_key) {
            write_narrative(out, value);
            continue;
        }
        out.key(key);
        value.write_canonical(out);
    }
    out.end_object();
    return text;
}

} // namespace

narrative_seal::narrative_seal(std::vector<hash> recipients, digester digest)
    : recipients_(std::move(recipients)), digest_(std::move(digest))
{
    std::ranges::sort(recipients_, {}, [](const hash& key) { return format_recipient(key); });
}

std::string proof_of(std::string_view token)
{
    return to_hex(sha256_stream().add(token).finish());
}

std::string unsealed_text(const unsealed& inside)
{
    std::string text;
    json_writer out(text);
    out.begin_object().member("text", inside.text).member("token", inside.token).end_object();
    return text;
}

std::optional<unsealed> read_unsealed(std::string_view opened)
{
    const auto read = json_document::parse(std::string(opened));
    if (!read) return std::nullopt;
    const auto text = read->root()["text"].string_if();
    const auto token = read->root()["token"].string_if();
    if (!text || !token) return std::nullopt;
    return unsealed{std::string(*text), std::string(*token)};
}

std::string narrative_seal::rewritten(const reported_record& record, bool with_boxes) const
{
    if (record.kind != what::concern || record.fields.find("\"narrative\":") == std::string::npos) return record.fields;
    const auto read = json_document::parse(record.fields);
    ROLLBOOK_ENSURE(read.has_value());
    return with_narrative(read->root(), [&](json_writer& out, json_view value) {
        const auto said = value.string_if();
        if (!is_on() || !said) return;
        // The same text has the same token, so that a text that did not change is known again; nobody without the
        // ledger's key can tell it from chance.
        unsealed inside{std::string(*said), {}};
        for (int part = 0; part < 4; ++part)
            inside.token += fmt::format("{:016x}", digest_(fmt::format("narrative/{}/{}", part, *said)));
        out.key(narrative_key).begin_object().member("proof", proof_of(inside.token)).key("sealed").begin_array();
        for (const hash& recipient : recipients_) {
            out.begin_object();
            if (with_boxes) out.member("box", seal(unsealed_text(inside), recipient));
            out.member("recipient", format_recipient(recipient)).end_object();
        }
        out.end_array().end_object();
    });
}

std::string narrative_seal::compared(const reported_record& record) const
{
    return rewritten(record, false);
}

std::string narrative_seal::stored(const reported_record& record) const
{
    return rewritten(record, true);
}

std::string narrative_seal::quarantined(what kind, std::string row) const
{
    if (kind != what::concern || !is_on()) return row;
    std::string text;
    json_writer out(text);
    out.begin_object().key("sealed").begin_array();
    for (const hash& recipient : recipients_)
        out.begin_object()
            .member("box", seal(row, recipient))
            .member("recipient", format_recipient(recipient))
            .end_object();
    out.end_array().end_object();
    return text;
}

std::string compared_fields(json_view fields)
{
    return with_narrative(fields, [](json_writer& out, json_view value) {
        out.key(narrative_key).begin_object();
        out.member("proof", value["proof"].string_if().value_or("")).key("sealed").begin_array();
        value["sealed"].for_each_element([&](json_view each) {
            out.begin_object().member("recipient", each["recipient"].string_if().value_or("")).end_object();
        });
        out.end_array().end_object();
    });
}

std::string with_sealed(json_view fields, json_view narrative)
{
    return with_narrative(fields, [&](json_writer& out, json_view) {
        out.key(narrative_key).begin_object().member("proof", narrative["proof"].string_if().value_or(""));
        out.key("sealed");
        narrative["sealed"].write_canonical(out);
        out.end_object();
    });
}

} // namespace rollbook
