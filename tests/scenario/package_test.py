"""The Debian package: whole by lintian, its unit sandboxed, installed and removed with the ledger kept; and the wizard."""

import atexit
import functools
import json
import math
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from support import LAST_DAY, REPOSITORY, ROLLBOOK, School, end, main, of_the_first_read, wait_until

BUILD = Path(ROLLBOOK).parent
UNIT = "usr/lib/systemd/system/rollbook@.service"


def run(*command, **more):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, **more)


def have(*programs):
    return all(shutil.which(each) for each in programs)


making = threading.Lock()


@functools.cache
def built_once():
    """The package, and a folder where it is unpacked."""
    folder = Path(tempfile.mkdtemp(prefix="rollbook-package-"))
    atexit.register(shutil.rmtree, folder)
    built = run(REPOSITORY / "deploy/package", "--from", BUILD)
    if built.returncode:
        raise AssertionError(built.stdout + built.stderr)
    package = Path(built.stdout.split()[-1])
    run("dpkg", "-x", package, folder / "unpacked", check=True)
    return package, folder / "unpacked"


@unittest.skipUnless(have("cpack", "dpkg", "dpkg-shlibdeps"), "not a Debian with its packaging tools")
class Package(unittest.TestCase):
    def setUp(self):
        with making:
            self.package, self.root = built_once()
        self.folder = Path(tempfile.mkdtemp(prefix="rollbook-package-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def test_it_holds_all_that_an_operator_needs(self):
        for each in (UNIT, "usr/bin/rollbook", "usr/bin/rollbook-witness", "etc/rollbook/sample.toml",
                     "usr/share/rollbook/connectors/manifests/wonde.json", "usr/share/rollbook/schemas/rules/england.toml",
                     "usr/share/rollbook/recover", "usr/share/rollbook/connectors/report/mappings/cpoms.toml", "usr/share/man/man1/rollbook.1.gz",
                     "usr/share/man/man1/rollbook-witness.1.gz", "usr/share/man/man5/rollbook.toml.5.gz",
                     "usr/share/bash-completion/completions/rollbook", "usr/share/doc/rollbook/runbook.md"):
            self.assertTrue((self.root / each).is_file(), each)

    @unittest.skipUnless(have("lintian"), "no lintian")
    def test_lintian_finds_no_error(self):
        found = run("lintian", "--fail-on", "none", self.package).stdout
        self.assertEqual(re.findall(r"^E: .*", found, re.M), [])

    @unittest.skipUnless(have("systemd-analyze"), "no systemd-analyze")
    def test_the_unit_is_sandboxed(self):
        found = run("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15", self.root / UNIT)
        level = re.search(r"exposure level for \S+: ([\d.]+)", found.stdout)
        self.assertIsNotNone(level, found.stdout + found.stderr)
        self.assertLessEqual(float(level[1]), 1.5)

    def test_the_unpacked_program_finds_what_it_came_with_and_likes_its_sample(self):
        program = self.root / "usr/bin/rollbook"
        listed = run(program, "connectors", "list")
        self.assertIn("wonde", listed.stdout)
        checked = run(program, "check", "--config", self.root / "etc/rollbook/sample.toml")
        self.assertIn("1 sources", checked.stdout)
        self.assertNotEqual(checked.returncode, 3, checked.stderr)

    def test_every_command_is_in_the_manual(self):
        page = run("man", "-l", self.root / "usr/share/man/man1/rollbook.1.gz", env={**os.environ, "MANWIDTH": "200"})
        if page.returncode:
            self.skipTest("no man")
        said = run(ROLLBOOK, "--help").stdout
        for command in re.findall(r"^  ([a-z]+) ", said[said.index("Subcommands:"):], re.M):
            self.assertIn(f"rollbook {command} ", page.stdout)

    def test_the_completion_completes(self):
        script = f"""
source {self.root}/usr/share/bash-completion/completions/rollbook
COMP_WORDS=({self.root}/usr/bin/rollbook ledger ver); COMP_CWORD=2; _rollbook; echo "${{COMPREPLY[@]}}"
COMP_WORDS=({self.root}/usr/bin/rollbook ledger verify --qu); COMP_CWORD=3; _rollbook; echo "${{COMPREPLY[@]}}"
"""
        self.assertEqual(run("bash", "-c", script).stdout.split(), ["verify", "--quick"])

    @unittest.skipUnless(os.geteuid() == 0 and have("systemd-sysusers", "systemd-tmpfiles"), "not root")
    def test_the_ledger_outlives_upgrade_removal_and_purge(self):
        root = self.folder / "system"
        (root / "var/lib/dpkg/updates").mkdir(parents=True)
        (root / "var/lib/dpkg/info").mkdir()
        (root / "var/lib/dpkg/status").touch()
        (root / "etc").mkdir()
        dpkg = ["dpkg", f"--root={root}", "--force-depends", "--force-script-chrootless", "--force-confold"]

        def do(*words):
            done = run(*dpkg, *words)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            return done.stdout

        self.assertIn("init --wizard", do("-i", self.package))
        state = root / "var/lib/rollbook"
        self.assertIn("rollbook:", (root / "etc/passwd").read_text())
        self.assertEqual(state.stat().st_mode & 0o777, 0o750)
        self.assertNotEqual(state.stat().st_uid, 0)
        self.assertEqual((root / "etc/rollbook/credentials").stat().st_mode & 0o777, 0o700)
        ledger, own, sample = state / "school/ledger.db", root / "etc/rollbook/school.toml", root / "etc/rollbook/sample.toml"
        ledger.parent.mkdir()
        ledger.write_text("a ledger")
        own.write_text("a configuration")
        sample.write_text("changed")
        do("-i", self.package)
        self.assertEqual(sample.read_text(), "changed")
        do("-r", "rollbook")
        self.assertFalse((root / "usr/bin/rollbook").exists())
        self.assertEqual((ledger.read_text(), own.read_text(), sample.read_text()), ("a ledger", "a configuration", "changed"))
        do("-i", self.package)
        self.assertTrue((root / "usr/bin/rollbook").exists())
        self.assertIn("left in place: /var/lib/rollbook", do("-P", "rollbook"))
        self.assertEqual((ledger.read_text(), own.read_text()), ("a ledger", "a configuration"))


class Wizard(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="rollbook-wizard-"))
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "school").mkdir()
        self.school = School(self.folder / "school", pupils=30, days=40, today=LAST_DAY)
        self.addCleanup(self.school.close)
        self.config = self.folder / "hill.toml"

    def answers(self, token, url="", serve=""):
        password = (self.folder / "school/safeguarding.password").read_text().strip()
        return "\n".join([
            "St Example's High School", "12345", "900001", "example.sch.uk",
            "2025-09-03 2025-10-24", "rubbish", "2025-11-03 2025-12-19", "",
            "2025-11-28 inset", "", "", "",
            "nonesuch", "wonde", "", f"{self.school.http}/v1.0", "A1000900001", *token,
            "safeguarding", "", f"{self.school.http}/safeguarding/v1", "rollbook", password, "",
            url, serve,
            "email", "", f"smtp://127.0.0.1:{self.school.ready['smtp']}", "", "lead@example.sch.uk", "none", "",
            "", ""])

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

        daemon = subprocess.Popen([ROLLBOOK, "--config", self.config, "run"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, env={**os.environ, "ROLLBOOK_NOW": "2025-11-21T17:00:00Z"})
        self.addCleanup(end, daemon)
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

    def test_a_source_that_does_not_answer_is_asked_for_again(self):
        wrong = ["wrong-token", "yes", "", f"{self.school.http}/v1.0", "A1000900001", self.school.token]
        done = self.run_wizard(self.answers(wrong))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("BAD   mis", done.stdout)
        self.assertEqual((self.folder / "hill-mis.token").read_text().strip(), self.school.token)

    def test_left_half_way_it_leaves_nothing(self):
        done = self.run_wizard("\n".join(self.answers([self.school.token]).split("\n")[:20]))
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertEqual([each.name for each in self.folder.iterdir()], ["school"])


if __name__ == "__main__":
    main()
