"""Rows that are wrong in themselves: what cannot be read is put aside with its reason, what can be is kept and told."""

from support import FIRST_POLL, SECOND_POLL, THIRD_POLL, ScenarioTest, main

STRANGER = "A1999999999"


class BadRows(ScenarioTest):
    pupils, days = 12, 20

    def mark_row(self, **changed):
        """A row of the list of marks, for a session on a Saturday unless told otherwise: no other mark is there."""
        row = {
            "id": "A2999999999",
            "date": {"date": "2025-11-22 00:00:00.000000", "timezone_type": 3, "timezone": "Europe/London"},
            "comment": None, "session": "AM", "employee": None,
            "attendance_code": self.codes["/"], "student": self.student,
        }
        return {**row, **changed}

    def setUp(self):
        super().setUp()
        self.codes = self.school.code_ids()
        self.student = sorted(self.school.known_pupils)[5]
        self.ref_by_id = f"mis:{self.student}"
        self.first_poll()
        self.before = self.every_figure()

    def poll_with(self, **changed):
        self.school.row("attendance/session", self.mark_row(**changed))
        self.poll(SECOND_POLL)
        row = self.statement(SECOND_POLL)["mis", "session-mark"]
        self.assertEqual(row["read"], self.school.ready["marks"] + 1)
        self.assertTrue(row["balanced"], row)
        return row

    def quarantined(self, **changed):
        size = len(self.entries("--kind", "session-mark"))
        row = self.poll_with(**changed)
        self.assertEqual((row["quarantined"], row["new"], row["changed"]), (1, 0, 0))
        self.assertEqual(len(self.entries("--kind", "session-mark")), size)
        self.assertEqual(self.read("status")["quarantined"], 1)
        self.assertEqual(self.every_figure(), self.before)

        self.poll(THIRD_POLL)
        self.assertEqual(self.statement(THIRD_POLL)["mis", "session-mark"]["quarantined"], 1)
        self.assertEqual(self.read("status")["quarantined"], 1, "the same row is put aside once")
        self.verify()

    def test_a_mark_of_nobody_is_quarantined_and_counted(self):
        self.quarantined(student=None)

    def test_a_mark_of_a_day_that_cannot_be_read_is_quarantined(self):
        self.quarantined(date={"date": "the first of never", "timezone_type": 3, "timezone": "Europe/London"})

    def test_a_mark_without_a_day_is_quarantined(self):
        self.quarantined(date=None)

    def test_a_mark_of_no_session_is_quarantined(self):
        self.quarantined(session="Evening")

    def test_a_row_that_is_no_object_is_quarantined(self):
        self.school.ask("POST", "row", {"endpoint": "attendance/session", "raw": "\"what is this\""})
        self.poll(SECOND_POLL)
        row = self.statement(SECOND_POLL)["mis", "session-mark"]
        self.assertEqual((row["quarantined"], row["balanced"]), (1, True))

    def test_a_mark_without_an_id_is_quarantined(self):
        self.quarantined(id=None)

    def test_a_code_that_the_code_list_does_not_have_is_kept_unmapped_and_in_no_figure(self):
        row = self.poll_with(attendance_code="A1999999998")
        self.assertEqual((row["new"], row["quarantined"]), (1, 0))
        mark = [m for m in self.pupil(self.ref_by_id)["marks"] if m["date"] == "2025-11-22"]
        self.assertEqual([(m["class"], m["code"]) for m in mark], [("unmapped", None)])
        self.assertEqual(self.every_figure(), self.before)
        found = self.findings("mark-unmapped")
        self.assertEqual([f["pupil"]["source_ids"]["mis"] for f in found], [[self.student]])
        self.assertEqual((found[0]["state"], found[0]["sources"]), ("open", ["mis"]))
        self.assertTrue(found[0]["explanation"])
        keys = "id kind labels state pupil subject sources opened_at closed_at explanation evidence"
        self.assertEqual(set(found[0]), set(keys.split()))

    def test_a_school_code_of_its_own_is_unmapped_until_it_is_amended_away(self):
        day = self.school.last_day
        self.school.amend(self.student, day, "AM", "Q9")
        self.poll(SECOND_POLL)
        mark = [m for m in self.pupil(self.ref_by_id)["marks"] if (m["date"], m["session"]) == (day, "AM")]
        self.assertEqual([(m["raw"], m["class"], m["code"]) for m in mark], [("Q9", "unmapped", None)])
        opened = self.findings("mark-unmapped")
        self.assertEqual(len(opened), 1)
        self.assertEqual(self.every_figure(), self.true_figures())
        self.school.amend(self.student, day, "AM", "/")
        self.poll(THIRD_POLL)
        self.assertEqual(self.findings("mark-unmapped"), [])
        closed = self.findings("mark-unmapped", state="all")
        self.assertEqual([(f["id"], f["state"]) for f in closed], [(opened[0]["id"], "closed")])
        self.assertEqual(closed[0]["closed_at"][:19], THIRD_POLL[:19])
        self.assertEqual(self.every_figure(), self.true_figures())
        self.verify()

    def test_no_mark_is_class_none_and_counts_nowhere(self):
        day = self.school.last_day
        self.school.amend(self.student, day, "AM", "-")
        self.poll(SECOND_POLL)
        mark = [m for m in self.pupil(self.ref_by_id)["marks"] if (m["date"], m["session"]) == (day, "AM")]
        self.assertEqual([m["class"] for m in mark], ["none"])
        self.assertEqual(self.findings("mark-unmapped"), [])
        self.assertEqual(self.every_figure(), self.true_figures())

    def test_a_blank_code_is_class_none(self):
        row = self.poll_with(attendance_code=None)
        self.assertEqual((row["new"], row["quarantined"]), (1, 0))
        mark = [m for m in self.pupil(self.ref_by_id)["marks"] if m["date"] == "2025-11-22"]
        self.assertEqual([m["class"] for m in mark], ["none"])
        self.assertEqual(self.every_figure(), self.before)

    def test_two_rows_for_one_session_are_a_duplicate_and_not_a_second_mark(self):
        row = self.mark_row(attendance_code=self.codes["/"])
        row["date"]["date"] = f"{self.school.last_day} 00:00:00.000000"
        self.school.amend(self.student, self.school.last_day, "AM", "/")
        self.school.row("attendance/session", row)
        self.poll(SECOND_POLL)
        found = self.statement(SECOND_POLL)["mis", "session-mark"]
        self.assertEqual((found["duplicate"], found["balanced"]), (1, True))
        marks = [m for m in self.pupil(self.ref_by_id)["marks"]
                 if (m["date"], m["session"]) == (self.school.last_day, "AM")]
        self.assertEqual(len(marks), 1)
        self.assertEqual(self.every_figure(), self.true_figures())
        self.assertEqual(len(self.findings("mark-duplicate")), 1)

        size = self.size()
        self.poll(THIRD_POLL)
        found = self.statement(THIRD_POLL)["mis", "session-mark"]
        self.assertEqual((found["duplicate"], found["new"], found["changed"]), (1, 0, 0))
        self.assertEqual(self.size(), size)
        self.school.ask("DELETE", "row")
        self.poll("2025-11-21T20:00:00Z")
        self.assertEqual(self.findings("mark-duplicate"), [])
        self.verify()

    def test_a_mark_of_a_pupil_who_is_in_no_list_is_kept(self):
        row = self.poll_with(student=STRANGER)
        self.assertEqual((row["new"], row["quarantined"]), (1, 0))
        found = self.pupil(f"mis:{STRANGER}")
        self.assertEqual([(m["date"], m["class"]) for m in found["marks"]], [("2025-11-22", "present")])
        self.assertEqual(self.every_figure(), self.before)
        self.assertEqual(self.statement(FIRST_POLL)["mis", "pupil"]["new"], self.pupils)

    def test_a_safeguarding_pupil_without_an_id_is_quarantined(self):
        self.school.row("safeguarding/students", {"id": None, "upn": None, "forename": "No", "surname": "Body"})
        self.poll(SECOND_POLL)
        row = self.statement(SECOND_POLL)["safeguarding", "pupil"]
        self.assertEqual((row["quarantined"], row["balanced"]), (1, True))


if __name__ == "__main__":
    main()
