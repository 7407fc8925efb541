#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""faas-sim-spans.py LOG SPANS - the analyzer's spans beside the log's own lines, which name each span and its parent: when it was opened and
closed, its times, its parent, and that all of it is known by id."""
import csv
import datetime
import json
import sys


def ns(stamp):
    whole, fraction = stamp.rstrip("Z").split(".")
    t = datetime.datetime.fromisoformat(whole + "+00:00")
    return int(t.timestamp()) * 10**9 + int(fraction.ljust(9, "0"))


def spans(log):
    """Line of `new` -> (tid, name, opened, closed, busy, idle, line of the parent's `new`)."""
    line_of, out = {}, {}
    for n, text in enumerate(open(log, encoding="utf-8"), 1):
        e = json.loads(text)
        kind = e["fields"].get("message")
        if kind not in ("new", "close"):
            continue
        span = e["span"]
        if kind == "new":
            line_of[span["id"]] = n
            out[n] = [span.get("tid", ""), span["name"], ns(e["timestamp"]), "", "", "", line_of.get(span.get("parent"), "")]
        else:
            out[line_of[span["id"]]][3:6] = [ns(e["timestamp"]), e["fields"]["busy_ns"], e["fields"]["idle_ns"]]
    return out


want = spans(sys.argv[1])
with open(sys.argv[2], newline="") as f:
    rows = {int(r[0]): r[1:] for r in list(csv.reader(f))[1:]}
differ = 0
for n in sorted(want.keys() | rows.keys()):
    if [str(v) for v in want.get(n, [])] + ["id"] != rows.get(n):
        differ += 1
        if differ < 4:
            print(n, want.get(n), rows.get(n), sep="\n  ")
print(f"{len(want)} spans, {differ} differ")
