"""SIMS as the MIS: session marks as CommandReporter writes them to a file, CSV and XML, with the mappings that are shipped.
The marks are those of the simulated school, so that every figure can be held against its own count."""

import csv
import io
import re

from support import FIRST_POLL, REPOSITORY, SECOND_POLL, THIRD_POLL, ScenarioTest, main

MAPPINGS = REPOSITORY / "connectors/report/mappings"
HEADINGS = ["UPN", "Adno", "Surname", "Forename", "Reg", "Mark Date", "Session", "Mark", "Minutes Late", "Comments"]


class Sims(ScenarioTest):
    pupils, days = 15, 10

    def setUp(self):
        super().setUp()
        self.exports = self.folder / "exports"
        self.exports.mkdir()
        self.use("sims-marks.toml")
        source = re.compile(r'\[\[source\]\]\nname = "mis".*?(?=\[rules\])', re.S)
        self.config.write_text(source.sub(
            '[[source]]\nname = "mis"\nrole = "mis"\nconnector = "report"\npoll_every = "5m"\n'
            '[source.settings]\nfolder = "exports"\nmapping = "mapping.toml"\n\n', self.config.read_text()))
        # The simulated school gives some pupils no UPN; SIMS does, and so does this export.
        self.upn = {s: p["upn"] or f"A{n:012}" for n, (s, p) in enumerate(sorted(self.school.known_pupils.items()))}

    def use(self, name):
        text = (MAPPINGS / name).read_text().replace('settle = "60s"', 'settle = "0s"')
        (self.folder / "mapping.toml").write_text(text)

    def rows(self, **changed):
        rows = []
        for number, mark in enumerate(self.school.marks()):
            pupil = self.school.known_pupils[mark["student"]]
            year, month, day = mark["date"].split("-")
            rows.append({"UPN": self.upn[mark["student"]], "Adno": f"{int(re.sub('[^0-9]', '', mark['student'])) % 10**6:06}",
                         "Surname": pupil["surname"], "Forename": pupil["forename"], "Reg": "9B",
                         "Mark Date": f"{day}/{month}/{year}", "Session": mark["session"], "Mark": mark["code"],
                         "Minutes Late": "12" if mark["code"] == "L" else "", "Comments": ""})
        return rows

    def put(self, rows, name="marks.csv"):
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, HEADINGS, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)
        (self.exports / name).write_bytes(out.getvalue().encode("cp1252"))

    def put_xml(self, rows):
        def text(value):
            return value.replace("&", "&amp;").replace("<", "&lt;")
        lines = ["<SuperStarReport>"]
        for row in rows:
            cells = {k.replace(" ", "_x0020_"): v for k, v in row.items() if v}
            lines.append("<Record>" + "".join(f"<{k}>{text(v)}</{k}>" for k, v in cells.items()) + "</Record>")
        (self.exports / "marks.xml").write_text("".join(lines) + "</SuperStarReport>")

    def marks_of(self, at):
        return self.statement(at)["mis", "session-mark"]

    def every_figure_by_upn(self):
        span = ("--from", self.school.first_day, "--to", self.school.last_day)
        return {s: self.figures(f"mis:{upn}", *span) for s, upn in self.upn.items()}

    def test_every_figure_is_that_of_the_school_whether_it_came_as_csv_or_as_xml(self):
        rows = self.rows()
        self.put(rows)
        self.first_poll()
        self.assertEqual(self.marks_of(FIRST_POLL)["new"], len(rows))
        self.assertEqual(self.every_figure_by_upn(), self.true_figures())
        self.use("sims-marks-xml.toml")
        self.put_xml(rows)
        self.poll(SECOND_POLL)
        # Comments are not mapped there, and were empty: nothing differs.
        again = self.marks_of(SECOND_POLL)
        self.assertEqual((again["read"], again["unchanged"]), (len(rows), len(rows)))

    def test_a_mark_amended_weeks_later_is_a_new_version_and_one_left_out_stays(self):
        rows = self.rows()
        self.put(rows)
        self.first_poll()
        absent = next(r for r in rows if r["Mark"] == "/")
        rows.remove(absent)
        late = rows[3]
        late["Mark"] = "I"
        self.put(rows)
        self.poll(SECOND_POLL)
        found = self.marks_of(SECOND_POLL)
        self.assertEqual((found["changed"], found["vanished"], found["unchanged"]), (1, 0, len(rows) - 1))
        late["Mark"] = "-"
        self.put(rows)
        self.poll(THIRD_POLL)
        pupil = self.pupil(f"mis:{late['UPN']}")
        day, month, year = late["Mark Date"].split("/")
        [mark] = [m for m in pupil["marks"] if m["date"] == f"{year}-{month}-{day}" and m["session"] == late["Session"]]
        self.assertEqual((mark["raw"], mark["code"], mark["class"]), ("-", None, "none"))

    def test_two_rows_for_one_session_are_told_and_the_first_counts(self):
        rows = self.rows()
        self.put(rows + [{**rows[0], "Mark": "N"}])
        self.first_poll()
        self.assertEqual(self.marks_of(FIRST_POLL)["duplicate"], 1)

    def test_codes_as_schools_write_them(self):
        rows = self.rows()
        for row, mark in zip(rows, ["l ", "C1", "Y7", "X01", "9Q", "", " "]):
            row["Mark"] = mark
        rows[0]["Minutes Late"] = "late"
        self.put(rows)
        self.first_poll()
        found = self.marks_of(FIRST_POLL)
        self.assertEqual((found["new"], found["quarantined"]), (len(rows) - 1, 1))
        marks = {}
        for row in rows[1:7]:
            day, month, year = row["Mark Date"].split("/")
            for mark in self.pupil(f"mis:{row['UPN']}")["marks"]:
                if mark["date"] == f"{year}-{month}-{day}" and mark["session"] == row["Session"]:
                    marks[row["Mark"]] = (mark["raw"], mark["code"], mark["class"])
        self.assertEqual(marks, {
            "C1": ("C1", "C1", "authorised"), "Y7": ("Y7", "Y7", "not_required"), "X01": ("X01", "X", "not_required"),
            "9Q": ("9Q", None, "unmapped"), "": ("", None, "none"), " ": ("", None, "none"),
        })
        self.assertEqual(len(self.findings("mark-unmapped")), 1)

    def test_an_admission_number_without_its_zeros_and_a_renamed_heading(self):
        rows = self.rows()
        rows[0]["Adno"] = "7123"
        self.put(rows)
        self.first_poll()
        self.assertEqual(self.marks_of(FIRST_POLL)["quarantined"], 1)
        self.put(rows)
        text = (self.exports / "marks.csv").read_text(encoding="cp1252")
        (self.exports / "marks.csv").write_text(text.replace("Mark Date", "Date", 1), encoding="cp1252")
        self.assertIn('no column "Mark Date"', self.poll(SECOND_POLL, code=1).stderr)


if __name__ == "__main__":
    main()
