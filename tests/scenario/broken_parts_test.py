"""Real parts that break: a network that delays, cuts and corrupts, a mail server that drops, a disk that fills. After each
nothing is lost: every figure equals the school's own count, every statement balances and the ledger verifies."""

import email.utils
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from support import FIRST_POLL, FOURTH_POLL, ROLLBOOK, SECOND_POLL, THIRD_POLL, ScenarioTest, end, main, text_of, \
    wait_until


class Proxy:
    """Passes TCP on, and spoils what comes back from connection number `first` on, `times` times."""

    def __init__(self, port):
        self.target, self.spoil, self.left, self.spoilt = port, None, 0, 0
        self.lock = threading.Lock()
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self.listen, daemon=True).start()

    def break_with(self, spoil, times):
        self.spoil, self.left, self.spoilt = spoil, times, 0

    def listen(self):
        while True:
            try:
                inside, _ = self.door.accept()
            except OSError:
                return
            outside = socket.create_connection(("127.0.0.1", self.target))
            for ends in ((inside, outside, False), (outside, inside, True)):
                threading.Thread(target=self.pass_on, args=ends, daemon=True).start()

    def pass_on(self, source, sink, answers):
        try:
            while data := source.recv(65536):
                if answers:  # the links to further pages lead through here as well
                    data = data.replace(b":%d/" % self.target, b":%d/" % self.port)
                if answers and len(data) > 500:
                    with self.lock:
                        now = self.left > 0 and self.spoil
                        self.left -= bool(now)
                        self.spoilt += bool(now)
                    if now:
                        data = now(data)
                if data is None:
                    break
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.door.close()


def delay(data):
    threading.Event().wait(0.3)  # a slow line, not a wait for something to happen
    return data


def cut(_):
    return None


def corrupt(data):
    middle = len(data) // 2
    return data[:middle] + b"\x00\xff\x00" + data[middle + 3:]


class BrokenNetwork(ScenarioTest):
    pupils, days = 20, 10

    def everything_is_there(self):
        self.assertEqual(self.every_figure(), self.true_figures())
        for row in self.read("statement", "--limit", 0)[-6:]:
            self.assertTrue(row["balanced"], row)
        self.verify()

    def behind_a_proxy(self):
        proxy = Proxy(self.school.ready["http"])
        self.addCleanup(proxy.close)
        self.config.write_text(self.config.read_text().replace(f":{self.school.ready['http']}/", f":{proxy.port}/"))
        self.init()
        return proxy

    def test_a_line_that_delays_costs_time_and_nothing_else(self):
        proxy = self.behind_a_proxy()
        proxy.break_with(delay, 3)
        self.poll(FIRST_POLL)
        self.assertEqual(proxy.spoilt, 3)
        self.everything_is_there()

    def test_a_line_that_is_cut_now_and_then_is_tried_again_within_the_read(self):
        proxy = self.behind_a_proxy()
        proxy.break_with(cut, 2)
        self.poll(FIRST_POLL)
        self.assertEqual(proxy.spoilt, 2)
        self.everything_is_there()

    def test_a_line_that_corrupts_is_never_believed(self):
        proxy = self.behind_a_proxy()
        proxy.break_with(corrupt, 1)
        self.run_program("poll", now=FIRST_POLL)
        self.assertEqual(proxy.spoilt, 1)
        proxy.break_with(None, 0)
        self.poll(SECOND_POLL)
        self.everything_is_there()

    def test_a_line_that_stays_cut_fails_the_read_and_retires_nothing(self):
        proxy = self.behind_a_proxy()
        self.poll(FIRST_POLL)
        before = self.every_figure()
        proxy.break_with(cut, 1_000)
        failed = self.poll(SECOND_POLL, code=1)
        self.assertIn("mis", failed.stderr)
        self.assertEqual(self.every_figure(), before)
        proxy.break_with(None, 0)
        self.poll(THIRD_POLL)
        self.everything_is_there()

    def read_by_a_daemon(self, offset):
        """Of a ledger that is real, so that the machine's clock counts; the source's is `offset` seconds ahead of it."""
        def dated(data):
            date = email.utils.formatdate(time.time() + offset, usegmt=True)
            return re.sub(rb"^(HTTP/1.1 200 .*\r\n)", rb"\1Date: %s\r\n" % date.encode(), data)
        proxy = Proxy(self.school.ready["http"])
        self.addCleanup(proxy.close)
        proxy.break_with(dated, 1_000_000)
        text = self.config.read_text().replace(f":{self.school.ready['http']}/", f":{proxy.port}/")
        self.config.write_text(text + '\n[operator]\nroute = "lead"\nmonthly_test = false\n')
        self.rollbook("init")
        log = self.folder / "daemon.log"
        with open(log, "w") as file:
            daemon = subprocess.Popen([ROLLBOOK, "run", "--config", str(self.config)], env=self.environment(),
                                      stdout=file, stderr=subprocess.STDOUT, cwd=self.folder)
        self.addCleanup(end, daemon)
        wait_until(lambda: log.read_text().count("source_read") == 2, "the first reads", 60)
        return log

    def test_a_clock_that_is_behind_those_of_the_sources_is_told_as_soon_as_they_are_read(self):
        self.read_by_a_daemon(20 * 60 + 30)
        wait_until(lambda: any("20 minutes behind the clocks" in text_of(mail) for mail in self.school.mails()),
                   "the mail about the clock", 60)

    def test_of_a_clock_that_agrees_with_those_of_the_sources_nothing_is_said(self):
        log = self.read_by_a_daemon(0)
        self.rollbook("poll")
        self.assertNotIn("the clocks of the systems", log.read_text())

    def test_a_mail_server_that_greylists_and_drops_gets_each_message_once_in_the_end(self):
        self.init()
        self.school.fault("smtp", "greylist", times=1)
        self.poll(FIRST_POLL)
        self.school.no_faults()
        self.school.fault("smtp", "drop_before", times=1)
        self.poll(SECOND_POLL)
        self.school.no_faults()
        self.poll(THIRD_POLL)
        self.poll(FOURTH_POLL)
        self.assertEqual(self.read("status")["outbox"], {"waiting": 0, "failed": 0})
        self.assertEqual(len(self.school.mails()), 1)


@unittest.skipUnless(os.geteuid() == 0, "mounting takes root")
class FullDisk(ScenarioTest):
    pupils, days = 30, 40

    def mount(self, *options):
        return subprocess.run(["mount", *options, self.disk], capture_output=True).returncode == 0

    def test_a_disk_that_fills_stops_the_read_and_loses_nothing(self):
        self.disk = Path(tempfile.mkdtemp(prefix="rollbook-disk-"))
        self.addCleanup(shutil.rmtree, self.disk, ignore_errors=True)
        if not self.mount("-t", "tmpfs", "-o", "size=1600k", "none"):
            self.skipTest("no tmpfs here")
        self.addCleanup(subprocess.run, ["umount", self.disk])
        self.config.write_text(re.sub(r'path = "ledger.db"', f'path = "{self.disk}/ledger.db"', self.config.read_text()))
        self.init()
        self.poll(FIRST_POLL, code=4)
        self.assertTrue(self.mount("-o", "remount,size=64m"))
        self.poll(SECOND_POLL)
        self.assertEqual(self.every_figure(), self.true_figures())
        self.verify()


if __name__ == "__main__":
    main()
