#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests as they are found in a log without rules, beside what is true of them.

    compare.py runs RUNS WORK [RUN...]     the logs of real runs, beside what Ilúvatar's rules say of them
    compare.py faas-sim WORK FIRST LAST    seeds of faas-sim, message texts replaced by random words, beside truth.jsonl

Prints a line each: requests that were found, claimed and none; of those found, right to 1 ms or 1 %: end to end, and the two ends of the time in the
queue; functions by a mapping one to one; failed and unfinished ones told so.
"""
import collections
import csv
import io
import json
import os
import random
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    jsonschema = None

def logq(db, *args, codes=(0,)):
    r = subprocess.run(["ilu-logq", "-d", db, *args], capture_output=True, text=True)
    if r.returncode not in codes:
        sys.exit(f"{' '.join(args)[:80]}: exit {r.returncode}: {r.stderr.strip()}")
    return r


def sql(db, query):
    return list(csv.DictReader(io.StringIO(logq(db, "--format", "csv", "sql", query).stdout, newline="")))


def hold_against_schema(db):
    """What was found is a rules file; where Python has no jsonschema that is not looked at."""
    if not jsonschema:
        return
    for r in sql(db, "SELECT text FROM rules"):
        with open("schema/rules.schema.json", encoding="utf-8") as f:
            jsonschema.Draft202012Validator(json.load(f)).validate(json.loads(r["text"]))


def number(text):
    return int(text) if text else None


def inferred(work, name, path):
    """What inference makes of the logs at path: requests by tid, and the edges of their phases."""
    db = os.path.join(work, name + ".db")
    logq(db, "load", "-q", "--rules", "none", path, codes=(0, 3))
    found = {r["tid"]: r for r in sql(db, "SELECT tid, status, function_name, arrived_ns, end_ns FROM invocation")}
    edges = collections.defaultdict(list)
    for r in sql(db, "SELECT tid, start_ns, end_ns FROM phase WHERE name <> 'unexplained'"):
        edges[r["tid"]] += [int(r["start_ns"]), int(r["end_ns"])]
    hold_against_schema(db)
    os.remove(db)
    return found, edges


def mapped(pairs):
    """Pairs of names that fit one mapping from one to one, the most frequent first."""
    there, back, n = {}, {}, 0
    for (a, b), count in collections.Counter(pairs).most_common():
        if there.setdefault(a, b) == b and back.setdefault(b, a) == a:
            n += count
    return n


def compare(name, truth, found, edges):
    """truth: tid -> (status, function, begin, end, queue begin, queue end), None where that is not known."""
    both, e2e, queue, bad, pairs, wrong = truth.keys() & found.keys(), [], [], [], [], 0
    for tid in both:
        status, function, begin, end, insert, remove = truth[tid]
        f = found[tid]
        if end is not None:
            near = max(1e6, (end - begin) / 100)
            took = number(f["end_ns"]) and number(f["end_ns"]) - number(f["arrived_ns"])
            e2e.append(took is not None and abs(took - (end - begin)) <= near)
            if insert is not None and remove is not None:
                queue.append(all(any(abs(t - x) <= near for t in edges[tid]) for x in (insert, remove)))
        if status != "ok":
            bad.append(f["status"] == status)
        wrong += status == "ok" and f["status"] != "ok"
        if function:
            pairs.append((f["function_name"], function))
    print(f"{name}: {len(both)} of {len(truth)} found, {len(found.keys() - truth.keys())} false; end to end {sum(e2e)} of {len(e2e)}, queue {sum(queue)} of {len(queue)}, "
          f"functions {mapped(pairs)} of {len(pairs)}, failed and unfinished {sum(bad)} of {len(bad)}, {wrong} of {len(both) - len(bad)} others told so", flush=True)


def run(runs, work, name):
    path, db = os.path.join(runs, name), os.path.join(work, name + ".rules.db")
    logs = os.path.join(work, name + ".logs")
    os.mkdir(logs)
    for f in os.listdir(path):
        if f.endswith((".log", ".log.zst")):
            os.symlink(os.path.join(path, f), os.path.join(logs, f))
    logq(db, "load", "-q", "--rules", "schema/rules/iluvatar.json", logs, codes=(0, 3))
    truth = {}
    for r in sql(db, "SELECT tid, status, function_source, function_name, coalesce(controller_ns, arrived_ns) AS begin, end_ns, insert_ns, remove_ns FROM invocation "
                     "WHERE coalesce(controller_ns, arrived_ns) IS NOT NULL"):
        function = r["function_name"] if r["function_source"] != "trace" else ""  # no line names it
        truth[r["tid"]] = (r["status"], function, *(number(r[c]) for c in ("begin", "end_ns", "insert_ns", "remove_ns")))
    os.remove(db)
    compare(name, truth, *inferred(work, name, logs))


def in_words(r, path, out):
    words = {}
    with open(path) as f, open(out, "w") as to:
        for line in f:
            o = json.loads(line)
            m = o["fields"].get("message")
            if m not in (None, "new", "close", "enter", "exit"):
                if m not in words:
                    words[m] = " ".join("".join(r.choice("bcdfgklmnprst") + r.choice("aeiou") for _ in range(r.randint(2, 4))) for _ in range(r.randint(1, 4)))
                o["fields"]["message"] = words[m]
            to.write(json.dumps(o, ensure_ascii=False, separators=(",", ":")) + "\n")


def faas_sim(work, seed):
    folder = os.path.join(work, str(seed))
    os.mkdir(folder)
    subprocess.run(["faas-sim", "--directory", folder, "--time", "virtual", "--seed", str(seed), "--truth", "--seconds", "4"], check=True, stdout=subprocess.DEVNULL)
    in_words(random.Random(seed), os.path.join(folder, "worker.log"), os.path.join(folder, "words.log"))
    truth = {}
    for j in map(json.loads, open(os.path.join(folder, "truth.jsonl"))):
        if "invocation" not in j:
            continue
        ns = {}
        for p in j["phases"]:
            ns.setdefault(p["name"], p["ns"])
        begin = j["sent_ns"] + ns.get("dispatch", 0)
        one = j["attempts"] == 1 and "worker queue" in ns
        truth[j["invocation"]] = (j["status"], j["function"], begin, j["sent_ns"] + j["e2e_ns"] - ns.get("return", 0) if j["status"] != "unfinished" else None,
                                  begin if one else None, begin + ns["worker queue"] if one else None)
    compare(f"seed {seed}", truth, *inferred(work, str(seed), os.path.join(folder, "words.log")))


if sys.argv[1] == "runs":
    for name in sys.argv[4:]:
        run(sys.argv[2], sys.argv[3], name)
else:
    for seed in range(int(sys.argv[3]), int(sys.argv[4]) + 1):
        faas_sim(sys.argv[2], seed)
