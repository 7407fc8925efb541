#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""rules-schema.py valid RULES...     - is each rules file what schema/rules.schema.json says?
rules-schema.py agree RULES...     - does ilu-logq refuse what the schema refuses, and nothing else?

For `agree` each place of a file gets values that fit nowhere, is taken away, and gets a neighbour; what comes of it the schema and `rules check`
must see alike. What the schema can't say (a moment that nothing names) is passed over. Each kind of place is tried once.
"""
import copy
import json
import subprocess
import sys
import tempfile

try:
    import jsonschema
except ImportError:
    sys.exit("rules-schema.py: the Debian package python3-jsonschema is missing")

WRONG = [None, 3, "", "{", [], [3], "{a} {b|ids}", ["x"], {}, {"a": 1}]
BEYOND = ("unknown moment", "has a moment of its own", "is one that meanings give")  # what a schema can't say


def places(value, path=()):
    yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from places(value[key], path + (key,))


def kind_of(path, rules):
    """A place without numbers and without names of the file's own; of arguments each meaning's are a kind."""
    kind = tuple("*" if i and path[i - 1] in ("args", "values", "where", "times") else k for i, k in enumerate(path) if isinstance(k, str))
    return kind + (at(rules, path[:2])["means"],) if "args" in kind else kind


def at(rules, path):
    for key in path:
        rules = rules[key]
    return rules


def changed(rules, path):
    def other(key, *value):
        o = copy.deepcopy(rules)
        if value:
            at(o, path[: len(path) + (key is not None) - 1])[key if key is not None else path[-1]] = value[0]
        else:
            del at(o, path[:-1])[path[-1]]
        return o

    for value in WRONG if "args" not in path else WRONG[1::5]:
        yield other(None, value) if path else value
    if path:
        yield other(None)
    if isinstance(at(rules, path), dict):
        for key, value in (("tiem", "x"), ("means", "nothing"), ("args", {"fqdn": "x"}), ("prefix", "x"), ("begins", "attempt"), ("times", {"arrived": "x"})):
            if key not in at(rules, path) and (key == "tiem" or len(path) == 2 and path[0] == "messages"):
                yield other(key, value)


def valid(validator, files):
    for name in files:
        with open(name, encoding="utf-8") as f:
            wrong = [f"{list(e.path)}: {e.message}"[:200] for e in validator.iter_errors(json.load(f))]
        if wrong:
            print(f"{name}: {wrong[0]}")
    print(f"{len(files)} files of rules")


def agree(validator, files):
    tried, counts = set(), {True: 0, False: 0}
    with tempfile.TemporaryDirectory() as d:
        subprocess.run(["ilu-logq", "-d", d + "/db", "load", "-q", "tests/data/rules/kitchen.log"], check=True)
        for name in files:
            with open(name, encoding="utf-8") as f:
                rules = json.load(f)
            todo = {}
            for path in places(rules):
                todo.setdefault(kind_of(path, rules), path)
            for kind, path in todo.items():
                for other in changed(rules, path) if kind not in tried else ():
                    with open(d + "/own.json", "w", encoding="utf-8") as f:
                        json.dump(other, f)
                    fits = validator.is_valid(other)
                    said = subprocess.run(["ilu-logq", "-d", d + "/db", "rules", "check", d + "/own.json"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                    if any(b in said.stderr for b in BEYOND):
                        continue
                    counts[fits] += 1
                    if fits != (said.returncode < 2) or (not fits and not said.stderr.startswith(f"ilu-logq: {d}/own.json:")):
                        print(f"{name}: {path}: the schema says {'yes' if fits else 'no'}, ilu-logq {said.stderr.strip() or 'nothing'}")
                        print("\t" + json.dumps(at(other, path) if isinstance(other, dict) and kind and len(path) < 3 else other)[:300])
            tried |= set(todo)
    print(f"{len(files)} files of rules" if counts[True] > 50 and counts[False] > 150 else f"only {counts[True]} that fit and {counts[False]} that do not")


def main():
    with open("schema/rules.schema.json", encoding="utf-8") as f:
        schema = json.load(f)
    jsonschema.Draft202012Validator.check_schema(schema)
    {"valid": valid, "agree": agree}[sys.argv[1]](jsonschema.Draft202012Validator(schema), sys.argv[2:])


main()
