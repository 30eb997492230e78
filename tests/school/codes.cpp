#include "tests/school/codes.hpp"

#include <stdexcept>
#include <string>

namespace rollbook::school {

namespace {

using enum code_class;

constexpr code_row rows[] = {
    {"/", "Present (AM)", "PRESENT", "/", present},
    {"\\", "Present (PM)", "PRESENT", "\\", present},
    {"L", "Late before registers closed", "LATE", "L", present},
    {"K", "Education arranged by the local authority", "APPROVED_EDUCATIONAL_ACTIVITY", "K", approved_educational},
    {"V", "Educational visit or trip", "APPROVED_EDUCATIONAL_ACTIVITY", "V", approved_educational},
    {"P", "Approved sporting activity", "APPROVED_EDUCATIONAL_ACTIVITY", "P", approved_educational},
    {"W", "Work experience", "APPROVED_EDUCATIONAL_ACTIVITY", "W", approved_educational},
    {"B", "Other approved educational activity", "APPROVED_EDUCATIONAL_ACTIVITY", "B", approved_educational},
    {"D", "Dual registered at another school", "NOT_REQUIRED", "D", not_required},
    {"C1", "Regulated performance or employment abroad", "AUTHORISED_ABSENCE", "C1", authorised},
    {"M", "Medical or dental appointment", "AUTHORISED_ABSENCE", "M", authorised},
    {"J1", "Interview", "AUTHORISED_ABSENCE", "J1", authorised},
    {"S", "Study leave", "AUTHORISED_ABSENCE", "S", authorised},
    {"X", "Not required to attend", "NOT_REQUIRED", "X", not_required},
    {"C2", "Part-time timetable", "AUTHORISED_ABSENCE", "C2", authorised},
    {"C", "Leave in exceptional circumstances", "AUTHORISED_ABSENCE", "C", authorised},
    {"T", "Parent travelling for occupational purposes", "AUTHORISED_ABSENCE", "T", authorised},
    {"R", "Religious observance", "AUTHORISED_ABSENCE", "R", authorised},
    {"I", "Illness", "AUTHORISED_ABSENCE", "I", authorised},
    {"E", "Suspended or excluded", "AUTHORISED_ABSENCE", "E", authorised},
    {"Q", "Lack of access arrangements", "NOT_REQUIRED", "Q", not_required},
    {"Y1", "Transport not available", "NOT_REQUIRED", "Y1", not_required},
    {"Y2", "Widespread disruption to travel", "NOT_REQUIRED", "Y2", not_required},
    {"Y3", "Part of premises closed", "NOT_REQUIRED", "Y3", not_required},
    {"Y4", "Whole site closed", "NOT_REQUIRED", "Y4", not_required},
    {"Y5", "Criminal justice detention", "NOT_REQUIRED", "Y5", not_required},
    {"Y6", "Public health guidance or law", "NOT_REQUIRED", "Y6", not_required},
    {"Y7", "Other unavoidable cause", "NOT_REQUIRED", "Y7", not_required},
    {"G", "Holiday not granted", "UNAUTHORISED_ABSENCE", "G", unauthorised},
    {"N", "Reason for absence not yet established", "UNAUTHORISED_ABSENCE", "N", unauthorised},
    {"O", "Absent in other or unknown circumstances", "UNAUTHORISED_ABSENCE", "O", unauthorised},
    {"U", "Late after registers closed", "UNAUTHORISED_ABSENCE", "U", unauthorised},
    {"Z", "Prospective pupil not on roll", "ADMINISTRATIVE", "Z", administrative},
    {"#", "Planned closure", "ADMINISTRATIVE", "#", administrative},
    {"-", "No mark", "NO_MARK", "", none},
    {"Q9", "In the quiet room", "OTHER", "", unmapped},
};

} // namespace

std::span<const code_row> code_list()
{
    return rows;
}

int find_code(std::string_view text)
{
    for (int i = 0; i < int(std::size(rows)); ++i) {
        if (rows[i].text == text) return i;
    }
    return -1;
}

std::uint8_t code(std::string_view text)
{
    const int found = find_code(text);
    if (found < 0) throw std::logic_error("no such code: " + std::string(text));
    return static_cast<std::uint8_t>(found);
}

} // namespace rollbook::school
