#include "daemon/reconcile/finding_visibility.hpp"

#include "daemon/domain/finding_settings.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;

namespace {

std::string labels(const char* kind, const char* key, std::vector<std::string> sources)
{
    const auto is_safeguarding = [](std::string_view source) { return source == "cpoms"; };
    std::string text;
    for (const std::string_view name : names_of(visibility_of_finding(kind, key, sources, is_safeguarding)))
        text += std::string(name.substr(0, 1));
    return text;
}

} // namespace

TEST_CASE("a finding is seen by who may see all that it rests on", "[reconcile]")
{
    const auto [kind, key, sources, wanted] = GENERATE(table<const char*, const char*, const char*, const char*>({
        {"mark-missing", "mark-missing/mis/2026-09-14/AM/7", "mis", "a"},
        {"suspension-without-e", "suspension-without-e/mis/3/7", "mis", "ab"},
        {"incident-contradicts-mark", "incident-contradicts-mark/mis/3/7", "mis", "ab"},
        {"incident-contradicts-mark", "incident-contradicts-mark/cpoms/3/7", "cpoms", "abs"},
        {"restraint-not-reported", "restraint-not-reported/mis/3", "mis", "b"},
        {"record-vanished", "record-vanished/mis/2026-09-14/AM/7", "mis", "a"},
        {"record-vanished", "record-vanished/mis/incident/7", "mis", "b"},
        {"record-vanished", "record-vanished/cpoms/concern/7", "cpoms", "as"},
        {"pupil-only-in-safeguarding", "pupil-only-in-safeguarding/cpoms/7", "cpoms", "as"},
        {"flag-differs", "flag-differs/mis/7", "mis", "as"},
        {"source-stale", "source-stale/cpoms", "cpoms", ""},
        {"not-a-kind", "not-a-kind/7", "mis", "abs"},
    }));
    CAPTURE(kind, key);
    CHECK(labels(kind, key, {sources}) == wanted);
}

TEST_CASE("only findings about sources are open to everybody", "[reconcile]")
{
    for (const std::string_view kind : finding_kind_names) {
        CAPTURE(kind);
        const bool is_about_a_source = kind.starts_with("source-") || kind == "totals-differ";
        CHECK(
            labels(std::string(kind).c_str(), std::string(kind).append("/mis/7").c_str(), {"mis"}).empty() ==
            is_about_a_source
        );
    }
}
