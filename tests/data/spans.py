#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A log in which one transaction has many spans within one: spans.py SPANS"""
import json
import sys

TID = "0123456789abcdef0123456789abcdef"


def say(us, message, name, within, **fields):
    spans = [{"tid": TID, "name": n} for n in within]
    stamp = f"2026-11-23 00:{us // 60000000 % 60:02d}:{us // 1000000 % 60:02d}.{us % 1000000:06d}".rstrip("0")
    line = {"timestamp": stamp + ("0" if stamp.endswith(".") else ""), "level": "DEBUG", "fields": {"message": message, **fields}, "target": "w",
            "span": {"tid": TID, "name": name}, "spans": spans}
    print(json.dumps(line, separators=(",", ":")))


def span(us, name):
    say(us, "new", name, ["whole"])
    say(us + 2, "close", name, ["whole"], **{"time.busy": "1.5µs", "time.idle": "500ns"})


n = int(sys.argv[1])
say(0, "new", "whole", [])
for i in range(n):
    span(10 + 10 * i, "round")
# The clock was set back: by its time this is one of the first.
span(15, "early")
say(20 * n, "close", "whole", [], **{"time.busy": "1ms", "time.idle": "1s"})
