"""What is wrong with a configuration or a command is said with its place, and nothing is done."""

import stat

from support import ScenarioTest, main

# name, file, text that is replaced, its replacement, the key that must be named. The line is that of the replacement.
MISTAKES = [
    ("an unknown key", "rollbook.toml", 'urn = "900001"', 'urn = "900001"\nhead = "x"', "head"),
    ("a wrong type", "rollbook.toml", 'urn = "900001"', "urn = 900001", "school.urn"),
    ("no length of time", "rollbook.toml", 'poll_every = "10m"', 'poll_every = "soon"', "poll_every"),
    ("an unknown rule", "rollbook.toml", 'rules = ["*"]', 'rules = ["nope"]', "route[1].rules"),
    ("an unknown pack", "rollbook.toml", 'packs = ["england"]', 'packs = ["atlantis"]', "rules.packs"),
    ("an unknown disclosure", "rollbook.toml", 'disclose = "reference"', 'disclose = "all"', "disclose"),
    ("an unknown channel", "rollbook.toml", 'channel = "email"', 'channel = "pigeon"', "channel"),
    ("an unknown role", "rollbook.toml", 'role = "mis"', 'role = "oracle"', "role"),
    ("an unknown zone", "rollbook.toml", '"Europe/London"', '"Mars/Olympus"', "school.timezone"),
    ("a secret in the file", "rollbook.toml", '{ file = "wonde.token" }', '"hunter2"', "token"),
    ("an origin with a space", "rollbook.toml", '"ledger.example.sch.uk/900001"', '"a b"', "ledger.origin"),
    ("a plain address beyond this machine", "rollbook.toml", "http://127.0.0.1:", "http://192.0.2.7:", "base_url"),
    ("a plain mail server beyond this machine", "rollbook.toml", '"smtp://127.0.0.1', '"http://192.0.2.7', "smtp_url"),
    ("a calendar that is not there", "rollbook.toml", '"calendar.toml"', '"almanac.toml"', "school.calendar"),
    ("a broken table header", "rollbook.toml", "[web]", "[web", "TOML"),
    ("a month that is none", "calendar.toml", "-09-03", "-13-03", "month"),
    ("an unknown kind of closed day", "calendar.toml", 'kind = "inset"', 'kind = "party"', "kind"),
    ("a half-term that ends before it begins", "calendar.toml", "last_day = 2025-10-24", "last_day = 2025-08-24",
     "last_day"),
    ("an unknown session", "calendar.toml", 'name = "AM"', 'name = "NOON"', "session"),
    ("a register that closes before it opens", "calendar.toml", "register_closes = 09:15:00",
     "register_closes = 08:15:00", "register_closes"),
    ("an unknown key of the calendar", "calendar.toml", 'kind = "inset"', 'kind = "inset"\nwhy = "x"', "why"),
]

# What only the connector's manifest can tell: line of the file, and the same.
OF_THE_MANIFEST = [
    ("a setting that it does not know", "per_page = 200", "per_pages = 200", "per_pages"),
    ("a setting out of its range", "per_page = 200", "per_page = 100000", "per_page"),
    ("a setting of another type", "per_page = 200", 'per_page = "many"', "per_page"),
]


class Configuration(ScenarioTest):
    pupils, days = 10, 5

    def test_every_mistake_is_named_with_file_line_and_key_and_nothing_is_read(self):
        self.init()
        size = self.size()
        for name, file, text, mistake, key in MISTAKES:
            with self.subTest(name):
                path = self.folder / file
                good = path.read_text()
                self.assertIn(text, good)
                at = good.index(text)
                path.write_text(good[:at] + mistake + good[at + len(text):])
                first = good[:at].count("\n") + 1
                lines = {first, first + mistake.count("\n")}
                for command in ("check", "poll"):
                    told = self.run_program(command)
                    self.assertEqual(told.returncode, 3, told.stderr)
                    self.assertTrue(any(f"{file}:{line}:" in told.stderr for line in lines), told.stderr)
                    self.assertIn(key, told.stderr)
                    self.assertNotIn("hunter2", told.stderr)
                path.write_text(good)
        self.assertEqual(self.size(), size)
        self.rollbook("check")

    def test_what_a_manifest_does_not_know_is_named_with_line_and_key_and_nothing_is_read(self):
        self.init()
        size, good = self.size(), self.config.read_text()
        for name, text, mistake, key in OF_THE_MANIFEST:
            with self.subTest(name):
                at = good.index(text)
                self.config.write_text(good[:at] + mistake + good[at + len(text):])
                told = self.rollbook("poll", code=3).stderr
                self.assertIn(f"line {good[:at].count(chr(10)) + 1}", told)
                self.assertIn(key, told)
                checked = self.run_program("check")
                self.assertIn(checked.returncode, (1, 3))
                self.assertIn(key, checked.stdout + checked.stderr)
        self.config.write_text(good.replace('connector = "wonde"', 'connector = "wander"'))
        self.assertIn("wander", self.rollbook("poll", code=3).stderr)
        self.config.write_text(good)
        self.assertEqual(self.size(), size)

    def test_every_mistake_of_a_file_is_told_at_once(self):
        text = self.config.read_text().replace('urn = "900001"', "urn = 1").replace('rules = ["*"]', 'rules = ["nope"]')
        self.config.write_text(text)
        told = self.rollbook("check", code=3).stderr
        self.assertIn("school.urn", told)
        self.assertIn("route[1].rules", told)

    def test_a_configuration_that_is_not_there_is_exit_3(self):
        told = self.rollbook("check", config=self.folder / "none.toml", code=3).stderr
        self.assertIn("none.toml", told)

    def test_a_secret_that_is_not_there_is_found_by_check(self):
        (self.folder / "wonde.token").unlink()
        told = self.rollbook("check", code=1)
        self.assertIn("wonde.token", told.stdout + told.stderr)

    def test_a_secret_that_works_no_more_is_found_by_check(self):
        text = self.config.read_text()
        self.init()
        for day, code in (("2025-11-20", 1), (self.now[:10], 0)):
            self.config.write_text(text.replace('{ file = "wonde.token" }', f'{{ file = "wonde.token", expires = {day} }}'))
            told = self.rollbook("check", code=code).stdout
            self.assertEqual(f"token stopped working on {day}" in told, code == 1, told)

    def test_a_folder_that_nobody_made_is_said_by_init_and_by_what_opens_the_ledger(self):
        self.config.write_text(self.config.read_text().replace('"ledger.db"', '"none/ledger.db"', 1)
                               .replace('"ledger.key"', '"none/ledger.key"', 1))
        self.assertIn("Make its folder first", self.rollbook("init", "--simulated", code=4).stderr)
        (self.folder / "none").mkdir()
        self.rollbook("init", "--simulated")

    def test_a_route_that_nobody_configured_cannot_be_settled(self):
        self.init()
        self.assertIn('no route "nobody"', self.rollbook("route", "settle", "nobody", code=2).stderr)
        self.rollbook("route", "settle", "lead")

    def test_links_to_loopback_are_found_by_check_and_only_warned_of_by_poll(self):
        text = self.config.read_text()
        self.config.write_text(text.replace("https://rollbook.example.sch.uk", "http://127.0.0.1:8480"))
        self.rollbook("check", code=1)
        self.init()
        self.assertTrue(self.rollbook("poll").stderr)

    def test_a_ledger_that_is_not_there_is_exit_4(self):
        for words in (("poll",), ("status",), ("alerts", "list"), ("pupil", "P-6"), ("ledger", "verify"), ("run",)):
            with self.subTest(words=words):
                told = self.rollbook(*words, code=4).stderr
                self.assertIn("init", told)
        self.assertFalse(self.ledger.exists())

    def test_a_file_that_is_no_ledger_is_exit_4(self):
        self.init()
        for file in self.folder.glob("ledger.db*"):
            file.unlink()
        self.ledger.write_bytes(b"this is no database" * 500)
        self.ledger.chmod(stat.S_IRUSR | stat.S_IWUSR)
        for words in (("poll",), ("status",)):
            self.rollbook(*words, code=4)
        self.assertEqual(self.ledger.read_bytes(), b"this is no database" * 500)

    def test_init_never_overwrites(self):
        self.init()
        files = ("ledger.db", "ledger.key", "ledger.vkey")
        held = {name: (self.folder / name).read_bytes() for name in files}
        self.rollbook("init", "--simulated", code=4)
        self.rollbook("init", code=4)
        self.assertEqual({name: (self.folder / name).read_bytes() for name in files}, held)
        self.ledger.unlink()
        self.rollbook("init", "--simulated", code=4)  # its key may belong to a ledger kept elsewhere
        self.assertEqual((self.folder / "ledger.key").read_bytes(), held["ledger.key"])

    def test_ledger_and_key_are_for_their_owner_alone(self):
        self.umask = 0
        self.first_poll()
        for name in ("ledger.db", "ledger.db.lock", "ledger.key"):
            self.assertEqual(stat.S_IMODE((self.folder / name).stat().st_mode), 0o600, name)
        self.assertEqual(stat.S_IMODE((self.folder / "ledger.vkey").stat().st_mode) & 0o022, 0)

    def test_wrong_usage_is_exit_2(self):
        wrong = [
            (), ("fly",), ("poll", "--sauce", "mis"), ("pupil",), ("alerts", "list", "--state", "odd"),
            ("ledger", "list", "--limit", "many"), ("statement", "--from", "yesterday"), ("ledger", "show", "x"),
            ("pupil", "P-6", "--known-at", "noon"), ("ledger",),
        ]
        for words in wrong:
            with self.subTest(words=words):
                self.assertTrue(self.rollbook(*words, code=2).stderr)

    def test_help_of_every_command_is_exit_0_and_needs_no_configuration(self):
        for words in ((), ("init",), ("check",), ("poll",), ("run",), ("status",), ("statement",), ("findings", "list"),
                      ("alerts", "list"), ("pupil",), ("ledger", "verify"), ("ledger", "list"), ("links", "list")):
            done = self.run_program(*words, "--help", config=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("Usage", done.stdout)

    def test_a_poll_of_a_source_that_is_not_configured_reads_nothing(self):
        self.init()
        told = self.run_program("poll", "--source", "nobody")
        self.assertIn(told.returncode, (1, 2), told.stderr)
        self.assertIn("--source", told.stderr)
        self.assertEqual(self.read("statement"), [])

    def test_a_pupil_who_is_not_there_is_exit_1(self):
        self.first_poll()
        for ref in ("P-999999", "mis:A1777777777", "nobody:1", "Z990200119999"):
            with self.subTest(ref=ref):
                self.assertTrue(self.rollbook("pupil", ref, code=1).stderr)

    def test_a_real_ledger_does_not_take_its_time_from_outside(self):
        self.rollbook("init")
        recorded = self.entries()[0]["recorded_at"]
        self.assertNotEqual(recorded[:10], self.now[:10])


if __name__ == "__main__":
    main()
