#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""readme.py README.md DIRECTORY - type what a README shows, in DIRECTORY.

In its `console` blocks `$ ` begins a command and what follows is what it prints. A line `...` stands for any lines, and the
directory may have any name. Prints how many commands were typed; fails at the first that prints something else."""
import os, re, subprocess, sys


def commands(text):
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.M | re.S):
        for step in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, output = step.partition("\n")
            yield command, output


def pattern(output):
    text = "".join(r"(?:.*\n)*?" if line == "..." else re.escape(line) + r" *\n" for line in output.splitlines())
    text = re.sub(r"in\\ [\d\\.]+\\ s;", r"in\\ [\\d.]+\\ s;", text)  # how long loading took
    return text.replace(re.escape("/home/you/ilulog"), r"\S+")


def main():
    readme, directory = sys.argv[1:]
    with open(readme, encoding="utf-8") as f:
        steps = list(commands(f.read()))
    os.environ.pop("ILU_LOGQ_DB", None)
    for command, output in steps:
        p = subprocess.run(["sh", "-c", command], cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if p.returncode or not re.fullmatch(pattern(output), p.stdout):
            sys.exit(f"$ {command}\n{p.stdout}{p.stderr}ended with {p.returncode}; {readme} shows\n{output}")
    print(f"{len(steps)} commands as shown")


main()
