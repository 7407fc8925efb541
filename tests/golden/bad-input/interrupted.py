#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""interrupted.py DIRECTORY - every place that reads a file, given a pipe that stays open: one Ctrl-C ends the program with 130, and no database is left or
changed. Tells of what does not."""
import array, fcntl, os, signal, subprocess, sys, termios, time

TOP = sys.argv[1]
LOG = "samples/logs/iluvatar"
subprocess.run(["ilu-logq", "-q", "-d", TOP + "/there.db", "load", LOG], check=True, stdout=subprocess.DEVNULL)
COMMANDS = [
    ["load", "--rules", "/dev/stdin", LOG],
    ["load", "--benchmark", "/dev/stdin", LOG],
    ["load", "--format-file", "/dev/stdin", LOG],
    ["load", "/dev/stdin"],
    ["rules", "check", "/dev/stdin"],
    ["report", "--sections", "/dev/stdin", "-o", TOP + "/report.md"],
    ["formats", "--test", "/dev/stdin"],
    ["sql"],
    ["sql", "--write"],
]


def left(fd):
    n = array.array("i", [0])
    fcntl.ioctl(fd, termios.FIONREAD, n)
    return n[0]


for command in COMMANDS:
    db = TOP + ("/new.db" if command[0] == "load" else "/there.db")
    p = subprocess.Popen(["ilu-logq", "-d", db, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    p.stdin.write("\n")
    p.stdin.flush()
    until = time.time() + 10
    while left(p.stdin.fileno()) and time.time() < until:
        time.sleep(0.01)
    time.sleep(0.1)
    p.send_signal(signal.SIGINT)
    try:
        p.wait(20)
    except subprocess.TimeoutExpired:
        print(command, "goes on")
        p.kill()
    out, err = p.communicate()
    if p.returncode not in (130, -9) or err.rstrip().endswith(":"):
        print(command, p.returncode, out, err)
    for name in ("new.db", "report.md"):
        if os.path.exists(f"{TOP}/{name}") and command[1] != "/dev/stdin":
            print(command, "left", name)
        if os.path.exists(f"{TOP}/{name}"):
            os.remove(f"{TOP}/{name}")
