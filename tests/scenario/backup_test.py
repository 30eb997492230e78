"""Backups: sealed, verified, rotated; restored without bringing back what was erased and without a second history."""

import datetime
import json
import os
import random
import re
import resource
import shutil
import sqlite3
import subprocess
import tempfile
import unittest
from pathlib import Path

from erasure_test import Leaver
from support import ROLLBOOK, SECOND_POLL, THIRD_POLL, ScenarioTest, end, main, wait_until


class WithBackups:
    """Two recipients, a target folder, and [backup] in the configuration."""

    def set_up_backups(self, every="1d", keep="30d"):
        self.target = self.folder / "target"
        self.target.mkdir()
        self.keys = [self.folder / "keys" / name for name in ("first.key", "second.key")]
        self.keys[0].parent.mkdir()
        public = [self.run_program("backup", "keygen", key, config=False).stdout.split()[-1] for key in self.keys]
        self.section = (f'\n[backup]\ntarget = "target"\nrecipients = {json.dumps(public)}\n'
                        f'every = "{every}"\nkeep = "{keep}"\n')
        self.config.write_text(self.config.read_text() + self.section)

    def backup(self, *words, code=0):
        done = self.rollbook("backup", *words, "--json", code=code)
        return self.folder / json.loads(done.stdout)["file"] if code == 0 else done

    def restore(self, file, *words, key=0, code=0):
        return self.rollbook("restore", file, "--key", self.keys[key], *words, code=code)

    def new_origin(self):
        text = self.config.read_text()
        old = text.split('origin = "', 1)[1].split('"')[0]
        self.config.write_text(text.replace(f'origin = "{old}"', f'origin = "{old}/2"'))
        return old

    def rows(self):
        database = sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True)
        names = [n for n, in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
        found = {n: sorted(database.execute(f"SELECT * FROM {n}").fetchall(), key=repr) for n in names}
        database.close()
        return found


class Backup(WithBackups, ScenarioTest):
    pupils, days = 12, 8

    def setUp(self):
        super().setUp()
        self.set_up_backups()
        self.first_poll()

    def test_a_backup_restores_every_row_of_every_table(self):
        rows, figures = self.rows(), self.every_figure()
        file = self.backup()
        for key in (0, 1):
            for path in self.folder.glob("ledger.db*"):
                path.unlink()
            self.restore(file, key=key)
            self.assertEqual(self.rows(), rows)
            self.assertEqual(self.every_figure(), figures)
            self.verify()
        self.poll(SECOND_POLL)
        self.verify()

    def test_nothing_of_a_pupil_can_be_read_in_it_and_no_secret_is_in_it(self):
        data = self.backup().read_bytes()
        words = {s for s in self.school.private_ids if len(s) > 6} | {f for f, _ in self.school.full_names if len(f) > 5}
        self.assertEqual([w for w in words if w.encode() in data], [])
        self.assertNotIn(b"session-mark", data)
        for key in self.keys:
            self.assertNotIn(key.read_text().strip().split(":")[1].encode(), data)

    def test_a_file_that_is_there_is_never_written_over(self):
        for there in (self.ledger, self.folder / "ledger.key", self.backup(self.folder / "mine.rbk")):
            before = there.read_bytes()
            self.assertIn("is there already", self.backup(there, code=2).stderr)
            self.assertEqual(there.read_bytes(), before)
        self.verify()

    def test_verify_needs_no_key_and_with_one_opens_it(self):
        file = self.backup()
        self.assertFalse(self.read("backup", "verify", file)["opened"])
        self.assertTrue(self.read("backup", "verify", file, "--key", self.keys[1])["opened"])
        stranger = self.folder / "keys" / "stranger.key"
        self.run_program("backup", "keygen", stranger, config=False)
        self.assertIn("not made for this key", self.rollbook("backup", "verify", file, "--key", stranger, code=4).stderr)
        os.chmod(self.keys[0], 0o644)
        self.assertIn("open to others", self.rollbook("backup", "verify", file, "--key", self.keys[0], code=2).stderr)

    def test_a_backup_cut_or_changed_anywhere_is_refused_and_the_ledger_stays(self):
        file = self.backup()
        good, ledger = file.read_bytes(), self.ledger.read_bytes()
        dice = random.Random(3)
        places = [0, 20, len(good) - 1, len(good) - 60] + [dice.randrange(len(good)) for _ in range(12)]
        for at in places:
            bad = bytearray(good)
            bad[at] ^= 1
            file.write_bytes(bytes(bad))
            self.assertIn(self.run_program("backup", "verify", file).returncode, (1, 2, 4), at)
            self.assertIn(self.run_program("restore", file, "--key", self.keys[0]).returncode, (1, 2, 4), at)
        for size in (0, 10, len(good) // 2, len(good) - 1):
            file.write_bytes(good[:size])
            self.assertIn(self.run_program("restore", file, "--key", self.keys[0]).returncode, (1, 2, 4), size)
        file.write_bytes(good + b"x")
        self.assertIn(self.run_program("restore", file, "--key", self.keys[0]).returncode, (1, 2, 4))
        self.assertEqual(self.ledger.read_bytes(), ledger)
        self.verify()

    def test_a_full_disk_leaves_the_older_backup_and_says_so(self):
        file = self.folder / "copy.rbk"
        self.rollbook("backup", file)
        good = file.read_bytes()
        command = [ROLLBOOK, "backup", str(file), "--config", str(self.config)]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, cwd=self.folder,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)))
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(file.read_bytes(), good)
        self.assertEqual([p.name for p in self.folder.glob("*.unfinished")], [])

    def test_one_recipient_is_no_configuration(self):
        text = self.config.read_text()
        keys = json.loads(text.split("recipients = ")[1].split("\n")[0])
        self.config.write_text(text.replace(json.dumps(keys), json.dumps(keys[:1])))
        self.rollbook("check", code=3)
        self.config.write_text(text.replace(json.dumps(keys), json.dumps([keys[0], "no key"])))
        self.assertIn("no recipient's public key", self.run_program("check").stdout)
        for path in self.folder.glob("ledger.*"):
            path.unlink()
        self.config.write_text(text.replace(json.dumps(keys), json.dumps(keys[:1])))
        self.rollbook("init", "--simulated", code=3)
        self.assertFalse(self.ledger.exists())

    def test_older_backups_go_and_the_newest_stays(self):
        first = self.backup()
        self.now = "2025-12-01T12:00:00Z"
        second = self.backup()
        self.now = "2026-02-01T12:00:00Z"
        third = self.backup()
        self.assertEqual([p.exists() for p in (first, second, third)], [True, True, True], "a pause, or a clock ahead")
        self.now = "2026-02-02T12:00:00Z"
        fourth = self.backup()
        self.assertEqual([p.exists() for p in (first, second, third, fourth)], [False, False, True, True])

    def test_status_tells_of_the_newest_backup_and_of_an_overdue_one(self):
        self.assertTrue(self.read("status")["backup"]["overdue"])
        self.backup()
        self.assertEqual(self.read("status")["backup"]["at"][:19], self.now[:19])
        self.now = "2025-12-24T12:00:00Z"
        self.assertTrue(self.read("status")["backup"]["overdue"])
        self.assertIn("OVERDUE", self.rollbook("status").stdout)

    def troubles(self):
        return {t["event"]: t["text"] for t in self.read("status")["troubles"]}

    def decide(self):
        """The entry of what a person did."""
        self.rollbook("pupil", f"mis:{min(self.school.known_pupils)}", "--unmask", "--reason", "a call")
        return self.size() - 1

    def test_a_copy_elsewhere_keeps_nothing_from_being_lost_and_puts_no_backup_off(self):
        self.rollbook("backup", self.folder / "here.rbk")
        status = self.read("status")
        self.assertEqual(status["at_risk"]["entries"], status["ledger"]["size"])
        self.assertTrue(status["backup"]["overdue"])
        self.assertIn("everything would be lost", self.rollbook("status").stdout)

    def test_status_counts_a_backup_as_long_as_it_is_in_the_target_to_its_end(self):
        file = self.backup()
        self.assertEqual(self.read("status")["at_risk"]["entries"], 0)
        self.assertIn("nothing would be lost", self.rollbook("status").stdout)
        good = file.read_bytes()
        for left in (good[:-200], None):
            file.unlink() if left is None else file.write_bytes(left)
            self.assertIn("everything would be lost", self.rollbook("status").stdout)
            self.assertIn("backup_overdue", self.troubles())
        self.now = "2025-11-22T17:00:00Z"
        second = self.backup()
        file.write_bytes(good)
        self.assertEqual(self.folder / self.read("status")["backup"]["file"], second)
        second.unlink()
        self.assertEqual(self.folder / self.read("status")["backup"]["file"], file)

    def test_a_decision_that_cannot_be_copied_is_told_and_copied_when_it_can(self):
        self.backup()
        away = self.target.rename(self.folder / "away")
        self.decide()
        self.assertIn("target/checkpoint cannot be written", self.troubles()["copies_failed"])
        away.rename(self.target)
        self.assertEqual(self.read("status")["at_risk"]["decisions"], 1)
        self.assertIn("is in the backup's target, except the last 1.", self.rollbook("status").stdout)
        self.decide()
        self.assertEqual(self.read("status")["at_risk"]["decisions"], 0)
        self.assertEqual(self.read("status")["at_risk"]["entries"], 2)
        self.assertIn("decided is in the backup's target.", self.rollbook("status").stdout)
        self.assertNotIn("copies_failed", self.troubles())

    def test_a_backup_that_failed_is_a_trouble_until_one_is_made(self):
        self.backup()
        away = self.target.rename(self.folder / "away")
        self.rollbook("backup", code=4)
        away.rename(self.target)
        self.assertIn("the backup failed", self.troubles()["backup_failed"])
        self.rollbook("backup", self.folder / "elsewhere.rbk")
        self.assertIn("backup_failed", self.troubles())
        self.backup()
        self.assertNotIn("backup_failed", self.troubles())

    def test_a_restore_on_trial_is_overdue_45_days_after_the_first_backup(self):
        self.backup()
        self.assertNotIn("drill_overdue", self.troubles())
        self.now = "2026-01-05T16:00:00Z"
        self.backup()
        self.assertNotIn("drill_overdue", self.troubles())
        self.now = "2026-01-05T18:00:00Z"
        self.assertIn("drill_overdue", self.troubles())

    def test_copied_decisions_are_kept_as_long_as_a_backup_without_them(self):
        copies = self.target / "decisions.sealed"
        held = lambda: [json.loads(line)["entry"] for line in copies.read_text().splitlines()]
        oldest = self.backup()
        first = self.decide()
        self.now = "2025-11-30T17:00:00Z"
        self.backup()
        second = self.decide()
        self.assertEqual(held(), [first, second])
        self.now = "2025-12-22T17:00:00Z"
        self.backup()
        self.assertFalse(oldest.exists())
        self.assertEqual(held(), [second])
        for self.now in ("2026-02-22T17:00:00Z", "2026-02-23T17:00:00Z"):
            self.backup()
        self.assertEqual(held(), [])
        third = self.decide()
        self.assertEqual(held(), [third])


class Forks(WithBackups, Leaver):
    def setUp(self):
        super().setUp()
        self.set_up_backups()

    def test_an_erased_pupil_does_not_come_back_from_a_backup(self):
        file = self.backup()
        self.leave()
        words, payloads, keys = self.secrets()
        before = self.about()
        done = json.loads(self.erase("--json").stdout)
        # Kept for thirty days, and removed when the daily backup after them is made.
        gone = datetime.date.fromisoformat(self.now[:10]) + datetime.timedelta(days=31)
        self.assertEqual(done["last_copy_gone"][:10], gone.isoformat())
        self.assertTrue((self.target / "erasures.jsonl").exists())
        for path in self.folder.glob("ledger.db*"):
            path.unlink()

        refused = self.restore(file, code=1)
        self.assertIn("second history", refused.stderr)
        self.assertFalse(self.ledger.exists())
        old = self.new_origin()
        self.restore(file)
        self.assertEqual(self.found(words, payloads, keys), [])
        self.verify()
        told = self.run_program("pupil", self.ref)
        self.assertEqual(told.returncode, 1)
        self.assertIn("erased", told.stderr)
        fork = next(e for e in self.entries() if e["kind"] == "fork")["payload"]
        self.assertEqual(fork["old_origin"], old)
        self.assertLessEqual({n for n in before if n < fork["size"]},
                             {e["index"] for e in self.entries() if e["payload"] is None})
        size = self.size()
        self.poll(THIRD_POLL)
        self.assertEqual(self.found(words, payloads, keys), [], "the source still has the marks")
        self.assertEqual([e for e in self.entries("--kind", "record") if e["index"] >= size], [])
        self.verify()

    def test_a_ledger_that_went_on_is_not_replaced_by_an_older_one_under_the_same_name(self):
        file = self.backup()
        self.school.amend(self.student, self.school.last_day, "AM", "M")
        self.poll(SECOND_POLL)
        kept = self.folder / "kept"
        kept.write_text(self.rollbook("ledger", "checkpoint").stdout)
        before = self.ledger.read_bytes()
        self.restore(file, code=1)
        self.assertEqual(self.ledger.read_bytes(), before)
        for path in [*self.folder.glob("ledger.db*"), *self.target.glob("checkpoint")]:
            path.unlink()
        self.restore(file, "--checkpoint", kept, code=1)
        self.new_origin()
        self.restore(file, "--checkpoint", kept)
        self.verify()

    def test_a_ledger_that_is_gone_is_missed_by_the_checkpoint_beside_it(self):
        file, signed = self.backup(), self.folder / "ledger.db.signed"
        self.school.amend(self.student, self.school.last_day, "AM", "M")
        self.poll(SECOND_POLL)
        for path in [*self.folder.glob("ledger.db*"), *self.target.glob("checkpoint")]:
            if path != signed:
                path.unlink()
        self.assertIn("is gone", self.rollbook("init", "--simulated", code=4).stderr)
        told = self.restore(file, code=1).stderr
        self.assertIn("second history", told)
        self.assertTrue(signed.exists() and not self.ledger.exists())
        self.new_origin()
        self.restore(file)
        self.assertEqual(len([*self.folder.glob("ledger.db.replaced-*.signed")]), 1)
        self.poll(THIRD_POLL)
        self.assertEqual(self.every_figure(), self.true_figures())
        self.verify()

    def test_a_ledger_whose_signing_key_was_lost_goes_on_under_a_new_origin_and_key(self):
        file = self.backup()
        for path in [*self.folder.glob("ledger.db*"), self.folder / "ledger.key"]:
            path.unlink()
        self.new_origin()
        self.restore(file)
        self.verify()
        self.poll(SECOND_POLL)
        self.verify()

    def test_the_ledger_that_was_replaced_is_kept(self):
        file = self.backup()
        before = self.size()
        self.restore(file)
        self.assertEqual(self.size(), before)
        self.assertEqual(len([p for p in self.folder.glob("ledger.db.replaced-*") if not p.name.endswith(("-wal", "-shm", ".signed"))]), 1)

    def test_a_decision_after_the_backup_is_listed_by_the_restore(self):
        file = self.backup()
        self.rollbook("pupil", self.ref, "--unmask", "--reason", "a second letter home")
        sealed = (self.target / "decisions.sealed").read_text()
        self.assertNotIn("a second letter home", sealed)
        for path in [*self.folder.glob("ledger.db*"), *self.target.glob("checkpoint")]:
            path.unlink()
        listed = self.restore(file, key=1).stdout
        self.assertIn("a second letter home", listed)
        self.assertNotIn("a letter home\"", listed.replace("a second letter home\"", ""))

    def test_an_erased_pupil_does_not_come_back_on_a_machine_without_the_target(self):
        file = self.backup()
        self.leave()
        words, payloads, keys = self.secrets()
        self.erase()
        brought = self.target.rename(self.folder / "brought")
        for path in self.folder.glob("ledger.db*"):
            path.unlink()
        self.new_origin()
        self.restore(brought / file.name)
        self.assertEqual(self.found(words, payloads, keys), [])
        brought.rename(self.target)
        self.poll(THIRD_POLL)
        self.assertEqual(self.found(words, payloads, keys), [])
        self.verify()

    def test_a_copied_decision_about_an_erased_pupil_goes_too(self):
        self.backup()
        self.rollbook("pupil", self.ref, "--unmask", "--reason", "a second letter home")
        lines = (self.target / "decisions.sealed").read_text().count("\n")
        self.assertGreater(lines, 0)
        self.leave()
        self.erase()
        self.assertLess((self.target / "decisions.sealed").read_text().count("\n"), lines)


class BackupByTheDaemon(WithBackups, ScenarioTest):
    pupils, days = 12, 8

    def test_the_daemon_makes_backups_and_copies_decisions_by_itself(self):
        self.set_up_backups()
        self.first_poll()
        log = self.folder / "daemon.log"
        with open(log, "w") as file:
            daemon = subprocess.Popen([ROLLBOOK, "run", "--config", str(self.config)], env=self.environment(),
                                      stdout=file, stderr=subprocess.STDOUT, cwd=self.folder)
        self.addCleanup(end, daemon)
        wait_until(lambda: list(self.target.glob("*.rbk")), "the first backup")
        wait_until(lambda: "daemon_ready" in log.read_text(), "the daemon is ready")
        wait_until(lambda: "drill_passed" in log.read_text(), "the first restore drill")
        self.assertEqual(self.read("status")["backup"]["drilled_at"][:16], self.now[:16])
        self.assertEqual(list(self.folder.glob("*.drill")) + list(self.target.glob("drill*")), [])
        self.rollbook("pupil", "P-" + str(self.entries("--kind", "pupil")[0]["index"]), "--unmask", "--reason", "a call")
        wait_until(lambda: (self.target / "decisions.sealed").exists(), "the copy of the decision")
        wait_until(lambda: (self.target / "checkpoint").exists(), "the newest checkpoint")
        self.rollbook("backup")
        self.assertIsNone(daemon.poll(), log.read_text())
        end(daemon)
        for path in self.target.glob("*.rbk"):
            self.rollbook("backup", "verify", path, "--key", self.keys[0])

    def test_a_drill_that_was_stopped_is_told_once_and_leaves_no_ledger_that_can_be_read(self):
        self.set_up_backups()
        self.first_poll()
        self.backup()
        standing = self.folder / "ledger.db.backup"
        standing.write_text(json.dumps({**json.loads(standing.read_text()), "drill_began": self.now}))
        origin = self.config.read_text().split('origin = "', 1)[1].split('"')[0]
        left = [self.folder / "ledger.db.drill", self.target / ("drill-" + re.sub("[^A-Za-z0-9.]", "-", origin))]
        for folder in left:
            folder.mkdir()
            (folder / "ledger.db").write_text("pupils")
        daemon = subprocess.Popen([ROLLBOOK, "run", "--config", str(self.config)], env=self.environment(),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)
        self.addCleanup(end, daemon)
        told = lambda: {t["event"]: t["text"] for t in self.read("status")["troubles"]}.get("drill_failed", "")
        wait_until(told, "the drill that was stopped is told")
        self.assertIn("stopped during the restore drill", told())
        self.assertEqual([folder for folder in left if folder.exists()], [])
        self.rollbook("backup")
        self.assertEqual(told(), "")
        self.assertNotIn("drill_began", json.loads(standing.read_text()))

    @unittest.skipUnless(os.geteuid() == 0, "mounting takes root")
    def test_a_full_disk_fails_the_drill_which_is_told_and_leaves_what_is_known_of_it(self):
        disk = Path(tempfile.mkdtemp(prefix="rollbook-disk-"))
        self.addCleanup(shutil.rmtree, disk, ignore_errors=True)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", disk], capture_output=True).returncode != 0:
            self.skipTest("no tmpfs here")
        self.addCleanup(subprocess.run, ["umount", disk])
        self.set_up_backups()
        self.config.write_text(self.config.read_text().replace('path = "ledger.db"', f'path = "{disk}/ledger.db"'))
        self.first_poll()
        with open(disk / "filling", "wb") as file:
            file.write(bytes(shutil.disk_usage(disk).free - 400_000))
        daemon = subprocess.Popen([ROLLBOOK, "run", "--config", str(self.config)], env=self.environment(),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)
        self.addCleanup(end, daemon)
        told = lambda: {t["event"]: t["text"] for t in self.read("status")["troubles"]}.get("drill_failed", "")
        wait_until(told, "the drill has failed")
        self.assertIn("disk is full", told())
        subprocess.run(["dd", "if=/dev/zero", f"of={disk}/more", "bs=4k"], capture_output=True)
        self.rollbook("backup")
        self.assertIn("disk is full", told())
        (disk / "filling").unlink()
        self.rollbook("backup")
        self.assertEqual(told(), "")


if __name__ == "__main__":
    main()
