#include "daemon/reports/praise.hpp"

#include "daemon/base/spoken.hpp"
#include "daemon/reports/pupil_cells.hpp"
#include "daemon/reports/school_facts.hpp"
#include "daemon/views/markers.hpp"

#include <fmt/format.h>

namespace rollbook {
namespace {

constexpr std::int64_t possible_min = 20;
constexpr std::int64_t absent_max = 3; // in a hundred possible sessions

} // namespace

report praise(const report_question& asked)
{
    report made;
    made.title = "Attendance to praise";
    made.columns = joined<report_column>(
        pupil_columns(asked),
        {{"possible", "Possible sessions", true},
         {"absent", "Absent", true},
         {"late", "Late", true},
         {"attendance", "Attendance (%)", true}}
    );
    const civil_day today = asked.today();
    const auto half_term = asked.at.config.calendar.half_term_to(today);
    const day_range days = asked.days(half_term ? half_term->first : school_calendar::academic_year_start(today));
    made.notes = {
        fmt::format(
            "Attendance of 97 % or more of at least {} possible sessions, {} to {}.",
            possible_min,
            spoken_date(days.first),
            spoken_date(days.last)
        ),
        "Whom the safeguarding lead asks to handle with care is not in this list. Read it out to nobody before you "
        "have "
        "looked at it.",
    };
    const school_facts facts(asked, {.earliest = days.first});
    const marked_pupils marked(asked.at);
    for (const profile* who : in_order(asked)) {
        if (marked.is_with_care(who->person)) continue;
        figures sums;
        facts.each_mark(who->person, days, [&](const school_facts::mark& mark) {
            if (mark.row) sums.add(mark.row->klass, mark.row->late);
        });
        if (sums.possible < possible_min || sums.absent() * 100 > absent_max * sums.possible) continue;
        made.rows.push_back(joined<std::string>(
            pupil_cells(asked, who->person),
            {std::to_string(sums.possible),
             std::to_string(sums.absent()),
             std::to_string(sums.late),
             hundredths_text(sums.possible - sums.absent(), sums.possible)}
        ));
    }
    return made;
}

} // namespace rollbook
