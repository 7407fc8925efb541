#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""slow.py SEEDS [SCENARIO...] - does `ilu-logq slow` find what was made slow, and nothing where nothing was?

Of each scenario runs of faas-sim with seeds from 1 on, on virtual time. The cause that truth.jsonl tells has to be the first in at least
95 of 100 runs and among the first three in all; in clean runs no cause may be claimed in at least 95 of 100. clean-fields are such
whose requests have fields that mean nothing. ILU_SLOW_FIRST=SEED begins
with another seed, ILU_SLOW_KEEP=DIR keeps the runs."""
import csv
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

ROOMY = ["--cores", "16", "--memory", "65536", "--keep-alive", "86400000", "--prewarms", "32"]
# Containers are removed soon, so that cold starts go on; eight functions share four images.
CHURN = ["--cores", "16", "--memory", "65536", "--keep-alive", "3000", "--metadata", "META"]
SCENARIOS = {
    "worker": ("slow-worker", ["--workers", "4", "--rate", "60", "--seconds", "100", *ROOMY]),
    "start": ("slow-start", ["--rate", "10", "--seconds", "600", *CHURN]),
    "image": ("slow-image", ["--rate", "10", "--seconds", "600", *CHURN]),
    "hour": ("slow-hour", ["--rate", "0.5", "--seconds", "18000", *ROOMY]),
    "memory": ("memory-pressure", ["--rate", "10", "--seconds", "800", *ROOMY[:2], "--memory", "6144", *ROOMY[4:6]]),
    "clean": (None, ["--workers", "4", "--rate", "60", "--seconds", "100", *ROOMY]),
    "clean-fields": (None, ["--workers", "4", "--rate", "60", "--seconds", "100", *ROOMY]),
    "clean-hours": (None, ["--rate", "0.5", "--seconds", "18000", *ROOMY]),
}
MEMORY = {"cpu_used_mem", "memory_util_pct"}


def is_it(cause, truth):
    """Whether a cause names what was injected."""
    what, value, fault = cause["what"], cause["value"], truth["fault"]
    if fault == "slow-worker":
        return what == "worker" and value == truth["worker"]
    if fault == "slow-start":
        return what == "cold start of function" and value == truth["function"]
    if fault == "slow-image":
        return what == "cold start of image_name" and value == truth["image"]
    if fault == "slow-hour":
        return what == "hour" and value == truth["from"][:13] + ":00"
    return what in MEMORY and value.startswith(">=")


def run(*argv):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True).stdout


def write_metadata(path):
    with open(path, "w", newline="") as f:
        w = csv.writer(f)
        w.writerow(["func_name", "cold_dur_ms", "warm_dur_ms", "mem_mb", "image_name"])
        for i in range(8):
            w.writerow([f"f{i}", 200 + 20 * (i % 4), 10 + 5 * i, 128, f"docker.io/faas-sim/image{i % 4}:latest"])


def add_fields(d, seed):
    """Fields of each request's first line in a worker, drawn: of 2, 10 and 50 values, one of them seldom there."""
    r = random.Random(seed)
    for name in os.listdir(d):
        if not name.startswith("worker"):
            continue
        with open(os.path.join(d, name)) as f:
            lines = f.read().split("\n")
        for i, line in enumerate(lines):
            if '"message":"Handling invocation request"' in line:
                said = f',"tier":"{r.choice("ab")}","tenant":"t{min(9, int(r.expovariate(0.5)))}","zone":{r.randrange(50)}'
                said += ',"canary":true' if r.random() < 0.05 else ""
                lines[i] = line.replace('"message":"Handling invocation request"', '"message":"Handling invocation request"' + said)
        with open(os.path.join(d, name), "w") as f:
            f.write("\n".join(lines))


def once(scenario, seed, where):
    fault, options = SCENARIOS[scenario]
    d = os.path.join(where, f"{scenario}-{seed}")
    os.makedirs(d)
    if "META" in options:
        meta = d + ".csv"
        write_metadata(meta)
        options = [meta if o == "META" else o for o in options]
    run("faas-sim", "--directory", d, "--time", "virtual", "--seed", str(seed), "--level", "info", "--spanning", "NONE", "--fail-rate", "0",
        "--arrivals", "poisson", *options, *(["--faults", fault] if fault else []))
    if scenario == "clean-fields":
        add_fields(d, seed)
    run("ilu-logq", "-d", d + ".db", "-q", "load", d)
    out = json.loads(run("ilu-logq", "-d", d + ".db", "--format", "json", "slow"))
    truth = None
    if fault:
        with open(os.path.join(d, "truth.jsonl")) as f:
            truth = json.loads(f.readline() or '{"fault":"memory-pressure"}')
    if not os.environ.get("ILU_SLOW_KEEP"):
        shutil.rmtree(d)
        for name in [d + ".db"] + [d + ".csv"] * ("META" in SCENARIOS[scenario][1]):
            os.unlink(name)
    return out, truth


def tried(scenario, seeds, where):
    """How often the cause came first, among the first three, and none was claimed; two runs are made at a time."""
    first = three = silent = 0
    with ThreadPoolExecutor(2) as pool:
        told = pool.map(lambda seed: once(scenario, seed, where), seeds)
        for seed, (out, truth) in zip(seeds, told):
            causes = out["causes"]
            assert sum(p["excess_ns"] for p in out["phases"]) == out["excess_ns"]
            hits = [truth is not None and is_it(c, truth) for c in causes[:3]]
            first, three, silent = first + (hits[:1] == [True]), three + any(hits), silent + (not causes)
            if (truth and hits[:1] != [True]) or (not truth and causes):
                fault = {k: v for k, v in truth.items() if k != "time_ns"} if truth else "clean"
                print(f"# {scenario} {seed}: {fault}: n={out['n']}", "; ".join(
                    f"{c['what']} {c['value']} {c['slow_share']:.2f}/{c['others_share']:.2f} q={c['q']:.2g}" for c in causes[:4]), file=sys.stderr)
    return first, three, silent


def main():
    seeds, wanted = int(sys.argv[1]), sys.argv[2:] or list(SCENARIOS)
    begin, bad = int(os.environ.get("ILU_SLOW_FIRST", "1")), False
    with tempfile.TemporaryDirectory() as t:
        for scenario in wanted:
            first, three, silent = tried(scenario, range(begin, begin + seeds), os.environ.get("ILU_SLOW_KEEP") or t)
            if SCENARIOS[scenario][0]:
                good = first >= 0.95 * seeds and three == seeds
                print(f"{scenario}: first in {first} of {seeds}, among the first three in {three}: {'as asked' if good else 'TOO FEW'}", flush=True)
            else:
                good = silent >= 0.95 * seeds
                print(f"{scenario}: silent in {silent} of {seeds}: {'as asked' if good else 'TOO FEW'}", flush=True)
            bad |= not good
    sys.exit(bad)


if __name__ == "__main__":
    main()
