"""A pupil erased: gone from every file, and every proof and figure that was given before still stands."""

import base64
import hashlib
import json
import random
import signal
import sqlite3
import subprocess
import time

from support import FIRST_POLL, FOURTH_POLL, ROLLBOOK, SECOND_POLL, THIRD_POLL, ScenarioTest, end, main, wait_until

BASIS = "request under Article 17, decided by the data protection officer"
DECIDED = ("--basis", BASIS, "--override", "--by", "A. Officer")


class Leaver(ScenarioTest):
    """A school that one pupil has left, in both systems, after the first read."""

    pupils, days = 20, 10

    def setUp(self):
        super().setUp()
        self.first_poll()
        concerned = {i for row in self.school.safeguarding("incidents") for i in row["student_ids"]}
        with_concern = {r["mis_id"] for r in self.school.safeguarding("students") if r["id"] in concerned}
        alerted = {a["pupil"]["source_ids"]["mis"][0] for a in self.alerts()}
        known = sorted(self.school.known_pupils)
        best = [s for s in known if s in with_concern and s in alerted] or [s for s in known if s in alerted] or known
        self.student = best[0]
        self.ref = self.pupil(f"mis:{self.student}")["ref"]
        self.index = int(self.ref[2:])
        # A message that waits, a name that was shown: these tell of the pupil too.
        self.rollbook("pupil", self.ref, "--unmask", "--reason", "a letter home")

    def leave(self, now=SECOND_POLL):
        self.school.ask("POST", "delete", {"students": [self.student]})
        self.school.ask("POST", "archive", {"students": [self.student]})
        return self.poll(now)

    def erase(self, *words, code=0):
        return self.rollbook("erase", "--pupil", self.ref, *DECIDED, *words, code=code)

    def about(self):
        """Indexes of every entry about the pupil, by the program's own list."""
        return [e["index"] for e in self.entries("--pupil", self.ref)]

    def secrets(self):
        """Everything of the pupil that must be gone, as bytes: id by id, name, payload and commit key."""
        database = sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True)
        keys, payloads = [], []
        for index in self.about():
            key, payload = database.execute("SELECT commit_key, payload FROM opening WHERE idx = ?", (index,)).fetchone()
            keys.append(bytes(key))
            payloads.append(bytes(payload))
        database.close()
        pupil = self.school.known_pupils[self.student]
        other = [r for r in self.school.safeguarding("students") if r["mis_id"] == self.student]
        words = [self.student, pupil["upn"], *(r["id"] for r in other)]
        everyone = [p for s, p in self.school.known_pupils.items() if s != self.student]
        for name in ("forename", "surname"):
            if len(pupil[name]) > 4 and not any(pupil[name] in (p["forename"], p["surname"]) for p in everyone):
                words.append(pupil[name])
        self.assertTrue(keys)
        return [w.encode() for w in words if w], payloads, keys

    def state_files(self):
        return [p for p in sorted(self.folder.iterdir()) if p.name.startswith("ledger.") and p.is_file()]

    def found(self, words, payloads, keys):
        """What of it is in the files: as it is, in UTF-16, hexadecimal and base64."""
        left = []
        for path in self.state_files():
            data = path.read_bytes()
            for kind, needles in (("word", words), ("payload", payloads), ("key", keys)):
                for number, needle in enumerate(needles):
                    forms = {"as it is": needle, "hex": needle.hex().encode(), "base64": base64.b64encode(needle)}
                    if kind == "word":
                        forms["UTF-16"] = needle.decode().encode("utf-16-le")
                    left += [(path.name, kind, number, how) for how, form in forms.items() if form in data]
        return left


class Erasure(Leaver):
    def test_an_erased_pupil_is_in_no_file_and_every_earlier_proof_still_verifies(self):
        self.leave()
        about = self.about()
        words, payloads, keys = self.secrets()
        self.assertTrue(self.found(words, payloads, keys), "the search finds what is there")
        proofs = {n: self.rollbook("ledger", "prove", n).stdout for n in (0, about[0], about[-1])}
        leaves = {n: self.read("ledger", "show", n)["leaf"] for n in proofs}
        checkpoint = self.folder / "kept-checkpoint"
        checkpoint.write_text(self.rollbook("ledger", "checkpoint").stdout)
        figures = {s: f for s, f in self.every_figure_but(self.student).items()}
        others = {e["index"]: e for e in self.entries() if e["index"] not in about and e["kind"] == "record"}

        done = json.loads(self.erase("--json", code=0).stdout)
        self.assertEqual(done["left"], [])
        self.assertEqual(self.found(words, payloads, keys), [])
        self.assertEqual(self.every_figure_but(self.student), figures)
        now = {e["index"]: e for e in self.entries()}
        gone = {n for n, e in now.items() if e["payload"] is None}
        self.assertLessEqual(set(about), gone)
        self.assertEqual({n: e for n, e in now.items() if n in others and n not in gone},
                         {n: e for n, e in others.items() if n not in gone})
        for n, proof in proofs.items():
            self.is_included(proof, leaves[n])
            self.assertEqual(self.read("ledger", "show", n)["leaf"], leaves[n])
        found = self.verify("--checkpoint", checkpoint)
        self.assertEqual((found["erased"], found["unsigned"]), (len(gone), 0))
        self.assertIn("None differed", self.rollbook("ledger", "rebuild").stdout)

        erasures = [e for e in now.values() if e["kind"] == "erasure"]
        named = {n for e in erasures for a, b in e["payload"]["entries"] for n in range(a, b + 1)}
        self.assertEqual(named, gone)
        for each in erasures:
            self.assertNotIn("pupil", each["payload"])
            self.assertEqual(each["payload"]["basis"], BASIS)
        told = self.run_program("pupil", self.ref)
        self.assertEqual(told.returncode, 1)
        self.assertIn(BASIS, told.stderr)
        self.assertIn(self.now[:10], told.stderr)

    def every_figure_but(self, student):
        span = ("--from", self.school.first_day, "--to", self.school.last_day)
        return {s: self.figures(f"mis:{s}", *span) for s in sorted(self.school.known_pupils)[:8] if s != student}

    def is_included(self, proof, leaf):
        """RFC 9162 section 2.1.3.2, on our own."""
        head, note = proof.split("\n\n", 1)
        lines = head.split("\n")
        index = int(next(line for line in lines if line.startswith("index ")).split()[1])
        hashes = [base64.b64decode(line) for line in lines[lines.index(f"index {index}") + 1:]]
        size, root = int(note.split("\n")[1]), base64.b64decode(note.split("\n")[2])
        fn, sn, r = index, size - 1, hashlib.sha256(b"\0" + leaf.encode()).digest()
        for p in hashes:
            self.assertNotEqual(sn, 0)
            if fn % 2 or fn == sn:
                r = hashlib.sha256(b"\1" + p + r).digest()
                while fn and fn % 2 == 0:
                    fn, sn = fn >> 1, sn >> 1
            else:
                r = hashlib.sha256(b"\1" + r + p).digest()
            fn, sn = fn >> 1, sn >> 1
        self.assertEqual((sn, r), (0, root))

    def test_what_a_source_still_has_of_an_erased_pupil_is_not_read_again(self):
        self.leave()
        self.assertTrue(self.school.marks(self.student), "the school still has the marks")
        words, payloads, keys = self.secrets()
        self.erase()
        size = self.size()
        self.poll(THIRD_POLL)
        self.assertEqual(self.found(words, payloads, keys), [])
        self.assertEqual([e for e in self.entries("--kind", "record") if e["index"] >= size], [])
        self.verify()

        # Listed again, the pupil is a new one to us.
        self.school.ask("POST", "restore", {"students": [self.student]})
        self.poll(FOURTH_POLL)
        again = self.pupil(f"mis:{self.student}")
        self.assertNotEqual(again["ref"], self.ref)
        self.assertEqual(len(again["marks"]), len(self.school.marks(self.student)))
        self.verify()

    def test_a_pupil_whom_a_source_lists_is_not_erased(self):
        before = self.size()
        self.assertIn("still lists", self.erase(code=1).stderr)
        self.school.ask("POST", "delete", {"students": [self.student]})
        self.poll(SECOND_POLL)
        self.assertIn("still lists", self.erase(code=1).stderr)
        self.assertGreater(self.size(), before)
        self.assertFalse([e for e in self.entries() if e["kind"] == "erasure"])

    def test_the_minimum_period_holds_to_the_day_unless_a_person_overrides_it(self):
        self.leave()
        plain = ("erase", "--pupil", self.ref, "--basis", "retention-expired", "--json")
        plan = self.rollbook(*plain, "--dry-run")
        until = json.loads(plan.stdout)["kept_until"]
        refused = self.rollbook(*plain, code=1)
        self.assertIn(until, refused.stderr)
        self.assertEqual(self.rollbook(*plain, "--override", code=2).returncode, 2)
        year, month, day = map(int, until.split("-"))
        eve = time.strftime("%Y-%m-%d", time.gmtime(time.mktime((year, month, day, 12, 0, 0, 0, 0, 0)) - 86400))
        self.rollbook(*plain, now=f"{eve}T12:00:00Z", code=1)
        self.rollbook(*plain, now=f"{until}T12:00:00Z")
        self.verify()

    def test_a_hold_stops_every_erasure_and_is_known_at_its_time(self):
        self.leave()
        self.rollbook("hold", "--pupil", self.ref, "--reason", "a claim", "--by", "A. Lawyer")
        self.assertEqual([h["pupil"] for h in self.read("hold", "list")], [self.ref])
        self.assertIn("hold", self.erase(code=1).stderr)
        self.rollbook("hold", "--pupil", self.ref, "--reason", "a claim", "--by", "A. Lawyer", code=1)
        self.rollbook("hold", "end", "--pupil", self.ref, "--reason", "settled", "--by", "A. Lawyer", now=THIRD_POLL)
        self.assertEqual(self.read("hold", "list"), [])
        self.assertEqual([h["reason"] for h in self.read("hold", "list", "--known-at", SECOND_POLL)], ["a claim"])
        self.now = THIRD_POLL
        words, payloads, keys = self.secrets()
        self.erase()
        self.assertEqual(self.found(words, payloads, keys), [])
        self.verify()

    def test_a_dry_run_changes_nothing(self):
        self.leave()
        before = hashlib.sha256(self.ledger.read_bytes()).digest(), self.size()
        plan = json.loads(self.erase("--dry-run", "--json").stdout)
        self.assertEqual((hashlib.sha256(self.ledger.read_bytes()).digest(), self.size()), before)
        done = json.loads(self.erase("--json").stdout)
        self.assertEqual(done["by_kind"], plan["by_kind"])

    def test_a_basis_that_names_the_pupil_is_refused(self):
        self.leave()
        upn = self.school.known_pupils[self.student]["upn"]
        self.rollbook("erase", "--pupil", self.ref, "--basis", f"asked by {upn}", "--override", "--by", "A", code=2)
        self.erase()

    def test_an_erasure_waits_for_a_reader_and_refuses_while_one_reads(self):
        self.leave()
        reader = sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM entry").fetchone()
        # Something after the reader's view, so that the log cannot be emptied.
        self.rollbook("pupil", self.ref, "--unmask", "--reason", "another letter")
        self.assertIn("being read", self.erase(code=1).stderr)
        reader.close()
        self.erase()
        self.verify()

    def test_a_kill_at_any_instant_leaves_an_erasure_begun_or_finished(self):
        self.leave()
        words, payloads, keys = self.secrets()
        size = self.size()
        files = [p for p in self.state_files() if p.name.startswith("ledger.db")]
        saved = {p.name: p.read_bytes() for p in files}
        began = time.monotonic()
        self.erase()
        whole = time.monotonic() - began
        other = next(s for s in sorted(self.school.known_pupils) if s != self.student)
        dice = random.Random(7)
        ends = {"before": 0, "after": 0}
        for _ in range(25):
            for path in self.folder.glob("ledger.db*"):
                path.unlink()
            for name, data in saved.items():
                (self.folder / name).write_bytes(data)
            victim = subprocess.Popen(
                [ROLLBOOK, "erase", "--pupil", self.ref, *DECIDED, "--config", str(self.config)],
                env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)
            try:
                victim.wait(dice.uniform(0, whole * 1.2))
            except subprocess.TimeoutExpired:
                victim.send_signal(signal.SIGKILL)
                victim.wait()
            found = self.verify()
            if found["erased"]:
                # The next program that opens the ledger for writing finishes what was begun.
                ends["after"] += 1
                self.rollbook("hold", "--pupil", f"mis:{other}", "--reason", "a claim", "--by", "A. Lawyer")
                self.assertEqual(self.found(words, payloads, keys), [])
            else:
                ends["before"] += 1
                self.assertEqual(found["size"], size)
                self.erase()
                self.assertEqual(self.found(words, payloads, keys), [])
            self.verify()
        self.assertTrue(ends["before"] and ends["after"], ends)


class ErasureByTheDaemon(Leaver):
    def test_the_running_daemon_erases_and_forgets(self):
        self.leave()
        words, payloads, keys = self.secrets()
        log = self.folder / "daemon.log"
        with open(log, "w") as file:
            daemon = subprocess.Popen([ROLLBOOK, "run", "--config", str(self.config)], env=self.environment(),
                                      stdout=file, stderr=subprocess.STDOUT, cwd=self.folder)
        self.addCleanup(end, daemon)
        wait_until(lambda: "daemon_ready" in log.read_text(), "the daemon holds the ledger")
        self.erase()
        size = self.size()
        self.rollbook("poll")
        self.assertIsNone(daemon.poll(), log.read_text())
        self.assertEqual(self.found(words, payloads, keys), [])
        self.assertEqual([e for e in self.entries("--kind", "record") if e["index"] >= size], [])
        end(daemon)
        self.assertEqual(self.found(words, payloads, keys), [])
        self.said.append(log.read_text())
        self.verify()


class Retention(ScenarioTest):
    pupils, days = 12, 10

    def test_marks_go_at_their_maximum_and_are_not_read_again(self):
        self.config.write_text(self.config.read_text() + "\n[retention]\nattendance = { at_most_years = 7 }\n")
        self.first_poll()
        oldest = self.school.first_day
        later = str(int(oldest[:4]) + 7) + oldest[4:]
        eve = time.strftime("%Y-%m-%d", time.gmtime(time.mktime(
            (int(later[:4]), int(later[5:7]), int(later[8:]), 12, 0, 0, 0, 0, 0)) - 86400))
        self.now = f"{eve}T12:00:00Z"
        self.assertIn("nothing was erased", self.rollbook("retention").stdout)
        self.now = f"{later}T12:00:00Z"
        plan = json.loads(self.rollbook("retention", "--dry-run", "--json").stdout)
        old = [e for e in self.entries("--kind", "session-mark") if e["payload"]["date"] == oldest]
        self.assertEqual(plan["by_kind"], {"session-mark": len(old)})
        self.rollbook("retention")
        self.assertEqual(self.verify()["erased"], len(old))
        self.poll(f"{later}T13:00:00Z")
        held = [e for e in self.entries("--kind", "session-mark") if e["payload"]["date"] == oldest]
        self.assertEqual(held, [])
        self.verify()

    def test_less_than_the_law_asks_is_no_configuration(self):
        good = self.config.read_text()
        self.config.write_text(good + "\n[retention]\nattendance = { at_least_years = 5 }\n")
        self.rollbook("check", code=3)
        self.config.write_text(good + "\n[retention]\nattendance = { at_most_years = 5 }\n")
        self.rollbook("check", code=3)


if __name__ == "__main__":
    main()
