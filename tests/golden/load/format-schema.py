#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""format-schema.py SCHEMA FORMAT... - is each format what the schema says, and does ilu-logq refuse what it refuses?

Each place of a format gets values that fit nowhere, is taken away, and gets a neighbour; the schema and ilu-logq must
agree about what comes of it, and a refusal must name the file and the place. Each kind of place is tried once.
"""
import copy, json, os, subprocess, sys, tempfile

try:
    import jsonschema
except ImportError:
    sys.exit("format-schema.py: the Debian package python3-jsonschema is missing")

WRONG = [None, 3, "", "x", "=", [], [3], [""], {}, {"a": 1}]
ALSO = {"lines": ["{", "{a}{b}", "{:x}", "{a:rest} ", "{a:until}", "{a:until} b", "{a:until}{b:int}", "{a:until}] {b}", "{a:4}b{:int}{c:x|y}{d:rest}", ["a", "{b"]], "time_unit": ["ns"], "duration_unit": ["us"], "span_time": ["start"], "no_repair": ["comma", "all", ["nuls", "utf8"], "comma,nuls"], "day_first": [True], "time_wins": ["envelope"], "time_format": ["%Y", "%", "a%q", ["%s", "%"]],
        "time": ["{a} {b}", "{a", "a}", "{}", "{a}{b}"], "target": ["{a{b}}"], "parts": [{"a": "{b}"}, {"a": ["{b}", "{"]}, {"": "{b}"}, {"{a}": "{b}"}, {"a": []}],
        "level_of": [{"a": {"1..2": "WARN"}}, {"a": {"*": "BAD"}}, {"{a}": {"*": "WARN"}}, {"a": {}}], "worker": ["{a}"], "files": ["*.log", ["a", ""]],
        "partial": [{"key": "a", "is": "b"}, {"key": "a"}, {"without_end": "a"}], "levels": [{"a": "ERROR"}]}


def places(value, path=()):
    """Each place in a format, as a list of keys, with the name of its kind."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], path + (key,))
    elif isinstance(value, list):
        for i in range(len(value)):
            yield from places(value[i], path + (i,))


def kind_of(path):
    named = [k if isinstance(k, str) else "#" for k in path]
    for at in ("keys", "levels", "span_begin", "span_end", "level_of", "parts", "sent", "received"):
        if len(named) > 1 and named[0] == at:
            return (at, "*")
    if named[:1] == ["samples"] and "fields" in named:
        return tuple(named[:3])
    return tuple(named)


def at(format_, path):
    for key in path:
        format_ = format_[key]
    return format_


def changed(format_):
    """What may become of a format, and the place that was touched; the place may not be there any more."""
    for path in places(format_):
        for value in WRONG + ALSO.get(path[0] if path else None, []):
            if not path:
                yield path, value
                continue
            other = copy.deepcopy(format_)
            at(other, path[:-1])[path[-1]] = value
            yield path, other
        if path:
            other = copy.deepcopy(format_)
            del at(other, path[:-1])[path[-1]]
            yield path[:-1], other
        if isinstance(at(format_, path), dict):
            other = copy.deepcopy(format_)
            at(other, path)["tiem"] = "time"
            yield path + ("tiem",), other


def text_of(path):
    text = ""
    for key in path:
        text += "[%d]" % key if isinstance(key, int) else "." * bool(text) + key
    return text


def main():
    with open(sys.argv[1]) as f:
        schema = json.load(f)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    tried, counts, wrong = set(), {True: 0, False: 0}, 0
    with tempfile.TemporaryDirectory() as d:
        file = d + "/own.json"
        env = dict(os.environ, XDG_CONFIG_HOME=d)

        def check(format_, path, name):
            with open(file, "w") as f:
                json.dump(format_, f)
            fits = validator.is_valid(format_)
            said = subprocess.run(["ilu-logq", "formats", "--format-file", file], env=env, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True)
            ok = fits == (said.returncode == 0)
            if ok and not fits:  # the place itself, or one around or in it
                place = said.stderr.partition(file + ": ")[2]
                ok = said.stderr.startswith("ilu-logq: " + file + ": ") and (
                    len(path) < 2 or place.startswith(text_of(path[:1])))
            if not ok:
                print("%s: %s: the schema says %s, ilu-logq %s" % (name, text_of(path), "yes" if fits else "no",
                                                                   said.stderr.strip() or "nothing"))
                print("\t" + json.dumps(format_)[:400])
            counts[fits] += 1
            return not ok

        for name in sys.argv[2:]:
            with open(name) as f:
                format_ = json.load(f)
            if not validator.is_valid(format_):
                wrong += 1
                print("%s: %s" % (name, next(validator.iter_errors(format_)).message))
            todo = {kind_of(p) for p in places(format_)} - tried
            for path, other in changed(format_):
                if kind_of(path) in todo or (path and path[-1] == "tiem" and kind_of(path[:-1]) in todo):
                    wrong += check(other, path, os.path.basename(name))
            tried |= todo
    if counts[True] < 50 or counts[False] < 300:
        print("only %d that fit and %d that do not" % (counts[True], counts[False]))
    print("%d formats, %d disagreements" % (len(sys.argv) - 2, wrong))


main()
