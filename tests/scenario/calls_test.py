"""First-day calling over HTTP: who is to be called, what came of it, and that an answer stands the alarm down."""

import json
import re
import time

from pages_test import Pages
from support import main, wait_until

DAY = "2025-11-21"


class FirstDayCalls(Pages):
    pupils, days = 60, 5

    def before_start(self):
        self.now = f"{DAY}T10:00:00Z"
        students = sorted(self.school.known_pupils)
        self.child, self.missing = students[0], students[:44]
        for student in self.missing:
            self.school.amend(student, DAY, "AM", "N")
        upn = self.school.known_pupils[self.child]["upn"]
        (self.folder / "watchlist.csv").write_text(
            f"pupil,reason,tell,review\n{upn},a-class-of-reason,someone-to-tell,2025-12-19\n")
        text = self.config.read_text()
        self.config.write_text(text.replace("[rules]\n", '[rules]\nwatch_list = "watchlist.csv"\n', 1))
        return ""

    def calls(self, who):
        return {c["pupil"]["ref"]: c for c in json.loads(who.get("/calls.json").text)["calls"]}

    def press(self, who, row, outcome, **more):
        return who.post("/calls", form_token=self.token, outcome=outcome, **{f"pupil_{row['record']}": "on"}, **more)

    def test_an_answer_is_an_entry_takes_the_pupil_off_the_list_and_stands_the_alarm_down(self):
        office = self.somebody("office")
        self.token = office.get("/calls").hidden("form_token")
        ref = self.pupil(f"mis:{self.child}")["ref"]
        rows = list(self.calls(office).values())
        self.assertEqual([r["priority"] for r in rows].count(True), 1)
        self.assertEqual((rows[0]["pupil"]["ref"], rows[0]["priority_reason"]), (ref, None))
        alarm = [a for a in self.alerts() if a["rule"] == "missing-child" and a["pupil"]["ref"] == ref]
        self.assertEqual([a["state"] for a in alarm], ["open"])

        self.assertEqual(self.press(office, rows[0], "no-answer").headers["Location"], "/calls#next")
        mine = self.calls(office)[ref]
        self.assertEqual((mine["standing"], mine["attempts"], mine["second_due"]), ("waiting", 1, "10:30"))
        self.assertNotIn("a-class-of-reason", office.get("/calls").text)
        self.assertIn("a-class-of-reason", self.somebody("dsl").get("/calls").text)

        self.assertEqual(self.press(office, rows[0], "reached-explained", text="With the dentist.").status, 303)
        self.assertEqual(self.calls(office)[ref]["standing"], "known")
        wait_until(lambda: self.alerts_of(ref, "missing-child") == ["resolved"], "the standing down")
        said = [e["payload"] for e in self.entries("--kind", "action", "--pupil", ref)]
        self.assertEqual([(p["outcome"], p["user"], "alert" in p) for p in said],
                         [("no-answer", "office", False), ("reached-explained", "office", False)])
        self.assertIn("With the dentist.", office.get(f"/pupils/{ref}").text)
        self.verify()

    def alerts_of(self, ref, rule):
        return [a["state"] for a in self.alerts() if a["rule"] == rule and a["pupil"]["ref"] == ref]

    def test_forty_calls_are_pressed_row_by_row_in_seconds(self):
        lead = self.somebody("lead")
        page = lead.get("/calls")
        self.token, began, pressed = page.hidden("form_token"), time.monotonic(), 0
        while pressed < 40:
            row = page.text[page.text.index('id="next"'):]
            record = re.search(r'name="pupil_(\d+)"', row)[1]
            answer = self.press(lead, {"record": record}, ("no-answer", "message-left")[pressed % 2])
            self.assertEqual(answer.status, 303)
            page, pressed = lead.get("/calls"), pressed + 1
        took = time.monotonic() - began
        self.assertEqual(json.loads(lead.get("/calls.json").text)["counts"]["attempts"], 40)
        print(f"forty calls were recorded in {took:.1f} s of the machine's time")
        self.assertLess(took, 60)


if __name__ == "__main__":
    main()
