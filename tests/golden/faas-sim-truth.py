#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""faas-sim-truth.py TRUTH PHASES - the analyzer's phases beside those of truth.jsonl: names, attempts, durations."""
import collections
import csv
import json
import sys


def waits(phases):
    """Phases by (name without state, attempt), those of no length left out: there are logs that do not tell of them."""
    return {(name.split(" (")[0], attempt): ns for name, attempt, ns in phases if ns and ns >= 1000 and name != "unexplained"}


def same(want, got):
    return want.keys() == got.keys() and all(abs(want[k] - got[k]) < 1000 for k in want)


found = collections.defaultdict(list)
with open(sys.argv[2], newline="") as f:
    for row in csv.DictReader(f):
        found[row["tid"]].append((row["name"], int(row["attempt"] or 0), int(row["ns"])))
invocations = [j for j in map(json.loads, open(sys.argv[1])) if "invocation" in j]
differ = 0
for j in invocations:
    want = waits((p["name"], p.get("attempt", 0), p["ns"]) for p in j["phases"])
    got = waits(found[j["invocation"]])
    assert sum(p["ns"] for p in j["phases"]) == j["e2e_ns"], j
    if not same(want, got):
        differ += 1
        print(j["invocation"], want, got, sep="\n  ")
print(f"{len(invocations)} invocations, {differ} differ")
