"""The Debian package: whole by lintian, its unit sandboxed, installed and removed with the ledger kept."""

import atexit
import functools
import os
import re
import shutil
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from support import REPOSITORY, ROLLBOOK, main

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


if __name__ == "__main__":
    main()
