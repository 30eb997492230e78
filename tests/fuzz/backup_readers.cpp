#include "daemon/base/canonical_json.hpp"
#include "daemon/base/error.hpp"
#include "daemon/base/utf8.hpp"
#include "daemon/ledger/decisions.hpp"
#include "daemon/ledger/journal.hpp"
#include "daemon/ledger/restore.hpp"
#include "tests/fuzz/readers.hpp"
#include "tests/unit/ledger/small_ledger.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

namespace rollbook::fuzz {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const fs::path& file)
{
    std::ifstream in(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
}

void write_to(const fs::path& file, std::string_view bytes)
{
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

// A ledger, its backup, and places to restore that to.
struct backed_up {
    support::ledger_folder of;
    recipient_keys keys = make_recipient();
    verifier_key signer = of.key.verifier();
    signing_key next{"ledger.example.sch.uk/900001/2", key_kind::log, support::seed_of(9)}; // of a new origin
    fs::path folder = of.folder.path;
    fs::path sound = folder / "sound.rbk";
    fs::path spoilt = folder / "spoilt.rbk";
    fs::path target = folder / "target";
    fs::path restored = folder / "restored/ledger.db";
    backup_facts facts;
    std::string body;
    std::vector<std::string> digests; // of the ranges [1, 1] and [3, 3], which a journal may name by @0 and @1

    backed_up()
    {
        {
            const auto book = of.open();
            support::fill(*book);
            book->sign_checkpoint(support::noon(5));
        }
        fs::create_directory(target);
        fs::create_directory(restored.parent_path());
        backup_place place;
        place.ledger = of.file();
        place.file = sound;
        place.recipients = {keys.public_key};
        place.now = support::noon(10);
        facts = write_backup(place, of.key, {}).value();
        const auto in = sealed_reader::open(sound).value();
        ROLLBOOK_ENSURE(in->unlock(keys));
        for (std::string some = in->next().value(); !some.empty(); some = in->next().value())
            body += some;
        const auto database = open_database(of.file(), access_mode::read).value();
        stored_hashes stored(*database);
        digests = {range_digest(stored, {1, 1}), range_digest(stored, {3, 3})};
    }

    // A backup that this ledger's key signed, whatever is in it.
    void write_signed(std::string_view content) const
    {
        fs::remove(spoilt);
        const std::string header =
            "rollbook-backup/1\norigin " + facts.origin + "\nschema " + std::to_string(schema_version) + "\n";
        const auto out = sealed_writer::create(spoilt, header, {keys.public_key}).value();
        out->write(content).value();
        const hash digest = out->finish().value();
        const std::string text = "rollbook-backup/1\n" + facts.origin + "\n" + std::to_string(facts.size) + "\n" +
                                 to_base64(facts.root) + "\n" + format_instant(facts.made_at) + "\n" +
                                 to_base64(digest) + "\n";
        const std::string line = of.key.sign(text);
        out->trailer(format_note(text, std::span(&line, 1))).value();
    }

    restore_place place(const fs::path& backup) const
    {
        restore_place out;
        out.ledger = restored;
        out.backup = backup;
        out.target = target;
        out.now = support::noon(20);
        return out;
    }
};

backed_up& copied()
{
    static backed_up at;
    return at;
}

void check_not_restored(const failure& why)
{
    ROLLBOOK_ENSURE(why.code == errc::ledger_in_doubt || why.code == errc::forbidden);
    ROLLBOOK_ENSURE(!why.what.empty() && !why.to_do.empty());
}

// Restores what is there. Either all of it stands in the place of the ledger and verifies, or nothing does.
result<verify_report> restored_from(const fs::path& backup, const signing_key& key)
{
    backed_up& at = copied();
    const auto done = restore(at.place(backup), at.keys, at.signer, key);
    if (!done) {
        check_not_restored(done.error());
        ROLLBOOK_ENSURE(fs::is_empty(at.restored.parent_path()));
        return done.error();
    }
    verify_options options;
    options.key = key.verifier();
    const verify_report report = open_reader(at.restored).value()->verify(options);
    ROLLBOOK_ENSURE(report.ok() && report.size >= at.facts.size);
    for (const auto& each : fs::directory_iterator(at.restored.parent_path()))
        fs::remove(each.path());
    return report;
}

// What is sound with one change: two bytes say where, one how many bytes go, and the rest comes in their place. So that
// a change is the same whatever keys and times the sound one was made with.
std::string changed(std::string sound, std::string_view change)
{
    if (change.size() < 3) return sound;
    const auto byte = [change](std::size_t i) {
        return static_cast<std::size_t>(static_cast<unsigned char>(change[i]));
    };
    const std::size_t at = (byte(0) << 8 | byte(1)) % (sound.size() + 1);
    return sound.replace(at, std::min(byte(2), sound.size() - at), change.substr(3));
}

void check_content(std::string_view bytes)
{
    backed_up& at = copied();
    const std::string content = changed(at.body, bytes);
    at.write_signed(content);
    const auto facts = check_backup(at.spoilt, at.signer, &at.keys);
    if (!facts) check_not_restored(facts.error());
    const auto report = restored_from(at.spoilt, at.of.key);
    if (content == at.body) ROLLBOOK_ENSURE(report.has_value());
    if (report) ROLLBOOK_ENSURE(facts && report->size == at.facts.size && report->root == at.facts.root);
}

void check_backup_file(std::string_view bytes)
{
    backed_up& at = copied();
    const std::string sound = bytes_of(at.sound);
    const std::string file = changed(sound, bytes);
    write_to(at.spoilt, file);
    if (const auto origin = origin_of_backup(at.spoilt)) ROLLBOOK_ENSURE(origin->find('\n') == std::string::npos);
    for (const recipient_keys* keys : {static_cast<const recipient_keys*>(nullptr), &std::as_const(at.keys)}) {
        const auto facts = check_backup(at.spoilt, at.signer, keys);
        if (file == sound) ROLLBOOK_ENSURE(facts.has_value());
        if (!facts) {
            check_not_restored(facts.error());
            continue;
        }
        ROLLBOOK_ENSURE(facts->origin == at.facts.origin && facts->size == at.facts.size);
        ROLLBOOK_ENSURE(facts->root == at.facts.root && facts->made_at == at.facts.made_at);
    }
}

// What a journal that could be read says was erased after the copy is in no ledger that is made of it.
void check_journal(std::string_view bytes)
{
    backed_up& at = copied();
    std::string text(bytes);
    for (const auto& [mark, digest] : {std::pair("@0", at.digests[0]), {"@1", at.digests[1]}})
        for (std::size_t found = text.find(mark); found != text.npos; found = text.find(mark, found))
            text.replace(found, 2, digest);
    write_to(journal_file(at.target), text);
    const auto journal = read_journal(at.target);
    (void)restored_from(at.sound, at.of.key);
    const auto report = restored_from(at.sound, at.next);
    fs::remove(journal_file(at.target));
    if (!journal) check_not_restored(journal.error());
    ROLLBOOK_ENSURE(journal || !report);
    // What is made of a sound copy never has to be thrown away again.
    if (!report) ROLLBOOK_ENSURE(report.error().what.find("does not verify") == std::string::npos);
    if (!report) return;
    std::map<std::string, entry_index> shared = {{at.facts.origin, ~entry_index{0}}};
    for (const journal_line& line : *journal)
        if (line.forked_from == at.facts.origin) shared.try_emplace(line.origin, line.entry);
    const auto database = open_database(at.of.file(), access_mode::read).value();
    stored_hashes stored(*database);
    std::set<entry_index> erased;
    for (const journal_line& line : *journal) {
        if (line.origin == at.facts.origin && line.entry < at.facts.size) continue;
        for (std::size_t i = 0; i < line.ranges.size(); ++i) {
            const auto& [first, last] = line.ranges[i];
            if (first >= at.facts.size) continue;
            const bool ours = last < at.facts.size ? range_digest(stored, line.ranges[i]) == line.digests[i]
                                                   : last < shared[line.origin];
            for (entry_index each = first; ours && each <= last && each < at.facts.size; ++each)
                erased.insert(each);
        }
    }
    ROLLBOOK_ENSURE(report->erased == erased.size());
}

// Each line is what one sealed decision says, or the whole file is these bytes.
void check_decisions(std::string_view bytes)
{
    backed_up& at = copied();
    std::string file;
    std::size_t lines = 0;
    for (std::string_view rest = bytes; !rest.empty(); ++lines) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        json_writer out(file);
        out.begin_object().member("entry", lines).member("origin", at.facts.origin).key("sealed").begin_array();
        out.value(seal(line, at.keys.public_key)).end_array().end_object();
        file += '\n';
    }
    write_to(decisions_file(at.target), file);
    const auto opened = decisions_after(at.target, at.facts.origin, 0, at.keys).value();
    ROLLBOOK_ENSURE(opened.size() == lines);
    write_to(decisions_file(at.target), bytes);
    const auto as_they_are = decisions_after(at.target, at.facts.origin, 0, at.keys).value();
    ROLLBOOK_ENSURE(as_they_are.size() <= lines);
    fs::remove(decisions_file(at.target));
    for (const auto* said : {&opened, &as_they_are})
        for (const std::string& each : *said)
            ROLLBOOK_ENSURE(is_valid_utf8(each) && each.starts_with("entry "));
}

} // namespace

void read_backup(std::string_view bytes)
{
    if (bytes.empty()) return;
    const unsigned choice = static_cast<unsigned char>(bytes[0]) % 4;
    bytes.remove_prefix(1);
    switch (choice) {
    case 0: return check_content(bytes);
    case 1: return check_backup_file(bytes);
    case 2: return check_journal(bytes);
    default: check_decisions(bytes);
    }
}

std::vector<std::string> backup_seeds()
{
    const backed_up& at = copied();
    const std::string first =
        R"({"basis":"request","digests":["@0"],"entries":[[1,1]],"entry":40,"origin":")" + at.facts.origin + "\"}\n";
    const std::string second =
        R"({"basis":"retention-expired","digests":["@1","00"],"entries":[[3,3],[30,90]],"entry":41,"origin":")" +
        at.facts.origin + "\"}\n";
    const std::string other =
        R"({"basis":"request","digests":["@0","00"],"entries":[[1,1],[3,13]],"entry":41,"origin":"another"})"
        "\n";
    const std::string fork = R"({"entry":14,"forked_from":")" + at.facts.origin + R"(","origin":"another"})" + "\n";
    const std::string again = R"({"entry":41,"erased":["00000000000000ff"],"origin":"another"})"
                              "\n";
    const std::string decision =
        R"({"payload":"{\"user\":\"ann\",\"what\":\"action\"}","recorded_at":"2026-11-20T14:05:00.250Z"})";
    return {
        std::string("\0", 1),
        std::string("\0\0\1\4", 4),
        std::string("\0\0\0\0", 4) + std::string("T\0\0\0\5entry\1\0\0\0\3idxRN", 20),
        std::string("\0\0\100\1R", 5),
        std::string("\1", 1),
        std::string("\1\0\50\1x", 5),
        std::string("\1\7\50\0\0\0\0\0", 8),
        '\2' + first,
        '\2' + first + second + "{\"basis\":",
        '\2' + other + fork + again,
        '\3' + decision + "\n" + decision + "\n",
        "\3{\"entry\":3,\"origin\":\"" + at.facts.origin + "\",\"sealed\":[\"AAAA\"]}\n"};
}

} // namespace rollbook::fuzz
