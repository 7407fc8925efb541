#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""columns.py DIR - `spans` and `lint` go by columns; the tables span and event, which go by lines, must say the same.

Logs of our own in random order, with what is odd in them: ids that are none of ours, spans that end twice or never, numbers that are
missing, times without Z under a clock that is not UTC, lines that are kept whole, another worker's span lines. Prints the seed where something differs."""
import csv, io, json, math, os, random, subprocess, sys

DIR = sys.argv[1]
SPAN_IDS = ["%016x", "%x", "%d", "id-%d", "%016X"]


def line(r, state, kept_whole):
    state["t"] += r.choice([0, 1000, 1000, 7, -5, r.randrange(10**9)])
    state["seq"] += 1 if r.random() < 0.97 else 3
    if r.random() < 0.01:
        state["pid"], state["seq"] = state["pid"] + 1, 1
    stamp = f"2026-11-23T{state['t'] // 10**9 // 3600 % 24:02d}:{state['t'] // 10**9 // 60 % 60:02d}:{state['t'] // 10**9 % 60:02d}.{state['t'] % 10**9:09d}"
    stamp = stamp.replace("T", " ") if r.random() < state["local"] else stamp + "Z"
    tid, span = f"t{r.randrange(30)}", r.choice(SPAN_IDS[: 1 if r.random() < 0.8 else 5]) % r.randrange(1, 40)
    what = r.choice(["new", "new", "close", "close", "enter", "exit", "plain", "plain"])
    message = r.choice(["Item enqueued", "Records lost"]) if what == "plain" else what
    fields = {"message": message}
    if what == "plain":
        fields |= {"tid": tid, "n": r.randrange(9)}
    elif what == "close":
        fields |= r.choice([{"time.busy": f"{r.randrange(1, 90)}ms", "time.idle": "3ns", "busy_ns": r.randrange(10**6), "idle_ns": 3}, {"time.busy": "1.25ms", "time.idle": "1s"}])
    at = {"tid": tid, "name": r.choice(["work", "wait"]), "id": span}
    if r.random() < 0.1:
        at = {"tid": tid, "worker": "worker_9", "name": "enter_worker", "id": span}
    rest = f',"span":{json.dumps(at)},"spans":[]' if what != "plain" else ""
    twice = ',"seq":1' if kept_whole and what == "plain" and r.random() < 0.05 else ""
    return (f'{{"timestamp":"{stamp}","level":"{r.choice(["INFO", "DEBUG"])}","fields":{json.dumps(fields)},"target":"{r.choice(["a", "b::c"])}"{rest}'
            f',"threadName":"main","pid":{state["pid"]}{twice},"seq":{state["seq"]}}}').replace('": ', '":').replace(', "', ',"')


def ask(db, *words):
    p = subprocess.run(["ilu-logq", "-d", db, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return p.stdout


def quantile(v, q):
    at = q * (len(v) - 1)
    low = math.floor(at)
    return v[-1] if low + 1 >= len(v) else v[low] + math.floor((at - low) * (v[low + 1] - v[low]) + 0.5)


def spans_by_lines(db):
    groups = {}
    for row in json.loads(ask(db, "--format", "json", "sql", "SELECT name, target, start_ns, end_ns, busy_ns FROM span") or "[]"):
        g = groups.setdefault((row["name"], row["target"]), {"open": 0, "busy": 0, "times": []})
        g["busy"] += row["busy_ns"] or 0
        if row["start_ns"] is None or row["end_ns"] is None:
            g["open"] += 1
        else:
            g["times"].append(row["end_ns"] - row["start_ns"])
    out = {}
    for k, g in groups.items():
        v = sorted(g["times"])
        many = [int(sum(v) / len(v)), *(quantile(v, q) for q in (0.5, 0.9, 0.99)), v[-1]] if v else [None] * 5
        out[k] = [len(v) + g["open"], g["open"], sum(v), g["busy"], *many]
    return out


def spans(db):
    out = {}
    for row in csv.DictReader(io.StringIO(ask(db, "--format", "csv", "spans"))):
        out[row["name"], row["target"]] = [int(v) if v else None for v in list(row.values())[2:]]
    return out


def lint_by_lines(db):
    found = {}
    source = last = seq = None
    for row in json.loads(ask(db, "--format", "json", "sql", 'SELECT source, time_ns, raw, message, "foreign" f FROM event')):
        if row["source"] != source:
            source, last, seq = row["source"], None, (None, None)
        if row["f"]:
            found["foreign-span-lines"] = found.get("foreign-span-lines", 0) + 1
            continue
        if last is not None and row["time_ns"] < last:
            found["time-backwards"] = found.get("time-backwards", 0) + 1
        last = row["time_ns"]
        said = json.loads(row["raw"])
        if said["pid"] == seq[0] and said["seq"] > seq[1] + 1:
            rule = "records-lost" if row["message"] == "Records lost" else "sequence-gap"
            found[rule] = found.get(rule, 0) + 1
        seq = said["pid"], said["seq"]
    return found


def lint(db):
    found = {}
    for f in json.loads(ask(db, "--format", "json", "lint")):
        if f["rule"] in ("foreign-span-lines", "time-backwards", "sequence-gap", "records-lost"):
            found[f["rule"]] = found.get(f["rule"], 0) + f["count"]
    return found


bad = 0
for seed in range(4):
    r = random.Random(seed)
    db, run = f"{DIR}/{seed}.db", f"{DIR}/run-{seed}"
    os.mkdir(run)
    for worker in range(9 if seed == 1 else 3):  # as many as are worth two threads
        state = {"t": 10**12 * (worker + 1), "seq": 0, "pid": 7, "local": 0.2 if seed == 2 else 0}
        with open(f"{run}/worker_{worker}.log", "w") as f:
            first = f'{{"timestamp":"2026-11-23T00:00:00.000000001Z","level":"INFO","fields":{{"message":"Logger initialized"}},"target":"ilulog","threadName":"main","pid":7,"boot_id":"b","run":"r","seq":0}}'
            f.write(first + "\n" + "".join(line(r, state, seed == 3) + "\n" for _ in range(9000 if seed == 0 and not worker else 1000)))
    subprocess.run(["ilu-logq", "-d", db, "load", "--quiet", "--timezone", "America/New_York" if seed == 2 else "UTC", run])
    for what, one, other in ("spans", spans(db), spans_by_lines(db)), ("lint", lint(db), lint_by_lines(db)):
        if one != other or not one:
            bad += 1
            print(f"seed {seed}: {what}: {one}\nby lines: {other}")
print("differ" if bad else "the same")
