"""What a school may choose to read from Wonde beside the register: lessons, praise, adults, and Wonde's own counts."""

from support import FIRST_POLL, SECOND_POLL, THIRD_POLL, FOURTH_POLL, ScenarioTest, main


class WondeLists(ScenarioTest):
    pupils, days = 30, 12

    def choose(self, *settings):
        chosen = "".join(f"{name} = true\n" for name in settings)
        self.config.write_text(self.config.read_text().replace("per_page = 200\n", "per_page = 200\n" + chosen))

    def test_lessons_praise_and_adults_are_read_where_the_school_chooses_them(self):
        self.choose("lesson_marks", "achievements", "contacts")
        self.first_poll()
        rows = self.statement(FIRST_POLL)
        count = {path: len(self.school.wonde(f"{path}?per_page=500"))
                 for path in ("attendance/session", "attendance/lesson", "behaviours", "achievements", "contacts")}
        self.assertEqual(rows[("mis", "session-mark")]["new"], count["attendance/session"])
        self.assertEqual(rows[("mis", "lesson-mark")]["new"], count["attendance/lesson"])
        self.assertEqual(rows[("mis", "adult")]["new"], count["contacts"])
        self.assertEqual(rows[("mis", "incident")]["new"], count["behaviours"] + count["achievements"])
        self.assertEqual(self.every_figure(), self.true_figures())
        adult = self.entries("--kind", "adult")[0]["payload"]
        self.assertIn("parental_responsibility", str(adult))
        self.poll(SECOND_POLL)
        for record in ("lesson-mark", "adult", "incident"):
            row = self.statement(SECOND_POLL)[("mis", record)]
            self.assertEqual((row["new"], row["changed"], row["vanished"]), (0, 0, 0), record)

    def test_a_pupil_who_was_registered_and_in_no_lesson_is_an_alert_where_lessons_are_read_and_the_rule_is_on(self):
        self.choose("lesson_marks")
        self.config.write_text(self.config.read_text() + '\n[[rule]]\nid = "missed-lessons"\nenabled = true\n')
        self.first_poll()
        missed = [a for a in self.alerts() if a["rule"] == "missed-lessons"]
        self.assertEqual(missed, [])
        self.school.ask("POST", "plant", {"missed_lessons": 1})
        planted, = self.school.get("plants")
        self.poll(SECOND_POLL)
        found, = [a for a in self.alerts() if a["rule"] == "missed-lessons"]
        self.assertEqual(found["pupil"]["source_ids"]["mis"], [planted["subject"]])
        self.assertEqual((found["value"], found["threshold"], found["state"]), (4, 3, "open"))
        lessons = [e for e in self.entries("--kind", "lesson-mark") if e["index"] in found["evidence"]]
        self.assertEqual([e["payload"]["fields"]["statutory"] for e in lessons], ["N"] * 4)
        why = self.read("rules", "why", "--rule", "missed-lessons", "--pupil", found["pupil"]["ref"])
        self.assertEqual((why["value"], why["evidence"], why["met"]), (4, found["evidence"], True))
        other = next(a["pupil"]["ref"] for a in self.alerts() if a["pupil"]["ref"] not in (None, found["pupil"]["ref"]))
        why_not = self.read("rules", "why", "--rule", "missed-lessons", "--pupil", other)
        self.assertEqual((why_not["value"], why_not["met"], why_not["next_stage"]["needed"]), (0, False, 3))
        # No session figure is touched by a lesson.
        self.assertEqual(self.every_figure(), self.true_figures())
        said = self.run_program("check").stdout
        self.assertIn("rule missed-lessons: ", said)
        self.assertNotIn("rule missed-lessons: not possible", said)

    def test_who_left_and_who_is_to_come_are_known_with_their_days(self):
        self.choose("leavers", "pre_admission")
        self.first_poll()
        details = "include=education_details&per_page=500"
        left = {row["id"]: row["education_details"]["data"]["leaving_date"]["date"][:10]
                for row in self.school.wonde(f"students-leaver?{details}")}
        recent = {ref: day for ref, day in left.items() if day >= "2025-08-01"}
        self.assertLess(0, len(recent))
        row = self.statement(FIRST_POLL)[("mis", "pupil")]
        to_come = [r for r in self.school.wonde(f"students-pre-admission?{details}")
                   if r["education_details"]["data"]["admission_date"]]
        self.assertEqual(row["new"], self.pupils + len(recent) + len(to_come))
        self.assertEqual((row["source_total"], row["balanced"]), (row["new"], True))
        held = {e["payload"]["id"]: e["payload"]["fields"] for e in self.entries("--kind", "pupil")
                if e["source"] == "mis"}
        self.assertEqual({ref: held[ref]["on_roll_to"] for ref in recent}, recent)
        self.assertEqual({held[r["id"]]["on_roll_from"] for r in to_come}, {"2026-09-01"})
        self.assertEqual(self.every_figure(), self.true_figures())

        goes = next(iter(self.school.known_pupils))
        self.school.ask("POST", "delete", {"students": [goes]})
        self.poll(SECOND_POLL)
        row = self.statement(SECOND_POLL)[("mis", "pupil")]
        self.assertEqual((row["changed"], row["vanished"], row["balanced"]), (1, 0, True))
        self.assertEqual([f for f in self.findings("record-vanished")], [])

    def test_a_trial_says_what_is_not_asked_for_and_why(self):
        self.init()
        told = self.rollbook("connectors", "probe", "mis").stdout
        for words in ("not asked for: employees, employee-absences", "Nothing here writes to a family"):
            self.assertIn(words, told)

    def test_possible_sessions_that_wonde_counts_otherwise_are_a_finding_until_they_agree(self):
        self.choose("attendance_summaries")
        self.first_poll()
        self.assertEqual(self.findings("totals-differ"), [])
        self.school.row("attendance-summaries", {"id": "A1", "student": "A1099999999", "possible_marks": 7})
        self.poll(SECOND_POLL)
        found, = self.findings("totals-differ")
        self.assertIn("1 pupil's counts differ", found["explanation"])
        self.school.ask("DELETE", "row")
        self.poll(THIRD_POLL)
        self.assertEqual(self.findings("totals-differ"), [])
        # Without the permission nothing is compared, and everything else is read.
        self.school.fault("attendance-summaries", "status", status=403)
        self.assertNotIn("attendance-summaries", self.poll(FOURTH_POLL).stderr)


if __name__ == "__main__":
    main()
