#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""faas-sim-mounts.py SEEDS [recorder] - runs with both causes of failed mounts, and what `diagnose mount` says of each.

What happened is known from two sides that the analyzer does not ask: truth.jsonl names each snapshot that the collector took and the functions
whose image was damaged; and the kernel's error in the worker's line, with the directory's number, tells which of the two a mount met that
both had struck. A failure that is not found, one that is none, and a wrong cause: each is printed and counted.

With `recorder` the log is one of info with the flight recorder on, and the mounts are the collector's alone: then each failure has its debug
lines in it all the same, the same seed makes the same bytes, and the log is hardly longer than one of info."""
import collections
import json
import os
import re
import subprocess
import sys
import tempfile


def failures(log):
    """container -> the error of its mount, by the number of its snapshot's directory."""
    container, errors = {}, {}
    with open(log, encoding="utf-8") as f:
        for line in f:
            if '"got mounts"' in line:
                fields = json.loads(line)["fields"]
                container[re.search(r"upperdir=.*?/snapshots/(\d+)/", str(fields["mounts"]))[1]] = fields["container_id"]
            elif '"message":"Create task failed"' in line:
                error = json.loads(line)["fields"]["error"]
                errors[container[re.search(r"upperdir=.*?/snapshots/(\d+)/", error)[1]]] = error.split("]}: ")[1].split(":")[0]
    return errors


def wanted(directory):
    """container -> cause, from truth and errors."""
    truth = [json.loads(line) for line in open(directory + "/truth.jsonl")]
    taken = {t["container_id"]: t["stage"] for t in truth if t["fault"] == "gc-race"}
    damaged = {t["function"] for t in truth if t["fault"] == "store-damage"}
    errors, want = failures(directory + "/worker.log"), {}
    for c, error in errors.items():
        if error == "structure needs cleaning":
            assert c.split("-0.0.1-")[0] in damaged, (directory, c)
            want[c] = "store damage"
        else:
            assert taken.get(c) == "prepared", (directory, c, error)
            want[c] = "collected"
    for c, stage in taken.items():
        if stage == "mounted":
            want[c] = "removed after the mount"
        else:
            assert c in want, (directory, c)
    return want


def found(directory, database):
    def run(*words):
        return subprocess.run(words, stdout=subprocess.PIPE, check=False)

    assert run("ilu-logq", "load", "-q", "-d", database, directory).returncode == 0
    p = run("ilu-logq", "-d", database, "--format", "json", "diagnose", "mount")
    got = {}
    for f in json.loads(p.stdout):
        container = f["detail"]["container_id"]
        assert container not in got, f
        got[container] = f["cause"]
    return got


def simulate(directory, seed, faults, level, **environment):
    subprocess.run(["faas-sim", "--time", "virtual", "--directory", directory, "--seconds", "30", "--rate", "15", "--seed", str(seed), "--retries", "1",
                    "--faults", faults, "--level", level], stdout=subprocess.DEVNULL, check=True, env=os.environ | environment)


def recorded(t, seed, sums):
    """Simulates with the recorder, and without it and once more for comparison."""
    with_recorder = {"ILU_LOG__recorder__level": "debug"}
    simulate(t + "/run", seed, "gc-race", "info", **with_recorder)
    simulate(t + "/again", seed, "gc-race", "info", **with_recorder)
    simulate(t + "/info", seed, "gc-race", "info")
    log, again, info = (open(f"{t}/{d}/worker.log", "rb").read() for d in ("run", "again", "info"))
    sums["same"] += log == again
    sums["bytes"] += len(log)
    sums["info"] += len(info)
    failed = dict.fromkeys(re.findall(rb'"message":"Create task failed","tid":"([^"]*)","error":[^\n]*?upperdir=[^\n]*?/snapshots/(\d+)/', log))
    mounts = set(re.findall(rb'"message":"got mounts","tid":"([^"]*)"[^\n]*?upperdir=[^\n]*?/snapshots/(\d+)/[^\n]*,"recorded":true}\n', log))
    sums["failed"] += len(failed)
    sums["recorded"] += len(failed.keys() & mounts)


def main():
    total, right, wrong = collections.Counter(), collections.Counter(), 0
    seeds, sums = int(sys.argv[1]), collections.Counter()
    for seed in range(1, seeds + 1):
        with tempfile.TemporaryDirectory() as t:
            if sys.argv[2:] == ["recorder"]:
                recorded(t, seed, sums)
            else:
                simulate(t + "/run", seed, "gc-race,store-damage=0.3", "debug")
            want, got = wanted(t + "/run"), found(t + "/run", t + "/db")
        total.update(want.values())
        for c in sorted(want.keys() | got.keys()):
            if want.get(c) == got.get(c):
                right[got[c]] += 1
            else:
                wrong += 1
                print(f"seed {seed}: {c}: {got.get(c)} where it was {want.get(c)}")
    for cause in sorted(total):
        print(f"{cause}: {right[cause]} of {total[cause]} found")
    print(f"{wrong} wrong")
    if sums:
        assert sums["failed"] > seeds
        print("the same bytes again" if sums["same"] == seeds else f"the same bytes again: {sums['same']} of {seeds}")
        print("all have their debug lines" if sums["recorded"] == sums["failed"] else f"{sums['recorded']} of {sums['failed']} have their debug lines")
        ratio = sums["bytes"] / sums["info"]
        print("at most 1.2 times as long as info alone" if ratio <= 1.2 else f"{ratio:.3f} times as long as info alone")


main()
