#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""compare-schema.py SCHEMA FILE... - is each answer of `compare` what the schema says, and do its parts add up? Are pages well-formed?"""
import json
import re
import sys
import xml.etree.ElementTree

try:
    import jsonschema
except ImportError:
    sys.exit("compare-schema.py: the Debian package python3-jsonschema is missing")

with open(sys.argv[1]) as f:
    schema = json.load(f)
jsonschema.Draft202012Validator.check_schema(schema)
for path in sys.argv[2:]:
    with open(path) as f:
        text = f.read()
    if path.endswith(".html"):
        for part in re.findall(r"<svg.*?</svg>|<table>.*?</table>|<p>.*?</p>", text, re.S):
            xml.etree.ElementTree.fromstring(part)
        continue
    d = json.loads(text)
    for e in jsonschema.Draft202012Validator(schema).iter_errors(d):
        print(f"{path}: {'/'.join(map(str, e.path))}: {e.message}")
    if d["parts"] != [{k: p[k] for k in ("name", "mean_ns")} for p in d["all"]["parts"]]:
        print(f"{path}: parts are not those of all requests")
    for g in [d["all"]] + d.get("functions", d.get("groups")):
        if g["a"]["ok"] and g["b"]["ok"] and sum(p["mean_ns"] for p in g["parts"]) != g["b"]["mean_ns"] - g["a"]["mean_ns"]:
            print(f"{path}: the parts of {g.get('function_name', 'all')} do not add up")
print(len(sys.argv) - 2, "answers")
