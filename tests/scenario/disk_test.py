"""A disk, a file or a clock that is not as it should be: what is said, the exit code, and that nothing is made worse."""

import json
import os
import resource
import shutil
import sqlite3
import subprocess

from support import FIRST_POLL, ROLLBOOK, SECOND_POLL, THIRD_POLL, ScenarioTest, end, main, wait_until


class Disk(ScenarioTest):
    pupils, days = 30, 10

    def setUp(self):
        super().setUp()
        self.first_poll()
        self.size_before = self.size()
        self.school.amend(*self.a_mark(), "M")

    def a_mark(self):
        mark = self.school.marks(sorted(self.school.known_pupils)[0])[-1]
        return mark["student"], mark["date"], mark["session"]

    def poll_under(self, through=(), word="poll", **how):
        """A poll, or a daemon, that meets the trouble; it must stop with 4, and say in two lines what and what to do."""
        self.now = SECOND_POLL
        command = [*through, ROLLBOOK, word, "--config", str(self.config)]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, cwd=self.folder,
                              timeout=60, **how)
        self.said.append(done.stderr)
        self.assertEqual(done.returncode, 4, done.stderr)
        lines = done.stderr.strip().split("\n")
        self.assertGreaterEqual(len(lines), 2, done.stderr)
        return done.stderr

    def goes_on(self):
        """The trouble is over: the next poll reads what was missed, and the whole proof holds."""
        self.poll(THIRD_POLL)
        self.assertGreater(self.size(), self.size_before)
        self.assertEqual(self.every_figure(), self.true_figures())
        self.verify()

    def on_a_full_disk(self, word):
        limit = self.ledger.stat().st_size // 4  # no file may grow beyond; the log of new pages is one
        wal = self.folder / "ledger.db-wal"
        limit = min(limit, wal.stat().st_size + 4096 if wal.exists() else 4096)
        # Python ignores the signal that comes with it, and so does the program then: it sees the failed write.
        told = self.poll_under(word=word, restore_signals=False,
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        self.assertIn("ledger.db", told)
        self.assertIn("disk", told)
        self.assertGreaterEqual(self.verify()["size"], self.size_before)
        self.goes_on()

    def test_a_full_disk_stops_it_and_loses_nothing(self):
        self.on_a_full_disk("poll")

    def test_a_full_disk_ends_the_daemon_which_loses_nothing(self):
        self.on_a_full_disk("run")

    def test_a_disk_that_fills_under_a_running_daemon_ends_it_and_tells_who_waits(self):
        """It must not go on half alive: the service manager begins it again, from what is written."""
        an_alert = self.alerts()[0]["id"]
        for words in (["poll"], ["alerts", "note", an_alert, "--text", "Spoke to the tutor"]):
            with self.subTest(words[0]):
                daemon, log = self.daemon_that_has_read()
                before = self.size()
                resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (4096, 4096))
                self.school.amend(*self.a_mark(), "L" if words == ["poll"] else "/")
                told = self.rollbook(*words, code=4).stderr
                self.assertIn("ledger", told)
                self.assertIn("disk", told)
                self.assertEqual(daemon.wait(20), 4)
                self.assertIn("ledger_failed", log.read_text())
                self.assertGreaterEqual(self.verify()["size"], before)
        self.goes_on()

    def daemon_that_has_read(self):
        self.now = SECOND_POLL
        log = self.folder / "daemon.log"
        with open(log, "w") as file:
            # Python ignores the signal that comes with a file too large, and so does the program then.
            daemon = subprocess.Popen([ROLLBOOK, "run", "--config", str(self.config)], env=self.environment(),
                                      stdout=file, stderr=subprocess.STDOUT, cwd=self.folder, restore_signals=False)
        self.addCleanup(end, daemon)
        wait_until(lambda: "safeguarding: read closed" in log.read_text(), "the daemon's first read")
        return daemon, log

    def test_a_disk_that_only_reads_stops_it_and_says_so(self):
        for path in self.folder.iterdir():
            path.chmod(0o400 if path.is_file() else 0o500)
        self.folder.chmod(0o500)
        # Who is allowed everything could write a read-only file, too.
        less = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
        try:
            told = self.poll_under(through=less)
        finally:
            self.folder.chmod(0o700)
            for path in self.folder.iterdir():
                path.chmod(0o600 if path.is_file() else 0o700)
        self.assertIn("permission", told.lower())
        self.goes_on()

    def test_a_file_that_another_program_locks_is_waited_for_and_then_named(self):
        other = sqlite3.connect(self.ledger, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        told = self.poll_under()
        self.assertIn("locked", told)
        self.assertIn("ledger.db", told)
        other.execute("ROLLBACK")
        other.close()
        self.goes_on()

    def test_a_file_cut_short_or_damaged_is_not_written_again(self):
        database = sqlite3.connect(self.ledger)
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        whole = self.ledger.read_bytes()
        page = 4096
        for what, damaged in {
            "cut in the middle": whole[: len(whole) // 2 // page * page],
            "cut in a page": whole[: len(whole) // 2 + 100],
            "no longer a database": b"\0" * 100 + whole[100:],
            "a damaged root page": whole[: page * 2] + b"\xff" * page + whole[page * 3:],
        }.items():
            with self.subTest(what):
                for name in ("ledger.db-wal", "ledger.db-shm"):
                    (self.folder / name).unlink(missing_ok=True)
                self.ledger.write_bytes(damaged)
                self.assertIn("ledger", self.poll_under())
                self.assertIn(self.run_program("ledger", "verify").returncode, (1, 4))
                self.assertEqual(self.ledger.read_bytes()[: len(damaged)], damaged, "never made worse")
        for name in ("ledger.db-wal", "ledger.db-shm"):
            (self.folder / name).unlink(missing_ok=True)
        self.ledger.write_bytes(whole)
        self.goes_on()

    def test_an_older_copy_put_in_its_place_is_not_gone_on_with(self):
        kept = self.folder / "kept"
        kept.mkdir()
        for name in ("ledger.db", "ledger.db-wal"):
            if (self.folder / name).exists():
                shutil.copy(self.folder / name, kept / name)
        self.poll(SECOND_POLL)
        for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
            (self.folder / name).unlink(missing_ok=True)
            if (kept / name).exists():
                shutil.copy(kept / name, self.folder / name)
        told = self.poll_under()
        self.assertIn("ledger.db.signed", told)
        self.assertIn("rollbook restore", told)
        problems = self.verify(code=1)["problems"]
        self.assertTrue(any("beside the ledger" in p["what"] for p in problems), problems)

    def test_a_clock_that_went_back_is_an_entry_and_no_time_of_the_ledger_does(self):
        self.poll("2025-11-21T12:00:00Z")
        jumps = [e for e in self.entries("--kind", "settings") if e["payload"]["name"] == "clock"]
        self.assertEqual([j["payload"]["value"]["said"] for j in jumps], ["2025-11-21T12:00:00.000Z"])
        times = [e["recorded_at"] for e in self.entries()]
        self.assertEqual(times, sorted(times))
        self.assertIn("clock_went_back", self.said[-3] + self.said[-2] + self.said[-1] + "".join(self.said))
        self.goes_on()

    def test_a_verification_that_was_stopped_goes_on(self):
        state = self.folder / "verify.state"
        whole = json.loads(self.rollbook("ledger", "verify", "--state", state, "--json").stdout)
        self.assertEqual((whole["ok"], "taken_over" in whole, state.exists()), (True, False, False))
        state.write_text("what is this")
        self.rollbook("ledger", "verify", "--state", state, code=2)


if __name__ == "__main__":
    main()
