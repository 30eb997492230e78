"""A client that means harm: spoilt requests, forged cookies and forms, floods, slow and broken connections. Nothing is
told that should not be, the daemon stays up, and others are answered all the while.

With HOSTILE_SECONDS=N it goes on for that long, and says how many requests it made."""

import os
import random
import select
import socket
import threading
import time

from pages_test import Pages
from support import main, wait_until

SECONDS = float(os.environ.get("HOSTILE_SECONDS", "6"))
PATHS = ["/", "/today", "/calls", "/alerts", "/alerts/7", "/baseline", "/pupils", "/pupils/P-1", "/findings", "/groups",
         "/reports", "/reports/no-reason", "/reports/case-file?pupil=P-1", "/statements", "/sources", "/rules", "/ledger",
         "/entries/0", "/proofs/0", "/accounts", "/login", "/setup", "/logout", "/ledger/verify", "/metrics", "/healthz"]
ODD = [b"\0", b"\r\n", b"\n", b"%00", b"%2e%2e/", b"../", b"\xff\xfe", b"'\"><script>", b"{{{body}}}", b"%", b"&" * 50,
       b"=" * 20, b"A" * 9000, b"\r\nX: y", b"/" * 40, b"?", b"#", b";", b"\x7f", b".json", b".xlsx", b"-1", b"9" * 30]


class HostileClient(Pages):
    pupils, days = 20, 5

    def request(self, dice):
        path = dice.choice(PATHS).encode()
        method = dice.choice([b"GET"] * 6 + [b"POST"] * 4 + [b"HEAD", b"PUT", b"TRACE", b"get", b""])
        body = b""
        if method == b"POST":
            body = b"form_token=" + b"%064x" % dice.getrandbits(256) + b"&do=close&outcome=no-answer&pupil_1=on&name=lead"
        headers = [b"Host: 127.0.0.1", b"Cookie: rollbook_session=%064x; rollbook_form=%064x" % (dice.getrandbits(256),
                                                                                              dice.getrandbits(256))]
        if body:
            headers += [b"Content-Type: application/x-www-form-urlencoded", b"Content-Length: %d" % len(body)]
        text = bytearray(method + b" " + path + b" HTTP/1.1\r\n" + b"\r\n".join(headers) + b"\r\n\r\n" + body)
        for _ in range(dice.randrange(4)):
            at = dice.randrange(len(text))
            kind = dice.randrange(4)
            if kind == 0:
                text[at:at] = dice.choice(ODD)
            elif kind == 1:
                del text[at:at + dice.randrange(1, 30)]
            elif kind == 2:
                text[at] = dice.randrange(256)
            else:
                text[at:at] = text[dice.randrange(len(text)):][:200]
            text = text or bytearray(b"\r\n")
        return bytes(text)

    def attack(self, seed, until, told):
        dice = random.Random(seed)
        while time.monotonic() < until:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 5) as link:
                    link.settimeout(0.5)
                    for _ in range(dice.randrange(1, 6)):
                        link.sendall(self.request(dice))
                        told["requests"] += 1
                        if dice.random() < 0.15:
                            break  # and hangs up without a word
                        got = link.recv(1 << 16)
                        if not got:
                            break
                        told["answers"] += 1
                        if any(f"{a} {b}".encode() in got for a, b in self.school.full_names):
                            told["names"] += 1
            except OSError:
                told["broken"] += 1

    def test_harm_is_refused_and_others_are_answered(self):
        lead = self.somebody("lead")
        before = self.size()
        told = dict.fromkeys(("requests", "answers", "names", "broken"), 0)
        until = time.monotonic() + SECONDS
        attackers = [threading.Thread(target=self.attack, args=(seed, until, told)) for seed in range(4)]
        for each in attackers:
            each.start()
        slowest, asked, kept = 0, 0, time.monotonic()
        while time.monotonic() < until:
            began = time.monotonic()
            # The same address as the attackers': it may be told to wait, and is answered all the same.
            self.assertIn(lead.get("/healthz").status, (200, 429))
            slowest, asked = max(slowest, time.monotonic() - began), asked + 1
            if time.monotonic() - kept > 300:  # a session ends when nobody uses it for half an hour
                lead.get("/rules")
                kept = time.monotonic()
            select.select([], [], [], 0.05)
        for each in attackers:
            each.join()
        self.assertIsNone(self.daemon.poll(), "the daemon is gone")
        self.assertEqual(told["names"], 0)
        self.assertGreater(told["answers"], 0)
        self.assertLess(slowest, 2)
        print(f"{told['requests']} hostile requests, {told['answers']} answers; others waited {slowest * 1000:.0f} ms at most")
        wait_until(lambda: lead.get("/today").status == 200, "the allowance of the address to come back")
        self.assertEqual(self.size(), before, "a stranger's request became an entry")
        self.verify()


if __name__ == "__main__":
    main()
