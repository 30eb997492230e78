"""What a role may not see changes nothing that it is shown: two ledgers with one past, of which one reads records more
(concerns, actions and flags in the safeguarding system, what the safeguarding lead marks) and the other does not, answer
every page, list, count, file and report of every other role with the same bytes, and tell the same by mail."""

import json
import random
import re
import shutil
import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

from page_reports_test import PatientReader
from pages_test import PASSWORD, free_port
from support import FIRST_POLL, ROLLBOOK, SECOND_POLL, ScenarioTest, end, main, text_of, wait_until

ROLES = ("lead", "pastoral", "senior", "office", "auditor", "governor", "admin")
SCOPES = {"pastoral": ("--scope", "year=8")}  # without one it sees nobody
LATER = "2025-11-21T18:30:00Z"
# Who keeps the systems running sees of every list how much was read, and nothing of whom.
COUNTS = {"admin": ("/statements", "/reports/reconciliation")}
# What the ledger says of itself is said to everybody: its size, its root, when it was signed.
OF_ITSELF = re.compile(r"""
      (?<="ledger_size":)\d+ | (?<="size":)\d+ | (?<="root":)"[^"]+" | (?<="note":)"[^"]+"
    | (?<=entries,\ signed\ )[^<.]+ | (?<="checkpoint":\{"at":")[^"]+ | (?<=of\ size\ )\d+
    | (?<=name="form_token"\ value=")[^"]+ | [\d,]+(?=\ entries[.,]|</dd>)
""", re.X)


class Ledger:
    """One of the two: its folder, its daemon, and who reads its pages."""

    def __init__(self, test, folder):
        self.test, self.folder = test, folder
        self.config, self.readers = folder / "rollbook.toml", {}
        self.port = int(re.search(r'listen = "127.0.0.1:(\d+)"', self.config.read_text())[1])

    def run(self, *words):
        command = [ROLLBOOK, *map(str, words), "--config", str(self.config)]
        done = subprocess.run(command, env=self.test.environment(), capture_output=True, text=True, timeout=120,
                              cwd=self.folder)
        self.test.assertEqual(done.returncode, 0, (words, done.stdout, done.stderr))
        return done.stdout

    def start(self):
        log = open(self.folder / "daemon.log", "a")
        self.test.addCleanup(log.close)
        self.daemon = subprocess.Popen([ROLLBOOK, "run", "--config", str(self.config)], env=self.test.environment(),
                                       stdout=log, stderr=subprocess.STDOUT, cwd=self.folder)
        self.test.addCleanup(end, self.daemon)
        self.url = f"http://127.0.0.1:{self.port}"
        wait_until(self.is_ready, "the daemon")

    def is_ready(self):
        self.test.assertIsNone(self.daemon.poll(), (self.folder / "daemon.log").read_text()[-2000:])
        try:
            status = json.loads(self.run("status", "--json"))
            return all(s["last_success"] and s["last_success"][:19] == self.test.now[:19] for s in status["sources"]) and \
                status["outbox"]["waiting"] == 0 and PatientReader(self.url).get("/readyz").status == 200
        except OSError:
            return False

    def stop(self):
        end(self.daemon)

    def set_up(self, role):
        code = re.search(r"^  ([A-Z0-9-]{29})$", self.run("user", "add", role, "--role", role, *SCOPES.get(role, ())), re.M)[1]
        return PatientReader(self.url).set_up(role, code, PASSWORD)

    def log_in(self, role, key):
        who = PatientReader(self.url)
        who.source = f"127.0.0.{2 + ROLES.index(role)}"  # one address may ask thirty times a second
        self.test.assertEqual(who.log_in(role, PASSWORD, key).status, 303)
        return who


def plain(answer):
    """What was answered, so that it can be compared: a workbook as its parts, all without what the ledger says of itself."""
    if answer.body[:2] == b"PK":
        with zipfile.ZipFile(BytesIO(answer.body)) as book:
            return {n: OF_ITSELF.sub("...", book.read(n).decode()) for n in book.namelist() if n != "docProps/core.xml"}
    return OF_ITSELF.sub("...", answer.text)


class Roles(ScenarioTest):
    pupils, days = 10, 40
    has_alerts_before = False  # else they come with what is added, and both tell of them

    def setUp(self):
        super().setUp()
        self.dice = random.Random(self.seed)
        text = self.config.read_text()
        for secret, more in (("wonde.token", ""), ("safeguarding.password", "actions = true\n")):
            text = re.sub(rf'(.*"{secret}" }}\n)', rf"\1pupil_flags = true\n{more}", text)
        self.config.write_text(text.replace("127.0.0.1:8480", f"127.0.0.1:{free_port()}"))
        self.act(0)
        self.init()
        self.poll(FIRST_POLL)
        if self.has_alerts_before:
            self.amend()
        self.now = SECOND_POLL
        one = Ledger(self, self.folder)
        one.start()
        self.keys = {role: one.set_up(role) for role in ROLES}
        one.stop()
        other = self.folder / "other"
        shutil.copytree(self.folder, other, ignore=shutil.ignore_patterns("*.sock", "*.lock", "other"))
        self.ledgers = one, Ledger(self, other)
        self.now = LATER

    def amend(self):
        for student in sorted(self.school.known_pupils)[:5]:
            for mark in self.school.marks(student)[-12:]:
                self.school.amend(student, mark["date"], mark["session"], self.dice.choice("LUON"))

    # -- what is added, chosen by the seed

    def act(self, number):
        incident = self.school.safeguarding("incidents")[0]
        who = self.dice.choice(self.school.safeguarding("students"))
        self.school.row("safeguarding/all-actions", {
            "id": f"ACT-9{number:03}", "incident_id": incident["id"], "kind": "Call", "author": "Tutor", "text": "Hidden.",
            "students": [{"id": who["id"]}], "done_on": "2025-11-20"})

    def safeguarding_records(self):
        known = self.school.safeguarding("students")
        sample = self.school.safeguarding("incidents")[0]
        for number in range(self.dice.randint(5, 15)):
            chosen = self.dice.sample(known, self.dice.randint(1, 2))
            self.school.row("safeguarding/incidents", {
                **sample, "id": f"INC-9{number:03}", "student_ids": [one["id"] for one in chosen],
                "incident_at": f"2025-11-{self.dice.randint(3, 21):02}T10:00:00", "text": "Hidden."})
        for number in range(1, self.dice.randint(3, 8)):
            self.act(number)
        for number in range(3):
            self.school.row("safeguarding/students", {**self.dice.choice(known), "id": f"CP-9{number:03}", "mis_id": None,
                                                      "upn": None, "surname": f"Hidden{number}", "forename": "Ann"})

    def behaviour_records(self):
        sample = self.school.wonde("behaviours?include=students&per_page=500")
        for number in range(self.dice.randint(5, 15)):
            midnight = {"date": f"2025-11-{self.dice.randint(17, 21)} 00:00:00.000000", "timezone_type": 3,
                        "timezone": "Europe/London"}
            self.school.row("behaviours", {**self.dice.choice(sample), "id": f"A79999999{number:02}",
                                           "incident_date": midnight})

    # -- what is seen

    def pages_of(self, who):
        """Every page that can be reached by links, in each of its forms; of the ledger's entries the newest."""
        waiting, seen = [who.get("/").headers["Location"]], {}
        while waiting:
            path = waiting.pop(0)
            if path in seen:
                continue
            answer = who.get(path)
            seen[path] = answer.status, plain(answer)
            if answer.status != 200 or "html" not in answer.headers["Content-Type"]:
                continue
            bare, _, query = path.partition("?")
            for ending in (".json", ".csv"):
                form = bare + ending + ("?" + query if query else "")
                each = who.get(form)
                seen[form] = each.status, plain(each)
            links = [link.replace("&amp;", "&") for link in re.findall(r'href="(/[^"#]*)"', answer.text)]
            waiting += [link for link in links if not re.match(
                r"/(entries|proofs|logout|style|icon|ledger/checkpoint|ledger\?before)", link)]
        return seen

    def everything_seen(self, ledger, roles):
        told = len(self.school.mails())
        ledger.start()
        readers = {role: ledger.log_in(role, self.keys[role]) for role in roles}
        # The auditor first, and alone: who saw what is told in the order in which it was seen.
        alone = {role: self.pages_of(readers.pop(role)) for role in roles if role == "auditor"}
        with ThreadPoolExecutor() as pool:
            seen = alone | dict(zip(readers, pool.map(self.pages_of, readers.values())))
        ledger.stop()
        return seen, [re.sub(r"(?m)^Date: .*$", "", text_of(mail)) for mail in self.school.mails()[told:]]

    def same_for(self, roles, add):
        pages, mails = self.everything_seen(self.ledgers[0], roles)
        add()
        pages_after, mails_after = self.everything_seen(self.ledgers[1], roles)
        sizes = [json.loads(each.run("status", "--json"))["ledger"]["size"] for each in self.ledgers]
        self.assertGreater(sizes[1], sizes[0] + 4, "more was read")
        self.assertEqual(mails, mails_after)
        for role in roles:
            self.assertGreater(len(pages[role]), 10, role)
            wrong = sorted(path for path in pages[role].keys() | pages_after[role].keys()
                           if pages[role].get(path) != pages_after[role].get(path)
                           and not path.startswith(COUNTS.get(role, ())))
            self.assertEqual([path for path in wrong if not self.differs_in_place_only(path, pages[role], pages_after[role])],
                             [], f"told to the {role} of what it may not see: "
                                 f"{[self.first_difference(pages[role].get(p), pages_after[role].get(p)) for p in wrong[:3]]}")
        self.assertEqual(len(mails) > 2, not self.has_alerts_before)
        print(f"{sum(map(len, pages.values()))} answers to {len(roles)} roles and {len(mails)} mails are the same", flush=True)

    @staticmethod
    def first_difference(one, other):
        at = next((n for n, (a, b) in enumerate(zip(str(one), str(other))) if a != b), 0)
        return str(one)[max(0, at - 100):at + 100], str(other)[max(0, at - 100):at + 100]

    @staticmethod
    def differs_in_place_only(path, one, other):
        """That pages are looked at makes entries too, which have later places where more was read."""
        if not path.startswith(("/reports/who-saw-what", "/ledger.csv", "/ledger.json")) or path not in one or path not in other:
            return False
        places = r"(?<!\d)\d{3,5}(?!\d)"
        return re.sub(places, "", str(one[path])) == re.sub(places, "", str(other[path]))

    def test_safeguarding_records_change_nothing_for_anybody_but_the_safeguarding_lead(self):
        self.amend()
        self.same_for(ROLES, self.safeguarding_records)

class Standing(Roles):
    has_alerts_before = True  # what is read before alerts moves their numbers on

    test_safeguarding_records_change_nothing_for_anybody_but_the_safeguarding_lead = None

    def test_behaviour_records_change_nothing_for_the_office(self):
        self.same_for(("office",), self.behaviour_records)

    def test_a_pupil_who_is_to_be_handled_with_care_changes_nothing_for_whoever_does_not_work_with_pupils(self):
        def mark():
            for student in self.dice.sample(sorted(self.school.known_pupils), 5):
                self.ledgers[1].run("marker", "add", "--pupil", f"mis:{student}", "--kind", "handle-with-care", "--reason",
                                    "a-class-of-reason", "--tell", "someone-to-tell")

        self.same_for(("auditor", "governor", "admin"), mark)


if __name__ == "__main__":
    main()
