#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""faas-sim-seeds.py N - each of N seeds twice, on virtual time: all files must have the same bytes.

The seed also draws the options, so that workers, balancers, policies, loads, faults and levels meet in many ways. In some runs an
invocation hangs, and the process leaves its tasks behind."""
import filecmp
import os
import random
import shutil
import subprocess
import sys
import tempfile


def options(seed):
    r = random.Random(seed)
    o = ["--seed", str(seed), "--seconds", str(r.choice([1, 3, 6])), "--rate", str(r.choice([10, 30, 60])), "--cores", str(r.choice([1, 2, 8])),
         "--memory", str(r.choice([1024, 1280, 8192])), "--keep-alive", str(r.choice([200, 1500, 60000])), "--queue", r.choice(["fcfs", "sjf", "edf"]),
         "--eviction", r.choice(["lru", "greedy-dual"]), "--arrivals", r.choice(["mixed", "poisson", "bursty", "azure"]),
         "--backend", r.choice(["containerd", "simulation"]), "--tick", r.choice(["0", "0", "300"]), "--level", r.choice(["info", "debug"]),
         "--spanning", r.choice(["NONE", "NEW+CLOSE", "FULL"]), "--retries", r.choice(["0", "1", "3"])]
    if r.random() < 0.4:
        o += ["--workers", str(r.choice([1, 2, 5])), "--balance", r.choice(["round-robin", "least-loaded", "ch-rlu"])]
    if r.random() < 0.5:
        faults = r.sample(["gc-race=0.1", "store-damage", "hang=0.01", "leak=0.02", "double-lock=0.1", "invoke-error=0.1"], r.choice([1, 2, 3]))
        o += ["--faults", ",".join(faults), "--gc", r.choice(["default", "default", "off", "label"])]
    if r.random() < 0.5:
        o += ["--truth"]
    return o


def run(directory, o):
    shutil.rmtree(directory, ignore_errors=True)
    p = subprocess.run(["faas-sim", "--time", "virtual", "--directory", directory] + o, capture_output=True, text=True)
    return p.returncode, p.stdout.replace(directory, ""), p.stderr


def main():
    n, differ = int(sys.argv[1]), 0
    with tempfile.TemporaryDirectory() as t:
        for seed in range(1, n + 1):
            o = options(seed)
            a, b = os.path.join(t, "a"), os.path.join(t, "b")
            first, second = run(a, o), run(b, o)
            files = sorted(os.listdir(a)) if os.path.isdir(a) else []
            same, other, errors = filecmp.cmpfiles(a, b, files, shallow=False) if files else ([], ["none"], [])
            if first != second or first[0] or other or errors or sorted(os.listdir(b)) != files:
                differ += 1
                print(seed, " ".join(o), first, second, other, errors, sep="\n  ")
    print(f"{n} seeds, {differ} differ")


if __name__ == "__main__":
    main()
