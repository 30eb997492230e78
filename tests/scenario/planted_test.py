"""Mistakes planted in the school's own systems, read over HTTP with the shipped manifests: each is found, none twice, and
nothing else. The school keeps the list of what it planted, in words of its own; what each is called here is below."""

import re
from collections import Counter

from support import REPOSITORY, ScenarioTest, School, main

LAST_DAY = "2026-07-17"  # a Friday late in the year, after the duty to report restraint began
FIRST, SECOND, THIRD, FOURTH, FIFTH = (f"{LAST_DAY}T{hour}:00:00Z" for hour in (17, 18, 19, 20, 21))
MONDAY = "2026-07-20T09:00:00Z"
ACTED_ON = "2026-07-03"  # so long ago that the other system should have it
# What a finding says beside its evidence: that there is none of something, which the other system says.
BESIDE = {
    "suspension-without-e": {"attendance", "behaviour"},
    "e-without-suspension": {"attendance", "behaviour"},
    "incident-in-one-system": {"behaviour", "safeguarding"},
    "mark-missing": {"attendance"},
    **dict.fromkeys(("pupil-only-in-mis", "pupil-only-in-safeguarding", "pupil-ambiguous", "pupil-conflict",
                     "flag-differs", "action-not-in-safeguarding"), {"attendance", "safeguarding"}),
}
# What a table of kinds without a gap says is there to be found; a unit test holds it against the program's own list.
ALL_KINDS = set(re.findall(r"^\| `([a-z-]+)` \|", (REPOSITORY / "schemas/findings.md").read_text(), re.MULTILINE))

KINDS = {
    "code that no law lists": ["mark-unmapped"],
    "code of another year": ["code-withdrawn"],
    "marked before joining": ["mark-off-roll"],
    "marked on a closed day": ["mark-on-closed-day"],
    "reason never entered": ["reason-overdue"],
    "reason due soon": ["reason-due"],
    "sign of the other half": ["code-wrong-for-time"],
    "not required at school age": ["code-wrong-for-pupil"],
    "long suspension without provision": ["code-needs-evidence"],
    "suspended and ill": ["suspension-without-e"],
    "suspended nowhere": ["e-without-suspension"],
    "left out of the register": ["mark-missing"],
    "marked twice": ["mark-duplicate"],
    "ill and in the canteen": ["incident-contradicts-mark"],
    "missing from a lesson they were at": ["incident-contradicts-mark"],
    "written down twice": ["incident-duplicate"],
    "held and parents not told": ["restraint-not-reported"],
    "bullied in one system": ["incident-in-one-system"],
    "unknown to safeguarding": ["pupil-only-in-mis"],
    "known to safeguarding alone": ["pupil-only-in-safeguarding"],
    "numbers of two pupils": ["pupil-ambiguous"],
    "number of another person": ["pupil-conflict"],
    "left and still listed": ["leaver-still-active"],
    "plan known to safeguarding alone": ["flag-differs"],
    "mark taken away": ["record-vanished"],
    "incident taken away": ["record-vanished"],
    "mark changed long after": ["mark-amended-late"],
    "id given to another": ["id-reissued"],
    "two records made one": ["pupil-merged"],
    "record left over": ["record-vanished"],
}
SETTINGS = """
[findings]
on = ["reason-due"]
[[findings.both]]
mis = "Racist incident"
safeguarding = "Peer relationships: racism"
"""


class TidySchool(ScenarioTest):
    def make_school(self):
        return School(self.folder, self.pupils, self.days, today=LAST_DAY, seed=self.seed, tidy=True)

    def setUp(self):
        super().setUp()
        text = self.config.read_text()
        for secret, more in (("wonde.token", ""), ("safeguarding.password", "actions = true\n")):
            text = re.sub(rf'(.*"{secret}" }}\n)', rf"\1pupil_flags = true\n{more}", text)
        self.config.write_text(text + SETTINGS)

    def plant(self, **counts):
        self.school.ask("POST", "plant", counts)

    def wanted(self):
        return Counter((kind, each["subject"]) for each in self.school.get("plants") for kind in KINDS[each["fault"]])

    def found(self):
        return Counter((f["kind"], f["subject"]["id"]) for f in self.findings())

    def assert_found(self, *more):
        wanted, found = self.wanted() + Counter(more), self.found()
        self.assertEqual((wanted - found, found - wanted), (Counter(), Counter()), "missed, and found beyond")


class Planted(TidySchool):
    pupils, days = 700, 60

    def test_three_hundred_mistakes_are_found_each_by_its_kind_once_and_nothing_else(self):
        self.plant(ordinary=1000, at_rest=260)
        self.init()
        self.poll(FIRST)
        self.assert_found()
        self.plant(in_motion=40)
        self.poll(SECOND)
        self.assert_found()
        planted = self.school.get("plants")
        self.assertGreaterEqual(len(planted), 300)
        self.assertEqual({each["fault"] for each in planted}, set(KINDS))
        # Nor does looking again find one anew.
        ids = [f["id"] for f in self.findings(state="all")]
        self.poll(THIRD)
        self.assertEqual([f["id"] for f in self.findings(state="all")], ids)
        self.act_in_one_system_and_in_both()
        self.let_the_systems_themselves_go_wrong()
        self.assertEqual({f["kind"] for f in self.findings(state="all")}, ALL_KINDS)
        self.every_finding_carries_the_labels_of_its_evidence()
        self.verify("--quick")

    def act_in_one_system_and_in_both(self):
        """Calls about six pupils, recorded in Rollbook; every other one is in the safeguarding system, too."""
        by_pupil = {a["pupil"]["ref"]: a for a in self.alerts(state="open")
                    if "safeguarding" in a["pupil"]["source_ids"]}
        called = [by_pupil[ref] for ref in sorted(by_pupil)][:6]
        self.assertEqual(len(called), 6)
        for number, alert in enumerate(called):
            self.rollbook("alerts", "act", alert["id"], "--kind", "call", "--on", ACTED_ON, "--outcome", "agreed",
                          "--by", "A Lead")
            if number % 2:
                who = [{"id": alert["pupil"]["source_ids"]["safeguarding"][0]}]
                self.school.row("safeguarding/all-actions", {"id": f"ACT-90{number}", "incident_id": "INC-1",
                                                            "kind": "Call", "author": "Tutor", "text": "Invented.",
                                                            "students": who, "done_on": ACTED_ON})
        self.poll(FOURTH)
        self.acted = [("action-not-in-safeguarding", a["pupil"]["source_ids"]["mis"][0]) for a in called[::2]]
        self.assert_found(*self.acted)

    def every_finding_carries_the_labels_of_its_evidence(self):
        entries = {e["index"]: e for e in self.entries()}

        def labels(index):
            entry = entries[index]
            if entry["what"] == "action" and not entry["source"]:
                return labels_of(entries[entry["payload"]["alert"]]["payload"]["evidence"])
            if entry["source"] == "safeguarding":
                return {"safeguarding"}
            more = {"safeguarding"} if "flags" in entry["payload"].get("fields", {}) else set()
            return more | ({"behaviour"} if entry["what"] in ("incident", "involvement", "suspension") else
                           {"attendance"})

        def labels_of(evidence):
            return set().union(*map(labels, evidence))

        for finding in self.findings(state="all"):
            about_sources = finding["kind"] in ("totals-differ", "source-stale", "source-incomplete")
            wanted = set() if about_sources else labels_of(finding["evidence"]) | BESIDE.get(finding["kind"], set())
            with self.subTest(kind=finding["kind"], id=finding["id"]):
                self.assertEqual(set(finding["labels"]), wanted)

    def let_the_systems_themselves_go_wrong(self):
        """A count that is not true, a list that breaks off, and a system that no longer answers."""
        self.school.fault("counts", "miscount")
        self.school.fault("safeguarding/incidents", "status", status=403)
        self.poll(FIFTH, code=1)
        wrong = [("totals-differ", "pupil"), ("source-incomplete", "safeguarding")]
        self.assert_found(*self.acted, *wrong)
        self.school.fault("safeguarding/students", "status", status=403)
        self.poll(MONDAY, code=1)
        # A day later other reasons are overdue, so only this kind is looked at.
        self.assertEqual([f["subject"]["id"] for f in self.findings("source-stale")], ["safeguarding"])
        # All well again, all of that closes.
        self.school.no_faults()
        self.poll(MONDAY[:11] + "10:00:00Z")
        for kind in ("totals-differ", "source-incomplete", "source-stale"):
            self.assertEqual(self.findings(kind), [])


class Clean(TidySchool):
    pupils, days = 1200, 190

    def test_a_full_year_without_mistakes_gives_no_finding_whatever_is_ordinary_in_it(self):
        self.plant(ordinary=4000)
        self.init()
        self.poll(FIRST)
        rows = self.statement(FIRST)
        self.assertEqual(rows["mis", "session-mark"]["read"], self.school.ready["marks"])
        self.assertGreater(rows["safeguarding", "concern"]["read"], 50)
        self.assert_found()
        self.poll(SECOND)
        self.assert_found()


if __name__ == "__main__":
    main()
