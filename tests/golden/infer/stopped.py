#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""stopped.py KIND FILE - lines of a daemon with spans whose last requests all close at one instant.

stopped: it was stopped, and they still waited. batch: they were done together, and each is answered. cached: each says on its own that it was served
from elsewhere. alone: one in between closes without the answer that all others have.
"""
import json
import random
import sys

kind, r, lines = sys.argv[1], random.Random(7), []


def say(t, tid, message, level="INFO", **fields):
    lines.append((t, {"timestamp": f"2026-11-28T10:{int(t // 60):02d}:{t % 60:012.9f}Z", "level": level, "fields": {"message": message, **fields}, "target": "d", "span": {"tid": tid, "name": "request"}}))


def request(i, start, end, answer):
    tid = f"{i:04d}{r.randrange(16**8):08x}"
    say(start, tid, "new")
    say(start + 1e-4, tid, "taken in")
    if answer == "failed":
        say(end - 2e-4, tid, "no such thing", "ERROR")
    elif answer:
        say(end - 1e-4, tid, answer)
    say(end, tid, "close", **{"time.busy": "1ms", "time.idle": "1ms"})


for i in range(60):
    start = i + r.random()
    request(i, start, start + 0.3 + r.random(), None if kind == "alone" and i == 30 else "failed" if kind == "stopped" and i % 4 == 0 else "answered")
for i in range(60, 100 if kind != "alone" else 60):
    request(i, 30 + r.random() * 30, 90 + i * 1e-5, {"stopped": None, "batch": "answered", "cached": "served by a neighbour"}[kind])
lines.sort(key=lambda x: x[0])
with open(sys.argv[2], "w", encoding="utf-8") as f:
    for _, o in lines:
        f.write(json.dumps(o) + "\n")
