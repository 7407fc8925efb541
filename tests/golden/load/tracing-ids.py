#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tracing-ids.py SEED LINES NAMES LOG TIDS - lines of tracing-subscriber's JSON with ids under many names, in all places, some of which do not count, and
beside it what the transaction of each line is by docs/formats.md, as CSV. NAMES: those of --tid with commas between them, or "" for the usual ones."""
import json
import random
import sys

seed, lines, names, log, tids = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5]
r = random.Random(seed)
USUAL = json.load(open("schema/formats/default.json", encoding="utf-8"))["tid"]


def counts(v):
    if isinstance(v, (dict, list)) or v is None or v is True or v is False:
        return False
    text = str(v)
    return 0 < len(text) <= 1024 and text not in ("true", "false") and text.strip("0-") != ""


def at(o, path):
    """The values at a path: under a key with dots, and from object to object."""
    if path in o:
        yield o[path]
    for i in range(len(path) - 1, 0, -1):
        if path[i] == "." and isinstance(o.get(path[:i]), dict):
            yield from at(o[path[:i]], path[i + 1 :])


def part(o, key):
    v = o.get(key)
    return None if v in (None, "") or isinstance(v, list) else "true" if v is True else str(v)


def values(place, path):
    if "{" in path:
        a, b = part(place, "a"), part(place, "b")
        return [f"{a}/{b}"] if a and b else []
    if path.endswith(":string"):
        return [v for v in at(place, path[:-7]) if isinstance(v, str)]
    return at(place, path)


def by_names(places, paths):
    return next((str(v) for place in places for path in paths for v in values(place, path) if counts(v)), None)


def tid_of(d):
    spans = d.get("spans", [])
    word = [d["fields"], d, d.get("span", {})] + spans[::-1]
    word = [p["tid"] for p in word if isinstance(p.get("tid"), str) and 0 < len(p["tid"]) <= 1024]
    places = [d, d["fields"], d.get("span", {})] + spans[::-1]
    if names:
        return by_names(places, names.split(",")) or (word[0] if word else None)
    return word[0] if word else by_names(places, USUAL[1:])


def value(i):
    return r.choice([f"r{i // 3}", f"r{i // 3}", f"r{i // 3}", 100 + i // 3, f"q-{i % 7}", "0000-0000", "", None, 0, "true", True, [1], "x" * 1025, -3, 1.5])


keys = r.sample(["request_id", "trace_id", "req.id", "X-Request-Id", "transaction_id"], r.randrange(1, 4)) + r.sample(["tid", "job", "a", "b", "user"], 3)


def shape():
    """Where ids stand: a line's make, of which there are few."""
    return [[k for k in keys if r.random() < 0.25] for _ in range(5)] + [r.randrange(4), r.random() < 0.2, r.randrange(3), r.random() < 0.1]


shapes = [shape() for _ in range(12)]
with open(log, "w", encoding="utf-8") as out, open(tids, "w", encoding="utf-8") as said:
    said.write("line,tid\n")
    for i in range(lines):
        top, fields, span, outer, behind, depth, nested, message, rare = r.choice(shapes)
        v = (lambda: f"r{i // 3}") if r.random() < 0.6 else lambda: value(i)
        d = {"timestamp": f"2026-11-30T10:{i // 60 % 60:02d}:{i % 60:02d}.{i:06d}Z", "level": "INFO"}
        for k in top:
            d[k] = v()
        d["fields"] = {"message": f"step {message}", **{k: v() for k in fields}}
        if nested:
            d["fields"]["req"] = {"id": v(), "n": i}
        d["target"] = "app"
        if depth:
            inner = {**{k: v() for k in span}, "name": "inner"}
            d["span"] = inner
            d["spans"] = [{**{k: v() for k in outer}, "name": f"s{n}"} for n in range(depth - 1)] + [inner]
        for k in behind:
            d.setdefault(k, v())
        out.write(json.dumps(d, separators=(",", ":") if not rare or r.random() < 0.8 else None) + "\n")
        said.write(f"{i + 1},{tid_of(d) or '-'}\n")
