"""Mistakes planted in the school's own systems, read over HTTP with the shipped manifests: each is found, none twice, and
nothing else. The school keeps the list of what it planted, in words of its own; what each is called here is below."""

from collections import Counter

from support import ScenarioTest, School, main

LAST_DAY = "2026-07-17"  # a Friday late in the year, after the duty to report restraint began
FIRST, SECOND, THIRD = (f"{LAST_DAY}T{hour}:00:00Z" for hour in (17, 18, 19))

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
    "mark taken away": ["record-vanished"],
    "incident taken away": ["record-vanished"],
    "mark changed long after": ["mark-amended-late"],
    "id given to another": ["id-reissued"],
    "two records made one": ["pupil-merged", "record-vanished"],
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
        self.config.write_text(self.config.read_text() + SETTINGS)

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
        self.verify("--quick")


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
