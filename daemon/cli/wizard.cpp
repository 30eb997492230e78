#include "daemon/base/ascii.hpp"
#include "daemon/base/certificate.hpp"
#include "daemon/base/sealed_file.hpp"
#include "daemon/base/utf8.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/cli/wizard_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <ostream>

// `init --wizard`: asks for what a school needs, has each answer judged by what will read it, tries each source and
// route as it is given, and at the end writes the files that a person would. Answers may come from a file as well as
// from a terminal.
namespace rollbook {
namespace {

using check_line = cli_context::check_line;

// A text as a TOML basic string.
std::string in_toml(std::string_view text)
{
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            out += std::string("\\") + c;
        else if (is_control(c))
            out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
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

constexpr std::size_t answer_bytes_max = 1'000; // of what is no secret

// What no answer may be, whatever was asked; empty: nothing is wrong with it.
std::string_view against_any(std::string_view answer, bool hidden)
{
    if (!is_valid_utf8(answer)) return "That is not text in UTF-8.";
    if (plain(answer) != answer) return "That holds a control character, as an arrow key types it. Type it again.";
    if (!hidden && answer.size() > answer_bytes_max) return "That is too long.";
    return {};
}

// "example.sch.uk": what an address and the ledger's name can both be made of.
bool is_domain(std::string_view text)
{
    const auto fits = [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.'; };
    return text.find('.') != text.npos && std::ranges::all_of(text, fits) && text.find("..") == text.npos &&
           text.front() != '.' && text.back() != '.';
}

bool is_number(std::string_view text)
{
    return text.size() <= 9 && std::ranges::all_of(text, is_digit) && !text.starts_with('0');
}

// Where a problem names a key, and no longer one that begins so.
std::size_t place_of(std::string_view key, std::string_view problem)
{
    const std::size_t at = problem.find(key);
    const std::string_view rest = at == problem.npos ? std::string_view() : problem.substr(at + key.size());
    const bool goes_on = !rest.empty() && (is_letter(rest[0]) || is_digit(rest[0]) || rest[0] == '_' || rest[0] == '-');
    return goes_on ? problem.npos : at;
}

// "08:45:00" of "08:45" or "8:45".
std::optional<std::string> clock_time(std::string_view text)
{
    const auto read = parse_time(text, "%H:%M");
    return read ? std::optional(format_instant(instant(read->local.time_since_epoch())).substr(11, 8)) : std::nullopt;
}

class wizard {
public:
    wizard(const command_io& io, const command_options& options)
        : io_(io), options_(options), file_(std::filesystem::absolute(options.config).lexically_normal()),
          stem_(file_.stem().string()), draft_file_(file_.parent_path()), calendar_file_(file_.parent_path())
    {
    }

    int run()
    {
        check_places();
        io_.out << "This writes " << plain(file_.string())
                << " and what goes with it. An empty answer takes what stands in\n"
                << "[brackets]. Nothing is written before the end: stop whenever you like (Ctrl-C).\n\n";
        ask_school();
        ask_calendar();
        ask_sources();
        draft_ += "\n[rules]\npacks = [\"england\"]\n";
        ask_web();
        ask_routes();
        ask_operator();
        ask_backup();
        const configuration config = load();
        const std::string vkey = write(config);
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
        io_.out << ".\nThe first account: " << program
                << " user add NAME --role lead.\n\nThe pages: " << how_pages_come_;
        if (config.web.public_url.starts_with(scheme)) open_page(config, program);
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
                   "today. ";
        const auto line = io_.context.read_line("Read them now [yes]: ", false);
        io_.out << '\n';
        if (!line || !(line->empty() || lower(line->front()) == 'y')) return false;
        command_options now;
        now.config = file_;
        if (run_poll(io_, now) != exit_done) return false;
        io_.out << '\n';
        run_rules_weekly(io_, now);
        return true;
    }

    // The last step is done on another machine. It ends when it was, or with a line of answer.
    void open_page(const configuration& config, std::string_view program)
    {
        io_.out << "With Rollbook started, open " << plain(config.web.public_url)
                << " on another machine: it asks for a name and a\npassword, and the browser complains of nothing. `"
                << program << " status` says whether that was done.\n";
        if (waits_for_certificate_) return;
        io_.out << "\nWaiting until another machine opens it; Enter: later. ";
        io_.out.flush();
        const bool is_opened = io_.context.wait_for([&] { return io_.context.pages(config).opened_at.has_value(); });
        io_.out << '\n' << (is_opened ? "It was opened from another machine. All is set up.\n" : "");
    }

    bool is_usual() const { return file_ == command_options().config; }

    // Throws when the answers end.
    std::string ask(std::string_view question, std::string_view usual = "", bool hidden = false)
    {
        const std::string shown =
            fmt::format("{}{}: ", question, usual.empty() ? "" : fmt::format(" [{}]", plain(usual)));
        for (;;) {
            const auto line = io_.context.read_line(shown, hidden);
            if (!line)
                throw failure_error(failure(
                    errc::usage, "the answers ended before everything was asked", "Nothing was kept; run it again."
                ));
            std::string answer = *line;
            if (!hidden) std::ranges::replace(answer, '\t', ' ');
            answer = trimmed(answer, " \t\r");
            const std::string_view against = against_any(answer, hidden);
            if (against.empty()) return answer.empty() ? std::string(usual) : answer;
            io_.out << "  " << against << '\n';
        }
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

    // Whether `lines` can go on where `text` ends, by what the configuration's reader says of `key`. Says why not.
    bool adds(std::string& text, std::string_view lines, std::string_view key)
    {
        const std::size_t before = text.size();
        text += lines;
        for (const auto& each : draft().problems) {
            const std::size_t at = place_of(key, each.line);
            if (at == std::string::npos) continue;
            io_.out << "  " << plain(each.line.substr(at)) << "\n    " << plain(each.to_do) << '\n';
            text.resize(before);
            return false;
        }
        return true;
    }

    // Asks for a text of the configuration, known to its reader as `key`, until that takes it.
    std::string ask_text(std::string_view key, std::string_view question, std::string_view usual = "")
    {
        for (;;) {
            const std::string answer = ask(question, usual);
            const std::string_view name = key.substr(key.rfind('.') + 1);
            if (adds(draft_, fmt::format("{} = {}\n", name, in_toml(answer)), key)) return answer;
        }
    }

    bool agrees(std::string_view question, bool usual)
    {
        const std::string answer = ask_until(question, usual ? "yes" : "no", [](const std::string& said) {
            const bool fits = is_same_word(said, "yes") || is_same_word(said, "no") || is_same_word(said, "y") ||
                              is_same_word(said, "n");
            return std::string(fits ? "" : "Yes or no.");
        });
        return lower(answer.front()) == 'y';
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

    // Asks for a secret until what will read it does, and returns the reference to the file that it is to be in. Empty:
    // there is none, and none is `needed`. `may_end`: asks on which day, too.
    std::string ask_secret(std::string_view name, std::string_view question, bool needed = true, bool may_end = false)
    {
        const std::filesystem::path file = file_.parent_path() / beside(name);
        for (;;) {
            const std::string secret = ask(question, "", true);
            if (secret.empty() && !needed) return {};
            const std::size_t before = files_.count();
            const std::filesystem::path held = files_.hold(file, secret + "\n", 0600, ledger_owner());
            const auto read = io_.context.read_secret({secret_reference::from::file, held.string(), {}}, {});
            if (read) return fmt::format("{{ file = {}{} }}", in_toml(held.string()), may_end ? ask_end() : "");
            files_.drop_to(before);
            io_.out << "  " << (secret.empty() ? "An answer is needed." : "That cannot be a secret: it is too long.")
                    << '\n';
        }
    }

    std::string ask_end()
    {
        const std::string day = ask_until(
            "  The day on which it stops working, such as 2027-03-31; empty: not known",
            "",
            [this](const std::string& said) {
                const auto ends = parse_day(said);
                const instant now = io_.context.time_of_new(options_.simulated);
                if (said.empty() || (ends && *ends >= day_of(time_zone::utc().to_local(now)))) return std::string();
                return std::string(ends ? "That day is past: it works no more." : "A day is like 2027-03-31.");
            }
        );
        return day.empty() ? "" : ", expires = " + day;
    }

    // Asks for the name of a source or a route: one that its reader takes, and that no file has yet.
    std::string ask_name(std::string_view key, std::string_view usual)
    {
        for (;;) {
            const std::size_t before = draft_.size();
            std::string name = ask_text(key, "A short name for it", usual);
            if (!is_taken(beside(name) + ".")) return name;
            io_.out << "  There are files of that name already (" << plain(beside(name)) << ".*). Give another.\n";
            draft_.resize(before);
        }
    }

    // Whether a file beside the configuration, there or to be, begins so.
    bool is_taken(std::string_view beginning) const
    {
        const auto begins = [&](const std::filesystem::path& file) {
            return file.filename().string().starts_with(beginning);
        };
        std::error_code none;
        const std::filesystem::directory_iterator there(file_.parent_path(), none);
        return std::any_of(begin(there), end(there), begins) ||
               std::ranges::any_of(files_.places(), [&](const auto& each) { return begins(each.second); });
    }

    // The first port from this one on that no configuration beside this one names: each school's pages have their own.
    int free_port(int port) const
    {
        std::string others;
        std::error_code none;
        for (const auto& each : std::filesystem::directory_iterator(file_.parent_path(), none))
            if (each.path().extension() == ".toml" && each.path().filename() != "sample.toml") // the package's own
                others.append(std::istreambuf_iterator<char>(std::ifstream(each.path()).rdbuf()), {});
        while (others.find(fmt::format(":{}", port)) != others.npos)
            ++port;
        return port;
    }

    // Who the ledger will belong to: whoever has its folder, or the one that the folder will stand in.
    std::filesystem::path ledger_owner() const
    {
        std::error_code none;
        return std::filesystem::is_directory(ledger_folder(), none) ? ledger_folder() : ledger_folder().parent_path();
    }

    // Before anything is asked: what cannot be made at the end. A ledger that is there is nobody's to write over.
    void check_places() const
    {
        check_place(file_);
        check_place(file_.parent_path() / beside("calendar.toml"));
        if (ledger_owner() != ledger_folder()) return check_place(ledger_folder());
        for (const char* name : {"ledger.db", "ledger.db.signed", "ledger.key", "ledger.vkey"})
            check_place(ledger_folder() / name);
    }

    void ask_school()
    {
        draft_ =
            "# Written by `rollbook init --wizard`; yours to change. `rollbook check` reads it again.\n\n[school]\n";
        ask_text("school.name", "The school's name");
        const std::string urn = ask_text("school.urn", "Its URN (six digits)");
        draft_ += fmt::format(
            "timezone = \"Europe/London\"\ncalendar = {}\n\n[ledger]\npath = {}\nsigning_key = {{ file = {} }}\n",
            in_toml(calendar_file_.path().string()),
            in_toml((ledger_folder() / "ledger.db").string()),
            in_toml((ledger_folder() / "ledger.key").string())
        );
        const auto origin = [&] {
            return fmt::format("origin = {}\n", in_toml(fmt::format("ledger.{}/{}", domain_, urn)));
        };
        do {
            domain_ = ask_until("Its internet domain, such as example.sch.uk", "", [](const std::string& answer) {
                return std::string(is_domain(answer) ? "" : "A domain is like example.sch.uk.");
            });
        } while (!adds(draft_, origin(), "ledger.origin"));
    }

    // The whole calendar; the list of half terms is open to its end while they are asked for.
    std::string calendar() const
    {
        return "# Only days inside a half term and not closed are school days.\n\n[[term]]\n"
               "name = \"As given to the wizard\"\nhalf_terms = [\n" +
               half_terms_ + "]\n" + sessions_;
    }

    void ask_calendar()
    {
        io_.out << "\nThe half terms, one a line: the first and the last day, such as 2026-09-03 2026-10-23. An empty "
                   "line\n"
                   "ends. `rollbook calendar propose` drafts them later from the marks.\n";
        for (int count = 0;;) {
            const auto days = words_in(ask("Half term"));
            if (days.empty() && count > 0) break;
            const auto first = days.size() == 2 ? parse_day(days[0]) : std::nullopt;
            const auto last = days.size() == 2 ? parse_day(days[1]) : std::nullopt;
            if (!first || !last)
                io_.out << "  Two days, the earlier first: 2026-09-03 2026-10-23.\n";
            else if (adds(
                         half_terms_,
                         fmt::format("  {{ first_day = {}, last_day = {} }},\n", format_day(*first), format_day(*last)),
                         fmt::format("half_terms[{}]", count + 1)
                     ))
                ++count;
        }
        io_.out << "Days closed in term time, one a line, such as 2026-11-27 inset (or holiday, closure). An empty "
                   "line ends.\n";
        for (int count = 0;;) {
            const auto words = words_in(ask("Closed"));
            if (words.empty()) break;
            const auto day = parse_day(words[0]);
            const std::string kind = words.size() > 1 ? words[1] : "closure";
            if (!day || words.size() > 2)
                io_.out << "  A day and one of inset, holiday and closure.\n";
            else if (adds(
                         sessions_,
                         fmt::format("\n[[closed]]\nday = {}\nkind = {}\n", format_day(*day), in_toml(kind)),
                         fmt::format("closed[{}]", count + 1)
                     ))
                ++count;
        }
        ask_session("AM", "08:45 09:15", "session[1]");
        ask_session("PM", "13:10 13:25", "session[2]");
    }

    void ask_session(std::string_view name, std::string_view usual, std::string_view key)
    {
        for (;;) {
            const auto times = words_in(ask(fmt::format("{}: register opens and closes", name), usual));
            const auto opens = times.size() == 2 ? clock_time(times[0]) : std::nullopt;
            const auto closes = times.size() == 2 ? clock_time(times[1]) : std::nullopt;
            if (!opens || !closes)
                io_.out << "  Two times of day, such as 08:45 09:15.\n";
            else if (adds(
                         sessions_,
                         fmt::format(
                             "\n[[session]]\nname = \"{}\"\nregister_opens = {}\nregister_closes = {}\n"
                             "from = 2020-09-01\n",
                             name,
                             *opens,
                             *closes
                         ),
                         key
                     ))
                return;
        }
    }

    void ask_sources()
    {
        const auto known = io_.context.connectors.list().value();
        for (int count = 0;;) {
            io_.out << "\nSystems that can be read: ";
            for (const auto& each : known)
                io_.out << (&each == &known.front() ? "" : ", ") << plain(each.name);
            io_.out << ".\n";
            const std::string name =
                ask(count == 0 ? "Which holds the attendance marks" : "A further system to read; empty: no more");
            if (name.empty() && count > 0) return;
            const auto at = std::ranges::find(known, name, &connector_tools::known::name);
            if (at == known.end())
                io_.out << "  There is no such system.\n";
            else if (add_source(*at, fmt::format("source[{}].", count + 1)))
                ++count;
        }
    }

    // False: there is no room for it.
    bool add_source(const connector_tools::known& system, const std::string& key)
    {
        const std::string role = system.role == "safeguarding" ? "safeguarding" : "mis";
        const std::string usual =
            draft_.find(fmt::format("name = \"{}\"", role)) == std::string::npos ? role : system.name;
        const std::string before = draft_;
        const std::size_t secrets = files_.count();
        for (;;) {
            if (!adds(draft_, fmt::format("\n[[source]]\nrole = {}\n", in_toml(role)), key + "role")) return false;
            const std::string name = ask_name(key + "name", usual);
            const bool is_files = system.state == "files only";
            draft_ += fmt::format(
                "connector = {}\npoll_every = \"10m\"\n[source.settings]\n", in_toml(is_files ? "report" : system.name)
            );
            bool by_days = false;
            for (const auto& asked : io_.context.connectors.questions(system.name).value())
                by_days = (ask_setting(name, asked) && asked.limits_days) || by_days;
            // Marks say no time of change. The near days are compared often and the far ones rarely.
            if (by_days)
                draft_ += "reread = [ { school_days = 2, every = \"10m\" }, { school_days = 30, every = \"1d\" }, "
                          "{ from = \"year\", every = \"7d\" } ]\n";
            if (is_good({"source " + name + ":", name + " ", name + ":"})) return true;
            draft_ = before;
            files_.drop_to(secrets);
        }
    }

    // Whether anything was answered but what is usual.
    bool ask_setting(const std::string& source, const connector_tools::question& asked)
    {
        const auto line = [&](const std::string& value) { return fmt::format("{} = {}\n", asked.name, value); };
        if (!asked.fixed.empty()) {
            draft_ += line(in_toml(asked.fixed));
            return false;
        }
        io_.out << "  " << plain(asked.title) << ". " << plain(asked.description) << '\n';
        const std::string question = "  " + asked.name;
        if (asked.secret) {
            const std::string secret = ask_secret(source + "." + asked.name, question, asked.required, true);
            if (!secret.empty()) draft_ += line(secret);
            return !secret.empty();
        }
        for (;;) {
            const std::string answer = ask(question, asked.usual);
            if (answer == asked.usual && !(answer.empty() && asked.required)) return false;
            if (asked.is_number && !is_number(answer))
                io_.out << "  A whole number.\n";
            else if (adds(draft_, line(asked.is_number ? answer : in_toml(answer)), "settings." + asked.name))
                return true;
        }
    }

    void ask_web()
    {
        const std::string listen = fmt::format("127.0.0.1:{}", free_port(8480));
        draft_ += fmt::format("\n[web]\nlisten = \"{}\"\n", listen);
        const std::string before = draft_;
        std::string url = ask_text(
            "web.public_url",
            "\nThe address that staff will use for the pages; links in messages begin with it",
            "https://rollbook." + domain_
        );
        how_pages_come_ = fmt::format("let the web server at their address pass requests on to {}.\n", listen);
        std::string_view host = url;
        while (host.ends_with('/'))
            host.remove_suffix(1);
        if (!host.starts_with(scheme)) {
            how_pages_come_ =
                "they open on this machine alone, until [web] public_url is an address that staff can use.\n";
            return;
        }
        host.remove_prefix(scheme.size());
        const std::string_view port = host.substr(std::min(host.find(':'), host.size()));
        host.remove_suffix(port.size());
        // At an address of another form there is another web server already.
        if (!is_domain(host)) return;
        const auto wants = [&] {
            return agrees("Shall Rollbook itself serve them to other machines (no: another web server does)", false);
        };
        for (;;) {
            if (!wants()) return;
            if (!is_taken(beside("web."))) break;
            io_.out << "  There are files of that name already (" << beside("web.*")
                    << "). Move them away, or say no.\n";
        }
        // A service without privileges has no port below 1024.
        const std::string at =
            fmt::format("{}{}{}", scheme, host, port.empty() ? fmt::format(":{}", free_port(8443)) : std::string(port));
        draft_ = before + fmt::format("public_url = {}\n", in_toml(at));
        prepare_tls(std::string(host), at.substr(at.rfind(':') + 1));
    }

    // A key and a request for the domain's own authority. Until its certificate has come the pages stay on this
    // machine.
    void prepare_tls(const std::string& host, const std::string& port)
    {
        const certificate_request made = make_certificate_request(host);
        const std::filesystem::path folder = file_.parent_path();
        const std::string key = beside("web.key"), request = beside("web.csr"), certificate = beside("web.crt");
        files_.hold(folder / key, made.private_key, 0600, ledger_owner());
        files_.hold(folder / request, made.request, 0640);
        draft_ += fmt::format(
            "# Once the certificate stands in {1}, these lines replace `listen` above:\n"
            "# listen = \"0.0.0.0:{0}\"\n# [web.tls]\n# certificate = {2}\n# private_key = {{ file = {3} }}\n",
            port,
            certificate,
            in_toml(certificate),
            in_toml(key)
        );
        how_pages_come_ = fmt::format(
            "send {} to your domain's certificate authority, put its certificate (and those above it) into\n"
            "{}, let the lines at the end of [web] replace `listen`, and start Rollbook again.\n",
            plain((folder / request).string()),
            plain((folder / certificate).string())
        );
        waits_for_certificate_ = true;
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
            add_route(kind, fmt::format("route[{}].", count + 1), count == 0 ? "lead" : kind);
        }
    }

    void add_route(const std::string& kind, const std::string& key, const std::string& usual)
    {
        const std::string before = draft_;
        const std::size_t secrets = files_.count();
        for (;;) {
            draft_ += fmt::format("\n[[route]]\nchannel = \"{}\"\nrules = [\"*\"]\ndisclose = \"reference\"\n", kind);
            const std::string name = ask_name(key + "name", usual);
            draft_ += "[route.settings]\n";
            const std::string settings = key + "settings.";
            if (kind == "email") ask_email(name, settings);
            if (kind == "file") ask_text(settings + "folder", "  The folder");
            if (kind == "webhook") ask_text(settings + "url", "  The receiver's address");
            if (kind == "webhook")
                draft_ += "secret = " + ask_secret(name + ".secret", "  The secret, whsec_...") + "\n";
            if (kind == "teams")
                draft_ +=
                    "url = " + ask_secret(name + ".url", "  The workflow's address, whole; it is a secret") + "\n";
            if (is_good({"route " + name + ":"})) {
                if (first_route_.empty()) first_route_ = name;
                return;
            }
            draft_ = before;
            files_.drop_to(secrets);
        }
    }

    // Who is told of Rollbook itself.
    void ask_operator()
    {
        io_.out
            << "\nWho is told when Rollbook or its machine needs a hand: disk, clock, backups, certificates, a source "
               "that fails.\n";
        const std::string question = "The technician's e-mail address; empty: the route " + first_route_;
        const std::string before = draft_;
        for (;;) {
            const std::string to = relay_before_.empty() ? std::string() : ask(question);
            if (to.empty()) {
                if (relay_before_.empty()) io_.out << "The route " << first_route_ << " is.\n";
                draft_ += fmt::format("\n[operator]\nroute = {}\n", in_toml(first_route_));
                return;
            }
            const std::string name = draft_.find("name = \"it\"") == draft_.npos ? "it" : "operator";
            draft_ += fmt::format(
                "\n[operator]\nroute = \"{0}\"\nweekly = true # when its word stays away, look at the server\n"
                "\n[[route]]\nname = \"{0}\"\nchannel = \"email\"\nrules = [] # it hears of no pupil\n"
                "[route.settings]\n{1}",
                name,
                relay_before_
            );
            if (adds(draft_, fmt::format("to = {}\n", list_of({to})), "settings.to")) {
                draft_ += relay_after_;
                return;
            }
            draft_ = before;
        }
    }

    void ask_email(const std::string& name, const std::string& key)
    {
        const std::size_t begin = draft_.size();
        ask_text(key + "smtp_url", "  The relay, such as smtps://smtp.example.sch.uk");
        ask_text(key + "from", "  From", "rollbook@" + domain_);
        relay_before_ = draft_.substr(begin);
        for (bool good = false; !good;) {
            const auto to = words_in(ask("  To; several with a blank between"));
            good = adds(draft_, fmt::format("to = {}\n", list_of(to)), key + "to");
        }
        const std::size_t after = draft_.size();
        const std::string how =
            ask_until("  Logging on: none, password or microsoft365", "none", [](const std::string& answer) {
                const bool good = answer == "none" || answer == "password" || answer == "microsoft365";
                return std::string(good ? "" : "One of none, password and microsoft365.");
            });
        if (how == "password") {
            ask_text(key + "user", "  User");
            draft_ += "password = " + ask_secret(name + ".password", "  Password") + "\n";
        } else if (how == "microsoft365") {
            draft_ += "[route.settings.oauth]\n";
            ask_text(key + "oauth.tenant", "  Tenant");
            ask_text(key + "oauth.client_id", "  Application (client) id");
            draft_ += "client_secret = " + ask_secret(name + ".client-secret", "  Client secret", true, true) + "\n";
        }
        relay_after_ = draft_.substr(after);
    }

    void ask_backup()
    {
        io_.out
            << "\nBackups can be opened with either of two keys; `rollbook backup keygen FILE` makes one, kept away "
               "from\n"
               "this machine, and prints its public key.\n";
        const auto is_key = [](const std::string& answer) {
            return std::string(parse_recipient(answer) ? "" : "That is not the line that keygen printed.");
        };
        const std::string first =
            ask_until("The first public key; empty: no backups for now (status will nag)", "", [&](const auto& answer) {
                return answer.empty() ? std::string() : is_key(answer);
            });
        if (first.empty()) return;
        draft_ += "\n[backup]\n";
        for (bool good = false; !good;) {
            const std::string second = ask_until("The second", "", is_key);
            good = adds(draft_, fmt::format("recipients = {}\n", list_of({first, second})), "backup.recipients");
        }
        for (const std::string before = draft_;; draft_ = before) {
            ask_text("backup.target", "The folder that they go to, on another machine or disk");
            if (tried({"backup:"}, false)) return;
        }
    }

    cli_context::loaded_configuration draft()
    {
        calendar_file_.rewrite(calendar());
        draft_file_.rewrite(draft_);
        return io_.context.load_draft(draft_file_.path(), file_);
    }

    // Throws what is wrong with it as it stands.
    configuration load()
    {
        auto loaded = draft();
        if (loaded.problems.empty()) return std::move(*loaded.good);
        const auto& first = loaded.problems.front();
        throw failure_error(failure(errc::configuration_invalid, first.line, first.to_do));
    }

    // Whether what was just described can be kept: it was reached, or the person says so all the same. What the
    // configuration's reader refuses cannot.
    bool is_good(const std::vector<std::string>& begins)
    {
        const auto problems = draft().problems;
        if (problems.empty()) return tried(begins, true) || !agrees("Answer again", true);
        io_.out << "  BAD   " << plain(problems.front().line) << "\n        " << plain(problems.front().to_do) << '\n';
        return false;
    }

    // Tries what was just described, as the user who will, and says how that went: the lines that begin so.
    bool tried(const std::vector<std::string>& begins, bool online)
    {
        const auto is_ours = [&](const std::string& text) {
            return std::ranges::any_of(begins, [&](const std::string& begin) { return text.starts_with(begin); });
        };
        const configuration config = load();
        std::vector<check_line> lines;
        as_ledger_owner([&] { lines = io_.context.check(config, online); });
        bool good = true;
        for (const check_line& each : lines) {
            if (!is_ours(each.text)) continue;
            io_.out << "  " << (each.bad ? "BAD   " : "ok    ") << plain(each.text) << '\n';
            if (!each.to_do.empty()) io_.out << "        " << plain(each.to_do) << '\n';
            good = good && !each.bad;
        }
        return good;
    }

    void as_ledger_owner(const std::function<void()>& work)
    {
        if (io_.context.as_owner_of)
            io_.context.as_owner_of(ledger_owner(), work).value();
        else
            work();
    }

    // The ledger and every file, or none of them. Returns the ledger's public key.
    std::string write(const configuration& config)
    {
        std::string text = draft_;
        const auto is_to_be = [&](const std::filesystem::path& now, const std::string& then) {
            const std::string held = in_toml(now.string());
            for (std::size_t at = 0; (at = text.find(held, at)) != text.npos;)
                text.replace(at, held.size(), in_toml(then));
        };
        is_to_be(calendar_file_.path(), beside("calendar.toml"));
        for (const auto& [now, then] : files_.places())
            is_to_be(now, then.filename().string());
        files_.hold(file_.parent_path() / beside("calendar.toml"), calendar(), 0640);
        files_.hold(file_, text, 0640);

        const undisturbed until_written;
        files_.make_folder(ledger_folder());
        files_.write();
        std::string vkey;
        as_ledger_owner([&] { vkey = io_.context.init(config, options_.simulated).value(); });
        files_.keep();
        return vkey;
    }

    static constexpr std::string_view scheme = "https://";

    const command_io& io_;
    const command_options& options_;
    std::filesystem::path file_;
    std::string stem_;
    std::string domain_;
    std::string draft_;                 // the configuration so far; what it names is in memory
    std::string half_terms_, sessions_; // of the calendar
    memory_file draft_file_, calendar_file_;
    std::string how_pages_come_;
    bool waits_for_certificate_ = false;
    std::string first_route_;
    std::string relay_before_, relay_after_; // settings of the newest email route, around its `to`
    wizard_files files_;
};

} // namespace

int run_wizard(const command_io& io, const command_options& options)
{
    return wizard(io, options).run();
}

} // namespace rollbook
