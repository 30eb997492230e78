#!/usr/bin/env python3
"""How long it takes from a mark that appears at the MIS to the mail that the mail server has accepted, by a running daemon
that polls at its shortest interval, and how many versions alerts have in a year of the school. Run by hand on a machine
that has nothing else to do; nothing of it is a test.

    mark_to_mail.py [REPETITIONS] [PUPILS]     20 and 1200; ROLLBOOK and SCHOOL name programs built as Release
    mark_to_mail.py --versions [PUPILS] [SCHOOL_DAYS]     300 and 190

What is promised is the poll interval and one second."""

import collections
import os
import re
import statistics
import subprocess
import sys
import time
import unittest
from datetime import date, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scenario"))

from support import ROLLBOOK, ScenarioTest, School, end, wait_until  # noqa: E402

WORDS = [int(word) for word in sys.argv[1:] if word.isdigit()]


class MarkToMail(ScenarioTest):
    repetitions = WORDS[0] if WORDS else 20
    pupils, days = (WORDS + [0, 0])[1] or 1200, 20
    every = 10

    def make_school(self):
        return School(self.folder, self.pupils, self.days, today=str(date.today() - timedelta(1)))

    def environment(self, now=None):
        return {k: v for k, v in os.environ.items() if k != "ROLLBOOK_NOW"} | {"LC_ALL": "C.UTF-8"}

    def runTest(self):
        text = re.sub(r'poll_every = "[^"]+"', f'poll_every = "{self.every}s"', self.config.read_text())
        self.config.write_text(text)
        self.init()
        log = open(self.folder / "daemon.log", "w")
        self.addCleanup(log.close)
        daemon = subprocess.Popen([ROLLBOOK, "run", "--config", str(self.config)], env=self.environment(), stdout=log,
                                  stderr=subprocess.STDOUT, cwd=self.folder)
        self.addCleanup(end, daemon)
        wait_until(self.school.mails, "the first read", 120)
        touched = {a["pupil"]["source_ids"]["mis"][0] for a in self.alerts()}
        marks = collections.defaultdict(list)
        for mark in self.school.marks():
            if mark["session"] == "AM":
                marks[mark["student"]].append(mark)
        quiet = [s for s in sorted(marks) if s not in touched and [m["code"] for m in marks[s][-10:]] == ["/"] * 10]
        took = []
        for number, student in enumerate(quiet[:self.repetitions]):
            before = len(self.school.mails())
            # Anywhere between two polls, evenly.
            wait = self.every * number / self.repetitions
            at = time.monotonic() + wait
            wait_until(lambda: time.monotonic() >= at, "the moment", wait + 5)
            began = time.time()
            amended = [{"student": student, "date": m["date"], "session": "AM", "code": "L"} for m in marks[student][-3:]]
            self.school.ask("POST", "amend", {"marks": amended})
            mail = wait_until(lambda: self.school.mails()[before:], "the mail", self.every + 60)[0]
            took.append(datetime.fromisoformat(mail["at"].replace("Z", "+00:00")).timestamp() - began
                        if "." in mail["at"] else time.time() - began)
            print(f"{number + 1:3}: {took[-1]:6.2f} s", flush=True)
        print(f"{self.pupils} pupils, polled every {self.every} s: median {statistics.median(took):.2f} s, worst {max(took):.2f} s "
              f"of {len(took)}; {max(took) - self.every:+.2f} s against the interval")


class Versions(ScenarioTest):
    pupils, days = (WORDS + [300])[0], (WORDS + [0, 0])[1] or 190

    def make_school(self):
        return School(self.folder, self.pupils, 3, today="2025-09-05")

    def runTest(self):
        self.init()
        self.poll("2025-09-05T17:00:00Z")
        for _ in range(self.days):
            self.school.ask("POST", "advance", {"days": 1})
            day = self.school.get("school")["last_day"]
            self.poll(f"{day}T17:00:00Z")
        versions, rules = collections.Counter(), {}
        for entry in self.entries("--kind", "alert"):
            alert = entry["payload"].get("alert", entry["payload"].get("subject", entry["index"]))
            versions[alert] += 1
            rules[alert] = entry["payload"]["rule"]
        print(f"{self.pupils} pupils, {self.days} school days: {len(versions)} alerts, {sum(versions.values())} versions, "
              f"median {statistics.median(versions.values())}, worst {max(versions.values())}, of {self.size()} entries")
        by_rule = collections.defaultdict(list)
        for alert, count in versions.items():
            by_rule[rules[alert]].append(count)
        for rule, counts in sorted(by_rule.items()):
            print(f"  {rule:24} {len(counts):6} alerts, {sum(counts):7} versions, median {statistics.median(counts)}, "
                  f"worst {max(counts)}")


if __name__ == "__main__":
    bench = Versions() if "--versions" in sys.argv else MarkToMail()
    result = unittest.TestResult()
    bench.run(result)
    for _, why in result.failures + result.errors:
        print(why)
    sys.exit(0 if result.wasSuccessful() else 1)
