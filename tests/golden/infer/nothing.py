#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs in which there are no requests, by the number of a seed: nothing.py SEED FILE.

Five kinds, by SEED modulo 5: status lines only, ids dealt out at random, ids of one line each, connections that live on and repeat themselves, status
lines behind registrations that begin and end.
Messages and fields are random words.
"""
import json, random, sys


def word(r):
    return "".join(r.choice("bcdfgklmnprst") + r.choice("aeiou") for _ in range(r.randint(2, 4)))


def lines(seed):
    r = random.Random(seed)
    words = [" ".join(word(r) for _ in range(r.randint(1, 4))) for _ in range(r.randint(2, 12))]
    field, value = word(r), [word(r) for _ in range(4)]
    ids = [f"{r.getrandbits(64):016x}" for _ in range(r.randint(30, 300))]
    n, kind, t = r.randint(400, 3000), seed % 5, 0.0
    live = []  # connections: id, how many lines it has had
    left = [ids[i // 2] for i in range(60)]  # registrations: two lines each
    for i in range(n):
        t += r.expovariate(80 if kind == 4 and left else 20)
        tid = message = None
        if kind == 4 and left:
            tid, message = left.pop(0), f"registration {'ends' if len(left) % 2 == 0 else 'begins'}"
        elif kind in (0, 4):
            tid, message = ("monitor", "sampler", None)[i % 3], words[i % 3 % len(words)]
        elif kind == 1:
            tid, message = r.choice(ids), r.choice(words)
        elif kind == 2:
            tid, message = f"{r.getrandbits(64):016x}", r.choice(words)
        else:
            if len(live) < 8:
                live.append([f"{r.getrandbits(64):016x}", 0])
            c = r.choice(live)
            c[1] += 1
            last = c[1] > 20 and r.random() < 0.05
            message = words[0] if c[1] == 1 else words[1] if last else (words[2:] or ["x " + words[0]])[r.randrange(max(1, len(words) - 2))]
            tid = c[0]
            if last:
                live.remove(c)
        o = {"time": f"2026-11-28T10:{int(t // 60) % 60:02d}:{t % 60:09.6f}Z", "level": r.choice(["info", "info", "info", "warn"]), "msg": message}
        if tid:
            o["request_id"] = tid
        o[field] = r.choice(value)
        yield o


with open(sys.argv[2], "w") as f:
    for o in lines(int(sys.argv[1])):
        f.write(json.dumps(o) + "\n")
