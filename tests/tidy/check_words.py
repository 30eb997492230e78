#!/usr/bin/env python3
"""Fails on words that belong in no commit: notes to do something later, and paths of one particular computer. Run from
the repository root."""
import pathlib
import re
import sys

FOLDERS = ["daemon", "connectors", "schemas", "deploy", "tests", ".ci"]
FILES = ["CMakeLists.txt", "README.md"]
TEXTS = {".cpp", ".hpp", ".def", ".py", ".sql", ".toml", ".json", ".csv", ".txt", ".md", ".cmake", ""}
LATER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
# A path that a test makes up for itself is its own business.
OF_ONE_COMPUTER = re.compile(r"(?<![\w.}/])/(work|tmp|home|root|Users)\b")
OWN = pathlib.Path("tests/tidy/check_words.py")

problems = []


def check(file):
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if found := LATER.search(line):
            problems.append(f"{file}:{number}: {found[1]}: do it now, or leave it out")
        if file.parts[0] != "tests" and (found := OF_ONE_COMPUTER.search(line)):
            problems.append(f"{file}:{number}: {found[0]} is a path of one computer")


files = [pathlib.Path(name) for name in FILES]
files += sorted(p for folder in FOLDERS for p in pathlib.Path(folder).rglob("*") if p.suffix in TEXTS)
for each in files:
    if each.is_file() and each != OWN and not {"__pycache__", "node_modules"} & set(each.parts):
        check(each)
for problem in problems:
    print(problem)
sys.exit(1 if problems else 0)
