"""Each system that a manifest or a mapping is shipped for, read from the simulated school as that system would serve it.
Whatever the protocol, pupils, marks and figures must be those that the school counts itself."""

import re
import sys
import urllib.request

from support import FIRST_POLL, REPOSITORY, SECOND_POLL, ScenarioTest, main

FIGURES = ("possible", "present", "authorised", "unauthorised", "late")
SECRET, SECRET_ID = '{ file = "systems.secret" }', '{ file = "application.id" }'


TESTED = {}  # system -> the test that reads it from its emulator


def reads(*systems):
    def noted(test):
        TESTED.update(dict.fromkeys(systems, test.__name__))
        return test
    return noted


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

    @reads("arbor")
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

    @reads("bromcom")
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

    @reads("isams-batch")
    def test_isams_batch(self):
        self.whole("isams-batch", {"base_url": self.url("isams-batch"), "api_key": SECRET,
                                   "history_from": self.school.first_day})

    @reads("go4schools")
    def test_go4schools(self):
        year = int(self.school.last_day[:4]) + (self.school.last_day[5:] >= "09-01")
        self.whole("go4schools", {"base_url": self.url("go4schools"), "academic_year": f'"{year}"', "key": SECRET,
                                  "history_from": self.school.first_day})

    @reads("scholarpack")
    def test_scholarpack(self):
        self.whole("scholarpack", {"base_url": self.url("scholarpack"), "token": SECRET, "per_page": 50,
                                   "history_from": self.school.first_day})

    @reads("ed-fi")
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

    @reads("oneroster-1-1", "oneroster-1-2", "isams", "xporter")
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

    def exported(self, file):
        with urllib.request.urlopen(f"{self.school.http}/export/{file}", timeout=30) as answer:
            return answer.read()

    def safeguarding_exports(self, mapping, file):
        """A safeguarding system's export, read beside Wonde by the mapping that is shipped."""
        exports = self.folder / "exports"
        exports.mkdir()
        text = (REPOSITORY / f"connectors/report/mappings/{mapping}.toml").read_text()
        (self.folder / "mapping.toml").write_text(text.replace('settle = "60s"', 'settle = "0s"'))
        text = self.config.read_text()
        begin = text.index('[[source]]\nname = "safeguarding"')
        self.config.write_text(
            text[:begin] + f'[[source]]\nname = "{mapping}"\nrole = "safeguarding"\nconnector = "report"\n'
            'poll_every = "5m"\n[source.settings]\nfolder = "exports"\nmapping = "mapping.toml"\n\n'
            + text[text.index("[rules]"):])
        (exports / file).write_bytes(self.exported(file))
        self.first_poll()
        held = self.statement(FIRST_POLL)[(mapping, "concern")]
        self.assertEqual((held["new"], held["quarantined"]), (self.school.get("school")["safeguarding_incidents"], 0))
        self.assertEqual(list(exports.iterdir()), [])
        words = [entry["payload"] for entry in self.entries("--kind", "concern")]
        self.assertNotIn("nobody needs", str(words))
        # Each concern's pupils are those of the MIS.
        parts = [e for e in self.entries("--kind", "involvement") if e["source"] == mapping]
        self.assertGreaterEqual(len(parts), held["new"])
        linked = {e["payload"]["pupil"] for e in self.entries("--kind", "link") if "pupil" in e["payload"]}
        self.assertGreater(len(linked), 0)

    @reads("cpoms")
    def test_cpoms_exports_beside_wonde(self):
        self.safeguarding_exports("cpoms", "cpoms.csv")

    @reads("myconcern")
    def test_myconcern_exports_beside_wonde(self):
        self.safeguarding_exports("myconcern", "myconcern.xlsx")

    @reads("wonde", "safeguarding")
    def test_wonde_and_the_safeguarding_api(self):
        self.first_poll()
        self.all_pupils_are_held({student: student for student in self.school.known_pupils})
        self.all_figures_are_the_schools({student: student for student in self.school.known_pupils})
        people, concerns = self.school.safeguarding("students"), self.school.safeguarding("incidents")
        rows = self.statement(FIRST_POLL)
        for record, listed in (("pupil", len(people)), ("concern", len(concerns)),
                               ("involvement", sum(len(c["student_ids"]) for c in concerns))):
            row = rows[("safeguarding", record)]
            self.assertEqual((row["new"], row["quarantined"], row["balanced"]), (listed, 0, True), record)
        by_mis_id = {row["mis_id"]: student for student, row in self.school.known_pupils.items()}
        for row in people:
            if row["mis_id"] in by_mis_id:
                ids = self.pupil(f"mis:{by_mis_id[row['mis_id']]}")["source_ids"]
                self.assertEqual(ids.get("safeguarding"), [row["id"]])
        self.assertNotIn("Invented text", str([e["payload"] for e in self.entries("--kind", "concern")]))
        self.an_amended_mark_is_seen({student: student for student in self.school.known_pupils})
        self.verify()

    @reads("singer")
    def test_a_singer_tap(self):
        (self.folder / "recorded.ndjson").write_bytes(self.exported("tap.ndjson"))
        (self.folder / "tap-mapping.toml").write_text(
            '[[stream]]\nname = "learners"\nrecord = "pupil"\n[stream.columns]\nid = "id"\nupn = "upn"\n'
            'surname = "names.family"\nforename = "names.given"\nregistration_group = "form"\n'
            'date_of_birth = { from = "born", formats = ["%Y-%m-%d"] }\n'
            '[[stream]]\nname = "register"\nrecord = "session-mark"\n[stream.columns]\npupil_id = "learner.id"\n'
            'mark_ref = "id"\nday = { from = "on", formats = ["%Y-%m-%dT%H:%M:%SZ"] }\nsession = "half"\ncode = "mark"\n')
        id_of = self.by_mis_id()
        program = f"import sys; sys.stdout.write(open('{self.folder}/recorded.ndjson').read())"
        self.use("singer", {"command": f'["{sys.executable}", "-c", "{program}"]', "mapping": '"tap-mapping.toml"'})
        self.first_poll()
        self.all_pupils_are_held(id_of)
        self.all_figures_are_the_schools(id_of)
        student = next(iter(id_of))
        mark = next(m for m in self.school.marks(student) if m["code"] == "/")
        self.school.amend(student, mark["date"], mark["session"], "G")
        (self.folder / "recorded.ndjson").write_bytes(self.exported("tap.ndjson"))
        self.poll(SECOND_POLL)
        self.assertEqual(self.statement(SECOND_POLL)[("mis", "session-mark")]["changed"], 1)
        self.verify()

    def test_every_system_that_is_listed_has_a_test_here(self):
        listed = {system["name"] for system in self.read("connectors", "list")}
        self.assertEqual(listed - set(TESTED), set(), "no test reads them from an emulator")
        self.assertEqual(set(TESTED) - listed, {"singer"})

    @reads("sims-marks", "sims-marks-xml")
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
                (exports / file).write_bytes(self.exported(file))
                self.first_poll()
                self.all_figures_are_the_schools(upn)


if __name__ == "__main__":
    main()
