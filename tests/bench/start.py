#!/usr/bin/env python3
"""How soon a daemon is ready that holds years of history, what memory it takes, and what it does while nothing happens.
Run by hand on a machine that has nothing else to do.

    start.py [PUPILS] [SCHOOL_DAYS]     1200 and 1140 (six years); ROLLBOOK and SCHOOL name programs built as Release

Starts after an ordinary end, after a kill in the middle of the first work, and after one that left a write-ahead log,
each several times: the median. Memory is the most that the process ever held (VmHWM), but for the last two rows. Exits
1 where what is promised is not kept: ready in 300 ms, 48 MB, and 0.1 % of a core while idle."""

import os
import re
import select
import signal
import statistics
import subprocess
import time
from http.client import HTTPException
from pathlib import Path

from held_school import DAYS, PUPILS, HeldSchool, end_with
from support import ROLLBOOK, end, wait_until

STARTS, IDLE_SECONDS = 5, 60
READY_MS, PEAK_MB, IDLE_PERCENT = 300, 48, 0.1
PAGES = ["/today", "/pupils", "/baseline", "/groups", "/rules", "/reports/attendance-return", "/reports/governors",
         "/reports/praise", "/ledger"]


class Bench(HeldSchool):
    def megabytes(self, which):
        status = Path(f"/proc/{self.daemon.pid}/status").read_text()
        return int(re.search(rf"^{which}:\s+(\d+) kB", status, re.M)[1]) * 1024 / 1e6

    def start(self):
        """Milliseconds until the daemon says that it is ready, by its pages."""
        began = time.perf_counter()
        with open(self.log, "a") as file:
            self.daemon = subprocess.Popen([ROLLBOOK, "run", "--config", str(self.config)], env=self.environment(),
                                           stdout=file, stderr=subprocess.STDOUT, cwd=self.folder)
        self.addCleanup(end, self.daemon)
        while True:
            self.assertIsNone(self.daemon.poll(), self.log.read_text()[-2000:])
            try:
                if self.reader().get("/readyz").status == 200:
                    return (time.perf_counter() - began) * 1000
            except (OSError, HTTPException):  # a port that nobody listens on yet may even answer itself
                pass
            select.select([], [], [], 0.002)

    def starts(self, after):
        times = []
        for _ in range(STARTS):
            after()
            times.append(self.start())
        return statistics.median(times)

    def kill(self):
        os.kill(self.daemon.pid, signal.SIGKILL)
        self.daemon.wait()

    def kill_with_log(self):
        """With entries in the write-ahead log that are not yet in the file."""
        wait_until(self.is_quiet, "the end of the first poll", 600)
        self.rollbook("user", "add", f"new{time.monotonic_ns()}", "--role", "lead")
        self.kill()
        self.assertGreater(Path(self.folder / "ledger.db-wal").stat().st_size, 0)

    def tell(self, what, value, unit, limit=None):
        over = limit is not None and value > limit
        self.slow += [what] if over else []
        print(f"{what:46} {value:9.2f} {unit}" + (f"  over {limit}" if over else ""), flush=True)

    def runTest(self):
        self.slow = []
        print(f"{PUPILS} pupils, {DAYS} school days, {self.size()} entries")
        self.tell("ready after an ordinary end", self.starts(lambda: end(self.daemon)), "ms", READY_MS)
        self.tell("ready after a kill", self.starts(self.kill), "ms", READY_MS)
        self.tell("ready after a kill that left a log", self.starts(self.kill_with_log), "ms", READY_MS)
        self.tell("peak when ready", self.megabytes("VmHWM"), "MB", PEAK_MB)
        wait_until(self.is_quiet, "the end of the first poll", 600)
        self.tell("peak after a poll without changes", self.megabytes("VmHWM"), "MB", PEAK_MB)
        self.tell("held then", self.megabytes("VmRSS"), "MB")
        before = self.ticks()
        select.select([], [], [], IDLE_SECONDS)
        spent = (self.ticks() - before) / os.sysconf("SC_CLK_TCK")
        self.tell("idle", spent / IDLE_SECONDS * 100, "% of a core", IDLE_PERCENT)
        lead = self.somebody("lead")
        for path in PAGES:
            self.assertEqual(lead.get(path).status, 200, path)
        self.tell(f"peak after {len(PAGES)} kinds of pages", self.megabytes("VmHWM"), "MB", PEAK_MB)
        self.tell("held then", self.megabytes("VmRSS"), "MB")
        print(f"over what is promised: {', '.join(self.slow) or 'none'}")


if __name__ == "__main__":
    end_with(Bench())
