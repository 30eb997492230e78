"""What a source does wrong: it is said, nothing that is held is lost, the rest is read, and the next poll mends it."""

from support import FIRST_POLL, SECOND_POLL, THIRD_POLL, ScenarioTest, main, of_the_first_read

OF_ENDPOINT = {
    "students": ("mis", {"pupil"}),
    "attendance/session": ("mis", {"session-mark"}),
    "attendance-codes": ("mis", {"session-mark"}),  # which cannot be read without the code list
    "behaviours": ("mis", {"incident", "involvement"}),
    "exclusions": ("mis", {"suspension"}),
    "safeguarding/students": ("safeguarding", {"pupil"}),
    "safeguarding/incidents": ("safeguarding", {"concern", "involvement"}),
}

# name, endpoint, kind, more. `times` left out means for ever.
LASTING = [
    ("a refused token", "students", "status", {"status": 401}),
    ("a refused token for marks", "attendance/session", "status", {"status": 401}),
    ("a permission that is missing for pupils", "students", "status", {"status": 403}),
    ("a permission that is missing for marks", "attendance/session", "status", {"status": 403}),
    ("a permission that is missing for codes", "attendance-codes", "status", {"status": 403}),
    ("a permission that is missing for behaviour", "behaviours", "status", {"status": 403}),
    ("a permission that is missing for suspensions", "exclusions", "status", {"status": 403, "html": False}),
    ("a permission that is missing for safeguarding pupils", "safeguarding/students", "status", {"status": 403}),
    ("a permission that is missing for concerns", "safeguarding/incidents", "status", {"status": 401}),
    ("an address that is not there", "attendance/session", "status", {"status": 404}),
    ("a limit that asks for ten minutes", "attendance/session", "status", {"status": 429, "retry_after": "600"}),
    ("a limit that asks until a far date", "attendance/session", "status", {"status": 429, "retry_after": "date:600"}),
    ("an error page", "attendance/session", "status", {"status": 500}),
    ("an error page in the middle", "attendance/session", "status", {"status": 500, "page": 7}),
    ("a page cut short", "attendance/session", "truncated", {"page": 5}),
    ("a page of another type", "attendance/session", "wrong_type", {"page": 2}),
    ("more pages without a link", "attendance/session", "more_without_next", {"page": 3}),
    ("a link to the same page", "attendance/session", "same_page", {"page": 4}),
    ("a link to a foreign host", "attendance/session", "foreign_next", {"page": 2}),
    ("an empty list of marks", "attendance/session", "empty", {}),
    ("an empty list of pupils", "students", "empty", {}),
    ("an empty list of incidents", "behaviours", "empty", {}),
    ("an empty list of concerns", "safeguarding/incidents", "empty", {}),
    ("most marks gone", "attendance/session", "vanish", {"percent": 60}),
    ("most pupils gone", "students", "vanish", {"percent": 90}),
    ("a connection reset", "attendance/session", "reset", {}),
    ("a body that nests too deep", "attendance/session", "deep", {"page": 2}),
    ("a body that is too large", "attendance/session", "huge", {"page": 2, "megabytes": 40}),
    ("bytes that are no UTF-8", "attendance/session", "invalid_utf8", {"page": 2}),
    ("codes that are an error page", "attendance-codes", "wrong_type", {}),
    ("concerns cut short", "safeguarding/incidents", "truncated", {}),
]

PASSING = [
    ("one answer 503", "attendance/session", "status", {"status": 503, "page": 2, "times": 1}),
    ("two answers 503", "students", "status", {"status": 503, "times": 2}),
    ("a limit of one second", "attendance/session", "status",
     {"status": 429, "retry_after": "1", "page": 3, "times": 1}),
    ("a limit until a near date", "attendance/session", "status",
     {"status": 429, "retry_after": "date:1", "page": 3, "times": 1}),
    ("one reset connection", "safeguarding/students", "reset", {"times": 1}),
    ("a slow answer", "behaviours", "slow", {"ms": 300}),
]


class Faults(ScenarioTest):
    pupils, days = 40, 20

    def set_up_held(self):
        self.first_poll()
        self.sample = f"mis:{sorted(self.school.known_pupils)[7]}"
        self.known = self.held()
        self.told = len(self.school.mails())
        self.assertEqual(len(of_the_first_read(self.school.mails())), 1)

    def held(self):
        alerts = [(a["id"], a["state"], a["stage"], a["value"]) for a in self.alerts()]
        pupil = self.pupil(self.sample)
        marks = len(self.entries("--kind", "session-mark"))
        return marks, alerts, pupil["marks"], pupil["figures"], pupil["incidents"]

    def lasting(self, endpoint, kind, more):
        self.set_up_held()
        source, records = OF_ENDPOINT[endpoint]
        self.school.fault(endpoint, kind, **more)
        told = self.poll(SECOND_POLL, code=1).stderr
        self.assertIn(source, told)
        self.assertGreater(len(told.split()), 6, "a sentence of what and where, and one of what to do")
        sources = {s["name"]: s for s in self.read("status")["sources"]}
        self.assertTrue(sources[source]["error"])
        self.assertFalse(sources[source]["ok"])
        self.assertEqual(sources[source]["last_success"][:19], FIRST_POLL[:19])
        for name in set(sources) - {source}:
            self.assertEqual((sources[name]["ok"], sources[name]["error"]), (True, None))
        self.assertEqual(self.held(), self.known, "what was held is held")
        read = set(self.statement(SECOND_POLL))
        whole = set(self.statement(FIRST_POLL))
        self.assertEqual(read & whole - self.of(source, records), whole - self.of(source, records),
                         "the other lists are read")
        self.assertEqual(len(self.school.mails()), self.told, "nobody is told anything new")
        self.assertEqual(self.school.get("foreign"), [])
        # What was not read says so, balances never, and holds back what rests on it. A list that went through and
        # names too little was read.
        word = "refused" if more.get("status") in (401, 403) else "broke-off"
        not_read = set() if kind in ("empty", "vanish") else {(source, record, word, False) for record in records}
        rows = self.statement(SECOND_POLL).values()
        self.assertEqual({(r["source"], r["record"], r["not_read"], r["balanced"]) for r in rows if "not_read" in r},
                         not_read)
        held_back = [h for h in self.read("status")["held_back"] if h["record"]]
        self.assertEqual({(h["source"], h["record"]) for h in held_back}, {each[:2] for each in not_read})
        self.assertTrue(all(h["findings"] for h in held_back))

        self.school.no_faults()
        self.poll(THIRD_POLL)
        self.assertEqual(self.held(), self.known)
        rows = self.statement(THIRD_POLL)
        self.assertEqual(set(rows), whole)
        for row in rows.values():
            self.assertEqual((row["unchanged"], row["balanced"]), (row["read"], True), row)
        self.assertEqual([(s["ok"], s["error"]) for s in self.read("status")["sources"]], [(True, None)] * 2)
        self.assertEqual(len(self.school.mails()), self.told, "nobody is told anything new")
        self.verify()

    @staticmethod
    def of(source, records):
        return {(source, record) for record in records}

    def passing(self, endpoint, kind, more):
        self.set_up_held()
        self.school.fault(endpoint, kind, **more)
        self.poll(SECOND_POLL)
        self.assertEqual(self.held(), self.known)
        for row in self.statement(SECOND_POLL).values():
            self.assertEqual((row["unchanged"], row["balanced"]), (row["read"], True), row)

    def test_the_mass_change_limit_is_lifted_once_by_a_person(self):
        self.set_up_held()
        self.school.fault("attendance/session", "vanish", percent=60)
        self.poll(SECOND_POLL, code=1)
        self.assertEqual(self.held(), self.known)
        self.poll("2025-11-21T18:10:00Z", "--allow-vanished", "mis")
        row = self.statement(self.now)["mis", "session-mark"]
        self.assertEqual(row["read"] + row["vanished"], self.school.ready["marks"])
        self.assertTrue(row["balanced"])
        self.school.no_faults()
        self.school.fault("attendance/session", "vanish", percent=90)
        before = self.pupil(self.sample)
        self.poll("2025-11-21T18:20:00Z", code=1)
        self.assertEqual(self.pupil(self.sample)["marks"], before["marks"])
        self.school.no_faults()
        self.poll(THIRD_POLL)
        row = self.statement(THIRD_POLL)["mis", "session-mark"]
        self.assertEqual((row["read"], row["balanced"]), (self.school.ready["marks"], True))
        self.assertEqual([m["raw"] for m in self.pupil(self.sample)["marks"]], [m["raw"] for m in self.known[2]])
        self.verify()

    def test_a_kind_that_is_switched_off_is_not_silently_balanced(self):
        text = self.config.read_text()
        self.config.write_text(text.replace("per_page = 200\n", "per_page = 200\nlesson_marks = true\n"))
        self.first_poll()
        held = self.statement(FIRST_POLL)["mis", "lesson-mark"]
        self.assertGreater(held["read"], 0)
        self.config.write_text(text)
        self.poll(SECOND_POLL)
        row = self.statement(SECOND_POLL)["mis", "lesson-mark"]
        self.assertEqual((row["read"], row["vanished"], row["not_read"], row["balanced"]), (0, 0, "switched-off", False))
        self.assertIn("not read: switched off", self.rollbook("statement", "--limit", 0).stdout)
        size = self.size()
        self.poll(THIRD_POLL)
        self.assertEqual(self.size(), size, "said in every statement, and an entry once")

    def test_a_source_whose_own_total_cannot_be_had_is_read_all_the_same(self):
        self.set_up_held()
        self.school.fault("counts", "status", status=404)
        self.poll(SECOND_POLL)
        row = self.statement(SECOND_POLL)["mis", "pupil"]
        self.assertEqual((row["unchanged"], row["source_total"], row["balanced"]), (self.pupils, None, True))

    def test_one_source_that_is_down_at_the_first_read_does_not_stop_the_other(self):
        self.school.fault("attendance/session", "status", status=500)
        self.init()
        self.poll(FIRST_POLL, code=1)
        self.assertEqual({k for k in self.statement(FIRST_POLL) if k[0] == "safeguarding"},
                         self.of("safeguarding", {"pupil", "concern", "involvement"}))
        self.school.no_faults()
        self.poll(SECOND_POLL)
        self.assertEqual(self.every_figure(), self.true_figures())
        live = {"left-during-day"}  # a safety rule: no baseline ever
        self.assertEqual({a["state"] for a in self.alerts() if a["rule"] not in live} - {"baseline"}, set())
        self.verify()

    def test_a_poll_of_one_source_reads_that_one_alone(self):
        self.set_up_held()
        self.poll(SECOND_POLL, "--source", "safeguarding")
        self.assertEqual({source for source, _ in self.statement(SECOND_POLL)}, {"safeguarding"})


def add(name, end_, run, endpoint, kind, more):
    def test(self):
        getattr(self, run)(endpoint, kind, more)
    setattr(Faults, f"test_{name.replace(' ', '_')}_{end_}", test)


for one in LASTING:
    add(one[0], "is_told_and_loses_nothing", "lasting", *one[1:])
for one in PASSING:
    add(one[0], "is_waited_for", "passing", *one[1:])

if __name__ == "__main__":
    main()
