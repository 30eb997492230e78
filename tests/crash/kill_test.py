#!/usr/bin/env python3
"""Kills Rollbook at random instants and holds what is left to what an undisturbed run would have left.

    kill_test.py [--kills 200] [--seed N] [--keep DIR]

ROLLBOOK and SCHOOL name the two programs. Each ledger is killed some two dozen times while it reads the simulated school,
and then left to end. It must verify; its payloads must equal those of an undisturbed run but for times; and no mail may
have been taken twice without X-Rollbook-Attempt saying so. A failure prints the seed; with the seed the same ledgers are
killed at the same moments, as far as the machine's own timing allows.
"""
import argparse
import collections
import contextlib
import datetime
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROLLBOOK = os.environ.get("ROLLBOOK") or str(ROOT / "build/rollbook")
SCHOOL = os.environ.get("SCHOOL") or str(ROOT / "build/simulated-school")
KILLS_PER_LEDGER = 25
KILLS_PER_WAITING_LEDGER = 6  # a daemon that wrote all it had to is killed at rest from then on
PUPILS_MADE_LATE = 24
STEP_SECONDS_MAX = 60
FIRST_DAY = datetime.datetime(2026, 11, 19, 18, tzinfo=datetime.timezone.utc)
NEXT_DAY = FIRST_DAY + datetime.timedelta(days=1)
# Which process wrote an entry is no part of what it says: times, tries, and what one read counted.
NOT_COMPARED = {"statement"}
TIMES = {"learned_by", "learned_after", "at", "attempt"}


class Failed(Exception):
    pass


def require(condition, what):
    if not condition:
        raise Failed(what)


class School:
    """The simulated school; its state changes only when it is told to."""

    def __init__(self, folder, pupils, days):
        self.folder = folder
        words = ["--seed", "7", "--pupils", str(pupils), "--school-days", str(days), "--today", "2026-11-19"]
        self.process = subprocess.Popen([SCHOOL, *words, "--write-config", str(folder)], stdout=subprocess.PIPE, text=True)
        self.told = json.loads(self.process.stdout.readline())

    def ask(self, method, page, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.told['http']}/admin/{page}", data, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or "null")

    def end(self):
        self.process.terminate()
        self.process.wait()


class Ledger:
    """A folder with a configuration and a ledger. Each start of a program in it is a second later than the last."""

    def __init__(self, folder, now):
        self.folder = folder
        self.now = now
        self.size = 0

    def copy(self, folder, now):
        shutil.copytree(self.folder, folder)
        return Ledger(folder, now)

    def start(self, *words, **streams):
        self.now += datetime.timedelta(seconds=1)
        instant = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        return subprocess.Popen(
            [ROLLBOOK, "--config", str(self.folder / "rollbook.toml"), *words],
            env=dict(os.environ, ROLLBOOK_NOW=instant),
            text=True,
            **streams,
        )

    def command(self, *words):
        process = self.start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=STEP_SECONDS_MAX)
        require(process.returncode == 0, f"rollbook {' '.join(words)} ended with {process.returncode}: {err or out}")
        return out

    def entries(self):
        # Read-only, so that what the kill left in the WAL stays for the program to find.
        with contextlib.closing(sqlite3.connect(f"file:{self.folder / 'ledger.db'}?mode=ro", uri=True)) as database:
            return database.execute("SELECT count(*) FROM entry").fetchone()[0]

    def verify(self):
        report = json.loads(self.command("ledger", "verify", "--json"))
        require(report["ok"] and not report["problems"], f"the ledger does not verify: {report['problems']}")
        return report

    def wal_state(self):
        try:
            state = os.stat(self.folder / "ledger.db-wal")
            return state.st_mtime_ns, state.st_size
        except FileNotFoundError:
            return None


def writes_seen(ledger, process, enough=sys.maxsize, patience=None):
    """Watches the ledger's file of new pages until it changed so many times, the program ended, or as many seconds
    passed as one can be patient for; a program that should have ended by itself gets no patience."""
    deadline = time.monotonic() + (patience or STEP_SECONDS_MAX)
    seen, last = 0, ledger.wal_state()
    while seen < enough and process.poll() is None:
        if time.monotonic() >= deadline:
            require(patience, "the program neither writes nor ends")
            break
        now = ledger.wal_state()
        if now != last:
            seen, last = seen + 1, now
        else:
            time.sleep(0.0003)
    return seen


class Moment:
    """When to kill: so long after the start, after the n-th write to the ledger that can be seen, or after the n-th mail
    was taken, which the program says before it stores the receipt."""

    def __init__(self, seconds, write=None, mail=None, patience=None):
        self.seconds = seconds
        self.write = write
        self.mail = mail
        self.patience = patience

    def await_in(self, ledger, process):
        """False when the program ended by itself first."""
        if self.write is not None and writes_seen(ledger, process, self.write, self.patience) < self.write:
            # A daemon at rest writes nothing and does not end: it is killed at rest.
            return process.poll() is None
        if self.mail is not None:
            taken = 0
            while taken < self.mail:
                line = process.stderr.readline()
                if not line:
                    process.wait()
                    return False
                taken += "message_delivered" in line
            return True
        try:
            process.wait(self.seconds)
            return False
        except subprocess.TimeoutExpired:
            return True


class Tally:
    def __init__(self):
        self.kills = collections.Counter()
        self.sizes = set()
        self.repeats = 0
        self.ledgers = 0
        self.in_another_order = 0


def without_times(value):
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k not in TIMES and not k.endswith("_at")}
    if isinstance(value, list):
        return [without_times(each) for each in value]
    return value


def content(ledger):
    listed = json.loads(ledger.command("ledger", "list", "--json", "--limit", "0"))
    require(all(entry["payload"] is not None for entry in listed), "a payload is missing")
    return [
        json.dumps([entry["kind"], without_times(entry["payload"])], sort_keys=True)
        for entry in listed
        if entry["what"] not in NOT_COMPARED
    ]


def mails_of(school):
    """Message-ID -> the tries that were taken, in order of arrival."""
    taken = collections.defaultdict(list)
    for mail in school.ask("GET", "mail"):
        headers = {name.lower(): value for name, value in dict(mail["headers"]).items()}
        taken[mail["message_id"]].append(int(headers.get("x-rollbook-attempt", "1")))
    return taken


def check_mails(school, wanted, tally):
    taken = mails_of(school)
    require(set(taken) == set(wanted), f"mails that an undisturbed run would not send, or lacks: {set(taken) ^ set(wanted)}")
    for message_id, tries in taken.items():
        require(len(set(tries)) == len(tries), f"{message_id} was taken twice as the same try: {tries}")
        require(all(t >= 2 for t in tries[1:]), f"{message_id} was taken again without saying so: {tries}")
        tally.repeats += len(tries) - 1


def check_content(ledger, wanted, tally):
    found = content(ledger)
    if found == wanted:
        return
    tally.in_another_order += 1
    # The same entries may come in another order: a source that had been read in part is linked when the read before it
    # closes again, and a receipt follows its message's last try.
    surplus = collections.Counter(found) - collections.Counter(wanted)
    missing = collections.Counter(wanted) - collections.Counter(found)
    require(
        not surplus and not missing,
        f"{surplus.total()} payloads too many, {missing.total()} missing; for example "
        f"{next(iter(surplus), 'none')} against {next(iter(missing), 'none')}",
    )


def end_after_kill(ledger, process, phase, tally):
    process.send_signal(signal.SIGKILL)
    process.wait()
    tally.kills[phase] += 1
    size = ledger.entries()
    require(size >= ledger.size, f"the ledger had {ledger.size} entries and after a kill {size}")
    ledger.size = size
    tally.sizes.add((phase, size))
    if tally.kills.total() % 8 == 0:
        ledger.verify()


def polls_under_fire(ledger, moments, phase, tally, kills_max):
    """Polls, killed at each moment, until one ends or no kill is left; then one that nobody disturbs."""
    for _ in range(kills_max):
        process = ledger.start("poll", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        killed = next(moments).await_in(ledger, process)
        if not killed:
            require(process.returncode == 0, f"poll ended with {process.returncode}: {process.stderr.read()}")
            break
        end_after_kill(ledger, process, phase, tally)
        process.stderr.close()
    else:
        ledger.command("poll")


def run_until_quiet(ledger):
    """The daemon until both sources were read and nothing waits; then it is asked to stop. Gives how long the
    reads took."""
    began = time.monotonic()
    process = ledger.start("run", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + STEP_SECONDS_MAX
        sources_read = 0
        while sources_read < 2:
            line = process.stderr.readline()
            require(line and time.monotonic() < deadline, f"the daemon stopped with {process.poll()}")
            sources_read += "source_read" in line
        duration = time.monotonic() - began
        while json.loads(ledger.command("status", "--json"))["outbox"]["waiting"]:
            require(time.monotonic() < deadline, "the daemon delivers nothing")
        process.terminate()
        _, rest = process.communicate(timeout=STEP_SECONDS_MAX)
        require(process.returncode == 0, f"the daemon ended with {process.returncode}: {rest}")
        return duration
    finally:
        process.kill()
        process.wait()


def run_under_fire(ledger, moments, tally, kills_max):
    for _ in range(kills_max):
        process = ledger.start("run", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        require(next(moments).await_in(ledger, process), f"the daemon ended by itself with {process.returncode}")
        end_after_kill(ledger, process, "run", tally)
    run_until_quiet(ledger)


def moments_of(dice, duration, writes, mails, patience):
    """Half by the clock, spread over the whole run; half close to a write. Where there are many mails, a third of all
    between one that was taken and its receipt."""
    while True:
        if mails > 1 and dice.random() < 1 / 3:
            yield Moment(0.0, mail=dice.randint(1, mails))
        elif dice.random() < 0.5:
            yield Moment(dice.uniform(0.0, duration))
        else:
            after = dice.choice([0.0, dice.uniform(0.0, 0.004), dice.uniform(0.0, 0.03)])
            yield Moment(after, dice.randint(1, writes), patience=patience)


def poll_undisturbed(ledger):
    """Gives how long it took and how many writes could be seen."""
    began = time.monotonic()
    process = ledger.start("poll", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    writes = writes_seen(ledger, process)
    require(process.returncode == 0, f"poll ended with {process.returncode}")
    return time.monotonic() - began, writes


def make_late(school, ledger):
    """The next school day: two dozen pupils turn out to have been late on five days, which alerts tell of."""
    listed = json.loads(ledger.command("ledger", "list", "--json", "--limit", "0"))
    payloads = [entry["payload"] for entry in listed if entry["source"] == "mis"]
    days = sorted({p["date"] for p in payloads if p["what"] == "session-mark"})[-5:]
    pupils = [p["id"] for p in payloads if p["what"] == "pupil"][:PUPILS_MADE_LATE]
    school.ask("POST", "advance", {"days": 1})
    marks = [{"student": p, "date": d, "session": "AM", "code": "L"} for p in pupils for d in days]
    school.ask("POST", "amend", {"marks": marks})


def phase(name, school, base, now, folder, kills, dice, tally, undisturbed, disturbed, waits=False):
    """Undisturbed once, for what is wanted; then under fire until all kills are spent. Gives the undisturbed ledger
    and how many writes it took."""
    def states_of(name):
        return len({size for at, size in tally.sizes if at == name})

    began = time.monotonic()
    school.ask("DELETE", "mail")
    calm = base.copy(folder / f"{name}-calm", now)
    duration, writes = undisturbed(calm)
    calm.verify()
    # A program that does not end by itself may have written all it had to; how long to wait depends on the machine.
    patience = max(0.3, 3 * duration) if waits else None
    wanted, mails = content(calm), mails_of(school)
    require(mails and all(tries == [1] for tries in mails.values()), "the undisturbed run did not send each mail once")
    number = 0
    # With few kills a phase may by chance have none at some place it must reach: then it goes on with more ledgers.
    while tally.kills[name] < kills or (kills >= 30 and states_of(name) < 3 and number < 20):
        number += 1
        require(number <= 4 * kills, f"{name}: hardly a kill came before the end")
        school.ask("DELETE", "mail")
        ledger = base.copy(folder / f"{name}-{number}", now)
        most = KILLS_PER_WAITING_LEDGER if waits else KILLS_PER_LEDGER
        share = min(most, max(kills - tally.kills[name], 1))
        disturbed(ledger, moments_of(dice, duration, writes, len(mails), patience), share)
        report = ledger.verify()
        require(report["unsigned"] == 0, "entries were left unsigned")
        check_content(ledger, wanted, tally)
        check_mails(school, mails, tally)
        tally.ledgers += 1
        shutil.rmtree(ledger.folder)
    states = states_of(name)
    print(
        f"{name}: {tally.kills[name]} kills over {number} ledgers left {states} different sizes; {len(wanted)} payloads, "
        f"{len(mails)} mails; undisturbed it takes {duration:.2f} s; {time.monotonic() - began:.0f} s in all",
        flush=True,
    )
    require(kills < 30 or len(mails) == 1 or tally.repeats, f"{name}: no kill came between a mail and its receipt")
    require(kills < 30 or states >= 3, f"{name}: the kills hit nothing but the ends")
    return calm, writes


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--kills", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=None)
    arguments.add_argument("--pupils", type=int, default=100)
    arguments.add_argument("--school-days", type=int, default=20)
    arguments.add_argument("--keep", type=pathlib.Path, help="work here and leave the ledgers")
    given = arguments.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(2**32)
    print(f"seed {seed}", flush=True)
    dice = random.Random(seed)
    folder = given.keep or pathlib.Path(tempfile.mkdtemp(prefix="rollbook-kill-"))
    folder.mkdir(parents=True, exist_ok=True)
    tally = Tally()
    began = time.monotonic()
    school = School(folder / "new", given.pupils, given.school_days)
    try:
        new = Ledger(folder / "new", FIRST_DAY)
        new.command("init", "--simulated")
        def fire(name):
            return lambda ledger, moments, share: polls_under_fire(ledger, moments, name, tally, share)

        of_run, of_delivery = given.kills * 3 // 20, given.kills * 6 // 20
        first, writes = phase("backfill", school, new, FIRST_DAY, folder, given.kills - of_run - of_delivery, dice, tally,
                      poll_undisturbed, fire("backfill"))
        phase("run", school, new, FIRST_DAY, folder, of_run, dice, tally,
              lambda ledger: (run_until_quiet(ledger), writes),  # it reads what the poll read
              lambda ledger, moments, share: run_under_fire(ledger, moments, tally, share), waits=True)
        make_late(school, first)
        phase("delivery", school, first, NEXT_DAY, folder, of_delivery, dice, tally, poll_undisturbed, fire("delivery"))
    except (Failed, subprocess.TimeoutExpired) as why:
        print(f"FAILED with seed {seed}: {why}\nThe ledgers are in {folder}", file=sys.stderr)
        return 1
    finally:
        school.end()
    order = "the same order"
    if tally.in_another_order:
        order = f"the same order but in {tally.in_another_order} ledgers, where entries changed places"
    print(
        f"{tally.kills.total()} kills, {tally.ledgers} ledgers: each verifies and has the undisturbed run's content in "
        f"{order}; {tally.repeats} mails repeated, each marked as a repeat; {time.monotonic() - began:.0f} s"
    )
    if not given.keep:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
