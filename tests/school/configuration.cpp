#include "tests/school/configuration.hpp"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>

namespace rollbook::school {

namespace {

void write(const std::filesystem::path& path, const std::string& text)
{
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << text;
    if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

void write_secret(const std::filesystem::path& path, const std::string& text)
{
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const bool is_written = file >= 0 && ::fchmod(file, 0600) == 0 &&
                            ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (file >= 0) ::close(file);
    if (!is_written) throw std::runtime_error("cannot write " + path.string());
}

std::string calendar_text(const school_calendar& calendar)
{
    std::string out;
    for (const academic_year& year : calendar.years()) {
        for (const term& t : year.terms) {
            out += "[[term]]\nname = \"" + t.name + "\"\nhalf_terms = [ ";
            for (std::size_t i = 0; i < t.half_terms.size(); ++i) {
                out += (i ? ", " : "") + ("{ first_day = " + format_date(t.half_terms[i].first)) +
                       ", last_day = " + format_date(t.half_terms[i].second) + " }";
            }
            out += " ]\n\n";
        }
        for (const closed_day& c : year.closed) {
            out += "[[closed]]\nday = " + format_date(c.day) + "\nkind = \"" + c.kind + "\"\n\n";
        }
    }
    const std::string from = std::to_string(calendar.years().front().begins) + "-09-01";
    out += "[[session]]\nname = \"AM\"\nregister_opens = 08:45:00\nregister_closes = 09:15:00\nfrom = " + from +
           "\n\n[[session]]\nname = \"PM\"\nregister_opens = 13:30:00\nregister_closes = 13:50:00\nfrom = " + from +
           "\n";
    return out;
}

} // namespace

void write_configuration(
    const std::string& folder,
    const simulated_school& school,
    const site_settings& settings,
    unsigned short http_port,
    unsigned short smtp_port
)
{
    const std::filesystem::path to(folder);
    std::filesystem::create_directories(to);
    const std::string http = "http://127.0.0.1:" + std::to_string(http_port);
    write(to / "calendar.toml", calendar_text(school.calendar()));
    write_secret(to / "wonde.token", settings.wonde_token + "\n");
    write_secret(to / "safeguarding.password", settings.safeguarding_password + "\n");
    write_secret(to / "systems.secret", settings.systems_secret + "\n");
    write(
        to / "rollbook.toml",
        R"(# Written by simulated-school: an invented school on this computer.
[school]
name = "St Example's High School"
urn = "900001"
timezone = "Europe/London"
calendar = "calendar.toml"

[ledger]
path = "ledger.db"
origin = "ledger.example.sch.uk/900001"
signing_key = { file = "ledger.key" }

[[source]]
name = "mis"
role = "mis"
connector = "wonde"
poll_every = "10m"
[source.settings]
base_url = ")" +
            http + R"(/v1.0"
school_id = ")" +
            settings.school_id + R"("
token = { file = "wonde.token" }
per_page = 200

[[source]]
name = "safeguarding"
role = "safeguarding"
connector = "safeguarding"
poll_every = "10m"
[source.settings]
base_url = ")" +
            http + R"(/safeguarding/v1"
user = ")" + settings.safeguarding_user +
            R"("
password = { file = "safeguarding.password" }

[rules]
packs = ["england"]

[[route]]
name = "lead"
channel = "email"
rules = ["*"]
disclose = "reference"
[route.settings]
smtp_url = "smtp://127.0.0.1:)" +
            std::to_string(smtp_port) + R"("
from = "rollbook@example.sch.uk"
to = ["lead@example.sch.uk"]

[web]
listen = "127.0.0.1:8480"
public_url = "https://rollbook.example.sch.uk"
)"
    );
}

} // namespace rollbook::school
