#!/usr/bin/env python3
"""Fails when deploy/runbook.md is not what daemon/base/events.def makes of it; with --write, makes it. Run from the
repository root."""
import ast
import pathlib
import re
import sys

RUNBOOK = pathlib.Path("deploy/runbook.md")
EVENT = re.compile(r'^ROLLBOOK_EVENT\((\w+), (\w+), ("(?:[^"\\]|\\.)*"), ("(?:[^"\\]|\\.)*")\)$', re.M)

text = """# Runbook: every line of the log

Made from the catalogue in `daemon/base/events.def`. In the journal a line begins with the event's name; `…` stands
for what differs each time. No line holds anything about a pupil, and none holds a secret.

    journalctl -u 'rollbook@*' -p warning    # what a person should see
"""
TITLES = {"error": "Errors: somebody must act", "warning": "Warnings: look into it", "info": "For information"}
rows = EVENT.findall(pathlib.Path("daemon/base/events.def").read_text())
for level, title in TITLES.items():
    text += f"\n## {title}\n\n| event | text | what to do |\n| --- | --- | --- |\n"
    for name, of, said, to_do in sorted(rows):
        if of == level:
            cells = [ast.literal_eval(each).replace("{}", "…").replace("|", "\\|") for each in (said, to_do)]
            text += f"| `{name}` | {cells[0]} | {cells[1]} |\n"

if "--write" in sys.argv[1:]:
    RUNBOOK.write_text(text)
elif not RUNBOOK.exists() or RUNBOOK.read_text() != text:
    sys.exit(f"{RUNBOOK} differs from the catalogue; python3 tests/tidy/check_runbook.py --write makes it anew")
