"""The page where the dsl adds an export file by hand: sent as a browser sends it to the real daemon, looked through
masked, added or thrown away, and found in the ledger."""

import http.client
import json
import re
import select
import socket
import time

import report_test
from pages_test import Pages
from report_test import MAPPING, SECRET, xlsx
from support import main, wait_until

EDGE = "----WebKitFormBoundaryx7f"
FOLDER = ('[[source]]\nname = "cpoms"\nrole = "safeguarding"\nconnector = "report"\npoll_every = "1h"\n'
          '[source.settings]\nfolder = "exports"\nmapping = "cpoms-mapping.toml"\n\n')


def form(token, content, source="cpoms"):
    def part(headers, value):
        return f"--{EDGE}\r\nContent-Disposition: form-data; {headers}\r\n\r\n".encode() + value + b"\r\n"

    return (part('name="form_token"', token.encode()) + part('name="source"', source.encode()) +
            part('name="file"; filename="C:\\Ana Ahmed.csv"\r\nContent-Type: text/csv', content) +
            f"--{EDGE}--\r\n".encode())


class AddExport(Pages):
    row, csv, left = (getattr(report_test.ReportFolder, name) for name in ("row", "csv", "left"))

    def before_start(self):
        self.exports = self.folder / "exports"
        self.exports.mkdir()
        text = self.config.read_text()
        self.config.write_text(re.sub(r'\[\[source\]\]\nname = "safeguarding".*?(?=\[rules\])', FOLDER, text, flags=re.S))
        (self.folder / "cpoms-mapping.toml").write_text(MAPPING)
        self.upns = sorted(p["upn"] for p in self.school.known_pupils.values() if p["upn"])
        return ""

    def send(self, who, content, **more):
        token = who.get("/exports").hidden("form_token")
        return who.ask("POST", "/exports", form(token, content, **more),
                       {"Content-Type": f"multipart/form-data; boundary={EDGE}"})

    def decide(self, who, what):
        page = who.get("/exports")
        return who.post("/exports", form_token=page.hidden("form_token"), key=page.hidden("key"), do=what)

    def waiting(self, who):
        return json.loads(who.get("/exports.json").text)["waiting"]

    def held(self):
        folder = self.folder / "uploads"
        return [p for p in folder.rglob("*") if p.is_file()] if folder.exists() else []

    def concerns(self):
        return [e for e in self.entries() if e["what"] == "concern"]

    def test_an_export_is_shown_masked_and_read_only_once_it_is_added(self):
        dsl = self.somebody("dsl")
        content = self.csv([self.row(1), self.row(2, 1, pupil_upn="1.23457E+12"), self.row(3, 2)]).encode()
        self.assertEqual(self.send(dsl, content).status, 303)
        found = self.waiting(dsl)
        self.assertEqual((found["rows"], found["rows_mapped"], found["rows_aside"]), (3, 2, 1))
        self.assertEqual([a["row"] for a in found["aside"]], [2])
        shown = dsl.get("/exports").text + dsl.get("/exports.csv").text + json.dumps(found)
        for hidden in [*self.upns[:3], SECRET, "Okoro", "INC-001", "Ana Ahmed"]:
            self.assertNotIn(hidden, shown)
        self.assertIn("X999999999999", shown)
        self.assertEqual((len(self.held()), self.left(), self.concerns()), (1, [], []))

        self.assertEqual(self.decide(dsl, "add").status, 303)
        wait_until(lambda: len(self.concerns()) == 2, "the added file to be read")
        self.assertEqual((self.held(), self.left()), ([], []))
        seen = [e for e in self.entries("--kind", "access") if e["payload"].get("view") == "add-export cpoms"]
        self.assertEqual([e["payload"]["user"] for e in seen], ["dsl"])

        # The same bytes again say nothing new.
        self.assertEqual(self.send(dsl, content).status, 303)
        self.assertTrue(self.waiting(dsl)["was_read_before"])
        self.assertNotIn('value="add"', dsl.get("/exports").text)
        self.assertEqual(self.decide(dsl, "add").status, 400)
        self.assertEqual(self.decide(dsl, "discard").status, 303)
        self.assertEqual((self.held(), self.left(), len(self.concerns())), ([], [], 2))
        self.verify()

    def test_a_file_that_cannot_be_read_is_said_and_nothing_of_it_stays(self):
        dsl = self.somebody("dsl")
        for content, told in ((b"some,other,headings\n1,2,3\n", "no column"), (xlsx([self.row(1)]), ""),
                              (self.csv([self.row(1)]).encode()[:-40] + b'"', "")):
            self.assertEqual(self.send(dsl, content).status, 303)
            found = self.waiting(dsl)
            self.assertFalse(found["can_be_added"])
            self.assertIn(told, found["why"])
            self.assertEqual(self.decide(dsl, "discard").status, 303)
        self.assertEqual((self.held(), self.left(), self.concerns()), ([], [], []))

    def test_only_the_dsl_s_form_is_taken_and_too_long_broken_and_slow_ones_harm_nobody(self):
        dsl, lead = self.somebody("dsl"), self.somebody("lead")
        content = self.csv([self.row(1)]).encode()
        multipart = {"Content-Type": f"multipart/form-data; boundary={EDGE}"}
        self.assertEqual(lead.ask("POST", "/exports", form("0" * 64, content), multipart).status, 404)
        self.assertEqual(self.reader().ask("POST", "/exports", form("0" * 64, content), multipart).status, 401)
        self.assertEqual(dsl.ask("POST", "/exports", form("0" * 64, content), multipart).status, 403)
        self.assertEqual(dsl.ask("POST", "/alerts/7", form("0" * 64, content), multipart).status, 415)
        token = dsl.get("/exports").hidden("form_token")
        for body in (b"", b"--" + EDGE.encode(), form(token, content)[:-30], form(token, b"")):
            self.assertEqual(dsl.ask("POST", "/exports", body, multipart).status, 400)

        # Longer than is taken: said at once where the length is told, and at the limit where it is not.
        cookies = "; ".join(f"{k}={v}" for k, v in dsl.cookies.items())
        head = {**multipart, "Cookie": cookies}
        long = form(token, b"x" * (65 << 20))
        self.assertEqual(dsl.ask("POST", "/exports", long, multipart).status, 413)
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        link.request("POST", "/exports", (long[at:at + (1 << 20)] for at in range(0, len(long), 1 << 20)), head,
                     encode_chunked=True)
        self.assertEqual(link.getresponse().status, 413)
        link.close()

        # One that comes slowly: others are answered meanwhile, a second file is told to wait, and the first is taken.
        body = form(token, content)
        with socket.create_connection(("127.0.0.1", self.port), 20) as slow:
            lines = ["POST /exports HTTP/1.1", "Host: 127.0.0.1", f"Cookie: {cookies}",
                     f"Content-Type: {multipart['Content-Type']}", f"Content-Length: {len(body)}", "Expect: 100-continue"]
            slow.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            self.assertTrue(slow.recv(100).startswith(b"HTTP/1.1 100 "))
            slow.sendall(body[:700])
            wait_until(lambda: dsl.ask("POST", "/exports", body, multipart).status == 503, "the first to be under way")
            began = time.monotonic()
            self.assertEqual(lead.get("/today").status, 200)
            self.assertLess(time.monotonic() - began, 5)
            for at in range(700, len(body), 50):
                slow.sendall(body[at:at + 50])
                select.select([], [], [], 0.01)
            self.assertTrue(slow.recv(100).startswith(b"HTTP/1.1 303 "))
        self.assertEqual(self.waiting(dsl)["rows"], 1)
        self.assertEqual(self.decide(dsl, "discard").status, 303)
        self.assertEqual((self.held(), self.left(), self.concerns()), ([], [], []))

    def test_a_large_export_does_not_grow_the_daemon_by_its_size(self):
        dsl = self.somebody("dsl")
        # The column that is not mapped makes it large, as the texts of real exports do.
        rows = [self.row(i, i % len(self.upns), text=f"{SECRET} " * 150) for i in range(6_000)]
        content = self.csv(rows).encode()
        self.assertGreater(len(content), 40 << 20)

        def peak():
            return int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{self.daemon.pid}/status").read())[1]) // 1024

        before = peak()
        self.assertEqual(self.send(dsl, content).status, 303)
        self.assertEqual(self.waiting(dsl)["rows"], 6_000)
        self.assertEqual(self.decide(dsl, "discard").status, 303)
        grown = peak() - before
        print(f"an export of {len(content) >> 20} MB took {grown} MB more at the peak")
        self.assertLess(grown, 20)


if __name__ == "__main__":
    main()
