"""Each system that a manifest or a mapping is shipped for, read from the simulated school as that system would serve it.
Whatever the protocol, pupils, marks and figures must be those that the school counts itself."""

import re
import urllib.request

from support import FIRST_POLL, REPOSITORY, SECOND_POLL, ScenarioTest, main

FIGURES = ("possible", "present", "authorised", "unauthorised", "late")
SECRET, SECRET_ID = '{ file = "systems.secret" }', '{ file = "application.id" }'


class System(ScenarioTest):
    pupils, days = 10, 8

    def use(self, connector, settings):
        """The MIS is this system alone."""
        source = re.compile(r'\[\[source\]\].*?(?=\[rules\])', re.S)
        lines = "\n".join(f"{key} = {value}" for key, value in settings.items())
        self.config.write_text(source.sub(
            f'[[source]]\nname = "mis"\nrole = "mis"\nconnector = "{connector}"\npoll_every = "10m"\n'
            f"[source.settings]\n{lines}\n\n", self.config.read_text()))

    def url(self, system):
        return f'"{self.school.http}/{system}"'

    def first_row(self, record):
        return self.statement(FIRST_POLL)[("mis", record)]

    def by_mis_id(self):
        return {student: row["mis_id"] for student, row in self.school.known_pupils.items()}

    def all_pupils_are_held(self, id_of):
        row = self.first_row("pupil")
        self.assertEqual((row["new"], row["quarantined"]), (self.pupils, 0))
        self.assertTrue(row["balanced"])
        for student, ref in id_of.items():
            self.assertEqual(self.pupil(f"mis:{ref}")["source_ids"]["mis"], [ref], student)

    def all_figures_are_the_schools(self, id_of):
        marks = self.first_row("session-mark")
        self.assertEqual((marks["new"], marks["quarantined"], marks["duplicate"]), (len(self.school.marks()), 0, 0))
        truth = self.true_figures()
        for student, ref in id_of.items():
            found = self.figures(f"mis:{ref}", "--from", self.school.first_day, "--to", self.school.last_day)
            self.assertEqual(found, truth[student], student)

    def an_amended_mark_is_seen(self, id_of):
        student = next(iter(id_of))
        mark = next(m for m in self.school.marks(student) if m["code"] == "/")
        self.school.amend(student, mark["date"], mark["session"], "G")
        self.poll(SECOND_POLL)
        row = self.statement(SECOND_POLL)[("mis", "session-mark")]
        self.assertEqual((row["changed"], row["new"], row["vanished"]), (1, 0, 0))
        self.assertEqual(self.figures(f"mis:{id_of[student]}", "--from", self.school.first_day, "--to",
                                      self.school.last_day), self.true_figures()[student])


class Systems(System):
    def whole(self, connector, settings):
        id_of = self.by_mis_id()
        self.use(connector, settings)
        self.first_poll()
        self.all_pupils_are_held(id_of)
        self.all_figures_are_the_schools(id_of)
        self.an_amended_mark_is_seen(id_of)
        self.verify()

    def test_arbor(self):
        self.whole("arbor", {"base_url": self.url("arbor"), "user": '"rollbook"', "password": SECRET, "per_page": 100,
                             "history_from": self.school.first_day})
        self.assertGreater(self.first_row("concern")["new"], 0)
        self.assertGreater(self.first_row("involvement")["new"], self.first_row("incident")["new"])
        # The changelog names who changed; the next full read is a day away.
        student = next(iter(self.school.known_pupils))
        self.school.ask("POST", "delete", {"students": [student]})
        self.poll("2025-11-21T19:00:00Z")
        self.assertEqual(self.statement("2025-11-21T19:00:00Z")[("mis", "pupil")]["vanished"], 1)

    def test_bromcom(self):
        id_of = self.by_mis_id()
        self.use("bromcom", {"base_url": self.url("bromcom"), "school_id": '"77"', "application_id": SECRET_ID,
                                    "application_secret": SECRET, "history_from": self.school.first_day})
        (self.folder / "application.id").write_text("rollbook")
        (self.folder / "application.id").chmod(0o600)
        self.first_poll()
        row = self.first_row("pupil")
        self.assertEqual((row["new"], row["duplicate"], row["quarantined"]), (self.pupils, 1, 0))
        self.all_figures_are_the_schools(id_of)
        self.an_amended_mark_is_seen(id_of)

    def test_isams_batch(self):
        self.whole("isams-batch", {"base_url": self.url("isams-batch"), "api_key": SECRET,
                                   "history_from": self.school.first_day})

    def test_go4schools(self):
        year = int(self.school.last_day[:4]) + (self.school.last_day[5:] >= "09-01")
        self.whole("go4schools", {"base_url": self.url("go4schools"), "academic_year": f'"{year}"', "key": SECRET,
                                  "history_from": self.school.first_day})

    def test_scholarpack(self):
        self.whole("scholarpack", {"base_url": self.url("scholarpack"), "token": SECRET, "per_page": 50,
                                   "history_from": self.school.first_day})

    def test_ed_fi_holds_what_is_recorded_and_calls_nothing_else_an_absence(self):
        id_of = self.by_mis_id()
        self.use("ed-fi", {"base_url": self.url("ed-fi"), "client_id": '"rollbook"', "client_secret": SECRET,
                                  "per_page": 10})
        self.first_poll()
        self.all_pupils_are_held(id_of)
        absent = {(m["student"], m["date"]) for m in self.school.marks() if m["code"] in "LUGNOCIMRSTEC1C2J1"}
        self.assertEqual(self.first_row("session-mark")["new"], 2 * len(absent))
        self.assertGreater(self.first_row("incident")["new"], 0)
        self.poll(SECOND_POLL)
        self.assertEqual(self.statement(SECOND_POLL)[("mis", "session-mark")]["new"], 0)

    def test_rosters(self):
        login = {"client_id": '"rollbook"', "client_secret": SECRET}
        roster = self.url("oneroster")
        for connector, settings, ref in (
            ("oneroster-1-1", {"base_url": roster, "login_url": roster, "per_page": 7, **login}, "id"),
            ("oneroster-1-2", {"base_url": roster, "login_url": roster, "per_page": 7, **login}, "id"),
            ("isams", {"base_url": self.url("isams"), **login}, "S"),
            ("xporter", {"base_url": self.url("xporter"), "login_url": self.url("xporter"), "estab": '"9904001"',
                         "relying_party": '"rollbook.example"', "password": SECRET, "page_size": 7}, "mis_id"),
        ):
            with self.subTest(connector):
                for file in (*self.folder.glob("ledger.*"), *self.folder.glob("*.sock")):
                    file.unlink()
                self.use(connector, settings)
                self.first_poll()
                rows = self.school.known_pupils.values()
                self.all_pupils_are_held({row["id"]: {"id": row["id"], "S": f"S{row['mis_id']}"}.get(ref, row["mis_id"])
                                          for row in rows})

    def test_cpoms_exports_beside_wonde(self):
        exports = self.folder / "exports"
        exports.mkdir()
        mapping = (REPOSITORY / "connectors/report/mappings/cpoms.toml").read_text()
        (self.folder / "mapping.toml").write_text(mapping.replace('settle = "60s"', 'settle = "0s"'))
        text = self.config.read_text()
        begin = text.index('[[source]]\nname = "safeguarding"')
        self.config.write_text(
            text[:begin] + '[[source]]\nname = "cpoms"\nrole = "safeguarding"\nconnector = "report"\npoll_every = "5m"\n'
            '[source.settings]\nfolder = "exports"\nmapping = "mapping.toml"\n\n' + text[text.index("[rules]"):])
        with urllib.request.urlopen(f"{self.school.http}/export/cpoms.csv", timeout=30) as answer:
            (exports / "cpoms.csv").write_bytes(answer.read())
        self.first_poll()
        held = self.statement(FIRST_POLL)[("cpoms", "concern")]
        self.assertEqual((held["new"], held["quarantined"]), (self.school.get("school")["safeguarding_incidents"], 0))
        self.assertEqual(list(exports.iterdir()), [])
        words = [entry["payload"] for entry in self.entries("--kind", "concern")]
        self.assertNotIn("nobody needs", str(words))

    def test_sims_exports_in_both_forms(self):
        exports = self.folder / "exports"
        exports.mkdir()
        upn = {student: row["upn"] for student, row in self.school.known_pupils.items()}
        for name, file in (("sims-marks", "marks.csv"), ("sims-marks-xml", "marks.xml")):
            with self.subTest(name):
                for old in (*self.folder.glob("ledger.*"), *self.folder.glob("*.sock")):
                    old.unlink()
                mapping = (REPOSITORY / f"connectors/report/mappings/{name}.toml").read_text()
                (self.folder / "mapping.toml").write_text(mapping.replace('settle = "60s"', 'settle = "0s"'))
                self.use("report", {"folder": '"exports"', "mapping": '"mapping.toml"'})
                with urllib.request.urlopen(f"{self.school.http}/export/{file}", timeout=30) as answer:
                    (exports / file).write_bytes(answer.read())
                self.first_poll()
                self.all_figures_are_the_schools(upn)


if __name__ == "__main__":
    main()
