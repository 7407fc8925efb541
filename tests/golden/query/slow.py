#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""slow.py SCHEMA [ARGUMENT...] - is what `slow` says in JSON as the schema has it, and what the tables come to?

The excess by phase and the shares of worker and state are computed once more from tables invocation and phase, in fractions."""
import csv
import json
import os
import subprocess
import sys
from collections import defaultdict
from fractions import Fraction

try:
    import jsonschema
except ImportError:  # another python3 may come first in PATH than the one that Debian's package is for
    if sys.executable == "/usr/bin/python3" or not os.access("/usr/bin/python3", os.X_OK):
        sys.exit("slow.py: the Debian package python3-jsonschema is missing")
    os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)


def ask(*argv):
    return subprocess.run(["ilu-logq", "--quiet", *argv], check=True, stdout=subprocess.PIPE, text=True).stdout


def main():
    out = json.loads(ask("--format", "json", "slow", *sys.argv[2:]))
    with open(sys.argv[1]) as f:
        jsonschema.Draft202012Validator(json.load(f)).validate(out)
    rows = {r["tid"]: r for r in csv.DictReader(ask("--format", "csv", "sql", "SELECT tid, function_name f, worker, state FROM invocation WHERE status <> 'unfinished'").splitlines())}
    ns = defaultdict(lambda: defaultdict(int))
    for r in csv.DictReader(ask("--format", "csv", "sql", "SELECT tid, name, sum(end_ns - start_ns) ns FROM phase GROUP BY 1, 2").splitlines()):
        if r["tid"] in rows:
            ns[r["tid"]][r["name"]] += int(r["ns"])
    slow = {t for t in rows if sum(ns[t].values()) > out["over_ns"]}
    assert out["n"] == len(slow) and out["requests"] == len(rows), (out["n"], len(slow), len(rows))
    excess, functions = defaultdict(Fraction), {r["f"] for r in rows.values()}
    for f in functions:
        mine, others = [t for t in slow if rows[t]["f"] == f], [t for t in rows if rows[t]["f"] == f and t not in slow]
        for name in {n for t in rows for n in ns[t]} if others else ():
            excess[name] += sum(ns[t][name] for t in mine) - Fraction(len(mine) * sum(ns[t][name] for t in others), len(others))
    assert sum(p["excess_ns"] for p in out["phases"]) == out["excess_ns"]
    for p in out["phases"]:
        assert abs(p["excess_ns"] - excess[p["name"]]) <= len(functions) * len(out["phases"]), (p, float(excess[p["name"]]))
    for c in out["causes"]:
        if c["what"] in ("worker", "state"):
            mine = sum(rows[t][c["what"]] == c["value"] for t in slow) / len(slow)
            others = sum(r[c["what"]] == c["value"] for t, r in rows.items() if t not in slow) / (len(rows) - len(slow))
            assert abs(mine - c["slow_share"]) < 1e-12 and others <= c["others_share"] + 1e-12, c
    typical = out["typical"]
    assert not slow or (typical["slow"] in slow and typical["fast"] not in slow)
    print(len(slow), "slow,", len(out["causes"]), "causes")


if __name__ == "__main__":
    main()
