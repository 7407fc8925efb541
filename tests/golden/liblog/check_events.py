#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_events.py SCHEMA LOG... - is every line of a log what schema/event.schema.json and docs promise?

Beyond the schema: the order of keys, which JSON Schema cannot say; no key twice; bytes that are safe on a terminal;
seq without holes; and every property of the schema has a description."""
import json
import os
import re
import sys

try:
    import jsonschema
except ImportError:  # another python3 may come first in PATH than the one that Debian's package is for
    if sys.executable == "/usr/bin/python3" or not os.access("/usr/bin/python3", os.X_OK):
        sys.exit("check_events.py: the Debian package python3-jsonschema is missing")
    os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)

ORDER = ["timestamp", "level", "fields", "target", "span", "spans", "threadName", "pid", "seq", "recorded", "recovered"]
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class Bad(Exception):
    pass


def pairs(items):
    keys = [k for k, _ in items]
    if len(set(keys)) != len(keys):
        raise Bad(f"a key twice: {keys}")
    return dict(items)


def check_span(span):
    keys = list(span)
    tail = [k for k in ("name", "id", "parent") if k in span]
    head = keys[: len(keys) - len(tail)]
    if keys[len(head):] != tail or head != sorted(head):
        raise Bad(f"order of keys in a span: {keys}")


def check_order(event):
    keys = list(event)
    if keys != [k for k in ORDER if k in event]:
        raise Bad(f"order of keys: {keys}")
    fields = list(event["fields"])
    if fields[0] != "message" or ("tid" in fields and fields[1] != "tid"):
        raise Bad(f"order of fields: {fields}")
    for span in [event.get("span")] + event.get("spans", []):
        if span:
            check_span(span)


def check_line(raw, validator):
    text = raw.decode("utf-8")  # strictly
    if UNSAFE.search(text):
        raise Bad("a control character in the line")
    event = json.loads(text, object_pairs_hook=pairs, parse_constant=lambda c: (_ for _ in ()).throw(Bad(c)))
    for error in validator.iter_errors(event):
        raise Bad(f"{'/'.join(map(str, error.absolute_path)) or 'line'}: {error.message[:300]}")
    check_order(event)
    return event


def undescribed(schema, path=""):
    if isinstance(schema, list):
        for item in schema:
            yield from undescribed(item, path)
    elif isinstance(schema, dict):
        for name, sub in schema.get("properties", {}).items():
            if "/anyOf" not in path and "description" not in sub and "$ref" not in sub:
                yield f"{path}/{name}"
        for key, sub in schema.items():
            yield from undescribed(sub, f"{path}/{key}")


def main():
    schema = json.load(open(sys.argv[1], encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    for path in undescribed(schema):
        sys.exit(f"{sys.argv[1]}: no description: {path}")
    validator = jsonschema.Draft202012Validator(schema)
    for path in sys.argv[2:]:
        last, n = {}, 0
        for n, raw in enumerate(open(path, "rb"), 1):
            try:
                if not raw.endswith(b"\n"):
                    raise Bad("cut")
                event = check_line(raw[:-1], validator)
                pid, seq, lost = event["pid"], event["seq"], event["fields"].get("lost", 0)
                if pid in last and seq != last[pid] + 1 and seq != last[pid] + lost:
                    raise Bad(f"seq {seq} after {last[pid]}")
                last[pid] = seq
            except (Bad, ValueError) as why:
                sys.exit(f"{path}:{n}: {why}\n{raw[:2000]!r}")
        print(f"{os.path.basename(path)}: {n} lines, all as the schema says")


main()
