"""Messages reach their receiver though it fails, repeat under the same id, and are signed."""

import base64
import hashlib
import hmac
import json
import re
import socket

from support import ScenarioTest, main, text_of

LATER = "2025-11-21T17:05:00Z"
LATER_STILL = "2025-11-21T17:30:00Z"
ONE_DAY_LATER = "2025-11-22T17:30:00Z"


class Mail(ScenarioTest):
    def outbox(self):
        return self.read("status")["outbox"]

    def test_a_mail_server_that_is_down_fails_no_poll_and_gets_its_mail_later(self):
        good = self.config.read_text()
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers here
            port = unused.getsockname()[1]
            self.config.write_text(re.sub(r"smtp://127\.0\.0\.1:\d+", f"smtp://127.0.0.1:{port}", good))
            told = self.first_poll()
            self.assertIn("1 waiting", told.stdout)
            self.assertEqual(self.outbox(), {"waiting": 1, "failed": 0})
        self.config.write_text(good)
        self.poll(LATER)
        self.assertEqual(self.outbox(), {"waiting": 0, "failed": 0})
        mails = self.school.mails()
        self.assertEqual([m["headers"].get("X-Rollbook-Attempt") for m in mails], ["2"])
        self.poll(LATER_STILL)
        self.assertEqual(len(self.school.mails()), 1)
        self.verify()

    def test_a_first_try_carries_no_attempt_header(self):
        self.first_poll()
        self.assertEqual([m["headers"].get("X-Rollbook-Attempt") for m in self.school.mails()], [None])

    def test_a_receiver_that_asks_to_come_again_gets_it_again(self):
        self.school.fault("smtp", "greylist", times=2)
        self.first_poll()
        self.assertEqual((self.outbox(), self.school.mails()), ({"waiting": 1, "failed": 0}, []))
        self.poll(LATER)
        self.assertEqual((self.outbox(), self.school.mails()), ({"waiting": 1, "failed": 0}, []))
        self.poll(LATER_STILL)
        self.assertEqual(self.outbox(), {"waiting": 0, "failed": 0})
        self.assertEqual([m["headers"].get("X-Rollbook-Attempt") for m in self.school.mails()], ["3"])

    def test_a_connection_lost_before_the_mail_was_taken_is_tried_again(self):
        self.school.fault("smtp", "drop_before", times=1)
        self.first_poll()
        self.assertEqual((self.outbox(), self.school.mails()), ({"waiting": 1, "failed": 0}, []))
        self.poll(LATER)
        self.assertEqual(len(self.school.mails()), 1)

    def test_a_mail_taken_without_a_reply_is_repeated_under_its_id_and_says_so(self):
        self.school.fault("smtp", "drop_after", times=1)
        self.first_poll()
        self.assertEqual(self.outbox(), {"waiting": 1, "failed": 0})
        self.poll(LATER)
        self.assertEqual(self.outbox(), {"waiting": 0, "failed": 0})
        first, second = self.school.mails()
        self.assertEqual(first["message_id"], second["message_id"])
        self.assertEqual([m["headers"].get("X-Rollbook-Attempt") for m in (first, second)], [None, "2"])
        self.assertEqual(first["body"], second["body"])

    def troubles(self):
        return [each["text"] for each in self.read("status")["troubles"]
                if each["event"] == "messages_undelivered"]

    def test_a_mail_refused_fails_no_poll_is_a_trouble_and_comes_once_the_server_takes_it(self):
        self.school.fault("smtp", "reject")
        self.assertIn("message_waits", self.first_poll().stderr)
        self.assertEqual(self.outbox(), {"waiting": 1, "failed": 0})
        self.assertEqual(self.troubles(), ["route lead: messages that did not reach its reader: 1"])
        self.assertIn("TROUBLE: route lead", self.rollbook("status").stdout)
        self.poll(ONE_DAY_LATER)
        self.assertEqual((self.school.mails(), len(self.troubles())), ([], 1))
        self.school.no_faults()
        self.poll("2025-11-22T19:30:00Z")
        self.assertEqual([m["headers"].get("X-Rollbook-Attempt") for m in self.school.mails()], ["3"])
        self.assertEqual((self.outbox(), self.troubles()), ({"waiting": 0, "failed": 0}, []))

    def test_a_mail_given_up_stays_a_trouble_and_goes_out_after_a_test_that_the_route_passes(self):
        self.school.fault("smtp", "reject")
        self.first_poll()
        self.poll("2025-11-25T17:30:00Z")  # by then the data is stale, which is said once for each source
        self.assertEqual(self.outbox(), {"waiting": 2, "failed": 1})
        self.assertEqual(self.troubles(), ["route lead: messages that did not reach its reader: 3"])
        self.assertNotEqual(self.run_program("route", "test", "lead").returncode, 0)
        self.school.no_faults()
        self.poll("2025-11-25T19:30:00Z")
        self.assertEqual(self.outbox(), {"waiting": 0, "failed": 1})
        self.assertEqual(self.troubles(), ["route lead: messages that did not reach its reader: 1"])
        self.assertIn("go out again: 1", self.rollbook("route", "test", "lead").stdout)
        self.poll("2025-11-25T19:40:00Z")
        self.assertEqual(
            [m["headers"].get("X-Rollbook-Attempt") for m in self.school.mails()], ["2", "2", None, "3"])
        self.assertEqual((self.outbox(), self.troubles()), ({"waiting": 0, "failed": 0}, []))
        self.verify()

    def test_a_route_that_is_dead_is_told_of_over_another_without_a_word_of_the_pupil(self):
        (self.folder / "it").mkdir()
        route = '\n[[route]]\nname = "it"\nchannel = "file"\nrules = ["source-stale"]\n[route.settings]\nfolder = "it"\n'
        self.config.write_text(self.config.read_text() + route + '\n[operator]\nroute = "it"\n')
        self.first_poll()
        student, mornings = self.quiet_pupil(3)
        for day in mornings:
            self.school.amend(student, day, "AM", "L")
        self.school.fault("smtp", "reject")
        done = self.poll(LATER)
        self.assertIn("route_dead", done.stderr)
        self.poll(LATER_STILL)
        told = [json.loads(each.read_text()) for each in (self.folder / "it").iterdir()]
        self.assertEqual([each["type"] for each in told], ["operator.dead-route"])
        self.assertIn("rollbook alerts show", told[0]["data"]["text"])
        self.assertNotIn("P-", told[0]["data"]["text"])

    def test_a_mail_that_came_back_is_an_entry_and_told_over_another_route_once(self):
        (self.folder / "it").mkdir()
        (self.folder / "imap.secret").write_text("imap-secret\n")
        (self.folder / "imap.secret").chmod(0o600)
        box = f'imap_url = "imap://127.0.0.1:{self.school.ready["imap"]}", user = "rollbook", ' \
              'password = { file = "imap.secret" }'
        route = '\n[[route]]\nname = "it"\nchannel = "file"\nrules = ["source-stale"]\n[route.settings]\nfolder = "it"\n'
        text = self.config.read_text().replace(
            'from = "rollbook@', f'bounces = {{ {box} }}\nfrom = "rollbook@', 1)
        self.config.write_text(text + route + '\n[operator]\nroute = "it"\n')
        self.first_poll()
        self.school.fault("smtp", "bounce", times=1)
        student, mornings = self.quiet_pupil(3)
        for day in mornings:
            self.school.amend(student, day, "AM", "L")
        done = self.poll(LATER)
        self.assertIn("message_returned", done.stderr)
        self.assertIn("5.1.1", done.stderr)
        self.assertEqual(self.outbox(), {"waiting": 1, "failed": 1}, "the other route is told in its turn")
        back = [e["payload"] for e in self.entries("--kind", "delivery") if "returned" in e["payload"]]
        self.assertEqual([each["returned"] for each in back], ["5.1.1"])
        self.assertEqual(back[0]["alert"], self.alerts()[-1]["id"])
        self.poll(LATER_STILL)
        self.assertEqual(self.outbox(), {"waiting": 0, "failed": 1})
        told = [json.loads(each.read_text()) for each in (self.folder / "it").iterdir()]
        self.assertEqual([each["type"] for each in told], ["operator.dead-route"])
        self.assertIn("came back", told[0]["data"]["text"])
        again = [e for e in self.entries("--kind", "delivery") if "returned" in e["payload"]]
        self.assertEqual(len(again), 1, "the report still lies in the mailbox")
        self.assertIn("the mailbox of its bounces was reached", self.rollbook("check", "--online").stdout)
        (self.folder / "imap.secret").write_text("wrong\n")
        wrong = self.run_program("check", "--online")
        self.assertNotEqual(wrong.returncode, 0)
        self.assertIn("refuses the user", wrong.stdout + wrong.stderr)
        self.assertIn("bounces_unread", self.poll(ONE_DAY_LATER).stderr)
        self.verify()

    def test_a_route_says_no_more_of_an_alert_than_its_fields(self):
        self.config.write_text(self.config.read_text().replace(
            'disclose = "reference"', 'disclose = "reference"\nfields = ["stage"]', 1))
        self.first_poll()
        student, mornings = self.quiet_pupil(3)
        for day in mornings:
            self.school.amend(student, day, "AM", "L")
        self.poll(LATER)
        told = text_of(self.school.mails()[-1])
        self.assertIn("Stage: tutor.", told)
        self.assertNotIn("school days", told)
        self.assertNotIn("Why this counts", told)

    def test_a_mail_too_early_for_its_next_try_waits(self):
        self.school.fault("smtp", "greylist", times=1)
        self.first_poll()
        self.poll("2025-11-21T17:00:05Z")
        self.assertEqual((self.outbox(), self.school.mails()), ({"waiting": 1, "failed": 0}, []))

    def test_what_a_mail_discloses_is_a_reference(self):
        self.first_poll()
        student, mornings = self.quiet_pupil(3)
        for day in mornings:
            self.school.amend(student, day, "AM", "L")
        self.poll(LATER)
        mail = self.school.mails()[1]
        ref = self.pupil(f"mis:{student}")["ref"]
        self.assertIn(ref, mail["headers"]["Subject"])
        self.assertIn("SIMULATION", mail["headers"]["Subject"])
        self.assertIn("https://rollbook.example.sch.uk/alerts/", mail["body"])
        self.assertEqual((mail["from"], mail["to"]), ("rollbook@example.sch.uk", ["lead@example.sch.uk"]))
        delivered = [e["payload"] for e in self.entries("--kind", "delivery")]
        self.assertEqual([d["message_id"] for d in delivered], [m["message_id"] for m in self.school.mails()])


class Webhook(ScenarioTest):
    secret = hashlib.sha256(b"an invented secret").digest()

    def setUp(self):
        super().setUp()
        secret_file = self.folder / "webhook.secret"
        secret_file.write_text("whsec_" + base64.b64encode(self.secret).decode() + "\n")
        secret_file.chmod(0o600)
        route = f"""
[[route]]
name = "teams"
channel = "webhook"
rules = ["repeated-lateness"]
disclose = "reference"
[route.settings]
url = "{self.school.http}/hook/teams"
secret = {{ file = "webhook.secret" }}
"""
        text = self.config.read_text()
        at = text.index("\n[web]")
        self.config.write_text(text[:at] + route + text[at:])

    def check_signature(self, hook):
        """As the Standard Webhooks specification says, and independent of the program."""
        headers = {k.lower(): v for k, v in hook["headers"].items()}
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{hook['body']}".encode()
        made = base64.b64encode(hmac.new(self.secret, signed, hashlib.sha256).digest()).decode()
        self.assertIn(f"v1,{made}", headers["webhook-signature"].split(" "))
        self.assertRegex(headers["webhook-timestamp"], r"^\d{10}$")
        self.assertTrue(headers["content-type"].startswith("application/json"))
        return headers, json.loads(hook["body"])

    def test_a_webhook_is_signed_tells_once_and_names_nobody(self):
        self.first_poll()
        baseline = len(self.school.get("hooks"))
        self.assertLessEqual(baseline, 1)
        student, mornings = self.quiet_pupil(3)
        for day in mornings:
            self.school.amend(student, day, "AM", "L")
        self.poll(LATER)
        hooks = self.school.get("hooks")
        self.assertEqual(len(hooks), baseline + 1)
        for hook in hooks:
            self.check_signature(hook)
        headers, body = self.check_signature(hooks[-1])
        self.assertEqual((body["type"], body["data"]["rule"]), ("alert.opened", "repeated-lateness"))
        self.assertEqual(body["data"]["pupil"], self.pupil(f"mis:{student}")["ref"])
        self.assertNotIn("x-rollbook-attempt", headers)
        self.nothing_private_in([h["body"] for h in hooks], "a mail")
        self.poll(LATER_STILL)
        self.assertEqual(len(self.school.get("hooks")), len(hooks))

    def test_a_webhook_that_failed_is_repeated_under_its_id_and_says_so(self):
        self.first_poll()
        self.school.ask("DELETE", "hooks")
        self.school.fault("hook/teams", "status", status=503, times=1)
        student, mornings = self.quiet_pupil(3)
        for day in mornings:
            self.school.amend(student, day, "AM", "L")
        self.poll(LATER)
        self.assertEqual(self.read("status")["outbox"], {"waiting": 1, "failed": 0})
        self.poll(LATER_STILL)
        self.assertEqual(self.read("status")["outbox"], {"waiting": 0, "failed": 0})
        tries = [self.check_signature(h)[0] for h in self.school.get("hooks")]
        self.assertEqual(len({t["webhook-id"] for t in tries}), 1)
        self.assertEqual(tries[-1]["x-rollbook-attempt"], "2")
        self.assertEqual(len(self.school.mails()), 2, "the other route had its own, once")


class Notes(ScenarioTest):
    def setUp(self):
        super().setUp()
        route = """
[[route]]
name = "cpoms"
channel = "note"
rules = ["repeated-lateness"]
decisions = true
[route.settings]
source = "safeguarding"
"""
        text = self.config.read_text()
        at = text.index("\n[web]")
        self.config.write_text(text[:at] + route + text[at:])

    def late_pupil(self):
        """A pupil whom both systems know, late often enough."""
        known = {row["upn"]: row["id"] for row in self.school.safeguarding("students")}
        student, mornings = self.quiet_pupil(3)
        for day in mornings:
            self.school.amend(student, day, "AM", "L")
        return student, known[self.school.known_pupils[student]["upn"]]

    def tray(self):
        return self.school.get("tray")

    def test_what_is_decided_about_an_alert_is_written_back_once_for_the_pupil(self):
        self.first_poll()
        self.assertEqual(self.tray(), [], "what was crossed at the first read is no news for one pupil's record")
        student, there = self.late_pupil()
        self.poll(LATER)
        alert = [a for a in self.alerts() if a["state"] == "open"][-1]["id"]
        words = "Father rang: the bus is late & \"it\" goes on"
        self.rollbook("alerts", "ack", alert, "--by", "A Lead", now=LATER)
        self.rollbook("alerts", "act", alert, "--kind", "call", "--owner", "lead", "--due", "2025-11-28",
                      "--text", words, now=LATER)
        self.rollbook("alerts", "close", alert, "--outcome", "agreed", "--text", "New bus pass", now=LATER)
        self.rollbook("alerts", "close", alert, "--outcome", "agreed", "--text", "New bus pass", now=LATER)
        self.poll(LATER_STILL)
        items = self.tray()
        self.assertEqual({item["student_id"] for item in items}, {there})
        opened, acknowledged, call, closed = [item["text"] for item in items]
        self.assertIn("acknowledged, decided by A Lead", acknowledged)
        self.assertIn(words, call)
        self.assertIn("Due: 28 November 2025", call)
        self.assertIn("Outcome: agreed", closed)
        self.assertIn("New bus pass", closed)
        self.assertEqual(len({item["client_reference"] for item in items}), 4)
        self.poll("2025-11-21T18:30:00Z")
        self.assertEqual(len(self.tray()), 4)
        self.nothing_private_in([item["text"] for item in items], "a mail")
        self.verify()

    def test_a_note_whose_answer_was_lost_is_looked_for_and_not_written_again(self):
        self.first_poll()
        self.late_pupil()
        self.school.fault("safeguarding/tray/new", "truncated", times=1)
        self.poll(LATER)
        self.assertEqual((len(self.tray()), self.read("status")["outbox"]), (1, {"waiting": 0, "failed": 0}))
        self.school.fault("safeguarding/tray", "status", status=503, times=9)
        self.late_pupil()
        self.poll(LATER_STILL)
        self.assertEqual((len(self.tray()), self.read("status")["outbox"]["waiting"]), (1, 1))
        self.school.no_faults()
        self.poll(ONE_DAY_LATER)
        self.assertEqual((len(self.tray()), self.read("status")["outbox"]["waiting"]), (2, 0))

    def test_only_a_note_route_takes_decisions(self):
        self.config.write_text(self.config.read_text().replace("decisions = true", "").replace(
            'name = "lead"', 'name = "lead"\ndecisions = true', 1))
        wrong = self.run_program("check")
        self.assertEqual(wrong.returncode, 3)
        self.assertIn("decisions", wrong.stdout + wrong.stderr)


if __name__ == "__main__":
    main()
