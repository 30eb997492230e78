#include "tests/school/roll.hpp"

#include "tests/school/dice.hpp"

#include <cstdio>

namespace rollbook::school {

using namespace std::chrono;

namespace {

constexpr std::string_view girls[] = {
    "Aisha",  "Amelia", "Ana",    "Anya",   "Ava",   "Beatrice", "Bronwen", "Chloe", "Daisy",    "Ebony", "Elif",
    "Ella",   "Erin",   "Esme",   "Fatima", "Freya", "Grace",    "Hana",    "Holly", "Imani",    "Iris",  "Isla",
    "Jasmin", "Keira",  "Layla",  "Lily",   "Lucy",  "Maja",     "Maryam",  "Maya",  "Megan",    "Mia",   "Naomi",
    "Niamh",  "Nia",    "Olivia", "Phoebe", "Poppy", "Priya",    "Rosie",   "Ruby",  "Safa",     "Siân",  "Sophie",
    "Tamsin", "Tia",    "Yasmin", "Zara",   "Zoë",   "Zuzanna",  "Abigail", "Eleri", "Florence", "Orla",
};
constexpr std::string_view boys[] = {
    "Aaron",  "Adam",   "Alfie", "Amir",  "Archie",   "Arjun",  "Ayaan",  "Bartek",  "Ben",    "Caleb",   "Callum",
    "Connor", "Daniel", "Dylan", "Ellis", "Ethan",    "Ewan",   "Finn",   "Freddie", "George", "Harley",  "Harry",
    "Hassan", "Hugo",   "Idris", "Isaac", "Jack",     "Jayden", "Josh",   "Kai",     "Kofi",   "Leo",     "Liam",
    "Logan",  "Łukasz", "Mason", "Max",   "Mohammed", "Noah",   "Oliver", "Omar",    "Oscar",  "Rafael",  "Reuben",
    "Rhys",   "Riley",  "Ryan",  "Sami",  "Theo",     "Toby",   "Tom",    "Yusuf",   "Zain",   "Zachary",
};
constexpr std::string_view surnames[] = {
    "Abbott",   "Adeyemi",    "Ahmed",   "Akhtar",      "Allport",   "Ashdown",   "Bailey",  "Barlow",     "Begum",
    "Bhatt",    "Birch",      "Bowker",  "Brook",       "Campion",   "Chowdhury", "Clegg",   "Cole",       "Coombes",
    "Cooper",   "Crane",      "Dale",    "Davies",      "Dąbrowski", "Demir",     "Dhillon", "Duffy",      "Eastwood",
    "Ellison",  "Evans",      "Fairley", "Farrow",      "Fisher",    "Fletcher",  "Garside", "Gill",       "Goddard",
    "Grant",    "Greenhalgh", "Haigh",   "Hale",        "Harding",   "Hartley",   "Hassan",  "Haworth",    "Hussain",
    "Ingham",   "Iqbal",      "Jagger",  "Jones",       "Joshi",     "Kaur",      "Kaya",    "Kelly",      "Kenyon",
    "Khan",     "Kowalska",   "Lam",     "Langley",     "Lister",    "Lowe",      "Mahmood", "Marsden",    "Mensah",
    "Mistry",   "Moss",       "Mwangi",  "Naylor",      "Nguyễn",    "Noble",     "Nuttall", "O'Brien",    "O'Neill",
    "Oduya",    "Okafor",     "Oldroyd", "Osei",        "Palmer",    "Parekh",    "Patel",   "Pickup",     "Popescu",
    "Quaye",    "Rahman",     "Ramsden", "Rashid",      "Redfern",   "Rees",      "Rowe",    "Sandhu",     "Sheard",
    "Siddiqui", "Singh",      "Smalley", "Smith-Jones", "Stead",     "Sutcliffe", "Sykes",   "Tattersall", "Thornley",
    "Tranter",  "Tully",      "Uddin",   "Unsworth",    "Varley",    "Wadsworth", "Walsh",   "Whitaker",   "Wilde",
    "Williams", "Wood",       "Wright",  "Yates",       "Young",     "Zaman",     "Żak",     "van Dijk",
};

// Pupils by band of absence, in percent: 2022/23 secondary, scaled to the persistent and overall absence of 2025/26.
// Source: statutory.md section 8, tables 8b and 8a.
constexpr double band_weights[] = {51.9, 26.6, 9.6, 4.0, 2.0, 1.25, 0.85, 0.6, 0.45, 0.35, 2.35};

constexpr double lates_a_year_mean = 11.75;   // 8c: L and U together, secondary
constexpr double lates_shape = 0.40;          // puts about half of them on a tenth of the pupils (8c, an assumption)
constexpr double incidents_a_year_mean = 6.8; // 8d
constexpr double incidents_shape = 0.30;      // 8 % of pupils with half, a third or so with none (8d)
constexpr double concerns_a_year_mean = 1.1;  // 8d, an assumption
constexpr double share_with_concerns = 0.22;  // 8d, an assumption

std::string wonde_id(std::uint64_t n)
{
    return "A" + std::to_string(n);
}

std::string digits(int n, int width)
{
    char text[16];
    std::snprintf(text, sizeof text, "%0*d", width, n);
    return text;
}

// LA 990 does not exist, so that no number can be a real child's.
std::string make_upn(int school, int allocated, int serial)
{
    const std::string rest = "990" + digits(2001 + school, 4) + digits(allocated % 100, 2) + digits(serial, 3);
    return upn_check_letter(rest) + rest;
}

double draw_absence(dice& d, int band)
{
    if (band == 10) return 0.50 + 0.45 * std::pow(d.unit(), 2.5);
    return 0.05 * (band + std::pow(d.unit(), 1.1));
}

void scale(std::vector<pupil>& pupils, double pupil::*what, double mean)
{
    double sum = 0;
    for (const pupil& p : pupils)
        sum += p.*what;
    for (pupil& p : pupils)
        p.*what *= mean * static_cast<double>(pupils.size()) / sum;
}

void draw_habits(std::uint64_t seed, std::vector<pupil>& pupils)
{
    std::vector<int> bands;
    double share = 0;
    for (int band = 0; band < 11; ++band) {
        share += band_weights[band];
        while (band == 10 ? bands.size() < pupils.size()
                          : static_cast<double>(bands.size()) < share / 99.95 * static_cast<double>(pupils.size())) {
            bands.push_back(band);
        }
    }
    dice order(seed, "bands");
    bands.resize(pupils.size());
    order.shuffle(bands);
    for (std::size_t i = 0; i < pupils.size(); ++i) {
        pupil& p = pupils[i];
        dice d(seed, "habits", i);
        p.absence = draw_absence(d, bands[i]);
        p.lates_a_year = std::min(150.0, d.gamma(lates_shape, lates_a_year_mean));
        p.incidents_a_year = std::min(140.0, d.gamma(incidents_shape, incidents_a_year_mean));
        p.concerns_a_year = d.chance(share_with_concerns * (p.absence > 0.1 ? 2.0 : 0.75))
                                ? 1 + d.gamma(0.7, concerns_a_year_mean / share_with_concerns - 1)
                                : 0;
        p.pupil_premium = d.chance(p.absence > 0.1 ? 0.45 : 0.2);
        p.sen_status = d.chance(0.13) ? "K" : d.chance(0.04) ? "E" : "";
        p.plan_in_mis = p.plan_in_safeguarding = d.chance(0.01);
    }
    scale(pupils, &pupil::lates_a_year, lates_a_year_mean);
    scale(pupils, &pupil::incidents_a_year, incidents_a_year_mean);
}

former_pupil make_former(std::uint64_t seed, int i, int academic_year, date left)
{
    dice d(seed, "former", static_cast<std::uint64_t>(i));
    former_pupil f;
    f.id = wonde_id(1000900001u + static_cast<unsigned>(i));
    f.mis_id = std::to_string(2101 + 7 * i);
    f.upn = make_upn(30 + i, academic_year - 9, 301 + i);
    f.forename = i % 2 ? d.one_of(girls) : d.one_of(boys);
    f.surname = d.one_of(surnames);
    f.born = date(year(academic_year - 14) / October / 1) + days(d.below(330));
    f.left = left - days(20 + d.below(200));
    return f;
}

} // namespace

char upn_check_letter(std::string_view rest)
{
    constexpr std::string_view letters = "ABCDEFGHJKLMNPQRTUVWXYZ";
    unsigned sum = 0;
    for (unsigned i = 0; i < rest.size(); ++i) {
        const auto letter = letters.find(rest[i]);
        const unsigned value = rest[i] >= '0' && rest[i] <= '9' ? unsigned(rest[i] - '0') : unsigned(letter);
        sum += value * (i + 2);
    }
    return letters[sum % 23];
}

roll make_roll(std::uint64_t seed, int pupils, int academic_year, date from)
{
    roll made;
    const int forms_in_a_year = std::max(1, (pupils / 5 + 29) / 30);
    for (int y = 7; y <= 11; ++y) {
        for (int f = 0; f < forms_in_a_year; ++f) {
            const auto n = static_cast<unsigned>(made.forms.size());
            made.forms.push_back(
                {std::to_string(y) + static_cast<char>('A' + f % 26) + (f >= 26 ? "2" : ""),
                 y,
                 wonde_id(4000000001u + n),
                 wonde_id(5000000001u + n)}
            );
        }
    }
    for (int i = 0; i < pupils; ++i) {
        dice d(seed, "pupil", static_cast<std::uint64_t>(i));
        pupil p;
        p.year = 7 + i % 5;
        p.form = (p.year - 7) * forms_in_a_year + (i / 5) % forms_in_a_year;
        p.id = wonde_id(1000000001u + static_cast<unsigned>(i));
        p.mis_id = std::to_string(4001 + i);
        p.admission_number = digits(7001 + i, 6);
        p.safeguarding_id = "C-" + std::to_string(1001 + i);
        p.girl = d.chance(0.5);
        p.forename = p.girl ? d.one_of(girls) : d.one_of(boys);
        p.surname = d.one_of(surnames);
        // Year 7 turns twelve between 1 September and 31 August of the academic year.
        const date september(year(academic_year - p.year - 5) / September / 1);
        p.born = september + days(d.below(365));
        p.upn = make_upn(i % 23, academic_year - p.year, 1 + i / 23);
        p.upn_missing_in_safeguarding = i % 311 == 17;
        const date joined(year(academic_year - (p.year - 7)) / September / 1);
        p.created_at = utc_of_local(joined, 7, 0, d.below(3600));
        const int age = std::max(1, int((from - joined).count()));
        p.updated_at = utc_of_local(joined + days(d.below(age)), 7 + d.below(12), d.below(60), d.below(60));
        made.pupils.push_back(std::move(p));
    }
    draw_habits(seed, made.pupils);
    for (int i = 0; i < 5; ++i)
        made.left.push_back(make_former(seed, i, academic_year, from));
    for (int i = 0; i < 3; ++i) {
        const former_pupil f = make_former(seed, 80 + i, academic_year, from);
        const date joins(year(academic_year + 1) / September / 1);
        made.coming.push_back(
            {f.id, f.mis_id, f.upn, f.forename, f.surname, f.born, i < 2 ? std::optional(joins) : std::nullopt}
        );
    }
    for (int i = 0; i < 3; ++i) {
        former_pupil f = make_former(seed, 50 + i, academic_year, from);
        f.safeguarding_id = "C-" + std::to_string(901 + i);
        made.strangers.push_back(std::move(f));
    }
    return made;
}

} // namespace rollbook::school
