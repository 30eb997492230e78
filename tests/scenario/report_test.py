"""A folder of safeguarding exports, read by the real program beside the simulated MIS. The files are written here, by
Python's own csv and zip, and never by Rollbook's code."""

import contextlib
import csv
import io
import os
import random
import re
import select
import sqlite3
import subprocess
import zipfile
from datetime import datetime, timezone

from support import FIRST_POLL, ROLLBOOK, SECOND_POLL, THIRD_POLL, ScenarioTest, main

HEADINGS = ["incident_ref", "incident_at", "entered_at", "pupil_upn", "pupil_mis_id", "linked_pupils", "category",
            "subcategory", "text", "author", "alerted", "action_of", "status", "assigned_to"]

MAPPING = """record = "concern"
files = "*.csv"
format = { delimiter = ",", encoding = "utf-8" }
settle = "0s"
after_import = "remove"
expect_every = "7d"
key = ["incident_ref"]
[columns]
incident_ref = "incident_ref"
incident_at = { from = "incident_at", formats = ["%Y-%m-%dT%H:%M", "%d/%m/%Y %H:%M"] }
entered_at = { from = "entered_at", formats = ["%Y-%m-%dT%H:%M"] }
pupil_upn = "pupil_upn"
pupil_mis_id = "pupil_mis_id"
linked_pupils = { from = "linked_pupils", split = ";" }
category = { from = "category", split = ";" }
subcategory = "subcategory"
status = "status"
assigned_to = "assigned_to"
[[rename]]
field = "category"
from = "Behaviour"
to = "Behaviour and relationships"
since = 2025-11-01
"""

XML_MAPPING = MAPPING.replace('"*.csv"', '"*.xml"').replace(
    'format = { delimiter = ",", encoding = "utf-8" }', 'format = { kind = "xml", row = "Report/Record" }')
XLSX_MAPPING = MAPPING.replace('"*.csv"', '"*.xlsx"').replace(
    'format = { delimiter = ",", encoding = "utf-8" }', 'format = { kind = "xlsx", sheet = "Data" }')

SECRET = "What the pupil said, which nobody here may keep"


def escape(text):
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def xml(rows, encoding="utf-8", declared=None):
    """A report as XML: an element a row, one in it for each value that is not empty."""
    out = [f'<?xml version="1.0" encoding="{declared or encoding}"?>\n<Report xmlns="urn:example">']
    for row in rows:
        out.append("<Record>" + "".join(f"<{k}>{escape(v)}</{k}>" for k, v in row.items() if v != "") + "</Record>")
    return "\n".join([*out, "</Report>\n"]).encode(encoding)


def column_name(number):
    name = ""
    while number >= 0:
        name, number = chr(65 + number % 26) + name, number // 26 - 1
    return name


class Date(float):
    """A day number that the workbook shows as a date."""


def xlsx(rows, headings=HEADINGS, extra=(), epoch_1904=False):
    """A workbook as a spreadsheet saves it: texts shared, dates as day numbers, empty cells left out."""
    texts, lines = [], []

    def cell(at, value):
        if isinstance(value, Date):
            return f'<c r="{at}" s="1"><v>{float(value)!r}</v></c>'
        if isinstance(value, (int, float)):
            return f'<c r="{at}"><v>{value}</v></c>'
        if value.startswith("inline:"):
            return f'<c r="{at}" t="inlineStr"><is><t>{escape(value[7:])}</t></is></c>'
        if value.startswith("#"):
            return f'<c r="{at}" t="e"><v>{value}</v></c>'
        if value not in texts:
            texts.append(value)
        return f'<c r="{at}" t="s"><v>{texts.index(value)}</v></c>'

    for number, row in enumerate([dict(zip(headings, headings)), *rows], 1):
        cells = [cell(f"{column_name(i)}{number}", row[h]) for i, h in enumerate(headings) if row.get(h, "") != ""]
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    main_ns = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    relations = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/workbook.xml", f'{head}<workbook {main_ns} {relations}><workbookPr date1904="{int(epoch_1904)}"/>'
                      '<sheets><sheet name="Notes" sheetId="1" r:id="rId9"/><sheet name="Data" sheetId="2" r:id="rId1"/>'
                      "</sheets></workbook>")
        book.writestr("xl/_rels/workbook.xml.rels", f'{head}<Relationships xmlns="urn:x"><Relationship Id="rId1" '
                      'Target="worksheets/sheet1.xml"/><Relationship Id="rId9" Target="worksheets/gone.xml"/></Relationships>')
        book.writestr("xl/styles.xml", f'{head}<styleSheet {main_ns}><numFmts><numFmt numFmtId="164" '
                      'formatCode="dd/mm/yyyy\\ hh:mm"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
                      '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>')
        shared = "".join(f"<si><t>{escape(t)}</t><rPh><t>spoken</t></rPh></si>" for t in texts)
        book.writestr("xl/sharedStrings.xml", f"{head}<sst {main_ns}>{shared}</sst>")
        book.writestr("xl/worksheets/sheet1.xml",
                      f'{head}<worksheet {main_ns}><sheetData>{"".join(lines)}</sheetData></worksheet>')
        for name, content in extra:
            book.writestr(name, content)
    return out.getvalue()


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc).timestamp()


class ReportFolder(ScenarioTest):
    pupils, days = 20, 10

    def setUp(self):
        super().setUp()
        self.exports = self.folder / "exports"
        self.exports.mkdir()
        text = self.config.read_text()
        source = re.compile(r'\[\[source\]\]\nname = "safeguarding".*?(?=\[rules\])', re.S)
        self.config.write_text(source.sub(
            '[[source]]\nname = "cpoms"\nrole = "safeguarding"\nconnector = "report"\npoll_every = "5m"\n'
            '[source.settings]\nfolder = "exports"\nmapping = "cpoms-mapping.toml"\n\n', text))
        self.mapping(MAPPING)
        self.upns = sorted(p["upn"] for p in self.school.known_pupils.values() if p["upn"])
        self.mis_ids = {p["upn"]: s for s, p in self.school.known_pupils.items()}

    def mapping(self, text, *changes):
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        (self.folder / "cpoms-mapping.toml").write_text(text)

    def row(self, number, pupil=0, **more):
        row = {"incident_ref": f"INC-{number:03}", "incident_at": "2025-11-10T11:20", "entered_at": "2025-11-11T08:05",
               "pupil_upn": self.upns[pupil], "pupil_mis_id": "", "category": "Attendance", "text": SECRET,
               "author": "J Okoro", "status": "Open", "assigned_to": "A Lead"}
        return {**row, **more}

    def csv(self, rows, headings=HEADINGS, **style):
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, headings, extrasaction="ignore", **{"lineterminator": "\r\n", **style})
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue()

    def put(self, name, content, time=None):
        path = self.exports / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        if time:
            os.utime(path, (instant(time), instant(time)))
        return path

    def left(self):
        return sorted(p.name for p in self.exports.iterdir())

    def cpoms(self, at, record="concern"):
        return self.statement(at)["cpoms", record]

    def concerns(self):
        return [e for e in self.entries() if e["what"] == "concern"]

    def quarantine(self):
        with contextlib.closing(sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True)) as database:
            return database.execute("SELECT record, reason, row FROM quarantine ORDER BY id").fetchall()

    def nowhere_in_the_ledger(self, text):
        for path in self.folder.glob("ledger.db*"):
            self.assertNotIn(text.encode(), path.read_bytes(), path.name)

    def test_flags_are_what_the_mapping_says_means_yes_and_anything_else_unclear_is_put_aside(self):
        self.mapping('record = "pupil"\nfiles = "*.csv"\nsettle = "0s"\n[columns]\nupn = "UPN"\n'
                     'pupil_sen_support = { from = "SEN", in = ["K", "SEN Support"] }\n'
                     'pupil_ehcp = { from = "SEN", in = ["E"] }\npupil_pupil_premium = "PP"\n'
                     'pupil_eal = { from = "EAL", optional = true }\n')
        rows = [{"UPN": upn, "SEN": sen, "PP": pp, "EAL": eal} for upn, (sen, pp, eal) in zip(self.upns, (
            ("k", "Yes", "true"), ("E", "N", ""), ("", "", "n"), ("N", "0", "1"), ("K", "Ever 6", ""), ("", "no", "?")))]
        self.put("pupils.csv", self.csv(rows, ["UPN", "SEN", "PP", "EAL"]))
        self.first_poll()
        held = {e["payload"]["fields"]["upn"]: e["payload"]["fields"]["flags"]
                for e in self.entries("--kind", "pupil") if e["source"] == "cpoms"}
        self.assertEqual([held.get(upn) for upn in self.upns[:6]],
                         [["eal", "pupil_premium", "sen_support"], ["ehcp"], [], ["eal"], None, None])
        told = str(self.read("quarantine", "list"))
        for words in ("pupil_pupil_premium is neither yes nor no", "pupil_eal is neither yes nor no"):
            self.assertIn(words, told)
        self.assertNotIn("Ever 6", told)

    def test_a_file_becomes_concerns_with_their_pupils_linked_to_the_mis_and_then_it_is_gone(self):
        self.put("export.csv", self.csv([
            self.row(1, 0, linked_pupils=f"{self.upns[1]}; {self.upns[2]}", category="Behaviour; Attendance"),
            self.row(2, 3, incident_at="12/11/2025 09:05"),
        ]))
        self.first_poll()
        self.assertEqual(self.left(), [])
        concern = self.cpoms(FIRST_POLL)
        self.assertEqual((concern["read"], concern["new"], concern["quarantined"], concern["balanced"]), (2, 2, 0, True))
        self.assertEqual(self.cpoms(FIRST_POLL, "involvement")["new"], 4)
        self.assertEqual(self.cpoms(FIRST_POLL, "pupil")["new"], 4)
        first, second = sorted(self.concerns(), key=lambda e: e["index"])
        self.assertEqual(first["payload"]["fields"]["incident_at"], "2025-11-10T11:20:00")
        self.assertEqual(first["payload"]["fields"]["entered_at"], "2025-11-11T08:05:00.000Z")
        self.assertEqual(first["payload"]["fields"]["categories"], ["Behaviour", "Attendance"])
        self.assertEqual(second["payload"]["fields"]["incident_at"], "2025-11-12T09:05:00")
        for upn in self.upns[:4]:
            pupil = self.pupil(f"cpoms:{upn}")
            self.assertEqual(pupil["source_ids"]["mis"], [self.mis_ids[upn]])
        self.verify()

    def test_columns_that_are_not_mapped_are_stored_nowhere_not_even_of_a_row_put_aside(self):
        self.put("export.csv", self.csv([self.row(1, text=SECRET), self.row(2, incident_at="yesterday", text=SECRET)]))
        self.first_poll()
        self.assertEqual(self.cpoms(FIRST_POLL)["quarantined"], 1)
        self.assertIn("incident_at", self.quarantine()[0][1])
        self.nowhere_in_the_ledger(SECRET)
        self.nowhere_in_the_ledger("Okoro")

    def test_quoted_line_ends_a_byte_order_mark_and_another_delimiter_are_read(self):
        self.mapping(MAPPING, ('delimiter = ","', 'delimiter = ";"'))
        rows = [self.row(1, subcategory='Said "no",\r\nthen left; twice', text="a\nb")]
        self.put("export.csv", b"\xef\xbb\xbf" + self.csv(rows, delimiter=";").encode())
        self.first_poll()
        fields = self.concerns()[0]["payload"]["fields"]
        self.assertEqual(fields["subcategory"], 'Said "no",\r\nthen left; twice')

    def test_utf_16_is_known_by_its_mark_and_windows_1252_by_the_mapping(self):
        rows = [self.row(1, subcategory="Zoë’s café – 5 €")]
        self.put("a.csv", self.csv(rows).encode("utf-16"))
        self.first_poll()
        self.mapping(MAPPING, ('encoding = "utf-8"', 'encoding = "windows-1252"'))
        rows = [self.row(2, subcategory="Zoë’s café – 5 €")]
        self.put("b.csv", self.csv(rows).encode("cp1252"))
        self.poll(SECOND_POLL)
        self.assertEqual([e["payload"]["fields"]["subcategory"] for e in self.concerns()], ["Zoë’s café – 5 €"] * 2)

    def test_what_a_spreadsheet_spoilt_is_put_aside_with_the_field_and_never_guessed(self):
        self.put("export.csv", self.csv([
            self.row(1, pupil_upn="1.23457E+12"),
            self.row(2, pupil_upn="123456789012"),
            self.row(3, incident_at="45971"),
            self.row(4, incident_at="45971.4722"),
            self.row(5, pupil_upn="", pupil_mis_id="4.56E+08"),
            self.row(6, pupil_upn="", pupil_mis_id=""),
            self.row(7, entered_at="11/11/25 08:05"),
            self.row(8, incident_ref=""),
            self.row(9),
        ]))
        self.first_poll()
        concern = self.cpoms(FIRST_POLL)
        self.assertEqual((concern["read"], concern["new"], concern["quarantined"], concern["balanced"]), (9, 1, 8, True))
        reasons = [reason for _, reason, _ in self.quarantine()]
        self.assertEqual(reasons, [
            "pupil_upn was turned into a number by a spreadsheet",
            "pupil_upn does not have the form of a UPN",
            "incident_at is a spreadsheet's day number, not a date",
            "incident_at is a spreadsheet's day number, not a date",
            "pupil_mis_id was turned into a number by a spreadsheet",
            "the row names no pupil",
            "entered_at is a date in none of its forms",
            "incident_ref is empty, and is part of the key",
        ])

    def test_leading_zeros_that_were_lost_are_seen_where_the_mapping_says_how_many_figures_there_are(self):
        self.mapping(MAPPING, ('pupil_mis_id = "pupil_mis_id"', 'pupil_mis_id = { from = "pupil_mis_id", digits = 6 }'))
        self.put("export.csv", self.csv([self.row(1, pupil_mis_id="7123"), self.row(2, pupil_mis_id="007123")]))
        self.first_poll()
        self.assertEqual(self.cpoms(FIRST_POLL)["new"], 1)
        self.assertEqual(self.quarantine()[0][1], "pupil_mis_id has lost its leading zeros")

    def test_an_incident_of_several_pupils_listed_once_for_each_is_one_concern(self):
        one, two, three = self.upns[:3]
        rows = [self.row(1, 0, linked_pupils=f"{two};{three}"), self.row(1, 1, linked_pupils=f"{one};{three}"),
                self.row(1, 2, linked_pupils=f"{one};{two}")]
        self.put("export.csv", self.csv(rows))
        self.first_poll()
        self.assertEqual(len(self.concerns()), 1)
        self.assertEqual(self.cpoms(FIRST_POLL)["duplicate"], 2)
        involved = self.cpoms(FIRST_POLL, "involvement")
        self.assertEqual((involved["read"], involved["new"], involved["duplicate"]), (9, 3, 6))

    def test_without_a_reference_the_key_comes_from_pupils_time_and_author(self):
        self.mapping(MAPPING, ('key = ["incident_ref"]\n', ""), ('incident_ref = "incident_ref"\n', 'author = "author"\n'))
        one, two = self.upns[:2]
        self.put("a.csv", self.csv([
            self.row(1, 0, linked_pupils=two), self.row(2, 1, linked_pupils=one), # one incident, told twice
            self.row(3, 0), self.row(4, 0, author="B Shah"), self.row(5, 0, incident_at="2025-11-10T11:21"),
        ]))
        self.first_poll()
        self.assertEqual(len(self.concerns()), 4)
        self.put("b.csv", self.csv([self.row(3, 0, status="Closed")]))
        self.poll(SECOND_POLL)
        self.assertEqual(self.cpoms(SECOND_POLL)["changed"], 1)
        self.nowhere_in_the_ledger("Shah")

    def test_a_category_that_was_renamed_is_one_category_before_and_after(self):
        rows = [self.row(1, category="Behaviour", entered_at="2025-10-20T09:00", incident_at="2025-10-20T08:50"),
                self.row(2, category="Behaviour")]
        self.put("a.csv", self.csv(rows))
        self.first_poll()
        rows[0]["category"] = "Behaviour and relationships"
        self.put("b.csv", self.csv(rows))
        self.poll(SECOND_POLL)
        concern = self.cpoms(SECOND_POLL)
        self.assertEqual((concern["changed"], concern["unchanged"]), (0, 2))

    def test_the_same_file_again_does_nothing_and_is_gone_too(self):
        content = self.csv([self.row(1), self.row(2, 1)])
        self.put("a.csv", content)
        self.first_poll()
        size = self.size()
        self.put("a again.csv", content)
        self.poll(SECOND_POLL)
        self.assertEqual(self.left(), [])
        self.assertEqual([e for e in self.entries() if e["index"] >= size and e["source"] == "cpoms"], [])
        self.assertNotIn(("cpoms", "concern"), self.statement(SECOND_POLL))

    def test_files_wait_their_turn_oldest_first_and_each_is_a_read_of_its_own(self):
        self.put("z.csv", self.csv([self.row(1, status="Open")]), "2025-11-20T10:00:00Z")
        self.put("a.csv", self.csv([self.row(1, status="Closed")]), "2025-11-21T10:00:00Z")
        self.first_poll()
        self.assertEqual([e["payload"]["fields"]["status"] for e in self.concerns()], ["Open", "Closed"])
        self.assertEqual(self.left(), [])

    def test_a_file_is_left_alone_until_it_has_been_still_for_the_time_told(self):
        self.mapping(MAPPING, ('settle = "0s"', 'settle = "60s"'))
        self.put("a.csv", self.csv([self.row(1)]), "2025-11-21T16:59:30Z")
        self.first_poll()
        self.assertEqual((self.left(), self.concerns()), (["a.csv"], []))
        self.poll("2025-11-21T17:00:30Z")
        self.assertEqual((self.left(), len(self.concerns())), ([], 1))

    def test_a_file_that_ends_in_the_middle_of_a_row_is_refused_whole(self):
        whole = self.csv([self.row(n, n % 10, subcategory="a,b") for n in range(1, 40)])
        self.init()
        for cut in (whole[:-60], whole[:-25], whole[: whole.index("INC-020") + 30], whole[: whole.rindex('"a,b"') + 3]):
            with self.subTest(cut[-20:]):
                self.put("a.csv", cut)
                told = self.poll(FIRST_POLL, code=1)
                self.assertIn("the file ends inside a row", told.stderr)
                self.assertNotIn("a.csv", told.stderr.replace("*.csv", ""))
                self.assertEqual((self.left(), self.concerns()), (["a.csv"], []))
        sources = {s["name"]: s for s in self.read("status")["sources"]}
        self.assertFalse(sources["cpoms"]["ok"])
        # A good file behind it is read all the same, and the next whole one in its place too.
        self.put("b.csv", self.csv([self.row(90)]))
        self.poll(SECOND_POLL, code=1)
        self.assertEqual((self.left(), len(self.concerns())), (["a.csv"], 1))
        self.put("a.csv", whole)
        self.poll(THIRD_POLL)
        self.assertEqual((self.left(), len(self.concerns())), ([], 40))

    def test_an_export_that_shrank_retires_nothing_until_somebody_says_so(self):
        self.mapping(MAPPING, ("[columns]", "lists_all = true\n[columns]"))
        rows = [self.row(n, n % 20) for n in range(1, 101)]
        self.put("a.csv", self.csv(rows), "2025-11-20T08:00:00Z")
        self.first_poll()
        self.put("b.csv", self.csv(rows[:40]), "2025-11-21T08:00:00Z")
        told = self.poll(SECOND_POLL, code=1)
        self.assertIn("60 of 100 concern records held are missing", told.stderr)
        self.assertEqual(self.left(), ["b.csv"])
        self.assertEqual([e for e in self.concerns() if "gone" in (e["payload"] or {})], [])
        self.poll(THIRD_POLL, "--allow-vanished", "cpoms")
        self.assertEqual(self.cpoms(THIRD_POLL)["vanished"], 60)
        self.assertEqual(self.left(), [])

    def test_an_export_without_rows_retires_nothing(self):
        self.mapping(MAPPING, ("[columns]", "lists_all = true\n[columns]"))
        self.put("a.csv", self.csv([self.row(1), self.row(2, 1)]), "2025-11-20T08:00:00Z")
        self.first_poll()
        self.put("b.csv", self.csv([]), "2025-11-21T08:00:00Z")
        self.assertIn("2 of 2 concern records held are missing", self.poll(SECOND_POLL, code=1).stderr)
        # An empty export that does not list all is simply one without news.
        self.mapping(MAPPING)
        self.poll(THIRD_POLL)
        self.assertEqual(self.left(), [])

    def test_another_mapping_retires_nothing_in_the_first_file_read_by_it(self):
        self.mapping(MAPPING, ("[columns]", "lists_all = true\n[columns]"))
        self.put("a.csv", self.csv([self.row(1), self.row(2, 1)]), "2025-11-20T08:00:00Z")
        self.first_poll()
        self.mapping(MAPPING, ("[columns]", "lists_all = true\n[columns]"), ('subcategory = "subcategory"\n', ""))
        self.put("b.csv", self.csv([self.row(1)]), "2025-11-21T08:00:00Z")
        self.poll(SECOND_POLL)
        self.assertEqual(self.cpoms(SECOND_POLL)["vanished"], 0)

    def test_an_export_by_another_account_retires_nothing_and_the_ledger_says_whose_it_is(self):
        whose = ("[columns]", 'lists_all = true\nexported_by = "DSL group"\n[columns]')
        self.mapping(MAPPING, whose)
        self.put("a.csv", self.csv([self.row(1), self.row(2, 1)]), "2025-11-20T08:00:00Z")
        self.first_poll()
        self.mapping(MAPPING, (whose[0], whose[1].replace("DSL group", "Heads of year")))
        self.put("b.csv", self.csv([self.row(1)]), "2025-11-21T08:00:00Z")
        self.poll(SECOND_POLL)
        self.assertEqual(self.cpoms(SECOND_POLL)["vanished"], 0)
        said = [str(entry["payload"]) for entry in self.entries("--kind", "settings")]
        self.assertTrue(any("DSL group" in one for one in said) and any("Heads of year" in one for one in said))

    def test_an_export_older_than_the_one_read_last_is_refused_where_it_lists_all(self):
        self.mapping(MAPPING, ("[columns]", "lists_all = true\n[columns]"))
        self.put("b.csv", self.csv([self.row(1), self.row(2, 1)]), "2025-11-20T08:00:00Z")
        self.first_poll()
        self.put("a.csv", self.csv([self.row(1)]), "2025-11-19T08:00:00Z")
        self.assertIn("older than the one read last", self.poll(SECOND_POLL, code=1).stderr)
        self.assertEqual(len(self.concerns()), 2)

    def test_a_pupil_who_is_no_longer_linked_leaves_a_list_of_everything(self):
        self.mapping(MAPPING, ("[columns]", "lists_all = true\n[columns]"))
        self.put("a.csv", self.csv([self.row(1, 0, linked_pupils=f"{self.upns[1]};{self.upns[2]}")]), "2025-11-20T08:00:00Z")
        self.first_poll()
        self.put("b.csv", self.csv([self.row(1, 0, linked_pupils=self.upns[2])]), "2025-11-21T08:00:00Z")
        self.poll(SECOND_POLL)
        self.assertEqual(self.cpoms(SECOND_POLL)["unchanged"], 1)
        self.assertEqual(self.cpoms(SECOND_POLL, "involvement")["vanished"], 1)

    def test_times_with_and_without_a_zone_and_on_the_night_the_clocks_change(self):
        self.mapping(MAPPING, ('entered_at = { from = "entered_at", formats = ["%Y-%m-%dT%H:%M"] }',
                               'entered_at = { from = "entered_at", formats = ["%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M"] }'))
        times = {"2025-07-01T08:05": "07:05", "2025-11-01T08:05": "08:05", "2025-07-01T08:05Z": "08:05",
                 "2025-07-01T08:05+05:00": "03:05", "2025-10-26T01:30": "00:30", "2025-03-30T01:30": "01:00"}
        self.put("a.csv", self.csv([self.row(n, entered_at=t, incident_at="2025-10-26T01:30") for n, t in enumerate(times)]))
        self.first_poll()
        self.assertEqual([e["payload"]["fields"]["entered_at"][11:16] for e in self.concerns()], list(times.values()))
        self.assertEqual({e["payload"]["fields"]["incident_at"] for e in self.concerns()}, {"2025-10-26T01:30:00"})

    def test_a_pupil_without_a_upn_is_known_by_the_id_of_the_mis_and_a_stranger_is_told(self):
        known = self.mis_ids[self.upns[0]]
        self.put("a.csv", self.csv([self.row(1, pupil_upn="", pupil_mis_id=known), self.row(2, pupil_upn="Z123456789012")]))
        self.first_poll()
        self.assertEqual(self.pupil(f"cpoms:{known}")["source_ids"]["mis"], [known])
        [stranger] = self.findings("pupil-only-in-safeguarding")
        self.assertEqual(stranger["subject"], {"source": "cpoms", "id": "Z123456789012"})

    def test_rows_missing_from_an_export_that_does_not_list_all_are_not_gone(self):
        self.put("a.csv", self.csv([self.row(1), self.row(2)]))
        self.first_poll()
        self.put("b.csv", self.csv([self.row(3)]))
        self.poll(SECOND_POLL)
        concern = self.cpoms(SECOND_POLL)
        self.assertEqual((concern["new"], concern["vanished"]), (1, 0))

    def test_a_back_dated_row_is_kept_with_both_its_times(self):
        self.put("a.csv", self.csv([self.row(1)]))
        self.first_poll()
        self.put("b.csv", self.csv([self.row(2, incident_at="2025-09-15T10:00", entered_at="2025-11-21T09:00"),
                                    self.row(3, incident_at="2025-12-25T10:00")]))
        self.poll(SECOND_POLL)
        fields = [e["payload"]["fields"] for e in self.concerns()]
        self.assertEqual([f["incident_at"][:10] for f in fields], ["2025-11-10", "2025-09-15", "2025-12-25"])
        self.assertEqual(fields[1]["entered_at"], "2025-11-21T09:00:00.000Z")

    def test_an_overdue_export_makes_the_source_stale_and_says_as_of_when(self):
        self.put("a.csv", self.csv([self.row(1, entered_at="2025-11-13T15:00")]), "2025-11-14T16:00:00Z")
        self.init()
        self.poll("2025-11-18T17:00:00Z")
        self.assertEqual(self.findings("source-stale"), [f for f in self.findings("source-stale") if f["sources"] != ["cpoms"]])
        self.poll("2025-11-25T17:00:00Z")
        stale = [f for f in self.findings("source-stale") if f["sources"] == ["cpoms"]]
        self.assertEqual(len(stale), 1)
        self.assertIn("14 November", stale[0]["explanation"])
        sources = {s["name"]: s for s in self.read("status")["sources"]}
        self.assertEqual(sources["cpoms"]["data_as_of"], "2025-11-14T16:00:00.000Z")
        self.put("b.csv", self.csv([self.row(2)]), "2025-11-25T17:30:00Z")
        self.poll("2025-11-25T18:00:00Z")
        self.assertEqual([f for f in self.findings("source-stale") if f["sources"] == ["cpoms"]], [])

    def test_files_that_may_stay_are_read_once(self):
        self.mapping(MAPPING, ('"remove"', '"leave"\naccept_clear_text = "The DSL accepts this, 1 November 2025"'))
        self.put("a.csv", self.csv([self.row(1)]))
        self.first_poll()
        size = self.size()
        self.poll(SECOND_POLL)
        self.assertEqual(self.left(), ["a.csv"])
        self.assertEqual([e for e in self.entries() if e["index"] >= size and e["source"] == "cpoms"], [])
        self.put("a.csv", self.csv([self.row(1, status="Closed")]))
        self.poll(THIRD_POLL)
        self.assertEqual(self.cpoms(THIRD_POLL)["changed"], 1)

    def test_an_archived_file_is_sealed_and_the_clear_one_is_gone(self):
        (self.folder / "sealed").mkdir()
        self.mapping(MAPPING, ('"remove"', '"archive"'))
        key = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="  # RFC 7748, Alice's public key
        text = self.config.read_text()
        settings = 'folder = "exports"\n'
        self.config.write_text(text.replace(settings, settings + f'archive_folder = "sealed"\narchive_public_key = "{key}"\n'))
        content = self.csv([self.row(1)])
        self.put("a.csv", content, "2025-11-20T08:00:00Z")
        self.first_poll()
        self.assertEqual(self.left(), [])
        kept = list((self.folder / "sealed").iterdir())
        self.assertEqual(len(kept), 1)
        self.assertRegex(kept[0].name, r"^2025-11-20-[0-9a-f]{16}\.sealed$")
        self.assertEqual(kept[0].stat().st_size, len(content.encode()) + 48)
        self.assertNotIn(b"INC-001", kept[0].read_bytes())
        self.assertEqual(kept[0].stat().st_mode & 0o077, 0)

    def test_a_heading_that_is_missing_is_said_and_nothing_is_read(self):
        self.put("a.csv", self.csv([self.row(1)], [h for h in HEADINGS if h != "category"]))
        self.init()
        told = self.poll(FIRST_POLL, code=1)
        self.assertIn('the file has no column "category"', told.stderr)
        self.assertEqual((self.left(), self.concerns()), (["a.csv"], []))

    def test_broken_bytes_spoil_their_own_row_only(self):
        text = self.csv([self.row(1, subcategory="one"), self.row(2, subcategory="two"), self.row(3, subcategory="tri"),
                         self.row(4, text="four")])
        self.put("a.csv", text.encode().replace(b"two", b"t\xffo").replace(b"tri", b"t\0i").replace(b"four", b"f\xff\0r"))
        self.first_poll()
        concern = self.cpoms(FIRST_POLL)
        self.assertEqual((concern["read"], concern["new"], concern["quarantined"]), (4, 2, 2))
        self.assertEqual([reason for _, reason, _ in self.quarantine()],
                         ["subcategory is not text in the encoding that the mapping names",
                          "subcategory holds a NUL byte"])

    def test_a_quotation_mark_that_never_closes_costs_no_memory(self):
        head = self.csv([self.row(1)])
        with open(self.exports / "a.csv", "wb") as out:
            out.write(head.encode() + b'INC-002,"')
            for _ in range(64):
                out.write(b"x" * (1 << 20))
        self.init()
        told = self.poll(FIRST_POLL, code=1)
        self.assertIn("a row is longer than 8 MiB", told.stderr)

    def test_a_report_in_xml_is_read_with_its_attributes_and_elements_in_elements(self):
        self.mapping(XML_MAPPING, ('incident_ref = "incident_ref"', 'incident_ref = "@Id"'),
                     ('pupil_upn = "pupil_upn"', 'pupil_upn = "Pupil/UPN"'), ('status = "status"\n', ""),
                     ('linked_pupils = { from = "linked_pupils", split = ";" }',
                      'linked_pupils = { from = "Linked/UPN", split = ";", optional = true }'),
                     ('"subcategory"', '{ from = "subcategory", optional = true }'),
                     ('"pupil_mis_id"', '{ from = "Pupil/@Mis", optional = true }'))
        record = (f'<Record Id="INC-1"><incident_at>2025-11-10T11:20</incident_at><entered_at>2025-11-11T08:05</entered_at>'
                  f'<Pupil><Name>{SECRET}</Name><UPN>{self.upns[0]}</UPN></Pupil><text>{SECRET}</text>'
                  f'<Linked><UPN>{self.upns[1]}</UPN><UPN>{self.upns[2]}</UPN></Linked>'
                  '<category><![CDATA[Tom & Co]]></category><assigned_to>A &amp; B</assigned_to></Record>')
        self.put("a.xml", f"<Report><Head><Record>no</Record></Head>{record}</Report>")
        self.first_poll()
        self.assertEqual(self.cpoms(FIRST_POLL)["new"], 1)
        self.assertEqual(self.cpoms(FIRST_POLL, "involvement")["new"], 3)
        fields = self.concerns()[0]["payload"]["fields"]
        self.assertEqual((fields["categories"], fields["assigned_to"]), (["Tom & Co"], "A & B"))
        self.nowhere_in_the_ledger(SECRET)

    def test_xml_that_calls_itself_utf_16_and_is_not_is_read_and_so_is_real_utf_16(self):
        self.mapping(XML_MAPPING, ('"pupil_mis_id"', '{ from = "pupil_mis_id", optional = true }'),
                     ('split = ";" }\ncat', 'split = ";", optional = true }\ncat'))
        row = self.row(1, subcategory="Zoë", text="")
        for number, content in enumerate([xml([row], declared="utf-16"), xml([row], "utf-16"), xml([row], "windows-1252"),
                                          xml([row], "iso-8859-1"), xml([row])]):
            self.put(f"{number}.xml", content)
        self.first_poll()
        self.assertEqual(self.left(), [])
        self.assertEqual([e["payload"]["fields"]["subcategory"] for e in self.concerns()], ["Zoë"])

    def test_hostile_xml_is_refused_without_being_blown_up(self):
        self.mapping(XML_MAPPING)
        bomb = '<!DOCTYPE Report [<!ENTITY a "ha">' + "".join(
            f'<!ENTITY {chr(98 + i)} "{("&" + chr(97 + i) + ";") * 10}">' for i in range(12)) + "]>"
        cases = {
            "document type": f'<?xml version="1.0"?>{bomb}<Report><Record><status>&m;</status></Record></Report>'.encode(),
            "nested deeper": b"<Report>" * 100_000,
            "a row is longer": b"<Report><Record><text>" + b"x" * (9 << 20) + b"</text></Record></Report>",
            "ends inside a row": xml([self.row(1)])[:-40],
            "not XML at byte": xml([self.row(1, status="Open\u0001")]),
            "not XML": xml([self.row(1, status="Zoë")]).replace("ë".encode(), b"\xff"),
        }
        self.init()
        for told, content in cases.items():
            with self.subTest(told):
                self.put("a.xml", content)
                self.assertIn(told, self.poll(FIRST_POLL, code=1).stderr)
                self.assertEqual((self.left(), self.concerns()), (["a.xml"], []))

    def test_a_workbook_is_read_with_dates_as_it_holds_them(self):
        self.mapping(XLSX_MAPPING)
        self.put("a.xlsx", xlsx([
            self.row(1, incident_at=Date(45971 + 680 / 1440), entered_at=Date(45972.25), category="inline:A; B"),
            self.row(2, incident_at="11/11/2025 09:05", pupil_mis_id=4321),
            self.row(3, incident_at=45971.47),
            self.row(4, incident_at=Date(45.5)),
            self.row(5, subcategory="#N/A"),
            self.row(6, pupil_mis_id="4.56E+08"),
            self.row(7, pupil_mis_id=456000000000000000),
        ]))
        self.first_poll()
        concern = self.cpoms(FIRST_POLL)
        self.assertEqual((concern["read"], concern["new"], concern["quarantined"]), (7, 3, 4), self.quarantine())
        first, second, _ = [e["payload"]["fields"] for e in self.concerns()]
        self.assertEqual((first["incident_at"], first["entered_at"]), ("2025-11-10T11:20:00", "2025-11-11T06:00:00.000Z"))
        self.assertEqual(first["categories"], ["A", "B"])
        self.assertEqual(second["incident_at"], "2025-11-11T09:05:00")
        self.assertEqual(sorted(reason for _, reason, _ in self.quarantine()), [
            "incident_at is a spreadsheet's day number, not a date",
            "incident_at is no day, though the spreadsheet shows it as one",
            "pupil_mis_id was turned into a number by a spreadsheet",
            "subcategory is an error of the spreadsheet",
        ])
        self.nowhere_in_the_ledger(SECRET)

    def test_a_workbook_may_count_from_1904(self):
        self.mapping(XLSX_MAPPING)
        self.put("a.xlsx", xlsx([self.row(1, incident_at=Date(45971 - 1462 + 0.5))], epoch_1904=True))
        self.first_poll()
        self.assertEqual(self.concerns()[0]["payload"]["fields"]["incident_at"], "2025-11-10T12:00:00")

    def test_hostile_workbooks_are_refused_within_bounds(self):
        self.mapping(XLSX_MAPPING)
        good = xlsx([self.row(1)])
        bomb = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(good)) as old, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as new:
            for part in old.namelist():
                content = old.read(part)
                if part == "xl/sharedStrings.xml":
                    content = content.replace(b"</sst>", b"<si><t>" + b"x" * (70 << 20) + b"</t></si></sst>")
                new.writestr(part, content)
        claim = bytearray(good)
        at = claim.index(b"xl/sharedStrings.xml", claim.index(b"PK\x01\x02")) - 46
        claim[at + 24: at + 28] = (2**31).to_bytes(4, "little")
        cases = {"larger than 64 MiB": bomb.getvalue(), "64 MiB": bytes(claim), "not whole": good[:-200],
                 "not a workbook": b"PK\x03\x04" + b"\0" * 100, "or not whole": b"", "a workbook": self.csv([self.row(1)])}
        self.init()
        for told, content in cases.items():
            with self.subTest(told):
                self.put("a.xlsx", content)
                self.assertIn(told, self.poll(FIRST_POLL, code=1).stderr)
                self.assertEqual((self.left(), self.concerns()), (["a.xlsx"], []))

    def test_killed_at_any_moment_nothing_is_lost_and_nothing_is_there_twice(self):
        self.init()
        dice = random.Random(20251121)
        kills = 0
        for round in range(4):
            for file in range(10):
                rows = [self.row(round * 1000 + file * 40 + n, n % 20, incident_ref=f"I{round}-{file}-{n}") for n in range(40)]
                self.put(f"{file}.csv", self.csv(rows), f"2025-11-{10 + round:02}T{10 + file}:00:00Z")
            for _ in range(12):
                before = len(self.left())
                running = subprocess.Popen([ROLLBOOK, "poll", "--source", "cpoms", "--config", str(self.config)],
                                           env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                # When so many files are gone: right after a removal the next file is being read.
                wanted = before - dice.randrange(0, 4)
                for _ in range(dice.randrange(1, 200)):
                    if running.poll() is not None or len(self.left()) < wanted:
                        break
                    select.select([], [], [], 0.001)
                kills += running.poll() is None
                running.kill()
                running.wait()
            self.poll(FIRST_POLL, "--source", "cpoms")
            self.assertEqual(self.left(), [])
        self.assertGreater(kills, 10)
        for what, wanted in (("concern", 1600), ("involvement", 1600), ("pupil", 20)):
            held = [e["index"] for e in self.entries() if e["what"] == what and e["source"] == "cpoms"]
            self.assertEqual(len(held), wanted)
        self.verify()

    def test_a_file_that_grows_while_it_is_read_is_read_again_when_it_is_whole(self):
        whole = self.csv([self.row(n, n % 20) for n in range(1, 3000)])
        self.put("a.csv", whole[: len(whole) // 2])
        self.init()
        with open(self.exports / "a.csv", "a") as growing:
            running = subprocess.Popen([ROLLBOOK, "poll", "--config", str(self.config)], env=self.environment(),
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            for at in range(len(whole) // 2, len(whole), 4096):
                growing.write(whole[at: at + 4096])
                growing.flush()
                select.select([], [], [], 0.001)
            self.said.append(running.communicate(timeout=60)[1])
        self.poll(SECOND_POLL)
        self.assertEqual(self.left(), [])
        self.assertEqual(len(self.concerns()), 2999)

    def test_links_folders_and_other_names_are_not_read(self):
        elsewhere = self.folder / "elsewhere.csv"
        elsewhere.write_text(self.csv([self.row(1)]))
        (self.exports / "link.csv").symlink_to(elsewhere)
        (self.exports / "folder.csv").mkdir()
        os.mkfifo(self.exports / "pipe.csv")
        self.put("notes.txt", "hello")
        self.first_poll()
        self.assertEqual(self.concerns(), [])
        self.assertEqual(self.left(), ["folder.csv", "link.csv", "notes.txt", "pipe.csv"])

    def test_a_folder_that_is_not_there_is_a_matter_of_configuration(self):
        self.exports.rmdir()
        self.init()
        told = self.poll(FIRST_POLL, code=1)
        self.assertIn("the folder cannot be read", told.stderr)


if __name__ == "__main__":
    main()
