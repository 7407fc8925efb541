#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""faas-sim-mounts.py SEEDS - runs with both causes of failed mounts, and what `diagnose mount` says of each.

What happened is known from two sides that the analyzer does not ask: truth.jsonl names each snapshot that the collector took and the functions
whose image was damaged; and the kernel's error in the worker's line, with the directory's number, tells which of the two a mount met that
both had struck. A failure that is not found, one that is none, and a wrong cause: each is printed and counted."""
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


def main():
    total, right, wrong = collections.Counter(), collections.Counter(), 0
    for seed in range(1, int(sys.argv[1]) + 1):
        with tempfile.TemporaryDirectory() as t:
            subprocess.run(["faas-sim", "--time", "virtual", "--directory", t + "/run", "--seconds", "30", "--rate", "15", "--seed", str(seed), "--retries", "1",
                            "--faults", "gc-race,store-damage=0.3"], stdout=subprocess.DEVNULL, check=True)
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


main()
