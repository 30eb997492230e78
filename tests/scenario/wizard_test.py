"""The wizard: its answers become a school that works, what a reader of them refuses is refused at the question, and
whatever ends it early leaves nothing behind."""

import datetime
import fcntl
import http.client
import json
import math
import os
import pty
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import termios
import tomllib
import unittest
from pathlib import Path

from support import LAST_DAY, REPOSITORY, ROLLBOOK, School, end, main, of_the_first_read, wait_until


def run(*command, **more):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, **more)


SOMEBODY = 65534
can_be_another = os.geteuid() == 0 and not run("test", "-r", REPOSITORY / "schemas/rules/england.toml", user=SOMEBODY).returncode


class Wizard(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="rollbook-wizard-"))
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "school").mkdir()
        self.school = School(self.folder / "school", pupils=30, days=40, today=LAST_DAY)
        self.addCleanup(self.school.close)
        self.config = self.folder / "hill.toml"

    def answers(self, token, url="", serve="", ends="", technician=""):
        password = (self.folder / "school/safeguarding.password").read_text().strip()
        return "\n".join([
            "St Example's High School", "12345", "900001", "example.sch.uk",
            "2025-09-03 2025-10-24", "rubbish", "2025-11-03 2025-12-19", "",
            "2025-11-28 inset", "", "", "",
            "nonesuch", "wonde", "", f"{self.school.http}/v1.0", "A1000900001", *token, ends, "", "",
            "safeguarding", "", f"{self.school.http}/safeguarding/v1", "rollbook", password, "", "",
            url, serve,
            "email", "", f"smtp://127.0.0.1:{self.school.ready['smtp']}", "", "lead@example.sch.uk", "none", "",
            technician, "", ""])

    def run_wizard(self, answers):
        return run(ROLLBOOK, "init", "--wizard", "--simulated", "--config", self.config, input=answers,
                   env={**os.environ, "ROLLBOOK_NOW": "2025-11-21T17:00:00Z"})

    def run_program(self, *words):
        return run(ROLLBOOK, "--config", self.config, *words, env={**os.environ, "ROLLBOOK_NOW": "2025-11-21T17:00:00Z"})

    def test_the_answers_become_a_school_that_works(self):
        done = self.run_wizard(self.answers([self.school.token]))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("ok    route lead: reached", done.stdout)
        self.assertNotIn("BAD", done.stdout)
        self.assertNotIn(self.school.token, done.stdout + self.config.read_text())
        modes = {each.name: each.stat().st_mode & 0o777 for each in self.folder.iterdir() if each.is_file()}
        self.assertEqual({n: m for n, m in modes.items() if not n.startswith("ledger.")},
                         {"hill.toml": 0o640, "hill-calendar.toml": 0o640, "hill-mis.token": 0o600,
                          "hill-safeguarding.password": 0o600})
        self.assertIn("Next: rollbook", done.stdout)  # the answers ended: nothing was read
        polled = self.run_program("poll")
        self.assertEqual(polled.returncode, 0, polled.stdout + polled.stderr)
        self.assertEqual(len(of_the_first_read(self.school.mails())), 1)
        tested = self.run_program("route", "test", "lead")
        self.assertEqual(tested.returncode, 0, tested.stderr)
        mail = self.school.mails()[-1]
        self.assertIn("A test message", mail["headers"]["Subject"])
        self.assertIn("multipart/alternative", mail["headers"]["Content-Type"])
        drafted = self.run_program("calendar", "propose")
        self.assertIn("last_day = 2025-11-21", drafted.stdout)
        again = self.run_wizard("")
        self.assertEqual(again.returncode, 3, again.stdout)
        self.assertIn("overwrites nothing", again.stderr)

    def test_it_shows_from_the_school_s_own_past_how_many_alerts_a_week_each_rule_would_raise(self):
        done = self.run_wizard(self.answers([self.school.token]) + "\nyes\n")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(len(of_the_first_read(self.school.mails())), 1)
        shown = dict(re.findall(r"^([a-z0-9-]+) +([0-9]+\.[0-9])(?: |$)", done.stdout, re.M))
        counted = json.loads(self.run_program("rules", "backtest", "--json").stdout)
        weeks = int(re.search(r"([0-9]+) school weeks", done.stdout)[1])
        self.assertGreater(weeks, 8)
        alerts = {each["rule"]: sum(sum(week["stages"].values()) for week in each["weeks"]) for each in counted}
        self.assertEqual({rule: float(shown[rule]) for rule in alerts},
                         {rule: math.ceil(count * 10 / weeks) / 10 for rule, count in alerts.items()})
        self.assertGreater(float(shown["all"]), 0)
        self.assertIn("rules list", done.stdout)

    def test_the_authority_answers_the_request_and_another_machine_opens_the_page(self):
        host = "rollbook.example.sch.uk"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        done = self.run_wizard(self.answers([self.school.token], f"https://{host}:{port}", "yes"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"open https://{host}:{port} on another machine", done.stdout)
        self.assertEqual((self.folder / "hill-web.key").stat().st_mode & 0o777, 0o600)
        self.assertNotIn("PRIVATE KEY", done.stdout + self.config.read_text())
        asked = run("openssl", "req", "-in", self.folder / "hill-web.csr", "-noout", "-verify", "-text")
        self.assertIn(f"DNS:{host}", asked.stdout, asked.stderr)

        # What the authority does, in short, and then what the last lines of [web] say.
        authority = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                     "-subj", "/CN=An authority", "-days", "2", "-keyout", self.folder / "ca.key", "-out",
                     self.folder / "ca.crt"]
        self.assertEqual(run(*authority).returncode, 0)
        signed = run("openssl", "x509", "-req", "-in", self.folder / "hill-web.csr", "-CA", self.folder / "ca.crt", "-CAkey",
                     self.folder / "ca.key", "-CAcreateserial", "-days", "2", "-copy_extensions", "copy", "-out",
                     self.folder / "hill-web.crt")
        self.assertEqual(signed.returncode, 0, signed.stderr)
        text = self.config.read_text().replace('listen = "127.0.0.1:8480"\n', "", 1)
        at = text.index("# listen")
        lines = text[at:].split("\n")
        uncommented = [line.removeprefix("# ") for line in lines[:4]] + lines[4:]
        self.config.write_text((text[:at] + "\n".join(uncommented)).replace("0.0.0.0", "127.0.0.1"))

        self.run_daemon()
        trusts = ssl.create_default_context(cafile=self.folder / "ca.crt")

        def page():
            try:
                with socket.create_connection(("127.0.0.1", port), 5) as plain, \
                        trusts.wrap_socket(plain, server_hostname=host) as held:
                    held.sendall(f"GET /login HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
                    return b"".join(iter(lambda: held.recv(65536), b"")).decode()
            except ConnectionError:
                return None

        self.assertIn('type="password"', wait_until(page, "the page"))

    def run_daemon(self):
        daemon = subprocess.Popen([ROLLBOOK, "--config", self.config, "run"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, env={**os.environ, "ROLLBOOK_NOW": "2025-11-21T17:00:00Z"})
        self.addCleanup(end, daemon)
        return daemon

    def test_the_technician_hears_of_what_needs_a_hand_and_of_no_pupil(self):
        done = self.run_wizard(self.answers([self.school.token], ends="2025-12-01", technician="it@example.sch.uk"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            listen = f"127.0.0.1:{taken.getsockname()[1]}"
            self.config.write_text(self.config.read_text().replace("127.0.0.1:8480", listen))
            daemon = self.run_daemon()

            def to_technician():
                found = [each for each in self.school.mails() if "it@example.sch.uk" in str(each["to"])]
                return found if sum("needs a hand" in each["headers"]["Subject"] for each in found) == 2 else None

            mails = wait_until(to_technician, "word of both troubles")
            said = "".join(each["body"] for each in mails)
            self.assertIn("stops working on 2025-12-01", said)
            self.assertIn("no pages are served", said)
            self.assertFalse([each for each in mails if "P-" in each["body"]])
            status = json.loads(self.run_program("status", "--json").stdout)
            self.assertEqual([each["event"] for each in status["troubles"]], ["pages_failed", "expires_soon"])
            self.assertIn(listen, status["pages"]["failed"])
            end(daemon)
        daemon = self.run_daemon()
        wait_until(lambda: not json.loads(self.run_program("status", "--json").stdout)["pages"]["failed"], "the pages")

    def test_without_a_technician_s_address_the_first_route_hears_and_nobody_is_warned_of(self):
        done = self.run_wizard(self.answers([self.school.token]))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        text = self.config.read_text()
        self.assertEqual(tomllib.loads(text)["operator"], {"route": "lead"})
        nobody = "nobody is told when Rollbook"
        self.assertNotIn(nobody, self.run_program("check").stdout)
        self.config.write_text(text.replace('[operator]\nroute = "lead"\n', ""))
        self.assertIn(nobody, self.run_program("check").stdout)
        self.assertIn("Nobody is told of such things", self.run_program("status").stdout)

    def test_each_school_of_a_server_gets_a_port_of_its_own(self):
        (self.folder / "sample.toml").write_text('[web]\nlisten = "127.0.0.1:8480"\n')
        ports = []
        for name in ("hill", "dale"):
            (self.folder / name).mkdir()
            self.config = self.folder / f"{name}.toml"
            if name == "dale":  # the ledgers stand apart, as they do below /var/lib
                for each in self.folder.glob("ledger.*"):
                    each.rename(self.folder / "hill" / each.name)
            done = self.run_wizard(self.answers([self.school.token], f"https://{name}.example.sch.uk", "yes"))
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            web = tomllib.loads(self.config.read_text())["web"]
            ports.append((web["listen"], web["public_url"]))
        self.assertEqual(ports, [("127.0.0.1:8480", "https://hill.example.sch.uk:8443"),
                                 ("127.0.0.1:8481", "https://dale.example.sch.uk:8444")])

    def test_the_last_step_waits_until_another_machine_opens_the_page(self):
        wizard, screen = self.wizard_at_a_terminal()
        rest = self.answers([self.school.token]).split("\n")
        for each in rest[rest.index(self.school.token):-1] + ["no"]:
            os.write(screen, each.encode() + b"\n")
            if each != "no":
                self.expect(screen, ": ")
        said = self.expect(screen, "Enter: later. ")
        self.assertIn("user add NAME --role lead", said)
        self.assertIn("pass requests on to 127.0.0.1:8480", said)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.config.write_text(self.config.read_text().replace("127.0.0.1:8480", f"127.0.0.1:{port}"))
        self.run_daemon()

        def page(host, client):
            try:
                answer = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                answer.request("GET", "/login", headers={"Host": host, **({"X-Forwarded-For": client} if client else {})})
                return answer.getresponse().status
            except OSError:
                return None

        ours = "rollbook.example.sch.uk"
        wait_until(lambda: page(ours, "127.0.0.1") == 200, "the page")
        for host, client in ((ours, None), (ours, "203.0.113.7, 127.0.0.1"), ("other.example", "203.0.113.7")):
            self.assertEqual(page(host, client), 200)
        status = json.loads(self.run_program("status", "--json").stdout)
        self.assertIsNone(status["pages"]["opened_at"])
        self.assertIn("no other machine has opened them yet", self.run_program("status").stdout)
        self.assertIsNone(wizard.poll())
        page(ours, "203.0.113.7")
        self.expect(screen, "All is set up.\r\n")
        self.assertEqual(wizard.wait(20), 0)
        self.assertIn("another machine opened them first", self.run_program("status").stdout)

    def test_a_source_that_does_not_answer_is_asked_for_again(self):
        wrong = ["wrong-token", "", "", "", "yes", "", f"{self.school.http}/v1.0", "A1000900001", self.school.token]
        done = self.run_wizard(self.answers(wrong))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("BAD   mis", done.stdout)
        self.assertEqual((self.folder / "hill-mis.token").read_text().strip(), self.school.token)

    def test_left_half_way_it_leaves_nothing(self):
        done = self.run_wizard("\n".join(self.answers([self.school.token]).split("\n")[:20]))
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertEqual([each.name for each in self.folder.iterdir()], ["school"])

    def test_what_the_configuration_s_reader_refuses_is_refused_at_the_question(self):
        """Each question is answered wrongly first: the lines of `wrong`, each followed by the right one."""
        key = [run(ROLLBOOK, "backup", "keygen", self.folder / f"key{n}").stdout.split()[-1] for n in (1, 2)]
        name = 'St "Example\'s" \\High\\ # [web]'
        password = (self.folder / "school/safeguarding.password").read_text().strip()
        (self.folder / "alerts").mkdir()
        (self.folder / "copies").mkdir()
        questions = [
            (["", "  \t ", b"Sch\xff", "\x1b[A", "x" * 5000], name),
            (["90000", "9000011", "90000a"], "900001"),
            (["example", "example.sch.uk/x", ".sch.uk", "exa mple.uk", "ex\u00e4mple.uk"], "example.sch.uk"),
            (["2025-09-03", "2025-10-24 2025-09-03", "2025-02-30 2025-03-01", "2025-09-03 2027-09-03"], "2025-09-03 2025-10-24"),
            (["2025-10-24 2025-12-19", "2025-09-03 2025-10-24"], "2025-11-03\t2025-12-19"), ([], ""),
            (["2025-11-31 inset", "2025-11-28 strike", "2025-11-28 inset twice"], "2025-11-28 inset"),
            (["2025-11-28"], ""),
            (["08:45", "99:99 aa:bb", "08:45:00#x 09:15", "25:00 26:00", "09:15 08:45", "09:15 09:15"], "8:45 09:15"),
            (["13:10-13:25", "13:25 13:10"], ""),
            (["nonesuch", ""], "wonde"),
            (["MIS", "mis system", "../mis", "m" * 41, "m\"x"], "lead"),
            (["http://example.com/v1.0", "ftp://example.com", "https://example.com:70000", "https://u:p@example.com", "example.com"],
             f"{self.school.http}/v1.0"),
            ([""], "A1000900001"), (["", "  ", "\x1b[D"], self.school.token),
            (["soon", "31/03/2027", "2027-02-30"], "2027-03-31"), ([], "date_from"),
            (["many", "0", "501", "1 # x", "-5"], "200"),
            (["arbor"], "safeguarding"),
            (["lead"], "safe"),
            ([], f"{self.school.http}/safeguarding/v1"), ([""], "rollbook"), (["", " "], password), ([], ""), ([], ""),
            (["http://rollbook.example.sch.uk", "rollbook.example.sch.uk", "https://rollbook.example.sch.uk:70000"], ""),
            (["perhaps"], "no"),
            (["note", "sms"], "email"),
            (["lead"], "mail"),
            (["http://127.0.0.1", "smtp://127.0.0.1:70000", "127.0.0.1"], f"smtp://127.0.0.1:{self.school.ready['smtp']}"),
            (["nobody", "@"], "r@example.sch.uk"), (["", "lead", "lead@example.sch.uk dsl"], "lead@example.sch.uk dsl@example.sch.uk"),
            (["maybe"], "none"),
            ([], "file"), ([], ""), ([""], "alerts"), ([], ""),
            (["nobody", "@"], "it@example.sch.uk"),
            (["rollbook-recipient:AAAA", key[0][:-3]], key[0]), ([key[0], key[1][1:]], key[1]),
            (["", "/nowhere", "hill.toml"], str(self.folder / "copies")), ([], "no"),
        ]
        answers = [one for wrong, right in questions for one in [*wrong, right]]
        text = b"\n".join(one if isinstance(one, bytes) else one.encode() for one in answers)
        done = subprocess.run([ROLLBOOK, "init", "--wizard", "--simulated", "--config", self.config], input=text,
                              capture_output=True, timeout=300, env={**os.environ, "ROLLBOOK_NOW": "2025-11-21T17:00:00Z"})
        said = done.stdout.decode()
        self.assertEqual(done.returncode, 0, said + done.stderr.decode())
        # One wrong answer taken, and every later one would be that of another question.
        written = tomllib.loads(self.config.read_text())
        self.assertEqual((written["school"]["name"], written["school"]["urn"]), (name, "900001"))
        self.assertEqual(written["ledger"]["origin"], "ledger.example.sch.uk/900001")
        self.assertEqual([(each["name"], each["settings"]) for each in written["source"]], [
            ("lead", {"base_url": f"{self.school.http}/v1.0", "school_id": "A1000900001",
                      "token": {"file": "hill-lead.token", "expires": datetime.date(2027, 3, 31)},
                      "date_from_param": "date_from", "per_page": 200,
                      "reread": [{"school_days": 2, "every": "10m"}, {"school_days": 30, "every": "1d"},
                                 {"from": "year", "every": "7d"}]}),
            ("safe", {"base_url": f"{self.school.http}/safeguarding/v1", "user": "rollbook",
                      "password": {"file": "hill-safe.password"}})])
        self.assertEqual(written["web"]["public_url"], "https://rollbook.example.sch.uk")
        self.assertEqual([(each["name"], each["settings"]) for each in written["route"]], [
            ("mail", {"smtp_url": f"smtp://127.0.0.1:{self.school.ready['smtp']}", "from": "r@example.sch.uk",
                      "to": ["lead@example.sch.uk", "dsl@example.sch.uk"]}),
            ("file", {"folder": "alerts"}),
            ("it", {"smtp_url": f"smtp://127.0.0.1:{self.school.ready['smtp']}", "from": "r@example.sch.uk",
                    "to": ["it@example.sch.uk"]})])
        self.assertEqual(written["operator"], {"route": "it", "weekly": True})
        self.assertEqual(written["route"][2]["rules"], [])
        self.assertEqual(written["backup"], {"recipients": key, "target": str(self.folder / "copies")})
        calendar = tomllib.loads((self.folder / "hill-calendar.toml").read_text())
        self.assertEqual([str(each["register_opens"]) for each in calendar["session"]], ["08:45:00", "13:10:00"])
        self.assertNotIn("/proc", self.config.read_text())
        self.assertEqual(self.run_program("check").returncode, 0, self.run_program("check").stdout)

    def test_a_place_where_nothing_can_be_made_is_said_before_anything_is_asked(self):
        places = [("hill.toml", self.config), ("hill-calendar.toml", self.config), ("ledger.db", self.config),
                  ("ledger.key", self.config), (None, self.folder / "none/hill.toml")]
        for there, config in places:
            with self.subTest(there=there):
                if there:
                    (self.folder / there).write_text("somebody's")
                done = run(ROLLBOOK, "init", "--wizard", "--config", config, input="")
                self.assertEqual((done.returncode, done.stdout), (3, ""))
                self.assertIn(f"{there or 'none/hill.toml'} cannot be made", done.stderr)
                if there:
                    self.assertEqual((self.folder / there).read_text(), "somebody's")
                    (self.folder / there).unlink()

    @unittest.skipUnless(can_be_another, "not root, or nobody else can read the program's files")
    def test_a_folder_that_the_ledger_s_owner_cannot_use_is_refused_at_the_question(self):
        shut = self.folder / "shut"
        (shut / "copies").mkdir(parents=True)
        shut.chmod(0o700)
        os.chown(self.folder, SOMEBODY, SOMEBODY)
        keys = [run(ROLLBOOK, "backup", "keygen", self.folder / f"key{n}").stdout.split()[-1] for n in (1, 2)]
        self.folder.chmod(0o755)
        (self.folder / "copies").mkdir()
        answers = self.answers([self.school.token]).split("\n")[:-2] + [*keys, shut / "copies", self.folder / "copies"]
        done = self.run_wizard("\n".join(map(str, answers)))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"BAD   backup: [backup] target {shut}/copies is not a folder", done.stdout)
        self.assertEqual({(self.folder / each).stat().st_uid for each in ("ledger.db", "ledger.key", "hill-mis.token")},
                         {SOMEBODY})
        self.assertEqual(self.config.stat().st_uid, 0)

    @unittest.skipUnless(can_be_another, "not root, or nobody else can read the program's files")
    def test_a_set_up_that_fails_at_its_end_leaves_nothing(self):
        """Root's files in /etc, a ledger of another user's in /var/lib, and no room for it."""
        etc = self.folder / "etc"
        (etc / "rollbook").mkdir(parents=True)
        for each in ("passwd", "group", "nsswitch.conf"):
            shutil.copy(f"/etc/{each}", etc)
        script = """
mount --bind "$2" /etc && mount -t tmpfs none /var/lib && mkdir /var/lib/rollbook || exit 77
mount -t tmpfs -o size=$1,uid=65534,gid=65534,mode=750 none /var/lib/rollbook || exit 77
"$0" init --wizard --simulated --config /etc/rollbook/hill.toml
echo "exit $?"
find /etc/rollbook /var/lib/rollbook -type f -printf '%f %U %m\\n'
"""
        for size in ("4k", "16k", "64k", "8m"):
            with self.subTest(size=size):
                done = run("unshare", "-m", "sh", "-c", script, ROLLBOOK, size, etc,
                           input=self.answers([self.school.token]), env={**os.environ, "ROLLBOOK_NOW": "2025-11-21T17:00:00Z"})
                if done.returncode == 77 or "unshare" in done.stderr:
                    self.skipTest("no mounts of its own here")
                status, *files = done.stdout[done.stdout.index("exit "):].split("\n")[:-1]
                if size == "8m":
                    self.assertEqual(status, "exit 0", done.stderr)
                    self.assertLessEqual({"hill.toml 0 640", "hill-calendar.toml 0 640", "ledger.db 65534 600",
                                          "hill-mis.token 65534 600"}, set(files))
                else:
                    self.assertEqual((status, files), ("exit 4", []), done.stdout + done.stderr)

    def wizard_at_a_terminal(self):
        """The wizard at the hidden question for the token: its process, the terminal's two ends."""
        screen, keys = pty.openpty()
        self.addCleanup(os.close, screen)
        self.addCleanup(os.close, keys)
        wizard = subprocess.Popen(
            [ROLLBOOK, "init", "--wizard", "--simulated", "--config", self.config], stdin=keys, stdout=keys, stderr=keys,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.addCleanup(end, wizard)
        answers = self.answers([self.school.token]).split("\n")
        for each in answers[:answers.index(self.school.token)]:
            self.expect(screen, ": ")
            os.write(screen, each.encode() + b"\n")
        self.expect(screen, "token: ")
        self.assertFalse(self.echoes(screen), "what is typed at a question that is seen would be shown")
        return wizard, screen

    def expect(self, screen, text):
        shown = ""
        while not shown.endswith(text):
            self.assertTrue(select.select([screen], [], [], 20)[0], shown)
            shown += os.read(screen, 65536).decode()
        return shown

    @staticmethod
    def echoes(screen):
        return bool(termios.tcgetattr(screen)[3] & termios.ECHO)

    def test_whatever_ends_it_at_a_hidden_question_leaves_the_terminal_as_it_was_and_no_file(self):
        ways = [("Ctrl-C", b"\x03", -signal.SIGINT), ("Ctrl-backslash", b"\x1c", -signal.SIGQUIT), ("Ctrl-D", b"\x04", 2),
                ("a kill", signal.SIGTERM, -signal.SIGTERM), ("a hang-up", signal.SIGHUP, -signal.SIGHUP)]
        for name, way, ends_as in ways:
            with self.subTest(way=name):
                wizard, screen = self.wizard_at_a_terminal()
                os.write(screen, way) if isinstance(way, bytes) else wizard.send_signal(way)
                self.assertEqual(wizard.wait(20), ends_as)
                self.assertTrue(self.echoes(screen))
                self.assertEqual([each.name for each in self.folder.iterdir()], ["school"])

    def test_nothing_is_on_the_disk_while_it_asks(self):
        wizard, screen = self.wizard_at_a_terminal()
        os.write(screen, self.school.token.encode() + b"\n")
        for question in ("not known: ", "date_from_param: ", "per_page [100]: "):
            self.expect(screen, question)
            os.write(screen, b"\n")
        self.expect(screen, "A further system to read; empty: no more: ")
        self.assertTrue(self.echoes(screen))
        self.assertEqual([each.name for each in self.folder.iterdir()], ["school"])
        wizard.kill()
        wizard.wait(20)
        self.assertEqual([each.name for each in self.folder.iterdir()], ["school"])


if __name__ == "__main__":
    main()
