#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""inside.py DIR - writes DIR/docker.log and DIR/nested.log, lines of JSON in JSON that are mostly alike, and what their events are as DIR/*.csv.

Most differ in values alone; some have escapes, empty texts, objects, other types, pieces of a record, or text that is no record.
"""
import csv, json, random, sys

rnd = random.Random(14)
COLUMNS = ["time_ns", "kind", "level", "message", "tid", "n", "text"]


def text(i):
    return rnd.choice(["plain", "with \"quotes\"", "tab\t", "back\\slash", "", "zürich", "a\u2028b", "<html>&", "{", "\\u0041", "\U0001f600",
                       "word %d" % i, "word %d" % (i % 7)])


def record(i, ns):
    r = {"ts": "2026-06-01T10:00:%02d.%09dZ" % (i % 60, ns), "level": rnd.choice(["info", "warn"]), "msg": rnd.choice(["one", "two", text(i) or "three"]),
         "trace_id": "%08x" % rnd.randrange(1, 50), "n": rnd.choice([i, i, i, i * 0.5, None, True, str(i), {"a": i}, [i, "x"], [i]])}
    if rnd.random() < 0.5:
        r["text"] = text(i)
    if rnd.random() < 0.05:
        del r["msg"]
    return r


def shown(v):
    return "" if v is None else str(v).lower() if isinstance(v, bool) else v if isinstance(v, str) else json.dumps(v, separators=(",", ":"))


def row(r):
    s, f = r["ts"][17:-1].split(".")
    n = r["n"]
    return [1780308000000000000 + int(s) * 10**9 + int(f), "record", r["level"].upper(), r.get("msg", ""), r["trace_id"], int(n) if n is True else shown(n), r["text"] + "." if "text" in r else "-"]


def dumps(v):
    return json.dumps(v, separators=(",", ":"), ensure_ascii=rnd.random() < 0.2)


def main():
    for name in "docker", "nested":
        with open("%s/%s.log" % (sys.argv[1], name), "w", encoding="utf-8") as log, open("%s/%s.csv" % (sys.argv[1], name), "w", encoding="utf-8") as out:
            rows = []
            for i in range(4000):
                ns = rnd.randrange(10**9)
                r = record(i, ns)
                if "msg" not in r:
                    if name == "nested":
                        r["msg"] = "there"
                    else:
                        continue
                inner = dumps(r)
                outer = "2026-06-01T11:00:%02d.%09dZ" % (i % 60, ns)
                if name == "nested":
                    log.write(dumps({"time": outer, "severity": "DEBUG", "message": inner, "host": rnd.choice(["a", "b\"", "c"])}) + "\n")
                elif rnd.random() < 0.05:
                    at = rnd.randrange(1, len(inner))
                    for piece in inner[:at], inner[at:] + "\n":
                        log.write(dumps({"log": piece, "stream": "stdout", "time": outer}) + "\n")
                else:
                    log.write(dumps({"log": inner + "\n", "stream": "stdout", "time": outer}) + "\n")
                rows.append(row(r))
            w = csv.writer(out, lineterminator="\n")
            w.writerow(COLUMNS)
            w.writerows(rows)


main()
