"""An exported ledger is checked by programs that know nothing of this one, and a changed export by none."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from support import FIRST_POLL, ROLLBOOK, SECOND_POLL, THIRD_POLL, ScenarioTest, main

HERE = Path(__file__).resolve().parent
BUILT = Path(ROLLBOOK).resolve().parent
GO_CHECKER = BUILT / "check-export-go"


def build_go_checker():
    """Compiled once: against Debian's packages, without a network."""
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GO111MODULE": "off", "GOPATH": "/usr/share/gocode",
                   "GOCACHE": str(BUILT / "go-cache"), "CGO_ENABLED": "0"}
    source = HERE / "check_export.go"
    built = subprocess.run(["go", "build", "-o", str(GO_CHECKER), str(source)], env=environment, timeout=600)
    if built.returncode != 0:
        sys.exit("check_export.go does not build: deploy/install-packages --tests installs what it takes")


def checked(command, *words):
    return subprocess.run([*command, *map(str, words)], capture_output=True, text=True, timeout=120)


class Export(ScenarioTest):
    pupils, days = 30, 15

    def setUp(self):
        super().setUp()
        self.vkey = self.init().stdout.split()[-1]
        self.poll(FIRST_POLL)
        self.out = self.folder / "export"

    def checkers(self):
        return {"go": [str(GO_CHECKER)], "node": ["node", str(HERE / "check_export.js")]}

    def accepted(self, *files):
        for name, command in self.checkers().items():
            done = checked(command, self.out, self.vkey, *files)
            self.assertEqual(done.returncode, 0, f"{name}: {done.stderr}")
            size = int((self.out / "checkpoint").read_text().split("\n")[1])
            self.assertTrue(done.stdout.startswith(f"{size} entries"), done.stdout)

    def refused(self, by, *files):
        for name in by:
            done = checked(self.checkers()[name], self.out, self.vkey, *files)
            self.assertNotEqual(done.returncode, 0, f"{name} took a changed export")

    def amend(self, count=3):
        for mark in self.school.marks(sorted(self.school.known_pupils)[0])[-count:]:
            self.school.amend(mark["student"], mark["date"], mark["session"], "M")

    def export(self, *words, code=0):
        return self.rollbook("ledger", "export", self.out, *words, code=code)

    def openings(self):
        return [json.loads(line) for line in (self.out / "openings.ndjson").read_text().splitlines()]

    def prove(self, *indexes):
        files = []
        for index in indexes:
            files.append(self.folder / f"{index}.tlog-proof")
            files[-1].write_text(self.rollbook("ledger", "prove", index).stdout)
        return files

    def test_two_programs_of_others_take_the_export_its_proofs_and_its_openings(self):
        older = self.folder / "older.checkpoint"
        older.write_text(self.rollbook("ledger", "checkpoint").stdout)
        self.amend()
        self.poll(SECOND_POLL)
        self.export("--openings")
        between = self.folder / "between"
        between.write_text(self.rollbook("ledger", "consistency", older).stdout)
        sizes = self.folder / "sizes"
        sizes.write_text(self.rollbook("ledger", "consistency", 5).stdout)
        self.accepted(*self.prove(0, 5, 77, 255, 256, 511), between, sizes)
        self.assertEqual(between.read_text().split("\n")[0], f"old {older.read_text().split(chr(10))[1]}")

    def test_a_changed_export_is_taken_by_neither(self):
        self.export("--openings")
        self.accepted()
        pristine = self.folder / "pristine"
        shutil.copytree(self.out, pristine)
        tiles = sorted(p.relative_to(self.out) for p in self.out.rglob("*") if p.is_file())
        self.assertIn(Path("tile/0/000"), tiles)
        self.assertIn(Path("tile/entries/000"), tiles)
        self.assertTrue([t for t in tiles if str(t).startswith("tile/1/000.p/")])
        for name in tiles:
            whole = (pristine / name).read_bytes()
            by = ["node"] if name.name == "openings.ndjson" else ["go", "node"]
            for place in (5, len(whole) // 2, len(whole) - 2):
                changed = bytearray(whole)
                changed[place] ^= 1
                (self.out / name).write_bytes(changed)
                self.refused(by)
            (self.out / name).write_bytes(whole[:-1])
            self.refused(by if name.name != "openings.ndjson" else [])
            (self.out / name).write_bytes(whole)
        self.accepted()

    def test_a_changed_proof_is_taken_by_neither(self):
        self.export()
        (proof,) = self.prove(77)
        lines = proof.read_text().split("\n")
        consistency = self.folder / "consistency"
        consistency.write_text(self.rollbook("ledger", "consistency", 100).stdout)
        self.accepted(proof, consistency)
        for file in (proof, consistency):
            lines = file.read_text().split("\n")
            first = 2 if file == proof else 1
            flipped = bytearray(base64.b64decode(lines[first]))
            flipped[9] ^= 1
            for changed in (
                [*lines[:first], base64.b64encode(flipped).decode(), *lines[first + 1:]],
                [*lines[:first], *lines[first + 1:]],
                [*lines[:first], lines[first], *lines[first:]],
                [line.replace("index 77", "index 78").replace("old 100", "old 99") for line in lines],
            ):
                file.write_text("\n".join(changed))
                self.refused(["go", "node"], file)

    def test_a_second_export_into_the_folder_brings_it_up_to_date_and_leaves_full_tiles_alone(self):
        self.export()
        full = [p for p in self.out.rglob("*") if p.is_file() and ".p" not in str(p) and p.name != "checkpoint"]
        before = {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in full}
        self.assertTrue(before)
        self.amend()
        self.poll(SECOND_POLL)
        said = self.export().stdout
        self.assertIn("of the earlier export kept", said)
        self.accepted()
        self.assertEqual(before, {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in before})
        self.assertEqual([p for p in self.out.iterdir() if p.name.startswith(".")], [])

    def test_an_export_is_never_overwritten_by_a_history_it_does_not_begin(self):
        early = self.folder / "early"
        shutil.copytree(self.folder, early, ignore=shutil.ignore_patterns("early", "*.lock", "*.sock"))
        self.amend()
        self.poll(SECOND_POLL)
        self.export()
        held = (self.out / "checkpoint").read_bytes()
        for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db.signed"):
            (self.folder / name).unlink(missing_ok=True)
            if (early / name).exists():
                shutil.copy(early / name, self.folder / name)
        self.assertIn("does not extend", self.export(code=4).stderr)
        self.assertEqual((self.out / "checkpoint").read_bytes(), held)
        self.accepted()

    def test_a_tile_that_was_changed_is_not_written_over(self):
        self.export()
        tile = self.out / "tile" / "0" / "000"
        changed = bytearray(tile.read_bytes())
        changed[100] ^= 1
        tile.write_bytes(changed)
        self.assertIn("tiles never change", self.export(code=4).stderr)
        self.assertEqual(tile.read_bytes(), changed)
        # What a power cut may leave is no change: it is finished.
        tile.write_bytes(changed[:10])
        self.export()
        self.accepted()

    def test_openings_leave_concerns_out_unless_a_lead_said_so(self):
        entries = {e["index"]: e for e in self.entries()}
        sensitive = {i for i, e in entries.items() if e["what"] == "concern"}
        self.assertTrue(sensitive, "the school has concerns")
        said = self.export("--openings").stderr
        self.assertIn("left out", said)
        given = {o["index"] for o in self.openings()}
        self.assertEqual(given & sensitive, set())
        self.assertTrue({i for i, e in entries.items() if e["source"] == "mis"} <= given)
        self.assertFalse({i for i, e in entries.items() if e["source"] not in ("mis", None)} & given)

        self.assertIn("safeguarding lead", self.export("--openings", "--what", "concern", code=2).stderr)
        self.assertIn("--by", self.export("--openings", "--concerns", code=2).stderr)
        self.export("--openings", "--concerns", "--by", "D Lead", "--reason", "court order")
        self.assertTrue(sensitive <= {o["index"] for o in self.openings()})
        self.accepted()
        seen = [e["payload"] for e in self.entries("--kind", "access")]
        self.assertEqual([p["view"] for p in seen], ["export-openings", "export-concerns"])
        self.assertEqual(seen[-1]["reason"], "by D Lead: court order")

    def test_openings_of_one_kind_or_one_pupil(self):
        entries = {e["index"]: e for e in self.entries()}
        self.export("--openings", "--what", "session-mark")
        self.assertEqual({entries[o["index"]]["what"] for o in self.openings()}, {"session-mark"})
        pupil = next(e["pupil"] for e in entries.values() if e["what"] == "session-mark")
        self.export("--openings", "--pupil", pupil)
        given = {o["index"] for o in self.openings()}
        marks = {i for i, e in entries.items() if e["what"] == "session-mark" and e["pupil"] == pupil}
        self.assertTrue(marks)
        self.assertTrue(marks <= given)
        self.assertEqual({entries[i]["pupil"] for i in given}, {pupil})
        self.export("--what", "session-mark", code=2)

    def test_pseudonymous_openings_name_nobody_and_are_taken_by_both(self):
        self.export("--pseudonymous", code=2)
        pupil = next(e["pupil"] for e in self.entries() if e["what"] == "session-mark")
        self.rollbook("marker", "add", "--pupil", pupil, "--kind", "priority", "--reason", "Courtdate",
                      "--tell", "Socialworker")
        self.export("--openings", "--pseudonymous")
        entries = {e["index"]: e for e in self.entries()}
        given = {o["index"] for o in self.openings()}
        marks = {i for i, e in entries.items() if e["what"] == "session-mark"}
        commented = {i for i in marks if "comment" in entries[i]["payload"]}
        self.assertEqual(marks & given, marks - commented)
        self.assertTrue({"alert", "statement", "settings"} <= {entries[i]["what"] for i in given})
        self.assertFalse({"pupil", "involvement", "finding", "access"} & {entries[i]["what"] for i in given})
        texts = [base64.b64decode(o["payload"]).decode() for o in self.openings()]
        pupils = set(self.school.known_pupils) | {p["upn"] for p in self.school.known_pupils.values()}
        names = {name for pair in self.school.full_names for name in pair}
        said = {word for text in texts for word in re.findall(r"[\w'-]+", text)}
        self.assertEqual(said & (pupils | names | {"Courtdate", "Socialworker"}), set())
        self.accepted()

    def test_an_exported_checkpoint_stays_when_later_ones_of_the_day_are_pruned(self):
        self.export()
        held = (self.out / "checkpoint").read_text()
        for at in (SECOND_POLL, THIRD_POLL):
            self.amend(1 if at == SECOND_POLL else 2)
            self.poll(at)
        size = held.split("\n")[1]
        proof = self.rollbook("ledger", "consistency", 1, size).stdout
        self.assertTrue(proof.endswith(held))
        self.verify("--checkpoint", self.out / "checkpoint")


if __name__ == "__main__":
    build_go_checker()
    main()
