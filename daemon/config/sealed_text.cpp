#include "daemon/base/sealed_file.hpp"
#include "daemon/config/sections.hpp"
#include "daemon/ports/record_mapping.hpp"

#include <algorithm>

namespace rollbook {
namespace {

constexpr std::string_view recipient_form =
    "the line that `rollbook unseal --keygen FILE` prints on the person's machine";
constexpr std::size_t recipients_max = 16;

void take_recipient(table_reader& table, std::string_view key, const std::string& text, std::vector<std::string>& into)
{
    if (!parse_recipient(text))
        table.wrong(key, "holds what is no recipient's public key", std::string(recipient_form));
    else if (std::ranges::count(into, text) > 0)
        table.wrong(key, "names one key twice", "a key of each person's own");
    else
        into.push_back(text);
}

bool names_narrative(const source_configuration& source)
{
    return source.mapping && std::ranges::any_of(source.mapping->records, [](const record_mapping& each) {
               return each.column_of("narrative") != nullptr;
           });
}

} // namespace

void read_sealed_text(table_reader& root, configuration& into)
{
    if (std::optional<table_reader> table = root.table("sealed_text")) {
        configuration::sealed_text_section out;
        for (const std::string_view key : {"recipients", "escrow"})
            if (!table->has(key)) table->missing(key, recipient_form);
        const auto named = table->texts("recipients", recipient_form).value_or(std::vector<std::string>());
        for (const std::string& text : named)
            take_recipient(*table, "recipients", text, out.recipients);
        if (table->has("recipients") && named.size() < 2)
            table->wrong("recipients", "names one person only", "the safeguarding lead and a deputy at least");
        if (named.size() > recipients_max) table->wrong("recipients", "names too many", "at most 16");
        if (const auto escrow = table->text("escrow", recipient_form))
            take_recipient(*table, "escrow", *escrow, out.recipients);
        table->refuse_unknown();
        into.sealed_text = std::move(out);
        return;
    }
    for (const source_configuration& source : into.sources)
        if (names_narrative(source))
            root.missing(
                "sealed_text",
                "recipients and an escrow: the mapping of source \"" + source.name +
                    "\" names a narrative, which is never read in clear"
            );
}

} // namespace rollbook
