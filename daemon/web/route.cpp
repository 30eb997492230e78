#include "daemon/web/route.hpp"

#include "daemon/base/bytes.hpp"
#include "daemon/reports/report.hpp"

#include <array>

namespace rollbook {
namespace {

bool everyone_may(role)
{
    return true;
}

bool sees_marks(role of)
{
    return sees_pupils(of);
}

bool may_browse(role of)
{
    return works_with_pupils(of) || of == role::auditor;
}

bool sees_totals(role of)
{
    return of != role::governor;
}

bool sees_groups(role of)
{
    return of != role::admin;
}

bool is_admin(role of)
{
    return of == role::admin;
}

constexpr route page(std::string_view name, page_maker make, bool (*may)(role))
{
    return route{.name = name, .make = make, .may = may};
}

// Says nothing of who asks but by role and scope, and has no form of its own.
constexpr route kept_page(std::string_view name, page_maker make, bool (*may)(role))
{
    return route{.name = name, .make = make, .is_kept = true, .may = may};
}

constexpr route page_of_all(std::string_view name, page_maker make, bool (*may)(role))
{
    return route{.name = name, .make = make, .counts_all = true, .may = may};
}

constexpr route long_page(std::string_view name, page_maker make, bool (*may)(role))
{
    return route{.name = name, .make = make, .is_long = true, .may = may};
}

constexpr route page_of(
    std::string_view name,
    page_maker make,
    std::string_view prefix,
    bool (*may)(role),
    bool (*may_decide)(role) = nullptr
)
{
    return route{
        .name = name,
        .make = make,
        .by_id = true,
        .id_prefix = prefix,
        .posts = may_decide != nullptr,
        .may = may,
        .may_decide = may_decide};
}

// With forms that decide about what is listed on it.
constexpr route list_of(std::string_view name, page_maker make, bool (*may)(role), bool (*may_decide)(role))
{
    return route{.name = name, .make = make, .posts = true, .may = may, .may_decide = may_decide};
}

constexpr route open_to_all(handler does, bool posts = false)
{
    return route{.does = does, .posts = posts, .is_open = true};
}

struct place {
    std::string_view path; // of a route by id: up to its prefix
    route to;
};

const std::array places = {
    place{"/", {.does = handler::home, .may = everyone_may}},
    place{"/login", open_to_all(handler::login, true)},
    place{"/setup", open_to_all(handler::setup, true)},
    place{"/logout", {.does = handler::logout, .gets = false, .posts = true, .may = everyone_may}},
    place{"/style.css", open_to_all(handler::style)},
    place{"/icon.svg", open_to_all(handler::icon)},
    place{"/healthz", open_to_all(handler::healthz)},
    place{"/readyz", open_to_all(handler::readyz)},
    place{"/metrics", open_to_all(handler::metrics)},
    place{"/today", kept_page("today", make_today, works_with_pupils)},
    place{"/calls", list_of("calls", make_calls, works_with_pupils, calls)},
    place{"/alerts", page("alerts", make_alerts, sees_marks)},
    place{"/alerts/", page_of("alert", make_alert, "", sees_marks, decides)},
    place{"/baseline", list_of("baseline", make_baseline, sees_marks, decides)},
    place{"/pupils", page("pupils", make_pupils, sees_marks)},
    place{"/pupils/", page_of("pupil", make_pupil, "P-", sees_marks, marks_pupils)},
    place{"/findings", page("findings", make_findings, sees_marks)},
    place{"/groups", page("groups", make_groups, sees_groups)},
    place{"/statements", page_of_all("statements", make_statements, sees_totals)},
    place{"/sources", page_of_all("sources", make_sources, sees_totals)},
    place{"/rules", page("rules", make_rules, everyone_may)},
    place{"/rules/why", page("why", make_why, sees_marks)},
    place{"/rules/backtest", long_page("backtest", make_backtest, sees_marks)},
    place{"/ledger", page_of_all("ledger", make_ledger, sees_totals)},
    place{
        "/ledger/verify",
        {.does = handler::verify, .gets = false, .posts = true, .counts_all = true, .may = sees_totals}},
    place{
        "/ledger/bundle",
        {.does = handler::bundle, .gets = false, .posts = true, .counts_all = true, .may = sees_totals}},
    place{"/ledger/checkpoint", {.does = handler::checkpoint, .counts_all = true, .may = sees_totals}},
    place{"/entries/", page_of("entry", make_entry, "", may_browse)},
    place{"/proofs/", {.does = handler::proof, .by_id = true, .may = may_browse}},
    place{"/reports", page("reports", make_reports, everyone_may)},
    place{
        "/reports/",
        {.name = "report",
         .make = make_report,
         .by_id = true,
         .by_report = true,
         .posts = true,
         .may = everyone_may,
         .may_decide = decides}},
    place{
        "/exports",
        {.does = handler::exports,
         .name = "exports",
         .make = make_exports,
         .posts = true,
         .takes_files = true,
         .counts_all = true,
         .may = adds_exports}},
    place{"/accounts", list_of("accounts", make_accounts, is_admin, is_admin)},
};

} // namespace

bool works_with_pupils(role of)
{
    return of == role::lead || of == role::office || of == role::pastoral || of == role::senior || of == role::dsl;
}

bool decides(role of)
{
    return of == role::lead || of == role::pastoral || of == role::senior || of == role::dsl;
}

bool calls(role of)
{
    return works_with_pupils(of);
}

bool opens_pupils(role of)
{
    return of == role::dsl;
}

bool adds_exports(role of)
{
    return of == role::dsl;
}

bool marks_pupils(role of)
{
    return of == role::dsl;
}

bool sees_pupils(role of)
{
    return works_with_pupils(of) || of == role::auditor;
}

visibility allowed_to(role of)
{
    switch (of) {
    // Who calls homes must know which child comes first.
    case role::office: return visibility(visibility::attendance) | visibility::priority;
    case role::lead:
    case role::pastoral:
    case role::senior:
        return visibility(visibility::attendance) | visibility::behaviour | visibility::priority | visibility::flags;
    case role::auditor: return visibility(visibility::attendance) | visibility::behaviour;
    case role::dsl: return visibility::everything();
    case role::governor:
    case role::admin: return {};
    }
    return {};
}

routed find_route(std::string_view path)
{
    for (const place& each : places) {
        if (!each.to.by_id) {
            if (path == each.path) return {&each.to, no_entry};
            continue;
        }
        if (!path.starts_with(each.path)) continue;
        std::string_view rest = path.substr(each.path.size());
        if (each.to.by_report) {
            const report_kind* kind = find_report(rest);
            if (kind) return {&each.to, static_cast<entry_index>(kind - report_kinds().data())};
            continue;
        }
        if (!rest.starts_with(each.to.id_prefix)) continue;
        const auto id = parse_decimal(rest.substr(each.to.id_prefix.size()));
        if (id) return {&each.to, *id};
    }
    return {};
}

std::string_view home_of(role of)
{
    switch (of) {
    case role::governor: return "/groups";
    case role::auditor: return "/ledger";
    case role::admin: return "/sources";
    default: return "/today";
    }
}

bool may_open(const route& to, role of, bool is_scoped)
{
    if (to.counts_all && is_scoped && works_with_pupils(of)) return false;
    return to.is_open || (to.may && to.may(of));
}

std::vector<nav_item> navigation_of(role of, bool is_scoped)
{
    constexpr std::array<nav_item, 13> all = {{
        {"/today", "Today", "today"},
        {"/calls", "Calls", "calls"},
        {"/alerts", "Alerts", "alerts"},
        {"/pupils", "Pupils", "pupils"},
        {"/groups", "Groups", "groups"},
        {"/findings", "Findings", "findings"},
        {"/reports", "Reports", "reports"},
        {"/statements", "Statements", "statements"},
        {"/sources", "Sources", "sources"},
        {"/exports", "Add an export", "exports"},
        {"/ledger", "Ledger", "ledger"},
        {"/rules", "Rules", "rules"},
        {"/accounts", "Accounts", "accounts"},
    }};
    std::vector<nav_item> items;
    for (const nav_item& each : all) {
        const routed found = find_route(each.path);
        if (found.to && may_open(*found.to, of, is_scoped)) items.push_back(each);
    }
    return items;
}

} // namespace rollbook
