#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""kinds.py SEEDS DIRECTORY - are requests of unusual kinds found, and no others claimed?

Messages are random words. stream: hundreds of lines tell how far a request is. fanout: a request does a few things at once in two other daemons, each of which
says the same. skewed: jobs that workers take, whose clocks are 5 ms ahead or behind. answered: such jobs that the daemon which took them answers, too, at once. twice: jobs some of which are tried again, and lines that stand in
the log twice. proxied: a part of the requests comes through a proxy that says the same id first. quiet: a few requests when the log begins, which then goes on for an hour or a day. sessions: connections that live on, and begin with a greeting; none is a request. beside: requests, and connections of some lines of one message, or of a few. midway: streams that say when half is done, and health checks. Beside all of them set-up and care that begin and end, too.
"""
import collections
import csv
import datetime
import io
import json
import os
import random
import subprocess
import sys


class Log:
    def __init__(self, seed, path):
        self.r, self.path, self.lines, self.truth = random.Random(seed), path, [], {}

    def words(self, n):
        r = self.r
        return [" ".join("".join(r.choice("bdfgklmnprstz") + r.choice("aeiou") for _ in range(r.randrange(2, 4))) for _ in range(3)) for _ in range(n)]

    def id(self):
        return f"{self.r.getrandbits(64):016x}"

    def ms(self, least, most):
        return self.r.uniform(least, most) / 1000

    def say(self, t, file, tid, message, level="info"):
        self.lines.append((t, file, tid, message, level))

    def write(self):
        files = collections.defaultdict(list)
        for t, file, tid, message, level in sorted(self.lines, key=lambda x: x[0]):
            at = datetime.datetime.fromtimestamp(1.8e9 + t, datetime.timezone.utc)
            files[file].append(json.dumps({"time": at.isoformat(timespec="microseconds").replace("+00:00", "Z"), "level": level, "msg": message, "request_id": tid}))
        for file, lines in files.items():
            with open(os.path.join(self.path, file + ".log"), "w", encoding="utf-8") as f:
                f.write("\n".join(lines) + "\n")

    def care(self, n, until):
        """Registrations at the start, samples with an id on each line."""
        begin, end, sample = self.words(3)
        for i in range(n):
            tid = self.id()
            self.say(i / 1000, "a", tid, begin)
            self.say(i / 1000 + self.ms(1, 5), "a", tid, end)
        for i in range(400):
            self.say(until * i / 400, "a", self.id(), sample)


def stream(log, n):
    says, t = log.words(4), 0.0
    for _ in range(n):
        tid, t = log.id(), t + log.r.expovariate(1)
        log.say(t, "a", tid, says[0])
        at = t + log.ms(1, 5)
        log.say(at, "a", tid, says[1])
        for k in range(log.r.choice((20, 100, 200))):
            at += log.ms(1, 10)
            log.say(at, "a", tid, f"{says[2]} {k}")
        at += log.ms(1, 5)
        log.say(at, "a", tid, says[3])
        log.truth[tid] = "ok", at - t
    return t


def fanout(log, n):
    says, t = log.words(6), 0.0
    for _ in range(n):
        tid, t = log.id(), t + log.r.expovariate(5)
        log.say(t, "a", tid, says[0])
        log.say(t + log.ms(1, 2), "a", tid, says[1])
        ends = []
        for k in range(log.r.randrange(2, 6)):
            at = t + log.ms(2, 3)
            for says_part in says[2:4]:
                log.say(at, "bc"[k % 2], tid, says_part)
                at += log.ms(5, 30)
            log.say(at, "bc"[k % 2], tid, says[4])
            ends.append(at)
        end = max(ends) + log.ms(1, 2)
        log.say(end, "a", tid, says[5])
        log.truth[tid] = "ok", end - t
    return t


def job(log, t, says, again, file, ahead):
    """A job that is taken by a worker; the first try of some fails."""
    tid = log.id()
    log.say(t, "a", tid, says[0])
    at = t + log.ms(1, 40)
    for left in range(again, -1, -1):
        worker = file()
        log.say(at + ahead(worker), worker, tid, says[1])
        at += log.ms(10, 30)
        log.say(at + ahead(worker), worker, tid, says[2])
        at += log.ms(10, 30)
        if left:
            log.say(at + ahead(worker), worker, tid, says[3], "error")
            at += log.ms(20, 40)
    log.say(at + ahead(worker), worker, tid, says[4])
    log.truth[tid] = "ok", at + ahead(worker) - t


def skewed(log, n):
    says, t, clocks = log.words(5), 0.0, {"b": -0.005, "c": 0.005, "d": -0.005}
    for _ in range(n):
        t += log.r.expovariate(10)
        job(log, t, says, 0, lambda: log.r.choice("bcd"), clocks.get)
    return t


def answered(log, n):
    says, t, ahead = log.words(7), 0.0, log.r.choice((0.002, 0.003, 0.005))
    clocks = {"b": -ahead, "c": ahead} if log.r.random() < 0.7 else {"b": -ahead, "c": 0, "d": ahead, "e": ahead}
    for _ in range(n):
        t += log.r.expovariate(5)
        tid, at, worker = log.id(), t + log.ms(1, 10), log.r.choice(list(clocks))
        log.say(t, "a", tid, says[0])
        for k in range(3):
            log.say(at + clocks[worker], worker, tid, says[1 + k])
            at += log.ms(10, 30) if k < 2 else 0.001
        log.say(at, "a", tid, says[4])
        log.truth[tid] = "ok", at - t
    for k in range(n // 6):
        tid = log.id()
        log.say(k * t / (n // 6), "a", tid, says[5])
        log.say(k * t / (n // 6) + 0.001, "a", tid, says[6])
    return t


def twice(log, n):
    says, t = log.words(5), 0.0
    for i in range(n):
        t += log.r.expovariate(10)
        job(log, t, says, i % 9 == 4, lambda: "b", lambda _: 0)
    log.lines += [line for line in log.lines if log.r.random() < 0.03 and line[3] in says[1:3]]
    return t


def proxied(log, n):
    says, t, share = log.words(5), 0.0, log.r.choice((0.1, 0.2, 0.3, 0.4))
    for i in range(n):
        tid, t = log.id(), t + log.r.expovariate(5)
        for ms, what in (0, says[0]), (20, says[1]), (50, says[2]):
            log.say(t + ms / 1000, "a", tid, what)
        if i % 10 < 10 * share:
            log.say(t - 0.003, "p", tid, says[3])
            log.say(t + 0.052, "p", tid, says[4])
        log.truth[tid] = "ok", 0.05
    return t


def quiet(log, n):
    says, t = log.words(4), 0.0
    for _ in range(n // 4):
        tid, t = log.id(), t + log.r.expovariate(0.5)
        for k, what in enumerate(says[:3]):
            log.say(t + 0.02 * k, "a", tid, what)
        log.truth[tid] = "ok", 0.04
    until = log.r.choice((60, 1440))
    for i in range(until):
        log.say(60 * i, "a", None, says[3])
    return 60 * until


def sessions(log, n):
    says, t = log.words(7), 0.0
    for _ in range(n):
        tid, at = log.id(), t
        log.say(at, "a", tid, says[0])
        log.say(at + 0.001, "a", tid, says[1])
        for _ in range(log.r.randrange(15, 60)):
            at += log.r.expovariate(10)
            log.say(at, "a", tid, log.r.choice(says[3:]))
        log.say(at + 0.1, "a", tid, says[2])
        t += log.r.expovariate(2)
    return t


def beside(log, n):
    """Short connections of a database, and requests that need none."""
    says, t, whats = log.words(6), 0.0, log.words(log.r.choice((1, 3)))
    for _ in range(n):
        tid, t = log.id(), t + log.r.expovariate(0.5)
        for k, what in enumerate(says[:3]):
            log.say(t + 0.02 * k, "a", tid, what)
        log.truth[tid] = "ok", 0.04
    for _ in range(n):
        tid, at = log.id(), log.r.random() * t
        log.say(at, "a", tid, says[3])
        log.say(at + 0.01, "a", tid, says[4])
        for k in range(log.r.randrange(5, 14 if len(whats) > 1 else 30)):
            log.say(at + 0.1 + 0.3 * k, "a", tid, log.r.choice(whats))
        log.say(at + 0.2 + 0.3 * k, "a", tid, says[5])
    return t


def midway(log, n):
    says, t = log.words(6), 0.0
    for i in range(n):
        tid, t = log.id(), t + log.r.expovariate(1)
        log.say(t, "a", tid, says[0])
        at = t
        for what in says[1], says[2]:
            for k in range(log.r.randrange(10, 30)):
                at += 0.005
                log.say(at, "a", tid, f"{says[3]} {k}")
            log.say(at + 0.001, "a", tid, what)
            at += 0.001
        log.truth[tid] = "ok", at - t
        if i % 3 == 0:
            tid, asked = log.id(), t + 0.5
            log.say(asked, "a", tid, says[4])
            log.say(asked + 0.002, "a", tid, says[5])
            log.truth[tid] = "ok", 0.002
    return t


def look(log, db, kind, seed):
    subprocess.run(["ilu-logq", "-d", db, "load", "-q", "--run", "x", log.path], check=True, capture_output=True)
    out = subprocess.run(["ilu-logq", "-q", "-d", db, "--format", "csv", "sql", "SELECT tid, status, end_ns - arrived_ns AS ns FROM invocation"], check=True, capture_output=True, text=True).stdout
    found = {r["tid"]: r for r in csv.DictReader(io.StringIO(out, newline=""))}
    wrong = len(found.keys() ^ log.truth.keys())
    for tid in found.keys() & log.truth.keys():
        status, s = log.truth[tid]
        near = max(0.001, s / 100) + (0.011 if kind in ("skewed", "answered") else 0)
        wrong += found[tid]["status"] != status or not found[tid]["ns"] or abs(int(found[tid]["ns"]) / 1e9 - s) > near
    if wrong * 100 > len(log.truth):
        print(f"{kind}, seed {seed}: {wrong} wrong, {len(found)} found, {len(log.truth)} there", file=sys.stderr)
    return wrong * 100 > len(log.truth)


for kind in stream, fanout, skewed, answered, twice, proxied, quiet, sessions, beside, midway:
    wrong = 0
    for seed in range(1, int(sys.argv[1]) + 1):
        path = os.path.join(sys.argv[2], f"{kind.__name__}-{seed}")
        os.mkdir(path)
        log = Log(seed, path)
        log.care(20, kind(log, log.r.randrange(60, 160)))
        log.write()
        wrong += look(log, path + ".db", kind.__name__, seed)
    print(f"{kind.__name__}: {wrong} wrong")
