#include "daemon/upkeep.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/durable.hpp"
#include "daemon/base/events.hpp"
#include "daemon/base/failure_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/ledger/backup.hpp"
#include "daemon/ledger/decisions.hpp"
#include "daemon/ledger/erase.hpp"
#include "daemon/ledger/reader.hpp"
#include "daemon/ledger/restore.hpp"
#include "daemon/reconcile/narrative.hpp"
#include "daemon/service/commit.hpp"
#include "daemon/service/hold.hpp"
#include "daemon/service/housekeeping.hpp"
#include "daemon/service/service_manager.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

namespace rollbook {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds between_copies{30};
constexpr std::chrono::minutes after_a_failure{10};
constexpr std::chrono::minutes longest_drill{30};
constexpr std::size_t key_file_bytes_max = 1'000;

fs::path standing_file(const configuration& settings)
{
    return settings.ledger.path.string() + ".backup";
}

// What only the file beside the ledger knows; what backups there are, the target says.
void write_standing(const configuration& settings, const backup_standing& now)
{
    std::string text;
    json_writer out(text);
    const auto write_why = [&](const char* name, const std::optional<failure>& why) {
        if (!why) return;
        out.key(name);
        write_failure(out, *why);
    };
    const auto write_time = [&](const char* name, const std::optional<instant>& at) {
        if (at) out.member(name, format_instant(*at));
    };
    out.begin_object();
    write_why("backup_failed", now.backup_failed);
    write_why("copies_failed", now.copies_failed);
    write_time("drill_began", now.drill_began);
    write_why("drill_failed", now.drill_failed);
    write_time("drilled_at", now.drilled_at);
    write_time("first_at", now.first_at);
    write_time("tried_at", now.tried_at);
    out.end_object();
    if (replace_durably(standing_file(settings), text + "\n")) return;
    const std::string why = std::strerror(errno);
    log_event(
        event::backup_failed,
        "the file " + standing_file(settings).string() + " cannot be written: " + why,
        "Check the ledger's disk."
    );
}

backup_standing read_standing(const configuration& settings)
{
    backup_standing standing;
    std::ifstream in(standing_file(settings));
    const auto document =
        json_document::parse(std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()));
    if (!document) return standing;
    const auto time = [&](const char* name) { return parse_instant(document->root()[name].string_if().value_or("")); };
    const auto why = [&](const char* name) -> std::optional<failure> {
        const json_view said = document->root()[name];
        return said.is_object() ? std::optional(read_failure(said)) : std::nullopt;
    };
    standing.tried_at = time("tried_at");
    standing.first_at = time("first_at");
    standing.drill_began = time("drill_began");
    standing.drilled_at = time("drilled_at");
    standing.backup_failed = why("backup_failed");
    standing.copies_failed = why("copies_failed");
    standing.drill_failed = why("drill_failed");
    return standing;
}

std::string read_small(const fs::path& file)
{
    std::ifstream in(file, std::ios::binary);
    std::string text(key_file_bytes_max, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
}

result<std::vector<hash>> recipients_of(const configuration& settings)
{
    if (!settings.backup)
        return failure(
            errc::configuration_invalid,
            "there is no [backup] in the configuration",
            "Add target and at least two recipients; `rollbook backup keygen FILE` makes a recipient's keys."
        );
    std::vector<hash> keys;
    for (std::size_t i = 0; i < settings.backup->recipients.size(); ++i) {
        const auto key = parse_recipient(settings.backup->recipients[i]);
        if (!key)
            return failure(
                errc::configuration_invalid,
                fmt::format("[backup] recipients: number {} is no recipient's public key", i + 1),
                "Give the line that `rollbook backup keygen FILE` printed."
            );
        if (std::find(keys.begin(), keys.end(), *key) == keys.end()) keys.push_back(*key);
    }
    if (keys.size() < 2)
        return failure(
            errc::configuration_invalid,
            "[backup] recipients names one key only",
            "Give at least two, so that one lost key does not lose the ledger."
        );
    return keys;
}

result<recipient_keys> read_recipient(const fs::path& file)
{
    struct stat about {};
    if (::stat(file.c_str(), &about) != 0)
        return failure(
            errc::usage, "the key file " + file.string() + " cannot be read: " + std::strerror(errno), "Check its name."
        );
    if ((about.st_mode & 077) != 0)
        return failure(
            errc::usage, "the key file " + file.string() + " is open to others", "Make it its owner's alone: chmod 600."
        );
    const auto keys = parse_recipient_secret(read_small(file));
    if (keys) return *keys;
    return failure(
        errc::usage,
        "the file " + file.string() + " holds no recipient's key",
        "Give what `rollbook backup keygen` made."
    );
}

// Copies for the target that are cheap enough to be made all the time. Tidied, they hold nothing that was erased.
result<void> write_copies(const configuration& settings, const std::vector<hash>& recipients, bool tidied)
{
    const fs::path& ledger = settings.ledger.path;
    const fs::path& target = settings.backup->target;
    const std::string& origin = settings.ledger.origin;
    if (const result<void> noted = note_in_target(ledger, target, origin); !noted) return noted;
    if (const result<void> copied = copy_decisions(ledger, target, origin, recipients); !copied) return copied;
    return tidied ? tidy_decisions(ledger, target, origin) : result<void>();
}

// The same, and what keeps them from being made stands in the record until they are. Logged when it begins.
result<void> copy_to_target(const configuration& settings, const std::vector<hash>& recipients, bool tidied = false)
{
    backup_standing standing = read_standing(settings);
    const result<void> copied = write_copies(settings, recipients, tidied || standing.copies_failed);
    const std::optional<failure> why = copied ? std::nullopt : std::optional(copied.error());
    const std::string before = standing.copies_failed ? standing.copies_failed->what : "";
    if ((why ? why->what : "") == before) return copied;
    if (why) log_event(event::copies_failed, why->what, why->to_do);
    standing.copies_failed = why;
    write_standing(settings, standing);
    return copied;
}

// At least until there are two more: none goes while the newest but one is too old itself.
std::chrono::milliseconds kept_for(const configuration::backup_section& backup)
{
    return std::max(backup.keep, backup.every * 2);
}

result<upkeep_report> make_backup(
    const configuration& settings, const signing_key& key, const fs::path& to, instant now, const upkeep_progress& tell
)
{
    const auto recipients = recipients_of(settings);
    if (!recipients) return recipients.error();
    const auto known = origins_of(settings.ledger.path, settings.ledger.origin);
    const std::vector<std::string> origins = known ? *known : std::vector{settings.ledger.origin};
    const fs::path& target = settings.backup->target;
    const fs::path file = to.empty() ? target / backup_name(settings.ledger.origin, now) : to;
    // It might be the ledger itself, or its key.
    if (std::error_code ignored; !to.empty() && fs::exists(fs::symlink_status(to, ignored)))
        return failure(
            errc::usage, "the file " + to.string() + " is there already", "Nothing was written. Give another name."
        );
    if (to.empty()) remove_unfinished(target, origins);
    backup_place place{settings.ledger.path, file, *recipients, now};
    const auto made = write_backup(place, key, tell);
    if (to.empty()) {
        backup_standing standing = read_standing(settings);
        standing.tried_at = now;
        standing.backup_failed = made ? std::nullopt : std::optional(made.error());
        if (made && (!standing.first_at || *standing.first_at > now)) standing.first_at = now;
        write_standing(settings, standing);
    }
    if (!made) return made.error();

    upkeep_report report;
    report.lines.push_back(fmt::format(
        "Backup of {} entries for {} recipients, read back and verified: {} ({} bytes).",
        made->size,
        recipients->size(),
        file.string(),
        made->bytes
    ));
    std::size_t removed = 0;
    if (to.empty()) removed = rotate_backups(target, origins, now, kept_for(*settings.backup));
    if (removed > 0) report.lines.push_back(fmt::format("{} older than [backup] keep were removed.", removed));
    if (const result<void> copied = copy_to_target(settings, *recipients, true); !copied) {
        report.ok = false;
        report.lines.push_back(copied.error().what);
        report.lines.push_back("  " + copied.error().to_do);
    }
    json_writer out(report.json);
    out.begin_object().member("bytes", made->bytes).member("file", file.string()).member("ok", report.ok);
    out.member("removed", removed).member("size", made->size).end_object();
    return report;
}

failure no_such_narrative(std::size_t line, std::string_view why)
{
    return failure(
        errc::usage,
        fmt::format("line {} of what was sealed anew {}", line, why),
        "Nothing was changed. Export the openings again, and seal them anew for everyone in [sealed_text]."
    );
}

// One line that `rollbook reseal --key` wrote, as the next version of the concern it names.
result<draft>
resealed(const configuration& settings, ledger& book, const ledger_reader& reader, json_view line, std::size_t number)
{
    const auto index = line["index"].int_if();
    if (!index || *index < 0) return no_such_narrative(number, "names no entry");
    std::vector<std::string> recipients;
    line["sealed"].for_each_element([&](json_view each) {
        recipients.emplace_back(each["recipient"].string_if().value_or(""));
    });
    std::vector<std::string> wanted = settings.sealed_text->recipients;
    std::sort(wanted.begin(), wanted.end());
    if (recipients != wanted) return no_such_narrative(number, "is sealed to others than [sealed_text] names");

    std::optional<json_document> old;
    reader
        .entries(static_cast<entry_index>(*index), static_cast<entry_index>(*index) + 1, [&](const entry_view& entry) {
            if (auto payload = json_document::parse(std::string(entry.payload))) old.emplace(std::move(*payload));
            return false;
        });
    const json_view said = old ? old->root() : json_view();
    if (said["fields"]["narrative"]["proof"].string_if() != line["proof"].string_if() || !line["proof"].is_string())
        return no_such_narrative(number, "is no narrative of this ledger");
    const std::string source(said["source"].string_if().value_or(""));
    const std::string key(said["id"].string_if().value_or(""));
    const held_thing* held = std::as_const(book.state()).things(what::concern).find(source, key);
    if (!held || held->entry != static_cast<entry_index>(*index))
        return no_such_narrative(number, "is no longer the newest version");

    const std::string fields = with_sealed(said["fields"], line);
    thing_version row;
    row.kind = what::concern;
    row.subject = held->subject;
    row.replaces = held->entry;
    row.source = source;
    row.key = key;
    row.digest = book.digest(compared_fields(json_document::parse(fields).value().root()));
    learned when;
    when.after = parse_instant(said["learned_after"].string_if().value_or(""));
    when.by = parse_instant(said["learned_by"].string_if().value_or("")).value_or(instant());
    when.backfill = said["backfill"].bool_if().value_or(false);
    return record_entry(reported_record(what::concern, key, "", fields), std::move(row), when);
}

result<upkeep_report> reseal(const configuration& settings, ledger& book, const upkeep_request& request, instant now)
{
    if (!settings.sealed_text)
        return failure(
            errc::usage, "narratives are not switched on", "Add [sealed_text] with the new recipients first."
        );
    auto reader = open_reader(settings.ledger.path);
    if (!reader) return reader.error();
    std::ifstream in(request.file);
    if (!in)
        return failure(
            errc::usage, "the file " + request.file.string() + " cannot be read", "Check its name and owner."
        );
    transaction t;
    std::size_t number = 0;
    for (std::string text; std::getline(in, text);) {
        ++number;
        const auto line = json_document::parse(text);
        if (!line) return no_such_narrative(number, "is not JSON");
        auto made = resealed(settings, book, **reader, line->root(), number);
        if (!made) return made.error();
        t.entries.push_back(std::move(*made));
    }
    if (t.entries.empty()) return no_such_narrative(0, "is none: the file is empty");
    t.entries.push_back(access_entry(
        request.user,
        no_entry,
        "reseal",
        fmt::format("by {}: {} narratives sealed to other keys", request.by, t.entries.size()),
        now,
        book.size() + t.entries.size()
    ));
    commit_and_apply(book, t, now);
    book.sign_checkpoint(now);
    upkeep_report report;
    report.lines.push_back(fmt::format(
        "{} narratives have a new version, sealed to {} keys.", number, settings.sealed_text->recipients.size()
    ));
    json_writer out(report.json);
    out.begin_object().member("ok", true).member("resealed", number).end_object();
    return report;
}

void remove_folder(const fs::path& folder)
{
    std::error_code ignored;
    fs::remove_all(folder, ignored);
}

// A folder that goes with all that is in it.
class passing_folder {
public:
    explicit passing_folder(fs::path path) : path_(std::move(path))
    {
        remove_folder(path_);
        std::error_code ignored;
        fs::create_directory(path_, ignored);
        fs::permissions(path_, fs::perms::owner_all, ignored);
    }
    ~passing_folder() { remove_folder(path_); }
    passing_folder(const passing_folder&) = delete;
    passing_folder& operator=(const passing_folder&) = delete;
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

// The daemon's one thread is at a backup for as long as it takes.
void stay_alive(const std::string&)
{
    tell_service_manager("WATCHDOG=1");
}

fs::path drill_folder(const configuration& settings)
{
    return settings.ledger.path.string() + ".drill";
}

fs::path drill_folder_in_target(const configuration& settings)
{
    return settings.backup->target / ("drill-" + file_name_of(settings.ledger.origin));
}

// Makes one more backup in the target, which for once a key of this moment can open too, restores it beside the ledger
// as after a loss, with the whole verification, and removes both. The recipients' own keys are not on this machine.
result<upkeep_report>
drill(const configuration& settings, const signing_key& key, std::vector<hash> recipients, instant now)
{
    const passing_folder there(drill_folder_in_target(settings));
    const passing_folder here(drill_folder(settings));
    const watchdog_feeder feeder(longest_drill);
    const recipient_keys passing = make_recipient();
    recipients.push_back(passing.public_key);
    const backup_place copy{settings.ledger.path, there.path() / "drill.rbk", std::move(recipients), now};
    const auto made = write_backup(copy, key, {});
    if (!made) return made.error();
    restore_place place;
    place.ledger = here.path() / settings.ledger.path.filename();
    place.backup = copy.file;
    place.target = settings.backup->target;
    place.now = now;
    auto restored = restore(place, passing, key.verifier(), key);
    if (restored && !restored->ok)
        return failure(
            errc::ledger_in_doubt,
            restored->lines.empty() ? std::string("the restored copy is not whole") : restored->lines.back(),
            "Run rollbook ledger verify."
        );
    if (restored) log_event(event::drill_passed, made->size);
    return restored;
}

// Its beginning is noted first: whatever stops the machine then, or this program, the next start knows of it.
void drill_and_tell(
    const configuration& settings, const signing_key& key, const std::vector<hash>& recipients, instant now
)
{
    backup_standing standing = read_standing(settings);
    standing.drill_began = now;
    standing.drill_failed.reset();
    write_standing(settings, standing);
    const auto restored = drill(settings, key, recipients, now);
    if (restored)
        standing.drilled_at = now;
    else
        log_event(event::drill_failed, restored.error().what, restored.error().to_do);
    standing.drill_began.reset();
    standing.drill_failed = restored ? std::nullopt : std::optional(restored.error());
    write_standing(settings, standing);
}

// What a drill that was stopped left behind; none is under way where this is asked.
void settle_stopped_drill(const configuration& settings)
{
    remove_folder(drill_folder(settings)); // a ledger that anybody who gets at the disk can read
    if (!settings.backup) return;
    remove_folder(drill_folder_in_target(settings));
    backup_standing standing = read_standing(settings);
    if (!standing.drill_began || standing.drill_failed) return;
    standing.drill_failed.emplace(
        errc::ledger_in_doubt,
        "Rollbook was stopped during the restore drill that began " + format_instant(*standing.drill_began),
        "Look in the log for what stopped it; by itself it is tried again after 30 days, and by rollbook backup at "
        "once."
    );
    write_standing(settings, standing);
    log_event(event::drill_failed, standing.drill_failed->what, standing.drill_failed->to_do);
}

} // namespace

result<upkeep_report> do_upkeep(
    const configuration& settings,
    ledger& book,
    const signing_key& key,
    const upkeep_request& request,
    instant now,
    const upkeep_progress& tell
)
{
    using kind = upkeep_request::kind;
    if (request.command == kind::hold || request.command == kind::end_hold) {
        const auto changed = change_hold(book, request, now);
        if (changed) copy_soon(settings);
        return changed;
    }
    if (request.command == kind::reseal) {
        auto done = reseal(settings, book, request, now);
        if (done) copy_soon(settings);
        return done;
    }
    if (request.command == kind::backup) {
        auto made = make_backup(settings, key, request.file, now, tell);
        if (made && request.file.empty() && read_standing(settings).drill_failed)
            drill_and_tell(settings, key, recipients_of(settings).value(), now);
        return made;
    }
    erasure_place place;
    place.ledger = settings.ledger.path;
    place.origin = settings.ledger.origin;
    place.clocks = settings.retention;
    place.today = day_of(time_zone::named(settings.school.timezone)->to_local(now));
    place.now = now;
    if (settings.backup) {
        place.journal_folder = settings.backup->target;
        // One that has grown too old goes when the next is made.
        place.copies_kept = kept_for(*settings.backup) + settings.backup->every;
    }
    result<upkeep_report> done = erase(place, request, tell);
    if (request.dry_run) return done;
    book.reload();
    book.sign_checkpoint(now);
    const auto recipients = settings.backup ? recipients_of(settings) : result<std::vector<hash>>(std::vector<hash>());
    if (done && settings.backup && recipients)
        if (const result<void> copied = copy_to_target(settings, *recipients, true); !copied) {
            done->ok = false;
            done->lines.push_back("Not yet: " + copied.error().what);
        }
    return done;
}

std::optional<std::chrono::milliseconds>
tend_backups(const configuration& settings, const signing_key& key, instant now)
{
    settle_stopped_drill(settings);
    if (!settings.backup) return std::nullopt;
    const auto recipients = recipients_of(settings);
    if (!recipients) {
        log_event(event::backup_failed, recipients.error().what, recipients.error().to_do);
        return after_a_failure;
    }
    (void)copy_to_target(settings, *recipients);
    const backup_standing standing = standing_of_backups(settings, now);
    const bool due = !standing.made_at || *standing.made_at + settings.backup->every <= now;
    const bool waits = standing.backup_failed && standing.tried_at && now < *standing.tried_at + after_a_failure &&
                       *standing.tried_at <= now;
    if (!due || waits) return between_copies;
    const auto made = make_backup(settings, key, {}, now, stay_alive);
    if (made) {
        log_event(event::backup_made, standing_of_backups(settings, now).file);
        if (drill_is_due(standing, now)) drill_and_tell(settings, key, *recipients, now);
    } else {
        log_event(event::backup_failed, made.error().what, made.error().to_do);
    }
    return between_copies;
}

void copy_soon(const configuration& settings)
{
    if (!settings.backup) return;
    const auto recipients = recipients_of(settings);
    if (recipients)
        (void)copy_to_target(settings, *recipients);
    else
        log_event(event::copies_failed, recipients.error().what, recipients.error().to_do);
}

backup_standing standing_of_backups(const configuration& settings, instant now)
{
    backup_standing standing = read_standing(settings);
    standing.configured = settings.backup.has_value();
    if (!settings.backup) return standing;
    const auto newest = newest_backup(settings.backup->target, settings.ledger.origin, now);
    if (newest) {
        standing.made_at = newest->facts.made_at;
        standing.file = newest->file.string();
        standing.size = newest->facts.size;
    }
    const auto left = decisions_not_copied(settings.ledger.path, settings.backup->target, settings.ledger.origin);
    if (left) standing.decisions = *left;
    standing.overdue = !standing.made_at || *standing.made_at + settings.backup->every * 2 < now;
    standing.drill_overdue = drill_is_overdue(standing, now);
    return standing;
}

std::vector<failure> check_recipients(const configuration& settings)
{
    if (!settings.backup) return {};
    std::vector<failure> wrong;
    if (const auto keys = recipients_of(settings); !keys) wrong.push_back(keys.error());
    std::error_code failed;
    if (!fs::is_directory(settings.backup->target, failed))
        wrong.emplace_back(
            errc::configuration_invalid,
            "[backup] target " + settings.backup->target.string() + " is not a folder",
            "Make it, or mount it."
        );
    return wrong;
}

result<std::string> make_recipient_file(const fs::path& file)
{
    const recipient_keys keys = make_recipient();
    const std::string text = format_recipient_secret(keys) + "\n";
    const int out = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const bool written =
        out >= 0 && ::write(out, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(out) == 0;
    const int why = errno;
    if (out >= 0) ::close(out);
    if (written) return format_recipient(keys.public_key);
    return failure(
        errc::usage,
        "the file " + file.string() + " cannot be made: " + std::strerror(why),
        why == EEXIST ? "A key is never overwritten; give another name." : "Check the folder's permissions."
    );
}

result<upkeep_report>
verify_backup(const configuration&, const verifier_key& signer, const fs::path& file, const fs::path& key_file)
{
    std::optional<recipient_keys> keys;
    if (!key_file.empty()) {
        const auto read = read_recipient(key_file);
        if (!read) return read.error();
        keys = *read;
    }
    const auto facts = check_backup(file, signer, keys ? &*keys : nullptr);
    if (!facts) return facts.error();
    upkeep_report report;
    report.lines.push_back(fmt::format(
        "The backup is whole and signed by this ledger's key: {} entries of {}, made {}.",
        facts->size,
        facts->origin,
        format_instant(facts->made_at)
    ));
    report.lines.push_back(
        keys ? "Its content was opened and read to the end."
             : "Its content was not opened; with --key FILE of a recipient it is."
    );
    json_writer out(report.json);
    out.begin_object().member("made_at", format_instant(facts->made_at)).member("opened", keys.has_value());
    out.member("origin", facts->origin).member("size", facts->size).end_object();
    return report;
}

result<upkeep_report> restore_backup(
    const configuration& settings,
    const verifier_key& signer,
    const signing_key& key,
    const fs::path& file,
    const fs::path& key_file,
    const std::vector<std::string>& later_checkpoints,
    instant now
)
{
    const auto keys = read_recipient(key_file);
    if (!keys) return keys.error();
    restore_place place;
    place.ledger = settings.ledger.path;
    place.backup = file;
    if (settings.backup) place.target = settings.backup->target;
    place.later_checkpoints = later_checkpoints;
    place.now = now;
    return restore(place, *keys, signer, key);
}

} // namespace rollbook
