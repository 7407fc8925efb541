#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""compare-truth.py WORK PAIRS [alike|slower|few]... - does `ilu-logq compare` say what is true of pairs of faas-sim runs?

alike    runs that differ in their seed alone: in at most 5 % of the pairs anything may be claimed, of times, failures or lines
slower   one phase of one function takes 10 % longer in B, with 200 requests of it or more: found, and its function and phase named
         first, in 95 % of the pairs or more
few      fewer than 20 requests: nothing is claimed

In all of them the parts add up to the difference of means, to the ns. Of few pairs two more than 5 % may be wrong: that is chance.
ILU_COMPARE_FIRST=N begins with the N-th pair, and so with other seeds."""
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

# Loads that are light and heavy, short and long, steady and in bursts.
ALIKE = [
    "--seconds 20",
    "--seconds 30 --arrivals poisson --cores 8 --memory 4096",
    "--seconds 40 --arrivals bursty --rate 20 --memory 4096",
    "--seconds 20 --workers 3 --rate 60 --arrivals poisson",
    "--seconds 5",
    "--seconds 40 --rate 20 --cores 8 --memory 8192 --keep-alive 60000 --arrivals poisson",
]
FUNCTIONS = {"hello": (180, 40, 64), "float": (220, 50, 96), "json": (260, 30, 128), "aes": (240, 60, 128), "gzip": (420, 110, 256)}
# A phase, what runs have in common (so that 200 requests of each function have it), and its column in the metadata.
SLOWER = [
    ("execution", "--seconds 60 --rate 25 --arrivals poisson --cores 8 --memory 8192 --keep-alive 60000 --fail-rate 0", 1),
    ("execution", "--seconds 60 --rate 25 --arrivals mixed --cores 8 --memory 8192 --keep-alive 60000", 1),
    ("container acquisition (cold)", "--seconds 60 --rate 25 --arrivals poisson --cores 24 --memory 65536 --keep-alive 0 --fail-rate 0", 0),
]
FEW = ["--seconds 3 --rate 5 --arrivals poisson", "--seconds 2 --rate 6"]


def database(work, name, options):
    run, db = os.path.join(work, name), os.path.join(work, name + ".db")
    shutil.rmtree(run, ignore_errors=True)
    subprocess.run(["faas-sim", "--time", "virtual", "--level", "info", "--spanning", "NONE", "--directory", run] + options, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ilu-logq", "-q", "-d", db, "load", run], check=True)
    shutil.rmtree(run)
    return db


def compare(work, name, a, b):
    """Two runs with these options, compared."""
    dbs = [database(work, f"{name}-{side}", o) for side, o in (("a", a), ("b", b))]
    p = subprocess.run(["ilu-logq", "--format", "json", "compare"] + dbs, capture_output=True, text=True)
    for db in dbs:
        os.remove(db)
    if p.returncode not in (0, 1):
        sys.exit(f"{name}: {p.stderr}")
    d = json.loads(p.stdout)
    for g in [d["all"]] + d["functions"]:
        if g["a"]["ok"] and g["b"]["ok"] and sum(x["mean_ns"] for x in g["parts"]) != g["b"]["mean_ns"] - g["a"]["mean_ns"]:
            sys.exit(f"{name}: the parts of {g.get('function_name', 'all')} do not add up")
    return d


def claims(d):
    """What is claimed: (function, what, worse), the surest first; then lines."""
    lines = [(None, x.get("template") or x["name"], None) for k in ("messages", "errors", "spans") for x in d[k] if x["evidence"]]
    return [(c["function_name"], c["what"], c["worse"]) for c in d["claims"]] + lines


def alike(work, i):
    o = ALIKE[i % len(ALIKE)].split()
    d = compare(work, f"alike-{i}", o + ["--seed", str(2 * i + 1)], o + ["--seed", str(2 * i + 2)])
    return not claims(d), claims(d)


def metadata(work, name, change=None, column=None):
    path = os.path.join(work, name)
    with open(path, "w") as f:
        f.write("func_name,cold_dur_ms,warm_dur_ms,mem_mb\n")
        for fn, (cold, warm, mb) in FUNCTIONS.items():
            if fn == change and column == 1:
                cold, warm = cold + warm // 10, warm + warm // 10
            elif fn == change:
                cold += (cold - warm) // 10
            f.write(f"{fn},{cold},{warm},{mb}\n")
    return path


def slower(work, i):
    phase, options, column = SLOWER[i % len(SLOWER)]
    fn = list(FUNCTIONS)[i // len(SLOWER) % len(FUNCTIONS)]
    a = options.split() + ["--metadata", metadata(work, f"a-{i}.csv"), "--seed", str(2 * i + 1)]
    b = options.split() + ["--metadata", metadata(work, f"b-{i}.csv", fn, column), "--seed", str(2 * i + 2)]
    d = compare(work, f"slower-{i}", a, b)
    g = next(x for x in d["functions"] if x["function_name"] == fn)
    if min(g["a"]["ok"], g["b"]["ok"]) < 200:
        sys.exit(f"slower-{i}: only {g['a']['ok']} and {g['b']['ok']} requests of {fn}")
    found = claims(d)
    named = [c for c in found if c[1] not in ("end to end", "cold share", "failed") and c[0]]
    return bool(found) and g["verdict"] == "slower" and bool(named) and named[0] == (fn, phase, True), (fn, phase, found[:3])


def few(work, i):
    o = FEW[i % len(FEW)].split()
    d = compare(work, f"few-{i}", o + ["--seed", str(2 * i + 1)], o + ["--seed", str(2 * i + 2)])
    groups = [d["all"]] + d["functions"]
    bad = [g for g in groups if min(g["a"]["ok"], g["b"]["ok"]) < 20 and g["verdict"] != "too few"]
    counts = {g.get("function_name"): min(g["a"]["n"], g["b"]["n"]) for g in groups}
    bad += [c for c in d["claims"] if counts[c["function_name"]] < 20]
    if min(d["all"]["a"]["n"], d["all"]["b"]["n"]) < 20:
        bad += claims(d)
    return not bad, bad


def main():
    work, n, first = sys.argv[1], int(sys.argv[2]), int(os.environ.get("ILU_COMPARE_FIRST", "0"))
    for kind in sys.argv[3:] or ["alike", "slower", "few"]:
        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(lambda i: globals()[kind](work, i), range(first, first + n)))
        wrong = [(i, what) for i, (right, what) in enumerate(found, first) if not right]
        most = 0 if kind == "few" else n // 20 + (2 if n < 100 else 0)
        if os.environ.get("ILU_TEST_VERBOSE") or len(wrong) > most:
            for i, what in wrong:
                print(f"  {kind}-{i}: {what}")
        print(f"{kind}: {n} pairs, {'ok' if len(wrong) <= most else 'WRONG'}: {len(wrong)} wrong of at most {most}", flush=True)


if __name__ == "__main__":
    main()
