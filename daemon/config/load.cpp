#include "daemon/config/load.hpp"

#include "daemon/base/signed_note.hpp"
#include "daemon/config/sections.hpp"

#include <algorithm>

namespace rollbook {
namespace {

bool is_urn(std::string_view text)
{
    return text.size() == 6 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Returns the calendar's path, or an empty one.
std::filesystem::path read_school(table_reader& root, configuration& into)
{
    std::optional<table_reader> table = root.table("school");
    if (!table) {
        if (!root.has("school")) root.missing("school", "a table [school] with name, urn and calendar");
        return {};
    }
    into.school.name = table->required_text("name", "the school's name");
    into.school.urn = table->required_text("urn", R"(six digits in quotes, such as "900001")");
    if (!into.school.urn.empty() && !is_urn(into.school.urn))
        table->wrong("urn", in_quotes(into.school.urn) + " is not a URN", R"(six digits in quotes, such as "900001")");
    into.school.timezone = table->text("timezone", "a zone such as Europe/London").value_or(into.school.timezone);
    if (!time_zone::named(into.school.timezone))
        table->wrong(
            "timezone",
            in_quotes(into.school.timezone) + " is not a zone this machine knows",
            "a zone such as Europe/London"
        );
    into.school.targeting_label =
        table->text("targeting_meeting", "what the school calls the meeting").value_or(into.school.targeting_label);
    const std::string calendar = table->required_text("calendar", "the path of the calendar file");
    table->refuse_unknown();
    if (calendar.empty()) return {};
    std::filesystem::path file = (into.file.parent_path() / calendar).lexically_normal();
    std::error_code ignored;
    if (std::filesystem::is_regular_file(file, ignored)) return file;
    table->wrong("calendar", "there is no file " + file.string(), "the path of the calendar, from this file's folder");
    return {};
}

// The origin is the first line of every checkpoint and the name of its key (C2SP tlog-checkpoint, signed-note). One
// that is empty is a problem already.
bool is_origin(std::string_view text)
{
    return text.empty() || (is_valid_key_name(text) && text.find('\x7F') == text.npos);
}

void read_ledger(table_reader& root, configuration& into)
{
    std::optional<table_reader> table = root.table("ledger");
    if (!table) {
        if (!root.has("ledger")) root.missing("ledger", "a table [ledger] with path, origin and signing_key");
        return;
    }
    const std::string path = table->required_text("path", "the path of the ledger's file");
    if (!path.empty()) into.ledger.path = (into.file.parent_path() / path).lexically_normal();
    constexpr std::string_view origin_form = "a name such as ledger.example.sch.uk/900001, without spaces and '+'";
    into.ledger.origin = table->required_text("origin", origin_form);
    if (!is_origin(into.ledger.origin))
        table->wrong("origin", "holds a space, a control character or '+'", std::string(origin_form));
    if (!table->has("signing_key")) table->missing("signing_key", secret_forms);
    into.ledger.signing_key = table->secret("signing_key").value_or(secret_reference{});
    into.ledger.vkey = table->text("vkey", "the public key that `rollbook init` printed").value_or("");
    table->refuse_unknown();
}

void read_all(
    const toml_value& document, const std::filesystem::path& packs, problem_list& problems, configuration& into
)
{
    table_reader root(document, {}, problems);
    const std::filesystem::path calendar = read_school(root, into);
    read_ledger(root, into);
    read_sources(root, into);
    read_rules(root, packs, into);
    read_routes(root, into);
    read_casework(root, into);
    read_web(root, into);
    read_backup(root, into);
    read_witness(root, into);
    read_findings(root, into);
    read_sealed_text(root, into);
    read_retention(root, into);
    read_operations(root, into);
    root.refuse_unknown();
    if (!calendar.empty()) into.calendar = read_calendar(calendar, problems.all());
}

template <class Read>
loaded_configuration load(const std::filesystem::path& text, const std::filesystem::path& file, Read&& read)
{
    findings_of_load found;
    configuration out;
    out.file = std::filesystem::absolute(file).lexically_normal();
    problem_list problems(text, found);
    if (const std::optional<toml_value> document = read_toml_file(problems)) read(*document, problems, out);
    if (!found.problems.empty()) {
        std::ranges::stable_sort(found.problems, [&](const auto& a, const auto& b) {
            const auto key = [&](const auto& p) { return std::tuple(p.file != text, p.file.string(), p.line); };
            return key(a) < key(b);
        });
        return configuration_errors{std::move(found.problems)};
    }
    out.warnings = std::move(found.warnings);
    return out;
}

} // namespace

loaded_configuration load_configuration(const std::filesystem::path& file, const std::filesystem::path& packs)
{
    return load_draft(file, file, packs);
}

loaded_configuration
load_draft(const std::filesystem::path& draft, const std::filesystem::path& file, const std::filesystem::path& packs)
{
    return load(draft, file, [&](const toml_value& document, problem_list& problems, configuration& into) {
        read_all(document, packs, problems, into);
    });
}

loaded_configuration load_rules(const std::filesystem::path& file, const std::filesystem::path& packs)
{
    return load(file, file, [&](const toml_value& document, problem_list& problems, configuration& into) {
        table_reader root(document, {}, problems);
        read_rules_alone(root, packs, into);
    });
}

} // namespace rollbook
