#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""rules-at-once.py DIRECTORY

Requests that are tried again, each with three files' lines of one instant: what failed, what begins again, the end. Loads the
files one after the other in each order and compares with what was meant; prints what differs, and the last line counts."""
import itertools, json, os, random, subprocess, sys

RULES = {
    "outcome": [
        {"message": "at work", "moment": "at work", "begins": "attempt"},
        {"level": "error", "outcome": "failed"},
        {"message": "done", "outcome": "ok"},
        {"message": "out", "where": {"status": ">=500"}, "outcome": "failed"},
    ],
    "error": [
        {"message": "at work", "means": "started"},
        {"level": "error", "means": "error", "args": {"error": "text"}},
        {"message": "out", "where": {"status": ">=500"}, "outcome": "failed"},
    ],
}


def requests(rng, n, faults):
    """Lines by file, and by request its status and attempts."""
    files, truth = {"gate": [], "work": [], "fault": []}, {}

    def line(file, ms, tid, message, **fields):
        at = f"2026-11-28T09:{ms // 60000:02}:{ms // 1000 % 60:02}.{ms % 1000:03}Z"
        level = "error" if file == "fault" else "info"
        files[file].append((ms, json.dumps({"time": at, "level": level, "msg": message, "request_id": tid, **fields})))

    for i in range(n):
        tid, ms, attempts, fails = f"t{i}", i * 7, rng.randint(1, 3), rng.random() < 0.3
        line("gate", ms, tid, "in")
        ms += rng.choice((0, 3))
        for k in range(attempts):
            line("work", ms, tid, "at work")
            ms += rng.choice((3, 5)) if k + 1 < attempts else rng.choice((0, 4))
            if k + 1 < attempts or fails:
                for _ in range(rng.randint(1, faults)):
                    line("fault", ms, tid, "lock lost", text="lost")
            else:
                line("work", ms, tid, "done")
        line("gate", ms, tid, "out", status=503 if fails else 200)
        truth[tid] = ("failed" if fails else "ok", attempts)
    return files, truth


def load(directory, rules, order):
    db = os.path.join(directory, "x.db")
    if os.path.exists(db):
        os.remove(db)
    for name in order:
        subprocess.run(["ilu-logq", "-q", "-d", db, "load", "--run", "r", "--rules", rules, os.path.join(directory, name + ".log")], check=True)
    sql = "SELECT tid, status, attempts FROM invocation"
    out = subprocess.run(["ilu-logq", "-q", "-d", db, "--format", "json", "sql", sql], check=True, stdout=subprocess.PIPE).stdout
    return {r["tid"]: (r["status"], r["attempts"]) for r in json.loads(out)}


def main():
    directory, wrong, asked = sys.argv[1], 0, 0
    for kind, messages in RULES.items():
        files, truth = requests(random.Random(1), 200, 2 if kind == "outcome" else 1)  # each "error" is an attempt
        rules = os.path.join(directory, kind + ".json")
        with open(rules, "w") as f:
            json.dump({"rules": kind, "version": 1, "messages": [{"message": "in", "means": "arrived"}] + messages + [{"message": "out", "means": "completed"}]}, f)
        for name, lines in files.items():
            with open(os.path.join(directory, name + ".log"), "w") as f:
                f.writelines(text + "\n" for _, text in sorted(lines, key=lambda x: x[0]))
        for order in itertools.permutations(files):
            got = load(directory, rules, order)
            asked += len(truth)
            for tid, meant in truth.items():
                if got.get(tid) != meant:
                    wrong += 1
                    if wrong <= 5:
                        print(kind, ",".join(order), tid, "is", got.get(tid), "meant", meant)
    print(f"{wrong} of {asked} wrong")


main()
