#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""faas-sim-findings.py CLEAN - hangs, leaks and double locks on purpose, 50 of each at least: all are found, and nothing else is; in
CLEAN runs without any, none is."""
import json
import subprocess
import sys
import tempfile

FAULTS = {"hang": ("hangs", "hang"), "leak": ("lint", "leaked-container"), "double-lock": ("lint", "double-lock")}


def simulate(directory, seed, *more):
    subprocess.run(["faas-sim", "--time", "virtual", "--directory", directory, "--seconds", "30", "--rate", "15", "--seed", str(seed), *more],
                   stdout=subprocess.DEVNULL, check=True)


def findings(database, command):
    p = subprocess.run(["ilu-logq", "-d", database, "--format", "json", command], stdout=subprocess.PIPE, check=False)
    found = json.loads(p.stdout)
    assert p.returncode == any(f["level"] != "note" for f in found), (command, p.returncode)
    return found


def load(database, directory):
    subprocess.run(["ilu-logq", "load", "-q", "-d", database, directory], check=True)


def same(truth, f):
    """Of two that took a lock in the same instant either may be named as the second."""
    return truth["container_id"] == f["detail"]["container_id"] and (truth["tid"] == f["tid"] or truth["tid"] in f["message"])


def faulty(fault, seed):
    """How many of one run were injected and how many of them found; what was found besides is said."""
    command, rule = FAULTS[fault]
    rate = {"hang": 0.008, "leak": 0.02, "double-lock": 0.1}[fault]
    with tempfile.TemporaryDirectory() as t:
        simulate(t + "/run", seed, "--faults", f"{fault}={rate}")
        load(t + "/db", t + "/run")
        truth = [json.loads(line) for line in open(t + "/run/truth.jsonl")]
        found = {c: findings(t + "/db", c) for c in ("hangs", "lint")}
    named = [f for f in found[command] if f["rule"] == rule]
    hits = sum(any(same(x, f) for f in named) for x in truth)
    for f in named:
        if not any(same(x, f) for x in truth):
            print(f"{fault}, seed {seed}: {f['tid']}: {f['message']}")
    for x in truth:
        if not any(same(x, f) for f in named):
            print(f"{fault}, seed {seed}: not found: {x}")
    for f in found["hangs"]:
        if fault == "leak" and f["rule"] == "never-started" and f["cause"].split()[0] != str(len(truth)):
            print(f"{fault}, seed {seed}: {f['cause']}")
    others = {f["rule"] for fs in found.values() for f in fs if f["level"] != "note"} - {rule, "unfinished", "never-started"}
    if others or len(named) != len(truth):
        print(f"{fault}, seed {seed}: {len(named)} of {len(truth)}, and {sorted(others)}")
    return len(truth), hits


def clean(seed):
    with tempfile.TemporaryDirectory() as t:
        simulate(t + "/run", seed)
        load(t + "/db", t + "/run")
        alarms = [f["rule"] for c in ("hangs", "lint", "storms") for f in findings(t + "/db", c) if f["level"] != "note"]
    if alarms:
        print(f"clean, seed {seed}: {alarms}")
    return bool(alarms)


def main():
    for fault in FAULTS:
        injected = found = seed = 0
        while injected < 50:
            seed += 1
            n, hits = faulty(fault, seed)
            injected += n
            found += hits
        print(f"{fault}: {found} of {injected} found" if found < injected else f"{fault}: all of {injected} found")
    n = int(sys.argv[1])
    print(f"{sum(clean(seed) for seed in range(1, n + 1))} of {n} clean runs have a finding")


main()
