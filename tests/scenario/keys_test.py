"""A change of the signing key, as the school, the auditor and a thief of the old key see it."""

import base64
import shutil

from support import FIRST_POLL, SECOND_POLL, THIRD_POLL, ScenarioTest, main

LATER = "2025-12-05T18:00:00Z"


class Keys(ScenarioTest):
    pupils, days = 20, 10

    def setUp(self):
        super().setUp()
        self.old = self.init().stdout.split()[-1]
        self.poll(FIRST_POLL)
        self.key_file = self.folder / "ledger.key"

    def rotate(self, *words, now=SECOND_POLL, code=0):
        return self.rollbook("ledger", "rotate-key", *words, now=now, code=code)

    def signers(self):
        """The ids under the newest checkpoint."""
        lines = self.rollbook("ledger", "checkpoint").stdout.split("\n\n")[1].strip().split("\n")
        return [base64.b64decode(line.split(" ")[2])[:4].hex() for line in lines]

    def amend(self, code):
        for mark in self.school.marks(sorted(self.school.known_pupils)[0])[-3:]:
            self.school.amend(mark["student"], mark["date"], mark["session"], code)

    def test_both_keys_sign_for_a_while_and_either_public_key_checks_everything(self):
        new = self.rotate("--overlap", "2d").stdout.split()[-1]
        old_id, new_id = self.old.split("+")[1], new.split("+")[1]
        self.assertNotEqual(old_id, new_id)
        self.assertEqual(self.signers(), [new_id, old_id])
        self.assertEqual(self.key_file.stat().st_mode & 0o777, 0o600)
        self.assertEqual(len(self.key_file.read_text().split()), 2)
        (entry,) = self.entries("--kind", "key")
        self.assertIn(self.old, entry["payload"]["note"])
        self.assertIn(new, entry["payload"]["note"])
        self.amend("M")
        self.poll(THIRD_POLL)
        self.assertEqual(self.signers(), [new_id, old_id])
        self.amend("I")
        self.poll(LATER)
        self.assertEqual(self.signers(), [new_id])
        for key in (self.old, new):
            self.verify("--key", key)
            self.rollbook("ledger", "export", self.folder / key[-6:].replace("/", "_"), "--key", key)
        self.rollbook("ledger", "rebuild")
        stranger = new[:-5] + ("AAAA=" if new[-5:] != "AAAA=" else "BBBB=")
        self.rollbook("ledger", "verify", "--key", stranger, code=2)

    def test_a_second_change_drops_the_first_key_and_the_first_public_key_still_leads_to_the_newest(self):
        second = self.rotate("--overlap", "1s").stdout.split()[-1]
        third = self.rotate("--overlap", "1s", now=THIRD_POLL).stdout.split()[-1]
        self.amend("M")
        self.poll(LATER)
        self.assertEqual(self.signers(), [third.split("+")[1]])
        self.assertEqual(len(self.key_file.read_text().split()), 2)
        for key in (self.old, second, third):
            self.verify("--key", key)

    def test_the_old_key_alone_signs_nothing_more(self):
        held = self.key_file.read_text()
        self.rotate()
        changed = self.key_file.read_text()
        self.key_file.write_text(held)
        self.assertIn("last changed to", self.run_program("poll", now=THIRD_POLL).stderr)
        self.key_file.write_text(changed)
        self.poll(THIRD_POLL)
        self.verify()

    def test_another_ledger_s_key_is_said_by_check_and_by_poll_and_signs_nothing(self):
        held = self.key_file.read_text()
        self.assertNotIn("signing_key", self.run_program("check", now=SECOND_POLL).stdout)
        self.key_file.write_text(base64.b64encode(bytes(range(32))).decode() + "\n")
        self.assertIn("not signed with the key", self.rollbook("check", now=SECOND_POLL, code=1).stdout)
        self.assertIn("Put back the key file", self.rollbook("poll", now=SECOND_POLL, code=4).stderr)
        self.key_file.write_text(held)
        self.poll(SECOND_POLL)
        self.verify()

    def test_a_key_file_that_others_may_read_is_refused_with_what_to_do(self):
        self.key_file.chmod(0o640)
        refused = self.run_program("poll", now=SECOND_POLL)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn(f"chmod 600 {self.key_file}", refused.stderr)
        self.assertNotIn(self.key_file.read_text().strip(), refused.stderr)

    def test_a_change_that_stopped_before_its_entry_goes_on_with_the_key_it_made(self):
        copy = self.folder / "copy"
        copy.mkdir()
        for name in ("ledger.db", "ledger.db-wal"):
            if (self.folder / name).exists():
                shutil.copy(self.folder / name, copy / name)
        new = self.rotate().stdout.split()[-1]
        changed = self.key_file.read_text()
        # The key file was replaced and the machine went down.
        for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db.signed"):
            (self.folder / name).unlink(missing_ok=True)
            if (copy / name).exists():
                shutil.copy(copy / name, self.folder / name)
        self.amend("M")
        self.poll(THIRD_POLL)
        self.assertEqual(self.signers(), [self.old.split("+")[1]])
        self.assertEqual(self.rotate(now=LATER).stdout.split()[-1], new)
        self.assertEqual(self.key_file.read_text(), changed)
        self.verify()


if __name__ == "__main__":
    main()
