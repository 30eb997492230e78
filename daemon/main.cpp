// The composition root: the only file that names concrete parts.

#include "connectors/rest/skeleton.hpp"
#include "daemon/base/durable.hpp"
#include "daemon/base/events.hpp"
#include "daemon/base/new_files.hpp"
#include "daemon/base/random.hpp"
#include "daemon/cli/context.hpp"
#include "daemon/config/load.hpp"
#include "daemon/connectors.hpp"
#include "daemon/delivery/make_channel.hpp"
#include "daemon/ledger/accounts.hpp"
#include "daemon/ledger/backup.hpp"
#include "daemon/ledger/checkpoints.hpp"
#include "daemon/ledger/export.hpp"
#include "daemon/ledger/reader.hpp"
#include "daemon/ledger/side_work.hpp"
#include "daemon/ledger/store.hpp"
#include "daemon/machine.hpp"
#include "daemon/net/curl_client.hpp"
#include "daemon/page_note.hpp"
#include "daemon/ports/secrets.hpp"
#include "daemon/reconcile/housekeeping_entries.hpp"
#include "daemon/reconcile/payload.hpp"
#include "daemon/service/account_changes.hpp"
#include "daemon/service/daemon.hpp"
#include "daemon/service/decisions.hpp"
#include "daemon/service/housekeeping.hpp"
#include "daemon/service/operator_messages.hpp"
#include "daemon/upkeep.hpp"
#include "daemon/web/server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iostream>
#include <malloc.h>
#include <poll.h>
#include <pwd.h>
#include <sstream>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

namespace rollbook {
namespace {

namespace fs = std::filesystem;

// Where manifests, schemas and rule packs are.
struct data_folders {
    manifest_places manifests;
    fs::path packs;
    fs::path mappings; // of export files
};

// An installed Rollbook has them under share/rollbook; one that was only built has them in its source tree.
data_folders find_data()
{
    std::vector<fs::path> roots;
    if (const char* named = std::getenv("ROLLBOOK_DATA")) roots.emplace_back(named);
    std::error_code ignored;
    const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
    roots.push_back(program.parent_path() / ".." / "share" / "rollbook");
    roots.emplace_back(ROLLBOOK_SOURCE_DIR);
    for (const fs::path& root : roots) {
        if (!fs::exists(root / "schemas" / "manifest.schema.json", ignored)) continue;
        data_folders found;
        found.manifests.folders = {root / "connectors" / "manifests"};
        found.manifests.schemas = root / "schemas";
        found.packs = root / "schemas" / "rules";
        found.mappings = root / "connectors" / "report" / "mappings";
        return found;
    }
    return {};
}

instant system_now()
{
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

// ROLLBOOK_NOW counts only in a simulation: a real school's clock is the machine's.
instant now_in(bool simulated)
{
    const char* set = simulated ? std::getenv("ROLLBOOK_NOW") : nullptr;
    if (!set || *set == '\0') return system_now();
    const auto at = parse_instant(set);
    if (!at)
        throw failure_error(
            failure(errc::usage, "ROLLBOOK_NOW is not an instant", "Write it as RFC 3339: 2026-09-01T08:55:00Z")
        );
    return *at;
}

bool is_simulation(const configuration& settings)
{
    const auto reader = open_reader(settings.ledger.path);
    return reader && (*reader)->is_simulated();
}

fs::path vkey_file(const configuration& settings)
{
    fs::path file = settings.ledger.path;
    file.replace_extension(".vkey");
    return file;
}

// One key, or after a change the new one and, behind a blank, the one before it.
result<std::vector<std::unique_ptr<signing_key>>> load_keys(const configuration& settings)
{
    const auto text = read_secret(settings.ledger.signing_key, settings.file.parent_path());
    if (!text) return text.error();
    std::vector<std::unique_ptr<signing_key>> keys;
    std::istringstream words(*text);
    for (std::string word; words >> word;) {
        const auto seed = hash_from_base64(word);
        if (!seed || keys.size() == 2) {
            keys.clear();
            break;
        }
        keys.push_back(std::make_unique<signing_key>(settings.ledger.origin, key_kind::log, *seed));
    }
    if (keys.empty())
        return failure(
            errc::configuration_invalid,
            "[ledger] signing_key is not a key that `rollbook init` makes",
            "Give the file that init or `ledger rotate-key` wrote: one line of base64, 32 bytes a key."
        );
    return keys;
}

result<std::unique_ptr<signing_key>> load_key(const configuration& settings)
{
    auto keys = load_keys(settings);
    if (!keys) return keys.error();
    return std::move(keys->front());
}

// Whether one of the keys signed the ledger's newest checkpoint; true where it has none yet.
bool signed_with(const std::vector<std::unique_ptr<signing_key>>& keys, const ledger_reader& book)
{
    const auto newest = book.newest_checkpoint();
    if (!newest) return true;
    const auto note = parse_note(newest->note);
    return !note || std::ranges::any_of(keys, [&](const auto& key) {
        const verifier_key& of = key->verifier();
        return verify_note(*note, std::span(&of, 1)).has_value();
    });
}

result<void> write_new_file(const fs::path& path, std::string_view text, mode_t mode)
{
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    // The umask keeps everything private; the public key is for others to read.
    const bool written = file >= 0 && ::fchmod(file, mode) == 0 &&
                         ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                         ::fsync(file) == 0;
    const int why = errno;
    if (file >= 0) ::close(file);
    if (written && sync_folder(path.parent_path())) return {};
    if (file >= 0) ::unlink(path.c_str());
    return failure(
        errc::ledger_in_doubt,
        "the file " + path.string() + " cannot be made: " + std::strerror(why),
        why == EEXIST   ? "Rollbook never overwrites it; move it away first if it is not wanted."
        : why == ENOENT ? "Make its folder first, owned by the user that runs Rollbook."
                        : "Check the folder's permissions and free space."
    );
}

// A key file is made where the configuration names one that is not there; any other reference must already hold a key.
result<void> make_key_file(const configuration& settings)
{
    const secret_reference& reference = settings.ledger.signing_key;
    if (reference.kind != secret_reference::from::file) return {};
    const fs::path path = settings.file.parent_path() / reference.name;
    hash seed{};
    random_bytes(seed);
    const std::string text = to_base64(seed) + "\n";
    wipe(seed);
    return write_new_file(path, text, 0600);
}

result<std::string> init(const configuration& settings, bool simulated)
{
    const fs::path& ledger = settings.ledger.path;
    if (const result<void> none = check_no_ledger(ledger); !none) return none.error();
    for (const failure& why : check_recipients(settings))
        return why;
    const result<void> key_made = make_key_file(settings);
    if (!key_made) return key_made.error();
    new_files made;
    if (settings.ledger.signing_key.kind == secret_reference::from::file)
        made.add(settings.file.parent_path() / settings.ledger.signing_key.name);
    const auto key = load_key(settings);
    if (!key) return key.error();
    ledger_birth birth;
    birth.origin = settings.ledger.origin;
    birth.simulated = simulated;
    birth.at = now_in(simulated);
    for (const char* suffix : {"", "-wal", "-shm", ".signed"})
        made.add(ledger.string() + suffix);
    if (const result<void> begun = create_ledger(ledger, birth, **key); !begun) return begun.error();
    std::string vkey = format_vkey((*key)->verifier());
    if (const result<void> told = write_new_file(vkey_file(settings), vkey + "\n", 0644); !told) return told.error();
    made.keep();
    return vkey;
}

struct outside_clients {
    std::unique_ptr<http_client> http;
    std::unique_ptr<mail_client> mail;
};

// The relay of an email route, with other receivers.
route_configuration checkpoint_mail_route(const configuration& settings)
{
    route_configuration route;
    for (const route_configuration& each : settings.routes)
        if (each.name == settings.witness->mail_route) route = each;
    setting_list to;
    for (const std::string& address : settings.witness->mail_to)
        to.push_back({address, route.line});
    route.name = checkpoint_route;
    route.settings["to"] = {std::move(to), route.line};
    return route;
}

result<cycle_parts> make_parts(
    const configuration& settings,
    const data_folders& data,
    boost::asio::any_io_executor executor,
    std::function<instant()> now
)
{
    auto clients = std::make_shared<outside_clients>();
    cycle_parts parts;
    clients->http = make_http_client(executor, [clocks = parts.clocks](const std::string& host, auto ahead) {
        clocks->take(host, ahead, std::chrono::steady_clock::now());
    });
    clients->mail = make_mail_client(executor);
    parts.clients = clients;
    for (const source_configuration& source : settings.sources) {
        auto made = make_connector(settings, source, data.manifests, *clients->http, now);
        if (!made) return made.error();
        parts.connectors.push_back(std::move(*made));
    }
    channel_surroundings around(*clients->http, *clients->mail);
    around.folder = settings.file.parent_path();
    around.read_secret = [folder = around.folder](const secret_reference& reference) {
        return read_secret(reference, folder);
    };
    around.now = std::move(now);
    around.school_name = settings.school.name;
    around.school_urn = settings.school.urn;
    around.make_note_writer = [&](const std::string& source, const std::string& operation) {
        return make_note_writer(settings, source, operation, data.manifests, *clients->http);
    };
    for (const route_configuration& route : settings.routes) {
        auto made = make_channel(route, around);
        if (!made) return made.error();
        parts.channels[route.name] = std::move(*made);
        auto back = make_returned_mail(route, around);
        if (!back) return back.error();
        if (*back) parts.returned[route.name] = std::move(*back);
    }
    if (settings.witness && !settings.witness->mail_to.empty()) {
        auto made = make_channel(checkpoint_mail_route(settings), around);
        if (!made) return made.error();
        parts.channels[std::string(checkpoint_route)] = std::move(*made);
    }
    return parts;
}

result<configuration> load_good(const fs::path& file, const fs::path& packs)
{
    auto loaded = load_configuration(file, packs);
    if (loaded) return std::move(*loaded);
    const configuration_errors errors = loaded.error();
    const auto& first = errors.problems.front();
    return failure(errc::configuration_invalid, first.where_and_what(), first.to_do());
}

// The ledger opened for writing, with its lock and key; closed in the right order.
struct open_book {
    std::unique_ptr<ledger_lock> lock;
    std::vector<std::unique_ptr<signing_key>> keys; // newest first
    std::unique_ptr<ledger> book;
    std::unique_ptr<account_book> accounts;
};

result<open_book> open_for_writing(const configuration& settings)
{
    if (!fs::exists(settings.ledger.path))
        return failure(
            errc::ledger_in_doubt,
            "the ledger " + settings.ledger.path.string() + " does not exist",
            "Run `rollbook init` to make it, or correct [ledger] path."
        );
    open_book opened;
    auto lock = ledger_lock::take(settings.ledger.path);
    if (!lock) return lock.error();
    opened.lock = std::move(*lock);
    auto keys = load_keys(settings);
    if (!keys) return keys.error();
    opened.keys = std::move(*keys);
    std::vector<const signing_key*> at_hand;
    for (const auto& key : opened.keys)
        at_hand.push_back(key.get());
    auto book = open_ledger(settings.ledger.path, at_hand, make_side_thread());
    if (!book) return book.error();
    opened.book = std::move(*book);
    auto accounts = open_accounts(settings.ledger.path);
    if (!accounts) return accounts.error();
    opened.accounts = std::move(*accounts);
    // What a kill left unsigned is signed before anything is added to it.
    opened.book->sign_checkpoint(now_in(is_simulation(settings)));
    return opened;
}

// Puts a new key in front of the one that signs, unless one is there already: a change of key that was stopped half-way
// goes on with the key it made.
result<void> make_next_key(const configuration& settings)
{
    const secret_reference& reference = settings.ledger.signing_key;
    if (reference.kind != secret_reference::from::file)
        return failure(
            errc::usage,
            "[ledger] signing_key is not a file, so that no new key can be put there",
            "Name a file while the key is changed: signing_key = { file = \"ledger.key\" }."
        );
    auto opened = open_for_writing(settings);
    if (!opened) return opened.error();
    const auto newest = opened->book->checkpoints().proofs().newest();
    const auto signs = [&](const std::unique_ptr<signing_key>& key) {
        return newest && open_checkpoint(newest->note, key->verifier());
    };
    // Opening has just signed what was not: the newest checkpoint names the key in force.
    if (!signs(opened->keys.front())) return {};
    const fs::path path = settings.file.parent_path() / reference.name;
    const auto held = read_secret(reference, settings.file.parent_path());
    if (!held) return held.error();
    hash seed{};
    random_bytes(seed);
    const std::string text = to_base64(seed) + " " + held->substr(0, held->find(' ')) + "\n";
    wipe(seed);
    const fs::path next = path.string() + ".new";
    std::error_code ignored;
    fs::remove(next, ignored); // left by a kill; its key never signed
    const result<void> written = write_new_file(next, text, 0600);
    if (!written) return written;
    struct stat about {};
    // The daemon's own user must be able to read it, whoever changes the key.
    // The entry that names the key is durable soon: the key must be before.
    if (::stat(path.c_str(), &about) != 0 || ::chown(next.c_str(), about.st_uid, about.st_gid) != 0 ||
        ::rename(next.c_str(), path.c_str()) != 0 || !sync_folder(path.parent_path()))
        return failure(
            errc::ledger_in_doubt,
            "the key file " + path.string() + " cannot be replaced: " + std::strerror(errno),
            "Check its folder; the key in force is as it was."
        );
    return {};
}

result<std::string> rotate_key(const configuration& settings, std::chrono::milliseconds overlap)
{
    const result<void> made = make_next_key(settings);
    if (!made) return made.error();
    auto opened = open_for_writing(settings);
    if (!opened) return opened.error();
    if (opened->keys.size() != 2)
        return failure(errc::ledger_in_doubt, "the key file lost its new key", "Run the command again.");
    const instant now = now_in(is_simulation(settings));
    transaction t;
    t.entries.push_back(key_entry(
        sign_key_change(*opened->keys.back(), *opened->keys.front(), now + overlap), now, opened->book->size()
    ));
    opened->book->commit(t, now);
    opened->book->reload();
    opened->book->sign_checkpoint(now);
    return format_vkey(opened->keys.front()->verifier());
}

// Who runs this, remembered from before work_as_owner().
std::string user_name()
{
    static const uid_t runs_this = ::getuid();
    const passwd* entry = ::getpwuid(runs_this);
    return entry ? entry->pw_name : std::to_string(runs_this);
}

result<std::string> pinned_vkey(const configuration& settings)
{
    if (!settings.ledger.vkey.empty()) return settings.ledger.vkey;
    std::ifstream file(vkey_file(settings));
    std::string line;
    if (!std::getline(file, line) || line.empty())
        return failure(
            errc::ledger_in_doubt,
            "no public key: [ledger] vkey is not set and " + vkey_file(settings).string() + " cannot be read",
            "Give the key that `rollbook init` printed, with [ledger] vkey or --key."
        );
    return line;
}

// The key that a backup was signed with: the pinned one, or after a change of key or where the machine was lost and
// with it that file, one of the ledger's own under the origin that the backup names.
result<verifier_key> signer_of(const configuration& settings, const fs::path& backup)
{
    const auto origin = origin_of_backup(backup);
    if (!origin) return origin.error();
    std::vector<verifier_key> known;
    if (const auto pinned = pinned_vkey(settings)) {
        const auto key = parse_vkey(*pinned);
        if (key && key->name == *origin) known.push_back(*key);
    }
    if (const auto own = load_keys(settings); own && is_valid_key_name(*origin))
        for (const auto& key : *own)
            known.push_back(make_verifier_key(*origin, key_kind::log, key->verifier().public_key));
    for (const verifier_key& key : known)
        if (check_backup(backup, key, nullptr)) return key;
    if (!known.empty()) return known.front();
    return failure(
        errc::ledger_in_doubt,
        "there is no public key to check the backup with",
        "Put the line that `rollbook init` printed into " + vkey_file(settings).string() + "."
    );
}

result<upkeep_report> verify(const configuration& settings, const fs::path& file, const fs::path& key_file)
{
    const auto signer = signer_of(settings, file);
    if (!signer) return signer.error();
    return verify_backup(settings, *signer, file, key_file);
}

result<upkeep_report> restore(const configuration& settings, const restore_request& asked)
{
    const auto lock = ledger_lock::take(settings.ledger.path);
    if (!lock) return lock.error();
    const auto signer = signer_of(settings, asked.file);
    if (!signer) return signer.error();
    // Where the signing key was lost, a ledger that goes on under a new origin gets a new one.
    if (signer->name != settings.ledger.origin && settings.ledger.signing_key.kind == secret_reference::from::file &&
        !fs::exists(settings.file.parent_path() / settings.ledger.signing_key.name))
        if (const result<void> made = make_key_file(settings); !made) return made.error();
    const auto key = load_key(settings);
    if (!key) return key.error();
    const std::string vkey = format_vkey((*key)->verifier());
    if (!settings.ledger.vkey.empty() && settings.ledger.vkey != vkey)
        return failure(
            errc::configuration_invalid,
            "[ledger] vkey is not the key of [ledger] origin and signing_key",
            "Remove vkey, or correct it, and restore again."
        );
    auto done = restore_backup(
        settings, *signer, **key, asked.file, asked.key_file, asked.checkpoints, now_in(is_simulation(settings))
    );
    if (!done) return done;
    // The public key of the ledger that is there now.
    std::error_code ignored;
    const auto held = pinned_vkey(settings);
    if (!held || *held != vkey) {
        fs::rename(vkey_file(settings), vkey_file(settings).string() + ".replaced", ignored);
        if (const result<void> kept = write_new_file(vkey_file(settings), vkey + "\n", 0644); !kept)
            return kept.error();
    }
    return done;
}

result<certificate_and_key> read_certificate(const configuration& settings)
{
    std::ifstream file(settings.web.certificate);
    certificate_and_key read;
    read.certificate.assign(std::istreambuf_iterator<char>(file), {});
    if (!settings.web.private_key || read.certificate.empty())
        return failure(
            errc::configuration_invalid,
            "[web.tls] certificate cannot be read",
            "Give the path of a PEM file that Rollbook's user may read."
        );
    auto key = read_secret(*settings.web.private_key, settings.file.parent_path());
    if (!key) return key.error();
    read.key = std::move(*key);
    return read;
}

result<std::unique_ptr<page_server>>
make_pages(const configuration& settings, page_desk& desk, boost::asio::any_io_executor executor)
{
    web_surroundings around;
    around.settings = std::make_shared<const configuration>(settings);
    around.desk = &desk;
    around.open_reader = [path = settings.ledger.path] { return open_reader(path, true); };
    around.log_key = [settings]() -> result<verifier_key> {
        const auto pinned = pinned_vkey(settings);
        if (!pinned) return pinned.error();
        return parse_vkey(*pinned);
    };
    around.export_ledger = [path = settings.ledger.path](const export_request& wanted) {
        return export_ledger(path, wanted);
    };
    around.bundles = settings.ledger.path.parent_path() / "bundles";
    around.uploads = settings.ledger.path.parent_path() / "uploads";
    // Each page asks: of an address that is known to have been opened nothing more is read.
    around.opened = [desk = &desk, known = std::string()](const configuration& now, const std::string& from) mutable {
        if (known == now.web.public_url || is_this_machine(from)) return;
        page_standing standing = standing_of_pages(now);
        if (standing.opened_at) {
            known = now.web.public_url;
            return;
        }
        standing.opened_at = desk->now();
        note_pages(now, standing);
    };
    around.try_export = try_export;
    around.add_export = add_export;
    around.read_certificate = read_certificate;
    return make_page_server(executor, std::move(around));
}

// A terminal that does not show what is typed. It shows it again when this goes, and before a signal ends or stops the
// program.
class hidden_typing {
public:
    hidden_typing()
    {
        if (::tcgetattr(STDIN_FILENO, &shown) != 0) return;
        is_terminal_ = true;
        struct sigaction on_signal {};
        on_signal.sa_handler = show_and_obey;
        on_signal.sa_flags = SA_RESTART | SA_NODEFER;
        for (std::size_t i = 0; i < ends.size(); ++i)
            ::sigaction(ends[i], &on_signal, &before_[i]);
        hide();
    }
    ~hidden_typing()
    {
        if (!is_terminal_) return;
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        for (std::size_t i = 0; i < ends.size(); ++i)
            ::sigaction(ends[i], &before_[i], nullptr);
        std::cout << std::endl;
    }
    hidden_typing(const hidden_typing&) = delete;
    hidden_typing& operator=(const hidden_typing&) = delete;

private:
    static void hide()
    {
        termios silent = shown;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }

    // Calls only what a signal's handler may.
    static void show_and_obey(int number)
    {
        const int kept = errno;
        ::tcsetattr(STDIN_FILENO, TCSANOW, &shown);
        struct sigaction usual {
        }, ours{};
        usual.sa_handler = SIG_DFL;
        ::sigaction(number, &usual, &ours);
        ::raise(number);
        ::sigaction(number, &ours, nullptr); // it was stopped (Ctrl-Z), and goes on
        hide();
        errno = kept;
    }

    static constexpr std::array ends{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
    static inline termios shown{};
    std::array<struct sigaction, ends.size()> before_{};
    bool is_terminal_ = false;
};

std::optional<std::string> read_line(std::string_view question, bool hidden)
{
    // First of all: what is typed at a question that is seen already would be shown, and then thrown away.
    std::optional<hidden_typing> typing;
    if (hidden) typing.emplace();
    std::cout << question << std::flush;
    std::string line;
    return std::getline(std::cin, line) ? std::optional(line) : std::nullopt;
}

bool wait_for(const std::function<bool()>& fact)
{
    constexpr int between_looks_ms = 500;
    for (pollfd answer{STDIN_FILENO, POLLIN, 0}; !fact();)
        if (::poll(&answer, 1, between_looks_ms) > 0) {
            (void)read_line({}, false);
            return false;
        }
    return true;
}

class application {
public:
    application() : data_(find_data()) {}

    cli_context context()
    {
        cli_context c;
        c.load_configuration = [this](const fs::path& file) { return load(file, file); };
        c.load_draft = [this](const fs::path& draft, const fs::path& file) { return load(draft, file); };
        c.load_rules = [this](const fs::path& file) { return answer_of(load_rules(file, data_.packs)); };
        c.open_reader = [](const configuration& settings) { return open_reader(settings.ledger.path); };
        c.now = [](const configuration& settings) { return now_in(is_simulation(settings)); };
        c.time_of_new = now_in;
        c.init = init;
        c.work_as_owner = [](const configuration& settings) { return work_as_owner(settings.ledger.path); };
        c.as_owner_of = as_owner_of;
        c.read_secret = read_secret;
        c.read_line = read_line;
        c.wait_for = wait_for;
        c.pages = standing_of_pages;
        c.check = [this](const configuration& settings, bool online) { return check(settings, online); };
        c.poll = [this](const configuration& settings, const poll_request& request, const auto& progress) {
            return poll(settings, request, progress);
        };
        c.run = [this](const configuration& settings) { return run(settings); };
        add_connector_tools(c.connectors);
        c.rebuild = [](const configuration& settings) -> result<rebuild_report> {
            const auto lock = ledger_lock::take(settings.ledger.path);
            if (!lock) return lock.error();
            return rebuild_projections(settings.ledger.path);
        };
        c.rotate_key = rotate_key;
        c.open_proofs = [](const configuration& settings) { return open_proofs(settings.ledger.path); };
        c.change_checkpoint = [this](const configuration& settings, const checkpoint_request& asked) {
            return change_checkpoint(settings, asked);
        };
        c.export_ledger = [](const configuration& settings, const export_request& request) {
            return export_ledger(settings.ledger.path, request);
        };
        c.record_access = [this](const configuration& settings, const access_record& seen) {
            return record_access(settings, seen);
        };
        c.upkeep = [this](const configuration& settings, const upkeep_request& request, const auto& progress) {
            return upkeep(settings, request, progress);
        };
        c.decide = [this](const configuration& settings, const decision_request& request) {
            return decide(settings, request);
        };
        c.pinned_vkey = pinned_vkey;
        c.accounts = [](const configuration& settings) { return list_accounts(settings.ledger.path); };
        c.change_account = [this](const configuration& settings, const account_request& asked) {
            return change_account(settings, asked);
        };
        c.troubles = [](const configuration& settings, const ledger_proofs& proofs) {
            return look(settings, proofs, is_simulation(settings));
        };
        c.test_route = [this](const configuration& settings, const std::string& name) {
            return test_route(settings, name);
        };
        c.backups = [](const configuration& settings) {
            return standing_of_backups(settings, now_in(is_simulation(settings)));
        };
        c.make_recipient = make_recipient_file;
        c.verify_backup = [](const configuration& settings, const fs::path& file, const fs::path& key_file) {
            return verify(settings, file, key_file);
        };
        c.restore = [](const configuration& settings, const restore_request& asked) {
            return restore(settings, asked);
        };
        return c;
    }

private:
    void add_connector_tools(connector_tools& tools)
    {
        tools.list = [this]() -> result<std::vector<connector_tools::known>> {
            const auto all = known_connectors(data_.manifests, data_.mappings);
            if (!all) return all.error();
            std::vector<connector_tools::known> out;
            for (const known_connector& each : *all)
                out.push_back({each.name, each.title, each.role, each.state});
            return out;
        };
        tools.questions = [this](const std::string& system) {
            return questions_of(system, data_.manifests, data_.mappings);
        };
        tools.skeleton = manifest_skeleton;
        tools.allow_list = [this](const configuration& settings) { return allow_list(settings, data_.manifests); };
        tools.probe = [this](const configuration& settings, const std::string& source, const fs::path& record_to) {
            return probe_source(settings, source, record_to);
        };
        tools.not_read = [this](const configuration& settings, const std::string& source) {
            return not_read(settings, source, data_.manifests);
        };
    }

    result<std::vector<stream_probe>>
    probe_source(const configuration& settings, const std::string& source, const fs::path& record_to)
    {
        constexpr std::size_t probe_pages = 3;
        constexpr int probe_days = 14;
        const auto named = std::ranges::find(settings.sources, source, &source_configuration::name);
        if (named == settings.sources.end())
            return failure(
                errc::configuration_invalid,
                "there is no source \"" + source + "\" in the configuration",
                "Name a [[source]] by its name."
            );
        boost::asio::io_context io(1);
        const auto client = make_http_client(io.get_executor());
        auto made = make_connector(settings, *named, data_.manifests, *client, system_now, record_to);
        if (!made) return made.error();
        std::optional<result<std::vector<stream_probe>>> found;
        std::exception_ptr broken;
        const civil_day from = day_of(time_zone::named(settings.school.timezone)->to_local(system_now()));
        boost::asio::co_spawn(
            io,
            probe(**made, from - std::chrono::days(probe_days), probe_pages),
            [&](std::exception_ptr e, result<std::vector<stream_probe>> out) {
                broken = e;
                if (!e) found.emplace(std::move(out));
                io.stop();
            }
        );
        io.run();
        if (broken) std::rethrow_exception(broken);
        return std::move(*found);
    }

    static cli_context::loaded_configuration answer_of(loaded_configuration loaded)
    {
        cli_context::loaded_configuration answer;
        if (loaded) {
            answer.good = std::move(*loaded);
        } else {
            const configuration_errors errors = loaded.error();
            for (const configuration_problem& each : errors.problems)
                answer.problems.push_back({each.where_and_what(), each.to_do()});
        }
        return answer;
    }

    cli_context::loaded_configuration load(const fs::path& draft, const fs::path& file) const
    {
        auto answer = answer_of(load_draft(draft, file, data_.packs));
        if (answer.good) {
            // What only a source's manifest can say of its settings is as wrong as any other key.
            for (const source_configuration& source : answer.good->sources)
                for (const failure& why : check_connector(*answer.good, source, data_.manifests))
                    answer.problems.push_back({file.string() + ": " + why.what, why.to_do});
            set_log_format(answer.good->json_logs ? log_format::json : log_format::text);
        }
        return answer;
    }

    daemon_surroundings surroundings(const fs::path& file, const open_book& opened, bool simulated)
    {
        daemon_surroundings around;
        around.now = [simulated](const configuration&) { return now_in(simulated); };
        around.make_parts = [this, simulated](const configuration& settings, boost::asio::any_io_executor executor) {
            if (settings.web.links_to_loopback || (!settings.routes.empty() && settings.web.public_url.empty()))
                log_event(
                    event::link_not_reachable, settings.web.public_url.empty() ? "nothing" : settings.web.public_url
                );
            return make_parts(settings, data_, executor, [simulated] { return now_in(simulated); });
        };
        around.upkeep = [&opened, simulated](
                            const configuration& settings, const upkeep_request& request, const upkeep_progress& tell
                        ) {
            return do_upkeep(settings, *opened.book, *opened.keys.front(), request, now_in(simulated), tell);
        };
        around.accounts = opened.accounts.get();
        around.make_pages = [](const configuration& settings, page_desk& desk, boost::asio::any_io_executor executor) {
            std::unique_ptr<page_server> pages;
            if (settings.web.listen.empty()) return pages;
            auto made = make_pages(settings, desk, std::move(executor));
            page_standing standing = standing_of_pages(settings);
            standing.failed = made ? std::string() : made.error().what + ". " + made.error().to_do;
            note_pages(settings, standing);
            // The registers are read all the same: a page can be opened later, a missed child cannot.
            if (made)
                pages = std::move(*made);
            else
                log_event(event::pages_failed, made.error().what, made.error().to_do);
            return pages;
        };
        around.tend = [&opened, simulated](const configuration& settings) {
            return tend_backups(settings, *opened.keys.front(), now_in(simulated));
        };
        around.look = [simulated](
                          const configuration& settings, const ledger_proofs& proofs, const running_facts& running
                      ) { return look(settings, proofs, simulated, running); };
        around.reload = [file, packs = data_.packs] {
            auto fresh = load_good(file, packs);
            if (fresh) set_log_format(fresh->json_logs ? log_format::json : log_format::text);
            return fresh;
        };
        return around;
    }

    result<poll_report> poll(
        const configuration& settings,
        const poll_request& request,
        const std::function<void(const std::string&)>& progress
    )
    {
        control_request asked;
        asked.poll = request;
        if (auto answered = ask_daemon(settings.ledger.path, asked, progress)) return std::move(*answered);
        auto opened = open_for_writing(settings);
        if (!opened) return opened.error();
        const daemon_surroundings around = surroundings(settings.file, *opened, is_simulation(settings));
        return run_once(settings, *opened->book, around, request, progress);
    }

    result<void> run(const configuration& settings)
    {
        // Each that there is keeps room of its own, and the loop's thread and those of the pages seldom want some at
        // once.
        ::mallopt(M_ARENA_MAX, 1);
        // As it is at first, and to stay: glibc raises it to the size of what was let go, and keeps room of that size.
        ::mallopt(M_MMAP_THRESHOLD, 128 << 10);
        auto opened = open_for_writing(settings);
        if (!opened) return opened.error();
        const daemon_surroundings around = surroundings(settings.file, *opened, is_simulation(settings));
        return run_daemon(settings, *opened->book, around);
    }

    result<upkeep_report>
    upkeep(const configuration& settings, const upkeep_request& request, const upkeep_progress& progress)
    {
        upkeep_request asked = request;
        asked.user = user_name();
        control_request line;
        line.command = control_request::kind::upkeep;
        line.upkeep = asked;
        if (auto answered = ask_upkeep(settings.ledger.path, line, progress)) return std::move(*answered);
        auto opened = open_for_writing(settings);
        if (!opened) return opened.error();
        return do_upkeep(
            settings, *opened->book, *opened->keys.front(), asked, now_in(is_simulation(settings)), progress
        );
    }

    result<upkeep_report> decide(const configuration& settings, const decision_request& request)
    {
        if (const result<void> sound = check_texts(request); !sound) return sound.error();
        control_request asked;
        asked.command = control_request::kind::decide;
        asked.decision = request;
        asked.decision.user = user_name();
        if (auto answered = ask_upkeep(settings.ledger.path, asked, {})) return std::move(*answered);
        auto opened = open_for_writing(settings);
        if (!opened) return opened.error();
        const instant at = now_in(is_simulation(settings));
        if (const auto good = check_opening(*opened->accounts, settings, asked.decision, at); !good)
            return good.error();
        auto done = take_decision(*opened->book, settings, asked.decision, at);
        if (done) copy_soon(settings);
        return done;
    }

    result<void> record_access(const configuration& settings, const access_record& seen)
    {
        control_request asked;
        asked.command = control_request::kind::access;
        asked.access = seen;
        asked.access.user = user_name();
        if (auto answered = ask_daemon(settings.ledger.path, asked, {})) {
            if (!*answered) return answered->error();
            return {};
        }
        auto opened = open_for_writing(settings);
        if (!opened) return opened.error();
        const instant now = now_in(is_simulation(settings));
        transaction t;
        t.entries.push_back(
            access_entry(asked.access.user, seen.pupil, seen.view, seen.reason, now, opened->book->size())
        );
        opened->book->commit(t, now);
        opened->book->sign_checkpoint(now);
        copy_soon(settings);
        return {};
    }

    result<void> change_account(const configuration& settings, const account_request& wanted)
    {
        control_request asked;
        asked.command = control_request::kind::account;
        asked.account = wanted;
        asked.account.user = user_name();
        if (auto answered = ask_daemon(settings.ledger.path, asked, {})) {
            if (!*answered) return answered->error();
            return {};
        }
        auto opened = open_for_writing(settings);
        if (!opened) return opened.error();
        return rollbook::change_account(
            *opened->book, *opened->accounts, settings, asked.account, now_in(is_simulation(settings))
        );
    }

    result<void> change_checkpoint(const configuration& settings, const checkpoint_request& wanted)
    {
        control_request asked;
        asked.command = control_request::kind::checkpoint;
        asked.checkpoint = wanted;
        if (auto answered = ask_daemon(settings.ledger.path, asked, {})) {
            if (!*answered) return answered->error();
            return {};
        }
        auto opened = open_for_writing(settings);
        if (!opened) return opened.error();
        return rollbook::change_checkpoint(*opened->book, wanted, now_in(is_simulation(settings)));
    }

    std::vector<cli_context::check_line> check(const configuration& settings, bool online)
    {
        std::vector<cli_context::check_line> lines;
        const auto bad = [&](const std::string& where, const failure& why) {
            lines.push_back({true, where + ": " + why.what, why.to_do});
        };
        if (settings.web.links_to_loopback)
            lines.push_back(
                {true,
                 "links in messages would point to this machine only",
                 "Set [web] public_url to the address that staff use."}
            );
        bool sound = true;
        for (const source_configuration& source : settings.sources)
            for (const failure& why : check_secrets(settings, source)) {
                bad("source " + source.name, why);
                sound = false;
            }
        for (const failure& why : check_recipients(settings))
            bad("backup", why);
        if (fs::exists(settings.ledger.path)) {
            machine_facts clock_only;
            clock_only.now = now_in(is_simulation(settings));
            for (const trouble& each : troubles_of(settings, clock_only))
                if (each.what == event::expired) lines.push_back({true, each.text, std::string(each.to_do())});
            const auto keys = load_keys(settings);
            const auto reader = open_reader(settings.ledger.path);
            if (!keys) bad("ledger", keys.error());
            if (!reader) bad("ledger", reader.error());
            if (keys && reader && !signed_with(*keys, **reader))
                bad("ledger",
                    failure(
                        errc::ledger_in_doubt,
                        "its newest checkpoint was not signed with the key in [ledger] signing_key",
                        "Put back the key file that this ledger was made with, or last changed to: the recovery sheet "
                        "has it."
                    ));
        } else {
            lines.push_back({false, "the ledger is not made yet; `rollbook init` makes it", ""});
        }
        boost::asio::io_context io(1);
        auto parts = make_parts(settings, data_, io.get_executor(), system_now);
        if (!parts) {
            if (sound) bad("configuration", parts.error());
            return lines;
        }
        std::vector<source_timeliness> sources;
        for (std::size_t i = 0; i < settings.sources.size(); ++i)
            sources.push_back(timeliness_of(settings.sources[i], *parts->connectors[i], data_.manifests));
        for (const rule& each : settings.rules) {
            if (!each.enabled) continue;
            const rule_support support = support_of(each, sources);
            lines.push_back({false, fmt::format("rule {}: {}", each.id, support.text), ""});
        }
        if (online) {
            boost::asio::co_spawn(io, reach_all(*parts, lines), [&](std::exception_ptr) { io.stop(); });
            io.run();
        }
        return lines;
    }

    // A simulation's time is no clock's, and its disk holds nobody's records.
    static std::vector<trouble>
    look(const configuration& settings, const ledger_proofs& proofs, bool simulated, const running_facts& running = {})
    {
        machine_facts facts = facts_of_machine(settings, proofs.last_recorded(), now_in(simulated));
        facts.witnesses = standing_of(settings, proofs, facts.now);
        facts.clock_ahead = running.clock_ahead;
        if (running.certificate_ends) facts.certificate_ends = running.certificate_ends;
        if (const auto reader = open_reader(settings.ledger.path)) facts.undelivered = (*reader)->outbox().undelivered;
        facts.pages_failed = standing_of_pages(settings).failed;
        if (simulated) {
            facts.newest_entry.reset();
            facts.clock_kept.reset();
            facts.clock_set.reset();
            facts.clock_ahead.reset();
            facts.disk_encrypted.reset();
        }
        return troubles_of(settings, facts);
    }

    // One message past the outbox, for a person who waits to see it arrive.
    result<void> test_route(const configuration& settings, const std::string& name)
    {
        const auto route = std::ranges::find(settings.routes, name, &route_configuration::name);
        if (route == settings.routes.end()) return no_route(name);
        boost::asio::io_context io(1);
        auto parts = make_parts(settings, data_, io.get_executor(), system_now);
        if (!parts) return parts.error();
        channel& to = *parts->channels.at(name);
        const instant now = system_now();
        message test = test_message(
            message_setting_of(settings, is_simulation(settings)),
            name,
            std::to_string(now.time_since_epoch().count()),
            now
        );
        // A test would stand in a pupil's file.
        auto sending = route->channel == "note" ? to.check() : to.send(std::move(test));
        result<void> sent;
        std::exception_ptr broken;
        boost::asio::co_spawn(io, std::move(sending), [&](std::exception_ptr e, result<void> done) {
            broken = e;
            sent = std::move(done);
            io.stop();
        });
        io.run();
        if (broken) std::rethrow_exception(broken);
        return sent;
    }

    // Reads one page of each stream and reaches each route; writes nothing.
    static boost::asio::awaitable<void> reach_all(cycle_parts& parts, std::vector<cli_context::check_line>& lines)
    {
        for (const auto& source : parts.connectors) {
            const result<void> begun = co_await source->begin_run();
            if (!begun) {
                lines.push_back({true, source->source() + ": " + begun.error().what, begun.error().to_do});
                continue;
            }
            for (std::size_t stream = 0; stream < source->streams().size(); ++stream) {
                const result<page> got = co_await source->fetch_page(stream, std::nullopt, std::nullopt);
                const std::string name = source->source() + " " + source->streams()[stream].name;
                if (got)
                    lines.push_back({false, fmt::format("{}: reached, {} rows on the first page", name, got->rows), ""}
                    );
                else
                    lines.push_back({true, name + ": " + got.error().what, got.error().to_do});
            }
        }
        for (const auto& [name, route] : parts.channels) {
            const result<void> reached = co_await route->check();
            if (reached)
                lines.push_back({false, "route " + name + ": reached", ""});
            else
                lines.push_back({true, "route " + name + ": " + reached.error().what, reached.error().to_do});
        }
        for (const auto& [name, box] : parts.returned) {
            const auto read = co_await box->since(day_of(time_zone::utc().to_local(system_now())));
            if (read)
                lines.push_back({false, "route " + name + ": the mailbox of its bounces was reached", ""});
            else
                lines.push_back({true, "route " + name + ": " + read.error().what, read.error().to_do});
        }
    }

    data_folders data_;
};

int run_main(int argc, char** argv)
{
    ::umask(0077); // what we make beside the ledger is nobody else's
    try {
        (void)user_name();
        application program;
        return run_cli(argc, argv, program.context(), std::cout, std::cerr);
    } catch (const failure_error& e) {
        std::cerr << e.why().what << "\n" << e.why().to_do << "\n";
        return e.why().code == errc::usage ? 2 : e.why().code == errc::configuration_invalid ? 3 : 4;
    } catch (const std::exception& e) {
        // Libraries report a full disk or a damaged file this way.
        std::cerr << "the ledger could not be used: " << e.what() << "\n"
                  << "Check the disk, then run `rollbook ledger verify`.\n";
        return 4;
    }
}

} // namespace
} // namespace rollbook

int main(int argc, char** argv)
{
    return rollbook::run_main(argc, argv);
}
