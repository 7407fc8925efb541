#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds what would have been to what was (docs/what-if.md).

    whatif.py RUNS WORK [RUN | A:B]...

RUNS has a directory a run. RUN is exported and replayed unchanged: p50, p90 and p99 of end to end and the number of cold starts
are those of the run itself within 10 %. A:B is A under the settings of B, beside B, within 15 %: the medians over SEEDS, as under
other settings much is drawn, and which requests meet is luck, in B as well. Prints a line each; exits 1 where one is off by more. RUNS empty: nothing is done, and said.
"""
import csv
import os
import statistics
import subprocess
import sys

ALL = ("paper-info", "mix-newyork", "live-info", "cluster-leastloaded", "paper-info:paper-info-spans", "paper-info-spans:paper-info")
SEEDS = 5
CHANGED = ("cores", "memory", "queue", "keep-alive")
NAMES = ("p50", "p90", "p99", "cold starts")
E2E = "coalesce(e2e_duration_us * 1000, coalesce(return_ns, end_ns) - coalesce(sent_ns, arrived_ns))"


def run(*args):
    r = subprocess.run(args, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if r.returncode:
        sys.exit(f"{' '.join(args)}: exit {r.returncode}: {r.stderr.strip()}")
    return r.stdout


def load(path, db):
    if not os.path.exists(db):
        run("ilu-logq", "-d", db, "load", "-q", path)
    return db


def quantile(values, q):
    at = q * (len(values) - 1)
    low = int(at)
    return values[low] + (values[min(low + 1, len(values) - 1)] - values[low]) * (at - low)


def figures(db):
    rows = run("ilu-logq", "-d", db, "--format", "csv", "sql", f"SELECT {E2E} / 1e6, status FROM invocation").splitlines()[1:]
    rows = [r.split(",") for r in rows]
    times = sorted(float(r[0]) for r in rows if r[1] == "ok")
    return [quantile(times, q) for q in (0.5, 0.9, 0.99)] + [int(run("ilu-logq", "-d", db, "--format", "csv", "sql", "SELECT count(*) FROM attempt WHERE state = 'cold'").split()[1])]


def export(runs, work, name):
    db, out = load(os.path.join(runs, name), os.path.join(work, name + ".db")), os.path.join(work, name + ".from")
    if not os.path.exists(out):
        run("ilu-logq", "-q", "-d", db, "export", "faas-sim", "-o", out)
    return db, out


def settings(directory):
    with open(os.path.join(directory, "settings.csv"), newline="") as f:
        return {r["setting"]: r["value"] for r in csv.DictReader(f)}


def check(runs, work, what):
    a, _, b = what.partition(":")
    db, source = export(runs, work, a)
    options, most = [], 0.10
    if b:
        db, other = export(runs, work, b)
        options, most = [w for k, v in settings(other).items() if k in CHANGED for w in ("--" + k, v)], 0.15
    was, each = figures(db), []
    for seed in range(1, SEEDS + 1 if b else 2):
        out = os.path.join(work, f"{what.replace(':', '-under-')}-{seed}.run")
        run("faas-sim", "--from", source, "--seed", str(seed), "--level", "info", "--spanning", "NONE", "--directory", out, *options)
        each.append(figures(load(out, out + ".db")))
    is_now = [statistics.median(f) for f in zip(*each)]
    off = [abs(y - x) / x if x else float(y != x) for x, y in zip(was, is_now)]
    cells = (f"{n} {y:.{0 if n == NAMES[3] else 1}f} of {x:.{0 if n == NAMES[3] else 1}f} ({(y - x) / x if x else 0:+.1%})" for n, x, y in zip(NAMES, was, is_now))
    spread = f" [{min(f[3] for f in each)} to {max(f[3] for f in each)}]" if b else ""
    print(f"{what}: {', '.join(cells)}{spread}" + ("" if max(off) <= most else ": MISSED"), flush=True)
    return max(off) <= most


def main():
    runs, work, *names = sys.argv[1:]
    if not runs:
        print("skipped: ILU_TEST_RUNS does not name the real runs")
        return
    sys.exit(0 if all([check(runs, work, n) for n in names or ALL]) else 1)


main()
