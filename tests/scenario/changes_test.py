"""What happens when the school changes its mind: marks amended, thresholds crossed, records deleted and restored."""

import csv
import io
import zipfile
from xml.etree import ElementTree

from support import FIRST_POLL, FOURTH_POLL, SECOND_POLL, THIRD_POLL, ScenarioTest, main, text_of


def text_in(element):
    return "".join(element.itertext())


class Amendments(ScenarioTest):
    def absent_without_reason(self, sessions):
        """A pupil of compulsory age whose last `sessions` sessions have no reason yet: N."""
        student = next(s for s, p in sorted(self.school.known_pupils.items())
                       if p["education_details"]["data"]["current_nc_year"] == "8")
        for mark in self.school.marks(student)[-sessions:]:
            self.school.amend(student, mark["date"], mark["session"], "N")
        return student

    def test_explaining_every_n_of_a_pupil_withdraws_what_rested_on_them_and_keeps_what_was_known(self):
        student = self.absent_without_reason(sessions=12)
        self.first_poll()
        ref = self.pupil(f"mis:{student}")["ref"]
        mine = [a for a in self.alerts() if a["pupil"]["ref"] == ref]
        rested = {a["rule"]: a for a in mine if a["rule"] in ("penalty-notice", "reason-overdue")}
        self.assertEqual(len(rested), 2)
        ns = self.school.marks(student, "N")
        before, old_alerts = self.pupil(ref), self.alerts()
        old_figures, size = self.figures(ref), self.size()

        changed = self.school.ask("POST", "amend-n", {"count": 100, "to": "I", "student": student})["changed"]
        self.assertEqual(len(changed), len(ns))
        self.poll(SECOND_POLL)

        figures = self.figures(ref)
        self.assertEqual(figures, {
            **old_figures,
            "authorised": old_figures["authorised"] + len(ns),
            "unauthorised": old_figures["unauthorised"] - len(ns),
        })
        new = [e for e in self.entries("--kind", "session-mark") if e["index"] >= size]
        self.assertEqual(len(new), len(ns))
        held = {e["index"]: e["payload"] for e in self.entries("--kind", "session-mark")}
        for entry in new:
            payload = entry["payload"]
            replaced = held[payload["replaces"]]
            self.assertEqual((payload["raw"], replaced["raw"]), ("I", "N"))
            for same in ("date", "session", "pupil", "id"):
                self.assertEqual(payload[same], replaced[same])
            self.assertEqual(entry["recorded_at"][:19], SECOND_POLL[:19])
        row = self.statement(SECOND_POLL)["mis", "session-mark"]
        self.assertEqual((row["changed"], row["new"], row["balanced"]), (len(ns), 0, True))

        for rule, alert in rested.items():
            now = {a["id"]: a for a in self.alerts()}[alert["id"]]
            self.assertEqual(now["state"], "withdrawn", rule)
            self.assertTrue(now["reason"])
            self.assertNotEqual(now["reason"], alert["reason"])
            self.assertNotIn(alert["id"], [a["id"] for a in self.alerts(state="open")])

        for then in (FIRST_POLL, "2025-11-21T17:59:59Z"):
            self.assertEqual(self.alerts("--known-at", then), old_alerts)
            known = self.pupil(ref, "--known-at", then)
            self.assertEqual(known["marks"], before["marks"])
            self.assertEqual({k: known["figures"][k] for k in old_figures}, old_figures)
            self.assertEqual(known["alerts"], before["alerts"])
        self.assertEqual(self.alerts("--known-at", SECOND_POLL), self.alerts())
        self.assertEqual(self.pupil(ref, "--known-at", SECOND_POLL), self.pupil(ref))
        amended = [m for m in self.pupil(ref)["marks"] if m["changed"]]
        self.assertEqual(sorted((m["date"], m["session"]) for m in amended),
                         sorted((m["date"], m["session"]) for m in ns))
        self.verify()

    def test_ten_explained_n_change_ten_entries_and_the_figures_of_those_pupils_alone(self):
        # Older reasons first: the school gives every N of its own a reason in a few days.
        chosen = sorted(self.school.known_pupils)[::6][:10]
        for student in chosen:
            self.school.amend(student, self.school.last_day, "AM", "N")
        self.first_poll()
        old, size = self.every_figure(), self.size()
        changed = self.school.ask("POST", "amend-n", {"count": 10, "to": "I"})["changed"]
        self.assertEqual(len(changed), 10)
        self.poll(SECOND_POLL)
        expected = {s: dict(f) for s, f in old.items()}
        for mark in changed:
            expected[mark["student"]]["authorised"] += 1
            expected[mark["student"]]["unauthorised"] -= 1
        self.assertEqual(self.every_figure(), expected)
        new = [e for e in self.entries("--kind", "session-mark") if e["index"] >= size]
        self.assertEqual(len(new), 10)
        self.assertTrue(all("replaces" in e["payload"] for e in new))

    def test_the_amendments_of_a_period_are_a_workbook_with_the_rows_of_the_csv(self):
        self.first_poll()
        changed = self.school.ask("POST", "amend-n", {"count": 4, "to": "I"})["changed"]
        self.assertTrue(changed)
        self.poll(SECOND_POLL)
        file = self.folder / "amendments.xlsx"
        self.rollbook("report", "amendments", "--out", file)
        rows = list(csv.reader(io.StringIO(self.rollbook("report", "amendments", "--format", "csv").stdout)))
        self.assertEqual(len(rows), len(changed) + 1)
        self.assertEqual(self.sheet(file, 1), rows)
        self.assertIn(["Register amendments"], self.sheet(file, 2))
        self.rollbook("report", "amendments", "--from", "2025-11-22", "--out", file)
        self.assertEqual(self.sheet(file, 1), rows[:1])

    def sheet(self, file, number):
        """A sheet's rows as texts, read with Python's own parts. No cell may be a formula."""
        main = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
        with zipfile.ZipFile(file) as workbook:
            shared = [text_in(each) for each in ElementTree.fromstring(workbook.read("xl/sharedStrings.xml"))]
            sheet = ElementTree.fromstring(workbook.read(f"xl/worksheets/sheet{number}.xml"))
        self.assertIsNone(sheet.find(f".//{main}f"))
        rows = []
        for row in sheet.iter(f"{main}row"):
            cells = [(cell.get("r"), cell.get("t"), text_in(cell)) for cell in row]
            columns = {ord(place[0]) - ord("A"): shared[int(text)] if kind == "s" else text for place, kind, text in cells}
            rows.append([columns.get(i, "") for i in range(max(columns) + 1)])
        width = max(map(len, rows))
        return [row + [""] * (width - len(row)) for row in rows]

    def test_a_new_crossing_opens_and_is_told_once_and_again_when_its_stage_goes_up(self):
        self.first_poll()
        student, mornings = self.quiet_pupil(5)
        for day in mornings[:3]:
            self.school.amend(student, day, "AM", "L")
        self.poll(SECOND_POLL)
        ref = self.pupil(f"mis:{student}")["ref"]
        mine = [a for a in self.alerts() if a["pupil"]["ref"] == ref]
        self.assertEqual([(a["rule"], a["stage"], a["state"], a["value"]) for a in mine],
                         [("repeated-lateness", "tutor", "open", 3)])
        self.assertEqual(mine[0]["opened_at"][:19], SECOND_POLL[:19])
        mails = self.school.mails()
        self.assertEqual(len(mails), 2)
        first = mails[1]
        self.assertIn(ref, first["headers"]["Subject"])
        self.assertIn(ref, text_of(first))

        for day in mornings[3:]:
            self.school.amend(student, day, "AM", "L")
        self.poll(THIRD_POLL)
        mine = [a for a in self.alerts() if a["pupil"]["ref"] == ref]
        self.assertEqual([(a["rule"], a["stage"], a["state"], a["value"]) for a in mine],
                         [("repeated-lateness", "letter", "open", 5)])
        self.assertEqual(len(mine[0]["evidence"]), 5)
        mails = self.school.mails()
        self.assertEqual(len(mails), 3)
        self.assertNotEqual(mails[2]["message_id"], first["message_id"])
        self.assertEqual(mails[2]["headers"]["References"], first["message_id"])

        size = self.size()
        self.poll(FOURTH_POLL)
        self.assertEqual(len(self.school.mails()), 3)
        self.assertEqual(self.size(), size)

    def test_a_crossing_taken_back_is_withdrawn_and_never_deleted(self):
        self.first_poll()
        student, mornings = self.quiet_pupil(3)
        for day in mornings:
            self.school.amend(student, day, "AM", "L")
        self.poll(SECOND_POLL)
        opened = [a for a in self.alerts(state="open") if a["state"] == "open"]
        self.assertEqual(len(opened), 1)
        for day in mornings:
            self.school.amend(student, day, "AM", "/")
        self.poll(THIRD_POLL)
        now = {a["id"]: a for a in self.alerts()}[opened[0]["id"]]
        self.assertEqual((now["state"], now["opened_at"]), ("withdrawn", opened[0]["opened_at"]))
        self.assertEqual([a for a in self.alerts("--known-at", SECOND_POLL) if a["id"] == now["id"]], opened)

    def test_marks_of_a_new_school_day_are_new_and_were_learned_between_two_reads(self):
        self.first_poll()
        self.school.ask("POST", "advance", {"days": 1})
        monday = self.school.get("school")["last_day"]
        self.poll("2025-11-24T17:00:00Z")
        row = self.statement(self.now)["mis", "session-mark"]
        self.assertEqual((row["new"], row["balanced"]), (2 * self.pupils, True))
        student = sorted(self.school.known_pupils)[0]
        marks = [m for m in self.pupil(f"mis:{student}")["marks"] if m["date"] == monday]
        self.assertEqual(len(marks), 2)
        for mark in marks:
            self.assertFalse(mark["backfill"])
            self.assertEqual(mark["learned"]["after"][:19], FIRST_POLL[:19])
            self.assertEqual(mark["learned"]["by"][:19], self.now[:19])


class Periods(ScenarioTest):
    def by(self, what, *words):
        rows = self.read("statement", "--by", what, *words)
        return {(r["period"], r["source"], r["record"]): r for r in rows}

    def test_what_comes_late_reopens_the_day_it_is_about_and_a_statement_by_day_and_term_adds_up(self):
        self.first_poll()
        student = sorted(self.school.known_pupils)[3]
        day = sorted({m["date"] for m in self.school.marks(student)})[-4]
        self.assertEqual([r for r in self.by("day").values() if r["reopened_at"]], [])

        behaviour = self.school.wonde("behaviours?include=students&per_page=500")[0]
        midnight = {"date": f"{day} 00:00:00.000000", "timezone_type": 3, "timezone": "Europe/London"}
        self.school.row("behaviours", {**behaviour, "id": "A7999999999", "incident_date": midnight})
        before = self.school.marks(student)
        code = next(m["code"] for m in before if m["date"] == day and m["session"] == "AM")
        self.school.amend(student, day, "AM", "I" if code != "I" else "M")
        self.poll(SECOND_POLL)

        rows = self.by("day")
        for record in ("session-mark", "incident"):
            late = rows[day, "mis", record]
            self.assertEqual((late["late"], late["reopened_at"][:19]), (1, SECOND_POLL[:19]), record)
        self.assertEqual({p for (p, _, _), r in rows.items() if r["reopened_at"]}, {day})
        today = rows[SECOND_POLL[:10], "mis", "session-mark"]
        self.assertEqual((today["reads"], today["read"], today["changed"], today["balanced"]),
                         (2, 2 * self.school.ready["marks"], 1, True))
        self.assertEqual(today["read"], sum(today[k] for k in ("new", "changed", "unchanged", "duplicate", "quarantined")))
        term = [r for (_, source, record), r in self.by("term").items() if (source, record) == ("mis", "session-mark")]
        self.assertEqual([(r["reads"], r["late"], r["reopened_at"]) for r in term], [(2, 0, None)])
        pupils = rows[SECOND_POLL[:10], "mis", "pupil"]
        self.assertEqual((pupils["source_total"], pupils["held"]), (self.pupils, self.pupils))
        self.assertEqual([r for r in self.by("day", "--known-at", FIRST_POLL).values() if r["reopened_at"]], [])


class Deletions(ScenarioTest):
    def test_a_deleted_mark_vanishes_from_figures_and_comes_back_when_it_is_restored(self):
        self.first_poll()
        student, mornings = self.quiet_pupil(1)
        ref = self.pupil(f"mis:{student}")["ref"]
        before, figures = self.pupil(ref)["marks"], self.figures(ref)
        gone = [m for m in self.school.marks(student) if m["date"] == mornings[0] and m["session"] == "AM"]
        self.school.ask("POST", "delete", {"marks": [gone[0]["id"]]})
        self.poll(SECOND_POLL)
        row = self.statement(SECOND_POLL)["mis", "session-mark"]
        self.assertEqual((row["vanished"], row["new"], row["changed"], row["balanced"]), (1, 0, 0, True))
        left = self.pupil(ref)["marks"]
        self.assertEqual(left, [m for m in before if (m["date"], m["session"]) != (mornings[0], "AM")])
        self.assertEqual(self.figures(ref), {**figures, "present": figures["present"] - 1,
                                             "possible": figures["possible"] - 1})
        found = self.findings("record-vanished")
        self.assertEqual([f["pupil"]["ref"] for f in found], [ref])
        self.assertEqual(self.pupil(ref, "--known-at", FIRST_POLL)["marks"], before)

        self.school.ask("POST", "restore", {"marks": [gone[0]["id"]]})
        self.poll(THIRD_POLL)
        row = self.statement(THIRD_POLL)["mis", "session-mark"]
        self.assertEqual((row["restored"], row["changed"], row["new"], row["vanished"]), (1, 1, 0, 0))
        self.assertTrue(row["balanced"])
        self.assertEqual([(m["date"], m["session"], m["raw"]) for m in self.pupil(ref)["marks"]],
                         [(m["date"], m["session"], m["raw"]) for m in before])
        self.assertEqual(self.figures(ref), figures)
        self.assertEqual(self.findings("record-vanished"), [])
        self.assertEqual([f["id"] for f in self.findings("record-vanished", state="all")], [found[0]["id"]])
        then = self.read("findings", "list", "--kind", "record-vanished", "--known-at", SECOND_POLL)
        self.assertEqual(then, found)
        self.assertEqual(self.read("findings", "list", "--kind", "record-vanished", "--known-at", FIRST_POLL), [])
        left_then = self.pupil(ref, "--known-at", SECOND_POLL)["marks"]
        self.assertEqual(left_then, left)
        self.verify()

    def test_a_pupil_who_leaves_the_roll_keeps_marks_and_history(self):
        self.first_poll()
        student = sorted(self.school.known_pupils)[10]
        before = self.pupil(f"mis:{student}")
        self.school.ask("POST", "delete", {"students": [student]})
        self.poll(SECOND_POLL)
        row = self.statement(SECOND_POLL)["mis", "pupil"]
        self.assertEqual((row["read"], row["vanished"], row["balanced"]), (self.pupils - 1, 1, True))
        after = self.pupil(before["ref"])
        self.assertEqual(after["marks"], before["marks"])
        self.assertEqual(after["figures"], before["figures"])

    def test_an_alert_of_a_pupil_who_leaves_and_comes_back_goes_on_by_what_is_known(self):
        self.first_poll()
        student, mornings = self.quiet_pupil(5)
        for day in mornings[:3]:
            self.school.amend(student, day, "AM", "L")
        self.poll(SECOND_POLL)
        ref = self.pupil(f"mis:{student}")["ref"]

        def mine():
            return [(a["id"], a["stage"], a["state"], a["value"]) for a in self.alerts()
                    if a["pupil"] and a["pupil"]["ref"] == ref and a["rule"] == "repeated-lateness"]

        (alert, *_), = opened = mine()
        self.assertEqual(opened, [(alert, "tutor", "open", 3)])
        # It stands while the pupil is off the roll: the marks are there, and so is what the lead has to do.
        self.school.ask("POST", "delete", {"students": [student]})
        self.poll(THIRD_POLL)
        self.assertEqual(mine(), opened)
        mails = len(self.school.mails())
        self.poll(FOURTH_POLL)
        self.assertEqual((mine(), len(self.school.mails())), (opened, mails))
        # Nothing new is opened for who is not there, whatever is amended.
        for mark in self.school.marks(student)[-12:]:
            if mark["date"] not in mornings:
                self.school.amend(student, mark["date"], mark["session"], "O")
        self.poll("2025-11-21T20:30:00Z")
        rules = {a["rule"] for a in self.alerts() if a["pupil"] and a["pupil"]["ref"] == ref}
        self.assertEqual(rules, {"repeated-lateness"})
        # Back again: the same pupil, the same alert, and what was crossed meanwhile is told.
        self.school.ask("POST", "restore", {"students": [student]})
        for day in mornings[3:]:
            self.school.amend(student, day, "AM", "L")
        self.poll("2025-11-21T21:00:00Z")
        self.assertEqual(self.pupil(f"mis:{student}")["ref"], ref)
        self.assertEqual(mine(), [(alert, "letter", "open", 5)])
        self.assertEqual(self.read("alerts", "show", alert)["state"], "open")
        # Gone again, and the lates with the days: it ends by itself, and says why.
        self.school.ask("POST", "delete", {"students": [student]})
        for day in range(12):
            self.school.ask("POST", "advance", {"days": 1})
        self.poll(self.school.get("school")["last_day"] + "T17:00:00Z")
        (number, _, state, value), = mine()
        self.assertEqual((number, state, value), (alert, "resolved", 0))
        self.assertEqual(next(a["reason"] for a in self.alerts() if a["id"] == alert),
                         "0 late sessions in the last 10 school days; fewer than 3.")
        self.verify()


if __name__ == "__main__":
    main()
