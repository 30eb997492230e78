"""The pages in a real browser: Chromium, driven by tests/browser/pages.mjs. axe-core looks at each of them.

With PICTURES=FOLDER it leaves a picture of each page there, at a desk's and a phone's width."""

import json
import os
import re
import shutil
import subprocess
import sys

from add_export_test import FOLDER
from pages_test import PASSWORD, Pages
from report_test import HEADINGS, MAPPING
from support import FIRST_POLL, LAST_DAY, REPOSITORY, SECOND_POLL, main

BROWSER = REPOSITORY / "tests" / "browser"


class InChromium(Pages):
    pupils, days = 40, 40

    def account(self, role):
        code = re.search(r"^  ([A-Z0-9-]{29})$", self.rollbook("user", "add", role, "--role", role).stdout, re.M)[1]
        return {"name": role, "key": self.reader().set_up(role, code, PASSWORD)}

    def before_start(self):
        # A system whose exports come as files, beside the one that is asked.
        (self.folder / "exports").mkdir()
        (self.folder / "cpoms-mapping.toml").write_text(MAPPING)
        self.config.write_text(self.config.read_text().replace("[rules]", FOLDER + "[rules]"))
        upns = sorted(p["upn"] for p in self.school.known_pupils.values() if p["upn"])
        lines = [f"INC-{i},2025-11-1{i}T09:00,,{upn},,,Attendance,,text,,,,,".split(",") for i, upn in enumerate(upns[:4])]
        lines[2][3] = "1.23457E+12"
        (self.folder / "incidents.csv").write_text("\n".join(map(",".join, [HEADINGS, *lines])) + "\n")
        # Read an hour before the daemon starts, so that something was known before what is changed below.
        self.poll(FIRST_POLL)
        self.now = SECOND_POLL
        return ""

    def setUp(self):
        super().setUp()
        # Something new since the first read, so that not every alert is a baseline.
        for student in sorted(self.school.known_pupils)[:8]:
            days = sorted({m["date"] for m in self.school.marks(student)})[-6:]
            for day in days:
                self.school.amend(student, day, "AM", "U")
        # And some of whom nothing is known today, to be called.
        for student in sorted(self.school.known_pupils)[10:14]:
            for session in ("AM", "PM"):
                self.school.amend(student, LAST_DAY, session, "N")
        self.rollbook("poll")

    def test_lead_and_auditor_find_their_way_and_nothing_is_in_anybodys(self):
        given = {
            "url": self.url, "password": PASSWORD, "people": {r: self.account(r) for r in ("lead", "auditor", "dsl", "admin", "pastoral")},
            "known_at": "2025-11-21T17:30", "year": "9", "pictures": os.environ.get("PICTURES", ""),
            "bundle": str(self.folder / "bundle.tar"), "export": str(self.folder / "incidents.csv"),
            "names": sorted({f"{a} {b}" for a, b in self.school.full_names}),
        }
        with open(self.folder / "browser.log", "w+") as log:
            done = subprocess.run(["node", "pages.mjs", json.dumps(given)], cwd=BROWSER, stdout=log, stderr=log, timeout=600)
            log.seek(0)
            self.assertEqual(done.returncode, 0, log.read())
        # What the auditor took away from the browser is taken by a witness and by a program of others.
        self.bundle_is_sound((self.folder / "bundle.tar").read_bytes())


if __name__ == "__main__":
    if not (BROWSER / "node_modules").exists() or not shutil.which("chromium") or not shutil.which("node"):
        print("not run: chromium or tests/browser/node_modules is missing; deploy/install-packages --tests brings both")
        sys.exit(77)
    main()
