#!/usr/bin/env python3
"""How much slower a first read is while people look at Today: the same backfill by a daemon whose pages nobody asks, and
by one that is asked for Today 20 times a second. Run by hand on a machine that has nothing else to do.

    beside_backfill.py [PUPILS] [SCHOOL_DAYS] [TIMES]     1200, 380 and 3; ROLLBOOK and SCHOOL name Release programs

Exits 1 where the slower takes more than a tenth longer."""

import signal
import statistics
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scenario"))

from pages_test import Pages  # noqa: E402
from support import end  # noqa: E402

PUPILS = int(sys.argv[1]) if len(sys.argv) > 1 else 1200
DAYS = int(sys.argv[2]) if len(sys.argv) > 2 else 380
TIMES = int(sys.argv[3]) if len(sys.argv) > 3 else 3
RATE, LIMIT = 20, 1.1


class Backfill(Pages):
    pupils, days = PUPILS, DAYS
    asks = False

    def is_ready(self):
        """Nothing is read yet: the school answers nobody until it is let go."""
        try:
            return self.reader().get("/healthz").status == 200
        except OSError:
            return False

    def before_start(self):
        self.school.process.send_signal(signal.SIGSTOP)
        return ""

    def tearDown(self):
        end(self.daemon)

    def runTest(self):
        lead = self.somebody("lead")
        took, stop = [], threading.Event()

        def ask():
            due = time.perf_counter()
            while not stop.is_set():
                began = time.perf_counter()
                assert lead.get("/today").status == 200
                took.append((time.perf_counter() - began) * 1000)
                due += 1 / RATE
                stop.wait(max(0, due - time.perf_counter()))

        asker = threading.Thread(target=ask)
        other = self.reader()
        other.source = "127.0.0.2"  # an address has a rate of its own
        self.school.process.send_signal(signal.SIGCONT)
        began = time.perf_counter()
        if self.asks:
            asker.start()
        while other.get("/readyz").status != 200:
            stop.wait(0.1)
        self.seconds = time.perf_counter() - began
        stop.set()
        if self.asks:
            asker.join()
        self.took = took


def one(asks):
    bench = Backfill()
    bench.asks = asks
    result = unittest.TestResult()
    bench.run(result)
    for _, why in result.failures + result.errors:
        sys.exit(why)
    words = f", Today {statistics.median(bench.took):.1f} ms, at most {max(bench.took):.1f}" if asks else ""
    print(f"{bench.seconds:8.2f} s  {'asked 20 times a second' if asks else 'alone'}{words}", flush=True)
    return bench.seconds


if __name__ == "__main__":
    both = [(one(False), one(True)) for _ in range(TIMES)]
    ratio = statistics.median(b for _, b in both) / statistics.median(a for a, _ in both)
    print(f"{ratio:.3f} times as long")
    sys.exit(ratio > LIMIT)
