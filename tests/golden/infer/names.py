#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""names.py DIRECTORY - is a field with a known name the function however many values it has, and is it none where it is an id? Tells of each log where not."""
import csv, datetime, io, json, os, random, subprocess, sys

TOP = sys.argv[1]


def word(r):
    return "-".join("".join(r.choice("bdfgklmnprstz") + r.choice("aeiou") for _ in range(3)) for _ in range(2))


def words(n, before=""):
    r = random.Random(5)
    return [before + word(r) for _ in range(n)]


def of(list):
    return lambda r, i: r.choice(list)


def new(before):  # another one in each request
    return lambda r, i: before + word(r) + word(r)


# field, value of a request, requests, whether it is the function
LOGS = [
    ("route", of(words(300, "/api/v1/")), 1500, True),
    ("route", of(words(3000, "/api/")), 6000, True),
    ("route", of(words(1000, "/api/")), 100, True),
    ("http.route", of(words(400, "/api/")), 1500, True),
    ("path", of(words(600, "/")), 3000, True),
    ("command", of(words(500)), 3000, True),
    ("function", lambda r, i: f"fn-{r.randrange(1000)}", 100, True),
    ("function", lambda r, i: f"fn-{r.randrange(400)}", 3000, True),
    ("kind", of(words(5)), 300, True),
    ("job", lambda r, i: f"{r.getrandbits(64):x}", 1000, False),
    ("job", lambda r, i: f"job-{i // 2}", 1000, False),
    ("job", lambda r, i: i // 2, 1000, False),
    ("task", new(""), 1000, False),
    ("url", new("/s/"), 1000, False),
    ("endpoint", lambda r, i: f"10.0.0.{i % 9}:{r.randrange(20000, 60000)}", 1000, False),
    ("who", of(words(500)), 3000, False),
]


def write(path, field, value, n):
    r = random.Random(1)
    lines = []

    def say(t, **fields):
        at = datetime.datetime.fromtimestamp(1.8e9 + t, datetime.timezone.utc).isoformat(timespec="microseconds")
        lines.append((t, json.dumps({"time": at.replace("+00:00", "Z"), "level": "info", **fields})))

    for i in range(n):
        tid, took = f"{r.getrandbits(64):016x}", r.uniform(0.005, 0.03)
        say(i / 10, msg="request begins", request_id=tid, **{field: value(r, i)})
        say(i / 10 + took / 2, msg="looked up", request_id=tid)
        say(i / 10 + took, msg="request answered", request_id=tid)
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(line + "\n" for _, line in sorted(lines))


for number, (field, value, n, is_function) in enumerate(LOGS):
    log, db = TOP + "/x.log", f"{TOP}/{number}.db"
    write(log, field, value, n)
    subprocess.run(["ilu-logq", "-q", "-d", db, "load", "--tid", "request_id", log], check=True, stdout=subprocess.DEVNULL)
    sql = "SELECT count(*) AS n, count(function_name) AS named, count(DISTINCT function_name) AS names FROM invocation"
    got = next(csv.DictReader(io.StringIO(subprocess.run(["ilu-logq", "-d", db, "--format", "csv", "sql", sql], check=True, stdout=subprocess.PIPE, text=True).stdout)))
    made = len({v for v in map(lambda i, r=random.Random(1): value(r, i), range(n))})
    if int(got["n"]) != n or int(got["named"]) != (n if is_function else 0) or is_function and not made * 0.8 <= int(got["names"]) <= made * 1.3:
        print(field, n, "of", made, got)
    os.remove(db)
