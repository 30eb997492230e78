"""What systems can be read, a trial read that shows no value, a new manifest, and what the firewall must let through."""

import json

from support import ScenarioTest, main

SYSTEMS = {
    "wonde": "documented", "arbor": "assembled", "bromcom": "documented", "isams": "documented",
    "isams-batch": "assembled", "scholarpack": "assembled", "go4schools": "assembled", "xporter": "assembled",
    "ed-fi": "documented", "oneroster-1-1": "documented", "oneroster-1-2": "documented", "cpoms": "files only",
    "myconcern": "files only", "sims-marks": "files only",
}


class Connectors(ScenarioTest):
    pupils, days = 10, 5

    def test_every_system_is_listed_with_what_its_reading_rests_on(self):
        listed = {c["name"]: c["state"] for c in self.read("connectors", "list")}
        for name, state in SYSTEMS.items():
            self.assertEqual(listed.get(name), state, name)

    def test_a_probe_reads_every_list_shows_no_value_and_writes_nothing(self):
        self.init()
        size = self.size()
        told = self.rollbook("connectors", "probe", "mis").stdout
        for stream in ("students", "session-marks", "behaviours", "exclusions"):
            self.assertIn(stream, told)
        self.assertIn("pupil.upn  100 % filled, such as X999999999999", told)
        self.nothing_private_in([told], "a probe")
        self.assertEqual(self.size(), size)
        recorded = self.folder / "recorded"
        self.rollbook("connectors", "probe", "mis", "--record", str(recorded))
        answers = (recorded / "answers.ndjson").read_text()
        self.assertGreater(len(answers.splitlines()), 4)
        self.nothing_private_in([answers], "a recording")
        self.assertNotIn("127.0.0.1", answers)
        self.assertIn("not an empty folder", self.rollbook(
            "connectors", "probe", "mis", "--record", str(recorded), code=2).stderr)
        self.assertEqual(self.size(), size)
        self.assertIn("there is no source", self.rollbook("connectors", "probe", "nobody", code=3).stderr)

    def test_a_new_manifest_passes_check_as_it_stands_and_is_never_overwritten(self):
        self.rollbook("connectors", "new", "our-mis")
        text = self.config.read_text()
        begin = text.index("[[source]]")
        end = text.index("[[source]]", begin + 1)
        (self.folder / "our.key").write_text("key\n")
        source = (
            '[[source]]\nname = "mis"\nrole = "mis"\nconnector = "./our-mis.json"\n[source.settings]\n'
            'base_url = "https://mis.example.test:8443/api"\nkey = { file = "our.key" }\n\n'
        )
        self.config.write_text(text[:begin] + source + text[end:])
        checked = self.run_program("check")
        self.assertNotIn("our-mis", checked.stderr)
        self.assertIn("rule repeated-lateness: not possible: no source gives a session-mark", checked.stdout)
        self.assertIn("mis.example.test:8443", self.rollbook("net", "allow-list").stdout)
        manifest = self.folder / "our-mis.json"
        before = manifest.read_text()
        self.rollbook("connectors", "new", "our-mis", code=2)
        self.assertEqual(manifest.read_text(), before)
        self.assertEqual(json.loads(before)["name"], "our-mis")


if __name__ == "__main__":
    main()
