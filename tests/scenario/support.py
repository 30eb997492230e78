"""What the scenario tests share: an invented school, a Rollbook that reads it, and a watch over what is private.

Each test has a school and a folder of its own, and both are gone when it ends. Nothing sleeps: time is ROLLBOOK_NOW,
and where another process must get ready its state is polled up to a limit.
"""

import email
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
ROLLBOOK = os.environ.get("ROLLBOOK") or str(REPOSITORY / "build" / "rollbook")
SCHOOL = os.environ.get("SCHOOL") or str(REPOSITORY / "build" / "simulated-school")

LAST_DAY = "2025-11-21"  # a Friday; long past, so that no clock of this computer gets into a test
FIRST_POLL = "2025-11-21T17:00:00Z"
SECOND_POLL = "2025-11-21T18:00:00Z"
THIRD_POLL = "2025-11-21T19:00:00Z"
FOURTH_POLL = "2025-11-21T20:00:00Z"

WONDE_SCHOOL = "A1000900001"


def end(process, seconds=10):
    """Ends a process that a test started, kindly first."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()


def wait_until(fact, what, seconds=20):
    """Polls `fact` until it gives something true, which is returned."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        found = fact()
        if found:
            return found
        select.select([], [], [], 0.02)
    raise AssertionError(f"{what}: not within {seconds} s")


class School:
    """A simulated school, and its admin pages."""

    def __init__(self, folder, pupils=60, days=20, today=LAST_DAY, seed=1, tidy=False):
        self.folder = Path(folder)
        command = [SCHOOL, "--seed", str(seed), "--pupils", str(pupils), "--school-days", str(days)]
        command += ["--today", today, "--write-config", str(folder)] + ["--tidy"] * tidy
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{SCHOOL} did not start")
        self.ready = json.loads(line)
        self.http = f"http://127.0.0.1:{self.ready['http']}"
        self.first_day, self.last_day = self.ready["first_day"], self.ready["last_day"]
        self.token = (self.folder / "wonde.token").read_text().strip()
        self.known_pupils = self.pupils()
        self.private_ids = self.ids()
        self.full_names = {(row["forename"], row["surname"])
                           for row in [*self.known_pupils.values(), *self.safeguarding("students")]}

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.http}/admin/{path}", data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"the school refused {method} {path}: {refused.read().decode()}") from None
        if path.startswith("marks"):
            return [json.loads(line) for line in text.splitlines()]
        return json.loads(text) if text.strip() else None

    def get(self, path):
        return self.ask("GET", path)

    def amend(self, student, date, session, code):
        mark = {"student": student, "date": date, "session": session, "code": code}
        return self.ask("POST", "amend", {"marks": [mark]})["changed"]

    def fault(self, endpoint, kind, **more):
        self.ask("POST", "fault", {"endpoint": endpoint, "kind": kind, **more})

    def no_faults(self):
        self.ask("DELETE", "fault")

    def row(self, endpoint, row):
        self.ask("POST", "row", {"endpoint": endpoint, "row": row})

    def mails(self):
        return self.get("mail")

    def marks(self, student=None, code=None):
        query = [f"student={student}"] if student else []
        query += [f"code={code.replace(chr(92), '%5C')}"] if code else []
        return self.get("marks" + ("?" + "&".join(query) if query else ""))

    def truth(self):
        """Each pupil's figures as the school knows them, by the MIS's id."""
        found = self.get(f"figures?from={self.first_day}&to={self.last_day}")["pupils"]
        return {p["student"]: p for p in found}

    def wonde(self, path):
        """All rows of one of Wonde's lists, as any client sees them."""
        rows, url = [], f"{self.http}/v1.0/schools/{WONDE_SCHOOL}/{path}"
        while url:
            request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.token}"})
            with urllib.request.urlopen(request, timeout=30) as answer:
                page = json.load(answer)
            rows += page["data"]
            url = page.get("meta", {}).get("pagination", {}).get("next")
        return rows

    def safeguarding(self, path):
        password = (self.folder / "safeguarding.password").read_text().strip()
        manager = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        manager.add_password(None, self.http, "rollbook", password)
        opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(manager))
        rows, page, pages = [], 1, 1
        while page <= pages:
            with opener.open(f"{self.http}/safeguarding/v1/{path}?page={page}", timeout=30) as answer:
                found = json.load(answer)
            rows, page, pages = rows + found["data"], page + 1, found["pages"]
        return rows

    def pupils(self):
        rows = self.wonde("students?include=education_details&per_page=500")
        return {r["id"]: {**r, "upn": r["education_details"]["data"]["upn"]} for r in rows}

    def code_ids(self):
        return {c["code"]: c["id"] for c in self.wonde("attendance-codes?per_page=500")}

    def ids(self):
        """Every id that a source has for a pupil, a record about one, or a pupil's number with the state."""
        found = set(self.known_pupils)
        for pupil in self.known_pupils.values():
            found.add(pupil["upn"])
        for row in self.safeguarding("students"):
            found |= {row["id"], row["upn"]}
        found |= {row["id"] for row in self.safeguarding("incidents")}
        for path in ("attendance/session", "behaviours", "exclusions"):
            found |= {row["id"] for row in self.wonde(f"{path}?per_page=500")}
        return {one for one in found if one}

    def close(self):
        end(self.process)


def of_the_first_read(mails):
    """Those that tell what was crossed already; beside them safety rules are live from the first read on."""
    return [m for m in mails if "already crossed" in text_of(m)]


def text_of(mail):
    """A mail as its reader sees it, headers included."""
    headers = "\n".join(f"{k}: {v}" for k, v in mail["headers"].items())
    whole = email.message_from_string(headers + "\n\n" + mail["body"].replace("\r\n", "\n"))
    parts = [part.get_payload(decode=True).decode() for part in whole.walk() if not part.is_multipart()]
    return headers + "\n\n" + "\n".join(parts)


class ScenarioTest(unittest.TestCase):
    """One school, one ledger. `poll()` and its kind run the program as a user does."""

    pupils, days, seed = 60, 20, 1
    umask = -1  # the tests' own

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="rollbook-scenario-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.said = []  # everything the program wrote to standard error
        self.school = self.make_school()
        self.addCleanup(self.school.close)
        self.config = self.folder / "rollbook.toml"
        self.ledger = self.folder / "ledger.db"
        self.now = FIRST_POLL

    def make_school(self):
        return School(self.folder, self.pupils, self.days, seed=self.seed)

    def tearDown(self):
        self.nothing_private_in(self.said, "standard error")
        self.nothing_private_in([text_of(mail) for mail in self.school.mails()], "a mail")

    def nothing_private_in(self, texts, where):
        """No id of a source, no UPN, no pupil's name. What is found is not repeated in full."""
        words = {name for pair in self.school.full_names for name in pair} if where == "a mail" else set()
        for text in texts:
            tokens = set(re.findall(r"[\w'-]+", text))
            found = {t for t in tokens if t in self.school.private_ids or t in words}
            found |= {f"{a} {b}" for a, b in self.school.full_names if f"{a} {b}" in text or f"{b}, {a}" in text}
            self.assertEqual(found, set(), f"private, and told in {where}: {text[:400]}")

    def environment(self, now=None):
        return {**os.environ, "ROLLBOOK_NOW": now or self.now, "LC_ALL": "C.UTF-8"}

    def run_program(self, *words, now=None, config=None, seconds=120):
        command = [ROLLBOOK, *map(str, words)]
        if config is not False:
            command += ["--config", str(config or self.config)]
        done = subprocess.run(
            command, env=self.environment(now), capture_output=True, text=True, timeout=seconds, cwd=self.folder,
            umask=self.umask,
        )
        self.said.append(done.stderr)
        return done

    def rollbook(self, *words, now=None, config=None, code=0):
        done = self.run_program(*words, now=now, config=config)
        self.assertEqual(
            done.returncode, code, f"rollbook {' '.join(map(str, words))}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        )
        return done

    def read(self, *words, now=None, code=0):
        """What a command says with --json."""
        return json.loads(self.rollbook(*words, "--json", now=now, code=code).stdout)

    def init(self):
        return self.rollbook("init", "--simulated")

    def poll(self, now, *words, code=0):
        self.now = now
        return self.rollbook("poll", *words, code=code)

    def first_poll(self):
        self.init()
        return self.poll(FIRST_POLL)

    def entries(self, *words):
        return self.read("ledger", "list", "--limit", 0, *words)

    def size(self):
        return self.read("status")["ledger"]["size"]

    def statement(self, at):
        """The rows of one poll, by source and record."""
        rows = [r for r in self.read("statement", "--limit", 0) if r["at"].startswith(at[:19])]
        return {(r["source"], r["record"]): r for r in rows}

    def alerts(self, *words, state="all"):
        return self.read("alerts", "list", "--state", state, "--limit", 0, *words)

    def findings(self, kind=None, state="open"):
        found = self.read("findings", "list", "--state", state, "--limit", 0)
        return [f for f in found if kind in (None, f["kind"])]

    def pupil(self, ref, *words):
        return self.read("pupil", ref, *words)

    def figures(self, ref, *words):
        keys = ("possible", "present", "authorised", "unauthorised", "late")
        found = self.pupil(ref, *words)["figures"]
        return {k: found[k] for k in keys}

    def every_figure(self):
        span = ("--from", self.school.first_day, "--to", self.school.last_day)
        return {s: self.figures(f"mis:{s}", *span) for s in self.school.known_pupils}

    def true_figures(self):
        keys = ("possible", "present", "authorised", "unauthorised", "late")
        return {s: {k: p[k] for k in keys} for s, p in self.school.truth().items()}

    def verify(self, *words, code=0):
        found = self.read("ledger", "verify", *words, code=code)
        self.assertEqual(found["ok"], code == 0, found)
        return found

    def quiet_pupil(self, sessions):
        """A pupil in no alert whose last `sessions` school days' mornings are all plain presence; and those days."""
        touched = {a["pupil"]["source_ids"]["mis"][0] for a in self.alerts()}
        for student in sorted(set(self.school.known_pupils) - touched):
            marks = self.school.marks(student)
            days = sorted({m["date"] for m in marks})[-10:]
            lates = [m for m in marks if m["code"] in "LU" and m["date"] in days]
            plain = [m["date"] for m in marks if m["session"] == "AM" and m["code"] == "/" and m["date"] in days]
            if not lates and len(plain) >= sessions:
                return student, plain[-sessions:]
        raise AssertionError("the school has no such pupil; choose another seed")


def flat(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


def run_one(test):
    """Runs one test, and prints how it went when it is over. Gives whether it passed."""
    result = unittest.TestResult()
    began = time.monotonic()
    test.run(result)
    wrong = result.failures + result.errors
    lines = [f"{'ok  ' if not wrong else 'FAIL'} {test._testMethodName} ({time.monotonic() - began:.1f} s)"]
    lines += [f"{broken}\n{why}" for broken, why in wrong]
    print("\n".join(lines), flush=True)
    return not wrong


def main():
    """Runs the tests of the script that was started, or those that its arguments name, a few at a time: each has a
    school of its own, and mostly waits for the disk and for retries."""
    for program in (ROLLBOOK, SCHOOL):
        if not os.access(program, os.X_OK):
            sys.exit(f"{program} is not there. Build first, or name the programs with ROLLBOOK and SCHOOL.")
    wanted = sys.argv[1:]
    tests = [t for t in flat(unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]))
             if not wanted or any(word in t.id() for word in wanted)]
    with ThreadPoolExecutor(max_workers=4) as pool:
        passed = list(pool.map(run_one, tests))
    print(f"{sum(passed)} of {len(passed)} passed")
    sys.exit(0 if passed and all(passed) else 1)
