// An invented English secondary school on loopback: its MIS as Wonde serves it, its safeguarding system, a mail server
// and a webhook sink. README.md beside this file says how to ask it for things.

#include "tests/school/configuration.hpp"
#include "tests/school/imap.hpp"
#include "tests/school/site.hpp"
#include "tests/school/tcp.hpp"

#include <charconv>
#include <cstdio>
#include <ctime>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

using namespace rollbook::school;

constexpr std::string_view usage =
    "usage: simulated-school [--seed N] [--pupils 1200] [--school-days 60] [--today YYYY-MM-DD] [--http-port 0]\n"
    "                        [--smtp-port 0] [--write-config DIR] [--per-page-max 500] [--tidy]\n"
    "Serves an invented school on 127.0.0.1 until SIGTERM. Prints one line of JSON when it is ready.\n";

struct wrong_usage : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct options {
    school_options school;
    unsigned short http_port = 0;
    unsigned short smtp_port = 0;
    std::string folder;
    int per_page_max = 500;
    bool help = false;
};

template <class Number> Number number(std::string_view name, std::string_view text, Number least, Number most)
{
    Number n{};
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (ec != std::errc() || end != text.data() + text.size() || n < least || n > most) {
        throw wrong_usage(
            std::string(name) + " takes a number from " + std::to_string(least) + " to " + std::to_string(most)
        );
    }
    return n;
}

date system_day()
{
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    localtime_r(&now, &local);
    return std::chrono::year(local.tm_year + 1900) / (local.tm_mon + 1) / local.tm_mday;
}

options read(int argc, char** argv)
{
    options o;
    o.school.today = system_day();
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--help" || name == "-h") {
            o.help = true;
            return o;
        }
        if (name == "--tidy") {
            o.school.is_tidy = true;
            continue;
        }
        if (i + 1 == argc) throw wrong_usage(std::string(name) + " is unknown or lacks its value");
        const std::string_view value = argv[++i];
        if (name == "--seed") {
            o.school.seed = number<std::uint64_t>(name, value, 0, ~0ull);
        } else if (name == "--pupils") {
            o.school.pupils = number(name, value, 5, 20000);
        } else if (name == "--school-days") {
            o.school.school_days = number(name, value, 1, 1900);
        } else if (name == "--today") {
            if (!parse_date(value, o.school.today)) throw wrong_usage("--today takes YYYY-MM-DD");
        } else if (name == "--http-port") {
            o.http_port = number<unsigned short>(name, value, 0, 65535);
        } else if (name == "--smtp-port") {
            o.smtp_port = number<unsigned short>(name, value, 0, 65535);
        } else if (name == "--write-config") {
            o.folder = value;
        } else if (name == "--per-page-max") {
            o.per_page_max = number(name, value, 1, 100000);
        } else {
            throw wrong_usage(std::string(name) + " is not an option");
        }
    }
    return o;
}

void serve(const options& o)
{
    tcp_host host;
    site_settings settings = settings_for(o.school.seed);
    settings.per_page_max = o.per_page_max;
    settings.system_day = system_day();
    site school(o.school, settings);

    const unsigned short http = host.listen(o.http_port, [&] {
        return make_http_conversation([&](const http_request& r) { return school.answer(r); });
    });
    const unsigned short foreign = host.listen(0, [&] {
        return make_http_conversation([&](const http_request& r) { return school.answer_as_foreign_host(r); });
    });
    const unsigned short smtp = host.listen(o.smtp_port, [&] { return make_smtp_conversation(school.mail()); });
    const unsigned short imap = host.listen(0, [&] { return make_imap_conversation(school.mail()); });
    school.set_addresses("127.0.0.1:" + std::to_string(http), "localhost:" + std::to_string(foreign));

    std::string config = "null";
    if (!o.folder.empty()) {
        write_configuration(o.folder, school.school(), settings, http, smtp);
        config = "\"" + o.folder + "/rollbook.toml\"";
    }
    const school_calendar& calendar = school.school().calendar();
    std::cout << "{\"http\":" << http << ",\"smtp\":" << smtp << ",\"imap\":" << imap << ",\"config\":" << config
              << ",\"first_day\":\"" << format_date(calendar.day(calendar.first())) << "\",\"last_day\":\""
              << format_date(calendar.day(calendar.last())) << "\",\"marks\":" << school.school().marks().size()
              << ",\"pupils\":" << o.school.pupils << "}" << std::endl;
    host.run();
}

} // namespace

int main(int argc, char** argv)
{
    try {
        const options o = read(argc, argv);
        if (o.help) {
            std::cout << usage;
            return 0;
        }
        serve(o);
        return 0;
    } catch (const wrong_usage& e) {
        std::cerr << "simulated-school: " << e.what() << "\n" << usage;
        return 2;
    } catch (const std::exception& e) {
        std::cerr << "simulated-school: " << e.what() << "\n";
        return 1;
    }
}
