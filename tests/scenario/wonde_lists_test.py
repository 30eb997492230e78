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
