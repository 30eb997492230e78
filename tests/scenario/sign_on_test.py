"""The pages behind a school's sign-on: a small proxy that asks its own users who they are and says so in a header, and
what others can do who say so themselves, past it or through it."""

import base64
import http.client
import json
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pages import Reader
from pages_test import PASSWORD, Pages
from support import main

HEADER = "X-Remote-User"


class Proxy(BaseHTTPRequestHandler):
    """Takes Basic authentication, as a sign-on that every client knows, and never a wrong password."""

    protocol_version = "HTTP/1.1"
    passes_on = ()  # headers of the client's own that a proxy should have deleted, and this one does not

    def do_GET(self):
        asked = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kept = [(k, v) for k, v in self.headers.items()
                if k.lower() not in ("host", "authorization", "connection", HEADER.lower(), "x-forwarded-for")]
        kept += [(HEADER, v) for name in self.passes_on for v in self.headers.get_all(name) or []]
        if said := self.headers.get("Authorization"):
            kept.append((HEADER, base64.b64decode(said.split()[1]).decode().split(":")[0]))
        link = http.client.HTTPConnection("127.0.0.1", self.server.behind, timeout=20)
        link.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in [("Host", self.headers["Host"]), ("X-Forwarded-For", self.client_address[0]), *kept]:
            link.putheader(name, value)
        link.endheaders(asked or None)
        answer = link.getresponse()
        body = answer.read()
        link.close()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_HEAD = do_GET

    def log_message(self, *_):
        pass


class SignedOn(Reader):
    """A browser that the sign-on knows as `name`; as nobody where there is none."""

    name = ""

    def ask(self, method, path, body=None, headers=None):
        sent = dict(headers or {})
        if self.name:
            sent["Authorization"] = "Basic " + base64.b64encode(f"{self.name}:x".encode()).decode()
        return super().ask(method, path, body, sent)


class BehindASignOn(Pages):
    def before_start(self):
        text = self.config.read_text()
        self.assertIn("[web]\n", text)
        self.config.write_text(text.replace(
            "[web]\n", f'[web]\nidentity_header = "{HEADER}"\nidentity_from = ["127.0.0.1"]\n'))
        return ""

    def setUp(self):
        super().setUp()
        self.proxy = ThreadingHTTPServer(("127.0.0.1", 0), type("OneProxy", (Proxy,), {}))
        self.proxy.daemon_threads = True
        self.proxy.behind = self.port
        threading.Thread(target=self.proxy.serve_forever, daemon=True).start()
        self.addCleanup(self.proxy.server_close)
        self.addCleanup(self.proxy.shutdown)

    def browser(self, name=""):
        one = SignedOn(f"http://127.0.0.1:{self.proxy.server_port}")
        one.name = name
        return one

    def of_the_log(self, event):
        return [line for line in self.log.read_text().splitlines() if event in line]

    def test_whom_the_sign_on_knows_reads_and_sends_forms_without_a_password_here(self):
        said = self.rollbook("user", "add", "ann", "--role", "dsl").stdout
        self.assertIn("Through the school's sign-on the account can be used as it is, under the name ann.", said)
        self.assertIn("by the school's sign-on", self.rollbook("user", "list").stdout)
        ann = self.browser("ann")
        home = ann.get("/")
        self.assertEqual((home.status, home.headers["Location"]), (303, "/today"))
        # The proxy speaks TLS outside, by [web] public_url.
        self.assertEqual(list(ann.cookies), ["__Host-rollbook_session"])
        self.assertIn("; Secure", home.headers["Set-Cookie"])
        page = ann.get("/today")
        self.assertIn("ann, dsl", page.text)
        self.assertIsNone(page.headers["Set-Cookie"])
        ref = json.loads(ann.get("/pupils.json").text)["pupils"][0]["pupil"]["ref"]
        mark = {"do": "marker", "kind": "handle-with-care", "text": "seen-by-police", "tell": "the-year-head",
                "review": time.strftime("%Y-12-31")}
        token = ann.get(f"/pupils/{ref}").hidden("form_token")
        self.assertEqual(ann.post(f"/pupils/{ref}", **mark, form_token="0" * 64).status, 403)
        self.assertEqual(ann.post(f"/pupils/{ref}", **mark, form_token=token).status, 303)
        seen = [e["payload"]["user"] for e in self.entries("--kind", "access") if e["pupil"] == ref]
        self.assertEqual(seen, ["ann"])
        self.assertEqual(ann.get("/login").headers["Location"], "/")
        # The sign-on's log-out is ours, whatever cookie the browser still has.
        ann.name = ""
        self.assertEqual(ann.get("/today").headers["Location"], "/login?next=%2Ftoday")
        ann.name = "ann"
        out = ann.post("/logout", form_token=ann.get("/today").hidden("form_token"))
        self.assertEqual(out.status, 200)
        self.assertIn("Log out at the school&apos;s sign-on too", out.text)
        self.rollbook("user", "remove", "ann")
        self.assertEqual(ann.get("/today").status, 403)

    def test_nobody_else_is_believed_and_the_log_says_so_once(self):
        self.rollbook("user", "add", "ann", "--role", "lead")
        past = self.reader()
        past.source = "127.0.0.9"  # past the proxy, and not from its address
        for _ in range(3):
            self.assertEqual(past.get("/today.json", **{HEADER: "ann"}).status, 401)
        self.assertEqual(len(self.of_the_log("identity_not_believed")), 1)
        self.assertIn(": 1 since", self.of_the_log("identity_not_believed")[0])
        # A proxy that writes its own header beside the client's is of no use to the client.
        kid = self.browser("kid77")
        self.assertEqual(kid.get("/today", **{HEADER: "ann"}).status, 403)
        self.proxy.RequestHandlerClass.passes_on = (HEADER,)
        answer = kid.get("/today", **{HEADER: "ann"})
        self.assertEqual(answer.status, 403)
        self.assertIn("Your account at the school is not known to Rollbook. Ask for an account.", answer.text)
        self.assertNotIn("kid77", answer.text)
        self.assertEqual(len(self.of_the_log("identity_not_known")), 1)
        for name in ("ann", "kid77"):
            self.assertNotRegex(self.log.read_text(), rf"\b{name}\b")
        self.proxy.RequestHandlerClass.passes_on = ()
        self.assertEqual(self.browser("ann").get("/today").status, 200)

    def test_who_logs_in_past_the_sign_on_stays_so_until_the_sign_on_names_somebody_else(self):
        said = self.rollbook("user", "add", "bob", "--role", "lead").stdout
        self.rollbook("user", "add", "ann", "--role", "office")
        both = self.browser()
        key = both.set_up("bob", re.search(r"^  ([A-Z0-9-]{29})$", said, re.M)[1], PASSWORD)
        self.assertEqual(both.log_in("bob", PASSWORD, key).status, 303)
        self.assertIn("bob, lead", both.get("/today").text)
        token = both.get("/today").hidden("form_token")
        both.name = "ann"
        self.assertIn("ann, office", both.get("/today").text)
        self.assertEqual(both.post("/logout", form_token=token).status, 403)
        both.name = ""
        self.assertEqual(both.get("/today").status, 303)

    def test_a_whole_school_comes_through_one_address(self):
        for name in ("ann", "bob"):
            self.rollbook("user", "add", name, "--role", "lead")
        with socket.create_connection(("127.0.0.1", self.port), 20) as link:
            asked = f"GET /healthz HTTP/1.1\r\nHost: a\r\n{HEADER}: ann\r\n\r\n".encode()
            sender = threading.Thread(target=link.sendall, args=(asked * 600,))
            sender.start()
            got = b""
            while b" 429 " not in got:
                got += link.recv(65536)
            sender.join(0)
        self.assertEqual(self.browser("bob").get("/healthz").status, 200)
        # More connections than one address may have, all of them open.
        held = []
        for _ in range(60):
            held.append(socket.create_connection(("127.0.0.1", self.port), 20))
            self.addCleanup(held[-1].close)
        for each in held:
            each.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Remote-User: bob\r\n\r\n")
        for each in held:
            self.assertTrue(each.recv(64).startswith(b"HTTP/1.1 200"))
        self.assertEqual(self.browser("bob").get("/metrics").status, 404)


if __name__ == "__main__":
    main()
