"""The pages, as HTTP: set-up, log-in, forms, known-at, JSON and CSV against the commands, bad requests, TLS, the end."""

import base64
import contextlib
import csv
import fcntl
import http.client
import io
import json
import os
import pty
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import termios
import time
from datetime import datetime, timezone
from pathlib import Path

from pages import Reader
from support import ROLLBOOK, ScenarioTest, end, main, wait_until

HERE = Path(__file__).resolve().parent
PASSWORD = "correct horse battery"


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Pages(ScenarioTest):
    pupils, days = 20, 15
    tls = ""  # the certificate to trust

    def setUp(self):
        super().setUp()
        self.vkey = self.init().stdout.split()[-1]
        self.port = free_port()
        added = self.before_start()
        text = self.config.read_text().replace("127.0.0.1:8480", f"127.0.0.1:{self.port}")
        self.config.write_text(text + added)
        self.log = self.folder / "daemon.log"
        with open(self.log, "w") as file:
            self.daemon = subprocess.Popen([ROLLBOOK, "run", "--config", str(self.config)], env=self.environment(),
                                           stdout=file, stderr=subprocess.STDOUT, cwd=self.folder)
        self.addCleanup(end, self.daemon)
        self.url = f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"
        wait_until(self.is_ready, "the pages' readiness")

    def before_start(self):
        return ""

    def reader(self):
        return Reader(self.url, self.tls or None)

    def is_ready(self):
        self.assertIsNone(self.daemon.poll(), self.log.read_text())
        try:
            # The command first: it takes its time, and an address that asks too often is refused.
            return all(s["last_success"] for s in self.read("status")["sources"]) and \
                self.read("status")["outbox"]["waiting"] == 0 and self.reader().get("/readyz").status == 200
        except OSError:
            return False

    def tearDown(self):
        end(self.daemon)
        self.said.append(self.log.read_text())
        super().tearDown()

    def somebody(self, role, name=None, *options):
        name = name or role
        made = self.rollbook("user", "add", name, "--role", role, *options).stdout
        code = re.search(r"^  ([A-Z0-9-]{29})$", made, re.M)[1]
        who = self.reader()
        key = who.set_up(name, code, PASSWORD)
        self.assertEqual(who.log_in(name, PASSWORD, key).status, 303)
        return who


    def bundle_is_sound(self, archive):
        """By tar(1), a witness that signs its checkpoint, and a checker that knows nothing of Rollbook."""
        taken = self.folder / "taken"
        taken.mkdir()
        subprocess.run(["tar", "-x", "-C", taken], input=archive, check=True)
        files = taken / "rollbook-ledger"
        checked = subprocess.run(["node", HERE / "check_export.js", files, self.vkey], capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        witness = Path(ROLLBOOK).resolve().parent / "rollbook-witness"
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([witness, "init", f"{folder}/w", "--name", "auditor.example/w"], check=True, capture_output=True)
            subprocess.run([witness, "add", self.vkey, "--dir", f"{folder}/w"], check=True, capture_output=True)
            asked = "old 0\n\n" + (files / "checkpoint").read_text()
            signed = subprocess.run([witness, "answer", "-", "--dir", f"{folder}/w"], input=asked, capture_output=True, text=True)
        self.assertEqual(signed.returncode, 0, signed.stderr)


class OverHttp(Pages):
    def test_a_lead_reads_an_alert_its_evidence_and_the_entry(self):
        lead = self.somebody("lead")
        alerts = json.loads(lead.get("/alerts.json?state=all").text)["alerts"] or \
            json.loads(lead.get("/baseline.json").text)["alerts"]
        told = {a["id"]: a for a in self.alerts()}
        self.assertTrue(alerts)
        for each in alerts:
            mine = told[each["id"]]
            self.assertEqual([each[k] for k in ("rule", "stage", "state", "value")],
                             [mine[k] for k in ("rule", "stage", "state", "value")])
            self.assertEqual(each["pupil"]["ref"], mine["pupil"]["ref"])
        one = alerts[0]
        page = json.loads(lead.get(f"/alerts/{one['id']}.json").text)
        self.assertEqual([e["entry"] for e in page["evidence"]], told[one["id"]]["evidence"])
        entry = page["evidence"][0]["entry"]
        self.assertIn(f'href="/entries/{entry}"', lead.get(f"/alerts/{one['id']}").text)
        shown = json.loads(lead.get(f"/entries/{entry}.json").text)
        self.assertEqual(shown["commitment"], self.read("ledger", "show", entry)["commitment"])
        self.assertEqual(lead.get(f"/proofs/{entry}").text, self.rollbook("ledger", "prove", entry).stdout)
        accesses = [e for e in self.entries("--kind", "access") if e["pupil"] == one["pupil"]["ref"]]
        self.assertEqual([e["payload"]["user"] for e in accesses], ["lead"])

    def test_a_pupils_figures_are_those_of_the_command_in_every_form(self):
        lead = self.somebody("lead")
        ref = json.loads(lead.get("/pupils.json").text)["pupils"][0]["pupil"]["ref"]
        mine, page = self.pupil(ref), json.loads(lead.get(f"/pupils/{ref}.json").text)
        for key in ("possible", "present", "authorised", "unauthorised", "late"):
            self.assertEqual(page["figures"][key], mine["figures"][key])
            self.assertIn(str(mine["figures"][key]), lead.get(f"/pupils/{ref}").text)
        rows = list(csv.DictReader(io.StringIO(lead.get(f"/pupils/{ref}.csv").text)))
        year = [m for m in mine["marks"] if m["date"] >= mine["figures"]["from"]]
        self.assertEqual([(r["Date"], r["Session"], r["Class"]) for r in reversed(rows)],
                         [(m["date"], m["session"], m["class"]) for m in year])

    def test_every_page_that_a_role_is_offered_is_there_in_every_form(self):
        for role in ("lead", "dsl", "auditor", "governor", "admin"):
            who = self.somebody(role)
            home = who.get(who.get("/").headers["Location"])
            self.assertEqual(home.status, 200)
            self.assertIn("SIMULATION", home.text)
            for path in re.findall(r'<li><a href="(/[a-z]+)"', home.text):
                for ending in ("", ".json", ".csv"):
                    answer = who.get(path + ending)
                    self.assertEqual(answer.status, 200, (role, path, ending))
                    self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])
                    if ending == ".json":
                        json.loads(answer.text)
                    elif not ending:
                        self.assertNotRegex(answer.text, r"<script|style=|\son\w+=")

    def test_the_dsl_marks_a_pupil_and_others_see_that_and_not_why(self):
        who = {role: self.somebody(role) for role in ("dsl", "lead", "office", "auditor")}
        ref = json.loads(who["lead"].get("/pupils.json").text)["pupils"][0]["pupil"]["ref"]
        path = f"/pupils/{ref}"

        def sent(role, **fields):
            token = who[role].get(path).hidden("form_token")
            return who[role].post(path, form_token=token, **fields).status

        mark = {"do": "marker", "kind": "handle-with-care", "text": "seen-by-police", "tell": "the-year-head",
                "review": time.strftime("%Y-12-31")}
        self.assertEqual(sent("lead", **mark), 403)
        self.assertEqual(sent("dsl", **{**mark, "kind": "gentle"}), 400)
        self.assertEqual(sent("dsl", **mark), 303)
        mine = who["dsl"].get(path).text
        for told in ("Handle with care", "seen-by-police", "the-year-head"):
            self.assertIn(told, mine)
        for role in ("lead", "office", "auditor"):
            for ending in ("", ".json", ".csv"):
                seen = who[role].get(path + ending).text
                for private in ("seen-by-police", "the-year-head"):
                    self.assertNotIn(private, seen)
            self.assertEqual(json.loads(who[role].get(path + ".json").text)["markers"],
                             [] if role == "auditor" else ["Handle with care"])
        marker = json.loads(who["dsl"].get(path + ".json").text)["marker_list"][0]["id"]
        self.assertEqual(who["lead"].get(f"/entries/{marker}").status, 404)
        self.assertEqual(who["dsl"].get(f"/entries/{marker}").status, 200)
        self.assertEqual(sent("dsl", do="end-marker", **{f"marker_{marker + 1}": "on"}), 404)
        self.assertEqual(sent("dsl", do="end-marker", **{f"marker_{marker}": "on"}), 303)
        self.assertEqual(json.loads(who["lead"].get(path + ".json").text)["markers"], [])

    def test_why_and_backtest_say_what_the_commands_say(self):
        lead = self.somebody("lead")
        ref = json.loads(lead.get("/pupils.json").text)["pupils"][0]["pupil"]["ref"]
        page = json.loads(lead.get(f"/rules/why.json?pupil={ref}").text)
        self.assertGreater(len(page["standings"]), 3)
        for each in page["standings"]:
            mine = self.read("rules", "why", "--rule", each["rule"], "--pupil", ref)
            mine.pop("pupil")
            self.assertEqual(each, mine)
        words = ("rules", "backtest", "--rule", "repeated-lateness", "--from", self.school.first_day, "--set", "at_least=1")
        told, = self.read(*words)
        stage = json.loads(lead.get("/rules/backtest.json?rule=repeated-lateness").text)["stages"][0]["name"]
        tried = json.loads(lead.get(f"/rules/backtest.json?rule=repeated-lateness&go=1&from={self.school.first_day}"
                                    f"&stage_{stage}=1").text)
        self.assertEqual((tried["already_changed"], tried["ended_changed"]), (told["already"], told["ended"]))
        counted = {(c["week_of"], c["stage"]): c["alerts_changed"] for c in tried["counts"] if c["alerts_changed"]}
        self.assertEqual(counted, {(w["week_of"], s): n for w in told["weeks"] for s, n in w["stages"].items()})

    def test_the_bundle_is_taken_by_a_witness_and_by_a_program_of_others(self):
        auditor = self.somebody("auditor")
        token = auditor.get("/ledger").hidden("form_token")
        self.assertEqual(auditor.post("/ledger/bundle", form_token="").status, 403)
        got = auditor.post("/ledger/bundle", form_token=token)
        self.assertEqual((got.status, got.headers["Content-Type"]), (200, "application/x-tar"))
        self.bundle_is_sound(got.body)
        taken = [e["payload"] for e in self.entries("--kind", "access") if e["payload"]["view"].startswith("export")]
        self.assertEqual([(a["user"], a["view"]) for a in taken], [("auditor", "export-openings")])
        # The same files as the command writes, of the same checkpoint and the later one's beginning.
        self.rollbook("ledger", "export", self.folder / "mine", "--openings", "--pseudonymous")
        folder = self.folder / "taken" / "rollbook-ledger"
        opened = [(f / "openings.ndjson").read_text().splitlines() for f in (folder, self.folder / "mine")]
        self.assertTrue(set(opened[0]) <= set(opened[1]))
        whole = [p.relative_to(folder) for p in (folder / "tile").rglob("*") if p.is_file() and ".p" not in str(p)]
        self.assertTrue(whole)
        for each in whole:
            self.assertEqual((folder / each).read_bytes(), (self.folder / "mine" / each).read_bytes())
        texts = [base64.b64decode(json.loads(line)["payload"]).decode() for line in opened[0]]
        self.assertTrue(any('"what":"session-mark"' in t for t in texts))
        for each in texts:
            self.assertFalse(any(f"{a} {b}" in each for a, b in self.school.full_names))
            self.assertEqual(set(re.findall(r"\w+", each)) & set(self.school.known_pupils), set())

    def test_a_bundle_is_not_for_governors_and_without_openings_for_others(self):
        lead = self.somebody("lead")
        got = lead.post("/ledger/bundle", form_token=lead.get("/ledger").hidden("form_token"))
        self.bundle_is_sound(got.body)
        self.assertFalse((self.folder / "taken" / "rollbook-ledger" / "openings.ndjson").exists())
        self.assertEqual(self.somebody("governor").post("/ledger/bundle", form_token="").status, 404)

    def test_verification_runs_beside_the_pages_and_says_how_it_ended(self):
        auditor = self.somebody("auditor")
        form = auditor.get("/ledger").hidden("form_token")
        self.assertEqual(auditor.post("/ledger/verify", form_token=form).status, 303)
        ended = wait_until(lambda: json.loads(auditor.get("/ledger.json").text)["verification"]["ended_at"] and
                           json.loads(auditor.get("/ledger.json").text)["verification"], "the verification", 60)
        self.assertTrue(ended["ok"], ended)
        self.assertIn("verified", auditor.get("/ledger").text)

    def test_bad_requests_are_refused_and_the_daemon_goes_on(self):
        def raw(text):
            with socket.create_connection(("127.0.0.1", self.port), 20) as link:
                got = b""
                # One that refuses at the first bytes may be gone before the last are sent.
                with contextlib.suppress(OSError):
                    link.sendall(text)
                    link.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionError):
                    while more := link.recv(65536):
                        got += more
            return int(got.split()[1]) if got else None

        host = b"\r\nHost: a\r\n\r\n"
        self.assertEqual(raw(b"GET /../etc/passwd HTTP/1.1" + host), 400)
        self.assertEqual(raw(b"GET /%2e%2e/etc/passwd HTTP/1.1" + host), 400)
        self.assertEqual(raw(b"GET /today HTTP/1.1\r\n\r\n"), 400)
        self.assertEqual(raw(b"DELETE /today HTTP/1.1" + host), 405)
        self.assertEqual(raw(b"nonsense\r\n\r\n"), 400)
        self.assertEqual(raw(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20000 + b"\r\n\r\n"), 431)
        self.assertEqual(raw(b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"), 413)
        self.assertEqual(raw(b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nContent-Length: 0\r\n\r\n"), 415)
        self.assertIn(raw(bytes(range(256)) * 4), (400, None))
        self.assertEqual(self.reader().get("/healthz").text, "ok\n")
        self.assertEqual(self.reader().ask("HEAD", "/login").body, b"")

    def test_silent_connections_do_not_keep_others_out_or_the_daemon_up(self):
        silent = [socket.create_connection(("127.0.0.1", self.port), 20) for _ in range(8)]
        for each in silent[:4]:
            each.sendall(b"GET / HTTP/1.1\r\nHost:")
        self.assertEqual(self.reader().get("/healthz").status, 200)
        began = time.monotonic()
        self.daemon.send_signal(signal.SIGTERM)
        self.assertEqual(self.daemon.wait(10), 0)
        self.assertLess(time.monotonic() - began, 3)
        for each in silent:
            each.close()

    def test_metrics_are_numbers_alone(self):
        text = self.reader().get("/metrics").text
        self.assertIn('rollbook_source_up{source="mis"} 1', text)
        self.assertRegex(text, r"(?m)^rollbook_ledger_entries \d+$")
        self.nothing_private_in([text], "the metrics")
        self.assertEqual(self.reader().get("/metrics", **{"X-Forwarded-For": "192.0.2.1"}).status, 404)

    def test_accounts_are_listed_reset_and_removed(self):
        who = self.somebody("lead", "ann")
        self.assertEqual(self.read("user", "list"), [{"name": "ann", "ready": True, "role": "lead"}])
        self.rollbook("user", "add", "ann", "--role", "dsl", code=2)
        self.rollbook("user", "add", "two words", "--role", "dsl", code=2)
        self.rollbook("user", "add", "ben", "--role", "king", code=2)
        self.assertEqual(who.get("/today").status, 200)
        self.rollbook("user", "reset", "ann")
        self.assertEqual(who.get("/today").status, 303)
        self.rollbook("user", "remove", "ann")
        self.assertEqual(self.read("user", "list"), [])
        self.rollbook("user", "remove", "ann", code=1)

    def test_a_pastoral_account_sees_the_pupils_of_its_scope_and_each_change_is_an_entry(self):
        lead = self.somebody("lead")
        everybody = [p["pupil"] for p in json.loads(lead.get("/pupils.json").text)["pupils"]]
        year = everybody[0]["year"]
        mine = {p["ref"] for p in everybody if p["year"] == year}
        self.assertLess(len(mine), len(everybody))
        who = self.somebody("pastoral", "pat")
        self.assertIn("You see no pupil yet.", who.get("/today").text)
        self.assertEqual(json.loads(who.get("/pupils.json").text)["pupils"], [])
        self.rollbook("user", "alter", "pat", "--scope", "house=red", code=2)
        self.rollbook("user", "alter", "pat", "--scope", f"year={year}")
        self.assertEqual(who.get("/today").status, 303)
        who = self.somebody("pastoral", "kim", "--scope", f"year={year}")
        self.assertEqual({p["pupil"]["ref"] for p in json.loads(who.get("/pupils.json").text)["pupils"]}, mine)
        for each in json.loads(who.get("/alerts.json?state=all").text)["alerts"]:
            self.assertIn(each["pupil"]["ref"], mine)
        for each in everybody:
            self.assertEqual(who.get(f"/pupils/{each['ref']}").status, 200 if each["ref"] in mine else 404)
        self.assertEqual(who.get("/ledger").status, 404)
        said = [e["payload"]["value"] for e in self.entries("--kind", "settings") if e["payload"]["name"] == "account/pat"]
        self.assertEqual([(v["role"], v["scope"], v["state"]) for v in said],
                         [("pastoral", "", "standing"), ("pastoral", f"year={year}", "standing")])
        self.assertEqual([a["scope"] for a in self.read("user", "list") if a["name"] == "kim"], [f"year={year}"])

    def test_an_auditor_sees_by_name_whom_the_safeguarding_lead_opens_until_the_engagement_is_over(self):
        auditor = self.somebody("auditor", "aud", "--person", "A Trust Auditor", "--body", "The Trust", "--purpose",
                                "Attendance review", "--to", "2099-01-01")
        one = json.loads(self.somebody("lead").get("/pupils.json").text)["pupils"][0]["pupil"]
        page = f"/pupils/{one['ref']}"
        self.assertNotIn(one["name"], auditor.get(page).text)
        dsl = self.somebody("dsl")
        token = dsl.get(page).hidden("form_token")
        asked = {"form_token": token, "do": "open-pupil", "account": "aud", "text": "A plan is looked at."}
        self.assertEqual(dsl.post(page, **asked).status, 303)
        self.assertEqual(dsl.post(page, **{**asked, "account": "lead"}).status, 400)
        self.assertIn(one["name"], auditor.get(page).text)
        self.rollbook("user", "close", "aud", "--pupil", one["ref"], "--by", "dsl")
        self.assertNotIn(one["name"], auditor.get(page).text)
        self.rollbook("user", "open", "aud", "--pupil", one["ref"], "--by", "dsl", "--reason", "Once more.")
        self.assertIn(one["name"], auditor.get(page).text)
        self.rollbook("user", "alter", "aud", "--to", "2000-01-01", code=2)
        self.rollbook("user", "alter", "aud", "--from", "2000-01-01", "--to", "2000-01-02")
        self.assertEqual(auditor.get(page).status, 303)
        states = [(e["payload"]["value"]["state"], e["pupil"]) for e in self.entries("--kind", "settings")
                  if e["payload"]["name"].startswith("opened/aud/")]
        self.assertEqual(states, [(s, one["ref"]) for s in ("standing", "ended", "standing", "ended")])
        self.rollbook("user", "open", "aud", "--pupil", one["ref"], "--by", "dsl", "--reason", "Too late.", code=1)
        self.verify()

    def test_who_leaves_hands_what_is_to_be_done_to_somebody(self):
        lead = self.somebody("lead", "ann")
        alert = (json.loads(lead.get("/alerts.json").text)["alerts"] or json.loads(lead.get("/baseline.json").text)["alerts"])[0]
        page = f"/alerts/{alert['id']}"
        token = lead.get(page).hidden("form_token")
        self.assertEqual(lead.post(page, form_token=token, do="act", action="meeting", owner="ann", text="With home.").status, 303)
        refused = self.rollbook("user", "remove", "ann", code=2)
        self.assertIn("--hand-over", refused.stderr)
        self.assertEqual(lead.get("/today").status, 200)
        self.rollbook("user", "remove", "ann", "--hand-over", "ben")
        self.assertEqual(lead.get("/today").status, 303)
        actions = [e["payload"] for e in self.entries("--kind", "action")]
        self.assertEqual([(a["owner"], a["state"], a["text"]) for a in actions],
                         [("ann", "open", "With home."), ("ben", "open", "With home.")])
        self.verify()

    def test_pages_stay_through_a_reload(self):
        who = self.somebody("lead")
        self.daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: "reloaded" in self.log.read_text(), "the reload")
        self.assertEqual(who.get("/today").status, 200)
        self.assertNotIn("listening_kept", self.log.read_text())

    def test_another_address_in_a_reload_is_said_to_wait_for_a_restart(self):
        who = self.somebody("lead")
        self.config.write_text(self.config.read_text().replace(f'listen = "127.0.0.1:{self.port}"', 'listen = "127.0.0.1:1"'))
        self.daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: "reloaded" in self.log.read_text(), "the reload")
        self.assertIn("the pages stay where they are until Rollbook starts again", self.log.read_text())
        self.assertEqual(who.get("/today").status, 200)


class OverTls(Pages):
    def before_start(self):
        self.now = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"  # the certificate's own time
        self.certify("tls", days=400)
        self.tls = str(self.folder / "tls.pem")
        return f'\n[web.tls]\ncertificate = "tls.pem"\nprivate_key = {{ file = "tls.key" }}\n'

    def certify(self, name, days):
        key = self.folder / f"{name}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", key, "-out", self.folder / f"{name}.pem", "-days", str(days), "-subj", "/CN=127.0.0.1",
                        "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        key.chmod(0o600)

    def served(self):
        return ssl.get_server_certificate(("127.0.0.1", self.port))

    def reload(self):
        self.daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: "reloaded" in self.log.read_text(), "the reload")

    def test_a_certificate_that_was_renewed_is_served_after_a_reload_and_no_session_ends(self):
        lead = self.somebody("lead")
        before = self.served()
        self.certify("tls", days=300)
        self.assertEqual(self.served(), before)
        self.reload()
        self.assertEqual(self.served(), (self.folder / "tls.pem").read_text())
        lead.trusts = ssl.create_default_context(cafile=self.tls)
        self.assertEqual(lead.get("/today").status, 200)

    def test_a_certificate_without_its_key_leaves_the_one_before_served_and_judged(self):
        before = self.served()
        self.certify("other", days=2)
        (self.folder / "other.pem").rename(self.folder / "tls.pem")
        self.reload()
        self.assertEqual(self.served(), before)
        self.assertIn("certificate_kept", self.log.read_text())
        self.assertNotIn("expires_soon", self.log.read_text())

    def test_pages_come_by_tls_with_cookies_for_it_alone(self):
        lead = self.somebody("lead")
        self.assertEqual(lead.get("/today").status, 200)
        self.assertTrue(all(name.startswith("__Host-") for name in lead.cookies), lead.cookies)
        self.assertIn("max-age", lead.get("/today").headers["Strict-Transport-Security"])
        with self.assertRaises((OSError, http.client.HTTPException)):
            Reader(f"http://127.0.0.1:{self.port}").get("/healthz")

    def test_a_private_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(self):
        end(self.daemon)
        key, plain = self.folder / "tls.key", self.folder / "plain.key"
        key.rename(plain)
        subprocess.run(["openssl", "pkey", "-in", plain, "-aes256", "-passout", "pass:word", "-out", key], check=True)
        # A terminal of its own: a library that asks does it there, whatever became of input and output.
        ours, its = pty.openpty()
        self.addCleanup(os.close, ours)
        with open(self.log, "w") as file:
            self.daemon = subprocess.Popen(
                [ROLLBOOK, "run", "--config", str(self.config)], env=self.environment(), cwd=self.folder, stdin=its,
                stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            )
        os.close(its)
        self.addCleanup(end, self.daemon)
        # Without pages it reads and tells on.
        wait_until(lambda: "daemon_ready" in self.log.read_text(), "the daemon's readiness")
        self.assertIn("without a passphrase", self.log.read_text())


if __name__ == "__main__":
    main()
