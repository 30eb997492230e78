#!/usr/bin/env python3
"""How long pages and reports take at the server, as a client on the same machine sees them: the median of some askings,
after the first, for the safeguarding lead and for the lead, and how long the first took. Run by hand on a machine that
has nothing else to do.

    pages.py [PUPILS] [SCHOOL_DAYS]     1200 and 1140 (six years); ROLLBOOK and SCHOOL name programs built as Release

Exits 1 where a page takes longer than is promised: 50 ms, and Today 3 ms. What is asked for as a file, and what tries
rules out on past days, is shown and held to nothing."""

import json
import select
import statistics
import time

from held_school import DAYS, PUPILS, HeldSchool, end_with
from support import wait_until

TIMES, TIMES_OF_LONG, LONG_MS = 9, 2, 1000
LIMIT_MS, TODAY_MS = 50, 3
ROLES = ("dsl", "lead")


def limit_of(path):
    page = path.partition("?")[0]
    if page.endswith((".json", ".csv", ".xlsx")) or path.startswith("/rules/backtest?"):
        return None
    return TODAY_MS if page == "/today" else LIMIT_MS


class Bench(HeldSchool):
    def took(self, who, path):
        """The first asking's milliseconds, and the median of those after it; None where the role has no such page, or
        the client gave up."""
        times = []
        while len(times) < (TIMES_OF_LONG if times and times[0] > LONG_MS else TIMES) + 1:
            began = time.perf_counter()
            try:
                answer = who.get(path)
            except TimeoutError:
                return None
            took = (time.perf_counter() - began) * 1000
            if answer.status == 404:
                return None
            if answer.status == 503:  # the one before it, that its client gave up, is still being made
                select.select([], [], [], 1)
                continue
            times.append(took)
            assert answer.status == 200, (path, answer.status)
            wait_until(lambda: time.perf_counter() - began > 0.04, "the rate that an address may ask at")
        return times[0], statistics.median(times[1:])

    def paths(self, dsl):
        ref = json.loads(dsl.get("/pupils.json").text)["pupils"][0]["pupil"]["ref"]
        alert = (json.loads(dsl.get("/alerts.json?state=all").text)["alerts"] or
                 json.loads(dsl.get("/baseline.json").text)["alerts"])[0]["id"]
        rule = json.loads(dsl.get(f"/alerts/{alert}.json").text)["alert"]["rule"]
        paths = ["/healthz", "/today", "/calls", "/alerts", "/alerts?state=all", f"/alerts/{alert}", "/baseline",
                 "/pupils", "/pupils?order=absence", f"/pupils/{ref}", "/groups", "/groups?by=form", "/findings",
                 "/findings?state=all", "/statements", "/sources", "/rules", f"/rules/why?pupil={ref}",
                 "/rules/backtest", "/ledger", "/ledger?what=alert", f"/entries/{alert}", f"/proofs/{alert}", "/reports"]
        paths += [f"/reports/{r['name']}" + (f"?pupil={ref}" if r["about_pupil"] else "")
                  for r in json.loads(dsl.get("/reports.json").text)["reports"]]
        return paths + ["/alerts.json?state=all", "/findings.json", "/pupils.csv", f"/pupils/{ref}.json",
                        "/reports/governors.csv", "/reports/amendments.csv", f"/reports/case-file.csv?pupil={ref}",
                        "/reports/praise.xlsx", f"/rules/backtest?rule={rule}&go=1"]

    def runTest(self):
        wait_until(self.is_quiet, "the end of the first poll", 600)
        everybody = {role: self.somebody(role) for role in ROLES}
        slow = []
        print(f"{PUPILS} pupils, {DAYS} school days, {self.size()} entries; ms: median (first)")
        for path in self.paths(everybody["dsl"]):
            limit, cells = limit_of(path), []
            for role, who in everybody.items():
                took = self.took(who, path)
                cells.append("        -         " if took is None else f"{took[1]:8.1f} ({took[0]:7.1f})")
                if took and limit and took[1] > limit:
                    slow.append(f"{path} as {role}")
                    cells[-1] += f" over {limit}"
            print("  ".join(f"{role} {cell:26}" for role, cell in zip(everybody, cells)), path, flush=True)
        print(f"over what is promised: {', '.join(slow) or 'none'}")
        self.slow = slow


if __name__ == "__main__":
    end_with(Bench())
