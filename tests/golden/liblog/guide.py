#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""guide.py GUIDE.md DIRECTORY - do what a guide says, in a directory: an empty one, or a copy of the tree.

A block whose fence says `c NAME` or `json NAME` is written to that file; an `sh` block is run, and must print what the
`text` block behind it shows, where numbers and ids may differ."""
import os
import re
import subprocess
import sys

FENCE = re.compile(r"^```(\w*) ?(\S*)\n(.*?)^```$", re.M | re.S)


def shape(text):
    text = re.sub(r"\b[0-9a-f]{32}\b", "ID", text)
    text = re.sub(r'"timestamp":"[^"]*"', '"timestamp":T', text)
    return re.sub(r'"(pid|seq)":\d+', r'"\1":N', text).split("\n")


def main():
    guide, directory = sys.argv[1:]
    blocks = FENCE.findall(open(guide, encoding="utf-8").read())
    os.makedirs(directory, exist_ok=True)
    files = runs = 0
    for i, (kind, name, text) in enumerate(blocks):
        if name:
            open(os.path.join(directory, name), "w", encoding="utf-8").write(text)
            files += 1
        elif kind == "sh":
            p = subprocess.run(["sh", "-e", "-c", text], cwd=directory, capture_output=True, text=True)
            expected = blocks[i + 1][2] if i + 1 < len(blocks) and blocks[i + 1][:2] == ("text", "") else ""
            if p.returncode or p.stderr or shape(p.stdout) != shape(expected):
                sys.exit(f"{guide}:\n{text}gives {p.returncode}:\n{p.stdout}{p.stderr}instead of:\n{expected}")
            runs += 1
    print(f"{files} files, {runs} runs as shown")


main()
