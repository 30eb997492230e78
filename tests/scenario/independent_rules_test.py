"""The statutory rules of the pack, worked out a second time from statutory.md alone, over the marks that the ledger
lists, for every pupil and every school day; `rollbook rules backtest --each` must say the same, value and stage.

ROLLBOOK_RULES_PUPILS and ROLLBOOK_RULES_DAYS make the school bigger: 1200 and 190 are a whole one over a whole year.
"""

import bisect
import os
import tomllib
from collections import defaultdict
from datetime import date, datetime, timedelta

import support
from support import FIRST_POLL, SECOND_POLL

AUTHORISED = set("M S C T R I E H F".split()) | {"C1", "C2", "J1"}
PRESENT = set("/ \\ L K V P W B J".split())
UNAUTHORISED = set("GNOU")
NOT_POSSIBLE = set("D X Q Y Z #".split()) | {f"Y{n}" for n in range(1, 8)}


def birthday(born, age):
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1)


def compulsory_age(born):
    """Education Act 1996 s.8: first and last day of compulsory school age."""
    five = birthday(born, 5)
    prescribed = [date(y, m, d) for y in (five.year, five.year + 1) for m, d in ((3, 31), (8, 31), (12, 31))]
    sixteen = birthday(born, 16)
    leaves = sixteen.year + (1 if sixteen.month >= 9 else 0)
    last = date(leaves, 6, 30)
    while last.weekday() != 4:
        last -= timedelta(1)
    return min(p for p in prescribed if p >= five), last


def academic_year_start(day):
    return date(day.year if day.month >= 8 else day.year - 1, 8, 1)


def easter_monday(year):
    """By Gauss's rule, with its two exceptions."""
    a, b, c = year % 19, year % 4, year % 7
    k = year // 100
    p, q = (13 + 8 * k) // 25, k // 4
    m, n = (15 - p + k - q) % 30, (4 + k - q) % 7
    d = (19 * a + m) % 30
    e = (2 * b + 4 * c + 6 * d + n) % 7
    if d == 29 and e == 6:
        return date(year, 4, 19) + timedelta(1)
    if d == 28 and e == 6 and (11 * m + 11) % 30 < 19:
        return date(year, 4, 18) + timedelta(1)
    return date(year, 3, 22) + timedelta(d + e + 1)


def suspension_term(day):
    monday = easter_monday(day.year)
    if day <= monday:
        return date(day.year, 1, 1), monday
    if day <= date(day.year, 7, 31):
        return monday + timedelta(1), date(day.year, 7, 31)
    return date(day.year, 8, 1), date(day.year, 12, 31)


class Calendar:
    def __init__(self, path):
        with open(path, "rb") as file:
            read = tomllib.load(file)
        closed = set()
        for each in read.get("closed", []):
            day = each["day"]
            while day <= each.get("last_day", each["day"]):
                closed.add(day)
                day += timedelta(1)
        self.days = []
        for term in read["term"]:
            for half in term["half_terms"]:
                day = half["first_day"]
                while day <= half["last_day"]:
                    if day.weekday() < 5 and day not in closed:
                        self.days.append(day)
                    day += timedelta(1)
        self.days.sort()
        weeks = sorted({day - timedelta(day.weekday()) for day in self.days})
        self.week_ordinal = {monday: n for n, monday in enumerate(weeks)}
        self.mondays = weeks

    def up_to(self, day):
        return bisect.bisect_right(self.days, day)

    def age(self, day, on):
        return self.up_to(on) - self.up_to(day)

    def weeks_back(self, day, count):
        """The Monday of the first of the `count` school weeks that end with that of `day`."""
        last = self.week_ordinal[day - timedelta(day.weekday())]
        return self.mondays[max(0, last - count + 1)]


def stage_of(value, stages):
    met = [name for name, least in stages if value >= least]
    return met[-1] if met else None


class Pupil:
    """What is known of one pupil on one evening."""

    def __init__(self, calendar, marks, suspensions, born, day):
        self.calendar, self.suspensions, self.day, self.born = calendar, suspensions, day, born
        self.marks = [(d, s, c) for d, s, c in marks if d <= day]

    def since(self, first):
        return [m for m in self.marks if m[0] >= first]

    def penalty_notice(self):
        first = self.calendar.weeks_back(self.day, 10)
        if self.born:
            first = max(first, compulsory_age(self.born)[0])
        count = sum(1 for m in self.since(first) if m[2] in UNAUTHORISED)
        return count, stage_of(count, [("met", 10)])

    def persistent_absence(self):
        year = self.since(academic_year_start(self.day))
        absent = sum(1 for m in year if m[2] in AUTHORISED | UNAUTHORISED)
        possible = absent + sum(1 for m in year if m[2] in PRESENT)
        if possible == 0:
            return 0, None
        met = [n for n, a, b in (("early", 8, 100), ("persistent", 10, 100), ("severe", 50, 100))
               if absent * b >= a * possible and possible >= 20]
        return absent * 10000 // possible / 100, met[-1] if met else None

    def reason_overdue(self):
        open_ones = [m[0] for m in self.marks if m[2] == "N"]
        age = self.calendar.age(min(open_ones), self.day) if open_ones else 0
        return age, stage_of(age, [("amber", 3), ("red", 5), ("overdue", 6)])

    def continuous_absence(self):
        run = 0
        first = self.calendar.weeks_back(self.day, 40)
        if self.born:
            first = max(first, compulsory_age(self.born)[0])
        for _, _, code in self.since(first):
            if code in UNAUTHORISED:
                run += 1
            elif code in PRESENT | AUTHORISED:
                run = 0
        return run // 2, stage_of(run // 2, [("met", 10)])

    def illness(self):
        start = academic_year_start(self.day)
        ill = sum(1 for m in self.since(start) if m[2] == "I") // 2
        stage = stage_of(ill, [("review", 10), ("return", 15)])
        if stage == "review":
            so_far = self.calendar.age(start - timedelta(1), self.day)
            in_all = self.calendar.age(start - timedelta(1), date(start.year + 1, 7, 31))
            if ill * in_all >= 15 * so_far:
                stage = "return"
        return ill, stage

    def suspended(self, first, last):
        """Sessions lost in the period to suspensions that have begun."""
        total = 0
        for s in self.suspensions:
            if s["from"] > self.day:
                continue
            if first <= s["from"] and s["to"] <= last and s["sessions"] is not None:
                total += s["sessions"]
                continue
            for day in self.calendar.days:
                if not max(first, s["from"]) <= day <= min(last, s["to"]):
                    continue
                total += (day != s["from"] or s["from_half"] == "AM") + (day != s["to"] or s["to_half"] == "PM")
        return total

    def suspension_days(self):
        term = self.suspended(*suspension_term(self.day))
        start = academic_year_start(self.day)
        year_end = suspension_term(self.day)[1] if self.day.month >= 8 else date(self.day.year, 7, 31)
        year = self.suspended(start, year_end)
        if year > 90:
            return year, "over-45"
        return term, stage_of(term, [("over-5", 11), ("over-15", 31)])


RULES = {
    "penalty-notice": Pupil.penalty_notice,
    "persistent-absence": Pupil.persistent_absence,
    "reason-overdue": Pupil.reason_overdue,
    "continuous-absence": Pupil.continuous_absence,
    "illness": Pupil.illness,
    "suspension-days": Pupil.suspension_days,
}
OF_COMPULSORY_AGE = {"penalty-notice", "continuous-absence", "illness"}


class Known:
    """What the ledger's entries say, as of any evening; the first read's count as known from the beginning."""

    def __init__(self, entries, began):
        self.marks, self.suspensions, self.born = {}, defaultdict(dict), {}
        self.began = began
        self.entries = entries
        self.taken = 0
        self.lists = {}

    def take_until(self, instant):
        while self.taken < len(self.entries):
            entry = self.entries[self.taken]
            at = datetime.fromisoformat(entry["recorded_at"])
            if at > max(instant, self.began):
                return
            self.take(entry)
            self.taken += 1

    def take(self, entry):
        payload, what = entry["payload"], entry["what"]
        if what == "session-mark":
            key = (date.fromisoformat(payload["date"]), payload["session"])
            marks = self.marks.setdefault(payload["pupil"], {})
            marks.pop(key, None) if payload.get("gone") else marks.__setitem__(key, payload.get("code", ""))
            self.lists.pop(payload["pupil"], None)
        elif what == "suspension":
            mine, subject = self.suspensions[payload["pupil"]], payload.get("subject", entry["index"])
            fields = payload.get("fields")
            mine.pop(subject, None)
            if fields:
                mine[subject] = {
                    "from": date.fromisoformat(fields["from"]), "from_half": fields.get("from_session", "AM"),
                    "to": date.fromisoformat(fields["to"]), "to_half": fields.get("to_session", "PM"),
                    "sessions": fields.get("sessions")}
        elif what == "pupil" and payload.get("fields") and entry["source"] == "mis":
            born = payload["fields"].get("date_of_birth")
            self.born[payload.get("subject", entry["index"])] = date.fromisoformat(born) if born else None

    def marks_of(self, pupil):
        if pupil not in self.lists:
            self.lists[pupil] = sorted((d, s, c) for (d, s), c in self.marks[pupil].items())
        return self.lists[pupil]


class IndependentRulesTest(support.ScenarioTest):
    pupils = int(os.environ.get("ROLLBOOK_RULES_PUPILS", 30))
    days = int(os.environ.get("ROLLBOOK_RULES_DAYS", 120))

    def test_every_statutory_rule_agrees_for_every_pupil_and_school_day(self):
        self.first_poll()
        # Known a day later than the marks it changes: evenings before it must not have it.
        someone = next(iter(sorted(self.school.known_pupils)))
        for day in sorted({m["date"] for m in self.school.marks(someone)})[-8:]:
            for session in ("AM", "PM"):
                self.school.amend(someone, day, session, "O")
        self.poll(SECOND_POLL.replace("2025-11-21", "2025-11-24"))

        calendar = Calendar(self.folder / "calendar.toml")
        entries = []
        for kind in ("pupil", "session-mark", "suspension"):
            entries += self.entries("--kind", kind)
        entries.sort(key=lambda entry: entry["index"])
        known = Known(entries, datetime.fromisoformat(FIRST_POLL))
        claimed = {}
        for rule in RULES:
            days = ("--from", self.school.first_day, "--to", "2025-11-24")
            for row in self.read("rules", "backtest", "--rule", rule, "--each", *days):
                claimed[row["day"], row["pupil"], row["rule"]] = (row["value"], row["stage"])

        wrong, judged, met = [], 0, 0
        first, last = date.fromisoformat(self.school.first_day), date(2025, 11, 24)
        for day in (d for d in calendar.days if first <= d <= last):
            known.take_until(datetime.fromisoformat(f"{day}T23:59:59+00:00"))
            for ref in known.marks:
                born = known.born.get(ref)
                pupil = Pupil(calendar, known.marks_of(ref), known.suspensions[ref].values(), born, day)
                for rule, work_out in RULES.items():
                    age = compulsory_age(born) if born else None
                    is_inside = rule not in OF_COMPULSORY_AGE or age is None or age[0] <= day <= age[1]
                    mine = work_out(pupil) if is_inside else None
                    theirs = claimed.pop((day.isoformat(), f"P-{ref}", rule), None)
                    judged += 1
                    met += mine is not None and mine[1] is not None
                    if mine != theirs:
                        wrong.append((day.isoformat(), ref, rule, mine, theirs))
        print(f"{judged} judgements of {len(known.marks)} pupils, {met} with a stage met, {len(wrong)} differ", flush=True)
        self.assertEqual(wrong[:20], [])
        self.assertEqual(list(claimed)[:20], [], "rollbook judged what nobody else did")
        self.assertGreater(met, 0, "nothing was ever met; choose another seed")


if __name__ == "__main__":
    support.main()
