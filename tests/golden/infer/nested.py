#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""nested.py SEEDS DIRECTORY - are requests inside others found in logs, and no others claimed?

Messages and fields are random words; which field names the parent is to be found. Three kinds of logs, by SEED modulo 3: calls of a kind of their
own, with calls inside; one service that calls itself; requests that name the one before them, which is no parent. In all of them requests also name
their session, a call that they make, and a thread.
"""
import csv
import datetime
import io
import json
import os
import random
import subprocess
import sys


def write(seed, path):
    """The log; child -> parent."""
    r = random.Random(seed)

    def word():
        return "".join(r.choice("aeiou") + r.choice("bdfgklmnprstz") for _ in range(r.randrange(2, 4)))

    name = {f: f"{word()}_{f}" for f in "abcdef"}
    says = [[f"{word()} {word()} {k}{i}" for i in range(4)] for k in range(2)]
    lines, truth, last = [], {}, None

    def say(t, tid, message, **fields):
        lines.append((t, {"level": "info", "msg": message, "request_id": tid, **fields}))

    def request(t, depth, parent):
        nonlocal last
        tid, kind = f"{r.randrange(16**12):012x}", 1 if depth and seed % 3 == 0 else 0
        fields = {name["a"]: f"{r.randrange(16**12):012x}" if r.random() < 0.5 else "s1", name["b"]: f"t{r.randrange(4)}"}
        if parent:
            fields[name["c"]] = truth[tid] = parent
        elif seed % 3 == 2 and last:
            fields[name["d"]] = last
        say(t, tid, says[kind][0], **fields)
        t += 0.001 + r.random() * 0.01
        for i in (1, 2):
            while seed % 3 < 2 and depth < 3 and r.random() < 0.3:
                child, t = request(t, depth + 1, tid)
                say(t, tid, says[kind][3], **{name["e"]: child})
                t += 0.002
            say(t, tid, says[kind][i], **{name["b"]: f"t{r.randrange(4)}"})
            t += 0.001 + r.random() * 0.02
        if not depth:
            last = tid
        return tid, t

    t = 0.0
    for _ in range(r.randrange(80, 300)):
        t = request(t, 0, None)[1] + r.random() * 0.2
    lines.sort(key=lambda x: x[0])
    with open(path, "w", encoding="utf-8") as f:
        for t, o in lines:
            at = datetime.datetime.fromtimestamp(1.8e9 + t, datetime.timezone.utc)
            f.write(json.dumps({"ts": at.isoformat().replace("+00:00", "Z"), **o}) + "\n")
    return truth


wrong = 0
for seed in range(int(sys.argv[1])):
    log, db = (os.path.join(sys.argv[2], f"nested-{seed}.{end}") for end in ("log", "db"))
    truth = write(seed, log)
    subprocess.run(["ilu-logq", "-d", db, "load", "-q", log], check=True)
    out = subprocess.run(["ilu-logq", "-d", db, "--format", "csv", "sql", "SELECT tid, parent FROM nested"], check=True, capture_output=True, text=True).stdout
    found = {row["tid"]: row["parent"] for row in csv.DictReader(io.StringIO(out, newline=""))}
    if found != truth:
        wrong += 1
        print(f"seed {seed}: {len(found)} found of {len(truth)}, {sum(truth.get(c) != p for c, p in found.items())} of them wrong")
    os.remove(db)
print(f"{sys.argv[1]} logs, {wrong} wrong")
