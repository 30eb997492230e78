"""From a bare machine to a running Rollbook, by deploy/recover: with the recovery sheet, a backup and one recipient's key."""

import os
import shutil
import subprocess
import unittest

from backup_test import WithBackups
from support import REPOSITORY, ROLLBOOK, SECOND_POLL, ScenarioTest, main


class Recovery(WithBackups, ScenarioTest):
    pupils, days = 12, 8

    def setUp(self):
        super().setUp()
        self.set_up_backups()
        self.config.write_text(self.config.read_text().replace('target = "target"', f'target = "{self.target}"'))
        self.first_poll()
        self.sheet = self.folder / "sheet"
        self.sheet.mkdir()
        for path in self.folder.iterdir():
            if path.is_file() and not path.name.startswith("ledger.db"):
                shutil.copy2(path, self.sheet)
        self.file = self.backup()

    def recover(self, *words, code=0, user="nobody-of-this-machine", start=False, **more):
        bare = self.folder / "bare"
        words = [*words] if start else ["--no-start", *words]
        done = subprocess.run(
            [REPOSITORY / "deploy/recover", self.sheet, self.file, self.keys[1], "--into", bare, *words],
            env={**self.environment(), "ROLLBOOK": ROLLBOOK, "ROLLBOOK_USER": user, **more}, capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return bare, done.stdout + done.stderr

    def test_a_bare_machine_goes_on_where_the_backup_ended(self):
        rows, figures = self.rows(), self.every_figure()
        bare, said = self.recover()
        self.assertIn("systemctl enable --now rollbook@", said)
        self.assertEqual((bare / "ledger.db").stat().st_mode & 0o077, 0)
        old, self.config = self.config, bare / self.config.name
        self.ledger = bare / "ledger.db"
        self.assertEqual(self.rows(), rows)
        self.assertEqual(self.every_figure(), figures)
        self.poll(SECOND_POLL)
        self.verify()
        self.assertTrue(old.exists())

    def test_a_machine_that_is_not_bare_is_left_alone(self):
        bare, _ = self.recover()
        before = (bare / "ledger.db").read_bytes()
        self.assertIn("This machine is not bare", self.recover(code=1)[1])
        self.assertEqual((bare / "ledger.db").read_bytes(), before)

    def test_another_key_where_the_sheet_s_belongs_stops_it_and_is_left_there(self):
        bare = self.folder / "bare"
        bare.mkdir()
        (bare / "ledger.key").write_text("AAAA")
        self.assertIn("differs from the sheet's ledger.key", self.recover(code=1)[1])
        self.assertEqual((bare / "ledger.key").read_text(), "AAAA")
        self.assertFalse((bare / "ledger.db").exists())

    def test_a_backup_that_was_changed_stops_it_before_anything_is_put_in_place(self):
        data = bytearray(self.file.read_bytes())
        data[len(data) // 2] ^= 1
        self.file.write_bytes(bytes(data))
        bare, _ = self.recover(code=4)
        self.assertFalse((bare / "ledger.db").exists())

    def stub(self, name, *lines):
        """A program of that name, which comes before the machine's own and notes how it was called."""
        folder = self.folder / "programs"
        folder.mkdir(exist_ok=True)
        program = folder / name
        program.write_text("\n".join(["#!/bin/sh", f'echo "{name} $*" >> "{self.folder}/called"', *lines]) + "\n")
        program.chmod(0o755)
        return folder

    def test_it_installs_the_package_first_and_starts_the_service_last(self):
        package = self.folder / "rollbook.deb"
        package.touch()
        self.stub("systemctl", f'test -e "{self.folder}/bare/ledger.db"')
        programs = self.stub("apt-get", f'ln -s "{ROLLBOOK}" "{self.folder}/programs/rollbook"')
        _, said = self.recover("--package", package, start=True, ROLLBOOK="", PATH=f"{programs}:{os.environ['PATH']}")
        self.assertIn("Started:", said)
        self.assertEqual((self.folder / "called").read_text().splitlines(), [
            f"apt-get install -y {package}", f"systemctl enable --now rollbook@{self.config.stem}"])

    @unittest.skipUnless(os.geteuid() == 0, "only root hands files over")
    def test_folders_of_the_sheet_come_back_and_credentials_where_only_root_reads_them(self):
        self.folder.chmod(0o755)
        config = self.sheet / self.config.name
        ledger = self.folder / "state" / "ledger.db"
        text = config.read_text().replace('path = "ledger.db"', f'path = "{ledger}"').replace("ledger.key", f"{ledger}.key")
        text += '# a = { credential = "secret_none" }\n'
        names = ("wonde.token", "safeguarding.password")
        for name in names:
            self.assertIn(f'{{ file = "{name}" }}', text)
            text = text.replace(f'{{ file = "{name}" }}', f'{{ credential = "secret_{name}" }}')
        config.write_text(text)
        (self.sheet / "credentials").mkdir()
        (self.sheet / names[0]).rename(self.sheet / "credentials" / names[0])
        (self.sheet / "mappings").mkdir()
        (self.sheet / "mappings" / "cpoms.toml").write_text("# a mapping\n")
        bare, said = self.recover(user="nobody")
        for name in names:
            self.assertEqual((bare / "credentials" / name).owner(), "root")
            self.assertEqual((bare / "credentials" / name).stat().st_mode & 0o077, 0)
            self.assertFalse((bare / name).exists())
        for own in (bare / "mappings" / "cpoms.toml", bare / self.config.name, ledger):
            self.assertEqual(own.owner(), "nobody", own)
        self.assertNotIn("Not on the sheet", said)
        (bare / "credentials" / names[0]).unlink()
        (self.sheet / "credentials" / names[0]).unlink()
        ledger.unlink()
        self.assertIn(f"put the secret {names[0]} into {bare}/credentials", self.recover(user="nobody")[1])

    @unittest.skipUnless(os.geteuid() == 0, "only root hands files over")
    def test_a_backup_and_a_key_that_only_root_may_read_become_the_ledger_of_the_service(self):
        self.folder.chmod(0o755)  # the service gets to its own
        for secret in (self.file, self.keys[1]):
            os.chown(secret, 0, 0)
            secret.chmod(0o600)
        bare, _ = self.recover(user="nobody")
        for path in bare.iterdir():
            self.assertEqual(path.owner(), "nobody", path.name)
        self.config, self.ledger = bare / self.config.name, bare / "ledger.db"
        self.poll(SECOND_POLL)
        self.verify()

    def test_what_the_restore_asked_to_be_changed_is_no_reason_to_stop(self):
        good = self.file.read_bytes()
        self.file.write_bytes(good[:-1])
        bare, _ = self.recover(code=4)  # half run: the configuration is in place
        config = bare / self.config.name
        old = config.read_text().split('origin = "', 1)[1].split('"')[0]
        config.write_text(config.read_text().replace(f'origin = "{old}"', f'origin = "{old}/2"'))
        self.file.write_bytes(good)
        self.recover()
        self.config, self.ledger = config, bare / "ledger.db"
        self.verify()
        config.write_text(config.read_text().replace("[school]", "[school]\n# not the sheet's", 1))
        self.ledger.unlink()
        self.assertIn("differs from the sheet's", self.recover(code=1)[1])


if __name__ == "__main__":
    main()
