#!/usr/bin/env python3
"""How long pages take at the server, as a client on the same machine sees them: the median of some askings, after the
first. Run by hand on a machine that has nothing else to do.

    pages.py [PUPILS] [SCHOOL_DAYS]     1200 and 1140 (six years); ROLLBOOK and SCHOOL name programs built as Release

Exits 1 where a page takes longer than is promised: 50 ms, and Today 3 ms."""

import json
import statistics
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scenario"))

from pages_test import Pages  # noqa: E402
from support import wait_until  # noqa: E402

PUPILS = int(sys.argv[1]) if len(sys.argv) > 1 else 1200
DAYS = int(sys.argv[2]) if len(sys.argv) > 2 else 1140
TIMES = 9
LIMIT_MS, TODAY_MS = 50, 3


class Bench(Pages):
    pupils, days = PUPILS, DAYS

    def before_start(self):
        self.poll(self.now)
        return ""

    def took(self, who, path):
        median = []
        for _ in range(TIMES + 1):
            began = time.perf_counter()
            answer = who.get(path)
            median.append((time.perf_counter() - began) * 1000)
            assert answer.status == 200, (path, answer.status)
            wait_until(lambda: time.perf_counter() - began > 0.04, "the rate that an address may ask at")
        return statistics.median(median[1:])

    def runTest(self):
        dsl = self.somebody("dsl")
        ref = json.loads(dsl.get("/pupils.json").text)["pupils"][0]["pupil"]["ref"]
        alert = (json.loads(dsl.get("/alerts.json?state=all").text)["alerts"] or
                 json.loads(dsl.get("/baseline.json").text)["alerts"])[0]["id"]
        paths = ["/healthz", "/today", "/calls", "/alerts", f"/alerts/{alert}", "/baseline", "/pupils", f"/pupils/{ref}",
                 "/groups", "/findings", "/statements", "/sources", "/rules", "/ledger", f"/entries/{alert}"]
        paths += [f"/reports/{r['name']}" + (f"?pupil={ref}" if r["about_pupil"] else "")
                  for r in json.loads(dsl.get("/reports.json").text)["reports"]]
        slow = []
        print(f"{PUPILS} pupils, {DAYS} school days, {self.size()} entries")
        for path in paths:
            ms = self.took(dsl, path)
            limit = TODAY_MS if path == "/today" else LIMIT_MS
            slow += [path] if ms > limit else []
            print(f"{ms:8.1f} ms  {path}{'  over ' + str(limit) if ms > limit else ''}", flush=True)
        self.slow = slow


if __name__ == "__main__":
    bench = Bench()
    result = unittest.TestResult()
    bench.run(result)
    for _, why in result.failures + result.errors:
        print(why)
    sys.exit(1 if not result.wasSuccessful() or bench.slow else 0)
