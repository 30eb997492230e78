#pragma once

#include "daemon/ledger/reader.hpp"
#include "daemon/ledger/store.hpp"
#include "daemon/reconcile/payload.hpp"
#include "tests/support/hashes.hpp"
#include "tests/support/temporary_folder.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

// A ledger in a folder of its own, for tests.
namespace rollbook::support {

inline instant noon(int minute = 0)
{
    return parse_instant("2026-09-14T12:00:00Z").value() + std::chrono::minutes(minute);
}

class ledger_folder {
public:
    explicit ledger_folder(bool simulated = true) : key("ledger.example.sch.uk/900001", key_kind::log, seed_of(7))
    {
        ledger_birth birth;
        birth.origin = key.verifier().name;
        birth.simulated = simulated;
        birth.at = noon(-60);
        create_ledger(file(), birth, key).value();
    }

    std::filesystem::path file() const { return folder.path / "ledger.db"; }
    std::unique_ptr<ledger> open() const { return open_ledger(file(), key).value(); }
    std::unique_ptr<ledger_reader> reader() const { return open_reader(file()).value(); }
    verify_report verify() const
    {
        verify_options options;
        options.key = key.verifier();
        return reader()->verify(options);
    }

    temporary_folder folder;
    signing_key key;
};

// Commits and takes the entries into the held state, as the service does.
inline entry_index commit_and_apply(ledger& book, const transaction& t, instant at)
{
    const entry_index base = book.size();
    book.commit(t, at);
    book.apply(t, base);
    return base;
}

// Everything that a held state says, one line a fact and sorted, so that two states can be compared and what differs be
// read. Numbers that live in memory only are left out.
inline std::string text_of(const held_state& held, const std::vector<std::string>& sources)
{
    std::vector<std::string> lines;
    for (const std::string& source : sources) {
        const attendance_register* marks = held.find_register(source);
        if (!marks || !marks->extent()) continue;
        for (pupil_no pupil = 0; pupil < marks->pupils(); ++pupil)
            for (civil_day day = marks->extent()->first; day <= marks->extent()->last; day += std::chrono::days(1))
                for (const half_day half : {half_day::am, half_day::pm}) {
                    const held_mark& mark = marks->find({day, half}, pupil);
                    if (!mark.met()) continue;
                    lines.push_back(
                        "mark " + source + " " + format_day(day) + " " + std::string(name_of(half)) + " " +
                        std::to_string(marks->ref_of(pupil)) + " entry " + std::to_string(mark.entry) + " digest " +
                        std::to_string(mark.digest) + " " + std::string(marks->codes().raw(mark.code)) + " " +
                        std::string(marks->codes().statutory(mark.code)) + " " + std::to_string(mark.minutes) +
                        (mark.gone ? " gone" : "")
                    );
                }
        for (pupil_no pupil = 0; pupil < marks->pupils(); ++pupil)
            if (const auto first = marks->first_unexplained(pupil))
                lines.push_back(
                    "unexplained " + source + " " + std::to_string(marks->ref_of(pupil)) + " from " +
                    format_day(first->day) + " " + std::string(name_of(first->half))
                );
        lines.push_back("register " + source + " held " + std::to_string(marks->held()));
    }
    for (int kind = 0; kind <= static_cast<int>(what::heartbeat); ++kind)
        for (const held_thing& thing : held.things(static_cast<what>(kind)).all())
            lines.push_back(
                std::string(name_of(static_cast<what>(kind))) + " " + std::to_string(thing.subject) + " entry " +
                std::to_string(thing.entry) + " pupil " + std::to_string(thing.pupil) + " " +
                std::string(thing.source) + " " + thing.key + " digest " + std::to_string(thing.digest) +
                (thing.gone ? " gone " : " ") + *thing.payload
            );
    std::sort(lines.begin(), lines.end());
    std::string text;
    for (const std::string& line : lines)
        text.append(line).push_back('\n');
    return text;
}

} // namespace rollbook::support
