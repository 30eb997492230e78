"""A term of the simulated school, polled every school day, with a route of each kind at each level of disclosure and
everything going wrong that a source can do: what leaves (mails, webhooks, cards, files), what is logged, and what the
machine says of its own health names no pupil, no number, no concern and no flag beyond what the route discloses. A note
goes into the pupil's own safeguarding record, and is looked at for other pupils only."""

import base64
import itertools
import json
import random
import re
import subprocess
from email.header import decode_header, make_header

from faults_test import LASTING
from pages import Reader
from pages_test import free_port
from support import ROLLBOOK, ScenarioTest, School, end, main, text_of, wait_until

FIRST_DAY = "2025-09-05"  # the third school day of the term
LAST_DAY = "2025-12-19"
DISCLOSED = ("reference", "initials", "name")
REASON, TELL, WORDS = "a-class-of-reason", "someone-to-tell", "spoken-in-confidence"
# The words of flags, as systems and as people write them. A rule's title may say that a child has priority, which is all
# that anybody else than the safeguarding lead is told.
FLAGS = ("social_worker", "social worker", "child_protection", "child protection", "child_in_need", "child in need",
         "looked_after", "looked after", "youth_justice", "youth justice", "pupil_premium", "pupil premium", "sen_support",
         "sen support", "ehcp", "young_carer", "young carer", "watch list", "watch_list", "handle with care",
         "handle-with-care")
RULES = {
    "webhook": '["repeated-lateness", "missing-child"]',
    "teams": '["penalty-notice", "continuous-absence"]',
    "file": '["penalty-notice", "reason-overdue", "priority-child-absent"]',
}


def routes(http, smtp):
    """One of each kind and level. Only mails tell of everything: each message is waited for, and Teams takes four a second."""
    for disclose in DISCLOSED:
        settings = {
            "email": f'smtp_url = "{smtp}"\nfrom = "rollbook@example.sch.uk"\nto = ["{disclose}@example.sch.uk"]',
            "webhook": f'url = "{http}/hook/webhook-{disclose}"\nsecret = {{ file = "webhook.secret" }}',
            "teams": f'url = {{ file = "teams-{disclose}.secret" }}',
            "file": f'folder = "told-{disclose}"',
        }
        for channel, of_it in settings.items():
            rules = RULES.get(channel, '["*"]')
            yield (f'[[route]]\nname = "{channel}-{disclose}"\nchannel = "{channel}"\nrules = {rules}\n'
                   f'disclose = "{disclose}"\n[route.settings]\n{of_it}\n')
    yield ('[[route]]\nname = "digest"\nchannel = "email"\nrules = ["repeated-lateness"]\ndisclose = "initials"\ndigest = 08:00:00\n'
           f'[route.settings]\nsmtp_url = "{smtp}"\nfrom = "rollbook@example.sch.uk"\nto = ["digest@example.sch.uk"]\n')
    yield ('[[route]]\nname = "cpoms"\nchannel = "note"\nrules = ["priority-child-absent", "reason-overdue"]\ndecisions = true\n'
           '[route.settings]\nsource = "safeguarding"\n')


class FullTerm(ScenarioTest):
    pupils = 60

    def make_school(self):
        return School(self.folder, self.pupils, 3, today=FIRST_DAY, seed=self.seed)

    def setUp(self):
        super().setUp()
        self.dice = random.Random(self.seed)
        text = self.config.read_text()
        for secret in ("wonde.token", "safeguarding.password"):
            text = re.sub(rf'(.*"{secret}" }}\n)', r"\1pupil_flags = true\n", text)
        text = text.replace("per_page = 200\n", "per_page = 200\nlesson_marks = true\n")
        text = text.replace("[rules]\n", '[rules]\nwatch_list = "watchlist.csv"\nalert_budget = 1\n', 1)
        smtp = re.search(r'smtp_url = "([^"]+)"', text)[1]
        self.port = free_port()
        text = text.replace("127.0.0.1:8480", f"127.0.0.1:{self.port}")
        rest = text[text.index("\n[web]"):]
        self.config.write_text(text[:text.index("\n[[route]]")] + "\n" + "\n".join(routes(self.school.http, smtp)) + rest)
        self.secret("webhook.secret", "whsec_" + base64.b64encode(b"an invented secret of 32 bytes..").decode())
        for disclose in DISCLOSED:
            self.secret(f"teams-{disclose}.secret", f"{self.school.http}/hook/teams-{disclose}")
            (self.folder / f"told-{disclose}").mkdir()
        self.watched = sorted(self.school.known_pupils)[:3]
        rows = [f"{self.school.known_pupils[s]['upn']},{REASON},{TELL},2026-01-09\n" for s in self.watched]
        (self.folder / "watchlist.csv").write_text("pupil,reason,tell,review\n" + "".join(rows))

    def secret(self, name, text):
        (self.folder / name).write_text(text + "\n")
        (self.folder / name).chmod(0o600)

    def tearDown(self):
        pass  # everything is looked at below, and by route

    def live_a_day(self, faults):
        self.school.ask("POST", "advance", {"days": 1})
        day = self.school.get("school")["last_day"]
        some = self.dice.sample(sorted(self.school.known_pupils), 4)
        for student in [*some, self.dice.choice(self.watched)]:
            for session in ("AM", "PM"):
                self.school.amend(student, day, session, self.dice.choice(("L", "U", "O", "N")))
        if self.dice.random() < 0.3:
            self.bad_row()
        fault = next(faults) if self.dice.random() < 0.3 else None
        if fault:
            _, endpoint, kind, more = fault
            self.school.fault(endpoint, kind, **{**more, "times": 3})
        self.now = f"{day}T10:15:00Z"
        self.run_program("poll")
        self.school.no_faults()
        return day

    def bad_row(self):
        """A row that cannot be read, full of what must not be said of it."""
        someone = self.school.known_pupils[self.dice.choice(sorted(self.school.known_pupils))]
        endpoint = self.dice.choice(("students", "attendance/session", "behaviours", "safeguarding/incidents"))
        self.school.row(endpoint, {"id": None, "surname": someone["surname"], "forename": someone["forename"],
                                   "upn": someone["upn"], "comment": f"{someone['forename']} {someone['surname']}",
                                   "session": f"{someone['surname']}", "student": f"{someone['surname']}",
                                   "date": f"{someone['surname']}", "text": f"About {someone['forename']}."})

    def decide(self):
        """A person works: nothing of what they say may go out, but into the pupil's own record."""
        stands = [a for a in self.alerts(state="open") if a["state"] == "open" and a["pupil"]]
        if not stands:
            return
        alert = self.dice.choice(stands)
        self.run_program("alerts", "ack", alert["id"], "--text", WORDS)
        self.run_program("alerts", "act", alert["id"], "--kind", "call", "--text", WORDS, "--due", self.now[:10])
        if self.dice.random() < 0.5:
            self.run_program("marker", "add", "--pupil", alert["pupil"]["ref"], "--kind", "handle-with-care", "--reason",
                             REASON, "--tell", TELL)
        if self.dice.random() < 0.3:
            self.run_program("silence", "add", "--pupil", alert["pupil"]["ref"], "--until", self.now[:10], "--reason", WORDS)

    def live_the_term(self):
        self.init()
        self.now = f"{FIRST_DAY}T15:00:00Z"
        self.run_program("poll")
        faults = itertools.cycle(self.dice.sample([f for f in LASTING if f[2] not in ("slow", "huge", "reset")], 22))
        day, days = FIRST_DAY, 0
        while day < LAST_DAY:
            day = self.live_a_day(faults)
            days += 1
            if days % 6 == 0:
                self.decide()
        self.now = f"{LAST_DAY}T18:00:00Z"
        self.run_program("poll")
        return days

    def what_the_machine_says(self):
        """By where it was said: standing outputs of the commands, and what a daemon logs, measures and answers."""
        said = {}
        for words in (("status",), ("status", "--json"), ("check",), ("check", "--online"), ("statement",), ("rules", "list"),
                      ("rules", "check"), ("connectors", "list"), ("quarantine", "list"), ("quarantine", "list", "--json"),
                      ("connectors", "probe", "mis"), ("connectors", "probe", "safeguarding"), ("ledger", "verify"),
                      ("alerts", "list"), ("findings", "list"), ("links", "list"), ("route", "test", "file-name")):
            done = self.run_program(*words)
            said["rollbook " + " ".join(words)] = done.stdout
        for row in json.loads(said["rollbook quarantine list --json"]):
            said[f"quarantine show {row['id']}"] = self.run_program("quarantine", "show", row["id"]).stdout
        log = self.folder / "daemon.log"
        with open(log, "w") as file:
            daemon = subprocess.Popen([ROLLBOOK, "run", "--config", str(self.config)], env=self.environment(),
                                      stdout=file, stderr=subprocess.STDOUT, cwd=self.folder)
        self.addCleanup(end, daemon)
        page = Reader(f"http://127.0.0.1:{self.port}")

        def ready():
            self.assertIsNone(daemon.poll(), log.read_text()[-2000:])
            try:
                return page.get("/readyz").status == 200
            except OSError:
                return False

        wait_until(ready, "the daemon")
        someone = self.school.known_pupils[self.watched[0]]
        for path in ("/healthz", "/readyz", "/metrics", "/login", f"/pupils/{someone['upn']}", f"/{someone['surname']}",
                     f"/login?next=%2Fpupils%2F{someone['upn']}"):
            # What was asked is not said again; a form's own field for where to go on is the asker's.
            answer = page.get(path)
            said[f"the page at {path[:8]}"] = "" if "next=" in path else answer.text + str(answer.headers)
        end(daemon)
        said["the daemon's log"] = log.read_text()
        return said

    # -- looking

    def learn_what_is_private(self):
        school = self.school
        school.ask("DELETE", "row")
        school.known_pupils = school.pupils()
        strangers = school.safeguarding("students")
        self.names = {n for row in [*school.known_pupils.values(), *strangers] for n in (row["forename"], row["surname"])}
        self.ids = school.ids()
        incidents = school.safeguarding("incidents")
        self.assertTrue(incidents)
        phrases = {i["text"] for i in incidents} | {i.get("subcategory") for i in incidents}
        for incident in incidents:
            categories = incident.get("categories") or []
            phrases |= {c if isinstance(c, str) else c.get("name") for c in categories}
        for row in school.wonde("behaviours?per_page=500"):
            phrases |= {row["comment"], row["type"]}
        phrases |= {row["reason"] for row in school.wonde("exclusions?per_page=500")}
        # "Attendance" and the like are everybody's words.
        phrases = {p for p in phrases if p and p not in ("Attendance", "Removed.", "Meeting")}
        self.phrases = {p.lower() for p in phrases} | set(FLAGS) | {REASON, TELL, WORDS}
        self.refs = {}
        for entry in self.entries("--kind", "pupil"):
            fields = (entry["payload"] or {}).get("fields") or {}
            if entry["source"] == "mis" and fields:
                name = fields.get("forename") or fields["legal_forename"], fields.get("surname") or fields["legal_surname"]
                self.refs.setdefault(entry["pupil"], name)

    def found_in(self, text, names_too=True, phrases=None):
        tokens = set(re.findall(r"[\w'-]+", text)) | set(re.findall(r"\w+", text))
        found = tokens & self.ids
        if names_too:
            found |= tokens & self.names
            found |= {n for n in self.names if " " in n and n in text}
        low = text.lower()
        return found | {p for p in (self.phrases if phrases is None else phrases) if p in low}

    def disclosed(self, text, disclose):
        """The text without what its route may say of the pupils it is about."""
        refs = set(re.findall(r"P-\d+", text))
        for ref in refs & self.refs.keys():
            forename, surname = self.refs[ref]
            if disclose == "name":
                text = text.replace(f"{forename} {surname} ({ref})", ref)
            elif disclose == "initials":
                text = text.replace(f"{forename[0]}{surname[0]} ({ref})", ref)
        # Nothing else stands before a reference in brackets.
        self.assertNotRegex(text, r"[A-ZÀ-Ž]\w* \(P-\d+\)" if disclose == "name" else r"\b[A-ZÀ-Ž]{2} \(P-\d+\)")
        return text

    def test_a_full_term_tells_nobody_what_they_may_not_know(self):
        days = self.live_the_term()
        self.learn_what_is_private()
        said = self.what_the_machine_says()

        told = []  # route's level, where, text
        for mail in self.school.mails():
            level = mail["to"][0].split("@")[0]
            subject = str(make_header(decode_header(mail["headers"]["Subject"])))
            told.append(("initials" if level == "digest" else level, "a mail", text_of(mail) + "\n" + subject))
        for hook in self.school.get("hooks"):
            kind, level = hook["name"].rsplit("-", 1)
            body = json.dumps(json.loads(hook["body"]), ensure_ascii=False) if hook["body"] else ""  # or only looked at
            body = body.replace("\\", "") if kind == "teams" else body  # a card's text escapes its brackets
            told.append((level, kind, body + str(hook["headers"])))
        for level in DISCLOSED:
            for file in (self.folder / f"told-{level}").iterdir():
                told.append((level, "a file", json.dumps(json.loads(file.read_text()), ensure_ascii=False)))
        counts = {}
        for level, where, text in told:
            counts[where, level] = counts.get((where, level), 0) + 1
            self.assertEqual(self.found_in(self.disclosed(text, level)), set(),
                             f"told in {where} that discloses {level}: {text[:300]}")
        print(f"{days} school days after the first read; messages: {counts}; notes: {len(self.school.get('tray'))}; "
              f"{sum(map(len, self.said))} bytes of log", flush=True)
        for kind in ("a mail", "webhook", "teams", "a file"):
            for level in DISCLOSED:
                self.assertGreater(counts.get((kind, level), 0), 2, (kind, level))
        self.assertTrue(any(f"{a} {b}" in text for level, _, text in told if level == "name" for a, b in self.refs.values()),
                        "a route that may name does")

        notes = self.school.get("tray")
        self.assertTrue(notes)
        for note in notes:
            refs = set(re.findall(r"P-\d+", note["text"]))
            self.assertLessEqual(len(refs), 1)
            self.assertEqual(self.found_in(note["text"], phrases=self.phrases - {WORDS}), set(), "told in a note")

        for where, text in said.items():
            # What one command lists for the person at the terminal may name records, and no one.
            self.assertEqual(self.found_in(text, phrases=() if where.startswith("rollbook") else None) - self.listed(where),
                             set(), f"told by {where}")
        log = "\n".join(self.said)
        self.assertGreater(len(log), 2000)
        self.assertEqual(self.found_in(log), set(), "told in the log of a poll")
        self.verify("--quick")

    def listed(self, where):
        """Who is at the terminal asked for it: findings and links are about records, by the source's own id."""
        return self.ids if where in ("rollbook findings list", "rollbook links list") else set()


if __name__ == "__main__":
    main()
