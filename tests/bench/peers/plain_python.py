"""The same job as a good afternoon's script would do it, with Python's standard library alone: pages a year of marks from
the simulated MIS, compares each with what is held, appends what differs to a hash-chained ledger in SQLite, and counts
lateness. A peer to measure Rollbook against, so it is written to be fast where plain Python can be: one kept connection,
C JSON, dictionaries for comparing, executemany in transactions of 1,000, the same SQLite settings (WAL, FULL).

It does less than Rollbook: no tree and no proofs, no commitments that can be erased, no entry with when it was learned, no
retirement of what vanished, no findings, one rule, no message.

    plain_python.py URL TOKENFILE DATABASE [SCHOOL_DAYS_OF_WINDOW THRESHOLD]
"""

import hashlib
import http.client
import json
import sqlite3
import sys
import time
from collections import defaultdict
from urllib.parse import urlsplit

BATCH = 1_000


def pages(url, token):
    """Every page's rows, by the source's own links."""
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.hostname, parts.port)
    while url:
        parts = urlsplit(url)
        line.request("GET", f"{parts.path}?{parts.query}", headers={"Authorization": "Bearer " + token})
        answer = line.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"status {answer.status}")
        read = json.loads(body)
        yield read["data"]
        url = read.get("meta", {}).get("pagination", {}).get("next")


def codes(url, token):
    """The school's codes: id to code. The address of the marks gives that of the code list."""
    found = {}
    for rows in pages(url.split("/attendance/")[0] + "/attendance-codes?per_page=200", token):
        for row in rows:
            found[row["id"]] = row["code"]
    return found


def open_ledger(path):
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript("""
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        CREATE TABLE IF NOT EXISTS entry (number INTEGER PRIMARY KEY, hash BLOB NOT NULL, payload TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS mark (pupil TEXT, day TEXT, session TEXT, code TEXT NOT NULL, digest BLOB NOT NULL,
                                         PRIMARY KEY (day, session, pupil)) WITHOUT ROWID;
    """)
    return db


class Ledger:
    def __init__(self, db):
        self.db = db
        last = db.execute("SELECT number, hash FROM entry ORDER BY number DESC LIMIT 1").fetchone()
        self.number, self.hash = last if last else (0, bytes(32))
        self.held = {(pupil, day, session): digest
                     for pupil, day, session, digest in db.execute("SELECT pupil, day, session, digest FROM mark")}
        self.entries, self.marks = [], []

    def take(self, key, code, row):
        payload = json.dumps(row, sort_keys=True, separators=(",", ":"))
        digest = hashlib.blake2b(payload.encode(), digest_size=8).digest()
        if self.held.get(key) == digest:
            return
        self.held[key] = digest
        self.number += 1
        self.hash = hashlib.sha256(self.hash + payload.encode()).digest()
        self.entries.append((self.number, self.hash, payload))
        self.marks.append((*key, code, digest))
        if len(self.entries) >= BATCH:
            self.store()

    def store(self):
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany("INSERT INTO entry VALUES (?, ?, ?)", self.entries)
        self.db.executemany("INSERT OR REPLACE INTO mark VALUES (?, ?, ?, ?, ?)", self.marks)
        self.db.execute("COMMIT")
        self.entries, self.marks = [], []


def repeated_lateness(db, window, threshold):
    """Pupils late in that many sessions of the last `window` school days."""
    days = [day for day, in db.execute("SELECT DISTINCT day FROM mark ORDER BY day DESC LIMIT ?", (window,))]
    late = defaultdict(int)
    for pupil, in db.execute("SELECT pupil FROM mark WHERE day >= ? AND code IN ('L', 'U')", (days[-1],)):
        late[pupil] += 1
    return sum(count >= threshold for count in late.values())


def main():
    url, token_file, path = sys.argv[1:4]
    window, threshold = (int(word) for word in sys.argv[4:6]) if len(sys.argv) > 4 else (10, 3)
    token = open(token_file, encoding="ascii").readline().strip()
    began = time.perf_counter()
    ledger = Ledger(open_ledger(path))
    before, seen, code_of = ledger.number, 0, codes(url, token)
    for rows in pages(url, token):
        for row in rows:
            code = code_of.get(row["attendance_code"], "?")
            ledger.take((row["student"], row["date"]["date"][:10], row["session"]), code, row)
        seen += len(rows)
    ledger.store()
    late = repeated_lateness(ledger.db, window, threshold)
    seconds = time.perf_counter() - began
    print(f"{seen} marks read, {ledger.number - before} entries, {late} pupils late; {seconds:.2f} s, {seen / seconds:.0f} marks/s")


if __name__ == "__main__":
    main()
