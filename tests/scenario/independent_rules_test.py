"""Every rule of the pack that judges a pupil by the day, worked out a second time from statutory.md and the pack's own
words, over what the ledger lists, for every pupil and every school day; `rollbook rules backtest --each` must say the
same, value and stage. What goes by the minute (missing-child, left-during-day) and what is about no pupil has tests of
its own.

ROLLBOOK_RULES_PUPILS and ROLLBOOK_RULES_DAYS make the school bigger: 1200 and 190 are a whole one over a whole year.
ROLLBOOK_RULES_LESSONS=0 leaves the million lesson marks of such a year out, and their rule with them. ROLLBOOK_RULES names the
rules to work out, where not all: ROLLBOOK_RULES=missed-lessons.
"""

import bisect
import json
import os
import resource
import subprocess
import tomllib
from collections import defaultdict
from datetime import date, datetime, timedelta

import support
from support import FIRST_POLL, SECOND_POLL

AUTHORISED = set("M S C T R I E H F".split()) | {"C1", "C2", "J1"}
PRESENT = set("/ \\ L K V P W B J".split())
UNAUTHORISED = set("GNOU")
NOT_POSSIBLE = set("D X Q Y Z #".split()) | {f"Y{n}" for n in range(1, 8)}
ABSENT = AUTHORISED | UNAUTHORISED
PRIORITY = {"social_worker", "child_protection", "child_in_need", "looked_after", "youth_justice"}
RECEIVING = ("victim", "target", "witness", "bystander")


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
        self.days, self.halves, self.terms = [], [], []
        for term in read["term"]:
            self.terms.append((min(h["first_day"] for h in term["half_terms"]),
                               max(h["last_day"] for h in term["half_terms"])))
            for half in term["half_terms"]:
                self.halves.append((half["first_day"], half["last_day"]))
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

    def days_back(self, day, count):
        """The first of the last `count` school days up to this one."""
        return self.days[max(0, self.up_to(day) - count)]

    def next_day(self, day):
        at = self.up_to(day)
        return self.days[at] if at < len(self.days) else None

    def weeks_back(self, day, count):
        """The Monday of the first of the `count` school weeks that end with that of `day`."""
        last = self.week_ordinal[day - timedelta(day.weekday())]
        return self.mondays[max(0, last - count + 1)]


def stage_of(value, stages):
    met = [name for name, least in stages if value >= least]
    return met[-1] if met else None


def first_of(periods, day):
    return next(first for first, last in periods if first <= day <= last)


def share(absent, possible):
    """In hundredths of a per cent, cut."""
    return absent * 10000 // possible if possible else 0


def edges_against_the_rest(days):
    """Share absent on Mondays and Fridays less that of the other days; of (weekday, absent, possible)."""
    sums = {True: [0, 0], False: [0, 0]}
    for weekday, absent, possible in days:
        mine = sums[weekday in (0, 4)]
        mine[0] += absent
        mine[1] += possible
    return share(*sums[True]) - share(*sums[False])


class School:
    """How much is absent on each day in the whole school, as known on one evening."""

    def __init__(self):
        self.of_day = {}

    def count(self, day, code, by):
        absent, possible = self.of_day.get(day, (0, 0))
        if code in ABSENT:
            absent += by
        if code in ABSENT | PRESENT:
            possible += by
        self.of_day[day] = absent, possible

    def over(self, first, last):
        return edges_against_the_rest(
            (day.weekday(), *counts) for day, counts in self.of_day.items() if first <= day <= last and day.weekday() < 5)


class Pupil:
    """What is known of one pupil on one evening."""

    def __init__(self, calendar, known, ref, day):
        self.calendar, self.day, self.ref, self.known = calendar, day, ref, known
        self.born = known.born.get(ref)
        self.suspensions = known.suspensions[ref].values()
        marks = known.marks_of(ref)
        self.marks = marks[:bisect.bisect_left(marks, (day + timedelta(1),))]

    def since(self, first):
        return self.marks[bisect.bisect_left(self.marks, (first,)):]

    def codes_of(self, day):
        return {session: code for d, session, code in self.since(day) if d == day}

    def repeated_lateness(self):
        lates = [d for d, _, code in self.marks if code in ("L", "U")]
        half = sum(1 for d in lates if d >= first_of(self.calendar.halves, self.day))
        if half >= 10:
            return half, "panel"
        recent = sum(1 for d in lates if d >= self.calendar.days_back(self.day, 10))
        return recent, stage_of(recent, [("tutor", 3), ("letter", 5)])

    def priority_child_absent(self):
        count = sum(1 for code in self.codes_of(self.day).values() if code == "N")
        return count, stage_of(count, [("met", 1)])

    def broken_weeks(self):
        first = self.calendar.weeks_back(self.day, 4)
        weeks = len({d - timedelta(d.weekday()) for d, _, code in self.since(first) if code in ABSENT})
        return weeks, stage_of(weeks, [("met", 3)])

    def friday_monday(self):
        first = first_of(self.calendar.terms, self.day)
        mine = [(d.weekday(), code in ABSENT, code in ABSENT | PRESENT) for d, _, code in self.since(first)
                if d.weekday() < 5]
        points = max(0, edges_against_the_rest(mine) - max(0, self.known.school_over(first, self.day)))
        enough = sum(possible for _, _, possible in mine) >= 40
        return points / 100, "met" if enough and points >= 2000 else None

    def incidents_since(self, first):
        for part in self.known.parts[self.ref].values():
            record = self.known.incidents.get(part["record"])
            if not record or record["achievement"] or any(word in part["role"].lower() for word in RECEIVING):
                continue
            if record["day"] and first <= record["day"] <= self.day:
                yield record["day"]

    def incident_count(self):
        count = sum(1 for _ in self.incidents_since(self.calendar.days_back(self.day, 10)))
        return count, stage_of(count, [("met", 5)])

    def absence_after_incident(self):
        count = 0
        for day in self.incidents_since(first_of(self.calendar.halves, self.day)):
            after = [self.codes_of(day).get("PM")]
            following = self.calendar.next_day(day)
            if following and following <= self.day:
                after += self.codes_of(following).values()
            count += any(code in ABSENT and code not in ("E", "U") for code in after)
        return count, stage_of(count, [("met", 2)])

    def suspension_duties(self):
        first = self.calendar.days_back(self.day, 10)
        count = sum(1 for s in self.suspensions if first <= s["from"] <= self.day)
        return count, stage_of(count, [("due", 1)])

    def missed_lessons(self):
        first, count = self.calendar.days_back(self.day, 10), 0
        for day in self.known.lessons[self.ref].values():
            if day and first <= day <= self.day:
                codes = self.codes_of(day)
                count += len(codes) == 2 and set(codes.values()) <= {"/", "\\", "L"}
        return count, stage_of(count, [("met", 3)])

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

    def absent_of_possible(self, first):
        codes = [m[2] for m in self.since(first)]
        return sum(code in ABSENT for code in codes), sum(code in ABSENT | PRESENT for code in codes)

    def on_track_to_persistent(self):
        absent, possible = self.absent_of_possible(academic_year_start(self.day))
        recently, of = self.absent_of_possible(self.calendar.days_back(self.day, 20))
        if of == 0:
            return share(absent, possible) / 100, None
        # An evening: both sessions of the day are over.
        ends = next(last for first, last in self.calendar.halves if first <= self.day <= last)
        left = 2 * self.calendar.age(self.day, ends)
        value = share(absent * of + left * recently, (possible + left) * of)
        on_track = possible >= 20 and absent * 10 < possible
        return value / 100, "met" if on_track and value >= 1000 else None

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
    "absence-after-incident": Pupil.absence_after_incident,
    "broken-weeks": Pupil.broken_weeks,
    "continuous-absence": Pupil.continuous_absence,
    "friday-monday": Pupil.friday_monday,
    "illness": Pupil.illness,
    "incidents": Pupil.incident_count,
    "missed-lessons": Pupil.missed_lessons,
    "on-track-to-persistent": Pupil.on_track_to_persistent,
    "penalty-notice": Pupil.penalty_notice,
    "persistent-absence": Pupil.persistent_absence,
    "priority-child-absent": Pupil.priority_child_absent,
    "reason-overdue": Pupil.reason_overdue,
    "repeated-lateness": Pupil.repeated_lateness,
    "suspension-days": Pupil.suspension_days,
    "suspension-duties": Pupil.suspension_duties,
}
# Thirty pupils in a few months may come to none.
NEVER_MET_BY_FEW = {"continuous-absence", "illness", "suspension-days", "priority-child-absent"}
BY_THE_MINUTE, ABOUT_NO_PUPIL = {"missing-child", "left-during-day"}, {"source-stale", "rule-failed"}
OF_COMPULSORY_AGE = {"penalty-notice", "continuous-absence", "illness"}


def day_or_none(text):
    return date.fromisoformat(text[:10]) if text else None


def brief(entry):
    """What is worked with of an entry, and no more: a year has half a million."""
    payload, what = entry["payload"], entry["what"]
    fields, gone = payload.get("fields") or {}, bool(payload.get("gone"))
    subject, pupil = payload.get("subject", entry["index"]), payload.get("pupil")
    if what == "session-mark":
        return pupil, (date.fromisoformat(payload["date"]), payload["session"]), gone, payload.get("code", "")
    if what == "lesson-mark":
        counts = not gone and fields.get("statutory") in ("G", "N", "O")
        return pupil, subject, day_or_none(fields["day"]) if counts else None
    if what == "suspension":
        if gone:
            return pupil, subject, None
        return pupil, subject, {
            "from": date.fromisoformat(fields["from"]), "from_half": fields.get("from_session", "AM"),
            "to": date.fromisoformat(fields["to"]), "to_half": fields.get("to_session", "PM"),
            "sessions": fields.get("sessions")}
    if what == "incident":
        return payload.get("id"), None if gone else {
            "day": day_or_none(fields.get("day")), "achievement": fields.get("nature") == "achievement"}
    if what == "involvement":
        return pupil, subject, None if gone else {"record": fields["record"], "role": fields.get("role", "")}
    return subject, day_or_none(fields.get("date_of_birth")), set(fields.get("flags", []))


class Known:
    """What the ledger's entries say, as of any evening; the first read's count as known from the beginning."""

    def __init__(self, entries, began):
        self.marks, self.born, self.flags, self.incidents = {}, {}, {}, {}
        self.suspensions, self.parts, self.lessons = defaultdict(dict), defaultdict(dict), defaultdict(dict)
        self.school, self.edges = School(), {}
        self.began = began
        self.entries = entries
        self.taken = 0
        self.lists = {}

    def take_until(self, instant):
        self.edges = {}
        while self.taken < len(self.entries):
            at, what, of = self.entries[self.taken]
            if at > max(instant, self.began):
                return
            self.take(what, of)
            self.taken += 1

    def take(self, what, of):
        if what == "session-mark":
            pupil, key, gone, code = of
            marks = self.marks.setdefault(pupil, {})
            if key in marks:
                self.school.count(key[0], marks.pop(key), -1)
            if not gone:
                marks[key] = code
                self.school.count(key[0], code, 1)
            self.lists.pop(pupil, None)
        elif what == "incident":
            self.incidents[of[0]] = of[1]
        elif what == "pupil":
            self.born[of[0]], self.flags[of[0]] = of[1:]
        else:
            into = {"suspension": self.suspensions, "involvement": self.parts, "lesson-mark": self.lessons}[what]
            pupil, subject, fields = of
            into[pupil].pop(subject, None)
            if fields:
                into[pupil][subject] = fields

    def school_over(self, first, last):
        if (first, last) not in self.edges:
            self.edges[first, last] = self.school.over(first, last)
        return self.edges[first, last]

    def marks_of(self, pupil):
        if pupil not in self.lists:
            self.lists[pupil] = sorted((d, s, c) for (d, s), c in self.marks[pupil].items())
        return self.lists[pupil]


class IndependentRulesTest(support.ScenarioTest):
    pupils = int(os.environ.get("ROLLBOOK_RULES_PUPILS", 24))
    days = int(os.environ.get("ROLLBOOK_RULES_DAYS", 120))
    with_lessons = os.environ.get("ROLLBOOK_RULES_LESSONS", "1") == "1"
    chosen = os.environ.get("ROLLBOOK_RULES", "").split() or list(RULES)

    def stream(self, *words):
        """The items of a command's JSON list, one by one: a year of them is too many to hold."""
        command = [support.ROLLBOOK, *words, "--json", "--config", str(self.config)]
        with subprocess.Popen(command, env=self.environment(), stdout=subprocess.PIPE, text=True, cwd=self.folder) as run:
            for line in run.stdout:
                line = line.strip().strip("[]").rstrip(",")
                if line:
                    yield line
        self.assertEqual(run.returncode, 0, command)

    def known_entries(self):
        kinds = ["pupil", "session-mark", "suspension", "incident", "involvement"] + ["lesson-mark"] * self.with_lessons
        entries = []
        for kind in kinds:
            for line in self.stream("ledger", "list", "--limit", "0", "--kind", kind):
                # Nearly every lesson was attended.
                if kind == "lesson-mark" and not any(f'"statutory":"{c}"' in line for c in "GNO") and '"subject"' not in line:
                    continue
                entry = json.loads(line)
                if entry["source"] == "mis" and entry["payload"]:
                    at = datetime.fromisoformat(entry["recorded_at"])
                    entries.append((entry["index"], at, kind, brief(entry)))
        entries.sort(key=lambda entry: entry[0])
        return [entry[1:] for entry in entries]

    def choose(self):
        text = self.config.read_text()
        more = "pupil_flags = true\n" + "lesson_marks = true\n" * self.with_lessons
        self.config.write_text(text.replace("per_page = 200\n", "per_page = 200\n" + more))

    def disagreements(self, rule, calendar, entries, days):
        """Where Rollbook and this file differ about a rule, and how much was compared."""
        known, work_out = Known(entries, datetime.fromisoformat(FIRST_POLL)), RULES[rule]
        wrong, judged, met = [], 0, 0
        rows = map(json.loads, self.stream("rules", "backtest", "--rule", rule, "--each", "--from", days[0].isoformat(),
                                           "--to", days[-1].isoformat()))
        row = next(rows, None)
        for day in days:
            known.take_until(datetime.fromisoformat(f"{day}T23:59:59+00:00"))
            claimed = {}
            while row and row["day"] == day.isoformat():
                claimed[row["pupil"]] = row["value"], row["stage"]
                row = next(rows, None)
            for ref in known.marks:
                born = known.born.get(ref)
                age = compulsory_age(born) if born else None
                is_inside = rule not in OF_COMPULSORY_AGE or age is None or age[0] <= day <= age[1]
                if rule == "priority-child-absent":
                    is_inside = bool(known.flags.get(ref, set()) & PRIORITY)
                mine = work_out(Pupil(calendar, known, ref, day)) if is_inside else None
                theirs = claimed.pop(f"P-{ref}", None)
                judged += 1
                met += mine is not None and mine[1] is not None
                if mine != theirs:
                    wrong.append((day.isoformat(), ref, rule, mine, theirs))
            wrong += [(day.isoformat(), ref, rule, None, said) for ref, said in claimed.items()]
        self.assertIsNone(row, "rollbook judged a day that is none")
        return wrong, judged, met

    def test_every_rule_agrees_for_every_pupil_and_school_day(self):
        self.choose()
        if self.with_lessons:
            self.school.ask("POST", "plant", {"missed_lessons": 3})
        self.first_poll()
        # Known a day later than the marks it changes: evenings before it must not have it.
        someone = next(iter(sorted(self.school.known_pupils)))
        for day in sorted({m["date"] for m in self.school.marks(someone)})[-8:]:
            for session in ("AM", "PM"):
                self.school.amend(someone, day, session, "O")
        other = next(p for p in sorted(self.school.known_pupils) if p != someone)
        self.school.amend(other, sorted({m["date"] for m in self.school.marks(other)})[-8], "AM", "N")
        self.poll(SECOND_POLL.replace("2025-11-21", "2025-11-24"))

        shipped = {rule["id"] for rule in
                   tomllib.loads((support.REPOSITORY / "schemas/rules/england.toml").read_text())["rule"]}
        self.assertEqual(shipped, RULES.keys() | BY_THE_MINUTE | ABOUT_NO_PUPIL, "a rule that nobody works out twice")
        calendar = Calendar(self.folder / "calendar.toml")
        entries = self.known_entries()
        first, last = date.fromisoformat(self.school.first_day), date(2025, 11, 24)
        days = [d for d in calendar.days if first <= d <= last]
        rules = [rule for rule in self.chosen if self.with_lessons or rule != "missed-lessons"]
        wrong, judged, met_by = [], 0, {}
        for rule in rules:
            differ, compared, met_by[rule] = self.disagreements(rule, calendar, entries, days)
            wrong, judged = wrong + differ, judged + compared
        pupils = len({of[0] for _, what, of in entries if what == "session-mark"})
        print(f"{len(rules)} rules x {pupils} pupils x {len(days)} school days: {judged} judgements, {len(wrong)} differ; "
              f"with a stage met: {met_by}; the largest of rollbook's processes took "
              f"{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024} MiB", flush=True)
        self.assertEqual(wrong[:20], [])
        never = {rule for rule, met in met_by.items() if met == 0} - NEVER_MET_BY_FEW
        self.assertEqual(never, set(), "never met; choose another seed")


if __name__ == "__main__":
    support.main()
