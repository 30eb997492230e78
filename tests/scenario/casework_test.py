"""What people decide: recorded once, kept over restarts and reads, known at its time, copied to the backup target."""

import json
import random
import signal
import subprocess

from backup_test import WithBackups
from erasure_test import Leaver
from support import FOURTH_POLL, ROLLBOOK, SECOND_POLL, THIRD_POLL, ScenarioTest, end, main, text_of, wait_until

WORDS = "Spoke to mother; bus was late"


class Casework(ScenarioTest):
    pupils, days = 20, 10

    def setUp(self):
        super().setUp()
        self.first_poll()
        student, self.late_on = self.quiet_pupil(5)
        for day in self.late_on:
            self.school.amend(student, day, "AM", "L")
        self.poll(SECOND_POLL)
        self.student = student
        self.alert = self.alert_of(student)["id"]

    def alert_of(self, student, state="all"):
        mine = [a for a in self.alerts(state=state)
                if student in a["pupil"]["source_ids"]["mis"] and a["rule"] == "repeated-lateness"]
        self.assertEqual(len(mine), 1, mine)
        return mine[0]

    def decide(self, *words, code=0, now=None):
        return json.loads(self.rollbook(*words, "--by", "A Lead", "--json", code=code, now=now).stdout)

    def show(self, *words):
        return self.read("alerts", "show", self.alert, *words)

    def test_an_alert_is_acknowledged_acted_upon_and_closed_and_reads_leave_it_so(self):
        self.decide("alerts", "ack", self.alert, "--text", WORDS)
        act = self.decide("alerts", "act", self.alert, "--kind", "call", "--owner", "tutor", "--due", "2025-11-24")
        self.decide("alerts", "note", self.alert, "--text", "Father rang back")
        self.decide("alerts", "done", act["id"], "--outcome", "agreed", "--text", "Earlier bus")
        self.assertEqual(self.show()["state"], "acknowledged")
        self.decide("alerts", "close", self.alert, "--outcome", "resolved", "--text", "Agreed with the parents",
                    now="2025-11-21T18:30:00Z")
        shown = self.show()
        self.assertEqual(shown["state"], "resolved")
        self.assertEqual([h["decision"] for h in shown["history"]], [None, "acknowledge", "close"])
        self.assertEqual(shown["history"][1]["text"], WORDS)
        self.assertEqual(shown["history"][2]["by"], "A Lead")
        self.assertTrue(shown["history"][2]["user"])
        self.assertEqual([(a["kind"], a["state"], a["outcome"]) for a in shown["actions"]],
                         [("call", "done", "agreed"), ("note", "done", None)])
        self.assertEqual(len(self.pupil(f"mis:{self.student}")["actions"]), 2)
        mails, size = len(self.school.mails()), self.size()
        self.poll(THIRD_POLL)
        self.assertEqual(self.show(), shown)
        self.assertEqual(len(self.school.mails()), mails)
        self.assertEqual([e["what"] for e in self.entries("--after", size - 1)], [])
        # Before the close it stands as it stood.
        self.assertEqual(self.show("--known-at", "2025-11-21T18:15:00Z")["state"], "acknowledged")
        self.verify()
        self.assertIn("None differed", self.rollbook("ledger", "rebuild").stdout)

    def test_an_alert_that_only_an_untaken_register_keeps_open_says_which(self):
        def form_of(row):
            return next(g["name"] for g in row["groups"]["data"] if g["type"] == "REGISTRATION")

        forms = {r["id"]: form_of(r) for r in self.school.wonde("students?include=groups&per_page=500")}
        form = forms[self.student]
        gone = [m["id"] for m in self.school.marks()
                if forms[m["student"]] == form and (m["date"], m["session"]) == (self.school.last_day, "PM")]
        self.school.ask("POST", "delete", {"marks": gone})
        for day in self.late_on[:3]:
            self.school.amend(self.student, day, "AM", "/")
        self.poll(THIRD_POLL)
        untaken = f"the register of {form} on Friday 21 November 2025, afternoon, has not been taken"
        self.assertEqual(self.show()["state"], "open")
        self.assertIn(f"Kept open: {untaken}.", self.show()["reason"])
        why = self.read("rules", "why", "--rule", "repeated-lateness", "--pupil", f"mis:{self.student}")
        self.assertEqual((why["held_back"], why["value"]), (untaken, 2))
        self.school.ask("POST", "restore", {"marks": gone})
        self.poll(FOURTH_POLL)
        self.assertEqual(self.show()["state"], "withdrawn")
        self.assertNotIn("Kept open", self.show()["reason"])

    def test_words_are_in_the_ledger_only(self):
        self.decide("alerts", "ack", self.alert, "--text", WORDS)
        self.assertIn(WORDS, self.rollbook("alerts", "show", self.alert).stdout)
        self.assertFalse([m for m in self.school.mails() if WORDS in json.dumps(m)])
        self.assertFalse([text for text in self.said if WORDS in text])

    def test_a_decision_that_is_none_changes_nothing_and_says_what_to_do(self):
        size = self.size()
        for words, code in ((("alerts", "ack", 1), 1), (("alerts", "close", self.alert, "--outcome", "x"), 0),
                            (("alerts", "ack", self.alert), 1), (("alerts", "park", self.alert), 1),
                            (("alerts", "act", self.alert, "--kind", "shout"), 2)):
            done = self.rollbook(*words, code=code)
            self.assertEqual(bool(done.stderr.strip()), code != 0)
        self.assertEqual(self.size(), size + 1)  # the close

    def test_a_baseline_is_taken_up_parked_or_closed(self):
        baseline = [a["id"] for a in self.alerts() if a["state"] == "baseline"][:3]
        if len(baseline) < 3:
            self.skipTest("the school has too few")
        self.decide("alerts", "take-up", baseline[0])
        self.decide("alerts", "park", baseline[1])
        self.decide("alerts", "close", baseline[2], "--outcome", "known", "--text", "before our time")
        mails = len(self.school.mails())
        self.poll(THIRD_POLL)
        now = {a["id"]: a for a in self.alerts()}
        self.assertEqual([now[b]["state"] for b in baseline], ["open", "baseline", "resolved"])
        self.assertTrue(now[baseline[1]]["parked"])
        self.assertEqual(len(self.school.mails()), mails)

    def test_nobody_is_written_to_about_a_silenced_pupil_and_the_alert_is_there(self):
        other, days = self.quiet_pupil(5)
        self.decide("silence", "add", "--pupil", f"mis:{other}", "--until", "2025-11-28", "--reason", "in hospital")
        self.assertEqual(len(self.read("silence", "list")), 1)
        mails = len(self.school.mails())
        for day in days:
            self.school.amend(other, day, "AM", "L")
        self.poll(THIRD_POLL)
        self.assertEqual(self.alert_of(other)["state"], "open")
        self.assertEqual(len(self.school.mails()), mails)
        self.decide("silence", "end", self.read("silence", "list")[0]["id"])
        self.assertEqual(self.read("silence", "list"), [])

    def test_a_link_that_a_person_split_stays_split_and_is_confirmed_again(self):
        link = self.read("links", "list")[0]
        record = f"P-{link['other']['entry']}"
        self.decide("links", "split", record, "--reason", "another child")
        self.poll(THIRD_POLL)
        self.assertNotIn(link["other"]["entry"], [each["other"]["entry"] for each in self.read("links", "list")])
        self.decide("links", "confirm", record, link["pupil"]["ref"], "--reason", "asked the family")
        again = [each for each in self.read("links", "list") if each["other"]["entry"] == link["other"]["entry"]]
        self.assertEqual([(a["by"], a["pupil"]["ref"]) for a in again], [("person", link["pupil"]["ref"])])
        self.verify()


class Erased(Leaver):
    def test_an_erasure_takes_what_was_decided_about_the_pupil(self):
        mine = [a["id"] for a in self.alerts() if a["pupil"]["ref"] == self.ref]
        self.rollbook("alerts", "note", mine[0], "--text", WORDS)
        self.rollbook("alerts", "close", mine[0], "--outcome", "known", "--text", WORDS)
        self.rollbook("silence", "add", "--pupil", self.ref, "--until", "2025-12-01", "--reason", WORDS)
        self.leave()
        done = json.loads(self.erase("--json").stdout)
        self.assertIn("action", done["by_kind"])
        for path in self.state_files():
            self.assertNotIn(WORDS.encode(), path.read_bytes(), path)
        self.verify()


class Killed(WithBackups, ScenarioTest):
    pupils, days = 20, 10

    def start(self):
        (self.folder / "ledger.db.sock").unlink(missing_ok=True)  # left by one that was killed
        process = subprocess.Popen([ROLLBOOK, "run", "--config", str(self.config)], env=self.environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)
        self.addCleanup(end, process)
        wait_until(lambda: (self.folder / "ledger.db.sock").exists(), "the daemon's socket")
        return process

    def test_a_daemon_killed_between_decision_and_answer_loses_nothing_and_doubles_nothing(self):
        self.set_up_backups()
        self.first_poll()
        alert = self.alerts()[0]["id"]
        dice = random.Random(5)
        for number in range(8):
            daemon = self.start()
            words = ["alerts", "note", str(alert), "--text", f"note {number}"]
            asking = subprocess.Popen([ROLLBOOK, *words, "--config", str(self.config)], env=self.environment(),
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)
            try:
                asking.wait(dice.uniform(0, 0.06))
            except subprocess.TimeoutExpired:
                pass
            daemon.send_signal(signal.SIGKILL)
            daemon.wait()
            asking.wait(20)
            self.rollbook(*words)  # the person gives it again
        notes = [a["text"] for a in self.read("alerts", "show", alert)["actions"]]
        self.assertEqual(notes, [f"note {n}" for n in range(8)])
        self.verify()

    def test_a_decision_is_in_the_sealed_copies_within_a_minute(self):
        self.set_up_backups()
        self.first_poll()
        alert = self.alerts()[0]["id"]
        copies = self.target / "decisions.sealed"
        self.rollbook("backup")  # what was decided before it needs no copy
        daemon = self.start()
        entry = json.loads(self.rollbook("alerts", "note", alert, "--text", WORDS, "--json").stdout)["entry"]
        held = lambda: copies.exists() and entry in [json.loads(each)["entry"] for each in copies.read_text().splitlines()]
        wait_until(held, "the copy of the decision", 60)
        self.assertNotIn(WORDS, copies.read_text())
        end(daemon)
        taken_up = self.rollbook("alerts", "take-up", alert, "--json").stdout
        wanted = json.loads(taken_up)["entry"]
        self.assertIn(wanted, [json.loads(each)["entry"] for each in copies.read_text().splitlines()])


class HandleWithCare(ScenarioTest):
    pupils, days = 20, 10

    def late(self, student_and_days):
        student, mornings = student_and_days
        for day in mornings:
            self.school.amend(student, day, "AM", "L")
        return student

    def test_a_marker_stops_letters_and_digests_at_once_and_says_why_to_nobody_else(self):
        (self.folder / "letters").mkdir()
        (self.folder / "letters" / "late.txt").write_text("Dear parent of {{pupil}}\n")
        text = self.config.read_text().replace('name = "lead"', 'name = "lead"\ndigest = 08:00:00', 1)
        self.config.write_text(text + '\n[casework]\nletters = "letters"\n')
        self.first_poll()
        marked, first, second = [self.late(self.quiet_pupil(3)) for at in (SECOND_POLL, THIRD_POLL, FOURTH_POLL)
                                 if self.poll(at)]
        self.poll("2025-11-21T21:00:00Z")
        before = len(self.school.mails())
        self.assertEqual(before, 1, "but for what was so at the first read, all wait for the morning of the next school day")
        ids = {a["pupil"]["source_ids"]["mis"][0]: a["id"] for a in self.alerts()}

        put = ["marker", "add", "--pupil", f"mis:{marked}", "--kind", "handle-with-care", "--json"]
        known = json.loads(self.rollbook(*put, "--reason", "seen-by-police", "--tell", "the-year-head",
                                         "--review", "2025-12-01").stdout)
        again = json.loads(self.rollbook(*put, "--reason", "seen-by-police", "--tell", "the-year-head",
                                         "--review", "2025-12-01").stdout)
        self.assertEqual((again["id"], again["entry"]), (known["id"], None))
        refused = self.run_program("alerts", "letter", ids[marked], "--template", "late", "--out", "letter.txt")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("handled with care", refused.stderr)
        self.assertFalse((self.folder / "letter.txt").exists())
        self.assertNotEqual(self.run_program("alerts", "act", ids[marked], "--kind", "letter").returncode, 0)

        self.poll("2025-11-24T08:30:00Z")
        new = [text_of(mail) for mail in self.school.mails()[before:]]
        alone = [mail for mail in new if self.pupil(f"mis:{marked}")["ref"] in mail]
        self.assertEqual(len(alone), 1, "told, and once")
        for other in (first, second):
            self.assertNotIn(self.pupil(f"mis:{other}")["ref"], alone[0])
        self.assertEqual(len(new), 2, "the others came as one")

        shown = self.pupil(f"mis:{marked}")
        self.assertEqual(shown["markers"], ["Handle with care"])
        self.assertNotIn("markers", self.pupil(f"mis:{first}"))
        listed = self.read("marker", "list")
        self.assertEqual([(m["kind"], m["reason"], m["tell"]) for m in listed], [("handle-with-care", None, None)])
        everything = "".join(new) + json.dumps([shown, listed]) + "".join(self.said)
        for private in ("seen-by-police", "the-year-head"):
            self.assertNotIn(private, everything)
        asked = self.read("marker", "list", "--unmask", "--reason", "review")
        self.assertEqual(asked[0]["reason"], "seen-by-police")
        self.assertEqual(self.entries("--kind", "access")[-1]["payload"]["view"], "marker")

        self.rollbook("marker", "end", known["id"])
        self.rollbook("alerts", "letter", ids[marked], "--template", "late", "--out", "letter.txt")
        self.assertTrue((self.folder / "letter.txt").exists())
        self.verify()

    def test_who_is_to_be_handled_with_care_is_in_no_list_of_praise_at_once(self):
        self.first_poll()
        listed = lambda: [row["pupil"] for row in self.read("report", "praise")["rows"]]
        before = listed()
        self.assertTrue(before)
        figures = {ref: self.pupil(ref, "--from", self.school.first_day)["figures"] for ref in before}
        for of in figures.values():
            self.assertGreaterEqual(of["possible"], 20)
            self.assertLessEqual((of["authorised"] + of["unauthorised"]) * 100, 3 * of["possible"])
        put = self.rollbook("marker", "add", "--pupil", before[0], "--kind", "handle-with-care", "--json")
        self.assertEqual(listed(), before[1:])
        self.rollbook("marker", "end", json.loads(put.stdout)["id"])
        self.assertEqual(listed(), before)

    def test_the_day_on_which_a_marker_is_to_be_looked_at_again_is_told_once_and_not_why(self):
        (self.folder / "watchlist.csv").write_text("pupil,reason,tell,review\n")
        text = self.config.read_text().replace("[rules]\n", '[rules]\nwatch_list = "watchlist.csv"\n', 1)
        self.config.write_text(text + '\n[casework]\ndsl = "lead"\n')
        self.first_poll()
        marked, listed = sorted(self.school.known_pupils)[:2]
        (self.folder / "watchlist.csv").write_text(
            f"pupil,reason,tell,review\nmis:{listed},a-class-of-reason,someone,2025-11-25\n")
        self.rollbook("marker", "add", "--pupil", f"mis:{marked}", "--kind", "handle-with-care", "--reason",
                      "seen-by-police", "--review", "2025-11-24")
        reviews = lambda: [text_of(m) for m in self.school.mails() if "looked at again" in text_of(m)]
        self.poll("2025-11-23T18:00:00Z")
        self.assertEqual(reviews(), [], "not the day before")
        for at in ("2025-11-24T08:30:00Z", "2025-11-24T08:40:00Z"):
            self.poll(at)
            mail, = reviews()
            self.assertIn(self.pupil(f"mis:{marked}")["ref"], mail)
            for private in ("police", "care", "priority"):
                self.assertNotIn(private, mail)
        self.poll("2025-11-25T08:30:00Z")
        self.assertEqual(len(reviews()), 2)
        self.assertIn(self.pupil(f"mis:{listed}")["ref"], reviews()[1])
        self.assertNotIn("a-class-of-reason", "".join(reviews()))

    def test_a_marker_of_priority_puts_a_pupil_into_the_cohort_of_the_watch_list_without_a_file(self):
        rule = """
[[rule]]
id = "watched-late"
title = "Late, of those who are watched"
measure = "late_sessions"
window = "10 school days"
stages = [{ name = "met", at_least = 2 }]
cohort = { watch_list = true }
source = "the school's own"
"""
        text = self.config.read_text()
        at = text.index("\n[[route]]")
        self.config.write_text(text[:at] + rule + text[at:])
        self.first_poll()
        student = self.late(self.quiet_pupil(3))
        self.poll(SECOND_POLL)
        mine = lambda: [a["state"] for a in self.alerts() if a["rule"] == "watched-late"]
        self.assertEqual(mine(), [])
        put = self.rollbook("marker", "add", "--pupil", f"mis:{student}", "--kind", "priority", "--reason", "x", "--json")
        self.poll(THIRD_POLL)
        self.assertEqual(mine(), ["open"])
        self.assertEqual(self.pupil(f"mis:{student}")["markers"], ["DSL priority"])
        self.poll(FOURTH_POLL)
        self.assertEqual(mine(), ["open"])
        self.rollbook("marker", "end", json.loads(put.stdout)["id"])
        self.poll("2025-11-21T21:00:00Z")
        self.assertEqual(mine(), ["resolved"])
        self.verify()


class HeadsOfYear(ScenarioTest):
    days = 10

    def year(self, student):
        return self.school.known_pupils[student]["education_details"]["data"]["current_nc_year"]

    def told(self, year):
        """What the route of a year was told: the types, and everything that was said."""
        files = [json.loads(f.read_text()) for f in sorted((self.folder / f"year-{year}").glob("*.json"))]
        return sorted(f["type"] for f in files if f["type"] != "alert.baseline"), json.dumps(files)

    def test_a_route_of_a_year_is_told_of_its_pupils_alone_and_of_their_ends_wherever_they_go(self):
        years = sorted({self.year(s) for s in self.school.known_pupils})[:2]
        text = self.config.read_text()
        for year in years:
            (self.folder / f"year-{year}").mkdir()
            text += (f'\n[[route]]\nname = "year-{year}"\nchannel = "file"\nrules = ["*"]\ncohort = {{ years = ["{year}"] }}\n'
                     f'[route.settings]\nfolder = "year-{year}"\n')
        self.config.write_text(text)
        self.first_poll()
        met = {year: sum(self.year(a["pupil"]["source_ids"]["mis"][0]) == year and a["state"] == "baseline"
                         for a in self.alerts() if a["pupil"]) for year in years}
        for year in years:
            counted = [json.loads(f.read_text()) for f in (self.folder / f"year-{year}").glob("*.json")]
            counted = [f["data"] for f in counted if f["type"] == "alert.baseline"]
            self.assertEqual(sum(n for data in counted for stages in data.values() for n in stages.values()), met[year])
        before = {year: self.told(year)[0] for year in years}

        late = next(s for s in sorted(self.school.known_pupils) if self.year(s) == years[0]
                    and not any(a["pupil"]["source_ids"]["mis"] == [s] for a in self.alerts() if a["pupil"]))
        days = sorted({m["date"] for m in self.school.marks(late)})[-3:]
        held = {day: next(m["code"] for m in self.school.marks(late) if m["date"] == day and m["session"] == "AM")
                for day in days}
        for day in days:
            self.school.amend(late, day, "AM", "L")
        self.poll(SECOND_POLL)
        ref = self.pupil(f"mis:{late}")["ref"]
        self.assertEqual(self.told(years[0])[0], sorted(before[years[0]] + ["alert.opened"]))
        self.assertIn(ref, self.told(years[0])[1])
        self.assertEqual(self.told(years[1])[0], before[years[1]])
        for day in days:
            self.school.amend(late, day, "AM", "/" if held[day] == "L" else held[day])
        self.poll(THIRD_POLL)
        self.assertIn("alert.withdrawn", self.told(years[0])[0])
        self.assertNotIn(ref, self.told(years[1])[1])
        self.verify()


class Quarantine(ScenarioTest):
    pupils, days = 12, 8

    def test_a_bad_row_is_listed_shown_masked_and_read_again(self):
        self.school.row("attendance/session", {
            "id": "A2999999999", "date": {"date": "2025-11-22 00:00:00.000000", "timezone_type": 3,
                                          "timezone": "Europe/London"},
            "comment": "Zebedee Quux", "session": "EV", "employee": None,
            "attendance_code": self.school.code_ids()["/"], "student": "A1999999999"})
        self.first_poll()
        rows = self.read("quarantine", "list")
        self.assertEqual(len(rows), 1, rows)
        shown = self.rollbook("quarantine", "show", rows[0]["id"]).stdout
        for word in ("Zebedee", "Quux", "A1999999999", "A2999999999"):
            self.assertNotIn(word, shown)
        self.assertIn("X9999999999", shown)
        self.assertIn("reads all of it again", self.rollbook("quarantine", "retry", rows[0]["id"]).stdout)
        self.rollbook("quarantine", "show", 99, code=1)
        self.poll(SECOND_POLL)
        self.assertEqual(self.read("quarantine", "list")[0]["times"], 2)


if __name__ == "__main__":
    main()
