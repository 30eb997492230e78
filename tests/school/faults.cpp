#include "tests/school/faults.hpp"

#include <algorithm>
#include <memory>

namespace rollbook::school {

namespace {

const fault* find(const std::vector<fault>& faults, std::string_view kind)
{
    const auto at = std::find_if(faults.begin(), faults.end(), [&](const fault& f) { return f.kind == kind; });
    return at == faults.end() ? nullptr : &*at;
}

constexpr std::string_view error_page = "<!DOCTYPE html>\n<html><head><title>Error</title></head>"
                                        "<body><h1>Something went wrong</h1><p>Please try again.</p></body></html>\n";

std::string repeated(std::string_view text, std::size_t count)
{
    std::string made;
    made.reserve(text.size() * count);
    for (std::size_t i = 0; i < count; ++i)
        made += text;
    return made;
}

} // namespace

std::vector<fault> fault_board::take(std::string_view endpoint, int page)
{
    std::vector<fault> taken;
    for (fault& f : faults_) {
        if (f.endpoint != "*" && f.endpoint != endpoint) continue;
        if ((f.page && *f.page != page) || f.times == 0) continue;
        if (f.times > 0) --f.times;
        taken.push_back(f);
    }
    return taken;
}

bool has(const std::vector<fault>& faults, std::string_view kind)
{
    return find(faults, kind) != nullptr;
}

listing through(const std::vector<fault>& faults, listing list)
{
    if (has(faults, "empty")) return {0, list.row};
    const fault* vanish = find(faults, "vanish");
    if (!vanish) return list;
    const auto kept = std::make_shared<std::vector<std::size_t>>();
    for (std::size_t i = 0; i < list.size; ++i) {
        // The same rows each time: a row that is gone stays gone from page to page.
        if (i * 2654435761u % 4294967296u / 42949673u >= static_cast<std::size_t>(vanish->percent)) kept->push_back(i);
    }
    return {kept->size(), [kept, row = list.row](std::size_t i, std::string& out) { row((*kept)[i], out); }};
}

std::optional<http_response> instead(const std::vector<fault>& faults)
{
    http_response made;
    if (has(faults, "reset")) {
        made.reset = true;
    } else if (const fault* f = find(faults, "status")) {
        made.status = f->status;
        made.type = f->html ? "text/html; charset=utf-8" : "application/json";
        made.body = f->html ? error_page : R"({"error":"simulated"})";
        if (!f->retry_after.empty()) made.headers.emplace_back("Retry-After", f->retry_after);
    } else if (has(faults, "wrong_type")) {
        made.type = "text/html; charset=utf-8";
        made.body = error_page;
    } else if (const fault* huge = find(faults, "huge")) {
        const std::string row = R"({"id":"A1","comment":")" + std::string(1000, 'x') + "\"}";
        const std::size_t rows = static_cast<std::size_t>(huge->megabytes) * 1048576 / (row.size() + 1);
        made.body = "{\"data\":[" + repeated(row + ",", rows) + row + "]}";
    } else if (const fault* deep = find(faults, "deep")) {
        const auto n = static_cast<std::size_t>(deep->depth);
        made.body = "{\"data\":" + std::string(n, '[') + std::string(n, ']') + "}";
    } else {
        return {};
    }
    spoil(faults, made);
    return made;
}

void spoil(const std::vector<fault>& faults, http_response& response)
{
    if (const fault* slow = find(faults, "slow")) response.delay = std::chrono::milliseconds(slow->ms);
    if (has(faults, "truncated")) response.body.resize(response.body.size() / 2);
    if (has(faults, "invalid_utf8")) {
        const std::size_t at = response.body.find(":\"");
        if (at != std::string::npos) response.body.insert(at + 2, "\xc3\x28\xff");
    }
}

} // namespace rollbook::school
