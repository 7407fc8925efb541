#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""long_lines.py DIRECTORY: eight parts of a log; two have a line of 9 MB with more fields than are stored by value, one has a long line of few."""
import json
import os
import sys

PARTS, SMALL, FIELDS, LONG = 8, 50, 700, 9000000


def line(at, message, **fields):
    when = f"2026-01-01 00:{at // 60:02d}:{at % 60:02d}.{at:09d}"
    return json.dumps({"timestamp": when, "level": "INFO", "fields": {"message": message, **fields}, "target": "t::m"}, separators=(",", ":")) + "\n"


def part(i):
    yield from (line(100 * i + k, f"small {k}", n=k) for k in range(SMALL))
    if i in (1, 4):
        yield line(100 * i + SMALL, "many", **{f"k{k}": k + i for k in range(FIELDS)}, data=chr(ord("a") + i) * LONG)
    if i == 6:
        yield line(100 * i + SMALL, "few", data="f" * LONG)
    yield from (line(100 * i + SMALL + 1 + k, "after", n=k) for k in range(30))


os.mkdir(sys.argv[1])
for i in range(PARTS):
    with open(os.path.join(sys.argv[1], str(i)), "w") as f:
        f.writelines(part(i))
