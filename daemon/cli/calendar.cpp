#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/domain/calendar_proposal.hpp"

#include <fstream>
#include <iterator>
#include <ostream>

namespace rollbook {
namespace {

constexpr std::size_t ical_bytes_max = 8u << 20;

published_calendar read_ical(const std::filesystem::path& file)
{
    std::ifstream in(file, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (!in.good() && !in.eof())
        throw failure_error(failure(errc::usage, "the file " + file.string() + " cannot be read", "Check its name."));
    if (text.size() > ical_bytes_max || text.find("BEGIN:VCALENDAR") == text.npos)
        throw failure_error(failure(
            errc::usage, "the file " + file.string() + " is no iCalendar file", "Save the school's calendar as .ics."
        ));
    return read_published_calendar(text);
}

} // namespace

int run_calendar_propose(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        published_calendar published;
        if (!options.file.empty()) published = read_ical(options.file);
        std::map<civil_day, std::int64_t> marks;
        at.reader.marks(no_entry, at.n, false, [&](const mark_view& mark) {
            if (mark.statutory != "#" && !mark.raw.empty()) ++marks[mark.session.day];
            return true;
        });
        if (marks.empty())
            throw failure_error(failure(errc::not_found, "the ledger holds no marks yet", "Run `rollbook poll` first.")
            );
        io.out << calendar_text(propose_calendar(marks, published.events));
        if (published.repeating > 0)
            io.err << published.repeating << " repeating events were left out; look at them yourself.\n";
        return exit_done;
    });
}

} // namespace rollbook
