#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs in which requests do not all stand alike: logs.py cut|met|parts|hangs|few|again|often|half|warned|gone|poured|atonce|well|stuck DIR

cut: 400 requests in the log of a client, of which the log of the daemon has eight.
met: as cut, but both logs have a line that a connection was opened, in one request.
parts: a daemon's log of 400 requests in ten files; in 9 of the last 40 the tea boils over.
hangs: two of 60 requests hang as soon as they are cooked, in the instant in which they came and were taken.
few: of 400 requests 12 wait for the oven, and 12 others say that the radio was on, which takes none of their time.
again, often, half: of 60 requests 6, 8 or 30 burn and are tried again. Where nothing goes wrong a try begins with the request.
warned: of 200 requests every other one is warned that its upstream is gone, and asks again.
gone: ten of 200 requests ask again after 320 ms, without the reply that the others have.
poured: of 180 orders 120 are cooked, 10 of them twice; for half of the cooked ones, and for the others, a drink is poured.
atonce: 40 of 400 requests are tried again, 14 of these in the millisecond of the error, which stands in another file.
well: as atonce, but the end has a status 200, and the error of 13 others comes a millisecond too late.
stuck: two of 100 jobs hang when they have started; some of the others are started twice.
"""
import datetime
import json
import os
import sys

START = datetime.datetime(2026, 11, 28, 9, tzinfo=datetime.timezone.utc)


def stamp(ms):
    return (START + datetime.timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def line(out, ms, request, message, level="info", **fields):
    out.append((ms, json.dumps({"time": stamp(ms), "level": level, "msg": message, "request_id": f"r{request}", **fields})))


def write(folder, name, lines):
    with open(os.path.join(folder, name), "w") as f:
        f.writelines(text + "\n" for _, text in sorted(lines, key=lambda l: l[0]))


def cut(folder, met=None):
    client, daemon = [], []
    for r in range(400):
        at, wait, work = r * 50, 100 + r % 7, 20 + r % 3
        line(client, at, r, "ordering")
        line(client, at + wait + work, r, "served")
        if r < 8:
            line(daemon, at, r, "order is in the queue")
            line(daemon, at + wait, r, "order is being cooked")
        if r == met:
            line(client, at + 2, r, "connection opened")
            line(daemon, at + 1, r, "connection opened")
    write(folder, "client.log", client)
    write(folder, "kitchen.log", daemon)


def met(folder):
    cut(folder, 3)


def parts(folder):
    for part in range(10):
        lines = []
        for r in range(part * 40, part * 40 + 40):
            at, wait, work = r * 50, 100 + r % 7, 20 + r % 3
            line(lines, at, r, "ordering")
            line(lines, at + wait, r, "tea is made")
            if r >= 391:
                line(lines, at + wait + work // 2, r, "tea boils over")
            line(lines, at + wait + work, r, "served")
        write(folder, f"kitchen.{part}.log", lines)


def hangs(folder):
    lines = []
    for r in range(60):
        hung = r in (20, 40)
        at, wait = r * 500, 0 if hung else 60 + r % 7
        line(lines, at, r, "ordering")
        line(lines, at + wait * 2, r, "cooking begins", taken=stamp(at + wait))
        if not hung:
            line(lines, at + wait * 2 + 100, r, "served")
    write(folder, "kitchen.log", lines)


def few(folder):
    lines = []
    for r in range(400):
        at, wait = r * 500, 150 + r % 9 if r % 33 == 5 else 0
        line(lines, at, r, "ordering")
        if wait:
            line(lines, at + 1, r, "oven is full")
            line(lines, at + wait, r, "oven is free")
        line(lines, at + wait + 2, r, "cooking begins")
        if r % 33 == 7:
            line(lines, at + 20 + r % 5, r, "radio was on")
        line(lines, at + wait + 60 + r % 5, r, "served")
    write(folder, "kitchen.log", lines)


def again(folder, every=10):
    lines = []
    for r in range(60):
        at = r * 500
        line(lines, at, r, "ordering")
        for attempt in range(2 if r % every == 3 % every else 1, 0, -1):
            line(lines, at, r, "a cook begins")
            line(lines, at + 50, r, "in the oven")
            at += 80
            if attempt > 1:
                line(lines, at, r, "it has burnt", level="error")
        line(lines, at, r, "served")
    write(folder, "kitchen.log", lines)


def often(folder):
    again(folder, 8)


def half(folder):
    again(folder, 2)


def warned(folder):
    lines = []
    for r in range(200):
        at = r * 100
        line(lines, at, r, "accepted")
        at += 1
        for attempt in range(1 + r % 2, 0, -1):
            line(lines, at, r, "lookup")
            at += 5 + r % 3
            if attempt > 1:
                line(lines, at, r, "upstream gone", level="warn")
            else:
                line(lines, at, r, "reply from upstream")
            at += 2
        line(lines, at, r, "sent back")
    write(folder, "proxy.log", lines)


def gone(folder):
    lines = []
    for r in range(200):
        at = r * 1000
        line(lines, at, r, "accepted")
        at += 1
        if r % 20 == 7:
            line(lines, at, r, "lookup")
            line(lines, at + 300, r, "upstream gone", level="error")
            at += 320
        line(lines, at, r, "lookup")
        line(lines, at + 30, r, "reply")
        line(lines, at + 40, r, "sent back")
    write(folder, "proxy.log", lines)


def poured(folder):
    lines = []
    for r in range(180):
        at = r * 500
        line(lines, at, r, "ordering")
        if r % 3 == 0:
            line(lines, at + 150, r, "poured")
            line(lines, at + 250, r, "served")
            continue
        at += 20
        for attempt in range(2 if r % 18 == 4 else 1, 0, -1):
            line(lines, at, r, "a cook begins")
            line(lines, at + 50, r, "in the oven")
            at += 80
            if attempt > 1:
                line(lines, at, r, "it has burnt", level="error")
                at += 5
        if r % 3 == 1:
            line(lines, at + 20, r, "poured")
            at += 70
        line(lines, at, r, "served")
    write(folder, "kitchen.log", lines)


def atonce(folder, late=0, **end):
    proxy, errors = [], []
    for r in range(400):
        at = r * 100
        line(proxy, at, r, "accepted")
        at += 1
        if r % 10 == 7:
            line(proxy, at, r, "lookup")
            at += 10
            line(errors, at + (late if r % 30 == 17 else 0), r, "upstream gone", level="error")
            at += 0 if r % 30 in (7, 17 if late else 7) else 2
        line(proxy, at, r, "lookup")
        line(proxy, at + 30, r, "sent back", **end)
    write(folder, "a.log", proxy)
    write(folder, "b.log", errors)


def well(folder):
    atonce(folder, 1, status=200)


def stuck(folder):
    lines = []
    for r in range(100):
        at = r * 200
        line(lines, at, r, "job received")
        line(lines, at + 3, r, "job started")
        if r in (50, 70):
            continue
        at += 23
        if r % 12 == 4:
            line(lines, at, r, "data fetched")
            line(lines, at + 30, r, "job failed", level="error")
            line(lines, at + 40, r, "job started")
            at += 60
        line(lines, at, r, "data fetched")
        line(lines, at + 30, r, "job finished")
    write(folder, "jobs.log", lines)


KINDS = {"cut": cut, "met": met, "parts": parts, "hangs": hangs, "few": few, "again": again, "often": often, "half": half, "warned": warned, "gone": gone, "poured": poured, "atonce": atonce, "well": well, "stuck": stuck}
KINDS[sys.argv[1]](sys.argv[2])
