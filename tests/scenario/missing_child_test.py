"""A child on the safeguarding lead's list of whom nothing is known: called for as the register closes, stage by stage by
the minute, and stood down when the register says where the child is."""

import json
import random
from email.header import decode_header, make_header

from support import ScenarioTest, main, text_of

DAY = "2025-11-21"


class MissingChildTest(ScenarioTest):
    days = 10

    def setUp(self):
        super().setUp()
        self.student = sorted(self.school.known_pupils)[0]
        upn = self.school.known_pupils[self.student]["upn"]
        (self.folder / "watchlist.csv").write_text(
            f"pupil,reason,tell,review\n{upn},a-class-of-reason,someone-to-tell,2025-12-19\n")
        text = self.config.read_text()
        self.config.write_text(text.replace("[rules]\n", '[rules]\nwatch_list = "watchlist.csv"\n', 1))
        for session in ("AM", "PM"):
            self.school.amend(self.student, DAY, session, "N" if session == "AM" else "\\")
        self.now = f"{DAY}T08:00:00Z"  # the ledger's time never goes back
        self.init()

    def mine(self, rule="missing-child"):
        return [a for a in self.alerts() if a["rule"] == rule]

    def told(self):
        """The ends of the subjects of all mails about a missing child."""
        subjects = [str(make_header(decode_header(m["headers"]["Subject"]))) for m in self.school.mails()]
        return [s[s.rindex("(") + 1:-1] for s in subjects if "Missing child" in s]

    def test_each_stage_is_reached_at_its_minute_and_arrival_stands_down(self):
        self.poll(f"{DAY}T09:14:00Z")
        self.assertEqual(self.mine(), [], "the register has not closed")
        for at, stage, value in (("09:15", "call", 0), ("09:44", "call", 29), ("09:45", "second-contact", 30),
                                 ("10:15", "dsl", 60), ("11:14", "dsl", 119), ("11:15", "visit", 120)):
            self.poll(f"{DAY}T{at}:00Z")
            alert, = self.mine()
            self.assertEqual((alert["stage"], alert["value"], alert["state"]), (stage, value, "open"), at)
            self.assertEqual(alert["pupil"]["source_ids"]["mis"], [self.student])
            self.assertEqual(len(alert["evidence"]), 1)
        self.assertEqual(self.told(), ["call", "second-contact", "dsl", "visit"])

        self.school.amend(self.student, DAY, "AM", "U")
        self.poll(f"{DAY}T11:20:00Z")
        alert, = self.mine()
        self.assertEqual((alert["stage"], alert["state"]), ("visit", "resolved"))
        self.assertIn("Stand down", alert["reason"])
        self.assertEqual(self.told(), ["call", "second-contact", "dsl", "visit", "resolved"])
        for mail in map(text_of, self.school.mails()):
            for private in ("a-class-of-reason", "someone-to-tell", "watch"):
                self.assertNotIn(private, mail)
        for entry in self.entries():
            self.assertNotIn("a-class-of-reason", str(entry["payload"]))
        self.verify()

    def test_a_route_of_a_stage_is_told_from_that_stage_on_and_stood_down(self):
        self.config.write_text(self.config.read_text() + """
[[route]]
name = "dsl"
channel = "file"
rules = ["missing-child"]
stages = ["dsl"]
[route.settings]
folder = "dsl"
""")
        (self.folder / "dsl").mkdir()
        kinds = lambda: [json.loads(f.read_text())["type"] for f in sorted((self.folder / "dsl").glob("*.json"))]
        for at, expected in (("09:15", 0), ("09:45", 0), ("10:20", 1), ("11:15", 1)):
            self.poll(f"{DAY}T{at}:00Z")
            self.assertEqual(len(kinds()), expected, at)
        self.assertEqual(kinds(), ["alert.opened"], "the first word that this route hears of it")
        self.school.amend(self.student, DAY, "AM", "U")
        self.poll(f"{DAY}T11:20:00Z")
        self.assertEqual(sorted(kinds()), ["alert.opened", "alert.resolved"])
        self.assertEqual(self.told(), ["call", "second-contact", "dsl", "visit", "resolved"], "the other hears of all")

    def test_who_came_in_the_morning_and_is_unexplained_in_the_afternoon_is_looked_for(self):
        other = sorted(self.school.known_pupils)[1]  # on nobody's list
        self.school.amend(other, DAY, "AM", "/")
        self.school.amend(other, DAY, "PM", "N")
        mine = lambda: [a for a in self.mine("left-during-day") if a["pupil"]["source_ids"]["mis"] == [other]]
        self.poll(f"{DAY}T13:49:00Z")
        self.assertEqual(mine(), [], "the afternoon's register has not closed")
        for at, stage, value in (("13:50", "search", 0), ("14:05", "call", 15), ("14:20", "dsl", 30)):
            self.poll(f"{DAY}T{at}:00Z")
            alert, = mine()
            self.assertEqual((alert["stage"], alert["value"], alert["state"]), (stage, value, "open"), at)
            self.assertIn("in school in the morning", alert["reason"])
        self.school.amend(other, DAY, "PM", "M")
        self.poll(f"{DAY}T14:25:00Z")
        alert, = mine()
        self.assertEqual((alert["stage"], alert["state"]), ("dsl", "resolved"))
        self.assertEqual([a["pupil"]["source_ids"]["mis"] for a in self.mine()], [[self.student]])

    def test_the_backtest_of_a_rule_by_the_clock_says_minute_by_minute_what_was_raised(self):
        for at in ("09:14", "09:15", "09:50", "10:15", "11:16"):
            self.poll(f"{DAY}T{at}:00Z")
        self.school.amend(self.student, DAY, "AM", "U")
        self.poll(f"{DAY}T11:20:00Z")
        back = lambda *words: self.read("rules", "backtest", "--rule", "missing-child", "--from", self.school.first_day,
                                        *words)
        rows = [(r["at"], r["stage"]) for r in back("--each")]
        self.assertEqual(rows, [("09:15", "call"), ("09:45", "second-contact"), ("10:15", "dsl"), ("11:15", "visit"),
                                ("11:20", None)])
        counts, = back()
        self.assertEqual(counts["ended"], 1)
        self.assertEqual([w["stages"] for w in counts["weeks"]],
                         [{"call": 1, "dsl": 1, "second-contact": 1, "visit": 1}])
        slower, = back("--set", "second-contact=50", "--set", "visit=130")
        self.assertEqual([w["stages"] for w in slower["weeks"]], [{"call": 1, "dsl": 1, "second-contact": 1}])

    def test_a_register_that_is_not_there_is_the_alarm_when_the_source_is_silent(self):
        self.poll(f"{DAY}T08:20:00Z")
        for session in ("AM", "PM"):
            self.school.amend(self.student, DAY, session, "-")
        self.poll(f"{DAY}T08:30:00Z")
        self.school.fault("attendance/session", "status", status=500)
        self.poll(f"{DAY}T09:24:00Z", code=1)
        self.assertEqual(self.mine(), [], "ten minutes are not over")
        self.poll(f"{DAY}T09:25:00Z", code=1)
        alert, = self.mine()
        self.assertEqual((alert["stage"], alert["value"]), ("call", 10))
        self.assertIn("marks were last read at 08:30", alert["reason"])

    def test_nobody_outside_the_cohort_is_a_missing_child(self):
        other = sorted(self.school.known_pupils)[1]
        self.school.amend(other, DAY, "AM", "N")
        self.poll(f"{DAY}T10:00:00Z")
        self.assertEqual([a["pupil"]["source_ids"]["mis"] for a in self.mine()], [[self.student]])
        self.assertEqual([a["pupil"]["source_ids"]["mis"] for a in self.mine("priority-child-absent")],
                         [[self.student]])

    def test_a_close_speaks_of_its_day_and_silences_no_later_one(self):
        self.school.amend(self.student, DAY, "PM", "N")
        self.poll(f"{DAY}T15:50:00Z")
        for rule in ("missing-child", "priority-child-absent"):
            alert, = self.mine(rule)
            self.rollbook("alerts", "close", alert["id"], "--outcome", "visited", "--text", "seen at home")
        self.poll(f"{DAY}T16:30:00Z")
        for rule in ("missing-child", "priority-child-absent"):
            self.assertEqual([a["state"] for a in self.mine(rule)], ["resolved"], "the day is decided")

        # The office has not found a reason for Friday yet, and on Monday nobody has seen the child either.
        self.school.ask("POST", "advance", {"days": 1})
        self.school.amend(self.student, "2025-11-24", "AM", "N")
        self.poll("2025-11-24T09:50:00Z")
        for rule in ("missing-child", "priority-child-absent"):
            self.assertEqual(sorted(a["state"] for a in self.mine(rule)), ["open", "resolved"], rule)
        self.verify()

    def test_a_close_in_the_first_minute_holds_as_well(self):
        self.poll(f"{DAY}T09:15:00Z")
        alert, = self.mine()
        self.assertEqual(alert["value"], 0)
        self.rollbook("alerts", "close", alert["id"], "--outcome", "found", "--text", "in the library")
        before = len(self.told())
        for at in ("09:16", "09:25"):
            self.poll(f"{DAY}T{at}:00Z")
            self.assertEqual([a["state"] for a in self.mine()], ["resolved"], at)
        self.assertEqual(len(self.told()), before)
        self.poll(f"{DAY}T09:45:00Z")  # and a higher stage is news
        self.assertEqual(sorted(a["state"] for a in self.mine()), ["open", "resolved"])

    def test_one_that_stands_is_told_again_on_the_next_day_that_meets_it_and_once(self):
        self.school.amend(self.student, DAY, "PM", "N")
        self.poll(f"{DAY}T15:50:00Z")
        for rule in ("missing-child", "priority-child-absent"):
            alert, = self.mine(rule)
            self.rollbook("alerts", "ack", alert["id"])
        self.poll(f"{DAY}T16:30:00Z")
        self.school.ask("POST", "advance", {"days": 1})
        about_child = ("Missing child", "Priority child")
        mails = lambda: [text for text in map(text_of, self.school.mails()) if any(w in text for w in about_child)]
        before = len(mails())
        self.poll("2025-11-24T00:30:00Z")
        self.poll("2025-11-24T08:00:00Z")
        self.assertEqual([a["state"] for a in self.mine()], ["acknowledged"])
        self.assertEqual(len(mails()), before, "nothing is known of Monday yet")
        self.school.amend(self.student, "2025-11-24", "AM", "N")
        for at in ("09:50", "10:30"):
            self.poll(f"2025-11-24T{at}:00Z")
            for rule in ("missing-child", "priority-child-absent"):
                self.assertEqual([a["state"] for a in self.mine(rule)], ["open"], rule)
        self.assertEqual(len(mails()), before + 2, "one mail of each rule")
        for mail in mails()[before:]:
            self.assertIn("Now it is about Monday 24 November 2025 too.", mail)
        self.verify()

    def test_why_says_what_is_needed_and_backtest_what_would_have_been(self):
        self.poll(f"{DAY}T17:00:00Z")
        ref = self.pupil(f"mis:{self.student}")["ref"]
        why = self.read("rules", "why", "--rule", "penalty-notice", "--pupil", ref)
        self.assertFalse(why["met"])
        self.assertEqual(why["value"] + why["next_stage"]["needed"], 10)
        self.assertEqual(len(why["evidence"]), why["value"])
        self.assertIsNotNone(why["falls_on"])
        found = {}
        for least in (10, 5, 2):
            rows = self.read("rules", "backtest", "--rule", "penalty-notice", "--set", f"at_least={least}",
                             "--from", self.school.first_day)
            found[least] = rows[0]["already"] + sum(sum(w["stages"].values()) for w in rows[0]["weeks"])
        self.assertLessEqual(found[10], found[5])
        self.assertLess(found[5], found[2])
        self.rollbook("rules", "backtest", "--rule", "penalty-notice", "--set", "panel=3", code=2)

    def test_rules_check_names_the_line(self):
        self.rollbook("rules", "check", self.config, config=False)
        wrong = self.folder / "wrong.toml"
        wrong.write_text('[rules]\npacks = ["england"]\n[[rule]]\nid = "incidents"\nmeasure = "lateness"\n')
        self.assertIn("wrong.toml:5", self.rollbook("rules", "check", wrong, config=False, code=3).stderr)


def clock(minute):
    return f"{minute // 60:02}:{minute % 60:02}"


CLOSES = 9 * 60 + 15
STAGES = (("call", 0), ("second-contact", 30), ("dsl", 60), ("visit", 120))  # the pack's own words


class Expected:
    """One child's alerts of a morning, from the marks alone: N is unexplained from the minute at which the register closed,
    no mark from ten minutes later; any other mark ends it. The minutes count from the closing; a stage only goes up."""

    def __init__(self):
        self.stage, self.ended = None, []

    def at(self, minute, code):
        passed = minute - CLOSES
        missing = passed >= 0 if code == "N" else passed >= 10 if code == "-" else False
        if not missing:
            self.ended += [self.stage] if self.stage is not None else []
            self.stage = None
            return None
        reached = sum(1 for _, least in STAGES if passed >= least) - 1
        self.stage = reached if self.stage is None else max(self.stage, reached)
        return STAGES[self.stage][0], passed


class Morning(ScenarioTest):
    days = 10
    minutes = [CLOSES + n for n in (-5, -1, 0, 1, 4, 9, 10, 11, 17, 23, 29, 30, 31, 38, 45, 52, 59, 60, 61, 75, 90, 104, 119,
                                    120, 121, 135)]

    def setUp(self):
        super().setUp()
        dice = random.Random(self.seed)
        students = sorted(self.school.known_pupils)
        self.watched = dice.sample(students, 16)
        upns = [self.school.known_pupils[s]["upn"] for s in self.watched]
        (self.folder / "watchlist.csv").write_text(
            "pupil,reason,tell,review\n" + "".join(f"{upn},a-reason,somebody,2025-12-19\n" for upn in upns))
        text = self.config.read_text()
        self.config.write_text(text.replace("[rules]\n", '[rules]\nwatch_list = "watchlist.csv"\n', 1))
        # What each register says when the morning begins, and up to two changes: arrivals, reasons, slips put right.
        self.first = {s: dice.choice("NN-/N-") for s in self.watched}
        self.changes = {}
        for student in self.watched:
            for minute in dice.sample(self.minutes[2:], dice.randint(0, 2)):
                self.changes.setdefault(minute, []).append((student, dice.choice(("/", "L", "U", "I", "N", "-"))))
        for student in self.watched:
            self.school.amend(student, DAY, "PM", "\\")
            self.school.amend(student, DAY, "AM", self.first[student])
        for other in students[:20]:
            if other not in self.watched:
                self.school.amend(other, DAY, "AM", "N")  # absent, and nobody's priority
        self.now = f"{DAY}T08:00:00Z"
        self.init()

    def test_who_is_missing_at_which_minute_is_what_the_marks_say(self):
        codes, expected = dict(self.first), {s: Expected() for s in self.watched}
        compared = seen_open = 0
        for minute in self.minutes:
            for student, code in self.changes.get(minute, []):
                self.school.amend(student, DAY, "AM", code)
                codes[student] = code
            self.poll(f"{DAY}T{clock(minute)}:00Z")
            mine = [a for a in self.alerts() if a["rule"] == "missing-child"]
            stands = {a["pupil"]["source_ids"]["mis"][0]: (a["stage"], a["value"]) for a in mine if a["state"] == "open"}
            wanted = {s: expected[s].at(minute, codes[s]) for s in self.watched}
            self.assertEqual(stands, {s: w for s, w in wanted.items() if w}, clock(minute))
            compared, seen_open = compared + len(wanted), seen_open + len(stands)
        ended = {}
        for alert in mine:
            if alert["state"] != "open":
                self.assertEqual(alert["state"], "resolved")
                self.assertIn("Stand down", alert["reason"])
                ended.setdefault(alert["pupil"]["source_ids"]["mis"][0], []).append(alert["stage"])
        self.assertEqual(ended, {s: [STAGES[n][0] for n in e.ended] for s, e in expected.items() if e.ended})
        self.assertGreater(sum(map(len, ended.values())), 3)
        print(f"{compared} judgements of {len(self.watched)} children at {len(self.minutes)} minutes, {seen_open} of them "
              f"missing, {sum(map(len, ended.values()))} stood down, 0 differ", flush=True)
        self.verify("--quick")


if __name__ == "__main__":
    main()
