#!/usr/bin/env python3
"""Fails when an id of the event catalogue is there twice, is never logged, or is logged and not there. Run from the
repository root."""
import collections
import pathlib
import re
import sys

CATALOGUE = pathlib.Path("daemon/base/events.def")
EVENT = re.compile(r'^ROLLBOOK_EVENT\((\w+), (error|warning|info), ("(?:[^"\\]|\\.)*"), ("(?:[^"\\]|\\.)*")\)$')

problems = []
ids = collections.Counter()
places = {}
for number, line in enumerate(CATALOGUE.read_text().splitlines(), 1):
    if not line.strip() or line.startswith("//"):
        continue
    row = EVENT.match(line)
    if not row:
        problems.append(f"{CATALOGUE}:{number}: not a row ROLLBOOK_EVENT(id, level, text, what a person does)")
        continue
    ids[row[1]] += 1
    places[row[1]] = row[3].count("{}")
    if row[4] == '""':
        problems.append(f"{CATALOGUE}:{number}: {row[1]} does not say what a person does")
    if "{" in row[4]:
        problems.append(f"{CATALOGUE}:{number}: nothing fills the {{}} in what a person does")

used = collections.Counter()
for file in sorted(p for folder in ("daemon", "connectors") for p in pathlib.Path(folder).rglob("*.[ch]pp")):
    code = re.sub(r"//[^\n]*", "", file.read_text())
    for at in re.finditer(r"\bevent::(\w+)", code):
        used[at[1]] += 1
        if at[1] not in ids:
            problems.append(f"{file}: event::{at[1]} is not in {CATALOGUE}")
    # fmt says nothing of an argument too many, and a text with one too few is written with its braces.
    for at in re.finditer(r"\blog_event\(\s*event::(\w+)\s*((?:,[^;]*?)?)\)\s*;", code, re.S):
        depth, given = 0, 0
        for sign in at[2]:
            depth += (sign in "([{") - (sign in ")]}")
            given += sign == "," and depth == 0
        if at[1] in places and given != places[at[1]]:
            problems.append(f"{file}: event::{at[1]} has {places[at[1]]} places and is given {given}")

for name, times in sorted(ids.items()):
    if times > 1:
        problems.append(f"{CATALOGUE}: {name} is there {times} times")
    if not used[name]:
        problems.append(f"{CATALOGUE}: {name} is never logged")
for problem in problems:
    print(problem)
sys.exit(1 if problems else 0)
