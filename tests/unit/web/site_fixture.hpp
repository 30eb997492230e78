#pragma once

#include "daemon/web/passwords.hpp"
#include "daemon/web/site.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/cli/command_fixture.hpp"
#include "tests/unit/net/run.hpp"

#include <catch2/catch.hpp>

#include <boost/asio/io_context.hpp>

#include <liboath/oath.h>

#include <filesystem>
#include <map>
#include <optional>

namespace rollbook {

inline constexpr std::string_view password = "correct horse battery";
inline constexpr std::string_view totp_secret = "12345678901234567890";

class accounts_in_memory : public account_book {
public:
    std::optional<account> find(std::string_view name) const override
    {
        const auto found = held.find(std::string(name));
        return found == held.end() ? std::optional<account>() : found->second;
    }
    std::vector<account> all() const override
    {
        std::vector<account> list;
        for (const auto& [name, each] : held)
            list.push_back(each);
        return list;
    }
    void put(const account& value) override { held[value.name] = value; }
    bool remove(std::string_view name) override { return held.erase(std::string(name)) > 0; }
    std::map<std::string, account> held;
};

struct desk_in_memory : page_desk {
    account_book& accounts() override { return book; }
    void record_access(const std::string& user, entry_index pupil, const std::string& view) override
    {
        told.push_back(user + " " + (pupil == no_entry ? "-" : "P-" + std::to_string(pupil)) + " " + view);
    }
    result<void> keep_for_export() override
    {
        told.push_back("checkpoint kept");
        return {};
    }
    result<upkeep_report> decide(const decision_request& request) override
    {
        if (refuses) return failure(errc::forbidden, "the third notice in three years is not allowed", "");
        decided.push_back(request);
        return upkeep_report{};
    }
    result<void> change_account(const account_request& asked) override
    {
        return rollbook::change_account(book, asked, on("2026-11-23"), now());
    }
    std::string bookmark(const std::string& source, const std::string&) override { return bookmarks[source]; }
    void read_within(const std::string& source, std::chrono::milliseconds) override { read_soon.push_back(source); }
    instant now() override { return at(time.c_str()); }
    std::uint64_t commits() override { return count_commits(); }
    std::function<std::uint64_t()> count_commits;
    std::map<std::string, std::string> bookmarks;
    std::vector<std::string> read_soon;
    std::string time = "2026-11-23T13:00:00Z";
    bool refuses = false;
    std::vector<decision_request> decided;
    accounts_in_memory book;
    std::vector<std::string> told;
};

// A body that comes in pieces of a size, or breaks off.
class body_in_pieces final : public web_body {
public:
    body_in_pieces(std::string all, std::size_t piece) : all_(std::move(all)), piece_(piece) {}
    boost::asio::awaitable<result<std::string>> more() override
    {
        ++asked;
        if (breaks_after && asked > *breaks_after)
            co_return failure(errc::usage, "the file did not come to its end", "Send it again.");
        std::string next = all_.substr(0, piece_);
        all_.erase(0, next.size());
        co_return next;
    }
    std::size_t asked = 0;
    std::optional<std::size_t> breaks_after;

private:
    std::string all_;
    std::size_t piece_;
};

// The small school's pages, for one account of each role.
struct site_fixture : small_school {
    boost::asio::io_context loop{1};
    configuration config;
    desk_in_memory desk;
    result<verifier_key> key = failure(errc::not_found, "there is no key", "");
    support::temporary_folder bundles;
    std::function<void(const export_request&)> exported;
    std::function<void()> before_reading; // on the worker that opens a reader
    std::function<void(web_surroundings&)> surround;
    std::optional<steady_moment> stands_still; // the clock that requests are counted by
    std::unique_ptr<site> pages;
    web_fields cookies;
    std::string peer = "192.0.2.7";
    std::string host = "rollbook.example";
    std::vector<std::string> identities; // what every request says in [web] identity_header

    site_fixture()
    {
        desk.count_commits = [this] { return ledger->size(); };
        config.school.name = "St Example's";
        source_configuration mis;
        mis.name = "mis";
        source_configuration cpoms;
        cpoms.name = "cpoms";
        cpoms.role = source_role::safeguarding;
        config.sources = {mis, cpoms};
        rule lateness;
        lateness.id = "repeated-lateness";
        lateness.title = "Repeated lateness";
        lateness.measure = "late_sessions";
        lateness.window = {rule_window::unit::school_days, 10};
        lateness.stages = {{"tutor", 2, {}}};
        lateness.source = "school policy 2026";
        config.rules = {lateness};
        static const std::string hash = hash_password(password);
        for (const role each :
             {role::lead,
              role::office,
              role::pastoral,
              role::senior,
              role::dsl,
              role::governor,
              role::auditor,
              role::admin}) {
            account one;
            one.name = name_of(each);
            one.role = each;
            one.password = hash;
            one.totp_secret = totp_secret;
            if (each == role::pastoral) one.scope.years = {"8"};
            desk.book.put(one);
        }
        in_year(
            ana,
            "A1",
            R"({"forename":"Ana","registration_group":"8B","surname":"Ahmed","upn":")" + upn_text + R"(","year":"8"})"
        );
        open();
    }

    // A new version of a pupil's record, which says the year group.
    void in_year(entry_index pupil, const char* id, const std::string& fields)
    {
        thing_version row;
        row.kind = what::pupil;
        row.source = "mis";
        row.key = id;
        row.subject = pupil;
        row.replaces = pupil;
        ledger->append(
            second_read,
            record_entry(reported_record(what::pupil, id, id, fields), row, {first_read, second_read, false})
        );
    }

    void open()
    {
        web_surroundings around;
        around.settings = std::make_shared<const configuration>(config);
        around.desk = &desk;
        around.steady_now = [this] { return stands_still.value_or(std::chrono::steady_clock::now()); };
        around.open_reader = [this, l = ledger]() -> result<std::unique_ptr<ledger_reader>> {
            if (before_reading) before_reading();
            return std::unique_ptr<ledger_reader>(std::make_unique<lent_reader>(l));
        };
        around.log_key = [this] { return key; };
        around.bundles = bundles.path;
        around.export_ledger = [this](const export_request& wanted) -> result<export_report> {
            exported(wanted);
            return export_report{};
        };
        if (surround) surround(around);
        pages.reset();
        pages = std::make_unique<site>(loop.get_executor(), std::move(around));
    }

    web_answer ask(web_request request)
    {
        request.peer = peer;
        request.identities = identities;
        request.host = host;
        if (request.cookies.empty()) request.cookies = cookies;
        return test::run(loop, pages->answer(std::move(request)));
    }
    web_answer get(const std::string& target)
    {
        web_request request;
        request.method = "GET";
        request.target = parse_target(target).value();
        return ask(std::move(request));
    }
    web_answer post(const std::string& path, web_fields form, const std::string& origin = "")
    {
        web_request request;
        request.method = "POST";
        request.target = parse_target(path).value();
        request.form = std::move(form);
        request.origin = origin;
        return ask(std::move(request));
    }

    void keep_cookies(const web_answer& answer)
    {
        for (const auto& [name, value] : answer.headers) {
            if (name != "Set-Cookie") continue;
            const std::size_t equals = value.find('=');
            cookies[value.substr(0, equals)] = value.substr(equals + 1, value.find(';') - equals - 1);
        }
    }

    static std::string token_in(const web_answer& answer)
    {
        const std::string start = "name=\"form_token\" value=\"";
        const std::size_t from = answer.body.find(start);
        REQUIRE(from != std::string::npos);
        return answer.body.substr(from + start.size(), 64);
    }

    static std::string code_now()
    {
        std::array<char, 7> code{};
        oath_totp_generate(totp_secret.data(), totp_secret.size(), std::time(nullptr), 30, 0, 6, code.data());
        return code.data();
    }

    web_answer try_log_in(const std::string& name, const std::string& with)
    {
        const web_answer form = get("/login");
        keep_cookies(form);
        return post(
            "/login", {{"form_token", token_in(form)}, {"name", name}, {"password", with}, {"code", code_now()}}
        );
    }

    void log_in(role as)
    {
        cookies.clear();
        const std::string name(name_of(as));
        account held = desk.book.find(name).value();
        held.totp_step = 0;
        desk.book.put(held);
        const web_answer in = try_log_in(name, std::string(password));
        REQUIRE(in.status == 303);
        keep_cookies(in);
    }
};

inline std::string header_of(const web_answer& answer, const std::string& name)
{
    for (const auto& [key, value] : answer.headers)
        if (key == name) return value;
    return "";
}

} // namespace rollbook
