"""The daemon beside its commands: one writer, one socket, signals."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import time

from support import ROLLBOOK, ScenarioTest, end, main, wait_until


class Daemon(ScenarioTest):
    pupils, days = 20, 10

    def setUp(self):
        super().setUp()
        self.init()
        self.daemon, self.log = self.start("daemon.log")
        self.socket = self.folder / "ledger.db.sock"
        wait_until(self.is_read, "the daemon's first read")

    def start(self, log):
        path = self.folder / log
        with open(path, "w") as file:
            process = subprocess.Popen([ROLLBOOK, "run", "--config", str(self.config)], env=self.environment(),
                                       stdout=file, stderr=subprocess.STDOUT, cwd=self.folder)
        self.addCleanup(end, process)
        return process, path

    def tearDown(self):
        end(self.daemon)
        self.said.append(self.log.read_text())
        super().tearDown()

    def is_read(self):
        self.assertIsNone(self.daemon.poll(), self.log.read_text())
        return self.socket.exists() and all(s["last_success"] for s in self.read("status")["sources"]) and \
            self.read("status")["outbox"]["waiting"] == 0 and self.school.mails()

    def test_the_daemon_reads_every_source_and_tells_the_lead(self):
        self.assertEqual(self.every_figure(), self.true_figures())
        self.assertEqual(len(self.school.mails()), 1)
        self.verify()

    def test_its_files_are_for_their_owner_alone(self):
        for name in ("ledger.db", "ledger.key", "ledger.db.sock", "ledger.db.lock"):
            self.assertEqual(stat.S_IMODE((self.folder / name).stat().st_mode), 0o600, name)
        self.assertTrue(stat.S_ISSOCK(self.socket.stat().st_mode))

    def test_a_second_daemon_leaves_and_names_the_first(self):
        second, log = self.start("second.log")
        self.assertEqual(second.wait(20), 4)
        self.assertIn(str(self.daemon.pid), re.findall(r"\d+", log.read_text()))
        self.assertTrue(self.socket.exists())
        self.rollbook("poll")

    def test_a_poll_goes_through_the_daemon(self):
        student = sorted(self.school.known_pupils)[2]
        figures = self.figures(f"mis:{student}")
        self.school.amend(student, self.school.last_day, "AM", "M")
        self.assertIn("session-mark", self.rollbook("poll").stdout)
        self.assertEqual(self.figures(f"mis:{student}"), self.true_figures()[student])
        self.assertNotEqual(self.figures(f"mis:{student}"), figures)
        self.assertIsNone(self.daemon.poll())

    def test_a_poll_through_the_daemon_says_what_failed_and_is_exit_1(self):
        self.school.fault("attendance/session", "status", status=403)
        self.assertIn("403", self.rollbook("poll", code=1).stderr)
        self.school.no_faults()
        self.rollbook("poll")

    def test_a_bad_configuration_changes_nothing_on_sighup(self):
        good = self.config.read_text()
        self.config.write_text(good.replace('rules = ["*"]', 'rules = ["nope"]'))
        self.daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: "nope" in self.log.read_text(), "the daemon says what is wrong")
        self.assertIsNone(self.daemon.poll())
        self.config.write_text(good)
        self.school.amend(sorted(self.school.known_pupils)[2], self.school.last_day, "AM", "M")
        self.rollbook("poll")
        self.assertEqual(self.every_figure(), self.true_figures())

    def test_a_good_configuration_is_taken_on_sighup(self):
        good = self.config.read_text()
        self.config.write_text(good.replace("St Example's High School", "St Example's Academy"))
        known = self.log.read_text()
        self.daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: len(self.log.read_text()) > len(known), "the daemon says that it took it")
        self.rollbook("poll")
        self.assertIsNone(self.daemon.poll())

    def test_sigterm_ends_it_at_once_and_leaves_a_ledger_that_verifies(self):
        began = time.monotonic()
        self.daemon.send_signal(signal.SIGTERM)
        self.assertEqual(self.daemon.wait(20), 0)
        self.assertLess(time.monotonic() - began, 3)  # a second, and what a busy computer adds
        self.assertFalse(self.socket.exists())
        self.assertEqual(self.verify()["unsigned"], 0)
        self.rollbook("poll")

    def test_sigterm_in_the_middle_of_a_read_ends_it_at_once(self):
        self.school.fault("attendance/session", "slow", ms=20000)
        client = subprocess.Popen([ROLLBOOK, "poll", "--config", str(self.config)], env=self.environment(),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)
        self.addCleanup(end, client)
        before = sum(r["count"] for r in self.school.get("requests") if r["endpoint"] == "attendance/session")
        wait_until(lambda: sum(r["count"] for r in self.school.get("requests")
                               if r["endpoint"] == "attendance/session") > before, "the slow read is under way")
        began = time.monotonic()
        self.daemon.send_signal(signal.SIGTERM)
        self.assertEqual(self.daemon.wait(30), 0)
        self.assertLess(time.monotonic() - began, 3)
        self.assertNotEqual(client.wait(20), 0)
        self.school.no_faults()
        self.verify()

    def test_a_daemon_that_was_killed_is_followed_by_another(self):
        self.daemon.kill()
        self.daemon.wait()
        os.stat(self.socket)  # nobody was left to remove it
        self.daemon, self.log = self.start("again.log")
        # A poll before the daemon holds the ledger would take it for itself, and the daemon would leave.
        wait_until(lambda: "daemon_ready" in self.log.read_text(), "the next daemon holds the ledger")
        self.rollbook("poll")
        self.assertIsNone(self.daemon.poll())
        self.verify()


class Watched(ScenarioTest):
    pupils, days = 20, 10

    def test_the_service_manager_hears_ready_then_life_then_the_end_and_the_log_is_json(self):
        self.config.write_text(self.config.read_text() + '\n[log]\nformat = "json"\n')
        self.init()
        ears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(ears.close)
        ears.bind(str(self.folder / "notify"))
        ears.settimeout(20)
        environment = {**self.environment(), "NOTIFY_SOCKET": str(self.folder / "notify"), "WATCHDOG_USEC": "150000"}
        daemon = subprocess.Popen([ROLLBOOK, "run", "--config", str(self.config)], env=environment, text=True,
                                  stderr=subprocess.PIPE, cwd=self.folder)
        self.addCleanup(end, daemon)
        heard = [ears.recv(200).decode() for _ in range(3)]
        self.assertEqual(heard, ["READY=1", "WATCHDOG=1", "WATCHDOG=1"])
        daemon.send_signal(signal.SIGTERM)
        log = daemon.communicate(timeout=20)[1]
        ears.setblocking(False)
        while heard[-1] != "STOPPING=1":
            heard.append(ears.recv(200).decode())
        self.said.append(log)
        lines = [json.loads(re.sub(r"^<\d>", "", line)) for line in log.splitlines()]
        self.assertIn("daemon_ready", [line["event"] for line in lines])
        self.assertEqual(lines[-1]["event"], "daemon_stopped")
        self.assertTrue(all(line["to_do"] for line in lines if line["level"] != "info"))


if __name__ == "__main__":
    main()
