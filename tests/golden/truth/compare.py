#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares the tables with what the reference's scripts computed from real runs.

    compare.py RUNS WORK [RUN...]

RUNS has a directory a run with its expected/, and benchmarks/; databases are made in WORK. Prints a line a run; where a cell differs, the first
ones. Known differences, each with its proof, are in docs/differences.md and are the only ones that are passed over here.
"""
import csv
import datetime
import io
import json
import os
import subprocess
import sys

TIMES = {"insert": "insert_ns", "remove": "remove_ns", "start": "start_ns", "end": "end_ns", "invoke_sent": "sent_ns", "invoke_return": "return_ns"}
# Which message each status column is of, in the order in which the reference concatenates them.
STATUS = (
    ("num_running", "gpu_len", "gpu_load", "gpu_load_avg", "gpu_tput", "cpu_len", "cpu_load", "cpu_load_avg", "cpu_tput"),
    ("cpu_util", "cpu_us", "cpu_sy", "cpu_id", "cpu_wa", "load_avg_1minute"),
    ("cpu_used_mem", "cpu_total_mem", "memory_util_pct", "num_containers"),
    ("gpu_util", "gpu_mem", "gpu_instant"),
)


def logq(db, *args):
    r = subprocess.run(["ilu-logq", "-d", db, *args], capture_output=True, text=True)
    if r.returncode:
        sys.exit(f"{' '.join(args)[:80]}: exit {r.returncode}: {r.stderr.strip()}")
    return r.stdout


def sql(db, query):
    return list(csv.DictReader(io.StringIO(logq(db, "--format", "csv", "sql", query), newline="")))


def read(path):
    if path.endswith(".zst"):
        text = subprocess.run(["zstd", "-q", "-dc", "--long=27", path], check=True, capture_output=True, text=True).stdout
        return list(csv.DictReader(io.StringIO(text, newline="")))
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def ns(text):
    """A time of the reference's as ns since 1970, its clock taken for UTC (as --timezone UTC does)."""
    head, _, fraction = text.partition(".")
    t = datetime.datetime.strptime(head, "%Y-%m-%d %H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    return int(t.timestamp()) * 10**9 + int((fraction + "0" * 9)[:9])


def number(text):
    return {"True": 1.0, "False": 0.0}.get(text, None) if text in ("True", "False") else float(text)


def equal(want, have):
    """To the last digit: as numbers where both are, else as texts."""
    if want == "" or have == "":
        return want == have
    try:
        return number(want) == number(have)
    except ValueError:
        return want == have


class Comparison:
    def __init__(self, run):
        self.run, self.cells, self.bad = run, 0, []

    def cell(self, ok, what):
        self.cells += 1
        if not ok:
            self.bad.append(what)


def compare_invocations(c, db, expected):
    rows = {}
    for r in expected:
        rows.setdefault(r["tid"], []).append(r)
    have = {r["tid"]: r for r in sql(db, "SELECT * FROM invocation")}
    retried = any(len(r) > 1 for r in rows.values())
    for tid, same in rows.items():
        c.cell(tid in have, f"no invocation {tid}")
        if tid not in have or len(same) > 1:
            continue  # differences.md: the reference's join multiplies retried invocations
        for column, want in same[0].items():
            got = have[tid].get(TIMES.get(column, column), "")
            if column == "tid" or (retried and (column.endswith("_portion") or column == "exec_overhead_norm")):
                continue  # differences.md: its shares count the multiplied rows
            if column == "end" and same[0].get("start", "") == "":
                continue  # differences.md: the end of what never started
            if column in TIMES and want and got:
                # differences.md: the reference rounds a sum of floating-point seconds down
                ok = 0 <= int(got) - ns(want) <= (1 if column == "invoke_return" else 0)
            else:
                ok = equal(want, got)
            c.cell(ok, f"{tid} {column}: {want} expected, {got}")


def compare_functions(c, db, expected):
    have = {r["func_name"]: r for r in sql(db, "SELECT * FROM function")}
    for r in expected:
        for column, want in r.items():
            got = have.get(r["func_name"], {}).get(column, "")
            c.cell(equal(want, got), f"function {r['func_name']} {column}: {want} expected, {got}")


def compare_batches(c, db, worker, expected):
    have = sql(db, f"SELECT start_ns, function_name, batch_len FROM batch WHERE worker = '{worker}'")
    # differences.md: the reference never appends the last batch
    c.cell(len(have) == len(expected) + 1, f"{len(have)} batches on {worker}, {len(expected)} + 1 expected")
    for want, got in zip(expected, have):
        ok = (ns(want["timestamp"]), want["fqdn"], want["batch_len"]) == (int(got["start_ns"]), got["function_name"], got["batch_len"])
        c.cell(ok, f"batch {want['timestamp']} {want['fqdn']} {want['batch_len']}: {got}")


def blocks(expected):
    """The status table's rows, one kind after the other: where the time goes back, the next kind begins."""
    out, last = [], None
    for r in expected:
        t = ns(r["timestamp"])
        if last is None or t < last:
            out.append([])
        out[-1].append((t, r))
        last = t
    return out


def compare_status(c, db, worker, expected):
    have = {}
    for r in sql(db, f"SELECT name, time_ns, value FROM series WHERE worker = '{worker}'"):
        have.setdefault(r["name"], {})[int(r["time_ns"])] = r["value"]
    # differences.md: a cell is compared only in the rows of its own message
    for columns, rows in zip(STATUS, blocks(expected)):
        for t, r in rows:
            for column in columns:
                if column in r:
                    got = have.get(column, {}).get(t, "")
                    c.cell(equal(r[column], got), f"{column} at {r['timestamp']}: {r[column]} expected, {got}")


def findings(db, *command):
    r = subprocess.run(["ilu-logq", "-d", db, "--format", "json", *command], capture_output=True, text=True)
    return json.loads(r.stdout or "[]")


def compare_hangs(c, db, expected):
    n = int(sql(db, "SELECT count(*) n FROM invocation WHERE status = 'unfinished'")[0]["n"])
    c.cell(n == len(expected), f"{n} unfinished of {len(expected)}")
    started = {r["tid"] for r in expected if r["started"] == "true"}
    found = {f["tid"]: f["count"] for f in findings(db, "hangs") if f["rule"] == "hang"}
    c.cell(set(found) == started, f"culprits {sorted(found)}, {sorted(started)} expected")
    c.cell(set(found.values()) == {len(expected) - len(started)}, f"victims {found.values()} of {len(expected) - len(started)}")


def compare_mounts(c, db, expected):
    found = {}
    for f in findings(db, "diagnose", "mount"):
        found.setdefault(f["tid"], set()).add(f["cause"])
    for r in expected:
        c.cell(r["cause"] in found.get(r["tid"], ()), f"mount failure of {r['tid']}: {found.get(r['tid'])}, {r['cause']} expected")


def compare(runs, work, name):
    here, db, c = os.path.join(runs, name), os.path.join(work, name + ".db"), Comparison(name)
    options = ["--quiet", "--timezone", "UTC"]
    if not name.startswith("live"):
        bench = "with-gpu.json" if name.startswith("gpu") else "worker_function_benchmarks.json"
        options += ["--benchmark", os.path.join(runs, "benchmarks", bench)]
    logq(db, "load", *options, here)
    expected = os.path.join(here, "expected")
    for f in sorted(os.listdir(expected)):
        if not f.endswith((".csv", ".csv.zst")):
            continue
        kind, _, worker = f[: f.index(".csv")].partition("-")
        rows = read(os.path.join(expected, f))
        if kind == "invocations":
            compare_invocations(c, db, rows)
        elif kind == "functions":
            compare_functions(c, db, rows)
        elif kind == "batch":
            compare_batches(c, db, worker, rows)
        elif kind == "status":
            compare_status(c, db, worker, rows)
        elif kind == "hanging":
            compare_hangs(c, db, rows)
        elif kind == "mount":
            compare_mounts(c, db, rows)
    os.remove(db)
    return c


def main(runs, work, names):
    bad = 0
    for name in names or sorted(os.listdir(runs)):
        if not os.path.isdir(os.path.join(runs, name, "expected")):
            continue
        c = compare(runs, work, name)
        print(f"{name}: {c.cells} cells compared, {len(c.bad)} differ")
        for line in c.bad[:5]:
            print("  " + line)
        bad += len(c.bad)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
