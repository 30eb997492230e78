#!/usr/bin/env python3
"""Fails when the table of attendance codes in C++ and the dated list in schemas differ. Run from the repository root."""
import csv
import pathlib
import re
import sys

CPP = pathlib.Path("daemon/domain/attendance_code.cpp")
CSV = pathlib.Path("schemas/statutory/attendance_codes.csv")
PLACEHOLDER = "-"  # listed for readers of the file; no statutory code

# What a class means for the three counts: possible, present, absent.
COUNTS = {
    "present": ("1", "1", "0"),
    "approved_educational": ("1", "1", "0"),
    "authorised": ("1", "0", "1"),
    "unauthorised": ("1", "0", "1"),
    "not_required": ("0", "0", "0"),
    "administrative": ("0", "0", "0"),
}
DAY = r"on\((\d+), (\d+), (\d+)\)"
STRING = r'"((?:[^"\\]|\\.)*)"'
ROW = re.compile(
    r"\{\s*" + STRING + r",\s*" + STRING + r",\s*code_class::(\w+),\s*(true|false),\s*(true|false),\s*"
    + DAY + r",\s*(?:" + DAY + r"|\{\})\s*\}"
)

problems = []


def iso(year, month, day):
    return f"{int(year):04}-{int(month):02}-{int(day):02}" if year else ""


def text_of(literal):
    return re.sub(r"\\(.)", r"\1", literal)


def add(table, where, code, first, rest):
    if (code, first) in table:
        problems.append(f"{where}: two rows of {code} from {first}")
    table[code, first] = rest


def read_cpp():
    found = re.search(r"to_array<statutory_code>\(\{\n(.*?)\n\}\);", CPP.read_text(), re.S)
    if not found:
        sys.exit(f"{CPP}: the table of codes was not found")
    table = {}
    for row in ROW.finditer(found[1]):
        code, meaning, klass, late, penalty = row.group(1, 2, 3, 4, 5)
        rest = {
            "meaning": text_of(meaning),
            "category": klass,
            "late": str(int(late == "true")),
            "penalty_notice": str(int(penalty == "true")),
            "valid_to": iso(*row.group(9, 10, 11)),
        }
        add(table, CPP, text_of(code), iso(*row.group(6, 7, 8)), rest)
    if left := ROW.sub("", found[1]).replace(",", "").strip():
        problems.append(f"{CPP}: not a row of the table: {left[:80]!r}")
    return table


def read_csv():
    table = {}
    with CSV.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["code"] == PLACEHOLDER:
                continue
            where = f"{CSV}: {row['code']} from {row['valid_from']}"
            counts = (row["counts_possible"], row["counts_present"], row["counts_absent"])
            if counts != COUNTS.get(row["category"]):
                problems.append(f"{where}: the counts {'/'.join(counts)} are not those of {row['category']}")
            rest = {name: row[name] for name in ("meaning", "category", "late", "penalty_notice", "valid_to")}
            add(table, CSV, row["code"], row["valid_from"], rest)
    return table


def check_spans(table):
    """Rows of one code must not hold on the same day."""
    last = {}
    for (code, first), row in sorted(table.items()):
        if row["valid_to"] and row["valid_to"] < first:
            problems.append(f"{CSV}: {code} from {first} ends before it begins")
        if code in last and (not last[code] or last[code] >= first):
            problems.append(f"{CSV}: {code} from {first} begins before the row before it ends")
        last[code] = row["valid_to"]


in_cpp, in_csv = read_cpp(), read_csv()
check_spans(in_csv)
for key in sorted(in_cpp.keys() | in_csv.keys()):
    code, first = key
    if key not in in_cpp:
        problems.append(f"{CPP}: no row of {code} from {first}")
    elif key not in in_csv:
        problems.append(f"{CSV}: no row of {code} from {first}")
    else:
        for name, value in in_csv[key].items():
            if in_cpp[key][name] != value:
                problems.append(f"{code} from {first}: {name} is {in_cpp[key][name]!r} in C++ and {value!r} in the list")
if not in_csv:
    problems.append(f"{CSV}: no rows")
for problem in problems:
    print(problem)
sys.exit(1 if problems else 0)
