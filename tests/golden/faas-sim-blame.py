#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""faas-sim-blame.py SEEDS - who made whom wait, as `blame` has it and as faas-sim recorded it: equal to the nanosecond for each
queue policy, also where handing out takes time, with several workers, and where memory is short."""
import collections
import json
import os
import subprocess
import sys
import tempfile

RUNS = [[*how, "--queue", q] for q in ("fcfs", "sjf", "edf") for how in (
    ("--cores", "2", "--memory", "20000"), ("--cores", "2", "--memory", "20000", "--dispatch", "700"),
    ("--cores", "1", "--memory", "20000", "--workers", "2", "--dispatch", "90"))] + [["--cores", "3", "--memory", "512", "--queue", "fcfs", "--rate", "25"]]


def check(seed, options):
    with tempfile.TemporaryDirectory() as d:
        subprocess.run(["faas-sim", "--time", "virtual", "--seed", str(seed), "--directory", f"{d}/run", "--seconds", "4", "--rate", "40", "--truth-blame", "--level",
                        "debug", *options], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["ilu-logq", "-q", "-d", f"{d}/db", "load", f"{d}/run"], check=True)
        rows = json.loads(subprocess.run(["ilu-logq", "-q", "-d", f"{d}/db", "--format", "json", "sql", "SELECT tid, holder, holder_tid, ns FROM blame WHERE phase = 'worker queue'"],
                                         check=True, capture_output=True).stdout)
        matrix = json.loads(subprocess.run(["ilu-logq", "-q", "-d", f"{d}/db", "--format", "json", "blame"], check=True, capture_output=True).stdout)
        want, got = collections.Counter(), collections.Counter()
        for line in open(f"{d}/run/truth.jsonl"):
            j = json.loads(line)
            for b in j.get("blame", []):
                want[j["invocation"], b["holder"], b.get("tid")] += b["ns"]
        for r in rows:
            got[r["tid"], r["holder"], r["holder_tid"]] += r["ns"]
        kinds = {k[1] for k in want}
        if want != got:
            print(seed, *options)
            for k in sorted(set(want) | set(got), key=str):
                if want[k] != got[k]:
                    print("  ", k, want[k], got[k])
        whole = sum(r["ns"] for r in matrix) == sum(got.values())
        if not whole:
            print(seed, *options, "the matrix has another sum")
        return want == got and whole, kinds


seeds = int(sys.argv[1])
done = [check(s, RUNS[s % len(RUNS)]) for s in range(1, seeds + 1)]
kinds = sorted(set().union(*(k for _, k in done)))
print(f"{seeds} runs, {sum(not ok for ok, _ in done)} differ; holders: {' '.join(kinds)}")
