"""A daemon that holds a simulated school, read before it starts: 1,200 pupils and six years, or as the command says."""

import select
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scenario"))

from pages_test import Pages  # noqa: E402

PUPILS = int(sys.argv[1]) if len(sys.argv) > 1 else 1200
DAYS = int(sys.argv[2]) if len(sys.argv) > 2 else 1140


class HeldSchool(Pages):
    pupils, days = PUPILS, DAYS

    def before_start(self):
        done = self.run_program("poll", seconds=1800)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        return ""

    def ticks(self):
        """What the daemon computed so far, in the clock's ticks."""
        return sum(map(int, Path(f"/proc/{self.daemon.pid}/stat").read_text().rpartition(")")[2].split()[11:13]))

    def is_quiet(self):
        """Nothing is worked on: the poll that a daemon begins with is over."""
        before = self.ticks()
        select.select([], [], [], 1)
        return self.ticks() - before <= 1


def end_with(bench):
    """Runs it, and ends with 1 where it failed or has a `slow`: what took longer than is promised."""
    result = unittest.TestResult()
    bench.run(result)
    for _, why in result.failures + result.errors:
        print(why)
    sys.exit(1 if not result.wasSuccessful() or bench.slow else 0)
