"""The first read of a school, a second that finds nothing new, and what was known before the first."""

from support import FIRST_POLL, SECOND_POLL, ScenarioTest, main


class FirstRead(ScenarioTest):
    def test_a_first_poll_balances_every_record_kind_against_what_the_school_has(self):
        self.first_poll()
        rows = self.statement(FIRST_POLL)
        school = self.school
        behaviours = school.wonde("behaviours?include=students&per_page=500")
        incidents = school.safeguarding("incidents")
        served = {
            ("mis", "pupil"): len(school.wonde("students?per_page=500")),
            ("mis", "session-mark"): len(school.wonde("attendance/session?per_page=500")),
            ("mis", "incident"): len(behaviours),
            ("mis", "involvement"): sum(len(b["students"]["data"]) for b in behaviours),
            ("mis", "suspension"): len(school.wonde("exclusions?per_page=500")),
            ("safeguarding", "pupil"): len(school.safeguarding("students")),
            ("safeguarding", "concern"): len(incidents),
            ("safeguarding", "involvement"): sum(len(i["student_ids"]) for i in incidents),
        }
        self.assertEqual({k: r["read"] for k, r in rows.items()}, served)
        self.assertEqual(served["mis", "session-mark"], school.ready["marks"])
        for row in rows.values():
            with self.subTest(row=row["record"], source=row["source"]):
                keys = "at source record read new changed unchanged duplicate quarantined vanished restored"
                self.assertEqual(set(row), set(keys.split()) | {"source_total", "balanced"})
                self.assertTrue(row["balanced"])
                parts = ("new", "changed", "unchanged", "duplicate", "quarantined")
                self.assertEqual(row["read"], sum(row[p] for p in parts))
                self.assertEqual(row["read"], row["new"])
                self.assertIn(row["source_total"], (None, row["read"]))
        self.assertEqual(rows["mis", "pupil"]["source_total"], self.pupils)

    def test_what_was_crossed_before_is_a_baseline_and_one_mail(self):
        self.first_poll()
        alerts = self.alerts()
        self.assertTrue(alerts, "the school has no alert; choose another seed")
        self.assertEqual({a["state"] for a in alerts}, {"baseline"})
        keys = "id rule stage state pupil value threshold window opened_at changed_at evidence reason"
        for alert in alerts:
            self.assertLessEqual(set(keys.split()), set(alert))
            self.assertEqual(set(alert["window"]), {"from", "to"})
            self.assertRegex(alert["pupil"]["ref"], r"^P-\d+$")
            self.assertIn(alert["pupil"]["source_ids"]["mis"][0], self.school.known_pupils)
            entries = {e["index"]: e for e in self.entries("--pupil", alert["pupil"]["ref"])}
            self.assertTrue(alert["evidence"])
            for index in alert["evidence"]:
                self.assertEqual(entries[index]["what"], "session-mark")
        self.assertEqual(len(self.school.mails()), 1)

    def test_the_ledger_of_a_first_read_verifies_and_status_says_so(self):
        self.first_poll()
        proof = self.verify()
        keys = "ok size root checkpoints openings erased unsigned problems"
        self.assertEqual(set(proof), set(keys.split()))
        self.assertEqual((proof["unsigned"], proof["erased"], proof["problems"]), (0, 0, []))
        self.assertEqual(proof["openings"], proof["size"])
        status = self.read("status")
        self.assertEqual(status["ledger"]["size"], proof["size"])
        self.assertEqual(status["outbox"], {"waiting": 0, "failed": 0})
        self.assertEqual(status["alerts"]["open"], len(self.alerts()))
        self.assertEqual({s["name"]: (s["ok"], s["error"]) for s in status["sources"]},
                         {"mis": (True, None), "safeguarding": (True, None)})
        self.assertIn("SIMULATION", self.rollbook("status").stdout)

    def test_every_entry_has_the_shape_that_programs_read(self):
        self.first_poll()
        entries = self.entries()
        self.assertEqual([e["index"] for e in entries], list(range(len(entries))))
        for entry in entries:
            self.assertEqual(set(entry), {"index", "kind", "recorded_at", "what", "source", "pupil", "payload"})
            self.assertIn(entry["kind"], ("record", "erasure", "key", "fork", "note"))
        self.assertEqual(len(self.entries("--kind", "session-mark")), self.school.ready["marks"])

    def test_figures_of_every_pupil_are_the_schools_own(self):
        self.first_poll()
        self.assertEqual(self.every_figure(), self.true_figures())

    def test_marks_of_a_timeline_are_the_schools_marks(self):
        self.first_poll()
        student = sorted(self.school.known_pupils)[0]
        found = self.pupil(f"mis:{student}")
        self.assertEqual(set(found), {"ref", "source_ids", "marks", "incidents", "alerts", "actions", "figures"})
        keys = {"date", "session", "code", "class", "minutes_late", "raw", "learned", "backfill", "changed"}
        for mark in found["marks"]:
            self.assertEqual(set(mark), keys)
            self.assertTrue(mark["backfill"])
            self.assertIsNone(mark["learned"]["after"])
        self.assertEqual(sorted((m["date"], m["session"], m["raw"]) for m in found["marks"]),
                         sorted((m["date"], m["session"], m["code"]) for m in self.school.marks(student)))

    def test_a_reference_a_upn_and_an_id_of_either_source_name_the_same_pupil(self):
        self.first_poll()
        student = sorted(self.school.known_pupils)[3]
        by_id = self.pupil(f"mis:{student}")
        other = by_id["source_ids"]["safeguarding"][0]
        for ref in (by_id["ref"], self.school.known_pupils[student]["upn"], f"safeguarding:{other}"):
            self.assertEqual(self.pupil(ref), by_id)

    def test_a_second_poll_of_an_unchanged_school_adds_nothing(self):
        self.first_poll()
        before = self.entries()
        alerts = self.alerts()
        self.poll(SECOND_POLL)
        self.assertEqual(self.entries(), before)
        self.assertEqual(self.alerts(), alerts)
        self.assertEqual(len(self.school.mails()), 1)
        rows = self.statement(SECOND_POLL)
        self.assertEqual(set(rows), set(self.statement(FIRST_POLL)))
        for row in rows.values():
            self.assertEqual((row["read"], row["balanced"]), (row["unchanged"], True), row)

    def test_before_the_first_read_rollbook_says_when_it_began(self):
        self.first_poll()
        earlier = ("--known-at", "2025-11-21T16:59:59Z")
        for command in (("pupil", "P-6"), ("alerts", "list"), ("findings", "list"), ("statement",)):
            with self.subTest(command=command[0]):
                found = self.read(*command, *earlier, code=1)
                self.assertEqual(set(found), {"began"})
                self.assertEqual(found["began"][:19], FIRST_POLL[:19])
        told = self.rollbook("pupil", "P-6", *earlier, code=1)
        self.assertIn("began", told.stdout + told.stderr)


if __name__ == "__main__":
    main()
