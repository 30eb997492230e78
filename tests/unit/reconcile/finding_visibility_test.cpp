#include "daemon/reconcile/finding_visibility.hpp"

#include "daemon/domain/finding_settings.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;

namespace {

std::string labels(std::string_view kind, std::string_view key)
{
    std::string text;
    for (const std::string_view name : names_of(visibility_of_finding(kind, key)))
        text += std::string(name.substr(0, 1));
    return text;
}

} // namespace

TEST_CASE("a finding speaks of what its kind is about", "[reconcile]")
{
    const auto [kind, key, wanted] = GENERATE(table<const char*, const char*, const char*>({
        {"mark-missing", "mark-missing/mis/2026-09-14/AM/7", "a"},
        {"suspension-without-e", "suspension-without-e/mis/3/7", "ab"},
        {"incident-contradicts-mark", "incident-contradicts-mark/mis/3/7", "ab"},
        {"restraint-not-reported", "restraint-not-reported/mis/3", "b"},
        {"record-vanished", "record-vanished/mis/2026-09-14/AM/7", "a"},
        {"record-vanished", "record-vanished/mis/incident/7", "b"},
        {"record-vanished", "record-vanished/cpoms/concern/7", "s"},
        {"incident-in-one-system", "incident-in-one-system/mis/7", "bs"},
        {"pupil-only-in-safeguarding", "pupil-only-in-safeguarding/cpoms/7", "a"},
        {"flag-differs", "flag-differs/mis/7", "as"},
        {"source-stale", "source-stale/cpoms", ""},
        {"not-a-kind", "not-a-kind/7", "abspf"}, // all there are
    }));
    CAPTURE(kind, key);
    CHECK(labels(kind, key) == wanted);
}

TEST_CASE("only findings about sources speak of nothing that is kept from anybody", "[reconcile]")
{
    for (const std::string_view kind : finding_kind_names) {
        CAPTURE(kind);
        const bool is_about_a_source = kind.starts_with("source-") || kind == "totals-differ";
        CHECK(labels(kind, std::string(kind) + "/mis/7").empty() == is_about_a_source);
    }
}
