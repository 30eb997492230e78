#pragma once

#include "daemon/domain/held.hpp"
#include "tests/support/school.hpp"

#include <string>

// Incidents and suspensions for tests, as entries of a ledger would give them. Everything is invented.
namespace rollbook::support {

class case_builder {
public:
    // One incident and the pupil's part in it; gives the part's entry.
    entry_index incident(civil_day day, const std::string& role = "Aggressor", int points = 1, entry_index pupil = 1)
    {
        const std::string id = "I" + std::to_string(next);
        const std::string fields = R"({"fields":{"day":")" + format_day(day) + R"(","nature":"behaviour"}})";
        held.apply(next++, of(what::incident, id, no_entry), fields);
        held.apply(
            next,
            of(what::involvement, id + "/1", pupil),
            R"({"fields":{"of":"incident","points":)" + std::to_string(points) + R"(,"record":")" + id +
                R"(","role":")" + role + R"("}})"
        );
        return next++;
    }

    // From and to a session, both inclusive; `sessions` below 0: the source gives none.
    entry_index suspension(
        session_id from, session_id to, int sessions = -1, const std::string& kind = "Suspension", entry_index pupil = 1
    )
    {
        std::string fields = R"({"fields":{"from":")" + format_day(from.day) + R"(","from_session":")" +
                             std::string(name_of(from.half)) + R"(","kind":")" + kind + R"(",)";
        if (sessions >= 0) fields += R"("sessions":)" + std::to_string(sessions) + ",";
        fields += R"("to":")" + format_day(to.day) + R"(","to_session":")" + std::string(name_of(to.half)) + R"("}})";
        held.apply(next, of(what::suspension, "S" + std::to_string(next), pupil), fields);
        return next++;
    }

    // From a session on, with no last day given.
    entry_index
    suspension_from(session_id from, int sessions = -1, const std::string& kind = "Suspension", entry_index pupil = 1)
    {
        std::string fields = R"({"fields":{"from":")" + format_day(from.day) + R"(","from_session":")" +
                             std::string(name_of(from.half)) + R"(","kind":")" + kind + '"';
        if (sessions >= 0) fields += R"(,"sessions":)" + std::to_string(sessions);
        held.apply(next, of(what::suspension, "S" + std::to_string(next), pupil), fields + "}}");
        return next++;
    }

    // A mark of one lesson; gives its entry. `of`: the first entry of a lesson that was marked before, whose mark this
    // replaces; an empty code says that the source no longer has it.
    entry_index
    lesson(civil_day day, const std::string& code, entry_index pupil = 1, std::optional<entry_index> again = {})
    {
        const entry_index subject = again.value_or(next);
        thing_version made = of(what::lesson_mark, "L" + std::to_string(subject), pupil);
        made.subject = subject;
        made.gone = code.empty();
        const std::string fields = R"({"fields":{"day":")" + format_day(day) + R"(","raw":")" + code +
                                   R"(","statutory":")" + code + R"("},"what":"lesson-mark"})";
        held.apply(next, made, made.gone ? R"({"gone":"vanished","what":"lesson-mark"})" : fields);
        return next++;
    }

    case_facts held;
    entry_index next = 50'000;

private:
    static thing_version of(what kind, const std::string& key, entry_index pupil)
    {
        thing_version made;
        made.kind = kind;
        made.pupil = pupil;
        made.source = "mis";
        made.key = key;
        return made;
    }
};

} // namespace rollbook::support
