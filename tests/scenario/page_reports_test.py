"""Reports on the pages: the same figures on the page, as JSON, as CSV and as a workbook; nothing from data is ever a
formula; each role has its own, and every opening is an entry."""

import csv
import html
import io
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as xml
import zipfile

from pages import Reader
from pages_test import Pages
from support import main, wait_until

OFFICE, TABLE, TEXT = (f"{{urn:oasis:names:tc:opendocument:xmlns:{n}:1.0}}" for n in ("office", "table", "text"))
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def workbook(body):
    """The tables of an .xlsx: lists of rows of texts; numbers as written."""
    with zipfile.ZipFile(io.BytesIO(body)) as book:
        strings = [
            "".join(t.text or "" for t in each.iter(SHEET + "t"))
            for each in xml.fromstring(book.read("xl/sharedStrings.xml"))
        ]
        sheets = []
        for name in sorted(n for n in book.namelist() if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", n)):
            root = xml.fromstring(book.read(name))
            assert root.find(f".//{SHEET}f") is None, "a formula"
            rows = []
            for row in root.iter(SHEET + "row"):
                cells = {}
                for cell in row.iter(SHEET + "c"):
                    value = cell.find(SHEET + "v")
                    column = re.match("[A-Z]+", cell.get("r"))[0]
                    if value is not None:
                        cells[column] = strings[int(value.text)] if cell.get("t") == "s" else value.text
                rows.append(cells)
            sheets.append(rows)
        return sheets[:-1]  # the last one is about the workbook


def in_company(text):
    """What of a page is seen before anybody presses a reference."""
    return re.sub(r'(<details class="unnamed"><summary>[^<]*</summary>)<a [^>]*>[^<]*</a>(?=</details>)', r"\1", text)


class PatientReader(Reader):
    """Asks again where it has asked too often, a fast machine is through with its allowance before the test is; and where
    somebody else's long work is under way."""

    def ask(self, *words, **more):
        def answered():
            answer = super(PatientReader, self).ask(*words, **more)
            return answer if not answer.headers["Retry-After"] else None

        return wait_until(answered, "an answer", 120)


class PageReports(Pages):
    pupils, days = 40, 60

    def reader(self):
        return PatientReader(self.url, self.tls or None)

    def same_in_all_forms(self, who, path, query, role):
        # The first opening of a day is an entry, which one of the reports lists.
        for ending in ("", ".json", ".csv", ".xlsx"):
            self.assertEqual(who.get(path + ending + query).status, 200, (role, path, ending))
        shown = json.loads(who.get(path + ".json" + query).text)
        tables = [shown, *shown.get("more", [])]
        cells = [[[row[c] or "" for c in t["columns"]] for row in t["rows"]] for t in tables]
        page = who.get(path + query).text
        self.assertNotRegex(page, r"<script|style=|\son\w+=")
        bodies = re.findall(r"<tbody>(.*?)</tbody>", page, re.S)
        filled = [t for t in cells if t]
        self.assertEqual(len(bodies), len(filled), (role, path))
        for table, body in zip(filled, bodies):
            rows = [[html.unescape(re.sub("<[^>]*>", "", in_company(c))) for c in re.findall(r"<td[^>]*>(.*?)</td>", r, re.S)]
                    for r in re.findall(r"<tr>(.*?)</tr>", body, re.S)]
            self.assertEqual(rows, table[:500], (role, path))
        lines = list(csv.reader(io.StringIO(who.get(path + ".csv" + query).body.decode())))
        for index, (table, rows) in enumerate(zip(tables, cells)):
            if index:
                self.assertEqual(lines[:2], [[], [table["title"]]])
                lines = lines[2:]
            self.assertEqual([[re.sub(r"^'(?=[=+@-])", "", c) for c in row] for row in lines[1:len(rows) + 1]], rows)
            lines = lines[len(rows) + 1:]
        self.assertEqual(lines, [])
        for rows, sheet in zip(cells, workbook(who.get(path + ".xlsx" + query).body), strict=True):
            letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
            for row, line in zip(rows, sheet[1:], strict=True):
                for index, cell in enumerate(row):
                    got = line.get(letters[index], "")
                    if got != cell:
                        self.assertEqual(float(got), float(cell), (role, path))
        return page

    def test_every_report_tells_the_same_in_every_form_to_each_role_what_it_may_see(self):
        ref = self.pupil(f"mis:{sorted(self.school.known_pupils)[0]}")["ref"]
        names = [f"{a} {b}" for a, b in self.school.full_names]
        opened = {}
        for role in ("lead", "dsl", "auditor", "governor", "admin"):
            who = self.somebody(role)
            listed = json.loads(who.get("/reports.json").text)["reports"]
            opened[role] = [r["name"] for r in listed]
            for each in listed:
                query = f"?pupil={ref}" if each["about_pupil"] else ""
                page = self.same_in_all_forms(who, f"/reports/{each['name']}", query, role)
                if role in ("auditor", "governor", "admin"):
                    self.assertFalse([n for n in names if n in page], (role, each["name"]))
                if role in ("governor", "admin"):
                    self.assertNotIn("/pupils/", page)
            for name in set(opened["lead"] + opened.get("dsl", [])) - set(opened[role]):
                for ending in ("", ".json", ".csv", ".xlsx"):
                    self.assertEqual(who.get(f"/reports/{name}{ending}").status, 404, (role, name))
        self.assertEqual(opened["governor"], ["governors"])
        self.assertEqual(opened["admin"], ["reconciliation", "processing"])
        self.assertIn("who-saw-what", opened["auditor"])
        self.assertNotIn("who-saw-what", opened["lead"])
        views = [e["payload"]["view"] for e in self.entries("--kind", "access") if e["payload"]["user"] == "lead"]
        self.assertIn("report attendance-return", views)
        self.assertIn("report attendance-return.xlsx", views)
        self.verify()

    def as_libreoffice_reads(self, body):
        """The tables of an .xlsx as LibreOffice opens it: lists of rows of (type, text); a formula is a failure."""
        book = self.folder / "book.xlsx"
        book.write_bytes(body)
        subprocess.run(["soffice", f"-env:UserInstallation=file://{self.folder}/office", "--headless", "--convert-to",
                        "fods", "--outdir", self.folder, book], check=True, capture_output=True, timeout=120)
        sheets = []
        for sheet in xml.parse(self.folder / "book.fods").getroot().iter(TABLE + "table"):
            rows = []
            for row in sheet.iter(TABLE + "table-row"):
                cells = []
                for cell in row.findall(TABLE + "table-cell"):
                    self.assertIsNone(cell.get(TABLE + "formula"))
                    kind = cell.get(OFFICE + "value-type")
                    text = cell.get(OFFICE + "value") if kind == "float" else \
                        "\n".join("".join(p.itertext()) for p in cell.findall(TEXT + "p"))
                    times = int(cell.get(TABLE + "number-columns-repeated", 1))
                    cells += [(kind, text)] * (times if kind or times < 20 else 0)
                if any(kind for kind, _ in cells):
                    rows.append(cells)
            sheets.append(rows)
        return sheets[:-1]

    def test_workbooks_open_in_libreoffice_with_numbers_as_numbers_and_texts_as_texts(self):
        if not shutil.which("soffice"):
            print("left out: soffice is missing; it is in the Debian package libreoffice-calc-nogui")
            return
        ref = self.pupil(f"mis:{sorted(self.school.known_pupils)[0]}")["ref"]
        dsl = self.somebody("dsl")
        floats = 0
        for path in ("/reports/no-reason", "/reports/targeting-support", "/reports/governors",
                     f"/reports/subject-access?pupil={ref}"):
            name, _, query = path.partition("?")
            dsl.get(f"{name}.json?{query}"), dsl.get(f"{name}.xlsx?{query}")  # openings are entries, which one of them lists
            shown = json.loads(dsl.get(f"{name}.json?{query}").text)
            sheets = self.as_libreoffice_reads(dsl.get(f"{name}.xlsx?{query}").body)
            tables = [shown, *shown.get("more", [])]
            for table, sheet in zip(tables, sheets, strict=True):
                self.assertEqual(len(sheet), len(table["rows"]) + 1, path)
                for row, cells in zip(table["rows"], sheet[1:]):
                    wanted = [row[c] or "" for c in table["columns"]]
                    for want, (kind, got) in zip(wanted, cells):
                        floats += kind == "float"
                        self.assertIn(kind, ("float", "string", None))
                        if kind == "float":
                            self.assertEqual(float(got), float(want), path)
                        else:
                            self.assertEqual(got or "", want, path)
        self.assertGreater(floats, 0)

    def test_names_of_the_weekly_meeting_are_shown_only_when_they_are_asked_for(self):
        self.rollbook("alerts", "take-up", self.alerts()[0]["id"], "--by", "A Lead")
        lead = self.somebody("lead")
        names = [f"{a} {b}" for a, b in self.school.full_names]
        path = "/reports/weekly-meeting?from=2025-09-01"
        page = lead.get(path).text
        self.assertFalse([n for n in names if n in in_company(page)])
        # Each line's name is behind its reference, and in no file that was not asked for with names.
        self.assertTrue([n for n in names if n in page])
        for ending in (".json", ".csv"):
            self.assertFalse([n for n in names if n in lead.get(path.replace("?", ending + "?")).text])
        told = self.somebody("auditor").get(path).text
        self.assertFalse([n for n in names if n in told])
        self.assertTrue([n for n in names if n in lead.get(path + "&names=show").text])
        self.assertEqual(lead.get("/reports/weekly-meeting?from=tomorrow").status, 400)
        self.assertEqual(lead.get("/reports/case-file.json").status, 400)
        self.assertEqual(lead.get("/reports/case-file?pupil=P-999999").status, 404)
        self.assertEqual(lead.get("/reports/nothing").status, 404)
        self.assertEqual(lead.get("/pupils.xlsx").status, 404)

    def test_what_the_weekly_meeting_decides_is_an_action_with_an_owner_and_a_day(self):
        alert = self.alerts()[0]["id"]
        self.rollbook("alerts", "take-up", alert, "--by", "A Lead")
        who = {role: self.somebody(role) for role in ("lead", "office", "auditor", "governor")}
        path = "/reports/weekly-meeting?from=2025-09-01&names=show"
        page = who["lead"].get(path)
        self.assertIn(f'<option value="{alert}">', page.text)

        def sent(role="lead", at=path, **fields):
            token = who[role].get("/reports").hidden("form_token")
            return who[role].post(at, form_token=token, **fields)

        decided = {"do": "act", "action": "decision", "alert": alert, "text": "Tutor <b>rings</b> home; =1+1",
                   "owner": "ann", "due": "2025-12-01", "review": "2025-12-15"}
        self.assertEqual(who["lead"].post(path, **decided).status, 403)  # without the token of a form of ours
        for role in ("office", "auditor", "governor"):
            self.assertNotIn("Decisions of the meeting", who[role].get(path).text)
            self.assertEqual(sent(role, **decided).status, 403, role)
        for wrong, status in (({"alert": ""}, 400), ({"alert": alert + 100000}, 404), ({"do": "close"}, 400),
                              ({"text": ""}, 400), ({"due": "soon"}, 400), ({"review": "2025-11-30"}, 400)):
            self.assertEqual(sent(**{**decided, **wrong}).status, status, wrong)
        for other in ("/reports/weekly-meeting?to=2025-09-01", "/reports/governors"):
            self.assertEqual(sent(at=other, **decided).status, 404, "what is not listed is not decided about")
        self.assertEqual(self.entries("--kind", "action"), [])

        held = {"do": "hold-meeting", "on": "2025-11-19"}
        self.assertEqual(sent("auditor", **held).status, 403)
        self.assertEqual(sent(at="/reports/governors", **held).status, 404)
        for wrong in ("2099-01-01", "soon"):
            self.assertEqual(sent(**{**held, "on": wrong}).status, 400, wrong)
        self.assertIn("No earlier meeting is recorded", who["lead"].get("/reports/weekly-meeting").text)
        self.assertEqual(sent(**held).status, 303)
        self.assertIn("The last meeting was on 19 November 2025.", who["lead"].get("/reports/weekly-meeting").text)

        done = sent(**decided)
        self.assertEqual((done.status, done.headers["Location"]),
                         (303, "/reports/weekly-meeting?from=2025-09-01&names=show#decide"))
        [action] = self.entries("--kind", "action")
        self.assertEqual({k: action["payload"][k] for k in ("kind", "owner", "due", "review", "text", "state", "user")},
                         {"kind": "decision", "owner": "ann", "due": "2025-12-01", "review": "2025-12-15",
                          "text": decided["text"], "state": "open", "user": "lead"})
        due, _, ended = json.loads(who["lead"].get(path.replace("?", ".json?")).text)["more"]
        self.assertEqual([(r["entry"], r["owner"], r["due"], r["standing"]) for r in due["rows"]],
                         [(str(action["index"]), "ann", "2025-12-01", "to come")])
        self.assertEqual(ended["rows"], [])
        self.assertIn("Tutor &lt;b&gt;rings&lt;/b&gt; home", who["lead"].get(path).text)
        self.same_in_all_forms(who["lead"], "/reports/weekly-meeting", "?from=2025-09-01&names=show", "lead")

        self.assertEqual(sent(do="finish", action_id=alert, outcome="done").status, 404)
        self.assertEqual(sent(do="finish", action_id=action["index"], outcome="reached", text="Agreed.").status, 303)
        due, _, ended = json.loads(who["lead"].get(path.replace("?", ".json?")).text)["more"]
        self.assertEqual((due["rows"], [(r["outcome"], r["words"]) for r in ended["rows"]]), ([], [("reached", "Agreed.")]))
        self.assertEqual(who["lead"].get("/reports/weekly-meeting?known_at=2025-11-20").text.count("decide-title"), 0)
        self.verify()


if __name__ == "__main__":
    main()
