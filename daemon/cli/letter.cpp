#include "daemon/cases/letter.hpp"
#include "daemon/base/json.hpp"
#include "daemon/base/spoken.hpp"
#include "daemon/cli/alerts.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/views/markers.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <ostream>
#include <set>
#include <unistd.h>

namespace rollbook {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t template_bytes_max = 100'000;

// A template's name is a file's in one folder, and no path to another.
std::string read_template(const configuration& config, const std::string& name)
{
    const bool is_plain = !name.empty() && name.find('/') == name.npos && !name.starts_with('.');
    const fs::path file = config.casework.letters / (name + ".txt");
    std::ifstream in(file, std::ios::binary);
    if (config.casework.letters.empty() || !is_plain || !in)
        throw failure_error(failure(
            errc::usage,
            config.casework.letters.empty() ? "the configuration names no folder of letters"
                                            : "there is no template " + file.string(),
            "Set [casework] letters to a folder of text files, and name one without its .txt."
        ));
    std::string text((std::istreambuf_iterator<char>(in)), {});
    if (text.size() > template_bytes_max)
        throw failure_error(failure(errc::usage, "the template is too long", "Keep it under 100 kB."));
    return text;
}

void write_letter(const fs::path& path, std::string_view text)
{
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const bool written = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const int why = errno;
    if (file >= 0) ::close(file);
    if (written) return;
    throw failure_error(failure(
        errc::usage,
        "the letter " + path.string() + " cannot be written: " + std::strerror(why),
        why == EEXIST ? "A letter is never overwritten; give another name." : "Check the folder and its space."
    ));
}

// The sessions that count, as a parent reads them: "Friday 20 November 2026, morning".
std::vector<std::string> sessions_of(const workplace& at, const std::vector<entry_index>& evidence)
{
    std::vector<std::pair<session_id, std::string>> found;
    for (const entry_index index : evidence)
        at.reader.entries(index, index + 1, [&](const entry_view& entry) {
            const auto document = json_document::parse(std::string(entry.payload));
            const auto day = document ? parse_day(document->root()["date"].string_if().value_or("")) : std::nullopt;
            const auto half =
                document ? parse_half_day(document->root()["session"].string_if().value_or("")) : std::nullopt;
            if (day && half)
                found.emplace_back(
                    session_id{*day, *half},
                    spoken_weekday_date(*day) + (*half == half_day::am ? ", morning" : ", afternoon")
                );
            return false;
        });
    std::ranges::sort(found);
    std::vector<std::string> lines;
    for (auto& [session, line] : found)
        lines.push_back(std::move(line));
    return lines;
}

letter_words words_for(const workplace& at, const people& everyone, const alert& about)
{
    const std::vector<std::string> sessions = sessions_of(at, about.evidence);
    std::string dates;
    for (const std::string& each : sessions)
        dates += (dates.empty() ? "" : "\n") + each;
    const rule* of = at.config.find_rule(about.rule);
    const std::string name = everyone.name_of(about.pupil);
    return {
        {"alert", std::to_string(about.id)},
        {"dates", dates},
        {"from", spoken_date(about.window.first)},
        {"pupil", name.empty() ? reference_of(about.pupil) : name},
        {"reference", reference_of(about.pupil)},
        {"rule", of ? of->title : about.rule},
        {"school", at.config.school.name},
        {"sessions", std::to_string(sessions.size())},
        {"source", of ? of->source : ""},
        {"stage", about.stage},
        {"threshold", shown_value(about.threshold, about.parts.has_value())},
        {"to", spoken_date(about.window.last)},
        {"today", spoken_date(day_of(at.zone.to_local(at.now)))},
        {"value", shown_value(about.value, about.parts.has_value())},
    };
}

} // namespace

int run_alerts_letter(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        const auto about = story_of(at, options.index).now;
        if (is_about_source(about))
            throw failure_error(failure(
                errc::forbidden,
                "alert " + std::to_string(about.id) + " is about a source: there is nobody to write to",
                "`rollbook alerts list` shows which alerts are about a pupil."
            ));
        if (marked_pupils(at).is_with_care(about.pupil)) throw failure_error(refuses_letters(about.pupil));
        const std::string text = read_template(at.config, options.letter);
        const people everyone(at);
        const std::string letter = fill_letter(text, words_for(at, everyone, about)).value();
        // It shows a name: who made it, and why, is an entry before the file is there.
        access_record seen;
        seen.pupil = about.pupil;
        seen.view = "name";
        seen.reason = "letter " + options.letter + " about alert " + std::to_string(about.id);
        io.context.record_access(at.config, seen).value();
        write_letter(options.out, letter);
        decision_request request;
        request.kind = decision_kind::act;
        request.about = about.id;
        request.action = "letter";
        request.owner = options.owner;
        request.due = options.due;
        request.text = "Template " + options.letter;
        request.by = options.by;
        const upkeep_report report = io.context.decide(at.config, request).value();
        if (options.json) {
            io.out << report.json << '\n';
            return exit_done;
        }
        for (const std::string& line : report.lines)
            io.out << plain(line) << '\n';
        io.out << "The letter is in " << plain(options.out.string())
               << ". Once it is sent: rollbook alerts done ACTION --outcome sent\n";
        return exit_done;
    });
}

} // namespace rollbook
