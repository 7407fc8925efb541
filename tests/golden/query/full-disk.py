#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""full-disk.py DB DIRECTORY - every command, as text, CSV and JSON, into /dev/full: where it says anything, it ends with 4 and "No space left on device",
and with -o the name of what it writes. Tells of each that does not."""
import os, re, sqlite3, subprocess, sys

DB, TOP = sys.argv[1:]
tid = sqlite3.connect(DB).execute("SELECT tid FROM invocation LIMIT 1").fetchone()[0]
ARGUMENTS = {"compare": ["1", "2"], "timeline": [tid], "tree": [tid], "critical-path": [tid], "cat": ["1"], "diagnose": ["mount"], "sql": ["SELECT * FROM event"]}
OTHERS = [["rules", "check", "schema/rules/iluvatar.json"], ["formats", "zap"], ["events", "--raw"], ["blame", tid], ["describe", "source"], ["phases", "--help"], ["--help"], ["--version"]]
WRITING = ["load", "push", "fold", "compact", "drop-source", "recover", "rules"]


def run(command, out, *options):
    with open(out, "wb") as f:
        return subprocess.run(["ilu-logq", "-d", DB, *options, *command], stdin=subprocess.DEVNULL, stdout=f, stderr=subprocess.PIPE, text=True)


words = re.findall(r"^  ([a-z-]+) +\S", subprocess.run(["ilu-logq", "--help"], stdout=subprocess.PIPE, text=True).stdout, re.M)
commands = [[w] + ARGUMENTS.get(w, []) for w in words if w not in WRITING and w != "export"] + OTHERS
commands += [["export", f] for f in ("perfetto", "otlp", "folded", "speedscope", "trace-csv", "ndjson")]
tried = 0
for command in commands:
    for format in ("text", "csv", "json"):
        good = run(command, TOP + "/out", "--format", format)
        if good.returncode not in (0, 1) or not os.path.getsize(TOP + "/out"):
            continue
        tried += 1
        full = run(command, "/dev/full", "--format", format)
        if full.returncode != 4 or full.stderr.count("No space left on device") != 1:
            print(command, format, full.returncode, full.stderr)
os.remove(TOP + "/out")
for command in [["report"], ["compare", "1", "2"], ["rules", "infer"]] + [["export", f] for f in ("perfetto", "otlp", "folded", "speedscope", "trace-csv", "ndjson")]:
    for end in {"report": ("html", "md", "json"), "compare": ("html", "md", "json")}.get(command[0], ("any",)):
        name = f"{TOP}/full.{end}"
        os.symlink("/dev/full", name)
        full = run(command + ["-o", name], os.devnull)
        os.remove(name)
        if full.returncode == 1 and command[0] == "rules":  # nothing was found to write
            continue
        tried += 1
        if full.returncode != 4 or f"{name}: No space left on device" not in full.stderr:
            print(command, name, full.returncode, full.stderr)
if tried < 80:
    print("only", tried, "had an answer")
