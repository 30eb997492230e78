#pragma once

#include "daemon/service/cycle.hpp"

#include "tests/connectors/fake_http.hpp"
#include "tests/connectors/printing.hpp"
#include "tests/support/ledger_folder.hpp"
#include "tests/support/school.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace rollbook::test {

inline http_response answer_of(int status, const std::string& body, const std::string& type = "application/json")
{
    http_response r;
    r.status = status;
    r.content_type = type;
    r.body = body;
    return r;
}

// A school at Wonde and a ledger, with everything real between them: the manifest, the engine, the cycle, the file.
// Rows are what a test says; each list is one page of `per_page` rows, as Wonde links them.
class whole_road {
public:
    whole_road()
    {
        settings.school.name = "St Example's";
        settings.calendar = support::example_calendar();
        settings.ledger.origin = folder.key.verifier().name;
        settings.sources.push_back(wonde_source());
        settings.sources[0].role = source_role::mis;
        settings.sources[0].settings["per_page"] = given(std::int64_t(100));
        rows["attendance-codes"] = {
            code("C1", "/"), code("C2", "\\\\"), code("CN", "N"), code("CI", "I"), code("CL", "L "), code("Cb", "-")};
        rows["students"] = {pupil("A1"), pupil("A2")};
        rows["attendance/session"] = {mark("M1", "A1", "C1"), mark("M2", "A2", "C1")};
        connect();
    }

    // Takes the settings as they are now, as a restart does.
    void connect()
    {
        const secret_reader secrets = [](const secret_reference&) -> result<std::string> {
            return std::string("s3cret");
        };
        parts.connectors.clear();
        parts.connectors.push_back(std::move(
            make_rest_connector(shipped("wonde"), settings.sources[0], secrets, http, [this] { return now; }).value()
        ));
        work.reset();
    }

    static std::string date(const std::string& day)
    {
        return R"({"date":")" + day + R"( 00:00:00.000000","timezone_type":3,"timezone":"Europe/London"})";
    }
    static std::string code(const std::string& id, const std::string& text)
    {
        return R"({"id":")" + id + R"(","code":")" + text + R"(","government_code":null})";
    }
    static std::string
    pupil(const std::string& id, const std::string& education = R"({"upn":null})", const std::string& surname = "Quill")
    {
        return R"({"id":")" + id + R"(","surname":")" + surname +
               R"(","restored_at":null,"education_details":{"data":)" + education + "}}";
    }
    static std::string mark(
        const std::string& id,
        const std::string& pupil,
        const std::string& code,
        const std::string& day = "2026-09-21",
        const std::string& half = "AM"
    )
    {
        return R"({"id":")" + id + R"(","date":)" + date(day) + R"(,"comment":null,"session":")" + half +
               R"(","employee":"E5","attendance_code":)" + (code == "null" ? code : "\"" + code + "\"") +
               R"(,"student":")" + pupil + "\"}";
    }
    static std::string
    incident(const std::string& id, const std::string& day, const std::string& pupils, const std::string& comment = "")
    {
        return R"({"id":")" + id + R"(","type":"Disruption","comment":")" + comment + R"(","incident_date":)" +
               date(day) + R"(,"students":{"data":[)" + pupils + "]}}";
    }
    static std::string involved(const std::string& pupil, const std::string& role, int points)
    {
        return R"({"id":")" + pupil + R"(","meta":{"role":")" + role + R"(","points":)" + std::to_string(points) + "}}";
    }

    // One poll. `everything`: all windows, as a person's `poll` reads.
    read_report poll(bool everything = true, bool lift_limit = false)
    {
        list("attendance-codes");
        list("students", "?include=education_details%2Cgroups&per_page=100");
        list("attendance/session");
        list("behaviours", "?include=students&per_page=100");
        list("exclusions");
        list("lesson", "?per_page=100", "attendance/lesson");
        for (const char* gone_or_to_come : {"students-leaver", "students-pre-admission"})
            list(gone_or_to_come, "?include=education_details&per_page=100");
        http.answers[wonde_school + "/counts?include=students"].clear();
        http.answer(wonde_school + "/counts?include=students", counts, counts_status);
        for (const auto& [endpoint, answer] : instead) {
            const auto at = std::find_if(http.answers.begin(), http.answers.end(), [&](const auto& known) {
                return known.first.starts_with(wonde_school + "/" + endpoint);
            });
            at->second.assign(1, answer);
        }
        if (!book) book = folder.open();
        if (!work)
            work.emplace(
                settings, parts, *book, [this] { return now; }, retry_pace{1, {}, {}}
            );
        boost::asio::io_context loop(1);
        read_options options;
        options.everything = everything;
        options.lift_vanish_limit = lift_limit;
        std::optional<read_report> report;
        const cycle::progress_function silent; // the coroutine keeps a reference
        boost::asio::co_spawn(loop, work->read(0, options, silent), [&](std::exception_ptr e, read_report r) {
            if (e) std::rethrow_exception(e);
            report.emplace(std::move(r));
        });
        loop.run();
        statement.clear();
        for (const statement_row& row : report->closing.statements)
            statement[row.record] = row;
        now += std::chrono::minutes(10);
        return std::move(*report);
    }

    // The payloads of one kind, oldest first.
    std::vector<std::string> entries(const std::string& what) const
    {
        std::vector<std::string> out;
        folder.reader()->entries(0, no_entry, [&](const entry_view& entry) {
            const std::string payload(entry.payload);
            if (payload.find("\"what\":\"" + what + "\"") != payload.npos) out.push_back(payload);
            return true;
        });
        return out;
    }
    // What is held of a session: the raw code and the statutory one; "gone" or "none" otherwise.
    std::string
    held(const std::string& pupil, const std::string& day = "2026-09-21", half_day half = half_day::am) const
    {
        const auto* known = std::as_const(book->state()).things(what::pupil).find("mis", pupil);
        const auto* marks = book->state().find_register("mis");
        const auto number = known && marks ? marks->find_pupil(known->subject) : std::nullopt;
        if (!number) return "none";
        const held_mark& held = marks->find({parse_day(day).value(), half}, *number);
        if (!held.met()) return "none";
        if (held.gone) return "gone";
        return std::string(marks->codes().raw(held.code)) + "=" + std::string(marks->codes().statutory(held.code));
    }
    std::size_t findings(const std::string& kind) const
    {
        std::size_t open = 0;
        for (const held_thing& found : book->state().things(what::finding).all())
            open += !found.gone && found.key.starts_with(kind) ? 1 : 0;
        return open;
    }

    std::map<std::string, std::vector<std::string>> rows; // by endpoint
    std::map<std::string, http_response> instead;         // answers instead of an endpoint's page
    int counts_status = 403;
    std::string counts = "{}";
    std::size_t per_page = 100;
    instant now = parse_instant("2026-09-21T17:00:00Z").value();
    fake_http http;
    support::ledger_folder folder;
    configuration settings;
    cycle_parts parts;
    std::unique_ptr<ledger> book;
    std::optional<cycle> work;
    std::map<what, statement_row> statement; // of the last poll

private:
    void list(const std::string& name, const std::string& query = "?per_page=100", const std::string& path = "")
    {
        const std::string first = wonde_school + "/" + (path.empty() ? name : path) + query;
        const std::vector<std::string>& all = rows[name];
        for (std::size_t at = 0, page = 1; page == 1 || at < all.size(); ++page) {
            std::string body;
            for (std::size_t i = 0; i < per_page && at < all.size(); ++i, ++at)
                body += (i == 0 ? "" : ",") + all[at];
            const auto url = [&](std::size_t n) { return n == 1 ? first : first + "&page=" + std::to_string(n); };
            const bool more = at < all.size();
            http.answers[url(page)].clear();
            http.answer(
                url(page),
                R"({"data":[)" + body + R"(],"meta":{"pagination":{"next":)" +
                    (more ? "\"" + url(page + 1) + "\"" : "null") + R"(,"more":)" + (more ? "true" : "false") + "}}}"
            );
        }
    }
};

} // namespace rollbook::test
