"""What an auditor can check without this program, and what tampering the program itself must find."""

import base64
import hashlib
import json
import shutil
import sqlite3
import subprocess
from datetime import datetime, timezone

from support import FIRST_POLL, SECOND_POLL, ScenarioTest, main

ED25519_PEM_PREFIX = bytes.fromhex("302a300506032b6570032100")  # RFC 8410: SubjectPublicKeyInfo of an Ed25519 key


def openssl(*words, stdin=b""):
    return subprocess.run(["openssl", *words], input=stdin, capture_output=True, timeout=30)


class WithoutRollbook(ScenarioTest):
    pupils, days = 20, 10

    def setUp(self):
        super().setUp()
        vkey = self.init().stdout.split()[-1]
        self.poll(FIRST_POLL)
        self.database = sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True)
        self.addCleanup(self.database.close)
        self.origin, self.key_id, key = vkey.split("+", 2)
        self.key = base64.b64decode(key)
        self.entry_5 = next(e for e in self.entries() if e["index"] == 5)

    def is_signature_good(self, text, signature):
        pem = base64.encodebytes(ED25519_PEM_PREFIX + self.key[1:]).decode()
        (self.folder / "key.pem").write_text(f"-----BEGIN PUBLIC KEY-----\n{pem}-----END PUBLIC KEY-----\n")
        (self.folder / "text").write_bytes(text)
        (self.folder / "signature").write_bytes(signature)
        words = ["-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "text", "-sigfile", "signature"]
        words = [str(self.folder / w) if w in ("key.pem", "text", "signature") else w for w in words]
        return openssl("pkeyutl", *words).returncode == 0

    def checkpoint(self):
        note = self.rollbook("ledger", "checkpoint").stdout.encode()
        text, signatures = note.rsplit(b"\n\n", 1)
        dash, name, payload = signatures.decode().split("\n")[0].split(" ")
        self.assertEqual((dash, name), ("\u2014", self.origin))
        return text + b"\n", base64.b64decode(payload)

    def leaf(self, index):
        recorded_at, commitment = self.database.execute(
            "SELECT recorded_at, commitment FROM entry WHERE idx = ?", (index,)
        ).fetchone()
        entry = next(e for e in self.entries() if e["index"] == index)
        at = datetime.fromtimestamp(recorded_at / 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
        at += f".{recorded_at % 1000:03d}Z"
        self.assertEqual(entry["recorded_at"], at)
        return f"ledger-entry/v1\n{index}\n{entry['kind']}\n{at}\n{base64.b64encode(commitment).decode()}\n".encode()

    def test_openssl_alone_checks_the_signature_of_a_checkpoint(self):
        text, payload = self.checkpoint()
        self.assertEqual(text.decode().split("\n")[0], self.origin)
        self.assertEqual(int(text.decode().split("\n")[1]), self.size())
        self.assertEqual(payload[:4].hex(), self.key_id)
        self.assertEqual(hashlib.sha256(self.origin.encode() + b"\n\x01" + self.key[1:]).hexdigest()[:8], self.key_id)
        self.assertTrue(self.is_signature_good(text, payload[4:]))
        self.assertFalse(self.is_signature_good(text.replace(b"\n", b"\n1", 1), payload[4:]))
        self.assertFalse(self.is_signature_good(text, payload[4:-1] + bytes([payload[-1] ^ 1])))

    def test_sha256sum_makes_the_root_of_the_checkpoint_from_the_leaves(self):
        entries = {e["index"]: e for e in self.entries()}
        leaves = []
        for index, commitment in self.database.execute("SELECT idx, commitment FROM entry ORDER BY idx"):
            entry = entries[index]
            text = f"ledger-entry/v1\n{index}\n{entry['kind']}\n{entry['recorded_at']}\n"
            leaves.append(hashlib.sha256(b"\0" + f"{text}{base64.b64encode(commitment).decode()}\n".encode()).digest())

        def root(some):
            if len(some) == 1:
                return some[0]
            split = 1 << (len(some) - 1).bit_length() - 1
            return hashlib.sha256(b"\1" + root(some[:split]) + root(some[split:])).digest()

        said = self.checkpoint()[0].decode().split("\n")[2]
        self.assertEqual(base64.b64encode(root(leaves)).decode(), said)
        leaf = self.leaf(5)
        summed = subprocess.run(["sha256sum"], input=b"\0" + leaf, capture_output=True, timeout=30).stdout
        self.assertEqual(summed.split()[0].decode(), leaves[5].hex())
        self.assertNotEqual(hashlib.sha256(b"\0" + leaf.replace(b"record", b"recorD")).digest(), leaves[5])

    def test_openssl_alone_checks_that_an_opening_is_what_was_committed_to(self):
        commit_key, payload, commitment = self.database.execute(
            "SELECT commit_key, payload, commitment FROM opening JOIN entry USING (idx) WHERE idx = 5"
        ).fetchone()
        words = ["dgst", "-sha256", "-binary", "-mac", "HMAC", "-macopt"]
        made = openssl(*words, f"hexkey:{commit_key.hex()}", stdin=b"ledger-payload/v1\n" + payload).stdout
        self.assertEqual(made, commitment)
        changed = payload.replace(b'"', b"'", 1)
        self.assertNotEqual(
            openssl(*words, f"hexkey:{commit_key.hex()}", stdin=b"ledger-payload/v1\n" + changed).stdout, commitment
        )
        other_key = bytes([commit_key[0] ^ 1]) + commit_key[1:]
        self.assertNotEqual(
            openssl(*words, f"hexkey:{other_key.hex()}", stdin=b"ledger-payload/v1\n" + payload).stdout, commitment
        )
        self.assertEqual(json.loads(payload), self.entry_5["payload"])

    def test_a_proof_of_one_entry_leads_to_the_signed_root(self):
        index = 77
        proof = self.rollbook("ledger", "prove", index).stdout
        head, note = proof.split("\n\n", 1)
        lines = head.split("\n")
        self.assertEqual(lines[:2], ["c2sp.org/tlog-proof@v1", f"index {index}"])
        self.assertEqual(note, self.rollbook("ledger", "checkpoint").stdout)
        size, root = int(note.split("\n")[1]), base64.b64decode(note.split("\n")[2])
        position, last = index, size - 1
        made = hashlib.sha256(b"\0" + self.leaf(index)).digest()
        for line in lines[2:]:  # RFC 9162 section 2.1.3.2
            sibling = base64.b64decode(line)
            self.assertNotEqual(last, 0)
            if position & 1 or position == last:
                made = hashlib.sha256(b"\1" + sibling + made).digest()
                while not position & 1 and position:
                    position, last = position >> 1, last >> 1
            else:
                made = hashlib.sha256(b"\1" + made + sibling).digest()
            position, last = position >> 1, last >> 1
        self.assertEqual((last, made), (0, root))


class Tampering(ScenarioTest):
    pupils, days = 20, 20

    def setUp(self):
        super().setUp()
        self.first_poll()
        self.older = self.folder / "older.checkpoint"
        self.older.write_text(self.rollbook("ledger", "checkpoint").stdout)
        shutil.copytree(self.folder, self.folder / "early", ignore=lambda d, n: {"early", "ledger.db.lock"} & set(n))
        for mark in self.school.marks(sorted(self.school.known_pupils)[0])[-3:]:
            self.school.amend(mark["student"], mark["date"], mark["session"], "M")
        self.poll(SECOND_POLL)
        self.newer = self.folder / "newer.checkpoint"
        self.newer.write_text(self.rollbook("ledger", "checkpoint").stdout)
        self.verify()
        self.verify("--checkpoint", self.older, "--checkpoint", self.newer)

    def tamper(self, *statements):
        """Changes the file as somebody with the disk in hands would: no trigger stops them."""
        database = sqlite3.connect(self.ledger)
        triggers = database.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            database.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            self.assertGreater(database.execute(statement).rowcount, 0, statement)
        for _, made in triggers:
            database.execute(made)
        database.commit()
        database.close()

    def found(self, *words):
        problems = self.verify(*words, code=1)["problems"]
        self.assertTrue(problems)
        for problem in problems:
            self.assertEqual(set(problem), {"index", "what"})
            self.assertTrue(problem["what"])
        return [p["index"] for p in problems]

    def test_a_changed_payload_is_found_and_named(self):
        self.tamper("UPDATE opening SET payload = CAST(replace(CAST(payload AS TEXT), '\"A', '\"B') AS BLOB) "
                    "WHERE idx = 300")
        self.assertIn(300, self.found())

    def test_a_changed_commit_key_is_found_and_named(self):
        self.tamper("UPDATE opening SET commit_key = zeroblob(32) WHERE idx = 300")
        self.assertIn(300, self.found())

    def test_a_changed_time_of_an_entry_is_found(self):
        self.tamper("UPDATE entry SET recorded_at = recorded_at + 1 WHERE idx = 300")
        self.assertTrue(self.found())

    def test_an_entry_taken_out_of_the_middle_is_found_and_named(self):
        self.tamper("DELETE FROM entry WHERE idx = 300", "DELETE FROM opening WHERE idx = 300")
        self.assertIn(300, self.found())

    def test_an_opening_taken_out_without_an_erasure_is_found_and_named(self):
        self.tamper("DELETE FROM opening WHERE idx = 300")
        self.assertIn(300, self.found())

    def test_two_entries_that_changed_places_are_found(self):
        swaps = [f"UPDATE {table} SET idx = CASE idx WHEN -300 THEN 301 ELSE 300 END WHERE idx IN (-300, -301)"
                 for table in ("entry", "opening")]
        moves = [f"UPDATE {table} SET idx = -idx WHERE idx IN (300, 301)" for table in ("entry", "opening")]
        self.tamper(*moves, *swaps)
        self.assertTrue(self.found())

    def test_a_changed_register_is_found_and_named(self):
        self.tamper("UPDATE mark SET raw = 'N', code = 'N' WHERE entry = 300")
        self.assertIn(300, self.found())
        self.assertTrue(self.verify("--quick")["ok"], "--quick leaves the projections out")
        self.rollbook("ledger", "rebuild", code=1)
        self.rollbook("ledger", "rebuild")
        self.verify()

    def test_a_row_of_the_register_that_no_entry_gave_is_found(self):
        columns = "to_entry, day, session, pupil, source, raw, code, minutes, digest, gone"
        self.tamper(f"INSERT INTO mark (entry, {columns}) SELECT 9999999, {columns} FROM mark WHERE entry = 300")
        self.assertTrue(self.found())

    def test_a_register_row_that_is_ended_too_early_is_found(self):
        self.tamper("UPDATE mark SET to_entry = 301 WHERE entry = 300")
        self.assertTrue(self.found())

    def test_a_register_row_that_is_ended_by_an_entry_that_is_not_there_is_found(self):
        self.tamper("UPDATE mark SET to_entry = 9999999 WHERE entry = 300")
        self.assertTrue(self.found())

    def test_a_ledger_without_checkpoints_never_passes(self):
        self.tamper("DELETE FROM checkpoint")
        self.assertTrue(self.found())

    def test_a_forged_checkpoint_is_found(self):
        self.tamper("UPDATE checkpoint SET note = replace(note, 'ledger.example', 'ledger.exampel')")
        self.assertTrue(self.found())

    def test_another_key_is_not_accepted(self):
        name = (self.folder / "ledger.vkey").read_text().split("+")[0]
        other = b"\1" + hashlib.sha256(b"another").digest()
        key_id = hashlib.sha256(name.encode() + b"\n" + other).hexdigest()[:8]
        self.assertTrue(self.found("--key", f"{name}+{key_id}+{base64.b64encode(other).decode()}"))

    def test_a_missing_public_key_is_no_pass(self):
        (self.folder / "ledger.vkey").unlink()
        self.assertIn(self.run_program("ledger", "verify", "--json").returncode, (1, 3, 4))

    def test_a_ledger_put_back_to_an_older_state_is_found_by_a_checkpoint_kept_elsewhere(self):
        config = self.folder / "early" / "rollbook.toml"
        self.rollbook("ledger", "verify", config=config)
        self.rollbook("ledger", "verify", "--checkpoint", self.older, config=config)
        told = self.rollbook("ledger", "verify", "--checkpoint", self.newer, "--json", config=config, code=1)
        self.assertTrue(json.loads(told.stdout)["problems"])

    def test_a_file_without_a_checkpoint_of_this_ledger_is_wrong_usage_and_no_word_against_it(self):
        other = self.folder / "other.txt"
        for text, why in (("no checkpoint at all\n", "holds no signed checkpoint"),
                          (self.older.read_text().replace("ledger.example", "another.example"), "of another ledger")):
            other.write_text(text)
            done = self.rollbook("ledger", "verify", "--checkpoint", other, code=2)
            self.assertIn(why, done.stderr)
            self.assertNotIn("does NOT verify", done.stdout)

    def test_a_damaged_page_of_the_file_is_never_a_pass(self):
        database = sqlite3.connect(self.ledger)
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        with open(self.ledger, "r+b") as file:
            file.seek(4096 * 20)
            file.write(b"\xff" * 4096)
        self.assertIn(self.run_program("ledger", "verify").returncode, (1, 4))


if __name__ == "__main__":
    main()
