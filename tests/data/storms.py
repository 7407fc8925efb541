#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A log in which transactions repeat themselves: storms.py ROUNDS"""
import json
import sys

rounds = int(sys.argv[1])
line = 0


def say(tid, message):
    global line
    line += 1
    stamp = f"2026-11-23 00:{line // 60000 % 60:02d}:{line // 1000 % 60:02d}.{line % 1000:03d}".rstrip("0")
    stamp += "0" if stamp.endswith(".") else ""
    print(json.dumps({"timestamp": stamp, "level": "DEBUG", "fields": {"message": message, "tid": tid}, "target": "w"}, separators=(",", ":")))


for tid in ("spins", "varies", "gets-on", "CtrMrgWorker"):
    say(tid, "Handling invocation request")
for i in range(rounds):
    say("spins", "checking resources")
    say("spins", "Insufficient resources to run item")
    # A round of another length now and then, with a value in its message, is a round of the same cycle.
    say("varies", f"Popped item from queue fcfs heap - len: {i} popped: f top: g")
    say("varies", "Trying to cold start a new container")
    if i % 100 == 7:
        say("varies", "Memory to be reclaimed")
    say("gets-on", "checking resources")
    say("gets-on", "Insufficient resources to run item")
    if i == rounds // 2:
        say("gets-on", "Container acquired")
    say("CtrMrgWorker", "updating container memory usages")
    say("CtrMrgWorker", "updated container memory usage")
say("spins", "Item starting to execute")
