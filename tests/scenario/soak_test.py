"""A day of the daemon in a minute: a poll for each quarter of an hour, marks amended and taken back all along."""

import os
import subprocess
from pathlib import Path

from support import ROLLBOOK, ScenarioTest, end, main, wait_until

POLLS = 96
SETTLED = 24  # by then every kind of work was done at least once


class Soak(ScenarioTest):
    pupils, days = 20, 10

    def held_by(self, process):
        """Memory in kB and open files."""
        status = Path(f"/proc/{process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]), len(os.listdir(f"/proc/{process.pid}/fd"))

    def test_a_day_of_polls_takes_no_more_memory_files_or_log_than_its_first_hours(self):
        self.init()
        log = self.folder / "daemon.log"
        with open(log, "w") as file:
            daemon = subprocess.Popen([ROLLBOOK, "run", "--config", str(self.config)], env=self.environment(),
                                      stdout=file, stderr=subprocess.STDOUT, cwd=self.folder)
        self.addCleanup(end, daemon)
        wait_until(lambda: "daemon_ready" in log.read_text(), "the daemon is ready")
        student = sorted(self.school.known_pupils)[2]
        for number in range(POLLS):
            if number % 4 == 0:
                self.school.amend(student, self.school.last_day, "AM", "ML"[number // 4 % 2])
            if number % 12 == 5:
                self.school.fault("attendance/session", "status", status=503, times=1)
            self.rollbook("poll")
            if number == SETTLED:
                memory, files = self.held_by(daemon)
        # The command may have left before the daemon closes its end of their socket.
        wait_until(lambda: self.held_by(daemon)[1] <= files, "no more files are open than after the first hours")
        now = self.held_by(daemon)
        self.assertLess(now[0] - memory, 2_000, "kB more than after the first hours")
        self.assertLess(Path(f"{self.ledger}-wal").stat().st_size, 20_000_000)
        self.said.append(log.read_text())
        self.assertEqual(self.every_figure(), self.true_figures())
        end(daemon)
        self.assertEqual(self.verify()["unsigned"], 0)


if __name__ == "__main__":
    main()
