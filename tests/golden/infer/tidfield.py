#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tidfield.py KIND SEED DIRECTORY - a log whose lines name their transaction in a field that no format knows; its name is written to DIRECTORY/field.

KIND: plain, numbers (ids are numbers), nested (the field is inside an object), parent (requests with others inside, which name both), two (two
daemons call it differently), three (daemons have a part of each request; one began a while before, and says much else), noisy (as two, and samples
have ids of their own, more of them than there are requests), paths (the first and the last line of a request have a path with an id in it), pathids,
urns (ids are paths, or addresses), things (a thing is put somewhere and taken out later, and looked for under other names: no transaction), tracing
(tracing-subscriber's JSON), span, outer (of that: the field is in the span, or in one around that), shuffled (no field: the ids are dealt out anew),
lines (an id on each line, never twice), constant, threads."""
import datetime
import json
import os
import random
import sys

kind, seed, directory = sys.argv[1], int(sys.argv[2]), sys.argv[3]
r = random.Random(seed)


def word():
    return "".join(r.choice("aeiou") + r.choice("bdfgklmnprstz") for _ in range(r.randrange(2, 4)))


def new_id():
    if kind in ("pathids", "urns"):
        return f"{'urn://' if kind == 'urns' else '/'}{name}/{r.randrange(16**10):x}"
    return r.randrange(10**9) if kind == "numbers" else f"{word()}-{r.randrange(16**6):06x}"


name, parent, other, thread, user = word() + "_ref", word() + "_up", word() + "_ref2", word(), word()
steps = [word() + " " + word() for _ in range(r.randrange(3, 6))]
inner = [word() + " " + word() for _ in range(2)]
lines = []  # time, file, record


def say(t, file, message, **fields):
    lines.append((t, file, {"msg": message, **fields}))


n = r.randrange(60, 150)
for i in range(n if kind == "things" else 0):
    t, me = i * 0.5, new_id()
    say(t, "a", steps[0], **{name: me})
    say(t + r.random() * 20, "a", steps[1], **{name: me})
    for _ in range(5):
        say(t + r.random() * 20, "a", steps[2], **{name: new_id()})
for i in range(n if kind != "things" else 0):
    path = f"/{word()}/{i}" if kind == "paths" else None
    t, me, runner, who = r.random() * n, new_id(), f"t{r.randrange(4)}", f"u{r.randrange(9)}"
    for k, step in enumerate(steps):
        second = kind in ("two", "noisy") and k >= len(steps) / 2
        fields = {thread: runner, user: who}
        if kind in ("lines", "shuffled"):
            fields[name] = new_id()
        elif kind == "constant":
            fields[name] = "one-1"
        elif kind == "nested":
            fields["ctx"] = {name: me, "n": k}
        elif kind != "threads":
            fields[other if second else name] = me
        if kind == "paths" and k in (0, len(steps) - 1):
            fields["where"] = path
        say(t, "abc"[(k > 0) + (k == len(steps) - 1)] if kind == "three" else "b" if second else "a", step, **fields)
        t += r.random() * 0.05
    if kind == "parent":
        child = new_id()
        for step in inner:
            t += 0.002
            say(t, "a", step, **{name: child, parent: me})
for i in range(5 * n if kind == "noisy" else 0):
    for file, field, what in (("a", name, "sample of "), ("b", other, "load of ")):
        say(r.random() * n, file, what + steps[0], **{field: new_id()})
for i in range(42000 if kind == "three" else 0):
    say(r.random() * 2 * n - n, "a", "care of " + steps[0], size=r.randrange(10))
for i in range(r.randrange(4 * n)):
    say(r.random() * n, "a", "pool of " + steps[0], size=r.randrange(10), path=f"/{word()}/{r.randrange(10**6)}")
if kind == "shuffled":
    ids = [x[2][name] for x in lines if name in x[2]]
    ids = (ids[: len(ids) // len(steps)] * len(steps))[: len(ids)]
    r.shuffle(ids)
    for x in lines:
        if name in x[2]:
            x[2][name] = ids.pop()
lines.sort(key=lambda x: x[0])
os.makedirs(directory, exist_ok=True)
files = {}
for i, (t, file, record) in enumerate(lines):
    at = datetime.datetime.fromtimestamp(1.8e9 + t, datetime.timezone.utc)
    if file not in files:
        files[file] = open(os.path.join(directory, file + ".log"), "w", encoding="utf-8")
    stamp = at.isoformat().replace("+00:00", "Z")
    if kind in ("tracing", "span", "outer"):
        fields = {"message": record.pop("msg"), "count": i, **record}
        text = {"timestamp": stamp, "level": "INFO", "fields": fields, "target": "app"}
        if kind != "tracing":
            me, inside = {"name": "request"}, {"id": r.randrange(1, 9), "step": r.randrange(3), "name": "step"}
            if name in fields:
                me = {name: fields.pop(name), **me}
            text["span"], text["spans"] = (inside, [me, inside]) if kind == "outer" else (me, [me])
    else:
        text = {"ts": stamp, "level": "info", "count": i, **record}
    files[file].write(json.dumps(text) + "\n")
for f in files.values():
    f.close()
want = {"nested": "ctx." + name, "two": f"{name},{other}", "noisy": f"{name},{other}"}.get(kind, name)
open(os.path.join(directory, "field"), "w", encoding="utf-8").write((want if kind not in ("shuffled", "lines", "constant", "threads", "things") else "-") + "\n")
open(os.path.join(directory, "requests"), "w", encoding="utf-8").write(f"{n * (2 if kind == 'parent' else 1)}\n")
