"""A witness outside the school: what it signs, what it refuses, and what its signature and the mails are good for."""

import base64
import shutil
import subprocess
from pathlib import Path

from support import FIRST_POLL, FOURTH_POLL, ROLLBOOK, SECOND_POLL, THIRD_POLL, ScenarioTest, main

WITNESS = Path(ROLLBOOK).resolve().parent / "rollbook-witness"
NEXT_WEEK = "2025-12-01T18:00:00Z"


class Witness(ScenarioTest):
    pupils, days = 20, 10

    def setUp(self):
        super().setUp()
        self.auditor = self.folder / "auditor"
        self.vkey = self.witness("init", self.auditor, "--name", "auditor.example/w", folder=None).stdout.strip()
        self.log_vkey = self.init().stdout.split()[-1]
        self.witness("add", self.log_vkey)
        with self.config.open("a") as config:
            config.write(f'\n[witness]\nvkeys = ["{self.vkey}"]\nmax_age = "8d"\n'
                         'mail = { to = ["archive@auditor.example"] }\n')
        self.poll(FIRST_POLL)

    def witness(self, *words, code=0, folder=True, stdin=""):
        command = [str(WITNESS), *map(str, words)]
        if folder:
            command += ["--dir", str(self.auditor)]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, code, f"{words}: {done.stdout} {done.stderr}")
        return done

    def request(self, *words):
        return self.rollbook("witness", "request", *words).stdout

    def cosign(self, accept="-"):
        """One round: request, answer, accept."""
        answer = self.folder / "answer"
        answer.write_text(self.witness("answer", "-", stdin=self.request()).stdout)
        return self.rollbook("witness", "accept", answer).stdout

    def amend(self, code):
        for mark in self.school.marks(sorted(self.school.known_pupils)[0])[-3:]:
            self.school.amend(mark["student"], mark["date"], mark["session"], code)

    def keep_copy(self):
        copy = self.folder / "early"
        copy.mkdir()
        for name in ("ledger.db", "ledger.db-wal"):
            if (self.folder / name).exists():
                shutil.copy(self.folder / name, copy / name)
        return copy

    def put_back(self, copy):
        for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db.signed"):
            (self.folder / name).unlink(missing_ok=True)
            if (copy / name).exists():
                shutil.copy(copy / name, self.folder / name)

    def test_a_cosignature_shows_in_status_checkpoint_and_proofs(self):
        self.assertIsNone(self.read("status")["ledger"]["cosigned_at"])
        self.assertIn("has signed nothing yet", self.rollbook("status").stdout)
        self.rollbook("ledger", "checkpoint", "--cosigned", code=1)
        self.assertIn("auditor.example/w signed the checkpoint", self.cosign())
        note = self.rollbook("ledger", "checkpoint").stdout
        self.assertIn("\u2014 auditor.example/w ", note)
        self.assertIn("\u2014 auditor.example/w ", self.rollbook("ledger", "prove", 7).stdout)
        status = self.read("status")["ledger"]
        self.assertEqual(status["cosigned_size"], int(note.split("\n")[1]))
        self.assertTrue(status["cosigned_at"])
        self.verify()

        # Proofs of what the witness has seen keep its signature when newer checkpoints have none yet.
        self.amend("M")
        self.poll(SECOND_POLL)
        self.assertNotIn("auditor", self.rollbook("ledger", "checkpoint").stdout)
        self.assertEqual(self.rollbook("ledger", "checkpoint", "--cosigned").stdout, note)
        self.assertIn("auditor", self.rollbook("ledger", "prove", 7).stdout)
        self.assertNotIn("auditor", self.rollbook("ledger", "prove", self.size() - 1).stdout)
        self.cosign()
        self.assertIn("auditor", self.rollbook("ledger", "prove", self.size() - 1).stdout)
        self.verify()

    def test_a_ledger_that_was_cut_back_and_went_on_otherwise_is_never_signed(self):
        copy = self.keep_copy()
        self.amend("M")
        self.poll(SECOND_POLL)
        self.cosign()
        signed = self.folder / "signed"
        signed.write_text(self.rollbook("ledger", "checkpoint").stdout)
        held = self.witness("list").stdout

        self.put_back(copy)
        self.amend("I")
        self.poll(THIRD_POLL)
        self.amend("/")
        self.poll(FOURTH_POLL)
        self.verify()  # by itself the ledger looks sound
        refused = self.witness("answer", "-", stdin=self.request(), code=1)
        self.assertIn("409", refused.stderr)
        answer = self.folder / "answer"
        answer.write_text(refused.stdout)
        size = refused.stdout.strip()
        self.assertIn(f"--old {size}", self.rollbook("witness", "accept", answer, code=1).stderr)
        if self.size() >= int(size):
            self.assertIn("422", self.witness("answer", "-", stdin=self.request("--old", size), code=1).stderr)
        self.assertEqual(self.witness("list").stdout, held)
        self.assertFalse(self.verify("--checkpoint", signed, code=1)["ok"])

    def test_what_is_no_answer_of_the_witness_is_refused(self):
        request = self.request()
        answer = self.witness("answer", "-", stdin=request).stdout
        line = self.folder / "line"
        payload = bytearray(base64.b64decode(answer.split(" ")[2]))
        payload[20] ^= 1
        for text, code in (
            ("nothing", 2),
            (f"\u2014 auditor.example/w {base64.b64encode(payload).decode()}\n", 1),
            (answer.replace("auditor.example/w", "auditor.example/x"), 1),
        ):
            line.write_text(text)
            self.rollbook("witness", "accept", line, code=code)
        self.assertIsNone(self.read("status")["ledger"]["cosigned_at"])
        # The mail that the answer came in will do, and an algorithm of tomorrow is carried along.
        unknown = "\u2014 auditor.example/w " + base64.b64encode(b"\1\2\3\4" + bytes(2420)).decode() + "\n"
        body = base64.encodebytes(("Dear school,\n\n" + answer + unknown).encode()).decode()
        line.write_text("From: a@auditor.example\r\nContent-Type: text/plain; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: base64\r\n\r\n" + body.replace("\n", "\r\n"))
        self.rollbook("witness", "accept", line)
        note = self.rollbook("ledger", "checkpoint").stdout
        self.assertEqual(note.count("\n\u2014 "), 3)
        self.assertIn(unknown, note)
        self.verify()

    def test_the_evening_mail_is_a_checkpoint_that_verify_takes_as_it_is(self):
        copy = self.keep_copy()
        self.amend("M")
        self.poll(SECOND_POLL)
        self.assertFalse(self.archived(), "before the evening nothing is mailed")
        self.poll(FOURTH_POLL)
        (mail,) = self.archived()
        saved = self.folder / "saved.eml"
        head = "".join(f"{name}: {value}\r\n" for name, value in mail["headers"].items())
        saved.write_bytes((head + "\r\n" + mail["body"]).encode())
        self.verify("--checkpoint", saved)
        self.poll("2025-11-21T21:00:00Z")
        self.assertEqual(len(self.archived()), 1, "once a day")

        self.put_back(copy)
        found = self.verify("--checkpoint", saved, code=1)
        self.assertIn("entries have been removed", str(found["problems"]))

    def archived(self):
        return [mail for mail in self.school.mails() if "archive@auditor.example" in str(mail)]

    def test_a_witness_that_went_silent_is_told_to_the_operator(self):
        self.cosign()
        self.assertFalse(self.read("status")["ledger"]["witness_overdue"])
        # The simulation's time is past; the signature's is now, so only a ledger without one can be overdue here.
        other = self.folder / "other.toml"
        text = self.config.read_text()
        other.write_text(text.replace(self.vkey, self.second_vkey()))
        status = self.rollbook("status", "--json", now=NEXT_WEEK, config=other).stdout
        self.assertIn('"witness_overdue":true', status)
        self.assertIn("OVERDUE", self.rollbook("status", now=NEXT_WEEK, config=other).stdout)
        self.assertIn("no witness has signed", self.rollbook("poll", now=NEXT_WEEK, config=other).stderr)
        self.rollbook("check", now=NEXT_WEEK, config=other)

    def second_vkey(self):
        return self.witness("init", self.folder / "second", "--name", "auditor.example/two", folder=None).stdout.strip()

    def test_the_witness_programs_words(self):
        self.assertIn("SYNOPSIS", self.witness("--help", folder=None).stdout)
        self.witness("sign", code=2)
        self.witness("answer", code=2)
        self.witness("answer", self.folder / "nothing", code=2)
        self.witness("answer", "-", stdin="old 0\n", code=1)
        (self.auditor / "witness.key").chmod(0o644)
        self.assertIn("chmod 600", self.witness("list", code=2).stderr)


if __name__ == "__main__":
    main()
