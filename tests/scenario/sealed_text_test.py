"""Narratives switched on: the lead reads them on a machine of their own, and the school's server cannot."""

import json

import report_test
from report_test import MAPPING, SECRET
from support import SECOND_POLL, THIRD_POLL, main


class SealedText(report_test.ReportFolder):
    def setUp(self):
        super().setUp()
        self.lead = self.folder / "lead"  # the lead's own machine: a folder without a ledger or a configuration
        self.lead.mkdir()
        self.keys = {name: self.keygen(name) for name in ("lead", "deputy", "escrow", "successor")}
        self.mapping(MAPPING, ('status = "status"', 'narrative = "text"\nstatus = "status"'))

    def keygen(self, name):
        return self.on_lead("unseal", "keygen", self.lead / name).stdout.strip().split("\n")[-1]

    def on_lead(self, *words, code=0):
        done = self.run_program(*words, config=False)
        self.assertEqual(done.returncode, code, done.stdout[-500:] + done.stderr)
        return done

    def switch_on(self, *names):
        text = self.config.read_text().split("\n[sealed_text]")[0]
        recipients = json.dumps([self.keys[n] for n in names])
        self.config.write_text(f'{text}\n[sealed_text]\nrecipients = {recipients}\nescrow = "{self.keys["escrow"]}"\n')

    def export_file(self):
        path = self.lead / "openings.json"
        path.write_text(self.rollbook("ledger", "list", "--kind", "concern", "--json").stdout)
        return path

    def unseal(self, name, code=0):
        return self.on_lead("unseal", self.export_file(), "--key", self.lead / name, code=code)

    def nothing_in_clear(self):
        for path in self.folder.rglob("*"):
            if path.is_file() and path.parent not in (self.exports, self.lead):
                self.assertNotIn(SECRET.encode(), path.read_bytes(), path.name)

    def test_a_mapping_that_names_a_narrative_is_refused_until_somebody_may_read_it(self):
        told = self.run_program("check")
        self.assertEqual(told.returncode, 3)
        self.assertIn("sealed_text", told.stderr)

    def test_the_lead_reads_what_the_server_cannot_and_proves_it(self):
        self.switch_on("lead", "deputy")
        self.put("export.csv", self.csv([self.row(1), self.row(2, incident_at="yesterday"), self.row(3, text="")]))
        self.first_poll()
        self.nothing_in_clear()
        self.assertEqual(self.quarantine()[0][0:1] and "sealed" in self.quarantine()[0][2], True)
        standing = self.read("status")["sealed_text"]
        self.assertEqual((len(standing["recipients"]), standing["last_unseal"]), (3, None))
        for name in ("lead", "deputy", "escrow"):
            self.assertIn(SECRET, self.unseal(name).stdout)
        self.assertNotIn(SECRET, self.unseal("successor", code=1).stdout)
        receipt = self.unseal("lead").stdout.strip().split(" ")[-1]
        self.now = SECOND_POLL
        self.rollbook("unseal", "--receipt", receipt[:-1] + "x", "--by", "A. Lead", code=1)
        self.rollbook("unseal", "--receipt", receipt, "--by", "A. Lead")
        self.assertEqual(self.read("status")["sealed_text"]["last_unseal"][:19], SECOND_POLL[:19])
        self.verify()
        self.rollbook("ledger", "rebuild")
        self.verify()

    def test_the_same_export_again_is_unchanged_although_every_box_differs(self):
        self.switch_on("lead", "deputy")
        self.put("export.csv", self.csv([self.row(1), self.row(2)]))
        self.first_poll()
        self.put("again.csv", self.csv([self.row(1), self.row(2, text=SECRET + ", and more")]))
        self.poll(SECOND_POLL)
        counted = self.cpoms(SECOND_POLL)
        self.assertEqual((counted["unchanged"], counted["changed"]), (1, 1))
        self.nothing_in_clear()
        self.verify()

    def test_when_staff_change_the_narratives_are_sealed_for_who_comes(self):
        self.switch_on("lead", "deputy")
        self.put("export.csv", self.csv([self.row(1), self.row(2)]))
        self.first_poll()
        out = self.lead / "resealed"
        to = [w for n in ("deputy", "successor", "escrow") for w in ("--recipient", self.keys[n])]
        self.on_lead("reseal", self.export_file(), "--key", self.lead / "lead", *to[:4], "--out", out, code=2)
        self.on_lead("reseal", self.export_file(), "--key", self.lead / "lead", *to, "--out", out)
        self.now = SECOND_POLL
        self.assertIn("others than", self.rollbook("reseal", out, "--by", "Head", code=2).stderr)
        self.switch_on("deputy", "successor")
        before = self.size()
        self.rollbook("reseal", out, "--by", "Head")
        self.assertEqual(self.size(), before + 3)  # two concerns, and who decided it
        self.rollbook("reseal", out, "--by", "Head", code=2)  # no longer the newest versions
        newest = [e for e in self.entries("--kind", "concern") if "replaces" in e["payload"]]
        self.assertEqual(len(newest), 2)
        path = self.lead / "newest.json"
        path.write_text(json.dumps(newest))
        self.assertEqual(self.on_lead("unseal", path, "--key", self.lead / "successor").stdout.count(SECRET), 2)
        self.on_lead("unseal", path, "--key", self.lead / "lead", code=1)
        self.put("again.csv", self.csv([self.row(2), self.row(1)]))
        self.poll(THIRD_POLL)
        self.assertEqual(self.cpoms(THIRD_POLL)["unchanged"], 2)
        self.verify()


# Its own tests only: those it inherits are report_test's.
for inherited in [name for name in dir(report_test.ReportFolder) if name.startswith("test_")]:
    setattr(SealedText, inherited, None)

if __name__ == "__main__":
    main()
