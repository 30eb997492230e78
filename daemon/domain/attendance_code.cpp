#include "daemon/domain/attendance_code.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

constexpr civil_day on(int year, unsigned month, unsigned day)
{
    return civil_day(std::chrono::year(year) / static_cast<int>(month) / static_cast<int>(day));
}

// The order of the values: code, meaning, class, late, penalty notice, first day, last day.
// clang-format off
constexpr std::array table = std::to_array<statutory_code>({
    {"#",
     "Planned whole or partial school closure",
     code_class::administrative, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"#",
     "Planned whole or partial school closure",
     code_class::administrative, false, false, on(2024, 8, 19), {}},
    {"/",
     "Present, morning",
     code_class::present, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"/",
     "Present at school when the morning register begins to be taken",
     code_class::present, false, false, on(2024, 8, 19), {}},
    {"B",
     "Educated off site (not dual registration); looser than 2024 rule and sometimes misused for remote learning",
     code_class::approved_educational, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"B",
     "Any other approved supervised off-site educational activity (not remote learning)",
     code_class::approved_educational, false, false, on(2024, 8, 19), {}},
    {"C",
     "Leave of absence authorised by the school (then also held what is now C1 and C2)",
     code_class::authorised, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"C",
     "Leave of absence: exceptional circumstances",
     code_class::authorised, false, false, on(2024, 8, 19), {}},
    {"C1",
     "Leave of absence: regulated performance or regulated employment abroad",
     code_class::authorised, false, false, on(2024, 8, 19), {}},
    {"C2",
     "Leave of absence: compulsory-school-age pupil on an agreed temporary part-time timetable",
     code_class::authorised, false, false, on(2024, 8, 19), {}},
    {"D",
     "Dual registered at another establishment",
     code_class::not_required, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"D",
     "Dual registered and due to attend the other school for this session",
     code_class::not_required, false, false, on(2024, 8, 19), {}},
    {"E",
     "Excluded with no alternative provision",
     code_class::authorised, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"E",
     "Suspended or permanently excluded and no alternative provision made",
     code_class::authorised, false, false, on(2024, 8, 19), {}},
    {"F",
     "Extended family holiday agreed; withdrawn September 2013 (folded into H for census)",
     code_class::authorised, false, false, on(2006, 9, 1), on(2013, 8, 31)},
    {"G",
     "Holiday not authorised or beyond the agreed period",
     code_class::unauthorised, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"G",
     "Holiday not granted by the school",
     code_class::unauthorised, false, true, on(2024, 8, 19), {}},
    {"H",
     "Family holiday agreed by the school; withdrawn August 2024 (now C if granted or G if not)",
     code_class::authorised, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"I",
     "Illness",
     code_class::authorised, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"I",
     "Illness (physical or mental; not a medical or dental appointment)",
     code_class::authorised, false, false, on(2024, 8, 19), {}},
    {"J",
     "At interview; was attendance then; closest 2024 code is J1 which is absence",
     code_class::approved_educational, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"J1",
     "Leave of absence: interview for employment or for admission to another education institution",
     code_class::authorised, false, false, on(2024, 8, 19), {}},
    {"K",
     "Attending education arranged by the local authority at a place other than the school",
     code_class::approved_educational, false, false, on(2024, 8, 19), {}},
    {"L",
     "Late before register closed",
     code_class::present, true, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"L",
     "Arrived after register-taking began but before it ended (late before close; window at most 30 minutes)",
     code_class::present, true, false, on(2024, 8, 19), {}},
    {"M",
     "Medical or dental appointment",
     code_class::authorised, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"M",
     "Leave of absence: medical or dental appointment",
     code_class::authorised, false, false, on(2024, 8, 19), {}},
    {"N",
     "No reason yet provided",
     code_class::unauthorised, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"N",
     "Reason for absence not yet established (must become another code within 5 school days else O)",
     code_class::unauthorised, false, true, on(2024, 8, 19), {}},
    {"O",
     "Unauthorised absence not covered by another code",
     code_class::unauthorised, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"O",
     "Absent in other or unknown circumstances (unauthorised)",
     code_class::unauthorised, false, true, on(2024, 8, 19), {}},
    {"P",
     "Approved sporting activity",
     code_class::approved_educational, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"P",
     "Approved supervised sporting activity",
     code_class::approved_educational, false, false, on(2024, 8, 19), {}},
    {"Q",
     "Unable to attend because of a lack of access arrangements",
     code_class::not_required, false, false, on(2024, 8, 19), {}},
    {"R",
     "Religious observance",
     code_class::authorised, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"R",
     "Religious observance",
     code_class::authorised, false, false, on(2024, 8, 19), {}},
    {"S",
     "Study leave",
     code_class::authorised, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"S",
     "Leave of absence: study leave for a public examination",
     code_class::authorised, false, false, on(2024, 8, 19), {}},
    {"T",
     "Gypsy Roma and Traveller absence",
     code_class::authorised, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"T",
     "Parent travelling for occupational purposes (mobile child)",
     code_class::authorised, false, false, on(2024, 8, 19), {}},
    {"U",
     "Late after register closed",
     code_class::unauthorised, true, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"U",
     "Arrived after the register closed but before the end of the session",
     code_class::unauthorised, true, true, on(2024, 8, 19), {}},
    {"V",
     "Educational visit or trip",
     code_class::approved_educational, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"V",
     "Educational visit or trip arranged by or for the school and supervised by school staff",
     code_class::approved_educational, false, false, on(2024, 8, 19), {}},
    {"W",
     "Work experience (not work-based training)",
     code_class::approved_educational, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"W",
     "Approved work experience",
     code_class::approved_educational, false, false, on(2024, 8, 19), {}},
    {"X",
     "Not required to be in school; non-compulsory-school-age (2020-22 also Covid sub-uses)",
     code_class::not_required, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"X",
     "Non-compulsory-school-age pupil not required to attend",
     code_class::not_required, false, false, on(2024, 8, 19), {}},
    {"Y",
     "Unable to attend due to exceptional circumstances; split into Y1-Y7 and Q from August 2024",
     code_class::not_required, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"Y1",
     "Unable to attend: transport normally provided is not available",
     code_class::not_required, false, false, on(2024, 8, 19), {}},
    {"Y2",
     "Unable to attend: widespread disruption to travel",
     code_class::not_required, false, false, on(2024, 8, 19), {}},
    {"Y3",
     "Unable to attend: part of the school premises closed",
     code_class::not_required, false, false, on(2024, 8, 19), {}},
    {"Y4",
     "Unable to attend: whole school site unexpectedly closed",
     code_class::not_required, false, false, on(2024, 8, 19), {}},
    {"Y5",
     "Unable to attend: pupil in criminal justice detention",
     code_class::not_required, false, false, on(2024, 8, 19), {}},
    {"Y6",
     "Unable to attend: following public health guidance or law",
     code_class::not_required, false, false, on(2024, 8, 19), {}},
    {"Y7",
     "Unable to attend: any other unavoidable cause",
     code_class::not_required, false, false, on(2024, 8, 19), {}},
    {"Z",
     "Pupil not yet on roll",
     code_class::administrative, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"Z",
     "Prospective pupil not yet on the admission register",
     code_class::administrative, false, false, on(2024, 8, 19), {}},
    {"\\",
     "Present, afternoon",
     code_class::present, false, false, on(2006, 9, 1), on(2024, 8, 18)},
    {"\\",
     "Present at school when the afternoon register begins to be taken",
     code_class::present, false, false, on(2024, 8, 19), {}},
});
// clang-format on

static_assert(std::ranges::is_sorted(table, [](const statutory_code& a, const statutory_code& b) {
    return a.code != b.code ? a.code < b.code : a.from < b.from;
}));

// A statutory code is one ASCII character, or a letter and a digit from 1 to 7: its place in the index below. 0 is the
// place of no code.
constexpr std::size_t place_of(std::string_view code)
{
    if (code.empty() || code.size() > 2) return 0;
    const auto first = static_cast<unsigned char>(code[0]);
    if (first >= 128) return 0;
    if (code.size() == 1) return first * std::size_t{8};
    if (code[1] < '1' || code[1] > '7') return 0;
    return first * std::size_t{8} + static_cast<std::size_t>(code[1] - '0');
}

// The rows of one code: `count` from `first` on.
struct rows_of_code {
    std::uint8_t first = 0;
    std::uint8_t count = 0;
};

// Made from the table by the compiler, so that a mark's class is found without comparing text.
constexpr std::array<rows_of_code, 128 * 8> rows_by_place = [] {
    std::array<rows_of_code, 128 * 8> index{};
    static_assert(table.size() < 256);
    for (std::size_t row = 0; row < table.size(); ++row) {
        rows_of_code& rows = index[place_of(table[row].code)];
        if (rows.count++ == 0) rows.first = static_cast<std::uint8_t>(row);
    }
    return index;
}();
static_assert(rows_by_place[0].count == 0, "a code that place_of() cannot place");

constexpr std::array<std::string_view, 8> class_names = {
    "present",
    "approved_educational",
    "authorised",
    "unauthorised",
    "not_required",
    "administrative",
    "unmapped",
    "none",
};

constexpr std::string_view white_space = " \t\r\n\f\v";

} // namespace

std::string_view name_of(code_class value)
{
    return class_names[static_cast<std::size_t>(value)];
}

std::optional<code_class> parse_code_class(std::string_view text)
{
    const auto* found = std::ranges::find(class_names, text);
    if (found == class_names.end()) return std::nullopt;
    return static_cast<code_class>(found - class_names.begin());
}

std::span<const statutory_code> statutory_codes()
{
    return table;
}

const statutory_code* find_statutory_code(std::string_view code, civil_day day)
{
    const rows_of_code rows = rows_by_place[place_of(code)];
    // The newest row first: most marks are of this year.
    for (std::size_t left = rows.count; left > 0; --left) {
        const statutory_code& row = table[rows.first + left - 1];
        if (day >= row.from) return !row.to || day <= *row.to ? &row : nullptr;
    }
    return nullptr;
}

bool is_not_recorded(std::string_view raw)
{
    const std::string_view text = trimmed_code(raw);
    return text.empty() || text == "-";
}

std::string_view trimmed_code(std::string_view raw)
{
    const auto first = raw.find_first_not_of(white_space);
    if (first == std::string_view::npos) return {};
    return raw.substr(first, raw.find_last_not_of(white_space) - first + 1);
}

std::string normalised_code(std::string_view raw)
{
    std::string code(trimmed_code(raw));
    for (char& c : code) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return code;
}

} // namespace rollbook
