#include "daemon/ports/ledger_reader.hpp"

#include "daemon/domain/code_book.hpp"
#include "daemon/ports/version_of.hpp"

namespace rollbook {

thing_version version_of(const thing_view& each)
{
    thing_version version;
    version.kind = each.kind;
    version.subject = each.subject;
    version.pupil = each.pupil;
    version.source = each.source;
    version.key = each.key;
    version.gone = each.gone;
    return version;
}

std::map<entry_index, figures>
ledger_reader::sums_of_days(std::string_view source, const day_range& days, entry_index n) const
{
    code_book codes;
    std::map<entry_index, figures> sums;
    marks_of_days(no_entry, days, n, false, [&](const mark_view& held) {
        if (held.source != source) return true;
        const code_id code = codes.intern(held.raw, held.statutory);
        const statutory_code* row = codes.row_on(code, held.session.day);
        sums[held.pupil].add(codes.class_on(code, held.session.day), row && row->late);
        return true;
    });
    return sums;
}

std::shared_ptr<const case_facts> ledger_reader::cases(entry_index n) const
{
    auto facts = std::make_shared<case_facts>();
    take_cases(*this, 0, n, *facts);
    return facts;
}

void take_cases(const ledger_reader& from, entry_index first, entry_index n, case_facts& into)
{
    for (const what kind : {what::incident, what::concern, what::involvement, what::suspension})
        from.things_since(kind, first, n, [&](const thing_view& each) {
            into.apply(each.entry, version_of(each), each.payload);
            return true;
        });
}

} // namespace rollbook
