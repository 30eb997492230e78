"""A Singer tap as a safeguarding source, run by the real program. The taps are small scripts that replay what a tap
prints; the first replays the example of the Singer specification to the byte."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

from support import FIRST_POLL, REPOSITORY, ROLLBOOK, SECOND_POLL, THIRD_POLL, ScenarioTest, end, main, wait_until

SPECIFICATION = (REPOSITORY / "tests/connectors/singer/specification.ndjson").read_text()

MAPPING = """[[stream]]
name = "users"
record = "pupil"
[stream.columns]
pupil_id = "id"
pupil_forename = "name"
[[stream]]
name = "incidents"
record = "concern"
key = ["incident_ref"]
[stream.columns]
incident_ref = "id"
incident_at = "at"
pupil_id = "who.id"
linked_pupils = "others"
category = "kinds"
"""

# What every tap does first: notes how it was called, where the test can see it.
TAP = """import json, os, stat, sys, time
here = os.path.dirname(os.path.abspath(__file__))
words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
def read(name):
    return json.load(open(words[name])) if name in words else None
noted = {"words": sorted(words), "config": read("--config"), "state": read("--state"), "catalog": read("--catalog"),
         "mode": stat.S_IMODE(os.stat(words["--config"]).st_mode), "config_at": words["--config"], "pid": os.getpid(),
         "environment": sorted(os.environ), "folder": os.getcwd(), "files": sorted(os.listdir("/proc/self/fd")),
         "input": os.readlink("/proc/self/fd/0")}
with open(os.path.join(here, "called.json.part"), "w") as out:
    json.dump(noted, out)
os.rename(os.path.join(here, "called.json.part"), os.path.join(here, "called.json"))
def say(**message):
    print(json.dumps(message), flush=True)
def describe(stream, **schema):
    say(type="SCHEMA", stream=stream, key_properties=["id"], schema={"type": "object", **schema})
"""


class SingerTap(ScenarioTest):
    pupils, days = 12, 5

    def setUp(self):
        super().setUp()
        (self.folder / "tap.password").write_text("s3cret-of-the-tap\n")
        (self.folder / "tap.password").chmod(0o600)
        self.good = self.config.read_text()
        self.mapping()
        self.source()

    def mapping(self, text=MAPPING):
        (self.folder / "tap-mapping.toml").write_text(text)

    def source(self, more=""):
        table = (f'[[source]]\nname = "tap"\nrole = "safeguarding"\nconnector = "singer"\n[source.settings]\n'
                 f'command = ["/usr/bin/python3", "{self.folder}/tap.py"]\nmapping = "tap-mapping.toml"\n{more}\n'
                 '[source.settings.config]\nstart_date = "2025-09-01"\npassword = { file = "tap.password" }\n\n')
        pattern = re.compile(r'\[\[source\]\]\nname = "safeguarding".*?(?=\[rules\])', re.S)
        self.config.write_text(pattern.sub(lambda _: table, self.good))

    def tap(self, body):
        (self.folder / "tap.py").write_text(TAP + body)

    def replay(self, lines):
        self.tap(f"sys.stdout.write({lines!r})")

    def called(self):
        return json.loads((self.folder / "called.json").read_text())

    def held(self, what):
        return [e for e in self.entries() if e["what"] == what and e["source"] == "tap"]

    def is_running(self, pid):
        try:
            return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] not in "ZX"
        except FileNotFoundError:
            return False

    def test_the_specifications_own_example_is_read_end_to_end(self):
        self.replay(SPECIFICATION)
        self.first_poll()
        pupils = self.held("pupil")
        self.assertEqual([e["payload"]["fields"] for e in pupils], [{"forename": "Chris"}, {"forename": "Mike"}])
        row = self.statement(FIRST_POLL)["tap", "pupil"]
        self.assertEqual((row["read"], row["new"], row["balanced"]), (2, 2, True))
        for path in self.folder.glob("ledger.db*"):
            self.assertNotIn(b"Philadelphia", path.read_bytes())
        self.poll(SECOND_POLL)
        self.assertEqual(self.called()["state"], {"users": 2, "locations": 1})
        self.assertEqual(self.statement(SECOND_POLL)["tap", "pupil"]["unchanged"], 2)
        self.verify()

    def test_a_tap_gets_its_config_in_a_private_file_that_is_gone_and_nothing_else_of_ours(self):
        (self.folder / "catalog.json").write_text('{"streams": []}')
        self.source('catalog = "catalog.json"')
        self.replay(SPECIFICATION)
        self.first_poll()
        called = self.called()
        self.assertEqual(called["words"], ["--catalog", "--config"])
        self.assertEqual(called["config"], {"start_date": "2025-09-01", "password": "s3cret-of-the-tap"})
        self.assertEqual(called["catalog"], {"streams": []})
        self.assertEqual(called["mode"], 0o600)
        self.assertEqual(set(called["environment"]) - {"LC_CTYPE"}, {"HOME", "LANG", "PATH", "TMPDIR"})
        self.assertEqual(called["files"][:3], ["0", "1", "2"])
        self.assertLessEqual(len(called["files"]), 4)  # the fourth is that of the listing itself
        self.assertEqual(called["input"], "/dev/null")
        self.assertFalse(Path(called["config_at"]).exists())
        self.assertFalse(Path(called["folder"]).exists())

    def test_records_become_concerns_with_their_pupils(self):
        self.tap("""
describe("users"); describe("incidents")
for number in (1, 2, 3):
    say(type="RECORD", stream="users", record={"id": number, "name": "N%d" % number})
say(type="RECORD", stream="incidents", record={"id": "I-1", "at": "2025-11-10T11:20", "who": {"id": 1, "x": {}},
    "others": [2, 3], "kinds": ["Bullying", "Truancy, again"], "text": "not for us"})
say(type="RECORD", stream="incidents", record={"id": "I-2", "at": "soon", "who": {"id": 1}, "others": [], "kinds": None})
say(type="RECORD", stream="incidents", record={"id": "I-3", "at": "2025-11-10", "who": [1], "others": [], "kinds": None})
say(type="ACTIVATE_VERSION", stream="incidents", version=17)
""")
        self.first_poll()
        row = self.statement(FIRST_POLL)["tap", "concern"]
        self.assertEqual((row["read"], row["new"], row["quarantined"]), (3, 1, 2))
        self.assertEqual(self.held("concern")[0]["payload"]["fields"],
                         {"categories": ["Bullying", "Truancy, again"], "incident_at": "2025-11-10T11:20:00"})
        self.assertEqual(self.statement(FIRST_POLL)["tap", "involvement"]["new"], 3)
        self.assertEqual(self.statement(FIRST_POLL)["tap", "pupil"]["new"], 3)

    def test_a_state_is_kept_only_of_a_run_that_closed(self):
        self.replay(SPECIFICATION + "this is not JSON\n")
        self.init()
        told = self.poll(FIRST_POLL, code=1)
        self.assertIn("the tap, line 7: a line of the tap is not JSON", told.stderr)
        self.replay(SPECIFICATION)
        self.poll(SECOND_POLL)
        self.assertIsNone(self.called()["state"])
        self.tap('describe("users"); say(type="STATE", value={"users": 99}); sys.exit(3)')
        self.assertIn("the tap ended with status 3", self.poll(THIRD_POLL, code=1).stderr)
        self.replay(SPECIFICATION)
        self.poll("2025-11-21T20:00:00Z")
        self.assertEqual(self.called()["state"], {"users": 2, "locations": 1})

    def test_a_tap_that_breaks_the_rules_is_refused(self):
        cases = {
            "comes before its stream's SCHEMA": 'say(type="RECORD", stream="users", record={"id": 1})',
            "not SCHEMA, RECORD": 'say(type="BATCH", stream="users")',
            "names no stream": 'say(type="RECORD", record={})',
            "does not hold an object": 'describe("users"); say(type="RECORD", stream="users", record=7)',
            "has no value": 'say(type="STATE")',
            "it has no type": "print([])",
            "longer than 4 MiB": 'print("x" * (5 << 20))',
            'has no property "name"': 'describe("users", additionalProperties=False, properties={"id": {}})',
            "state is longer": 'say(type="STATE", value="x" * (2 << 20))',
            "is not JSON": "print('[' * 100000)",
            "ended by signal 9": "os.kill(os.getpid(), 9)",
            "ended with status 1": "bytearray(3 << 30)",
            "byte": r"sys.stdout.buffer.write(b'{\\xff')",
        }
        self.init()
        for told, body in cases.items():
            with self.subTest(told):
                self.tap(body)
                self.assertIn(told, self.poll(FIRST_POLL, code=1).stderr)
                self.assertFalse(Path(self.called()["config_at"]).exists())

    def test_a_tap_that_never_ends_is_ended_with_all_that_it_started(self):
        self.source('timeout = "5s"')  # on a busy machine a tap takes a while to begin
        self.tap("""
import signal, subprocess
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["/usr/bin/python3", "-c", "import time; time.sleep(600)"])
open(os.path.join(here, "child"), "w").write(str(child.pid))
time.sleep(600)
""")
        self.init()
        told = self.poll(FIRST_POLL, code=1)
        self.assertIn("did not end in its time", told.stderr)
        wait_until(lambda: not self.is_running(self.called()["pid"]), "the tap to be gone", 5)
        child = int((self.folder / "child").read_text())
        wait_until(lambda: not self.is_running(child), "the tap's child to be gone", 5)

    def test_what_a_tap_says_on_its_standard_error_is_counted_and_never_told(self):
        self.tap("""
for _ in range(20000):
    print("name=Chris password=s3cret-of-the-tap", file=sys.stderr)
sys.exit(1)
""")
        self.init()
        told = self.poll(FIRST_POLL, code=1)
        self.assertIn("bytes on its standard error", told.stderr)
        self.assertNotIn("Chris", told.stderr + told.stdout)
        self.assertNotIn("s3cret", told.stderr + told.stdout)

    def test_a_daemon_that_stops_takes_its_tap_along_and_one_that_is_killed_too(self):
        self.source('timeout = "10m"')
        self.init()
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number):
                (self.folder / "called.json").unlink(missing_ok=True)
                self.tap('describe("users"); time.sleep(600)')
                daemon = subprocess.Popen([ROLLBOOK, "run", "--config", str(self.config)], env=self.environment(),
                                          stderr=subprocess.PIPE, text=True)
                self.addCleanup(end, daemon)
                wait_until((self.folder / "called.json").exists, "the tap to be called")
                pid = self.called()["pid"]
                daemon.send_signal(number)
                daemon.wait(15)
                wait_until(lambda: not self.is_running(pid), "the tap to be gone", 5)

    def test_what_is_wrong_with_a_taps_settings_is_said(self):
        self.replay(SPECIFICATION)
        for more, told in (('timeout = "never"', "settings.timeout"), ("memory_mib = 1", "settings.memory_mib"),
                           ("comand = 1", "settings.comand"), ('catalog = 7', "settings.catalog")):
            with self.subTest(told):
                self.source(more)
                self.assertIn(told, self.rollbook("check", code=3).stderr)
        self.source()
        self.mapping(MAPPING.replace('name = "users"', 'name = "users"\nlists_all = true'))
        self.assertIn("lists_all for some streams only", self.rollbook("check", code=3).stderr)
        self.mapping(MAPPING.replace("[[stream]]\nname = \"incidents\"", "[[stream]]\nnome = \"incidents\""))
        self.assertIn("tap-mapping.toml:8: stream[2].nome", self.rollbook("check", code=3).stderr)
        self.mapping()
        self.config.write_text(self.config.read_text().replace("/usr/bin/python3", "/nowhere/python3"))
        self.init()
        self.assertIn("the tap cannot be started", self.poll(FIRST_POLL, code=1).stderr)

    def test_a_tap_that_lists_all_retires_what_it_leaves_out_and_gets_no_state(self):
        self.mapping(MAPPING[: MAPPING.index('[[stream]]\nname = "incidents"')].replace('"pupil"', '"pupil"\nlists_all = true'))
        self.source("keep_state = false")
        self.replay(SPECIFICATION)
        self.first_poll()
        self.replay("".join(line + "\n" for line in SPECIFICATION.splitlines() if "Mike" not in line))
        self.poll(SECOND_POLL)
        self.assertIsNone(self.called()["state"])
        self.assertEqual(self.statement(SECOND_POLL)["tap", "pupil"]["vanished"], 1)


if __name__ == "__main__":
    main()
