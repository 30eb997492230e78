#include "daemon/base/ascii.hpp"
#include "daemon/base/certificate.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/cli/wizard_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

// `init --wizard`: asks for what a school needs, tries each source and route as it is given, and writes the files that
// a person would. Answers may come from a file as well as from a terminal.
namespace rollbook {
namespace {

using check_line = cli_context::check_line;

// A text as a TOML basic string.
std::string in_toml(std::string_view text)
{
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            out += std::string("\\") + c;
        else if (byte < 0x20 || byte == 0x7f)
            out += fmt::format("\\u{:04X}", byte);
        else
            out += c;
    }
    return out + "\"";
}

std::string list_of(const std::vector<std::string>& texts)
{
    std::string out;
    for (const std::string& each : texts)
        out += (out.empty() ? "" : ", ") + in_toml(each);
    return "[" + out + "]";
}

std::vector<std::string> words_in(std::string_view text)
{
    std::vector<std::string> out(1);
    for (const char c : text) {
        if (c != ' ' && c != ',' && c != '\t')
            out.back() += c;
        else if (!out.back().empty())
            out.emplace_back();
    }
    if (out.back().empty()) out.pop_back();
    return out;
}

// Letters, digits and hyphens, for the name of a source, a route or a file.
bool is_word(std::string_view text)
{
    return !text.empty() &&
           std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; });
}

class wizard {
public:
    wizard(const command_io& io, const command_options& options)
        : io_(io), options_(options), file_(std::filesystem::absolute(options.config).lexically_normal()),
          stem_(file_.stem().string())
    {
    }

    int run()
    {
        io_.out << "This writes " << plain(file_.string())
                << " and what goes with it. An empty answer takes what stands in\n"
                << "[brackets]. Nothing is kept when you stop half-way (Ctrl-D).\n\n";
        files_.make(file_, "", 0640);
        ask_school();
        ask_calendar();
        ask_sources();
        rules_ = "\n[rules]\npacks = [\"england\"]\n";
        ask_web();
        ask_routes();
        ask_backup();
        const configuration config = load();
        io_.context.work_as_owner(config).value();
        const std::string vkey = io_.context.init(config, options_.simulated).value();
        files_.keep();
        io_.out << "\nWritten: " << plain(file_.string()) << " and what it names. The ledger is "
                << plain(config.ledger.path.string()) << ".\n"
                << "Give the auditor this public key; with it every signed checkpoint can be checked:\n"
                << vkey << '\n';
        const bool is_read = show_alerts_a_week();
        const std::string program = "rollbook" + (is_usual() ? "" : " --config " + plain(file_.string()));
        io_.out << "\nNext: " << program
                << (is_read ? " rules list says what may be changed about them" : " poll reads everything once");
        if (file_.parent_path() == "/etc/rollbook")
            io_.out << "; systemctl enable --now rollbook@" << plain(stem_) << " starts it for good";
        io_.out << ".\n" << last_words_;
        return exit_done;
    }

private:
    // What the rules would mean for the school, from its own past. Everything is set up by then: answers that have
    // ended mean no. Whether the sources were read.
    bool show_alerts_a_week()
    {
        io_.out << "\nEvery source can be read once now, to show how many alerts a week each rule would have raised.\n"
                   "That sends one message about what was crossed already, and one for each child whose safety is in "
                   "doubt\n"
                   "today. Read them now [yes]: ";
        io_.out.flush();
        const auto line = io_.context.read_line(false);
        io_.out << '\n';
        if (!line || !(line->empty() || line->starts_with('y'))) return false;
        command_options now;
        now.config = file_;
        if (run_poll(io_, now) != exit_done) return false;
        io_.out << '\n';
        run_rules_weekly(io_, now);
        return true;
    }

    bool is_usual() const { return file_ == command_options().config; }

    // Throws when the answers end.
    std::string ask(std::string_view question, std::string_view usual = "", bool hidden = false)
    {
        io_.out << question;
        if (!usual.empty()) io_.out << " [" << plain(usual) << "]";
        io_.out << ": ";
        io_.out.flush();
        const auto line = io_.context.read_line(hidden);
        if (!line)
            throw failure_error(
                failure(errc::usage, "the answers ended before everything was asked", "Nothing was kept; run it again.")
            );
        std::string answer = *line;
        while (!answer.empty() && (answer.back() == ' ' || answer.back() == '\r'))
            answer.pop_back();
        answer.erase(0, std::min(answer.find_first_not_of(' '), answer.size()));
        return answer.empty() ? std::string(usual) : answer;
    }

    // Asks again until `fits` says nothing against the answer.
    template <class Fits> std::string ask_until(std::string_view question, std::string_view usual, Fits fits)
    {
        for (;;) {
            std::string answer = ask(question, usual);
            const std::string against = fits(answer);
            if (against.empty()) return answer;
            io_.out << "  " << against << '\n';
        }
    }

    std::string required(std::string_view question, std::string_view usual = "")
    {
        return ask_until(question, usual, [](const std::string& answer) {
            return std::string(answer.empty() ? "An answer is needed." : "");
        });
    }

    bool agrees(std::string_view question, bool usual)
    {
        const std::string answer = ask(question, usual ? "yes" : "no");
        return answer.starts_with('y') || answer.starts_with('Y');
    }

    // Where the file stands in /etc, the ledger stands where a daemon may write.
    std::filesystem::path ledger_folder() const
    {
        return file_.parent_path() == "/etc/rollbook" ? std::filesystem::path("/var/lib/rollbook") / stem_
                                                      : file_.parent_path();
    }

    // Several schools may share a folder: whatever is not the usual file gives its name to the others.
    std::string beside(std::string_view name) const
    {
        return stem_ == "rollbook" ? std::string(name) : fmt::format("{}-{}", stem_, name);
    }

    // Writes a secret into a file of its own and returns the reference.
    std::string keep_secret(std::string_view name, std::string_view secret)
    {
        const std::string file = beside(name);
        files_.make(file_.parent_path() / file, fmt::format("{}\n", secret), 0600, ledger_folder());
        return fmt::format("{{ file = {} }}", in_toml(file));
    }

    void ask_school()
    {
        const std::string name = required("The school's name");
        const std::string urn = ask_until("Its URN (six digits)", "", [](const std::string& answer) {
            const bool good = answer.size() == 6 && answer.find_first_not_of("0123456789") == answer.npos;
            return std::string(good ? "" : "A URN is six digits.");
        });
        domain_ = ask_until("Its internet domain, such as example.sch.uk", "", [](const std::string& answer) {
            const bool good = answer.find('.') != answer.npos && answer.find_first_of(" +/@") == answer.npos;
            return std::string(good ? "" : "A domain is like example.sch.uk.");
        });
        files_.make_folder(ledger_folder());
        head_ = fmt::format(
            "# Written by `rollbook init --wizard`; yours to change. `rollbook check` reads it again.\n\n"
            "[school]\nname = {}\nurn = {}\ntimezone = \"Europe/London\"\ncalendar = {}\n\n"
            "[ledger]\npath = {}\norigin = {}\nsigning_key = {{ file = {} }}\n",
            in_toml(name),
            in_toml(urn),
            in_toml(beside("calendar.toml")),
            in_toml((ledger_folder() / "ledger.db").string()),
            in_toml(fmt::format("ledger.{}/{}", domain_, urn)),
            in_toml((ledger_folder() / "ledger.key").string())
        );
    }

    void ask_calendar()
    {
        io_.out << "\nThe half terms, one a line: the first and the last day, such as 2026-09-03 2026-10-23. An empty "
                   "line\n"
                   "ends. `rollbook calendar propose` drafts them later from the marks.\n";
        std::string text = "# Only days inside a half term and not closed are school days.\n\n[[term]]\n"
                           "name = \"As given to the wizard\"\nhalf_terms = [\n";
        for (int count = 0;;) {
            const auto days = words_in(ask("Half term"));
            if (days.empty() && count > 0) break;
            const auto first = days.size() == 2 ? parse_day(days[0]) : std::nullopt;
            const auto last = days.size() == 2 ? parse_day(days[1]) : std::nullopt;
            if (!first || !last || *last < *first) {
                io_.out << "  Two days, the earlier first: 2026-09-03 2026-10-23.\n";
                continue;
            }
            text += fmt::format("  {{ first_day = {}, last_day = {} }},\n", format_day(*first), format_day(*last));
            ++count;
        }
        text += "]\n";
        io_.out << "Days closed in term time, one a line, such as 2026-11-27 inset (or holiday, closure). An empty "
                   "line ends.\n";
        for (;;) {
            const auto words = words_in(ask("Closed"));
            if (words.empty()) break;
            const auto day = parse_day(words[0]);
            const std::string kind = words.size() > 1 ? words[1] : "closure";
            if (!day || (kind != "inset" && kind != "holiday" && kind != "closure")) {
                io_.out << "  A day and one of inset, holiday and closure.\n";
                continue;
            }
            text += fmt::format("\n[[closed]]\nday = {}\nkind = \"{}\"\n", format_day(*day), kind);
        }
        for (const auto& [name, usual] : {std::pair("AM", "08:45 09:15"), std::pair("PM", "13:10 13:25")}) {
            const std::string times =
                ask_until(fmt::format("{}: register opens and closes", name), usual, [](const std::string& answer) {
                    return std::string(
                        answer.size() == 11 && answer[2] == ':' && answer[8] == ':' ? "" : "Such as 08:45 09:15."
                    );
                });
            text += fmt::format(
                "\n[[session]]\nname = \"{}\"\nregister_opens = {}:00\nregister_closes = {}:00\nfrom = 2020-09-01\n",
                name,
                times.substr(0, 5),
                times.substr(6)
            );
        }
        files_.make(file_.parent_path() / beside("calendar.toml"), text, 0640);
    }

    void ask_sources()
    {
        const auto known = io_.context.connectors.list().value();
        for (;;) {
            io_.out << "\nSystems that can be read: ";
            for (const auto& each : known)
                io_.out << (&each == &known.front() ? "" : ", ") << plain(each.name);
            io_.out << ".\n";
            const std::string name =
                ask(sources_.empty() ? "Which holds the attendance marks" : "A further system to read; empty: no more");
            if (name.empty() && !sources_.empty()) return;
            const auto at = std::ranges::find(known, name, &connector_tools::known::name);
            if (at == known.end())
                io_.out << "  There is no such system.\n";
            else
                add_source(*at);
        }
    }

    void add_source(const connector_tools::known& system)
    {
        const std::string role = system.role == "safeguarding" ? "safeguarding" : "mis";
        const std::string usual =
            sources_.find(fmt::format("name = \"{}\"", role)) == std::string::npos ? role : system.name;
        for (;;) {
            const std::string name = ask_until("A short name for it", usual, [&](const std::string& answer) {
                if (!is_word(answer)) return "Letters, digits and hyphens only.";
                return sources_.find(fmt::format("name = \"{}\"\n", answer)) != std::string::npos
                           ? "That name is taken."
                           : "";
            });
            const bool is_files = system.state == "files only";
            std::string text = fmt::format(
                "\n[[source]]\nname = {}\nrole = {}\nconnector = {}\npoll_every = \"10m\"\n[source.settings]\n",
                in_toml(name),
                in_toml(role),
                in_toml(is_files ? "report" : system.name)
            );
            const std::size_t secrets = files_.count();
            for (const auto& asked : io_.context.connectors.questions(system.name).value())
                text += setting_line(name, asked);
            const std::string before = sources_;
            sources_ += text;
            if (tried({"source " + name + ":", name + " ", name + ":"}) || !agrees("Answer again", true)) return;
            sources_ = before;
            files_.drop_to(secrets);
        }
    }

    std::string setting_line(const std::string& source, const connector_tools::question& asked)
    {
        if (!asked.fixed.empty()) return fmt::format("{} = {}\n", asked.name, in_toml(asked.fixed));
        io_.out << "  " << plain(asked.title) << ". " << plain(asked.description) << '\n';
        for (;;) {
            const std::string answer = ask("  " + asked.name, asked.usual, asked.secret);
            if (answer.empty() && asked.required) {
                io_.out << "  An answer is needed.\n";
                continue;
            }
            if (answer == asked.usual) return {};
            if (asked.secret)
                return fmt::format("{} = {}\n", asked.name, keep_secret(source + "." + asked.name, answer));
            return fmt::format("{} = {}\n", asked.name, in_toml(answer));
        }
    }

    void ask_web()
    {
        std::string url =
            ask("\nThe address that staff will use for the pages; links in messages begin with it",
                "https://rollbook." + domain_);
        const std::size_t host = std::string_view("https://").size();
        const bool serves =
            url.starts_with("https://") &&
            agrees("Shall Rollbook itself serve them to other machines (no: another web server does)", false);
        while (serves && url.ends_with('/'))
            url.pop_back();
        // A service without privileges has no port below 1024.
        if (serves && url.find(':', host) == url.npos) url += ":8443";
        web_ = fmt::format("\n[web]\nlisten = \"127.0.0.1:8480\"\npublic_url = {}\n", in_toml(url));
        if (serves) prepare_tls(url, url.substr(host, url.find(':', host) - host), url.substr(url.find(':', host) + 1));
    }

    // A key and a request for the domain's own authority. Until its certificate has come the pages stay on this
    // machine.
    void prepare_tls(const std::string& url, const std::string& host, const std::string& port)
    {
        const certificate_request made = make_certificate_request(host);
        const std::filesystem::path folder = file_.parent_path();
        const std::string key = beside("web.key"), request = beside("web.csr"), certificate = beside("web.crt");
        files_.make(folder / key, made.private_key, 0600, ledger_folder());
        files_.make(folder / request, made.request, 0640);
        web_ += fmt::format(
            "# Once the certificate stands in {1}, these lines replace `listen` above:\n"
            "# listen = \"0.0.0.0:{0}\"\n# [web.tls]\n# certificate = {2}\n# private_key = {{ file = {3} }}\n",
            port,
            certificate,
            in_toml(certificate),
            in_toml(key)
        );
        last_words_ = fmt::format(
            "\nThe pages: send {} to your domain's certificate authority, put its certificate (and those above it) "
            "into\n"
            "{}, and let the lines at the end of [web] replace `listen`. `rollbook user add NAME --role lead` makes "
            "the\n"
            "first account. Then open {} on another machine: it asks for a name and a password, and the browser\n"
            "complains of nothing.\n",
            plain((folder / request).string()),
            plain((folder / certificate).string()),
            plain(url)
        );
    }

    void ask_routes()
    {
        io_.out << "\nWhere alerts go. Messages carry a pupil's reference, no name, unless you change `disclose`.\n";
        for (int count = 0;; ++count) {
            const std::string kind = ask_until(
                count == 0 ? "The first route: email, teams, webhook or file" : "A further route; empty: no more",
                count == 0 ? "email" : "",
                [&](const std::string& answer) {
                    const bool good = answer == "email" || answer == "teams" || answer == "webhook" ||
                                      answer == "file" || (answer.empty() && count > 0);
                    return std::string(good ? "" : "One of email, teams, webhook and file.");
                }
            );
            if (kind.empty()) return;
            add_route(kind, count == 0 ? "lead" : kind);
        }
    }

    void add_route(const std::string& kind, const std::string& usual)
    {
        for (;;) {
            const std::string name = ask_until("A short name for it", usual, [&](const std::string& answer) {
                if (!is_word(answer)) return "Letters, digits and hyphens only.";
                return routes_.find(fmt::format("name = \"{}\"\n", answer)) != std::string::npos ? "That name is taken."
                                                                                                 : "";
            });
            const std::size_t secrets = files_.count();
            const std::string before = routes_;
            routes_ += fmt::format(
                "\n[[route]]\nname = {}\nchannel = \"{}\"\nrules = [\"*\"]\ndisclose = "
                "\"reference\"\n[route.settings]\n",
                in_toml(name),
                kind
            );
            routes_ += kind == "email" ? email_settings(name) : other_settings(kind, name);
            if (tried({"route " + name + ":"}) || !agrees("Answer again", true)) return;
            routes_ = before;
            files_.drop_to(secrets);
        }
    }

    std::string email_settings(const std::string& name)
    {
        std::string text =
            fmt::format("smtp_url = {}\n", in_toml(required("  The relay, such as smtps://smtp.example.sch.uk")));
        text += fmt::format("from = {}\n", in_toml(required("  From", "rollbook@" + domain_)));
        text += fmt::format("to = {}\n", list_of(words_in(required("  To; several with a blank between"))));
        const std::string how =
            ask_until("  Logging on: none, password or microsoft365", "none", [](const std::string& answer) {
                const bool good = answer == "none" || answer == "password" || answer == "microsoft365";
                return std::string(good ? "" : "One of none, password and microsoft365.");
            });
        if (how == "password") {
            text += fmt::format("user = {}\n", in_toml(required("  User")));
            text += fmt::format("password = {}\n", keep_secret(name + ".password", ask("  Password", "", true)));
        } else if (how == "microsoft365") {
            const std::string tenant = required("  Tenant");
            const std::string client = required("  Application (client) id");
            text += fmt::format(
                "oauth = {{ tenant = {}, client_id = {}, client_secret = {} }}\n",
                in_toml(tenant),
                in_toml(client),
                keep_secret(name + ".client-secret", ask("  Client secret", "", true))
            );
        }
        return text;
    }

    std::string other_settings(const std::string& kind, const std::string& name)
    {
        if (kind == "file") return fmt::format("folder = {}\n", in_toml(required("  The folder")));
        if (kind == "teams")
            return fmt::format(
                "url = {}\n",
                keep_secret(name + ".url", ask("  The workflow's address, whole; it is a secret", "", true))
            );
        const std::string url = required("  The receiver's address");
        return fmt::format(
            "url = {}\nsecret = {}\n",
            in_toml(url),
            keep_secret(name + ".secret", ask("  The secret, whsec_...", "", true))
        );
    }

    void ask_backup()
    {
        const std::string target =
            ask("\nThe folder that backups go to, on another machine or disk; empty: none for now (status will nag)");
        if (target.empty()) return;
        io_.out << "Two public keys that can open them; `rollbook backup keygen FILE` makes one, kept away from this "
                   "machine.\n";
        const std::string first = required("  First");
        const std::string second = required("  Second");
        backup_ = fmt::format("\n[backup]\ntarget = {}\nrecipients = {}\n", in_toml(target), list_of({first, second}));
    }

    configuration load()
    {
        files_.rewrite(file_, head_ + sources_ + rules_ + routes_ + web_ + backup_);
        const auto loaded = io_.context.load_configuration(file_);
        if (loaded.good && loaded.problems.empty()) return *loaded.good;
        std::string all;
        for (const auto& problem : loaded.problems)
            all += (all.empty() ? "" : " ") + problem.line;
        throw failure_error(failure(errc::configuration_invalid, all, "Run it again with other answers."));
    }

    // Reaches what was just described, and says how that went: the lines that begin so.
    bool tried(const std::vector<std::string>& begins)
    {
        const auto is_ours = [&](const std::string& text) {
            return std::ranges::any_of(begins, [&](const std::string& begin) { return text.starts_with(begin); });
        };
        try {
            bool good = true;
            for (const check_line& each : io_.context.check(load(), true)) {
                if (!is_ours(each.text)) continue;
                io_.out << "  " << (each.bad ? "BAD   " : "ok    ") << plain(each.text) << '\n';
                if (!each.to_do.empty()) io_.out << "        " << plain(each.to_do) << '\n';
                good = good && !each.bad;
            }
            return good;
        } catch (const failure_error& e) {
            io_.out << "  BAD   " << plain(e.why().what) << '\n';
            return false;
        }
    }

    const command_io& io_;
    const command_options& options_;
    std::filesystem::path file_;
    std::string stem_;
    std::string domain_;
    std::string head_, sources_, rules_, web_, routes_, backup_; // the parts of the configuration
    std::string last_words_;
    wizard_files files_;
};

} // namespace

int run_wizard(const command_io& io, const command_options& options)
{
    return wizard(io, options).run();
}

} // namespace rollbook
